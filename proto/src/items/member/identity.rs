//! What several rules do to identities and their keys, and how a root signs.

use crate::items::fields::{Checked, ascending, ensure, id};
use crate::items::table::cosign_message;
use crate::ledger::{Draft, Halt, Refusal, intervals, words};
use crate::place::Place;
use crate::suite::sign::{PublicKey, Signature};
use crate::tx::TxHeader;
use crate::types::{IdentityId, KeyId, limits};
use crate::wire::{self, IdentityKind, item::Kind};
use std::sync::Arc;

/// Whether an identity is there, and a department's own.
pub(crate) fn is_of(draft: &Draft<'_>, identity: &[u8], department: &str) -> Result<bool, Halt> {
    let id = IdentityId::from_slice(identity).unwrap_or_default();
    let known: Option<Arc<wire::Identity>> = draft.get(&Place::identity(&id))?;
    Ok(known.is_some_and(|it| it.department == department))
}

/// Checks that an identity is there, and a department's own.
pub(crate) fn must_be_of(draft: &Draft<'_>, id: &[u8], department: &str) -> Result<(), Halt> {
    if is_of(draft, id, department)? {
        return Ok(());
    }
    Err(Refusal::IdentityOfOther(hex::encode(id)).into())
}

/// Puts a new identity and its keys on the ledger: in force from the next height on, or not yet.
pub(crate) fn create(
    draft: &mut Draft<'_>,
    mut identity: wire::Identity,
    keys: &[wire::NewKey],
    in_force: bool,
) -> Result<(), Halt> {
    let name = Place::identity_name(&identity.department, &identity.code);
    let known: Option<Arc<wire::IdentityName>> = draft.get(&name)?;
    if known.is_some() {
        let name = format!("{}/{}", identity.department, identity.code);
        return Err(Refusal::IdentityExists(name).into());
    }
    draft.put(name, wire::IdentityName { identity_id: identity.identity_id.clone() });
    if in_force {
        intervals::open(&mut identity.standing, draft.context());
    }
    identity.events = 1;
    for key in keys {
        let id = create_key(draft, &identity, key, in_force)?;
        identity.key_ids.push(id);
    }
    let place = Place::roster(&identity.department);
    let roster: Option<Arc<wire::Roster>> = draft.get(&place)?;
    let mut roster = roster.map(|it| (*it).clone()).unwrap_or_default();
    roster.identity_ids.push(identity.identity_id.clone());
    draft.put(place, roster);
    let id = IdentityId::from_slice(&identity.identity_id).unwrap_or_default();
    draft.put(Place::identity(&id), identity);
    Ok(())
}

/// A new key of an identity; gives its id.
pub(crate) fn create_key(
    draft: &mut Draft<'_>,
    identity: &wire::Identity,
    key: &wire::NewKey,
    in_force: bool,
) -> Result<Vec<u8>, Halt> {
    // The stateless check has seen that it is a key.
    let id = PublicKey::from_slice(&key.public_key).map(|it| it.key_id()).unwrap_or_default();
    let known: Option<Arc<wire::Key>> = draft.get(&Place::key(&id))?;
    if known.is_some() {
        return Err(Refusal::KeyExists(id.to_string()).into());
    }
    let mut standing = Vec::new();
    if in_force {
        intervals::open(&mut standing, draft.context());
    }
    let key = wire::Key {
        key_id: id.to_vec(),
        algorithm: key.algorithm,
        public_key: key.public_key.clone(),
        identity_id: identity.identity_id.clone(),
        department: identity.department.clone(),
        standing,
    };
    draft.put(Place::key(&id), key);
    Ok(id.to_vec())
}

/// The identity of an id.
pub(crate) fn get(draft: &Draft<'_>, id: &[u8]) -> Result<Arc<wire::Identity>, Halt> {
    let id = IdentityId::from_slice(id).unwrap_or_default();
    let known: Option<Arc<wire::Identity>> = draft.get(&Place::identity(&id))?;
    known.ok_or_else(|| Refusal::UnknownIdentity(id.to_string()).into())
}

/// Keeps an identity after an event of its life.
pub(crate) fn put(draft: &mut Draft<'_>, mut identity: wire::Identity) {
    identity.events = identity.events.saturating_add(1);
    let id = IdentityId::from_slice(&identity.identity_id).unwrap_or_default();
    draft.put(Place::identity(&id), identity);
}

/// Ends an identity for good, from the next height on.
pub(crate) fn end(draft: &mut Draft<'_>, id: &[u8]) -> Result<(), Halt> {
    let mut identity = (*get(draft, id)?).clone();
    intervals::close(&mut identity.standing, draft.context());
    identity.ended = true;
    put(draft, identity);
    Ok(())
}

