//! What several rules do to departments: admit them, stop and start them with all beneath, give
//! them another root, let another take their place.

use crate::items::member::{identity, objection};
use crate::ledger::{Draft, Halt, Refusal, calendar, intervals, timers, words};
use crate::place::Place;
use crate::types::{IdentityId, TimeMs, limits};
use crate::wire::{self, IdentityKind, StandingChange, TimerKind, ledger_event::Kind};
use std::sync::Arc;

/// Whether a department stands somewhere beneath another in government.
pub(crate) fn is_beneath(draft: &Draft<'_>, code: &str, above: &str) -> Result<bool, Halt> {
    leads_to(draft, code, above, |it| &it.parent)
}

/// Whether a department is guided by another in its line, itself or through others.
pub(crate) fn is_guided(draft: &Draft<'_>, code: &str, above: &str) -> Result<bool, Halt> {
    leads_to(draft, code, above, |it| &it.guide)
}

fn leads_to(
    draft: &Draft<'_>,
    code: &str,
    above: &str,
    next: fn(&wire::Department) -> &String,
) -> Result<bool, Halt> {
    let mut code = next(&*draft.department(code)?).clone();
    for _ in 0..limits::SUPERIORS {
        if code == above {
            return Ok(true);
        }
        if code.is_empty() {
            break;
        }
        code = next(&*draft.department(&code)?).clone();
    }
    Ok(false)
}

/// The voters; nobody if there are none.
pub(crate) fn voters(draft: &Draft<'_>) -> Result<wire::Voters, Halt> {
    let voters: Option<Arc<wire::Voters>> = draft.get(&Place::voters())?;
    Ok(voters.map(|it| (*it).clone()).unwrap_or_default())
}

pub(crate) fn has_vote(draft: &Draft<'_>, code: &str) -> Result<bool, Halt> {
    Ok(voters(draft)?.voters.iter().any(|it| it.department == code))
}

/// A new member, with the root that its keys make; both from the next height on.
pub(crate) fn admit(
    draft: &mut Draft<'_>,
    new: &wire::NewDepartment,
    root_id: IdentityId,
) -> Result<(), Halt> {
    let place = Place::department(&new.code);
    let known: Option<Arc<wire::Department>> = draft.get(&place)?;
    if known.is_some() {
        return Err(Refusal::DepartmentExists(new.code.clone()).into());
    }
    if !new.guide.is_empty() {
        draft.department(&new.guide)?;
    }
    if !new.parent.is_empty() {
        let parent = draft.department(&new.parent)?;
        if new.level < parent.level {
            return Err(Refusal::LevelNotBelow(new.code.clone()).into());
        }
        if !new.division.starts_with(&parent.division) {
            let (division, outer) = (new.division.clone(), parent.division.clone());
            return Err(Refusal::DivisionOutside { division, outer }.into());
        }
        stands(&parent, &new.code)?;
        not_followed(&parent)?;
        add_beneath(draft, &new.parent, &new.code)?;
    }
    let mut standing = Vec::new();
    intervals::open(&mut standing, draft.context());
    let department = wire::Department {
        code: new.code.clone(),
        name_zh: new.name_zh.clone(),
        name_en: new.name_en.clone(),
        level: new.level,
        division: new.division.clone(),
        parent: new.parent.clone(),
        guide: new.guide.clone(),
        body: new.body.clone(),
        rights: new.rights.clone(),
        standing,
        root_id: root_id.to_vec(),
        ..wire::Department::default()
    };
    draft.put(place, department);
    new_root(draft, &new.code, "root".into(), root_id, new.root.as_ref(), true)
}

fn add_beneath(draft: &mut Draft<'_>, above: &str, code: &str) -> Result<(), Halt> {
    let place = Place::beneath(above);
    let list: Option<Arc<wire::Beneath>> = draft.get(&place)?;
    let mut list = list.map(|it| (*it).clone()).unwrap_or_default();
    if list.departments.len() >= limits::BENEATH {
        return Err(Refusal::TooManyBeneath(above.to_owned()).into());
    }
    if let Err(at) = list.departments.binary_search_by(|it| it.as_str().cmp(code)) {
        list.departments.insert(at, code.to_owned());
    }
    draft.put(place, list);
    Ok(())
}

/// A root identity and its keys, in force from the next height on or not yet.
fn new_root(
    draft: &mut Draft<'_>,
    department: &str,
    code: String,
    id: IdentityId,
    root: Option<&wire::RootKeys>,
    in_force: bool,
) -> Result<(), Halt> {
    let root = root.cloned().unwrap_or_default();
    let identity = wire::Identity {
        identity_id: id.to_vec(),
        department: department.to_owned(),
        code,
        kind: IdentityKind::Root as i32,
        threshold: root.threshold,
        ..wire::Identity::default()
    };
    identity::create(draft, identity, &root.keys, in_force)
}

