//! Whether witnesses saw the anchor: a checkpoint that they cosigned has its header.

use super::{NotVerified, events::hashes, invalid};
use crate::header::{
    block::Header,
    checkpoint::Checkpoint,
    note::{Note, NoteError, VerifierKey},
};
use crate::merkle::{Sha256Log, inclusion};
use crate::types::Hash;
use crate::wire;

/// A witness that the verifier knows, and that saw the anchor.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Witness {
    /// Its name.
    pub name: String,
    /// When it signed, in seconds since the Unix epoch: its own word. 0 where it does not say.
    pub time: u64,
}

/// Those of the known witnesses that signed a checkpoint of which the anchor's header is a part.
/// A line that is theirs and does not hold makes the file invalid; others' lines are left aside.
pub(super) fn verify(
    given: &wire::Witnessed,
    anchor: &Header,
    known: &[VerifierKey],
) -> Result<Vec<Witness>, NotVerified> {
    let malformed = |why: &dyn std::fmt::Display| invalid("witness.malformed", why);
    let note = Note::parse(&given.note).map_err(|e| malformed(&e))?;
    let checkpoint = Checkpoint::parse(&note.text).map_err(|e| malformed(&e))?;
    if checkpoint.chain != anchor.chain {
        return Err(invalid("chain.other", "a checkpoint of another chain"));
    }
    let (id, path) = (Hash::new(*anchor.block_id().as_bytes()), hashes(&given.path)?);
    let (height, size) = (anchor.height.get(), checkpoint.size);
    let roots = inclusion::roots_from_path::<Sha256Log>(height, size, id, &path);
    // What was before the anchor, too: its own log root must be the checkpoint's.
    if roots != Some((checkpoint.root, anchor.log_root)) {
        return Err(invalid("witness.path", "the anchor's log is not the checkpoint's"));
    }
    let mut witnesses = Vec::new();
    for key in known {
        let bad = |e: NoteError| invalid("witness.signature", e);
        if let Some(time) = key.judge(&note).map_err(bad)? {
            witnesses.push(Witness { name: key.name().to_owned(), time });
        }
    }
    Ok(witnesses)
}
