//! What a gateway has recorded already. Kept in a file beside the mapping's salt, so that a run reads of the gateway's trail
//! only what is new; where the file is not there, or is of another chain or history, the trail is read whole and it is made again.

use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_client::event::Event;
use liuhen_proto::event::{Body, Outcome};
use liuhen_proto::place::TrailKind;
use liuhen_proto::types::{ChainId, IdentityId};
use liuhen_proto::wire::{self, GetTrailRequest};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::BTreeSet;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

/// The form of the file; one of another form is made again.
const FORM: i64 = 2;
/// How long another run is waited for that holds the file.
const BUSY: Duration = Duration::from_secs(30);
/// Events asked for at first: most runs find few that are new.
const FEW: u32 = 50;
const MANY: u32 = 1000;

/// What is recorded already, wherever that is known from.
pub(crate) trait Recorded {
    /// The record with a nonce.
    fn of(&self, nonce: &[u8; 16]) -> Result<Option<KnownRecord>, ClientError>;
}

impl Recorded for Known {
    fn of(&self, nonce: &[u8; 16]) -> Result<Option<KnownRecord>, ClientError> {
        self.record(nonce)
    }
}

/// The records of a gateway.
#[derive(Debug)]
pub struct Known {
    file: Connection,
    gateway: IdentityId,
}

/// A record on the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRecord {
    /// What tells it from others of its gateway.
    pub nonce: [u8; 16],
    /// Its number on the gateway's trail.
    pub position: u64,
    /// The number that the gateway gave; 0 where the item has none.
    pub access_no: u64,
    /// When the access was, milliseconds.
    pub time_ms: u64,
    /// Who asked: an identity's id, or `unmapped` with a digest.
    pub account: String,
    /// What came of it.
    pub outcome: u16,
    /// What it says that was touched.
    pub touched: BTreeSet<(String, i32)>,
    /// The grants that it names.
    pub grants: BTreeSet<String>,
    /// Rows; `None` where it says that they are unknown.
    pub rows: Option<u64>,
    /// Whether it was refused.
    pub denied: bool,
    /// Whether it is a record of an access: other items stand on the trail too.
    pub is_record: bool,
    /// The digest of the statement.
    pub query: Vec<u8>,
    /// Whether a log or a file told of it, and not the gateway's own decision.
    pub is_followed: bool,
}

/// A party as an account: an identity's id, or `unmapped` with the account's digest.
pub fn account(party: Option<&wire::Party>) -> String {
    let party = party.cloned().unwrap_or_default();
    match party.identity_id.is_empty() {
        true => format!("unmapped {}", hex::encode(&party.unmapped_digest)),
        false => hex::encode(&party.identity_id),
    }
}

impl KnownRecord {
    /// What an event of the gateway's trail says; `None` of events that the ledger made.
    fn of(event: &Event) -> Option<Self> {
        let Body::Signed { item, .. } = &event.body else { return None };
        let outcome = event.leaf.outcome.to_bits();
        Some(Self { position: event.number, outcome, ..Self::new(item.nonce(), item.record()) })
    }

    /// What is recorded with a nonce, and not seen on the ledger yet.
    pub(crate) fn new(nonce: [u8; 16], record: Option<&wire::RecordAccess>) -> Self {
        let empty = wire::RecordAccess::default();
        let it = record.unwrap_or(&empty);
        let touched = it.accesses.iter().map(|one| (one.dataset.clone(), one.operation));
        let grants = it.accesses.iter().map(|one| hex::encode(&one.request_id));
        Self {
            nonce,
            position: u64::MAX,
            access_no: it.access_no,
            time_ms: it.access_time_ms,
            account: account(it.asker.as_ref()),
            outcome: 0,
            touched: touched.collect(),
            grants: grants.filter(|it| !it.is_empty()).collect(),
            rows: it.row_count,
            denied: it.decision() == wire::Decision::Denied,
            is_record: record.is_some(),
            query: it.query_digest.clone(),
            is_followed: matches!(it.channel(), wire::Channel::Log | wire::Channel::File),
        }
    }

    /// What came of it.
    pub fn outcome(&self) -> Outcome {
        Outcome::from_bits(self.outcome).unwrap_or(Outcome::DONE)
    }

    fn of_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let touched: String = row.get("touched")?;
        let touched = touched.lines().filter_map(|it| {
            let (dataset, operation) = it.split_once(' ')?;
            Some((dataset.to_owned(), operation.parse().ok()?))
        });
        let grants: String = row.get("grants")?;
        Ok(Self {
            nonce: row.get("nonce")?,
            position: number(row.get("position")?),
            access_no: number(row.get("access_no")?),
            time_ms: number(row.get("time_ms")?),
            account: row.get("account")?,
            outcome: row.get("outcome")?,
            touched: touched.collect(),
            grants: grants.lines().map(str::to_owned).collect(),
            rows: row.get::<_, Option<i64>>("row_count")?.map(number),
            denied: row.get("denied")?,
            is_record: row.get("is_record")?,
            query: row.get("query")?,
            is_followed: row.get("is_followed")?,
        })
    }
}

