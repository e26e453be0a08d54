//! Auditors and regulators leave a trace too: what nodes record of them, sealed while an audit runs.

use crate::items::governance::tests::{enactments::voted, votes::change};
use crate::items::reading::read::commitment;
use crate::ledger::tests::{
    account::{at_fault, blamed, counts},
    items::{
        DAY, HOUR, T0, batch_root, close_audit, open_audit, open_reads, read, record_reads,
        seal_reads, sealed_read, signed,
    },
    refusals::{Case, OK, run},
    stage::{MANAGER, Staged, staged},
};
use crate::place::Place;
use crate::tx::Tx;
use crate::types::{ChainId, KeyId};
use crate::wire::{self, IntegrityRule::NotOpened, StandingChange, TrailRead};
use std::sync::Arc;

const NODE: &str = "gz.bdb/node";
const AUDITOR: &str = "gz.aud/auditor";
const AUDIT: (&str, &str) = ("gz.aud", "2026-01");

/// The node that is asked.
fn node(s: &Staged) -> KeyId {
    s.world.signer(NODE).key.public().key_id()
}

fn seen(s: &Staged) -> TrailRead {
    let signer = s.world.signer(AUDITOR);
    signed(&signer.key, &signer.chain, read("gz.aud", &s.identity(AUDITOR)), (&node(s), ""))
}

fn sealed(s: &Staged, salt: u8) -> TrailRead {
    let signer = s.world.signer(AUDITOR);
    let it = sealed_read("gz.aud", &s.identity(AUDITOR), salt);
    signed(&signer.key, &signer.chain, it, (&node(s), AUDIT.1))
}

/// A read that is not as its reader asked for it.
fn bent(s: &Staged, bend: impl FnOnce(&mut TrailRead)) -> Tx {
    let mut it = seen(s);
    bend(&mut it);
    s.sign(NODE, record_reads("gz.bdb", vec![it]))
}

fn asked(it: &mut TrailRead) -> &mut wire::ReadRequest {
    it.request.as_mut().unwrap()
}

/// An audit, for which two reads were sealed.
fn audited(s: &mut Staged) -> Vec<TrailRead> {
    s.world.does(AUDITOR, open_audit("gz.aud", AUDIT.1));
    let reads = vec![sealed(s, 1), sealed(s, 2)];
    s.world.does(NODE, seal_reads("gz.bdb", AUDIT.1, &reads));
    reads
}

/// The same, closed.
fn closed(s: &mut Staged) -> Vec<TrailRead> {
    let reads = audited(s);
    s.world.does(AUDITOR, close_audit("gz.aud", AUDIT.1));
    reads
}

