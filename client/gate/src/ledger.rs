//! The ledger, by nodes that are not trusted: what they say is verified from the founding document on. One that is away, behind
//! or lying is left for the next, named and counted. Where no connection crosses, what they say comes in as files.

use crate::candidates::candidate;
use crate::gap::inbox::Inbox;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_client::reach::ReachOptions;
use liuhen_genesis::Founding;
use liuhen_proto::place::Place;
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::types::{Height, IdentityId, KeyId, RequestId};
use liuhen_proto::verify::Known;
use liuhen_proto::wire;
use std::collections::BTreeSet;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Where a node has not answered for so long the next is asked beside it.
const SILENT: Duration = Duration::from_secs(1);

/// What one node is asked.
pub type Asking<T> = Pin<Box<dyn Future<Output = Result<T, ClientError>> + Send>>;

/// Some nodes of a ledger.
pub struct Ledger {
    founding: Arc<Founding>,
    nodes: Vec<One>,
    /// Which is asked first.
    current: AtomicUsize,
    /// The highest header that was verified: a node that shows an earlier one is behind.
    highest: AtomicU64,
    /// Where no connection crosses: what came in.
    inbox: Option<Inbox>,
}

struct One {
    address: String,
    node: Node,
    /// How often it was left, and whether it was the last time.
    left: AtomicU64,
    is_left: AtomicBool,
}

impl One {
    /// It is said when that begins, and when it is over.
    fn leave(&self, error: &ClientError) {
        self.left.fetch_add(1, Ordering::Relaxed);
        if !self.is_left.swap(true, Ordering::Relaxed) {
            tracing::warn!(node = %self.address, %error, "this node is left for the next");
        }
    }

    fn answered(&self) {
        if self.is_left.swap(false, Ordering::Relaxed) {
            tracing::info!(node = %self.address, "this node answers again");
        }
    }
}

impl Ledger {
    /// Of these nodes, each asked as the gateway. None is connected to yet. Errors for what is no address.
    pub fn of(
        founding: Founding,
        addresses: &[String],
        options: &ReachOptions,
        key: &PrivateKey,
    ) -> Result<Self, ClientError> {
        let one = |address: &String| {
            let node = Node::later(address, options)?.signed_in(key, founding.chain(), None);
            let (left, is_left) = Default::default();
            Ok(One { address: address.clone(), node, left, is_left })
        };
        let nodes = addresses.iter().map(one).collect::<Result<_, ClientError>>()?;
        let (current, highest) = (AtomicUsize::new(0), AtomicU64::new(0));
        Ok(Self { founding: Arc::new(founding), nodes, current, highest, inbox: None })
    }

    /// By what comes into a folder alone, for a key; `seen`: where it is kept how far the ledger was seen.
    pub fn by_files(founding: Founding, inbox: &Path, key: KeyId, seen: PathBuf) -> Self {
        let founding = Arc::new(founding);
        let inbox = Some(Inbox::new(inbox, Arc::clone(&founding), key, seen));
        let (nodes, current, highest) = Default::default();
        Self { founding, nodes, current, highest, inbox }
    }

    /// A node that shows an earlier height than this is behind: what the spool has is on the ledger by then.
    pub fn not_before(&self, height: Height) {
        self.highest.fetch_max(height.get(), Ordering::Relaxed);
    }

    /// What came in, where no connection crosses.
    pub fn inbox(&self) -> Option<&Inbox> {
        self.inbox.as_ref()
    }

    /// Looks whether something newer came in; whether it did.
    pub fn look(&self) -> anyhow::Result<bool> {
        let Some(inbox) = &self.inbox else { return Ok(false) };
        let is_newer = inbox.look()?;
        if let Some(carried) = inbox.newest() {
            self.highest.fetch_max(carried.highest().get(), Ordering::Relaxed);
        }
        Ok(is_newer)
    }

    /// The node that answered last.
    pub fn current(&self) -> Option<Node> {
        let at = self.current.load(Ordering::Relaxed);
        self.nodes.get(at).map(|it| it.node.clone())
    }

    /// The founding document.
    pub fn founding(&self) -> &Founding {
        &self.founding
    }

    /// The highest header that was verified.
    pub fn highest(&self) -> Height {
        Height::new(self.highest.load(Ordering::Relaxed))
    }

    /// Up to which height each state counts that is to be had from now on.
    pub fn counted(&self) -> Height {
        match &self.inbox {
            Some(inbox) => inbox.newest().map_or(Height::new(0), |it| it.lowest()),
            None => self.highest(),
        }
    }

    /// How often each node was left for the next.
    pub fn left(&self) -> impl Iterator<Item = (&str, u64)> {
        self.nodes.iter().map(|one| (one.address.as_str(), one.left.load(Ordering::Relaxed)))
    }

    /// How the objects at some places stand, at one header that is not earlier than any seen before.
    pub async fn known(&self, places: &BTreeSet<Place>) -> Result<Known, ClientError> {
        if let Some(inbox) = &self.inbox {
            return inbox.known(places);
        }
        let (founding, highest) = (Arc::clone(&self.founding), self.highest());
        let known = self.ask(|node| {
            let (founding, places) = (Arc::clone(&founding), places.clone());
            Box::pin(async move { not_behind(node.known(&*founding, &places).await?, highest) })
        });
        let known = known.await?;
        self.highest.fetch_max(known.header.height.get(), Ordering::Relaxed);
        Ok(known)
    }

