//! Who calls, and what they may read. A caller is an identity of the ledger: a short token signed
//! with a key in force.
//!
//! | may read | who |
//! |---|---|
//! | status, founding document | anybody: both are needed to make a token |
//! | departments, identities, catalogue, governance | every member |
//! | a trail, a request, a grant | the departments that are party to it; who manages grants, but for the use made of other managers' grants |
//! | a subject's trail | the collector; without any token, where the tag stands on the ledger, whoever shows the key that it follows from |
//! | a subject's proof, which has the collector's bulk and whole accesses too | the collector |
//! | integrity events, alerts | the department; integrity events managers too |
//! | a case, a data product | who is party to it; managers |
//! | every trail | who audits or regulates; each read is recorded |

use super::{Shared, of_store};
use crate::app::Chain;
use crate::clock;
use crate::store::StoreError;
use liuhen_proto::items::sharing::grants::is_of_class;
use liuhen_proto::ledger::{Object, intervals};
use liuhen_proto::place::{Place, TrailKind};
use liuhen_proto::subject;
use liuhen_proto::suite::sign::PublicKey;
use liuhen_proto::types::{Hash, IdentityId, KeyId, RequestId};
use liuhen_proto::wire::{self, IdentityKind, Right};
use liuhen_rpc::reason::Reason;
use liuhen_rpc::status::with_reason;
use liuhen_rpc::token;
use std::sync::Arc;
use tonic::metadata::MetadataMap;
use tonic::{Request, Status};

/// Whoever calls.
#[derive(Debug, Clone)]
pub struct Caller {
    pub(super) key: KeyId,
    pub(super) department: Arc<wire::Department>,
    pub(super) identity: Arc<wire::Identity>,
    /// The audit for which something is read.
    pub(super) audit: Option<String>,
}

/// By what right something may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// As a member, or as a party.
    Own,
    /// As who audits or regulates: the read is recorded.
    Oversight,
}

