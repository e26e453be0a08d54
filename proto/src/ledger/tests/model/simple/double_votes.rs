//! Validators that contradicted themselves.

use super::{By, Simple, Why};
use crate::header::certificate::{VoteType, vote_bytes};
use crate::suite::sign::PublicKey;
use crate::types::{BlockId, Height};
use crate::wire::{self, IntegrityRule, SignedVote};
use std::rc::Rc;

impl Simple {
    pub(super) fn report_double_vote(&mut self, by: By<'_>, it: &wire::ReportDoubleVote) -> Why {
        let mut no = Vec::new();
        self.acts(by, &it.department, &mut no);
        let Some(key) = self.key(&it.key_id) else {
            no.push("key.unknown");
            return no;
        };
        let (of, id) = (&it.validator_department, &it.validator_identity_id);
        if (&key.department, &key.identity) != (of, id) {
            no.push("signer.mismatch");
        }
        let votes = [it.first.as_ref().unwrap(), it.second.as_ref().unwrap()];
        let signed = votes.iter().all(|vote| self.has_cast(&key.public, vote))
            && self.signs_at(&it.key_id, votes[0].height);
        if !signed || votes[0].height > self.height {
            no.push("double_vote.bad");
        }
        let vote = votes[0];
        let about = Rc::new((it.key_id.clone(), vote.height, vote.round, vote.vote_type));
        if self.answers.double_votes.contains(&about) {
            no.push("double_vote.reported");
        }
        if no.is_empty() {
            self.answers.double_votes.push(about);
            self.raise(IntegrityRule::DoubleVote, of, id, ("", &[]), 1);
        }
        no
    }

    /// Whether a key is a validator's at a height.
    fn signs_at(&self, key: &[u8], height: u64) -> bool {
        let newest = self.signers.iter().rev().find(|(from, _)| *from <= height);
        newest.is_some_and(|(_, keys)| keys.iter().any(|it| it.as_slice() == key))
    }

    fn has_cast(&self, public: &[u8], vote: &SignedVote) -> bool {
        let kind = if vote.vote_type == 1 { VoteType::Prevote } else { VoteType::Precommit };
        let block = BlockId::from_slice(&vote.block_id).ok();
        let height = Height::new(vote.height);
        let message = vote_bytes(&self.chain, kind, height, vote.round, block.as_ref());
        let signature = vote.signature.as_slice().try_into().unwrap();
        PublicKey::from_slice(public).unwrap().verify(&message, &signature)
    }
}
