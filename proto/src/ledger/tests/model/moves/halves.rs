//! Users' halves of accesses; and alerts, as those concerned answer them.

use super::super::simple::{Grant, Id};
use super::sharing::HOUR;
use super::{Move, Moves, Officer, System};
use crate::items::access::receipt;
use crate::types::TimeMs;
use crate::wire::{self, AlertState, GrantKind, item::Kind};
use std::rc::Rc;

impl Moves<'_> {
    pub(super) fn acknowledge(&mut self) -> Option<Move> {
        let waiting: Vec<_> =
            self.simple.answers().halves.iter().filter(|it| !it.half.is_users).collect();
        let (grant, user, gateway_id, access_no, rows) = match self.dice.pick_if_any(&waiting) {
            Some(it) if self.dice.percent(80) => {
                let it = Rc::clone(it);
                let grant = self.simple.grant(&it.request)?.clone();
                // Rarely by another department, which has no part in it.
                let user = match self.dice.percent(92) {
                    true => it.department.clone(),
                    false => self.any_department(),
                };
                (grant, user, it.gateway.clone(), it.number, it.half.row_count)
            }
            // What its gateway has not recorded yet, or nobody waits for.
            _ => {
                let grant = self.grant_in_use()?;
                let gateway = self.system(&grant.collector)?;
                let number = self.number(&gateway);
                (grant.clone(), grant.user, gateway, number, Some(7))
            }
        };
        let user = if user.is_empty() { self.any_department() } else { user };
        let by = self.of(&user, &[System, Officer])?;
        let request_id = if self.dice.percent(98) { grant.id } else { self.dice.digest() };
        let receipt = self.receipt(&gateway_id, access_no, &request_id);
        let item = wire::Acknowledge {
            request_id,
            dataset: grant.dataset,
            collector: self.mostly(grant.collector),
            using_department: self.mostly(user),
            gateway_id: match self.dice.below(40) {
                0 => self.dice.digest(),
                1 => self.dice.pick(&self.simple.identities).id.clone(),
                _ => gateway_id,
            },
            access_no,
            row_count: match self.dice.below(100) {
                0..12 => Some(rows.unwrap_or(0) + 1),
                12..20 => None,
                _ => rows,
            },
            result_digest: Vec::new(),
            receipt,
        };
        Some((by, Kind::Acknowledge(item)))
    }

    /// What the gateway gave with it, if it gave anything: of its key, or rarely of another's or of another number.
    fn receipt(&mut self, gateway: &[u8], number: u64, request: &[u8]) -> Option<wire::Receipt> {
        let keys: Vec<Id> = self
            .simple
            .keys
            .iter()
            .filter(|it| it.identity == gateway)
            .map(|it| it.id.clone())
            .collect();
        let own = self.dice.pick_if_any(&keys)?.clone();
        if self.dice.percent(40) {
            return None;
        }
        let any = self.dice.pick(&self.simple.keys).id.clone();
        let key = self.keyring.get(if self.dice.percent(95) { &own } else { &any }).clone();
        let number = number + u64::from(self.dice.percent(5));
        let ago = if self.dice.percent(95) { self.dice.below(HOUR) } else { 60 * HOUR };
        let time = TimeMs::new(self.simple.now.saturating_sub(ago).max(1));
        let chain = self.simple.chain;
        Some(receipt::sign(&key, &chain, gateway, number, request, time))
    }

    fn grant_in_use(&mut self) -> Option<Grant> {
        let fits = |it: &&Rc<Grant>| !it.ended() && it.kind != GrantKind::Internal;
        let all: Vec<_> = self.simple.grants.iter().filter(fits).collect();
        let recent: Vec<_> = all.into_iter().rev().take(12).collect();
        self.dice.pick_if_any(&recent).map(|it| (***it).clone())
    }

    pub(super) fn acknowledge_hour(&mut self) -> Option<Move> {
        let now = self.simple.now / HOUR;
        let over: Vec<_> = self.simple.answers().hours.iter().filter(|it| it.hour < now).collect();
        let (grant, user, hour, count) = match self.dice.pick_if_any(&over) {
            Some(it) if self.dice.percent(85) => {
                let grant = self.simple.grant(&it.request)?.clone();
                (grant, it.department.clone(), it.hour, it.halves.recorded)
            }
            _ => {
                let grant = self.grant_in_use()?;
                let hour = now + 1 - self.dice.below(40);
                (grant.clone(), grant.user, hour, 0)
            }
        };
        let user = if user.is_empty() { self.any_department() } else { user };
        let by = self.of(&user, &[System, Officer])?;
        let count = match self.dice.below(10) {
            0 => count + 1,
            1 => count.saturating_sub(1),
            _ => count,
        };
        let item = wire::AcknowledgeHour {
            request_id: grant.id,
            dataset: grant.dataset,
            collector: self.mostly(grant.collector),
            using_department: self.mostly(user),
            hour,
            count,
            root: self.dice.digest(),
        };
        Some((by, Kind::AcknowledgeHour(item)))
    }

    pub(super) fn answer_alert(&mut self) -> Option<Move> {
        let alerts = self.simple.answers().alerts.iter();
        let open: Vec<_> = alerts.filter(|it| it.state != AlertState::Closed).collect();
        let alert = match self.dice.percent(95) {
            true => self.dice.pick_if_any(&open)?,
            false => self.dice.pick_if_any(&self.simple.answers().alerts)?,
        };
        let (department, number) = (alert.department.clone(), alert.number);
        let by = self.officer(&department)?;
        let item = wire::AnswerAlert {
            department: self.mostly(department),
            number: number + if self.dice.percent(3) { 1000 } else { 0 },
            close: self.dice.percent(50),
            reason_digest: self.dice.digest(),
        };
        Some((by, Kind::AnswerAlert(item)))
    }
}
