//! Looks at a dataset's tables again and again: by counters, or by each change.

use super::database::Database;
use super::following::{Following, Snapshot};
use super::{Changes, Counts, Watched};
use anyhow::Context as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;
use tokio_postgres::{NoTls, SimpleQueryRow};
use tokio_util::sync::CancellationToken;

/// How often a slot is read.
const FOLLOW_EVERY: Duration = Duration::from_millis(500);
/// After a failure it is looked again after so long, and longer each time, up to the next: for then all rows are counted anew.
const AGAIN: Duration = Duration::from_secs(10);
const AGAIN_AT_MOST: Duration = Duration::from_secs(600);
/// Changes that are read at once.
const AT_ONCE: u32 = 10_000;
/// Looks at which the counters stand still before all rows are read: then a load is over.
const STILL: u32 = 2;

/// Looks until told to stop.
pub async fn watch(watched: Watched, changes: Arc<Changes>, stop: CancellationToken) {
    let mut may_follow = watched.slot.is_some();
    let mut again = AGAIN;
    while !stop.is_cancelled() {
        let begun = Instant::now();
        let looking = look(&watched, &changes, may_follow, &stop);
        match looking.await {
            Ok(Ended::Stopped) => return,
            Ok(Ended::SlotGivenUp) => may_follow = false,
            Err(error) => {
                // What was seen says nothing of now.
                changes.note(&watched.dataset, |it| {
                    (it.failures, it.seen) = (it.failures.saturating_add(1), None);
                });
                again = if begun.elapsed() > AGAIN_AT_MOST { AGAIN } else { again };
                tracing::warn!(dataset = watched.dataset, error = %format!("{error:#}"), "changes of the data can't be seen; it is looked again");
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(again) => {}
                }
                again = (again * 2).min(AGAIN_AT_MOST);
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
    changes: &Changes,
    may_follow: bool,
    stop: &CancellationToken,
) -> anyhow::Result<Ended> {
    let (database, link) = connect(watched).await?;
    let ended = match watched.slot.as_ref().filter(|_| may_follow) {
        Some(slot) => follow(&database, watched, slot, changes, stop).await,
        None => count(&database, watched, changes, stop).await,
    };
    link.abort();
    ended
}

/// The database, and what keeps the connection going.
pub async fn connect(
    watched: &Watched,
) -> anyhow::Result<(Database, JoinHandle<Result<(), tokio_postgres::Error>>)> {
    let mut config: tokio_postgres::Config = watched.database.parse().context("database")?;
    config.application_name("liuhen-gate").connect_timeout(Duration::from_secs(10));
    if let Some(file) = &watched.password_file {
        let text = std::fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
        config.password(text.trim_end_matches(['\r', '\n']));
    }
    let (client, connection) = config.connect(NoTls).await.context("database")?;
    Ok((Database { client }, tokio::spawn(connection)))
}

/// The first way: counters, and a digest of all rows where they changed, and it may be made.
async fn count(
    database: &Database,
    watched: &Watched,
    changes: &Changes,
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
        changes.note(&watched.dataset, |it| {
            it.changes =
                it.changes.saturating_add(u64::from(before.is_some_and(|it| it != counts)));
            (it.counts, it.looked) = (counts, Some(Instant::now()));
        });
        before = Some(counts);
        let is_known = changes.all().iter().any(|(name, it)| {
            *name == watched.dataset && it.seen.is_some_and(|(_, at)| at == counts)
        });
        if let Some(how) = watched.digest.filter(|_| !is_known && still >= STILL) {
            let every = Duration::from_secs(how.every_minutes.saturating_mul(60));
            if digested.is_none_or(|at| at.elapsed() >= every) {
                digested = Some(Instant::now());
                let seen = database.digest(&watched.tables, how.most_cost).await?;
                // What changed meanwhile is looked at the next time.
                if database.counts(&watched.tables).await? == counts {
                    changes.saw(&watched.dataset, seen.of(), counts);
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
    changes: &Changes,
    stop: &CancellationToken,
) -> anyhow::Result<Ended> {
    let limit = database.slot_limit().await?;
    database.drop_slot(slot).await?;
    database
        .one(&format!("select pg_create_logical_replication_slot('{slot}', 'test_decoding')"))
        .await?;
    let followed = tokio::select! {
        ended = followed(database, watched, slot, limit, changes) => ended,
        () = stop.cancelled() => database.cancel().await.map(|()| Ended::Stopped),
    };
    let dropped = database.drop_slot(slot).await;
    changes.note(&watched.dataset, |it| it.held = None);
    let ended = followed?;
    dropped?;
    Ok(ended)
}

async fn followed(
    database: &Database,
    watched: &Watched,
    slot: &str,
    limit: u64,
    changes: &Changes,
) -> anyhow::Result<Ended> {
    let mut following = begin(database, watched).await?;
    loop {
        let read =
            format!("select data from pg_logical_slot_get_changes('{slot}', null, {AT_ONCE})");
        let mut is_more = false;
        let take = |row: &SimpleQueryRow| {
            is_more = true;
            row.get(0).map_or(Ok(()), |line| following.take(line))
        };
        database.each(&read, take).await?;
        let held = database.held(slot).await?;
        let (counts, seen) = (following.counts, following.seen());
        changes.note(&watched.dataset, |it| {
            it.changes = it.changes.saturating_add(u64::from(it.counts != counts));
            (it.counts, it.held, it.looked) = (counts, held, Some(Instant::now()));
        });
        if let Some(seen) = seen {
            changes.saw(&watched.dataset, seen, counts);
        }
        if held.is_none_or(|it| it > limit / 2) {
            tracing::error!(
                dataset = watched.dataset,
                ?held,
                limit,
                "the slot holds back half of what it may: it is dropped, and changes are counted from now on"
            );
            return Ok(Ended::SlotGivenUp);
        }
        if !is_more {
            tokio::time::sleep(FOLLOW_EVERY).await;
        }
    }
}

/// Counts all rows once, where each change is told whole and it may; what is decoded from here on, and was not counted then, is what changed since.
async fn begin(database: &Database, watched: &Watched) -> anyhow::Result<Following> {
    let mut is_whole = watched.digest.is_some();
    for table in &watched.tables {
        if is_whole && !database.is_whole(table).await? {
            tracing::warn!(
                dataset = watched.dataset,
                table,
                "it has no REPLICA IDENTITY FULL: changes are counted, and have no digest"
            );
            is_whole = false;
        }
    }
    // What the database counted before; what was seen of it goes on from there.
    let counts = database.counts(&watched.tables).await?;
    let (snapshot, tables) = match watched.digest.filter(|_| is_whole) {
        Some(how) => database.rows(&watched.tables, how.most_cost).await?,
        None => database.empty(&watched.tables).await?,
    };
    let counted = Snapshot::read(&snapshot).context("the database's snapshot")?;
    Ok(Following { tables, counted, is_counted: false, counts, is_whole })
}
