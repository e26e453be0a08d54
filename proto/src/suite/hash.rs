//! Every hash domain, in one place, so that nothing hashed or signed for one use can pass for
//! another.
//!
//! `H_x(b)` is BLAKE3 `keyed_hash` under the constant key `derive_key("liuhen v1 <x>", "")`.

use super::ed25519_blake3 as first;
use crate::types::Hash;
use std::sync::LazyLock;

/// What is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Domain {
    /// A node of a trail's, an item list's or a block's log; and the empty log.
    Node,
    /// An event leaf.
    Leaf,
    /// A node of the map.
    MapNode,
    /// A leaf of the map.
    MapLeaf,
    /// A key of the map.
    Key,
    /// A trail's size and root, a value of the map.
    Trail,
    /// An object, a value of the map.
    Object,
    /// An item of a transaction.
    Item,
    /// A transaction id.
    Tx,
    /// A key id.
    KeyId,
    /// An id made from an event.
    Id,
    /// The bytes of a ledger event.
    Ledger,
    /// The founding document.
    Genesis,
    /// A validator set.
    Validators,
    /// A certificate.
    Certificate,
    /// Transcript of a batch of signatures, from which its random factors are drawn.
    Batch,
    /// A salted digest of text that stays with the parties.
    Digest,
    /// A gateway's derivation of salts and nonces from its secret.
    Salt,
    /// A subject tag.
    Tag,
    /// What a node signs to ask the others to open a height.
    Wake,
    /// What a subject can show to read its trail: see [`crate::subject`].
    Subject,
    /// A tag as a leaf of a bulk set's log.
    TagLeaf,
    /// What repeats of an integrity event or alert have in common.
    Repeat,
}

/// Names behind "liuhen v1 ", in the order of [`Domain`].
const NAMES: [&str; 23] = [
    "node",
    "leaf",
    "mapnode",
    "mapleaf",
    "key",
    "trail",
    "object",
    "item",
    "tx",
    "keyid",
    "id",
    "ledger",
    "genesis",
    "validators",
    "cert",
    "batch",
    "digest",
    "salt",
    "tag",
    "wake",
    "subject",
    "tagleaf",
    "repeat",
];

static KEYS: LazyLock<[[u8; 32]; 23]> = LazyLock::new(|| NAMES.map(first::domain_key));

/// First line of what is signed; then the bytes it names.
pub mod line {
    /// A transaction: the header bytes follow.
    pub const TX: &[u8] = b"liuhen/tx/v1\n";
    /// A vote: see [`crate::header::certificate::vote_bytes`].
    pub const VOTE: &[u8] = b"liuhen/vote/v1\n";
    /// A proposal of consensus.
    pub const PROPOSAL: &[u8] = b"liuhen/proposal/v1\n";
    /// A stream of block parts.
    pub const PARTS: &[u8] = b"liuhen/parts/v1\n";
    /// The proof that a peer id belongs to a validator.
    pub const VALIDATOR: &[u8] = b"liuhen/validator/v1\n";
    /// Another root key's agreement: see [`crate::items::cosign_message`].
    pub const COSIGN: &[u8] = b"liuhen/cosign/v1\n";
    /// The result of comparing a database's log with the ledger: its JSON follows.
    pub const RECONCILIATION: &[u8] = b"liuhen/reconciliation/v1\n";
    /// A gateway's word that it served an access: see [`crate::items::access::receipt`].
    pub const RECEIPT: &[u8] = b"liuhen/receipt/v1\n";
    /// An officer opens the doors of a gateway by hand.
    pub const BREAK_GLASS: &[u8] = b"liuhen/break-glass/v1\n";
    /// What a reader asks of a node: see [`crate::items::reading::request`].
    pub const READ: &[u8] = b"liuhen/read/v1\n";
    /// A node's word that it notes a read: see [`crate::items::reading::request`].
    pub const READ_RECEIPT: &[u8] = b"liuhen/read-receipt/v1\n";
    /// A node's call to open a height.
    pub const WAKE: &[u8] = b"liuhen/wake/v1\n";
    /// What a node says of how it stands: its height, and what it heard.
    pub const STANDING: &[u8] = b"liuhen/standing/v1\n";
}

pub(super) fn key(domain: Domain) -> &'static [u8; 32] {
    // The array has one entry a variant; a test holds this.
    KEYS.get(domain as usize).unwrap_or(&[0; 32])
}

/// `H_domain` of the parts, one behind the other.
pub fn hash(domain: Domain, parts: &[&[u8]]) -> Hash {
    first::keyed_hash(key(domain), parts)
}

/// `H_domain(left ‖ right)`: one compression.
pub fn pair(domain: Domain, left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [0; 64];
    let (first, second) = bytes.split_at_mut(32);
    first.copy_from_slice(left.as_bytes());
    second.copy_from_slice(right.as_bytes());
    hash(domain, &[&bytes])
}

/// An endless stream of bytes drawn from a transcript, for tests that draw.
#[cfg(test)]
pub(crate) fn stream(domain: Domain, parts: &[&[u8]]) -> blake3::OutputReader {
    let mut hasher = blake3::Hasher::new_keyed(key(domain));
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize_xof()
}

/// The salted digest of a text that stays with the parties: `H_digest(salt ‖ text)`.
/// The salt has 16 bytes or more, else short texts can be guessed.
pub fn salted_digest(salt: &[u8; 16], text: &[u8]) -> Hash {
    hash(Domain::Digest, &[salt, text])
}

/// The same of what comes piece by piece.
#[derive(Debug, Clone)]
pub struct SaltedDigest(blake3::Hasher);

impl SaltedDigest {
    /// Begins with the salt.
    #[must_use]
    pub fn new(salt: &[u8; 16]) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(key(Domain::Digest));
        hasher.update(salt);
        Self(hasher)
    }

    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of all that came.
    #[must_use]
    pub fn finish(&self) -> Hash {
        Hash::new(*self.0.finalize().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_salted_digest_of_pieces() {
        let mut digest = SaltedDigest::new(&[7; 16]);
        for piece in ["", "per", "son", "al"] {
            digest.update(piece.as_bytes());
        }
        assert_eq!(digest.finish(), salted_digest(&[7; 16], b"personal"));
    }

    #[test]
    fn domains_are_distinct_and_named() {
        let names: BTreeSet<_> = NAMES.iter().collect();
        assert_eq!(names.len(), NAMES.len());
        assert_eq!(Domain::Repeat as usize + 1, NAMES.len());
        assert!(KEYS.iter().all(|key| *key != [0; 32]));
    }

    #[test]
    fn definition_by_the_plain_functions() {
        let key = blake3::derive_key("liuhen v1 item", b"");
        let expected = *blake3::keyed_hash(&key, b"abc").as_bytes();
        assert_eq!(hash(Domain::Item, &[b"abc"]).as_bytes(), &expected);
        assert_eq!(hash(Domain::Item, &[b"a", b"bc"]).as_bytes(), &expected);
    }

    #[test]
    fn pinned() {
        assert_eq!(
            hash(Domain::Node, &[b""]).to_string(),
            "d5339712845e89a2af03024c85aa760913d187b034ada7e9a06efcdc70699f44"
        );
    }
}
