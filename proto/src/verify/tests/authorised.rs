//! Authorised, not merely logged: the nodes' own rules, replayed from a file.

use super::mutations::{cut, flipped};
use super::oracle;
use super::prover;
use super::scene::{FIRST_RECORD, checked, refusal, scene};
use super::structure::{Case, run};
use crate::event::{Outcome, Reason, Timeliness, Verdict};
use crate::ledger::tests::account::{access_to, granted};
use crate::ledger::tests::items::{self, HOUR};
use crate::ledger::tests::stage::{APP, COLLECTOR, GATEWAY, MANAGER, RESIDENT, Staged};
use crate::place::{ObjectKind, Place};
use crate::verify::{Caveat, Claim};
use crate::wire::{self, RecordAccess, Trace, trace};

/// The second record of the scene's batch.
pub(super) fn batched(stage: &Staged) -> Trace {
    prover::authorised(&stage.world, FIRST_RECORD + 1, 1)
}

fn claim(trace: &mut Trace) -> &mut wire::AuthorisedClaim {
    match &mut trace.claim {
        Some(trace::Claim::Authorised(it)) => it,
        _ => panic!("another claim"),
    }
}

fn without(trace: &mut Trace, kind: ObjectKind) {
    trace.objects.retain(|it| it.kind != u32::from(kind as u8));
}

#[test]
fn a_record_that_was_covered() {
    let stage = scene();
    let trace = batched(&stage);
    let verified = checked(&stage.world, &trace).unwrap();
    oracle::assert_true(&stage.world, verified.get());
    let Claim::Authorised(it) = &verified.get().claim else { panic!("another claim") };
    assert_eq!(it.outcome.verdict, Verdict::Covered);
    assert!(!verified.get().caveats.contains(&Caveat::VerdictsAttested));
    assert_eq!(flipped(&stage.world, &trace), 0);
    cut(&stage.world, &trace);
}

pub(super) const BENT: &[Case] = &[
    ("no grant", "undecidable", |_, t| without(t, ObjectKind::Grant)),
    ("no parameters", "undecidable", |_, t| without(t, ObjectKind::Parameters)),
    ("no dataset", "undecidable", |_, t| without(t, ObjectKind::Dataset)),
    ("no headers", "undecidable", |_, t| claim(t).headers.clear()),
    ("no record", "claim.none", |_, t| claim(t).record = None),
    ("a header twice", "file.unused", |_, t| {
        let first = claim(t).headers[0].clone();
        claim(t).headers.push(first);
    }),
    ("a header more", "file.unused", |s, t| {
        let mut other = prover::authorised(&s.world, FIRST_RECORD, 0);
        let other = claim(&mut other).headers[0].clone();
        claim(t).headers.push(other);
    }),
    ("a header of nowhere", "authorised.header", |_, t| {
        claim(t).headers[0].path.pop();
    }),
    ("an object more", "file.unused", |s, t| {
        t.objects.push(prover::object(&s.world, &Place::voters()));
    }),
];

#[test]
fn bent_files() {
    run(batched, BENT);
}

/// Commits a record in a block of its own; the proof of it, made when more has happened.
fn proved(stage: &mut Staged, record: RecordAccess, later: impl FnOnce(&mut Staged)) -> Trace {
    let tx = stage.sign(GATEWAY, record);
    stage.world.commit(vec![tx]);
    let height = stage.world.height().get();
    later(stage);
    stage.world.commit(Vec::new());
    prover::authorised(&stage.world, height, 0)
}

