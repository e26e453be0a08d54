//! A platform's list: its rows as stated, each with a salt, under one root.

use super::mapping::{Kind, Mapping, name_of, time_of};
use crate::sheet;
use liuhen_client::error::ClientError;
use liuhen_client::lang::pick;
use liuhen_client::submit::random;
use liuhen_proto::merkle::{Blake3Log, MemoryLog, inclusion, log};
use liuhen_proto::suite::hash::salted_digest;
use liuhen_proto::types::Hash;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

/// Bytes of a CSV file at most.
const BYTES: u64 = 256 << 20;

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
    /// What of it can't be read.
    #[serde(default)]
    pub unread: Vec<String>,
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

/// Rows, each with its number in the file.
type Numbered = Vec<(usize, Vec<String>)>;

/// The rows of a file, each with its number: of a spreadsheet, or values between commas in UTF-8.
fn rows_of(path: &Path, sheet: Option<&str>) -> Result<Numbered, ClientError> {
    let at =
        |why: &dyn std::fmt::Display| ClientError::Failed(format!("{}: {why}", path.display()));
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|e| at(&e))?;
    file.take(BYTES + 1).read_to_end(&mut bytes).map_err(|e| at(&e))?;
    if bytes.starts_with(sheet::MAGIC) {
        let rows = sheet::rows(path, sheet).map_err(|e| at(&e))?;
        return Ok((1..).zip(rows).collect());
    }
    if bytes.len() as u64 > BYTES {
        return Err(at(&format!("more than {} MiB", BYTES >> 20)));
    }
    let text = String::from_utf8(bytes).map_err(|_| {
        let why = "neither a spreadsheet nor CSV in UTF-8: save it as one of these";
        at(&pick(why, "既不是电子表格，也不是 UTF-8 的 CSV：请另存为“CSV UTF-8”或 xlsx"))
    })?;
    let mut text = text.strip_prefix('\u{feff}').unwrap_or(&text).replace("\r\n", "\n");
    text.push('\n');
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let (mut rows, mut record) = (Vec::new(), csv::StringRecord::new());
    while reader.read_record(&mut record).map_err(|e| at(&e))? {
        // The reader says where it stands behind a record; blank lines before it are no part of it.
        let within = record.iter().map(|it| it.matches('\n').count()).sum::<usize>();
        let behind = usize::try_from(reader.position().line()).unwrap_or(usize::MAX);
        let line = behind.saturating_sub(within).saturating_sub(1);
        rows.push((line, record.iter().map(|it| it.trim().to_owned()).collect()));
    }
    Ok(rows)
}

/// The names of columns, and the rows below them.
fn below(all: Numbered, mapping: &Mapping) -> Result<(Vec<String>, Numbered), String> {
    let at = all.iter().position(|(line, _)| *line == mapping.header_row);
    let at = at.ok_or_else(|| {
        let row = mapping.header_row;
        pick(&format!("no row {row}"), &format!("没有第 {row} 行")).to_owned()
    })?;
    let mut rows = all.into_iter().skip(at);
    let header: Vec<String> = rows
        .next()
        .map(|(_, cells)| cells.iter().map(|it| name_of(it)).collect())
        .unwrap_or_default();
    let twice = header
        .iter()
        .enumerate()
        .find(|(n, it)| !it.is_empty() && header.iter().skip(n + 1).any(|other| other == *it));
    if let Some((_, name)) = twice {
        let (why, why_zh) =
            (format!("two columns are called {name}"), format!("有两列都叫“{name}”"));
        return Err(pick(&why, &why_zh).to_owned());
    }
    if let Some(missing) = mapping.columns.values().find(|it| !header.contains(&name_of(it))) {
        let all = header.join(", ");
        let (why, why_zh) = (
            format!("no column is called {missing}: there are {all}"),
            format!("没有名为“{missing}”的列；现有：{all}"),
        );
        return Err(pick(&why, &why_zh).to_owned());
    }
    let rows: Vec<_> = rows.filter(|(_, cells)| cells.iter().any(|it| !it.is_empty())).collect();
    // What has no name could not be stated: the list would not be whole.
    for (line, cells) in &rows {
        let unnamed = cells
            .iter()
            .enumerate()
            .any(|(n, it)| !it.is_empty() && header.get(n).is_none_or(String::is_empty));
        if unnamed {
            let (why, why_zh) = (
                format!("row {line} has a value under no column's name"),
                format!("第 {line} 行有值不在任何列名之下"),
            );
            return Err(pick(&why, &why_zh).to_owned());
        }
    }
    if rows.is_empty() {
        let why = "no row below the names of columns";
        return Err(pick(why, "列名之下没有任何行").to_owned());
    }
    Ok((header, rows))
}