/// Puts an identity that was prepared in force, with its keys, from the next height on.
pub(crate) fn start(draft: &mut Draft<'_>, id: &[u8]) -> Result<(), Halt> {
    let mut identity = (*get(draft, id)?).clone();
    let context = *draft.context();
    intervals::open(&mut identity.standing, &context);
    for id in &identity.key_ids {
        let place = Place::key(&KeyId::from_slice(id).unwrap_or_default());
        let key: Option<Arc<wire::Key>> = draft.get(&place)?;
        if let Some(key) = key {
            let mut key = (*key).clone();
            intervals::open(&mut key.standing, &context);
            draft.put(place, key);
        }
    }
    put(draft, identity);
    Ok(())
}

/// The identity that an item of its life names, which must be of the department and have had so
/// many events.
pub(crate) fn named(
    draft: &Draft<'_>,
    department: &str,
    id: &[u8],
    after: u64,
) -> Result<wire::Identity, Halt> {
    let identity = get(draft, id)?;
    if identity.department != department {
        return Err(Refusal::IdentityOfOther(hex::encode(id)).into());
    }
    if identity.ended {
        let name = format!("{department}/{}", identity.code);
        return Err(Refusal::StandingIs { name, state: words::ENDED }.into());
    }
    if identity.events != after {
        return Err(Refusal::IdentityAfter { expected: identity.events, found: after }.into());
    }
    Ok((*identity).clone())
}

/// Checks that the root of a department signed, or of the one that took its place, with as many of
/// its keys as it needs.
pub(crate) fn root_signs(
    draft: &Draft<'_>,
    signer: &TxHeader,
    department: &str,
    kind: &Kind,
    cosignatures: &[wire::Cosignature],
) -> Result<(), Halt> {
    draft.acts_for(signer, department)?;
    let place = Place::identity(&signer.identity);
    let root: Option<Arc<wire::Identity>> = draft.before(&place)?;
    let root = root.filter(|it| it.kind() == IdentityKind::Root);
    let root = root.ok_or_else(|| Refusal::RootNeeded(department.to_owned()))?;
    enough_keys(draft, signer, &root, kind, cosignatures)
}

/// Checks that an identity's own keys agree: for a root as many as it needs, else the one.
pub(crate) fn enough_keys(
    draft: &Draft<'_>,
    signer: &TxHeader,
    identity: &wire::Identity,
    kind: &Kind,
    cosignatures: &[wire::Cosignature],
) -> Result<(), Halt> {
    let message = cosign_message(draft.chain(), kind).unwrap_or_default();
    let mut found = 1u64;
    for it in cosignatures {
        let id = KeyId::from_slice(&it.key_id).unwrap_or_default();
        if !cosigned(draft, signer, identity, &id, &message, &it.signature)? {
            return Err(Refusal::BadCosignature(id.to_string()).into());
        }
        found = found.saturating_add(1);
    }
    let needed = u64::from(identity.threshold.max(1));
    if found < needed {
        return Err(Refusal::RootThreshold { needed, found }.into());
    }
    Ok(())
}

fn cosigned(
    draft: &Draft<'_>,
    signer: &TxHeader,
    identity: &wire::Identity,
    id: &KeyId,
    message: &[u8],
    signature: &[u8],
) -> Result<bool, Halt> {
    let key: Option<Arc<wire::Key>> = draft.before(&Place::key(id))?;
    let Some(key) = key else { return Ok(false) };
    let own = key.identity_id == identity.identity_id && *id != signer.key;
    let in_force = intervals::at_height(&key.standing, draft.context().height);
    let public = PublicKey::new(key.algorithm, &key.public_key);
    let signature = Signature::from_slice(signature);
    let (Ok(public), Ok(signature)) = (public, signature) else { return Ok(false) };
    Ok(own && in_force && public.verify(message, &signature))
}

/// How many keys of an identity are in force from the next height on.
pub(crate) fn keys_left(draft: &Draft<'_>, identity: &wire::Identity) -> Result<u64, Halt> {
    let mut left = 0u64;
    for id in &identity.key_ids {
        let place = Place::key(&KeyId::from_slice(id).unwrap_or_default());
        let key: Option<Arc<wire::Key>> = draft.get(&place)?;
        if key.is_some_and(|key| intervals::is_open(&key.standing)) {
            left = left.saturating_add(1);
        }
    }
    Ok(left)
}

/// Checks that an identity can be given so many keys more.
pub(crate) fn room_for(identity: &wire::Identity, more: usize) -> Result<(), Halt> {
    if identity.key_ids.len().saturating_add(more) > limits::IDENTITY_KEYS {
        return Err(Refusal::TooManyKeys(limits::IDENTITY_KEYS as u64).into());
    }
    Ok(())
}

pub(crate) fn cosignatures(list: &[wire::Cosignature]) -> Checked {
    let order: Vec<&[u8]> = list.iter().map(|it| it.key_id.as_slice()).collect();
    ascending("cosignatures", &order, limits::IDENTITY_KEYS)?;
    for it in list {
        id("cosignatures.key_id", &it.key_id)?;
        ensure(it.signature.len() == 64, "cosignatures.signature", "64 bytes are needed")?;
    }
    Ok(())
}

/// The trails of a department and of an identity of its.
pub(crate) fn trails(department: &str, identity: &[u8]) -> [Place; 2] {
    [Place::department_trail(department), Place::identity_trail(identity)]
}
