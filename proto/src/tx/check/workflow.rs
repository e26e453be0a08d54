//! Items on sharing.

use super::{
    Checked, ascending, code, code_if_given, division, ensure, id, id_if_given, operation, wrong,
};
use crate::types::limits;
use crate::wire;

fn terms(given: Option<&wire::Terms>, named: bool) -> Checked {
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
    ensure(it.from_ms < it.until_ms, "terms.until_ms", "the period must end after it begins")?;
    ensure(it.quota.is_some(), "terms.quota", "a quota is needed; zeros mean no limit")?;
    let delegation = wire::Delegation::try_from(it.delegation)
        .map_err(|_| wrong("terms.delegation", "unknown delegation"))?;
    let none = delegation == wire::Delegation::Unspecified;
    ensure(none == (it.delegation_depth == 0), "terms.delegation_depth", "a depth goes with it")?;
    let deep = it.delegation_depth <= limits::DELEGATION_DEPTH;
    ensure(deep, "terms.delegation_depth", "a grant is passed on 4 times at most")?;
    it.schedule.as_ref().map_or(Ok(()), schedule)
}

fn schedule(it: &wire::Schedule) -> Checked {
    let begins = it.from_minute < 1440;
    ensure(begins, "terms.schedule.from_minute", "a day has 1440 minutes")?;
    let length = it.until_minute.checked_sub(it.from_minute);
    let fits = length.is_some_and(|length| (1..=1440).contains(&length));
    ensure(fits, "terms.schedule.until_minute", "behind from_minute, by 24 hours at most")?;
    ensure(it.weekdays < 128, "terms.schedule.weekdays", "bits from Monday 1 to Sunday 64")
}

pub(super) fn request_access(it: &wire::RequestAccess) -> Checked {
    code("dataset", &it.dataset)?;
    code("collector", &it.collector)?;
    code("using_department", &it.using_department)?;
    code("reference", &it.reference)?;
    code("purpose", &it.purpose)?;
    id("purpose_digest", &it.purpose_digest)?;
    code("legal_basis", &it.legal_basis)?;
    id_if_given("renews", &it.renews)?;
    terms(it.terms.as_ref(), true)
}

pub(super) fn decide_request(it: &wire::DecideRequest) -> Checked {
    story(&it.request_id, &it.dataset, &it.collector, &it.using_department)?;
    id_if_given("reason_digest", &it.reason_digest)?;
    if it.approve {
        return terms(it.terms.as_ref(), true);
    }
    ensure(it.terms.is_none(), "terms", "a refusal has no terms")?;
    id("reason_digest", &it.reason_digest)
}

pub(super) fn confirm_grant(it: &wire::ConfirmGrant) -> Checked {
    story(&it.request_id, &it.dataset, &it.collector, &it.using_department)?;
    code("manager", &it.manager)?;
    if it.confirm {
        id_if_given("reason_digest", &it.reason_digest)
    } else {
        id("reason_digest", &it.reason_digest)
    }
}

pub(super) fn revoke_grant(it: &wire::RevokeGrant) -> Checked {
    story(&it.request_id, &it.dataset, &it.collector, &it.using_department)?;
    code_if_given("manager", &it.manager)?;
    id("reason_digest", &it.reason_digest)
}

/// What an item says of the request or grant that it is about. A grant for a class has no using
/// department.
fn story(request: &[u8], dataset: &str, collector: &str, user: &str) -> Checked {
    id("request_id", request)?;
    code("dataset", dataset)?;
    code("collector", collector)?;
    code_if_given("using_department", user)
}

pub(super) fn ask_supplement(it: &wire::AskSupplement) -> Checked {
    story(&it.request_id, &it.dataset, &it.collector, &it.using_department)?;
    id("reason_digest", &it.reason_digest)
}

pub(super) fn supplement_request(it: &wire::SupplementRequest) -> Checked {
    story(&it.request_id, &it.dataset, &it.collector, &it.using_department)?;
    id("supplement_digest", &it.supplement_digest)
}

pub(super) fn approve_exception(it: &wire::ApproveException) -> Checked {
    story(&it.request_id, &it.dataset, &it.collector, &it.using_department)?;
    code("lead", &it.lead)?;
    if it.approve {
        id_if_given("reason_digest", &it.reason_digest)
    } else {
        id("reason_digest", &it.reason_digest)
    }
}

pub(super) fn offer_standing(it: &wire::OfferStanding) -> Checked {
    code("dataset", &it.dataset)?;
    code("collector", &it.collector)?;
    code("reference", &it.reference)?;
    let class = it.class.as_ref().ok_or_else(|| wrong("class", "a class is needed"))?;
    ascending("class.levels", &class.levels, 5)?;
    let known = class.levels.iter().all(|level| (1..=5).contains(level));
    ensure(known, "class.levels", "1 (province) to 5 (village)")?;
    division("class.division", &class.division)?;
    terms(it.terms.as_ref(), false)
}

pub(super) fn amend_grant(it: &wire::AmendGrant) -> Checked {
    story(&it.request_id, &it.dataset, &it.collector, &it.using_department)?;
    code_if_given("manager", &it.manager)?;
    id("reason_digest", &it.reason_digest)?;
    // A grant for a class names no identities.
    let named = it.terms.as_ref().is_some_and(|terms| !terms.identity_ids.is_empty());
    terms(it.terms.as_ref(), named)
}

pub(super) fn suspend_grant(it: &wire::SuspendGrant) -> Checked {
    story(&it.request_id, &it.dataset, &it.collector, &it.using_department)?;
    code_if_given("manager", &it.manager)?;
    id("reason_digest", &it.reason_digest)
}

pub(super) fn resume_grant(it: &wire::ResumeGrant) -> Checked {
    story(&it.request_id, &it.dataset, &it.collector, &it.using_department)?;
    code_if_given("manager", &it.manager)
}

pub(super) fn reconfirm_grant(it: &wire::ReconfirmGrant) -> Checked {
    story(&it.request_id, &it.dataset, &it.collector, &it.using_department)?;
    code("manager", &it.manager)
}

pub(super) fn delegate_grant(it: &wire::DelegateGrant) -> Checked {
    story(&it.request_id, &it.dataset, &it.collector, &it.using_department)?;
    code("using_department", &it.using_department)?;
    code("delegate", &it.delegate)?;
    code("reference", &it.reference)?;
    terms(it.terms.as_ref(), true)
}

pub(super) fn open_emergency(it: &wire::OpenEmergency) -> Checked {
    code("dataset", &it.dataset)?;
    code("collector", &it.collector)?;
    code("using_department", &it.using_department)?;
    code("manager", &it.manager)?;
    code("reference", &it.reference)?;
    code("emergency_code", &it.emergency_code)?;
    code("purpose", &it.purpose)?;
    id("purpose_digest", &it.purpose_digest)?;
    code("legal_basis", &it.legal_basis)?;
    terms(it.terms.as_ref(), true)
}

pub(super) fn ratify_emergency(it: &wire::RatifyEmergency) -> Checked {
    story(&it.request_id, &it.dataset, &it.collector, &it.using_department)?;
    code("manager", &it.manager)?;
    if it.ratify {
        id_if_given("reason_digest", &it.reason_digest)
    } else {
        id("reason_digest", &it.reason_digest)
    }
}

pub(super) fn give_permit(it: &wire::GivePermit) -> Checked {
    code("dataset", &it.dataset)?;
    code("collector", &it.collector)?;
    code("reference", &it.reference)?;
    code("duty", &it.duty)?;
    code("purpose", &it.purpose)?;
    terms(it.terms.as_ref(), true)
}
