//! What stands in the spool.

use liuhen_proto::wire;

/// One thing that the gate says to itself.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Entry {
    /// What.
    #[prost(oneof = "Said", tags = "1, 2, 3, 4, 5, 6, 7")]
    pub said: Option<Said>,
}

/// What an entry says.
#[allow(
    clippy::large_enum_variant,
    reason = "most of what is said is a record, and nothing is kept"
)]
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Said {
    /// A number was given.
    #[prost(message, tag = "1")]
    Given(Given),
    /// An access ended.
    #[prost(message, tag = "2")]
    Ended(Ended),
    /// Records are on the ledger.
    #[prost(message, tag = "3")]
    Recorded(Recorded),
    /// Hours were sealed.
    #[prost(message, tag = "4")]
    Sealed(Sealed),
    /// Numbers up to this one are owned up to: the spool that may have had them is gone.
    #[prost(uint64, tag = "5")]
    Lost(u64),
    /// Tags of subjects that were found in what was given, before it ends.
    #[prost(message, tag = "6")]
    Found(Found),
    /// So many tags of a bulk set are on the ledger.
    #[prost(message, tag = "7")]
    Tagged(Tagged),
}

/// A number that was given to an access, before it was answered.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Given {
    /// The record, as far as it is known by then; its `access_no` is the number.
    #[prost(message, optional, tag = "1")]
    pub record: Option<wire::RecordAccess>,
    /// The door's name for the request, by which its ending is told; empty: it ends with this.
    #[prost(string, tag = "2")]
    pub request: String,
    /// What opens the digests.
    #[prost(bytes = "vec", tag = "3")]
    pub salt: Vec<u8>,
    /// The nonce of its item: sent again it is the same one, and the one that was sealed.
    #[prost(bytes = "vec", tag = "4")]
    pub nonce: Vec<u8>,
    /// Whether its user owes its half by itself, as far as was known.
    #[prost(bool, optional, tag = "5")]
    pub singly: Option<bool>,
}

impl Given {
    /// The number.
    pub fn number(&self) -> u64 {
        self.record.as_ref().map_or(0, |it| it.access_no)
    }
}

/// How an access ended.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Ended {
    /// Its number.
    #[prost(uint64, tag = "1")]
    pub number: u64,
    /// Rows that were given; absent: unknown.
    #[prost(uint64, optional, tag = "2")]
    pub rows: Option<u64>,
    /// The salted digest of what was given; empty: unknown.
    #[prost(bytes = "vec", tag = "3")]
    pub result_digest: Vec<u8>,
    /// Whose data it was, where that showed in what was given.
    #[prost(message, optional, tag = "4")]
    pub subjects: Option<wire::Subjects>,
}

/// Tags of a bulk set, ascending, behind those before.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Found {
    /// The access.
    #[prost(uint64, tag = "1")]
    pub number: u64,
    /// One behind the other.
    #[prost(bytes = "vec", tag = "2")]
    pub tags: Vec<u8>,
}

/// How many tags of a bulk set are on the ledger.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Tagged {
    /// The access.
    #[prost(uint64, tag = "1")]
    pub number: u64,
    /// So many.
    #[prost(uint64, tag = "2")]
    pub count: u64,
}

/// Numbers whose records are on the ledger.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Recorded {
    /// The numbers.
    #[prost(uint64, repeated, tag = "1")]
    pub numbers: Vec<u64>,
    /// The height of their block.
    #[prost(uint64, tag = "2")]
    pub height: u64,
}

/// A seal that is on the ledger.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub struct Sealed {
    /// Until when.
    #[prost(uint64, tag = "1")]
    pub until_ms: u64,
    /// The last number that it names.
    #[prost(uint64, tag = "2")]
    pub last: u64,
}
