//! Checkpoints of the header log, and who cosigned them: this node, the other validators, witnesses.
//!
//! Each validator cosigns the checkpoint of each block that it commits, with a key for nothing else, and
//! tells the others. Witnesses come by themselves; whose lines are taken is this node's own setting, so
//! that the list can't be filled with nonsense. Nothing is kept over a restart: the newest checkpoint is
//! cosigned again, and witnesses come again.

use crate::app::Chain;
use crate::clock;
use crate::gossip::Message;
use liuhen_proto::header::{
    checkpoint::{Checkpoint, origin},
    note::{self, Kind, Line, Note, VerifierKey},
    validators::{Validator, ValidatorSet},
};
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::types::{ChainId, Hash, Height, KeyId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// Checkpoints kept at most.
const KEPT: usize = 128;
/// How often a checkpoint that not all have cosigned is told again.
const AGAIN: Duration = Duration::from_secs(2);

/// A cosignature as nodes tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// Headers of the checkpoint.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// Who signed it.
    pub line: Line,
}

/// What is known of one checkpoint.
#[derive(Debug, Clone)]
struct Cosigned {
    checkpoint: Checkpoint,
    /// By the validator's key.
    validators: BTreeMap<KeyId, Line>,
    witnesses: BTreeMap<VerifierKey, Line>,
}

impl Cosigned {
    fn new(checkpoint: Checkpoint) -> Self {
        Self { checkpoint, validators: BTreeMap::new(), witnesses: BTreeMap::new() }
    }

    /// Whether validators of more than two thirds of the power cosigned it.
    fn is_certified(&self, validators: &ValidatorSet) -> bool {
        let signed = validators.all().iter().filter(|it| self.validators.contains_key(&it.key_id));
        validators.is_quorum(signed.map(|it| u128::from(it.power)).sum())
    }

    fn note(&self) -> Note {
        let lines = self.validators.values().chain(self.witnesses.values());
        Note { text: self.checkpoint.text(), lines: lines.cloned().collect() }
    }
}

/// Why a cosignature was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// Not of a key that this node takes cosignatures of.
    #[error(
        "this node takes no cosignatures of this key: its operator names witnesses in node.toml"
    )]
    Unknown,
    /// It does not hold.
    #[error("the signature does not hold")]
    Bad,
    /// The chain is not there yet.
    #[error("this node has not come to a checkpoint of {0} headers")]
    Later(u64),
    /// Another history was signed, and well.
    #[error("{name} cosigned another history: at {size} headers the root {root}")]
    Fork {
        /// Who.
        name: String,
        /// Headers.
        size: u64,
        /// The other root.
        root: Hash,
    },
}

/// The header log that cosignatures are about.
pub trait Headers {
    /// The chain.
    fn chain(&self) -> ChainId;
    /// Who signs the next block.
    fn validators(&self) -> &ValidatorSet;
    /// The checkpoint of so many headers; `None` where there are fewer.
    fn checkpoint(&self, size: u64) -> Option<Checkpoint>;
}

impl Headers for Chain {
    fn chain(&self) -> ChainId {
        self.founding().chain()
    }

    fn validators(&self) -> &ValidatorSet {
        self.validators()
    }

    fn checkpoint(&self, size: u64) -> Option<Checkpoint> {
        self.checkpoint(size)
    }
}

/// The newest checkpoints, shared.
#[derive(Debug, Clone)]
pub struct Checkpoints(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// Whose lines are taken beside the validators'.
    known: Vec<VerifierKey>,
    by_size: BTreeMap<u64, Cosigned>,
    /// Cosignatures of checkpoints that this node does not have yet.
    early: Vec<Cosignature>,
    /// The first checkpoint that somebody signed and that contradicts this node's chain.
    fork: Option<Note>,
}

/// The name by which a validator cosigns.
pub fn validator_name(chain: &ChainId, key: &KeyId) -> String {
    format!("{}/{key}", origin(chain))
}

fn cosigner(chain: &ChainId, validator: &Validator) -> Option<VerifierKey> {
    let key = validator.cosigner_key;
    VerifierKey::new(&validator_name(chain, &validator.key_id), Kind::Cosignature, key).ok()
}

impl Checkpoints {
    /// None yet; these witnesses' lines will be taken.
    pub fn new(known: Vec<VerifierKey>) -> Self {
        let (by_size, early) = (BTreeMap::new(), Vec::new());
        Self(Arc::new(Mutex::new(State { known, by_size, early, fork: None })))
    }

