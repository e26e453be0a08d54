//! Records judged again, from what stands much later: never otherwise than they were judged.

use crate::event::{Outcome, Reason, Verdict};
use crate::header::block::Header;
use crate::items::access::{
    replay::{Recorded, Source, judge},
    tests::{coverage_cases::ALL, coverage_kinds as kinds},
};
use crate::items::governance::tests::{
    enactments::enacted,
    votes::{parameters, set_parameters, set_rights},
};
use crate::ledger::{
    Event, Halt, Missing, Object,
    tests::{
        World,
        account::access_to,
        items::{self, HOUR},
        stage::{COLLECTOR, GATEWAY, MANAGER, RESIDENT, Staged, staged},
    },
};
use crate::place::Place;
use crate::tx::Tx;
use crate::tx::TxHeader;
use crate::types::{BlockId, Height, TimeMs};
use crate::wire::{self, RecordAccess, item::Kind};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What stands at the tip of a chain, and its headers.
pub(crate) struct Tip<'a> {
    objects: &'a BTreeMap<Place, Object>,
    headers: Vec<&'a Header>,
}

impl<'a> Tip<'a> {
    pub(crate) fn new(
        objects: &'a BTreeMap<Place, Object>,
        headers: impl IntoIterator<Item = &'a Header>,
    ) -> Self {
        Self { objects, headers: headers.into_iter().collect() }
    }
}

impl Source for Tip<'_> {
    fn object(&self, place: &Place) -> Result<Option<Object>, Missing> {
        Ok(self.objects.get(place).cloned())
    }

    fn former(&self, of: &Place, at: Height) -> Result<Option<(Height, wire::Former)>, Missing> {
        let kept = self.objects.range(Place::former(of, at.next())..);
        let mut kept = kept.map_while(|(place, object)| {
            let (id, until) = place.id().split_last_chunk::<8>()?;
            let former = Arc::<wire::Former>::try_from(object.clone()).ok()?;
            let until = Height::new(u64::from_be_bytes(*until));
            (id == of.to_bytes()).then(|| (until, (*former).clone()))
        });
        Ok(kept.next())
    }

    fn block(&self, height: Height) -> Result<Option<(BlockId, TimeMs)>, Missing> {
        let header = self.headers.get(usize::try_from(height.get()).unwrap());
        Ok(header.map(|it| (it.block_id(), it.time)))
    }

    fn first_block_from(&self, time: TimeMs) -> Result<Option<Height>, Missing> {
        let first = self.headers.partition_point(|it| it.time < time);
        Ok(self.headers.get(first).map(|it| it.height))
    }
}

/// Judges every record again, from the tip. Gives how many came out as they were judged, and how many
/// can't be told any more, by verdict.
pub(crate) fn all_again(tip: &Tip<'_>, blocks: &[(Vec<Event>, Vec<Tx>)]) -> BTreeMap<String, u64> {
    let mut tally = BTreeMap::new();
    for (events, transactions) in blocks {
        for event in events {
            let Some(tx) = transactions.iter().find(|tx| tx.id() == event.leaf.origin) else {
                continue;
            };
            let item = &tx.items()[event.leaf.item as usize];
            let Kind::RecordAccess(record) = item.kind() else { continue };
            let it = Recorded { leaf: &event.leaf, signer: tx.header(), record };
            let verdict = event.leaf.outcome.verdict;
            let what = match judge(tip, it) {
                Ok((outcome, _)) => {
                    assert_eq!(outcome, replayed(event.leaf.outcome), "{record:?}");
                    format!("judged again: {verdict}")
                }
                Err(Halt::Missing(_)) => format!("not told any more: {verdict}"),
                Err(Halt::Refused(why)) => panic!("{why}: {record:?}"),
            };
            *tally.entry(what).or_default() += 1;
        }
    }
    tally
}

/// What is judged again of an outcome. Whose grant was named is judged on the ledger alone: nothing that is allowed names
/// another's.
fn replayed(outcome: Outcome) -> Outcome {
    assert!(!(crate::verify::allows(outcome.verdict) && outcome.names_others), "{outcome:?}");
    Outcome { names_others: false, ..outcome }
}

/// A record that is judged once when it comes, and again whenever asked.
struct Again {
    leaf: crate::event::EventLeaf,
    signer: TxHeader,
    record: RecordAccess,
}

impl Again {
    fn commit(stage: &mut Staged, record: RecordAccess) -> Self {
        let tx = stage.sign(GATEWAY, record.clone());
        stage.world.commit(vec![tx.clone()]);
        let events = &stage.world.blocks.last().unwrap().delta.events;
        let leaf = events.iter().find(|it| it.leaf.origin == tx.id()).unwrap().leaf;
        Self { leaf, signer: tx.header().clone(), record }
    }

