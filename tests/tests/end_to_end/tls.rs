//! Clients reach nodes over TLS, or on this machine: what is encrypted, who is trusted, whose tokens are taken.

use liuhen_client::connect::Node;
use liuhen_client::reach::{ReachOptions, tls::TlsOptions};
use liuhen_tests::Cluster;
use liuhen_tests::actions::{register, told};
use liuhen_tests::certificates::{Authority, Signed};
use liuhen_tests::cluster::path_text;
use liuhen_tests::wait::{DEADLINE, until};
use std::io::Read;
use std::path::Path;
use std::process::Output;

/// Has the node of public security serve over TLS, under these names; others serve as before.
async fn encrypted(
    authority: &Authority,
    names: &[&str],
    client_ca: Option<&Path>,
) -> anyhow::Result<(Cluster, Signed)> {
    let signed = authority.sign("node", &["localhost", "127.0.0.1"], false)?;
    let mut settings = format!(
        "tls_certificate = {:?}\ntls_key = {:?}\nserver_names = {names:?}\n",
        signed.certificate, signed.key
    );
    if let Some(ca) = client_ca {
        settings += &format!("tls_client_ca = {ca:?}\n");
    }
    let cluster = Cluster::start_with(&[("psb", &settings)]).await?;
    Ok((cluster, signed))
}

fn port(address: &str) -> &str {
    address.rsplit(':').next().unwrap_or_default()
}

impl Asks {
    fn run(&self, cluster: &Cluster, node: &str, more: &[&str]) -> anyhow::Result<Output> {
        let key = cluster.consortium.key("psb", "officer");
        let all = [&["--node", node, "--key", path_text(&key)?, "--lang", "en"], more].concat();
        let all = [&all[..], &["dataset", "list"]].concat();
        cluster.run(self.0, &all)
    }
}

/// A program that asks.
struct Asks(&'static str);

const LIUHEN: Asks = Asks("liuhen");

#[tokio::test(flavor = "multi_thread")]
async fn a_client_checks_whom_it_speaks_to() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let authority = Authority::new(&folder.path().join("ca"))?;
    let (mut cluster, _) = encrypted(&authority, &["localhost"], None).await?;
    let dataset = ["dataset", "register", "civil.resident", "--title-en", "Residents"];
    let dataset = [&dataset[..], &["--grade", "3", "--fields", "id"]].concat();
    let output = cluster.liuhen("tax", ("psb", "officer"), &dataset).await?;
    assert!(output.status.success(), "{}", told(&output));
    let address = cluster.address("psb").await?;
    let (port, ca) = (port(&address).to_owned(), authority.file());
    let (named, ca) = (format!("https://localhost:{port}"), path_text(&ca)?);

    let shown = until("the dataset over TLS", async || {
        let output = LIUHEN.run(&cluster, &named, &["--ca", ca]).ok()?;
        told(&output).contains("civil.resident").then_some(output)
    });
    assert!(shown.await?.status.success());

    // An authority that nobody named, and another than the one that was.
    let stranger = Authority::new(&folder.path().join("other"))?.file();
    for other in [&[][..], &["--ca", path_text(&stranger)?]] {
        let output = LIUHEN.run(&cluster, &named, other)?;
        assert!(matches!(output.status.code(), Some(2 | 7)), "{}", told(&output));
        assert!(
            told(&output).contains("nothing was sent") || told(&output).contains("--ca"),
            "{}",
            told(&output)
        );
    }
    // The certificate is for this address too, but the node is not called so: a token for it is refused.
    let output = LIUHEN.run(&cluster, &format!("https://127.0.0.1:{port}"), &["--ca", ca])?;
    assert_eq!(output.status.code(), Some(6), "{}", told(&output));
    for words in ["the token is for the server `127.0.0.1`", "this is `localhost`", "server_names"]
    {
        assert!(told(&output).contains(words), "{words}: {}", told(&output));
    }
    // A node that serves over TLS serves nobody in the clear.
    let output = LIUHEN.run(&cluster, &format!("http://127.0.0.1:{port}"), &["--timeout", "5s"])?;
    assert_eq!(output.status.code(), Some(7), "{}", told(&output));
    // A node that does not is no use for who asks for TLS.
    let plain = cluster.address("tax").await?.replace("http://", "https://");
    let output = LIUHEN.run(&cluster, &plain, &["--ca", ca])?;
    assert_eq!(output.status.code(), Some(7), "{}", told(&output));
    Ok(())
}