/// Who calls, by the token that comes with a call.
pub(super) fn caller<T>(shared: &Shared, request: &Request<T>) -> Result<Caller, Status> {
    let metadata = request.metadata();
    let bearer = bearer(metadata)?;
    let key_id = token::key_of(bearer).map_err(|e| denied(&e.to_string()))?;
    let audit =
        metadata.get(token::AUDIT_HEADER).and_then(|it| it.to_str().ok()).map(str::to_owned);
    let chain = shared.chain();
    let key = key(&chain, &key_id)?;
    let public = PublicKey::from_slice(&key.public_key).map_err(|_| unknown(&key_id))?;
    token::check(bearer, &public, &chain.founding().chain(), clock::now())
        .map_err(|e| denied(&e.to_string()))?;
    holder(&chain, &key_id, &key, audit)
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

fn key(chain: &Chain, id: &KeyId) -> Result<Arc<wire::Key>, Status> {
    find(chain, &Place::key(id)).map_err(|e| of_store(&e))?.ok_or_else(|| unknown(id))
}

fn denied(why: &str) -> Status {
    with_reason(Reason::TokenBad, why)
}

fn unknown(key: &KeyId) -> Status {
    denied(&format!("key {key} is not on the ledger"))
}

/// Whose key it is, if it, its identity and its department are in force for the next block.
pub(super) fn in_force(
    chain: &Chain,
    key_id: &KeyId,
    audit: Option<String>,
) -> Result<Caller, Status> {
    holder(chain, key_id, &*key(chain, key_id)?, audit)
}

fn holder(
    chain: &Chain,
    key_id: &KeyId,
    key: &wire::Key,
    audit: Option<String>,
) -> Result<Caller, Status> {
    let missing = || unknown(key_id);
    let id = IdentityId::from_slice(&key.identity_id).unwrap_or_default();
    let identity: Option<Arc<wire::Identity>> =
        find(chain, &Place::identity(&id)).map_err(|e| of_store(&e))?;
    let department: Option<Arc<wire::Department>> =
        find(chain, &Place::department(&key.department)).map_err(|e| of_store(&e))?;
    let (identity, department) = (identity.ok_or_else(missing)?, department.ok_or_else(missing)?);
    if !intervals::may_sign(key, &identity, &department, chain.next_height()) {
        let why = format!("key {key_id}, its identity or its department is not in force");
        return Err(denied(&why));
    }
    Ok(Caller { key: *key_id, department, identity, audit })
}

fn bearer(metadata: &MetadataMap) -> Result<&str, Status> {
    let value = metadata.get("authorization").and_then(|it| it.to_str().ok());
    value.and_then(|it| it.strip_prefix("Bearer ")).ok_or_else(|| {
        let why = "a token is needed: sign one with a key of the ledger (liuhen does with --key)";
        with_reason(Reason::TokenMissing, why)
    })
}

fn find<T>(chain: &Chain, place: &Place) -> Result<Option<Arc<T>>, StoreError>
where
    Arc<T>: TryFrom<Object>,
{
    chain.index().typed(place)
}

impl Caller {
    /// By what right the caller may read a trail. Errors if by none.
    pub(super) fn may_read(&self, chain: &Chain, trail: &Place) -> Result<Access, Status> {
        if self.is_party(chain, trail).map_err(|e| of_store(&e))? {
            return Ok(Access::Own);
        }
        if self.oversees() {
            return Ok(Access::Oversight);
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
        let code = std::str::from_utf8(id).unwrap_or_default();
        match TrailKind::from_byte(trail.kind()) {
            Some(TrailKind::Department | TrailKind::Governance) => Ok(true),
            Some(TrailKind::Identity) => self.may_read_identity(chain, id),
            Some(TrailKind::Key) => {
                let place = Place::key(&KeyId::from_slice(id).unwrap_or_default());
                let key: Option<Arc<wire::Key>> = find(chain, &place)?;
                Ok(key.is_some_and(|key| self.is(&key.department)))
            }
            Some(TrailKind::Gateway) => {
                let place = Place::identity(&IdentityId::from_slice(id).unwrap_or_default());
                let gateway: Option<Arc<wire::Identity>> = find(chain, &place)?;
                Ok(gateway.is_some_and(|it| self.is(&it.department)))
            }
            Some(TrailKind::Integrity) => Ok(self.has(Right::Manage) || self.is(code)),
            Some(TrailKind::Dataset) => {
                let dataset: Option<Arc<wire::Dataset>> = find(chain, &Place::dataset(code))?;
                let entry = dataset.and_then(|it| it.registration.clone()).unwrap_or_default();
                Ok(self.has(Right::Manage) || self.is(&entry.collector))
            }
            Some(TrailKind::Grant) => {
                let request = RequestId::from_slice(id).unwrap_or_default();
                self.is_party_to_request(chain, &request)
            }
            Some(TrailKind::Use) => {
                let request = RequestId::from_slice(id).unwrap_or_default();
                self.is_party_to_use(chain, &request)
            }
            Some(TrailKind::Case) => self.is_party_to_case(chain, id),
            Some(TrailKind::IdentityIntegrity) => {
                let place = Place::identity(&IdentityId::from_slice(id).unwrap_or_default());
                let identity: Option<Arc<wire::Identity>> = find(chain, &place)?;
                let own = identity.is_some_and(|it| self.is(&it.department));
                Ok(own || self.has(Right::Manage))
            }
            Some(TrailKind::Acknowledgements) => {
                let request = RequestId::from_slice(id).unwrap_or_default();
                self.is_party_to_use(chain, &request)
            }
            Some(TrailKind::Sealed | TrailKind::Unlisted | TrailKind::Alert) => Ok(self.is(code)),
            Some(TrailKind::BulkTags) => {
                let gateway = id.get(..32).unwrap_or_default();
                let place = Place::identity(&IdentityId::from_slice(gateway).unwrap_or_default());
                let gateway: Option<Arc<wire::Identity>> = find(chain, &place)?;
                Ok(gateway.is_some_and(|it| self.is(&it.department)))
            }
            Some(TrailKind::Product) => {
                let product: Option<Arc<wire::Product>> = find(chain, &Place::product(id))?;
                Ok(product.is_some_and(|it| self.is_party_to_product(&it)))
            }
            Some(TrailKind::Subject) => Ok(id
                .split_last_chunk::<32>()
                .is_some_and(|(code, _)| self.is(std::str::from_utf8(code).unwrap_or_default()))),
            None => Ok(false),
        }
    }

    /// Whoever is party to a case; and managers, who may rule.
    fn is_party_to_case(&self, chain: &Chain, id: &[u8]) -> Result<bool, StoreError> {
        let case: Option<Arc<wire::Case>> = find(chain, &Place::case(id))?;
        Ok(case.is_some_and(|it| self.may_see_case(&it)))
    }

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
    fn is_party_to_use(&self, chain: &Chain, id: &RequestId) -> Result<bool, StoreError> {
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
