//! What is held for a while, each by its ticket.

use liuhen_proto::wire::RecordAccess;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Records that are decided and have no number yet, each by its ticket.
pub type Held = Arc<Mutex<HashMap<u64, RecordAccess>>>;

/// A record that counts as used while this is kept.
pub struct Ticket {
    number: u64,
    held: Held,
}

impl Ticket {
    /// Counts a record among those that are held.
    pub fn of(held: &Held, record: RecordAccess) -> Self {
        Self { number: put(held, record), held: Arc::clone(held) }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        locked(&self.held).remove(&self.number);
    }
}

/// Puts something among others; gives its ticket.
pub fn put<T>(all: &Mutex<HashMap<u64, T>>, one: T) -> u64 {
    let mut all = locked(all);
    let ticket = all.keys().max().map_or(0, |it| it.saturating_add(1));
    all.insert(ticket, one);
    ticket
}

/// Whoever panicked with it left it whole: each change is one step.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
