//! Proposals and votes: what is accepted and what is refused.

use crate::items::member::tests::departments::{manager, put_beneath, set_lead, set_managers};
use crate::ledger::{
    Object,
    tests::{
        founders::seeded,
        items::{
            DAY, new_department, new_keys, propose, register_identity, root_keys, succession, vote,
        },
        refusals::{Case, OK, run},
        stage::{MANAGER, Staged, USER},
    },
};
use crate::place::Place;
use crate::tx::Tx;
use crate::types::{ProposalId, limits};
use crate::wire::{
    self, Calendar, IdentityKind, Parameters, Right,
    StandingChange::{self, Reinstate, Revoke, Suspend},
    propose::Change,
};
use std::sync::Arc;

fn proposed(s: &Staged, change: Change) -> Tx {
    s.sign(USER, propose("gz.hrss", change))
}

/// Days that are neither holidays nor made up for, but for one.
pub(crate) fn calendar() -> Change {
    let holidays = vec![49];
    Change::SetCalendar(Calendar { year: 2026, holidays, ..Calendar::default() })
}

pub(crate) fn admit(code: &str, weight: u64) -> Change {
    let parent = String::new();
    let department = wire::NewDepartment { parent, ..new_department(code, "") };
    let department = Some(department);
    Change::AdmitVoter(wire::AdmitVoter { department, member: String::new(), weight })
}

/// Sets a member's weight.
pub(crate) fn weigh(member: &str, weight: u64) -> Change {
    Change::AdmitVoter(wire::AdmitVoter { department: None, member: member.into(), weight })
}

pub(crate) fn change(department: &str, change: StandingChange) -> Change {
    let department = department.into();
    Change::ChangeMember(wire::ChangeMember { department, change: change as i32 })
}

pub(crate) fn set_rights(department: &str, rights: &[Right]) -> Change {
    let rights = rights.iter().map(|right| *right as i32).collect();
    Change::SetRights(wire::SetRights { department: department.into(), rights })
}

pub(crate) fn parameters(s: &Staged) -> Arc<Parameters> {
    s.world.get(&Place::parameters())
}

/// New parameters, written from those that hold.
pub(crate) fn set_parameters(s: &Staged, bend: impl FnOnce(&mut Parameters)) -> Change {
    let before = parameters(s);
    let mut new = (*before).clone();
    bend(&mut new);
    let basis = Object::from((*before).clone()).map_value().to_vec();
    Change::SetParameters(wire::SetParameters { parameters: Some(new), basis })
}

/// A validator of a key, made of its name, with this power.
pub(crate) fn set_validator(name: &str, power: u64) -> Change {
    let public = seeded(name).public();
    let validator = wire::Validator {
        key_id: public.key_id().to_vec(),
        algorithm: wire::Algorithm::Ed25519 as i32,
        public_key: public.as_bytes().to_vec(),
        cosigner_key: seeded("cosigner").public().as_bytes().to_vec(),
        power,
    };
    Change::SetValidator(wire::SetValidator { validator: Some(validator), peer: None })
}

/// The power of all validators but that of gz.tax.
fn others(s: &Staged) -> u64 {
    let schedule: Arc<wire::ValidatorSchedule> = s.world.get(&Place::validator_schedule());
    let tax = seeded("gz.tax/node").public().key_id().to_vec();
    let set = &schedule.sets.last().unwrap().validators;
    set.iter().filter(|it| it.key_id != tax).map(|it| it.power).sum()
}

/// A new node of gz.hrss, registered.
pub(crate) fn new_node(s: &mut Staged) {
    let it = register_identity("gz.hrss", "node-2", IdentityKind::Node);
    s.world.does("gz.hrss/root", it);
}

fn with_peer(change: Change, department: &str) -> Change {
    let Change::SetValidator(it) = change else {
        panic!("no validator");
    };
    let peer = wire::Peer {
        removed: false,
        department: department.into(),
        peer_id: "12D3KooW".into(),
        consensus_address: "/ip4/10.0.0.1/tcp/4001".into(),
        gossip_address: String::new(),
    };
    Change::SetValidator(wire::SetValidator { peer: Some(peer), ..it })
}

pub(crate) fn set_protocol(protocol: u32, height: u64) -> Change {
    Change::SetProtocol(wire::SetProtocol { protocol, height })
}

pub(crate) fn set_root(department: &str, keys: &[&str]) -> Change {
    let root = root_keys(keys, 1);
    Change::SetRoot(wire::SetRoot { department: department.into(), root })
}

