//! A regulator's witness: cosigned checkpoints, the header log over HTTP, and two histories.

use anyhow::Context as _;
use liuhen_node::config::FILE;
use liuhen_node::store::votes::VoteRecord;
use liuhen_proto::header::{
    checkpoint::{Checkpoint, origin},
    note::{Kind, Note, VerifierKey},
};
use liuhen_proto::merkle::log::sha256_leaf;
use liuhen_proto::merkle::{MemoryLog, Sha256Log, inclusion};
use liuhen_proto::types::{Hash, KeyId};
use liuhen_tests::Cluster;
use liuhen_tests::actions::{grant, liuhen, told};
use liuhen_tests::cluster::path_text;
use liuhen_tests::consortium::NODES;
use liuhen_tests::wait::until;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

const BDB: (&str, &str) = ("bdb", "officer");
const NAME: &str = "gz.audit/witness";

/// A witness's key file, made anew, and its verifier key.
fn witness_key(cluster: &Cluster, name: &str) -> anyhow::Result<(PathBuf, String)> {
    let file = cluster.file(&format!("{name}.pem"));
    let key = path_text(&file)?;
    let made = cluster.run("liuhen", &["key", "new", "--plain", "--out", key])?;
    anyhow::ensure!(made.status.success(), "{}", told(&made));
    let shown = cluster.run("liuhen", &["witness", "key", NAME, "--key", key])?;
    anyhow::ensure!(shown.status.success(), "{}", told(&shown));
    Ok((file, String::from_utf8(shown.stdout)?.trim().to_owned()))
}

/// Starts a node again that takes this witness's cosignatures.
async fn takes(cluster: &mut Cluster, node: &'static str, witness: &str) -> anyhow::Result<()> {
    cluster.stop(node).await?;
    let file = cluster.consortium.home(node).join(FILE);
    let settings = std::fs::read_to_string(&file)?;
    std::fs::write(&file, format!("witnesses = [\"{witness}\"]\n{settings}"))?;
    cluster.launch(node)?;
    cluster.connect(node).await?;
    Ok(())
}

/// Has the witness look once at psb's node; gives whether it ended well, and what it said.
async fn look(cluster: &mut Cluster, key: &Path, state: &str) -> anyhow::Result<(bool, String)> {
    let node = cluster.address("psb").await?;
    let (genesis, folder) = (cluster.consortium.genesis(), cluster.file(state));
    let run = ["--node", &node, "--key", path_text(key)?, "witness", "run", "--once"];
    let with = ["--name", NAME, "--genesis", path_text(&genesis)?, "--folder", path_text(&folder)?];
    let output = cluster.run("liuhen", &[&run[..], &with[..]].concat())?;
    Ok((output.status.success(), told(&output)))
}

/// Two witnesses never cosign from one folder: each would know but half of what the other saw.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_has_one_witness() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    let (key, _) = witness_key(&cluster, "one")?;
    let folder = cluster.file("seen");
    std::fs::create_dir_all(&folder)?;
    let held = std::fs::File::create(folder.join("lock"))?;
    held.try_lock()?;
    let (good, said) = look(&mut cluster, &key, "seen").await?;
    assert!(!good && said.contains("another witness runs in this folder"), "{said}");
    drop(held);
    let (_, said) = look(&mut cluster, &key, "seen").await?;
    assert!(said.contains("witness.unknown"), "{said}");
    Ok(())
}

/// Proves how the parameters stand; gives the file's path.
async fn proof(cluster: &mut Cluster, name: &str, more: &[&str]) -> anyhow::Result<String> {
    let file = path_text(&cluster.file(name))?.to_owned();
    let prove = ["prove", "state", "parameters", "--out", &file];
    liuhen(cluster, BDB, &[&prove[..], more].concat()).await?;
    Ok(file)
}

