//! One department takes another's place: it acts for it, is one body with it, and after an overlap
//! its root alone speaks for both.

use crate::event::{Reason, Verdict, ledger::LedgerEvent};
use crate::items::access::tests::coverage::judged;
use crate::items::member::tests::departments::{manager, set_lead, set_managers};
use crate::items::sharing::grants;
use crate::ledger::tests::{
    items::{DAY, change_department, reconfirm, register_identity, resume, succeed, suspend},
    refusals::{Case, OK, run},
    stage::{COLLECTOR, MANAGER, Staged, USER, staged},
};
use crate::place::Place;
use crate::types::IdentityId;
use crate::wire::{self, GrantState, IdentityKind, StandingChange, ledger_event::Kind};

const LEAD: &str = "gz.bdb/officer";

/// The lead lets one department follow on another.
pub(crate) fn succeeded(s: &mut Staged, from: &str, to: &str) {
    s.world.does(LEAD, succeed(from, to, s.world.now));
}

/// Nobody but the lead votes: then no proposal is needed.
fn only_the_lead_votes(s: &mut Staged) {
    let lead = wire::Voter { department: "gz.bdb".into(), weight: 1, suspended: false };
    s.world.doctor(Place::voters(), Some(wire::Voters { voters: vec![lead] }.into()));
}

/// The user's place is taken by a department of the manager's body.
pub(crate) fn coincide(s: &mut Staged) {
    only_the_lead_votes(s);
    succeeded(s, "gz.hrss", "gz.bds");
}

const SUCCESSIONS: &[Case] = &[
    ("by the lead", OK, |s| s.sign(LEAD, succeed("gz.psu", "gz.bds", s.world.now))),
    ("by another", Some("lead.needed"), |s| {
        let it = succeed("gz.psu", "gz.bds", s.world.now);
        s.sign(USER, wire::SucceedDepartment { lead: "gz.hrss".into(), ..it })
    }),
    ("in the lead's name", Some("actor.other"), |s| {
        s.sign(USER, succeed("gz.psu", "gz.bds", s.world.now))
    }),
    ("by a machine", Some("identity.kind"), |s| {
        s.sign("gz.bdb/node", succeed("gz.psu", "gz.bds", s.world.now))
    }),
    ("of one with a vote", Some("department.votes"), |s| {
        s.sign(LEAD, succeed("gz.tax", "gz.bds", s.world.now))
    }),
    ("by one with a vote", Some("department.votes"), |s| {
        s.sign(LEAD, succeed("gz.psu", "gz.tax", s.world.now))
    }),
    ("of nobody", Some("department.unknown"), |s| {
        s.sign(LEAD, succeed("gz.none", "gz.bds", s.world.now))
    }),
    ("by nobody", Some("department.unknown"), |s| {
        s.sign(LEAD, succeed("gz.psu", "gz.none", s.world.now))
    }),
    ("twice", Some("succession.exists"), |s| {
        succeeded(s, "gz.psu", "gz.bds");
        s.sign(LEAD, succeed("gz.psu", "gz.hrm", s.world.now))
    }),
    ("by one that was itself followed on", Some("succession.exists"), |s| {
        succeeded(s, "gz.psu", "gz.bds");
        s.sign(LEAD, succeed("gz.psm", "gz.psu", s.world.now))
    }),
    ("of one that is suspended", Some("standing.is"), |s| {
        s.world.does(LEAD, change_department("gz.bdb", "gy.hrss", StandingChange::Suspend));
        s.sign(LEAD, succeed("gy.hrss", "gz.bds", s.world.now))
    }),
    ("by one that was removed", Some("standing.is"), |s| {
        s.world.does(LEAD, change_department("gz.bdb", "gy.yy.hrss", StandingChange::Revoke));
        s.sign(LEAD, succeed("gz.psu", "gy.yy.hrss", s.world.now))
    }),
    ("of one that manages grants", Some("department.in_office"), |s| {
        set_managers(s, vec![manager("52", "gz.psm", "")]);
        s.sign(LEAD, succeed("gz.psm", "gz.bds", s.world.now))
    }),
    ("with an overlap that is over", Some("succession.overlap"), |s| {
        let mut it = succeed("gz.psu", "gz.bds", s.world.now);
        it.succession.as_mut().unwrap().overlap_until_ms = s.world.now;
        s.sign(LEAD, it)
    }),
    ("of one that leads", Some("department.in_office"), |s| {
        only_the_lead_votes(s);
        set_lead(s, "gz.psu");
        let it = succeed("gz.psu", "gz.bds", s.world.now);
        s.sign("gz.psu/officer", wire::SucceedDepartment { lead: "gz.psu".into(), ..it })
    }),
    ("by one that took the place of many", OK, |s| {
        took_the_place_of(s, "gz.bds", 999);
        s.sign(LEAD, succeed("gz.psu", "gz.bds", s.world.now))
    }),
    ("by one that took the place of too many", Some("department.too_many_beneath"), |s| {
        took_the_place_of(s, "gz.bds", 1000);
        s.sign(LEAD, succeed("gz.psu", "gz.bds", s.world.now))
    }),
    (
        "of one that took another's place, by one of many",
        Some("department.too_many_beneath"),
        |s| {
            succeeded(s, "gz.psu", "gz.psm");
            took_the_place_of(s, "gz.bds", 999);
            s.sign(LEAD, succeed("gz.psm", "gz.bds", s.world.now))
        },
    ),
];

