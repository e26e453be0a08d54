//! Departments: who admits, stops and starts them, and what that does to those beneath.

use crate::ledger::{
    Object, Refusal, intervals,
    tests::{
        items::{
            admit, change_department, new_department, new_keys, register, replace_root, root_keys,
        },
        refusals::{Case, OK, run},
        stage::{Staged, staged},
    },
};
use crate::place::Place;
use crate::tx::Tx;
use crate::types::limits;
use crate::wire::{
    self, Right,
    StandingChange::{self, Reinstate, Revoke, Suspend},
    ledger_event::Kind,
};

const MANAGER: &str = "gy.gov/officer";
const LEAD: &str = "gz.bdb/officer";

/// A new member beneath gy.gov, bent.
fn admission(s: &Staged, bend: impl FnOnce(&mut wire::NewDepartment)) -> Tx {
    let mut new = of_body(s, "gy.gov", new_department("gy.yy.tax", "gy.gov"));
    bend(&mut new);
    s.sign(MANAGER, admit("gy.gov", new))
}

/// A new member of the body of whoever admits it.
fn of_body(s: &Staged, manager: &str, new: wire::NewDepartment) -> wire::NewDepartment {
    wire::NewDepartment { body: s.world.department(manager).body.clone(), ..new }
}

/// gy.gov changes gy.hrss.
fn change(s: &Staged, change: StandingChange) -> Tx {
    s.sign(MANAGER, change_department("gy.gov", "gy.hrss", change))
}

fn changed(s: &mut Staged, code: &str, change: StandingChange) {
    s.world.does(LEAD, change_department("gz.bdb", code, change));
}

/// gy.gov changes gy.yy.hrss, beneath which nobody stands.
fn change_lowest(s: &Staged, change: StandingChange) -> Tx {
    s.sign(MANAGER, change_department("gy.gov", "gy.yy.hrss", change))
}

