//! The engine's messages as bincode, over mirrors of its types. Rounds that may not be nil can't be
//! said to be; the engine would go on with them.

use super::types::{Address, Ctx, Height, Proposal, ProposalPart, Value, Vote};
use crate::codec::{self, CodecError};
use bincode::{Decode, Encode};
use bytes::Bytes;
use liuhen_proto::suite::sign::{Signature, SignatureBytes};
use liuhen_proto::types::{BlockId, KeyId};
use malachitebft_app_channel::app::consensus::{LivenessMsg, ProposedValue, SignedConsensusMsg};
use malachitebft_app_channel::app::streaming::{StreamContent, StreamId, StreamMessage};
use malachitebft_app_channel::app::types::PeerId;
use malachitebft_app_channel::app::types::codec::{Codec, HasEncodedLen};
use malachitebft_app_channel::app::types::core::{
    ExtendedCommitCertificate, ExtendedCommitSignature, NilOrVal, PolkaCertificate, PolkaSignature,
    Round, RoundCertificate, RoundCertificateType, RoundSignature, SignedMessage, SignedProposal,
    SignedVote, ValidatorProof, Validity, VoteType,
};
use malachitebft_app_channel::app::types::sync::{RawDecidedValue, Request, Response, Status};
use malachitebft_sync::{ValueRequest, ValueResponse};

/// bincode, over mirrors of the engine's types.
#[derive(Clone, Copy, Debug, Default)]
pub struct WireCodec;

trait Mirror: Sized {
    type Wire: Encode + Decode<()>;
    fn to_wire(&self) -> Result<Self::Wire, CodecError>;
    fn from_wire(wire: Self::Wire) -> Result<Self, CodecError>;
}

#[allow(private_bounds, reason = "the mirrors are nobody else's business")]
impl<T: Mirror> Codec<T> for WireCodec {
    type Error = CodecError;

    fn decode(&self, bytes: Bytes) -> Result<T, CodecError> {
        T::from_wire(codec::decode(&bytes)?)
    }

    fn encode(&self, msg: &T) -> Result<Bytes, CodecError> {
        Ok(codec::encode(&msg.to_wire()?)?.into())
    }
}

impl HasEncodedLen<Response<Ctx>> for WireCodec {
    fn encoded_len(&self, msg: &Response<Ctx>) -> Result<usize, CodecError> {
        let Response::ValueResponse(response) = msg;
        let value = |v: &RawDecidedValue<Ctx>| {
            8 + v.value_bytes.len() + 8 + 4 + 32 + 8 + 96 * v.certificate.commit_signatures.len()
        };
        Ok(16 + response.values.iter().map(value).sum::<usize>())
    }
}

type Id = [u8; 32];
type Sig = SignatureBytes;

fn round(round: Round) -> Result<u32, CodecError> {
    round.as_u32().ok_or_else(|| CodecError::Content("a round that may not be nil is nil".into()))
}
fn address(id: Id) -> Address {
    Address(KeyId::new(id))
}
fn nil_or(value: &NilOrVal<BlockId>) -> Option<Id> {
    match value {
        NilOrVal::Nil => None,
        NilOrVal::Val(id) => Some(*id.as_bytes()),
    }
}
fn or_nil(value: Option<Id>) -> NilOrVal<BlockId> {
    value.map_or(NilOrVal::Nil, |id| NilOrVal::Val(BlockId::new(id)))
}
fn kind(precommit: bool) -> VoteType {
    if precommit { VoteType::Precommit } else { VoteType::Prevote }
}

#[derive(Encode, Decode)]
struct VoteWire {
    precommit: bool,
    height: u64,
    round: u32, // so a nil round can't be said
    value: Option<Id>,
    voter: Id,
    signature: Sig,
}

impl Mirror for SignedVote<Ctx> {
    type Wire = VoteWire;
    fn to_wire(&self) -> Result<VoteWire, CodecError> {
        let vote = &self.message;
        Ok(VoteWire {
            precommit: vote.kind == VoteType::Precommit,
            height: vote.height.0,
            round: round(vote.round)?,
            value: nil_or(&vote.value),
            voter: *vote.voter.0.as_bytes(),
            signature: *self.signature.as_bytes(),
        })
    }
    fn from_wire(wire: VoteWire) -> Result<Self, CodecError> {
        let vote = Vote {
            kind: kind(wire.precommit),
            height: Height(wire.height),
            round: Round::new(wire.round),
            value: or_nil(wire.value),
            voter: address(wire.voter),
        };
        Ok(SignedMessage::new(vote, Signature::new(wire.signature)))
    }
}