/// As if a department had taken the place of so many before.
fn took_the_place_of(s: &mut Staged, code: &str, count: usize) {
    let predecessors = (0..count).map(|n| format!("gone.{n:03}")).collect();
    let one = wire::Department { predecessors, ..(*s.world.department(code)).clone() };
    s.world.doctor(Place::department(code), Some(one.into()));
}

const RECONFIRMATIONS: &[Case] = &[
    ("by a manager of a third body", OK, |s| {
        coincide(s);
        s.sign("gz.hrm/officer", reconfirm(&s.id("granted"), &s.asked(), "gz.hrm"))
    }),
    ("by a manager whose body operates what it is for", Some("operator.manages"), |s| {
        coincide(s);
        crate::items::sharing::tests::grants::operated(
            s,
            crate::ledger::tests::stage::APP,
            "gz.hrm",
        );
        s.sign("gz.hrm/officer", reconfirm(&s.id("granted"), &s.asked(), "gz.hrm"))
    }),
    ("by the same manager", Some("body.same"), |s| {
        coincide(s);
        s.sign(MANAGER, reconfirm(&s.id("granted"), &s.asked(), "gz.bdb"))
    }),
    ("by a manager of the collector's body", Some("body.same"), |s| {
        coincide(s);
        s.sign("gz.psm/officer", reconfirm(&s.id("granted"), &s.asked(), "gz.psm"))
    }),
    ("of three bodies", Some("grant.parties_differ"), |s| {
        s.sign("gz.hrm/officer", reconfirm(&s.id("granted"), &s.asked(), "gz.hrm"))
    }),
    ("of what was revoked", Some("grant.ended"), |s| {
        coincide(s);
        s.sign("gz.hrm/officer", reconfirm(&s.id("revoked"), &s.asked(), "gz.hrm"))
    }),
    ("without the right", Some("right.missing"), |s| {
        coincide(s);
        s.sign("gz.tax/officer", reconfirm(&s.id("granted"), &s.asked(), "gz.tax"))
    }),
    ("by a machine", Some("identity.kind"), |s| {
        coincide(s);
        s.sign("gz.bdb/node", reconfirm(&s.id("granted"), &s.asked(), "gz.bdb"))
    }),
    ("of another user", Some("request.contradiction"), |s| {
        coincide(s);
        let mut asked = s.asked();
        asked.using_department = "gz.bds".into();
        s.sign("gz.hrm/officer", reconfirm(&s.id("granted"), &asked, "gz.hrm"))
    }),
    ("by the deputy, where the manager is a party", OK, |s| {
        coincide(s);
        set_managers(s, vec![manager("52", "gz.bdb", "gy.gov")]);
        s.sign("gy.gov/officer", reconfirm(&s.id("granted"), &s.asked(), "gy.gov"))
    }),
    ("by another than the deputy", Some("manager.other"), |s| {
        coincide(s);
        set_managers(s, vec![manager("52", "gz.bdb", "gy.gov")]);
        s.sign("gz.hrm/officer", reconfirm(&s.id("granted"), &s.asked(), "gz.hrm"))
    }),
    ("by the manager that is named", OK, |s| {
        coincide(s);
        set_managers(s, vec![manager("52", "gz.hrm", "gy.gov")]);
        s.sign("gz.hrm/officer", reconfirm(&s.id("granted"), &s.asked(), "gz.hrm"))
    }),
    ("by the deputy, where the manager is no party", Some("manager.other"), |s| {
        coincide(s);
        set_managers(s, vec![manager("52", "gz.hrm", "gy.gov")]);
        s.sign("gy.gov/officer", reconfirm(&s.id("granted"), &s.asked(), "gy.gov"))
    }),
    ("by any third, where another division's manager is named", OK, |s| {
        coincide(s);
        set_managers(s, vec![manager("5201", "gy.gov", "")]);
        s.sign("gz.hrm/officer", reconfirm(&s.id("granted"), &s.asked(), "gz.hrm"))
    }),
];

