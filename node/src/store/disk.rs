//! The seam under what a node keeps: the few things that it asks of a disk. The real one is in [`super::real`]; the simulation puts
//! one there that tears, loses and damages.

use super::StoreError;
use std::fmt;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It must be there, and is only read.
    Read,
    /// It must be there, and may be written.
    Write,
    /// It is made, or emptied, and may be written.
    New,
}

/// What a node asks of a disk.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Opens a file.
    fn open(&self, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>>;
    /// Puts a file under another name, in the place of what is there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder with all that is in it.
    fn remove_folder(&self, path: &Path) -> io::Result<()>;
    /// Makes a folder, and those above it; one that is there is left.
    fn make_folder(&self, path: &Path) -> io::Result<()>;
    /// The files and folders in a folder, in any order.
    fn list(&self, folder: &Path) -> io::Result<Vec<PathBuf>>;
    /// Makes the names in a folder durable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// Whether something has this name.
    fn exists(&self, path: &Path) -> bool;
    /// Opens the tables of the index in a folder.
    fn tables(&self, folder: &Path) -> Result<Arc<dyn TableStore>, StoreError>;
}

/// What a node asks of a file.
pub trait DiskFile: fmt::Debug + Send + Sync {
    /// How many bytes it has.
    fn size(&self) -> io::Result<u64>;
    /// Reads so many bytes from an offset on. Errors where there are fewer.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
    /// Writes bytes at an offset.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Cuts the file, or lengthens it with zeros.
    fn set_len(&self, length: u64) -> io::Result<()>;
    /// Makes its bytes durable, and its length.
    fn sync_data(&self) -> io::Result<()>;
    /// The same, and what else is said of it.
    fn sync_all(&self) -> io::Result<()>;
}

impl dyn DiskFile {
    /// All its bytes.
    pub(crate) fn read_all(&self) -> io::Result<Vec<u8>> {
        let size = usize::try_from(self.size()?).unwrap_or(usize::MAX);
        let mut bytes = vec![0; size];
        self.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    }
}

/// The tables of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Where the index stands.
    State,
    /// Objects by their place.
    Objects,
    /// Sizes and peaks of trails.
    Heads,
    /// Pages of trails.
    Pages,
    /// Tiles of trails.
    Tiles,
    /// Leaves of events, some at a time.
    Events,
    /// First events of blocks.
    Blocks,
    /// Where transactions are.
    Transactions,
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::State,
        Self::Objects,
        Self::Heads,
        Self::Pages,
        Self::Tiles,
        Self::Events,
        Self::Blocks,
        Self::Transactions,
    ];

    /// Its name on disk.
    pub fn name(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Objects => "objects",
            Self::Heads => "heads",
            Self::Pages => "pages",
            Self::Tiles => "tiles",
            Self::Events => "events",
            Self::Blocks => "blocks",
            Self::Transactions => "transactions",
        }
    }
}

/// A value to be put at a key of a table; `None`: what is there goes.
pub type Change = (Table, Vec<u8>, Option<Vec<u8>>);
/// A key with its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// What a node asks of the tables of its index.
pub trait TableStore: fmt::Debug + Send + Sync {
    /// What stands at a key.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;
    /// What stands from a key on, in the order of keys.
    fn range(&self, table: Table, from: Bound<Vec<u8>>) -> Entries;
    /// The same, keys alone.
    fn keys(&self, table: Table, from: Bound<Vec<u8>>) -> Keys;
    /// Makes all these changes or none, whenever the power goes. They may be lost, but not out of order, until
    /// [`TableStore::sync`].
    fn apply(&self, changes: Vec<Change>) -> Result<(), StoreError>;
    /// Makes what was applied durable.
    fn sync(&self) -> Result<(), StoreError>;
}

