//! `liuhen dataset`: the catalogue.

use super::Common;
use super::signing::{Act, Reason};
use crate::output::Rows;
use crate::text;
use liuhen_client::error::ClientError;
use liuhen_client::lang::pick;
use liuhen_proto::suite::hash::{Domain, hash};
use liuhen_proto::wire::{self, item::Kind};
use serde_json::json;

/// The catalogue
#[derive(Debug, clap::Subcommand)]
pub enum Dataset {
    /// Register a dataset of one's own department
    Register(Box<Register>),
    /// Change the entry of a dataset of one's own department: all of it is given anew
    Update(Box<Register>),
    /// Take a dataset of one's own department out of the catalogue
    Retire {
        /// Its code
        dataset: String,
        /// The reason; it stays here, its salted digest goes on the ledger
        #[arg(long)]
        reason: String,
    },
    /// Publish a version of a dataset's data
    Publish(Publish),
    /// List datasets
    List {
        /// Of this collector alone
        #[arg(long, default_value = "")]
        collector: String,
    },
}

/// A dataset to register
#[derive(Debug, clap::Args)]
pub struct Register {
    /// Its code, `civil.resident`
    dataset: String,
    /// Title in Chinese
    #[arg(long, default_value = "")]
    title_zh: String,
    /// Title in English
    #[arg(long, default_value = "")]
    title_en: String,
    /// Grade: 1 open … 4 core
    #[arg(long, default_value_t = 2)]
    grade: u32,
    /// Sharing category: unconditional, conditional, not-shared
    #[arg(long, default_value = "conditional")]
    category: String,
    /// Fields with their grades and categories, `name`, `name:grade` or `name:grade:category`;
    /// without them: the dataset's
    #[arg(long, value_delimiter = ',', required = true)]
    fields: Vec<String>,
    /// Digest of the schema, 64 hexadecimal digits; without it: of the fields as given
    #[arg(long)]
    schema_digest: Option<String>,
}

impl Dataset {
    /// Does it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        match self {
            Self::Register(it) => it.run(common, false).await,
            Self::Update(it) => it.run(common, true).await,
            Self::Retire { dataset, reason } => retire(common, dataset, reason).await,
            Self::Publish(it) => it.run(common).await,
            Self::List { collector } => list(common, collector).await,
        }
    }
}

impl Register {
    async fn run(&self, common: &Common, update: bool) -> Result<(), ClientError> {
        let category = text::parse_category(&self.category)?;
        let act = Act::begin(common).await?;
        let it = wire::RegisterDataset {
            dataset: self.dataset.clone(),
            collector: act.department(),
            title_zh: self.title_zh.clone(),
            title_en: self.title_en.clone(),
            grade: self.grade,
            category: category as i32,
            fields: self.fields()?,
            schema_digest: self.schema_digest()?,
        };
        let kind = if update {
            Kind::UpdateDataset(wire::UpdateDataset {
                dataset: it.dataset,
                collector: it.collector,
                title_zh: it.title_zh,
                title_en: it.title_en,
                grade: it.grade,
                category: it.category,
                fields: it.fields,
                schema_digest: it.schema_digest,
            })
        } else {
            Kind::RegisterDataset(it)
        };
        act.done(kind, |_| vec![("dataset", json!(self.dataset))]).await
    }

    fn fields(&self) -> Result<Vec<wire::Field>, ClientError> {
        let mut fields = Vec::with_capacity(self.fields.len());
        for given in &self.fields {
            let (name, rest) = given.split_once(':').unwrap_or((given, ""));
            let (grade, category) = rest.split_once(':').unwrap_or((rest, ""));
            let category = match category {
                "" => wire::Category::Unspecified,
                category => text::parse_category(category)?,
            };
            let grade = match grade {
                "" => self.grade,
                grade => grade.parse().map_err(|_| {
                    ClientError::Usage(format!("field `{given}`: the grade is no number"))
                })?,
            };
            let category = category as i32;
            fields.push(wire::Field { name: name.to_owned(), grade, category });
        }
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(fields)
    }

    fn schema_digest(&self) -> Result<Vec<u8>, ClientError> {
        match &self.schema_digest {
            Some(digest) => {
                hex::decode(digest).map_err(|e| ClientError::Usage(format!("schema digest: {e}")))
            }
            None => Ok(hash(Domain::Digest, &[self.fields.join(",").as_bytes()]).to_vec()),
        }
    }
}

/// A version of a dataset's data
#[derive(Debug, clap::Args)]
pub struct Publish {
    /// The dataset's code
    dataset: String,
    /// Digest of the content, 64 hexadecimal digits
    #[arg(long)]
    content_digest: String,
    /// Rows in all
    #[arg(long)]
    rows: u64,
    /// Rows added since the version before
    #[arg(long, default_value_t = 0)]
    added: u64,
    /// Rows changed since
    #[arg(long, default_value_t = 0)]
    changed: u64,
    /// Rows removed since
    #[arg(long, default_value_t = 0)]
    removed: u64,
}

impl Publish {
    async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let act = Act::begin(common).await?;
        let before = act.node.dataset_whole(&self.dataset).await?.version.unwrap_or_default();
        let content_digest = hex::decode(&self.content_digest)
            .map_err(|e| ClientError::Usage(format!("content digest: {e}")))?;
        let version = before.version.saturating_add(1);
        let published = wire::PublishVersion {
            dataset: self.dataset.clone(),
            collector: act.department(),
            version,
            content_digest,
            row_count: self.rows,
            rows_added: self.added,
            rows_changed: self.changed,
            rows_removed: self.removed,
            previous_digest: before.content_digest,
        };
        act.done(Kind::PublishVersion(published), |_| vec![("version", json!(version))]).await
    }
}

async fn retire(common: &Common, dataset: &str, reason: &str) -> Result<(), ClientError> {
    let act = Act::begin(common).await?;
    let known = act.account.on(&act.node).dataset(dataset).await?;
    let what = pick("dataset", "目录项");
    act.ends(&format!("{what} {dataset} {} {}", known.title_zh, known.title_en))?;
    let reason = Reason::new(reason)?;
    let retired = wire::RetireDataset {
        dataset: dataset.to_owned(),
        collector: act.department(),
        reason_digest: reason.digest.clone(),
    };
    act.done(Kind::RetireDataset(retired), |_| vec![reason.shown()]).await
}

async fn list(common: &Common, collector: &str) -> Result<(), ClientError> {
    let all = common.connect().await?.datasets(collector).await?;
    let mut rows = Rows::new(&[
        "dataset",
        "collector",
        "title_zh",
        "title_en",
        "grade",
        "category",
        "fields",
        "version",
        "retired",
    ]);
    for whole in all {
        let it = whole.registration.unwrap_or_default();
        rows.push(vec![
            json!(it.dataset),
            json!(it.collector),
            json!(it.title_zh),
            json!(it.title_en),
            json!(it.grade),
            json!(text::category(it.category())),
            json!(it.fields.iter().map(|field| &field.name).collect::<Vec<_>>()),
            json!(whole.version.map_or(0, |version| version.version)),
            json!(whole.retired_height.is_some()),
        ]);
    }
    rows.print(common.output)
}
