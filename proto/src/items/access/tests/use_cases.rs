//! Records that go beyond what their grant allows in one respect, or do not say enough.

use crate::event::Reason;
use crate::items::access::tests::coverage_cases::{Case, now, regrant};
use crate::ledger::tests::{
    items::{self, DAY, T0},
    stage::Staged,
};
use crate::wire::{self, Operation, RecordAccess};

pub(crate) const WHAT: &[Case] = &[
    ("before the period", Reason::OutsidePeriod, |s, it| {
        regrant(s, it, |asked| asked.terms.as_mut().unwrap().from_ms = T0 + DAY);
    }),
    ("at the end of the period", Reason::OutsidePeriod, |s, it| {
        let until = s.world.now + 3500;
        regrant(s, it, |asked| asked.terms.as_mut().unwrap().until_ms = until);
        it.access_time_ms = until;
    }),
    ("just before the end of the period", Reason::None, |s, it| {
        let until = s.world.now + 3500;
        regrant(s, it, |asked| asked.terms.as_mut().unwrap().until_ms = until);
        it.access_time_ms = until - 1;
    }),
    ("an operation that is not granted", Reason::OperationNotGranted, |_, it| {
        it.accesses[0].operation = Operation::Delete as i32;
    }),
    ("another purpose", Reason::OtherPurpose, |_, it| it.purpose = "audit".into()),
    ("a field that is not granted", Reason::FieldNotGranted, |_, it| {
        it.accesses[0].fields = vec!["birth".into(), "name".into()];
    }),
    ("any field, where all are granted", Reason::None, |s, it| {
        regrant(s, it, |asked| asked.terms.as_mut().unwrap().fields.clear());
        it.accesses[0].fields = vec!["birth".into()];
    }),
    ("at the age that grade 2 allows", Reason::None, |s, it| {
        s.world.wait(601_000);
        it.access_time_ms = s.world.tip().header.time.get() + 600_000;
    }),
    ("older than grade 2 allows", Reason::DecisionTooOld, |s, it| {
        s.world.wait(601_000);
        it.access_time_ms = s.world.tip().header.time.get() + 600_001;
    }),
    ("older than grade 4 allows", Reason::DecisionTooOld, |s, it| {
        regrant(s, it, |asked| asked.dataset = "civil.core".into());
        s.world.wait(11_000);
        it.access_time_ms = s.world.tip().header.time.get() + 10_001;
    }),
];

/// A grant under which two records, of one row each, were made already.
fn used_twice(s: &mut Staged, it: &mut RecordAccess, quota: wire::Quota) {
    regrant(s, it, |asked| asked.terms.as_mut().unwrap().quota = Some(quota));
    for _ in 0..2 {
        s.world.does("gz.psb/gateway", it.clone());
        now(s, it);
    }
}

pub(crate) const QUOTA: &[Case] = &[
    ("queries, one left", Reason::None, |s, it| {
        used_twice(s, it, wire::Quota { queries_total: 3, ..Default::default() });
    }),
    ("queries, none left", Reason::QuotaExceeded, |s, it| {
        used_twice(s, it, wire::Quota { queries_total: 2, ..Default::default() });
    }),
    ("rows, just enough", Reason::None, |s, it| {
        used_twice(s, it, wire::Quota { rows_total: 12, ..Default::default() });
        it.row_count = Some(10);
    }),
    ("rows, one too many", Reason::QuotaExceeded, |s, it| {
        used_twice(s, it, wire::Quota { rows_total: 12, ..Default::default() });
        it.row_count = Some(11);
    }),
    ("rows not said, and none limited", Reason::None, |s, it| {
        used_twice(
            s,
            it,
            wire::Quota { queries_total: 5, queries_per_day: 5, ..Default::default() },
        );
        it.row_count = None;
    }),
    ("rows not said, and limited in all", Reason::RowsUnknown, |s, it| {
        used_twice(s, it, wire::Quota { rows_total: 12, ..Default::default() });
        it.row_count = None;
    }),
    ("rows not said, and limited by the day", Reason::RowsUnknown, |s, it| {
        used_twice(s, it, wire::Quota { rows_per_day: 2, ..Default::default() });
        it.row_count = None;
    }),
    ("rows said to be none, and none left today", Reason::None, |s, it| {
        used_twice(s, it, wire::Quota { rows_per_day: 2, ..Default::default() });
        it.row_count = Some(0);
    }),
    ("rows not said, and no query left", Reason::QuotaExceeded, |s, it| {
        used_twice(s, it, wire::Quota { queries_per_day: 2, rows_total: 9, ..Default::default() });
        it.row_count = None;
    }),
    ("rows not said, nor the purpose", Reason::PurposeUnknown, |s, it| {
        used_twice(s, it, wire::Quota { rows_total: 12, ..Default::default() });
        (it.row_count, it.purpose) = (None, String::new());
    }),
    ("rows not said, of a day too long ago", Reason::QuotaDayUnknown, |s, it| {
        used_for_days(s, it, 33);
        it.channel = wire::Channel::Log as i32;
        at(s, it, T0 + items::HOUR);
        it.row_count = None;
    }),
    ("the rest of a statement, no query left", Reason::None, |s, it| {
        it.statement_digest = vec![1; 32];
        used_twice(
            s,
            it,
            wire::Quota { queries_per_day: 1, rows_per_day: 1, ..Default::default() },
        );
    }),
    ("the rest of a statement, whose rows are limited", Reason::RowsUnknown, |s, it| {
        it.statement_digest = vec![1; 32];
        used_twice(s, it, wire::Quota { rows_total: 12, ..Default::default() });
        it.row_count = None;
    }),
    ("another statement, no query left", Reason::QuotaExceeded, |s, it| {
        it.statement_digest = vec![1; 32];
        used_twice(s, it, wire::Quota { queries_per_day: 1, ..Default::default() });
        it.statement_digest = vec![2; 32];
    }),
    ("queries of the day, none left", Reason::QuotaExceeded, |s, it| {
        used_twice(s, it, wire::Quota { queries_per_day: 2, ..Default::default() });
    }),
    ("rows of the day, one too many", Reason::QuotaExceeded, |s, it| {
        used_twice(s, it, wire::Quota { rows_per_day: 2, ..Default::default() });
    }),
    // The first day ends at 24:00 local time (+08:00), 14 hours after it began.
    ("the same day still", Reason::QuotaExceeded, |s, it| {
        used_twice(s, it, wire::Quota { queries_per_day: 2, ..Default::default() });
        at(s, it, T0 + 14 * items::HOUR - 1);
    }),
    ("the next day", Reason::None, |s, it| {
        used_twice(s, it, wire::Quota { rows_per_day: 2, ..Default::default() });
        at(s, it, T0 + 14 * items::HOUR);
    }),
    ("a day too long ago", Reason::QuotaDayUnknown, |s, it| {
        used_for_days(s, it, 33);
        it.channel = wire::Channel::Log as i32;
        at(s, it, T0 + items::HOUR);
    }),
    ("the oldest day that is known", Reason::QuotaExceeded, |s, it| {
        used_for_days(s, it, 33);
        it.channel = wire::Channel::Log as i32;
        at(s, it, T0 + items::HOUR + DAY);
    }),
];

