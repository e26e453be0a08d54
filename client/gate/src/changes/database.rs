//! Asks a PostgreSQL how its tables stand.

use super::Counts;
use super::following::Table;
use super::set_digest::SetDigest;
use anyhow::Context as _;
use futures::StreamExt as _;
use std::collections::BTreeMap;
use std::pin::pin;
use tokio_postgres::{Client, SimpleQueryMessage};

/// A connection to the database.
pub struct Database {
    /// It.
    pub client: Client,
}

impl Database {
    /// The first column of all rows.
    pub async fn column(&self, query: &str) -> anyhow::Result<Vec<String>> {
        let answer = self.client.simple_query(query).await?;
        let row = |it: SimpleQueryMessage| match it {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
            _ => None,
        };
        Ok(answer.into_iter().filter_map(row).collect())
    }

    /// The one value that a query gives.
    pub async fn one(&self, query: &str) -> anyhow::Result<String> {
        let all = self.column(query).await?;
        all.into_iter().next().with_context(|| format!("nothing came of: {query}"))
    }

    /// The same of a number.
    pub async fn number(&self, query: &str) -> anyhow::Result<u64> {
        self.one(query).await?.parse().with_context(|| format!("no number came of: {query}"))
    }

    /// Rows that were put in, changed and taken out of these tables, as the database counts them.
    pub async fn counts(&self, tables: &[String]) -> anyhow::Result<Counts> {
        let names: Vec<String> = tables.iter().map(|it| format!("'{it}'")).collect();
        let of = format!(
            "from pg_stat_user_tables where schemaname || '.' || relname in ({})",
            names.join(", ")
        );
        let found = self.number(&format!("select count(*) {of}")).await?;
        anyhow::ensure!(
            found == tables.len() as u64,
            "{found} of {} tables are there",
            tables.len()
        );
        let sum = async |column: &str| {
            self.number(&format!("select coalesce(sum({column}), 0)::bigint {of}")).await
        };
        let (added, changed) = (sum("n_tup_ins").await?, sum("n_tup_upd").await?);
        Ok(Counts { added, changed, removed: sum("n_tup_del").await? })
    }

    /// The digest of all rows, where that costs no more than this.
    pub async fn digest(&self, tables: &[String], most: f64) -> anyhow::Result<SetDigest> {
        let (_, tables) = self.rows(tables, most).await?;
        let mut all = SetDigest::default();
        tables.values().for_each(|it| all.join(&it.rows));
        Ok(all)
    }

    /// All rows of tables at one moment, and which.
    pub async fn rows(
        &self,
        tables: &[String],
        most: f64,
    ) -> anyhow::Result<(String, BTreeMap<String, Table>)> {
        let mut asked = BTreeMap::new();
        let mut cost = 0.0;
        for table in tables {
            let table = quoted(table);
            let columns = self.columns(&table).await?;
            let text = columns.iter().map(|it| format!("\"{}\"::text", it.replace('"', "\"\"")));
            let query = format!("select {} from only {table}", text.collect::<Vec<_>>().join(", "));
            cost += self.cost(&query).await?;
            asked.insert(table, (columns, query));
        }
        anyhow::ensure!(
            cost <= most,
            "a digest of all rows would cost {cost:.0}, and {most:.0} is allowed"
        );
        self.client.batch_execute("begin isolation level repeatable read read only").await?;
        let read = async {
            let snapshot = self.one("select pg_current_snapshot()").await?;
            let mut all = BTreeMap::new();
            for (name, (columns, query)) in asked {
                let rows = self.read_all(&name, columns.len(), &query).await?;
                all.insert(name, Table { columns, rows });
            }
            Ok::<_, anyhow::Error>((snapshot, all))
        };
        let read = read.await;
        self.client.batch_execute("rollback").await?;
        read
    }

    async fn read_all(&self, name: &str, columns: usize, query: &str) -> anyhow::Result<SetDigest> {
        let mut rows = SetDigest::default();
        let mut answer = pin!(self.client.simple_query_raw(query).await?);
        while let Some(message) = answer.next().await {
            if let SimpleQueryMessage::Row(row) = message? {
                let row: Vec<Option<String>> =
                    (0..columns).map(|at| row.get(at).map(str::to_owned)).collect();
                rows.add(name, &row);
            }
        }
        Ok(rows)
    }

    /// The columns of a table, in their order.
    pub async fn columns(&self, table: &str) -> anyhow::Result<Vec<String>> {
        let query = format!(
            "select attname from pg_attribute where attrelid = '{table}'::regclass and attnum > 0 and not attisdropped order by attnum"
        );
        let columns = self.column(&query).await?;
        anyhow::ensure!(!columns.is_empty(), "{table} has no columns");
        Ok(columns)
    }

    /// What a query costs, as the planner says.
    pub async fn cost(&self, query: &str) -> anyhow::Result<f64> {
        let plan = self.column(&format!("explain (format json) {query}")).await?.concat();
        let plan: serde_json::Value = serde_json::from_str(&plan)?;
        plan.pointer("/0/Plan/Total Cost")
            .and_then(|it| it.as_f64())
            .context("the plan has no cost")
    }

    /// How many bytes of log a slot may hold back. Errors where that is not limited.
    pub async fn slot_limit(&self) -> anyhow::Result<u64> {
        let level = self.one("select setting from pg_settings where name = 'wal_level'").await?;
        anyhow::ensure!(level == "logical", "wal_level is {level}: a slot wants logical");
        let name = "max_slot_wal_keep_size";
        let setting = format!("select setting from pg_settings where name = '{name}'");
        let megabytes: i64 = self.one(&setting).await?.parse()?;
        let megabytes = u64::try_from(megabytes);
        megabytes.map(|it| it.saturating_mul(1 << 20)).with_context(|| {
            format!("{name} is not set: a slot could fill the database's disk, and is not made")
        })
    }

    /// Bytes of log that a slot holds back; `None` where it is gone, or no good any more.
    pub async fn held(&self, slot: &str) -> anyhow::Result<Option<u64>> {
        let query = format!(
            "select greatest(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint from pg_replication_slots where slot_name = '{slot}' and wal_status in ('reserved', 'extended')"
        );
        Ok(self.column(&query).await?.first().and_then(|it| it.parse().ok()))
    }

    /// Drops a slot, if it is there.
    pub async fn drop_slot(&self, slot: &str) -> anyhow::Result<()> {
        let query = format!(
            "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '{slot}'"
        );
        self.column(&query).await.map(drop)
    }
}

/// A table's name as PostgreSQL writes it: in quotes where it is not of small letters, digits and `_`.
pub fn quoted(table: &str) -> String {
    let part = |it: &str| {
        let mut signs = it.chars();
        let begins = signs.next().is_some_and(|it| it.is_ascii_lowercase() || it == '_');
        let is_plain =
            begins && signs.all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_');
        if is_plain { it.to_owned() } else { format!("\"{it}\"") }
    };
    table.split('.').map(part).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_postgresql_writes_them() {
        for (name, expected) in [
            ("civil.resident", "civil.resident"),
            ("civil.Resident", "civil.\"Resident\""),
            ("civil.居民信息", "civil.\"居民信息\""),
            ("civil.2026", "civil.\"2026\""),
        ] {
            assert_eq!(quoted(name), expected);
        }
    }
}
