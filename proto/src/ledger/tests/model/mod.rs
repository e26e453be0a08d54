//! Random consortiums and random blocks, applied to the ledger and to a simple model written apart
//! from it: both must say the same of every transaction, and of all that stands after every block.
//!
//! Every kind of item is in the model. Left out of it: peers, days of use but through verdicts, limits of size but for a gateway's gaps and periods and the subjects remembered of an
//! officer, timers that wait for room, a read sealed twice, and which of several reasons against an item the
//! ledger meets first.

mod agree;
mod answered;
mod consortium;
mod dice;
mod gates;
mod invariants;
mod moves;
mod net;
mod simple;

use crate::event::{Outcome, Verdict, ledger::LedgerEvent};
use crate::header::founding::Founding;
use crate::items::access::tests::replay::{Tip, all_again};
use crate::items::kind_name;
use crate::ledger::{Delta, Halt, NotApplied};
use crate::tx::Tx;
use crate::wire::ledger_event::Kind as Told;
use crate::wire::{GrantKind, item::Kind};
use dice::Dice;
use gates::Gates;
use invariants::Causes;
use moves::Moves;
use net::{Logged, Net};
use proptest::prelude::*;
use simple::{Made, Simple};
use std::collections::BTreeMap;

/// How often what happened.
type Tally = BTreeMap<String, u64>;

fn note(tally: &mut Tally, what: impl Into<String>) {
    *tally.entry(what.into()).or_default() += 1;
}

/// A consortium, its model, and the log of its blocks.
struct Run {
    keyring: consortium::Keyring,
    net: Net,
    simple: Simple,
    log: Vec<Logged>,
    causes: Causes,
    gates: Gates,
    tally: Tally,
}

impl Run {
    /// Judges every record of the log again, from the tip.
    fn judged_again(&self) -> BTreeMap<String, u64> {
        let mut net = Net::new(self.net.founding.clone());
        let founded = net.tip.clone();
        let again = self.log.iter().map(|block| {
            let transactions = block.transactions.iter().map(|it| Tx::parse(it).unwrap());
            (net.replay(block), transactions.collect())
        });
        let blocks: Vec<_> = again.collect();
        let headers = self.log.iter().map(|it| &it.header);
        let tip = Tip::new(&self.net.objects, std::iter::once(&founded).chain(headers));
        all_again(&tip, &blocks)
    }

    fn founded(seed: u64) -> Self {
        let (document, keyring) = consortium::found(&mut Dice::new(seed));
        let founding = Founding::new(document).unwrap();
        let (simple, net) = (Simple::new(&founding), Net::new(founding));
        let mut gates = Gates::default();
        gates.see(&net);
        Self {
            keyring,
            simple,
            net,
            log: Vec::new(),
            causes: Causes::default(),
            gates,
            tally: Tally::new(),
        }
    }

    /// Lets time pass, long pauses mostly with a block behind them that holds nothing, and makes a
    /// block of one random transaction for each seed, but for those that are refused.
    fn block(&mut self, pause: u64, seeds: &[u64]) {
        let mut dice = Dice::new(pause);
        let pause = pause_ms(&mut dice);
        let mut time = self.net.tip.time.get() + pause;
        if pause > 1_800_000 && dice.percent(90) {
            self.one_block(time, &[]);
            time += 1000;
        }
        self.one_block(time, seeds);
    }

    fn one_block(&mut self, time: u64, seeds: &[u64]) {
        self.simple.begin(time);
        let mut draft = self.net.draft(time);
        let (mut transactions, mut made) = (Vec::new(), Vec::new());
        for seed in seeds {
            let dice = Dice::new(*seed);
            let (simple, net, keyring) = (&self.simple, &self.net, &mut self.keyring);
            let tx = Moves { dice, simple, net, keyring }.transaction(&draft);
            let found = draft.transaction(&tx);
            let expected = self.simple.take(&tx);
            note(&mut self.tally, if found.is_ok() { "accepted" } else { "refused" });
            match (found, expected) {
                (Ok(()), Ok(more)) => {
                    made.extend(more);
                    for item in tx.items() {
                        note(&mut self.tally, format!("done {}", kind_name(item.kind())));
                        whose(&self.simple, &mut self.tally, item.kind());
                    }
                    transactions.push(tx.raw().to_vec());
                }
                (Err(found), Err((item, why))) => {
                    let code = refused_alike(&tx, &found, item, &why);
                    note(&mut self.tally, format!("refused {code}"));
                }
                (found, expected) => {
                    let kinds: Vec<_> = tx.items().iter().map(|it| it.kind()).collect();
                    panic!("ledger: {found:?}, model: {expected:?}, of {kinds:?}")
                }
            }
        }
        let delta = draft.finish();
        self.same_events(&delta, &made);
        let events = delta.events.clone();
        let signed = events.iter().filter(|event| event.ledger.is_none());
        let outcomes: Vec<Outcome> = signed.map(|event| event.leaf.outcome).collect();
        self.gates.decided(&transactions, (&outcomes, time), &mut self.tally);
        self.net.commit(time, delta);
        self.gates.see(&self.net);
        self.simple.end(self.net.tip.block_id().to_vec());
        agree::agree(&self.net, &self.simple);
        answered::agree(&self.net, &self.simple);
        self.causes.unbroken(&self.net, &events, &transactions);
        invariants::hold(&self.net);
        self.log.push(Logged { header: self.net.tip.clone(), transactions });
        for seed in seeds {
            self.gate_decides(*seed);
        }
    }

