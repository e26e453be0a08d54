//! Rows that nobody counted, and statements that need several records, as they count under a grant.

use crate::event::{Reason, Verdict};
use crate::items::access::tests::{
    coverage::{deny, judged},
    coverage_cases::regrant,
};
use crate::items::sharing::grants;
use crate::ledger::tests::{
    account::{access_to, alerted, granted},
    items::{HOUR, approve, confirm, delegate, verified},
    stage::{COLLECTOR, GATEWAY, MANAGER, RESIDENT, Staged, USER, staged},
};
use crate::place::Place;
use crate::types::{RequestId, limits};
use crate::wire::{
    self, Channel, Delegation, GrantState, GrantUse, Operation, Quota, RecordAccess, WatchKind,
};

fn used(s: &Staged, id: &RequestId) -> GrantUse {
    match s.world.objects.get(&Place::grant_use(id)) {
        Some(crate::ledger::Object::GrantUse(it)) => (**it).clone(),
        _ => GrantUse::default(),
    }
}

/// Queries, rows, and records whose rows are unknown.
fn counts(s: &Staged, id: &RequestId) -> (u64, u64, u64) {
    let used = used(s, id);
    (used.queries, used.rows, used.rows_unknown)
}

/// A record of a statement, of so many rows.
fn of(it: &mut RecordAccess, statement: u8, rows: impl Into<Option<u64>>) {
    it.statement_digest = vec![statement; 32];
    it.row_count = rows.into();
}

/// Rows that nobody counted are counted apart, and are not none: what is known goes on being summed.
#[test]
fn unknown_rows_are_counted_apart() {
    let mut s = staged();
    let id = s.id("granted");
    for (rows, expected) in
        [(None, (1, 0, 1)), (Some(5), (2, 5, 1)), (Some(0), (3, 5, 1)), (None, (4, 5, 2))]
    {
        let outcome = judged(&mut s, |it| it.row_count = rows);
        assert_eq!(outcome.verdict, Verdict::Covered);
        assert_eq!(counts(&s, &id), expected);
    }
    let today = wire::DayUse { day: 20_500, queries: 4, rows: 5, ..Default::default() };
    assert_eq!(used(&s, &id).days, [today]);
    judged(&mut s, |it| {
        deny(it);
        it.row_count = None;
    });
    assert_eq!(counts(&s, &id), (4, 5, 2));
}

/// Records of one statement are one query, with the rows of the first, whatever the others say.
#[test]
fn a_statement_of_several_records() {
    let mut s = staged();
    let id = s.id("granted");
    for rows in [Some(5), Some(5), None, Some(900)] {
        let outcome = judged(&mut s, |it| of(it, 1, rows));
        assert_eq!(outcome.verdict, Verdict::Covered);
        assert_eq!(counts(&s, &id), (1, 5, 0));
    }
    assert_eq!(used(&s, &id).statements, [[1; 32]]);
    judged(&mut s, |it| of(it, 2, None));
    assert_eq!(counts(&s, &id), (2, 5, 1));
    judged(&mut s, |it| of(it, 2, 8));
    assert_eq!(counts(&s, &id), (2, 5, 1));
    // Who says no statement speaks of none.
    judged(&mut s, |_| {});
    judged(&mut s, |_| {});
    assert_eq!(counts(&s, &id), (4, 7, 1));
    assert_eq!(used(&s, &id).statements, [[1; 32], [2; 32]]);
}

/// The last eight statements are remembered, by when each was counted first.
#[test]
fn as_many_statements_as_are_remembered() {
    let mut s = staged();
    let id = s.id("granted");
    let kept = u8::try_from(limits::USE_STATEMENTS).unwrap();
    for statement in 1..=kept {
        judged(&mut s, |it| of(it, statement, 1));
    }
    assert_eq!(used(&s, &id).queries, u64::from(kept));
    // The first is remembered still, and going on makes it no younger.
    judged(&mut s, |it| of(it, 1, 1));
    assert_eq!(used(&s, &id).queries, 8);
    judged(&mut s, |it| of(it, 9, 1));
    assert_eq!(used(&s, &id).queries, 9);
    judged(&mut s, |it| of(it, 1, 1));
    assert_eq!(used(&s, &id).queries, 10);
    let last: Vec<_> = [3, 4, 5, 6, 7, 8, 9, 1].map(|it| vec![it; 32]).to_vec();
    assert_eq!(used(&s, &id).statements, last);
}

