//! The suite of algorithms: hashes with every domain tag, keys and the one verification rule.

pub mod hash;
pub mod sign;
