//! `liuhen request`: asking for access, and the collector's decision.

use super::Common;
use super::terms::TermsFlags;
use crate::error::ClientError;
use crate::output::{Rows, print_one};
use crate::submit::{item, random};
use crate::text::{self, state};
use liuhen_proto::hash::salted_digest;
use liuhen_proto::wire::{self, item::Kind};
use serde_json::{Value, json};

/// Requests for access
#[derive(Debug, clap::Subcommand)]
pub enum Request {
    /// Ask for access, for one's own department
    New(Box<New>),
    /// Approve a request for a dataset of one's own department, perhaps narrower
    Approve(Box<Approve>),
    /// Refuse a request for a dataset of one's own department
    Refuse {
        /// The request's id, its reference, or reference@dataset
        request: String,
        /// The reason; it stays here, its salted digest goes on the ledger
        #[arg(long)]
        reason: String,
    },
    /// List requests
    List {
        /// For this dataset alone
        #[arg(long, default_value = "")]
        dataset: String,
        /// Of this department alone
        #[arg(long, default_value = "")]
        department: String,
    },
}

/// A request to make
#[derive(Debug, clap::Args)]
pub struct New {
    /// The dataset
    #[arg(long)]
    dataset: String,
    /// The document number of the request, a code
    #[arg(long)]
    reference: String,
    /// A purpose of the consortium's list
    #[arg(long)]
    purpose: String,
    /// The purpose in a sentence; it stays here, its salted digest goes on the ledger
    #[arg(long, default_value = "")]
    purpose_text: String,
    /// A legal basis of the consortium's list
    #[arg(long)]
    legal_basis: String,
    #[command(flatten)]
    terms: TermsFlags,
}

/// A request to approve
#[derive(Debug, clap::Args)]
pub struct Approve {
    /// The request's id, its reference, or reference@dataset
    request: String,
    #[command(flatten)]
    narrower: TermsFlags,
}

impl Request {
    /// Does it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        match self {
            Self::New(it) => it.run(common).await,
            Self::Approve(it) => it.run(common).await,
            Self::Refuse { request, reason } => refuse(common, request, reason).await,
            Self::List { dataset, department } => list(common, dataset, department).await,
        }
    }
}

impl New {
    async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let node = common.connect().await?;
        let account = common.account(&node).await?;
        let dataset = node.dataset(&self.dataset).await?;
        let salt: [u8; 16] = random()?;
        let request = wire::RequestAccess {
            dataset: self.dataset.clone(),
            collector: dataset.collector,
            using_department: account.signer.department.clone(),
            reference: self.reference.clone(),
            purpose: self.purpose.clone(),
            purpose_digest: salted_digest(&salt, self.purpose_text.as_bytes()).to_vec(),
            legal_basis: self.legal_basis.clone(),
            terms: Some(self.terms.apply(&node, None).await?),
        };
        let item = item(Kind::RequestAccess(request))?;
        let (tx, committed) = account.submit(&node, &[item]).await?;
        let fields = [
            ("request_id", json!(tx.header().request_id(0).to_string())),
            ("reference", json!(self.reference)),
            ("height", json!(committed.height)),
            ("purpose_salt", json!(hex::encode(salt))),
        ];
        print_one(&fields, common.output)
    }
}

impl Approve {
    async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let node = common.connect().await?;
        let account = common.account(&node).await?;
        let request = node.request(&self.request).await?.request.unwrap_or_default();
        let asked = request.asked.unwrap_or_default();
        let decision = wire::DecideRequest {
            request_id: request.request_id,
            dataset: asked.dataset,
            collector: asked.collector,
            using_department: asked.using_department,
            approve: true,
            terms: Some(self.narrower.apply(&node, asked.terms).await?),
            reason_digest: Vec::new(),
        };
        done(common, &account, &node, Kind::DecideRequest(decision), None).await
    }
}

async fn refuse(common: &Common, name: &str, reason: &str) -> Result<(), ClientError> {
    let node = common.connect().await?;
    let account = common.account(&node).await?;
    let request = node.request(name).await?.request.unwrap_or_default();
    let asked = request.asked.unwrap_or_default();
    let salt: [u8; 16] = random()?;
    let decision = wire::DecideRequest {
        request_id: request.request_id,
        dataset: asked.dataset,
        collector: asked.collector,
        using_department: asked.using_department,
        approve: false,
        terms: None,
        reason_digest: salted_digest(&salt, reason.as_bytes()).to_vec(),
    };
    done(common, &account, &node, Kind::DecideRequest(decision), Some(salt)).await
}

/// Submits one item and prints where it stands.
pub(super) async fn done(
    common: &Common,
    account: &crate::submit::Account,
    node: &crate::connect::Node,
    kind: Kind,
    salt: Option<[u8; 16]>,
) -> Result<(), ClientError> {
    let (tx, committed) = account.submit(node, &[item(kind)?]).await?;
    let mut fields =
        vec![("height", json!(committed.height)), ("tx_id", json!(tx.id().to_string()))];
    if let Some(salt) = salt {
        fields.push(("reason_salt", json!(hex::encode(salt))));
    }
    print_one(&fields, common.output)
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
        "state",
        "changed",
        "request_id",
    ]);
    for it in all.into_iter().filter_map(|it| it.request) {
        rows.push(row(&it));
    }
    rows.print(common.output)
}

fn row(it: &wire::Request) -> Vec<Value> {
    let asked = it.asked.clone().unwrap_or_default();
    vec![
        json!(asked.reference),
        json!(asked.dataset),
        json!(asked.using_department),
        json!(asked.collector),
        json!(state(it.state().as_str_name(), "REQUEST_STATE_")),
        json!(text::time(it.changed_time_ms)),
        json!(hex::encode(&it.request_id)),
    ]
}
