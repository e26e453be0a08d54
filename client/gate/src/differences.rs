//! Where a door and a log see the same data: what one of them saw and the other did not, by cause, a line each, with the command that settles it. Looked at each
//! night for the day before, and whenever somebody asks.
//!
//! An access that a door served lasts from its decision to its end, and what a log tells of the dataset in that time is taken for it. Who asks a database for a
//! door is an account of the service, so times are compared, and who asked is not.

use liuhen_client::clock::now;
use liuhen_proto::types::TimeMs;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Clocks of the door and of the database differ by so much at most.
const MARGIN_MS: u64 = 2_000;
/// A day, and by how much local time is ahead.
const DAY_MS: u64 = 24 * 3_600_000;
const AHEAD_MS: u64 = 8 * 3_600_000;
/// Entries of a day that are kept; what comes behind is counted.
const MOST: usize = 2_000_000;
/// Numbers that a line names.
const NAMED: usize = 3;

/// What was seen of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// A door served it, from then to then.
    Door { from_ms: u64, until_ms: u64 },
    /// A log told of it.
    Log { at_ms: u64 },
}

/// One access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct One {
    seen: Seen,
    number: u64,
    rows: Option<u64>,
}

/// What was seen on one day.
#[derive(Debug, Default)]
struct Day {
    by_dataset: BTreeMap<String, Vec<One>>,
    count: usize,
    /// What was not kept, for there was too much.
    beyond: u64,
}

/// What doors and logs saw, of the datasets that both see.
#[derive(Debug)]
pub struct Differences {
    datasets: BTreeSet<String>,
    /// Where it is kept for the next start: a file a day.
    kept: PathBuf,
    days: Mutex<BTreeMap<u64, Day>>,
    /// How many differed on the last day that is over.
    last: AtomicU64,
}

/// Why door and log differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The log tells of it, and no door served anything at that time.
    PastTheDoor,
    /// A door served it, and the log tells of nothing in that time.
    NotInTheLog,
    /// Both know how many rows, and differ.
    Rows,
}

impl Cause {
    const fn name(self) -> &'static str {
        match self {
            Self::PastTheDoor => "past_the_door",
            Self::NotInTheLog => "not_in_the_log",
            Self::Rows => "rows",
        }
    }

    const fn says(self) -> &'static str {
        match self {
            Self::PastTheDoor => "in the log, while no door served anything",
            Self::NotInTheLog => "served at a door, while the log tells of nothing",
            Self::Rows => "with other rows at the door than in the log",
        }
    }

    /// The command that settles it.
    const fn settled_by(self) -> &'static str {
        match self {
            Self::PastTheDoor => {
                "who it was: `liuhen trail gateway GATEWAY`; then a permit for the job (`liuhen grant permit`), a route for it, or a case (`liuhen case open`)"
            }
            Self::NotInTheLog => {
                "what the log hides: `liuhen import check LOG --mapping MAPPING`; then `liuhen reconcile` over the day"
            }
            Self::Rows => {
                "which is right: `liuhen reconcile` over the day; then `liuhen correction`"
            }
        }
    }
}

/// What differs in one dataset on one day, of one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The dataset.
    pub dataset: String,
    /// The cause.
    pub cause: Cause,
    /// How many accesses.
    pub count: u64,
    /// The numbers of the first of them.
    pub first: Vec<u64>,
}

/// The local day of a time.
pub fn day_of(time: TimeMs) -> u64 {
    time.get().saturating_add(AHEAD_MS) / DAY_MS
}

/// When a local day ends.
pub fn end_of(day: u64) -> u64 {
    day.saturating_add(1).saturating_mul(DAY_MS).saturating_sub(AHEAD_MS)
}

/// A day as people write it.
pub fn written(day: u64) -> String {
    let middle = i64::try_from(end_of(day).saturating_sub(DAY_MS / 2)).unwrap_or_default();
    let offset = jiff::tz::Offset::constant(8);
    jiff::Timestamp::from_millisecond(middle)
        .map_or_else(|_| day.to_string(), |it| offset.to_datetime(it).date().to_string())
}

impl Differences {
    /// Of the datasets that doors and logs see. Reads what is kept of today and yesterday, and lets go of what is older.
    pub fn new(datasets: BTreeSet<String>, kept: PathBuf, now: TimeMs) -> Self {
        let today = day_of(now);
        let mut days = BTreeMap::new();
        for day in [today.saturating_sub(1), today] {
            if let Ok(text) = std::fs::read_to_string(file_of(&kept, day)) {
                days.insert(day, read(&text));
            }
        }
        let it = Self { datasets, kept, days: Mutex::new(days), last: AtomicU64::new(0) };
        it.let_go(today);
        it
    }

    /// Whether there is anything to compare.
    pub fn is_empty(&self) -> bool {
        self.datasets.is_empty()
    }

    /// A door served something, from then to then.
    pub fn served(&self, dataset: &str, number: u64, (from, until): (u64, u64), rows: Option<u64>) {
        let seen = Seen::Door { from_ms: from, until_ms: until };
        self.note(dataset, One { seen, number, rows });
    }

