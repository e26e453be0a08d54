//! Whoever knocks: connections that say nothing, calls that nobody answers, addresses that can't be spoken to, proofs for
//! those who show no token.

use liuhen_client::connect::Node;
use liuhen_proto::place::TrailKind;
use liuhen_proto::subject;
use liuhen_proto::types::Hash;
use liuhen_proto::wire::{self, ProveSubjectRequest, ProveTrailRequest, RangeKind, SubjectTag};
use liuhen_tests::Cluster;
use liuhen_tests::actions::{record, register, told};
use liuhen_tests::cluster::path_text;
use liuhen_tests::wait::until;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tonic::Code;

fn address(cluster: &Cluster, node: &str, file: &str) -> anyhow::Result<SocketAddr> {
    Ok(std::fs::read_to_string(cluster.consortium.home(node).join(file))?.parse()?)
}

/// A connection from an address of this machine other than the one that honest clients have.
async fn knock(to: SocketAddr) -> std::io::Result<tokio::net::TcpStream> {
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, 2], 0).into())?;
    socket.connect(to).await
}

/// 1,100 connections that say nothing, to a node that may have 1,024 files open: it goes on making blocks, and serves
/// others.
#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_take_nothing_that_consensus_needs() -> anyhow::Result<()> {
    liuhen_node::files::raise_limit();
    for file in ["grpc.address", "tiles.address"] {
        let mut cluster = Cluster::start_with_files(1024).await?;
        register(&mut cluster).await?;
        let to = address(&cluster, "psb", file)?;
        let mut idle = Vec::new();
        for _ in 0..1100 {
            // Those for which there is no place are closed at once.
            idle.extend(knock(to).await);
        }
        assert!(idle.len() > 900, "{file}: {} connections", idle.len());
        let node = cluster.connect("psb").await?;
        let gateway = cluster.account(&node, "psb", "gateway").await?;
        for number in 1..=3 {
            gateway.submit(&node, &[record(number)?]).await?;
        }
        let height = node.status().await?.height;
        cluster.all_at(height).await?;
        // Who says nothing, or half of something, is let go.
        let (mut silent, mut half) = (knock(to).await?, knock(to).await?);
        half.write_all(b"GET /check").await?;
        for stream in [&mut silent, &mut half] {
            let ended = until("the connection to be closed", async || {
                match stream.read(&mut [0; 64]).await {
                    Ok(0) | Err(_) => Some(()),
                    Ok(_) => None,
                }
            });
            ended.await?;
        }
        drop(idle);
    }
    Ok(())
}

/// Two of four are down: what is submitted is not committed, and every command says so in time.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_quorum_commands_end() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    cluster.kill("tax")?;
    cluster.kill("bdb")?;
    let officer = ("psb", "officer");
    let update = ["--timeout", "3s", "dataset", "register", "civil.more", "--title-en", "More"];
    let update = [&update[..], &["--grade", "3", "--fields", "id"]].concat();
    let first = cluster.liuhen("psb", officer, &update).await?;
    assert_eq!(first.status.code(), Some(7), "{}", told(&first));
    let address = cluster.address("psb").await?;
    for words in [&address, "did not answer within 3 s", "may still commit"] {
        assert!(told(&first).contains(words), "{words}: {}", told(&first));
    }
    let again = cluster.liuhen("psb", officer, &update).await?;
    assert_eq!(again.status.code(), Some(7), "{}", told(&again));
    assert!(told(&again).contains("may still commit"), "{}", told(&again));
    let chinese = [&["--lang", "zh"], &update[..]].concat();
    let chinese = cluster.liuhen("psb", officer, &chinese).await?;
    assert!(told(&chinese).contains("仍可能上链"), "{}", told(&chinese));
    let status = until("status to tell of no quorum", async || {
        let output = cluster.liuhen("psb", officer, &["status"]).await.ok()?;
        told(&output).contains("no quorum").then_some(output)
    });
    let status = status.await?;
    assert!(status.status.success() && told(&status).contains("quorum"), "{}", told(&status));
    cluster.launch("tax")?;
    let node = cluster.connect("psb").await?;
    let node = cluster.account(&node, "psb", "officer").await?.on(&node);
    until("what was submitted to commit", async || node.dataset("civil.more").await.ok()).await?;
    Ok(())
}

/// A frozen process holds its connections and answers nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_node_is_named() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    let officer = ("psb", "officer");
    let address = cluster.address("psb").await?;
    let node = Node::connect_within(&address, std::time::Duration::from_secs(2)).await?;
    node.status().await?;
    cluster.freeze("psb").await?;
    let error = node.status().await.err().map(|it| (it.exit_code(), it.to_string()));
    let (code, why) = error.unwrap_or_default();
    assert!(code == 7 && why.contains(&address), "{code} {why}");
    for command in [&["status"][..], &["dataset", "list"], &["trail", "department", "gz.psb"]] {
        let all = [&["--timeout", "2s"], command].concat();
        let output = cluster.liuhen("psb", officer, &all).await?;
        assert_eq!(output.status.code(), Some(7), "{command:?}: {}", told(&output));
        assert!(told(&output).contains(&address), "{command:?}: {}", told(&output));
    }
    cluster.signal("psb", "-CONT")?;
    let output = cluster.liuhen("psb", officer, &["status"]).await?;
    assert!(output.status.success(), "{}", told(&output));
    Ok(())
}

