//! An entry of pgAudit: values between commas, by its documentation («Format»).

use super::text::shown;
use crate::values::Values;

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Entry {
    /// The number of the statement within its session.
    pub statement: u64,
    /// The number of what ran within the statement.
    pub substatement: u64,
    /// READ, WRITE, FUNCTION, ROLE, DDL, MISC, MISC_SET.
    pub class: String,
    /// SELECT, COPY and so on.
    pub command: String,
    /// TABLE, VIEW and so on; empty where no relation is named.
    pub object_type: String,
    /// The relation, quoted where it must be; empty where none is named.
    pub object: String,
    /// The statement.
    pub text: Vec<u8>,
    /// Its parameters.
    pub parameters: Vec<u8>,
    /// Rows returned or changed; `None` where the server does not log them (`pgaudit.log_rows`).
    pub rows: Option<u64>,
}

/// What stands in place of a text that the server is told not to log.
const NOT_LOGGED: &[u8] = b"<not logged>";
/// What stands in place of a text that stood in an entry before.
const LOGGED_BEFORE: &[u8] = b"<previously logged>";

impl Entry {
    /// Of the text of an entry.
    pub(super) fn of_text(text: &[u8]) -> Result<Self, String> {
        let fields = Values::of(text).ok_or("an empty AUDIT entry")?;
        Self::of_fields(&fields.iter().collect::<Vec<_>>())
    }

    /// Of its values.
    pub(super) fn of_fields(fields: &[&[u8]]) -> Result<Self, String> {
        let raw = |n: usize| {
            fields.get(n).copied().ok_or_else(|| format!("AUDIT entry without field {n}"))
        };
        let number = |n: usize| {
            let text = shown(raw(n)?);
            text.parse().map_err(|_| format!("AUDIT entry: `{text}` is no number"))
        };
        let rows = match fields.get(9) {
            None | Some([]) => None,
            Some(text) => {
                let text = shown(text);
                Some(text.parse().map_err(|_| format!("the row count `{text}` is no number"))?)
            }
        };
        Ok(Self {
            statement: number(1)?,
            substatement: number(2)?,
            class: shown(raw(3)?),
            command: shown(raw(4)?),
            object_type: shown(raw(5)?),
            object: shown(raw(6)?),
            text: raw(7)?.to_vec(),
            parameters: fields.get(8).copied().unwrap_or_default().to_vec(),
            rows,
        })
    }

    /// Whether the server is told not to log the text.
    pub(super) fn is_hidden(&self) -> bool {
        self.text == NOT_LOGGED
    }

    /// Whether the object that it names holds rows. What pgAudit has no word for may.
    pub(super) fn is_of_relation(&self) -> bool {
        const KINDS: [&str; 5] =
            ["TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE", "PARTITIONED TABLE"];
        let is_data = matches!(self.class.as_str(), "READ" | "WRITE");
        KINDS.contains(&self.object_type.as_str()) || is_data && self.object_type == "UNKNOWN"
    }

    /// Whether pgAudit knows no command for it, as of partitions.
    pub(super) fn is_unknown(&self) -> bool {
        self.command == "???"
    }

    /// Whether it tells of what was executed, whose text may be that which prepared it.
    pub(super) fn is_executed(&self) -> bool {
        matches!(self.class.as_str(), "READ" | "WRITE" | "MISC") && self.command != "PREPARE"
    }

    /// Whether the text stood in an entry of the same statement before.
    pub(super) fn is_logged_before(&self) -> bool {
        self.text == LOGGED_BEFORE
    }

    /// What it is, and what is worth showing of it.
    pub(super) fn shown(&self) -> (String, Vec<u8>) {
        let object = if self.object.is_empty() { "-" } else { &self.object };
        let kind = format!("AUDIT {} {}", self.class, self.command);
        (kind, [object.as_bytes(), b" ", self.text.as_slice()].concat())
    }

    /// Takes the text that stood in an entry before, with its parameters behind it; where that is not there, it is hidden.
    pub(super) fn text_before(&mut self, text: Option<&[u8]>) {
        let text = text.and_then(|it| it.rsplitn(2, |byte| *byte == b'\n').nth(1));
        self.text = text.unwrap_or(NOT_LOGGED).to_vec();
    }

    /// Rows that mean something: of a command that reads or writes and whose relations pgAudit can't name, it writes 0,
    /// whatever passed.
    pub(super) fn known_rows(&self) -> Option<u64> {
        let is_data = matches!(self.class.as_str(), "READ" | "WRITE");
        let counts = matches!(
            self.command.as_str(),
            "SELECT" | "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "EXECUTE" | "PREPARE"
        );
        self.rows.filter(|_| counts || !is_data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries() {
        let entry = Entry::of_text(
            b"SESSION,7,2,READ,SELECT,TABLE,\"civil.\"\"a\"\"\",\"select 1, 'a,b'\",<none>,3",
        );
        let entry = entry.unwrap();
        assert_eq!((entry.statement, entry.substatement), (7, 2));
        assert_eq!((entry.object.as_str(), entry.known_rows()), ("civil.\"a\"", Some(3)));
        let without_rows = Entry::of_text(b"SESSION,7,1,READ,SELECT,TABLE,a.b,select 1,<none>");
        assert_eq!(without_rows.unwrap().rows, None);
        let copy = Entry::of_text(b"SESSION,7,1,READ,COPY,,,copy a to stdout,<none>,0").unwrap();
        assert_eq!((copy.rows, copy.known_rows()), (Some(0), None));
        for bad in
            ["", "SESSION", "SESSION,x,1,READ,SELECT,,,a,b,0", "SESSION,1,1,READ,SELECT,,,a,b,x"]
        {
            assert!(Entry::of_text(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
