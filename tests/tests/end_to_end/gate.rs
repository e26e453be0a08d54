//! A gate before a service that knows nothing of it: what it decided is on the ledger, once, whatever happened in between.

use liuhen_tests::Cluster;
use liuhen_tests::actions::{grant, liuhen, told};
use liuhen_tests::cluster::path_text;
use liuhen_tests::doors::{Answered, Gate, Nginx, PORTAL_KEY, SECRET, get, send, service};
use liuhen_tests::wait::until;
use serde_json::Value;

/// Human resources may read residents, and public security's gateway serves them.
async fn granted() -> anyhow::Result<Cluster> {
    let mut cluster = Cluster::start().await?;
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
    assert_eq!(token.split(';').count(), 4, "{token}");
    // Whoever shows no key, asks for what no route has, or says of itself what a gate would.
    let forged = [("X-Gate-Request", "1"), ("X-Liuhen-Access", token)];
    assert_eq!(get(nginx.port, "/residents/7", &forged).await?.status, 403);
    assert_eq!(asks(&nginx, "/others/7").await?.status, 403);

    let all = recorded(&mut cluster, 2).await.map_err(|e| e.context(gate.log()))?;
    let said = |at: usize, what: &str| all[at][what].as_str().unwrap_or_default().to_owned();
    assert_eq!((said(0, "verdict"), said(0, "timeliness")), ("covered".into(), "live".into()));
    assert_eq!((said(0, "asker"), &all[0]["rows"]), ("gz.hrss/portal".into(), &1.into()));
    assert_eq!(said(1, "verdict"), "denied");
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
    let nobody = r#"{"request":"r-9","rows":3}"#;
    assert_eq!(send(gate.api, "POST", "/v1/complete", &shown, nobody).await?.status, 404);
    recorded(&mut cluster, 1).await?;
    Ok(())
}
