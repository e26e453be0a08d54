//! Logs of any form: lines of JSON, values between commas, `key=value`, or syslog, and a jq program of the mapping's that says of
//! each record which accesses it tells of.
//!
//! The mapping has `format` (`json`, `csv`, `logfmt`, `syslog`), for `csv` a `header` unless the first line is one, and the program
//! as `jq` or in a `jq_file` beside the mapping. The program gives nothing for a record that is no access, else an object for each:
//!
//! ```json
//! {"reference": "…", "time": "2026-11-28T21:40:00+08:00", "database": "…",
//!  "caller": {"role": "…", "address": "…", "application": "…"},
//!  "datasets": [{"dataset": "civil.resident", "operation": "read", "fields": ["name"]},
//!               {"relation": "population.civil.household", "operation": "export"}],
//!  "rows": 1, "denied": false, "grant": "…", "purpose": "…", "user": "…", "text": "…", "untold": "…"}
//! ```
//!
//! `time` and one of `datasets` and `untold` are needed; what else is left out is not known. Without `reference` an access is told
//! by the digest of its record, and of equal records by which it is: they must be read from the first on each time. What has one
//! reference is one access. Without `text` the record is digested.

mod access;
mod equal;
mod program;
mod record;

use crate::log::{self, Log, NotRead};
use crate::mapping::{Format, Mapping, Meant};
use crate::quotes::Within;
use crate::sql::{Dialect, Fields};
use crate::statement::{Caller, Named, Part, Statement};
use crate::time::Times;
use crate::touched::{Looks, Touched, note};
use access::{Access, Time};
use equal::Equal;
use liuhen_client::error::ClientError;
use program::{NotMade, Program};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Reads records of one form.
#[derive(Debug)]
pub struct Reader<'a> {
    mapping: &'a Mapping,
    format: Format,
    program: Program,
    times: Times,
    looks: Looks<'a>,
    /// The names of values between commas.
    header: Vec<String>,
    /// Lines of a record that goes on, with the number of the first, and where in it the last ends.
    open: Option<(u64, Vec<u8>, Within)>,
    /// How often a record stood in the log.
    equal: Equal,
}

impl<'a> Reader<'a> {
    /// By a mapping. Errors for one without format or program, and for what is no program.
    pub fn new(mapping: &'a Mapping) -> Result<Self, ClientError> {
        let usage = |why: String| ClientError::Usage(format!("mapping: {why}"));
        let missing = || usage("`format` and `jq`, or `jq_file`, are needed".to_owned());
        let text = mapping.program()?.ok_or_else(missing)?;
        Ok(Self {
            mapping,
            format: mapping.format.ok_or_else(missing)?,
            program: Program::new(&text).map_err(|why| usage(format!("jq: {why}")))?,
            times: Times::new(&mapping.time_zone).map_err(ClientError::failed)?,
            looks: Looks::new(mapping, Dialect::Postgres),
            header: mapping.header.clone(),
            open: None,
            equal: Equal::default(),
        })
    }
}

impl log::Reader for Reader<'_> {
    fn line(&mut self, number: u64, line: &[u8], log: &mut Log) -> Result<(), NotRead> {
        let record = match self.format {
            Format::Json => record::json(line)?,
            Format::Logfmt => record::logfmt(line)?,
            Format::Syslog => record::of_syslog(line)?,
            Format::Csv => return self.values(number, line, log),
        };
        self.record(number, line, record, log)
    }

    fn is_whole(&self, _line: &[u8]) -> bool {
        // Its brackets tell.
        self.format == Format::Json
    }

    fn goes_on(&self, _line: &[u8]) -> bool {
        self.open.is_some()
    }

    fn end(&mut self, _cut: Option<&[u8]>, _log: &mut Log) -> Result<(), NotRead> {
        match self.open.take() {
            None => Ok(()),
            Some((first, ..)) => {
                Err(NotRead::CutOff(format!("the record that begins in line {first} does not end")))
            }
        }
    }
}

