//! Proposals that pass, expire or fail; and what they change, from when on.

use crate::header::validators::ValidatorSet;
use crate::items::governance::tests::votes::{
    admit, calendar, change, new_node, parameters, set_parameters, set_protocol, set_rights,
    set_root, set_validator, waiting, weigh,
};
use crate::items::member::tests::departments::{manager, put_beneath, set_managers};
use crate::ledger::{
    intervals,
    tests::{
        items::{DAY, HOUR, register_identity, succession, vote},
        stage::{Staged, staged},
    },
};
use crate::place::Place;
use crate::types::{ProposalId, limits};
use crate::wire::{
    self, Fraction, IdentityKind, ProposalEnd, Right,
    StandingChange::{Reinstate, Revoke, Suspend},
    ledger_event::Kind,
    propose::Change,
};
use std::sync::Arc;

const ALL: [&str; 4] = ["gz.bdb", "gz.hrss", "gz.psb", "gz.tax"];
const ALL_BUT_THE_LEAD: [&str; 3] = ["gz.hrss", "gz.psb", "gz.tax"];

fn votes(s: &mut Staged, id: &ProposalId, code: &str, approve: bool) {
    s.world.does(&format!("{code}/officer"), vote(code, id, approve));
}

fn proposal(s: &Staged, id: &ProposalId) -> Arc<wire::Proposal> {
    s.world.get(&Place::proposal(id.as_bytes()))
}

/// Proposes a change, on which these vote, one a block; gives how many votes it took, if it passed.
pub(crate) fn voted(s: &mut Staged, change: Change, voters: &[&str]) -> Option<usize> {
    let id = waiting(s, change);
    for (number, code) in (1..).zip(voters) {
        votes(s, &id, code, true);
        if proposal(s, &id).end() == ProposalEnd::Enacted {
            return Some(number);
        }
    }
    None
}

/// Proposes a change and has it enacted by all.
pub(crate) fn enacted(s: &mut Staged, change: Change) {
    assert!(voted(s, change, &ALL).is_some());
}

fn told(s: &Staged) -> Vec<Kind> {
    let told = s.world.told();
    let missed = |it: &Kind| matches!(it, Kind::DeadlineMissed(_));
    told.iter().map(|it| it.kind().clone()).filter(|it| !missed(it)).collect()
}

fn ended(id: &ProposalId, end: ProposalEnd, refusal: &str) -> Kind {
    let (end, proposal_id, refusal) = (end as i32, id.to_vec(), refusal.into());
    Kind::ProposalEnded(wire::ProposalEnded { end, proposal_id, refusal })
}

/// Each change, whether it is constitutional, and whether then the lead must approve.
fn changes(s: &Staged) -> Vec<(&'static str, Change, bool, bool)> {
    let height = s.world.height().get() + 100;
    let two_thirds = Some(Fraction { numerator: 2, denominator: 3 });
    vec![
        ("a calendar", calendar(), false, false),
        ("rights", set_rights("gz.tax", &[Right::Audit]), false, false),
        ("parameters", set_parameters(s, |it| it.decide_days = 5), false, false),
        ("a member's standing", change("gz.aud", Suspend), false, false),
        ("a member's root", set_root("gz.aud", &["gz.aud/root"]), false, false),
        (
            "a succession",
            Change::Succeed(succession("gz.psu", "gz.bds", s.world.now)),
            false,
            false,
        ),
        ("a voter's standing", change("gz.tax", Suspend), true, true),
        ("a voter's root", set_root("gz.tax", &["gz.tax/root"]), true, true),
        (
            "a voter's succession",
            Change::Succeed(succession("gz.tax", "gz.bds", s.world.now)),
            true,
            true,
        ),
        (
            "a succession by a voter",
            Change::Succeed(succession("gz.psu", "gz.tax", s.world.now)),
            true,
            true,
        ),
        ("a new voter", admit("gz.new", 1), true, true),
        ("a weight", weigh("gz.tax", 2), true, true),
        ("a validator", set_validator("gz.tax/node", 0), true, true),
        ("a protocol", set_protocol(2, height), true, true),
        ("the quorum", set_parameters(s, |it| it.ordinary = two_thirds), true, true),
        (
            "the other quorum",
            set_parameters(s, |it| {
                it.constitutional = Some(Fraction { numerator: 3, denominator: 4 })
            }),
            true,
            true,
        ),
        ("the lead", set_parameters(s, |it| it.lead = "gz.hrss".into()), true, false),
    ]
}

