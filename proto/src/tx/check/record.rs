//! Items on access.

use super::{Checked, ascending, code, ensure, id, id_if_given, operation, wrong};
use crate::types::limits;
use crate::wire;

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

pub(super) fn record_access(it: &wire::RecordAccess) -> Checked {
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
    subjects(it)?;
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

fn subjects(record: &wire::RecordAccess) -> Checked {
    let given = record.subjects.as_ref();
    let it = given.ok_or_else(|| wrong("subjects", "subjects are needed, listed or unknown"))?;
    ascending("subjects.tags", &it.tags, limits::RECORD_TAGS)?;
    for tag in &it.tags {
        id("subjects.tags", tag)?;
    }
    let few = !it.tags.is_empty() || it.unknown_count > 0;
    if let Some(bulk) = &it.bulk {
        let fits = (1..=limits::BULK_SUBJECTS).contains(&bulk.count);
        ensure(fits, "subjects.bulk.count", "a bulk set has 1 to 100,000,000 subjects")?;
        id("subjects.bulk.root", &bulk.root)?;
        ensure(!few && !it.whole, "subjects.bulk", "a bulk set stands alone")?;
    }
    if it.whole {
        let named = record.accesses.iter().all(|one| one.version > 0);
        ensure(named && !few, "subjects.whole", "whole versions are named, and stand alone")?;
    }
    Ok(())
}
