//! The blocks before a snapshot by which this node joined, as they come in; and when all are there, the history in the index.

use super::Chain;
use super::history::{check_carried, history, next_validators};
use super::mend::{Damaged, Mending};
use super::open::remove;
use crate::codec;
use crate::store::disk::DiskPath;
use crate::store::{BASE_FILE, Held, StoreError, StoredBlock};
use liuhen_proto::header::{certificate, validators::ValidatorSet};
use liuhen_proto::merkle::Tree as _;
use liuhen_proto::place::Place;
use liuhen_proto::types::{Hash, Height};

/// Trails of which the history is made at once: their peaks and open pages are in memory.
const TRAILS: usize = 200_000;

/// Fetching blocks that were never here, in order.
#[derive(Debug)]
pub struct Older {
    /// The next that is wanted.
    next: Height,
    /// Who signed it.
    signers: ValidatorSet,
}

impl Older {
    /// From the first that is not here on; `None` where all are.
    pub fn of(chain: &Chain) -> Result<Option<Self>, StoreError> {
        let Some(next) = chain.log.older().next() else { return Ok(None) };
        Ok(Some(Self { next, signers: chain.validators_before(next)? }))
    }

    /// The height of the next block that is wanted.
    pub fn next(&self) -> Height {
        self.next
    }

    /// Checks blocks that follow from there on, as somebody else's log has them. Gives those that hold; errors where the first does
    /// not.
    pub fn check(
        &mut self,
        chain: &Chain,
        blocks: &[Vec<u8>],
    ) -> Result<Vec<StoredBlock>, StoreError> {
        let mut good = Vec::new();
        for bytes in blocks {
            if !chain.log.is_hole(self.next) {
                break;
            }
            match self.check_one(chain, bytes) {
                Ok(block) => good.push(block),
                Err(error) if good.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(good)
    }

    fn check_one(&mut self, chain: &Chain, bytes: &[u8]) -> Result<StoredBlock, StoreError> {
        let height = self.next;
        let damaged = |why: String| StoreError::Damaged(format!("block {height}: {why}"));
        let mut stored: StoredBlock = codec::decode(bytes).map_err(|e| damaged(e.to_string()))?;
        let header = history(&stored)?.header;
        let id = header.block_id();
        let known = chain.headers.node(0, height.get());
        if header.height != height || known != Ok(Hash::new(*id.as_bytes())) {
            return Err(damaged("of another chain".into()));
        }
        check_carried(&stored, &header)?;
        let own = certificate::decode(&stored.certificate).map_err(|e| damaged(e.to_string()))?;
        certificate::verify(&own, &header.chain, height, &id, &self.signers)
            .map_err(|e| damaged(e.to_string()))?;
        if header.next_validators_hash == header.validators_hash {
            stored.next_validators.clear();
        } else {
            self.signers = next_validators(&stored, &header)?;
        }
        self.next = height.next();
        Ok(stored)
    }
}

/// Making the history, some blocks at a time.
#[derive(Debug)]
pub struct Making {
    held: Held,
    mending: Mending,
    last: Option<Place>,
}

impl Making {
    /// Goes through so many more blocks. Whether all of it is there.
    pub fn step(&mut self, chain: &Chain, blocks: u32) -> Result<bool, StoreError> {
        if !self.mending.step(chain, blocks)? {
            return Ok(false);
        }
        let Some(last) = self.last.take() else { return Ok(true) };
        let trails = chain.index.written_trails(Some(&last), TRAILS)?;
        self.last = more(&trails);
        let is_all = trails.is_empty();
        self.mending.go_on_with(trails);
        Ok(is_all)
    }
}

/// Whether there may be more trails behind these, and behind which.
fn more(trails: &[Place]) -> Option<Place> {
    trails.last().filter(|_| trails.len() >= TRAILS).cloned()
}

impl Chain {
    /// Takes in blocks that were never here.
    pub fn take_older(&mut self, first: Height, blocks: &[StoredBlock]) -> Result<(), StoreError> {
        self.log.fill_run(first, blocks)
    }

    /// The first height from which on no block waits to be fetched that was never here.
    pub fn first_readable(&self) -> Height {
        self.base.as_ref().map_or(Height::new(1), |base| base.height)
    }

    /// How many blocks are not here yet of those before the snapshot by which this node joined.
    pub fn older_missing(&self) -> u64 {
        self.log.older().count() as u64
    }

    /// Begins to make the history.
    pub fn begin_history(&mut self) -> Result<Making, StoreError> {
        let held = self.index.begin_history()?;
        let trails = self.index.written_trails(None, TRAILS)?;
        let last = more(&trails);
        let blocks = (1..=self.index.written().get()).map(Height::new).collect();
        let mending = Mending::of(Damaged { blocks, trails: trails.into_iter().collect() });
        Ok(Making { held, mending, last })
    }

    /// The history is there: this node is as those that were there from the beginning.
    pub fn end_history(&mut self, made: Making, data: &DiskPath) -> Result<(), StoreError> {
        self.index.sync()?;
        self.index.end_history(made.held, made.mending.events())?;
        self.base = None;
        self.log.begins_at(Height::new(1));
        remove(&data.join(BASE_FILE))
    }
}
