//! Who may read what: trails, objects, events in a watch of the whole ledger. Lists of what is filed with a trail follow its row; the page «Who may read» of `docs/operating.md`
//! follows it.

use super::auth::{Caller, find};
use super::{bad_argument, of_store};
use crate::app::Chain;
use crate::store::StoreError;
use liuhen_proto::items::sharing::grants::is_of_class;
use liuhen_proto::items::table::{ItemDomain, row};
use liuhen_proto::place::{ObjectKind, Place, TrailKind};
use liuhen_proto::subject;
use liuhen_proto::types::{Hash, IdentityId, KeyId, RequestId};
use liuhen_proto::wire::{self, IdentityKind, Right, item::Kind};
use liuhen_rpc::reason::Reason;
use liuhen_rpc::status::with_reason;
use std::sync::Arc;
use tonic::Status;

/// By what right something may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// As a member, or as a party.
    Own,
    /// As who manages: but for accesses under grants that others manage.
    InPart,
    /// As who audits or regulates: the read is recorded.
    Oversight,
}

/// Who may read, beside those who oversee: roots, officers, auditors and regulators of departments that audit or regulate may
/// read everything, and each read is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Readers {
    /// Every member.
    Members,
    /// Those of an identity's life.
    IdentityLife,
    /// Those of a key's events.
    Key,
    /// Those of a gateway's records, and of its bulk sets.
    Gateway,
    /// Those of a dataset's story.
    Dataset,
    /// Those of a request, and of the grant that it becomes.
    Request,
    /// Those of the use made of a grant.
    Use,
    /// Those of a case.
    Case,
    /// Those of a product.
    Product,
    /// Those of a department's integrity chain.
    Integrity,
    /// Those of an identity's integrity chain.
    IdentityIntegrity,
    /// The department that is named.
    Concerned,
    /// Those of a subject's records.
    Subject,
}

impl Readers {
    /// In words, for the page.
    #[cfg(test)]
    const fn words(self) -> &'static str {
        match self {
            Self::Members => "every member",
            Self::IdentityLife => {
                "every member; of an auditor's or regulator's identity only its own department"
            }
            Self::Key | Self::Gateway => "its department",
            Self::Dataset => {
                "its collector; departments that manage, but for accesses under grants that others manage"
            }
            Self::Request => {
                "user, collector, whoever passed it on; departments of the class that it is for; departments that manage"
            }
            Self::Use => {
                "user, collector, whoever passed it on; the department that manages this very grant"
            }
            Self::Case => "who is party to it; departments that manage, for they may rule",
            Self::Product => "its maker, its reviewers; departments that manage",
            Self::Integrity | Self::IdentityIntegrity => "its department; departments that manage",
            Self::Concerned => "the department that it names",
            Self::Subject => {
                "its collector; without any token, where the tag stands on the ledger, whoever shows the key that it follows from"
            }
        }
    }
}

/// Who may read a trail.
pub const fn of_trail(kind: TrailKind) -> Readers {
    match kind {
        TrailKind::Department | TrailKind::Governance => Readers::Members,
        TrailKind::Identity => Readers::IdentityLife,
        TrailKind::Key => Readers::Key,
        TrailKind::Gateway | TrailKind::BulkTags => Readers::Gateway,
        TrailKind::Dataset => Readers::Dataset,
        TrailKind::Grant => Readers::Request,
        TrailKind::Use | TrailKind::Acknowledgements => Readers::Use,
        TrailKind::Case => Readers::Case,
        TrailKind::Product => Readers::Product,
        TrailKind::Integrity => Readers::Integrity,
        TrailKind::IdentityIntegrity => Readers::IdentityIntegrity,
        TrailKind::Sealed | TrailKind::Unlisted | TrailKind::Alert => Readers::Concerned,
        TrailKind::Subject => Readers::Subject,
    }
}

/// Who may read an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReadersOfObject {
    /// Every member.
    Members,
    /// Who may read the trail of this kind with the object's id.
    AsTrail(TrailKind),
    /// Who may read the trail of this kind of the department that stands in the id behind a number.
    AsTrailOfDepartment(TrailKind),
    /// Who may read the integrity chain of the department or identity that the score is of.
    AsChain,
    /// Nobody: it stands for the ledger's rules alone.
    Rules,
}

