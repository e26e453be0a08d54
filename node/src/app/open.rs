//! Opening: the index is compared with the log; if it is behind, blocks are replayed; if it is
//! damaged, it is deleted and rebuilt.

use super::history::next_validators;
use super::{Chain, Clock};
use crate::store::disk::DiskPath;
use crate::store::{BASE_FILE, Base, BlockLog, Damage, Index, StoreError};
use liuhen_proto::header::{
    block::Header, certificate, founding::Founding, validators::ValidatorSet,
};
use liuhen_proto::ledger::seal::Parent;
use liuhen_proto::merkle::MemoryLog;
use liuhen_proto::types::{Hash, Height};
use std::sync::Mutex;

/// What was found and done at opening.
#[derive(Debug, Default)]
pub struct OpenReport {
    /// Damage in the block log.
    pub damage: Vec<Damage>,
    /// Why the log was cut before a height that can't be read: what is behind is made anew from there.
    pub cut: Option<(Height, String)>,
    /// Why the index was deleted and rebuilt.
    pub index_rebuilt: Option<String>,
    /// Blocks replayed into the index.
    pub replayed: u64,
    /// Why a snapshot by which this node joined, and what came behind it, can't be used: it joins anew.
    pub joins_anew: Option<String>,
}

/// Checks that the blocks are of the founding document's chain, before anything is made anew from them.
fn same_chain(log: &BlockLog, folder: &DiskPath, founding: &Founding) -> Result<(), StoreError> {
    if log.is_hole(Height::new(1)) {
        return Ok(());
    }
    let Some(bytes) = log.header(Height::new(1))? else { return Ok(()) };
    let first = Header::from_bytes(&bytes);
    let first = first.map_err(|e| StoreError::Damaged(format!("block 1: {e}")))?;
    if first.chain == founding.chain() {
        return Ok(());
    }
    let of_data = first.chain;
    let (name, of_genesis) = (&founding.document().name, founding.chain());
    let why = format!(
        "the blocks in {folder} are of chain {of_data}, the founding document is that of {name}, chain \
         {of_genesis}: give the node the document of its own chain, or another home"
    );
    Err(StoreError::OtherChain(why.into()))
}

/// What is known of blocks that are not here yet. Where all are, nothing more is needed.
fn base(
    folder: &DiskPath,
    log: &mut BlockLog,
    report: &mut OpenReport,
) -> Result<Option<Base>, StoreError> {
    let path = folder.join(BASE_FILE);
    let Some(base) = Base::read(&path)? else { return Ok(None) };
    log.begins_at(base.height);
    report.damage.retain(|it| *it.heights.end() >= base.height);
    if log.height() >= base.height && log.older().next().is_none() {
        log.begins_at(Height::new(1));
        remove(&path)?;
        return Ok(None);
    }
    Ok(Some(base))
}

pub(super) fn remove(path: &DiskPath) -> Result<(), StoreError> {
    if !path.exists() {
        return Ok(());
    }
    path.remove().map_err(StoreError::io(format!("remove {path}")))
}

impl Chain {
    /// Opens the chain in a data folder. Errors where its blocks are of another chain.
    pub fn open(
        folder: impl Into<DiskPath>,
        founding: Founding,
    ) -> Result<(Self, OpenReport), StoreError> {
        let folder = folder.into();
        let (mut log, damage) = BlockLog::open(folder.join("blocks"))?;
        same_chain(&log, &folder, &founding)?;
        let mut report = OpenReport { damage, ..OpenReport::default() };
        let place = folder.join("index");
        let base = base(&folder, &mut log, &mut report)?;
        let joined = base.is_some();
        let opened = match Self::with_index(&place, founding.clone(), log, base) {
            Err(failed) if joined => {
                let (log, why) = *failed;
                return Ok((Self::nothing(&folder, founding, log, why, &mut report)?, report));
            }
            Err(failed) => {
                let (mut log, why) = *failed;
                let hole = log.holes().next();
                match hole {
                    // A hole is passed over where what stands around it says enough.
                    Some(hole) => {
                        report.cut = Some((hole, why.to_string()));
                        log.cut(hole)?;
                        Self::with_index(&place, founding.clone(), log, None)
                    }
                    None => Err(Box::new((log, why))),
                }
            }
            opened => opened,
        };
        let mut chain = match opened {
            Ok(chain) => chain,
            Err(failed) => {
                let (log, why) = *failed;
                report.index_rebuilt = Some(why.to_string());
                if place.exists() {
                    place.remove_folder().map_err(StoreError::io(format!("remove {place}")))?;
                }
                Self::with_index(&place, founding, log, None).map_err(|failed| failed.1)?
            }
        };
        if let Err(why) = chain.replay(&mut report) {
            if joined {
                let Self { founding, log, .. } = chain;
                return Ok((Self::nothing(&folder, founding, log, why, &mut report)?, report));
            }
            // What is behind damage in the index can't be put there: it is made anew, once.
            let Self { founding, log, .. } = chain;
            tracing::error!(%why, "the log can't be replayed into the index");
            place.remove_folder().map_err(StoreError::io(format!("remove {place}")))?;
            report.index_rebuilt = Some(why.to_string());
            chain = Self::with_index(&place, founding, log, None).map_err(|failed| failed.1)?;
            chain.replay(&mut report)?;
        }
        Ok((chain, report))
    }

