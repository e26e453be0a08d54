//! Whether this node may vote, or might contradict what its key signed before. Three know of that: the record of votes,
//! which is on disk before anything is sent; the engine's own log, which plays a height back to where it was; and the
//! others, who heard it. A pure function of what they say, decided each time before the engine starts.

use super::codec::WireCodec;
use super::signing::{author, signed};
use super::types::{Address, LiuhenContext};
use super::wal::{self, Found, Log};
use crate::store::disk::DiskPath;
use crate::store::undecided::UndecidedBlocks;
use crate::store::votes::{Known, Noted, PlayedBack, Signed, VoteRecord};
use anyhow::Context as _;
use liuhen_proto::types::{BlockId, ChainId, Height, KeyId};
use malachitebft_app_channel::app::consensus::SignedConsensusMsg;
use malachitebft_app_channel::app::types::codec::Codec as _;
use std::path::PathBuf;

/// A vote that is withheld: this node's key may have signed what it does not know any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// When this height is committed the node votes again: at the next its key has signed nothing. `None`: when enough
    /// others have answered, and hear of no other process with its key.
    pub until: Option<Height>,
    /// Why.
    pub why: Why,
    /// The file that can't be read, where one was put aside.
    pub file: Option<PathBuf>,
}

/// Why a vote is withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The engine's log of votes is lost or damaged, and the record says that the key signed at the open height.
    VotesLost,
    /// The block log has lost blocks at whose heights the key signed.
    Behind,
    /// There is no record of votes, or it is damaged.
    NoRecord,
    /// Others hear of another process with this key, or heard what is not on record: an older copy of the home, or the same
    /// home twice.
    Elsewhere,
    /// Others who make a quorum with this node were not asked yet.
    Asking,
}

impl Why {
    /// As status and logs name it.
    pub fn code(self) -> &'static str {
        match self {
            Self::VotesLost => "votes_lost",
            Self::Behind => "behind",
            Self::NoRecord => "no_record",
            Self::Elsewhere => "elsewhere",
            Self::Asking => "asking",
        }
    }
}

/// What a node knows by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alone {
    /// All that the key signed.
    Everything,
    /// That the key never signed.
    Never,
    /// That up to a height the key signed what can't be told any more.
    UpTo(Height, Why, Option<PathBuf>),
    /// Nothing, but that the key may have signed up to this height.
    Nothing(Height, Option<PathBuf>),
}

/// What others say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Others {
    /// Whether those who answered have more than two thirds of the validators' power together with this node.
    pub quorum: bool,
    /// Whether they have it without this node.
    pub quorum_without: bool,
    /// The highest height that one showed the certificate of; genesis if none did.
    pub highest: Height,
    /// The last that one heard of this node's key.
    pub newest: Option<Signed>,
    /// Whether one hears of a process with this node's key that began before this one.
    pub beside: bool,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Why the node does not vote; `None`: it does.
    pub withheld: Option<Withheld>,
    /// To be put on record: the key signed nothing above this height.
    pub nothing_above: Option<Height>,
}

/// Judges whether a node votes at `next`, the next height by its block log.
pub fn judge(alone: &Alone, record: &VoteRecord, others: &Others, next: Height) -> Judged {
    let withhold = |until: Option<Height>, why, file: &Option<PathBuf>| {
        Some(Withheld { until, why, file: file.clone() })
    };
    if others.beside {
        let withheld = withhold(None, Why::Elsewhere, &None);
        return Judged { withheld, nothing_above: None };
    }
    let never = Alone::Nothing(Height::GENESIS, None);
    // A key that never signed is a new one only while nobody has gone on without it.
    let alone = match alone {
        Alone::Never if others.highest > Height::GENESIS => &never,
        alone => alone,
    };
    if let Alone::Nothing(floor, file) = alone {
        if !others.quorum_without {
            let withheld = withhold(None, Why::NoRecord, file);
            return Judged { withheld, nothing_above: None };
        }
        let heard = others.newest.as_ref().map_or(Height::GENESIS, Signed::height);
        // It may have been ahead of all others, and signed at the height that is open here.
        let until = others.highest.next().max(*floor).max(heard).max(next);
        let withheld = withhold(Some(until), Why::NoRecord, file);
        return Judged { withheld, nothing_above: Some(until) };
    }
    if let Some(newest) = others.newest.as_ref().filter(|it| is_unknown(record, it)) {
        // Whoever else has this key signs at the next height, too, and is heard there; else that is over.
        let until = newest.height().max(others.highest).next();
        let withheld = (until >= next).then(|| withhold(Some(until), Why::Elsewhere, &None));
        return Judged { withheld: withheld.flatten(), nothing_above: Some(until) };
    }
    let withheld = match alone {
        Alone::UpTo(until, why, file) => withhold(Some(*until), *why, file),
        _ if !others.quorum => withhold(None, Why::Asking, &None),
        _ => None,
    };
    Judged { withheld, nothing_above: None }
}