#[derive(Encode, Decode)]
struct ProposalWire {
    height: u64,
    round: u32,
    value: Id,
    pol_round: Option<u32>,
    proposer: Id,
    signature: Sig,
}

impl Mirror for SignedProposal<Ctx> {
    type Wire = ProposalWire;
    fn to_wire(&self) -> Result<ProposalWire, CodecError> {
        let proposal = &self.message;
        Ok(ProposalWire {
            height: proposal.height.0,
            round: round(proposal.round)?,
            value: *proposal.value.0.as_bytes(),
            pol_round: proposal.pol_round.as_u32(),
            proposer: *proposal.proposer.0.as_bytes(),
            signature: *self.signature.as_bytes(),
        })
    }
    fn from_wire(wire: ProposalWire) -> Result<Self, CodecError> {
        let proposal = Proposal {
            height: Height(wire.height),
            round: Round::new(wire.round),
            value: Value(BlockId::new(wire.value)),
            pol_round: Round::from(wire.pol_round),
            proposer: address(wire.proposer),
        };
        Ok(SignedMessage::new(proposal, Signature::new(wire.signature)))
    }
}

#[derive(Encode, Decode)]
enum ConsensusWire {
    Vote(VoteWire),
    Proposal(ProposalWire),
}

impl Mirror for SignedConsensusMsg<Ctx> {
    type Wire = ConsensusWire;
    fn to_wire(&self) -> Result<ConsensusWire, CodecError> {
        Ok(match self {
            Self::Vote(vote) => ConsensusWire::Vote(vote.to_wire()?),
            Self::Proposal(proposal) => ConsensusWire::Proposal(proposal.to_wire()?),
        })
    }
    fn from_wire(wire: ConsensusWire) -> Result<Self, CodecError> {
        Ok(match wire {
            ConsensusWire::Vote(vote) => Self::Vote(Mirror::from_wire(vote)?),
            ConsensusWire::Proposal(proposal) => Self::Proposal(Mirror::from_wire(proposal)?),
        })
    }
}

/// A polka or commit certificate.
#[derive(Encode, Decode)]
struct CertificateWire {
    height: u64,
    round: u32,
    value: Id,
    signatures: Vec<(Id, Sig)>,
}

impl Mirror for PolkaCertificate<Ctx> {
    type Wire = CertificateWire;
    fn to_wire(&self) -> Result<CertificateWire, CodecError> {
        let pair = |s: &PolkaSignature<Ctx>| (*s.address.0.as_bytes(), *s.signature.as_bytes());
        Ok(CertificateWire {
            height: self.height.0,
            round: round(self.round)?,
            value: *self.value_id.as_bytes(),
            signatures: self.polka_signatures.iter().map(pair).collect(),
        })
    }
    fn from_wire(wire: CertificateWire) -> Result<Self, CodecError> {
        Ok(Self {
            height: Height(wire.height),
            round: Round::new(wire.round),
            value_id: BlockId::new(wire.value),
            polka_signatures: wire
                .signatures
                .into_iter()
                .map(|(id, signature)| PolkaSignature::new(address(id), Signature::new(signature)))
                .collect(),
        })
    }
}

impl Mirror for ExtendedCommitCertificate<Ctx> {
    type Wire = CertificateWire;
    fn to_wire(&self) -> Result<CertificateWire, CodecError> {
        if self.commit_signatures.iter().any(|s| s.extension.is_some()) {
            return Err(CodecError::Content("a vote extension, on a chain without them".into()));
        }
        let pair =
            |s: &ExtendedCommitSignature<Ctx>| (*s.address.0.as_bytes(), *s.signature.as_bytes());
        Ok(CertificateWire {
            height: self.height.0,
            round: round(self.round)?,
            value: *self.value_id.as_bytes(),
            signatures: self.commit_signatures.iter().map(pair).collect(),
        })
    }
    fn from_wire(wire: CertificateWire) -> Result<Self, CodecError> {
        Ok(Self {
            height: Height(wire.height),
            round: Round::new(wire.round),
            value_id: BlockId::new(wire.value),
            commit_signatures: wire
                .signatures
                .into_iter()
                .map(|(id, signature)| {
                    ExtendedCommitSignature::new(address(id), Signature::new(signature), None)
                })
                .collect(),
        })
    }
}

#[derive(Encode, Decode)]
struct RoundSignatureWire {
    precommit: bool,
    value: Option<Id>,
    voter: Id,
    signature: Sig,
}

