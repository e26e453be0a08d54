//! Networks of node processes, asked and attacked from outside. One program for all of them: each of its own would link the
//! client and the node again.

mod backup;
mod byzantine;
mod corrections;
mod crashes;
mod doors;
mod endings;
mod faults;
mod gate;
mod gossip;
mod governance;
mod hostile;
mod import;
mod index;
mod joining;
mod links;
mod main_job;
mod oversight;
mod platform;
mod proofs;
mod reading;
mod recovery;
mod rights;
mod snapshot;
mod standing;
mod tls;
mod tutorial;
mod unread;
mod votes;
mod watching;
mod witness;
