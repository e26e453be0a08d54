//! Terms of a request or a grant, as flags.

use crate::connect::Node;
use crate::error::ClientError;
use crate::text;
use liuhen_proto::wire;

/// What a grant allows
#[derive(Debug, clap::Args)]
pub struct TermsFlags {
    /// Fields; without any: all of the dataset's
    #[arg(long, value_delimiter = ',')]
    pub fields: Vec<String>,
    /// GB/T 2260 prefix of the rows
    #[arg(long)]
    pub division: Option<String>,
    /// Operations: read, export, insert, update, delete, admin
    #[arg(long = "operation", value_delimiter = ',')]
    pub operations: Vec<String>,
    /// Identities that will use it, `department/code`
    #[arg(long = "identity", value_delimiter = ',')]
    pub identities: Vec<String>,
    /// From when; without it: now
    #[arg(long)]
    pub from: Option<String>,
    /// Until when; without it: a year from the beginning
    #[arg(long)]
    pub until: Option<String>,
    /// Queries in total; 0: no limit
    #[arg(long)]
    pub queries_total: Option<u64>,
    /// Rows in total; 0: no limit
    #[arg(long)]
    pub rows_total: Option<u64>,
    /// Queries a day; 0: no limit
    #[arg(long)]
    pub queries_per_day: Option<u64>,
    /// Rows a day; 0: no limit
    #[arg(long)]
    pub rows_per_day: Option<u64>,
}

const YEAR_MS: u64 = 365 * 24 * 3600 * 1000;

impl TermsFlags {
    /// The terms that the flags make of others, or of none.
    pub async fn apply(
        &self,
        node: &Node,
        base: Option<wire::Terms>,
    ) -> Result<wire::Terms, ClientError> {
        let mut terms = base.unwrap_or_default();
        if !self.fields.is_empty() {
            terms.fields = sorted(self.fields.clone());
        }
        if let Some(division) = &self.division {
            terms.division.clone_from(division);
        }
        if !self.operations.is_empty() {
            let all =
                self.operations.iter().map(|it| text::parse_operation(it).map(|it| it as i32));
            terms.operations = sorted(all.collect::<Result<_, _>>()?);
        }
        if !self.identities.is_empty() {
            let mut ids = Vec::with_capacity(self.identities.len());
            for name in &self.identities {
                ids.push(node.identity_id(name).await?.to_vec());
            }
            terms.identity_ids = sorted(ids);
        }
        self.period(&mut terms)?;
        self.quota(&mut terms);
        Ok(terms)
    }

    fn period(&self, terms: &mut wire::Terms) -> Result<(), ClientError> {
        if let Some(from) = &self.from {
            terms.from_ms = text::parse_time(from)?;
        } else if terms.from_ms == 0 {
            terms.from_ms = crate::submit::now().get();
        }
        if let Some(until) = &self.until {
            terms.until_ms = text::parse_time(until)?;
        } else if terms.until_ms == 0 {
            terms.until_ms = terms.from_ms.saturating_add(YEAR_MS);
        }
        Ok(())
    }

    fn quota(&self, terms: &mut wire::Terms) {
        let quota = terms.quota.get_or_insert_default();
        let set = |place: &mut u64, given: Option<u64>| *place = given.unwrap_or(*place);
        set(&mut quota.queries_total, self.queries_total);
        set(&mut quota.rows_total, self.rows_total);
        set(&mut quota.queries_per_day, self.queries_per_day);
        set(&mut quota.rows_per_day, self.rows_per_day);
    }
}

fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list.dedup();
    list
}
