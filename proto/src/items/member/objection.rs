//! The time in which a root may object to new root keys of its department.

use crate::ledger::{Draft, Halt, calendar, timers};
use crate::types::TimeMs;
use crate::wire::{self, TimerKind};

/// While a department is stopped its root can't object to new root keys, and the time for that stands.
pub(crate) fn stands(draft: &mut Draft<'_>, department: &wire::Department) {
    if let Some(pending) = &department.pending_root {
        let due = TimeMs::new(pending.due_ms);
        timers::drop(draft, due, TimerKind::RootDue, department.code.as_bytes());
    }
}

/// A department is started: its root has the whole time again to object to new root keys.
pub(crate) fn begins_anew(
    draft: &mut Draft<'_>,
    department: &mut wire::Department,
) -> Result<(), Halt> {
    let Some(pending) = &mut department.pending_root else { return Ok(()) };
    let days = draft.parameters()?.objection_days;
    let due = calendar::due(draft, days)?;
    pending.due_ms = due.get();
    timers::set(draft, due, TimerKind::RootDue, department.code.as_bytes());
    Ok(())
}
