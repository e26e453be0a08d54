//! Places in the map: trails and objects, by kind and id.

use crate::hash::{self, Domain};
use crate::types::{Hash, Height, IdentityId, KeyId, RequestId, TimeMs, check_code};

/// What a trail is about. The byte is part of its key in the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum TrailKind {
    /// Every event signed with a key; id: the key id.
    Key = 1,
    /// A department's identities, rights and standing; id: its code.
    Department = 2,
    /// An identity's life; id: its identity id.
    Identity = 3,
    /// A dataset's registration, requests, decisions, grants and records; id: its code.
    Dataset = 4,
    /// The one story of a grant, from request to end; id: the request id.
    Grant = 5,
    /// The records made under a grant; id: the request id.
    Use = 6,
    /// The records that name a subject; id: department code of the collector ‖ tag.
    Subject = 7,
    /// A case; id: its case id.
    Case = 8,
    /// Integrity events of a department; id: its code.
    Integrity = 9,
    /// Proposals, votes and what became of them; id: empty.
    Governance = 10,
    /// Integrity events of an identity; id: its identity id.
    IdentityIntegrity = 11,
    /// The users' halves of accesses; id: the request id.
    Acknowledgements = 12,
    /// A gateway's records, seals and losses; id: its identity id.
    Gateway = 13,
    /// What was sealed and opened by a decision of an authority; id: its department code.
    Sealed = 14,
    /// Records of which not every subject is listed, and the tags of bulk sets; id: department code
    /// of the collector.
    Unlisted = 15,
    /// Alerts that concern a department; id: its code.
    Alert = 16,
    /// A data product; id: its product id.
    Product = 17,
}

impl TrailKind {
    /// Every kind that this protocol version writes.
    pub const ALL: [Self; 17] = [
        Self::Key,
        Self::Department,
        Self::Identity,
        Self::Dataset,
        Self::Grant,
        Self::Use,
        Self::Subject,
        Self::Case,
        Self::Integrity,
        Self::Governance,
        Self::IdentityIntegrity,
        Self::Acknowledgements,
        Self::Gateway,
        Self::Sealed,
        Self::Unlisted,
        Self::Alert,
        Self::Product,
    ];

    /// From its byte.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }

    /// Whether some trail of this kind could have this id: a code, 32 bytes, or for a subject a
    /// code and 32 bytes. Of anything else «there are no events» would be true, and mislead.
    pub fn takes_id(self, id: &[u8]) -> bool {
        let is_code = |bytes| std::str::from_utf8(bytes).is_ok_and(|it| check_code(it).is_ok());
        match self {
            Self::Key
            | Self::Identity
            | Self::Grant
            | Self::Use
            | Self::Case
            | Self::IdentityIntegrity
            | Self::Acknowledgements
            | Self::Gateway
            | Self::Product => id.len() == 32,
            Self::Department
            | Self::Dataset
            | Self::Integrity
            | Self::Sealed
            | Self::Unlisted
            | Self::Alert => is_code(id),
            Self::Governance => id.is_empty(),
            Self::Subject => id.split_last_chunk::<32>().is_some_and(|(code, _)| is_code(code)),
        }
    }

    /// Its name, as commands and JSON show it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Department => "department",
            Self::Identity => "identity",
            Self::Integrity => "integrity",
            Self::Governance => "governance",
            Self::Dataset => "dataset",
            Self::Grant => "grant",
            Self::Use => "use",
            Self::Subject => "subject",
            Self::Gateway => "gateway",
            Self::Case => "case",
            Self::IdentityIntegrity => "identity-integrity",
            Self::Acknowledgements => "acknowledgements",
            Self::Sealed => "sealed",
            Self::Unlisted => "unlisted",
            Self::Alert => "alert",
            Self::Product => "product",
        }
    }
}