const READS: &[Case] = &[
    ("by a node", OK, |s| s.sign(NODE, record_reads("gz.bdb", vec![seen(s), seen(s)]))),
    ("of a list", OK, |s| {
        bent(s, |it| {
            (it.trail_kind, it.trail_id, it.list) = (0, Vec::new(), "requests".into());
        })
    }),
    ("of another call than was signed", Some("read.bad"), |s| {
        bent(s, |it| asked(it).call_digest = vec![1; 32])
    }),
    ("with another's key", Some("read.bad"), |s| {
        let signer = s.world.signer(MANAGER);
        let it = signed(&signer.key, &signer.chain, seen(s), (&node(s), ""));
        s.sign(NODE, record_reads("gz.bdb", vec![it]))
    }),
    ("of another chain", Some("read.bad"), |s| {
        let signer = s.world.signer(AUDITOR);
        let it = signed(&signer.key, &ChainId::new([1; 32]), seen(s), (&node(s), ""));
        s.sign(NODE, record_reads("gz.bdb", vec![it]))
    }),
    ("in another's name", Some("read.bad"), |s| bent(s, |it| it.department = "gz.reg".into())),
    ("with no key known", Some("key.unknown"), |s| bent(s, |it| asked(it).key_id = vec![1; 32])),
    ("a day after it was asked for", OK, |s| bent(s, |it| it.time_ms += DAY)),
    ("later", Some("read.bad"), |s| bent(s, |it| it.time_ms += DAY + 1)),
    ("shown before it was asked for", Some("read.bad"), |s| {
        let signer = s.world.signer(AUDITOR);
        let late = TrailRead { time_ms: 61_002, ..seen(s) };
        let it = TrailRead {
            time_ms: 1_001,
            ..signed(&signer.key, &signer.chain, late, (&node(s), ""))
        };
        s.sign(NODE, record_reads("gz.bdb", vec![it]))
    }),
    ("shown in a time to come", Some("read.bad"), |s| {
        let signer = s.world.signer(AUDITOR);
        let late = TrailRead { time_ms: s.world.now + HOUR, ..seen(s) };
        let it = signed(&signer.key, &signer.chain, late, (&node(s), ""));
        s.sign(NODE, record_reads("gz.bdb", vec![it]))
    }),
    ("of a node of another department", Some("read.bad"), |s| {
        let signer = s.world.signer(AUDITOR);
        let other = s.world.signer("gz.psb/node").key.public().key_id();
        let it = signed(&signer.key, &signer.chain, seen(s), (&other, ""));
        s.sign(NODE, record_reads("gz.bdb", vec![it]))
    }),
    ("by a department that oversees nothing", Some("read.bad"), |s| {
        let signer = s.world.signer(MANAGER);
        let it = read(&signer.department, &s.identity(MANAGER));
        let it = signed(&signer.key, &signer.chain, it, (&node(s), ""));
        s.sign(NODE, record_reads("gz.bdb", vec![it]))
    }),
    ("sealed twice", Some("read.sealed"), |s| {
        let reads = audited(s);
        s.sign(NODE, seal_reads("gz.bdb", AUDIT.1, &reads))
    }),
    ("by an officer", Some("identity.kind"), |s| {
        s.sign(MANAGER, record_reads("gz.bdb", vec![seen(s)]))
    }),
    ("by another's node", Some("actor.other"), |s| {
        s.sign(NODE, record_reads("gz.psb", vec![seen(s)]))
    }),
    ("sealed for an audit", OK, |s| {
        s.world.does(AUDITOR, open_audit("gz.aud", AUDIT.1));
        s.sign(NODE, seal_reads("gz.bdb", AUDIT.1, &[sealed(s, 1)]))
    }),
    ("sealed for no audit", Some("audit.unknown"), |s| {
        s.sign(NODE, seal_reads("gz.bdb", AUDIT.1, &[sealed(s, 1)]))
    }),
    ("sealed for another department's audit", Some("audit.unknown"), |s| {
        s.world.does(AUDITOR, open_audit("gz.aud", AUDIT.1));
        let read = sealed_read("gz.reg", &s.identity("gz.reg/regulator"), 1);
        s.sign(NODE, seal_reads("gz.bdb", AUDIT.1, &[read]))
    }),
];

/// An audit that lasts so long.
fn until(s: &Staged, ms: u64) -> Tx {
    let until_ms = s.world.now + ms;
    s.sign(AUDITOR, wire::OpenAudit { until_ms, ..open_audit("gz.aud", AUDIT.1) })
}

const AUDITS: &[Case] = &[
    ("by an auditor", OK, |s| s.sign(AUDITOR, open_audit("gz.aud", AUDIT.1))),
    ("by an officer that audits", OK, |s| s.sign("gz.aud/officer", open_audit("gz.aud", AUDIT.1))),
    ("by a regulator", OK, |s| s.sign("gz.reg/regulator", open_audit("gz.reg", AUDIT.1))),
    ("of the same name as another's", OK, |s| {
        s.world.does(AUDITOR, open_audit("gz.aud", AUDIT.1));
        s.sign("gz.reg/regulator", open_audit("gz.reg", AUDIT.1))
    }),
    ("for a year and a day", OK, |s| until(s, 366 * DAY)),
    ("for longer", Some("audit.too_long"), |s| until(s, 366 * DAY + 1)),
    ("until now", Some("audit.too_long"), |s| until(s, 0)),
    ("without the right", Some("right.missing"), |s| {
        s.sign(MANAGER, open_audit("gz.bdb", AUDIT.1))
    }),
    ("in the auditor's name", Some("actor.other"), |s| {
        s.sign("gz.reg/regulator", open_audit("gz.aud", AUDIT.1))
    }),
    ("by a machine", Some("identity.kind"), |s| {
        let mut bdb = (*s.world.department("gz.bdb")).clone();
        bdb.rights.push(wire::Right::Audit as i32);
        s.world.doctor(Place::department("gz.bdb"), Some(bdb.into()));
        s.sign(NODE, open_audit("gz.bdb", AUDIT.1))
    }),
    ("twice", Some("audit.exists"), |s| {
        s.world.does(AUDITOR, open_audit("gz.aud", AUDIT.1));
        s.sign(AUDITOR, open_audit("gz.aud", AUDIT.1))
    }),
    ("again, when it closed", Some("audit.exists"), |s| {
        closed(s);
        s.sign(AUDITOR, open_audit("gz.aud", AUDIT.1))
    }),
    ("closed", OK, |s| {
        audited(s);
        s.sign("gz.aud/officer", close_audit("gz.aud", AUDIT.1))
    }),
    ("closed twice", Some("audit.state"), |s| {
        closed(s);
        s.sign(AUDITOR, close_audit("gz.aud", AUDIT.1))
    }),
    ("closed before it opened", Some("audit.unknown"), |s| {
        s.sign(AUDITOR, close_audit("gz.aud", AUDIT.1))
    }),
    ("closed by another", Some("actor.other"), |s| {
        audited(s);
        s.sign("gz.reg/regulator", close_audit("gz.aud", AUDIT.1))
    }),
];

