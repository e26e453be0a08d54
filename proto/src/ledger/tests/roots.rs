//! A lost root: its parent replaces it after a time for objection, unless one of its keys objects.

use super::items::{
    DAY, HOUR, change_department, object_to_root, register_identity, replace_root, rotate, succeed,
};
use super::refusals::{Case, OK, run};
use super::stage::{Staged, staged};
use crate::event::ledger::LedgerEvent;
use crate::place::Place;
use crate::types::IdentityId;
use crate::wire::{self, IdentityKind, StandingChange, ledger_event::Kind};

const PARENT: &str = "gy.gov/officer";
const LEAD: &str = "gz.bdb/officer";
const ROOT: &str = "gy.hrss/root";
const KEYS: &[&str] = &["gy.hrss/new-root"];

/// Five working days from the first, a Monday: the end of the Monday behind.
const OBJECTION_ENDS: u64 = 20_508 * DAY - 8 * HOUR;

fn replaced(s: &mut Staged) -> IdentityId {
    let tx = s.sign(PARENT, replace_root("gy.gov", "gy.hrss", KEYS));
    let id = tx.header().identity_id(0);
    s.world.commit(vec![tx]);
    s.world.join(KEYS[0], id);
    id
}

const REPLACEMENTS: &[Case] = &[
    ("by the parent", OK, |s| s.sign(PARENT, replace_root("gy.gov", "gy.hrss", KEYS))),
    ("of a department without a root", OK, |s| {
        s.sign("gy.hrss/officer", replace_root("gy.hrss", "gy.yy.hrss", KEYS))
    }),
    ("by the grandparent", Some("department.not_parent"), |s| {
        s.sign("gz.bdb/officer", replace_root("gz.bdb", "gy.hrss", KEYS))
    }),
    ("by the guide in its line", Some("department.not_parent"), |s| {
        s.sign("gz.hrss/officer", replace_root("gz.hrss", "gy.hrss", KEYS))
    }),
    ("in the parent's name", Some("actor.other"), |s| {
        s.sign("gz.psb/officer", replace_root("gy.gov", "gy.hrss", KEYS))
    }),
    ("by a machine", Some("identity.kind"), |s| {
        s.sign("gz.bdb/node", replace_root("gz.bdb", "gy.gov", KEYS))
    }),
    ("of nobody", Some("department.unknown"), |s| {
        s.sign(PARENT, replace_root("gy.gov", "gy.none", KEYS))
    }),
    ("twice", Some("root.pending"), |s| {
        replaced(s);
        s.sign(PARENT, replace_root("gy.gov", "gy.hrss", &["other"]))
    }),
    ("while it is suspended", Some("standing.is"), |s| {
        let stop = change_department("gy.gov", "gy.hrss", StandingChange::Suspend);
        s.world.does(PARENT, stop);
        s.sign(PARENT, replace_root("gy.gov", "gy.hrss", KEYS))
    }),
    ("by a key that is taken", Some("key.exists"), |s| {
        s.sign(PARENT, replace_root("gy.gov", "gy.hrss", &["gz.tax/app"]))
    }),
    ("of one that was followed on", Some("succession.exists"), |s| {
        followed_on(s);
        s.sign(PARENT, replace_root("gy.gov", "gy.hrss", KEYS))
    }),
    ("of one that was followed on, when the overlap is over", Some("succession.exists"), |s| {
        followed_on(s);
        s.world.pause(3 * DAY);
        s.sign(PARENT, replace_root("gy.gov", "gy.hrss", KEYS))
    }),
    ("of one that took another's place", OK, |s| {
        s.world.does(LEAD, succeed("gy.yy.hrss", "gy.hrss", s.world.now));
        s.sign(PARENT, replace_root("gy.gov", "gy.hrss", KEYS))
    }),
];

/// gz.bds takes the place of gy.hrss, whose root has two days more. Gives when they end.
fn followed_on(s: &mut Staged) -> u64 {
    let until = s.world.now + 2 * DAY;
    let mut it = succeed("gy.hrss", "gz.bds", s.world.now);
    it.succession.as_mut().unwrap().overlap_until_ms = until;
    s.world.does(LEAD, it);
    until
}

