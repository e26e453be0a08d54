//! What follows from the spool's entries: which accesses are open, which records are to be sent, what is to be sealed.

use super::entry::{Ended, Found, Given, Said, Sealed, Tagged};
use super::uses::{Sums, Used};
use liuhen_proto::items::{Item, ItemError};
use liuhen_proto::suite::hash::salted_digest;
use liuhen_proto::types::{Hash, Height};
use liuhen_proto::wire::{Party, RecordAccess, item::Kind};
use prost::Message as _;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// A record that has a number. There may be many: what is over is kept encoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbered {
    body: Body,
    /// What it uses of grants.
    pub used: Used,
    /// The block that has it.
    pub height: Option<Height>,
    /// Whether its user owes its half by itself, as far as was known.
    pub singly: Option<bool>,
    nonce: [u8; 16],
    salt: [u8; 16],
    /// The door's name for it while it is open.
    request: String,
}

/// The record itself.
#[derive(Debug, Clone, PartialEq)]
enum Body {
    /// Of an open access, as far as it is known.
    Open(Box<RecordAccess>),
    /// Of one that is over, encoded.
    Over(Box<[u8]>),
}

impl Numbered {
    /// The number.
    pub fn number(&self) -> u64 {
        self.used.access_no
    }

    /// The record; of an open access as far as it is known.
    pub fn record(&self) -> RecordAccess {
        match &self.body {
            Body::Open(record) => (**record).clone(),
            // It was encoded here.
            Body::Over(bytes) => RecordAccess::decode(&**bytes).unwrap_or_default(),
        }
    }

    /// Bytes of the record.
    pub fn encoded_len(&self) -> usize {
        match &self.body {
            Body::Open(record) => record.encoded_len(),
            Body::Over(bytes) => bytes.len(),
        }
    }

    /// Whether the access is over.
    pub fn is_over(&self) -> bool {
        matches!(self.body, Body::Over(_))
    }

    /// Whether it is the access of this question by this asker.
    pub fn is_about(&self, query: &[u8], asker: Option<&Party>) -> bool {
        // An account without an identity has another digest each time.
        let told = |it: &&Party| !it.identity_id.is_empty();
        let record = self.record();
        record.query_digest == salted_digest(&self.salt, query).as_bytes()
            && record.asker.as_ref().filter(told) == asker
    }

    /// The item by which it is recorded. Errors for what is no record that the ledger could take.
    pub fn item(&self) -> Result<Item, ItemError> {
        Item::new(self.nonce, Kind::RecordAccess(self.record()))
    }

    /// What its item is told from others by.
    pub fn nonce(&self) -> &[u8; 16] {
        &self.nonce
    }

    /// What its digests are salted with.
    pub fn salt(&self) -> &[u8; 16] {
        &self.salt
    }

    fn digest(&self) -> Option<Hash> {
        self.item().ok().map(|it| *it.digest())
    }
}

fn encoded(record: &RecordAccess) -> Body {
    Body::Over(record.encode_to_vec().into())
}

/// Bytes of a tag.
const TAG: usize = 32;

/// A number that is not sealed yet.
#[derive(Debug, Clone, Copy)]
struct Unsealed {
    time_ms: u64,
    /// Of its record, once the access is over.
    digest: Option<Hash>,
}

/// Tags of a bulk set, 32 bytes each.
#[derive(Debug, Default)]
struct Bulk {
    tags: Vec<u8>,
    /// So many are on the ledger.
    sent: usize,
    /// Its record says so: they are all.
    is_set: bool,
}

/// The spool as it stands.
#[derive(Debug, Default)]
pub struct Book {
    /// By number: what is open, is to be sent, or is not counted by every state in use.
    numbered: BTreeMap<u64, Numbered>,
    /// Open accesses by the door's name for the request.
    open: HashMap<String, u64>,
    /// Tags of bulk sets that are not on the ledger yet.
    bulk: BTreeMap<u64, Bulk>,
    /// The numbers up to the last, in order: as little of each as a seal needs, for there may be an hour of them.
    unsealed: VecDeque<Unsealed>,
    /// Numbers of records that are to be sent.
    ready: BTreeSet<u64>,
    /// What is used of grants by what is kept.
    sums: Sums,
    last: u64,
    sealed: Sealed,
    /// The highest block that is known to have any of them.
    highest: Height,
}

