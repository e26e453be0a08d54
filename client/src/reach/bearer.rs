//! Tokens for each call: one for each server, made anew when it is some minutes old.

use crate::kept_reads::{KeepsReads, KeptRead};
use liuhen_proto::items::reading::request::{self, Asked, call_digest};
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::types::{ChainId, KeyId, TimeMs};
use liuhen_proto::wire::{ReadReceipt, ReadRequest};
use liuhen_rpc::READ_RECEIPT;
use liuhen_rpc::token::{self, Audience};
use prost::Message;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;
use tonic::Status;
use tonic::codegen::http::{HeaderMap, HeaderValue};
use tonic::metadata::MetadataMap;

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
    /// Who keeps what nodes say of reads by oversight.
    pub(super) keeper: Option<Arc<dyn KeepsReads>>,
    /// Whether the key's department oversees others, once that is known.
    pub(super) oversees: OnceCell<bool>,
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

    /// What is signed of a call to a node: where it is read by oversight, the node records it with that.
    pub(super) fn request(
        &self,
        node: KeyId,
        path: &str,
        body: &[u8],
    ) -> Result<ReadRequest, Status> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(|e| Status::internal(format!("random bytes: {e}")))?;
        let asked = Asked {
            call: call_digest(path, body),
            time: crate::clock::now(),
            nonce,
            node,
            audit: self.audit.as_deref().unwrap_or_default(),
        };
        Ok(request::sign(&self.key, &self.chain, &asked))
    }

    /// Keeps what was signed of a call that may be overseen, with the node's receipt or the lack of one; where the node says that it
    /// noted nothing, only by who oversees.
    pub(super) fn keep(
        &self,
        node: &str,
        path: &str,
        request: &ReadRequest,
        answer: &HeaderMap,
        oversees: bool,
    ) {
        let Some(keeper) = &self.keeper else { return };
        let metadata = MetadataMap::from_headers(answer.clone());
        let receipt = metadata.get_bin(READ_RECEIPT).and_then(|it| it.to_bytes().ok());
        let receipt = receipt.and_then(|bytes| ReadReceipt::decode(bytes).ok());
        // A node that says nothing at all is kept whoever asked: it is not believed about whom it would have had to tell.
        let says_nothing_noted = receipt.as_ref().is_some_and(|it| it.reads == 0);
        if !says_nothing_noted || oversees {
            let (node, call) = (node.to_owned(), path.to_owned());
            let request = request.clone();
            keeper.keep(&KeptRead { chain: self.chain, node, call, request, receipt });
        }
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
            keeper: None,
            oversees: OnceCell::new(),
        };
        let one = bearer.header("a.example").unwrap();
        assert_ne!(one, bearer.header("b.example").unwrap());
        assert_eq!(one, bearer.header("a.example").unwrap());
    }
}