    /// A gateway decided by a state of before, and its record comes now; nothing is left of it.
    fn gate_decides(&mut self, seed: u64) {
        let time = self.net.tip.time.get() + 1000;
        let mut draft = self.net.draft(time);
        let (simple, net, keyring) = (&self.simple, &self.net, &mut self.keyring);
        let mut moves = Moves { dice: Dice::new(seed), simple, net, keyring };
        let by = self.gates.heights();
        let Some((tx, record)) = moves.decided(&by, &draft) else { return };
        if draft.transaction(&tx).is_err() {
            note(&mut self.tally, "gate's record refused");
            return;
        }
        let delta = draft.finish();
        let mut signed = delta.events.iter().filter(|event| event.ledger.is_none());
        let outcome = signed.next().unwrap().leaf.outcome;
        self.gates.decided_one(tx.header(), &record, (outcome, time), &mut self.tally);
    }

    /// The verdicts are those of the model, and so are the events that the ledger made.
    fn same_events(&mut self, delta: &Delta, made: &[Made]) {
        let signed = delta.events.iter().filter(|event| event.ledger.is_none());
        let outcomes: Vec<Outcome> = signed.map(|event| event.leaf.outcome).collect();
        assert_eq!(outcomes.len(), made.len());
        for (outcome, made) in outcomes.iter().zip(made) {
            match made {
                Made::Done => assert_eq!(*outcome, Outcome::DONE),
                Made::Judged(it) => {
                    assert_eq!(outcome, it);
                    note(&mut self.tally, format!("record {}", outcome.verdict));
                    if outcome.verdict != Verdict::Covered {
                        note(&mut self.tally, format!("because {}", outcome.reason));
                    }
                }
            }
        }
        let parsed = delta.events.iter().filter_map(|event| event.ledger.as_ref());
        let parsed: Vec<_> = parsed.map(|bytes| LedgerEvent::parse(bytes).unwrap()).collect();
        let mut heard: Vec<String> = parsed.iter().map(agree::heard).collect();
        let mut told = self.simple.told.clone();
        heard.sort();
        told.sort();
        assert_eq!(heard, told, "events of the ledger's own");
        for event in &parsed {
            note(&mut self.tally, event.name());
            match event.kind() {
                Told::ProposalEnded(it) => {
                    note(&mut self.tally, format!("proposal {:?}", it.end()));
                }
                Told::IntegrityRaised(it) => {
                    note(&mut self.tally, format!("integrity {:?}", it.rule()));
                }
                Told::IntegritySettled(it) => {
                    note(&mut self.tally, format!("settled {:?}", it.end()));
                }
                Told::AlertRaised(it) => note(&mut self.tally, format!("alert {:?}", it.watch())),
                _ => {}
            }
        }
    }

    /// The same blocks give the same roots elsewhere, and on a ledger read back from bytes at any
    /// height.
    fn rebuilds(&self, from: u64) {
        let mut other = Net::new(self.net.founding.clone());
        for (number, block) in (0u64..).zip(&self.log) {
            if number == from {
                other = other.reloaded();
            }
            other.replay(block);
        }
        assert_eq!(other.reloaded().trie.root(), self.net.trie.root());
        assert_eq!(other.objects, self.net.objects);
    }
}

/// Counts whose grants a record names: of each kind its own and others', and those that it may name by a succession.
fn whose(simple: &Simple, tally: &mut Tally, kind: &Kind) {
    let Kind::RecordAccess(it) = kind else { return };
    for access in &it.accesses {
        let Some(grant) = simple.grant(&access.request_id) else { continue };
        let own = simple.is_own(it, access);
        let whose = if own { "its own" } else { "another's" };
        let what = format!("record names {whose} {:?}", grant.kind);
        let asker = it.asker.as_ref().map_or("", |it| it.department.as_str());
        let party = grant.class.is_none() && grant.kind != GrantKind::Internal;
        let followed = own && (it.collector != grant.collector || party && asker != grant.user);
        note(tally, what);
        if followed {
            note(tally, "record names its own by succession");
        }
    }
}

