//! Corrections: records under a wrong mapping are judged again, with the consent of the department
//! that this burdens, or by a ruling.

use crate::event::{Outcome, Reason, Timeliness, Verdict, ledger::LedgerEvent};
use crate::items::access::corrections::differs;
use crate::ledger::tests::{
    account::named,
    items::{
        self, agree, correct, decline, of_correction, open_case, rule_case, unrecordable, verified,
    },
    refusals::{Case, OK, run},
    stage::{APP, COLLECTOR, GATEWAY, Staged, USER, staged},
};
use crate::place::Place;
use crate::tx::Tx;
use crate::types::{Hash, IdKind};
use crate::wire::{self, CorrectionEnd, RecordCorrected, RecordsCorrected, ledger_event::Kind};
use std::sync::Arc;

/// Records number 1 as of another department's, and gives it as it should have been: of the
/// application that was granted it.
fn recorded(s: &mut Staged) -> wire::RecordAccess {
    let right = wire::RecordAccess { access_no: 1, ..s.covered() };
    let asker = Some(verified("gz.tax", &s.identity("gz.tax/app")));
    s.world.does(GATEWAY, wire::RecordAccess { asker, ..right.clone() });
    right
}

/// The gateway corrects that record, bent.
fn correcting(s: &mut Staged, bend: impl FnOnce(&mut wire::CorrectRecords)) -> Tx {
    let right = recorded(s);
    let mut it = correct(&s.identity(GATEWAY), ("gz.tax", &s.identity("gz.tax/app")), vec![right]);
    bend(&mut it);
    s.sign(GATEWAY, it)
}

/// A correction that waits for the using department; gives its id.
pub(crate) fn waiting(s: &mut Staged) -> Hash {
    let tx = correcting(s, |_| {});
    let id = tx.header().made_id(IdKind::Correction, 0);
    s.world.commit(vec![tx]);
    id
}

/// The same, which the using department declined.
pub(crate) fn declined(s: &mut Staged) -> Hash {
    let id = waiting(s);
    s.world.does(USER, decline(id.as_bytes(), "gz.hrss"));
    id
}

/// Puts the record down to the collector's own officer.
fn to_itself(s: &mut Staged, name: &str) -> Tx {
    let mut right = recorded(s);
    right.accesses.iter_mut().for_each(|it| it.request_id.clear());
    right.asker = Some(verified("gz.psb", &s.identity(COLLECTOR)));
    let from = s.identity("gz.tax/app");
    s.sign(name, correct(&s.identity(GATEWAY), ("gz.tax", &from), vec![right]))
}

