//! Two blocks in one round, both good, both signed, and both sent with all their parts.

use crate::Lie;
use crate::engine::sign_twice;
use crate::outgoing::{Outgoing, Tongue, between};
use async_trait::async_trait;
use bytes::Bytes;
use liuhen_node::app::{Built, Chain};
use liuhen_node::codec;
use liuhen_node::consensus::parts::cut;
use liuhen_node::consensus::signing::parts_message;
use liuhen_node::consensus::types::{Address, Height, LiuhenContext, ProposalPart, Value};
use liuhen_node::consensus::{Conduct, EngineSettings, Network};
use liuhen_node::store::StoreError;
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::tx::Tx;
use liuhen_proto::types::{BlockId, ChainId, KeyId, TimeMs};
use malachitebft_app_channel::app::streaming::{StreamContent, StreamId, StreamMessage};
use malachitebft_app_channel::app::types::core::Round;
use malachitebft_engine_byzantine::{ByzantineConfig, ConflictingValueFn, Trigger};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// See [`Lie::Equivocates`].
#[derive(Default)]
pub struct Equivocates {
    second: Second,
}

/// The block beside the one that was proposed last.
#[derive(Clone, Default)]
struct Second(Arc<Mutex<(BlockId, Bytes)>>);

impl Second {
    fn lock(&self) -> MutexGuard<'_, (BlockId, Bytes)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Conduct for Equivocates {
    fn propose(
        &self,
        chain: &Chain,
        proposer: KeyId,
        now: TimeMs,
        transactions: Vec<Arc<Tx>>,
    ) -> Result<Built, StoreError> {
        let built = chain.propose(proposer, now, transactions.clone())?;
        let later = built.candidate.header.time.plus(1);
        let second = chain.propose(proposer, later, transactions)?.candidate;
        let bytes = codec::encode(&second.block).map_err(|e| StoreError::Damaged(e.to_string()))?;
        *self.second.lock() = (second.id, bytes.into());
        Ok(built)
    }

    async fn network(&self, own: &EngineSettings, network: Network) -> anyhow::Result<Network> {
        let streams = Streams {
            second: self.second.clone(),
            chain: own.chain,
            key: own.key.clone(),
            open: None,
        };
        let network = between(streams, network).await?;
        let second = self.second.clone();
        let beside: ConflictingValueFn<LiuhenContext> = Box::new(move |first| {
            let (second, _) = *second.lock();
            Lie::Equivocates.told(format_args!("{second} beside {}", first.0));
            Value(second)
        });
        let config = ByzantineConfig::default().with_equivocate_proposals(Trigger::Always);
        sign_twice(config, own, network, Some(beside), None).await
    }
}

/// Sends the second block's parts where the first's go out.
struct Streams {
    second: Second,
    chain: ChainId,
    key: PrivateKey,
    /// Of the stream that goes out, if it is of a block of its own.
    open: Option<(Height, Round)>,
}

#[async_trait]
impl Tongue for Streams {
    async fn say(&mut self, message: Outgoing) -> Vec<Outgoing> {
        let Outgoing::PublishProposalPart(part) = &message else { return vec![message] };
        match &part.content {
            StreamContent::Data(ProposalPart::Init { height, round, proposer, .. }) => {
                let own = *proposer == self.address();
                self.open = own.then_some((*height, *round));
                let first = self.open.filter(|(height, _)| height.0.is_multiple_of(2));
                // At every other height the second comes first: others vote for it, and its own vote is for the first.
                let mut all = first.map(|open| self.whole(open)).unwrap_or_default();
                all.push(message);
                all
            }
            StreamContent::Data(ProposalPart::Fin { .. }) => {
                let last = self.open.take().filter(|(height, _)| !height.0.is_multiple_of(2));
                let second = last.map(|open| self.whole(open)).unwrap_or_default();
                std::iter::once(message).chain(second).collect()
            }
            StreamContent::Data(ProposalPart::Data(_)) | StreamContent::Fin => vec![message],
        }
    }
}

impl Streams {
    fn address(&self) -> Address {
        Address(self.key.public().key_id())
    }

    /// The second block's stream.
    fn whole(&self, (height, round): (Height, Round)) -> Vec<Outgoing> {
        let ((id, bytes), proposer) = (self.second.lock().clone(), self.address());
        let signed = parts_message(&self.chain, height, round, &proposer, &bytes);
        let parts = cut(height, round, proposer, &bytes, self.key.sign(&signed));
        let stream = StreamId::new(id.to_vec().into());
        let messages = (0..).zip(parts).map(|(number, part)| {
            StreamMessage::new(stream.clone(), number, StreamContent::Data(part))
        });
        messages.map(Outgoing::PublishProposalPart).collect()
    }
}
