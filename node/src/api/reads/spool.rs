//! Reads of one department that wait to be recorded or opened, in a file that only grows: a line for each read and for what
//! became of it, on disk before anything is shown. It is written anew when most of it is over.

use crate::codec;
use crate::store::disk::DiskPath;
use anyhow::Context as _;
use bincode::{Decode, Encode};
use liuhen_proto::items::reading::read::commitment;
use liuhen_proto::suite::hash::{Domain, hash};
use liuhen_proto::types::Hash;
use liuhen_proto::wire::TrailRead;
use prost::Message;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Reads that wait to be recorded at most, and reads in all, of audits that run too; then this department is shown no more here.
const WAITING: usize = 20_000;
const MOST: usize = 200_000;
/// Lines about what is over for which a file is not yet written anew.
const OVER: usize = 4_096;
/// Bytes of a line.
const LINE: usize = 1 << 20;
/// Bytes before a line: its length, and the beginning of its hash.
const HEAD: usize = 4 + 8;

/// A line of the file.
#[derive(Debug, Encode, Decode)]
enum Line {
    /// A read: its number, a canonical `TrailRead` (with its salt where it is sealed), and the audit that it is for.
    Noted { number: u64, read: Vec<u8>, audit: Option<String> },
    /// Reads that stand on the ledger.
    Recorded { numbers: Vec<u64> },
    /// Reads that were sealed as a batch, in its order.
    Sealed { numbers: Vec<u64> },
    /// Sealed reads that were opened.
    Opened { numbers: Vec<u64> },
    /// Reads that are to be sealed as a batch: whatever happens meanwhile, they are sealed as this one.
    Sealing { numbers: Vec<u64> },
}

/// A read that is not done with.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    read: Vec<u8>,
    /// The audit that it is sealed for.
    pub(super) audit: Option<String>,
    /// The first number of the batch that it is to be sealed in.
    sealing: Option<u64>,
    /// The first number of the batch that it was sealed in.
    batch: Option<u64>,
    opened: bool,
}

impl Entry {
    /// What was shown.
    pub(super) fn read(&self) -> TrailRead {
        TrailRead::decode(self.read.as_slice()).unwrap_or_default()
    }
}

/// A batch that stands on the ledger, and is not opened whole.
#[derive(Debug, Clone)]
pub(super) struct SealedBatch {
    /// For which audit.
    pub(super) audit: String,
    /// Of its reads, in its order.
    pub(super) commitments: Vec<Hash>,
    /// Those that are not opened: number, index in the batch, what was shown.
    pub(super) unopened: Vec<(u64, u32, TrailRead)>,
}

/// The reads of one department that wait.
#[derive(Debug)]
pub(super) struct Spool {
    path: PathBuf,
    file: File,
    entries: BTreeMap<u64, Entry>,
    /// How many of them are neither recorded nor sealed: asked before each answer.
    waiting: usize,
    next: u64,
    lines: usize,
    /// Bytes of the file that are whole lines: what a failed write left behind them is cut before the next.
    whole: u64,
    cut: bool,
}

