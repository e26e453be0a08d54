//! A gateway records an access. What happened is never refused for being embarrassing; it is
//! judged, counted, watched, and answered for.

use crate::event::{Outcome, Reason, Verdict};
use crate::items::access::{
    bulk, coverage, halves, numbers, observing,
    own_grant::{self, Named},
    set_aside::{self, Holder},
    uses::add_use,
};
use crate::items::fields::{
    Checked, ascending, code, ensure, ensure_of, id, id_if_given, operation, wrong,
};
use crate::items::kind::ItemKind;
use crate::items::oversight::{
    integrity::{self, Fault},
    watches::{self, Concern},
};
use crate::items::sharing::{grant, grants};
use crate::ledger::{Draft, Halt, Refusal, authority::needs_officer};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::{RequestId, limits};
use crate::wire::{self, GrantEnd, GrantState, IntegrityRule, Right, WatchKind};
use std::sync::Arc;

impl ItemKind for wire::RecordAccess {
    fn check(&self) -> Checked {
        code("collector", &self.collector)?;
        ensure(self.access_no > 0, "access_no", "numbers begin at 1")?;
        let decision = wire::Decision::try_from(self.decision)
            .map_err(|_| wrong("decision", "unknown decision"))?;
        ensure(decision != wire::Decision::Unspecified, "decision", "served or denied is needed")?;
        ensure(
            wire::Channel::try_from(self.channel).is_ok_and(|it| it != wire::Channel::Unspecified),
            "channel",
            "how the gateway knew is needed: door, api, log or file",
        )?;
        // Who decides before serving knows what it serves; who reads a log may not be able to tell.
        let may_be_untold = self.channel() != wire::Channel::Door;
        ensure(
            may_be_untold || !self.accesses.is_empty(),
            "accesses",
            "at least one dataset is needed",
        )?;
        let order: Vec<(&str, i32)> =
            self.accesses.iter().map(|one| (one.dataset.as_str(), one.operation)).collect();
        ascending("accesses", &order, limits::RECORD_DATASETS)?;
        for one in &self.accesses {
            dataset_access(one)?;
            let is_known = may_be_untold || !one.grant_unknown;
            ensure(
                is_known,
                "accesses.grant_unknown",
                "who decides before serving knows the grant",
            )?;
        }
        party("asker", self.asker.as_ref().ok_or_else(|| wrong("asker", "an asker is needed"))?)?;
        if let Some(via) = &self.via {
            party("via", via)?;
        }
        id_if_given("via_message_digest", &self.via_message_digest)?;
        let carried = self.via.is_some() || self.via_message_digest.is_empty();
        ensure(carried, "via_message_digest", "a message id belongs to a platform")?;
        if let Some(observing) = &self.observing {
            let served = decision == wire::Decision::Served;
            ensure(served, "observing", "who observes serves")?;
            if !observing.denied.is_empty() {
                code("observing.denied", &observing.denied)?;
            }
        }
        if let Some(on_behalf_of) = &self.on_behalf_of {
            party("on_behalf_of", on_behalf_of)?;
        }
        self.self_service.as_ref().map_or(Ok(()), |it| about_oneself(self, it))?;
        if let Some(it) = &self.break_glass {
            let served = decision == wire::Decision::Served;
            ensure(served, "break_glass", "a door that was opened by hand serves")?;
            id("break_glass.officer_id", &it.officer_id)?;
            code("break_glass.cause", &it.cause)?;
            id("break_glass.statement_digest", &it.statement_digest)?;
        }
        if !self.purpose.is_empty() {
            code("purpose", &self.purpose)?;
        }
        subjects(self)?;
        id("query_digest", &self.query_digest)?;
        id_if_given("result_digest", &self.result_digest)?;
        id_if_given("statement_digest", &self.statement_digest)?;
        ensure(self.access_time_ms > 0, "access_time_ms", "a time is needed")
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        touched(self)
    }

    fn first_trail(&self, header: &TxHeader) -> Option<Place> {
        Some(Place::gateway_trail(&header.identity))
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        numbers::gateway(draft, signer, &self.collector)?;
        numbered(draft, signer, self)
    }
}

impl ItemKind for wire::ManualHandover {
    fn check(&self) -> Checked {
        let given = self.record.as_ref().ok_or_else(|| wrong("record", "a record is needed"))?;
        ItemKind::check(given)?;
        let served = given.decision() == wire::Decision::Served;
        ensure(served, "record.decision", "what is handed over is served")?;
        ensure(!given.accesses.is_empty(), "record.accesses", "at least one dataset is needed")?;
        id("medium_digest", &self.medium_digest)
    }

