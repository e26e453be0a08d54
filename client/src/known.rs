//! Objects of the ledger as they stand at one header, verified: for who decides by them.

use crate::connect::{Node, join};
use crate::error::ClientError;
use liuhen_proto::place::Place;
use liuhen_proto::verify::{Known, Trust, known};
use liuhen_proto::wire;
use std::collections::BTreeSet;

impl Node {
    /// How the objects at some places stand, all at one certified header. Errors where the node proves something else or less.
    pub async fn known(
        &self,
        trust: impl Into<Trust<'_>>,
        places: &BTreeSet<Place>,
    ) -> Result<Known, ClientError> {
        let trust = trust.into();
        let pinned = match &trust {
            Trust::Genesis(_) => 0,
            Trust::Checkpoint(checkpoint) => checkpoint.size,
        };
        let bytes = self.objects_proof(places, pinned).await?;
        let proved = known(trust, &bytes).map_err(ClientError::failed)?.into_inner();
        match places.iter().find(|place| !proved.objects.contains_key(place)) {
            None => Ok(proved),
            Some(place) => Err(ClientError::failed(format!("the node proved nothing of {place}"))),
        }
    }

    /// The node's proof of how the objects at some places stand, as whoever verifies it elsewhere takes it: an `ObjectsProof`. `pinned`: the
    /// size of the checkpoint that is trusted there; 0: the founding document.
    pub async fn objects_proof(
        &self,
        places: &BTreeSet<Place>,
        pinned: u64,
    ) -> Result<Vec<u8>, ClientError> {
        let name =
            |it: &Place| wire::ObjectName { kind: u32::from(it.kind()), id: it.id().to_vec() };
        let objects = places.iter().map(name).collect();
        let request = wire::ProveObjectsRequest { objects, pinned };
        join(self.proofs().prove_objects(request).await?.into_inner()).await
    }
}
