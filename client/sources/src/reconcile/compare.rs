//! One statement of a log against its records on the ledger, and what is left on either side.

use super::result::{Cause, Difference};
use crate::known::{KnownRecord, account};
use crate::plan::Planner;
use crate::statement::Statement;
use std::collections::{BTreeSet, HashSet};

/// How far the time of a record that was made otherwise may be from the log's.
const CLOCKS_MS: u64 = 2_000;

/// A statement as it should stand on the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected {
    reference: String,
    pub(super) time_ms: u64,
    account: String,
    touched: BTreeSet<(String, i32)>,
    grants: BTreeSet<String>,
    rows: Option<u64>,
    denied: bool,
    query: Vec<u8>,
    /// What the log's parts say of it, where it was read apart: a record may be of one of them.
    apart: Vec<Apart>,
}

/// A statement as one part of the log tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Apart {
    time_ms: u64,
    rows: Option<u64>,
    query: Vec<u8>,
}

impl Expected {
    /// Of a statement, and of what the log's parts tell of it where it was read apart.
    pub(super) fn of(planner: &mut Planner<'_>, it: &Statement, apart: &[Statement]) -> Self {
        let of_part = |it: &Statement| Apart {
            time_ms: planner.time(it),
            rows: it.rows(),
            query: planner.query_digest(it),
        };
        let apart = apart.iter().map(of_part).collect();
        Self {
            apart,
            reference: it.reference.clone(),
            time_ms: planner.time(it),
            account: account(Some(&planner.asker(it))),
            touched: it.touched.keys().cloned().collect(),
            grants: planner.grants(it),
            rows: it.rows(),
            denied: it.denied,
            query: planner.query_digest(it),
        }
    }

    /// What tells the statement from others.
    pub(super) fn reference(&self) -> &str {
        &self.reference
    }

    /// Whether a record's rows are the statement's, or those that a part of the log tells of it.
    fn has_rows(&self, rows: Option<u64>) -> bool {
        self.rows == rows || self.apart.iter().any(|it| it.rows == rows)
    }

    /// How far a time is from the statement's, or from that of a part of the log.
    fn time_apart(&self, time_ms: u64) -> u64 {
        let all = self.apart.iter().map(|it| it.time_ms).chain([self.time_ms]);
        all.map(|it| it.abs_diff(time_ms)).min().unwrap_or(u64::MAX)
    }

    /// Whether a text is the statement's, or what a part of the log tells of it.
    fn has_text(&self, query: &[u8]) -> bool {
        self.query == query || self.apart.iter().any(|it| it.query == query)
    }

    /// Whether a record that was made otherwise may be of it.
    fn may_be(&self, record: &KnownRecord) -> bool {
        self.account == record.account
            && self.touched == record.touched
            && self.denied == record.denied
            && self.time_ms.abs_diff(record.time_ms) <= CLOCKS_MS
    }

    fn differs(
        &self,
        cause: Cause,
        records: &[&KnownRecord],
        in_log: String,
        on_ledger: String,
    ) -> Difference {
        Difference {
            cause,
            statement: self.reference.clone(),
            numbers: records.iter().map(|it| it.access_no).collect(),
            time_ms: self.time_ms,
            account: self.account.clone(),
            in_log,
            on_ledger,
        }
    }

    /// What differs from the records of it; `recorded_from_log`: they are by their nonces, so that texts can be compared.
    fn compare(&self, records: &[&KnownRecord], by_nonce: bool) -> Vec<Difference> {
        let Some(first) = records.first() else {
            return vec![self.differs(
                Cause::Unreported,
                records,
                touched(&self.touched),
                String::new(),
            )];
        };
        let mut found = Vec::new();
        let mut differs = |cause, in_log: String, on_ledger: String| {
            if in_log != on_ledger {
                found.push(self.differs(cause, records, in_log, on_ledger));
            }
        };
        let all: BTreeSet<(String, i32)> =
            records.iter().flat_map(|it| it.touched.clone()).collect();
        differs(Cause::Datasets, touched(&self.touched), touched(&all));
        // Several records of a statement say the same of it; where one does not, that one is shown.
        let other = |is_other: &dyn Fn(&KnownRecord) -> bool| {
            records.iter().find(|it| is_other(it)).copied().unwrap_or(*first)
        };
        if self.rows.is_some() {
            let it = other(&|it| it.rows.is_some() && !self.has_rows(it.rows));
            let rows = it.rows.filter(|_| !self.has_rows(it.rows));
            differs(Cause::Rows, shown(self.rows), shown(rows.or(self.rows)));
        }
        let it = other(&|it| it.account != self.account);
        differs(Cause::Account, self.account.clone(), it.account.clone());
        // The lines of a statement may be written one after the other, and be read apart.
        let apart = if by_nonce && records.len() == 1 { 0 } else { CLOCKS_MS };
        let it = other(&|it| self.time_apart(it.time_ms) > apart);
        if self.time_apart(it.time_ms) > apart {
            differs(Cause::Time, self.time_ms.to_string(), it.time_ms.to_string());
        }
        let grants: BTreeSet<String> = records.iter().flat_map(|it| it.grants.clone()).collect();
        differs(Cause::Grant, joined(&self.grants), joined(&grants));
        let decision = |denied: bool| if denied { "denied" } else { "served" }.to_owned();
        let it = other(&|it| it.denied != self.denied);
        differs(Cause::Decision, decision(self.denied), decision(it.denied));
        // Of a statement that was read in parts the text may be one part's.
        let is_whole = records.iter().any(|it| self.has_text(&it.query));
        if by_nonce && !is_whole {
            differs(Cause::Text, hex::encode(&self.query), hex::encode(&first.query));
        }
        found
    }
}

