//! Terms: what they may name, and when some are no wider than others.

use crate::items::fields::{
    Checked, ascending, code, division, ensure, ensure_of, id, operation, wrong,
};
use crate::ledger::{Draft, Halt, Refusal};
use crate::place::Place;
use crate::types::{IdentityId, limits};
use crate::wire;
use std::sync::Arc;

/// Checks that terms name only fields of the dataset.
pub(crate) fn fields_known(
    terms: &wire::Terms,
    dataset: &wire::RegisterDataset,
) -> Result<(), Refusal> {
    match terms.fields.iter().find(|name| !dataset.fields.iter().any(|it| it.name == **name)) {
        Some(field) => {
            let (dataset, field) = (dataset.dataset.clone(), field.clone());
            Err(Refusal::UnknownField { dataset, field })
        }
        None => Ok(()),
    }
}

/// Checks that terms name only fields of the dataset and identities of the using department.
pub(crate) fn check(
    draft: &Draft<'_>,
    terms: &wire::Terms,
    dataset: &wire::RegisterDataset,
    using_department: &str,
) -> Result<(), Halt> {
    fields_known(terms, dataset)?;
    for bytes in &terms.identity_ids {
        let id = IdentityId::from_slice(bytes).unwrap_or_default();
        let identity: Option<Arc<wire::Identity>> = draft.get(&Place::identity(&id))?;
        let identity = identity.ok_or_else(|| Refusal::UnknownIdentity(id.to_string()))?;
        if identity.department != using_department {
            return Err(Refusal::IdentityOfOther(id.to_string()).into());
        }
    }
    Ok(())
}

/// Checks that `narrow` allows nothing that `wide` does not. Empty fields mean all of them.
pub(crate) fn no_wider(narrow: &wire::Terms, wide: &wire::Terms) -> Result<(), Refusal> {
    let fields = wide.fields.is_empty()
        || (!narrow.fields.is_empty() && is_subset(&narrow.fields, &wide.fields));
    let quota = match (&narrow.quota, &wide.quota) {
        (Some(narrow), Some(wide)) => quota_no_wider(narrow, wide),
        _ => false,
    };
    let checks = [
        (fields, "fields"),
        (narrow.division.starts_with(&wide.division), "division"),
        (is_subset(&narrow.operations, &wide.operations), "operations"),
        (is_subset(&narrow.identity_ids, &wide.identity_ids), "identity_ids"),
        (narrow.from_ms >= wide.from_ms && narrow.until_ms <= wide.until_ms, "period"),
        (quota, "quota"),
        (delegation_no_wider(narrow, wide), "delegation"),
        (schedule_no_wider(narrow.schedule.as_ref(), wide.schedule.as_ref()), "schedule"),
    ];
    match checks.into_iter().find(|(holds, _)| !holds) {
        Some((_, field)) => Err(Refusal::TermsWiden(field)),
        None => Ok(()),
    }
}

fn is_subset<T: PartialEq>(narrow: &[T], wide: &[T]) -> bool {
    narrow.iter().all(|one| wide.contains(one))
}

fn quota_no_wider(narrow: &wire::Quota, wide: &wire::Quota) -> bool {
    // 0 is no limit.
    let within = |narrow: u64, wide: u64| wide == 0 || (narrow != 0 && narrow <= wide);
    within(narrow.queries_total, wide.queries_total)
        && within(narrow.rows_total, wide.rows_total)
        && within(narrow.queries_per_day, wide.queries_per_day)
        && within(narrow.rows_per_day, wide.rows_per_day)
}

fn delegation_no_wider(narrow: &wire::Terms, wide: &wire::Terms) -> bool {
    use wire::Delegation::{Approve, Notify, Unspecified};
    let allowed = match narrow.delegation() {
        Unspecified => true,
        Approve => wide.delegation() != Unspecified,
        Notify => wide.delegation() == Notify,
    };
    allowed && narrow.delegation_depth <= wide.delegation_depth
}

/// Weekday bits that mean every day.
const EVERY_DAY: u32 = 127;

fn schedule_no_wider(narrow: Option<&wire::Schedule>, wide: Option<&wire::Schedule>) -> bool {
    let (narrow, wide) = match (narrow, wide) {
        (_, None) => return true,
        (None, Some(_)) => return false,
        (Some(narrow), Some(wide)) => (narrow, wide),
    };
    let days = |it: &wire::Schedule| if it.weekdays == 0 { EVERY_DAY } else { it.weekdays };
    days(narrow) & !days(wide) == 0
        && narrow.from_minute >= wide.from_minute
        && narrow.until_minute <= wide.until_minute
}

