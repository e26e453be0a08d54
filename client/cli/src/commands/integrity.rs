//! `liuhen integrity`: the integrity chain and its score.

use super::Common;
use super::resolve::whose;
use crate::output::{Rows, print_one};
use crate::rows::rule_name;
use crate::text::{self, state, thousandths};
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_client::lang::pick;
use liuhen_proto::event::Body;
use liuhen_proto::items::oversight::score;
use liuhen_proto::ledger::calendar;
use liuhen_proto::place::TrailKind;
use liuhen_proto::wire::{self, IntegrityEnd, ledger_event::Kind as Made};
use serde_json::json;

/// The integrity chain and its score
#[derive(Debug, clap::Subcommand)]
pub enum Integrity {
    /// Events, newest first
    List {
        /// A department, or one of its identities: `department` or `department/code`
        of: String,
    },
    /// The score
    Show {
        /// A department, or one of its identities
        of: String,
    },
    /// Compute the score again from the chain, and compare it with the ledger's
    Recompute {
        /// A department, or one of its identities
        of: String,
    },
}

async fn ask(node: &Node, of: &str) -> Result<wire::ListIntegrityResponse, ClientError> {
    let (department, identity_id) = whose(node, of).await?;
    let events = node.integrity_events(department.clone(), identity_id.clone()).await?;
    let request =
        wire::ListIntegrityRequest { department, identity_id, limit: 1, ..Default::default() };
    let found = node.accountability().list_integrity(request).await?.into_inner();
    Ok(wire::ListIntegrityResponse { events, ..found })
}

impl Integrity {
    /// Does it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let node = common.connect().await?;
        match self {
            Self::List { of } => list(common, &node, &ask(&node, of).await?).await,
            Self::Show { of } => {
                let found = ask(&node, of).await?;
                let it = found.score.unwrap_or_default();
                let today = score::on_day(&it, found.day, found.decay);
                let fields = [
                    ("of", json!(of)),
                    ("score", json!(thousandths(today))),
                    ("events", json!(it.events)),
                    ("provisional", json!(it.provisional)),
                    ("demerit", json!(thousandths(it.demerit))),
                    ("merit", json!(thousandths(it.merit))),
                    ("as_of_day", json!(day(it.day))),
                ];
                print_one(&fields, common.output)
            }
            Self::Recompute { of } => recompute(common, &node, of).await,
        }
    }
}

/// A local day as a date; none for a score that has no event yet.
fn day(day: u64) -> Option<String> {
    let noon = calendar::begin_of(day).plus(calendar::DAY_MS / 2).get();
    (day > 0).then(|| text::time(noon).chars().take(10).collect())
}

async fn list(
    common: &Common,
    node: &Node,
    found: &wire::ListIntegrityResponse,
) -> Result<(), ClientError> {
    let names = super::names(node).await?;
    let mut rows = Rows::new(&[
        "event", "since", "rule", "identity", "dataset", "grant", "count", "state", "until", "case",
    ]);
    for it in &found.events {
        let raised = it.raised.clone().unwrap_or_default();
        let state = match it.end() {
            IntegrityEnd::Unspecified if !it.case_id.is_empty() => "appealed".to_owned(),
            IntegrityEnd::Unspecified => "provisional".to_owned(),
            other => state(other.as_str_name(), "INTEGRITY_END_"),
        };
        rows.push(vec![
            json!(format!("{}/{}", raised.department, raised.number)),
            json!(text::time(it.time_ms)),
            json!(rule_name(raised.rule())),
            json!(names.get(&raised.identity_id)),
            json!(raised.dataset),
            json!(text::short(&raised.request_id)),
            json!(it.count),
            json!(state),
            json!(text::time(raised.provisional_until_ms)),
            json!(text::short(&it.case_id)),
        ]);
    }
    rows.print(common.output)
}

/// Adds up what is settled on the chain, by the published rule.
async fn recompute(common: &Common, node: &Node, of: &str) -> Result<(), ClientError> {
    let (department, identity) = whose(node, of).await?;
    let (kind, id) = match identity.is_empty() {
        true => (TrailKind::Integrity, department.into_bytes()),
        false => (TrailKind::IdentityIntegrity, identity),
    };
    let mut again = wire::Score::default();
    for event in node.whole_trail(kind, id).await? {
        let Body::Ledger(made) = &event.body else { continue };
        match made.kind() {
            Made::IntegrityRaised(_) => {
                again.events = again.events.saturating_add(1);
                again.provisional = again.provisional.saturating_add(1);
            }
            Made::IntegritySettled(it) => {
                again.provisional = again.provisional.saturating_sub(1);
                score::add(&mut again, it, calendar::day_of(event.leaf.time));
            }
            _ => {}
        }
    }
    let found = ask(node, of).await?;
    let ledgers = found.score.unwrap_or_default();
    if ledgers.events != again.events {
        let why = "the chain grew meanwhile: try again";
        return Err(ClientError::failed(pick(why, "期间又有新事件，请重试")));
    }
    let today = |it: &wire::Score| thousandths(score::on_day(it, found.day, found.decay));
    let fields = [
        ("of", json!(of)),
        ("recomputed", json!(today(&again))),
        ("ledger", json!(today(&ledgers))),
        ("events", json!(again.events)),
        ("same", json!(again == ledgers)),
    ];
    print_one(&fields, common.output)?;
    if again == ledgers {
        return Ok(());
    }
    let why = "the ledger's score is not that of its chain";
    Err(ClientError::failed(pick(why, "账本上的诚信分与其事件链不符")))
}
