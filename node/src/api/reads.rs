//! What auditors and regulators were shown is recorded on the ledger, in batches, signed with the
//! node's key. It is on this node's disk before they are shown it. What is read for an audit is
//! recorded as commitments, and opened when the audit closes.

use super::auth::Caller;
use crate::app::Chain;
use crate::codec;
use crate::limits::Client;
use crate::mempool::Mempool;
use anyhow::Context as _;
use bincode::{Decode, Encode};
use liuhen_proto::items::Item;
use liuhen_proto::items::reading::reads::commitment;
use liuhen_proto::place::Place;
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::tx::Signer;
use liuhen_proto::types::{IdentityId, limits};
use liuhen_proto::wire::{self, item::Kind};
use prost::Message;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Reads that wait at most; then no more are shown.
const MOST: usize = 20_000;
/// How long reads are gathered.
const GATHER: Duration = Duration::from_secs(1);

/// Department and code of an audit.
type Audit = (String, String);

/// A read that is to be recorded, or was recorded sealed and is to be opened.
#[derive(Debug, Clone, Encode, Decode)]
struct Entry {
    /// A canonical `TrailRead`; with its salt where it is sealed.
    read: Vec<u8>,
    /// Department and code of the audit that it is sealed for.
    audit: Option<Audit>,
    recorded: bool,
}

impl Entry {
    fn read(&self) -> wire::TrailRead {
        wire::TrailRead::decode(self.read.as_slice()).unwrap_or_default()
    }
}

/// Reads that wait, on disk.
#[derive(Debug, Clone)]
pub struct Reads {
    file: Arc<PathBuf>,
    entries: Arc<Mutex<Vec<Entry>>>,
}

