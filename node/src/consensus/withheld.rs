//! Why a node follows without a vote, and until when. Marks beside the engine's log of votes say so, also after a
//! restart: the engine empties that log as soon as it follows without a vote.

use super::wal::{self, Found};
use crate::files::write_durably;
use anyhow::Context as _;
use liuhen_proto::types::Height;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A vote that is withheld: this node may have voted up to a height in ways that it does not know any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Withheld {
    /// When this height is committed the node may vote again: at the next it has never voted. `None`: when a
    /// person has looked, and removed the mark.
    pub until: Option<Height>,
    /// Why.
    pub why: Why,
}

/// Why a vote is withheld.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The engine's log of votes is damaged, or could not be written.
    Halted,
    /// The block log has lost blocks at whose heights the node has voted.
    Behind,
}

impl Why {
    /// As status and logs name it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Halted => "halted",
            Self::Behind => "behind",
        }
    }
}

/// Looks over what the engine remembers, before it does. `next` is the next height by the block log.
pub(super) fn look_over(folder: &Path, next: Height) -> anyhow::Result<Option<Withheld>> {
    let wal = folder.join("engine.wal");
    match wal::look_over(&wal).with_context(|| format!("look over {}", wal.display()))? {
        Found::Whole => {}
        Found::Cut { bytes, kept_at } => {
            let kept_at = kept_at.display();
            tracing::warn!(bytes, %kept_at, "the engine's log of votes ended in bytes that never reached the disk, as after a power cut: they were cut; nothing that was published rests on them");
        }
        Found::Damaged { height, kept_at } => {
            // The mark first: with neither, the node would vote as if it never had.
            let height = height.map(|it| it.max(next));
            note_halt(folder, height, "the engine's log of votes was damaged")?;
            std::fs::remove_file(&wal).with_context(|| format!("remove {}", wal.display()))?;
            let kept_at = kept_at.display();
            tracing::error!(%kept_at, "the engine's log of votes is damaged, and was put aside");
        }
    }
    let before = wal_height(&wal)?;
    let withheld = [halted(folder, next)?, behind(folder, before, next)?];
    let withheld =
        withheld.into_iter().flatten().max_by_key(|it| it.until.unwrap_or(Height::new(u64::MAX)));
    if let Some(Withheld { until, why }) = withheld {
        let why = why.code();
        match until {
            Some(until) => {
                tracing::error!(%until, next_height = %next, why, "this node may have voted in ways that it does not know any more: it follows without a vote until that height is committed")
            }
            None => {
                tracing::error!(mark = %halt_mark(folder).display(), why, "this node follows without a vote until somebody has looked, and removed this file")
            }
        }
    }
    Ok(withheld)
}

fn halt_mark(folder: &Path) -> PathBuf {
    folder.join("halted")
}

/// Keeps this node from voting, also after a restart, until `height` is committed; `None`: until a person has
/// looked. A mark that is there already is never lowered.
pub(super) fn note_halt(folder: &Path, height: Option<Height>, why: &str) -> std::io::Result<()> {
    let mark = halt_mark(folder);
    let before = match std::fs::read_to_string(&mark) {
        Ok(text) => Some(height_of_mark(&text)),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let text = match (before, height) {
        (Some(None), _) => return Ok(()),
        (Some(Some(before)), Some(height)) if before >= height => return Ok(()),
        (_, Some(height)) => {
            format!("{height}\n{why}: this node votes again when the height above is committed\n")
        }
        (_, None) => format!(
            "{why}, and how this node voted is not known: remove this file when it is seen that it may vote\n"
        ),
    };
    write_durably(&mark, text.as_bytes())
}

/// The height in a mark's first line.
fn height_of_mark(text: &str) -> Option<Height> {
    text.lines().next()?.trim().parse().ok().map(Height::new)
}

/// What the mark of a halt says; it is removed once its height is committed.
fn halted(folder: &Path, next: Height) -> anyhow::Result<Option<Withheld>> {
    let mark = halt_mark(folder);
    let text = match std::fs::read_to_string(&mark) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("read {}", mark.display())),
    };
    let until = height_of_mark(&text);
    if let Some(until) = until.filter(|until| *until < next) {
        std::fs::remove_file(&mark).with_context(|| format!("remove {}", mark.display()))?;
        tracing::info!(%until, "the engine had halted for safety; that height is committed, and this node votes again");
        return Ok(None);
    }
    Ok(Some(Withheld { until, why: Why::Halted }))
}

