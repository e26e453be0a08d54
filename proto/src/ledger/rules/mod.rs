//! One rule a file; this one only says which item goes to which.

mod admit_department;
mod amend_grant;
mod approve_exception;
mod assign_post;
mod catalogue;
mod change_department;
mod change_identity;
mod confirm_grant;
mod decide_request;
mod delegate_grant;
mod department;
mod emergency;
mod enact;
mod give_permit;
mod governance;
mod identity;
mod offer_standing;
pub(super) mod reading;
pub(super) mod recent_blocks;
mod reconfirm_grant;
mod record_access;
mod register_dataset;
mod register_identity;
mod replace_root;
mod request_access;
mod revoke_grant;
mod rotate_keys;
mod sharing;
pub(super) mod signer;
mod succeed_department;
mod supplement;
mod suspend_grant;
mod terms;
pub(super) mod timers;
pub(super) mod words;

use super::{Draft, Halt, Refusal, Word};
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
        Kind::AdmitDepartment(it) => admit_department::apply(draft, signer, number, it),
        Kind::ChangeDepartment(it) => change_department::apply(draft, signer, it),
        Kind::SucceedDepartment(it) => succeed_department::apply(draft, signer, it),
        Kind::RegisterIdentity(it) => register_identity::apply(draft, signer, number, it),
        Kind::RotateKeys(it) => rotate_keys::apply(draft, signer, it),
        Kind::ChangeIdentity(it) => change_identity::apply(draft, signer, it),
        Kind::AssignPost(it) => assign_post::apply(draft, signer, it),
        Kind::ReplaceRoot(it) => replace_root::apply(draft, signer, number, it),
        Kind::ObjectToRoot(it) => replace_root::object(draft, signer, it),
        Kind::UpdateDataset(it) => catalogue::update(draft, signer, it),
        Kind::RetireDataset(it) => catalogue::retire(draft, signer, it),
        Kind::PublishVersion(it) => catalogue::publish(draft, signer, it),
        Kind::AskSupplement(it) => supplement::ask(draft, signer, it),
        Kind::SupplementRequest(it) => supplement::give(draft, signer, it),
        Kind::ApproveException(it) => approve_exception::apply(draft, signer, it),
        Kind::OfferStanding(it) => offer_standing::apply(draft, signer, number, it),
        Kind::AmendGrant(it) => amend_grant::apply(draft, signer, it),
        Kind::SuspendGrant(it) => suspend_grant::suspend(draft, signer, it),
        Kind::ResumeGrant(it) => suspend_grant::resume(draft, signer, it),
        Kind::ReconfirmGrant(it) => reconfirm_grant::apply(draft, signer, it),
        Kind::DelegateGrant(it) => delegate_grant::apply(draft, signer, number, it),
        Kind::OpenEmergency(it) => emergency::open(draft, signer, number, it),
        Kind::RatifyEmergency(it) => emergency::ratify(draft, signer, it),
        Kind::GivePermit(it) => give_permit::apply(draft, signer, number, it),
        Kind::Propose(it) => governance::propose(draft, signer, number, it),
        Kind::Vote(it) => governance::vote(draft, signer, it),
        Kind::RecordReads(it) => reading::record(draft, signer, it),
        Kind::OpenAudit(it) => reading::open_audit(draft, signer, it),
        Kind::CloseAudit(it) => reading::close_audit(draft, signer, it),
        Kind::OpenReads(it) => reading::open(draft, signer, it),
    }
}

/// Decisions are signed by an officer or a root, never by a machine.
fn needs_officer(draft: &Draft<'_>, signer: &TxHeader) -> Result<(), Halt> {
    use wire::IdentityKind::{Officer, Root};
    needs_kind(draft, signer, &[Officer, Root], words::OFFICER)
}

fn needs_kind(
    draft: &Draft<'_>,
    signer: &TxHeader,
    kinds: &[wire::IdentityKind],
    wanted: Word,
) -> Result<(), Halt> {
    let identity: Option<std::sync::Arc<wire::Identity>> =
        draft.before(&crate::place::Place::identity(&signer.identity))?;
    let fits = identity.is_some_and(|it| kinds.contains(&it.kind()));
    if fits { Ok(()) } else { Err(Refusal::IdentityKind(wanted).into()) }
}

/// An officer of the leading department, as the item states it.
fn needs_lead(draft: &Draft<'_>, signer: &TxHeader, stated: &str) -> Result<(), Halt> {
    let lead = draft.parameters()?.lead.clone();
    if lead != stated {
        return Err(Refusal::NotLead(lead).into());
    }
    draft.acts_for(signer, stated)?;
    needs_officer(draft, signer)
}