const OBJECTIONS: &[Case] = &[
    ("by the root", OK, |s| {
        replaced(s);
        s.sign(ROOT, object_to_root("gy.hrss"))
    }),
    ("to nothing", Some("root.not_pending"), |s| s.sign(ROOT, object_to_root("gy.hrss"))),
    ("twice", Some("root.not_pending"), |s| {
        replaced(s);
        s.world.does(ROOT, object_to_root("gy.hrss"));
        s.sign(ROOT, object_to_root("gy.hrss"))
    }),
    ("by an officer", Some("root.needed"), |s| {
        replaced(s);
        s.sign("gy.hrss/officer", object_to_root("gy.hrss"))
    }),
    ("by another's root", Some("actor.other"), |s| {
        replaced(s);
        s.sign("gz.hrss/root", object_to_root("gy.hrss"))
    }),
    ("by the new keys", Some("key.not_in_force"), |s| {
        replaced(s);
        s.sign(KEYS[0], object_to_root("gy.hrss"))
    }),
];

pub(crate) const TABLES: &[&[Case]] = &[REPLACEMENTS, OBJECTIONS];

#[test]
fn a_parent_replaces_a_root_and_the_root_objects() {
    assert_eq!(run(REPLACEMENTS).len(), 8);
    assert_eq!(run(OBJECTIONS).len(), 4);
}

/// What the newest block said of roots; requests of the stage miss their deadlines meanwhile.
fn told(s: &Staged) -> Vec<LedgerEvent> {
    let mut told = s.world.told();
    told.retain(|it| matches!(it.kind(), Kind::RootReplaced(_)));
    told
}

/// Whether somebody can register an identity of gy.hrss now.
fn is_root(s: &Staged, name: &str) -> bool {
    let it = register_identity("gy.hrss", "clerk", IdentityKind::Officer);
    s.world.refusal(&s.sign(name, it)).is_none()
}

#[test]
fn nobody_objects_in_time() {
    let mut s = staged();
    let id = replaced(&mut s);
    let pending = s.world.department("gy.hrss").pending_root.clone().unwrap();
    assert_eq!((pending.root_id, pending.due_ms), (id.to_vec(), OBJECTION_ENDS));
    s.world.reach(OBJECTION_ENDS - 1);
    assert!(is_root(&s, ROOT) && !is_root(&s, KEYS[0]));
    assert!(told(&s).is_empty());
    s.world.reach(OBJECTION_ENDS);
    let told = told(&s);
    let expected = wire::RootReplaced {
        department: "gy.hrss".into(),
        old_root_id: s.identity(ROOT).to_vec(),
        new_root_id: id.to_vec(),
    };
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].kind(), &Kind::RootReplaced(expected));
    assert!(!is_root(&s, ROOT) && is_root(&s, KEYS[0]));
    let department = s.world.department("gy.hrss");
    assert_eq!((department.root_id.as_slice(), &department.pending_root), (id.as_ref(), &None));
    let key = s.world.signer(PARENT).key.public().key_id();
    assert_eq!(told[0].cause().key_id, key.to_vec());
}

/// The new keys hold from the height behind the one at which the time ended.
#[test]
fn new_root_keys_hold_from_the_next_height_on() {
    let mut s = staged();
    replaced(&mut s);
    s.world.reach(OBJECTION_ENDS - 1);
    s.world.now = OBJECTION_ENDS;
    assert!(is_root(&s, ROOT) && !is_root(&s, KEYS[0]));
}

#[test]
fn an_objection_keeps_the_root() {
    let mut s = staged();
    let id = replaced(&mut s);
    s.world.does(ROOT, object_to_root("gy.hrss"));
    s.world.reach(OBJECTION_ENDS);
    assert!(told(&s).is_empty());
    assert!(is_root(&s, ROOT) && !is_root(&s, KEYS[0]));
    let refused: std::sync::Arc<wire::Identity> = s.world.get(&Place::identity(&id));
    assert!(refused.ended && refused.standing.is_empty());
    // The parent may try again, at another height and with other keys.
    s.world.does(PARENT, replace_root("gy.gov", "gy.hrss", &["gy.hrss/newer-root"]));
    assert!(s.world.department("gy.hrss").pending_root.is_some());
}

