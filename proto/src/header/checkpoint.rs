//! Checkpoints of the header log, as the text that log tools and witnesses read (C2SP
//! tlog-checkpoint): origin, size and root, a line each. Signed, it is a [note](crate::header::note).
//!
//! A checkpoint of size n holds headers 0 … n − 1; header n holds its root.

use crate::header::{block::Header, note::Note};
use crate::merkle::{Peaks, Sha256Log};
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

    /// The checkpoint that ends with a header, by the header's path in it. The path lists the roots of the
    /// complete subtrees before the header, whose own log root they must lead to: so it is the header that
    /// says what was before. `None` where they do not.
    pub fn ending_with(header: &Header, path: &[Hash]) -> Option<Self> {
        let mut peaks = Peaks::new(header.height.get(), path.iter().rev().copied().collect())?;
        if peaks.root::<Sha256Log>() != header.log_root {
            return None;
        }
        peaks.push::<Sha256Log>(Hash::new(*header.block_id().as_bytes()));
        let root = peaks.root::<Sha256Log>();
        Some(Self { chain: header.chain, size: peaks.size(), root })
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

/// That an entry is in a checkpoint, as the text that C2SP tlog-proof gives it: index, path, and the signed
/// note. The entry stands in it as extra data.
pub fn tlog_proof(entry: &[u8], index: u64, path: &[Hash], note: &Note) -> String {
    let path: String = path.iter().map(|hash| STANDARD.encode(hash.as_bytes()) + "\n").collect();
    let entry = STANDARD.encode(entry);
    format!("c2sp.org/tlog-proof@v1\nextra {entry}\nindex {index}\n{path}\n{note}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::note::Line;
    use crate::merkle::{MemoryLog, inclusion};

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

    /// Headers whose log roots are those of all before them.
    fn chain(count: u64) -> Vec<Header> {
        let mut log = MemoryLog::<Sha256Log>::default();
        let mut headers = Vec::new();
        for height in 0..count {
            let header = Header {
                height: crate::types::Height::new(height),
                log_root: log.root(),
                ..crate::header::block::tests::header()
            };
            log.push(Hash::new(*header.block_id().as_bytes()));
            headers.push(header);
        }
        headers
    }

    #[test]
    fn a_header_says_what_was_before() {
        let headers = chain(40);
        let id = |it: &Header| Hash::new(*it.block_id().as_bytes());
        let log: MemoryLog<Sha256Log> = headers.iter().map(id).collect();
        for (height, header) in (0..).zip(&headers) {
            let path = inclusion::prove::<Sha256Log, _>(&log, height, height + 1);
            let path = path.unwrap().unwrap();
            let checkpoint = Checkpoint::ending_with(header, &path).unwrap();
            assert_eq!((checkpoint.size, checkpoint.root), (height + 1, log.root_at(height + 1)));
            let longer = [&path[..], &[Hash::ZERO]].concat();
            assert_eq!(Checkpoint::ending_with(header, &longer), None);
            for at in 0..path.len() {
                let mut bent = path.clone();
                bent[at] = Hash::ZERO;
                assert_eq!(Checkpoint::ending_with(header, &bent), None);
                assert_eq!(Checkpoint::ending_with(header, &path[..at]), None);
            }
        }
    }

    #[test]
    fn pinned_tlog_proof() {
        let line = Line { name: "w".into(), key_hash: [1, 2, 3, 4], signature: vec![5; 3] };
        let note = Note { text: checkpoint().text(), lines: vec![line] };
        let text = tlog_proof(b"entry", 3, &[Hash::new([2; 32])], &note);
        let hash = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
        let expected = format!(
            "c2sp.org/tlog-proof@v1\nextra ZW50cnk=\nindex 3\n{hash}\n\n{}\n\u{2014} w AQIDBAUFBQ==\n",
            checkpoint().text()
        );
        assert_eq!(text, expected);
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