/// What is denied is not counted, and so its statement is not either; nor is one under no grant of its own.
#[test]
fn a_statement_that_was_denied_first() {
    let mut s = staged();
    let id = s.id("granted");
    judged(&mut s, |it| {
        deny(it);
        of(it, 1, 5);
    });
    let other = s.identity("gz.tax/app");
    judged(&mut s, |it| {
        of(it, 1, 5);
        it.asker = Some(verified("gz.tax", &other));
    });
    assert_eq!(used(&s, &id), GrantUse::default());
    judged(&mut s, |it| of(it, 1, 6));
    assert_eq!(counts(&s, &id), (1, 6, 0));
    judged(&mut s, |it| {
        deny(it);
        of(it, 1, 5);
    });
    assert_eq!(counts(&s, &id), (1, 6, 0));
}

/// Each grant counts by itself: a statement under two grants is a query of each, in one record or in two.
#[test]
fn a_statement_under_two_grants() {
    for together in [true, false] {
        let mut s = staged();
        let one = s.id("granted");
        let other = granted(&mut s, RESIDENT);
        let mut first = access_to(&s, RESIDENT, &one);
        of(&mut first, 1, 5);
        let mut second = access_to(&s, RESIDENT, &other);
        second.accesses[0].operation = Operation::Export as i32;
        if together {
            first.accesses.append(&mut second.accesses);
            s.world.does(GATEWAY, first.clone());
        } else {
            of(&mut second, 1, 5);
            s.world.does(GATEWAY, first.clone());
            assert_eq!((counts(&s, &one), counts(&s, &other)), ((1, 5, 0), (0, 0, 0)));
            s.world.does(GATEWAY, RecordAccess { access_no: 2, ..second });
        }
        assert_eq!((counts(&s, &one), counts(&s, &other)), ((1, 5, 0), (1, 5, 0)));
        s.world.does(GATEWAY, RecordAccess { access_no: 3, ..first });
        assert_eq!((counts(&s, &one), counts(&s, &other)), ((1, 5, 0), (1, 5, 0)));
    }
}

/// A grant with a quota, and one passed on from it with the same.
fn passed_on(s: &mut Staged, quota: Quota) -> (RequestId, RequestId) {
    let mut asked = s.asked();
    let terms = asked.terms.as_mut().unwrap();
    (terms.delegation, terms.delegation_depth) = (Delegation::Notify as i32, 1);
    terms.quota = Some(quota);
    let top = s.world.asks(USER, &asked);
    s.world.does(COLLECTOR, approve(&top, &asked));
    s.world.does(MANAGER, confirm(&top, &asked, "gz.bdb"));
    let mut terms = crate::ledger::tests::items::terms(&[s.identity("gy.hrss/officer")]);
    terms.quota = Some(quota);
    let tx = s.sign(USER, delegate(&top, &asked, "gy.hrss", terms));
    let below = tx.header().request_id(0);
    s.world.commit(vec![tx]);
    (top, below)
}

/// A record under the grant that was passed on.
fn beneath(s: &Staged, below: &RequestId) -> RecordAccess {
    let asker = Some(verified("gy.hrss", &s.identity("gy.hrss/officer")));
    RecordAccess { asker, ..access_to(s, RESIDENT, below) }
}

