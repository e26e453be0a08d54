//! The pool: a bounded lane for each key, in which transactions stand by seq. Pure.
//!
//! Signatures were judged before; what is in a lane is the signer's word. Numbers up to a window
//! ahead are parked until those before them come.

use liuhen_proto::tx::Tx;
use liuhen_proto::types::{Hash, KeyId, TxId};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// How much may wait.
#[derive(Debug, Clone, Copy)]
pub struct PoolLimits {
    /// Bytes of memory that all transactions hold.
    pub total: usize,
    /// Bytes that one key's transactions hold.
    pub lane: usize,
    /// How many numbers ahead of the next a transaction may be.
    pub window: u64,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self { total: 256 << 20, lane: 64 << 20, window: 100_000 }
    }
}

/// Why a transaction does not wait.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// The pool, or the key's lane, is full.
    #[error("too much is waiting already; try again later")]
    Full,
    /// Its seq has been used.
    #[error("the key's next seq is {expected}, the transaction has {found}")]
    Stale {
        /// The next one.
        expected: u64,
        /// The transaction's.
        found: u64,
    },
    /// Its seq is too far ahead.
    #[error("seq {found} is too far ahead of the key's next, {expected}")]
    TooFarAhead {
        /// The next one.
        expected: u64,
        /// The transaction's.
        found: u64,
    },
    /// Another transaction of the key waits under its seq.
    #[error("another transaction of this key waits under seq {0}, and may still commit")]
    SeqTaken(u64),
}

#[derive(Debug, Default)]
struct Lane {
    next: u64,
    held: usize,
    waiting: BTreeMap<u64, Arc<Tx>>,
    /// The number that was waited for when the lane was last found stalled.
    stalled_at: Option<u64>,
}

impl Lane {
    /// The transactions that can follow on each other from `next` on.
    fn ready(&self) -> impl Iterator<Item = &Arc<Tx>> {
        let mut next = self.next;
        self.waiting.values().take_while(move |tx| {
            let fits = tx.header().seq == next;
            next = tx.next_seq();
            fits
        })
    }
}

/// The hash by which a transaction's bytes are known in the pool; nobody else is told it.
pub fn hash_of(bytes: &[u8]) -> Hash {
    Hash::new(*blake3::hash(bytes).as_bytes())
}

/// The pool.
#[derive(Debug, Default)]
pub struct Pool {
    limits: PoolLimits,
    lanes: BTreeMap<KeyId, Lane>,
    by_id: HashMap<TxId, Arc<Tx>>,
    /// Hashes of their bytes, to know them before they are parsed.
    by_bytes: HashSet<Hash>,
    held: usize,
    /// With whom the next block begins, so that no key keeps others waiting.
    turn: KeyId,
}

