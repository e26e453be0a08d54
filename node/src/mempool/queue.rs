//! Transactions that are to be judged, in lanes, by who sent or who signed them, lanes in turn: what one sends keeps no
//! other waiting for long, and takes no more than its share of memory. Pure.

use liuhen_proto::tx::Tx;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// What can wait in the queue.
pub trait Queued {
    /// The transaction.
    fn tx(&self) -> &Arc<Tx>;
}

/// How much may wait.
#[derive(Debug, Clone, Copy)]
pub struct QueueLimits {
    /// Bytes of memory that all transactions hold.
    pub total: usize,
    /// Bytes that one lane's hold.
    pub lane: usize,
}

/// Of one lane judged together at most: so much that a round of all lanes is short.
const LANE_BYTES: usize = 128 << 10;
const LANE_ITEMS: usize = 1024;

#[derive(Debug)]
struct Lane<T> {
    held: usize,
    waiting: VecDeque<T>,
}

/// The queue.
#[derive(Debug)]
pub struct Queue<K, T> {
    limits: QueueLimits,
    held: usize,
    lanes: BTreeMap<K, Lane<T>>,
    /// Lanes that have something waiting, whose turn is next first.
    turns: VecDeque<K>,
}

impl<K: Ord + Clone, T: Queued> Queue<K, T> {
    /// An empty queue.
    pub fn new(limits: QueueLimits) -> Self {
        Self { limits, held: 0, lanes: BTreeMap::new(), turns: VecDeque::new() }
    }

    /// Lets it wait; gives it back where its lane, or all together, would have too much waiting.
    pub fn push(&mut self, key: K, it: T) -> Result<(), (K, T)> {
        let held = it.tx().held();
        let of_lane = self.lanes.get(&key).map_or(0, |lane| lane.held);
        if of_lane.saturating_add(held) > self.limits.lane
            || self.held.saturating_add(held) > self.limits.total
        {
            return Err((key, it));
        }
        let lane = self.lanes.entry(key.clone()).or_insert_with(|| {
            self.turns.push_back(key);
            Lane { held: 0, waiting: VecDeque::new() }
        });
        lane.held += held;
        lane.waiting.push_back(it);
        self.held += held;
        Ok(())
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// The next to be judged, `most` of them: of each lane what came first, little enough that the next lane's turn is
    /// soon. Empty where nothing waits.
    pub fn next(&mut self, most: usize) -> Vec<T> {
        let mut taken = Vec::new();
        for _ in 0..self.turns.len() {
            let Some(key) = self.turns.pop_front() else { break };
            let Some(lane) = self.lanes.get_mut(&key) else { continue };
            let (mut bytes, mut items) = (0usize, 0usize);
            while taken.len() < most && bytes < LANE_BYTES && items < LANE_ITEMS {
                let Some(it) = lane.waiting.pop_front() else { break };
                let held = it.tx().held();
                bytes += it.tx().raw().len();
                items += it.tx().items().len();
                lane.held -= held;
                self.held -= held;
                taken.push(it);
            }
            if lane.waiting.is_empty() {
                self.lanes.remove(&key);
            } else {
                self.turns.push_back(key);
            }
            if taken.len() >= most {
                break;
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mempool::pool::tests::tx;

    impl Queued for Arc<Tx> {
        fn tx(&self) -> &Arc<Tx> {
            self
        }
    }

    fn seqs(list: &[Arc<Tx>]) -> Vec<u64> {
        list.iter().map(|tx| tx.header().seq).collect()
    }

    const AMPLE: QueueLimits = QueueLimits { total: 32 << 20, lane: 32 << 20 };

    #[test]
    fn lanes_have_turns_and_each_lane_its_order() {
        let mut queue = Queue::new(AMPLE);
        for seq in 0..3000 {
            queue.push("much", tx(1, seq, 0)).unwrap();
        }
        queue.push("little", tx(2, 7, 0)).unwrap();
        let first = queue.next(usize::MAX);
        let (many, other): (Vec<_>, Vec<_>) =
            first.into_iter().partition(|it| it.header().key == tx(1, 0, 0).header().key);
        assert_eq!(seqs(&other), [7], "the other lane has its turn in the first round");
        assert!(many.len() <= LANE_ITEMS, "{}", many.len());
        assert!(seqs(&many).into_iter().eq(0..many.len() as u64));
        let next = queue.next(2);
        assert_eq!(seqs(&next), [many.len() as u64, many.len() as u64 + 1]);
    }

    #[test]
    fn one_lane_takes_no_more_than_its_share() {
        let size = tx(1, 1, 0).held();
        let mut queue = Queue::new(QueueLimits { total: 3 * size, lane: 2 * size });
        queue.push(1, tx(1, 0, 0)).unwrap();
        queue.push(1, tx(1, 1, 0)).unwrap();
        assert!(queue.push(1, tx(1, 2, 0)).is_err(), "the lane has its share");
        queue.push(2, tx(2, 0, 0)).unwrap();
        assert!(queue.push(3, tx(3, 0, 0)).is_err(), "there is no room for more");
        assert_eq!(queue.next(usize::MAX).len(), 3);
        assert!(queue.is_empty() && queue.next(usize::MAX).is_empty());
        queue.push(3, tx(3, 0, 0)).unwrap();
    }
}
