//! What the command line names: by the ledger's id in hexadecimal, or by a reference of its maker's.

use liuhen_client::error::ClientError;

/// Bytes of an id of the ledger.
const ID_BYTES: usize = 32;

/// The id that a text is. Errors with a usage error for any other text.
pub(super) fn id(text: &str) -> Result<Vec<u8>, ClientError> {
    let bad = || ClientError::Usage(format!("`{text}`: an id of 64 hexadecimal digits is needed"));
    hex::decode(text).ok().filter(|id| id.len() == ID_BYTES).ok_or_else(bad)
}

/// The id that a text is, or the only one of `listed` (ids and references) that has it as its
/// reference; `what` names their kind in errors.
pub(super) async fn id_or_reference(
    what: &str,
    text: &str,
    listed: impl AsyncFnOnce() -> Result<Vec<(Vec<u8>, String)>, ClientError>,
) -> Result<Vec<u8>, ClientError> {
    if let Ok(id) = id(text) {
        return Ok(id);
    }
    let mut found = listed().await?.into_iter().filter(|(_, reference)| reference == text);
    match (found.next(), found.next()) {
        (Some((id, _)), None) => Ok(id),
        (None, _) => Err(ClientError::NotFound(format!("{what} {text}"))),
        _ => {
            let why = format!("more than one {what} has the reference {text}: say the id");
            Err(ClientError::Usage(why))
        }
    }
}
