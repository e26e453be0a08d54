//! Gateways: how they are set up, their mapping, and their numbers without gaps.

use crate::event::{Reason, Verdict};
use crate::items::member::tests::successions::coincide;
use crate::ledger::tests::{
    account::{at_fault, blamed, counts, events, gateway, named, numbered},
    items::{
        DAY, HOUR, commit_mapping, declare_loss, declare_outage, handover, retire, set_gateway,
        unrecordable,
    },
    refusals::{Case, OK, run},
    stage::{COLLECTOR, GATEWAY, RESIDENT, Staged, staged},
};
use crate::place::Place;
use crate::tx::Tx;
use crate::types::{IdentityId, limits};
use crate::wire::{self, Gap, IntegrityRule};
use std::sync::Arc;

const OTHERS: &str = "gz.hrss/gateway";
const NODE: &str = "gz.psb/node";

/// The collector sets its gateway up, bent.
fn setting(s: &Staged, bend: impl FnOnce(&mut wire::SetGateway)) -> Tx {
    let mut it = set_gateway(&s.identity(GATEWAY), &[RESIDENT]);
    bend(&mut it);
    s.sign(COLLECTOR, it)
}

/// Sets the gateway up.
pub(crate) fn set_up(s: &mut Staged) {
    s.world.commit(vec![setting(s, |_| {})]);
}

const SETTINGS: &[Case] = &[
    ("a gateway", OK, |s| setting(s, |_| {})),
    ("again, for more", OK, |s| {
        set_up(s);
        setting(s, |it| it.datasets.insert(0, "civil.core".into()))
    }),
    ("closed", OK, |s| setting(s, |it| it.datasets.clear())),
    ("by who took its collector's place", OK, |s| {
        coincide(s);
        let it = set_gateway(&s.identity(OTHERS), &["pension.roll"]);
        s.sign("gz.bds/officer", wire::SetGateway { collector: "gz.hrss".into(), ..it })
    }),
    ("by itself", Some("identity.kind"), |s| {
        s.sign(GATEWAY, set_gateway(&s.identity(GATEWAY), &[RESIDENT]))
    }),
    ("another department's", Some("identity.other_department"), |s| {
        let others = s.identity(OTHERS).to_vec();
        setting(s, |it| it.gateway_id = others)
    }),
    ("nobody known", Some("identity.unknown"), |s| setting(s, |it| it.gateway_id = vec![1; 32])),
    ("an officer", Some("identity.kind"), |s| {
        let officer = s.identity(COLLECTOR).to_vec();
        setting(s, |it| it.gateway_id = officer)
    }),
    ("for another's dataset", Some("dataset.other_collector"), |s| {
        setting(s, |it| it.datasets = vec!["pension.roll".into()])
    }),
    ("for no dataset known", Some("dataset.unknown"), |s| {
        setting(s, |it| it.datasets = vec!["civil.none".into()])
    }),
    ("for what is out of the catalogue", Some("dataset.retired"), |s| {
        s.world.does(COLLECTOR, retire(RESIDENT, "gz.psb"));
        setting(s, |_| {})
    }),
    ("in another's name", Some("actor.other"), |s| {
        setting(s, |it| it.collector = "gz.hrss".into())
    }),
    ("without the right", Some("right.missing"), |s| {
        let it = set_gateway(&s.identity("gz.tax/app"), &[]);
        s.sign("gz.tax/officer", wire::SetGateway { collector: "gz.tax".into(), ..it })
    }),
];

/// Commits to a mapping of the gateway, which was set up.
fn mapping(s: &mut Staged, name: &str) -> Tx {
    set_up(s);
    s.sign(name, commit_mapping(&s.identity(GATEWAY)))
}

const MAPPINGS: &[Case] = &[
    ("by the gateway", OK, |s| mapping(s, GATEWAY)),
    ("by an officer", OK, |s| mapping(s, COLLECTOR)),
    ("by a node", Some("identity.kind"), |s| mapping(s, NODE)),
    ("by another department", Some("actor.other"), |s| mapping(s, OTHERS)),
    ("of what was not set up", Some("gateway.not_set_up"), |s| {
        s.sign(GATEWAY, commit_mapping(&s.identity(GATEWAY)))
    }),
    ("of another's gateway", Some("identity.other_department"), |s| {
        set_up(s);
        let it = commit_mapping(&s.identity(GATEWAY));
        s.sign(OTHERS, wire::CommitMapping { collector: "gz.hrss".into(), ..it })
    }),
];

