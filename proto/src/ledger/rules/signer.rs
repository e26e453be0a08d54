//! Who may sign at this height, from which block, and with which number.

use crate::ledger::{Draft, Halt, Refusal, intervals};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::TimeMs;
use crate::wire;
use std::sync::Arc;

/// Checks the header of a transaction. Key, identity and department are judged as they stand after
/// the block before, so that the signatures of a block can be checked before it is applied.
pub(in crate::ledger) fn check(draft: &Draft<'_>, header: &TxHeader) -> Result<(), Halt> {
    if header.chain != *draft.chain() {
        return Err(Refusal::OtherChain.into());
    }
    in_force(draft, header)?;
    let expected = draft.next_seq(&header.key)?;
    if header.seq != expected {
        return Err(Refusal::WrongSeq { expected, found: header.seq }.into());
    }
    recent_block(draft, header)
}

fn in_force(draft: &Draft<'_>, header: &TxHeader) -> Result<(), Halt> {
    let Some(key): Option<Arc<wire::Key>> = draft.before(&Place::key(&header.key))? else {
        return Err(Refusal::UnknownKey(header.key.to_string()).into());
    };
    if key.department != header.department || key.identity_id != header.identity.as_bytes() {
        return Err(Refusal::SignerMismatch.into());
    }
    let identity: Option<Arc<wire::Identity>> = draft.before(&Place::identity(&header.identity))?;
    let department: Option<Arc<wire::Department>> =
        draft.before(&Place::department(&header.department))?;
    let (Some(identity), Some(department)) = (identity, department) else {
        return Err(Refusal::SignerMismatch.into());
    };
    if intervals::may_sign(&key, &identity, &department, draft.context().height) {
        Ok(())
    } else {
        Err(Refusal::KeyNotInForce(header.key.to_string()).into())
    }
}

fn recent_block(draft: &Draft<'_>, header: &TxHeader) -> Result<(), Halt> {
    let height = header.recent_height;
    let Some(recent) = draft.recent_block(height)? else {
        let old = height < draft.context().height;
        let refusal = if old { Refusal::RecentBlockTooOld } else { Refusal::UnknownRecentBlock };
        return Err(refusal(height.get()).into());
    };
    if recent.block_id != header.recent_block.as_bytes() {
        return Err(Refusal::UnknownRecentBlock(height.get()).into());
    }
    let age = draft.context().time.since(TimeMs::new(recent.time_ms));
    if age > draft.parameters()?.recent_block_age_ms {
        return Err(Refusal::RecentBlockTooOld(height.get()).into());
    }
    Ok(())
}
