//! `liuhen-gate` (安全闸口): runs beside a department's data. It decides on each access before it is served, by the ledger's own
//! coverage over state that it verified itself; gives it a number that is on disk before it is answered; and records it on the
//! ledger, once.
//!
//! [`settings`] says what it does; [`subjects`] whose data it is, [`sessions`] what lasts, by [`slices`], [`changes`] how the data changes; [`doors`] are where is asked; [`asked`] is what was asked, [`ending`] how it ended, [`ruled`] by whom and what for, and [`answer`] what is answered; [`gate`] decides (`judging`), by
//! [`state`] of each [`group`] under one of the [`candidates`], within its [`leases`]; [`ledger`] proves it, and [`watch`] renews sooner; [`begun`] is what stands before, [`break_glass`] doors that are opened [`by_hand`], [`gap`] how files cross where no connection does; [`sources`] are logs that are followed, [`receive`] takes their lines from the wire, by [`tls`] perhaps, and [`standing`] how they stand; [`differences`] what a door and a log see differently; [`spool`] keeps, and [`send`] brings it to the ledger; [`run`] wires, [`check`] looks before; [`using`] is the other side, which acknowledges what was received.

pub mod answer;
pub mod asked;
mod batches;
pub mod begun;
pub mod break_glass;
pub mod by_hand;
pub mod candidates;
pub mod changes;
pub mod check;
pub mod differences;
pub mod doors;
pub mod ending;
pub mod gap;
pub mod gate;
pub mod group;
pub mod held;
mod judging;
pub mod leases;
pub mod ledger;
pub mod lost;
pub mod metrics;
mod passing;
pub mod receive;
pub mod rows;
pub mod ruled;
pub mod run;
pub mod secret;
pub mod send;
pub mod sessions;
pub mod settings;
pub mod slices;
pub mod sources;
pub mod spool;
pub mod standing;
pub mod state;
pub mod subjects;
pub mod tls;
pub mod using;
pub mod watch;
