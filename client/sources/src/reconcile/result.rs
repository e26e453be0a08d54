//! What a comparison found, and who signed it.

use crate::log::Place;
use crate::summary::Lines;
use liuhen_client::error::ClientError;
use liuhen_proto::suite::hash::line;
use liuhen_proto::suite::sign::{self, PrivateKey};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// How many lines were set aside, or are not written whole: what they tell of is not compared.
    pub set_aside: u64,
    /// How many were not understood.
    pub not_understood: u64,
    /// The first lines of these, by file, in the order of `log_digests` from 0, and number.
    pub first: Vec<Place>,
}

impl NotCompared {
    pub(super) fn of(lines: &Lines) -> Self {
        let noted = [&lines.set_aside, &lines.unknown];
        let noted = noted.into_iter().flat_map(|it| it.first()).map(|(at, _)| *at);
        let mut first: Vec<Place> = noted.chain(lines.unfinished).collect();
        first.sort_unstable();
        Self {
            of: lines.all,
            no_access: lines.other.saturating_add(lines.blank),
            other_databases: lines.other_databases,
            other_denied: lines.other_denied,
            set_aside: lines.set_aside.len().saturating_add(u64::from(lines.unfinished.is_some())),
            not_understood: lines.unknown.len(),
            first,
        }
    }

    /// Lines that may tell of accesses, and are not compared.
    pub fn open(&self) -> u64 {
        self.set_aside.saturating_add(self.not_understood)
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
            differences: vec![Difference {
                cause: Cause::Unreported,
                statement: "s/1".into(),
                numbers: Vec::new(),
                time_ms: 1,
                account: "a".into(),
                in_log: "read:civil.resident".into(),
                on_ledger: String::new(),
            }],
            not_compared: NotCompared { set_aside: 3, ..NotCompared::default() },
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
