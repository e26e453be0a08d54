//! Who is party to what, as the matrix knows it of what it put on the ledger; and from that, by the one table of the
//! node, who may read what.

use super::ledger::Step;
use super::roles::{May, OVERSEERS, Role};
use liuhen_node::api::rights::{Readers, ReadersOfObject, of_object, of_trail};
use liuhen_proto::items::table::{ItemDomain, row};
use liuhen_proto::place::{ObjectKind, Place, TrailKind};
use liuhen_proto::types::RequestId;
use liuhen_proto::wire::item::Kind;
use std::collections::{BTreeMap, BTreeSet};

/// Codes of departments.
type Codes = BTreeSet<String>;

/// Who is party to a grant.
#[derive(Debug, Clone, Default)]
struct Grant {
    /// User, collector, whoever passed it on.
    parties: Codes,
    /// Those of the class that it is for.
    class: Codes,
}

/// Who is party to what.
#[derive(Debug, Clone, Default)]
pub struct Parties {
    /// The departments of identities and keys, by id.
    pub owners: BTreeMap<Vec<u8>, String>,
    /// The parties of cases and products, by id.
    pub about: BTreeMap<Vec<u8>, Codes>,
    grants: BTreeMap<Vec<u8>, Grant>,
}

/// Who may read a trail, beside those who oversee.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    Members,
    Departments(Codes),
    /// These, and departments that manage.
    WithManagers(Codes),
    /// These, and departments that manage, in part.
    WithManagersInPart(Codes),
}

/// What somebody may read of a trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Nothing.
    Nothing,
    /// What is not left out for it.
    Part,
    /// All.
    All,
}

/// Who collects, and who manages all grants of the matrix.
const COLLECTOR: &str = "gz.psb";
const MANAGER: &str = "gz.bdb";

impl Parties {
    /// Notes a grant.
    pub fn share(&mut self, id: &RequestId, parties: &[&str], class: &[&str]) {
        let codes = |all: &[&str]| all.iter().map(|it| (*it).to_owned()).collect();
        let grant = Grant { parties: codes(parties), class: codes(class) };
        self.grants.insert(id.to_vec(), grant);
    }

    /// The table's words, as departments of the matrix: the only place where they are told again.
    fn who(&self, kind: TrailKind, id: &[u8]) -> Who {
        let text = || String::from_utf8_lossy(id).into_owned();
        let owner = || self.owners.get(id.get(..32).unwrap_or_default()).cloned();
        let grant = self.grants.get(id).cloned().unwrap_or_default();
        match of_trail(kind) {
            Readers::Members => Who::Members,
            Readers::IdentityLife => match owner() {
                Some(code) if OVERSEERS.contains(&code.as_str()) => Who::Departments([code].into()),
                _ => Who::Members,
            },
            Readers::Key | Readers::Gateway => Who::Departments(owner().into_iter().collect()),
            Readers::Dataset => Who::WithManagersInPart([COLLECTOR.to_owned()].into()),
            Readers::Request => Who::WithManagers(&grant.parties | &grant.class),
            Readers::Use if grant.parties.is_empty() => Who::Departments(Codes::new()),
            Readers::Use => Who::Departments(&grant.parties | &[MANAGER.to_owned()].into()),
            Readers::Case | Readers::Product => {
                Who::WithManagers(self.about.get(id).cloned().unwrap_or_default())
            }
            Readers::Integrity => Who::WithManagers([text()].into()),
            Readers::IdentityIntegrity => Who::WithManagers(owner().into_iter().collect()),
            Readers::Concerned => Who::Departments([text()].into()),
            Readers::Subject => {
                let collector = id.split_last_chunk::<32>().map(|(code, _)| code.to_vec());
                let code = String::from_utf8(collector.unwrap_or_default());
                Who::Departments(code.into_iter().collect())
            }
        }
    }

    /// Whether a role may read a trail because its department is party to it.
    pub fn is_party(&self, role: &Role, kind: TrailKind, id: &[u8]) -> bool {
        match self.who(kind, id) {
            Who::Members => true,
            Who::Departments(codes) | Who::WithManagersInPart(codes) => {
                codes.contains(&role.department())
            }
            Who::WithManagers(codes) => {
                codes.contains(&role.department()) || role.may == May::Manage
            }
        }
    }

    /// What a role may read of a trail, on which so much stands.
    pub fn sight(&self, role: &Role, kind: TrailKind, id: &[u8], steps: &[Step]) -> Sight {
        if role.may == May::Nothing {
            return Sight::Nothing;
        }
        if role.may == May::Oversee || self.is_party(role, kind, id) {
            return Sight::All;
        }
        let in_part = matches!(self.who(kind, id), Who::WithManagersInPart(_));
        if !in_part || role.may != May::Manage {
            return Sight::Nothing;
        }
        let place = Place::trail(kind, id);
        let mut there = steps.iter().filter(|step| step.trails.contains(&place));
        match there.all(|step| self.is_for(role, &step.trails, Some(&step.kind))) {
            true => Sight::All,
            false => Sight::Part,
        }
    }

    /// Whether an event is for a role: as a party to one of its trails, or as who manages what names no grant of
    /// another, nor holds records of others.
    pub fn is_for(&self, role: &Role, trails: &[Place], kind: Option<&Kind>) -> bool {
        let of_kind = |place: &Place| TrailKind::from_byte(place.kind());
        let reads = |place: &Place| {
            of_kind(place).is_some_and(|kind| self.is_party(role, kind, place.id()))
        };
        if role.may == May::Nothing {
            return false;
        }
        let of_dataset = trails.iter().any(|it| of_kind(it) == Some(TrailKind::Dataset));
        let of_grant = trails
            .iter()
            .any(|it| of_kind(it) == Some(TrailKind::Use) && self.grants.contains_key(it.id()));
        let corrects = matches!(kind, Some(Kind::CorrectRecords(_)));
        let manages = role.may == May::Manage && of_dataset && !of_grant && !corrects;
        manages || trails.iter().any(reads)
    }

    /// Whether a role sees a step pass in a watch of the whole ledger: every member sees the catalogue change.
    pub fn passes(&self, role: &Role, trails: &[Place], kind: Option<&Kind>) -> bool {
        let catalogue = kind.is_some_and(|kind| row(kind).domain == ItemDomain::Catalogue);
        (catalogue && role.may != May::Nothing) || self.is_for(role, trails, kind)
    }

    /// What a role may know of an object: `None` where it stands for the ledger's rules alone.
    pub fn sight_of_object(&self, role: &Role, kind: ObjectKind, id: &[u8]) -> Option<Sight> {
        let trail = |kind, id: &[u8]| Some(self.sight(role, kind, id, &[]));
        match of_object(kind) {
            ReadersOfObject::Members if role.may == May::Nothing => Some(Sight::Nothing),
            ReadersOfObject::Members => Some(Sight::All),
            ReadersOfObject::AsTrail(kind) => trail(kind, id),
            ReadersOfObject::AsTrailOfDepartment(kind) => {
                trail(kind, id.get(8..).unwrap_or_default())
            }
            ReadersOfObject::AsChain => match id.split_first() {
                Some((0xff, identity)) => trail(TrailKind::IdentityIntegrity, identity),
                _ => trail(TrailKind::Integrity, id),
            },
            ReadersOfObject::Rules => None,
        }
    }
}
