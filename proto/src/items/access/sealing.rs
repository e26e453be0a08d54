//! Records kept secret for a time (依法保密): an authority decides, a gateway commits, and the record
//! joins its trails when it is opened. Until then it is not judged.

use crate::event::Outcome;
use crate::items::access::{
    numbers::{self, at_fault},
    record_access,
};
use crate::items::fields::{Checked, code, ensure, id, wrong};
use crate::items::kind::ItemKind;
use crate::ledger::{
    Draft, Halt, Refusal,
    authority::{needs_keeper, needs_officer},
    calendar, timers,
};
use crate::place::{Place, TrailKind};
use crate::suite::hash::{Domain, hash};
use crate::tx::TxHeader;
use crate::types::{Hash, IdKind, TimeMs, limits};
use crate::wire::{self, IntegrityRule, TimerKind};
use prost::Message;
use std::sync::Arc;

fn authority(draft: &Draft<'_>, signer: &TxHeader, stated: &str) -> Result<(), Halt> {
    draft.acts_for(signer, stated)?;
    needs_officer(draft, signer)?;
    if draft.parameters()?.sealing_authorities.iter().any(|it| it == stated) {
        return Ok(());
    }
    Err(Refusal::NoAuthority(stated.to_owned()).into())
}

fn in_time(draft: &Draft<'_>, open_by_ms: u64, after: u64) -> Result<(), Halt> {
    let (now, open_by) = (draft.context().time, TimeMs::new(open_by_ms));
    if open_by <= now || open_by_ms <= after {
        return Err(Refusal::OpeningPast.into());
    }
    if open_by.since(now) > limits::SEALED_MS {
        return Err(Refusal::SealedTooLong(limits::SEALED_MS / calendar::DAY_MS).into());
    }
    Ok(())
}

impl ItemKind for wire::OrderSealing {
    fn check(&self) -> Checked {
        code("authority", &self.authority)?;
        code("collector", &self.collector)?;
        id("decision_digest", &self.decision_digest)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::sealed_trail(&self.authority)]
    }

    /// An authority decides that records of a collector may be sealed.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        number: u32,
    ) -> Result<Outcome, Halt> {
        authority(draft, signer, &self.authority)?;
        let body = draft.department(&self.authority)?.body.clone();
        if draft.department(&self.collector)?.body == body {
            return Err(Refusal::SameBody(body).into());
        }
        in_time(draft, self.open_by_ms, 0)?;
        let id = signer.made_id(IdKind::SealingOrder, number);
        let order = wire::SealingOrder {
            order_id: id.to_vec(),
            ordered: Some(self.clone()),
            open_by_ms: self.open_by_ms,
            ..wire::SealingOrder::default()
        };
        keep(draft, order)?;
        Ok(Outcome::DONE)
    }
}

/// The time for opening begins with the date, and has working days.
fn keep(draft: &mut Draft<'_>, order: wire::SealingOrder) -> Result<(), Halt> {
    timers::set(draft, TimeMs::new(order.open_by_ms), TimerKind::OpeningDue, &order.order_id);
    draft.put(Place::sealing_order(&order.order_id), order);
    Ok(())
}

fn open_order(draft: &Draft<'_>, id: &[u8], authority: &str) -> Result<wire::SealingOrder, Halt> {
    let order: Option<Arc<wire::SealingOrder>> = draft.get(&Place::sealing_order(id))?;
    let is_theirs = |order: &Arc<wire::SealingOrder>| {
        order.ordered.as_ref().is_some_and(|it| it.authority == authority)
    };
    let order = order.filter(is_theirs);
    let order = order.ok_or_else(|| Refusal::UnknownOrder(hex::encode(id)))?;
    Ok((*order).clone())
}

impl ItemKind for wire::ExtendSealing {
    fn check(&self) -> Checked {
        code("authority", &self.authority)?;
        id("order_id", &self.order_id)?;
        id("decision_digest", &self.decision_digest)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::sealed_trail(&self.authority)]
    }

    /// A fresh decision, before the date.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        authority(draft, signer, &self.authority)?;
        let mut order = open_order(draft, &self.order_id, &self.authority)?;
        in_time(draft, order.open_by_ms, 0)?;
        in_time(draft, self.open_by_ms, order.open_by_ms)?;
        order.open_by_ms = self.open_by_ms;
        keep(draft, order)?;
        Ok(Outcome::DONE)
    }
}

impl ItemKind for wire::RecordSealed {
    fn check(&self) -> Checked {
        code("collector", &self.collector)?;
        code("authority", &self.authority)?;
        id("order_id", &self.order_id)?;
        ensure(self.access_no > 0, "access_no", "numbers begin at 1")?;
        id("commitment", &self.commitment)
    }