    /// Requests for a dataset, with the grants that they became; by the word of one node.
    pub async fn requests(&self, dataset: &str) -> Result<Vec<wire::RequestStanding>, ClientError> {
        let request = for_dataset(dataset);
        self.ask_in_turn(|node| {
            let request = request.clone();
            Box::pin(async move { node.requests(request).await })
        })
        .await
    }

    /// The grants of a dataset that a department's access could be under, by the word of one node: however many requests there are, no more of them are held
    /// than a page has.
    pub async fn candidates(
        &self,
        dataset: &str,
        department: &str,
    ) -> Result<Vec<RequestId>, ClientError> {
        if let Some(inbox) = &self.inbox {
            let standings = inbox.requests(dataset)?;
            return Ok(standings.iter().filter_map(|it| candidate(it, department)).collect());
        }
        let request = for_dataset(dataset);
        self.ask_in_turn(|node| {
            let (request, department) = (request.clone(), department.to_owned());
            Box::pin(async move {
                let mut all = Vec::new();
                let take = |it| all.extend(candidate(&it, &department));
                node.each_request(request, take).await?;
                Ok(all)
            })
        })
        .await
    }

    /// How a gateway stands, by the word of one node.
    pub async fn gateway(&self, id: &IdentityId) -> Result<wire::GetGatewayResponse, ClientError> {
        if let Some(inbox) = &self.inbox {
            return inbox.gateway(id);
        }
        self.ask(|node| {
            let id = id.to_vec();
            Box::pin(async move { node.gateway(id).await })
        })
        .await
    }

    /// An identity by `department/code`, by the word of one node.
    pub async fn identity(&self, name: &str) -> Result<wire::Identity, ClientError> {
        if let Some(inbox) = &self.inbox {
            return inbox.identity(name);
        }
        self.ask(|node| {
            let name = name.to_owned();
            Box::pin(async move { node.identity(&name).await })
        })
        .await
    }

    /// How a node stands.
    pub async fn status(&self) -> Result<wire::GetStatusResponse, ClientError> {
        self.ask(|node| Box::pin(async move { node.status().await })).await
    }

    /// Asks one node after the other, beginning with the one that answered last: what must not be asked twice, or is much.
    pub async fn ask_in_turn<T>(&self, what: impl Fn(Node) -> Asking<T>) -> Result<T, ClientError> {
        let mut failed = None;
        for number in self.turns() {
            let Some(one) = self.nodes.get(number) else { continue };
            match what(one.node.clone()).await {
                Ok(answer) => {
                    self.answered(number);
                    return Ok(answer);
                }
                Err(error) => {
                    one.leave(&error);
                    failed = Some(error);
                }
            }
        }
        Err(failed.unwrap_or_else(no_node))
    }

    /// The same; of one that is silent the answer is not waited for alone.
    pub async fn ask<T>(&self, what: impl Fn(Node) -> Asking<T>) -> Result<T, ClientError> {
        let (mut turns, mut silent) = (self.turns(), Vec::new());
        let (mut asked, mut failed) = (FuturesUnordered::new(), None);
        let begin = |number: usize| {
            let one = self.nodes.get(number)?;
            let answer = what(one.node.clone());
            Some(async move { (number, answer.await) })
        };
        let mut next = turns.next();
        loop {
            if let Some(number) = next.take() {
                asked.extend(begin(number));
                silent.push((number, Instant::now()));
            }
            tokio::select! {
                answer = asked.next() => match answer {
                    Some((number, Ok(answer))) => {
                        self.answered(number);
                        let outrun = ClientError::failed("it did not answer, and another did");
                        // Of one that was asked just now nobody can say so.
                        let long = |at: &Instant| at.elapsed() >= SILENT;
                        let of = silent.iter().filter(|(it, at)| *it != number && long(at));
                        of.filter_map(|(it, _)| self.nodes.get(*it))
                            .for_each(|it| it.leave(&outrun));
                        return Ok(answer);
                    }
                    Some((number, Err(error))) => {
                        silent.retain(|(it, _)| *it != number);
                        if let Some(one) = self.nodes.get(number) {
                            one.leave(&error);
                        }
                        failed = Some(error);
                        next = turns.next();
                    }
                    None => return Err(failed.unwrap_or_else(no_node)),
                },
                () = tokio::time::sleep(SILENT), if turns.len() > 0 => next = turns.next(),
            }
        }
    }

    /// All nodes, the one that answered last first.
    fn turns(&self) -> impl ExactSizeIterator<Item = usize> + use<> {
        let (first, count) = (self.current.load(Ordering::Relaxed), self.nodes.len());
        (0..count).map(move |further| (first + further) % count)
    }

    fn answered(&self, number: usize) {
        if let Some(one) = self.nodes.get(number) {
            one.answered();
            self.current.store(number, Ordering::Relaxed);
        }
    }
}

fn no_node() -> ClientError {
    ClientError::failed("no node is spoken to: what crosses are files, outbox and inbox")
}

/// Errors where a node shows an earlier state than was seen.
fn not_behind(known: Known, highest: Height) -> Result<Known, ClientError> {
    let height = known.header.height;
    if height >= highest {
        return Ok(known);
    }
    let why = format!("the node is at height {height}, behind {highest}, which was seen already");
    Err(ClientError::failed(why))
}

fn for_dataset(dataset: &str) -> wire::ListRequestsRequest {
    wire::ListRequestsRequest { dataset: dataset.to_owned(), ..Default::default() }
}
