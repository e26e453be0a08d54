//! A read (查阅): what a node showed to somebody who audits or regulates, and what that reader signed.

use crate::items::fields::{Checked, code, ensure, id, wrong};
use crate::items::reading::request;
use crate::ledger::{Draft, Halt, Refusal, intervals, words::word};
use crate::place::{Place, TrailKind};
use crate::suite::hash::{Domain, hash};
use crate::suite::sign::PublicKey;
use crate::types::{KeyId, TimeMs, limits};
use crate::wire::{self, Right};
use prost::Message;
use std::sync::Arc;

/// What a sealed read commits to: `H_digest` of the read with its salt.
pub fn commitment(read: &wire::TrailRead) -> crate::types::Hash {
    hash(Domain::Digest, &[&read.encode_to_vec()])
}

/// Whether it can be one, whatever the ledger says.
pub(super) fn check(it: &wire::TrailRead) -> Checked {
    code("reads.department", &it.department)?;
    id("reads.identity_id", &it.identity_id)?;
    let asked = it.request.as_ref();
    request::check(
        asked.ok_or_else(|| wrong("reads.request", "what its reader signed is needed"))?,
    )?;
    if !it.list.is_empty() {
        let bare = it.trail_kind == 0 && it.trail_id.is_empty() && it.first == 0;
        ensure(bare, "reads.list", "a trail or a list: one of the two")?;
        return code("reads.list", &it.list);
    }
    let kind = u8::try_from(it.trail_kind).ok().and_then(TrailKind::from_byte);
    let kind = kind.ok_or_else(|| wrong("reads.trail_kind", "unknown kind of trail"))?;
    ensure(kind.takes_id(&it.trail_id), "reads.trail_id", "no trail of this kind has such an id")
}

/// Refuses a read that its reader did not ask a node of this department for: with a key of its own, for this audit, no longer
/// than a day before it was shown.
pub(super) fn asked_for(
    draft: &Draft<'_>,
    it: &wire::TrailRead,
    audit: &str,
    by: &str,
) -> Result<(), Halt> {
    let bad = |why| Err(Refusal::BadRead(why).into());
    let Some(asked) = &it.request else {
        return bad(word("nothing is signed", "没有签名内容"));
    };
    let id = KeyId::from_slice(&asked.key_id).unwrap_or_default();
    let key: Option<Arc<wire::Key>> = draft.get(&Place::key(&id))?;
    let key = key.ok_or_else(|| Refusal::UnknownKey(id.to_string()))?;
    if key.department != it.department || key.identity_id != it.identity_id {
        return bad(word("the key is another's", "密钥属于他人"));
    }
    let signed = TimeMs::new(asked.time_ms);
    // A reader's clock may be behind or ahead of the ledger's.
    let about = [signed, signed.plus(CLOCKS_DIFFER_MS), signed.minus(CLOCKS_DIFFER_MS)];
    if !about.iter().any(|time| intervals::at_time(&key.standing, *time)) {
        return bad(word("the key was not in force", "密钥当时无效"));
    }
    if asked.audit != audit {
        return bad(word("it was asked for another audit", "请求所属审计不同"));
    }
    let node = KeyId::from_slice(&asked.node).unwrap_or_default();
    let node: Option<Arc<wire::Key>> = draft.get(&Place::key(&node))?;
    if node.is_none_or(|node| node.department != by) {
        return bad(word("another department's node was asked", "请求的是其他部门的节点"));
    }
    let drift = draft.parameters()?.future_drift_ms;
    let shown = TimeMs::new(it.time_ms);
    // Clocks of reader and node differ by what a token may be ahead.
    let early = signed.since(shown) > CLOCKS_DIFFER_MS || shown.since(draft.context().time) > drift;
    if early || shown.since(signed) > limits::READ_LASTS_MS {
        return bad(word("it was signed at another time", "签名时间不符"));
    }
    let public = PublicKey::from_slice(&key.public_key);
    if !public.is_ok_and(|public| request::is_signed(asked, draft.chain(), &public)) {
        return bad(word("its signature does not verify", "签名验证不通过"));
    }
    Ok(())
}

/// Refuses a read by a department that does not audit or regulate.
pub(super) fn by_oversight(draft: &Draft<'_>, it: &wire::TrailRead) -> Result<(), Halt> {
    let department = draft.department(&it.department)?;
    let overseers = [Right::Audit, Right::Regulate];
    if overseers.iter().any(|right| department.rights.contains(&(*right as i32))) {
        return Ok(());
    }
    Err(Refusal::BadRead(word("its department does not audit or regulate", "其部门无审计或监管权"))
        .into())
}

/// By how much the clocks of a reader and of a node may differ, milliseconds.
const CLOCKS_DIFFER_MS: u64 = 60_000;

/// A read stands on its reader's trail, and on the trail that was read: who looks at a trail is
/// part of its story. Not on those whose numbers count something.
pub(super) fn filed(read: &wire::TrailRead) -> impl Iterator<Item = Place> + '_ {
    let kind = u8::try_from(read.trail_kind).ok().and_then(TrailKind::from_byte);
    let counts =
        |kind: &TrailKind| matches!(kind, TrailKind::Key | TrailKind::Use | TrailKind::Gateway);
    let was_read = kind.filter(|kind| !counts(kind)).map(|kind| Place::trail(kind, &read.trail_id));
    [Place::identity_trail(&read.identity_id)].into_iter().chain(was_read)
}