    /// The first checkpoint that somebody signed and that contradicts this node's chain.
    pub(crate) fn fork(&self) -> Option<Note> {
        self.state().fork.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a cosignature in, if it is a validator's or a known witness's, holds, and is of this chain's
    /// own history. Errors say why not; one of a later block is kept until that block is there.
    pub fn take(&self, headers: &impl Headers, given: &Cosignature) -> Result<(), NotTaken> {
        let mut state = self.state();
        let own = Checkpoint { chain: headers.chain(), size: given.size, root: given.root };
        let note = Note { text: own.text(), lines: vec![given.line.clone()] };
        let holds = |key: &VerifierKey| match key.judge(&note) {
            Ok(Some(_)) => Some(Ok(())),
            Ok(None) => None,
            Err(_) => Some(Err(NotTaken::Bad)),
        };
        let witness = state.known.iter().find_map(|key| Some((key.clone(), holds(key)?)));
        let validator = headers
            .validators()
            .all()
            .iter()
            .find_map(|it| Some((it.key_id, holds(&cosigner(&own.chain, it)?)?)));
        match (&witness, &validator) {
            (Some((_, judged)), _) => judged.clone()?,
            (_, Some((_, judged))) => judged.clone()?,
            _ => return Err(NotTaken::Unknown),
        }
        match headers.checkpoint(given.size) {
            Some(known) if known == own => {}
            Some(_) => {
                let name = given.line.name.clone();
                state.fork.get_or_insert(note);
                return Err(NotTaken::Fork { name, size: given.size, root: given.root });
            }
            None => {
                state.wait(given);
                return Err(NotTaken::Later(given.size));
            }
        }
        let cosigned = state.by_size.entry(own.size).or_insert_with(|| Cosigned::new(own));
        if let Some((key, _)) = witness {
            cosigned.witnesses.insert(key, given.line.clone());
        } else if let Some((key, _)) = validator {
            cosigned.validators.insert(key, given.line.clone());
        }
        state.drop_old();
        Ok(())
    }

    /// What came too early, to be taken now.
    fn early(&self, headers: u64) -> Vec<Cosignature> {
        let mut state = self.state();
        let (now, later) = state.early.drain(..).partition(|it| it.size <= headers);
        state.early = later;
        now
    }

    /// The newest checkpoint of at least so many headers that validators of more than two thirds of the
    /// power cosigned; or, that a witness did.
    pub fn newest(&self, validators: &ValidatorSet, least: u64, witnessed: bool) -> Option<Note> {
        let state = self.state();
        let fits = |it: &&Cosigned| match witnessed {
            true => !it.witnesses.is_empty(),
            false => it.is_certified(validators),
        };
        state.by_size.range(least..).rev().map(|(_, it)| it).find(fits).map(Cosigned::note)
    }

    /// Whether all validators cosigned the checkpoint of so many headers.
    fn is_whole(&self, size: u64, validators: &ValidatorSet) -> bool {
        let state = self.state();
        let known = state.by_size.get(&size);
        known.is_some_and(|it| {
            validators.all().iter().all(|v| it.validators.contains_key(&v.key_id))
        })
    }
}

impl State {
    /// The newest of each signer: a validator that told nonsense takes one place.
    fn wait(&mut self, given: &Cosignature) {
        self.early.retain(|it| it.line.name != given.line.name);
        self.early.push(given.clone());
    }

    /// Keeps the newest, and the newest of each witness.
    fn drop_old(&mut self) {
        let newest_of = |key: &VerifierKey| {
            let signed = |(_, it): &(&u64, &Cosigned)| it.witnesses.contains_key(key);
            self.by_size.iter().rev().find(signed).map(|(size, _)| *size)
        };
        let witnessed: Vec<u64> = self.known.iter().filter_map(newest_of).collect();
        let mut spare = self.by_size.len().saturating_sub(KEPT);
        self.by_size.retain(|size, _| {
            let keep = spare == 0 || witnessed.contains(size);
            spare = spare.saturating_sub(1);
            keep
        });
    }
}

/// This node's own part.
pub(crate) struct Cosigner {
    pub(crate) chain: Arc<RwLock<Chain>>,
    pub(crate) checkpoints: Checkpoints,
    /// Which validator this node is, if it is one.
    pub(crate) node: KeyId,
    pub(crate) key: PrivateKey,
    pub(crate) messages: mpsc::Sender<Message>,
    /// What others tell.
    pub(crate) received: mpsc::Receiver<Cosignature>,
    pub(crate) committed: watch::Receiver<Height>,
}

impl Cosigner {
    /// Starts; gives where the checkpoints are.
    pub(crate) fn start(self, stop: &CancellationToken) -> Checkpoints {
        let checkpoints = self.checkpoints.clone();
        tokio::spawn(self.run(stop.clone()));
        checkpoints
    }

