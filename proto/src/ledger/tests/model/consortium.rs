//! Random consortiums: departments of three levels, bodies that some share, roots, voters, managers.

use super::dice::Dice;
use crate::header::validators::tests::wire_of;
use crate::ledger::tests::items::{HOUR, T0};
use crate::ledger::{intervals, parameters};
use crate::suite::sign::PrivateKey;
use crate::types::identity_id;
use crate::wire::{self, IdentityKind, Right, WatchKind};
use std::collections::BTreeMap;

use Right::{Audit, Collect, Manage, Regulate, Use};

pub(super) const PURPOSES: [&str; 2] = ["pension", "rescue"];
pub(super) const LEGAL_BASES: [&str; 2] = ["civil-law", "security-law"];
pub(super) const STATUTORY: &str = "security-law";
pub(super) const DUTY: &str = "duty-officer";
pub(super) const EMERGENCY: &str = "flood";

/// Everybody's secret keys, those that never came on the ledger included.
#[derive(Debug, Clone, Default)]
pub(super) struct Keyring {
    keys: BTreeMap<Vec<u8>, PrivateKey>,
    /// Salts and records by what gateways committed to.
    pub(super) sealed: BTreeMap<Vec<u8>, (Vec<u8>, wire::RecordAccess)>,
    /// Reads by the root of the batch in which a node sealed them.
    pub(super) batches: BTreeMap<Vec<u8>, Vec<wire::TrailRead>>,
}

impl Keyring {
    /// A key that nobody has.
    pub(super) fn fresh(&mut self) -> PrivateKey {
        let seed = blake3::hash(&self.keys.len().to_be_bytes());
        let key = PrivateKey::from_seed(seed.as_bytes());
        self.keys.insert(key.public().key_id().to_vec(), key.clone());
        key
    }

    pub(super) fn get(&self, id: &[u8]) -> &PrivateKey {
        &self.keys[id]
    }

    /// So many fresh keys, as items take them.
    pub(super) fn fresh_list(&mut self, count: u64) -> Vec<wire::NewKey> {
        let mut keys: Vec<_> = (0..count).map(|_| new_key(&self.fresh())).collect();
        keys.sort_by(|a, b| a.public_key.cmp(&b.public_key));
        keys
    }
}

pub(super) fn new_key(key: &PrivateKey) -> wire::NewKey {
    wire::NewKey {
        algorithm: wire::Algorithm::Ed25519 as i32,
        public_key: key.public().as_bytes().to_vec(),
    }
}

/// Those at the top: code, body, rights.
const TOP: [(&str, &str, &[Right]); 7] = [
    ("p.aud", "aud", &[Audit, Regulate]),
    ("p.bdb", "bdb", &[Manage]),
    ("p.bds", "bdb", &[Use]),
    ("p.hrm", "hrss", &[Manage]),
    ("p.hrss", "hrss", &[Collect, Use]),
    ("p.psb", "psb", &[Collect, Use]),
    ("p.tax", "tax", &[Use]),
];

const NODES: [&str; 4] = ["p.bdb", "p.hrss", "p.psb", "p.tax"];

/// A founding document, and the keys of all in it.
pub(super) fn found(dice: &mut Dice) -> (wire::Genesis, Keyring) {
    let mut departments: Vec<wire::Department> = TOP
        .iter()
        .map(|(code, body, rights)| {
            department(code, 1, "52", "", if dice.percent(10) { "bdb" } else { body }, rights)
        })
        .collect();
    let cities = dice.between(3, 5);
    let counties = dice.between(2, 4);
    for number in 0..cities {
        below(dice, &mut departments, 2, &format!("city{number}"));
    }
    for number in 0..counties {
        below(dice, &mut departments, 3, &format!("county{number}"));
    }
    departments.sort_by(|a, b| a.code.cmp(&b.code));
    let mut made = Made::default();
    for it in &departments {
        people(dice, &mut made, it);
    }
    let mut document = wire::Genesis {
        name: "dev-model".into(),
        protocol: 1,
        suite: 1,
        time_ms: T0,
        identities: made.identities,
        keys: made.keys,
        validators: made.validators,
        peers: Vec::new(),
        parameters: Some(settings(dice, &departments)),
        voters: voters(dice),
        calendars: if dice.percent(60) { vec![calendar()] } else { Vec::new() },
        departments,
    };
    document.identities.sort_by(|a, b| a.identity_id.cmp(&b.identity_id));
    document.keys.sort_by(|a, b| a.key_id.cmp(&b.key_id));
    document.validators.sort_by(|a, b| a.key_id.cmp(&b.key_id));
    (document, made.keyring)
}

