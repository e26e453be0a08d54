//! Whose rows a service gives out, where it stands in them: few are listed by their tags, many are a bulk set whose tags follow, and who can't be told is counted.

use super::lasting::{tag_keys, tag_service};
use super::{granted, spool_is_empty};
use liuhen_proto::subject::bulk_root;
use liuhen_proto::tx::Tx;
use liuhen_proto::wire::item::Kind;
use liuhen_proto::wire::{RecordAccess, Subjects};
use liuhen_tests::Cluster;
use liuhen_tests::actions::liuhen;
use liuhen_tests::doors::{Gate, PORTAL_KEY, get};
use liuhen_tests::wait::until;
use std::fmt::Write as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A service that gives out as many people as the path says, each twice; the first of `/odd` has no number.
async fn service() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut asked = [0; 4096];
                let length = stream.read(&mut asked).await.unwrap_or(0);
                let asked = String::from_utf8_lossy(&asked[..length]).into_owned();
                let path = asked.split(' ').nth(1).unwrap_or_default();
                let count = path.rsplit('/').next().and_then(|it| it.parse().ok()).unwrap_or(0);
                let mut rows = String::new();
                for number in 0..2 * count {
                    let id = 470_000 + number / 2;
                    let _ = match path.starts_with("/odd") && number == 0 {
                        true => write!(rows, "{{\"idno\":null}},"),
                        false => write!(rows, "{{\"name\":\"n\",\"idno\":\"{id}\"}},"),
                    };
                }
                let body = format!("{{\"rows\":[{}]}}", rows.trim_end_matches(','));
                let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n";
                let length = body.len();
                let all = format!("{head}Content-Length: {length}\r\n\r\n{body}");
                let _ = stream.write_all(all.as_bytes()).await;
            });
        }
    });
    Ok(port)
}

/// The records, by number, and the tags that came behind them.
async fn on_the_ledger(cluster: &mut Cluster) -> anyhow::Result<(Vec<RecordAccess>, Vec<Vec<u8>>)> {
    let (mut records, mut tags) = (Vec::new(), Vec::new());
    cluster.stop("psb").await?;
    for block in cluster.blocks("psb")? {
        for bytes in &block.block.transactions {
            for item in Tx::parse(bytes)?.items() {
                match item.kind() {
                    Kind::RecordAccess(it) => records.push(it.clone()),
                    Kind::AddBulkTags(it) => tags.extend(it.tags.clone()),
                    _ => {}
                }
            }
        }
    }
    records.sort_by_key(|it: &RecordAccess| it.access_no);
    Ok((records, tags))
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_rows_are_given_out() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    gate.change("open_minutes = 1", "open_minutes = 1\ntags = { socket = \"tags\" }")?;
    let port = gate.add_own_door(service().await?)?;
    gate.add("[[route]]\npath = \"/(list|odd)/[0-9]+\"\ndataset = \"civil.resident\"\npurpose = \"pension\"\nfields = [\"id\"]\nrows = { format = \"json\", path = \"rows\", subject = \"idno\" }\n")?;
    let keys = tag_keys(&cluster, &gate)?;
    gate.start().await?;
    let ask = async |path: &str| get(port, path, &[("X-Api-Key", PORTAL_KEY)]).await;
    // No tag service: each is counted.
    assert_eq!(ask("/list/3").await?.status, 200, "{}", gate.log());
    spool_is_empty(&gate).await?;
    let _serving = tag_service(&gate, &keys).await?;
    for path in ["/list/3", "/odd/3", "/list/1000", "/odd/300", "/list/0"] {
        assert_eq!(ask(path).await?.status, 200, "{}", gate.log());
        spool_is_empty(&gate).await?;
    }
    // Killed while tags wait perhaps: they are all there in the end, once.
    gate.kill()?;
    gate.start().await?;
    let trail = ["trail", "gateway", "gz.psb/gateway", "-o", "json"];
    until("the tags of the bulk set", async || {
        let told = liuhen(&mut cluster, ("psb", "officer"), &trail).await.ok()?;
        (told.matches("AddBulkTags").count() >= 1_000_usize.div_ceil(470)).then_some(())
    })
    .await
    .map_err(|e| e.context(gate.log()))?;
    let (records, tags) = on_the_ledger(&mut cluster).await?;
    let of = |at: usize| records[at].subjects.clone().unwrap_or_default();
    assert_eq!(of(0), Subjects { unknown_count: 3, ..Subjects::default() });
    assert_eq!((of(1).tags.len(), of(1).unknown_count, of(1).uncounted), (3, 0, false));
    assert_eq!((of(2).tags.len(), of(2).unknown_count), (3, 1));
    let bulk = of(3).bulk.unwrap_or_default();
    assert_eq!((bulk.count, tags.len()), (1_000, 1_000));
    assert_eq!(bulk.root, bulk_root(tags.iter().map(Vec::as_slice)).to_vec());
    // Beside a bulk set nothing can stand: who can't be listed is counted.
    assert_eq!((of(4).tags.len(), of(4).unknown_count), (256, 1 + 300 - 256));
    assert_eq!((of(5), records[5].row_count), (Subjects::default(), Some(0)));
    for kept in ["spool", "log"] {
        let kept = std::fs::read(gate.folder.join(kept))?;
        assert!(!kept.windows(6).any(|it| it == b"470001"), "a number stands there");
    }
    Ok(())
}