const CORRECTIONS: &[Case] = &[
    ("by the gateway", OK, |s| correcting(s, |_| {})),
    ("by an officer", OK, |s| {
        let right = recorded(s);
        let from = s.identity("gz.tax/app");
        s.sign(COLLECTOR, correct(&s.identity(GATEWAY), ("gz.tax", &from), vec![right]))
    }),
    ("under a grant of others", Some("request.contradiction"), |s| {
        let mut right = recorded(s);
        right.asker = Some(verified("gz.tax", &s.identity("gz.tax/app")));
        let from = s.identity(APP);
        s.sign(GATEWAY, correct(&s.identity(GATEWAY), ("gz.hrss", &from), vec![right]))
    }),
    ("of an account without an identity", OK, |s| {
        correcting(s, |it| {
            it.from_department.clear();
            it.from_identity_id.clear();
            it.from_unmapped_digest = vec![1; 32];
        })
    }),
    ("to its own department", OK, |s| to_itself(s, COLLECTOR)),
    ("to its own department, by the gateway", Some("identity.kind"), |s| to_itself(s, GATEWAY)),
    ("by a node", Some("identity.kind"), |s| to_itself(s, "gz.psb/node")),
    ("of a number to come", Some("access_no.not_recorded"), |s| {
        correcting(s, |it| it.records[0].access_no = 2)
    }),
    ("of a number that is missing", Some("access_no.not_recorded"), |s| {
        let tx = correcting(s, |it| it.records[0].access_no = 2);
        let (signer, seq) = (s.world.signer(GATEWAY).clone(), s.world.seq(GATEWAY) + 1);
        s.world.does(GATEWAY, unrecordable(3));
        let kinds = tx.items().iter().map(|item| item.kind().clone()).collect();
        s.world.sign_as(&signer, seq, s.world.recent(), kinds)
    }),
    ("of another's gateway", Some("identity.other_department"), |s| {
        let other = s.identity("gz.hrss/gateway").to_vec();
        correcting(s, |it| it.gateway_id = other)
    }),
    ("of no gateway", Some("identity.other_department"), |s| {
        correcting(s, |it| it.gateway_id = vec![1; 32])
    }),
    ("to another's identity", Some("identity.other_department"), |s| {
        let other = s.identity("gz.tax/officer").to_vec();
        correcting(s, |it| {
            it.records[0].asker.as_mut().unwrap().identity_id.clone_from(&other);
            it.to_identity_id = other;
        })
    }),
    ("to nobody known", Some("identity.other_department"), |s| {
        correcting(s, |it| {
            it.records[0].asker.as_mut().unwrap().identity_id = vec![1; 32];
            it.to_identity_id = vec![1; 32];
        })
    }),
    ("from another's identity", Some("identity.other_department"), |s| {
        correcting(s, |it| it.from_department = "gz.aud".into())
    }),
    ("from nobody known", Some("identity.other_department"), |s| {
        correcting(s, |it| it.from_identity_id = vec![1; 32])
    }),
    ("to no department", Some("identity.other_department"), |s| {
        correcting(s, |it| {
            it.to_department = "gz.none".into();
            it.records[0].asker.as_mut().unwrap().department = "gz.none".into();
        })
    }),
    ("of no dataset", Some("dataset.unknown"), |s| {
        correcting(s, |it| it.records[0].accesses[0].dataset = "civil.none".into())
    }),
    ("of another's dataset", Some("dataset.other_collector"), |s| {
        correcting(s, |it| it.records[0].accesses[0].dataset = "pension.roll".into())
    }),
    ("in another's name", Some("actor.other"), |s| {
        correcting(s, |it| {
            it.collector = "gz.hrss".into();
            it.records[0].collector = "gz.hrss".into();
        })
    }),
];

const AGREEMENTS: &[Case] = &[
    ("yes", OK, |s| {
        let id = waiting(s);
        s.sign(USER, agree(id.as_bytes(), "gz.hrss"))
    }),
    ("no", OK, |s| {
        let id = waiting(s);
        s.sign(USER, decline(id.as_bytes(), "gz.hrss"))
    }),
    ("by a machine", Some("identity.kind"), |s| {
        let id = waiting(s);
        s.sign(APP, agree(id.as_bytes(), "gz.hrss"))
    }),
    ("by the department relieved", Some("actor.other"), |s| {
        let id = waiting(s);
        s.sign("gz.tax/officer", agree(id.as_bytes(), "gz.tax"))
    }),
    ("by the collector", Some("actor.other"), |s| {
        let id = waiting(s);
        s.sign(COLLECTOR, agree(id.as_bytes(), "gz.psb"))
    }),
    ("in another's name", Some("actor.other"), |s| {
        let id = waiting(s);
        s.sign(COLLECTOR, agree(id.as_bytes(), "gz.hrss"))
    }),
    ("to what was declined", Some("correction.state"), |s| {
        let id = declined(s);
        s.sign(USER, agree(id.as_bytes(), "gz.hrss"))
    }),
    ("twice", Some("correction.state"), |s| {
        let id = waiting(s);
        s.world.does(USER, agree(id.as_bytes(), "gz.hrss"));
        s.sign(USER, agree(id.as_bytes(), "gz.hrss"))
    }),
    ("to nothing", Some("correction.unknown"), |s| s.sign(USER, agree(&[1; 32], "gz.hrss"))),
];

pub(crate) const TABLES: &[&[Case]] = &[CORRECTIONS, AGREEMENTS];

#[test]
fn who_corrects_and_who_agrees() {
    for table in TABLES {
        assert_eq!(run(table), named(table));
    }
}

fn end(s: &Staged, id: &Hash) -> CorrectionEnd {
    let it: Arc<wire::Correction> = s.world.get(&Place::correction(id.as_bytes()));
    it.end()
}

