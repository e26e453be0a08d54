//! Ids of 32 bytes, which look alike in logs, JSON and tests.

/// Bytes that are not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// An id has 32 bytes.
    #[error("an id has 32 bytes, this has {0}")]
    Length(usize),
    /// Not hexadecimal digits.
    #[error("not a hexadecimal id of 64 digits")]
    Hex,
}

/// Defines an id of 32 bytes: Debug and Display in hexadecimal, parsing, serde, bytes.
macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name([u8; 32]);

        impl $name {
            /// All bytes zero.
            pub const ZERO: Self = Self([0; 32]);

            /// From its bytes.
            pub const fn new(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// From a slice that must have 32 bytes.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, IdError> {
                <[u8; 32]>::try_from(bytes).map(Self).map_err(|_| IdError::Length(bytes.len()))
            }

            /// Its bytes.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// Its bytes, for a message.
            pub fn to_vec(self) -> Vec<u8> {
                self.0.to_vec()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), hex::encode(self.0))
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let mut bytes = [0; 32];
                hex::decode_to_slice(text, &mut bytes).map_err(|_| IdError::Hex)?;
                Ok(Self(bytes))
            }
        }

        impl AsRef<[u8]> for $name {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

id_type! {
    /// A hash without a more special name: roots, digests.
    Hash
}
id_type! {
    /// `H_genesis` of the founding document.
    ChainId
}
id_type! {
    /// SHA-256(0x00 ‖ header), the RFC 6962 leaf hash.
    BlockId
}
id_type! {
    /// `H_tx(len u32 ‖ header ‖ signature)`.
    TxId
}
id_type! {
    /// `H_keyid(algorithm u8 ‖ public key)`.
    KeyId
}
id_type! {
    /// An identity (身份) of the identity chain.
    IdentityId
}
id_type! {
    /// A request, and the grant that it becomes.
    RequestId
}
id_type! {
    /// A proposal put to the vote.
    ProposalId
}
