//! What a gateway's collector declares: losses and outages cost nothing up to a bound, within 31 days.

use crate::items::access::tests::gateways::set_up;
use crate::ledger::tests::{
    account::{at_fault, blamed, counts},
    items::{DAY, HOUR, declare_loss, declare_outage},
    stage::{COLLECTOR, GATEWAY, Staged, staged},
};
use crate::wire::IntegrityRule::{LossesBeyond, OutageBeyond};

fn lost(s: &mut Staged, first: u64, last: u64) {
    let it = declare_loss(&s.identity(GATEWAY), (first, last));
    s.world.does(COLLECTOR, it);
}

/// A thousand numbers within 31 days are nobody's fault; each more is.
#[test]
fn losses_beyond() {
    let mut s = staged();
    lost(&mut s, 1, 1000);
    assert_eq!(at_fault(&s, LossesBeyond), []);
    lost(&mut s, 1001, 1003);
    assert_eq!(at_fault(&s, LossesBeyond), blamed("gz.psb", 3));
    s.world.pause(2 * HOUR);
    lost(&mut s, 1004, 1_000_000_001_003);
    assert_eq!(at_fault(&s, LossesBeyond), blamed("gz.psb", 1_000_000_000_000));
    // 31 days from the first the count begins anew.
    s.world.pause(31 * DAY);
    lost(&mut s, 1_000_000_001_004, 1_000_000_002_003);
    assert_eq!(counts(&s, "gz.psb", LossesBeyond), [3, 1_000_000_000_000]);
    lost(&mut s, 1_000_000_002_004, 1_000_000_002_004);
    assert_eq!(at_fault(&s, LossesBeyond), blamed("gz.psb", 1));
}

/// They are a collector's, of whichever gateway.
#[test]
fn losses_of_two_gateways() {
    let mut s = staged();
    lost(&mut s, 1, 600);
    let officer = declare_loss(&s.identity(COLLECTOR), (1, 401));
    s.world.does(COLLECTOR, officer);
    assert_eq!(at_fault(&s, LossesBeyond), blamed("gz.psb", 1));
}

/// What is taken back of an outage before it was does not count.
#[test]
fn an_outage_that_ends_sooner() {
    let mut s = staged();
    set_up(&mut s);
    let gateway = s.identity(GATEWAY);
    for hours in [72, 1] {
        let until = s.world.now + hours * HOUR;
        s.world.does(COLLECTOR, declare_outage(&gateway, until));
    }
    s.world.pause(2 * HOUR);
    let until = s.world.now + 70 * HOUR;
    s.world.does(COLLECTOR, declare_outage(&gateway, until));
    assert_eq!(at_fault(&s, OutageBeyond), []);
    s.world.pause(70 * HOUR);
    let until = s.world.now + 3 * HOUR;
    s.world.does(COLLECTOR, declare_outage(&gateway, until));
    assert_eq!(at_fault(&s, OutageBeyond), blamed("gz.psb", 3));
}

/// What is declared again while it lasts counts once; beyond 72 hours within 31 days each hour begun counts.
#[test]
fn outages_beyond() {
    let mut s = staged();
    set_up(&mut s);
    let gateway = s.identity(GATEWAY);
    let out = |s: &mut Staged, hours: u64| {
        let until = s.world.now + hours * HOUR;
        s.world.does(COLLECTOR, declare_outage(&gateway, until));
    };
    for _ in 0..3 {
        out(&mut s, 71);
        assert_eq!(at_fault(&s, OutageBeyond), []);
    }
    s.world.pause(71 * HOUR);
    out(&mut s, 2);
    assert_eq!(at_fault(&s, OutageBeyond), blamed("gz.psb", 2));
    s.world.pause(31 * DAY);
    out(&mut s, 72);
    assert_eq!(counts(&s, "gz.psb", OutageBeyond), [2]);
}
