//! The founding document (创世文件) of a consortium: a readable TOML source, composed from what each
//! department sends, checked with errors that name the line, and made into the canonical bytes
//! whose hash is the chain id.
//!
//! Texts come in and texts or bytes go out; reading and writing files is the caller's.

mod compose;
mod error;
mod fingerprint;
mod parameters;
mod source;

pub use compose::{compose, department_toml};
pub use error::SourceError;
pub use fingerprint::fingerprint;
pub use liuhen_proto::header::founding::{Founding, FoundingError};
pub use parameters::{CalendarSource, ManagerSource, ParametersSource, day_of_year, fraction};
pub use source::{
    DepartmentSource, IdentityKindName, IdentitySource, NodeSource, RightName, Source,
};

use prost::Message;

/// Makes the founding document from its TOML source. Errors name the line at fault.
pub fn build(toml: &str) -> Result<Founding, SourceError> {
    let source = Source::parse(toml)?;
    let document = source.to_document(toml)?;
    Founding::new(document).map_err(|e| source.locate(toml, &e))
}

/// The canonical bytes of a founding document.
pub fn to_bytes(founding: &Founding) -> Vec<u8> {
    founding.document().encode_to_vec()
}
