//! Items of gateways and users, and on sealed records, that can't be: each field, bent.

use crate::types::limits;
use crate::wire::{
    BulkSubjects, Channel, CorrectRecords, ManualHandover, Observed, RecordAccess, SealPeriod,
    Subjects,
};

fn codes(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("d{n:04}")).collect()
}

/// So many tags, ascending.
fn tags(count: usize) -> Vec<Vec<u8>> {
    (0..count as u16).map(|n| n.to_be_bytes().repeat(16)).collect()
}

#[test]
fn setting_up() {
    right!(
        SetGateway,
        |it| it.datasets.clear(),
        |it| it.datasets = codes(limits::GATEWAY_DATASETS),
        |it| it.mapping_digest.clear(),
    );
    wrong!(SetGateway,
        "collector": |it| it.collector.clear(),
        "gateway_id": |it| it.gateway_id.clear(),
        "gateway_id": |it| it.gateway_id.truncate(31),
        "datasets": |it| it.datasets = vec!["b".into(), "a".into()],
        "datasets": |it| it.datasets = vec!["a".into(), "a".into()],
        "datasets": |it| it.datasets = vec!["人口".into()],
        "datasets": |it| it.datasets = codes(limits::GATEWAY_DATASETS + 1),
        "mapping_digest": |it| it.mapping_digest.truncate(31),
    );
    right!(
        SetObserving,
        |it| it.datasets = codes(limits::GATEWAY_DATASETS),
        |it| it.until_ms = 0,
        |it| it.until_ms = u64::MAX,
    );
    wrong!(SetObserving,
        "department": |it| it.department.clear(),
        "collector": |it| it.collector.clear(),
        "gateway_id": |it| it.gateway_id.truncate(31),
        "datasets": |it| it.datasets.clear(),
        "datasets": |it| it.datasets = vec!["b".into(), "a".into()],
        "datasets": |it| it.datasets = codes(limits::GATEWAY_DATASETS + 1),
    );
    right!(LeaseUse, |it| it.using_department.clear(), |it| it.until_ms = 0, |it| it.rows =
        u64::MAX);
    wrong!(LeaseUse,
        "request_id": |it| it.request_id.truncate(31),
        "dataset": |it| it.dataset.clear(),
        "collector": |it| it.collector.clear(),
        "using_department": |it| it.using_department = "人社".into(),
    );
    right!(StateList, |it| it.from_ms = it.until_ms, |it| it.from_ms = 0, |it| it.count = u64::MAX);
    wrong!(StateList,
        "department": |it| it.department.clear(),
        "platform": |it| it.platform = "平台".into(),
        "kind": |it| it.kind = 0,
        "kind": |it| it.kind = 4,
        "count": |it| it.count = 0,
        "root": |it| it.root.truncate(31),
        "until_ms": |it| (it.from_ms, it.until_ms) = (0, 0),
        "from_ms": |it| it.from_ms = it.until_ms + 1,
    );
    wrong!(CommitMapping,
        "collector": |it| it.collector.clear(),
        "gateway_id": |it| it.gateway_id.clear(),
        "mapping_digest": |it| it.mapping_digest.clear(),
    );
}

fn o(it: &mut SealPeriod) -> &mut Observed {
    &mut it.observed[0]
}

/// Looks at so many datasets.
fn observe(it: &mut SealPeriod, count: usize) {
    let one = it.observed[0].clone();
    let datasets = codes(count).into_iter();
    it.observed = datasets.map(|dataset| Observed { dataset, ..one.clone() }).collect();
}

#[test]
fn seals() {
    right!(
        SealPeriod,
        |it| it.count = 0,
        |it| it.count = u64::MAX - it.first,
        |it| it.observed.clear(),
        |it| observe(it, limits::GATEWAY_DATASETS),
        |it| (o(it).version, o(it).row_count) = (0, 0),
        |it| o(it).content_digest.clear(),
    );
    wrong!(SealPeriod,
        "collector": |it| it.collector.clear(),
        "until_ms": |it| it.until_ms = it.from_ms,
        "until_ms": |it| it.from_ms = it.until_ms + 1,
        "first": |it| it.first = 0,
        "count": |it| it.count = u64::MAX - it.first + 1,
        "spool_root": |it| it.spool_root.clear(),
        "observed": |it| { observe(it, 2); it.observed.swap(0, 1); },
        "observed": |it| it.observed.push(it.observed[0].clone()),
        "observed": |it| observe(it, limits::GATEWAY_DATASETS + 1),
        "observed.dataset": |it| o(it).dataset.clear(),
        "observed.content_digest": |it| o(it).content_digest.truncate(31),
    );
}