impl Reader<'_> {
    /// A line of values between commas; a record goes on where a quote is open.
    fn values(&mut self, number: u64, line: &[u8], log: &mut Log) -> Result<(), NotRead> {
        let open = self.open.take().unwrap_or((number, Vec::new(), Within::default()));
        let (first, mut bytes, mut within) = open;
        if first != number {
            bytes.push(b'\n');
            within = within.behind(b"\n", b',');
        }
        bytes.extend_from_slice(line);
        within = within.behind(line, b',');
        if within.is_open() {
            if bytes.len() > crate::lines::LINE_BYTES {
                return Err(NotRead::SetAside("a record that is too long".to_owned()));
            }
            log.further_lines += u64::from(first != number);
            self.open = Some((first, bytes, within));
            return Ok(());
        }
        log.further_lines += u64::from(first != number);
        let values = record::values(&bytes)?;
        if self.header.is_empty() {
            self.header.clone_from(&values);
        }
        // Each file may have one.
        if self.header == values {
            log.other_lines += 1;
            return Ok(());
        }
        let record = record::named(&self.header, values)?;
        self.record(first, &bytes, record, log)
    }

    fn record(
        &mut self,
        number: u64,
        bytes: &[u8],
        record: String,
        log: &mut Log,
    ) -> Result<(), NotRead> {
        let set_aside = |why: String| NotRead::SetAside(format!("jq: {why}"));
        let values = match self.program.values(record) {
            Ok(values) => values,
            Err(NotMade::Error(why)) => return Err(set_aside(why)),
            Err(NotMade::Runaway) => return Err("jq: the program does not end".into()),
        };
        let accesses: Result<Vec<Access>, String> = values.into_iter().map(Access::of).collect();
        let accesses = accesses.map_err(set_aside)?;
        // What says by what it is told need not be counted.
        let of_record = match accesses.iter().all(|it| it.reference.is_some()) {
            true => String::new(),
            false => {
                let digest: [u8; 32] = Sha256::digest(bytes).into();
                let before = self.equal.count(digest).map_err(NotRead::SetAside)?;
                format!("{}/{before}", hex::encode(digest))
            }
        };
        let mut all = Vec::with_capacity(accesses.len());
        for (at, access) in accesses.into_iter().enumerate() {
            all.push(self.statement(access, &of_record, at, bytes)?);
        }
        let is_access = |it: &(Statement, _)| !it.0.touched.is_empty() || !it.0.untold.is_empty();
        all.retain(is_access);
        let count = if all.is_empty() { &mut log.other_lines } else { &mut log.other_databases };
        let is_ours = |it: &(Statement, _)| self.looks.is_recorded(&it.0.database);
        all.retain(is_ours);
        *count += u64::from(all.is_empty());
        for (statement, touched) in all {
            log.seen(statement.time_ms);
            note(&touched, log);
            log.add(number, statement);
        }
        Ok(())
    }

    fn statement(
        &self,
        access: Access,
        of_record: &str,
        at: usize,
        bytes: &[u8],
    ) -> Result<(Statement, Touched), NotRead> {
        let time_ms = match access.time().map_err(|why| NotRead::SetAside(format!("jq: {why}")))? {
            Time::Ms(ms) => ms,
            Time::Text(text) => self.times.time(text).map_err(|why| match why {
                NotRead::Unknown(why) => NotRead::SetAside(format!("jq: time: {why}")),
                other => other,
            })?,
        };
        let mut touched = Touched::default();
        for it in access.datasets {
            let operation = it.operation.to_wire();
            let fields = it.fields.map_or(Fields::Unknown, Fields::These);
            match (it.dataset, it.relation) {
                (Some(dataset), _) => {
                    let fields = self.looks.fields(&dataset, &fields);
                    touched.add(&dataset, operation, fields);
                }
                (None, Some(relation)) => {
                    let name = relation.to_name();
                    match self.looks.meant(&relation.database, &name) {
                        Meant::Dataset(dataset) => {
                            touched.add(dataset, operation, self.looks.fields(dataset, &fields));
                        }
                        Meant::None => {}
                        Meant::Unknown => {
                            let database = &relation.database;
                            self.looks.unmapped(database, &name, Some(operation), &mut touched);
                        }
                    }
                }
                (None, None) => {}
            }
        }
        let reference = match access.reference {
            Some(reference) => reference,
            None if at == 0 => of_record.to_owned(),
            None => format!("{of_record}/{at}"),
        };
        let untold: BTreeSet<String> =
            touched.untold.iter().cloned().chain(access.untold).collect();
        let some = |text: Option<String>| text.filter(|it| !it.is_empty());
        let text = if access.text.is_empty() { bytes.to_vec() } else { access.text.into_bytes() };
        let rows = access.rows.or(access.denied.then_some(0));
        let statement = Statement {
            reference: self.mapping.reference(&reference),
            time_ms,
            database: access.database,
            caller: Caller {
                role: access.caller.role,
                address: access.caller.address,
                application: access.caller.application,
            },
            touched: touched.datasets.clone(),
            untold: untold.into_iter().filter(|it| !it.is_empty()).collect(),
            parts: BTreeMap::from([(0, Part { text, rows })]),
            named: Named {
                grants: some(access.grant).into_iter().collect(),
                purpose: some(access.purpose),
                user: some(access.user),
                hidden: false,
            },
            denied: access.denied,
            content: None,
        };
        Ok((statement, touched))
    }
}

#[cfg(test)]
mod tests;