    /// Cosigns what is committed and takes in what others cosigned, until told to stop.
    async fn run(mut self, stop: CancellationToken) {
        let mut again = tokio::time::interval(AGAIN);
        let mut own = None;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                Some(given) = self.received.recv() => self.take(&self.chain(), &given),
                _ = again.tick() => self.tell_again(&mut own),
                Ok(()) = self.committed.changed() => {
                    own = self.cosign();
                    if let Some(own) = &own {
                        self.tell(own);
                    }
                }
            }
        }
    }

    fn chain(&self) -> std::sync::RwLockReadGuard<'_, Chain> {
        self.chain.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// With the chain in hand: to lock it twice would wait for ever on a block that is to be committed.
    fn take(&self, chain: &Chain, given: &Cosignature) {
        match self.checkpoints.take(chain, given) {
            Err(error @ NotTaken::Fork { .. }) => {
                report_fork(&error, chain.founding().chain(), given)
            }
            Err(error) => tracing::debug!(%error, "a cosignature was not taken"),
            Ok(()) => {}
        }
    }

    /// Cosigns the newest checkpoint, if this node's key is a validator's.
    fn cosign(&self) -> Option<Cosignature> {
        let chain = self.chain();
        let headers = chain.headers();
        for given in self.checkpoints.early(headers) {
            self.take(&chain, &given);
        }
        let validator = chain.validators().get(&self.node)?;
        if validator.cosigner_key != self.key.public() {
            return None;
        }
        let checkpoint = chain.checkpoint(headers)?;
        let name = validator_name(&checkpoint.chain, &self.node);
        let seconds = clock::now().get() / 1000;
        let line = note::sign(&name, Kind::Cosignature, &self.key, &checkpoint.text(), seconds);
        let own = Cosignature { size: headers, root: checkpoint.root, line: line.ok()? };
        self.checkpoints.take(&*chain, &own).ok()?;
        Some(own)
    }

    fn tell(&self, own: &Cosignature) {
        // A full queue drops it: it is told again.
        let _ = self.messages.try_send(Message::cosignature(own));
    }

    /// Others may have been away when it was told; and after a start nothing was told yet.
    fn tell_again(&self, own: &mut Option<Cosignature>) {
        if own.is_none() {
            *own = self.cosign();
        }
        let Some(own) = own else { return };
        if !self.checkpoints.is_whole(own.size, self.chain().validators()) {
            self.tell(own);
        }
    }
}

/// Says that somebody signed two histories, with the note that proves it.
pub(crate) fn report_fork(error: &NotTaken, chain: ChainId, given: &Cosignature) {
    let text = Checkpoint { chain, size: given.size, root: given.root }.text();
    let note = Note { text, lines: vec![given.line.clone()] };
    tracing::error!(%error, %note, "keep this log: somebody signed two histories");
}

/// A checkpoint as it is published: signed as the log's by this node, where it is a validator, with the
/// cosignatures that it has.
pub fn published(note: &Note, chain: &ChainId, key: Option<&PrivateKey>) -> Note {
    let line =
        key.and_then(|key| note::sign(&origin(chain), Kind::Ed25519, key, &note.text, 0).ok());
    let lines = line.into_iter().chain(note.lines.iter().cloned()).collect();
    Note { text: note.text.clone(), lines }
}

#[cfg(test)]
mod tests {
    use super::*;
    use liuhen_proto::wire;

    /// A log of as many headers as it says; the root of so many is that number, over and over.
    struct Fake {
        headers: u64,
        validators: ValidatorSet,
    }

    impl Headers for Fake {
        fn chain(&self) -> ChainId {
            ChainId::new([7; 32])
        }

        fn validators(&self) -> &ValidatorSet {
            &self.validators
        }

        fn checkpoint(&self, size: u64) -> Option<Checkpoint> {
            let there = (1..=self.headers).contains(&size);
            there.then(|| Checkpoint { chain: self.chain(), size, root: root(size) })
        }
    }

    fn root(size: u64) -> Hash {
        Hash::new([u8::try_from(size % 251).unwrap(); 32])
    }

    fn key(seed: u8) -> PrivateKey {
        PrivateKey::from_seed(&[seed; 32])
    }

    /// Validators 1 to 4; the cosigner key of n is 10 + n's.
    fn fake(headers: u64) -> Fake {
        let mut all: Vec<wire::Validator> = (1..=4)
            .map(|seed| wire::Validator {
                key_id: key(seed).public().key_id().to_vec(),
                algorithm: 1,
                public_key: key(seed).public().as_bytes().to_vec(),
                cosigner_key: key(10 + seed).public().as_bytes().to_vec(),
                power: 1,
            })
            .collect();
        all.sort_by(|a, b| a.key_id.cmp(&b.key_id));
        Fake { headers, validators: ValidatorSet::from_wire(&all).unwrap() }
    }

