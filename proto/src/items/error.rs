//! Why bytes are not an item.

use crate::canonical::CanonicalError;

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