/// Both refuse the same item, and the ledger for a reason that the model knows; gives its code.
fn refused_alike(
    tx: &Tx,
    found: &NotApplied,
    item: Option<u32>,
    why: &[&'static str],
) -> &'static str {
    let Halt::Refused(refusal) = &found.why else { panic!("{found}") };
    let code = refusal.code();
    if found.item != item || !why.contains(&code) {
        let kinds: Vec<_> = tx.items().iter().map(|it| it.kind()).collect();
        panic!("ledger: {code} {found}, model: item {item:?} {why:?}, of {kinds:?}");
    }
    code
}

/// From seconds to weeks.
fn pause_ms(dice: &mut Dice) -> u64 {
    const MINUTE: u64 = 60_000;
    match dice.below(100) {
        0..70 => dice.between(1, MINUTE),
        70..82 => dice.between(1, 59) * MINUTE,
        82..94 => dice.between(1, 30) * 60 * MINUTE,
        94..98 => dice.between(1, 4) * 24 * 60 * MINUTE,
        _ => dice.between(7, 21) * 24 * 60 * MINUTE,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_ledger_is_as_its_model_says(
        consortium in any::<u64>(),
        blocks in prop::collection::vec(
            (any::<u64>(), prop::collection::vec(any::<u64>(), 0..8)), 0..40),
    ) {
        let mut run = Run::founded(consortium);
        for (pause, seeds) in &blocks {
            run.block(*pause, seeds);
        }
        run.rebuilds(consortium % (run.log.len() as u64 + 1));
    }
}

/// What a long run must reach, and how often at least; each kind of item must be accepted too.
const REACHED: [(&str, u64); 49] = [
    ("judged again: covered", 200),
    ("judged again: uncovered", 800),
    ("accepted", 9100),
    ("refused", 8300),
    ("grant Unspecified at depth 0", 290),
    ("grant Delegated at depth 1", 160),
    ("grant Delegated at depth 2", 40),
    ("grant Standing at depth 0", 85),
    ("grant Emergency at depth 0", 45),
    ("grant Internal at depth 0", 140),
    ("DeadlineMissed", 550),
    ("GrantEnded", 620),
    ("EmergencyNotRatified", 50),
    ("CollectorTold", 230),
    ("DepartmentChanged", 15),
    ("DepartmentSucceeded", 55),
    ("MemberChanged", 45),
    ("RootReplaced", 25),
    ("CalendarMissing", 2),
    ("proposal Enacted", 60),
    ("proposal Expired", 110),
    ("proposal Failed", 6),
    ("done ReconfirmGrant", 3),
    ("record covered", 190),
    ("record uncovered", 960),
    ("record undetermined", 100),
    ("record internal", 160),
    ("record emergency", 25),
    ("record denied", 70),
    ("because ancestor_ended", 17),
    ("because identity_not_in_force", 60),
    ("because decision_too_old", 30),
    ("because not_yet_granted", 75),
    ("because dataset_unknown", 200),
    ("because rows_unknown", 10),
    ("because grant_unknown", 40),
    ("because not_reconfirmed", 16),
    ("because outside_period", 90),
    ("because quota_exceeded", 75),
    ("because grant_suspended", 7),
    ("because grant_revoked", 18),
    ("because same_body", 10),
    ("refused body.same", 980),
    ("refused key.not_in_force", 1400),
    ("refused terms.widen", 80),
    ("refused department.not_beneath", 60),
    ("refused manager.other", 20),
    ("refused standing.stopped_above", 13),
    ("refused root.threshold", 9),
];

/// The same, of what answers for accesses.
const ANSWERED: [(&str, u64); 80] = [
    ("IntegrityRaised", 2900),
    ("IntegritySettled", 2500),
    ("AlertRaised", 1700),
    ("RecordsCorrected", 120),
    ("RecordCorrected", 220),
    ("ProductMarked", 90),
    ("settled Final", 2400),
    ("settled Dismissed", 70),
    ("integrity DeadlineMissed", 670),
    ("integrity Uncovered", 780),
    ("integrity QuotaExceeded", 70),
    ("integrity HalfMissing", 430),
    ("integrity SealMissing", 440),
    ("integrity SealFalse", 55),
    ("integrity NumbersMissing", 110),
    ("integrity TagsMissing", 100),
    ("integrity NotOpened", 30),
    ("integrity NotRatified", 50),
    ("integrity DoubleVote", 30),
    ("integrity CaseUpheld", 55),
    ("integrity CaseDismissed", 50),
    ("integrity Commended", 60),
    ("integrity LossesBeyond", 20),
    ("integrity OutageBeyond", 20),
    ("case Lapsed", 10),
    ("record names its own Delegated", 1),
    ("record names its own Standing", 1),
    ("record names its own Internal", 1),
    ("record names its own by succession", 1),
    ("record names another's Delegated", 1),
    ("record names another's Standing", 1),
    ("record names another's Internal", 1),
    ("refused emergency.refused", 5),
    ("repeated Uncovered", 70),
    ("repeated QuotaExceeded", 7),
    ("repeated HalfMissing", 85),
    ("repeated SealMissing", 420),
    ("repeated SealFalse", 4),
    ("repeated DeadlineMissed", 11),
    ("alert Burst", 18),
    ("alert RepeatedSubject", 15),
    ("alert OutsideHours", 240),
    ("alert QuotaNearlyUsed", 80),
    ("alert UnpublishedChange", 30),
    ("alert SilentGateway", 1000),
    ("alert NoGateway", 200),
    ("alert FutureTime", 40),
    ("alert HalvesDiffer", 35),
    ("alert DatasetUnknown", 100),
    ("alert WouldBeDenied", 20),
    ("refused observing.begun", 3),
    ("refused observing.too_long", 1),
    ("refused gateway.not_serving", 1),
    ("gate allows, covered", 6000),
    ("gate denies, not covered", 20_000),
    ("gate allows, then quota_exceeded", 40),
    ("statement goes on", 20),
    ("alert is Acknowledged", 110),
    ("alert is Closed", 130),
    ("case Upheld", 120),
    ("case Dismissed", 110),
    ("correction Agreed", 110),
    ("correction Declined", 35),
    ("correction Ruled", 18),
    ("product Released", 17),
    ("product Recalled", 50),
    ("product Refused", 13),
    ("bulk set complete", 85),
    ("refused access_no.taken", 240),
    ("refused access_no.not_recorded", 20),
    ("refused seal.sequence", 50),
    ("refused seal.period", 220),
    ("refused bulk.root", 20),
    ("refused sealing.not_sealed", 19),
    ("refused integrity.not_provisional", 16),
    ("refused case.state", 30),
    ("refused product.marked", 80),
    ("refused case.not_concerned", 8),
    ("refused identity.other_department", 240),
    ("refused sealing.too_long", 6),
];

/// What became of all that answers for accesses.
fn ends(simple: &Simple, tally: &mut Tally) {
    let it = simple.answers();
    for one in &it.cases {
        note(tally, format!("case {:?}", one.state));
    }
    *tally.entry("statement goes on".to_owned()).or_default() += simple.went_on;
    for one in &it.corrections {
        note(tally, format!("correction {:?}", one.end));
    }
    for one in &it.products {
        note(tally, format!("product {:?}", one.state));
    }
    for one in &it.bulk_sets {
        note(tally, if one.is_complete() { "bulk set complete" } else { "bulk set lacking" });
    }
    for one in &it.alerts {
        note(tally, format!("alert is {:?}", one.state));
    }
    for one in it.events.iter().filter(|one| one.count > 1) {
        note(tally, format!("repeated {:?}", one.rule));
    }
}

/// The draws reach what the property speaks of; else it would say nothing.
#[test]
fn a_long_run_reaches_what_the_property_speaks_of() {
    let mut dice = Dice::new(20_260_216);
    let mut tally = Tally::new();
    for _ in 0..20 {
        let mut run = Run::founded(dice.next());
        for _ in 0..250 {
            let seeds: Vec<u64> = (0..15).map(|_| dice.next()).collect();
            run.block(dice.next(), &seeds);
        }
        run.rebuilds(dice.below(250));
        for (what, count) in run.judged_again() {
            *tally.entry(what).or_default() += count;
        }
        for grant in &run.simple.grants {
            let depth = run.simple.ancestry(&grant.id).len() - 1;
            note(&mut tally, format!("grant {:?} at depth {depth}", grant.kind));
        }
        ends(&run.simple, &mut tally);
        for (what, count) in run.tally {
            *tally.entry(what).or_default() += count;
        }
    }
    let kinds = tally.keys().filter(|what| what.starts_with("done ")).count();
    assert_eq!(kinds, crate::items::table::ALL.len(), "{tally:#?}");
    let short = REACHED.into_iter().chain(ANSWERED).filter_map(|(what, least)| {
        let reached = tally.get(what).copied().unwrap_or(0);
        (reached < least).then(|| format!("{what}: {reached} of {least}"))
    });
    let short: Vec<String> = short.collect();
    assert!(short.is_empty(), "{short:#?} in {tally:#?}");
}
