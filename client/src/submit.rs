//! Signing items and submitting them.

use crate::clock::now;
use crate::connect::Node;
use crate::error::ClientError;
use liuhen_keyfile::PassphraseSource;
use liuhen_proto::items::Item;
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::tx::{Signer, Tx};
use liuhen_proto::types::{BlockId, ChainId, Height, IdentityId};
use liuhen_proto::wire::{self, item::Kind};
use std::path::Path;
use tonic::Code;

/// How often a transaction is signed again whose recent block got too old, or whose number was
/// taken by another program that signs with the same key.
const TRIES: usize = 3;

/// A key with its place on the ledger.
#[derive(Debug, Clone)]
pub struct Account {
    /// Signs for this identity.
    pub signer: Signer,
}

impl Account {
    /// Opens a key file, and asks the node whose key it is.
    pub async fn open(
        node: &Node,
        file: &Path,
        passphrase: &PassphraseSource,
    ) -> Result<Self, ClientError> {
        let (key, chain) = Self::key_of(node, file, passphrase).await?;
        Self::of_key(node, chain, key).await
    }

    /// Opens a key file for the node's chain: only a `dev-` one takes a key without a passphrase.
    pub async fn key_of(
        node: &Node,
        file: &Path,
        passphrase: &PassphraseSource,
    ) -> Result<(PrivateKey, ChainId), ClientError> {
        let status = node.status().await?;
        let dev = status.chain_name.starts_with("dev-");
        let key = liuhen_keyfile::load(file, passphrase, dev)?;
        Ok((key, ChainId::from_slice(&status.chain_id).map_err(ClientError::failed)?))
    }

    /// The account of a key.
    pub async fn of_key(node: &Node, chain: ChainId, key: PrivateKey) -> Result<Self, ClientError> {
        let node = node.signed_in(&key, chain, None);
        let (on_ledger, _) = node.key(&key.public().key_id()).await?;
        let identity =
            IdentityId::from_slice(&on_ledger.identity_id).map_err(ClientError::failed)?;
        Ok(Self { signer: Signer { chain, department: on_ledger.department, identity, key } })
    }

    /// A connection on which each call is made as this identity.
    pub fn on(&self, node: &Node) -> Node {
        node.signed_in(&self.signer.key, self.signer.chain, None)
    }

    /// The seq of the key's next transaction.
    pub async fn next_seq(&self, node: &Node) -> Result<u64, ClientError> {
        Ok(self.on(node).key(&self.signer.key.public().key_id()).await?.1)
    }

    /// Signs items as the next transaction, submits it, and waits until it is committed. Where no answer comes,
    /// the error says whether the transaction may still commit.
    pub async fn submit(
        &self,
        node: &Node,
        items: &[Item],
    ) -> Result<(Tx, wire::SubmitResponse), ClientError> {
        let mut tries = 0;
        // A transaction that was sent, and of which nothing was heard yet.
        let mut sent: Option<Tx> = None;
        loop {
            let signed = async {
                let seq = self.next_seq(node).await?;
                self.sign(seq, recent(node).await?, items)
            };
            let tx = signed.await.map_err(|error| with_fate(error, sent.as_ref()))?;
            let request = wire::SubmitRequest { transaction: tx.raw().to_vec() };
            match node.submission().submit(request).await {
                Ok(response) => return Ok((tx, response.into_inner())),
                Err(status) => {
                    let unsure = is_unsure(&status);
                    let mut error = ClientError::from(status);
                    if unsure {
                        sent = Some(tx);
                        if let ClientError::Refused(_, code) = &mut error {
                            *code = Code::Unavailable;
                        }
                    }
                    tries += 1;
                    if tries >= TRIES || !may_try_again(&error) {
                        return Err(with_fate(error, sent.as_ref()));
                    }
                }
            }
        }
    }

    /// Signs items under a seq.
    pub fn sign(
        &self,
        seq: u64,
        recent: (Height, BlockId),
        items: &[Item],
    ) -> Result<Tx, ClientError> {
        self.signer.sign(seq, recent, now(), items).map_err(ClientError::failed)
    }
}

fn may_try_again(error: &ClientError) -> bool {
    let again = ["recent_block.too_old", "seq.wrong", "seq.taken"];
    matches!(error, ClientError::Refused(refused, _) if again.contains(&refused.reason.as_str()))
}

/// Whether a status says neither that a transaction was committed nor that it was refused.
fn is_unsure(status: &tonic::Status) -> bool {
    use Code::{Aborted, Cancelled, DataLoss, DeadlineExceeded, Internal, Unavailable, Unknown};
    let codes = [Aborted, Cancelled, DataLoss, DeadlineExceeded, Internal, Unavailable, Unknown];
    codes.contains(&status.code())
}

/// An error that leaves unsaid what became of a transaction, with that added.
fn with_fate(error: ClientError, sent: Option<&Tx>) -> ClientError {
    match error {
        ClientError::Refused(mut refused, code) if code == Code::Unavailable => {
            let (fate, fate_zh) = match sent {
                Some(tx) => (
                    format!("transaction {} was sent, and may still commit", tx.id()),
                    format!("交易 {} 已发出，仍可能上链", tx.id()),
                ),
                None => ("this transaction was not sent".to_owned(), "本交易未发送".to_owned()),
            };
            refused.message = format!("{}; {fate}", refused.message);
            if !refused.message_zh.is_empty() {
                refused.message_zh = format!("{}；{fate_zh}", refused.message_zh);
            }
            ClientError::Refused(refused, code)
        }
        other => other,
    }
}

/// The node's last block, for transactions to cite.
pub async fn recent(node: &Node) -> Result<(Height, BlockId), ClientError> {
    let status = node.status().await?;
    let id = BlockId::from_slice(&status.block_id).map_err(ClientError::failed)?;
    Ok((Height::new(status.height), id))
}

/// An item with a nonce from the system's random source.
pub fn item(kind: Kind) -> Result<Item, ClientError> {
    Item::new(random()?, kind).map_err(|e| ClientError::Usage(e.to_string()))
}

/// Random bytes.
pub fn random<const N: usize>() -> Result<[u8; N], ClientError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(ClientError::failed)?;
    Ok(bytes)
}
