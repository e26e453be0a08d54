//! A verdict in words, English or Chinese, and as JSON.

use jiff::{Timestamp, tz::TimeZone};
use liuhen_genesis::{Founding, fingerprint};
use liuhen_proto::event::Verdict;
use liuhen_proto::place::TrailKind;
use liuhen_proto::types::TimeMs;
use liuhen_proto::verify::{
    Claim, Completeness, NotVerified, ProvedEvent, Range, Statement, Verified,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The language of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Lang {
    /// English.
    En,
    /// Chinese.
    Zh,
}

impl Lang {
    /// By `LANG`.
    pub fn of_environment() -> Self {
        let chinese = std::env::var("LANG").is_ok_and(|lang| lang.starts_with("zh"));
        if chinese { Self::Zh } else { Self::En }
    }

    fn pick(self, english: &str, chinese: &str) -> String {
        match self {
            Self::En => english.to_owned(),
            Self::Zh => chinese.to_owned(),
        }
    }
}

/// A verdict to be shown.
pub struct Report<'a> {
    founding: &'a Founding,
    verdict: &'a Result<Verified<Statement>, NotVerified>,
}

impl<'a> Report<'a> {
    /// The report of a verdict.
    pub fn new(
        founding: &'a Founding,
        verdict: &'a Result<Verified<Statement>, NotVerified>,
    ) -> Self {
        Self { founding, verdict }
    }

    /// 0 VALID, 3 INVALID, 4 UNDECIDABLE.
    pub fn exit_code(&self) -> u8 {
        match self.verdict {
            Ok(_) => 0,
            Err(NotVerified::Invalid(_)) => 3,
            Err(NotVerified::Undecidable(_)) => 4,
        }
    }

    /// For people.
    pub fn text(&self, lang: Lang, with_events: bool) -> String {
        let mut lines = match self.verdict {
            Ok(verified) => valid(verified.get(), lang, with_events),
            Err(NotVerified::Invalid(invalid)) => vec![
                lang.pick("INVALID", "无效 INVALID"),
                format!("  {}: {} ({})", lang.pick("why", "原因"), invalid.why, invalid.code),
            ],
            Err(NotVerified::Undecidable(missing)) => vec![
                lang.pick("UNDECIDABLE", "无法判定 UNDECIDABLE"),
                format!("  {}: {missing}", lang.pick("missing", "缺少")),
            ],
        };
        let chain = self.founding.document().name.clone();
        let digits = fingerprint(&self.founding.chain());
        lines.push(format!("  {}: {chain}", lang.pick("chain", "链")));
        lines.push(format!("  {}: {digits}", lang.pick("genesis fingerprint", "创世指纹")));
        lines.join("\n") + "\n"
    }

    /// For machines.
    pub fn json(&self, with_events: bool) -> Value {
        let mut all = match self.verdict {
            Ok(verified) => valid_json(verified.get(), with_events),
            Err(NotVerified::Invalid(invalid)) => {
                json!({ "verdict": "INVALID", "code": invalid.code, "why": invalid.why })
            }
            Err(NotVerified::Undecidable(missing)) => {
                json!({ "verdict": "UNDECIDABLE", "missing": missing })
            }
        };
        all["chain"] = json!(self.founding.document().name);
        all["chain_id"] = json!(self.founding.chain().to_string());
        all["genesis_fingerprint"] = json!(fingerprint(&self.founding.chain()));
        all
    }
}

fn valid(statement: &Statement, lang: Lang, with_events: bool) -> Vec<String> {
    let mut lines = vec![lang.pick("VALID", "有效 VALID")];
    lines.push(format!("  {}: {}", lang.pick("claim", "所证"), claim(&statement.claim, lang)));
    let anchor = &statement.anchor;
    lines.push(format!(
        "  {}: {} {}, {}",
        lang.pick("as of", "截至"),
        lang.pick("height", "区块高度"),
        anchor.height,
        time(anchor.time)
    ));
    for (verdict, count) in verdicts(statement.claim.events()) {
        lines.push(format!("  {verdict}: {count}"));
    }
    for caveat in &statement.caveats {
        let sentence = match lang {
            Lang::En => caveat.english(),
            Lang::Zh => caveat.chinese(),
        };
        lines.push(format!("  {}: {sentence}", lang.pick("note", "说明")));
    }
    if with_events {
        lines.extend(statement.claim.events().iter().map(line));
    }
    lines
}

