//! The two halves of an access (两端留痕): what a gateway recorded and what its user acknowledged. Only
//! the side whose half is missing when their time is over is at fault: the user where the access number could reach it, the
//! collector where its gateway's receipt shows that there was an access.

use crate::event::Outcome;
pub use crate::items::access::coverage::reaches_user;
use crate::items::access::{
    numbers,
    own_grant::{self, Named},
    receipt,
};
use crate::items::fields::{Checked, code, ensure, id, id_if_given};
use crate::items::kind::ItemKind;
use crate::items::member::identity;
use crate::items::oversight::{
    integrity::{self, Fault},
    watches::{self, Concern},
};
use crate::items::sharing::{grant, grants, sensitivity};
use crate::ledger::{
    Draft, Halt, Refusal,
    authority::needs_keeper,
    calendar::{HOUR_MS, hour_of},
    timers,
};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::{RequestId, TimeMs};
use crate::wire::{self, GrantKind, IntegrityRule, TimerKind, WatchKind};
use std::collections::BTreeSet;
use std::sync::Arc;

/// From this grade up each access is acknowledged by itself.
const SINGLY_FROM_GRADE: u32 = 3;

/// Whose halves are counted together.
#[derive(Clone, Copy)]
struct Counted<'a> {
    request_id: &'a [u8],
    hour: u64,
    department: &'a str,
    dataset: &'a str,
    collector: &'a str,
}

impl Counted<'_> {
    fn place(&self) -> Place {
        Place::halves(self.request_id, self.hour, self.department)
    }

    /// The half of one access.
    fn half(&self, gateway: &[u8], access_no: u64) -> Place {
        Place::half(self.request_id, gateway, access_no, self.department)
    }

    /// When both halves must be there. No earlier than records may come late.
    fn due(&self, grace_ms: u64) -> TimeMs {
        let end = self.hour.saturating_add(1).saturating_mul(HOUR_MS);
        TimeMs::new(end.saturating_add(grace_ms))
    }
}

/// The counts of an hour's halves, with their timer where they begin; `None` when their time is over.
fn open(draft: &mut Draft<'_>, it: Counted<'_>) -> Result<Option<wire::Halves>, Halt> {
    let known: Option<Arc<wire::Halves>> = draft.get(&it.place())?;
    if let Some(known) = known {
        return Ok(Some((*known).clone()));
    }
    let due = it.due(draft.parameters()?.half_grace_ms);
    if due <= draft.context().time {
        return Ok(None);
    }
    timers::set(draft, due, TimerKind::HalvesDue, it.place().id());
    let (dataset, collector) = (it.dataset.to_owned(), it.collector.to_owned());
    Ok(Some(wire::Halves { dataset, collector, ..wire::Halves::default() }))
}

/// The counts of an hour whose time is over, opened again for what is recorded late: they are due as those of now are.
fn open_again(draft: &mut Draft<'_>, it: Counted<'_>) -> Result<wire::Halves, Halt> {
    let now = Counted { hour: hour_of(draft.context().time), ..it };
    let due = now.due(draft.parameters()?.half_grace_ms);
    timers::set(draft, due, TimerKind::HalvesDue, it.place().id());
    let (dataset, collector) = (it.dataset.to_owned(), it.collector.to_owned());
    Ok(wire::Halves { dataset, collector, late: true, ..wire::Halves::default() })
}

