//! Taking a snapshot in: nothing of it is believed before all of it is what a certified header commits to.

use super::{Manifest, NotASnapshot, Piece, wrong};
use crate::app::Chain;
use crate::app::history::{check_carried, history, next_validators};
use crate::codec;
use crate::store::disk::DiskPath;
use crate::store::{BASE_FILE, Base, StoreError, StoredBlock};
use liuhen_proto::canonical;
use liuhen_proto::header::{block::Header, founding::Founding, validators::ValidatorSet};
use liuhen_proto::ledger::Object;
use liuhen_proto::ledger::seal::{Parent, trail_value};
use liuhen_proto::merkle::trie::Trie;
use liuhen_proto::merkle::{Blake3Log, MemoryLog, Peaks, Sha256Log, Tree as _};
use liuhen_proto::place::Place;
use liuhen_proto::types::{Hash, Height, limits};
use liuhen_proto::verify;
use liuhen_proto::wire;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// A snapshot that is coming in.
#[derive(Debug)]
pub struct Arriving {
    header: Header,
    signers: ValidatorSet,
    next: ValidatorSet,
    anchor: wire::Anchor,
    block: StoredBlock,
    events: u64,
    pieces: u32,
    taken: u32,
    ids: MemoryLog<Sha256Log>,
    trie: Trie,
    path: PathBuf,
    file: BufWriter<File>,
}

/// A snapshot that is what a certified header commits to.
#[derive(Debug)]
pub struct Arrived(Arriving);

impl Arriving {
    /// Begins with what it is of. Errors where that is no certified block of this chain. Its pieces are kept in a file until
    /// all are there.
    pub fn begin(
        founding: &Founding,
        manifest: Manifest,
        path: &Path,
    ) -> Result<Self, NotASnapshot> {
        let Manifest { anchor, block, events, pieces } = manifest;
        let anchor: wire::Anchor =
            canonical::decode("anchor", &anchor, limits::TRACE_BYTES).map_err(wrong)?;
        let (header, signers) = verify::certified(founding, &anchor).map_err(wrong)?;
        let header_of_block = history(&block)?.header;
        if header_of_block != header || header.height == Height::GENESIS {
            return Err(wrong("its block is another than its header says"));
        }
        check_carried(&block, &header)?;
        let certificate =
            prost::Message::encode_to_vec(&anchor.certificate.clone().unwrap_or_default());
        let mut block = StoredBlock { certificate, ..block };
        let next = match header.next_validators_hash == header.validators_hash {
            true => {
                block.next_validators.clear();
                signers.clone()
            }
            false => next_validators(&block, &header)?,
        };
        let what = format!("write {}", path.display());
        let file = File::create(path).map_err(StoreError::io(what))?;
        let (ids, trie, path) = (MemoryLog::default(), Trie::default(), path.to_owned());
        let file = BufWriter::new(file);
        let taken = 0;
        Ok(Self {
            header,
            signers,
            next,
            anchor,
            block,
            events,
            pieces,
            taken,
            ids,
            trie,
            path,
            file,
        })
    }

    /// The height that it is of.
    pub fn height(&self) -> Height {
        self.header.height
    }

    /// The number of the piece that comes next; `None`: all are there.
    pub fn wanted(&self) -> Option<u32> {
        (self.taken < self.pieces).then_some(self.taken)
    }

    /// Takes the next piece in. Errors where it can be none.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), NotASnapshot> {
        let piece: Piece = codec::decode(bytes).map_err(wrong)?;
        let read = Read::of(piece)?;
        for id in &read.ids {
            if self.ids.size() >= self.header.height.get() {
                return Err(wrong("more blocks than its height"));
            }
            self.ids.push(*id);
        }
        let objects =
            read.objects.iter().map(|(place, it)| (place.map_key(), Some(it.map_value())));
        let heads = read.heads.iter().map(|(place, peaks)| {
            (place.map_key(), trail_value(peaks.size(), &peaks.root::<Blake3Log>()))
        });
        self.trie = self.trie.with(objects.chain(heads).collect());
        let what = || format!("write {}", self.path.display());
        let length = (bytes.len() as u64).to_le_bytes();
        self.file.write_all(&length).map_err(StoreError::io(what()))?;
        self.file.write_all(bytes).map_err(StoreError::io(what()))?;
        self.taken = self.taken.saturating_add(1);
        Ok(())
    }

    /// Whether all of it is what the header commits to.
    pub fn finish(mut self) -> Result<Arrived, NotASnapshot> {
        if self.wanted().is_some() {
            return Err(wrong("pieces are missing"));
        }
        let (size, root) = (self.ids.size(), self.ids.root());
        if size != self.header.height.get() || root != self.header.log_root {
            return Err(wrong("its blocks are not those before its header"));
        }
        if self.trie.root() != self.header.map_root {
            return Err(wrong("what stands in it is not what its header commits to"));
        }
        let what = format!("write {}", self.path.display());
        self.file.flush().map_err(StoreError::io(what))?;
        Ok(Arrived(self))
    }
}