pub(crate) const TABLES: &[&[Case]] = &[SUCCESSIONS, RECONFIRMATIONS];

#[test]
fn the_lead_carries_out_successions() {
    assert_eq!(run(SUCCESSIONS).len(), 10);
}

#[test]
fn a_third_manager_takes_a_grant_on() {
    assert_eq!(run(RECONFIRMATIONS).len(), 8);
}

fn told(s: &Staged) -> Vec<Kind> {
    s.world.told().iter().map(LedgerEvent::kind).cloned().collect()
}

/// The one that took the place signs for the other, and so do the other's own people.
#[test]
fn the_successor_acts_for_the_one_before() {
    let mut s = staged();
    only_the_lead_votes(&mut s);
    assert_eq!(s.world.refusal(&s.sign("gz.tax/officer", s.asked())), refused("actor.other"));
    succeeded(&mut s, "gz.hrss", "gz.tax");
    for name in [USER, "gz.tax/officer"] {
        s.world.does(name, s.asked());
    }
    assert_eq!(s.world.department("gz.hrss").body, "tax");
    // By the rights of the one before: it collects, the successor does not.
    let new = crate::ledger::tests::items::register("pension.new", "gz.hrss");
    s.world.does("gz.tax/officer", new);
    let own = crate::ledger::tests::items::register("tax.new", "gz.tax");
    assert_eq!(s.world.refusal(&s.sign("gz.tax/officer", own)), refused("right.missing"));
    // Not the other way round.
    let other = wire::RequestAccess { using_department: "gz.tax".into(), ..s.asked() };
    assert_eq!(s.world.refusal(&s.sign(USER, other)), refused("actor.other"));
}

fn refused(code: &'static str) -> Option<(Option<u32>, &'static str)> {
    Some((Some(0), code))
}

/// And whoever takes the successor's place acts for both.
#[test]
fn successors_of_successors() {
    let mut s = staged();
    only_the_lead_votes(&mut s);
    succeeded(&mut s, "gz.hrss", "gz.tax");
    succeeded(&mut s, "gz.tax", "gz.reg");
    s.world.does("gz.reg/officer", s.asked());
    s.world.does("gz.tax/officer", s.asked());
}

fn member_changed(code: &str) -> Kind {
    Kind::MemberChanged(wire::MemberChanged { department: code.into() })
}

/// All whose place was taken, one behind the other, are one body with the last; whoever changed
/// besides the two that are named hears of it.
#[test]
fn successors_of_successors_are_one_body() {
    let mut s = staged();
    only_the_lead_votes(&mut s);
    let line = ["gz.hrss", "gz.tax", "gz.reg", "gz.bds"];
    for (number, pair) in line.windows(2).enumerate() {
        let [from, to] = pair else { panic!("two") };
        s.world.pause(4 * DAY);
        succeeded(&mut s, from, to);
        let body = s.world.department(to).body.clone();
        let due = s.world.department(from).reconfirm_due_ms;
        assert!(due > s.world.now);
        for before in &line[..=number] {
            let one = s.world.department(before);
            assert_eq!((&one.body, one.reconfirm_due_ms), (&body, due), "{before}");
        }
        let all: Vec<&str> = line[..=number].iter().rev().copied().collect();
        assert_eq!(s.world.department(to).predecessors, all);
        let (from, to) = ((*from).to_owned(), (*to).to_owned());
        let over = false;
        let mut expected: Vec<_> = all[1..].iter().map(|code| member_changed(code)).collect();
        expected.push(Kind::DepartmentSucceeded(wire::DepartmentSucceeded { from, to, over }));
        assert_eq!(told(&s), expected);
        let events = &s.world.tip().delta.events;
        for (code, event) in all[1..].iter().zip(&events[1..]) {
            assert!(event.trails.contains(&Place::department_trail(code)));
        }
    }
    // Each still names the one that took its place itself.
    assert_eq!(s.world.department("gz.hrss").successor, "gz.tax");
    assert_eq!(s.world.department("gz.bds").reconfirm_due_ms, 0);
}

