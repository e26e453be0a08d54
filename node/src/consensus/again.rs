//! For fuzz targets: takes what a peer may send to the engine, without an engine.

use super::codec::WireCodec;
use super::parts::Streams;
use super::types::{LiuhenContext as Ctx, ProposalPart};
use crate::store::Block;
use malachitebft_app_channel::app::consensus::{LivenessMsg, ProposedValue, SignedConsensusMsg};
use malachitebft_app_channel::app::streaming::StreamMessage;
use malachitebft_app_channel::app::types::PeerId;
use malachitebft_app_channel::app::types::codec::Codec;
use malachitebft_app_channel::app::types::core::{
    ExtendedCommitCertificate, PolkaCertificate, RoundCertificate, ValidatorProof,
};
use malachitebft_app_channel::app::types::sync::{Request, Response, Status};

fn once_more<T>(bytes: &[u8]) -> Option<Vec<u8>>
where
    WireCodec: Codec<T>,
{
    let value: T = WireCodec.decode(bytes.to_vec().into()).ok()?;
    WireCodec.encode(&value).ok().map(|bytes| bytes.to_vec())
}

/// Decodes a message of a kind, 0 to 11, and encodes it again. `None` for bytes that are none.
pub fn message(kind: u8, bytes: &[u8]) -> Option<Vec<u8>> {
    match kind {
        0 => once_more::<SignedConsensusMsg<Ctx>>(bytes),
        1 => once_more::<LivenessMsg<Ctx>>(bytes),
        2 => once_more::<StreamMessage<ProposalPart>>(bytes),
        3 => once_more::<ProposalPart>(bytes),
        4 => once_more::<ProposedValue<Ctx>>(bytes),
        5 => once_more::<Status<Ctx>>(bytes),
        6 => once_more::<Request<Ctx>>(bytes),
        7 => once_more::<Response<Ctx>>(bytes),
        8 => once_more::<ValidatorProof<Ctx>>(bytes),
        9 => once_more::<PolkaCertificate<Ctx>>(bytes),
        10 => once_more::<RoundCertificate<Ctx>>(bytes),
        11 => once_more::<ExtendedCommitCertificate<Ctx>>(bytes),
        _ => None,
    }
}

/// Puts the parts of streams together, in the order in which one peer sends them, and reads the
/// blocks that they make.
pub fn streams(parts: &[&[u8]]) {
    // A peer id of no bytes, by the identity hash: any will do, and always the same.
    let Ok(peer) = PeerId::from_bytes(&[0, 0]) else { return };
    let mut streams = Streams::default();
    for bytes in parts {
        let part: Result<StreamMessage<ProposalPart>, _> = WireCodec.decode(bytes.to_vec().into());
        if let Some(whole) = part.ok().and_then(|part| streams.take_in(peer, part)) {
            let _ = Block::from_bytes(&whole.bytes).map(|block| block.header());
        }
    }
}
