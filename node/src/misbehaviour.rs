//! What the engine saw of validators that voted twice goes on the ledger, signed with the node's key.
//! Each node reports what it saw itself; the first report counts.

use crate::api::reads::submit;
use crate::app::Chain;
use crate::mempool::Mempool;
use liuhen_proto::place::Place;
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::types::KeyId;
use liuhen_proto::wire::{self, item::Kind};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Reports that wait at most; more of them prove no more.
const WAITING: usize = 64;
/// How often what waits is tried.
const EVERY: Duration = Duration::from_secs(1);

/// Two votes of one validator that contradict each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The validator's key.
    pub key: KeyId,
    /// Its votes, the lower block id first; nil is lowest.
    pub votes: [wire::SignedVote; 2],
}

impl Seen {
    /// Of two votes in any order.
    pub fn new(key: KeyId, first: wire::SignedVote, second: wire::SignedVote) -> Self {
        let mut votes = [first, second];
        votes.sort_by(|a, b| a.block_id.cmp(&b.block_id));
        Self { key, votes }
    }

    fn place(&self) -> Place {
        let [vote, _] = &self.votes;
        let kind = u8::try_from(vote.vote_type).unwrap_or_default();
        Place::double_vote(self.key.as_bytes(), vote.height, vote.round, kind)
    }
}

/// Starts reporting; what is seen goes into the channel.
pub fn start(
    chain: &Arc<RwLock<Chain>>,
    mempool: &Mempool,
    key: &PrivateKey,
    stop: &CancellationToken,
) -> mpsc::Sender<Seen> {
    let (sender, seen) = mpsc::channel(WAITING);
    let (chain, mempool, key) = (Arc::clone(chain), mempool.clone(), key.clone());
    tokio::spawn(run(chain, mempool, key, seen, stop.clone()));
    sender
}

/// Reports what is seen, until told to stop.
async fn run(
    chain: Arc<RwLock<Chain>>,
    mempool: Mempool,
    key: PrivateKey,
    mut seen: mpsc::Receiver<Seen>,
    stop: CancellationToken,
) {
    let mut waiting: Vec<Seen> = Vec::new();
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            Some(more) = seen.recv() => {
                if waiting.len() < WAITING && !waiting.contains(&more) {
                    waiting.push(more);
                }
            }
            _ = every.tick(), if !waiting.is_empty() => {
                waiting.retain(|it| !is_reported(&chain, it));
                let Some(one) = waiting.first().cloned() else { continue };
                if let Err(error) = report(&chain, &mempool, &key, &one).await {
                    tracing::warn!(%error, "a double vote waits to be reported");
                    // One that is always refused keeps no other from its turn.
                    waiting.rotate_left(1);
                }
            }
        }
    }
}

fn is_reported(chain: &RwLock<Chain>, seen: &Seen) -> bool {
    let chain = chain.read().unwrap_or_else(PoisonError::into_inner);
    let known: Result<Option<Arc<wire::DoubleVote>>, _> = chain.index().typed(&seen.place());
    known.is_ok_and(|known| known.is_some())
}

async fn report(
    chain: &RwLock<Chain>,
    mempool: &Mempool,
    key: &PrivateKey,
    seen: &Seen,
) -> anyhow::Result<()> {
    let validator: Option<Arc<wire::Key>> = {
        let chain = chain.read().unwrap_or_else(PoisonError::into_inner);
        chain.index().typed(&Place::key(&seen.key))?
    };
    let validator = validator.ok_or_else(|| anyhow::anyhow!("key {} is unknown", seen.key))?;
    let [first, second] = seen.votes.clone();
    let sent = submit(chain, mempool, key, |department| {
        vec![Kind::ReportDoubleVote(wire::ReportDoubleVote {
            department: department.to_owned(),
            key_id: seen.key.to_vec(),
            validator_department: validator.department.clone(),
            validator_identity_id: validator.identity_id.clone(),
            first: Some(first),
            second: Some(second),
        })]
    });
    sent.await?.map_err(|refused| anyhow::anyhow!("{}", refused.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nil_and_the_lower_block_come_first() {
        let vote = |block_id: Vec<u8>| wire::SignedVote {
            vote_type: 2,
            height: 5,
            round: 1,
            block_id,
            pol_round: None,
            signature: vec![0; 64],
        };
        let (nil, low, high) = (vote(Vec::new()), vote(vec![1; 32]), vote(vec![2; 32]));
        let key = KeyId::new([3; 32]);
        for (a, b) in [(&nil, &low), (&low, &high), (&nil, &high)] {
            let seen = Seen::new(key, b.clone(), a.clone());
            assert_eq!(seen, Seen::new(key, a.clone(), b.clone()));
            assert_eq!(seen.votes, [a.clone(), b.clone()]);
        }
    }
}
