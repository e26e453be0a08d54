//! Events that the ledger's rules make themselves: no transaction carries them, every node computes
//! them. Their leaf has an origin of zeros, and their ordinal in the block for an item number.

use crate::canonical::{self, CanonicalError};
use crate::place::{Place, TrailKind};
use crate::suite::hash::{self, Domain};
use crate::types::{Hash, limits};
use crate::wire::{
    self, Deadline, GrantEnd, IntegrityEnd, IntegrityRule, ProposalEnd, StandingChange, WatchKind,
    ledger_event::Kind,
};
use prost::Message;

/// An event of the ledger's own, with its canonical bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct LedgerEvent {
    bytes: Vec<u8>,
    cause: wire::Cause,
    kind: Kind,
}

impl LedgerEvent {
    /// An event that follows from another.
    pub fn new(cause: wire::Cause, kind: Kind) -> Self {
        let wire = wire::LedgerEvent { cause: Some(cause.clone()), kind: Some(kind.clone()) };
        Self { bytes: wire.encode_to_vec(), cause, kind }
    }

    /// From canonical bytes. Errors for other bytes, and for those that say nothing known.
    pub fn parse(bytes: &[u8]) -> Result<Self, CanonicalError> {
        let what = "ledger event";
        let wire: wire::LedgerEvent = canonical::decode(what, bytes, limits::ITEM_BYTES)?;
        let lacks = |why: &str| CanonicalError::Malformed { what, why: why.into() };
        let cause = wire.cause.ok_or_else(|| lacks("it names no cause"))?;
        let kind = wire.kind.ok_or_else(|| lacks("it says nothing"))?;
        if !is_known(&kind) {
            return Err(lacks("it says what this program does not know"));
        }
        Ok(Self { bytes: bytes.to_vec(), cause, kind })
    }

    /// Its canonical bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// `H_ledger` of its bytes.
    pub fn digest(&self) -> Hash {
        hash::hash(Domain::Ledger, &[&self.bytes])
    }

    /// The event that it follows from.
    pub fn cause(&self) -> &wire::Cause {
        &self.cause
    }

    /// What happened.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The trails that it is in, each once: those of all whom it names.
    pub fn trails(&self) -> Vec<Place> {
        let story = |dataset: &str, request: &[u8]| {
            vec![Place::dataset_trail(dataset), Place::trail(TrailKind::Grant, request)]
        };
        let mut trails = match &self.kind {
            Kind::DeadlineMissed(it) => story(&it.dataset, &it.request_id),
            Kind::GrantEnded(it) => story(&it.dataset, &it.request_id),
            Kind::EmergencyNotRatified(it) => story(&it.dataset, &it.request_id),
            // Not on the collector's own trail, which every member may read.
            Kind::CollectorTold(it) => story(&it.dataset, &it.request_id),
            Kind::DepartmentChanged(it) => vec![Place::department_trail(&it.department)],
            Kind::MemberChanged(it) => vec![Place::department_trail(&it.department)],
            Kind::RootReplaced(it) => {
                let mut trails = vec![Place::department_trail(&it.department)];
                let roots = [&it.old_root_id, &it.new_root_id];
                let roots = roots.into_iter().filter(|id| !id.is_empty());
                trails.extend(roots.map(|id| Place::identity_trail(id)));
                trails
            }
            Kind::DepartmentSucceeded(it) => {
                vec![Place::department_trail(&it.from), Place::department_trail(&it.to)]
            }
            Kind::ProposalEnded(_) | Kind::CalendarMissing(_) => vec![Place::governance_trail()],
            Kind::IntegrityRaised(it) => {
                let mut trails = chains(&it.department, &it.identity_id);
                if !it.dataset.is_empty() {
                    trails.push(Place::dataset_trail(&it.dataset));
                }
                if !it.request_id.is_empty() {
                    trails.push(Place::trail(TrailKind::Grant, &it.request_id));
                }
                trails
            }
            Kind::IntegritySettled(it) => chains(&it.department, &it.identity_id),
            Kind::AlertRaised(it) => vec![Place::alert_trail(&it.department)],
            Kind::RecordsCorrected(it) => {
                let both = [&it.from_identity_id, &it.to_identity_id].into_iter();
                both.filter(|id| !id.is_empty()).map(|id| Place::identity_trail(id)).collect()
            }
            Kind::RecordCorrected(it) => {
                let uses = it.request_ids.iter().map(|id| Place::trail(TrailKind::Use, id));
                let subjects = it.tags.iter().map(|tag| Place::subject_trail(&it.collector, tag));
                let gateway = Place::trail(TrailKind::Gateway, &it.gateway_id);
                uses.chain(subjects).chain([gateway]).collect()
            }
            Kind::ProductMarked(it) => vec![
                Place::product_trail(&it.product_id),
                Place::trail(TrailKind::Grant, &it.request_id),
            ],
        };
        trails.sort();
        trails.dedup();
        trails
    }

    /// Its kind's name, as commands and JSON show it.
    pub fn name(&self) -> &'static str {
        kind_name(&self.kind)
    }
}

macro_rules! ledger_events {
    ($($name:ident),+ $(,)?) => {
        /// The name of a kind of event.
        fn kind_name(kind: &Kind) -> &'static str {
            match kind { $(Kind::$name(_) => stringify!($name)),+ }
        }
    };
}

ledger_events!(
    DeadlineMissed,
    GrantEnded,
    EmergencyNotRatified,
    CollectorTold,
    DepartmentChanged,
    MemberChanged,
    RootReplaced,
    DepartmentSucceeded,
    ProposalEnded,
    CalendarMissing,
    IntegrityRaised,
    IntegritySettled,
    AlertRaised,
    RecordsCorrected,
    ProductMarked,
    RecordCorrected,
);

/// The integrity chains of a department and, where it is about one, of an identity.
fn chains(department: &str, identity: &[u8]) -> Vec<Place> {
    let own = (!identity.is_empty()).then(|| Place::identity_integrity_trail(identity));
    [Place::integrity_trail(department)].into_iter().chain(own).collect()
}

/// Whether an event's enum values are among those that the rules give.
fn is_known(kind: &Kind) -> bool {
    match kind {
        Kind::DeadlineMissed(it) => it.deadline() != Deadline::Unspecified,
        Kind::GrantEnded(it) => it.end() != GrantEnd::Unspecified,
        Kind::DepartmentChanged(it) => it.change() != StandingChange::Unspecified,
        Kind::ProposalEnded(it) => it.end() != ProposalEnd::Unspecified,
        Kind::IntegrityRaised(it) => it.rule() != IntegrityRule::Unspecified,
        Kind::IntegritySettled(it) => {
            it.rule() != IntegrityRule::Unspecified && it.end() != IntegrityEnd::Unspecified
        }
        Kind::AlertRaised(it) => it.watch() != WatchKind::Unspecified,
        Kind::EmergencyNotRatified(_)
        | Kind::CollectorTold(_)
        | Kind::MemberChanged(_)
        | Kind::RootReplaced(_)
        | Kind::DepartmentSucceeded(_)
        | Kind::CalendarMissing(_)
        | Kind::RecordsCorrected(_)
        | Kind::ProductMarked(_)
        | Kind::RecordCorrected(_) => true,
    }
}

#[cfg(test)]
mod tests;
