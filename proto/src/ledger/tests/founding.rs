//! Documents that found no chain, each one bend away from the one that does.

use super::founders::{genesis, seeded};
use super::items::T0;
use crate::header::founding::{Founding, FoundingError};
use crate::ledger::intervals;
use crate::types::identity_id;
use crate::wire::{self, Calendar, Genesis, IdentityKind, Manager, PendingRoot, Voter};

/// What is bent, the entry at fault (none: it founds a chain), and how.
type Case = (&'static str, Option<&'static str>, fn(&mut Genesis));

const OK: Option<&str> = None;

fn run(cases: &[Case]) {
    for (name, expected, bend) in cases {
        let mut document = genesis("dev-bent");
        bend(&mut document);
        let found = match Founding::new(document) {
            Ok(_) => None,
            Err(FoundingError::Entry { entry, why }) => {
                assert!(why.is_ascii() && why.len() > 9, "{name}: {why}");
                Some(entry)
            }
            Err(other) => panic!("{name}: {other}"),
        };
        assert_eq!(found.as_deref(), *expected, "{name}");
    }
}

fn parameters(document: &mut Genesis) -> &mut wire::Parameters {
    document.parameters.as_mut().unwrap()
}

fn managed(document: &mut Genesis, manager: &str, deputy: &str) {
    let (manager, deputy) = (manager.into(), deputy.into());
    parameters(document).managers = vec![Manager { division: "52".into(), manager, deputy }];
}

fn department(document: &mut Genesis) -> &mut wire::Department {
    document.departments.iter_mut().find(|it| it.code == "gz.tax").unwrap()
}

fn identity<'a>(document: &'a mut Genesis, name: &str) -> &'a mut wire::Identity {
    let (department, code) = name.split_once('/').unwrap();
    let named = |it: &&mut wire::Identity| it.department == department && it.code == code;
    document.identities.iter_mut().find(named).unwrap()
}

/// A further identity with a key of its own.
fn founded(document: &mut Genesis, name: &str, kind: IdentityKind) {
    let (department, code) = name.split_once('/').unwrap();
    let public = seeded(name).public();
    let id = identity_id(&public.key_id()).to_vec();
    document.identities.push(wire::Identity {
        identity_id: id.clone(),
        department: department.into(),
        code: code.into(),
        kind: kind as i32,
        standing: intervals::from_genesis(),
        threshold: 1,
        ..wire::Identity::default()
    });
    document.keys.push(wire::Key {
        key_id: public.key_id().to_vec(),
        algorithm: wire::Algorithm::Ed25519 as i32,
        public_key: public.as_bytes().to_vec(),
        identity_id: id,
        department: department.into(),
        standing: intervals::from_genesis(),
    });
    document.identities.sort_by(|a, b| a.identity_id.cmp(&b.identity_id));
    document.keys.sort_by(|a, b| a.key_id.cmp(&b.key_id));
}

fn voter(code: &str, weight: u64) -> Voter {
    Voter { department: code.into(), weight, suspended: false }
}

fn year(year: u32) -> Calendar {
    Calendar { year, ..Calendar::default() }
}

fn holidays(document: &mut Genesis, days: &[u32]) {
    document.calendars = vec![Calendar { holidays: days.to_vec(), ..year(2026) }];
}

fn make_up_days(document: &mut Genesis, days: &[u32]) {
    document.calendars = vec![Calendar { make_up_days: days.to_vec(), ..year(2026) }];
}

