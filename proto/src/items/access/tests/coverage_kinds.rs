//! Records under grants of each kind, and under grants that stopped in each way.

use crate::event::{Reason, Verdict};
use crate::items::access::tests::coverage_cases::{Case, now, regrant};
use crate::items::member::tests::successions::{coincide, succeeded};
use crate::items::sharing::tests::{delegation::chain, emergency, grants::operated, permits};
use crate::ledger::tests::{
    items::{
        access, confirm, offer, reconfirm, reject, request, resume, retire, revoke, suspend, terms,
        update, verified,
    },
    life::standing,
    stage::{COLLECTOR, MANAGER, RESIDENT, Staged, staged},
};
use crate::types::RequestId;
use crate::wire::{self, Assurance, RecordAccess, Schedule};
use std::collections::BTreeSet;

/// Bends the record to be of somebody under a grant, decided by the newest block.
fn under(s: &Staged, it: &mut RecordAccess, (name, dataset): (&str, &str), id: &RequestId) {
    it.accesses = vec![access(dataset, Some(id))];
    it.asker = Some(verified(name.split_once('/').unwrap().0, &s.identity(name)));
    now(s, it);
}

fn graded(s: &mut Staged, grade: u32) {
    s.world.does(COLLECTOR, wire::UpdateDataset { grade, ..update(RESIDENT, "gz.psb") });
}

/// A portal's record of a citizen who asks about himself, under a grant for portals.
fn about_oneself(s: &mut Staged, it: &mut RecordAccess, login: Assurance) {
    let offered = offer(RESIDENT, "gz.psb", terms(&[]));
    let tx = s.sign(COLLECTOR, wire::OfferStanding { self_service: true, ..offered });
    let id = tx.header().request_id(0);
    s.world.commit(vec![tx]);
    let asked = request(RESIDENT, "gz.psb", "", terms(&[]));
    s.world.does(MANAGER, confirm(&id, &asked, "gz.bdb"));
    under(s, it, ("gy.hrss/officer", RESIDENT), &id);
    it.self_service = Some(wire::SelfService { login: login as i32 });
}

/// Grants anew for these minutes of the day.
fn hours(s: &mut Staged, it: &mut RecordAccess, (from_minute, until_minute): (u32, u32)) {
    let schedule = Schedule { from_minute, until_minute, weekdays: 0 };
    regrant(s, it, |asked| asked.terms.as_mut().unwrap().schedule = Some(schedule));
}

