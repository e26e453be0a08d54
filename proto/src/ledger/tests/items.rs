//! Valid items of each kind, for cases to bend.

mod deciding;
mod gateways;
mod members;
mod oversight;
mod sharing;

pub(crate) use deciding::*;
pub(crate) use gateways::*;
pub(crate) use members::*;
pub(crate) use oversight::*;
pub(crate) use sharing::*;

use crate::items::{Item, ItemError};
use crate::types::{IdentityId, RequestId};
use crate::wire::{self, item::Kind};

/// A moment of the world's first day: 10:00 local time (+08:00).
pub(crate) const T0: u64 = 20_500 * DAY + 2 * HOUR;
pub(crate) const HOUR: u64 = 3_600_000;
pub(crate) const DAY: u64 = 24 * HOUR;

pub(crate) const PURPOSE: &str = "pension";
pub(crate) const LEGAL_BASIS: &str = "social-insurance-law";

/// An item with a fixed nonce.
pub(crate) fn item(kind: impl Into<Kind>) -> Result<Item, ItemError> {
    Item::new([7; 16], kind.into())
}

pub(crate) fn field(name: &str) -> wire::Field {
    wire::Field { name: name.into(), grade: 2, category: 0 }
}

/// A dataset of grade 2, shared on condition, with the fields birth, name and status.
pub(crate) fn register(dataset: &str, collector: &str) -> wire::RegisterDataset {
    wire::RegisterDataset {
        dataset: dataset.into(),
        collector: collector.into(),
        title_zh: "人口基本信息".into(),
        title_en: "Residents".into(),
        grade: 2,
        category: wire::Category::Conditional as i32,
        fields: ["birth", "name", "status"].map(field).to_vec(),
        schema_digest: vec![3; 32],
    }
}

/// Read name and status, from the first day on for a year, without a limit.
pub(crate) fn terms(identities: &[IdentityId]) -> wire::Terms {
    let mut identity_ids: Vec<_> = identities.iter().map(|id| id.to_vec()).collect();
    identity_ids.sort();
    wire::Terms {
        fields: vec!["name".into(), "status".into()],
        division: "52".into(),
        operations: vec![wire::Operation::Read as i32, wire::Operation::Export as i32],
        identity_ids,
        from_ms: T0,
        until_ms: T0 + 365 * DAY,
        quota: Some(wire::Quota::default()),
        delegation: 0,
        delegation_depth: 0,
        schedule: None,
    }
}

pub(crate) fn request(
    dataset: &str,
    collector: &str,
    using_department: &str,
    terms: wire::Terms,
) -> wire::RequestAccess {
    wire::RequestAccess {
        dataset: dataset.into(),
        collector: collector.into(),
        using_department: using_department.into(),
        reference: "hr-2026-001".into(),
        purpose: PURPOSE.into(),
        purpose_digest: vec![4; 32],
        legal_basis: LEGAL_BASIS.into(),
        terms: Some(terms),
        renews: Vec::new(),
    }
}

/// Approves what was asked.
pub(crate) fn approve(id: &RequestId, asked: &wire::RequestAccess) -> wire::DecideRequest {
    wire::DecideRequest {
        request_id: id.to_vec(),
        dataset: asked.dataset.clone(),
        collector: asked.collector.clone(),
        using_department: asked.using_department.clone(),
        approve: true,
        terms: asked.terms.clone(),
        reason_digest: Vec::new(),
    }
}

pub(crate) fn refuse(id: &RequestId, asked: &wire::RequestAccess) -> wire::DecideRequest {
    wire::DecideRequest {
        approve: false,
        terms: None,
        reason_digest: vec![5; 32],
        ..approve(id, asked)
    }
}

pub(crate) fn confirm(
    id: &RequestId,
    asked: &wire::RequestAccess,
    manager: &str,
) -> wire::ConfirmGrant {
    wire::ConfirmGrant {
        request_id: id.to_vec(),
        dataset: asked.dataset.clone(),
        collector: asked.collector.clone(),
        using_department: asked.using_department.clone(),
        manager: manager.into(),
        confirm: true,
        reason_digest: Vec::new(),
    }
}

pub(crate) fn revoke(
    id: &RequestId,
    asked: &wire::RequestAccess,
    manager: &str,
) -> wire::RevokeGrant {
    wire::RevokeGrant {
        request_id: id.to_vec(),
        dataset: asked.dataset.clone(),
        collector: asked.collector.clone(),
        using_department: asked.using_department.clone(),
        manager: manager.into(),
        reason_digest: vec![6; 32],
    }
}

/// Somebody whom the gateway authenticated.
pub(crate) fn verified(department: &str, identity: &IdentityId) -> wire::Party {
    wire::Party {
        department: department.into(),
        identity_id: identity.to_vec(),
        unmapped_digest: Vec::new(),
        assurance: wire::Assurance::Verified as i32,
    }
}

pub(crate) fn access(dataset: &str, request: Option<&RequestId>) -> wire::DatasetAccess {
    wire::DatasetAccess {
        dataset: dataset.into(),
        operation: wire::Operation::Read as i32,
        request_id: request.map(|id| id.to_vec()).unwrap_or_default(),
        fields: vec!["name".into()],
        ..wire::DatasetAccess::default()
    }
}

/// A record of one query that read one row about one subject.
pub(crate) fn record(
    collector: &str,
    access_no: u64,
    access: wire::DatasetAccess,
    asker: wire::Party,
    access_time_ms: u64,
) -> wire::RecordAccess {
    wire::RecordAccess {
        channel: wire::Channel::Door as i32,
        collector: collector.into(),
        access_no,
        decision: wire::Decision::Served as i32,
        accesses: vec![access],
        asker: Some(asker),
        purpose: PURPOSE.into(),
        subjects: Some(wire::Subjects { tags: vec![vec![8; 32]], ..Default::default() }),
        query_digest: vec![9; 32],
        result_digest: vec![10; 32],
        row_count: Some(1),
        access_time_ms,
        ..Default::default()
    }
}
