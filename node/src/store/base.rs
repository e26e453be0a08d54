//! What a node that joined by a snapshot knows of the blocks before it: their ids, and which of them changed the validators.
//! It is there until those blocks are.

use super::disk::DiskPath;
use super::{StoreError, entry};
use crate::codec;
use liuhen_proto::header::block::Header;
use liuhen_proto::types::{Hash, Height};
use liuhen_proto::wire;
use prost::Message as _;

/// Ids in one entry of the file.
const IDS: usize = 32 * 1024;

/// Where a log begins that does not begin at height 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Base {
    /// The height of the first block that the log had.
    pub height: Height,
    /// Ids of all blocks before it, genesis first.
    pub ids: Vec<Hash>,
    /// The changes of validators among them, by height ascending.
    pub changes: Vec<wire::ValidatorChange>,
}

/// Its file in a data folder.
pub const BASE_FILE: &str = "base";

impl Base {
    /// The heights of the changes of validators.
    pub fn changed(&self) -> Vec<Height> {
        self.changes.iter().filter_map(height_of).collect()
    }

    /// The change of validators at a height.
    pub fn change(&self, height: Height) -> Option<&wire::ValidatorChange> {
        self.changes.iter().find(|it| height_of(it) == Some(height))
    }

    /// Reads the file; `None` where there is none.
    pub fn read(path: &DiskPath) -> Result<Option<Self>, StoreError> {
        if !path.exists() {
            return Ok(None);
        }
        let bytes = path.read().map_err(StoreError::io(format!("read {path}")))?;
        let damaged = || StoreError::Damaged(path.to_string());
        let mut entries = Entries { bytes: &bytes, at: 0 };
        let first = entries.next().ok_or_else(damaged)?;
        let (height, changes): (u64, Vec<Vec<u8>>) = codec::decode(first).map_err(|_| damaged())?;
        let changes = changes.iter().map(|it| wire::ValidatorChange::decode(it.as_slice()));
        let changes = changes.collect::<Result<_, _>>().map_err(|_| damaged())?;
        let mut ids = Vec::new();
        for entry in entries.by_ref() {
            let (whole, _) = entry.as_chunks::<32>();
            ids.extend(whole.iter().map(|it| Hash::new(*it)));
        }
        let is_whole = entries.at == bytes.len() && ids.len() as u64 == height;
        let height = Height::new(height);
        is_whole.then_some(Some(Self { height, ids, changes })).ok_or_else(damaged)
    }

    /// Writes the file, whole or not at all.
    pub fn write(&self, path: &DiskPath) -> Result<(), StoreError> {
        let changes: Vec<Vec<u8>> = self.changes.iter().map(|it| it.encode_to_vec()).collect();
        let first = codec::encode(&(self.height.get(), changes));
        let mut bytes = entry::whole(&first.map_err(|e| StoreError::Damaged(e.to_string()))?);
        for ids in self.ids.chunks(IDS) {
            let ids: Vec<u8> = ids.iter().flat_map(|it| *it.as_bytes()).collect();
            bytes.extend(entry::whole(&ids));
        }
        path.write_durably(&bytes).map_err(StoreError::io(format!("write {path}")))
    }
}

fn height_of(change: &wire::ValidatorChange) -> Option<Height> {
    Header::from_bytes(&change.header).ok().map(|it| it.height)
}

/// The payloads of whole entries, as far as there are some.
struct Entries<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Entries<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let end = entry::end(self.bytes, self.at)?;
        let payload = self.bytes.get(self.at.saturating_add(entry::HEADER)..end)?;
        self.at = end;
        Some(payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written_and_any_other_byte_is_damage() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("base");
        let path = DiskPath::from(&file);
        assert_eq!(Base::read(&path).unwrap(), None);
        let change = wire::ValidatorChange { header: vec![1; 288], ..Default::default() };
        let ids: Vec<Hash> =
            (0..40_000u32).map(|n| Hash::new(*blake3::hash(&n.to_be_bytes()).as_bytes())).collect();
        let base = Base { height: Height::new(40_000), ids, changes: vec![change] };
        base.write(&path).unwrap();
        assert_eq!(Base::read(&path).unwrap(), Some(base));
        let bytes = std::fs::read(&file).unwrap();
        for at in [0, 5, 20, 200, 2_000, 900_000, bytes.len() - 1] {
            let mut bent = bytes.clone();
            bent[at] ^= 1;
            std::fs::write(&file, &bent).unwrap();
            assert!(Base::read(&path).is_err(), "{at}");
        }
        std::fs::write(&file, &bytes[..bytes.len() - 40]).unwrap();
        assert!(Base::read(&path).is_err());
    }
}
