//! Whether an access was allowed, found by scanning all that ever happened.

use super::clock::{day, minute_of_day, weekday};
use super::halves::was_there;
use super::sharing::grade;
use super::terms::allows;
use super::{Department, Grant, Life, Simple, Step, Use, Why};
use crate::event::{Outcome, Reason, Timeliness, Verdict};
use crate::wire::{
    self, Assurance, DatasetAccess, Decision, GrantKind, GrantState, RecordAccess, Right, Terms,
};
use std::rc::Rc;

/// What is found against one dataset's access, in the order of what is looked at; or the one verdict
/// where there is nothing.
type Findings = Vec<(Verdict, Reason)>;

/// How much attention a verdict wants: of several datasets the worst decides.
fn weight(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Uncovered | Verdict::Denied | Verdict::WouldBeDenied => 4,
        Verdict::Undetermined => 3,
        Verdict::Emergency => 2,
        Verdict::Internal => 1,
        Verdict::Covered | Verdict::None => 0,
    }
}

/// Of what was found the first of the heaviest, and where it was.
fn heaviest(found: impl Iterator<Item = (Verdict, Reason)>) -> ((Verdict, Reason), usize) {
    let mut worst: Option<((Verdict, Reason), usize)> = None;
    for (at, one) in found.enumerate() {
        if worst.is_none_or(|((verdict, _), _)| weight(one.0) > weight(verdict)) {
            worst = Some((one, at));
        }
    }
    worst.unwrap()
}

/// The instant by which a record is judged.
#[derive(Clone, Copy)]
enum Moment {
    After(u64),
    Time(u64),
}

impl Moment {
    fn of<'a>(&self, grant: &'a Grant) -> Option<&'a Step> {
        grant.steps.iter().rfind(|step| match self {
            Self::After(height) => step.height <= *height,
            Self::Time(time) => step.time <= *time,
        })
    }

    fn held(&self, life: &Life) -> bool {
        match self {
            Self::After(height) => life.at_height(height + 1),
            Self::Time(time) => life.at_time(*time),
        }
    }
}

/// What is known of the block by which the gateway decided: nothing, its time, a time that it is
/// older than, or that there is none yet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Decided {
    Unsaid,
    At(u64),
    Before(u64),
    Never,
}

fn would_deny(it: &RecordAccess) -> bool {
    it.observing.as_ref().is_some_and(|it| !it.denied.is_empty())
}

fn uncovered(holds: bool, reason: Reason, found: &mut Findings) {
    if !holds {
        found.push((Verdict::Uncovered, reason));
    }
}

fn unknown(known: bool, reason: Reason, found: &mut Findings) {
    if !known {
        found.push((Verdict::Undetermined, reason));
    }
}

impl Simple {
    /// The verdict on a record, and which of its accesses decided.
    pub(super) fn judge(&self, gateway: &[u8], it: &RecordAccess) -> (Outcome, usize) {
        let age = self.now.saturating_sub(it.access_time_ms);
        let (moment, decided) = self.moment(it);
        let parameters = &self.parameters;
        let timeliness = match decided {
            Decided::At(_) if age <= parameters.live_age_ms => Timeliness::Live,
            _ if age <= parameters.late_age_ms => Timeliness::Late,
            _ => Timeliness::Backfill,
        };
        let future = it.access_time_ms > self.now + parameters.future_drift_ms;
        let ((verdict, reason), at) = match it.decision() {
            Decision::Denied => ((Verdict::Denied, Reason::None), 0),
            // Nobody knows what to judge.
            _ if it.accesses.is_empty() => ((Verdict::Undetermined, Reason::DatasetUnknown), 0),
            _ => heaviest(it.accesses.iter().map(|access| {
                let found = self.one((gateway, it), access, moment, decided, future);
                heaviest(found.into_iter()).0
            })),
        };
        // What its gateway would not have served is not allowed.
        let (verdict, reason) = match (would_deny(it), reason) {
            (false, _) => (verdict, reason),
            (true, Reason::None) => (Verdict::WouldBeDenied, Reason::DeniedByGateway),
            (true, reason) => (Verdict::WouldBeDenied, reason),
        };
        let names_others = it
            .accesses
            .iter()
            .any(|access| self.grant(&access.request_id).is_some() && !self.is_own(it, access));
        (Outcome { verdict, reason, timeliness, future, names_others }, at)
    }

