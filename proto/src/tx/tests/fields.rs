//! Items that can't be: each field of each kind, bent.

use super::kinds;
use crate::ledger::tests::items::{access, field};
use crate::wire::{
    BreakGlass, Channel, Decision, Party, RecordAccess, RequestAccess, Schedule, SelfService,
    Subjects, Terms,
};

fn opened_by_hand() -> BreakGlass {
    BreakGlass { officer_id: vec![1; 32], cause: "fire".into(), statement_digest: vec![2; 32] }
}

#[test]
fn every_item() {
    let nonce_of = |length: usize| {
        let wire = crate::wire::Item { nonce: vec![1; length], kind: Some(kinds()[0].clone()) };
        crate::items::Item::parse(&prost::Message::encode_to_vec(&wire)).is_ok()
    };
    assert_eq!([0, 15, 16, 17].map(nonce_of), [false, false, true, false]);
    let empty = crate::wire::Item { nonce: vec![1; 16], kind: None };
    assert!(crate::items::Item::parse(&prost::Message::encode_to_vec(&empty)).is_err());
}

#[test]
fn register_dataset() {
    right!(
        RegisterDataset,
        |it| it.title_zh.clear(),
        |it| it.title_en = "x".repeat(256),
        |it| it.fields[0].category = 3,
        |it| it.grade = 1,
        |it| it.fields = (0..512).map(|n| field(&format!("f{n:03}"))).collect(),
    );
    wrong!(RegisterDataset,
        "dataset": |it| it.dataset.clear(),
        "dataset": |it| it.dataset = "人口".into(),
        "collector": |it| it.collector = "-".into(),
        "title_zh": |it| it.title_zh = "字".repeat(86),
        "title_en": |it| it.title_en = "a\nb".into(),
        "title_zh": |it| { it.title_zh.clear(); it.title_en.clear(); },
        "grade": |it| it.grade = 0,
        "grade": |it| it.grade = 5,
        "category": |it| it.category = 0,
        "category": |it| it.category = 4,
        "category": |it| it.category = -1,
        "schema_digest": |it| it.schema_digest.clear(),
        "schema_digest": |it| it.schema_digest.truncate(31),
        "fields": |it| it.fields.clear(),
        "fields": |it| it.fields.swap(0, 1),
        "fields": |it| it.fields[1] = it.fields[0].clone(),
        "fields": |it| it.fields = (0..513).map(|n| field(&format!("f{n:03}"))).collect(),
        "fields.name": |it| it.fields[0].name.clear(),
        "fields.grade": |it| it.fields[0].grade = 0,
        "fields.category": |it| it.fields[0].category = 9,
    );
}

fn t(it: &mut RequestAccess) -> &mut Terms {
    it.terms.as_mut().unwrap()
}

#[test]
fn request_access() {
    wrong!(RequestAccess,
        "dataset": |it| it.dataset.clear(),
        "collector": |it| it.collector.clear(),
        "using_department": |it| it.using_department.clear(),
        "reference": |it| it.reference = "黔人社函〔2026〕1号".into(),
        "purpose": |it| it.purpose.clear(),
        "purpose_digest": |it| it.purpose_digest.push(0),
        "legal_basis": |it| it.legal_basis.clear(),
        "terms": |it| it.terms = None,
        "renews": |it| it.renews = vec![1; 31],
    );
    right!(RequestAccess, |it| it.renews = vec![1; 32]);
}

fn hours(it: &mut RequestAccess, from_minute: u32, until_minute: u32, weekdays: u32) {
    t(it).schedule = Some(Schedule { from_minute, until_minute, weekdays });
}

#[test]
fn schedules() {
    right!(RequestAccess, |it| hours(it, 0, 1, 0), |it| hours(it, 0, 1440, 127), |it| hours(
        it, 1439, 2879, 1
    ),);
    wrong!(RequestAccess,
        "terms.schedule.from_minute": |it| hours(it, 1440, 1441, 0),
        "terms.schedule.until_minute": |it| hours(it, 1, 1, 0),
        "terms.schedule.until_minute": |it| hours(it, 2, 1, 0),
        "terms.schedule.until_minute": |it| hours(it, 1, 1442, 0),
        "terms.schedule.weekdays": |it| hours(it, 0, 1, 128),
        "terms.delegation_depth": |it| (t(it).delegation, t(it).delegation_depth) = (1, 5),
    );
}

