//! Which trails an event is in.

use crate::items::{Item, table};
use crate::place::Place;
use crate::tx::TxHeader;

/// The trails of item `number` of a transaction, the key's first, each once.
pub fn trails(header: &TxHeader, number: u32, item: &Item) -> Vec<Place> {
    let mut filed = table::filed(item.kind(), header, number);
    filed.sort();
    filed.dedup();
    let first = [Place::key_trail(&header.key)].into_iter();
    first.chain(table::first_filed(item.kind(), header)).chain(filed).collect()
}
