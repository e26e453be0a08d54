//! `liuhen dataset`: the catalogue.

use super::Common;
use crate::error::ClientError;
use crate::output::{Rows, print_one};
use crate::submit::item;
use crate::text;
use liuhen_proto::hash::{Domain, hash};
use liuhen_proto::wire::{self, item::Kind};
use serde_json::json;

/// The catalogue
#[derive(Debug, clap::Subcommand)]
pub enum Dataset {
    /// Register a dataset of one's own department
    Register(Box<Register>),
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
    /// Fields with their grades, `name:grade`; without a grade: the dataset's
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
            Self::Register(it) => it.run(common).await,
            Self::List { collector } => list(common, collector).await,
        }
    }
}

impl Register {
    async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let category = text::parse_category(&self.category)?;
        let node = common.connect().await?;
        let account = common.account(&node).await?;
        let registration = wire::RegisterDataset {
            dataset: self.dataset.clone(),
            collector: account.signer.department.clone(),
            title_zh: self.title_zh.clone(),
            title_en: self.title_en.clone(),
            grade: self.grade,
            category: category as i32,
            fields: self.fields()?,
            schema_digest: self.schema_digest()?,
        };
        let item = item(Kind::RegisterDataset(registration))?;
        let (tx, committed) = account.submit(&node, &[item]).await?;
        let fields = [
            ("dataset", json!(self.dataset)),
            ("height", json!(committed.height)),
            ("tx_id", json!(tx.id().to_string())),
        ];
        print_one(&fields, common.output)
    }

    fn fields(&self) -> Result<Vec<wire::Field>, ClientError> {
        let mut fields = Vec::with_capacity(self.fields.len());
        for given in &self.fields {
            let (name, grade) = given.split_once(':').unwrap_or((given, ""));
            let grade = match grade {
                "" => self.grade,
                grade => grade.parse().map_err(|_| {
                    ClientError::Usage(format!("field `{given}`: the grade is no number"))
                })?,
            };
            fields.push(wire::Field { name: name.to_owned(), grade, category: 0 });
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

async fn list(common: &Common, collector: &str) -> Result<(), ClientError> {
    let request = wire::ListDatasetsRequest { collector: collector.to_owned() };
    let mut registry = common.connect().await?.registry();
    let all = registry.list_datasets(request).await?.into_inner().datasets;
    let mut rows =
        Rows::new(&["dataset", "collector", "title_zh", "title_en", "grade", "category", "fields"]);
    for it in all.into_iter().filter_map(|it| it.registration) {
        rows.push(vec![
            json!(it.dataset),
            json!(it.collector),
            json!(it.title_zh),
            json!(it.title_en),
            json!(it.grade),
            json!(text::category(it.category())),
            json!(it.fields.iter().map(|field| &field.name).collect::<Vec<_>>()),
        ]);
    }
    rows.print(common.output)
}
