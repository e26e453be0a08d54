//! What an item must be whatever the ledger says: lengths, codes, known enum values, order.

use super::ItemError;
use crate::types::{check_code, limits};
use crate::wire::{self, item::Kind};

type Checked = Result<(), ItemError>;

fn wrong(field: &'static str, why: impl Into<String>) -> ItemError {
    ItemError::Field { field, why: why.into() }
}

fn ensure(holds: bool, field: &'static str, why: &str) -> Checked {
    if holds { Ok(()) } else { Err(wrong(field, why)) }
}

/// Checks an item and gives what it says.
pub(super) fn item(item: wire::Item) -> Result<Kind, ItemError> {
    let kind = item.kind.ok_or_else(|| wrong("kind", "the item says nothing"))?;
    match &kind {
        Kind::RegisterDataset(it) => register_dataset(it)?,
        Kind::RequestAccess(it) => request_access(it)?,
        Kind::DecideRequest(it) => decide_request(it)?,
        Kind::ConfirmGrant(it) => confirm_grant(it)?,
        Kind::RevokeGrant(it) => revoke_grant(it)?,
        Kind::RecordAccess(it) => record_access(it)?,
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

fn register_dataset(it: &wire::RegisterDataset) -> Checked {
    code("dataset", &it.dataset)?;
    code("collector", &it.collector)?;
    title("title_zh", &it.title_zh)?;
    title("title_en", &it.title_en)?;
    let titled = !it.title_zh.is_empty() || !it.title_en.is_empty();
    ensure(titled, "title_zh", "a title in Chinese or English is needed")?;
    grade("grade", it.grade)?;
    category("category", it.category, true)?;
    id("schema_digest", &it.schema_digest)?;
    ensure(!it.fields.is_empty(), "fields", "a dataset has at least one field")?;
    let names: Vec<&str> = it.fields.iter().map(|field| field.name.as_str()).collect();
    ascending("fields", &names, limits::FIELDS)?;
    for field in &it.fields {
        code("fields.name", &field.name)?;
        grade("fields.grade", field.grade)?;
        category("fields.category", field.category, false)?;
    }
    Ok(())
}

fn terms(given: Option<&wire::Terms>) -> Checked {
    let it = given.ok_or_else(|| wrong("terms", "terms are needed"))?;
    ascending("terms.fields", &it.fields, limits::FIELDS)?;
    for field in &it.fields {
        code("terms.fields", field)?;
    }
    let digits = it.division.len() <= 12 && it.division.bytes().all(|b| b.is_ascii_digit());
    ensure(digits, "terms.division", "a division is at most 12 digits")?;
    ensure(!it.operations.is_empty(), "terms.operations", "at least one operation is needed")?;
    ascending("terms.operations", &it.operations, 6)?;
    for value in &it.operations {
        operation("terms.operations", *value)?;
    }
    let who = &it.identity_ids;
    ensure(!who.is_empty(), "terms.identity_ids", "at least one identity is needed")?;
    ascending("terms.identity_ids", who, limits::GRANT_IDENTITIES)?;
    for bytes in who {
        id("terms.identity_ids", bytes)?;
    }
    ensure(it.from_ms < it.until_ms, "terms.until_ms", "the period must end after it begins")?;
    ensure(it.quota.is_some(), "terms.quota", "a quota is needed; zeros mean no limit")?;
    let delegation = wire::Delegation::try_from(it.delegation)
        .map_err(|_| wrong("terms.delegation", "unknown delegation"))?;
    let none = delegation == wire::Delegation::Unspecified;
    ensure(none == (it.delegation_depth == 0), "terms.delegation_depth", "a depth goes with it")
}

fn request_access(it: &wire::RequestAccess) -> Checked {
    code("dataset", &it.dataset)?;
    code("collector", &it.collector)?;
    code("using_department", &it.using_department)?;
    code("reference", &it.reference)?;
    code("purpose", &it.purpose)?;
    id("purpose_digest", &it.purpose_digest)?;
    code("legal_basis", &it.legal_basis)?;
    terms(it.terms.as_ref())
}

fn decide_request(it: &wire::DecideRequest) -> Checked {
    id("request_id", &it.request_id)?;
    code("dataset", &it.dataset)?;
    code("collector", &it.collector)?;
    code("using_department", &it.using_department)?;
    id_if_given("reason_digest", &it.reason_digest)?;
    if it.approve {
        return terms(it.terms.as_ref());
    }
    ensure(it.terms.is_none(), "terms", "a refusal has no terms")?;
    id("reason_digest", &it.reason_digest)
}

fn confirm_grant(it: &wire::ConfirmGrant) -> Checked {
    id("request_id", &it.request_id)?;
    code("dataset", &it.dataset)?;
    code("collector", &it.collector)?;
    code("using_department", &it.using_department)?;
    code("manager", &it.manager)?;
    if it.confirm {
        id_if_given("reason_digest", &it.reason_digest)
    } else {
        id("reason_digest", &it.reason_digest)
    }
}

fn revoke_grant(it: &wire::RevokeGrant) -> Checked {
    id("request_id", &it.request_id)?;
    code("dataset", &it.dataset)?;
    code("collector", &it.collector)?;
    code("using_department", &it.using_department)?;
    code("manager", &it.manager)?;
    id("reason_digest", &it.reason_digest)
}

fn party(field: &'static str, it: &wire::Party) -> Checked {
    id_if_given(field, &it.identity_id)?;
    id_if_given(field, &it.unmapped_digest)?;
    let one = it.identity_id.is_empty() != it.unmapped_digest.is_empty();
    ensure(one, field, "an identity, or the digest of an unmapped account: one of the two")?;
    if it.identity_id.is_empty() {
        ensure(it.department.is_empty(), field, "an unmapped account has no department")?;
    } else {
        code(field, &it.department)?;
    }
    wire::Assurance::try_from(it.assurance).map_err(|_| wrong(field, "unknown assurance"))?;
    Ok(())
}

fn record_access(it: &wire::RecordAccess) -> Checked {
    code("collector", &it.collector)?;
    ensure(it.access_no > 0, "access_no", "numbers begin at 1")?;
    let decision =
        wire::Decision::try_from(it.decision).map_err(|_| wrong("decision", "unknown decision"))?;
    ensure(decision != wire::Decision::Unspecified, "decision", "served or denied is needed")?;
    ensure(!it.accesses.is_empty(), "accesses", "at least one dataset is needed")?;
    let order: Vec<(&str, i32)> =
        it.accesses.iter().map(|one| (one.dataset.as_str(), one.operation)).collect();
    ascending("accesses", &order, limits::RECORD_DATASETS)?;
    for one in &it.accesses {
        dataset_access(one)?;
    }
    party("asker", it.asker.as_ref().ok_or_else(|| wrong("asker", "an asker is needed"))?)?;
    if let Some(via) = &it.via {
        party("via", via)?;
    }
    id_if_given("via_message_digest", &it.via_message_digest)?;
    let carried = it.via.is_some() || it.via_message_digest.is_empty();
    ensure(carried, "via_message_digest", "a message id belongs to a platform")?;
    if let Some(on_behalf_of) = &it.on_behalf_of {
        party("on_behalf_of", on_behalf_of)?;
    }
    if !it.purpose.is_empty() {
        code("purpose", &it.purpose)?;
    }
    subjects(it.subjects.as_ref())?;
    id("query_digest", &it.query_digest)?;
    id_if_given("result_digest", &it.result_digest)?;
    ensure(it.access_time_ms > 0, "access_time_ms", "a time is needed")
}

fn dataset_access(it: &wire::DatasetAccess) -> Checked {
    code("accesses.dataset", &it.dataset)?;
    operation("accesses.operation", it.operation)?;
    id_if_given("accesses.request_id", &it.request_id)?;
    ascending("accesses.fields", &it.fields, limits::FIELDS)?;
    for field in &it.fields {
        code("accesses.fields", field)?;
    }
    Ok(())
}

fn subjects(given: Option<&wire::Subjects>) -> Checked {
    let it = given.ok_or_else(|| wrong("subjects", "subjects are needed, listed or unknown"))?;
    ascending("subjects.tags", &it.tags, limits::RECORD_TAGS)?;
    for tag in &it.tags {
        id("subjects.tags", tag)?;
    }
    Ok(())
}
