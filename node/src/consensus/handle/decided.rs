//! A block is decided: it is appended to the log and synced before the engine is answered; then
//! whoever waits for its transactions is told.

use crate::app::{Candidate, Clock};
use crate::clock;
use crate::consensus::adapter::Adapter;
use crate::consensus::types::Ctx;
use anyhow::Context as _;
use liuhen_proto::types::BlockId;
use liuhen_proto::wire;
use malachitebft_app_channel::Reply;
use malachitebft_app_channel::app::types::core::CommitCertificate;
use std::sync::{Arc, PoisonError};

pub(in crate::consensus) fn handle(
    adapter: &mut Adapter,
    certificate: &CommitCertificate<Ctx>,
    reply: Reply<()>,
) -> anyhow::Result<()> {
    adapter.parts.opened.send_replace(None);
    adapter.parts.exchange.close();
    let next = adapter.chain().next_height();
    if certificate.height.0 >= next.get() {
        let candidate = candidate(adapter, &certificate.value_id)?;
        let wire = to_wire(certificate)?;
        let chain = Arc::clone(&adapter.parts.chain);
        let committed = tokio::task::block_in_place(|| {
            chain.write().unwrap_or_else(PoisonError::into_inner).commit(&candidate, wire)
        })?;
        if let Some(block) = committed {
            let (height, transactions) = (block.height, block.transactions.len());
            tracing::debug!(%height, transactions, "committed");
            adapter.parts.mempool.committed(&block, clock::now());
        }
        adapter.candidates.retain(|_, it| it.header.height > candidate.header.height);
        // This one stays until the engine is at the next height.
        adapter.parts.undecided.forget_below(candidate.header.height)?;
    }
    let _ = reply.send(());
    Ok(())
}

/// The decided block: from memory, or after a restart judged again from disk.
fn candidate(adapter: &Adapter, id: &BlockId) -> anyhow::Result<Arc<Candidate>> {
    if let Some(candidate) = adapter.candidates.get(id) {
        return Ok(Arc::clone(candidate));
    }
    let block = adapter.parts.undecided.get(id).context("a decided block that is not here")?;
    let candidate = adapter.validate(&block.block, Clock::Unasked)?;
    anyhow::ensure!(candidate.id == *id, "a decided block that is another on disk");
    Ok(Arc::new(candidate))
}

/// The certificate as blocks and proofs carry it: signatures by key id ascending.
fn to_wire(certificate: &CommitCertificate<Ctx>) -> anyhow::Result<wire::Certificate> {
    let mut signatures: Vec<wire::CommitSignature> = certificate
        .commit_signatures
        .iter()
        .map(|it| wire::CommitSignature {
            key_id: it.address.0.to_vec(),
            signature: it.signature.to_vec(),
        })
        .collect();
    signatures.sort_by(|a, b| a.key_id.cmp(&b.key_id));
    signatures.dedup_by(|a, b| a.key_id == b.key_id);
    Ok(wire::Certificate {
        height: certificate.height.0,
        round: certificate.round.as_u32().context("a certificate of no round")?,
        block_id: certificate.value_id.to_vec(),
        signatures,
    })
}
