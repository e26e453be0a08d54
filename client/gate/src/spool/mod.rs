//! The spool: every access gets its number here, on disk, before it is answered; from here it goes to the ledger, and is taken off
//! when it stands there.
//!
//! [`log`] is the file, [`entry`] what stands in it, [`numbers`] the second place that says how far numbers may have been given,
//! [`book`] what follows from the entries, with [`uses`] of grants summed up.

pub mod book;
pub mod entry;
pub mod log;
pub mod numbers;
pub mod uses;

use anyhow::Context as _;
use book::Book;
use entry::{Entry, Given, Recorded, Said};
use liuhen_proto::types::{ChainId, IdentityId};
use log::Log;
use numbers::Numbers;
use prost::Message as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use tokio::sync::{oneshot, watch};

/// Bytes from which on a spool is written anew at the start, where most of it is not needed any more.
const LARGE: u64 = 64 << 20;
/// Entries that are synced at once at most.
const AT_ONCE: usize = 1_024;

/// Where a spool is, and whose.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its file.
    pub file: PathBuf,
    /// The second place for numbers.
    pub numbers: PathBuf,
    /// The chain.
    pub chain: ChainId,
    /// The gateway.
    pub gateway: IdentityId,
}

/// A spool, shared by who gives numbers and who sends records.
#[derive(Clone)]
pub struct Spool {
    book: Arc<Mutex<Book>>,
    jobs: mpsc::Sender<Job>,
    failed: watch::Receiver<Option<String>>,
}

/// Comes when it is on disk.
type Noted = oneshot::Receiver<Result<u64, SpoolError>>;

struct Job {
    said: Said,
    reply: oneshot::Sender<Result<u64, SpoolError>>,
}

/// Nothing more is given: what is on disk is not known.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the spool can't be written: {0}")]
pub struct SpoolError(String);

impl Spool {
    /// Opens it, and starts the thread that writes it. `known`: the last number that the ledger knows of this gateway.
    ///
    /// Errors where the file is damaged or another's, or where numbers were given that it does not have.
    pub fn open(place: &Place, known: u64) -> anyhow::Result<Self> {
        refuse_memory(&place.file)?;
        let (log, entries, cut) = Log::open(&place.file, &place.chain, &place.gateway)?;
        if cut > 0 {
            tracing::warn!(bytes = cut, file = %place.file.display(), "the spool ended in an entry that was not finished; nobody was answered by it");
        }
        let numbers = Numbers::open(&place.numbers, place.gateway);
        let numbers = numbers.with_context(|| format!("{}", place.numbers.display()))?;
        let mut book = Book::default();
        for data in &entries {
            let entry = Entry::decode(data.as_slice());
            let entry = entry.with_context(|| format!("{}", place.file.display()))?;
            book.take(entry.said.context("an entry that says nothing: of a newer program?")?);
        }
        let log = smaller(log, &entries, &book)?;
        let may = numbers.reserved().max(known);
        if book.last() == 0 && may > 0 {
            anyhow::bail!(
                "{} holds nothing, and numbers up to {may} may have been given: restore it, or own up to those that are not on the \
                 ledger with `liuhen-gate lost`",
                place.file.display()
            );
        }
        anyhow::ensure!(
            book.last() >= known,
            "{} ends with number {}, and the ledger has {known} of this gateway: it is an older copy, or another process has the same key",
            place.file.display(),
            book.last()
        );
        Ok(Self::start(log, numbers, book))
    }

    /// Begins a spool in the place of one that is gone, behind all numbers that may have been given; `known`: the last that the
    /// ledger knows. Gives which numbers are to be declared lost, once `declare` has done so.
    ///
    /// Errors where a spool is there that can be read.
    pub async fn begin_after_loss(
        place: &Place,
        known: u64,
        declare: impl AsyncFnOnce(u64, u64) -> anyhow::Result<()>,
    ) -> anyhow::Result<Option<(u64, u64)>> {
        let numbers = Numbers::open(&place.numbers, place.gateway);
        let last = numbers.with_context(|| format!("{}", place.numbers.display()))?.reserved();
        if place.file.exists() {
            let (_, entries, _) = Log::open(&place.file, &place.chain, &place.gateway)?;
            anyhow::ensure!(
                entries.is_empty(),
                "{} is there, and whole: nothing is lost",
                place.file.display()
            );
        }
        let lost = (last > known).then_some((known.saturating_add(1), last));
        if let Some((first, last)) = lost {
            declare(first, last).await?;
        }
        let (mut log, _, _) = Log::open(&place.file, &place.chain, &place.gateway)?;
        let entry = Entry { said: Some(Said::Lost(last.max(known))) }.encode_to_vec();
        log.append(std::iter::once(entry.as_slice()))?;
        Ok(lost)
    }

    /// One that has nothing, and takes nothing: for who only looks what would be decided.
    pub fn nothing() -> Self {
        let (jobs, _) = mpsc::channel();
        let (_, failed) = watch::channel(None);
        Self { book: Arc::default(), jobs, failed }
    }

    fn start(log: Log, numbers: Numbers, book: Book) -> Self {
        let next = book.last().saturating_add(1);
        let book = Arc::new(Mutex::new(book));
        let (jobs, waiting) = mpsc::channel();
        let (says, failed) = watch::channel(None);
        let writer = Writer { log, numbers, next, book: Arc::clone(&book) };
        std::thread::spawn(move || writer.run(&waiting, &says));
        Self { book, jobs, failed }
    }

    /// Gives an access its number, which is on disk then.
    pub async fn give(&self, given: Given) -> Result<u64, SpoolError> {
        self.say(Said::Given(given)).await
    }