fn only_votes(s: &mut Staged, code: &str) {
    let only = wire::Voter { department: code.into(), weight: 1, suspended: false };
    s.world.doctor(Place::voters(), Some(wire::Voters { voters: vec![only] }.into()));
}

/// Stops a department, as a proposal would.
fn stopped(s: &mut Staged, code: &str) {
    let one = wire::Department { standing: Vec::new(), ..(*s.world.department(code)).clone() };
    s.world.doctor(Place::department(code), Some(one.into()));
}

const WHO: &[Case] = &[
    ("by a voter", OK, |s| proposed(s, calendar())),
    ("by the lead", OK, |s| s.sign(MANAGER, propose("gz.bdb", calendar()))),
    ("by a member without a vote", Some("vote.none"), |s| {
        s.sign("gz.aud/officer", propose("gz.aud", calendar()))
    }),
    ("in another's name", Some("actor.other"), |s| s.sign(USER, propose("gz.bdb", calendar()))),
    ("by a machine", Some("identity.kind"), |s| {
        s.sign("gz.hrss/node", propose("gz.hrss", calendar()))
    }),
];

const MEMBERS: &[Case] = &[
    ("a new voter", OK, |s| proposed(s, admit("gz.new", 2))),
    ("a code that is taken", Some("department.exists"), |s| proposed(s, admit("gz.aud", 2))),
    ("a vote for a member", OK, |s| proposed(s, weigh("gz.aud", 2))),
    ("another weight", OK, |s| proposed(s, weigh("gz.tax", 2))),
    ("no vote any more", OK, |s| proposed(s, weigh("gz.tax", 0))),
    ("no vote, where there is none", Some("vote.none"), |s| proposed(s, weigh("gz.aud", 0))),
    ("a vote for nobody", Some("department.unknown"), |s| proposed(s, weigh("gz.none", 1))),
    ("no vote for the lead", Some("department.in_office"), |s| proposed(s, weigh("gz.bdb", 0))),
    ("no vote for anybody", Some("vote.last"), |s| {
        only_votes(s, "gz.hrss");
        proposed(s, weigh("gz.hrss", 0))
    }),
    ("suspend a voter", OK, |s| proposed(s, change("gz.tax", Suspend))),
    ("suspend the last voter", Some("vote.last"), |s| {
        only_votes(s, "gz.hrss");
        proposed(s, change("gz.hrss", Suspend))
    }),
    ("remove a voter", OK, |s| proposed(s, change("gz.tax", Revoke))),
    ("suspend a member", OK, |s| proposed(s, change("gz.aud", Suspend))),
    ("suspend the lead", Some("department.in_office"), |s| proposed(s, change("gz.bdb", Suspend))),
    ("reinstate what stands", Some("standing.is"), |s| proposed(s, change("gz.tax", Reinstate))),
    ("remove one with another beneath", Some("department.has_beneath"), |s| {
        proposed(s, change("gy.hrss", Revoke))
    }),
    ("remove the lowest", OK, |s| proposed(s, change("gy.yy.hrss", Revoke))),
    ("suspend one above a voter", OK, |s| {
        put_beneath(s, "gz.tax", "gy.hrss");
        proposed(s, change("gy.gov", Suspend))
    }),
    ("suspend one above the last voter", Some("vote.last"), |s| {
        only_votes(s, "gz.hrss");
        put_beneath(s, "gz.hrss", "gy.hrss");
        proposed(s, change("gy.gov", Suspend))
    }),
    ("suspend one above the lead", Some("department.in_office"), |s| {
        set_lead(s, "gy.yy.hrss");
        proposed(s, change("gy.gov", Suspend))
    }),
    ("suspend one above a manager", Some("department.in_office"), |s| {
        set_managers(s, vec![manager("52", "gy.hrss", "gz.bdb")]);
        proposed(s, change("gy.gov", Suspend))
    }),
    ("suspend one above a deputy", Some("department.in_office"), |s| {
        set_managers(s, vec![manager("52", "gz.bdb", "gy.yy.hrss")]);
        proposed(s, change("gy.gov", Suspend))
    }),
    ("rights", OK, |s| proposed(s, set_rights("gz.tax", &[Right::Use, Right::Audit]))),
    ("rights of nobody", Some("department.unknown"), |s| proposed(s, set_rights("gz.none", &[]))),
    ("no right to manage, of a manager", Some("department.in_office"), |s| {
        set_managers(s, vec![manager("52", "gz.hrm", "gz.bdb")]);
        proposed(s, set_rights("gz.hrm", &[Right::Use, Right::Audit]))
    }),
    ("no right at all, of a deputy", Some("department.in_office"), |s| {
        set_managers(s, vec![manager("52", "gz.bdb", "gz.hrm")]);
        proposed(s, set_rights("gz.hrm", &[]))
    }),
    ("other rights, of a manager that keeps this one", OK, |s| {
        set_managers(s, vec![manager("52", "gz.hrm", "gz.bdb")]);
        proposed(s, set_rights("gz.hrm", &[Right::Use, Right::Manage]))
    }),
    ("no right to manage, of one that is not named", OK, |s| {
        set_managers(s, vec![manager("52", "gz.bdb", "")]);
        proposed(s, set_rights("gz.hrm", &[]))
    }),
    ("a root", OK, |s| proposed(s, set_root("gz.tax", &["gz.tax/root"]))),
    ("a root by a key that is taken", Some("key.exists"), |s| {
        proposed(s, set_root("gz.tax", &["gz.tax/app"]))
    }),
    ("a root of nobody", Some("department.unknown"), |s| {
        proposed(s, set_root("gz.none", &["gz.tax/root"]))
    }),
    ("a succession between voters", OK, |s| {
        proposed(s, Change::Succeed(succession("gz.tax", "gz.hrss", s.world.now)))
    }),
    ("a succession of the lead", Some("department.in_office"), |s| {
        proposed(s, Change::Succeed(succession("gz.bdb", "gz.hrss", s.world.now)))
    }),
    ("a succession whose overlap is over", Some("succession.overlap"), |s| {
        proposed(s, Change::Succeed(succession("gz.tax", "gz.hrss", s.world.now - 31 * DAY)))
    }),
];

