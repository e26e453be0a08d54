//! What clients may take of this node at once, in all and each: bytes of requests and answers, proofs, reads, watches.
//! What one takes leaves room for others, and all together stay within the memory of a small machine.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Who takes: a department where a call shows a token, for it may have as many keys as it likes; else an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Client {
    /// The people and machines of a department.
    Member(Arc<str>),
    /// Whoever calls from an address; an IPv6 host has a whole /64 to itself.
    Address(IpAddr),
    /// The other nodes.
    Nodes,
    /// This node itself: what it has to say does not wait behind what others send.
    Own,
}

/// So much of something, in all and for one client.
#[derive(Debug)]
pub struct Budget {
    most: usize,
    most_of_one: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    by_client: HashMap<Client, usize>,
}

impl Budget {
    /// Of which nothing is taken.
    pub fn new(most: usize, most_of_one: usize) -> Arc<Self> {
        Arc::new(Self { most, most_of_one, taken: Mutex::default() })
    }

    /// A share for a client; `None` where it, or all together, would have too much.
    pub fn take(self: &Arc<Self>, client: &Client, amount: usize) -> Option<Share> {
        let mut share = self.nothing(client);
        share.grow(amount).then_some(share)
    }

    /// A share that is to grow.
    pub fn nothing(self: &Arc<Self>, client: &Client) -> Share {
        Share { budget: Arc::clone(self), client: client.clone(), amount: 0 }
    }

    /// How much is taken.
    pub fn taken(&self) -> usize {
        self.lock().all
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client's share of a budget; given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    budget: Arc<Budget>,
    client: Client,
    amount: usize,
}

impl Share {
    /// Makes the share larger; it stays as it is, and this is false, where that is too much.
    pub fn grow(&mut self, more: usize) -> bool {
        let mut taken = self.budget.lock();
        let of_client = taken.by_client.get(&self.client).copied().unwrap_or(0);
        let (all, of_client) = (taken.all.saturating_add(more), of_client.saturating_add(more));
        if all > self.budget.most || of_client > self.budget.most_of_one {
            return false;
        }
        taken.all = all;
        if of_client > 0 {
            taken.by_client.insert(self.client.clone(), of_client);
        }
        self.amount += more;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.budget.lock();
        taken.all = taken.all.saturating_sub(self.amount);
        let of_client = taken.by_client.get(&self.client);
        match of_client.map_or(0, |it| it.saturating_sub(self.amount)) {
            0 => taken.by_client.remove(&self.client),
            left => taken.by_client.insert(self.client.clone(), left),
        };
    }
}

/// Turns at something of which a few run at once: of one client fewer than all, and of those that wait each client's
/// first before any client's second.
#[derive(Debug)]
pub struct Turns {
    most_of_one: usize,
    state: Mutex<Running>,
}

#[derive(Debug)]
struct Running {
    free: usize,
    by_client: HashMap<Client, usize>,
    /// Whose turn is next first.
    waiting: VecDeque<(Client, VecDeque<oneshot::Sender<Turn>>)>,
}

/// A turn; over when it is dropped.
#[derive(Debug)]
pub struct Turn {
    turns: Arc<Turns>,
    client: Client,
}

impl Turns {
    /// So many at once, of one client so many.
    pub fn new(most: usize, most_of_one: usize) -> Arc<Self> {
        let state = Running { free: most, by_client: HashMap::new(), waiting: VecDeque::new() };
        Arc::new(Self { most_of_one, state: Mutex::new(state) })
    }

    /// A client's turn, once it has come.
    pub async fn take(self: &Arc<Self>, client: &Client) -> Turn {
        loop {
            let come = {
                let mut state = self.lock();
                let (sender, come) = oneshot::channel();
                match state.waiting.iter_mut().find(|(it, _)| it == client) {
                    Some((_, waits)) => waits.push_back(sender),
                    None => state.waiting.push_back((client.clone(), [sender].into())),
                }
                come
            };
            self.give_out();
            // A sender is never dropped without a turn; asked again, were it.
            if let Ok(turn) = come.await {
                return turn;
            }
        }
    }

    /// Gives turns to those that wait, while there are some.
    fn give_out(self: &Arc<Self>) {
        // What nobody takes any more is dropped behind the lock: that asks for it.
        while let Some((sender, turn)) = self.next() {
            drop(sender.send(turn));
        }
    }

    fn next(self: &Arc<Self>) -> Option<(oneshot::Sender<Turn>, Turn)> {
        let mut state = self.lock();
        let Running { free, by_client, waiting } = &mut *state;
        if *free == 0 {
            return None;
        }
        let runs = |client: &Client| by_client.get(client).copied().unwrap_or(0);
        let at = waiting.iter().position(|(client, _)| runs(client) < self.most_of_one)?;
        let (client, mut waits) = waiting.remove(at)?;
        let sender = waits.pop_front();
        if !waits.is_empty() {
            waiting.push_back((client.clone(), waits));
        }
        let sender = sender?;
        *free -= 1;
        *by_client.entry(client.clone()).or_default() += 1;
        Some((sender, Turn { turns: Arc::clone(self), client }))
    }

