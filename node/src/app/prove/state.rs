//! Proofs of how an object stands, or that there is none; and that what was noted still stands.

use super::{Chain, ProveError, Transactions, to_bytes};
use crate::store::{StoreError, TrailTree};
use liuhen_proto::merkle::log::subtree_root;
use liuhen_proto::merkle::{Blake3Log, LogHash, Sha256Log, Tree, consistency};
use liuhen_proto::place::{Place, TrailKind};
use liuhen_proto::types::Hash;
use liuhen_proto::wire::{self, absence_claim::Of, trace};

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
                let path = Some(self.trie.prove(&place.map_key()).to_wire());
                let of = Some(Of::Object(wire::AbsentObject { kind, id, path }));
                trace::Claim::Absence(wire::AbsenceClaim { of })
            }
        };
        self.trace(needs, claim, pinned)
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
