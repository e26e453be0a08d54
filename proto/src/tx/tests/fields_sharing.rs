//! Items on the catalogue and on what becomes of grants that can't be: each field, bent.

use crate::wire::{DepartmentClass, OfferStanding};

#[test]
fn the_catalogue() {
    right!(UpdateDataset, |it| it.title_zh.clear(), |it| it.grade = 4);
    wrong!(UpdateDataset,
        "dataset": |it| it.dataset.clear(),
        "collector": |it| it.collector.clear(),
        "title_zh": |it| { it.title_zh.clear(); it.title_en.clear(); },
        "title_en": |it| it.title_en = "x".repeat(257),
        "grade": |it| it.grade = 5,
        "category": |it| it.category = 0,
        "schema_digest": |it| it.schema_digest.clear(),
        "fields": |it| it.fields.clear(),
        "fields.name": |it| it.fields[0].name.clear(),
    );
    wrong!(RetireDataset,
        "dataset": |it| it.dataset.clear(),
        "collector": |it| it.collector.clear(),
        "reason_digest": |it| it.reason_digest.clear(),
    );
    right!(
        PublishVersion,
        |it| it.version = u64::MAX,
        |it| (it.version, it.previous_digest) = (1, vec![]),
        |it| it.row_count = 0,
    );
    wrong!(PublishVersion,
        "dataset": |it| it.dataset.clear(),
        "collector": |it| it.collector.clear(),
        "version": |it| it.version = 0,
        "content_digest": |it| it.content_digest.clear(),
        "previous_digest": |it| it.previous_digest.pop().map_or((), drop),
        "previous_digest": |it| it.previous_digest.clear(),
        "previous_digest": |it| it.version = 1,
    );
}

/// `story!(kind, …)`: what every item says of its request or grant.
macro_rules! story {
    ($($kind:ident),+ $(,)?) => {
        $(
            right!($kind, |_| {});
            wrong!($kind,
                "request_id": |it| it.request_id.truncate(31),
                "dataset": |it| it.dataset.clear(),
                "collector": |it| it.collector.clear(),
                "using_department": |it| it.using_department = "-".into(),
            );
        )+
    };
}

#[test]
fn stories() {
    story!(
        AskSupplement,
        SupplementRequest,
        ApproveException,
        AmendGrant,
        SuspendGrant,
        ResumeGrant,
        ReconfirmGrant,
        DelegateGrant,
        RatifyEmergency,
    );
}

#[test]
fn answers() {
    wrong!(AskSupplement, "reason_digest": |it| it.reason_digest.clear());
    wrong!(SupplementRequest, "supplement_digest": |it| it.supplement_digest.clear());
    right!(ApproveException, |it| it.reason_digest = vec![1; 32], |it| (
        it.approve,
        it.reason_digest
    ) = (false, vec![1; 32]),);
    wrong!(ApproveException,
        "lead": |it| it.lead.clear(),
        "reason_digest": |it| it.reason_digest = vec![1],
        "reason_digest": |it| it.approve = false,
    );
    right!(RatifyEmergency, |it| (it.ratify, it.reason_digest) = (false, vec![1; 32]));
    wrong!(RatifyEmergency,
        "manager": |it| it.manager.clear(),
        "reason_digest": |it| it.reason_digest = vec![1; 33],
        "reason_digest": |it| it.ratify = false,
    );
}

#[test]
fn lives_of_grants() {
    right!(AmendGrant, |it| it.manager.clear(), |it| it.using_department.clear(), |it| it
        .terms
        .as_mut()
        .unwrap()
        .identity_ids
        .clear(),);
    wrong!(AmendGrant,
        "manager": |it| it.manager = "-".into(),
        "terms": |it| it.terms = None,
        "terms.until_ms": |it| it.terms.as_mut().unwrap().until_ms = 0,
        "reason_digest": |it| it.reason_digest.clear(),
    );
    right!(SuspendGrant, |it| it.manager.clear(), |it| it.using_department.clear());
    wrong!(SuspendGrant,
        "manager": |it| it.manager = "-".into(),
        "reason_digest": |it| it.reason_digest.clear(),
    );
    right!(ResumeGrant, |it| it.manager.clear());
    wrong!(ResumeGrant, "manager": |it| it.manager = "-".into());
    wrong!(ReconfirmGrant, "manager": |it| it.manager.clear());
    wrong!(DelegateGrant,
        "using_department": |it| it.using_department.clear(),
        "delegate": |it| it.delegate.clear(),
        "reference": |it| it.reference.clear(),
        "terms": |it| it.terms = None,
        "terms.identity_ids": |it| it.terms.as_mut().unwrap().identity_ids.clear(),
    );
}

fn c(it: &mut OfferStanding) -> &mut DepartmentClass {
    it.class.as_mut().unwrap()
}

#[test]
fn offers_emergencies_and_permits() {
    right!(OfferStanding, |it| c(it).levels.clear(), |it| c(it).levels = (1..=5).collect(), |it| {
        c(it).division.clear()
    },);
    wrong!(OfferStanding,
        "dataset": |it| it.dataset.clear(),
        "collector": |it| it.collector.clear(),
        "reference": |it| it.reference.clear(),
        "class": |it| it.class = None,
        "class.levels": |it| c(it).levels = vec![0],
        "class.levels": |it| c(it).levels = vec![6],
        "class.levels": |it| c(it).levels = vec![2, 1],
        "class.division": |it| c(it).division = "x".into(),
        "terms": |it| it.terms = None,
        "terms.identity_ids": |it| it.terms.as_mut().unwrap().identity_ids = vec![vec![1; 32]],
    );
    wrong!(OpenEmergency,
        "dataset": |it| it.dataset.clear(),
        "collector": |it| it.collector.clear(),
        "using_department": |it| it.using_department.clear(),
        "manager": |it| it.manager.clear(),
        "reference": |it| it.reference.clear(),
        "emergency_code": |it| it.emergency_code.clear(),
        "purpose": |it| it.purpose.clear(),
        "purpose_digest": |it| it.purpose_digest.clear(),
        "legal_basis": |it| it.legal_basis.clear(),
        "terms": |it| it.terms = None,
    );
    wrong!(GivePermit,
        "dataset": |it| it.dataset.clear(),
        "collector": |it| it.collector.clear(),
        "reference": |it| it.reference.clear(),
        "duty": |it| it.duty.clear(),
        "purpose": |it| it.purpose.clear(),
        "terms": |it| it.terms = None,
        "terms.identity_ids": |it| it.terms.as_mut().unwrap().identity_ids.clear(),
    );
}
