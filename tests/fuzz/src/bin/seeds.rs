//! Writes the inputs that each target begins with, a folder for each: cut out of the corpus of proof
//! files where that holds such a thing, made here where not.
//!
//!     LIUHEN_CORPUS=… seeds FOLDER

use liuhen_fuzz::services::Services;
use liuhen_fuzz::{CHECKPOINT, FOUNDING, corpus, fields, files};
use liuhen_genesis::compose;
use liuhen_node::codec;
use liuhen_node::store::undecided::Undecided;
use liuhen_node::store::{Block, BlockLog, StoredBlock};
use liuhen_proto::event::{EventLeaf, Outcome, ledger::LedgerEvent};
use liuhen_proto::items::Item;
use liuhen_proto::place::ObjectKind;
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::tx::TxHeader;
use liuhen_proto::types::{BlockId, ChainId, Hash, Height, KeyId, TimeMs, TxId};
use liuhen_proto::wire;
use liuhen_rpc::token;
use prost::Message;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Seeds by target.
type Seeds = BTreeMap<&'static str, BTreeSet<Vec<u8>>>;

/// Of the length of a signature, and nobody's.
const SIGNATURE: [u8; 64] = [5; 64];

fn main() {
    let folder = PathBuf::from(std::env::args_os().nth(1).expect("seeds FOLDER"));
    let mut seeds = Seeds::new();
    let mut add = |target, bytes: Vec<u8>| {
        seeds.entry(target).or_default().insert(bytes);
    };
    for (_, bytes) in files(&corpus()) {
        of_trace(&bytes, &mut add);
        fields(&bytes).into_iter().for_each(|field| of_field(field, &mut add));
    }
    add("founding", FOUNDING.document().encode_to_vec());
    add("checkpoint", CHECKPOINT.text().into_bytes());
    texts(&mut add);
    blocks(&mut add);
    messages(&mut add);
    calls(&mut add);
    for (target, inputs) in &seeds {
        write(&folder.join(target), inputs);
        println!("{target}: {}", inputs.len());
    }
}

fn write(folder: &Path, inputs: &BTreeSet<Vec<u8>>) {
    std::fs::create_dir_all(folder).expect("the folder of seeds can be made");
    for (number, bytes) in inputs.iter().enumerate() {
        std::fs::write(folder.join(format!("{number:05}")), bytes).expect("a seed can be written");
    }
}