/// A number as the file has it; no greater one is told apart.
fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn number(stored: i64) -> u64 {
    u64::try_from(stored).unwrap_or(0)
}

fn failed(path: &str, error: &rusqlite::Error) -> ClientError {
    ClientError::Failed(format!("{path}: {error}"))
}

/// Whether a file is none of this kind, or an empty one.
fn is_no_such_file(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    let no_table = error.to_string().contains("no such");
    no_table
        || matches!(error, rusqlite::Error::QueryReturnedNoRows)
        || matches!(
            code,
            Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt)
        )
}

/// Errors of the file, once it is open.
fn of_file(error: rusqlite::Error) -> ClientError {
    failed("the file of what is recorded", &error)
}

impl Known {
    /// Of a gateway of a chain, in a file; in memory without one.
    pub fn open(
        path: Option<&Path>,
        chain: &ChainId,
        gateway: IdentityId,
    ) -> Result<Self, ClientError> {
        let shown = path.map_or_else(|| "memory".to_owned(), |it| it.display().to_string());
        if let Some(path) = path {
            // Who may read a gateway's trail is few: so is this.
            let made = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path);
            made.map_err(|e| ClientError::Failed(format!("{shown}: {e}")))?;
        }
        let open = || match path {
            Some(path) => Connection::open(path),
            None => Connection::open_in_memory(),
        };
        let file = open().map_err(|e| failed(&shown, &e))?;
        file.busy_timeout(BUSY).map_err(|e| failed(&shown, &e))?;
        let known = Self { file, gateway };
        // What is no such file, or is of another chain, is made again: all of it is on the ledger. What can't be read now stays.
        match known.is_of(chain) {
            Ok(true) => return Ok(known),
            Ok(false) => {}
            Err(error) if is_no_such_file(&error) => {}
            Err(error) => return Err(failed(&shown, &error)),
        }
        let known = match path {
            Some(path) => {
                drop(known);
                let at = |e: std::io::Error| ClientError::Failed(format!("{shown}: {e}"));
                std::fs::remove_file(path).map_err(at)?;
                let made =
                    std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path);
                made.map_err(at)?;
                Self { file: open().map_err(|e| failed(&shown, &e))?, gateway }
            }
            None => known,
        };
        known.make(chain).map_err(|e| failed(&shown, &e))?;
        Ok(known)
    }

    fn is_of(&self, chain: &ChainId) -> rusqlite::Result<bool> {
        let query = "SELECT chain, gateway, form FROM of_what";
        let found: (Vec<u8>, Vec<u8>, i64) =
            self.file.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(found == (chain.to_vec(), self.gateway.to_vec(), FORM))
    }

    fn make(&self, chain: &ChainId) -> rusqlite::Result<()> {
        self.file.execute_batch(
            "BEGIN;
             CREATE TABLE of_what (chain BLOB, gateway BLOB, form INTEGER);
             CREATE TABLE records (
               nonce BLOB PRIMARY KEY, position INTEGER, access_no INTEGER, time_ms INTEGER, account TEXT,
               outcome INTEGER, touched TEXT, grants TEXT, row_count INTEGER, denied INTEGER,
               is_record INTEGER, query BLOB, is_followed INTEGER
             ) WITHOUT ROWID;
             CREATE UNIQUE INDEX by_position ON records (position);
             CREATE INDEX by_time ON records (time_ms);
             COMMIT;",
        )?;
        let of_what = params![chain.to_vec(), self.gateway.to_vec(), FORM];
        self.file.execute("INSERT INTO of_what VALUES (?, ?, ?)", of_what)?;
        Ok(())
    }

    /// Reads what is new on the gateway's trail.
    pub async fn bring_up(&mut self, node: &Node) -> Result<(), ClientError> {
        if let Some(newest) = self.newest().map_err(of_file)? {
            if let Some(new) = read_new(node, &self.gateway, newest).await? {
                return self.keep(&new).map_err(of_file);
            }
            // The ledger's history is another than the one that was read.
            self.file.execute("DELETE FROM records", []).map_err(of_file)?;
        }
        self.read_all(node).await
    }

    /// Reads the whole trail, keeping each page.
    async fn read_all(&mut self, node: &Node) -> Result<(), ClientError> {
        let mut request = GetTrailRequest { page_size: MANY, ..trail(&self.gateway) };
        loop {
            let page = node.trails().get_trail(request.clone()).await?.into_inner();
            self.keep(&records(&page.events)?).map_err(of_file)?;
            if page.next_page_token.is_empty() {
                return Ok(());
            }
            request.page_token = page.next_page_token;
        }
    }

    /// The newest record: where it stands on the trail, and its nonce.
    fn newest(&self) -> rusqlite::Result<Option<(u64, [u8; 16])>> {
        let query = "SELECT position, nonce FROM records ORDER BY position DESC LIMIT 1";
        self.file.query_row(query, [], |row| Ok((number(row.get(0)?), row.get(1)?))).optional()
    }

    fn keep(&mut self, records: &[KnownRecord]) -> rusqlite::Result<()> {
        let transaction = self.file.transaction()?;
        {
            let mut insert = transaction.prepare(
                "INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?;
            for it in records {
                let touched =
                    it.touched.iter().map(|(dataset, operation)| format!("{dataset} {operation}"));
                let touched = touched.collect::<Vec<_>>().join("\n");
                let grants = it.grants.iter().cloned().collect::<Vec<_>>().join("\n");
                insert.execute(params![
                    it.nonce,
                    stored(it.position),
                    stored(it.access_no),
                    stored(it.time_ms),
                    it.account,
                    it.outcome,
                    touched,
                    grants,
                    it.rows.map(stored),
                    it.denied,
                    it.is_record,
                    it.query,
                    it.is_followed
                ])?;
            }
        }
        transaction.commit()
    }

    /// As long as what is given is kept, the file is read as it is now: it is not looked whether another run changed it, for each that is asked for.
    pub fn reading(&self) -> Result<impl Sized, ClientError> {
        self.file.unchecked_transaction().map_err(of_file)
    }

    /// The record with a nonce.
    pub fn record(&self, nonce: &[u8; 16]) -> Result<Option<KnownRecord>, ClientError> {
        let query = "SELECT * FROM records WHERE nonce = ?";
        let mut query = self.file.prepare_cached(query).map_err(of_file)?;
        query.query_row([nonce], KnownRecord::of_row).optional().map_err(of_file)
    }

    /// Whether any of its records was told by a log or a file: then a salt was made.
    pub fn has_followed(&self) -> Result<bool, ClientError> {
        let query = "SELECT 1 FROM records WHERE is_followed LIMIT 1";
        let found: Option<i64> =
            self.file.query_row(query, [], |row| row.get(0)).optional().map_err(of_file)?;
        Ok(found.is_some())
    }

    /// How many of its events are known: those behind are new.
    pub fn size(&self) -> Result<u64, ClientError> {
        Ok(self.newest().map_err(of_file)?.map_or(0, |(position, _)| position.saturating_add(1)))
    }

    /// The records of accesses of a time, in the order of their numbers.
    pub fn within(&self, from_ms: u64, until_ms: u64) -> Result<Vec<KnownRecord>, ClientError> {
        let all = || {
            let mut query = self.file.prepare(
                "SELECT * FROM records WHERE is_record AND time_ms >= ? AND time_ms < ? ORDER BY access_no",
            )?;
            let range = [stored(from_ms), stored(until_ms)];
            let rows = query.query_map(range, KnownRecord::of_row)?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        all().map_err(of_file)
    }
}

fn trail(gateway: &IdentityId) -> GetTrailRequest {
    GetTrailRequest {
        trail_kind: TrailKind::Gateway as u32,
        trail_id: gateway.to_vec(),
        ..GetTrailRequest::default()
    }
}

fn records(events: &[wire::TrailEvent]) -> Result<Vec<KnownRecord>, ClientError> {
    let all = events.iter().map(|it| Ok(KnownRecord::of(&Event::from_wire(it)?)));
    Ok(all.collect::<Result<Vec<_>, ClientError>>()?.into_iter().flatten().collect())
}

/// The records behind the newest that is known; `None` where that one is not where it was.
async fn read_new(
    node: &Node,
    gateway: &IdentityId,
    (position, nonce): (u64, [u8; 16]),
) -> Result<Option<Vec<KnownRecord>>, ClientError> {
    let mut request = GetTrailRequest { page_size: FEW, newest_first: true, ..trail(gateway) };
    let mut new = Vec::new();
    loop {
        let page = node.trails().get_trail(request.clone()).await?.into_inner();
        for record in records(&page.events)? {
            if record.position > position {
                new.push(record);
                continue;
            }
            let is_known = record.position == position && record.nonce == nonce;
            return Ok(is_known.then_some(new));
        }
        if page.next_page_token.is_empty() {
            return Ok(None);
        }
        (request.page_token, request.page_size) = (page.next_page_token, MANY);
    }
}
