//! What an item must be whatever the ledger says: lengths, codes, known enum values, order. One file
//! for each of the `.proto` files that hold items.

mod catalogue;
mod gateway;
mod governance;
mod half;
mod member;
mod oversight;
mod reading;
mod record;
mod sealing;
mod workflow;

use super::ItemError;
use crate::sign::PublicKey;
use crate::types::{check_code, limits};
use crate::wire::{self, item::Kind};

type Checked = Result<(), ItemError>;

fn wrong(field: &'static str, why: impl Into<String>) -> ItemError {
    ItemError::Field { field, why: why.into() }
}

fn ensure(holds: bool, field: &'static str, why: &str) -> Checked {
    if holds { Ok(()) } else { Err(wrong(field, why)) }
}

/// Checks an item and gives what it says. Each kind has its check here: a kind without one does not compile.
#[allow(clippy::too_many_lines, reason = "a row for each kind of item")]
pub(super) fn item(item: wire::Item) -> Result<Kind, ItemError> {
    let kind = item.kind.ok_or_else(|| wrong("kind", "the item says nothing"))?;
    match &kind {
        Kind::RegisterDataset(it) => catalogue::register_dataset(it)?,
        Kind::RequestAccess(it) => workflow::request_access(it)?,
        Kind::DecideRequest(it) => workflow::decide_request(it)?,
        Kind::ConfirmGrant(it) => workflow::confirm_grant(it)?,
        Kind::RevokeGrant(it) => workflow::revoke_grant(it)?,
        Kind::RecordAccess(it) => record::record_access(it)?,
        Kind::AdmitDepartment(it) => member::admit_department(it)?,
        Kind::ChangeDepartment(it) => member::change_department(it)?,
        Kind::SucceedDepartment(it) => member::succeed_department(it)?,
        Kind::RegisterIdentity(it) => member::register_identity(it)?,
        Kind::RotateKeys(it) => member::rotate_keys(it)?,
        Kind::ChangeIdentity(it) => member::change_identity(it)?,
        Kind::AssignPost(it) => member::assign_post(it)?,
        Kind::ReplaceRoot(it) => member::replace_root(it)?,
        Kind::ObjectToRoot(it) => member::object_to_root(it)?,
        Kind::UpdateDataset(it) => catalogue::update_dataset(it)?,
        Kind::RetireDataset(it) => catalogue::retire_dataset(it)?,
        Kind::PublishVersion(it) => catalogue::publish_version(it)?,
        Kind::AskSupplement(it) => workflow::ask_supplement(it)?,
        Kind::SupplementRequest(it) => workflow::supplement_request(it)?,
        Kind::ApproveException(it) => workflow::approve_exception(it)?,
        Kind::OfferStanding(it) => workflow::offer_standing(it)?,
        Kind::AmendGrant(it) => workflow::amend_grant(it)?,
        Kind::SuspendGrant(it) => workflow::suspend_grant(it)?,
        Kind::ResumeGrant(it) => workflow::resume_grant(it)?,
        Kind::ReconfirmGrant(it) => workflow::reconfirm_grant(it)?,
        Kind::DelegateGrant(it) => workflow::delegate_grant(it)?,
        Kind::OpenEmergency(it) => workflow::open_emergency(it)?,
        Kind::RatifyEmergency(it) => workflow::ratify_emergency(it)?,
        Kind::GivePermit(it) => workflow::give_permit(it)?,
        Kind::Propose(it) => governance::propose(it)?,
        Kind::Vote(it) => governance::vote(it)?,
        Kind::RecordReads(it) => reading::record_reads(it)?,
        Kind::OpenAudit(it) => reading::open_audit(it)?,
        Kind::CloseAudit(it) => reading::close_audit(it)?,
        Kind::OpenReads(it) => reading::open_reads(it)?,
        Kind::SetGateway(it) => gateway::set_gateway(it)?,
        Kind::CommitMapping(it) => gateway::commit_mapping(it)?,
        Kind::SealPeriod(it) => gateway::seal_period(it)?,
        Kind::DeclareLoss(it) => gateway::declare_loss(it)?,
        Kind::DeclareOutage(it) => gateway::declare_outage(it)?,
        Kind::Unrecordable(it) => gateway::unrecordable(it)?,
        Kind::ManualHandover(it) => gateway::manual_handover(it)?,
        Kind::AddBulkTags(it) => gateway::add_bulk_tags(it)?,
        Kind::CorrectRecords(it) => gateway::correct_records(it)?,
        Kind::AgreeCorrection(it) => gateway::agree_correction(it)?,
        Kind::Acknowledge(it) => half::acknowledge(it)?,
        Kind::AcknowledgeHour(it) => half::acknowledge_hour(it)?,
        Kind::OrderSealing(it) => sealing::order_sealing(it)?,
        Kind::ExtendSealing(it) => sealing::extend_sealing(it)?,
        Kind::RecordSealed(it) => sealing::record_sealed(it)?,
        Kind::OpenSealed(it) => sealing::open_sealed(it)?,
        Kind::AnswerAlert(it) => oversight::answer_alert(it)?,
        Kind::OpenCase(it) => oversight::open_case(it)?,
        Kind::AnswerCase(it) => oversight::answer_case(it)?,
        Kind::RuleCase(it) => oversight::rule_case(it)?,
        Kind::RegisterProduct(it) => oversight::register_product(it)?,
        Kind::ReviewProduct(it) => oversight::review_product(it)?,
        Kind::ReleaseProduct(it) => oversight::product(&it.product_id, &it.department)?,
        Kind::EvaluateProduct(it) => oversight::evaluate_product(it)?,
        Kind::RecallProduct(it) => oversight::recall_product(it)?,
        Kind::ReportDoubleVote(it) => oversight::report_double_vote(it)?,
    }
    Ok(kind)
}

