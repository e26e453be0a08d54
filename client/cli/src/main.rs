//! `liuhen`: asks a Liuhen ledger, and records on it.

use clap::Parser;
use liuhen_cli::commands::Cli;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    match Cli::parse().run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            liuhen_cli::tell!("liuhen: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}
