//! Two structures, each with a prover and a verifier: the log and the map.

pub mod consistency;
pub mod inclusion;
pub mod log;
pub mod map;
pub mod range;
pub mod trie;

pub use log::{Blake3Log, LogHash, MemoryLog, Peaks, Sha256Log, Tree};