fn verify(cluster: &Cluster, file: &str, witness: Option<&str>) -> anyhow::Result<(i32, Value)> {
    let genesis = cluster.consortium.genesis();
    let mut arguments = vec![file, "--genesis", path_text(&genesis)?, "-o", "json"];
    if let Some(witness) = witness {
        arguments.extend(["--witness", witness]);
    }
    let output = cluster.run("liuhen-verify", &arguments)?;
    let said = serde_json::from_slice(&output.stdout).with_context(|| told(&output))?;
    Ok((output.status.code().unwrap_or(-1), said))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_cosigns_and_lifts_the_caveat() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    let (key, witness) = witness_key(&cluster, "witness")?;
    let (other_key, other) = witness_key(&cluster, "other")?;
    let (well, said) = look(&mut cluster, &key, "refused").await?;
    assert!(!well && said.contains("witness.unknown"), "{said}");
    takes(&mut cluster, "psb", &witness).await?;
    grant(&mut cluster).await?;

    let plain = proof(&mut cluster, "plain.trace", &[]).await?;
    let (well, said) = look(&mut cluster, &key, "seen").await?;
    assert!(well && said.contains("cosigned"), "{said}");
    // Looking again signs nothing new, and brings the same.
    let (well, said) = look(&mut cluster, &key, "seen").await?;
    assert!(well, "{said}");
    let (well, said) = look(&mut cluster, &other_key, "others").await?;
    assert!(!well && said.contains("witness.unknown"), "{said}");

    let node = cluster.address("psb").await?;
    let seen = path_text(&cluster.file("seen.trace"))?.to_owned();
    let attach = ["--node", &node, "witness", "attach", &plain, "--out", &seen];
    let output = cluster.run("liuhen", &attach)?;
    assert!(output.status.success(), "{}", told(&output));

    let without = |said: &Value| {
        said["caveats"].as_array().is_some_and(|it| it.contains(&"no_witness".into()))
    };
    let (code, said) = verify(&cluster, &plain, Some(&witness))?;
    assert!(code == 0 && without(&said), "{said}");
    let (code, said) = verify(&cluster, &seen, Some(&witness))?;
    assert!(code == 0 && !without(&said) && said["witnesses"][0]["name"] == NAME, "{said}");
    // A witness counts for who knows its key, and for nobody else.
    for known in [None, Some(other.as_str())] {
        let (code, said) = verify(&cluster, &seen, known)?;
        assert!(code == 0 && without(&said), "{said}");
    }
    let genesis = path_text(&cluster.consortium.genesis())?.to_owned();
    let pack = cluster.file("pack");
    for (known, packed) in [(&other, false), (&witness, true)] {
        let evidence = ["report", "evidence", &seen, "--genesis", &genesis, "--witness", known];
        let output =
            cluster.run("liuhen", &[&evidence[..], &["--out", path_text(&pack)?]].concat())?;
        assert!(output.status.success() == packed && pack.exists() == packed, "{}", told(&output));
    }
    Ok(())
}

/// Fetches from the node's header log.
async fn get(cluster: &Cluster, node: &str, path: &str) -> anyhow::Result<(u16, Vec<u8>)> {
    let file = cluster.consortium.home(node).join("tiles.address");
    let address = until("the header log", async || {
        std::fs::read_to_string(&file).ok().filter(|text| !text.is_empty())
    });
    let mut stream = TcpStream::connect(address.await?)?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: log\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").context("no answer")?;
    let (head, body) = answer.split_at(end);
    let status = std::str::from_utf8(head)?.split(' ').nth(1).context("no status")?.parse()?;
    Ok((status, body[4..].to_vec()))
}

/// The tiles of a log of so many entries, all partial: less than 256.
async fn entries(cluster: &Cluster, size: u64) -> anyhow::Result<Vec<Vec<u8>>> {
    let (code, bundle) = get(cluster, "psb", &format!("/tile/entries/000.p/{size}")).await?;
    anyhow::ensure!(code == 200, "{code}");
    let (mut rest, mut entries) = (bundle.as_slice(), Vec::new());
    while let [a, b, behind @ ..] = rest {
        let (entry, behind) = behind.split_at(usize::from(u16::from_be_bytes([*a, *b])));
        entries.push(entry.to_vec());
        rest = behind;
    }
    Ok(entries)
}

#[tokio::test(flavor = "multi_thread")]
async fn log_tools_can_follow() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    grant(&mut cluster).await?;
    // All four cosign the newest checkpoint, and each node hears of it.
    let note = until("four cosignatures", async || {
        let (code, note) = get(&cluster, "psb", "/checkpoint").await.ok()?;
        let note = Note::parse(std::str::from_utf8(&note).ok()?).ok()?;
        (code == 200 && note.lines.len() == NODES.len() + 1).then_some(note)
    });
    let note = note.await?;
    let checkpoint = Checkpoint::parse(&note.text)?;
    let founding =
        liuhen_genesis::Founding::from_bytes(&std::fs::read(cluster.consortium.genesis())?)?;
    let chain = founding.chain();
    let (mut as_log, mut cosigned) = (0, 0);
    for validator in founding.validators().all() {
        let key = validator.cosigner_key;
        let log = VerifierKey::new(&origin(&chain), Kind::Ed25519, key)?;
        as_log += u32::from(log.judge(&note)?.is_some());
        let name = format!("{}/{}", origin(&chain), validator.key_id);
        let cosigner = VerifierKey::new(&name, Kind::Cosignature, key)?;
        cosigned += u32::from(cosigner.judge(&note)?.is_some());
    }
    assert_eq!((as_log, cosigned), (1, 4), "{note}");

    // What a tool that knows only the format makes of the tiles.
    let size = checkpoint.size;
    assert!(size < 256, "{size} headers");
    let leaves: Vec<Hash> =
        entries(&cluster, size).await?.iter().map(|it| sha256_leaf(it)).collect();
    let log: MemoryLog<Sha256Log> = leaves.iter().copied().collect();
    assert_eq!(log.root(), checkpoint.root);
    let (_, tile) = get(&cluster, "psb", &format!("/tile/0/000.p/{size}")).await?;
    assert_eq!(tile, leaves.iter().flat_map(|it| *it.as_bytes()).collect::<Vec<u8>>());
    for path in
        ["/tile/0/000", "/tile/1/000.p/1", "/tile/0/001.p/1", "/tile/x", "/", "/tile/64/000"]
    {
        assert_eq!(get(&cluster, "psb", path).await?.0, 404, "{path}");
    }

    // A tlog-proof says the same.
    let file = cluster.file("header.tlog-proof");
    liuhen(&mut cluster, BDB, &["prove", "tlog", "2", "--out", path_text(&file)?]).await?;
    let text = std::fs::read_to_string(&file)?;
    let (proof, note) = text.split_once("\n\n").context("no checkpoint")?;
    let checkpoint = Checkpoint::parse(&Note::parse(note)?.text)?;
    let mut lines = proof.lines();
    assert_eq!(lines.next(), Some("c2sp.org/tlog-proof@v1"));
    assert!(lines.next().is_some_and(|it| it.starts_with("extra ")));
    assert_eq!(lines.next(), Some("index 2"));
    let path: Vec<Hash> = lines.map(base64_hash).collect::<anyhow::Result<_>>()?;
    let root = inclusion::root_from_path::<Sha256Log>(2, checkpoint.size, leaves[2], &path);
    assert_eq!(root, Some(checkpoint.root));
    let beyond = cluster.liuhen("psb", BDB, &["prove", "tlog", "99999"]).await?;
    assert!(
        !beyond.status.success() && told(&beyond).contains("checkpoint.not_yet"),
        "{}",
        told(&beyond)
    );
    Ok(())
}

