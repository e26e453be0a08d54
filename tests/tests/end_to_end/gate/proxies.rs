//! Each proxy that a gate has a door for, the real one: what it passed on is on the ledger once, with its rows; what it did not, too.

use super::granted;
use super::many::{many, merge};
use anyhow::Context as _;
use liuhen_proto::wire::Decision;
use liuhen_tests::Cluster;
use liuhen_tests::doors::{Answered, Gate, PORTAL_KEY, SECRET, get, send, service};
use liuhen_tests::proxies::{Kind, Proxy};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

/// What a client at a proxy sees, and the ledger afterwards.
async fn at(kind: Kind) -> anyhow::Result<()> {
    if !kind.is_here() {
        return Ok(());
    }
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb", "hrss"]).await?;
    let log = format!("{}/access.log", kind.name());
    let door = gate.add_door(kind.name(), (kind != Kind::Envoy).then_some(log.as_str()))?;
    gate.start().await?;
    let proxy = Proxy::start(kind, &gate, door, service().await?).await?;
    let key = ("X-Api-Key", PORTAL_KEY);

    let served = get(proxy.port, "/residents/7", &[key]).await?;
    assert_eq!(served.status, 200, "{served:?} {}", gate.log());
    assert!(served.body.contains("a resident"), "{served:?}");
    // Traefik's log has it only if the client has it too.
    assert_eq!(served.header("X-Liuhen-Rows").is_some(), kind == Kind::Traefik, "{served:?}");
    assert_eq!(token(&served).split(';').count(), 5, "{served:?}");
    // Whoever says of itself what only the proxy may is nobody; nor does it name the request.
    let forged = [
        key,
        ("X-Request-Id", "mine"),
        ("X-Gate-Request", "mine"),
        ("X-Gate-Uri", "/residents/8"),
        ("X-Forwarded-Uri", "/residents/8"),
        ("X-Forwarded-For", "10.0.0.1"),
        ("X-Liuhen-Request", "mine"),
        ("X-Liuhen-Access", "mine"),
    ];
    let mut named = BTreeSet::new();
    for _ in 0..2 {
        let served = get(proxy.port, "/residents/7", &forged).await?;
        assert_eq!(served.status, 200, "{served:?} {}", gate.log());
        assert!(!token(&served).contains("mine") && named.insert(token(&served)), "{served:?}");
    }
    assert_eq!(get(proxy.port, "/residents/7", &[]).await?.status, 403);
    assert_eq!(get(proxy.port, "/others/7", &forged).await?.status, 403);

    one_number_each(&proxy, &gate).await?;

    // Many at once, and the gate killed in the midst five times: it answers for what it gave.
    let port = proxy.port;
    let ask = || async move {
        let answer = get(port, "/residents/7", &[key]).await?;
        if answer.status != 200 {
            return Ok(None);
        }
        Ok(Some(token(&answer).split(';').nth(1).unwrap_or_default().parse()?))
    };
    let mut numbers = many(&mut gate, 20, None, ask).await?;
    // What Envoy says over gRPC while there is no gate is lost: rows are unknown then.
    super::spool_is_empty(&gate).await?;
    for round in 1..6 {
        merge(&mut numbers, many(&mut gate, 196, Some(3 + 31 * round), ask).await?)?;
    }
    assert!(numbers.len() >= 20, "{numbers:?} {}", gate.log());
    on_the_ledger(kind, &mut cluster, &gate, &numbers).await
}

/// What one request of a client can become: of two services one is not there, so each second request is asked again; a part is asked for, or the head alone; one is
/// given up. Each has a number of its own.
async fn one_number_each(proxy: &Proxy, gate: &Gate) -> anyhow::Result<()> {
    let key = ("X-Api-Key", PORTAL_KEY);
    let last = async || -> anyhow::Result<u64> {
        let metrics = get(gate.watch, "/metrics", &[]).await?.body;
        let line = metrics.lines().find_map(|it| it.strip_prefix("liuhen_gate_last_access_no "));
        Ok(line.context("no such metric")?.parse::<f64>()? as u64)
    };
    let cases = [
        ("GET", ("X-None", "1"), 4),
        ("GET", ("Range", "bytes=0-3"), 2),
        ("HEAD", ("X-None", "1"), 2),
    ];
    for (method, header, count) in cases {
        for _ in 0..count {
            let before = last().await?;
            let said = send(proxy.port, method, "/urgent/7", &[key, header], "").await?;
            assert!(matches!(said.status, 200 | 206), "{method} {header:?}: {said:?}");
            assert_eq!(last().await?, before + 1, "{method} {header:?}: {}", gate.log());
        }
    }
    let before = last().await?;
    let mut gone = TcpStream::connect(("127.0.0.1", proxy.port)).await?;
    let asked = format!("GET /residents/7 HTTP/1.1\r\nHost: a\r\nX-Api-Key: {PORTAL_KEY}\r\n\r\n");
    gone.write_all(asked.as_bytes()).await?;
    drop(gone);
    // It may be gone before it is asked about.
    let after = get(proxy.port, "/residents/7", &[key]).await?;
    assert_eq!(after.status, 200, "{after:?}");
    let numbers = last().await? - before;
    assert!((1..=2).contains(&numbers), "{numbers}");
    Ok(())
}

