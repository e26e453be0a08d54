//! A validator voted twice in one round, for different blocks: both signed votes prove it.

use crate::event::Outcome;
use crate::header::certificate::{VoteType, vote_bytes};
use crate::items::ItemError;
use crate::items::fields::{Checked, code, ensure, id, id_if_given, wrong};
use crate::items::governance::validator_history;
use crate::items::kind::ItemKind;
use crate::items::oversight::integrity::{self, Fault};
use crate::ledger::{Draft, Halt, Refusal};
use crate::place::Place;
use crate::suite::sign::{PublicKey, Signature};
use crate::tx::TxHeader;
use crate::types::{BlockId, Height, KeyId};
use crate::wire::{self, IntegrityRule};
use std::sync::Arc;

impl ItemKind for wire::ReportDoubleVote {
    fn check(&self) -> Checked {
        code("department", &self.department)?;
        id("key_id", &self.key_id)?;
        code("validator_department", &self.validator_department)?;
        id("validator_identity_id", &self.validator_identity_id)?;
        let vote = |field, given: Option<&wire::SignedVote>| {
            let it = given.ok_or_else(|| wrong(field, "two votes are needed"))?;
            ensure((1..=2).contains(&it.vote_type), field, "a prevote or a precommit")?;
            id_if_given(field, &it.block_id)?;
            ensure(it.signature.len() == 64, field, "a signature has 64 bytes")?;
            Ok::<_, ItemError>((it.vote_type, it.height, it.round, it.block_id.clone()))
        };
        let (first, second) =
            (vote("first", self.first.as_ref())?, vote("second", self.second.as_ref())?);
        let one_round = (first.0, first.1, first.2) == (second.0, second.1, second.2);
        ensure(one_round, "second", "both are of one type, height and round")?;
        ensure(first.3 < second.3, "second", "for different blocks, ascending; nil first")
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::governance_trail(), Place::department_trail(&self.validator_department)]
    }

    /// Anybody of the department that reports may, its node above all. Reported once each.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        draft.acts_for(signer, &self.department)?;
        let id = KeyId::from_slice(&self.key_id).unwrap_or_default();
        let key: Option<Arc<wire::Key>> = draft.get(&Place::key(&id))?;
        let key = key.ok_or_else(|| Refusal::UnknownKey(id.to_string()))?;
        if key.department != self.validator_department
            || key.identity_id != self.validator_identity_id
        {
            return Err(Refusal::SignerMismatch.into());
        }
        let (first, second) =
            (self.first.clone().unwrap_or_default(), self.second.clone().unwrap_or_default());
        let both = [&first, &second];
        // Only a validator of that height votes: whatever another key signs in that form is no vote.
        let set = validator_history::at(draft, Height::new(first.height))?;
        let validator = set.as_ref().and_then(|set| set.get(&id));
        let good =
            validator.is_some_and(|it| both.iter().all(|vote| is_signed(draft, &it.key, vote)));
        if !good || first.height > draft.context().height.get() {
            return Err(Refusal::BadVotes(id.to_string()).into());
        }
        let vote_type = u8::try_from(first.vote_type).unwrap_or_default();
        let place = Place::double_vote(&self.key_id, first.height, first.round, vote_type);
        let known: Option<Arc<wire::DoubleVote>> = draft.get(&place)?;
        if known.is_some() {
            return Err(Refusal::AlreadyReported(id.to_string()).into());
        }
        draft.put(place, wire::DoubleVote { height: first.height });
        let fault = Fault {
            rule: IntegrityRule::DoubleVote,
            department: &self.validator_department,
            identity: &self.validator_identity_id,
            dataset: "",
            request_id: &[],
            count: 1,
        };
        integrity::raise(draft, &fault)?;
        Ok(Outcome::DONE)
    }
}

fn is_signed(draft: &Draft<'_>, key: &PublicKey, vote: &wire::SignedVote) -> bool {
    let kind = if vote.vote_type == 1 { VoteType::Prevote } else { VoteType::Precommit };
    let block = BlockId::from_slice(&vote.block_id).ok();
    let height = Height::new(vote.height);
    let message = vote_bytes(draft.chain(), kind, height, vote.round, block.as_ref());
    let signature = Signature::from_slice(&vote.signature);
    signature.is_ok_and(|signature| key.verify(&message, &signature))
}