#[test]
fn what_was_covered_then_stays_so() {
    let mut stage = scene();
    let record = stage.covered();
    let trace = proved(&mut stage, record, |s| {
        let update = wire::UpdateDataset { grade: 4, ..items::update(RESIDENT, "gz.psb") };
        s.world.does(COLLECTOR, update);
        s.world.does(MANAGER, items::revoke(&s.id("granted"), &s.asked(), "gz.bdb"));
        s.world.now += 5 * HOUR;
    });
    assert_eq!(refusal(&stage.world, &trace), None);
    let former = u32::from(ObjectKind::Former as u8);
    assert!(trace.objects.iter().any(|it| it.kind == former));
    let mut bent = trace.clone();
    without(&mut bent, ObjectKind::Former);
    assert_eq!(refusal(&stage.world, &bent), Some("undecidable"));
}

#[test]
fn a_record_that_came_hours_late() {
    let mut stage = scene();
    let record = stage.covered();
    for _ in 0..20 {
        stage.world.now += HOUR / 4;
        stage.world.commit(Vec::new());
    }
    let mut trace = proved(&mut stage, record, |_| {});
    assert_eq!(refusal(&stage.world, &trace), None);
    // The block by which it decided has left the window: the oldest in it, the one before, and the
    // newest.
    assert_eq!(claim(&mut trace).headers.len(), 4);
    for left_out in 0..4 {
        let mut bent = trace.clone();
        claim(&mut bent).headers.remove(left_out);
        assert_eq!(refusal(&stage.world, &bent), Some("undecidable"), "{left_out}");
    }
    let record = RecordAccess { decided_height: None, ..stage.covered() };
    let trace = proved(&mut stage, record, |_| {});
    assert_eq!(refusal(&stage.world, &trace), None);
}

#[test]
fn what_was_not_covered() {
    let mut stage = scene();
    let mut record = stage.covered();
    record.accesses[0].request_id.clear();
    let trace = proved(&mut stage, record, |_| {});
    assert_eq!(refusal(&stage.world, &trace), Some("authorised.not"));
    // An event that is no record.
    let other = prover::inclusion(&stage.world, 1, 0);
    let Some(trace::Claim::Inclusion(included)) = other.claim.clone() else { panic!("a claim") };
    let claim = wire::AuthorisedClaim { record: Some(included), headers: Vec::new() };
    let trace = Trace { claim: Some(trace::Claim::Authorised(claim)), ..other };
    assert_eq!(refusal(&stage.world, &trace), Some("authorised.none"));
}

/// The validators say of an access that it was covered, and the rules say that it was not.
#[test]
fn validators_that_call_covered_what_was_not() {
    let mut stage = scene();
    let mut record = stage.covered();
    record.accesses[0].fields = vec!["blood-type".into()];
    let covered = Outcome {
        verdict: Verdict::Covered,
        reason: Reason::None,
        timeliness: Timeliness::Live,
        future: false,
        names_others: false,
    };
    let tx = stage.sign(GATEWAY, record);
    stage.world.commit_as(vec![tx], |event| event.leaf.outcome = covered);
    let height = stage.world.height().get();
    stage.world.commit(Vec::new());
    let trace = prover::authorised(&stage.world, height, 0);
    assert_eq!(refusal(&stage.world, &trace), Some("authorised.differs"));
}

/// Commits a record, as the validators call it, if they don't call it what the rules do; gives its height.
fn called(stage: &mut Staged, record: RecordAccess, called: Option<Verdict>) -> u64 {
    let tx = stage.sign(GATEWAY, record);
    stage.world.commit_as(vec![tx], |event| {
        if let Some(verdict) = called
            && event.leaf.outcome.verdict != Verdict::None
        {
            let outcome = event.leaf.outcome;
            event.leaf.outcome = Outcome { verdict, reason: Reason::None, ..outcome };
        }
    });
    stage.world.height().get()
}

/// A grant of three queries and twenty rows.
fn limited(stage: &mut Staged) -> crate::types::RequestId {
    let mut terms = items::terms(&[stage.identity(APP)]);
    terms.quota = Some(wire::Quota { queries_total: 3, rows_total: 20, ..Default::default() });
    let id = granted(stage, RESIDENT);
    stage.world.does(COLLECTOR, items::amend(&id, &stage.asked(), "gz.bdb", terms));
    id
}