/// Of four equal votes three are more than half, and at least two thirds.
#[test]
fn what_needs_the_lead() {
    for (name, change, constitutional, lead) in changes(&staged()) {
        let mut s = staged();
        let found = voted(&mut s, change.clone(), &ALL_BUT_THE_LEAD);
        assert_eq!(found, (!lead).then_some(3), "{name} without the lead");
        let mut s = staged();
        assert_eq!(voted(&mut s, change, &ALL), Some(3), "{name} with the lead");
        assert!(constitutional || !lead);
    }
}

/// Five of nine votes are more than half; two thirds of nine are six.
#[test]
fn how_much_weight_is_needed() {
    let weights = [("gz.bdb", 3), ("gz.hrss", 2), ("gz.psb", 1), ("gz.tax", 3)];
    let cases: [(&[&str], bool, bool); 6] = [
        (&["gz.bdb"], false, false),
        (&["gz.bdb", "gz.psb"], false, false),
        (&["gz.bdb", "gz.hrss"], true, false),
        (&["gz.bdb", "gz.hrss", "gz.psb"], true, true),
        (&["gz.bdb", "gz.tax"], true, true),
        (&["gz.hrss", "gz.psb", "gz.tax"], true, false),
    ];
    for (number, (voters, ordinary, constitutional)) in cases.into_iter().enumerate() {
        for (change, passes) in [(calendar(), ordinary), (weigh("gz.tax", 4), constitutional)] {
            let mut s = staged();
            let voter = |(code, weight): (&str, u64)| wire::Voter {
                department: code.into(),
                weight,
                suspended: false,
            };
            let all = wire::Voters { voters: weights.map(voter).into() };
            s.world.doctor(Place::voters(), Some(all.into()));
            assert_eq!(voted(&mut s, change, voters).is_some(), passes, "{number}");
        }
    }
}

/// Exactly half is not more than half.
#[test]
fn half_is_not_enough() {
    let mut s = staged();
    assert_eq!(voted(&mut s, calendar(), &["gz.bdb", "gz.tax"]), None);
}

/// A later vote takes the place of the one before, and a vote against never enacts.
#[test]
fn a_voter_may_think_again() {
    let mut s = staged();
    let id = waiting(&mut s, calendar());
    votes(&mut s, &id, "gz.bdb", true);
    votes(&mut s, &id, "gz.tax", true);
    votes(&mut s, &id, "gz.tax", false);
    votes(&mut s, &id, "gz.psb", true);
    assert_eq!(proposal(&s, &id).end(), ProposalEnd::Unspecified);
    let cast: Vec<_> =
        proposal(&s, &id).votes.iter().map(|it| (it.department.clone(), it.approve)).collect();
    let expected = [("gz.bdb", true), ("gz.psb", true), ("gz.tax", false)];
    assert_eq!(cast, expected.map(|(code, approve)| (code.to_owned(), approve)));
    votes(&mut s, &id, "gz.tax", true);
    assert_eq!(proposal(&s, &id).end(), ProposalEnd::Enacted);
    assert_eq!(told(&s), [ended(&id, ProposalEnd::Enacted, "")]);
    assert!(s.world.tip().delta.events[1].trails.contains(&Place::governance_trail()));
}

/// Proposals have 20 working days.
#[test]
fn a_proposal_expires() {
    let mut s = staged();
    let id = waiting(&mut s, calendar());
    let expires = proposal(&s, &id).expires_ms;
    assert_eq!(expires, 20_529 * DAY - 8 * HOUR);
    votes(&mut s, &id, "gz.bdb", true);
    votes(&mut s, &id, "gz.psb", true);
    s.world.reach(expires - 1);
    assert_eq!(told(&s), []);
    s.world.reach(expires);
    assert_eq!(told(&s), [ended(&id, ProposalEnd::Expired, "")]);
    let late = s.sign("gz.tax/officer", vote("gz.tax", &id, true));
    assert_eq!(s.world.refusal(&late), Some((Some(0), "proposal.closed")));
    s.world.pause(DAY);
    assert_eq!(told(&s), []);
}

/// Also where its timer has to wait for others that were due before.
#[test]
fn a_proposal_expires_though_its_timer_waits() {
    let mut s = staged();
    let asked = s.asked();
    for _ in 0..2 {
        let more_than_half = limits::TIMERS / 2 + 1;
        let many = vec![asked.clone().into(); more_than_half];
        let many = s.world.sign("gz.hrss/officer", many);
        s.world.commit(vec![many]);
    }
    let id = waiting(&mut s, calendar());
    votes(&mut s, &id, "gz.bdb", true);
    votes(&mut s, &id, "gz.psb", true);
    s.world.now = proposal(&s, &id).expires_ms;
    let late = s.sign("gz.tax/officer", vote("gz.tax", &id, true));
    s.world.doctor(Place::parameters(), Some(patient(&s).into()));
    assert_eq!(s.world.refusal(&late), Some((Some(0), "proposal.closed")));
    s.world.commit(Vec::new());
    assert_eq!(told(&s), []);
    s.world.commit(Vec::new());
    assert_eq!(told(&s), [ended(&id, ProposalEnd::Expired, "")]);
}

