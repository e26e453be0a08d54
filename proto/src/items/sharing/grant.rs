//! What the rules of requests and grants have in common: looking them up, their deadlines, making a
//! grant, and ending it with all that hangs from it.

use crate::items::fields::{Checked, code, code_if_given, id};
use crate::items::member::identity;
use crate::items::oversight::{
    integrity::{self, Fault},
    marks,
};
use crate::items::sharing::grants;
use crate::ledger::unless_refused;
use crate::ledger::{Draft, Halt, Refusal, calendar, timers, words};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::{IdentityId, RequestId, TimeMs, limits};
use crate::wire::{
    self, Deadline, GrantEnd, GrantState, IntegrityRule, RequestState, Right, TimerKind,
    ledger_event::Kind,
};
use prost::Message;
use std::sync::Arc;

/// What an item says of the request or grant that it is about.
pub(crate) struct Stated<'a> {
    pub(crate) request_id: &'a [u8],
    pub(crate) dataset: &'a str,
    pub(crate) collector: &'a str,
    pub(crate) using_department: &'a str,
}

/// Takes from an item what it says of its request or grant.
macro_rules! stated {
    ($it:expr) => {
        $crate::items::sharing::grant::Stated {
            request_id: &$it.request_id,
            dataset: &$it.dataset,
            collector: &$it.collector,
            using_department: &$it.using_department,
        }
    };
}
pub(crate) use stated;

/// Checks that what an item says of a grant is so.
pub(crate) fn same(stated: &Stated<'_>, grant: &wire::Grant) -> Result<(), Refusal> {
    stated.must_be([&grant.dataset, &grant.collector, &grant.using_department])
}

impl Stated<'_> {
    /// A grant for a class has no using department.
    pub(crate) fn check(&self) -> Checked {
        id("request_id", self.request_id)?;
        code("dataset", self.dataset)?;
        code("collector", self.collector)?;
        code_if_given("using_department", self.using_department)
    }

    /// Where an item on a request or grant is filed.
    pub(crate) fn trails(&self) -> Vec<Place> {
        trails(self.dataset, self.request_id)
    }

    pub(crate) fn must_be(&self, asked: [&str; 3]) -> Result<(), Refusal> {
        let [dataset, collector, using_department] = asked;
        let checks = [
            (self.dataset == dataset, "dataset"),
            (self.collector == collector, "collector"),
            (self.using_department == using_department, "using_department"),
        ];
        match checks.into_iter().find(|(holds, _)| !holds) {
            Some((_, field)) => {
                let request = hex::encode(self.request_id);
                Err(Refusal::RequestContradiction { request, field })
            }
            None => Ok(()),
        }
    }
}

/// The request that an item is about, which must be in this state and as the item says.
pub(crate) fn request(
    draft: &Draft<'_>,
    stated: &Stated<'_>,
    state: RequestState,
) -> Result<(RequestId, wire::Request), Halt> {
    let id = RequestId::from_slice(stated.request_id).unwrap_or_default();
    let request: Option<Arc<wire::Request>> = draft.get(&Place::request(&id))?;
    let request = request.ok_or_else(|| Refusal::UnknownRequest(id.to_string()))?;
    if request.state() != state {
        let (request, state) = (id.to_string(), words::request(request.state()));
        return Err(Refusal::RequestState { request, state }.into());
    }
    let asked = request.asked.clone().unwrap_or_default();
    stated.must_be([&asked.dataset, &asked.collector, &asked.using_department])?;
    Ok((id, (*request).clone()))
}

/// The grant of an id.
pub(crate) fn grant_of(draft: &Draft<'_>, id: &RequestId) -> Result<Arc<wire::Grant>, Halt> {
    let grant: Option<Arc<wire::Grant>> = draft.get(&Place::grant(id))?;
    grant.ok_or_else(|| Refusal::UnknownGrant(id.to_string()).into())
}

/// The grant that an item is about, which must be as the item says and not have ended.
pub(crate) fn grant(
    draft: &Draft<'_>,
    stated: &Stated<'_>,
) -> Result<(RequestId, wire::Grant), Halt> {
    let id = RequestId::from_slice(stated.request_id).unwrap_or_default();
    let grant = grant_of(draft, &id)?;
    same(stated, &grant)?;
    if grants::has_ended(grants::state(&grant)) {
        return Err(Refusal::GrantEnded(id.to_string()).into());
    }
    Ok((id, (*grant).clone()))
}

