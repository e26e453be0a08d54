//! Errors that name the line.

/// What is wrong with a source, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct SourceError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub why: String,
}

impl SourceError {
    /// At a byte offset of the text.
    pub(crate) fn at(text: &str, offset: usize, why: impl Into<String>) -> Self {
        let before = text.bytes().take(offset);
        let line = before.filter(|byte| *byte == b'\n').count().saturating_add(1);
        Self { line, why: why.into() }
    }
}
