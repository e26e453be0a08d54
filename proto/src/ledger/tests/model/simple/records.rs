//! Access records, and what follows from each: it is counted, answered for, and watched.

use super::{Answers, By, Simple, Use, Why};
use crate::event::{Outcome, Reason, Verdict};
use crate::wire::{self, GrantState, IdentityKind, IntegrityRule, RecordAccess, Right, WatchKind};
use std::rc::Rc;

impl Simple {
    pub(super) fn record(&mut self, by: By<'_>, it: &RecordAccess) -> Result<Outcome, Why> {
        let mut no = Vec::new();
        self.gateway_signs(by, &it.collector, &mut no);
        self.numbered(by, it, no)
    }

    /// An officer stands in for a gateway.
    pub(super) fn handover(
        &mut self,
        by: By<'_>,
        it: &wire::ManualHandover,
    ) -> Result<Outcome, Why> {
        let mut no = Vec::new();
        let record = it.record.clone().unwrap();
        self.collects(by, &record.collector, &mut no);
        self.numbered(by, &record, no)
    }

    /// A gateway of a collector signs.
    pub(super) fn gateway_signs(&self, by: By<'_>, collector: &str, no: &mut Why) {
        self.acts_with(by, collector, Right::Collect, no);
        self.kind_of(by, &[IdentityKind::System], no);
    }

    pub(super) fn numbered(
        &mut self,
        by: By<'_>,
        it: &RecordAccess,
        mut no: Why,
    ) -> Result<Outcome, Why> {
        self.of_its_collector(it, &mut no);
        if !self.are_free(by.identity(), it.access_no, it.access_no) {
            no.push("access_no.taken");
        }
        if !no.is_empty() {
            return Err(no);
        }
        let time = Some(it.access_time_ms);
        self.take_number(by.identity(), &it.collector, it.access_no, time);
        Ok(self.recorded(by.identity(), it, true))
    }

    /// The datasets of a record are its collector's.
    pub(super) fn of_its_collector(&self, it: &RecordAccess, no: &mut Why) {
        for access in &it.accesses {
            match self.dataset(&access.dataset) {
                None => no.push("dataset.unknown"),
                Some(known) if known.entry.collector != it.collector => {
                    no.push("dataset.other_collector");
                }
                Some(_) => {}
            }
        }
    }

    /// What follows from a record that has its number.
    pub(super) fn recorded(&mut self, gateway: &[u8], it: &RecordAccess, halves: bool) -> Outcome {
        self.answers.records.push(Rc::new((gateway.to_vec(), it.clone())));
        let (outcome, at) = self.judge(gateway, it);
        if outcome.verdict != Verdict::Denied {
            self.count(gateway, it);
            if halves {
                self.wants_half(gateway, it);
            }
            self.wants_tags(gateway, it);
            if it.accesses.is_empty() {
                self.alert(WatchKind::DatasetUnknown, &it.collector, &[], ("", &[]));
            }
        }
        let against = matches!(outcome.verdict, Verdict::Uncovered | Verdict::WouldBeDenied);
        let (says, observes) = (it.observing.is_some(), self.observes(gateway, it));
        if against && !observes && !it.accesses.is_empty() {
            self.at_fault_for(gateway, it, &it.accesses[at], outcome.reason);
        } else if says && (against || !observes) {
            let denied = it.observing.clone().unwrap().denied;
            let cause = match outcome.reason {
                _ if !observes => "not_observing".to_owned(),
                Reason::DeniedByGateway => denied,
                reason => reason.name().to_owned(),
            };
            let dataset = it.accesses.get(at).or(it.accesses.first());
            let dataset = if observes { dataset } else { it.accesses.first() };
            let about = (dataset.map_or("", |it| it.dataset.as_str()), cause.as_bytes());
            self.alert(WatchKind::WouldBeDenied, &it.collector, &[], about);
        }
        self.watch_record(it, outcome.future);
        outcome
    }

    /// Whether the gateway was said to observe all that the record is of, then.
    fn observes(&self, gateway: &[u8], it: &RecordAccess) -> bool {
        let Some(setup) = self.gateway(gateway).and_then(|it| it.setup.as_ref()) else {
            return false;
        };
        let time = self.decided_time(it).unwrap_or(it.access_time_ms).min(self.now);
        let of = |dataset: &str| {
            let mut said = setup.observing.iter().filter(|it| it.dataset == dataset);
            said.any(|it| it.since_ms <= time && time < it.until_ms)
        };
        it.observing.is_some()
            && !it.accesses.is_empty()
            && it.accesses.iter().all(|one| of(&one.dataset))
    }

    /// Who asked for more than was granted is at fault; for all else the collector that served it.
    fn at_fault_for(
        &mut self,
        gateway: &[u8],
        it: &RecordAccess,
        access: &wire::DatasetAccess,
        reason: Reason,
    ) {
        let asker = it.asker.clone().unwrap();
        let request: &[u8] = if self.is_own(it, access) { &access.request_id } else { &[] };
        let about = (access.dataset.as_str(), request);
        let by_itself = self.is_over_itself(it, &access.request_id);
        if reason == Reason::QuotaExceeded && !asker.identity_id.is_empty() && by_itself {
            let rule = IntegrityRule::QuotaExceeded;
            self.raise(rule, &asker.department, &asker.identity_id, about, 1);
        } else {
            self.raise(IntegrityRule::Uncovered, &it.collector, gateway, about, 1);
        }
    }

