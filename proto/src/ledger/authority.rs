//! Who may sign: which keys at this height, from which block and with which number; for which department, and with which
//! right.

use crate::ledger::unless_refused;
use crate::ledger::{Draft, Halt, Refusal, Word, intervals, words};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::{TimeMs, limits};
use crate::wire;
use std::sync::Arc;

/// Checks the header of a transaction. Key, identity and department are judged as they stand after
/// the block before, so that the signatures of a block can be checked before it is applied.
pub(crate) fn check(draft: &Draft<'_>, header: &TxHeader) -> Result<(), Halt> {
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

impl Draft<'_> {
    /// Checks that the signer's department is `stated`, or took its place, and that `stated` has the
    /// right.
    pub(crate) fn actor(
        &self,
        signer: &TxHeader,
        stated: &str,
        right: wire::Right,
    ) -> Result<Arc<wire::Department>, Halt> {
        let department = self.acts_for(signer, stated)?;
        if !department.rights.contains(&(right as i32)) {
            let right = words::right(right);
            return Err(Refusal::RightMissing { department: stated.to_owned(), right }.into());
        }
        Ok(department)
    }

    /// Checks that the signer's department is `stated`, or took its place; gives the one stated.
    pub(crate) fn acts_for(
        &self,
        signer: &TxHeader,
        stated: &str,
    ) -> Result<Arc<wire::Department>, Halt> {
        let other = || Refusal::NotTheActor {
            stated: stated.to_owned(),
            signer: signer.department.clone(),
        };
        if signer.department == stated {
            return self.department(stated);
        }
        let place = Place::department(stated);
        let named: Arc<wire::Department> = self.get(&place)?.ok_or_else(other)?;
        let mut successor = named.successor.clone();
        for _ in 0..limits::SUPERIORS {
            if successor.is_empty() {
                break;
            }
            if successor == signer.department {
                return Ok(named);
            }
            successor.clone_from(&self.department(&successor)?.successor);
        }
        Err(other().into())
    }
}

/// Decisions are signed by an officer or a root, never by a machine.
pub(crate) fn needs_officer(draft: &Draft<'_>, signer: &TxHeader) -> Result<(), Halt> {
    use wire::IdentityKind::{Officer, Root};
    needs_kind(draft, signer, &[Officer, Root], words::OFFICER)
}

/// Checks that the signer's department is `stated`, or took its place, and has one of two rights.
pub(crate) fn either(
    draft: &Draft<'_>,
    signer: &TxHeader,
    stated: &str,
    [first, second]: [wire::Right; 2],
) -> Result<(), Halt> {
    match unless_refused(draft.actor(signer, stated, first))? {
        Some(_) => Ok(()),
        None => draft.actor(signer, stated, second).map(|_| ()),
    }
}

/// What keeps data and records of it: a system, an officer or a root.
pub(crate) fn needs_keeper(draft: &Draft<'_>, signer: &TxHeader) -> Result<(), Halt> {
    use wire::IdentityKind::{Officer, Root, System};
    needs_kind(draft, signer, &[Officer, Root, System], words::KEEPER)
}

pub(crate) fn needs_kind(
    draft: &Draft<'_>,
    signer: &TxHeader,
    kinds: &[wire::IdentityKind],
    wanted: Word,
) -> Result<(), Halt> {
    let identity: Option<std::sync::Arc<wire::Identity>> =
        draft.before(&crate::place::Place::identity(&signer.identity))?;
    let fits = identity.is_some_and(|it| kinds.contains(&it.kind()));
    if fits { Ok(()) } else { Err(Refusal::IdentityKind(wanted).into()) }
}

/// An officer of the leading department, as the item states it.
pub(crate) fn needs_lead(draft: &Draft<'_>, signer: &TxHeader, stated: &str) -> Result<(), Halt> {
    let lead = draft.parameters()?.lead.clone();
    if lead != stated {
        return Err(Refusal::NotLead(lead).into());
    }
    draft.acts_for(signer, stated)?;
    needs_officer(draft, signer)
}