/// A hash as a checkpoint's third line has it.
fn base64_hash(line: &str) -> anyhow::Result<Hash> {
    let zeros = "0".repeat(64);
    Ok(Checkpoint::parse(&format!("liuhen/{zeros}\n1\n{line}\n"))?.root)
}

#[tokio::test(flavor = "multi_thread")]
async fn two_histories_are_evidence() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    let (key, witness) = witness_key(&cluster, "witness")?;
    takes(&mut cluster, "psb", &witness).await?;
    cluster.all_at(1).await?;
    let (well, said) = look(&mut cluster, &key, "seen").await?;
    assert!(well, "{said}");
    // All validators together begin anew, with the same keys, and write another history.
    let mut keys = BTreeMap::new();
    for node in NODES {
        let status = cluster.connect(node).await?.status().await?;
        keys.insert(node, KeyId::from_slice(&status.key_id)?);
    }
    for node in NODES {
        cluster.stop(node).await?;
        let home = cluster.consortium.home(node);
        std::fs::remove_dir_all(home.join("data"))?;
        // What they signed stands on record: they forget it on purpose.
        let record = home.join("vote-record");
        std::fs::remove_file(&record)?;
        VoteRecord::begin(&record, &keys[node])?;
    }
    for node in NODES {
        cluster.launch(node)?;
    }
    cluster.all_at(1).await?;
    grant(&mut cluster).await?;
    let (well, said) = look(&mut cluster, &key, "seen").await?;
    assert!(!well && said.contains("FORK"), "{said}");
    let inside = std::fs::read_dir(cluster.file("seen"))?.collect::<Result<Vec<_>, _>>()?;
    let files = inside.iter().map(std::fs::DirEntry::path);
    let is_fork = |it: &PathBuf| path_text(it).is_ok_and(|it| it.contains("fork-"));
    let fork = files.into_iter().find(is_fork);
    let fork = fork.context("no evidence")?;
    let (code, said) = verify(&cluster, path_text(&fork)?, None)?;
    assert_eq!((code, &said["claim"]["kind"]), (0, &"fork".into()), "{said}");
    let (well, said) = look(&mut cluster, &key, "seen").await?;
    assert!(!well && said.contains("cosigns no more"), "{said}");
    Ok(())
}

/// The probes: a node alone answers, and says what is wrong.
#[tokio::test(flavor = "multi_thread")]
async fn probes_say_what_is_wrong() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    let ready = async |cluster: &Cluster, code: u16| {
        until("the probe", async || {
            let (found, body) = get(cluster, "psb", "/readyz").await.ok()?;
            (found == code).then(|| String::from_utf8_lossy(&body).into_owned())
        })
        .await
    };
    assert_eq!(ready(&cluster, 200).await?, "ready\n");
    for node in NODES {
        cluster.stop(node).await?;
    }
    std::fs::remove_file(cluster.consortium.home("psb").join("tiles.address"))?;
    cluster.launch("psb")?;
    assert_eq!(get(&cluster, "psb", "/healthz").await?, (200, b"ok\n".to_vec()));
    let wrong = ready(&cluster, 503).await?;
    assert!(wrong.contains("vote withheld: asking\n"), "{wrong}");
    for node in &NODES[1..] {
        cluster.launch(node)?;
    }
    assert_eq!(ready(&cluster, 200).await?, "ready\n");
    Ok(())
}
