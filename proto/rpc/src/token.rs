//! Tokens by which a caller proves to be an identity of the ledger: JSON Web Tokens (RFC 7519),
//! signed EdDSA (RFC 8037) with a key of the ledger. `kid` is the key id; `aud` is `chain@server`, the chain's id and
//! the name of the server that the caller dialled, so that who is given a token can't use it elsewhere; `audit` is the
//! audit for which something is read. They live for minutes. Signatures follow the protocol's one rule.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use liuhen_proto::suite::sign::{PrivateKey, PublicKey, Signature};
use liuhen_proto::types::{ChainId, KeyId, TimeMs};
use serde::{Deserialize, Serialize};
use signature::{Signer, Verifier};

/// Seconds that a token may live.
pub const LIFE_S: u64 = 600;
/// Seconds by which a caller's clock may be ahead of the node's.
const LEEWAY_S: u64 = 60;
/// Characters of a token at most.
const LENGTH: usize = 2048;

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    aud: String,
    iat: u64,
    exp: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    audit: Option<String>,
}

/// Why a token is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It can't be read, or names no key.
    #[error("the token can't be read: an EdDSA JSON Web Token with a key id is needed")]
    Malformed,
    /// It wants to be understood in ways that nobody here understands (RFC 7515, 4.1.11).
    #[error("the token has `crit`: no extension is understood here")]
    Critical,
    /// Its signature is not that of its key.
    #[error("the token's signature does not verify")]
    Signature,
    /// It is for another chain.
    #[error("the token is for another chain")]
    Chain,
    /// It is for another server.
    #[error("the token is for the server `{found}`, this is {}: reach it by that name, or have its operator set server_names", names(.own))]
    Server {
        /// The one that it names.
        found: String,
        /// Names of this one.
        own: Vec<String>,
    },
    /// Its time is over, not yet come, or longer than is taken.
    #[error("the token is not of now, or lives longer than {LIFE_S} seconds: make a new one")]
    Time,
}

fn names(own: &[String]) -> String {
    let quoted: Vec<String> = own.iter().map(|name| format!("`{name}`")).collect();
    if quoted.is_empty() { "a server without a name".into() } else { quoted.join(", ") }
}

/// For whom a token is: one chain, and one server by the name under which it was dialled, in lower case. Over TLS that
/// is the name that its certificate was checked for; in the clear it is address and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience {
    /// The chain.
    pub chain: ChainId,
    /// The server.
    pub server: String,
}

impl std::fmt::Display for Audience {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.chain, self.server)
    }
}

