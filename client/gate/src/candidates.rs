//! Which grants a record could be under.

use liuhen_proto::types::RequestId;
use liuhen_proto::wire::{GrantKind, RecordAccess, RequestStanding};

/// Grants that a department's access could be under.
pub fn candidates(standings: &[RequestStanding], department: &str) -> Vec<RequestId> {
    let grants = standings.iter().filter_map(|it| it.grant.as_ref());
    let may = grants.filter(|it| {
        it.using_department == department || it.class.is_some() || it.kind() == GrantKind::Internal
    });
    may.filter_map(|it| RequestId::from_slice(&it.request_id).ok()).collect()
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
