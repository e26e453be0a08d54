//! The claims that a proof file can make, each with what verifying it gives.

mod authorised;
mod completeness;
mod conflict;
mod consistency;
mod department;
mod head;
mod inclusion;
mod state;
mod subject;

pub use authorised::{Authorised, allows};
pub use completeness::{Completeness, Range};
pub use conflict::{Fork, Omission};
pub use consistency::Consistency;
pub use department::Department;
pub use inclusion::Inclusion;
pub use state::{Absence, State};
pub use subject::{Subject, Tag, bulk_record};

use super::events::{Checker, ProvedEvent};
use super::{NotVerified, Trust, invalid};
use crate::place::Place;
use crate::types::limits;
use crate::wire::{self, absence_claim::Of, trace};

/// What a proof file proves.
#[derive(Debug, Clone)]
pub enum Claim {
    /// This happened.
    Inclusion(Box<Inclusion>),
    /// These are all.
    Completeness(Completeness),
    /// What was noted before still stands.
    Consistency(Consistency),
    /// An object stands so.
    State(State),
    /// Something is not there.
    Absence(Absence),
    /// Two histories were certified.
    Fork(Box<Fork>),
    /// A trail leaves an event out.
    Omission(Box<Omission>),
    /// An access was covered.
    Authorised(Box<Authorised>),
    /// All that a department signed.
    Department(Department),
    /// All that stands of a data subject.
    Subject(Subject),
}

/// How many events a file gives, whatever they are.
fn events_given(claim: &trace::Claim) -> usize {
    let of = |it: &wire::CompletenessClaim| it.events.len();
    let sum = |all: &[wire::CompletenessClaim]| all.iter().map(of).sum::<usize>();
    match claim {
        trace::Claim::Inclusion(_) | trace::Claim::Authorised(_) => 1,
        trace::Claim::Completeness(it) => of(it),
        trace::Claim::Absence(it) => match &it.of {
            Some(Of::Transaction(it)) => it.trail.as_ref().map_or(0, of),
            _ => 0,
        },
        trace::Claim::Omission(it) => it.trail.as_ref().map_or(0, of).saturating_add(1),
        trace::Claim::Department(it) => {
            it.trail.as_ref().map_or(0, of).saturating_add(sum(&it.keys))
        }
        trace::Claim::Subject(it) => {
            let trails = it.subjects.iter().flat_map(|it| [&it.listed, &it.unlisted]);
            trails.flatten().map(of).sum()
        }
        trace::Claim::Consistency(_) | trace::Claim::State(_) | trace::Claim::Fork(_) => 0,
    }
}

impl Claim {
    /// Verifies the claim of a file.
    pub(super) fn verify(
        claim: &trace::Claim,
        trust: &Trust<'_>,
        checker: &Checker<'_>,
    ) -> Result<Self, NotVerified> {
        if events_given(claim) > limits::TRACE_EVENTS {
            return Err(invalid("file.limits", "too many events"));
        }
        Ok(match claim {
            trace::Claim::Inclusion(it) => {
                Self::Inclusion(Box::new(inclusion::verify(it, checker)?))
            }
            trace::Claim::Completeness(it) => {
                Self::Completeness(completeness::verify(it, checker)?)
            }
            trace::Claim::Consistency(it) => Self::Consistency(consistency::verify(it, checker)?),
            trace::Claim::State(it) => Self::State(state::state(it, checker)?),
            trace::Claim::Absence(it) => Self::Absence(state::absence(it, checker)?),
            trace::Claim::Fork(it) => Self::Fork(Box::new(conflict::fork(it, trust, checker)?)),
            trace::Claim::Omission(it) => {
                Self::Omission(Box::new(conflict::omission(it, checker)?))
            }
            trace::Claim::Authorised(it) => {
                Self::Authorised(Box::new(authorised::verify(it, checker)?))
            }
            trace::Claim::Department(it) => Self::Department(department::verify(it, checker)?),
            trace::Claim::Subject(it) => Self::Subject(subject::verify(it, trust, checker)?),
        })
    }

    /// The events of the claim.
    pub fn events<'a>(&'a self) -> Vec<&'a ProvedEvent> {
        match self {
            Self::Inclusion(it) => vec![&it.event],
            Self::Authorised(it) => vec![&it.record.event],
            Self::Subject(it) => {
                let both = |it: &'a Tag| it.listed.events.iter().chain(&it.unlisted.events);
                it.tags.iter().flat_map(both).collect()
            }
            Self::Department(it) => {
                std::iter::once(&it.trail).chain(&it.keys).flat_map(|it| &it.events).collect()
            }
            Self::Completeness(it) => it.events.iter().collect(),
            Self::Absence(Absence::Transaction { trail, .. }) => trail.events.iter().collect(),
            Self::Omission(it) => {
                std::iter::once(&it.included.event).chain(&it.trail.events).collect()
            }
            Self::Consistency(_) | Self::State(_) | Self::Absence(_) | Self::Fork(_) => Vec::new(),
        }
    }

    /// The trail that the claim is about, where it is about one alone.
    pub fn trail(&self) -> Option<&Place> {
        match self {
            Self::Completeness(it) => Some(&it.trail),
            Self::Absence(Absence::Number { trail, .. }) => Some(trail),
            Self::Absence(Absence::Transaction { trail, .. }) => Some(&trail.trail),
            Self::Consistency(it) => it.trail.as_ref(),
            Self::Absence(Absence::Object(_))
            | Self::Inclusion(_)
            | Self::State(_)
            | Self::Fork(_)
            | Self::Omission(_)
            | Self::Authorised(_)
            | Self::Department(_)
            | Self::Subject(_) => None,
        }
    }

    /// The objects that the claim itself reads, beside those of its signers.
    pub(super) fn reads(&self) -> Vec<Place> {
        match self {
            Self::State(it) => vec![it.place.clone()],
            Self::Authorised(it) => it.reads.iter().cloned().collect(),
            Self::Department(it) => it.reads.clone(),
            Self::Subject(it) => it.reads.iter().cloned().collect(),
            _ => Vec::new(),
        }
    }
}
