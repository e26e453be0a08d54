//! What is held for a while, each by its ticket.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Things that are held, each by the number of its ticket.
pub type Held<T> = Arc<Mutex<HashMap<u64, T>>>;

/// Something is held while this is kept: also where whoever keeps it is stopped in the midst.
pub struct Ticket<T> {
    number: u64,
    held: Held<T>,
}

impl<T> Ticket<T> {
    /// Holds one more.
    pub fn of(held: &Held<T>, one: T) -> Self {
        let number = {
            let mut all = locked(held);
            let number = all.keys().max().map_or(0, |it| it.saturating_add(1));
            all.insert(number, one);
            number
        };
        Self { number, held: Arc::clone(held) }
    }
}

impl<T> Drop for Ticket<T> {
    fn drop(&mut self) {
        locked(&self.held).remove(&self.number);
    }
}

/// Whoever panicked with it left it whole: each change is one step.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
