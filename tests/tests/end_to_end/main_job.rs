//! The main job, and bad input: each is refused with what and why, and the network goes on.

use liuhen_client::submit::{Account, recent};
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::tx::Tx;
use liuhen_proto::types::{BlockId, Height};
use liuhen_proto::wire;
use liuhen_rpc::status::to_refused;
use liuhen_tests::Cluster;
use liuhen_tests::actions::{grant, liuhen, record, register, told};
use liuhen_tests::cluster::path_text;
use prost::Message;

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_made_used_and_proved() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    let reference = grant(&mut cluster).await?;
    let gateway = ("psb", "gateway");
    let used = ["record", "--dataset", "civil.resident", "--grant", reference, "--rows", "1"];
    let asked = ["--asker", "gz.hrss/portal", "--verified", "--purpose", "pension", "-o", "json"];
    let told_json = liuhen(&mut cluster, gateway, &[&used[..], &asked[..]].concat()).await?;
    let recorded: serde_json::Value = serde_json::from_str(&told_json)?;
    assert_eq!(recorded["verdict"], "covered", "{told_json}");

    let status = cluster.connect("psb").await?.status().await?;
    let height = status.height.to_string();
    let live = [&used[..], &asked[..], &["--decided-height", &height]].concat();
    let live: serde_json::Value =
        serde_json::from_str(&liuhen(&mut cluster, gateway, &live).await?)?;
    assert_eq!((&live["verdict"], &live["timeliness"]), (&"covered".into(), &"live".into()));

    let revoke = ["grant", "revoke", reference, "--yes", "--reason", "over"];
    liuhen(&mut cluster, ("bdb", "officer"), &revoke).await?;
    let after = liuhen(&mut cluster, gateway, &[&used[..], &asked[..]].concat()).await?;
    let after: serde_json::Value = serde_json::from_str(&after)?;
    assert_eq!(
        (&after["verdict"], &after["reason"]),
        (&"uncovered".into(), &"grant_revoked".into())
    );

    prove_and_verify(&mut cluster, reference).await?;
    for node in liuhen_tests::consortium::NODES {
        cluster.stop(node).await?;
    }
    Ok(())
}

async fn prove_and_verify(cluster: &mut Cluster, reference: &str) -> anyhow::Result<()> {
    let proof = cluster.file("use.trace");
    let proof = path_text(&proof)?.to_owned();
    let genesis = cluster.consortium.genesis();
    let genesis = path_text(&genesis)?.to_owned();
    let prove = ["prove", "trail", "use", reference, "--out", &proof];
    liuhen(cluster, ("bdb", "officer"), &prove).await?;
    let verify = |cluster: &Cluster, file: &str| {
        cluster.run("liuhen-verify", &[file, "--genesis", &genesis, "-o", "json"])
    };
    let output = verify(cluster, &proof)?;
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let verdict: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!((&verdict["verdict"], &verdict["claim"]["events"]), (&"VALID".into(), &3.into()));

    let bytes = std::fs::read(&proof)?;
    let truncated = cluster.file("truncated.trace");
    for length in [0, 1, 300, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&truncated, &bytes[..length])?;
        let output = verify(cluster, path_text(&truncated)?)?;
        let code = output.status.code();
        assert!(matches!(code, Some(3 | 4)), "{length} bytes: {}", told(&output));
    }
    let tx_id = &liuhen(
        cluster,
        ("psb", "gateway"),
        &["record", "--dataset", "civil.resident", "--unmapped-account", "dba", "-o", "json"],
    )
    .await?;
    let tx_id: serde_json::Value = serde_json::from_str(tx_id)?;
    let tx_id = tx_id["tx_id"].as_str().unwrap_or_default().to_owned();
    liuhen(cluster, ("bdb", "officer"), &["prove", "event", &tx_id, "--out", &proof]).await?;
    let output = verify(cluster, &proof)?;
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    Ok(())
}

