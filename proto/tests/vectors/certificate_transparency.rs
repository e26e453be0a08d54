//! An inclusion proof of a certificate-transparency log with 962 million entries.

use super::{base64, folder, hash, read};
use liuhen_proto::merkle::log::sha256_leaf;
use liuhen_proto::merkle::{Sha256Log, inclusion};
use liuhen_proto::types::Hash;
use serde::Deserialize;

const PROOF: &str = "get-proof-by-hash-tree-size-961984011-hash-\
                     nCs3mfIydh9x4CKyQ-2Bu2xtmpxmFggA5MLymHwNQSlLg-3D";

#[derive(Deserialize)]
struct Entries {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    leaf_input: String,
}

#[derive(Deserialize)]
struct SignedTreeHead {
    tree_size: u64,
    sha256_root_hash: String,
}

#[derive(Deserialize)]
struct Proof {
    leaf_index: u64,
    audit_path: Vec<String>,
}

#[test]
fn an_entry_of_a_real_log() {
    let Some(folder) = folder() else { return };
    let folder = folder.join("tlog_tiles_ct");
    let entries: Entries = read(&folder.join("get-entries-start-10000-end-10000"));
    let head: SignedTreeHead = read(&folder.join("get-sth"));
    let proof: Proof = read(&folder.join(PROOF));
    assert_eq!((proof.leaf_index, head.tree_size), (10_000, 961_984_011));
    assert_eq!((entries.entries.len(), proof.audit_path.len()), (1, 30));

    let leaf = sha256_leaf(&base64(&entries.entries[0].leaf_input));
    let path: Vec<Hash> = proof.audit_path.iter().map(|it| hash(it).unwrap()).collect();
    let from = |index, size, path: &[Hash]| {
        inclusion::root_from_path::<Sha256Log>(index, size, leaf, path)
    };
    let root = hash(&head.sha256_root_hash);
    assert_eq!(from(10_000, head.tree_size, &path), root);
    assert_ne!(from(10_001, head.tree_size, &path), root);
    assert_ne!(from(10_000, head.tree_size, &path[..29]), root);
}
