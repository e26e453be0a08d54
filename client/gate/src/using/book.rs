//! What was received, on disk before the application has it: until it is acknowledged on the ledger.

pub use super::entry::Access;
use super::entry::{Entry, Hour, Noted, Said, of};
use super::token::Token;
use crate::spool::log::Log;
use crate::spool::refuse_memory;
use anyhow::Context as _;
use liuhen_client::clock::now;
use liuhen_proto::ledger::calendar::hour_of;
use liuhen_proto::suite::hash::{Domain, hash};
use liuhen_proto::types::{ChainId, Hash, IdentityId, RequestId, TimeMs};
use liuhen_proto::wire::Receipt;
use prost::Message as _;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use tokio::sync::oneshot;

/// Entries that are synced at once at most.
const AT_ONCE: usize = 1_024;
/// Bytes from which on the file is written anew at the start.
const LARGE: u64 = 16 << 20;
/// Of hours that are longer ago nothing is summed any more: each is acknowledged by itself.
const HOURS: u64 = 26;
/// What is not told how it ended is acknowledged after so long, rows unknown.
const OPEN_MS: u64 = 60_000;

/// An access that was received.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// Whose number.
    pub access: Access,
    /// The grant.
    pub request_id: RequestId,
    /// The gateway's word.
    pub receipt: Receipt,
    /// Rows, if they are known.
    pub rows: Option<u64>,
    at_ms: u64,
    is_over: bool,
    /// Whether it is owed by itself, by what the gateway said.
    singly: Option<bool>,
    /// It is owed in the sum of its hour alone.
    is_in_sum: bool,
    is_acknowledged: bool,
}

impl Received {
    /// Its hour: of the gateway's clock.
    pub fn hour(&self) -> u64 {
        hour_of(TimeMs::new(self.receipt.time_ms))
    }

    /// Its hour is too long ago to be summed.
    pub fn is_past_sums(&self) -> bool {
        hour_of(now()).saturating_sub(self.hour()) > HOURS
    }

    /// As a line of the list whose root a sum carries.
    fn digest(&self) -> Hash {
        hash(Domain::Digest, &[&self.receipt.encode_to_vec()])
    }
}

/// The sum of an hour under a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// The grant.
    pub request_id: RequestId,
    /// Hours since the epoch.
    pub hour: u64,
    /// Digests of the receipts, in the order of gateways and numbers.
    pub digests: Vec<Hash>,
}

/// What is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Noted since the start.
    pub noted: u64,
    /// Not on the ledger yet.
    pub waiting: u64,
    /// Refused by the ledger since the start.
    pub refused: u64,
    /// What could not be read since the start.
    pub unread: u64,
}

#[derive(Debug, Default)]
struct State {
    all: BTreeMap<Access, Received>,
    /// Grants and hours, and how many a sum on the ledger had.
    summed: BTreeMap<(RequestId, u64), u64>,
    counts: Counts,
    failed: Option<String>,
}

/// What was received.
#[derive(Clone)]
pub struct Book {
    state: Arc<Mutex<State>>,
    jobs: mpsc::Sender<Job>,
}

struct Job {
    said: Said,
    done: oneshot::Sender<Result<(), String>>,
}

impl Book {
    /// Opens the file, and starts the thread that writes it. Errors for what is damaged, another's, or in memory.
    pub fn open(file: &Path, chain: &ChainId, identity: &IdentityId) -> anyhow::Result<Self> {
        refuse_memory(file)?;
        let (mut log, entries, cut) = Log::open(file, chain, identity)?;
        if cut > 0 {
            tracing::warn!(bytes = cut, file = %file.display(), "what was received ended in an entry that was not finished");
        }
        let mut state = State::default();
        for data in &entries {
            let at = || format!("{}", file.display());
            let said = Entry::decode(data.as_slice()).with_context(at)?.said;
            state.take(said.with_context(at)?);
        }
        state.counts = Counts::default();
        // Nobody tells any more how those ended that were open.
        state.all.values_mut().for_each(|it| it.is_over = true);
        if log.size() >= LARGE {
            state.forget(hour_of(now()));
            let kept: Vec<Vec<u8>> = state.entries().map(|it| it.encode_to_vec()).collect();
            log = log.anew(kept.iter().map(Vec::as_slice))?;
        }
        let state = Arc::new(Mutex::new(state));
        let (jobs, waiting) = mpsc::channel();
        let written = Arc::clone(&state);
        std::thread::Builder::new()
            .name("received".into())
            .spawn(move || write(log, &waiting, &written))?;
        Ok(Self { state, jobs })
    }

