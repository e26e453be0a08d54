//! Who calls: an identity of the ledger, by a short token signed with a key in force. What it may read: [`super::rights`].

use super::signed::SignedCall;
use super::{Shared, of_store};
use crate::app::Chain;
use crate::clock;
use crate::limits::Client;
use crate::store::StoreError;
use liuhen_proto::ledger::{Object, intervals};
use liuhen_proto::place::Place;
use liuhen_proto::suite::sign::PublicKey;
use liuhen_proto::types::{IdentityId, KeyId};
use liuhen_proto::wire;
use liuhen_rpc::reason::Reason;
use liuhen_rpc::status::with_reason;
use liuhen_rpc::token;
use std::sync::Arc;
use tonic::metadata::MetadataMap;
use tonic::{Request, Status};

/// Whoever calls.
#[derive(Debug, Clone)]
pub struct Caller {
    pub(super) key: KeyId,
    pub(super) department: Arc<wire::Department>,
    pub(super) identity: Arc<wire::Identity>,
    /// The audit for which something is read.
    pub(super) audit: Option<String>,
    /// What the caller signed of this call.
    pub(super) call: Option<SignedCall>,
}

impl Caller {
    /// As whom it takes what clients may take at once.
    pub(super) fn client(&self) -> Client {
        Client::Member(self.department.code.as_str().into())
    }
}

/// Who calls, by the token that comes with a call.
pub(super) fn caller<T>(shared: &Shared, request: &Request<T>) -> Result<Caller, Status> {
    let metadata = request.metadata();
    let bearer = bearer(metadata)?;
    let key_id = token::key_of(bearer).map_err(|e| denied(&e.to_string()))?;
    let chain = shared.chain();
    let key = key(&chain, &key_id)?;
    let public = PublicKey::from_slice(&key.public_key).map_err(|_| unknown(&key_id))?;
    let audit =
        token::check(bearer, &public, &chain.founding().chain(), &shared.names, clock::now());
    let audit = audit.map_err(|e| denied(&e.to_string()))?;
    let mut caller = holder(&chain, &key_id, &key, audit)?;
    caller.call = request.extensions().get::<SignedCall>().cloned();
    match &caller.audit {
        Some(audit) if !caller.oversees() => {
            let why = format!(
                "audit {audit}: only who audits or regulates reads for an audit, and {} does not; leave it out",
                caller.department.code
            );
            Err(with_reason(Reason::ReadDenied, &why))
        }
        _ => Ok(caller),
    }
}

fn key(chain: &Chain, id: &KeyId) -> Result<Arc<wire::Key>, Status> {
    find(chain, &Place::key(id)).map_err(|e| of_store(&e))?.ok_or_else(|| unknown(id))
}

/// The key that a caller signs with.
pub(super) fn public_key(chain: &Chain, id: &KeyId) -> Result<PublicKey, Status> {
    PublicKey::from_slice(&key(chain, id)?.public_key).map_err(|_| unknown(id))
}

fn denied(why: &str) -> Status {
    with_reason(Reason::TokenBad, why)
}

fn unknown(key: &KeyId) -> Status {
    denied(&format!("key {key} is not on the ledger"))
}

/// Whose key it is, if it, its identity and its department are in force for the next block.
pub(super) fn in_force(
    chain: &Chain,
    key_id: &KeyId,
    audit: Option<String>,
) -> Result<Caller, Status> {
    holder(chain, key_id, &*key(chain, key_id)?, audit)
}

fn holder(
    chain: &Chain,
    key_id: &KeyId,
    key: &wire::Key,
    audit: Option<String>,
) -> Result<Caller, Status> {
    let missing = || unknown(key_id);
    let id = IdentityId::from_slice(&key.identity_id).unwrap_or_default();
    let identity: Option<Arc<wire::Identity>> =
        find(chain, &Place::identity(&id)).map_err(|e| of_store(&e))?;
    let department: Option<Arc<wire::Department>> =
        find(chain, &Place::department(&key.department)).map_err(|e| of_store(&e))?;
    let (identity, department) = (identity.ok_or_else(missing)?, department.ok_or_else(missing)?);
    if !intervals::may_sign(key, &identity, &department, chain.next_height()) {
        let why = format!("key {key_id}, its identity or its department is not in force");
        return Err(denied(&why));
    }
    Ok(Caller { key: *key_id, department, identity, audit, call: None })
}

fn bearer(metadata: &MetadataMap) -> Result<&str, Status> {
    let value = metadata.get("authorization").and_then(|it| it.to_str().ok());
    value.and_then(|it| it.strip_prefix("Bearer ")).ok_or_else(|| {
        let why = "a token is needed: sign one with a key of the ledger (liuhen does with --key)";
        with_reason(Reason::TokenMissing, why)
    })
}

pub(super) fn find<T>(chain: &Chain, place: &Place) -> Result<Option<Arc<T>>, StoreError>
where
    Arc<T>: TryFrom<Object>,
{
    chain.index().typed(place)
}
