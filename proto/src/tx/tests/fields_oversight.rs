//! Items on alerts, cases, products and double votes that can't be: each field, bent.

use crate::ledger::tests::items::{of_correction, of_grant, of_record, of_version};
use crate::types::{IdentityId, RequestId, limits};
use crate::wire::{
    CaseSubject, IntegrityName, OpenCase, ReportDoubleVote, SignedVote, case_subject::About,
};

#[test]
fn alerts() {
    right!(AnswerAlert, |it| it.reason_digest = vec![1; 32], |it| {
        it.close = true;
        it.reason_digest = vec![1; 32];
    });
    wrong!(AnswerAlert,
        "department": |it| it.department.clear(),
        "number": |it| it.number = 0,
        "reason_digest": |it| it.reason_digest = vec![1; 31],
        "reason_digest": |it| it.close = true,
    );
}

fn about(it: &mut OpenCase, about: About) {
    it.subject = Some(CaseSubject { about: Some(about) });
}

/// An appeal, which nobody is to answer.
fn appeal(it: &mut OpenCase, department: &str, number: u64) {
    it.respondent.clear();
    about(it, About::Integrity(IntegrityName { department: department.into(), number }));
}

fn record(it: &mut OpenCase, dataset: &str, number: u64) {
    about(it, of_record(dataset, &IdentityId::new([1; 32]), number, None));
}

fn grant(it: &mut OpenCase, dataset: &str) {
    about(it, of_grant(dataset, &RequestId::new([1; 32])));
}

/// What the case is about, if it is a record.
fn named(it: &mut OpenCase) -> &mut crate::wire::RecordName {
    match it.subject.as_mut().and_then(|it| it.about.as_mut()) {
        Some(About::Record(it)) => it,
        other => panic!("{other:?}"),
    }
}

#[test]
fn cases() {
    right!(
        OpenCase,
        |it| record(it, "civil.resident", 1),
        |it| grant(it, "civil.resident"),
        |it| about(it, of_correction(&[1; 32])),
        |it| appeal(it, "gz.hrss", 1),
    );
    wrong!(OpenCase,
        "department": |it| it.department.clear(),
        "reference": |it| it.reference = "案件一".into(),
        "respondent": |it| it.respondent = "-".into(),
        "respondent": |it| it.respondent.clear(),
        "respondent": |it| it.respondent = it.department.clone(),
        "respondent": |it| { appeal(it, "gz.hrss", 1); it.respondent = "gz.psb".into(); },
        "reason_digest": |it| it.reason_digest.clear(),
        "subject": |it| it.subject = None,
        "subject": |it| it.subject = Some(CaseSubject { about: None }),
    );
    wrong!(AnswerCase,
        "case_id": |it| it.case_id.clear(),
        "department": |it| it.department.clear(),
        "answer_digest": |it| it.answer_digest.clear(),
    );
    right!(RuleCase, |it| it.uphold = false, |it| it.commend = "gz.psb".into());
    wrong!(RuleCase,
        "case_id": |it| it.case_id.truncate(31),
        "department": |it| it.department.clear(),
        "reason_digest": |it| it.reason_digest.clear(),
        "commend": |it| it.commend = "-".into(),
    );
}

#[test]
fn what_cases_are_about() {
    wrong!(OpenCase,
        "subject.dataset": |it| about(it, of_version("", 1)),
        "subject.version": |it| about(it, of_version("civil.resident", 0)),
        "subject.dataset": |it| record(it, "", 1),
        "subject.access_no": |it| record(it, "civil.resident", 0),
        "subject.gateway_id": |it| { record(it, "civil.resident", 1); named(it).gateway_id.clear(); },
        "subject.request_id": |it| {
            record(it, "civil.resident", 1);
            named(it).request_id = vec![1; 31];
        },
        "subject.dataset": |it| grant(it, ""),
        "subject.request_id": |it| about(it, About::Grant(crate::wire::GrantName {
            dataset: "civil.resident".into(),
            request_id: Vec::new(),
        })),
        "subject.department": |it| appeal(it, "", 1),
        "subject.number": |it| appeal(it, "gz.hrss", 0),
        "subject.correction_id": |it| about(it, of_correction(&[1; 31])),
    );
}