/// Checks that one of those who granted signs, and that the item names the manager truly: the
/// collector, the manager, or for a grant that was passed on whoever did that. Gives which.
pub(crate) fn grantor(
    draft: &Draft<'_>,
    signer: &TxHeader,
    grant: &wire::Grant,
    manager: &str,
) -> Result<String, Halt> {
    if grant.manager != manager {
        let request = hex::encode(&grant.request_id);
        return Err(Refusal::RequestContradiction { request, field: "manager" }.into());
    }
    if !manager.is_empty() && unless_refused(draft.acts_for(signer, manager))?.is_some() {
        draft.actor(signer, manager, Right::Manage)?;
        return Ok(manager.to_owned());
    }
    if !grant.parent_id.is_empty() {
        let id = RequestId::from_slice(&grant.parent_id).unwrap_or_default();
        let parent = grant_of(draft, &id)?;
        if unless_refused(draft.acts_for(signer, &parent.using_department))?.is_some() {
            draft.actor(signer, &parent.using_department, Right::Use)?;
            return Ok(parent.using_department.clone());
        }
    }
    draft.actor(signer, &grant.collector, Right::Collect)?;
    Ok(grant.collector.clone())
}

/// Keeps a request whose state changed: its clock stops, or begins anew with a deadline.
pub(crate) fn keep(
    draft: &mut Draft<'_>,
    id: &RequestId,
    mut request: wire::Request,
    state: RequestState,
    deadline: Deadline,
) -> Result<(), Halt> {
    if request.due_ms > 0 && !request.overdue {
        // Its timer may be due, and wait for room in a block.
        request_due(draft, id.as_bytes())?;
        let due = TimeMs::new(request.due_ms);
        timers::drop(draft, due, TimerKind::RequestDue, id.as_bytes());
    }
    let parameters = draft.parameters()?;
    let days = match deadline {
        Deadline::Unspecified => 0,
        Deadline::Decide | Deadline::Exception => parameters.decide_days,
        Deadline::Answer => parameters.answer_days,
        Deadline::Confirm => parameters.confirm_days,
    };
    request.state = state as i32;
    request.deadline = deadline as i32;
    request.overdue = false;
    request.due_ms = 0;
    if days > 0 {
        let due = calendar::due(draft, days)?;
        request.due_ms = due.get();
        timers::set(draft, due, TimerKind::RequestDue, id.as_bytes());
    }
    request.changed_height = draft.context().height.get();
    request.changed_time_ms = draft.context().time.get();
    draft.put(Place::request(id), request);
    Ok(())
}

/// A request's deadline passed: whoever was to act is at fault, and the request stays open.
pub(crate) fn request_due(draft: &mut Draft<'_>, about: &[u8]) -> Result<(), Halt> {
    let id = RequestId::from_slice(about).unwrap_or_default();
    let request: Option<Arc<wire::Request>> = draft.get(&Place::request(&id))?;
    let now = draft.context().time.get();
    let due = |it: &Arc<wire::Request>| it.due_ms > 0 && it.due_ms <= now && !it.overdue;
    let Some(request) = request.filter(due) else { return Ok(()) };
    let asked = request.asked.clone().unwrap_or_default();
    let department = match request.deadline() {
        Deadline::Unspecified => return Ok(()),
        Deadline::Decide | Deadline::Answer => asked.collector.clone(),
        Deadline::Exception => draft.parameters()?.lead.clone(),
        Deadline::Confirm => {
            let named = manager_for(draft, &asked.collector, &asked.using_department)?;
            named.map_or_else(|| Ok(draft.parameters()?.lead.clone()), Ok::<_, Halt>)?
        }
    };
    let (deadline, due_ms) = (request.deadline, request.due_ms);
    draft.put(Place::request(&id), wire::Request { overdue: true, ..(*request).clone() });
    draft.emit(Kind::DeadlineMissed(wire::DeadlineMissed {
        deadline,
        department: department.clone(),
        request_id: id.to_vec(),
        dataset: asked.dataset.clone(),
        due_ms,
    }));
    let fault = Fault {
        rule: IntegrityRule::DeadlineMissed,
        department: &department,
        identity: &[],
        dataset: &asked.dataset,
        request_id: id.as_bytes(),
        count: 1,
    };
    integrity::raise(draft, &fault).map(|_| ())
}

/// Who confirms grants of a collector, where the parameters name a manager: the deputy where the
/// manager is a party.
pub(crate) fn manager_for(
    draft: &Draft<'_>,
    collector: &str,
    user: &str,
) -> Result<Option<String>, Halt> {
    let parameters = draft.parameters()?;
    let collector = draft.department(collector)?;
    let fits = parameters.managers.iter().filter(|it| collector.division.starts_with(&it.division));
    let Some(named) = fits.max_by_key(|it| it.division.len()) else { return Ok(None) };
    let manager = draft.department(&named.manager)?;
    let user_body = match user {
        "" => String::new(),
        user => draft.department(user)?.body.clone(),
    };
    let is_party = manager.body == collector.body || manager.body == user_body;
    let acts = if is_party && !named.deputy.is_empty() { &named.deputy } else { &named.manager };
    Ok(Some(acts.clone()))
}

