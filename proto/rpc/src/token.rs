//! Tokens by which a caller proves to be an identity of the ledger: JSON Web Tokens (RFC 7519),
//! signed EdDSA (RFC 8037) with a key of the ledger. `kid` is the key id, `aud` the chain id; they
//! live for minutes. Signatures follow the protocol's one rule.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use liuhen_proto::suite::sign::{PrivateKey, PublicKey, Signature};
use liuhen_proto::types::{ChainId, KeyId, TimeMs};
use serde::{Deserialize, Serialize};
use signature::{Signer, Verifier};

/// Beside a token: the audit for which something is read.
pub const AUDIT_HEADER: &str = "liuhen-audit";
/// Seconds that a token may live.
pub const LIFE_S: u64 = 600;
/// Seconds by which the clocks of caller and node may differ.
const LEEWAY_S: u64 = 60;
/// Characters of a token at most.
const LENGTH: usize = 2048;

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    aud: String,
    iat: u64,
    exp: u64,
}

/// Why a token is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It can't be read, or names no key.
    #[error("the token can't be read: an EdDSA JSON Web Token with a key id is needed")]
    Malformed,
    /// Its signature is not that of its key.
    #[error("the token's signature does not verify")]
    Signature,
    /// It is for another chain.
    #[error("the token is for another chain")]
    Chain,
    /// Its time is over, not yet come, or longer than is taken.
    #[error("the token is not of now, or lives longer than {LIFE_S} seconds: make a new one")]
    Time,
}

/// Makes a token that holds from `now` on for its whole life.
pub fn make(key: &PrivateKey, chain: &ChainId, now: TimeMs) -> Result<String, TokenError> {
    install();
    let iat = now.get() / 1000;
    let claims = Claims { aud: chain.to_string(), iat, exp: iat.saturating_add(LIFE_S) };
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(key.public().key_id().to_string());
    let seed = EncodingKey::from_ed_der(&key.to_seed());
    jsonwebtoken::encode(&header, &claims, &seed).map_err(|_| TokenError::Malformed)
}

/// The key that a token names; nothing of it is checked yet.
pub fn key_of(token: &str) -> Result<KeyId, TokenError> {
    if token.len() > LENGTH {
        return Err(TokenError::Malformed);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Malformed)?;
    let kid = header.kid.ok_or(TokenError::Malformed)?;
    kid.parse().map_err(|_| TokenError::Malformed)
}

/// Checks a token with the key that it names. Whether the key is in force is the caller's to see.
pub fn check(token: &str, key: &PublicKey, chain: &ChainId, now: TimeMs) -> Result<(), TokenError> {
    install();
    let mut wanted = Validation::new(Algorithm::EdDSA);
    // Times are checked below, by the clock that is given.
    wanted.validate_exp = false;
    wanted.set_required_spec_claims(&["exp", "aud"]);
    wanted.set_audience(&[chain.to_string()]);
    let public = DecodingKey::from_ed_der(key.as_bytes());
    let claims = jsonwebtoken::decode::<Claims>(token, &public, &wanted);
    let claims = claims.map_err(|e| match e.kind() {
        ErrorKind::InvalidSignature => TokenError::Signature,
        ErrorKind::InvalidAudience => TokenError::Chain,
        _ => TokenError::Malformed,
    })?;
    let Claims { iat, exp, .. } = claims.claims;
    let now = now.get() / 1000;
    let short = exp.checked_sub(iat).is_some_and(|life| life <= LIFE_S);
    let begun = iat <= now.saturating_add(LEEWAY_S);
    let lives = now <= exp.saturating_add(LEEWAY_S);
    if short && begun && lives { Ok(()) } else { Err(TokenError::Time) }
}

/// The protocol's own signatures under the library's tokens.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| {
        let seed: Result<[u8; 32], _> = key.as_bytes().try_into();
        match (algorithm, seed) {
            (Algorithm::EdDSA, Ok(seed)) => {
                Ok(Box::new(Ed25519Signer(PrivateKey::from_seed(&seed))))
            }
            _ => Err(Error::from(ErrorKind::InvalidEddsaKey)),
        }
    },
    verifier_factory: |algorithm, key| {
        let public = PublicKey::from_slice(key.try_get_as_bytes()?);
        match (algorithm, public) {
            (Algorithm::EdDSA, Ok(public)) => Ok(Box::new(Ed25519Verifier(public))),
            _ => Err(Error::from(ErrorKind::InvalidEddsaKey)),
        }
    },
    key_utils: KeyUtils::new_unimplemented(),
};

fn install() {
    // A second call finds it installed already.
    let _ = PROVIDER.install_default();
}

struct Ed25519Signer(PrivateKey);

impl Signer<Vec<u8>> for Ed25519Signer {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(self.0.sign(message).to_vec())
    }
}

impl JwtSigner for Ed25519Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

struct Ed25519Verifier(PublicKey);

impl Verifier<Vec<u8>> for Ed25519Verifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        match Signature::from_slice(signature) {
            Ok(signature) if self.0.verify(message, &signature) => Ok(()),
            _ => Err(signature::Error::new()),
        }
    }
}

impl JwtVerifier for Ed25519Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_of_one_key_one_chain_and_now() {
        let (key, chain) = (PrivateKey::from_seed(&[1; 32]), ChainId::new([2; 32]));
        let now = TimeMs::new(1_800_000_000_000);
        let token = make(&key, &chain, now).unwrap();
        assert_eq!(key_of(&token), Ok(key.public().key_id()));
        assert_eq!(check(&token, &key.public(), &chain, now), Ok(()));
        let late = now.plus((LIFE_S + LEEWAY_S + 1) * 1000);
        let early = TimeMs::new(now.get() - (LEEWAY_S + 1) * 1000);
        for other in [late, early] {
            assert_eq!(check(&token, &key.public(), &chain, other), Err(TokenError::Time));
        }
        let stranger = PrivateKey::from_seed(&[3; 32]).public();
        assert_eq!(check(&token, &stranger, &chain, now), Err(TokenError::Signature));
        let elsewhere = ChainId::new([4; 32]);
        assert_eq!(check(&token, &key.public(), &elsewhere, now), Err(TokenError::Chain));
        let [head, body, sign] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
        for bad in ["", "a.b.c", head, &format!("{head}.{body}"), &format!("{head}.{body}.{sign}x")]
        {
            let found = key_of(bad).and_then(|_| check(bad, &key.public(), &chain, now));
            assert!(found.is_err(), "{bad}");
        }
    }

    /// Another algorithm in the head, over the key's own signature: tricks of others.
    #[test]
    fn other_algorithms_are_refused() {
        let (key, chain) = (PrivateKey::from_seed(&[1; 32]), ChainId::new([2; 32]));
        let now = TimeMs::new(1_800_000_000_000);
        let token = make(&key, &chain, now).unwrap();
        let [good, body, _] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
        let seed = EncodingKey::from_ed_der(&key.to_seed());
        // Whatever the head says, the signature is the key's own.
        let signed = |head: &str| {
            let message = format!("{head}.{body}");
            let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &seed, Algorithm::EdDSA);
            format!("{message}.{}", signature.unwrap())
        };
        assert_eq!(check(&signed(good), &key.public(), &chain, now), Ok(()));
        // {"alg":"none"}, {"alg":"HS256"} and {"alg":"ES256"} in base64url.
        for head in ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJFUzI1NiJ9"] {
            let forged = signed(head);
            assert_eq!(check(&forged, &key.public(), &chain, now), Err(TokenError::Malformed));
        }
    }
}
