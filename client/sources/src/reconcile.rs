//! Comparing a database's own audit log with the ledger, statement by statement and content with content. What nobody reported
//! shows here, and nowhere else.
//!
//! A statement's record is known by its nonce, where the gateway recorded this log; else by what it says: who, when, which
//! datasets, which operation. What a clean result means: every statement of the log is on the ledger once, with these datasets,
//! rows, account, time and grant, and between the log's first and last moment the gateway recorded nothing that the log does not
//! have. It says nothing of what the log itself does not tell: the counts of lines that were not compared stand in it.

use crate::Source;
use crate::known::{Known, KnownRecord, account};
use crate::log::Log;
use crate::mapping::Mapping;
use crate::plan::Planner;
use crate::statement::Statement;
use crate::summary::Lines;
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_proto::suite::sign;
use liuhen_proto::suite::{
    hash::{Domain, hash, line},
    sign::PrivateKey,
};
use liuhen_proto::types::IdentityId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// How far the time of a record that was made otherwise may be from the log's.
const CLOCKS_MS: u64 = 2_000;

/// What was found, to be signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciliation {
    /// The chain, hexadecimal.
    pub chain_id: String,
    /// The ledger's height when it was read.
    pub height: u64,
    /// The gateway, `department/code`, and its identity.
    pub gateway: String,
    /// Its identity id.
    pub gateway_id: String,
    /// `H_digest` of the bytes of each of the log's files, in order, and of the mapping's.
    pub log_digests: Vec<String>,
    /// See `log_digests`.
    pub mapping_digest: String,
    /// Milliseconds by which the log's times were moved.
    pub shift_ms: i64,
    /// The time compared: what was asked for, else from the log's first moment to its last.
    pub from_ms: u64,
    /// The first millisecond that is not compared.
    pub until_ms: u64,
    /// Statements of the log, and records of the ledger, within that time.
    pub statements: u64,
    /// See `statements`.
    pub records: u64,
    /// What differs.
    pub differences: Vec<Difference>,
    /// Lines of the log that are not compared, by why.
    pub not_compared: NotCompared,
    /// When it was made, milliseconds.
    pub made_ms: u64,
}

/// Lines of the log that are not compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotCompared {
    /// All lines of the log.
    pub of: u64,
    /// Lines of no access, and blank ones.
    pub no_access: u64,
    /// Lines of databases that the mapping does not name.
    pub other_databases: u64,
    /// Refusals that mean no data of the mapped relations.
    pub other_denied: u64,
    /// Lines that were set aside, or are not written whole, by number: what they tell of is not compared.
    pub set_aside: Vec<u64>,
    /// Lines that were not understood, by number.
    pub not_understood: Vec<u64>,
}

impl NotCompared {
    fn of(lines: &Lines) -> Self {
        let numbers = |of: &[(u64, String)]| of.iter().map(|(line, _)| *line).collect::<Vec<_>>();
        let mut set_aside = numbers(&lines.set_aside);
        set_aside.extend(lines.unfinished);
        Self {
            of: lines.all,
            no_access: lines.other.saturating_add(lines.blank),
            other_databases: lines.other_databases,
            other_denied: lines.other_denied,
            set_aside,
            not_understood: numbers(&lines.unknown),
        }
    }

    /// Lines that may tell of accesses, and are not compared.
    pub fn open(&self) -> usize {
        self.set_aside.len().saturating_add(self.not_understood.len())
    }
}

/// Why a statement and the ledger differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The ledger has no record of the statement.
    Unreported,
    /// The ledger's record has other datasets or operations.
    Datasets,
    /// It has another number of rows.
    Rows,
    /// It names another account.
    Account,
    /// It has another time.
    Time,
    /// It names another grant.
    Grant,
    /// One says that it was served, the other that it was refused.
    Decision,
    /// The statement's text is not the one that was recorded: the log, or the record, was changed.
    Text,
    /// Several records are of one statement.
    Double,
    /// The log does not have it.
    OnlyOnLedger,
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Why.
    pub cause: Cause,
    /// The statement's reference in the log; empty where the log does not have it.
    pub statement: String,
    /// The numbers of the ledger's records.
    pub numbers: Vec<u64>,
    /// When the access was.
    pub time_ms: u64,
    /// An identity's id, or `unmapped` with the account's digest.
    pub account: String,
    /// What the log says.
    pub in_log: String,
    /// What the ledger says.
    pub on_ledger: String,
}

