//! Private keys as PKCS#8 files (RFC 5208, version 1, which OpenSSL and Python's cryptography read), encrypted with scrypt
//! and AES-256 (RFC 8018 PBES2).
//!
//! A passphrase comes from a prompt, a file descriptor or a systemd credential, never from a flag.
//! A key without one is for `dev-` chains only; whoever loads a key says whether that may be.

mod cost;
mod passphrase;

pub use passphrase::{AGENT, PassphraseSource, Strength};

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::KeypairBytes;
use liuhen_proto::suite::sign::PrivateKey;
use pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding, PrivateKeyInfoRef};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Why a key can't be read or written. Nothing of the key is in it.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file system.
    #[error("{path}: {why}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's word.
        why: std::io::Error,
    },
    /// Others can read it.
    #[error("{path}: mode {mode:03o} lets others read it; set 600")]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Not a key.
    #[error("{0}: not an Ed25519 private key in PKCS#8 PEM")]
    Format(PathBuf),
    /// What it says of its encryption would take more memory or time than is spent on a key.
    #[error("{0}: damaged, or encrypted so that trying a passphrase takes too much")]
    Cost(PathBuf),
    /// The passphrase does not open it.
    #[error("{0}: the passphrase does not open it")]
    Passphrase(PathBuf),
    /// The passphrase can be guessed.
    #[error(
        "the passphrase for {0} can be guessed too soon: take four or more words that have nothing to do with each other, \
         or, for a dev- chain alone, say so with --dev"
    )]
    Weak(PathBuf),
    /// No passphrase could be had.
    #[error("no passphrase for {path}: {why}")]
    NoPassphrase {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// Not encrypted, where it has to be.
    #[error("{0}: a key without a passphrase is for dev- chains only")]
    Plain(PathBuf),
    /// The random source.
    #[error("no randomness: {0}")]
    Random(String),
}

/// A new key from the system's random source.
pub fn generate() -> Result<PrivateKey, KeyFileError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut()).map_err(|e| KeyFileError::Random(e.to_string()))?;
    Ok(PrivateKey::from_seed(&seed))
}

/// Writes a key to a new file of mode 600; encrypted if a passphrase is given. An existing file is
/// never overwritten.
pub fn save(
    path: &Path,
    key: &PrivateKey,
    passphrase: Option<&Zeroizing<String>>,
) -> Result<(), KeyFileError> {
    let io = |why| KeyFileError::Io { path: path.to_owned(), why };
    let pem = to_pem(key, passphrase, path)?;
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(io)?;
    file.write_all(pem.as_bytes()).map_err(io)?;
    file.sync_all().map_err(io)
}

/// The text of a key file. Without the public key, which version 1 has no place for.
fn to_pem(
    key: &PrivateKey,
    passphrase: Option<&Zeroizing<String>>,
    path: &Path,
) -> Result<Zeroizing<String>, KeyFileError> {
    let failed = |_| KeyFileError::Format(path.to_owned());
    let pair = KeypairBytes { secret_key: key.to_seed(), public_key: None };
    let plain = pair.to_pkcs8_der().map_err(failed)?;
    let Some(passphrase) = passphrase else {
        return plain.to_pem("PRIVATE KEY", LineEnding::LF).map_err(|e| failed(e.into()));
    };
    let info = PrivateKeyInfoRef::try_from(plain.as_bytes()).map_err(failed)?;
    let encrypted = info.encrypt_with_params(cost::parameters()?, passphrase.as_bytes());
    encrypted
        .map_err(failed)?
        .to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF)
        .map_err(|e| failed(e.into()))
}

/// Reads a key. `plain_allowed` says whether one without a passphrase will do: on `dev-` chains.
pub fn load(
    path: &Path,
    passphrase: &PassphraseSource,
    plain_allowed: bool,
) -> Result<PrivateKey, KeyFileError> {
    let io = |why| KeyFileError::Io { path: path.to_owned(), why };
    let file = File::open(path).map_err(io)?;
    let mode = file.metadata().map_err(io)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Mode { path: path.to_owned(), mode });
    }
    let pem = Zeroizing::new(std::fs::read_to_string(path).map_err(io)?);
    from_pem(&pem, path, passphrase, plain_allowed)
}

