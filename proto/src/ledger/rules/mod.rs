//! One rule a file; this one only says which item goes to which.

mod admit_department;
mod amend_grant;
mod approve_exception;
mod assign_post;
mod bulk;
mod cases;
mod catalogue;
mod change_department;
mod change_identity;
mod confirm_grant;
mod corrections;
mod decide_request;
mod delegate_grant;
mod department;
mod double_vote;
mod emergency;
mod enact;
mod former;
mod gateways;
mod give_permit;
mod governance;
mod halves;
mod identity;
mod integrity;
mod offer_standing;
mod own_grant;
mod products;
pub(super) mod reading;
pub(super) mod recent_blocks;
mod reconfirm_grant;
pub(super) mod record_access;
mod register_dataset;
mod register_identity;
mod replace_root;
mod request_access;
mod revoke_grant;
mod rotate_keys;
pub(super) mod sealing;
mod seals;
mod sharing;
pub(super) mod signer;
mod succeed_department;
mod supplement;
mod suspend_grant;
mod terms;
pub(super) mod timers;
mod validator_history;
mod watching;
pub(super) mod words;

use super::{Draft, Halt, Refusal, Word};
use crate::event::Outcome;
use crate::tx::{Item, TxHeader};
use crate::wire::{self, item::Kind};

/// Applies one item, which is number `number` of its transaction. Each kind has its rule here: a kind
/// without one does not compile.
#[allow(clippy::too_many_lines, reason = "a row for each kind of item")]
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
        Kind::SetGateway(it) => gateways::set(draft, signer, it),
        Kind::CommitMapping(it) => gateways::commit_mapping(draft, signer, it),
        Kind::SealPeriod(it) => seals::seal(draft, signer, it),
        Kind::DeclareLoss(it) => gateways::declare_loss(draft, signer, it),
        Kind::DeclareOutage(it) => gateways::declare_outage(draft, signer, it),
        Kind::Unrecordable(it) => gateways::unrecordable(draft, signer, it),
        Kind::ManualHandover(it) => record_access::handover(draft, signer, it),
        Kind::AddBulkTags(it) => bulk::add(draft, signer, it),
        Kind::CorrectRecords(it) => corrections::propose(draft, signer, number, it),
        Kind::AgreeCorrection(it) => corrections::agree(draft, signer, it),
        Kind::Acknowledge(it) => halves::acknowledge(draft, signer, it),
        Kind::AcknowledgeHour(it) => halves::acknowledge_hour(draft, signer, it),
        Kind::OrderSealing(it) => sealing::order(draft, signer, number, it),
        Kind::ExtendSealing(it) => sealing::extend(draft, signer, it),
        Kind::RecordSealed(it) => sealing::seal(draft, signer, it),
        Kind::OpenSealed(it) => sealing::open(draft, signer, it),
        Kind::AnswerAlert(it) => watching::answer(draft, signer, it),
        Kind::OpenCase(it) => cases::open(draft, signer, number, it),
        Kind::AnswerCase(it) => cases::answer(draft, signer, it),
        Kind::RuleCase(it) => cases::rule(draft, signer, it),
        Kind::RegisterProduct(it) => products::register(draft, signer, number, it),
        Kind::ReviewProduct(it) => products::review(draft, signer, it),
        Kind::ReleaseProduct(it) => products::release(draft, signer, it),
        Kind::EvaluateProduct(it) => products::evaluate(draft, signer, it),
        Kind::RecallProduct(it) => products::recall(draft, signer, it),
        Kind::ReportDoubleVote(it) => double_vote::report(draft, signer, it),
    }
}

/// Decisions are signed by an officer or a root, never by a machine.
fn needs_officer(draft: &Draft<'_>, signer: &TxHeader) -> Result<(), Halt> {
    use wire::IdentityKind::{Officer, Root};
    needs_kind(draft, signer, &[Officer, Root], words::OFFICER)
}

/// Checks that the signer's department is `stated`, or took its place, and has one of two rights.
fn either(
    draft: &Draft<'_>,
    signer: &TxHeader,
    stated: &str,
    [first, second]: [wire::Right; 2],
) -> Result<(), Halt> {
    match draft.actor(signer, stated, first) {
        Err(Halt::Refused(_)) => draft.actor(signer, stated, second).map(|_| ()),
        decided => decided.map(|_| ()),
    }
}

/// What keeps data and records of it: a system, an officer or a root.
fn needs_keeper(draft: &Draft<'_>, signer: &TxHeader) -> Result<(), Halt> {
    use wire::IdentityKind::{Officer, Root, System};
    needs_kind(draft, signer, &[Officer, Root, System], words::KEEPER)
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
