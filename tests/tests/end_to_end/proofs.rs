//! Every claim that a regulator can hold, made by a node and checked offline.

use liuhen_proto::header::checkpoint::Checkpoint;
use liuhen_proto::types::{ChainId, Hash, limits};
use liuhen_proto::wire::{self, trace::Claim};
use liuhen_tests::Cluster;
use liuhen_tests::actions::{grant, liuhen, record, told};
use liuhen_tests::cluster::{path_text, programs};
use liuhen_tests::wait::DEADLINE;
use prost::Message;
use serde_json::Value;
use std::time::Instant;

const COLLECTOR: (&str, &str) = ("psb", "officer");
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

#[tokio::test(flavor = "multi_thread")]
async fn evidence_that_an_office_can_read() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    let (covered, _) = used(&mut cluster).await?;
    let genesis = path_text(&cluster.consortium.genesis())?.to_owned();
    let trail = prove(&mut cluster, "trail", &["trail", "dataset", "civil.resident"]).await?;
    let one = prove(&mut cluster, "one", &["authorised", &covered]).await?;
    let state = prove(&mut cluster, "state", &["state", "grant", "hr-1"]).await?;
    let (folder, zip) = (cluster.file("pack"), cluster.file("pack.zip"));
    let witnessed = |out: &std::path::Path, more: &[&str]| {
        let all = ["report", "evidence", &trail, &one, &state, "--genesis", &genesis];
        let title = ["--title", "<b>9 & 7</b>", "--out", path_text(out)?];
        cluster.run("liuhen", &[&all[..], &title[..], more].concat())
    };
    // What no witness saw is packed for who says so.
    let refused = witnessed(&folder, &[])?;
    assert!(!refused.status.success() && !folder.exists(), "{}", told(&refused));
    assert!(told(&refused).contains("--unwitnessed"), "{}", told(&refused));
    let pack =
        |out: &std::path::Path, more: &[&str]| witnessed(out, &[&["--unwitnessed"], more].concat());
    let made = pack(&folder, &[])?;
    assert!(made.status.success(), "{}", told(&made));
    let page = std::fs::read_to_string(folder.join("index.html"))?;
    let fingerprint = liuhen_genesis::Founding::from_bytes(&std::fs::read(&genesis)?)?.chain();
    let fingerprint = liuhen_genesis::fingerprint(&fingerprint);
    let expected = [
        "&#60;b&#62;9 &#38; 7",
        &fingerprint,
        "有效 VALID",
        "hr-1",
        "social-insurance-law",
        "有授权",
        "uncovered (unmapped_account)",
        "gz.hrss/portal",
        "read:civil.resident",
    ];
    for words in expected {
        assert!(page.contains(words), "{words}: {page}");
    }
    assert!(!page.contains("<b>9"), "{page}");
    let csv = std::fs::read_to_string(folder.join("records.csv"))?;
    assert!(
        csv.starts_with("\u{feff}proof,number,recorded,") && csv.contains("\none.trace,"),
        "{csv}"
    );
    // What is in it is verified again, by nothing else.
    let files = cluster.run(
        "liuhen-verify",
        &[path_text(&folder)?, "--genesis", path_text(&folder.join("genesis.pb"))?],
    )?;
    assert!(files.status.success() && told(&files).contains("3 VALID"), "{}", told(&files));
    let sums = std::process::Command::new("sha256sum")
        .args(["-c", "SHA256SUMS"])
        .current_dir(&folder)
        .output()?;
    assert!(sums.status.success(), "{}", told(&sums));

    let made = pack(&zip, &[])?;
    assert!(made.status.success() && std::fs::read(&zip)?.starts_with(b"PK"), "{}", told(&made));
    for there in [&folder, &zip] {
        let again = pack(there, &[])?;
        assert!(!again.status.success() && told(&again).contains("exists"), "{}", told(&again));
    }
    // What is not proved is no evidence.
    let mut bytes = std::fs::read(&one)?;
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    let bent = cluster.file("bent.trace");
    std::fs::write(&bent, bytes)?;
    let out = cluster.file("none");
    let refused = pack(&out, &[path_text(&bent)?])?;
    assert!(!refused.status.success() && !out.exists(), "{}", told(&refused));
    assert!(told(&refused).contains("bent.trace: INVALID"), "{}", told(&refused));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_trail_in_parts() -> anyhow::Result<()> {
    const EVENTS: u64 = 4500;
    let mut cluster = Cluster::start().await?;
    grant(&mut cluster).await?;
    let node = cluster.connect("psb").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    let items: Vec<_> = (1..=EVENTS).map(record).collect::<anyhow::Result<_>>()?;
    for batch in items.chunks(500) {
        gateway.submit(&node, batch).await?;
    }
    let out = cluster.file("parts");
    let parts =
        ["prove", "trail", "dataset", "civil.resident", "--parts", "--out", path_text(&out)?];
    // So long a trail is its collector's: whether all of it is a manager's to read is not looked through.
    let refused = cluster.liuhen("psb", BDB, &parts).await?;
    assert_eq!(refused.status.code(), Some(6), "{}", told(&refused));
    liuhen(&mut cluster, COLLECTOR, &parts).await?;
    let (code, said) = verify(&cluster, &[path_text(&out)?])?;
    assert_eq!(code, 0, "{said}");
    let joined = said["joined"].as_array().and_then(|it| it.first()).cloned().unwrap_or_default();
    // The dataset, the request, what was decided, and the records.
    assert!(joined["files"].as_u64() >= Some(3), "{joined}");
    assert!(joined["events"].as_u64() >= Some(EVENTS + 3), "{joined}");
    assert_eq!(joined["from"], 0, "{joined}");
    let anchor = joined["as_of_height"].as_u64();
    assert_eq!(joined["until"].as_u64(), anchor.map(|it| it + 1), "{joined}");
    // Without one of them there is a gap, and nothing is said of them together.
    std::fs::remove_file(out.join("part-0002.trace"))?;
    let (code, said) = verify(&cluster, &[path_text(&out)?])?;
    assert_eq!((code, said["joined"].as_array().map(Vec::len)), (0, Some(0)), "{said}");
    // Of times, and of nothing.
    for (name, more) in [
        ("times", ["--from", "2026-01-01", "--until", "2026-01-02"]),
        ("none", ["--from-height", "0", "--until-height", "1"]),
    ] {
        let out = cluster.file(name);
        let parts = [&parts[..5], &["--out", path_text(&out)?], &more].concat();
        liuhen(&mut cluster, COLLECTOR, &parts).await?;
        assert_eq!(verify(&cluster, &[path_text(&out)?])?.0, 0);
    }
    let again = cluster.liuhen("psb", COLLECTOR, &parts).await?;
    assert!(!again.status.success() && told(&again).contains("exists"), "{}", told(&again));
    all_that_a_department_signed_in_parts(&mut cluster, EVENTS).await
}