#[test]
fn losses_and_outages() {
    right!(DeclareLoss, |it| it.last = it.first, |it| it.last = u64::MAX - 1);
    wrong!(DeclareLoss,
        "collector": |it| it.collector.clear(),
        "gateway_id": |it| it.gateway_id.clear(),
        "first": |it| it.first = 0,
        "last": |it| it.last = it.first - 1,
        "last": |it| it.last = u64::MAX,
        "cause": |it| it.cause = "磁盘故障".into(),
    );
    wrong!(DeclareOutage,
        "collector": |it| it.collector.clear(),
        "gateway_id": |it| it.gateway_id.push(1),
        "cause": |it| it.cause.clear(),
    );
    wrong!(Unrecordable,
        "collector": |it| it.collector.clear(),
        "access_no": |it| it.access_no = 0,
        "digest": |it| it.digest.clear(),
        "reason": |it| it.reason = "no reason at all".into(),
    );
}

fn handed(it: &mut ManualHandover) -> &mut RecordAccess {
    it.record.as_mut().unwrap()
}

#[test]
fn handovers() {
    wrong!(ManualHandover,
        "record": |it| it.record = None,
        "access_no": |it| handed(it).access_no = 0,
        "query_digest": |it| handed(it).query_digest.clear(),
        "record.decision": |it| handed(it).decision = 2,
        "record.accesses": |it| untold(handed(it)),
        "medium_digest": |it| it.medium_digest.clear(),
    );
}

fn subjects(it: &mut RecordAccess) -> &mut Subjects {
    it.subjects.as_mut().unwrap()
}

/// A record about a bulk set of so many subjects.
fn about(it: &mut RecordAccess, count: u64) {
    let bulk = Some(BulkSubjects { count, root: vec![1; 32] });
    it.subjects = Some(Subjects { bulk, ..Subjects::default() });
}

/// A record about a whole version.
fn whole(it: &mut RecordAccess) {
    it.accesses[0].version = 1;
    it.subjects = Some(Subjects { whole: true, ..Subjects::default() });
}

/// A record that does not say which datasets it touched, of a channel that may.
fn untold(it: &mut RecordAccess) {
    it.accesses.clear();
    it.channel = Channel::Log as i32;
}

#[test]
fn bulk_subjects() {
    right!(RecordAccess, |it| about(it, 1), |it| about(it, limits::BULK_SUBJECTS), whole);
    wrong!(RecordAccess,
        "subjects.bulk.count": |it| about(it, 0),
        "subjects.bulk.count": |it| about(it, limits::BULK_SUBJECTS + 1),
        "subjects.bulk.root": |it| {
            about(it, 1);
            subjects(it).bulk.as_mut().unwrap().root.clear();
        },
        "subjects.bulk": |it| { about(it, 1); subjects(it).tags = vec![vec![1; 32]]; },
        "subjects.bulk": |it| { about(it, 1); subjects(it).unknown_count = 1; },
        "subjects.bulk": |it| { about(it, 1); subjects(it).uncounted = true; },
        "subjects.bulk": |it| { whole(it); about(it, 1); subjects(it).whole = true; },
        "subjects.bulk": |it| { about(it, 1); untold(it); },
        "subjects.whole": |it| { whole(it); it.accesses[0].version = 0; },
        "subjects.whole": |it| { whole(it); subjects(it).tags = vec![vec![1; 32]]; },
        "subjects.whole": |it| { whole(it); subjects(it).unknown_count = 1; },
        "subjects.whole": |it| { whole(it); subjects(it).uncounted = true; },
        "subjects.whole": |it| { whole(it); untold(it); },
    );
    // More tags than the limit do not fit into an item at all.
    right!(AddBulkTags, |it| it.tags.truncate(1), |it| it.tags = tags(limits::BULK_TAGS));
    wrong!(AddBulkTags,
        "collector": |it| it.collector.clear(),
        "access_no": |it| it.access_no = 0,
        "tags": |it| it.tags.clear(),
        "tags": |it| it.tags.swap(0, 1),
        "tags": |it| it.tags[1] = it.tags[0].clone(),
        "tags": |it| it.tags[0].truncate(31),
    );
}

/// Corrects so many records.
fn many(it: &mut CorrectRecords, count: usize) {
    let one = it.records[0].clone();
    let numbers = 1..=count as u64;
    it.records = numbers.map(|access_no| RecordAccess { access_no, ..one.clone() }).collect();
    it.recorded = vec![vec![1; 32]; count];
}

