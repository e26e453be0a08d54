//! Items on alerts, cases, products and misbehaviour of validators.

use super::{Checked, ascending, code, code_if_given, ensure, id, id_if_given, wrong};
use crate::types::limits;
use crate::wire::{self, case_subject::About};

pub(super) fn answer_alert(it: &wire::AnswerAlert) -> Checked {
    code("department", &it.department)?;
    ensure(it.number > 0, "number", "alerts are numbered from 1")?;
    id_if_given("reason_digest", &it.reason_digest)?;
    ensure(!it.close || !it.reason_digest.is_empty(), "reason_digest", "closing wants a reason")
}

pub(super) fn open_case(it: &wire::OpenCase) -> Checked {
    code("department", &it.department)?;
    code("reference", &it.reference)?;
    code_if_given("respondent", &it.respondent)?;
    id("reason_digest", &it.reason_digest)?;
    let about = it.subject.as_ref().and_then(|it| it.about.as_ref());
    let about = about.ok_or_else(|| wrong("subject", "what is it about?"))?;
    let is_ledgers = matches!(about, About::Integrity(_));
    ensure(it.respondent.is_empty() == is_ledgers, "respondent", "but for integrity events, one")?;
    ensure(it.respondent != it.department, "respondent", "nobody answers itself")?;
    match about {
        About::Version(it) => {
            code("subject.dataset", &it.dataset)?;
            ensure(it.version > 0, "subject.version", "versions are numbered from 1")
        }
        About::Record(it) => {
            code("subject.dataset", &it.dataset)?;
            id("subject.gateway_id", &it.gateway_id)?;
            ensure(it.access_no > 0, "subject.access_no", "numbers begin at 1")?;
            id_if_given("subject.request_id", &it.request_id)
        }
        About::Grant(it) => {
            code("subject.dataset", &it.dataset)?;
            id("subject.request_id", &it.request_id)
        }
        About::Integrity(it) => {
            code("subject.department", &it.department)?;
            ensure(it.number > 0, "subject.number", "numbers begin at 1")
        }
        About::Correction(it) => id("subject.correction_id", &it.correction_id),
    }
}

pub(super) fn answer_case(it: &wire::AnswerCase) -> Checked {
    id("case_id", &it.case_id)?;
    code("department", &it.department)?;
    id("answer_digest", &it.answer_digest)
}

pub(super) fn rule_case(it: &wire::RuleCase) -> Checked {
    id("case_id", &it.case_id)?;
    code("department", &it.department)?;
    id("reason_digest", &it.reason_digest)?;
    code_if_given("commend", &it.commend)
}

pub(super) fn register_product(it: &wire::RegisterProduct) -> Checked {
    code("department", &it.department)?;
    code("reference", &it.reference)?;
    let known = wire::ProductKind::try_from(it.kind).map_err(|_| wrong("kind", "unknown kind"))?;
    ensure(known != wire::ProductKind::Unspecified, "kind", "a kind is needed")?;
    id("digest", &it.digest)?;
    ensure(!it.request_ids.is_empty(), "request_ids", "it stands on at least one grant")?;
    ascending("request_ids", &it.request_ids, limits::PRODUCT_GRANTS)?;
    for one in &it.request_ids {
        id("request_ids", one)?;
    }
    code("manager", &it.manager)
}

pub(super) fn product(product_id: &[u8], department: &str) -> Checked {
    id("product_id", product_id)?;
    code("department", department)
}

pub(super) fn review_product(it: &wire::ReviewProduct) -> Checked {
    product(&it.product_id, &it.department)?;
    id_if_given("reason_digest", &it.reason_digest)?;
    ensure(it.approve || !it.reason_digest.is_empty(), "reason_digest", "refusing wants a reason")
}

pub(super) fn evaluate_product(it: &wire::EvaluateProduct) -> Checked {
    product(&it.product_id, &it.department)?;
    ensure((1..=5).contains(&it.score), "score", "a score is 1 to 5")?;
    id("report_digest", &it.report_digest)
}

pub(super) fn recall_product(it: &wire::RecallProduct) -> Checked {
    product(&it.product_id, &it.department)?;
    id("reason_digest", &it.reason_digest)
}

pub(super) fn report_double_vote(it: &wire::ReportDoubleVote) -> Checked {
    code("department", &it.department)?;
    id("key_id", &it.key_id)?;
    code("validator_department", &it.validator_department)?;
    id("validator_identity_id", &it.validator_identity_id)?;
    let vote = |field, given: Option<&wire::SignedVote>| {
        let it = given.ok_or_else(|| wrong(field, "two votes are needed"))?;
        ensure((1..=2).contains(&it.vote_type), field, "a prevote or a precommit")?;
        id_if_given(field, &it.block_id)?;
        ensure(it.signature.len() == 64, field, "a signature has 64 bytes")?;
        Ok::<_, super::ItemError>((it.vote_type, it.height, it.round, it.block_id.clone()))
    };
    let (first, second) = (vote("first", it.first.as_ref())?, vote("second", it.second.as_ref())?);
    let one_round = (first.0, first.1, first.2) == (second.0, second.1, second.2);
    ensure(one_round, "second", "both are of one type, height and round")?;
    ensure(first.3 < second.3, "second", "for different blocks, ascending; nil first")
}
