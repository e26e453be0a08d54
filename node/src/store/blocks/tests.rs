//! Torn tails, damage and holes.

use super::*;
use crate::store::record::Block;
use liuhen_proto::types::{ChainId, Hash, KeyId, TimeMs};
use std::path::Path;

fn header(number: u64) -> Header {
    Header {
        protocol: 1,
        suite: 1,
        chain: ChainId::ZERO,
        height: Height::new(number),
        time: TimeMs::new(number),
        proposer: KeyId::new([1; 32]),
        last_commit: Hash::ZERO,
        log_root: Hash::ZERO,
        event_count: 1,
        events_root: Hash::ZERO,
        map_root: Hash::ZERO,
        validators_hash: Hash::ZERO,
        next_validators_hash: Hash::ZERO,
    }
}

fn block(number: u8) -> StoredBlock {
    let transactions = vec![vec![number; 100]];
    let header = header(u64::from(number)).to_bytes().to_vec();
    StoredBlock {
        block: Block { header, last_certificate: vec![], transactions },
        certificate: vec![number],
        outcomes: vec![1],
        ledger_events: vec![vec![number; 3]],
        ledger_places: vec![0],
        next_validators: Vec::new(),
    }
}

fn filled(folder: &Path, count: u8) -> PathBuf {
    let (mut log, damage) = BlockLog::open(folder).unwrap();
    assert_eq!(damage, []);
    for number in 1..=count {
        log.append(&block(number)).unwrap();
    }
    log.segments[0].path.path().to_owned()
}

#[test]
fn blocks_come_back() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 3);
    let (log, damage) = BlockLog::open(folder.path()).unwrap();
    assert_eq!((log.height(), damage), (Height::new(3), vec![]));
    assert_eq!(log.read(Height::new(2)).unwrap(), Some(block(2)));
    assert_eq!(log.header(Height::new(2)).unwrap(), Some(block(2).block.header));
    assert_eq!(log.header(Height::new(4)).unwrap(), None);
    assert_eq!(log.read(Height::GENESIS).unwrap(), None);
    assert_eq!(log.read(Height::new(4)).unwrap(), None);
}

#[test]
fn a_long_chain_does_not_hold_a_file_for_each_segment() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, _) = BlockLog::open(folder.path()).unwrap();
    let count = 3 * OPENED as u8;
    for number in 1..=count {
        log.new_segment().unwrap();
        log.append(&block(number)).unwrap();
    }
    let held = || {
        let all = std::fs::read_dir("/proc/self/fd").unwrap();
        let here =
            |it: PathBuf| std::fs::read_link(it).is_ok_and(|to| to.starts_with(folder.path()));
        all.filter(|it| here(it.as_ref().unwrap().path())).count()
    };
    let read_all = |log: &BlockLog| {
        for number in (1..=count).chain((1..=count).rev()) {
            let height = Height::new(u64::from(number));
            assert_eq!(log.read(height).unwrap(), Some(block(number)));
        }
    };
    read_all(&log);
    assert!(held() <= OPENED + 1, "{} files", held());
    drop(log);
    let (mut log, damage) = BlockLog::open(folder.path()).unwrap();
    assert_eq!(damage, []);
    read_all(&log);
    assert!(held() <= OPENED + 1, "{} files after opening", held());
    log.append(&block(count + 1)).unwrap();
    assert_eq!(log.read(log.height()).unwrap(), Some(block(count + 1)));
}

#[test]
fn a_torn_tail_is_cut_wherever_it_is_torn() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path(), 3);
    let whole = std::fs::read(&path).unwrap();
    let entry = whole.len() / 3;
    for cut in 2 * entry..whole.len() {
        std::fs::write(&path, &whole[..cut]).unwrap();
        let (mut log, damage) = BlockLog::open(folder.path()).unwrap();
        assert_eq!((log.height(), damage), (Height::new(2), vec![]), "cut at {cut}");
        log.append(&block(3)).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), whole);
    }
    std::fs::write(&path, [whole.as_slice(), &[0; 5000]].concat()).unwrap();
    let (log, damage) = BlockLog::open(folder.path()).unwrap();
    assert_eq!((log.height(), damage), (Height::new(3), vec![]));
}

