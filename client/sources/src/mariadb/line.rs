//! A line of server_audit, by MariaDB's documentation («MariaDB Audit Plugin - Log Format»), as a file holds it or syslog carries it.

use crate::log::NotRead;
use crate::postgres::shown;
use crate::syslog;
use regex::bytes::Regex;
use std::sync::LazyLock;

/// A line.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// When, as times are written elsewhere; empty where syslog's has no year.
    pub time: String,
    /// The server.
    pub server: String,
    /// Who asks.
    pub user: String,
    /// From where.
    pub address: String,
    /// The number of the connection.
    pub connection: String,
    /// The number of the query, which counts for the whole server.
    pub query: String,
    /// What happened.
    pub operation: String,
    /// The database that is in use; of a line that names a table, the table's.
    pub database: String,
    /// The text of a query as it was, or the table.
    pub object: Vec<u8>,
    /// How many bytes it has in the log.
    pub object_bytes: usize,
    /// The server's error; `None` where the line says none.
    pub code: Option<u32>,
}

const BEGIN: &str = r"^(?:(\d{8}) {1,2}(\d{1,2}:\d\d:\d\d)|(\d{10})(\d{6}))?,?";
/// A name may hold commas: the first that fits is meant. Who is not let in says any name: of such a line the end tells.
const PATTERNS: [&str; 2] = [
    r"([^,]*),(.*),([^,]*),(\d+),(-?\d+),(FAILED_CONNECT),([^,']*),()(),(\d+)$",
    r"([^,]*),(.{0,512}?),([^,]*),(\d+),(-?\d+),([A-Z][A-Z_]*),(.{0,256}?),(?:'(.*)'|([^']*)),(\d*)$",
];

static ALL: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let build = |it: &&str| {
        let pattern = format!("(?s-u){BEGIN}{it}");
        Regex::new(&pattern).ok()
    };
    PATTERNS.iter().filter_map(build).collect()
});

impl Line {
    /// Of the bytes of a line. One of another program tells nothing: `None`.
    pub(super) fn of(bytes: &[u8]) -> Result<Option<Self>, NotRead> {
        let head = syslog::line(bytes);
        let (time, message) = match &head {
            // What is told to be written before each line has no comma.
            Some(head) => (head.time.clone(), after_info(head.message)),
            None => (None, bytes),
        };
        let Some(found) = ALL.iter().find_map(|it| it.captures(message)) else {
            let is_ours = head.as_ref().is_none_or(|it| it.tag.contains("audit"));
            return match is_ours {
                true => Err("no line of server_audit".into()),
                false => Ok(None),
            };
        };
        let bytes = |at: usize| found.get(at).map(|it| it.as_bytes()).unwrap_or_default();
        let text = |at: usize| shown(bytes(at));
        let written = match (text(1), text(3)) {
            (day, _) if day.len() == 8 => {
                let part = |from: usize, to: usize| day.get(from..to).unwrap_or_default();
                format!("{}-{}-{} {:0>8}", part(0, 4), part(4, 6), part(6, 8), text(2))
            }
            (_, seconds) if !seconds.is_empty() => format!("{seconds}.{}", text(4)),
            _ => time.unwrap_or_default(),
        };
        if written.is_empty() && head.is_none() {
            return Err("no line of server_audit: it has no time".into());
        }
        let quoted = found.get(12).is_some();
        Ok(Some(Self {
            time: written,
            server: text(5),
            user: text(6),
            address: text(7),
            connection: text(8),
            query: text(9),
            operation: text(10),
            database: text(11),
            object: if quoted { unescaped(bytes(12)) } else { bytes(13).to_vec() },
            object_bytes: bytes(12).len(),
            code: text(14).parse().ok(),
        }))
    }

    /// The line but for its text.
    pub(super) fn without_text(&self) -> Self {
        Self {
            time: self.time.clone(),
            server: self.server.clone(),
            user: self.user.clone(),
            address: self.address.clone(),
            connection: self.connection.clone(),
            query: self.query.clone(),
            operation: self.operation.clone(),
            database: self.database.clone(),
            ..Self::default()
        }
    }

    /// Whether it holds a text.
    pub(super) fn is_query(&self) -> bool {
        self.operation == "QUERY" || self.operation.starts_with("QUERY_")
    }

    /// Whether it names a table.
    pub(super) fn is_table(&self) -> bool {
        ["READ", "WRITE", "CREATE", "ALTER", "DROP", "RENAME"].contains(&self.operation.as_str())
    }