/// Makes a token that holds from `now` on for its whole life; what is read with it is read for this audit of the
/// caller's department, where one is given.
pub fn make(
    key: &PrivateKey,
    audience: &Audience,
    audit: Option<&str>,
    now: TimeMs,
) -> Result<String, TokenError> {
    install();
    let iat = now.get() / 1000;
    let exp = iat.saturating_add(LIFE_S);
    let claims = Claims { aud: audience.to_string(), iat, exp, audit: audit.map(str::to_owned) };
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

/// Checks a token with the key that it names, for a server that has these names, in lower case; gives the audit for
/// which the caller reads. Whether the key is in force is the caller's to see.
pub fn check(
    token: &str,
    key: &PublicKey,
    chain: &ChainId,
    servers: &[String],
    now: TimeMs,
) -> Result<Option<String>, TokenError> {
    install();
    let mut wanted = Validation::new(Algorithm::EdDSA);
    // Times and audience are checked below: by the clock that is given, with an answer of its own for each.
    wanted.validate_exp = false;
    wanted.validate_aud = false;
    wanted.set_required_spec_claims(&["exp", "aud"]);
    let public = DecodingKey::from_ed_der(key.as_bytes());
    let decoded = jsonwebtoken::decode::<Claims>(token, &public, &wanted);
    let decoded = decoded.map_err(|e| match e.kind() {
        ErrorKind::InvalidSignature => TokenError::Signature,
        _ => TokenError::Malformed,
    })?;
    if decoded.header.crit.is_some() {
        return Err(TokenError::Critical);
    }
    let Claims { aud, iat, exp, audit } = decoded.claims;
    let (of_chain, server) = aud.split_once('@').ok_or(TokenError::Chain)?;
    if of_chain != chain.to_string() {
        return Err(TokenError::Chain);
    }
    if !servers.iter().any(|own| own == server) {
        return Err(TokenError::Server { found: server.to_owned(), own: servers.to_vec() });
    }
    let now = now.get() / 1000;
    let short = exp.checked_sub(iat).is_some_and(|life| life <= LIFE_S);
    let begun = iat <= now.saturating_add(LEEWAY_S);
    if short && begun && now <= exp { Ok(audit) } else { Err(TokenError::Time) }
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

    const NOW: TimeMs = TimeMs::new(1_800_000_000_000);
    const SERVER: &str = "node.example";

    fn of(chain: u8, server: &str) -> Audience {
        Audience { chain: ChainId::new([chain; 32]), server: server.to_owned() }
    }

    fn key() -> PrivateKey {
        PrivateKey::from_seed(&[1; 32])
    }

    /// What a server of these names makes of a token.
    fn taken(token: &str, key: &PrivateKey, now: TimeMs) -> Result<Option<String>, TokenError> {
        let servers = ["127.0.0.1:1".to_owned(), SERVER.to_owned()];
        check(token, &key.public(), &of(2, "").chain, &servers, now)
    }

    #[test]
    fn a_token_is_of_one_key_one_chain_one_server_and_now() {
        let key = key();
        let token = make(&key, &of(2, SERVER), None, NOW).unwrap();
        assert_eq!(key_of(&token), Ok(key.public().key_id()));
        assert_eq!(taken(&token, &key, NOW), Ok(None));
        let late = NOW.plus((LIFE_S + 1) * 1000);
        let early = TimeMs::new(NOW.get() - (LEEWAY_S + 1) * 1000);
        for other in [late, early] {
            assert_eq!(taken(&token, &key, other), Err(TokenError::Time));
        }
        let stranger = PrivateKey::from_seed(&[3; 32]);
        assert_eq!(taken(&token, &stranger, NOW), Err(TokenError::Signature));
        let elsewhere = make(&key, &of(4, SERVER), None, NOW).unwrap();
        assert_eq!(taken(&elsewhere, &key, NOW), Err(TokenError::Chain));
        let [head, body, sign] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
        for bad in ["", "a.b.c", head, &format!("{head}.{body}"), &format!("{head}.{body}.{sign}x")]
        {
            let found = key_of(bad).and_then(|_| taken(bad, &key, NOW));
            assert!(found.is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_for_another_server_is_refused() {
        let key = key();
        for server in ["127.0.0.1:1", SERVER] {
            let token = make(&key, &of(2, server), None, NOW).unwrap();
            assert_eq!(taken(&token, &key, NOW), Ok(None), "{server}");
        }
        for server in
            ["", "other.example", "NODE.example", "node.example:1", "127.0.0.1", "x@node.example"]
        {
            let token = make(&key, &of(2, server), None, NOW).unwrap();
            let found = taken(&token, &key, NOW);
            assert!(matches!(found, Err(TokenError::Server { .. })), "{server}: {found:?}");
        }
    }

    #[test]
    fn the_audit_is_signed() {
        let key = key();
        let token = make(&key, &of(2, SERVER), Some("a-2026"), NOW).unwrap();
        assert_eq!(taken(&token, &key, NOW), Ok(Some("a-2026".to_owned())));
        let [head, _, sign] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
        let other = make(&key, &of(2, SERVER), Some("b-2026"), NOW).unwrap();
        let body = other.split('.').nth(1).unwrap();
        let bent = format!("{head}.{body}.{sign}");
        assert_eq!(taken(&bent, &key, NOW), Err(TokenError::Signature));
    }

    /// A token over this head and this body, rightly signed.
    fn signed(head: &str, body: &str) -> String {
        let message = format!("{head}.{body}");
        let seed = EncodingKey::from_ed_der(&key().to_seed());
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &seed, Algorithm::EdDSA);
        format!("{message}.{}", signature.unwrap())
    }

    /// Another algorithm in the head, over the key's own signature: tricks of others.
    #[test]
    fn other_algorithms_and_extensions_are_refused() {
        let key = key();
        let token = make(&key, &of(2, SERVER), None, NOW).unwrap();
        let [good, body, _] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(taken(&signed(good, body), &key, NOW), Ok(None));
        // {"alg":"none"}, {"alg":"HS256"} and {"alg":"ES256"} in base64url.
        for head in ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJIUzI1NiJ9", "eyJhbGciOiJFUzI1NiJ9"] {
            assert_eq!(taken(&signed(head, body), &key, NOW), Err(TokenError::Malformed));
        }
        // {"alg":"EdDSA","crit":["b64"],"b64":true} and {"alg":"EdDSA","crit":[]}
        for head in [
            "eyJhbGciOiJFZERTQSIsImNyaXQiOlsiYjY0Il0sImI2NCI6dHJ1ZX0",
            "eyJhbGciOiJFZERTQSIsImNyaXQiOltdfQ",
        ] {
            assert_eq!(taken(&signed(head, body), &key, NOW), Err(TokenError::Critical));
        }
    }
}
