//! Asks a PostgreSQL how its tables stand.

use super::Counts;
use super::following::Table;
use super::set_digest::SetDigest;
use anyhow::Context as _;
use futures::StreamExt as _;
use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;
use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

/// A database of which nothing comes for so long is away.
const SILENT: Duration = Duration::from_secs(120);

/// A connection to the database.
pub struct Database {
    /// It.
    pub client: Client,
}

impl Database {
    /// The first column of all rows.
    pub async fn column(&self, query: &str) -> anyhow::Result<Vec<String>> {
        let mut all = Vec::new();
        self.each(query, |row| {
            all.push(row.get(0).unwrap_or_default().to_owned());
            Ok(())
        })
        .await?;
        Ok(all)
    }

    /// Row by row, as they come: none is kept. Errors where nothing comes for long.
    pub async fn each(
        &self,
        query: &str,
        mut take: impl FnMut(&SimpleQueryRow) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let late = || anyhow::anyhow!("the database does not answer");
        let begun = tokio::time::timeout(SILENT, self.client.simple_query_raw(query));
        let mut answer = pin!(begun.await.map_err(|_| late())??);
        loop {
            let next = tokio::time::timeout(SILENT, answer.next()).await.map_err(|_| late())?;
            match next.transpose()? {
                Some(SimpleQueryMessage::Row(row)) => take(&row)?,
                Some(_) => {}
                None => return Ok(()),
            }
        }
    }

    /// A statement that gives nothing.
    async fn run(&self, statement: &str) -> anyhow::Result<()> {
        self.each(statement, |_| Ok(())).await
    }

    /// Ends whatever runs.
    pub async fn cancel(&self) -> anyhow::Result<()> {
        self.client.cancel_token().cancel_query(tokio_postgres::NoTls).await?;
        self.run("rollback").await
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
            let table = self.named(table).await?;
            let columns = self.columns(&table).await?;
            let text = columns.iter().map(Column::as_followed).collect::<Vec<_>>().join(", ");
            let query = format!("select {text} from only {table}");
            cost += self.cost(&query).await?;
            asked.insert(table, (columns, query));
        }
        anyhow::ensure!(
            cost <= most,
            "a digest of all rows would cost {cost:.0}, and {most:.0} is allowed"
        );
        self.run("begin isolation level repeatable read read only").await?;
        let read = async {
            let snapshot = self.one("select pg_current_snapshot()").await?;
            let mut all = BTreeMap::new();
            for (name, (columns, query)) in asked {
                let rows = self.read_all(&name, columns.len(), &query).await?;
                all.insert(name, Table::new(columns, rows));
            }
            Ok::<_, anyhow::Error>((snapshot, all))
        };
        let read = read.await;
        self.run("rollback").await?;
        read
    }

    async fn read_all(&self, name: &str, columns: usize, query: &str) -> anyhow::Result<SetDigest> {
        let mut rows = SetDigest::default();
        self.each(query, |row| {
            let row: Vec<Option<String>> =
                (0..columns).map(|at| row.get(at).map(str::to_owned)).collect();
            rows.add(name, &row);
            Ok(())
        })
        .await?;
        Ok(rows)
    }

    /// Tables without their rows, where changes are counted alone.
    pub async fn empty(
        &self,
        tables: &[String],
    ) -> anyhow::Result<(String, BTreeMap<String, Table>)> {
        let snapshot = self.one("select pg_current_snapshot()").await?;
        let mut all = BTreeMap::new();
        for table in tables {
            let table = self.named(table).await?;
            let columns = self.columns(&table).await?;
            all.insert(table, Table::new(columns, SetDigest::default()));
        }
        Ok((snapshot, all))
    }

    /// A table's name as PostgreSQL writes it. Errors for what has no rows of its own.
    pub async fn named(&self, table: &str) -> anyhow::Result<String> {
        let quoted = quoted(table);
        let of = |what: &str| {
            format!(
                "select {what} from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = '{quoted}'::regclass"
            )
        };
        let kind = self.one(&of("c.relkind")).await?;
        anyhow::ensure!(
            kind == "r",
            "{table} has no rows of its own: of a table in parts, name the parts"
        );
        self.one(&of("quote_ident(n.nspname) || '.' || quote_ident(c.relname)")).await
    }

    /// The columns of a table, in their order.
    async fn columns(&self, table: &str) -> anyhow::Result<Vec<Column>> {
        let query = format!(
            "select attname, atttypid = 'boolean'::regtype from pg_attribute where attrelid = '{}'::regclass and attnum > 0 and not attisdropped order by attnum",
            table.replace('\'', "''")
        );
        let mut columns = Vec::new();
        self.each(&query, |row| {
            let name = row.get(0).unwrap_or_default().to_owned();
            columns.push(Column { name, is_boolean: row.get(1) == Some("t") });
            Ok(())
        })
        .await?;
        anyhow::ensure!(!columns.is_empty(), "{table} has no columns");
        Ok(columns)
    }

    /// Whether each change of a table is told whole.
    pub async fn is_whole(&self, table: &str) -> anyhow::Result<bool> {
        let table = self.named(table).await?.replace('\'', "''");
        let identity = format!("select relreplident from pg_class where oid = '{table}'::regclass");
        Ok(self.one(&identity).await? == "f")
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

    /// Drops a slot, if it is there. One of another database, of another kind, or in use is somebody else's, and stays.
    pub async fn drop_slot(&self, slot: &str) -> anyhow::Result<()> {
        let query = format!(
            "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '{slot}' and plugin = 'test_decoding' and database = current_database() and not active"
        );
        self.column(&query).await.map(drop)
    }
}

/// A column, and how its values are asked for.
struct Column {
    name: String,
    is_boolean: bool,
}

impl Column {
    /// As a change that is followed tells it: that is a value's own text, but for what is true or false.
    fn as_followed(&self) -> String {
        let name = self.name.replace('"', "\"\"");
        if self.is_boolean { format!("\"{name}\"::text") } else { format!("\"{name}\"") }
    }
}

impl Table {
    fn new(columns: Vec<Column>, rows: SetDigest) -> Self {
        Self { columns: columns.into_iter().map(|it| it.name).collect(), rows }
    }
}

/// A table's name in quotes.
fn quoted(table: &str) -> String {
    let part = |it: &str| format!("\"{it}\"");
    table.split('.').map(part).collect::<Vec<_>>().join(".")
}
