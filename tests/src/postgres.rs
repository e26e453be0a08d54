//! A PostgreSQL 15 of a test's own.

use crate::doors::has;
use anyhow::Context as _;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";

/// A server on a socket in a folder of its own, stopped when it is dropped.
pub struct Postgres {
    folder: tempfile::TempDir,
}

/// A program as the server's user: as root it does not run.
fn program(path: &str) -> Command {
    if std::fs::metadata("/proc/self").is_ok_and(|it| it.uid() == 0) {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--", path]).env("TMPDIR", "/tmp");
        return command;
    }
    Command::new(path)
}

fn done(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output()?;
    anyhow::ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

impl Postgres {
    /// Whether it is here.
    pub fn is_here() -> bool {
        has(&format!("{PROGRAMS}/initdb"))
    }

    /// Starts one with these settings.
    pub fn start(settings: &str) -> anyhow::Result<Self> {
        // The path of a socket has to be short, and the server's user may write there.
        let folder = tempfile::Builder::new().prefix("liuhen-server").tempdir_in("/tmp")?;
        done(Command::new("chmod").arg("777").arg(folder.path()))?;
        let data = folder.path().join("data");
        let how = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"];
        done(program(&format!("{PROGRAMS}/initdb")).arg("-D").arg(&data).args(how))?;
        let settings = format!(
            "listen_addresses = ''\nunix_socket_directories = '{}'\nfsync = off\n{settings}\n",
            folder.path().display()
        );
        let mut write = program("/bin/sh");
        write.args(["-c", &format!("cat >> '{}/postgresql.conf'", data.display())]);
        let mut writing = write.stdin(Stdio::piped()).spawn()?;
        writing.stdin.take().context("no input")?.write_all(settings.as_bytes())?;
        anyhow::ensure!(writing.wait()?.success(), "the settings were not written");
        let it = Self { folder };
        it.control("start")?;
        Ok(it)
    }

    fn control(&self, what: &str) -> anyhow::Result<()> {
        let mut command = program(&format!("{PROGRAMS}/pg_ctl"));
        command.arg("-D").arg(self.folder.path().join("data"));
        command.args(["-w", "-t", "60", "-m", "immediate", "-l", "/dev/null", what]);
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
        anyhow::ensure!(status.success(), "pg_ctl {what}");
        Ok(())
    }

    /// Where its socket is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Executes statements; gives what they print.
    pub fn run(&self, database: &str, text: &str) -> anyhow::Result<String> {
        let mut command = Command::new(format!("{PROGRAMS}/psql"));
        command.args(["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-U", "postgres"]);
        command.arg("-h").arg(self.folder.path()).args(["-d", database, "-c", text]);
        let output = command.output()?;
        anyhow::ensure!(
            output.status.success(),
            "{text}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.control("stop");
        // Its files are another user's.
        let _ = program("/bin/rm").arg("-rf").arg(self.folder.path().join("data")).status();
    }
}