fn claim(claim: &Claim, lang: Lang) -> String {
    match claim {
        Claim::Inclusion(it) => {
            let kind = it.event.body.name();
            let by = it.event.body.department().unwrap_or("-");
            let height = it.header.height;
            match lang {
                Lang::En => format!("{kind}, signed by {by}, is in block {height}"),
                Lang::Zh => format!("{by} 签署的 {kind} 已载入区块 {height}"),
            }
        }
        Claim::Completeness(it) => {
            let (trail, range) = (&it.trail, range(it, lang));
            let (count, size) = (it.events.len(), it.size);
            match lang {
                Lang::En => format!(
                    "these {count} events are all of trail «{trail}» {range} ({size} events in \
                     all up to this height)"
                ),
                Lang::Zh => {
                    format!("轨迹「{trail}」{range}的全部事件共 {count} 条(截至该高度共 {size} 条)")
                }
            }
        }
    }
}

fn range(it: &Completeness, lang: Lang) -> String {
    match (it.range, lang) {
        (Range::Whole, Lang::En) => "from its beginning".into(),
        (Range::Whole, Lang::Zh) => "自始".into(),
        (Range::Heights(from, until), Lang::En) => format!("in heights [{from}, {until})"),
        (Range::Heights(from, until), Lang::Zh) => format!("在高度 [{from}, {until}) 内"),
        (Range::Times(from, until), Lang::En) => {
            format!("recorded in [{}, {})", time(from), time(until))
        }
        (Range::Times(from, until), Lang::Zh) => {
            format!("在 [{}, {}) 内上链", time(from), time(until))
        }
    }
}

fn verdicts(events: &[ProvedEvent]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for event in events {
        let outcome = event.leaf.outcome;
        if outcome.verdict != Verdict::None {
            let name = match outcome.reason {
                liuhen_proto::event::Reason::None => outcome.verdict.to_string(),
                reason => format!("{} ({reason})", outcome.verdict),
            };
            *counts.entry(name).or_default() += 1;
        }
    }
    counts
}

fn line(event: &ProvedEvent) -> String {
    let leaf = &event.leaf;
    format!(
        "  {:>10} {} {:<16} {:<12} {} {}",
        leaf.height.to_string(),
        time(leaf.time),
        event.body.name(),
        event.body.department().unwrap_or("(ledger)"),
        leaf.outcome.verdict,
        leaf.outcome.reason,
    )
}

fn valid_json(statement: &Statement, with_events: bool) -> Value {
    let claim = match &statement.claim {
        Claim::Inclusion(it) => json!({
            "kind": "inclusion",
            "event": event_json(&it.event),
            "height": it.header.height,
        }),
        Claim::Completeness(it) => json!({
            "kind": "completeness",
            "trail_kind": it.kind.name(),
            "trail_id": trail_id(it),
            "range": range_json(it.range),
            "size": it.size,
            "first": it.first,
            "events": it.events.len(),
        }),
    };
    let mut all = json!({
        "verdict": "VALID",
        "claim": claim,
        "as_of": {
            "height": statement.anchor.height,
            "time_ms": statement.anchor.time,
            "block_id": statement.anchor.block_id(),
        },
        "caveats": statement.caveats,
        "outcomes": verdicts(statement.claim.events()),
    });
    if with_events {
        all["events"] = statement.claim.events().iter().map(event_json).collect();
    }
    all
}

fn trail_id(it: &Completeness) -> String {
    match it.kind {
        TrailKind::Dataset | TrailKind::Department | TrailKind::Integrity => {
            String::from_utf8_lossy(it.trail.id()).into_owned()
        }
        _ => it.trail.id().iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn range_json(range: Range) -> Value {
    match range {
        Range::Whole => json!({ "kind": "whole" }),
        Range::Heights(from, until) => json!({ "kind": "heights", "from": from, "until": until }),
        Range::Times(from, until) => json!({ "kind": "times", "from": from, "until": until }),
    }
}

fn event_json(event: &ProvedEvent) -> Value {
    json!({
        "height": event.leaf.height,
        "time_ms": event.leaf.time,
        "tx_id": event.leaf.origin,
        "item": event.leaf.item,
        "kind": event.body.name(),
        "department": event.body.department(),
        "identity": event.body.identity(),
        "outcome": event.leaf.outcome,
    })
}

fn time(at: TimeMs) -> String {
    let ms = i64::try_from(at.get()).unwrap_or(i64::MAX);
    match Timestamp::from_millisecond(ms) {
        Ok(at) => at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S%.3f%:z").to_string(),
        Err(_) => format!("{at} ms"),
    }
}