/// Reads the text of a key file, as [`load`] does; `path` names it in errors and prompts.
pub fn from_pem(
    pem: &str,
    path: &Path,
    passphrase: &PassphraseSource,
    plain_allowed: bool,
) -> Result<PrivateKey, KeyFileError> {
    let format = || KeyFileError::Format(path.to_owned());
    let key = if pem.contains("BEGIN ENCRYPTED PRIVATE KEY") {
        if !cost::is_bearable(pem) {
            return Err(KeyFileError::Cost(path.to_owned()));
        }
        let passphrase = passphrase.get(path)?;
        SigningKey::from_pkcs8_encrypted_pem(pem, passphrase.as_bytes())
            .map_err(|_| KeyFileError::Passphrase(path.to_owned()))?
    } else if pem.contains("BEGIN PRIVATE KEY") {
        if !plain_allowed {
            return Err(KeyFileError::Plain(path.to_owned()));
        }
        SigningKey::from_pkcs8_pem(pem).map_err(|_| format())?
    } else {
        return Err(format());
    };
    Ok(PrivateKey::from_seed(&key.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `openssl` makes of a key file; `None`, and a word of it, where there is no `openssl`.
    fn openssl_reads(path: &Path, passphrase: &str) -> Option<Vec<u8>> {
        let mut command = std::process::Command::new("openssl");
        command.args([
            "pkey",
            "-pubout",
            "-outform",
            "DER",
            "-passin",
            &format!("pass:{passphrase}"),
            "-in",
        ]);
        match command.arg(path).output() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                eprintln!("skipped: there is no openssl");
                None
            }
            output => {
                let output = output.unwrap();
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                Some(output.stdout)
            }
        }
    }

    #[test]
    fn openssl_reads_what_is_written_here() {
        let folder = tempfile::tempdir().unwrap();
        let key = generate().unwrap();
        for (name, word) in [("encrypted.pem", Some("correct horse")), ("plain.pem", None)] {
            let path = folder.path().join(name);
            let passphrase = word.map(|word| Zeroizing::new(word.to_owned()));
            save(&path, &key, passphrase.as_ref()).unwrap();
            let Some(public) = openssl_reads(&path, word.unwrap_or_default()) else { return };
            assert!(public.ends_with(key.public().as_bytes()), "{name}");
        }
    }

    #[test]
    fn keys_survive_and_are_guarded() {
        let folder = tempfile::tempdir().unwrap();
        let key = generate().unwrap();
        let path = folder.path().join("key.pem");
        let word = Zeroizing::new("correct horse".to_owned());
        save(&path, &key, Some(&word)).unwrap();
        assert!(save(&path, &key, Some(&word)).is_err(), "never overwritten");
        let right = PassphraseSource::Given(word);
        assert_eq!(load(&path, &right, false).unwrap().public(), key.public());
        let wrong = PassphraseSource::Given(Zeroizing::new("wrong".to_owned()));
        assert!(matches!(load(&path, &wrong, false), Err(KeyFileError::Passphrase(_))));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(load(&path, &right, false), Err(KeyFileError::Mode { mode: 0o644, .. })));

        let plain = folder.path().join("plain.pem");
        save(&plain, &key, None).unwrap();
        assert!(matches!(load(&plain, &wrong, false), Err(KeyFileError::Plain(_))));
        assert_eq!(load(&plain, &wrong, true).unwrap().public(), key.public());
        let other = folder.path().join("other.pem");
        std::fs::write(&other, "no key").unwrap();
        std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(matches!(load(&other, &wrong, true), Err(KeyFileError::Format(_))));
    }
}
