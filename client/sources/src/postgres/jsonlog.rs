//! `jsonlog`, and JSON lines that hold a line of the server's log wrapped by whoever carried it.

use super::line::ServerLine;
use super::text::Text;
use super::wrapped;
use crate::log::NotRead;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct Line {
    timestamp: String,
    user: Option<Text>,
    dbname: Option<Text>,
    remote_host: Option<String>,
    session_id: String,
    line_num: u64,
    vxid: Option<String>,
    ps: Option<String>,
    error_severity: Text,
    state_code: Option<String>,
    message: Text,
    statement: Option<Text>,
    application_name: Option<Text>,
    leader_pid: Option<u64>,
}

/// A line of JSON.
pub(super) fn line(bytes: &[u8]) -> Result<ServerLine, NotRead> {
    let line: Line = match serde_json::from_slice(bytes) {
        Ok(line) => line,
        Err(error) if error.is_eof() => {
            return Err(NotRead::CutOff(format!("no jsonlog line: {error}")));
        }
        Err(error) => {
            let wrapped = wrapped::line(bytes)?;
            return wrapped.ok_or_else(|| format!("no jsonlog line: {error}").into());
        }
    };
    let shown = |text: Option<Text>| text.map(|it| it.shown()).unwrap_or_default();
    Ok(ServerLine {
        time: line.timestamp,
        role: shown(line.user),
        database: shown(line.dbname),
        session: line.session_id,
        process: None,
        line_num: Some(line.line_num),
        address: line.remote_host.unwrap_or_default(),
        application: shown(line.application_name),
        leader: line.leader_pid,
        tag: line.ps.unwrap_or_default(),
        transaction: line.vxid.unwrap_or_default(),
        severity: line.error_severity.shown(),
        state: line.state_code.unwrap_or_default(),
        message: line.message,
        entry: None,
        is_database_untold: false,
        is_cut: false,
        last_line_num: None,
        statement: line.statement,
    })
}
