//! The suite of algorithms that a chain is made with. A suite is a file: its signatures and its hash. Everything else
//! knows keys, signatures and hashes by the names here, and no algorithm.
//!
//! | file | holds |
//! |---|---|
//! | [`hash`] | every domain tag, and the hash under each |
//! | [`sign`] | keys and signatures by their algorithm; the one verification rule |
//! | `shape` | what keys and signatures of every algorithm are like from outside |
//! | `ed25519_blake3` | the first suite |

mod ed25519_blake3;
pub mod hash;
mod shape;
pub mod sign;
