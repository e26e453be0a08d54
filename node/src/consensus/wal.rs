//! The engine's log of votes, looked over before the engine opens it.
//!
//! The engine cuts whatever it takes for an unfinished entry without a word, takes zeros for an entry, and then halts
//! for good. So the file's end is judged here first. After a power cut it can end in bytes that never reached the
//! disk: zeros, or an entry that was not finished. Nothing that this node published rests on those, for the engine
//! syncs the file before it publishes; they are cut, and kept beside. Anything else in the file that is no whole entry
//! may be a vote that others have seen: then a copy is put aside, what is whole at its beginning stays, and the record of votes says
//! whether that is all that was sent.
//!
//! The file, as `arc-malachitebft-wal` 0.8.2 writes it, numbers big-endian: version u32 ‖ height u64 ‖ entries; an entry
//! is compressed u8 ‖ length u64 ‖ CRC-32 of the data u32 ‖ data. No checksum covers the length.

use super::codec::WireCodec;
use super::types::LiuhenContext;
use crate::store::disk::{Access, DiskPath};
use liuhen_proto::types::{BlockId, Height};
use malachitebft_app_channel::app::consensus::{ProposedValue, SignedConsensusMsg};
use malachitebft_app_channel::app::types::codec::Codec;
use std::io::ErrorKind;
use std::path::PathBuf;

const HEADER: usize = 12;
const ENTRY_HEADER: usize = 13;
const VERSION: u32 = 1;
const VOTE_OR_PROPOSAL: u8 = 1;

/// What the end of the file is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Tail {
    /// Whole entries to the end.
    Whole,
    /// From this byte on there is nothing that was ever synced.
    Unwritten(usize),
    /// From this byte on stands what may have been votes.
    Damaged(usize),
}

/// What was found, and done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// No file, or one of whole entries.
    Whole,
    /// An end that never reached the disk was cut, and kept beside.
    Cut {
        /// How many bytes.
        bytes: usize,
        /// Where they are.
        kept_at: PathBuf,
    },
    /// The file holds what may have been votes and can't be read: it was moved, or a copy of it kept and what was whole at its
    /// beginning left.
    Damaged {
        /// Where it is.
        kept_at: PathBuf,
    },
}

/// Looks the file over; cuts what was never synced, moves a damaged file, and writes what is whole once more: what was read
/// may be in memory alone, where syncing it failed before.
pub(super) fn look_over(wal: &DiskPath) -> std::io::Result<Found> {
    look_over_by(wal, voted_at)
}

/// `voted_at`: see [`voted_at`].
fn look_over_by(wal: &DiskPath, voted_at: VotedAt) -> std::io::Result<Found> {
    let bytes = match wal.read() {
        Ok(bytes) if bytes.is_empty() => return Ok(Found::Whole),
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Whole),
        Err(error) => return Err(error),
    };
    let (found, height) = (tail(&bytes), height(&bytes));
    let votes: Vec<_> = entries(&bytes).map(voted_at).collect();
    // No checksum covers the height in the header: the votes say which it is.
    let one_height = votes.iter().all(|it| it.is_ok_and(|it| it.is_none() || it == height));
    match found {
        Tail::Whole if one_height => {
            let file = wal.open(Access::Write)?;
            file.write_all_at(&bytes, 0)?;
            file.sync_all()?;
            Ok(Found::Whole)
        }
        Tail::Unwritten(from) if one_height => {
            let (whole, cut) = bytes.split_at_checked(from).unwrap_or((&bytes, &[]));
            let kept_at = wal.free_name("cut");
            kept_at.write_durably(cut)?;
            wal.write_durably(whole)?;
            Ok(Found::Cut { bytes: cut.len(), kept_at: kept_at.path().to_owned() })
        }
        Tail::Damaged(from) if one_height && from >= HEADER => {
            let kept_at = wal.free_name("damaged");
            kept_at.write_durably(&bytes)?;
            let file = wal.open(Access::Write)?;
            file.set_len(from as u64)?;
            file.sync_all()?;
            Ok(Found::Damaged { kept_at: kept_at.path().to_owned() })
        }
        Tail::Whole | Tail::Unwritten(_) | Tail::Damaged(_) => {
            Ok(Found::Damaged { kept_at: put_aside(wal, "damaged")? })
        }
    }
}