    fn judged(&self, world: &World) -> Result<Outcome, Halt> {
        let tip = Tip::new(&world.objects, world.blocks.iter().map(|it| &it.header));
        let it = Recorded { leaf: &self.leaf, signer: &self.signer, record: &self.record };
        judge(&tip, it).map(|(outcome, _)| outcome)
    }

    fn assert_same(&self, world: &World, after: &str) {
        assert_eq!(self.judged(world), Ok(self.leaf.outcome), "{after}");
    }
}

/// Every case of the table, judged again when a day has gone by: the same, but for quotas.
#[test]
fn every_verdict_and_reason_again() {
    let mut missing = Vec::new();
    for (name, reason, bend) in [ALL.concat(), kinds::OF_EACH_KIND.to_vec()].concat() {
        let mut stage = staged();
        let mut record = stage.covered();
        bend(&mut stage, &mut record);
        let it = Again::commit(&mut stage, record);
        stage.world.now += 25 * HOUR;
        stage.world.commit(Vec::new());
        match it.judged(&stage.world) {
            Ok(outcome) => assert_eq!(outcome, replayed(it.leaf.outcome), "{name}"),
            Err(Halt::Missing(_)) => {
                missing.push((name, reason));
            }
            Err(Halt::Refused(why)) => panic!("{name}: {why}"),
        }
    }
    let quotas = [Reason::QuotaExceeded, Reason::QuotaDayUnknown];
    missing.retain(|(_, reason)| !quotas.contains(reason));
    let names: Vec<_> = missing.iter().map(|(name, _)| *name).collect();
    // The first two are put there by hand as the newest block's doing, the others end their grant.
    let expected = [
        "identity in force still",
        "department in force still",
        "queries, one left",
        "rows, just enough",
    ];
    assert_eq!(names, expected);
}

/// Whatever is changed later, a covered record stays covered.
#[test]
fn what_came_later_is_left_out() {
    let mut s = staged();
    let record = s.covered();
    let it = Again::commit(&mut s, record);
    assert_eq!(it.leaf.outcome.verdict, Verdict::Covered);
    it.assert_same(&s.world, "nothing");

    let update = wire::UpdateDataset { grade: 4, ..items::update(RESIDENT, "gz.psb") };
    s.world.does(COLLECTOR, update);
    it.assert_same(&s.world, "a dataset that is graded higher");
    let update = wire::UpdateDataset { grade: 3, ..items::update(RESIDENT, "gz.psb") };
    s.world.does(COLLECTOR, update);
    it.assert_same(&s.world, "and graded again");

    let shorter = set_parameters(&s, |it| {
        it.live_age_ms = 1;
        it.late_age_ms = 1;
        it.decision_age_ms = vec![1; 4];
        it.recent_block_age_ms /= 2;
    });
    enacted(&mut s, shorter);
    assert_eq!(parameters(&s).live_age_ms, 1);
    it.assert_same(&s.world, "other parameters");

    enacted(&mut s, set_rights("gz.hrss", &[]));
    it.assert_same(&s.world, "rights taken away");

    let revoked = items::revoke(&s.id("granted"), &s.asked(), "gz.bdb");
    s.world.does(MANAGER, revoked);
    it.assert_same(&s.world, "a grant that is revoked");
    let ended = items::retire(RESIDENT, "gz.psb");
    s.world.does(COLLECTOR, ended);
    it.assert_same(&s.world, "a dataset that is retired");

    // And by what stands now it would not be covered.
    let next = s.covered();
    let later = Again::commit(&mut s, next);
    assert_eq!(later.leaf.outcome.verdict, Verdict::Uncovered);
    later.assert_same(&s.world, "and the next is not");
}

/// What happened in the record's own block may have come before it or behind: nothing is said.
#[test]
fn what_the_same_block_did_is_not_told() {
    let mut s = staged();
    let record = s.sign(GATEWAY, s.covered());
    let revoking = s.sign(MANAGER, items::revoke(&s.id("granted"), &s.asked(), "gz.bdb"));
    s.world.commit(vec![record.clone(), revoking]);
    let leaf = s.world.blocks.last().unwrap().delta.events[0].leaf;
    assert_eq!((leaf.origin, leaf.outcome.verdict), (record.id(), Verdict::Covered));
    let Kind::RecordAccess(it) = record.items()[0].kind() else { panic!("a record") };
    let tip = Tip::new(&s.world.objects, s.world.blocks.iter().map(|it| &it.header));
    let again = judge(&tip, Recorded { leaf: &leaf, signer: record.header(), record: it });
    assert_eq!(again, Err(Missing(Place::grant(&s.id("granted"))).into()));
}

