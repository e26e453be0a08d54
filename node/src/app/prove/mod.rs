//! Building proof files, anchored at the last committed block.

mod department;
mod event;
mod long;
mod state;
mod subject;

pub use event::FoundEvent;
pub use long::Long;

use self::long::Snapshot;
use super::Chain;
use super::trails::{Blocks, Source};
use crate::store::{StoreError, TrailTree};
use liuhen_proto::event::EventLeaf;
use liuhen_proto::header::certificate;
use liuhen_proto::merkle::trie::Trie;
use liuhen_proto::merkle::{Blake3Log, MemoryLog, Sha256Log, Tree, inclusion, range};
use liuhen_proto::place::{Place, TrailKind};
use liuhen_proto::tx::Tx;
use liuhen_proto::types::{Hash, Height, TxId, limits};
use liuhen_proto::verify::{Range, TRACE_MAGIC, is_small_enough};
use liuhen_proto::wire::{self, RangeKind, trace};
use prost::Message;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

/// What a proof shows of a trail: the first number, and how many events.
pub type Read = (Place, u64, u64);

/// Why no proof was made.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Too much for one file.
    #[error("{events} events; a proof file holds at most {limit}: ask for a range, or of a trail for --parts", limit = limits::TRACE_EVENTS)]
    TooMany {
        /// How many there are.
        events: u64,
    },
    /// The file would be too large.
    #[error(
        "the proof would have {bytes} bytes, and more than verifiers take: ask for a range, or of a trail for --parts"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It stood otherwise where the proof is anchored.
    #[error("{0} changed while the proof was made: ask for the rest anew, from where it ended")]
    Moved(String),
    /// No such transaction or item.
    #[error("no transaction {0} with such an item is on the ledger")]
    NoEvent(TxId),
    /// What is asked for is not so, or can't be shown.
    #[error("{0}")]
    NotSo(String),
}

/// Transactions of a proof, each once; and the objects that it needs.
#[derive(Default)]
struct Transactions {
    numbers: HashMap<TxId, (u32, MemoryLog<Blake3Log>)>,
    list: Vec<wire::ProvedTransaction>,
    objects: BTreeSet<Place>,
}

impl Transactions {
    fn any(&mut self, leaf: &EventLeaf, source: &Source) -> wire::ProvedEvent {
        match source {
            Source::Item(tx) => self.event(leaf, tx),
            Source::Ledger(bytes) => wire::ProvedEvent {
                leaf: leaf.to_bytes().to_vec(),
                ledger_event: bytes.clone(),
                ..wire::ProvedEvent::default()
            },
        }
    }

    fn event(&mut self, leaf: &EventLeaf, tx: &Tx) -> wire::ProvedEvent {
        let next = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        let (transaction, log) = self.numbers.entry(tx.id()).or_insert_with(|| {
            self.list.push(wire::ProvedTransaction {
                header: tx.header_bytes().to_vec(),
                signature: tx.signature().to_vec(),
            });
            self.objects.extend(tx.header().signer_places());
            (next, tx.items_log())
        });
        let path = inclusion::prove::<Blake3Log, _>(log, u64::from(leaf.item), log.size());
        let item = tx.items().get(leaf.item as usize);
        wire::ProvedEvent {
            leaf: leaf.to_bytes().to_vec(),
            transaction: *transaction,
            item: item.map(|item| item.bytes().to_vec()).unwrap_or_default(),
            item_path: to_bytes(&path.ok().flatten().unwrap_or_default()),
            ledger_event: Vec::new(),
        }
    }
}

pub(super) fn to_bytes(hashes: &[Hash]) -> Vec<Vec<u8>> {
    hashes.iter().map(|hash| hash.to_vec()).collect()
}

impl Chain {
    /// Proves that a trail has certain events in a range, and no others. Gives the proof, and the
    /// numbers of the events: the first, and how many.
    pub fn prove_trail(
        &self,
        kind: TrailKind,
        id: &[u8],
        range: Range,
        pinned: Option<u64>,
    ) -> Result<(Vec<u8>, u64, u64), ProveError> {
        let mut needs = Transactions::default();
        let (claim, first, events) = self.stretch(kind, id, range, &mut needs)?;
        let proof = self.trace(needs, trace::Claim::Completeness(claim), pinned)?;
        Ok((proof, first, events))
    }

