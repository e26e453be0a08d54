//! Changes of the data, as a real PostgreSQL has them: seen, published, alerted where nobody published; never at its cost.

use super::{granted, granted_with};
use liuhen_tests::Cluster;
use liuhen_tests::actions::{liuhen, told};
use liuhen_tests::cluster::path_text;
use liuhen_tests::doors::{Gate, get};
use liuhen_tests::postgres::Postgres;
use liuhen_tests::wait::until;
use serde_json::Value;
use std::fs::File;
use std::io::Write as _;

const PSB: (&str, &str) = ("psb", "officer");

const SCHEMA: &str = "create schema civil; \
    create table civil.resident (id int primary key, name text, born date, tags int[], code char(6), is_well boolean, address inet); \
    insert into civil.resident select n, 'name ''' || n, '2000-01-01', array[n, n + 1], 'ab', n % 2 = 0, '10.1.2.3' from generate_series(1, 500) n; \
    insert into civil.resident values (501, null, null, null); \
    create table civil.user (id int primary key, note text); alter table civil.user alter note set storage external; \
    insert into civil.user values (1, repeat('x', 100000));";

/// What the gate logged of digests, in order.
fn digests(gate: &Gate, of: &str) -> Vec<String> {
    let lines = gate.log();
    let lines = lines.lines().filter(|it| it.contains(of));
    let digest = |it: &str| -> Option<String> {
        let (_, rest) = it.split_once(" digest=")?;
        rest.split_whitespace().next().map(str::to_owned)
    };
    lines.filter_map(digest).collect()
}

fn database(settings: &str) -> anyhow::Result<Postgres> {
    let postgres = Postgres::start(settings)?;
    postgres.run("postgres", "create database population")?;
    postgres.run("population", SCHEMA)?;
    Ok(postgres)
}

/// Has the gate see the changes of residents.
fn watch(gate: &Gate, postgres: &Postgres, more: &str) -> anyhow::Result<()> {
    let mut settings = File::options().append(true).open(gate.folder.join("gate.toml"))?;
    write!(
        settings,
        "\n[[change]]\ndataset = \"civil.resident\"\ntables = [\"civil.resident\", \"civil.user\"]\nevery_seconds = 1\n\
         database = \"host={} user=postgres dbname=population\"\n{more}\n",
        postgres.folder().display()
    )?;
    Ok(())
}

/// The versions of residents on the ledger.
async fn versions(cluster: &mut Cluster) -> anyhow::Result<Vec<String>> {
    let trail = ["trail", "dataset", "civil.resident", "-o", "json"];
    let events: Vec<Value> = serde_json::from_str(&liuhen(cluster, PSB, &trail).await?)?;
    let published = events.iter().filter(|it| it["event"] == "PublishVersion");
    Ok(published.map(|it| it["datasets"].as_str().unwrap_or_default().to_owned()).collect())
}

async fn published(
    cluster: &mut Cluster,
    gate: &Gate,
    count: usize,
) -> anyhow::Result<Vec<String>> {
    until("a version", async || versions(cluster).await.ok().filter(|it| it.len() == count))
        .await
        .map_err(|e| e.context(gate.log()))
}

/// Each change by a slot: a version for each, whose digest is a recount's, whatever was done in between.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_followed_is_published() -> anyhow::Result<()> {
    if !Postgres::is_here() {
        return Ok(());
    }
    let postgres = database("wal_level = logical\nmax_slot_wal_keep_size = 64MB")?;
    postgres.run(
        "population",
        "alter table civil.resident replica identity full; alter table civil.user replica identity full",
    )?;
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    let followed =
        "slot = \"liuhen\"\npublish = true\ndigest = { most_cost = 100000.0, every_minutes = 1 }";
    watch(&gate, &postgres, followed)?;
    gate.start().await?;
    published(&mut cluster, &gate, 1).await?;
    postgres.run(
        "population",
        "begin; insert into civil.resident values (600, 'new', null, '{}'); update civil.resident set name = 'it''s' where id < 3; \
         savepoint a; delete from civil.resident where id > 10; rollback to a; delete from civil.resident where id = 7; \
         update civil.resident set is_well = not is_well, code = 'c', address = '::1', name = ': INSERT: a[b]:1' where id = 8; \
         update civil.user set id = 2; commit",
    )?;
    published(&mut cluster, &gate, 2).await?;
    let published_as = "a version is published";
    let logged =
        async || until("a line", async || digests(&gate, published_as).get(1).cloned()).await;
    let before = logged().await?;
    gate.kill()?;
    gate.start().await?;
    let followed = "select count(*) from pg_replication_slots where slot_name = 'liuhen' and active_pid is null";
    until("a slot again", async || {
        let metrics = get(gate.watch, "/metrics", &[]).await.ok()?.body;
        let is_held = metrics.contains("liuhen_gate_change_held_bytes{");
        postgres.run("population", followed).ok().filter(|it| it == "1" && is_held)
    })
    .await
    .map_err(|e| e.context(gate.log()))?;
    postgres.run("population", "update civil.user set id = 3")?;
    published(&mut cluster, &gate, 3).await?;
    postgres.run("population", "update civil.user set id = 2")?;
    let all = published(&mut cluster, &gate, 4).await?;
    assert!(all.iter().all(|it| it.contains("502")), "{all:#?}");
    // All rows are counted anew at the start; with what was followed before it comes to the same.
    until("the same digest", async || {
        (digests(&gate, published_as).last() == Some(&before)).then_some(())
    })
    .await
    .map_err(|e| e.context(gate.log()))?;
    Ok(())
}