/// New root keys of a department, as an identity that is in force at once or not yet.
pub(crate) fn next_root(
    draft: &mut Draft<'_>,
    department: &str,
    id: IdentityId,
    root: Option<&wire::RootKeys>,
) -> Result<(), Halt> {
    let code = format!("root-{}", draft.context().height);
    new_root(draft, department, code, id, root, false)
}

/// A department's pending or given root takes over from the one before.
pub(crate) fn take_root(draft: &mut Draft<'_>, code: &str, new: &[u8]) -> Result<(), Halt> {
    let mut department = (*draft.department(code)?).clone();
    let old = std::mem::replace(&mut department.root_id, new.to_vec());
    if let Some(pending) = department.pending_root.take().filter(|it| it.root_id != new) {
        identity::end(draft, &pending.root_id)?;
    }
    draft.put(Place::department(code), department);
    if !old.is_empty() {
        identity::end(draft, &old)?;
    }
    identity::start(draft, new)?;
    let (department, new_root_id) = (code.to_owned(), new.to_vec());
    let event = wire::RootReplaced { department, old_root_id: old, new_root_id };
    draft.emit(Kind::RootReplaced(event));
    Ok(())
}

/// Whether the parameters name a department as a manager or deputy.
pub(crate) fn manages(draft: &Draft<'_>, code: &str) -> Result<bool, Halt> {
    let parameters = draft.parameters()?;
    Ok(parameters.managers.iter().any(|it| it.manager == code || it.deputy == code))
}

/// Refuses where the department leads, or manages grants.
fn not_in_office(draft: &Draft<'_>, code: &str) -> Result<(), Halt> {
    if draft.parameters()?.lead == code || manages(draft, code)? {
        return Err(Refusal::InOffice(code.to_owned()).into());
    }
    Ok(())
}

/// Refuses where a department is suspended or ended.
pub(crate) fn in_force(draft: &Draft<'_>, code: &str) -> Result<(), Halt> {
    let one = draft.department(code)?;
    if !one.ended && intervals::is_open(&one.standing) {
        return Ok(());
    }
    let state = if one.ended { words::ENDED } else { words::SUSPENDED };
    Err(Refusal::StandingIs { name: code.to_owned(), state }.into())
}

/// Refuses where a department is suspended or ended, or another took its place.
pub(crate) fn serves(draft: &Draft<'_>, code: &str) -> Result<(), Halt> {
    in_force(draft, code)?;
    let one = draft.department(code)?;
    not_followed(&one)
}

/// A vote gives no root to a department that is gone, or that another's root has authority over.
pub(crate) fn may_have_root(draft: &Draft<'_>, code: &str) -> Result<(), Halt> {
    let one = draft.department(code)?;
    if one.ended {
        let state = words::ENDED;
        return Err(Refusal::StandingIs { name: code.to_owned(), state }.into());
    }
    not_followed(&one)
}

fn not_followed(one: &wire::Department) -> Result<(), Halt> {
    if one.successor.is_empty() {
        return Ok(());
    }
    Err(Refusal::AlreadySucceeded(one.code.clone()).into())
}

/// Suspends, reinstates or removes a department, from the next height on, and with it all beneath.
/// Without a vote that passed nobody with a vote may be stopped, wherever it stands beneath.
pub(crate) fn change(
    draft: &mut Draft<'_>,
    code: &str,
    change: StandingChange,
    by_vote: bool,
) -> Result<(), Halt> {
    let mut department = (*draft.department(code)?).clone();
    let is = |state| Refusal::StandingIs { name: code.to_owned(), state };
    if department.ended {
        return Err(is(words::ENDED).into());
    }
    let in_force = intervals::is_open(&department.standing);
    let context = *draft.context();
    match change {
        StandingChange::Reinstate => {
            if in_force {
                return Err(is(words::IN_FORCE).into());
            }
            above_in_force(draft, &department)?;
            intervals::open(&mut department.standing, &context);
            department.stopped_by.clear();
            objection::begins_anew(draft, &mut department)?;
        }
        StandingChange::Suspend if !in_force => return Err(is(words::SUSPENDED).into()),
        _ => {
            may_stop(draft, code, by_vote)?;
            if change == StandingChange::Suspend && !by_vote {
                intervals::may_pause(&department.standing, code)?;
            }
            if change == StandingChange::Revoke {
                nobody_beneath(draft, code)?;
            }
            intervals::close(&mut department.standing, &context);
            department.ended = change == StandingChange::Revoke;
            objection::stands(draft, &department);
        }
    }
    let ended = department.ended;
    let refused = department.pending_root.take_if(|_| ended);
    draft.put(Place::department(code), department);
    if let Some(refused) = refused {
        identity::end(draft, &refused.root_id)?;
    }
    count_votes(draft, code, change)?;
    all_beneath(draft, code, change == StandingChange::Reinstate, by_vote)
}

