//! A disk that tears, reorders, loses and damages what is written, fills up, and fails at any call.
//!
//! What a process wrote is seen by it at once, and survives the process. What survives the power is what was synced, and of the rest
//! whatever chance leaves: each sector as it was after some of the writes, whatever the others are, with zeros where a file had got its
//! length and not its bytes. Names come and go in the order in which they were changed, and are durable once their folder is synced, or a file behind
//! them, as on ext4 and XFS. After a sync that failed, what was to be synced may be seen and yet never reach the disk.

mod files;
mod tables;

use crate::random::Random;
use files::Data;
pub(crate) use files::SimFile;
use liuhen_node::store::StoreError;
use liuhen_node::store::disk::{Access, Disk, DiskFile, DiskPath, TableStore};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tables::{Kept, SimTables};

/// A disk.
#[derive(Debug, Clone)]
pub(crate) struct SimDisk(Arc<Mutex<State>>);

/// Something that happens at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    /// The process is killed.
    Kill,
    /// The power goes.
    PowerCut,
    /// The call fails.
    Fail,
}

#[derive(Debug)]
struct State {
    random: Random,
    files: BTreeMap<u64, Data>,
    /// Names as processes see them, and as they are durable.
    names: BTreeMap<PathBuf, u64>,
    durable: BTreeMap<PathBuf, u64>,
    /// Changes of names that are not durable yet: the file, or that the name is gone.
    changed: Vec<(PathBuf, Option<u64>)>,
    folders: BTreeSet<PathBuf>,
    tables: BTreeMap<PathBuf, Kept>,
    next: u64,
    calls: u64,
    planned: Option<(u64, At)>,
    /// What happened to the process.
    ended: Option<At>,
    is_full: bool,
}

impl SimDisk {
    pub(crate) fn new(random: Random) -> Self {
        let (files, names, durable, changed, folders, tables) = Default::default();
        #[rustfmt::skip]
        let state = State {
            random, files, names, durable, changed, folders, tables, next: 1, calls: 0, planned: None, ended: None, is_full: false,
        };
        Self(Arc::new(Mutex::new(state)))
    }

    pub(crate) fn home(&self) -> DiskPath {
        DiskPath::new(Arc::new(self.clone()), "/node".into())
    }

    /// Plans that something happens in so many calls.
    pub(crate) fn plan(&self, in_calls: u64, at: At) {
        let mut state = self.lock();
        state.planned = Some((state.calls + in_calls, at));
    }

    /// Nothing is planned any more.
    pub(crate) fn spare(&self) {
        self.lock().planned = None;
    }

    /// Whether the process was ended by what was planned.
    pub(crate) fn has_ended(&self) -> bool {
        self.lock().ended.is_some()
    }

    /// Whether there is room for more.
    pub(crate) fn set_full(&self, is_full: bool) {
        self.lock().is_full = is_full;
    }

    /// Another process begins. The one before is gone with all that it had open.
    pub(crate) fn begin(&self) {
        let mut state = self.lock();
        let ended = state.ended.take();
        if ended == Some(At::PowerCut) {
            state.cut_power();
        }
    }

    /// All files below a folder, by name.
    pub(crate) fn below(&self, folder: &str) -> Vec<PathBuf> {
        let folder = Path::new("/node").join(folder);
        self.lock().names.keys().filter(|it| it.starts_with(&folder)).cloned().collect()
    }