/// gz.bdb's node opens these of a batch.
fn opening(batch: &[TrailRead], which: &[usize]) -> wire::OpenReads {
    open_reads("gz.bdb", AUDIT, batch, which)
}

const OPENED: &[Case] = &[
    ("when the audit closed", OK, |s| {
        let reads = closed(s);
        s.sign(NODE, opening(&reads, &[0, 1]))
    }),
    ("one of them", OK, |s| {
        let reads = closed(s);
        s.sign(NODE, opening(&reads, &[1]))
    }),
    ("when its date came", OK, |s| {
        let reads = audited(s);
        s.world.reach(T0 + 90 * DAY);
        s.sign(NODE, opening(&reads, &[0, 1]))
    }),
    ("by another node that knows them", OK, |s| {
        let it = opening(&closed(s), &[0, 1]);
        s.sign("gz.psb/node", wire::OpenReads { department: "gz.psb".into(), ..it })
    }),
    ("as another node's", Some("read.unknown"), |s| {
        let it = opening(&closed(s), &[0, 1]);
        s.sign(NODE, wire::OpenReads { sealed_by: "gz.psb".into(), ..it })
    }),
    ("while the audit runs", Some("audit.state"), |s| {
        let reads = audited(s);
        s.sign(NODE, opening(&reads, &[0]))
    }),
    ("of no audit", Some("audit.unknown"), |s| {
        let it = opening(&closed(s), &[0]);
        s.sign(NODE, wire::OpenReads { audit_department: "gz.reg".into(), ..it })
    }),
    ("by an officer", Some("identity.kind"), |s| {
        let reads = closed(s);
        s.sign(MANAGER, opening(&reads, &[0]))
    }),
    ("by another's node", Some("actor.other"), |s| {
        let it = opening(&closed(s), &[0]);
        s.sign(NODE, wire::OpenReads { department: "gz.psb".into(), ..it })
    }),
    ("that were not sealed", Some("read.unknown"), |s| {
        closed(s);
        let other = [sealed(s, 3)];
        s.sign(NODE, opening(&other, &[0]))
    }),
    ("told otherwise", Some("read.unknown"), |s| {
        let mut it = opening(&closed(s), &[0]);
        it.reads[0].read.as_mut().unwrap().count += 1;
        s.sign(NODE, it)
    }),
    ("in another's place", Some("read.unknown"), |s| {
        let mut it = opening(&closed(s), &[0]);
        it.reads[0].index = 1;
        s.sign(NODE, it)
    }),
    ("twice", Some("read.unknown"), |s| {
        let reads = closed(s);
        s.world.does(NODE, opening(&reads, &[1]));
        s.sign(NODE, opening(&reads, &[0, 1]))
    }),
    ("again, when all were", Some("read.unknown"), |s| {
        let reads = closed(s);
        s.world.does(NODE, opening(&reads, &[0, 1]));
        s.sign(NODE, opening(&reads, &[0]))
    }),
    ("for another audit", Some("read.unknown"), |s| {
        let it = opening(&closed(s), &[0]);
        s.world.does(AUDITOR, open_audit("gz.aud", "other"));
        s.world.does(AUDITOR, close_audit("gz.aud", "other"));
        s.sign(NODE, wire::OpenReads { audit: "other".into(), ..it })
    }),
    ("that nobody asked for", Some("read.bad"), |s| {
        s.world.does(AUDITOR, open_audit("gz.aud", AUDIT.1));
        let mut made_up = sealed(s, 1);
        made_up.request.as_mut().unwrap().nonce = vec![1; 16];
        s.world.does(NODE, seal_reads("gz.bdb", AUDIT.1, &[made_up.clone()]));
        s.world.does(AUDITOR, close_audit("gz.aud", AUDIT.1));
        s.sign(NODE, opening(&[made_up], &[0]))
    }),
    ("asked for without an audit", Some("read.bad"), |s| {
        s.world.does(AUDITOR, open_audit("gz.aud", AUDIT.1));
        let open = TrailRead { salt: vec![1; 32], ..seen(s) };
        s.world.does(NODE, seal_reads("gz.bdb", AUDIT.1, std::slice::from_ref(&open)));
        s.world.does(AUDITOR, close_audit("gz.aud", AUDIT.1));
        s.sign(NODE, opening(&[open], &[0]))
    }),
];