impl List {
    /// Reads a list. A value that can't be read is stated like every other, for it is the platform's word, and noted with its row.
    pub fn read(path: &Path, mapping: &Mapping, now_ms: u64) -> Result<Self, ClientError> {
        let at = |why: String| ClientError::Failed(format!("{}: {why}", path.display()));
        let all = rows_of(path, mapping.sheet.as_deref())?;
        let (header, all) = below(all, mapping).map_err(at)?;
        let (mut from_ms, mut until_ms) = (u64::MAX, 0);
        let mut rows = Vec::with_capacity(all.len());
        for (line, cells) in all {
            let named = header.iter().zip(cells).filter(|(name, _)| !name.is_empty());
            let stated: BTreeMap<String, String> =
                named.map(|(name, text)| (name.clone(), text)).collect();
            let (read, unread) = mapping.row(&stated);
            for name in mapping.kind.times() {
                if let Some(ms) = read.get(*name).and_then(|it| it.parse::<u64>().ok()) {
                    (from_ms, until_ms) = (from_ms.min(ms), until_ms.max(ms));
                }
            }
            let salt = hex::encode(random::<16>()?);
            rows.push(Row { line, salt, stated, read, unread: unread.into_iter().collect() });
        }
        // Of calls the last says when it ends; what was approved holds for longer.
        if until_ms == 0 || mapping.kind == Kind::Approvals {
            until_ms = now_ms;
        }
        if let Some(ms) = mapping.as_of.as_deref().and_then(time_of) {
            until_ms = ms;
        }
        let (platform, kind) = (mapping.platform.clone(), mapping.kind);
        let from_ms = from_ms.min(until_ms);
        let mut it = Self { platform, kind, from_ms, until_ms, root: String::new(), rows };
        it.root = log::root::<Blake3Log>(it.digests()?).to_string();
        Ok(it)
    }

    /// Of a file that was kept. Errors where its root is not that of its rows.
    pub fn kept(path: &Path) -> Result<Self, ClientError> {
        let at =
            |why: &dyn std::fmt::Display| ClientError::Failed(format!("{}: {why}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|e| at(&e))?;
        let list: Self = serde_json::from_str(&text).map_err(|_| {
            at(&pick("no list that `platform state` kept", "不是 `platform state` 保存的清单"))
        })?;
        let root = log::root::<Blake3Log>(list.digests()?).to_string();
        match root == list.root {
            true => Ok(list),
            false => {
                let why = "its rows are not those that its root is over";
                Err(at(&pick(why, "其各行与清单的根不符")))
            }
        }
    }

    pub(super) fn digests(&self) -> Result<Vec<Hash>, ClientError> {
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
        let it: Self = serde_json::from_str(&text).map_err(|_| {
            at(&pick("no row that `platform row` wrote", "不是 `platform row` 写出的行"))
        })?;
        match it.is_there()? {
            true => Ok(it),
            false => {
                let why = "INVALID: the row is not in a list of this root";
                Err(at(&pick(why, "INVALID：该行不在此根的清单之中")))
            }
        }
    }

    pub(super) fn is_there(&self) -> Result<bool, ClientError> {
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
