//! The header of a block, 288 bytes, and what it commits to.

use crate::merkle::log::sha256_leaf;
use crate::types::{BlockId, ChainId, Hash, Height, KeyId, TimeMs};

/// Bytes of a header.
pub const HEADER_BYTES: usize = 288;
/// First bytes of a header.
pub const MAGIC: [u8; 4] = *b"LHB1";
/// The protocol version that this code follows.
pub const PROTOCOL: u32 = 1;
/// The suite of algorithms that this code knows: BLAKE3, SHA-256, Ed25519.
pub const SUITE: u32 = 1;

/// What validators sign, by its block id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Protocol version.
    pub protocol: u32,
    /// Suite of algorithms.
    pub suite: u32,
    /// The chain.
    pub chain: ChainId,
    /// The block's number.
    pub height: Height,
    /// Block time, agreed by the validators.
    pub time: TimeMs,
    /// Key of the validator that made the block; zeros at genesis.
    pub proposer: KeyId,
    /// `H_cert` of the certificate of the block before, as this block carries it; zeros at genesis.
    pub last_commit: Hash,
    /// RFC 6962 SHA-256 root of the headers 0 … height − 1: the link to the parent.
    pub log_root: Hash,
    /// Number of events.
    pub event_count: u32,
    /// Log over the event leaves.
    pub events_root: Hash,
    /// The map after this block.
    pub map_root: Hash,
    /// Who signs this block.
    pub validators_hash: Hash,
    /// Who signs the next one.
    pub next_validators_hash: Hash,
}

/// Bytes that are not a header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// A header has 288 bytes.
    #[error("a header has {HEADER_BYTES} bytes, this has {0}")]
    Length(usize),
    /// It does not begin as a header does.
    #[error("not a block header: it does not begin with LHB1")]
    Magic,
}

impl Header {
    /// magic 4 · protocol u32 · suite u32 · chain id 32 · height u64 · time_ms u64 · proposer 32 ·
    /// last commit 32 · log root 32 · event count u32 · events root 32 · map root 32 ·
    /// validators hash 32 · next validators hash 32.
    pub fn to_bytes(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        let protocol = self.protocol.to_be_bytes();
        let suite = self.suite.to_be_bytes();
        let height = self.height.get().to_be_bytes();
        let time = self.time.get().to_be_bytes();
        let count = self.event_count.to_be_bytes();
        let parts: [&[u8]; 14] = [
            &MAGIC,
            &protocol,
            &suite,
            self.chain.as_bytes(),
            &height,
            &time,
            self.proposer.as_bytes(),
            self.last_commit.as_bytes(),
            self.log_root.as_bytes(),
            &count,
            self.events_root.as_bytes(),
            self.map_root.as_bytes(),
            self.validators_hash.as_bytes(),
            self.next_validators_hash.as_bytes(),
        ];
        for (place, byte) in out.iter_mut().zip(parts.into_iter().flatten()) {
            *place = *byte;
        }
        out
    }

    /// From its 288 bytes. Errors for another length or beginning; protocol and suite are the
    /// caller's to judge.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HeaderError> {
        let length = HeaderError::Length(bytes.len());
        let whole: &[u8; HEADER_BYTES] = bytes.try_into().map_err(|_| length)?;
        let mut rest: &[u8] = whole;
        if take::<4>(&mut rest) != MAGIC {
            return Err(HeaderError::Magic);
        }
        Ok(Self {
            protocol: u32::from_be_bytes(take(&mut rest)),
            suite: u32::from_be_bytes(take(&mut rest)),
            chain: ChainId::new(take(&mut rest)),
            height: Height::new(u64::from_be_bytes(take(&mut rest))),
            time: TimeMs::new(u64::from_be_bytes(take(&mut rest))),
            proposer: KeyId::new(take(&mut rest)),
            last_commit: Hash::new(take(&mut rest)),
            log_root: Hash::new(take(&mut rest)),
            event_count: u32::from_be_bytes(take(&mut rest)),
            events_root: Hash::new(take(&mut rest)),
            map_root: Hash::new(take(&mut rest)),
            validators_hash: Hash::new(take(&mut rest)),
            next_validators_hash: Hash::new(take(&mut rest)),
        })
    }

    /// SHA-256(0x00 ‖ header): the RFC 6962 leaf hash.
    pub fn block_id(&self) -> BlockId {
        BlockId::new(*sha256_leaf(&self.to_bytes()).as_bytes())
    }
}

/// The next `N` bytes; zeros beyond the end, which the length check above rules out.
fn take<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    match rest.split_first_chunk::<N>() {
        Some((head, tail)) => {
            *rest = tail;
            *head
        }
        None => [0; N],
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A header with something else in each field.
    pub(crate) fn header() -> Header {
        Header {
            protocol: 1,
            suite: 1,
            chain: ChainId::new([1; 32]),
            height: Height::new(2),
            time: TimeMs::new(3),
            proposer: KeyId::new([4; 32]),
            last_commit: Hash::new([5; 32]),
            log_root: Hash::new([6; 32]),
            event_count: 7,
            events_root: Hash::new([8; 32]),
            map_root: Hash::new([9; 32]),
            validators_hash: Hash::new([10; 32]),
            next_validators_hash: Hash::new([11; 32]),
        }
    }

    #[test]
    fn header_bytes_are_pinned() {
        let header = header();
        let bytes = header.to_bytes();
        let expected = [
            "4c484231".to_owned(),
            "00000001".repeat(2),
            "01".repeat(32),
            "0000000000000002".to_owned(),
            "0000000000000003".to_owned(),
            "04".repeat(32),
            "05".repeat(32),
            "06".repeat(32),
            "00000007".to_owned(),
            "08".repeat(32),
            "09".repeat(32),
            "0a".repeat(32),
            "0b".repeat(32),
        ];
        assert_eq!(hex::encode(bytes), expected.concat());
        assert_eq!(Header::from_bytes(&bytes).unwrap(), header);
        assert_eq!(Header::from_bytes(&bytes[1..]), Err(HeaderError::Length(287)));
        assert_eq!(Header::from_bytes(&[0; 288]), Err(HeaderError::Magic));
        assert_eq!(
            header.block_id().to_string(),
            "927241278d682976d8cef51127ca95dd3e280e60308af673d8209573c097cdcd"
        );
    }
}
