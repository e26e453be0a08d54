//! What an exchange platform states (数据共享交换平台): its catalogue, approvals and calls, as xlsx or CSV, read by a mapping. A list is put on record whole, as the
//! platform's word: rows stay here, each with a salt, and each can be shown to be in it.

use crate::sheet;
use liuhen_client::error::ClientError;
use liuhen_client::submit::random;
use liuhen_proto::merkle::{Blake3Log, MemoryLog, inclusion, log};
use liuhen_proto::suite::hash::salted_digest;
use liuhen_proto::types::{Hash, check_code};
use liuhen_proto::wire::StatedKind;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::Path;

/// Bytes of a CSV file at most.
const BYTES: u64 = 256 << 20;

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
    const fn times(self) -> &'static [&'static str] {
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

/// A row, as the platform stated it, and as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its number in the file, from 1 on.
    pub line: usize,
    /// What opens its digest, hexadecimal.
    pub salt: String,
    /// As stated: column → text.
    pub stated: BTreeMap<String, String>,
    /// As read: ours → what it means.
    pub read: BTreeMap<String, String>,
}

/// A list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// The platform.
    pub platform: String,
    /// What it holds.
    pub kind: Kind,
    /// The time that it is of, milliseconds.
    pub from_ms: u64,
    /// Until when.
    pub until_ms: u64,
    /// The root over its rows, hexadecimal.
    pub root: String,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Its number in the file.
    pub line: usize,
    /// What.
    pub why: String,
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

    fn checked(&self) -> Result<(), String> {
        check_code(&self.platform).map_err(|e| format!("platform: {e}"))?;
        for code in self.datasets.values().chain(self.departments.values()) {
            check_code(code).map_err(|e| format!("{code}: {e}"))?;
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

/// The rows of a file: of a spreadsheet, or values between commas in UTF-8.
fn rows_of(path: &Path, sheet: Option<&str>) -> Result<Vec<Vec<String>>, ClientError> {
    let at =
        |why: &dyn std::fmt::Display| ClientError::Failed(format!("{}: {why}", path.display()));
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|e| at(&e))?;
    file.take(BYTES + 1).read_to_end(&mut bytes).map_err(|e| at(&e))?;
    if bytes.starts_with(sheet::MAGIC) {
        return sheet::rows(path, sheet).map_err(|e| at(&e));
    }
    if bytes.len() as u64 > BYTES {
        return Err(at(&format!("more than {} MiB", BYTES >> 20)));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| at(&"neither a spreadsheet nor CSV in UTF-8: save it as one of these"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let all = reader
        .records()
        .map(|it| it.map(|row| row.iter().map(|it| it.trim().to_owned()).collect::<Vec<String>>()));
    all.collect::<Result<_, _>>().map_err(|e| at(&e))
}

/// A date, or a date with a time, as lists have them: the milliseconds at which it begins, local time +08:00.
pub fn time_of(text: &str) -> Option<u64> {
    let text = text.trim().replace(['/', '.', '年', '月'], "-").replace('日', "");
    let text = text.trim_end_matches('-');
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

impl List {
    /// Reads a list. What is wrong with rows comes beside: such a row is stated like every other, for it is the platform's word, and is not read.
    pub fn read(
        path: &Path,
        mapping: &Mapping,
        now_ms: u64,
    ) -> Result<(Self, Vec<Wrong>), ClientError> {
        let all = rows_of(path, mapping.sheet.as_deref())?;
        let at = |why: String| ClientError::Failed(format!("{}: {why}", path.display()));
        let header = all.get(mapping.header_row.saturating_sub(1));
        let header = header.ok_or_else(|| at(format!("no row {}", mapping.header_row)))?;
        let twice = header
            .iter()
            .enumerate()
            .find(|(n, it)| !it.is_empty() && header.iter().skip(n + 1).any(|other| other == *it));
        if let Some((_, name)) = twice {
            return Err(at(format!("two columns are called {name}")));
        }
        if let Some(missing) = mapping.columns.values().find(|it| !header.contains(it)) {
            return Err(at(format!(
                "no column is called {missing}: there are {}",
                header.join(", ")
            )));
        }
        let (mut rows, mut wrong) = (Vec::new(), Vec::new());
        let (mut from_ms, mut until_ms) = (u64::MAX, 0);
        for (number, cells) in all.iter().enumerate().skip(mapping.header_row) {
            if cells.iter().all(String::is_empty) {
                continue;
            }
            let line = number.saturating_add(1);
            let named = header.iter().zip(cells).filter(|(name, _)| !name.is_empty());
            let stated: BTreeMap<String, String> =
                named.map(|(name, text)| (name.clone(), text.clone())).collect();
            let (read, why) = mapping.row(&stated);
            wrong.extend(why.into_iter().map(|why| Wrong { line, why }));
            for name in mapping.kind.times() {
                if let Some(ms) = read.get(*name).and_then(|it| it.parse::<u64>().ok()) {
                    (from_ms, until_ms) = (from_ms.min(ms), until_ms.max(ms));
                }
            }
            let salt = hex::encode(random::<16>()?);
            rows.push(Row { line, salt, stated, read });
        }
        if rows.is_empty() {
            return Err(at("no row below the names of columns".to_owned()));
        }
        if until_ms == 0 || mapping.kind == Kind::Approvals {
            until_ms = now_ms;
        }
        let (platform, kind) = (mapping.platform.clone(), mapping.kind);
        let from_ms = if from_ms == u64::MAX { until_ms } else { from_ms.min(until_ms) };
        let mut it = Self { platform, kind, from_ms, until_ms, root: String::new(), rows };
        it.root = log::root::<Blake3Log>(it.digests()?).to_string();
        Ok((it, wrong))
    }

    /// Of a file that was kept. Errors where its root is not that of its rows.
    pub fn kept(path: &Path) -> Result<Self, ClientError> {
        let at =
            |why: &dyn std::fmt::Display| ClientError::Failed(format!("{}: {why}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|e| at(&e))?;
        let list: Self = serde_json::from_str(&text).map_err(|e| at(&e))?;
        let root = log::root::<Blake3Log>(list.digests()?).to_string();
        match root == list.root {
            true => Ok(list),
            false => Err(at(&"its rows are not those that its root is over")),
        }
    }

    fn digests(&self) -> Result<Vec<Hash>, ClientError> {
        self.rows.iter().map(Row::digest).collect()
    }

    /// That a row is in the list.
    pub fn prove(&self, line: usize) -> Result<InList, ClientError> {
        let index = self.rows.iter().position(|it| it.line == line);
        let index = index.ok_or_else(|| ClientError::NotFound(format!("row {line}")))?;
        let all: MemoryLog<Blake3Log> = self.digests()?.into_iter().collect();
        let (index, count) = (index as u64, self.rows.len() as u64);
        let path = inclusion::prove::<Blake3Log, _>(&all, index, count);
        let path = path.ok().flatten().ok_or_else(|| ClientError::failed("no such row"))?;
        let row = self.rows.iter().find(|it| it.line == line).cloned();
        Ok(InList {
            platform: self.platform.clone(),
            kind: self.kind,
            root: self.root.clone(),
            count,
            index,
            path: path.iter().map(Hash::to_string).collect(),
            row: row.ok_or_else(|| ClientError::NotFound(format!("row {line}")))?,
        })
    }
}

impl Row {
    /// What stands for it in the list: of what was stated alone.
    pub fn digest(&self) -> Result<Hash, ClientError> {
        let salt: [u8; 16] = hex::decode(&self.salt)
            .ok()
            .and_then(|it| it.try_into().ok())
            .ok_or_else(|| ClientError::failed(format!("row {}: no salt", self.line)))?;
        let text = serde_json::to_vec(&self.stated).map_err(ClientError::failed)?;
        Ok(salted_digest(&salt, &text))
    }
}

/// That a row is in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InList {
    /// The platform.
    pub platform: String,
    /// What the list holds.
    pub kind: Kind,
    /// Its root, hexadecimal.
    pub root: String,
    /// Its rows.
    pub count: u64,
    /// Which this one is, from 0 on.
    pub index: u64,
    /// The hashes beside, hexadecimal.
    pub path: Vec<String>,
    /// The row.
    pub row: Row,
}

impl InList {
    /// Of a file. Errors where the row is not in a list of that root.
    pub fn read(path: &Path) -> Result<Self, ClientError> {
        let at =
            |why: &dyn std::fmt::Display| ClientError::Failed(format!("{}: {why}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|e| at(&e))?;
        let it: Self = serde_json::from_str(&text).map_err(|e| at(&e))?;
        match it.is_there()? {
            true => Ok(it),
            false => Err(at(&"INVALID: the row is not in a list of this root")),
        }
    }

    fn is_there(&self) -> Result<bool, ClientError> {
        let hash = |text: &String| text.parse::<Hash>().map_err(ClientError::failed);
        let path = self.path.iter().map(hash).collect::<Result<Vec<_>, _>>()?;
        let root = inclusion::root_from_path::<Blake3Log>(
            self.index,
            self.count,
            self.row.digest()?,
            &path,
        );
        Ok(root.is_some_and(|it| it.to_string() == self.root))
    }
}

impl Mapping {
    /// What a row means, and what can't be read of it.
    fn row(
        &self,
        stated: &BTreeMap<String, String>,
    ) -> (BTreeMap<String, String>, BTreeSet<String>) {
        let (mut read, mut wrong) = (BTreeMap::new(), BTreeSet::new());
        for (ours, theirs) in &self.columns {
            let text = stated.get(theirs).map(String::as_str).unwrap_or_default();
            if text.is_empty() {
                if self.kind.needs().contains(&ours.as_str()) {
                    wrong.insert(format!("{theirs} is empty"));
                }
                continue;
            }
            match self.value(ours, text) {
                Some(value) => drop(read.insert(ours.clone(), value)),
                None => drop(wrong.insert(format!("{theirs}: {text}"))),
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
            "category" => self.categories.get(text).cloned(),
            "time" | "approved" | "from" => time_of(text).map(|it| it.to_string()),
            // A day that is named holds to its end.
            "until" => time_of(text).map(|it| match text.contains(':') {
                true => it.to_string(),
                false => it.saturating_add(24 * 3_600_000).to_string(),
            }),
            "grade" | "rows" => text.parse::<u64>().ok().map(|it| it.to_string()),
            _ => Some(text.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APPROVALS: &str = "文号,资源,申请部门,批准日期,有效期至\n\
        测试〔2026〕1号,人口基本信息,省人社厅,2026年3月1日,2027/2/28\n\
        测试〔2026〕2号,没有此资源,省人社厅,2026-03-02,2027-13-01\n\n\
        测试〔2026〕3号,civil.household,gz.tax,2026.3.3,2027-01-01 12:30:00\n";

    fn mapping() -> Mapping {
        let text = r#"
platform = "gz.exchange"
kind = "approvals"
[columns]
reference = "文号"
dataset = "资源"
user = "申请部门"
approved = "批准日期"
until = "有效期至"
[datasets]
"人口基本信息" = "civil.resident"
[departments]
"省人社厅" = "gz.hrss"
"#;
        let mapping: Mapping = toml::from_str(text).unwrap();
        mapping.checked().unwrap();
        mapping
    }

    #[test]
    fn a_list_is_read_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("approvals.csv");
        std::fs::write(&file, format!("\u{feff}{APPROVALS}")).unwrap();
        let (list, wrong) = List::read(&file, &mapping(), 1_795_399_200_000).unwrap();
        let wrong: Vec<(usize, &str)> = wrong.iter().map(|it| (it.line, it.why.as_str())).collect();
        assert_eq!(wrong, [(3, "有效期至: 2027-13-01"), (3, "资源: 没有此资源")]);
        let read: Vec<Option<&String>> =
            list.rows.iter().map(|it| it.read.get("dataset")).collect();
        assert_eq!(
            read,
            [Some(&"civil.resident".to_owned()), None, Some(&"civil.household".to_owned())]
        );
        let day = |text: &str| time_of(text).unwrap();
        assert_eq!(list.rows[0].read["until"], (day("2027-02-28") + 24 * 3_600_000).to_string());
        assert_eq!(list.rows[2].read["until"], day("2027-01-01 12:30").to_string());
        assert_eq!((list.from_ms, list.until_ms), (day("2026-03-01"), 1_795_399_200_000));
        // Each row is shown to be in it, and no other.
        let kept = folder.path().join("list.json");
        std::fs::write(&kept, serde_json::to_string(&list).unwrap()).unwrap();
        let again = List::kept(&kept).unwrap();
        assert_eq!(again, list);
        let shown = folder.path().join("row.json");
        for row in &list.rows {
            let proof = again.prove(row.line).unwrap();
            assert!(proof.is_there().unwrap());
            let mut bent = proof.clone();
            bent.row.stated.insert("文号".into(), "另一号".into());
            assert!(!bent.is_there().unwrap());
            std::fs::write(&shown, serde_json::to_string(&bent).unwrap()).unwrap();
            assert!(InList::read(&shown).is_err());
        }
        let mut bent = list.clone();
        bent.rows[0].stated.insert("文号".into(), "另一号".into());
        std::fs::write(&kept, serde_json::to_string(&bent).unwrap()).unwrap();
        assert!(List::kept(&kept).is_err());
        assert!(list.prove(99).is_err());
    }

    #[test]
    fn what_is_no_list() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("list");
        for (content, why) in [
            (&b"\xce\xc4\xba\xc5,\xd7\xca\xd4\xb4\n"[..], "neither a spreadsheet nor CSV in UTF-8"),
            (&b"PK\x03\x04 and no more"[..], ""),
            ("文号,文号\n1,2\n".as_bytes(), "two columns are called"),
            ("文号,资源\n1,2\n".as_bytes(), "no column is called"),
            ("文号,资源,申请部门,批准日期,有效期至\n".as_bytes(), "no row below"),
            (&b""[..], "no row 1"),
        ] {
            std::fs::write(&file, content).unwrap();
            let error = List::read(&file, &mapping(), 1).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        let text = |from: &str, to: &str| {
            let mut it = mapping();
            it.columns.remove(from);
            it.columns.insert(to.to_owned(), "x".into());
            it.checked().unwrap_err()
        };
        assert!(text("user", "grade").contains("`user` is needed"));
        assert!(text("none", "wer").contains("nothing is called `wer`"));
    }

    #[test]
    fn dates_as_lists_have_them() {
        for text in ["2026-03-01", "2026/3/1", "2026.3.1", "2026年3月1日", " 2026-03-01 00:00:00 "]
        {
            assert_eq!(time_of(text), Some(1_772_294_400_000), "{text}");
        }
        for text in ["", "2026-02-30", "2026-3", "1-2-3-4", "tomorrow", "2026-03-01 25:00"] {
            assert_eq!(time_of(text), None, "{text}");
        }
    }
}
