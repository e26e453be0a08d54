//! A Liuhen ledger node.
//!
//! | room | holds |
//! |---|---|
//! | [`app`] | engine-neutral: propose, validate, commit; proofs |
//! | [`consensus`] | the adapter to the Malachite engine |
//! | [`mempool`] | transactions that wait, by key |
//! | [`gossip`] | the libp2p swarm that carries them between nodes, and what nodes ask each other |
//! | [`neighbours`] | the other nodes: how far each is, and what it heard of this one |
//! | [`store`] | block log (the truth), index (rebuilt at will) |
//! | [`api`] | the gRPC services, who calls, and who may read what |
//! | [`backup`] | copies of the ledger, and putting them back |
//! | [`repair`] | reading everything once in a while, and mending what can't be read |
//! | [`checkpoints`], `tiles` | cosigned checkpoints of the header log, and the log over HTTP |
//! | [`files`] | how many files may be open, and who may hold them |
//! | [`config`], [`home`], [`commands`], [`telemetry`] | settings, keys, operator's commands, logs |
//! | [`run`](mod@run), `engine` | the only wiring |

pub mod api;
pub mod app;
pub mod backup;
pub mod checkpoints;
mod clock;
pub mod codec;
pub mod commands;
pub mod config;
pub mod consensus;
mod engine;
pub mod files;
pub mod gossip;
mod health;
pub mod home;
pub mod limits;
pub mod mempool;
pub mod misbehaviour;
pub mod neighbours;
mod older;
pub mod registry;
pub mod repair;
pub mod run;
mod snapshots;
pub mod store;
pub mod telemetry;
mod tiles;