/// A name, the code by which a verifier refuses it, and the proof.
type Named = (&'static str, Option<&'static str>, Trace);

/// Records that leave something unknown, or go on with a statement, each with its proof of being authorised.
pub(super) fn unknowns() -> (Staged, Vec<Named>) {
    let mut s = scene();
    let untold = |s: &Staged| RecordAccess {
        accesses: Vec::new(),
        channel: wire::Channel::Log as i32,
        row_count: None,
        ..s.covered()
    };
    let under = |s: &Staged, id, statement: u8, rows| RecordAccess {
        statement_digest: vec![statement; 32],
        row_count: rows,
        ..access_to(s, RESIDENT, id)
    };
    let mut made = Vec::new();
    let mut make = |s: &mut Staged, name, code, record, lie| {
        made.push((name, code, called(s, record, lie)));
    };
    let covered = Some(Verdict::Covered);
    let it = RecordAccess { row_count: None, ..s.covered() };
    make(&mut s, "rows-unlimited", None, it, None);
    let mut it = s.covered();
    it.subjects = Some(wire::Subjects { uncounted: true, ..Default::default() });
    (it.accesses[0].fields_by_text, it.accesses[0].grant_by_rule) = (true, true);
    make(&mut s, "subjects-uncounted", None, it, None);
    let it = untold(&s);
    make(&mut s, "untold", Some("authorised.not"), it, None);
    let it = untold(&s);
    make(&mut s, "untold-called-covered", Some("authorised.differs"), it, covered);
    let unseen = |s: &Staged| {
        let mut it = RecordAccess { channel: wire::Channel::Log as i32, ..s.covered() };
        (it.accesses[0].request_id, it.accesses[0].grant_unknown) = (Vec::new(), true);
        it
    };
    let it = unseen(&s);
    make(&mut s, "grant-unseen", Some("authorised.not"), it, None);
    let it = unseen(&s);
    make(&mut s, "grant-unseen-called-covered", Some("authorised.differs"), it, covered);
    let id = limited(&mut s);
    for (name, rows) in [("statement", Some(5)), ("goes-on", Some(5)), ("goes-on-longer", Some(90))]
    {
        let it = under(&s, &id, 1, rows);
        make(&mut s, name, None, it, None);
    }
    let it = under(&s, &id, 1, None);
    make(&mut s, "rows-unknown", Some("authorised.not"), it, None);
    let it = under(&s, &id, 1, None);
    make(&mut s, "rows-unknown-called-covered", Some("authorised.differs"), it, covered);
    let it = RecordAccess { row_count: Some(0), ..access_to(&s, RESIDENT, &id) };
    make(&mut s, "no-rows", None, it, None);
    // Used further than it may be: what stands then says nothing of before.
    let id = limited(&mut s);
    for (name, statement) in [("then-exceeded", 1), ("then-exceeded-goes-on", 1)] {
        let it = under(&s, &id, statement, Some(5));
        make(&mut s, name, Some("undecidable"), it, None);
    }
    for statement in 2..5 {
        let it = under(&s, &id, statement, Some(5));
        s.world.does(GATEWAY, it);
    }
    s.world.commit(Vec::new());
    let proofs = made
        .into_iter()
        .map(|(name, code, height)| (name, code, prover::authorised(&s.world, height, 0)));
    let proofs = proofs.collect();
    (s, proofs)
}

#[test]
fn what_leaves_something_unknown() {
    let (stage, proofs) = unknowns();
    for (name, code, trace) in &proofs {
        assert_eq!(refusal(&stage.world, trace), *code, "{name}");
        let Ok(verified) = checked(&stage.world, trace) else { continue };
        oracle::assert_true(&stage.world, verified.get());
        let open = verified.get().caveats.contains(&Caveat::UnknownSubjects);
        assert_eq!(open, *name == "subjects-uncounted", "{name}");
    }
}
