//! One noun a file: ids, heights and times, codes, limits.

mod code;
mod height;
mod ids;
pub mod limits;
mod made_ids;

pub use code::{CodeError, check_code};
pub use height::{Height, TimeMs};
pub use ids::{BlockId, ChainId, Hash, IdError, IdentityId, KeyId, ProposalId, RequestId, TxId};
pub use made_ids::{IdKind, identity_id, numbered_id};
