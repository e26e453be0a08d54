//! Doors that an officer opens by hand: where no node answers, on routes that allow it, for a time; each record says by whom and why.

use super::{ask_as, ends_by_api, granted, on_the_ledger, spool_is_empty};
use anyhow::Context as _;
use liuhen_proto::suite::hash::{Domain, hash};
use liuhen_tests::Cluster;
use liuhen_tests::actions::{liuhen, told};
use liuhen_tests::cluster::path_text;
use liuhen_tests::consortium::{NODES, free_port};
use liuhen_tests::doors::{Gate, PORTAL_KEY};
use liuhen_tests::wait::until;
use std::process::Output;

/// Opens the doors with a key.
fn opens(
    cluster: &Cluster,
    settings: &str,
    (department, who): (&str, &str),
    (hours, cause): (&str, &str),
) -> anyhow::Result<Output> {
    let key = cluster.consortium.key(department, who);
    let by = ["break-glass", "--settings", settings, "--key", path_text(&key)?];
    let how = ["--hours", hours, "--cause", cause];
    cluster.run("liuhen-gate", &[&by[..], &how[..]].concat())
}

/// A system's key opens nothing, nor an officer's of another department; nor for longer, or without a cause.
fn refusals(cluster: &Cluster, settings: &str) -> anyhow::Result<()> {
    for (who, how, why) in [
        (("psb", "gateway"), ("1", "fire"), "none of the officers"),
        (("hrss", "officer"), ("1", "fire"), "none of the officers"),
        (("psb", "officer"), ("73", "fire"), "1 to 72"),
        (("psb", "officer"), ("0", "fire"), "1 to 72"),
        (("psb", "officer"), ("1", "a fire"), "cause"),
    ] {
        let output = opens(cluster, settings, who, how)?;
        assert!(!output.status.success() && told(&output).contains(why), "{}", told(&output));
    }
    Ok(())
}

