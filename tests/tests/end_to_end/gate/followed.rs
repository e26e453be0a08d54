//! A database's log that a gate follows as it grows: each statement is on the ledger once, whatever happens in between.

use super::{granted, on_the_ledger, recorded, spool_is_empty};
use liuhen_proto::wire::{Channel, RecordAccess};
use liuhen_tests::actions::told;
use liuhen_tests::certificates::{Authority, Signed};
use liuhen_tests::cluster::path_text;
use liuhen_tests::consortium::free_port;
use liuhen_tests::doors::{Gate, MAPPING, SECRET, get, send};
use liuhen_tests::wait::until;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, RootCertStore};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UdpSocket};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A line of PostgreSQL's log, of a session of its own: a statement that read so many rows, now.
fn line(number: usize) -> String {
    line_at(number, jiff::Timestamp::now())
}

/// The same of a time.
fn line_at(number: usize, time: jiff::Timestamp) -> String {
    let now = time.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(8)));
    let entry = serde_json::json!({
        "timestamp": now.strftime("%F %T.%3f CST").to_string(),
        "user": "app", "dbname": "population", "error_severity": "LOG",
        "session_id": format!("6d{number:06x}.1"), "line_num": 1,
        "message": format!(
            "AUDIT: SESSION,1,1,READ,SELECT,TABLE,civil.resident,select name from civil.resident where id = {number},<none>,1"
        ),
    });
    format!("{entry}\n")
}

fn append(log: &Path, text: &str) -> anyhow::Result<()> {
    let mut file = File::options().create(true).append(true).open(log)?;
    Ok(file.write_all(text.as_bytes())?)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_log_tells_is_recorded_as_it_is_written() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb", "hrss"]).await?;
    let log = gate.follow()?;
    append(&log, &line(1))?;
    gate.start().await?;
    let all = recorded(&mut cluster, 1).await.map_err(|e| e.context(gate.log()))?;
    assert_eq!((&all[0]["verdict"], &all[0]["rows"]), (&"covered".into(), &1.into()), "{all:#?}");
    // A line that is written in two parts is one; what can't be understood is counted, and nothing stops.
    let second = line(2);
    let (begin, end) = second.split_at(40);
    append(&log, begin)?;
    append(&log, end)?;
    append(&log, &format!("no line of PostgreSQL\n{}", line(3)))?;
    recorded(&mut cluster, 3).await.map_err(|e| e.context(gate.log()))?;
    let metrics = get(gate.watch, "/metrics", &[]).await?.body;
    let counted = r#"liuhen_gate_source_lines_total{source="population",what="unknown"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
    Ok(())
}

/// What the log tells while no door serves, and what a door serves while the log is silent: each is a line, with what settles it.
#[tokio::test(flavor = "multi_thread")]
async fn doors_and_logs_are_compared() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    let log = gate.follow()?;
    append(&log, "")?;
    gate.start().await?;
    let day = get(gate.watch, "/differences", &[]).await?;
    assert!(day.body.contains("doors and logs agree"), "{day:?}");
    // Seen by both.
    super::asks_by_api(&gate, "r-1").await?;
    append(&log, &line(1))?;
    super::ends_by_api(&gate, "r-1").await?;
    recorded(&mut cluster, 2).await.map_err(|e| e.context(gate.log()))?;
    let day = get(gate.watch, "/differences", &[]).await?;
    assert!(!day.body.contains("past_the_door"), "{day:?}");
    // An hour before the door served anything: past it.
    let early = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(3_600);
    append(&log, &line_at(2, early))?;
    let said = until("the difference", async || {
        let said = get(gate.watch, "/differences", &[]).await.ok()?.body;
        said.contains("past_the_door").then_some(said)
    });
    let said = said.await.map_err(|e| e.context(gate.log()))?;
    let wanted = ["civil.resident", "1 in the log, while no door served anything", "liuhen trail"];
    assert!(wanted.iter().all(|it| said.contains(it)), "{said}");
    // Known after a restart as well.
    gate.kill()?;
    gate.start().await?;
    let again = get(gate.watch, "/differences", &[]).await?.body;
    assert_eq!(again, said);
    Ok(())
}