    /// Notes what came with an answer, on disk when this returns; what is known already is not new. `rows` where it is over by now.
    pub async fn note(&self, token: &Token, over: Option<Option<u64>>) -> Result<(), String> {
        let access = (token.gateway, token.access_no);
        if self.lock().all.contains_key(&access) {
            return match over {
                Some(rows) => self.end(access, rows).await,
                None => Ok(()),
            };
        }
        let noted = Noted {
            gateway: token.gateway.to_vec(),
            number: token.access_no,
            request_id: token.request_id.to_vec(),
            receipt: Some(token.receipt.clone()),
            at_ms: now().get(),
            rows: over.flatten(),
            is_over: over.is_some(),
            singly: token.singly,
        };
        self.say(Said::Noted(noted)).await
    }

    /// Says how many rows there were of what was noted.
    pub async fn end(&self, access: Access, rows: Option<u64>) -> Result<(), String> {
        self.say(Said::Ended(of(access, rows, ""))).await
    }

    /// It stands on the ledger by itself.
    pub async fn acknowledged(&self, access: Access) -> Result<(), String> {
        self.say(Said::Acknowledged(of(access, None, ""))).await
    }

    /// It stands on the ledger with the sum of its hour.
    pub async fn in_sum(&self, access: Access) -> Result<(), String> {
        self.say(Said::InSum(of(access, None, ""))).await
    }

    /// The ledger never takes it.
    pub async fn let_go(&self, access: Access, reason: &str) -> Result<(), String> {
        self.say(Said::LetGo(of(access, None, reason))).await
    }

    /// Counts what the ledger refused.
    pub fn refused_once(&self) {
        let counts = &mut self.lock().counts;
        counts.refused = counts.refused.saturating_add(1);
    }

    /// Whether an hour may be summed still.
    pub fn is_summed_still(&self, hour: u64) -> bool {
        hour_of(now()).saturating_sub(hour) <= HOURS
    }

    /// A sum stands on the ledger.
    pub async fn summed(&self, sum: &Sum) -> Result<(), String> {
        let (request_id, count) = (sum.request_id.to_vec(), sum.digests.len() as u64);
        self.say(Said::Summed(Hour { request_id, hour: sum.hour, count })).await
    }

