//! The files of the block log: their names, and copies of those that are damaged.

use crate::files::free_name;
use crate::store::StoreError;
use liuhen_proto::types::Height;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The files of a log in a folder, in order.
pub(crate) fn segment_paths(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let what = || format!("read {}", folder.display());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(StoreError::io(what()))? {
        let path = entry.map_err(StoreError::io(what()))?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// A copy of a file beside it; the one that is there already where it is the same.
pub(super) fn keep_copy(path: &Path) -> Result<PathBuf, StoreError> {
    let what = || format!("copy {}", path.display());
    let bytes = std::fs::read(path).map_err(StoreError::io(what()))?;
    let kept = path.with_extension("damaged");
    let numbered = (1u32..).map(|n| path.with_extension(format!("damaged-{n}")));
    for kept in std::iter::once(kept).chain(numbered) {
        match std::fs::read(&kept) {
            Ok(there) if there == bytes => return Ok(kept),
            Ok(_) => {}
            Err(_) => {
                std::fs::copy(path, &kept).map_err(StoreError::io(what()))?;
                return Ok(kept);
            }
        }
    }
    Ok(path.to_owned())
}

/// Moves a file to a name beside it.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let aside = free_name(path, "behind-damage");
    std::fs::rename(path, &aside).map_err(StoreError::io(format!("move {}", path.display())))?;
    Ok(aside)
}

/// The file of the blocks from a height on.
pub(super) fn segment_path(folder: &Path, first: Height) -> PathBuf {
    folder.join(format!("blocks-{:020}.log", first.get()))
}

/// The height of a segment's first block, as its name says.
pub(super) fn first_height(path: &Path) -> Option<Height> {
    let number = path.file_stem()?.to_str()?.strip_prefix("blocks-")?;
    Some(Height::new(number.parse().ok()?))
}

/// Makes names in a folder durable.
pub(in crate::store) fn sync_folder(folder: &Path) -> Result<(), StoreError> {
    let what = || format!("sync {}", folder.display());
    let file = File::open(folder).map_err(StoreError::io(what()))?;
    file.sync_all().map_err(StoreError::io(what()))
}
