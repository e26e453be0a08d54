//! A gate that observes: nothing is denied, what would be is said and recorded, and it ends on its date.

use super::{ask_as, asks_by_api, ends_by_api, granted, recorded};
use liuhen_tests::actions::{liuhen, told};
use liuhen_tests::cluster::path_text;
use liuhen_tests::doors::{Gate, get};
use liuhen_tests::wait::until;

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_denied_is_served_and_said() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up_to(&mut cluster, &["psb"], "observe").await?;
    // Without the ledger's knowing each would-be denial would be an integrity event.
    let settings = gate.folder.join("gate.toml");
    for command in ["run", "check"] {
        let output = cluster.run("liuhen-gate", &[command, "--settings", path_text(&settings)?])?;
        assert!(!output.status.success(), "{}", told(&output));
        assert!(told(&output).contains("liuhen gateway observe"), "{}", told(&output));
    }
    let observe = |days: &'static str| {
        ["gateway", "observe", "gz.psb/gateway", "--datasets", "civil.resident", "--days", days]
    };
    liuhen(&mut cluster, ("psb", "officer"), &observe("90")).await?;
    let output = cluster.run("liuhen-gate", &["check", "--settings", path_text(&settings)?])?;
    assert!(told(&output).contains("civil.resident for 89 days"), "{}", told(&output));
    gate.start().await?;

    let allowed = asks_by_api(&gate, "r-1").await?;
    assert_eq!((&allowed["serve"], &allowed["would_be_denied"]), (&true.into(), &false.into()));
    let stranger = ask_as(gate.api, "r-2", "/residents/7", "nobody's key").await?;
    assert_eq!((&stranger["serve"], &stranger["would_be_denied"]), (&true.into(), &true.into()));
    assert_eq!(stranger["reason"], "unmapped_account", "{stranger}");
    let elsewhere = ask_as(gate.api, "r-3", "/others/7", "nobody's key").await?;
    assert_eq!(
        (&elsewhere["serve"], &elsewhere["reason"]),
        (&true.into(), &"gate.no_route".into())
    );
    for request in ["r-1", "r-2"] {
        ends_by_api(&gate, request).await?;
    }
    let table = get(gate.watch, "/observed", &[]).await?.body;
    assert!(
        table.contains("1  unmapped_account  nobody known  services  /residents/[0-9]+"),
        "{table}"
    );
    let metrics = get(gate.watch, "/metrics", &[]).await?.body;
    assert!(metrics.contains("reason=\"unmapped_account\"} 1"), "{metrics}");

    let mut all = recorded(&mut cluster, 2).await.map_err(|e| e.context(gate.log()))?;
    all.sort_by_key(|it| it["verdict"] == "would_be_denied");
    assert_eq!(
        (&all[0]["verdict"], &all[1]["verdict"]),
        (&"covered".into(), &"would_be_denied".into())
    );
    let events = ["integrity", "list", "gz.psb", "-o", "json"];
    assert_eq!(liuhen(&mut cluster, ("psb", "officer"), &events).await?.trim(), "[]");
    let alerts = ["alert", "list"];
    let alerts = liuhen(&mut cluster, ("psb", "officer"), &alerts).await?;
    assert!(alerts.contains("would be denied") && alerts.contains("unmapped_account"), "{alerts}");

    // It is over: from then on the same door denies.
    liuhen(&mut cluster, ("psb", "officer"), &observe("0")).await?;
    let mut number = 10;
    until("the door to enforce", async || {
        number += 1;
        let said = ask_as(gate.api, &format!("r-{number}"), "/residents/7", "nobody's key").await;
        said.ok().filter(|it| it["serve"] == false)
    })
    .await?;
    Ok(())
}
