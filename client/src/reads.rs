//! Whether what was read by oversight came onto the ledger, as the nodes' receipts said: a node that shows and does not record is
//! found out.

use crate::connect::Node;
use crate::error::ClientError;
use crate::kept_reads::KeptRead;
use liuhen_proto::event::Body;
use liuhen_proto::items::reading::request::is_acknowledged;
use liuhen_proto::place::TrailKind;
use liuhen_proto::suite::sign::PublicKey;
use liuhen_proto::types::{KeyId, TimeMs};
use liuhen_proto::wire::{self, ReadReceipt, item::Kind};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// What became of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFate {
    /// It stands on the ledger, as often as the node said.
    Recorded,
    /// It is sealed, or to be, until its audit closes.
    Sealed,
    /// It was read so recently that it may be on its way.
    Fresh,
    /// The node said that it noted it, and it is not there.
    Missing,
    /// The node says that it showed nothing by oversight.
    NothingNoted,
    /// It stands on the ledger more often than the node said: a node that was stopped before it noted that it had recorded a
    /// read records it again.
    TooOften,
    /// The receipt is not that of the node that was asked.
    BadReceipt,
    /// The node sent no receipt.
    NoReceipt,
}

/// Finds kept reads on the ledger: by the nonce that was signed with each, on the trails of their readers. `grace_ms`:
/// how long a read may take to be recorded, and a sealed one to be opened when its audit has closed.
pub async fn fates(
    node: &Node,
    kept: &[KeptRead],
    (grace_ms, open_ms): (u64, u64),
) -> Result<Vec<ReadFate>, ClientError> {
    let mut ledger = Found::default();
    let mut fates = Vec::with_capacity(kept.len());
    let now = crate::clock::now();
    for it in kept {
        let id = |bytes: &[u8]| KeyId::from_slice(bytes).map_err(ClientError::failed);
        let (reader, _) = node.key(&id(&it.request.key_id)?).await?;
        let Some(receipt) = &it.receipt else {
            fates.push(ReadFate::NoReceipt);
            continue;
        };
        if !ledger.is_word_of_the_node(node, it, receipt).await? {
            fates.push(ReadFate::BadReceipt);
            continue;
        }
        let count = ledger.of_identity(node, &reader.identity_id).await?;
        let found = count.get(&it.request.nonce).copied().unwrap_or(0);
        // A watch is recorded as it goes on; its receipt is of its beginning.
        let goes_on = it.call.ends_with("WatchService/Watch");
        let known = match found.cmp(&receipt.reads) {
            Ordering::Greater if !goes_on => Some(ReadFate::TooOften),
            Ordering::Equal if found == 0 => Some(ReadFate::NothingNoted),
            Ordering::Greater | Ordering::Equal => Some(ReadFate::Recorded),
            Ordering::Less => None,
        };
        if let Some(known) = known {
            fates.push(known);
            continue;
        }
        // By the reader's own clock: the node's is its own word.
        let asked = it.request.time_ms;
        let due = match it.request.audit.as_str() {
            "" => Some(asked.saturating_add(grace_ms)),
            audit => {
                let closed = ledger.closed(node, &reader.department, audit).await?;
                closed.map(|time| time.max(asked).saturating_add(open_ms))
            }
        };
        fates.push(match due {
            None => ReadFate::Sealed,
            Some(due) if TimeMs::new(due) > now && it.request.audit.is_empty() => ReadFate::Fresh,
            Some(due) if TimeMs::new(due) > now => ReadFate::Sealed,
            Some(_) => ReadFate::Missing,
        });
    }
    Ok(fates)
}

/// What was looked up of the ledger.
#[derive(Default)]
struct Found {
    /// By reader: how many reads carry a nonce.
    nonces: BTreeMap<Vec<u8>, BTreeMap<Vec<u8>, u64>>,
    /// By department and audit: when it closed, or closes.
    audits: BTreeMap<String, BTreeMap<String, u64>>,
    /// Keys of receipts; `None` where the ledger has none.
    nodes: BTreeMap<KeyId, Option<PublicKey>>,
}

impl Found {
    async fn of_identity(
        &mut self,
        node: &Node,
        identity: &[u8],
    ) -> Result<&BTreeMap<Vec<u8>, u64>, ClientError> {
        if !self.nonces.contains_key(identity) {
            let mut counts: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
            for event in node.whole_trail(TrailKind::Identity, identity.to_vec()).await? {
                let Body::Signed { item, .. } = &event.body else { continue };
                for read in reads_of(item.kind()).iter().filter(|it| it.identity_id == identity) {
                    let nonce = read.request.as_ref().map(|it| it.nonce.clone());
                    *counts.entry(nonce.unwrap_or_default()).or_default() += 1;
                }
            }
            self.nonces.insert(identity.to_vec(), counts);
        }
        Ok(self.nonces.entry(identity.to_vec()).or_default())
    }

    /// Whether a receipt is signed by the node that was asked, which the ledger knows as a node.
    async fn is_word_of_the_node(
        &mut self,
        node: &Node,
        it: &KeptRead,
        receipt: &ReadReceipt,
    ) -> Result<bool, ClientError> {
        let Ok(id) = KeyId::from_slice(&receipt.key_id) else { return Ok(false) };
        if receipt.key_id != it.request.node {
            return Ok(false);
        }
        let key = match self.nodes.entry(id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let key = match node.key(&id).await {
                    Ok((key, _)) => of_a_node(node, &key).await?,
                    Err(error) if error.is_not_found() => None,
                    Err(error) => return Err(error),
                };
                place.insert(key)
            }
        };
        Ok(key.as_ref().is_some_and(|key| is_acknowledged(receipt, &it.chain, &it.request, key)))
    }

    /// When an audit closed; `None` while it runs.
    async fn closed(
        &mut self,
        node: &Node,
        department: &str,
        audit: &str,
    ) -> Result<Option<u64>, ClientError> {
        if !self.audits.contains_key(department) {
            let mut ends: BTreeMap<String, u64> = BTreeMap::new();
            let trail = department.as_bytes().to_vec();
            for event in node.whole_trail(TrailKind::Department, trail).await? {
                let Body::Signed { item, .. } = &event.body else { continue };
                match item.kind() {
                    Kind::OpenAudit(it) => ends.insert(it.audit.clone(), it.until_ms),
                    Kind::CloseAudit(it) => ends.insert(it.audit.clone(), event.leaf.time.get()),
                    _ => None,
                };
            }
            self.audits.insert(department.to_owned(), ends);
        }
        let ends = self.audits.get(department).and_then(|it| it.get(audit)).copied();
        Ok(ends.filter(|end| TimeMs::new(*end) <= crate::clock::now()))
    }
}

/// The key, where it is that of a node.
async fn of_a_node(node: &Node, key: &wire::Key) -> Result<Option<PublicKey>, ClientError> {
    let all = node.identities(&key.department).await?;
    let holder = all.iter().find(|it| it.identity_id == key.identity_id);
    let is_node = holder.is_some_and(|it| it.kind() == wire::IdentityKind::Node);
    Ok(PublicKey::from_slice(&key.public_key).ok().filter(|_| is_node))
}

/// The reads that an item records or opens.
fn reads_of(kind: &Kind) -> Vec<wire::TrailRead> {
    match kind {
        Kind::RecordReads(it) => it.reads.clone(),
        Kind::OpenReads(it) => it.reads.iter().filter_map(|one| one.read.clone()).collect(),
        _ => Vec::new(),
    }
}
