//! A grant as it stood at some instant.

use crate::types::{Height, TimeMs};
use crate::wire::{Department, DepartmentClass, Grant, GrantState, GrantStep, Terms};

/// The instant by which grants are judged.
#[derive(Debug, Clone, Copy)]
pub enum Moment {
    /// After this block.
    Height(Height),
    /// At the last block not after this time.
    Time(TimeMs),
}

impl Moment {
    fn is_reached_by(self, step: &GrantStep) -> bool {
        match self {
            Self::Height(height) => step.height <= height.get(),
            Self::Time(time) => step.time_ms <= time.get(),
        }
    }
}

/// The state of a grant; unspecified before it was made.
pub fn state_at(grant: &Grant, moment: Moment) -> GrantState {
    let step = grant.steps.iter().rev().find(|step| moment.is_reached_by(step));
    step.map_or(GrantState::Unspecified, GrantStep::state)
}

/// The terms of a grant.
pub fn terms_at(grant: &Grant, moment: Moment) -> Option<&Terms> {
    let steps = grant.steps.iter().rev().filter(|step| moment.is_reached_by(step));
    steps.filter_map(|step| step.terms.as_ref()).next().or(grant.terms.as_ref())
}

/// The state of a grant now.
pub fn state(grant: &Grant) -> GrantState {
    grant.steps.last().map_or(GrantState::Unspecified, GrantStep::state)
}

/// The terms of a grant now.
pub fn terms(grant: &Grant) -> Option<&Terms> {
    grant.steps.iter().rev().find_map(|step| step.terms.as_ref()).or(grant.terms.as_ref())
}

/// Whether a department is of a class, by level and division.
pub fn is_of_class(department: &Department, class: &DepartmentClass) -> bool {
    let level = class.levels.is_empty() || class.levels.contains(&department.level);
    level && department.division.starts_with(&class.division)
}

/// A body that two of the three parties share; the user's is empty where it is a class.
pub(crate) fn shared_body([user, collector, manager]: [&str; 3]) -> Option<&str> {
    if user == collector || user == manager {
        return Some(user);
    }
    (collector == manager).then_some(manager)
}

/// Whether a grant in this state can never be used again.
pub fn has_ended(state: GrantState) -> bool {
    !matches!(state, GrantState::Active | GrantState::Suspended)
}