/// Checks that a department is the one that manages grants of a collector to a user.
pub(crate) fn manages(
    draft: &Draft<'_>,
    manager: &str,
    collector: &str,
    user: &str,
) -> Result<(), Halt> {
    match manager_for(draft, collector, user)? {
        Some(named) if named != manager => Err(Refusal::ManagerOther(named).into()),
        _ => Ok(()),
    }
}

/// No body decides on what it is party to: the bodies of user, collector and manager, of whom the
/// user may be a class.
pub(crate) fn three_bodies(
    draft: &Draft<'_>,
    user: &str,
    collector: &str,
    manager: &str,
) -> Result<[String; 3], Halt> {
    let body = |code: &str| match code {
        "" => Ok(String::new()),
        code => Ok::<_, Halt>(draft.department(code)?.body.clone()),
    };
    let bodies = [body(user)?, body(collector)?, body(manager)?];
    match grants::shared_body(bodies.each_ref().map(String::as_str)) {
        Some(body) => Err(Refusal::SameBody(body.to_owned()).into()),
        None => Ok(bodies),
    }
}

/// The body of the department that operates an identity for its own (委托运行).
pub(crate) fn operator_body(draft: &Draft<'_>, identity: &[u8]) -> Result<Option<String>, Halt> {
    let id = IdentityId::from_slice(identity).unwrap_or_default();
    let known: Option<Arc<wire::Identity>> = draft.get(&Place::identity(&id))?;
    let Some(known) = known.filter(|it| !it.operated_by.is_empty()) else { return Ok(None) };
    let operator: Option<Arc<wire::Department>> =
        draft.get(&Place::department(&known.operated_by))?;
    Ok(operator.map(|it| it.body.clone()))
}

/// Who operates one of the identities that are granted something does not confirm it.
pub(crate) fn operators_apart(
    draft: &Draft<'_>,
    identities: &[Vec<u8>],
    manager: &str,
) -> Result<(), Halt> {
    let manager = draft.department(manager)?;
    for id in identities {
        if operator_body(draft, id)?.is_some_and(|body| body == manager.body) {
            let known = identity::get(draft, id)?;
            let identity = format!("{}/{}", known.department, known.code);
            let operator = known.operated_by.clone();
            return Err(Refusal::OperatorManages { identity, operator }.into());
        }
    }
    Ok(())
}

/// Makes the grant of a request, active from this block on.
pub(crate) fn make(
    draft: &mut Draft<'_>,
    request: &wire::Request,
    manager: &str,
    [using_body, collector_body, manager_body]: [String; 3],
) {
    let asked = request.asked.clone().unwrap_or_default();
    let terms = request.approved.clone().unwrap_or_default();
    let until = TimeMs::new(terms.until_ms);
    let grant = wire::Grant {
        request_id: request.request_id.clone(),
        dataset: asked.dataset,
        reference: asked.reference,
        using_department: asked.using_department,
        collector: asked.collector,
        manager: manager.to_owned(),
        using_body,
        collector_body,
        manager_body,
        purpose: asked.purpose,
        legal_basis: asked.legal_basis,
        terms: Some(terms),
        steps: vec![step(draft, GrantState::Active, "")],
        kind: request.kind,
        class: request.class.clone(),
        self_service: request.self_service,
        parent_id: request.parent_id.clone(),
        depth: request.depth,
        cause: Some(draft.cause().clone()),
        ..wire::Grant::default()
    };
    timers::set(draft, until, TimerKind::GrantExpires, &request.request_id);
    put(draft, grant);
}

/// Keeps a grant.
pub(crate) fn put(draft: &mut Draft<'_>, grant: wire::Grant) {
    let id = RequestId::from_slice(&grant.request_id).unwrap_or_default();
    draft.put(Place::grant(&id), grant);
}

/// A step of a grant's life, made by this block.
pub(crate) fn step(draft: &Draft<'_>, state: GrantState, by: &str) -> wire::GrantStep {
    let context = draft.context();
    wire::GrantStep {
        height: context.height.get(),
        time_ms: context.time.get(),
        state: state as i32,
        terms: None,
        by: by.to_owned(),
    }
}

/// A grant's period is over.
pub(crate) fn grant_expires(draft: &mut Draft<'_>, about: &[u8]) -> Result<(), Halt> {
    let id = RequestId::from_slice(about).unwrap_or_default();
    let grant: Option<Arc<wire::Grant>> = draft.get(&Place::grant(&id))?;
    let Some(grant) = grant else { return Ok(()) };
    let until = grants::terms(&grant).map_or(0, |terms| terms.until_ms);
    if grants::has_ended(grants::state(&grant)) || until > draft.context().time.get() {
        return Ok(());
    }
    end(draft, (*grant).clone(), GrantState::Expired, "", Some(GrantEnd::Expired))
}