#[derive(Encode, Decode)]
struct RoundCertificateWire {
    height: u64,
    round: u32,
    precommit: bool,
    signatures: Vec<RoundSignatureWire>,
}

impl Mirror for RoundCertificate<Ctx> {
    type Wire = RoundCertificateWire;
    fn to_wire(&self) -> Result<RoundCertificateWire, CodecError> {
        let one = |s: &RoundSignature<Ctx>| RoundSignatureWire {
            precommit: s.vote_type == VoteType::Precommit,
            value: nil_or(&s.value_id),
            voter: *s.address.0.as_bytes(),
            signature: *s.signature.as_bytes(),
        };
        Ok(RoundCertificateWire {
            height: self.height.0,
            round: round(self.round)?,
            precommit: self.cert_type == RoundCertificateType::Precommit,
            signatures: self.round_signatures.iter().map(one).collect(),
        })
    }
    fn from_wire(wire: RoundCertificateWire) -> Result<Self, CodecError> {
        let one = |s: RoundSignatureWire| {
            RoundSignature::new(
                kind(s.precommit),
                or_nil(s.value),
                address(s.voter),
                Signature::new(s.signature),
            )
        };
        Ok(Self {
            height: Height(wire.height),
            round: Round::new(wire.round),
            cert_type: match wire.precommit {
                true => RoundCertificateType::Precommit,
                false => RoundCertificateType::Skip,
            },
            round_signatures: wire.signatures.into_iter().map(one).collect(),
        })
    }
}

#[derive(Encode, Decode)]
enum LivenessWire {
    Vote(VoteWire),
    Polka(CertificateWire),
    Round(RoundCertificateWire),
}

impl Mirror for LivenessMsg<Ctx> {
    type Wire = LivenessWire;
    fn to_wire(&self) -> Result<LivenessWire, CodecError> {
        Ok(match self {
            Self::Vote(vote) => LivenessWire::Vote(vote.to_wire()?),
            Self::PolkaCertificate(polka) => LivenessWire::Polka(polka.to_wire()?),
            Self::SkipRoundCertificate(round) => LivenessWire::Round(round.to_wire()?),
        })
    }
    fn from_wire(wire: LivenessWire) -> Result<Self, CodecError> {
        Ok(match wire {
            LivenessWire::Vote(vote) => Self::Vote(Mirror::from_wire(vote)?),
            LivenessWire::Polka(polka) => Self::PolkaCertificate(Mirror::from_wire(polka)?),
            LivenessWire::Round(round) => Self::SkipRoundCertificate(Mirror::from_wire(round)?),
        })
    }
}

#[derive(Encode, Decode)]
enum PartWire {
    Init { height: u64, round: u32, pol_round: Option<u32>, proposer: Id },
    Data(Vec<u8>),
    Fin(Sig),
}

impl Mirror for ProposalPart {
    type Wire = PartWire;
    fn to_wire(&self) -> Result<PartWire, CodecError> {
        Ok(match self {
            Self::Init { height, round: r, pol_round, proposer } => PartWire::Init {
                height: height.0,
                round: round(*r)?,
                pol_round: pol_round.as_u32(),
                proposer: *proposer.0.as_bytes(),
            },
            Self::Data(bytes) => PartWire::Data(bytes.to_vec()),
            Self::Fin { signature } => PartWire::Fin(*signature.as_bytes()),
        })
    }
    fn from_wire(wire: PartWire) -> Result<Self, CodecError> {
        Ok(match wire {
            PartWire::Init { height, round, pol_round, proposer } => Self::Init {
                height: Height(height),
                round: Round::new(round),
                pol_round: Round::from(pol_round),
                proposer: address(proposer),
            },
            PartWire::Data(bytes) => Self::Data(bytes.into()),
            PartWire::Fin(bytes) => Self::Fin { signature: Signature::new(bytes) },
        })
    }
}

#[derive(Encode, Decode)]
struct StreamWire {
    stream: Vec<u8>,
    sequence: u64,
    content: Option<PartWire>,
}

impl Mirror for StreamMessage<ProposalPart> {
    type Wire = StreamWire;
    fn to_wire(&self) -> Result<StreamWire, CodecError> {
        Ok(StreamWire {
            stream: self.stream_id.to_bytes().to_vec(),
            sequence: self.sequence,
            content: self.content.as_data().map(|part| part.to_wire()).transpose()?,
        })
    }
    fn from_wire(wire: StreamWire) -> Result<Self, CodecError> {
        let content = match wire.content {
            Some(part) => StreamContent::Data(Mirror::from_wire(part)?),
            None => StreamContent::Fin,
        };
        Ok(Self::new(StreamId::new(wire.stream.into()), wire.sequence, content))
    }
}

