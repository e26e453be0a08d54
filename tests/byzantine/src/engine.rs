//! The lies that the engine's own liars tell: they sign and send a second message beside each.

use crate::Lie;
use async_trait::async_trait;
use liuhen_node::consensus::signing::Keeper;
use liuhen_node::consensus::types::{Address, LiuhenContext};
use liuhen_node::consensus::{Conduct, EngineSettings, Network};
use liuhen_proto::types::BlockId;
use malachitebft_engine_byzantine::{
    ByzantineConfig, ByzantineNetworkProxy, ConflictingValueFn, ConflictingVoteValueFn, Trigger,
};

/// See [`Lie::VotesTwice`].
pub struct VotesTwice;

#[async_trait]
impl Conduct for VotesTwice {
    async fn network(&self, own: &EngineSettings, network: Network) -> anyhow::Result<Network> {
        let config = ByzantineConfig::default().with_equivocate_votes(Trigger::Always);
        let second: ConflictingVoteValueFn<LiuhenContext> = Box::new(|first| {
            Lie::VotesTwice.told(format_args!("a second vote beside {first:?}"));
            first.map_or(BlockId::new([1; 32]), other)
        });
        sign_twice(config, own, network, None, Some(second)).await
    }
}

/// Puts the engine's liar between the engine and its network.
pub async fn sign_twice(
    config: ByzantineConfig,
    own: &EngineSettings,
    (network, parts): Network,
    proposals: Option<ConflictingValueFn<LiuhenContext>>,
    votes: Option<ConflictingVoteValueFn<LiuhenContext>>,
) -> anyhow::Result<Network> {
    let signer = Box::new(Keeper { chain: own.chain, key: own.key.clone() });
    let (context, address) = (LiuhenContext, Address(own.key.public().key_id()));
    let span = tracing::Span::current();
    let liar = ByzantineNetworkProxy::spawn(
        config, network, signer, context, address, span, proposals, votes,
    );
    let liar = liar.await.map_err(|report| anyhow::anyhow!("the engine's liar: {report:?}"))?;
    Ok((liar, parts))
}

/// A block that there is not.
fn other(id: &BlockId) -> BlockId {
    BlockId::new(id.as_bytes().map(|byte| !byte))
}
