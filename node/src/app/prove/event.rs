//! Proofs of one event: that it is in its block, and that an access was covered.

use super::{Chain, ProveError, Transactions, to_bytes};
use crate::store::StoreError;
use liuhen_proto::event::EventLeaf;
use liuhen_proto::header::block::Header;
use liuhen_proto::items::access::replay::{self, Recorded};
use liuhen_proto::items::{self, Item};
use liuhen_proto::ledger::{Halt, Missing, Object};
use liuhen_proto::merkle::{Blake3Log, MemoryLog, Sha256Log, Tree, inclusion};
use liuhen_proto::place::{ObjectKind, Place};
use liuhen_proto::tx::Tx;
use liuhen_proto::types::{BlockId, Height, TimeMs, TxId};
use liuhen_proto::verify::allows;
use liuhen_proto::wire::{self, item::Kind, trace};
use std::sync::Arc;

/// An event of an item, found in its block.
#[derive(Debug)]
pub struct FoundEvent {
    leaf: EventLeaf,
    tx: Tx,
    /// The block's header.
    header: Vec<u8>,
    /// From the leaf to the events root.
    path: Vec<Vec<u8>>,
}

impl FoundEvent {
    /// What it says.
    pub fn item(&self) -> Option<&Kind> {
        self.tx.items().get(self.leaf.item as usize).map(Item::kind)
    }

    /// The trails that it is on.
    pub fn trails(&self) -> Vec<Place> {
        let item = self.tx.items().get(self.leaf.item as usize);
        let trails = item.map(|item| items::trails(self.tx.header(), self.leaf.item, item));
        trails.unwrap_or_default()
    }
}

impl Chain {
    /// The event of an item of a transaction, and where it is in its block.
    pub fn find_event(&self, id: &TxId, item: u32) -> Result<FoundEvent, ProveError> {
        let nothing = || ProveError::NoEvent(*id);
        let (height, place) = self.index.transaction(id)?.ok_or_else(nothing)?;
        let damaged = || StoreError::Damaged(format!("block {height}"));
        let stored = self.log.read(height)?.ok_or_else(damaged)?;
        let first = self.index.first_event(height)?.ok_or_else(damaged)?;
        let header = stored.block.header().map_err(|_| damaged())?;
        let mut log = MemoryLog::<Blake3Log>::default();
        let mut wanted = None;
        for number in first..first.saturating_add(u64::from(header.event_count)) {
            let leaf = self.index.leaf(number)?;
            if leaf.origin == *id && leaf.item == item {
                wanted = Some(leaf);
            }
            log.push(leaf.hash());
        }
        let leaf = wanted.ok_or_else(nothing)?;
        let bytes = stored.block.transactions.get(place as usize).ok_or_else(damaged)?;
        let tx = Tx::parse(bytes).map_err(|_| damaged())?;
        let path = inclusion::prove::<Blake3Log, _>(&log, u64::from(leaf.index), log.size());
        let path = to_bytes(&path.ok().flatten().unwrap_or_default());
        Ok(FoundEvent { leaf, tx, header: stored.block.header, path })
    }

    /// Proves that an event is in a block of the chain; or, of a record, that the access was covered.
    pub fn prove_event(
        &self,
        found: &FoundEvent,
        authorised: bool,
        pinned: Option<u64>,
    ) -> Result<Vec<u8>, ProveError> {
        let (leaf, tx) = (&found.leaf, &found.tx);
        let at_anchor = leaf.height == self.parent.header.height;
        let header_path = if at_anchor { Vec::new() } else { self.header_path(leaf.height) };
        let mut transactions = Transactions::default();
        let claim = wire::InclusionClaim {
            event: Some(transactions.event(leaf, tx)),
            header: found.header.clone(),
            event_path: found.path.clone(),
            header_path,
        };
        let claim = match authorised {
            true => self.authorised(found, claim, &mut transactions)?,
            false => trace::Claim::Inclusion(claim),
        };
        self.trace(transactions, claim, pinned)
    }

