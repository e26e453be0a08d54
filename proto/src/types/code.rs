//! Codes: short stable names of departments, datasets, purposes, fields.

use super::limits::CODE_LENGTH;

/// A text that is not a code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a code: 1 to 64 of the characters a-z 0-9 . _ -, beginning with a letter or digit"
)]
pub struct CodeError(pub String);

/// Checks that `text` is a code: 1 to 64 of `a-z 0-9 . _ -`, beginning with a letter or digit.
/// So no free text, and with it no person's name, can come in.
pub fn check_code(text: &str) -> Result<(), CodeError> {
    let first_fits =
        text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let all_fit = text
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-'));
    if first_fits && all_fit && text.len() <= CODE_LENGTH {
        Ok(())
    } else {
        Err(CodeError(text.chars().take(CODE_LENGTH).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes() {
        for good in ["gz.psb", "civil.resident", "5201", "hr-pension-2026-001", "a_b"] {
            assert!(check_code(good).is_ok(), "{good}");
        }
        let long = "a".repeat(65);
        for bad in ["", ".a", "-a", "Gz", "a b", "公安", "a/b", long.as_str()] {
            assert!(check_code(bad).is_err(), "{bad}");
        }
    }
}
