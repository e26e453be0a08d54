//! A gate before a service that knows nothing of it: what it decided is on the ledger, once, whatever happened in between.

mod api;
mod by_hand;
mod changes;
mod followed;
mod full;
mod gap;
mod jar;
mod lasting;
mod leased;
mod many;
mod nodes;
mod observing;
mod own;
mod proxies;
mod repeated;
mod using;
mod watched;
mod whose;

use anyhow::Context as _;
use liuhen_node::store::StoredBlock;
use liuhen_proto::merkle::{Blake3Log, log};
use liuhen_proto::tx::Tx;
use liuhen_proto::wire::item::Kind;
use liuhen_proto::wire::{Decision, RecordAccess, SealPeriod};
use liuhen_tests::Cluster;
use liuhen_tests::actions::{grant, liuhen, told};
use liuhen_tests::cluster::path_text;
use liuhen_tests::consortium::{NODES, free_port};
use liuhen_tests::doors::{Answered, Gate, Nginx, PORTAL_KEY, SECRET, get, send, service};
use liuhen_tests::wait::until;
use serde_json::Value;
use std::collections::BTreeMap;
use tokio::task::JoinSet;

/// Human resources may read residents, and public security's gateway serves them.
async fn granted() -> anyhow::Result<Cluster> {
    granted_with("").await
}

/// The same of a consortium with these parameters.
async fn granted_with(parameters: &str) -> anyhow::Result<Cluster> {
    let mut cluster = Cluster::start_of(parameters, &[]).await?;
    grant(&mut cluster).await?;
    let set = ["gateway", "set", "gz.psb/gateway", "--datasets", "civil.resident"];
    liuhen(&mut cluster, ("psb", "officer"), &set).await?;
    Ok(cluster)
}

/// What the gateway recorded, by number, once so many are on the ledger.
async fn recorded(cluster: &mut Cluster, count: usize) -> anyhow::Result<Vec<Value>> {
    let trail = ["trail", "gateway", "gz.psb/gateway", "-o", "json"];
    let mut all = Vec::new();
    let there = until("the records", async || {
        let told = liuhen(cluster, ("psb", "officer"), &trail).await.ok()?;
        let events: Vec<Value> = serde_json::from_str(&told).ok()?;
        all = events.into_iter().filter(|it| it["event"] == "RecordAccess").collect();
        (all.len() >= count).then_some(())
    });
    there.await?;
    anyhow::ensure!(all.len() == count, "{} instead of {count}: {all:#?}", all.len());
    Ok(all)
}

