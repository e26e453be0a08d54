//! Asks a PostgreSQL how its tables stand, and follows what changes.

use super::decoding::{self, Change, Columns};
use super::set_digest::SetDigest;
use super::{Counts, Seen, Watched};
use crate::gate::Gate;
use anyhow::Context as _;
use futures::StreamExt as _;
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};
use tokio_util::sync::CancellationToken;

/// How often a slot is read.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);
/// After a failure it is looked again after so long.
const AGAIN: Duration = Duration::from_secs(10);
/// Changes that are read at once.
const AT_ONCE: u32 = 10_000;
/// Looks at which the counters stand still before all rows are read: then a load is over.
const STILL: u32 = 2;

/// Looks until told to stop.
pub async fn watch(watched: Watched, gate: Arc<Gate>, stop: CancellationToken) {
    let mut may_follow = watched.slot.is_some();
    while !stop.is_cancelled() {
        let looking = look(&watched, &gate, may_follow, &stop);
        match looking.await {
            Ok(Ended::Stopped) => return,
            Ok(Ended::SlotGivenUp) => may_follow = false,
            Err(error) => {
                gate.changes
                    .note(&watched.dataset, |it| it.failures = it.failures.saturating_add(1));
                tracing::warn!(dataset = watched.dataset, error = %format!("{error:#}"), "changes of the data can't be seen; it is looked again");
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(AGAIN) => {}
                }
            }
        }
    }
}

/// Why a look is over.
enum Ended {
    Stopped,
    SlotGivenUp,
}

async fn look(
    watched: &Watched,
    gate: &Gate,
    may_follow: bool,
    stop: &CancellationToken,
) -> anyhow::Result<Ended> {
    let mut config: tokio_postgres::Config = watched.database.parse().context("database")?;
    config.application_name("liuhen-gate").connect_timeout(Duration::from_secs(10));
    if let Some(file) = &watched.password_file {
        let text = std::fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
        config.password(text.trim_end_matches(['\r', '\n']));
    }
    let (client, connection) = config.connect(NoTls).await.context("database")?;
    let link = tokio::spawn(connection);
    let database = Database { client };
    let ended = match watched.slot.as_ref().filter(|_| may_follow) {
        Some(slot) => follow(&database, watched, slot, gate, stop).await,
        None => count(&database, watched, gate, stop).await,
    };
    link.abort();
    ended
}