/// The heights at which there are holes, as found at opening and as the log has them.
fn holes(folder: &Path) -> (BlockLog, Vec<u64>) {
    let (log, damage) = BlockLog::open(folder).unwrap();
    let found = damage.iter().flat_map(|it| it.heights.start().get()..=it.heights.end().get());
    let found: Vec<u64> = found.collect();
    let held: Vec<u64> = log.holes().map(Height::get).collect();
    assert_eq!(found, held);
    assert!(damage.iter().all(|it| it.kept_at.exists()), "{damage:?}");
    (log, held)
}

/// Every block but those at which there are holes.
fn reads_all_but(log: &BlockLog, count: u8, holes: &[u64]) {
    assert_eq!(log.height(), Height::new(u64::from(count)));
    for number in 1..=count {
        let read = log.read(Height::new(u64::from(number)));
        match holes.contains(&u64::from(number)) {
            true => assert!(read.is_err(), "{number}"),
            false => assert_eq!(read.unwrap(), Some(block(number)), "{number}"),
        }
    }
}

#[test]
fn damage_further_in_is_a_hole_that_is_filled_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path(), 4);
    let whole = std::fs::read(&path).unwrap();
    let entry = whole.len() / 4;
    // In the length, in the sums, in the payload of block 2.
    for at in [0, 5, 9, 60, entry - 1] {
        let mut bytes = whole.clone();
        bytes[entry + at] ^= 0x40;
        std::fs::write(&path, &bytes).unwrap();
        for _ in 0..2 {
            let (log, found) = holes(folder.path());
            assert_eq!(found, [2], "at {at}");
            reads_all_but(&log, 4, &[2]);
        }
        assert_eq!(std::fs::read(path.with_extension("damaged")).unwrap(), bytes);
        let (mut log, _) = holes(folder.path());
        // Blocks go on behind it.
        log.append(&block(5)).unwrap();
        reads_all_but(&log, 5, &[2]);
        log.fill(Height::new(2), &block(2)).unwrap();
        reads_all_but(&log, 5, &[]);
        log.append(&block(6)).unwrap();
        let (log, found) = holes(folder.path());
        assert_eq!(found, [0u64; 0]);
        reads_all_but(&log, 6, &[]);
        std::fs::remove_file(path.with_extension("damaged")).unwrap();
    }
}

#[test]
fn each_of_several_holes_is_filled() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path(), 6);
    let mut bytes = std::fs::read(&path).unwrap();
    let entry = bytes.len() / 6;
    // Two lengths in a row, so that where the second begins is lost, and one payload.
    for at in [entry, 2 * entry, 4 * entry + 70] {
        bytes[at] ^= 1;
    }
    std::fs::write(&path, &bytes).unwrap();
    let (mut log, found) = holes(folder.path());
    assert_eq!(found, [2, 3, 5]);
    for (number, left) in [(3, vec![2, 5]), (5, vec![2]), (2, vec![])] {
        log.fill(Height::new(u64::from(number)), &block(number)).unwrap();
        reads_all_but(&log, 6, &left);
        let (again, found) = holes(folder.path());
        assert_eq!(found, left);
        reads_all_but(&again, 6, &left);
    }
}

