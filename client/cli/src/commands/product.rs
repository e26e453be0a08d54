//! `liuhen product`: what is made from shared data.

use super::Common;
use super::digest::of_file;
use super::signing::{Act, Reason, nothing};
use crate::output::Rows;
use crate::text::{self, state};
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_client::lang::pick;
use liuhen_proto::types::IdKind;
use liuhen_proto::wire::{self, item::Kind};
use serde_json::json;
use std::path::PathBuf;

/// Data products: models, reports, services made from shared data
#[derive(Debug, clap::Subcommand)]
pub enum Product {
    /// Register a product, for review by the collectors of its data and by a manager
    Register {
        /// Its document number: a code
        #[arg(long)]
        reference: String,
        /// model, report or service
        #[arg(long)]
        kind: String,
        /// The product, a file; its digest goes on the ledger
        #[arg(long)]
        file: PathBuf,
        /// The grants that it stands on
        #[arg(long = "grant", value_delimiter = ',', required = true)]
        grants: Vec<String>,
        /// The department that reviews for the management side
        #[arg(long)]
        manager: String,
    },
    /// Approve a product
    Approve {
        /// Its id, or reference
        product: String,
    },
    /// Refuse a product
    Refuse {
        /// Its id, or reference
        product: String,
        /// Why; it stays here, its salted digest goes on the ledger
        #[arg(long)]
        reason: String,
    },
    /// Release a product that all have approved
    Release {
        /// Its id, or reference
        product: String,
    },
    /// Evaluate the effect of a product
    Evaluate {
        /// Its id, or reference
        product: String,
        /// 1 to 5
        #[arg(long)]
        score: u32,
        /// The report, a file; its digest goes on the ledger
        #[arg(long)]
        report: PathBuf,
    },
    /// Take a product back
    Recall {
        /// Its id, or reference
        product: String,
        /// Why; it stays here, its salted digest goes on the ledger
        #[arg(long)]
        reason: String,
    },
    /// Products that one may see
    List,
}

impl Product {
    /// Does it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let act = Act::begin(common).await?;
        let department = act.department();
        let id = async |name: &str| act.node.product_id(name).await;
        match self {
            Self::List => list(common, &act.node).await,
            Self::Register { .. } => {
                let kind = Kind::RegisterProduct(self.registration(&act).await?);
                let more = |tx: &liuhen_proto::tx::Tx| {
                    let id = tx.header().made_id(IdKind::Product, 0);
                    vec![("product_id", json!(id.to_string()))]
                };
                act.done(kind, more).await
            }
            Self::Approve { product } => {
                let (product_id, approve) = (id(product).await?, true);
                let reason_digest = Vec::new();
                let it = wire::ReviewProduct { product_id, department, approve, reason_digest };
                act.done(Kind::ReviewProduct(it), nothing).await
            }
            Self::Refuse { product, reason } => {
                let reason = Reason::new(reason)?;
                let (product_id, approve) = (id(product).await?, false);
                let reason_digest = reason.digest.clone();
                let it = wire::ReviewProduct { product_id, department, approve, reason_digest };
                act.done(Kind::ReviewProduct(it), |_| vec![reason.shown()]).await
            }
            Self::Release { product } => {
                let it = wire::ReleaseProduct { product_id: id(product).await?, department };
                act.done(Kind::ReleaseProduct(it), nothing).await
            }
            Self::Evaluate { product, score, report } => {
                let it = wire::EvaluateProduct {
                    product_id: id(product).await?,
                    department,
                    score: *score,
                    report_digest: of_file(report)?,
                };
                act.done(Kind::EvaluateProduct(it), nothing).await
            }
            Self::Recall { product, reason } => {
                let product_id = id(product).await?;
                act.ends(&format!("{} {product}", pick("product", "数据产品")))?;
                let reason = Reason::new(reason)?;
                let reason_digest = reason.digest.clone();
                let it = wire::RecallProduct { product_id, department, reason_digest };
                act.done(Kind::RecallProduct(it), |_| vec![reason.shown()]).await
            }
        }
    }

    async fn registration(&self, act: &Act<'_>) -> Result<wire::RegisterProduct, ClientError> {
        let Self::Register { reference, kind, file, grants, manager } = self else {
            return Err(ClientError::failed("nothing to register"));
        };
        let known =
            wire::ProductKind::from_str_name(&format!("PRODUCT_KIND_{}", kind.to_uppercase()));
        let known = known.filter(|it| *it != wire::ProductKind::Unspecified);
        let known = known
            .ok_or_else(|| ClientError::Usage(format!("`{kind}`: model, report or service")))?;
        let mut request_ids = Vec::with_capacity(grants.len());
        for name in grants {
            request_ids.push(act.node.grant(name).await?.request_id);
        }
        request_ids.sort();
        Ok(wire::RegisterProduct {
            department: act.department(),
            reference: reference.clone(),
            kind: known as i32,
            digest: of_file(file)?,
            request_ids,
            manager: manager.clone(),
        })
    }
}

async fn list(common: &Common, node: &Node) -> Result<(), ClientError> {
    let mut rows =
        Rows::new(&["reference", "by", "kind", "state", "reviews", "marks", "product_id"]);
    for it in node.products().await? {
        let registered = it.registered.clone().unwrap_or_default();
        let reviews: Vec<String> = it
            .reviews
            .iter()
            .map(|one| match one.end() {
                wire::ReviewEnd::Unspecified => format!("{}:waits", one.department),
                end => format!("{}:{}", one.department, state(end.as_str_name(), "REVIEW_END_")),
            })
            .collect();
        let stands = match it.state() {
            wire::ProductState::Unspecified => "under review".to_owned(),
            other => state(other.as_str_name(), "PRODUCT_STATE_"),
        };
        let marks: Vec<String> = it.marks.iter().map(|grant| text::short(grant)).collect();
        rows.push(vec![
            json!(registered.reference),
            json!(registered.department),
            json!(state(registered.kind().as_str_name(), "PRODUCT_KIND_")),
            json!(stands),
            json!(reviews),
            json!(marks),
            json!(hex::encode(&it.product_id)),
        ]);
    }
    rows.print(common.output)
}
