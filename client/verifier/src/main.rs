//! `liuhen-verify`: checks proof files against a founding document, or a checkpoint, offline.
//!
//! It has no network code. Exit codes: 0 VALID, 3 INVALID, 4 UNDECIDABLE, 2 usage, 1 a file that
//! can't be read. Of several files the worst decides: any INVALID, then any UNDECIDABLE.

use clap::Parser;
use liuhen_genesis::{Founding, FoundingError};
use liuhen_proto::header::{checkpoint::Checkpoint, note::VerifierKey};
use liuhen_proto::types::limits;
use liuhen_proto::verify::{NotVerified, Statement, Trust, Verified, verify_witnessed};
use liuhen_verify::report::{Joined, Lang, Report};
use serde_json::{Value, json};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Bytes of a checkpoint's file at most.
const CHECKPOINT_BYTES: usize = 64 * 1024;

/// Checks trace proofs (.trace) against a founding document, offline
#[derive(Debug, Parser)]
#[command(name = "liuhen-verify", version)]
struct Cli {
    /// Proof files; of a folder, all in it that end in .trace
    #[arg(required = true)]
    proofs: Vec<PathBuf>,
    /// The founding document; compare its fingerprint before trusting it
    #[arg(long, required_unless_present = "checkpoint")]
    genesis: Option<PathBuf>,
    /// In its place, a checkpoint that you noted: a file of its text, for proofs made with `--pinned`
    #[arg(long, conflicts_with = "genesis")]
    checkpoint: Option<PathBuf>,
    /// A witness whose cosignature counts: its verifier key, from the witness itself; may be repeated
    #[arg(long = "witness", value_name = "KEY", value_parser = VerifierKey::cosigner)]
    witnesses: Vec<VerifierKey>,
    /// How old the block may be by which a file proves: 90m, 12h, 30d; by this machine's clock
    #[arg(long, value_parser = age)]
    max_age: Option<Duration>,
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

type Verdict = Result<Verified<Statement>, NotVerified>;

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
    let founding;
    let trust = match (&cli.genesis, &cli.checkpoint) {
        (Some(path), _) => {
            let bytes = read(path, limits::GENESIS_BYTES)?;
            founding = match Founding::from_bytes(&bytes) {
                Ok(founding) => founding,
                Err(unknown @ FoundingError::Unknown { .. }) => {
                    print(&format!("UNDECIDABLE\n  {}: {unknown}\n", path.display()));
                    return Ok(4);
                }
                Err(error) => return Err(format!("{}: {error}", path.display())),
            };
            Trust::Genesis(&founding)
        }
        (None, Some(path)) => Trust::Checkpoint(checkpoint(path)?),
        (None, None) => return Err("a founding document or a checkpoint is needed".into()),
    };
    let lang = cli.lang.unwrap_or_else(Lang::of_environment);
    match cli.proofs.as_slice() {
        [one] if !one.is_dir() => single(cli, &trust, one, lang),
        several => all(cli, &trust, &files(several)?, lang),
    }
}

fn checkpoint(path: &Path) -> Result<Checkpoint, String> {
    let bytes = read(path, CHECKPOINT_BYTES)?;
    let checkpoint = Checkpoint::parse(&String::from_utf8_lossy(&bytes));
    checkpoint.map_err(|e| format!("{}: {e}", path.display()))
}

/// The files themselves, and those in folders, in the order of their names.
fn files(given: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    for path in given {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let at = |e: std::io::Error| format!("{}: {e}", path.display());
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(path).map_err(at)? {
            let file = entry.map_err(at)?.path();
            if file.extension().is_some_and(|it| it == "trace") {
                inside.push(file);
            }
        }
        if inside.is_empty() {
            return Err(format!("{}: no .trace file is there", path.display()));
        }
        inside.sort();
        files.append(&mut inside);
    }
    Ok(files)
}

fn verdict(cli: &Cli, trust: &Trust<'_>, path: &Path) -> Result<Verdict, String> {
    let proof = read(path, limits::TRACE_BYTES)?;
    let verdict = verify_witnessed(*trust, &cli.witnesses, &proof);
    Ok(verdict.and_then(|verified| match cli.max_age {
        Some(most) if age_of(&verified) > most => Err(NotVerified::Undecidable(format!(
            "a proof by a newer block: this one is {} old, more than --max-age allows",
            words(age_of(&verified))
        ))),
        _ => Ok(verified),
    }))
}

/// How old the anchor is, by this machine's clock.
fn age_of(verified: &Verified<Statement>) -> Duration {
    let anchored = Duration::from_millis(verified.get().anchor.time.get());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.saturating_sub(anchored)
}