#[derive(Encode, Decode)]
struct ProofWire {
    public_key: Vec<u8>,
    peer: Vec<u8>,
    signature: Sig,
}

impl Mirror for ValidatorProof<Ctx> {
    type Wire = ProofWire;
    fn to_wire(&self) -> Result<ProofWire, CodecError> {
        Ok(ProofWire {
            public_key: self.public_key.clone(),
            peer: self.peer_id.clone(),
            signature: *self.signature.as_bytes(),
        })
    }
    fn from_wire(wire: ProofWire) -> Result<Self, CodecError> {
        Ok(Self::new(wire.public_key, wire.peer, Signature::new(wire.signature)))
    }
}

#[derive(Encode, Decode)]
struct ProposedWire {
    height: u64,
    round: u32,
    valid_round: Option<u32>,
    proposer: Id,
    value: Id,
    valid: bool,
}

impl Mirror for ProposedValue<Ctx> {
    type Wire = ProposedWire;
    fn to_wire(&self) -> Result<ProposedWire, CodecError> {
        Ok(ProposedWire {
            height: self.height.0,
            round: round(self.round)?,
            valid_round: self.valid_round.as_u32(),
            proposer: *self.proposer.0.as_bytes(),
            value: *self.value.0.as_bytes(),
            valid: self.validity.to_bool(),
        })
    }
    fn from_wire(wire: ProposedWire) -> Result<Self, CodecError> {
        Ok(Self {
            height: Height(wire.height),
            round: Round::new(wire.round),
            valid_round: Round::from(wire.valid_round),
            proposer: address(wire.proposer),
            value: Value(BlockId::new(wire.value)),
            validity: Validity::from_bool(wire.valid),
        })
    }
}

#[derive(Encode, Decode)]
struct StatusWire {
    peer: Vec<u8>,
    tip: u64,
    first: u64,
}

impl Mirror for Status<Ctx> {
    type Wire = StatusWire;
    fn to_wire(&self) -> Result<StatusWire, CodecError> {
        Ok(StatusWire {
            peer: self.peer_id.to_bytes(),
            tip: self.tip_height.0,
            first: self.history_min_height.0,
        })
    }
    fn from_wire(wire: StatusWire) -> Result<Self, CodecError> {
        let peer = PeerId::from_bytes(&wire.peer);
        Ok(Self {
            peer_id: peer.map_err(|error| CodecError::Content(format!("peer id: {error}")))?,
            tip_height: Height(wire.tip),
            history_min_height: Height(wire.first),
        })
    }
}

#[derive(Encode, Decode)]
struct RequestWire {
    first: u64,
    last: u64,
}

impl Mirror for Request<Ctx> {
    type Wire = RequestWire;
    fn to_wire(&self) -> Result<RequestWire, CodecError> {
        let Self::ValueRequest(request) = self;
        Ok(RequestWire { first: request.range.start().0, last: request.range.end().0 })
    }
    fn from_wire(wire: RequestWire) -> Result<Self, CodecError> {
        Ok(Self::ValueRequest(ValueRequest::new(Height(wire.first)..=Height(wire.last))))
    }
}

#[derive(Encode, Decode)]
struct RawWire {
    value: Vec<u8>,
    certificate: CertificateWire,
}

#[derive(Encode, Decode)]
struct ResponseWire {
    first: u64,
    values: Vec<RawWire>,
}

impl Mirror for Response<Ctx> {
    type Wire = ResponseWire;
    fn to_wire(&self) -> Result<ResponseWire, CodecError> {
        let Self::ValueResponse(response) = self;
        let raw = |v: &RawDecidedValue<Ctx>| -> Result<RawWire, CodecError> {
            Ok(RawWire { value: v.value_bytes.to_vec(), certificate: v.certificate.to_wire()? })
        };
        let values = response.values.iter().map(raw).collect::<Result<_, _>>()?;
        Ok(ResponseWire { first: response.start_height.0, values })
    }
    fn from_wire(wire: ResponseWire) -> Result<Self, CodecError> {
        let raw = |v: RawWire| -> Result<RawDecidedValue<Ctx>, CodecError> {
            Ok(RawDecidedValue::new(v.value.into(), Mirror::from_wire(v.certificate)?))
        };
        let values = wire.values.into_iter().map(raw).collect::<Result<_, _>>()?;
        Ok(Self::ValueResponse(ValueResponse::new(Height(wire.first), values)))
    }
}
