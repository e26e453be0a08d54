//! In which language something is said.

/// The language of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Chinese (中文).
    Zh,
}

/// A word of the domain in both languages: `{}` shows it in English, `{:#}` in Chinese.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word {
    /// In English.
    pub en: &'static str,
    /// In Chinese.
    pub zh: &'static str,
}

impl std::fmt::Display for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if f.alternate() { self.zh } else { self.en })
    }
}