/// What an object is. The byte, 128 or above, is part of its key in the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum ObjectKind {
    /// A member; id: its code.
    Department = 128,
    /// An identity; id: its identity id.
    Identity = 129,
    /// A key; id: its key id.
    Key = 130,
    /// A dataset; id: its code.
    Dataset = 131,
    /// A request; id: its request id.
    Request = 132,
    /// A grant; id: its request id.
    Grant = 133,
    /// The counters of a grant's use; id: its request id.
    GrantUse = 134,
    /// A gateway's numbering; id: its identity id.
    Gateway = 135,
    /// The consortium's parameters; id: empty.
    Parameters = 136,
    /// A block that transactions may cite; id: its height, u64.
    RecentBlock = 137,
    /// Which recent blocks are kept; id: empty.
    RecentWindow = 138,
    /// The departments right beneath one; id: its code.
    Beneath = 139,
    /// Which identity a code names; id: department ‖ "/" ‖ code.
    IdentityName = 140,
    /// What happens by itself at a time; id: the time u64 ‖ kind u8 ‖ what it is about.
    Timer = 141,
    /// Who votes on proposals; id: empty.
    Voters = 142,
    /// Who signs blocks; id: empty.
    ValidatorSchedule = 143,
    /// Nodes that may connect; id: empty.
    Peers = 144,
    /// The protocol version to come; id: empty.
    ProtocolSchedule = 145,
    /// A year's holidays and make-up days; id: the year u32.
    Calendar = 146,
    /// A proposal; id: its proposal id.
    Proposal = 147,
    /// An audit; id: department ‖ "/" ‖ code.
    Audit = 148,
    /// A sealed read that is not opened; id: department ‖ "/" ‖ audit ‖ "/" ‖ commitment.
    UnopenedRead = 149,
    /// How a gateway was set up; id: its identity id.
    GatewaySetup = 150,
    /// How many gateways serve a dataset; id: its code.
    DatasetGateways = 151,
    /// The halves of an hour's accesses; id: request id ‖ hour u64 ‖ department code.
    Halves = 152,
    /// A half without its other; id: request id ‖ gateway id ‖ access_no u64.
    Half = 153,
    /// A bulk set; id: gateway id ‖ access_no u64.
    BulkSet = 154,
    /// A correction; id: its correction id.
    Correction = 155,
    /// A decision on sealing; id: its order id.
    SealingOrder = 156,
    /// A sealed record that is not opened; id: gateway id ‖ access_no u64.
    SealedAccess = 157,
    /// How many records were sealed in a month; id: the month u32.
    SealedCount = 158,
    /// An integrity score; id: a department code, or 0xff ‖ identity id.
    Score = 159,
    /// An integrity event; id: number u64 ‖ department code.
    IntegrityEvent = 160,
    /// What repeats join; id: a hash of what is repeated.
    Joined = 161,
    /// The count of a department's alerts; id: its code.
    AlertBook = 162,
    /// An alert; id: number u64 ‖ department code.
    Alert = 163,
    /// What is remembered of an identity's accesses; id: its identity id.
    IdentityWatch = 164,
    /// A case; id: its case id.
    Case = 165,
    /// A data product; id: its product id.
    Product = 166,
    /// The products that stand on a grant; id: its request id.
    GrantProducts = 167,
    /// A double vote that was reported; id: key id ‖ height u64 ‖ round u32 ‖ type u8.
    DoubleVote = 168,
}

impl ObjectKind {
    /// Every kind that this protocol version writes.
    pub const ALL: [Self; 41] = [
        Self::Department,
        Self::Identity,
        Self::Key,
        Self::Dataset,
        Self::Request,
        Self::Grant,
        Self::GrantUse,
        Self::Gateway,
        Self::Parameters,
        Self::RecentBlock,
        Self::RecentWindow,
        Self::Beneath,
        Self::IdentityName,
        Self::Timer,
        Self::Voters,
        Self::ValidatorSchedule,
        Self::Peers,
        Self::ProtocolSchedule,
        Self::Calendar,
        Self::Proposal,
        Self::Audit,
        Self::UnopenedRead,
        Self::GatewaySetup,
        Self::DatasetGateways,
        Self::Halves,
        Self::Half,
        Self::BulkSet,
        Self::Correction,
        Self::SealingOrder,
        Self::SealedAccess,
        Self::SealedCount,
        Self::Score,
        Self::IntegrityEvent,
        Self::Joined,
        Self::AlertBook,
        Self::Alert,
        Self::IdentityWatch,
        Self::Case,
        Self::Product,
        Self::GrantProducts,
        Self::DoubleVote,
    ];