/// Whether others heard something of this node's key that its record does not know.
pub fn is_unknown(record: &VoteRecord, heard: &Signed) -> bool {
    // A person answers for what was signed up to that height.
    if record.word().is_some_and(|(from, _)| heard.height() <= from) {
        return false;
    }
    match record.judge(heard) {
        Noted::Same => false,
        Noted::New => true,
        // Of heights before the last the record knows nothing any more.
        Noted::Contradicts => record.signed().any(|it| it.place() == heard.place()),
    }
}

/// What came of looking over what the engine remembers.
pub(super) struct LookedOver {
    /// What the node knows by itself.
    pub(super) alone: Alone,
    /// The messages that the engine plays back.
    pub(super) messages: Vec<SignedConsensusMsg<LiuhenContext>>,
    /// What it plays back, where that is of the open height.
    pub(super) played: Option<Played>,
}

/// A log that an engine plays back. What it signs meanwhile it does not write there.
#[derive(Debug, Clone)]
pub(super) struct Played {
    pub(super) wal: DiskPath,
    pub(super) height: Height,
    /// How long it is before.
    pub(super) bytes: u64,
}

impl Played {
    /// What the log lacks, where this was signed at its height and is not in it.
    pub(super) fn lacks(
        &self,
        message: &SignedConsensusMsg<LiuhenContext>,
    ) -> anyhow::Result<Option<PlayedBack>> {
        if message.height().0 != self.height.get() {
            return Ok(None);
        }
        let log = wal::read(&self.wal).with_context(|| format!("read {}", self.wal))?;
        if log.height != Some(self.height) || log.messages.contains(message) {
            return Ok(None);
        }
        Ok(Some(PlayedBack { log: self.bytes, message: WireCodec.encode(message)?.to_vec() }))
    }
}

/// Looks over what the engine remembers, before it does, and completes it by what the record has of what it signed while it
/// played that back before.
pub(super) fn look_over(
    folder: &DiskPath,
    record: &VoteRecord,
    (chain, key): (&ChainId, &KeyId),
    next: Height,
    undecided: &UndecidedBlocks,
) -> anyhow::Result<LookedOver> {
    let wal = folder.join("engine.wal");
    let mut file = None;
    match wal::look_over(&wal).with_context(|| format!("look over {wal}"))? {
        Found::Whole => {}
        Found::Cut { bytes, kept_at } => {
            let kept_at = kept_at.display();
            tracing::warn!(bytes, %kept_at, "the engine's log of votes ended in bytes that never reached the disk, as after a power cut: they were cut; nothing that was published rests on them");
        }
        Found::Damaged { kept_at } => {
            tracing::error!(kept_at = %kept_at.display(), "the engine's log of votes is damaged: a copy was put aside, and what is whole at its beginning stays");
            file = Some(kept_at);
        }
    }
    let mut log = wal::read(&wal).with_context(|| format!("read {wal}"))?;
    if let Some(height) = log.height.filter(|height| *height > next) {
        let kept_at = wal::put_aside(&wal, "ahead")?;
        tracing::warn!(%height, next_height = %next, kept_at = %kept_at.display(), "the engine's log of votes is ahead of the block log, and was put aside");
        // No checksum covers its height: nothing is concluded from it.
        log = Log::default();
    }
    let is_lost = |it: &&BlockId| log.height == Some(next) && undecided.get(it).is_none();
    if let Some(block) = log.blocks.iter().find(is_lost) {
        let kept_at = wal::put_aside(&wal, "without-block")?;
        tracing::error!(%block, kept_at = %kept_at.display(), "the engine's log of votes is of a block that is not kept any more, and was put aside");
        (log, file) = (Log::default(), Some(kept_at));
    }
    if log.height == Some(next) && complete(&wal, &log, record, (chain, key))? {
        log = wal::read(&wal).with_context(|| format!("read {wal}"))?;
    }
    let own = own_messages(&log, chain, key);
    let alone = alone(record, log.height, &own, next, file);
    let bytes = log.bytes;
    let played = (log.height == Some(next)).then_some(Played { wal, height: next, bytes });
    // What is not on record yet was not sent: given to others now, it would be taken for another process's.
    let is_sent = |it: &SignedConsensusMsg<LiuhenContext>| {
        author(it) != Address(*key) || record.judge(&signed(chain, it)) == Noted::Same
    };
    log.messages.retain(is_sent);
    Ok(LookedOver { alone, messages: log.messages, played })
}

