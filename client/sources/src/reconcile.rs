//! Comparing a database's audit log with the ledger: by hour and account, and statement by statement
//! where the gateway recorded the log itself. What nobody reported shows here, and nowhere else.

use crate::Source;
use crate::log::Log;
use crate::mapping::Mapping;
use crate::plan::Planner;
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_client::event::Event;
use liuhen_proto::event::Body;
use liuhen_proto::ledger::calendar::HOUR_MS;
use liuhen_proto::place::TrailKind;
use liuhen_proto::suite::sign;
use liuhen_proto::suite::{
    hash::{Domain, hash, line},
    sign::PrivateKey,
};
use liuhen_proto::types::IdentityId;
use liuhen_proto::wire;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

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
    /// `H_digest` of the log's bytes and of the mapping's.
    pub log_digest: String,
    /// See `log_digest`.
    pub mapping_digest: String,
    /// Milliseconds by which the log's times were moved.
    pub shift_ms: i64,
    /// The time compared: what was asked for, else from the log's first hour to its last.
    pub from_ms: u64,
    /// The end of the last hour.
    pub until_ms: u64,
    /// Statements of the log, and records of the ledger within those hours.
    pub statements: u64,
    /// See `statements`.
    pub records: u64,
    /// Counts that differ, by hour and account.
    pub differences: Vec<Difference>,
    /// Statements that the ledger does not have: their references in the log.
    pub only_in_log: Vec<String>,
    /// Records that the log does not have: their numbers.
    pub only_on_ledger: Vec<u64>,
    /// Lines of the log that were set aside, for they can't be told rightly: what they tell of is not compared.
    #[serde(default)]
    pub set_aside: Vec<u64>,
    /// When it was made, milliseconds.
    pub made_ms: u64,
}

/// An hour and an account whose counts differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// When the hour begins.
    pub hour_ms: u64,
    /// An identity's id, or `unmapped` with the account's digest.
    pub account: String,
    /// Statements in the log.
    pub in_log: u64,
    /// Records on the ledger.
    pub on_ledger: u64,
}

/// A result and its signature: two lines.
#[derive(Debug, Serialize, Deserialize)]
struct Signature {
    key_id: String,
    signature: String,
}

fn account(party: Option<&wire::Party>) -> String {
    let party = party.cloned().unwrap_or_default();
    match party.identity_id.is_empty() {
        true => format!("unmapped {}", hex::encode(&party.unmapped_digest)),
        false => hex::encode(&party.identity_id),
    }
}

/// One access on either side.
struct Access {
    nonce: [u8; 16],
    name: String,
    number: u64,
    time_ms: u64,
    account: String,
}

/// What differs between the log's accesses and the ledger's.
fn compare(log: &[Access], ledger: &[Access]) -> (Vec<Difference>, Vec<String>, Vec<u64>) {
    let mut counts: BTreeMap<(u64, String), (u64, u64)> = BTreeMap::new();
    let hour = |it: &Access| it.time_ms.saturating_sub(it.time_ms % HOUR_MS);
    for it in log {
        counts.entry((hour(it), it.account.clone())).or_default().0 += 1;
    }
    for it in ledger {
        counts.entry((hour(it), it.account.clone())).or_default().1 += 1;
    }
    let differences = counts
        .into_iter()
        .filter(|(_, (in_log, on_ledger))| in_log != on_ledger)
        .map(|((hour_ms, account), (in_log, on_ledger))| Difference {
            hour_ms,
            account,
            in_log,
            on_ledger,
        });
    let nonces = |list: &[Access]| list.iter().map(|it| it.nonce).collect::<BTreeSet<_>>();
    let (logged, recorded) = (nonces(log), nonces(ledger));
    let only_in_log = log.iter().filter(|it| !recorded.contains(&it.nonce));
    let only_on_ledger = ledger.iter().filter(|it| !logged.contains(&it.nonce));
    (
        differences.collect(),
        only_in_log.map(|it| it.name.clone()).collect(),
        only_on_ledger.map(|it| it.number).collect(),
    )
}

fn of_ledger(event: &Event) -> Option<Access> {
    let Body::Signed { item, .. } = &event.body else { return None };
    let record = event.body.record()?;
    Some(Access {
        nonce: item.nonce(),
        name: String::new(),
        number: record.access_no,
        time_ms: record.access_time_ms,
        account: account(record.asker.as_ref()),
    })
}

/// How far a log was moved when it was imported: what the first of its statements that is recorded
/// says.
fn shift(log: &Log, planner: &Planner<'_>, recorded: &[Access]) -> i64 {
    let times: BTreeMap<_, _> = recorded.iter().map(|it| (it.nonce, it.time_ms)).collect();
    let first = log.statements.iter().find_map(|it| {
        let time = times.get(&planner.nonce(it))?;
        let moved = i128::from(*time) - i128::from(it.time_ms);
        i64::try_from(moved).ok()
    });
    first.unwrap_or(0)
}

