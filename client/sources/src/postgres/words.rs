//! What words and texts mean that PostgreSQL writes in the server's language. In text logs nothing else says it.

/// What the word behind a line's prefix says that the line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// An entry, with how grave it is, as PostgreSQL calls it in English; or with a word that is not known here.
    Entry(String),
    /// The statement of the entry before.
    Statement,
    /// What else the entry before says.
    Further,
}

/// PostgreSQL's translation in UTF-8, and in GBK as Chinese Windows has it.
const SEVERITIES: [(&[u8], &str); 15] = [
    ("日志".as_bytes(), "LOG"),
    ("错误".as_bytes(), "ERROR"),
    ("致命错误".as_bytes(), "FATAL"),
    ("比致命错误还过分的错误".as_bytes(), "PANIC"),
    ("警告".as_bytes(), "WARNING"),
    ("注意".as_bytes(), "NOTICE"),
    ("信息".as_bytes(), "INFO"),
    ("调试".as_bytes(), "DEBUG"),
    ("錯誤".as_bytes(), "ERROR"),
    ("致命錯誤".as_bytes(), "FATAL"),
    (b"\xc8\xd5\xd6\xbe", "LOG"),
    (b"\xb4\xed\xce\xf3", "ERROR"),
    (b"\xd6\xc2\xc3\xfc\xb4\xed\xce\xf3", "FATAL"),
    (b"\xbe\xaf\xb8\xe6", "WARNING"),
    (b"\xd7\xa2\xd2\xe2", "NOTICE"),
];
const STATEMENTS: [&[u8]; 3] = [b"STATEMENT", "语句".as_bytes(), b"\xd3\xef\xbe\xe4"];
const FURTHER: [&[u8]; 17] = [
    b"DETAIL",
    b"HINT",
    b"CONTEXT",
    b"QUERY",
    b"LOCATION",
    b"BACKTRACE",
    "详细信息".as_bytes(),
    "提示".as_bytes(),
    "上下文".as_bytes(),
    "查询".as_bytes(),
    "位置".as_bytes(),
    "回溯".as_bytes(),
    b"\xcf\xea\xcf\xb8\xd0\xc5\xcf\xa2",
    b"\xcc\xe1\xca\xbe",
    b"\xc9\xcf\xcf\xc2\xce\xc4",
    b"\xb2\xe9\xd1\xaf",
    b"\xce\xbb\xd6\xc3",
];
/// Parts of messages by which the server says that something is not allowed (SQLSTATE 42501).
const DENIALS: [&[u8]; 11] = [
    b"permission denied",
    b"must be owner of",
    b"must be superuser",
    b"must be a superuser",
    b"must have admin option",
    b"row-level security policy",
    "权限不够".as_bytes(),
    "权限不足".as_bytes(),
    "的属主".as_bytes(),
    "安全策略".as_bytes(),
    b"\xc8\xa8\xcf\xde\xb2\xbb\xb9\xbb",
];

impl Word {
    /// Of a word.
    pub(super) fn of(word: &[u8]) -> Self {
        if STATEMENTS.contains(&word) {
            return Self::Statement;
        }
        if FURTHER.contains(&word) {
            return Self::Further;
        }
        let known = SEVERITIES.iter().find(|(it, _)| *it == word);
        Self::Entry(known.map_or_else(|| super::text::shown(word), |(_, it)| (*it).to_owned()))
    }
}

/// Whether a message says that something was not allowed.
pub(super) fn is_denial(message: &[u8]) -> bool {
    DENIALS.iter().any(|it| message.windows(it.len()).any(|part| part == *it))
}
