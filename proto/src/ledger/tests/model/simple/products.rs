//! What is made from shared data.

use super::judge::is_of;
use super::{By, Id, Simple, Why};
use crate::types::IdKind;
use crate::wire::{self, GrantKind, GrantState, ProductState, ReviewEnd, Right};
use std::rc::Rc;

/// A product.
#[derive(Debug, Clone)]
pub(in super::super) struct Product {
    pub(in super::super) id: Id,
    pub(in super::super) it: Rc<wire::RegisterProduct>,
    pub(in super::super) state: ProductState,
    pub(in super::super) reviews: Vec<(String, ReviewEnd)>,
    pub(in super::super) marks: Vec<Id>,
    pub(in super::super) evaluations: u64,
}

impl Product {
    fn is_reviewed_by(&self, department: &str) -> bool {
        self.reviews.iter().any(|(code, _)| code == department)
    }
}

impl Simple {
    pub(in super::super) fn product(&self, id: &[u8]) -> Option<&Product> {
        self.answers.products.iter().find(|it| it.id == id).map(Rc::as_ref)
    }

    fn product_mut(&mut self, id: &[u8]) -> &mut Product {
        Rc::make_mut(self.answers.products.iter_mut().find(|it| it.id == id).unwrap())
    }

    pub(super) fn register_product(&mut self, by: By<'_>, it: &wire::RegisterProduct) -> Why {
        let mut no = Vec::new();
        self.acts_with(by, &it.department, Right::Use, &mut no);
        self.officer(by, &mut no);
        if self.department(&it.manager).is_none() {
            no.push("department.unknown");
        } else if !self.has_right(&it.manager, Right::Manage) {
            no.push("right.missing");
        }
        if self.body(&it.manager) == self.body(&it.department) {
            no.push("body.same");
        }
        let mut reviewers = vec![it.manager.clone()];
        for id in &it.request_ids {
            let Some(grant) = self.grant(id) else {
                no.push("grant.unknown");
                continue;
            };
            let in_class = grant.class.as_ref().is_some_and(|class| {
                self.department(&it.department).is_some_and(|maker| is_of(maker, class))
            });
            let internal = grant.kind == GrantKind::Internal && grant.collector == it.department;
            if grant.user != it.department && !in_class && !internal {
                no.push("request.contradiction");
            }
            let void = [GrantState::Revoked, GrantState::NotRatified, GrantState::AncestorEnded];
            if void.contains(&grant.last().state) {
                no.push("grant.ended");
            }
            reviewers.push(grant.collector.clone());
        }
        if !no.is_empty() {
            return no;
        }
        reviewers.sort();
        reviewers.dedup();
        self.answers.products.push(Rc::new(Product {
            id: by.new_id(IdKind::Product),
            it: Rc::new(it.clone()),
            state: ProductState::Unspecified,
            reviews: reviewers.into_iter().map(|code| (code, ReviewEnd::Unspecified)).collect(),
            marks: Vec::new(),
            evaluations: 0,
        }));
        no
    }

    /// Somebody decides on a product that is in one of these states.
    fn on_product(
        &self,
        by: By<'_>,
        id: &[u8],
        department: &str,
        states: &[ProductState],
    ) -> (Why, Option<&Product>) {
        let mut no = Vec::new();
        self.acts(by, department, &mut no);
        self.officer(by, &mut no);
        let product = self.product(id);
        match product {
            None => no.push("product.unknown"),
            Some(it) if !states.contains(&it.state) => no.push("product.state"),
            Some(_) => {}
        }
        (no, product)
    }

    pub(super) fn review_product(&mut self, by: By<'_>, it: &wire::ReviewProduct) -> Why {
        let states = [ProductState::Unspecified];
        let (mut no, product) = self.on_product(by, &it.product_id, &it.department, &states);
        if product.is_some_and(|one| !one.is_reviewed_by(&it.department)) {
            no.push("product.not_reviewer");
        }
        if !no.is_empty() {
            return no;
        }
        let product = self.product_mut(&it.product_id);
        let end = if it.approve { ReviewEnd::Approved } else { ReviewEnd::Refused };
        for (_, review) in product.reviews.iter_mut().filter(|(code, _)| *code == it.department) {
            *review = end;
        }
        let ends = || product.reviews.iter().map(|(_, end)| *end);
        if ends().any(|end| end == ReviewEnd::Refused) {
            product.state = ProductState::Refused;
        } else if ends().all(|end| end == ReviewEnd::Approved) {
            product.state = ProductState::Reviewed;
        }
        no
    }

    pub(super) fn release_product(&mut self, by: By<'_>, it: &wire::ReleaseProduct) -> Why {
        let states = [ProductState::Reviewed];
        let (mut no, product) = self.on_product(by, &it.product_id, &it.department, &states);
        if product.is_some_and(|one| one.it.department != it.department) {
            no.push("actor.other");
        }
        if product.is_some_and(|one| !one.marks.is_empty()) {
            no.push("product.marked");
        }
        if no.is_empty() {
            self.product_mut(&it.product_id).state = ProductState::Released;
        }
        no
    }

    pub(super) fn evaluate_product(&mut self, by: By<'_>, it: &wire::EvaluateProduct) -> Why {
        let states = [ProductState::Released, ProductState::Recalled];
        let (mut no, product) = self.on_product(by, &it.product_id, &it.department, &states);
        if product.is_some_and(|one| !one.is_reviewed_by(&it.department)) {
            no.push("product.not_reviewer");
        }
        if no.is_empty() {
            self.product_mut(&it.product_id).evaluations += 1;
        }
        no
    }

    pub(super) fn recall_product(&mut self, by: By<'_>, it: &wire::RecallProduct) -> Why {
        let states = [ProductState::Released];
        let (mut no, product) = self.on_product(by, &it.product_id, &it.department, &states);
        let concerned = |one: &Product| {
            one.it.department == it.department || one.is_reviewed_by(&it.department)
        };
        if product.is_some_and(|one| !concerned(one)) {
            no.push("product.not_reviewer");
        }
        if no.is_empty() {
            self.product_mut(&it.product_id).state = ProductState::Recalled;
        }
        no
    }

    /// What stands on a grant that should not be used any more is marked.
    pub(super) fn mark_products(&mut self, grant: &[u8]) {
        let all = self
            .answers
            .products
            .iter()
            .filter(|it| it.it.request_ids.iter().any(|one| one == grant));
        let ids: Vec<Id> = all.map(|it| it.id.clone()).collect();
        for id in ids {
            self.product_mut(&id).marks.push(grant.to_vec());
            self.tell(format!("product {} marked: {}", hex::encode(&id), hex::encode(grant)));
        }
    }
}