/// Moves the file to a name beside it.
pub(super) fn put_aside(wal: &DiskPath, what: &str) -> std::io::Result<PathBuf> {
    let kept_at = wal.free_name(what);
    wal.rename(&kept_at)?;
    Ok(kept_at.path().to_owned())
}

/// At which height the vote or proposal of an entry was made; `None` for an entry that is neither.
type VotedAt = fn(&[u8]) -> Result<Option<Height>, ()>;

fn voted_at(entry: &[u8]) -> Result<Option<Height>, ()> {
    Ok(message(entry)?.map(|it| Height::new(it.height().0)))
}

/// Of the engine's entries: tag u8 ‖ length u64 ‖ message, where the tag is that of a vote or proposal; `None` for an entry
/// that is neither. Errors for what the engine can't read either.
fn message(entry: &[u8]) -> Result<Option<SignedConsensusMsg<LiuhenContext>>, ()> {
    const OTHERS: [u8; 3] = [2, 4, 8];
    let (tag, rest) = entry.split_first().ok_or(())?;
    if OTHERS.contains(tag) {
        return Ok(None);
    }
    let message = rest.get(8..).filter(|_| *tag == VOTE_OR_PROPOSAL).ok_or(())?;
    WireCodec.decode(message.to_vec().into()).map(Some).map_err(|_| ())
}

/// An entry of a vote or proposal, by its message.
fn message_entry(message: &[u8]) -> Vec<u8> {
    entry(&[&[VOTE_OR_PROPOSAL][..], &(message.len() as u64).to_be_bytes(), message].concat())
}

/// An entry of this data.
fn entry(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_be_bytes();
    [&[0][..], &length, &crc32fast::hash(data).to_be_bytes(), data].concat()
}

/// Puts messages behind what a file of whole entries has.
pub(super) fn append<'a>(
    wal: &DiskPath,
    messages: impl Iterator<Item = &'a [u8]>,
) -> std::io::Result<()> {
    let entries = messages.map(message_entry).collect::<Vec<_>>().concat();
    let file = wal.open(Access::Write)?;
    file.write_all_at(&entries, file.size()?)?;
    file.sync_all()
}

/// The block of an entry that says which one was given to the engine.
fn block(entry: &[u8]) -> Option<BlockId> {
    const BLOCK: u8 = 4;
    let (_, rest) = entry.split_first().filter(|(tag, _)| **tag == BLOCK)?;
    let value: ProposedValue<LiuhenContext> =
        WireCodec.decode(rest.get(8..)?.to_vec().into()).ok()?;
    Some(value.value.0)
}

/// What a file of whole entries says.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// The height that it is at.
    pub(super) height: Option<Height>,
    /// How long it is.
    pub(super) bytes: u64,
    /// Votes and proposals, this node's own among them.
    pub(super) messages: Vec<SignedConsensusMsg<LiuhenContext>>,
    /// Blocks that the engine takes to be kept.
    pub(super) blocks: Vec<BlockId>,
}

/// Reads the file once it was looked over.
pub(super) fn read(wal: &DiskPath) -> std::io::Result<Log> {
    match wal.read() {
        Ok(bytes) => {
            let messages = entries(&bytes).filter_map(|it| message(it).ok().flatten()).collect();
            let blocks = entries(&bytes).filter_map(block).collect();
            Ok(Log { height: height(&bytes), bytes: bytes.len() as u64, messages, blocks })
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Log::default()),
        Err(error) => Err(error),
    }
}

/// The data of the whole entries from the beginning.
fn entries(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = HEADER;
    std::iter::from_fn(move || {
        let end = whole_entry(bytes, at)?;
        let data = bytes.get(at + ENTRY_HEADER..end);
        at = end;
        data
    })
}

/// The height that the file is at, if its header can be read.
pub(super) fn height(bytes: &[u8]) -> Option<Height> {
    let version = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?);
    let height = u64::from_be_bytes(bytes.get(4..HEADER)?.try_into().ok()?);
    (version == VERSION).then_some(Height::new(height))
}