    /// The time of the block by which it was decided, where that is known.
    pub(super) fn decided_time(&self, it: &RecordAccess) -> Option<u64> {
        match self.moment(it).1 {
            Decided::At(time) => Some(time),
            _ => None,
        }
    }

    /// Whether the grant that an access names is there, and of the access's own dataset, collector and asker.
    pub(in super::super) fn is_own(&self, it: &RecordAccess, access: &DatasetAccess) -> bool {
        let Some(grant) = self.grant(&access.request_id) else { return false };
        let asker = it.asker.clone().unwrap();
        let (Some(identity), Some(department)) =
            (self.identity(&asker.identity_id), self.department(&asker.department))
        else {
            return false;
        };
        let line = |a: &str, b: &str| {
            self.line_of_succession(a).iter().any(|code| code == b)
                || self.line_of_succession(b).iter().any(|code| code == a)
        };
        let theirs = match (&grant.class, grant.kind) {
            (Some(class), _) => is_of(department, class),
            (None, GrantKind::Internal) => {
                self.body(&asker.department) == self.body(&grant.collector)
            }
            (None, _) => line(&asker.department, &grant.user),
        };
        identity.department == asker.department
            && grant.dataset == access.dataset
            && line(&it.collector, &grant.collector)
            && theirs
    }

    /// By the height that the gateway decided on, if that block is a recent one and not later than
    /// the access; else by the time of the access.
    fn moment(&self, it: &RecordAccess) -> (Moment, Decided) {
        let by_time = Moment::Time(it.access_time_ms);
        let Some(height) = it.decided_height else { return (by_time, Decided::Unsaid) };
        if height >= self.height {
            return (by_time, Decided::Never);
        }
        let parent = self.blocks.len() - 1;
        let is_recent = |at: usize| {
            at == parent || self.now - self.blocks[at].1 <= self.parameters.recent_block_age_ms
        };
        let at = usize::try_from(height).unwrap();
        if !is_recent(at) {
            let oldest = (0..=parent).find(|at| is_recent(*at)).unwrap();
            return (by_time, Decided::Before(self.blocks[oldest].1));
        }
        let time = self.blocks[at].1;
        if time <= it.access_time_ms {
            (Moment::After(height), Decided::At(time))
        } else {
            (by_time, Decided::Unsaid)
        }
    }

    fn one(
        &self,
        (gateway, it): (&[u8], &RecordAccess),
        access: &DatasetAccess,
        moment: Moment,
        decided: Decided,
        future: bool,
    ) -> Findings {
        let asker = it.asker.clone().unwrap();
        let mut found = Findings::new();
        uncovered(!asker.identity_id.is_empty(), Reason::UnmappedAccount, &mut found);
        let unseen = access.grant_unknown && found.is_empty();
        if unseen {
            unknown(false, Reason::GrantUnknown, &mut found);
            return found;
        }
        uncovered(!access.request_id.is_empty(), Reason::NoGrant, &mut found);
        let grant = self.grant(&access.request_id);
        uncovered(grant.is_some(), Reason::UnknownGrant, &mut found);
        let Some(grant) = grant.filter(|_| found.is_empty()) else { return found };
        uncovered(grant.dataset == access.dataset, Reason::OtherDataset, &mut found);
        let terms = Rc::clone(&moment.of(grant).unwrap_or(&grant.steps[0]).terms);
        let dataset = self.dataset(&access.dataset).unwrap();
        let fields = if access.fields.is_empty() { &terms.fields } else { &access.fields };
        let grade = grade(&dataset.entry, fields);
        self.who(&asker, grant, &terms, moment, grade, &mut found);
        about_oneself(it, grant, grade, &mut found);
        self.still_three(it, &asker.department, grant, &mut found);
        let retired = dataset.retired.is_some_and(|(height, time)| match moment {
            Moment::After(at) => height <= at,
            Moment::Time(at) => time <= at,
        });
        uncovered(!retired, Reason::DatasetRetired, &mut found);
        let state = moment.of(grant).map(|step| step.state);
        uncovered(state == Some(GrantState::Active), state_reason(state), &mut found);
        let limit = self.parameters.decision_age_ms[grade as usize - 1];
        match decided {
            Decided::Unsaid => {}
            Decided::Never => unknown(false, Reason::UnknownHeight, &mut found),
            Decided::At(at) | Decided::Before(at) => {
                let fresh = it.access_time_ms.saturating_sub(at) <= limit;
                uncovered(fresh, Reason::DecisionTooOld, &mut found);
            }
        }
        for above in self.ancestry(&grant.id) {
            let step = moment.of(above);
            let terms = Rc::clone(&step.unwrap_or(&above.steps[0]).terms);
            let active = step.is_some_and(|step| step.state == GrantState::Active);
            uncovered(active || above.id == grant.id, Reason::AncestorEnded, &mut found);
            within(it, access, &above.purpose, &terms, &mut found);
            if above.id != grant.id {
                self.still_three(it, &above.user, above, &mut found);
            }
            self.quota_left((gateway, it), above, &terms, &mut found);
        }
        if found.is_empty() {
            found.push(match grant.kind {
                _ if future => (Verdict::Undetermined, Reason::FutureTime),
                GrantKind::Emergency => (Verdict::Emergency, Reason::None),
                GrantKind::Internal => (Verdict::Internal, Reason::None),
                _ => (Verdict::Covered, Reason::None),
            });
        }
        found
    }

