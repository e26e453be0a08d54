//! The gate itself: who asks, what for, under which grant; decided, numbered, spooled; then answered.

use crate::answer::Answer;
use crate::asked::Asked;
use crate::break_glass::BreakGlass;
use crate::changes::Changes;
use crate::differences::Differences;
use crate::ending::fitting;
use crate::held::Ticket;
use crate::leases::Leases;
use crate::metrics::Metrics;
use crate::receive::Received;
use crate::ruled::{Caller, Ruled};
use crate::sessions::Sessions;
use crate::settings::Otherwise;
use crate::spool::book::Numbered;
use crate::spool::entry::{Ended, Found as FoundTags, Given, Said};
use crate::spool::{Spool, SpoolError};
use crate::standing::Standing;
use crate::state::{Key, State};
use crate::subjects::Tags;
use liuhen_client::clock::now;
use liuhen_client::submit::{Account, item, random};
use liuhen_proto::items::access::receipt;
use liuhen_proto::suite::hash::salted_digest;
use liuhen_proto::types::{RequestId, TimeMs};
use liuhen_proto::wire::item::Kind;
use liuhen_proto::wire::{
    Channel, DatasetAccess, Decision, Observing, Operation, Party, RecordAccess, SelfService,
    Subjects,
};
use prost::Message as _;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// It can't be decided, and an officer has opened the doors by hand.
const BY_HAND: &str = "gate.break_glass";

/// Tags that stand in one entry of the spool.
const TAGS_AT_ONCE: usize = 20_000;
/// While so many tags of bulk sets are not on the ledger yet, nothing more becomes one: 32 MB.
const TAGS_WAITING: usize = 1_000_000;

/// What all doors share.
pub struct Gate {
    /// What decides.
    pub state: State,
    /// Where numbers are given.
    pub spool: Spool,
    /// The gateway, as the ledger knows it.
    pub account: Account,
    /// Who asks.
    pub callers: Vec<Caller>,
    /// What is asked for.
    pub routes: Vec<Ruled>,
    /// Logs that are followed, and how they stand.
    pub sources: Vec<Arc<Standing>>,
    /// What came by the wire.
    pub received: Vec<Arc<Received>>,
    /// Doors that observe as long as the ledger says so.
    pub observing: BTreeSet<String>,
    /// Whether the disk has room.
    pub has_room: AtomicBool,
    /// What was decided.
    pub metrics: Arc<Metrics>,
    /// Whoever decides holds it.
    pub turn: Mutex<()>,
    /// What is set aside of quotas, where other gateways serve under them too.
    pub leases: Option<Leases>,
    /// What lasts.
    pub sessions: Sessions,
    /// Whose data it is.
    pub tags: Tags,
    /// How the data changes.
    pub changes: Arc<Changes>,
    /// What doors and logs see differently.
    pub differences: Differences,
    /// Doors that officers open by hand.
    pub break_glass: Option<BreakGlass>,
    /// Where what is known comes in as files: how old it may be, in milliseconds.
    pub state_ms: Option<u64>,
}

/// What a door saw of what was given.
#[derive(Debug)]
pub struct Seen {
    /// Rows.
    pub rows: Rows,
    /// The salted digest of it; empty: unknown.
    pub digest: Vec<u8>,
    /// The numbers of whose rows it has, each as often as it stands there; `None`: that was not looked for.
    pub numbers: Option<Vec<String>>,
}

/// Rows of what is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// So many; `None`: unknown.
    These(Option<u64>),
    /// It failed.
    Failed,
}

/// What was found of a request.
pub(crate) struct Found {
    /// The record of it.
    pub record: RecordAccess,
    /// Whether it is served.
    pub serve: bool,
    /// Why, a code.
    pub reason: String,
    /// Under which what it uses is held until it has a number.
    pub ticket: Option<Ticket<RecordAccess>>,
    /// Whether its user owes its half by itself.
    pub singly: Option<bool>,
}

impl Found {
    fn new(record: RecordAccess, serve: bool, reason: &str) -> Self {
        let record = match serve {
            true => record,
            // Nobody's data was given out.
            false => RecordAccess {
                decision: Decision::Denied as i32,
                row_count: Some(0),
                subjects: Some(Subjects::default()),
                ..record
            },
        };
        Self { record, serve, reason: reason.to_owned(), ticket: None, singly: None }
    }

