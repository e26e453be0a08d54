//! The header log as others follow it: checkpoints, headers with their paths, tiles.

use super::prove::to_bytes;
use super::{Chain, ProveError};
use crate::store::StoreError;
use liuhen_proto::header::checkpoint::Checkpoint;
use liuhen_proto::merkle::log::sha256_leaf;
use liuhen_proto::merkle::{Sha256Log, Tree, inclusion};
use liuhen_proto::types::Height;
use liuhen_proto::wire;

/// Hashes, or entries, in a whole tile (C2SP tlog-tiles).
pub const TILE_WIDTH: u64 = 256;
/// Levels of the tree in one of tiles.
const TILE_HEIGHT: u32 = 8;

impl Chain {
    /// How many headers there are.
    pub fn headers(&self) -> u64 {
        self.headers.size()
    }

    /// The checkpoint of so many headers; `None` for none, or more than there are.
    pub fn checkpoint(&self, size: u64) -> Option<Checkpoint> {
        let known = size > 0 && size <= self.headers();
        let root = || self.headers.root_at(size);
        known.then(|| Checkpoint { chain: self.founding.chain(), size, root: root() })
    }

    /// A header, and its path to the root over so many headers. Errors where it is not among them.
    pub fn prove_header(&self, height: Height, size: u64) -> Result<wire::HeaderProof, ProveError> {
        let path = inclusion::prove::<Sha256Log, _>(&self.headers, height.get(), size);
        let Some(path) = path.ok().flatten() else {
            let (tip, count) = (self.parent.header.height, self.headers());
            return Err(ProveError::NotSo(format!(
                "header {height} is not among the first {size}; there are {count}, to height {tip}"
            )));
        };
        Ok(wire::HeaderProof { header: self.header_at(height)?, path: to_bytes(&path) })
    }

    /// The bytes of a header.
    pub(super) fn header_at(&self, height: Height) -> Result<Vec<u8>, StoreError> {
        if height == Height::GENESIS {
            return Ok(self.founding.header().to_bytes().to_vec());
        }
        let damaged = || StoreError::Damaged(format!("header {height}"));
        let header = self.log.header(height)?.ok_or_else(damaged)?;
        // It is read without its block, whose checksum it has no part in by itself.
        let known = self.headers.node(0, height.get()).map_err(|_| damaged())?;
        if sha256_leaf(&header) == known { Ok(header) } else { Err(damaged()) }
    }

    /// The hashes of a tile: of so many complete subtrees of 256^level headers, from the tile's first on.
    /// `None` where the log does not have them all.
    pub fn tile(&self, level: u32, tile: u64, width: u64) -> Option<Vec<u8>> {
        let first = tile.checked_mul(TILE_WIDTH)?;
        let level = level.checked_mul(TILE_HEIGHT)?;
        let mut hashes = Vec::new();
        for number in first..first.checked_add(width)? {
            hashes.extend_from_slice(self.headers.node(level, number).ok()?.as_bytes());
        }
        Some(hashes)
    }

    /// The headers of a bundle, each behind its length (u16). `None` where the log does not have them all.
    pub fn entries(&self, tile: u64, width: u64) -> Result<Option<Vec<u8>>, StoreError> {
        let range = || {
            let first = tile.checked_mul(TILE_WIDTH)?;
            let end = first.checked_add(width)?;
            (end <= self.headers()).then_some(first..end)
        };
        let Some(range) = range() else { return Ok(None) };
        let mut bundle = Vec::new();
        for height in range {
            let header = self.header_at(Height::new(height))?;
            let length = u16::try_from(header.len()).unwrap_or(u16::MAX);
            bundle.extend_from_slice(&length.to_be_bytes());
            bundle.extend_from_slice(&header);
        }
        Ok(Some(bundle))
    }
}