    fn who(
        &self,
        asker: &wire::Party,
        grant: &Grant,
        terms: &Terms,
        moment: Moment,
        grade: u32,
        found: &mut Findings,
    ) {
        let identity = self.identity(&asker.identity_id);
        let department = self.department(&asker.department);
        let (Some(identity), Some(department)) = (identity, department) else {
            uncovered(false, Reason::UnknownIdentity, found);
            return;
        };
        uncovered(identity.department == asker.department, Reason::UnknownIdentity, found);
        match &grant.class {
            Some(class) => uncovered(is_of(department, class), Reason::NotInClass, found),
            None => {
                let named = terms.identity_ids.contains(&asker.identity_id);
                uncovered(named, Reason::IdentityNotGranted, found);
            }
        }
        let both = moment.held(&identity.life) && moment.held(&department.life);
        uncovered(both, Reason::IdentityNotInForce, found);
        let verified = asker.assurance() == Assurance::Verified;
        uncovered(verified || grade < 3, Reason::AssuranceTooLow, found);
    }

    /// Three bodies as they are today; after a succession for as long as there is to reconfirm.
    fn still_three(&self, it: &RecordAccess, asker: &str, grant: &Grant, found: &mut Findings) {
        let internal = grant.kind == GrantKind::Internal;
        let user = match grant.class.is_some() || internal {
            true => asker,
            false => &grant.user,
        };
        if internal {
            let own = self.body(user) == self.body(&grant.collector);
            uncovered(own, Reason::OtherBody, found);
            return;
        }
        let mut no = Why::new();
        if grant.class.is_some() {
            // Who is of a class was confirmed by nobody; but whoever confirmed the class may operate it.
            let asks = it.asker.as_ref().map(|it| it.identity_id.clone());
            self.not_operated_by(asks.as_slice(), &grant.manager, &mut no);
            uncovered(no.is_empty(), Reason::SameBody, found);
        }
        let mut no = Why::new();
        self.three_bodies(user, &grant.collector, &grant.manager, &mut no);
        if no.is_empty() {
            return;
        }
        let parties = [user, grant.collector.as_str(), &grant.manager];
        let lines = parties.iter().flat_map(|code| self.line_of_succession(code));
        let due = lines.filter_map(|code| Some(self.department(&code)?.reconfirm_due)).max();
        match due {
            None | Some(0) => uncovered(false, Reason::SameBody, found),
            Some(due) => uncovered(it.access_time_ms < due, Reason::NotReconfirmed, found),
        }
    }

    /// A time in the future counts today; and so does what a gateway should have said an hour ago.
    pub(super) fn day_of(&self, it: &RecordAccess) -> u64 {
        let kept_back = was_there(it) && self.now > it.access_time_ms + 3_600_000;
        day(if kept_back { self.now } else { it.access_time_ms.min(self.now) })
    }

