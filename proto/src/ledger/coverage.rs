//! Coverage (判定): whether an access was allowed, by the grant *as it stood* when the gateway
//! decided. This is the rule that nodes apply and that an offline verifier replays.
//!
//! The moment is the height by whose state the gateway decided, if it did so live; for a record
//! that comes later, the last block not after the time of access.

use super::{Draft, Halt, intervals, sensitivity};
use crate::event::{Outcome, Reason, Timeliness, Verdict};
use crate::place::Place;
use crate::types::{Height, IdentityId, RequestId, TimeMs, limits::USE_DAYS};
use crate::wire::{self, GrantState};
use std::sync::Arc;

/// Milliseconds by which local time (+08:00) is ahead of UTC.
const LOCAL_OFFSET_MS: u64 = 8 * 3600 * 1000;
const DAY_MS: u64 = 24 * 3600 * 1000;
/// From this grade up the asker must be verified.
const VERIFIED_FROM_GRADE: u32 = 3;

/// The day on whose quota a record counts. A time in the future counts today: days that are not yet
/// must not push out those that are.
pub(super) fn day_of_use(draft: &Draft<'_>, it: &wire::RecordAccess) -> u64 {
    day_of(it.access_time_ms.min(draft.context().time.get()))
}

/// The number of the day of a time, counted in local time (+08:00).
fn day_of(time_ms: u64) -> u64 {
    time_ms.saturating_add(LOCAL_OFFSET_MS) / DAY_MS
}

/// The instant by which grants are judged.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// After this block.
    Height(Height),
    /// At the last block not after this time.
    Time(TimeMs),
}

/// `Err` holds the first check that failed.
type Check = Result<(), (Verdict, Reason)>;

fn ensure(holds: bool, reason: Reason) -> Check {
    if holds { Ok(()) } else { Err((Verdict::Uncovered, reason)) }
}

fn known(holds: bool, reason: Reason) -> Check {
    if holds { Ok(()) } else { Err((Verdict::Undetermined, reason)) }
}

