//! Several proof files that show one trail, or all that a department signed, together.

use super::Lang;
use liuhen_proto::types::{BlockId, Height, TimeMs};
use liuhen_proto::verify::{Claim, Range, Statement, Verified};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Parts of one trail, or of one department's events, anchored at one block, without a gap between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    whose: Whose,
    /// Height of the anchor.
    height: u64,
    files: usize,
    events: usize,
    range: Range,
}

/// Whose events files show.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    /// A trail's, by its name.
    Trail(String),
    /// Those that the keys of a department signed.
    Department(String),
}

/// What a file shows.
#[derive(Debug, Clone)]
pub struct Part {
    whose: Whose,
    anchor: BlockId,
    height: u64,
    events: usize,
    range: Range,
}

impl Joined {
    /// What a valid file may be a part of; `None` where it shows neither.
    #[allow(clippy::needless_pass_by_value, reason = "the events of a file are let go")]
    pub fn part(verified: Verified<Statement>) -> Option<Part> {
        let (whose, events, range) = match &verified.get().claim {
            Claim::Completeness(it) => {
                (Whose::Trail(it.trail.to_string()), it.events.len(), it.range)
            }
            Claim::Department(it) => {
                let events = it.keys.iter().map(|key| key.events.len()).sum();
                (Whose::Department(it.code.clone()), events, it.keys.first()?.range)
            }
            _ => return None,
        };
        let anchor = &verified.get().anchor;
        let (anchor, height) = (anchor.block_id(), anchor.height.get());
        Some(Part { whose, anchor, height, events, range })
    }

    /// What parts show together: of each trail or department and anchor, where there are several and each begins where
    /// another ends.
    pub fn of(parts: Vec<Part>) -> Vec<Self> {
        let mut all: BTreeMap<_, Vec<Part>> = BTreeMap::new();
        for part in parts {
            all.entry((part.whose.clone(), part.anchor)).or_default().push(part);
        }
        all.into_values().filter_map(|it| join(&it)).collect()
    }

    /// A sentence.
    pub fn text(&self, lang: Lang) -> String {
        let Self { whose, height, files, events, .. } = self;
        let (from, until, what, what_zh) = self.ends();
        let (of, of_zh) = match whose {
            Whose::Trail(trail) => (format!("of trail «{trail}»"), format!("轨迹「{trail}」")),
            Whose::Department(code) => (
                format!("that the keys of «{code}» signed"),
                format!("部门「{code}」的密钥所签署的"),
            ),
        };
        lang.pick(
            &format!(
                "together, {files} files: these {events} events are all {of} at {what} [{from}, {until}), as of height {height}"
            ),
            &format!(
                "{files} 份合并：截至高度 {height}，{of_zh}{what_zh} [{from}, {until}) 的全部事件共 {events} 条"
            ),
        )
    }

    /// For machines.
    pub fn json(&self) -> Value {
        let (from, until, what, _) = self.ends();
        let (key, whose) = match &self.whose {
            Whose::Trail(trail) => ("trail", trail),
            Whose::Department(code) => ("department", code),
        };
        json!({
            key: whose, "as_of_height": self.height, "files": self.files,
            "events": self.events, "of": what, "from": from, "until": until,
        })
    }

    fn ends(&self) -> (u64, u64, &'static str, &'static str) {
        let (from, until) = ends(self.range).unwrap_or_default();
        match self.range {
            Range::Times(..) => (from, until, "block times", "区块时间"),
            Range::Whole | Range::Heights(..) => (from, until, "heights", "高度"),
        }
    }
}

fn ends(range: Range) -> Option<(u64, u64)> {
    match range {
        Range::Whole => None,
        Range::Heights(from, until) => Some((from.get(), until.get())),
        Range::Times(from, until) => Some((from.get(), until.get())),
    }
}

fn join(parts: &[Part]) -> Option<Joined> {
    let first = parts.first()?;
    let mut stretches = parts.iter().map(|it| ends(it.range)).collect::<Option<Vec<_>>>()?;
    stretches.sort_unstable();
    let whole = stretches.iter().zip(stretches.iter().skip(1)).all(|(a, b)| a.1 == b.0);
    let times = |it: &Part| matches!(it.range, Range::Times(..));
    let alike = parts.iter().all(|it| times(it) == times(first));
    if parts.len() < 2 || !whole || !alike {
        return None;
    }
    let (from, until) = (stretches.first()?.0, stretches.last()?.1);
    let range = match times(first) {
        true => Range::Times(TimeMs::new(from), TimeMs::new(until)),
        false => Range::Heights(Height::new(from), Height::new(until)),
    };
    let events = parts.iter().map(|it| it.events).sum();
    let (whose, height) = (first.whose.clone(), first.height);
    Some(Joined { whose, height, files: parts.len(), events, range })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(from: u64, until: u64, anchor: u8) -> Part {
        let range = Range::Heights(Height::new(from), Height::new(until));
        let anchor = BlockId::new([anchor; 32]);
        Part { whose: Whose::Trail("dataset d".to_owned()), anchor, height: 9, events: 2, range }
    }

    fn joined(parts: &[Part]) -> Vec<(usize, usize)> {
        Joined::of(parts.to_vec()).iter().map(|it| (it.files, it.events)).collect()
    }

    #[test]
    fn only_what_has_no_gap_is_joined() {
        assert_eq!(joined(&[part(3, 5, 1), part(0, 3, 1), part(5, 10, 1)]), [(3, 6)]);
        assert_eq!(joined(&[part(0, 3, 1), part(3, 5, 2)]), []);
        assert_eq!(joined(&[part(0, 3, 1), part(4, 5, 1)]), []);
        assert_eq!(joined(&[part(0, 3, 1), part(0, 3, 1)]), []);
        assert_eq!(joined(&[part(0, 4, 1), part(3, 5, 1)]), []);
        assert_eq!(joined(&[part(0, 4, 1)]), []);
        let mut whole = part(0, 3, 1);
        whole.range = Range::Whole;
        assert_eq!(joined(&[whole, part(3, 5, 1)]), []);
        let department = |it: Part| Part { whose: Whose::Department("gz.psb".to_owned()), ..it };
        assert_eq!(joined(&[part(0, 3, 1), department(part(3, 5, 1))]), []);
        let both = [department(part(0, 3, 1)), department(part(3, 5, 1))];
        assert_eq!(joined(&both), [(2, 4)]);
        let told = Joined::of(both.to_vec()).remove(0);
        assert_eq!(told.json()["department"], "gz.psb");
        assert!(told.text(Lang::En).contains("all that the keys of «gz.psb» signed"));
        let mut times = part(3, 5, 1);
        times.range = Range::Times(TimeMs::new(3), TimeMs::new(5));
        assert_eq!(joined(&[part(0, 3, 1), times]), []);
    }
}
