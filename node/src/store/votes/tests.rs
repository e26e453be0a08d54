//! What is on record, whatever happens to the file.

use super::*;

const CHAIN: ChainId = ChainId::ZERO;
const KEY: KeyId = KeyId::new([7; 32]);

fn signed(height: u64, round: u32, step: Step, bytes: &[u8]) -> Signed {
    Signed::new(Height::new(height), round, step, bytes.to_vec())
}

fn open(path: &Path) -> VoteRecord {
    VoteRecord::open(path, CHAIN, KEY).unwrap()
}

#[test]
fn one_message_at_each_place_and_none_before_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vote-record");
    assert_eq!(open(&path).known(), Known::Nothing);
    VoteRecord::begin(&path, &KEY).unwrap();
    assert!(VoteRecord::begin(&path, &KEY).is_err(), "a record is never overwritten");
    let mut record = open(&path);
    assert_eq!(record.known(), Known::Never);
    let first = signed(5, 1, Step::Prevote, b"a");
    assert_eq!(record.note(first.clone()).unwrap(), Noted::New);
    for _ in 0..2 {
        assert_eq!(record.note(first.clone()).unwrap(), Noted::Same);
        for other in [
            signed(5, 1, Step::Prevote, b"b"),
            signed(5, 0, Step::Precommit, b"a"),
            signed(5, 0, Step::Prevote, b"a"),
            signed(4, 9, Step::Precommit, b"a"),
        ] {
            assert_eq!(record.note(other.clone()).unwrap(), Noted::Contradicts, "{other:?}");
        }
        record = open(&path);
        assert_eq!(record.known(), Known::UpTo(Height::new(5)));
    }
    // What follows from an own message is sent before that.
    assert_eq!(record.note(signed(5, 1, Step::Propose, b"e")).unwrap(), Noted::New);
    assert_eq!(record.note(signed(5, 1, Step::Propose, b"f")).unwrap(), Noted::Contradicts);
    assert_eq!(record.note(signed(5, 1, Step::Precommit, b"c")).unwrap(), Noted::New);
    assert_eq!(record.note(signed(6, 0, Step::Propose, b"d")).unwrap(), Noted::New);
    assert_eq!(record.note(first).unwrap(), Noted::Contradicts);
    let record = open(&path);
    assert_eq!(record.signed().collect::<Vec<_>>(), [&signed(6, 0, Step::Propose, b"d")]);
    assert!(!record.is_damaged());
}

#[test]
fn many_heights_and_rounds_stay_within_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vote-record");
    VoteRecord::begin(&path, &KEY).unwrap();
    let mut record = open(&path);
    for height in 1..400 {
        for step in [Step::Prevote, Step::Precommit] {
            let noted = record.note(signed(height, 0, step, &[9; 130])).unwrap();
            assert_eq!(noted, Noted::New);
        }
    }
    for round in 0..300 {
        record.note(signed(400, round, Step::Prevote, &[9; 130])).unwrap();
    }
    assert_eq!(std::fs::metadata(&path).unwrap().len(), ALLOCATED as u64);
    let mut again = open(&path);
    assert_eq!(again.signed().last(), Some(&signed(400, 299, Step::Prevote, &[9; 130])));
    assert_eq!(again.note(signed(400, 299, Step::Prevote, b"b")).unwrap(), Noted::Contradicts);
    assert_eq!(again.note(signed(400, 3, Step::Prevote, b"b")).unwrap(), Noted::Contradicts);
}

#[test]
fn whatever_byte_is_damaged_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vote-record");
    VoteRecord::begin(&path, &KEY).unwrap();
    let mut record = open(&path);
    record.note(signed(5, 0, Step::Prevote, b"a vote")).unwrap();
    record.note(signed(5, 0, Step::Precommit, b"another")).unwrap();
    drop(record);
    let whole = std::fs::read(&path).unwrap();
    let written = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for at in 0..written {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        std::fs::write(&path, &bytes).unwrap();
        assert!(open(&path).is_damaged(), "at {at}");
    }
    // A torn entry: what was there before it is known, and that something is missing.
    let mut bytes = whole.clone();
    bytes[written - 3..].fill(0);
    std::fs::write(&path, &bytes).unwrap();
    let mut record = open(&path);
    assert!(record.is_damaged());
    assert_eq!(record.known(), Known::UpTo(Height::new(5)));
    // Voting goes on above: the damaged file is kept beside.
    record.note(signed(6, 0, Step::Prevote, b"c")).unwrap();
    assert!(!open(&path).is_damaged());
    assert_eq!(std::fs::read(folder.path().join("vote-record.damaged-1")).unwrap(), bytes);
}

#[test]
fn of_another_key_or_chain_nothing_is_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vote-record");
    VoteRecord::begin(&path, &KEY).unwrap();
    open(&path).note(signed(5, 0, Step::Prevote, b"a")).unwrap();
    let other = KeyId::new([8; 32]);
    assert_eq!(VoteRecord::open(&path, CHAIN, other).unwrap().known(), Known::Nothing);
    let elsewhere = ChainId::new([1; 32]);
    let mut record = VoteRecord::open(&path, elsewhere, KEY).unwrap();
    assert_eq!(record.known(), Known::Never);
    record.note(signed(1, 0, Step::Prevote, b"a")).unwrap();
    // What was signed on the other chain is kept.
    assert_eq!(open(&path).known(), Known::UpTo(Height::new(5)));
}

#[test]
fn a_person_may_give_their_word() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vote-record");
    let mut record = open(&path);
    let word = (Height::new(9), TimeMs::new(5));
    record.by_word(word.0, word.1).unwrap();
    let mut record = open(&path);
    assert_eq!(record.word(), Some(word));
    assert_eq!(record.known(), Known::UpTo(Height::new(8)));
    assert_eq!(record.note(signed(8, 7, Step::Prevote, b"a")).unwrap(), Noted::Contradicts);
    assert_eq!(record.note(signed(9, 0, Step::Prevote, b"a")).unwrap(), Noted::New);
    // It stands for that height.
    let mut record = open(&path);
    assert_eq!(record.word(), Some(word));
    record.note(signed(10, 0, Step::Prevote, b"a")).unwrap();
    assert_eq!(open(&path).word(), None);
    record.nothing_above(Height::new(12)).unwrap();
    let mut record = open(&path);
    assert_eq!(record.known(), Known::UpTo(Height::new(12)));
    assert_eq!(record.note(signed(12, 9, Step::Prevote, b"a")).unwrap(), Noted::Contradicts);
}