impl Book {
    /// Takes in what the spool says. Gives the number that it is about.
    pub fn take(&mut self, said: Said) -> u64 {
        match said {
            Said::Given(given) => self.given(given),
            Said::Ended(ended) => self.ended(ended),
            Said::Recorded(it) => {
                for number in &it.numbers {
                    self.ready.remove(number);
                    if let Some(one) = self.numbered.get_mut(number) {
                        self.sums.take(&one.used, one.height);
                        one.height = Some(Height::new(it.height));
                        self.sums.add(&one.used, one.height);
                    }
                }
                self.highest = self.highest.max(Height::new(it.height));
                it.numbers.last().copied().unwrap_or_default()
            }
            Said::Sealed(it) => {
                let left = self.last.saturating_sub(it.last);
                let left = usize::try_from(left).unwrap_or(usize::MAX);
                self.unsealed.drain(..self.unsealed.len().saturating_sub(left));
                self.sealed = it;
                self.sealed.last
            }
            Said::Lost(last) => {
                self.last = self.last.max(last);
                last
            }
            Said::Found(Found { number, tags }) => {
                // What is over by now says nothing of them.
                if self.numbered.get(&number).is_some_and(|it| !it.is_over()) {
                    self.bulk.entry(number).or_default().tags.extend(tags);
                }
                number
            }
            Said::Tagged(Tagged { number, count }) => {
                let sent = usize::try_from(count).unwrap_or(usize::MAX);
                let is_over = |it: &mut Bulk| {
                    it.sent = sent;
                    it.tags.len() / TAG <= sent
                };
                if self.bulk.get_mut(&number).is_some_and(is_over) {
                    self.bulk.remove(&number);
                }
                number
            }
        }
    }

    fn given(&mut self, given: Given) -> u64 {
        let Given { record, request, nonce, salt, singly } = given;
        let (record, is_over) = (record.unwrap_or_default(), request.is_empty());
        let nonce = nonce.try_into().unwrap_or_default();
        let salt = salt.try_into().unwrap_or_default();
        let (number, time_ms) = (record.access_no, record.access_time_ms);
        if !is_over {
            self.open.insert(request.clone(), number);
        }
        let used = Used::of(&record);
        let body = if is_over { encoded(&record) } else { Body::Open(Box::new(record)) };
        let one = Numbered { body, used, height: None, singly, nonce, salt, request };
        let digest = if is_over { one.digest() } else { None };
        self.unsealed.push_back(Unsealed { time_ms, digest });
        self.last = self.last.max(number);
        if is_over {
            self.ready.insert(number);
        }
        self.sums.add(&one.used, one.height);
        self.numbered.insert(number, one);
        number
    }

    fn ended(&mut self, it: Ended) -> u64 {
        let place = self.place(it.number);
        if let Some(one) = self.numbered.get_mut(&it.number).filter(|one| !one.is_over()) {
            self.ready.insert(it.number);
            self.sums.take(&one.used, one.height);
            let mut record = one.record();
            record.row_count = it.rows;
            record.result_digest = it.result_digest;
            if let Some(subjects) = it.subjects {
                record.subjects = Some(subjects);
            }
            one.used = Used::of(&record);
            one.body = encoded(&record);
            self.sums.add(&one.used, one.height);
            // Where nobody told that they are all, they are none.
            let is_set = record.subjects.is_some_and(|it| it.bulk.is_some());
            match self.bulk.get_mut(&it.number) {
                Some(bulk) if is_set => bulk.is_set = true,
                Some(_) => drop(self.bulk.remove(&it.number)),
                None => {}
            }
            if let Some(unsealed) = place.and_then(|at| self.unsealed.get_mut(at)) {
                unsealed.digest = one.digest();
            }
            // Asked again by this name it is another access.
            self.open.remove(&std::mem::take(&mut one.request));
        }
        it.number
    }

    /// Where a number is among those that are not sealed.
    fn place(&self, number: u64) -> Option<usize> {
        let behind = usize::try_from(self.last.checked_sub(number)?).ok()?;
        self.unsealed.len().checked_sub(behind.saturating_add(1))
    }

    /// The last number that was given; 0: none.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The number that an open request has got.
    pub fn of_request(&self, request: &str) -> Option<u64> {
        self.open.get(request).copied()
    }