    fn signed(name: &str, key: &PrivateKey, size: u64, root: Hash) -> Cosignature {
        let text = Checkpoint { chain: ChainId::new([7; 32]), size, root }.text();
        let line = note::sign(name, Kind::Cosignature, key, &text, 5).unwrap();
        Cosignature { size, root, line }
    }

    fn by(validator: u8, size: u64) -> Cosignature {
        let name = validator_name(&ChainId::new([7; 32]), &key(validator).public().key_id());
        signed(&name, &key(10 + validator), size, root(size))
    }

    fn witness(seed: u8) -> VerifierKey {
        VerifierKey::new("w", Kind::Cosignature, key(seed).public()).unwrap()
    }

    #[test]
    fn published_once_enough_cosigned() {
        let (log, checkpoints) = (fake(9), Checkpoints::new(Vec::new()));
        let newest = |least| checkpoints.newest(&log.validators, least, false);
        for validator in [1, 2, 2] {
            checkpoints.take(&log, &by(validator, 9)).unwrap();
            assert_eq!(newest(0), None);
        }
        checkpoints.take(&log, &by(3, 9)).unwrap();
        assert_eq!(newest(9).unwrap().lines.len(), 3);
        assert_eq!(newest(10), None);
        assert!(!checkpoints.is_whole(9, &log.validators));
        checkpoints.take(&log, &by(4, 9)).unwrap();
        assert!(checkpoints.is_whole(9, &log.validators));
        // A newer one that not enough cosigned does not hide it.
        checkpoints.take(&log, &by(1, 8)).unwrap();
        assert_eq!(newest(0).unwrap().text, log.checkpoint(9).unwrap().text());
    }

    #[test]
    fn what_is_not_taken() {
        let (log, checkpoints) = (fake(9), Checkpoints::new(vec![witness(30)]));
        let stranger = signed("w", &key(31), 9, root(9));
        assert_eq!(checkpoints.take(&log, &stranger), Err(NotTaken::Unknown));
        let mut bent = by(1, 9);
        bent.line.signature[20] ^= 1;
        assert_eq!(checkpoints.take(&log, &bent), Err(NotTaken::Bad));
        let mut moved = by(1, 9);
        moved.size = 8;
        assert_eq!(checkpoints.take(&log, &moved), Err(NotTaken::Bad));
        for (name, key) in [(by(1, 9).line.name, key(11)), ("w".to_owned(), key(30))] {
            let other = signed(&name, &key, 9, Hash::ZERO);
            let fork = NotTaken::Fork { name, size: 9, root: Hash::ZERO };
            assert_eq!(checkpoints.take(&log, &other), Err(fork));
        }
        assert_eq!(checkpoints.take(&log, &by(1, 0)), Err(NotTaken::Later(0)));
        assert!(checkpoints.state().by_size.is_empty());
    }

    #[test]
    fn what_came_early_is_taken_when_its_block_is_there() {
        let checkpoints = Checkpoints::new(Vec::new());
        for _ in 0..3 {
            assert_eq!(checkpoints.take(&fake(8), &by(1, 9)), Err(NotTaken::Later(9)));
        }
        assert_eq!(checkpoints.early(8), []);
        let now = checkpoints.early(9);
        assert_eq!(now, [by(1, 9)]);
        assert_eq!(checkpoints.take(&fake(9), &now[0]), Ok(()));
        // However many come of one, the newest is kept.
        for size in 10..1000 {
            let _ = checkpoints.take(&fake(9), &by(1, size));
        }
        assert_eq!(checkpoints.state().early, [by(1, 999)]);
    }

    #[test]
    fn old_ones_go_but_for_the_newest_of_each_witness() {
        let checkpoints = Checkpoints::new(vec![witness(30)]);
        let log = fake(1000);
        for size in [2, 5] {
            checkpoints.take(&log, &signed("w", &key(30), size, root(size))).unwrap();
        }
        for size in 10..500 {
            checkpoints.take(&log, &by(1, size)).unwrap();
        }
        let sizes: Vec<u64> = checkpoints.state().by_size.keys().copied().collect();
        assert!(sizes.len() <= KEPT + 1 && sizes[0] == 5 && sizes.ends_with(&[499]), "{sizes:?}");
        let seen = checkpoints.newest(&log.validators, 0, true).unwrap();
        assert_eq!(seen.text, log.checkpoint(5).unwrap().text());
        assert_eq!(checkpoints.newest(&log.validators, 6, true), None);
    }
}