/// Above it is the same statement: whichever of the two counted it first.
#[test]
fn a_statement_under_a_grant_and_what_it_hangs_from() {
    for above_first in [true, false] {
        let mut s = staged();
        let quota = Quota { queries_total: 3, rows_total: 20, ..Quota::default() };
        let (top, below) = passed_on(&mut s, quota);
        let record = |s: &mut Staged, above: bool| {
            let mut it = match above {
                true => access_to(s, RESIDENT, &top),
                false => beneath(s, &below),
            };
            of(&mut it, 1, 5);
            let outcome = s.world.does(GATEWAY, it);
            assert_eq!((outcome.verdict, outcome.reason), (Verdict::Covered, Reason::None));
        };
        record(&mut s, above_first);
        let under = if above_first { (0, 0, 0) } else { (1, 5, 0) };
        assert_eq!((counts(&s, &top), counts(&s, &below)), ((1, 5, 0), under), "{above_first}");
        record(&mut s, !above_first);
        record(&mut s, above_first);
        assert_eq!((counts(&s, &top), counts(&s, &below)), ((1, 5, 0), (1, 5, 0)));
    }
}

/// Rows limited only where a grant hangs from leave what is beneath open too.
#[test]
fn unknown_rows_and_an_ancestors_limit() {
    for (quota, reason) in [
        (Quota::default(), Reason::None),
        (Quota { queries_total: 5, ..Quota::default() }, Reason::None),
        (Quota { rows_total: 5, ..Quota::default() }, Reason::RowsUnknown),
        (Quota { rows_per_day: 5, ..Quota::default() }, Reason::RowsUnknown),
    ] {
        let mut s = staged();
        let (top, below) = passed_on(&mut s, quota);
        // Beneath nothing is limited any more, whatever was said when it was passed on.
        let place = Place::grant(&below);
        let mut grant = (*s.world.get::<wire::Grant>(&place)).clone();
        let steps = grant.steps.iter_mut().filter_map(|step| step.terms.as_mut());
        steps.chain(grant.terms.as_mut()).for_each(|it| it.quota = Some(Quota::default()));
        s.world.doctor(place, Some(grant.into()));
        let it = RecordAccess { row_count: None, ..beneath(&s, &below) };
        let outcome = s.world.does(GATEWAY, it);
        assert_eq!(outcome.reason, reason, "{quota:?}");
        assert_eq!((counts(&s, &top), counts(&s, &below)), ((1, 0, 1), (1, 0, 1)), "{quota:?}");
    }
}

/// The last query that is left may need several records; what uses a grant up ends it once, and tells of it once.
#[test]
fn the_last_query_goes_on() {
    let mut s = staged();
    let mut it = s.covered();
    let quota = Quota { queries_total: 2, ..Quota::default() };
    regrant(&mut s, &mut it, |asked| asked.terms.as_mut().unwrap().quota = Some(quota));
    let id = RequestId::from_slice(&it.accesses[0].request_id).unwrap();
    let before = (it.decided_height, it.access_time_ms);
    let mut next = |s: &mut Staged, statement| {
        of(&mut it, statement, 1);
        (it.decided_height, it.access_time_ms) = before;
        it.access_no += 1;
        s.world.does(GATEWAY, it.clone()).reason
    };
    assert_eq!(next(&mut s, 1), Reason::None);
    assert_eq!(next(&mut s, 2), Reason::None);
    assert_eq!(alerted(&s, WatchKind::QuotaNearlyUsed), ["gz.hrss"]);
    assert_eq!(grants::state(&s.world.grant(&id)), GrantState::Exhausted);
    // Decided before that, it is covered still: it is no query more.
    assert_eq!(next(&mut s, 2), Reason::None);
    assert_eq!(alerted(&s, WatchKind::QuotaNearlyUsed), [""; 0]);
    assert_eq!(next(&mut s, 3), Reason::QuotaExceeded);
    assert_eq!(counts(&s, &id), (3, 3, 0));
}

/// What goes on behind midnight is a query of the day on which it began.
#[test]
fn a_statement_that_goes_on_the_next_day() {
    let mut s = staged();
    let id = s.id("granted");
    let midnight = crate::ledger::tests::items::T0 + 14 * HOUR;
    s.world.reach(midnight + HOUR);
    for time in [midnight - 1, midnight] {
        judged(&mut s, |it| {
            of(it, 1, 5);
            (it.access_time_ms, it.decided_height) = (time, None);
            it.channel = Channel::Log as i32;
        });
    }
    assert_eq!(
        used(&s, &id).days,
        [wire::DayUse { day: 20_500, queries: 1, rows: 5, ..Default::default() }]
    );
}
