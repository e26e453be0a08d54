//! What PostgreSQL's `test_decoding` says of a transaction, read.

use std::collections::BTreeMap;

/// What stands for a large value that stays as it was.
const UNTOLD: &str = "unchanged-toast-datum";

/// A line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A transaction begins.
    Begin(u32),
    /// It is over.
    Commit,
    /// A row of a table was put in.
    Insert(String, Columns),
    /// A row was changed: as it was, where that is told whole, and as it is.
    Update(String, Option<Columns>, Columns),
    /// A row was taken out: as it was, where that is told.
    Delete(String, Option<Columns>),
    /// All rows of these tables are gone.
    Truncate(Vec<String>),
}

/// Columns by name, as text; `None`: null.
pub type Columns = BTreeMap<String, Option<String>>;

/// Reads a line; `None` for what is none of these, or does not tell a value.
pub fn read(line: &str) -> Option<Change> {
    if let Some(xid) = line.strip_prefix("BEGIN ") {
        return xid.trim().parse().ok().map(Change::Begin);
    }
    if line.starts_with("COMMIT") {
        return Some(Change::Commit);
    }
    let (tables, what) = tables(line)?;
    let one = || Some((*tables.first()?).to_owned());
    // The verb stands behind the names, and nowhere in what rows hold.
    if let Some(row) = what.strip_prefix("INSERT: ") {
        return Some(Change::Insert(one()?, columns(row)?));
    }
    if let Some(row) = what.strip_prefix("UPDATE: ") {
        return updated(one()?, row);
    }
    if let Some(row) = what.strip_prefix("DELETE: ") {
        return deleted(one()?, row);
    }
    what.strip_prefix("TRUNCATE: ")?;
    Some(Change::Truncate(tables.into_iter().map(str::to_owned).collect()))
}

/// The tables that a line is about, as they are quoted, and what it says of them; `None` for a line about none.
pub fn tables(line: &str) -> Option<(Vec<&str>, &str)> {
    let mut rest = line.strip_prefix("table ")?;
    let mut all = Vec::new();
    loop {
        let mut scan = Scan(rest);
        scan.part()?;
        scan.0 = scan.0.strip_prefix('.')?;
        scan.part()?;
        all.push(rest.get(..rest.len() - scan.0.len())?);
        match scan.0.strip_prefix(", ") {
            Some(more) => rest = more,
            None => return Some((all, scan.0.strip_prefix(": ")?)),
        }
    }
}

fn updated(table: String, what: &str) -> Option<Change> {
    let Some(keys) = what.strip_prefix("old-key: ") else {
        return Some(Change::Update(table, None, columns(what)?));
    };
    let mut scan = Scan(keys);
    let (old, untold) = scan.columns()?;
    let mut scan = Scan(scan.0.strip_prefix("new-tuple: ")?);
    let (mut new, unchanged) = scan.columns()?;
    if !untold.is_empty() || !scan.0.trim().is_empty() {
        return None;
    }
    // A large value that stays is told with the row as it was.
    for name in unchanged {
        let value = old.get(&name)?.clone();
        new.insert(name, value);
    }
    Some(Change::Update(table, Some(old), new))
}

fn deleted(table: String, what: &str) -> Option<Change> {
    match what.trim() {
        "(no-tuple-data)" => Some(Change::Delete(table, None)),
        _ => Some(Change::Delete(table, Some(columns(what)?))),
    }
}

fn columns(text: &str) -> Option<Columns> {
    let mut scan = Scan(text);
    let (columns, untold) = scan.columns()?;
    (untold.is_empty() && scan.0.trim().is_empty()).then_some(columns)
}

/// What is left to be read.
struct Scan<'a>(&'a str);

