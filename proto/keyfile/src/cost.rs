//! What it costs to try a passphrase on a key file. The file itself says so, and a damaged one may ask
//! for more memory than there is, or for a scrypt of cost 0, at which `pkcs5` 0.8 panics.
//!
//! Keys are written with scrypt's N = 2^14, r = 8, p = 8: a try takes as long as with N = 2^17 and p = 1, in an eighth of the
//! memory. OpenSSL 3 refuses what takes more than 32 MB.

use crate::KeyFileError;
use pkcs8::pkcs5::{pbes2, pbes2::Kdf, scrypt};
use pkcs8::{EncryptedPrivateKeyInfoRef, SecretDocument};

/// The logarithm of scrypt's N, its r and its p.
const WRITTEN: (u8, u32, u32) = (14, 8, 8);
/// Bytes that scrypt may write in all: four times what a key that is written here takes, so that one
/// of other makers can be read too.
const MOST_BYTES: u64 = 512 * 1024 * 1024;
/// Iterations of PBKDF2, a few seconds.
const MOST_ITERATIONS: u32 = 10_000_000;

/// How a new key file is encrypted, with a salt of its own.
pub(crate) fn parameters() -> Result<pbes2::Parameters, KeyFileError> {
    let random = |e: &dyn std::fmt::Display| KeyFileError::Random(e.to_string());
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    getrandom::fill(&mut salt).map_err(|e| random(&e))?;
    getrandom::fill(&mut iv).map_err(|e| random(&e))?;
    let (log_n, r, p) = WRITTEN;
    let cost = scrypt::Params::new(log_n, r, p).map_err(|e| random(&e))?;
    pbes2::Parameters::generate_scrypt_aes256cbc(cost, &salt, iv).map_err(|e| random(&e))
}

/// Whether a passphrase can be tried on an encrypted key; false for what is none.
pub(crate) fn is_bearable(pem: &str) -> bool {
    let Ok((_, document)) = SecretDocument::from_pem(pem) else { return false };
    let info = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes());
    let Some(kdf) =
        info.ok().and_then(|it| it.encryption_algorithm.pbes2().map(|it| it.kdf.clone()))
    else {
        return false;
    };
    match kdf {
        Kdf::Scrypt(it) => {
            let block = 128 * u64::from(it.block_size) * u64::from(it.parallelization);
            let bytes = it.cost_parameter.checked_mul(block);
            it.cost_parameter > 1 && bytes.is_some_and(|bytes| bytes <= MOST_BYTES)
        }
        Kdf::Pbkdf2(it) => it.iteration_count <= MOST_ITERATIONS,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pkcs8::der::EncodePem;
    use pkcs8::der::asn1::OctetString;
    use pkcs8::pkcs5::pbes2::{EncryptionScheme, Parameters, Salt, ScryptParams};
    use pkcs8::{EncryptedPrivateKeyInfo, LineEnding};

    #[test]
    fn a_try_takes_as_long_as_with_n_of_2_to_the_17() {
        let (log_n, r, p) = WRITTEN;
        assert_eq!((1u64 << log_n) * u64::from(r * p), (1 << 17) * 8);
        assert!((128 * u64::from(r)) << log_n < 32 << 20, "OpenSSL takes no more memory");
    }

    fn key_file(cost_parameter: u64, block_size: u16) -> String {
        let salt = Salt::new([1; 8]).unwrap();
        let kdf =
            ScryptParams { salt, cost_parameter, block_size, parallelization: 1, key_length: None };
        let encryption = EncryptionScheme::Aes256Cbc { iv: [2; 16] };
        let info = EncryptedPrivateKeyInfo {
            encryption_algorithm: Parameters { kdf: kdf.into(), encryption }.into(),
            encrypted_data: OctetString::new([3; 64]).unwrap(),
        };
        info.to_pem(LineEnding::LF).unwrap()
    }

    #[test]
    fn neither_free_nor_boundless() {
        assert!(is_bearable(&key_file(1 << 14, 8)), "as keys are written here");
        // The first panicked in `pkcs5`; the last asked for more memory than there is.
        for (cost, block) in [(0, 1), (1, 1), (1 << 30, 8), (u64::MAX, u16::MAX), (1 << 63, 8)] {
            assert!(!is_bearable(&key_file(cost, block)), "{cost} {block}");
        }
        assert!(!is_bearable("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
    }
}
