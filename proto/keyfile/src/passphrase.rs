//! Where a passphrase comes from.

use crate::KeyFileError;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use zeroize::Zeroizing;
use zxcvbn::{Score, zxcvbn};

/// The environment variable that names the socket of `liuhen key agent`.
pub const AGENT: &str = "LIUHEN_KEY_AGENT";
/// How long an agent may take.
const AGENT_WITHIN: Duration = Duration::from_secs(5);
/// Name of the systemd credential.
const CREDENTIAL: &str = "liuhen-passphrase";

/// How strong a new passphrase must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    /// Not guessed by whoever has the file, offline, in 10^8 tries: every chain's but `dev-` ones'.
    Strong,
    /// Any: for `dev-` chains.
    Any,
}

/// Where a passphrase comes from.
#[derive(Debug, Clone)]
pub enum PassphraseSource {
    /// The first line of an open file descriptor.
    Descriptor(i32),
    /// The systemd credential `liuhen-passphrase` if there is one, else the agent that [`AGENT`] names if it holds this
    /// key's, else a prompt.
    CredentialOrPrompt,
    /// Held already.
    Given(Zeroizing<String>),
    /// Asked of another source at the first need, then held: a descriptor can be read only once.
    Remembered(Box<PassphraseSource>, Arc<OnceLock<Zeroizing<String>>>),
}

impl PassphraseSource {
    /// From the number given with `--passphrase-fd`.
    pub fn from_descriptor(descriptor: Option<i32>) -> Self {
        descriptor.map_or(Self::CredentialOrPrompt, Self::Descriptor)
    }

    /// This source, asked once for several keys.
    pub fn remembered(&self) -> Self {
        Self::Remembered(Box::new(self.clone()), Arc::default())
    }

    /// The passphrase for a key file.
    pub fn get(&self, path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
        let no = |why: String| KeyFileError::NoPassphrase { path: path.to_owned(), why };
        match self {
            Self::Given(passphrase) => Ok(passphrase.clone()),
            Self::Remembered(source, held) => match held.get() {
                Some(passphrase) => Ok(passphrase.clone()),
                None => {
                    let passphrase = source.get(path)?;
                    Ok(held.get_or_init(|| passphrase).clone())
                }
            },
            // Opening it by its path needs no unsafe code, and reads what the shell opened.
            Self::Descriptor(number) => {
                first_line(Path::new(&format!("/dev/fd/{number}"))).map_err(|e| no(e.to_string()))
            }
            Self::CredentialOrPrompt => match credential() {
                Some(path) => first_line(&path).map_err(|e| no(e.to_string())),
                None => match held_by_agent(path) {
                    Some(held) => Ok(held),
                    None => prompted(path),
                },
            },
        }
    }

    /// A new passphrase: asked for twice at a prompt. Errors for one that is guessed too soon.
    pub fn choose(
        &self,
        path: &Path,
        strength: Strength,
    ) -> Result<Zeroizing<String>, KeyFileError> {
        let first = self.get(path)?;
        let no = |why: &str| KeyFileError::NoPassphrase { path: path.to_owned(), why: why.into() };
        if first.is_empty() {
            return Err(no("it is empty"));
        }
        if strength == Strength::Strong && zxcvbn(&first, &["liuhen"]).score() < Score::Three {
            return Err(KeyFileError::Weak(path.to_owned()));
        }
        if matches!(self, Self::CredentialOrPrompt) && credential().is_none() {
            let again = self.get(path)?;
            if *again != *first {
                return Err(no("the two are not the same"));
            }
        }
        Ok(first)
    }
}

fn prompted(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let no = |why: String| KeyFileError::NoPassphrase { path: path.to_owned(), why };
    if !std::io::stdin().is_terminal() {
        return Err(no("no terminal to ask on; give --passphrase-fd".into()));
    }
    let typed = rpassword::prompt_password(format!("Passphrase for {}: ", path.display()));
    typed.map(Zeroizing::new).map_err(|e| no(e.to_string()))
}

/// What the agent holds for a key file; `None` where there is no agent, or it holds another's.
fn held_by_agent(path: &Path) -> Option<Zeroizing<String>> {
    let mut stream = UnixStream::connect(std::env::var_os(AGENT)?).ok()?;
    stream.set_read_timeout(Some(AGENT_WITHIN)).ok()?;
    stream.set_write_timeout(Some(AGENT_WITHIN)).ok()?;
    let path = path.canonicalize().ok()?;
    stream.write_all(format!("{}\n", path.to_str()?).as_bytes()).ok()?;
    let mut line = Zeroizing::new(String::new());
    BufReader::new(stream).read_line(&mut line).ok()?;
    let passphrase = line.strip_suffix('\n')?;
    (!passphrase.is_empty()).then(|| Zeroizing::new(passphrase.to_owned()))
}

fn credential() -> Option<PathBuf> {
    let folder = std::env::var_os("CREDENTIALS_DIRECTORY")?;
    let path = Path::new(&folder).join(CREDENTIAL);
    path.exists().then_some(path)
}

fn first_line(path: &Path) -> std::io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::new());
    BufReader::new(std::fs::File::open(path)?).read_line(&mut line)?;
    Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passphrases_are_for_dev_chains() {
        let choose = |word: &str, strength| {
            PassphraseSource::Given(Zeroizing::new(word.to_owned()))
                .choose(Path::new("key.pem"), strength)
        };
        for weak in [
            "1",
            "password",
            "liuhen",
            "liuhen2026",
            "aaaaaaaaaaaaaaaaaaaa",
            "qwertyuiop",
            "20260101",
        ] {
            let refused = choose(weak, Strength::Strong);
            assert!(matches!(refused, Err(KeyFileError::Weak(_))), "{weak}");
            assert!(choose(weak, Strength::Any).is_ok(), "{weak}");
        }
        for strong in ["correct horse battery staple", "mu9zu.Vxq2", "留痕不可抵赖的口令很长"]
        {
            assert!(choose(strong, Strength::Strong).is_ok(), "{strong}");
        }
        assert!(choose("", Strength::Any).is_err());
    }
}