fn tail(bytes: &[u8]) -> Tail {
    // The header of a new file, which says nothing yet, and may not have reached the disk whole.
    let new = [&VERSION.to_be_bytes()[..], &[0; 8]].concat();
    if bytes.len() < HEADER && (new.starts_with(bytes) || bytes.iter().all(|byte| *byte == 0)) {
        return Tail::Unwritten(0);
    }
    if height(bytes).is_none() {
        return Tail::Damaged(0);
    }
    let mut at = HEADER;
    while let Some(end) = whole_entry(bytes, at) {
        at = end;
    }
    let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) else { return Tail::Whole };
    let zeros = rest.iter().all(|byte| *byte == 0);
    match zeros || (is_cut_short(rest) && !a_whole_entry_follows(bytes, at)) {
        true => Tail::Unwritten(at),
        false => Tail::Damaged(at),
    }
}

/// Where the entry at `at` ends, if it is whole. One of no data is none: the CRC of nothing is zero.
fn whole_entry(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let (length, sum) = entry_header(rest)?;
    let end = ENTRY_HEADER.checked_add(length)?;
    let data = rest.get(ENTRY_HEADER..end)?;
    (rest.first() == Some(&0) && !data.is_empty() && crc32fast::hash(data) == sum)
        .then(|| at.saturating_add(end))
}

/// The length and the CRC that an entry states.
fn entry_header(rest: &[u8]) -> Option<(usize, u32)> {
    let length = u64::from_be_bytes(rest.get(1..9)?.try_into().ok()?);
    let sum = u32::from_be_bytes(rest.get(9..ENTRY_HEADER)?.try_into().ok()?);
    Some((usize::try_from(length).unwrap_or(usize::MAX), sum))
}

/// Whether the file ends before the entry does. Where the CRC fits some of the data that is there, it is the length that
/// is wrong, and the entry a vote.
fn is_cut_short(rest: &[u8]) -> bool {
    let Some((length, sum)) = entry_header(rest) else { return true };
    let data = rest.get(ENTRY_HEADER..).unwrap_or_default();
    length > data.len() && !begins_with_sum(data, sum)
}

/// Whether a beginning of the data, one byte at least, has this CRC.
fn begins_with_sum(data: &[u8], sum: u32) -> bool {
    let mut hasher = crc32fast::Hasher::new();
    data.iter().any(|byte| {
        hasher.update(std::slice::from_ref(byte));
        hasher.clone().finalize() == sum
    })
}