    fn lock(&self) -> MutexGuard<'_, Running> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        {
            let mut state = self.turns.lock();
            state.free += 1;
            let left = state.by_client.get(&self.client).map_or(0, |it| it.saturating_sub(1));
            match left {
                0 => state.by_client.remove(&self.client),
                left => state.by_client.insert(self.client.clone(), left),
            };
        }
        self.turns.give_out();
    }
}

/// The limits of a node.
#[derive(Debug)]
pub struct Limits {
    /// Calls that were begun and are not over.
    pub calls: Arc<Budget>,
    /// Bytes of requests that are being read or answered, beyond the few that each call may have.
    pub requests: Arc<Budget>,
    /// Bytes of answers that were made and not yet taken whole.
    pub answers: Arc<Budget>,
    /// Bytes of proofs that are being sent.
    pub proofs: Arc<Budget>,
    /// Long proofs that are being sent.
    pub long_proofs: Arc<Budget>,
    /// Watches.
    pub watches: Arc<Budget>,
    /// Streams of transactions: each holds a message at most.
    pub submissions: Arc<Budget>,
    /// Reads of the chain that wait or run.
    pub reads: Arc<Budget>,
    /// Reads that run at once: they must not keep consensus from the chain.
    pub readers: Arc<Turns>,
}

const MIB: usize = 1 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls: Budget::new(8192, 2048),
            requests: Budget::new(64 * MIB, 16 * MIB),
            answers: Budget::new(128 * MIB, 32 * MIB),
            proofs: Budget::new(192 * MIB, 32 * MIB),
            long_proofs: Budget::new(16, 4),
            watches: Budget::new(1024, 128),
            submissions: Budget::new(256, 64),
            reads: Budget::new(512, 64),
            readers: Turns::new(4, 2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(name: &str) -> Client {
        Client::Member(name.into())
    }

    #[test]
    fn one_client_leaves_room_for_others() {
        let budget = Budget::new(10, 6);
        let first = budget.take(&client("a"), 6).unwrap();
        assert!(budget.take(&client("a"), 1).is_none(), "more than one may have");
        let mut second = budget.take(&client("b"), 3).unwrap();
        assert!(!second.grow(2), "more than all may have");
        assert!(second.grow(1));
        assert_eq!(budget.taken(), 10);
        drop(first);
        assert!(second.grow(2));
        drop(second);
        assert_eq!((budget.taken(), budget.lock().by_client.len()), (0, 0));
    }

    #[test]
    fn a_share_of_nothing_is_nobodys() {
        let budget = Budget::new(1, 1);
        let share = budget.nothing(&client("a"));
        assert_eq!(budget.lock().by_client.len(), 0);
        drop(share);
        assert!(budget.take(&client("a"), usize::MAX).is_none());
        assert_eq!(budget.taken(), 0);
    }

    /// The turns that have come, of these that wait, by name.
    fn come(waits: &[(&'static str, tokio::task::JoinHandle<Turn>)]) -> Vec<&'static str> {
        waits.iter().filter(|(_, it)| it.is_finished()).map(|(name, _)| *name).collect()
    }

    #[tokio::test]
    async fn whoever_asks_much_does_not_keep_others_waiting() {
        let turns = Turns::new(2, 1);
        let held = turns.take(&client("a")).await;
        let mut waits = Vec::new();
        for name in ["a", "a", "a", "b", "c"] {
            let turns = Arc::clone(&turns);
            waits.push((name, tokio::spawn(async move { turns.take(&client(name)).await })));
            tokio::task::yield_now().await;
        }
        // Of the first one runs already, and one of another's may beside it.
        assert_eq!(come(&waits), ["b"]);
        drop(held);
        // What stands behind the turn of the first is another of its own.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        assert_eq!(come(&waits), ["a", "b"]);
        // Another's first comes before the second of who had a turn.
        drop(waits.remove(0).1.await.unwrap());
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        assert_eq!(come(&waits), ["b", "c"]);
        // All come in the end.
        while !waits.is_empty() {
            tokio::task::yield_now().await;
            if let Some(at) = waits.iter().position(|(_, it)| it.is_finished()) {
                drop(waits.remove(at).1.await.unwrap());
            }
        }
        let state = turns.lock();
        assert_eq!((state.free, state.by_client.len()), (2, 0));
    }

    #[tokio::test]
    async fn a_turn_that_nobody_waits_for_any_more_is_anothers() {
        let turns = Turns::new(1, 1);
        let held = turns.take(&client("a")).await;
        let gone = tokio::spawn({
            let turns = Arc::clone(&turns);
            async move { turns.take(&client("b")).await }
        });
        tokio::task::yield_now().await;
        gone.abort();
        assert!(gone.await.is_err());
        drop(held);
        let another = client("c");
        let next = turns.take(&another);
        let next = tokio::time::timeout(std::time::Duration::from_secs(60), next);
        drop(next.await.unwrap());
        assert_eq!(turns.lock().free, 1);
    }
}
