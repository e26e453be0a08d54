//! Data products (模型审定、数据产品审查、成效评估): reviewed by the collectors of what they stand on and by a
//! manager, released, evaluated, recalled; a revoked grant marks them.

use super::{needs_officer, sharing, words};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal, grants};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::{IdKind, RequestId, limits};
use crate::wire::{
    self, GrantKind, GrantState, ProductState, Review, ReviewEnd, Right, ledger_event::Kind,
};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) fn register(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    number: u32,
    it: &wire::RegisterProduct,
) -> Result<Outcome, Halt> {
    let maker = draft.actor(signer, &it.department, Right::Use)?;
    needs_officer(draft, signer)?;
    let manager = draft.department(&it.manager)?;
    if !manager.rights.contains(&(Right::Manage as i32)) {
        let (department, right) = (it.manager.clone(), words::right(Right::Manage));
        return Err(Refusal::RightMissing { department, right }.into());
    }
    let mut reviewers = BTreeSet::from([it.manager.clone()]);
    let id = signer.made_id(IdKind::Product, number).to_vec();
    for one in &it.request_ids {
        let request = RequestId::from_slice(one).unwrap_or_default();
        let grant = sharing::grant_of(draft, &request)?;
        let own = grant.using_department == it.department
            || grant.class.as_ref().is_some_and(|class| grants::is_of_class(&maker, class))
            || (grant.kind() == GrantKind::Internal && grant.collector == it.department);
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
        registered: Some(it.clone()),
        reviews: reviewers.into_iter().map(waits).collect(),
        ..wire::Product::default()
    };
    draft.put(Place::product(&id), product);
    Ok(Outcome::DONE)
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

fn of(draft: &Draft<'_>, id: &[u8], states: &[ProductState]) -> Result<wire::Product, Halt> {
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

pub(super) fn review(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::ReviewProduct,
) -> Result<Outcome, Halt> {
    draft.acts_for(signer, &it.department)?;
    needs_officer(draft, signer)?;
    let mut product = of(draft, &it.product_id, &[ProductState::Unspecified])?;
    needs_reviewer(&product, &it.department)?;
    let end = if it.approve { ReviewEnd::Approved } else { ReviewEnd::Refused };
    for review in product.reviews.iter_mut().filter(|one| one.department == it.department) {
        review.end = end as i32;
    }
    let all = product.reviews.iter().all(|one| one.end() == ReviewEnd::Approved);
    if !it.approve {
        product.state = ProductState::Refused as i32;
    } else if all {
        product.state = ProductState::Reviewed as i32;
    }
    draft.put(Place::product(&it.product_id), product);
    Ok(Outcome::DONE)
}

pub(super) fn release(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::ReleaseProduct,
) -> Result<Outcome, Halt> {
    draft.acts_for(signer, &it.department)?;
    needs_officer(draft, signer)?;
    let mut product = of(draft, &it.product_id, &[ProductState::Reviewed])?;
    needs_maker(&product, &it.department)?;
    if !product.marks.is_empty() {
        return Err(Refusal::ProductMarked(hex::encode(&it.product_id)).into());
    }
    product.state = ProductState::Released as i32;
    draft.put(Place::product(&it.product_id), product);
    Ok(Outcome::DONE)
}

pub(super) fn evaluate(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::EvaluateProduct,
) -> Result<Outcome, Halt> {
    draft.acts_for(signer, &it.department)?;
    needs_officer(draft, signer)?;
    let states = [ProductState::Released, ProductState::Recalled];
    let mut product = of(draft, &it.product_id, &states)?;
    needs_reviewer(&product, &it.department)?;
    product.evaluations = product.evaluations.saturating_add(1);
    draft.put(Place::product(&it.product_id), product);
    Ok(Outcome::DONE)
}

pub(super) fn recall(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::RecallProduct,
) -> Result<Outcome, Halt> {
    draft.acts_for(signer, &it.department)?;
    needs_officer(draft, signer)?;
    let mut product = of(draft, &it.product_id, &[ProductState::Released])?;
    if needs_maker(&product, &it.department).is_err() {
        needs_reviewer(&product, &it.department)?;
    }
    product.state = ProductState::Recalled as i32;
    draft.put(Place::product(&it.product_id), product);
    Ok(Outcome::DONE)
}

/// A grant was revoked: what stands on it is marked.
pub(super) fn mark(draft: &mut Draft<'_>, request: &[u8]) -> Result<(), Halt> {
    let known: Option<Arc<wire::GrantProducts>> = draft.get(&Place::grant_products(request))?;
    for id in known.iter().flat_map(|it| &it.product_ids) {
        let product: Option<Arc<wire::Product>> = draft.get(&Place::product(id))?;
        let Some(product) = product else { continue };
        let mut product = (*product).clone();
        product.marks.push(request.to_vec());
        let department = product.registered.as_ref().map(|it| it.department.clone());
        draft.put(Place::product(id), product);
        draft.emit(Kind::ProductMarked(wire::ProductMarked {
            product_id: id.clone(),
            department: department.unwrap_or_default(),
            request_id: request.to_vec(),
        }));
    }
    Ok(())
}