    /// Whether the use made of a grant is more than its own quota, of which what it hangs from may
    /// have had less left.
    fn is_over_itself(&self, it: &RecordAccess, id: &[u8]) -> bool {
        let Some(at) = self.grants.iter().position(|one| one.id == id) else { return false };
        let quota = self.grants[at].last().terms.quota.unwrap();
        let used: Vec<&Use> = self.uses.iter().filter(|one| one.grant == at).collect();
        let mut days: Vec<u64> = used.iter().map(|one| one.day).collect();
        days.sort_unstable_by(|a, b| b.cmp(a));
        days.dedup();
        let day = self.day_of(it);
        let kept = days.get(31).is_none_or(|oldest| day >= *oldest);
        let of_day = used.iter().filter(|one| kept && one.day == day);
        let [queries, rows] = self.used(at);
        let over = |used: u64, limit: u64| limit > 0 && used > limit;
        over(queries, quota.queries_total)
            || over(rows, quota.rows_total)
            || over(of_day.clone().count() as u64, quota.queries_per_day)
            || over(of_day.filter_map(|one| one.rows).sum(), quota.rows_per_day)
    }

    /// What was served counts under each grant of its own and all that it hangs from, once; one whose
    /// total is reached ends.
    fn count(&mut self, gateway: &[u8], it: &RecordAccess) {
        let day = self.day_of(it);
        let mut counted: Vec<usize> = Vec::new();
        for access in
            it.accesses.iter().filter(|access| self.is_own(it, access)).collect::<Vec<_>>()
        {
            let line: Vec<_> =
                self.ancestry(&access.request_id).iter().map(|grant| grant.id.clone()).collect();
            for id in line {
                let grant = self.grants.iter().position(|one| one.id == id).unwrap();
                if counted.contains(&grant) {
                    continue;
                }
                counted.push(grant);
                if self.is_counted_already(grant, it) {
                    self.went_on += 1;
                    continue;
                }
                let before = self.used(grant);
                let statement = <[u8; 32]>::try_from(it.statement_digest.as_slice()).ok();
                self.uses.push(Use { grant, day, rows: it.row_count, statement });
                self.spend(grant, [gateway, &access.request_id], [1, it.row_count.unwrap_or(0)]);
                self.used_up(grant, before);
            }
        }
    }

    /// Whether a record belongs to one of the eight statements counted last under a grant, of those that may need several.
    pub(super) fn is_counted_already(&self, grant: usize, it: &RecordAccess) -> bool {
        self.last_statements(grant).iter().any(|one| it.statement_digest == one)
    }

    /// The last eight statements of a grant that may need several records, the newest at the end.
    pub(in super::super) fn last_statements(&self, grant: usize) -> Vec<[u8; 32]> {
        let all = self.uses.iter().filter(|one| one.grant == grant);
        let mut last: Vec<_> = all.rev().filter_map(|one| one.statement).take(8).collect();
        last.reverse();
        last
    }

    /// Queries and rows under a grant so far.
    pub(in super::super) fn used(&self, grant: usize) -> [u64; 2] {
        let used: Vec<&Use> = self.uses.iter().filter(|one| one.grant == grant).collect();
        [used.len() as u64, used.iter().filter_map(|one| one.rows).sum()]
    }

    /// How many of the records that count under a grant do not say their rows.
    pub(in super::super) fn without_rows(&self, grant: usize) -> usize {
        self.uses.iter().filter(|one| one.grant == grant && one.rows.is_none()).count()
    }

    /// What the records of a collector leave unknown, of those that were not denied.
    pub(in super::super) fn left_unknown(&self, collector: &str) -> wire::UnknownCount {
        let served = |one: &&RecordAccess| {
            one.collector == collector && one.decision() != wire::Decision::Denied
        };
        let all = self.answers.records.iter().map(|one| &one.1).filter(served);
        let all: Vec<(&RecordAccess, wire::Subjects)> =
            all.map(|one| (one, one.subjects.clone().unwrap())).collect();
        let count = |what: &dyn Fn(&RecordAccess, &wire::Subjects) -> bool| {
            all.iter().filter(|(one, subjects)| what(one, subjects)).count() as u64
        };
        wire::UnknownCount {
            records: count(&|_, whose| whose.unknown_count > 0),
            subjects: all.iter().map(|(_, whose)| whose.unknown_count).sum(),
            uncounted: count(&|_, whose| whose.uncounted),
            untold: count(&|one, _| one.accesses.is_empty()),
        }
    }

    /// What comes of a grant having been used more than before.
    fn used_up(&mut self, grant: usize, before: [u64; 2]) {
        let after = self.used(grant);
        let it = Rc::clone(&self.grants[grant]);
        let quota = it.last().terms.quota.unwrap();
        let limits = [quota.queries_total, quota.rows_total];
        let watch = self.watch(WatchKind::QuotaNearlyUsed);
        let near = |used: u64, limit: u64| {
            watch.is_some_and(|watch| limit > 0 && used * 100 >= limit * watch.limit)
        };
        if (0..2).any(|at| !near(before[at], limits[at]) && near(after[at], limits[at])) {
            let concerned = if it.user.is_empty() { &it.collector } else { &it.user };
            self.alert(WatchKind::QuotaNearlyUsed, concerned, &[], (&it.dataset, &it.id));
        }
        if (0..2).any(|at| limits[at] > 0 && after[at] >= limits[at]) && !it.ended() {
            self.end_grant(&it.id, GrantState::Exhausted, "", true);
        }
    }

    pub(in super::super) fn answers(&self) -> &Answers {
        &self.answers
    }
}
