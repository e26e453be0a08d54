//! Validators that contradicted themselves.

use super::clock::day;
use super::{By, Simple, Why};
use crate::header::certificate::{VoteType, proposal_bytes, vote_bytes};
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
        // Whoever had the key then may have lost it since.
        let then = usize::try_from(votes[0].height).ok().and_then(|at| self.blocks.get(at));
        let then = if votes[0].height == 0 { None } else { Some(then.map_or(self.now, |it| it.1)) };
        if then.is_none_or(|then| day(then) + 30 < day(self.now)) {
            no.push("double_vote.too_old");
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
        let block = BlockId::from_slice(&vote.block_id).ok();
        let height = Height::new(vote.height);
        let public = PublicKey::from_slice(public).unwrap();
        let message = match vote.vote_type {
            1 | 2 => {
                let kind =
                    if vote.vote_type == 1 { VoteType::Prevote } else { VoteType::Precommit };
                vote_bytes(&self.chain, kind, height, vote.round, block.as_ref())
            }
            _ => {
                let (round, before) = (vote.round, vote.pol_round);
                let (block, who) = (block.unwrap(), public.key_id());
                proposal_bytes(&self.chain, height, round, before, &block, &who)
            }
        };
        let signature = vote.signature.as_slice().try_into().unwrap();
        public.verify(&message, &signature)
    }
}