/// Refuses where a department is in office, or has a vote and no vote was taken.
fn may_stop(draft: &Draft<'_>, code: &str, by_vote: bool) -> Result<(), Halt> {
    not_in_office(draft, code)?;
    if !by_vote && has_vote(draft, code)? {
        return Err(Refusal::HasVote(code.to_owned()).into());
    }
    Ok(())
}

/// Whoever is removed for good must leave nobody beneath: they could never be reinstated.
fn nobody_beneath(draft: &Draft<'_>, code: &str) -> Result<(), Halt> {
    let list: Option<Arc<wire::Beneath>> = draft.get(&Place::beneath(code))?;
    for beneath in list.iter().flat_map(|it| &it.departments) {
        if !draft.department(beneath)?.ended {
            return Err(Refusal::HasBeneath(code.to_owned()).into());
        }
    }
    Ok(())
}

/// Whoever stands above a department must be in force before it can be.
fn above_in_force(draft: &Draft<'_>, department: &wire::Department) -> Result<(), Halt> {
    if department.parent.is_empty() {
        return Ok(());
    }
    let parent = draft.department(&department.parent)?;
    stands(&parent, &department.code)
}

fn stands(parent: &wire::Department, code: &str) -> Result<(), Halt> {
    if intervals::is_open(&parent.standing) {
        return Ok(());
    }
    let (department, above) = (code.to_owned(), parent.code.clone());
    Err(Refusal::StoppedAbove { department, above }.into())
}

/// A suspended department's vote is not counted; a removed one has none.
fn count_votes(draft: &mut Draft<'_>, code: &str, change: StandingChange) -> Result<(), Halt> {
    let mut voters = voters(draft)?;
    let Some(at) = voters.voters.iter().position(|it| it.department == code) else {
        return Ok(());
    };
    if change == StandingChange::Revoke {
        voters.voters.remove(at);
    } else if let Some(voter) = voters.voters.get_mut(at) {
        voter.suspended = change == StandingChange::Suspend;
    }
    put_voters(draft, voters)
}

/// Keeps the voters, of whom one at least must count.
pub(crate) fn put_voters(draft: &mut Draft<'_>, voters: wire::Voters) -> Result<(), Halt> {
    if !voters.voters.iter().any(|it| !it.suspended && it.weight > 0) {
        return Err(Refusal::LastVote.into());
    }
    draft.put(Place::voters(), voters);
    Ok(())
}

/// Stops all beneath a department, or starts again what was stopped because of it.
fn all_beneath(draft: &mut Draft<'_>, top: &str, start: bool, by_vote: bool) -> Result<(), Halt> {
    let mut above = vec![top.to_owned()];
    let mut seen = 0usize;
    while let Some(code) = above.pop() {
        let list: Option<Arc<wire::Beneath>> = draft.get(&Place::beneath(&code))?;
        for code in list.iter().flat_map(|it| &it.departments) {
            seen = seen.saturating_add(1);
            if seen > limits::BENEATH {
                return Err(Refusal::TooManyBeneath(top.to_owned()).into());
            }
            if one_beneath(draft, code, top, start, by_vote)? {
                above.push(code.clone());
            }
        }
    }
    Ok(())
}

/// Gives whether it had to be changed, and so those beneath it too.
fn one_beneath(
    draft: &mut Draft<'_>,
    code: &str,
    top: &str,
    start: bool,
    by_vote: bool,
) -> Result<bool, Halt> {
    let mut department = (*draft.department(code)?).clone();
    let context = *draft.context();
    let change = if start {
        if department.stopped_by != top || department.ended {
            return Ok(false);
        }
        department.stopped_by.clear();
        intervals::open(&mut department.standing, &context);
        objection::begins_anew(draft, &mut department)?;
        StandingChange::Reinstate
    } else {
        if !intervals::is_open(&department.standing) {
            return Ok(false);
        }
        may_stop(draft, code, by_vote)?;
        top.clone_into(&mut department.stopped_by);
        intervals::close(&mut department.standing, &context);
        objection::stands(draft, &department);
        StandingChange::Suspend
    };
    draft.put(Place::department(code), department);
    count_votes(draft, code, change)?;
    draft.emit(Kind::DepartmentChanged(wire::DepartmentChanged {
        department: code.to_owned(),
        change: change as i32,
        because_of: top.to_owned(),
    }));
    Ok(true)
}

