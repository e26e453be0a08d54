//! What it costs to try a passphrase on a key file. The file itself says so, and a damaged one may ask
//! for more memory than there is, or for a scrypt of cost 0, at which `pkcs5` 0.8 panics.

use pkcs8::pkcs5::pbes2::Kdf;
use pkcs8::{EncryptedPrivateKeyInfoRef, SecretDocument};

/// Bytes that scrypt may write in all: 32 times what a key that is written here takes, so that one
/// of other makers can be read too.
const MOST_BYTES: u64 = 512 * 1024 * 1024;
/// Iterations of PBKDF2, a few seconds.
const MOST_ITERATIONS: u32 = 10_000_000;

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