/// The same of a department whose gateway signed so many records.
async fn all_that_a_department_signed_in_parts(
    cluster: &mut Cluster,
    records: u64,
) -> anyhow::Result<()> {
    let out = cluster.file("department");
    let prove = ["prove", "department", "gz.psb", "--parts", "--out", path_text(&out)?];
    let refused = cluster.liuhen("psb", ("hrss", "officer"), &prove).await?;
    assert_eq!(refused.status.code(), Some(6), "{}", told(&refused));
    liuhen(cluster, COLLECTOR, &prove).await?;
    let (code, said) = verify(cluster, &[path_text(&out)?])?;
    assert_eq!(code, 0, "{said}");
    let joined = said["joined"].as_array().and_then(|it| it.first()).cloned().unwrap_or_default();
    assert_eq!(joined["department"], "gz.psb", "{joined}");
    assert!(joined["files"].as_u64() >= Some(3), "{joined}");
    // The officer registered the dataset and decided a request, besides.
    assert!(joined["events"].as_u64() >= Some(records + 2), "{joined}");
    let anchor = joined["as_of_height"].as_u64();
    assert_eq!(joined["until"].as_u64(), anchor.map(|it| it + 1), "{joined}");
    std::fs::remove_file(out.join("part-0001.trace"))?;
    std::fs::remove_file(out.join("part-0002.trace"))?;
    let (code, said) = verify(cluster, &[path_text(&out)?])?;
    let joined = said["joined"].as_array().and_then(|it| it.first()).cloned().unwrap_or_default();
    assert_eq!(code, 0, "{said}");
    assert_ne!(joined["from"], 0, "what begins later is not the whole: {joined}");
    Ok(())
}

