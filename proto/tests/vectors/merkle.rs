//! RFC 6962 roots, and the proofs of transparency-dev/merkle, nine in ten of them hostile.

use super::{folder, hash, json_files, read};
use liuhen_proto::merkle::log::{root, sha256_leaf};
use liuhen_proto::merkle::{LogHash, MemoryLog, Sha256Log, consistency, inclusion};
use liuhen_proto::types::Hash;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::path::Path;

#[derive(Deserialize)]
struct LeavesAndRoots {
    leaf_inputs: Vec<String>,
    root_hashes: Vec<String>,
}

#[test]
fn rfc6962_leaves_and_roots() {
    let Some(folder) = folder() else { return };
    let vectors: LeavesAndRoots = read(&folder.join("rfc6962_leaves_roots.json"));
    let leaves: Vec<Hash> =
        vectors.leaf_inputs.iter().map(|it| sha256_leaf(&hex::decode(it).unwrap())).collect();
    let log: MemoryLog<Sha256Log> = leaves.iter().copied().collect();
    assert_eq!((leaves.len(), vectors.root_hashes.len()), (8, 9));
    assert_eq!(Sha256Log::empty().to_string(), vectors.root_hashes[0]);
    for (size, expected) in vectors.root_hashes.iter().enumerate() {
        let expected: Hash = expected.parse().unwrap();
        assert_eq!(root::<Sha256Log>(leaves[..size].iter().copied()), expected, "size {size}");
        assert_eq!(log.root_at(size as u64), expected, "size {size}");
        proofs_lead_to(&log, &leaves, size as u64, expected);
    }
}

/// The paths that our prover makes lead to the published roots.
fn proofs_lead_to(log: &MemoryLog<Sha256Log>, leaves: &[Hash], size: u64, expected: Hash) {
    for index in 0..size {
        let path = inclusion::prove::<Sha256Log, _>(log, index, size).unwrap().unwrap();
        let leaf = leaves[index as usize];
        let found = inclusion::root_from_path::<Sha256Log>(index, size, leaf, &path);
        assert_eq!(found, Some(expected), "{index} of {size}");
        let old = index + 1;
        let path = consistency::prove::<Sha256Log, _>(log, old, size).unwrap().unwrap();
        let before = log.root_at(old);
        let holds = consistency::verify::<Sha256Log>(old, size, &before, &expected, &path);
        assert!(holds, "{old} to {size}");
    }
}

/// Fields of all four kinds of case; each kind reads its own.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Common {
    proof: Option<Vec<String>>,
    want_err: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inclusion {
    leaf_idx: u64,
    tree_size: u64,
    root: String,
    leaf_hash: String,
    #[serde(flatten)]
    common: Common,
}

#[derive(Deserialize)]
struct Consistency {
    size1: u64,
    size2: u64,
    root1: String,
    root2: String,
    #[serde(flatten)]
    common: Common,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SubtreeInclusion {
    leaf_idx: u64,
    start: u64,
    end: u64,
    root: String,
    leaf_hash: String,
    #[serde(flatten)]
    common: Common,
}

#[derive(Deserialize)]
struct SubtreeConsistency {
    start: u64,
    end: u64,
    size: u64,
    root1: String,
    root2: String,
    #[serde(flatten)]
    common: Common,
}

impl Common {
    fn path(&self) -> Option<Vec<Hash>> {
        self.proof.iter().flatten().map(|text| hash(text)).collect()
    }
}

fn included(index: u64, size: u64, leaf: &str, root: &str, common: &Common) -> Option<bool> {
    let (leaf, root, path) = (hash(leaf)?, hash(root)?, common.path()?);
    Some(inclusion::root_from_path::<Sha256Log>(index, size, leaf, &path) == Some(root))
}

fn consistent(old: u64, new: u64, root1: &str, root2: &str, common: &Common) -> Option<bool> {
    let (root1, root2, path) = (hash(root1)?, hash(root2)?, common.path()?);
    Some(consistency::verify::<Sha256Log>(old, new, &root1, &root2, &path))
}

/// Whether `[start, end)` is a subtree: it begins at a multiple of the smallest power of two that
/// is not below its length.
fn is_subtree(start: u64, end: u64) -> bool {
    let width = end.saturating_sub(start).checked_next_power_of_two();
    start < end && width.is_some_and(|width| start.is_multiple_of(width))
}

/// Cases that the vectors take and this code refuses on purpose, by the end of their path.
const STRICTER: [(&str, &str); 4] = [
    (
        "/consistency/additional/sizes-are-equal-one-and-proof-is-empty.json",
        "its roots are 12 bytes of text, and a hash has 32",
    ),
    (
        "/subtreeconsistency/additional/sizes-are-equal-one-and-proof-is-empty.json",
        "its roots are 12 bytes of text, and a hash has 32",
    ),
    (
        "/subtreeconsistency/additional/subtree-is-empty-sizes-are-equal-zero-subtree-root-valid-\
         proof-is-empty.json",
        "an old size of 0 says nothing",
    ),
    (
        "/subtreeconsistency/additional/subtree-is-empty-sizes-are-equal-zero-subtree-root-valid-\
         tree-root-random-proof-is-empty.json",
        "an old size of 0 says nothing",
    ),
];

/// How many cases of a kind there were.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    good: usize,
    hostile: usize,
    stricter: usize,
    skipped: usize,
}