fn shown(rows: Option<u64>) -> String {
    rows.map_or_else(String::new, |it| it.to_string())
}

fn joined(all: &BTreeSet<String>) -> String {
    all.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

fn touched(all: &BTreeSet<(String, i32)>) -> String {
    let name = |operation: i32| {
        let operation = liuhen_proto::wire::Operation::try_from(operation).unwrap_or_default();
        operation.as_str_name().trim_start_matches("OPERATION_").to_lowercase()
    };
    all.iter().map(|(dataset, it)| format!("{}:{dataset}", name(*it))).collect::<Vec<_>>().join(" ")
}

/// A statement and the records that are its own by their nonces.
pub(super) struct Pair {
    pub(super) expected: Expected,
    pub(super) records: Vec<KnownRecord>,
    /// Whether the statement touched more, which can't be told.
    pub(super) is_untold: bool,
}

/// What differs between the log's statements and the records within its time.
pub(super) fn differences(pairs: &[Pair], within: &[KnownRecord]) -> Vec<Difference> {
    let taken: HashSet<[u8; 16]> =
        pairs.iter().flat_map(|pair| &pair.records).map(|it| it.nonce).collect();
    let mut left: Vec<&KnownRecord> =
        within.iter().filter(|it| !taken.contains(&it.nonce)).collect();
    let mut found = Vec::new();
    for pair in pairs {
        let records: Vec<&KnownRecord> = pair.records.iter().collect();
        if !records.is_empty() {
            found.extend(pair.expected.compare(&records, true));
            let untold = records.iter().any(|it| it.touched.is_empty());
            if pair.is_untold && !untold {
                let it = &pair.expected;
                let in_log = "touched more, which can't be told".to_owned();
                found.push(it.differs(Cause::Datasets, &records, in_log, touched(&it.touched)));
            }
            continue;
        }
        // Recorded otherwise: by a door, or by hand.
        let fitting = left.iter().enumerate().filter(|(_, it)| pair.expected.may_be(it));
        let nearest = fitting.min_by_key(|(_, it)| it.time_ms.abs_diff(pair.expected.time_ms));
        let record = nearest.map(|(at, _)| at).map(|at| left.remove(at));
        let records: Vec<&KnownRecord> = record.into_iter().collect();
        found.extend(pair.expected.compare(&records, false));
    }
    // What is left may be of statements that have records already.
    for record in left {
        let same = pairs.iter().find(|it| it.expected.may_be(record));
        let cause = if same.is_some() { Cause::Double } else { Cause::OnlyOnLedger };
        found.push(Difference {
            cause,
            statement: same.map(|it| it.expected.reference.clone()).unwrap_or_default(),
            numbers: vec![record.access_no],
            time_ms: record.time_ms,
            account: record.account.clone(),
            in_log: String::new(),
            on_ledger: touched(&record.touched),
        });
    }
    found.sort_by_key(|it| (it.cause, it.time_ms));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(nonce: u8) -> Expected {
        Expected {
            reference: format!("s/{nonce}"),
            time_ms: 1_000_000 * u64::from(nonce),
            account: "a".into(),
            touched: BTreeSet::from([("civil.resident".into(), 1)]),
            grants: BTreeSet::from(["01".into()]),
            rows: Some(3),
            denied: false,
            query: vec![nonce],
            apart: Vec::new(),
        }
    }

    fn record(nonce: u8) -> KnownRecord {
        let it = expected(nonce);
        KnownRecord {
            is_followed: true,
            nonce: [nonce; 16],
            position: u64::from(nonce),
            access_no: u64::from(nonce),
            time_ms: it.time_ms,
            account: it.account,
            outcome: 0,
            touched: it.touched,
            grants: it.grants,
            rows: it.rows,
            denied: false,
            is_record: true,
            query: it.query,
        }
    }

    fn pair(nonce: u8, records: &[KnownRecord]) -> Pair {
        Pair { expected: expected(nonce), records: records.to_vec(), is_untold: false }
    }

    fn causes(pairs: &[Pair], within: &[KnownRecord]) -> Vec<(Cause, String, Vec<u64>)> {
        let found = differences(pairs, within).into_iter();
        found.map(|it| (it.cause, it.statement, it.numbers)).collect()
    }

    #[test]
    fn what_is_the_same_differs_in_nothing() {
        let pairs = [pair(1, &[record(1)]), pair(2, &[])];
        // The second was recorded otherwise, under another nonce.
        let otherwise = KnownRecord { nonce: [9; 16], query: vec![77], ..record(2) };
        let later = KnownRecord { time_ms: otherwise.time_ms + CLOCKS_MS, ..otherwise.clone() };
        assert_eq!(causes(&pairs, &[record(1), otherwise]), []);
        assert_eq!(causes(&pairs, &[record(1), later]), []);
    }

    #[test]
    fn each_cause_is_told() {
        type Change = fn(&mut KnownRecord);
        let changes: [(Cause, Change); 7] = [
            (Cause::Datasets, |it| it.touched = BTreeSet::new()),
            (Cause::Rows, |it| it.rows = Some(2)),
            (Cause::Account, |it| it.account = "b".into()),
            (Cause::Time, |it| it.time_ms += 1),
            (Cause::Grant, |it| it.grants.clear()),
            (Cause::Decision, |it| it.denied = true),
            (Cause::Text, |it| it.query = vec![0]),
        ];
        for (cause, change) in changes {
            let mut changed = record(1);
            change(&mut changed);
            let pairs = [pair(1, std::slice::from_ref(&changed))];
            assert_eq!(causes(&pairs, &[changed]), [(cause, "s/1".into(), vec![1])]);
        }
        // Who does not know how many rows there were contradicts nobody.
        let unknown = KnownRecord { rows: None, ..record(1) };
        assert_eq!(causes(&[pair(1, std::slice::from_ref(&unknown))], &[unknown]), []);
    }

    /// A statement that was read apart stands on the ledger as its parts tell it.
    #[test]
    fn records_of_parts_differ_in_nothing() {
        let parts = [(1_000_000, Some(1), 1), (1_600_000, Some(2), 9)];
        let apart = parts.map(|(time_ms, rows, query)| Apart { time_ms, rows, query: vec![query] });
        let touched = |it: &str| (it.to_owned(), 1);
        let both = BTreeSet::from([touched("civil.resident"), touched("civil.household")]);
        let whole =
            Expected { query: vec![7], touched: both, apart: apart.to_vec(), ..expected(1) };
        let records = [
            KnownRecord { rows: Some(1), ..record(1) },
            KnownRecord {
                nonce: [9; 16],
                time_ms: 1_600_000,
                rows: Some(2),
                touched: BTreeSet::from([touched("civil.household")]),
                query: vec![9],
                ..record(1)
            },
        ];
        let pair = |records: &[KnownRecord]| Pair {
            expected: whole.clone(),
            records: records.to_vec(),
            is_untold: false,
        };
        assert_eq!(causes(&[pair(&records)], &records), []);
        let mut other = records.clone();
        other[1].rows = Some(5);
        assert_eq!(causes(&[pair(&other)], &other), [(Cause::Rows, "s/1".into(), vec![1, 1])]);
    }

    #[test]
    fn what_only_one_side_has() {
        assert_eq!(causes(&[pair(1, &[])], &[]), [(Cause::Unreported, "s/1".into(), vec![])]);
        assert_eq!(causes(&[], &[record(3)]), [(Cause::OnlyOnLedger, String::new(), vec![3])]);
        let twice = KnownRecord { nonce: [9; 16], access_no: 9, ..record(1) };
        let found = causes(&[pair(1, &[record(1)])], &[record(1), twice]);
        assert_eq!(found, [(Cause::Double, "s/1".into(), vec![9])]);
        let untold = Pair { is_untold: true, ..pair(1, &[record(1)]) };
        assert_eq!(causes(&[untold], &[record(1)]), [(Cause::Datasets, "s/1".into(), vec![1])]);
    }
}
