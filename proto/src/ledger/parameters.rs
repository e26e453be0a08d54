//! The consortium's parameters, each once: its name, unit, default, bounds, and what it is. Founding sources, proposals,
//! what is shown of them and the page `docs/parameters.md` follow from the table.

use super::calendar::HOUR_MS;
use crate::types::{check_code, limits};
use crate::wire::{
    Fraction, IntegrityRule, IntegrityWeight, Manager, Parameters, Watch, WatchKind,
};
use std::ops::RangeInclusive;

/// How a parameter is held, and the unit of its numbers.
#[derive(Debug, Clone, Copy)]
pub enum Held {
    /// Working days.
    Days(fn(&mut Parameters) -> &mut u32),
    /// Ten-thousandths.
    TenThousandths(fn(&mut Parameters) -> &mut u32),
    /// Milliseconds.
    Milliseconds(fn(&mut Parameters) -> &mut u64),
    /// A count.
    Count(fn(&mut Parameters) -> &mut u64),
    /// Milliseconds, an entry for each of the four grades.
    MillisecondsByGrade(fn(&mut Parameters) -> &mut Vec<u64>),
    /// A part of the weight of all votes.
    Part(fn(&mut Parameters) -> &mut Option<Fraction>),
    /// The code of a department.
    Department(fn(&mut Parameters) -> &mut String),
    /// Codes, strictly ascending.
    Codes(fn(&mut Parameters) -> &mut Vec<String>),
    /// Managers of divisions, strictly ascending by division.
    Managers(fn(&mut Parameters) -> &mut Vec<Manager>),
    /// Points of integrity rules, strictly ascending by rule.
    Points(fn(&mut Parameters) -> &mut Vec<IntegrityWeight>),
    /// Watches, strictly ascending by kind.
    Watches(fn(&mut Parameters) -> &mut Vec<Watch>),
    /// A height that the ledger writes, whatever anybody says.
    ByLedger(fn(&mut Parameters) -> &mut u64),
}

/// A parameter.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name, the same everywhere.
    pub name: &'static str,
    /// How it is held.
    pub held: Held,
    /// What each of its numbers may be, in its unit. Parts, lists and what is held by kind have checks of their own.
    pub bounds: RangeInclusive<u64>,
    /// What it is: a sentence.
    pub about: &'static str,
}

macro_rules! parameters {
    ($($name:ident: $held:ident = $default:expr, $bounds:expr, $about:literal;)+) => {
        /// Every parameter, in the order in which people read them.
        pub const ALL: &[Parameter] = &[$(Parameter {
            name: stringify!($name),
            held: Held::$held(|it| &mut it.$name),
            bounds: $bounds,
            about: $about,
        }),+];

        /// Parameters with no lists and no lead, and every number at its default.
        pub fn defaults() -> Parameters {
            Parameters { $($name: $default),+ }
        }
    };
}

const NONE: RangeInclusive<u64> = 0..=0;
const ANY: RangeInclusive<u64> = 0..=u64::MAX;
const DAY_MS: u64 = 24 * HOUR_MS;
/// Times for something to be done, a year at most.
const GRACE: RangeInclusive<u64> = 1..=366 * DAY_MS;
const DAYS: RangeInclusive<u64> = 1..=limits::DEADLINE_DAYS as u64;
const CITABLE: RangeInclusive<u64> = limits::RECENT_AGE_LEAST_MS..=limits::RECENT_AGE_MOST_MS;