/// Stopped, its root can't object, and so nothing falls due; started again, it has the whole time.
#[test]
fn the_time_for_objecting_stands_while_nobody_can_object() {
    let mut s = staged();
    let id = replaced(&mut s);
    // Its parent, which asked, may not stop it meanwhile; what stands above that may.
    let stop = |by: &str| change_department(by, "gy.hrss", StandingChange::Suspend);
    let tx = s.sign(PARENT, stop("gy.gov"));
    assert_eq!(s.world.refusal(&tx), Some((Some(0), "root.pending")));
    s.world.does(LEAD, change_department("gz.bdb", "gy.gov", StandingChange::Suspend));
    s.world.reach(OBJECTION_ENDS);
    assert!(told(&s).is_empty());
    let pending = |s: &Staged| s.world.department("gy.hrss").pending_root.clone();
    assert_eq!(pending(&s).map(|it| it.root_id), Some(id.to_vec()));
    s.world.does(LEAD, change_department("gz.bdb", "gy.gov", StandingChange::Reinstate));
    let due = pending(&s).map(|it| it.due_ms).unwrap();
    assert!(due >= OBJECTION_ENDS + 5 * DAY, "{due}");
    s.world.reach(due - HOUR);
    assert!(told(&s).is_empty() && is_root(&s, ROOT));
    s.world.does(ROOT, object_to_root("gy.hrss"));
    s.world.reach(due);
    assert!(told(&s).is_empty() && is_root(&s, ROOT));
}

/// Started again and not objected to: the new root takes over then, and once.
#[test]
fn a_root_takes_over_when_the_time_that_stood_is_over() {
    let mut s = staged();
    replaced(&mut s);
    let change = |it| change_department("gz.bdb", "gy.gov", it);
    s.world.does(LEAD, change(StandingChange::Suspend));
    s.world.pause(DAY);
    s.world.does(LEAD, change(StandingChange::Reinstate));
    let due = s.world.department("gy.hrss").pending_root.clone().unwrap().due_ms;
    assert!(due > OBJECTION_ENDS);
    s.world.reach(OBJECTION_ENDS);
    assert!(told(&s).is_empty());
    s.world.reach(due);
    assert_eq!(told(&s).len(), 1);
    assert!(!is_root(&s, ROOT) && is_root(&s, KEYS[0]));
}

/// An objection to the first does not end the time for objecting to the second.
#[test]
fn a_second_attempt_has_its_own_time() {
    let mut s = staged();
    replaced(&mut s);
    s.world.does(ROOT, object_to_root("gy.hrss"));
    s.world.pause(DAY);
    s.world.does(PARENT, replace_root("gy.gov", "gy.hrss", &["gy.hrss/newer-root"]));
    s.world.reach(OBJECTION_ENDS);
    assert!(told(&s).is_empty());
    s.world.reach(OBJECTION_ENDS + DAY);
    assert_eq!(told(&s).len(), 1);
}

/// What waited for objections when another took the department's place ends with the overlap.
#[test]
fn the_overlap_ends_a_root_that_waits() {
    let mut s = staged();
    let id = replaced(&mut s);
    let until = followed_on(&mut s);
    let pending: std::sync::Arc<wire::Identity> = s.world.get(&Place::identity(&id));
    assert!(!pending.ended && s.world.department("gy.hrss").pending_root.is_some());
    s.world.reach(until);
    for name in [ROOT, KEYS[0]] {
        let root: std::sync::Arc<wire::Identity> = s.world.get(&Place::identity(&s.identity(name)));
        assert!(root.ended, "{name}");
    }
    let department = s.world.department("gy.hrss");
    assert_eq!((department.root_id.len(), &department.pending_root), (0, &None));
    s.world.reach(OBJECTION_ENDS);
    assert!(told(&s).is_empty());
    assert!(s.world.department("gy.hrss").root_id.is_empty());
    assert!(!is_root(&s, ROOT) && !is_root(&s, KEYS[0]));
}

/// What took over during the overlap ends with it too.
#[test]
fn the_overlap_ends_a_root_that_took_over() {
    let mut s = staged();
    replaced(&mut s);
    s.world.reach(OBJECTION_ENDS - DAY);
    let until = followed_on(&mut s);
    s.world.reach(OBJECTION_ENDS);
    assert!(!is_root(&s, ROOT) && is_root(&s, KEYS[0]));
    s.world.reach(until);
    assert!(!is_root(&s, ROOT) && !is_root(&s, KEYS[0]));
    assert!(s.world.department("gy.hrss").root_id.is_empty());
}

/// The root of several keys that came in by replacement signs as such.
#[test]
fn a_root_that_replaced_another_rotates_itself() {
    let mut s = staged();
    let id = replaced(&mut s);
    s.world.reach(OBJECTION_ENDS);
    // Its life: prepared, started.
    s.world.does(KEYS[0], rotate("gy.hrss", &id, 2, (&["gy.hrss/newer"], &[KEYS[0]])));
    assert!(!is_root(&s, KEYS[0]));
}
