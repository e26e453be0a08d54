//! A validator voted twice in one round, for different blocks: both signed votes prove it.

use super::integrity::{self, Fault};
use super::validator_history;
use crate::certificate::{VoteType, vote_bytes};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal};
use crate::place::Place;
use crate::sign::PublicKey;
use crate::tx::TxHeader;
use crate::types::{BlockId, Height, KeyId};
use crate::wire::{self, IntegrityRule};
use std::sync::Arc;

/// Anybody of the department that reports may, its node above all. Reported once each.
pub(super) fn report(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::ReportDoubleVote,
) -> Result<Outcome, Halt> {
    draft.acts_for(signer, &it.department)?;
    let id = KeyId::from_slice(&it.key_id).unwrap_or_default();
    let key: Option<Arc<wire::Key>> = draft.get(&Place::key(&id))?;
    let key = key.ok_or_else(|| Refusal::UnknownKey(id.to_string()))?;
    if key.department != it.validator_department || key.identity_id != it.validator_identity_id {
        return Err(Refusal::SignerMismatch.into());
    }
    let (first, second) =
        (it.first.clone().unwrap_or_default(), it.second.clone().unwrap_or_default());
    let both = [&first, &second];
    // Only a validator of that height votes: whatever another key signs in that form is no vote.
    let set = validator_history::at(draft, Height::new(first.height))?;
    let validator = set.as_ref().and_then(|set| set.get(&id));
    let good = validator.is_some_and(|it| both.iter().all(|vote| is_signed(draft, &it.key, vote)));
    if !good || first.height > draft.context().height.get() {
        return Err(Refusal::BadVotes(id.to_string()).into());
    }
    let vote_type = u8::try_from(first.vote_type).unwrap_or_default();
    let place = Place::double_vote(&it.key_id, first.height, first.round, vote_type);
    let known: Option<Arc<wire::DoubleVote>> = draft.get(&place)?;
    if known.is_some() {
        return Err(Refusal::AlreadyReported(id.to_string()).into());
    }
    draft.put(place, wire::DoubleVote { height: first.height });
    let fault = Fault {
        rule: IntegrityRule::DoubleVote,
        department: &it.validator_department,
        identity: &it.validator_identity_id,
        dataset: "",
        request_id: &[],
        count: 1,
    };
    integrity::raise(draft, &fault)?;
    Ok(Outcome::DONE)
}

fn is_signed(draft: &Draft<'_>, key: &PublicKey, vote: &wire::SignedVote) -> bool {
    let kind = if vote.vote_type == 1 { VoteType::Prevote } else { VoteType::Precommit };
    let block = BlockId::from_slice(&vote.block_id).ok();
    let height = Height::new(vote.height);
    let message = vote_bytes(draft.chain(), kind, height, vote.round, block.as_ref());
    let signature: Result<[u8; 64], _> = vote.signature.as_slice().try_into();
    signature.is_ok_and(|signature| key.verify(&message, &signature))
}