/// Parameters by which blocks may be cited that are long ago.
fn patient(s: &Staged) -> wire::Parameters {
    wire::Parameters { recent_block_age_ms: u64::MAX, ..(*parameters(s)).clone() }
}

/// What a proposal rests on may have changed when it passes: then it fails, and changes nothing.
#[test]
fn a_proposal_that_passes_and_fails() {
    let mut s = staged();
    let one = set_parameters(&s, |it| it.decide_days = 5);
    let other = set_parameters(&s, |it| it.confirm_days = 5);
    let (one, other) = (waiting(&mut s, one), waiting(&mut s, other));
    for code in ["gz.bdb", "gz.hrss", "gz.psb"] {
        votes(&mut s, &one, code, true);
    }
    assert_eq!(told(&s), [ended(&one, ProposalEnd::Enacted, "")]);
    for code in ["gz.bdb", "gz.hrss", "gz.psb"] {
        votes(&mut s, &other, code, true);
    }
    assert_eq!(told(&s), [ended(&other, ProposalEnd::Failed, "parameters.basis")]);
    assert_eq!((parameters(&s).decide_days, parameters(&s).confirm_days), (5, 1));
    assert_eq!(proposal(&s, &other).end(), ProposalEnd::Failed);
}

/// Whoever manages grants by the time that a proposal passes keeps the right to.
#[test]
fn a_right_that_came_to_be_needed() {
    let mut s = staged();
    let id = waiting(&mut s, set_rights("gz.hrm", &[]));
    set_managers(&mut s, vec![manager("52", "gz.bdb", "gz.hrm")]);
    for code in ["gz.bdb", "gz.hrss", "gz.psb"] {
        votes(&mut s, &id, code, true);
    }
    assert_eq!(told(&s), [ended(&id, ProposalEnd::Failed, "department.in_office")]);
    assert_eq!(s.world.department("gz.hrm").rights, [Right::Manage as i32]);
}

/// Half a change is undone with the rest: the department would be new, its key is not.
#[test]
fn a_failed_change_leaves_nothing() {
    let mut s = staged();
    let id = waiting(&mut s, admit("gz.new", 1));
    let taken = register_identity("gz.hrss", "thief", IdentityKind::Officer);
    let keys = crate::ledger::tests::items::new_keys(&["gz.new/root"]);
    s.world.does("gz.hrss/root", wire::RegisterIdentity { keys, ..taken });
    for code in ["gz.bdb", "gz.hrss", "gz.psb"] {
        votes(&mut s, &id, code, true);
    }
    assert_eq!(told(&s), [ended(&id, ProposalEnd::Failed, "key.exists")]);
    assert!(!s.world.objects.contains_key(&Place::department("gz.new")));
    assert!(!s.world.objects.contains_key(&Place::identity_name("gz.new", "root")));
}

fn voters(s: &Staged) -> Vec<(String, u64, bool)> {
    let voters: Arc<wire::Voters> = s.world.get(&Place::voters());
    voters.voters.iter().map(|it| (it.department.clone(), it.weight, it.suspended)).collect()
}

fn voter(code: &str, weight: u64, suspended: bool) -> (String, u64, bool) {
    (code.into(), weight, suspended)
}

#[test]
fn votes_come_and_go() {
    let mut s = staged();
    enacted(&mut s, weigh("gz.aud", 1));
    assert_eq!(voters(&s)[0], voter("gz.aud", 1, false));
    enacted(&mut s, weigh("gz.tax", 0));
    assert!(!voters(&s).iter().any(|it| it.0 == "gz.tax"));
    let member = |code: &str| Kind::MemberChanged(wire::MemberChanged { department: code.into() });
    assert_eq!(told(&s)[0], member("gz.tax"));
}

