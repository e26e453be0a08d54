//! What is made from shared data; and validators that vote twice.

use super::super::simple::{Id, Key, Product};
use super::{IdentityKind, Move, Moves, Officer};
use crate::header::certificate::{VoteType, vote_bytes};
use crate::ledger::tests::items::proposal;
use crate::types::{BlockId, Height};
use crate::wire::{self, GrantKind, ProductState, ReviewEnd, Right, item::Kind};

impl Moves<'_> {
    pub(super) fn register_product(&mut self) -> Option<Move> {
        let all = self.simple.grants.iter().rev().take(60);
        let all: Vec<_> = all.filter(|it| !it.ended()).cloned().collect();
        let grant = self.dice.pick_if_any(&all)?.clone();
        let maker = match grant.user.as_str() {
            "" => self.with_right(Right::Use)?,
            _ if grant.kind == GrantKind::Internal => grant.collector.clone(),
            user => user.to_owned(),
        };
        let own = self.simple.grants.iter().filter(|it| it.user == maker && !it.ended());
        let own: Vec<Id> = own.map(|it| it.id.clone()).collect();
        let mut request_ids = self.dice.some(&own, 20);
        request_ids.truncate(8);
        request_ids.push(self.id(grant.id.clone()));
        if self.dice.percent(4) {
            request_ids.push(self.dice.pick(&self.simple.grants).id.clone());
        }
        request_ids.sort();
        request_ids.dedup();
        let by = self.officer(&maker)?;
        let item = wire::RegisterProduct {
            department: maker,
            reference: "product-1".to_owned(),
            kind: wire::ProductKind::Model as i32,
            digest: self.dice.digest(),
            request_ids,
            manager: self.with_right(Right::Manage)?,
        };
        Some((by, Kind::RegisterProduct(item)))
    }

    /// A product in one of these states; sometimes any.
    fn product(&mut self, states: &[ProductState]) -> Option<Product> {
        let all = &self.simple.answers().products;
        let found: Vec<_> = all.iter().filter(|it| states.contains(&it.state)).collect();
        match self.dice.percent(95) {
            true => self.dice.pick_if_any(&found).map(|it| (***it).clone()),
            false => self.dice.pick_if_any(all).map(|it| (**it).clone()),
        }
    }

    fn reviewer(&mut self, it: &Product) -> String {
        let waits = it.reviews.iter().filter(|(_, end)| *end == ReviewEnd::Unspecified);
        let waits: Vec<&String> = waits.map(|(code, _)| code).collect();
        match self.dice.pick_if_any(&waits) {
            Some(code) if self.dice.percent(95) => (*code).clone(),
            _ => self.dice.pick(&it.reviews).0.clone(),
        }
    }

    pub(super) fn review_product(&mut self) -> Option<Move> {
        let it = self.product(&[ProductState::Unspecified])?;
        let department = self.reviewer(&it);
        let department = self.mostly(department);
        let by = self.officer(&department)?;
        let item = wire::ReviewProduct {
            product_id: self.id(it.id),
            department,
            approve: self.dice.percent(94),
            reason_digest: self.dice.digest(),
        };
        Some((by, Kind::ReviewProduct(item)))
    }

    pub(super) fn release_product(&mut self) -> Option<Move> {
        let it = self.product(&[ProductState::Reviewed])?;
        let department = self.mostly(it.it.department.clone());
        let by = self.officer(&department)?;
        let product_id = self.id(it.id);
        Some((by, Kind::ReleaseProduct(wire::ReleaseProduct { product_id, department })))
    }

    pub(super) fn evaluate_product(&mut self) -> Option<Move> {
        let it = self.product(&[ProductState::Released, ProductState::Recalled])?;
        let department = self.reviewer(&it);
        let department = self.mostly(department);
        let by = self.officer(&department)?;
        let item = wire::EvaluateProduct {
            product_id: self.id(it.id),
            department,
            score: u32::try_from(self.dice.between(1, 5)).unwrap(),
            report_digest: self.dice.digest(),
        };
        Some((by, Kind::EvaluateProduct(item)))
    }

    pub(super) fn recall_product(&mut self) -> Option<Move> {
        let it = self.product(&[ProductState::Released])?;
        let own = self.dice.percent(50);
        let department = if own { it.it.department.clone() } else { self.reviewer(&it) };
        let department = self.mostly(department);
        let by = self.officer(&department)?;
        let item = wire::RecallProduct {
            product_id: self.id(it.id),
            department,
            reason_digest: self.dice.digest(),
        };
        Some((by, Kind::RecallProduct(item)))
    }

    pub(super) fn report_double_vote(&mut self) -> Option<Move> {
        let validator = self.dice.pick_if_any(&self.simple.validators)?.clone();
        let key = match self.dice.percent(85) {
            true => self.simple.key(&validator.key_id)?.clone(),
            false => (**self.dice.pick(&self.simple.keys)).clone(),
        };
        let department = self.any_department();
        let by = self.of(&department, &[IdentityKind::Node, Officer])?;
        let ahead = if self.dice.percent(8) { 5 } else { 0 };
        let height = self.simple.height + ahead - self.dice.below(40).min(self.simple.height);
        let round = u32::try_from(self.dice.below(2)).unwrap();
        let proposes = self.dice.percent(25);
        if proposes {
            return self.report_proposals(by, department, &key, (height, round));
        }
        let vote_type = u32::try_from(self.dice.between(1, 2)).unwrap();
        let kind = if vote_type == 1 { VoteType::Prevote } else { VoteType::Precommit };
        let mut vote = |block: Option<[u8; 32]>| {
            let id = block.map(BlockId::new);
            let of = if self.dice.percent(5) { height + 1 } else { height };
            let chain = &self.simple.chain;
            let message = vote_bytes(chain, kind, Height::new(of), round, id.as_ref());
            wire::SignedVote {
                vote_type,
                height,
                round,
                block_id: block.map(|it| it.to_vec()).unwrap_or_default(),
                signature: self.keyring.get(&key.id).sign(&message).to_vec(),
                pol_round: None,
            }
        };
        let (first, second) = (Some(vote(None)), Some(vote(Some([2; 32]))));
        let item = wire::ReportDoubleVote {
            department: self.mostly(department),
            validator_department: self.mostly(key.department),
            validator_identity_id: key.identity,
            key_id: key.id,
            first,
            second,
        };
        Some((by, Kind::ReportDoubleVote(item)))
    }
    fn report_proposals(
        &mut self,
        by: Id,
        department: String,
        key: &Key,
        at: (u64, u32),
    ) -> Option<Move> {
        let signing = self.keyring.get(&key.id).clone();
        let chain = self.simple.chain;
        let other = self.dice.percent(5);
        let mut votes = [1, 2].map(|block| proposal((&chain, &signing), at, (block, None)));
        votes[1].pol_round = other.then_some(0);
        let [first, second] = votes.map(Some);
        let item = wire::ReportDoubleVote {
            department: self.mostly(department),
            validator_department: self.mostly(key.department.clone()),
            validator_identity_id: key.identity.clone(),
            key_id: key.id.clone(),
            first,
            second,
        };
        Some((by, Kind::ReportDoubleVote(item)))
    }
}
