//! The gRPC services of a node, and how refusals travel as statuses and callers prove who they are.

/// The services of `liuhen/v1/service.proto`, as generated.
#[allow(
    missing_docs,
    clippy::all,
    clippy::allow_attributes_without_reason,
    clippy::too_many_lines,
    reason = "generated from service.proto"
)]
pub mod services {
    tonic::include_proto!("liuhen.v1");
}

pub mod reason;
pub mod status;
pub mod token;

/// The descriptors of every message and service, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Metadata of a call: what its reader signed, a canonical `ReadRequest`.
pub const READ: &str = "liuhen-read-bin";
/// Metadata of an answer: the node's word that it noted the reads, a `ReadReceipt`.
pub const READ_RECEIPT: &str = "liuhen-read-receipt-bin";
/// Whether a call can show what its caller sees only because it audits or regulates.
pub fn may_be_overseen(path: &str) -> bool {
    const SERVICES: [&str; 4] = [
        "/liuhen.v1.TrailService/",
        "/liuhen.v1.ProofService/",
        "/liuhen.v1.WatchService/",
        "/liuhen.v1.AccountabilityService/",
    ];
    const CALLS: [&str; 2] =
        ["/liuhen.v1.RegistryService/ListRequests", "/liuhen.v1.RegistryService/GetRequest"];
    SERVICES.iter().any(|it| path.starts_with(it)) || CALLS.contains(&path)
}

/// Bytes of a message that either side takes: a transaction and some room, or a page.
pub const MESSAGE_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of one piece of a proof or a founding document.
pub const CHUNK_BYTES: usize = 256 * 1024;
