//! What gateways set aside of a quota: who may and how much, for whom it is used, and when what is left comes back.

use super::coverage::judged;
use super::gateways::set_up;
use crate::event::{Reason, Verdict};
use crate::ledger::Object;
use crate::ledger::tests::{
    account::{named, set},
    items::{self, DAY, HOUR, lease_use, set_gateway},
    refusals::{Case, OK, run},
    stage::{COLLECTOR, GATEWAY, MANAGER, RESIDENT, Staged, USER, staged},
};
use crate::place::Place;
use crate::tx::Tx;
use crate::types::{IdentityId, RequestId, limits};
use crate::wire::{self, GrantUse, IdentityKind, Lease, Quota};

/// Another gateway of the collector.
pub(crate) const SECOND: &str = "gz.psb/gateway-2";

/// The grant is for ten queries and a hundred rows from here on; the gateway serves.
fn limited(s: &mut Staged) {
    set_up(s);
    narrow(s, Quota { queries_total: 10, rows_total: 100, ..Quota::default() });
}

fn narrow(s: &mut Staged, quota: Quota) {
    let terms = wire::Terms { quota: Some(quota), ..s.asked().terms.unwrap() };
    s.world.does(MANAGER, items::amend(&s.id("granted"), &s.asked(), "gz.bdb", terms));
}

/// A second gateway that serves the same.
pub(crate) fn second(s: &mut Staged) -> IdentityId {
    let it = items::register_identity("gz.psb", "gateway-2", IdentityKind::System);
    let tx = s.sign("gz.psb/root", it);
    let id = tx.header().identity_id(0);
    s.world.commit(vec![tx]);
    s.world.join(SECOND, id);
    s.world.does(COLLECTOR, set_gateway(&id, &[RESIDENT]));
    id
}

/// What the gateway wants to set aside for an hour, bent.
fn leasing(s: &Staged, wants: (u64, u64), bend: impl FnOnce(&mut wire::LeaseUse)) -> Tx {
    let mut it = lease_use(&s.id("granted"), &s.asked(), wants, s.world.now + HOUR);
    bend(&mut it);
    s.sign(GATEWAY, it)
}

fn leased(s: &mut Staged, by: &str, wants: (u64, u64)) {
    let it = lease_use(&s.id("granted"), &s.asked(), wants, s.world.now + HOUR);
    s.world.does(by, it);
}

fn used(s: &Staged) -> GrantUse {
    match s.world.objects.get(&Place::grant_use(&s.id("granted"))) {
        Some(Object::GrantUse(it)) => (**it).clone(),
        _ => GrantUse::default(),
    }
}

/// What each gateway has left.
fn left(s: &Staged) -> Vec<(u64, u64)> {
    used(s).leases.iter().map(|it| (it.queries, it.rows)).collect()
}