    /// Whether it is served because it is allowed.
    pub fn is_allowed(&self) -> bool {
        self.serve && self.record.observing.as_ref().is_none_or(|it| it.denied.is_empty())
    }

    /// While the gate observes: it is served, and the record says what would have been.
    fn observed(record: RecordAccess, serve: bool, reason: &str) -> Self {
        let denied = if serve { String::new() } else { reason.to_owned() };
        let record = RecordAccess { observing: Some(Observing { denied }), ..record };
        Self { record, serve: true, reason: reason.to_owned(), ticket: None, singly: None }
    }
}

impl Gate {
    /// Decides on a request, and gives it a number that is on disk before this returns.
    pub async fn decide(&self, door: &str, asked: Asked) -> Answer {
        let answer = self.decided(door, &asked).await;
        self.metrics.decided(door, &answer);
        let (number, reason) = (answer.access_no.unwrap_or_default(), &answer.reason);
        if !answer.serve {
            tracing::info!(door, access_no = number, reason, "denied");
        }
        if answer.would_be_denied {
            let (route, caller) = (self.route_of(door, &asked), self.caller_of(&asked));
            tracing::warn!(
                door,
                route,
                caller,
                access_no = number,
                reason,
                "observing: served, would be denied"
            );
            self.metrics.would_deny(door, route, caller, reason);
        }
        answer
    }

    /// Whether a door observes all that it has routes for: what fits none of them could be of any.
    fn observes_all(&self, door: &str) -> bool {
        let mut of_door = self.routes.iter().filter(|it| it.is_at(door)).peekable();
        self.observing.contains(door)
            && of_door.peek().is_some()
            && of_door.all(|it| self.state.observes(&it.route.dataset, now()))
    }

    /// The first route that fits a request.
    pub(crate) fn ruled(&self, door: &str, asked: &Asked) -> Option<&Ruled> {
        self.routes.iter().find(|it| it.fits(door, asked))
    }

    /// The first caller that a request is of.
    fn caller(&self, asked: &Asked) -> Option<&Caller> {
        self.callers.iter().find(|it| it.by.is(asked))
    }

    /// The route that a request is on, as the settings have it.
    fn route_of(&self, door: &str, asked: &Asked) -> &str {
        self.ruled(door, asked).map_or("", |it| &it.route.path)
    }

    /// Who asks, as the settings have it.
    fn caller_of(&self, asked: &Asked) -> &str {
        self.caller(asked).map_or("nobody known", |it| &it.name)
    }

    async fn decided(&self, door: &str, asked: &Asked) -> Answer {
        if asked.request.is_empty() {
            return Answer::without_number(false, "gate.no_request_id");
        }
        let request = name(door, &asked.request);
        if let Some(answer) = self.asked_before(&request, asked) {
            return answer;
        }
        if !asked.is_plain() {
            return Answer::without_number(false, "gate.path");
        }
        let Some(ruled) = self.ruled(door, asked) else {
            let observes = self.observes_all(door);
            let answer = Answer::without_number(observes, "gate.no_route");
            return Answer { would_be_denied: observes, ..answer };
        };
        if !self.has_room.load(Ordering::Relaxed) {
            return Answer::without_number(false, "gate.disk_full");
        }
        let (Ok(salt), Ok(nonce)) = (random::<16>(), random::<16>()) else {
            return Answer::without_number(false, "gate.no_random_bytes");
        };
        let Found { record, serve, reason, ticket, singly } =
            self.found(door, ruled, asked, &salt).await;
        if let Err(error) =
            item(Kind::RecordAccess(RecordAccess { access_no: 1, ..record.clone() }))
        {
            // A number for what the ledger can't take would be a gap for good.
            tracing::error!(door, %error, "no record can be made of this request");
            return Answer::without_number(false, "gate.no_record");
        }
        let height = record.decided_height;
        let would_be_denied = record.observing.as_ref().is_some_and(|it| !it.denied.is_empty());
        let request = if serve { request } else { String::new() };
        let given = Given {
            record: Some(record),
            request,
            salt: salt.to_vec(),
            nonce: nonce.to_vec(),
            singly,
        };
        let given = self.spool.give(given).await;
        drop(ticket);
        match given {
            Ok(number) if serve => {
                Answer { would_be_denied, ..self.served(number, height, &reason) }
            }
            Ok(number) => {
                let access_no = Some(number);
                Answer { access_no, height, ..Answer::without_number(false, &reason) }
            }
            // Nothing that has no number is served.
            Err(error) => {
                tracing::error!(door, %error, "no number could be given");
                Answer::without_number(false, "gate.spool")
            }
        }
    }

