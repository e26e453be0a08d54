//! The published vectors, run by the code that runs the ledger. Where they come from:
//! `vectors/SOURCES.md` in the folder that they stand in.
#![allow(
    clippy::disallowed_methods,
    reason = "a test reads its vectors from files; the core itself reads none"
)]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that panics has failed, which is what it is for"
)]

#[path = "vectors/blake3.rs"]
mod blake3_vectors;
#[path = "vectors/certificate_transparency.rs"]
mod certificate_transparency;
#[path = "vectors/ed25519.rs"]
mod ed25519;
#[path = "vectors/merkle.rs"]
mod merkle;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use liuhen_proto::types::Hash;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// The folder of the vectors. `None` where there is none, which no CI run may pass over in silence.
fn folder() -> Option<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    let folder = std::env::var_os("LIUHEN_VECTORS").map_or(shared, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    let note = format!("no published vectors at {}: not run", folder.display());
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{note}");
    println!("{note}");
    None
}

fn read<T: DeserializeOwned>(path: &Path) -> T {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Every JSON file below a folder, in a fixed order.
fn json_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        let entries =
            std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|it| it == "json") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn base64(text: &str) -> Vec<u8> {
    BASE64.decode(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// A hash in base64; `None` for bytes that are no hash of 32, which are refused before any proof.
fn hash(text: &str) -> Option<Hash> {
    Hash::from_slice(&base64(text)).ok()
}