    async fn say(&self, said: Said) -> Result<(), String> {
        let (done, written) = oneshot::channel();
        let stopped = || "the file is not written any more".to_owned();
        self.jobs.send(Job { said, done }).map_err(|_| stopped())?;
        written.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// What is to be acknowledged by itself, as far as that is known, and over.
    pub fn to_acknowledge(&self) -> Vec<Received> {
        let before = now().get().saturating_sub(OPEN_MS);
        let state = self.lock();
        let waiting = state.all.values().filter(|it| !it.is_acknowledged);
        let waiting = waiting.filter(|it| !it.is_in_sum || it.is_past_sums());
        waiting.filter(|it| it.is_over || it.at_ms <= before).cloned().collect()
    }

    /// Sums of hours that are over, of accesses under these grants, where the ledger has none or another. Of each grant: whether accesses under it are acknowledged
    /// by themselves too; then what is owed so, by the gateway's word, stands in no sum.
    pub fn to_sum(&self, under: &BTreeMap<RequestId, bool>) -> Vec<Sum> {
        let state = self.lock();
        let this = hour_of(now());
        let mut sums: BTreeMap<(RequestId, u64), Vec<Hash>> = BTreeMap::new();
        let summed = |it: &&Received| {
            let singly = under.get(&it.request_id);
            singly.is_some_and(|singly| !*singly || it.singly != Some(true))
        };
        for it in state.all.values().filter(summed) {
            let hour = it.hour();
            if hour < this && this.saturating_sub(hour) <= HOURS {
                sums.entry((it.request_id, hour)).or_default().push(it.digest());
            }
        }
        let is_new = |(of, digests): &((RequestId, u64), Vec<Hash>)| {
            state.summed.get(of).copied() != Some(digests.len() as u64)
        };
        let sum = |((request_id, hour), digests)| Sum { request_id, hour, digests };
        sums.into_iter().filter(is_new).map(sum).collect()
    }

    /// Grants under which something was received.
    pub fn grants(&self) -> BTreeSet<RequestId> {
        self.lock().all.values().map(|it| it.request_id).collect()
    }

    /// Lets go of what is on the ledger, and of hours that are long ago.
    pub fn forget(&self) {
        self.lock().forget(hour_of(now()));
    }

    /// Counts a header that could not be read.
    pub fn unread(&self) {
        let counts = &mut self.lock().counts;
        counts.unread = counts.unread.saturating_add(1);
    }

    /// What is counted.
    pub fn counts(&self) -> Counts {
        let state = self.lock();
        let waiting = state.all.values().filter(|it| !it.is_acknowledged).count();
        Counts { waiting: waiting as u64, ..state.counts }
    }

    /// Why nothing is kept any more, if so.
    pub fn failure(&self) -> Option<String> {
        self.lock().failed.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        locked(&self.state)
    }
}

impl State {
    fn take(&mut self, said: Said) {
        match said {
            Said::Noted(it) => {
                let gateway = IdentityId::from_slice(&it.gateway).unwrap_or_default();
                let request_id = RequestId::from_slice(&it.request_id).unwrap_or_default();
                let access = (gateway, it.number);
                self.counts.noted = self.counts.noted.saturating_add(1);
                let received = Received {
                    access,
                    request_id,
                    receipt: it.receipt.unwrap_or_default(),
                    rows: it.rows,
                    at_ms: it.at_ms,
                    is_over: it.is_over,
                    singly: it.singly,
                    is_in_sum: false,
                    is_acknowledged: false,
                };
                self.all.entry(access).or_insert(received);
            }
            Said::Ended(it) => {
                if let Some(received) = self.all.get_mut(&it.access()) {
                    (received.rows, received.is_over) = (it.rows, true);
                }
            }
            Said::Acknowledged(it) => {
                if let Some(received) = self.all.get_mut(&it.access()) {
                    received.is_acknowledged = true;
                }
            }
            Said::Summed(it) => {
                let request_id = RequestId::from_slice(&it.request_id).unwrap_or_default();
                self.summed.insert((request_id, it.hour), it.count);
                let all = self.all.values_mut().filter(|one| one.is_in_sum);
                all.filter(|one| one.request_id == request_id && one.hour() == it.hour)
                    .for_each(|one| one.is_acknowledged = true);
            }
            Said::InSum(it) => {
                if let Some(received) = self.all.get_mut(&it.access()) {
                    received.is_in_sum = true;
                }
            }
            Said::LetGo(it) => {
                self.all.remove(&it.access());
            }
        }
    }

    fn forget(&mut self, this: u64) {
        let is_new = |hour: u64| this.saturating_sub(hour) <= HOURS;
        self.all.retain(|_, it| !it.is_acknowledged || is_new(it.hour()));
        self.summed.retain(|(_, hour), _| is_new(*hour));
    }

    /// What it takes to be as it is.
    fn entries(&self) -> impl Iterator<Item = Entry> {
        let noted = self.all.values().flat_map(|it| {
            let noted = Noted {
                gateway: it.access.0.to_vec(),
                number: it.access.1,
                request_id: it.request_id.to_vec(),
                receipt: Some(it.receipt.clone()),
                at_ms: it.at_ms,
                rows: it.rows,
                is_over: it.is_over,
                singly: it.singly,
            };
            let in_sum = it.is_in_sum.then(|| Said::InSum(of(it.access, None, "")));
            let done = it.is_acknowledged.then(|| Said::Acknowledged(of(it.access, None, "")));
            [Some(Said::Noted(noted)), in_sum, done].into_iter().flatten()
        });
        let summed = self.summed.iter().map(|((request_id, hour), count)| {
            Said::Summed(Hour { request_id: request_id.to_vec(), hour: *hour, count: *count })
        });
        noted.chain(summed).map(|said| Entry { said: Some(said) })
    }
}

fn write(mut log: Log, jobs: &mpsc::Receiver<Job>, state: &Mutex<State>) {
    while let Ok(first) = jobs.recv() {
        let mut all = vec![first];
        all.extend(jobs.try_iter().take(AT_ONCE - 1));
        let entries = all.iter().map(|it| Entry { said: Some(it.said.clone()) }.encode_to_vec());
        let entries: Vec<Vec<u8>> = entries.collect();
        if let Err(error) = log.append(entries.iter().map(Vec::as_slice)) {
            let why = error.to_string();
            tracing::error!(error = %why, "what is received can't be kept any more");
            locked(state).failed = Some(why.clone());
            for job in all {
                let _ = job.done.send(Err(why.clone()));
            }
            return;
        }
        for Job { said, done } in all {
            locked(state).take(said);
            let _ = done.send(Ok(()));
        }
    }
}

fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(number: u64, time_ms: u64) -> Token {
        let receipt = Receipt { key_id: vec![1; 32], time_ms, signature: vec![2; 64] };
        let (gateway, request_id) = (IdentityId::new([3; 32]), RequestId::new([4; 32]));
        Token { gateway, access_no: number, request_id, receipt, singly: None }
    }