#[test]
fn terms() {
    right!(
        RequestAccess,
        |it| t(it).fields.clear(),
        |it| t(it).division.clear(),
        |it| t(it).operations = (1..=6).collect(),
        |it| (t(it).delegation, t(it).delegation_depth) = (2, 1),
        |it| t(it).identity_ids = (0..=255).map(|n| vec![n; 32]).collect(),
        |it| (t(it).delegation, t(it).delegation_depth) = (1, 4),
    );
    wrong!(RequestAccess,
        "terms.fields": |it| t(it).fields.swap(0, 1),
        "terms.fields": |it| t(it).fields[0].clear(),
        "terms.fields": |it| t(it).fields = (0..513).map(|n| format!("f{n:03}")).collect(),
        "terms.division": |it| t(it).division = "52x".into(),
        "terms.division": |it| t(it).division = "5".repeat(13),
        "terms.operations": |it| t(it).operations.clear(),
        "terms.operations": |it| t(it).operations = vec![0, 1],
        "terms.operations": |it| t(it).operations = vec![1, 7],
        "terms.operations": |it| t(it).operations = vec![2, 1],
        "terms.operations": |it| t(it).operations = vec![1, 1],
        "terms.identity_ids": |it| t(it).identity_ids.clear(),
        "terms.identity_ids": |it| t(it).identity_ids = vec![vec![2; 32], vec![1; 32]],
        "terms.identity_ids": |it| t(it).identity_ids[0].truncate(31),
        "terms.identity_ids": |it| {
            t(it).identity_ids = (0..=256u16).map(|n| n.to_be_bytes().repeat(16)).collect();
        },
        "terms.until_ms": |it| t(it).until_ms = t(it).from_ms,
        "terms.quota": |it| t(it).quota = None,
        "terms.delegation": |it| (t(it).delegation, t(it).delegation_depth) = (3, 1),
        "terms.delegation_depth": |it| t(it).delegation = 1,
        "terms.delegation_depth": |it| t(it).delegation_depth = 1,
    );
}

#[test]
fn decisions_and_confirmations() {
    right!(DecideRequest, |it| it.reason_digest = vec![1; 32], |it| it.using_department.clear());
    wrong!(DecideRequest,
        "request_id": |it| it.request_id.truncate(31),
        "dataset": |it| it.dataset.clear(),
        "collector": |it| it.collector.clear(),
        "using_department": |it| it.using_department = "-".into(),
        "reason_digest": |it| it.reason_digest = vec![1; 16],
        "terms": |it| it.terms = None,
        "terms.until_ms": |it| it.terms.as_mut().unwrap().until_ms = 0,
        "terms": |it| it.approve = false,
        "reason_digest": |it| { it.approve = false; it.terms = None; },
    );
    right!(
        ConfirmGrant,
        |it| {
            it.confirm = false;
            it.reason_digest = vec![1; 32];
        },
        |it| it.using_department.clear(),
    );
    wrong!(ConfirmGrant,
        "request_id": |it| it.request_id.clear(),
        "dataset": |it| it.dataset.clear(),
        "collector": |it| it.collector.clear(),
        "using_department": |it| it.using_department = "-".into(),
        "manager": |it| it.manager.clear(),
        "reason_digest": |it| it.reason_digest = vec![1],
        "reason_digest": |it| it.confirm = false,
    );
    // A grant for a class has no using department, a permit no manager.
    right!(RevokeGrant, |it| it.using_department.clear(), |it| it.manager.clear());
    wrong!(RevokeGrant,
        "request_id": |it| it.request_id.push(1),
        "dataset": |it| it.dataset.clear(),
        "collector": |it| it.collector.clear(),
        "using_department": |it| it.using_department = "-".into(),
        "manager": |it| it.manager = "-".into(),
        "reason_digest": |it| it.reason_digest.clear(),
    );
}

fn p(it: &mut RecordAccess) -> &mut Party {
    it.asker.as_mut().unwrap()
}

/// Leaves open which datasets it was, as this channel may or may not.
fn unseen(it: &mut RecordAccess, channel: Channel) {
    it.channel = channel as i32;
    (it.accesses[0].request_id, it.accesses[0].grant_unknown) = (Vec::new(), true);
}

fn untold(it: &mut RecordAccess, channel: Channel) {
    it.accesses.clear();
    it.channel = channel as i32;
}