    fn quota_left(
        &self,
        (gateway, it): (&[u8], &RecordAccess),
        grant: &Grant,
        terms: &Terms,
        found: &mut Findings,
    ) {
        let at = self.grants.iter().position(|one| one.id == grant.id).unwrap();
        let used: Vec<&Use> = self.uses.iter().filter(|one| one.grant == at).collect();
        let today = self.day_of(it);
        let of_today: Vec<&Use> = used.iter().filter(|one| one.day == today).copied().collect();
        // The rest of a statement that is counted is no query more.
        let is_more = !self.is_counted_already(at, it);
        // What others have set aside is as good as used, for whoever wants more.
        let aside = if is_more { self.set_aside(at, gateway) } else { [0, 0] };
        // Of a day that is over nobody has anything set aside.
        let aside_of_day = if today == day(self.now) { aside } else { [0, 0] };
        let queries =
            |list: &[&Use], aside: [u64; 2]| list.len() as u64 + u64::from(is_more) + aside[0];
        let rows = |list: &[&Use], aside: [u64; 2]| {
            let more = it.row_count.filter(|_| is_more);
            list.iter().map(|one| one.rows).chain([more]).flatten().sum::<u64>() + aside[1]
        };
        let within = |sum: u64, limit: u64| limit == 0 || sum <= limit;
        let quota = terms.quota.unwrap();
        let left = within(queries(&used, aside), quota.queries_total)
            && within(rows(&used, aside), quota.rows_total);
        uncovered(left, Reason::QuotaExceeded, found);
        if quota.queries_per_day > 0 || quota.rows_per_day > 0 {
            // Of each day but the latest 32 nothing is kept.
            let mut days: Vec<u64> = used.iter().map(|one| one.day).collect();
            days.sort_unstable_by(|a, b| b.cmp(a));
            days.dedup();
            let known = days.get(31).is_none_or(|oldest| today >= *oldest);
            unknown(known, Reason::QuotaDayUnknown, found);
            let left = within(queries(&of_today, aside_of_day), quota.queries_per_day)
                && within(rows(&of_today, aside_of_day), quota.rows_per_day);
            uncovered(left || !known, Reason::QuotaExceeded, found);
        }
        // Nobody can say that too many rows were not too many.
        let rows_matter = quota.rows_total > 0 || quota.rows_per_day > 0;
        unknown(it.row_count.is_some() || !rows_matter, Reason::RowsUnknown, found);
    }
}

/// Who asks about himself wants a standing grant; and some standing grants want that somebody asks about himself.
fn about_oneself(it: &RecordAccess, grant: &Grant, grade: u32, found: &mut Findings) {
    match &it.self_service {
        None => uncovered(!grant.about_oneself, Reason::OnlySelfService, found),
        Some(asked) => {
            let standing = grant.kind == GrantKind::Standing;
            uncovered(standing, Reason::SelfServiceNotStanding, found);
            let verified = asked.login() == Assurance::Verified;
            uncovered(verified || grade < 3, Reason::AssuranceTooLow, found);
        }
    }
}

pub(super) fn is_of(department: &Department, class: &wire::DepartmentClass) -> bool {
    fits(department, class) && department.rights.contains(&(Right::Use as i32))
}

/// Of the levels and the division of a class, whatever it may do.
pub(super) fn fits(department: &Department, class: &wire::DepartmentClass) -> bool {
    (class.levels.is_empty() || class.levels.contains(&department.level))
        && department.division.starts_with(&class.division)
}

fn state_reason(state: Option<GrantState>) -> Reason {
    match state {
        None | Some(GrantState::Unspecified) => Reason::NotYetGranted,
        Some(GrantState::Active) => Reason::None,
        Some(GrantState::Revoked) => Reason::GrantRevoked,
        Some(GrantState::Suspended) => Reason::GrantSuspended,
        Some(GrantState::Expired) => Reason::OutsidePeriod,
        Some(GrantState::Exhausted) => Reason::QuotaExceeded,
        Some(GrantState::AncestorEnded) => Reason::AncestorEnded,
        Some(GrantState::NotRatified) => Reason::NotRatified,
    }
}

fn within(
    it: &RecordAccess,
    access: &DatasetAccess,
    purpose: &str,
    terms: &Terms,
    found: &mut Findings,
) {
    let time = it.access_time_ms;
    uncovered((terms.from_ms..terms.until_ms).contains(&time), Reason::OutsidePeriod, found);
    let operation = terms.operations.contains(&access.operation);
    uncovered(operation, Reason::OperationNotGranted, found);
    let in_hours = allows(terms, weekday(day(time)), minute_of_day(time));
    uncovered(in_hours, Reason::OutsideSchedule, found);
    let said = it.purpose.is_empty() || purpose.is_empty() || it.purpose == purpose;
    uncovered(said, Reason::OtherPurpose, found);
    if !terms.fields.is_empty() {
        let granted = access.fields.iter().all(|field| terms.fields.contains(field));
        uncovered(granted, Reason::FieldNotGranted, found);
        unknown(!access.fields.is_empty(), Reason::FieldsUnknown, found);
    }
    unknown(!it.purpose.is_empty(), Reason::PurposeUnknown, found);
}