/// Runs the verifier on a file in so much address space, in KiB, its own program and stack included;
/// gives the exit code and what it said.
fn verify_within(cluster: &Cluster, kib: u32, file: &str) -> anyhow::Result<(i32, String)> {
    let genesis = cluster.consortium.genesis();
    let limited = format!("ulimit -v {kib}; exec \"$0\" \"$@\"");
    let verifier = programs()?.join("liuhen-verify");
    let genesis = path_text(&genesis)?;
    let arguments = ["-c", &limited, path_text(&verifier)?, file, "--genesis", genesis];
    let output = std::process::Command::new("sh").args(arguments).output()?;
    Ok((output.status.code().unwrap_or(-1), told(&output)))
}

/// Files that take as much memory as they can.
fn hostile(genuine: &wire::Trace) -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let whole = limits::TRACE_BYTES;
    let filled = |objects| wire::Trace { objects, ..genuine.clone() }.encode_to_vec();
    // Just below what a file may decode to: each counts 512.
    let most = limits::TRACE_DECODED / 512 - 1000;
    let siblings = vec![vec![1; 32]; limits::TRACE_BYTES / 35];
    let path = Some(wire::MapProof { siblings, ..wire::MapProof::default() });
    let deep = wire::ObjectProof { path, ..wire::ObjectProof::default() };
    let mut repeated = genuine.clone();
    if let Some(Claim::Completeness(it)) = &mut repeated.claim {
        let event = it.events.first().cloned().unwrap_or_default();
        let length = event.encoded_len();
        it.events = vec![event; limits::TRACE_EVENTS.min(whole / (length + 64))];
    }
    vec![
        ("messages of nothing", [0x2a, 0].repeat(whole / 2), "file.limits"),
        ("a longer file", vec![0; whole + 1], "file.limits"),
        (
            "messages of nothing, as many as may be",
            filled(vec![wire::ObjectProof::default(); most]),
            "object.kind",
        ),
        ("a path of nothing but siblings", filled(vec![deep]), "object.kind"),
        ("an event over and over", repeated.encode_to_vec(), "range.gap"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_files_take_little_memory() -> anyhow::Result<()> {
    const KIB: u32 = 64 * 1024;
    let mut cluster = Cluster::start().await?;
    used(&mut cluster).await?;
    let trail = prove(&mut cluster, "trail", &["trail", "dataset", "civil.resident"]).await?;
    let (code, said) = verify_within(&cluster, KIB, &trail)?;
    assert_eq!(code, 0, "{said}");
    let genuine = wire::Trace::decode(std::fs::read(&trail)?.as_slice())?;
    for (what, bytes, expected) in hostile(&genuine) {
        assert!(bytes.len() <= limits::TRACE_BYTES + 1, "{what}: {} bytes", bytes.len());
        let file = cluster.file("proofs/hostile.trace");
        std::fs::write(&file, bytes)?;
        let (code, said) = verify_within(&cluster, KIB, path_text(&file)?)?;
        assert!(code == 3 && said.contains(expected), "{what}: {code} {said}");
    }
    Ok(())
}