#[test]
fn records() {
    right!(
        RecordAccess,
        |it| it.accesses[0].request_id.clear(),
        |it| it.accesses[0].fields.clear(),
        |it| it.accesses.push(access("civil.z", None)),
        |it| {
            it.via = it.asker.clone();
            it.via_message_digest = vec![1; 32];
        },
        |it| it.purpose.clear(),
        |it| it.result_digest.clear(),
        |it| it.subjects.as_mut().unwrap().tags.clear(),
        |it| it.decided_height = Some(0),
        |it| it.access_time_ms = u64::MAX,
        |it| it.row_count = None,
        |it| it.row_count = Some(0),
        |it| it.row_count = Some(u64::MAX),
        |it| it.statement_digest = vec![1; 32],
        |it| it.accesses[0].fields_by_text = true,
        |it| it.accesses[0].grant_by_rule = true,
        |it| unseen(it, Channel::Log),
        |it| unseen(it, Channel::Api),
        |it| it.subjects.as_mut().unwrap().uncounted = true,
        |it| it.subjects = Some(Subjects { uncounted: true, ..Subjects::default() }),
        |it| untold(it, Channel::Api),
        |it| untold(it, Channel::Log),
        |it| untold(it, Channel::File),
        |it| it.self_service = Some(SelfService::default()),
        |it| {
            it.self_service = Some(SelfService { login: 2 });
            it.subjects = Some(Subjects { uncounted: true, ..Subjects::default() });
        },
    );
    wrong!(RecordAccess,
        "collector": |it| it.collector.clear(),
        "access_no": |it| it.access_no = 0,
        "decision": |it| it.decision = 0,
        "decision": |it| it.decision = 3,
        "accesses": |it| untold(it, Channel::Door),
        "accesses.grant_unknown": |it| unseen(it, Channel::Door),
        "accesses.grant_unknown": |it| {
            it.channel = Channel::Log as i32;
            (it.accesses[0].request_id, it.accesses[0].grant_unknown) = (vec![1; 32], true);
        },
        "accesses": |it| it.accesses.push(it.accesses[0].clone()),
        "accesses": |it| it.accesses.push(access("a", None)),
        "accesses": |it| {
            it.accesses = (0..65).map(|n| access(&format!("d{n:02}"), None)).collect();
        },
        "accesses.dataset": |it| it.accesses[0].dataset.clear(),
        "accesses.operation": |it| it.accesses[0].operation = 7,
        "accesses.request_id": |it| it.accesses[0].request_id.truncate(16),
        "accesses.fields": |it| it.accesses[0].fields = vec!["b".into(), "a".into()],
        "accesses.fields": |it| it.accesses[0].fields = vec!["B".into()],
        "self_service.login": |it| it.self_service = Some(SelfService { login: 3 }),
        "self_service": |it| {
            (it.self_service, it.on_behalf_of) = (Some(SelfService::default()), it.asker.clone());
        },
        "self_service": |it| {
            it.self_service = Some(SelfService::default());
            it.subjects.as_mut().unwrap().tags = vec![vec![1; 32], vec![2; 32]];
        },
    );
}

#[test]
fn records_of_what_was_opened_by_hand() {
    right!(RecordAccess, |it| it.break_glass = Some(opened_by_hand()));
    wrong!(RecordAccess,
        "break_glass": |it| {
            (it.break_glass, it.decision) = (Some(opened_by_hand()), Decision::Denied as i32);
            (it.observing, it.row_count) = (None, Some(0));
        },
        "break_glass.officer_id": |it| {
            it.break_glass = Some(BreakGlass { officer_id: vec![1; 31], ..opened_by_hand() });
        },
        "break_glass.cause": |it| {
            it.break_glass = Some(BreakGlass { cause: String::new(), ..opened_by_hand() });
        },
        "break_glass.statement_digest": |it| {
            it.break_glass = Some(BreakGlass { statement_digest: Vec::new(), ..opened_by_hand() });
        },
    );
}

#[test]
fn digests_subjects_and_times_of_records() {
    wrong!(RecordAccess,
        "via_message_digest": |it| it.via_message_digest = vec![1; 32],
        "via_message_digest": |it| it.via_message_digest = vec![1; 31],
        "purpose": |it| it.purpose = "查 询".into(),
        "subjects": |it| it.subjects = None,
        "subjects.tags": |it| it.subjects.as_mut().unwrap().tags[0].clear(),
        "subjects.tags": |it| it.subjects.as_mut().unwrap().tags.push(vec![1; 32]),
        "subjects.tags": |it| {
            let tags = (0..=256u16).map(|n| n.to_be_bytes().repeat(16));
            it.subjects.as_mut().unwrap().tags = tags.collect();
        },
        "query_digest": |it| it.query_digest.clear(),
        "result_digest": |it| it.result_digest.push(1),
        "statement_digest": |it| it.statement_digest = vec![1; 31],
        "statement_digest": |it| it.statement_digest = vec![1; 33],
        "access_time_ms": |it| it.access_time_ms = 0,
    );
}

#[test]
fn parties() {
    right!(
        RecordAccess,
        |it| it.asker = Some(Party { unmapped_digest: vec![1; 32], ..Party::default() }),
        |it| p(it).assurance = 0,
        |it| it.on_behalf_of = it.asker.clone(),
    );
    wrong!(RecordAccess,
        "asker": |it| it.asker = None,
        "asker": |it| p(it).identity_id.truncate(31),
        "asker": |it| p(it).identity_id.clear(),
        "asker": |it| p(it).unmapped_digest = vec![1; 32],
        "asker": |it| { p(it).identity_id.clear(); p(it).unmapped_digest = vec![1; 32]; },
        "asker": |it| p(it).department.clear(),
        "asker": |it| p(it).assurance = 3,
        "via": |it| it.via = Some(Party::default()),
        "on_behalf_of": |it| it.on_behalf_of = Some(Party::default()),
    );
}
