//! How gateways are set up, what they seal, and what their collectors own up to.

use super::{By, Simple, Why};
use crate::types::limits;
use crate::wire::{
    self, Declared, IdentityKind, IntegrityEnd, IntegrityRule, Right, TimerKind, WatchKind,
};

const OUTAGE_MS: u64 = 72 * 3_600_000;

impl Simple {
    /// A system of a collector, on the ledger.
    fn gateway_of(&self, id: &[u8], collector: &str, no: &mut Why) {
        match self.identity(id) {
            None => no.push("identity.unknown"),
            Some(it) => {
                if it.department != collector {
                    no.push("identity.other_department");
                }
                if it.kind != IdentityKind::System as i32 {
                    no.push("identity.kind");
                }
            }
        }
    }

    fn keeps(&self, by: By<'_>, collector: &str, no: &mut Why) {
        use IdentityKind::{Officer, Root, System};
        self.acts_with(by, collector, Right::Collect, no);
        self.kind_of(by, &[Officer, Root, System], no);
    }

    fn set_up_by(&self, by: By<'_>, id: &[u8], collector: &str, no: &mut Why) {
        self.keeps(by, collector, no);
        match self.gateway(id).and_then(|it| it.setup.as_ref()) {
            None => no.push("gateway.not_set_up"),
            Some(setup) if setup.collector != collector => no.push("identity.other_department"),
            Some(_) => {}
        }
    }

    fn setup_mut(&mut self, id: &[u8]) -> &mut wire::GatewaySetup {
        self.gateway_mut(id).setup.as_mut().unwrap()
    }

    pub(super) fn set_gateway(&mut self, by: By<'_>, it: &wire::SetGateway) -> Why {
        let mut no = Vec::new();
        self.collects(by, &it.collector, &mut no);
        self.gateway_of(&it.gateway_id, &it.collector, &mut no);
        for dataset in &it.datasets {
            self.in_catalogue(dataset, &it.collector, &mut no);
        }
        if !no.is_empty() {
            return no;
        }
        let setup = self.gateway_mut(&it.gateway_id).setup.get_or_insert_default();
        setup.collector.clone_from(&it.collector);
        if !it.mapping_digest.is_empty() {
            setup.mapping_digest.clone_from(&it.mapping_digest);
        }
        let before = std::mem::replace(&mut setup.datasets, it.datasets.clone());
        for dataset in before.iter().filter(|one| !it.datasets.contains(one)) {
            if self.serving(dataset) == 0 {
                self.wants_gateway(dataset);
            }
        }
        self.begins_or_stops(&it.gateway_id);
        no
    }

    pub(super) fn set_observing(&mut self, by: By<'_>, it: &wire::SetObserving) -> Why {
        const DAY: u64 = 24 * 3_600_000;
        let mut no = Vec::new();
        let is_collector = it.department == it.collector;
        let right = if is_collector { Right::Collect } else { Right::Manage };
        self.acts_with(by, &it.department, right, &mut no);
        self.kind_of(by, &[IdentityKind::Officer, IdentityKind::Root], &mut no);
        if !is_collector && self.body(&it.collector) == self.body(&it.department) {
            no.push("body.same");
        }
        let setup = self.gateway(&it.gateway_id).and_then(|it| it.setup.clone());
        match &setup {
            None => no.push("gateway.not_set_up"),
            Some(setup) if setup.collector != it.collector => no.push("identity.other_department"),
            Some(_) => {}
        }
        if it.until_ms > self.now + 90 * DAY {
            no.push("observing.too_long");
        }
        let setup = setup.unwrap_or_default();
        for dataset in &it.datasets {
            let said = setup.observing.iter().find(|one| one.dataset == *dataset);
            if !setup.datasets.contains(dataset) {
                no.push("gateway.not_serving");
            }
            let longer = said.is_some_and(|said| it.until_ms.max(self.now) > said.until_ms);
            if is_collector && longer {
                no.push("observing.begun");
            }
        }
        if !no.is_empty() {
            return no;
        }
        let now = self.now;
        let observing = &mut self.setup_mut(&it.gateway_id).observing;
        for dataset in &it.datasets {
            let before = observing.iter().position(|one| one.dataset == *dataset);
            let before = before.map(|at| observing.remove(at));
            let since_ms = match before {
                Some(before) if before.until_ms >= now => before.since_ms,
                _ => now,
            };
            let (dataset, until_ms) = (dataset.clone(), it.until_ms.max(now));
            observing.push(wire::ObservedUntil { dataset, since_ms, until_ms });
        }
        observing.sort_by(|a, b| a.dataset.cmp(&b.dataset));
        no
    }

