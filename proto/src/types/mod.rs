//! One noun a file: ids, heights and times, codes, limits.

mod code;
mod height;
mod ids;
pub mod limits;

pub use code::{CodeError, check_code};
pub use height::{Height, TimeMs};
pub use ids::{
    BlockId, ChainId, Hash, IdError, IdKind, IdentityId, KeyId, ProposalId, RequestId, TxId,
    identity_id, numbered_id,
};