const ADMISSIONS: &[Case] = &[
    ("right beneath", OK, |s| admission(s, |_| {})),
    ("further beneath", OK, |s| admission(s, |it| it.parent = "gy.hrss".into())),
    ("of the same level and division as its parent", OK, |s| {
        admission(s, |it| (it.level, it.division) = (2, "5201".into()))
    }),
    ("with a guide, and a root of two keys", OK, |s| {
        admission(s, |it| {
            it.guide = "gz.tax".into();
            it.root = root_keys(&["a", "b"], 2);
        })
    }),
    ("of a body of its own", Some("body.by_vote"), |s| {
        admission(s, |it| it.body = "gy.yy.tax".into())
    }),
    ("of its parent's body, not the manager's", Some("body.by_vote"), |s| {
        admission(s, |it| (it.parent, it.body) = ("gy.hrss".into(), "gy.hrss".into()))
    }),
    ("with the rights to collect, use and manage", OK, |s| {
        admission(s, |it| it.rights = vec![1, 2, 3])
    }),
    ("at the top", Some("department.not_beneath"), |s| admission(s, |it| it.parent.clear())),
    ("beneath another", Some("department.not_beneath"), |s| {
        admission(s, |it| it.parent = "gz.tax".into())
    }),
    ("beside", Some("department.not_beneath"), |s| admission(s, |it| it.parent = "gz.bdb".into())),
    ("beneath nobody", Some("department.unknown"), |s| {
        admission(s, |it| it.parent = "gy.none".into())
    }),
    ("guided by nobody", Some("department.unknown"), |s| {
        admission(s, |it| it.guide = "gy.none".into())
    }),
    ("a code that is taken", Some("department.exists"), |s| {
        admission(s, |it| it.code = "gz.tax".into())
    }),
    ("a code that was taken", Some("department.exists"), |s| {
        let tx = change_lowest(s, Revoke);
        s.world.commit(vec![tx]);
        admission(s, |it| it.code = "gy.yy.hrss".into())
    }),
    ("of a higher level", Some("department.level"), |s| admission(s, |it| it.level = 1)),
    ("of another division", Some("department.division"), |s| {
        admission(s, |it| it.division = "5202".into())
    }),
    ("of a wider division", Some("department.division"), |s| {
        admission(s, |it| it.division = "52".into())
    }),
    ("with the right to audit", Some("right.by_vote"), |s| {
        admission(s, |it| it.rights = vec![Right::Use as i32, Right::Audit as i32])
    }),
    ("with the right to regulate", Some("right.by_vote"), |s| {
        admission(s, |it| it.rights = vec![Right::Regulate as i32])
    }),
    ("with a key that is taken", Some("key.exists"), |s| {
        admission(s, |it| it.root.as_mut().unwrap().keys = new_keys(&["gz.tax/app"]))
    }),
    ("beneath one that is suspended", Some("standing.stopped_above"), |s| {
        let tx = change(s, Suspend);
        s.world.commit(vec![tx]);
        admission(s, |it| it.parent = "gy.hrss".into())
    }),
    ("beneath one that is full", Some("department.too_many_beneath"), |s| {
        let departments = (0..1000).map(|n| format!("gy.{n:03}")).collect();
        let full = wire::Beneath { departments };
        s.world.doctor(Place::beneath("gy.gov"), Some(full.into()));
        admission(s, |_| {})
    }),
    ("in another manager's name", Some("actor.other"), |s| {
        s.sign(
            MANAGER,
            admit("gz.bdb", of_body(s, "gz.bdb", new_department("gy.yy.tax", "gy.gov"))),
        )
    }),
    ("without the right to manage", Some("right.missing"), |s| {
        s.sign("gy.hrss/officer", admit("gy.hrss", new_department("gy.yy.tax", "gy.hrss")))
    }),
    ("by a machine", Some("identity.kind"), |s| {
        s.sign(
            "gz.bdb/node",
            admit("gz.bdb", of_body(s, "gz.bdb", new_department("gy.yy.tax", "gy.gov"))),
        )
    }),
];

