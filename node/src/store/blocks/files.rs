//! The files of the block log: their names, and copies of those that are damaged.

use crate::store::StoreError;
use crate::store::disk::DiskPath;
use liuhen_proto::types::Height;
use std::path::Path;

/// The files of a log in a folder, in order.
pub(crate) fn segment_paths(folder: &DiskPath) -> Result<Vec<DiskPath>, StoreError> {
    let paths = folder.list().map_err(StoreError::io(format!("read {folder}")))?;
    let is_log = |it: &DiskPath| it.path().extension().is_some_and(|extension| extension == "log");
    Ok(paths.into_iter().filter(is_log).collect())
}

/// A copy of a file beside it; the one that is there already where it is the same.
pub(super) fn keep_copy(path: &DiskPath) -> Result<DiskPath, StoreError> {
    let what = || format!("copy {path}");
    let bytes = path.read().map_err(StoreError::io(what()))?;
    let kept = path.with_extension("damaged");
    let numbered = (1u32..).map(|n| path.with_extension(&format!("damaged-{n}")));
    for kept in std::iter::once(kept).chain(numbered) {
        match kept.read() {
            Ok(there) if there == bytes => return Ok(kept),
            Ok(_) => {}
            Err(_) => {
                path.copy(&kept).map_err(StoreError::io(what()))?;
                return Ok(kept);
            }
        }
    }
    Ok(path.clone())
}

/// Moves a file to a name beside it.
pub(super) fn set_aside(path: &DiskPath) -> Result<DiskPath, StoreError> {
    let aside = path.free_name("behind-damage");
    path.rename(&aside).map_err(StoreError::io(format!("move {path}")))?;
    Ok(aside)
}

/// The file of the blocks from a height on.
pub(super) fn segment_path(folder: &DiskPath, first: Height) -> DiskPath {
    folder.join(format!("blocks-{:020}.log", first.get()))
}

/// The height of a segment's first block, as its name says.
pub(super) fn first_height(path: &Path) -> Option<Height> {
    let number = path.file_stem()?.to_str()?.strip_prefix("blocks-")?;
    Some(Height::new(number.parse().ok()?))
}

/// Makes names in a folder durable.
pub(in crate::store) fn sync_folder(folder: &DiskPath) -> Result<(), StoreError> {
    folder.sync_folder().map_err(StoreError::io(format!("sync {folder}")))
}
