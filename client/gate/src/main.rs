//! The `liuhen-gate` command.

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use liuhen_gate::settings::Settings;
use liuhen_gate::{by_hand, check, gap, lost, run, using};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// As the node has it: records of all sizes are taken and given back by many threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The gate beside a department's data: decides, numbers and records each access
#[derive(Parser)]
#[command(name = "liuhen-gate", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run it
    Run {
        /// The settings
        #[arg(long, default_value = "gate.toml")]
        settings: PathBuf,
        /// Log lines of JSON
        #[arg(long)]
        json: bool,
    },
    /// Run the using side: what gates of collectors served is acknowledged by itself
    Use {
        /// The settings
        #[arg(long, default_value = "using.toml")]
        settings: PathBuf,
        /// Log lines of JSON
        #[arg(long)]
        json: bool,
    },
    /// Say what is wrong before the start
    Check {
        /// The settings
        #[arg(long, default_value = "gate.toml")]
        settings: PathBuf,
    },
    /// Print what stands for a caller's key in the settings, `key_blake3`: the key is read from standard input
    Digest,
    /// Open the doors by hand, for a time: what can't be decided is served on routes that allow it, and recorded. An officer signs; no node is needed
    BreakGlass {
        /// The settings
        #[arg(long, default_value = "gate.toml")]
        settings: PathBuf,
        /// The officer's key file
        #[arg(long, required_unless_present = "close")]
        key: Option<PathBuf>,
        /// For how long, at most 72
        #[arg(long, required_unless_present = "close")]
        hours: Option<u64>,
        /// A code: what happened
        #[arg(long, required_unless_present = "close")]
        cause: Option<String>,
        /// Close them again
        #[arg(long, conflicts_with_all = ["key", "hours", "cause"])]
        close: bool,
    },
    /// Outside, where a gate speaks to no node: bring what it put out to nodes, and put in how the ledger stands
    Carry {
        /// The settings
        #[arg(long, default_value = "carry.toml")]
        settings: PathBuf,
        /// Once, and end
        #[arg(long)]
        once: bool,
        /// Log lines of JSON
        #[arg(long)]
        json: bool,
    },
    /// Own up to all numbers that a spool which is gone may have given, and begin a new one
    Lost {
        /// The settings
        #[arg(long, default_value = "gate.toml")]
        settings: PathBuf,
        /// A code: what happened
        #[arg(long)]
        cause: String,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run { settings, json } => match begin(&settings, json) {
            Ok((settings, stop)) => run::run(settings, stop).await,
            Err(error) => Err(error),
        },
        Command::Use { settings, json } => {
            let stop = begin_to_log(json);
            match using::settings::Settings::read(&settings) {
                Ok(settings) => using::run(settings, stop).await,
                Err(error) => Err(error),
            }
        }
        Command::Check { settings } => {
            return if check::check(&settings).await {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            };
        }
        Command::Digest => digest(),
        Command::BreakGlass { settings, key, hours, cause, close } => {
            let by = key.zip(hours).zip(cause);
            break_glass(&settings, by, close)
        }
        Command::Carry { settings, once, json } => {
            let stop = begin_to_log(json);
            match gap::carry::Settings::read(&settings) {
                Ok(settings) => gap::carry::carry(settings, once, stop).await,
                Err(error) => Err(error),
            }
        }
        Command::Lost { settings, cause } => give_up(settings, cause).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("liuhen-gate: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn break_glass(
    settings: &Path,
    by: Option<((PathBuf, u64), String)>,
    close: bool,
) -> anyhow::Result<()> {
    let settings = Settings::read(settings)?;
    if close {
        match by_hand::close(&settings)? {
            true => println!("the doors are closed again; what was signed is kept beside"),
            false => println!("the doors were not open by hand"),
        }
        return Ok(());
    }
    let ((key, hours), cause) = by.context("--key, --hours and --cause are needed")?;
    let until = by_hand::open(&settings, &key, hours, &cause)?;
    println!(
        "the doors are open until {until} ({hours} hours): what can't be decided is served on routes that allow it, and recorded"
    );
    Ok(())
}

fn digest() -> anyhow::Result<()> {
    let key = std::io::read_to_string(std::io::stdin())?;
    let key = key.trim_end_matches(['\r', '\n']);
    anyhow::ensure!(!key.is_empty(), "a key is read from standard input, and none came");
    println!("{}", blake3::hash(key.as_bytes()));
    Ok(())
}

fn begin(settings: &Path, json: bool) -> anyhow::Result<(Settings, CancellationToken)> {
    let stop = begin_to_log(json);
    Ok((Settings::read(settings)?, stop))
}

/// Says what happens on standard error from now on; gives what is cancelled when it is to stop.
fn begin_to_log(json: bool) -> CancellationToken {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if json {
        lines.json().init();
    } else {
        lines.with_ansi(false).init();
    }
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        let mut end =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            () = async {
                match &mut end {
                    Some(end) => drop(end.recv().await),
                    None => std::future::pending().await,
                }
            } => {}
        }
        told.cancel();
    });
    stop
}

async fn give_up(settings: PathBuf, cause: String) -> anyhow::Result<()> {
    match lost::lost(Settings::read(&settings)?, cause).await? {
        Some((first, last)) => {
            println!("declared lost: numbers {first} to {last}; a new spool begins behind them")
        }
        None => println!(
            "nothing is lost: all numbers that may have been given are on the ledger; a new spool begins behind them"
        ),
    }
    Ok(())
}
