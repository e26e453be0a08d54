//! *Protocol*: all that every party of a Liuhen ledger must compute alike.
//!
//! Bytes and time come in, values go out. Nothing here reads a clock, a file, the network, the
//! environment or a random source, so a node, a client and an offline verifier can share it.
//!
//! | room | holds |
//! |---|---|
//! | [`wire`] | the messages generated from `liuhen/v1/*.proto` |
//! | [`types`] | ids, heights, times, codes, limits |
//! | [`hash`], [`sign`] | every domain tag; keys and the one verification rule |
//! | [`subject`] | tags of data subjects, and the keys that they follow from |
//! | [`canonical`] | the one encoding of a message |
//! | [`tx`] | transactions and items: parsing, stateless checks, trails of an event |
//! | [`event`], [`ledger_event`] | what trails are logs of; the events that the rules make |
//! | [`block`], [`certificate`], [`validators`] | header, vote bytes, quorum |
//! | [`checkpoint`], [`note`] | the header log, as log tools and witnesses read and sign it |
//! | [`merkle`] | the log and the map, with their proofs |
//! | [`ledger`] | the state machine, one file a rule |
//! | [`verify`] | from a genesis document to a verified claim |

#![cfg_attr(
    test,
    allow(clippy::arithmetic_side_effects, reason = "tests compute with small numbers")
)]

pub mod canonical;
pub mod event;
pub mod header;
pub mod items;
pub mod ledger;
pub mod merkle;
pub mod place;
pub mod subject;
pub mod suite;
pub mod tx;
pub mod types;
pub mod verify;

/// The messages of `liuhen/v1/*.proto`, as generated.
#[allow(
    missing_docs,
    clippy::all,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "generated from the .proto files, where the documentation stands"
)]
pub mod wire {
    include!(concat!(env!("OUT_DIR"), "/liuhen.v1.rs"));
}