impl Scan<'_> {
    /// `name[type]:value` each, up to what is none; and the names of those whose values are not told.
    fn columns(&mut self) -> Option<(Columns, Vec<String>)> {
        let (mut all, mut untold) = (Columns::new(), Vec::new());
        while !self.0.is_empty() && !self.0.starts_with("new-tuple: ") {
            let name = self.name()?;
            self.kind()?;
            match self.0.strip_prefix(UNTOLD) {
                Some(rest) => {
                    self.0 = rest;
                    untold.push(name);
                }
                None => {
                    let value = self.value()?;
                    all.insert(name, value);
                }
            }
            self.0 = self.0.strip_prefix(' ').unwrap_or(self.0);
        }
        Some((all, untold))
    }

    /// A part of a table's name, in quotes or not.
    fn part(&mut self) -> Option<()> {
        if let Some(rest) = self.0.strip_prefix('"') {
            self.0 = rest;
            return self.until_quote('"').map(drop);
        }
        let end = self.0.find(['.', ':', ',', ' ', '"'])?;
        self.0 = self.0.get(end..)?;
        (end > 0).then_some(())
    }

    fn name(&mut self) -> Option<String> {
        if let Some(rest) = self.0.strip_prefix('"') {
            self.0 = rest;
            return self.until_quote('"');
        }
        let (name, rest) = self.0.split_once('[')?;
        self.0 = self.0.get(self.0.len() - rest.len() - 1..)?;
        Some(name.to_owned())
    }

    /// `[type]:`, where the type may have brackets itself.
    fn kind(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        for (at, sign) in self.0.char_indices() {
            match sign {
                '[' => depth += 1,
                ']' => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        self.0 = self.0.get(at + 1..)?.strip_prefix(':')?;
                        return Some(());
                    }
                }
                _ if depth == 0 => return None,
                _ => {}
            }
        }
        None
    }

    fn value(&mut self) -> Option<Option<String>> {
        if let Some(rest) = self.0.strip_prefix('\'').or_else(|| self.0.strip_prefix("B'")) {
            self.0 = rest;
            return self.until_quote('\'').map(Some);
        }
        let end = self.0.find(' ').unwrap_or(self.0.len());
        let (value, rest) = self.0.split_at(end);
        self.0 = rest;
        match value {
            "null" => Some(None),
            "" => None,
            value => Some(Some(value.to_owned())),
        }
    }

    /// Up to a quote that is not doubled.
    fn until_quote(&mut self, quote: char) -> Option<String> {
        let mut text = String::new();
        loop {
            let (part, rest) = self.0.split_once(quote)?;
            text.push_str(part);
            self.0 = rest;
            match rest.strip_prefix(quote) {
                Some(rest) => {
                    text.push(quote);
                    self.0 = rest;
                }
                None => return Some(text),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(columns: &[(&str, Option<&str>)]) -> Columns {
        columns.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect()
    }

    #[test]
    fn lines_as_postgresql_writes_them() {
        assert_eq!(read("BEGIN 740"), Some(Change::Begin(740)));
        assert_eq!(read("COMMIT 740"), Some(Change::Commit));
        let table = "civil.resident".to_owned();
        let insert = "table civil.resident: INSERT: id[integer]:7 name[character varying]:'O''Brien [x]: y' tags[integer[]]:'{1,2}' note[text]:null \"Odd \"\"name\"[bit]:B'101'";
        let columns = of(&[
            ("id", Some("7")),
            ("name", Some("O'Brien [x]: y")),
            ("tags", Some("{1,2}")),
            ("note", None),
            ("Odd \"name", Some("101")),
        ]);
        assert_eq!(read(insert), Some(Change::Insert(table.clone(), columns)));
        let update = "table civil.resident: UPDATE: old-key: id[integer]:7 name[text]:'a' new-tuple: id[integer]:7 name[text]:'new-tuple: b'";
        let (old, new) = (
            of(&[("id", Some("7")), ("name", Some("a"))]),
            of(&[("id", Some("7")), ("name", Some("new-tuple: b"))]),
        );
        assert_eq!(
            read(update),
            Some(Change::Update(table.clone(), Some(old.clone()), new.clone()))
        );
        let short = "table civil.resident: UPDATE: id[integer]:7 name[text]:'new-tuple: b'";
        assert_eq!(read(short), Some(Change::Update(table.clone(), None, new)));
        let delete = "table civil.resident: DELETE: id[integer]:7 name[text]:'a'";
        assert_eq!(read(delete), Some(Change::Delete(table.clone(), Some(old))));
        assert_eq!(
            read("table civil.resident: DELETE: (no-tuple-data)"),
            Some(Change::Delete(table.clone(), None))
        );
        let truncate = "table civil.resident, civil.visit: TRUNCATE: (no-flags)";
        assert_eq!(read(truncate), Some(Change::Truncate(vec![table, "civil.visit".into()])));
        // What rows hold is no verb, nor what tables are called.
        let hiding = "table civil.resident: UPDATE: old-key: name[text]:'x' new-tuple: name[text]:': INSERT: a[b]:1'";
        let now = of(&[("name", Some(": INSERT: a[b]:1"))]);
        let before = Some(of(&[("name", Some("x"))]));
        assert_eq!(read(hiding), Some(Change::Update("civil.resident".into(), before, now)));
        let odd = "table civil.\"a: INSERT: b, c\": TRUNCATE: (no-flags)";
        let table = "civil.\"a: INSERT: b, c\"".to_owned();
        assert_eq!(read(odd), Some(Change::Truncate(vec![table])));
        // A large value that stays.
        let large = "table civil.resident: UPDATE: old-key: id[integer]:7 note[text]:'long' new-tuple: id[integer]:8 note[text]:unchanged-toast-datum";
        let (old, new) = (
            of(&[("id", Some("7")), ("note", Some("long"))]),
            of(&[("id", Some("8")), ("note", Some("long"))]),
        );
        assert_eq!(read(large), Some(Change::Update("civil.resident".into(), Some(old), new)));
        // A value that is not told, and what is no line of these.
        for bad in [
            "table civil.resident: INSERT: id[integer]:7 name[text]:unchanged-toast-datum",
            "table civil.resident: INSERT: id[integer]:7 name[text]:'open",
            "table civil.resident: INSERT: id[integer:7",
            "message: transactional: 1 prefix: x, sz: 1 content:y",
            "table civil.resident: MOVE: id[integer]:7",
            "BEGIN",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
