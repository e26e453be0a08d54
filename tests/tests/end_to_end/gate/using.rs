//! The using side: what a gate served is acknowledged by itself, with its receipt, whatever happens in between.

use super::{granted, spool_is_empty};
use liuhen_tests::actions::{liuhen, told};
use liuhen_tests::cluster::path_text;
use liuhen_tests::consortium::free_port;
use liuhen_tests::doors::{Gate, PORTAL_KEY, SECRET, UsingSide, get, send, service};
use liuhen_tests::wait::until;
use serde_json::Value;
use std::collections::BTreeSet;

const HRSS: (&str, &str) = ("hrss", "officer");

/// Numbers that are acknowledged, and how often.
async fn acknowledged(cluster: &mut liuhen_tests::Cluster) -> anyhow::Result<Vec<String>> {
    let trail = ["trail", "acknowledgements", "hr-1", "-o", "json"];
    let events: Vec<Value> = serde_json::from_str(&liuhen(cluster, HRSS, &trail).await?)?;
    let of = |it: &Value| it["datasets"].as_str().unwrap_or_default().to_owned();
    Ok(events.iter().filter(|it| it["event"] == "Acknowledge").map(of).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn both_halves_by_themselves() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    let port = gate.add_own_door(service().await?)?;
    gate.start().await?;
    let mut using = UsingSide::set_up(&mut cluster, &["hrss", "psb"], port).await?;
    using.start().await?;
    let key = ("X-Api-Key", PORTAL_KEY);
    let ask = async |using: &UsingSide| get(using.own, "/residents/7", &[key]).await;
    for round in 0..4 {
        for _ in 0..5 {
            let said = ask(&using).await?;
            assert_eq!(
                (said.status, said.body.contains("a resident")),
                (200, true),
                "{said:?} {}",
                using.log()
            );
        }
        if round < 3 {
            using.kill()?;
            using.start().await?;
        }
    }
    // What is denied is no access; what is no token of a gate is counted, and passes.
    assert_eq!(get(using.own, "/residents/7", &[]).await?.status, 403);
    let shown = format!("Bearer {SECRET}");
    let shown = [("Authorization", shown.as_str())];
    for (headers, body, status) in [
        (&[][..], r#"{"access":"x"}"#, 401),
        (&shown[..], r#"{"access":"x"}"#, 400),
        (&shown[..], "{", 400),
        (&shown[..], r#"{"access":"x","grant":"hr-1"}"#, 400),
    ] {
        let said = send(using.api, "POST", "/v1/acknowledge", headers, body).await?;
        assert_eq!(said.status, status, "{body}: {said:?}");
    }
    spool_is_empty(&gate).await?;
    let missing = ["ack", "missing", "--grant", "hr-1", "-o", "json"];
    until("both halves of all", async || {
        let all: Vec<String> = acknowledged(&mut cluster).await.ok()?;
        let distinct: BTreeSet<&String> = all.iter().collect();
        (distinct.len() == 20).then_some(())
    })
    .await
    .map_err(|e| e.context(format!("{} {}", using.log(), gate.log())))?;
    let rest = liuhen(&mut cluster, HRSS, &missing).await?;
    assert_eq!(rest.trim(), "[]", "{}", using.log());
    let metrics = get(using.watch, "/metrics", &[]).await?.body;
    for counted in ["liuhen_using_waiting 0", "liuhen_using_refused_total 0"] {
        assert!(metrics.contains(counted), "{counted}: {metrics}");
    }
    Ok(())
}

/// A receipt that a gate did not sign supports nothing: the access is acknowledged without; one under no grant at all is refused, and said.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_forged_supports_nothing() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    gate.start().await?;
    let mut using = UsingSide::set_up(&mut cluster, &["hrss"], free_port()?).await?;
    using.start().await?;
    let said = super::asks_by_api(&gate, "r-1").await?;
    let token = said["access"].as_str().unwrap_or_default().to_owned();
    let mut parts: Vec<String> = token.split(';').map(str::to_owned).collect();
    assert_eq!(parts.len(), 5, "{said}");
    let shown = format!("Bearer {SECRET}");
    let shown = [("Authorization", shown.as_str())];
    let tell = async |access: String| {
        let body = serde_json::json!({ "access": access, "rows": 3 }).to_string();
        send(using.api, "POST", "/v1/acknowledge", &shown, &body).await
    };
    // Of another number than the one that was signed; and of a grant that is none.
    parts[1] = "77".into();
    assert_eq!(tell(parts.join(";")).await?.status, 202);
    parts[1] = "78".into();
    parts[2] = "ee".repeat(32);
    assert_eq!(tell(parts.join(";")).await?.status, 202);
    assert_eq!(tell(token).await?.status, 202);
    until("two that are acknowledged", async || {
        acknowledged(&mut cluster).await.ok().filter(|it| it.len() == 2)
    })
    .await
    .map_err(|e| e.context(using.log()))?;
    until("what is refused to be counted", async || {
        let metrics = get(using.watch, "/metrics", &[]).await.ok()?.body;
        metrics.contains("liuhen_using_refused_total 1").then_some(())
    })
    .await
    .map_err(|e| e.context(using.log()))?;
    assert!(using.log().contains("acknowledged without"), "{}", using.log());
    assert!(using.log().contains("read.denied"), "{}", using.log());
    Ok(())
}

/// Started while no node answers it keeps what is received, by what it knew of itself.
#[tokio::test(flavor = "multi_thread")]
async fn it_starts_without_a_node() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    cluster.stop("hrss").await?;
    cluster.consortium.set("hrss", "grpc_listen", format!("127.0.0.1:{}", free_port()?))?;
    cluster.launch("hrss")?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    gate.start().await?;
    let mut using = UsingSide::set_up(&mut cluster, &["hrss"], free_port()?).await?;
    using.start().await?;
    using.kill()?;
    cluster.stop("hrss").await?;
    using.start().await?;
    let said = super::asks_by_api(&gate, "r-1").await?;
    let shown = format!("Bearer {SECRET}");
    let shown = [("Authorization", shown.as_str())];
    let body = serde_json::json!({ "access": said["access"], "rows": 1 }).to_string();
    let kept = send(using.api, "POST", "/v1/acknowledge", &shown, &body).await?;
    assert_eq!(kept.status, 202, "{kept:?} {}", using.log());
    super::ends_by_api(&gate, "r-1").await?;
    spool_is_empty(&gate).await?;
    cluster.launch("hrss")?;
    until("the half", async || acknowledged(&mut cluster).await.ok().filter(|it| it.len() == 1))
        .await
        .map_err(|e| e.context(using.log()))?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn slips_of_the_using_side() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    UsingSide::set_up(&mut cluster, &["hrss"], 1).await?;
    let settings = cluster.file("using").join("using.toml");
    let good = std::fs::read_to_string(&settings)?;
    for (from, to, why) in [
        ("received = \"received\"", "spool = \"received\"", "unknown field `spool`"),
        ("received = \"received\"", "received = \"/dev/shm/received\"", "is in memory"),
        ("kind = \"own\"", "kind = \"nginx\"", "unknown variant `nginx`"),
        ("secret = \"secret\"", "secret = \"none\"", "none: No such file"),
        ("secret = \"secret\"", "", "the API a `secret`"),
        ("name = \"services\"", "name = \"psb\"", "two have this name"),
        ("listen = \"127.0.0.1", "listen = \"0.0.0.0", "on this machine alone"),
    ] {
        assert!(good.contains(from), "{from}");
        std::fs::write(&settings, good.replace(from, to))?;
        let output = cluster.run("liuhen-gate", &["use", "--settings", path_text(&settings)?])?;
        assert!(!output.status.success(), "{why}: {}", told(&output));
        assert!(told(&output).contains(why), "{why}: {}", told(&output));
    }
    Ok(())
}
