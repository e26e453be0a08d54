//! A source is composed, checked and built; what is wrong is named with its line.

#![allow(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "helpers of tests: a broken source may end them"
)]

use liuhen_genesis::{build, compose, fingerprint, to_bytes};
use liuhen_proto::header::founding::Founding;
use liuhen_proto::suite::sign::PrivateKey;

const CONSORTIUM: &str = r#"name = "dev-test"
time = "2026-11-22T00:00:00+08:00"

[parameters]
lead = "gz.bdb"
purposes = ["pension", "audit"]
legal_bases = ["social-insurance-law"]
"#;

fn key(seed: u8) -> String {
    hex::encode(PrivateKey::from_seed(&[seed; 32]).public().as_bytes())
}

fn join(code: &str, seed: u8) -> String {
    format!(
        r#"code = "{code}"
name_zh = "部门"
level = 1
body = "{code}"
rights = ["use", "collect"]

[[identity]]
code = "officer"
kind = "officer"
public_key = "{}"

[[node]]
code = "node-1"
public_key = "{}"
cosigner_key = "{}"
peer_id = "peer-{seed}"
power = 1
"#,
        key(seed),
        key(seed + 1),
        key(seed + 2),
    )
}

fn joins() -> Vec<(String, String)> {
    vec![("psb.toml".into(), join("gz.psb", 1)), ("bdb.toml".into(), join("gz.bdb", 11))]
}

fn source() -> String {
    compose(("consortium.toml", CONSORTIUM), &joins()).unwrap()
}

#[test]
fn the_same_parts_give_the_same_chain() {
    let founding = build(&source()).unwrap();
    let mut turned = joins();
    turned.reverse();
    let again = build(&compose(("consortium.toml", CONSORTIUM), &turned).unwrap()).unwrap();
    assert_eq!(founding.chain(), again.chain());
    let read = Founding::from_bytes(&to_bytes(&founding)).unwrap();
    assert_eq!(read.header(), founding.header());
    assert_eq!(read.validators().all().len(), 2);
    assert!(founding.is_dev());
    assert_eq!(fingerprint(&founding.chain()).split(' ').count(), 8);
}

#[test]
fn errors_name_the_line() {
    let good = source();
    let line_of =
        |text: &str, what: &str| text.lines().position(|line| line.contains(what)).unwrap() + 1;
    let bad_key = good.replacen(&key(1), "abcd", 1);
    let error = build(&bad_key).unwrap_err();
    assert_eq!(error.line, line_of(&bad_key, "abcd"), "{error}");

    let bad_level = good.replacen("level = 1", "level = 9", 1);
    let error = build(&bad_level).unwrap_err();
    assert_eq!(error.line, line_of(&bad_level, "code = \"gz.bdb\""), "{error}");
    assert!(error.why.contains("level"), "{error}");

    let bad_time = good.replacen("+08:00", "", 1);
    assert_eq!(build(&bad_time).unwrap_err().line, line_of(&bad_time, "time ="));

    let unknown = good.replacen("body =", "boddy =", 1);
    let error = build(&unknown).unwrap_err();
    assert_eq!(error.line, line_of(&unknown, "boddy"), "{error}");

    let bad_lead = good.replacen("lead = \"gz.bdb\"", "lead = \"gz.none\"", 1);
    assert!(build(&bad_lead).unwrap_err().why.contains("leading department"));

    let twice = good.replacen(&key(11), &key(1), 1);
    assert!(build(&twice).unwrap_err().why.contains("strictly ascending"));
}

#[test]
fn a_bad_join_file_is_named() {
    let mut files = joins();
    files.push(("psb-again.toml".into(), join("gz.psb", 31)));
    let (file, error) = compose(("consortium.toml", CONSORTIUM), &files).unwrap_err();
    assert_eq!((file.as_str(), error.line), ("psb-again.toml", 1));
    files.pop();
    files.push(("broken.toml".into(), "code = \"x\"\nlevel = \"one\"\nbody=\"x\"".into()));
    let (file, error) = compose(("consortium.toml", CONSORTIUM), &files).unwrap_err();
    assert_eq!((file.as_str(), error.line), ("broken.toml", 2), "{error}");
}

#[test]
fn no_byte_of_a_document_can_change_unseen() {
    let founding = build(&source()).unwrap();
    let bytes = to_bytes(&founding);
    for at in 0..bytes.len() {
        let mut other = bytes.clone();
        other[at] ^= 1;
        if let Ok(read) = Founding::from_bytes(&other) {
            assert_ne!(read.chain(), founding.chain(), "byte {at}");
        }
    }
}