/// Judges a record whose datasets all exist.
pub(super) fn judge(draft: &Draft<'_>, it: &wire::RecordAccess) -> Result<Outcome, Halt> {
    let parameters = draft.parameters()?;
    let access_time = TimeMs::new(it.access_time_ms);
    let ahead = access_time.since(draft.context().time);
    let future = ahead > parameters.future_drift_ms;
    let (moment, decided) = moment(draft, it)?;
    let timeliness = timeliness(draft, it, &decided, &parameters);
    if it.decision() == wire::Decision::Denied {
        let (verdict, reason) = (Verdict::Denied, Reason::None);
        return Ok(Outcome { verdict, reason, timeliness, future });
    }
    let mut worst = (Verdict::Covered, Reason::None);
    for access in &it.accesses {
        let check = match one(draft, it, access, moment, &decided, &parameters)? {
            Ok(()) => known(!future, Reason::FutureTime),
            failed => failed,
        };
        if let Err(found) = check {
            let worse = worst.0 == Verdict::Covered
                || (worst.0 == Verdict::Undetermined && found.0 == Verdict::Uncovered);
            worst = if worse { found } else { worst };
        }
    }
    let (verdict, reason) = worst;
    Ok(Outcome { verdict, reason, timeliness, future })
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

/// The time of the oldest recent block.
fn oldest_time(draft: &Draft<'_>) -> Result<TimeMs, Halt> {
    let window: Option<Arc<wire::RecentWindow>> = draft.get(&Place::recent_window())?;
    let oldest = Height::new(window.map_or(0, |window| window.oldest_height));
    Ok(TimeMs::new(draft.recent_block(oldest)?.map_or(0, |block| block.time_ms)))
}

/// Judges one dataset of the record.
fn one(
    draft: &Draft<'_>,
    it: &wire::RecordAccess,
    access: &wire::DatasetAccess,
    moment: Moment,
    decided: &Decided,
    parameters: &wire::Parameters,
) -> Result<Check, Halt> {
    let asker = it.asker.clone().unwrap_or_default();
    if asker.identity_id.is_empty() {
        return Ok(ensure(false, Reason::UnmappedAccount));
    }
    let Ok(id) = RequestId::from_slice(&access.request_id) else {
        return Ok(ensure(false, Reason::NoGrant));
    };
    let Some(grant): Option<Arc<wire::Grant>> = draft.get(&Place::grant(&id))? else {
        return Ok(ensure(false, Reason::UnknownGrant));
    };
    let dataset = draft.dataset(&access.dataset)?;
    let identity: Option<Arc<wire::Identity>> = draft
        .get(&Place::identity(&IdentityId::from_slice(&asker.identity_id).unwrap_or_default()))?;
    let department: Option<Arc<wire::Department>> =
        draft.get(&Place::department(&asker.department))?;
    let used: Option<Arc<wire::GrantUse>> = draft.get(&Place::grant_use(&id))?;
    let terms = grant.terms.clone().unwrap_or_default();
    // Where the record does not say which fields, those that were granted.
    let fields = if access.fields.is_empty() { &terms.fields } else { &access.fields };
    let grade = dataset.registration.as_ref().map_or(4, |it| sensitivity::grade(it, fields));
    let checks = || {
        ensure(grant.dataset == access.dataset, Reason::OtherDataset)?;
        who(&asker, identity.as_deref(), department.as_deref(), &terms, moment, grade)?;
        standing(&grant, moment)?;
        fresh(decided, it.access_time_ms, grade, parameters)?;
        within(it, access, &grant.purpose, &terms)?;
        let day = day_of_use(draft, it);
        quota(it, day, &terms.quota.unwrap_or_default(), used.as_deref())
    };
    Ok(checks())
}

fn who(
    asker: &wire::Party,
    identity: Option<&wire::Identity>,
    department: Option<&wire::Department>,
    terms: &wire::Terms,
    moment: Moment,
    grade: u32,
) -> Check {
    let uncovered = (Verdict::Uncovered, Reason::UnknownIdentity);
    let (identity, department) = (identity.ok_or(uncovered)?, department.ok_or(uncovered)?);
    ensure(identity.department == asker.department, Reason::UnknownIdentity)?;
    ensure(terms.identity_ids.contains(&asker.identity_id), Reason::IdentityNotGranted)?;
    let in_force = |standing: &[wire::Interval]| match moment {
        Moment::Height(height) => intervals::at_height(standing, height.next()),
        Moment::Time(time) => intervals::at_time(standing, time),
    };
    let both = in_force(&identity.standing) && in_force(&department.standing);
    ensure(both, Reason::IdentityNotInForce)?;
    let verified = asker.assurance() == wire::Assurance::Verified;
    ensure(verified || grade < VERIFIED_FROM_GRADE, Reason::AssuranceTooLow)
}

/// The state of the grant at the moment.
fn standing(grant: &wire::Grant, moment: Moment) -> Check {
    let step = grant.steps.iter().rev().find(|step| match moment {
        Moment::Height(height) => step.height <= height.get(),
        Moment::Time(time) => step.time_ms <= time.get(),
    });
    match step.map(wire::GrantStep::state) {
        Some(GrantState::Active) => Ok(()),
        Some(GrantState::Revoked) => ensure(false, Reason::GrantRevoked),
        Some(GrantState::Unspecified) | None => ensure(false, Reason::NotYetGranted),
    }
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

fn within(
    it: &wire::RecordAccess,
    access: &wire::DatasetAccess,
    purpose: &str,
    terms: &wire::Terms,
) -> Check {
    let time = it.access_time_ms;
    ensure(terms.from_ms <= time && time < terms.until_ms, Reason::OutsidePeriod)?;
    ensure(terms.operations.contains(&access.operation), Reason::OperationNotGranted)?;
    ensure(it.purpose.is_empty() || it.purpose == purpose, Reason::OtherPurpose)?;
    let all_granted = access.fields.iter().all(|field| terms.fields.contains(field));
    ensure(terms.fields.is_empty() || all_granted, Reason::FieldNotGranted)?;
    known(terms.fields.is_empty() || !access.fields.is_empty(), Reason::FieldsUnknown)?;
    known(!it.purpose.is_empty(), Reason::PurposeUnknown)
}

fn quota(
    it: &wire::RecordAccess,
    day: u64,
    quota: &wire::Quota,
    used: Option<&wire::GrantUse>,
) -> Check {
    let empty = wire::GrantUse::default();
    let used = used.unwrap_or(&empty);
    // 0 is no limit.
    let within =
        |used: u64, more: u64, limit: u64| limit == 0 || used.saturating_add(more) <= limit;
    ensure(within(used.queries, 1, quota.queries_total), Reason::QuotaExceeded)?;
    ensure(within(used.rows, it.row_count, quota.rows_total), Reason::QuotaExceeded)?;
    if quota.queries_per_day == 0 && quota.rows_per_day == 0 {
        return Ok(());
    }
    let oldest = used.days.first().map_or(0, |it| it.day);
    known(used.days.len() < USE_DAYS || day >= oldest, Reason::QuotaDayUnknown)?;
    let today = used.days.iter().find(|it| it.day == day).copied().unwrap_or_default();
    ensure(within(today.queries, 1, quota.queries_per_day), Reason::QuotaExceeded)?;
    ensure(within(today.rows, it.row_count, quota.rows_per_day), Reason::QuotaExceeded)
}