/// Somebody who saw the root of an audit's batch seals it as its own, and under others.
fn copied(s: &mut Staged, reads: &[TrailRead]) {
    s.world.does("gz.reg/regulator", open_audit("gz.reg", AUDIT.1));
    for department in ["gz.aud", "gz.reg"] {
        let mut it = seal_reads("gz.psb", AUDIT.1, reads);
        it.sealed.iter_mut().for_each(|one| one.department = department.into());
        s.world.does("gz.psb/node", it);
    }
}

pub(crate) const TABLES: &[&[Case]] = &[READS, AUDITS, OPENED];

#[test]
fn nodes_record_what_they_showed() {
    assert_eq!(run(READS).len(), 6);
}

#[test]
fn audits_open_and_close() {
    assert_eq!(run(AUDITS).len(), 7);
}

#[test]
fn sealed_reads_are_opened_once() {
    assert_eq!(run(OPENED).len(), 6);
}

fn audit(s: &Staged) -> Arc<wire::Audit> {
    s.world.get(&Place::audit(AUDIT.0, AUDIT.1))
}

/// The trails of the newest block's only event.
fn filed(s: &Staged) -> &[Place] {
    &s.world.tip().delta.events[0].trails
}

/// An open read stands on the trail that was read; a sealed one only when it is opened.
#[test]
fn what_is_sealed_shows_when_it_is_opened() {
    let mut s = staged();
    let was_read = Place::dataset_trail("civil.resident");
    let reader = Place::identity_trail(s.identity(AUDITOR).as_bytes());
    s.world.does(NODE, record_reads("gz.bdb", vec![seen(&s)]));
    assert!(filed(&s).contains(&was_read) && filed(&s).contains(&reader));

    let reads = audited(&mut s);
    assert!(!filed(&s).contains(&was_read) && !filed(&s).contains(&reader));
    assert!(filed(&s).contains(&Place::department_trail("gz.aud")));
    assert_eq!((audit(&s).sealed, audit(&s).opened), (2, 0));
    let batch = Place::unopened_read(AUDIT.0, AUDIT.1, batch_root(&reads).as_bytes(), "gz.bdb");
    assert!(s.world.objects.contains_key(&batch));

    s.world.does(AUDITOR, close_audit("gz.aud", AUDIT.1));
    s.world.does(NODE, opening(&reads, &[1]));
    assert!(filed(&s).contains(&was_read) && filed(&s).contains(&reader));
    assert_eq!((audit(&s).sealed, audit(&s).opened), (2, 1));
    // One is left, and everybody can see that.
    assert!(s.world.objects.contains_key(&batch));
    s.world.does(NODE, opening(&reads, &[0]));
    assert!(!s.world.objects.contains_key(&batch));
    assert_eq!((audit(&s).opened, audit(&s).unopened.len()), (2, 0));
}

/// Whoever copies a root owes its opening, and takes nothing from whose it is.
#[test]
fn copied_roots_disturb_nothing() {
    let mut s = staged();
    let reads = audited(&mut s);
    copied(&mut s, &reads);
    assert_eq!(audit(&s).sealed, 4);
    s.world.does(AUDITOR, close_audit("gz.aud", AUDIT.1));
    s.world.does(NODE, opening(&reads, &[0, 1]));
    let left: Vec<_> =
        audit(&s).unopened.iter().map(|it| (it.department.clone(), it.count)).collect();
    assert_eq!(left, [("gz.psb".to_owned(), 2)]);
}

/// An audit that nobody closes ends on its date; nodes that do not open in time are at fault, once for each read.
#[test]
fn what_is_not_opened_is_a_fault() {
    for closed_by_hand in [true, false] {
        let mut s = staged();
        let reads = audited(&mut s);
        match closed_by_hand {
            true => {
                s.world.does(AUDITOR, close_audit("gz.aud", AUDIT.1));
            }
            false => {
                s.world.reach(T0 + 90 * DAY - 1);
                assert!(!audit(&s).closed);
                s.world.reach(T0 + 90 * DAY);
            }
        }
        assert!(audit(&s).closed);
        s.world.does(NODE, opening(&reads, &[0]));
        s.world.pause(9 * DAY);
        assert_eq!(at_fault(&s, NotOpened), blamed("gz.bdb", 1), "{closed_by_hand}");
        // More that is sealed behind it is due in its own time, and the first is not counted again.
        let late = [sealed(&s, 3), sealed(&s, 4), sealed(&s, 5)];
        s.world.does(NODE, seal_reads("gz.bdb", AUDIT.1, &late));
        s.world.does(NODE, opening(&late, &[2]));
        s.world.pause(9 * DAY);
        assert_eq!(counts(&s, "gz.bdb", NotOpened), [1, 2], "{closed_by_hand}");
        s.world.does(NODE, opening(&reads, &[1]));
        s.world.pause(9 * DAY);
        assert_eq!(counts(&s, "gz.bdb", NotOpened), [1, 2], "{closed_by_hand}");
    }
}

