//! Events as rows: who did what, under what grant, and what the rules made of it.

pub mod about;
mod answering;

pub use answering::{
    from as corrected_from, rule as rule_name, subject as subject_of_case, watch as watch_name,
};

use crate::output::Rows;
use crate::text;
use liuhen_client::event::{Event, Names};
use liuhen_proto::event::{Body, Outcome, Reason, Timeliness, Verdict};
use liuhen_proto::wire;
use serde_json::{Value, json};

/// A row as one line for people.
pub fn line(row: &[Value]) -> String {
    let for_people = row.iter().take(COLUMNS.len().saturating_sub(1));
    let shown = for_people.skip(1).filter(|value| !value.is_null());
    let words: Vec<String> = shown.map(crate::output::plain).collect();
    words.join("  ") + "\n"
}

/// The columns of [`row`].
pub const COLUMNS: [&str; 13] = [
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
    "tx_item",
];

/// Rows for events.
pub fn rows() -> Rows {
    Rows::new(&COLUMNS)
}

/// An event as a row.
pub fn row(event: &Event, names: &Names) -> Vec<Value> {
    let leaf = &event.leaf;
    let by = match &event.body {
        Body::Signed { header, .. } => {
            let name = names.get(header.identity.as_bytes().as_slice());
            name.cloned().unwrap_or_else(|| header.department.clone())
        }
        Body::Ledger(_) => "(ledger)".to_owned(),
    };
    let mut row = vec![
        json!(event.number),
        json!(text::time(leaf.time.get())),
        json!(leaf.height.get()),
        json!(event.body.name()),
        json!(by),
    ];
    row.extend(match (event.body.record(), &event.body) {
        (Some(it), _) => record(it, names),
        (None, Body::Signed { item, .. }) => {
            vec![Value::Null, Value::Null, json!(about::item(item.kind(), names)), Value::Null]
        }
        (None, Body::Ledger(it)) => {
            vec![Value::Null, Value::Null, json!(about::ledger_event(it)), Value::Null]
        }
    });
    let outcome = leaf.outcome;
    let known = |is: bool, name: &'static str| if is { json!(name) } else { Value::Null };
    row.extend([
        known(outcome.verdict != Verdict::None, outcome.verdict.name()),
        known(outcome.timeliness != Timeliness::None, outcome.timeliness.name()),
        reason(outcome, event.body.record()),
        match &event.body {
            Body::Signed { .. } => json!(format!("{}:{}", leaf.origin, leaf.item)),
            Body::Ledger(_) => Value::Null,
        },
    ]);
    row
}

/// Why a verdict is what it is; that a grant which was named is another's, on which nothing counts; and that somebody opened the door by hand.
fn reason(outcome: Outcome, record: Option<&wire::RecordAccess>) -> Value {
    let mut words = Vec::new();
    if outcome.reason != Reason::None {
        words.push(outcome.reason.name().to_owned());
    }
    if outcome.names_others {
        words.push("not_its_own_grant".to_owned());
    }
    if let Some(it) = record.and_then(|it| it.break_glass.as_ref()) {
        words.push(format!("opened by hand for {}", it.cause));
    }
    if words.is_empty() { Value::Null } else { json!(words.join(", ")) }
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

/// How many rows, or that nobody knows.
fn number_of(count: Option<u64>) -> String {
    count.map_or_else(|| "an unknown number of".to_owned(), |it| it.to_string())
}

fn party_name(party: &wire::Party, names: &Names) -> String {
    if party.identity_id.is_empty() {
        return format!("unmapped {}", text::short(&party.unmapped_digest));
    }
    let id = &party.identity_id;
    names.get(id).cloned().unwrap_or_else(|| format!("{}/{}", party.department, text::short(id)))
}
