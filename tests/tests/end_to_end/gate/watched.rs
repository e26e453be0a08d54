//! What changes on a dataset's trail is seen by the gate at once.

use super::{asks_by_api, granted};
use liuhen_tests::actions::liuhen;
use liuhen_tests::doors::Gate;
use liuhen_tests::wait::until;
use std::time::Instant;

/// Allowed before, denied soon after its grant is revoked, and by name.
#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_is_seen() -> anyhow::Result<()> {
    let mut cluster = granted().await?;
    let mut gate = Gate::set_up(&mut cluster, &["psb"]).await?;
    gate.start().await?;
    assert_eq!(asks_by_api(&gate, "r-0").await?["serve"], true, "{}", gate.log());
    let revoke = ["grant", "revoke", "hr-1", "--yes", "--reason", "over"];
    liuhen(&mut cluster, ("psb", "officer"), &revoke).await?;
    let (began, mut number) = (Instant::now(), 0);
    let denied = until("the gate to see it", async || {
        number += 1;
        let said = asks_by_api(&gate, &format!("r-{number}")).await.ok()?;
        (said["serve"] == false).then_some(said)
    });
    let denied = denied.await?;
    println!("a revocation was seen after {:?}, {number} requests", began.elapsed());
    assert_eq!(denied["reason"], "grant_revoked", "{denied}");
    Ok(())
}