    fn trails(&self, header: &TxHeader, _number: u32) -> Vec<Place> {
        let own = Place::gateway_trail(&header.identity);
        self.record.iter().flat_map(touched).chain([own]).collect()
    }

    /// Data handed over on a disk: an officer of the collector stands in for a gateway.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        let record = self.record.clone().unwrap_or_default();
        draft.actor(signer, &record.collector, Right::Collect)?;
        needs_officer(draft, signer)?;
        numbered(draft, signer, &record)
    }
}

fn numbered(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::RecordAccess,
) -> Result<Outcome, Halt> {
    datasets_known(draft, it)?;
    let gateway = signer.identity.as_bytes();
    let time = Some(it.access_time_ms);
    numbers::take_number(draft, gateway, &it.collector, it.access_no, time)?;
    judged(draft, gateway, it, true)
}

/// What the rules make of a record, and nothing of what follows from it: who signs is a gateway of
/// the collector, the datasets are the collector's, and coverage. Gives which access decided.
pub(crate) fn judge(
    draft: &Draft<'_>,
    signer: &TxHeader,
    it: &wire::RecordAccess,
) -> Result<(Outcome, usize), Halt> {
    numbers::gateway(draft, signer, &it.collector)?;
    datasets_known(draft, it)?;
    coverage::judge(draft, signer.identity.as_bytes(), it)
}

/// Checks that the datasets of a record are its collector's.
pub(crate) fn datasets_known(draft: &Draft<'_>, it: &wire::RecordAccess) -> Result<(), Halt> {
    for access in &it.accesses {
        let dataset = draft.dataset(&access.dataset)?;
        let collector = dataset.registration.as_ref().map_or("", |it| it.collector.as_str());
        if collector != it.collector {
            let (dataset, collector) = (access.dataset.clone(), collector.to_owned());
            return Err(Refusal::DatasetOfOther { dataset, collector }.into());
        }
    }
    Ok(())
}

/// The outcome of a record on the ledger: coverage, and whether it names a grant that is another's. Gives which
/// access decided.
pub(crate) fn outcome(
    draft: &Draft<'_>,
    gateway: &[u8],
    it: &wire::RecordAccess,
) -> Result<(Outcome, usize), Halt> {
    let (outcome, at) = coverage::judge(draft, gateway, it)?;
    let names_others = own_grant::names_others(draft, it)?;
    Ok((Outcome { names_others, ..outcome }, at))
}

/// Judges a record, and all that follows from it. `halves`: whether its user's half is wanted.
pub(crate) fn judged(
    draft: &mut Draft<'_>,
    gateway: &[u8],
    it: &wire::RecordAccess,
    halves: bool,
) -> Result<Outcome, Halt> {
    let (outcome, at) = outcome(draft, gateway, it)?;
    if outcome.verdict != Verdict::Denied {
        count(draft, gateway, it)?;
        if halves {
            halves::recorded(draft, gateway, it)?;
        }
        bulk::expected(draft, gateway, it)?;
        bulk::unknown(draft, it)?;
    }
    if it.accesses.is_empty() && outcome.verdict != Verdict::Denied {
        let concern = Concern { department: &it.collector, ..Concern::default() };
        watches::alert(draft, WatchKind::DatasetUnknown, concern)?;
    }
    let is_observed = observing::is_observed(draft, gateway, it)?;
    let is_against = matches!(outcome.verdict, Verdict::Uncovered | Verdict::WouldBeDenied);
    let access = it.accesses.get(at).filter(|_| is_against);
    if is_observed && is_against {
        observing::alert(draft, it, access, outcome.reason)?;
    } else if let Some(access) = access {
        uncovered(draft, gateway, it, access, outcome.reason)?;
    } else if it.observing.is_some() && !is_observed {
        observing::claimed(draft, it)?;
    }
    watches::record(draft, it, outcome.future)?;
    Ok(outcome)
}