/// Bends the record to a time, by which it is judged.
fn at(s: &mut Staged, it: &mut RecordAccess, time: u64) {
    if s.world.now < time {
        s.world.pause(time - s.world.now);
    }
    it.decided_height = None;
    it.access_time_ms = time;
}

/// One record a day, of one query that the day's quota allows.
fn used_for_days(s: &mut Staged, it: &mut RecordAccess, days: u64) {
    let quota = wire::Quota { queries_per_day: 1, ..Default::default() };
    regrant(s, it, |asked| asked.terms.as_mut().unwrap().quota = Some(quota));
    for _ in 0..days {
        s.world.does("gz.psb/gateway", it.clone());
        s.world.pause(DAY);
        now(s, it);
    }
}

pub(crate) const UNKNOWN: &[Case] = &[
    ("datasets not said", Reason::DatasetUnknown, |_, it| {
        it.accesses.clear();
        it.channel = wire::Channel::Log as i32;
    }),
    ("datasets not said, of an account without an identity", Reason::DatasetUnknown, |_, it| {
        it.accesses.clear();
        it.channel = wire::Channel::File as i32;
        it.asker = Some(wire::Party { unmapped_digest: vec![1; 32], ..Default::default() });
    }),
    ("datasets not said, and rows neither", Reason::DatasetUnknown, |_, it| {
        it.accesses.clear();
        it.channel = wire::Channel::Api as i32;
        it.row_count = None;
    }),
    ("grant not to be seen", Reason::GrantUnknown, |_, it| {
        (it.accesses[0].request_id, it.accesses[0].grant_unknown) = (Vec::new(), true);
        it.channel = wire::Channel::Log as i32;
    }),
    (
        "grant not to be seen, of an account without an identity",
        Reason::UnmappedAccount,
        |_, it| {
            (it.accesses[0].request_id, it.accesses[0].grant_unknown) = (Vec::new(), true);
            it.channel = wire::Channel::Log as i32;
            it.asker = Some(wire::Party { unmapped_digest: vec![1; 32], ..Default::default() });
        },
    ),
    ("fields not said", Reason::FieldsUnknown, |_, it| it.accesses[0].fields.clear()),
    ("fields not said, where all are granted", Reason::None, |s, it| {
        regrant(s, it, |asked| asked.terms.as_mut().unwrap().fields.clear());
        it.accesses[0].fields.clear();
    }),
    ("purpose not said", Reason::PurposeUnknown, |_, it| it.purpose.clear()),
    ("as far ahead as clocks drift", Reason::None, |s, it| {
        it.access_time_ms = s.world.now + 5_000;
    }),
    ("further ahead", Reason::FutureTime, |s, it| {
        it.access_time_ms = s.world.now + 5_001;
    }),
    ("decided by this very block", Reason::UnknownHeight, |s, it| {
        it.decided_height = Some(s.world.height().next().get());
    }),
    ("decided by a height that is not yet", Reason::UnknownHeight, |_, it| {
        it.decided_height = Some(u64::MAX);
    }),
];
