//! The catalogue, and requests until they are granted.

use super::terms::wider_in;
use super::{By, Dataset, Id, Request, Simple, Why};
use crate::types::RequestId;
use crate::wire::{
    self, Category, Deadline, GrantKind, GrantState, IdentityKind, RequestState, Right,
};
use std::rc::Rc;

impl By<'_> {
    /// The id of the request that this item makes, if it makes one.
    pub(super) fn new_request(self) -> Id {
        RequestId::of_event(&self.header.key, self.header.seq + u64::from(self.number)).to_vec()
    }
}

/// The fields that terms name; all of them where they name none.
fn meant<'a>(
    entry: &'a wire::RegisterDataset,
    names: &'a [String],
) -> impl Iterator<Item = &'a wire::Field> {
    entry.fields.iter().filter(move |it| names.is_empty() || names.contains(&it.name))
}

/// The strictest sharing category of what is meant.
fn category(entry: &wire::RegisterDataset, names: &[String]) -> Category {
    let own = |it: &wire::Field| if it.category == 0 { entry.category } else { it.category };
    let strictest = meant(entry, names).map(own).max().unwrap_or(entry.category);
    Category::try_from(strictest).unwrap()
}

/// The highest grade of what is meant.
pub(super) fn grade(entry: &wire::RegisterDataset, names: &[String]) -> u32 {
    meant(entry, names).map(|it| it.grade).max().unwrap_or(0).max(entry.grade)
}

/// What an item says of its request or grant: dataset, collector, user.
pub(super) type Said<'a> = [&'a str; 3];

impl Simple {
    pub(super) fn collects(&self, by: By<'_>, collector: &str, no: &mut Why) {
        self.acts_with(by, collector, Right::Collect, no);
        self.officer(by, no);
    }

    /// What speaks against doing something with an entry of the catalogue.
    pub(super) fn in_catalogue(&self, dataset: &str, collector: &str, no: &mut Why) {
        match self.dataset(dataset) {
            None => no.push("dataset.unknown"),
            Some(it) => {
                if it.entry.collector != collector {
                    no.push("dataset.other_collector");
                }
                if it.retired.is_some() {
                    no.push("dataset.retired");
                }
            }
        }
    }

    fn dataset_mut(&mut self, code: &str) -> &mut Dataset {
        Rc::make_mut(self.datasets.iter_mut().find(|it| it.entry.dataset == code).unwrap())
    }

    pub(super) fn register(&mut self, by: By<'_>, it: &wire::RegisterDataset) -> Why {
        let mut no = Vec::new();
        self.collects(by, &it.collector, &mut no);
        if self.dataset(&it.dataset).is_some() {
            no.push("dataset.exists");
        }
        if no.is_empty() {
            let (entry, digest) = (it.clone(), Vec::new());
            let dataset = Dataset { entry, version: 0, digest, rows: 0, retired: None };
            self.datasets.push(Rc::new(dataset));
            self.wants_gateway(&it.dataset);
        }
        no
    }

    pub(super) fn update(&mut self, by: By<'_>, it: &wire::UpdateDataset) -> Why {
        let mut no = Vec::new();
        self.collects(by, &it.collector, &mut no);
        self.in_catalogue(&it.dataset, &it.collector, &mut no);
        if no.is_empty() {
            self.dataset_mut(&it.dataset).entry = it.as_registration();
        }
        no
    }

    pub(super) fn retire(&mut self, by: By<'_>, it: &wire::RetireDataset) -> Why {
        let mut no = Vec::new();
        self.collects(by, &it.collector, &mut no);
        self.in_catalogue(&it.dataset, &it.collector, &mut no);
        if no.is_empty() {
            self.dataset_mut(&it.dataset).retired = Some((self.height, self.now));
        }
        no
    }

