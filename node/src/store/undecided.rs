//! Blocks that were built or received for the open height, on disk before the engine is told of
//! them: after a crash it may decide one by its id alone.

use super::disk::{Access, DiskPath};
use super::{StoreError, blocks::sync_folder, entry};
use crate::codec;
use bincode::{Decode, Encode};
use liuhen_proto::suite::sign::SignatureBytes;
use liuhen_proto::types::{BlockId, Height, KeyId};
use std::sync::Arc;

/// An undecided block with what its stream said.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Undecided {
    height: u64,
    /// The round in which it was proposed.
    pub round: u32,
    proposer: [u8; 32],
    id: [u8; 32],
    /// Whether the rules allow it.
    pub valid: bool,
    /// The block's bytes.
    pub block: Vec<u8>,
    /// The stream's signature; `None` where the block came by sync, which has no stream.
    pub signature: Option<SignatureBytes>,
}

impl Undecided {
    /// An undecided block.
    pub fn new(
        height: Height,
        round: u32,
        proposer: KeyId,
        id: BlockId,
        valid: bool,
        block: Vec<u8>,
        signature: Option<SignatureBytes>,
    ) -> Self {
        let (height, proposer, id) = (height.get(), *proposer.as_bytes(), *id.as_bytes());
        Self { height, round, proposer, id, valid, block, signature }
    }

    /// Its height.
    pub fn height(&self) -> Height {
        Height::new(self.height)
    }

    /// Who streamed it first.
    pub fn proposer(&self) -> KeyId {
        KeyId::new(self.proposer)
    }

    /// Its id.
    pub fn id(&self) -> BlockId {
        BlockId::new(self.id)
    }
}

/// The folder of undecided blocks.
#[derive(Debug)]
pub struct UndecidedBlocks {
    folder: DiskPath,
    blocks: Vec<Arc<Undecided>>,
}

impl UndecidedBlocks {
    /// Opens the folder; files that are not whole, or were not renamed yet, are removed. Whole ones are written once more: what was
    /// read may be in memory alone, where syncing it failed before.
    pub fn open(folder: impl Into<DiskPath>) -> Result<Self, StoreError> {
        let folder = folder.into();
        let what = || format!("open {folder}");
        folder.make_folder().map_err(StoreError::io(what()))?;
        let (whole, unfinished): (Vec<_>, Vec<_>) =
            folder.list().map_err(StoreError::io(what()))?.into_iter().partition(is_whole);
        // First: a whole one that is written once more takes the name of its unfinished copy.
        for path in unfinished {
            path.remove().map_err(StoreError::io(format!("remove {path}")))?;
        }
        let mut blocks = Vec::new();
        for path in whole {
            let what = || format!("open {path}");
            let bytes = path.read().map_err(StoreError::io(what()))?;
            match read(&bytes) {
                Some(block) => {
                    path.write_durably(&bytes).map_err(StoreError::io(what()))?;
                    blocks.push(Arc::new(block));
                }
                None => path.remove().map_err(StoreError::io(what()))?,
            }
        }
        blocks.sort_by_key(|block| (block.height, block.round, block.id));
        Ok(Self { folder, blocks })
    }

    /// Keeps a block, durably, unless it is kept already; gives the one that is kept.
    pub fn keep(&mut self, block: Undecided) -> Result<Arc<Undecided>, StoreError> {
        let same = |kept: &&Arc<Undecided>| kept.id == block.id && kept.round == block.round;
        if let Some(kept) = self.blocks.iter().find(same) {
            return Ok(Arc::clone(kept));
        }
        let path = self.path(&block);
        let what = || format!("write {path}");
        let bytes = bytes_of(&block)?;
        let unfinished = path.with_extension("new");
        let file = unfinished.open(Access::New).map_err(StoreError::io(what()))?;
        file.write_all_at(&bytes, 0).map_err(StoreError::io(what()))?;
        file.sync_data().map_err(StoreError::io(what()))?;
        unfinished.rename(&path).map_err(StoreError::io(what()))?;
        sync_folder(&self.folder)?;
        let block = Arc::new(block);
        self.blocks.push(Arc::clone(&block));
        Ok(block)
    }

    /// The blocks of a height.
    pub fn of(&self, height: Height) -> impl Iterator<Item = &Arc<Undecided>> {
        self.blocks.iter().filter(move |block| block.height == height.get())
    }

