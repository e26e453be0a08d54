//! Reads by oversight: signed by who reads, recorded by the node that shows, and found again by who read.

use liuhen_client::connect::Node;
use liuhen_client::kept_reads::{KeptRead, ReadsFile};
use liuhen_keyfile::PassphraseSource;
use liuhen_node::home::Home;
use liuhen_proto::items::reading::request::{self, Asked, acknowledge, call_digest};
use liuhen_proto::place::TrailKind;
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::types::{ChainId, KeyId, TimeMs};
use liuhen_proto::wire::{
    GetTrailRequest, ListRequestsRequest, ReadReceipt, ReadRequest, item::Kind,
};
use liuhen_rpc::status::to_refused;
use liuhen_rpc::token::{self, Audience};
use liuhen_rpc::{READ, READ_RECEIPT};
use liuhen_tests::Cluster;
use liuhen_tests::actions::{enact, grant, liuhen, told};
use liuhen_tests::wait::until;
use prost::Message;
use tonic::Request;
use tonic::metadata::MetadataValue;

const READER: (&str, &str) = ("tax", "officer");

/// Taxation audits from here on; there is a dataset and a grant that are not its own.
async fn overseen() -> anyhow::Result<Cluster> {
    let mut cluster = Cluster::start().await?;
    grant(&mut cluster).await?;
    enact(&mut cluster, "tax-audits", &["rights", "gz.tax", "--rights", "use,audit"]).await?;
    Ok(cluster)
}

/// Rows of `liuhen audit reads`: call, how many, state; and the exit code.
async fn reads(cluster: &mut Cluster) -> anyhow::Result<(Vec<[String; 3]>, Option<i32>)> {
    let arguments = ["audit", "reads", "--grace", "1ms", "-o", "json"];
    let output = cluster.liuhen("psb", READER, &arguments).await?;
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let text = |value: &serde_json::Value| value.as_str().map_or(value.to_string(), str::to_owned);
    let rows = rows.as_array().into_iter().flatten();
    let rows = rows.map(|it| [text(&it["call"]), text(&it["reads"]), text(&it["state"])]).collect();
    Ok((rows, output.status.code()))
}

fn row(call: &str, count: u64, state: &str) -> [String; 3] {
    [call.to_owned(), count.to_string(), state.to_owned()]
}

/// What stands on a trail of reads: how many, and of which lists.
async fn recorded(node: &Node, kind: TrailKind, id: Vec<u8>) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    for event in node.whole_trail(kind, id).await? {
        let liuhen_proto::event::Body::Signed { item, .. } = &event.body else { continue };
        match item.kind() {
            Kind::RecordReads(it) => found.extend(it.reads.iter().map(|it| it.list.clone())),
            Kind::OpenReads(it) => {
                found.extend(it.reads.iter().filter_map(|it| Some(it.read.as_ref()?.list.clone())));
            }
            _ => {}
        }
    }
    Ok(found)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_is_found_again() -> anyhow::Result<()> {
    let mut cluster = overseen().await?;
    liuhen(&mut cluster, READER, &["trail", "dataset", "civil.resident"]).await?;
    liuhen(&mut cluster, READER, &["request", "list"]).await?;
    let expected = [row("GetTrail", 1, "recorded"), row("ListRequests", 1, "recorded")];
    until("both on the ledger", async || {
        let (rows, code) = reads(&mut cluster).await.ok()?;
        (rows == expected && code == Some(0)).then_some(())
    })
    .await?;

    // A list is one read of its reader's trail, whatever stands in it; a trail that was read says so itself.
    let node = cluster.connect("psb").await?;
    let account = cluster.account(&node, "tax", "officer").await?;
    let (reader, node) = (account.signer.identity.to_vec(), account.on(&node));
    let mut both = recorded(&node, TrailKind::Identity, reader).await?;
    both.sort();
    assert_eq!(both, ["", "requests"]);
    let collector = cluster.account(&node, "psb", "officer").await?.on(&node);
    let dataset = recorded(&collector, TrailKind::Dataset, b"civil.resident".to_vec()).await?;
    assert_eq!(dataset, [""]);

    // For an audit it is sealed, until the audit closes.
    liuhen(&mut cluster, READER, &["audit", "open", "spring"]).await?;
    let trail = ["--audit", "spring", "trail", "dataset", "civil.resident"];
    liuhen(&mut cluster, READER, &trail).await?;
    let sealed = row("GetTrail", 1, "sealed until the audit closes");
    let (rows, code) = reads(&mut cluster).await?;
    assert_eq!((rows.last(), code), (Some(&sealed), Some(0)));
    liuhen(&mut cluster, READER, &["audit", "close", "spring"]).await?;
    until("the sealed read is opened", async || {
        let (rows, _) = reads(&mut cluster).await.ok()?;
        (rows.last() == Some(&row("GetTrail", 1, "recorded"))).then_some(())
    })
    .await?;
    Ok(())
}