/// A quota that what came later exceeds says nothing of then.
#[test]
fn quotas_are_known_from_above() {
    let mut s = staged();
    let mut terms = items::terms(&[s.identity(crate::ledger::tests::stage::APP)]);
    terms.quota = Some(wire::Quota { queries_total: 3, ..Default::default() });
    let id = crate::ledger::tests::account::granted(&mut s, RESIDENT);
    let amended = items::amend(&id, &s.asked(), "gz.bdb", terms);
    s.world.does(COLLECTOR, amended);
    let first = access_to(&s, RESIDENT, &id);
    let first = Again::commit(&mut s, first);
    let second = access_to(&s, RESIDENT, &id);
    let second = Again::commit(&mut s, second);
    for it in [&first, &second] {
        assert_eq!(it.leaf.outcome.verdict, Verdict::Covered);
        it.assert_same(&s.world, "two of three");
    }
    for _ in 0..2 {
        let more = access_to(&s, RESIDENT, &id);
        Again::commit(&mut s, more);
    }
    assert!(matches!(first.judged(&s.world), Err(Halt::Missing(_))));
}

/// Whether a record was the first of its statement is not known later; that as much was used at most is.
#[test]
fn statements_that_went_on_are_told_again() {
    let mut s = staged();
    let mut terms = items::terms(&[s.identity(crate::ledger::tests::stage::APP)]);
    terms.quota = Some(wire::Quota { queries_total: 3, rows_total: 20, ..Default::default() });
    let id = crate::ledger::tests::account::granted(&mut s, RESIDENT);
    let amended = items::amend(&id, &s.asked(), "gz.bdb", terms);
    s.world.does(COLLECTOR, amended);
    let statement = |s: &mut Staged, statement: u8, rows| {
        let mut it = access_to(s, RESIDENT, &id);
        it.statement_digest = vec![statement; 32];
        it.row_count = rows;
        Again::commit(s, it)
    };
    // More rows than are left are no more where they are the same statement's.
    let said = [(1, Some(5)), (1, Some(5)), (1, Some(90)), (2, Some(3)), (1, Some(0))];
    let covered = said.map(|(number, rows)| statement(&mut s, number, rows));
    let unknown = [(1, None), (1, None)].map(|(number, rows)| statement(&mut s, number, rows));
    for it in &covered {
        assert_eq!(it.leaf.outcome.verdict, Verdict::Covered);
        it.assert_same(&s.world, "two of three");
    }
    for it in &unknown {
        assert_eq!(it.leaf.outcome.reason, Reason::RowsUnknown);
        it.assert_same(&s.world, "rows that are limited and unknown");
    }
    // With two queries more the counters exceed the quota, and say nothing of then.
    statement(&mut s, 3, Some(1));
    covered[1].assert_same(&s.world, "three of three");
    statement(&mut s, 4, Some(1));
    assert!(matches!(covered[0].judged(&s.world), Err(Halt::Missing(_))));
    assert!(matches!(covered[1].judged(&s.world), Err(Halt::Missing(_))));
}

/// What others had set aside then is not known later; that it was never more, beside what was used, is.
#[test]
fn what_was_set_aside_is_known_from_above() {
    let mut s = staged();
    crate::items::access::tests::gateways::set_up(&mut s);
    let mut terms = items::terms(&[s.identity(crate::ledger::tests::stage::APP)]);
    terms.quota = Some(wire::Quota { queries_total: 6, queries_per_day: 5, ..Default::default() });
    let id = crate::ledger::tests::account::granted(&mut s, RESIDENT);
    s.world.does(COLLECTOR, items::amend(&id, &s.asked(), "gz.bdb", terms));
    let lease =
        |s: &Staged, queries| items::lease_use(&id, &s.asked(), (queries, 0), s.world.now + HOUR);
    let record = |s: &mut Staged| {
        let it = access_to(s, RESIDENT, &id);
        Again::commit(s, it)
    };
    let before = record(&mut s);
    let it = lease(&s, 3);
    s.world.does(GATEWAY, it);
    let own = record(&mut s);
    for it in [&before, &own] {
        assert_eq!(it.leaf.outcome.verdict, Verdict::Covered);
        it.assert_same(&s.world, "set aside by itself");
    }
    // Given back: what was used is little, and then it was not more than four.
    let it = lease(&s, 0);
    s.world.does(GATEWAY, it);
    own.assert_same(&s.world, "given back");
    // Of a quota that was amended to less than was set aside nothing is said.
    let mut terms = items::terms(&[s.identity(crate::ledger::tests::stage::APP)]);
    terms.quota = Some(wire::Quota { queries_total: 3, queries_per_day: 3, ..Default::default() });
    s.world.does(COLLECTOR, items::amend(&id, &s.asked(), "gz.bdb", terms));
    let less = record(&mut s);
    assert_eq!(less.leaf.outcome.verdict, Verdict::Covered);
    assert!(matches!(less.judged(&s.world), Err(Halt::Missing(_))));
    own.assert_same(&s.world, "by the quota as it was");
}

