//! Lines of a server's log as those carry them who run servers for others: CloudNativePG, and Azure's diagnostic logs.

use super::entry::Entry;
use super::line::ServerLine;
use super::text::Text;
use crate::log::NotRead;
use serde_json::Value;

/// A line of JSON that holds one; `None` where it does not.
pub(super) fn line(bytes: &[u8]) -> Result<Option<ServerLine>, NotRead> {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return Ok(None) };
    if let Some(record) = value.get("record").filter(|it| it.get("log_time").is_some()) {
        return cloud_native(record).map(Some);
    }
    let properties = value.get("properties").filter(|it| it.get("message").is_some());
    Ok(properties.map(|properties| azure(properties, &value)))
}

/// A value as text, whether it stands as one or as a number.
fn text(value: &Value, name: &str) -> String {
    match value.get(name) {
        Some(Value::String(it)) => it.clone(),
        Some(Value::Number(it)) => it.to_string(),
        _ => String::new(),
    }
}

/// By CloudNativePG's documentation («Logging»): fields are named as in csvlog, an entry of pgAudit stands in `audit`.
fn cloud_native(record: &Value) -> Result<ServerLine, NotRead> {
    let entry = match record.get("audit") {
        None => None,
        Some(audit) => {
            const NAMES: [&str; 9] = [
                "audit_type",
                "statement_id",
                "substatement_id",
                "class",
                "command",
                "object_type",
                "object_name",
                "statement",
                "parameter",
            ];
            let mut fields: Vec<String> = NAMES.iter().map(|name| text(audit, name)).collect();
            fields.extend(Some(text(audit, "rows")).filter(|it| !it.is_empty()));
            let fields: Vec<&[u8]> = fields.iter().map(String::as_bytes).collect();
            Some(Entry::of_fields(&fields)?)
        }
    };
    let statement = text(record, "query");
    Ok(ServerLine {
        time: text(record, "log_time"),
        role: text(record, "user_name"),
        database: text(record, "database_name"),
        session: text(record, "session_id"),
        process: None,
        line_num: text(record, "session_line_num").parse().ok(),
        address: super::line::without_port(&text(record, "connection_from")),
        application: text(record, "application_name"),
        leader: None,
        tag: text(record, "command_tag"),
        transaction: text(record, "virtual_transaction_id"),
        severity: text(record, "error_severity"),
        state: text(record, "sql_state_code"),
        message: Text(text(record, "message").into_bytes()),
        entry,
        is_database_untold: false,
        is_cut: false,
        last_line_num: None,
        statement: Some(statement).filter(|it| !it.is_empty()).map(|it| Text(it.into_bytes())),
    })
}

/// By Azure's reference of `PostgreSQLLogs`. It has no session, and what is not in the message is not there: who asked is known
/// where the message's prefix says so.
fn azure(properties: &Value, all: &Value) -> ServerLine {
    let time = match text(properties, "timestamp") {
        empty if empty.is_empty() => text(all, "time"),
        time => time,
    };
    let process = text(properties, "processId");
    ServerLine {
        time,
        role: text(properties, "user"),
        database: text(properties, "database"),
        // A process has no beginning here: statements of numbers that come again are told apart by their times.
        session: process.clone(),
        process: Some(process),
        severity: text(properties, "errorLevel"),
        state: text(properties, "sqlerrcode"),
        message: Text(text(properties, "message").into_bytes()),
        statement: Some(text(properties, "statement"))
            .filter(|it| !it.is_empty())
            .map(|it| Text(it.into_bytes())),
        ..ServerLine::default()
    }
}
