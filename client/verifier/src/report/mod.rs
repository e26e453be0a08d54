//! A verdict in words, English or Chinese, and as JSON.

mod claim;
mod event;
mod joined;
mod object;

pub use joined::Joined;

use jiff::{Timestamp, tz::TimeZone};
use liuhen_genesis::fingerprint;
use liuhen_proto::event::Verdict;
use liuhen_proto::types::TimeMs;
use liuhen_proto::verify::{NotVerified, ProvedEvent, Statement, Trust, Verified};
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
    trust: &'a Trust<'a>,
    verdict: &'a Result<Verified<Statement>, NotVerified>,
}

impl<'a> Report<'a> {
    /// The report of a verdict.
    pub fn new(
        trust: &'a Trust<'a>,
        verdict: &'a Result<Verified<Statement>, NotVerified>,
    ) -> Self {
        Self { trust, verdict }
    }

    /// The chain's name; `None` where there is no founding document.
    fn chain_name(&self) -> Option<&'a str> {
        match self.trust {
            Trust::Genesis(founding) => Some(&founding.document().name),
            Trust::Checkpoint(_) => None,
        }
    }

    /// How many headers the checkpoint has that was trusted.
    fn pinned(&self) -> Option<u64> {
        match self.trust {
            Trust::Genesis(_) => None,
            Trust::Checkpoint(pinned) => Some(pinned.size),
        }
    }

    /// The first line: the verdict alone.
    pub fn headline(&self) -> &'static str {
        match self.verdict {
            Ok(_) => "VALID",
            Err(NotVerified::Invalid(_)) => "INVALID",
            Err(NotVerified::Undecidable(_)) => "UNDECIDABLE",
        }
    }

    /// What was proved, or why it was not, in a line.
    pub fn summary(&self, lang: Lang) -> String {
        match self.verdict {
            Ok(verified) => claim::text(&verified.get().claim, lang),
            Err(NotVerified::Invalid(invalid)) => format!("{} ({})", invalid.why, invalid.code),
            Err(NotVerified::Undecidable(missing)) => missing.clone(),
        }
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
        if let Some(name) = self.chain_name() {
            lines.push(format!("  {}: {name}", lang.pick("chain", "链")));
        }
        let digits = fingerprint(&self.trust.chain());
        lines.push(format!("  {}: {digits}", lang.pick("genesis fingerprint", "创世指纹")));
        if let Some(size) = self.pinned() {
            let from = lang.pick("trusted from checkpoint of size", "信任起点为检查点，区块头数");
            lines.push(format!("  {from}: {size}"));
        }
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
        all["chain"] = json!(self.chain_name());
        all["chain_id"] = json!(self.trust.chain().to_string());
        all["genesis_fingerprint"] = json!(fingerprint(&self.trust.chain()));
        if let Some(size) = self.pinned() {
            all["checkpoint_size"] = json!(size);
        }
        all
    }
}

fn valid(statement: &Statement, lang: Lang, with_events: bool) -> Vec<String> {
    let mut lines = vec![lang.pick("VALID", "有效 VALID")];
    lines.push(format!(
        "  {}: {}",
        lang.pick("claim", "所证"),
        claim::text(&statement.claim, lang)
    ));
    let anchor = &statement.anchor;
    lines.push(format!(
        "  {}: {} {}, {}",
        lang.pick("as of", "截至"),
        lang.pick("height", "区块高度"),
        anchor.height,
        time(anchor.time)
    ));
    for witness in &statement.witnesses {
        let (at, name) = (time(TimeMs::new(witness.time.saturating_mul(1000))), &witness.name);
        lines.push(format!("  {}: {name}, {at}", lang.pick("witnessed by", "见证方")));
    }
    for (verdict, count) in verdicts(&statement.claim.events()) {
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
        lines.extend(statement.claim.events().into_iter().map(line));
    }
    lines
}

fn verdicts(events: &[&ProvedEvent]) -> BTreeMap<String, u64> {
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
        if outcome.names_others {
            *counts.entry("names a grant that is not its own".to_owned()).or_default() += 1;
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
    let mut all = json!({
        "verdict": "VALID",
        "claim": claim::json(&statement.claim),
        "as_of": {
            "height": statement.anchor.height,
            "time_ms": statement.anchor.time,
            "block_id": statement.anchor.block_id(),
        },
        "witnesses": statement.witnesses,
        "caveats": statement.caveats,
        "outcomes": verdicts(&statement.claim.events()),
    });
    if with_events {
        all["events"] = statement.claim.events().into_iter().map(event_json).collect();
    }
    all
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
        "record": event::record_json(event),
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn time(at: TimeMs) -> String {
    let ms = i64::try_from(at.get()).unwrap_or(i64::MAX);
    match Timestamp::from_millisecond(ms) {
        Ok(at) => at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S%.3f%:z").to_string(),
        Err(_) => format!("{at} ms"),
    }
}