/// Ends a grant, and all that hangs from it. `told`: why, where nobody's item says that it ended.
pub(crate) fn end(
    draft: &mut Draft<'_>,
    mut grant: wire::Grant,
    state: GrantState,
    by: &str,
    told: Option<GrantEnd>,
) -> Result<(), Halt> {
    grant.steps.push(step(draft, state, by));
    // What was made from data that should not be used is marked; not where its time was over.
    let marks = matches!(state, GrantState::Revoked | GrantState::NotRatified);
    if marks {
        marks::mark(draft, &grant.request_id)?;
    }
    if let Some(end) = told {
        tell_end(draft, &grant, end);
    }
    let mut hanging = grant.children.clone();
    put(draft, grant);
    // Bounded: no grant has more descendants than the limit.
    let mut ended = 0;
    while let Some(id) = hanging.pop().filter(|_| ended <= limits::DESCENDANTS) {
        ended = ended.saturating_add(1);
        let id = RequestId::from_slice(&id).unwrap_or_default();
        let mut child = (*grant_of(draft, &id)?).clone();
        hanging.extend(child.children.iter().cloned());
        if !grants::has_ended(grants::state(&child)) {
            child.steps.push(step(draft, GrantState::AncestorEnded, ""));
            tell_end(draft, &child, GrantEnd::Ancestor);
            if marks {
                marks::mark(draft, &child.request_id)?;
            }
            put(draft, child);
        }
    }
    Ok(())
}

fn tell_end(draft: &mut Draft<'_>, grant: &wire::Grant, end: GrantEnd) {
    draft.emit(Kind::GrantEnded(wire::GrantEnded {
        end: end as i32,
        request_id: grant.request_id.clone(),
        dataset: grant.dataset.clone(),
        using_department: grant.using_department.clone(),
    }));
}

/// The entry of a dataset that is in the catalogue, of this collector.
pub(crate) fn entry(
    draft: &Draft<'_>,
    dataset: &str,
    collector: &str,
) -> Result<wire::RegisterDataset, Halt> {
    let known = draft.dataset(dataset)?;
    let entry = known.registration.clone().unwrap_or_default();
    if entry.collector != collector {
        let (dataset, collector) = (dataset.to_owned(), entry.collector);
        return Err(Refusal::DatasetOfOther { dataset, collector }.into());
    }
    if known.retired_height.is_some() {
        return Err(Refusal::DatasetRetired(dataset.to_owned()).into());
    }
    Ok(entry)
}

/// Checks that a purpose is on the consortium's list.
pub(crate) fn listed_purpose(draft: &Draft<'_>, purpose: &str) -> Result<(), Halt> {
    if draft.parameters()?.purposes.iter().any(|it| it == purpose) {
        return Ok(());
    }
    Err(Refusal::UnknownPurpose(purpose.to_owned()).into())
}

/// Checks that purpose and legal basis are on the consortium's lists.
pub(crate) fn listed(draft: &Draft<'_>, purpose: &str, basis: &str) -> Result<(), Halt> {
    listed_purpose(draft, purpose)?;
    let parameters = draft.parameters()?;
    if !parameters.legal_bases.iter().any(|it| it == basis) {
        return Err(Refusal::UnknownLegalBasis(basis.to_owned()).into());
    }
    Ok(())
}

/// A request that begins in this state, without a deadline yet.
pub(crate) fn begun(
    id: RequestId,
    asked: wire::RequestAccess,
    kind: wire::GrantKind,
) -> wire::Request {
    wire::Request {
        request_id: id.to_vec(),
        asked: Some(asked),
        kind: kind as i32,
        ..wire::Request::default()
    }
}

/// The trail of a grant, for an id that is one.
pub(crate) fn trail(request: &[u8]) -> Option<Place> {
    RequestId::from_slice(request).ok().map(|id| Place::grant_trail(&id))
}

/// The trails of a grant and its dataset.
pub(crate) fn trails(dataset: &str, request: &[u8]) -> Vec<Place> {
    [Place::dataset_trail(dataset)].into_iter().chain(trail(request)).collect()
}

/// Of an item whose event gives its name to a request.
pub(crate) fn begins(header: &TxHeader, number: u32, dataset: &str) -> Vec<Place> {
    vec![Place::dataset_trail(dataset), Place::grant_trail(&header.request_id(number))]
}

/// Refuses where a grant has had so many steps, or such long ones, that only what ends it is taken.
pub(crate) fn has_room(grant: &wire::Grant) -> Result<(), Halt> {
    if grant.steps.len() < limits::GRANT_STEPS && grant.encoded_len() < limits::GRANT_BYTES {
        return Ok(());
    }
    let of = hex::encode(&grant.request_id);
    Err(Refusal::TooManyOf { what: words::STEPS, of, limit: limits::GRANT_STEPS }.into())
}