pub(crate) const OF_EACH_KIND: &[Case] = &[
    ("suspended", Reason::GrantSuspended, |s, it| {
        s.world.does(MANAGER, suspend(&s.id("granted"), &s.asked(), "gz.bdb"));
        now(s, it);
    }),
    ("resumed", Reason::None, |s, it| {
        s.world.does(MANAGER, suspend(&s.id("granted"), &s.asked(), "gz.bdb"));
        s.world.does(MANAGER, resume(&s.id("granted"), &s.asked(), "gz.bdb"));
        now(s, it);
    }),
    ("passed on twice", Reason::None, |s, it| {
        let chain = chain(s, wire::Quota::default());
        under(s, it, ("gy.yy.hrss/officer", RESIDENT), &chain[2].0);
    }),
    ("passed on by a grant that was suspended", Reason::AncestorEnded, |s, it| {
        let chain = chain(s, wire::Quota::default());
        s.world.does(COLLECTOR, suspend(&chain[0].0, &chain[0].1, "gz.bdb"));
        under(s, it, ("gy.yy.hrss/officer", RESIDENT), &chain[2].0);
    }),
    ("passed on by a grant that was revoked", Reason::AncestorEnded, |s, it| {
        let chain = chain(s, wire::Quota::default());
        s.world.does(COLLECTOR, revoke(&chain[1].0, &chain[1].1, "gz.bdb"));
        under(s, it, ("gy.yy.hrss/officer", RESIDENT), &chain[2].0);
    }),
    ("an emergency not ratified", Reason::NotRatified, |s, it| {
        let id = emergency::opened(s);
        s.world.does(COLLECTOR, reject(&id, &s.asked(), "gz.bdb"));
        under(s, it, ("gz.hrss/app", RESIDENT), &id);
    }),
    ("out of the catalogue", Reason::DatasetRetired, |s, it| {
        s.world.does(COLLECTOR, retire(RESIDENT, "gz.psb"));
        now(s, it);
    }),
    ("user and manager one body, until the deadline", Reason::None, |s, it| {
        coincide(s);
        now(s, it);
    }),
    ("user and manager one body, after the deadline", Reason::NotReconfirmed, |s, it| {
        coincide(s);
        let due = s.world.department("gz.hrss").reconfirm_due_ms;
        s.world.reach(due);
        now(s, it);
    }),
    ("user and manager one body, reconfirmed by a third", Reason::None, |s, it| {
        coincide(s);
        let due = s.world.department("gz.hrss").reconfirm_due_ms;
        s.world.reach(due);
        s.world.does("gz.hrm/officer", reconfirm(&s.id("granted"), &s.asked(), "gz.hrm"));
        now(s, it);
    }),
    // The first records come a few seconds behind 10:00.
    ("within the hours", Reason::None, |s, it| hours(s, it, (600, 601))),
    ("before the hours", Reason::OutsideSchedule, |s, it| hours(s, it, (601, 700))),
    ("after the hours", Reason::OutsideSchedule, |s, it| hours(s, it, (0, 600))),
    ("of the class", Reason::None, |s, it| {
        let id = standing(s);
        under(s, it, ("gy.hrss/officer", "civil.public"), &id);
    }),
    ("of another level", Reason::NotInClass, |s, it| {
        let id = standing(s);
        under(s, it, ("gz.hrss/app", "civil.public"), &id);
    }),
    ("of the class, and of the collector's body", Reason::SameBody, |s, it| {
        let id = standing(s);
        let place = crate::place::Place::department("gy.hrss");
        let of_psb =
            wire::Department { body: "psb".into(), ..(*s.world.department("gy.hrss")).clone() };
        s.world.doctor(place, Some(of_psb.into()));
        under(s, it, ("gy.hrss/officer", "civil.public"), &id);
    }),
    ("of the class, and operated by the manager", Reason::SameBody, |s, it| {
        let id = standing(s);
        operated(s, "gy.hrss/officer", "gz.bds");
        under(s, it, ("gy.hrss/officer", "civil.public"), &id);
    }),
    ("of the class, and operated by another", Reason::None, |s, it| {
        let id = standing(s);
        operated(s, "gy.hrss/officer", "gz.tax");
        under(s, it, ("gy.hrss/officer", "civil.public"), &id);
    }),
    ("about oneself, open data", Reason::None, |s, it| {
        let id = standing(s);
        under(s, it, ("gy.hrss/officer", "civil.public"), &id);
        it.self_service = Some(wire::SelfService { login: Assurance::Claimed as i32 });
    }),
    ("about oneself", Reason::None, |s, it| about_oneself(s, it, Assurance::Claimed)),
    ("about oneself, of grade 3", Reason::None, |s, it| {
        graded(s, 3);
        about_oneself(s, it, Assurance::Verified);
    }),
    ("about oneself, by a name that anybody can give", Reason::AssuranceTooLow, |s, it| {
        graded(s, 3);
        about_oneself(s, it, Assurance::Claimed);
    }),
    ("about somebody else", Reason::OnlySelfService, |s, it| {
        about_oneself(s, it, Assurance::Verified);
        it.self_service = None;
    }),
    ("about oneself, under a grant that was asked for", Reason::SelfServiceNotStanding, |s, it| {
        it.self_service = Some(wire::SelfService { login: Assurance::Verified as i32 });
        now(s, it);
    }),
    ("permitted, and of another body by now", Reason::OtherBody, |s, it| {
        let (id, _) = permits::given(s);
        succeeded(s, "gz.psu", "gz.bds");
        under(s, it, ("gz.psu/officer", RESIDENT), &id);
    }),
];

/// Makes a grant, and names somebody who may use it.
type Made = fn(&mut Staged) -> (RequestId, &'static str);

/// The verdicts on what a permit or an emergency allows.
pub(crate) fn allowed() -> BTreeSet<Verdict> {
    let made: [Made; 2] =
        [|s| (permits::given(s).0, "gz.psb/officer"), |s| (emergency::opened(s), "gz.hrss/app")];
    let verdict = |make: Made| {
        let mut s = staged();
        let mut it = s.covered();
        let (id, name) = make(&mut s);
        under(&s, &mut it, (name, RESIDENT), &id);
        let outcome = s.world.does("gz.psb/gateway", it);
        assert_eq!(outcome.reason, Reason::None);
        outcome.verdict
    };
    made.map(verdict).into()
}