    /// What has a number and is kept.
    pub fn get(&self, number: u64) -> Option<&Numbered> {
        self.numbered.get(&number)
    }

    /// Records that are to be sent, by number.
    pub fn to_send(&self) -> impl Iterator<Item = &Numbered> {
        self.ready.iter().filter_map(|number| self.numbered.get(number))
    }

    /// Accesses that are not over, and began before a time.
    pub fn open_since(&self, before_ms: u64) -> Vec<u64> {
        let open = self.open.values().filter_map(|number| self.numbered.get(number));
        let old = open.filter(|it| it.used.time_ms < before_ms);
        old.map(Numbered::number).collect()
    }

    /// Served records that a state at a height does not count yet.
    pub fn not_counted_at(&self, height: Height) -> impl Iterator<Item = &Numbered> {
        let later = self.numbered.values().filter(move |it| it.height.is_none_or(|at| at > height));
        later.filter(|it| it.used.is_served)
    }

    /// How many records wait, and since when the oldest does.
    pub fn depth(&self) -> (usize, Option<u64>) {
        let waiting = self.ready.iter().chain(self.open.values());
        let times = waiting.filter_map(|number| self.numbered.get(number));
        let oldest = times.map(|it| it.used.time_ms).min();
        (self.ready.len().saturating_add(self.open.len()), oldest)
    }

    /// How many records wait.
    pub fn waiting(&self) -> usize {
        self.ready.len().saturating_add(self.open.len())
    }

    /// What records use of grants, summed up.
    pub fn sums(&self) -> &Sums {
        &self.sums
    }

    /// A bulk set whose record is on the ledger and whose tags are not: its number, how many were sent, and the next of them, so many at most. Not one of
    /// those that wait.
    pub fn to_tag(
        &self,
        at_most: usize,
        waits: impl Fn(u64) -> bool,
    ) -> Option<(u64, usize, Vec<Vec<u8>>)> {
        let on_ledger =
            |number: &u64| self.numbered.get(number).is_none_or(|it| it.height.is_some());
        let may = |(number, it): &(&u64, &Bulk)| it.is_set && on_ledger(number) && !waits(**number);
        let (number, it) = self.bulk.iter().find(may)?;
        let next = it.tags.chunks(TAG).skip(it.sent).take(at_most).map(<[u8]>::to_vec);
        Some((*number, it.sent, next.collect()))
    }

    /// How many tags of bulk sets are not on the ledger yet.
    pub fn tags_waiting(&self) -> usize {
        self.bulk.values().map(|it| (it.tags.len() / TAG).saturating_sub(it.sent)).sum()
    }

    /// The highest block that is known to have any of them: a node that is behind it does not know all.
    pub fn highest(&self) -> Height {
        self.highest
    }

    /// All that is kept.
    pub fn kept(&self) -> impl Iterator<Item = &Numbered> {
        self.numbered.values()
    }

    /// The newest seal.
    pub fn sealed(&self) -> &Sealed {
        &self.sealed
    }

    /// The digests of the records from a number on, up to the last of an access before a time; `None` where one of them is not over.
    /// What a log tells has its number later than its time: what comes between is sealed with it.
    pub fn to_seal(&self, first: u64, until_ms: u64) -> Option<Vec<Hash>> {
        let from = self.place(first).unwrap_or(match first > self.last {
            true => self.unsealed.len(),
            false => 0,
        });
        let behind = self.unsealed.iter().skip(from);
        let count = behind.clone().rposition(|it| it.time_ms < until_ms).map_or(0, |it| it + 1);
        behind.take(count).map(|it| it.digest).collect()
    }

    /// Whether an entry about a number is needed still.
    pub fn needs(&self, number: u64) -> bool {
        number > self.sealed.last
            || self.bulk.contains_key(&number)
            || self.numbered.get(&number).is_some_and(|it| it.height.is_none())
    }

    /// Lets go of what is on the ledger, and counted by every state that is used.
    pub fn forget(&mut self, counted_at: Height) {
        let sums = &mut self.sums;
        self.numbered.retain(|number, it| {
            let is_kept = it.height.is_none_or(|height| height > counted_at);
            if !is_kept && sums.singly().contains(number) {
                sums.take(&it.used, it.height);
            }
            is_kept
        });
        self.sums.forget(counted_at);
    }
}
