//! What auditors and regulators were shown is recorded on the ledger, in batches, signed with the
//! node's key, with what its reader signed. It is on this node's disk before they are shown it. What is read for an audit is
//! sealed under the root of a batch, and opened when the audit closes. Each department has a spool of its own: one that
//! reads much, or whose audit does not end, is in nobody else's way.

mod spool;

use self::spool::{SealedBatch, Spool};
use super::auth::Caller;
use super::signed::SignedCall;
use crate::app::Chain;
use crate::limits::Client;
use crate::mempool::Mempool;
use anyhow::Context as _;
use liuhen_proto::items::Item;
use liuhen_proto::items::reading::read::commitment;
use liuhen_proto::items::reading::sealed::{Batch, path};
use liuhen_proto::place::Place;
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::tx::Signer;
use liuhen_proto::types::{IdentityId, limits};
use liuhen_proto::wire::{self, TrailRead, item::Kind};
use liuhen_rpc::reason::Reason;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How long reads are gathered.
const GATHER: Duration = Duration::from_secs(1);
/// After which time what the rules refused is tried again.
const AGAIN: Duration = Duration::from_secs(600);
/// Open reads in one item, and opened ones: with what their readers signed they fit.
const OPEN_IN_ITEM: usize = 24;
const OPENED_IN_ITEM: usize = 16;
/// Ends the name of a department's file.
const SUFFIX: &str = ".reads";

/// What a reader was shown.
#[derive(Debug, Clone)]
pub(super) enum Shown {
    /// Of a trail, so many events from a number on; none where only what it is about was shown.
    Trail(Place, u64, u64),
    /// A list, by its code, and how many entries.
    List(&'static str, u64),
}

/// Reads that wait, on disk.
#[derive(Debug, Clone)]
pub struct Reads {
    folder: Arc<PathBuf>,
    spools: Arc<Mutex<BTreeMap<String, Arc<Mutex<Spool>>>>>,
    /// What the rules refused, and when: kept, and tried again after a while, for a clock that was ahead may be right by then.
    aside: Arc<Mutex<BTreeMap<(String, u64), Instant>>>,
}

impl Reads {
    /// Takes up what waits in a folder, which is made if there is none.
    pub fn open(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let mut spools = BTreeMap::new();
        for file in std::fs::read_dir(folder)? {
            let path = file?.path();
            let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
            if let Some(department) = name.strip_suffix(SUFFIX) {
                let spool = Arc::new(Mutex::new(Spool::open(&path)?));
                spools.insert(department.to_owned(), spool);
            }
        }
        let spools = Arc::new(Mutex::new(spools));
        Ok(Self { folder: Arc::new(folder.to_owned()), spools, aside: Arc::default() })
    }

    /// Notes reads before they are answered.
    pub(super) fn note(
        &self,
        caller: &Caller,
        call: &SignedCall,
        shown: &[Shown],
    ) -> anyhow::Result<()> {
        let mut reads = Vec::with_capacity(shown.len());
        for one in shown {
            let mut read = TrailRead {
                department: caller.department.code.clone(),
                identity_id: caller.identity.identity_id.clone(),
                time_ms: crate::clock::now().get(),
                request: Some(call.request().clone()),
                ..TrailRead::default()
            };
            match one {
                Shown::Trail(trail, first, count) => {
                    read.trail_kind = u32::from(trail.kind());
                    read.trail_id = trail.id().to_vec();
                    (read.first, read.count) = (*first, *count);
                }
                Shown::List(list, count) => {
                    read.list = (*list).to_owned();
                    read.count = *count;
                }
            }
            if caller.audit.is_some() {
                let mut salt = [0; 32];
                getrandom::fill(&mut salt).map_err(|e| anyhow::anyhow!("random bytes: {e}"))?;
                read.salt = salt.to_vec();
            }
            reads.push(read);
        }
        let spool = self.of(&caller.department.code)?;
        locked(&spool).note(&reads, caller.audit.as_deref())?;
        call.noted(reads.len());
        Ok(())
    }