/// Who may read an object.
pub const fn of_object(kind: ObjectKind) -> ReadersOfObject {
    use ObjectKind as Is;
    use ReadersOfObject::{AsChain, AsTrail, AsTrailOfDepartment, Members, Rules};
    match kind {
        Is::Department
        | Is::Identity
        | Is::Key
        | Is::Dataset
        | Is::Parameters
        | Is::Beneath
        | Is::IdentityName
        | Is::Voters
        | Is::ValidatorSchedule
        | Is::Peers
        | Is::ProtocolSchedule
        | Is::Calendar
        | Is::Proposal
        | Is::DatasetGateways
        | Is::RecentBlock
        | Is::RecentWindow
        | Is::DayHeights
        | Is::ProposerTurns
        | Is::UnknownCount
        | Is::Roster
        | Is::DoubleVote => Members,
        Is::Request | Is::Grant | Is::GrantProducts => AsTrail(TrailKind::Grant),
        Is::GrantUse => AsTrail(TrailKind::Use),
        Is::Gateway | Is::GatewaySetup => AsTrail(TrailKind::Gateway),
        Is::Case => AsTrail(TrailKind::Case),
        Is::Product => AsTrail(TrailKind::Product),
        Is::AlertBook => AsTrail(TrailKind::Alert),
        Is::Alert => AsTrailOfDepartment(TrailKind::Alert),
        Is::IntegrityEvent => AsTrailOfDepartment(TrailKind::Integrity),
        Is::Score => AsChain,
        Is::Timer
        | Is::Audit
        | Is::UnopenedRead
        | Is::Halves
        | Is::Half
        | Is::BulkSet
        | Is::Correction
        | Is::SealingOrder
        | Is::SealedAccess
        | Is::SealedCount
        | Is::Joined
        | Is::IdentityWatch
        | Is::Former => Rules,
    }
}

/// Whose trail an object's reader must be allowed to read; `None` for what every member may know.
pub(super) fn trail_about(place: &Place) -> Result<Option<Place>, Status> {
    let id = place.id();
    let nobody = || bad_argument("kind", "objects of this kind stand for the ledger's rules alone");
    match of_object(place.object_kind().ok_or_else(nobody)?) {
        ReadersOfObject::Members => Ok(None),
        ReadersOfObject::AsTrail(kind) => Ok(Some(Place::trail(kind, id))),
        ReadersOfObject::AsTrailOfDepartment(kind) => {
            Ok(Some(Place::trail(kind, id.get(8..).unwrap_or_default())))
        }
        ReadersOfObject::AsChain => Ok(Some(match id.split_first() {
            Some((0xff, identity)) => Place::trail(TrailKind::IdentityIntegrity, identity),
            Some(_) | None => Place::trail(TrailKind::Integrity, id),
        })),
        ReadersOfObject::Rules => Err(nobody()),
    }
}

/// Whether every member may see an item pass in a watch of the whole ledger; of others, who may read one of its trails.
pub(super) fn is_for_members(kind: &Kind) -> bool {
    row(kind).domain == ItemDomain::Catalogue
}

fn code(id: &[u8]) -> &str {
    std::str::from_utf8(id).unwrap_or_default()
}

/// Whether a request shows the key that the tag of a subject's trail follows from: who holds that
/// reads the trail without being anybody on the ledger, where it [stands](stands). Errors for a key of
/// another subject.
pub(super) fn shows_subject_key(kind: TrailKind, id: &[u8], shown: &[u8]) -> Result<bool, Status> {
    if shown.is_empty() {
        return Ok(false);
    }
    let tag = Hash::from_slice(shown).map(|key| subject::tag(&key)).ok();
    let own = tag.is_some_and(|tag| kind == TrailKind::Subject && id.ends_with(tag.as_bytes()));
    if own {
        return Ok(true);
    }
    Err(with_reason(Reason::ReadDenied, "not the key of this subject's tag"))
}

/// Errors for a subject's trail on which nothing stands. Anybody can make up a key and the tag that follows
/// from it: without a token nothing is said of it, and not that there is nothing.
pub(super) fn stands(chain: &Chain, trail: &Place) -> Result<(), Status> {
    let size = chain.index().head(trail).map_err(|e| of_store(&e))?.size();
    if size > 0 {
        return Ok(());
    }
    let why = "nothing stands under the tag of this key; that nothing does is told at the collector's counter";
    Err(with_reason(Reason::NotFound, why))
}

impl Caller {
    /// By what right the caller may read a trail. Errors if by none.
    pub(super) fn may_read(&self, chain: &Chain, trail: &Place) -> Result<Access, Status> {
        let manages = trail.kind() == TrailKind::Dataset as u8 && self.has(Right::Manage);
        if self.is_party(chain, trail).map_err(|e| of_store(&e))? {
            return Ok(Access::Own);
        }
        if self.oversees() {
            return Ok(Access::Oversight);
        }
        if manages {
            return Ok(Access::InPart);
        }
        let why = format!(
            "{} is no party to {trail}, and neither audits nor regulates",
            self.department.code
        );
        Err(with_reason(Reason::ReadDenied, &why))
    }