#[test]
fn a_lost_segment_and_a_torn_one_before_another_are_holes() {
    let folder = tempfile::tempdir().unwrap();
    let (mut log, _) = BlockLog::open(folder.path()).unwrap();
    for number in 1..=6 {
        if number % 2 == 1 {
            log.new_segment().unwrap();
        }
        log.append(&block(number)).unwrap();
    }
    drop(log);
    let segment = |first: u64| folder.path().join(format!("blocks-{first:020}.log"));
    let first = std::fs::read(segment(1)).unwrap();
    std::fs::write(segment(1), &first[..first.len() - 1]).unwrap();
    std::fs::remove_file(segment(3)).unwrap();
    let (log, damage) = BlockLog::open(folder.path()).unwrap();
    assert_eq!(log.holes().map(Height::get).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(damage.len(), 1);
    reads_all_but(&log, 6, &[2, 3, 4]);
    drop(log);
    std::fs::remove_file(segment(1)).unwrap();
    let (mut log, _) = BlockLog::open(folder.path()).unwrap();
    for number in [2, 4, 1, 3] {
        log.fill(Height::new(u64::from(number)), &block(number)).unwrap();
    }
    reads_all_but(&log, 6, &[]);
    let (log, found) = holes(folder.path());
    assert_eq!(found, [0u64; 0]);
    reads_all_but(&log, 6, &[]);
}

#[test]
fn a_log_is_cut_before_a_height() {
    for height in 1..=6u64 {
        let folder = tempfile::tempdir().unwrap();
        let (mut log, _) = BlockLog::open(folder.path()).unwrap();
        for number in 1..=6 {
            if number == 4 {
                log.new_segment().unwrap();
            }
            log.append(&block(number)).unwrap();
        }
        log.cut(Height::new(height)).unwrap();
        let kept = u8::try_from(height - 1).unwrap();
        reads_all_but(&log, kept, &[]);
        log.append(&block(kept + 1)).unwrap();
        let (log, found) = holes(folder.path());
        assert_eq!(found, [0u64; 0]);
        reads_all_but(&log, kept + 1, &[]);
    }
}

#[test]
fn a_block_that_is_damaged_later_is_a_hole_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = filled(folder.path(), 4);
    let (mut log, _) = BlockLog::open(folder.path()).unwrap();
    assert!((1..=4).all(|number| !log.check(Height::new(number))));
    let mut bytes = std::fs::read(&path).unwrap();
    let entry = bytes.len() / 4;
    bytes[entry + 60] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    assert!(log.check(Height::new(2)));
    reads_all_but(&log, 4, &[2]);
    log.fill(Height::new(2), &block(2)).unwrap();
    assert!(!log.check(Height::new(2)));
    let (log, _) = holes(folder.path());
    reads_all_but(&log, 4, &[]);
}

/// A log that begins in the middle of a chain is filled from the beginning on, over several files and starts, with a torn write in between.
#[test]
fn what_was_never_here_is_filled_in_order() {
    let folder = tempfile::tempdir().unwrap();
    filled(folder.path(), 2);
    let (mut log, _) = BlockLog::open(folder.path()).unwrap();
    log.begin_at(Height::new(30), &block(30)).unwrap();
    log.append(&block(31)).unwrap();
    let reopened = || {
        let (mut log, _) = BlockLog::open(folder.path()).unwrap();
        log.begins_at(Height::new(30));
        assert_eq!(log.holes().count(), 0);
        log
    };
    for (first, last, torn) in [(1u8, 7u8, false), (8, 8, true), (9, 20, false), (21, 29, true)] {
        let mut log = reopened();
        assert_eq!(log.older().next(), Some(Height::new(u64::from(first))));
        assert_eq!(log.older().count(), 30 - usize::from(first));
        assert!(matches!(log.read(Height::new(29)), Err(StoreError::NotYet)));
        let blocks: Vec<_> = (first..=last).map(block).collect();
        log.fill_run(Height::new(u64::from(first)), &blocks).unwrap();
        // What is there is left as it is.
        log.fill_run(Height::new(1), &[block(99)]).unwrap();
        let at = log.segments.iter().rposition(|it| it.first < Height::new(30)).unwrap();
        if torn {
            let mut file = std::fs::OpenOptions::new();
            let mut file = file.append(true).open(log.segments[at].path.path()).unwrap();
            std::io::Write::write_all(&mut file, &[7; 40]).unwrap();
        }
    }
    // One of them rots, and is written where it was.
    let mut log = reopened();
    log.places[4] = None;
    assert_eq!(log.older().collect::<Vec<_>>(), [Height::new(5)]);
    log.fill_run(Height::new(5), &[block(5), block(99)]).unwrap();
    let log = reopened();
    assert_eq!(log.older().count(), 0);
    for number in 1..=31 {
        assert_eq!(log.read(Height::new(u64::from(number))).unwrap(), Some(block(number)));
    }
    let (log, damage) = BlockLog::open(folder.path()).unwrap();
    assert_eq!((log.height(), damage), (Height::new(31), vec![]));
}
