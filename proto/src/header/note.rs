//! Signed notes (C2SP signed-note): a text, and a line for each signature on it.
//!
//! Two kinds of signatures are known: Ed25519 over the text (type 0x01), and cosignatures of checkpoints
//! (C2SP tlog-cosignature, type 0x04), which carry the time at which their signer saw the checkpoint. A
//! line is its signer's by name and key hash; others' lines are left aside.

use crate::suite::sign::{PrivateKey, PublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// Bytes of a note at most.
pub const NOTE_BYTES: usize = 64 * 1024;
/// Before each signature's line: an em dash and a space.
const BEFORE: &str = "\u{2014} ";
/// First line of what a cosignature signs.
const COSIGNATURE: &str = "cosignature/v1";

/// What is no signed note, no key of one, or no good signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not a note.
    #[error("no signed note: {0}")]
    Note(&'static str),
    /// Not a key.
    #[error("no verifier key: {0}")]
    Key(&'static str),
    /// A line of this key does not hold.
    #[error("the signature of {0} does not hold")]
    Signature(String),
}

/// A signature on a note, by whomever.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// The signer's name.
    pub name: String,
    /// The first four bytes of the hash of name, type and key.
    pub key_hash: [u8; 4],
    /// What stands behind the hash: of a cosignature the time, u64 seconds, and the signature.
    pub signature: Vec<u8>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.key_hash[..], &self.signature].concat();
        writeln!(f, "{BEFORE}{} {}", self.name, STANDARD.encode(bytes))
    }
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let (name, base64) = line.strip_prefix(BEFORE)?.split_once(' ')?;
        let bytes = STANDARD.decode(base64).ok()?;
        let (key_hash, signature) = bytes.split_first_chunk::<4>()?;
        let line = Self { name: name.into(), key_hash: *key_hash, signature: signature.to_vec() };
        (is_name(name) && !signature.is_empty()).then_some(line)
    }
}

/// A text with signatures; shown as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What is signed, its last newline included.
    pub text: String,
    /// Who signed.
    pub lines: Vec<Line>,
}

impl Note {
    /// Reads a note of at most [`NOTE_BYTES`]; judges no signature.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        let bad = NoteError::Note;
        if note.len() > NOTE_BYTES {
            return Err(bad("too long"));
        }
        if note.chars().any(|it| it.is_ascii_control() && it != '\n') {
            return Err(bad("a control character"));
        }
        let (text, lines) =
            note.rsplit_once("\n\n").ok_or(bad("no empty line before signatures"))?;
        let lines = lines.strip_suffix('\n').ok_or(bad("its last line has no end"))?;
        let lines: Option<Vec<Line>> = lines.split('\n').map(Line::parse).collect();
        let lines = lines.ok_or(bad("a line that is no signature"))?;
        Ok(Self { text: format!("{text}\n"), lines })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.lines.iter().try_for_each(|line| line.fmt(f))
    }
}

/// How a key signs notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Ed25519 over the text; what logs sign their checkpoints with.
    Ed25519 = 1,
    /// Ed25519 over a time and a checkpoint's text.
    Cosignature = 4,
}

/// A key by which notes are verified: `name+hash+key`, a *vkey*.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VerifierKey {
    name: String,
    kind: Kind,
    key: PublicKey,
}

impl VerifierKey {
    /// Errors if the name is empty, or has a space or a plus.
    pub fn new(name: &str, kind: Kind, key: PublicKey) -> Result<Self, NoteError> {
        match is_name(name) {
            true => Ok(Self { name: name.to_owned(), kind, key }),
            false => Err(NoteError::Key("a name has no space, no plus, and is not empty")),
        }
    }

    /// Reads the key of a witness: one that cosigns. A log's own key would be a witness to itself.
    pub fn cosigner(text: &str) -> Result<Self, NoteError> {
        let key: Self = text.parse()?;
        match key.kind {
            Kind::Cosignature => Ok(key),
            Kind::Ed25519 => Err(NoteError::Key("a log's own key, which is no witness's")),
        }
    }