    /// A stretch of a trail, the numbers of its events: the first, and how many.
    fn stretch(
        &self,
        kind: TrailKind,
        id: &[u8],
        range: Range,
        transactions: &mut Transactions,
    ) -> Result<(wire::CompletenessClaim, u64, u64), ProveError> {
        let size = self.index.head(&Place::trail(kind, id))?.size();
        self.stretch_at(&self.trie, (kind, id), size, range, transactions)
    }

    /// The numbers of a range's events on a trail: the first, and the end.
    fn numbers(&self, trail: &Place, size: u64, range: Range) -> Result<(u64, u64), StoreError> {
        let first = self.first_where(trail, size, |leaf| range.place(leaf) != Ordering::Less)?;
        let end = self.first_where(trail, size, |leaf| range.place(leaf) == Ordering::Greater)?;
        Ok((first, end))
    }

    /// The same of a trail that had so many events where the proof is anchored, by the map of there.
    fn stretch_at(
        &self,
        map: &Trie,
        (kind, id): (TrailKind, &[u8]),
        size: u64,
        range: Range,
        transactions: &mut Transactions,
    ) -> Result<(wire::CompletenessClaim, u64, u64), ProveError> {
        let trail = Place::trail(kind, id);
        let tree = TrailTree::at(&self.index, &trail, size);
        let (first, end) = self.numbers(&trail, size, range)?;
        let events = end.saturating_sub(first);
        if events > limits::TRACE_EVENTS as u64 {
            return Err(ProveError::TooMany { events });
        }
        let mut claim = wire::CompletenessClaim {
            trail_kind: u32::from(kind as u8),
            trail_id: id.to_vec(),
            size,
            path: Some(map.prove(&trail.map_key()).to_wire()),
            ..wire::CompletenessClaim::default()
        };
        (claim.range, claim.from, claim.until) = range_to_wire(range);
        if size > 0 {
            claim.root = tree.root()?.to_vec();
            let before = first.checked_sub(1);
            let outer_end = size.min(end.saturating_add(1));
            claim.first = before.unwrap_or(first);
            if let Some(before) = before {
                claim.leaf_before = self.leaf_of_trail(&trail, before)?.to_bytes().to_vec();
            }
            if outer_end > end {
                claim.leaf_after = self.leaf_of_trail(&trail, end)?.to_bytes().to_vec();
            }
            let hashes = range::prove::<Blake3Log, _>(&tree, claim.first, outer_end, size)?;
            claim.hashes = to_bytes(&hashes.unwrap_or_default());
            let mut blocks = Blocks::default();
            for number in first..end {
                let leaf = self.leaf_of_trail(&trail, number)?;
                let source = blocks.source(self, &leaf)?;
                claim.events.push(transactions.any(&leaf, &source));
            }
        }
        Ok((claim, first, events))
    }

    /// A stretch of a trail in a file of several, and what was read of it. All of them together have no
    /// more events than a file may have.
    fn one_of_several(
        &self,
        (kind, id): (TrailKind, &[u8]),
        range: Range,
        needs: &mut Transactions,
        reads: &mut Vec<Read>,
    ) -> Result<wire::CompletenessClaim, ProveError> {
        let (claim, first, events) = self.stretch(kind, id, range, needs)?;
        reads.push((Place::trail(kind, id), first, events));
        let events = reads.iter().map(|(.., events)| *events).fold(0, u64::saturating_add);
        if events > limits::TRACE_EVENTS as u64 {
            return Err(ProveError::TooMany { events });
        }
        Ok(claim)
    }

    /// The number on a trail of an item's event; `None` if it is not there.
    pub fn number_on_trail(
        &self,
        trail: &Place,
        id: &TxId,
        item: u32,
    ) -> Result<Option<u64>, StoreError> {
        let Some((height, _)) = self.index.transaction(id)? else { return Ok(None) };
        let size = self.index.head(trail)?.size();
        for number in self.first_at_height(trail, size, height)?..size {
            let leaf = self.leaf_of_trail(trail, number)?;
            if leaf.origin == *id && leaf.item == item {
                return Ok(Some(number));
            }
            if leaf.height > height {
                break;
            }
        }
        Ok(None)
    }

    /// The first number of a trail whose event is of this height or a later one.
    pub fn first_at_height(
        &self,
        trail: &Place,
        size: u64,
        height: Height,
    ) -> Result<u64, StoreError> {
        self.first_where(trail, size, |leaf| leaf.height >= height)
    }

    fn trace(
        &self,
        proved: Transactions,
        claim: trace::Claim,
        pinned: Option<u64>,
    ) -> Result<Vec<u8>, ProveError> {
        self.trace_at(&mut self.snapshot(pinned)?, proved, claim)
    }

