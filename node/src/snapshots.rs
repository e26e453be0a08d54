//! Snapshots between neighbours: this node makes one when it is asked for, and joins by one of a neighbour's where it is far
//! behind.

use crate::app::{Arrived, Arriving, Chain, Made, Manifest, NotASnapshot};
use crate::gossip::{Answer, Question};
use crate::neighbours::Neighbours;
use crate::store::disk::DiskPath;
use anyhow::Context as _;
use libp2p::PeerId;
use liuhen_proto::types::Height;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Blocks that a snapshot may be behind: whoever joins by it fetches those as any node does.
const FRESH_BLOCKS: u64 = 2_000;
/// One that nobody asked for in this time is removed.
const UNASKED: Duration = Duration::from_secs(600);
/// One that is being fetched is not replaced.
const IN_USE: Duration = Duration::from_secs(30);
/// No neighbour is waited for longer.
const WITHIN: Duration = Duration::from_secs(10);
/// While a neighbour makes one it is asked again so often, and so long at most.
const ASK_EVERY: Duration = Duration::from_millis(300);
const MAKING: Duration = Duration::from_secs(300);
/// How often a piece is asked for before the neighbour is given up.
const TRIES: u32 = 3;
/// The folders in a data folder.
const MADE: &str = "snapshot";
const JOINING: &str = "joining";

/// The snapshot that this node gives.
#[derive(Clone)]
pub(crate) struct Snapshots {
    chain: Arc<RwLock<Chain>>,
    folder: PathBuf,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
enum State {
    #[default]
    None,
    Making,
    Made(Arc<Made>, Instant),
}

impl Snapshots {
    /// Of a chain; what was left in its data folder is removed.
    pub(crate) fn new(chain: Arc<RwLock<Chain>>, data: &Path) -> Self {
        let folder = data.join(MADE);
        let _ = std::fs::remove_dir_all(&folder);
        let _ = std::fs::remove_dir_all(data.join(JOINING));
        Self { chain, folder, state: Arc::default() }
    }

    /// What it is of; `None` while it is made, or where there is none.
    pub(crate) fn offer(&self) -> Answer {
        let height = self.chain.read().unwrap_or_else(PoisonError::into_inner).header().height;
        let mut state = self.lock();
        if let State::Made(made, asked) = &mut *state {
            let is_fresh = height.get().saturating_sub(made.height().get()) < FRESH_BLOCKS;
            if is_fresh || asked.elapsed() < IN_USE {
                *asked = Instant::now();
                let manifest = Some(made.manifest().to_vec());
                return Answer::Snapshot { manifest, making: false };
            }
        }
        if !matches!(*state, State::Making) && height > Height::GENESIS {
            *state = State::Making;
            let this = self.clone();
            tokio::task::spawn_blocking(move || this.make());
        }
        let making = matches!(*state, State::Making);
        Answer::Snapshot { manifest: None, making }
    }

    fn make(&self) {
        let began = Instant::now();
        let begun = {
            let mut chain = self.chain.write().unwrap_or_else(PoisonError::into_inner);
            chain.begin_snapshot()
        };
        let made = begun.and_then(|it| it.map(|it| it.write(&self.folder)).transpose());
        *self.lock() = match made {
            Ok(Some(made)) => {
                let (height, size, took) = (made.height(), made.size(), began.elapsed());
                tracing::info!(%height, bytes = size, ?took, "a snapshot was made for a neighbour");
                State::Made(Arc::new(made), Instant::now())
            }
            Ok(None) => State::None,
            Err(error) => {
                tracing::error!(%error, "a snapshot can't be made");
                State::None
            }
        };
    }

    /// A piece of the one of a height; `None` where there is none.
    pub(crate) fn piece(&self, height: Height, number: u32) -> Option<Vec<u8>> {
        let made = {
            let mut state = self.lock();
            let State::Made(made, asked) = &mut *state else { return None };
            *asked = Instant::now();
            Arc::clone(made)
        };
        if made.height() != height {
            return None;
        }
        made.piece(number).unwrap_or_else(|error| {
            tracing::error!(%error, "a snapshot can't be read");
            None
        })
    }

