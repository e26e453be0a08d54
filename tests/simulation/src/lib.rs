//! Nodes of a ledger on simulated disks, networks and clocks, from one seed: the node above consensus as it is, and the engine's
//! core and log as they are. What happens follows from the seed alone, to the byte.
//!
//! | file | holds |
//! |---|---|
//! | `world` | events by simulated time |
//! | `world/life`, `world/deliver`, `world/settle` | how a process begins; what machines send each other; what follows from each step |
//! | `process` | a node's process on a machine |
//! | `engine`, `engine/effects`, `engine/log` | in the place of the engine's actors, and held to them by a test |
//! | `engine/weakness` | what was wrong once, put back |
//! | `sync` | in the place of the engine's sync |
//! | `disk` | a disk that tears, loses, damages and fails |
//! | `network` | links |
//! | `faults` | what goes wrong, and when |
//! | `checks` | what must hold |
//! | `said`, `trace` | what happens, in lines |
//! | `founding` | who is there |

mod checks;
mod disk;
mod engine;
mod faults;
mod founding;
mod network;
mod process;
mod random;
pub mod said;
mod sync;
mod trace;
mod world;

use anyhow::Context as _;
pub use engine::{Mail, Weakness};
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::types::ChainId;
use world::World;

/// How a run went.
#[derive(Debug)]
pub struct Run {
    /// The seed.
    pub seed: u64,
    /// Blocks of the chain.
    pub blocks: u64,
    /// Transactions that clients were told of.
    pub acknowledged: usize,
    /// Milliseconds of simulated time.
    pub simulated_ms: u64,
    /// A hash of all that happened.
    pub trace: [u8; 32],
    /// What must not be, and was.
    pub wrong: Option<String>,
    /// The last lines of what happened.
    pub last: Vec<String>,
}

/// What the engine of a node was told in a run, and what it said.
#[derive(Debug)]
pub struct Recording {
    /// What it was told, in order.
    pub told: Vec<Mail>,
    /// What it published.
    pub published: Vec<String>,
    /// What it told and asked the application.
    pub asked: Vec<String>,
    /// Its log at the end.
    pub log: Vec<u8>,
    /// The key that the node votes with.
    pub key: PrivateKey,
    /// The chain.
    pub chain: ChainId,
}

/// Records the engine of one node in a run of this seed in which messages are slow. Errors where there is none in the end.
pub fn record(seed: u64) -> anyhow::Result<Recording> {
    let mut world = World::new(seed, None, false)?;
    let chain = world.chain();
    let (heard, log) = world.record(60_000_000).context("the node has no engine")?;
    let engine::Heard { told, published, asked } = heard;
    Ok(Recording { told, published, asked, log, key: founding::key("node", 0), chain })
}

/// Runs a seed, with something put back that was wrong once, or nothing; `shown`: each line of what happens is shown. Errors where
/// the run can't be set up.
pub fn run(seed: u64, weakness: Option<Weakness>, shown: bool) -> anyhow::Result<Run> {
    let mut world = World::new(seed, weakness, shown)?;
    world.run();
    Ok(Run {
        seed,
        blocks: world.height(),
        acknowledged: world.checks.count(),
        simulated_ms: world.now_ms(),
        trace: world.trace.hash(),
        wrong: world.wrong,
        last: world.trace.last(),
    })
}