const WHO: &[Case] = &[
    ("a part", OK, |s| {
        limited(s);
        leasing(s, (4, 40), |_| {})
    }),
    ("all of it", OK, |s| {
        limited(s);
        leasing(s, (10, 100), |_| {})
    }),
    ("one query more", Some("lease.beyond"), |s| {
        limited(s);
        leasing(s, (11, 100), |_| {})
    }),
    ("one row more", Some("lease.beyond"), |s| {
        limited(s);
        leasing(s, (10, 101), |_| {})
    }),
    ("what was used is not left", Some("lease.beyond"), |s| {
        limited(s);
        judged(s, |it| it.row_count = Some(1));
        leasing(s, (10, 0), |_| {})
    }),
    ("what another set aside is not left", Some("lease.beyond"), |s| {
        limited(s);
        second(s);
        leased(s, SECOND, (4, 0));
        leasing(s, (7, 0), |_| {})
    }),
    ("one's own is given back with it", OK, |s| {
        limited(s);
        leased(s, GATEWAY, (8, 0));
        leasing(s, (10, 0), |_| {})
    }),
    ("more than a day has", Some("lease.beyond"), |s| {
        limited(s);
        narrow(
            s,
            Quota { queries_total: 10, rows_total: 100, queries_per_day: 3, rows_per_day: 0 },
        );
        leasing(s, (4, 0), |_| {})
    }),
    ("where nothing is limited", OK, |s| {
        set_up(s);
        leasing(s, (4, 4), |_| {})
    }),
    ("for a day", OK, |s| {
        limited(s);
        leasing(s, (1, 1), |it| it.until_ms += 23 * HOUR)
    }),
    ("for longer", Some("lease.too_long"), |s| {
        limited(s);
        leasing(s, (1, 1), |it| it.until_ms += 23 * HOUR + 1)
    }),
    ("until now", Some("lease.too_long"), |s| {
        limited(s);
        leasing(s, (1, 1), |it| it.until_ms -= HOUR)
    }),
    ("given back", OK, |s| {
        limited(s);
        leased(s, GATEWAY, (8, 0));
        leasing(s, (0, 0), |it| it.until_ms = 0)
    }),
    ("one gateway more than may", Some("list.full"), |s| {
        limited(s);
        let until_ms = s.world.now + DAY;
        let one = |n: usize| Lease {
            gateway_id: vec![n as u8; 32],
            queries: 0,
            rows: 1,
            until_ms,
            request_id: vec![1; 32],
        };
        let leases = (1..=limits::USE_LEASES).map(one).collect();
        let place = Place::grant_use(&s.id("granted"));
        s.world.doctor(place, Some(GrantUse { leases, ..GrantUse::default() }.into()));
        leasing(s, (1, 1), |_| {})
    }),
    ("by a gateway that was not set up", Some("gateway.not_set_up"), |s| {
        leasing(s, (1, 1), |_| {})
    }),
    ("by a gateway that serves something else", Some("gateway.not_serving"), |s| {
        limited(s);
        let id = s.identity(GATEWAY);
        s.world.does(COLLECTOR, set_gateway(&id, &["civil.core"]));
        leasing(s, (1, 1), |_| {})
    }),
    ("by an officer", Some("identity.kind"), |s| {
        limited(s);
        s.sign(COLLECTOR, lease_use(&s.id("granted"), &s.asked(), (1, 1), s.world.now + HOUR))
    }),
    ("by the user", Some("actor.other"), |s| {
        limited(s);
        s.sign(USER, lease_use(&s.id("granted"), &s.asked(), (1, 1), s.world.now + HOUR))
    }),
    ("of no grant", Some("grant.unknown"), |s| {
        limited(s);
        leasing(s, (1, 1), |it| it.request_id = vec![9; 32])
    }),
    ("of what was revoked", Some("grant.ended"), |s| {
        limited(s);
        let id = s.id("revoked").to_vec();
        leasing(s, (1, 1), |it| it.request_id = id)
    }),
    ("said to be another's", Some("request.contradiction"), |s| {
        limited(s);
        leasing(s, (1, 1), |it| it.using_department = "gz.tax".into())
    }),
];

pub(crate) const TABLES: &[&[Case]] = &[WHO];

#[test]
fn who_may_and_how_much() {
    assert_eq!(run(WHO), named(WHO));
}

/// For all others it is used; its own records count against it, and what is over comes back.
#[test]
fn a_lease_is_used_for_all_others() {
    let mut s = staged();
    limited(&mut s);
    second(&mut s);
    leased(&mut s, SECOND, (8, 50));
    let covered = |s: &mut Staged, rows| judged(s, |it| it.row_count = Some(rows)).verdict;
    assert_eq!(covered(&mut s, 10), Verdict::Covered);
    assert_eq!((used(&s).most_queries, used(&s).most_rows), (9, 60));
    assert_eq!(covered(&mut s, 10), Verdict::Covered);
    // One more than is not set aside.
    let outcome = judged(&mut s, |it| it.row_count = Some(10));
    assert_eq!((outcome.verdict, outcome.reason), (Verdict::Uncovered, Reason::QuotaExceeded));
    let at_fault = crate::ledger::tests::account::at_fault(&s, wire::IntegrityRule::Uncovered);
    assert_eq!(at_fault, [("gz.psb".to_owned(), 1)], "its user could not see that");
    assert_eq!(left(&s), [(8, 50)]);
    // Whoever set it aside has it.
    let mut own = s.covered();
    own.access_no = 1;
    own.row_count = Some(20);
    let verdict = s.world.does(SECOND, own).verdict;
    assert_eq!((verdict, left(&s)), (Verdict::Covered, vec![(7, 30)]));
}

/// Its end is not the end: records under it may come late. Then what is left of it is free again.
#[test]
fn what_is_left_comes_back() {
    let mut s = staged();
    limited(&mut s);
    set(&mut s, |it| it.late_age_ms = 2 * HOUR);
    second(&mut s);
    leased(&mut s, SECOND, (10, 0));
    let reason = |s: &mut Staged| judged(s, |it| it.row_count = Some(1)).reason;
    s.world.pause(2 * HOUR);
    assert_eq!(reason(&mut s), Reason::QuotaExceeded);
    s.world.pause(HOUR);
    assert_eq!(reason(&mut s), Reason::None);
    assert_eq!(left(&s), []);
    assert_eq!(used(&s).most_queries, 11);
}