/// A thousand statements with five kills of the gate, a node away, and the log turned over twice.
#[tokio::test(flavor = "multi_thread")]
async fn each_once_whatever_happens() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb", "hrss"]).await?;
    let log = gate.follow()?;
    append(&log, "")?;
    gate.start().await?;
    for round in 0..10 {
        for number in round * 100..(round + 1) * 100 {
            append(&log, &line(number))?;
        }
        match round {
            2 => cluster.kill("hrss")?,
            4 | 7 => std::fs::rename(&log, gate.folder.join(format!("audit.json.{round}")))?,
            _ => {}
        }
        if round % 2 == 1 {
            gate.kill()?;
            // Written while there is no gate.
            append(&log, &line(1_000 + round))?;
            gate.start().await?;
        }
    }
    // Numbers are given where a line is read: first it has to be.
    liuhen_tests::wait::until("all to be numbered", async || {
        let metrics = get(gate.watch, "/metrics", &[]).await.ok()?.body;
        let given =
            metrics.lines().find_map(|it| it.strip_prefix("liuhen_gate_last_access_no "))?;
        (given.parse::<f64>().ok()? >= 1_005.0).then_some(())
    })
    .await
    .map_err(|e| e.context(gate.log()))?;
    spool_is_empty(&gate).await?;
    cluster.launch("hrss")?;
    let records = on_the_ledger(&mut cluster).await?;
    let numbers: Vec<u64> = records.iter().map(|it| it.access_no).collect();
    assert_eq!(numbers, (1..=1_005).collect::<Vec<u64>>(), "without gap, each once");
    let mut queries: Vec<&[u8]> = records.iter().map(|it| it.query_digest.as_slice()).collect();
    queries.sort_unstable();
    queries.dedup();
    assert_eq!(queries.len(), 1_005, "each statement once");
    let is_of_log = |it: &RecordAccess| it.channel() == Channel::Log && it.row_count == Some(1);
    assert!(records.iter().all(is_of_log));
    Ok(())
}

/// Lines that come by the wire: framed by their length and by their end, datagrams, and pushed. Each is on the ledger, once.
#[tokio::test(flavor = "multi_thread")]
async fn lines_by_the_wire() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    std::fs::write(gate.folder.join("mapping.toml"), MAPPING)?;
    let ports = [free_port()?, free_port()?, free_port()?];
    let mut settings = File::options().append(true).open(gate.folder.join("gate.toml"))?;
    for (protocol, port) in ["tcp", "udp", "http"].into_iter().zip(ports) {
        let secret = if protocol == "http" { "secret = \"secret\"\n" } else { "" };
        write!(
            settings,
            "\n[[source]]\nname = \"by-{protocol}\"\nkind = \"pgaudit\"\nlog = \"{protocol}.log\"\nmapping = \"mapping.toml\"\n\
             [source.receive]\nprotocol = \"{protocol}\"\nlisten = \"127.0.0.1:{port}\"\n{secret}"
        )?;
    }
    gate.start().await?;
    let [tcp, udp, http] = ports;
    let mut stream = TcpStream::connect(("127.0.0.1", tcp)).await?;
    let framed = syslog(1);
    stream.write_all(format!("{} {framed}{}\n", framed.len(), syslog(2)).as_bytes()).await?;
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    socket.send_to(syslog(3).as_bytes(), ("127.0.0.1", udp)).await?;
    let shown = format!("Bearer {SECRET}");
    let shown = [("Authorization", shown.as_str())];
    let body = format!("{}{}", line(4), line(5));
    let said = send(http, "POST", "/v1/lines", &shown, &body).await?;
    assert_eq!((said.status, said.body.trim()), (200, r#"{"lines":2}"#), "{said:?}");
    recorded(&mut cluster, 5).await.map_err(|e| e.context(gate.log()))?;

    // Who shows no secret, frames wrongly, or ends within a message adds nothing; and nothing stops.
    assert_eq!(send(http, "POST", "/v1/lines", &[], &line(6)).await?.status, 401);
    for bad in ["99999999999 x", "12x 34", "20 short"] {
        let mut stream = TcpStream::connect(("127.0.0.1", tcp)).await?;
        stream.write_all(bad.as_bytes()).await?;
    }
    stream.write_all(format!("{}\n", syslog(7)).as_bytes()).await?;
    recorded(&mut cluster, 6).await.map_err(|e| e.context(gate.log()))?;
    let metrics = get(gate.watch, "/metrics", &[]).await?.body;
    for counted in [
        r#"liuhen_gate_received_total{source="by-tcp",what="kept"} 3"#,
        r#"liuhen_gate_received_total{source="by-tcp",what="refused"} 3"#,
        r#"liuhen_gate_received_total{source="by-udp",what="dropped_by_system"} 0"#,
    ] {
        assert!(metrics.contains(counted), "{counted}: {metrics}");
    }
    Ok(())
}

/// Lines over TLS: of whoever has a certificate of the authority, and of nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn lines_over_tls() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    std::fs::write(gate.folder.join("mapping.toml"), MAPPING)?;
    let authority = Authority::new(&gate.folder.join("ca"))?;
    let own = authority.sign("gate", &["localhost"], false)?;
    let sender = authority.sign("sender", &["db1"], true)?;
    let stranger = Authority::new(&gate.folder.join("other-ca"))?.sign("stranger", &["x"], true)?;
    let port = free_port()?;
    let mut settings = File::options().append(true).open(gate.folder.join("gate.toml"))?;
    write!(
        settings,
        "\n[[source]]\nname = \"by-tls\"\nkind = \"pgaudit\"\nlog = \"tls.log\"\nmapping = \"mapping.toml\"\n\
         [source.receive]\nprotocol = \"tls\"\nlisten = \"127.0.0.1:{port}\"\n\
         [source.receive.tls]\ncertificate = \"{}\"\nkey = \"{}\"\nclient_ca = \"{}\"\n",
        own.certificate.display(),
        own.key.display(),
        authority.file().display()
    )?;
    gate.start().await?;
    let mut stream = over_tls(port, &authority, Some(&sender)).await?;
    let framed = syslog(1);
    stream.write_all(format!("{} {framed}", framed.len()).as_bytes()).await?;
    stream.flush().await?;
    recorded(&mut cluster, 1).await.map_err(|e| e.context(gate.log()))?;
    for other in [None, Some(&stranger)] {
        // It is told no in the handshake, or when it first sends.
        if let Ok(mut stream) = over_tls(port, &authority, other).await {
            let _ = stream.write_all(format!("{}\n", syslog(2)).as_bytes()).await;
            let _ = stream.flush().await;
        }
    }
    let mut plain = TcpStream::connect(("127.0.0.1", port)).await?;
    plain.write_all(format!("{}\n", syslog(3)).as_bytes()).await?;
    until("three that were refused", async || {
        let metrics = get(gate.watch, "/metrics", &[]).await.ok()?.body;
        let counted = r#"liuhen_gate_received_total{source="by-tls",what="refused"} 3"#;
        metrics.contains(counted).then_some(())
    })
    .await
    .map_err(|e| e.context(gate.log()))?;
    stream.write_all(format!("{}\n", syslog(4)).as_bytes()).await?;
    stream.flush().await?;
    recorded(&mut cluster, 2).await.map_err(|e| e.context(gate.log()))?;
    Ok(())
}

