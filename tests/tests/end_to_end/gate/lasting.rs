//! What lasts is decided again and again, each slice a record; and whose data it is has a tag, whose number nobody keeps.

use super::{granted, on_the_ledger, recorded, spool_is_empty};
use liuhen_proto::wire::Subjects;
use liuhen_tests::Cluster;
use liuhen_tests::actions::{liuhen, told};
use liuhen_tests::cluster::path_text;
use liuhen_tests::doors::{Gate, PORTAL_KEY, Process, SECRET, send};
use liuhen_tests::wait::until;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

async fn said(gate: &Gate, path: &str, body: &Value) -> anyhow::Result<(u16, Value)> {
    let shown = format!("Bearer {SECRET}");
    let shown = [("Authorization", shown.as_str())];
    let it = send(gate.api, "POST", path, &shown, &body.to_string()).await?;
    Ok((it.status, serde_json::from_str(&it.body)?))
}

fn question(uri: &str) -> Value {
    json!({ "request": "s-1", "method": "GET", "uri": uri, "headers": { "X-Api-Key": PORTAL_KEY } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_decided_again() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    gate.start().await?;
    let begun = said(&gate, "/v1/session", &question("/residents/7")).await?;
    let first = (&begun.1["serve"], &begun.1["access_no"], &begun.1["again_ms"]);
    assert_eq!(first, (&true.into(), &1.into(), &48_000.into()), "{begun:?}");
    // Begun twice it is one; and gone on with, it is another slice with its own number.
    let again = said(&gate, "/v1/session", &question("/residents/7")).await?;
    assert_eq!(again.1["access_no"], 1);
    let rows = |rows: u64| json!({ "request": "s-1", "rows": rows });
    let next = said(&gate, "/v1/session/continue", &rows(5)).await?;
    assert_eq!((&next.1["serve"], &next.1["access_no"]), (&true.into(), &2.into()), "{next:?}");
    // Revoked: whoever watches hears at once, and no further slice is served.
    let (port, body) = (gate.api, rows(0).to_string());
    let watching = tokio::spawn(async move {
        let shown = format!("Bearer {SECRET}");
        let shown = [("Authorization", shown.as_str())];
        send(port, "POST", "/v1/session/watch", &shown, &body).await
    });
    let begun = Instant::now();
    let revoke = ["grant", "revoke", "hr-1", "--reason", "over", "--yes"];
    liuhen(&mut cluster, ("psb", "officer"), &revoke).await?;
    let heard: Value = serde_json::from_str(&watching.await??.body)?;
    assert_eq!(heard, json!({ "serve": false, "reason": "grant_revoked" }), "{}", gate.log());
    println!("heard after {:?}", begun.elapsed());
    let over = said(&gate, "/v1/session/continue", &rows(7)).await?;
    assert_eq!((&over.1["serve"], &over.1["reason"]), (&false.into(), &"grant_revoked".into()));
    for path in ["/v1/session/continue", "/v1/session/end", "/v1/session/watch"] {
        assert_eq!(said(&gate, path, &rows(0)).await?.0, 404, "{path}");
    }
    let all = recorded(&mut cluster, 3).await.map_err(|e| e.context(gate.log()))?;
    let mut slices: Vec<_> =
        all.iter().map(|it| (it["verdict"].clone(), it["rows"].clone())).collect();
    slices.sort_by_key(|it| it.1.as_u64());
    let expected = [("denied", 0), ("covered", 5), ("covered", 7)];
    assert_eq!(slices, expected.map(|(verdict, rows)| (verdict.into(), rows.into())));
    Ok(())
}

/// A key for tags of this year; gives the folder that has it.
pub(super) fn tag_keys(cluster: &Cluster, gate: &Gate) -> anyhow::Result<PathBuf> {
    let keys = gate.folder.join("tag-keys");
    std::fs::create_dir_all(&keys)?;
    let here = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    let year = jiff::Timestamp::now().to_zoned(here).year().to_string();
    let base = of_tags(path_text(&keys)?);
    let made = cluster.run("liuhen", &[&base[..], &["new", &year, "--plain"]].concat())?;
    anyhow::ensure!(made.status.success(), "{}", told(&made));
    Ok(keys)
}

fn of_tags(keys: &str) -> [&str; 7] {
    ["tag", "--keys", keys, "--collector", "gz.psb", "--numbers", "own"]
}

/// The tag service on the socket that the gate's settings have.
pub(super) async fn tag_service(gate: &Gate, keys: &Path) -> anyhow::Result<Process> {
    let socket = gate.folder.join("tags");
    let base = of_tags(path_text(keys)?);
    let child = Command::new(liuhen_tests::cluster::programs()?.join("liuhen"))
        .args([&base[..], &["serve", "--socket", path_text(&socket)?, "--plain"]].concat())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let serving = Process::of(child);
    until("the tag service", async || socket.exists().then_some(())).await?;
    Ok(serving)
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_data_it_is() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    let keys = tag_keys(&cluster, &gate)?;
    gate.change(
        "path = \"/residents/[0-9]+\"",
        "subject = { path = 1 }\npath = \"/residents/([0-9]+)\"",
    )?;
    gate.change("open_minutes = 1", "open_minutes = 1\ntags = { socket = \"tags\" }")?;
    gate.start().await?;
    // No tag service: the subject is counted as unknown, and served all the same.
    let one = super::ask_as(gate.api, "r-1", "/residents/4711", PORTAL_KEY).await?;
    assert_eq!(one["serve"], true, "{one} {}", gate.log());
    let _serving = tag_service(&gate, &keys).await?;
    for (number, uri) in [(2, "/residents/4711"), (3, "/residents/4711"), (4, "/residents/4712")] {
        let said = super::ask_as(gate.api, &format!("r-{number}"), uri, PORTAL_KEY).await?;
        assert_eq!(said["serve"], true, "{said} {}", gate.log());
    }
    for number in 1..=4 {
        super::ends_by_api(&gate, &format!("r-{number}")).await?;
    }
    spool_is_empty(&gate).await?;
    assert!(!gate.log().contains("4711"), "the number stands in the log: {}", gate.log());
    let all = on_the_ledger(&mut cluster).await?;
    let subjects: Vec<Subjects> = all.iter().filter_map(|it| it.subjects.clone()).collect();
    assert_eq!(subjects[0], Subjects { unknown_count: 1, ..Subjects::default() });
    let tag = |at: usize| subjects[at].tags.first().cloned().unwrap_or_default();
    assert_eq!(
        (tag(1).len(), tag(1) == tag(2), tag(1) == tag(3)),
        (32, true, false),
        "{subjects:?}"
    );
    let spool = std::fs::read(gate.folder.join("spool"))?;
    assert!(!spool.windows(4).any(|it| it == b"4711"), "the number stands in the spool");
    Ok(())
}
