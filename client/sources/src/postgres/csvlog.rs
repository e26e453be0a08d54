//! `csvlog`, by PostgreSQL 15's manual (20.8.4), and the files of pgauditlogtofile, which are values between commas too.

use super::entry::Entry;
use super::line::{ServerLine, without_port};
use super::text::{Text, shown};
use crate::log::NotRead;
use crate::values::Values;

/// Whether a line looks like the first of a record: its sixth value is a session.
pub(super) fn is_record(line: &[u8]) -> bool {
    let (mut quoted, mut at, mut begin) = (false, 0, 0);
    for (place, byte) in line.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted && at == 5 => {
                return is_session(&shown(line.get(begin..place).unwrap_or_default()));
            }
            b',' if !quoted => (at, begin) = (at + 1, place + 1),
            _ => {}
        }
    }
    false
}

/// Whether a line begins a record whatever is open before it. Within a text a quote stands doubled: behind a comma one that opens a
/// value alone is not of a text.
pub(super) fn begins_anew(line: &[u8]) -> bool {
    let role = line.iter().position(|it| *it == b',').and_then(|at| line.get(at + 1..at + 3));
    matches!(role, Some([b'"', second]) if *second != b'"') && is_record(line)
}

fn is_session(text: &str) -> bool {
    let hexadecimal = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_hexdigit());
    text.split_once('.').is_some_and(|(start, process)| hexadecimal(start) && hexadecimal(process))
}

/// A record.
pub(super) fn line(record: &[u8]) -> Result<ServerLine, NotRead> {
    let fields = Values::of(record).ok_or("an empty record")?;
    let fields: Vec<&[u8]> = fields.iter().collect();
    let text = |n: usize| fields.get(n).map(|it| shown(it)).unwrap_or_default();
    let session = text(5);
    if !is_session(&session) || fields.len() < 20 {
        return Err("no record of a server's log".into());
    }
    let mut line = ServerLine {
        time: text(0),
        role: text(1),
        database: text(2),
        session,
        line_num: text(6).parse().ok(),
        address: without_port(&text(4)),
        tag: text(7),
        transaction: text(9),
        ..ServerLine::default()
    };
    if matches!(fields.get(12), Some(&b"SESSION" | &b"OBJECT")) {
        of_file(&mut line, &fields)?;
        return Ok(line);
    }
    line.severity = text(11);
    line.state = text(12);
    line.message = Text(fields.get(13).copied().unwrap_or_default().to_vec());
    line.statement = fields.get(19).filter(|it| !it.is_empty()).map(|it| Text(it.to_vec()));
    line.application = text(22);
    line.leader = text(24).parse().ok();
    Ok(line)
}

/// The rest of a record of pgauditlogtofile: the entry's values stand in it as they are, the rows where they are logged.
fn of_file(line: &mut ServerLine, fields: &[&[u8]]) -> Result<(), NotRead> {
    let entry = fields.get(12..).unwrap_or_default();
    let has_rows = entry.get(9).is_some_and(|it| it.iter().all(u8::is_ascii_digit));
    let entry = entry.get(..if has_rows { 10 } else { 9 }).unwrap_or_default();
    line.state = fields.get(11).map(|it| shown(it)).unwrap_or_default();
    line.application = fields.last().map(|it| shown(it)).unwrap_or_default();
    line.entry = Some(Entry::of_fields(entry)?);
    Ok(())
}
