//! Reads by oversight that are kept: each call that is signed so, and the node's receipt, in a file, a line of JSON each.

use crate::error::ClientError;
use liuhen_proto::types::ChainId;
use liuhen_proto::wire::{ReadReceipt, ReadRequest};
use prost::Message;
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A call that somebody who oversees made, and what the node said it would record of it.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptRead {
    /// Of which chain.
    pub chain: ChainId,
    /// The node's address.
    pub node: String,
    /// The call's path.
    pub call: String,
    /// What was signed.
    pub request: ReadRequest,
    /// The node's word; `None` where it sent none.
    pub receipt: Option<ReadReceipt>,
}

/// Whoever keeps what nodes said.
pub trait KeepsReads: std::fmt::Debug + Send + Sync {
    /// Keeps it. What can't be kept is for the keeper to say.
    fn keep(&self, read: &KeptRead);
}

impl KeptRead {
    /// As a line of the file.
    pub fn to_line(&self) -> String {
        let line = json!({
            "chain": self.chain.to_string(),
            "node": self.node,
            "call": self.call,
            "time_ms": self.request.time_ms,
            "audit": self.request.audit,
            "reads": self.receipt.as_ref().map(|it| it.reads),
            "request": hex::encode(self.request.encode_to_vec()),
            "receipt": self.receipt.as_ref().map(|it| hex::encode(it.encode_to_vec())),
        });
        format!("{line}\n")
    }

    /// From a line of the file.
    fn from_line(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let bytes = |name: &str| hex::decode(text(name)?).ok();
        let receipt = match value.get("receipt")?.is_null() {
            true => None,
            false => Some(ReadReceipt::decode(bytes("receipt")?.as_slice()).ok()?),
        };
        Some(Self {
            chain: text("chain")?.parse().ok()?,
            node: text("node")?,
            call: text("call")?,
            request: ReadRequest::decode(bytes("request")?.as_slice()).ok()?,
            receipt,
        })
    }
}

/// Reads that are kept in a file, which is made where there is none.
#[derive(Debug, Clone)]
pub struct ReadsFile(PathBuf);

impl ReadsFile {
    /// Of this path.
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Appends a read, on disk when this returns.
    pub fn append(&self, read: &KeptRead) -> std::io::Result<()> {
        if let Some(folder) = self.0.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = File::options().create(true).append(true).open(&self.0)?;
        file.write_all(read.to_line().as_bytes())?;
        file.sync_data()
    }

    /// All that is kept of a chain, and how many lines can't be read. Nothing where there is no file.
    pub fn of_chain(&self, chain: &ChainId) -> Result<(Vec<KeptRead>, usize), ClientError> {
        let text = match std::fs::read_to_string(&self.0) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => {
                return Err(ClientError::failed(format!("{}: {error}", self.0.display())));
            }
        };
        let (mut kept, mut unread) = (Vec::new(), 0);
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match KeptRead::from_line(line) {
                Some(it) if it.chain == *chain => kept.push(it),
                Some(_) => {}
                None => unread += 1,
            }
        }
        Ok((kept, unread))
    }
}
