//! `liuhen grant`: making, changing and ending grants.

use super::Common;
use super::grant_unasked::{Delegate, Emergency, Offer, Permit, ratify};
use super::request::WithReason;
use super::signing::{Act, Reason, nothing};
use super::terms::TermsFlags;
use crate::output::Rows;
use crate::text::{self, state};
use liuhen_client::error::ClientError;
use liuhen_client::lang::is_chinese;
use liuhen_proto::items::sharing::grants;
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
    Return(WithReason),
    /// End a grant, as its collector or manager, or as who passed it on
    Revoke(WithReason),
    /// Make a grant narrower, as its collector or manager
    Amend(Box<Amend>),
    /// Stop a grant for a time, as its collector or manager
    Suspend(WithReason),
    /// Let a grant go on that one's own department suspended
    Resume {
        /// The request's id, its reference, or reference@dataset
        request: String,
    },
    /// Take a grant on whose parties a succession made one body, as a manager of a third
    Reconfirm {
        /// The request's id, its reference, or reference@dataset
        request: String,
    },
    /// Pass a grant on to a department beneath one's own
    Delegate(Box<Delegate>),
    /// Offer open data to a class of departments, as its collector; the manager confirms
    Offer(Box<Offer>),
    /// Permit access within one's own body, as the collector
    Permit(Box<Permit>),
    /// Open emergency access at once; collector and manager ratify afterwards
    Emergency(Box<Emergency>),
    /// Ratify emergency access, as its collector or manager
    Ratify {
        /// The request's id, its reference, or reference@dataset
        request: String,
        /// Do not ratify, for this reason; it stays here. The access ends
        #[arg(long)]
        refuse: Option<String>,
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

/// A grant to make narrower
#[derive(Debug, clap::Args)]
pub struct Amend {
    /// The request's id, its reference, or reference@dataset
    request: String,
    /// The reason; it stays here, its salted digest goes on the ledger
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    narrower: TermsFlags,
}

impl Grant {
    /// Does it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        match self {
            Self::Confirm { request } => confirm(common, request, None).await,
            Self::Return(it) => confirm(common, &it.request, Some(&it.reason)).await,
            Self::Revoke(it) => revoke(common, it).await,
            Self::Amend(it) => it.run(common).await,
            Self::Suspend(it) => suspend(common, it).await,
            Self::Resume { request } => resume(common, request).await,
            Self::Reconfirm { request } => reconfirm(common, request).await,
            Self::Delegate(it) => it.run(common).await,
            Self::Offer(it) => it.run(common).await,
            Self::Permit(it) => it.run(common).await,
            Self::Emergency(it) => it.run(common).await,
            Self::Ratify { request, refuse } => ratify(common, request, refuse.as_deref()).await,
            Self::List { dataset, department } => list(common, dataset, department).await,
        }
    }
}

async fn confirm(common: &Common, name: &str, returned: Option<&str>) -> Result<(), ClientError> {
    let act = Act::begin(common).await?;
    let (request_id, asked) = act.asked(name).await?;
    let reason = returned.map(Reason::new).transpose()?;
    let confirmation = wire::ConfirmGrant {
        request_id,
        dataset: asked.dataset,
        collector: asked.collector,
        using_department: asked.using_department,
        manager: act.department(),
        confirm: returned.is_none(),
        reason_digest: reason.as_ref().map(|it| it.digest.clone()).unwrap_or_default(),
    };
    let shown = |_: &_| reason.iter().map(Reason::shown).collect();
    act.done(Kind::ConfirmGrant(confirmation), shown).await
}

async fn revoke(common: &Common, it: &WithReason) -> Result<(), ClientError> {
    let act = Act::begin(common).await?;
    let grant = act.node.grant(&it.request).await?;
    let until = grant.terms.as_ref().map_or(0, |it| it.until_ms);
    act.ends(&ending(&grant, &text::time(until)))?;
    let reason = Reason::new(&it.reason)?;
    let revocation = wire::RevokeGrant {
        request_id: grant.request_id,
        dataset: grant.dataset,
        collector: grant.collector,
        using_department: grant.using_department,
        manager: grant.manager,
        reason_digest: reason.digest.clone(),
    };
    act.done(Kind::RevokeGrant(revocation), |_| vec![reason.shown()]).await
}

