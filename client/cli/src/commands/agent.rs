//! `liuhen key agent`: a command, a shell most often, in which the passphrase of a key need not be typed for each call.
//! It is held in memory for a time, and told over a socket to programs of the same user alone.

use super::Common;
use crate::tell;
use liuhen_client::error::ClientError;
use liuhen_client::lang::pick;
use liuhen_keyfile::{AGENT, PassphraseSource};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use zeroize::Zeroizing;

/// Run a command, by default your shell, in which the passphrase of --key is not asked for again
#[derive(Debug, clap::Args)]
pub struct Agent {
    /// How long the passphrase is held: 30m, 8h
    #[arg(long = "for", default_value = "30m", value_parser = crate::text::parse_duration)]
    time: Duration,
    /// The command
    #[arg(last = true)]
    command: Vec<String>,
}

/// How often it is looked at whether the time is over.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A line must have come within this time.
const LINE_WITHIN: Duration = Duration::from_secs(5);
/// The longest line that is read.
const LINE_BYTES: u64 = 4096;

/// What is held: the key file's path, and its passphrase until the time is over.
struct Held {
    file: PathBuf,
    passphrase: Mutex<Option<Zeroizing<String>>>,
    /// By the clock: a machine that sleeps does not stretch the time.
    until: SystemTime,
}

impl Held {
    /// What is held yet; forgotten once its time is over.
    fn passphrase(&self) -> Option<Zeroizing<String>> {
        let mut held = self.passphrase.lock().unwrap_or_else(PoisonError::into_inner);
        if SystemTime::now() >= self.until {
            held.take();
        }
        held.clone()
    }
}

impl Agent {
    /// Runs the command; fails where that does.
    pub(super) async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let missing =
            || ClientError::Usage("--key is needed: the key file whose passphrase is held".into());
        let file = common.key.as_ref().ok_or_else(missing)?;
        let at = |e: std::io::Error| ClientError::Failed(format!("{}: {e}", file.display()));
        let file = file.canonicalize().map_err(at)?;
        let passphrase = common.passphrase().get(&file)?;
        // A wrong one is found out now.
        liuhen_keyfile::load(&file, &PassphraseSource::Given(passphrase.clone()), true)?;
        let folder = private_folder()?;
        let socket = folder.join("agent");
        let until = SystemTime::now() + self.time;
        let held = Held { file, passphrase: Mutex::new(Some(passphrase)), until };
        let done = self.serve(&socket, held).await;
        let removed = std::fs::remove_dir_all(&folder);
        done?;
        removed.map_err(ClientError::from)
    }

    async fn serve(&self, socket: &Path, held: Held) -> Result<(), ClientError> {
        let listener = UnixListener::bind(socket)?;
        let held = Arc::new(held);
        tokio::spawn(answer_all(listener, Arc::clone(&held)));
        tokio::spawn(forget(held));
        let shell = || std::env::var("SHELL").unwrap_or_else(|_| "/bin/sh".into());
        let (program, arguments) = match self.command.split_first() {
            Some((program, arguments)) => (program.clone(), arguments),
            None => (shell(), &[][..]),
        };
        let minutes = self.time.as_secs().div_ceil(60);
        tell!(
            "{}",
            match liuhen_client::lang::is_chinese() {
                true => format!("口令在此保存 {minutes} 分钟，或至 {program} 结束"),
                false =>
                    format!("the passphrase is held for {minutes} minutes, or until {program} ends"),
            }
        );
        // Ctrl-C is for the command that runs; told to end, this ends with its folder removed.
        let _ignored = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut command = Command::new(&program);
        let mut child = command
            .args(arguments)
            .env(AGENT, socket)
            .spawn()
            .map_err(|e| ClientError::Failed(format!("{program}: {e}")))?;
        let status = tokio::select! {
            status = child.wait() => status?,
            _ = terminate.recv() => return Err(ClientError::failed(pick("told to end", "已被终止"))),
        };
        match status.success() {
            true => Ok(()),
            false => Err(ClientError::Failed(format!("{program}: {status}"))),
        }
    }
}

/// A folder that nobody else may look into.
fn private_folder() -> Result<PathBuf, ClientError> {
    let base = std::env::var_os("XDG_RUNTIME_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let random: [u8; 8] = liuhen_client::submit::random()?;
    let folder = base.join(format!("liuhen-agent-{}", hex::encode(random)));
    let at = |e: std::io::Error| ClientError::Failed(format!("{}: {e}", folder.display()));
    std::fs::create_dir(&folder).map_err(at)?;
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).map_err(at)?;
    Ok(folder)
}

/// Forgets the passphrase when its time is over.
async fn forget(held: Arc<Held>) {
    while held.passphrase().is_some() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    tell!("liuhen: {}", pick("the passphrase is held no longer", "口令已不再保存"));
}

async fn answer_all(listener: UnixListener, held: Arc<Held>) {
    while let Ok((stream, _)) = listener.accept().await {
        let held = Arc::clone(&held);
        tokio::spawn(async move {
            // Whoever hangs up needs no answer.
            let _gone = tokio::time::timeout(LINE_WITHIN, answer(stream, &held)).await;
        });
    }
}

/// Tells the passphrase to a program of the same user that names the key file.
async fn answer(stream: UnixStream, held: &Held) -> std::io::Result<()> {
    // The folder is this user's own; the superuser, who may enter it, is told nothing either.
    let own = rustix::process::geteuid().as_raw();
    let same = stream.peer_cred().is_ok_and(|it| it.uid() == own);
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut limited = tokio::io::AsyncReadExt::take(BufReader::new(read), LINE_BYTES);
    limited.read_line(&mut line).await?;
    let asked = Path::new(line.trim_end_matches('\n'));
    match held.passphrase().filter(|_| same && asked == held.file) {
        Some(passphrase) => write.write_all(format!("{}\n", *passphrase).as_bytes()).await,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn asked(held: &Held, file: &str) -> String {
        let (mut own, served) = UnixStream::pair().unwrap();
        own.write_all(format!("{file}\n").as_bytes()).await.unwrap();
        answer(served, held).await.unwrap();
        let mut told = String::new();
        // Whose line was not read to its end is cut off.
        let _cut = tokio::io::AsyncReadExt::read_to_string(&mut own, &mut told).await;
        told
    }

    #[tokio::test]
    async fn only_this_key_and_only_for_its_time() {
        let held = |until: SystemTime| {
            let passphrase = Mutex::new(Some(Zeroizing::new("word".to_owned())));
            Held { file: "/keys/a.pem".into(), passphrase, until }
        };
        let now = held(SystemTime::now() + Duration::from_secs(3600));
        assert_eq!(asked(&now, "/keys/a.pem").await, "word\n");
        assert_eq!(asked(&now, "/keys/b.pem").await, "");
        assert_eq!(asked(&now, &"x".repeat(10_000)).await, "");
        let over = Arc::new(held(SystemTime::now()));
        assert_eq!(asked(&over, "/keys/a.pem").await, "");
        forget(over).await;
    }
}