    /// A department's spool.
    fn of(&self, department: &str) -> anyhow::Result<Arc<Mutex<Spool>>> {
        let mut spools = locked(&self.spools);
        if let Some(spool) = spools.get(department) {
            return Ok(Arc::clone(spool));
        }
        let path = self.folder.join(format!("{department}{SUFFIX}"));
        let spool = Arc::new(Mutex::new(Spool::open(&path)?));
        spools.insert(department.to_owned(), Arc::clone(&spool));
        Ok(spool)
    }

    /// Records and opens what waits, until told to stop. What can't be sent now is tried again.
    pub async fn run(
        self,
        chain: Arc<RwLock<Chain>>,
        mempool: Mempool,
        key: PrivateKey,
        stop: CancellationToken,
    ) {
        let sender = Sender { chain, mempool, key };
        let mut gather = tokio::time::interval(GATHER);
        gather.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = gather.tick() => {}
            }
            let all: Vec<_> = locked(&self.spools)
                .iter()
                .map(|(code, it)| (code.clone(), Arc::clone(it)))
                .collect();
            for (department, spool) in all {
                if let Err(error) = self.send(&sender, &department, &spool).await {
                    tracing::warn!(%error, department, "reads by who oversees wait to be recorded");
                }
            }
        }
    }

    async fn send(
        &self,
        sender: &Sender,
        department: &str,
        spool: &Mutex<Spool>,
    ) -> anyhow::Result<()> {
        let recorded = self.record(sender, department, spool).await;
        let sealed = self.seal(sender, department, spool).await;
        let opened = self.open_closed(sender, department, spool).await;
        recorded.and(sealed).and(opened)
    }

    /// What waits to be recorded openly and was not set aside.
    fn waiting(&self, department: &str, spool: &Mutex<Spool>) -> Vec<(u64, TrailRead)> {
        let aside = locked(&self.aside);
        let spool = locked(spool);
        let fresh = spool.waiting().filter(|(number, it)| {
            let refused = aside.get(&(department.to_owned(), *number));
            it.audit.is_none() && refused.is_none_or(|at| at.elapsed() > AGAIN)
        });
        fresh.take(limits::READS).map(|(number, it)| (number, it.read())).collect()
    }

    /// Open reads stand on the ledger.
    async fn record(
        &self,
        sender: &Sender,
        department: &str,
        spool: &Mutex<Spool>,
    ) -> anyhow::Result<()> {
        let waiting = self.waiting(department, spool);
        if waiting.is_empty() {
            return Ok(());
        }
        match sender.submit(|own| record(own, &waiting)).await? {
            Ok(()) => {
                let numbers = waiting.into_iter().map(|(number, _)| number).collect();
                return locked(spool).recorded(numbers);
            }
            // What the rules say of an item they say again; all else may pass.
            Err(refused) if refused.item.is_none() => anyhow::bail!("{}", refused.message),
            Err(refused) => {
                tracing::warn!(refused.message, department, "reads are recorded one by one");
            }
        }
        for one in waiting {
            match sender.submit(|own| record(own, std::slice::from_ref(&one))).await? {
                Ok(()) => locked(spool).recorded(vec![one.0])?,
                Err(refused) if refused.item.is_none() => anyhow::bail!("{}", refused.message),
                Err(refused) => {
                    let number = one.0;
                    tracing::error!(
                        refused.message,
                        department,
                        number,
                        "a read can't be recorded; it stays here"
                    );
                    locked(&self.aside).insert((department.to_owned(), number), Instant::now());
                }
            }
        }
        Ok(())
    }

    /// Reads for audits are sealed, a batch for each.
    async fn seal(
        &self,
        sender: &Sender,
        department: &str,
        spool: &Mutex<Spool>,
    ) -> anyhow::Result<()> {
        let audits: BTreeSet<String> =
            locked(spool).waiting().filter_map(|(_, it)| it.audit.clone()).collect();
        let mut done = Ok(());
        for audit in audits {
            let waiting = locked(spool).batch(&audit, limits::READS)?;
            if waiting.is_empty() {
                continue;
            }
            let root = waiting.iter().map(|(_, it)| commitment(it)).collect::<Batch>().root();
            let sealed = wire::SealedReads {
                department: department.to_owned(),
                audit: audit.clone(),
                root: root.to_vec(),
                count: u32::try_from(waiting.len()).unwrap_or(u32::MAX),
            };
            let item = |own: &str| {
                let (department, reads, sealed) = (own.to_owned(), Vec::new(), vec![sealed]);
                vec![Kind::RecordReads(wire::RecordReads { department, reads, sealed })]
            };
            match sender.submit(item).await? {
                // Before this program ended last it was sealed already.
                Err(refused) if refused.reason != SEALED_READ => {
                    done = done.and(Err(anyhow::anyhow!("audit {audit}: {}", refused.message)));
                }
                _ => locked(spool).sealed(waiting.iter().map(|(number, _)| *number).collect())?,
            }
        }
        done
    }

    /// What was sealed for an audit that has closed is opened.
    async fn open_closed(
        &self,
        sender: &Sender,
        department: &str,
        spool: &Mutex<Spool>,
    ) -> anyhow::Result<()> {
        let audits = locked(spool).sealed_audits();
        let mut closed = Vec::new();
        for audit in audits {
            if sender.is_closed(department, &audit)? {
                closed.extend(locked(spool).batches_of(&audit));
            }
        }
        let mut done = Ok(());
        for batch in closed {
            for (numbers, opened) in opened(&batch, department) {
                match sender.submit(|own| vec![opened.signed_by(own)]).await? {
                    // Before this program ended last they were opened already.
                    Err(refused) if refused.reason != UNKNOWN_READ => {
                        let (audit, why) = (&batch.audit, &refused.message);
                        done = done.and(Err(anyhow::anyhow!("audit {audit}: {why}")));
                    }
                    _ => locked(spool).opened(numbers)?,
                }
            }
        }
        done
    }
}