/// A gateway recorded what it served: the user's half is wanted, under each grant that is the
/// asker's own.
pub(crate) fn recorded(
    draft: &mut Draft<'_>,
    gateway: &[u8],
    it: &wire::RecordAccess,
) -> Result<(), Halt> {
    let Some(asker) = &it.asker else { return Ok(()) };
    let mut counted_before: BTreeSet<&[u8]> = BTreeSet::new();
    for access in &it.accesses {
        let Named::Own(grant) = own_grant::named(draft, it, access)? else { continue };
        // Who took the user's place acknowledges under grants of its own.
        let users = is_users(draft, &grant, &asker.department)?;
        if !counted_before.insert(&access.request_id) || !users {
            continue;
        }
        let counted = Counted {
            request_id: &access.request_id,
            hour: hour_of_access(&grant, it, draft.context().time),
            department: &asker.department,
            dataset: &grant.dataset,
            collector: &it.collector,
        };
        let dataset = draft.dataset(&access.dataset)?;
        let by_itself = is_owed_singly(dataset.registration.as_ref(), &grant, it, access);
        // Acknowledged by itself beforehand, it waits for its gateway no longer; below that grade it is summed all the same.
        let there = waited_for(draft, gateway, it, counted)?;
        if by_itself {
            if !there {
                singly(draft, gateway, it, counted)?;
            }
            continue;
        }
        // A sum speaks of all else, also of what it does not owe.
        let reaches = reaches_user(it);
        let halves = match open(draft, counted)? {
            Some(halves) => Some(halves),
            // Coming late spares nobody its half, and is summed like the rest.
            None if reaches && !there => Some(open_again(draft, counted)?),
            None => None,
        };
        if let Some(mut halves) = halves {
            let count = if reaches { &mut halves.recorded } else { &mut halves.followed };
            *count = count.saturating_add(1);
            halves.gateway_id = gateway.to_vec();
            draft.put(counted.place(), halves);
        }
    }
    Ok(())
}

/// The hour, since the Unix epoch, whose sum speaks of a record under a grant that came in a block of this time. No earlier than the
/// grant: its user can give no sum of an hour before.
#[must_use]
pub fn hour_of_access(grant: &wire::Grant, it: &wire::RecordAccess, block_time: TimeMs) -> u64 {
    hour_of(TimeMs::new(it.access_time_ms).min(block_time)).max(begun(grant))
}

/// The hour in which a grant begins.
fn begun(grant: &wire::Grant) -> u64 {
    hour_of(TimeMs::new(grant.steps.first().map_or(0, |step| step.time_ms)))
}

/// Whether a department acknowledges accesses under a grant: its user, or one of its class.
fn is_users(draft: &Draft<'_>, grant: &wire::Grant, code: &str) -> Result<bool, Halt> {
    if grant.kind() == GrantKind::Internal {
        return Ok(false);
    }
    let Some(class) = &grant.class else { return Ok(grant.using_department == code) };
    let department: Option<Arc<wire::Department>> = draft.get(&Place::department(code))?;
    Ok(department.is_some_and(|it| grants::is_of_class(&it, class)))
}

/// Whether the user owes the half of an access by itself, and not in the sum of its hour: the number reached it, and what was read
/// is of grade 3 or above. `dataset` as it is registered; `None` where it never was.
#[must_use]
pub fn is_owed_singly(
    dataset: Option<&wire::RegisterDataset>,
    grant: &wire::Grant,
    record: &wire::RecordAccess,
    access: &wire::DatasetAccess,
) -> bool {
    reaches_user(record) && grade(dataset, grant, access) >= SINGLY_FROM_GRADE
}

fn grade(
    dataset: Option<&wire::RegisterDataset>,
    grant: &wire::Grant,
    access: &wire::DatasetAccess,
) -> u32 {
    let empty = wire::Terms::default();
    let terms = grants::terms(grant).unwrap_or(&empty);
    let fields = if access.fields.is_empty() { &terms.fields } else { &access.fields };
    dataset.map_or(4, |it| sensitivity::grade(it, fields))
}

/// Whether the user's half of an access waited for the gateway's, which is here now.
fn waited_for(
    draft: &mut Draft<'_>,
    gateway: &[u8],
    it: &wire::RecordAccess,
    counted: Counted<'_>,
) -> Result<bool, Halt> {
    let place = counted.half(gateway, it.access_no);
    let other: Option<Arc<wire::Half>> = draft.get(&place)?;
    let Some(other) = other.filter(|it| it.is_users) else { return Ok(false) };
    matched(draft, place, &other, it.row_count, counted)?;
    Ok(true)
}

/// One access that is acknowledged by itself. Its hour is that of the half that came first.
fn singly(
    draft: &mut Draft<'_>,
    gateway: &[u8],
    it: &wire::RecordAccess,
    counted: Counted<'_>,
) -> Result<(), Halt> {
    let place = counted.half(gateway, it.access_no);
    let hour = hour_of(draft.context().time);
    let counted = Counted { hour, ..counted };
    if let Some(mut halves) = open(draft, counted)? {
        halves.user_missing = halves.user_missing.saturating_add(1);
        halves.gateway_id = gateway.to_vec();
        draft.put(counted.place(), halves);
        let half = wire::Half { hour, row_count: it.row_count, ..wire::Half::default() };
        draft.put(place, half);
    }
    Ok(())
}