parameters! {
    lead: Department = String::new(), NONE, "The leading department (牵头部门).";
    ordinary: Part = Some(Fraction { numerator: 1, denominator: 2 }), ANY,
        "Of the weight of all votes an ordinary proposal needs more.";
    constitutional: Part = Some(Fraction { numerator: 2, denominator: 3 }), ANY,
        "Of the weight of all votes a constitutional proposal needs at least so much.";
    purposes: Codes = Vec::new(), NONE, "Purposes that data may be used for.";
    legal_bases: Codes = Vec::new(), NONE, "Legal bases of requests.";
    statutory_bases: Codes = Vec::new(), NONE,
        "Those legal bases that are statutory: they alone open what is not shared.";
    emergency_codes: Codes = Vec::new(), NONE, "Codes under which emergency access is opened.";
    emergency_duties: Codes = Vec::new(), NONE, "Duties of the officers who may open it.";
    sealing_authorities: Codes = Vec::new(), NONE, "Departments that may decide on sealing records.";
    decision_age_ms: MillisecondsByGrade = vec![HOUR_MS, HOUR_MS, 600_000, 120_000], 0..=7 * DAY_MS,
        "How old the state may be by which a gateway decides.";
    live_age_ms: Milliseconds = 300_000, 1..=DAY_MS, "A record is live up to this age.";
    late_age_ms: Milliseconds = 86_400_000, 1..=31 * DAY_MS,
        "A record is late up to this age, backfill beyond; not below live_age_ms.";
    future_drift_ms: Milliseconds = 10_000, 0..=HOUR_MS,
        "An access time further than this ahead of block time is flagged.";
    recent_block_age_ms: Milliseconds = HOUR_MS, CITABLE,
        "How old the block may be that a transaction cites.";
    confirm_days: Days = 1, DAYS, "For the manager to confirm a grant.";
    decide_days: Days = 10, DAYS,
        "For the collector to decide on a request, and for the lead on what is not shared.";
    answer_days: Days = 10, DAYS, "For the collector to answer after a supplement.";
    ratify_days: Days = 3, DAYS, "For ratifying emergency access.";
    objection_days: Days = 5, DAYS, "For objecting to new root keys.";
    reconfirm_days: Days = 20, DAYS, "For reconfirming grants whose parties coincide after a succession.";
    proposal_days: Days = 20, DAYS, "For voting on a proposal.";
    open_days: Days = 5, DAYS, "For opening what was sealed.";
    answer_case_days: Days = 10, DAYS, "For answering a case.";
    appeal_days: Days = 15, DAYS, "For appealing an integrity event.";
    rule_appeal_days: Days = 20, DAYS, "For ruling on an appeal; after that the event is final.";
    emergency_pause_days: Days = 5, DAYS,
        "Before a department opens emergency access again to a dataset to which it was refused.";
    lost_numbers: Count = 1_000, 0..=1_000_000_000,
        "Numbers that a collector may declare lost within 31 days; more are an integrity event.";
    outage_31_days_ms: Milliseconds = 72 * HOUR_MS, 0..=31 * DAY_MS,
        "How long a gateway may be declared out within 31 days; longer is an integrity event.";
    emergency_ms: Milliseconds = 72 * HOUR_MS, 1..=72 * HOUR_MS, "How long emergency access lasts at most.";
    seal_period_ms: Milliseconds = HOUR_MS, 60_000..=7 * DAY_MS, "The period that gateways seal.";
    seal_grace_ms: Milliseconds = HOUR_MS, 1..=31 * DAY_MS, "How long after its end the seal may come.";
    number_grace_ms: Milliseconds = 24 * HOUR_MS, GRACE, "For a number to be recorded or declared lost.";
    half_grace_ms: Milliseconds = 24 * HOUR_MS, GRACE,
        "For both halves of an access to be there; not below late_age_ms.";
    bulk_grace_ms: Milliseconds = 72 * HOUR_MS, GRACE, "For the tags of a bulk set to be there.";
    integrity_decay: TenThousandths = 9_962, 0..=10_000, "What is left of integrity points after a day.";
    managers: Managers = Vec::new(), NONE,
        "Who confirms grants, by division; the longest that fits decides.";
    integrity_weights: Points = weights(), 0..=limits::POINTS, "Points of integrity events, by rule.";
    watches: Watches = watches(), ANY, "What raises an alert (监测规则), by kind.";
    since_height: ByLedger = 0, ANY, "The block that set them; 0: genesis.";
}

