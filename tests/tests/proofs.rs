//! Every claim that a regulator can hold, made by a node and checked offline.

use liuhen_proto::checkpoint::Checkpoint;
use liuhen_proto::types::{ChainId, Hash};
use liuhen_proto::wire::{self, trace::Claim};
use liuhen_tests::Cluster;
use liuhen_tests::actions::{grant, liuhen, told};
use liuhen_tests::cluster::path_text;
use liuhen_tests::wait::DEADLINE;
use prost::Message;
use serde_json::Value;
use std::time::Instant;

const BDB: (&str, &str) = ("bdb", "officer");

/// Makes a proof in the folder of proofs; gives its path.
async fn prove(cluster: &mut Cluster, name: &str, what: &[&str]) -> anyhow::Result<String> {
    let folder = cluster.file("proofs");
    std::fs::create_dir_all(&folder)?;
    let file = path_text(&folder.join(format!("{name}.trace")))?.to_owned();
    liuhen(cluster, BDB, &[&["prove"], what, &["--out", &file]].concat()).await?;
    Ok(file)
}

/// Verifies files; gives the exit code and the JSON.
fn verify(cluster: &Cluster, arguments: &[&str]) -> anyhow::Result<(i32, Value)> {
    let genesis = cluster.consortium.genesis();
    let arguments = match arguments.contains(&"--checkpoint") {
        true => arguments.to_vec(),
        false => [arguments, &["--genesis", path_text(&genesis)?]].concat(),
    };
    let output = cluster.run("liuhen-verify", &[&arguments[..], &["-o", "json"]].concat())?;
    let code = output.status.code().unwrap_or(-1);
    anyhow::ensure!([0, 3, 4].contains(&code), "{}", told(&output));
    Ok((code, serde_json::from_slice(&output.stdout)?))
}

async fn recorded(cluster: &mut Cluster, more: &[&str]) -> anyhow::Result<String> {
    let record = ["record", "--dataset", "civil.resident", "-o", "json"];
    let said = liuhen(cluster, ("psb", "gateway"), &[&record[..], more].concat()).await?;
    let said: Value = serde_json::from_str(&said)?;
    Ok(said["tx_id"].as_str().unwrap_or_default().to_owned())
}

/// A ledger with a grant, an access that it covers, and one that nothing covers.
async fn used(cluster: &mut Cluster) -> anyhow::Result<(String, String)> {
    let reference = grant(cluster).await?;
    let asked = ["--asker", "gz.hrss/portal", "--verified", "--purpose", "pension"];
    let under = ["--grant", reference, "--rows", "1"];
    let height = cluster.connect("psb").await?.status().await?.height.to_string();
    let live = [&under[..], &asked[..], &["--decided-height", &height]].concat();
    let covered = recorded(cluster, &live).await?;
    let uncovered = recorded(cluster, &["--unmapped-account", "dba"]).await?;
    Ok((covered, uncovered))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_claim_is_made_and_verified() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    let (covered, uncovered) = used(&mut cluster).await?;
    let (zeros, by_item) = ("0".repeat(64), format!("{covered}:0"));
    let claims: [(&str, &[&str], &str); 11] = [
        ("event", &["event", &uncovered], "inclusion"),
        ("trail", &["trail", "use", "hr-1"], "completeness"),
        ("authorised", &["authorised", &by_item], "authorised"),
        ("department", &["department", "gz.bdb"], "department"),
        ("chain", &["consistency", "2"], "consistency"),
        ("extended", &["consistency", "1", "dataset", "civil.resident"], "consistency"),
        ("state", &["state", "grant", "hr-1"], "state"),
        ("parameters", &["state", "parameters"], "state"),
        ("none", &["state", "dataset", "civil.nothing"], "absence"),
        ("number", &["absence", "number", "99", "use", "hr-1"], "absence"),
        ("not-there", &["absence", "transaction", &zeros, "use", "hr-1"], "absence"),
    ];
    for (name, what, kind) in claims {
        let file = prove(&mut cluster, name, what).await?;
        let (code, said) = verify(&cluster, &[&file])?;
        assert_eq!((code, &said["claim"]["kind"]), (0, &kind.into()), "{name}: {said}");
    }
    let authorised = cluster.file("proofs/authorised.trace");
    let (_, said) = verify(&cluster, &[path_text(&authorised)?])?;
    assert_eq!(said["claim"]["outcome"]["verdict"], "covered", "{said}");
    let caveats = said["caveats"].to_string();
    assert!(!caveats.contains("verdicts_attested"), "{caveats}");

    // All in the folder at once; then one of them is bent.
    let folder = cluster.file("proofs");
    let (code, said) = verify(&cluster, &[path_text(&folder)?])?;
    assert_eq!((code, &said["summary"]["valid"]), (0, &11.into()), "{said}");
    let mut bytes = std::fs::read(&authorised)?;
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&authorised, bytes)?;
    let (code, said) = verify(&cluster, &[path_text(&folder)?])?;
    let summary = (&said["summary"]["valid"], &said["summary"]["invalid"]);
    assert_eq!((code, summary), (3, (&10.into(), &1.into())), "{said}");

    let trail = cluster.file("proofs/trail.trace");
    let (code, said) = verify(&cluster, &[path_text(&trail)?, "--max-age", "0s"])?;
    assert_eq!((code, &said["verdict"]), (4, &"UNDECIDABLE".into()), "{said}");
    let (code, _) = verify(&cluster, &[path_text(&trail)?, "--max-age", "1d"])?;
    assert_eq!(code, 0);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_so_is_not_proved() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    let (covered, uncovered) = used(&mut cluster).await?;
    let refused: [(&[&str], &str); 7] = [
        (&["authorised", &uncovered], "the access was judged uncovered (unmapped_account)"),
        (&["consistency", "0"], "a size of 1 to "),
        (&["consistency", "999999"], "a size of 1 to "),
        (&["absence", "number", "0", "use", "hr-1"], "the trail has 1 events"),
        (&["absence", "transaction", &covered, "use", "hr-1"], "is on the trail"),
        (&["state", "dragon", "x"], "is no kind of object"),
        (&["trail", "use", "hr-1", "--pinned", "999999"], "no checkpoint of 999999 headers"),
    ];
    let out = cluster.file("refused.trace");
    for (what, why) in refused {
        let prove = [&["prove"], what, &["--out", path_text(&out)?]].concat();
        let output = cluster.liuhen("psb", BDB, &prove).await?;
        assert!(!output.status.success() && told(&output).contains(why), "{}", told(&output));
        assert!(!out.exists(), "a file of nothing");
    }
    // Whoever is no party to a grant is shown neither its state nor its trail.
    let others: [&[&str]; 3] = [
        &["state", "grant", "hr-1"],
        &["consistency", "1", "use", "hr-1"],
        &["department", "gz.psb"],
    ];
    for what in others {
        let prove = [&["prove"], what, &["--out", path_text(&out)?]].concat();
        let output = cluster.liuhen("psb", ("tax", "officer"), &prove).await?;
        assert!(!output.status.success() && !out.exists(), "{what:?}: {}", told(&output));
    }
    Ok(())
}