    /// The bytes of a file.
    pub(crate) fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.lock();
        Some(state.files.get(state.names.get(path)?)?.now().to_vec())
    }

    /// Puts bytes in the place of a file's while no process runs.
    pub(crate) fn put(&self, path: &Path, bytes: &[u8]) {
        let mut state = self.lock();
        let id = match state.names.get(path) {
            Some(id) => *id,
            None => state.make(path),
        };
        if let Some(data) = state.files.get_mut(&id) {
            *data = Data::of(bytes);
        }
        state.settle(path);
    }

    /// Removes a file while no process runs.
    pub(crate) fn lose(&self, path: &Path) {
        let mut state = self.lock();
        state.names.remove(path);
        state.settle(path);
    }

    /// Removes the index's tables and all files below a folder.
    pub(crate) fn lose_all(&self, folder: &str) {
        for path in self.below(folder) {
            self.lose(&path);
        }
        let folder = Path::new("/node").join(folder);
        self.lock().tables.retain(|it, _| !it.starts_with(&folder));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A call is made. Errors where the process is no more, or this call fails. Some of what it does may have been done.
    fn call(&mut self) -> Result<()> {
        self.calls += 1;
        if self.ended.is_none()
            && let Some((_, at)) = self.planned.take_if(|(call, _)| *call <= self.calls)
        {
            match at {
                At::Fail => return Err(Error::other("input/output error")),
                At::Kill | At::PowerCut => self.ended = Some(at),
            }
        }
        match self.ended {
            Some(_) => Err(Error::other("the process is no more")),
            None => Ok(()),
        }
    }

    fn make(&mut self, path: &Path) -> u64 {
        let id = self.next;
        self.next += 1;
        self.files.insert(id, Data::default());
        self.names.insert(path.to_owned(), id);
        self.changed.push((path.to_owned(), Some(id)));
        id
    }

    /// What a name stands for is durable.
    fn settle(&mut self, path: &Path) {
        self.changed.retain(|(it, _)| it != path);
        match self.names.get(path) {
            Some(id) => self.durable.insert(path.to_owned(), *id),
            None => self.durable.remove(path),
        };
    }

    /// The first changes of names are durable.
    fn settle_first(&mut self, count: usize) {
        for (path, id) in self.changed.drain(..count) {
            match id {
                Some(id) => self.durable.insert(path, id),
                None => self.durable.remove(&path),
            };
        }
    }

    fn settle_until(&mut self, is_last: impl Fn(&(PathBuf, Option<u64>)) -> bool) {
        let count = self.changed.iter().rposition(is_last).map_or(0, |it| it + 1);
        self.settle_first(count);
    }

    fn cut_power(&mut self) {
        let count = self.random.index(self.changed.len() + 1);
        self.settle_first(count);
        self.changed.clear();
        self.names = self.durable.clone();
        let alive: BTreeSet<u64> = self.names.values().copied().collect();
        self.files.retain(|id, _| alive.contains(id));
        for data in self.files.values_mut() {
            data.cut_power(&mut self.random);
        }
        for tables in self.tables.values_mut() {
            tables.cut_power(&mut self.random);
        }
    }
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, access: Access) -> Result<Arc<dyn DiskFile>> {
        let mut state = self.lock();
        state.call()?;
        let id = match (state.names.get(path).copied(), access) {
            (Some(id), Access::Read | Access::Write) => id,
            (Some(id), Access::New) => {
                if let Some(data) = state.files.get_mut(&id) {
                    data.set_length(0);
                }
                id
            }
            (None, Access::New) if state.is_full => return Err(full()),
            (None, Access::New) => state.make(path),
            (None, Access::Read | Access::Write) => return Err(ErrorKind::NotFound.into()),
        };
        Ok(Arc::new(SimFile::new(self.clone(), id)))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let mut state = self.lock();
        state.call()?;
        let id = state.names.remove(from).ok_or(ErrorKind::NotFound)?;
        state.names.insert(to.to_owned(), id);
        state.changed.push((to.to_owned(), Some(id)));
        state.changed.push((from.to_owned(), None));
        Ok(())
    }

    fn remove(&self, path: &Path) -> Result<()> {
        let mut state = self.lock();
        state.call()?;
        state.names.remove(path).ok_or(ErrorKind::NotFound)?;
        state.changed.push((path.to_owned(), None));
        Ok(())
    }

    fn remove_folder(&self, path: &Path) -> Result<()> {
        let mut state = self.lock();
        state.call()?;
        state.tables.retain(|it, _| !it.starts_with(path));
        state.folders.retain(|it| !it.starts_with(path));
        Ok(())
    }

    fn make_folder(&self, path: &Path) -> Result<()> {
        let mut state = self.lock();
        state.call()?;
        state.folders.insert(path.to_owned());
        Ok(())
    }

    fn list(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        let mut state = self.lock();
        state.call()?;
        Ok(state.names.keys().filter(|it| it.parent() == Some(folder)).cloned().collect())
    }

    fn sync_folder(&self, folder: &Path) -> Result<()> {
        let mut state = self.lock();
        state.call()?;
        state.settle_until(|(path, _)| path.parent() == Some(folder));
        Ok(())
    }

    fn exists(&self, path: &Path) -> bool {
        let state = self.lock();
        state.folders.contains(path)
            || state.tables.contains_key(path)
            || state.names.contains_key(path)
    }

    fn tables(&self, folder: &Path) -> std::result::Result<Arc<dyn TableStore>, StoreError> {
        let mut state = self.lock();
        state.call().map_err(|why| StoreError::Io { what: "open the index".into(), why })?;
        state.tables.entry(folder.to_owned()).or_default();
        Ok(Arc::new(SimTables::new(self.clone(), folder.to_owned())))
    }
}

fn full() -> Error {
    Error::new(ErrorKind::StorageFull, "no space left on device")
}
