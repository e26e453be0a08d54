//! Blocks for who is behind, forged.

use crate::Lie;
use crate::outgoing::{Outgoing, Tongue, between};
use async_trait::async_trait;
use bytes::Bytes;
use liuhen_node::consensus::signing::Keeper;
use liuhen_node::consensus::types::{Address, Height, LiuhenContext, Vote};
use liuhen_node::consensus::{Conduct, EngineSettings, Network};
use liuhen_proto::types::BlockId;
use malachitebft_app_channel::Signer;
use malachitebft_app_channel::app::engine::network::Status;
use malachitebft_app_channel::app::types::core::{
    ExtendedCommitCertificate, ExtendedCommitSignature, NilOrVal, Round, VoteType,
};
use malachitebft_app_channel::app::types::sync::{RawDecidedValue, Response};

/// Heights that it says it has beyond those that there are. Far beyond: who is behind prefers a peer that has all that it asks for.
const AHEAD: u64 = 100;

/// See [`Lie::ForgesSync`].
pub struct ForgesSync;

#[async_trait]
impl Conduct for ForgesSync {
    async fn network(&self, own: &EngineSettings, network: Network) -> anyhow::Result<Network> {
        let keeper = Keeper { chain: own.chain, key: own.key.clone() };
        let voter = Address(own.key.public().key_id());
        between(Forger { keeper, voter, first: None }, network).await
    }
}

struct Forger {
    keeper: Keeper,
    voter: Address,
    /// The first block that it was asked for.
    first: Option<(Height, Bytes)>,
}

/// In what a block is forged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forged {
    /// Its bytes: they are none of a block.
    Bytes,
    /// Its bytes: they are those of an earlier block.
    Height,
    /// Its certificate: the liar alone signed.
    Certificate,
}

/// All of it. The liar's log says which it was.
pub const FORGED: [Forged; 3] = [Forged::Bytes, Forged::Height, Forged::Certificate];

#[async_trait]
impl Tongue for Forger {
    async fn say(&mut self, message: Outgoing) -> Vec<Outgoing> {
        match message {
            Outgoing::BroadcastStatus(status) => {
                let tip = Height(status.tip_height.0.saturating_add(AHEAD));
                vec![Outgoing::BroadcastStatus(Status::new(tip, status.history_min_height))]
            }
            Outgoing::OutgoingResponse(request, Response::ValueResponse(mut answer)) => {
                match answer.values.len() {
                    // Asked for what there is not, the engine answers with nothing.
                    0 => answer.values = vec![self.invented(answer.start_height).await],
                    _ => self.forge(answer.start_height, &mut answer.values).await,
                }
                vec![Outgoing::OutgoingResponse(request, Response::ValueResponse(answer))]
            }
            other => vec![other],
        }
    }
}

impl Forger {
    async fn invented(&self, height: Height) -> RawDecidedValue<LiuhenContext> {
        Lie::ForgesSync.told(format_args!("a block of height {height}, which there is not"));
        let certificate = self.certificate(height, BlockId::new([7; 32])).await;
        RawDecidedValue::new(Bytes::from_static(b"none"), certificate)
    }

    /// Forges an answer; who asks for the same again is answered in the same way.
    async fn forge(&mut self, start: Height, values: &mut [RawDecidedValue<LiuhenContext>]) {
        let (height, earlier) = match (&self.first, values.first()) {
            (Some(first), _) => first.clone(),
            (None, Some(value)) => (start, value.value_bytes.clone()),
            (None, None) => return,
        };
        self.first = Some((height, earlier.clone()));
        let how = match (start.0.saturating_sub(height.0) / 2) % 3 {
            0 => Forged::Bytes,
            1 => Forged::Height,
            _ => Forged::Certificate,
        };
        Lie::ForgesSync.told(format_args!("{how:?} of {} blocks from {start} on", values.len()));
        for value in values {
            let (height, id) = (value.certificate.height, value.certificate.value_id);
            match how {
                Forged::Bytes => value.value_bytes = Bytes::from_static(b"none"),
                Forged::Height => value.value_bytes = earlier.clone(),
                Forged::Certificate => value.certificate = self.certificate(height, id).await,
            }
        }
    }

    /// Signed by the liar alone.
    async fn certificate(
        &self,
        height: Height,
        value_id: BlockId,
    ) -> ExtendedCommitCertificate<LiuhenContext> {
        let round = Round::new(0);
        let (kind, value, voter) = (VoteType::Precommit, NilOrVal::Val(value_id), self.voter);
        let signed = self.keeper.sign_vote(Vote { kind, height, round, value, voter }).await;
        let commit_signatures = signed
            .map(|it| ExtendedCommitSignature::new(voter, it.signature, None))
            .into_iter()
            .collect();
        ExtendedCommitCertificate { height, round, value_id, commit_signatures }
    }
}
