//! All that stands of a data subject: nothing else is on the ledger, but what is sealed or unknown.

use super::mutations::{cut, flipped};
use super::scene::{checked, refusal, scene};
use super::structure::{Case, run};
use super::{oracle, prover};
use crate::ledger::tests::items::{
    DAY, add_bulk_tags, bulk, order_sealing, read, record_reads, record_sealed, signed, tag,
};
use crate::ledger::tests::stage::{GATEWAY, Staged};
use crate::place::Place;
use crate::verify::{Caveat, Claim, Tag};
use crate::wire::{self, RangeKind, Subjects, Trace, trace};

const WHOLE: (RangeKind, u64, u64) = (RangeKind::Whole, 0, 0);

fn of(number: u8) -> [u8; 32] {
    tag(number).try_into().unwrap()
}

/// Records an access to these subjects; gives its number.
fn recorded(stage: &mut Staged, subjects: Option<Subjects>, version: u64) -> u64 {
    let mut it = wire::RecordAccess { subjects, ..stage.covered() };
    it.accesses[0].version = version;
    let number = it.access_no;
    stage.world.does(GATEWAY, it);
    number
}

/// The scene, then: a bulk set of 10, 20 and 30 that is complete, one that is not, and a whole version.
pub(super) fn told() -> Staged {
    let mut stage = scene();
    let number = recorded(&mut stage, bulk(&[10, 20, 30]), 0);
    stage.world.does(GATEWAY, add_bulk_tags(number, &[10, 20]));
    stage.world.does(GATEWAY, add_bulk_tags(number, &[30]));
    let number = recorded(&mut stage, bulk(&[10, 40]), 0);
    stage.world.does(GATEWAY, add_bulk_tags(number, &[10]));
    recorded(&mut stage, Some(Subjects { whole: true, ..Subjects::default() }), 1);
    stage.world.commit(Vec::new());
    stage
}

/// The scene, then records that do not count their subjects, and one that does not say its datasets either.
pub(super) fn left_open() -> Staged {
    let mut stage = scene();
    let tags = vec![vec![8; 32]];
    recorded(&mut stage, Some(Subjects { uncounted: true, ..Subjects::default() }), 0);
    recorded(&mut stage, Some(Subjects { tags, uncounted: true, ..Subjects::default() }), 0);
    let it = wire::RecordAccess {
        accesses: Vec::new(),
        channel: wire::Channel::Log as i32,
        row_count: None,
        ..stage.covered()
    };
    stage.world.does(GATEWAY, it);
    stage.world.commit(Vec::new());
    stage
}

pub(super) fn in_one(stage: &Staged) -> Trace {
    prover::subject(&stage.world, &[("gz.psb", of(20))], WHOLE)
}

fn claim(trace: &mut Trace) -> &mut wire::SubjectClaim {
    match &mut trace.claim {
        Some(trace::Claim::Subject(it)) => it,
        _ => panic!("another claim"),
    }
}

fn tags(stage: &Staged, trace: &Trace) -> Vec<Tag> {
    let verified = checked(&stage.world, trace).unwrap();
    oracle::assert_true(&stage.world, verified.get());
    assert!(verified.get().caveats.contains(&Caveat::OnlyTheseTags));
    assert!(verified.get().caveats.contains(&Caveat::Sealed));
    let Claim::Subject(it) = &verified.get().claim else { panic!("another claim") };
    it.tags.clone()
}

#[test]
fn who_looked_and_in_which_sets_one_is() {
    let stage = told();
    let [found]: [Tag; 1] = tags(&stage, &in_one(&stage)).try_into().unwrap();
    // The scene's handover, which is of others; then those above.
    assert_eq!(found.concerned, [Some(false), Some(true), None, Some(true)]);
    assert_eq!(found.listed.events.len(), 0);
    for number in [1, 15, 35, 99] {
        let trace = prover::subject(&stage.world, &[("gz.psb", of(number))], WHOLE);
        let [found]: [Tag; 1] = tags(&stage, &trace).try_into().unwrap();
        assert_eq!(found.concerned, [Some(false), Some(false), None, Some(true)], "{number}");
    }
    let handed = prover::subject(&stage.world, &[("gz.psb", of(60))], WHOLE);
    let [found]: [Tag; 1] = tags(&stage, &handed).try_into().unwrap();
    assert_eq!(found.concerned, [Some(true), Some(false), None, Some(true)]);
    let all = prover::subject(&stage.world, &[("gz.hrss", of(1)), ("gz.psb", [8; 32])], WHOLE);
    let [other, listed]: [Tag; 2] = tags(&stage, &all).try_into().unwrap();
    assert_eq!((other.listed.events.len(), other.unlisted.events.len()), (0, 0));
    assert_eq!(other.unknown, wire::UnknownCount::default());
    assert!(listed.listed.events.len() >= 6, "the scene's records name it");
    assert!(listed.unknown.records > 0);
    let height = stage.world.height().get();
    let range = (RangeKind::Heights, 1, height - 3);
    tags(&stage, &prover::subject(&stage.world, &[("gz.psb", [8; 32])], range));
}

