//! Where a passphrase comes from.

use crate::KeyFileError;
use std::io::{BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use zeroize::Zeroizing;

/// Name of the systemd credential.
const CREDENTIAL: &str = "liuhen-passphrase";

/// Where a passphrase comes from.
#[derive(Debug, Clone)]
pub enum PassphraseSource {
    /// The first line of an open file descriptor.
    Descriptor(i32),
    /// The systemd credential `liuhen-passphrase` if there is one, else a prompt.
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
                None if std::io::stdin().is_terminal() => {
                    let prompt = format!("Passphrase for {}: ", path.display());
                    let typed = rpassword::prompt_password(prompt);
                    typed.map(Zeroizing::new).map_err(|e| no(e.to_string()))
                }
                None => Err(no("no terminal to ask on; give --passphrase-fd".into())),
            },
        }
    }

    /// A new passphrase: asked for twice at a prompt.
    pub fn choose(&self, path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
        let first = self.get(path)?;
        let no = |why: &str| KeyFileError::NoPassphrase { path: path.to_owned(), why: why.into() };
        if first.is_empty() {
            return Err(no("it is empty"));
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
