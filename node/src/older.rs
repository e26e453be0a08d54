//! The blocks before a snapshot by which this node joined are fetched from neighbours, in order; when all are here, the
//! history is made of them, and old events can be proved.

use crate::app::{Chain, Older};
use crate::gossip::{Answer, Question};
use crate::neighbours::Neighbours;
use crate::store::disk::DiskPath;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often it is seen whether something is to be fetched.
const EVERY: Duration = Duration::from_secs(1);
/// Where nobody has what is wanted, and where the history could not be made, it is tried again after so long.
const AGAIN_AFTER: Duration = Duration::from_secs(10);
/// No neighbour is waited for longer.
const WITHIN: Duration = Duration::from_secs(10);
/// Blocks that are asked for at once at most.
const BLOCKS: u32 = 256;
/// Blocks that are gone through at once where the history is made: others wait for the chain so long.
const STEP: u32 = 16;
/// How often it is said how far it is.
const SAY_EVERY: Duration = Duration::from_secs(30);

/// Fetches them.
pub(crate) struct OlderBlocks {
    pub(crate) chain: Arc<RwLock<Chain>>,
    pub(crate) neighbours: Neighbours,
    pub(crate) data: PathBuf,
}

impl OlderBlocks {
    /// Fetches what is missing until told to stop: whenever this node joined by a snapshot.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut wait = EVERY;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
            if self.chain().index().has_history() {
                wait = EVERY;
                continue;
            }
            let all = tokio::select! {
                () = stop.cancelled() => return,
                all = self.complete() => all,
            };
            wait = if all { EVERY } else { AGAIN_AFTER };
        }
    }

    /// Fetches all, and makes the history. Whether it is there.
    async fn complete(&self) -> bool {
        if !self.fetch().await {
            return false;
        }
        match self.make_history().await {
            Ok(()) => {
                tracing::info!(
                    "all blocks before the snapshot are here, and what they say can be asked for"
                );
                true
            }
            Err(error) => {
                tracing::error!(%error, "the history can't be made of the blocks; it is tried again");
                false
            }
        }
    }

    /// Whether all blocks are here.
    async fn fetch(&self) -> bool {
        let older = tokio::task::block_in_place(|| Older::of(&self.chain()));
        let mut older = match older {
            Ok(Some(older)) => older,
            Ok(None) => return true,
            Err(error) => {
                tracing::error!(%error, "who signed the blocks before the snapshot can't be told");
                return false;
            }
        };
        let mut said = Instant::now();
        loop {
            let first = older.next();
            if !self.chain().log().is_hole(first) {
                // What was found damaged in between is here already.
                return tokio::task::block_in_place(|| self.chain().older_missing()) == 0;
            }
            if !self.fetch_some(&mut older).await {
                tracing::warn!(height = %first, "no neighbour has this block before the snapshot: it is asked for again");
                return false;
            }
            if said.elapsed() > SAY_EVERY {
                said = Instant::now();
                tracing::info!(height = %older.next(), "blocks before the snapshot are being fetched");
            }
        }
    }

    /// Fetches the next blocks from whoever has them. Whether one had.
    async fn fetch_some(&self, older: &mut Older) -> bool {
        let first = older.next();
        for peer in self.neighbours.connected() {
            let question = Question::Blocks { first: first.get(), most: BLOCKS };
            let answer = self.neighbours.ask(peer, question, WITHIN).await;
            let Some(Answer::Blocks(blocks)) = answer.filter(|it| *it != Answer::Blocks(vec![]))
            else {
                continue;
            };
            let checked = tokio::task::block_in_place(|| older.check(&self.chain(), &blocks));
            let good = match checked {
                Ok(good) => good,
                Err(error) => {
                    tracing::warn!(height = %first, %peer, %error, "a neighbour's block is not the one that is missing");
                    continue;
                }
            };
            let taken = tokio::task::block_in_place(|| self.chain_mut().take_older(first, &good));
            if let Err(error) = taken {
                tracing::error!(height = %first, %error, "a block can't be written");
                return false;
            }
            return true;
        }
        false
    }

    async fn make_history(&self) -> Result<(), crate::store::StoreError> {
        let mut making = tokio::task::block_in_place(|| self.chain_mut().begin_history())?;
        while !tokio::task::block_in_place(|| making.step(&self.chain(), STEP))? {
            tokio::task::yield_now().await;
        }
        tokio::task::block_in_place(|| {
            self.chain_mut().end_history(making, &DiskPath::from(&self.data))
        })
    }

    fn chain(&self) -> RwLockReadGuard<'_, Chain> {
        self.chain.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn chain_mut(&self) -> RwLockWriteGuard<'_, Chain> {
        self.chain.write().unwrap_or_else(PoisonError::into_inner)
    }
}
