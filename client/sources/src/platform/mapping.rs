//! How a platform's list is read: what its columns are called, and what its words mean.

use liuhen_client::error::ClientError;
use liuhen_client::lang::pick;
use liuhen_proto::types::check_code;
use liuhen_proto::wire::StatedKind;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// What a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Datasets.
    Catalogue,
    /// What was approved there.
    Approvals,
    /// What was called there.
    Calls,
}

impl Kind {
    /// As the ledger has it.
    pub const fn to_wire(self) -> StatedKind {
        match self {
            Self::Catalogue => StatedKind::Catalogue,
            Self::Approvals => StatedKind::Approvals,
            Self::Calls => StatedKind::Calls,
        }
    }

    /// Columns that a list of the kind can't be read without.
    const fn needs(self) -> &'static [&'static str] {
        match self {
            Self::Catalogue => &["dataset", "collector"],
            Self::Approvals => &["reference", "dataset", "user", "approved", "until"],
            Self::Calls => &["time", "dataset", "user"],
        }
    }

    /// Columns that hold dates or times.
    pub(super) const fn times(self) -> &'static [&'static str] {
        match self {
            Self::Catalogue => &[],
            Self::Approvals => &["approved", "until"],
            Self::Calls => &["time"],
        }
    }
}

/// How a platform's list is read: a TOML file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The platform, a code.
    pub platform: String,
    /// What the list holds.
    pub kind: Kind,
    /// The sheet of a spreadsheet; without it the first.
    #[serde(default)]
    pub sheet: Option<String>,
    /// Which row has the names of columns, from 1 on.
    #[serde(default = "one")]
    pub header_row: usize,
    /// What each of ours is called there.
    pub columns: BTreeMap<String, String>,
    /// What it calls a dataset → its code.
    #[serde(default)]
    pub datasets: BTreeMap<String, String>,
    /// The number of a document (文号) → the reference that its request has here.
    #[serde(default)]
    pub references: BTreeMap<String, String>,
    /// The day that the list is of; without it that on which it is stated, or its own times say.
    #[serde(default)]
    pub as_of: Option<String>,
    /// What it calls a department → its code.
    #[serde(default)]
    pub departments: BTreeMap<String, String>,
    /// Its words for sharing → `unconditional`, `conditional`, `not_shared`.
    #[serde(default)]
    pub categories: BTreeMap<String, String>,
}

const fn one() -> usize {
    1
}