    /// Gives several accesses their numbers, in this order; all are on disk then.
    pub async fn give_all(&self, all: Vec<Given>) -> Result<Vec<u64>, SpoolError> {
        let waiting: Vec<_> = all.into_iter().map(|it| self.begin(Said::Given(it))).collect();
        let mut numbers = Vec::with_capacity(waiting.len());
        for one in waiting {
            numbers.push(self.done(one?).await?);
        }
        Ok(numbers)
    }

    /// Notes something else; it is on disk then. Gives the number that it is about.
    pub async fn say(&self, said: Said) -> Result<u64, SpoolError> {
        self.done(self.begin(said)?).await
    }

    fn begin(&self, said: Said) -> Result<Noted, SpoolError> {
        let (reply, done) = oneshot::channel();
        self.jobs.send(Job { said, reply }).map_err(|_| self.stopped())?;
        Ok(done)
    }

    async fn done(&self, noted: Noted) -> Result<u64, SpoolError> {
        noted.await.unwrap_or_else(|_| Err(self.stopped()))
    }

    fn stopped(&self) -> SpoolError {
        SpoolError(self.failed.borrow().clone().unwrap_or("it has stopped".into()))
    }

    /// What follows from what stands in it.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        locked(&self.book)
    }

    /// Why nothing is given any more, if so.
    pub fn failure(&self) -> Option<String> {
        self.failed.borrow().clone()
    }
}

/// The same spool without what nobody needs any more, where that is most of a large one.
fn smaller(log: Log, entries: &[Vec<u8>], book: &Book) -> anyhow::Result<Log> {
    match log.size() < LARGE {
        true => Ok(log),
        false => rewritten(log, entries, book),
    }
}

fn rewritten(log: Log, entries: &[Vec<u8>], book: &Book) -> anyhow::Result<Log> {
    let last = Entry { said: Some(Said::Lost(book.last())) }.encode_to_vec();
    let sealed = Entry { said: Some(Said::Sealed(*book.sealed())) }.encode_to_vec();
    let highest = Recorded { numbers: Vec::new(), height: book.highest().get() };
    let highest = Entry { said: Some(Said::Recorded(highest)) }.encode_to_vec();
    let is_needed =
        |data: &&Vec<u8>| match Entry::decode(data.as_slice()).ok().and_then(|it| it.said) {
            Some(Said::Given(it)) => book.needs(it.number()),
            Some(Said::Ended(it)) => book.needs(it.number),
            Some(Said::Found(it)) => book.needs(it.number),
            Some(Said::Tagged(it)) => book.needs(it.number),
            Some(Said::Recorded(it)) => it.numbers.iter().any(|number| book.needs(*number)),
            // These stand at the end, as they are now.
            Some(Said::Sealed(_) | Said::Lost(_)) => false,
            None => true,
        };
    let needed: Vec<&[u8]> = entries.iter().filter(is_needed).map(Vec::as_slice).collect();
    if needed.len() > entries.len() / 2 {
        return Ok(log);
    }
    tracing::info!(
        before = entries.len(),
        after = needed.len(),
        "the spool is written anew without what is on the ledger and sealed"
    );
    let all = needed.into_iter().chain([last.as_slice(), sealed.as_slice(), highest.as_slice()]);
    Ok(log.anew(all)?)
}

struct Writer {
    log: Log,
    numbers: Numbers,
    next: u64,
    book: Arc<Mutex<Book>>,
}

impl Writer {
    fn run(mut self, jobs: &mpsc::Receiver<Job>, failed: &watch::Sender<Option<String>>) {
        while let Ok(first) = jobs.recv() {
            let mut all = vec![first];
            all.extend(jobs.try_iter().take(AT_ONCE - 1));
            if let Err(error) = self.write(&mut all) {
                let why = format!("{error:#}");
                tracing::error!(error = %why, "the spool can't be written: no number is given any more");
                failed.send_replace(Some(why.clone()));
                for job in all {
                    let _ = job.reply.send(Err(SpoolError(why.clone())));
                }
                return;
            }
            for Job { said, reply } in all {
                let number = locked(&self.book).take(said);
                let _ = reply.send(Ok(number));
            }
        }
    }

    /// Numbers what is given, and syncs all.
    fn write(&mut self, all: &mut [Job]) -> anyhow::Result<()> {
        for job in all.iter_mut() {
            if let Said::Given(Given { record: Some(record), .. }) = &mut job.said {
                record.access_no = self.next;
                self.next = self.next.saturating_add(1);
            }
        }
        let last = self.next.saturating_sub(1);
        self.numbers.reserve(last).context("the second place for numbers")?;
        let entries = all.iter().map(|job| Entry { said: Some(job.said.clone()) }.encode_to_vec());
        let entries: Vec<_> = entries.collect();
        Ok(self.log.append(entries.iter().map(Vec::as_slice))?)
    }
}

/// Errors for a spool in memory, which holds nothing after a restart, and where that can't be told.
pub fn refuse_memory(file: &Path) -> anyhow::Result<()> {
    const IN_MEMORY: [i64; 2] = [0x0102_1994, 0x8584_58f6];
    let folder = file.parent().unwrap_or(Path::new("."));
    let kind = rustix::fs::statfs(folder).with_context(|| format!("{}", folder.display()))?;
    anyhow::ensure!(
        !IN_MEMORY.contains(&kind.f_type),
        "{} is in memory: what is numbered there is gone after a restart; put the spool on a disk",
        folder.display()
    );
    Ok(())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
