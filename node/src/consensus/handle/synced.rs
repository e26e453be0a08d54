//! A decided block that came by sync, its certificate already verified by the engine.

use crate::app::{Clock, NotABlock};
use crate::consensus::adapter::Adapter;
use crate::consensus::handle::received_part::log;
use crate::consensus::types::Ctx;
use crate::consensus::types::{Address, Height, Value};
use crate::store::undecided::Undecided;
use malachitebft_app_channel::Reply;
use malachitebft_app_channel::app::consensus::ProposedValue;
use malachitebft_app_channel::app::engine::host::SyncedValueOutcome;
use malachitebft_app_channel::app::types::core::{Round, Validity};
use std::sync::Arc;

pub(in crate::consensus) fn handle(
    adapter: &mut Adapter,
    height: Height,
    round: Round,
    proposer: Address,
    bytes: &[u8],
    reply: Reply<SyncedValueOutcome<Ctx>>,
) -> anyhow::Result<()> {
    adapter.synced = Some(height);
    let outcome = match adapter.validate(bytes, Clock::Unasked) {
        Ok(candidate) => {
            let (id, at) = (candidate.id, candidate.header.height);
            let (number, who) = (round.as_u32().unwrap_or(0), proposer.0);
            let block = Undecided::new(at, number, who, id, true, bytes.to_vec(), None);
            tokio::task::block_in_place(|| adapter.parts.undecided.keep(block))?;
            adapter.candidates.insert(id, Arc::new(candidate));
            SyncedValueOutcome::Verdict(ProposedValue {
                height,
                round,
                valid_round: Round::Nil,
                proposer,
                value: Value(id),
                validity: Validity::Valid,
            })
        }
        Err(error) => {
            log(&error, &format!("synced height {height}"));
            match error {
                NotABlock::Wrong(_) => SyncedValueOutcome::PeerFault,
                // The certificate is of another height than these bytes: that is nobody's fault but the peer's.
                NotABlock::Height { found, .. } if found.get() != height.0 => {
                    SyncedValueOutcome::PeerFault
                }
                NotABlock::Height { .. } | NotABlock::Clock(_) | NotABlock::Unknown(_) => {
                    SyncedValueOutcome::LocalTransientError
                }
            }
        }
    };
    let _ = reply.send(outcome);
    Ok(())
}
