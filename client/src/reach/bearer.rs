//! Tokens for each call: one for each server, made anew when it is some minutes old.

use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::types::{ChainId, TimeMs};
use liuhen_rpc::token::{self, Audience};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use tonic::Status;
use tonic::codegen::http::HeaderValue;

/// Milliseconds after which a new token is made: half of its life.
const TOKEN_AGE_MS: u64 = token::LIFE_S * 500;

/// As whom calls are made.
#[derive(Debug)]
pub(super) struct Bearer {
    pub(super) key: PrivateKey,
    pub(super) chain: ChainId,
    /// The audit of the key's department for which something is read.
    pub(super) audit: Option<String>,
    pub(super) tokens: Mutex<BTreeMap<String, (TimeMs, HeaderValue)>>,
}

impl Bearer {
    /// What a call to a server carries in `authorization`.
    pub(super) fn header(&self, server: &str) -> Result<HeaderValue, Status> {
        let now = crate::clock::now();
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((made, token)) = tokens.get(server)
            && now.since(*made).max(made.since(now)) < TOKEN_AGE_MS
        {
            return Ok(token.clone());
        }
        let audience = Audience { chain: self.chain, server: server.to_owned() };
        let token = token::make(&self.key, &audience, self.audit.as_deref(), now);
        let token = token.map_err(|e| Status::unauthenticated(e.to_string()))?;
        let header = HeaderValue::try_from(format!("Bearer {token}"));
        let header = header.map_err(|_| Status::unauthenticated("a token of no text"))?;
        tokens.insert(server.to_owned(), (now, header.clone()));
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_server_has_a_token_of_its_own() {
        let bearer = Bearer {
            key: PrivateKey::from_seed(&[1; 32]),
            chain: ChainId::new([2; 32]),
            audit: None,
            tokens: Mutex::default(),
        };
        let one = bearer.header("a.example").unwrap();
        assert_ne!(one, bearer.header("b.example").unwrap());
        assert_eq!(one, bearer.header("a.example").unwrap());
    }
}