/// Declares numbers lost, after 5 and 9 were recorded.
fn loss(s: &mut Staged, range: (u64, u64)) -> Tx {
    numbered(s, 5);
    numbered(s, 9);
    s.sign(GATEWAY, declare_loss(&s.identity(GATEWAY), range))
}

const LOSSES: &[Case] = &[
    ("a gap", OK, |s| loss(s, (1, 4))),
    ("part of a gap", OK, |s| loss(s, (7, 7))),
    ("what comes next", OK, |s| loss(s, (10, 12))),
    ("what comes later", OK, |s| loss(s, (20, 20))),
    ("what is recorded", Some("access_no.taken"), |s| loss(s, (5, 5))),
    ("a gap and what is recorded", Some("access_no.taken"), |s| loss(s, (3, 5))),
    ("what is recorded and a gap", Some("access_no.taken"), |s| loss(s, (5, 6))),
    ("two gaps and what lies between", Some("access_no.taken"), |s| loss(s, (1, 8))),
    ("what is recorded and what comes next", Some("access_no.taken"), |s| loss(s, (9, 10))),
    ("twice", Some("access_no.taken"), |s| {
        s.world.does(COLLECTOR, declare_loss(&s.identity(GATEWAY), (1, 2)));
        s.sign(COLLECTOR, declare_loss(&s.identity(GATEWAY), (2, 2)))
    }),
    ("of another's gateway", Some("identity.other_department"), |s| {
        s.sign(COLLECTOR, declare_loss(&s.identity(OTHERS), (1, 2)))
    }),
    ("of nobody", Some("identity.other_department"), |s| {
        s.sign(COLLECTOR, declare_loss(&IdentityId::new([1; 32]), (1, 2)))
    }),
    ("of an officer's numbers", OK, |s| {
        s.sign(COLLECTOR, declare_loss(&s.identity(COLLECTOR), (1, 2)))
    }),
    ("of another's officer's numbers", Some("identity.other_department"), |s| {
        s.sign(COLLECTOR, declare_loss(&s.identity("gz.hrss/officer"), (1, 2)))
    }),
    ("by a node", Some("identity.kind"), |s| {
        s.sign(NODE, declare_loss(&s.identity(GATEWAY), (1, 2)))
    }),
    ("by another department", Some("actor.other"), |s| {
        s.sign(OTHERS, declare_loss(&s.identity(GATEWAY), (1, 2)))
    }),
];

/// Declares the gateway, which was set up, to be out for a time.
fn outage(s: &mut Staged, ms: u64) -> Tx {
    set_up(s);
    s.sign(COLLECTOR, declare_outage(&s.identity(GATEWAY), s.world.now + ms))
}

const OUTAGES: &[Case] = &[
    ("for 72 hours", OK, |s| outage(s, 72 * HOUR)),
    ("for longer", Some("outage.too_long"), |s| outage(s, 72 * HOUR + 1)),
    ("for a moment", OK, |s| outage(s, 1)),
    ("that is over", Some("outage.too_long"), |s| outage(s, 0)),
    ("of what was not set up", Some("gateway.not_set_up"), |s| {
        s.sign(COLLECTOR, declare_outage(&s.identity(GATEWAY), s.world.now + HOUR))
    }),
    ("by a node", Some("identity.kind"), |s| {
        set_up(s);
        s.sign(NODE, declare_outage(&s.identity(GATEWAY), s.world.now + HOUR))
    }),
];

const UNRECORDABLE: &[Case] = &[
    ("by the gateway", OK, |s| s.sign(GATEWAY, unrecordable(1))),
    ("a number again", Some("access_no.taken"), |s| {
        numbered(s, 1);
        s.sign(GATEWAY, unrecordable(1))
    }),
    ("by an officer", Some("identity.kind"), |s| s.sign(COLLECTOR, unrecordable(1))),
    ("by another department", Some("actor.other"), |s| s.sign(OTHERS, unrecordable(1))),
];

const HANDOVERS: &[Case] = &[
    ("by an officer", OK, |s| s.sign(COLLECTOR, handover(s.covered()))),
    ("a number that the gateway gave too", OK, |s| {
        numbered(s, 1);
        s.sign(COLLECTOR, handover(wire::RecordAccess { access_no: 1, ..s.covered() }))
    }),
    ("twice", Some("access_no.taken"), |s| {
        let it = s.covered();
        s.world.does(COLLECTOR, handover(it.clone()));
        s.sign(COLLECTOR, handover(it))
    }),
    ("by a machine", Some("identity.kind"), |s| s.sign(GATEWAY, handover(s.covered()))),
    ("of another's dataset", Some("dataset.other_collector"), |s| {
        let mut it = s.covered();
        it.accesses[0].dataset = "pension.roll".into();
        s.sign(COLLECTOR, handover(it))
    }),
    ("in another's name", Some("actor.other"), |s| {
        s.sign(
            COLLECTOR,
            handover(wire::RecordAccess { collector: "gz.hrss".into(), ..s.covered() }),
        )
    }),
];

