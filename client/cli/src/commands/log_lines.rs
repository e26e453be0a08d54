//! Logs and what became of their lines, for the commands that read them.

use crate::tell;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use liuhen_sources::{Lines, Source};

/// Takes the name of a kind of log.
pub(super) fn source() -> impl TypedValueParser<Value = Source> {
    let values = Source::ALL.iter().map(|it| PossibleValue::new(it.name()).help(it.about()));
    PossibleValuesParser::new(values).try_map(|name| {
        let known = Source::ALL.iter().copied().find(|it| it.name() == name);
        known.ok_or_else(|| format!("there is no source {name}"))
    })
}

/// How many of a list are shown by line; the rest is counted.
const SHOWN: usize = 20;

fn by_line(lines: &[(u64, String)], what: &str) {
    for (line, why) in lines.iter().take(SHOWN) {
        tell!("line {line} {what}: {why}");
    }
    if lines.len() > SHOWN {
        tell!("and {} more lines {what}", lines.len() - SHOWN);
    }
}

/// What became of lines that are more than a number.
pub(super) fn told_of_lines(lines: &Lines) {
    by_line(&lines.unknown, "skipped");
    by_line(&lines.set_aside, "set aside");
    by_line(&lines.untold, "not told in full");
    by_line(&lines.events, "says of the log itself");
    if let Some(number) = lines.unfinished {
        tell!("line {number}, the last, is not written whole yet: the next run takes it");
    }
    for (name, count) in &lines.unmapped {
        tell!(
            "the mapping lacks {name} ({count} lines): add it to [relations], or to ignore where it holds no dataset's data"
        );
    }
    for (name, count) in &lines.calls {
        tell!(
            "{name} is called in {count} lines, and no log says what it reads: name it in [functions] where it reads a dataset"
        );
    }
    if lines.contradictory > 0 {
        let count = lines.contradictory;
        tell!("{count} statements name several grants that differ: recorded without one");
    }
    if lines.hidden > 0 {
        let count = lines.hidden;
        tell!(
            "{count} statements without their text (pgaudit.log_statement = off): no grant that they name can be seen"
        );
    }
}

/// How many lines there are of each kind.
pub(super) fn counted(lines: &Lines, statements: usize) {
    tell!(
        "{} lines: {statements} statements, {} lines of other databases, {} lines of no access, {} blank, {} \
         refusals of other things, {} not understood, {} set aside, {} not told in full",
        lines.all,
        lines.other_databases,
        lines.other,
        lines.blank,
        lines.other_denied,
        lines.unknown.len(),
        lines.set_aside.len(),
        lines.untold.len()
    );
}
