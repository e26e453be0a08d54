//! The types that the engine is given: thin shells around those of the protocol.

use bytes::Bytes;
use liuhen_proto::header::{turns::Turns, validators};
use liuhen_proto::suite::sign::{PrivateKey, PublicKey, Signature};
use liuhen_proto::types::{BlockId, KeyId};
use malachitebft_app_channel::app::types::core as mc;
use malachitebft_app_channel::app::types::core::{
    LinearTimeouts, NilOrVal, Round, SignedExtension, VoteType, VotingPower,
};
use std::fmt;
use std::sync::Arc;

/// The types that the engine is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiuhenContext;

/// The same, shorter.
pub type Ctx = LiuhenContext;

/// A validator's key id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub KeyId);

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl mc::Address for Address {}

/// A height, as the engine wants it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Height(pub u64);

impl fmt::Display for Height {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl mc::Height for Height {
    const ZERO: Self = Self(0);
    const INITIAL: Self = Self(1);

    fn increment_by(&self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }

    fn decrement_by(&self, n: u64) -> Option<Self> {
        self.0.checked_sub(n).map(Self)
    }

    fn as_u64(&self) -> u64 {
        self.0
    }
}

/// What is voted on: the id of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value(pub BlockId);

impl mc::Value for Value {
    type Id = BlockId;

    fn id(&self) -> BlockId {
        self.0
    }
}

/// A prevote or precommit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    pub kind: VoteType,
    pub height: Height,
    pub round: Round,
    pub value: NilOrVal<BlockId>,
    pub voter: Address,
}

impl mc::Vote<LiuhenContext> for Vote {
    fn height(&self) -> Height {
        self.height
    }
    fn round(&self) -> Round {
        self.round
    }
    fn value(&self) -> &NilOrVal<BlockId> {
        &self.value
    }
    fn take_value(self) -> NilOrVal<BlockId> {
        self.value
    }
    fn vote_type(&self) -> VoteType {
        self.kind
    }
    fn validator_address(&self) -> &Address {
        &self.voter
    }
    fn extension(&self) -> Option<&SignedExtension<LiuhenContext>> {
        None
    }
    fn take_extension(&mut self) -> Option<SignedExtension<LiuhenContext>> {
        None
    }
    fn extend(self, _extension: SignedExtension<LiuhenContext>) -> Self {
        self
    }
}

/// A proposer's word that a value is proposed in a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub height: Height,
    pub round: Round,
    pub value: Value,
    pub pol_round: Round,
    pub proposer: Address,
}

impl mc::Proposal<LiuhenContext> for Proposal {
    fn height(&self) -> Height {
        self.height
    }
    fn round(&self) -> Round {
        self.round
    }
    fn value(&self) -> &Value {
        &self.value
    }
    fn take_value(self) -> Value {
        self.value
    }
    fn pol_round(&self) -> Round {
        self.pol_round
    }
    fn validator_address(&self) -> &Address {
        &self.proposer
    }
}

/// A piece of a block's stream: Init, Data …, Fin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProposalPart {
    Init { height: Height, round: Round, pol_round: Round, proposer: Address },
    Data(Bytes),
    Fin { signature: Signature },
}

impl mc::ProposalPart<LiuhenContext> for ProposalPart {
    fn is_first(&self) -> bool {
        matches!(self, Self::Init { .. })
    }
    fn is_last(&self) -> bool {
        matches!(self, Self::Fin { .. })
    }
}

/// A node that votes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    pub address: Address,
    pub key: PublicKey,
    pub power: VotingPower,
}

impl mc::Validator<LiuhenContext> for Validator {
    fn address(&self) -> &Address {
        &self.address
    }
    fn public_key(&self) -> &PublicKey {
        &self.key
    }
    fn voting_power(&self) -> VotingPower {
        self.power
    }
}

/// The validators of one height, and whose turn it is to propose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidatorSet(Arc<Members>);