/// A receipt for what is not on the ledger convicts its node; one that is not the node's is said to be none.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_a_node_kept_to_itself() -> anyhow::Result<()> {
    let mut cluster = overseen().await?;
    let node = cluster.connect("psb").await?;
    let account = cluster.account(&node, "tax", "officer").await?;
    let home = Home::new(&cluster.consortium.home("psb"));
    let keys = home.load_keys(&PassphraseSource::CredentialOrPrompt, true)?;
    let chain = account.signer.chain;
    let asked = Asked {
        call: call_digest("/liuhen.v1.TrailService/GetTrail", b"a"),
        time: TimeMs::new(1_000),
        nonce: [1; 16],
        node: keys.node.public().key_id(),
        audit: "",
    };
    let request = request::sign(&account.signer.key, &chain, &asked);
    let time = TimeMs::new(2_000);
    let line = |key, request: &liuhen_proto::wire::ReadRequest| KeptRead {
        chain,
        node: "node".into(),
        call: "/liuhen.v1.TrailService/GetTrail".into(),
        request: request.clone(),
        receipt: Some(acknowledge(key, &chain, request, 1, time)),
    };
    let file = ReadsFile::new(cluster.file("reads.jsonl"));
    file.append(&line(&keys.node, &request))?;
    let mut other = line(&keys.node, &request);
    other.receipt = other.receipt.map(|it| ReadReceipt { reads: 2, ..it });
    file.append(&other)?;
    // Of nothing, by a key that nobody has, of a time to come, by a key that is no node's; and none.
    let mut nothing = line(&keys.node, &request);
    nothing.receipt = Some(acknowledge(&keys.node, &chain, &request, 0, time));
    let mut future = line(&keys.node, &request);
    future.receipt = Some(acknowledge(&keys.node, &chain, &request, 3, TimeMs::new(1 << 45)));
    let officer = &account.signer.key;
    let asked_officer = Asked { node: officer.public().key_id(), ..asked };
    let by_officer = line(officer, &request::sign(officer, &chain, &asked_officer));
    let mut silent = line(&keys.node, &request);
    silent.receipt = None;
    let unknown = line(&PrivateKey::from_seed(&[9; 32]), &request);
    for it in [&nothing, &unknown, &future, &by_officer, &silent] {
        file.append(it)?;
    }
    let (rows, code) = reads(&mut cluster).await?;
    let none = "not the node's receipt";
    let expected = [
        row("GetTrail", 1, "missing"),
        row("GetTrail", 2, none),
        row("GetTrail", 0, "by own right, says the node"),
        row("GetTrail", 1, none),
        row("GetTrail", 3, "missing"),
        row("GetTrail", 1, none),
        ["GetTrail".into(), "null".into(), "no receipt".into()],
    ];
    assert_eq!((rows.as_slice(), code), (expected.as_slice(), Some(1)));
    Ok(())
}

/// What a call is answered with: the reason of a refusal, or whether a receipt came with it.
async fn asked(node: &Node, token: &str, read: Option<&[u8]>) -> anyhow::Result<String> {
    let mut request = Request::new(trail());
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse()?);
    if let Some(read) = read {
        request.metadata_mut().insert_bin(READ, MetadataValue::from_bytes(read));
    }
    Ok(match node.trails().get_trail(request).await {
        Ok(answer) if answer.metadata().get_bin(READ_RECEIPT).is_some() => "receipt".into(),
        Ok(_) => "no receipt".into(),
        Err(status) => to_refused(&status).reason,
    })
}

/// Signed as is asked, with another nonce.
fn of_nonce(key: &PrivateKey, chain: &ChainId, asked: &Asked<'_>, nonce: &[u8]) -> ReadRequest {
    let mut it = request::sign(key, chain, asked);
    let time = it.time_ms.to_be_bytes();
    let mut said = b"liuhen/read/v1\n".to_vec();
    for part in [chain.as_bytes(), &it.key_id[..], &it.call_digest, &time, nonce] {
        said.extend_from_slice(part);
    }
    said.extend(&it.node);
    said.extend(u32::try_from(it.audit.len()).unwrap_or_default().to_be_bytes());
    said.extend(it.audit.as_bytes());
    (it.nonce, it.signature) = (nonce.to_vec(), key.sign(&said).to_vec());
    it
}