    /// A log told of something.
    pub fn told(&self, dataset: &str, number: u64, at_ms: u64, rows: Option<u64>) {
        self.note(dataset, One { seen: Seen::Log { at_ms }, number, rows });
    }

    fn note(&self, dataset: &str, one: One) {
        if !self.datasets.contains(dataset) {
            return;
        }
        let at = match one.seen {
            Seen::Door { from_ms, .. } => from_ms,
            Seen::Log { at_ms } => at_ms,
        };
        let day = day_of(TimeMs::new(at));
        // Of long ago, or of a time to come, nothing is compared.
        if day.abs_diff(day_of(now())) > 1 {
            return;
        }
        let mut days = self.lock();
        let is_new = days.entry(day).or_default().take(dataset, one);
        if is_new {
            let appended = File::options().create(true).append(true).open(file_of(&self.kept, day));
            let appended = appended.and_then(|mut it| it.write_all(line(dataset, &one).as_bytes()));
            if let Err(error) = appended {
                tracing::warn!(%error, "what doors and logs saw can't be kept: after a restart it is not compared");
            }
        }
    }

    /// What differs on a day, and what of it was too much to be compared.
    pub fn of(&self, day: u64) -> (Vec<Difference>, u64) {
        let days = self.lock();
        let Some(of_day) = days.get(&day) else { return (Vec::new(), 0) };
        let all = of_day.by_dataset.iter().flat_map(|(dataset, all)| compared(dataset, all));
        (all.collect(), of_day.beyond)
    }

    /// A day in words, a line a cause.
    pub fn text(&self, day: u64) -> String {
        let (all, beyond) = self.of(day);
        let mut text = String::new();
        let on = written(day);
        for it in &all {
            let first: Vec<String> = it.first.iter().map(u64::to_string).collect();
            let _ = writeln!(
                text,
                "{on}  {}  {}: {} {} (numbers {}{})\n    {}",
                it.dataset,
                it.cause.name(),
                it.count,
                it.cause.says(),
                first.join(", "),
                if it.count > first.len() as u64 { ", …" } else { "" },
                it.cause.settled_by()
            );
        }
        if beyond > 0 {
            let _ = writeln!(text, "{on}  {beyond} more were not compared");
        }
        if text.is_empty() {
            let _ = writeln!(text, "{on}  doors and logs agree");
        }
        text
    }

    /// Notes how many differed on a day that is over.
    pub fn close(&self, day: u64) -> u64 {
        let count = self.of(day).0.iter().map(|it| it.count).sum();
        self.last.store(count, Ordering::Relaxed);
        count
    }

    /// How many differed on the last day that was noted.
    pub fn last(&self) -> u64 {
        self.last.load(Ordering::Relaxed)
    }