    /// From its byte.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u8 == byte)
    }
}

/// A place in the map.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    kind: u8,
    id: Vec<u8>,
}

impl Place {
    /// The place of a trail.
    pub fn trail(kind: TrailKind, id: &[u8]) -> Self {
        Self { kind: kind as u8, id: id.to_vec() }
    }

    /// The place of an object.
    pub fn object(kind: ObjectKind, id: &[u8]) -> Self {
        Self { kind: kind as u8, id: id.to_vec() }
    }

    /// From the bytes that [`Place::to_bytes`] gave.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.split_first().map(|(kind, id)| Self { kind: *kind, id: id.to_vec() })
    }

    /// Kind u8 ‖ id.
    pub fn to_bytes(&self) -> Vec<u8> {
        [&[self.kind], self.id.as_slice()].concat()
    }

    /// The kind's byte.
    pub fn kind(&self) -> u8 {
        self.kind
    }

    /// The kind of object, if this is the place of one.
    pub fn object_kind(&self) -> Option<ObjectKind> {
        ObjectKind::from_byte(self.kind)
    }

    /// The id.
    pub fn id(&self) -> &[u8] {
        &self.id
    }

    /// `H_key(kind u8 ‖ id)`: where it stands in the map.
    pub fn map_key(&self) -> Hash {
        hash::hash(Domain::Key, &[&[self.kind], &self.id])
    }

    /// The trail of a key.
    pub fn key_trail(key: &KeyId) -> Self {
        Self::trail(TrailKind::Key, key.as_bytes())
    }

    /// The trail of a dataset.
    pub fn dataset_trail(code: &str) -> Self {
        Self::trail(TrailKind::Dataset, code.as_bytes())
    }

    /// The story of a grant.
    pub fn grant_trail(request: &RequestId) -> Self {
        Self::trail(TrailKind::Grant, request.as_bytes())
    }

    /// The use made of a grant.
    pub fn use_trail(request: &RequestId) -> Self {
        Self::trail(TrailKind::Use, request.as_bytes())
    }

    /// The trail of a subject of a collector.
    pub fn subject_trail(collector: &str, tag: &[u8]) -> Self {
        Self::trail(TrailKind::Subject, &[collector.as_bytes(), tag].concat())
    }

    /// The trail of a gateway.
    pub fn gateway_trail(identity: &IdentityId) -> Self {
        Self::trail(TrailKind::Gateway, identity.as_bytes())
    }

    /// A department.
    pub fn department(code: &str) -> Self {
        Self::object(ObjectKind::Department, code.as_bytes())
    }

    /// An identity.
    pub fn identity(id: &IdentityId) -> Self {
        Self::object(ObjectKind::Identity, id.as_bytes())
    }

    /// A key.
    pub fn key(id: &KeyId) -> Self {
        Self::object(ObjectKind::Key, id.as_bytes())
    }

    /// A dataset.
    pub fn dataset(code: &str) -> Self {
        Self::object(ObjectKind::Dataset, code.as_bytes())
    }

    /// A request.
    pub fn request(id: &RequestId) -> Self {
        Self::object(ObjectKind::Request, id.as_bytes())
    }

    /// A grant.
    pub fn grant(id: &RequestId) -> Self {
        Self::object(ObjectKind::Grant, id.as_bytes())
    }

    /// The counters of a grant's use.
    pub fn grant_use(id: &RequestId) -> Self {
        Self::object(ObjectKind::GrantUse, id.as_bytes())
    }

    /// A gateway's numbering.
    pub fn gateway(identity: &IdentityId) -> Self {
        Self::object(ObjectKind::Gateway, identity.as_bytes())
    }

    /// The parameters.
    pub fn parameters() -> Self {
        Self::object(ObjectKind::Parameters, &[])
    }

    /// A recent block.
    pub fn recent_block(height: Height) -> Self {
        Self::object(ObjectKind::RecentBlock, &height.get().to_be_bytes())
    }

    /// The trail of a department.
    pub fn department_trail(code: &str) -> Self {
        Self::trail(TrailKind::Department, code.as_bytes())
    }

    /// The trail of an identity.
    pub fn identity_trail(id: &[u8]) -> Self {
        Self::trail(TrailKind::Identity, id)
    }

    /// The integrity chain of a department.
    pub fn integrity_trail(code: &str) -> Self {
        Self::trail(TrailKind::Integrity, code.as_bytes())
    }

    /// The trail of governance.
    pub fn governance_trail() -> Self {
        Self::trail(TrailKind::Governance, &[])
    }

    /// The departments right beneath one.
    pub fn beneath(code: &str) -> Self {
        Self::object(ObjectKind::Beneath, code.as_bytes())
    }

    /// What an identity's code names.
    pub fn identity_name(department: &str, code: &str) -> Self {
        Self::object(ObjectKind::IdentityName, format!("{department}/{code}").as_bytes())
    }

    /// A timer that goes off at `due`.
    pub fn timer(due: TimeMs, kind: u8, about: &[u8]) -> Self {
        let id = [&due.get().to_be_bytes(), [kind].as_slice(), about].concat();
        Self::object(ObjectKind::Timer, &id)
    }

    /// When a timer at this place goes off; `None` for another place.
    pub fn timer_due(&self) -> Option<TimeMs> {
        let is_timer = self.kind == ObjectKind::Timer as u8;
        let due = self.id.first_chunk::<8>().filter(|_| is_timer)?;
        Some(TimeMs::new(u64::from_be_bytes(*due)))
    }

    /// Who votes on proposals.
    pub fn voters() -> Self {
        Self::object(ObjectKind::Voters, &[])
    }

    /// Who signs blocks.
    pub fn validator_schedule() -> Self {
        Self::object(ObjectKind::ValidatorSchedule, &[])
    }

    /// Nodes that may connect.
    pub fn peers() -> Self {
        Self::object(ObjectKind::Peers, &[])
    }

    /// The protocol version to come.
    pub fn protocol_schedule() -> Self {
        Self::object(ObjectKind::ProtocolSchedule, &[])
    }

    /// The calendar of a year.
    pub fn calendar(year: u32) -> Self {
        Self::object(ObjectKind::Calendar, &year.to_be_bytes())
    }

    /// A proposal.
    pub fn proposal(id: &[u8]) -> Self {
        Self::object(ObjectKind::Proposal, id)
    }

    /// An audit.
    pub fn audit(department: &str, audit: &str) -> Self {
        Self::object(ObjectKind::Audit, format!("{department}/{audit}").as_bytes())
    }

    /// A read sealed for an audit that is not opened.
    pub fn unopened_read(department: &str, audit: &str, commitment: &[u8]) -> Self {
        let id = [format!("{department}/{audit}/").as_bytes(), commitment].concat();
        Self::object(ObjectKind::UnopenedRead, &id)
    }

    /// The users' halves of a grant's accesses.
    pub fn acknowledgements_trail(request: &[u8]) -> Self {
        Self::trail(TrailKind::Acknowledgements, request)
    }

    /// The integrity chain of an identity.
    pub fn identity_integrity_trail(id: &[u8]) -> Self {
        Self::trail(TrailKind::IdentityIntegrity, id)
    }

    /// Records of a collector of which not every subject is listed.
    pub fn unlisted_trail(collector: &str) -> Self {
        Self::trail(TrailKind::Unlisted, collector.as_bytes())
    }

    /// What was sealed by an authority's decisions.
    pub fn sealed_trail(authority: &str) -> Self {
        Self::trail(TrailKind::Sealed, authority.as_bytes())
    }

    /// The alerts that concern a department.
    pub fn alert_trail(code: &str) -> Self {
        Self::trail(TrailKind::Alert, code.as_bytes())
    }

    /// A case, as a trail.
    pub fn case_trail(id: &[u8]) -> Self {
        Self::trail(TrailKind::Case, id)
    }

    /// A product, as a trail.
    pub fn product_trail(id: &[u8]) -> Self {
        Self::trail(TrailKind::Product, id)
    }

    /// How a gateway was set up.
    pub fn gateway_setup(identity: &[u8]) -> Self {
        Self::object(ObjectKind::GatewaySetup, identity)
    }

    /// How many gateways serve a dataset.
    pub fn dataset_gateways(code: &str) -> Self {
        Self::object(ObjectKind::DatasetGateways, code.as_bytes())
    }

    /// The halves of an hour's accesses.
    pub fn halves(request: &[u8], hour: u64, department: &str) -> Self {
        let id = [request, &hour.to_be_bytes(), department.as_bytes()].concat();
        Self::object(ObjectKind::Halves, &id)
    }

    /// A half of the access of this number, under a grant.
    pub fn half(request: &[u8], gateway: &[u8], access_no: u64) -> Self {
        let id = [request, gateway, &access_no.to_be_bytes()].concat();
        Self::object(ObjectKind::Half, &id)
    }

    /// The bulk set of a record.
    pub fn bulk_set(gateway: &[u8], access_no: u64) -> Self {
        Self::object(ObjectKind::BulkSet, &[gateway, &access_no.to_be_bytes()].concat())
    }

    /// A correction.
    pub fn correction(id: &[u8]) -> Self {
        Self::object(ObjectKind::Correction, id)
    }

    /// A decision on sealing.
    pub fn sealing_order(id: &[u8]) -> Self {
        Self::object(ObjectKind::SealingOrder, id)
    }

    /// A sealed record.
    pub fn sealed_access(gateway: &[u8], access_no: u64) -> Self {
        Self::object(ObjectKind::SealedAccess, &[gateway, &access_no.to_be_bytes()].concat())
    }

    /// How many records were sealed in a month.
    pub fn sealed_count(month: u32) -> Self {
        Self::object(ObjectKind::SealedCount, &month.to_be_bytes())
    }

    /// The integrity score of a department.
    pub fn score(code: &str) -> Self {
        Self::object(ObjectKind::Score, code.as_bytes())
    }

    /// The integrity score of an identity. No code begins with the byte 0xff.
    pub fn identity_score(id: &[u8]) -> Self {
        Self::object(ObjectKind::Score, &[&[0xff], id].concat())
    }

    /// An integrity event of a department.
    pub fn integrity_event(department: &str, number: u64) -> Self {
        let id = [&number.to_be_bytes(), department.as_bytes()].concat();
        Self::object(ObjectKind::IntegrityEvent, &id)
    }

    /// What repeats join.
    pub fn joined(what: &Hash) -> Self {
        Self::object(ObjectKind::Joined, what.as_bytes())
    }

    /// The count of a department's alerts.
    pub fn alert_book(department: &str) -> Self {
        Self::object(ObjectKind::AlertBook, department.as_bytes())
    }

    /// An alert.
    pub fn alert(department: &str, number: u64) -> Self {
        let id = [&number.to_be_bytes(), department.as_bytes()].concat();
        Self::object(ObjectKind::Alert, &id)
    }

    /// What is remembered of an identity's accesses.
    pub fn identity_watch(id: &[u8]) -> Self {
        Self::object(ObjectKind::IdentityWatch, id)
    }

    /// A case.
    pub fn case(id: &[u8]) -> Self {
        Self::object(ObjectKind::Case, id)
    }

    /// A product.
    pub fn product(id: &[u8]) -> Self {
        Self::object(ObjectKind::Product, id)
    }

    /// The products that stand on a grant.
    pub fn grant_products(request: &[u8]) -> Self {
        Self::object(ObjectKind::GrantProducts, request)
    }

    /// A double vote.
    pub fn double_vote(key: &[u8], height: u64, round: u32, vote: u8) -> Self {
        let id = [key, &height.to_be_bytes(), &round.to_be_bytes(), &[vote]].concat();
        Self::object(ObjectKind::DoubleVote, &id)
    }

    /// The window of recent blocks.
    pub fn recent_window() -> Self {
        Self::object(ObjectKind::RecentWindow, &[])
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = TrailKind::from_byte(self.kind).map_or("object", TrailKind::name);
        match std::str::from_utf8(&self.id) {
            Ok(text) if text.bytes().all(|b| b.is_ascii_graphic()) => write!(f, "{name} {text}"),
            _ => write!(f, "{name} {}", hex::encode(&self.id)),
        }
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Place({}:{self})", self.kind)
    }
}