/// What is about to end.
fn ending(it: &wire::Grant, until: &str) -> String {
    let (reference, dataset, user) = (&it.reference, &it.dataset, &it.using_department);
    let purpose = &it.purpose;
    match is_chinese() {
        true => format!(
            "授权 {reference}（目录项 {dataset}，使用部门 {user}，用途 {purpose}，有效期至 {until}）及由其转授的授权"
        ),
        false => format!(
            "grant {reference} of {dataset} to {user} for {purpose} until {until}, and what was passed on from it"
        ),
    }
}

impl Amend {
    async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let act = Act::begin(common).await?;
        let grant = act.node.grant(&self.request).await?;
        let reason = Reason::new(&self.reason)?;
        let terms = self.narrower.apply(&act.node, grants::terms(&grant).cloned()).await?;
        let amendment = wire::AmendGrant {
            request_id: grant.request_id,
            dataset: grant.dataset,
            collector: grant.collector,
            using_department: grant.using_department,
            manager: grant.manager,
            terms: Some(terms),
            reason_digest: reason.digest.clone(),
        };
        act.done(Kind::AmendGrant(amendment), |_| vec![reason.shown()]).await
    }
}

async fn suspend(common: &Common, it: &WithReason) -> Result<(), ClientError> {
    let act = Act::begin(common).await?;
    let grant = act.node.grant(&it.request).await?;
    let reason = Reason::new(&it.reason)?;
    let suspension = wire::SuspendGrant {
        request_id: grant.request_id,
        dataset: grant.dataset,
        collector: grant.collector,
        using_department: grant.using_department,
        manager: grant.manager,
        reason_digest: reason.digest.clone(),
    };
    act.done(Kind::SuspendGrant(suspension), |_| vec![reason.shown()]).await
}

async fn resume(common: &Common, name: &str) -> Result<(), ClientError> {
    let act = Act::begin(common).await?;
    let grant = act.node.grant(name).await?;
    let resumption = wire::ResumeGrant {
        request_id: grant.request_id,
        dataset: grant.dataset,
        collector: grant.collector,
        using_department: grant.using_department,
        manager: grant.manager,
    };
    act.done(Kind::ResumeGrant(resumption), nothing).await
}

async fn reconfirm(common: &Common, name: &str) -> Result<(), ClientError> {
    let act = Act::begin(common).await?;
    let grant = act.node.grant(name).await?;
    let reconfirmation = wire::ReconfirmGrant {
        request_id: grant.request_id,
        dataset: grant.dataset,
        collector: grant.collector,
        using_department: grant.using_department,
        manager: act.department(),
    };
    act.done(Kind::ReconfirmGrant(reconfirmation), nothing).await
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
        "manager",
        "kind",
        "operations",
        "state",
        "since",
        "until",
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
    let terms = grants::terms(it).cloned().unwrap_or_default();
    let operations: Vec<String> = terms.operations.iter().map(|it| text::operation(*it)).collect();
    let last = it.steps.last().cloned().unwrap_or_default();
    let kind = match it.kind() {
        wire::GrantKind::Unspecified => "ordinary".to_owned(),
        kind => state(kind.as_str_name(), "GRANT_KIND_"),
    };
    vec![
        json!(it.reference),
        json!(it.dataset),
        json!(it.using_department),
        json!(it.collector),
        json!(it.manager),
        json!(kind),
        json!(operations),
        json!(state(last.state().as_str_name(), "GRANT_STATE_")),
        json!(text::time(last.time_ms)),
        json!(text::time(terms.until_ms)),
        json!(used.queries),
        json!(used.rows),
        json!(hex::encode(&it.request_id)),
    ]
}