    fn trace_at(
        &self,
        at: &mut Snapshot,
        proved: Transactions,
        claim: trace::Claim,
    ) -> Result<Vec<u8>, ProveError> {
        let objects = proved.objects.iter().map(|place| at.object(self, place));
        let objects = objects.collect::<Result<_, _>>()?;
        let trace = wire::Trace {
            magic: TRACE_MAGIC.to_owned(),
            chain_id: self.founding.chain().to_vec(),
            anchor: Some(at.anchor.clone()),
            transactions: proved.list,
            objects,
            claim: Some(claim),
            witnessed: None,
        };
        let bytes = trace.encode_to_vec();
        if !is_small_enough(&bytes) {
            return Err(ProveError::TooLarge { bytes: bytes.len() });
        }
        Ok(bytes)
    }

    /// The last committed header, reached from genesis or from a checkpoint of so many headers.
    pub(in crate::app) fn anchor(&self, pinned: Option<u64>) -> Result<wire::Anchor, ProveError> {
        let pin = pinned.map(|size| self.pin(size)).transpose()?;
        let from = pinned.map_or(Height::GENESIS, |size| Height::new(size.saturating_sub(1)));
        Ok(wire::Anchor {
            header: self.parent.header.to_bytes().to_vec(),
            certificate: self.last_certificate.clone(),
            changes: self.validator_changes(from, pin.is_some())?,
            pin,
        })
    }

    /// The last header of a checkpoint, and who signs behind it.
    fn pin(&self, size: u64) -> Result<wire::Pin, ProveError> {
        let height = Height::new(size.saturating_sub(1));
        if size == 0 || height >= self.parent.header.height {
            let newest = self.parent.header.height;
            let why =
                format!("no checkpoint of {size} headers lies below height {newest}, the newest");
            return Err(ProveError::NotSo(why));
        }
        let path = inclusion::prove::<Sha256Log, _>(&self.headers, height.get(), size);
        let change = self.changes.iter().rev().find(|change| **change <= height);
        let next = match change {
            Some(change) => self.validators_after(*change)?,
            None => self.founding.validators().clone(),
        };
        Ok(wire::Pin {
            size,
            header: self.header_at(height)?,
            path: to_bytes(&path.ok().flatten().unwrap_or_default()),
            next: Some(next.to_wire()),
        })
    }

    /// Every change of validators below the anchor, from a height on; above it, where that one's are
    /// given already.
    fn validator_changes(
        &self,
        from: Height,
        above: bool,
    ) -> Result<Vec<wire::ValidatorChange>, StoreError> {
        let anchor = self.parent.header.height;
        let told = |height: &&Height| !above || **height > from;
        let below = self.changes.iter().filter(|height| **height < anchor).filter(told);
        let change = |height: &Height| {
            let damaged = || StoreError::Damaged(format!("block {height}"));
            if let Some(change) = self.base.as_ref().and_then(|base| base.change(*height)) {
                return Ok(change.clone());
            }
            let stored = self.log.read(*height)?.ok_or_else(damaged)?;
            let certificate = certificate::decode(&stored.certificate).map_err(|_| damaged())?;
            Ok(wire::ValidatorChange {
                header: stored.block.header,
                certificate: Some(certificate),
                next: Some(self.validators_after(*height)?.to_wire()),
            })
        };
        below.map(change).collect()
    }

    /// The first number of a trail whose leaf is so, where from some number on all are.
    fn first_where(
        &self,
        trail: &Place,
        size: u64,
        so: impl Fn(&EventLeaf) -> bool,
    ) -> Result<u64, StoreError> {
        self.first_between(trail, (0, size), so)
    }

    /// The same of the numbers from one on and below another; that other where none is so.
    fn first_between(
        &self,
        trail: &Place,
        (mut low, mut high): (u64, u64),
        so: impl Fn(&EventLeaf) -> bool,
    ) -> Result<u64, StoreError> {
        while low < high {
            let middle = low.midpoint(high);
            if so(&self.leaf_of_trail(trail, middle)?) {
                high = middle;
            } else {
                low = middle.saturating_add(1);
            }
        }
        Ok(low)
    }
}

fn range_to_wire(range: Range) -> (i32, u64, u64) {
    match range {
        Range::Whole => (RangeKind::Whole as i32, 0, 0),
        Range::Heights(from, until) => (RangeKind::Heights as i32, from.get(), until.get()),
        Range::Times(from, until) => (RangeKind::Times as i32, from.get(), until.get()),
    }
}
