//! A line of the server's log, whatever form it has.

use super::entry::Entry;
use super::text::Text;

/// A line of the server's log. What the form does not have is empty.
#[derive(Debug, Clone, Default)]
pub(super) struct ServerLine {
    /// When, as the line has it.
    pub time: String,
    /// The database role.
    pub role: String,
    /// The database; empty for processes of the server's own, and for parallel workers.
    pub database: String,
    /// Whether the form does not say the database at all.
    pub is_database_untold: bool,
    /// The session: when its process began, and its number.
    pub session: String,
    /// Where lines do not say their session: the process. A statement is told by it and its time, whichever file one begins with.
    pub process: Option<String>,
    /// The number of the line within its process.
    pub line_num: Option<u64>,
    /// The number of the last of its lines, where those that follow an entry have numbers of their own.
    pub last_line_num: Option<u64>,
    /// The client's address, without its port.
    pub address: String,
    /// What the client calls itself.
    pub application: String,
    /// Of a parallel worker: the process of the session it works for.
    pub leader: Option<u64>,
    /// The command of the client's statement; empty where the form does not say.
    pub tag: String,
    /// The transaction.
    pub transaction: String,
    /// How grave: `LOG`, `ERROR` and so on, or the word for it in another language.
    pub severity: String,
    /// The SQLSTATE.
    pub state: String,
    /// What is said.
    pub message: Text,
    /// pgAudit's entry, where the form has it apart from the message.
    pub entry: Option<Entry>,
    /// The statement that an error is about.
    pub statement: Option<Text>,
    /// Its file ends before it is whole.
    pub is_cut: bool,
}

/// States of errors that are no errors.
const NO_ERRORS: [&str; 2] = ["00", "01"];
/// States of errors that end a session: the server stops, or nobody asked for too long.
const ENDS_SESSION: [&str; 5] = ["57P01", "57P02", "57P03", "57P05", "25P03"];

impl ServerLine {
    /// pgAudit's entry. Errors where the message says that it is one and can't be read.
    pub(super) fn entry(&self) -> Result<Option<Entry>, String> {
        if let Some(entry) = &self.entry {
            return Ok(Some(entry.clone()));
        }
        let Some(text) = self.message.0.strip_prefix(b"AUDIT: ") else { return Ok(None) };
        Entry::of_text(text).map(Some)
    }

    /// Whether a statement failed. By its state, for words are of the server's language.
    pub(super) fn is_error(&self) -> bool {
        let class = self.state.get(..2).unwrap_or_default();
        match class.is_empty() {
            true => matches!(self.severity.as_str(), "ERROR" | "FATAL" | "PANIC"),
            false => !NO_ERRORS.contains(&class),
        }
    }

    /// What happened to the log itself, or to the server, that whoever reads it must know of. By names of parameters and
    /// signals, and by what PostgreSQL says in English and Chinese: in another language the rest goes unseen.
    pub(super) fn what_happened(&self) -> Option<String> {
        const OF_THE_LOG: [&str; 4] =
            ["\"pgaudit.", "\"log_", "\"logging_collector\"", "\"shared_preload_libraries\""];
        // In Chinese as 15.18 has it, and as 15.20, which says much in other words.
        const SAID: [&str; 14] = [
            "starting PostgreSQL",
            "database system is ready to accept connections",
            "database system is shut down",
            "was not properly shut down",
            "ending log output",
            "SIGHUP",
            "正在启动 PostgreSQL",
            "数据库系统准备接受连接",
            "数据库系统已准备好接受",
            "数据库系统已关闭",
            "数据库系统没有正确的关闭",
            "数据库系统未正常关闭",
            "终止日志输出",
            "正在停止向标准错误输出日志",
        ];
        let no_session = self.database.is_empty() && self.role.is_empty();
        if !no_session || self.entry.is_some() || self.message.0.starts_with(b"AUDIT: ") {
            return None;
        }
        let said = self.message.shown();
        let of_the_log = OF_THE_LOG.iter().any(|name| said.contains(name));
        (of_the_log || SAID.iter().any(|part| said.contains(part))).then_some(said)
    }
}

