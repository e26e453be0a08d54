//! Items on what becomes of requests and grants.

use super::{HOUR, request};
use crate::ledger::tests::founders::EMERGENCY_CODE;
use crate::types::RequestId;
use crate::wire;

/// An item on a request or grant: what it says of that, then its own fields.
macro_rules! about {
    ($kind:ident, $id:expr, $asked:expr, { $($field:ident: $value:expr),* $(,)? }) => {
        wire::$kind {
            request_id: $id.to_vec(),
            dataset: $asked.dataset.clone(),
            collector: $asked.collector.clone(),
            using_department: $asked.using_department.clone(),
            $($field: $value),*
        }
    };
}

type Asked = wire::RequestAccess;

pub(crate) fn ask_supplement(id: &RequestId, asked: &Asked) -> wire::AskSupplement {
    about!(AskSupplement, id, asked, { reason_digest: vec![16; 32] })
}

pub(crate) fn supplement(id: &RequestId, asked: &Asked) -> wire::SupplementRequest {
    about!(SupplementRequest, id, asked, { supplement_digest: vec![17; 32] })
}

pub(crate) fn exception(id: &RequestId, asked: &Asked, lead: &str) -> wire::ApproveException {
    about!(ApproveException, id, asked, {
        lead: lead.into(), approve: true, reason_digest: Vec::new(),
    })
}

pub(crate) fn amend(
    id: &RequestId,
    asked: &Asked,
    manager: &str,
    terms: wire::Terms,
) -> wire::AmendGrant {
    about!(AmendGrant, id, asked, {
        manager: manager.into(), terms: Some(terms), reason_digest: vec![18; 32],
    })
}

pub(crate) fn suspend(id: &RequestId, asked: &Asked, manager: &str) -> wire::SuspendGrant {
    about!(SuspendGrant, id, asked, { manager: manager.into(), reason_digest: vec![19; 32] })
}

pub(crate) fn resume(id: &RequestId, asked: &Asked, manager: &str) -> wire::ResumeGrant {
    about!(ResumeGrant, id, asked, { manager: manager.into() })
}

pub(crate) fn reconfirm(id: &RequestId, asked: &Asked, manager: &str) -> wire::ReconfirmGrant {
    about!(ReconfirmGrant, id, asked, { manager: manager.into() })
}

pub(crate) fn delegate(
    id: &RequestId,
    asked: &Asked,
    to: &str,
    terms: wire::Terms,
) -> wire::DelegateGrant {
    about!(DelegateGrant, id, asked, {
        delegate: to.into(), reference: "hr-2026-002".into(), terms: Some(terms),
    })
}

/// What the delegate's grant says of itself.
pub(crate) fn delegated(it: &wire::DelegateGrant) -> Asked {
    let terms = it.terms.clone().unwrap();
    request(&it.dataset, &it.collector, &it.delegate, terms)
}

/// Opens access for an hour from now.
pub(crate) fn emergency(asked: &Asked, manager: &str, now: u64) -> wire::OpenEmergency {
    let terms = asked.terms.clone().unwrap();
    wire::OpenEmergency {
        dataset: asked.dataset.clone(),
        collector: asked.collector.clone(),
        using_department: asked.using_department.clone(),
        manager: manager.into(),
        reference: "hr-2026-003".into(),
        emergency_code: EMERGENCY_CODE.into(),
        purpose: asked.purpose.clone(),
        purpose_digest: vec![4; 32],
        legal_basis: asked.legal_basis.clone(),
        terms: Some(wire::Terms { from_ms: now, until_ms: now + HOUR, ..terms }),
    }
}

pub(crate) fn ratify(id: &RequestId, asked: &Asked, manager: &str) -> wire::RatifyEmergency {
    about!(RatifyEmergency, id, asked, {
        manager: manager.into(), ratify: true, reason_digest: Vec::new(),
    })
}

/// The same, not ratifying.
pub(crate) fn reject(id: &RequestId, asked: &Asked, manager: &str) -> wire::RatifyEmergency {
    wire::RatifyEmergency {
        ratify: false,
        reason_digest: vec![20; 32],
        ..ratify(id, asked, manager)
    }
}

/// What a permit's terms allow is for the collector's own people.
pub(crate) fn permit(dataset: &str, collector: &str, terms: wire::Terms) -> wire::GivePermit {
    wire::GivePermit {
        dataset: dataset.into(),
        collector: collector.into(),
        reference: "psb-2026-001".into(),
        duty: "administrator".into(),
        purpose: super::PURPOSE.into(),
        terms: Some(terms),
    }
}

/// Offers a dataset to the departments of the city's and the county's level.
pub(crate) fn offer(dataset: &str, collector: &str, terms: wire::Terms) -> wire::OfferStanding {
    wire::OfferStanding {
        dataset: dataset.into(),
        collector: collector.into(),
        reference: "psb-2026-002".into(),
        class: Some(wire::DepartmentClass { levels: vec![2, 3], division: "52".into() }),
        terms: Some(terms),
        self_service: false,
    }
}