/// No body decides on what it is party to, however often its place was taken.
#[test]
fn parties_coincide_by_the_second_succession() {
    let mut s = staged();
    only_the_lead_votes(&mut s);
    succeeded(&mut s, "gz.hrss", "gz.tax");
    let first = s.world.department("gz.hrss").reconfirm_due_ms;
    assert_eq!(s.world.refusal(&s.confirm("approved", |_| {})), None);
    s.world.pause(7 * DAY);
    succeeded(&mut s, "gz.tax", "gz.bds");
    assert_eq!(s.world.refusal(&s.confirm("approved", |_| {})), refused("body.same"));
    let due = s.world.department("gz.hrss").reconfirm_due_ms;
    assert!(due > first);
    assert_eq!(verdict(&mut s, due - 1), (Verdict::Covered, Reason::None));
    assert_eq!(verdict(&mut s, due), (Verdict::Uncovered, Reason::NotReconfirmed));
}

/// What stood beneath the one stands beneath the other.
#[test]
fn those_beneath_move() {
    let mut s = staged();
    succeeded(&mut s, "gy.hrss", "gz.bds");
    assert_eq!(s.world.department("gy.yy.hrss").parent, "gz.bds");
    let beneath: std::sync::Arc<wire::Beneath> = s.world.get(&Place::beneath("gz.bds"));
    assert_eq!(beneath.departments, ["gy.yy.hrss"]);
    assert!(!s.world.objects.contains_key(&Place::beneath("gy.hrss")));
    let (from, to) = ("gy.hrss".to_owned(), "gz.bds".to_owned());
    let department = "gy.yy.hrss".to_owned();
    let expected = [
        Kind::MemberChanged(wire::MemberChanged { department }),
        Kind::DepartmentSucceeded(wire::DepartmentSucceeded { from, to, over: false }),
    ];
    assert_eq!(told(&s), expected);
}

/// Whoever stood beneath the one whose place it takes stands where that one did: no department is
/// beneath itself.
#[test]
fn a_successor_from_beneath() {
    let mut s = staged();
    succeeded(&mut s, "gy.gov", "gy.yy.hrss");
    let parent = |s: &Staged, code: &str| s.world.department(code).parent.clone();
    assert_eq!(parent(&s, "gy.yy.hrss"), "gz.bdb");
    assert_eq!(parent(&s, "gy.hrss"), "gy.yy.hrss");
    for change in [StandingChange::Suspend, StandingChange::Reinstate] {
        s.world.does(LEAD, change_department("gz.bdb", "gy.yy.hrss", change));
        let stands = |code| crate::ledger::intervals::is_open(&s.world.department(code).standing);
        let expected = change == StandingChange::Reinstate;
        assert_eq!([stands("gy.yy.hrss"), stands("gy.hrss")], [expected; 2]);
        assert!(stands("gy.gov"));
    }
}

/// Who may register an identity of gy.hrss now.
fn roots(s: &Staged) -> [bool; 2] {
    let it = register_identity("gy.hrss", "clerk", IdentityKind::Officer);
    ["gy.hrss/root", "gz.hrss/root"].map(|name| {
        let tx = s.sign(name, it.clone());
        s.world.refusal(&tx).is_none()
    })
}

