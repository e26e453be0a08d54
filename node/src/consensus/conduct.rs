//! How a node takes part.

use super::settings::EngineSettings;
use super::types::Ctx;
use crate::app::{Built, Chain};
use crate::store::StoreError;
use async_trait::async_trait;
use liuhen_proto::tx::Tx;
use liuhen_proto::types::{KeyId, TimeMs};
use malachitebft_app_channel::NetworkMsg;
use malachitebft_app_channel::app::engine::network::NetworkRef;
use std::sync::Arc;
use tokio::sync::mpsc;

/// The engine's way out: what it sends itself, and where the adapter's parts of blocks go.
pub type Network = (NetworkRef<Ctx>, mpsc::Sender<NetworkMsg<Ctx>>);

/// How a node takes part. What each method does by itself is what the protocol says, and what every program does;
/// tests put validators beside honest ones that do other than that: `tests/byzantine`.
#[async_trait]
pub trait Conduct: Send + Sync {
    /// Builds the block that this node proposes, of transactions whose signatures are good. Errors where the ledger
    /// can't be read.
    fn propose(
        &self,
        chain: &Chain,
        proposer: KeyId,
        now: TimeMs,
        transactions: Vec<Arc<Tx>>,
    ) -> Result<Built, StoreError> {
        chain.propose(proposer, now, transactions)
    }

    /// Whether neighbours that lack an undecided block are given it.
    fn gives_blocks(&self) -> bool {
        true
    }

    /// What the engine and the adapter send through, given the network itself. Errors where that can't be set up.
    async fn network(&self, _: &EngineSettings, network: Network) -> anyhow::Result<Network> {
        Ok(network)
    }
}

/// As the protocol says.
#[derive(Debug, Clone, Copy)]
pub struct Honest;

impl Conduct for Honest {}