    /// Lets go of days that nobody asks for any more.
    pub fn let_go(&self, today: u64) {
        let oldest = today.saturating_sub(1);
        self.lock().retain(|day, _| *day >= oldest);
        for day in oldest.saturating_sub(7)..oldest {
            let _ = std::fs::remove_file(file_of(&self.kept, day));
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Day>> {
        self.days.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Day {
    /// Takes one in; whether it is kept.
    fn take(&mut self, dataset: &str, one: One) -> bool {
        if self.count >= MOST {
            self.beyond = self.beyond.saturating_add(1);
            return false;
        }
        self.count = self.count.saturating_add(1);
        self.by_dataset.entry(dataset.to_owned()).or_default().push(one);
        true
    }
}

fn file_of(kept: &Path, day: u64) -> PathBuf {
    let mut name = kept.as_os_str().to_owned();
    name.push(format!(".{}", written(day)));
    name.into()
}

fn line(dataset: &str, one: &One) -> String {
    let rows = one.rows.map_or_else(|| "-".to_owned(), |it| it.to_string());
    match one.seen {
        Seen::Door { from_ms, until_ms } => {
            format!("door {dataset} {} {rows} {from_ms} {until_ms}\n", one.number)
        }
        Seen::Log { at_ms } => format!("log {dataset} {} {rows} {at_ms}\n", one.number),
    }
}

/// What stands in a file; a line that was not finished is none. The newest of a number counts.
fn read(text: &str) -> Day {
    let mut day = Day::default();
    for line in text.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| words.get(at).and_then(|it| it.parse::<u64>().ok());
        let seen = match (words.first(), number(4), number(5)) {
            (Some(&"door"), Some(from_ms), Some(until_ms)) => Seen::Door { from_ms, until_ms },
            (Some(&"log"), Some(at_ms), _) => Seen::Log { at_ms },
            _ => continue,
        };
        if let (Some(dataset), Some(of)) = (words.get(1), number(2)) {
            day.take(dataset, One { seen, number: of, rows: number(3) });
        }
    }
    day
}

/// What differs in one dataset.
fn compared(dataset: &str, all: &[One]) -> Vec<Difference> {
    let (mut doors, mut logs) = (Vec::new(), Vec::new());
    for one in all {
        match one.seen {
            Seen::Door { from_ms, until_ms } => doors.push((
                from_ms.saturating_sub(MARGIN_MS),
                until_ms.max(from_ms).saturating_add(MARGIN_MS),
                one,
            )),
            Seen::Log { at_ms } => logs.push((at_ms, one)),
        }
    }
    doors.sort_by_key(|it| (it.0, it.2.number));
    logs.sort_by_key(|it| (it.0, it.1.number));
    let mut found: BTreeMap<Cause, (u64, Vec<u64>)> = BTreeMap::new();
    let mut differs = |cause: Cause, number: u64| {
        let (count, first) = found.entry(cause).or_default();
        *count = count.saturating_add(1);
        if first.len() < NAMED {
            first.push(number);
        }
    };
    // Doors in the order of their ends as well: whether one was open at a time is two counts.
    let mut ends: Vec<u64> = doors.iter().map(|it| it.1).collect();
    ends.sort_unstable();
    for (at, log) in &logs {
        let begun = doors.partition_point(|it| it.0 <= *at);
        let over = ends.partition_point(|end| end < at);
        if begun <= over {
            differs(Cause::PastTheDoor, log.number);
        }
    }
    for (from, until, door) in &doors {
        let first = logs.partition_point(|it| it.0 < *from);
        let last = logs.partition_point(|it| it.0 <= *until);
        if first == last {
            // What gave no rows may have asked for nothing.
            if door.rows != Some(0) {
                differs(Cause::NotInTheLog, door.number);
            }
            continue;
        }
        // With others at the same time nobody can say whose rows they are.
        let alone = doors.partition_point(|it| it.0 <= *until).saturating_sub(1)
            == ends.partition_point(|end| end < from);
        if let [(_, log)] = &logs[first..last]
            && alone
            && let (Some(at_door), Some(in_log)) = (door.rows, log.rows)
            && at_door != in_log
        {
            differs(Cause::Rows, door.number);
        }
    }
    let of =
        |(cause, (count, first))| Difference { dataset: dataset.to_owned(), cause, count, first };
    found.into_iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noon of today, local time.
    fn noon() -> u64 {
        end_of(day_of(now())) - DAY_MS / 2
    }

    fn differences(folder: &Path) -> Differences {
        let datasets = ["a".to_owned(), "b".to_owned()].into();
        Differences::new(datasets, folder.join("seen"), TimeMs::new(noon()))
    }

    #[test]
    fn each_cause_is_a_line() {
        let (folder, noon) = (tempfile::tempdir().unwrap(), noon());
        let it = differences(folder.path());
        // Seen by both, with the same rows.
        it.served("a", 1, (noon, noon + 100), Some(3));
        it.told("a", 2, noon + 50, Some(3));
        // With others; two at once, of which nobody can tell; and unknown.
        it.served("a", 3, (noon + 20_000, noon + 20_100), Some(3));
        it.told("a", 4, noon + 20_050, Some(9));
        it.served("a", 5, (noon + 40_000, noon + 40_100), Some(1));
        it.served("a", 6, (noon + 40_000, noon + 40_100), Some(2));
        it.told("a", 7, noon + 40_050, Some(9));
        it.told("a", 8, noon + 40_060, Some(9));
        // Past the door, and not in the log; nothing that nobody compares.
        it.told("a", 9, noon + 60_000, None);
        it.told("a", 10, noon + 61_000, None);
        it.served("a", 11, (noon + 80_000, noon + 80_100), None);
        it.served("a", 12, (noon + 90_000, noon + 90_100), Some(0));
        it.served("c", 13, (noon, noon), None);
        let day = day_of(TimeMs::new(noon));
        let expected = [
            (Cause::PastTheDoor, 2, vec![9, 10]),
            (Cause::NotInTheLog, 1, vec![11]),
            (Cause::Rows, 1, vec![3]),
        ];
        let found = |it: &Differences| -> Vec<_> {
            it.of(day).0.into_iter().map(|it| (it.cause, it.count, it.first)).collect()
        };
        assert_eq!(found(&it), expected);
        // After a restart it is the same, but for a line that was not finished.
        let file = file_of(&folder.path().join("seen"), day);
        let mut text = std::fs::read_to_string(&file).unwrap();
        text.push_str("door a 99");
        std::fs::write(&file, text).unwrap();
        let again = differences(folder.path());
        assert_eq!(found(&again), expected);
        let said = again.text(day);
        assert!(said.contains("a  past_the_door: 2 in the log"), "{said}");
        assert!(again.text(day + 1).contains("agree"));
        again.let_go(day + 2);
        assert!(!file.exists() && again.of(day).0.is_empty());
    }

    #[test]
    fn days_are_local() {
        let of = |text: &str| {
            let time: jiff::Timestamp = text.parse().unwrap();
            day_of(TimeMs::new(u64::try_from(time.as_millisecond()).unwrap()))
        };
        let day = of("2026-12-01T16:00:00Z");
        assert_eq!((of("2026-12-01T15:59:59Z") + 1, written(day)), (day, "2026-12-02".to_owned()));
        assert_eq!(of("2026-12-02T15:59:59Z"), day);
    }
}
