//! Disks that are full: nothing is served that could not be numbered, and what was served is on the ledger.

use super::{ask_as, asks_by_api, granted, on_the_ledger, spool_is_empty};
use liuhen_tests::disks::Disks;
use liuhen_tests::doors::{Gate, PORTAL_KEY, get};
use liuhen_tests::wait::until;

/// With less room than the settings want nothing is served, and whoever watches is told.
#[tokio::test(flavor = "multi_thread")]
async fn less_room_than_is_wanted() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    gate.change("open_minutes = 1", "open_minutes = 1\nfree_bytes = 1000000000000000")?;
    gate.start().await?;
    until("a disk that is full", async || {
        let ready = get(gate.watch, "/readyz", &[]).await.ok()?;
        (ready.status == 503 && ready.body.contains("the disk is full")).then_some(())
    })
    .await
    .map_err(|e| e.context(gate.log()))?;
    let said = asks_by_api(&gate, "r-1").await?;
    assert_eq!((&said["serve"], &said["reason"]), (&false.into(), &"gate.disk_full".into()));
    assert_eq!(said["access_no"], serde_json::Value::Null, "nothing was numbered");
    gate.kill()?;
    gate.change("\nfree_bytes = 1000000000000000", "")?;
    gate.start().await?;
    assert_eq!(asks_by_api(&gate, "r-1").await?["serve"], true, "{}", gate.log());
    Ok(())
}

/// The spool's own disk is full: what has no number is refused; after room was made all that was served is on the ledger, once.
#[tokio::test(flavor = "multi_thread")]
async fn the_spools_disk_is_full() -> anyhow::Result<()> {
    let Some(disks) = Disks::of(&["spool"], 8)? else { return Ok(()) };
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    let spool = disks.path("spool").join("spool");
    gate.change("spool = \"spool\"", &format!("spool = \"{}\"\nfree_bytes = 0", spool.display()))?;
    gate.start().await?;
    assert_eq!(asks_by_api(&gate, "r-0").await?["serve"], true, "{}", gate.log());
    let filler = disks.path("spool").join("filler");
    // As much as there is room for.
    let filled = std::fs::write(&filler, vec![1; 16 << 20]);
    assert!(filled.is_err(), "the disk is larger than it was made");
    let mut served = 1_u64;
    let reason = loop {
        let said = ask_as(gate.api, &format!("r-{served}"), "/residents/7", PORTAL_KEY).await?;
        if said["serve"] != true {
            break said["reason"].as_str().unwrap_or_default().to_owned();
        }
        served += 1;
        anyhow::ensure!(served < 100_000, "the disk is never full");
    };
    assert_eq!(reason, "gate.spool", "{}", gate.log());
    let ready = get(gate.watch, "/readyz", &[]).await?;
    assert_eq!(ready.status, 503, "{ready:?}");
    // Nothing more is given, whatever room there is, before it is known what is on disk.
    std::fs::remove_file(&filler)?;
    assert_eq!(asks_by_api(&gate, "more").await?["reason"], "gate.spool");
    gate.kill()?;
    gate.start().await?;
    let again = asks_by_api(&gate, "again").await?;
    assert_eq!(again["serve"], true, "{again} {}", gate.log());
    spool_is_empty(&gate).await?;
    let numbers: Vec<u64> =
        on_the_ledger(&mut cluster).await?.iter().map(|it| it.access_no).collect();
    let last = again["access_no"].as_u64().unwrap_or_default();
    assert_eq!(numbers, (1..=last).collect::<Vec<_>>(), "each once, without gap");
    assert!(last > served, "{last} after {served} that were served");
    gate.kill()?;
    Ok(())
}
