//! Gateways: set up, sealed, silent; numbers lost; tags of bulk sets.

use super::super::simple::{Gateway, Grant, Id};
use super::sharing::HOUR;
use super::{Move, Moves, Officer, System};
use crate::subject;
use crate::wire::{self, Right, item::Kind};
use std::rc::Rc;

/// One of a few bulk sets that everybody knows.
pub(super) fn tags_of(number: u64) -> Vec<Id> {
    let number = u8::try_from(number).unwrap();
    (0..=number % 5).map(|at| [&[at, number], [1; 30].as_slice()].concat()).collect()
}

pub(super) const BULK_SETS: u64 = 20;

impl Moves<'_> {
    /// A gateway that was set up, and its collector.
    fn set_up(&mut self) -> Option<(Gateway, wire::GatewaySetup)> {
        let all = self.simple.answers().gateways.iter();
        let all: Vec<_> = all.filter(|it| it.setup.is_some()).collect();
        let it = self.dice.pick_if_any(&all)?;
        Some(((***it).clone(), it.setup.clone().unwrap()))
    }

    pub(super) fn set_gateway(&mut self) -> Option<Move> {
        let collector = self.with_right(Right::Collect)?;
        let by = self.officer(&collector)?;
        let gateway_id = self.system(&collector)?;
        let own = self.simple.datasets.iter().filter(|it| it.entry.collector == collector);
        let listed: Vec<String> =
            own.filter(|it| it.retired.is_none()).map(|it| it.entry.dataset.clone()).collect();
        let mut datasets = self.dice.some(&listed, 75);
        match self.dice.below(25) {
            0 => datasets.clear(),
            1 => datasets.push(self.dice.pick_if_any(&self.simple.datasets)?.entry.dataset.clone()),
            _ => {}
        }
        datasets.sort();
        datasets.dedup();
        let mapping_digest = if self.dice.percent(50) { self.dice.digest() } else { Vec::new() };
        let item = wire::SetGateway { collector, gateway_id, datasets, mapping_digest };
        Some((by, Kind::SetGateway(item)))
    }

    pub(super) fn set_observing(&mut self) -> Option<Move> {
        let (gateway, setup) = self.set_up()?;
        let department = match self.dice.percent(60) {
            true => setup.collector.clone(),
            false => self.with_right(Right::Manage)?,
        };
        let by = self.officer(&department)?;
        let mut datasets = self.dice.some(&setup.datasets, 75);
        if self.dice.percent(4) {
            datasets.push(self.dice.pick_if_any(&self.simple.datasets)?.entry.dataset.clone());
        }
        datasets.sort();
        datasets.dedup();
        if datasets.is_empty() {
            return None;
        }
        let until_ms = match self.dice.below(10) {
            0 => self.simple.now - self.dice.below(HOUR),
            1 => self.simple.now + self.dice.between(85 * 24, 95 * 24) * HOUR,
            _ => self.simple.now + self.dice.between(0, 400) * HOUR,
        };
        let collector = self.mostly(setup.collector);
        let gateway_id = gateway.id;
        let item = wire::SetObserving { department, collector, gateway_id, datasets, until_ms };
        Some((by, Kind::SetObserving(item)))
    }

    pub(super) fn lease_use(&mut self) -> Option<Move> {
        let (gateway, setup) = self.set_up()?;
        let by = match self.dice.percent(97) {
            true => gateway.id,
            false => self.of(&setup.collector, &[System, Officer])?,
        };
        let of = |it: &&Rc<Grant>| {
            let serves = setup.datasets.contains(&it.dataset);
            let quota = it.last().terms.quota.unwrap();
            serves && quota != wire::Quota::default() && !it.ended()
        };
        let all: Vec<_> = self.simple.grants.iter().filter(of).cloned().collect();
        let grant = match self.dice.percent(95) {
            true => self.dice.pick_if_any(&all)?.clone(),
            false => self.dice.pick_if_any(&self.simple.grants)?.clone(),
        };
        let hours = self.dice.between(1, 20);
        let item = wire::LeaseUse {
            request_id: grant.id.clone(),
            dataset: grant.dataset.clone(),
            collector: self.mostly(grant.collector.clone()),
            using_department: grant.user.clone(),
            queries: self.dice.below(4),
            rows: self.dice.below(60),
            until_ms: match self.dice.below(20) {
                0 => self.simple.now,
                1 => self.simple.now + 25 * HOUR,
                _ => self.simple.now + hours * HOUR,
            },
        };
        Some((by, Kind::LeaseUse(item)))
    }

    pub(super) fn state_list(&mut self) -> Option<Move> {
        let department = self.dice.pick_if_any(&self.simple.departments)?.code.clone();
        let by = self.of(&department, &[Officer, System])?;
        let (department, platform) = (self.mostly(department), "platform".to_owned());
        let kind = *self.dice.pick(&[1, 2, 3]);
        let (count, root) = (self.dice.between(1, 9), vec![7; 32]);
        let (from_ms, until_ms) = (0, self.simple.now);
        let item = wire::StateList { department, platform, kind, count, root, from_ms, until_ms };
        Some((by, Kind::StateList(item)))
    }

    /// Somebody who keeps a collector's records, and what is said of the gateway.
    fn kept(&mut self) -> Option<(Id, String, Id)> {
        let (gateway, setup) = self.set_up()?;
        let by = self.of(&setup.collector, &[Officer, System])?;
        let gateway_id = match self.dice.percent(97) {
            true => gateway.id,
            false => self.system(&setup.collector)?,
        };
        let collector = self.mostly(setup.collector);
        Some((by, collector, gateway_id))
    }

    pub(super) fn commit_mapping(&mut self) -> Option<Move> {
        let (by, collector, gateway_id) = self.kept()?;
        let mapping_digest = self.dice.digest();
        let item = wire::CommitMapping { collector, gateway_id, mapping_digest };
        Some((by, Kind::CommitMapping(item)))
    }

    pub(super) fn declare_outage(&mut self) -> Option<Move> {
        let (by, collector, gateway_id) = self.kept()?;
        let hours = self.dice.between(0, 75);
        let whole = self.dice.percent(50);
        let now = self.simple.now;
        let until_ms = if whole { (now / HOUR + hours) * HOUR } else { now + hours * HOUR };
        let item =
            wire::DeclareOutage { collector, gateway_id, until_ms, cause: "power".to_owned() };
        Some((by, Kind::DeclareOutage(item)))
    }

    pub(super) fn seal_period(&mut self) -> Option<Move> {
        let (gateway, setup) = self.set_up()?;
        let by = match self.dice.percent(97) {
            true => gateway.id.clone(),
            false => self.of(&setup.collector, &[System, Officer])?,
        };
        let known = gateway.numbers;
        let from_ms = known.sealed_until_ms;
        let period = self.simple.parameters.seal_period_ms;
        let now = self.simple.now / period * period;
        let until_ms = match self.dice.below(12) {
            0 => now.saturating_sub(period),
            1 => now + period,
            2 => now + 1,
            _ => now,
        };
        if until_ms <= from_ms {
            return None;
        }
        let all = known.last_access_no - known.sealed_last.min(known.last_access_no);
        let count = match self.dice.below(10) {
            0 => all.saturating_sub(1),
            1 => all + self.dice.between(1, 2),
            _ => all,
        };
        let item = wire::SealPeriod {
            collector: self.mostly(setup.collector.clone()),
            from_ms: from_ms + u64::from(self.dice.percent(2)),
            until_ms,
            first: known.sealed_last + 1 + u64::from(self.dice.percent(2)),
            count,
            spool_root: self.dice.digest(),
            observed: self.observed(&setup.datasets),
        };
        (item.from_ms < item.until_ms).then_some((by, Kind::SealPeriod(item)))
    }

    fn observed(&mut self, datasets: &[String]) -> Vec<wire::Observed> {
        let some = self.dice.some(datasets, 40);
        let known = some.iter().filter_map(|code| self.simple.dataset(code).cloned());
        let known: Vec<_> = known.collect();
        known
            .into_iter()
            .map(|it| wire::Observed {
                dataset: it.entry.dataset,
                version: it.version - u64::from(it.version > 0 && self.dice.percent(10)),
                content_digest: if self.dice.percent(85) { it.digest } else { self.dice.digest() },
                row_count: it.rows + u64::from(self.dice.percent(5)),
            })
            .collect()
    }

    pub(super) fn declare_loss(&mut self) -> Option<Move> {
        let missing = |it: &&Rc<Gateway>| !it.numbers.gaps.is_empty();
        let all: Vec<_> = self.simple.answers().gateways.iter().filter(missing).collect();
        let (id, first, last) = match self.dice.pick_if_any(&all) {
            Some(it) if self.dice.percent(85) => {
                let gap = *self.dice.pick(&it.numbers.gaps);
                let first = self.dice.between(gap.first, gap.last);
                let beyond = u64::from(self.dice.percent(10));
                (it.id.clone(), first, self.dice.between(first, gap.last) + beyond)
            }
            _ => {
                let it = self.dice.pick_if_any(&self.simple.answers().gateways)?;
                let first = it.numbers.last_access_no + self.dice.between(1, 3);
                (it.id.clone(), first, first + self.dice.below(3))
            }
        };
        let collector = self.simple.identity(&id)?.department.clone();
        let by = self.of(&collector, &[Officer, System])?;
        let (collector, cause) = (self.mostly(collector), "disk".to_owned());
        let item = wire::DeclareLoss { collector, gateway_id: id, first, last, cause };
        Some((by, Kind::DeclareLoss(item)))
    }

    pub(super) fn unrecordable(&mut self) -> Option<Move> {
        let collector = self.with_right(Right::Collect)?;
        let by = self.system(&collector)?;
        let access_no = self.number(&by);
        let (digest, reason) = (self.dice.digest(), "dataset.unknown".to_owned());
        Some((by, Kind::Unrecordable(wire::Unrecordable { collector, access_no, digest, reason })))
    }

    /// A bulk set that everybody knows, as a record names it.
    pub(super) fn bulk(&mut self) -> wire::BulkSubjects {
        let tags = tags_of(self.dice.below(BULK_SETS));
        let root = subject::bulk_root(tags.iter().map(Vec::as_slice)).to_vec();
        let root = if self.dice.percent(95) { root } else { self.dice.digest() };
        wire::BulkSubjects { count: tags.len() as u64, root }
    }

    pub(super) fn add_bulk_tags(&mut self) -> Option<Move> {
        let sets: Vec<_> =
            self.simple.answers().bulk_sets.iter().filter(|it| !it.is_complete()).collect();
        let set = (***self.dice.pick_if_any(&sets)?).clone();
        let root_of = |tags: &[Id]| subject::bulk_root(tags.iter().map(Vec::as_slice)).to_vec();
        let known = (0..BULK_SETS).map(tags_of).find(|tags| root_of(tags) == set.root);
        let all = known.unwrap_or_else(|| tags_of(set.count - 1));
        let (done, left) = all.split_at(set.tags.len().min(all.len()));
        let more = usize::try_from(self.dice.between(1, 5)).unwrap().min(left.len());
        let mut tags = left[..more].to_vec();
        match self.dice.below(12) {
            0 => tags = vec![vec![0xee; 32]],
            1 => tags = done.to_vec(),
            2 => tags.push(vec![0xff; 32]),
            _ => {}
        }
        if tags.is_empty() {
            return None;
        }
        let by = if self.dice.percent(96) { set.gateway } else { self.system(&set.collector)? };
        let (collector, access_no) = (self.mostly(set.collector), set.number);
        Some((by, Kind::AddBulkTags(wire::AddBulkTags { collector, access_no, tags })))
    }
}
