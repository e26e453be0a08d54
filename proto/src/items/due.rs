//! What happens by itself at a time, before the items of the block that reaches it.

use crate::items::access::{bulk, gateways, halves, numbers, sealing, seals};
use crate::items::governance::propose;
use crate::items::member::{department, replace_root};
use crate::items::oversight::{cases, integrity};
use crate::items::reading::audits;
use crate::items::sharing::{emergency, grant};
use crate::ledger::{Draft, Halt, Missing};
use crate::place::Place;
use crate::wire::{self, TimerKind};
use std::sync::Arc;

/// The timer at a place goes off. One whose reason is gone does nothing.
pub(crate) fn go_off(draft: &mut Draft<'_>, place: &Place) -> Result<(), Missing> {
    let timer: Option<Arc<wire::Timer>> = draft.get(place)?;
    let Some(timer) = timer else { return Ok(()) };
    draft.remove(place.clone());
    draft.set_cause(timer.cause.clone().unwrap_or_default());
    let about = timer.about.as_slice();
    let code = std::str::from_utf8(about).unwrap_or_default();
    let result = draft.trial(false, |draft| match timer.kind() {
        TimerKind::RequestDue => grant::request_due(draft, about),
        TimerKind::GrantExpires => grant::grant_expires(draft, about),
        TimerKind::RatifyDue => emergency::ratify_due(draft, about),
        TimerKind::RootDue => replace_root::due(draft, code),
        TimerKind::ProposalExpires => propose::expires(draft, about),
        TimerKind::OverlapEnds => department::overlap_ends(draft, code),
        TimerKind::NumbersDue => numbers::numbers_due(draft, about),
        TimerKind::SealDue => seals::due(draft, about),
        TimerKind::HalvesDue => halves::due(draft, about),
        TimerKind::BulkDue => bulk::due(draft, about),
        TimerKind::OpeningDue => sealing::due(draft, about),
        TimerKind::CaseDue => cases::due(draft, about),
        TimerKind::IntegrityFinal => integrity::is_final(draft, about),
        TimerKind::NoGateway => gateways::no_gateway(draft, code),
        TimerKind::AuditEnds => audits::ends(draft, about),
        TimerKind::ReadsDue => audits::reads_due(draft, about),
        TimerKind::Unspecified => Ok(()),
    });
    match result {
        Err(Halt::Missing(missing)) => Err(missing),
        // What a timer does has no signer to be told: where a rule would refuse, nothing is done.
        Err(Halt::Refused(_)) | Ok(()) => Ok(()),
    }
}