impl Reads {
    /// Takes up what waits in a file; an empty spool if there is none.
    pub fn open(file: &Path) -> anyhow::Result<Self> {
        let entries = match std::fs::read(file) {
            Ok(bytes) => codec::decode(&bytes).with_context(|| {
                format!("{}: set it aside to start without what waits there", file.display())
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let entries = Arc::new(Mutex::new(entries));
        Ok(Self { file: Arc::new(file.to_owned()), entries })
    }

    /// Notes reads before they are answered: trail, first number, how many.
    pub(super) fn note(&self, caller: &Caller, reads: &[(Place, u64, u64)]) -> anyhow::Result<()> {
        let mut new = Vec::with_capacity(reads.len());
        for (trail, first, count) in reads {
            let mut read = wire::TrailRead {
                department: caller.department.code.clone(),
                identity_id: caller.identity.identity_id.clone(),
                trail_kind: u32::from(trail.kind()),
                trail_id: trail.id().to_vec(),
                first: *first,
                count: *count,
                time_ms: crate::clock::now().get(),
                salt: Vec::new(),
            };
            let audit = caller.audit.clone().map(|code| (caller.department.code.clone(), code));
            if audit.is_some() {
                let mut salt = [0; 32];
                getrandom::fill(&mut salt).map_err(|e| anyhow::anyhow!("random bytes: {e}"))?;
                read.salt = salt.to_vec();
            }
            new.push(Entry { read: read.encode_to_vec(), audit, recorded: false });
        }
        let mut entries = self.lock();
        anyhow::ensure!(
            entries.len().saturating_add(new.len()) <= MOST,
            "{MOST} reads wait already"
        );
        entries.append(&mut new);
        self.save(&entries)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn save(&self, entries: &Vec<Entry>) -> anyhow::Result<()> {
        let new = self.file.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(&codec::encode(entries)?)?;
        file.sync_all()?;
        std::fs::rename(&new, self.file.as_path())?;
        if let Some(folder) = self.file.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    /// Records and opens what waits, until told to stop. What can't be sent now is tried again.
    pub async fn run(
        self,
        chain: Arc<RwLock<Chain>>,
        mempool: Mempool,
        key: PrivateKey,
        stop: CancellationToken,
    ) {
        let mut gather = tokio::time::interval(GATHER);
        gather.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = gather.tick() => {}
            }
            if let Err(error) = self.send(&chain, &mempool, &key).await {
                tracing::warn!(%error, "reads by auditors wait to be recorded");
            }
        }
    }

    async fn send(
        &self,
        chain: &RwLock<Chain>,
        mempool: &Mempool,
        key: &PrivateKey,
    ) -> anyhow::Result<()> {
        let waiting: Vec<Entry> =
            self.lock().iter().filter(|it| !it.recorded).take(limits::READS).cloned().collect();
        if !waiting.is_empty() {
            submit(chain, mempool, key, |department| record(department, &waiting)).await?;
            let mut entries = self.lock();
            for entry in entries.iter_mut() {
                entry.recorded |= waiting.iter().any(|it| it.read == entry.read);
            }
            entries.retain(|entry| !entry.recorded || entry.audit.is_some());
            self.save(&entries)?;
        }
        let closed = self.of_a_closed_audit(chain)?;
        if let Some((audit, opened)) = closed {
            submit(chain, mempool, key, |department| open(department, &audit, &opened)).await?;
            let mut entries = self.lock();
            entries.retain(|entry| !opened.iter().any(|it| it.read == entry.read));
            self.save(&entries)?;
        }
        Ok(())
    }

    /// Sealed reads of an audit that has closed, as many as one item opens.
    fn of_a_closed_audit(
        &self,
        chain: &RwLock<Chain>,
    ) -> anyhow::Result<Option<(Audit, Vec<Entry>)>> {
        let sealed: Vec<Entry> = self.lock().iter().filter(|it| it.recorded).cloned().collect();
        let chain = chain.read().unwrap_or_else(PoisonError::into_inner);
        for entry in &sealed {
            let Some((department, code)) = &entry.audit else { continue };
            let audit: Option<Arc<wire::Audit>> =
                chain.index().typed(&Place::audit(department, code))?;
            if audit.is_some_and(|it| it.closed) {
                let same = sealed.iter().filter(|it| it.audit == entry.audit);
                let opened = same.take(limits::READS).cloned().collect();
                return Ok(Some(((department.clone(), code.clone()), opened)));
            }
        }
        Ok(None)
    }
}

/// One item for each trail that one reader read: whoever is party to that trail sees no other.
fn record(department: &str, waiting: &[Entry]) -> Vec<Kind> {
    let open = waiting.iter().filter(|it| it.audit.is_none());
    let mut items = Vec::new();
    for reads in by_trail(open) {
        let (department, sealed) = (department.to_owned(), Vec::new());
        items.push(Kind::RecordReads(wire::RecordReads { department, reads, sealed }));
    }
    let sealed: Vec<wire::SealedRead> = waiting
        .iter()
        .filter_map(|entry| {
            let (department, audit) = entry.audit.clone()?;
            let commitment = commitment(&entry.read()).to_vec();
            Some(wire::SealedRead { department, audit, commitment })
        })
        .collect();
    if !sealed.is_empty() {
        let (department, reads) = (department.to_owned(), Vec::new());
        items.push(Kind::RecordReads(wire::RecordReads { department, reads, sealed }));
    }
    items
}

fn open(department: &str, audit: &Audit, opened: &[Entry]) -> Vec<Kind> {
    let item = |reads| {
        Kind::OpenReads(wire::OpenReads {
            department: department.to_owned(),
            audit_department: audit.0.clone(),
            audit: audit.1.clone(),
            reads,
        })
    };
    by_trail(opened.iter()).into_iter().map(item).collect()
}

/// Reads of one reader of one trail together.
fn by_trail<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<Vec<wire::TrailRead>> {
    let mut groups: BTreeMap<(Vec<u8>, u32, Vec<u8>), Vec<wire::TrailRead>> = BTreeMap::new();
    for read in entries.map(Entry::read) {
        let of = (read.identity_id.clone(), read.trail_kind, read.trail_id.clone());
        groups.entry(of).or_default().push(read);
    }
    groups.into_values().collect()
}

/// Signs items with the node's key and waits until they are committed.
pub(crate) async fn submit(
    chain: &RwLock<Chain>,
    mempool: &Mempool,
    key: &PrivateKey,
    kinds: impl FnOnce(&str) -> Vec<Kind>,
) -> anyhow::Result<()> {
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
            items.push(Item::new(nonce, kind)?);
        }
        signer.sign(chain.next_seq(&id)?, recent, crate::clock::now(), &items)?
    };
    match mempool.submit(Client::Nodes, tx.raw()).await.await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(refused)) => anyhow::bail!("{}", refused.message),
        Err(_) => anyhow::bail!("the node stops"),
    }
}
