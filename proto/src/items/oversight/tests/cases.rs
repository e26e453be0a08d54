//! Cases: opened against what stands on the ledger, answered in time, ruled on by who is no party.

use crate::items::access::tests::corrections;
use crate::ledger::{
    calendar,
    tests::{
        account::{at_fault, blamed, events, named, numbered, settled},
        items::{
            DAY, agree, answer_case, appeal, of_correction, of_grant, of_record, of_version,
            open_case, rule_case, version,
        },
        refusals::{Case, OK, run},
        stage::{APP, COLLECTOR, GATEWAY, MANAGER, RESIDENT, Staged, USER, staged},
    },
};
use crate::place::Place;
use crate::tx::Tx;
use crate::types::{Hash, IdKind, RequestId, limits};
use crate::wire::{self, CaseState, IntegrityRule, case_subject::About};
use std::sync::Arc;

pub(crate) const REGULATOR: &str = "gz.reg/officer";

/// The collector opens a case against the user.
fn against(s: &Staged, about: About) -> Tx {
    s.sign(COLLECTOR, open_case("gz.psb", "gz.hrss", about))
}

const PENSIONS: &str = "pension.roll";

/// The same, about the first version of the user's own dataset.
fn of_data(s: &mut Staged) -> Tx {
    s.world.does(USER, version(PENSIONS, "gz.hrss", 1));
    against(s, of_version(PENSIONS, 1))
}

/// Somebody else opens a case against the collector.
fn by_another(s: &Staged, about: About) -> Tx {
    s.sign("gz.tax/officer", open_case("gz.tax", "gz.psb", about))
}

/// Puts a case on the ledger; gives its id.
pub(crate) fn opened(s: &mut Staged, tx: Tx) -> Hash {
    let id = tx.header().made_id(IdKind::Case, 0);
    s.world.commit(vec![tx]);
    id
}

/// About record number 1, which names the grant.
fn of_number(s: &Staged, access_no: u64, grant: Option<&RequestId>) -> About {
    of_record(RESIDENT, &s.identity(GATEWAY), access_no, grant)
}

const OPENINGS: &[Case] = &[
    ("about a version", OK, of_data),
    ("about a version to come", Some("version.wrong"), |s| against(s, of_version(RESIDENT, 1))),
    ("about no dataset", Some("dataset.unknown"), |s| against(s, of_version("civil.none", 1))),
    ("about a record", OK, |s| {
        numbered(s, 1);
        by_another(s, of_number(s, 1, None))
    }),
    ("about a record, against who has no part in it", Some("case.not_concerned"), |s| {
        numbered(s, 1);
        against(s, of_number(s, 1, None))
    }),
    ("about a record of another's gateway", Some("identity.other_department"), |s| {
        numbered(s, 1);
        against(s, of_record(PENSIONS, &s.identity(GATEWAY), 1, None))
    }),
    ("about a record under a grant", OK, |s| {
        numbered(s, 1);
        against(s, of_number(s, 1, Some(&s.id("granted"))))
    }),
    ("about a record to come", Some("access_no.not_recorded"), |s| {
        numbered(s, 1);
        against(s, of_number(s, 2, None))
    }),
    ("about a record of no dataset", Some("dataset.unknown"), |s| {
        numbered(s, 1);
        against(s, of_record("civil.none", &s.identity(GATEWAY), 1, None))
    }),
    ("about a record under no grant", Some("request.unknown"), |s| {
        numbered(s, 1);
        against(s, of_number(s, 1, Some(&RequestId::new([1; 32]))))
    }),
    ("about a grant", OK, |s| against(s, of_grant(RESIDENT, &s.id("granted")))),
    ("about a decision", OK, |s| against(s, of_grant(RESIDENT, &s.id("refused")))),
    ("about no grant", Some("request.unknown"), |s| {
        against(s, of_grant(RESIDENT, &RequestId::new([1; 32])))
    }),
    ("about another dataset's grant", Some("request.contradiction"), |s| {
        against(s, of_grant("civil.core", &s.id("granted")))
    }),
    ("about what was declined", OK, |s| {
        let id = corrections::declined(s);
        against(s, of_correction(id.as_bytes()))
    }),
    ("about what waits for consent", Some("correction.state"), |s| {
        let id = corrections::waiting(s);
        against(s, of_correction(id.as_bytes()))
    }),
    ("about what was agreed to", Some("correction.state"), |s| {
        let id = corrections::waiting(s);
        s.world.does(USER, agree(id.as_bytes(), "gz.hrss"));
        against(s, of_correction(id.as_bytes()))
    }),
    ("about no correction", Some("correction.unknown"), |s| against(s, of_correction(&[1; 32]))),
    ("by a regulator", OK, |s| {
        s.sign(REGULATOR, open_case("gz.reg", "gz.psb", of_grant(RESIDENT, &s.id("granted"))))
    }),
    ("against nobody known", Some("case.not_concerned"), |s| {
        s.sign(USER, open_case("gz.hrss", "gz.none", of_grant(RESIDENT, &s.id("granted"))))
    }),
    ("about a version, against who only holds a grant", Some("case.not_concerned"), |s| {
        s.world.does(COLLECTOR, version(RESIDENT, "gz.psb", 1));
        s.sign("gz.tax/officer", open_case("gz.tax", "gz.hrss", of_version(RESIDENT, 1)))
    }),
    ("about a grant, against a third", Some("case.not_concerned"), |s| {
        s.sign(USER, open_case("gz.hrss", "gz.tax", of_grant(RESIDENT, &s.id("granted"))))
    }),
    ("about a grant, against its manager", OK, |s| {
        s.sign(USER, open_case("gz.hrss", "gz.bdb", of_grant(RESIDENT, &s.id("granted"))))
    }),
    ("about a request, against who has not confirmed it", Some("case.not_concerned"), |s| {
        s.sign(USER, open_case("gz.hrss", "gz.bdb", of_grant(RESIDENT, &s.id("requested"))))
    }),
    ("about what was declined, against who was relieved", OK, |s| {
        let id = corrections::declined(s);
        s.sign(COLLECTOR, open_case("gz.psb", "gz.tax", of_correction(id.as_bytes())))
    }),
    ("about what was declined, against a third", Some("case.not_concerned"), |s| {
        let id = corrections::declined(s);
        s.sign(COLLECTOR, open_case("gz.psb", "gz.aud", of_correction(id.as_bytes())))
    }),
    ("by a machine", Some("identity.kind"), |s| {
        s.sign(APP, open_case("gz.hrss", "gz.psb", of_grant(RESIDENT, &s.id("granted"))))
    }),
    ("in another's name", Some("actor.other"), |s| {
        s.sign(APP, open_case("gz.tax", "gz.psb", of_grant(RESIDENT, &s.id("granted"))))
    }),
];