/// Tags of a made-up key, and of one under which a record stands.
const MADE_UP: [u8; 32] = [5; 32];
const REAL: [u8; 32] = [6; 32];

fn tag_of(key: [u8; 32]) -> Hash {
    subject::tag(&Hash::new(key))
}

fn prove_trail(key: [u8; 32]) -> ProveTrailRequest {
    ProveTrailRequest {
        trail_kind: TrailKind::Subject as u32,
        trail_id: [b"gz.psb".as_slice(), tag_of(key).as_bytes()].concat(),
        range: RangeKind::Whole as u32,
        subject_key: key.to_vec(),
        ..ProveTrailRequest::default()
    }
}

fn prove_subject(key: [u8; 32]) -> ProveSubjectRequest {
    let tag = tag_of(key).to_vec();
    let tag = SubjectTag { collector: "gz.psb".into(), tag, subject_key: key.to_vec() };
    ProveSubjectRequest { tags: vec![tag], range: RangeKind::Whole as u32, ..Default::default() }
}

/// Without a token a subject's key opens the trail of its own tag, where that stands, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_subjects_key_opens() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    let node = cluster.connect("psb").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    let listing = |number: u64, key: Option<[u8; 32]>| -> anyhow::Result<_> {
        let wire::item::Kind::RecordAccess(mut it) = record(number)?.kind().clone() else {
            anyhow::bail!("no record")
        };
        let subjects = it.subjects.get_or_insert_default();
        match key {
            Some(key) => subjects.tags = vec![tag_of(key).to_vec()],
            None => subjects.unknown_count = 7,
        }
        Ok(liuhen_client::submit::item(wire::item::Kind::RecordAccess(it))?)
    };
    gateway.submit(&node, &[listing(1, Some(REAL))?]).await?;
    gateway.submit(&node, &[listing(2, None)?]).await?;

    let refused = |status: Result<_, tonic::Status>| status.err().map(|it| it.code());
    // The collector's bulk and whole accesses are about everybody.
    for key in [MADE_UP, REAL] {
        let found = node.proofs().prove_subject(prove_subject(key)).await.map(|_| ());
        assert_eq!(refused(found), Some(Code::Unauthenticated));
        // Nor for a member who shows a key.
        let tax = cluster.account(&node, "tax", "officer").await?.on(&node);
        let found = tax.proofs().prove_subject(prove_subject(key)).await.map(|_| ());
        assert_eq!(refused(found), Some(Code::PermissionDenied));
    }
    // That nothing stands under a tag is not told either, and not proved.
    let found = node.proofs().prove_trail(prove_trail(MADE_UP)).await.map(|_| ());
    assert_eq!(refused(found), Some(Code::NotFound));
    let found = node.proofs().prove_long_trail(prove_trail(MADE_UP)).await.map(|_| ());
    assert_eq!(refused(found), Some(Code::NotFound));
    let asked = wire::GetTrailRequest {
        trail_kind: TrailKind::Subject as u32,
        trail_id: prove_trail(MADE_UP).trail_id,
        subject_key: MADE_UP.to_vec(),
        ..wire::GetTrailRequest::default()
    };
    let found = node.trails().get_trail(asked.clone()).await.map(|_| ());
    assert_eq!(refused(found), Some(Code::NotFound));
    let own = wire::GetTrailRequest {
        trail_id: prove_trail(REAL).trail_id,
        subject_key: REAL.to_vec(),
        ..asked
    };
    assert_eq!(node.trails().get_trail(own).await?.into_inner().size, 1);

    let pieces = node.proofs().prove_trail(prove_trail(REAL)).await?.into_inner();
    let (file, genesis) = (cluster.file("own.trace"), cluster.consortium.genesis());
    std::fs::write(&file, liuhen_client::connect::join(pieces).await?)?;
    let arguments = [path_text(&file)?, "--genesis", path_text(&genesis)?, "--lang", "en"];
    let output = cluster.run("liuhen-verify", &arguments)?;
    assert!(output.status.success(), "{}", told(&output));
    let whole = tag_of(REAL).to_string();
    for words in [&whole, "these 1 events are all", "bulk sets and whole versions"] {
        assert!(told(&output).contains(words), "{words}: {}", told(&output));
    }
    // At the collector's counter the whole is given.
    let officer = cluster.account(&node, "psb", "officer").await?.on(&node);
    officer.proofs().prove_subject(prove_subject(MADE_UP)).await?;
    Ok(())
}

/// A node whose address for other nodes is taken says which, and ends: it would be heard by nobody.
#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_on_one_port() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    let settings =
        std::fs::read_to_string(cluster.consortium.home("psb").join(liuhen_node::config::FILE))?;
    cluster.stop("tax").await?;
    let home = cluster.consortium.home("tax");
    for name in ["consensus_listen", "gossip_listen"] {
        let line = settings.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        let taken = line.split('"').nth(1).unwrap_or_default();
        let flag = format!("--{}", name.replace('_', "-"));
        let run = ["run", "--home", path_text(&home)?, &flag, taken];
        let output = cluster.run("liuhen-node", &run)?;
        assert_eq!(output.status.code(), Some(1), "{}", told(&output));
        let said = told(&output);
        assert!(said.contains(name) && said.contains("another node or program"), "{said}");
    }
    Ok(())
}
