//! Items of gateways, and of the users' half. Where nothing else is said the collector is `gz.psb`.

use super::request;
use crate::subject::bulk_root;
use crate::types::{IdentityId, RequestId};
use crate::wire;

const COLLECTOR: &str = "gz.psb";

/// Sets a gateway up to serve these datasets.
pub(crate) fn set_gateway(gateway: &IdentityId, datasets: &[&str]) -> wire::SetGateway {
    wire::SetGateway {
        collector: COLLECTOR.into(),
        gateway_id: gateway.to_vec(),
        datasets: datasets.iter().map(|it| (*it).to_owned()).collect(),
        mapping_digest: vec![30; 32],
    }
}

/// The collector has a gateway observe a dataset until then.
pub(crate) fn set_observing(gateway: &IdentityId, until_ms: u64) -> wire::SetObserving {
    wire::SetObserving {
        department: COLLECTOR.into(),
        collector: COLLECTOR.into(),
        gateway_id: gateway.to_vec(),
        datasets: vec!["civil.resident".into()],
        until_ms,
    }
}

/// A gateway sets so many queries and rows of a grant aside until then.
pub(crate) fn lease_use(
    id: &RequestId,
    asked: &wire::RequestAccess,
    (queries, rows): (u64, u64),
    until_ms: u64,
) -> wire::LeaseUse {
    wire::LeaseUse {
        request_id: id.to_vec(),
        dataset: asked.dataset.clone(),
        collector: asked.collector.clone(),
        using_department: asked.using_department.clone(),
        queries,
        rows,
        until_ms,
    }
}

pub(crate) fn state_list(department: &str) -> wire::StateList {
    wire::StateList {
        department: department.into(),
        platform: "gz.exchange".into(),
        kind: wire::StatedKind::Approvals as i32,
        count: 3,
        root: vec![33; 32],
        from_ms: 1,
        until_ms: 2,
    }
}

pub(crate) fn commit_mapping(gateway: &IdentityId) -> wire::CommitMapping {
    wire::CommitMapping {
        collector: COLLECTOR.into(),
        gateway_id: gateway.to_vec(),
        mapping_digest: vec![31; 32],
    }
}

/// Seals a time, and the numbers `[first, first + count)`.
pub(crate) fn seal(
    (from_ms, until_ms): (u64, u64),
    (first, count): (u64, u64),
) -> wire::SealPeriod {
    wire::SealPeriod {
        collector: COLLECTOR.into(),
        from_ms,
        until_ms,
        first,
        count,
        spool_root: vec![32; 32],
        observed: Vec::new(),
    }
}

/// What a gateway saw of a version whose digest is its number.
pub(crate) fn observed(dataset: &str, version: u8) -> wire::Observed {
    wire::Observed {
        dataset: dataset.into(),
        version: version.into(),
        content_digest: vec![version; 32],
        row_count: 100,
    }
}

pub(crate) fn declare_loss(gateway: &IdentityId, (first, last): (u64, u64)) -> wire::DeclareLoss {
    wire::DeclareLoss {
        collector: COLLECTOR.into(),
        gateway_id: gateway.to_vec(),
        first,
        last,
        cause: "disk-failure".into(),
    }
}

pub(crate) fn declare_outage(gateway: &IdentityId, until_ms: u64) -> wire::DeclareOutage {
    wire::DeclareOutage {
        collector: COLLECTOR.into(),
        gateway_id: gateway.to_vec(),
        until_ms,
        cause: "maintenance".into(),
    }
}

pub(crate) fn unrecordable(access_no: u64) -> wire::Unrecordable {
    wire::Unrecordable {
        collector: COLLECTOR.into(),
        access_no,
        digest: vec![33; 32],
        reason: "dataset.unknown".into(),
    }
}

pub(crate) fn handover(record: wire::RecordAccess) -> wire::ManualHandover {
    wire::ManualHandover { record: Some(record), medium_digest: vec![34; 32] }
}

/// The tag of a subject of a bulk set, by its number.
pub(crate) fn tag(number: u8) -> Vec<u8> {
    vec![number; 32]
}

/// Subjects that are a bulk set of these tags.
pub(crate) fn bulk(numbers: &[u8]) -> Option<wire::Subjects> {
    let tags: Vec<_> = numbers.iter().map(|number| tag(*number)).collect();
    let root = bulk_root(tags.iter().map(Vec::as_slice)).to_vec();
    let bulk = Some(wire::BulkSubjects { count: tags.len() as u64, root });
    Some(wire::Subjects { bulk, ..wire::Subjects::default() })
}

pub(crate) fn add_bulk_tags(access_no: u64, numbers: &[u8]) -> wire::AddBulkTags {
    wire::AddBulkTags {
        collector: COLLECTOR.into(),
        access_no,
        tags: numbers.iter().map(|number| tag(*number)).collect(),
    }
}

/// Puts records down to the identity that asked in them, and that an account was mapped wrongly.
pub(crate) fn correct(
    gateway: &IdentityId,
    (from_department, from): (&str, &IdentityId),
    records: Vec<wire::RecordAccess>,
) -> wire::CorrectRecords {
    let asker = records[0].asker.clone().unwrap();
    wire::CorrectRecords {
        collector: COLLECTOR.into(),
        gateway_id: gateway.to_vec(),
        reason: "wrong-mapping".into(),
        mapping_digest: vec![35; 32],
        from_department: from_department.into(),
        from_identity_id: from.to_vec(),
        from_unmapped_digest: Vec::new(),
        to_department: asker.department,
        to_identity_id: asker.identity_id,
        recorded: vec![vec![36; 32]; records.len()],
        records,
    }
}

pub(crate) fn agree(correction: &[u8], department: &str) -> wire::AgreeCorrection {
    wire::AgreeCorrection {
        correction_id: correction.to_vec(),
        department: department.into(),
        agree: true,
        reason_digest: Vec::new(),
    }
}

/// The same, not agreeing.
pub(crate) fn decline(correction: &[u8], department: &str) -> wire::AgreeCorrection {
    wire::AgreeCorrection {
        agree: false,
        reason_digest: vec![36; 32],
        ..agree(correction, department)
    }
}

/// The user's half of a record of one row.
pub(crate) fn acknowledge(
    id: &RequestId,
    asked: &wire::RequestAccess,
    gateway: &IdentityId,
    access_no: u64,
) -> wire::Acknowledge {
    wire::Acknowledge {
        receipt: None,
        request_id: id.to_vec(),
        dataset: asked.dataset.clone(),
        collector: asked.collector.clone(),
        using_department: asked.using_department.clone(),
        gateway_id: gateway.to_vec(),
        access_no,
        row_count: Some(1),
        result_digest: vec![10; 32],
    }
}

pub(crate) fn acknowledge_hour(
    id: &RequestId,
    asked: &wire::RequestAccess,
    hour: u64,
    count: u64,
) -> wire::AcknowledgeHour {
    wire::AcknowledgeHour {
        request_id: id.to_vec(),
        dataset: asked.dataset.clone(),
        collector: asked.collector.clone(),
        using_department: asked.using_department.clone(),
        hour,
        count,
        root: vec![37; 32],
    }
}

/// What a request for all that was asked for says of another dataset.
pub(crate) fn asked_of(dataset: &str, asked: &wire::RequestAccess) -> wire::RequestAccess {
    request(dataset, &asked.collector, &asked.using_department, asked.terms.clone().unwrap())
}
