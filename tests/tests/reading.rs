//! Who may read: a token of a ledger identity in force, and the rights of its department.

use liuhen_client::connect::Node;
use liuhen_proto::place::TrailKind;
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::types::{ChainId, TimeMs};
use liuhen_proto::wire::{
    GetTrailRequest, ListDepartmentsRequest, ProveTrailRequest, WatchRequest,
};
use liuhen_rpc::status::to_refused;
use liuhen_rpc::token;
use liuhen_tests::Cluster;
use liuhen_tests::actions::{grant, liuhen, register, told};
use tonic::Request;

fn trail() -> GetTrailRequest {
    GetTrailRequest {
        trail_kind: TrailKind::Dataset as u32,
        trail_id: b"civil.resident".to_vec(),
        ..GetTrailRequest::default()
    }
}

/// The reasons for which each call that wants a token refuses a connection.
async fn refusals(node: &Node) -> Vec<String> {
    let prove = ProveTrailRequest {
        trail_kind: TrailKind::Dataset as u32,
        trail_id: b"civil.resident".to_vec(),
        ..ProveTrailRequest::default()
    };
    let departments = ListDepartmentsRequest {};
    [
        node.trails().get_trail(trail()).await.err(),
        node.proofs().prove_trail(prove).await.err(),
        node.registry().list_departments(departments).await.err(),
        node.watching().watch(WatchRequest::default()).await.err(),
    ]
    .iter()
    .map(|status| status.as_ref().map_or_else(String::new, |status| to_refused(status).reason))
    .collect()
}

/// The reason for which a hand-made token is refused; empty if it is taken.
async fn with_token(node: &Node, token: &str) -> anyhow::Result<String> {
    let mut request = Request::new(ListDepartmentsRequest {});
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse()?);
    let answer = node.registry().list_departments(request).await;
    Ok(answer.err().map_or_else(String::new, |status| to_refused(&status).reason))
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reads_without_a_key_in_force() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    let node = cluster.connect("psb").await?;
    assert_eq!(refusals(&node).await, ["token.missing"; 4]);
    let chain = node.chain().await?;
    let stranger = node.signed_in(&PrivateKey::from_seed(&[77; 32]), chain, None);
    assert_eq!(refusals(&stranger).await, ["token.bad"; 4]);

    let officer = cluster.account(&node, "psb", "officer").await?;
    let key = &officer.signer.key;
    let now = TimeMs::new(node.status().await?.now_ms);
    assert_eq!(with_token(&node, &token::make(key, &chain, now)?).await?, "");
    let elsewhere = token::make(key, &ChainId::new([9; 32]), now)?;
    let later = token::make(key, &chain, now.plus(3_600_000))?;
    let earlier = token::make(key, &chain, TimeMs::new(now.get() - 3_600_000))?;
    for bad in [elsewhere, later, earlier, "x".repeat(5000), "a.b.c".into()] {
        assert_eq!(with_token(&node, &bad).await?, "token.bad", "{bad}");
    }

    // A department that is suspended reads no more: its root revokes the desk, and the desk is out.
    let desk = cluster.account(&node, "exit", "desk").await?;
    assert_eq!(refusals(&desk.on(&node)).await[2], "");
    let revoke = ["identity", "revoke", "gz.exit/desk", "--reason", "closed"];
    liuhen(&mut cluster, ("exit", "root"), &revoke).await?;
    assert_eq!(refusals(&desk.on(&node)).await, ["token.bad"; 4]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn parties_read_what_they_are_party_to() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    let reference = grant(&mut cluster).await?;
    // The whole trail of a dataset is its collector's and its manager's; a grant's story its parties'.
    let dataset = ["trail", "dataset", "civil.resident"];
    let story = ["trail", "grant", reference];
    let cases: [((&str, &str), &[&str], i32); 7] = [
        (("psb", "officer"), &dataset, 0),
        (("bdb", "officer"), &dataset, 0),
        (("hrss", "officer"), &dataset, 6),
        (("hrss", "portal"), &story, 0),
        (("psb", "gateway"), &story, 0),
        // Whoever is no party is not even told that there is such a grant.
        (("tax", "officer"), &story, 5),
        (("tax", "officer"), &["trail", "governance"], 0),
    ];
    for (who, arguments, code) in cases {
        let output = cluster.liuhen("tax", who, arguments).await?;
        assert_eq!(output.status.code(), Some(code), "{who:?} {arguments:?}: {}", told(&output));
    }
    Ok(())
}