impl ServerLine {
    /// What tells something that a line says from all else of its server: by its number, or where it has none, by its time.
    pub(super) fn reference(&self, kind: &str, what: &str) -> String {
        let of = match (&self.process, self.line_num) {
            (Some(process), _) => format!("{process}@{}", self.time),
            (None, Some(number)) if kind.is_empty() => format!("{}/{number}", self.session),
            (None, Some(number)) => return format!("{}/{kind}/{number}", self.session),
            (None, None) => format!("{}/{}", self.session, self.time),
        };
        [of.as_str(), kind, what]
            .iter()
            .filter(|it| !it.is_empty())
            .copied()
            .collect::<Vec<_>>()
            .join("/")
    }

    /// The command by which a client of replication copies the server's files, or follows what changes in them; it stands in the
    /// log where `log_replication_commands` is on.
    pub(super) fn copies(&self) -> Option<&'static str> {
        const COMMANDS: [&str; 2] = ["BASE_BACKUP", "START_REPLICATION"];
        if self.is_error() || self.entry.is_some() || self.role.is_empty() {
            return None;
        }
        let said = self.message.shown();
        let command = said.split_once([':', '\u{ff1a}']).map(|(_, it)| it.trim_start())?;
        COMMANDS.into_iter().find(|it| command.starts_with(it))
    }

    /// What it says it is, and what is worth showing of it.
    pub(super) fn shown(&self) -> (String, Vec<u8>) {
        match self.entry() {
            Ok(Some(entry)) => entry.shown(),
            Ok(None) | Err(_) => {
                let kind = format!("{} {}", self.severity, self.state).trim_end().to_owned();
                (kind, self.message.0.clone())
            }
        }
    }

    /// Whether it says that its session is over: by an error that ends one, or by what `log_disconnections` has written. In any
    /// language that line has the session's time, and whose it was.
    pub(super) fn ends_session(&self) -> bool {
        /// What is longer is something else.
        const MOST_BYTES: usize = 1_000;
        if self.is_error() {
            let is_fatal = matches!(self.severity.as_str(), "FATAL" | "PANIC");
            return is_fatal || ENDS_SESSION.contains(&self.state.as_str());
        }
        if self.entry.is_some() || self.role.is_empty() || self.message.0.len() > MOST_BYTES {
            return false;
        }
        let said = self.message.shown();
        let names = |it: &str| said.contains(&format!("={it} "));
        names(&self.role) && names(&self.database) && has_session_time(&said)
    }

    /// Whether it says that a client went away within a transaction: of all lines that are no entry and no error only that one is
    /// written then (`log_disconnections`).
    pub(super) fn leaves_within(&self) -> bool {
        self.tag == "idle in transaction"
            && !self.database.is_empty()
            && !self.is_error()
            && self.entry.is_none()
            && !self.message.0.starts_with(b"AUDIT: ")
    }
}

/// Whether a text holds a time as `0:00:00.042`, behind something else.
fn has_session_time(text: &str) -> bool {
    let is_time = |word: &str| {
        let shape = word.bytes().map(|it| if it.is_ascii_digit() { b'0' } else { it });
        let shape: Vec<u8> = shape.collect();
        shape.ends_with(b"0:00:00.000")
    };
    !text.starts_with("AUDIT: ") && text.split(' ').any(is_time)
}

/// An address without its port: `10.0.0.7:41022`, `10.0.0.7(41022)`, `[local]`.
pub(super) fn without_port(text: &str) -> String {
    let text = text.split('(').next().unwrap_or_default();
    match text.rsplit_once(':') {
        Some((address, port))
            if port.bytes().all(|it| it.is_ascii_digit()) && !address.contains(':') =>
        {
            address.to_owned()
        }
        _ => text.to_owned(),
    }
}