/// The collector is at fault, whose gateway served what was not covered; where its user asked for
/// more than was granted, the user.
fn uncovered(
    draft: &mut Draft<'_>,
    gateway: &[u8],
    it: &wire::RecordAccess,
    access: &wire::DatasetAccess,
    reason: Reason,
) -> Result<(), Halt> {
    let id = RequestId::from_slice(&access.request_id).ok();
    let grant: Option<Arc<wire::Grant>> = match id {
        Some(id) => draft.get(&Place::grant(&id))?,
        None => None,
    };
    let asker = it.asker.as_ref().filter(|it| !it.identity_id.is_empty());
    let (rule, department, identity) = match (reason, asker) {
        // What hangs from a grant that others used up its user can't see.
        (Reason::QuotaExceeded, Some(asker)) if is_over(draft, it, grant.as_deref())? => {
            (IntegrityRule::QuotaExceeded, asker.department.as_str(), asker.identity_id.as_slice())
        }
        _ => (IntegrityRule::Uncovered, it.collector.as_str(), gateway),
    };
    // What names no grant of its own is filed with the dataset alone.
    let request_id = match own_grant::named(draft, it, access)? {
        Named::Own(_) => access.request_id.as_slice(),
        Named::None | Named::Others => &[],
    };
    let dataset = access.dataset.as_str();
    let fault = Fault { rule, department, identity, dataset, request_id, count: 1 };
    integrity::raise(draft, &fault).map(|_| ())
}

/// Whether a grant's own quota is exceeded, with this record counted.
fn is_over(
    draft: &Draft<'_>,
    it: &wire::RecordAccess,
    grant: Option<&wire::Grant>,
) -> Result<bool, Halt> {
    let Some(grant) = grant else { return Ok(false) };
    let id = RequestId::from_slice(&grant.request_id).unwrap_or_default();
    let used: Option<Arc<wire::GrantUse>> = draft.get(&Place::grant_use(&id))?;
    let Some(used) = used else { return Ok(false) };
    let quota = grants::terms(grant).and_then(|terms| terms.quota).unwrap_or_default();
    let day = coverage::day_of_use(draft, it).day;
    let today = used.days.iter().find(|one| one.day == day).copied().unwrap_or_default();
    let over = |used: u64, limit: u64| limit > 0 && used > limit;
    Ok(over(used.queries, quota.queries_total)
        || over(used.rows, quota.rows_total)
        || over(today.queries, quota.queries_per_day)
        || over(today.rows, quota.rows_per_day))
}

/// Counts what was served under each grant named that is the record's own, covered or not, and under
/// all that it hangs from.
fn count(draft: &mut Draft<'_>, gateway: &[u8], it: &wire::RecordAccess) -> Result<(), Halt> {
    for on in counted_on(draft, it)? {
        let grant: Option<Arc<wire::Grant>> = draft.get(&Place::grant(&on.grant))?;
        if let Some(grant) = grant {
            count_one(draft, gateway, it, on, &grant)?;
        }
    }
    Ok(())
}

/// A grant on whose use a record counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountsOn {
    /// It.
    pub grant: RequestId,
    /// The one that the record names: this, or one that hangs from it.
    pub named: RequestId,
}

/// The grants on whose use a record counts: its own, and all that these hang from.
pub(crate) fn counted_on(
    draft: &Draft<'_>,
    it: &wire::RecordAccess,
) -> Result<Vec<CountsOn>, Halt> {
    let mut counted: Vec<CountsOn> = Vec::new();
    for access in &it.accesses {
        let Named::Own(own) = own_grant::named(draft, it, access)? else { continue };
        let mut id = RequestId::from_slice(&own.request_id).ok();
        let named = id.unwrap_or_default();
        while let Some(this) = id.filter(|id| counted.iter().all(|it| it.grant != *id)) {
            let grant: Option<Arc<wire::Grant>> = draft.get(&Place::grant(&this))?;
            let Some(grant) = grant else { break };
            counted.push(CountsOn { grant: this, named });
            id = RequestId::from_slice(&grant.parent_id).ok();
        }
    }
    Ok(counted)
}

fn count_one(
    draft: &mut Draft<'_>,
    gateway: &[u8],
    it: &wire::RecordAccess,
    on: CountsOn,
    grant: &wire::Grant,
) -> Result<(), Halt> {
    let CountsOn { grant: id, named } = on;
    let holder = Holder { gateway, named: named.as_bytes() };
    let place = Place::grant_use(&id);
    let used: Option<Arc<wire::GrantUse>> = draft.get(&place)?;
    let mut used = used.map(|it| (*it).clone()).unwrap_or_default();
    let before = (used.queries, used.rows);
    let since = set_aside::open_since(draft.context().time, &*draft.parameters()?);
    if !add_use(&mut used, holder, it, coverage::day_of_use(draft, it), since) {
        return Ok(());
    }
    let after = (used.queries, used.rows);
    let quota = grants::terms(grant).and_then(|terms| terms.quota).unwrap_or_default();
    let reached = |used: u64, limit: u64| limit > 0 && used >= limit;
    let exhausted =
        reached(used.queries, quota.queries_total) || reached(used.rows, quota.rows_total);
    draft.put(place, used);
    if watches::nearly_used(draft, before.0, after.0, quota.queries_total)?
        || watches::nearly_used(draft, before.1, after.1, quota.rows_total)?
    {
        let department = grant.using_department.as_str();
        let department = if department.is_empty() { &grant.collector } else { department };
        let request_id = id.as_bytes().as_slice();
        let dataset = grant.dataset.as_str();
        let concern = Concern { department, dataset, request_id, ..Concern::default() };
        watches::alert(draft, WatchKind::QuotaNearlyUsed, concern)?;
    }
    if exhausted && !grants::has_ended(grants::state(grant)) {
        let told = Some(GrantEnd::Exhausted);
        grant::end(draft, grant.clone(), GrantState::Exhausted, "", told)?;
    }
    Ok(())
}

