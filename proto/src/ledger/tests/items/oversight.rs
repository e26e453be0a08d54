//! Items on sealed records, alerts, cases, products and misbehaviour of validators.

use crate::header::certificate::{VoteType, proposal_bytes, vote_bytes};
use crate::items::access::sealing::commitment;
use crate::suite::sign::PrivateKey;
use crate::types::{BlockId, ChainId, Height, IdentityId, RequestId};
use crate::wire::{self, case_subject::About};

/// Entitled to decide on sealing, where the parameters say so.
pub(crate) const AUTHORITY: &str = "gz.reg";

/// Records of `gz.psb` may be sealed.
pub(crate) fn order_sealing(open_by_ms: u64) -> wire::OrderSealing {
    wire::OrderSealing {
        authority: AUTHORITY.into(),
        collector: "gz.psb".into(),
        decision_digest: vec![40; 32],
        open_by_ms,
    }
}

pub(crate) fn extend_sealing(order: &[u8], open_by_ms: u64) -> wire::ExtendSealing {
    wire::ExtendSealing {
        authority: AUTHORITY.into(),
        order_id: order.to_vec(),
        decision_digest: vec![41; 32],
        open_by_ms,
    }
}

const SALT: [u8; 16] = [42; 16];

/// Commits to a record.
pub(crate) fn record_sealed(order: &[u8], record: &wire::RecordAccess) -> wire::RecordSealed {
    wire::RecordSealed {
        collector: record.collector.clone(),
        authority: AUTHORITY.into(),
        order_id: order.to_vec(),
        access_no: record.access_no,
        commitment: commitment(&SALT, record).to_vec(),
    }
}

/// Shows the record.
pub(crate) fn open_sealed(
    order: &[u8],
    gateway: &IdentityId,
    record: wire::RecordAccess,
) -> wire::OpenSealed {
    wire::OpenSealed {
        authority: AUTHORITY.into(),
        order_id: order.to_vec(),
        gateway_id: gateway.to_vec(),
        salt: SALT.to_vec(),
        record: Some(record),
    }
}

pub(crate) fn acknowledge_alert(department: &str, number: u64) -> wire::AnswerAlert {
    wire::AnswerAlert {
        department: department.into(),
        number,
        close: false,
        reason_digest: Vec::new(),
    }
}

pub(crate) fn close_alert(department: &str, number: u64) -> wire::AnswerAlert {
    wire::AnswerAlert {
        close: true,
        reason_digest: vec![43; 32],
        ..acknowledge_alert(department, number)
    }
}

/// A case against somebody.
pub(crate) fn open_case(department: &str, respondent: &str, about: About) -> wire::OpenCase {
    wire::OpenCase {
        department: department.into(),
        reference: "case-2026-001".into(),
        respondent: respondent.into(),
        subject: Some(wire::CaseSubject { about: Some(about) }),
        reason_digest: vec![44; 32],
    }
}

/// An appeal against an integrity event.
pub(crate) fn appeal(department: &str, number: u64) -> wire::OpenCase {
    let about = About::Integrity(wire::IntegrityName { department: department.into(), number });
    open_case(department, "", about)
}

pub(crate) fn of_version(dataset: &str, version: u64) -> About {
    About::Version(wire::DatasetVersion { dataset: dataset.into(), version })
}

pub(crate) fn of_record(
    dataset: &str,
    gateway: &IdentityId,
    access_no: u64,
    request: Option<&RequestId>,
) -> About {
    About::Record(wire::RecordName {
        dataset: dataset.into(),
        gateway_id: gateway.to_vec(),
        access_no,
        request_id: request.map(|id| id.to_vec()).unwrap_or_default(),
    })
}

pub(crate) fn of_grant(dataset: &str, request: &RequestId) -> About {
    About::Grant(wire::GrantName { dataset: dataset.into(), request_id: request.to_vec() })
}

pub(crate) fn of_correction(correction: &[u8]) -> About {
    About::Correction(wire::CorrectionName { correction_id: correction.to_vec() })
}