    #[tokio::test]
    async fn it_is_as_it_was_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("received");
        let open = || Book::open(&file, &ChainId::ZERO, &IdentityId::ZERO).unwrap();
        let hour = 3_600_000;
        let then = now().get() - 2 * hour;
        let book = open();
        book.note(&token(1, then), None).await.unwrap();
        book.note(&token(1, then), None).await.unwrap();
        book.note(&token(2, then), Some(Some(7))).await.unwrap();
        book.note(&token(3, then + hour), Some(None)).await.unwrap();
        assert_eq!(book.counts(), Counts { noted: 3, waiting: 3, ..Counts::default() });
        let numbers = |book: &Book| -> Vec<(u64, Option<u64>)> {
            book.to_acknowledge().iter().map(|it| (it.access.1, it.rows)).collect()
        };
        // Of the first it is not told yet how it ended, and after a restart nobody will.
        assert_eq!(numbers(&book), [(2, Some(7)), (3, None)]);
        drop(book);
        let book = open();
        assert_eq!(numbers(&book), [(1, None), (2, Some(7)), (3, None)]);
        book.end((IdentityId::new([3; 32]), 1), Some(2)).await.unwrap();
        book.acknowledged((IdentityId::new([3; 32]), 2)).await.unwrap();
        let under = book.grants().into_iter().map(|id| (id, false)).collect();
        let sums = book.to_sum(&under);
        assert_eq!(sums.iter().map(|it| it.digests.len()).collect::<Vec<_>>(), [2, 1]);
        book.summed(&sums[0]).await.unwrap();
        drop(book);
        let book = open();
        assert_eq!(numbers(&book), [(1, Some(2)), (3, None)]);
        assert_eq!(book.to_sum(&under), sums[1..]);
        // One more of an hour that is summed: its sum is another.
        book.note(&token(4, then), Some(None)).await.unwrap();
        assert_eq!(book.to_sum(&under).len(), 2);
        book.let_go((IdentityId::new([3; 32]), 4), "grant.unknown").await.unwrap();
        assert_eq!(book.to_sum(&under).len(), 1);
        assert!(book.to_sum(&BTreeMap::new()).is_empty());
        // What is owed by itself, and acknowledged so, stands in no sum.
        book.note(&Token { singly: Some(true), ..token(5, then) }, Some(None)).await.unwrap();
        book.note(&Token { singly: Some(false), ..token(6, then) }, Some(None)).await.unwrap();
        let counts = |singly: bool| -> Vec<usize> {
            let under = book.grants().into_iter().map(|id| (id, singly)).collect();
            book.to_sum(&under).iter().map(|it| it.digests.len()).collect()
        };
        assert_eq!((counts(true), counts(false)), (vec![3, 1], vec![4, 1]));
    }

    #[tokio::test]
    async fn what_is_owed_in_sums_waits_for_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("received");
        let open = || Book::open(&file, &ChainId::ZERO, &IdentityId::ZERO).unwrap();
        let hour = 3_600_000;
        let (book, time) = (open(), now().get());
        let gateway = IdentityId::new([3; 32]);
        // Of an hour that can be summed, and of one that was not in time.
        book.note(&token(1, time - 2 * hour), Some(None)).await.unwrap();
        book.note(&token(2, time - 30 * hour), Some(None)).await.unwrap();
        for number in [1, 2] {
            book.in_sum((gateway, number)).await.unwrap();
        }
        let alone = |book: &Book| -> Vec<u64> {
            book.to_acknowledge().iter().map(|it| it.access.1).collect()
        };
        assert_eq!((alone(&book), book.counts().waiting), (vec![2], 2));
        book.forget();
        drop(book);
        let book = open();
        assert_eq!((alone(&book), book.counts().waiting), (vec![2], 2));
        let under = book.grants().into_iter().map(|id| (id, false)).collect();
        let sums = book.to_sum(&under);
        assert_eq!(sums.len(), 1);
        book.summed(&sums[0]).await.unwrap();
        assert_eq!((alone(&book), book.counts().waiting), (vec![2], 1));
        book.acknowledged((gateway, 2)).await.unwrap();
        assert_eq!(book.counts().waiting, 0);
    }
}