    /// A node that joined by a snapshot and can't use it has no blocks to make it anew from: it begins with nothing.
    fn nothing(
        folder: &DiskPath,
        founding: Founding,
        mut log: BlockLog,
        why: StoreError,
        report: &mut OpenReport,
    ) -> Result<Self, StoreError> {
        report.joins_anew = Some(why.to_string());
        log.cut(Height::new(1))?;
        log.begins_at(Height::new(1));
        remove(&folder.join(BASE_FILE))?;
        let place = folder.join("index");
        if place.exists() {
            place.remove_folder().map_err(StoreError::io(format!("remove {place}")))?;
        }
        Self::with_index(&place, founding, log, None).map_err(|failed| failed.1)
    }

    /// Takes up the index where it stands, if it agrees with the log; else gives the log back.
    fn with_index(
        place: &DiskPath,
        founding: Founding,
        log: BlockLog,
        base: Option<Base>,
    ) -> Result<Self, Box<(BlockLog, StoreError)>> {
        let opened = Index::open(place.clone(), &founding)
            .and_then(|index| Ok((index.rebuild_trie()?, index)));
        let (trie, index) = match opened {
            Ok(opened) => opened,
            Err(why) => return Err(Box::new((log, why))),
        };
        let parent = Parent { log_root: Hash::ZERO, header: founding.header() };
        let (headers, last_certificate) = (MemoryLog::default(), None);
        let (signed_by, validators) =
            (founding.validators().clone(), founding.validators().clone());
        let changes = Vec::new();
        let mut chain = Self {
            founding,
            log,
            index,
            trie,
            parent,
            headers,
            signed_by,
            validators,
            changes,
            last_certificate,
            base,
            begun: Mutex::default(),
        };
        match chain.follow_log() {
            Ok(()) => Ok(chain),
            Err(why) => Err(Box::new((chain.log, why))),
        }
    }

    /// Follows the headers of the log up to the index's height, and compares the map root there.
    fn follow_log(&mut self) -> Result<(), StoreError> {
        let until = self.index.height();
        if until > self.log.height() {
            return Err(StoreError::Damaged(format!(
                "index at height {until}, beyond the log's {}",
                self.log.height()
            )));
        }
        self.follow(self.founding.header());
        let mut height = self.follow_base(until)?;
        while height < until {
            height = height.next();
            if self.log.is_hole(height) {
                self.follow_hole(height, until)?;
                continue;
            }
            let (header, certificate) = self.logged_header(height)?;
            if header.log_root != self.parent.log_root {
                return Err(StoreError::Damaged(format!("block {height} does not follow")));
            }
            self.follow(header);
            self.last_certificate = Some(certificate);
        }
        self.validators = self.validators_at(height.next())?;
        self.signed_by = match self.changes.last() {
            // The last block names other validators than its own: its own are those before.
            Some(last) if *last == height => self.validators_before(height)?,
            _ => self.validators.clone(),
        };
        let root = self.trie.root();
        let signers = self.validators.hash();
        if root == self.parent.header.map_root && signers == self.parent.header.next_validators_hash
        {
            return Ok(());
        }
        Err(StoreError::Damaged(format!("index: map root {root} at height {until}")))
    }

