//! The leaf of an event: what trails and blocks are logs of.

use super::Outcome;
use crate::suite::hash::{self, Domain};
use crate::types::{Hash, Height, TimeMs, TxId};

/// Bytes of an event leaf.
pub const LEAF_BYTES: usize = 90;

/// What a leaf commits to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventLeaf {
    /// The block that holds the event.
    pub height: Height,
    /// Its place among the events of the block.
    pub index: u32,
    /// Block time.
    pub time: TimeMs,
    /// The transaction that carries it; zeros for a ledger event.
    pub origin: TxId,
    /// Its place among the items of the transaction.
    pub item: u32,
    /// `H_item(item bytes)`, or `H_ledger` of a ledger event's.
    pub digest: Hash,
    /// What the rules made of it.
    pub outcome: Outcome,
}

impl EventLeaf {
    /// height u64 ‖ index u32 ‖ time_ms u64 ‖ origin 32 ‖ item u32 ‖ digest 32 ‖ outcome u16.
    pub fn to_bytes(&self) -> [u8; LEAF_BYTES] {
        let mut out = [0; LEAF_BYTES];
        let height = self.height.get().to_be_bytes();
        let index = self.index.to_be_bytes();
        let time = self.time.get().to_be_bytes();
        let item = self.item.to_be_bytes();
        let outcome = self.outcome.to_bits().to_be_bytes();
        let parts: [&[u8]; 7] = [
            &height,
            &index,
            &time,
            self.origin.as_bytes(),
            &item,
            self.digest.as_bytes(),
            &outcome,
        ];
        for (place, byte) in out.iter_mut().zip(parts.into_iter().flatten()) {
            *place = *byte;
        }
        out
    }

    /// From its 90 bytes; `None` for another length or an outcome that no rule gives.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (height, rest) = bytes.split_first_chunk::<8>()?;
        let (index, rest) = rest.split_first_chunk::<4>()?;
        let (time, rest) = rest.split_first_chunk::<8>()?;
        let (origin, rest) = rest.split_first_chunk::<32>()?;
        let (item, rest) = rest.split_first_chunk::<4>()?;
        let (digest, rest) = rest.split_first_chunk::<32>()?;
        let outcome = u16::from_be_bytes(rest.try_into().ok()?);
        Some(Self {
            height: Height::new(u64::from_be_bytes(*height)),
            index: u32::from_be_bytes(*index),
            time: TimeMs::new(u64::from_be_bytes(*time)),
            origin: TxId::new(*origin),
            item: u32::from_be_bytes(*item),
            digest: Hash::new(*digest),
            outcome: Outcome::from_bits(outcome)?,
        })
    }

    /// `H_leaf` of its bytes.
    pub fn hash(&self) -> Hash {
        hash::hash(Domain::Leaf, &[&self.to_bytes()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Reason, Timeliness, Verdict};

    #[test]
    fn leaf_bytes_are_pinned() {
        let leaf = EventLeaf {
            height: Height::new(0x0102),
            index: 3,
            time: TimeMs::new(0x0405),
            origin: TxId::new([6; 32]),
            item: 7,
            digest: Hash::new([8; 32]),
            outcome: Outcome {
                verdict: Verdict::Uncovered,
                reason: Reason::NoGrant,
                timeliness: Timeliness::Late,
                future: true,
                names_others: false,
            },
        };
        let bytes = leaf.to_bytes();
        let expected = format!(
            "0000000000000102{}0000000000000405{}{}{}{}",
            "00000003",
            "06".repeat(32),
            "00000007",
            "08".repeat(32),
            "0262"
        );
        assert_eq!(hex::encode(bytes), expected);
        assert_eq!(EventLeaf::from_bytes(&bytes), Some(leaf));
        assert_eq!(EventLeaf::from_bytes(&bytes[..89]), None);
        assert_eq!(EventLeaf::from_bytes(&[&bytes[..], &[0]].concat()), None);
        let mut others = bytes;
        others[89] |= 0x80;
        assert!(EventLeaf::from_bytes(&others).unwrap().outcome.names_others);
        let mut bad = bytes;
        bad[89] |= 0x0f;
        assert_eq!(EventLeaf::from_bytes(&bad), None);
    }

    #[test]
    fn every_outcome_survives() {
        for bits in 0..=u16::MAX {
            if let Some(outcome) = Outcome::from_bits(bits) {
                assert_eq!(outcome.to_bits(), bits);
            }
        }
    }
}
