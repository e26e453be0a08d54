//! Signing and judging for the engine, with the protocol's own bytes.

use super::types::{Address, Height, LiuhenContext, Proposal, Vote};
use crate::store::votes::{Signed, Step};
use async_trait::async_trait;
use liuhen_proto::header::{certificate, validators::ValidatorSet};
use liuhen_proto::suite::sign::Signature;
use liuhen_proto::suite::{
    hash::line,
    sign::{PrivateKey, PublicKey},
};
use liuhen_proto::types::ChainId;
use malachitebft_app_channel::app::consensus::SignedConsensusMsg;
use malachitebft_app_channel::app::types::core::{
    NilOrVal, Round, SignedMessage, ValidatorProof, VoteExtensionScope, VoteType,
};
use malachitebft_app_channel::{Signer, Verifier};
use malachitebft_signing::{Error, VerificationResult};

/// Judges signatures on one chain.
#[derive(Clone, Copy, Debug)]
pub struct Judge {
    pub chain: ChainId,
}

/// Signs on one chain.
#[derive(Clone, Debug)]
pub struct Keeper {
    pub chain: ChainId,
    pub key: PrivateKey,
}

fn vote_message(chain: &ChainId, vote: &Vote) -> Vec<u8> {
    let kind = match vote.kind {
        VoteType::Prevote => certificate::VoteType::Prevote,
        VoteType::Precommit => certificate::VoteType::Precommit,
    };
    let height = liuhen_proto::types::Height::new(vote.height.0);
    let block = match &vote.value {
        NilOrVal::Nil => None,
        NilOrVal::Val(id) => Some(id),
    };
    // A vote's round is never nil: the codec refuses it.
    let round = vote.round.as_u32().unwrap_or(u32::MAX);
    certificate::vote_bytes(chain, kind, height, round, block)
}

/// Who signed a vote or proposal, as it says.
pub fn author(message: &SignedConsensusMsg<LiuhenContext>) -> Address {
    match message {
        SignedConsensusMsg::Vote(it) => it.message.voter,
        SignedConsensusMsg::Proposal(it) => it.message.proposer,
    }
}

/// What a vote or proposal says, as it is signed.
pub fn signed(chain: &ChainId, message: &SignedConsensusMsg<LiuhenContext>) -> Signed {
    match message {
        SignedConsensusMsg::Vote(it) => signed_vote(chain, &it.message),
        SignedConsensusMsg::Proposal(it) => {
            let (height, round) = (it.message.height, it.message.round);
            let bytes = proposal_message(chain, &it.message);
            let height = liuhen_proto::types::Height::new(height.0);
            Signed::new(height, round.as_u32().unwrap_or(u32::MAX), Step::Propose, bytes)
        }
    }
}

/// What a vote says, as it is signed.
pub fn signed_vote(chain: &ChainId, vote: &Vote) -> Signed {
    let step = match vote.kind {
        VoteType::Prevote => Step::Prevote,
        VoteType::Precommit => Step::Precommit,
    };
    let height = liuhen_proto::types::Height::new(vote.height.0);
    let round = vote.round.as_u32().unwrap_or(u32::MAX);
    Signed::new(height, round, step, vote_message(chain, vote))
}

/// Whether a vote or proposal was signed by the validator that it names.
pub fn is_signed(
    chain: &ChainId,
    validators: &ValidatorSet,
    message: &SignedConsensusMsg<LiuhenContext>,
) -> bool {
    let bytes = signed(chain, message).bytes;
    let signer = validators.get(&author(message).0);
    signer.is_some_and(|it| it.key.verify(&bytes, message.signature()))
}

fn proposal_message(chain: &ChainId, proposal: &Proposal) -> Vec<u8> {
    // A proposal's round is never nil: the codec refuses it.
    let round = proposal.round.as_u32().unwrap_or(u32::MAX);
    let height = liuhen_proto::types::Height::new(proposal.height.0);
    let (pol_round, block) = (proposal.pol_round.as_u32(), &proposal.value.0);
    certificate::proposal_bytes(chain, height, round, pol_round, block, &proposal.proposer.0)
}

/// `liuhen/validator/v1` + newline ‖ chain id ‖ the engine's bytes.
fn validator_message(chain: &ChainId, bytes: &[u8]) -> Vec<u8> {
    [line::VALIDATOR, chain.as_bytes(), bytes].concat()
}

/// `liuhen/parts/v1` + newline ‖ chain id ‖ height u64 ‖ round i64 ‖ proposer ‖ BLAKE3 of the
/// block's bytes.
pub fn parts_message(
    chain: &ChainId,
    height: Height,
    round: Round,
    proposer: &Address,
    block: &[u8],
) -> Vec<u8> {
    [
        line::PARTS,
        chain.as_bytes(),
        &height.0.to_be_bytes(),
        &round.as_i64().to_be_bytes(),
        proposer.0.as_bytes(),
        blake3::hash(block).as_bytes(),
    ]
    .concat()
}

#[async_trait]
impl Verifier<LiuhenContext> for Judge {
    async fn verify_signed_vote(
        &self,
        vote: &Vote,
        signature: &Signature,
        public_key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        let good = public_key.verify(&vote_message(&self.chain, vote), signature);
        Ok(VerificationResult::from_bool(good))
    }

    async fn verify_signed_proposal(
        &self,
        proposal: &Proposal,
        signature: &Signature,
        public_key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        let good = public_key.verify(&proposal_message(&self.chain, proposal), signature);
        Ok(VerificationResult::from_bool(good))
    }

    async fn verify_signed_vote_extension(
        &self,
        _scope: &VoteExtensionScope<LiuhenContext>,
        _extension: &(),
        _signature: &Signature,
        _public_key: &PublicKey,
    ) -> Result<VerificationResult, Error> {
        Ok(VerificationResult::Invalid)
    }

    async fn verify_validator_proof(
        &self,
        proof: &ValidatorProof<LiuhenContext>,
    ) -> Result<VerificationResult, Error> {
        let good = proof.decoded_public_key().is_ok_and(|key| {
            key.verify(&validator_message(&self.chain, &proof.preimage()), &proof.signature)
        });
        Ok(VerificationResult::from_bool(good))
    }
}

#[async_trait]
impl Signer<LiuhenContext> for Keeper {
    async fn sign_vote(&self, vote: Vote) -> Result<SignedMessage<LiuhenContext, Vote>, Error> {
        let signature = self.key.sign(&vote_message(&self.chain, &vote));
        Ok(SignedMessage::new(vote, signature))
    }

    async fn sign_proposal(
        &self,
        proposal: Proposal,
    ) -> Result<SignedMessage<LiuhenContext, Proposal>, Error> {
        let signature = self.key.sign(&proposal_message(&self.chain, &proposal));
        Ok(SignedMessage::new(proposal, signature))
    }

    async fn sign_vote_extension(
        &self,
        _scope: VoteExtensionScope<LiuhenContext>,
        _extension: (),
    ) -> Result<SignedMessage<LiuhenContext, ()>, Error> {
        Err(Error::from_source("this chain has no vote extensions"))
    }

    async fn sign_validator_proof(
        &self,
        public_key: Vec<u8>,
        peer_id: Vec<u8>,
    ) -> Result<ValidatorProof<LiuhenContext>, Error> {
        let preimage = ValidatorProof::<LiuhenContext>::signing_bytes(&public_key, &peer_id);
        let signature = self.key.sign(&validator_message(&self.chain, &preimage));
        Ok(ValidatorProof::new(public_key, peer_id, signature))
    }
}