const CHANGES: &[Case] = &[
    ("suspend", OK, |s| change(s, Suspend)),
    ("remove", OK, |s| change_lowest(s, Revoke)),
    ("remove, with another beneath", Some("department.has_beneath"), |s| change(s, Revoke)),
    ("remove, with one beneath that is suspended", Some("department.has_beneath"), |s| {
        changed(s, "gy.yy.hrss", Suspend);
        change(s, Revoke)
    }),
    ("remove, with one beneath that was removed", OK, |s| {
        changed(s, "gy.yy.hrss", Revoke);
        change(s, Revoke)
    }),
    ("remove, with one of two beneath removed", Some("department.has_beneath"), |s| {
        let tx = admission(s, |it| it.parent = "gy.hrss".into());
        s.world.commit(vec![tx]);
        changed(s, "gy.yy.hrss", Revoke);
        change(s, Revoke)
    }),
    ("remove, when another took the place of those beneath", OK, |s| {
        s.world.does(LEAD, crate::ledger::tests::items::succeed("gy.hrss", "gz.bds", s.world.now));
        change(s, Revoke)
    }),
    ("by a manager further above", OK, |s| {
        s.sign(LEAD, change_department("gz.bdb", "gy.yy.hrss", Suspend))
    }),
    ("reinstate what stands", Some("standing.is"), |s| change(s, Reinstate)),
    ("suspend twice", Some("standing.is"), |s| {
        let tx = change(s, Suspend);
        s.world.commit(vec![tx]);
        change(s, Suspend)
    }),
    ("reinstate", OK, |s| {
        let tx = change(s, Suspend);
        s.world.commit(vec![tx]);
        change(s, Reinstate)
    }),
    ("remove what is suspended", OK, |s| {
        let tx = change_lowest(s, Suspend);
        s.world.commit(vec![tx]);
        change_lowest(s, Revoke)
    }),
    ("remove what is suspended, with another beneath", Some("department.has_beneath"), |s| {
        let tx = change(s, Suspend);
        s.world.commit(vec![tx]);
        change(s, Revoke)
    }),
    ("suspend once too often", Some("list.full"), |s| {
        let mut worn = (*s.world.department("gy.hrss")).clone();
        let last = worn.standing.last().cloned().unwrap();
        worn.standing.resize(limits::STANDINGS, last);
        s.world.doctor(Place::department("gy.hrss"), Some(worn.into()));
        change(s, Suspend)
    }),
    ("reinstate what was removed", Some("standing.is"), |s| {
        let tx = change_lowest(s, Revoke);
        s.world.commit(vec![tx]);
        change_lowest(s, Reinstate)
    }),
    ("reinstate beneath one that is suspended", Some("standing.stopped_above"), |s| {
        changed(s, "gy.gov", Suspend);
        s.sign(LEAD, change_department("gz.bdb", "gy.hrss", Reinstate))
    }),
    ("oneself", Some("department.not_beneath"), |s| {
        s.sign(MANAGER, change_department("gy.gov", "gy.gov", Suspend))
    }),
    ("what is not beneath", Some("department.not_beneath"), |s| {
        s.sign(MANAGER, change_department("gy.gov", "gz.tax", Suspend))
    }),
    ("nobody", Some("department.unknown"), |s| {
        s.sign(MANAGER, change_department("gy.gov", "gy.none", Suspend))
    }),
    ("one with a vote", Some("department.votes"), |s| {
        put_beneath(s, "gz.tax", "gy.gov");
        s.sign(MANAGER, change_department("gy.gov", "gz.tax", Suspend))
    }),
    ("one above one with a vote", Some("department.votes"), |s| {
        put_beneath(s, "gz.tax", "gy.hrss");
        change(s, Suspend)
    }),
    ("one far above one with a vote", Some("department.votes"), |s| {
        put_beneath(s, "gz.tax", "gy.yy.hrss");
        s.sign(LEAD, change_department("gz.bdb", "gy.gov", Suspend))
    }),
    ("one beside one with a vote", OK, |s| {
        put_beneath(s, "gz.tax", "gy.gov");
        change(s, Suspend)
    }),
    ("one that manages grants", Some("department.in_office"), |s| {
        let managers = vec![manager("52", "gz.bdb", "gy.hrss")];
        set_managers(s, managers);
        change(s, Suspend)
    }),
    ("remove one that manages grants", Some("department.in_office"), |s| {
        set_managers(s, vec![manager("52", "gy.yy.hrss", "")]);
        change_lowest(s, Revoke)
    }),
    ("one above one that manages grants", Some("department.in_office"), |s| {
        set_managers(s, vec![manager("52", "gy.yy.hrss", "")]);
        change(s, Suspend)
    }),
    ("one far above a deputy", Some("department.in_office"), |s| {
        set_managers(s, vec![manager("52", "gz.bdb", "gy.yy.hrss")]);
        s.sign(LEAD, change_department("gz.bdb", "gy.gov", Suspend))
    }),
    ("one above the lead", Some("department.in_office"), |s| {
        set_lead(s, "gy.yy.hrss");
        change(s, Suspend)
    }),
    ("one beneath one that manages grants", OK, |s| {
        set_managers(s, vec![manager("52", "gz.bdb", "gy.hrss")]);
        change_lowest(s, Suspend)
    }),
    ("one whose root may object to another", Some("root.pending"), |s| {
        root_asked_for(s);
        change(s, Suspend)
    }),
    ("remove one whose root may object to another", Some("root.pending"), |s| {
        root_asked_for(s);
        change_lowest(s, Revoke)
    }),
    ("without the right to manage", Some("right.missing"), |s| {
        s.sign("gy.hrss/officer", change_department("gy.hrss", "gy.yy.hrss", Suspend))
    }),
];