/// The reason for which the node refuses these bytes.
async fn refusal(cluster: &mut Cluster, transaction: Vec<u8>) -> anyhow::Result<String> {
    let node = cluster.connect("tax").await?;
    let request = wire::SubmitRequest { transaction };
    match node.submission().submit(request).await {
        Ok(_) => anyhow::bail!("it was taken"),
        Err(status) => Ok(to_refused(&status).reason),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_refused_and_the_network_goes_on() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    let node = cluster.connect("psb").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    let seq = gateway.next_seq(&node).await?;
    let cited = recent(&node).await?;
    let good = gateway.sign(seq, cited, &[record(1)?])?;

    let stranger = Account {
        signer: liuhen_proto::tx::Signer {
            key: PrivateKey::from_seed(&[77; 32]),
            ..gateway.signer.clone()
        },
    };
    let unknown = stranger.sign(0, cited, &[record(1)?])?;
    assert_eq!(refusal(&mut cluster, unknown.raw().to_vec()).await?, "key.unknown");
    assert_eq!(refusal(&mut cluster, badly_signed(&good)).await?, "signature.bad");
    let stale = gateway.sign(seq, (Height::new(cited.0.get() + 9), cited.1), &[record(1)?])?;
    assert_eq!(refusal(&mut cluster, stale.raw().to_vec()).await?, "recent_block.unknown");
    let other = gateway.sign(seq, (cited.0, BlockId::new([9; 32])), &[record(1)?])?;
    assert_eq!(refusal(&mut cluster, other.raw().to_vec()).await?, "recent_block.unknown");
    assert_eq!(refusal(&mut cluster, vec![0; 600 * 1024]).await?, "transaction.malformed");
    let mut not_canonical = good.raw().to_vec();
    not_canonical.extend_from_slice(&[0x78, 1]);
    assert_eq!(refusal(&mut cluster, not_canonical).await?, "transaction.malformed");
    assert_eq!(refusal(&mut cluster, Vec::new()).await?, "transaction.malformed");

    gateway.submit(&node, &[record(1)?]).await?;
    let repeated = gateway.sign(seq, recent(&node).await?, &[record(2)?])?;
    assert_eq!(refusal(&mut cluster, repeated.raw().to_vec()).await?, "seq.wrong");
    let again = gateway.submit(&node, &[record(1)?]).await.unwrap_err().to_string();
    assert!(again.contains("access_no.taken"), "{again}");
    by_command(&mut cluster).await?;
    gateway.submit(&node, &[record(2)?]).await?;
    Ok(())
}

fn badly_signed(good: &Tx) -> Vec<u8> {
    let mut signature = good.signature().to_vec();
    signature[10] ^= 1;
    wire::Transaction {
        header: good.header_bytes().to_vec(),
        items: good.items().iter().map(|item| item.bytes().to_vec()).collect(),
        signature,
    }
    .encode_to_vec()
}

/// Who, the command, its exit code, and what it says.
type Case<'a> = ((&'a str, &'a str), &'a [&'a str], i32, &'a str);

/// Refusals that a user of the command meets, with their exit codes.
async fn by_command(cluster: &mut Cluster) -> anyhow::Result<()> {
    let request = |identity| {
        [
            "request",
            "new",
            "--dataset",
            "civil.resident",
            "--reference",
            "own",
            "--purpose",
            "pension",
            "--legal-basis",
            "social-insurance-law",
            "--operation",
            "read",
            "--identity",
            identity,
        ]
    };
    let cases: [Case<'_>; 6] = [
        (("exit", "officer"), &request("gz.exit/desk"), 1, "body.same"),
        (
            ("psb", "gateway"),
            &["record", "--dataset", "no.such", "--unmapped-account", "x"],
            5,
            "dataset.unknown",
        ),
        (
            ("tax", "officer"),
            &["dataset", "register", "x.y", "--title-en", "X", "--fields", "a"],
            6,
            "right.missing",
        ),
        (
            ("psb", "gateway"),
            &["dataset", "register", "x.y", "--title-en", "X", "--fields", "a"],
            6,
            "identity.kind",
        ),
        (("hrss", "officer"), &["grant", "confirm", "nothing"], 5, "there is no request nothing"),
        (("hrss", "officer"), &["trail", "dataset", "no.such"], 5, "no.such"),
    ];
    for (who, arguments, code, why) in cases {
        let output = cluster.liuhen("hrss", who, arguments).await?;
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", told(&output));
        assert!(told(&output).contains(why), "{arguments:?}: {}", told(&output));
    }
    let nobody = cluster.run("liuhen", &["--node", "http://127.0.0.1:1", "status"])?;
    assert_eq!(nobody.status.code(), Some(7), "{}", told(&nobody));
    Ok(())
}
