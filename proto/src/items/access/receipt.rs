//! What a gateway gives with an access (回执): signed with its key, so that its user can show that it was served.

use crate::items::fields::{Checked, ensure, id};
use crate::ledger::{Draft, Halt, Refusal, intervals, words::word};
use crate::place::Place;
use crate::suite::hash::line;
use crate::suite::sign::{PrivateKey, PublicKey, Signature};
use crate::types::{ChainId, KeyId, TimeMs};
use crate::wire;
use std::sync::Arc;

/// What is signed: the line `liuhen/receipt/v1`, the chain id, gateway id, access number (u64, big-endian), request id, time
/// (milliseconds, u64, big-endian).
fn message(
    chain: &ChainId,
    gateway: &[u8],
    access_no: u64,
    request_id: &[u8],
    time: TimeMs,
) -> Vec<u8> {
    let (number, time) = (access_no.to_be_bytes(), time.get().to_be_bytes());
    [line::RECEIPT, chain.as_bytes(), gateway, &number, request_id, &time].concat()
}

/// The receipt of an access under a grant, by the gateway's key.
pub fn sign(
    key: &PrivateKey,
    chain: &ChainId,
    gateway: &[u8],
    access_no: u64,
    request_id: &[u8],
    time: TimeMs,
) -> wire::Receipt {
    let message = message(chain, gateway, access_no, request_id, time);
    wire::Receipt {
        key_id: key.public().key_id().to_vec(),
        time_ms: time.get(),
        signature: key.sign(&message).to_vec(),
    }
}

/// Whether it can be one, whatever the ledger says.
pub(super) fn check(it: &wire::Receipt) -> Checked {
    id("receipt.key_id", &it.key_id)?;
    ensure(it.time_ms > 0, "receipt.time_ms", "a time is needed")?;
    ensure(it.signature.len() == 64, "receipt.signature", "a signature has 64 bytes")
}

/// Refuses what the gateway did not sign, with a key in force at that time, or so long ago that no half is waited for.
pub(super) fn holds(
    draft: &Draft<'_>,
    it: &wire::Receipt,
    acknowledged: &wire::Acknowledge,
) -> Result<(), Halt> {
    let bad = |why| Err(Refusal::BadReceipt { number: acknowledged.access_no, why }.into());
    let id = KeyId::from_slice(&it.key_id).unwrap_or_default();
    let key: Option<Arc<wire::Key>> = draft.get(&Place::key(&id))?;
    let Some(key) = key.filter(|key| key.identity_id == acknowledged.gateway_id) else {
        return bad(word("not a key of the gateway", "不是该网关的密钥"));
    };
    let (time, now) = (TimeMs::new(it.time_ms), draft.context().time);
    if !intervals::at_time(&key.standing, time) {
        return bad(word("its key was not in force at that time", "密钥当时无效"));
    }
    let parameters = draft.parameters()?;
    if time.since(now) > parameters.future_drift_ms || now.since(time) > parameters.half_grace_ms {
        return bad(word(
            "it is of a time to come, or older than half_grace_ms",
            "回执时间在未来，或早于 half_grace_ms 所限",
        ));
    }
    let (gateway, request) = (&acknowledged.gateway_id, &acknowledged.request_id);
    let message = message(draft.chain(), gateway, acknowledged.access_no, request, time);
    let signed = PublicKey::from_slice(&key.public_key)
        .ok()
        .zip(Signature::from_slice(&it.signature).ok())
        .is_some_and(|(key, signature)| key.verify(&message, &signature));
    if signed {
        Ok(())
    } else {
        bad(word("its signature does not verify", "签名验证不通过"))
    }
}
