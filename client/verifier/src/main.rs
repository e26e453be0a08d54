//! `liuhen-verify`: checks a proof file against a founding document, offline.
//!
//! It has no network code. Exit codes: 0 VALID, 3 INVALID, 4 UNDECIDABLE, 2 usage, 1 a file that
//! can't be read.

mod report;

use clap::Parser;
use liuhen_genesis::{Founding, FoundingError};
use liuhen_proto::types::limits;
use liuhen_proto::verify::verify;
use report::{Lang, Report};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Checks a trace proof (.trace) against a founding document, offline
#[derive(Debug, Parser)]
#[command(name = "liuhen-verify", version)]
struct Cli {
    /// The proof file
    proof: PathBuf,
    /// The founding document; compare its fingerprint before trusting it
    #[arg(long)]
    genesis: PathBuf,
    /// How the verdict is shown
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    output: Output,
    /// Language of the text: en or zh; without it: by LANG
    #[arg(long, value_enum)]
    lang: Option<Lang>,
    /// Show every event of the proof
    #[arg(long)]
    events: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Text,
    Json,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("liuhen-verify: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<u8, String> {
    let genesis = read(&cli.genesis, limits::GENESIS_BYTES)?;
    let founding = match Founding::from_bytes(&genesis) {
        Ok(founding) => founding,
        Err(unknown @ FoundingError::Unknown { .. }) => {
            print(&format!("UNDECIDABLE\n  {}: {unknown}\n", cli.genesis.display()));
            return Ok(4);
        }
        Err(error) => return Err(format!("{}: {error}", cli.genesis.display())),
    };
    let proof = read(&cli.proof, limits::TRACE_BYTES)?;
    let verdict = verify(&founding, &proof);
    let report = Report::new(&founding, &verdict);
    let lang = cli.lang.unwrap_or_else(Lang::of_environment);
    match cli.output {
        Output::Text => print(&report.text(lang, cli.events)),
        Output::Json => print(&format!("{:#}\n", report.json(cli.events))),
    }
    Ok(report.exit_code())
}

/// Reads a file up to one byte beyond the limit, so that a longer one is refused for its length.
fn read(path: &Path, limit: usize) -> Result<Vec<u8>, String> {
    let at = |e: std::io::Error| format!("{}: {e}", path.display());
    let file = std::fs::File::open(path).map_err(at)?;
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(at)?;
    Ok(bytes)
}

/// A reader that went away, like `head`, is no error.
fn print(text: &str) {
    use std::io::Write;
    let _ = std::io::stdout().write_all(text.as_bytes());
}