impl Spool {
    /// Takes up what waits in a file. A line at its end that was not written whole was never answered for, and is cut; a damaged
    /// one before it is an error. The rest is written once more: what was read may be in memory alone, where syncing it failed
    /// before.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let on_disk = DiskPath::from(path);
        let bytes = if path.exists() { std::fs::read(path)? } else { Vec::new() };
        let (lines, whole) = parse(&bytes).with_context(|| {
            format!("{}: set it aside to start without what waits there", path.display())
        })?;
        if whole < bytes.len() {
            tracing::warn!(file = %path.display(), "an unfinished read at the end is cut");
        }
        on_disk.write_durably(bytes.get(..whole).unwrap_or_default())?;
        let file = File::options().append(true).read(true).open(path)?;
        let path = path.to_owned();
        let mut spool = Self {
            path,
            file,
            entries: BTreeMap::new(),
            waiting: 0,
            next: 0,
            lines: lines.len(),
            whole: u64::try_from(whole)?,
            cut: false,
        };
        lines.into_iter().for_each(|line| spool.take(line));
        Ok(spool)
    }

    fn take(&mut self, line: Line) {
        match line {
            Line::Noted { number, read, audit } => {
                self.next = self.next.max(number + 1);
                let entry = Entry { read, audit, sealing: None, batch: None, opened: false };
                self.entries.insert(number, entry);
                self.waiting += 1;
            }
            Line::Recorded { numbers } => {
                for number in numbers {
                    let waited = self.entries.remove(&number).is_some_and(|it| it.batch.is_none());
                    self.waiting -= usize::from(waited);
                }
            }
            Line::Sealed { numbers } => {
                let batch = numbers.first().copied();
                for number in numbers {
                    if let Some(entry) = self.entries.get_mut(&number) {
                        self.waiting -= usize::from(entry.batch.is_none());
                        entry.batch = batch;
                    }
                }
            }
            Line::Sealing { numbers } => {
                let batch = numbers.first().copied();
                for number in numbers {
                    if let Some(entry) = self.entries.get_mut(&number) {
                        entry.sealing = batch;
                    }
                }
            }
            Line::Opened { numbers } => {
                for number in numbers {
                    if let Some(entry) = self.entries.get_mut(&number) {
                        entry.opened = true;
                    }
                }
                self.drop_opened();
            }
        }
    }

    /// A batch is kept until all of it is opened: a path goes by all of its reads.
    fn drop_opened(&mut self) {
        let waits: BTreeSet<u64> =
            self.entries.values().filter(|it| !it.opened).filter_map(|it| it.batch).collect();
        self.entries.retain(|_, it| !it.opened || it.batch.is_some_and(|it| waits.contains(&it)));
    }

    /// Notes reads, on disk when this returns.
    pub(super) fn note(&mut self, reads: &[TrailRead], audit: Option<&str>) -> anyhow::Result<()> {
        let waiting = self.waiting.saturating_add(reads.len());
        anyhow::ensure!(waiting <= WAITING, "{WAITING} reads of the department wait already");
        let all = self.entries.len().saturating_add(reads.len());
        anyhow::ensure!(
            all <= MOST,
            "{MOST} reads of the department are kept already: close an audit"
        );
        let first = self.next;
        let lines = (first..).zip(reads).map(|(number, read)| {
            let (read, audit) = (read.encode_to_vec(), audit.map(str::to_owned));
            Line::Noted { number, read, audit }
        });
        self.write(lines.collect())
    }

    /// Reads that stand on the ledger now.
    pub(super) fn recorded(&mut self, numbers: Vec<u64>) -> anyhow::Result<()> {
        self.write(vec![Line::Recorded { numbers }])
    }

    /// The batch of an audit that is to be sealed next, of so many reads at most: the one that was begun, else what waits.
    pub(super) fn batch(
        &mut self,
        audit: &str,
        most: usize,
    ) -> anyhow::Result<Vec<(u64, TrailRead)>> {
        let of_audit = |it: &Entry| it.audit.as_deref() == Some(audit);
        let begun = self.waiting().filter(|(_, it)| of_audit(it)).find_map(|(_, it)| it.sealing);
        let waits = self.waiting().filter(|(_, it)| of_audit(it) && it.sealing == begun);
        let batch: Vec<_> = match begun {
            Some(_) => waits.map(|(number, it)| (number, it.read())).collect(),
            None => waits.take(most).map(|(number, it)| (number, it.read())).collect(),
        };
        if begun.is_none() && !batch.is_empty() {
            let numbers = batch.iter().map(|(number, _)| *number).collect();
            self.write(vec![Line::Sealing { numbers }])?;
        }
        Ok(batch)
    }

    /// Reads that were sealed as a batch, in its order.
    pub(super) fn sealed(&mut self, numbers: Vec<u64>) -> anyhow::Result<()> {
        self.write(vec![Line::Sealed { numbers }])
    }

    /// Sealed reads that were opened.
    pub(super) fn opened(&mut self, numbers: Vec<u64>) -> anyhow::Result<()> {
        self.write(vec![Line::Opened { numbers }])
    }

    fn write(&mut self, lines: Vec<Line>) -> anyhow::Result<()> {
        let mut bytes = Vec::new();
        for line in &lines {
            frame(&mut bytes, &codec::encode(line)?)?;
        }
        if self.cut {
            self.file.set_len(self.whole)?;
            self.file.sync_all()?;
        }
        self.cut = true;
        self.file.write_all(&bytes)?;
        self.file.sync_data()?;
        self.cut = false;
        self.whole += u64::try_from(bytes.len())?;
        self.lines += lines.len();
        lines.into_iter().for_each(|line| self.take(line));
        // The lines are on disk: that the file stays long is no failure of theirs.
        if self.lines > OVER + 4 * self.entries.len()
            && let Err(error) = self.write_anew()
        {
            tracing::warn!(%error, file = %self.path.display(), "the file can't be written anew");
        }
        Ok(())
    }

    /// Keeps what waits, and nothing of what is over.
    fn write_anew(&mut self) -> anyhow::Result<()> {
        let mut lines = Vec::new();
        let mut batches: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        let mut begun: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        let mut opened = Vec::new();
        for (number, entry) in &self.entries {
            let (number, audit) = (*number, entry.audit.clone());
            lines.push(Line::Noted { number, read: entry.read.clone(), audit });
            if let Some(batch) = entry.batch {
                batches.entry(batch).or_default().push(number);
            } else if let Some(batch) = entry.sealing {
                begun.entry(batch).or_default().push(number);
            }
            opened.extend(entry.opened.then_some(number));
        }
        lines.extend(batches.into_values().map(|numbers| Line::Sealed { numbers }));
        lines.extend(begun.into_values().map(|numbers| Line::Sealing { numbers }));
        if !opened.is_empty() {
            lines.push(Line::Opened { numbers: opened });
        }
        let mut bytes = Vec::new();
        for line in &lines {
            frame(&mut bytes, &codec::encode(line)?)?;
        }
        let new = self.path.with_extension("new");
        File::create(&new)?;
        let mut file = File::options().append(true).read(true).open(&new)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        let whole = u64::try_from(bytes.len())?;
        std::fs::rename(&new, &self.path)?;
        // From here on this is the file, whatever else fails.
        (self.file, self.whole, self.lines) = (file, whole, lines.len());
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    /// Reads that are not on the ledger yet, with their numbers.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (u64, &Entry)> {
        self.entries.iter().filter(|(_, it)| it.batch.is_none()).map(|(number, it)| (*number, it))
    }

    /// Audits for which something was sealed that is not opened whole.
    pub(super) fn sealed_audits(&self) -> BTreeSet<String> {
        let sealed = self.entries.values().filter(|it| it.batch.is_some());
        let names: BTreeSet<&str> = sealed.filter_map(|it| it.audit.as_deref()).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    /// Batches of an audit that are not opened whole.
    pub(super) fn batches_of(&self, audit: &str) -> Vec<SealedBatch> {
        let mut batches: BTreeMap<u64, SealedBatch> = BTreeMap::new();
        for (number, entry) in &self.entries {
            let Some(first) = entry.batch.filter(|_| entry.audit.as_deref() == Some(audit)) else {
                continue;
            };
            let batch = batches.entry(first).or_insert_with(|| SealedBatch {
                audit: audit.to_owned(),
                commitments: Vec::new(),
                unopened: Vec::new(),
            });
            let read = entry.read();
            let index = u32::try_from(batch.commitments.len()).unwrap_or(u32::MAX);
            batch.commitments.push(commitment(&read));
            if !entry.opened {
                batch.unopened.push((*number, index, read));
            }
        }
        batches.into_values().collect()
    }
}