/// A new voter votes at once, by its own people when it has them.
#[test]
fn a_new_voter() {
    let mut s = staged();
    let id = waiting(&mut s, admit("gz.new", 7));
    for code in ["gz.bdb", "gz.hrss", "gz.psb"] {
        votes(&mut s, &id, code, true);
    }
    let new = s.world.department("gz.new");
    let height = s.world.height();
    assert!(!intervals::at_height(&new.standing, height));
    assert!(intervals::at_height(&new.standing, height.next()));
    assert!(voters(&s).contains(&voter("gz.new", 7, false)));
    s.world.join("gz.new/root", crate::types::IdentityId::from_slice(&new.root_id).unwrap());
    let officer = register_identity("gz.new", "officer", IdentityKind::Officer);
    let tx = s.sign("gz.new/root", officer);
    s.world.join("gz.new/officer", tx.header().identity_id(0));
    s.world.commit(vec![tx]);
    assert_eq!(voted(&mut s, calendar(), &["gz.new"]), Some(1));
}

/// A suspended voter is not counted, for or in the whole; reinstated it is.
#[test]
fn a_suspended_vote_does_not_count() {
    let mut s = staged();
    enacted(&mut s, change("gz.tax", Suspend));
    assert!(voters(&s).contains(&voter("gz.tax", 1, true)));
    assert!(!intervals::is_open(&s.world.department("gz.tax").standing));
    assert_eq!(voted(&mut s, calendar(), &["gz.bdb", "gz.psb"]), Some(2));
    enacted_by_three(&mut s, change("gz.tax", Reinstate));
    assert!(voters(&s).contains(&voter("gz.tax", 1, false)));
    assert_eq!(voted(&mut s, calendar(), &["gz.bdb", "gz.psb"]), None);
    enacted(&mut s, change("gz.tax", Revoke));
    assert!(!voters(&s).iter().any(|it| it.0 == "gz.tax"));
    assert!(s.world.department("gz.tax").ended);
}

/// By a vote those with a vote are stopped too that stand beneath, and so are their votes.
#[test]
fn a_vote_stops_votes_beneath() {
    let mut s = staged();
    put_beneath(&mut s, "gz.tax", "gy.yy.hrss");
    for (to, suspended) in [(Suspend, true), (Reinstate, false)] {
        enacted_by_three(&mut s, change("gy.gov", to));
        assert!(voters(&s).contains(&voter("gz.tax", 1, suspended)));
        assert_eq!(intervals::is_open(&s.world.department("gz.tax").standing), !suspended);
    }
}

fn enacted_by_three(s: &mut Staged, change: Change) {
    assert!(voted(s, change, &["gz.bdb", "gz.hrss", "gz.psb"]).is_some());
}

/// A succession of a voter: its vote ends with the overlap.
#[test]
fn a_voter_that_is_followed_on() {
    let mut s = staged();
    let it = succession("gz.tax", "gz.hrss", s.world.now);
    let until = it.overlap_until_ms;
    enacted(&mut s, Change::Succeed(it));
    assert!(voters(&s).contains(&voter("gz.tax", 1, false)));
    // Until then the successor casts it too.
    let id = waiting(&mut s, calendar());
    let successor = s.sign("gz.hrss/officer", vote("gz.tax", &id, true));
    assert_eq!(s.world.refusal(&successor), None);
    s.world.reach(until);
    assert!(!voters(&s).iter().any(|it| it.0 == "gz.tax"));
}

/// New parameters hold for the very next item, and a new root from the next height on.
#[test]
fn parameters_rights_and_roots() {
    let mut s = staged();
    let it = set_parameters(&s, |it| it.purposes = vec!["audit".into()]);
    enacted(&mut s, it);
    assert_eq!(s.world.refusal(&s.request(|_| {})), Some((Some(0), "purpose.unknown")));
    enacted(&mut s, set_rights("gz.hrss", &[Right::Collect]));
    let asked = s.request(|it| it.purpose = "audit".into());
    assert_eq!(s.world.refusal(&asked), Some((Some(0), "right.missing")));

    enacted(&mut s, set_root("gz.hrss", &["gz.hrss/new-root"]));
    let id = s.world.department("gz.hrss").root_id.clone();
    s.world.join("gz.hrss/new-root", crate::types::IdentityId::from_slice(&id).unwrap());
    let clerk = register_identity("gz.hrss", "clerk", IdentityKind::Officer);
    let old = s.sign("gz.hrss/root", clerk.clone());
    assert_eq!(s.world.refusal(&old), Some((None, "key.not_in_force")));
    s.world.does("gz.hrss/new-root", clerk);
}