/// All that was served is there, once, in numbers without gap; rows are known of what ended while there was a gate.
async fn on_the_ledger(
    kind: Kind,
    cluster: &mut Cluster,
    gate: &Gate,
    numbers: &BTreeSet<u64>,
) -> anyhow::Result<()> {
    super::spool_is_empty(gate).await?;
    let records = super::on_the_ledger(cluster).await?;
    let on_ledger: Vec<u64> = records.iter().map(|it| it.access_no).collect();
    let all: Vec<u64> = (1..=on_ledger.last().copied().unwrap_or_default()).collect();
    assert_eq!(on_ledger, all, "numbers without gap, each once");
    let missing = numbers.iter().filter(|it| !on_ledger.contains(it));
    assert_eq!(missing.count(), 0, "served, and not on the ledger");
    let with_rows = records.iter().filter(|it| it.row_count == Some(1)).count();
    assert!(with_rows >= 3 + 8 + 20, "rows are known of {with_rows} of {}", records.len());
    // One was denied as nobody known.
    let denied = records.iter().filter(|it| it.decision() == Decision::Denied).count();
    assert!(denied == 1, "{denied} {}", gate.log());
    println!("{}: {} served, rows known of {with_rows}", kind.name(), numbers.len());
    Ok(())
}

/// What the user's system shows that it was served: a header, or a cookie where there is no other way.
fn token(answer: &Answered) -> String {
    let cookie = answer.header("Set-Cookie").and_then(|it| it.strip_prefix("liuhen-access="));
    let cookie = cookie.and_then(|it| it.split(';').next());
    answer.header("X-Liuhen-Access").or(cookie).unwrap_or_default().replace("%3B", ";")
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy() -> anyhow::Result<()> {
    at(Kind::Caddy).await
}

#[tokio::test(flavor = "multi_thread")]
async fn traefik() -> anyhow::Result<()> {
    at(Kind::Traefik).await
}

#[tokio::test(flavor = "multi_thread")]
async fn envoy() -> anyhow::Result<()> {
    at(Kind::Envoy).await
}

/// As APISIX asks by its documentation of `forward-auth`, with the headers that ours names; and as its log says how it ended. The real one was not tried.
#[tokio::test(flavor = "multi_thread")]
async fn as_apisix_asks() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    gate.start().await?;
    let asked = |request: &'static str, uri: &'static str, key: &'static str| {
        [
            ("X-Forwarded-Proto", "http"),
            ("X-Forwarded-Method", "GET"),
            ("X-Forwarded-Host", "portal.example"),
            ("X-Forwarded-Uri", "/others/7"),
            ("X-Forwarded-For", "192.0.2.7"),
            ("X-Gate-Secret", SECRET),
            ("X-Gate-Request", request),
            ("X-Gate-Method", "GET"),
            ("X-Gate-Uri", uri),
            ("X-Gate-Address", "192.0.2.7"),
            ("X-Gate-Certificate", ""),
            ("X-Api-Key", key),
        ]
    };
    let served = get(gate.nginx, "/", &asked("a1", "/residents/7?lang=zh", PORTAL_KEY)).await?;
    assert_eq!((served.status, token(&served).split(';').count()), (204, 5), "{served:?}");
    let denied = get(gate.nginx, "/", &asked("a2", "/residents/7", "nobody's")).await?;
    assert_eq!(denied.status, 403, "{denied:?}");
    let mut log = File::options().create(true).append(true).open(gate.folder.join("access.log"))?;
    writeln!(log, r#"{{"request":"a1","status":200,"rows":"3"}}"#)?;
    super::spool_is_empty(&gate).await?;
    let records = super::on_the_ledger(&mut cluster).await?;
    let told: Vec<_> = records.iter().map(|it| (it.decision(), it.row_count)).collect();
    assert_eq!(told, [(Decision::Served, Some(3)), (Decision::Denied, Some(0))]);
    Ok(())
}
