//! Which trails an event is in: a pure function of its transaction's header and its item, so that
//! a verifier can recompute it from bytes.

use super::{Item, TxHeader};
use crate::place::Place;
use crate::types::RequestId;
use crate::wire::{self, item::Kind};

/// The trails of item `number` of a transaction, the key's first, each once.
pub fn trails(header: &TxHeader, number: u32, item: &Item) -> Vec<Place> {
    let mut trails = vec![Place::key_trail(&header.key)];
    match item.kind() {
        Kind::RegisterDataset(it) => trails.push(Place::dataset_trail(&it.dataset)),
        Kind::RequestAccess(it) => {
            trails.push(Place::dataset_trail(&it.dataset));
            trails.push(Place::grant_trail(&header.request_id(number)));
        }
        Kind::DecideRequest(it) => story(&mut trails, &it.dataset, &it.request_id),
        Kind::ConfirmGrant(it) => story(&mut trails, &it.dataset, &it.request_id),
        Kind::RevokeGrant(it) => story(&mut trails, &it.dataset, &it.request_id),
        Kind::RecordAccess(it) => record(&mut trails, header, it),
    }
    trails
}

fn story(trails: &mut Vec<Place>, dataset: &str, request: &[u8]) {
    trails.push(Place::dataset_trail(dataset));
    trails.extend(RequestId::from_slice(request).ok().map(|id| Place::grant_trail(&id)));
}

fn record(trails: &mut Vec<Place>, header: &TxHeader, it: &wire::RecordAccess) {
    trails.push(Place::gateway_trail(&header.identity));
    let mut about: Vec<Place> = Vec::new();
    for access in &it.accesses {
        about.push(Place::dataset_trail(&access.dataset));
        about
            .extend(RequestId::from_slice(&access.request_id).ok().map(|id| Place::use_trail(&id)));
    }
    for tag in it.subjects.iter().flat_map(|subjects| &subjects.tags) {
        about.push(Place::subject_trail(&it.collector, tag));
    }
    about.sort();
    about.dedup();
    trails.append(&mut about);
}
