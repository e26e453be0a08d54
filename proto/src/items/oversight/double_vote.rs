//! A validator voted or proposed twice in one round, for different blocks: both signed messages prove it.

use crate::event::Outcome;
use crate::header::certificate::{PROPOSAL, VoteType, proposal_bytes, vote_bytes};
use crate::items::ItemError;
use crate::items::fields::{Checked, code, ensure, id, id_if_given, wrong};
use crate::items::governance::validator_history;
use crate::items::kind::ItemKind;
use crate::items::oversight::integrity::{self, Fault};
use crate::ledger::{Draft, Halt, Refusal, recent_blocks};
use crate::place::Place;
use crate::suite::sign::{PublicKey, Signature};
use crate::tx::TxHeader;
use crate::types::{BlockId, Height, KeyId, limits};
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
            let known = (1..=PROPOSAL).contains(&it.vote_type);
            ensure(known, field, "a prevote, a precommit or a proposal")?;
            let proposes = it.vote_type == PROPOSAL;
            let whole = !it.block_id.is_empty() || !proposes;
            ensure(
                whole && (proposes || it.pol_round.is_none()),
                field,
                "a proposal is of a block",
            )?;
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
        // Of long ago a key may be in other hands by now.
        if recent_blocks::day_of(draft, Height::new(first.height))?.is_none() {
            return Err(Refusal::EvidenceTooOld(limits::EVIDENCE_DAYS).into());
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
    let block = BlockId::from_slice(&vote.block_id).ok();
    let (chain, height, round) = (draft.chain(), Height::new(vote.height), vote.round);
    let of_vote = |kind| vote_bytes(chain, kind, height, round, block.as_ref());
    let message = match (vote.vote_type, &block) {
        (1, _) => of_vote(VoteType::Prevote),
        (2, _) => of_vote(VoteType::Precommit),
        (PROPOSAL, Some(block)) => {
            proposal_bytes(chain, height, round, vote.pol_round, block, &key.key_id())
        }
        // Items with any other are none: nothing is signed so.
        (_, _) => return false,
    };
    let signature = Signature::from_slice(&vote.signature);
    signature.is_ok_and(|signature| key.verify(&message, &signature))
}
