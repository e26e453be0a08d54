//! One rule a file; this one only says which item goes to which.

mod confirm_grant;
mod decide_request;
pub(super) mod recent_blocks;
mod record_access;
mod register_dataset;
mod request_access;
mod revoke_grant;
pub(super) mod signer;
mod terms;

use super::{Draft, Halt, Refusal, Wanted};
use crate::event::Outcome;
use crate::tx::{Item, TxHeader};
use crate::wire::{self, item::Kind};

/// Applies one item, which is number `number` of its transaction.
pub(super) fn item(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    number: u32,
    item: &Item,
) -> Result<Outcome, Halt> {
    match item.kind() {
        Kind::RegisterDataset(it) => register_dataset::apply(draft, signer, it),
        Kind::RequestAccess(it) => request_access::apply(draft, signer, number, it),
        Kind::DecideRequest(it) => decide_request::apply(draft, signer, it),
        Kind::ConfirmGrant(it) => confirm_grant::apply(draft, signer, it),
        Kind::RevokeGrant(it) => revoke_grant::apply(draft, signer, it),
        Kind::RecordAccess(it) => record_access::apply(draft, signer, it),
    }
}

/// What a right allows, in a word.
pub(super) fn right_name(right: wire::Right) -> &'static str {
    match right {
        wire::Right::Collect => "collect",
        wire::Right::Use => "use",
        wire::Right::Manage => "manage",
        wire::Right::Audit => "audit",
        wire::Right::Regulate => "regulate",
        wire::Right::Unspecified => "nothing",
    }
}

/// Decisions are signed by an officer or a root, never by a machine.
fn needs_officer(draft: &Draft<'_>, signer: &TxHeader) -> Result<(), Halt> {
    use wire::IdentityKind::{Officer, Root};
    needs_kind(draft, signer, &[Officer, Root], Wanted::Officer)
}

fn needs_kind(
    draft: &Draft<'_>,
    signer: &TxHeader,
    kinds: &[wire::IdentityKind],
    wanted: Wanted,
) -> Result<(), Halt> {
    let identity: Option<std::sync::Arc<wire::Identity>> =
        draft.before(&crate::place::Place::identity(&signer.identity))?;
    let fits = identity.is_some_and(|it| kinds.contains(&it.kind()));
    if fits { Ok(()) } else { Err(Refusal::IdentityKind(wanted).into()) }
}

/// Checks that what an item states of a request is so.
fn states_truly(
    request: &str,
    stated: [&str; 3],
    asked: &wire::RequestAccess,
) -> Result<(), Refusal> {
    let [dataset, collector, using_department] = stated;
    let contradiction =
        |field| Refusal::RequestContradiction { request: request.to_owned(), field };
    if dataset != asked.dataset {
        return Err(contradiction("dataset"));
    }
    if collector != asked.collector {
        return Err(contradiction("collector"));
    }
    if using_department != asked.using_department {
        return Err(contradiction("using_department"));
    }
    Ok(())
}