    /// The path of a header below the anchor in the anchor's log.
    fn header_path(&self, height: Height) -> Vec<Vec<u8>> {
        let anchor = self.parent.header.height.get();
        let path = inclusion::prove::<Sha256Log, _>(&self.headers, height.get(), anchor);
        to_bytes(&path.ok().flatten().unwrap_or_default())
    }

    /// What the rules read when they judge a record again, at the anchor.
    fn authorised(
        &self,
        FoundEvent { leaf, tx, .. }: &FoundEvent,
        record: wire::InclusionClaim,
        transactions: &mut Transactions,
    ) -> Result<trace::Claim, ProveError> {
        let item = tx.items().get(leaf.item as usize);
        let Some(Kind::RecordAccess(it)) = item.map(Item::kind) else {
            return Err(ProveError::NotSo("the event is no record of an access".into()));
        };
        let outcome = leaf.outcome;
        if !allows(outcome.verdict) {
            let (verdict, reason) = (outcome.verdict, outcome.reason);
            return Err(ProveError::NotSo(format!("the access was judged {verdict} ({reason})")));
        }
        let recorded = Recorded { leaf, signer: tx.header(), record: it };
        let (again, reads) = replay::judge(self, recorded).map_err(|why| match why {
            Halt::Missing(Missing(place)) => ProveError::NotSo(format!(
                "what stood at {place} before height {} can't be told from what stands now",
                leaf.height
            )),
            Halt::Refused(why) => ProveError::NotSo(why.to_string()),
        })?;
        if again != outcome {
            let (verdict, reason) = (again.verdict, again.reason);
            let why = format!("replayed from what stands now, the rules say {verdict} ({reason})");
            return Err(ProveError::NotSo(why));
        }
        transactions.objects.extend(reads.places);
        let below = self.parent.header.height.get();
        let headers = reads.heights.into_iter().map(|height| self.prove_header(height, below));
        let headers = headers.collect::<Result<_, ProveError>>()?;
        Ok(trace::Claim::Authorised(wire::AuthorisedClaim { record: Some(record), headers }))
    }

    fn parsed_header(&self, height: Height) -> Option<Header> {
        Header::from_bytes(&self.header_at(height).ok()?).ok()
    }
}

impl replay::Source for Chain {
    fn object(&self, place: &Place) -> Result<Option<Object>, Missing> {
        self.index.get(place).map_err(|_| Missing(place.clone()))
    }

    fn former(&self, of: &Place, at: Height) -> Result<Option<(Height, wire::Former)>, Missing> {
        let missing = |_| Missing(of.clone());
        let id = of.to_bytes();
        let first = [id.as_slice(), &at.get().saturating_add(1).to_be_bytes()].concat();
        let Some(later) = self.index.list_from(ObjectKind::Former, &first).next() else {
            return Ok(None);
        };
        let (place, object) = later.map_err(missing)?;
        let Some((of_same, until)) = place.id().split_last_chunk::<8>() else { return Ok(None) };
        let until = Height::new(u64::from_be_bytes(*until));
        let former = Arc::<wire::Former>::try_from(object).ok();
        Ok(former.filter(|_| of_same == id).map(|former| (until, (*former).clone())))
    }

    fn block(&self, height: Height) -> Result<Option<(BlockId, TimeMs)>, Missing> {
        Ok(self.parsed_header(height).map(|it| (it.block_id(), it.time)))
    }

    fn first_block_from(&self, time: TimeMs) -> Result<Option<Height>, Missing> {
        let (mut low, mut high) = (0, self.parent.header.height.get());
        while low < high {
            let middle = low.midpoint(high);
            match self.parsed_header(Height::new(middle)) {
                Some(header) if header.time >= time => high = middle,
                Some(_) => low = middle.saturating_add(1),
                None => return Ok(None),
            }
        }
        Ok(Some(Height::new(low)))
    }
}
