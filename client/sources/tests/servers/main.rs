//! What real servers write of what they did, and what is read of it.
//!
//! The servers are installed by `scripts/test`; where one is missing and no project's run demands it, that is said and its tests
//! are passed over.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a broken server may end them")]

mod copies;
mod foreign;
mod functions;
mod language;
mod mariadb;
mod pool;
mod portals;
mod postgres;
mod server;
mod switches;
mod wire;

use liuhen_proto::wire::Operation;
use liuhen_sources::statement::Statement;
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// A program of a server's; as the server's own user where the tests run as root, as which it refuses to.
fn program(user: &str, path: &str) -> Command {
    let mut command = as_user(user, path);
    command.env("TMPDIR", "/tmp");
    command
}

fn as_user(user: &str, path: &str) -> Command {
    if std::fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0) {
        let mut command = Command::new("runuser");
        command.args(["-u", user, "--", path]);
        return command;
    }
    Command::new(path)
}

/// A folder for a server, into which its own user may write: others' temporary folders may be closed to it, and the path of a socket
/// has to be short.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("liuhen-server").tempdir_in("/tmp").unwrap();
    done(Command::new("chmod").arg("777").arg(folder.path()));
    folder
}

fn done(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// What a file holds, once this is in it.
fn read_until(file: &Path, last: &[u8]) -> Vec<u8> {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let text = Command::new("cat").arg(file).output().unwrap().stdout;
        if text.windows(last.len()).any(|it| it == last) {
            return text;
        }
        assert!(Instant::now() < until, "{} has no last line", file.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What statements touched: `read:civil.resident`.
fn touched(statements: &[&Statement]) -> BTreeSet<String> {
    let all = statements.iter().flat_map(|it| it.touched.keys());
    all.map(|(dataset, operation)| {
        let operation = Operation::try_from(*operation).unwrap();
        let operation = operation.as_str_name().trim_start_matches("OPERATION_").to_lowercase();
        format!("{operation}:{dataset}")
    })
    .collect()
}