impl Pool {
    /// An empty pool.
    pub fn new(limits: PoolLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// How many transactions wait.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// A waiting transaction.
    pub fn get(&self, id: &TxId) -> Option<&Arc<Tx>> {
        self.by_id.get(id)
    }

    /// Whether a transaction of exactly these bytes waits.
    pub fn has_bytes(&self, hash: &Hash) -> bool {
        self.by_bytes.contains(hash)
    }

    /// Whether some transaction could be put into a block now.
    pub fn has_ready(&self) -> bool {
        self.lanes.values().any(|lane| lane.ready().next().is_some())
    }

    /// Lets a transaction wait whose signature is good. `next` is the committed seq of its key. False where it waits
    /// already.
    pub fn insert(&mut self, tx: Arc<Tx>, next: u64) -> Result<bool, PoolError> {
        if self.by_id.contains_key(&tx.id()) {
            return Ok(false);
        }
        let (found, held) = (tx.header().seq, tx.held());
        let lane = self.lanes.entry(tx.header().key).or_default();
        lane.next = lane.next.max(next);
        let expected = lane.next;
        let error = if found < expected {
            Some(PoolError::Stale { expected, found })
        } else if found - expected > self.limits.window {
            Some(PoolError::TooFarAhead { expected, found })
        } else if lane.waiting.contains_key(&found) {
            Some(PoolError::SeqTaken(found))
        } else if lane.held.saturating_add(held) > self.limits.lane
            || self.held.saturating_add(held) > self.limits.total
        {
            Some(PoolError::Full)
        } else {
            None
        };
        if let Some(error) = error {
            self.drop_if_empty(&tx.header().key);
            return Err(error);
        }
        lane.held += held;
        self.held += held;
        lane.waiting.insert(found, Arc::clone(&tx));
        self.by_bytes.insert(hash_of(tx.raw()));
        self.by_id.insert(tx.id(), tx);
        Ok(true)
    }

    /// Transactions for the next block, each key's in order, and of each key one before any has another; at most this
    /// many bytes and items. They stay until they are committed or dropped.
    pub fn ready(&mut self, most_bytes: usize, most_items: usize) -> Vec<Arc<Tx>> {
        let (mut bytes, mut items, mut taken) = (0usize, 0usize, Vec::new());
        let mut lanes: VecDeque<_> = {
            let (before, from) = (self.lanes.range(..self.turn), self.lanes.range(self.turn..));
            from.chain(before).map(|(key, lane)| (*key, lane.ready())).collect()
        };
        while let Some((key, mut lane)) = lanes.pop_front() {
            let Some(tx) = lane.next() else { continue };
            let (more_bytes, more_items) = (tx.raw().len(), tx.items().len());
            if bytes + more_bytes > most_bytes || items + more_items > most_items {
                self.turn = key;
                return taken;
            }
            bytes += more_bytes;
            items += more_items;
            taken.push(Arc::clone(tx));
            lanes.push_back((key, lane));
        }
        taken
    }

    /// The next block begins with this key, which found no room in the last.
    pub fn begin_with(&mut self, key: KeyId) {
        self.turn = key;
    }

    /// A key has come to `next`: what stood below is done. Gives what was dropped.
    pub fn advance(&mut self, key: &KeyId, next: u64) -> Vec<Arc<Tx>> {
        let Some(lane) = self.lanes.get_mut(key) else {
            return Vec::new();
        };
        lane.next = lane.next.max(next);
        let behind = lane.waiting.split_off(&lane.next);
        let done = std::mem::replace(&mut lane.waiting, behind);
        self.remove_all(key, done)
    }

    /// A transaction was refused: it and all behind it in its lane go. Gives them, it first.
    pub fn refuse(&mut self, tx: &Tx) -> Vec<Arc<Tx>> {
        let key = tx.header().key;
        let Some(lane) = self.lanes.get_mut(&key) else {
            return Vec::new();
        };
        if lane.waiting.get(&tx.header().seq).is_none_or(|it| it.id() != tx.id()) {
            return Vec::new();
        }
        let gone = lane.waiting.split_off(&tx.header().seq);
        self.remove_all(&key, gone)
    }

    /// A number of a key was refused before it could wait: those behind it go. Gives them.
    pub fn drop_behind(&mut self, key: &KeyId, seq: u64) -> Vec<Arc<Tx>> {
        let Some(lane) = self.lanes.get_mut(key) else { return Vec::new() };
        let gone = lane.waiting.split_off(&seq);
        self.remove_all(key, gone)
    }

    /// Drops lanes that wait for a number which has not come since the last sweep. Gives what was
    /// dropped, with the number that is expected.
    pub fn sweep(&mut self) -> Vec<(u64, Arc<Tx>)> {
        let mut stalled = Vec::new();
        for (key, lane) in &mut self.lanes {
            if lane.ready().next().is_some() {
                lane.stalled_at = None;
            } else if lane.stalled_at == Some(lane.next) {
                stalled.push((*key, lane.next));
            } else {
                lane.stalled_at = Some(lane.next);
            }
        }
        let mut dropped = Vec::new();
        for (key, next) in stalled {
            dropped.extend(self.drop_behind(&key, 0).into_iter().map(|tx| (next, tx)));
        }
        dropped
    }

    /// The first ready transaction of each lane.
    pub fn heads(&self) -> Vec<Arc<Tx>> {
        self.lanes.values().filter_map(|lane| lane.ready().next().cloned()).collect()
    }

    fn remove_all(&mut self, key: &KeyId, gone: BTreeMap<u64, Arc<Tx>>) -> Vec<Arc<Tx>> {
        let gone: Vec<Arc<Tx>> = gone.into_values().collect();
        for tx in &gone {
            self.by_id.remove(&tx.id());
            self.by_bytes.remove(&hash_of(tx.raw()));
            self.held = self.held.saturating_sub(tx.held());
            if let Some(lane) = self.lanes.get_mut(key) {
                lane.held = lane.held.saturating_sub(tx.held());
            }
        }
        self.drop_if_empty(key);
        gone
    }

    fn drop_if_empty(&mut self, key: &KeyId) {
        if self.lanes.get(key).is_some_and(|lane| lane.waiting.is_empty()) {
            self.lanes.remove(key);
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use liuhen_proto::items::Item;
    use liuhen_proto::suite::sign::PrivateKey;
    use liuhen_proto::tx::Signer;
    use liuhen_proto::types::{BlockId, ChainId, Height, IdentityId, TimeMs};
    use liuhen_proto::wire::{self, item::Kind};

    pub(in crate::mempool) fn tx(seed: u8, seq: u64, nonce: u8) -> Arc<Tx> {
        let signer = Signer {
            chain: ChainId::ZERO,
            department: "a".into(),
            identity: IdentityId::ZERO,
            key: PrivateKey::from_seed(&[seed; 32]),
        };
        let revoke = wire::RevokeGrant {
            request_id: vec![1; 32],
            dataset: "d".into(),
            collector: "c".into(),
            using_department: "u".into(),
            manager: "m".into(),
            reason_digest: vec![2; 32],
        };
        let item = Item::new([nonce; 16], Kind::RevokeGrant(revoke)).unwrap();
        let recent = (Height::GENESIS, BlockId::ZERO);
        Arc::new(signer.sign(seq, recent, TimeMs::new(1), &[item]).unwrap())
    }

    fn seqs(list: &[Arc<Tx>]) -> Vec<u64> {
        list.iter().map(|tx| tx.header().seq).collect()
    }

    /// What waits already is known by its bytes, and is not new again: it is passed on once.
    #[test]
    fn what_waits_is_known() {
        let mut pool = Pool::new(PoolLimits::default());
        let parked = tx(1, 5, 0);
        let hash = hash_of(parked.raw());
        assert!(!pool.has_bytes(&hash));
        assert_eq!(pool.insert(Arc::clone(&parked), 0), Ok(true));
        assert!(pool.has_bytes(&hash));
        assert_eq!(pool.insert(parked, 0), Ok(false));
        let key = tx(1, 0, 0).header().key;
        assert_eq!(pool.drop_behind(&key, 0).len(), 1);
        assert!(!pool.has_bytes(&hash));
    }

    #[test]
    fn numbers_ahead_are_parked_until_those_before_come() {
        let mut pool = Pool::new(PoolLimits::default());
        pool.insert(tx(1, 2, 0), 0).unwrap();
        pool.insert(tx(1, 1, 0), 0).unwrap();
        assert!(!pool.has_ready());
        pool.insert(tx(1, 0, 0), 0).unwrap();
        assert_eq!(seqs(&pool.ready(1 << 20, 100)), [0, 1, 2]);
        assert_eq!(pool.insert(tx(1, 1, 9), 0), Err(PoolError::SeqTaken(1)));
        assert_eq!(seqs(&pool.advance(&tx(1, 0, 0).header().key, 2)), [0, 1]);
        assert_eq!(seqs(&pool.ready(1 << 20, 100)), [2]);
        let stale = PoolError::Stale { expected: 2, found: 1 };
        assert_eq!(pool.insert(tx(1, 1, 0), 0), Err(stale));
    }

    #[test]
    fn a_refusal_takes_those_behind_with_it() {
        let mut pool = Pool::new(PoolLimits::default());
        for seq in 0..5 {
            pool.insert(tx(1, seq, 0), 0).unwrap();
        }
        pool.insert(tx(2, 0, 0), 0).unwrap();
        assert_eq!(seqs(&pool.refuse(&tx(1, 2, 0))), [2, 3, 4]);
        assert_eq!(pool.len(), 3);
        assert!(pool.refuse(&tx(1, 2, 0)).is_empty());
    }

    #[test]
    fn what_waits_in_vain_goes() {
        let mut pool = Pool::new(PoolLimits::default());
        pool.insert(tx(1, 3, 0), 0).unwrap();
        pool.insert(tx(2, 0, 0), 0).unwrap();
        assert!(pool.sweep().is_empty());
        let dropped = pool.sweep();
        let [(0, gone)] = dropped.as_slice() else { panic!("{dropped:?}") };
        assert_eq!(gone.header().seq, 3);
        assert_eq!(pool.len(), 1);
        pool.insert(tx(2, 1, 0), 0).unwrap();
        assert_eq!(seqs(&pool.drop_behind(&tx(2, 0, 0).header().key, 1)), [1]);
    }

    #[test]
    fn bounds_hold() {
        // A seq of 0 is not written out, so the first is shorter.
        let size = tx(1, 1, 0).held();
        let limits = PoolLimits { total: 5 * size, lane: 3 * size, window: 10 };
        let mut pool = Pool::new(limits);
        for seq in 0..3 {
            pool.insert(tx(1, seq, 0), 0).unwrap();
        }
        assert_eq!(pool.insert(tx(1, 3, 0), 0), Err(PoolError::Full));
        pool.insert(tx(2, 0, 0), 0).unwrap();
        pool.insert(tx(2, 1, 0), 0).unwrap();
        assert_eq!(pool.insert(tx(3, 0, 0), 0), Err(PoolError::Full));
        assert!(!pool.lanes.contains_key(&tx(3, 0, 0).header().key));
        let far = PoolError::TooFarAhead { expected: 0, found: 11 };
        assert_eq!(pool.insert(tx(3, 11, 0), 0), Err(far));
    }

    #[test]
    fn no_key_keeps_others_waiting() {
        let mut pool = Pool::new(PoolLimits::default());
        for seq in 0..4 {
            pool.insert(tx(1, seq, 0), 0).unwrap();
            pool.insert(tx(2, seq, 0), 0).unwrap();
        }
        let key = |tx: &Arc<Tx>| tx.header().key;
        let first = pool.ready(1 << 20, 3);
        let second = pool.ready(1 << 20, 3);
        assert_eq!(first.len(), 3);
        assert_ne!(key(&first[0]), key(&first[1]));
        assert_eq!(key(&first[0]), key(&first[2]));
        assert_eq!(key(&second[0]), key(&first[1]));
        // Each key's stand in their order.
        let all = pool.ready(1 << 20, 100);
        for of in [&first[0], &first[1]] {
            let own: Vec<_> = all.iter().filter(|tx| key(tx) == key(of)).cloned().collect();
            assert_eq!(seqs(&own), [0, 1, 2, 3]);
        }
        pool.begin_with(key(&first[0]));
        assert_eq!(key(&pool.ready(1 << 20, 1)[0]), key(&first[0]));
    }
}
