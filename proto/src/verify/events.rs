//! Events: from a leaf to the signed bytes that it stands for.

use super::objects::Objects;
use super::{Claim, NotVerified, invalid};
use crate::event::{Body, EventLeaf, Outcome, ledger::LedgerEvent};
use crate::header::block::Header;
use crate::items::Item;
use crate::merkle::{Blake3Log, inclusion};
use crate::place::Place;
use crate::suite::sign::{Signature, Signed, verify_many};
use crate::tx::{self, TxHeader};
use crate::types::{ChainId, Hash, TxId, limits};
use crate::wire;
use std::collections::BTreeSet;

/// An event whose bytes were checked against its leaf.
#[derive(Debug, Clone)]
pub struct ProvedEvent {
    /// What the trail or block commits to.
    pub leaf: EventLeaf,
    /// What it stands for.
    pub body: Body,
}

impl ProvedEvent {
    /// The access record, if it is one.
    pub fn record(&self) -> Option<&wire::RecordAccess> {
        self.body.record()
    }
}

/// A transaction's header, its bytes and signature.
pub(super) struct Transaction {
    header: TxHeader,
    id: TxId,
    message: Vec<u8>,
    signature: Signature,
}

/// Reads the transactions of a proof, without judging signatures yet.
pub(super) fn transactions(
    trace: &wire::Trace,
    chain: &ChainId,
) -> Result<Vec<Transaction>, NotVerified> {
    if trace.transactions.len() > limits::TRACE_EVENTS {
        return Err(invalid("file.limits", "too many transactions"));
    }
    let mut all = Vec::new();
    for given in &trace.transactions {
        let header =
            TxHeader::parse(&given.header).map_err(|e| invalid("transaction.malformed", e))?;
        if header.chain != *chain {
            return Err(invalid("chain.other", "a transaction for another chain"));
        }
        let signature = Signature::from_slice(&given.signature)
            .map_err(|_| invalid("transaction.malformed", "a signature has 64 bytes"))?;
        let id = tx::tx_id(&given.header, &signature);
        let message = tx::signed_message(&given.header);
        all.push(Transaction { header, id, message, signature });
    }
    Ok(all)
}

/// What events are checked against.
pub(super) struct Checker<'a> {
    pub(super) anchor: &'a Header,
    pub(super) transactions: &'a [Transaction],
    pub(super) objects: &'a Objects,
}

impl Checker<'_> {
    /// Checks that an event's bytes are those of its leaf, and that its signer was in force.
    /// Signatures are judged once, at the end.
    pub(super) fn event(&self, given: &wire::ProvedEvent) -> Result<ProvedEvent, NotVerified> {
        let leaf = leaf(&given.leaf)?;
        if leaf.height > self.anchor.height || leaf.time > self.anchor.time {
            return Err(invalid("event.later", "an event later than the anchor"));
        }
        if leaf.origin == TxId::ZERO {
            return ledger_event(given, leaf);
        }
        if !given.ledger_event.is_empty() {
            return Err(invalid("event.ledger", "an item and a ledger event at once"));
        }
        let transaction = usize::try_from(given.transaction)
            .ok()
            .and_then(|at| self.transactions.get(at))
            .ok_or_else(|| invalid("event.transaction", "an event of no transaction given"))?;
        if leaf.origin != transaction.id {
            return Err(invalid("event.transaction", "the leaf names another transaction"));
        }
        let item = Item::parse(&given.item).map_err(|e| invalid("event.item", e))?;
        if leaf.digest != *item.digest() {
            return Err(invalid("event.item", "the leaf names another item"));
        }
        let path = hashes(&given.item_path)?;
        let header = &transaction.header;
        let (number, count) = (u64::from(leaf.item), u64::from(header.item_count));
        let root = inclusion::root_from_path::<Blake3Log>(number, count, leaf.digest, &path);
        if root != Some(header.items_root) {
            return Err(invalid("event.item", "the item is not one of the signed transaction's"));
        }
        self.objects.in_force(header, leaf.height)?;
        let body = Body::Signed { header: Box::new(header.clone()), item: Box::new(item) };
        Ok(ProvedEvent { leaf, body })
    }

    /// Whether an event belongs to a trail, by its bytes alone.
    pub(super) fn belongs(&self, event: &ProvedEvent, trail: &Place) -> bool {
        event.body.trails(event.leaf.item).contains(trail)
    }

    /// Judges all signatures, and that each transaction given was one of the claim's.
    pub(super) fn all_used(&self, claim: &Claim) -> Result<(), NotVerified> {
        let signed = claim.events().into_iter().map(|event| event.leaf.origin);
        let used: BTreeSet<TxId> = signed.filter(|origin| *origin != TxId::ZERO).collect();
        let given: BTreeSet<TxId> = self.transactions.iter().map(|it| it.id).collect();
        if given != used || given.len() != self.transactions.len() {
            return Err(invalid("file.unused", "a transaction that the claim does not need"));
        }
        let signers = self.transactions.iter().flat_map(|it| it.header.signer_places());
        let needed: BTreeSet<Place> = signers.chain(claim.reads()).collect();
        if !self.objects.places().all(|place| needed.contains(place)) {
            return Err(invalid("file.unused", "an object that the claim does not need"));
        }
        let mut signed = Vec::with_capacity(self.transactions.len());
        for it in self.transactions {
            let key = self.objects.key(&it.header)?;
            signed.push(Signed { key, message: &it.message, signature: it.signature });
        }
        let bad = verify_many(&signed).into_iter().position(|good| !good);
        match bad.and_then(|at| self.transactions.get(at)) {
            Some(it) => Err(invalid("signature.bad", format!("transaction {}", it.id))),
            None => Ok(()),
        }
    }

    /// Reads a header of the anchor's chain that is given beside it.
    pub(super) fn header(&self, bytes: &[u8]) -> Result<Header, NotVerified> {
        let header = Header::from_bytes(bytes).map_err(|e| invalid("header.malformed", e))?;
        if header.chain == self.anchor.chain {
            Ok(header)
        } else {
            Err(invalid("chain.other", "a header of another chain"))
        }
    }
}

/// An event that the ledger made: nobody signed it, the validators attest it.
fn ledger_event(given: &wire::ProvedEvent, leaf: EventLeaf) -> Result<ProvedEvent, NotVerified> {
    let bad = |why: &dyn std::fmt::Display| invalid("event.ledger", why);
    let signed = given.transaction > 0 || !given.item.is_empty() || !given.item_path.is_empty();
    if signed || leaf.outcome != Outcome::DONE {
        return Err(bad(&"a ledger event with what only an item has"));
    }
    let event = LedgerEvent::parse(&given.ledger_event).map_err(|e| bad(&e))?;
    if leaf.digest != event.digest() {
        return Err(bad(&"the leaf names another ledger event"));
    }
    Ok(ProvedEvent { leaf, body: Body::Ledger(Box::new(event)) })
}

pub(super) fn leaf(bytes: &[u8]) -> Result<EventLeaf, NotVerified> {
    EventLeaf::from_bytes(bytes).ok_or_else(|| invalid("event.leaf", "not an event leaf"))
}

pub(super) fn hashes(list: &[Vec<u8>]) -> Result<Vec<Hash>, NotVerified> {
    list.iter()
        .map(|bytes| Hash::from_slice(bytes).map_err(|_| invalid("hash.length", "not 32 bytes")))
        .collect()
}
