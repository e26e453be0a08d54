//! The consortium that every world begins with: departments, people, validators, parameters.

use super::items::{HOUR, LEGAL_BASIS, PURPOSE, T0};
use crate::header::validators::tests::wire_of;
use crate::ledger::intervals;
use crate::suite::sign::PrivateKey;
use crate::types::identity_id;
use crate::wire::{self, IdentityKind, Right};

use Right::{Audit, Collect, Manage, Regulate, Use};

/// Code, body, rights. Of three bodies there are two departments or more, so that each pair of
/// parties can be tried within one body.
const PROVINCE: [(&str, &str, &[Right]); 10] = [
    ("gz.aud", "aud", &[Audit]),
    ("gz.bdb", "bdb", &[Manage]),
    ("gz.bds", "bdb", &[Use]),
    ("gz.hrm", "hrss", &[Manage]),
    ("gz.hrss", "hrss", &[Collect, Use]),
    ("gz.psb", "psb", &[Collect]),
    ("gz.psm", "psb", &[Manage]),
    ("gz.psu", "psb", &[Use]),
    ("gz.reg", "reg", &[Regulate]),
    ("gz.tax", "tax", &[Use]),
];

/// Code, level, division, parent, guide, rights; each is a body of its own.
type Lower = (&'static str, u32, &'static str, &'static str, &'static str, &'static [Right]);

const BENEATH: [Lower; 3] = [
    ("gy.gov", 2, "5201", "gz.bdb", "", &[Use, Manage]),
    ("gy.hrss", 2, "5201", "gy.gov", "gz.hrss", &[Use]),
    ("gy.yy.hrss", 3, "520103", "gy.hrss", "", &[Use]),
];

const NODES: [&str; 4] = ["gz.bdb", "gz.hrss", "gz.psb", "gz.tax"];

/// Who is founded besides an officer of each department and the nodes.
const OTHERS: [(&str, IdentityKind); 11] = [
    ("gy.gov/root", IdentityKind::Root),
    ("gy.hrss/root", IdentityKind::Root),
    ("gz.aud/auditor", IdentityKind::Auditor),
    ("gz.hrss/app", IdentityKind::System),
    ("gz.hrss/desk", IdentityKind::Officer),
    ("gz.hrss/gateway", IdentityKind::System),
    ("gz.hrss/root", IdentityKind::Root),
    ("gz.psb/gateway", IdentityKind::System),
    ("gz.psb/root", IdentityKind::Root),
    ("gz.reg/regulator", IdentityKind::Regulator),
    ("gz.tax/app", IdentityKind::System),
];

/// Further keys, and whose they are: of this root two of three keys must sign.
pub(crate) const MORE_KEYS: [(&str, &str); 2] =
    [("gy.gov/root-b", "gy.gov/root"), ("gy.gov/root-c", "gy.gov/root")];

pub(crate) const EMERGENCY_DUTY: &str = "emergency-desk";
pub(crate) const EMERGENCY_CODE: &str = "flood";
pub(crate) const STATUTE: &str = "criminal-procedure-law";

pub(crate) fn seeded(name: &str) -> PrivateKey {
    PrivateKey::from_seed(blake3::hash(name.as_bytes()).as_bytes())
}

pub(crate) fn people() -> Vec<(String, IdentityKind)> {
    let codes = BENEATH.map(|(code, ..)| code).into_iter().chain(PROVINCE.map(|(code, ..)| code));
    let officers = codes.map(|code| (format!("{code}/officer"), IdentityKind::Officer));
    let others = OTHERS.map(|(name, kind)| (name.to_owned(), kind));
    let nodes = NODES.map(|code| (format!("{code}/node"), IdentityKind::Node));
    officers.chain(others).chain(nodes).collect()
}

fn department(code: &str, body: &str, rights: &[Right]) -> wire::Department {
    wire::Department {
        code: code.into(),
        name_en: code.into(),
        level: 1,
        division: "52".into(),
        body: body.into(),
        rights: rights.iter().map(|right| *right as i32).collect(),
        standing: intervals::from_genesis(),
        ..Default::default()
    }
}

fn beneath() -> impl Iterator<Item = wire::Department> {
    BENEATH.into_iter().map(|(code, level, division, parent, guide, rights)| wire::Department {
        level,
        division: division.into(),
        parent: parent.into(),
        guide: guide.into(),
        ..department(code, code, rights)
    })
}

fn identity(name: &str, kind: IdentityKind) -> wire::Identity {
    let (department, code) = name.split_once('/').unwrap();
    let keys = 1 + MORE_KEYS.iter().filter(|(_, of)| *of == name).count();
    wire::Identity {
        identity_id: identity_id(&seeded(name).public().key_id()).to_vec(),
        department: department.into(),
        code: code.into(),
        kind: kind as i32,
        standing: intervals::from_genesis(),
        duty: if code == "desk" { EMERGENCY_DUTY.into() } else { String::new() },
        threshold: if keys > 1 { 2 } else { 1 },
        ..wire::Identity::default()
    }
}

fn key(name: &str, of: &str) -> wire::Key {
    let public = seeded(name).public();
    wire::Key {
        key_id: public.key_id().to_vec(),
        algorithm: wire::Algorithm::Ed25519 as i32,
        public_key: public.as_bytes().to_vec(),
        identity_id: identity_id(&seeded(of).public().key_id()).to_vec(),
        department: name.split_once('/').unwrap().0.into(),
        standing: intervals::from_genesis(),
    }
}

/// The founding document, under a name.
pub(crate) fn genesis(name: &str) -> wire::Genesis {
    let mut identities: Vec<_> =
        people().iter().map(|(name, kind)| identity(name, *kind)).collect();
    let first = people().into_iter().map(|(name, _)| key(&name, &name));
    let mut keys: Vec<_> = first.chain(MORE_KEYS.map(|(name, of)| key(name, of))).collect();
    let province = PROVINCE.iter().map(|(code, body, rights)| department(code, body, rights));
    identities.sort_by(|a, b| a.identity_id.cmp(&b.identity_id));
    keys.sort_by(|a, b| a.key_id.cmp(&b.key_id));
    wire::Genesis {
        name: name.into(),
        protocol: 1,
        suite: 1,
        time_ms: T0,
        departments: beneath().chain(province).collect(),
        identities,
        keys,
        validators: validator_keys().iter().map(wire_of).collect(),
        peers: Vec::new(),
        parameters: Some(parameters()),
        voters: NODES
            .iter()
            .map(|code| wire::Voter { department: (*code).into(), weight: 1, suspended: false })
            .collect(),
        calendars: Vec::new(),
    }
}

pub(crate) fn validator_keys() -> Vec<PrivateKey> {
    let mut keys = NODES.map(|code| seeded(&format!("{code}/node")));
    keys.sort_by_key(|key| key.public().key_id());
    keys.into()
}

fn parameters() -> wire::Parameters {
    wire::Parameters {
        purposes: vec!["audit".into(), PURPOSE.into()],
        legal_bases: vec![STATUTE.into(), LEGAL_BASIS.into()],
        statutory_bases: vec![STATUTE.into()],
        emergency_codes: vec![EMERGENCY_CODE.into()],
        emergency_duties: vec![EMERGENCY_DUTY.into()],
        decision_age_ms: vec![HOUR, 600_000, 60_000, 10_000],
        live_age_ms: 30_000,
        late_age_ms: 24 * HOUR,
        future_drift_ms: 5_000,
        recent_block_age_ms: HOUR,
        lead: "gz.bdb".into(),
        ..crate::ledger::parameters::defaults()
    }
}