/// What is sealed just before the time for the rest is over has its own time; so has a department that was suspended.
#[test]
fn who_could_not_open_yet_is_not_at_fault() {
    let mut s = staged();
    let reads = closed(&mut s);
    s.world.pause(4 * DAY);
    let late = [sealed(&s, 3)];
    s.world.does(NODE, seal_reads("gz.bdb", AUDIT.1, &late));
    s.world.pause(4 * DAY);
    assert_eq!(at_fault(&s, NotOpened), blamed("gz.bdb", 2));
    s.world.does(NODE, opening(&reads, &[0, 1]));
    s.world.does(NODE, opening(&late, &[0]));
    s.world.pause(9 * DAY);
    assert_eq!(counts(&s, "gz.bdb", NotOpened), [2]);

    let mut s = staged();
    let by = s.world.signer("gz.psb/node").key.public().key_id();
    s.world.does(AUDITOR, open_audit("gz.aud", AUDIT.1));
    let signer = s.world.signer(AUDITOR).clone();
    let it = sealed_read("gz.aud", &s.identity(AUDITOR), 1);
    let read = signed(&signer.key, &signer.chain, it, (&by, AUDIT.1));
    s.world.does("gz.psb/node", seal_reads("gz.psb", AUDIT.1, &[read]));
    s.world.does(AUDITOR, close_audit("gz.aud", AUDIT.1));
    for (to, faults) in [(StandingChange::Suspend, 0), (StandingChange::Reinstate, 1)] {
        assert!(voted(&mut s, change("gz.psb", to), &["gz.bdb", "gz.hrss", "gz.tax"]).is_some());
        s.world.pause(9 * DAY);
        assert_eq!(counts(&s, "gz.psb", NotOpened).len(), faults);
    }
}

/// What is opened in time is not blamed for what is sealed and due later, also where its time began anew.
#[test]
fn what_is_opened_in_time_is_not_blamed() {
    let mut s = staged();
    let by = s.world.signer("gz.psb/node").key.public().key_id();
    s.world.does(AUDITOR, open_audit("gz.aud", AUDIT.1));
    let signer = s.world.signer(AUDITOR).clone();
    let auditor = s.identity(AUDITOR);
    let read = |salt| {
        let it = sealed_read("gz.aud", &auditor, salt);
        signed(&signer.key, &signer.chain, it, (&by, AUDIT.1))
    };
    let (first, later) = ([read(1), read(2)], [read(3)]);
    s.world.does("gz.psb/node", seal_reads("gz.psb", AUDIT.1, &first));
    s.world.does(AUDITOR, close_audit("gz.aud", AUDIT.1));
    let others = ["gz.bdb", "gz.hrss", "gz.tax"];
    assert!(voted(&mut s, change("gz.psb", StandingChange::Suspend), &others).is_some());
    s.world.pause(8 * DAY);
    assert!(voted(&mut s, change("gz.psb", StandingChange::Reinstate), &others).is_some());
    s.world.pause(2 * DAY);
    s.world.does("gz.psb/node", seal_reads("gz.psb", AUDIT.1, &later));
    let opened = wire::OpenReads {
        department: "gz.psb".into(),
        sealed_by: "gz.psb".into(),
        ..opening(&first, &[0, 1])
    };
    s.world.does("gz.psb/node", opened);
    s.world.pause(6 * DAY);
    assert_eq!(counts(&s, "gz.psb", NotOpened), [0; 0]);
    s.world.pause(9 * DAY);
    assert_eq!(counts(&s, "gz.psb", NotOpened), [1]);
}

/// The salt hides what was read from whoever guesses.
#[test]
fn commitments_are_salted() {
    let s = staged();
    assert_ne!(commitment(&sealed(&s, 1)), commitment(&sealed(&s, 2)));
    assert_eq!(commitment(&sealed(&s, 1)), commitment(&sealed(&s, 1)));
}
