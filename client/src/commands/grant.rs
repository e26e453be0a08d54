//! `liuhen grant`: confirming, returning, revoking, listing.

use super::Common;
use super::request::done;
use crate::error::ClientError;
use crate::output::Rows;
use crate::submit::random;
use crate::text::{self, state};
use liuhen_proto::hash::salted_digest;
use liuhen_proto::wire::{self, item::Kind};
use serde_json::{Value, json};

/// Grants of access
#[derive(Debug, clap::Subcommand)]
pub enum Grant {
    /// Confirm an approved request, as the manager: this makes the grant
    Confirm {
        /// The request's id, its reference, or reference@dataset
        request: String,
    },
    /// Return an approved request, as the manager
    Return {
        /// The request's id, its reference, or reference@dataset
        request: String,
        /// The reason; it stays here, its salted digest goes on the ledger
        #[arg(long)]
        reason: String,
    },
    /// End a grant, as its collector or manager
    Revoke {
        /// The request's id, its reference, or reference@dataset
        request: String,
        /// The reason; it stays here, its salted digest goes on the ledger
        #[arg(long)]
        reason: String,
    },
    /// List grants with what was used of them
    List {
        /// For this dataset alone
        #[arg(long, default_value = "")]
        dataset: String,
        /// Of this department alone
        #[arg(long, default_value = "")]
        department: String,
    },
}

impl Grant {
    /// Does it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        match self {
            Self::Confirm { request } => confirm(common, request, None).await,
            Self::Return { request, reason } => confirm(common, request, Some(reason)).await,
            Self::Revoke { request, reason } => revoke(common, request, reason).await,
            Self::List { dataset, department } => list(common, dataset, department).await,
        }
    }
}

async fn confirm(common: &Common, name: &str, returned: Option<&str>) -> Result<(), ClientError> {
    let node = common.connect().await?;
    let account = common.account(&node).await?;
    let request = node.request(name).await?.request.unwrap_or_default();
    let asked = request.asked.unwrap_or_default();
    let salt: [u8; 16] = random()?;
    let digest = returned.map(|reason| salted_digest(&salt, reason.as_bytes()).to_vec());
    let confirmation = wire::ConfirmGrant {
        request_id: request.request_id,
        dataset: asked.dataset,
        collector: asked.collector,
        using_department: asked.using_department,
        manager: account.signer.department.clone(),
        confirm: returned.is_none(),
        reason_digest: digest.unwrap_or_default(),
    };
    let salt = returned.map(|_| salt);
    done(common, &account, &node, Kind::ConfirmGrant(confirmation), salt).await
}

async fn revoke(common: &Common, name: &str, reason: &str) -> Result<(), ClientError> {
    let node = common.connect().await?;
    let account = common.account(&node).await?;
    let grant = node.request(name).await?.grant;
    let grant = grant.ok_or_else(|| ClientError::NotFound(format!("grant {name}")))?;
    let salt: [u8; 16] = random()?;
    let revocation = wire::RevokeGrant {
        request_id: grant.request_id,
        dataset: grant.dataset,
        collector: grant.collector,
        using_department: grant.using_department,
        manager: grant.manager,
        reason_digest: salted_digest(&salt, reason.as_bytes()).to_vec(),
    };
    done(common, &account, &node, Kind::RevokeGrant(revocation), Some(salt)).await
}

async fn list(common: &Common, dataset: &str, department: &str) -> Result<(), ClientError> {
    let wanted = wire::ListRequestsRequest {
        dataset: dataset.to_owned(),
        using_department: department.to_owned(),
        reference: String::new(),
    };
    let all = common.connect().await?.requests(wanted).await?;
    let mut rows = Rows::new(&[
        "reference",
        "dataset",
        "using_department",
        "collector",
        "manager",
        "operations",
        "state",
        "since",
        "queries",
        "rows",
        "request_id",
    ]);
    for it in all {
        if let Some(grant) = it.grant {
            rows.push(row(&grant, &it.r#use.unwrap_or_default()));
        }
    }
    rows.print(common.output)
}

fn row(it: &wire::Grant, used: &wire::GrantUse) -> Vec<Value> {
    let terms = it.terms.clone().unwrap_or_default();
    let operations: Vec<String> = terms.operations.iter().map(|it| text::operation(*it)).collect();
    let last = it.steps.last().copied().unwrap_or_default();
    vec![
        json!(it.reference),
        json!(it.dataset),
        json!(it.using_department),
        json!(it.collector),
        json!(it.manager),
        json!(operations),
        json!(state(last.state().as_str_name(), "GRANT_STATE_")),
        json!(text::time(last.time_ms)),
        json!(used.queries),
        json!(used.rows),
        json!(hex::encode(&it.request_id)),
    ]
}
