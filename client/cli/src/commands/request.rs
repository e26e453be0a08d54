//! `liuhen request`: asking for access, and the answers.

use super::Common;
use super::signing::{Act, Reason, nothing};
use super::terms::TermsFlags;
use crate::output::Rows;
use crate::text::{self, state};
use liuhen_client::error::ClientError;
use liuhen_client::submit::random;
use liuhen_proto::suite::hash::salted_digest;
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
    Refuse(WithReason),
    /// Ask for a supplement before answering: the clock stops
    Ask(WithReason),
    /// Give the supplement that the collector asked for: the clock runs again
    Supplement {
        /// The request's id, its reference, or reference@dataset
        request: String,
        /// The supplement; it stays here, its salted digest goes on the ledger
        #[arg(long)]
        text: String,
    },
    /// As the lead, allow that what is not shared is shared on a statutory basis
    Except {
        /// The request's id, its reference, or reference@dataset
        request: String,
        /// Refuse instead, for this reason; it stays here
        #[arg(long)]
        refuse: Option<String>,
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

/// A request, and why
#[derive(Debug, clap::Args)]
pub struct WithReason {
    /// The request's id, its reference, or reference@dataset
    pub(super) request: String,
    /// The reason; it stays here, its salted digest goes on the ledger
    #[arg(long)]
    pub(super) reason: String,
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
    /// The grant that this one is to follow on
    #[arg(long)]
    renews: Option<String>,
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
            Self::Refuse(it) => refuse(common, it).await,
            Self::Ask(it) => ask(common, it).await,
            Self::Supplement { request, text } => supplement(common, request, text).await,
            Self::Except { request, refuse } => except(common, request, refuse.as_deref()).await,
            Self::List { dataset, department } => list(common, dataset, department).await,
        }
    }
}

impl New {
    async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let act = Act::begin(common).await?;
        let dataset = act.node.dataset(&self.dataset).await?;
        let salt: [u8; 16] = random()?;
        let renews = match &self.renews {
            Some(name) => act.node.grant(name).await?.request_id,
            None => Vec::new(),
        };
        let request = wire::RequestAccess {
            dataset: self.dataset.clone(),
            collector: dataset.collector,
            using_department: act.department(),
            reference: self.reference.clone(),
            purpose: self.purpose.clone(),
            purpose_digest: salted_digest(&salt, self.purpose_text.as_bytes()).to_vec(),
            legal_basis: self.legal_basis.clone(),
            terms: Some(self.terms.apply(&act.node, None).await?),
            renews,
        };
        act.done(Kind::RequestAccess(request), |tx| {
            vec![
                ("request_id", json!(tx.header().request_id(0).to_string())),
                ("reference", json!(self.reference)),
                ("purpose_salt", json!(hex::encode(salt))),
            ]
        })
        .await
    }
}

impl Approve {
    async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let act = Act::begin(common).await?;
        let (request_id, asked) = act.asked(&self.request).await?;
        let decision = wire::DecideRequest {
            request_id,
            dataset: asked.dataset,
            collector: asked.collector,
            using_department: asked.using_department,
            approve: true,
            terms: Some(self.narrower.apply(&act.node, asked.terms).await?),
            reason_digest: Vec::new(),
        };
        act.done(Kind::DecideRequest(decision), nothing).await
    }
}

async fn refuse(common: &Common, it: &WithReason) -> Result<(), ClientError> {
    let act = Act::begin(common).await?;
    let (request_id, asked) = act.asked(&it.request).await?;
    let reason = Reason::new(&it.reason)?;
    let decision = wire::DecideRequest {
        request_id,
        dataset: asked.dataset,
        collector: asked.collector,
        using_department: asked.using_department,
        approve: false,
        terms: None,
        reason_digest: reason.digest.clone(),
    };
    act.done(Kind::DecideRequest(decision), |_| vec![reason.shown()]).await
}

async fn ask(common: &Common, it: &WithReason) -> Result<(), ClientError> {
    let act = Act::begin(common).await?;
    let (request_id, asked) = act.asked(&it.request).await?;
    let reason = Reason::new(&it.reason)?;
    let ask = wire::AskSupplement {
        request_id,
        dataset: asked.dataset,
        collector: asked.collector,
        using_department: asked.using_department,
        reason_digest: reason.digest.clone(),
    };
    act.done(Kind::AskSupplement(ask), |_| vec![reason.shown()]).await
}

async fn supplement(common: &Common, name: &str, text: &str) -> Result<(), ClientError> {
    let act = Act::begin(common).await?;
    let (request_id, asked) = act.asked(name).await?;
    let reason = Reason::new(text)?;
    let supplement = wire::SupplementRequest {
        request_id,
        dataset: asked.dataset,
        collector: asked.collector,
        using_department: asked.using_department,
        supplement_digest: reason.digest.clone(),
    };
    act.done(Kind::SupplementRequest(supplement), |_| vec![reason.shown()]).await
}

async fn except(common: &Common, name: &str, refuse: Option<&str>) -> Result<(), ClientError> {
    let act = Act::begin(common).await?;
    let (request_id, asked) = act.asked(name).await?;
    let reason = refuse.map(Reason::new).transpose()?;
    let decision = wire::ApproveException {
        request_id,
        dataset: asked.dataset,
        collector: asked.collector,
        using_department: asked.using_department,
        lead: act.department(),
        approve: refuse.is_none(),
        reason_digest: reason.as_ref().map(|it| it.digest.clone()).unwrap_or_default(),
    };
    let shown = |_: &_| reason.iter().map(Reason::shown).collect();
    act.done(Kind::ApproveException(decision), shown).await
}

async fn list(common: &Common, dataset: &str, department: &str) -> Result<(), ClientError> {
    let wanted = wire::ListRequestsRequest {
        dataset: dataset.to_owned(),
        using_department: department.to_owned(),
        reference: String::new(),
        ..Default::default()
    };
    let all = common.connect().await?.requests(wanted).await?;
    let mut rows = Rows::new(&[
        "reference",
        "dataset",
        "using_department",
        "collector",
        "state",
        "changed",
        "due",
        "overdue",
        "request_id",
    ]);
    for it in all.into_iter().filter_map(|it| it.request) {
        rows.push(row(&it));
    }
    rows.print(common.output)
}

fn row(it: &wire::Request) -> Vec<Value> {
    let asked = it.asked.clone().unwrap_or_default();
    let due = if it.due_ms > 0 { json!(text::time(it.due_ms)) } else { Value::Null };
    vec![
        json!(asked.reference),
        json!(asked.dataset),
        json!(asked.using_department),
        json!(asked.collector),
        json!(state(it.state().as_str_name(), "REQUEST_STATE_")),
        json!(text::time(it.changed_time_ms)),
        due,
        json!(it.overdue),
        json!(hex::encode(&it.request_id)),
    ]
}
