//! What happens by itself at a time, before the items of the block that reaches it.

use super::{
    bulk, cases, department, emergency, gateways, governance, halves, integrity, replace_root,
    sealing, seals, sharing,
};
use crate::ledger::{Draft, Halt, Missing};
use crate::place::Place;
use crate::types::TimeMs;
use crate::wire::{self, TimerKind};
use std::sync::Arc;

/// Sets a timer, whose cause is the event at hand.
pub(super) fn set(draft: &mut Draft<'_>, due: TimeMs, kind: TimerKind, about: &[u8]) {
    let cause = Some(draft.cause().clone());
    let timer = wire::Timer { kind: kind as i32, about: about.to_vec(), cause };
    draft.put(place(due, kind, about), timer);
}

/// Takes a timer away.
pub(super) fn drop(draft: &mut Draft<'_>, due: TimeMs, kind: TimerKind, about: &[u8]) {
    draft.remove(place(due, kind, about));
}

fn place(due: TimeMs, kind: TimerKind, about: &[u8]) -> Place {
    Place::timer(due, u8::try_from(kind as i32).unwrap_or_default(), about)
}

/// The timer at a place goes off. One whose reason is gone does nothing.
pub(in crate::ledger) fn go_off(draft: &mut Draft<'_>, place: &Place) -> Result<(), Missing> {
    let timer: Option<Arc<wire::Timer>> = draft.get(place)?;
    let Some(timer) = timer else { return Ok(()) };
    draft.remove(place.clone());
    draft.set_cause(timer.cause.clone().unwrap_or_default());
    let about = timer.about.as_slice();
    let code = std::str::from_utf8(about).unwrap_or_default();
    let result = draft.trial(false, |draft| match timer.kind() {
        TimerKind::RequestDue => sharing::request_due(draft, about),
        TimerKind::GrantExpires => sharing::grant_expires(draft, about),
        TimerKind::RatifyDue => emergency::ratify_due(draft, about),
        TimerKind::RootDue => replace_root::due(draft, code),
        TimerKind::ProposalExpires => governance::expires(draft, about),
        TimerKind::OverlapEnds => department::overlap_ends(draft, code),
        TimerKind::NumbersDue => gateways::numbers_due(draft, about),
        TimerKind::SealDue => seals::due(draft, about),
        TimerKind::HalvesDue => halves::due(draft, about),
        TimerKind::BulkDue => bulk::due(draft, about),
        TimerKind::OpeningDue => sealing::due(draft, about),
        TimerKind::CaseDue => cases::due(draft, about),
        TimerKind::IntegrityFinal => integrity::is_final(draft, about),
        TimerKind::NoGateway => gateways::no_gateway(draft, code),
        TimerKind::Unspecified => Ok(()),
    });
    match result {
        Err(Halt::Missing(missing)) => Err(missing),
        // What a timer does has no signer to be told: where a rule would refuse, nothing is done.
        Err(Halt::Refused(_)) | Ok(()) => Ok(()),
    }
}