const IN_OFFICE: &[Case] = &[
    ("a manager and a deputy", OK, |it| managed(it, "gz.bdb", "gz.hrm")),
    ("a manager without a deputy", OK, |it| managed(it, "gz.bdb", "")),
    ("a manager that is not there", Some("parameters"), |it| managed(it, "gz.none", "gz.hrm")),
    ("a deputy that is not there", Some("parameters"), |it| managed(it, "gz.bdb", "gz.none")),
    ("no manager but a deputy", Some("parameters"), |it| managed(it, "", "gz.hrm")),
    ("a lead that is not there", Some("parameters"), |it| {
        parameters(it).lead = "gz.none".into();
        it.voters.push(voter("gz.none", 1));
        it.voters.sort_by(|a, b| a.department.cmp(&b.department));
    }),
    ("blocks that nobody can cite in time", Some("parameters"), |it| {
        parameters(it).recent_block_age_ms = 1;
    }),
    ("blocks that are citable for ever", Some("parameters"), |it| {
        parameters(it).recent_block_age_ms = u64::MAX;
    }),
    ("no lead", Some("parameters"), |it| parameters(it).lead.clear()),
    ("a lead without a vote", Some("parameters"), |it| parameters(it).lead = "gz.aud".into()),
    ("another lead that votes", OK, |it| parameters(it).lead = "gz.tax".into()),
    ("no voters", Some("parameters"), |it| it.voters.clear()),
    ("the lead alone", OK, |it| it.voters.retain(|it| it.department == "gz.bdb")),
    ("all but the lead", Some("parameters"), |it| {
        it.voters.retain(|it| it.department != "gz.bdb");
    }),
    ("a voter without weight", Some("voter gz.tax"), |it| it.voters[3].weight = 0),
    ("a voter that is suspended", Some("voter gz.tax"), |it| it.voters[3].suspended = true),
    ("a voter that is no member", Some("voter gz.none"), |it| {
        it.voters.insert(2, voter("gz.none", 1));
    }),
    ("a voter twice", Some("voters"), |it| it.voters.push(voter("gz.tax", 1))),
    ("voters in another order", Some("voters"), |it| it.voters.reverse()),
];

/// 2026 begins on a Thursday: day 49 is a Wednesday, day 52 a Saturday.
const CALENDARS: &[Case] = &[
    ("none", OK, |it| it.calendars.clear()),
    ("two years", OK, |it| it.calendars = vec![year(2026), year(2027)]),
    ("holidays", OK, |it| holidays(it, &[1, 49, 365])),
    ("make-up days", OK, |it| make_up_days(it, &[3, 52])),
    ("a holiday on a Saturday", Some("calendar 2026"), |it| holidays(it, &[49, 52])),
    ("made up for on a Wednesday", Some("calendar 2026"), |it| make_up_days(it, &[49])),
    ("no day of a year", Some("calendar 2026"), |it| holidays(it, &[0])),
    ("a day of the next year", Some("calendar 2026"), |it| holidays(it, &[366])),
    ("a make-up day of the next year", Some("calendar 2026"), |it| make_up_days(it, &[367])),
    ("a day of no year", Some("calendar 2026"), |it| holidays(it, &[u32::MAX])),
    ("the last day of a leap year", OK, |it| {
        it.calendars = vec![Calendar { make_up_days: vec![366], ..year(2028) }];
    }),
    ("a day twice", Some("calendar 2026"), |it| holidays(it, &[49, 49])),
    ("days in another order", Some("calendar 2026"), |it| holidays(it, &[49, 1])),
    ("one that is missing", Some("calendar 2026"), |it| {
        it.calendars = vec![Calendar { missing: true, ..year(2026) }];
    }),
    ("of no year", Some("calendar 99999"), |it| it.calendars = vec![year(99_999)]),
    ("one twice", Some("calendars"), |it| it.calendars = vec![year(2026), year(2026)]),
    ("in another order", Some("calendars"), |it| it.calendars = vec![year(2027), year(2026)]),
];

const ROOTS: &[Case] = &[
    ("two of three keys", OK, |it| identity(it, "gy.gov/root").threshold = 2),
    ("three of three keys", OK, |it| identity(it, "gy.gov/root").threshold = 3),
    ("four of three keys", Some("identity gy.gov/root"), |it| {
        identity(it, "gy.gov/root").threshold = 4;
    }),
    ("two of one key", Some("identity gz.hrss/root"), |it| {
        identity(it, "gz.hrss/root").threshold = 2;
    }),
    ("more than can be counted", Some("identity gz.hrss/root"), |it| {
        identity(it, "gz.hrss/root").threshold = u32::MAX;
    }),
    ("two keys of an officer", Some("identity gz.tax/officer"), |it| {
        let id = identity(it, "gz.tax/officer").identity_id.clone();
        let app = identity(it, "gz.tax/app").identity_id.clone();
        it.identities.retain(|one| one.identity_id != app);
        let of_app = it.keys.iter_mut().filter(|key| key.identity_id == app);
        of_app.for_each(|key| key.identity_id.clone_from(&id));
        identity(it, "gz.tax/officer").threshold = 2;
    }),
    ("of one that had none", OK, |it| founded(it, "gz.tax/root", IdentityKind::Root)),
];

