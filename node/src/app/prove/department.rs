//! Proofs of all that was signed for a department.

use super::{Chain, ProveError, Read, Transactions};
use liuhen_proto::place::{Place, TrailKind};
use liuhen_proto::types::IdentityId;
use liuhen_proto::verify::Range;
use liuhen_proto::wire::{self, trace};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Which keys sign for a department, and the objects that say so.
pub(super) struct Signers {
    pub(super) objects: BTreeSet<Place>,
    pub(super) key_ids: BTreeSet<Vec<u8>>,
}

impl Chain {
    /// Proves that these are all events that a department's keys signed in a range, and which keys
    /// those are. Gives the proof, and what was read of which trails.
    pub fn prove_department(
        &self,
        code: &str,
        range: Range,
        pinned: Option<u64>,
    ) -> Result<(Vec<u8>, Vec<Read>), ProveError> {
        let (mut needs, mut reads) = (Transactions::default(), Vec::new());
        let Signers { objects, key_ids } = self.signers(code)?;
        needs.objects.extend(objects);
        let mut all =
            |kind, id: &[u8], range| self.one_of_several((kind, id), range, &mut needs, &mut reads);
        let trail = all(TrailKind::Department, code.as_bytes(), Range::Whole)?;
        let keys = key_ids.iter().map(|id| all(TrailKind::Key, id, range));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        let department = code.to_owned();
        let claim = wire::DepartmentClaim { department, trail: Some(trail), keys };
        let proof = self.trace(needs, trace::Claim::Department(claim), pinned)?;
        Ok((proof, reads))
    }
    /// Who signs for a department. Errors where nobody does.
    pub(super) fn signers(&self, code: &str) -> Result<Signers, ProveError> {
        let place = Place::roster(code);
        let roster: Option<Arc<wire::Roster>> = self.index.typed(&place)?;
        let nobody = || ProveError::NotSo(format!("no identity of {code} is on the ledger"));
        let roster = roster.ok_or_else(nobody)?;
        let mut signers = Signers { objects: BTreeSet::from([place]), key_ids: BTreeSet::new() };
        for id in &roster.identity_ids {
            let place = Place::identity(&IdentityId::from_slice(id).unwrap_or_default());
            let identity: Option<Arc<wire::Identity>> = self.index.typed(&place)?;
            signers.key_ids.extend(identity.iter().flat_map(|it| it.key_ids.iter().cloned()));
            signers.objects.insert(place);
        }
        Ok(signers)
    }
}
