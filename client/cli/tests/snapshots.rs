//! What the command shows: of every noun its help, tables and JSON in both languages, and what it says to bad input,
//! against a node that always answers the same.
//!
//! What is shown stands in `tests/snapshots`, a file a noun. With `LIUHEN_UPDATE=1` the files are written instead of
//! compared: read the difference before it is committed.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a broken machine may end them")]

mod fixed_node;

use liuhen_proto::suite::sign::PrivateKey;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Of each noun the calls whose output is kept. `-o json` and `--lang zh` are added to those that show something.
const CALLS: &[(&str, &[&str], &[&str])] = &[
    ("ack", &[], &["ack missing nothing-such"]),
    ("alert", &["alert list --key key.pem"], &["alert close x"]),
    ("audit", &[], &["audit open"]),
    ("case", &["case list --key key.pem"], &["case answer"]),
    ("completions", &[], &["completions tcsh"]),
    ("consortium", &["consortium"], &["consortium --output xml"]),
    ("correction", &["correction list --key key.pem"], &["correction agree"]),
    ("dataset", &["dataset list"], &["dataset register civil.x --grade 9"]),
    ("gateway", &["gateway show gz.psb/gateway"], &["gateway show gz.psb/none"]),
    ("genesis", &[], &["genesis"]),
    ("grant", &["grant list"], &["grant suspend nothing-such --reason x"]),
    (
        "identity",
        &["identity show gz.bdb/portal"],
        &["identity show gz.bdb", "identity show gz.bdb/none"],
    ),
    ("import", &[], &["import oracle x --mapping y", "import pgaudit x"]),
    (
        "integrity",
        &["integrity list gz.psb", "integrity show gz.psb"],
        &["integrity list gz.psb --limit x"],
    ),
    ("key", &["key show --key key.pem"], &["key show"]),
    ("member", &["member departments", "member identities"], &["member suspend"]),
    ("product", &["product list --key key.pem"], &["product recall"]),
    (
        "proposal",
        &[
            "proposal list",
            "proposal new --key key.pem --reference p-1 --dry-run parameters --set decide_days=5",
        ],
        &["proposal new parameters --set days=1", "proposal show --key key.pem nothing-such"],
    ),
    ("prove", &[], &["prove state nothing x"]),
    (
        "reconcile",
        &[],
        &["reconcile", "reconcile check nothing-such", "reconcile -o json check nothing-such"],
    ),
    ("record", &[], &["record"]),
    ("report", &[], &["report evidence nothing-such --genesis x --out y"]),
    ("request", &["request list"], &["request approve"]),
    (
        "sealing",
        &["sealing list --key key.pem", "sealing counts --key key.pem"],
        &["sealing order"],
    ),
    ("status", &["status"], &["status --node ftp://x"]),
    ("tag", &["tag list --collector gz.psb"], &["tag new x"]),
    ("trail", &["trail dataset civil.resident"], &["trail dataset", "trail nothing x"]),
    ("watch", &[], &["watch --kind x"]),
    ("witness", &["witness key gov.example/witness --key key.pem"], &["witness run"]),
];

struct Liuhen {
    node: String,
    folder: tempfile::TempDir,
}

impl Liuhen {
    /// A call as a user would type it, its exit code, and what it shows.
    fn call(&self, words: &str) -> (i32, String) {
        let output = Command::new(env!("CARGO_BIN_EXE_liuhen"))
            .args(words.split(' ').filter(|word| !word.is_empty()))
            .env_clear()
            .envs([
                ("LIUHEN_NODE", self.node.as_str()),
                ("TZ", "Asia/Shanghai"),
                ("LANG", "en_US.UTF-8"),
            ])
            .env("COLUMNS", "100")
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        let code = output.status.code().unwrap_or(-1);
        let shown = format!("$ liuhen {words}\n{out}{err}[{code}]\n\n");
        (code, shown.replace(&self.node, "http://NODE"))
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_noun_shows_what_it_showed() {
    let liuhen = Liuhen { node: fixed_node::serve().await, folder: tempfile::tempdir().unwrap() };
    let key = PrivateKey::from_seed(&[9; 32]);
    liuhen_keyfile::save(&liuhen.folder.path().join("key.pem"), &key, None).unwrap();
    let (_, help) = liuhen.call("-h");
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let nouns = commands.lines().filter_map(|line| line.split_whitespace().next());
    let nouns: BTreeSet<&str> = nouns.filter(|it| *it != "help").collect();
    assert_eq!(
        nouns,
        CALLS.iter().map(|(noun, ..)| *noun).collect(),
        "each noun has its calls here"
    );

    let update = std::env::var_os("LIUHEN_UPDATE").is_some();
    let mut differ = Vec::new();
    for (noun, good, bad) in CALLS {
        let (_, mut shown) = liuhen.call(&format!("{noun} -h"));
        for call in *good {
            for more in ["", " -o json", " --lang zh", " --lang zh -o json"] {
                let (code, text) = liuhen.call(&format!("{call}{more}"));
                assert_eq!(code, 0, "{text}");
                shown.push_str(&text);
            }
        }
        for call in *bad {
            for more in ["", " --lang zh"] {
                let (code, text) = liuhen.call(&format!("{call}{more}"));
                assert_ne!(code, 0, "{text}");
                shown.push_str(&text);
            }
        }
        let file = folder().join(format!("{noun}.txt"));
        if update {
            std::fs::write(&file, &shown).unwrap();
        } else if std::fs::read_to_string(&file).ok().as_deref() != Some(&shown) {
            differ.push(format!("{noun}:\n{shown}"));
        }
    }
    assert!(
        differ.is_empty(),
        "not as in tests/snapshots; LIUHEN_UPDATE=1 writes them:\n{}",
        differ.join("\n")
    );
}
