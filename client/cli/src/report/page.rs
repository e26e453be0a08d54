//! The page of an evidence pack, in Chinese and English.

use super::Proof;
use super::rights::{Right, Rights};
use crate::output::plain;
use crate::rows;
use crate::text;
use askama::Template;
use liuhen_client::error::ClientError;
use liuhen_client::event::{Event, Names};
use liuhen_genesis::Founding;
use liuhen_proto::event::{Outcome, Reason, Verdict};
use liuhen_verify::report::Lang;
use serde_json::Value;

/// What stands above the proofs.
#[derive(Template)]
#[template(path = "evidence.html")]
struct Page<'a> {
    title: &'a str,
    chain: &'a str,
    fingerprint: String,
    made: String,
    proofs: Vec<Shown>,
    files: Vec<(String, String)>,
}

/// What a page is made of.
pub(super) struct Heading<'a> {
    pub(super) title: &'a str,
    /// The chain's name.
    pub(super) chain: &'a str,
    pub(super) fingerprint: String,
    pub(super) proofs: Vec<Shown>,
    /// Name and SHA-256 of each.
    pub(super) files: Vec<(String, String)>,
}

/// A proof as it is shown.
pub(super) struct Shown {
    file: String,
    chinese: String,
    english: String,
    /// The grants that its records name.
    rights: Vec<Right>,
    rows: Vec<Row>,
}

/// An event as it is shown.
struct Row {
    recorded: String,
    height: String,
    accessed: String,
    what: String,
    rows: String,
    by: String,
    asker: String,
    right: String,
    verdict: String,
    verdict_zh: String,
}

/// The page as HTML; everything from files is escaped.
pub(super) fn render(heading: Heading<'_>) -> Result<String, ClientError> {
    let Heading { title, chain, fingerprint, proofs, files } = heading;
    let made = text::time(liuhen_client::clock::now().get());
    let page = Page { title, chain, fingerprint, made, proofs, files };
    page.render().map_err(ClientError::failed)
}

/// What a proof shows.
pub(super) fn proof(proof: &Proof, founding: &Founding, names: &Names, rights: &Rights) -> Shown {
    let events = if proof.is_of_events() { proof.events() } else { Vec::new() };
    let mut named: Vec<Right> = Vec::new();
    for right in events.iter().flat_map(requests).filter_map(|id| rights.of(&id)) {
        if !named.contains(right) {
            named.push(right.clone());
        }
    }
    Shown {
        file: proof.name.clone(),
        chinese: proof.told(founding, Lang::Zh),
        english: proof.told(founding, Lang::En),
        rights: named,
        rows: events.iter().map(|it| row(it, names, rights)).collect(),
    }
}

/// The requests that a record's accesses name.
fn requests(event: &Event) -> Vec<Vec<u8>> {
    let accesses = event.body.record().map(|it| it.accesses.iter());
    accesses
        .into_iter()
        .flatten()
        .map(|it| it.request_id.clone())
        .filter(|it| !it.is_empty())
        .collect()
}

fn row(event: &Event, names: &Names, rights: &Rights) -> Row {
    let cells = rows::row(event, names);
    let cell = |name: &str| cell(&cells, name);
    let datasets = cell("datasets");
    let kind = cell("event");
    let right =
        |id: &Vec<u8>| rights.of(id).map_or_else(|| text::short(id), |it| it.reference.clone());
    let named: Vec<String> = requests(event).iter().map(right).collect();
    let purpose = event.body.record().map(|it| it.purpose.clone()).filter(|it| !it.is_empty());
    let outcome = event.leaf.outcome;
    Row {
        recorded: cell("recorded"),
        height: cell("height"),
        accessed: cell("accessed"),
        what: if datasets.is_empty() { kind } else { format!("{kind}: {datasets}") },
        rows: cell("rows"),
        by: cell("by"),
        asker: cell("asker"),
        right: named.into_iter().chain(purpose).collect::<Vec<_>>().join(" · "),
        verdict: verdict(outcome),
        verdict_zh: verdict_zh(outcome.verdict).to_owned(),
    }
}

fn cell(cells: &[Value], name: &str) -> String {
    let at = rows::COLUMNS.iter().position(|it| *it == name);
    at.and_then(|at| cells.get(at)).map(plain).unwrap_or_default()
}

fn verdict(outcome: Outcome) -> String {
    match (outcome.verdict, outcome.reason) {
        (Verdict::None, _) => String::new(),
        (verdict, Reason::None) => verdict.to_string(),
        (verdict, reason) => format!("{verdict} ({reason})"),
    }
}

fn verdict_zh(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::None => "",
        Verdict::Covered => "有授权",
        Verdict::Uncovered => "无授权",
        Verdict::Undetermined => "待核实",
        Verdict::Internal => "本单位内部使用",
        Verdict::Emergency => "应急访问",
        Verdict::Denied => "闸口已拒绝",
        Verdict::WouldBeDenied => "观察期放行，本应拒绝",
    }
}
