//! Logs of lines of text, alone and as syslog carries them.

use crate::Source;
use crate::log::Log;
use crate::mapping::Mapping;
use crate::statement::Statement;
use liuhen_client::error::ClientError;
use liuhen_proto::wire::Operation;
use std::path::Path;

fn read(prefix: &str, lines: &[&str], skip: bool) -> Result<Log, ClientError> {
    let mapping = format!(
        "log_line_prefix = '{prefix}'\n{}",
        r#"
time_zone = "Asia/Shanghai"
databases = ["population"]
salt_file = "salt"
[relations]
"population.civil.resident" = "civil.resident"
"#
    );
    let mapping: Mapping = toml::from_str(&mapping).unwrap();
    let text = lines.join("\n");
    Source::Pgaudit.read_lines(text.as_bytes(), Path::new("log"), &mapping, skip)
}

/// A statement in a line: how it is known, who asked, what it touched.
fn shown(it: &Statement) -> String {
    let of = |operation: i32| Operation::try_from(operation).unwrap().as_str_name().to_lowercase();
    let touched = it.touched.keys().map(|(_, it)| of(*it).replace("operation_", ""));
    let mut parts = vec![it.reference.clone(), it.caller.role.clone()];
    parts.extend(touched);
    parts.extend(it.denied.then(|| "denied".to_owned()));
    parts.extend((!it.untold.is_empty()).then(|| "untold".to_owned()));
    parts.join(" ")
}

fn all(prefix: &str, lines: &[&str]) -> Vec<String> {
    let log = read(prefix, lines, false).unwrap_or_else(|error| panic!("{lines:?}: {error}"));
    assert!(log.set_aside.is_empty(), "{:?}", log.set_aside);
    log.statements.iter().map(shown).collect()
}

const FULL: &str = "%m [%p] %q%u@%d ";

macro_rules! at {
    ($rest:literal) => {
        concat!("2026-11-28 21:40:00.100 CST [17] ", $rest)
    };
}
const READ: &str = at!(
    "app@population LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,civil.resident,select 1,<none>,1"
);

