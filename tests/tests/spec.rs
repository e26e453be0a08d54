//! The specification names what the programs say: no code more, and none less.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn is_code(text: &str) -> bool {
    let lower =
        |part: &str| !part.is_empty() && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'_'));
    text.split_once('.').is_some_and(|(left, right)| lower(left) && lower(right))
}

/// Every second piece between quotes of some kind, where it is a code.
fn quoted(text: &str, quote: char) -> BTreeSet<String> {
    let pieces = text.split(quote).skip(1).step_by(2);
    pieces.filter(|piece| is_code(piece)).map(str::to_owned).collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("tests") {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
    Ok(())
}

#[test]
fn codes_of_invalid_proofs() -> anyhow::Result<()> {
    let mut files = Vec::new();
    sources(&root().join("proto/src/verify"), &mut files)?;
    let mut said = BTreeSet::new();
    for file in files {
        said.append(&mut quoted(&std::fs::read_to_string(file)?, '"'));
    }
    let spec = std::fs::read_to_string(root().join("docs/spec/proofs.md"))?;
    let table = spec.split("## Codes of INVALID").nth(1).unwrap_or_default();
    let table = table.split("\n## ").next().unwrap_or_default();
    let told = quoted(table, '`');
    assert_eq!(said, told);
    assert!(said.len() > 50, "{said:?}");
    Ok(())
}
