//! Coverage (判定): whether an access was allowed, by the grant *as it stood* when the gateway
//! decided. This is the rule that nodes apply and that an offline verifier replays.
//!
//! The moment is the height by whose state the gateway decided, if it did so live; for a record
//! that comes later, the last block not after the time of access.

use crate::event::{Outcome, Reason, Timeliness, Verdict};
use crate::items::access::checks::{Check, Open, ensure, known, quota, within};
use crate::items::access::set_aside::{self, OfDay};
use crate::items::sharing::{
    grant,
    grants::{self, Moment},
    sensitivity,
};
use crate::ledger::{Draft, Halt, calendar, intervals};
use crate::place::Place;
use crate::types::{Height, IdentityId, RequestId, TimeMs};
use crate::wire::{self, GrantKind, GrantState};
use std::sync::Arc;

/// From this grade up the asker must be verified.
const VERIFIED_FROM_GRADE: u32 = 3;

/// The day on whose quota a record counts. A time in the future counts today: days that are not yet
/// must not push out those that are.
pub(crate) fn day_of_use(draft: &Draft<'_>, it: &wire::RecordAccess) -> OfDay {
    day_of(it, draft.context().time)
}

/// The day on whose quota a record counts that came in a block of this time. Who decides before serving, or serves, says so
/// at once: what comes later than an hour counts when it comes, else its time would pick the quota.
pub(crate) fn day_of(it: &wire::RecordAccess, block_time: TimeMs) -> OfDay {
    let time = TimeMs::new(it.access_time_ms).min(block_time);
    let at_once = !is_as_it_happens(it) || block_time.since(time) <= calendar::HOUR_MS;
    let day = calendar::day_of(if at_once { time } else { block_time });
    OfDay { day, runs: day == calendar::day_of(block_time) }
}

/// Whether the number that a gateway gave could reach the user: only then the user's half is owed. Of one that only observes
/// nobody is expected to know it yet.
#[must_use]
pub fn reaches_user(it: &wire::RecordAccess) -> bool {
    is_as_it_happens(it) && it.observing.is_none()
}

/// Whether the gateway knew of the access when it happened.
fn is_as_it_happens(it: &wire::RecordAccess) -> bool {
    match it.channel() {
        wire::Channel::Door | wire::Channel::Api => true,
        wire::Channel::Log | wire::Channel::File | wire::Channel::Unspecified => false,
    }
}

/// Judges a gateway's record whose datasets all exist. Gives which of its accesses decided.
pub(crate) fn judge(
    draft: &Draft<'_>,
    gateway: &[u8],
    it: &wire::RecordAccess,
) -> Result<(Outcome, usize), Halt> {
    let parameters = draft.parameters()?;
    let access_time = TimeMs::new(it.access_time_ms);
    let ahead = access_time.since(draft.context().time);
    let future = ahead > parameters.future_drift_ms;
    let (moment, decided) = moment(draft, it)?;
    let timeliness = timeliness(draft, it, &decided, &parameters);
    if it.decision() == wire::Decision::Denied {
        let (verdict, reason) = (Verdict::Denied, Reason::None);
        let names_others = false;
        return Ok((Outcome { verdict, reason, timeliness, future, names_others }, 0));
    }
    // Of what nobody can say where it was, nobody can say that it was allowed.
    let nowhere = (Verdict::Undetermined, Reason::DatasetUnknown);
    let begins = if it.accesses.is_empty() { nowhere } else { (Verdict::Covered, Reason::None) };
    let (mut worst, mut decides) = (begins, 0);
    for (at, access) in it.accesses.iter().enumerate() {
        let by = By { gateway, it, moment, decided: &decided, parameters: &parameters };
        let found = match judge_access(draft, by, access)? {
            Ok(kind) if !future => (allowed(kind), Reason::None),
            Ok(_) => (Verdict::Undetermined, Reason::FutureTime),
            Err(found) => found,
        };
        if weight(found.0) > weight(worst.0) {
            (worst, decides) = (found, at);
        }
    }
    let (verdict, reason) = observed(it, worst);
    // What is allowed names no grant but its own; of the rest the caller says so.
    let names_others = false;
    Ok((Outcome { verdict, reason, timeliness, future, names_others }, decides))
}

/// What a gateway that observes would have denied was not allowed, whatever the ledger finds.
fn observed(it: &wire::RecordAccess, found: (Verdict, Reason)) -> (Verdict, Reason) {
    let would_deny = it.observing.as_ref().is_some_and(|it| !it.denied.is_empty());
    match (would_deny, found) {
        (false, found) => found,
        (true, (_, Reason::None)) => (Verdict::WouldBeDenied, Reason::DeniedByGateway),
        (true, (_, reason)) => (Verdict::WouldBeDenied, reason),
    }
}

