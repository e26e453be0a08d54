//! Items of gateways.

use super::{Checked, ascending, code, ensure, id, id_if_given, record, wrong};
use crate::types::limits;
use crate::wire;

pub(super) fn set_gateway(it: &wire::SetGateway) -> Checked {
    code("collector", &it.collector)?;
    id("gateway_id", &it.gateway_id)?;
    ascending("datasets", &it.datasets, limits::GATEWAY_DATASETS)?;
    for dataset in &it.datasets {
        code("datasets", dataset)?;
    }
    id_if_given("mapping_digest", &it.mapping_digest)
}

pub(super) fn commit_mapping(it: &wire::CommitMapping) -> Checked {
    code("collector", &it.collector)?;
    id("gateway_id", &it.gateway_id)?;
    id("mapping_digest", &it.mapping_digest)
}

pub(super) fn seal_period(it: &wire::SealPeriod) -> Checked {
    code("collector", &it.collector)?;
    ensure(it.from_ms < it.until_ms, "until_ms", "a period ends after it begins")?;
    ensure(it.first > 0, "first", "numbers begin at 1")?;
    ensure(it.first.checked_add(it.count).is_some(), "count", "beyond all numbers")?;
    id("spool_root", &it.spool_root)?;
    let order: Vec<&str> = it.observed.iter().map(|one| one.dataset.as_str()).collect();
    ascending("observed", &order, limits::GATEWAY_DATASETS)?;
    for one in &it.observed {
        code("observed.dataset", &one.dataset)?;
        id_if_given("observed.content_digest", &one.content_digest)?;
    }
    Ok(())
}

pub(super) fn declare_loss(it: &wire::DeclareLoss) -> Checked {
    code("collector", &it.collector)?;
    id("gateway_id", &it.gateway_id)?;
    ensure(it.first > 0, "first", "numbers begin at 1")?;
    ensure(it.first <= it.last && it.last < u64::MAX, "last", "a range ends behind its begin")?;
    code("cause", &it.cause)
}

pub(super) fn declare_outage(it: &wire::DeclareOutage) -> Checked {
    code("collector", &it.collector)?;
    id("gateway_id", &it.gateway_id)?;
    code("cause", &it.cause)
}

pub(super) fn unrecordable(it: &wire::Unrecordable) -> Checked {
    code("collector", &it.collector)?;
    ensure(it.access_no > 0, "access_no", "numbers begin at 1")?;
    id("digest", &it.digest)?;
    code("reason", &it.reason)
}

pub(super) fn manual_handover(it: &wire::ManualHandover) -> Checked {
    let given = it.record.as_ref().ok_or_else(|| wrong("record", "a record is needed"))?;
    record::record_access(given)?;
    let served = given.decision() == wire::Decision::Served;
    ensure(served, "record.decision", "what is handed over is served")?;
    id("medium_digest", &it.medium_digest)
}

pub(super) fn add_bulk_tags(it: &wire::AddBulkTags) -> Checked {
    code("collector", &it.collector)?;
    ensure(it.access_no > 0, "access_no", "numbers begin at 1")?;
    ensure(!it.tags.is_empty(), "tags", "at least one tag is needed")?;
    ascending("tags", &it.tags, limits::BULK_TAGS)?;
    for tag in &it.tags {
        id("tags", tag)?;
    }
    Ok(())
}

pub(super) fn correct_records(it: &wire::CorrectRecords) -> Checked {
    code("collector", &it.collector)?;
    id("gateway_id", &it.gateway_id)?;
    code("reason", &it.reason)?;
    id("mapping_digest", &it.mapping_digest)?;
    id_if_given("from_identity_id", &it.from_identity_id)?;
    id_if_given("from_unmapped_digest", &it.from_unmapped_digest)?;
    let one = it.from_identity_id.is_empty() != it.from_unmapped_digest.is_empty();
    ensure(one, "from_identity_id", "an identity, or the digest of an account: one of the two")?;
    if it.from_identity_id.is_empty() {
        ensure(it.from_department.is_empty(), "from_department", "an account has none")?;
    } else {
        code("from_department", &it.from_department)?;
    }
    code("to_department", &it.to_department)?;
    id("to_identity_id", &it.to_identity_id)?;
    ensure(it.to_identity_id != it.from_identity_id, "to_identity_id", "another is needed")?;
    ensure(!it.records.is_empty(), "records", "at least one record is needed")?;
    let numbers: Vec<u64> = it.records.iter().map(|one| one.access_no).collect();
    ascending("records", &numbers, limits::CORRECTED_RECORDS)?;
    for one in &it.records {
        record::record_access(one)?;
        ensure(one.collector == it.collector, "records.collector", "another collector's record")?;
        let asker = one.asker.as_ref().map(|asker| (&asker.department, &asker.identity_id));
        let is_theirs = asker == Some((&it.to_department, &it.to_identity_id));
        ensure(is_theirs, "records.asker", "not of the identity that the item names")?;
    }
    Ok(())
}

pub(super) fn agree_correction(it: &wire::AgreeCorrection) -> Checked {
    id("correction_id", &it.correction_id)?;
    code("department", &it.department)?;
    id_if_given("reason_digest", &it.reason_digest)?;
    ensure(it.agree || !it.reason_digest.is_empty(), "reason_digest", "a reason is needed")
}
