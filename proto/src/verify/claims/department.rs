//! All that was signed for a department: the trails of every key that its identities have or had.

use super::super::events::Checker;
use super::super::{NotVerified, invalid};
use super::completeness::{self, Completeness, Range};
use crate::place::{ObjectKind, Place, TrailKind};
use crate::types::IdentityId;
use crate::wire;
use std::collections::BTreeSet;
use std::sync::Arc;

/// All that was signed for a department in a range.
#[derive(Debug, Clone)]
pub struct Department {
    /// Its code.
    pub code: String,
    /// Its own trail, from its beginning.
    pub trail: Completeness,
    /// How many identities it has or had.
    pub identities: usize,
    /// The trails of their keys, by key id.
    pub keys: Vec<Completeness>,
    /// The objects that say which keys those are.
    pub(super) reads: Vec<Place>,
}

/// Verifies that no key of the department, and nothing that it signed, is left out.
pub(super) fn verify(
    claim: &wire::DepartmentClaim,
    checker: &Checker<'_>,
) -> Result<Department, NotVerified> {
    let trail = claim.trail.as_ref().ok_or_else(|| invalid("claim.none", "no trail"))?;
    let trail = completeness::verify(trail, checker)?;
    let is_its = trail.kind == TrailKind::Department
        && trail.trail.id() == claim.department.as_bytes()
        && trail.range == Range::Whole;
    if !is_its {
        return Err(invalid("department.trail", "not the department's whole trail"));
    }
    let Signers { identities, key_ids, reads } = signers(&claim.department, checker)?;
    let given = claim.keys.iter().map(|it| it.trail_id.as_slice());
    if !given.eq(key_ids.iter().map(Vec::as_slice)) {
        return Err(invalid("department.keys", "not the trails of all its keys, in order"));
    }
    let all = claim.keys.iter().map(|it| completeness::verify(it, checker));
    let keys = all.collect::<Result<Vec<_>, _>>()?;
    let first = keys.first().map_or(Range::Whole, |it| it.range);
    if keys.iter().any(|it| it.kind != TrailKind::Key || it.range != first) {
        return Err(invalid("department.keys", "not trails of keys in one range"));
    }
    Ok(Department { code: claim.department.clone(), trail, identities, keys, reads })
}

/// Who signs for a department.
struct Signers {
    identities: usize,
    key_ids: BTreeSet<Vec<u8>>,
    /// The objects that say so.
    reads: Vec<Place>,
}

fn signers(code: &str, checker: &Checker<'_>) -> Result<Signers, NotVerified> {
    let missing = |what: &Place| NotVerified::Undecidable(format!("{what}"));
    let place = Place::object(ObjectKind::Roster, code.as_bytes());
    let roster: Option<Arc<wire::Roster>> = checker.objects.get(&place);
    let roster = roster.ok_or_else(|| missing(&place))?;
    let (mut key_ids, mut reads) = (BTreeSet::new(), vec![place]);
    for id in &roster.identity_ids {
        let place = Place::identity(&IdentityId::from_slice(id).unwrap_or_default());
        let identity: Option<Arc<wire::Identity>> = checker.objects.get(&place);
        let identity = identity.ok_or_else(|| missing(&place))?;
        key_ids.extend(identity.key_ids.iter().cloned());
        reads.push(place);
    }
    Ok(Signers { identities: roster.identity_ids.len(), key_ids, reads })
}
