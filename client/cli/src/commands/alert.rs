//! `liuhen alert`: what was watched for and happened.

use super::Common;
use super::signing::{Act, Reason, nothing};
use crate::output::Rows;
use crate::rows::watch_name;
use crate::text::{self, state};
use liuhen_client::error::ClientError;
use liuhen_proto::wire::{self, item::Kind};
use serde_json::json;

/// Alerts that concern one's department
#[derive(Debug, clap::Subcommand)]
pub enum Alert {
    /// Alerts, newest first
    List {
        /// Of another department; for who audits or regulates
        #[arg(long)]
        department: Option<String>,
        /// Closed ones too
        #[arg(long)]
        all: bool,
    },
    /// Say that an alert is known
    Acknowledge {
        /// Its number
        number: u64,
    },
    /// Close an alert
    Close {
        /// Its number
        number: u64,
        /// Why; it stays here, its salted digest goes on the ledger
        #[arg(long)]
        reason: String,
    },
}

impl Alert {
    /// Does it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let act = Act::begin(common).await?;
        match self {
            Self::List { department, all } => {
                let department = department.clone().unwrap_or_else(|| act.department());
                list(common, &act, department, !all).await
            }
            Self::Acknowledge { number } => {
                let it = wire::AnswerAlert {
                    department: act.department(),
                    number: *number,
                    ..wire::AnswerAlert::default()
                };
                act.done(Kind::AnswerAlert(it), nothing).await
            }
            Self::Close { number, reason } => {
                let reason = Reason::new(reason)?;
                let it = wire::AnswerAlert {
                    department: act.department(),
                    number: *number,
                    close: true,
                    reason_digest: reason.digest.clone(),
                };
                act.done(Kind::AnswerAlert(it), |_| vec![reason.shown()]).await
            }
        }
    }
}

async fn list(
    common: &Common,
    act: &Act<'_>,
    department: String,
    open_only: bool,
) -> Result<(), ClientError> {
    let alerts = act.node.alerts(department, open_only).await?;
    let names = super::names(&act.node).await?;
    let mut rows =
        Rows::new(&["number", "since", "watch", "identity", "dataset", "grant", "count", "state"]);
    for it in alerts {
        let raised = it.raised.clone().unwrap_or_default();
        let state = match it.state() {
            wire::AlertState::Unspecified => "open".to_owned(),
            other => state(other.as_str_name(), "ALERT_STATE_"),
        };
        rows.push(vec![
            json!(raised.number),
            json!(text::time(it.time_ms)),
            json!(told(&raised)),
            json!(names.get(&raised.identity_id)),
            json!(raised.dataset),
            json!(text::short(&raised.request_id)),
            json!(it.count),
            json!(state),
        ]);
    }
    rows.print(common.output)
}

/// What it is about, with the cause where there is one.
fn told(it: &wire::AlertRaised) -> String {
    let watch = watch_name(it.watch());
    if it.cause.is_empty() { watch } else { format!("{watch}: {}", it.cause) }
}
