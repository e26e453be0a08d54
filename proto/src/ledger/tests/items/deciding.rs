//! Items on the catalogue's changes, on proposals, and on reading the ledger.

use super::register;
use crate::items::reading::reads::commitment;
use crate::place::TrailKind;
use crate::types::{IdentityId, ProposalId};
use crate::wire::{self, propose::Change};

pub(crate) fn update(dataset: &str, collector: &str) -> wire::UpdateDataset {
    let it = register(dataset, collector);
    wire::UpdateDataset {
        dataset: it.dataset,
        collector: it.collector,
        title_zh: it.title_zh,
        title_en: it.title_en,
        grade: it.grade,
        category: it.category,
        fields: it.fields,
        schema_digest: vec![21; 32],
    }
}

pub(crate) fn retire(dataset: &str, collector: &str) -> wire::RetireDataset {
    wire::RetireDataset {
        dataset: dataset.into(),
        collector: collector.into(),
        reason_digest: vec![22; 32],
    }
}

/// A version that follows on the one before, whose digest is its number.
pub(crate) fn version(dataset: &str, collector: &str, number: u8) -> wire::PublishVersion {
    let first = number == 1;
    wire::PublishVersion {
        dataset: dataset.into(),
        collector: collector.into(),
        version: number.into(),
        content_digest: vec![number; 32],
        row_count: 100,
        rows_added: 1,
        rows_changed: 2,
        rows_removed: 3,
        previous_digest: if first { Vec::new() } else { vec![number - 1; 32] },
    }
}

pub(crate) fn propose(department: &str, change: Change) -> wire::Propose {
    wire::Propose {
        department: department.into(),
        reference: "p-2026-001".into(),
        reason_digest: vec![23; 32],
        change: Some(change),
    }
}

pub(crate) fn vote(department: &str, proposal: &ProposalId, approve: bool) -> wire::Vote {
    wire::Vote { department: department.into(), proposal_id: proposal.to_vec(), approve }
}

/// An auditor's look at a trail.
pub(crate) fn read(department: &str, identity: &IdentityId) -> wire::TrailRead {
    wire::TrailRead {
        department: department.into(),
        identity_id: identity.to_vec(),
        trail_kind: TrailKind::Dataset as u32,
        trail_id: b"civil.resident".to_vec(),
        first: 0,
        count: 10,
        time_ms: 1,
        salt: Vec::new(),
    }
}

/// The same, sealed until its audit closes.
pub(crate) fn sealed_read(department: &str, identity: &IdentityId, salt: u8) -> wire::TrailRead {
    wire::TrailRead { salt: vec![salt; 32], ..read(department, identity) }
}

pub(crate) fn record_reads(node: &str, reads: Vec<wire::TrailRead>) -> wire::RecordReads {
    wire::RecordReads { department: node.into(), reads, sealed: Vec::new() }
}

/// Commits a node to what it showed for an audit.
pub(crate) fn seal_reads(node: &str, audit: &str, reads: &[wire::TrailRead]) -> wire::RecordReads {
    let sealed = reads.iter().map(|it| wire::SealedRead {
        department: it.department.clone(),
        audit: audit.into(),
        commitment: commitment(it).to_vec(),
    });
    wire::RecordReads { department: node.into(), reads: Vec::new(), sealed: sealed.collect() }
}

pub(crate) fn open_audit(department: &str, audit: &str) -> wire::OpenAudit {
    wire::OpenAudit { department: department.into(), audit: audit.into() }
}

pub(crate) fn close_audit(department: &str, audit: &str) -> wire::CloseAudit {
    wire::CloseAudit { department: department.into(), audit: audit.into() }
}

pub(crate) fn open_reads(
    node: &str,
    (department, audit): (&str, &str),
    reads: Vec<wire::TrailRead>,
) -> wire::OpenReads {
    wire::OpenReads {
        department: node.into(),
        audit_department: department.into(),
        audit: audit.into(),
        reads,
    }
}