/// Who asks about himself is one subject, and nobody's identity.
fn about_oneself(record: &wire::RecordAccess, it: &wire::SelfService) -> Checked {
    wire::Assurance::try_from(it.login)
        .map_err(|_| wrong("self_service.login", "unknown assurance"))?;
    let alone = record.on_behalf_of.is_none();
    ensure(alone, "self_service", "who asks about himself asks for no identity")?;
    let subjects = record.subjects.as_ref();
    let is_one = subjects.is_none_or(|it| it.tags.len() <= 1 && it.bulk.is_none() && !it.whole);
    ensure(is_one, "self_service", "who asks about himself is one subject")
}

pub(crate) fn party(field: &'static str, it: &wire::Party) -> Checked {
    id_if_given(field, &it.identity_id)?;
    id_if_given(field, &it.unmapped_digest)?;
    let one = it.identity_id.is_empty() != it.unmapped_digest.is_empty();
    ensure(one, field, "an identity, or the digest of an unmapped account: one of the two")?;
    if it.identity_id.is_empty() {
        ensure(it.department.is_empty(), field, "an unmapped account has no department")?;
    } else {
        code(field, &it.department)?;
    }
    wire::Assurance::try_from(it.assurance).map_err(|_| wrong(field, "unknown assurance"))?;
    Ok(())
}

pub(crate) fn dataset_access(it: &wire::DatasetAccess) -> Checked {
    code("accesses.dataset", &it.dataset)?;
    operation("accesses.operation", it.operation)?;
    id_if_given("accesses.request_id", &it.request_id)?;
    let is_one = !it.grant_unknown || it.request_id.is_empty();
    ensure(is_one, "accesses.grant_unknown", "a grant that is named is known")?;
    ascending("accesses.fields", &it.fields, limits::FIELDS)?;
    for field in &it.fields {
        code("accesses.fields", field)?;
    }
    Ok(())
}

pub(crate) fn subjects(record: &wire::RecordAccess) -> Checked {
    let given = record.subjects.as_ref();
    let it = given.ok_or_else(|| wrong("subjects", "subjects are needed, listed or unknown"))?;
    ascending("subjects.tags", &it.tags, limits::RECORD_TAGS)?;
    for tag in &it.tags {
        id("subjects.tags", tag)?;
    }
    let few = !it.tags.is_empty() || it.unknown_count > 0 || it.uncounted;
    if let Some(bulk) = &it.bulk {
        let fits = (1..=limits::BULK_SUBJECTS).contains(&bulk.count);
        ensure_of(fits, "subjects.bulk.count", || {
            format!("a bulk set has 1 to 100,000,000 subjects, not {}", bulk.count)
        })?;
        id("subjects.bulk.root", &bulk.root)?;
        ensure(!few && !it.whole, "subjects.bulk", "a bulk set stands alone")?;
        ensure(
            !record.accesses.is_empty(),
            "subjects.bulk",
            "whose datasets can't be told has none",
        )?;
    }
    if it.whole {
        let all_named = record.accesses.iter().all(|one| one.version > 0);
        let named = all_named && !record.accesses.is_empty();
        ensure(named && !few, "subjects.whole", "whole versions are named, and stand alone")?;
    }
    Ok(())
}

/// Whose data a record is about, which datasets it touched, and under which grants.
pub(crate) fn touched(it: &wire::RecordAccess) -> Vec<Place> {
    let mut about: Vec<Place> = Vec::new();
    for access in &it.accesses {
        about.push(Place::dataset_trail(&access.dataset));
        about
            .extend(RequestId::from_slice(&access.request_id).ok().map(|id| Place::use_trail(&id)));
    }
    if let Some(subjects) = &it.subjects {
        about.extend(subjects.tags.iter().map(|tag| Place::subject_trail(&it.collector, tag)));
        if subjects.bulk.is_some() || subjects.whole {
            about.push(Place::unlisted_trail(&it.collector));
        }
    }
    about
}
