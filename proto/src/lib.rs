//! *Protocol*: all that every party of a Liuhen ledger must compute alike.
//!
//! Bytes and time come in, values go out. Nothing here reads a clock, a file, the network, the
//! environment or a random source, so a node, a client and an offline verifier can share it.
//!
//! | room | holds |
//! |---|---|
//! | [`wire`] | the messages generated from `liuhen/v1/*.proto` |
//! | [`types`] | ids, heights, times, codes, limits |
//! | [`suite`] | algorithms: every domain tag and hash, keys, signatures and the one verification rule |
//! | [`subject`] | tags of data subjects, and the keys that they follow from |
//! | [`canonical`] | the one encoding of a message |
//! | [`tx`] | transactions: parsing, header, signing; knows no kind of item |
//! | [`items`] | every kind of item: what it must be, where it is filed, its rule; what timers do |
//! | [`ledger`] | the state machine that applies them: overlay, block, who may sign, parameters, refusals |
//! | [`event`] | what trails are logs of; the events that the rules make |
//! | [`place`] | where trails and objects stand in the map |
//! | [`header`] | header, certificate, validators, founding document, checkpoints |
//! | [`merkle`] | the log and the map, with their proofs |
//! | [`verify`] | from a founding document to a verified claim |

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
