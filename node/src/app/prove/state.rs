//! Proofs of how an object stands, or that there is none; and that what was noted still stands.

use super::{Chain, ProveError, Transactions, to_bytes};
use crate::store::{StoreError, TrailTree};
use liuhen_proto::merkle::log::subtree_root;
use liuhen_proto::merkle::{Blake3Log, LogHash, Sha256Log, Tree, consistency};
use liuhen_proto::place::{Place, TrailKind};
use liuhen_proto::types::{Hash, limits};
use liuhen_proto::wire::{self, absence_claim::Of, trace};
use prost::Message as _;
use std::collections::BTreeSet;

impl Chain {
    /// Proves how an object stands; or that there is none at this place.
    pub fn prove_object(&self, place: &Place, pinned: Option<u64>) -> Result<Vec<u8>, ProveError> {
        let (kind, id) = (u32::from(place.kind()), place.id().to_vec());
        let mut needs = Transactions::default();
        let claim = match self.index.get(place)? {
            Some(_) => {
                needs.objects.insert(place.clone());
                trace::Claim::State(wire::StateClaim { kind, id })
            }
            None => {
                let of = Some(Of::Object(self.absent(place)));
                trace::Claim::Absence(wire::AbsenceClaim { of })
            }
        };
        self.trace(needs, claim, pinned)
    }

    /// How the objects at several places stand at the last header, or that there are none; as an `ObjectsProof`.
    pub fn prove_objects(
        &self,
        places: &BTreeSet<Place>,
        pinned: Option<u64>,
    ) -> Result<Vec<u8>, ProveError> {
        let mut at = self.snapshot(pinned)?;
        let (mut objects, mut absent) = (Vec::new(), Vec::new());
        for place in places {
            match self.index.get(place)? {
                Some(_) => objects.push(at.object(self, place)?),
                None => absent.push(self.absent(place)),
            }
        }
        let proof = wire::ObjectsProof { anchor: Some(at.into_anchor()), objects, absent };
        let bytes = proof.encode_to_vec();
        match bytes.len() <= limits::TRACE_BYTES {
            true => Ok(bytes),
            false => Err(ProveError::TooLarge { bytes: bytes.len() }),
        }
    }

    /// That no object stands at a place.
    fn absent(&self, place: &Place) -> wire::AbsentObject {
        let path = Some(self.trie.prove(&place.map_key()).to_wire());
        wire::AbsentObject { kind: u32::from(place.kind()), id: place.id().to_vec(), path }
    }

    /// Proves that the chain, or a trail, extends its first `noted` headers or events.
    pub fn prove_consistency(
        &self,
        trail: Option<(TrailKind, &[u8])>,
        noted: u64,
        pinned: Option<u64>,
    ) -> Result<Vec<u8>, ProveError> {
        let (noted_root, hashes, trail) = match trail {
            Some((kind, id)) => {
                let place = Place::trail(kind, id);
                let tree = TrailTree::new(&self.index, &place)?;
                let size = tree.size();
                let (root, hashes) = extends::<Blake3Log, _>(&tree, noted, size)?;
                let head = wire::TrailHead {
                    trail_kind: u32::from(kind as u8),
                    trail_id: id.to_vec(),
                    size,
                    root: tree.root()?.to_vec(),
                    path: Some(self.trie.prove(&place.map_key()).to_wire()),
                };
                (root, hashes, Some(head))
            }
            None => {
                let size = self.parent.header.height.get();
                let (root, hashes) = extends::<Sha256Log, _>(&self.headers, noted, size)?;
                (root, hashes, None)
            }
        };
        let claim = wire::ConsistencyClaim {
            noted_size: noted,
            noted_root: noted_root.to_vec(),
            hashes: to_bytes(&hashes),
            trail,
        };
        self.trace(Transactions::default(), trace::Claim::Consistency(claim), pinned)
    }
}

/// The root over the first `noted` leaves, and the path from it to the first `size`.
fn extends<L: LogHash, T: Tree>(
    tree: &T,
    noted: u64,
    size: u64,
) -> Result<(Hash, Vec<Hash>), ProveError>
where
    T::Error: std::fmt::Display,
{
    let damaged = |error: T::Error| StoreError::Damaged(error.to_string());
    let path = match noted <= size {
        true => consistency::prove::<L, T>(tree, noted, size).map_err(damaged)?,
        false => None,
    };
    let Some(path) = path else {
        let why = format!("a size of 1 to {size} is needed: there are so many");
        return Err(ProveError::NotSo(why));
    };
    Ok((subtree_root::<L, T>(tree, 0, noted).map_err(damaged)?, path))
}