const VALIDATORS: &[Case] = &[
    ("another power", OK, |s| proposed(s, set_validator("gz.tax/node", 5))),
    ("out", OK, |s| proposed(s, set_validator("gz.tax/node", 0))),
    ("a new one", OK, |s| {
        new_node(s);
        proposed(s, set_validator("gz.hrss/node-2", 1))
    }),
    ("a new one, and how it is reached", OK, |s| {
        new_node(s);
        proposed(s, with_peer(set_validator("gz.hrss/node-2", 1), "gz.hrss"))
    }),
    ("a peer of nobody", Some("department.unknown"), |s| {
        new_node(s);
        proposed(s, with_peer(set_validator("gz.hrss/node-2", 1), "gz.none"))
    }),
    ("a key that is not there", Some("key.unknown"), |s| {
        proposed(s, set_validator("gz.hrss/node-2", 1))
    }),
    ("a key that is no node's", Some("validator.bad"), |s| {
        proposed(s, set_validator("gz.hrss/app", 1))
    }),
    ("another public key", Some("validator.bad"), |s| {
        let Change::SetValidator(mut it) = set_validator("gz.tax/node", 1) else {
            panic!("no validator");
        };
        it.validator.as_mut().unwrap().public_key = vec![1; 32];
        proposed(s, Change::SetValidator(it))
    }),
    ("a cosigner key that is none", Some("validator.bad"), |s| {
        let Change::SetValidator(mut it) = set_validator("gz.tax/node", 1) else {
            panic!("no validator");
        };
        it.validator.as_mut().unwrap().cosigner_key.clear();
        proposed(s, Change::SetValidator(it))
    }),
    ("the most power that the engine can count", OK, |s| {
        proposed(s, set_validator("gz.tax/node", limits::TOTAL_POWER - others(s)))
    }),
    ("more power than the engine can count", Some("validator.bad"), |s| {
        proposed(s, set_validator("gz.tax/node", limits::TOTAL_POWER - others(s) + 1))
    }),
    ("power of two to the 63rd", Some("validator.bad"), |s| {
        proposed(s, set_validator("gz.tax/node", 1 << 63))
    }),
    ("one out that is not in", Some("validator.bad"), |s| {
        proposed(s, set_validator("gz.hrss/app", 0))
    }),
    ("the last one out", Some("validator.bad"), |s| {
        let place = Place::validator_schedule();
        let mut schedule = (*s.world.get::<wire::ValidatorSchedule>(&place)).clone();
        let tax = seeded("gz.tax/node").public().key_id().to_vec();
        schedule.sets[0].validators.retain(|it| it.key_id == tax);
        s.world.doctor(place, Some(schedule.into()));
        proposed(s, set_validator("gz.tax/node", 0))
    }),
];