impl Mapping {
    /// Reads the file. Errors for what can't be meant.
    pub fn read(path: &Path) -> Result<Self, ClientError> {
        let at =
            |why: &dyn std::fmt::Display| ClientError::Usage(format!("{}: {why}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|e| at(&e))?;
        let mapping: Self = toml::from_str(&text).map_err(|e| at(&e))?;
        mapping.checked().map_err(|why| at(&why))?;
        Ok(mapping)
    }

    pub(super) fn checked(&self) -> Result<(), String> {
        check_code(&self.platform).map_err(|e| format!("platform: {e}"))?;
        let codes = self.datasets.values().chain(self.departments.values());
        for code in codes.chain(self.references.values()) {
            check_code(code).map_err(|e| format!("{code}: {e}"))?;
        }
        if self.as_of.as_ref().is_some_and(|it| time_of(it).is_none()) {
            return Err("as_of: a day, 2026-03-31".into());
        }
        let needs = self.kind.needs();
        if let Some(missing) = needs.iter().find(|it| !self.columns.contains_key(**it)) {
            return Err(format!("columns: `{missing}` is needed"));
        }
        let known = ["title", "category", "grade", "purpose", "from", "rows", "message"];
        let mut names = self.columns.keys().map(String::as_str);
        if let Some(name) = names.find(|it| !needs.contains(it) && !known.contains(it)) {
            return Err(format!("columns: nothing is called `{name}` here"));
        }
        let words = ["unconditional", "conditional", "not_shared"];
        if let Some(word) = self.categories.values().find(|it| !words.contains(&it.as_str())) {
            return Err(format!("categories: {word}: one of {}", words.join(", ")));
        }
        if self.header_row == 0 { Err("header_row: from 1 on".into()) } else { Ok(()) }
    }
}

/// A column's name as it is compared: headers have breaks and spaces within.
pub(super) fn name_of(text: &str) -> String {
    text.chars().filter(|it| !it.is_whitespace()).collect()
}

/// A date, or a date with a time, as lists have them: the milliseconds at which it begins, local time +08:00.
pub fn time_of(text: &str) -> Option<u64> {
    let text = text.trim().replace(['/', '.', '年', '月'], "-").replace('日', "");
    let text = text.trim_end_matches('-');
    let digits = text.len() == 8 && text.bytes().all(|it| it.is_ascii_digit());
    if digits
        && let (Some(year), Some(month), Some(day)) = (text.get(..4), text.get(4..6), text.get(6..))
    {
        return time_of(&format!("{year}-{month}-{day}"));
    }
    let (date, time) = text.split_once([' ', 'T']).map_or((text, ""), |(a, b)| (a, b));
    let mut parts = date.split('-').map(|it| it.trim().parse::<i16>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() {
        return None;
    }
    let date =
        jiff::civil::Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
    let time = match time.trim() {
        "" => jiff::civil::Time::midnight(),
        time => {
            let mut parts = time.split(':').map(|it| it.trim().parse::<f64>().ok());
            let part = |it: Option<Option<f64>>| match it {
                Some(it) => it.filter(|it| (0.0..60.0).contains(it)).map(|it| it as i8),
                None => Some(0),
            };
            let (hour, minute, second) =
                (part(parts.next())?, part(parts.next())?, part(parts.next())?);
            jiff::civil::Time::new(hour, minute, second, 0).ok()?
        }
    };
    let zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    let at = date.to_datetime(time).to_zoned(zone).ok()?;
    u64::try_from(at.timestamp().as_millisecond()).ok()
}

impl Mapping {
    /// What a row means, and what can't be read of it.
    pub(super) fn row(
        &self,
        stated: &BTreeMap<String, String>,
    ) -> (BTreeMap<String, String>, BTreeSet<String>) {
        let (mut read, mut wrong) = (BTreeMap::new(), BTreeSet::new());
        for (ours, theirs) in &self.columns {
            let text = stated.get(&name_of(theirs)).map(String::as_str).unwrap_or_default();
            if text.is_empty() {
                if self.kind.needs().contains(&ours.as_str()) {
                    wrong.insert(
                        pick(&format!("{theirs}: empty"), &format!("{theirs}：空")).to_owned(),
                    );
                }
                continue;
            }
            match self.value(ours, text) {
                Some(value) => drop(read.insert(ours.clone(), value)),
                None => drop(wrong.insert(format!("{theirs}：{text}"))),
            }
        }
        (read, wrong)
    }

    /// What a text means under one of our names.
    fn value(&self, ours: &str, text: &str) -> Option<String> {
        let code = |named: &BTreeMap<String, String>| {
            named.get(text).cloned().or_else(|| check_code(text).is_ok().then(|| text.to_owned()))
        };
        match ours {
            "dataset" => code(&self.datasets),
            "collector" | "user" => code(&self.departments),
            "reference" => code(&self.references),
            "category" => self.categories.get(text).cloned(),
            "time" | "approved" | "from" => time_of(text).map(|it| it.to_string()),
            // A day that is named holds to its end, also where midnight stands behind it.
            "until" => time_of(text).map(|it| match it.saturating_add(8 * HOUR_MS) % DAY_MS {
                0 => it.saturating_add(DAY_MS).to_string(),
                _ => it.to_string(),
            }),
            "grade" | "rows" => text.parse::<u64>().ok().map(|it| it.to_string()),
            _ => Some(text.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_lists_have_them() {
        for text in [
            "20260301",
            "2026-03-01",
            "2026/3/1",
            "2026.3.1",
            "2026年3月1日",
            " 2026-03-01 00:00:00 ",
        ] {
            assert_eq!(time_of(text), Some(1_772_294_400_000), "{text}");
        }
        for text in ["", "2026-02-30", "2026-3", "1-2-3-4", "tomorrow", "2026-03-01 25:00"] {
            assert_eq!(time_of(text), None, "{text}");
        }
    }
}
