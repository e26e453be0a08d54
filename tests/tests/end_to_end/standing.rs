//! What `liuhen status` tells of a node: whose nodes are not connected to it, and that somebody signed another history.

use liuhen_client::clock::now;
use liuhen_keyfile::PassphraseSource;
use liuhen_node::checkpoints::validator_name;
use liuhen_node::home::Home;
use liuhen_proto::header::checkpoint::Checkpoint;
use liuhen_proto::header::note::{self, Kind, Note};
use liuhen_proto::types::Hash;
use liuhen_proto::wire::AddCosignatureRequest;
use liuhen_rpc::status::to_refused;
use liuhen_tests::Cluster;
use liuhen_tests::actions::told;
use liuhen_tests::wait::until;
use serde_json::{Value, json};
use std::process::Output;

const MEMBER: (&str, &str) = ("bdb", "officer");

fn shown(output: &Output) -> anyhow::Result<Value> {
    anyhow::ensure!(output.status.success(), "{}", told(output));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// What a member is told, once it is this of who is away.
async fn told_away(cluster: &mut Cluster, away: &Value) -> anyhow::Result<String> {
    let status = ["--lang", "en", "-o", "json", "status"];
    until("the right ones to be away", async || {
        let output = cluster.liuhen("psb", MEMBER, &status).await.ok()?;
        let is = shown(&output).is_ok_and(|it| it["away"] == *away);
        is.then(|| String::from_utf8_lossy(&output.stderr).into_owned())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_told_whose_nodes_are_away() -> anyhow::Result<()> {
    const SAYS: &str = "nodes that are not connected to this one: of";
    let mut cluster = Cluster::start().await?;
    let said = told_away(&mut cluster, &json!([])).await?;
    assert!(!said.contains(SAYS), "{said}");
    cluster.kill("tax")?;
    let said = told_away(&mut cluster, &json!(["gz.tax"])).await?;
    assert!(said.contains(&format!("{SAYS} gz.tax")), "{said}");
    let chinese = cluster.liuhen("psb", MEMBER, &["--lang", "zh", "status"]).await?;
    assert!(told(&chinese).contains("未与本节点连接的部门节点：gz.tax"), "{}", told(&chinese));
    // A stranger is not told.
    let address = cluster.address("psb").await?;
    let stranger =
        cluster.run("liuhen", &["--node", &address, "--lang", "en", "-o", "json", "status"])?;
    assert_eq!(shown(&stranger)?["away"], json!([]));
    assert!(!told(&stranger).contains("gz.tax"), "{}", told(&stranger));
    cluster.launch("tax")?;
    told_away(&mut cluster, &json!([])).await?;
    Ok(())
}

/// A validator that lies: it cosigns a history in which the first block was another.
async fn other_history(cluster: &mut Cluster) -> anyhow::Result<String> {
    let node = cluster.connect("psb").await?;
    let home = Home::new(&cluster.consortium.home("tax"));
    let keys = home.load_keys(&PassphraseSource::CredentialOrPrompt, true)?;
    let chain = node.chain().await?;
    let text = Checkpoint { chain, size: 1, root: Hash::new([9; 32]) }.text();
    let name = validator_name(&chain, &keys.node.public().key_id());
    let seconds = now().get() / 1000;
    let line = note::sign(&name, Kind::Cosignature, &keys.cosigner, &text, seconds)?;
    Ok(Note { text, lines: vec![line] }.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn another_history_is_told_of_with_its_proof() -> anyhow::Result<()> {
    const SAYS: &str = "two histories were seen";
    let mut cluster = Cluster::start().await?;
    let status = ["--lang", "en", "-o", "json", "status"];
    let well = cluster.liuhen("psb", MEMBER, &status).await?;
    assert_eq!(shown(&well)?["forked"], json!(false));
    assert!(!told(&well).contains(SAYS), "{}", told(&well));

    let note = other_history(&mut cluster).await?;
    let node = cluster.connect("psb").await?;
    let request = AddCosignatureRequest { note: note.clone() };
    let refused = node.checkpoints().add_cosignature(request).await.err();
    let reason = refused.map(|status| to_refused(&status).reason);
    assert_eq!(reason.as_deref(), Some("checkpoint.fork"));

    let forked = cluster.liuhen("psb", MEMBER, &status).await?;
    assert_eq!(shown(&forked)?["forked"], json!(true));
    let said = String::from_utf8_lossy(&forked.stderr);
    assert!(said.contains(SAYS) && said.contains(note.trim_end()), "{said}");
    let log = std::fs::read_to_string(cluster.consortium.home("psb").join("log"))?;
    assert!(log.contains("somebody signed two histories"), "{log}");
    // The others were told of nothing.
    let elsewhere = cluster.liuhen("hrss", MEMBER, &status).await?;
    assert_eq!(shown(&elsewhere)?["forked"], json!(false));
    Ok(())
}
