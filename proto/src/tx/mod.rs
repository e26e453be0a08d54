//! Transactions: signed lists of items.
//!
//! [`Tx::parse`] is the only way from bytes to a transaction, and makes every check that needs no
//! ledger: encoding, sizes, ids, roots. The signature is judged apart, in batches.

mod check;
mod trails;

pub use trails::trails;

use crate::canonical::{self, CanonicalError};
use crate::hash::{self, Domain, line};
use crate::merkle::{Blake3Log, MemoryLog, log};
use crate::place::Place;
use crate::sign::{PrivateKey, PublicKey, Signed};
use crate::types::{
    BlockId, ChainId, Hash, Height, IdKind, IdentityId, KeyId, ProposalId, RequestId, TimeMs, TxId,
    limits, numbered_id,
};
use crate::wire::{self, item::Kind};
use prost::Message;

/// Why bytes are not a transaction; says which item where one is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TxError {
    /// The encoding.
    #[error(transparent)]
    Encoding(#[from] CanonicalError),
    /// The header.
    #[error("transaction header: {0}")]
    Header(&'static str),
    /// The signature has another length.
    #[error("a signature has 64 bytes, this has {0}")]
    SignatureLength(usize),
    /// The count of items.
    #[error("the header states {stated} items, the transaction has {found}")]
    ItemCount {
        /// In the header.
        stated: u32,
        /// In the transaction.
        found: usize,
    },
    /// Too many.
    #[error("{0} items; at most {limit} are taken", limit = limits::TRANSACTION_ITEMS)]
    TooManyItems(usize),
    /// The items are not those that were signed.
    #[error("the items are not those of the signed items root")]
    ItemsRoot,
    /// An item.
    #[error("item {item}: {why}")]
    Item {
        /// Its number, from 0.
        item: usize,
        /// What is wrong.
        why: ItemError,
    },
}

/// Why bytes are not an item.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ItemError {
    /// The encoding.
    #[error(transparent)]
    Encoding(#[from] CanonicalError),
    /// A field whose content can't be.
    #[error("{field}: {why}")]
    Field {
        /// The field, as the `.proto` names it.
        field: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

/// The signed part of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TxHeader {
    /// The chain it is for.
    pub chain: ChainId,
    /// The key that signed.
    pub key: KeyId,
    /// The number of its first event on the key's trail.
    pub seq: u64,
    /// A block that the signer had seen.
    pub recent_height: Height,
    /// That block's id.
    pub recent_block: BlockId,
    /// The signer's clock.
    pub claimed_time: TimeMs,
    /// How many items follow.
    pub item_count: u32,
    /// The root of their digests.
    pub items_root: Hash,
    /// The department of the key.
    pub department: String,
    /// The identity of the key.
    pub identity: IdentityId,
}

impl TxHeader {
    /// From canonical bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, TxError> {
        let wire: wire::TransactionHeader =
            canonical::decode("transaction header", bytes, limits::HEADER_BYTES)?;
        let bad = |what| move |_| TxError::Header(what);
        crate::types::check_code(&wire.department)
            .map_err(|_| TxError::Header("department is not a code"))?;
        if wire.item_count == 0 {
            return Err(TxError::Header("a transaction has at least one item"));
        }
        wire.seq
            .checked_add(u64::from(wire.item_count))
            .ok_or(TxError::Header("seq is beyond all numbers"))?;
        Ok(Self {
            chain: ChainId::from_slice(&wire.chain_id).map_err(bad("chain_id is not an id"))?,
            key: KeyId::from_slice(&wire.key_id).map_err(bad("key_id is not an id"))?,
            seq: wire.seq,
            recent_height: Height::new(wire.recent_height),
            recent_block: BlockId::from_slice(&wire.recent_block_id)
                .map_err(bad("recent_block_id is not an id"))?,
            claimed_time: TimeMs::new(wire.claimed_time_ms),
            item_count: wire.item_count,
            items_root: Hash::from_slice(&wire.items_root)
                .map_err(bad("items_root is not a hash"))?,
            department: wire.department,
            identity: IdentityId::from_slice(&wire.identity_id)
                .map_err(bad("identity_id is not an id"))?,
        })
    }

    /// Canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        wire::TransactionHeader {
            chain_id: self.chain.to_vec(),
            key_id: self.key.to_vec(),
            seq: self.seq,
            recent_height: self.recent_height.get(),
            recent_block_id: self.recent_block.to_vec(),
            claimed_time_ms: self.claimed_time.get(),
            item_count: self.item_count,
            items_root: self.items_root.to_vec(),
            department: self.department.clone(),
            identity_id: self.identity.to_vec(),
        }
        .encode_to_vec()
    }

    /// The places of the signer's key, identity and department.
    pub fn signer_places(&self) -> [Place; 3] {
        [
            Place::key(&self.key),
            Place::identity(&self.identity),
            Place::department(&self.department),
        ]
    }

    /// The number of the event that item `item` makes.
    pub fn number(&self, item: u32) -> u64 {
        self.seq.saturating_add(u64::from(item))
    }

    /// The id of the identity that item `item` registers, if it registers one.
    pub fn identity_id(&self, item: u32) -> IdentityId {
        IdentityId::of_event(&self.key, self.number(item))
    }

    /// The id of the proposal that item `item` makes, if it makes one.
    pub fn proposal_id(&self, item: u32) -> ProposalId {
        ProposalId::of_event(&self.key, self.number(item))
    }

    /// The id of what item `item` makes, if it makes something of this kind.
    pub fn made_id(&self, kind: IdKind, item: u32) -> Hash {
        numbered_id(kind, &self.key, self.number(item))
    }

    /// The id of the request that item `item` makes, if it makes one.
    pub fn request_id(&self, item: u32) -> RequestId {
        RequestId::of_event(&self.key, self.number(item))
    }
}

