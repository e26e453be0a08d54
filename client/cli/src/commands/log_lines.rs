//! Logs and what became of their lines, for the commands that read them.

use crate::output::say;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use liuhen_sources::log::Noted;
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

fn by_line(lines: &Lines, noted: &Noted, (what, what_zh): (&str, &str)) {
    for (at, why) in noted.first().iter().take(SHOWN) {
        let at = lines.shown(*at);
        say(format!("{at} {what}: {why}"), format!("{at}{what_zh}：{why}"));
    }
    let more = noted.len().saturating_sub(SHOWN as u64);
    if more > 0 {
        say(format!("and {more} more lines {what}"), format!("另有 {more} 行{what_zh}"));
    }
}

/// What became of lines that are more than a number.
pub(super) fn told_of_lines(lines: &Lines) {
    by_line(lines, &lines.unknown, ("skipped", "已跳过"));
    by_line(lines, &lines.set_aside, ("set aside", "已搁置"));
    by_line(lines, &lines.untold, ("not told in full", "未能尽述"));
    by_line(lines, &lines.events, ("says of the log itself", "说明日志自身"));
    if let Some(at) = lines.unfinished {
        let at = lines.shown(at);
        say(
            format!("{at}, the last, is not written whole yet: the next run takes it"),
            format!("{at}为末行，尚未写完：下次运行再读"),
        );
    }
    for (name, count) in &lines.unmapped {
        say(
            format!(
                "the mapping lacks {name} ({count} lines): add it to [relations], or to ignore where it holds no dataset's data"
            ),
            format!(
                "映射缺少 {name}（{count} 行）：请加入 [relations]；不含目录项数据的，加入 ignore"
            ),
        );
    }
    for (name, count) in &lines.calls {
        say(
            format!(
                "{name} is called in {count} lines, and no log says what it reads: name it in [functions] where it reads a dataset"
            ),
            format!(
                "{count} 行调用了 {name}，日志不说明其读取内容：如读取目录项，请写入 [functions]"
            ),
        );
    }
    if lines.contradictory > 0 {
        let count = lines.contradictory;
        say(
            format!("{count} statements name several grants that differ: recorded without one"),
            format!("{count} 条语句写有互相矛盾的授权：均不取"),
        );
    }
    if lines.hidden > 0 {
        let count = lines.hidden;
        say(
            format!(
                "{count} statements without their text (pgaudit.log_statement = off): no grant that they name can be seen"
            ),
            format!("{count} 条语句没有文本（pgaudit.log_statement = off）：看不到其所写的授权"),
        );
    }
}

/// How many lines there are of each kind.
pub(super) fn counted(lines: &Lines, statements: usize) {
    let (all, databases, other) = (lines.all, lines.other_databases, lines.other);
    let (blank, denied, unknown) = (lines.blank, lines.other_denied, lines.unknown.len());
    let (aside, untold) = (lines.set_aside.len(), lines.untold.len());
    say(
        format!(
            "{all} lines: {statements} statements, {databases} lines of other databases, {other} lines of no access, \
             {blank} blank, {denied} refusals of other things, {unknown} not understood, {aside} set aside, {untold} not \
             told in full"
        ),
        format!(
            "共 {all} 行：语句 {statements} 条，其他数据库 {databases} 行，非访问 {other} 行，空行 {blank} 行，\
             拒绝其他事项 {denied} 行，未读懂 {unknown} 行，搁置 {aside} 行，未能尽述 {untold} 行"
        ),
    );
}