const SETTINGS: &[Case] = &[
    ("parameters", OK, |s| proposed(s, set_parameters(s, |it| it.decide_days = 5))),
    ("blocks that are citable for five minutes", OK, |s| {
        proposed(s, set_parameters(s, |it| it.recent_block_age_ms = 300_000))
    }),
    ("blocks that are citable for a day", OK, |s| {
        proposed(s, set_parameters(s, |it| it.recent_block_age_ms = 86_400_000))
    }),
    ("blocks that nobody can cite in time", Some("parameters.bad"), |s| {
        proposed(s, set_parameters(s, |it| it.recent_block_age_ms = 1))
    }),
    ("seconds where milliseconds are meant", Some("parameters.bad"), |s| {
        proposed(s, set_parameters(s, |it| it.recent_block_age_ms = 3_600))
    }),
    ("blocks that are citable for too long", Some("parameters.bad"), |s| {
        proposed(s, set_parameters(s, |it| it.recent_block_age_ms = 86_400_001))
    }),
    ("parameters that can't be", Some("parameters.bad"), |s| {
        proposed(s, set_parameters(s, |it| it.decide_days = 0))
    }),
    ("parameters written from others", Some("parameters.basis"), |s| {
        let stale = set_parameters(s, |it| it.decide_days = 5);
        set_managers(s, vec![manager("52", "gz.bdb", "")]);
        proposed(s, stale)
    }),
    ("another lead", OK, |s| proposed(s, set_parameters(s, |it| it.lead = "gz.hrss".into()))),
    ("nobody for a lead", Some("department.unknown"), |s| {
        proposed(s, set_parameters(s, |it| it.lead = "gz.none".into()))
    }),
    ("a lead without a vote", Some("vote.none"), |s| {
        proposed(s, set_parameters(s, |it| it.lead = "gz.aud".into()))
    }),
    ("a manager without the right", Some("right.missing"), |s| {
        let managers = vec![manager("52", "gz.bdb", "gz.tax")];
        proposed(s, set_parameters(s, |it| it.managers = managers))
    }),
    ("a manager that is nobody", Some("department.unknown"), |s| {
        let managers = vec![manager("52", "gz.none", "")];
        proposed(s, set_parameters(s, |it| it.managers = managers))
    }),
    ("a manager and a deputy", OK, |s| {
        let managers = vec![manager("52", "gz.hrm", "gy.gov")];
        proposed(s, set_parameters(s, |it| it.managers = managers))
    }),
    ("a lead that is suspended", Some("standing.is"), |s| {
        stopped(s, "gz.tax");
        proposed(s, set_parameters(s, |it| it.lead = "gz.tax".into()))
    }),
    ("a manager that is suspended", Some("standing.is"), |s| {
        stopped(s, "gy.gov");
        let managers = vec![manager("52", "gy.gov", "gz.bdb")];
        proposed(s, set_parameters(s, |it| it.managers = managers))
    }),
    ("a deputy that is suspended", Some("standing.is"), |s| {
        stopped(s, "gy.gov");
        let managers = vec![manager("52", "gz.bdb", "gy.gov")];
        proposed(s, set_parameters(s, |it| it.managers = managers))
    }),
    ("a deputy that was removed", Some("standing.is"), |s| {
        let gone = wire::Department { ended: true, ..(*s.world.department("gz.hrm")).clone() };
        s.world.doctor(Place::department("gz.hrm"), Some(gone.into()));
        let managers = vec![manager("52", "gz.bdb", "gz.hrm")];
        proposed(s, set_parameters(s, |it| it.managers = managers))
    }),
    ("a holiday on a Saturday", Some("calendar.bad"), |s| {
        let holidays = vec![52];
        let it = Calendar { year: 2026, holidays, ..Calendar::default() };
        proposed(s, Change::SetCalendar(it))
    }),
    ("a calendar that is missing", Some("calendar.bad"), |s| {
        let it = Calendar { year: 2026, missing: true, ..Calendar::default() };
        proposed(s, Change::SetCalendar(it))
    }),
    ("the next protocol", OK, |s| proposed(s, set_protocol(2, s.world.height().get() + 3))),
    ("a protocol that skips one", Some("protocol.height"), |s| {
        proposed(s, set_protocol(3, s.world.height().get() + 3))
    }),
    ("the last protocol that can be written", Some("protocol.height"), |s| {
        proposed(s, set_protocol(u32::MAX, s.world.height().get() + 3))
    }),
    ("this protocol", Some("protocol.height"), |s| {
        proposed(s, set_protocol(1, s.world.height().get() + 3))
    }),
    ("that a peer goes that nobody knows", Some("peer.unknown"), |s| {
        proposed(s, Change::RemovePeer(wire::RemovePeer { peer_id: "12D3KooW".into() }))
    }),
    ("the next protocol too soon", Some("protocol.height"), |s| {
        proposed(s, set_protocol(2, s.world.height().get() + 2))
    }),
];