/// What goes on with a statement that is counted takes nothing of what others have.
#[test]
fn the_rest_of_a_statement() {
    let mut s = staged();
    limited(&mut s);
    let statement = |it: &mut wire::RecordAccess| {
        it.statement_digest = vec![7; 32];
        it.row_count = Some(1);
    };
    judged(&mut s, statement);
    second(&mut s);
    leased(&mut s, SECOND, (9, 99));
    assert_eq!(judged(&mut s, statement).verdict, Verdict::Covered);
    assert_eq!(judged(&mut s, |it| it.row_count = Some(1)).reason, Reason::QuotaExceeded);
}

/// Of what the grant hangs from it is set aside as well.
#[test]
fn what_it_hangs_from() {
    let mut s = staged();
    set_up(&mut s);
    let quota = Quota { queries_total: 5, ..Quota::default() };
    let chain = crate::items::sharing::tests::delegation::chain(&mut s, quota);
    let lease = |s: &Staged, at: usize, queries| {
        lease_use(&chain[at].0, &chain[at].1, (queries, 0), s.world.now + HOUR)
    };
    let it = lease(&s, 2, 3);
    s.world.does(GATEWAY, it);
    let aside = |s: &Staged, id: &RequestId| match s.world.objects.get(&Place::grant_use(id)) {
        Some(Object::GrantUse(it)) => it.leases.iter().map(|it| it.queries).sum(),
        _ => 0u64,
    };
    assert_eq!([0, 1, 2].map(|at: usize| aside(&s, &chain[at].0)), [3, 3, 3]);
    second(&mut s);
    let it = lease(&s, 0, 3);
    let refused = s.world.refusal(&s.sign(SECOND, it)).map(|(_, code)| code);
    assert_eq!(refused, Some("lease.beyond"));
}

/// Of what several grants hang from it is set aside for each; one does not take another's place.
#[test]
fn for_each_of_those_that_hang_from_it() {
    let mut s = staged();
    set_up(&mut s);
    let quota = Quota { queries_total: 5, ..Quota::default() };
    let chain = crate::items::sharing::tests::delegation::chain(&mut s, quota);
    let leases = |s: &mut Staged, at: usize, queries| {
        let it = lease_use(&chain[at].0, &chain[at].1, (queries, 0), s.world.now + HOUR);
        s.world.refusal(&s.sign(GATEWAY, it.clone())).map_or_else(
            || {
                s.world.does(GATEWAY, it);
                OK
            },
            |(_, code)| Some(code),
        )
    };
    let aside = |s: &Staged| match s.world.objects.get(&Place::grant_use(&chain[0].0)) {
        Some(Object::GrantUse(it)) => it.leases.iter().map(|it| it.queries).collect(),
        _ => Vec::new(),
    };
    assert_eq!((leases(&mut s, 2, 3), leases(&mut s, 1, 1)), (OK, OK));
    assert_eq!(aside(&s).iter().sum::<u64>(), 4);
    assert_eq!((leases(&mut s, 0, 2), leases(&mut s, 0, 1)), (Some("lease.beyond"), OK));
    assert_eq!(leases(&mut s, 1, 0), OK);
    assert_eq!(aside(&s).iter().sum::<u64>(), 4);
    // A record counts against the one for the grant that it names.
    let mut own = s.covered();
    own.accesses[0].request_id = chain[0].0.to_vec();
    own.row_count = Some(1);
    s.world.does(GATEWAY, own);
    let mut all = aside(&s);
    all.sort_unstable();
    assert_eq!(all, [0, 3]);
}

/// What is set aside today takes nothing of a day that is over.
#[test]
fn of_the_running_day_alone() {
    let mut s = staged();
    limited(&mut s);
    let quota = Quota { queries_total: 10, rows_total: 100, queries_per_day: 2, rows_per_day: 0 };
    narrow(&mut s, quota);
    second(&mut s);
    let midnight = items::T0 + 14 * HOUR;
    s.world.now = midnight + HOUR / 2;
    s.world.commit(Vec::new());
    leased(&mut s, SECOND, (2, 0));
    let at = |s: &mut Staged, time| {
        judged(s, |it| {
            (it.access_time_ms, it.decided_height) = (time, None);
            it.channel = wire::Channel::Log as i32;
        })
        .reason
    };
    assert_eq!(at(&mut s, midnight), Reason::QuotaExceeded);
    assert_eq!(at(&mut s, midnight - 1), Reason::None);
    assert_eq!(at(&mut s, midnight - 2), Reason::None);
    assert_eq!(at(&mut s, midnight - 3), Reason::QuotaExceeded);
    let most: Vec<_> = used(&s).days.iter().map(|it| (it.queries, it.most_queries)).collect();
    assert_eq!(most, [(3, 0), (1, 3)]);
}