/// Asks until nothing is served any more.
async fn closed(gate: &Gate, request: &str) -> anyhow::Result<()> {
    until("the doors to be closed", async || {
        let said = ask_as(gate.api, request, "/urgent/1", PORTAL_KEY).await.ok()?;
        if said["serve"] == true {
            ends_by_api(gate, request).await.ok()?;
        }
        (said["serve"] == false).then_some(())
    })
    .await
    .map_err(|e| e.context(gate.log()))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_officer_opens_and_closes_the_doors() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    for node in NODES {
        // They are found again where they were.
        cluster.stop(node).await?;
        cluster.consortium.set(node, "grpc_listen", format!("127.0.0.1:{}", free_port()?))?;
        cluster.launch(node)?;
    }
    let mut gate = Gate::set_up(&mut cluster, &["psb", "hrss"]).await?;
    gate.change("otherwise = \"serve\"", "otherwise = \"break_glass\"")?;
    let file = gate.folder.join("gate.toml");
    let settings = path_text(&file)?.to_owned();
    let output = cluster.run("liuhen-gate", &["check", "--settings", &settings])?;
    assert!(told(&output).contains("break_glass: its `file`"), "{}", told(&output));
    gate.change(
        "open_minutes = 1",
        "open_minutes = 1\nbreak_glass = { file = \"opened\", officers = [\"gz.psb/officer\"] }",
    )?;
    gate.start().await?;
    for node in NODES {
        cluster.stop(node).await?;
    }
    // Started anew while no node answers, which is when it is needed.
    gate.kill()?;
    gate.start().await?;
    let ask = async |request: &str, uri: &str| ask_as(gate.api, request, uri, PORTAL_KEY).await;
    assert_eq!(ask("r-1", "/urgent/1").await?["reason"], "gate.undecided", "{}", gate.log());

    refusals(&cluster, &settings)?;
    let output = opens(&cluster, &settings, ("psb", "officer"), ("1", "fire"))?;
    assert!(output.status.success(), "{}", told(&output));
    let served = until("the doors to be open", async || {
        // Other routes stay as they are.
        let other =
            ask(&format!("o-{:?}", std::time::Instant::now()), "/residents/1").await.ok()?;
        assert_eq!(other["serve"], false);
        ask("r-2", "/urgent/1").await.ok().filter(|said| said["serve"] == true)
    });
    let served = served.await.map_err(|e| e.context(gate.log()))?;
    assert_eq!(served["reason"], "gate.break_glass", "{served}");
    ends_by_api(&gate, "r-2").await?;
    // Bent, the statement opens nothing.
    let statement = std::fs::read(gate.folder.join("opened"))?;
    let mut bent = statement.clone();
    *bent.last_mut().unwrap_or(&mut 0) ^= 1;
    std::fs::write(gate.folder.join("opened"), bent)?;
    closed(&gate, "r-3").await?;
    std::fs::write(gate.folder.join("opened"), &statement)?;
    until("the doors to be open again", async || {
        (ask("r-4", "/urgent/1").await.ok()?["serve"] == true).then_some(())
    })
    .await?;
    ends_by_api(&gate, "r-4").await?;
    let output =
        cluster.run("liuhen-gate", &["break-glass", "--settings", &settings, "--close"])?;
    assert!(told(&output).contains("closed again"), "{}", told(&output));
    closed(&gate, "r-5").await.map_err(|e| e.context(gate.log()))?;

    for node in NODES {
        cluster.launch(node)?;
    }
    spool_is_empty(&gate).await?;
    let records = on_the_ledger(&mut cluster).await?;
    let by_hand: Vec<_> = records.iter().filter_map(|it| it.break_glass.as_ref()).collect();
    assert!(by_hand.len() >= 2, "{records:#?}");
    let digest = hash(Domain::Digest, &[statement.as_slice()]);
    for it in by_hand {
        assert_eq!(
            (it.cause.as_str(), it.statement_digest.as_slice()),
            ("fire", digest.as_bytes().as_slice())
        );
    }
    Ok(())
}

/// An officer lays the key down by which doors are open: where a node says so, they are not any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_laid_down_while_they_are_open() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb", "hrss"]).await?;
    gate.change("otherwise = \"serve\"", "otherwise = \"break_glass\"")?;
    gate.change(
        "open_minutes = 1",
        "open_minutes = 1\nbreak_glass = { file = \"opened\", officers = [\"gz.psb/officer\"] }",
    )?;
    gate.start().await?;
    let file = gate.folder.join("gate.toml");
    let output = opens(&cluster, path_text(&file)?, ("psb", "officer"), ("1", "fire"))?;
    assert!(output.status.success(), "{}", told(&output));
    let says = async |what: &str| {
        let said = until(what, async || gate.log().contains(what).then_some(())).await;
        said.map_err(|e| e.context(gate.log()))
    };
    says("doors are open by hand").await?;
    let new = cluster.file("new.pem");
    let new = ["key", "new", "--out", path_text(&new)?, "--plain", "-o", "json"];
    let (new, old) =
        (of_key(&cluster, &new, "public_key")?, cluster.consortium.key("psb", "officer"));
    let old = ["--key", path_text(&old)?, "key", "show", "-o", "json"];
    let old = of_key(&cluster, &old, "key_id")?;
    let rotate = ["identity", "rotate", "gz.psb/officer", "--add", &new, "--end", &old];
    liuhen(&mut cluster, ("psb", "officer"), &rotate).await?;
    says("doors are not open by hand any more").await
}

/// What a command says of a key.
fn of_key(cluster: &Cluster, command: &[&str], what: &str) -> anyhow::Result<String> {
    let said: serde_json::Value = serde_json::from_slice(&cluster.run("liuhen", command)?.stdout)?;
    Ok(said[what].as_str().with_context(|| format!("{said}"))?.to_owned())
}