/// The verdict of an access that its grant allows.
fn allowed(kind: GrantKind) -> Verdict {
    match kind {
        GrantKind::Emergency => Verdict::Emergency,
        GrantKind::Internal => Verdict::Internal,
        GrantKind::Unspecified | GrantKind::Standing | GrantKind::Delegated => Verdict::Covered,
    }
}

/// Of several datasets the one that wants most attention decides.
fn weight(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::None | Verdict::Covered => 0,
        Verdict::Internal => 1,
        Verdict::Emergency => 2,
        Verdict::Undetermined => 3,
        Verdict::Uncovered | Verdict::Denied | Verdict::WouldBeDenied => 4,
    }
}

fn timeliness(
    draft: &Draft<'_>,
    it: &wire::RecordAccess,
    decided: &Decided,
    parameters: &wire::Parameters,
) -> Timeliness {
    let age = draft.context().time.since(TimeMs::new(it.access_time_ms));
    if matches!(decided, Decided::At(_)) && age <= parameters.live_age_ms {
        Timeliness::Live
    } else if age <= parameters.late_age_ms {
        Timeliness::Late
    } else {
        Timeliness::Backfill
    }
}

/// What is known of the block by which the gateway decided.
enum Decided {
    /// It did not decide by the ledger's state, or names a block later than the access: then it
    /// can't have decided by that, and what was granted in between must not count.
    Unsaid,
    /// The block's time.
    At(TimeMs),
    /// The block has left the window of recent ones: it is older than this, the window's oldest.
    OlderThan(TimeMs),
    /// A height that is not yet.
    Never,
}

/// A record is judged by the height that its gateway decided on if that block is known and not
/// later than the access; else by time.
fn moment(draft: &Draft<'_>, it: &wire::RecordAccess) -> Result<(Moment, Decided), Halt> {
    let access_time = TimeMs::new(it.access_time_ms);
    let by_time = Moment::Time(access_time);
    let Some(height) = it.decided_height.map(Height::new) else {
        return Ok((by_time, Decided::Unsaid));
    };
    if height >= draft.context().height {
        return Ok((by_time, Decided::Never));
    }
    let Some(block) = draft.recent_block(height)? else {
        return Ok((by_time, Decided::OlderThan(oldest_time(draft)?)));
    };
    let time = TimeMs::new(block.time_ms);
    Ok(match time <= access_time {
        true => (Moment::Height(height), Decided::At(time)),
        false => (by_time, Decided::Unsaid),
    })
}

/// The time of the block by which a record was decided, where that is known and counts.
pub(crate) fn decided_time(
    draft: &Draft<'_>,
    it: &wire::RecordAccess,
) -> Result<Option<TimeMs>, Halt> {
    Ok(match moment(draft, it)?.1 {
        Decided::At(time) => Some(time),
        Decided::Unsaid | Decided::OlderThan(_) | Decided::Never => None,
    })
}

/// The time of the oldest recent block.
fn oldest_time(draft: &Draft<'_>) -> Result<TimeMs, Halt> {
    let window: Option<Arc<wire::RecentWindow>> = draft.get(&Place::recent_window())?;
    let oldest = Height::new(window.map_or(0, |window| window.oldest_height));
    Ok(TimeMs::new(draft.recent_block(oldest)?.map_or(0, |block| block.time_ms)))
}

/// A record, and by what it is judged.
#[derive(Clone, Copy)]
struct By<'a> {
    gateway: &'a [u8],
    it: &'a wire::RecordAccess,
    moment: Moment,
    decided: &'a Decided,
    parameters: &'a wire::Parameters,
}