    /// The answer to what is open by this name: checked twice it is one access. Another question by the same name is none.
    fn asked_before(&self, request: &str, asked: &Asked) -> Option<Answer> {
        let (number, is_same) = {
            let book = self.spool.book();
            let number = book.of_request(request)?;
            let asker = self.asker(asked);
            let is_same = book.get(number)?.is_about(query(asked).as_bytes(), asker);
            (number, is_same)
        };
        Some(match is_same {
            true => self.served(number, None, ""),
            false => Answer::without_number(false, "gate.request_id_taken"),
        })
    }

    /// Who asks; `None`: an account without an identity.
    fn asker(&self, asked: &Asked) -> Option<&Party> {
        self.caller(asked).map(|it| &it.party)
    }

    async fn found(&self, door: &str, ruled: &Ruled, asked: &Asked, salt: &[u8; 16]) -> Found {
        let mut record = self.record(ruled, asked, salt);
        let (subject, time) = (ruled.route.subject.as_ref(), TimeMs::new(record.access_time_ms));
        record.subjects = Some(self.tags.subjects(subject, &ruled.path, asked, time).await);
        match self.judged(door, &record).await {
            Ok(found) => found,
            Err(why) => {
                let otherwise = ruled.route.otherwise;
                let by_hand = self.break_glass.as_ref().and_then(|it| it.mark(time));
                record.break_glass = by_hand.filter(|_| otherwise == Otherwise::BreakGlass);
                let by_hand = record.break_glass.is_some();
                let serve = otherwise == Otherwise::Serve || by_hand;
                tracing::warn!(dataset = ruled.route.dataset, why, serve, "it can't be decided");
                let observes = |it: &DatasetAccess| self.state.observes(&it.dataset, time);
                let of = self.found_by(door, &record, &observes);
                of(record, serve, if by_hand { BY_HAND } else { "gate.undecided" })
            }
        }
    }

    /// What becomes of a denial at a door: while it observes, nothing.
    pub(crate) fn found_by(
        &self,
        door: &str,
        record: &RecordAccess,
        observes: &dyn Fn(&DatasetAccess) -> bool,
    ) -> fn(RecordAccess, bool, &str) -> Found {
        match self.observing.contains(door) && record.accesses.iter().all(observes) {
            true => Found::observed,
            false => Found::new,
        }
    }

    /// The record as it is known before it is decided.
    pub(crate) fn record(&self, ruled: &Ruled, asked: &Asked, salt: &[u8; 16]) -> RecordAccess {
        let asker = self.asker(asked).cloned().unwrap_or_else(|| {
            let account = format!("{:?} {}", asked.address, asked.certificate);
            let digest = salted_digest(salt, account.as_bytes());
            Party { unmapped_digest: digest.to_vec(), ..Party::default() }
        });
        let route = &ruled.route;
        let mut fields = route.fields.clone();
        fields.sort();
        fields.dedup();
        let access = DatasetAccess {
            dataset: route.dataset.clone(),
            operation: ruled.operation,
            fields,
            ..DatasetAccess::default()
        };
        let query = query(asked);
        RecordAccess {
            // It is judged as if it were served.
            decision: Decision::Served as i32,
            collector: self.account.signer.department.clone(),
            accesses: vec![access],
            asker: Some(asker),
            purpose: route.purpose.clone(),
            self_service: route.self_service.map(|it| SelfService { login: it as i32 }),
            query_digest: salted_digest(salt, query.as_bytes()).to_vec(),
            access_time_ms: now().get(),
            channel: Channel::Door as i32,
            ..RecordAccess::default()
        }
    }

    /// The answer to what is served.
    fn served(&self, number: u64, height: Option<u64>, reason: &str) -> Answer {
        // Who gives numbers does not wait while this is signed.
        let one = self.spool.book().get(number).map(|it| (it.record(), it.singly));
        let (record, singly) = one.unzip();
        let signer = &self.account.signer;
        let token = record.as_ref().and_then(|it| {
            let request = it.accesses.first().map(|it| it.request_id.as_slice())?;
            let id = RequestId::from_slice(request).ok()?;
            let (gateway, time) = (signer.identity.as_bytes(), TimeMs::new(it.access_time_ms));
            let request = id.as_bytes();
            let receipt = receipt::sign(&signer.key, &signer.chain, gateway, number, request, time);
            let receipt = hex::encode(receipt.encode_to_vec());
            let singly = singly.flatten().map_or("", |it| if it { ";1" } else { ";0" });
            Some(format!("{};{number};{id};{receipt}{singly}", signer.identity))
        });
        let height = height.or_else(|| record.and_then(|it| it.decided_height));
        let access_no = Some(number);
        Answer { access_no, height, token, ..Answer::without_number(true, reason) }
    }

