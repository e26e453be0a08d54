//! A line of the server's log, whatever form it has.

use super::entry::Entry;
use super::text::Text;

/// A line of the server's log. What the form does not have is empty.
#[derive(Debug, Default)]
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
}

/// States of errors that are no errors.
const NO_ERRORS: [&str; 2] = ["00", "01"];

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
    /// functions, and by what PostgreSQL says in English: in another language the rest goes unseen.
    pub(super) fn what_happened(&self) -> Option<String> {
        const OF_THE_LOG: [&str; 4] =
            ["\"pgaudit.", "\"log_", "\"logging_collector\"", "\"shared_preload_libraries\""];
        const SAID: [&str; 6] = [
            "starting PostgreSQL",
            "database system is ready to accept connections",
            "database system is shut down",
            "received SIGHUP",
            "was not properly shut down",
            "ending log output",
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
