//! `liuhen-byzantine`: runs a ledger node that lies. Tests start it beside honest ones; it is in no package.

use clap::{Parser, Subcommand};
use liuhen_byzantine::Lie;
use liuhen_node::commands::run::Run;
use std::process::ExitCode;

/// A node of a Liuhen ledger that lies
#[derive(Debug, Parser)]
#[command(name = "liuhen-byzantine", arg_required_else_help = true)]
struct Liar {
    /// What it does
    #[arg(long)]
    lie: Lie,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Run),
}

fn main() -> ExitCode {
    let Liar { lie, command: Command::Run(run) } = Liar::parse();
    match run.run_as(lie.conduct()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("liuhen-byzantine: {error:#}");
            ExitCode::FAILURE
        }
    }
}
