//! What validators signed at the open height and the two about it, by digest: each message is verified once for all who ask, and a liar
//! fills nothing, for only the first two of a validator at a place are kept, and of rounds to come the next few.

use super::Held;
use crate::clock;
use crate::codec::LIMIT;
use crate::consensus::codec::WireCodec;
use crate::consensus::signing::{author, signed};
use crate::consensus::types::{Address, Ctx, ValidatorSet};
use crate::gossip::Stream;
use crate::store::undecided::Undecided;
use crate::store::votes::Step;
use liuhen_proto::types::{ChainId, Height};
use malachitebft_app_channel::app::consensus::SignedConsensusMsg;
use malachitebft_app_channel::app::types::codec::Codec;
use malachitebft_app_channel::app::types::core::ValidatorSet as _;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

/// Messages of one validator at a place: two convict it.
const AT_A_PLACE: usize = 2;
/// Rounds after the open one of which messages are kept. Of those before all are: a lock may rest on them.
const ROUNDS: u32 = 8;
/// Messages of one answer.
pub(super) const TOGETHER: usize = 1_024;
/// Streams that are kept.
const STREAMS: usize = 8;

/// A message, and its digest.
#[derive(Debug, Clone)]
struct Message {
    digest: u64,
    bytes: Vec<u8>,
}

type Place = (Height, u32, Step, Address);
/// Where it was said, and its bytes.
type Newest = ((Height, u32, Step), Vec<u8>);

/// See above.
#[derive(Debug, Default)]
pub(in crate::consensus) struct Heard {
    validators: Option<ValidatorSet>,
    height: Height,
    round: u32,
    /// Since when nothing new came at the open height; `None` where none is open.
    since: Option<Instant>,
    messages: BTreeMap<Place, Vec<Message>>,
    known: HashSet<u64>,
    /// The last of each validator, whatever its height.
    newest: HashMap<Address, Newest>,
    streams: Vec<Kept>,
}

/// A block with its stream's signature, and by what the stream is asked for.
#[derive(Debug)]
struct Kept {
    id: [u8; 32],
    block: Arc<Undecided>,
}

/// A message from the bytes of the engine's codec.
pub(in crate::consensus) fn decode(bytes: &[u8]) -> Option<SignedConsensusMsg<Ctx>> {
    (bytes.len() <= LIMIT).then(|| WireCodec.decode(bytes.to_vec().into()).ok()).flatten()
}

fn encode(message: &SignedConsensusMsg<Ctx>) -> Option<Message> {
    let bytes = WireCodec.encode(message).ok()?.to_vec();
    let digest = blake3::hash(&bytes).as_bytes().first_chunk().copied().map(u64::from_le_bytes)?;
    Some(Message { digest, bytes })
}

impl Heard {
    pub(super) fn set_validators(&mut self, set: ValidatorSet) {
        self.validators = Some(set);
    }

    /// Nothing was heard by the engine that begins at this height. What each validator said last is kept.
    pub(super) fn begin(&mut self, height: Height, validators: Option<ValidatorSet>) {
        (self.height, self.round, self.since) = (height, 0, None);
        (self.messages, self.known, self.streams) = Default::default();
        self.validators = validators.or_else(|| self.validators.take());
    }

    pub(super) fn open(&mut self, height: Height, round: u32) {
        if height != self.height {
            // The height before is kept for who did not hear enough to decide it.
            let first = height.previous();
            self.messages = self.messages.split_off(&(first, 0, Step::Propose, least()));
            self.known = self.messages.values().flatten().map(|it| it.digest).collect();
        }
        (self.height, self.round, self.since) = (height, round, Some(clock::moment()));
    }

    /// The open height is decided: its block is had by sync from now on.
    pub(super) fn close(&mut self) {
        self.since = None;
        self.streams.retain(|it| it.block.height() > self.height);
    }