/// Puts into the log what the engine signed while it played it back, where all that this follows from is still there: left to
/// follow anew, it could follow otherwise, from a block that came since. Whether something was missing.
fn complete(
    wal: &DiskPath,
    log: &Log,
    record: &VoteRecord,
    (chain, key): (&ChainId, &KeyId),
) -> anyhow::Result<bool> {
    let own = own_messages(log, chain, key);
    let missing = record.played_back().filter(|(signed, by)| {
        Some(signed.height()) == log.height && by.log <= log.bytes && !own.contains(signed)
    });
    let missing: Vec<_> = missing.map(|(_, by)| by.message.as_slice()).collect();
    if missing.is_empty() {
        return Ok(false);
    }
    let messages = missing.len();
    wal::append(wal, missing.into_iter()).with_context(|| format!("write {wal}"))?;
    tracing::info!(
        messages,
        "the engine's log of votes was completed by what it signed while it played that back"
    );
    Ok(true)
}

fn own_messages(log: &Log, chain: &ChainId, key: &KeyId) -> Vec<Signed> {
    let own = |it: &&SignedConsensusMsg<LiuhenContext>| author(it) == Address(*key);
    log.messages.iter().filter(own).map(|it| signed(chain, it)).collect()
}

/// What a node knows by itself: of its record, and of the height and the own messages of the engine's log. `file`: the log was
/// damaged, and is there; what was whole at its beginning says enough where all that the record knows is in it.
fn alone(
    record: &VoteRecord,
    log_height: Option<Height>,
    own: &[Signed],
    next: Height,
    file: Option<PathBuf>,
) -> Alone {
    let at_next = log_height == Some(next);
    let plays_back =
        at_next && record.signed().next().is_some() && record.signed().all(|it| own.contains(it));
    let path = || Some(record.path().to_owned());
    let is_whole = file.is_none();
    match record.known() {
        Known::Nothing => {
            let file = record.is_damaged().then(path).flatten().or(file);
            Alone::Nothing(log_height.unwrap_or(Height::GENESIS), file)
        }
        // The engine's log is synced before the record: with a whole one at this height, the record lacks nothing that it has not.
        Known::UpTo(height) if record.is_damaged() => {
            match is_whole && at_next && (height < next || plays_back) {
                true => Alone::Everything,
                false => Alone::Nothing(height.max(next), path()),
            }
        }
        Known::Never if record.is_damaged() && !(is_whole && at_next) => {
            Alone::Nothing(next, path())
        }
        Known::Never => Alone::Never,
        Known::UpTo(height) if height < next || (height == next && plays_back) => Alone::Everything,
        Known::UpTo(height) if height == next => Alone::UpTo(height, Why::VotesLost, file),
        Known::UpTo(height) => Alone::UpTo(height, Why::Behind, file),
    }
}

#[cfg(test)]
mod tests;
