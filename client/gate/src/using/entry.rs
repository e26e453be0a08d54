//! What stands in the file of what was received.

use liuhen_proto::types::IdentityId;
use liuhen_proto::wire::Receipt;

/// A gateway and its number.
pub type Access = (IdentityId, u64);

#[derive(Clone, PartialEq, prost::Message)]
pub struct Entry {
    #[prost(oneof = "Said", tags = "1, 2, 3, 4, 5, 6")]
    pub said: Option<Said>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub enum Said {
    #[prost(message, tag = "1")]
    Noted(Noted),
    #[prost(message, tag = "2")]
    Ended(Of),
    #[prost(message, tag = "3")]
    Acknowledged(Of),
    #[prost(message, tag = "4")]
    Summed(Hour),
    #[prost(message, tag = "5")]
    LetGo(Of),
    #[prost(message, tag = "6")]
    InSum(Of),
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Noted {
    #[prost(bytes = "vec", tag = "1")]
    pub gateway: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub number: u64,
    #[prost(bytes = "vec", tag = "3")]
    pub request_id: Vec<u8>,
    #[prost(message, optional, tag = "4")]
    pub receipt: Option<Receipt>,
    /// When it was noted.
    #[prost(uint64, tag = "5")]
    pub at_ms: u64,
    /// Rows; absent: unknown yet.
    #[prost(uint64, optional, tag = "6")]
    pub rows: Option<u64>,
    /// Nothing more is told of it.
    #[prost(bool, tag = "7")]
    pub is_over: bool,
    /// Whether it is owed by itself, by what the gateway said.
    #[prost(bool, optional, tag = "8")]
    pub singly: Option<bool>,
}

/// Something of one access.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Of {
    #[prost(bytes = "vec", tag = "1")]
    pub gateway: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub number: u64,
    #[prost(uint64, optional, tag = "3")]
    pub rows: Option<u64>,
    #[prost(string, tag = "4")]
    pub reason: String,
}

/// The sum of an hour that is on the ledger.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Hour {
    #[prost(bytes = "vec", tag = "1")]
    pub request_id: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub hour: u64,
    #[prost(uint64, tag = "3")]
    pub count: u64,
}

pub fn of((gateway, number): Access, rows: Option<u64>, reason: &str) -> Of {
    Of { gateway: gateway.to_vec(), number, rows, reason: reason.to_owned() }
}

impl Of {
    pub fn access(&self) -> Access {
        (IdentityId::from_slice(&self.gateway).unwrap_or_default(), self.number)
    }
}
