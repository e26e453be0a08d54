//! Two gateways under one grant: what each sets aside of its quota the other does not give out, so that no query is given out twice.

use super::{ask_as, granted, spool_is_empty};
use liuhen_tests::actions::liuhen;
use liuhen_tests::doors::{Gate, PORTAL_KEY, SECRET, send};
use serde_json::Value;
use tokio::task::JoinSet;

const QUOTA: usize = 23;

/// Asks so long until it is denied; gives how many were served, and why no more.
async fn ask_until_denied(port: u16, who: usize) -> anyhow::Result<(usize, String)> {
    for number in 0.. {
        let request = format!("r-{who}-{number}");
        let said = ask_as(port, &request, "/residents/7", PORTAL_KEY).await?;
        if said["serve"] != true {
            return Ok((number, said["reason"].as_str().unwrap_or_default().to_owned()));
        }
        let shown = format!("Bearer {SECRET}");
        let body = format!(r#"{{"request":"{request}","rows":1}}"#);
        let shown = [("Authorization", shown.as_str())];
        let ended = send(port, "POST", "/v1/complete", &shown, &body).await?;
        anyhow::ensure!(ended.status == 200, "{ended:?}");
    }
    unreachable!("numbers end later");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_query_is_given_out_twice() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let psb = ("psb", "officer");
    let set = ["gateway", "set", "gz.psb/gate-2", "--datasets", "civil.resident"];
    liuhen(&mut cluster, psb, &set).await?;
    let quota = QUOTA.to_string();
    let narrower = ["grant", "amend", "hr-1", "--queries-total", &quota, "--reason", "less"];
    liuhen(&mut cluster, psb, &narrower).await?;
    let lease = "open_minutes = 1\nlease = { queries = 4, rows = 1000, minutes = 30 }";
    let mut gates = Vec::new();
    for (identity, node) in [("gateway", "psb"), ("gate-2", "hrss")] {
        let mut gate = Gate::set_up_as(&mut cluster, &[node], "enforce", identity).await?;
        gate.change("open_minutes = 1", lease)?;
        gate.start().await?;
        gates.push(gate);
    }
    let mut asking = JoinSet::new();
    for (who, gate) in [&gates[0], &gates[0], &gates[1], &gates[1]].into_iter().enumerate() {
        asking.spawn(ask_until_denied(gate.api, who));
    }
    let (mut served, mut reasons) = (0, Vec::new());
    while let Some(one) = asking.join_next().await {
        let (count, reason) = one??;
        served += count;
        reasons.push(reason);
    }
    let logs = || gates.iter().map(Gate::log).collect::<String>();
    assert!(
        reasons.iter().all(|it| ["gate.no_lease", "quota_exceeded"].contains(&it.as_str())),
        "{reasons:?} {}",
        logs()
    );
    for gate in &gates {
        spool_is_empty(gate).await?;
    }
    let mut verdicts = Vec::new();
    for gateway in ["gz.psb/gateway", "gz.psb/gate-2"] {
        let trail = ["trail", "gateway", gateway, "-o", "json"];
        let events: Vec<Value> = serde_json::from_str(&liuhen(&mut cluster, psb, &trail).await?)?;
        assert!(events.iter().any(|it| it["event"] == "LeaseUse"), "{events:#?}");
        let of = |it: &&Value| it["event"] == "RecordAccess" && it["verdict"] != "denied";
        verdicts.extend(events.iter().filter(of).map(|it| it["verdict"].clone()));
    }
    // Each that was served is covered; and neither stopped while the other had set aside what nobody used.
    assert!(verdicts.iter().all(|it| it == "covered"), "{verdicts:?} {}", logs());
    assert_eq!(verdicts.len(), served);
    assert!((QUOTA - 4..=QUOTA).contains(&served), "{served} of {QUOTA}: {}", logs());
    println!("{served} of {QUOTA} were given out");
    Ok(())
}
