//! What a proposal that passed changes. Refused where it can't hold.

use crate::header::validators::ValidatorSet;
use crate::items::governance::validator_history;
use crate::items::member::department;
use crate::items::oversight::integrity;
use crate::ledger::{Draft, Halt, Object, Refusal, calendar, former, intervals, parameters, words};
use crate::place::Place;
use crate::types::{IdentityId, KeyId, limits};
use crate::wire::{self, IdentityKind, Right, ledger_event::Kind, propose::Change};
use std::sync::Arc;

/// The protocol that every chain begins with, whichever a program knows.
const FOUNDING_PROTOCOL: u32 = 1;
/// Blocks between the one that passes a change of validators and the first that they sign.
const VALIDATORS_AFTER: u64 = 2;

pub(crate) fn enact(draft: &mut Draft<'_>, change: &Change) -> Result<(), Halt> {
    match change {
        Change::AdmitVoter(it) => admit_voter(draft, it),
        Change::ChangeMember(it) => {
            department::change(draft, &it.department, it.change(), true)?;
            draft.emit(Kind::DepartmentChanged(wire::DepartmentChanged {
                department: it.department.clone(),
                change: it.change,
                because_of: it.department.clone(),
            }));
            Ok(())
        }
        Change::SetRights(it) => {
            let mut named = (*draft.department(&it.department)?).clone();
            let manages = it.rights.contains(&(Right::Manage as i32));
            if !manages && department::manages(draft, &it.department)? {
                return Err(Refusal::InOffice(it.department.clone()).into());
            }
            named.rights.clone_from(&it.rights);
            former::keep_department(draft, &mut named)?;
            draft.put(Place::department(&it.department), named);
            member_changed(draft, &it.department);
            Ok(())
        }
        Change::SetValidator(it) => set_validator(draft, it),
        Change::SetParameters(it) => set_parameters(draft, it),
        Change::SetCalendar(it) => set_calendar(draft, it),
        Change::SetProtocol(it) => set_protocol(draft, it),
        Change::SetRoot(it) => set_root(draft, it),
        Change::Succeed(it) => department::succeed(draft, it),
        Change::RemovePeer(it) => remove_peer(draft, &it.peer_id),
        Change::VoidIntegrity(it) => integrity::void(draft, it),
    }
}

fn member_changed(draft: &mut Draft<'_>, department: &str) {
    let department = department.to_owned();
    draft.emit(Kind::MemberChanged(wire::MemberChanged { department }));
}

/// The id of the identity that the event at hand makes.
fn identity_id(draft: &Draft<'_>) -> IdentityId {
    let cause = draft.cause();
    let key = KeyId::from_slice(&cause.key_id).unwrap_or_default();
    IdentityId::of_event(&key, cause.number)
}

fn admit_voter(draft: &mut Draft<'_>, it: &wire::AdmitVoter) -> Result<(), Halt> {
    let code = match &it.department {
        Some(new) => {
            department::admit(draft, new, identity_id(draft))?;
            if it.weight == 0 {
                member_changed(draft, &new.code);
                return Ok(());
            }
            new.code.clone()
        }
        None => {
            if it.weight > 0 {
                department::serves(draft, &it.member)?;
            }
            draft.department(&it.member)?.code.clone()
        }
    };
    if it.weight == 0 && draft.parameters()?.lead == code {
        return Err(Refusal::InOffice(code).into());
    }
    let suspended = !intervals::is_open(&draft.department(&code)?.standing);
    let mut voters = department::voters(draft)?;
    let at = voters.voters.binary_search_by(|voter| voter.department.cmp(&code));
    let voter = wire::Voter { department: code.clone(), weight: it.weight, suspended };
    match at {
        Ok(at) if it.weight == 0 => {
            voters.voters.remove(at);
        }
        Ok(at) => {
            if let Some(known) = voters.voters.get_mut(at) {
                *known = voter;
            }
        }
        Err(_) if it.weight == 0 => return Err(Refusal::NoVote(code).into()),
        Err(at) => voters.voters.insert(at, voter),
    }
    department::put_voters(draft, voters)?;
    member_changed(draft, &code);
    Ok(())
}