/// What is signed for these header bytes: the line `liuhen/tx/v1`, then the header.
pub fn signed_message(header: &[u8]) -> Vec<u8> {
    [line::TX, header].concat()
}

/// `H_tx(len u32 ‖ header ‖ signature)`.
pub fn tx_id(header: &[u8], signature: &[u8; 64]) -> TxId {
    let length = u32::try_from(header.len()).unwrap_or(u32::MAX).to_be_bytes();
    TxId::new(*hash::hash(Domain::Tx, &[&length, header, signature]).as_bytes())
}

/// `H_item(item bytes)`.
pub fn item_digest(item: &[u8]) -> Hash {
    hash::hash(Domain::Item, &[item])
}

/// An item that passed every check that needs no ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    bytes: Vec<u8>,
    digest: Hash,
    nonce: [u8; 16],
    kind: Kind,
}

impl Item {
    /// From canonical bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, ItemError> {
        let wire: wire::Item = canonical::decode("item", bytes, limits::ITEM_BYTES)?;
        let wrong = |_| ItemError::Field { field: "nonce", why: "16 bytes are needed".into() };
        let nonce = wire.nonce.as_slice().try_into().map_err(wrong)?;
        let kind = check::item(wire)?;
        Ok(Self { bytes: bytes.to_vec(), digest: item_digest(bytes), nonce, kind })
    }

    /// Encodes and checks an item of one's own.
    pub fn new(nonce: [u8; 16], kind: Kind) -> Result<Self, ItemError> {
        let wire = wire::Item { nonce: nonce.to_vec(), kind: Some(kind) };
        Self::parse(&wire.encode_to_vec())
    }

    /// The signer's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// `H_item` of the bytes.
    pub fn digest(&self) -> &Hash {
        &self.digest
    }

    /// Its nonce.
    pub fn nonce(&self) -> [u8; 16] {
        self.nonce
    }

    /// What it says.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }
}

macro_rules! kind_names {
    ($($name:ident),+ $(,)?) => {
        /// The name of an item's kind, as commands and JSON show it.
        pub fn kind_name(kind: &Kind) -> &'static str {
            match kind { $(Kind::$name(_) => stringify!($name)),+ }
        }
    };
}

kind_names!(
    RegisterDataset,
    RequestAccess,
    DecideRequest,
    ConfirmGrant,
    RevokeGrant,
    RecordAccess,
    AdmitDepartment,
    ChangeDepartment,
    SucceedDepartment,
    RegisterIdentity,
    RotateKeys,
    ChangeIdentity,
    AssignPost,
    ReplaceRoot,
    ObjectToRoot,
    UpdateDataset,
    RetireDataset,
    PublishVersion,
    AskSupplement,
    SupplementRequest,
    ApproveException,
    OfferStanding,
    AmendGrant,
    SuspendGrant,
    ResumeGrant,
    ReconfirmGrant,
    DelegateGrant,
    OpenEmergency,
    RatifyEmergency,
    GivePermit,
    Propose,
    Vote,
    RecordReads,
    OpenAudit,
    CloseAudit,
    OpenReads,
    SetGateway,
    CommitMapping,
    SealPeriod,
    DeclareLoss,
    DeclareOutage,
    Unrecordable,
    ManualHandover,
    AddBulkTags,
    CorrectRecords,
    AgreeCorrection,
    Acknowledge,
    AcknowledgeHour,
    OrderSealing,
    ExtendSealing,
    RecordSealed,
    OpenSealed,
    AnswerAlert,
    OpenCase,
    AnswerCase,
    RuleCase,
    RegisterProduct,
    ReviewProduct,
    ReleaseProduct,
    EvaluateProduct,
    RecallProduct,
    ReportDoubleVote,
);