/// A regulator who noted a checkpoint needs no founding document.
#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_is_pinned() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    used(&mut cluster).await?;
    let noted = prove(&mut cluster, "noted", &["consistency", "3"]).await?;
    let trace = wire::Trace::decode(std::fs::read(&noted)?.as_slice())?;
    let Some(Claim::Consistency(claim)) = &trace.claim else { anyhow::bail!("another claim") };
    let chain = ChainId::from_slice(&trace.chain_id)?;
    let root = Hash::from_slice(&claim.noted_root)?;
    let pin = cluster.file("checkpoint");
    std::fs::write(&pin, Checkpoint { chain, size: 3, root }.text())?;
    let pin = path_text(&pin)?.to_owned();

    let pinned = prove(&mut cluster, "pinned", &["trail", "use", "hr-1", "--pinned", "3"]).await?;
    let (code, said) = verify(&cluster, &[&pinned, "--checkpoint", &pin])?;
    assert_eq!((code, &said["checkpoint_size"]), (0, &3.into()), "{said}");
    let (code, _) = verify(&cluster, &[&pinned])?;
    assert_eq!(code, 4, "from genesis, the way to the checkpoint is missing");
    let whole = prove(&mut cluster, "whole", &["trail", "use", "hr-1"]).await?;
    let (code, _) = verify(&cluster, &[&whole, "--checkpoint", &pin])?;
    assert_eq!(code, 4, "from the checkpoint, what it holds is missing");
    std::fs::write(&pin, Checkpoint { chain, size: 3, root: Hash::ZERO }.text())?;
    let (code, said) = verify(&cluster, &[&pinned, "--checkpoint", &pin])?;
    assert_eq!((code, &said["code"]), (3, &"anchor.pin".into()));
    Ok(())
}

/// Evidence is put together from files: honest ones give none.
#[tokio::test(flavor = "multi_thread")]
async fn honest_files_are_no_evidence() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    let (covered, _) = used(&mut cluster).await?;
    let event = prove(&mut cluster, "event", &["event", &covered]).await?;
    let trail = prove(&mut cluster, "trail", &["trail", "use", "hr-1"]).await?;
    let out = cluster.file("evidence.trace");
    let fork = ["prove", "fork", &event, &trail, "--out", path_text(&out)?];
    let output = cluster.liuhen("psb", BDB, &fork).await?;
    assert!(!output.status.success() && !out.exists(), "{}", told(&output));
    // Of one block: a block that came in between has both made again.
    let (mut event, mut trail) = (event, trail);
    let deadline = Instant::now() + DEADLINE;
    loop {
        let omission = ["prove", "omission", &event, &trail, "--out", path_text(&out)?];
        let output = cluster.liuhen("psb", BDB, &omission).await?;
        if output.status.success() {
            break;
        }
        assert!(told(&output).contains("anchored at different blocks"), "{}", told(&output));
        anyhow::ensure!(Instant::now() < deadline, "never anchored alike");
        event = prove(&mut cluster, "event", &["event", &covered]).await?;
        trail = prove(&mut cluster, "trail", &["trail", "use", "hr-1"]).await?;
    }
    let (code, said) = verify(&cluster, &[path_text(&out)?])?;
    assert_eq!((code, &said["code"]), (3, &"omission.none".into()), "{said}");
    Ok(())
}