/// A result and its signature: two lines.
#[derive(Debug, Serialize, Deserialize)]
struct Signature {
    key_id: String,
    signature: String,
}

/// A statement as it should stand on the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Expected {
    reference: String,
    time_ms: u64,
    account: String,
    touched: BTreeSet<(String, i32)>,
    grants: BTreeSet<String>,
    rows: Option<u64>,
    denied: bool,
    query: Vec<u8>,
}

impl Expected {
    fn of(planner: &mut Planner<'_>, it: &Statement) -> Self {
        Self {
            reference: it.reference.clone(),
            time_ms: planner.time(it),
            account: account(Some(&planner.asker(it))),
            touched: it.touched.keys().cloned().collect(),
            grants: planner.grants(it),
            rows: it.rows(),
            denied: it.denied,
            query: planner.query_digest(it),
        }
    }

    /// Whether a record that was made otherwise may be of it.
    fn may_be(&self, record: &KnownRecord) -> bool {
        self.account == record.account
            && self.touched == record.touched
            && self.denied == record.denied
            && self.time_ms.abs_diff(record.time_ms) <= CLOCKS_MS
    }

    fn differs(
        &self,
        cause: Cause,
        records: &[&KnownRecord],
        in_log: String,
        on_ledger: String,
    ) -> Difference {
        Difference {
            cause,
            statement: self.reference.clone(),
            numbers: records.iter().map(|it| it.access_no).collect(),
            time_ms: self.time_ms,
            account: self.account.clone(),
            in_log,
            on_ledger,
        }
    }

    /// What differs from the records of it; `recorded_from_log`: they are by their nonces, so that texts can be compared.
    fn compare(&self, records: &[&KnownRecord], by_nonce: bool) -> Vec<Difference> {
        let Some(first) = records.first() else {
            return vec![self.differs(
                Cause::Unreported,
                records,
                touched(&self.touched),
                String::new(),
            )];
        };
        let mut found = Vec::new();
        let mut differs = |cause, in_log: String, on_ledger: String| {
            if in_log != on_ledger {
                found.push(self.differs(cause, records, in_log, on_ledger));
            }
        };
        let all: BTreeSet<(String, i32)> =
            records.iter().flat_map(|it| it.touched.clone()).collect();
        differs(Cause::Datasets, touched(&self.touched), touched(&all));
        if self.rows.is_some() && first.rows.is_some() {
            differs(Cause::Rows, shown(self.rows), shown(first.rows));
        }
        differs(Cause::Account, self.account.clone(), first.account.clone());
        if by_nonce || self.time_ms.abs_diff(first.time_ms) > CLOCKS_MS {
            differs(Cause::Time, self.time_ms.to_string(), first.time_ms.to_string());
        }
        let grants: BTreeSet<String> = records.iter().flat_map(|it| it.grants.clone()).collect();
        differs(Cause::Grant, joined(&self.grants), joined(&grants));
        let decision = |denied: bool| if denied { "denied" } else { "served" }.to_owned();
        differs(Cause::Decision, decision(self.denied), decision(first.denied));
        if by_nonce && records.len() == 1 {
            differs(Cause::Text, hex::encode(&self.query), hex::encode(&first.query));
        }
        found
    }
}

fn shown(rows: Option<u64>) -> String {
    rows.map_or_else(String::new, |it| it.to_string())
}