    /// Whether the caller's department audits or regulates, and the caller is one of its people.
    pub(super) fn oversees(&self) -> bool {
        let right = self.has(Right::Audit) || self.has(Right::Regulate);
        use IdentityKind::{Auditor, Officer, Regulator, Root};
        right && matches!(self.identity.kind(), Auditor | Regulator | Officer | Root)
    }

    pub(super) fn has(&self, right: Right) -> bool {
        self.department.rights.contains(&(right as i32))
    }

    /// Whether this is the caller's department, or one whose place it took.
    pub(super) fn is(&self, code: &str) -> bool {
        code == self.department.code
            || self.department.predecessors.iter().any(|before| before == code)
    }

    /// Whether every member may read a trail, or the caller's department is party to it.
    pub(super) fn is_party(&self, chain: &Chain, trail: &Place) -> Result<bool, StoreError> {
        let id = trail.id();
        let Some(kind) = TrailKind::from_byte(trail.kind()) else { return Ok(false) };
        match of_trail(kind) {
            Readers::Members => Ok(true),
            Readers::IdentityLife => self.may_read_identity(chain, id),
            Readers::Key => {
                let place = Place::key(&KeyId::from_slice(id).unwrap_or_default());
                let key: Option<Arc<wire::Key>> = find(chain, &place)?;
                Ok(key.is_some_and(|key| self.is(&key.department)))
            }
            Readers::Gateway => self.has_identity(chain, id.get(..32).unwrap_or_default()),
            Readers::Dataset => {
                let dataset: Option<Arc<wire::Dataset>> = find(chain, &Place::dataset(code(id)))?;
                let entry = dataset.and_then(|it| it.registration.clone()).unwrap_or_default();
                Ok(self.is(&entry.collector))
            }
            Readers::Request => {
                self.is_party_to_request(chain, &RequestId::from_slice(id).unwrap_or_default())
            }
            Readers::Use => {
                self.is_party_to_use(chain, &RequestId::from_slice(id).unwrap_or_default())
            }
            Readers::Case => {
                let case: Option<Arc<wire::Case>> = find(chain, &Place::case(id))?;
                Ok(case.is_some_and(|it| self.may_see_case(&it)))
            }
            Readers::Product => {
                let product: Option<Arc<wire::Product>> = find(chain, &Place::product(id))?;
                Ok(product.is_some_and(|it| self.is_party_to_product(&it)))
            }
            Readers::Integrity => Ok(self.has(Right::Manage) || self.is(code(id))),
            Readers::IdentityIntegrity => {
                Ok(self.has(Right::Manage) || self.has_identity(chain, id)?)
            }
            Readers::Concerned => Ok(self.is(code(id))),
            Readers::Subject => Ok(id
                .split_last_chunk::<32>()
                .is_some_and(|(collector, _)| self.is(code(collector)))),
        }
    }

