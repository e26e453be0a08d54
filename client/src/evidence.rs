//! Proof files made of others, without a node: what is absent, and what speaks against validators.

use crate::error::ClientError;
use crate::lang::pick;
use liuhen_proto::canonical;
use liuhen_proto::header::{block::Header, checkpoint::Checkpoint, note::Note};
use liuhen_proto::suite::sign::Signature;
use liuhen_proto::types::{TxId, limits};
use liuhen_proto::wire::{self, absence_claim::Of, trace::Claim};
use prost::Message;

fn read(bytes: &[u8]) -> Result<wire::Trace, ClientError> {
    let trace = canonical::decode("proof file", bytes, limits::TRACE_BYTES);
    trace.map_err(|e| ClientError::Failed(e.to_string()))
}

fn complete(trace: &mut wire::Trace) -> Result<wire::CompletenessClaim, ClientError> {
    match trace.claim.take() {
        Some(Claim::Completeness(claim)) => Ok(claim),
        _ => Err(ClientError::usage("the file does not prove a trail", "该文件证明的不是轨迹")),
    }
}

/// Of a proof of a trail: that the trail had not come to a number. Errors where it had.
pub fn absent_number(trail: &[u8], number: u64) -> Result<Vec<u8>, ClientError> {
    let mut trace = read(trail)?;
    let claim = complete(&mut trace)?;
    if number < claim.size {
        let size = claim.size;
        return Err(ClientError::failed(pick(
            &format!("the trail has {size} events, and so one of number {number}"),
            &format!("该轨迹有 {size} 个事件，编号 {number} 在其中"),
        )));
    }
    let head = wire::TrailHead {
        trail_kind: claim.trail_kind,
        trail_id: claim.trail_id,
        size: claim.size,
        root: claim.root,
        path: claim.path,
    };
    let of = Of::Number(wire::AbsentNumber { trail: Some(head), number });
    trace.claim = Some(Claim::Absence(wire::AbsenceClaim { of: Some(of) }));
    trace.transactions.clear();
    trace.objects.clear();
    Ok(trace.encode_to_vec())
}

/// Of a proof of a trail: that a transaction is not on it. Errors where it is.
pub fn absent_transaction(trail: &[u8], id: &TxId) -> Result<Vec<u8>, ClientError> {
    let mut trace = read(trail)?;
    let claim = complete(&mut trace)?;
    let is = |it: &wire::ProvedTransaction| {
        let signature = Signature::from_slice(&it.signature);
        signature.is_ok_and(|signature| liuhen_proto::tx::tx_id(&it.header, &signature) == *id)
    };
    if trace.transactions.iter().any(is) {
        return Err(ClientError::failed(pick(
            &format!("transaction {id} is on the trail"),
            &format!("交易 {id} 在该轨迹上"),
        )));
    }
    let of = Of::Transaction(wire::AbsentTransaction { trail: Some(claim), tx_id: id.to_vec() });
    trace.claim = Some(Claim::Absence(wire::AbsenceClaim { of: Some(of) }));
    Ok(trace.encode_to_vec())
}

fn header(trace: &wire::Trace) -> &[u8] {
    trace.anchor.as_ref().map_or(&[], |anchor| &anchor.header)
}

/// Of two proof files: that their anchors are of two histories. Errors where they are not.
pub fn fork(one: &[u8], other: &[u8]) -> Result<Vec<u8>, ClientError> {
    let (one, other) = (read(one)?, read(other)?);
    let height = |trace: &wire::Trace| {
        let header = liuhen_proto::header::block::Header::from_bytes(header(trace));
        header.map(|it| it.height).map_err(|e| ClientError::Failed(e.to_string()))
    };
    if height(&one)? != height(&other)? {
        let (one, other) = (height(&one)?, height(&other)?);
        return Err(ClientError::failed(pick(
            &format!("the files are anchored at heights {one} and {other}: one is needed"),
            &format!("两个文件的锚点区块为 {one} 和 {other}：须为同一区块"),
        )));
    }
    if header(&one) == header(&other) {
        let why = pick("both files are of one history", "两个文件出自同一份历史");
        return Err(ClientError::failed(why));
    }
    let claim = wire::ForkClaim { other: other.anchor, ..wire::ForkClaim::default() };
    Ok(forked(one, claim))
}

/// Of a proof file and one anchored above it: that the first's anchor is not in the second's history,
/// which has another header at its height, or others before it. The verifier says whether that is so.
pub fn fork_above(
    one: &[u8],
    above: &[u8],
    there: wire::HeaderProof,
) -> Result<Vec<u8>, ClientError> {
    let (one, above) = (read(one)?, read(above)?);
    let wire::HeaderProof { header, path } = there;
    let claim = wire::ForkClaim { other: above.anchor, header, header_path: path };
    Ok(forked(one, claim))
}

fn forked(one: wire::Trace, claim: wire::ForkClaim) -> Vec<u8> {
    let trace = wire::Trace {
        claim: Some(Claim::Fork(claim)),
        transactions: Vec::new(),
        objects: Vec::new(),
        witnessed: None,
        ..one
    };
    trace.encode_to_vec()
}

/// The header at which a proof file is anchored.
pub fn anchor(proof: &[u8]) -> Result<Header, ClientError> {
    Header::from_bytes(header(&read(proof)?)).map_err(ClientError::failed)
}

/// The checkpoint of a signed note.
pub fn checkpoint(note: &str) -> Result<Checkpoint, ClientError> {
    let note = Note::parse(note).map_err(ClientError::failed)?;
    Checkpoint::parse(&note.text).map_err(ClientError::failed)
}

/// A proof file with a checkpoint that a witness cosigned.
pub fn witnessed(proof: &[u8], witnessed: wire::Witnessed) -> Result<Vec<u8>, ClientError> {
    let trace = wire::Trace { witnessed: Some(witnessed), ..read(proof)? };
    Ok(trace.encode_to_vec())
}

/// Of a proof of an event and one of a trail, anchored alike: that the trail leaves the event out.
/// The verifier says whether that is so.
pub fn omission(event: &[u8], trail: &[u8]) -> Result<Vec<u8>, ClientError> {
    let (mut event, mut trace) = (read(event)?, read(trail)?);
    let Some(Claim::Inclusion(mut included)) = event.claim.take() else {
        let (why, why_zh) = ("the first file does not prove an event", "第一个文件证明的不是事件");
        return Err(ClientError::usage(why, why_zh));
    };
    let trail = complete(&mut trace)?;
    if header(&event) != header(&trace) {
        let why = "the files are anchored at different blocks: one is needed";
        return Err(ClientError::failed(pick(why, "两个文件的锚点不同：须为同一区块")));
    }
    if let (Some(given), Some(it)) = (event.transactions.pop(), &mut included.event) {
        let known = trace.transactions.iter().position(|other| *other == given);
        let at = known.unwrap_or_else(|| {
            trace.transactions.push(given);
            trace.transactions.len().saturating_sub(1)
        });
        it.transaction = u32::try_from(at).unwrap_or(u32::MAX);
    }
    for object in event.objects {
        let is = |other: &wire::ObjectProof| (other.kind, &other.id) == (object.kind, &object.id);
        if !trace.objects.iter().any(is) {
            trace.objects.push(object);
        }
    }
    let claim = wire::OmissionClaim { included: Some(included), trail: Some(trail) };
    trace.claim = Some(Claim::Omission(claim));
    Ok(trace.encode_to_vec())
}
