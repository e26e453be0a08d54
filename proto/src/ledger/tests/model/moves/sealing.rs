//! Records kept secret for a time.

use super::super::simple::Id;
use super::sharing::{DAY, HOUR};
use super::{Move, Moves, Officer, System};
use crate::items::access::sealing::commitment;
use crate::wire::{self, Right, item::Kind};

impl Moves<'_> {
    fn authority(&mut self) -> String {
        let authorities = self.simple.parameters.sealing_authorities.clone();
        match self.dice.percent(95) {
            true => self.dice.pick(&authorities).clone(),
            false => self.any_department(),
        }
    }

    pub(super) fn order_sealing(&mut self) -> Option<Move> {
        let authority = self.authority();
        let by = self.officer(&authority)?;
        let late = self.dice.percent(4);
        let hours = self.dice.between(1, 200);
        let item = wire::OrderSealing {
            authority,
            collector: self.with_right(Right::Collect)?,
            decision_digest: self.dice.digest(),
            open_by_ms: match self.dice.below(25) {
                // As long as may be, or longer by a moment.
                0 => self.simple.now + 366 * DAY + self.dice.below(2),
                _ if late => self.simple.now,
                _ => self.simple.now + hours * HOUR,
            },
        };
        Some((by, Kind::OrderSealing(item)))
    }

    /// A decision whose date is mostly to come.
    fn sealing_order(&mut self) -> Option<(Id, String, String, u64)> {
        let now = self.simple.now;
        let all = &self.simple.answers().orders;
        let open: Vec<_> = all.iter().filter(|it| it.open_by > now).collect();
        let it = match self.dice.percent(94) {
            true => *self.dice.pick_if_any(&open)?,
            false => self.dice.pick_if_any(all)?,
        };
        Some((it.id.clone(), it.authority.clone(), it.collector.clone(), it.open_by))
    }

    pub(super) fn extend_sealing(&mut self) -> Option<Move> {
        let (order_id, mut authority, _, open_by) = self.sealing_order()?;
        if self.dice.percent(5) {
            authority = self.authority();
        }
        let by = self.officer(&authority)?;
        let sooner = self.dice.percent(6);
        let more = self.dice.between(1, 5 * DAY);
        let item = wire::ExtendSealing {
            authority,
            order_id,
            decision_digest: self.dice.digest(),
            open_by_ms: match self.dice.below(20) {
                0 => self.simple.now + 366 * DAY + self.dice.below(2),
                _ if sooner => open_by,
                _ => open_by + more,
            },
        };
        Some((by, Kind::ExtendSealing(item)))
    }

    pub(super) fn record_sealed(&mut self) -> Option<Move> {
        let (order_id, authority, collector, _) = self.sealing_order()?;
        let own = self.simple.grants.iter().filter(|it| it.collector == collector);
        let own: Vec<_> = own.rev().take(8).cloned().collect();
        let grant = self.dice.pick_if_any(&own)?.clone();
        let by = self.system(&collector)?;
        let record = self.record_of(&grant, &by);
        let record = self.told_or_not(record);
        let access_no = record.access_no;
        let salt = self.dice.digest()[..16].to_vec();
        let item = wire::RecordSealed {
            collector: if self.dice.percent(97) { collector } else { self.any_department() },
            authority: if self.dice.percent(97) { authority } else { self.any_department() },
            order_id: self.id(order_id),
            access_no,
            commitment: self.keyring.seal(salt, record),
        };
        Some((by, Kind::RecordSealed(item)))
    }

    /// A sealed record whose number another item of its transaction has taken.
    pub(super) fn seal_again(&mut self, it: &mut wire::RecordSealed, more: u64) {
        let (salt, mut record) = self.keyring.sealed(&it.commitment);
        record.access_no += more;
        it.access_no += more;
        it.commitment = self.keyring.seal(salt, record);
    }

    pub(super) fn open_sealed(&mut self) -> Option<Move> {
        let all = &self.simple.answers().sealed;
        let closed: Vec<_> = all.iter().filter(|it| !it.opened).collect();
        let it = match self.dice.percent(92) {
            true => *self.dice.pick_if_any(&closed)?,
            false => self.dice.pick_if_any(all)?,
        };
        let (order_id, gateway_id, commitment) =
            (it.order.clone(), it.gateway.clone(), it.commitment.clone());
        let authority = self.simple.order(&order_id)?.authority.clone();
        let (salt, record) = self.keyring.sealed(&commitment);
        let by = self.of(&record.collector, &[System, Officer])?;
        let salt = if self.dice.percent(96) { salt } else { vec![1; 16] };
        let authority = if self.dice.percent(98) { authority } else { self.any_department() };
        let record = Some(record);
        let item = wire::OpenSealed { authority, order_id, gateway_id, salt, record };
        Some((by, Kind::OpenSealed(item)))
    }
}

impl super::Keyring {
    /// Keeps what is sealed, as only its gateway knows it; gives the commitment.
    fn seal(&mut self, salt: Vec<u8>, record: wire::RecordAccess) -> Id {
        let commitment = commitment(&salt, &record).to_vec();
        self.sealed.insert(commitment.clone(), (salt, record));
        commitment
    }

    fn sealed(&self, commitment: &[u8]) -> (Vec<u8>, wire::RecordAccess) {
        self.sealed[commitment].clone()
    }
}