/// Their parents ask for new roots of gy.hrss and gy.yy.hrss.
fn root_asked_for(s: &mut Staged) {
    s.world.does(MANAGER, replace_root("gy.gov", "gy.hrss", &["gy.hrss/other"]));
    s.world.does("gy.hrss/officer", replace_root("gy.hrss", "gy.yy.hrss", &["gy.yy.hrss/other"]));
}

/// Puts a founded department beneath another.
pub(crate) fn put_beneath(s: &mut Staged, code: &str, above: &str) {
    let moved = wire::Department { parent: above.into(), ..(*s.world.department(code)).clone() };
    s.world.doctor(Place::department(code), Some(moved.into()));
    let place = Place::beneath(above);
    let mut departments = match s.world.objects.get(&place) {
        Some(Object::Beneath(list)) => list.departments.clone(),
        _ => Vec::new(),
    };
    departments.push(code.into());
    departments.sort();
    s.world.doctor(place, Some(wire::Beneath { departments }.into()));
}

pub(crate) fn manager(division: &str, manager: &str, deputy: &str) -> wire::Manager {
    wire::Manager { division: division.into(), manager: manager.into(), deputy: deputy.into() }
}

/// Sets who confirms grants.
pub(crate) fn set_managers(s: &mut Staged, managers: Vec<wire::Manager>) {
    let before: std::sync::Arc<wire::Parameters> = s.world.get(&Place::parameters());
    let parameters = wire::Parameters { managers, ..(*before).clone() };
    s.world.doctor(Place::parameters(), Some(parameters.into()));
}

/// Sets who leads.
pub(crate) fn set_lead(s: &mut Staged, lead: &str) {
    let before: std::sync::Arc<wire::Parameters> = s.world.get(&Place::parameters());
    let parameters = wire::Parameters { lead: lead.into(), ..(*before).clone() };
    s.world.doctor(Place::parameters(), Some(parameters.into()));
}

pub(crate) const TABLES: &[&[Case]] = &[ADMISSIONS, CHANGES];

#[test]
fn managers_admit_members_beneath_them() {
    assert_eq!(run(ADMISSIONS).len(), 13);
}

#[test]
fn managers_stop_and_start_members_beneath_them() {
    assert_eq!(run(CHANGES).len(), 10);
}

/// A new member's root signs from the next height on, and registers its people.
#[test]
fn a_new_member_stands_from_the_next_height_on() {
    let mut s = staged();
    let tx = admission(&s, |_| {});
    let root = tx.header().identity_id(0);
    s.world.commit(vec![tx]);
    let height = s.world.height();
    let new = s.world.department("gy.yy.tax");
    assert_eq!((new.root_id.as_slice(), new.parent.as_str()), (root.as_ref(), "gy.gov"));
    assert!(!intervals::at_height(&new.standing, height));
    assert!(intervals::at_height(&new.standing, height.next()));
    let beneath: std::sync::Arc<wire::Beneath> = s.world.get(&Place::beneath("gy.gov"));
    assert_eq!(beneath.departments, ["gy.hrss", "gy.yy.tax"]);
    s.world.join("gy.yy.tax/root", root);
    let kind = wire::IdentityKind::Officer;
    s.world.does(
        "gy.yy.tax/root",
        crate::ledger::tests::items::register_identity("gy.yy.tax", "boss", kind),
    );
}

/// Who of the departments at and beneath gy.gov stands from the next height on.
fn standing(s: &Staged) -> [bool; 3] {
    ["gy.gov", "gy.hrss", "gy.yy.hrss"]
        .map(|code| intervals::is_open(&s.world.department(code).standing))
}

fn stopped_by(s: &Staged) -> [String; 3] {
    ["gy.gov", "gy.hrss", "gy.yy.hrss"].map(|code| s.world.department(code).stopped_by.clone())
}