fn code(field: &'static str, text: &str) -> Checked {
    check_code(text).map_err(|e| wrong(field, e.to_string()))
}

fn id(field: &'static str, bytes: &[u8]) -> Checked {
    ensure(bytes.len() == 32, field, "32 bytes are needed")
}

fn id_if_given(field: &'static str, bytes: &[u8]) -> Checked {
    ensure(bytes.is_empty() || bytes.len() == 32, field, "32 bytes or none are needed")
}

fn ascending<T: PartialOrd>(field: &'static str, list: &[T], limit: usize) -> Checked {
    ensure(list.len() <= limit, field, "too many entries")?;
    let sorted = list.iter().zip(list.iter().skip(1)).all(|(a, b)| a < b);
    ensure(sorted, field, "entries must be strictly ascending, each once")
}

fn grade(field: &'static str, grade: u32) -> Checked {
    ensure((1..=4).contains(&grade), field, "a grade is 1 (open) to 4 (core)")
}

fn title(field: &'static str, text: &str) -> Checked {
    let fits = text.len() <= limits::TITLE_LENGTH && !text.chars().any(char::is_control);
    ensure(fits, field, "at most 256 bytes, no control characters")
}

fn category(field: &'static str, value: i32, wanted: bool) -> Checked {
    let known = wire::Category::try_from(value).map_err(|_| wrong(field, "unknown category"))?;
    ensure(!wanted || known != wire::Category::Unspecified, field, "a category is needed")
}

fn operation(field: &'static str, value: i32) -> Checked {
    let known = wire::Operation::try_from(value).map_err(|_| wrong(field, "unknown operation"))?;
    ensure(known != wire::Operation::Unspecified, field, "an operation is needed")
}

fn code_if_given(field: &'static str, text: &str) -> Checked {
    if text.is_empty() { Ok(()) } else { code(field, text) }
}

fn division(field: &'static str, text: &str) -> Checked {
    let digits = text.len() <= 12 && text.bytes().all(|b| b.is_ascii_digit());
    ensure(digits, field, "a division is at most 12 digits")
}

fn rights(field: &'static str, rights: &[i32]) -> Checked {
    ascending(field, rights, 5)?;
    ensure(rights.iter().all(|it| (1..=5).contains(it)), field, "unknown right")
}

fn standing_change(field: &'static str, value: i32) -> Checked {
    ensure((1..=3).contains(&value), field, "suspend, reinstate or revoke is needed")
}

fn new_keys(field: &'static str, keys: &[wire::NewKey]) -> Checked {
    let order: Vec<&[u8]> = keys.iter().map(|it| it.public_key.as_slice()).collect();
    ascending(field, &order, limits::IDENTITY_KEYS)?;
    for key in keys {
        let known = key.algorithm == wire::Algorithm::Ed25519 as i32;
        ensure(known, field, "unknown signature algorithm")?;
        PublicKey::from_slice(&key.public_key).map_err(|e| wrong(field, e.to_string()))?;
    }
    Ok(())
}

fn root_keys(given: Option<&wire::RootKeys>) -> Checked {
    let it = given.ok_or_else(|| wrong("root", "root keys are needed"))?;
    new_keys("root.keys", &it.keys)?;
    let count = u32::try_from(it.keys.len()).unwrap_or(u32::MAX);
    let fits = it.threshold >= 1 && it.threshold <= count;
    ensure(fits, "root.threshold", "the threshold is 1 to the number of keys")
}

fn new_department(given: Option<&wire::NewDepartment>) -> Checked {
    let it = given.ok_or_else(|| wrong("department", "a department is needed"))?;
    code("department.code", &it.code)?;
    title("department.name_zh", &it.name_zh)?;
    title("department.name_en", &it.name_en)?;
    let named = !it.name_zh.is_empty() || !it.name_en.is_empty();
    ensure(named, "department.name_zh", "a name in Chinese or English is needed")?;
    ensure((1..=5).contains(&it.level), "department.level", "1 (province) to 5 (village)")?;
    division("department.division", &it.division)?;
    code_if_given("department.parent", &it.parent)?;
    code_if_given("department.guide", &it.guide)?;
    code("department.body", &it.body)?;
    rights("department.rights", &it.rights)?;
    root_keys(it.root.as_ref())
}