    pub(super) fn publish(&mut self, by: By<'_>, it: &wire::PublishVersion) -> Why {
        use IdentityKind::{Officer, Root, System};
        let mut no = Vec::new();
        self.acts_with(by, &it.collector, Right::Collect, &mut no);
        self.kind_of(by, &[Officer, Root, System], &mut no);
        self.in_catalogue(&it.dataset, &it.collector, &mut no);
        if let Some(known) = self.dataset(&it.dataset) {
            if it.version != known.version + 1 {
                no.push("version.wrong");
            }
            if it.previous_digest != known.digest {
                no.push("version.previous");
            }
        }
        if no.is_empty() {
            let known = self.dataset_mut(&it.dataset);
            known.version = it.version;
            known.digest.clone_from(&it.content_digest);
            known.rows = it.row_count;
        }
        no
    }

    /// Terms name fields of the dataset, and identities of the one who uses them.
    pub(super) fn sound(&self, terms: &wire::Terms, dataset: &str, user: &str, no: &mut Why) {
        self.fields_known(terms, dataset, no);
        for id in &terms.identity_ids {
            match self.identity(id) {
                None => no.push("identity.unknown"),
                Some(it) if it.department != user => no.push("identity.other_department"),
                Some(_) => {}
            }
        }
    }

    pub(super) fn fields_known(&self, terms: &wire::Terms, dataset: &str, no: &mut Why) {
        let fields = self.dataset(dataset).map(|it| it.entry.fields.clone()).unwrap_or_default();
        if terms.fields.iter().any(|name| !fields.iter().any(|it| it.name == *name)) {
            no.push("field.unknown");
        }
    }

    pub(super) fn listed(&self, purpose: &str, basis: Option<&str>, no: &mut Why) {
        if !self.parameters.purposes.iter().any(|it| it == purpose) {
            no.push("purpose.unknown");
        }
        if basis.is_some_and(|basis| !self.parameters.legal_bases.iter().any(|it| it == basis)) {
            no.push("legal_basis.unknown");
        }
    }

    /// Its clock stops, and where there is a deadline begins anew.
    pub(super) fn move_on(&mut self, id: &[u8], state: RequestState, deadline: Deadline) {
        let days = match deadline {
            Deadline::Unspecified => None,
            Deadline::Decide | Deadline::Exception => Some(self.parameters.decide_days),
            Deadline::Answer => Some(self.parameters.answer_days),
            Deadline::Confirm => Some(self.parameters.confirm_days),
        };
        let due = days.map(|days| self.due_in(days));
        let it = self.request_mut(id);
        (it.state, it.deadline, it.due, it.overdue) = (state, deadline, due, false);
    }

    pub(super) fn new_request(&mut self, id: Id, asked: wire::RequestAccess, kind: GrantKind) {
        self.requests.push(Rc::new(Request {
            id,
            asked,
            kind,
            class: None,
            parent: None,
            state: RequestState::Unspecified,
            approved: None,
            deadline: Deadline::Unspecified,
            due: None,
            overdue: false,
            about_oneself: false,
        }));
    }

    pub(super) fn approved(&mut self, id: &[u8], terms: Option<&wire::Terms>) {
        self.request_mut(id).approved = terms.cloned();
    }

    pub(super) fn ask(&mut self, by: By<'_>, it: &wire::RequestAccess) -> Why {
        let mut no = Vec::new();
        let terms = it.terms.clone().unwrap();
        self.acts_with(by, &it.using_department, Right::Use, &mut no);
        self.officer(by, &mut no);
        self.in_catalogue(&it.dataset, &it.collector, &mut no);
        if self.body(&it.using_department) == self.body(&it.collector) {
            no.push("body.same");
        }
        self.listed(&it.purpose, Some(&it.legal_basis), &mut no);
        self.sound(&terms, &it.dataset, &it.using_department, &mut no);
        self.follows_on(it, &mut no);
        let Some(dataset) = self.dataset(&it.dataset) else { return no };
        let category = category(&dataset.entry, &terms.fields);
        let statutory = self.parameters.statutory_bases.contains(&it.legal_basis);
        if category == Category::NotShared && !statutory {
            no.push("dataset.not_shared");
        }
        if !no.is_empty() {
            return no;
        }
        let id = by.new_request();
        self.new_request(id.clone(), it.clone(), GrantKind::Unspecified);
        if category == Category::Unconditional {
            self.approved(&id, Some(&terms));
            self.move_on(&id, RequestState::Approved, Deadline::Confirm);
        } else {
            self.move_on(&id, RequestState::Requested, Deadline::Decide);
        }
        no
    }

