//! What an exchange platform states: put on record in one list that an officer signs, compared with what the ledger has, and shown row by row.

use liuhen_tests::Cluster;
use liuhen_tests::actions::{grant, liuhen, told};
use liuhen_tests::cluster::path_text;
use serde_json::Value;

const APPROVALS: &str = "文号,资源,申请部门,批准日期,有效期至\n\
    hr-1,人口基本信息,省人社厅,2026年3月1日,2027-01-01 00:00:00\n\
    hr-2,人口基本信息,省人社厅,2026年3月2日,2027-01-01\n\
    hr-1,人口基本信息,省人社厅,2026年3月1日,2028-01-01\n";
const MAPPING: &str = r#"
platform = "gz.exchange"
kind = "approvals"
[columns]
reference = "文号"
dataset = "资源"
user = "申请部门"
approved = "批准日期"
until = "有效期至"
[datasets]
"人口基本信息" = "civil.resident"
[departments]
"省人社厅" = "gz.hrss"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_stated_and_compared() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    grant(&mut cluster).await?;
    let file = |name: &str| cluster.file(name);
    let (list, mapping) = (file("approvals.csv"), file("approvals.toml"));
    let (kept, row) = (file("kept.json"), file("row.json"));
    std::fs::write(&list, APPROVALS)?;
    std::fs::write(&mapping, MAPPING)?;
    let [list, mapping, kept, row] =
        [&list, &mapping, &kept, &row].map(|it| path_text(it).map(str::to_owned));
    let (list, mapping, kept, row) = (list?, mapping?, kept?, row?);
    let state = ["platform", "state", &list, "--mapping", &mapping, "--out", &kept, "-o", "json"];
    // A system signs no list; an officer does, and never over one that is kept.
    let by_system = cluster.liuhen("psb", ("psb", "gateway"), &state).await?;
    assert!(told(&by_system).contains("officer"), "{}", told(&by_system));
    std::fs::remove_file(&kept)?;
    let stated = liuhen(&mut cluster, ("psb", "officer"), &state).await?;
    let stated: Value = serde_json::from_str(&stated)?;
    assert_eq!(stated["rows"], 3, "{stated}");
    let again = cluster.liuhen("psb", ("psb", "officer"), &state).await?;
    assert!(!again.status.success() && told(&again).contains("exists"), "{}", told(&again));
    let trail = ["trail", "department", "gz.psb"];
    let shown = liuhen(&mut cluster, ("psb", "officer"), &trail).await?;
    assert!(shown.contains("3 approvals stated by gz.exchange"), "{shown}");

    let compare = ["platform", "compare", &kept, "-o", "json"];
    let compared = cluster.liuhen("psb", ("psb", "officer"), &compare).await?;
    assert_eq!(compared.status.code(), Some(1), "{}", told(&compared));
    let rows: Vec<Value> = serde_json::from_slice(&compared.stdout)?;
    let on_ledger: Vec<&Value> = rows.iter().map(|it| &it["on_ledger"]).collect();
    let until = "until 2027-01-01 00:00:00.000+00:00";
    assert_eq!(on_ledger, ["same", "no request that you may see", until], "{rows:#?}");
    // What has ended is not what the platform states.
    let revoke = ["grant", "revoke", "hr-1", "--reason", "over", "--yes"];
    liuhen(&mut cluster, ("psb", "officer"), &revoke).await?;
    let compared = cluster.liuhen("psb", ("psb", "officer"), &compare).await?;
    let rows: Vec<Value> = serde_json::from_slice(&compared.stdout)?;
    assert_eq!(rows[0]["on_ledger"], "grant revoked", "{rows:#?}");
    let root = stated["root"].as_str().unwrap_or_default();
    assert!(shown.contains(&root[..16]), "the trail has the root: {shown}");

    let show = ["platform", "row", &kept, "3", "--out", &row];
    let output = cluster.run("liuhen", &show)?;
    assert!(output.status.success(), "{}", told(&output));
    let verify = ["platform", "verify", &row, "-o", "json"];
    let output = cluster.run("liuhen", &verify)?;
    let shown: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!((&shown["root"], &shown["stated"]["文号"]), (&stated["root"], &"hr-2".into()));
    let text = std::fs::read_to_string(&row)?;
    std::fs::write(&row, text.replace("hr-2", "hr-3"))?;
    let output = cluster.run("liuhen", &verify)?;
    assert!(told(&output).contains("INVALID") && !output.status.success(), "{}", told(&output));
    Ok(())
}