/// So many grants, ascending.
fn grants(count: usize) -> Vec<Vec<u8>> {
    (0..count as u16).map(|n| n.to_be_bytes().repeat(16)).collect()
}

#[test]
fn products() {
    right!(RegisterProduct, |it| it.kind = 3, |it| it.request_ids = grants(limits::PRODUCT_GRANTS),);
    wrong!(RegisterProduct,
        "department": |it| it.department.clear(),
        "reference": |it| it.reference.clear(),
        "kind": |it| it.kind = 0,
        "kind": |it| it.kind = 4,
        "digest": |it| it.digest.clear(),
        "request_ids": |it| it.request_ids.clear(),
        "request_ids": |it| it.request_ids.push(it.request_ids[0].clone()),
        "request_ids": |it| { it.request_ids = grants(2); it.request_ids.swap(0, 1); },
        "request_ids": |it| it.request_ids[0].truncate(31),
        "request_ids": |it| it.request_ids = grants(limits::PRODUCT_GRANTS + 1),
        "manager": |it| it.manager.clear(),
    );
    right!(ReviewProduct, |it| it.reason_digest = vec![1; 32], |it| {
        it.approve = false;
        it.reason_digest = vec![1; 32];
    });
    wrong!(ReviewProduct,
        "product_id": |it| it.product_id.clear(),
        "department": |it| it.department.clear(),
        "reason_digest": |it| it.reason_digest = vec![1; 31],
        "reason_digest": |it| it.approve = false,
    );
    wrong!(ReleaseProduct,
        "product_id": |it| it.product_id.truncate(31),
        "department": |it| it.department.clear(),
    );
    right!(EvaluateProduct, |it| it.score = 1, |it| it.score = 5);
    wrong!(EvaluateProduct,
        "product_id": |it| it.product_id.clear(),
        "department": |it| it.department.clear(),
        "score": |it| it.score = 0,
        "score": |it| it.score = 6,
        "report_digest": |it| it.report_digest.clear(),
    );
    wrong!(RecallProduct,
        "product_id": |it| it.product_id.clear(),
        "department": |it| it.department.clear(),
        "reason_digest": |it| it.reason_digest.clear(),
    );
}

fn first(it: &mut ReportDoubleVote) -> &mut SignedVote {
    it.first.as_mut().unwrap()
}

fn second(it: &mut ReportDoubleVote) -> &mut SignedVote {
    it.second.as_mut().unwrap()
}

/// Both votes of another type.
fn of_type(it: &mut ReportDoubleVote, vote_type: u32) {
    first(it).vote_type = vote_type;
    second(it).vote_type = vote_type;
}

/// Proposals in place of votes, each of a block.
fn proposals(it: &mut ReportDoubleVote) {
    of_type(it, 3);
    first(it).block_id = vec![0; 32];
}

#[test]
fn double_votes() {
    right!(
        ReportDoubleVote,
        |it| of_type(it, 1),
        |it| proposals(it),
        |it| {
            proposals(it);
            first(it).pol_round = Some(0);
        },
        |it| first(it).block_id = vec![0; 32],
    );
    wrong!(ReportDoubleVote,
        "department": |it| it.department.clear(),
        "key_id": |it| it.key_id.clear(),
        "validator_department": |it| it.validator_department.clear(),
        "validator_identity_id": |it| it.validator_identity_id.clear(),
        "first": |it| it.first = None,
        "second": |it| it.second = None,
        "first": |it| of_type(it, 0),
        "first": |it| of_type(it, 4),
        "first": |it| of_type(it, 3),
        "second": |it| second(it).pol_round = Some(0),
        "first": |it| first(it).block_id = vec![1; 31],
        "second": |it| second(it).block_id.truncate(31),
        "first": |it| first(it).signature.truncate(63),
        "second": |it| second(it).signature.push(0),
        "second": |it| second(it).vote_type = 1,
        "second": |it| second(it).height += 1,
        "second": |it| second(it).round += 1,
        "second": |it| second(it).block_id.clear(),
        "second": |it| first(it).block_id = vec![1; 32],
        "second": |it| first(it).block_id = vec![2; 32],
    );
}