/// Serves what no grant covers: the collector's first integrity event.
fn uncovered(s: &mut Staged) {
    let tx = s.record(|it| it.accesses[0].request_id.clear());
    s.world.commit(vec![tx]);
}

const APPEALS: &[Case] = &[
    ("by the department at fault", OK, |s| {
        uncovered(s);
        s.sign(COLLECTOR, appeal("gz.psb", 1))
    }),
    ("by another", Some("actor.other"), |s| {
        uncovered(s);
        let about = appeal("gz.psb", 1);
        s.sign(USER, wire::OpenCase { department: "gz.hrss".into(), ..about })
    }),
    ("against nothing", Some("integrity.unknown"), |s| {
        uncovered(s);
        s.sign(COLLECTOR, appeal("gz.psb", 2))
    }),
    ("twice", Some("integrity.not_provisional"), |s| {
        uncovered(s);
        s.world.does(COLLECTOR, appeal("gz.psb", 1));
        s.sign(COLLECTOR, appeal("gz.psb", 1))
    }),
    ("at the last moment", OK, |s| at_the_end(s, 1)),
    ("when it is final", Some("integrity.not_provisional"), |s| at_the_end(s, 0)),
];

/// Appeals so many milliseconds before the event is final.
fn at_the_end(s: &mut Staged, before: u64) -> Tx {
    uncovered(s);
    let event = &events(s, "gz.psb", IntegrityRule::Uncovered)[0];
    let until = event.raised.as_ref().unwrap().provisional_until_ms;
    s.world.reach(until - 1000);
    let tx = s.sign(COLLECTOR, appeal("gz.psb", 1));
    s.world.now = until - before;
    tx
}

/// A case about data, which waits for the user's answer.
fn waiting(s: &mut Staged) -> Hash {
    let tx = of_data(s);
    opened(s, tx)
}

/// The same, which was answered.
fn answered(s: &mut Staged) -> Hash {
    let id = waiting(s);
    s.world.does(USER, answer_case(id.as_bytes(), "gz.hrss"));
    id
}

/// The end of the tenth working day behind the first day, a Monday.
fn due() -> u64 {
    calendar::begin_of(20_500 + 15).get()
}