/// A proposal that waits for votes.
pub(crate) fn waiting(s: &mut Staged, change: Change) -> ProposalId {
    let tx = proposed(s, change);
    let id = tx.header().proposal_id(0);
    s.world.commit(vec![tx]);
    id
}

const VOTES: &[Case] = &[
    ("for", OK, |s| {
        let id = waiting(s, calendar());
        s.sign(MANAGER, vote("gz.bdb", &id, true))
    }),
    ("against", OK, |s| {
        let id = waiting(s, calendar());
        s.sign(MANAGER, vote("gz.bdb", &id, false))
    }),
    ("again", OK, |s| {
        let id = waiting(s, calendar());
        s.world.does(MANAGER, vote("gz.bdb", &id, true));
        s.sign(MANAGER, vote("gz.bdb", &id, false))
    }),
    ("on nothing", Some("proposal.unknown"), |s| {
        s.sign(MANAGER, vote("gz.bdb", &ProposalId::new([1; 32]), true))
    }),
    ("by a member without a vote", Some("vote.none"), |s| {
        let id = waiting(s, calendar());
        s.sign("gz.aud/officer", vote("gz.aud", &id, true))
    }),
    ("by one whose vote is suspended", Some("vote.none"), |s| {
        let id = waiting(s, calendar());
        let mut voters = (*s.world.get::<wire::Voters>(&Place::voters())).clone();
        voters.voters[0].suspended = true;
        s.world.doctor(Place::voters(), Some(voters.into()));
        s.sign(MANAGER, vote("gz.bdb", &id, true))
    }),
    ("in another's name", Some("actor.other"), |s| {
        let id = waiting(s, calendar());
        s.sign(MANAGER, vote("gz.tax", &id, true))
    }),
    ("by a machine", Some("identity.kind"), |s| {
        let id = waiting(s, calendar());
        s.sign("gz.bdb/node", vote("gz.bdb", &id, true))
    }),
    ("on what was enacted", Some("proposal.closed"), |s| {
        let id = waiting(s, calendar());
        for code in ["gz.bdb", "gz.hrss", "gz.psb"] {
            s.world.does(&format!("{code}/officer"), vote(code, &id, true));
        }
        s.sign("gz.tax/officer", vote("gz.tax", &id, true))
    }),
    ("on what has expired", Some("proposal.closed"), |s| {
        let id = waiting(s, calendar());
        s.world.pause(40 * DAY);
        s.sign(MANAGER, vote("gz.bdb", &id, true))
    }),
];

pub(crate) const TABLES: &[&[Case]] = &[WHO, MEMBERS, VALIDATORS, SETTINGS, VOTES];

#[test]
fn voters_propose_and_vote() {
    assert_eq!(run(WHO).len(), 3);
    assert_eq!(run(VOTES).len(), 5);
}

#[test]
fn what_is_proposed_could_hold() {
    assert_eq!(run(MEMBERS).len(), 9);
    assert_eq!(run(VALIDATORS).len(), 3);
    assert_eq!(run(SETTINGS).len(), 9);
}

/// A proposal changes nothing by itself, whatever it tries.
#[test]
fn a_proposal_changes_nothing() {
    let mut s = crate::ledger::tests::stage::staged();
    let before = s.world.objects.clone();
    waiting(&mut s, change("gz.tax", Revoke));
    waiting(&mut s, admit("gz.new", 3));
    waiting(&mut s, set_root("gz.tax", &["gz.tax/root"]));
    for (place, object) in before {
        let kept = s.world.objects.get(&place) == Some(&object);
        let window = matches!(object, Object::RecentWindow(_));
        assert!(kept || window, "{place:?}");
    }
    assert!(s.world.told().is_empty());
    let keys = new_keys(&["gz.tax/root"]);
    assert!(keys.len() == 1 && !s.world.objects.contains_key(&Place::department("gz.new")));
}
