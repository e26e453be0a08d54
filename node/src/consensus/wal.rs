//! The engine's log of votes, looked over before the engine opens it.
//!
//! The engine cuts whatever it takes for an unfinished entry without a word, takes zeros for an entry, and then halts
//! for good. So the file's end is judged here first. After a power cut it can end in bytes that never reached the
//! disk: zeros, or an entry that was not finished. Nothing that this node published rests on those, for the engine
//! syncs the file before it publishes; they are cut, and kept beside. Anything else in the file that is no whole entry
//! may be a vote that others have seen: then the file is put aside, and the node follows without a vote.
//!
//! The file, as `arc-malachitebft-wal` 0.8.2 writes it, numbers big-endian: version u32 ‖ height u64 ‖ entries; an entry
//! is compressed u8 ‖ length u64 ‖ CRC-32 of the data u32 ‖ data. No checksum covers the length.

use super::start::write_durably;
use liuhen_proto::types::Height;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const HEADER: usize = 12;
const ENTRY_HEADER: usize = 13;
const VERSION: u32 = 1;

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
    /// The file holds what may have been votes and can't be read: it was put aside.
    Damaged {
        /// The height that the file says it is at, if its header can be read.
        height: Option<Height>,
        /// Where it is.
        kept_at: PathBuf,
    },
}

/// Looks the file over; cuts what was never synced, and puts a damaged file aside.
pub(super) fn look_over(wal: &Path) -> std::io::Result<Found> {
    let bytes = match std::fs::read(wal) {
        Ok(bytes) if bytes.is_empty() => return Ok(Found::Whole),
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Whole),
        Err(error) => return Err(error),
    };
    match tail(&bytes) {
        Tail::Whole => Ok(Found::Whole),
        Tail::Unwritten(from) => {
            let cut = bytes.get(from..).unwrap_or_default();
            let kept_at = free_name(wal, "cut");
            write_durably(&kept_at, cut)?;
            let file = OpenOptions::new().write(true).open(wal)?;
            file.set_len(from as u64)?;
            file.sync_all()?;
            Ok(Found::Cut { bytes: cut.len(), kept_at })
        }
        Tail::Damaged(_) => {
            let kept_at = free_name(wal, "damaged");
            write_durably(&kept_at, &bytes)?;
            std::fs::remove_file(wal)?;
            Ok(Found::Damaged { height: height(&bytes), kept_at })
        }
    }
}

/// The height that the file is at, if its header can be read.
pub(super) fn height(bytes: &[u8]) -> Option<Height> {
    let version = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?);
    let height = u64::from_be_bytes(bytes.get(4..HEADER)?.try_into().ok()?);
    (version == VERSION).then_some(Height::new(height))
}

fn tail(bytes: &[u8]) -> Tail {
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

/// Whether the file ends before the entry does. Where the CRC fits the data that is there, it is the length that is
/// wrong, and the entry a vote.
fn is_cut_short(rest: &[u8]) -> bool {
    let Some((length, sum)) = entry_header(rest) else { return true };
    let data = rest.get(ENTRY_HEADER..).unwrap_or_default();
    length > data.len() && (data.is_empty() || crc32fast::hash(data) != sum)
}

fn a_whole_entry_follows(bytes: &[u8], broken: usize) -> bool {
    (broken.saturating_add(1)..bytes.len()).any(|at| whole_entry(bytes, at).is_some())
}

/// `engine.wal.<what>-<n>`, the first that is free.
fn free_name(wal: &Path, what: &str) -> PathBuf {
    let name = |n: u32| wal.with_extension(format!("wal.{what}-{n}"));
    (1..u32::MAX).map(name).find(|path| !path.exists()).unwrap_or_else(|| name(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(data: &[u8]) -> Vec<u8> {
        let length = (data.len() as u64).to_be_bytes();
        [&[0][..], &length, &crc32fast::hash(data).to_be_bytes(), data].concat()
    }

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
            // The height has no checksum: a later check compares it with the block log.
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
        assert_eq!(look_over(&wal).unwrap(), Found::Whole);
        let (bytes, last) = log();
        for n in 1..=2 {
            std::fs::write(&wal, [bytes.as_slice(), &[0; 40]].concat()).unwrap();
            let kept_at = folder.path().join(format!("engine.wal.cut-{n}"));
            let found = look_over(&wal).unwrap();
            assert_eq!(found, Found::Cut { bytes: 40, kept_at: kept_at.clone() });
            assert_eq!(std::fs::read(&kept_at).unwrap(), [0; 40]);
            assert_eq!(std::fs::read(&wal).unwrap(), bytes);
        }
        let mut bent = bytes.clone();
        bent[last + 20] ^= 1;
        std::fs::write(&wal, &bent).unwrap();
        let Found::Damaged { height, kept_at } = look_over(&wal).unwrap() else { panic!() };
        assert_eq!(height, Some(Height::new(7)));
        assert_eq!(std::fs::read(kept_at).unwrap(), bent);
        assert!(!wal.exists());
    }
}
