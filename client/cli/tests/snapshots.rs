//! What the command shows: of every noun its help, tables and JSON in both languages, and what it says to bad input,
//! against a node that always answers the same.
//!
//! What is shown stands in `tests/snapshots`, a file a noun. With `LIUHEN_UPDATE=1` the files are written instead of
//! compared: read the difference before it is committed.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a broken machine may end them")]

mod calls;
mod fixed_files;
mod fixed_node;

use calls::{CALLS, Kept};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

struct Liuhen {
    node: String,
}

impl Liuhen {
    /// A call as a user would type it, its exit code, and what it shows.
    fn call(&self, words: &str) -> (i32, String) {
        let folder = tempfile::tempdir().unwrap();
        fixed_files::write(folder.path());
        let said = words.replace("WITNESS", &fixed_node::proofs::witness_key());
        let mut child = Command::new(env!("CARGO_BIN_EXE_liuhen"))
            .args(said.split_whitespace())
            .env_clear()
            .envs([
                ("LIUHEN_NODE", self.node.as_str()),
                ("LIUHEN_READS", ""),
                ("TZ", "Asia/Shanghai"),
                ("LANG", "en_US.UTF-8"),
            ])
            .env("COLUMNS", "100")
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Whoever does not read it has ended before.
        let _gone = child.stdin.take().unwrap().write_all(NUMBER);
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        let code = output.status.code().unwrap_or(-1);
        let shown = format!("$ liuhen {words}\n{out}{err}[{code}]\n\n");
        (code, shown.replace(&self.node, "http://NODE"))
    }

    /// A good call in the forms in which it is kept.
    fn good(&self, kept: Kept, call: &str) -> String {
        let forms: &[&str] = match kept {
            Kept::InAllForms => &["", " -o json", " --lang zh", " --lang zh -o json"],
            Kept::InBothLanguages => &["", " --lang zh"],
            Kept::Once | Kept::Beginning(_) => &[""],
            Kept::ButForNumbers => &["", " -o json"],
        };
        let mut all = String::new();
        for form in forms {
            let (code, text) = self.call(&format!("{call}{form}"));
            assert_eq!(code, 0, "{text}");
            all.push_str(&match kept {
                Kept::Beginning(lines) => {
                    let beginning: Vec<&str> = text.lines().take(lines).collect();
                    beginning.join("\n") + "\n…\n\n"
                }
                Kept::ButForNumbers => without_numbers(&text),
                Kept::InAllForms | Kept::InBothLanguages | Kept::Once => text,
            });
        }
        all
    }

    /// A bad call, in both languages.
    fn bad(&self, call: &str) -> String {
        let one = |form: &str| {
            let (code, text) = self.call(&format!("{call}{form}"));
            assert_ne!(code, 0, "{text}");
            text
        };
        one("") + &one(" --lang zh")
    }
}

/// What is read from standard input where something is: the number of a resident whom there is not.
const NUMBER: &[u8] = b"11010519491231002X\n";

/// Salts and ids of what is made are random, and so are receipts of what has them: their digits are left out.
fn without_numbers(text: &str) -> String {
    const LONG: usize = 32;
    let is_digit = |c: char| c.is_ascii_hexdigit();
    let mut shown = String::new();
    for part in text.split_inclusive(|c| !is_digit(c)) {
        let digits = part.trim_end_matches(|c| !is_digit(c));
        match digits.len() >= LONG {
            true => shown.push_str(&part.replacen(digits, "…", 1)),
            false => shown.push_str(part),
        }
    }
    shown
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_noun_shows_what_it_showed() {
    let liuhen = Liuhen { node: fixed_node::serve().await };
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
        assert!(
            !good.is_empty() && !bad.is_empty(),
            "{noun} shows something, and refuses something"
        );
        let (_, mut shown) = liuhen.call(&format!("{noun} -h"));
        shown.extend(good.iter().map(|(kept, call)| liuhen.good(*kept, call)));
        shown.extend(bad.iter().map(|call| liuhen.bad(call)));
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
