//! The TOML source of a founding document.

use crate::error::SourceError;
use crate::parameters::{CalendarSource, ParametersSource};
use jiff::Timestamp;
use liuhen_proto::header::{
    block::{PROTOCOL, SUITE},
    founding::FoundingError,
};
use liuhen_proto::ledger::intervals::from_genesis;
use liuhen_proto::suite::sign::PublicKey;
use liuhen_proto::types::identity_id;
use liuhen_proto::wire;
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// A founding document as people write it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The chain's name, a code. One that begins with `dev-` is for trying things out.
    pub name: Spanned<String>,
    /// The founding time, RFC 3339 with offset.
    pub time: Spanned<String>,
    /// What the consortium decided on.
    pub parameters: ParametersSource,
    /// Years whose holidays are known.
    #[serde(default, rename = "calendar", skip_serializing_if = "Vec::is_empty")]
    pub calendars: Vec<CalendarSource>,
    /// The founding members.
    #[serde(rename = "department")]
    pub departments: Vec<DepartmentSource>,
}

/// A member, as its join file describes it.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DepartmentSource {
    /// A stable code, `gz.psb`.
    pub code: Spanned<String>,
    /// Name in Chinese.
    #[serde(default)]
    pub name_zh: String,
    /// Name in English.
    #[serde(default)]
    pub name_en: String,
    /// 1 province … 5 village.
    pub level: u32,
    /// GB/T 2260 prefix.
    #[serde(default)]
    pub division: String,
    /// Parent in government (块).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub parent: String,
    /// Guiding department in its line (条).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub guide: String,
    /// The legal body (单位).
    pub body: String,
    /// Its rights.
    #[serde(default)]
    pub rights: Vec<RightName>,
    /// The weight of its vote on proposals; without it: 1 for the lead and for who runs a voting
    /// node, none for others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vote: Option<u64>,
    /// Its identities.
    #[serde(default, rename = "identity", skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<IdentitySource>,
    /// Its nodes.
    #[serde(default, rename = "node", skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeSource>,
}

/// A right, as the source names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it; see wire::Right")]
pub enum RightName {
    Collect,
    Use,
    Manage,
    Audit,
    Regulate,
}

/// A kind of identity, as the source names it. Nodes stand apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the names say it; see wire::IdentityKind")]
pub enum IdentityKindName {
    Root,
    Officer,
    System,
    Auditor,
    Regulator,
}

/// An identity with its first key.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct IdentitySource {
    /// Unique in the department; a post or a system, never a person's name.
    pub code: Spanned<String>,
    /// What it is.
    pub kind: IdentityKindName,
    /// Ed25519 public key, hexadecimal.
    pub public_key: Spanned<String>,
    /// More keys of the same identity.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more_keys: Vec<Spanned<String>>,
    /// How many keys of a root must sign together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<u32>,
    /// The duty of a post, a code.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub duty: String,
}

/// A node and its keys.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSource {
    /// Unique in the department.
    pub code: Spanned<String>,
    /// Ed25519 public key it votes with, hexadecimal.
    pub public_key: Spanned<String>,
    /// Ed25519 public key it cosigns checkpoints with, hexadecimal.
    pub cosigner_key: Spanned<String>,
    /// Its libp2p peer id.
    pub peer_id: String,
    /// Where it listens for consensus, a multiaddress; without it peers' own settings say so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub consensus_address: String,
    /// Where it listens for transactions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub gossip_address: String,
    /// The weight of its vote; 0 for a node that does not vote.
    pub power: u64,
}

impl Source {
    /// Reads the TOML. Errors name the line.
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        toml::from_str(text).map_err(|e| toml_error(text, &e))
    }

    /// The document, its lists in order. Errors where a key or time can't be read.
    pub fn to_document(&self, text: &str) -> Result<wire::Genesis, SourceError> {
        let time: Timestamp = self.time.get_ref().parse().map_err(|_| {
            let why = "time is not an RFC 3339 time with offset, 2026-11-22T00:00:00+08:00";
            SourceError::at(text, self.time.span().start, why)
        })?;
        let time_ms = u64::try_from(time.as_millisecond())
            .map_err(|_| SourceError::at(text, self.time.span().start, "a time before 1970"))?;
        let parameters = self.parameters.to_wire();
        let parameters = parameters
            .map_err(|why| SourceError::at(text, text.find("[parameters").unwrap_or(0), why))?;
        let lead = parameters.lead.clone();
        let mut document = wire::Genesis {
            name: self.name.get_ref().clone(),
            protocol: PROTOCOL,
            suite: SUITE,
            time_ms,
            parameters: Some(parameters),
            ..wire::Genesis::default()
        };
        for department in &self.departments {
            department.add_to(&mut document, text)?;
        }
        for department in &self.departments {
            if let Some(weight) = vote_of(department, &lead) {
                let department = department.code.get_ref().clone();
                document.voters.push(wire::Voter { department, weight, suspended: false });
            }
        }
        for calendar in &self.calendars {
            document.calendars.push(calendar.to_wire(text)?);
        }
        document.calendars.sort_by_key(|it| it.year);
        document.voters.sort_by(|a, b| a.department.cmp(&b.department));
        document.departments.sort_by(|a, b| a.code.cmp(&b.code));
        document.identities.sort_by(|a, b| a.identity_id.cmp(&b.identity_id));
        document.keys.sort_by(|a, b| a.key_id.cmp(&b.key_id));
        document.validators.sort_by(|a, b| a.key_id.cmp(&b.key_id));
        document
            .peers
            .sort_by(|a, b| (&a.department, &a.peer_id).cmp(&(&b.department, &b.peer_id)));
        Ok(document)
    }

    /// The line of the entry that a check of the whole document found wrong.
    pub(crate) fn locate(&self, text: &str, error: &FoundingError) -> SourceError {
        let entry = match error {
            FoundingError::Entry { entry, .. } => entry.as_str(),
            FoundingError::Key { identity, .. } => identity.as_str(),
            _ => "",
        };
        let offset = self.entries().find(|(name, _)| entry.ends_with(name.as_str()));
        let offset = offset.map_or(self.name.span().start, |(_, offset)| offset);
        SourceError::at(text, offset, error.to_string())
    }

    fn entries(&self) -> impl Iterator<Item = (String, usize)> + '_ {
        self.departments.iter().flat_map(|department| {
            let code = department.code.get_ref();
            let inner = department.identities.iter().map(|it| &it.code);
            let inner = inner.chain(department.nodes.iter().map(|it| &it.code));
            let inner = inner.map(move |it| (format!("{code}/{}", it.get_ref()), it.span().start));
            inner.chain([(format!(" {code}"), department.code.span().start)])
        })
    }
}