/// The corrections that took effect in the newest block.
fn corrected(s: &Staged) -> Vec<RecordsCorrected> {
    let told = s.world.told();
    let corrected = told.iter().filter_map(|it| match it.kind() {
        Kind::RecordsCorrected(it) => Some(it.clone()),
        _ => None,
    });
    corrected.collect()
}

/// As it should have been, the record was covered; it is seconds old.
fn covered() -> u32 {
    let (verdict, timeliness) = (Verdict::Covered, Timeliness::Live);
    let outcome =
        Outcome { verdict, reason: Reason::None, timeliness, future: false, names_others: false };
    u32::from(outcome.to_bits())
}

fn expected(s: &Staged, id: &Hash) -> RecordsCorrected {
    RecordsCorrected {
        correction_id: id.to_vec(),
        collector: "gz.psb".into(),
        from_department: "gz.tax".into(),
        from_identity_id: s.identity("gz.tax/app").to_vec(),
        to_department: "gz.hrss".into(),
        to_identity_id: s.identity(APP).to_vec(),
        outcomes: vec![covered()],
    }
}

/// With consent, and not before. The original stays, and its uses are counted as they were.
#[test]
fn a_correction_with_consent() {
    let mut s = staged();
    let id = waiting(&mut s);
    let original = s.world.blocks[s.world.blocks.len() - 2].delta.events[0].clone();
    assert_eq!(original.leaf.outcome.verdict, Verdict::Uncovered);
    assert_eq!((end(&s, &id), corrected(&s)), (CorrectionEnd::Unspecified, vec![]));
    let used = Place::grant_use(&s.id("granted"));
    let before = s.world.objects.get(&used).cloned();
    s.world.does(USER, agree(id.as_bytes(), "gz.hrss"));
    assert_eq!((end(&s, &id), corrected(&s)), (CorrectionEnd::Agreed, vec![expected(&s, &id)]));
    let both = ["gz.tax/app", APP].map(|name| Place::identity_trail(s.identity(name).as_bytes()));
    let event = &s.world.tip().delta.events[2];
    assert!(both.iter().all(|trail| event.trails.contains(trail)) && event.trails.len() == 2);
    assert_eq!(s.world.objects.get(&used).cloned(), before);
}

/// What is said of one record, and where it is filed.
fn each(s: &Staged) -> Vec<(RecordCorrected, Vec<Place>)> {
    let events = s.world.tip().delta.events.iter();
    let said = events.filter_map(|event| {
        let it = LedgerEvent::parse(event.ledger.as_ref()?).unwrap();
        match it.kind() {
            Kind::RecordCorrected(it) => Some((it.clone(), event.trails.clone())),
            _ => None,
        }
    });
    said.collect()
}

/// Whoever used a grant, or was read about, hears of its own record and of no other; each is said
/// before all of them are.
#[test]
fn each_corrected_record_is_told_by_itself() {
    let mut s = staged();
    let first = recorded(&mut s);
    let mut second = wire::RecordAccess { access_no: 2, ..s.covered() };
    let (granted, tags) = (second.accesses[0].clone(), vec![vec![1; 32], vec![2; 32]]);
    second.subjects = Some(wire::Subjects { tags: tags.clone(), ..wire::Subjects::default() });
    // Twice under one grant, and once under none.
    let (again, bare) = (wire::Operation::Export as i32, "civil.open");
    second.accesses.insert(0, items::access(bare, None));
    second.accesses.push(wire::DatasetAccess { operation: again, ..granted });
    s.world.does(GATEWAY, second.clone());
    let (gateway, from) = (s.identity(GATEWAY), s.identity("gz.tax/app"));
    let it = correct(&gateway, ("gz.tax", &from), vec![first.clone(), second]);
    let tx = s.sign(GATEWAY, it);
    let id = tx.header().made_id(IdKind::Correction, 0);
    s.world.commit(vec![tx]);
    assert_eq!(each(&s), []);
    s.world.does(USER, agree(id.as_bytes(), "gz.hrss"));
    let said = |access_no, tags: &[Vec<u8>], outcome| RecordCorrected {
        correction_id: id.to_vec(),
        collector: "gz.psb".into(),
        gateway_id: gateway.to_vec(),
        access_no,
        outcome,
        request_ids: vec![s.id("granted").to_vec()],
        tags: tags.to_vec(),
    };
    let outcomes = corrected(&s)[0].outcomes.clone();
    assert_eq!((outcomes.len(), outcomes[0]), (2, covered()));
    assert_ne!(outcomes[1], covered());
    let first_tags = first.subjects.unwrap().tags;
    let found = each(&s);
    assert_eq!(found[0].0, said(1, &first_tags, outcomes[0]));
    assert_eq!(found[1].0, said(2, &tags, outcomes[1]));
    for ((_, trails), tags) in found.iter().zip([first_tags, tags]) {
        let mut expected = vec![Place::use_trail(&s.id("granted")), Place::gateway_trail(&gateway)];
        expected.extend(tags.iter().map(|tag| Place::subject_trail("gz.psb", tag)));
        expected.sort();
        let mut trails = trails.clone();
        trails.sort();
        assert_eq!(trails, expected);
    }
    let names: Vec<_> = s.world.told().iter().map(LedgerEvent::name).collect();
    assert_eq!(names, ["RecordCorrected", "RecordCorrected", "RecordsCorrected"]);
}

