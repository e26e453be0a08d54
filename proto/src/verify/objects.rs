//! Objects of the map at the anchor: keys, identities and departments of those who signed, and what
//! else a claim reads.

use super::{NotVerified, invalid};
use crate::header::block::Header;
use crate::ledger::{Object, intervals, seal::object_value};
use crate::merkle::map::MapPath;
use crate::place::{ObjectKind, Place};
use crate::suite::sign::PublicKey;
use crate::tx::TxHeader;
use crate::types::{Height, limits};
use crate::wire;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Proved objects by place.
#[derive(Debug, Default)]
pub(super) struct Objects(BTreeMap<Place, Object>);

/// Checks that each object stands in the map of the anchor.
pub(super) fn verify(
    proofs: &[wire::ObjectProof],
    anchor: &Header,
) -> Result<Objects, NotVerified> {
    let mut objects = BTreeMap::new();
    for proof in proofs {
        let (kind, place) = place(proof.kind, &proof.id)?;
        let path = proof.path.as_ref().ok_or_else(|| invalid("object.path", "no path"))?;
        let path = MapPath::from_wire(path).map_err(|e| invalid("object.path", e))?;
        let root = path.root_with(&place.map_key(), &object_value(&proof.object));
        if root != Some(anchor.map_root) {
            return Err(invalid("object.path", format!("{place:?} is not in the anchor's map")));
        }
        let object =
            Object::from_bytes(kind, &proof.object).map_err(|e| invalid("object.malformed", e))?;
        if objects.insert(place, object).is_some() {
            return Err(invalid("object.twice", "an object is given twice"));
        }
    }
    Ok(Objects(objects))
}

/// An object's kind and place, as a file names it. Errors for an id that no object of the kind could have.
pub(super) fn place(kind: u32, id: &[u8]) -> Result<(ObjectKind, Place), NotVerified> {
    let kind = u8::try_from(kind).ok().and_then(ObjectKind::from_byte);
    let kind = kind.ok_or_else(|| invalid("object.kind", "an object of unknown kind"))?;
    let place = Place::object(kind, id);
    match id.len() <= limits::OBJECT_ID && place.takes_id() {
        true => Ok((kind, place)),
        false => {
            let name = kind.name();
            Err(invalid("object.id", format!("no object of kind {name} can have such an id")))
        }
    }
}

impl IntoIterator for Objects {
    type Item = (Place, Object);
    type IntoIter = std::collections::btree_map::IntoIter<Place, Object>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Objects {
    /// Where the objects stand.
    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        self.0.keys()
    }

    /// The object at a place, if the file has it.
    pub(super) fn any(&self, place: &Place) -> Option<&Object> {
        self.0.get(place)
    }

    pub(super) fn get<T>(&self, place: &Place) -> Option<Arc<T>>
    where
        Arc<T>: TryFrom<Object>,
    {
        Arc::<T>::try_from(self.0.get(place)?.clone()).ok()
    }

    /// The key of a transaction's signer.
    pub(super) fn key(&self, header: &TxHeader) -> Result<PublicKey, NotVerified> {
        let key: Arc<wire::Key> = self
            .get(&Place::key(&header.key))
            .ok_or_else(|| NotVerified::Undecidable(format!("the object of key {}", header.key)))?;
        let public =
            PublicKey::from_slice(&key.public_key).map_err(|e| invalid("signer.key", e))?;
        let named = key.department == header.department
            && key.identity_id == header.identity.as_bytes()
            && public.key_id() == header.key;
        if named {
            Ok(public)
        } else {
            Err(invalid("signer.mismatch", "another signer than stated"))
        }
    }

    /// Checks that key, identity and department of a signer were in force at a height.
    pub(super) fn in_force(&self, header: &TxHeader, height: Height) -> Result<(), NotVerified> {
        let missing = |what: &str| NotVerified::Undecidable(format!("the object of {what}"));
        let key: Arc<wire::Key> =
            self.get(&Place::key(&header.key)).ok_or_else(|| missing("a key"))?;
        let identity: Arc<wire::Identity> =
            self.get(&Place::identity(&header.identity)).ok_or_else(|| missing("an identity"))?;
        let department: Arc<wire::Department> = self
            .get(&Place::department(&header.department))
            .ok_or_else(|| missing("a department"))?;
        if intervals::may_sign(&key, &identity, &department, height) {
            Ok(())
        } else {
            Err(invalid("signer.not_in_force", format!("key {} at height {height}", header.key)))
        }
    }
}