    /// Follows the blocks before a snapshot by their ids; gives the last of them, genesis where there was no snapshot.
    fn follow_base(&mut self, until: Height) -> Result<Height, StoreError> {
        let Some(base) = &self.base else { return Ok(Height::GENESIS) };
        let damaged =
            |why: &str| StoreError::Damaged(format!("snapshot of height {}: {why}", base.height));
        if until < base.height || self.log.is_hole(base.height) {
            return Err(damaged("it was not taken in whole"));
        }
        if base.ids.first() != Some(&Hash::new(*self.founding.header().block_id().as_bytes())) {
            return Err(damaged("it is of another chain"));
        }
        self.headers = base.ids.iter().copied().collect();
        (self.changes, self.parent.log_root) = (base.changed(), self.headers.root());
        Ok(base.height.previous())
    }

    /// Follows a block that can't be read, by what its neighbours say of it.
    fn follow_hole(&mut self, height: Height, until: Height) -> Result<(), StoreError> {
        let damaged = || StoreError::Damaged(format!("block {height}"));
        let next = height.next();
        if next > until || self.log.is_hole(next) {
            return Err(damaged());
        }
        let behind = self.log.read(next)?.ok_or_else(damaged)?.block;
        let carried = behind.last_certificate().ok().flatten().ok_or_else(damaged)?;
        let id = Hash::from_slice(&carried.block_id).map_err(|_| damaged())?;
        let validators = behind.header().map_err(|_| damaged())?.validators_hash;
        if validators != self.parent.header.next_validators_hash {
            self.changes.push(height);
        }
        self.headers.push(id);
        self.parent.log_root = self.headers.root();
        Ok(())
    }

    /// The validators that signed a height at which they change: those of the change before.
    pub(super) fn validators_before(&self, height: Height) -> Result<ValidatorSet, StoreError> {
        match self.changes.iter().rev().find(|change| **change < height) {
            Some(change) => self.validators_after(*change),
            None => Ok(self.founding.validators().clone()),
        }
    }

    /// The validators that a block of the log names for the next.
    pub(super) fn validators_after(&self, change: Height) -> Result<ValidatorSet, StoreError> {
        let damaged = || StoreError::Damaged(format!("block {change}: its next validators"));
        if let Some(change) = self.base.as_ref().and_then(|base| base.change(change)) {
            let next = change.next.as_ref().map_or(&[][..], |it| &it.validators);
            return ValidatorSet::from_wire(next).map_err(|_| damaged());
        }
        let stored = self.log.read(change)?.ok_or_else(damaged)?;
        next_validators(&stored, &stored.block.header().map_err(|_| damaged())?)
    }

    fn logged_header(
        &self,
        height: Height,
    ) -> Result<(Header, liuhen_proto::wire::Certificate), StoreError> {
        let damaged = |e: String| StoreError::Damaged(format!("block {height}: {e}"));
        let stored = self.log.read(height)?.ok_or_else(|| damaged("not there".into()))?;
        let header = stored.block.header().map_err(|e| damaged(e.to_string()))?;
        let certificate =
            certificate::decode(&stored.certificate).map_err(|e| damaged(e.to_string()))?;
        Ok((header, certificate))
    }

    /// Brings the index up to the log.
    fn replay(&mut self, report: &mut OpenReport) -> Result<(), StoreError> {
        while self.parent.header.height < self.log.height() {
            let height = self.next_height();
            if self.log.is_hole(height) {
                self.log.cut(height)?;
                report.cut = Some((height, "the index ends before it".into()));
                break;
            }
            let damaged = |e: String| StoreError::Damaged(format!("block {height}: {e}"));
            let stored = self.log.read(height)?.ok_or_else(|| damaged("not there".into()))?;
            let bytes = crate::codec::encode(&stored.block).map_err(|e| damaged(e.to_string()))?;
            let candidate = self
                .validate(&bytes, &|_, _| None, Clock::Unasked)
                .map_err(|e| damaged(e.to_string()))?;
            self.take_in(&candidate)?;
            let certificate =
                certificate::decode(&stored.certificate).map_err(|e| damaged(e.to_string()))?;
            self.last_certificate = Some(certificate);
            report.replayed = report.replayed.saturating_add(1);
        }
        Ok(())
    }
}
