//! Nodes of a ledger on simulated disks, networks and clocks, from one seed: the node above consensus as it is, and the engine's
//! core and log as they are. What happens follows from the seed alone, to the byte.
//!
//! | file | holds |
//! |---|---|
//! | `world`, `world/deliver`, `world/settle` | events by simulated time; what machines send each other; what follows from each step |
//! | `process` | a node's process on a machine |
//! | `engine`, `engine/effects`, `engine/log` | in the place of the engine's actors |
//! | `sync` | in the place of the engine's sync |
//! | `disk` | a disk that tears, loses, damages and fails |
//! | `network` | links |
//! | `faults` | what goes wrong, and when |
//! | `checks` | what must hold |
//! | `founding` | who is there |

mod checks;
mod disk;
mod engine;
mod faults;
mod founding;
mod network;
mod process;
mod random;
mod sync;
mod trace;
mod world;

pub use engine::Weakness;
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
