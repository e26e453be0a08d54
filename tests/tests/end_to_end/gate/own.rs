//! The gate's own door before a service: what passes is counted and digested, and nothing of ours passes.

use super::{granted, on_the_ledger, spool_is_empty};
use liuhen_proto::wire::{Decision, RecordAccess};
use liuhen_tests::Cluster;
use liuhen_tests::actions::{liuhen, told};
use liuhen_tests::cluster::path_text;
use liuhen_tests::doors::{Gate, PORTAL_KEY, get, send};
use liuhen_tests::wait::until;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Lines of the large answer, and bytes of one.
const LINES: usize = 200_000;
const LINE: &str =
    "{\"id\":7,\"name\":\"somebody whose name is as long as it has to be for the test\"}\n";

/// A service that answers by what is asked for; and whether it ever saw a header of ours.
async fn service() -> anyhow::Result<(u16, Arc<AtomicBool>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let saw_ours = Arc::new(AtomicBool::new(false));
    let saw = Arc::clone(&saw_ours);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let saw = Arc::clone(&saw);
            tokio::spawn(async move { answer(stream, &saw).await });
        }
    });
    Ok((port, saw_ours))
}

async fn answer(mut stream: TcpStream, saw: &AtomicBool) -> std::io::Result<()> {
    let mut asked = vec![0; 65_536];
    let length = stream.read(&mut asked).await?;
    let asked = String::from_utf8_lossy(&asked[..length]).to_ascii_lowercase();
    if asked.starts_with("post") {
        // The rest of a body, whose end is the last byte.
        let mut rest = vec![0; 1 << 20];
        let mut left = (20_usize << 20) - asked.split_once("\r\n\r\n").map_or(0, |it| it.1.len());
        while left > 0 {
            left -= stream.read(&mut rest).await?.min(left);
        }
    }
    saw.fetch_or(asked.contains("x-liuhen-"), Ordering::Relaxed);
    let ok = "HTTP/1.1 200 OK\r\nConnection: close\r\n";
    match asked.split(' ').nth(1) {
        Some("/residents/1") => {
            let body = r#"{"n":9,"data":{"items":[{"id":1},{"id":2},{"id":3}]}}"#;
            stream
                .write_all(format!("{ok}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes())
                .await?;
        }
        Some("/residents/2") => {
            stream
                .write_all(format!("{ok}X-Liuhen-Rows: 9\r\n\r\nnothing to count").as_bytes())
                .await?;
        }
        Some("/lines/3" | "/lines/4") => {
            stream.write_all(format!("{ok}\r\n").as_bytes()).await?;
            let piece = LINE.repeat(1_000);
            for _ in 0..LINES / 1_000 {
                stream.write_all(piece.as_bytes()).await?;
            }
        }
        Some("/lines/8") => {
            stream.write_all(format!("{ok}\r\n").as_bytes()).await?;
            // As long as somebody reads it.
            loop {
                stream.write_all(LINE.as_bytes()).await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Some("/residents/5") => {}
        _ => stream.write_all(format!("{ok}\r\n<html>").as_bytes()).await?,
    }
    stream.shutdown().await
}

/// A gate with its own door before that service: its port, and whether the service saw a header of ours.
async fn set_up(cluster: &mut Cluster) -> anyhow::Result<(Gate, u16, Arc<AtomicBool>)> {
    let gate = Gate::set_up(cluster, &["psb"]).await?;
    let (service, saw_ours) = service().await?;
    let port = gate.add_own_door(service)?;
    gate.add("[[route]]\npath = \"/lines/[0-9]+\"\ndataset = \"civil.resident\"\npurpose = \"pension\"\nfields = [\"id\"]\nrows = { format = \"ndjson\" }\n")?;
    Ok((gate, port, saw_ours))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_is_counted() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let (mut gate, port, saw_ours) = set_up(&mut cluster).await?;
    let file = gate.folder.join("gate.toml");
    let rows = "rows = { format = \"json\", path = \"data.items\" }";
    let text = std::fs::read_to_string(&file)?;
    let text = text.replacen(
        "fields = [\"id\", \"name\"]",
        &format!("fields = [\"id\", \"name\"]\n{rows}"),
        1,
    );
    std::fs::write(&file, text)?;
    gate.start().await?;
    let key = ("X-Api-Key", PORTAL_KEY);
    let served = get(port, "/residents/1", &[key, ("X-Liuhen-Access", "mine")]).await?;
    assert_eq!(
        (served.status, served.body.contains("items")),
        (200, true),
        "{served:?} {}",
        gate.log()
    );
    assert_eq!(served.header("X-Liuhen-Access").map(|it| it.split(';').count()), Some(5));
    let stated = get(port, "/residents/2", &[key]).await?;
    assert_eq!((stated.status, stated.header("X-Liuhen-Rows")), (200, None), "{stated:?}");
    let large = get(port, "/lines/3", &[key]).await?;
    assert!(large.body.len() > LINES * LINE.len(), "{}", large.body.len());
    // A client that is gone in the midst: what passed is counted.
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let asked = format!("GET /lines/4 HTTP/1.1\r\nHost: a\r\nX-Api-Key: {PORTAL_KEY}\r\n\r\n");
    stream.write_all(asked.as_bytes()).await?;
    let mut some = [0; 1_000];
    stream.read_exact(&mut some).await?;
    drop(stream);
    assert_eq!(get(port, "/residents/5", &[key]).await?.status, 502);
    assert_eq!(get(port, "/residents/6", &[key]).await?.status, 200);
    assert_eq!(get(port, "/residents/1", &[]).await?.status, 403);
    // What a client sends passes, however much it is.
    let posted = send(port, "POST", "/lines/7", &[key], &"x".repeat(20 << 20)).await?;
    assert_eq!(posted.status, 200, "{posted:?}");
    assert!(!saw_ours.load(Ordering::Relaxed), "the service saw what a client said of itself");

    spool_is_empty(&gate).await?;
    let records = on_the_ledger(&mut cluster).await?;
    let rows: Vec<Option<u64>> = records.iter().map(|it| it.row_count).collect();
    assert_eq!(rows[..3], [Some(3), Some(9), Some(LINES as u64)], "{rows:?}");
    assert!(rows[3].is_some_and(|it| it < LINES as u64), "{rows:?}");
    // Nothing was given; and what is no JSON is unknown.
    assert_eq!((rows[4], rows[5], rows[6]), (Some(0), None, Some(0)), "{rows:?}");
    let digested = |it: &RecordAccess| !it.result_digest.is_empty();
    assert!(records[..4].iter().all(digested) && !digested(&records[6]));
    Ok(())
}

/// What lasts is decided and recorded slice by slice, and ends when what allows it does.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_cut_into_slices() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    // As many as there will be: what is being served uses the quota up itself, and goes on.
    let narrower = ["grant", "amend", "hr-1", "--queries-total", "2", "--reason", "less"];
    liuhen(&mut cluster, ("psb", "officer"), &narrower).await?;
    let (mut gate, port, _) = set_up(&mut cluster).await?;
    gate.start().await?;
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let asked = format!("GET /lines/8 HTTP/1.1\r\nHost: a\r\nX-Api-Key: {PORTAL_KEY}\r\n\r\n");
    stream.write_all(asked.as_bytes()).await?;
    let lines = Arc::new(AtomicU64::new(0));
    let counts = Arc::clone(&lines);
    let reading = tokio::spawn(async move {
        let (mut all, mut some) = (Vec::new(), [0; 4_096]);
        while let Ok(count) = stream.read(&mut some).await
            && count > 0
        {
            all.extend_from_slice(&some[..count]);
            let lines = all.windows(LINE.len()).filter(|it| *it == LINE.as_bytes()).count();
            counts.store(lines as u64, Ordering::Relaxed);
        }
        all
    });
    // The first slice is over by itself, after four fifths of a minute.
    let trail = ["trail", "gateway", "gz.psb/gateway", "-o", "json"];
    until("a slice", async || {
        let told = liuhen(&mut cluster, ("psb", "officer"), &trail).await.ok()?;
        told.contains("RecordAccess").then_some(())
    })
    .await
    .map_err(|e| e.context(gate.log()))?;
    let of_first = lines.load(Ordering::Relaxed);
    until("more lines", async || (lines.load(Ordering::Relaxed) > of_first + 9).then_some(()))
        .await?;
    let revoke = ["grant", "revoke", "hr-1", "--reason", "over", "--yes"];
    liuhen(&mut cluster, ("psb", "officer"), &revoke).await?;
    let all = reading.await?;
    let text = String::from_utf8_lossy(&all);
    assert!(
        text.starts_with("HTTP/1.1 200") && !text.ends_with("\r\n0\r\n\r\n"),
        "it is no whole answer"
    );
    spool_is_empty(&gate).await?;
    let records = on_the_ledger(&mut cluster).await?;
    let told: Vec<_> =
        records.iter().map(|it| (it.decision(), it.row_count.unwrap_or(9_999))).collect();
    assert_eq!(told.len(), 3, "{told:?} {}", gate.log());
    let (served, denied) = (Decision::Served, Decision::Denied);
    assert_eq!((told[0].0, told[1].0, told[2]), (served, served, (denied, 0)), "{told:?}");
    let (rows, received) = (told[0].1 + told[1].1, lines.load(Ordering::Relaxed));
    // What the gate had passed on, and the client did not get any more.
    assert!(
        told[0].1 > 0 && told[1].1 > 9 && (received..received + 9).contains(&rows),
        "{told:?}, {received}"
    );
    assert!(gate.log().contains("grant_revoked"), "{}", gate.log());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn slips_of_the_own_door() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    let file = gate.folder.join("gate.toml");
    let good = std::fs::read_to_string(&file)?;
    for (door, why) in [
        ("kind = \"own\"\nlisten = \"127.0.0.1:0\"", "the own door has an `upstream`"),
        (
            "kind = \"own\"\nlisten = \"0.0.0.0:0\"\nupstream = \"http://127.0.0.1:80\"",
            "on this machine alone",
        ),
        (
            "kind = \"nginx\"\nlisten = \"127.0.0.1:0\"\naccess_log = \"log\"\nupstream = \"http://127.0.0.1:80\"",
            "the own door has an `upstream`",
        ),
        (
            "kind = \"own\"\nmode = \"enforce\"\nlisten = \"127.0.0.1:0\"\nupstream = \"https://127.0.0.1:80/path\"",
            "http://host:port is wanted",
        ),
    ] {
        std::fs::write(&file, format!("{good}\n[[door]]\nname = \"own\"\n{door}\n"))?;
        let output = cluster.run("liuhen-gate", &["run", "--settings", path_text(&file)?])?;
        assert!(!output.status.success(), "{why}: {}", told(&output));
        assert!(told(&output).contains(why), "{why}: {}", told(&output));
    }
    Ok(())
}