/// The weight of a department's vote, if it has one.
fn vote_of(department: &DepartmentSource, lead: &str) -> Option<u64> {
    let leads = department.code.get_ref() == lead;
    let votes = leads || department.nodes.iter().any(|node| node.power > 0);
    let weight = department.vote.unwrap_or(u64::from(votes));
    (weight > 0).then_some(weight)
}

/// A TOML error with its line.
pub(crate) fn toml_error(text: &str, error: &toml::de::Error) -> SourceError {
    let offset = error.span().map_or(0, |span| span.start);
    SourceError::at(text, offset, error.message())
}

impl DepartmentSource {
    fn add_to(&self, document: &mut wire::Genesis, text: &str) -> Result<(), SourceError> {
        let mut rights: Vec<i32> = self.rights.iter().map(|it| it.to_wire() as i32).collect();
        rights.sort_unstable();
        document.departments.push(wire::Department {
            code: self.code.get_ref().clone(),
            name_zh: self.name_zh.clone(),
            name_en: self.name_en.clone(),
            level: self.level,
            division: self.division.clone(),
            parent: self.parent.clone(),
            guide: self.guide.clone(),
            body: self.body.clone(),
            rights,
            standing: from_genesis(),
            ..wire::Department::default()
        });
        for it in &self.identities {
            self.identity(document, text, &it.code, it.kind.to_wire(), &it.public_key)?;
            let last = document.identities.last_mut();
            let id = last.map(|identity| {
                identity.duty.clone_from(&it.duty);
                identity.threshold = it.threshold.unwrap_or(0);
                identity.identity_id.clone()
            });
            for more in &it.more_keys {
                let key = public_key(text, more)?;
                document.keys.push(self.key(&key, id.clone().unwrap_or_default()));
            }
        }
        for it in &self.nodes {
            let kind = wire::IdentityKind::Node;
            let key = self.identity(document, text, &it.code, kind, &it.public_key)?;
            document.peers.push(wire::Peer {
                removed: false,
                department: self.code.get_ref().clone(),
                peer_id: it.peer_id.clone(),
                consensus_address: it.consensus_address.clone(),
                gossip_address: it.gossip_address.clone(),
            });
            if it.power > 0 {
                document.validators.push(wire::Validator {
                    key_id: key.key_id().to_vec(),
                    algorithm: key.algorithm(),
                    public_key: key.as_bytes().to_vec(),
                    cosigner_key: public_key(text, &it.cosigner_key)?.as_bytes().to_vec(),
                    power: it.power,
                });
            }
        }
        Ok(())
    }

    fn identity(
        &self,
        document: &mut wire::Genesis,
        text: &str,
        code: &Spanned<String>,
        kind: wire::IdentityKind,
        key: &Spanned<String>,
    ) -> Result<PublicKey, SourceError> {
        let key = public_key(text, key)?;
        let id = identity_id(&key.key_id());
        document.identities.push(wire::Identity {
            identity_id: id.to_vec(),
            department: self.code.get_ref().clone(),
            code: code.get_ref().clone(),
            kind: kind as i32,
            standing: from_genesis(),
            ..wire::Identity::default()
        });
        document.keys.push(self.key(&key, id.to_vec()));
        Ok(key)
    }

    fn key(&self, key: &PublicKey, identity_id: Vec<u8>) -> wire::Key {
        wire::Key {
            key_id: key.key_id().to_vec(),
            algorithm: key.algorithm(),
            public_key: key.as_bytes().to_vec(),
            identity_id,
            department: self.code.get_ref().clone(),
            standing: from_genesis(),
        }
    }
}

fn public_key(text: &str, given: &Spanned<String>) -> Result<PublicKey, SourceError> {
    let at = |why: String| SourceError::at(text, given.span().start, why);
    let bytes = hex::decode(given.get_ref())
        .map_err(|_| at("a public key is 64 hexadecimal digits".to_owned()))?;
    PublicKey::from_slice(&bytes).map_err(|e| at(e.to_string()))
}

impl RightName {
    fn to_wire(self) -> wire::Right {
        match self {
            Self::Collect => wire::Right::Collect,
            Self::Use => wire::Right::Use,
            Self::Manage => wire::Right::Manage,
            Self::Audit => wire::Right::Audit,
            Self::Regulate => wire::Right::Regulate,
        }
    }
}

impl IdentityKindName {
    fn to_wire(self) -> wire::IdentityKind {
        match self {
            Self::Root => wire::IdentityKind::Root,
            Self::Officer => wire::IdentityKind::Officer,
            Self::System => wire::IdentityKind::System,
            Self::Auditor => wire::IdentityKind::Auditor,
            Self::Regulator => wire::IdentityKind::Regulator,
        }
    }
}
