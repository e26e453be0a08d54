//! Several proof files that show one trail together.

use super::Lang;
use liuhen_proto::place::Place;
use liuhen_proto::types::{BlockId, Height, TimeMs};
use liuhen_proto::verify::{Claim, Range, Statement, Verified};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Parts of one trail, anchored at one block, without a gap between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    trail: String,
    /// Height of the anchor.
    height: u64,
    files: usize,
    events: usize,
    range: Range,
}

/// What a file shows of a trail.
#[derive(Debug, Clone)]
pub struct Part {
    trail: Place,
    anchor: BlockId,
    height: u64,
    events: usize,
    range: Range,
}

impl Joined {
    /// What a valid file may be a part of; `None` where it shows no trail.
    #[allow(clippy::needless_pass_by_value, reason = "the events of a file are let go")]
    pub fn part(verified: Verified<Statement>) -> Option<Part> {
        let Claim::Completeness(it) = &verified.get().claim else { return None };
        let anchor = &verified.get().anchor;
        Some(Part {
            trail: it.trail.clone(),
            anchor: anchor.block_id(),
            height: anchor.height.get(),
            events: it.events.len(),
            range: it.range,
        })
    }

    /// What parts show together: of each trail and anchor, where there are several and each begins where
    /// another ends.
    pub fn of(parts: Vec<Part>) -> Vec<Self> {
        let mut trails: BTreeMap<_, Vec<Part>> = BTreeMap::new();
        for part in parts {
            trails.entry((part.trail.clone(), part.anchor)).or_default().push(part);
        }
        trails.into_values().filter_map(|it| join(&it)).collect()
    }

    /// A sentence.
    pub fn text(&self, lang: Lang) -> String {
        let Self { trail, height, files, events, .. } = self;
        let (from, until, what, what_zh) = self.ends();
        lang.pick(
            &format!(
                "together, {files} files: these {events} events are all of trail «{trail}» at {what} \
                 [{from}, {until}), as of height {height}"
            ),
            &format!(
                "{files} 份合并：截至高度 {height}，轨迹「{trail}」{what_zh} [{from}, {until}) \
                 的全部事件共 {events} 条"
            ),
        )
    }

    /// For machines.
    pub fn json(&self) -> Value {
        let (from, until, what, _) = self.ends();
        json!({
            "trail": self.trail, "as_of_height": self.height, "files": self.files,
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
    let (trail, height) = (first.trail.to_string(), first.height);
    Some(Joined { trail, height, files: parts.len(), events, range })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(from: u64, until: u64, anchor: u8) -> Part {
        let range = Range::Heights(Height::new(from), Height::new(until));
        let anchor = BlockId::new([anchor; 32]);
        Part { trail: Place::dataset_trail("d"), anchor, height: 9, events: 2, range }
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
        let mut times = part(3, 5, 1);
        times.range = Range::Times(TimeMs::new(3), TimeMs::new(5));
        assert_eq!(joined(&[part(0, 3, 1), times]), []);
    }
}