const ANSWERS: &[Case] = &[
    ("by the respondent", OK, |s| {
        let id = waiting(s);
        s.sign(USER, answer_case(id.as_bytes(), "gz.hrss"))
    }),
    ("too late, but still", OK, |s| {
        let id = waiting(s);
        s.world.reach(due() + DAY);
        s.sign(USER, answer_case(id.as_bytes(), "gz.hrss"))
    }),
    ("twice", Some("case.state"), |s| {
        let id = answered(s);
        s.sign(USER, answer_case(id.as_bytes(), "gz.hrss"))
    }),
    ("by who opened it", Some("actor.other"), |s| {
        let id = waiting(s);
        s.sign(COLLECTOR, answer_case(id.as_bytes(), "gz.psb"))
    }),
    ("in another's name", Some("actor.other"), |s| {
        let id = waiting(s);
        s.sign(COLLECTOR, answer_case(id.as_bytes(), "gz.hrss"))
    }),
    ("by a machine", Some("identity.kind"), |s| {
        let id = waiting(s);
        s.sign(APP, answer_case(id.as_bytes(), "gz.hrss"))
    }),
    ("to an appeal", Some("case.state"), |s| {
        uncovered(s);
        let tx = s.sign(COLLECTOR, appeal("gz.psb", 1));
        let id = opened(s, tx);
        s.sign(COLLECTOR, answer_case(id.as_bytes(), "gz.psb"))
    }),
    ("to nothing", Some("case.unknown"), |s| s.sign(USER, answer_case(&[1; 32], "gz.hrss"))),
];

/// Somebody of a department rules on a case about data that was answered.
fn ruling(s: &mut Staged, name: &str) -> Tx {
    let id = answered(s);
    s.sign(name, rule_case(id.as_bytes(), name.split_once('/').unwrap().0, true))
}

/// The same of a case about the grant.
fn ruling_on_grant(s: &mut Staged, name: &str) -> Tx {
    let tx = against(s, of_grant(RESIDENT, &s.id("granted")));
    let id = opened(s, tx);
    s.world.does(USER, answer_case(id.as_bytes(), "gz.hrss"));
    s.sign(name, rule_case(id.as_bytes(), name.split_once('/').unwrap().0, true))
}

/// The regulator rules and commends somebody.
fn commending(s: &mut Staged, department: &str) -> Tx {
    let id = answered(s);
    let it = rule_case(id.as_bytes(), "gz.reg", true);
    s.sign(REGULATOR, wire::RuleCase { commend: department.into(), ..it })
}

/// The regulator finds for the collector, the user appeals, and somebody rules on that.
fn ruling_on_ruling(s: &mut Staged, name: &str) -> Tx {
    let tx = ruling(s, REGULATOR);
    s.world.commit(vec![tx]);
    ruling_on_appeal(s, ("gz.hrss", IntegrityRule::CaseUpheld), name)
}

/// A department appeals against its first integrity event of a rule, and somebody rules on that.
fn ruling_on_appeal(s: &mut Staged, (code, rule): (&str, IntegrityRule), name: &str) -> Tx {
    let number = events(s, code, rule)[0].raised.as_ref().unwrap().number;
    let tx = s.sign(&format!("{code}/officer"), appeal(code, number));
    let id = opened(s, tx);
    s.sign(name, rule_case(id.as_bytes(), name.split_once('/').unwrap().0, true))
}