    /// Whether it is new, near, and signed by the validator that it names.
    pub(super) fn take_in(&mut self, chain: &ChainId, message: &SignedConsensusMsg<Ctx>) -> bool {
        let Some(encoded) = encode(message) else { return false };
        let said = signed(chain, message);
        let (height, round, step) = said.place();
        let near_round = if height == self.height { self.round } else { 0 };
        let is_near = height.get().abs_diff(self.height.get()) <= 1
            && round <= near_round.saturating_add(ROUNDS);
        if !is_near || self.known.contains(&encoded.digest) {
            return false;
        }
        let author = author(message);
        let validator = self.validators.as_ref().and_then(|it| it.get_by_address(&author));
        let Some(validator) = validator else { return false };
        let at_place = self.messages.get(&(height, round, step, author)).map_or(0, Vec::len);
        if at_place >= AT_A_PLACE || !validator.key.verify(&said.bytes, message.signature()) {
            return false;
        }
        let newest = self.newest.entry(author);
        let place = (height, round, step);
        let newest = newest.or_insert_with(|| (place, encoded.bytes.clone()));
        if newest.0 < place {
            *newest = (place, encoded.bytes.clone());
        }
        self.known.insert(encoded.digest);
        self.messages.entry((height, round, step, author)).or_default().push(encoded);
        if height == self.height {
            self.since = self.since.map(|_| clock::moment());
        }
        true
    }

    pub(super) fn newest_of(&self, who: &Address) -> Option<Vec<u8>> {
        self.newest.get(who).map(|(_, bytes)| bytes.clone())
    }

    pub(super) fn keep(&mut self, block: Arc<Undecided>) {
        let id = id_of(&block);
        if self.streams.iter().any(|it| it.id == id) {
            return;
        }
        if self.streams.len() >= STREAMS {
            self.streams.remove(0);
        }
        self.streams.push(Kept { id, block });
    }

    pub(super) fn missing(
        &self,
        height: Height,
        have: &[u64],
        blocks: &[[u8; 32]],
    ) -> (Vec<Vec<u8>>, Vec<[u8; 32]>) {
        let have: HashSet<u64> = have.iter().copied().collect();
        let lacks = self.at(height).filter(|it| !have.contains(&it.digest));
        let lacking = self.streams_at(height).filter(|id| !blocks.contains(id)).collect();
        (lacks.take(TOGETHER).map(|it| it.bytes.clone()).collect(), lacking)
    }

    pub(super) fn stream(&self, height: Height, id: &[u8; 32]) -> Option<Stream> {
        let kept = self.streams.iter().find(|it| it.block.height() == height && it.id == *id)?;
        Some(Stream {
            height: height.get(),
            round: kept.block.round,
            proposer: *kept.block.proposer().as_bytes(),
            block: kept.block.block.clone(),
            signature: kept.block.signature?.to_vec(),
        })
    }

    pub(super) fn held(&self) -> Option<Held> {
        let (since, height) = (self.since?, self.height);
        let messages = self.at(height).map(|it| it.digest).collect();
        Some(Held { height, since, messages, blocks: self.streams_at(height).collect() })
    }

    fn streams_at(&self, height: Height) -> impl Iterator<Item = [u8; 32]> + '_ {
        self.streams.iter().filter(move |it| it.block.height() == height).map(|it| it.id)
    }

    fn at(&self, height: Height) -> impl Iterator<Item = &Message> {
        let from = (height, 0, Step::Propose, least());
        let until = (height.next(), 0, Step::Propose, least());
        self.messages.range(from..until).flat_map(|(_, all)| all)
    }
}

/// Before every other address.
fn least() -> Address {
    Address(liuhen_proto::types::KeyId::new([0; 32]))
}

/// By what a stream is asked for: its round, its proposer and the signature over its block.
fn id_of(block: &Undecided) -> [u8; 32] {
    let mut hash = blake3::Hasher::new();
    hash.update(&block.round.to_le_bytes()).update(block.proposer().as_bytes());
    hash.update(block.signature.as_ref().map_or(&[], |it| it.as_slice()));
    *hash.finalize().as_bytes()
}
