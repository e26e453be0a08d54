//! What every answer must be, whatever was asked.

use super::contract::{Contract, Value};
use super::ground::Ground;
use super::node::Answer;
use super::requests::Call;
use liuhen_proto::ledger::Class;
use liuhen_proto::types::limits;
use liuhen_proto::verify::{Trust, known, verify};
use liuhen_rpc::CHUNK_BYTES;
use liuhen_rpc::reason::{class_of, code};
use liuhen_rpc::status::DOMAIN;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// Bytes of a message beside the piece of a proof in it.
const AROUND: usize = 16;

/// A refusal has a reason that programs know, is of its class, and is never the node's own fault.
pub(super) fn refusal(call: &Call, status: &Status) {
    let what = || format!("{}: {:?}: {}", call.method.path, status.code(), status.message());
    let info = status.get_details_error_info().filter(|info| info.domain == DOMAIN);
    let info = info.unwrap_or_else(|| panic!("no reason: {}", what()));
    let class = class_of(&info.reason);
    let class = class.unwrap_or_else(|| panic!("{}: no such reason: {}", info.reason, what()));
    assert_eq!(status.code(), code(class), "{}: {}", info.reason, what());
    assert!(!matches!(class, Class::Fault | Class::Busy), "{}: {}", info.reason, what());
    assert!(!status.message().is_empty(), "no words: {}", what());
}

/// An answer is of its type, and no longer than the chain makes it.
pub(super) fn answer(contract: &Contract, ground: &Ground, call: &Call, answer: &Answer) {
    let (path, count) = (&call.method.path, answer.messages.len());
    let ended = answer.status.code() == Code::Ok;
    assert!(call.method.many_told || count == usize::from(ended), "{path}: {count} answers");
    let most = usize::try_from(ground.chain().index().event_count()).unwrap_or(usize::MAX);
    assert!(count <= most + limits::TRACE_BYTES / CHUNK_BYTES, "{path}: {count} messages");
    for message in &answer.messages {
        let read = contract.read_message(&call.method.told, message);
        assert!(read.is_some(), "{path}: no {}", call.method.told);
    }
    if ended && path.contains("ProofService") {
        proof(contract, ground, call, answer);
    }
}

/// Pieces are short, and whatever a node proves holds for who trusts what was asked for.
fn proof(contract: &Contract, ground: &Ground, call: &Call, answer: &Answer) {
    let path = &call.method.path;
    let mut file = Vec::new();
    let parts = contract.fields(&call.method.told).iter().any(|it| it.name == "last");
    for message in &answer.messages {
        assert!(message.len() <= CHUNK_BYTES + AROUND, "{path}: {} bytes", message.len());
        let values = contract.read_message(&call.method.told, message).unwrap_or_default().concat();
        for (_, value) in &values {
            if let Value::Bytes(data) = value {
                file.extend(data);
            }
        }
        if parts && values.contains(&("last".to_owned(), Value::Number(1))) {
            holds(ground, path, pinned(contract, call), &std::mem::take(&mut file));
        }
    }
    if !parts {
        holds(ground, path, pinned(contract, call), &file);
    }
    assert!(!parts || file.is_empty(), "{path}: half a file");
}

fn holds(ground: &Ground, path: &str, pinned: Option<u64>, file: &[u8]) {
    let Some(pinned) = pinned else { return };
    let chain = ground.chain();
    let trust: Trust<'_> = match pinned {
        0 => chain.founding().into(),
        size => chain.checkpoint(size).expect("nothing is proved from a checkpoint to come").into(),
    };
    // Objects at one header are for who keeps them, and no proof file.
    let held = match path.ends_with("/ProveObjects") {
        true => known(trust, file).map(|_| ()),
        false => verify(trust, file).map(|_| ()),
    };
    if let Err(why) = held {
        panic!("{path}: {why}: {} bytes from {pinned} headers", file.len());
    }
}

/// The size of the checkpoint that the caller trusts, as the last field of that name has it. `None` where the request
/// holds what no field of the contract is made like.
fn pinned(contract: &Contract, call: &Call) -> Option<u64> {
    let own = contract.read_message(&call.method.asked, call.message()?)?.pop()?;
    let pinned = own.into_iter().rev().find(|(name, _)| name == "pinned");
    match pinned {
        Some((_, Value::Number(size))) => Some(size),
        _ => Some(0),
    }
}