    /// How rows stand in what is answered to a request.
    pub fn rows_of(&self, door: &str, asked: &Asked) -> Option<&crate::rows::Rows> {
        self.ruled(door, asked)?.route.rows.as_ref()
    }

    /// The number of an open request.
    pub fn number_of(&self, door: &str, request: &str) -> Option<u64> {
        self.spool.book().of_request(&name(door, request))
    }

    /// What digests of an access are salted with.
    pub fn salt_of(&self, number: u64) -> Option<[u8; 16]> {
        self.spool.book().get(number).map(|it| *it.salt())
    }

    /// An access ended, by the door's name for the request. Whether one of that name was open.
    pub async fn end(&self, door: &str, request: &str, rows: Rows) -> Result<bool, SpoolError> {
        self.end_with(door, request, Seen { rows, digest: Vec::new(), numbers: None }).await
    }

    /// The same with what was seen of what was given.
    pub async fn end_with(
        &self,
        door: &str,
        request: &str,
        seen: Seen,
    ) -> Result<bool, SpoolError> {
        let Seen { rows, digest: result_digest, numbers } = seen;
        let (number, time, only_reads) = {
            let book = self.spool.book();
            let Some(number) = book.of_request(&name(door, request)) else { return Ok(false) };
            let record = book.get(number).map(Numbered::record).unwrap_or_default();
            let reads =
                |it: &DatasetAccess| matches!(it.operation(), Operation::Read | Operation::Export);
            (number, TimeMs::new(record.access_time_ms), record.accesses.iter().all(reads))
        };
        let rows = match rows {
            Rows::These(rows) => rows,
            // What failed gave nothing out; whether it wrote something nobody knows.
            Rows::Failed => only_reads.then_some(0),
        };
        let found = match numbers {
            Some(numbers) => {
                // Behind a gap nothing follows a record.
                let may_be_bulk =
                    self.state_ms.is_none() && self.spool.book().tags_waiting() < TAGS_WAITING;
                Some(self.tags.of_rows(numbers, rows, time, may_be_bulk).await)
            }
            None => None,
        };
        let (subjects, bulk) = found.map_or((None, Vec::new()), |(it, bulk)| (Some(it), bulk));
        let ended = Ended { number, rows, result_digest, subjects };
        // Rows and a digest fit always.
        let found = ended.subjects.is_some().then(|| self.spool.book().get(number).cloned());
        let (ended, bulk) = match found.flatten() {
            Some(one) => fitting(one.record(), ended, bulk),
            None => (ended, bulk),
        };
        for tags in bulk.chunks(TAGS_AT_ONCE) {
            let tags = tags.concat();
            self.spool.say(Said::Found(FoundTags { number, tags })).await?;
        }
        self.spool.say(Said::Ended(ended)).await?;
        self.was_served(number, rows);
        Ok(true)
    }

    /// A door served something, which is over: it is compared with what logs tell.
    pub fn was_served(&self, number: u64, rows: Option<u64>) {
        if self.differences.is_empty() {
            return;
        }
        let (from, datasets) = {
            let book = self.spool.book();
            let Some(record) = book.get(number).map(Numbered::record) else { return };
            let datasets = record.accesses.into_iter().map(|it| it.dataset);
            (record.access_time_ms, datasets.collect::<Vec<_>>())
        };
        let until = now().get();
        datasets.iter().for_each(|it| self.differences.served(it, number, (from, until), rows));
    }
}

/// What is asked, of which the ledger has a salted digest alone.
fn query(asked: &Asked) -> String {
    format!("{} {}", asked.method, asked.uri)
}

/// Requests of two doors are two, whatever they are called.
fn name(door: &str, request: &str) -> String {
    format!("{door} {request}")
}

/// Who asks, of which dataset.
pub fn key_of(record: &RecordAccess) -> Key {
    let dataset = record.accesses.first().map(|it| it.dataset.clone()).unwrap_or_default();
    let asker = record.asker.clone().unwrap_or_default();
    (dataset, asker.department, asker.identity_id)
}