/// Runs every case of a kind.
fn run<T: DeserializeOwned>(
    folder: &Path,
    judge: impl Fn(&T) -> Option<bool>,
    common: impl Fn(&T) -> &Common,
    skip: impl Fn(&T) -> bool,
) -> Counts {
    let mut counts = Counts::default();
    for file in json_files(folder) {
        let case: T = read(&file);
        if skip(&case) {
            counts.skipped += 1;
            continue;
        }
        let (name, accepted) = (file.display().to_string(), judge(&case).unwrap_or(false));
        if STRICTER.iter().any(|(end, _)| name.ends_with(end)) {
            assert!(!accepted && !common(&case).want_err, "{name}");
            counts.stricter += 1;
        } else if common(&case).want_err {
            assert!(!accepted, "{name}");
            counts.hostile += 1;
        } else {
            assert!(accepted, "{name}");
            counts.good += 1;
        }
    }
    counts
}

#[test]
fn transparency_dev_inclusion() {
    let Some(folder) = folder() else { return };
    let counts = run(
        &folder.join("transparency-dev-merkle/testdata/inclusion"),
        |it: &Inclusion| included(it.leaf_idx, it.tree_size, &it.leaf_hash, &it.root, &it.common),
        |it| &it.common,
        |_| false,
    );
    assert_eq!(counts, Counts { good: 6, hostile: 92, stricter: 0, skipped: 0 });
}

#[test]
fn transparency_dev_consistency() {
    let Some(folder) = folder() else { return };
    let counts = run(
        &folder.join("transparency-dev-merkle/testdata/consistency"),
        |it: &Consistency| consistent(it.size1, it.size2, &it.root1, &it.root2, &it.common),
        |it| &it.common,
        |_| false,
    );
    assert_eq!(counts, Counts { good: 5, hostile: 92, stricter: 1, skipped: 0 });
}

#[test]
fn transparency_dev_subtree_inclusion() {
    let Some(folder) = folder() else { return };
    let judge = |it: &SubtreeInclusion| {
        let index = it.leaf_idx.checked_sub(it.start)?;
        let size = it.end.checked_sub(it.start)?;
        let good = included(index, size, &it.leaf_hash, &it.root, &it.common)?;
        Some(good && is_subtree(it.start, it.end))
    };
    let counts = run(
        &folder.join("transparency-dev-merkle/testdata/subtreeinclusion"),
        judge,
        |it| &it.common,
        |_| false,
    );
    assert_eq!(counts, Counts { good: 12, hostile: 192, stricter: 0, skipped: 0 });
}

/// A subtree that begins at 0 is a prefix, so these are consistency proofs. Those that begin
/// elsewhere (16 of 118) are skipped: no proof of the ledger is of their kind.
#[test]
fn transparency_dev_subtree_consistency() {
    let Some(folder) = folder() else { return };
    let counts = run(
        &folder.join("transparency-dev-merkle/testdata/subtreeconsistency"),
        |it: &SubtreeConsistency| consistent(it.end, it.size, &it.root1, &it.root2, &it.common),
        |it| &it.common,
        |it| it.start != 0,
    );
    println!("{} cases of subtrees that do not begin at 0 were skipped", counts.skipped);
    assert_eq!(counts, Counts { good: 5, hostile: 94, stricter: 3, skipped: 16 });
}