fn joined(all: &BTreeSet<String>) -> String {
    all.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

fn touched(all: &BTreeSet<(String, i32)>) -> String {
    let name = |operation: i32| {
        let operation = liuhen_proto::wire::Operation::try_from(operation).unwrap_or_default();
        operation.as_str_name().trim_start_matches("OPERATION_").to_lowercase()
    };
    all.iter().map(|(dataset, it)| format!("{}:{dataset}", name(*it))).collect::<Vec<_>>().join(" ")
}

/// A statement and the records that are its own by their nonces.
struct Pair {
    expected: Expected,
    records: Vec<KnownRecord>,
    is_untold: bool,
}

/// What differs between the log's statements and the records within its time.
fn differences(pairs: &[Pair], within: &[KnownRecord]) -> Vec<Difference> {
    let taken: HashSet<[u8; 16]> =
        pairs.iter().flat_map(|pair| &pair.records).map(|it| it.nonce).collect();
    let mut left: Vec<&KnownRecord> =
        within.iter().filter(|it| !taken.contains(&it.nonce)).collect();
    let mut found = Vec::new();
    for pair in pairs {
        let records: Vec<&KnownRecord> = pair.records.iter().collect();
        if !records.is_empty() {
            found.extend(pair.expected.compare(&records, true));
            let untold = records.iter().any(|it| it.touched.is_empty());
            if pair.is_untold && !untold {
                let it = &pair.expected;
                let in_log = "touched more, which can't be told".to_owned();
                found.push(it.differs(Cause::Datasets, &records, in_log, touched(&it.touched)));
            }
            continue;
        }
        // Recorded otherwise: by a door, or by hand.
        let fitting = left.iter().enumerate().filter(|(_, it)| pair.expected.may_be(it));
        let nearest = fitting.min_by_key(|(_, it)| it.time_ms.abs_diff(pair.expected.time_ms));
        let record = nearest.map(|(at, _)| at).map(|at| left.remove(at));
        let records: Vec<&KnownRecord> = record.into_iter().collect();
        found.extend(pair.expected.compare(&records, false));
    }
    // What is left may be of statements that have records already.
    for record in left {
        let same = pairs.iter().find(|it| it.expected.may_be(record));
        let cause = if same.is_some() { Cause::Double } else { Cause::OnlyOnLedger };
        found.push(Difference {
            cause,
            statement: same.map(|it| it.expected.reference.clone()).unwrap_or_default(),
            numbers: vec![record.access_no],
            time_ms: record.time_ms,
            account: record.account.clone(),
            in_log: String::new(),
            on_ledger: touched(&record.touched),
        });
    }
    found.sort_by_key(|it| (it.cause, it.time_ms));
    found
}

/// What to compare, and with what.
#[derive(Debug, Clone)]
pub struct Compared {
    /// What kind of log it is.
    pub source: Source,
    /// The log's files, in order.
    pub logs: Vec<PathBuf>,
    /// The mapping.
    pub mapping: PathBuf,
    /// The gateway, `department/code`.
    pub gateway: String,
    /// Whether the log was imported with its times moved.
    pub shifted: bool,
    /// Whether to leave out lines that can't be understood, and say so.
    pub skip_unknown: bool,
    /// From when, and until when, milliseconds; without them the log's first and last moment.
    pub range: (Option<u64>, Option<u64>),
}

/// Compares a log with the records of a gateway.
pub async fn run(node: &Node, compared: &Compared) -> Result<Reconciliation, ClientError> {
    let mapping = Mapping::read(&compared.mapping)?;
    let log = compared.source.read(&compared.logs, &mapping, compared.skip_unknown)?;
    let status = node.status().await?;
    let id: IdentityId = node.identity_id(&compared.gateway).await?;
    let mut known = known(&mapping, node, id).await?;
    known.bring_up(node).await?;
    let salt = mapping.salt(false)?;
    let mut planner = Planner::new(node, &mapping, salt, 0).await?;
    if compared.shifted {
        let by_ms = planner.moved(&log.statements, &known)?;
        planner.shift(by_ms);
    }
    let shift_ms = if compared.shifted { planner.shifted() } else { 0 };
    let (from_ms, until_ms) = time(&log, shift_ms, compared.range)?;
    let mut pairs = Vec::new();
    for statement in &log.statements {
        let expected = Expected::of(&mut planner, statement);
        if (from_ms..until_ms).contains(&expected.time_ms) {
            let records = planner.plan(statement, &known)?.recorded;
            let is_untold = !statement.untold.is_empty();
            pairs.push(Pair { expected, records, is_untold });
        }
    }
    let within = known.within(from_ms, until_ms)?;
    Ok(Reconciliation {
        chain_id: hex::encode(&status.chain_id),
        height: status.height,
        gateway: compared.gateway.clone(),
        gateway_id: id.to_string(),
        log_digests: compared.logs.iter().map(|it| digest(it)).collect::<Result<_, _>>()?,
        mapping_digest: digest(&compared.mapping)?,
        shift_ms,
        from_ms,
        until_ms,
        statements: pairs.len() as u64,
        records: within.len() as u64,
        differences: differences(&pairs, &within),
        not_compared: NotCompared::of(&Lines::of(&log)),
        made_ms: liuhen_client::clock::now().get(),
    })
}

/// What is known of the gateway's records; in memory where the mapping's folder can't be written.
async fn known(mapping: &Mapping, node: &Node, id: IdentityId) -> Result<Known, ClientError> {
    let chain = node.chain().await?;
    let file = mapping.known_file(&id);
    Known::open(Some(&file), &chain, id).or_else(|_| Known::open(None, &chain, id))
}

/// The time that is compared.
fn time(
    log: &Log,
    shift_ms: i64,
    range: (Option<u64>, Option<u64>),
) -> Result<(u64, u64), ClientError> {
    let moved = |time: u64| time.saturating_add_signed(shift_ms);
    let first = log.times.map(|(first, _)| moved(first));
    let behind = log.times.map(|(_, last)| moved(last).saturating_add(1));
    match (range.0.or(first), range.1.or(behind)) {
        (Some(from), Some(until)) => Ok((from, until)),
        _ => {
            let why =
                "the log has no line with a time: say --from and --until, which time it is of";
            Err(ClientError::Usage(why.into()))
        }
    }
}

fn digest(file: &Path) -> Result<String, ClientError> {
    let bytes =
        std::fs::read(file).map_err(|e| ClientError::Failed(format!("{}: {e}", file.display())))?;
    Ok(hash(Domain::Digest, &[&bytes]).to_string())
}

/// How many differences each cause has.
pub fn by_cause(all: &[Difference]) -> BTreeMap<Cause, Vec<&Difference>> {
    let mut causes: BTreeMap<Cause, Vec<&Difference>> = BTreeMap::new();
    for it in all {
        causes.entry(it.cause).or_default().push(it);
    }
    causes
}

fn message(result: &str) -> Vec<u8> {
    [line::RECONCILIATION, result.as_bytes()].concat()
}

/// The file of a result: its JSON on one line, on the next who signed that line.
pub fn sign(result: &Reconciliation, key: &PrivateKey) -> Result<String, ClientError> {
    let result = serde_json::to_string(result).map_err(ClientError::failed)?;
    let signature = Signature {
        key_id: key.public().key_id().to_string(),
        signature: hex::encode(key.sign(&message(&result))),
    };
    let signature = serde_json::to_string(&signature).map_err(ClientError::failed)?;
    Ok(format!("{result}\n{signature}\n"))
}

/// Reads a result's file; gives the key that it says signed, and what to check with that.
pub fn open(text: &str) -> Result<(Reconciliation, String, Vec<u8>, sign::Signature), ClientError> {
    let bad = |why: String| ClientError::Usage(format!("not a signed result: {why}"));
    let (result, rest) = text.split_once('\n').ok_or_else(|| bad("two lines are needed".into()))?;
    let it: Reconciliation = serde_json::from_str(result).map_err(|e| bad(e.to_string()))?;
    let signature: Signature = serde_json::from_str(rest.trim()).map_err(|e| bad(e.to_string()))?;
    let bytes = hex::decode(&signature.signature).map_err(|e| bad(e.to_string()))?;
    let signed = sign::Signature::from_slice(&bytes).map_err(|e| bad(e.to_string()))?;
    Ok((it, signature.key_id, message(result), signed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(nonce: u8) -> Expected {
        Expected {
            reference: format!("s/{nonce}"),
            time_ms: 1_000_000 * u64::from(nonce),
            account: "a".into(),
            touched: BTreeSet::from([("civil.resident".into(), 1)]),
            grants: BTreeSet::from(["01".into()]),
            rows: Some(3),
            denied: false,
            query: vec![nonce],
        }
    }

    fn record(nonce: u8) -> KnownRecord {
        let it = expected(nonce);
        KnownRecord {
            nonce: [nonce; 16],
            position: u64::from(nonce),
            access_no: u64::from(nonce),
            time_ms: it.time_ms,
            account: it.account,
            outcome: 0,
            touched: it.touched,
            grants: it.grants,
            rows: it.rows,
            denied: false,
            is_record: true,
            query: it.query,
        }
    }

    fn pair(nonce: u8, records: &[KnownRecord]) -> Pair {
        Pair { expected: expected(nonce), records: records.to_vec(), is_untold: false }
    }

    fn causes(pairs: &[Pair], within: &[KnownRecord]) -> Vec<(Cause, String, Vec<u64>)> {
        let found = differences(pairs, within).into_iter();
        found.map(|it| (it.cause, it.statement, it.numbers)).collect()
    }

    #[test]
    fn what_is_the_same_differs_in_nothing() {
        let pairs = [pair(1, &[record(1)]), pair(2, &[])];
        // The second was recorded otherwise, under another nonce.
        let otherwise = KnownRecord { nonce: [9; 16], query: vec![77], ..record(2) };
        let later = KnownRecord { time_ms: otherwise.time_ms + CLOCKS_MS, ..otherwise.clone() };
        assert_eq!(causes(&pairs, &[record(1), otherwise]), []);
        assert_eq!(causes(&pairs, &[record(1), later]), []);
    }

    #[test]
    fn each_cause_is_told() {
        type Change = fn(&mut KnownRecord);
        let changes: [(Cause, Change); 7] = [
            (Cause::Datasets, |it| it.touched = BTreeSet::new()),
            (Cause::Rows, |it| it.rows = Some(2)),
            (Cause::Account, |it| it.account = "b".into()),
            (Cause::Time, |it| it.time_ms += 1),
            (Cause::Grant, |it| it.grants.clear()),
            (Cause::Decision, |it| it.denied = true),
            (Cause::Text, |it| it.query = vec![0]),
        ];
        for (cause, change) in changes {
            let mut changed = record(1);
            change(&mut changed);
            let pairs = [pair(1, std::slice::from_ref(&changed))];
            assert_eq!(causes(&pairs, &[changed]), [(cause, "s/1".into(), vec![1])]);
        }
        // Who does not know how many rows there were contradicts nobody.
        let unknown = KnownRecord { rows: None, ..record(1) };
        assert_eq!(causes(&[pair(1, std::slice::from_ref(&unknown))], &[unknown]), []);
    }

    #[test]
    fn what_only_one_side_has() {
        assert_eq!(causes(&[pair(1, &[])], &[]), [(Cause::Unreported, "s/1".into(), vec![])]);
        assert_eq!(causes(&[], &[record(3)]), [(Cause::OnlyOnLedger, String::new(), vec![3])]);
        let twice = KnownRecord { nonce: [9; 16], access_no: 9, ..record(1) };
        let found = causes(&[pair(1, &[record(1)])], &[record(1), twice]);
        assert_eq!(found, [(Cause::Double, "s/1".into(), vec![9])]);
        let untold = Pair { is_untold: true, ..pair(1, &[record(1)]) };
        assert_eq!(causes(&[untold], &[record(1)]), [(Cause::Datasets, "s/1".into(), vec![1])]);
    }

    #[test]
    fn a_result_is_signed_as_it_stands() {
        let result = Reconciliation {
            chain_id: "00".into(),
            height: 1,
            gateway: "gz.psb/gateway".into(),
            gateway_id: "01".into(),
            log_digests: vec!["02".into()],
            mapping_digest: "03".into(),
            shift_ms: -5,
            from_ms: 0,
            until_ms: 1,
            statements: 2,
            records: 1,
            differences: differences(&[pair(1, &[])], &[]),
            not_compared: NotCompared { set_aside: vec![3], ..NotCompared::default() },
            made_ms: 7,
        };
        let key = PrivateKey::from_seed(&[1; 32]);
        let text = sign(&result, &key).unwrap();
        let (again, key_id, message, signature) = open(&text).unwrap();
        assert_eq!((again, key_id), (result, key.public().key_id().to_string()));
        assert!(key.public().verify(&message, &signature));
        let (_, _, bent, signature) =
            open(&text.replacen("\"height\":1", "\"height\":2", 1)).unwrap();
        assert!(!key.public().verify(&bent, &signature));
        assert!(open("{}\n{}\n").is_err() && open("").is_err());
    }
}