/// Judges one dataset of the record; gives the kind of grant that allows it.
fn judge_access(
    draft: &Draft<'_>,
    by: By<'_>,
    access: &wire::DatasetAccess,
) -> Result<Result<GrantKind, (Verdict, Reason)>, Halt> {
    let By { it, moment, decided, parameters, .. } = by;
    let failed = |reason| Ok(Err((Verdict::Uncovered, reason)));
    let Some(asker) = it.asker.as_ref().filter(|asker| !asker.identity_id.is_empty()) else {
        return failed(Reason::UnmappedAccount);
    };
    let Ok(id) = RequestId::from_slice(&access.request_id) else {
        // What nobody could see accuses nobody.
        return match access.grant_unknown {
            true => Ok(Err((Verdict::Undetermined, Reason::GrantUnknown))),
            false => failed(Reason::NoGrant),
        };
    };
    let Some(grant): Option<Arc<wire::Grant>> = draft.get(&Place::grant(&id))? else {
        return failed(Reason::UnknownGrant);
    };
    if grant.dataset != access.dataset {
        return failed(Reason::OtherDataset);
    }
    let dataset = draft.dataset(&access.dataset)?;
    let empty = wire::Terms::default();
    let terms = grants::terms_at(&grant, moment).unwrap_or(&empty);
    // Where the record does not say which fields, those that were granted.
    let fields = if access.fields.is_empty() { &terms.fields } else { &access.fields };
    let grade = dataset.registration.as_ref().map_or(4, |it| sensitivity::grade(it, fields));
    if let Err(found) = who(draft, asker, &grant, terms, moment, grade)? {
        return Ok(Err(found));
    }
    if let Err(found) = about_oneself(it, &grant, grade) {
        return Ok(Err(found));
    }
    if let Err(found) = three_bodies(draft, it, &asker.department, &grant)? {
        return Ok(Err(found));
    }
    let mut open = Open::default();
    let mut checks = || {
        ensure(!retired(&dataset, moment), Reason::DatasetRetired)?;
        standing(&grant, moment)?;
        open.note(fresh(decided, it.access_time_ms, grade, parameters))?;
        open.note(within(it, access, &grant.purpose, terms))
    };
    let check = match checks() {
        Ok(()) => under_all(draft, by, access, &grant, &mut open)?,
        failed => failed,
    };
    Ok(check.and_then(|()| open.last()).map(|()| grant.kind()))
}

fn retired(dataset: &wire::Dataset, moment: Moment) -> bool {
    let reached = |since: Option<u64>, now: u64| since.is_some_and(|since| since <= now);
    match moment {
        Moment::Height(height) => reached(dataset.retired_height, height.get()),
        Moment::Time(time) => reached(dataset.retired_time_ms, time.get()),
    }
}

fn who(
    draft: &Draft<'_>,
    asker: &wire::Party,
    grant: &wire::Grant,
    terms: &wire::Terms,
    moment: Moment,
    grade: u32,
) -> Result<Check, Halt> {
    let id = IdentityId::from_slice(&asker.identity_id).unwrap_or_default();
    let identity: Option<Arc<wire::Identity>> = draft.get(&Place::identity(&id))?;
    let department: Option<Arc<wire::Department>> =
        draft.get(&Place::department(&asker.department))?;
    let (Some(identity), Some(department)) = (identity, department) else {
        return Ok(ensure(false, Reason::UnknownIdentity));
    };
    let in_force = |standing: &[wire::Interval]| match moment {
        Moment::Height(height) => intervals::at_height(standing, height.next()),
        Moment::Time(time) => intervals::at_time(standing, time),
    };
    let checks = || {
        ensure(identity.department == asker.department, Reason::UnknownIdentity)?;
        match &grant.class {
            Some(class) => {
                let uses = department.rights.contains(&(wire::Right::Use as i32));
                let of_class = uses && grants::is_of_class(&department, class);
                ensure(of_class, Reason::NotInClass)?;
            }
            None => {
                ensure(terms.identity_ids.contains(&asker.identity_id), Reason::IdentityNotGranted)?
            }
        }
        let both = in_force(&identity.standing) && in_force(&department.standing);
        ensure(both, Reason::IdentityNotInForce)?;
        let verified = asker.assurance() == wire::Assurance::Verified;
        ensure(verified || grade < VERIFIED_FROM_GRADE, Reason::AssuranceTooLow)
    };
    Ok(checks())
}

/// Who asks about himself (本人查询) does so under a grant for a class; and some of these are for nobody else.
fn about_oneself(it: &wire::RecordAccess, grant: &wire::Grant, grade: u32) -> Check {
    let Some(asked) = &it.self_service else {
        return ensure(!grant.self_service, Reason::OnlySelfService);
    };
    ensure(grant.kind() == GrantKind::Standing, Reason::SelfServiceNotStanding)?;
    let verified = asked.login() == wire::Assurance::Verified;
    ensure(verified || grade < VERIFIED_FROM_GRADE, Reason::AssuranceTooLow)
}

