//! What gateways have set aside of grants' quotas.

use super::clock::day;
use super::sharing::Said;
use super::{By, Id, Simple, Use, Why};
use crate::wire;

/// So much of a grant is a gateway's alone, until some time.
#[derive(Debug, Clone)]
pub(in super::super) struct Lease {
    pub(in super::super) grant: usize,
    pub(in super::super) gateway: Id,
    /// For records that name this grant.
    pub(in super::super) named: Id,
    /// Queries and rows that are left of it.
    pub(in super::super) left: [u64; 2],
    pub(in super::super) until: u64,
}

impl Simple {
    /// Leases of a grant that records may still come under, or that are kept yet.
    pub(in super::super) fn leases(&self, grant: usize) -> impl Iterator<Item = &Lease> {
        self.leases.iter().filter(move |it| it.grant == grant)
    }

    fn is_open(&self, it: &Lease) -> bool {
        self.now < it.until + self.parameters.late_age_ms
    }

    /// Queries and rows that others than a gateway have set aside.
    pub(super) fn set_aside(&self, grant: usize, gateway: &[u8]) -> [u64; 2] {
        let others = self.leases(grant).filter(|it| it.gateway != gateway && self.is_open(it));
        others.fold([0, 0], |sum, it| [sum[0] + it.left[0], sum[1] + it.left[1]])
    }

    /// What a gateway used counts against what it set aside.
    pub(super) fn spend(&mut self, grant: usize, holder: [&[u8]; 2], spent: [u64; 2]) {
        let (now, late) = (self.now, self.parameters.late_age_ms);
        self.leases.retain(|it| it.grant != grant || now < it.until + late);
        let own = |it: &&mut Lease| it.grant == grant && [&it.gateway[..], &it.named[..]] == holder;
        for it in self.leases.iter_mut().filter(own) {
            it.left = [0, 1].map(|at: usize| it.left[at] - spent[at].min(it.left[at]));
        }
    }

    pub(super) fn lease(&mut self, by: By<'_>, it: &wire::LeaseUse) -> Why {
        let mut no = Vec::new();
        self.gateway_signs(by, &it.collector, &mut no);
        match self.gateway(by.identity()).and_then(|it| it.setup.as_ref()) {
            None => no.push("gateway.not_set_up"),
            Some(setup) => {
                if setup.collector != it.collector {
                    no.push("identity.other_department");
                }
                if !setup.datasets.contains(&it.dataset) {
                    no.push("gateway.not_serving");
                }
            }
        }
        let said: Said<'_> = [&it.dataset, &it.collector, &it.using_department];
        match self.grant(&it.request_id) {
            None => no.push("grant.unknown"),
            Some(grant) => {
                self.as_said(grant, said, &mut no);
                if grant.ended() {
                    no.push("grant.ended");
                }
            }
        }
        let wanted = [it.queries, it.rows];
        let in_time = self.now < it.until_ms && it.until_ms <= self.now + 24 * 3_600_000;
        if wanted != [0, 0] && !in_time {
            no.push("lease.too_long");
        }
        let line: Vec<Id> = self.ancestry(&it.request_id).iter().map(|it| it.id.clone()).collect();
        let line = line.iter().map(|id| self.grants.iter().position(|it| it.id == *id).unwrap());
        let line: Vec<usize> = line.collect();
        let holder = [by.identity(), it.request_id.as_slice()];
        if line.iter().any(|grant| !self.may_set_aside(*grant, holder, wanted)) {
            no.push("lease.beyond");
        }
        if !no.is_empty() {
            return no;
        }
        for grant in line {
            let (now, late) = (self.now, self.parameters.late_age_ms);
            let stays =
                |it: &Lease| [&it.gateway[..], &it.named[..]] != holder && now < it.until + late;
            self.leases.retain(|it| it.grant != grant || stays(it));
            let quota = self.grants[grant].last().terms.quota.unwrap();
            if wanted != [0, 0] && quota != wire::Quota::default() {
                let [gateway, named] = holder.map(<[u8]>::to_vec);
                let (left, until) = (wanted, it.until_ms);
                self.leases.push(Lease { grant, gateway, named, left, until });
            }
        }
        no
    }

    /// Whether so much is left, in all and today, of what is neither used nor set aside by others.
    fn may_set_aside(&self, grant: usize, holder: [&[u8]; 2], wanted: [u64; 2]) -> bool {
        let quota = self.grants[grant].last().terms.quota.unwrap();
        if wanted == [0, 0] {
            return true;
        }
        let today: Vec<&Use> =
            self.uses.iter().filter(|one| one.grant == grant && one.day == day(self.now)).collect();
        let of_today = [today.len() as u64, today.iter().filter_map(|one| one.rows).sum()];
        let others = self.leases(grant).filter(|it| self.is_open(it));
        let others = others.filter(|it| [&it.gateway[..], &it.named[..]] != holder);
        let others: [u64; 2] =
            others.fold([0, 0], |sum, it| [sum[0] + it.left[0], sum[1] + it.left[1]]);
        let used = self.used(grant);
        let limits =
            [[quota.queries_total, quota.rows_total], [quota.queries_per_day, quota.rows_per_day]];
        [used, of_today].iter().zip(limits).all(|(used, limits)| {
            (0..2).all(|at| limits[at] == 0 || used[at] + others[at] + wanted[at] <= limits[at])
        })
    }
}