fn told(s: &Staged) -> Vec<(String, StandingChange, String)> {
    let told = s.world.told().into_iter().map(|it| match it.kind().clone() {
        Kind::DepartmentChanged(it) => (it.department.clone(), it.change(), it.because_of),
        other => panic!("{other:?}"),
    });
    told.collect()
}

fn says(
    codes: &[&str],
    change: StandingChange,
    top: &str,
) -> Vec<(String, StandingChange, String)> {
    codes.iter().map(|code| ((*code).to_owned(), change, top.to_owned())).collect()
}

#[test]
fn suspending_a_department_stops_all_beneath() {
    let mut s = staged();
    changed(&mut s, "gy.gov", Suspend);
    assert_eq!(standing(&s), [false; 3]);
    assert_eq!(stopped_by(&s), ["", "gy.gov", "gy.gov"]);
    assert_eq!(told(&s), says(&["gy.hrss", "gy.yy.hrss"], Suspend, "gy.gov"));
    for name in ["gy.gov/officer", "gy.hrss/officer", "gy.yy.hrss/officer"] {
        let tx = s.sign(name, register("x", "gz.psb"));
        assert_eq!(s.world.refusal(&tx), Some((None, "key.not_in_force")), "{name}");
    }
    changed(&mut s, "gy.gov", Reinstate);
    assert_eq!(standing(&s), [true; 3]);
    assert_eq!(stopped_by(&s), ["", "", ""]);
    assert_eq!(told(&s), says(&["gy.hrss", "gy.yy.hrss"], Reinstate, "gy.gov"));
}

/// Stopped up to the end of the block in which it happens.
#[test]
fn those_beneath_sign_in_the_same_block_still() {
    let mut s = staged();
    let stopping = s.sign(LEAD, change_department("gz.bdb", "gy.gov", Suspend));
    let signing = s.sign(
        MANAGER,
        admit("gy.gov", of_body(&s, "gy.gov", new_department("gy.nm.tax", "gy.gov"))),
    );
    let mut draft = s.world.draft();
    draft.transaction(&stopping).unwrap();
    // It signs still; what it wants to do meets the rule that its department is stopped.
    let refused = draft.transaction(&signing).unwrap_err();
    assert_eq!(refused.item, Some(0));
    s.world.commit(vec![stopping]);
    assert_eq!(s.world.refusal(&signing), Some((None, "key.not_in_force")));
}

/// What was suspended for its own sake stays so when what stands above it is reinstated.
#[test]
fn reinstating_starts_only_what_was_stopped_with_it() {
    let mut s = staged();
    changed(&mut s, "gy.hrss", Suspend);
    assert_eq!(told(&s), says(&["gy.yy.hrss"], Suspend, "gy.hrss"));
    changed(&mut s, "gy.gov", Suspend);
    assert_eq!(told(&s), []);
    changed(&mut s, "gy.gov", Reinstate);
    assert_eq!(standing(&s), [true, false, false]);
    assert_eq!(stopped_by(&s), ["", "", "gy.hrss"]);
    changed(&mut s, "gy.hrss", Reinstate);
    assert_eq!(standing(&s), [true; 3]);
}

/// Suspended and reinstated in one block: it never stopped.
#[test]
fn stopped_and_started_in_one_block() {
    let mut s = staged();
    let kinds = [Suspend, Reinstate].map(|it| change_department("gz.bdb", "gy.gov", it).into());
    let tx = s.world.sign(LEAD, kinds.to_vec());
    s.world.commit(vec![tx]);
    assert_eq!(standing(&s), [true; 3]);
    let height = s.world.height();
    for code in ["gy.gov", "gy.yy.hrss"] {
        let department = s.world.department(code);
        assert!(intervals::at_height(&department.standing, height));
        assert!(intervals::at_height(&department.standing, height.next()));
    }
}

