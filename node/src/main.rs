//! `liuhen-node`: runs a ledger node, and what its operator needs beside.

use clap::Parser;
use liuhen_node::commands::backup::{Backup, Restore, VerifyStore};
use liuhen_node::commands::{config::Config, genesis::Genesis, init::Init, run::Run, vote::Vote};
use std::process::ExitCode;

/// Many threads take and give back blocks, events and messages of all sizes: the system's allocator spreads them over arenas of
/// which little goes back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A node of a Liuhen ledger (留痕)
#[derive(Debug, Parser)]
#[command(name = "liuhen-node", version, arg_required_else_help = true)]
enum Command {
    Init(Init),
    #[command(subcommand)]
    Genesis(Genesis),
    Config(Config),
    Run(Run),
    Vote(Vote),
    Backup(Backup),
    Restore(Restore),
    VerifyStore(VerifyStore),
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Init(it) => it.run(),
        Command::Genesis(it) => it.run(),
        Command::Config(it) => it.run(),
        Command::Run(it) => it.run(),
        Command::Vote(it) => it.run(),
        Command::Backup(it) => it.run(),
        Command::Restore(it) => it.run(),
        Command::VerifyStore(it) => it.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("liuhen-node: {error:#}");
            ExitCode::FAILURE
        }
    }
}