/// What a piece holds.
struct Read {
    ids: Vec<Hash>,
    objects: Vec<(Place, Object)>,
    heads: Vec<(Place, Peaks)>,
}

impl Read {
    fn of(piece: Piece) -> Result<Self, NotASnapshot> {
        let (mut ids, mut objects, mut heads) = (Vec::new(), Vec::new(), Vec::new());
        match piece {
            Piece::Ids(bytes) => {
                let (whole, rest) = bytes.as_chunks::<32>();
                if !rest.is_empty() {
                    return Err(wrong("half an id"));
                }
                ids.extend(whole.iter().map(|it| Hash::new(*it)));
            }
            Piece::Objects(all) => {
                for (place, bytes) in all {
                    let place = Place::from_bytes(&place).ok_or_else(|| wrong("no place"))?;
                    let kind = place.object_kind().ok_or_else(|| wrong("an object on a trail"))?;
                    let object = Object::from_bytes(kind, &bytes).map_err(wrong)?;
                    objects.push((place, object));
                }
            }
            Piece::Heads(all) => {
                for (place, size, hashes) in all {
                    let place = Place::from_bytes(&place).ok_or_else(|| wrong("no place"))?;
                    if place.object_kind().is_some() || size == 0 {
                        return Err(wrong("a head of no trail"));
                    }
                    let peaks = Peaks::new(size, hashes.into_iter().map(Hash::new).collect());
                    heads.push((place, peaks.ok_or_else(|| wrong("a head of other peaks"))?));
                }
            }
        }
        Ok(Self { ids, objects, heads })
    }
}

impl Arrived {
    /// The height that it is of.
    pub fn height(&self) -> Height {
        self.0.height()
    }

    fn base(&self) -> Base {
        let Arriving { header, ids, anchor, .. } = &self.0;
        let ids = (0..ids.size()).map_while(|number| ids.node(0, number).ok());
        Base { height: header.height, ids: ids.collect(), changes: anchor.changes.clone() }
    }
}

impl Chain {
    /// Begins anew with a snapshot: what this node had before is removed. Where the node ends in between, it begins anew with
    /// nothing at the next start.
    pub fn begin_from(&mut self, data: &DiskPath, arrived: Arrived) -> Result<(), StoreError> {
        let base = arrived.base();
        base.write(&data.join(BASE_FILE))?;
        let Arriving { header, signers, next, anchor, block, events, ids, trie, path, .. } =
            arrived.0;
        self.index.begin_anew()?;
        self.log.begin_at(header.height, &block)?;
        self.log.begins_at(header.height);
        let mut file = BufReader::new(File::open(&path).map_err(unreadable(&path))?);
        while let Some(piece) = next_piece(&mut file, &path)? {
            let piece = codec::decode(&piece).map_err(|e| StoreError::Damaged(e.to_string()))?;
            let read = Read::of(piece).map_err(|e| StoreError::Damaged(e.to_string()))?;
            self.index.put_state(read.objects, read.heads)?;
        }
        self.index.stand_at(header.height, events)?;
        let _ = std::fs::remove_file(&path);
        self.changes = base.changed();
        (self.headers, self.trie) = (ids, trie);
        self.base = Some(base);
        self.parent = Parent { log_root: header.log_root, header: header.clone() };
        self.follow(header);
        (self.signed_by, self.validators) = (signers, next);
        self.last_certificate = anchor.certificate;
        *self.begun.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
        Ok(())
    }
}

fn unreadable(path: &Path) -> impl Fn(std::io::Error) -> StoreError + '_ {
    |why| StoreError::io(format!("read {}", path.display()))(why)
}

/// The next piece of a file; `None` at its end.
fn next_piece(file: &mut BufReader<File>, path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let mut length = [0; 8];
    match file.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(unreadable(path)(error)),
    }
    let length = u64::from_le_bytes(length).min(codec::LIMIT as u64);
    let mut piece = vec![0; usize::try_from(length).unwrap_or_default()];
    file.read_exact(&mut piece).map_err(unreadable(path))?;
    Ok(Some(piece))
}
