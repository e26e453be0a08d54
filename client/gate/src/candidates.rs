//! Which grants a record could be under.

use liuhen_proto::types::RequestId;
use liuhen_proto::wire::{GrantKind, RecordAccess, RequestStanding};

/// The grant of a request, where a department's access could be under it.
pub fn candidate(standing: &RequestStanding, department: &str) -> Option<RequestId> {
    let grant = standing.grant.as_ref()?;
    let may = grant.using_department == department
        || grant.class.is_some()
        || grant.kind() == GrantKind::Internal;
    RequestId::from_slice(&grant.request_id).ok().filter(|_| may)
}

/// The same record under a grant.
pub fn under(record: &RecordAccess, id: Option<&RequestId>) -> RecordAccess {
    let mut record = record.clone();
    for access in &mut record.accesses {
        access.request_id = id.map(|id| id.to_vec()).unwrap_or_default();
    }
    record
}

/// The grant that a record of one dataset is under.
pub fn named(record: &RecordAccess) -> Option<RequestId> {
    record.accesses.first().and_then(|it| RequestId::from_slice(&it.request_id).ok())
}
