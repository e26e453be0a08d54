//! The block log's files: whatever stands in one, the log opens with what is whole of it, and then
//! has nothing left to mend.

#![no_main]

use liuhen_node::store::BlockLog;
use liuhen_proto::types::Height;
use std::path::PathBuf;
use std::sync::LazyLock;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = tempfile::tempdir().map(tempfile::TempDir::keep);
    folder.expect("a folder for the log can be made")
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let file = FOLDER.join(format!("blocks-{:020}.log", 1));
    std::fs::write(&file, bytes).expect("the log can be written");
    let (log, _) = BlockLog::open(&FOLDER).expect("a log opens, whatever its file holds");
    let height = log.height();
    for height in 0..=height.get() + 1 {
        let _ = log.read(Height::new(height));
    }
    drop(log);
    let (again, damage) = BlockLog::open(&FOLDER).expect("a log opens again");
    assert_eq!((again.height(), damage), (height, None));
});
