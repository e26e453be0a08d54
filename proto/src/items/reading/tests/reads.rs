//! Auditors and regulators leave a trace too: what nodes record of them, sealed while an audit runs.

use crate::items::reading::reads::commitment;
use crate::ledger::tests::{
    items::{close_audit, open_audit, open_reads, read, record_reads, seal_reads, sealed_read},
    refusals::{Case, OK, run},
    stage::{MANAGER, Staged, staged},
};
use crate::place::Place;
use crate::wire::{self, TrailRead};
use std::sync::Arc;

const NODE: &str = "gz.bdb/node";
const AUDITOR: &str = "gz.aud/auditor";
const AUDIT: (&str, &str) = ("gz.aud", "2026-01");

fn seen(s: &Staged) -> TrailRead {
    read("gz.aud", &s.identity(AUDITOR))
}

fn sealed(s: &Staged, salt: u8) -> TrailRead {
    sealed_read("gz.aud", &s.identity(AUDITOR), salt)
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

const AUDITS: &[Case] = &[
    ("by an auditor", OK, |s| s.sign(AUDITOR, open_audit("gz.aud", AUDIT.1))),
    ("by an officer that audits", OK, |s| s.sign("gz.aud/officer", open_audit("gz.aud", AUDIT.1))),
    ("by a regulator", OK, |s| s.sign("gz.reg/regulator", open_audit("gz.reg", AUDIT.1))),
    ("of the same name as another's", OK, |s| {
        s.world.does(AUDITOR, open_audit("gz.aud", AUDIT.1));
        s.sign("gz.reg/regulator", open_audit("gz.reg", AUDIT.1))
    }),
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

const OPENED: &[Case] = &[
    ("when the audit closed", OK, |s| {
        let reads = closed(s);
        s.sign(NODE, open_reads("gz.bdb", AUDIT, reads))
    }),
    ("by another node that knows them", OK, |s| {
        let reads = closed(s);
        s.sign("gz.psb/node", open_reads("gz.psb", AUDIT, reads))
    }),
    ("while the audit runs", Some("audit.state"), |s| {
        let reads = audited(s);
        s.sign(NODE, open_reads("gz.bdb", AUDIT, reads))
    }),
    ("of no audit", Some("audit.unknown"), |s| {
        let reads = closed(s);
        s.sign(NODE, open_reads("gz.bdb", ("gz.reg", AUDIT.1), reads))
    }),
    ("by an officer", Some("identity.kind"), |s| {
        let reads = closed(s);
        s.sign(MANAGER, open_reads("gz.bdb", AUDIT, reads))
    }),
    ("by another's node", Some("actor.other"), |s| {
        let reads = closed(s);
        s.sign(NODE, open_reads("gz.psb", AUDIT, reads))
    }),
    ("that were not sealed", Some("read.unknown"), |s| {
        closed(s);
        s.sign(NODE, open_reads("gz.bdb", AUDIT, vec![sealed(s, 3)]))
    }),
    ("told otherwise", Some("read.unknown"), |s| {
        let mut reads = closed(s);
        reads[0].count += 1;
        s.sign(NODE, open_reads("gz.bdb", AUDIT, reads))
    }),
    ("twice in one", Some("read.unknown"), |s| {
        let reads = closed(s);
        s.sign(NODE, open_reads("gz.bdb", AUDIT, vec![reads[0].clone(), reads[0].clone()]))
    }),
    ("twice", Some("read.unknown"), |s| {
        let reads = closed(s);
        s.world.does(NODE, open_reads("gz.bdb", AUDIT, reads.clone()));
        s.sign(NODE, open_reads("gz.bdb", AUDIT, reads))
    }),
    ("for another audit", Some("read.unknown"), |s| {
        let reads = closed(s);
        s.world.does(AUDITOR, open_audit("gz.aud", "other"));
        s.world.does(AUDITOR, close_audit("gz.aud", "other"));
        s.sign(NODE, open_reads("gz.bdb", ("gz.aud", "other"), reads))
    }),
    ("that another sealed for its own audit too", OK, |s| {
        let reads = audited(s);
        copied(s, &reads);
        s.world.does(AUDITOR, close_audit("gz.aud", AUDIT.1));
        s.sign(NODE, open_reads("gz.bdb", AUDIT, reads))
    }),
    ("that another sealed, for the audit that it copied from", Some("audit.state"), |s| {
        let reads = closed(s);
        copied(s, &reads);
        s.sign(NODE, open_reads("gz.bdb", ("gz.reg", AUDIT.1), reads))
    }),
];

/// Somebody who saw the commitments of an audit seals them under others, of its own name and beside.
fn copied(s: &mut Staged, reads: &[TrailRead]) {
    s.world.does("gz.reg/regulator", open_audit("gz.reg", AUDIT.1));
    s.world.does(AUDITOR, open_audit("gz.aud", "other"));
    for (department, audit) in [("gz.reg", AUDIT.1), ("gz.aud", "other")] {
        let mut it = seal_reads("gz.psb", audit, reads);
        it.sealed.iter_mut().for_each(|one| one.department = department.into());
        s.world.does("gz.psb/node", it);
    }
}

pub(crate) const TABLES: &[&[Case]] = &[READS, AUDITS, OPENED];

#[test]
fn nodes_record_what_they_showed() {
    assert_eq!(run(READS).len(), 3);
}

#[test]
fn audits_open_and_close() {
    assert_eq!(run(AUDITS).len(), 6);
}

#[test]
fn sealed_reads_are_opened_once() {
    assert_eq!(run(OPENED).len(), 5);
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
    let committed =
        |read: &TrailRead| Place::unopened_read(AUDIT.0, AUDIT.1, commitment(read).as_bytes());
    assert!(reads.iter().all(|it| s.world.objects.contains_key(&committed(it))));

    s.world.does(AUDITOR, close_audit("gz.aud", AUDIT.1));
    s.world.does(NODE, open_reads("gz.bdb", AUDIT, vec![reads[1].clone()]));
    assert!(filed(&s).contains(&was_read) && filed(&s).contains(&reader));
    assert_eq!((audit(&s).sealed, audit(&s).opened), (2, 1));
    // One is left, and everybody can see that.
    assert!(s.world.objects.contains_key(&committed(&reads[0])));
    assert!(!s.world.objects.contains_key(&committed(&reads[1])));
}

/// What is sealed under another audit stays there, opened or not, before or behind.
#[test]
fn copied_commitments_disturb_nothing() {
    let counts = |s: &Staged, (department, code): (&str, &str)| {
        let it: Arc<wire::Audit> = s.world.get(&Place::audit(department, code));
        (it.sealed, it.opened)
    };
    let audits = [AUDIT, ("gz.reg", AUDIT.1), (AUDIT.0, "other")];
    let mut s = staged();
    let reads = audited(&mut s);
    copied(&mut s, &reads);
    assert_eq!(audits.map(|it| counts(&s, it)), [(2, 0); 3]);
    s.world.does(AUDITOR, close_audit("gz.aud", AUDIT.1));
    s.world.does(NODE, open_reads("gz.bdb", AUDIT, reads.clone()));
    assert_eq!(audits.map(|it| counts(&s, it)), [(2, 2), (2, 0), (2, 0)]);
    // Once opened, they are not sealed by what lies elsewhere.
    let again = s.sign(NODE, open_reads("gz.bdb", AUDIT, reads.clone()));
    assert_eq!(s.world.refusal(&again), Some((Some(0), "read.unknown")));
    s.world.does("gz.reg/regulator", close_audit("gz.reg", AUDIT.1));
    s.world.does(NODE, open_reads("gz.bdb", ("gz.reg", AUDIT.1), reads[..1].to_vec()));
    assert_eq!(audits.map(|it| counts(&s, it)), [(2, 2), (2, 1), (2, 0)]);
    let left = |(department, audit): (&str, &str), read: &TrailRead| {
        let place = Place::unopened_read(department, audit, commitment(read).as_bytes());
        s.world.objects.contains_key(&place)
    };
    let found = audits.map(|it| [left(it, &reads[0]), left(it, &reads[1])]);
    assert_eq!(found, [[false, false], [false, true], [true, true]]);
}

/// The salt hides what was read from whoever guesses.
#[test]
fn commitments_are_salted() {
    let s = staged();
    assert_ne!(commitment(&sealed(&s, 1)), commitment(&sealed(&s, 2)));
    assert_eq!(commitment(&sealed(&s, 1)), commitment(&sealed(&s, 1)));
}
