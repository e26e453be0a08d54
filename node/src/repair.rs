//! Reading everything once in a while, and mending what can't be read: damage is found before somebody asks for what it
//! hit, and blocks are fetched from neighbours and written where they stood.

use crate::app::{Chain, Damaged, Mending};
use crate::gossip::{Answer, Question};
use crate::neighbours::Neighbours;
use liuhen_proto::place::Place;
use liuhen_proto::types::Height;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often it is seen whether something is to be mended, and blocks are read.
const EVERY: Duration = Duration::from_secs(1);
/// A block that nobody has is asked for again after so many looks.
const AGAIN_AFTER: u32 = 10;
/// An index that could not be mended is tried again after so many: the whole log is read for it.
const INDEX_AGAIN_AFTER: u32 = 600;
/// No neighbour is waited for longer.
const WITHIN: Duration = Duration::from_secs(10);

/// What was found and done, for status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mended {
    /// Blocks that could not be read and were fetched again since the start.
    pub blocks: u64,
    /// Blocks that can't be read now.
    pub holes: u64,
    /// Parts of the index that were not as the log has them, and are now.
    pub parts: u64,
}

/// The same, shared.
pub type Repairs = Arc<Mutex<Mended>>;

/// Pages of trails that are looked at in a second at least.
const LOOK_AT: usize = 64;
/// Blocks that are gone through at once where the index is mended: others wait for the chain so long.
const STEP: u32 = 16;

/// How far everything was read once more.
struct Turn {
    next: Height,
    /// The number of its first event, where the block before was read.
    first: Option<u64>,
    trail: Option<Place>,
    damaged: Damaged,
}

impl Default for Turn {
    fn default() -> Self {
        Self { next: Height::new(1), first: Some(0), trail: None, damaged: Damaged::default() }
    }
}

/// Reads and mends.
pub(crate) struct Repair {
    pub(crate) chain: Arc<RwLock<Chain>>,
    pub(crate) neighbours: Neighbours,
    /// In this time everything is read once.
    pub(crate) scrub: Duration,
    pub(crate) repairs: Repairs,
}

