//! Gateways: their numbers, what they owe, and what their collectors say of them.

use super::{Id, Simple};
use crate::types::limits;
use crate::wire::{self, Gap, IntegrityRule, TimerKind, WatchKind};
use std::rc::Rc;

/// A gateway, or whoever stands in for one.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Gateway {
    pub(in super::super) id: Id,
    pub(in super::super) numbers: wire::Gateway,
    pub(in super::super) setup: Option<wire::GatewaySetup>,
}

impl Gateway {
    /// Whether a number stands for something: a record, or what took its place.
    pub(in super::super) fn has(&self, number: u64) -> bool {
        let within = |gap: &Gap| gap.first <= number && number <= gap.last;
        number <= self.numbers.last_access_no && !self.numbers.gaps.iter().any(within)
    }

    /// A number that the seal of its period, which is to come, must not leave out.
    fn awaits_seal(&mut self, number: u64, time: u64, period: u64) {
        let it = &mut self.numbers;
        if it.sealed_from_ms == 0 || time < it.sealed_until_ms {
            return;
        }
        let until_ms = (time / period + 1) * period;
        let highest = it.periods.iter().filter(|one| one.until_ms == until_ms).map(|one| one.last);
        let last = highest.fold(number, u64::max);
        it.periods.retain(|one| one.until_ms != until_ms);
        it.periods.push(wire::PeriodNumbers { until_ms, last });
        it.periods.sort_by_key(|one| one.until_ms);
        let given_up = it.periods.len().saturating_sub(limits::GATEWAY_PERIODS);
        it.periods.drain(..given_up);
    }

    /// Whether this number at this time belies a seal: it should have been in it.
    pub(super) fn belies(&self, number: u64, time: u64) -> bool {
        let it = &self.numbers;
        it.sealed_from_ms <= time && time < it.sealed_until_ms && number > it.sealed_last
    }
}

impl Simple {
    pub(in super::super) fn gateway(&self, id: &[u8]) -> Option<&Gateway> {
        self.answers.gateways.iter().find(|it| it.id == id).map(Rc::as_ref)
    }

    pub(super) fn gateway_mut(&mut self, id: &[u8]) -> &mut Gateway {
        let all = &mut self.answers.gateways;
        let at = all.iter().position(|it| it.id == id).unwrap_or_else(|| {
            all.push(Rc::new(Gateway { id: id.to_vec(), ..Gateway::default() }));
            all.len() - 1
        });
        Rc::make_mut(&mut all[at])
    }

    /// Whether numbers may be taken: they are beyond all others, or were passed over together.
    pub(super) fn are_free(&self, gateway: &[u8], first: u64, last: u64) -> bool {
        self.gateway(gateway).is_none_or(|it| {
            let missing = |gap: &Gap| gap.first <= first && last <= gap.last;
            first > it.numbers.last_access_no || it.numbers.gaps.iter().any(missing)
        })
    }

    /// Takes numbers that are free. Those that this passes over may come for a while.
    pub(super) fn occupy(&mut self, gateway: &[u8], collector: &str, first: u64, last: u64) {
        let it = &mut self.gateway_mut(gateway).numbers;
        let highest = it.last_access_no;
        if first > highest {
            it.last_access_no = last;
            if first > highest + 1 {
                self.passed_over(gateway, collector, highest + 1, first - 1);
            }
            return;
        }
        let pieces = it.gaps.iter().flat_map(|gap| {
            if last < gap.first || gap.last < first {
                return vec![*gap];
            }
            let before = Gap { last: first - 1, ..*gap };
            let behind = Gap { first: last + 1, ..*gap };
            [before, behind].into_iter().filter(|it| it.first <= it.last).collect()
        });
        it.gaps = pieces.collect();
    }

    pub(super) fn passed_over(&mut self, gateway: &[u8], collector: &str, first: u64, last: u64) {
        let due_ms = self.now + self.parameters.number_grace_ms;
        let it = &mut self.gateway_mut(gateway).numbers;
        it.gaps.push(Gap { first, last, due_ms });
        // No more are kept; the oldest is given up.
        let given_up = (it.gaps.len() > limits::GAPS).then(|| it.gaps.remove(0));
        self.remind(due_ms, TimerKind::NumbersDue, gateway);
        if let Some(gap) = given_up.filter(|gap| gap.due_ms > 0) {
            self.lost(collector, gateway, &gap);
        }
    }

    fn lost(&mut self, collector: &str, gateway: &[u8], gap: &Gap) {
        let count = gap.last - gap.first + 1;
        self.raise(IntegrityRule::NumbersMissing, collector, gateway, ("", &[]), count);
    }

    pub(super) fn numbers_due(&mut self, gateway: &[u8]) {
        let now = self.now;
        let collector = self.identity(gateway).unwrap().department.clone();
        let mut late = Vec::new();
        for gap in &mut self.gateway_mut(gateway).numbers.gaps {
            if (1..=now).contains(&gap.due_ms) {
                gap.due_ms = 0;
                late.push(*gap);
            }
        }
        for gap in late {
            self.lost(&collector, gateway, &gap);
        }
    }

    /// Takes a number, for a record of this time, or for something else.
    pub(super) fn take_number(
        &mut self,
        gateway: &[u8],
        collector: &str,
        number: u64,
        time: Option<u64>,
    ) {
        self.occupy(gateway, collector, number, number);
        let (now, period) = (self.now, self.parameters.seal_period_ms);
        let it = self.gateway_mut(gateway);
        it.numbers.records += 1;
        if let Some(time) = time {
            it.awaits_seal(number, time.min(now), period);
            if it.belies(number, time) {
                self.raise(IntegrityRule::SealFalse, collector, gateway, ("", &[]), 1);
            }
        }
    }
}

impl Simple {
    /// A dataset that no gateway serves: after a while the collector hears of it.
    pub(super) fn wants_gateway(&mut self, dataset: &str) {
        if let Some(watch) = self.watch(WatchKind::NoGateway) {
            let at = self.now + watch.window_ms;
            self.remind(at, TimerKind::NoGateway, dataset.as_bytes());
        }
    }

    /// How many gateways serve a dataset.
    pub(in super::super) fn serving(&self, dataset: &str) -> usize {
        let setups = self.answers.gateways.iter().filter_map(|it| it.setup.as_ref());
        setups.filter(|it| it.datasets.iter().any(|one| one == dataset)).count()
    }

    pub(super) fn no_gateway(&mut self, dataset: &[u8]) {
        let dataset = std::str::from_utf8(dataset).unwrap();
        let known = self.dataset(dataset).unwrap();
        if known.retired.is_none() && self.serving(dataset) == 0 {
            let collector = known.entry.collector.clone();
            self.alert(WatchKind::NoGateway, &collector, &[], (dataset, &[]));
        }
    }
}