/// Without a limit no slot is made, and a digest that would cost too much neither.
#[tokio::test(flavor = "multi_thread")]
async fn never_at_the_databases_cost() -> anyhow::Result<()> {
    if !Postgres::is_here() {
        return Ok(());
    }
    let postgres = database("wal_level = logical")?;
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    watch(&gate, &postgres, "slot = \"liuhen\"")?;
    gate.start().await?;
    until("a refusal", async || gate.log().contains("max_slot_wal_keep_size").then_some(()))
        .await
        .map_err(|e| e.context(gate.log()))?;
    let slots = postgres.run("population", "select count(*) from pg_replication_slots")?;
    assert_eq!(slots, "0", "{}", gate.log());
    gate.kill()?;
    let costly = "digest = { most_cost = 1.0, every_minutes = 1 }\npublish = true";
    gate.change("slot = \"liuhen\"", costly)?;
    gate.start().await?;
    until("a digest that is refused", async || gate.log().contains("would cost").then_some(()))
        .await
        .map_err(|e| e.context(gate.log()))?;
    assert!(versions(&mut cluster).await?.is_empty());
    Ok(())
}

/// A slot that holds back half of what it may is dropped, and that is said; changes are counted from then on.
#[tokio::test(flavor = "multi_thread")]
async fn a_slot_is_given_up_before_its_limit() -> anyhow::Result<()> {
    if !Postgres::is_here() {
        return Ok(());
    }
    let postgres = database("wal_level = logical\nmax_slot_wal_keep_size = 2MB\nautovacuum = off")?;
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    watch(&gate, &postgres, "slot = \"liuhen\"")?;
    gate.start().await?;
    // A transaction that runs holds all back that comes behind its begin.
    let folder = postgres.folder().to_owned();
    let running = std::thread::spawn(move || {
        std::process::Command::new("/usr/lib/postgresql/15/bin/psql")
            .args(["-X", "-q", "-U", "postgres", "-d", "population", "-h"])
            .arg(folder)
            .args([
                "-c",
                "begin; update civil.resident set name = 'open' where id = 1; select pg_sleep(20)",
            ])
            .output()
    });
    until("a slot that is given up", async || {
        let more = "insert into civil.resident select n, repeat('x', 1000) from generate_series(1000, 2000) n on conflict (id) do update set name = excluded.name";
        postgres.run("population", more).ok()?;
        gate.log().contains("it is dropped").then_some(())
    })
    .await
    .map_err(|e| e.context(gate.log()))?;
    let slots = "select count(*) from pg_replication_slots";
    until("no slot", async || postgres.run("population", slots).ok().filter(|it| it == "0"))
        .await
        .map_err(|e| e.context(gate.log()))?;
    let _ = postgres.run("population", "select pg_terminate_backend(pid) from pg_stat_activity where query like '%pg_sleep%' and pid <> pg_backend_pid()");
    let _ = running.join();
    postgres.run("population", "delete from civil.resident where id = 3")?;
    until("a change that is counted", async || {
        gate.log().contains("the data changed").then_some(())
    })
    .await
    .map_err(|e| e.context(gate.log()))?;
    Ok(())
}

/// By counters and a digest: what nobody published is alerted with the next seal.
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_published_is_alerted() -> anyhow::Result<()> {
    if !Postgres::is_here() {
        return Ok(());
    }
    let postgres = database("")?;
    let mut cluster = granted_with("seal_period_ms = 60000\n").await?;
    let digest = "11".repeat(32);
    let publish =
        ["dataset", "publish", "civil.resident", "--content-digest", &digest, "--rows", "501"];
    liuhen(&mut cluster, PSB, &publish).await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    watch(&gate, &postgres, "digest = { most_cost = 100000.0, every_minutes = 1 }")?;
    let settings = gate.folder.join("gate.toml");
    let checked = cluster.run("liuhen-gate", &["check", "--settings", path_text(&settings)?])?;
    assert!(checked.status.success(), "{}", told(&checked));
    gate.start().await?;
    until("a digest", async || {
        (!digests(&gate, "the rows have another digest").is_empty()).then_some(())
    })
    .await
    .map_err(|e| e.context(gate.log()))?;
    // A period is over once a minute.
    until("an alert", async || {
        let alerts = liuhen(&mut cluster, PSB, &["alert", "list", "-o", "json"]).await.ok()?;
        alerts.contains("unpublished change").then_some(())
    })
    .await
    .map_err(|e| e.context(gate.log()))?;
    Ok(())
}
