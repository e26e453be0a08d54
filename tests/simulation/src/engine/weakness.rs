//! What was wrong once, put back: the simulation must find it.

use super::Shell;
use liuhen_node::codec;
use liuhen_node::consensus::types::Height;
use liuhen_node::store::undecided::Undecided;
use malachitebft_app_channel::app::types::core::Round;

/// What a run puts back of what was wrong once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weakness {
    /// D1: a block that came by sync is taken for one that was built and signed here.
    SyncedTakenForBuilt,
    /// D2: what a power cut leaves at the end of the engine's log is left there.
    LogTailLeft,
    /// D3: the last decided block is forgotten at once.
    DecidedForgotten,
    /// D4: votes are remembered by the engine's log alone.
    VotesForgotten,
}

impl Shell {
    /// Whether votes are sent without a word of the record.
    pub(super) fn is_forgetful(&self) -> bool {
        self.weakness == Some(Weakness::VotesForgotten)
    }

    /// This node's turn, where a block that it proposed there came back by sync, without a signature.
    pub(super) fn falter(&mut self, height: Height, round: Round) {
        if self.weakness != Some(Weakness::SyncedTakenForBuilt) {
            return;
        }
        let blocks =
            self.disk.below("data/undecided").into_iter().filter_map(|path| {
                codec::decode::<Undecided>(self.disk.bytes(&path)?.get(12..)?).ok()
            });
        let mut own = blocks.filter(|it| {
            it.height().get() == height.0
                && Some(it.round) == round.as_u32()
                && it.proposer() == self.address.0
        });
        if own.next().is_some_and(|it| it.signature.is_none()) {
            drop(own);
            self.fail("kept signature: none");
        }
    }
}