pub(crate) fn answer_case(case: &[u8], department: &str) -> wire::AnswerCase {
    wire::AnswerCase {
        case_id: case.to_vec(),
        department: department.into(),
        answer_digest: vec![45; 32],
    }
}

pub(crate) fn rule_case(case: &[u8], department: &str, uphold: bool) -> wire::RuleCase {
    wire::RuleCase {
        case_id: case.to_vec(),
        department: department.into(),
        uphold,
        reason_digest: vec![46; 32],
        commend: String::new(),
    }
}

/// A model of `gz.hrss`, which `gz.bdb` reviews for the management.
pub(crate) fn register_product(grants: &[RequestId]) -> wire::RegisterProduct {
    let mut request_ids: Vec<_> = grants.iter().map(|id| id.to_vec()).collect();
    request_ids.sort();
    wire::RegisterProduct {
        department: "gz.hrss".into(),
        reference: "model-2026-001".into(),
        kind: wire::ProductKind::Model as i32,
        digest: vec![47; 32],
        request_ids,
        manager: "gz.bdb".into(),
    }
}

pub(crate) fn review(product: &[u8], department: &str) -> wire::ReviewProduct {
    wire::ReviewProduct {
        product_id: product.to_vec(),
        department: department.into(),
        approve: true,
        reason_digest: Vec::new(),
    }
}

/// The same, not approving.
pub(crate) fn disapprove(product: &[u8], department: &str) -> wire::ReviewProduct {
    wire::ReviewProduct {
        approve: false,
        reason_digest: vec![48; 32],
        ..review(product, department)
    }
}

pub(crate) fn release(product: &[u8], department: &str) -> wire::ReleaseProduct {
    wire::ReleaseProduct { product_id: product.to_vec(), department: department.into() }
}

pub(crate) fn evaluate(product: &[u8], department: &str) -> wire::EvaluateProduct {
    wire::EvaluateProduct {
        product_id: product.to_vec(),
        department: department.into(),
        score: 4,
        report_digest: vec![49; 32],
    }
}

pub(crate) fn recall(product: &[u8], department: &str) -> wire::RecallProduct {
    wire::RecallProduct {
        product_id: product.to_vec(),
        department: department.into(),
        reason_digest: vec![50; 32],
    }
}

/// A precommit for a block; `None`: nil.
pub(crate) fn precommit(
    (chain, key): (&ChainId, &PrivateKey),
    (height, round): (u64, u32),
    block: Option<u8>,
) -> wire::SignedVote {
    let block = block.map(|byte| BlockId::new([byte; 32]));
    let kind = VoteType::Precommit;
    let message = vote_bytes(chain, kind, Height::new(height), round, block.as_ref());
    wire::SignedVote {
        vote_type: kind as u32,
        height,
        round,
        block_id: block.map(|id| id.to_vec()).unwrap_or_default(),
        signature: key.sign(&message).to_vec(),
        pol_round: None,
    }
}

/// A validator's proposal of a block, which carries a round's prevotes on or not.
pub(crate) fn proposal(
    (chain, key): (&ChainId, &PrivateKey),
    (height, round): (u64, u32),
    (block, pol_round): (u8, Option<u32>),
) -> wire::SignedVote {
    let (block, proposer) = (BlockId::new([block; 32]), key.public().key_id());
    let at = Height::new(height);
    let message = proposal_bytes(chain, at, round, pol_round, &block, &proposer);
    wire::SignedVote {
        vote_type: 3,
        height,
        round,
        block_id: block.to_vec(),
        signature: key.sign(&message).to_vec(),
        pol_round,
    }
}

/// `gz.psb` shows two votes of a validator of `gz.tax`.
pub(crate) fn double_vote(
    key: &PrivateKey,
    validator: &IdentityId,
    [first, second]: [wire::SignedVote; 2],
) -> wire::ReportDoubleVote {
    wire::ReportDoubleVote {
        department: "gz.psb".into(),
        key_id: key.public().key_id().to_vec(),
        validator_department: "gz.tax".into(),
        validator_identity_id: validator.to_vec(),
        first: Some(first),
        second: Some(second),
    }
}