/// Entries, each read when it is asked for.
pub type Entries = Box<dyn Iterator<Item = Result<Entry, StoreError>> + Send>;
/// Keys, each read when it is asked for.
pub type Keys = Box<dyn Iterator<Item = Result<Vec<u8>, StoreError>> + Send>;

/// A path on a disk.
#[derive(Debug, Clone)]
pub struct DiskPath {
    disk: Arc<dyn Disk>,
    path: PathBuf,
}

impl DiskPath {
    /// A path on a disk.
    pub fn new(disk: Arc<dyn Disk>, path: PathBuf) -> Self {
        Self { disk, path }
    }

    /// The path alone.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is called so in this folder.
    pub fn join(&self, name: impl AsRef<Path>) -> Self {
        self.at(self.path.join(name))
    }

    /// Another path on the same disk.
    pub(crate) fn at(&self, path: PathBuf) -> Self {
        Self { disk: Arc::clone(&self.disk), path }
    }

    pub(crate) fn with_extension(&self, extension: &str) -> Self {
        self.at(self.path.with_extension(extension))
    }

    pub(crate) fn open(&self, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        self.disk.open(&self.path, access)
    }

    /// All bytes of the file.
    pub(crate) fn read(&self) -> io::Result<Vec<u8>> {
        self.open(Access::Read)?.read_all()
    }

    pub(crate) fn exists(&self) -> bool {
        self.disk.exists(&self.path)
    }

    pub(crate) fn rename(&self, to: &Self) -> io::Result<()> {
        self.disk.rename(&self.path, &to.path)
    }

    pub(crate) fn remove(&self) -> io::Result<()> {
        self.disk.remove(&self.path)
    }

    pub(crate) fn remove_folder(&self) -> io::Result<()> {
        self.disk.remove_folder(&self.path)
    }

    pub(crate) fn make_folder(&self) -> io::Result<()> {
        self.disk.make_folder(&self.path)
    }

    /// What is in this folder, in the order of names.
    pub(crate) fn list(&self) -> io::Result<Vec<Self>> {
        let mut paths = self.disk.list(&self.path)?;
        paths.sort();
        Ok(paths.into_iter().map(|path| self.at(path)).collect())
    }

    /// Makes the names in this folder durable.
    pub(crate) fn sync_folder(&self) -> io::Result<()> {
        self.disk.sync_folder(&self.path)
    }

    pub(crate) fn tables(&self) -> Result<Arc<dyn TableStore>, StoreError> {
        self.disk.tables(&self.path)
    }

    /// Copies the file's bytes to another, which is made or overwritten. They are not synced.
    pub(crate) fn copy(&self, to: &Self) -> io::Result<()> {
        to.open(Access::New)?.write_all_at(&self.read()?, 0)
    }

    /// Writes the file so that a power cut leaves it as it was, or as it shall be.
    pub(crate) fn write_durably(&self, bytes: &[u8]) -> io::Result<()> {
        self.replace(bytes)?;
        match self.path.parent() {
            Some(folder) => self.disk.sync_folder(folder),
            None => Ok(()),
        }
    }

    /// Puts a file with these bytes, synced, in the place of this one; gives the new one, open. Its name is not synced yet.
    pub(crate) fn replace(&self, bytes: &[u8]) -> io::Result<Arc<dyn DiskFile>> {
        let new = self.with_extension("new");
        let file = new.open(Access::New)?;
        file.write_all_at(bytes, 0)?;
        file.sync_all()?;
        new.rename(self)?;
        Ok(file)
    }

    /// `<path>.<what>-<n>`, the first that is free.
    pub(crate) fn free_name(&self, what: &str) -> Self {
        let name = |n: u32| {
            let mut name = self.path.as_os_str().to_owned();
            name.push(format!(".{what}-{n}"));
            self.at(PathBuf::from(name))
        };
        (1..u32::MAX).map(name).find(|it| !it.exists()).unwrap_or_else(|| name(0))
    }
}

impl fmt::Display for DiskPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}