pub(crate) const TABLES: &[&[Case]] =
    &[SETTINGS, MAPPINGS, LOSSES, OUTAGES, UNRECORDABLE, HANDOVERS];

#[test]
fn who_sets_up_what() {
    for table in TABLES {
        assert_eq!(run(table), named(table));
    }
}

fn setup(s: &Staged) -> Arc<wire::GatewaySetup> {
    s.world.get(&Place::gateway_setup(s.identity(GATEWAY).as_bytes()))
}

fn serving(s: &Staged, dataset: &str) -> u32 {
    let known: Arc<wire::DatasetGateways> = s.world.get(&Place::dataset_gateways(dataset));
    known.count
}

/// What is not said stays; a dataset counts the gateways that serve it.
#[test]
fn a_setting_takes_the_place_of_the_one_before() {
    let mut s = staged();
    set_up(&mut s);
    s.world.does(GATEWAY, commit_mapping(&s.identity(GATEWAY)));
    assert_eq!(setup(&s).mapping_digest, [31; 32]);
    let tx = setting(&s, |it| {
        it.mapping_digest.clear();
        it.datasets = vec!["civil.core".into(), RESIDENT.into()];
    });
    s.world.commit(vec![tx]);
    assert_eq!(setup(&s).mapping_digest, [31; 32]);
    assert_eq!((serving(&s, RESIDENT), serving(&s, "civil.core")), (1, 1));
    let tx = setting(&s, |it| it.datasets = vec!["civil.core".into()]);
    s.world.commit(vec![tx]);
    assert_eq!((serving(&s, RESIDENT), serving(&s, "civil.core")), (0, 1));
    assert_eq!(setup(&s).mapping_digest, [30; 32]);
}

fn gaps(s: &Staged) -> Vec<(u64, u64)> {
    gateway(s).gaps.iter().map(|gap| (gap.first, gap.last)).collect()
}

/// Records that come late, what can't be recorded, and losses owned up to: nothing is missing.
#[test]
fn gaps_are_filled() {
    let mut s = staged();
    numbered(&mut s, 7);
    assert_eq!(gaps(&s), [(1, 6)]);
    numbered(&mut s, 3);
    assert_eq!(gaps(&s), [(1, 2), (4, 6)]);
    s.world.does(GATEWAY, unrecordable(1));
    numbered(&mut s, 2);
    assert_eq!(gaps(&s), [(4, 6)]);
    s.world.does(COLLECTOR, declare_loss(&s.identity(GATEWAY), (5, 6)));
    assert_eq!(gaps(&s), [(4, 4)]);
    s.world.does(GATEWAY, unrecordable(4));
    assert_eq!((gaps(&s), gateway(&s).last_access_no, gateway(&s).records), (vec![], 7, 5));
    s.world.pause(DAY);
    assert_eq!(at_fault(&s, IntegrityRule::NumbersMissing), []);
}

/// A number has a day; it may still come later, and is not counted again.
#[test]
fn gaps_are_due() {
    let mut s = staged();
    numbered(&mut s, 5);
    let due = s.world.tip().header.time.get() + DAY;
    numbered(&mut s, 4);
    s.world.reach(due - 1);
    assert_eq!(at_fault(&s, IntegrityRule::NumbersMissing), []);
    s.world.reach(due);
    assert_eq!(at_fault(&s, IntegrityRule::NumbersMissing), blamed("gz.psb", 3));
    let event = events(&s, "gz.psb", IntegrityRule::NumbersMissing)[0].raised.clone().unwrap();
    assert_eq!(event.identity_id, s.identity(GATEWAY).to_vec());
    assert_eq!(gateway(&s).gaps, [Gap { first: 1, last: 3, due_ms: 0 }]);
    numbered(&mut s, 2);
    assert_eq!(gaps(&s), [(1, 1), (3, 3)]);
    s.world.pause(DAY);
    assert_eq!(counts(&s, "gz.psb", IntegrityRule::NumbersMissing), [3]);
}

