//! Who changes what is audited changes what the log tells: for the session, for a role or a database, for the server.

use super::Reader;
use super::entry::Entry;
use super::line::ServerLine;
use crate::log::{Log, NotRead};
use crate::sql::{self, Dialect, SetTo, Told};

/// Settings by which a log tells less.
const OF_THE_LOG: [&str; 9] = [
    "pgaudit.",
    "log_min_messages",
    "log_min_error_statement",
    "log_destination",
    "logging_collector",
    "log_error_verbosity",
    "log_replication_commands",
    "session_preload_libraries",
    "shared_preload_libraries",
];

impl Reader<'_> {
    /// Notes where the text of an entry changes what is audited: nobody knows what the log left out before it or behind it.
    pub(super) fn audit_set(
        &mut self,
        number: u64,
        line: &ServerLine,
        (entry, text): (&Entry, &str),
        told: Option<&Told>,
        log: &mut Log,
    ) -> Result<(), NotRead> {
        let name = match entry.is_hidden() {
            true => may_change(&entry.command)
                .then(|| "what its text, which is not logged, says".to_owned()),
            false => {
                told.and_then(|told| sets(told, entry)).or_else(|| changes_the_log(text, told))
            }
        };
        let Some(name) = name else { return Ok(()) };
        let why = format!("{} sets {name}: the log may not tell all that ran", line.role);
        log.add_event(number, why.clone());
        self.untold(line, number, &name, why, log)
    }
}

/// The setting of the log that a statement sets for its session. One whose name is made up while it runs may be one, where
/// something like it stands in the text.
fn sets(told: &Told, entry: &Entry) -> Option<String> {
    let is_of_log = |name: &str| OF_THE_LOG.iter().any(|it| name.starts_with(it));
    let mut names = told.settings.iter().filter_map(|it| it.name.as_deref());
    if let Some(name) = names.find(|it| is_of_log(it)) {
        return Some(name.to_owned());
    }
    if !told.settings.iter().any(|it| it.name.is_none() && it.to != SetTo::Default) {
        return None;
    }
    let names_it = |text: &[u8]| text.windows(7).any(|it| it.eq_ignore_ascii_case(b"pgaudit"));
    let is_named = names_it(&entry.text) || names_it(&entry.parameters);
    is_named.then(|| "a setting of pgaudit".to_owned())
}

/// The setting of the log that a statement changes for others or for later: of a role, a database, the server, a function.
fn changes_the_log(text: &str, told: Option<&Told>) -> Option<String> {
    let of_settings =
        told.into_iter().flat_map(|it| &it.touches).any(|it| it.relation.table == "pg_settings");
    let mut first_words = text.split_whitespace().map(str::to_ascii_lowercase);
    if !of_settings && !first_words.any(|it| it.ends_with("alter") || it.ends_with("create")) {
        return None;
    }
    let text = sql::without_comments(text, Dialect::Postgres).to_lowercase().replace('"', "");
    let words = text.split(|it: char| it.is_whitespace() || it == ';').filter(|it| !it.is_empty());
    let words: Vec<&str> = words.collect();
    let alters = words.contains(&"alter");
    let changes = alters || words.contains(&"create") || words.contains(&"update");
    let name = OF_THE_LOG.iter().find(|name| changes && text.contains(*name));
    let resets = || alters && words.windows(2).any(|it| it == ["reset", "all"]);
    let name = name.map(|it| it.trim_end_matches('.').to_owned());
    name.or_else(|| resets().then(|| "all settings".to_owned()))
}

/// Whether a command whose text is not logged may change what is audited for others.
fn may_change(command: &str) -> bool {
    matches!(command, "ALTER SYSTEM" | "ALTER ROLE" | "ALTER DATABASE")
}