/// Compares a log with the records of a gateway.
pub async fn run(
    node: &Node,
    gateway: &str,
    (source, log_file): (Source, &Path),
    mapping_file: &Path,
    shifted: bool,
    range: (Option<u64>, Option<u64>),
) -> Result<Reconciliation, ClientError> {
    let mapping = Mapping::read(mapping_file)?;
    let log = source.read(log_file, &mapping, false)?;
    let status = node.status().await?;
    let id: IdentityId = node.identity_id(gateway).await?;
    let trail = node.whole_trail(TrailKind::Gateway, id.to_vec()).await?;
    let recorded: Vec<Access> = trail.iter().filter_map(of_ledger).collect();
    let salt = mapping.salt(false)?;
    let planner = Planner::new(node, &mapping, salt, 0).await?;
    let shift_ms = if shifted { shift(&log, &planner, &recorded) } else { 0 };
    let logged: Vec<Access> = log
        .statements
        .iter()
        .map(|it| Access {
            nonce: planner.nonce(it),
            name: it.reference.clone(),
            number: 0,
            time_ms: it.time_ms.saturating_add_signed(shift_ms),
            account: account(Some(&planner.asker(it))),
        })
        .collect();
    let hour = |time: u64| time.saturating_sub(time % HOUR_MS);
    let first = logged.iter().map(|it| hour(it.time_ms)).min();
    let last = logged.iter().map(|it| hour(it.time_ms) + HOUR_MS).max();
    let (Some(from_ms), Some(until_ms)) = (range.0.or(first), range.1.or(last)) else {
        let why = "the log has no access: say --from and --until, which hours it is of";
        return Err(ClientError::Usage(why.into()));
    };
    let is_within = |it: &Access| (from_ms..until_ms).contains(&it.time_ms);
    let logged: Vec<Access> = logged.into_iter().filter(is_within).collect();
    let within: Vec<Access> = recorded.into_iter().filter(is_within).collect();
    let (differences, only_in_log, only_on_ledger) = compare(&logged, &within);
    let digest = |file: &Path| {
        let bytes = std::fs::read(file)
            .map_err(|e| ClientError::Failed(format!("{}: {e}", file.display())))?;
        Ok::<_, ClientError>(hash(Domain::Digest, &[&bytes]).to_string())
    };
    Ok(Reconciliation {
        chain_id: hex::encode(&status.chain_id),
        height: status.height,
        gateway: gateway.to_owned(),
        gateway_id: id.to_string(),
        log_digest: digest(log_file)?,
        mapping_digest: digest(mapping_file)?,
        shift_ms,
        from_ms,
        until_ms,
        statements: logged.len() as u64,
        records: within.len() as u64,
        differences,
        only_in_log,
        only_on_ledger,
        // A last line that is not whole yet is not compared either.
        set_aside: log.set_aside.iter().map(|(line, _)| *line).chain(log.unfinished).collect(),
        made_ms: liuhen_client::clock::now().get(),
    })
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

    fn access(nonce: u8, hour: u64, account: &str) -> Access {
        Access {
            nonce: [nonce; 16],
            name: format!("s/{nonce}"),
            number: u64::from(nonce),
            time_ms: hour * HOUR_MS + u64::from(nonce),
            account: account.into(),
        }
    }

    #[test]
    fn what_differs_by_hour_and_account() {
        let log = [access(1, 5, "a"), access(2, 5, "a"), access(3, 6, "a"), access(4, 6, "b")];
        let ledger = [access(1, 5, "a"), access(3, 6, "a"), access(4, 6, "c"), access(9, 7, "a")];
        let (differences, only_in_log, only_on_ledger) = compare(&log, &ledger);
        let found: Vec<_> = differences
            .iter()
            .map(|it| (it.hour_ms / HOUR_MS, it.account.as_str(), it.in_log, it.on_ledger))
            .collect();
        assert_eq!(found, [(5, "a", 2, 1), (6, "b", 1, 0), (6, "c", 0, 1), (7, "a", 0, 1)]);
        assert_eq!((only_in_log, only_on_ledger), (vec!["s/2".to_owned()], vec![9]));
        assert_eq!(compare(&log, &log).0, []);
    }

    #[test]
    fn a_result_is_signed_as_it_stands() {
        let result = Reconciliation {
            chain_id: "00".into(),
            height: 1,
            gateway: "gz.psb/gateway".into(),
            gateway_id: "01".into(),
            log_digest: "02".into(),
            mapping_digest: "03".into(),
            shift_ms: -5,
            from_ms: 0,
            until_ms: HOUR_MS,
            statements: 2,
            records: 1,
            differences: compare(&[access(1, 0, "a")], &[]).0,
            only_in_log: vec!["s/1".into()],
            only_on_ledger: Vec::new(),
            set_aside: vec![3],
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