#[test]
fn calendars_and_protocols() {
    let mut s = staged();
    enacted(&mut s, calendar());
    let found: Arc<wire::Calendar> = s.world.get(&Place::calendar(2026));
    assert_eq!((found.holidays.as_slice(), found.missing), ([49].as_slice(), false));
    let height = s.world.height().get() + 20;
    enacted(&mut s, set_protocol(2, height));
    let found: Arc<wire::ProtocolSchedule> = s.world.get(&Place::protocol_schedule());
    assert_eq!(*found, wire::ProtocolSchedule { protocol: 2, height });
    // The same version again does not ascend.
    let tx = s.sign(
        "gz.hrss/officer",
        crate::ledger::tests::items::propose("gz.hrss", set_protocol(2, height)),
    );
    assert_eq!(s.world.refusal(&tx), Some((Some(0), "protocol.height")));
    // Until it begins it can be put off; then the next one follows it.
    enacted(&mut s, set_protocol(2, height + 5));
    while s.world.height().get() < height + 5 {
        s.world.commit(Vec::new());
    }
    let late = s.world.height().get() + 20;
    let again = crate::ledger::tests::items::propose("gz.hrss", set_protocol(2, late));
    let tx = s.sign("gz.hrss/officer", again);
    assert_eq!(s.world.refusal(&tx), Some((Some(0), "protocol.height")));
    enacted(&mut s, set_protocol(3, late));
}

fn schedule(s: &Staged) -> Vec<(u64, usize)> {
    let schedule: Arc<wire::ValidatorSchedule> = s.world.get(&Place::validator_schedule());
    schedule.sets.iter().map(|it| (it.from_height, it.validators.len())).collect()
}

/// The validators of a height, by the schedule as it stands now.
fn validators_at(s: &Staged, height: u64) -> ValidatorSet {
    let schedule: Arc<wire::ValidatorSchedule> = s.world.get(&Place::validator_schedule());
    crate::ledger::seal::validators_at(&schedule, crate::types::Height::new(height)).unwrap()
}

/// A change of validators holds two heights behind the block that passes it: the header of the
/// block in between names those who sign the next.
#[test]
fn a_change_of_validators() {
    let mut s = staged();
    new_node(&mut s);
    let old = s.world.founding.validators().clone();
    enacted(&mut s, set_validator("gz.hrss/node-2", 3));
    let passed = s.world.height().get();
    assert_eq!(schedule(&s), [(0, 4), (passed + 2, 5)]);
    let new = validators_at(&s, passed + 2);
    assert_eq!((new.all().len(), new.total_power()), (5, 7));
    assert_eq!(validators_at(&s, passed), old);
    assert_eq!(validators_at(&s, passed + 1), old);
    s.world.commit(Vec::new());
    s.world.commit(Vec::new());
    let hashes = |height: u64| {
        let header = &s.world.blocks[usize::try_from(height).unwrap()].header;
        (header.validators_hash, header.next_validators_hash)
    };
    assert_eq!(hashes(passed), (old.hash(), old.hash()));
    assert_eq!(hashes(passed + 1), (old.hash(), new.hash()));
    assert_eq!(hashes(passed + 2), (new.hash(), new.hash()));
}

/// Changes that are passed one behind the other add up; what no block needs any more leaves.
#[test]
fn changes_of_validators_one_behind_the_other() {
    let mut s = staged();
    let one = waiting(&mut s, set_validator("gz.tax/node", 0));
    let two = waiting(&mut s, set_validator("gz.psb/node", 4));
    for code in ["gz.bdb", "gz.hrss"] {
        votes(&mut s, &one, code, true);
        votes(&mut s, &two, code, true);
    }
    votes(&mut s, &one, "gz.psb", true);
    let first = s.world.height().get() + 2;
    votes(&mut s, &two, "gz.psb", true);
    assert_eq!(schedule(&s), [(first, 3), (first + 1, 3)]);
    assert_eq!(validators_at(&s, first).total_power(), 3);
    assert_eq!(validators_at(&s, first + 1).total_power(), 6);
    enacted(&mut s, set_validator("gz.psb/node", 5));
    let third = s.world.height().get() + 2;
    assert_eq!(schedule(&s), [(first + 1, 3), (third, 3)]);
}

/// Two that pass in one block are one change.
#[test]
fn changes_of_validators_in_one_block() {
    let mut s = staged();
    let one = waiting(&mut s, set_validator("gz.tax/node", 0));
    let two = waiting(&mut s, set_validator("gz.psb/node", 4));
    for code in ["gz.bdb", "gz.hrss"] {
        votes(&mut s, &one, code, true);
        votes(&mut s, &two, code, true);
    }
    let kinds = [one, two].map(|id| vote("gz.psb", &id, true).into());
    let tx = s.world.sign("gz.psb/officer", kinds.to_vec());
    s.world.commit(vec![tx]);
    let from = s.world.height().get() + 2;
    assert_eq!(schedule(&s), [(0, 4), (from, 3)]);
    assert_eq!(validators_at(&s, from).total_power(), 6);
}