/// Puts it down to an account without an identity.
fn unmapped(it: &mut CorrectRecords) {
    it.from_department.clear();
    it.from_identity_id.clear();
    it.from_unmapped_digest = vec![1; 32];
}

#[test]
fn corrections() {
    right!(CorrectRecords, unmapped, |it| many(it, 2));
    wrong!(CorrectRecords,
        "collector": |it| it.collector.clear(),
        "gateway_id": |it| it.gateway_id.clear(),
        "reason": |it| it.reason.clear(),
        "mapping_digest": |it| it.mapping_digest.clear(),
        "from_identity_id": |it| it.from_identity_id.truncate(31),
        "from_identity_id": |it| it.from_identity_id.clear(),
        "from_identity_id": |it| it.from_unmapped_digest = vec![1; 32],
        "from_unmapped_digest": |it| { unmapped(it); it.from_unmapped_digest.truncate(31); },
        "from_department": |it| it.from_department.clear(),
        "from_department": |it| { unmapped(it); it.from_department = "gz.tax".into(); },
        "to_department": |it| it.to_department.clear(),
        "to_identity_id": |it| it.to_identity_id.clear(),
        "to_identity_id": |it| it.to_identity_id = it.from_identity_id.clone(),
    );
}

#[test]
fn corrected_records() {
    wrong!(CorrectRecords,
        "records": |it| it.records.clear(),
        "records": |it| many(it, limits::CORRECTED_RECORDS + 1),
        "records": |it| it.records.push(it.records[0].clone()),
        "records": |it| { many(it, 2); it.records.swap(0, 1); },
        "records.collector": |it| it.records[0].collector = "gz.hrss".into(),
        "records.asker": |it| it.to_identity_id = vec![9; 32],
        "records.asker": |it| it.to_department = "gz.tax".into(),
        "query_digest": |it| it.records[0].query_digest.clear(),
        "recorded": |it| it.recorded.clear(),
        "recorded": |it| it.recorded.push(vec![1; 32]),
        "recorded": |it| it.recorded[0].truncate(31),
    );
    right!(AgreeCorrection, |it| it.reason_digest = vec![1; 32], |it| {
        it.agree = false;
        it.reason_digest = vec![1; 32];
    });
    wrong!(AgreeCorrection,
        "correction_id": |it| it.correction_id.clear(),
        "department": |it| it.department.clear(),
        "reason_digest": |it| it.reason_digest = vec![1; 31],
        "reason_digest": |it| it.agree = false,
    );
}

#[test]
fn halves() {
    right!(Acknowledge, |it| it.result_digest.clear(), |it| it.row_count = Some(0), |it| {
        it.row_count = None;
    });
    wrong!(Acknowledge,
        "request_id": |it| it.request_id.clear(),
        "dataset": |it| it.dataset.clear(),
        "collector": |it| it.collector.clear(),
        "using_department": |it| it.using_department.clear(),
        "gateway_id": |it| it.gateway_id.clear(),
        "access_no": |it| it.access_no = 0,
        "result_digest": |it| it.result_digest.truncate(31),
    );
    right!(AcknowledgeHour, |it| (it.hour, it.count) = (0, 0));
    wrong!(AcknowledgeHour,
        "request_id": |it| it.request_id.truncate(31),
        "dataset": |it| it.dataset.clear(),
        "collector": |it| it.collector.clear(),
        "using_department": |it| it.using_department.clear(),
        "root": |it| it.root.clear(),
    );
}

#[test]
fn sealed_records() {
    wrong!(OrderSealing,
        "authority": |it| it.authority.clear(),
        "collector": |it| it.collector.clear(),
        "decision_digest": |it| it.decision_digest.clear(),
    );
    wrong!(ExtendSealing,
        "authority": |it| it.authority.clear(),
        "order_id": |it| it.order_id.clear(),
        "decision_digest": |it| it.decision_digest.truncate(31),
    );
    wrong!(RecordSealed,
        "collector": |it| it.collector.clear(),
        "authority": |it| it.authority.clear(),
        "order_id": |it| it.order_id.truncate(31),
        "access_no": |it| it.access_no = 0,
        "commitment": |it| it.commitment.clear(),
    );
    wrong!(OpenSealed,
        "authority": |it| it.authority.clear(),
        "order_id": |it| it.order_id.clear(),
        "gateway_id": |it| it.gateway_id.clear(),
        "salt": |it| it.salt.truncate(15),
        "salt": |it| it.salt.push(0),
        "record": |it| it.record = None,
        "access_no": |it| it.record.as_mut().unwrap().access_no = 0,
    );
}