/// The reasons for which the rules refuse what is sealed, or opened, already.
const SEALED_READ: &str = "read.sealed";
const UNKNOWN_READ: &str = "read.unknown";

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Items of open reads: of one trail each, for whoever is party to that trail sees no other.
fn record(department: &str, waiting: &[(u64, TrailRead)]) -> Vec<Kind> {
    let mut items = Vec::new();
    for reads in by_trail(waiting.iter().map(|(_, read)| read)) {
        for reads in reads.chunks(OPEN_IN_ITEM) {
            items.push(Kind::RecordReads(wire::RecordReads {
                department: department.to_owned(),
                reads: reads.to_vec(),
                sealed: Vec::new(),
            }));
        }
    }
    items
}

/// Reads of one reader of one trail or list together.
fn by_trail<'a>(reads: impl Iterator<Item = &'a TrailRead>) -> Vec<Vec<TrailRead>> {
    let mut groups: BTreeMap<_, Vec<TrailRead>> = BTreeMap::new();
    for read in reads {
        groups.entry(trail_of(read)).or_default().push(read.clone());
    }
    groups.into_values().collect()
}

fn trail_of(read: &TrailRead) -> (Vec<u8>, u32, Vec<u8>, String) {
    (read.identity_id.clone(), read.trail_kind, read.trail_id.clone(), read.list.clone())
}

/// An item that opens reads of one batch, of one trail.
struct Opening(wire::OpenReads);

impl Opening {
    /// As this department's node says it.
    fn signed_by(&self, own: &str) -> Kind {
        let (department, sealed_by) = (own.to_owned(), own.to_owned());
        Kind::OpenReads(wire::OpenReads { department, sealed_by, ..self.0.clone() })
    }
}

