//! Streams of block parts: cutting a block into parts, and putting parts together again. Parts come
//! in any order; whoever sends them is bounded.

use super::types::{Address, Height, ProposalPart};
use bytes::Bytes;
use liuhen_proto::suite::sign::Signature;
use malachitebft_app_channel::app::streaming::{StreamContent, StreamId, StreamMessage};
use malachitebft_app_channel::app::types::PeerId;
use malachitebft_app_channel::app::types::core::Round;
use std::collections::{BTreeMap, HashMap};

/// Bytes of a part.
const PART_BYTES: usize = 256 * 1024;
/// Parts of a stream: more than the largest block has.
const MOST_PARTS: u64 = 24;
/// Open streams of one peer; then its oldest goes.
const MOST_STREAMS: usize = 4;

/// A stream whose parts are all there.
#[derive(Debug, Clone)]
pub(super) struct Assembled {
    pub(super) height: Height,
    pub(super) round: Round,
    pub(super) pol_round: Round,
    pub(super) proposer: Address,
    pub(super) bytes: Bytes,
    pub(super) signature: Signature,
}

/// The parts of a block's stream.
pub fn cut(
    height: Height,
    round: Round,
    proposer: Address,
    bytes: &Bytes,
    signature: Signature,
) -> Vec<ProposalPart> {
    let init = ProposalPart::Init { height, round, pol_round: Round::Nil, proposer };
    let data = (0..bytes.len()).step_by(PART_BYTES).map(|at| {
        let end = bytes.len().min(at.saturating_add(PART_BYTES));
        ProposalPart::Data(bytes.slice(at..end))
    });
    let fin = ProposalPart::Fin { signature };
    std::iter::once(init).chain(data).chain(std::iter::once(fin)).collect()
}

/// A stream's id and the parts that have come, by number.
type OpenStream = (StreamId, BTreeMap<u64, ProposalPart>);

/// Streams that are not complete yet.
#[derive(Debug, Default)]
pub(super) struct Streams {
    open: HashMap<PeerId, Vec<OpenStream>>,
}

impl Streams {
    /// The stream, if this was its last missing part and it is well formed.
    pub(super) fn take_in(
        &mut self,
        publisher: PeerId,
        message: StreamMessage<ProposalPart>,
    ) -> Option<Assembled> {
        let StreamContent::Data(part) = message.content else {
            return None;
        };
        let too_large = matches!(&part, ProposalPart::Data(data) if data.len() > PART_BYTES);
        if message.sequence >= MOST_PARTS || too_large {
            return None;
        }
        let streams = self.open.entry(publisher).or_default();
        let at = match streams.iter().position(|(id, _)| *id == message.stream_id) {
            Some(at) => at,
            None => {
                if streams.len() >= MOST_STREAMS {
                    streams.remove(0);
                }
                streams.push((message.stream_id, BTreeMap::new()));
                streams.len().saturating_sub(1)
            }
        };
        let (_, parts) = streams.get_mut(at)?;
        parts.insert(message.sequence, part);
        let fin = parts.iter().find(|(_, part)| matches!(part, ProposalPart::Fin { .. }));
        let last = *fin?.0;
        if (parts.len() as u64) <= last {
            return None;
        }
        let (_, parts) = streams.remove(at);
        assemble(parts.into_values().collect())
    }
}

fn assemble(parts: Vec<ProposalPart>) -> Option<Assembled> {
    let [first, data @ .., last] = parts.as_slice() else {
        return None;
    };
    let ProposalPart::Init { height, round, pol_round, proposer } = first else {
        return None;
    };
    let ProposalPart::Fin { signature } = last else {
        return None;
    };
    let mut bytes = Vec::new();
    for part in data {
        let ProposalPart::Data(data) = part else {
            return None;
        };
        bytes.extend_from_slice(data);
    }
    Some(Assembled {
        height: *height,
        round: *round,
        pol_round: *pol_round,
        proposer: *proposer,
        bytes: bytes.into(),
        signature: *signature,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use liuhen_proto::types::KeyId;

    fn messages(stream: u8, size: usize) -> (Bytes, Vec<StreamMessage<ProposalPart>>) {
        let bytes = Bytes::from((0..size).map(|i| i as u8).collect::<Vec<_>>());
        let proposer = Address(KeyId::new([1; 32]));
        let parts = cut(Height(5), Round::new(2), proposer, &bytes, Signature::new([7; 64]));
        let id = StreamId::new(vec![stream].into());
        let message = |(n, part)| StreamMessage::new(id.clone(), n, StreamContent::Data(part));
        (bytes, (0u64..).zip(parts).map(message).collect())
    }

    fn peer(byte: u8) -> PeerId {
        let key = malachitebft_app_channel::app::types::Keypair::ed25519_from_bytes([byte; 32]);
        PeerId::from_bytes(&key.unwrap().public().to_peer_id().to_bytes()).unwrap()
    }

    #[test]
    fn any_order_gives_the_block_once() {
        let (bytes, all) = messages(1, 700_000);
        let mut streams = Streams::default();
        let mut given = Vec::new();
        for message in all.iter().rev() {
            given.extend(streams.take_in(peer(1), message.clone()));
        }
        let [assembled] = given.as_slice() else { panic!("{}", given.len()) };
        assert_eq!(assembled.bytes, bytes);
        assert_eq!((assembled.height, assembled.signature), (Height(5), Signature::new([7; 64])));
        assert!(streams.open[&peer(1)].is_empty());
    }

    #[test]
    fn a_peer_can_hold_only_so_much() {
        let mut streams = Streams::default();
        for stream in 0..100 {
            let (_, all) = messages(stream, 10);
            assert!(streams.take_in(peer(1), all[1].clone()).is_none());
        }
        assert_eq!(streams.open[&peer(1)].len(), MOST_STREAMS);
        let (_, all) = messages(1, 10);
        let beyond =
            StreamMessage::new(all[0].stream_id.clone(), MOST_PARTS, all[0].content.clone());
        assert!(streams.take_in(peer(2), beyond).is_none());
        assert!(!streams.open.contains_key(&peer(2)));
    }
}