    /// The tables it names; of one that gets another name both.
    pub(super) fn tables(&self) -> Vec<(String, String)> {
        let object = shown(&self.object);
        let of = |database: &str, table: &str| (database.to_owned(), table.to_owned());
        match object.split_once('|').filter(|_| self.operation == "RENAME") {
            Some((old, new)) => {
                let new =
                    new.split_once('.').map_or_else(|| of(&self.database, new), |(a, b)| of(a, b));
                vec![of(&self.database, old), new]
            }
            None => vec![of(&self.database, &object)],
        }
    }
}

/// A message behind what `server_audit_syslog_info` puts before it.
fn after_info(message: &[u8]) -> &[u8] {
    let comma = message.iter().position(|it| *it == b',').unwrap_or(message.len());
    let before = message.get(..comma).unwrap_or_default();
    let space = before.iter().rposition(|it| *it == b' ');
    space.and_then(|at| message.get(at + 1..)).unwrap_or(message)
}

/// A text without its escapes. Newer versions write a space for what ends a line, older ones `\n`.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        match (byte, rest.as_slice().first()) {
            (b'\\', Some(escaped)) => {
                bytes.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    other => *other,
                });
                rest.next();
            }
            _ => bytes.push(*byte),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        let line = Line::of(text.as_bytes()).unwrap().unwrap();
        let code = line.code.map(|it| it.to_string()).unwrap_or_default();
        let parts = [
            line.time.as_str(),
            &line.server,
            &line.user,
            &line.address,
            &line.connection,
            &line.query,
            &line.operation,
            &line.database,
            &shown(&line.object),
            &code,
        ];
        parts.join("|")
    }

    #[test]
    fn lines() {
        let cases = [
            (
                r"20261128 21:40:00,db1,app,10.0.0.7,42,935,QUERY,population,'select \'a,b\' from t -- \\n\n',0",
                "2026-11-28 21:40:00|db1|app|10.0.0.7|42|935|QUERY|population|select 'a,b' from t -- \\n\n|0",
            ),
            (
                "20261128 21:40:00,db1,a,b,c,10.0.0.7,42,935,READ,population,resident,",
                "2026-11-28 21:40:00|db1|a,b,c|10.0.0.7|42|935|READ|population|resident|",
            ),
            (
                "20261128  1:40:00,db1,app,h,42,0,CONNECT,population,,0",
                "2026-11-28 01:40:00|db1|app|h|42|0|CONNECT|population||0",
            ),
            (
                "1795379521521000,db1,app,h,42,-1,QUERY,,'',1064",
                "1795379521.521000|db1|app|h|42|-1|QUERY|||1064",
            ),
            (
                "20261128 21:40:00,db1,x,h,1,2,QUERY,p,'select 1',0,h,42,0,FAILED_CONNECT,,,1045",
                "2026-11-28 21:40:00|db1|x,h,1,2,QUERY,p,'select 1',0|h|42|0|FAILED_CONNECT|||1045",
            ),
            (
                "2026-11-28T21:40:00+08:00 db1 mysql-server_auditing: info x db1,app,h,42,935,WRITE,population,resident,",
                "2026-11-28T21:40:00+08:00|db1|app|h|42|935|WRITE|population|resident|",
            ),
            (
                "Nov 28 21:40:00 db1 mysql-server_auditing:  db1,app,h,42,935,DROP,population,resident,",
                "|db1|app|h|42|935|DROP|population|resident|",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(of(text), expected, "{text}");
        }
        let renamed = Line::of(b"20261128 21:40:00,db1,app,h,42,9,RENAME,p,a|q.b,").unwrap();
        let both = [("p", "a"), ("q", "b")].map(|(one, two)| (one.to_owned(), two.to_owned()));
        assert_eq!(renamed.unwrap().tables(), both);
    }

    #[test]
    fn other_lines() {
        for text in [
            "",
            "2026",
            "db1,app,h,42,935,READ,p,t,",
            "20261128 21:40:00,db1,app,h,42,935,QUERY,p,'select",
        ] {
            assert!(Line::of(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Line::of(b"Nov 28 21:40:00 db1 mysql-server_auditing: x").is_err());
        assert!(Line::of(b"Nov 28 21:40:00 db1 sshd[9]: Accepted").unwrap().is_none());
    }
}