    fn trails(&self, header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::sealed_trail(&self.authority), Place::gateway_trail(&header.identity)]
    }

    /// A gateway commits to a record.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        numbers::gateway(draft, signer, &self.collector)?;
        let mut order = open_order(draft, &self.order_id, &self.authority)?;
        let collector = order.ordered.as_ref().map_or("", |it| it.collector.as_str());
        if collector != self.collector {
            let id = hex::encode(&self.order_id);
            return Err(Refusal::UnknownOrder(id).into());
        }
        in_time(draft, order.open_by_ms, 0)?;
        let gateway = signer.identity.as_bytes();
        numbers::take_number(draft, gateway, &self.collector, self.access_no, None)?;
        order.sealed = order.sealed.saturating_add(1);
        draft.put(Place::sealing_order(&self.order_id), order);
        let sealed = wire::SealedAccess {
            order_id: self.order_id.clone(),
            commitment: self.commitment.clone(),
            time_ms: draft.context().time.get(),
        };
        draft.put(Place::sealed_access(gateway, self.access_no), sealed);
        let place = Place::sealed_count(calendar::sealed_month(draft.context().time));
        let known: Option<Arc<wire::SealedCount>> = draft.get(&place)?;
        let sealed = known.map_or(0, |it| it.sealed).saturating_add(1);
        draft.put(place, wire::SealedCount { sealed });
        Ok(Outcome::DONE)
    }
}

/// `H_digest(salt ‖ canonical RecordAccess)`.
pub fn commitment(salt: &[u8], record: &wire::RecordAccess) -> Hash {
    hash(Domain::Digest, &[salt, &record.encode_to_vec()])
}

impl ItemKind for wire::OpenSealed {
    fn check(&self) -> Checked {
        code("authority", &self.authority)?;
        id("order_id", &self.order_id)?;
        id("gateway_id", &self.gateway_id)?;
        ensure(self.salt.len() == 16, "salt", "16 bytes are needed")?;
        ItemKind::check(self.record.as_ref().ok_or_else(|| wrong("record", "it is needed"))?)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        let both = [
            Place::sealed_trail(&self.authority),
            Place::trail(TrailKind::Gateway, &self.gateway_id),
        ];
        self.record.iter().flat_map(record_access::touched).chain(both).collect()
    }

    /// The record of a commitment is shown: from here on it is a record that came late.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        let record = self.record.clone().unwrap_or_default();
        draft.actor(signer, &record.collector, wire::Right::Collect)?;
        needs_keeper(draft, signer)?;
        let mut order = open_order(draft, &self.order_id, &self.authority)?;
        let place = Place::sealed_access(&self.gateway_id, record.access_no);
        let sealed: Option<Arc<wire::SealedAccess>> = draft.get(&place)?;
        let shown = commitment(&self.salt, &record);
        let fits = |sealed: &Arc<wire::SealedAccess>| {
            sealed.order_id == self.order_id && sealed.commitment == shown.as_bytes()
        };
        if sealed.filter(fits).is_none() {
            return Err(Refusal::NotSealed(record.access_no).into());
        }
        record_access::datasets_known(draft, &record)?;
        draft.remove(place);
        order.opened = order.opened.saturating_add(1);
        draft.put(Place::sealing_order(&self.order_id), order);
        record_access::judged(draft, &self.gateway_id, &record, false)
    }
}

/// The date for opening has come; then the working days for it; then it is missed.
pub(crate) fn due(draft: &mut Draft<'_>, id: &[u8]) -> Result<(), Halt> {
    let order: Option<Arc<wire::SealingOrder>> = draft.get(&Place::sealing_order(id))?;
    let Some(order) = order else { return Ok(()) };
    let mut order = (*order).clone();
    let now = draft.context().time.get();
    if order.open_by_ms > now || order.missed {
        return Ok(());
    }
    if order.opening_due_ms == 0 {
        let days = draft.parameters()?.open_days;
        let due = calendar::due(draft, days)?;
        order.opening_due_ms = due.get();
        timers::set(draft, due, TimerKind::OpeningDue, id);
    } else if order.opening_due_ms <= now {
        let left = order.sealed.saturating_sub(order.opened);
        if left > 0 {
            order.missed = true;
            let collector = order.ordered.as_ref().map_or("", |it| it.collector.as_str());
            at_fault(draft, IntegrityRule::NotOpened, collector, &[], left)?;
        }
    }
    draft.put(Place::sealing_order(id), order);
    Ok(())
}
