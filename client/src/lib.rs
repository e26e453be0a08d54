//! The client of a Liuhen ledger: connecting, signing and submitting, reading trails, witnessing. It prints nothing and
//! asks nobody: the command is `client/cli`, logs of databases are `client/sources`.
//!
//! | room | holds |
//! |---|---|
//! | [`connect`], [`reach`] | a connection to a node, on which every call ends |
//! | [`resolve`] | what people name, found on the ledger |
//! | [`submit`], [`clock`] | signing items and submitting them; the time that they state |
//! | [`event`], [`evidence`] | what a node shows, read and checked; proof files taken together |
//! | [`kept_reads`], [`reads`] | calls of oversight with their receipts, in a file; whether those came onto the ledger |
//! | [`witness`] | following the header log |
//! | [`subject_number`], [`did`] | numbers of data subjects; identities as DID documents |
//! | [`error`], [`typed`], [`lang`] | what went wrong, with its exit code; in the words that were typed; in which language |

pub mod clock;
pub mod connect;
pub mod did;
pub mod error;
pub mod event;
pub mod evidence;
pub mod kept_reads;
mod known;
pub mod lang;
mod lists;
pub mod reach;
pub mod reads;
pub mod resolve;
pub mod subject_number;
pub mod submit;
pub mod typed;
pub mod witness;