    /// Removes it where nobody has asked for it lately.
    pub(crate) fn tidy(&self) {
        let mut state = self.lock();
        if matches!(&*state, State::Made(_, asked) if asked.elapsed() > UNASKED) {
            *state = State::None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Joining by a neighbour's snapshot.
pub(crate) struct Joiner<'a> {
    pub(crate) chain: &'a RwLock<Chain>,
    pub(crate) neighbours: &'a Neighbours,
    pub(crate) data: &'a Path,
    /// Free bytes on disk below which nothing more is taken.
    pub(crate) free_bytes: u64,
}

impl Joiner<'_> {
    /// Asks those that are so many blocks ahead, one after the other. Whether this node is where a snapshot is now. Errors where one
    /// could not be taken in: what was here is gone then, and the next start begins with nothing.
    pub(crate) async fn join(&self, ahead: u64) -> anyhow::Result<bool> {
        let began = Instant::now();
        let own = self.chain.read().unwrap_or_else(PoisonError::into_inner).header().height;
        let known = self.neighbours.known().all();
        let mut peers: Vec<(u64, PeerId)> =
            known.values().map(|it| (it.standing.height, it.peer)).collect();
        peers.retain(|(height, _)| height.saturating_sub(own.get()) >= ahead);
        peers.sort_by(|a, b| b.cmp(a));
        for (_, peer) in peers {
            match self.fetch(peer).await {
                Ok(arrived) => {
                    let height = arrived.height();
                    tokio::task::block_in_place(|| self.take_over(arrived))
                        .context("a snapshot could not be taken in; start the node again")?;
                    let _ = std::fs::remove_dir_all(self.data.join(JOINING));
                    tracing::info!(%height, %peer, took = ?began.elapsed(), "this node joined by a snapshot; the blocks before it are fetched now");
                    return Ok(true);
                }
                Err(error) => {
                    tracing::warn!(%peer, %error, "this node can't join by this neighbour's snapshot");
                }
            }
        }
        let _ = std::fs::remove_dir_all(self.data.join(JOINING));
        tracing::warn!("this node joined by no snapshot: it fetches block by block");
        Ok(false)
    }

    /// A neighbour's snapshot, whole and checked.
    async fn fetch(&self, peer: PeerId) -> anyhow::Result<Arrived> {
        let mut arriving = self.begin(peer).await?;
        let height = arriving.height();
        tracing::info!(%height, %peer, "a snapshot is being fetched");
        while let Some(number) = arriving.wanted() {
            let piece = self.piece(peer, height, number).await?;
            arriving = tokio::task::block_in_place(|| {
                arriving.take(&piece)?;
                Ok::<_, NotASnapshot>(arriving)
            })?;
            let free = fs4::available_space(self.data)?;
            anyhow::ensure!(free >= self.free_bytes, "the disk has no room for it");
        }
        Ok(tokio::task::block_in_place(|| arriving.finish())?)
    }

    fn take_over(&self, arrived: Arrived) -> anyhow::Result<()> {
        let mut chain = self.chain.write().unwrap_or_else(PoisonError::into_inner);
        Ok(chain.begin_from(&DiskPath::from(self.data), arrived)?)
    }

    /// What the neighbour's snapshot is of, once it is made.
    async fn begin(&self, peer: PeerId) -> anyhow::Result<Arriving> {
        let began = Instant::now();
        let manifest = loop {
            match self.neighbours.ask(peer, Question::Snapshot, WITHIN).await {
                Some(Answer::Snapshot { manifest: Some(manifest), .. }) => break manifest,
                Some(Answer::Snapshot { making: true, .. }) if began.elapsed() < MAKING => {
                    tokio::time::sleep(ASK_EVERY).await;
                }
                Some(_) => anyhow::bail!("it has none"),
                None => anyhow::bail!("it does not answer"),
            }
        };
        let founding = {
            let chain = self.chain.read().unwrap_or_else(PoisonError::into_inner);
            chain.founding().clone()
        };
        let folder = self.data.join(JOINING);
        std::fs::create_dir_all(&folder)?;
        let path = folder.join("pieces");
        let manifest = Manifest::from_bytes(&manifest)?;
        Ok(tokio::task::block_in_place(|| Arriving::begin(&founding, manifest, &path))?)
    }

    async fn piece(&self, peer: PeerId, height: Height, number: u32) -> anyhow::Result<Vec<u8>> {
        for _ in 0..TRIES {
            let question = Question::Piece { height: height.get(), number };
            match self.neighbours.ask(peer, question, WITHIN).await {
                Some(Answer::Piece(Some(piece))) => return Ok(piece),
                Some(_) => anyhow::bail!("it has no piece {number} of its snapshot"),
                None => {}
            }
        }
        anyhow::bail!("it does not answer")
    }
}
