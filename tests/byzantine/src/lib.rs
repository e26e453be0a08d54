//! A ledger node that lies, in one way that has a name. It is an ordinary node in all else: the same library, with a
//! [`Conduct`] of its own. Lies of the network that the engine's own liars know are theirs; what a block says falsely is
//! said before it is signed, with the liar's own key.

mod engine;
mod equivocation;
mod flood;
mod outgoing;
mod parts;
mod proposals;
mod sync;

pub use sync::{FORGED, Forged};

use clap::ValueEnum;
use liuhen_node::consensus::Conduct;
use std::fmt::Display;
use std::sync::Arc;

/// What a liar does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lie {
    /// Proposes two blocks in one round.
    Equivocates,
    /// Votes for two blocks in one round.
    VotesTwice,
    /// Proposes blocks, and sends of their parts no data.
    WithholdsParts,
    /// Proposes blocks whose map root is not what their transactions make.
    WrongRoots,
    /// Proposes blocks that are good but for their time.
    FalseTime,
    /// Proposes blocks that carry a certificate with a signature that nobody made.
    FalseCertificate,
    /// Sends votes, proposals, parts and tips without end, for blocks, heights and rounds that are not there.
    Floods,
    /// Says that it is ahead, and answers who asks for blocks with forged ones.
    ForgesSync,
}

/// How a liar's log tells of each lie; behind it stands which.
pub const TOLD: &str = "a lie is told";

impl Lie {
    /// Its name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map(|it| it.get_name().to_owned()).unwrap_or_default()
    }

    /// How a node takes part that tells this lie at each occasion.
    pub fn conduct(self) -> Arc<dyn Conduct> {
        match self {
            Self::Equivocates => Arc::<equivocation::Equivocates>::default(),
            Self::VotesTwice => Arc::new(engine::VotesTwice),
            Self::WithholdsParts => Arc::new(parts::WithholdsParts),
            Self::WrongRoots => Arc::new(proposals::WrongRoots),
            Self::FalseTime => Arc::new(proposals::FalseTime),
            Self::FalseCertificate => Arc::new(proposals::FalseCertificate),
            Self::Floods => Arc::new(flood::Floods),
            Self::ForgesSync => Arc::new(sync::ForgesSync),
        }
    }

    /// Notes that it was told.
    fn told(self, what: impl Display) {
        tracing::warn!(lie = self.name(), %what, "{TOLD}");
    }
}
