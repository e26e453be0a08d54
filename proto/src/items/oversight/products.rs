//! Data products (模型审定、数据产品审查、成效评估): reviewed by the collectors of what they stand on and by a
//! manager, released, evaluated, recalled; a revoked grant marks them.

use crate::event::Outcome;
use crate::items::fields::{Checked, ascending, code, ensure, ensure_of, id, id_if_given, wrong};
use crate::items::kind::ItemKind;
use crate::items::sharing::{grant, grants};
use crate::ledger::unless_refused;
use crate::ledger::{Draft, Halt, Refusal, authority::needs_officer, words};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::{IdKind, RequestId, limits};
use crate::wire::{self, GrantKind, GrantState, ProductState, Review, ReviewEnd, Right};
use std::collections::BTreeSet;
use std::sync::Arc;

impl ItemKind for wire::RegisterProduct {
    fn check(&self) -> Checked {
        code("department", &self.department)?;
        code("reference", &self.reference)?;
        let known =
            wire::ProductKind::try_from(self.kind).map_err(|_| wrong("kind", "unknown kind"))?;
        ensure(known != wire::ProductKind::Unspecified, "kind", "a kind is needed")?;
        id("digest", &self.digest)?;
        ensure(!self.request_ids.is_empty(), "request_ids", "it stands on at least one grant")?;
        ascending("request_ids", &self.request_ids, limits::PRODUCT_GRANTS)?;
        for one in &self.request_ids {
            id("request_ids", one)?;
        }
        code("manager", &self.manager)
    }

    fn trails(&self, header: &TxHeader, number: u32) -> Vec<Place> {
        let id = header.made_id(IdKind::Product, number);
        let grants = self.request_ids.iter().filter_map(|id| grant::trail(id));
        grants.chain([Place::product_trail(id.as_bytes())]).collect()
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        number: u32,
    ) -> Result<Outcome, Halt> {
        let maker = draft.actor(signer, &self.department, Right::Use)?;
        needs_officer(draft, signer)?;
        let manager = draft.department(&self.manager)?;
        if !manager.rights.contains(&(Right::Manage as i32)) {
            let (department, right) = (self.manager.clone(), words::right(Right::Manage));
            return Err(Refusal::RightMissing { department, right }.into());
        }
        let mut reviewers = BTreeSet::from([self.manager.clone()]);
        let id = signer.made_id(IdKind::Product, number).to_vec();
        for one in &self.request_ids {
            let request = RequestId::from_slice(one).unwrap_or_default();
            let grant = grant::grant_of(draft, &request)?;
            let own = grant.using_department == self.department
                || grant.class.as_ref().is_some_and(|class| grants::is_of_class(&maker, class))
                || (grant.kind() == GrantKind::Internal && grant.collector == self.department);
            if !own {
                let (request, field) = (request.to_string(), "department");
                return Err(Refusal::RequestContradiction { request, field }.into());
            }
            use GrantState::{AncestorEnded, NotRatified, Revoked};
            if matches!(grants::state(&grant), Revoked | NotRatified | AncestorEnded) {
                return Err(Refusal::GrantEnded(request.to_string()).into());
            }
            reviewers.insert(grant.collector.clone());
            stands_on(draft, one, &id)?;
        }
        if manager.body == maker.body {
            return Err(Refusal::SameBody(maker.body.clone()).into());
        }
        let waits = |department| Review { department, end: ReviewEnd::Unspecified as i32 };
        let product = wire::Product {
            product_id: id.clone(),
            registered: Some(self.clone()),
            reviews: reviewers.into_iter().map(waits).collect(),
            ..wire::Product::default()
        };
        draft.put(Place::product(&id), product);
        Ok(Outcome::DONE)
    }
}

fn stands_on(draft: &mut Draft<'_>, request: &[u8], product: &[u8]) -> Result<(), Halt> {
    let place = Place::grant_products(request);
    let known: Option<Arc<wire::GrantProducts>> = draft.get(&place)?;
    let mut known = known.map(|it| (*it).clone()).unwrap_or_default();
    if known.product_ids.len() >= limits::GRANT_PRODUCTS {
        return Err(Refusal::TooManyProducts(hex::encode(request)).into());
    }
    known.product_ids.push(product.to_vec());
    draft.put(place, known);
    Ok(())
}