/// Not a byte goes out in the clear where `https` was asked for, or where the way is not this machine's.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_in_the_clear() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let authority = Authority::new(&folder.path().join("ca"))?;
    let cluster = Cluster::start().await?;
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = format!("https://{}", listener.local_addr()?);
    let heard = std::thread::spawn(move || -> std::io::Result<Vec<u8>> {
        let (mut stream, _) = listener.accept()?;
        let mut first = vec![0; 5];
        stream.read_exact(&mut first)?;
        Ok(first)
    });
    let ca = authority.file();
    let output = LIUHEN.run(&cluster, &address, &["--ca", path_text(&ca)?, "--timeout", "5s"])?;
    assert_eq!(output.status.code(), Some(7), "{}", told(&output));
    let first = heard.join().map_err(|_| anyhow::anyhow!("the listener failed"))??;
    // A handshake record of TLS (RFC 8446, 5.1).
    assert_eq!((first.first(), first.get(1)), (Some(&22), Some(&3)), "{first:?}");

    let output = LIUHEN.run(&cluster, "http://192.0.2.1:1", &[])?;
    assert_eq!(output.status.code(), Some(2), "{}", told(&output));
    assert!(told(&output).contains("nothing was sent"), "{}", told(&output));
    let key = cluster.consortium.key("psb", "officer");
    let arguments =
        ["--node", "http://192.0.2.1:1", "--key", path_text(&key)?, "--lang", "zh", "status"];
    let output = cluster.run("liuhen", &arguments)?;
    assert!(told(&output).contains("明文传送"), "{}", told(&output));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_show_certificates_where_they_must() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let authority = Authority::new(&folder.path().join("ca"))?;
    let clients = Authority::new(&folder.path().join("clients"))?;
    let client_ca = clients.file();
    let (mut cluster, _) = encrypted(&authority, &["localhost"], Some(&client_ca)).await?;
    let address = cluster.address("psb").await?;
    let (named, ca) = (format!("https://localhost:{}", port(&address)), authority.file());
    let ca = path_text(&ca)?;
    let own = clients.sign("officer", &["officer.example"], true)?;
    let shown = |it: &Signed| -> anyhow::Result<Vec<String>> {
        let (certificate, key) = (path_text(&it.certificate)?, path_text(&it.key)?);
        let all = ["--ca", ca, "--client-cert", certificate, "--client-key", key];
        Ok(all.map(str::to_owned).to_vec())
    };
    let ask = |more: &[String]| {
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        LIUHEN.run(&cluster, &named, &more)
    };
    let output = ask(&shown(&own)?)?;
    assert!(output.status.success(), "{}", told(&output));
    let others = authority.sign("stranger", &["stranger.example"], true)?;
    for more in [vec!["--ca".to_owned(), ca.to_owned()], shown(&others)?] {
        let output = ask(&more)?;
        assert_eq!(output.status.code(), Some(7), "{}", told(&output));
    }
    Ok(())
}

/// A certificate that is replaced is taken up without a start, and connections that were there go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_taken_up() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let authority = Authority::new(&folder.path().join("ca"))?;
    let (mut cluster, _) = encrypted(&authority, &["localhost"], None).await?;
    let address = cluster.address("psb").await?;
    let named = format!("https://localhost:{}", port(&address));
    let trusting = |ca: &Authority| ReachOptions {
        within: DEADLINE,
        tls: TlsOptions { ca: Some(ca.file()), identity: None },
        allow_plaintext: false,
    };
    let before = Node::connect_to(std::slice::from_ref(&named), &trusting(&authority)).await?;
    // Another authority's certificate, in the same files.
    let next = Authority::new(&folder.path().join("next"))?;
    let signed = next.sign("node", &["localhost"], false)?;
    let old = folder.path().join("ca");
    std::fs::copy(&signed.key, old.join("node.key"))?;
    std::fs::copy(&signed.certificate, old.join("node.pem"))?;
    until("the new certificate", async || {
        Node::connect_to(std::slice::from_ref(&named), &trusting(&next)).await.ok()
    })
    .await?;
    assert!(before.status().await?.height > 0, "who was connected stays so");
    Ok(())
}

/// Where other machines would be served in the clear a node does not start, unless it is told to.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_does_not_serve_others_in_the_clear_unawares() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    cluster.stop("psb").await?;
    let home = cluster.consortium.home("psb");
    let run = |more: &[&str]| {
        let all =
            [&["run", "--home", path_text(&home)?, "--grpc-listen", "0.0.0.0:0"], more].concat();
        cluster.run("liuhen-node", &all)
    };
    let output = run(&[])?;
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(told(&output).contains("tls_certificate"), "{}", told(&output));
    // Told so, it wants the names that tokens are made out to.
    let output = run(&["--allow-plaintext"])?;
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(told(&output).contains("server_names is needed"), "{}", told(&output));
    Ok(())
}

/// A node that does not answer is left for the next; where none does, all are named.
#[tokio::test(flavor = "multi_thread")]
async fn the_next_node_is_asked() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    let (first, second) = (cluster.address("psb").await?, cluster.address("tax").await?);
    let both = format!("{first},{second}");
    cluster.freeze("psb").await?;
    for command in [&["status"][..], &["dataset", "list"]] {
        let key = cluster.consortium.key("psb", "officer");
        let all = [&["--node", &both, "--key", path_text(&key)?], command].concat();
        let output = cluster.run("liuhen", &all)?;
        assert!(output.status.success(), "{command:?}: {}", told(&output));
    }
    // What is submitted finds the next as well.
    let officer = cluster.consortium.key("psb", "officer");
    let more = [
        "dataset",
        "register",
        "civil.more",
        "--title-en",
        "More",
        "--grade",
        "3",
        "--fields",
        "id",
    ];
    let all = [&["--node", &both, "--key", path_text(&officer)?], &more[..]].concat();
    let output = cluster.run("liuhen", &all)?;
    assert!(output.status.success(), "{}", told(&output));
    cluster.freeze("tax").await?;
    let output = cluster.run("liuhen", &["--node", &both, "--timeout", "3s", "status"])?;
    assert_eq!(output.status.code(), Some(7), "{}", told(&output));
    assert!(told(&output).contains(&first) && told(&output).contains(&second), "{}", told(&output));
    for node in ["psb", "tax"] {
        cluster.signal(node, "-CONT")?;
    }
    Ok(())
}
