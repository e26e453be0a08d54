//! How logs that are followed stand.

use liuhen_sources::follow::Lines;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What a log tells of a time comes so much later at most, as long as it is read.
const MARGIN_MS: u64 = 60_000;

/// How a source stands.
#[derive(Debug, Default)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// All that it told before this time is in the spool.
    caught_up_ms: AtomicU64,
    lines: Mutex<Lines>,
}

impl Standing {
    /// Of a source of which nothing was read.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// It was read so far.
    pub fn note(&self, caught_up_ms: u64, lines: Lines) {
        *self.lines.lock().unwrap_or_else(PoisonError::into_inner) = lines;
        self.caught_up_ms.store(caught_up_ms, Ordering::Relaxed);
    }

    /// All that it told before this time is in the spool.
    pub fn caught_up_ms(&self) -> u64 {
        self.caught_up_ms.load(Ordering::Relaxed)
    }

    /// Its lines since the start.
    pub fn lines(&self) -> Lines {
        *self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether all sources told all of a time: what they tell of it later contradicts its seal.
pub fn are_past(sources: &[Arc<Standing>], time_ms: u64) -> bool {
    sources.iter().all(|it| it.caught_up_ms() >= time_ms.saturating_add(MARGIN_MS))
}
