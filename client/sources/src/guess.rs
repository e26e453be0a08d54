//! What a file seems to be, where not one of its lines is what was expected: people hand over the wrong one.

use serde_json::Value;

/// What the first line of a file looks like.
pub fn what_it_seems(line: &[u8]) -> &'static str {
    let text = String::from_utf8_lossy(line);
    let has = |part: &str| text.contains(part);
    if let Ok(Value::Object(fields)) = serde_json::from_slice::<Value>(line) {
        let inner =
            |name: &str, part: &str| fields.get(name).is_some_and(|it| it.get(part).is_some());
        return match () {
            () if inner("record", "audit") || inner("record", "log_time") => {
                "jsonlog records wrapped by an operator, as CloudNativePG does"
            }
            () if inner("properties", "message") => "a cloud platform's diagnostic log, as Azure's",
            () if fields.contains_key("message") && fields.contains_key("timestamp") => {
                "a jsonlog with fields that are not PostgreSQL's"
            }
            () => "JSON lines, but no jsonlog",
        };
    }
    let audited = has(",SESSION,") || has(",OBJECT,");
    let quoted_first = text.split(',').nth(1).is_some_and(|it| it.starts_with('"'));
    let begins_with_month = text
        .split(' ')
        .next()
        .is_some_and(|it| it.len() == 3 && it.chars().all(|c| c.is_ascii_alphabetic()));
    match () {
        () if text.starts_with('<') || begins_with_month => {
            "a syslog whose messages begin with another log_line_prefix than the mapping's, or of another program"
        }
        () if has("AUDIT: ") && quoted_first => "a csvlog",
        () if has("AUDIT: ") || has("] LOG: ") || has(" LOG:  ") => {
            "a log of lines of text (stderr) with another log_line_prefix than the mapping's"
        }
        () if has(",QUERY,")
            || has(",CONNECT,")
            || (has(",READ,") || has(",WRITE,")) && !audited =>
        {
            "a log of MariaDB's server_audit: `liuhen import mariadb` reads it"
        }
        () if audited => "a file of pgauditlogtofile",
        () if line.contains(&0) => "no text",
        () => "no jsonlog",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_files_are_known() {
        let cases: [(&str, &str); 8] = [
            (
                "2026-11-28 21:47:01.262 CST,\"app\",\"population\",20635,\"127.0.0.1:40392\",6b.1,1,\"SELECT\",,LOG,00000,\"AUDIT: SESSION,1,1,READ,SELECT,TABLE,a.b,select 1,<none>,1\"",
                "csvlog",
            ),
            (
                "2026-11-28 21:40:00.100 CST [17] app@population LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,a.b,select 1,<none>,1",
                "stderr",
            ),
            (
                "Nov 28 21:40:00 db1 postgres[17]: [3-1] 2026-11-28 LOG:  AUDIT: SESSION,1,1,READ",
                "syslog",
            ),
            (
                "2026-11-28 21:40:00.100 CST,app,population,17,[local],6c.21,1,SELECT,,9/323,0,00000,SESSION,1,1,READ,SELECT,TABLE,a.b,select 1",
                "pgauditlogtofile",
            ),
            (
                "20261128 21:40:00,db1,app,10.0.0.7,42,935,QUERY,population,'select 1',0",
                "server_audit",
            ),
            ("{\"level\":\"info\",\"record\":{\"log_time\":\"x\",\"audit\":{}}}", "CloudNativePG"),
            (
                "{\"category\":\"PostgreSQLLogs\",\"properties\":{\"message\":\"AUDIT: x\"}}",
                "Azure",
            ),
            ("2026", "no jsonlog"),
        ];
        for (line, expected) in cases {
            let found = what_it_seems(line.as_bytes());
            assert!(found.contains(expected), "{line}: {found}");
        }
    }
}