    /// The signer's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it signs.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// `SHA-256(name ‖ newline ‖ type u8 ‖ public key)`, its first four bytes.
    pub fn hash(&self) -> [u8; 4] {
        let parts = [self.name.as_bytes(), b"\n", &[self.kind as u8], self.key.as_bytes()];
        let digest: [u8; 32] = Sha256::digest(parts.concat()).into();
        let [a, b, c, d, ..] = digest;
        [a, b, c, d]
    }

    /// Judges a note's line by this key: when it was signed, in seconds since the Unix epoch (0 where the
    /// kind of signature does not say). `None` if there is no such line; errors if one does not hold.
    pub fn judge(&self, note: &Note) -> Result<Option<u64>, NoteError> {
        let mut at = None;
        let own = |line: &&Line| line.name == self.name && line.key_hash == self.hash();
        for line in note.lines.iter().filter(own) {
            let bad = || NoteError::Signature(self.name.clone());
            at = Some(self.signed_at(&note.text, &line.signature).ok_or_else(bad)?);
        }
        Ok(at)
    }

    fn signed_at(&self, text: &str, signature: &[u8]) -> Option<u64> {
        let (time, signature) = match self.kind {
            Kind::Ed25519 => (0, signature),
            Kind::Cosignature => {
                let (time, signature) = signature.split_first_chunk::<8>()?;
                (u64::from_be_bytes(*time), signature)
            }
        };
        let message = signed_message(self.kind, text, time);
        self.key.verify(message.as_bytes(), &signature.try_into().ok()?).then_some(time)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&[self.kind as u8][..], self.key.as_bytes()].concat();
        write!(f, "{}+{}+{}", self.name, hex::encode(self.hash()), STANDARD.encode(bytes))
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let bad = NoteError::Key;
        let (name, rest) = text.split_once('+').ok_or(bad("name+hash+key is needed"))?;
        let (hash, key) = rest.split_once('+').ok_or(bad("name+hash+key is needed"))?;
        let bytes = STANDARD.decode(key).map_err(|_| bad("its key is not base64"))?;
        let (kind, key) = bytes.split_first().ok_or(bad("its key is empty"))?;
        let kind = match kind {
            1 => Kind::Ed25519,
            4 => Kind::Cosignature,
            _ => return Err(bad("a kind of signature that is not known")),
        };
        let key = PublicKey::from_slice(key).map_err(|_| bad("its key is no Ed25519 key"))?;
        let key = Self::new(name, kind, key)?;
        (hash == hex::encode(key.hash())).then_some(key).ok_or(bad("its hash is another key's"))
    }
}

/// Signs a text by a name; the time, in seconds since the Unix epoch, counts in cosignatures alone.
/// Errors as [`VerifierKey::new`].
pub fn sign(
    name: &str,
    kind: Kind,
    key: &PrivateKey,
    text: &str,
    time: u64,
) -> Result<Line, NoteError> {
    let verifier = VerifierKey::new(name, kind, key.public())?;
    let signature = key.sign(signed_message(kind, text, time).as_bytes());
    let signature = match kind {
        Kind::Ed25519 => signature.to_vec(),
        Kind::Cosignature => [&time.to_be_bytes()[..], signature.as_bytes()].concat(),
    };
    Ok(Line { name: name.to_owned(), key_hash: verifier.hash(), signature })
}