#[derive(Debug, PartialEq, Eq)]
struct Members {
    first: Validator,
    rest: Vec<Validator>,
    total: VotingPower,
    turns: Turns,
}

impl ValidatorSet {
    /// The engine's view of a set; `None` if nobody is in it, or its power is too great to count.
    pub fn new(set: &validators::ValidatorSet, turns: Turns) -> Option<Self> {
        let mut all = set.all().iter().map(|it| Validator {
            address: Address(it.key_id),
            key: it.key,
            power: it.power,
        });
        let (first, rest) = (all.next()?, all.collect::<Vec<_>>());
        let total = rest.iter().try_fold(first.power, |sum, it| sum.checked_add(it.power))?;
        total.checked_mul(3)?; // the engine multiplies by 3
        Some(Self(Arc::new(Members { first, rest, total, turns })))
    }

    /// Whose turn it is. Total for every round: the engine asks with rounds that nobody verified.
    pub fn proposer(&self, height: Height, round: Round) -> &Validator {
        let height = liuhen_proto::types::Height::new(height.0);
        let index = self.0.turns.at(height, round.as_u32().unwrap_or(0));
        index.checked_sub(1).and_then(|n| self.0.rest.get(n)).unwrap_or(&self.0.first)
    }
}

impl mc::ValidatorSet<LiuhenContext> for ValidatorSet {
    fn count(&self) -> usize {
        self.0.rest.len() + 1
    }
    fn total_voting_power(&self) -> VotingPower {
        self.0.total
    }
    fn get_by_address(&self, address: &Address) -> Option<&Validator> {
        std::iter::once(&self.0.first).chain(&self.0.rest).find(|it| it.address == *address)
    }
    fn get_by_index(&self, index: usize) -> Option<&Validator> {
        match index.checked_sub(1) {
            None => Some(&self.0.first),
            Some(index) => self.0.rest.get(index),
        }
    }
}

/// Ed25519 by the protocol's one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ed25519;

impl mc::SigningScheme for Ed25519 {
    type DecodingError = String;
    type Signature = Signature;
    type PublicKey = PublicKey;
    type PrivateKey = PrivateKey;

    fn decode_signature(bytes: &[u8]) -> Result<Signature, String> {
        Signature::from_slice(bytes).map_err(|e| e.to_string())
    }
    fn encode_signature(signature: &Signature) -> Vec<u8> {
        signature.to_vec()
    }
    fn decode_public_key(bytes: &[u8]) -> Result<PublicKey, String> {
        PublicKey::from_slice(bytes).map_err(|error| error.to_string())
    }
    fn encode_public_key(key: &PublicKey) -> Vec<u8> {
        key.as_bytes().to_vec()
    }
}

impl mc::Context for LiuhenContext {
    type Address = Address;
    type Height = Height;
    type ProposalPart = ProposalPart;
    type Proposal = Proposal;
    type Validator = Validator;
    type ValidatorSet = ValidatorSet;
    type Timeouts = LinearTimeouts;
    type Value = Value;
    type Vote = Vote;
    type Extension = ();
    type SigningScheme = Ed25519;

    fn select_proposer<'a>(
        &self,
        validator_set: &'a ValidatorSet,
        height: Height,
        round: Round,
    ) -> &'a Validator {
        validator_set.proposer(height, round)
    }

    fn new_proposal(
        &self,
        height: Height,
        round: Round,
        value: Value,
        pol_round: Round,
        proposer: Address,
    ) -> Proposal {
        Proposal { height, round, value, pol_round, proposer }
    }

    fn new_prevote(
        &self,
        height: Height,
        round: Round,
        value: NilOrVal<BlockId>,
        voter: Address,
    ) -> Vote {
        Vote { kind: VoteType::Prevote, height, round, value, voter }
    }

    fn new_precommit(
        &self,
        height: Height,
        round: Round,
        value: NilOrVal<BlockId>,
        voter: Address,
    ) -> Vote {
        Vote { kind: VoteType::Precommit, height, round, value, voter }
    }
}