/// A connection to the gate, by this certificate.
async fn over_tls(
    port: u16,
    authority: &Authority,
    own: Option<&Signed>,
) -> anyhow::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(authority.file())? {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let config = match own {
        Some(own) => {
            let chain = CertificateDer::pem_file_iter(&own.certificate)?;
            let key = PrivateKeyDer::from_pem_file(&own.key)?;
            builder.with_client_auth_cert(chain.collect::<Result<_, _>>()?, key)?
        }
        None => builder.with_no_client_auth(),
    };
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let name = ServerName::try_from("localhost")?;
    Ok(TlsConnector::from(Arc::new(config)).connect(name, stream).await?)
}

/// The same line as PostgreSQL gives it to syslog.
fn syslog(number: usize) -> String {
    let now = jiff::Timestamp::now();
    let local = now.to_zoned(jiff::tz::TimeZone::fixed(jiff::tz::offset(8)));
    let local = local.strftime("%F %T.%3f CST");
    format!(
        "<134>1 {now:.3} db1 postgres {number} - - [{number}-1] {local} [{number}] app@population LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,civil.resident,\"select name from civil.resident where id = {number}\",<none>,1"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn slips_of_sources() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    gate.follow()?;
    let settings = gate.folder.join("gate.toml");
    let good = std::fs::read_to_string(&settings)?;
    for (from, to, why) in [
        ("kind = \"pgaudit\"", "kind = \"oracle\"", "oracle is none of pgaudit, mariadb"),
        ("mapping = \"mapping.toml\"", "mapping = \"none.toml\"", "none.toml"),
        ("log = \"audit.json\"", "log = \"a*d*.json\"", "one `*` at most"),
        ("log = \"audit.json\"", "log = \"none/audit.json\"", "none"),
        (
            "mapping = \"mapping.toml\"",
            "mapping = \"mapping.toml\"\nreceive = { protocol = \"tcp\", listen = \"0.0.0.0:6514\" }",
            "in the clear",
        ),
        (
            "mapping = \"mapping.toml\"",
            "mapping = \"mapping.toml\"\nreceive = { protocol = \"http\", listen = \"127.0.0.1:6514\" }",
            "a `secret` belongs to http",
        ),
        (
            "mapping = \"mapping.toml\"",
            "mapping = \"mapping.toml\"\nreceive = { protocol = \"tls\", listen = \"127.0.0.1:6514\" }",
            "belongs to tls",
        ),
        (
            "mapping = \"mapping.toml\"",
            "mapping = \"mapping.toml\"\nreceive = { protocol = \"tls\", listen = \"127.0.0.1:6514\", tls = { certificate = \"none\", key = \"none\", client_ca = \"none\" } }",
            "certificates in PEM are needed",
        ),
    ] {
        assert!(good.contains(from), "{from}");
        std::fs::write(&settings, good.replace(from, to))?;
        let output = cluster.run("liuhen-gate", &["check", "--settings", path_text(&settings)?])?;
        assert!(!output.status.success(), "{why}: {}", told(&output));
        assert!(told(&output).contains(why), "{why}: {}", told(&output));
    }
    Ok(())
}