/// Of a proof file: itself, and the same for who trusts the checkpoint.
fn of_trace(bytes: &[u8], add: &mut impl FnMut(&'static str, Vec<u8>)) {
    let Ok(mut trace) = wire::Trace::decode(bytes) else { return };
    add("trace", bytes.to_vec());
    for it in &trace.objects {
        let kind = u8::try_from(it.kind).ok().filter(|kind| ObjectKind::from_byte(*kind).is_some());
        kind.into_iter().for_each(|kind| add("object", [&[kind], it.object.as_slice()].concat()));
    }
    let Some(anchor) = &mut trace.anchor else { return };
    if let Some(certificate) = &anchor.certificate {
        let pair = [anchor.header.clone(), certificate.encode_to_vec()].concat();
        add("header_certificate", pair);
    }
    anchor.pin = Some(wire::Pin {
        size: CHECKPOINT.size,
        header: FOUNDING.header().to_bytes().to_vec(),
        path: Vec::new(),
        next: Some(FOUNDING.validators().to_wire()),
    });
    add("trace_checkpoint", trace.encode_to_vec());
}

/// Of a field of a proof file: whatever it is.
fn of_field(bytes: &[u8], add: &mut impl FnMut(&'static str, Vec<u8>)) {
    if let Ok(item) = Item::parse(bytes) {
        add("item", bytes.to_vec());
        let header = liuhen_fuzz::transaction_header().to_bytes();
        let (signature, items) = (SIGNATURE.to_vec(), vec![bytes.to_vec()]);
        let tx = wire::Transaction { header: header.clone(), items, signature }.encode_to_vec();
        add("transaction", tx);
        let leaf = leaf(*item.digest());
        let item = bytes.to_vec();
        add("event", wire::TrailEvent { leaf, header, item, ..Default::default() }.encode_to_vec());
    } else if let Ok(event) = LedgerEvent::parse(bytes) {
        add("ledger_event", bytes.to_vec());
        let (leaf, ledger_event) = (leaf(event.digest()), bytes.to_vec());
        add("event", wire::TrailEvent { leaf, ledger_event, ..Default::default() }.encode_to_vec());
    } else if TxHeader::parse(bytes).is_ok() {
        let header = bytes.to_vec();
        let signature = SIGNATURE.to_vec();
        add("transaction", wire::Transaction { header, signature, items: vec![] }.encode_to_vec());
    } else if wire::MapProof::decode(bytes).is_ok_and(|it| !it.siblings.is_empty()) {
        add("merkle", [&[7; 8], &[9, 0, 0, 0, 0, 0, 0, 0], &[3][..], bytes].concat());
    }
}

fn leaf(digest: Hash) -> Vec<u8> {
    let (height, index, time) = (Height::new(3), 0, TimeMs::new(1_800_000_000_000));
    let (origin, item, outcome) = (TxId::new([6; 32]), 0, Outcome::DONE);
    EventLeaf { height, index, time, origin, item, digest, outcome }.to_bytes().to_vec()
}

const CONSORTIUM: &str = include_str!("../../../../scripts/network/consortium.toml");
const MAPPINGS: [&str; 2] = [
    include_str!("../../../../scripts/network/psb.mapping.toml"),
    include_str!("../../../../scripts/network/hrss.mapping.toml"),
];
/// A statement that was audited, one that was refused, and a line that is neither.
const LOG: [&str; 3] = [
    r#"{"timestamp":"2026-11-23 04:32:01.521 CST","user":"app_hr_pension","dbname":"population","session_id":"6b.1","line_num":1,"error_severity":"LOG","message":"AUDIT: SESSION,7,1,READ,SELECT,TABLE,civil.resident,\"/*liuhen_grant='t-1'*/ select 1, 'a,b';\",<none>,3"}"#,
    r#"{"timestamp":"2026-11-23 04:32:02.000 CST","user":"app_hr_pension","dbname":"population","session_id":"6b.1","line_num":2,"error_severity":"ERROR","state_code":"42501","message":"permission denied for table resident","statement":"/*x*/ delete from civil.resident"}"#,
    r#"{"timestamp":"2026-11-23 04:32:03.000 CST","session_id":"6b.1","line_num":3,"error_severity":"LOG","message":"checkpoint starting: time"}"#,
];

/// Lines of other kinds of logs, behind the byte that says which kind and mapping.
const LOGS: [(u8, &str); 8] = [
    (
        0,
        "2026-11-28 21:40:00.100 CST [17] app@population LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,civil.resident,\"select 1\n\tfrom x\",<none>,1\n",
    ),
    (
        0,
        "2026-11-28 21:40:00.100 CST [17] app@population 错误:  对表 resident 权限不够\n2026-11-28 21:40:00.100 CST [17] app@population 语句:  delete from civil.resident\n",
    ),
    (
        3,
        "Nov 28 21:40:00 db1 postgres[17]: [3-1] 2026-11-28 21:40:00.100 CST LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,civil.resident,\"select 1\nNov 28 21:40:00 db1 postgres[17]: [3-2] #011from x\",<none>,1\n",
    ),
    (
        1,
        "20261128 21:40:00,db1,app,10.0.0.7,42,935,READ,population,resident,\n20261128 21:40:00,db1,app,10.0.0.7,42,935,QUERY,population,'select name from resident where a=\\'b\\'',0\n",
    ),
    (
        4,
        "Nov 28 21:40:00 db1 mysql-server_auditing: db1,app,h,42,935,QUERY,population,'select 1 -- x from resident',1142\n",
    ),
    (2, "{\"time\":1795379521521,\"datasets\":[{\"dataset\":\"a\",\"operation\":\"read\"}]}\n"),
    (5, "t,d,o,x\n2026-11-28 21:40:00,a,read,\"x\n\"\"y\"\n"),
    (8, "time=2026-11-28T21:40:00Z why=\"a b\"\n"),
];

/// Keys for nothing else than this: one plain, one whose passphrase costs little to try.
const KEY_FILES: [&str; 2] = [
    "-----BEGIN PRIVATE KEY-----\n\
     MC4CAQAwBQYDK2VwBCIEIFdClI8WrqhAr7YVQAaVFCKArRZe8eC+zWUzo6y7meMI\n\
     -----END PRIVATE KEY-----\n\
     ",
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n\
     MIGSME4GCSqGSIb3DQEFDTBBMCAGCSsGAQQB2kcECzATBAhEzQKlvdnRvAIBEAIB\n\
     AQIBATAdBglghkgBZQMEASoEEElu9qr3c5hXAMJmkE07vEYEQP7Zb5yEU2Wmmt2Q\n\
     WDomMO4hwLX+4MmE63zeBWVX2i740ctpuhwPRXhBi+4Whg/YneRuh7a0OXE4iCrB\n\
     dfcspPo=\n\
     -----END ENCRYPTED PRIVATE KEY-----\n\
     ",
];

/// A department's join file.
fn join(code: &str, seed: u8) -> String {
    let key = |seed| hex::encode(PrivateKey::from_seed(&[seed; 32]).public().as_bytes());
    let (officer, votes, cosigns) = (key(seed), key(seed + 1), key(seed + 2));
    format!(
        r#"code = "{code}"
name_zh = "部门"
level = 1
body = "{code}"
rights = ["use", "collect"]

[[identity]]
code = "officer"
kind = "officer"
public_key = "{officer}"

[[node]]
code = "node-1"
public_key = "{votes}"
cosigner_key = "{cosigns}"
peer_id = "peer-{seed}"
power = 1
"#
    )
}

/// What people write.
fn texts(add: &mut impl FnMut(&'static str, Vec<u8>)) {
    let joins = [("psb".into(), join("gz.psb", 1)), ("bdb".into(), join("gz.bdb", 11))];
    let source = compose(("consortium", CONSORTIUM), &joins).expect("a source without fault");
    let [(_, one), _] = joins;
    [CONSORTIUM.to_owned(), one, source]
        .into_iter()
        .for_each(|text| add("genesis_source", text.into()));
    MAPPINGS.into_iter().for_each(|text| add("mapping", text.into()));
    LOG.into_iter().for_each(|line| add("pgaudit", line.into()));
    add("pgaudit", LOG.join("\n").into());
    for (which, lines) in LOGS {
        add("logs", [&[which], lines.as_bytes()].concat());
    }
    let (key, now) = (PrivateKey::from_seed(&[1; 32]), TimeMs::new(1_800_000_000_000));
    for chain in [2, 3].map(|byte| ChainId::new([byte; 32])) {
        let audience = token::Audience { chain, server: "node.example".into() };
        let made = token::make(&key, &audience, Some("a-2026"), now);
        add("token", made.expect("a token can be made").into());
    }
    KEY_FILES.into_iter().for_each(|pem| add("key_file", pem.into()));
}

fn block() -> StoredBlock {
    let header = FOUNDING.header().to_bytes().to_vec();
    let block = Block { header, last_certificate: vec![], transactions: vec![vec![1, 2, 3]] };
    let (certificate, outcomes, ledger_events) = (vec![7; 9], vec![1], vec![vec![8; 3]]);
    let (ledger_places, next_validators) = Default::default();
    StoredBlock { block, certificate, outcomes, ledger_events, ledger_places, next_validators }
}

fn blocks(add: &mut impl FnMut(&'static str, Vec<u8>)) {
    let encode = "small values can be encoded";
    let stored = block();
    let streamed = codec::encode(&stored.block).expect(encode);
    let (proposer, id) = (KeyId::new([1; 32]), BlockId::new([2; 32]));
    let undecided =
        Undecided::new(Height::new(1), 2, proposer, id, true, streamed.clone(), Some([3; 64]));
    let all =
        [streamed, codec::encode(&stored).expect(encode), codec::encode(&undecided).expect(encode)];
    (0..).zip(all).for_each(|(which, bytes)| add("block", [vec![which], bytes].concat()));
    let folder = tempfile::tempdir().expect("a folder for a log");
    let (mut log, _) = BlockLog::open(folder.path()).expect("an empty log");
    for _ in 0..3 {
        log.append(&stored).expect("a block can be logged");
    }
    files(folder.path()).into_iter().for_each(|(_, bytes)| add("block_log", bytes));
}

/// What nodes say to each other. Their types are the node's own; these are their encodings.
fn messages(add: &mut impl FnMut(&'static str, Vec<u8>)) {
    let encode = "small values can be encoded";
    let transactions = codec::encode(&(0u32, vec![vec![1u8, 2], vec![3]])).expect(encode);
    let wake = codec::encode(&(1u32, 9u64, [1u8; 32], vec![2u8; 64])).expect(encode);
    [transactions, wake].into_iter().for_each(|bytes| add("gossip", bytes));
    // Of most kinds some number of zeros is a message.
    for kind in 0..=11 {
        let lengths = (0..512).map(|length| vec![0; length]);
        let good = lengths.filter(|it| liuhen_node::consensus::again::message(kind, it).is_some());
        good.for_each(|bytes| add("engine", [vec![kind], bytes].concat()));
    }
    let status = codec::encode(&(vec![0u8, 0], 9u64, 1u64)).expect(encode);
    add("engine", [vec![5], status].concat());
    let response = codec::encode(&(
        1u64,
        vec![(vec![1u8], (2u64, 0u32, [3u8; 32], vec![([4u8; 32], SIGNATURE)]))],
    ));
    add("engine", [vec![7], response.expect(encode)].concat());
    let init = codec::encode(&(vec![1u8], 0u64, Some((0u32, 5u64, 0u32, None::<u32>, [1u8; 32]))));
    let data = codec::encode(&(vec![1u8], 1u64, Some((1u32, vec![1u8; 40]))));
    let fin = codec::encode(&(vec![1u8], 2u64, Some((2u32, SIGNATURE))));
    let parts: Vec<Vec<u8>> = [init, data, fin].map(|part| part.expect(encode)).to_vec();
    add("engine", [vec![12], codec::encode(&parts).expect(encode)].concat());
}

/// Calls of a node's services, some of each method.
fn calls(add: &mut impl FnMut(&'static str, Vec<u8>)) {
    let services = Services::make().expect("the chain that is asked about can be made");
    let all = services.seeds().expect("each method answers some request");
    all.into_iter().flat_map(|(_, inputs)| inputs).for_each(|input| add("services", input));
}
