//! What waits to be judged, and who waits for that.

use super::answers::{Answer, give, refused};
use super::queue::{Queue, QueueLimits, Queued};
use liuhen_proto::suite::sign::PublicKey;
use liuhen_proto::tx::Tx;
use liuhen_rpc::reason::Reason;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, oneshot};

/// Judged together at most.
const BATCH: usize = 256;

/// A transaction whose signature is to be judged.
pub(super) struct Unjudged {
    pub(super) tx: Arc<Tx>,
    pub(super) key: PublicKey,
    pub(super) answer: Option<oneshot::Sender<Answer>>,
}

impl Queued for Unjudged {
    fn tx(&self) -> &Arc<Tx> {
        &self.tx
    }
}

/// What waits to be judged, in lanes, and who waits for that.
pub(super) struct Waiting<K> {
    queue: Mutex<Queue<K, Unjudged>>,
    /// Notified when something has come.
    come: Notify,
    /// Notified when there is room again.
    room: Notify,
    closed: AtomicBool,
}

impl<K: Ord + Clone> Waiting<K> {
    pub(super) fn new(limits: QueueLimits) -> Arc<Self> {
        Arc::new(Self {
            queue: Mutex::new(Queue::new(limits)),
            come: Notify::new(),
            room: Notify::new(),
            closed: AtomicBool::new(false),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Queue<K, Unjudged>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets it wait in a lane, where there is room; nothing comes after the end.
    pub(super) fn try_push(&self, lane: K, it: Unjudged) -> Result<(), (K, Unjudged)> {
        let mut queue = self.lock();
        if self.closed.load(Ordering::Acquire) {
            return Err((lane, it));
        }
        queue.push(lane, it)?;
        drop(queue);
        self.come.notify_one();
        Ok(())
    }

    /// Lets it wait, once there is room: whoever sends more than is judged waits with it.
    pub(super) async fn push(&self, mut lane: K, mut it: Unjudged) {
        loop {
            let room = self.room.notified();
            if self.closed.load(Ordering::Acquire) {
                return give(it.answer, Err(refused(Reason::NodeStopping, "the node is stopping")));
            }
            match self.try_push(lane, it) {
                Ok(()) => return,
                Err(back) => (lane, it) = back,
            }
            room.await;
        }
    }

    /// The next to be judged, once there are some.
    pub(super) async fn next(&self) -> Vec<Unjudged> {
        loop {
            let come = self.come.notified();
            if let Some(next) = self.next_now() {
                return next;
            }
            come.await;
        }
    }

    /// The next to be judged, if there are some.
    pub(super) fn next_now(&self) -> Option<Vec<Unjudged>> {
        let next = self.lock().next(BATCH);
        if next.is_empty() {
            return None;
        }
        self.room.notify_waiters();
        Some(next)
    }

    /// Nothing is judged any more: who waits is told that the node stops.
    pub(super) fn close(&self) {
        let mut queue = self.lock();
        self.closed.store(true, Ordering::Release);
        loop {
            let next = queue.next(BATCH);
            if next.is_empty() {
                break;
            }
            for it in next {
                give(it.answer, Err(refused(Reason::NodeStopping, "the node is stopping")));
            }
        }
        drop(queue);
        self.room.notify_waiters();
    }
}
