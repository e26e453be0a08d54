//! State and absence: how an object stands at the anchor, and what is not there.

use super::super::events::Checker;
use super::super::{NotVerified, invalid, objects};
use super::completeness::{self, Completeness};
use super::head::Head;
use crate::ledger::Object;
use crate::merkle::map::MapPath;
use crate::place::Place;
use crate::types::TxId;
use crate::wire::{self, absence_claim::Of};

/// An object of the map, as it stands at the anchor.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Where it stands.
    pub place: Place,
    /// How it stands.
    pub object: Object,
}

/// What is not on the ledger, as of the anchor.
#[derive(Debug, Clone)]
pub enum Absence {
    /// No object stands there.
    Object(Place),
    /// A trail has fewer events than would have one of this number.
    Number {
        /// The trail.
        trail: Place,
        /// The number, from 0 on.
        number: u64,
        /// How many events the trail has.
        size: u64,
    },
    /// A transaction is not on a stretch of a trail.
    Transaction {
        /// The stretch, complete.
        trail: Completeness,
        /// The transaction.
        id: TxId,
    },
}

/// Verifies how an object stands.
pub(super) fn state(claim: &wire::StateClaim, checker: &Checker<'_>) -> Result<State, NotVerified> {
    let (_, place) = objects::place(claim.kind, &claim.id)?;
    let object = checker.objects.any(&place);
    let object = object.ok_or_else(|| invalid("object.none", "the object is not in the file"))?;
    Ok(State { object: object.clone(), place })
}

/// Checks that a path shows a place of the map to be empty.
pub(super) fn shown_absent(
    place: &Place,
    path: &wire::MapProof,
    checker: &Checker<'_>,
) -> Result<(), NotVerified> {
    let path = MapPath::from_wire(path).map_err(|e| invalid("object.path", e))?;
    if path.root_without(&place.map_key()) == Some(checker.anchor.map_root) {
        Ok(())
    } else {
        Err(invalid("absence.object", format!("{place} is not shown to be absent")))
    }
}

/// Verifies that something is not there.
pub(super) fn absence(
    claim: &wire::AbsenceClaim,
    checker: &Checker<'_>,
) -> Result<Absence, NotVerified> {
    let nothing = || invalid("claim.none", "nothing is said to be absent");
    match claim.of.as_ref().ok_or_else(nothing)? {
        Of::Object(it) => {
            let (_, place) = objects::place(it.kind, &it.id)?;
            let path = it.path.as_ref().ok_or_else(|| invalid("object.path", "no path"))?;
            shown_absent(&place, path, checker)?;
            Ok(Absence::Object(place))
        }
        Of::Number(it) => {
            let head = it.trail.as_ref().ok_or_else(|| invalid("claim.none", "no trail"))?;
            let head = Head::verify(head, checker.anchor)?;
            if it.number < head.size {
                return Err(invalid("absence.number", "the trail has an event of this number"));
            }
            Ok(Absence::Number { trail: head.trail, number: it.number, size: head.size })
        }
        Of::Transaction(it) => {
            let id = TxId::from_slice(&it.tx_id).map_err(|e| invalid("hash.length", e))?;
            let trail = it.trail.as_ref().ok_or_else(|| invalid("claim.none", "no trail"))?;
            let trail = completeness::verify(trail, checker)?;
            if trail.events.iter().any(|event| event.leaf.origin == id) {
                return Err(invalid("absence.transaction", "the transaction is on the trail"));
            }
            Ok(Absence::Transaction { trail, id })
        }
    }
}