fn set_validator(draft: &mut Draft<'_>, it: &wire::SetValidator) -> Result<(), Halt> {
    let new = it.validator.clone().unwrap_or_default();
    let place = Place::validator_schedule();
    let schedule: Option<Arc<wire::ValidatorSchedule>> = draft.get(&place)?;
    let mut schedule = schedule.map(|it| (*it).clone()).unwrap_or_default();
    let mut set = schedule.sets.last().map(|it| it.validators.clone()).unwrap_or_default();
    let at = set.binary_search_by(|one| one.key_id.cmp(&new.key_id));
    match at {
        Ok(at) if new.power == 0 => {
            set.remove(at);
        }
        Err(_) if new.power == 0 => {
            return Err(Refusal::BadValidator(words::word(
                "this key is no validator's",
                "该密钥不属于验证节点",
            ))
            .into());
        }
        at => {
            is_node(draft, &new)?;
            match at {
                Ok(at) => {
                    if let Some(known) = set.get_mut(at) {
                        *known = new;
                    }
                }
                Err(at) => set.insert(at, new),
            }
        }
    }
    ValidatorSet::from_wire(&set).map_err(|_| {
        Refusal::BadValidator(
            words::word("the set would have none or too many, more power than 2^60, or a key that can't be used", "验证节点集合为空或过大、权重超过 2^60，或含不可用的密钥"),
        )
    })?;
    let height = draft.context().height.get();
    let from_height = height.saturating_add(VALIDATORS_AFTER);
    schedule.sets.retain(|it| it.from_height != from_height);
    // What signs the next block is the oldest still needed.
    validator_history::keep_past(draft, &mut schedule, height.saturating_add(1));
    schedule.sets.push(wire::ScheduledValidators { from_height, validators: set });
    draft.put(place, schedule);
    match &it.peer {
        Some(peer) => set_peer(draft, peer),
        None => Ok(()),
    }
}

/// A validator's key is that of a node on the ledger.
fn is_node(draft: &Draft<'_>, it: &wire::Validator) -> Result<(), Halt> {
    let id = KeyId::from_slice(&it.key_id).unwrap_or_default();
    let key: Option<Arc<wire::Key>> = draft.get(&Place::key(&id))?;
    let key = key.filter(|key| intervals::is_open(&key.standing));
    let key = key.ok_or_else(|| Refusal::UnknownKey(id.to_string()))?;
    let identity = crate::items::member::identity::get(draft, &key.identity_id)?;
    if identity.kind() != IdentityKind::Node || key.public_key != it.public_key {
        return Err(Refusal::BadValidator(words::word(
            "the key is not that of a node on the ledger",
            "该密钥不属于账本上的节点",
        ))
        .into());
    }
    Ok(())
}

fn set_peer(draft: &mut Draft<'_>, peer: &wire::Peer) -> Result<(), Halt> {
    draft.department(&peer.department)?;
    let place = Place::peers();
    let peers: Option<Arc<wire::Peers>> = draft.get(&place)?;
    let mut peers = peers.map(|it| (*it).clone()).unwrap_or_default();
    peers.peers.retain(|it| it.peer_id != peer.peer_id);
    if peers.peers.len() >= limits::PEERS {
        let (of, limit) = (draft.parameters()?.lead.clone(), limits::PEERS);
        return Err(Refusal::TooManyOf { what: words::PEERS, of, limit }.into());
    }
    peers.peers.push(wire::Peer { removed: false, ..peer.clone() });
    peers.peers.sort_by(|a, b| (&a.department, &a.peer_id).cmp(&(&b.department, &b.peer_id)));
    draft.put(place, peers);
    Ok(())
}