/// One department takes another's place: from now on it acts for it and is one body with it, and
/// all beneath it are beneath the other.
pub(crate) fn succeed(draft: &mut Draft<'_>, it: &wire::Succession) -> Result<(), Halt> {
    let mut from = (*draft.department(&it.from)?).clone();
    let to = draft.department(&it.to)?;
    for one in [&from, &*to] {
        not_followed(one)?;
        in_force(draft, &one.code)?;
    }
    not_in_office(draft, &it.from)?;
    if it.overlap_until_ms <= draft.context().time.get() {
        return Err(Refusal::OverlapPast.into());
    }
    let reconfirm_days = draft.parameters()?.reconfirm_days;
    let due = calendar::due(draft, reconfirm_days)?;
    from.successor.clone_from(&it.to);
    draft.put(Place::department(&it.from), from);
    one_body(draft, it, due)?;
    move_up(draft, it)?;
    move_beneath(draft, it)?;
    let due = TimeMs::new(it.overlap_until_ms);
    timers::set(draft, due, TimerKind::OverlapEnds, it.from.as_bytes());
    let event = wire::DepartmentSucceeded { from: it.from.clone(), to: it.to.clone(), over: false };
    draft.emit(Kind::DepartmentSucceeded(event));
    Ok(())
}

/// The one that is followed on, and all whose place it took before, are one body with the other.
fn one_body(draft: &mut Draft<'_>, it: &wire::Succession, due: TimeMs) -> Result<(), Halt> {
    let mut to = (*draft.department(&it.to)?).clone();
    let from = draft.department(&it.from)?;
    let all: Vec<String> = [it.from.clone()].into_iter().chain(from.predecessors.clone()).collect();
    if to.predecessors.len().saturating_add(all.len()) > limits::BENEATH {
        return Err(Refusal::TooManyBeneath(it.to.clone()).into());
    }
    for code in &all {
        let mut one = (*draft.department(code)?).clone();
        one.body.clone_from(&to.body);
        one.reconfirm_due_ms = due.get();
        crate::ledger::former::keep_department(draft, &mut one)?;
        draft.put(Place::department(code), one);
        if *code != it.from {
            draft.emit(Kind::MemberChanged(wire::MemberChanged { department: code.clone() }));
        }
    }
    to.predecessors.extend(all);
    draft.put(Place::department(&it.to), to);
    Ok(())
}

/// Where it stood beneath the other, it stands from now on where the other did: else it would stand
/// beneath what is beneath it.
fn move_up(draft: &mut Draft<'_>, it: &wire::Succession) -> Result<(), Halt> {
    if !is_beneath(draft, &it.to, &it.from)? {
        return Ok(());
    }
    let above = draft.department(&it.from)?.parent.clone();
    let mut to = (*draft.department(&it.to)?).clone();
    let place = Place::beneath(&to.parent);
    let list: Option<Arc<wire::Beneath>> = draft.get(&place)?;
    let mut list = list.map(|it| (*it).clone()).unwrap_or_default();
    list.departments.retain(|code| *code != it.to);
    draft.put(place, list);
    to.parent.clone_from(&above);
    draft.put(Place::department(&it.to), to);
    if !above.is_empty() {
        add_beneath(draft, &above, &it.to)?;
    }
    draft.emit(Kind::MemberChanged(wire::MemberChanged { department: it.to.clone() }));
    Ok(())
}

fn move_beneath(draft: &mut Draft<'_>, it: &wire::Succession) -> Result<(), Halt> {
    let place = Place::beneath(&it.from);
    let list: Option<Arc<wire::Beneath>> = draft.get(&place)?;
    for code in list.iter().flat_map(|list| &list.departments) {
        let mut department = (*draft.department(code)?).clone();
        department.parent.clone_from(&it.to);
        draft.put(Place::department(code), department);
        add_beneath(draft, &it.to, code)?;
        draft.emit(Kind::MemberChanged(wire::MemberChanged { department: code.clone() }));
    }
    if list.is_some() {
        draft.remove(place);
    }
    Ok(())
}

/// The overlap is over: the root of the one that was followed on ends, and its vote.
pub(crate) fn overlap_ends(draft: &mut Draft<'_>, code: &str) -> Result<(), Halt> {
    let mut department = (*draft.department(code)?).clone();
    let root = std::mem::take(&mut department.root_id);
    let to = department.successor.clone();
    let pending = department.pending_root.take().map(|it| it.root_id);
    draft.put(Place::department(code), department);
    for root in [Some(root), pending].into_iter().flatten().filter(|root| !root.is_empty()) {
        identity::end(draft, &root)?;
    }
    let mut voters = voters(draft)?;
    let others = voters.voters.iter().any(|it| it.department != code && !it.suspended);
    if others {
        voters.voters.retain(|it| it.department != code);
        put_voters(draft, voters)?;
    }
    let event = wire::DepartmentSucceeded { from: code.to_owned(), to, over: true };
    draft.emit(Kind::DepartmentSucceeded(event));
    Ok(())
}
