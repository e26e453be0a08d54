//! Items on the catalogue's changes, on proposals, and on reading the ledger.

use super::register;
use crate::items::reading::{
    read::commitment,
    request::{self, Asked},
    sealed::{Batch, path},
};
use crate::place::TrailKind;
use crate::suite::sign::PrivateKey;
use crate::types::{ChainId, Hash, IdentityId, KeyId, ProposalId, TimeMs};
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

/// An auditor's look at a trail, signed with some key.
pub(crate) fn read(department: &str, identity: &IdentityId) -> wire::TrailRead {
    let it = wire::TrailRead {
        department: department.into(),
        identity_id: identity.to_vec(),
        trail_kind: TrailKind::Dataset as u32,
        trail_id: b"civil.resident".to_vec(),
        first: 0,
        count: 10,
        time_ms: 1_000,
        salt: Vec::new(),
        request: None,
        list: String::new(),
    };
    let key = PrivateKey::from_seed(&[7; 32]);
    signed(&key, &ChainId::new([7; 32]), it, (&key.public().key_id(), ""))
}

/// The same, asked of this node with this key, for an audit or none.
pub(crate) fn signed(
    key: &PrivateKey,
    chain: &ChainId,
    read: wire::TrailRead,
    (node, audit): (&KeyId, &str),
) -> wire::TrailRead {
    let asked = Asked {
        call: request::call_digest("/liuhen.v1.TrailService/GetTrail", &[1]),
        time: TimeMs::new(read.time_ms),
        nonce: [9; 16],
        node: *node,
        audit,
    };
    wire::TrailRead { request: Some(request::sign(key, chain, &asked)), ..read }
}

/// Sealed until its audit closes.
pub(crate) fn sealed_read(department: &str, identity: &IdentityId, salt: u8) -> wire::TrailRead {
    wire::TrailRead { salt: vec![salt; 32], ..read(department, identity) }
}

pub(crate) fn record_reads(node: &str, reads: Vec<wire::TrailRead>) -> wire::RecordReads {
    wire::RecordReads { department: node.into(), reads, sealed: Vec::new() }
}

/// The root over what reads commit to.
pub(crate) fn batch_root(reads: &[wire::TrailRead]) -> Hash {
    reads.iter().map(commitment).collect::<Batch>().root()
}

/// Commits a node to what it showed for an audit.
pub(crate) fn seal_reads(node: &str, audit: &str, reads: &[wire::TrailRead]) -> wire::RecordReads {
    let sealed = wire::SealedReads {
        department: reads[0].department.clone(),
        audit: audit.into(),
        root: batch_root(reads).to_vec(),
        count: u32::try_from(reads.len()).unwrap(),
    };
    wire::RecordReads { department: node.into(), reads: Vec::new(), sealed: vec![sealed] }
}

pub(crate) fn open_audit(department: &str, audit: &str) -> wire::OpenAudit {
    let until_ms = super::T0 + 90 * super::DAY;
    wire::OpenAudit { department: department.into(), audit: audit.into(), until_ms }
}

pub(crate) fn close_audit(department: &str, audit: &str) -> wire::CloseAudit {
    wire::CloseAudit { department: department.into(), audit: audit.into() }
}

/// Opens these of a batch that the same department's node sealed.
pub(crate) fn open_reads(
    node: &str,
    (department, audit): (&str, &str),
    batch: &[wire::TrailRead],
    which: &[usize],
) -> wire::OpenReads {
    let sealed: Batch = batch.iter().map(commitment).collect();
    let opened = |at: &usize| {
        let index = u32::try_from(*at).unwrap();
        let path = path(&sealed, index).unwrap().iter().map(|hash| hash.to_vec()).collect();
        wire::OpenedRead { read: Some(batch[*at].clone()), index, path }
    };
    wire::OpenReads {
        department: node.into(),
        audit_department: department.into(),
        audit: audit.into(),
        root: batch_root(batch).to_vec(),
        reads: which.iter().map(opened).collect(),
        sealed_by: node.into(),
    }
}
