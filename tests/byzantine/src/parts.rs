//! Blocks that are proposed, and whose data nobody gets.

use crate::Lie;
use crate::outgoing::{Outgoing, Tongue, between};
use async_trait::async_trait;
use liuhen_node::consensus::types::ProposalPart;
use liuhen_node::consensus::{Conduct, EngineSettings, Network};
use malachitebft_app_channel::app::streaming::StreamContent;

/// See [`Lie::WithholdsParts`].
pub struct WithholdsParts;

#[async_trait]
impl Conduct for WithholdsParts {
    fn gives_blocks(&self) -> bool {
        false
    }

    async fn network(&self, _: &EngineSettings, network: Network) -> anyhow::Result<Network> {
        between(Self, network).await
    }
}

#[async_trait]
impl Tongue for WithholdsParts {
    async fn say(&mut self, message: Outgoing) -> Vec<Outgoing> {
        if let Outgoing::PublishProposalPart(part) = &message
            && let StreamContent::Data(ProposalPart::Data(_)) = &part.content
        {
            Lie::WithholdsParts.told(format_args!("part {} is kept", part.sequence));
            return Vec::new();
        }
        vec![message]
    }
}