fn signed_message(kind: Kind, text: &str, time: u64) -> String {
    match kind {
        Kind::Ed25519 => text.to_owned(),
        Kind::Cosignature => format!("{COSIGNATURE}\ntime {time}\n{text}"),
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.contains(|it: char| it == '+' || it.is_whitespace() || it.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "liuhen/abc\n7\nAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n";

    fn key(seed: u8) -> PrivateKey {
        PrivateKey::from_seed(&[seed; 32])
    }

    fn note() -> Note {
        let log = sign("liuhen/abc", Kind::Ed25519, &key(1), TEXT, 0).unwrap();
        let witness = sign("gz.audit/w1", Kind::Cosignature, &key(2), TEXT, 1_679_315_147).unwrap();
        Note { text: TEXT.to_owned(), lines: vec![log, witness] }
    }

    /// The first example of C2SP signed-note, whose key stands in Go's sumdb/note documentation.
    #[test]
    fn a_note_that_others_signed() {
        let key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let key: VerifierKey = key.parse().unwrap();
        let note = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n\n\
                    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        let read = Note::parse(note).unwrap();
        assert_eq!(key.judge(&read), Ok(Some(0)));
        assert_eq!(read.to_string(), note);
        let bent = Note::parse(&note.replace("cryptography", "Cryptography")).unwrap();
        assert_eq!(key.judge(&bent), Err(NoteError::Signature("PeterNeumann".into())));
    }

    #[test]
    fn signed_and_read_again() {
        let note = note();
        assert_eq!(Note::parse(&note.to_string()), Ok(note.clone()));
        let of = |name, kind, seed| VerifierKey::new(name, kind, key(seed).public()).unwrap();
        assert_eq!(of("liuhen/abc", Kind::Ed25519, 1).judge(&note), Ok(Some(0)));
        assert_eq!(of("gz.audit/w1", Kind::Cosignature, 2).judge(&note), Ok(Some(1_679_315_147)));
        // By name, kind and key: nobody else's line counts.
        assert_eq!(of("gz.audit/w2", Kind::Cosignature, 2).judge(&note), Ok(None));
        assert_eq!(of("gz.audit/w1", Kind::Ed25519, 2).judge(&note), Ok(None));
        assert_eq!(of("gz.audit/w1", Kind::Cosignature, 3).judge(&note), Ok(None));
    }

    #[test]
    fn bent_signatures_do_not_hold() {
        let witness = VerifierKey::new("gz.audit/w1", Kind::Cosignature, key(2).public()).unwrap();
        let good = note();
        for byte in 0..72 {
            let mut bent = good.clone();
            bent.lines[1].signature[byte] ^= 1;
            assert!(witness.judge(&bent).is_err(), "byte {byte}");
        }
        for length in 1..72 {
            let mut bent = good.clone();
            bent.lines[1].signature.truncate(length);
            assert!(witness.judge(&bent).is_err(), "length {length}");
        }
        let mut bent = good;
        bent.text = bent.text.replace('7', "8");
        assert!(witness.judge(&bent).is_err());
    }

    #[test]
    fn keys_are_read_as_they_are_shown() {
        for kind in [Kind::Ed25519, Kind::Cosignature] {
            let key = VerifierKey::new("gz.audit/w1", kind, key(2).public()).unwrap();
            assert_eq!(key.to_string().parse(), Ok(key.clone()));
            assert!(key.to_string().replace("w1", "w2").parse::<VerifierKey>().is_err());
            assert_eq!(VerifierKey::cosigner(&key.to_string()).is_ok(), kind == Kind::Cosignature);
        }
        for bad in ["", "a", "a+b", "a+00000000+", "a+00000000+AQ==", "a+00000000+!", "+0+AQ=="] {
            assert!(bad.parse::<VerifierKey>().is_err(), "{bad}");
        }
        for name in ["", "a b", "a+b", "a\u{a0}b"] {
            assert!(VerifierKey::new(name, Kind::Ed25519, key(1).public()).is_err(), "{name}");
        }
    }

    #[test]
    fn what_is_no_note() {
        let good = note().to_string();
        let bent = [
            String::new(),
            TEXT.to_owned(),
            format!("{TEXT}\n"),
            good.replace('\u{2014}', "-"),
            good.replace("AQEB", "AQ\tEB"),
            good.trim_end().to_owned(),
            format!("{good}\n"),
            "x".repeat(NOTE_BYTES) + &good,
        ];
        for note in bent {
            assert!(Note::parse(&note).is_err(), "{note:.200}");
        }
    }
}