fn frame(bytes: &mut Vec<u8>, line: &[u8]) -> anyhow::Result<()> {
    bytes.extend(u32::try_from(line.len())?.to_be_bytes());
    bytes.extend(&check_bytes(line));
    bytes.extend(line);
    Ok(())
}

fn check_bytes(line: &[u8]) -> [u8; 8] {
    let mut check = [0; 8];
    let hash = hash(Domain::Digest, &[line]);
    check.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
    check
}

/// The lines, and how many bytes are whole.
fn parse(bytes: &[u8]) -> anyhow::Result<(Vec<Line>, usize)> {
    let (mut lines, mut at) = (Vec::new(), 0);
    while let Some(head) = bytes.get(at..at + HEAD) {
        let (length, check) = head.split_at(4);
        let length = usize::try_from(u32::from_be_bytes(length.try_into()?))?;
        anyhow::ensure!(length <= LINE, "a damaged line at byte {at}");
        let Some(line) = bytes.get(at + HEAD..at + HEAD + length) else { break };
        let last = at + HEAD + length == bytes.len();
        if check_bytes(line) != check {
            anyhow::ensure!(last, "a damaged line at byte {at}");
            break;
        }
        lines.push(codec::decode(line)?);
        at += HEAD + length;
    }
    Ok((lines, at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    fn read(first: u64) -> TrailRead {
        TrailRead { first, salt: vec![1; 32], ..TrailRead::default() }
    }

    fn reads(count: u64) -> Vec<TrailRead> {
        (0..count).map(read).collect()
    }

    fn waits(spool: &Spool) -> Vec<u64> {
        spool.waiting().map(|(_, it)| it.read().first).collect()
    }

    #[test]
    fn what_waits_is_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut spool = Spool::open(&path).unwrap();
        spool.note(&reads(3), None).unwrap();
        spool.note(&reads(4), Some("x")).unwrap();
        spool.recorded(vec![0, 2]).unwrap();
        spool.sealed(vec![3, 4, 5]).unwrap();
        spool.opened(vec![4]).unwrap();
        for spool in [&spool, &Spool::open(&path).unwrap()] {
            assert_eq!((waits(spool), spool.waiting), (vec![1, 3], 2));
            let batches = spool.batches_of("x");
            assert_eq!(batches.len(), 1);
            assert_eq!((batches[0].audit.as_str(), batches[0].commitments.len()), ("x", 3));
            let unopened: Vec<_> =
                batches[0].unopened.iter().map(|(n, i, read)| (*n, *i, read.first)).collect();
            assert_eq!(unopened, [(3, 0, 0), (5, 2, 2)]);
        }
        spool.opened(vec![3, 5]).unwrap();
        assert_eq!((spool.batches_of("x").len(), spool.entries.len()), (0, 2));
    }

    /// Another file stands there afterwards, with the same lines: what was read of the one before may never have reached the disk.
    #[test]
    fn what_was_read_is_written_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        Spool::open(&path).unwrap().note(&reads(3), None).unwrap();
        let (before, inode) = (std::fs::read(&path).unwrap(), path.metadata().unwrap().ino());
        let mut spool = Spool::open(&path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), before);
        assert_ne!(path.metadata().unwrap().ino(), inode);
        spool.note(&reads(1), None).unwrap();
        assert_eq!(waits(&Spool::open(&path).unwrap()), [0, 1, 2, 0]);
    }

    /// A batch that was begun is sealed as it was begun, whatever came behind it, and whether the node ended meanwhile or not.
    #[test]
    fn a_batch_is_sealed_as_it_was_begun() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut spool = Spool::open(&path).unwrap();
        spool.note(&reads(3), Some("x")).unwrap();
        let numbers = |batch: &[(u64, TrailRead)]| batch.iter().map(|it| it.0).collect::<Vec<_>>();
        let begun = numbers(&spool.batch("x", 2).unwrap());
        assert_eq!(begun, [0, 1]);
        spool.note(&reads(1), Some("x")).unwrap();
        let mut again = Spool::open(&path).unwrap();
        again.write_anew().unwrap();
        for mut spool in [spool, again, Spool::open(&path).unwrap()] {
            assert_eq!(numbers(&spool.batch("x", 128).unwrap()), begun);
        }
        let mut spool = Spool::open(&path).unwrap();
        spool.sealed(begun).unwrap();
        assert_eq!(numbers(&spool.batch("x", 128).unwrap()), [2, 3]);
    }

    /// What was cut short at the end was never answered for; what is damaged before it is said.
    #[test]
    fn ends_and_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        // Lines of one length.
        let three: Vec<_> = (100..103).map(read).collect();
        Spool::open(&path).unwrap().note(&three, None).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let line = whole.len() / 3;
        for cut in 0..whole.len() {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(waits(&Spool::open(&path).unwrap()).len(), cut / line, "{cut}");
            assert_eq!(std::fs::read(&path).unwrap().len(), cut / line * line, "{cut}");
        }
        for at in 4..line {
            let mut bent = whole.clone();
            bent[at] ^= 1;
            std::fs::write(&path, &bent).unwrap();
            assert!(Spool::open(&path).is_err(), "{at}");
        }
    }

    /// What a failed write left is cut: the lines behind it are read again.
    #[test]
    fn a_failed_write_damages_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut spool = Spool::open(&path).unwrap();
        spool.note(&reads(1), None).unwrap();
        let whole = std::mem::replace(&mut spool.file, File::open(&path).unwrap());
        assert!(spool.note(&reads(1), None).is_err(), "a file that can't be written");
        (&whole).write_all(&[0, 0, 0, 9, 1]).unwrap();
        spool.file = whole;
        spool.note(&reads(2), None).unwrap();
        assert_eq!(waits(&Spool::open(&path).unwrap()), [0, 0, 1]);
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let mut spool = Spool::open(&path).unwrap();
        spool.note(&reads(2), Some("x")).unwrap();
        spool.sealed(vec![0, 1]).unwrap();
        spool.opened(vec![1]).unwrap();
        let mut largest = 0;
        for _ in 0..100 {
            spool.note(&reads(100), None).unwrap();
            let numbers = spool.waiting().map(|(number, _)| number).collect();
            spool.recorded(numbers).unwrap();
            largest = largest.max(std::fs::metadata(&path).unwrap().len());
        }
        assert!(std::fs::metadata(&path).unwrap().len() < largest / 2);
        let again = Spool::open(&path).unwrap();
        assert_eq!(waits(&again).len(), 0);
        assert_eq!(again.batches_of("x")[0].unopened.len(), 1);
    }

    #[test]
    fn it_takes_so_many() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(&folder.path().join("a")).unwrap();
        spool.note(&reads(WAITING as u64), None).unwrap();
        assert!(spool.note(&reads(1), None).is_err());
        // What is sealed for an audit that runs is not in its way.
        let mut spool = Spool::open(&folder.path().join("b")).unwrap();
        spool.note(&reads(WAITING as u64), Some("x")).unwrap();
        spool.sealed((0..WAITING as u64).collect()).unwrap();
        spool.note(&reads(1), None).unwrap();
    }
}