fn product_in(
    draft: &Draft<'_>,
    id: &[u8],
    states: &[ProductState],
) -> Result<wire::Product, Halt> {
    let product: Option<Arc<wire::Product>> = draft.get(&Place::product(id))?;
    let name = hex::encode(id);
    let product = product.ok_or_else(|| Refusal::UnknownProduct(name.clone()))?;
    if !states.contains(&product.state()) {
        let state = words::product(product.state());
        return Err(Refusal::ProductState { name, state }.into());
    }
    Ok((*product).clone())
}

fn needs_reviewer(product: &wire::Product, department: &str) -> Result<(), Halt> {
    if product.reviews.iter().any(|it| it.department == department) {
        return Ok(());
    }
    let name = hex::encode(&product.product_id);
    Err(Refusal::NotReviewer { department: department.to_owned(), name }.into())
}

fn needs_maker(product: &wire::Product, department: &str) -> Result<(), Halt> {
    let maker = product.registered.as_ref().map_or("", |it| it.department.as_str());
    if maker == department {
        return Ok(());
    }
    let (stated, signer) = (maker.to_owned(), department.to_owned());
    Err(Refusal::NotTheActor { stated, signer }.into())
}

impl ItemKind for wire::ReviewProduct {
    fn check(&self) -> Checked {
        product(&self.product_id, &self.department)?;
        id_if_given("reason_digest", &self.reason_digest)?;
        ensure(
            self.approve || !self.reason_digest.is_empty(),
            "reason_digest",
            "refusing wants a reason",
        )
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::product_trail(&self.product_id)]
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        draft.acts_for(signer, &self.department)?;
        needs_officer(draft, signer)?;
        let mut product = product_in(draft, &self.product_id, &[ProductState::Unspecified])?;
        needs_reviewer(&product, &self.department)?;
        let end = if self.approve { ReviewEnd::Approved } else { ReviewEnd::Refused };
        for review in product.reviews.iter_mut().filter(|one| one.department == self.department) {
            review.end = end as i32;
        }
        let all = product.reviews.iter().all(|one| one.end() == ReviewEnd::Approved);
        if !self.approve {
            product.state = ProductState::Refused as i32;
        } else if all {
            product.state = ProductState::Reviewed as i32;
        }
        draft.put(Place::product(&self.product_id), product);
        Ok(Outcome::DONE)
    }
}

impl ItemKind for wire::ReleaseProduct {
    fn check(&self) -> Checked {
        product(&self.product_id, &self.department)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::product_trail(&self.product_id)]
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        draft.acts_for(signer, &self.department)?;
        needs_officer(draft, signer)?;
        let mut product = product_in(draft, &self.product_id, &[ProductState::Reviewed])?;
        needs_maker(&product, &self.department)?;
        if !product.marks.is_empty() {
            return Err(Refusal::ProductMarked(hex::encode(&self.product_id)).into());
        }
        product.state = ProductState::Released as i32;
        draft.put(Place::product(&self.product_id), product);
        Ok(Outcome::DONE)
    }
}

impl ItemKind for wire::EvaluateProduct {
    fn check(&self) -> Checked {
        product(&self.product_id, &self.department)?;
        ensure_of((1..=5).contains(&self.score), "score", || {
            format!("a score is 1 to 5, not {}", self.score)
        })?;
        id("report_digest", &self.report_digest)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::product_trail(&self.product_id)]
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        draft.acts_for(signer, &self.department)?;
        needs_officer(draft, signer)?;
        let states = [ProductState::Released, ProductState::Recalled];
        let mut product = product_in(draft, &self.product_id, &states)?;
        needs_reviewer(&product, &self.department)?;
        product.evaluations = product.evaluations.saturating_add(1);
        draft.put(Place::product(&self.product_id), product);
        Ok(Outcome::DONE)
    }
}

impl ItemKind for wire::RecallProduct {
    fn check(&self) -> Checked {
        product(&self.product_id, &self.department)?;
        id("reason_digest", &self.reason_digest)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::product_trail(&self.product_id)]
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        draft.acts_for(signer, &self.department)?;
        needs_officer(draft, signer)?;
        let mut product = product_in(draft, &self.product_id, &[ProductState::Released])?;
        if unless_refused(needs_maker(&product, &self.department))?.is_none() {
            needs_reviewer(&product, &self.department)?;
        }
        product.state = ProductState::Recalled as i32;
        draft.put(Place::product(&self.product_id), product);
        Ok(Outcome::DONE)
    }
}

pub(crate) fn product(product_id: &[u8], department: &str) -> Checked {
    id("product_id", product_id)?;
    code("department", department)
}