    /// Whether an event of these trails, made by this item or by the ledger, is for the caller: who may read one of
    /// the trails, and who manages, of what names no grant that there is and holds no records of others.
    pub(super) fn is_party_to_event(
        &self,
        chain: &Chain,
        trails: &[Place],
        item: Option<&Kind>,
    ) -> Result<bool, StoreError> {
        for trail in trails {
            if self.is_party(chain, trail)? {
                return Ok(true);
            }
        }
        let is = |kind: TrailKind, trail: &Place| trail.kind() == kind as u8;
        let of_dataset = trails.iter().any(|trail| is(TrailKind::Dataset, trail));
        if !self.has(Right::Manage) || !of_dataset || matches!(item, Some(Kind::CorrectRecords(_)))
        {
            return Ok(false);
        }
        for trail in trails.iter().filter(|trail| is(TrailKind::Use, trail)) {
            let id = RequestId::from_slice(trail.id()).unwrap_or_default();
            let grant: Option<Arc<wire::Grant>> = find(chain, &Place::grant(&id))?;
            if grant.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether an identity is of the caller's department.
    fn has_identity(&self, chain: &Chain, id: &[u8]) -> Result<bool, StoreError> {
        let place = Place::identity(&IdentityId::from_slice(id).unwrap_or_default());
        let identity: Option<Arc<wire::Identity>> = find(chain, &place)?;
        Ok(identity.is_some_and(|it| self.is(&it.department)))
    }

    /// Whoever is party to a case; and managers, who may rule.
    pub(super) fn may_see_case(&self, case: &wire::Case) -> bool {
        self.has(Right::Manage) || case.parties.iter().any(|code| self.is(code))
    }

    /// Who made a product, and who reviews it.
    pub(super) fn is_party_to_product(&self, product: &wire::Product) -> bool {
        let maker = product.registered.as_ref().map(|it| &it.department);
        let reviewers = product.reviews.iter().map(|it| &it.department);
        self.has(Right::Manage) || maker.into_iter().chain(reviewers).any(|code| self.is(code))
    }

    /// The life of an identity is for every member; but what auditors were shown stands there too,
    /// and that is for their own department.
    fn may_read_identity(&self, chain: &Chain, id: &[u8]) -> Result<bool, StoreError> {
        let place = Place::identity(&IdentityId::from_slice(id).unwrap_or_default());
        let identity: Option<Arc<wire::Identity>> = find(chain, &place)?;
        let Some(identity) = identity else { return Ok(true) };
        let place = Place::department(&identity.department);
        let department: Option<Arc<wire::Department>> = find(chain, &place)?;
        let oversees = department.is_some_and(|it| {
            [Right::Audit, Right::Regulate].iter().any(|right| it.rights.contains(&(*right as i32)))
        });
        Ok(!oversees || self.is(&identity.department))
    }

    /// Whether the caller's department asked, decides, manages, or passed the grant on.
    pub(super) fn is_party_to_request(
        &self,
        chain: &Chain,
        id: &RequestId,
    ) -> Result<bool, StoreError> {
        Ok(self.has(Right::Manage) || self.has_part(chain, id, true)?)
    }

    /// Whether the caller's department uses the grant, collects the data, manages this very grant, or
    /// passed it on.
    pub(super) fn is_party_to_use(
        &self,
        chain: &Chain,
        id: &RequestId,
    ) -> Result<bool, StoreError> {
        let grant: Option<Arc<wire::Grant>> = find(chain, &Place::grant(id))?;
        let manages = grant.is_some_and(|it| !it.manager.is_empty() && self.is(&it.manager));
        Ok(manages || self.has_part(chain, id, false)?)
    }

    fn has_part(&self, chain: &Chain, id: &RequestId, class: bool) -> Result<bool, StoreError> {
        let mut id = *id;
        loop {
            let request: Option<Arc<wire::Request>> = find(chain, &Place::request(&id))?;
            let Some(request) = request else { return Ok(false) };
            let asked = request.asked.clone().unwrap_or_default();
            let of_class =
                request.class.as_ref().is_some_and(|it| class && is_of_class(&self.department, it));
            if of_class || self.is(&asked.using_department) || self.is(&asked.collector) {
                return Ok(true);
            }
            match RequestId::from_slice(&request.parent_id) {
                Ok(parent) => id = parent,
                Err(_) => return Ok(false),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// The tables of the page, as the code has them.
    fn page() -> String {
        let mut trails = BTreeMap::<Readers, Vec<&str>>::new();
        for kind in TrailKind::ALL {
            trails.entry(of_trail(*kind)).or_default().push(kind.name());
        }
        let mut objects = BTreeMap::<ReadersOfObject, Vec<String>>::new();
        for kind in ObjectKind::ALL {
            objects.entry(of_object(*kind)).or_default().push(kind.name());
        }
        let named = |names: &[String]| {
            names.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")
        };
        let mut page = "| trail | who |\n|---|---|\n".to_owned();
        for (readers, names) in trails {
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            page.push_str(&format!("| {} | {} |\n", named(&names), readers.words()));
        }
        page.push_str("\n| object | who |\n|---|---|\n");
        for (readers, names) in objects {
            let who = match readers {
                ReadersOfObject::Members => "every member".to_owned(),
                ReadersOfObject::AsTrail(kind) => {
                    format!("who may read the `{}` trail of its id", kind.name())
                }
                ReadersOfObject::AsTrailOfDepartment(kind) => {
                    format!("who may read the `{}` trail of its department", kind.name())
                }
                ReadersOfObject::AsChain => "who may read the integrity chain that it is of".into(),
                ReadersOfObject::Rules => "nobody: it stands for the ledger's rules alone".into(),
            };
            page.push_str(&format!("| {} | {who} |\n", named(&names)));
        }
        page
    }

    #[test]
    fn the_page_follows_the_table() {
        let operating = include_str!("../../../docs/operating.md");
        let expected = page();
        assert!(operating.contains(&expected), "docs/operating.md should hold:\n{expected}");
    }
}