    /// What serves something seals the period at hand, and those to come.
    fn begins_or_stops(&mut self, id: &[u8]) {
        let setup = self.setup_mut(id).clone();
        if setup.datasets.is_empty() {
            self.next_seal(id, None);
            self.setup_mut(id).silence *= u64::from(setup.seal_due_ms == 0);
            // Of the periods that are over it owed seals all the same.
            let over = setup.seal_due_ms.saturating_sub(self.parameters.seal_grace_ms);
            let owed = setup.seal_due_ms > 0 && over <= self.now && setup.outage_until_ms < over;
            if owed {
                let count = (self.now - over) / self.parameters.seal_period_ms + 1;
                let rule = IntegrityRule::SealMissing;
                self.raise(rule, &setup.collector, id, ("", &[]), count);
            }
        } else if setup.seal_due_ms == 0 {
            let from = self.now - self.now % self.parameters.seal_period_ms;
            let it = &mut self.gateway_mut(id).numbers;
            if it.sealed_until_ms < from {
                (it.sealed_from_ms, it.sealed_until_ms) = (from, from);
                it.sealed_last = it.last_access_no;
            }
            self.next_seal(id, Some(from));
        }
    }

    /// The next seal is of the period that begins then, or none is.
    fn next_seal(&mut self, id: &[u8], from: Option<u64>) {
        let parameters = &self.parameters;
        let due = from.map_or(0, |at| at + parameters.seal_period_ms + parameters.seal_grace_ms);
        let before = std::mem::replace(&mut self.setup_mut(id).seal_due_ms, due);
        self.forget(before, TimerKind::SealDue, id);
        if due > 0 {
            self.remind(due, TimerKind::SealDue, id);
        }
    }

    pub(super) fn commit_mapping(&mut self, by: By<'_>, it: &wire::CommitMapping) -> Why {
        let mut no = Vec::new();
        self.set_up_by(by, &it.gateway_id, &it.collector, &mut no);
        if no.is_empty() {
            let digest = it.mapping_digest.clone();
            self.setup_mut(&it.gateway_id).mapping_digest = digest;
        }
        no
    }

    /// A platform's word changes nothing.
    pub(super) fn state_list(&mut self, by: By<'_>, it: &wire::StateList) -> Why {
        let mut no = Vec::new();
        self.acts(by, &it.department, &mut no);
        self.officer(by, &mut no);
        no
    }

    pub(super) fn seal_period(&mut self, by: By<'_>, it: &wire::SealPeriod) -> Why {
        let mut no = Vec::new();
        self.gateway_signs(by, &it.collector, &mut no);
        let gateway = self.gateway(by.identity()).cloned().unwrap_or_default();
        if gateway.setup.is_none() {
            no.push("gateway.not_set_up");
        }
        let known = &gateway.numbers;
        if (it.from_ms, it.first) != (known.sealed_until_ms, known.sealed_last + 1) {
            no.push("seal.sequence");
        }
        let period = self.parameters.seal_period_ms;
        let whole = it.until_ms.is_multiple_of(period)
            && it.until_ms - it.from_ms <= period * limits::SEAL_PERIODS;
        if !whole || it.until_ms > self.now + self.parameters.future_drift_ms {
            no.push("seal.period");
        }
        if no.is_empty() {
            self.sealed(by.identity(), it);
        }
        no
    }

    fn sealed(&mut self, id: &[u8], it: &wire::SealPeriod) {
        let last = it.first + it.count - 1;
        let highest = self.gateway_mut(id).numbers.last_access_no;
        if last > highest {
            // Named, and not recorded yet.
            self.gateway_mut(id).numbers.last_access_no = last;
            self.passed_over(id, &it.collector, highest + 1, last);
        }
        let gateway = self.gateway_mut(id);
        gateway.numbers.sealed_until_ms = it.until_ms;
        gateway.numbers.sealed_last = last;
        let (sealed, open): (Vec<_>, Vec<_>) =
            gateway.numbers.periods.drain(..).partition(|one| one.until_ms <= it.until_ms);
        gateway.numbers.periods = open;
        if sealed.iter().any(|one| one.last > last) {
            self.raise(IntegrityRule::SealFalse, &it.collector, id, ("", &[]), 1);
        }
        let parameters = &self.parameters;
        let next = it.until_ms + parameters.seal_period_ms + parameters.seal_grace_ms;
        let setup = self.setup_mut(id);
        setup.silence = 0;
        if setup.seal_due_ms > 0 && next > setup.seal_due_ms {
            self.next_seal(id, Some(it.until_ms));
        }
        for one in it.observed.iter().filter(|one| !one.content_digest.is_empty()) {
            let other = self.dataset(&one.dataset).is_some_and(|known| {
                let published = (known.version, &known.digest, known.rows);
                known.entry.collector == it.collector
                    && one.version >= known.version
                    && one.version > 0
                    && (one.version, &one.content_digest, one.row_count) != published
            });
            if other {
                let about = (one.dataset.as_str(), [].as_slice());
                self.alert(WatchKind::UnpublishedChange, &it.collector, &[], about);
            }
        }
    }

