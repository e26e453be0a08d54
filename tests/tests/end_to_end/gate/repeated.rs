//! A table of what one request of a client can become behind nginx: checked twice, asked again of another service, answered from a cache, in part, or
//! given up. Each is one number, and each request of a client has one.

use super::{granted, on_the_ledger, recorded, spool_is_empty};
use liuhen_tests::consortium::free_port;
use liuhen_tests::doors::{Gate, Nginx, PORTAL_KEY, get, send, service};
use liuhen_tests::wait::until;
use std::fs::File;
use std::io::Write as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

/// What each request has done to it, how often it is asked, with what, and its status.
type Case = (&'static str, usize, (&'static str, &'static str), u16);

const CASES: [Case; 7] = [
    ("/residents/1", 1, ("X-Nothing", "1"), 200),
    ("/residents/2", 1, ("Range", "bytes=0-3"), 206),
    // From the cache from the second time on: each is an access.
    ("/cached/1", 3, ("X-Nothing", "1"), 200),
    ("/cached/1", 1, ("Range", "bytes=0-3"), 206),
    // Of two services the first is not there.
    ("/retried/1", 2, ("X-Nothing", "1"), 200),
    // Both before and behind an internal redirect.
    ("/twice/1", 2, ("X-Nothing", "1"), 200),
    ("/others/1", 1, ("X-Nothing", "1"), 403),
];

#[tokio::test(flavor = "multi_thread")]
async fn one_number_a_request() -> anyhow::Result<()> {
    if !Nginx::is_here() {
        return Ok(());
    }
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    let mut settings = File::options().append(true).open(gate.folder.join("gate.toml"))?;
    write!(
        settings,
        "\n[[route]]\npath = \"/(cached|retried|twice|slow)/[0-9]+\"\ndataset = \"civil.resident\"\npurpose = \"pension\"\nfields = [\"id\"]\n"
    )?;
    gate.start().await?;
    let (service, nobody, slow) =
        (service().await?, free_port()?, TcpListener::bind("127.0.0.1:0").await?);
    let folder = gate.folder.display();
    let of_http = format!(
        "proxy_cache_path {folder}/cache keys_zone=answers:1m; upstream two {{ server 127.0.0.1:{nobody}; server 127.0.0.1:{service}; }}"
    );
    let asks = "auth_request /_gate; auth_request_set $liuhen_access $upstream_http_x_liuhen_access; add_header X-Liuhen-Access $liuhen_access always; proxy_hide_header X-Liuhen-Rows;";
    let of_server = format!(
        "location /cached/ {{ {asks} proxy_cache answers; proxy_cache_valid 200 10m; proxy_pass http://127.0.0.1:{service}; }}
         location /retried/ {{ {asks} proxy_next_upstream error; proxy_pass http://two; }}
         location /twice/ {{ {asks} try_files /there-is-none @again; }}
         location @again {{ {asks} proxy_pass http://127.0.0.1:{service}; }}
         location /slow/ {{ {asks} proxy_pass http://127.0.0.1:{}; }}",
        slow.local_addr()?.port()
    );
    let nginx = Nginx::start_with(&gate, service, (&of_http, &of_server)).await?;
    let mut served = 0;
    for (path, count, header, status) in CASES {
        for _ in 0..count {
            let said = get(nginx.port, path, &[("X-Api-Key", PORTAL_KEY), header]).await?;
            // A service that knows nothing of ranges gives all of it.
            let is_so = said.status == status || status == 206 && said.status == 200;
            assert!(is_so, "{path} {header:?}: {said:?} {}", gate.log());
            assert_eq!(said.header("X-Liuhen-Access").is_some(), status != 403, "{path}: {said:?}");
            served += usize::from(status != 403);
        }
    }
    let head = send(nginx.port, "HEAD", "/cached/1", &[("X-Api-Key", PORTAL_KEY)], "").await?;
    assert_eq!((head.status, head.body.as_str()), (200, ""), "{head:?}");
    // Given up while the service answers nothing: it is recorded as what came of it, and closed.
    let mut gone = TcpStream::connect(("127.0.0.1", nginx.port)).await?;
    let asked = format!("GET /slow/1 HTTP/1.1\r\nHost: a\r\nX-Api-Key: {PORTAL_KEY}\r\n\r\n");
    gone.write_all(asked.as_bytes()).await?;
    let (_held, _) = slow.accept().await?;
    drop(gone);
    let all = recorded(&mut cluster, served + 2).await.map_err(|e| e.context(gate.log()))?;
    assert!(all.iter().all(|it| it["verdict"] == "covered"), "{all:#?}");
    spool_is_empty(&gate).await?;
    // Of a cached answer the rows are those that the service said when it gave it.
    let mut rows: Vec<Option<u64>> = all.iter().map(|it| it["rows"].as_u64()).collect();
    rows.sort_unstable();
    assert_eq!(rows.iter().filter(|it| **it == Some(1)).count(), served + 1, "{rows:?}");
    let numbers: Vec<u64> =
        on_the_ledger(&mut cluster).await?.iter().map(|it| it.access_no).collect();
    assert_eq!(numbers, (1..=served as u64 + 2).collect::<Vec<_>>());
    until("the cache to be there", async || gate.folder.join("cache").exists().then_some(()))
        .await?;
    Ok(())
}
