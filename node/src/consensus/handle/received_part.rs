//! A part of somebody's block. When the stream is complete, the block is judged and kept.

use crate::app::{Clock, NotABlock};
use crate::clock;
use crate::consensus::adapter::{Adapter, keep_stream};
use crate::consensus::parts::Assembled;
use crate::consensus::types::Ctx;
use crate::consensus::types::{ProposalPart, Value};
use crate::store::undecided::Undecided;
use malachitebft_app_channel::Reply;
use malachitebft_app_channel::app::consensus::ProposedValue;
use malachitebft_app_channel::app::streaming::StreamMessage;
use malachitebft_app_channel::app::types::PeerId;
use malachitebft_app_channel::app::types::core::Validity;
use std::sync::Arc;

/// Blocks of one round that are kept: a proposer that sends more is faulty.
const MOST_OF_A_ROUND: usize = 2;
/// Rounds ahead of this node's for which blocks are kept.
const MOST_ROUNDS_AHEAD: u32 = 10;

pub(in crate::consensus) fn handle(
    adapter: &mut Adapter,
    from: PeerId,
    published_by: Option<PeerId>,
    part: StreamMessage<ProposalPart>,
    reply: Reply<Option<ProposedValue<Ctx>>>,
) -> anyhow::Result<()> {
    let publisher = published_by.unwrap_or(from);
    // The engine's own allow-list acts late: it hears a peer until that has identified itself.
    let known = adapter.peers.contains(&from) && adapter.peers.contains(&publisher);
    let stream = if known { adapter.streams.take_in(publisher, part) } else { None };
    let value = match stream {
        Some(stream) => whole(adapter, stream)?,
        None => None,
    };
    let _ = reply.send(value);
    Ok(())
}

fn whole(adapter: &mut Adapter, stream: Assembled) -> anyhow::Result<Option<ProposedValue<Ctx>>> {
    let next = adapter.chain().next_height().get();
    if stream.height.0 < next || !adapter.is_signed(&stream) {
        return Ok(None);
    }
    if stream.height.0 > next {
        let height = stream.height;
        adapter.keep_early(stream);
        adapter.others_are_at(height);
        return Ok(None);
    }
    adapter.others_are_at(stream.height);
    judge(adapter, &stream)
}

/// Judges a signed stream for the next height. What is no valid block is ignored, never called
/// invalid: see [`crate::app`]'s `validate`.
pub(in crate::consensus) fn judge(
    adapter: &mut Adapter,
    stream: &Assembled,
) -> anyhow::Result<Option<ProposedValue<Ctx>>> {
    let round_number = stream.round.as_u32().unwrap_or(u32::MAX);
    let far = round_number > adapter.round.as_u32().unwrap_or(0).saturating_add(MOST_ROUNDS_AHEAD);
    let height = liuhen_proto::types::Height::new(stream.height.0);
    let kept = adapter.parts.undecided.of(height);
    let enough = kept.filter(|it| it.round == round_number).count() >= MOST_OF_A_ROUND;
    if far || enough {
        return Ok(None);
    }
    // What comes again from an earlier round is old for a good reason.
    let now = clock::now();
    let clock = match stream.round >= adapter.round {
        true => Clock::Live(now),
        false => Clock::Again(now),
    };
    let candidate = match adapter.validate(&stream.bytes, clock) {
        Ok(candidate) => candidate,
        Err(error) => {
            let proposer = stream.proposer;
            log(&error, &format!("height {} by {proposer}", stream.height));
            return Ok(None);
        }
    };
    let id = candidate.id;
    let (bytes, signature) = (stream.bytes.to_vec(), Some(*stream.signature.as_bytes()));
    let block = Undecided::new(height, round_number, stream.proposer.0, id, true, bytes, signature);
    let kept = tokio::task::block_in_place(|| adapter.parts.undecided.keep(block))?;
    keep_stream(&adapter.parts, &kept);
    adapter.candidates.insert(id, Arc::new(candidate));
    Ok(Some(ProposedValue {
        height: stream.height,
        round: stream.round,
        valid_round: stream.pol_round,
        proposer: stream.proposer,
        value: Value(id),
        validity: Validity::Valid,
    }))
}

pub(in crate::consensus) fn log(error: &NotABlock, what: &str) {
    tracing::warn!(%error, what, "a block was ignored");
}