    /// A period that nobody sealed.
    pub(super) fn seal_due(&mut self, id: &[u8]) {
        let setup = self.setup_mut(id).clone();
        let over = setup.seal_due_ms - self.parameters.seal_grace_ms;
        self.next_seal(id, Some(over));
        let collector = setup.collector;
        // Nobody is there to seal it while either is out of force.
        let signs = self.identity(id).is_some_and(|it| it.life.goes_on())
            && self.department(&collector).is_some_and(|it| it.life.goes_on());
        if setup.outage_until_ms >= over || !signs {
            return;
        }
        self.alert(WatchKind::SilentGateway, &collector, id, ("", &[]));
        let goes_on = self
            .event(&collector, setup.silence)
            .is_some_and(|it| it.end == IntegrityEnd::Unspecified);
        if goes_on {
            self.event_mut(&collector, setup.silence).count += 1;
        } else {
            let rule = IntegrityRule::SealMissing;
            self.setup_mut(id).silence = self.raise(rule, &collector, id, ("", &[]), 1);
        }
    }

    pub(super) fn declare_loss(&mut self, by: By<'_>, it: &wire::DeclareLoss) -> Why {
        let mut no = Vec::new();
        self.keeps(by, &it.collector, &mut no);
        self.belongs(&it.gateway_id, &it.collector, &mut no);
        if !self.are_free(&it.gateway_id, it.first, it.last) {
            no.push("access_no.taken");
        }
        if no.is_empty() {
            self.occupy(&it.gateway_id, &it.collector, it.first, it.last);
            let may = self.parameters.lost_numbers;
            let before = self.losses.get(&it.collector).copied();
            let (lost, beyond) = self.declared(before, it.last - it.first + 1, may);
            self.losses.insert(it.collector.clone(), lost);
            if beyond > 0 {
                let rule = IntegrityRule::LossesBeyond;
                self.raise(rule, &it.collector, &it.gateway_id, ("", &[]), beyond);
            }
        }
        no
    }

    pub(super) fn declare_outage(&mut self, by: By<'_>, it: &wire::DeclareOutage) -> Why {
        let mut no = Vec::new();
        self.set_up_by(by, &it.gateway_id, &it.collector, &mut no);
        if it.until_ms <= self.now || it.until_ms > self.now + OUTAGE_MS {
            no.push("outage.too_long");
        }
        if no.is_empty() {
            let mut setup = self.gateway(&it.gateway_id).unwrap().setup.clone().unwrap();
            let from = self.now.max(setup.outage_until_ms);
            if let Some(declared) = &mut setup.outage {
                let taken_back = setup.outage_until_ms.saturating_sub(self.now.max(it.until_ms));
                declared.count = declared.count.saturating_sub(taken_back);
            }
            let more = it.until_ms.saturating_sub(from);
            let may = self.parameters.outage_31_days_ms;
            let (outage, beyond) = self.declared(setup.outage, more, may);
            let setup = self.setup_mut(&it.gateway_id);
            setup.outage_until_ms = it.until_ms;
            setup.outage = Some(outage);
            if beyond > 0 {
                let hours = beyond.div_ceil(3_600_000);
                let rule = IntegrityRule::OutageBeyond;
                self.raise(rule, &it.collector, &it.gateway_id, ("", &[]), hours);
            }
        }
        no
    }

    /// All that was declared in the 31 days since the first of it; and how much of what is declared now is too much.
    fn declared(&self, before: Option<Declared>, more: u64, may: u64) -> (Declared, u64) {
        let runs = before.filter(|it| self.now < it.since_ms + 31 * 86_400_000);
        let before = runs.map_or(0, |it| it.count);
        let since_ms = runs.map_or(self.now, |it| it.since_ms);
        let beyond = (before + more).saturating_sub(before.max(may));
        (Declared { since_ms, count: before + more }, beyond)
    }

    pub(super) fn unrecordable(&mut self, by: By<'_>, it: &wire::Unrecordable) -> Why {
        let mut no = Vec::new();
        self.gateway_signs(by, &it.collector, &mut no);
        if !self.are_free(by.identity(), it.access_no, it.access_no) {
            no.push("access_no.taken");
        }
        if no.is_empty() {
            self.take_number(by.identity(), &it.collector, it.access_no, None);
        }
        no
    }
}
