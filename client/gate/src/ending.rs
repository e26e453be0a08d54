//! How an access ends, as its record can say it.

use crate::spool::entry::Ended;
use liuhen_client::submit::item;
use liuhen_proto::wire::item::Kind;
use liuhen_proto::wire::{RecordAccess, Subjects};

/// An ending with which a record is one that the ledger takes, with the tags that follow: else nothing could be sent behind it. Subjects that do not fit are
/// counted as unknown.
pub fn fitting(record: RecordAccess, ended: Ended, bulk: Vec<Vec<u8>>) -> (Ended, Vec<Vec<u8>>) {
    let fits = |it: &Ended| {
        let subjects = it.subjects.clone().or(record.subjects.clone());
        let (row_count, result_digest) = (it.rows, it.result_digest.clone());
        let record = RecordAccess { subjects, row_count, result_digest, ..record.clone() };
        item(Kind::RecordAccess(record)).is_ok()
    };
    if fits(&ended) {
        return (ended, bulk);
    }
    let subjects = ended.subjects.clone().unwrap_or_default();
    let listed = u64::try_from(subjects.tags.len()).unwrap_or(u64::MAX);
    let of_set = subjects.bulk.as_ref().map_or(0, |it| it.count);
    let unknown_count = subjects.unknown_count.saturating_add(listed).saturating_add(of_set);
    tracing::warn!(
        access_no = ended.number,
        subjects = unknown_count,
        "a record with these subjects is none that the ledger takes: they are counted as unknown"
    );
    let subjects = Subjects { unknown_count, uncounted: subjects.uncounted, ..Subjects::default() };
    let without = Ended { subjects: Some(subjects), ..ended };
    match fits(&without) {
        true => (without, Vec::new()),
        false => (Ended { result_digest: Vec::new(), ..without }, Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use liuhen_proto::wire::{Assurance, DatasetAccess, Operation, Party, SelfService};

    fn record() -> RecordAccess {
        RecordAccess {
            collector: "gz.psb".into(),
            access_no: 7,
            accesses: vec![DatasetAccess {
                dataset: "civil.resident".into(),
                operation: Operation::Read as i32,
                request_id: vec![1; 32],
                ..DatasetAccess::default()
            }],
            asker: Some(Party {
                department: "gz.hrss".into(),
                identity_id: vec![2; 32],
                assurance: Assurance::Verified as i32,
                ..Party::default()
            }),
            purpose: "pension".into(),
            query_digest: vec![3; 32],
            access_time_ms: 1_790_000_000_000,
            decision: liuhen_proto::wire::Decision::Served as i32,
            channel: liuhen_proto::wire::Channel::Door as i32,
            subjects: Some(Subjects::default()),
            ..RecordAccess::default()
        }
    }

    fn ended(tags: u8) -> Ended {
        let tags = (1..=tags).map(|it| vec![it; 32]).collect();
        let subjects = Some(Subjects { tags, ..Subjects::default() });
        Ended { number: 7, rows: Some(2), result_digest: vec![4; 32], subjects }
    }

    #[test]
    fn subjects_that_fit_stay() {
        let tags = vec![vec![9; 32]];
        assert_eq!(fitting(record(), ended(2), tags.clone()), (ended(2), tags));
    }

    #[test]
    fn two_subjects_of_one_who_asks_about_himself_are_counted() {
        let login = Assurance::Verified as i32;
        let of_one = RecordAccess {
            self_service: Some(SelfService { login }),
            asker: Some(Party { department: "gz.hrss".into(), ..Party::default() }),
            ..record()
        };
        let counted = Subjects { unknown_count: 2, ..Subjects::default() };
        let (it, bulk) = fitting(of_one, ended(2), vec![vec![9; 32]]);
        assert_eq!((it.subjects, it.rows, bulk.len()), (Some(counted), Some(2), 0));
    }

    #[test]
    fn a_digest_that_is_none_is_left_out() {
        let bent = Ended { result_digest: vec![4; 5], ..ended(1) };
        let (it, _) = fitting(record(), bent, Vec::new());
        assert_eq!((it.result_digest.len(), it.rows), (0, Some(2)));
    }
}