const RULINGS: &[Case] = &[
    ("by a regulator's officer", OK, |s| ruling(s, REGULATOR)),
    ("by a regulator", OK, |s| ruling(s, "gz.reg/regulator")),
    ("by a manager", OK, |s| ruling(s, MANAGER)),
    ("by a manager, on a grant of others", OK, |s| ruling_on_grant(s, "gy.gov/officer")),
    ("by the manager of the grant", Some("body.same"), |s| ruling_on_grant(s, MANAGER)),
    ("by a manager of the collector's body", Some("body.same"), |s| ruling(s, "gz.psm/officer")),
    ("by a manager of the respondent's body", Some("body.same"), |s| ruling(s, "gz.hrm/officer")),
    ("by who opened it", Some("body.same"), |s| {
        let about = of_grant(RESIDENT, &s.id("granted"));
        let tx = s.sign(REGULATOR, open_case("gz.reg", "gz.psb", about));
        let id = opened(s, tx);
        s.world.does(COLLECTOR, answer_case(id.as_bytes(), "gz.psb"));
        s.sign(REGULATOR, rule_case(id.as_bytes(), "gz.reg", true))
    }),
    ("by an auditor", Some("right.missing"), |s| ruling(s, "gz.aud/officer")),
    ("by a node", Some("identity.kind"), |s| ruling(s, "gz.bdb/node")),
    ("in another's name", Some("actor.other"), |s| {
        let id = answered(s);
        s.sign(MANAGER, rule_case(id.as_bytes(), "gz.reg", true))
    }),
    ("before the answer", Some("case.state"), |s| {
        let id = waiting(s);
        s.sign(REGULATOR, rule_case(id.as_bytes(), "gz.reg", true))
    }),
    ("before the time for it is over", Some("case.state"), |s| {
        let id = waiting(s);
        s.world.reach(due() - 2000);
        let tx = s.sign(REGULATOR, rule_case(id.as_bytes(), "gz.reg", true));
        s.world.now = due() - 1;
        tx
    }),
    ("without an answer", OK, |s| {
        let id = waiting(s);
        s.world.reach(due());
        s.sign(REGULATOR, rule_case(id.as_bytes(), "gz.reg", true))
    }),
    ("twice", Some("case.state"), |s| {
        let id = answered(s);
        s.world.does(REGULATOR, rule_case(id.as_bytes(), "gz.reg", true));
        s.sign(REGULATOR, rule_case(id.as_bytes(), "gz.reg", false))
    }),
    ("on nothing", Some("case.unknown"), |s| {
        s.sign(REGULATOR, rule_case(&[1; 32], "gz.reg", true))
    }),
    ("and commends somebody", OK, |s| commending(s, "gz.psb")),
    ("and commends nobody known", Some("department.unknown"), |s| commending(s, "gz.none")),
    ("and commends itself", Some("body.same"), |s| commending(s, "gz.reg")),
    ("and commends another department of its body", Some("body.same"), |s| {
        let id = answered(s);
        let it = rule_case(id.as_bytes(), "gz.bdb", true);
        s.sign(MANAGER, wire::RuleCase { commend: "gz.bds".into(), ..it })
    }),
    ("by who ruled so, on the appeal", Some("body.same"), |s| ruling_on_ruling(s, REGULATOR)),
    ("by another, on the appeal", OK, |s| ruling_on_ruling(s, MANAGER)),
    ("by who commended so, on the appeal", Some("body.same"), |s| {
        let tx = commending(s, "gz.tax");
        s.world.commit(vec![tx]);
        ruling_on_appeal(s, ("gz.tax", IntegrityRule::Commended), REGULATOR)
    }),
];

pub(crate) const TABLES: &[&[Case]] = &[OPENINGS, APPEALS, ANSWERS, RULINGS];

#[test]
fn who_opens_answers_and_rules() {
    for table in TABLES {
        assert_eq!(run(table), named(table));
    }
}

fn case(s: &Staged, id: &Hash) -> Arc<wire::Case> {
    s.world.get(&Place::case(id.as_bytes()))
}

/// Every body that has a part in what it is about is a party to the case.
#[test]
fn whose_case_it_is() {
    let all = |s: &mut Staged, tx: Tx| {
        let id = opened(s, tx);
        case(s, &id).bodies.clone()
    };
    let mut s = staged();
    let tx = of_data(&mut s);
    assert_eq!(all(&mut s, tx), ["hrss", "psb"]);
    numbered(&mut s, 1);
    let alone = by_another(&s, of_number(&s, 1, None));
    assert_eq!(all(&mut s, alone), ["psb", "tax"]);
    let with_grant = by_another(&s, of_number(&s, 1, Some(&s.id("granted"))));
    assert_eq!(all(&mut s, with_grant), ["bdb", "hrss", "psb", "tax"]);
    let of_the_grant = by_another(&s, of_grant(RESIDENT, &s.id("granted")));
    assert_eq!(all(&mut s, of_the_grant), ["bdb", "hrss", "psb", "tax"]);
    let undecided = by_another(&s, of_grant(RESIDENT, &s.id("requested")));
    assert_eq!(all(&mut s, undecided), ["hrss", "psb", "tax"]);
    // An appeal against what happened under a grant.
    let uncovered = s.record(|it| it.purpose = "audit".into());
    s.world.commit(vec![uncovered]);
    let appealing = s.sign(COLLECTOR, appeal("gz.psb", 1));
    assert_eq!(all(&mut s, appealing), ["bdb", "hrss", "psb"]);
    let s = &mut staged();
    let correction = corrections::declined(s);
    let tx = s.sign(USER, open_case("gz.hrss", "gz.psb", of_correction(correction.as_bytes())));
    assert_eq!(all(s, tx), ["hrss", "psb", "tax"]);
}

