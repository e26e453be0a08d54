//! Checkpoints of the header log, as the text that log tools and witnesses read (C2SP
//! tlog-checkpoint): origin, size and root, a line each.
//!
//! A checkpoint of size n holds headers 0 … n − 1; header n holds its root. What follows the text in a
//! signed note is others' business.

use crate::types::{ChainId, Hash};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// First line of a checkpoint: this, and the chain id in hexadecimal.
const ORIGIN: &str = "liuhen/";

/// Headers 0 … size − 1 of a chain, and their RFC 6962 root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// The chain.
    pub chain: ChainId,
    /// How many headers.
    pub size: u64,
    /// Their root.
    pub root: Hash,
}

/// A text that is no checkpoint of a Liuhen chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no checkpoint of a Liuhen chain: {0}")]
pub struct BadCheckpoint(&'static str);

/// The origin line of a chain's checkpoints.
pub fn origin(chain: &ChainId) -> String {
    format!("{ORIGIN}{chain}")
}

impl Checkpoint {
    /// The text, without signatures: what they sign.
    pub fn text(&self) -> String {
        let root = STANDARD.encode(self.root.as_bytes());
        format!("{}\n{}\n{root}\n", origin(&self.chain), self.size)
    }

    /// Reads the text of a checkpoint; signatures and other lines behind it are left aside.
    pub fn parse(text: &str) -> Result<Self, BadCheckpoint> {
        let body = text.split_once("\n\n").map_or(text, |(body, _)| body);
        let mut lines = body.lines();
        let first = lines.next().unwrap_or_default();
        let chain = first.strip_prefix(ORIGIN).and_then(|hex| hex.parse().ok());
        // Witnesses compare the line as it stands, so capital digits make it another log's.
        let chain = chain.filter(|chain| origin(chain) == first);
        let chain = chain.ok_or(BadCheckpoint("its first line is not liuhen/ and a chain id"))?;
        let size = lines.next().unwrap_or_default();
        let plain = size == "0" || (!size.starts_with(['0', '+']) && !size.is_empty());
        let size = size.parse().ok().filter(|_| plain);
        let size = size.ok_or(BadCheckpoint("its second line is no size"))?;
        let root = STANDARD.decode(lines.next().unwrap_or_default()).unwrap_or_default();
        let root = Hash::from_slice(&root);
        let root = root.map_err(|_| BadCheckpoint("its third line is no root of 32 bytes"))?;
        Ok(Self { chain, size, root })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAIN: [u8; 32] = [0xab; 32];

    fn checkpoint() -> Checkpoint {
        Checkpoint { chain: ChainId::new(CHAIN), size: 7, root: Hash::new([1; 32]) }
    }

    #[test]
    fn pinned_text() {
        let text = checkpoint().text();
        let hex = "ab".repeat(32);
        let expected = format!("liuhen/{hex}\n7\nAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n");
        assert_eq!(text, expected);
        assert_eq!(Checkpoint::parse(&text), Ok(checkpoint()));
        let signed = format!("{text}extension\n\n— who AAAA\n");
        assert_eq!(Checkpoint::parse(&signed), Ok(checkpoint()));
    }

    #[test]
    fn what_is_none() {
        let text = checkpoint().text();
        let bent = [
            String::new(),
            text.replace("liuhen/", "other/"),
            text.replace("abab", "ABZZ"),
            text.replace("abab", "ABab"),
            text.replace("\n7\n", "\n07\n"),
            text.replace("\n7\n", "\n+7\n"),
            text.replace("\n7\n", "\n\n"),
            text.replace("\n7\n", "\n18446744073709551616\n"),
            text.replace("AQEB", "AQE"),
            text.replace("AQE=", "AQF="),
        ];
        for text in bent {
            assert!(Checkpoint::parse(&text).is_err(), "{text}");
        }
    }
}
