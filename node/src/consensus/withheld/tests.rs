//! Each thing that a machine can forget, beside what the others know.

use super::*;
use crate::consensus::signing::Keeper;
use crate::consensus::types::{Height as EngineHeight, Vote};
use crate::store::votes::Step;
use futures::FutureExt as _;
use liuhen_proto::suite::sign::PrivateKey;
use malachitebft_app_channel::Signer as _;
use malachitebft_app_channel::app::types::core::{NilOrVal, Round, VoteType};
use std::path::Path;

const CHAIN: ChainId = ChainId::ZERO;
const KEY: KeyId = KeyId::new([7; 32]);

fn at(height: u64) -> Height {
    Height::new(height)
}

fn vote(height: u64, step: Step, bytes: &[u8]) -> Signed {
    Signed::new(at(height), 0, step, bytes.to_vec())
}

/// A record of a key that signed at this height.
fn record(folder: &Path, height: Option<u64>) -> VoteRecord {
    let path = folder.join("vote-record");
    let _ = std::fs::remove_file(&path);
    VoteRecord::begin(&path, &KEY).unwrap();
    let mut record = VoteRecord::open(&path, CHAIN, KEY).unwrap();
    if let Some(height) = height {
        record.note(vote(height, Step::Prevote, b"first")).unwrap();
        record.note(vote(height, Step::Precommit, b"second")).unwrap();
    }
    record
}

fn none(folder: &Path) -> VoteRecord {
    VoteRecord::open(&folder.join("nowhere"), CHAIN, KEY).unwrap()
}

fn damaged(folder: &Path, height: u64) -> VoteRecord {
    let path = record(folder, Some(height)).path().to_owned();
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[last] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let record = VoteRecord::open(&path, CHAIN, KEY).unwrap();
    assert!(record.is_damaged());
    record
}

fn others(quorum: bool, quorum_without: bool, highest: u64, newest: Option<Signed>) -> Others {
    Others { quorum, quorum_without, highest: at(highest), newest, beside: false }
}

#[test]
fn what_a_node_knows_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let own = [vote(9, Step::Prevote, b"first"), vote(9, Step::Precommit, b"second")];
    let first = &own[..1];
    let lost = |why| Alone::UpTo(at(9), why, None);
    let path = Some(folder.join("vote-record"));
    for (what, record, log, own, next, expected) in [
        ("founding", record(folder, None), None, &[][..], 1, Alone::Never),
        ("a log that plays back", record(folder, Some(9)), Some(9), &own[..], 9, Alone::Everything),
        ("the last block is lost", record(folder, Some(9)), Some(9), &own, 9, Alone::Everything),
        ("no log", record(folder, Some(9)), None, &[], 9, lost(Why::VotesLost)),
        ("an older log", record(folder, Some(9)), Some(8), &[], 9, lost(Why::VotesLost)),
        (
            "a log without the last",
            record(folder, Some(9)),
            Some(9),
            first,
            9,
            lost(Why::VotesLost),
        ),
        (
            "no log, and that height is committed",
            record(folder, Some(9)),
            None,
            &[],
            10,
            Alone::Everything,
        ),
        ("no data at all", record(folder, Some(9)), None, &[], 1, lost(Why::Behind)),
        ("no record", none(folder), Some(9), &own, 9, Alone::Nothing(at(9), None)),
        ("neither", none(folder), None, &[], 9, Alone::Nothing(at(0), None)),
        ("a torn record", damaged(folder, 9), Some(10), &[], 10, Alone::Everything),
        ("a torn record, no log", damaged(folder, 9), None, &[], 10, Alone::Nothing(at(10), path)),
    ] {
        assert_eq!(alone(&record, log.map(at), own, at(next), None), expected, "{what}");
    }
}

#[test]
fn whoever_knows_all_votes_once_a_quorum_was_asked() {
    let folder = tempfile::tempdir().unwrap();
    let record = record(folder.path(), Some(9));
    let judged = |others| judge(&Alone::Everything, &record, &others, at(9));
    let votes = Judged { withheld: None, nothing_above: None };
    assert_eq!(judged(others(true, false, 8, None)), votes);
    // What others heard is what is on record, or older.
    for known in [vote(9, Step::Precommit, b"second"), vote(3, Step::Precommit, b"x")] {
        assert_eq!(judged(others(true, false, 8, Some(known))), votes);
    }
    let asking = judged(others(false, false, 8, None)).withheld.unwrap();
    assert_eq!((asking.until, asking.why), (None, Why::Asking));
}

#[test]
fn an_older_copy_of_the_home_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let record = record(folder.path(), Some(9));
    for (heard, until) in [
        // Later, and another at the same place; beyond what the others have reached.
        (vote(12, Step::Prevote, b"later"), 13),
        (vote(9, Step::Precommit, b"another"), 12),
    ] {
        let judged =
            judge(&Alone::Everything, &record, &others(true, true, 11, Some(heard)), at(9));
        let withheld = judged.withheld.unwrap();
        assert_eq!((withheld.until, withheld.why), (Some(at(until)), Why::Elsewhere));
        assert_eq!(judged.nothing_above, Some(at(until)));
    }
    // Where the others are long past it, it is put on record and nothing is withheld.
    let heard = others(true, true, 11, Some(vote(12, Step::Prevote, b"later")));
    let judged = judge(&Alone::Everything, &record, &heard, at(20));
    assert_eq!(judged, Judged { withheld: None, nothing_above: Some(at(13)) });
}

