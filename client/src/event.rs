//! Events, read from what a node sends.

use crate::error::ClientError;
use liuhen_proto::event::{Body, EventLeaf, ledger::LedgerEvent};
use liuhen_proto::items::Item;
use liuhen_proto::tx::TxHeader;
use liuhen_proto::wire::{self, item::Kind};
use std::collections::BTreeMap;

/// An event, read.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its number on the trail.
    pub number: u64,
    /// Its leaf.
    pub leaf: EventLeaf,
    /// What it stands for.
    pub body: Body,
}

impl Event {
    /// Reads an event as a node sends it, and checks that its bytes are those of its leaf.
    pub fn from_wire(it: &wire::TrailEvent) -> Result<Self, ClientError> {
        let bad = || ClientError::failed("the node sent an event that can't be read");
        let leaf = EventLeaf::from_bytes(&it.leaf).ok_or_else(bad)?;
        let body = if it.ledger_event.is_empty() {
            let header = TxHeader::parse(&it.header).map_err(ClientError::failed)?;
            let item = Item::parse(&it.item).map_err(ClientError::failed)?;
            Body::Signed { header: Box::new(header), item: Box::new(item) }
        } else {
            let event = LedgerEvent::parse(&it.ledger_event).map_err(ClientError::failed)?;
            Body::Ledger(Box::new(event))
        };
        if leaf.digest != body.digest() {
            return Err(bad());
        }
        Ok(Self { number: it.number, leaf, body })
    }
}

/// Names of identities by id, for rows.
pub type Names = BTreeMap<Vec<u8>, String>;

impl Event {
    /// The number that an event of a gateway's trail takes.
    pub fn access_no(&self) -> Option<u64> {
        let Body::Signed { item, .. } = &self.body else { return None };
        match item.kind() {
            Kind::RecordAccess(it) => Some(it.access_no),
            Kind::RecordSealed(it) => Some(it.access_no),
            Kind::Unrecordable(it) => Some(it.access_no),
            Kind::ManualHandover(it) => it.record.as_ref().map(|it| it.access_no),
            _ => None,
        }
    }

    /// Whether the identity that signed has no name here yet.
    pub fn is_by_unknown(&self, names: &Names) -> bool {
        self.body.identity().is_some_and(|id| !names.contains_key(id.as_bytes().as_slice()))
    }
}