/// What is watched for by default. Of hours there is no default: duties differ.
fn watches() -> Vec<Watch> {
    let watch = |kind: WatchKind, limit, window_ms| Watch {
        kind: kind as i32,
        limit,
        window_ms,
        schedule: None,
    };
    vec![
        watch(WatchKind::Burst, 6_000, 60_000),
        watch(WatchKind::RepeatedSubject, 5, 24 * HOUR_MS),
        watch(WatchKind::QuotaNearlyUsed, 80, 0),
        watch(WatchKind::UnpublishedChange, 0, 0),
        watch(WatchKind::SilentGateway, 0, 0),
        watch(WatchKind::NoGateway, 0, 7 * 24 * HOUR_MS),
        watch(WatchKind::FutureTime, 0, 0),
        watch(WatchKind::HalvesDiffer, 0, 0),
        watch(WatchKind::DatasetUnknown, 0, 0),
        watch(WatchKind::WouldBeDenied, 0, 0),
    ]
}

/// What integrity events weigh by default, in points.
fn weights() -> Vec<IntegrityWeight> {
    let weights = [
        (IntegrityRule::DeadlineMissed, 10),
        (IntegrityRule::Uncovered, 20),
        (IntegrityRule::QuotaExceeded, 10),
        (IntegrityRule::HalfMissing, 10),
        (IntegrityRule::SealMissing, 5),
        (IntegrityRule::SealFalse, 50),
        (IntegrityRule::NumbersMissing, 20),
        (IntegrityRule::TagsMissing, 10),
        (IntegrityRule::NotOpened, 50),
        (IntegrityRule::NotRatified, 20),
        (IntegrityRule::DoubleVote, 200),
        (IntegrityRule::CaseUpheld, 30),
        (IntegrityRule::CaseDismissed, 5),
        (IntegrityRule::Commended, 20),
        (IntegrityRule::LossesBeyond, 20),
        (IntegrityRule::OutageBeyond, 20),
    ];
    weights.map(|(rule, points)| IntegrityWeight { rule: rule as i32, points }).to_vec()
}

impl Held {
    /// The unit of its numbers, in words; empty where they have none.
    pub const fn unit(&self) -> &'static str {
        match self {
            Self::Days(_) => "working days",
            Self::TenThousandths(_) => "ten-thousandths",
            Self::Milliseconds(_) | Self::MillisecondsByGrade(_) => "ms",
            Self::Points(_) => "points",
            Self::Count(_)
            | Self::Part(_)
            | Self::Department(_)
            | Self::Codes(_)
            | Self::Managers(_)
            | Self::Watches(_)
            | Self::ByLedger(_) => "",
        }
    }
}

impl Parameter {
    /// Its bounds in words: `1 to 366 working days`.
    pub fn bounds_text(&self) -> String {
        let unit = self.held.unit();
        let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
        match (*self.bounds.start(), *self.bounds.end()) {
            (0, u64::MAX) => format!("any number of{unit}"),
            (least, u64::MAX) => format!("{least}{unit} at least"),
            (least, most) => format!("{least} to {most}{unit}"),
        }
    }

    /// Checks what is to be said of this one alone.
    fn check(&self, it: &mut Parameters) -> Result<(), String> {
        let name = self.name;
        let within = |numbers: &[u64]| match numbers.iter().all(|it| self.bounds.contains(it)) {
            true => Ok(()),
            false => Err(format!("{name} is {}", self.bounds_text())),
        };
        match self.held {
            Held::Days(at) | Held::TenThousandths(at) => within(&[u64::from(*at(it))]),
            Held::Milliseconds(at) | Held::Count(at) => within(&[*at(it)]),
            Held::MillisecondsByGrade(at) if at(it).len() == 4 => within(at(it)),
            Held::MillisecondsByGrade(_) => {
                Err(format!("{name} has one entry for each of four grades"))
            }
            Held::Part(at) if at(it).is_some_and(at_least_half) => Ok(()),
            Held::Part(_) => Err(format!("{name} is a fraction from one half to one")),
            Held::Codes(at) => codes(name, at(it)),
            Held::Points(at) => {
                let points: Vec<u64> = at(it).iter().map(|one| u64::from(one.points)).collect();
                within(&points)
            }
            Held::Managers(at) => listed(name, at(it).len()),
            // Who they are is the caller's to see; watches are checked with their kinds.
            Held::Department(_) | Held::Watches(_) | Held::ByLedger(_) => Ok(()),
        }
    }
}

fn at_least_half(it: Fraction) -> bool {
    let (numerator, denominator) = (u64::from(it.numerator), u64::from(it.denominator));
    numerator.saturating_mul(2) >= denominator && numerator <= denominator && numerator > 0
}