impl Repair {
    /// Reads and mends until told to stop.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut every = tokio::time::interval(EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut turn, mut wait) = (Turn::default(), 0u32);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = every.tick() => {}
            }
            let found = tokio::task::block_in_place(|| self.check(&mut turn));
            // The highest first: the block behind one is needed to fill it.
            let holes: Vec<Height> = self.chain().log().holes().rev().collect();
            self.note(|it| it.holes = holes.len() as u64);
            wait = if found { 0 } else { wait.saturating_sub(1) };
            if wait > 0 {
                continue;
            }
            if holes.is_empty() {
                wait = if self.mend_index(&mut turn.damaged).await { 0 } else { INDEX_AGAIN_AFTER };
                continue;
            }
            let mut all = true;
            for hole in holes {
                all &= self.mend(hole).await;
            }
            wait = if all { 0 } else { AGAIN_AFTER };
        }
    }

    /// Reads as much as is due in a second. Whether something can't be read.
    fn check(&self, turn: &mut Turn) -> bool {
        let (height, events) = {
            let chain = self.chain();
            (chain.header().height, chain.index().event_count())
        };
        let seconds = self.scrub.as_secs().max(1);
        let mut found = false;
        for _ in 0..height.get().div_ceil(seconds).max(1) {
            found |= self.check_block(turn, height);
        }
        // Of the history that is not there yet nothing is damaged.
        if !self.chain().index().has_history() {
            return found;
        }
        let pages = usize::try_from(events.div_ceil(seconds)).unwrap_or(usize::MAX).max(LOOK_AT);
        let looked = self.chain().index().check_trails(turn.trail.as_ref(), pages);
        match looked {
            Ok((damaged, last)) => {
                found |= !damaged.is_empty();
                turn.damaged.trails.extend(damaged);
                turn.trail = last;
            }
            Err(error) => {
                tracing::error!(%error, "heads of trails can't be read: the index is made anew when the node is started");
                turn.trail = None;
            }
        }
        found
    }

    fn check_block(&self, turn: &mut Turn, height: Height) -> bool {
        if height == Height::GENESIS {
            return false;
        }
        if turn.next > height {
            (turn.next, turn.first) = (Height::new(1), Some(0));
        }
        let at = turn.next;
        turn.next = at.next();
        let first = turn.first.take();
        let checked = {
            let chain = self.chain();
            if chain.log().is_hole(at) {
                return false;
            }
            if !chain.index().has_history() {
                let is_whole = chain.log().read(at).is_ok();
                drop(chain);
                return !is_whole && self.chain_mut().check_block(at);
            }
            // Behind what could not be read the index says where the block begins.
            let begins = || chain.index().first_event(at).ok().flatten();
            first.or_else(begins).map(|first| chain.check_history(at, first))
        };
        match checked {
            Some(Ok((first, agree))) => {
                turn.first = Some(first);
                if !agree {
                    turn.damaged.blocks.insert(at);
                }
                !agree
            }
            Some(Err(error)) => {
                let is_hole = self.chain_mut().check_block(at);
                if !is_hole {
                    tracing::error!(height = %at, %error, "a block of the log is not what its header says");
                }
                is_hole
            }
            None => {
                turn.damaged.blocks.insert(at);
                true
            }
        }
    }

    /// Makes what is damaged of the index anew from the log. Whether nothing is left.
    async fn mend_index(&self, damaged: &mut Damaged) -> bool {
        if damaged.is_empty() {
            return true;
        }
        let (blocks, trails) = (damaged.blocks.len(), damaged.trails.len());
        tracing::error!(
            blocks,
            trails,
            "the index is not what the block log says: these parts are made anew from it"
        );
        let mut mending = Mending::of(damaged.clone());
        loop {
            let step = tokio::task::block_in_place(|| mending.step(&self.chain(), STEP));
            match step {
                Ok(false) => tokio::task::yield_now().await,
                Ok(true) => break,
                Err(error) => {
                    tracing::error!(%error, "the index can't be mended now; it is tried again");
                    return false;
                }
            }
        }
        tracing::info!(blocks, trails, "the index is as the block log has it");
        let parts = blocks.saturating_add(trails) as u64;
        self.note(|it| it.parts = it.parts.saturating_add(parts));
        *damaged = Damaged::default();
        true
    }

    /// Asks the neighbours for a block until one has it. Whether it is mended.
    async fn mend(&self, height: Height) -> bool {
        for peer in self.neighbours.connected() {
            let question = Question::Block { height: height.get() };
            let Some(Answer::Block(Some(bytes))) =
                self.neighbours.ask(peer, question, WITHIN).await
            else {
                continue;
            };
            let readable = tokio::task::block_in_place(|| self.chain().readable(height, &bytes));
            let block = match readable {
                Ok(block) => block,
                Err(error) => {
                    tracing::warn!(%height, %peer, %error, "a neighbour's block is not the one that is missing");
                    continue;
                }
            };
            let filled = tokio::task::block_in_place(|| self.chain_mut().fill(height, &block));
            match filled {
                Ok(()) => {
                    tracing::info!(%height, %peer, "a block that could not be read was fetched again, and is where it was");
                    self.note(|it| it.blocks = it.blocks.saturating_add(1));
                    return true;
                }
                Err(error) => {
                    tracing::error!(%height, %error, "a block that was fetched again can't be written");
                    return false;
                }
            }
        }
        tracing::warn!(%height, "a block that can't be read is not to be had from a neighbour now: it is asked for again");
        false
    }

    fn note(&self, what: impl FnOnce(&mut Mended)) {
        what(&mut self.repairs.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn chain(&self) -> RwLockReadGuard<'_, Chain> {
        self.chain.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn chain_mut(&self) -> RwLockWriteGuard<'_, Chain> {
        self.chain.write().unwrap_or_else(PoisonError::into_inner)
    }
}