async fn asks(nginx: &Nginx, path: &str) -> anyhow::Result<Answered> {
    get(nginx.port, path, &[("X-Api-Key", PORTAL_KEY)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_asks_and_the_ledger_knows() -> anyhow::Result<()> {
    if !Nginx::is_here() {
        return Ok(());
    }
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb", "hrss"]).await?;
    let settings = gate.folder.join("gate.toml");
    let check = ["check", "--settings", path_text(&settings)?];
    let output = cluster.run("liuhen-gate", &check)?;
    assert!(told(&output).contains("ok     gateway: civil.resident"), "{}", told(&output));
    gate.start().await?;
    let nginx = Nginx::start(&gate, service().await?).await?;

    let served = asks(&nginx, "/residents/7").await?;
    assert_eq!(served.status, 200, "{served:?} {}", gate.log());
    assert!(served.body.contains("a resident") && served.header("X-Liuhen-Rows").is_none());
    let token = served.header("X-Liuhen-Access").unwrap_or_default();
    assert_eq!(token.split(';').count(), 5, "{token}");
    // Whoever shows no key, asks for what no route has, or says of itself what a gate would.
    let forged = [("X-Gate-Request", "1"), ("X-Liuhen-Access", token)];
    assert_eq!(get(nginx.port, "/residents/7", &forged).await?.status, 403);
    assert_eq!(asks(&nginx, "/others/7").await?.status, 403);

    let mut all = recorded(&mut cluster, 2).await.map_err(|e| e.context(gate.log()))?;
    // What was denied is over at once, what was served when nginx says so.
    all.sort_by_key(|it| it["verdict"] == "denied");
    let said = |at: usize, what: &str| all[at][what].as_str().unwrap_or_default().to_owned();
    assert_eq!((said(0, "verdict"), said(0, "timeliness")), ("covered".into(), "live".into()));
    assert_eq!((said(0, "asker"), &all[0]["rows"]), ("gz.hrss/portal".into(), &1.into()));
    assert_eq!((said(1, "verdict"), said(1, "timeliness")), ("denied".into(), "live".into()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_asks_by_itself() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    gate.start().await?;
    let secret = format!("Bearer {SECRET}");
    let shown = [("Authorization", secret.as_str())];
    let question = r#"{"request":"r-1","method":"GET","uri":"/residents/7","headers":{"X-Api-Key":"the portal's own key"}}"#;
    let said = send(gate.api, "POST", "/v1/decide", &shown, question).await?;
    let told: Value = serde_json::from_str(&said.body)?;
    assert_eq!(
        (said.status, &told["serve"], &told["access_no"]),
        (200, &true.into(), &1.into()),
        "{said:?}"
    );
    // Asked twice it is one access.
    let again = send(gate.api, "POST", "/v1/decide", &shown, question).await?;
    assert_eq!(serde_json::from_str::<Value>(&again.body)?["access_no"], 1);
    let another = question.replace("residents/7", "residents/8");
    let taken = send(gate.api, "POST", "/v1/decide", &shown, &another).await?;
    let taken: Value = serde_json::from_str(&taken.body)?;
    assert_eq!(
        (&taken["serve"], &taken["reason"]),
        (&false.into(), &"gate.request_id_taken".into())
    );
    let ended = r#"{"request":"r-1","rows":3}"#;
    assert_eq!(send(gate.api, "POST", "/v1/complete", &shown, ended).await?.status, 200);
    for (headers, body, status) in [
        (&[][..], question, 401),
        (&[("Authorization", "Bearer another")][..], question, 401),
        (&shown[..], "{", 400),
        (&shown[..], r#"{"request":"r-2","method":"GET","uri":"/","grant":"hr-1"}"#, 400),
    ] {
        let said = send(gate.api, "POST", "/v1/decide", headers, body).await?;
        assert_eq!(said.status, status, "{body}: {said:?}");
    }
    // What is over is over; by the same name it is another access.
    assert_eq!(send(gate.api, "POST", "/v1/complete", &shown, ended).await?.status, 404);
    assert_eq!(asks_by_api(&gate, "r-1").await?["access_no"], 2);
    ends_by_api(&gate, "r-1").await?;
    recorded(&mut cluster, 2).await?;
    Ok(())
}

/// Whatever ends the gate, takes a node away or turns the log over: what was served is on the ledger once, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn once_whatever_happens() -> anyhow::Result<()> {
    if !Nginx::is_here() {
        return Ok(());
    }
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb", "hrss", "tax"]).await?;
    gate.start().await?;
    let nginx = Nginx::start(&gate, service().await?).await?;
    let mut served = Vec::new();
    // As `scripts/soak gate` wants it, many more.
    let of_soak = |name: &str, few: usize| {
        std::env::var(name).ok().and_then(|it| it.parse().ok()).unwrap_or(few)
    };
    let (rounds, each) = (of_soak("LIUHEN_ROUNDS", 5), of_soak("LIUHEN_EACH", 200));
    for round in 0..rounds {
        let mut asking = JoinSet::new();
        let ask =
            |port| async move { get(port, "/residents/7", &[("X-Api-Key", PORTAL_KEY)]).await };
        let mut begun = each.min(40);
        for _ in 0..begun {
            asking.spawn(ask(nginx.port));
        }
        // In the midst of it, at another moment each time.
        let mut answers = Vec::new();
        while let Some(answer) = asking.join_next().await {
            answers.push(answer??);
            if begun < each {
                begun += 1;
                asking.spawn(ask(nginx.port));
            }
            if answers.len() == 5 + 37 * round % (each - 5) {
                match round {
                    1 => cluster.kill("hrss")?,
                    2 => std::fs::rename(
                        gate.folder.join("access.log"),
                        gate.folder.join("old.log"),
                    )?,
                    _ => {}
                }
                gate.kill()?;
                gate.start().await?;
                nginx.reopen()?;
            }
        }
        let numbers = answers.iter().filter(|it| it.status == 200).map(number);
        served.extend(numbers.collect::<anyhow::Result<Vec<u64>>>()?);
        // Without its gate nginx serves nothing.
        let others = answers.iter().filter(|it| it.status != 200);
        assert!(others.clone().all(|it| it.status == 500), "{:?}", others.collect::<Vec<_>>());
        let one = asks(&nginx, "/residents/7").await?;
        assert_eq!(one.status, 200, "{one:?}: {}", gate.log());
        served.push(number(&one)?);
    }
    let asked = served.len();
    served.sort_unstable();
    served.dedup();
    assert_eq!(served.len(), asked, "a number was given twice");
    spool_is_empty(&gate).await?;
    cluster.launch("hrss")?;
    let records = on_the_ledger(&mut cluster).await?;
    assert!(records.iter().all(|it| it.decision() == Decision::Served), "{records:#?}");
    let on_ledger: Vec<u64> = records.iter().map(|it| it.access_no).collect();
    // A number that was given as the gate ended, and whose answer nginx did not get: it is there, as whoever asked may have been served.
    let all: Vec<u64> = (1..=on_ledger.last().copied().unwrap_or_default()).collect();
    assert_eq!(on_ledger, all, "numbers without gap, each once");
    let missing: Vec<_> = served.iter().filter(|it| !on_ledger.contains(it)).collect();
    assert!(missing.is_empty(), "served, and not on the ledger: {missing:?}");
    println!("served {asked}, on the ledger {}", on_ledger.len());
    Ok(())
}

/// While no node answers, what was decided by before decides still; what was served then is on the ledger afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_is_away() -> anyhow::Result<()> {
    if !Nginx::is_here() {
        return Ok(());
    }
    let mut cluster = granted().await?;
    for node in ["psb", "hrss"] {
        // They are found again where they were.
        cluster.stop(node).await?;
        cluster.consortium.set(node, "grpc_listen", format!("127.0.0.1:{}", free_port()?))?;
        cluster.launch(node)?;
    }
    let mut gate = Gate::set_up(&mut cluster, &["psb", "hrss"]).await?;
    gate.start().await?;
    let nginx = Nginx::start(&gate, service().await?).await?;
    assert_eq!(asks(&nginx, "/residents/7").await?.status, 200, "{}", gate.log());
    for node in NODES {
        cluster.stop(node).await?;
    }
    for _ in 0..9 {
        let served = asks(&nginx, "/residents/7").await?;
        assert_eq!(served.status, 200, "{served:?} {}", gate.log());
    }
    // Of whom nothing was proved before, nothing is decided: nothing is served, and it is numbered all the same.
    let stranger = get(nginx.port, "/residents/7", &[]).await?;
    assert_eq!((stranger.status, stranger.header("X-Liuhen-Access")), (403, None));
    // Unless the route says otherwise.
    let urgent = get(nginx.port, "/urgent/7", &[]).await?;
    assert_eq!(urgent.status, 200, "{urgent:?}");
    assert!(depth(&gate).await? >= 11, "{}", gate.log());
    // Started anew without any node it decides nothing, and serves what a route lets it.
    gate.kill()?;
    gate.start().await?;
    assert_eq!(asks(&nginx, "/residents/7").await?.status, 403, "{}", gate.log());
    let urgent = asks(&nginx, "/urgent/7").await?;
    assert_eq!(urgent.status, 200, "{urgent:?} {}", gate.log());
    for node in NODES {
        cluster.launch(node)?;
    }
    spool_is_empty(&gate).await?;
    let all = recorded(&mut cluster, 14).await?;
    let of = |verdict: &str| all.iter().filter(|it| it["verdict"] == verdict).count();
    assert_eq!((of("covered"), of("denied"), of("uncovered")), (10, 2, 2), "{all:#?}");
    // What it could not decide it does now.
    assert_eq!(asks(&nginx, "/residents/7").await?.status, 200, "{}", gate.log());
    Ok(())
}

/// The spool is gone: nothing is begun before all that it may have given is declared lost, and nothing is given twice.
#[tokio::test(flavor = "multi_thread")]
async fn a_spool_that_is_lost() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    gate.start().await?;
    for number in 1..=3 {
        asks_by_api(&gate, &format!("r-{number}")).await?;
    }
    ends_by_api(&gate, "r-1").await?;
    recorded(&mut cluster, 1).await?;
    gate.kill()?;
    let settings = gate.folder.join("gate.toml");
    let settings = path_text(&settings)?;
    let lost = ["lost", "--settings", settings, "--cause", "disk_failed"];
    // What is there, and whole, is not lost.
    let output = cluster.run("liuhen-gate", &lost)?;
    assert!(
        told(&output).contains("nothing is lost") && !output.status.success(),
        "{}",
        told(&output)
    );
    std::fs::remove_file(gate.folder.join("spool"))?;
    let output = cluster.run("liuhen-gate", &["run", "--settings", settings])?;
    assert!(
        told(&output).contains("may have been given") && !output.status.success(),
        "{}",
        told(&output)
    );
    let output = cluster.run("liuhen-gate", &lost)?;
    assert!(told(&output).contains("numbers 2 to 1000"), "{}", told(&output));
    gate.start().await?;
    assert_eq!(asks_by_api(&gate, "r-4").await?["access_no"], 1001, "{}", gate.log());
    ends_by_api(&gate, "r-4").await?;
    recorded(&mut cluster, 2).await.map_err(|e| e.context(gate.log()))?;
    Ok(())
}

/// What was given and is not on the ledger yet is used: many at once get no more than is left.
#[tokio::test(flavor = "multi_thread")]
async fn a_quota_is_kept() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let narrower = ["grant", "amend", "hr-1", "--queries-total", "5", "--reason", "less"];
    liuhen(&mut cluster, ("psb", "officer"), &narrower).await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    gate.start().await?;
    let mut asking = JoinSet::new();
    for number in 0..12 {
        let port = gate.api;
        asking.spawn(async move { asks_at(port, &format!("r-{number}")).await });
    }
    let mut served = 0;
    while let Some(said) = asking.join_next().await {
        let said = said??;
        served += u32::from(said["serve"] == true);
        assert!(said["serve"] == true || said["reason"] == "quota_exceeded", "{said}");
    }
    assert_eq!(served, 5, "{}", gate.log());
    for number in 0..12 {
        // Of those that were denied nothing is open.
        let _ = ends_by_api(&gate, &format!("r-{number}")).await;
    }
    let all = recorded(&mut cluster, 12).await.map_err(|e| e.context(gate.log()))?;
    let of = |verdict: &str| all.iter().filter(|it| it["verdict"] == verdict).count();
    assert_eq!((of("covered"), of("denied")), (5, 7), "{all:#?}");
    Ok(())
}

/// A period is sealed by itself, with the root over the items that are on the ledger.
#[tokio::test(flavor = "multi_thread")]
async fn periods_are_sealed() -> anyhow::Result<()> {
    let mut cluster = granted_with("seal_period_ms = 60000\n").await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    gate.start().await?;
    for number in 1..=3 {
        let request = format!("r-{number}");
        let serve = asks_by_api(&gate, &request).await?["serve"] == true;
        assert!(serve, "{}", gate.log());
        ends_by_api(&gate, &request).await?;
    }
    let trail = ["trail", "gateway", "gz.psb/gateway", "-o", "json"];
    until("a seal behind the records", async || {
        let told = liuhen(&mut cluster, ("psb", "officer"), &trail).await.ok()?;
        let events: Vec<Value> = serde_json::from_str(&told).ok()?;
        let is = |what: &str| events.iter().filter(|it| it["event"] == what).count();
        (is("RecordAccess") == 3 && is("SealPeriod") > 0).then_some(())
    })
    .await
    .map_err(|e| e.context(gate.log()))?;
    // What decides was proved again meanwhile.
    assert_eq!(asks_by_api(&gate, "r-4").await?["serve"], true, "{}", gate.log());
    gate.kill()?;
    cluster.stop("psb").await?;
    let (mut digests, mut sealed) = (BTreeMap::new(), Vec::new());
    for block in cluster.blocks("psb")? {
        for bytes in &block.block.transactions {
            for item in Tx::parse(bytes)?.items() {
                match item.kind() {
                    Kind::RecordAccess(it) => drop(digests.insert(it.access_no, *item.digest())),
                    Kind::SealPeriod(it) => sealed.push(it.clone()),
                    _ => {}
                }
            }
        }
    }
    let of = |it: &SealPeriod| {
        let sealed = digests.range(it.first..it.first + it.count).map(|(_, digest)| *digest);
        log::root::<Blake3Log>(sealed.collect::<Vec<_>>()).to_vec()
    };
    assert!(sealed.iter().all(|it| it.spool_root == of(it)), "{sealed:?}");
    assert_eq!(sealed.iter().map(|it| it.count).sum::<u64>(), 3, "{sealed:?}");
    Ok(())
}

/// Asks at the local API, as the portal of human resources.
async fn asks_by_api(gate: &Gate, request: &str) -> anyhow::Result<Value> {
    asks_at(gate.api, request).await
}

async fn asks_at(port: u16, request: &str) -> anyhow::Result<Value> {
    ask_as(port, request, "/residents/7", PORTAL_KEY).await
}

async fn ask_as(port: u16, request: &str, uri: &str, key: &str) -> anyhow::Result<Value> {
    let body = format!(
        r#"{{"request":"{request}","method":"GET","uri":"{uri}","headers":{{"X-Api-Key":"{key}"}}}}"#
    );
    let shown = format!("Bearer {SECRET}");
    let shown = [("Authorization", shown.as_str())];
    Ok(serde_json::from_str(&send(port, "POST", "/v1/decide", &shown, &body).await?.body)?)
}

async fn ends_by_api(gate: &Gate, request: &str) -> anyhow::Result<()> {
    let body = format!(r#"{{"request":"{request}","rows":1}}"#);
    let shown = format!("Bearer {SECRET}");
    let shown = [("Authorization", shown.as_str())];
    let said = send(gate.api, "POST", "/v1/complete", &shown, &body).await?;
    anyhow::ensure!(said.status == 200, "{said:?}");
    Ok(())
}

/// What may be wrong with the settings is said before the start, and nothing is begun.
#[tokio::test(flavor = "multi_thread")]
async fn slips_in_the_settings() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    let settings = gate.folder.join("gate.toml");
    let good = std::fs::read_to_string(&settings)?;
    let check = ["check", "--settings", path_text(&settings)?];
    let output = cluster.run("liuhen-gate", &check)?;
    assert!(output.status.success(), "{}", told(&output));
    for (from, to, why) in [
        ("methods = [\"GET\"]", "method = \"GET\"", "unknown field `method`"),
        ("path = \"/residents/[0-9]+\"", "path = \"/residents/[0-9\"", "path /residents/[0-9"),
        (
            "dataset = \"civil.resident\"",
            "dataset = \"civil.resident\"\noperation = \"look\"",
            "operation look",
        ),
        ("key_header = \"X-Api-Key\"", "", "`key_header` with `key_blake3`"),
        ("gz.hrss/portal", "gz.hrss/nobody", "gz.hrss/nobody"),
        ("kind = \"nginx\"", "kind = \"apache\"", "unknown variant `apache`"),
        ("listen = \"127.0.0.1", "listen = \"0.0.0.0", "on this machine alone"),
        ("name = \"services\"", "name = \"residents\"", "two have this name"),
        ("secret = \"secret\"", "secret = \"none\"", "none: No such file"),
        ("spool = \"spool\"", "spool = \"/dev/shm/spool\"", "is in memory"),
    ] {
        assert!(good.contains(from), "{from}");
        std::fs::write(&settings, good.replace(from, to))?;
        for command in ["run", "check"] {
            let output =
                cluster.run("liuhen-gate", &[command, "--settings", path_text(&settings)?])?;
            assert!(!output.status.success(), "{why}: {}", told(&output));
            assert!(told(&output).contains(why), "{why}: {}", told(&output));
        }
    }
    Ok(())
}

/// The number that an answer carries.
fn number(answer: &Answered) -> anyhow::Result<u64> {
    let token = answer.header("X-Liuhen-Access").context("no token")?;
    Ok(token.split(';').nth(1).context("no number")?.parse()?)
}

/// How many numbers are not on the ledger yet.
async fn spool_is_empty(gate: &Gate) -> anyhow::Result<()> {
    until("the spool to be empty", async || depth(gate).await.ok().filter(|it| *it == 0))
        .await
        .map_err(|e| e.context(gate.log()))?;
    Ok(())
}

async fn depth(gate: &Gate) -> anyhow::Result<u64> {
    let metrics = get(gate.watch, "/metrics", &[]).await?.body;
    let line = metrics.lines().find_map(|it| it.strip_prefix("liuhen_gate_spool_depth "));
    Ok(line.context("no such metric")?.parse()?)
}

/// All records by the blocks of a node, which is stopped for that; by number.
async fn on_the_ledger(cluster: &mut Cluster) -> anyhow::Result<Vec<RecordAccess>> {
    let height = cluster.connect("psb").await?.status().await?.height;
    cluster.all_at(height).await?;
    cluster.stop("psb").await?;
    let mut records = Vec::new();
    for block in cluster.blocks("psb")? {
        records.extend(records_of(&block)?);
    }
    records.sort_by_key(|it| it.access_no);
    Ok(records)
}

fn records_of(block: &StoredBlock) -> anyhow::Result<Vec<RecordAccess>> {
    let mut records = Vec::new();
    for bytes in &block.block.transactions {
        let tx = Tx::parse(bytes)?;
        records.extend(tx.items().iter().filter_map(|it| it.record()).cloned());
    }
    Ok(records)
}