/// What falls due within the hour joins the event before; after that there is a new one.
#[test]
fn gaps_due_within_the_hour_are_one_event() {
    let mut s = staged();
    let first = s.world.now;
    for (access_no, after) in [(3, 0), (5, HOUR - 1), (9, HOUR)] {
        s.world.reach(first + after);
        let it = s.covered();
        let tx = s.sign(GATEWAY, wire::RecordAccess { access_no, ..it });
        s.world.now = first + after;
        s.world.commit(vec![tx]);
    }
    for (after, expected) in [(0, vec![2]), (HOUR - 1, vec![3]), (HOUR, vec![3, 3])] {
        s.world.reach(first + DAY + after);
        assert_eq!(counts(&s, "gz.psb", IntegrityRule::NumbersMissing), expected);
    }
}

/// So many gaps are kept; of more the oldest is given up at once.
#[test]
fn gaps_are_bounded() {
    let mut s = staged();
    for number in 0..limits::GAPS as u64 {
        numbered(&mut s, 4 + 2 * number);
        assert_eq!(at_fault(&s, IntegrityRule::NumbersMissing), []);
    }
    assert_eq!(gaps(&s).len(), limits::GAPS);
    numbered(&mut s, 1000);
    assert_eq!(at_fault(&s, IntegrityRule::NumbersMissing), blamed("gz.psb", 3));
    assert_eq!((gaps(&s).len(), gaps(&s)[0]), (limits::GAPS, (5, 5)));
    let late = s.record(|it| it.access_no = 1);
    assert_eq!(s.world.refusal(&late), Some((Some(0), "access_no.taken")));
}

/// What was due already is not counted again when it is given up.
#[test]
fn a_gap_that_was_due_is_given_up() {
    let mut s = staged();
    numbered(&mut s, 4);
    s.world.pause(DAY);
    assert_eq!(at_fault(&s, IntegrityRule::NumbersMissing), blamed("gz.psb", 3));
    for number in 1..=limits::GAPS as u64 {
        numbered(&mut s, 4 + 2 * number);
    }
    assert_eq!((gaps(&s).len(), gaps(&s)[0]), (limits::GAPS, (5, 5)));
    assert_eq!(counts(&s, "gz.psb", IntegrityRule::NumbersMissing), [3]);
}

/// Nor are there more when a wide gap is filled here and there.
#[test]
fn gaps_that_are_split_are_bounded() {
    let mut s = staged();
    numbered(&mut s, 1000);
    for number in 1..=limits::GAPS as u64 {
        numbered(&mut s, 10 * number);
        assert!(gaps(&s).len() <= limits::GAPS, "{number}");
    }
    assert_eq!(counts(&s, "gz.psb", IntegrityRule::NumbersMissing), [9]);
}

/// What is handed over is judged and counted as what a gateway served, under the officer's numbers.
#[test]
fn a_handover_is_judged() {
    let mut s = staged();
    let outcome = s.world.does(COLLECTOR, handover(s.covered()));
    assert_eq!((outcome.verdict, outcome.reason), (Verdict::Covered, Reason::None));
    let used: Arc<wire::GrantUse> = s.world.get(&Place::grant_use(&s.id("granted")));
    assert_eq!(used.queries, 1);
    let numbers: Arc<wire::Gateway> = s.world.get(&Place::gateway(&s.identity(COLLECTOR)));
    assert_eq!(numbers.last_access_no, 1);
    let mut bare = wire::RecordAccess { access_no: 2, ..s.covered() };
    bare.accesses[0].request_id.clear();
    let outcome = s.world.does(COLLECTOR, handover(bare));
    assert_eq!((outcome.verdict, outcome.reason), (Verdict::Uncovered, Reason::NoGrant));
    assert_eq!(at_fault(&s, IntegrityRule::Uncovered), blamed("gz.psb", 1));
    let event = events(&s, "gz.psb", IntegrityRule::Uncovered)[0].raised.clone().unwrap();
    assert_eq!(event.identity_id, s.identity(COLLECTOR).to_vec());
}

/// An officer who handed data over owns up to the numbers of its that are lost; else they are missing.
#[test]
fn an_officers_numbers() {
    for owned_up in [true, false] {
        let mut s = staged();
        let it = handover(wire::RecordAccess { access_no: 3, ..s.covered() });
        s.world.does(COLLECTOR, it);
        let due = s.world.tip().header.time.get() + DAY;
        if owned_up {
            s.world.does(COLLECTOR, declare_loss(&s.identity(COLLECTOR), (1, 2)));
        }
        s.world.reach(due);
        let expected = if owned_up { vec![] } else { blamed("gz.psb", 2) };
        assert_eq!(at_fault(&s, IntegrityRule::NumbersMissing), expected);
    }
}
