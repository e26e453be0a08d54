//! The language of messages.

use std::sync::atomic::{AtomicBool, Ordering};

static CHINESE: AtomicBool = AtomicBool::new(false);

/// Lets messages be Chinese, or English.
pub fn speak_chinese(chinese: bool) {
    CHINESE.store(chinese, Ordering::Relaxed);
}

/// Whether messages are to be Chinese.
pub fn is_chinese() -> bool {
    CHINESE.load(Ordering::Relaxed)
}

/// The sentence of the language that messages are in.
pub fn pick<'a>(english: &'a str, chinese: &'a str) -> &'a str {
    if is_chinese() { chinese } else { english }
}