/// No body decides on what it is party to, nor confirms what it operates itself. Within a class that is seen at each access; after a
/// succession a grant serves on until it was to be reconfirmed.
fn three_bodies(
    draft: &Draft<'_>,
    it: &wire::RecordAccess,
    asker: &str,
    grant: &wire::Grant,
) -> Result<Check, Halt> {
    let get = |code: &str| -> Result<Option<Arc<wire::Department>>, Halt> {
        Ok(draft.get(&Place::department(code))?)
    };
    let is_internal = grant.kind() == GrantKind::Internal;
    let user = if grant.class.is_some() || is_internal { asker } else { &grant.using_department };
    let (Some(user), Some(collector)) = (get(user)?, get(&grant.collector)?) else {
        return Ok(ensure(false, Reason::UnknownIdentity));
    };
    if is_internal {
        return Ok(ensure(user.body == collector.body, Reason::OtherBody));
    }
    let manager = get(&grant.manager)?;
    let Some(manager) = manager else { return Ok(ensure(false, Reason::UnknownIdentity)) };
    if grant.class.is_some()
        && grant::operator_body(draft, asker_id(it))?.is_some_and(|body| body == manager.body)
    {
        return Ok(ensure(false, Reason::SameBody));
    }
    if grants::shared_body([&user.body, &collector.body, &manager.body]).is_none() {
        return Ok(Ok(()));
    }
    let due = [&user, &collector, &manager].into_iter().map(|it| it.reconfirm_due_ms).max();
    Ok(match due.unwrap_or(0) {
        0 => ensure(false, Reason::SameBody),
        due => ensure(it.access_time_ms < due, Reason::NotReconfirmed),
    })
}

fn asker_id(it: &wire::RecordAccess) -> &[u8] {
    it.asker.as_ref().map_or(&[], |it| &it.identity_id)
}

/// The grant's quota; and everything that the grant hangs from must stand, allow this and have
/// quota left as well.
fn under_all(
    draft: &Draft<'_>,
    by: By<'_>,
    access: &wire::DatasetAccess,
    grant: &Arc<wire::Grant>,
    open: &mut Open,
) -> Result<Check, Halt> {
    let By { gateway, it, moment, parameters, .. } = by;
    let since = set_aside::open_since(draft.context().time, parameters);
    let (on, empty) = (day_of_use(draft, it), wire::Terms::default());
    let mut grant = Arc::clone(grant);
    loop {
        let id = RequestId::from_slice(&grant.request_id).unwrap_or_default();
        let terms = grants::terms_at(&grant, moment);
        let limits = terms.and_then(|terms| terms.quota).unwrap_or_default();
        // Without a limit nothing depends on the counters.
        let used: Option<Arc<wire::GrantUse>> = match limits == wire::Quota::default() {
            true => None,
            false => draft.get(&Place::grant_use(&id))?,
        };
        let empty_use = wire::GrantUse::default();
        let used = used.as_deref().unwrap_or(&empty_use);
        let others = set_aside::of_others(used, gateway, since);
        if let Err(found) = open.note(quota(it, on, &limits, used, others)) {
            return Ok(Err(found));
        }
        let Ok(above) = RequestId::from_slice(&grant.parent_id) else {
            return Ok(Ok(()));
        };
        let Some(parent): Option<Arc<wire::Grant>> = draft.get(&Place::grant(&above))? else {
            return Ok(ensure(false, Reason::AncestorEnded));
        };
        let holds = grants::state_at(&parent, moment) == GrantState::Active;
        let terms = grants::terms_at(&parent, moment).unwrap_or(&empty);
        let check = match ensure(holds, Reason::AncestorEnded) {
            Ok(()) => open.note(within(it, access, &parent.purpose, terms)),
            failed => failed,
        };
        if check.is_err() {
            return Ok(check);
        }
        if let Err(found) = three_bodies(draft, it, &parent.using_department, &parent)? {
            return Ok(Err(found));
        }
        grant = parent;
    }
}

/// The state of the grant at the moment.
fn standing(grant: &wire::Grant, moment: Moment) -> Check {
    let reason = match grants::state_at(grant, moment) {
        GrantState::Active => return Ok(()),
        GrantState::Unspecified => Reason::NotYetGranted,
        GrantState::Revoked => Reason::GrantRevoked,
        GrantState::Suspended => Reason::GrantSuspended,
        GrantState::Expired => Reason::OutsidePeriod,
        GrantState::Exhausted => Reason::QuotaExceeded,
        GrantState::AncestorEnded => Reason::AncestorEnded,
        GrantState::NotRatified => Reason::NotRatified,
    };
    ensure(false, reason)
}

fn fresh(
    decided: &Decided,
    access_time_ms: u64,
    grade: u32,
    parameters: &wire::Parameters,
) -> Check {
    let number = usize::try_from(grade).unwrap_or(usize::MAX).saturating_sub(1);
    let limit = parameters.decision_age_ms.get(number).copied().unwrap_or(0);
    let within = |at: TimeMs| TimeMs::new(access_time_ms).since(at) <= limit;
    match decided {
        Decided::Unsaid => Ok(()),
        Decided::Never => known(false, Reason::UnknownHeight),
        // A record that comes so late that its block has left the window is judged by time; only
        // where the decision was too old for certain does its age count.
        Decided::At(at) | Decided::OlderThan(at) => ensure(within(*at), Reason::DecisionTooOld),
    }
}