/// But for the asker, and grants, a corrected record is what was recorded.
#[test]
fn what_differs_from_the_record() {
    let s = staged();
    let recorded = s.covered();
    let with = |bend: fn(&mut wire::RecordAccess)| {
        let mut corrected = recorded.clone();
        bend(&mut corrected);
        differs(&recorded, &corrected)
    };
    assert!(!with(|it| it.asker = None));
    assert!(!with(|it| it.accesses[0].request_id.clear()));
    assert!(with(|it| it.row_count = Some(2)));
    assert!(with(|it| it.row_count = None));
    assert!(with(|it| it.statement_digest = vec![1; 32]));
    assert!(with(|it| it.accesses.clear()));
    assert!(with(|it| it.subjects.as_mut().unwrap().uncounted = true));
    assert!(with(|it| it.access_no += 1));
    assert!(with(|it| it.accesses[0].dataset.push('x')));
    assert!(with(|it| it.subjects = None));
}

/// Nobody has to agree to what a department puts down to itself.
#[test]
fn a_correction_that_burdens_the_collector() {
    let mut s = staged();
    let tx = to_itself(&mut s, COLLECTOR);
    let id = tx.header().made_id(IdKind::Correction, 0);
    s.world.commit(vec![tx]);
    assert_eq!(end(&s, &id), CorrectionEnd::Agreed);
    let found = corrected(&s);
    let outcome = Outcome::from_bits(u16::try_from(found[0].outcomes[0]).unwrap()).unwrap();
    assert_eq!((outcome.verdict, outcome.reason), (Verdict::Uncovered, Reason::NoGrant));
}

/// What was declined takes effect by a ruling, once, or never.
#[test]
fn a_correction_by_a_ruling() {
    for uphold in [true, false] {
        let mut s = staged();
        let id = declined(&mut s);
        assert_eq!((end(&s, &id), corrected(&s)), (CorrectionEnd::Declined, vec![]));
        let cases = [(); 2].map(|()| {
            let tx =
                s.sign(COLLECTOR, open_case("gz.psb", "gz.hrss", of_correction(id.as_bytes())));
            let case = tx.header().made_id(IdKind::Case, 0);
            s.world.commit(vec![tx]);
            s.world
                .does(USER, crate::ledger::tests::items::answer_case(case.as_bytes(), "gz.hrss"));
            case
        });
        s.world.does("gz.reg/officer", rule_case(cases[0].as_bytes(), "gz.reg", uphold));
        let ended = if uphold { CorrectionEnd::Ruled } else { CorrectionEnd::Declined };
        let told = if uphold { vec![expected(&s, &id)] } else { vec![] };
        assert_eq!((end(&s, &id), corrected(&s)), (ended, told));
        s.world.does("gz.reg/officer", rule_case(cases[1].as_bytes(), "gz.reg", uphold));
        assert_eq!((end(&s, &id), corrected(&s)), (ended, vec![]));
    }
}
