//! Who calls, as a call says it: tokens, and signatures of those who oversee.

use super::ground::{Ground, OVERSEERS, node_keys};
use super::node::SERVER;
use super::requests::Call;
use liuhen_client::clock::now;
use liuhen_proto::items::reading::request::{Asked, call_digest, sign};
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::types::{ChainId, TimeMs};
use liuhen_rpc::token::{Audience, LIFE_S, make};
use liuhen_tests::things::Who;
use prost::Message;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use tonic::codegen::http::HeaderMap;
use tonic::metadata::{MetadataMap, MetadataValue};

/// Tokens that were made, with when.
type Made = BTreeMap<(Who, Option<&'static str>), (TimeMs, String)>;

/// What callers show.
pub(super) struct Credentials {
    chain: ChainId,
    keys: BTreeMap<Who, PrivateKey>,
    /// Making one costs a signature, and one lasts for many calls.
    tokens: Mutex<Made>,
}

impl Credentials {
    /// Of all who are on the chain.
    pub(super) fn of_all(ground: &Ground) -> Self {
        let keys = ground.signers.iter().map(|(who, it)| (*who, it.key.clone())).collect();
        Self { chain: ground.chain().founding().chain(), keys, tokens: Mutex::default() }
    }

    /// What stands in the head of a call.
    pub(super) fn of(&self, call: &Call) -> HeaderMap {
        let mut shown = MetadataMap::new();
        let Some((who, key)) = call.who.and_then(|who| Some((who, self.keys.get(&who)?))) else {
            return shown.into_headers();
        };
        let mut token = self.token(who, key, call.how.audit());
        if call.how.token_bent() {
            // Of a signature the first letter holds whole bits of it.
            let at = token.rfind('.').map_or(0, |dot| dot + 1);
            let other = if token[at..].starts_with('A') { "B" } else { "A" };
            token.replace_range(at..=at, other);
        }
        if let Ok(bearer) = format!("Bearer {token}").parse() {
            shown.insert("authorization", bearer);
        }
        if OVERSEERS.contains(&who) && call.how.signed() {
            let asked = Asked {
                call: call_digest(&call.method.path, &call.frames),
                time: now(),
                nonce: [9; 16],
                node: node_keys()[0].public().key_id(),
                audit: call.how.audit().unwrap_or_default(),
            };
            let signed = sign(key, &self.chain, &asked).encode_to_vec();
            shown.insert_bin(liuhen_rpc::READ, MetadataValue::from_bytes(&signed));
        }
        shown.into_headers()
    }

    /// A token that holds for a while.
    fn token(&self, who: Who, key: &PrivateKey, audit: Option<&'static str>) -> String {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let (made, token) = tokens.entry((who, audit)).or_default();
        if now().since(*made) > LIFE_S * 1000 / 2 {
            let audience = Audience { chain: self.chain, server: SERVER.to_owned() };
            *token = make(key, &audience, audit, now()).expect("a token can be made");
            *made = now();
        }
        token.clone()
    }
}
