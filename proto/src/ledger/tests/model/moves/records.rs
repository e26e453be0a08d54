//! Access records: most as their grant allows them.

use super::super::simple::{Grant, Id};
use super::sharing::{DAY, HOUR};
use super::{Move, Moves};
use crate::wire::{self, Assurance, Channel, Decision, GrantState, item::Kind};
use std::rc::Rc;

impl Moves<'_> {
    pub(super) fn record(&mut self) -> Option<Move> {
        let halves = self.simple.answers().halves.iter();
        let known = |id: &[u8]| self.simple.identity(id).is_some();
        let early = halves.filter(|it| it.half.is_users && known(&it.gateway));
        let early: Vec<_> = early.cloned().collect();
        if let Some(half) = self.dice.pick_if_any(&early)
            && self.dice.percent(12)
        {
            // What its user acknowledged already.
            let grant = self.simple.grant(&half.request)?.clone();
            let record = self.record_of(&grant, &half.gateway);
            let access_no = half.number;
            let item = wire::RecordAccess { access_no, ..record };
            return Some((half.gateway.clone(), Kind::RecordAccess(item)));
        }
        let grant = self.grant_to_use()?;
        let by = self.system(&grant.collector)?;
        let record = self.record_of(&grant, &by);
        let record = self.observed_or_not(&by, record);
        let item = self.told_or_not(record);
        Some((by, Kind::RecordAccess(item)))
    }

    pub(super) fn handover(&mut self) -> Option<Move> {
        let grant = self.grant_to_use()?;
        let by = self.officer(&grant.collector)?;
        let record = self.record_of(&grant, &by);
        let record = wire::RecordAccess { decision: Decision::Served as i32, ..record };
        let medium_digest = self.dice.digest();
        let item = wire::ManualHandover { record: Some(record), medium_digest };
        Some((by, Kind::ManualHandover(item)))
    }

    fn grant_to_use(&mut self) -> Option<Grant> {
        let height = self.simple.height;
        let usable = |it: &&Rc<Grant>| {
            let listed = self.simple.dataset(&it.dataset).is_some_and(|it| it.retired.is_none());
            it.last().state == GrantState::Active && it.last().height < height && listed
        };
        let live: Vec<_> = self.simple.grants.iter().filter(usable).collect();
        // Few grants are used much, so that quotas are reached; but those before as well.
        let few = if self.dice.percent(70) { 12 } else { 200 };
        let live: Vec<_> = live.into_iter().rev().take(few).collect();
        match self.dice.percent(90) {
            true => self.dice.pick_if_any(&live).map(|it| (***it).clone()),
            false => self.dice.pick_if_any(&self.simple.grants).map(|it| (**it).clone()),
        }
    }

    /// Who did not decide before serving may not be able to say which datasets it was.
    pub(super) fn told_or_not(&mut self, mut it: wire::RecordAccess) -> wire::RecordAccess {
        let is_set = it.subjects.as_ref().is_some_and(|it| it.bulk.is_some());
        if it.channel() != Channel::Door && !is_set && self.dice.percent(20) {
            it.accesses.clear();
        }
        if it.channel() != Channel::Door && self.dice.percent(20) {
            for one in &mut it.accesses {
                (one.request_id, one.grant_unknown) = (Vec::new(), true);
            }
        }
        it
    }

    /// An access under a grant, as this gateway, or who stands in for one, would record it.
    pub(super) fn record_of(&mut self, grant: &Grant, gateway: &[u8]) -> wire::RecordAccess {
        let access_no = self.number(gateway);
        let (access_time_ms, decided_height) = self.when();
        let asker = self.asker(grant);
        let it = wire::RecordAccess {
            collector: grant.collector.clone(),
            access_no,
            decision: if self.dice.percent(94) { Decision::Served } else { Decision::Denied }
                as i32,
            accesses: self.accesses(grant),
            on_behalf_of: self.dice.percent(8).then(|| self.asker(grant)),
            asker: Some(asker),
            purpose: match self.dice.below(20) {
                0 => String::new(),
                1 => self.purpose(),
                _ => grant.purpose.clone(),
            },
            subjects: Some(self.subjects()),
            query_digest: vec![9; 32],
            row_count: match self.dice.between(0, 65) {
                rows @ 0..=60 => Some(rows),
                _ => None,
            },
            statement_digest: self.statement(),
            access_time_ms,
            decided_height,
            channel: *self.dice.pick(&[1, 1, 1, 1, 2, 3, 4]),
            ..Default::default()
        };
        let may = it.subjects.as_ref().is_some_and(|it| it.tags.len() < 2 && it.bulk.is_none());
        let says = self.dice.percent(if grant.about_oneself { 85 } else { 1 });
        if !(may && says) {
            return it;
        }
        let login = self.dice.between(1, 2);
        let self_service = Some(wire::SelfService { login: i32::try_from(login).unwrap() });
        wire::RecordAccess { self_service, on_behalf_of: None, ..it }
    }

    /// A gateway that observes says so; a few say it that don't.
    fn observed_or_not(
        &mut self,
        gateway: &[u8],
        mut it: wire::RecordAccess,
    ) -> wire::RecordAccess {
        let setup = self.simple.gateway(gateway).and_then(|it| it.setup.as_ref());
        let observes = setup.is_some_and(|it| !it.observing.is_empty());
        let says = self.dice.percent(if observes { 35 } else { 1 });
        if says && it.decision() == Decision::Served {
            let denied = if self.dice.percent(50) { "quota_exceeded" } else { "" };
            it.observing = Some(wire::Observing { denied: denied.to_owned() });
        }
        // A few doors were opened by hand, which says nothing of what is covered.
        if it.decision() == Decision::Served && self.dice.percent(3) {
            let (officer_id, statement_digest) = (vec![1; 32], vec![2; 32]);
            let cause = "fire".to_owned();
            it.break_glass = Some(wire::BreakGlass { officer_id, cause, statement_digest });
        }
        it
    }

    /// Few statements need several records; of those that do some come again and again.
    fn statement(&mut self) -> Id {
        match self.dice.below(20) {
            0..4 => vec![u8::try_from(self.dice.between(1, 2)).unwrap(); 32],
            4 => vec![u8::try_from(self.dice.between(1, 14)).unwrap(); 32],
            _ => Vec::new(),
        }
    }

    /// A number of a gateway: mostly its next; or one that it passed over, or passes some over.
    pub(super) fn number(&mut self, gateway: &[u8]) -> u64 {
        let known = self.simple.gateway(gateway).cloned().unwrap_or_default().numbers;
        let last = known.last_access_no;
        match self.dice.below(40) {
            0 => last.max(1),
            1 | 2 => last + 1 + self.dice.between(1, 3),
            3..12 => match self.dice.pick_if_any(&known.gaps) {
                Some(gap) => self.dice.between(gap.first, gap.last),
                None => last + 1,
            },
            _ => last + 1,
        }
    }

    /// A few, some of them often.
    fn subjects(&mut self) -> wire::Subjects {
        if self.dice.percent(10) {
            return wire::Subjects { bulk: Some(self.bulk()), ..wire::Subjects::default() };
        }
        let mut tags: Vec<Id> = Vec::new();
        for _ in 0..self.dice.between(1, 2) {
            let few = self.dice.percent(30);
            let tag = u8::try_from(self.dice.below(if few { 3 } else { 200 })).unwrap();
            tags.push(vec![tag; 32]);
        }
        tags.sort();
        tags.dedup();
        let (unknown_count, uncounted) = match self.dice.below(20) {
            0 => (self.dice.between(1, 5), false),
            1 => (self.dice.below(3), true),
            _ => (0, false),
        };
        if self.dice.percent(5) {
            tags.clear();
        }
        wire::Subjects { tags, unknown_count, uncounted, ..wire::Subjects::default() }
    }

    /// The time of access, and by which block the gateway says it decided.
    fn when(&mut self) -> (u64, Option<u64>) {
        let (now, tip) = (self.simple.now, self.net.height().get());
        let tip_time = self.net.tip.time.get();
        let time = match self.dice.below(20) {
            0 => now + self.dice.between(0, 20_000),
            1 => now - self.dice.between(1, 40 * DAY),
            2 | 3 => now - self.dice.between(1, 30 * HOUR),
            _ => self.dice.between(tip_time, now),
        };
        let height = match self.dice.below(16) {
            0 => None,
            1 => Some(tip + 1 + self.dice.below(2)),
            2 | 3 => Some(self.dice.between(0, tip)),
            _ => Some(tip),
        };
        (time, height)
    }

    fn asker(&mut self, grant: &Grant) -> wire::Party {
        let terms = &grant.last().terms;
        let all: Vec<Id> = self.simple.identities.iter().map(|it| it.id.clone()).collect();
        let tip = self.simple.height;
        let in_force = |id: &&Id| self.simple.identity(id).is_some_and(|it| it.life.at_height(tip));
        let named: Vec<Id> = terms.identity_ids.iter().filter(in_force).cloned().collect();
        let id = match self.dice.pick_if_any(&named) {
            Some(id) if self.dice.percent(95) => id.clone(),
            _ => self.dice.pick(&all).clone(),
        };
        if self.dice.percent(2) {
            return wire::Party { unmapped_digest: id, ..Default::default() };
        }
        let department = match self.simple.identity(&id) {
            Some(it) if self.dice.percent(97) => it.department.clone(),
            _ if self.dice.percent(30) => "nobody".to_owned(),
            _ => self.any_department(),
        };
        let assurance = match self.dice.percent(95) {
            true => Assurance::Verified,
            false => Assurance::Claimed,
        };
        let assurance = assurance as i32;
        wire::Party { department, identity_id: id, unmapped_digest: Vec::new(), assurance }
    }

    fn accesses(&mut self, grant: &Grant) -> Vec<wire::DatasetAccess> {
        let one = self.access(grant);
        let others: Vec<Rc<Grant>> = self
            .simple
            .grants
            .iter()
            .filter(|it| it.collector == grant.collector && it.dataset != grant.dataset)
            .cloned()
            .collect();
        let mut all = vec![one];
        if let Some(other) = self.dice.pick_if_any(&others)
            && self.dice.percent(8)
        {
            let other = Rc::clone(other);
            all.push(self.access(&other));
            // One more, that names the grant of another dataset.
            if let Some(it) = self.dice.pick_if_any(&others)
                && self.dice.percent(30)
            {
                let dataset = it.dataset.clone();
                all.push(wire::DatasetAccess { dataset, ..all[0].clone() });
            }
        }
        all.sort_by(|a, b| a.dataset.cmp(&b.dataset));
        all.dedup_by(|a, b| a.dataset == b.dataset);
        all
    }

    fn access(&mut self, grant: &Grant) -> wire::DatasetAccess {
        let terms = Rc::clone(&grant.last().terms);
        let mut fields = terms.fields.clone();
        match self.dice.below(25) {
            0 => fields.clear(),
            1 => fields = vec!["birth".into(), "name".into()],
            _ => fields.truncate(2),
        }
        let request_id = match self.dice.below(60) {
            0 => Vec::new(),
            1 => self.dice.digest(),
            _ => grant.id.clone(),
        };
        let operation = match self.dice.percent(96) {
            true => *self.dice.pick(&terms.operations),
            false => 5,
        };
        let dataset = match self.dice.percent(98) {
            true => grant.dataset.clone(),
            false => self.dice.pick(&self.simple.datasets).entry.dataset.clone(),
        };
        wire::DatasetAccess {
            dataset,
            operation,
            request_id,
            fields,
            ..wire::DatasetAccess::default()
        }
    }
}