fn department(
    code: &str,
    level: u32,
    division: &str,
    parent: &str,
    body: &str,
    rights: &[Right],
) -> wire::Department {
    wire::Department {
        code: code.into(),
        name_en: code.into(),
        level,
        division: division.into(),
        parent: parent.into(),
        body: body.into(),
        rights: rights.iter().map(|right| *right as i32).collect(),
        standing: intervals::from_genesis(),
        ..Default::default()
    }
}

/// A department under one of the level above, guided by any of those.
fn below(dice: &mut Dice, all: &mut Vec<wire::Department>, level: u32, code: &str) {
    let above: Vec<_> = all.iter().filter(|it| it.level == level - 1).cloned().collect();
    let parent = dice.pick(&above);
    let guide = dice.pick(&above).code.clone();
    let division = format!("{}0{}", parent.division, dice.between(1, 2));
    // Mostly a body of its own; else it shares one.
    let body = if dice.percent(75) { code.to_owned() } else { dice.pick(all).body.clone() };
    let rights: &[&[Right]] = &[&[Use], &[Use], &[Collect, Use], &[Manage], &[Use, Manage]];
    let rights = dice.pick(rights);
    let mut it = department(code, level, &division, &parent.code, &body, rights);
    if dice.percent(60) {
        it.guide = guide;
    }
    all.push(it);
}

#[derive(Default)]
struct Made {
    keyring: Keyring,
    identities: Vec<wire::Identity>,
    keys: Vec<wire::Key>,
    validators: Vec<wire::Validator>,
}

impl Made {
    fn identity(&mut self, of: &str, code: &str, kind: IdentityKind, keys: u64, duty: &str) {
        let keys: Vec<PrivateKey> = (0..keys).map(|_| self.keyring.fresh()).collect();
        let id = identity_id(&keys[0].public().key_id()).to_vec();
        self.keys.extend(keys.iter().map(|key| wire::Key {
            key_id: key.public().key_id().to_vec(),
            algorithm: wire::Algorithm::Ed25519 as i32,
            public_key: key.public().as_bytes().to_vec(),
            identity_id: id.clone(),
            department: of.into(),
            standing: intervals::from_genesis(),
        }));
        if kind == IdentityKind::Node {
            self.validators.push(wire_of(&keys[0]));
        }
        self.identities.push(wire::Identity {
            identity_id: id,
            department: of.into(),
            code: code.into(),
            kind: kind as i32,
            standing: intervals::from_genesis(),
            duty: duty.into(),
            threshold: if keys.len() > 1 { 2 } else { 1 },
            ..Default::default()
        });
    }
}

fn people(dice: &mut Dice, made: &mut Made, it: &wire::Department) {
    let may = |right: Right| it.rights.contains(&(right as i32));
    if dice.percent(90) {
        let keys = if dice.percent(60) { 1 } else { 3 };
        made.identity(&it.code, "root", IdentityKind::Root, keys, "");
    }
    let duty = if dice.percent(50) { DUTY } else { "" };
    made.identity(&it.code, "officer", IdentityKind::Officer, 1, duty);
    if may(Collect) {
        made.identity(&it.code, "gateway", IdentityKind::System, 1, "");
    }
    if may(Use) {
        made.identity(&it.code, "app", IdentityKind::System, 1, "");
    }
    if NODES.contains(&it.code.as_str()) {
        made.identity(&it.code, "node", IdentityKind::Node, 1, "");
    }
}

fn voters(dice: &mut Dice) -> Vec<wire::Voter> {
    let voter = |department: &str, weight| wire::Voter {
        department: department.into(),
        weight,
        suspended: false,
    };
    let mut voters = vec![voter("p.bdb", dice.between(1, 3))];
    for code in ["p.hrss", "p.psb", "p.tax"] {
        if dice.percent(70) {
            voters.push(voter(code, dice.between(1, 2)));
        }
    }
    voters
}

