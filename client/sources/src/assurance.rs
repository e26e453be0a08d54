//! How sure it is who asked, as mappings say it.

use liuhen_proto::wire::Assurance;
use serde::Deserialize;

/// How sure it is who asked.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssuranceName {
    /// The database authenticated the role, and only this identity has it.
    #[default]
    Verified,
    /// The party says so of itself.
    Claimed,
    /// Nothing supports it.
    None,
}

impl AssuranceName {
    /// What nothing but the caller's own word supports.
    pub(crate) fn at_most_claimed(self) -> Self {
        match self {
            Self::Verified | Self::Claimed => Self::Claimed,
            Self::None => Self::None,
        }
    }

    /// As records have it.
    pub fn to_wire(self) -> Assurance {
        match self {
            Self::Verified => Assurance::Verified,
            Self::Claimed => Assurance::Claimed,
            Self::None => Assurance::Unspecified,
        }
    }
}