fn trail() -> GetTrailRequest {
    GetTrailRequest {
        trail_kind: TrailKind::Dataset as u32,
        trail_id: b"civil.resident".to_vec(),
        ..GetTrailRequest::default()
    }
}

/// One gRPC message, as it is sent.
fn body(message: &impl Message) -> anyhow::Result<Vec<u8>> {
    let bytes = message.encode_to_vec();
    Ok([&[0], u32::try_from(bytes.len())?.to_be_bytes().as_slice(), &bytes].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_shown_to_who_oversees_but_what_it_signed() -> anyhow::Result<()> {
    let mut cluster = overseen().await?;
    let node = cluster.connect("psb").await?;
    let account = cluster.account(&node, "tax", "officer").await?;
    let (key, chain) = (&account.signer.key, account.signer.chain);
    let address = cluster.address("psb").await?;
    let server = address.trim_start_matches("http://").to_owned();
    let audience = Audience { chain, server };
    let own = KeyId::from_slice(&node.status().await?.key_id)?;
    let now = liuhen_client::clock::now();
    let token = token::make(key, &audience, None, now)?;
    let path = "/liuhen.v1.TrailService/GetTrail";
    let good = Asked {
        call: call_digest(path, &body(&trail())?),
        time: now,
        nonce: [5; 16],
        node: own,
        audit: "",
    };
    let list = body(&ListRequestsRequest::default())?;
    let other = cluster.account(&node, "psb", "officer").await?;
    let mut bent = request::sign(key, &chain, &good);
    bent.nonce = vec![6; 16];
    let old = TimeMs::new(now.get() - 700_000);
    let cases = [
        ("as it should be", Some(request::sign(key, &chain, &good)), "receipt"),
        ("unsigned", None, "read.unsigned"),
        ("bent", Some(bent), "read.unsigned"),
        (
            "another call",
            Some(request::sign(key, &chain, &Asked { call: call_digest(path, &list), ..good })),
            "read.unsigned",
        ),
        (
            "at another node",
            Some(request::sign(key, &chain, &Asked { node: KeyId::new([1; 32]), ..good })),
            "read.unsigned",
        ),
        (
            "for an audit",
            Some(request::sign(key, &chain, &Asked { audit: "spring", ..good })),
            "read.unsigned",
        ),
        (
            "long ago",
            Some(request::sign(key, &chain, &Asked { time: old, ..good })),
            "read.unsigned",
        ),
        ("another's", Some(request::sign(&other.signer.key, &chain, &good)), "read.unsigned"),
        // What the rules refuse can't be recorded, however well it is signed.
        ("a nonce too short", Some(of_nonce(key, &chain, &good, &[5; 15])), "read.unsigned"),
    ];
    for (name, signed, expected) in cases {
        let signed = signed.map(|it| it.encode_to_vec());
        assert_eq!(asked(&node, &token, signed.as_deref()).await?, expected, "{name}");
    }
    assert_eq!(asked(&node, &token, Some(b"no request")).await?, "read.unsigned");
    // Who is party to what it reads signs nothing, and leaves no read.
    let token = token::make(&other.signer.key, &audience, None, now)?;
    assert_eq!(asked(&node, &token, None).await?, "no receipt");
    Ok(())
}

/// Without a receipt being kept the command says what to do.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_says_what_it_lacks() -> anyhow::Result<()> {
    let mut cluster = overseen().await?;
    let bad =
        cluster.liuhen("psb", READER, &["audit", "open", "x", "--until", "2020-01-01"]).await?;
    assert_eq!(bad.status.code(), Some(1), "{}", told(&bad));
    assert!(told(&bad).contains("audit.too_long"), "{}", told(&bad));
    let none = reads(&mut cluster).await?;
    assert_eq!(none, (Vec::new(), Some(0)));
    let (kept, text) = (cluster.file("other.jsonl"), "no line of it\n");
    std::fs::write(&kept, text)?;
    let kept = kept.to_string_lossy().into_owned();
    let unread = cluster.liuhen("psb", READER, &["audit", "reads", "--kept", &kept]).await?;
    assert_eq!(unread.status.code(), Some(1), "{}", told(&unread));
    assert!(told(&unread).contains("1 lines can't be read"), "{}", told(&unread));
    Ok(())
}