/// What items cause counts against what a block takes: 19 times a thousand departments and the item
/// itself fit, the twentieth does not.
#[test]
fn a_block_takes_so_many_events_of_the_ledgers_own() {
    let mut s = staged();
    let codes: Vec<String> = (0..limits::BENEATH).map(|n| format!("gy.{n:03}")).collect();
    let like = s.world.department("gy.yy.hrss");
    for code in &codes {
        let one =
            wire::Department { code: code.clone(), parent: "gy.gov".into(), ..(*like).clone() };
        s.world.objects.insert(Place::department(code), one.into());
    }
    s.world.objects.insert(Place::beneath("gy.gov"), wire::Beneath { departments: codes }.into());
    let tx = |count: usize| {
        let changes = [Suspend, Reinstate].into_iter().cycle().take(count);
        let kinds = changes.map(|it| change_department("gz.bdb", "gy.gov", it).into());
        s.world.sign(LEAD, kinds.collect())
    };
    let mut draft = s.world.draft();
    draft.transaction(&tx(19)).unwrap();
    assert_eq!(draft.event_count(), 19 * (limits::BENEATH + 1));
    let refused = s.world.attempt(&tx(20)).unwrap_err();
    assert_eq!((refused.item, refused.why), (None, Refusal::BlockFull.into()));
}

/// Removed for good, from below upwards: whatever becomes of those above.
#[test]
fn a_removed_department_does_not_come_back() {
    let mut s = staged();
    changed(&mut s, "gy.yy.hrss", Revoke);
    assert_eq!(told(&s), []);
    let ended = |s: &Staged| ["gy.hrss", "gy.yy.hrss"].map(|code| s.world.department(code).ended);
    assert_eq!((standing(&s), ended(&s)), ([true, true, false], [false, true]));
    changed(&mut s, "gy.gov", Suspend);
    assert_eq!(told(&s), says(&["gy.hrss"], Suspend, "gy.gov"));
    changed(&mut s, "gy.gov", Reinstate);
    assert_eq!(standing(&s), [true, true, false]);
    changed(&mut s, "gy.hrss", Revoke);
    assert_eq!((standing(&s), ended(&s)), ([true, false, false], [true, true]));
    changed(&mut s, "gy.gov", Suspend);
    assert_eq!(told(&s), []);
    changed(&mut s, "gy.gov", Reinstate);
    assert_eq!(standing(&s), [true, false, false]);
    // Above one that was removed others can be, until nobody is left.
    changed(&mut s, "gy.gov", Revoke);
    assert_eq!(standing(&s), [false; 3]);
}

/// Removed while it was suspended because of one above: it is not started again with that.
#[test]
fn what_is_removed_while_all_stand_still() {
    let mut s = staged();
    changed(&mut s, "gy.gov", Suspend);
    changed(&mut s, "gy.yy.hrss", Revoke);
    changed(&mut s, "gy.gov", Reinstate);
    assert_eq!(told(&s), says(&["gy.hrss"], Reinstate, "gy.gov"));
    assert_eq!(standing(&s), [true, true, false]);
}

/// A refusal further down leaves nothing stopped on the way there.
#[test]
fn nobody_is_stopped_where_one_beneath_may_not_be() {
    let mut s = staged();
    put_beneath(&mut s, "gz.tax", "gy.yy.hrss");
    let tx = s.sign(LEAD, change_department("gz.bdb", "gy.gov", Suspend));
    assert_eq!(s.world.refusal(&tx), Some((Some(0), "department.votes")));
    // What is suspended already has stopped all beneath: nobody is asked again.
    let stopped = wire::Department {
        standing: Vec::new(),
        stopped_by: "gy.yy.hrss".into(),
        ..(*s.world.department("gz.tax")).clone()
    };
    s.world.doctor(Place::department("gz.tax"), Some(stopped.into()));
    changed(&mut s, "gy.gov", Suspend);
    assert_eq!(standing(&s), [false; 3]);
    assert_eq!(s.world.department("gz.tax").stopped_by, "gy.yy.hrss");
}
