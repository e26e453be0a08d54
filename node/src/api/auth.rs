//! Who calls, and what they may read. A caller is an identity of the ledger: a short token signed
//! with a key in force.
//!
//! | may read | who |
//! |---|---|
//! | status, founding document | anybody: both are needed to make a token |
//! | departments, identities, catalogue, governance | every member |
//! | a trail, a request, a grant | the departments that are party to it; who manages grants |
//! | every trail | who audits or regulates; each read is recorded |

use super::{Shared, of_store};
use crate::app::Chain;
use crate::clock;
use crate::store::StoreError;
use liuhen_proto::ledger::{Object, intervals};
use liuhen_proto::place::{Place, TrailKind};
use liuhen_proto::sign::PublicKey;
use liuhen_proto::types::{IdentityId, KeyId, RequestId};
use liuhen_proto::wire::{self, IdentityKind, Right};
use liuhen_rpc::status::with_reason;
use liuhen_rpc::token;
use std::sync::Arc;
use tonic::metadata::MetadataMap;
use tonic::{Code, Request, Status};

/// Names the audit for which something is read.
pub const AUDIT_HEADER: &str = "liuhen-audit";

/// Whoever calls.
#[derive(Debug, Clone)]
pub struct Caller {
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
    let token = bearer(metadata)?;
    let denied = |why: &str| with_reason(Code::Unauthenticated, "token.bad", why);
    let key_id = token::key_of(token).map_err(|e| denied(&e.to_string()))?;
    let chain = shared.chain();
    let unknown = || denied(&format!("key {key_id} is not on the ledger"));
    let key: Arc<wire::Key> = get(&chain, &Place::key(&key_id))?.ok_or_else(unknown)?;
    let public = PublicKey::from_slice(&key.public_key).map_err(|_| unknown())?;
    token::check(token, &public, &chain.founding().chain(), clock::now())
        .map_err(|e| denied(&e.to_string()))?;
    let id = IdentityId::from_slice(&key.identity_id).unwrap_or_default();
    let identity: Arc<wire::Identity> = get(&chain, &Place::identity(&id))?.ok_or_else(unknown)?;
    let department: Arc<wire::Department> =
        get(&chain, &Place::department(&key.department))?.ok_or_else(unknown)?;
    let all = [&key.standing, &identity.standing, &department.standing];
    let height = chain.next_height();
    if !all.into_iter().all(|standing| intervals::at_height(standing, height)) {
        let why = format!("key {key_id}, its identity or its department is not in force");
        return Err(denied(&why));
    }
    let audit = metadata.get(AUDIT_HEADER).and_then(|it| it.to_str().ok()).map(str::to_owned);
    Ok(Caller { department, identity, audit })
}

fn bearer(metadata: &MetadataMap) -> Result<&str, Status> {
    let value = metadata.get("authorization").and_then(|it| it.to_str().ok());
    value.and_then(|it| it.strip_prefix("Bearer ")).ok_or_else(|| {
        let why = "a token is needed: sign one with a key of the ledger (liuhen does with --key)";
        with_reason(Code::Unauthenticated, "token.missing", why)
    })
}

fn get<T>(chain: &Chain, place: &Place) -> Result<Option<Arc<T>>, Status>
where
    Arc<T>: TryFrom<Object>,
{
    find(chain, place).map_err(|e| of_store(&e))
}

fn find<T>(chain: &Chain, place: &Place) -> Result<Option<Arc<T>>, StoreError>
where
    Arc<T>: TryFrom<Object>,
{
    Ok(chain.index().get(place)?.and_then(|object| Arc::<T>::try_from(object).ok()))
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
        Err(with_reason(Code::PermissionDenied, "read.denied", &why))
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
    fn is(&self, chain: &Chain, code: &str) -> Result<bool, StoreError> {
        if code == self.department.code {
            return Ok(true);
        }
        let named: Option<Arc<wire::Department>> = find(chain, &Place::department(code))?;
        Ok(named.is_some_and(|it| it.successor == self.department.code))
    }

    /// Whether every member may read a trail, or the caller's department is party to it.
    pub(super) fn is_party(&self, chain: &Chain, trail: &Place) -> Result<bool, StoreError> {
        let id = trail.id();
        let code = std::str::from_utf8(id).unwrap_or_default();
        match TrailKind::from_byte(trail.kind()) {
            Some(TrailKind::Department | TrailKind::Identity | TrailKind::Governance) => Ok(true),
            Some(TrailKind::Key) => {
                let place = Place::key(&KeyId::from_slice(id).unwrap_or_default());
                let key: Option<Arc<wire::Key>> = find(chain, &place)?;
                key.map_or(Ok(false), |key| self.is(chain, &key.department))
            }
            Some(TrailKind::Gateway) => {
                let place = Place::identity(&IdentityId::from_slice(id).unwrap_or_default());
                let gateway: Option<Arc<wire::Identity>> = find(chain, &place)?;
                gateway.map_or(Ok(false), |it| self.is(chain, &it.department))
            }
            Some(TrailKind::Integrity) => Ok(self.has(Right::Manage) || self.is(chain, code)?),
            Some(TrailKind::Dataset) => {
                let dataset: Option<Arc<wire::Dataset>> = find(chain, &Place::dataset(code))?;
                let entry = dataset.and_then(|it| it.registration.clone()).unwrap_or_default();
                Ok(self.has(Right::Manage) || self.is(chain, &entry.collector)?)
            }
            Some(TrailKind::Grant | TrailKind::Use) => {
                let request = RequestId::from_slice(id).unwrap_or_default();
                self.is_party_to_request(chain, &request)
            }
            Some(TrailKind::Subject) => match id.split_last_chunk::<32>() {
                Some((collector, _)) => {
                    self.is(chain, std::str::from_utf8(collector).unwrap_or_default())
                }
                None => Ok(false),
            },
            None => Ok(false),
        }
    }

    /// Whether the caller's department asked, decides, manages, or passed the grant on.
    pub(super) fn is_party_to_request(
        &self,
        chain: &Chain,
        id: &RequestId,
    ) -> Result<bool, StoreError> {
        if self.has(Right::Manage) {
            return Ok(true);
        }
        let mut id = *id;
        loop {
            let request: Option<Arc<wire::Request>> = find(chain, &Place::request(&id))?;
            let Some(request) = request else { return Ok(false) };
            let asked = request.asked.clone().unwrap_or_default();
            if self.is(chain, &asked.using_department)? || self.is(chain, &asked.collector)? {
                return Ok(true);
            }
            if request.class.as_ref().is_some_and(|class| self.is_of(class)) {
                return Ok(true);
            }
            match RequestId::from_slice(&request.parent_id) {
                Ok(parent) => id = parent,
                Err(_) => return Ok(false),
            }
        }
    }

    fn is_of(&self, class: &wire::DepartmentClass) -> bool {
        let level = class.levels.is_empty() || class.levels.contains(&self.department.level);
        level && self.department.division.starts_with(&class.division)
    }
}
