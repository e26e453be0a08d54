//! Records that are covered but for one thing: each reason of a verdict, by its edge.

use crate::event::Reason;
use crate::items::access::tests::use_cases::{QUOTA, UNKNOWN, WHAT};
use crate::ledger::{
    Object,
    tests::{
        items::{self, access, verified},
        stage::{APP, COLLECTOR, MANAGER, RESIDENT, Staged, USER},
    },
};
use crate::place::Place;
use crate::types::RequestId;
use crate::wire::{self, Assurance, Interval, Operation, RecordAccess};

/// What is tried, the reason given (`None`: covered), and how the world or the record is bent.
pub(crate) type Case = (&'static str, Reason, fn(&mut Staged, &mut RecordAccess));

pub(crate) const ALL: [&[Case]; 6] = [WHO, WHICH_GRANT, IN_FORCE, WHAT, QUOTA, UNKNOWN];

fn asker(it: &mut RecordAccess) -> &mut wire::Party {
    it.asker.as_mut().unwrap()
}

/// Makes another grant, of a dataset and with terms of one's own, and bends the record to it.
pub(crate) fn regrant(
    s: &mut Staged,
    it: &mut RecordAccess,
    bend: impl FnOnce(&mut wire::RequestAccess),
) {
    let mut asked = s.asked();
    bend(&mut asked);
    let id = s.world.asks(USER, &asked);
    s.world.does(COLLECTOR, items::approve(&id, &asked));
    s.world.does(MANAGER, items::confirm(&id, &asked, "gz.bdb"));
    it.accesses = vec![access(&asked.dataset, Some(&id))];
    now(s, it);
}

/// Bends the record to be decided by the newest block.
pub(crate) fn now(s: &Staged, it: &mut RecordAccess) {
    let newest = s.covered();
    it.decided_height = newest.decided_height;
    it.access_time_ms = newest.access_time_ms;
    it.access_no = newest.access_no;
}

const WHO: &[Case] = &[
    ("covered", Reason::None, |_, _| {}),
    ("an account without an identity", Reason::UnmappedAccount, |_, it| {
        it.asker = Some(wire::Party { unmapped_digest: vec![1; 32], ..Default::default() });
    }),
    ("no such identity", Reason::UnknownIdentity, |_, it| {
        asker(it).identity_id = vec![1; 32];
    }),
    ("of another department than stated", Reason::UnknownIdentity, |_, it| {
        asker(it).department = "gz.tax".into();
    }),
    ("no such department", Reason::UnknownIdentity, |_, it| {
        asker(it).department = "gz.none".into();
    }),
    ("not named in the grant", Reason::IdentityNotGranted, |s, it| {
        it.asker = Some(verified("gz.hrss", &s.identity(USER)));
    }),
    ("only claimed, grade 2", Reason::None, |_, it| {
        asker(it).assurance = Assurance::Claimed as i32;
    }),
    ("verified, grade 4", Reason::None, |s, it| {
        regrant(s, it, |asked| asked.dataset = "civil.core".into());
    }),
    ("only claimed, grade 4", Reason::AssuranceTooLow, |s, it| {
        regrant(s, it, |asked| asked.dataset = "civil.core".into());
        asker(it).assurance = Assurance::Claimed as i32;
    }),
    ("nothing supports it, grade 4", Reason::AssuranceTooLow, |s, it| {
        regrant(s, it, |asked| asked.dataset = "civil.core".into());
        asker(it).assurance = 0;
    }),
];

const WHICH_GRANT: &[Case] = &[
    ("no grant named", Reason::NoGrant, |_, it| it.accesses[0].request_id.clear()),
    ("no such grant", Reason::UnknownGrant, |_, it| {
        it.accesses[0].request_id = vec![1; 32];
    }),
    ("a request that is no grant yet", Reason::UnknownGrant, |s, it| {
        it.accesses[0].request_id = s.id("approved").to_vec();
    }),
    ("another dataset's grant", Reason::OtherDataset, |_, it| {
        it.accesses[0].dataset = "civil.open".into();
    }),
    ("revoked", Reason::GrantRevoked, |s, it| {
        it.accesses[0].request_id = s.id("revoked").to_vec();
    }),
    ("decided before the grant", Reason::NotYetGranted, |s, it| {
        it.decided_height = Some(granted_at(s).height - 1);
    }),
    ("decided by the block of the grant", Reason::None, |s, it| {
        it.decided_height = Some(granted_at(s).height);
    }),
    ("by time, just before the grant", Reason::NotYetGranted, |s, it| {
        it.decided_height = None;
        it.access_time_ms = granted_at(s).time_ms - 1;
    }),
    ("by time, at the grant", Reason::None, |s, it| {
        it.decided_height = None;
        it.access_time_ms = granted_at(s).time_ms;
    }),
];

pub(crate) fn granted_at(s: &Staged) -> wire::GrantStep {
    match s.world.objects.get(&Place::grant(&s.id("granted"))) {
        Some(Object::Grant(it)) => it.steps[0].clone(),
        other => panic!("{other:?}"),
    }
}

/// The asker's identity or department ended after the newest block, or before.
fn stood_until(s: &mut Staged, place: Place, after_next: u64) {
    let standing = vec![Interval {
        until_height: Some(s.world.height().get() + after_next),
        until_time_ms: Some(s.world.tip().header.time.get() + after_next),
        ..Default::default()
    }];
    let object: Object = match &s.world.objects[&place] {
        Object::Identity(it) => wire::Identity { standing, ..(**it).clone() }.into(),
        Object::Department(it) => wire::Department { standing, ..(**it).clone() }.into(),
        other => panic!("{other:?}"),
    };
    s.world.doctor(place, Some(object));
}

const IN_FORCE: &[Case] = &[
    ("identity in force still", Reason::None, |s, _| {
        stood_until(s, Place::identity(&s.identity(APP)), 2);
    }),
    ("identity ended", Reason::IdentityNotInForce, |s, _| {
        stood_until(s, Place::identity(&s.identity(APP)), 1);
    }),
    ("department in force still", Reason::None, |s, _| {
        stood_until(s, Place::department("gz.hrss"), 2);
    }),
    ("department ended", Reason::IdentityNotInForce, |s, _| {
        stood_until(s, Place::department("gz.hrss"), 1);
    }),
    ("by time, identity in force still", Reason::None, |s, it| {
        stood_until(s, Place::identity(&s.identity(APP)), 1);
        it.decided_height = None;
        it.access_time_ms = s.world.tip().header.time.get();
    }),
    ("by time, identity ended", Reason::IdentityNotInForce, |s, it| {
        stood_until(s, Place::identity(&s.identity(APP)), 1);
        it.decided_height = None;
        it.access_time_ms = s.world.tip().header.time.get() + 1;
    }),
];

/// A second access in the record, to the resident dataset by another operation.
pub(crate) fn also(it: &mut RecordAccess, operation: Operation, request: Option<&RequestId>) {
    it.accesses
        .push(wire::DatasetAccess { operation: operation as i32, ..access(RESIDENT, request) });
}