pub(crate) fn well_formed(given: Option<&wire::Terms>, named: bool) -> Checked {
    let it = given.ok_or_else(|| wrong("terms", "terms are needed"))?;
    ascending("terms.fields", &it.fields, limits::FIELDS)?;
    for field in &it.fields {
        code("terms.fields", field)?;
    }
    division("terms.division", &it.division)?;
    ensure(!it.operations.is_empty(), "terms.operations", "at least one operation is needed")?;
    ascending("terms.operations", &it.operations, 6)?;
    for value in &it.operations {
        operation("terms.operations", *value)?;
    }
    let who = &it.identity_ids;
    ensure(
        who.is_empty() != named,
        "terms.identity_ids",
        "identities: one at least, none for a class",
    )?;
    ascending("terms.identity_ids", who, limits::GRANT_IDENTITIES)?;
    for bytes in who {
        id("terms.identity_ids", bytes)?;
    }
    ensure_of(it.from_ms < it.until_ms, "terms.until_ms", || {
        format!("the period must end after it begins: {} is not after {}", it.until_ms, it.from_ms)
    })?;
    ensure(it.quota.is_some(), "terms.quota", "a quota is needed; zeros mean no limit")?;
    let delegation = wire::Delegation::try_from(it.delegation)
        .map_err(|_| wrong("terms.delegation", "unknown delegation"))?;
    let none = delegation == wire::Delegation::Unspecified;
    ensure(none == (it.delegation_depth == 0), "terms.delegation_depth", "a depth goes with it")?;
    let deep = it.delegation_depth <= limits::DELEGATION_DEPTH;
    ensure_of(deep, "terms.delegation_depth", || {
        format!("a grant is passed on 4 times at most, not {}", it.delegation_depth)
    })?;
    it.schedule.as_ref().map_or(Ok(()), schedule)
}

pub(crate) fn schedule(it: &wire::Schedule) -> Checked {
    let begins = it.from_minute < 1440;
    ensure_of(begins, "terms.schedule.from_minute", || {
        format!("a day has 1440 minutes; {} is none of them", it.from_minute)
    })?;
    let length = it.until_minute.checked_sub(it.from_minute);
    let fits = length.is_some_and(|length| (1..=1440).contains(&length));
    ensure_of(fits, "terms.schedule.until_minute", || {
        let (from, until) = (it.from_minute, it.until_minute);
        format!("{until} is not behind from_minute, {from}, by 24 hours at most")
    })?;
    ensure(it.weekdays < 128, "terms.schedule.weekdays", "bits from Monday 1 to Sunday 64")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide() -> wire::Terms {
        wire::Terms {
            fields: vec!["a".into(), "b".into()],
            division: "52".into(),
            operations: vec![1, 2],
            identity_ids: vec![vec![1; 32], vec![2; 32]],
            from_ms: 10,
            until_ms: 20,
            quota: Some(wire::Quota { rows_total: 100, ..Default::default() }),
            delegation: wire::Delegation::Approve as i32,
            delegation_depth: 2,
            schedule: Some(wire::Schedule { from_minute: 480, until_minute: 1080, weekdays: 31 }),
        }
    }

    /// A respect, and terms made wider in it.
    type Case = (&'static str, fn(&mut wire::Terms));

    #[test]
    fn each_respect_is_held() {
        assert_eq!(no_wider(&wide(), &wide()), Ok(()));
        let cases: [Case; 12] = [
            ("fields", |t| t.fields = vec!["c".into()]),
            ("fields", |t| t.fields.clear()),
            ("division", |t| t.division = "5".into()),
            ("operations", |t| t.operations.push(3)),
            ("identity_ids", |t| t.identity_ids.push(vec![3; 32])),
            ("period", |t| t.until_ms = 21),
            ("quota", |t| t.quota = Some(wire::Quota::default())),
            ("delegation", |t| t.delegation = wire::Delegation::Notify as i32),
            ("delegation", |t| t.delegation_depth = 3),
            ("schedule", |t| t.schedule = None),
            ("schedule", |t| t.schedule.as_mut().unwrap().weekdays = 0),
            ("schedule", |t| t.schedule.as_mut().unwrap().until_minute = 1081),
        ];
        for (field, widen) in cases {
            let mut terms = wide();
            widen(&mut terms);
            assert_eq!(no_wider(&terms, &wide()), Err(Refusal::TermsWiden(field)));
        }
        let mut narrow = wide();
        narrow.fields.pop();
        narrow.division = "5201".into();
        narrow.until_ms = 15;
        narrow.quota = Some(wire::Quota { rows_total: 5, queries_total: 1, ..Default::default() });
        assert_eq!(no_wider(&narrow, &wide()), Ok(()));
    }
}