fn single(cli: &Cli, trust: &Trust<'_>, path: &Path, lang: Lang) -> Result<u8, String> {
    let verdict = verdict(cli, trust, path)?;
    let report = Report::new(trust, &verdict);
    match cli.output {
        Output::Text => print(&report.text(lang, cli.events)),
        Output::Json => print(&format!("{:#}\n", report.json(cli.events))),
    }
    Ok(report.exit_code())
}

/// A line a file, and a summary; with `--events` each whole.
fn all(cli: &Cli, trust: &Trust<'_>, files: &[PathBuf], lang: Lang) -> Result<u8, String> {
    let (mut counts, mut results, mut unread) = ([0u64; 3], Vec::new(), 0u64);
    let mut parts = Vec::new();
    for path in files {
        let name = path.display().to_string();
        let verdict = match verdict(cli, trust, path) {
            Ok(verdict) => verdict,
            Err(error) => {
                eprintln!("liuhen-verify: {error}");
                unread = unread.saturating_add(1);
                continue;
            }
        };
        let report = Report::new(trust, &verdict);
        let place = match report.exit_code() {
            0 => 0,
            3 => 1,
            _ => 2,
        };
        if let Some(count) = counts.get_mut(place) {
            *count = count.saturating_add(1);
        }
        match cli.output {
            Output::Json => {
                let mut one = report.json(cli.events);
                one["file"] = json!(name);
                results.push(one);
            }
            Output::Text if cli.events => {
                print(&format!("{name}\n{}\n", report.text(lang, true)));
            }
            Output::Text => {
                print(&format!("{:<11} {name}: {}\n", report.headline(), report.summary(lang)));
            }
        }
        parts.extend(verdict.ok().and_then(Joined::part));
    }
    let joined = Joined::of(parts);
    let [valid, invalid, undecidable] = counts;
    let together: String = joined.iter().map(|it| it.text(lang) + "\n").collect();
    match cli.output {
        Output::Json => {
            let summary = json!({
                "valid": valid, "invalid": invalid, "undecidable": undecidable, "unread": unread,
            });
            let joined: Vec<Value> = joined.iter().map(Joined::json).collect();
            let all = json!({ "files": results, "joined": joined, "summary": summary });
            print(&format!("{all:#}\n"));
        }
        Output::Text => print(&format!(
            "{together}{} files: {valid} VALID, {invalid} INVALID, {undecidable} UNDECIDABLE, {unread} not \
             read\n",
            files.len()
        )),
    }
    Ok(match (invalid, undecidable, unread) {
        (1.., ..) => 3,
        (0, 1.., _) => 4,
        (0, 0, 1..) => 1,
        (0, 0, 0) => 0,
    })
}

/// A number and a unit.
fn age(text: &str) -> Result<Duration, String> {
    let bad = || format!("`{text}`: a number and s, m, h or d are needed, as in 30d");
    let (number, seconds) = match text.char_indices().next_back().ok_or_else(bad)? {
        (at, 's') => (text.get(..at), 1),
        (at, 'm') => (text.get(..at), 60),
        (at, 'h') => (text.get(..at), 3600),
        (at, 'd') => (text.get(..at), 24 * 3600),
        _ => return Err(bad()),
    };
    let number: u64 = number.and_then(|it| it.parse().ok()).ok_or_else(bad)?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(bad)
}

fn words(age: Duration) -> String {
    let seconds = age.as_secs();
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7200 => format!("{} minutes", seconds / 60),
        7200..172_800 => format!("{} hours", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Reads a file up to one byte beyond the limit, so that a longer one is refused for its length.
fn read(path: &Path, limit: usize) -> Result<Vec<u8>, String> {
    let at = |e: std::io::Error| format!("{}: {e}", path.display());
    let file = std::fs::File::open(path).map_err(at)?;
    let length = file.metadata().map_or(0, |it| it.len()).min(limit as u64);
    let mut bytes =
        Vec::with_capacity(usize::try_from(length).unwrap_or_default().saturating_add(1));
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(at)?;
    Ok(bytes)
}

/// A reader that went away, like `head`, is no error.
fn print(text: &str) {
    use std::io::Write;
    let _ = std::io::stdout().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        assert_eq!(age("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(age("2d"), Ok(Duration::from_secs(172_800)));
        for bad in ["", "d", "-1d", "1.5h", "3", "3w", "99999999999999999999d", "三天"] {
            assert!(age(bad).is_err(), "{bad}");
        }
        assert_eq!(words(Duration::from_secs(7199)), "119 minutes");
        assert_eq!(words(Duration::from_secs(400_000)), "4 days");
    }
}