fn settings(dice: &mut Dice, departments: &[wire::Department]) -> wire::Parameters {
    let manager = |division: &str, manager: &str, deputy: &str| wire::Manager {
        division: division.into(),
        manager: manager.into(),
        deputy: deputy.into(),
    };
    let mut managers = Vec::new();
    if dice.percent(85) {
        managers.push(manager("52", "p.bdb", if dice.percent(70) { "p.hrm" } else { "" }));
        let manages = |it: &&wire::Department| it.level > 1 && it.rights.contains(&(Manage as i32));
        if let Some(it) = departments.iter().find(manages).filter(|_| dice.percent(50)) {
            managers.push(manager("5201", &it.code, "p.bdb"));
        }
    }
    let days = |dice: &mut Dice, most| u32::try_from(dice.between(1, most)).unwrap();
    wire::Parameters {
        purposes: PURPOSES.map(Into::into).to_vec(),
        legal_bases: LEGAL_BASES.map(Into::into).to_vec(),
        statutory_bases: vec![STATUTORY.into()],
        emergency_codes: vec![EMERGENCY.into()],
        emergency_duties: vec![DUTY.into()],
        decision_age_ms: vec![HOUR, 1_800_000, 600_000, 120_000],
        late_age_ms: 24 * HOUR,
        future_drift_ms: 5_000,
        lead: "p.bdb".into(),
        managers,
        confirm_days: days(dice, 2),
        decide_days: days(dice, 5),
        answer_days: days(dice, 4),
        ratify_days: days(dice, 3),
        objection_days: days(dice, 3),
        reconfirm_days: days(dice, 10),
        proposal_days: days(dice, 6),
        half_grace_ms: dice.between(24, 48) * HOUR,
        number_grace_ms: dice.between(1, 24) * HOUR,
        bulk_grace_ms: dice.between(1, 48) * HOUR,
        open_days: days(dice, 3),
        answer_case_days: days(dice, 4),
        appeal_days: days(dice, 8),
        sealing_authorities: vec!["p.aud".into(), "p.psb".into()],
        watches: watches(dice),
        rule_appeal_days: 4 + days(dice, 30),
        emergency_pause_days: days(dice, 40),
        lost_numbers: dice.between(0, 5),
        outage_31_days_ms: dice.between(1, 90) * HOUR,
        ..parameters::defaults()
    }
}

/// Low limits, that they are reached.
fn watches(dice: &mut Dice) -> Vec<wire::Watch> {
    let watch = |kind: WatchKind, limit, window_ms| wire::Watch {
        kind: kind as i32,
        limit,
        window_ms,
        schedule: None,
    };
    let hours = wire::Schedule { from_minute: 480, until_minute: 1200, weekdays: 31 };
    let all = vec![
        watch(WatchKind::Burst, dice.between(2, 4), 20 * 60_000),
        watch(WatchKind::RepeatedSubject, dice.between(1, 2), 120 * HOUR),
        wire::Watch { schedule: Some(hours), ..watch(WatchKind::OutsideHours, 0, 0) },
        watch(WatchKind::QuotaNearlyUsed, *dice.pick(&[50, 75, 80, 100]), 0),
        watch(WatchKind::UnpublishedChange, 0, 0),
        watch(WatchKind::SilentGateway, 0, 0),
        watch(WatchKind::NoGateway, 0, dice.between(1, 72) * HOUR),
        watch(WatchKind::FutureTime, 0, 0),
        watch(WatchKind::HalvesDiffer, 0, 0),
        watch(WatchKind::DatasetUnknown, 0, 0),
        watch(WatchKind::WouldBeDenied, 0, 0),
    ];
    dice.some(&all, 90)
}

/// Of 2026, the first of whose days is a Thursday.
fn calendar() -> wire::Calendar {
    let is_weekend = |day: &u32| (day + 2) % 7 > 4;
    wire::Calendar {
        year: 2026,
        holidays: (48..56).filter(|day| !is_weekend(day)).collect(),
        make_up_days: (56..70).filter(is_weekend).step_by(3).collect(),
        missing: false,
    }
}