/// Both halves are there.
fn matched(
    draft: &mut Draft<'_>,
    place: Place,
    first: &wire::Half,
    row_count: Option<u64>,
    counted: Counted<'_>,
) -> Result<(), Halt> {
    draft.remove(place);
    let counted = Counted { hour: first.hour, ..counted };
    let halves: Option<Arc<wire::Halves>> = draft.get(&counted.place())?;
    if let Some(halves) = halves {
        let mut halves = (*halves).clone();
        let missing = match (first.is_users, first.has_receipt) {
            (true, true) => &mut halves.gateway_missing,
            (true, false) => &mut halves.unsupported,
            (false, _) => &mut halves.user_missing,
        };
        *missing = missing.saturating_sub(1);
        draft.put(counted.place(), halves);
    }
    // Who does not know how many rows there were says nothing against the other.
    let differ = first.row_count.zip(row_count).is_some_and(|(one, other)| one != other);
    if differ {
        let concern = Concern {
            department: counted.department,
            dataset: counted.dataset,
            request_id: counted.request_id,
            ..Concern::default()
        };
        watches::alert(draft, WatchKind::HalvesDiffer, concern)?;
    }
    Ok(())
}

/// A receipt comes for what was acknowledged without one: from here on its collector is at fault where it does not record it.
fn supported(
    draft: &mut Draft<'_>,
    place: Place,
    first: &wire::Half,
    (counted, gateway): (Counted<'_>, &[u8]),
) -> Result<(), Halt> {
    let before = Counted { hour: first.hour, ..counted };
    let known: Option<Arc<wire::Halves>> = draft.get(&before.place())?;
    if let Some(known) = known {
        let unsupported = known.unsupported.saturating_sub(1);
        draft.put(before.place(), wire::Halves { unsupported, ..(*known).clone() });
    }
    if let Some(mut halves) = open(draft, counted)? {
        halves.gateway_missing = halves.gateway_missing.saturating_add(1);
        halves.gateway_id = gateway.to_vec();
        draft.put(counted.place(), halves);
        draft.put(place, wire::Half { has_receipt: true, hour: counted.hour, ..*first });
    }
    Ok(())
}

/// Checks that the user of a grant signs, and that the item says whose data it was.
fn user(draft: &Draft<'_>, signer: &TxHeader, stated: &grant::Stated<'_>) -> Result<(), Halt> {
    draft.acts_for(signer, stated.using_department)?;
    needs_keeper(draft, signer)?;
    let id = RequestId::from_slice(stated.request_id).unwrap_or_default();
    let grant = grant::grant_of(draft, &id)?;
    if !is_users(draft, &grant, stated.using_department)? {
        let (request, field) = (id.to_string(), "using_department");
        return Err(Refusal::RequestContradiction { request, field }.into());
    }
    let of = if grant.class.is_some() { stated.using_department } else { &grant.using_department };
    Ok(stated.must_be([&grant.dataset, &grant.collector, of])?)
}

impl ItemKind for wire::Acknowledge {
    fn check(&self) -> Checked {
        parties(&self.request_id, [&self.dataset, &self.collector, &self.using_department])?;
        id("gateway_id", &self.gateway_id)?;
        ensure(self.access_no > 0, "access_no", "numbers begin at 1")?;
        id_if_given("result_digest", &self.result_digest)?;
        self.receipt.as_ref().map_or(Ok(()), receipt::check)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::acknowledgements_trail(&self.request_id)]
    }

    /// The user acknowledges one access. A number that waits for no half is evidence, and no more; one that is not
    /// recorded is the collector's fault only where its gateway's receipt says that there was an access.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        user(draft, signer, &grant::stated!(self))?;
        identity::must_be_of(draft, &self.gateway_id, &self.collector)?;
        if let Some(receipt) = &self.receipt {
            receipt::holds(draft, receipt, self)?;
        }
        let has_receipt = self.receipt.is_some();
        let now = hour_of(draft.context().time);
        let counted = Counted {
            request_id: &self.request_id,
            hour: now,
            department: &self.using_department,
            dataset: &self.dataset,
            collector: &self.collector,
        };
        let place = counted.half(&self.gateway_id, self.access_no);
        let is_numbered = numbers::is_numbered(draft, &self.gateway_id, self.access_no)?;
        let other: Option<Arc<wire::Half>> = draft.get(&place)?;
        match other {
            Some(other) if !other.is_users => {
                matched(draft, place, &other, self.row_count, counted)?;
            }
            Some(other) if has_receipt && !other.has_receipt && !is_numbered => {
                supported(draft, place, &other, (counted, &self.gateway_id))?;
            }
            Some(_) => {}
            None if is_numbered => {}
            None => {
                if let Some(mut halves) = open(draft, counted)? {
                    let missing = match has_receipt {
                        true => &mut halves.gateway_missing,
                        false => &mut halves.unsupported,
                    };
                    *missing = missing.saturating_add(1);
                    halves.gateway_id.clone_from(&self.gateway_id);
                    draft.put(counted.place(), halves);
                    let (hour, row_count) = (now, self.row_count);
                    draft.put(place, wire::Half { is_users: true, hour, row_count, has_receipt });
                }
            }
        }
        Ok(Outcome::DONE)
    }
}

