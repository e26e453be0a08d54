//! What the end-to-end tests do with a cluster: a grant made through the `liuhen` command, records.

use crate::Cluster;
use liuhen_client::clock::now;
use liuhen_client::connect::Node;
use liuhen_client::submit::{Account, item};
use liuhen_proto::items::Item;
use liuhen_proto::wire::{self, item::Kind};
use std::process::Output;

/// Exit code, and both outputs, for messages.
pub fn told(output: &Output) -> String {
    format!(
        "{}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// Runs `liuhen` and demands success; gives what it printed.
pub async fn liuhen(
    cluster: &mut Cluster,
    who: (&str, &str),
    arguments: &[&str],
) -> anyhow::Result<String> {
    let output = cluster.liuhen("psb", who, arguments).await?;
    anyhow::ensure!(output.status.success(), "liuhen {arguments:?}: {}", told(&output));
    Ok(String::from_utf8(output.stdout)?)
}

/// Registers `civil.resident`.
pub async fn register(cluster: &mut Cluster) -> anyhow::Result<()> {
    let psb = ("psb", "officer");
    let dataset = ["dataset", "register", "civil.resident", "--title-en", "Residents"];
    let fields = ["--grade", "3", "--fields", "id,name"];
    liuhen(cluster, psb, &[&dataset[..], &fields[..]].concat()).await?;
    Ok(())
}

/// Human resources is granted to read `civil.resident`; gives the request's reference.
pub async fn grant(cluster: &mut Cluster) -> anyhow::Result<&'static str> {
    register(cluster).await?;
    let hrss = ("hrss", "officer");
    let request = ["request", "new", "--dataset", "civil.resident", "--reference", "hr-1"];
    let basis = ["--purpose", "pension", "--legal-basis", "social-insurance-law"];
    let terms = ["--operation", "read", "--identity", "gz.hrss/portal", "--from", "2026-01-01"];
    liuhen(cluster, hrss, &[&request[..], &basis[..], &terms[..]].concat()).await?;
    liuhen(cluster, ("psb", "officer"), &["request", "approve", "hr-1"]).await?;
    liuhen(cluster, ("bdb", "officer"), &["grant", "confirm", "hr-1"]).await?;
    Ok("hr-1")
}

/// The record of a read of `civil.resident` without a grant, by nobody known.
pub fn record(access_no: u64) -> anyhow::Result<Item> {
    let access = wire::DatasetAccess {
        dataset: "civil.resident".into(),
        operation: wire::Operation::Read as i32,
        ..wire::DatasetAccess::default()
    };
    Ok(item(Kind::RecordAccess(wire::RecordAccess {
        channel: wire::Channel::Door as i32,
        collector: "gz.psb".into(),
        access_no,
        decision: wire::Decision::Served as i32,
        accesses: vec![access],
        asker: Some(wire::Party { unmapped_digest: vec![7; 32], ..wire::Party::default() }),
        subjects: Some(wire::Subjects::default()),
        query_digest: vec![8; 32],
        access_time_ms: now().get(),
        ..wire::RecordAccess::default()
    }))?)
}

/// Records `numbers`, each committed before the next.
pub async fn record_all(
    node: &Node,
    gateway: &Account,
    numbers: std::ops::RangeInclusive<u64>,
) -> anyhow::Result<()> {
    for number in numbers {
        gateway.submit(node, &[record(number)?]).await?;
    }
    Ok(())
}

/// Puts a change to the vote; all who have one approve.
pub async fn enact(cluster: &mut Cluster, reference: &str, change: &[&str]) -> anyhow::Result<()> {
    let new = [&["proposal", "new", "--reference", reference], change].concat();
    liuhen(cluster, ("bdb", "officer"), &new).await?;
    for department in ["hrss", "psb", "bdb"] {
        liuhen(cluster, (department, "officer"), &["proposal", "vote", reference]).await?;
    }
    let list = ["proposal", "list", "-o", "json"];
    let proposals = liuhen(cluster, ("bdb", "officer"), &list).await?;
    let proposals: serde_json::Value = serde_json::from_str(&proposals)?;
    let ours =
        proposals.as_array().and_then(|all| all.iter().find(|it| it["reference"] == reference));
    anyhow::ensure!(ours.is_some_and(|it| it["state"] == "enacted"), "{proposals}");
    Ok(())
}