/// Both roots have authority during the overlap, then the successor's alone.
#[test]
fn the_overlap_ends() {
    let mut s = staged();
    only_the_lead_votes(&mut s);
    assert_eq!(roots(&s), [true, false]);
    let until = s.world.now + 30 * DAY;
    succeeded(&mut s, "gy.hrss", "gz.hrss");
    assert_eq!(roots(&s), [true, true]);
    s.world.reach(until - 1);
    assert_eq!(roots(&s), [true, true]);
    s.world.reach(until);
    assert_eq!(roots(&s), [false, true]);
    let (from, to) = ("gy.hrss".into(), "gz.hrss".into());
    let over = Kind::DepartmentSucceeded(wire::DepartmentSucceeded { from, to, over: true });
    assert_eq!(told(&s), [over]);
    assert!(s.world.department("gy.hrss").root_id.is_empty());
    let root: std::sync::Arc<wire::Identity> =
        s.world.get(&Place::identity(&s.identity("gy.hrss/root")));
    assert!(root.ended);
    // Its people go on.
    let gy = s.identity("gy.hrss/officer");
    let it = crate::ledger::tests::items::assign("gy.hrss", &gy, 0);
    s.world.does("gz.hrss/root", it);
}

/// A grant of which two parties became one body serves on until it was to be reconfirmed.
#[test]
fn a_grant_serves_on_until_the_deadline() {
    let mut s = staged();
    coincide(&mut s);
    let due = s.world.department("gz.hrss").reconfirm_due_ms;
    // 20 working days from the first Monday.
    assert_eq!(due, 20_529 * DAY - 8 * crate::ledger::tests::items::HOUR);
    let covered = (Verdict::Covered, Reason::None);
    assert_eq!(verdict(&mut s, due - 1), covered);
    assert_eq!(verdict(&mut s, due), (Verdict::Uncovered, Reason::NotReconfirmed));
    let it = reconfirm(&s.id("granted"), &s.asked(), "gz.hrm");
    s.world.does("gz.hrm/officer", it);
    assert_eq!(verdict(&mut s, due + DAY), covered);
    let grant = s.world.grant(&s.id("granted"));
    let bodies = [&grant.using_body, &grant.collector_body, &grant.manager_body];
    assert_eq!(bodies, ["bdb", "psb", "hrss"]);
    assert_eq!((grant.manager.as_str(), grants::state(&grant)), ("gz.hrm", GrantState::Active));
}

/// What becomes of an access at a time, recorded a second later.
fn verdict(s: &mut Staged, time: u64) -> (Verdict, Reason) {
    s.world.reach(time.max(s.world.now));
    let outcome = judged(s, |it| {
        it.access_time_ms = time;
        it.decided_height = None;
    });
    (outcome.verdict, outcome.reason)
}

/// Whoever suspended a grant resumes it, also after another manager took it on; what the manager
/// before suspended is the new one's to resume.
#[test]
fn a_suspended_grant_that_is_reconfirmed() {
    for (name, by) in [(COLLECTOR, "gz.psb/officer"), (MANAGER, "gz.hrm/officer")] {
        let mut s = staged();
        coincide(&mut s);
        let (id, asked) = (s.id("granted"), s.asked());
        s.world.does(name, suspend(&id, &asked, "gz.bdb"));
        s.world.does("gz.hrm/officer", reconfirm(&id, &asked, "gz.hrm"));
        let state = grants::state(&s.world.grant(&id));
        assert_eq!(state, GrantState::Suspended);
        for other in ["gz.psb/officer", "gz.hrm/officer"] {
            let tx = s.sign(other, resume(&id, &asked, "gz.hrm"));
            let expected = (other != by).then_some((Some(0), "grant.suspended_by"));
            assert_eq!(s.world.refusal(&tx), expected, "{by} {other}");
        }
    }
}

/// A permit does not reach beyond the collector's own body, whatever its people become part of.
#[test]
fn a_permit_ends_where_its_body_does() {
    let mut s = staged();
    let person: IdentityId = s.identity("gz.psu/officer");
    let terms = crate::ledger::tests::items::terms(&[person]);
    let tx =
        s.sign(COLLECTOR, crate::ledger::tests::items::permit("civil.resident", "gz.psb", terms));
    let id = tx.header().request_id(0);
    s.world.commit(vec![tx]);
    let asked = move |it: &mut wire::RecordAccess| {
        it.accesses[0].request_id = id.to_vec();
        it.asker = Some(crate::ledger::tests::items::verified("gz.psu", &person));
    };
    assert_eq!(judged(&mut s, asked).verdict, Verdict::Internal);
    succeeded(&mut s, "gz.psu", "gz.bds");
    let outcome = judged(&mut s, asked);
    assert_eq!((outcome.verdict, outcome.reason), (Verdict::Uncovered, Reason::OtherBody));
}