/// Items that open a batch, and the numbers of the reads that each opens.
fn opened(batch: &SealedBatch, department: &str) -> Vec<(Vec<u64>, Opening)> {
    let log: Batch = batch.commitments.iter().copied().collect();
    let mut groups: BTreeMap<_, Vec<(u64, wire::OpenedRead)>> = BTreeMap::new();
    for (number, index, read) in &batch.unopened {
        let Some(path) = path(&log, *index) else { continue };
        let path = path.iter().map(|hash| hash.to_vec()).collect();
        let opened = wire::OpenedRead { read: Some(read.clone()), index: *index, path };
        groups.entry(trail_of(read)).or_default().push((*number, opened));
    }
    let mut items = Vec::new();
    for group in groups.into_values() {
        for some in group.chunks(OPENED_IN_ITEM) {
            let item = wire::OpenReads {
                audit_department: department.to_owned(),
                audit: batch.audit.clone(),
                root: log.root().to_vec(),
                reads: some.iter().map(|(_, opened)| opened.clone()).collect(),
                ..wire::OpenReads::default()
            };
            items.push((some.iter().map(|(number, _)| *number).collect(), Opening(item)));
        }
    }
    items
}

/// Signs what a node says by itself, and sends it.
struct Sender {
    chain: Arc<RwLock<Chain>>,
    mempool: Mempool,
    key: PrivateKey,
}

impl Sender {
    fn is_closed(&self, department: &str, audit: &str) -> anyhow::Result<bool> {
        let chain = self.chain.read().unwrap_or_else(PoisonError::into_inner);
        let known: Option<Arc<wire::Audit>> =
            chain.index().typed(&Place::audit(department, audit))?;
        Ok(known.is_some_and(|it| it.closed))
    }

    async fn submit(
        &self,
        kinds: impl FnOnce(&str) -> Vec<Kind>,
    ) -> anyhow::Result<Result<(), wire::Refused>> {
        submit(&self.chain, &self.mempool, &self.key, kinds).await
    }
}

/// Signs items with the node's key and waits until they are committed. What refuses them, if anything does; errors where it
/// is not known what becomes of them.
pub(crate) async fn submit(
    chain: &RwLock<Chain>,
    mempool: &Mempool,
    key: &PrivateKey,
    kinds: impl FnOnce(&str) -> Vec<Kind>,
) -> anyhow::Result<Result<(), wire::Refused>> {
    let tx = {
        let chain = chain.read().unwrap_or_else(PoisonError::into_inner);
        let id = key.public().key_id();
        let known: Option<Arc<wire::Key>> = chain.index().typed(&Place::key(&id))?;
        let known = known.ok_or_else(|| anyhow::anyhow!("this node's key is not on the ledger"))?;
        let signer = Signer {
            chain: chain.founding().chain(),
            department: known.department.clone(),
            identity: IdentityId::from_slice(&known.identity_id)?,
            key: key.clone(),
        };
        let header = chain.header();
        let recent = (header.height, header.block_id());
        let mut items = Vec::new();
        for kind in kinds(&known.department) {
            let mut nonce = [0; 16];
            getrandom::fill(&mut nonce).map_err(|e| anyhow::anyhow!("random bytes: {e}"))?;
            match Item::new(nonce, kind) {
                Ok(item) => items.push(item),
                // The rules' word on this item, as if the ledger had said it.
                Err(error) => {
                    let reason = Reason::TransactionMalformed.name().to_owned();
                    let (item, message) = (u32::try_from(items.len()).ok(), error.to_string());
                    return Ok(Err(wire::Refused {
                        reason,
                        message,
                        item,
                        ..wire::Refused::default()
                    }));
                }
            }
        }
        signer.sign(chain.next_seq(&id)?, recent, crate::clock::now(), &items)?
    };
    match mempool.submit(Client::Own, tx.raw()).await.await {
        Ok(Ok(_)) => Ok(Ok(())),
        Ok(Err(refused)) => Ok(Err(refused)),
        Err(_) => anyhow::bail!("the node stops"),
    }
}
