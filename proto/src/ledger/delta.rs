//! What a block changes.

use super::Object;
use crate::event::EventLeaf;
use crate::place::Place;
use std::collections::BTreeMap;

/// What a block changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Delta {
    /// Objects as they stand after the block; `None`: gone.
    pub objects: BTreeMap<Place, Option<Object>>,
    /// The block's events, in order.
    pub events: Vec<Event>,
}

/// One event of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What it commits to.
    pub leaf: EventLeaf,
    /// The trails that it is appended to, each once.
    pub trails: Vec<Place>,
    /// The bytes of an event that the ledger made; `None` for an item.
    pub ledger: Option<Vec<u8>>,
}
