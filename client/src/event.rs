//! Events as rows: who did what, under what grant, and what the rules made of it.

use crate::error::ClientError;
use crate::output::Rows;
use crate::text;
use liuhen_proto::event::{EventLeaf, Reason, Timeliness, Verdict};
use liuhen_proto::tx::{Item, TxHeader, kind_name};
use liuhen_proto::wire::{self, item::Kind};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// An event, read.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its number on the trail.
    pub number: u64,
    /// Its leaf.
    pub leaf: EventLeaf,
    /// Who signed it.
    pub header: TxHeader,
    /// What was signed.
    pub item: Item,
}

impl Event {
    /// Reads an event as a node sends it, and checks that its bytes are those of its leaf.
    pub fn from_wire(it: &wire::TrailEvent) -> Result<Self, ClientError> {
        let bad = || ClientError::failed("the node sent an event that can't be read");
        let leaf = EventLeaf::from_bytes(&it.leaf).ok_or_else(bad)?;
        let header = TxHeader::parse(&it.header).map_err(ClientError::failed)?;
        let item = Item::parse(&it.item).map_err(ClientError::failed)?;
        if leaf.digest != *item.digest() {
            return Err(bad());
        }
        Ok(Self { number: it.number, leaf, header, item })
    }
}

/// Names of identities by id, for rows.
pub type Names = BTreeMap<Vec<u8>, String>;

/// The columns of [`row`].
pub const COLUMNS: [&str; 12] = [
    "number",
    "recorded",
    "height",
    "event",
    "by",
    "accessed",
    "asker",
    "datasets",
    "rows",
    "verdict",
    "timeliness",
    "reason",
];

/// Rows for events.
pub fn rows() -> Rows {
    Rows::new(&COLUMNS)
}

/// An event as a row.
pub fn row(event: &Event, names: &Names) -> Vec<Value> {
    let leaf = &event.leaf;
    let by = names.get(event.header.identity.as_bytes().as_slice());
    let by = by.cloned().unwrap_or_else(|| event.header.department.clone());
    let mut row = vec![
        json!(event.number),
        json!(text::time(leaf.time.get())),
        json!(leaf.height.get()),
        json!(kind_name(event.item.kind())),
        json!(by),
    ];
    row.extend(match event.item.kind() {
        Kind::RecordAccess(it) => record(it, names),
        other => vec![Value::Null, Value::Null, json!(about(other)), Value::Null],
    });
    let outcome = leaf.outcome;
    let known = |is: bool, name: &'static str| if is { json!(name) } else { Value::Null };
    row.extend([
        known(outcome.verdict != Verdict::None, outcome.verdict.name()),
        known(outcome.timeliness != Timeliness::None, outcome.timeliness.name()),
        known(outcome.reason != Reason::None, outcome.reason.name()),
    ]);
    row
}

fn record(it: &wire::RecordAccess, names: &Names) -> Vec<Value> {
    let touched: Vec<Value> = it
        .accesses
        .iter()
        .map(|one| json!(format!("{}:{}", text::operation(one.operation), one.dataset)))
        .collect();
    let asker = it.asker.as_ref().map(|party| party_name(party, names));
    let time = text::time(it.access_time_ms);
    vec![json!(time), json!(asker), Value::Array(touched), json!(it.row_count)]
}

fn party_name(party: &wire::Party, names: &Names) -> String {
    if party.identity_id.is_empty() {
        return format!("unmapped {}", text::short(&party.unmapped_digest));
    }
    let id = &party.identity_id;
    names.get(id).cloned().unwrap_or_else(|| format!("{}/{}", party.department, text::short(id)))
}

fn about(kind: &Kind) -> String {
    let id = |bytes: &[u8]| text::short(bytes);
    match kind {
        Kind::RegisterDataset(it) => it.dataset.clone(),
        Kind::RequestAccess(it) => format!("{} {}", it.dataset, it.reference),
        Kind::DecideRequest(it) => {
            let word = if it.approve { "approve" } else { "refuse" };
            format!("{} {word} {}", it.dataset, id(&it.request_id))
        }
        Kind::ConfirmGrant(it) => {
            let word = if it.confirm { "confirm" } else { "return" };
            format!("{} {word} {}", it.dataset, id(&it.request_id))
        }
        Kind::RevokeGrant(it) => format!("{} revoke {}", it.dataset, id(&it.request_id)),
        Kind::RecordAccess(_) => String::new(),
    }
}