/// Upheld it is the respondent's fault, dismissed that of who opened it; who deserves it is
/// commended.
#[test]
fn what_a_ruling_makes() {
    let cases = [
        (true, IntegrityRule::CaseUpheld, "gz.hrss", CaseState::Upheld),
        (false, IntegrityRule::CaseDismissed, "gz.psb", CaseState::Dismissed),
    ];
    for (uphold, rule, department, state) in cases {
        let mut s = staged();
        let id = answered(&mut s);
        assert_eq!(case(&s, &id).state(), CaseState::Answered);
        let it = rule_case(id.as_bytes(), "gz.reg", uphold);
        s.world.does(REGULATOR, wire::RuleCase { commend: "gz.bdb".into(), ..it });
        let expected =
            [(department.into(), rule, 1), ("gz.bdb".into(), IntegrityRule::Commended, 1)];
        assert_eq!(s.world.at_fault(), expected);
        let raised = events(&s, department, rule)[0].raised.clone().unwrap();
        assert_eq!((raised.dataset.as_str(), raised.request_id), (PENSIONS, vec![]));
        let found = case(&s, &id);
        assert_eq!((found.state(), found.ruled_by.as_str()), (state, "gz.reg"));
    }
}

/// To drag others into cases that come to nothing costs something.
#[test]
fn a_dismissed_case_counts() {
    let mut s = staged();
    let id = answered(&mut s);
    s.world.does(REGULATOR, rule_case(id.as_bytes(), "gz.reg", false));
    let event = &events(&s, "gz.psb", IntegrityRule::CaseDismissed)[0];
    s.world.reach(event.raised.as_ref().unwrap().provisional_until_ms);
    let settled = settled(&s, "gz.psb");
    let points =
        settled.iter().find(|it| it.rule() == IntegrityRule::CaseDismissed).unwrap().points;
    assert_eq!(points, 5000);
}

/// Who does not answer in time is at fault, once; the case goes on.
#[test]
fn an_answer_is_due() {
    let mut s = staged();
    let id = waiting(&mut s);
    assert_eq!((case(&s, &id).state(), case(&s, &id).due_ms), (CaseState::Open, due()));
    s.world.reach(due() - 1);
    let missed = |s: &Staged| {
        let mut found = at_fault(s, IntegrityRule::DeadlineMissed);
        found.retain(|(department, _)| department == "gz.hrss");
        found
    };
    assert_eq!(missed(&s), []);
    s.world.reach(due());
    assert_eq!(missed(&s), blamed("gz.hrss", 1));
    s.world.does(USER, answer_case(id.as_bytes(), "gz.hrss"));
    s.world.does(REGULATOR, rule_case(id.as_bytes(), "gz.reg", false));
    s.world.reach(due() + 40 * DAY);
    assert_eq!(events(&s, "gz.hrss", IntegrityRule::DeadlineMissed).len(), 1);
}

#[test]
fn an_answer_in_time() {
    let mut s = staged();
    let id = waiting(&mut s);
    s.world.reach(due() - 2000);
    s.world.does(USER, answer_case(id.as_bytes(), "gz.hrss"));
    s.world.reach(due());
    assert_eq!(events(&s, "gz.hrss", IntegrityRule::DeadlineMissed), []);
}

/// An answer or a ruling while the timer waits for room in a block does not undo that it is late.
#[test]
fn late_while_the_timer_waits() {
    for answer in [true, false] {
        let mut s = staged();
        let id = waiting(&mut s);
        // Each is due when the case is, and goes off before it.
        crate::items::sharing::tests::deadlines::ask_many(&mut s, limits::TIMERS + 100);
        s.world.reach(due() - 1000);
        let tx = match answer {
            true => s.sign(USER, answer_case(id.as_bytes(), "gz.hrss")),
            false => s.sign(REGULATOR, rule_case(id.as_bytes(), "gz.reg", false)),
        };
        s.world.now = due();
        s.world.commit(vec![tx]);
        let missed = |s: &Staged| events(s, "gz.hrss", IntegrityRule::DeadlineMissed).len();
        assert_eq!(missed(&s), 1, "answer: {answer}");
        for _ in 0..3 {
            s.world.commit(Vec::new());
        }
        assert_eq!(missed(&s), 1, "answer: {answer}");
    }
}