/// Whether the block log has lost blocks at whose heights this node has voted.
fn behind(folder: &Path, wal: Option<Height>, next: Height) -> anyhow::Result<Option<Withheld>> {
    let mark = folder.join("engine.height");
    let before = [wal, marked_height(&mark)?].into_iter().flatten().max();
    match before.filter(|height| *height > next) {
        Some(until) => {
            write_durably(&mark, until.to_string().as_bytes())?;
            Ok(Some(Withheld { until: Some(until), why: Why::Behind }))
        }
        None => match std::fs::remove_file(&mark) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(None),
        },
    }
}

/// The height that the engine's log is at.
fn wal_height(wal: &Path) -> anyhow::Result<Option<Height>> {
    match std::fs::read(wal) {
        Ok(bytes) => Ok(wal::height(&bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn marked_height(mark: &Path) -> anyhow::Result<Option<Height>> {
    match std::fs::read_to_string(mark) {
        Ok(text) => {
            let height = text.trim().parse();
            let height = height.with_context(|| format!("{} is no height", mark.display()))?;
            Ok(Some(Height::new(height)))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(height: u64) -> Height {
        Height::new(height)
    }

    fn wal(folder: &Path, height: u64) {
        let bytes = [&1u32.to_be_bytes()[..], &height.to_be_bytes()].concat();
        std::fs::write(folder.join("engine.wal"), bytes).unwrap();
    }

    #[test]
    fn a_halt_ends_when_its_height_is_committed() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(look_over(folder.path(), at(9)).unwrap(), None);
        note_halt(folder.path(), Some(at(9)), "a test").unwrap();
        // A later one does not lower it.
        note_halt(folder.path(), Some(at(5)), "a test").unwrap();
        let withheld = Some(Withheld { until: Some(at(9)), why: Why::Halted });
        assert_eq!(look_over(folder.path(), at(8)).unwrap(), withheld);
        assert_eq!(look_over(folder.path(), at(9)).unwrap(), withheld);
        assert_eq!(look_over(folder.path(), at(10)).unwrap(), None);
        assert!(!folder.path().join("halted").exists());
    }

    #[test]
    fn a_mark_without_a_height_is_for_a_person() {
        let folder = tempfile::tempdir().unwrap();
        note_halt(folder.path(), None, "a test").unwrap();
        note_halt(folder.path(), Some(at(2_000)), "a test").unwrap();
        let withheld = Some(Withheld { until: None, why: Why::Halted });
        assert_eq!(look_over(folder.path(), at(1_000)).unwrap(), withheld);
    }

    #[test]
    fn a_damaged_log_halts_at_its_height_and_not_below() {
        let folder = tempfile::tempdir().unwrap();
        wal(folder.path(), 9);
        let path = folder.path().join("engine.wal");
        let bytes = [std::fs::read(&path).unwrap(), vec![0, 0, 0, 0, 0, 0, 0, 0, 1, 9, 9, 9, 9, 7]];
        std::fs::write(&path, bytes.concat()).unwrap();
        let withheld = Some(Withheld { until: Some(at(9)), why: Why::Halted });
        assert_eq!(look_over(folder.path(), at(9)).unwrap(), withheld);
        // The engine has begun a new log since; the mark remembers.
        wal(folder.path(), 9);
        assert_eq!(look_over(folder.path(), at(9)).unwrap(), withheld);
        assert_eq!(look_over(folder.path(), at(10)).unwrap(), None);
    }

    #[test]
    fn lost_blocks_withhold_the_vote_up_to_where_it_voted() {
        let folder = tempfile::tempdir().unwrap();
        wal(folder.path(), 12);
        assert_eq!(look_over(folder.path(), at(12)).unwrap(), None);
        let withheld = Some(Withheld { until: Some(at(12)), why: Why::Behind });
        assert_eq!(look_over(folder.path(), at(5)).unwrap(), withheld);
        wal(folder.path(), 5);
        assert_eq!(look_over(folder.path(), at(6)).unwrap(), withheld);
        assert_eq!(look_over(folder.path(), at(13)).unwrap(), None);
    }
}
