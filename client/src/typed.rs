//! What was typed for an id: errors of nodes name ids, and are shown with the words that people used.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// By id in hexadecimal.
static TYPED: Mutex<BTreeMap<String, String>> = Mutex::new(BTreeMap::new());

/// Characters of an id that is shown cut, before the ellipsis.
const CUT: usize = 8;

/// Remembers that an id was asked for by this name.
pub fn note(id: &[u8], name: &str) {
    let whole = id.len() == 32;
    let id = hex::encode(id);
    if whole && id != name {
        TYPED.lock().unwrap_or_else(PoisonError::into_inner).insert(id, name.to_owned());
    }
}

/// A message with names in place of the ids that were asked for by name.
pub fn named(message: &str) -> String {
    let typed = TYPED.lock().unwrap_or_else(PoisonError::into_inner);
    typed.iter().fold(message.to_owned(), |message, (id, name)| {
        let cut = format!("{}…", id.get(..CUT).unwrap_or(id));
        message.replace(id, name).replace(&cut, name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_shown_as_they_were_typed() {
        note(&[0xab; 32], "psb/gateway");
        note(&[0xcd; 32], &hex::encode([0xcd; 32]));
        let (whole, other) = (hex::encode([0xab; 32]), hex::encode([0xcd; 32]));
        assert_eq!(named(&format!("no gateway {whole}")), "no gateway psb/gateway");
        assert_eq!(named("gateway abababab… of abab"), "gateway psb/gateway of abab");
        assert_eq!(named(&other), other);
    }
}