/// Its name, lines, and statements.
type Case = (&'static str, &'static [&'static str], &'static [&'static str]);

#[test]
fn entries_with_what_belongs_to_them() {
    let cases: [Case; 6] = [
        ("alone", &[READ, ""], &["17@2026-11-28 21:40:00.100 CST/1 app read"]),
        (
            "its text over lines",
            &[
                at!(
                    "app@population LOG:  AUDIT: SESSION,2,1,READ,SELECT,TABLE,civil.resident,\"select a"
                ),
                "\tfrom civil.resident\"\"x\",<none>,1",
                "",
            ],
            &["17@2026-11-28 21:40:00.100 CST/2 app read"],
        ),
        (
            "a refusal in Chinese",
            &[
                at!("app@population 错误\u{3a}  对表 resident 权限不够"),
                at!("app@population 提示\u{3a}  x"),
                at!("app@population 语句\u{3a}  delete"),
                "\tfrom civil.resident",
                "",
            ],
            &["17@2026-11-28 21:40:00.100 CST/line app delete denied"],
        ),
        ("of the server's own", &[at!("日志\u{3a}  checkpoint starting: time"), ""], &[]),
        (
            "another database",
            &[at!("app@postgres LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,a.b,x,<none>,1"), ""],
            &[],
        ),
        (
            "the process number given again",
            &[
                READ,
                at!(
                    "app@population LOG:  AUDIT: SESSION,2,1,READ,SELECT,TABLE,civil.resident,select 2,<none>,1"
                ),
                "2026-11-28 21:40:07.300 CST [17] app@population LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,civil.resident,select 1,<none>,1",
                "",
            ],
            &[
                "17@2026-11-28 21:40:00.100 CST/1 app read",
                "17@2026-11-28 21:40:00.100 CST/2 app read",
                "17@2026-11-28 21:40:07.300 CST/1 app read",
            ],
        ),
    ];
    for (name, lines, expected) in cases {
        assert_eq!(all(FULL, lines), expected, "{name}");
    }
}

/// Whichever file one begins with, a statement has one name.
#[test]
fn names_do_not_follow_from_the_first_line() {
    let day = "2026-11-27 23:59:59.900 CST [17] app@population LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,civil.resident,select 1,<none>,1";
    let next = "2026-11-28 09:00:00.100 CST [17] app@population LOG:  AUDIT: SESSION,2,1,READ,SELECT,TABLE,civil.resident,\"select name_of(1)\",<none>,1";
    let inside = "2026-11-28 09:00:02.100 CST [17] app@population LOG:  AUDIT: SESSION,2,2,READ,SELECT,TABLE,civil.resident,select 2,<none>,1";
    let both = all(FULL, &[day, next, inside, ""]);
    assert_eq!(
        both,
        ["17@2026-11-27 23:59:59.900 CST/1 app read", "17@2026-11-28 09:00:00.100 CST/2 app read"]
    );
    assert_eq!(all(FULL, &[next, inside, ""]), both[1..]);
    // An error, and a switch of what is logged, are told by their times too, not by the numbers of their lines.
    let error = at!("app@population ERROR:  division by zero");
    let error_alone = all(FULL, &[error, ""]);
    assert_eq!(all(FULL, &[day, error, ""])[1..], error_alone);
}

#[test]
fn errors() {
    let cases: [Case; 4] = [
        (
            "an error under way",
            &[
                at!("app@population ERROR:  canceling statement due to user request"),
                at!("app@population STATEMENT:  select * from civil.resident"),
                "",
            ],
            &["17@2026-11-28 21:40:00.100 CST/line app read"],
        ),
        (
            "an error without its statement",
            &[at!("app@population ERROR:  division by zero"), ""],
            &["17@2026-11-28 21:40:00.100 CST/line app untold"],
        ),
        (
            "who is not let in",
            &[at!("app@population FATAL:  password authentication failed for user \"app\""), ""],
            &[],
        ),
        (
            "another process between",
            &[
                at!("app@population ERROR:  division by zero"),
                "2026-11-28 21:40:00.100 CST [18] b@population STATEMENT:  select 1 from civil.resident",
                "",
            ],
            &["17@2026-11-28 21:40:00.100 CST/line app untold"],
        ),
    ];
    for (name, lines, expected) in cases {
        assert_eq!(all(FULL, lines), expected, "{name}");
    }
}

#[test]
fn what_the_prefix_says() {
    let entry = "AUDIT: SESSION,1,1,READ,SELECT,TABLE,civil.resident,select 1,<none>,1";
    let cases = [
        ("%m %c ", format!("2026-11-28 21:40:00.100 CST 6b0a.1f LOG:  {entry}"), "6b0a.1f/1  read"),
        // The same as %c has.
        (
            "%m %s %p ",
            format!("2026-11-28 21:40:00.100 CST 2026-11-28 21:39:00 CST 31 LOG:  {entry}"),
            "6b0ad974.1f/1  read",
        ),
        (
            "%m ",
            format!("2026-11-28 21:40:00.100 CST LOG:  {entry}"),
            "2026-11-28 21:40:00.100 CST/1  read",
        ),
        (
            "%n %u ",
            format!("1795379521.521 app 日誌\u{3a}  00000: {entry}"),
            "1795379521.521/1 app read",
        ),
    ];
    for (prefix, line, expected) in cases {
        assert_eq!(all(prefix, &[&line, ""]), [expected], "{prefix}");
    }
    let without = format!("LOG:  {entry}");
    let log = read("", &[&without, ""], false).unwrap();
    assert_eq!((log.set_aside.len(), log.statements.len()), (1, 0));
}

#[test]
fn lines_that_are_missing_or_cut_off() {
    let prefix = "%m %c %l ";
    let line = |number: u64, statement: u64| {
        format!(
            "2026-11-28 21:40:00.100 CST 6b0a.1f {number} LOG:  AUDIT: SESSION,{statement},1,READ,SELECT,TABLE,civil.resident,select 1,<none>,1"
        )
    };
    // The hint has a number of its own.
    let hint = "2026-11-28 21:40:00.100 CST 6b0a.1f 2 HINT:  x";
    let whole = all(prefix, &[&line(1, 1), hint, &line(3, 2), ""]);
    assert_eq!(whole, ["6b0a.1f/1  read", "6b0a.1f/2  read"]);
    let missing = all(prefix, &[&line(1, 1), &line(3, 2), ""]);
    assert_eq!(missing.len(), 3);
    // What has no end is left for the next run, with what it may belong to.
    let log = read(prefix, &[&line(1, 1), &line(2, 2)], false).unwrap();
    assert_eq!((log.statements.len(), log.unfinished.map(|it| it.line)), (1, Some(2)));
    let log = read(prefix, &[&line(1, 1), &line(2, 2), "\tfrom"], false).unwrap();
    assert_eq!((log.statements.len(), log.unfinished.map(|it| it.line)), (1, Some(3)));
    // Numbers of lines that are not understood.
    let log = read(prefix, &[&line(1, 1), "what", &line(2, 2), ""], true).unwrap();
    assert_eq!((log.statements.len(), log.unknown.len(), log.unknown.first()[0].0.line), (2, 1, 2));
}

#[test]
fn syslog() {
    let head = "Nov 28 21:40:00 db1 postgres[17]: ";
    let text =
        "2026-11-28 21:40:00.100 CST LOG:  AUDIT: SESSION,1,1,READ,SELECT,TABLE,civil.resident,";
    let one = "db1/17@2026-11-28 21:40:00.100 CST/1  read";
    let pieces = [
        format!("{head}[3-1] {text}\"select name"),
        "Nov 28 21:40:00 db1 sshd[9]: Accepted publickey".to_owned(),
        format!("{head}[3-2] #011from civil.resident"),
        format!("{head}[3-3]  where id = 1\",<none>,1"),
        String::new(),
    ];
    let of = |lines: &[String]| lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n");
    let log = read("%m ", &[&of(&pieces)], false).unwrap();
    assert_eq!(log.statements.iter().map(shown).collect::<Vec<_>>(), [one]);
    let expected = "select name\nfrom civil.resident where id = 1\n<none>";
    assert_eq!(log.statements[0].text(), expected.as_bytes());
    // The middle piece is missing, or the first.
    for lost in [0, 2] {
        let mut fewer = pieces.to_vec();
        fewer.remove(lost);
        let log = read("%m ", &[&of(&fewer)], false).unwrap();
        assert_eq!((log.statements.len(), log.set_aside.is_empty()), (0, false), "{lost}");
    }
    let in_one = format!("{head}{text}\"select name#012#011from civil.resident\",<none>,1\n");
    assert_eq!(all("%m ", &[&in_one]), [one]);
    // Where the prefix has no time, that of the head serves, if it has a year.
    let message = text.trim_start_matches("2026-11-28 21:40:00.100 CST ");
    let new = format!(
        "<134>1 2026-11-28T21:40:00.100+08:00 db1 postgres 17 - - [3-1] {message}select 1,<none>,1\n"
    );
    assert_eq!(all("", &[&new]), ["db1/17@2026-11-28T21:40:00.100+08:00/1  read"]);
    let old = format!("{head}[3-1] {message}select 1,<none>,1\n");
    let log = read("", &[&old], false).unwrap();
    assert!(log.set_aside.first()[0].1.contains("year"), "{:?}", log.set_aside);
    // What a text holds at the begin of a piece begins no entry.
    let forged = [
        format!("{head}[3-1] {text}\"select 1"),
        format!("{head}[3-2] {text}forged,<none>,1\",<none>,1"),
        String::new(),
    ];
    assert_eq!(all("%m ", &[&of(&forged)]), [one]);
    let within = format!("{head}{text}\"select 1#012{text}forged,<none>,1\",<none>,1\n");
    assert_eq!(all("%m ", &[&within]), [one]);
}