    /// A renewal follows on a grant of the same parties and data that was not revoked.
    fn follows_on(&self, it: &wire::RequestAccess, no: &mut Why) {
        if it.renews.is_empty() {
            return;
        }
        let Some(before) = self.grant(&it.renews) else {
            no.push("grant.unknown");
            return;
        };
        let same = before.dataset == it.dataset
            && before.collector == it.collector
            && before.user == it.using_department;
        if !same || before.last().state == GrantState::Revoked {
            no.push("renewal.other");
        }
    }

    /// What speaks against a step of a request: it must be there, in a state, and as it is said.
    fn expect(&self, id: &[u8], state: RequestState, said: Said<'_>, no: &mut Why) {
        let Some(it) = self.request(id) else {
            no.push("request.unknown");
            return;
        };
        if it.state != state {
            no.push("request.state");
        }
        let asked = &it.asked;
        if said != [&asked.dataset, &asked.collector, &asked.using_department] {
            no.push("request.contradiction");
        }
    }

    pub(super) fn want_supplement(&mut self, by: By<'_>, it: &wire::AskSupplement) -> Why {
        let mut no = Vec::new();
        self.collects(by, &it.collector, &mut no);
        let said: Said<'_> = [&it.dataset, &it.collector, &it.using_department];
        self.expect(&it.request_id, RequestState::Requested, said, &mut no);
        if no.is_empty() {
            self.move_on(&it.request_id, RequestState::Supplement, Deadline::Unspecified);
        }
        no
    }

    pub(super) fn supplement(&mut self, by: By<'_>, it: &wire::SupplementRequest) -> Why {
        let mut no = Vec::new();
        self.acts_with(by, &it.using_department, Right::Use, &mut no);
        self.officer(by, &mut no);
        let said: Said<'_> = [&it.dataset, &it.collector, &it.using_department];
        self.expect(&it.request_id, RequestState::Supplement, said, &mut no);
        if no.is_empty() {
            self.move_on(&it.request_id, RequestState::Requested, Deadline::Answer);
        }
        no
    }

    pub(super) fn decide(&mut self, by: By<'_>, it: &wire::DecideRequest) -> Why {
        let mut no = Vec::new();
        self.collects(by, &it.collector, &mut no);
        let said: Said<'_> = [&it.dataset, &it.collector, &it.using_department];
        self.expect(&it.request_id, RequestState::Requested, said, &mut no);
        let Some(request) = self.request(&it.request_id).cloned() else { return no };
        let Some(terms) = it.terms.as_ref().filter(|_| it.approve) else {
            if no.is_empty() {
                self.move_on(&it.request_id, RequestState::Refused, Deadline::Unspecified);
            }
            return no;
        };
        if wider_in(terms, request.asked.terms.as_ref().unwrap(), false) {
            no.push("terms.widen");
        }
        self.in_catalogue(&it.dataset, &it.collector, &mut no);
        self.sound(terms, &it.dataset, &it.using_department, &mut no);
        if request.kind == GrantKind::Delegated {
            let parent = request.parent.clone().unwrap();
            self.may_hang(&parent, &it.using_department, terms, &mut no);
        }
        if !no.is_empty() {
            return no;
        }
        self.approved(&it.request_id, Some(terms));
        let entry = &self.dataset(&it.dataset).unwrap().entry;
        let (state, deadline) = match category(entry, &terms.fields) {
            _ if request.kind == GrantKind::Delegated => {
                self.make_grant(&it.request_id, "");
                (RequestState::Granted, Deadline::Unspecified)
            }
            Category::NotShared => (RequestState::Exception, Deadline::Exception),
            _ => (RequestState::Approved, Deadline::Confirm),
        };
        self.move_on(&it.request_id, state, deadline);
        no
    }