/// The first way: counters, and a digest of all rows where they changed, and it may be made.
async fn count(
    database: &Database,
    watched: &Watched,
    gate: &Gate,
    stop: &CancellationToken,
) -> anyhow::Result<Ended> {
    let (mut digested, mut still): (Option<Instant>, u32) = (None, 0);
    let mut before: Option<Counts> = None;
    loop {
        let counts = database.counts(&watched.tables).await?;
        still = if before == Some(counts) { still.saturating_add(1) } else { 0 };
        if before.is_some_and(|it| it != counts) {
            tracing::info!(dataset = watched.dataset, ?counts, "the data changed");
        }
        gate.changes.note(&watched.dataset, |it| {
            it.changes =
                it.changes.saturating_add(u64::from(before.is_some_and(|it| it != counts)));
            it.counts = counts;
        });
        before = Some(counts);
        let is_known = gate.changes.all().iter().any(|(name, it)| {
            *name == watched.dataset && it.seen.is_some_and(|(_, at)| at == counts)
        });
        if let Some(how) = watched.digest.filter(|_| !is_known && still >= STILL) {
            let every = Duration::from_secs(how.every_minutes.saturating_mul(60));
            if digested.is_none_or(|at| at.elapsed() >= every) {
                digested = Some(Instant::now());
                let seen = database.digest(&watched.tables, how.most_cost).await?;
                // What changed meanwhile is looked at the next time.
                if database.counts(&watched.tables).await? == counts {
                    gate.changes.note(&watched.dataset, |it| it.seen = Some((seen.of(), counts)));
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(Ended::Stopped),
            () = tokio::time::sleep(Duration::from_secs(watched.every_seconds)) => {}
        }
    }
}

/// The second way: each change, by a slot that is dropped before it costs the database its disk.
async fn follow(
    database: &Database,
    watched: &Watched,
    slot: &str,
    gate: &Gate,
    stop: &CancellationToken,
) -> anyhow::Result<Ended> {
    let limit = database.slot_limit().await?;
    database.drop_slot(slot).await?;
    database
        .one(&format!("select pg_create_logical_replication_slot('{slot}', 'test_decoding')"))
        .await?;
    let followed = followed(database, watched, slot, limit, gate, stop).await;
    let dropped = database.drop_slot(slot).await;
    gate.changes.note(&watched.dataset, |it| it.held = None);
    let ended = followed?;
    dropped?;
    Ok(ended)
}

async fn followed(
    database: &Database,
    watched: &Watched,
    slot: &str,
    limit: u64,
    gate: &Gate,
    stop: &CancellationToken,
) -> anyhow::Result<Ended> {
    let most = watched.digest.map_or(f64::INFINITY, |it| it.most_cost);
    let mut following = Following::begin(database, watched, most).await?;
    loop {
        let read =
            format!("select data from pg_logical_slot_get_changes('{slot}', null, {AT_ONCE})");
        let lines = database.column(&read).await?;
        let is_more = !lines.is_empty();
        for line in &lines {
            following.take(line)?;
        }
        let held = database.held(slot).await?;
        let (counts, seen) = (following.counts, following.seen());
        gate.changes.note(&watched.dataset, |it| {
            it.changes = it.changes.saturating_add(u64::from(it.counts != counts));
            (it.counts, it.held) = (counts, held);
            it.seen = seen.map(|seen| (seen, counts));
        });
        if held.is_none_or(|it| it > limit / 2) {
            tracing::error!(
                dataset = watched.dataset,
                ?held,
                limit,
                "the slot holds back half of what it may: it is dropped, and changes are counted from now on"
            );
            return Ok(Ended::SlotGivenUp);
        }
        if stop.is_cancelled() {
            return Ok(Ended::Stopped);
        }
        if !is_more {
            tokio::select! {
                () = stop.cancelled() => return Ok(Ended::Stopped),
                () = tokio::time::sleep(FOLLOW_EVERY) => {}
            }
        }
    }
}

/// What is followed of some tables.
struct Following {
    /// By table, as it is quoted.
    tables: BTreeMap<String, Table>,
    /// What the first count saw already.
    counted: Snapshot,
    /// The transaction at hand was counted.
    is_counted: bool,
    counts: Counts,
    /// Whether each change is told whole.
    is_whole: bool,
}

struct Table {
    columns: Vec<String>,
    rows: SetDigest,
}

impl Following {
    /// Counts all rows once; what is decoded from here on, and was not counted then, is what changed since.
    async fn begin(database: &Database, watched: &Watched, most: f64) -> anyhow::Result<Self> {
        let mut is_whole = true;
        for table in &watched.tables {
            let table = quoted(table);
            let identity =
                format!("select relreplident from pg_class where oid = '{table}'::regclass");
            is_whole &= database.one(&identity).await? == "f";
        }
        if !is_whole {
            tracing::warn!(
                dataset = watched.dataset,
                "a table has no REPLICA IDENTITY FULL: changes are counted, and have no digest"
            );
        }
        let (snapshot, tables) = database.rows(&watched.tables, most).await?;
        let counted = Snapshot::read(&snapshot).context("the database's snapshot")?;
        Ok(Self { tables, counted, is_counted: false, counts: Counts::default(), is_whole })
    }

    /// Takes a change in. Errors for one of these tables that can't be read: then all is counted anew.
    fn take(&mut self, line: &str) -> anyhow::Result<()> {
        let is_other = line.strip_prefix("table ").is_some_and(|it| {
            let names = it.split_once(": ").map_or(it, |(names, _)| names);
            !names.split(", ").any(|name| self.tables.contains_key(name))
        });
        if is_other {
            return Ok(());
        }
        let Some(change) = decoding::read(line) else {
            anyhow::ensure!(!line.starts_with("table "), "a change that does not tell a row whole");
            return Ok(());
        };
        match change {
            Change::Begin(xid) => self.is_counted = self.counted.saw(xid),
            Change::Commit => self.is_counted = false,
            _ if self.is_counted => {}
            Change::Insert(table, new) => {
                self.counts.added = self.counts.added.saturating_add(1);
                self.turn(&table, None, Some(&new));
            }
            Change::Update(table, old, new) => {
                self.counts.changed = self.counts.changed.saturating_add(1);
                self.turn(&table, old.as_ref(), Some(&new));
            }
            Change::Delete(table, old) => {
                self.counts.removed = self.counts.removed.saturating_add(1);
                self.turn(&table, old.as_ref(), None);
            }
            Change::Truncate(tables) => {
                for table in tables {
                    if let Some(it) = self.tables.get_mut(&table) {
                        self.counts.removed = self.counts.removed.saturating_add(it.rows.rows());
                        it.rows = SetDigest::default();
                    }
                }
            }
        }
        Ok(())
    }

    fn turn(&mut self, name: &str, old: Option<&Columns>, new: Option<&Columns>) {
        let Some(Table { columns, rows }) = self.tables.get_mut(name) else { return };
        let row = |of: &Columns| -> Vec<Option<String>> {
            columns.iter().map(|column| of.get(column).cloned().flatten()).collect()
        };
        if let Some(old) = old {
            rows.remove(name, &row(old));
        }
        if let Some(new) = new {
            rows.add(name, &row(new));
        }
    }

    fn seen(&self) -> Option<Seen> {
        let mut all = SetDigest::default();
        self.tables.values().for_each(|it| all.join(&it.rows));
        self.is_whole.then(|| all.of())
    }
}

impl SetDigest {
    fn of(&self) -> Seen {
        Seen { digest: self.finish(), rows: self.rows() }
    }
}

/// Which transactions a query saw, as `pg_current_snapshot` says it.
#[derive(Debug, PartialEq, Eq)]
struct Snapshot {
    /// The first that had not begun.
    end: u64,
    /// Those that ran.
    running: Vec<u64>,
}

impl Snapshot {
    /// `xmin:xmax:xid,xid`.
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (_, end, running) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        let running = running.split(',').filter(|it| !it.is_empty()).map(|it| it.parse().ok());
        Some(Self { end, running: running.collect::<Option<_>>()? })
    }

    /// Whether it saw a transaction, of whose number the lower half is told: it is at most half a round away.
    fn saw(&self, xid: u32) -> bool {
        let low = |it: u64| u32::try_from(it & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        let is_before_end = low(self.end).wrapping_sub(xid).cast_signed() > 0;
        is_before_end && !self.running.iter().any(|it| low(*it) == xid)
    }
}

/// A connection to the database.
struct Database {
    client: Client,
}

impl Database {
    /// The first column of all rows.
    async fn column(&self, query: &str) -> anyhow::Result<Vec<String>> {
        let answer = self.client.simple_query(query).await?;
        let row = |it: SimpleQueryMessage| match it {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
            _ => None,
        };
        Ok(answer.into_iter().filter_map(row).collect())
    }

    /// The one value that a query gives.
    async fn one(&self, query: &str) -> anyhow::Result<String> {
        let all = self.column(query).await?;
        all.into_iter().next().with_context(|| format!("nothing came of: {query}"))
    }

    async fn number(&self, query: &str) -> anyhow::Result<u64> {
        self.one(query).await?.parse().with_context(|| format!("no number came of: {query}"))
    }

    /// Rows that were put in, changed and taken out of these tables, as the database counts them.
    async fn counts(&self, tables: &[String]) -> anyhow::Result<Counts> {
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
    async fn digest(&self, tables: &[String], most: f64) -> anyhow::Result<SetDigest> {
        let (_, tables) = self.rows(tables, most).await?;
        let mut all = SetDigest::default();
        tables.values().for_each(|it| all.join(&it.rows));
        Ok(all)
    }

    /// All rows of tables at one moment, and which.
    async fn rows(
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

    async fn columns(&self, table: &str) -> anyhow::Result<Vec<String>> {
        let query = format!(
            "select attname from pg_attribute where attrelid = '{table}'::regclass and attnum > 0 and not attisdropped order by attnum"
        );
        let columns = self.column(&query).await?;
        anyhow::ensure!(!columns.is_empty(), "{table} has no columns");
        Ok(columns)
    }

    /// What a query costs, as the planner says.
    async fn cost(&self, query: &str) -> anyhow::Result<f64> {
        let plan = self.column(&format!("explain (format json) {query}")).await?.concat();
        let plan: serde_json::Value = serde_json::from_str(&plan)?;
        plan.pointer("/0/Plan/Total Cost")
            .and_then(|it| it.as_f64())
            .context("the plan has no cost")
    }

    /// How many bytes of log a slot may hold back. Errors where that is not limited.
    async fn slot_limit(&self) -> anyhow::Result<u64> {
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
    async fn held(&self, slot: &str) -> anyhow::Result<Option<u64>> {
        let query = format!(
            "select greatest(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::bigint from pg_replication_slots where slot_name = '{slot}' and wal_status in ('reserved', 'extended')"
        );
        Ok(self.column(&query).await?.first().and_then(|it| it.parse().ok()))
    }

    async fn drop_slot(&self, slot: &str) -> anyhow::Result<()> {
        let query = format!(
            "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = '{slot}'"
        );
        self.column(&query).await.map(drop)
    }
}

/// A table's name as PostgreSQL writes it: in quotes where it is not of small letters, digits and `_`.
fn quoted(table: &str) -> String {
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
    fn what_a_snapshot_saw() {
        let it = Snapshot::read("740:750:742,745").unwrap();
        for (xid, saw) in [
            (739, true),
            (742, false),
            (743, true),
            (745, false),
            (749, true),
            (750, false),
            (751, false),
        ] {
            assert_eq!(it.saw(xid), saw, "{xid}");
        }
        assert!(Snapshot::read("7:7:").unwrap().saw(6));
        // The numbers that are told begin anew after 2³².
        let it = Snapshot::read("4294967290:4294967300:").unwrap();
        assert!(it.saw(3) && it.saw(u32::MAX) && !it.saw(4));
        assert!(Snapshot::read("740:750").is_none() && Snapshot::read("a:b:").is_none());
    }

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

    #[test]
    fn what_is_followed_is_what_a_recount_gives() {
        let table = Table { columns: vec!["id".into(), "name".into()], rows: SetDigest::default() };
        let mut it = Following {
            tables: [("civil.resident".to_owned(), table)].into(),
            counted: Snapshot::read("10:10:").unwrap(),
            is_counted: false,
            counts: Counts::default(),
            is_whole: true,
        };
        for line in [
            "BEGIN 9",
            "table civil.resident: INSERT: id[integer]:1 name[text]:'counted before'",
            "COMMIT 9",
            "BEGIN 10",
            "table civil.resident: INSERT: id[integer]:2 name[text]:'b'",
            "table civil.other: INSERT: what[text]:unchanged-toast-datum",
            "table civil.resident: UPDATE: old-key: id[integer]:2 name[text]:'b' new-tuple: id[integer]:2 name[text]:null",
            "table civil.resident: INSERT: id[integer]:3 name[text]:'c'",
            "table civil.resident: DELETE: id[integer]:3 name[text]:'c'",
            "COMMIT 10",
        ] {
            it.take(line).unwrap();
        }
        let mut counted = SetDigest::default();
        counted.add("civil.resident", &[Some("2".into()), None]);
        assert_eq!(it.seen(), Some(counted.of()));
        assert_eq!(it.counts, Counts { added: 2, changed: 1, removed: 1 });
        it.take("table civil.other, civil.resident: TRUNCATE: (no-flags)").unwrap();
        assert_eq!((it.seen().map(|it| it.rows), it.counts.removed), (Some(0), 2));
        let untold = "table civil.resident: INSERT: id[integer]:4 name[text]:unchanged-toast-datum";
        assert!(it.take(untold).is_err());
    }
}