/// What the ledger makes of its members as time goes by.
const MADE: &[Case] = &[
    ("a root", Some("department gz.tax"), |it| department(it).root_id = vec![1; 32]),
    ("a root that waits", Some("department gz.tax"), |it| {
        department(it).pending_root = Some(PendingRoot { root_id: vec![1; 32], due_ms: T0 });
    }),
    ("a successor", Some("department gz.tax"), |it| department(it).successor = "gz.bds".into()),
    ("a deadline", Some("department gz.tax"), |it| department(it).reconfirm_due_ms = T0),
    ("stopped by one above", Some("department gz.tax"), |it| {
        department(it).stopped_by = "gz.bdb".into();
    }),
    ("ended", Some("department gz.tax"), |it| department(it).ended = true),
    ("predecessors", Some("department gz.tax"), |it| {
        department(it).predecessors = vec!["gz.bds".into()];
    }),
    ("a height since when it is so", Some("department gz.tax"), |it| {
        department(it).since_height = 1;
    }),
    ("parameters since a height", Some("parameters"), |it| parameters(it).since_height = 1),
    ("no standing", Some("department gz.tax"), |it| department(it).standing.clear()),
    ("a standing from later on", Some("department gz.tax"), |it| {
        department(it).standing[0].from_height = 1;
    }),
    ("an identity that ended", Some("identity gz.tax/app"), |it| {
        identity(it, "gz.tax/app").ended = true;
    }),
    ("events of its life", Some("identity gz.tax/app"), |it| {
        identity(it, "gz.tax/app").events = 1;
    }),
    ("a list of its keys", Some("identity gz.tax/app"), |it| {
        let key = seeded("gz.tax/app").public().key_id().to_vec();
        identity(it, "gz.tax/app").key_ids = vec![key];
    }),
    ("an identity without a standing", Some("identity gz.tax/app"), |it| {
        identity(it, "gz.tax/app").standing.clear();
    }),
    ("a key without a standing", Some("key of gz.tax/app"), |it| {
        let id = seeded("gz.tax/app").public().key_id().to_vec();
        let key = it.keys.iter_mut().find(|key| key.key_id == id);
        key.unwrap().standing.clear();
    }),
];

#[test]
fn who_leads_manages_and_votes_is_there() {
    run(IN_OFFICE);
}

#[test]
fn calendars_have_days_of_their_kind() {
    run(CALENDARS);
}

#[test]
fn roots_can_sign() {
    run(ROOTS);
}

/// Each department has one root: whichever comes second is at fault.
#[test]
fn a_department_has_one_root() {
    let mut document = genesis("dev-bent");
    founded(&mut document, "gz.hrss/root-2", IdentityKind::Root);
    let refused = Founding::new(document.clone()).unwrap_err().to_string();
    assert!(refused.starts_with("identity gz.hrss/root"), "{refused}");
    assert!(refused.ends_with("its department has another root already"), "{refused}");
    identity(&mut document, "gz.hrss/root-2").kind = IdentityKind::Officer as i32;
    let refused = Founding::new(document).unwrap_err().to_string();
    assert!(refused.ends_with("this code is for a department's root"), "{refused}");
}

#[test]
fn what_only_the_ledger_makes() {
    run(MADE);
}

/// Validators that the engine could not count found no chain.
#[test]
fn too_much_power_founds_nothing() {
    let mut document = genesis("dev-bent");
    document.validators[0].power = 1 << 63;
    let found = Founding::new(document).map(|it| it.chain());
    assert!(matches!(found, Err(FoundingError::Validators(_))), "{found:?}");
}
