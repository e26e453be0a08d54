//! Grants that begin otherwise than by a request: passed on, offered, permitted, opened in an
//! emergency.

use super::Common;
use super::signing::{Act, Reason};
use super::terms::TermsFlags;
use liuhen_client::clock::now;
use liuhen_client::error::ClientError;
use liuhen_client::submit::random;
use liuhen_proto::items::sharing::grants;
use liuhen_proto::ledger::calendar::HOUR_MS;
use liuhen_proto::suite::hash::salted_digest;
use liuhen_proto::tx::Tx;
use liuhen_proto::wire::{self, item::Kind};
use serde_json::{Value, json};

fn made(tx: &Tx, reference: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("request_id", json!(tx.header().request_id(0).to_string())),
        ("reference", json!(reference)),
    ]
}

/// A grant to pass on
#[derive(Debug, clap::Args)]
pub struct Delegate {
    /// The grant's request id, its reference, or reference@dataset
    request: String,
    /// The department that gets it
    #[arg(long)]
    to: String,
    /// The document number, a code
    #[arg(long)]
    reference: String,
    #[command(flatten)]
    terms: TermsFlags,
}

impl Delegate {
    pub(super) async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let act = Act::begin(common).await?;
        let grant = act.node.grant(&self.request).await?;
        let mut wider = grants::terms(&grant).cloned().unwrap_or_default();
        wider.identity_ids.clear();
        let last = wider.delegation_depth <= 1;
        wider.delegation_depth = wider.delegation_depth.saturating_sub(1);
        if last {
            wider.delegation = 0;
        }
        let passed_on = wire::DelegateGrant {
            request_id: grant.request_id,
            dataset: grant.dataset,
            collector: grant.collector,
            using_department: grant.using_department,
            delegate: self.to.clone(),
            reference: self.reference.clone(),
            terms: Some(self.terms.apply(&act.node, Some(wider)).await?),
        };
        act.done(Kind::DelegateGrant(passed_on), |tx| made(tx, &self.reference)).await
    }
}

/// Open data to offer
#[derive(Debug, clap::Args)]
pub struct Offer {
    /// The dataset
    #[arg(long)]
    dataset: String,
    /// The document number, a code
    #[arg(long)]
    reference: String,
    /// Levels of the departments, 1 province to 5 village; without any: all
    #[arg(long, value_delimiter = ',')]
    levels: Vec<u32>,
    /// GB/T 2260 prefix of the departments' divisions
    #[arg(long, default_value = "")]
    class_division: String,
    /// For those alone who ask about themselves, through a portal: data of any grade that is shared
    #[arg(long)]
    self_service: bool,
    #[command(flatten)]
    terms: TermsFlags,
}

impl Offer {
    pub(super) async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let act = Act::begin(common).await?;
        let mut levels = self.levels.clone();
        levels.sort_unstable();
        levels.dedup();
        let offer = wire::OfferStanding {
            dataset: self.dataset.clone(),
            collector: act.department(),
            reference: self.reference.clone(),
            class: Some(wire::DepartmentClass { levels, division: self.class_division.clone() }),
            terms: Some(self.terms.apply(&act.node, None).await?),
            self_service: self.self_service,
        };
        act.done(Kind::OfferStanding(offer), |tx| made(tx, &self.reference)).await
    }
}

/// Access to permit within one's own body
#[derive(Debug, clap::Args)]
pub struct Permit {
    /// The dataset
    #[arg(long)]
    dataset: String,
    /// The document number, a code
    #[arg(long)]
    reference: String,
    /// The duty that needs it, a code
    #[arg(long)]
    duty: String,
    /// A purpose of the consortium's list
    #[arg(long)]
    purpose: String,
    #[command(flatten)]
    terms: TermsFlags,
}

impl Permit {
    pub(super) async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let act = Act::begin(common).await?;
        let permit = wire::GivePermit {
            dataset: self.dataset.clone(),
            collector: act.department(),
            reference: self.reference.clone(),
            duty: self.duty.clone(),
            purpose: self.purpose.clone(),
            terms: Some(self.terms.apply(&act.node, None).await?),
        };
        act.done(Kind::GivePermit(permit), |tx| made(tx, &self.reference)).await
    }
}

/// Emergency access to open
#[derive(Debug, clap::Args)]
pub struct Emergency {
    /// The dataset
    #[arg(long)]
    dataset: String,
    /// The document number, a code
    #[arg(long)]
    reference: String,
    /// An emergency code of the consortium's list
    #[arg(long)]
    code: String,
    /// A purpose of the consortium's list
    #[arg(long)]
    purpose: String,
    /// The purpose in a sentence; it stays here, its salted digest goes on the ledger
    #[arg(long, default_value = "")]
    purpose_text: String,
    /// A legal basis of the consortium's list
    #[arg(long)]
    legal_basis: String,
    /// The manager who is to ratify
    #[arg(long)]
    manager: String,
    /// How many hours it lasts, 72 at most, where no end is given with --until
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    lasts: u64,
    #[command(flatten)]
    terms: TermsFlags,
}

impl Emergency {
    pub(super) async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let act = Act::begin(common).await?;
        let dataset = act.node.dataset(&self.dataset).await?;
        let salt: [u8; 16] = random()?;
        let mut terms = self.terms.apply(&act.node, None).await?;
        if self.terms.until.is_none() {
            let hours = self.lasts.saturating_mul(HOUR_MS);
            terms.until_ms = now().get().saturating_add(hours);
        }
        let emergency = wire::OpenEmergency {
            dataset: self.dataset.clone(),
            collector: dataset.collector,
            using_department: act.department(),
            manager: self.manager.clone(),
            reference: self.reference.clone(),
            emergency_code: self.code.clone(),
            purpose: self.purpose.clone(),
            purpose_digest: salted_digest(&salt, self.purpose_text.as_bytes()).to_vec(),
            legal_basis: self.legal_basis.clone(),
            terms: Some(terms),
        };
        act.done(Kind::OpenEmergency(emergency), |tx| {
            let mut fields = made(tx, &self.reference);
            fields.push(("purpose_salt", json!(hex::encode(salt))));
            fields
        })
        .await
    }
}

/// Ratifies emergency access, or does not, for a reason.
pub(super) async fn ratify(
    common: &Common,
    name: &str,
    refuse: Option<&str>,
) -> Result<(), ClientError> {
    let act = Act::begin(common).await?;
    let grant = act.node.grant(name).await?;
    let reason = refuse.map(Reason::new).transpose()?;
    let ratification = wire::RatifyEmergency {
        request_id: grant.request_id,
        dataset: grant.dataset,
        collector: grant.collector,
        using_department: grant.using_department,
        manager: grant.manager,
        ratify: refuse.is_none(),
        reason_digest: reason.as_ref().map(|it| it.digest.clone()).unwrap_or_default(),
    };
    let shown = |_: &_| reason.iter().map(Reason::shown).collect();
    act.done(Kind::RatifyEmergency(ratification), shown).await
}