/// A network key that was lost or stolen, or a node that is no more.
fn remove_peer(draft: &mut Draft<'_>, peer_id: &str) -> Result<(), Halt> {
    let place = Place::peers();
    let peers: Option<Arc<wire::Peers>> = draft.get(&place)?;
    let mut peers = peers.map(|it| (*it).clone()).unwrap_or_default();
    let found = peers.peers.iter_mut().find(|it| it.peer_id == peer_id && !it.removed);
    // It stays marked: a node's own settings may name it still.
    found.ok_or_else(|| Refusal::UnknownPeer(peer_id.to_owned()))?.removed = true;
    draft.put(place, peers);
    Ok(())
}

fn set_parameters(draft: &mut Draft<'_>, it: &wire::SetParameters) -> Result<(), Halt> {
    let mut new = it.parameters.clone().unwrap_or_default();
    parameters::check(&new).map_err(Refusal::BadParameters)?;
    let before = Object::from((*draft.parameters()?).clone());
    if before.map_value().as_bytes().as_slice() != it.basis {
        return Err(Refusal::ParametersMoved.into());
    }
    department::serves(draft, &new.lead)?;
    if !department::has_vote(draft, &new.lead)? {
        return Err(Refusal::NoVote(new.lead).into());
    }
    let managers = new.managers.iter().flat_map(|it| [&it.manager, &it.deputy]);
    for code in managers.filter(|code| !code.is_empty()) {
        department::serves(draft, code)?;
        if !draft.department(code)?.rights.contains(&(Right::Manage as i32)) {
            let (department, right) = (code.clone(), words::right(Right::Manage));
            return Err(Refusal::RightMissing { department, right }.into());
        }
    }
    former::keep_parameters(draft, &mut new)?;
    draft.put(Place::parameters(), new);
    Ok(())
}

fn set_calendar(draft: &mut Draft<'_>, it: &wire::Calendar) -> Result<(), Halt> {
    if !calendar::is_sound(it) {
        return Err(Refusal::BadCalendar(u64::from(it.year)).into());
    }
    draft.put(Place::calendar(it.year), it.clone());
    Ok(())
}

/// The protocol that follows the one in force: further ahead no program could go on, and a vote could not
/// take it back. One that has not begun can be put off, moved up, or called off: whoever names the protocol in force
/// at the height for which another is planned.
fn set_protocol(draft: &mut Draft<'_>, it: &wire::SetProtocol) -> Result<(), Halt> {
    let place = Place::protocol_schedule();
    let before: Option<Arc<wire::ProtocolSchedule>> = draft.get(&place)?;
    let wanted = wire::ProtocolSchedule { protocol: it.protocol, height: it.height };
    let height = draft.context().height.get();
    let in_force = match before.as_deref() {
        Some(it) if it.height <= height => it.protocol,
        Some(it) => it.protocol.saturating_sub(1),
        None => FOUNDING_PROTOCOL,
    };
    if let Some(planned) = before.as_deref().filter(|planned| planned.height > height)
        && (it.protocol, it.height) == (in_force, planned.height)
    {
        draft.put(place, wire::ProtocolSchedule { protocol: in_force, height });
        return Ok(());
    }
    let (protocol, next) = (it.protocol, in_force.saturating_add(1));
    let earliest = height.saturating_add(VALIDATORS_AFTER);
    let moves = before.as_deref() != Some(&wanted);
    if protocol != next || it.height < earliest || !moves {
        return Err(Refusal::ProtocolHeight { protocol, height: it.height, next, earliest }.into());
    }
    draft.put(place, wanted);
    Ok(())
}

/// New root keys at once, where the consortium votes so.
fn set_root(draft: &mut Draft<'_>, it: &wire::SetRoot) -> Result<(), Halt> {
    department::may_have_root(draft, &it.department)?;
    let id = identity_id(draft);
    department::next_root(draft, &it.department, id, it.root.as_ref())?;
    department::take_root(draft, &it.department, id.as_bytes())
}
