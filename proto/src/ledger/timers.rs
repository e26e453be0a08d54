//! Timers: what is to happen by itself at a time.

use crate::ledger::Draft;
use crate::place::Place;
use crate::types::TimeMs;
use crate::wire::{self, TimerKind};

/// Sets a timer, whose cause is the event at hand.
pub(crate) fn set(draft: &mut Draft<'_>, due: TimeMs, kind: TimerKind, about: &[u8]) {
    let cause = Some(draft.cause().clone());
    let timer = wire::Timer { kind: kind as i32, about: about.to_vec(), cause };
    draft.put(place(due, kind, about), timer);
}

/// Takes a timer away.
pub(crate) fn drop(draft: &mut Draft<'_>, due: TimeMs, kind: TimerKind, about: &[u8]) {
    draft.remove(place(due, kind, about));
}

fn place(due: TimeMs, kind: TimerKind, about: &[u8]) -> Place {
    Place::timer(due, u8::try_from(kind as i32).unwrap_or_default(), about)
}