/// What another key of a root signs to agree to an item: the line `liuhen/cosign/v1`, the chain id,
/// and the item of this kind without nonce and cosignatures. `None` for kinds that take none.
pub fn cosign_message(chain: &ChainId, kind: &Kind) -> Option<Vec<u8>> {
    let mut kind = kind.clone();
    match &mut kind {
        Kind::RegisterIdentity(it) => it.cosignatures.clear(),
        Kind::RotateKeys(it) => it.cosignatures.clear(),
        Kind::ChangeIdentity(it) => it.cosignatures.clear(),
        Kind::AssignPost(it) => it.cosignatures.clear(),
        _ => return None,
    }
    let item = wire::Item { nonce: Vec::new(), kind: Some(kind) }.encode_to_vec();
    Some([line::COSIGN, chain.as_bytes(), &item].concat())
}

/// A well-formed transaction whose items are those that its header commits to.
#[derive(Debug, Clone, PartialEq)]
pub struct Tx {
    raw: Vec<u8>,
    id: TxId,
    header: TxHeader,
    header_bytes: Vec<u8>,
    items: Vec<Item>,
    signature: [u8; 64],
}

impl Tx {
    /// From the bytes that are sent. Everything but the signature and the ledger is checked.
    pub fn parse(bytes: &[u8]) -> Result<Self, TxError> {
        let wire: wire::Transaction =
            canonical::decode("transaction", bytes, limits::TRANSACTION_BYTES)?;
        let found = wire.items.len();
        if found > limits::TRANSACTION_ITEMS {
            return Err(TxError::TooManyItems(found));
        }
        let header = TxHeader::parse(&wire.header)?;
        if u32::try_from(found) != Ok(header.item_count) {
            return Err(TxError::ItemCount { stated: header.item_count, found });
        }
        let signature: [u8; 64] = wire
            .signature
            .as_slice()
            .try_into()
            .map_err(|_| TxError::SignatureLength(wire.signature.len()))?;
        let mut items = Vec::with_capacity(found);
        for (item, bytes) in wire.items.iter().enumerate() {
            items.push(Item::parse(bytes).map_err(|why| TxError::Item { item, why })?);
        }
        if log::root::<Blake3Log>(items.iter().map(|it| it.digest)) != header.items_root {
            return Err(TxError::ItemsRoot);
        }
        let id = tx_id(&wire.header, &signature);
        Ok(Self { raw: bytes.to_vec(), id, header, header_bytes: wire.header, items, signature })
    }

    /// The bytes that are sent.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Its id.
    pub fn id(&self) -> TxId {
        self.id
    }

    /// The signed part.
    pub fn header(&self) -> &TxHeader {
        &self.header
    }

    /// The signer's bytes of the header.
    pub fn header_bytes(&self) -> &[u8] {
        &self.header_bytes
    }

    /// The items.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The signature.
    pub fn signature(&self) -> &[u8; 64] {
        &self.signature
    }

    /// The seq of the key's next transaction.
    pub fn next_seq(&self) -> u64 {
        self.header.number(self.header.item_count)
    }

    /// What was signed, to be judged with others in a batch.
    pub fn message(&self) -> Vec<u8> {
        signed_message(&self.header_bytes)
    }

    /// Whether it was signed with this key.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        key.key_id() == self.header.key && key.verify(&self.message(), &self.signature)
    }

    /// The log over its items' digests, to prove one of them.
    pub fn items_log(&self) -> MemoryLog<Blake3Log> {
        self.items.iter().map(|it| it.digest).collect()
    }
}

/// Judges the signatures of transactions; `keys` gives each one's key, `message` as
/// [`Tx::message`] has it.
pub fn verify_many(transactions: &[(&Tx, PublicKey)]) -> Vec<bool> {
    let messages: Vec<Vec<u8>> = transactions.iter().map(|(tx, _)| tx.message()).collect();
    let signed: Vec<Signed<'_>> = transactions
        .iter()
        .zip(&messages)
        .map(|((tx, key), message)| Signed { key: *key, message, signature: *tx.signature() })
        .collect();
    crate::sign::verify_many(&signed)
}

/// Who signs, and from where on the chain.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The chain.
    pub chain: ChainId,
    /// The department of the key.
    pub department: String,
    /// The identity of the key.
    pub identity: IdentityId,
    /// The key.
    pub key: PrivateKey,
}

impl Signer {
    /// Signs items as one transaction. Errors as [`Tx::parse`] does.
    pub fn sign(
        &self,
        seq: u64,
        recent: (Height, BlockId),
        claimed_time: TimeMs,
        items: &[Item],
    ) -> Result<Tx, TxError> {
        let header = TxHeader {
            chain: self.chain,
            key: self.key.public().key_id(),
            seq,
            recent_height: recent.0,
            recent_block: recent.1,
            claimed_time,
            item_count: u32::try_from(items.len()).unwrap_or(u32::MAX),
            items_root: log::root::<Blake3Log>(items.iter().map(|it| it.digest)),
            department: self.department.clone(),
            identity: self.identity,
        };
        let header = header.to_bytes();
        let signature = self.key.sign(&signed_message(&header)).to_vec();
        let items = items.iter().map(|it| it.bytes.clone()).collect();
        Tx::parse(&wire::Transaction { header, items, signature }.encode_to_vec())
    }
}

#[cfg(test)]
mod tests;
