//! In the place of the engine's sync: who is behind asks one who is ahead for the next few decided blocks, and hands them to
//! consensus in order. Simpler than the engine's: one request at a time, and no scores.

use liuhen_node::consensus::types::{Ctx, Height};
use malachitebft_app_channel::app::types::core::ValueResponse;
use std::collections::BTreeMap;

/// Blocks of one request.
const TOGETHER: u64 = 5;
/// A request is given up after so many microseconds.
const WITHIN: u64 = 3_000_000;

#[derive(Debug, Default)]
pub(crate) struct Sync {
    /// Tips of others, as they said last.
    tips: BTreeMap<usize, u64>,
    /// Since when an answer is waited for.
    asked: Option<u64>,
    values: BTreeMap<u64, ValueResponse<Ctx>>,
}

impl Sync {
    /// Somebody said how far it is.
    pub(crate) fn heard(&mut self, from: usize, tip: u64) {
        self.tips.insert(from, tip);
    }

    /// Whom to ask for what now, by how far this node is; `turn` chooses among those who can answer.
    pub(crate) fn request(&mut self, tip: u64, now: u64, turn: u64) -> Option<(usize, u64, u64)> {
        if self.asked.is_some_and(|since| now < since + WITHIN) {
            return None;
        }
        let next = tip + 1;
        let able: Vec<_> = self.tips.iter().filter(|(_, it)| **it >= next).collect();
        let turn = usize::try_from(turn).unwrap_or_default() % able.len().max(1);
        let (peer, has) = able.get(turn)?;
        self.asked = Some(now);
        Some((**peer, next, (**has).min(tip + TOGETHER)))
    }

    /// Values came.
    pub(crate) fn answered(&mut self, values: Vec<ValueResponse<Ctx>>) {
        self.asked = None;
        self.values.extend(values.into_iter().map(|it| (it.certificate.height.0, it)));
    }

    /// The value of a height that consensus is at.
    pub(crate) fn value(&mut self, at: Height) -> Option<ValueResponse<Ctx>> {
        self.values = self.values.split_off(&at.0);
        self.values.remove(&at.0)
    }

    /// What came was of no use.
    pub(crate) fn forget(&mut self) {
        self.values.clear();
    }
}
