//! Corrections are compared with what was recorded by whoever may see both, before anybody agrees.

use liuhen_client::submit::item;
use liuhen_proto::types::IdKind;
use liuhen_proto::wire::{self, item::Kind};
use liuhen_tests::Cluster;
use liuhen_tests::actions::{grant, liuhen, told};
use liuhen_tests::cluster::path_text;

const COLLECTOR: (&str, &str) = ("psb", "officer");
const BURDENED: (&str, &str) = ("hrss", "officer");

/// Number 1 was put down to the tax office, and was the portal's under its grant. Gives the correction's id.
async fn proposed(cluster: &mut Cluster) -> anyhow::Result<String> {
    let reference = grant(cluster).await?;
    let used = ["record", "--dataset", "civil.resident", "--rows", "1", "--purpose", "pension"];
    let asker = ["--asker", "gz.tax/officer", "--verified"];
    liuhen(cluster, ("psb", "gateway"), &[&used[..], &asker].concat()).await?;
    let mapping = cluster.file("mapping.toml");
    std::fs::write(&mapping, "")?;
    let records =
        ["correction", "propose", "--gateway", "gz.psb/gateway", "--first", "1", "--last", "1"];
    let whose = ["--from", "gz.tax/officer", "--to", "gz.hrss/portal", "--grant", reference];
    let why = ["--reason", "mapping", "--mapping", path_text(&mapping)?, "-o", "json"];
    let propose = [&records[..], &whose, &why].concat();
    let made: serde_json::Value =
        serde_json::from_str(&liuhen(cluster, COLLECTOR, &propose).await?)?;
    Ok(made["correction_id"].as_str().unwrap_or_default().to_owned())
}

/// Proposes the same with something else in it.
async fn proposed_like(
    cluster: &mut Cluster,
    like: &str,
    bend: impl FnOnce(&mut wire::CorrectRecords),
) -> anyhow::Result<String> {
    let node = cluster.connect("psb").await?;
    let account = cluster.account(&node, COLLECTOR.0, COLLECTOR.1).await?;
    let all = account.on(&node).corrections().await?;
    let found = all.into_iter().find(|it| hex::encode(&it.correction_id) == like);
    let mut it = found.and_then(|it| it.correction?.corrected).unwrap_or_default();
    bend(&mut it);
    let (tx, _) = account.submit(&node, &[item(Kind::CorrectRecords(it))?]).await?;
    Ok(tx.header().made_id(IdKind::Correction, 0).to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_is_compared_with_what_was_recorded() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    let good = proposed(&mut cluster).await?;
    let other_rows = proposed_like(&mut cluster, &good, |it| {
        it.records.iter_mut().for_each(|record| record.row_count = Some(1000));
    });
    let other_rows = other_rows.await?;
    let made_up = proposed_like(&mut cluster, &good, |it| it.recorded = vec![vec![7; 32]]).await?;
    for (correction, who, code, expected) in [
        (&good, COLLECTOR, 0, "as recorded"),
        (&good, BURDENED, 1, "not yours to see"),
        (&other_rows, COLLECTOR, 1, "differs from what was recorded"),
        (&made_up, COLLECTOR, 1, "of no record of this gateway"),
    ] {
        let shown = cluster.liuhen("psb", who, &["correction", "show", correction]).await?;
        let told = told(&shown);
        assert_eq!(shown.status.code(), Some(code), "{expected}: {told}");
        assert!(told.contains(expected), "{expected}: {told}");
    }
    // Its department agrees, and the record is judged anew.
    liuhen(&mut cluster, BURDENED, &["correction", "agree", &good]).await?;
    let list = liuhen(&mut cluster, COLLECTOR, &["correction", "list", "-o", "json"]).await?;
    let list: serde_json::Value = serde_json::from_str(&list)?;
    let is_it = |it: &&serde_json::Value| it["id"] == good.as_str();
    let state = list.as_array().and_then(|all| all.iter().find(is_it)).map(|it| &it["state"]);
    assert_eq!(state, Some(&"agreed".into()), "{list}");
    Ok(())
}
