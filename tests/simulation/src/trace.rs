//! What happened, line by line: a hash of all, and the last lines for who looks at a failure.

use std::collections::VecDeque;

/// Lines that are kept.
const KEPT: usize = 200;

/// The trace of a run.
#[derive(Debug)]
pub(crate) struct Trace {
    hash: blake3::Hasher,
    last: VecDeque<String>,
    is_shown: bool,
}

impl Trace {
    /// Of nothing yet; each line is shown where that is asked for.
    pub(crate) fn new(is_shown: bool) -> Self {
        Self { hash: blake3::Hasher::new(), last: VecDeque::new(), is_shown }
    }

    pub(crate) fn line(&mut self, now_us: u64, line: &str) {
        let line = format!("{:>10.3} {line}", now_us as f64 / 1_000.0);
        self.hash.update(line.as_bytes());
        if self.is_shown {
            eprintln!("{line}");
        }
        if self.last.len() == KEPT {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }

    pub(crate) fn hash(&self) -> [u8; 32] {
        *self.hash.finalize().as_bytes()
    }

    pub(crate) fn last(&self) -> Vec<String> {
        self.last.iter().cloned().collect()
    }
}