/// What nobody counted, and where nobody can say, is told with what is unknown.
#[test]
fn what_is_left_open_is_counted() {
    let before = scene();
    let of_all = |stage: &Staged| prover::subject(&stage.world, &[("gz.psb", [8; 32])], WHOLE);
    let [first]: [Tag; 1] = tags(&before, &of_all(&before)).try_into().unwrap();
    let stage = left_open();
    let [found]: [Tag; 1] = tags(&stage, &of_all(&stage)).try_into().unwrap();
    let expected = wire::UnknownCount { uncounted: 2, untold: 1, ..first.unknown };
    assert_eq!(found.unknown, expected);
    assert_eq!(found.listed.events.len(), first.listed.events.len() + 2);
    let of_another = prover::subject(&stage.world, &[("gz.psb", of(99))], WHOLE);
    let verified = checked(&stage.world, &of_another).unwrap();
    assert!(verified.get().caveats.contains(&Caveat::UnknownSubjects));
}

/// Who was shown the trails stands on them: that is no access to the data.
#[test]
fn a_trail_that_an_auditor_read() {
    let mut stage = told();
    let auditor = stage.identity("gz.aud/auditor");
    let places = [Place::unlisted_trail("gz.psb"), Place::subject_trail("gz.psb", &[8; 32])];
    let signer = stage.world.signer("gz.aud/auditor");
    let node = stage.world.signer("gz.psb/node").key.public().key_id();
    let reads = places.map(|trail| {
        let it = wire::TrailRead {
            trail_kind: trail.kind().into(),
            trail_id: trail.id().to_vec(),
            ..read("gz.aud", &auditor)
        };
        signed(&signer.key, &signer.chain, it, (&node, ""))
    });
    stage.world.does("gz.psb/node", record_reads("gz.psb", reads.to_vec()));
    stage.world.commit(Vec::new());
    let trace = prover::subject(&stage.world, &[("gz.psb", [8; 32])], WHOLE);
    let [found]: [Tag; 1] = tags(&stage, &trace).try_into().unwrap();
    assert_eq!(found.concerned.last(), Some(&Some(false)));
    assert_eq!(found.records() + 1, found.listed.events.len());
}

#[test]
fn what_was_sealed_long_ago_is_counted() {
    let mut stage = told();
    let order = order_sealing(stage.world.now + 300 * DAY);
    let ordering = stage.sign("gz.reg/officer", order);
    let id = ordering.header().made_id(crate::types::IdKind::SealingOrder, 0);
    stage.world.commit(vec![ordering]);
    let it = stage.covered();
    stage.world.does(GATEWAY, record_sealed(id.as_bytes(), &it));
    let counted = |stage: &Staged| {
        let verified = checked(&stage.world, &in_one(stage)).unwrap();
        let Claim::Subject(it) = &verified.get().claim else { panic!("another claim") };
        it.sealed.values().sum::<u64>()
    };
    assert_eq!(counted(&stage), 0, "not yet");
    stage.world.pause(130 * DAY);
    stage.world.commit(Vec::new());
    assert_eq!(counted(&stage), 1);
    let mut trace = in_one(&stage);
    assert!(!claim(&mut trace).unsealed.is_empty(), "months without any");
    claim(&mut trace).unsealed.remove(0);
    assert_eq!(refusal(&stage.world, &trace), Some("undecidable"));
}

#[test]
fn flipped_and_cut() {
    let stage = told();
    let trace = in_one(&stage);
    flipped(&stage.world, &trace);
    cut(&stage.world, &trace);
}

pub(super) const BENT: &[Case] = &[
    ("nobody", "subject.tags", |_, t| claim(t).subjects.clear()),
    ("twice", "subject.tags", |_, t| {
        let one = claim(t).subjects[0].clone();
        claim(t).subjects.push(one);
    }),
    ("a short tag", "subject.tags", |_, t| claim(t).subjects[0].tag.truncate(31)),
    ("another tag", "subject.trail", |_, t| claim(t).subjects[0].tag = vec![9; 32]),
    ("another collector", "subject.trail", |_, t| {
        claim(t).subjects[0].collector = "gz.hrss".into();
    }),
    ("a month left out", "subject.sealed", |_, t| claim(t).sealed_from += 1),
    ("nothing listed", "claim.none", |_, t| claim(t).subjects[0].listed = None),
    ("one trail twice", "subject.trail", |_, t| {
        claim(t).subjects[0].unlisted = claim(t).subjects[0].listed.clone();
    }),
    ("two ranges", "subject.range", |s, t| {
        let range = (RangeKind::Heights, 0, 2);
        let mut other = prover::subject(&s.world, &[("gz.psb", of(20))], range);
        claim(t).subjects[0].listed = claim(&mut other).subjects[0].listed.clone();
    }),
];

#[test]
fn bent_files() {
    run(in_one, BENT);
    let stage = told();
    let good = in_one(&stage);
    let bent = |bend: &dyn Fn(&mut wire::SubjectTrails)| {
        let mut trace = good.clone();
        bend(&mut claim(&mut trace).subjects[0]);
        refusal(&stage.world, &trace)
    };
    assert_eq!(bent(&|it| it.bulk.clear()), Some("subject.bulk"));
    assert_eq!(bent(&|it| it.bulk.push(it.bulk[0].clone())), Some("file.unused"));
    assert_eq!(bent(&|it| it.bulk[0].first += 1), Some("subject.bulk"));
    assert_eq!(bent(&|it| it.bulk[0].tags.clear()), Some("subject.bulk"));
    for kind in [crate::place::ObjectKind::BulkSet, crate::place::ObjectKind::UnknownCount] {
        let mut trace = good.clone();
        trace.objects.retain(|it| it.kind != u32::from(kind as u8));
        assert_eq!(refusal(&stage.world, &trace), Some("undecidable"));
    }
}