    /// The block with an id.
    pub fn get(&self, id: &BlockId) -> Option<&Arc<Undecided>> {
        self.blocks.iter().find(|block| block.id == *id.as_bytes())
    }

    /// The block that `proposer` proposed at a height and round: one whose stream it signed, else one
    /// that came back by sync after the node had lost its data.
    pub fn proposed(
        &self,
        height: Height,
        round: u32,
        proposer: &KeyId,
    ) -> Option<&Arc<Undecided>> {
        let own = |it: &&Arc<Undecided>| it.round == round && it.proposer == *proposer.as_bytes();
        let signed = self.of(height).filter(own).find(|it| it.signature.is_some());
        signed.or_else(|| self.of(height).find(own))
    }

    /// Removes the blocks below a height.
    pub fn forget_below(&mut self, height: Height) -> Result<(), StoreError> {
        let (gone, kept): (Vec<_>, Vec<_>) =
            self.blocks.drain(..).partition(|block| block.height < height.get());
        self.blocks = kept;
        for block in gone {
            let path = self.path(&block);
            match path.remove() {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(StoreError::io(format!("remove {path}"))(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn path(&self, block: &Undecided) -> DiskPath {
        let id = hex::encode(block.id);
        self.folder.join(format!("{:020}-{:06}-{id}.block", block.height, block.round))
    }
}

/// Whether a file was renamed to the name of a whole one.
fn is_whole(path: &DiskPath) -> bool {
    path.path().extension().is_some_and(|extension| extension == "block")
}

/// A file with a block: an entry, see the block log's.
fn bytes_of(block: &Undecided) -> Result<Vec<u8>, StoreError> {
    let payload = codec::encode(block).map_err(|e| StoreError::Damaged(e.to_string()))?;
    Ok(entry::whole(&payload))
}

/// The block of a file, if it is whole.
fn read(bytes: &[u8]) -> Option<Undecided> {
    let payload =
        bytes.get(entry::HEADER..).filter(|_| entry::end(bytes, 0) == Some(bytes.len()))?;
    codec::decode(payload).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_until_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let mut blocks = UndecidedBlocks::open(folder.path()).unwrap();
        let block = |height, round| {
            let (proposer, id) = (KeyId::new([1; 32]), BlockId::new([round as u8; 32]));
            let signature = Some([8; 64]);
            Undecided::new(Height::new(height), round, proposer, id, true, vec![7], signature)
        };
        blocks.keep(block(5, 0)).unwrap();
        blocks.keep(block(5, 1)).unwrap();
        blocks.keep(block(6, 2)).unwrap();
        std::fs::write(folder.path().join("torn.new"), b"torn").unwrap();
        // Whole, but not renamed when the power went.
        let whole = bytes_of(&block(5, 3)).unwrap();
        std::fs::write(folder.path().join("whole.new"), &whole).unwrap();
        // The node was killed while it wrote a whole one once more.
        let again = DiskPath::from(blocks.path(&block(5, 1)).path());
        std::fs::write(again.with_extension("new").path(), b"").unwrap();
        // A bit of it is another.
        let mut bent = whole;
        let last = bent.len() - 1;
        bent[last] ^= 1;
        std::fs::write(folder.path().join("bent.block"), bent).unwrap();
        let mut again = UndecidedBlocks::open(folder.path()).unwrap();
        assert_eq!(again.of(Height::new(5)).count(), 2);
        assert_eq!(again.get(&BlockId::new([1; 32])), Some(&Arc::new(block(5, 1))));
        assert!(again.proposed(Height::new(5), 1, &KeyId::new([1; 32])).is_some());
        again.forget_below(Height::new(6)).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_came_by_sync_stands_behind_what_was_signed_here() {
        let folder = tempfile::tempdir().unwrap();
        let mut blocks = UndecidedBlocks::open(folder.path()).unwrap();
        let (height, me) = (Height::new(5), KeyId::new([1; 32]));
        let block = |id, signature| {
            let id = BlockId::new([id; 32]);
            Undecided::new(height, 0, me, id, true, vec![id.as_bytes()[0]], signature)
        };
        blocks.keep(block(1, None)).unwrap();
        assert_eq!(blocks.proposed(height, 0, &me), Some(&Arc::new(block(1, None))));
        blocks.keep(block(2, Some([8; 64]))).unwrap();
        let again = UndecidedBlocks::open(folder.path()).unwrap();
        assert_eq!(again.proposed(height, 0, &me), Some(&Arc::new(block(2, Some([8; 64])))));
    }
}