    pub(super) fn exception(&mut self, by: By<'_>, it: &wire::ApproveException) -> Why {
        let mut no = Vec::new();
        if it.lead != self.parameters.lead {
            no.push("lead.needed");
        }
        self.acts(by, &it.lead, &mut no);
        self.officer(by, &mut no);
        let said: Said<'_> = [&it.dataset, &it.collector, &it.using_department];
        self.expect(&it.request_id, RequestState::Exception, said, &mut no);
        let lead = self.body(&it.lead);
        if self.body(&it.collector) == lead || self.body(&it.using_department) == lead {
            no.push("body.same");
        }
        if no.is_empty() {
            let (state, deadline) = match it.approve {
                true => (RequestState::Approved, Deadline::Confirm),
                false => (RequestState::Refused, Deadline::Unspecified),
            };
            self.move_on(&it.request_id, state, deadline);
        }
        no
    }

    pub(super) fn offer(&mut self, by: By<'_>, it: &wire::OfferStanding) -> Why {
        let mut no = Vec::new();
        let terms = it.terms.clone().unwrap();
        self.collects(by, &it.collector, &mut no);
        self.in_catalogue(&it.dataset, &it.collector, &mut no);
        self.fields_known(&terms, &it.dataset, &mut no);
        let open = self.dataset(&it.dataset).is_some_and(|it| {
            category(&it.entry, &terms.fields) == Category::Unconditional
                && grade(&it.entry, &terms.fields) == 1
        });
        let shared = self
            .dataset(&it.dataset)
            .is_some_and(|it| category(&it.entry, &terms.fields) != Category::NotShared);
        if !(open || it.self_service && shared) {
            no.push("offer.not_open");
        }
        if !no.is_empty() {
            return no;
        }
        let asked = wire::RequestAccess {
            dataset: it.dataset.clone(),
            collector: it.collector.clone(),
            terms: Some(terms.clone()),
            ..Default::default()
        };
        let id = by.new_request();
        self.new_request(id.clone(), asked, GrantKind::Standing);
        self.request_mut(&id).class.clone_from(&it.class);
        self.request_mut(&id).about_oneself = it.self_service;
        self.approved(&id, Some(&terms));
        self.move_on(&id, RequestState::Approved, Deadline::Confirm);
        no
    }

    pub(super) fn confirm(&mut self, by: By<'_>, it: &wire::ConfirmGrant) -> Why {
        let mut no = Vec::new();
        self.acts_with(by, &it.manager, Right::Manage, &mut no);
        self.officer(by, &mut no);
        let said: Said<'_> = [&it.dataset, &it.collector, &it.using_department];
        self.expect(&it.request_id, RequestState::Approved, said, &mut no);
        self.is_manager(&it.manager, &it.collector, &it.using_department, &mut no);
        self.three_bodies(&it.using_department, &it.collector, &it.manager, &mut no);
        if let Some(terms) = self.request(&it.request_id).and_then(|it| it.approved.as_ref())
            && it.confirm
        {
            self.not_operated_by(&terms.identity_ids, &it.manager, &mut no);
        }
        if !no.is_empty() {
            return no;
        }
        if it.confirm {
            self.make_grant(&it.request_id, &it.manager);
            self.move_on(&it.request_id, RequestState::Granted, Deadline::Unspecified);
        } else {
            self.move_on(&it.request_id, RequestState::Returned, Deadline::Unspecified);
        }
        no
    }
}
