//! What a reader asks of a node, signed with the reader's key; and the node's word that it notes it. So a node can make up no
//! read of who asked nothing, and a reader whose read is missing can show that.

use crate::items::ItemError;
use crate::items::fields::{code_if_given, ensure, id};
use crate::suite::hash::{self, Domain, line};
use crate::suite::sign::{PrivateKey, PublicKey, Signature};
use crate::types::{ChainId, Hash, KeyId, TimeMs};
use crate::wire;

/// What a request asks for: `H_digest(path ‖ 0 ‖ body)`, the call's path and the bytes of its one message with their
/// prefix, as sent.
pub fn call_digest(path: &str, body: &[u8]) -> Hash {
    hash::hash(Domain::Digest, &[path.as_bytes(), &[0], body])
}

/// What the reader signs: the line `liuhen/read/v1`, the chain id, the key id, the call's digest, the time (u64,
/// big-endian), the nonce, the node's key id, then the audit with its length (u32, big-endian) before it.
fn message(chain: &ChainId, it: &wire::ReadRequest) -> Vec<u8> {
    let time = it.time_ms.to_be_bytes();
    let length = u32::try_from(it.audit.len()).unwrap_or(u32::MAX).to_be_bytes();
    [
        line::READ,
        chain.as_bytes(),
        &it.key_id,
        &it.call_digest,
        &time,
        &it.nonce,
        &it.node,
        &length,
        it.audit.as_bytes(),
    ]
    .concat()
}

/// A call, as its reader signs it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// See [`call_digest`].
    pub call: Hash,
    /// When, by the reader's clock.
    pub time: TimeMs,
    /// Random.
    pub nonce: [u8; 16],
    /// The node that is asked, by its key.
    pub node: KeyId,
    /// For which audit of the reader's department; empty: none.
    pub audit: &'a str,
}

/// Signs a request.
pub fn sign(key: &PrivateKey, chain: &ChainId, asked: &Asked<'_>) -> wire::ReadRequest {
    let mut it = wire::ReadRequest {
        key_id: key.public().key_id().to_vec(),
        call_digest: asked.call.to_vec(),
        time_ms: asked.time.get(),
        nonce: asked.nonce.to_vec(),
        node: asked.node.to_vec(),
        audit: asked.audit.to_owned(),
        signature: Vec::new(),
    };
    it.signature = key.sign(&message(chain, &it)).to_vec();
    it
}

/// Whether a request is signed with a key.
pub fn is_signed(it: &wire::ReadRequest, chain: &ChainId, key: &PublicKey) -> bool {
    let signature = Signature::from_slice(&it.signature);
    signature.is_ok_and(|signature| key.verify(&message(chain, it), &signature))
}

/// Whether it can be one, whatever the ledger says.
pub fn check(it: &wire::ReadRequest) -> Result<(), ItemError> {
    id("reads.request.key_id", &it.key_id)?;
    id("reads.request.call_digest", &it.call_digest)?;
    ensure(it.time_ms > 0, "reads.request.time_ms", "a time is needed")?;
    ensure(it.nonce.len() == 16, "reads.request.nonce", "16 bytes are needed")?;
    id("reads.request.node", &it.node)?;
    code_if_given("reads.request.audit", &it.audit)?;
    ensure(it.signature.len() == 64, "reads.request.signature", "a signature has 64 bytes")
}

/// What a node signs that it notes: the line `liuhen/read-receipt/v1`, the chain id, the request's signature, how many trails and
/// lists (u64) and the time (u64), big-endian.
fn receipt_message(chain: &ChainId, request: &[u8], reads: u64, time: TimeMs) -> Vec<u8> {
    let (reads, time) = (reads.to_be_bytes(), time.get().to_be_bytes());
    [line::READ_RECEIPT, chain.as_bytes(), request, &reads, &time].concat()
}

/// A node's word that it noted so many reads of a request.
pub fn acknowledge(
    key: &PrivateKey,
    chain: &ChainId,
    request: &wire::ReadRequest,
    reads: u64,
    time: TimeMs,
) -> wire::ReadReceipt {
    let message = receipt_message(chain, &request.signature, reads, time);
    wire::ReadReceipt {
        key_id: key.public().key_id().to_vec(),
        reads,
        time_ms: time.get(),
        signature: key.sign(&message).to_vec(),
    }
}

/// Whether a receipt is a node's word on a request.
pub fn is_acknowledged(
    it: &wire::ReadReceipt,
    chain: &ChainId,
    request: &wire::ReadRequest,
    node: &PublicKey,
) -> bool {
    let time = TimeMs::new(it.time_ms);
    let message = receipt_message(chain, &request.signature, it.reads, time);
    let signature = Signature::from_slice(&it.signature);
    node.key_id().as_bytes() == it.key_id.as_slice()
        && signature.is_ok_and(|signature| node.verify(&message, &signature))
}