/// What was covered beside what another set aside is so again, whatever comes of that; that it was refused for that, nobody can say later.
#[test]
fn beside_what_another_set_aside() {
    let mut s = staged();
    super::gateways::set_up(&mut s);
    let mut terms = items::terms(&[s.identity(crate::ledger::tests::stage::APP)]);
    terms.quota = Some(wire::Quota { queries_total: 6, queries_per_day: 6, ..Default::default() });
    let id = crate::ledger::tests::account::granted(&mut s, RESIDENT);
    s.world.does(COLLECTOR, items::amend(&id, &s.asked(), "gz.bdb", terms));
    super::leases::second(&mut s);
    let lease =
        |s: &Staged, queries| items::lease_use(&id, &s.asked(), (queries, 0), s.world.now + HOUR);
    let record = |s: &mut Staged| {
        let it = access_to(s, RESIDENT, &id);
        Again::commit(s, it)
    };
    let it = lease(&s, 4);
    s.world.does(super::leases::SECOND, it);
    let both = [record(&mut s), record(&mut s)];
    let check = |s: &Staged| {
        for it in &both {
            assert_eq!(it.leaf.outcome.verdict, Verdict::Covered);
            it.assert_same(&s.world, "beside another's");
        }
    };
    check(&s);
    let it = lease(&s, 0);
    s.world.does(super::leases::SECOND, it);
    check(&s);
    let it = lease(&s, 4);
    s.world.does(super::leases::SECOND, it);
    let refused = record(&mut s);
    assert_eq!(refused.leaf.outcome.reason, Reason::QuotaExceeded);
    let it = lease(&s, 0);
    s.world.does(super::leases::SECOND, it);
    assert!(matches!(refused.judged(&s.world), Err(Halt::Missing(_))));
}

/// What does not say which datasets it was, or whose data, is judged again like the rest.
#[test]
fn what_was_not_told_is_not_told_again() {
    let mut s = staged();
    let mut untold = s.covered();
    untold.accesses.clear();
    untold.channel = wire::Channel::Log as i32;
    untold.subjects = Some(wire::Subjects { uncounted: true, ..Default::default() });
    let untold = Again::commit(&mut s, untold);
    let ahead = RecordAccess {
        access_time_ms: s.world.now + HOUR,
        accesses: Vec::new(),
        channel: wire::Channel::Api as i32,
        ..s.covered()
    };
    let ahead = Again::commit(&mut s, ahead);
    let unlimited = RecordAccess { row_count: None, ..s.covered() };
    let unlimited = Again::commit(&mut s, unlimited);
    s.world.now += 25 * HOUR;
    s.world.commit(Vec::new());
    for it in [&untold, &ahead] {
        assert_eq!(it.leaf.outcome.reason, Reason::DatasetUnknown);
        it.assert_same(&s.world, "without datasets");
    }
    assert_eq!((untold.leaf.outcome.future, ahead.leaf.outcome.future), (false, true));
    assert_eq!(unlimited.leaf.outcome.verdict, Verdict::Covered);
    unlimited.assert_same(&s.world, "rows that are not limited");
}

/// A block by which the gateway decided, long out of the window of recent ones.
#[test]
fn late_records_and_the_window_of_recent_blocks() {
    let mut s = staged();
    let mut record = s.covered();
    for _ in 0..30 {
        s.world.now += 5 * 60_000;
        s.world.commit(Vec::new());
    }
    record.access_time_ms += 1;
    let late = Again::commit(&mut s, record);
    late.assert_same(&s.world, "a decision older than the window");
    // After a long pause the newest blocks are the only ones known.
    s.world.now += 5 * HOUR;
    s.world.commit(Vec::new());
    let live = s.covered();
    let live = Again::commit(&mut s, live);
    live.assert_same(&s.world, "after a pause");
    s.world.now += 5 * HOUR;
    s.world.commit(Vec::new());
    live.assert_same(&s.world, "and another");
}