fn listed(name: &str, found: usize) -> Result<(), String> {
    match found <= limits::LISTED {
        true => Ok(()),
        false => Err(format!("{name} has {} entries at most", limits::LISTED)),
    }
}

fn codes(name: &str, list: &[String]) -> Result<(), String> {
    listed(name, list.len())?;
    if !list.iter().zip(list.iter().skip(1)).all(|(a, b)| a < b) {
        return Err(format!("the codes of {name} must be strictly ascending, each once"));
    }
    match list.iter().find(|code| check_code(code).is_err()) {
        Some(code) => Err(format!("{name}: `{code}` is not a code")),
        None => Ok(()),
    }
}

/// Says what is wrong with parameters; whether departments exist is the caller's to see.
pub fn check(it: &Parameters) -> Result<(), String> {
    let mut copy = it.clone();
    ALL.iter().try_for_each(|row| row.check(&mut copy))?;
    if !it.statutory_bases.iter().all(|code| it.legal_bases.contains(code)) {
        return Err("a statutory basis is not among the legal bases".into());
    }
    if it.late_age_ms < it.live_age_ms {
        return Err("late_age_ms is not below live_age_ms".into());
    }
    if it.half_grace_ms < it.late_age_ms {
        return Err("half_grace_ms is not below late_age_ms: late records have their halves".into());
    }
    managers(it)?;
    kinds(it)
}

/// What is watched for, and what integrity events weigh.
fn kinds(it: &Parameters) -> Result<(), String> {
    let ascending = |list: Vec<i32>| list.iter().zip(list.iter().skip(1)).all(|(a, b)| a < b);
    let kinds: Vec<i32> = it.watches.iter().map(|one| one.kind).collect();
    let rules: Vec<i32> = it.integrity_weights.iter().map(|one| one.rule).collect();
    let known = it.watches.iter().all(|one| one.kind() != WatchKind::Unspecified)
        && it.integrity_weights.iter().all(|one| one.rule() != IntegrityRule::Unspecified);
    if !known || !ascending(kinds) || !ascending(rules) {
        return Err("watches and integrity weights: of known kinds, ascending, each once".into());
    }
    if !it.watches.iter().all(is_watchable) {
        let why = "a watch lacks its limit, window or hours, or has more than can be watched";
        return Err(why.into());
    }
    Ok(())
}

fn is_watchable(it: &Watch) -> bool {
    let windowed = it.limit > 0 && (1..=366 * 24 * HOUR_MS).contains(&it.window_ms);
    match it.kind() {
        WatchKind::Burst => windowed && it.limit <= 1_000_000_000,
        WatchKind::RepeatedSubject => {
            windowed && it.limit < u64::try_from(limits::WATCHED_SUBJECTS).unwrap_or(0)
        }
        WatchKind::OutsideHours => it.schedule.is_some_and(|hours| {
            let length = hours.until_minute.saturating_sub(hours.from_minute);
            hours.from_minute < 1440 && (1..=1440).contains(&length) && hours.weekdays < 128
        }),
        WatchKind::QuotaNearlyUsed => (1..=100).contains(&it.limit),
        WatchKind::NoGateway => (1..=366 * 24 * HOUR_MS).contains(&it.window_ms),
        WatchKind::UnpublishedChange
        | WatchKind::SilentGateway
        | WatchKind::FutureTime
        | WatchKind::HalvesDiffer
        | WatchKind::DatasetUnknown
        | WatchKind::WouldBeDenied => true,
        WatchKind::Unspecified => false,
    }
}

fn managers(it: &Parameters) -> Result<(), String> {
    let ascending =
        it.managers.iter().zip(it.managers.iter().skip(1)).all(|(a, b)| a.division < b.division);
    let coded = it.managers.iter().all(|one| {
        let digits = one.division.bytes().all(|b| b.is_ascii_digit());
        let deputy = one.deputy.is_empty() || check_code(&one.deputy).is_ok();
        digits && check_code(&one.manager).is_ok() && deputy
    });
    if ascending && coded {
        Ok(())
    } else {
        Err("managers: divisions must be digits, strictly ascending, each with codes".into())
    }
}
