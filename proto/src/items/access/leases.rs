//! Leases (配额预留): a gateway sets aside a part of what is left of a grant's quota. For all others it is used; its own records count
//! against it. Without one two gateways that decide at the same time can give out the same last query.

use crate::event::Outcome;
use crate::items::access::set_aside::{Holder, is_open, open_since, sum};
use crate::items::access::{gateways, numbers};
use crate::items::fields::Checked;
use crate::items::kind::ItemKind;
use crate::items::sharing::{
    grant::{self, stated},
    grants,
};
use crate::ledger::{Draft, Halt, Refusal, calendar, words};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::{RequestId, TimeMs, limits};
use crate::wire::{self, GrantUse, Lease, Quota};
use std::sync::Arc;

impl ItemKind for wire::LeaseUse {
    fn check(&self) -> Checked {
        stated!(self).check()
    }

    fn trails(&self, header: &TxHeader, _number: u32) -> Vec<Place> {
        let used = RequestId::from_slice(&self.request_id).ok().map(|id| Place::use_trail(&id));
        used.into_iter().chain([Place::gateway_trail(&header.identity)]).collect()
    }

    /// A gateway that serves the dataset sets something aside, of the grant and of all that it hangs from.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        numbers::gateway(draft, signer, &self.collector)?;
        let gateway = signer.identity.as_bytes();
        let holder = Holder { gateway, named: &self.request_id };
        let setup = gateways::set_up_for(draft, &self.collector, gateway)?;
        if !setup.datasets.contains(&self.dataset) {
            let (gateway, dataset) = (hex::encode(gateway), self.dataset.clone());
            return Err(Refusal::GatewayNotServing { gateway, dataset }.into());
        }
        let (_, grant) = grant::grant(draft, &stated!(self))?;
        let (now, until) = (draft.context().time, TimeMs::new(self.until_ms));
        let wants = self.queries > 0 || self.rows > 0;
        if wants && (until <= now || until.since(now) > limits::LEASE_MS) {
            return Err(Refusal::LeaseTooLong(limits::LEASE_MS / calendar::HOUR_MS).into());
        }
        let mut grant = Arc::new(grant);
        loop {
            set_aside(draft, holder, self, &grant)?;
            let Ok(above) = RequestId::from_slice(&grant.parent_id) else {
                return Ok(Outcome::DONE);
            };
            grant = grant::grant_of(draft, &above)?;
        }
    }
}

/// Sets aside what a gateway wants of one grant, if so much is left.
fn set_aside(
    draft: &mut Draft<'_>,
    holder: Holder<'_>,
    it: &wire::LeaseUse,
    grant: &wire::Grant,
) -> Result<(), Halt> {
    let quota = grants::terms(grant).and_then(|terms| terms.quota).unwrap_or_default();
    let id = RequestId::from_slice(&grant.request_id).unwrap_or_default();
    let place = Place::grant_use(&id);
    let known: Option<Arc<GrantUse>> = draft.get(&place)?;
    let mut used = known.map(|it| (*it).clone()).unwrap_or_default();
    let since = open_since(draft.context().time, &*draft.parameters()?);
    used.leases.retain(|it| !holder.has(it) && is_open(it, since));
    // Where nothing is limited nothing need be set aside.
    if quota != Quota::default() && (it.queries > 0 || it.rows > 0) {
        let today = calendar::day_of(draft.context().time);
        if !is_left(&used, today, &quota, it) {
            return Err(Refusal::LeaseBeyond(id.to_string()).into());
        }
        if used.leases.len() >= limits::USE_LEASES {
            let (of, limit) = (id.to_string(), limits::USE_LEASES);
            return Err(Refusal::TooManyOf { what: words::LEASES, of, limit }.into());
        }
        let (queries, rows, until_ms) = (it.queries, it.rows, it.until_ms);
        let (gateway_id, request_id) = (holder.gateway.to_vec(), holder.named.to_vec());
        let lease = Lease { gateway_id, queries, rows, until_ms, request_id };
        let of = |it: &Lease| (it.gateway_id.clone(), it.request_id.clone());
        let at = used.leases.partition_point(|it| of(it) < of(&lease));
        used.leases.insert(at, lease);
    }
    draft.put(place, used);
    Ok(())
}

/// Whether a quota has so much left, beside what is used and what others have set aside.
fn is_left(used: &GrantUse, today: u64, quota: &Quota, wanted: &wire::LeaseUse) -> bool {
    let others = sum(used.leases.iter());
    let today = used.days.iter().find(|it| it.day == today).copied().unwrap_or_default();
    let left = |used: u64, others: u64, wanted: u64, limit: u64| {
        limit == 0 || used.saturating_add(others).saturating_add(wanted) <= limit
    };
    left(used.queries, others.queries, wanted.queries, quota.queries_total)
        && left(used.rows, others.rows, wanted.rows, quota.rows_total)
        && left(today.queries, others.queries, wanted.queries, quota.queries_per_day)
        && left(today.rows, others.rows, wanted.rows, quota.rows_per_day)
}