fn a_whole_entry_follows(bytes: &[u8], broken: usize) -> bool {
    (broken.saturating_add(1)..bytes.len()).any(|at| whole_entry(bytes, at).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log at height 7 of three entries, and where the last begins.
    fn log() -> (Vec<u8>, usize) {
        let header = [&VERSION.to_be_bytes()[..], &7u64.to_be_bytes()].concat();
        let first = [header, entry(b"\x01 a proposal"), entry(b"\x01 a prevote \0\0\0")].concat();
        let last = first.len();
        ([first, entry(b"\x01 a precommit \0\0")].concat(), last)
    }

    #[test]
    fn whole_entries_stay() {
        let (bytes, _) = log();
        assert_eq!(tail(&bytes), Tail::Whole);
        assert_eq!(tail(&bytes[..HEADER]), Tail::Whole);
        assert_eq!(height(&bytes), Some(Height::new(7)));
    }

    #[test]
    fn zeros_are_cut_however_many() {
        let (bytes, _) = log();
        for count in [1, 12, 13, 14, 26, 335, 9000] {
            let with_zeros = [bytes.clone(), vec![0; count]].concat();
            assert_eq!(tail(&with_zeros), Tail::Unwritten(bytes.len()), "{count} zeros");
        }
    }

    #[test]
    fn an_entry_that_the_end_cuts_short_is_cut() {
        let (bytes, last) = log();
        for end in last + 1..bytes.len() {
            assert_eq!(tail(&bytes[..end]), Tail::Unwritten(last), "cut at {end}");
        }
    }

    /// Any flipped bit in the file: nothing that was whole is taken for unwritten.
    #[test]
    fn a_flipped_bit_is_damage_and_never_an_unfinished_entry() {
        let (bytes, _) = log();
        for bit in 0..bytes.len() * 8 {
            let mut bent = bytes.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            let found = tail(&bent);
            // The height has no checksum: what the votes say is compared with it.
            let height = (4..HEADER).contains(&(bit / 8));
            let wanted = if height {
                matches!(found, Tail::Whole)
            } else {
                matches!(found, Tail::Damaged(_))
            };
            assert!(wanted, "bit {bit}: {found:?}");
        }
    }

    #[test]
    fn what_is_cut_or_put_aside_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let wal = folder.path().join("engine.wal");
        assert_eq!(look_over(&DiskPath::from(&wal)).unwrap(), Found::Whole);
        let look_over = |wal: &DiskPath| look_over_by(wal, |_| Ok(Some(Height::new(7))));
        let (bytes, last) = log();
        for n in 1..=2 {
            std::fs::write(&wal, [bytes.as_slice(), &[0; 40]].concat()).unwrap();
            let kept_at = folder.path().join(format!("engine.wal.cut-{n}"));
            let found = look_over(&DiskPath::from(&wal)).unwrap();
            assert_eq!(found, Found::Cut { bytes: 40, kept_at: kept_at.clone() });
            assert_eq!(std::fs::read(&kept_at).unwrap(), [0; 40]);
            assert_eq!(std::fs::read(&wal).unwrap(), bytes);
        }
        let mut bent = bytes.clone();
        bent[last + 20] ^= 1;
        std::fs::write(&wal, &bent).unwrap();
        let Found::Damaged { kept_at } = look_over(&DiskPath::from(&wal)).unwrap() else {
            panic!()
        };
        assert_eq!(std::fs::read(kept_at).unwrap(), bent);
        assert_eq!(std::fs::read(&wal).unwrap(), bytes[..last], "what is whole before it stays");
        bent[2] ^= 1;
        std::fs::write(&wal, &bent).unwrap();
        let Found::Damaged { kept_at } = look_over(&DiskPath::from(&wal)).unwrap() else {
            panic!()
        };
        assert_eq!(std::fs::read(kept_at).unwrap(), bent);
        assert!(!wal.exists(), "without a header nothing is told of it");
    }

    /// Zeros behind a vote whose length was bent upwards: the vote is not unwritten.
    #[test]
    fn a_bent_length_before_zeros_is_damage() {
        let (bytes, last) = log();
        for bit in 0..64 {
            let mut bent = [bytes.as_slice(), &[0; 300]].concat();
            bent[last + 1 + bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(tail(&bent), Tail::Damaged(_)), "bit {bit}");
        }
    }

    /// The height in the header is that of the votes, or the file is damaged at theirs.
    #[test]
    fn a_bent_height_is_seen_by_the_votes() {
        let folder = tempfile::tempdir().unwrap();
        let wal = folder.path().join("engine.wal");
        let (bytes, _) = log();
        for bit in 0..64 {
            let mut bent = bytes.clone();
            bent[4 + bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&wal, &bent).unwrap();
            let found = look_over_by(&DiskPath::from(&wal), |_| Ok(Some(Height::new(7)))).unwrap();
            assert!(matches!(found, Found::Damaged { .. }), "bit {bit}: {found:?}");
        }
        std::fs::write(&wal, &bytes).unwrap();
        let unreadable = look_over_by(&DiskPath::from(&wal), |_| Err(())).unwrap();
        assert!(matches!(unreadable, Found::Damaged { .. }), "{unreadable:?}");
    }

    #[test]
    fn a_header_that_never_reached_the_disk_says_nothing() {
        for bytes in [&[0, 0, 0][..], &[0, 0, 0, 1, 0, 0], &[0; 11]] {
            assert_eq!(tail(bytes), Tail::Unwritten(0), "{bytes:?}");
        }
        assert_eq!(tail(&[0, 0, 0, 1, 9]), Tail::Damaged(0));
        assert_eq!(tail(&[0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 7]), Tail::Damaged(0));
    }
}
