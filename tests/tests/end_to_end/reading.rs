//! Who may read: a token of a ledger identity in force, and the rights of its department.

use liuhen_client::connect::Node;
use liuhen_client::submit::item;
use liuhen_proto::place::TrailKind;
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::types::{ChainId, TimeMs};
use liuhen_proto::wire::{
    GetTrailRequest, ListDepartmentsRequest, ProveTrailRequest, WatchRequest, item::Kind,
};
use liuhen_rpc::status::to_refused;
use liuhen_rpc::token::{self, Audience};
use liuhen_tests::Cluster;
use liuhen_tests::actions::{self, enact, grant, liuhen, register, told};
use liuhen_tests::cluster::path_text;
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
    let departments = ListDepartmentsRequest::default();
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
    let mut request = Request::new(ListDepartmentsRequest::default());
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
    let server = |node: &Node| node.address().trim_start_matches("http://").to_owned();
    let other = cluster.connect("tax").await?;
    let for_ = |chain: ChainId, server: String| Audience { chain, server };
    let own = for_(chain, server(&node));
    let good = token::make(key, &own, None, now)?;
    assert_eq!(with_token(&node, &good).await?, "");
    // What was made out to one node is no use at another, in either direction.
    assert_eq!(with_token(&other, &good).await?, "token.bad");
    let elsewhere = token::make(key, &for_(ChainId::new([9; 32]), server(&node)), None, now)?;
    let others = token::make(key, &for_(chain, server(&other)), None, now)?;
    let later = token::make(key, &own, None, now.plus(3_600_000))?;
    let earlier = token::make(key, &own, None, TimeMs::new(now.get() - 3_600_000))?;
    for bad in [elsewhere, others, later, earlier, "x".repeat(5000), "a.b.c".into()] {
        assert_eq!(with_token(&node, &bad).await?, "token.bad", "{bad}");
    }

    // A department that is suspended reads no more: its root revokes the desk, and the desk is out.
    let desk = cluster.account(&node, "exit", "desk").await?;
    assert_eq!(refusals(&desk.on(&node)).await[2], "");
    let revoke = ["identity", "revoke", "gz.exit/desk", "--yes", "--reason", "closed"];
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

/// Who manages other grants is shown of a dataset's trail what names none of others, and told how much it is not shown.
#[tokio::test(flavor = "multi_thread")]
async fn managers_do_not_see_the_use_of_others_grants() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    let reference = grant(&mut cluster).await?;
    let (own, other) = (("bdb", "officer"), ("tax", "officer"));
    enact(&mut cluster, "tax-manages", &["rights", "gz.tax", "--rights", "use,manage"]).await?;
    let record =
        ["record", "--dataset", "civil.resident", "--asker", "gz.hrss/portal", "--verified"];
    let terms = ["--purpose", "pension", "--fields", "id", "--rows", "1", "--grant", reference];
    let record = [&record[..], &terms[..]].concat();
    liuhen(&mut cluster, ("psb", "gateway"), &record).await?;
    let stray = ["record", "--dataset", "civil.resident", "--unmapped-account", "dba"];
    liuhen(&mut cluster, ("psb", "gateway"), &stray).await?;
    // Naming a grant that is none hides nothing.
    let node = cluster.connect("psb").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    let Kind::RecordAccess(mut made_up) = actions::record(3)?.kind().clone() else {
        anyhow::bail!("no record")
    };
    made_up.accesses[0].request_id = vec![9; 32];
    gateway.submit(&node, &[item(Kind::RecordAccess(made_up))?]).await?;

    let trail = ["trail", "dataset", "civil.resident", "-o", "json"];
    let events = async |who: (&str, &str)| -> anyhow::Result<(usize, u64, u64)> {
        let caller = cluster.account(&node, who.0, who.1).await?.on(&node);
        let page = caller.trails().get_trail(trail_request()).await?.into_inner();
        Ok((page.events.len(), page.withheld, page.size))
    };
    let (all, none, size) = events(own).await?;
    assert_eq!((all as u64, none), (size, 0));
    assert_eq!(events(other).await?, (all - 1, 1, size));
    let shown = cluster.liuhen("psb", other, &trail).await?;
    assert!(told(&shown).contains("1 more are not shown"), "{}", told(&shown));

    let prove = ["prove", "trail", "dataset", "civil.resident", "--out", "/dev/null"];
    let refused = cluster.liuhen("psb", other, &prove).await?;
    assert_eq!(refused.status.code(), Some(6), "{}", told(&refused));
    assert!(told(&refused).contains("other departments manage"), "{}", told(&refused));
    let use_of = ["trail", "use", reference];
    assert_eq!(cluster.liuhen("psb", other, &use_of).await?.status.code(), Some(6));
    assert!(cluster.liuhen("psb", own, &use_of).await?.status.success());
    // How much it was used is not told with the grant either.
    let standing = async |who: (&str, &str)| -> anyhow::Result<bool> {
        let caller = cluster.account(&node, who.0, who.1).await?.on(&node);
        Ok(caller.request(reference).await?.r#use.is_some())
    };
    assert!(standing(own).await? && !standing(other).await?);
    Ok(())
}

fn trail_request() -> GetTrailRequest {
    GetTrailRequest { page_size: 1000, ..trail() }
}

/// For an audit reads who audits or regulates: somebody else who says so is told, whatever they ask for.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_reads_for_an_audit() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    let own = ("psb", "officer");
    let trail = ["trail", "dataset", "civil.resident"];
    let watch = ["watch", "dataset", "civil.resident", "--from-height", "1", "--limit", "1"];
    let out = cluster.file("own.trace");
    let prove = ["prove", "trail", "dataset", "civil.resident", "--out", path_text(&out)?];
    for command in [&["dataset", "list"][..], &trail, &watch, &prove] {
        let allowed = cluster.liuhen("psb", own, command).await?;
        assert!(allowed.status.success(), "{command:?}: {}", told(&allowed));
        if out.exists() {
            std::fs::remove_file(&out)?;
        }
        let audit = [&["--lang", "en", "--audit", "audit-1"], command].concat();
        let refused = cluster.liuhen("psb", own, &audit).await?;
        assert_eq!(refused.status.code(), Some(6), "{command:?}: {}", told(&refused));
        for words in ["audit audit-1", "only who audits or regulates", "gz.psb does not"] {
            assert!(told(&refused).contains(words), "{words}: {}", told(&refused));
        }
        assert!(refused.stdout.is_empty() && !out.exists(), "{command:?}: {}", told(&refused));
    }
    // Nor do they open one.
    let open = cluster.liuhen("psb", own, &["audit", "open", "audit-1"]).await?;
    assert_eq!(open.status.code(), Some(6), "{}", told(&open));
    assert!(told(&open).contains("right.missing"), "{}", told(&open));
    Ok(())
}