#[test]
fn of_two_with_one_key_the_later_does_not_vote() {
    let folder = tempfile::tempdir().unwrap();
    let record = record(folder.path(), Some(9));
    let beside = Others { beside: true, ..others(true, true, 11, None) };
    for alone in [Alone::Everything, Alone::Never, Alone::Nothing(at(3), None)] {
        let judged = judge(&alone, &record, &beside, at(9));
        let withheld = judged.withheld.unwrap();
        assert_eq!((withheld.until, withheld.why), (None, Why::Elsewhere));
        assert_eq!(judged.nothing_above, None);
    }
}

#[test]
fn without_a_record_nothing_up_to_one_above_the_highest() {
    let folder = tempfile::tempdir().unwrap();
    let record = none(folder.path());
    let nothing = Alone::Nothing(at(3), None);
    let judged = |others, next| judge(&nothing, &record, &others, at(next));
    // Two thirds of the power must be others'.
    let asking = judged(others(true, false, 40, None), 9);
    assert_eq!(asking.withheld.unwrap(), Withheld { until: None, why: Why::NoRecord, file: None });
    assert_eq!(asking.nothing_above, None);
    for (highest, heard, until) in [(40, None, 41), (40, Some(43), 43), (1, None, 3)] {
        let heard = heard.map(|height| vote(height, Step::Prevote, b"x"));
        let judged = judged(others(true, true, highest, heard), 1);
        assert_eq!(judged.nothing_above, Some(at(until)));
        assert_eq!(judged.withheld.unwrap().until, Some(at(until)));
    }
}

#[test]
fn a_new_key_votes_while_nobody_has_begun() {
    let folder = tempfile::tempdir().unwrap();
    let record = record(folder.path(), None);
    let judged = |others| judge(&Alone::Never, &record, &others, at(1));
    assert_eq!(judged(others(true, false, 0, None)).withheld, None);
    assert_eq!(judged(others(false, false, 0, None)).withheld.unwrap().why, Why::Asking);
    // Somebody shows a certificate: the home may be an older one than it looks.
    let late = judged(others(true, true, 7, None));
    assert_eq!(late.withheld.unwrap().until, Some(at(8)));
    let too_few = judged(others(true, false, 7, None));
    assert_eq!(too_few.withheld.unwrap().until, None);
}

/// What the engine signs while it plays its log back is put there before the next engine does so, where its log has still all
/// that it had then.
#[test]
fn a_log_is_completed_by_what_was_signed_while_it_was_played_back() {
    let key = PrivateKey::from_seed(&[7; 32]);
    let id = key.public().key_id();
    let own = |kind| {
        let (height, round, value) = (EngineHeight(9), Round::new(0), NilOrVal::Nil);
        let vote = Vote { kind, height, round, value, voter: Address(id) };
        let keeper = Keeper { chain: CHAIN, key: key.clone() };
        let signed = keeper.sign_vote(vote).now_or_never().unwrap();
        SignedConsensusMsg::<LiuhenContext>::Vote(signed.unwrap())
    };
    let (first, second) = (own(VoteType::Prevote), own(VoteType::Precommit));
    for (what, log_of, bytes_more, completed) in [
        ("as it was", 9, 0, true),
        ("more came since", 9, -1, true),
        ("its end is lost", 9, 1, false),
        ("of another height", 8, 0, false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (path, data) = (folder.path().join("vote-record"), DiskPath::from(folder.path()));
        let undecided = UndecidedBlocks::open(data.join("undecided")).unwrap();
        let wal = data.join("engine.wal");
        std::fs::write(wal.path(), [&1u32.to_be_bytes()[..], &9u64.to_be_bytes()].concat())
            .unwrap();
        let encoded = WireCodec.encode(&first).unwrap();
        wal::append(&wal, [&encoded[..]].into_iter()).unwrap();
        let bytes = std::fs::metadata(wal.path()).unwrap().len();

        VoteRecord::begin(&path, &id).unwrap();
        let mut record = VoteRecord::open(&path, CHAIN, id).unwrap();
        record.note(signed(&CHAIN, &first)).unwrap();
        let played = Played {
            wal: wal.clone(),
            height: at(9),
            bytes: bytes.checked_add_signed(bytes_more).unwrap(),
        };
        assert_eq!(played.lacks(&first).unwrap(), None, "it is in the log");
        let by = played.lacks(&second).unwrap().unwrap();
        assert_eq!(Played { height: at(8), ..played }.lacks(&second).unwrap(), None);
        // Known from a certificate already: it is the engine's own message that the log lacks.
        record.note(signed(&CHAIN, &second)).unwrap();
        record.note_played_back(signed(&CHAIN, &second), by).unwrap();
        drop(record);
        if log_of != 9 {
            std::fs::write(wal.path(), [&[0, 0, 0, 1][..], &8u64.to_be_bytes()].concat()).unwrap();
        }

        for again in [false, true] {
            let record = VoteRecord::open(&path, CHAIN, id).unwrap();
            let own = (&CHAIN, &id);
            let found = look_over(&data, &record, own, at(9), &undecided).unwrap();
            let messages = wal::read(&wal).unwrap().messages;
            if completed {
                assert_eq!(found.alone, Alone::Everything, "{what}, again: {again}");
                assert_eq!(messages, [first.clone(), second.clone()], "{what}, again: {again}");
                assert_eq!(found.messages, messages, "{what}");
            } else {
                let lost = Alone::UpTo(at(9), Why::VotesLost, None);
                assert_eq!(found.alone, lost, "{what}, again: {again}");
                assert!(!messages.contains(&second), "{what}");
            }
        }
    }
}
