//! The consortium that every world begins with: departments, people, validators, parameters.

use super::items::{HOUR, LEGAL_BASIS, PURPOSE, T0};
use crate::ledger::intervals;
use crate::sign::PrivateKey;
use crate::types::identity_id;
use crate::validators::tests::wire_of;
use crate::wire::{self, IdentityKind, Right};

use Right::{Audit, Collect, Manage, Use};

/// Code, body, rights. Of three bodies there are two departments or more, so that each pair of
/// parties can be tried within one body.
const DEPARTMENTS: [(&str, &str, &[Right]); 9] = [
    ("gz.aud", "aud", &[Audit]),
    ("gz.bdb", "bdb", &[Manage]),
    ("gz.bds", "bdb", &[Use]),
    ("gz.hrm", "hrss", &[Manage]),
    ("gz.hrss", "hrss", &[Collect, Use]),
    ("gz.psb", "psb", &[Collect]),
    ("gz.psm", "psb", &[Manage]),
    ("gz.psu", "psb", &[Use]),
    ("gz.tax", "tax", &[Use]),
];

const NODES: [&str; 4] = ["gz.bdb", "gz.hrss", "gz.psb", "gz.tax"];

/// Who is founded besides an officer of each department and the nodes.
const SYSTEMS: [&str; 4] = ["gz.hrss/app", "gz.hrss/gateway", "gz.psb/gateway", "gz.tax/app"];

pub(super) fn seeded(name: &str) -> PrivateKey {
    PrivateKey::from_seed(blake3::hash(name.as_bytes()).as_bytes())
}

pub(super) fn people() -> Vec<(String, IdentityKind)> {
    let officers = DEPARTMENTS.map(|(code, ..)| (format!("{code}/officer"), IdentityKind::Officer));
    let systems = SYSTEMS.map(|name| (name.to_owned(), IdentityKind::System));
    let nodes = NODES.map(|code| (format!("{code}/node"), IdentityKind::Node));
    officers.into_iter().chain(systems).chain(nodes).collect()
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

fn identity(name: &str, kind: IdentityKind) -> (wire::Identity, wire::Key) {
    let (department, code) = name.split_once('/').unwrap();
    let public = seeded(name).public();
    let id = identity_id(&public.key_id());
    let key = wire::Key {
        key_id: public.key_id().to_vec(),
        algorithm: wire::Algorithm::Ed25519 as i32,
        public_key: public.as_bytes().to_vec(),
        identity_id: id.to_vec(),
        department: department.into(),
        standing: intervals::from_genesis(),
    };
    let identity = wire::Identity {
        identity_id: id.to_vec(),
        department: department.into(),
        code: code.into(),
        kind: kind as i32,
        standing: intervals::from_genesis(),
    };
    (identity, key)
}

/// The founding document, under a name.
pub(crate) fn genesis(name: &str) -> wire::Genesis {
    let (mut identities, mut keys): (Vec<_>, Vec<_>) =
        people().iter().map(|(name, kind)| identity(name, *kind)).unzip();
    identities.sort_by(|a, b| a.identity_id.cmp(&b.identity_id));
    keys.sort_by(|a, b| a.key_id.cmp(&b.key_id));
    wire::Genesis {
        name: name.into(),
        protocol: 1,
        suite: 1,
        time_ms: T0,
        departments: DEPARTMENTS.map(|(code, body, rights)| department(code, body, rights)).into(),
        identities,
        keys,
        validators: validator_keys().iter().map(wire_of).collect(),
        peers: Vec::new(),
        parameters: Some(parameters()),
    }
}

pub(super) fn validator_keys() -> Vec<PrivateKey> {
    let mut keys = NODES.map(|code| seeded(&format!("{code}/node")));
    keys.sort_by_key(|key| key.public().key_id());
    keys.into()
}

fn parameters() -> wire::Parameters {
    wire::Parameters {
        purposes: vec!["audit".into(), PURPOSE.into()],
        legal_bases: vec![LEGAL_BASIS.into()],
        decision_age_ms: vec![HOUR, 600_000, 60_000, 10_000],
        live_age_ms: 30_000,
        late_age_ms: 24 * HOUR,
        future_drift_ms: 5_000,
        recent_block_age_ms: HOUR,
        lead: "gz.bdb".into(),
    }
}
