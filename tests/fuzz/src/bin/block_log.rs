//! The block log's files: whatever stands in one, the log opens with what is whole of it, and the same each time; cut before its
//! first hole it has none left.

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
    let (log, _) = BlockLog::open(FOLDER.as_path()).expect("a log opens, whatever its file holds");
    let (height, holes) = (log.height(), log.holes().collect::<Vec<_>>());
    for height in 0..=height.get() + 1 {
        let _ = log.read(Height::new(height));
    }
    drop(log);
    let (mut again, _) = BlockLog::open(FOLDER.as_path()).expect("a log opens again");
    assert_eq!((again.height(), again.holes().collect::<Vec<_>>()), (height, holes.clone()));
    if let Some(first) = holes.first() {
        again.cut(*first).expect("a log is cut");
        drop(again);
        let (cut, _) = BlockLog::open(FOLDER.as_path()).expect("a log that was cut opens");
        assert_eq!((cut.height(), cut.holes().count()), (first.previous(), 0));
    }
    for kept in std::fs::read_dir(&*FOLDER).expect("a folder").flatten() {
        let _ = std::fs::remove_file(kept.path());
    }
});