impl ItemKind for wire::AcknowledgeHour {
    fn check(&self) -> Checked {
        parties(&self.request_id, [&self.dataset, &self.collector, &self.using_department])?;
        id("root", &self.root)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::acknowledgements_trail(&self.request_id)]
    }

    /// The user's sum of an hour; a later one takes the place of the one before.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        user(draft, signer, &grant::stated!(self))?;
        if self.hour >= hour_of(draft.context().time) {
            return Err(Refusal::HourRuns(self.hour).into());
        }
        let id = RequestId::from_slice(&self.request_id).unwrap_or_default();
        if self.hour < begun(&*grant::grant_of(draft, &id)?) {
            let (request, field) = (id.to_string(), "hour");
            return Err(Refusal::RequestContradiction { request, field }.into());
        }
        let counted = Counted {
            request_id: &self.request_id,
            hour: self.hour,
            department: &self.using_department,
            dataset: &self.dataset,
            collector: &self.collector,
        };
        if let Some(mut halves) = open(draft, counted)? {
            halves.summed = self.count;
            draft.put(counted.place(), halves);
        }
        Ok(Outcome::DONE)
    }
}

/// The time for both halves is over.
pub(crate) fn due(draft: &mut Draft<'_>, about: &[u8]) -> Result<(), Halt> {
    let place = Place::object(crate::place::ObjectKind::Halves, about);
    let halves: Option<Arc<wire::Halves>> = draft.get(&place)?;
    let Some(halves) = halves else { return Ok(()) };
    draft.remove(place);
    let Some((request_id, rest)) = about.split_first_chunk::<32>() else { return Ok(()) };
    let department = rest.get(8..).and_then(|it| std::str::from_utf8(it).ok()).unwrap_or_default();
    let users = halves.user_missing.saturating_add(halves.recorded.saturating_sub(halves.summed));
    let gateways = halves.gateway_missing;
    let sides: [(u64, &str, &[u8]); 2] =
        [(users, department, &[]), (gateways, &halves.collector, &halves.gateway_id)];
    for (count, department, identity) in sides.into_iter().filter(|(count, ..)| *count > 0) {
        let fault = Fault {
            rule: IntegrityRule::HalfMissing,
            department,
            identity,
            dataset: &halves.dataset,
            request_id,
            count,
        };
        integrity::raise(draft, &fault)?;
    }
    // What only the user's word supports is for both to look into, and nobody's fault.
    let all = halves.recorded.saturating_add(halves.followed);
    if halves.unsupported > 0 || halves.summed > all && !halves.late {
        for department in [department, &halves.collector] {
            let dataset = halves.dataset.as_str();
            let concern = Concern { department, dataset, request_id, ..Concern::default() };
            watches::alert(draft, WatchKind::HalvesDiffer, concern)?;
        }
    }
    Ok(())
}

pub(crate) fn parties(
    request_id: &[u8],
    [dataset, collector, using_department]: [&str; 3],
) -> Checked {
    id("request_id", request_id)?;
    code("dataset", dataset)?;
    code("collector", collector)?;
    code("using_department", using_department)
}
