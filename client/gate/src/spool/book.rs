//! What follows from the spool's entries: which accesses are open, which records are to be sent, what is to be sealed.

use super::entry::{Ended, Given, Said, Sealed};
use liuhen_proto::types::Height;
use liuhen_proto::wire::{self, RecordAccess};
use std::collections::{BTreeMap, HashMap};

/// A record that has a number.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbered {
    /// The record; of an open access as far as it is known.
    pub record: RecordAccess,
    /// Whether the access is over.
    pub ended: bool,
    /// The block that has it.
    pub height: Option<Height>,
}

/// The spool as it stands.
#[derive(Debug, Default)]
pub struct Book {
    /// By number: what is open, is to be sent, or is to be sealed.
    numbered: BTreeMap<u64, Numbered>,
    /// Open accesses by the door's name for the request.
    open: HashMap<String, u64>,
    last: u64,
    sealed: Sealed,
}

impl Book {
    /// Takes in what the spool says. Gives the number that it is about.
    pub fn take(&mut self, said: Said) -> u64 {
        match said {
            Said::Given(given) => self.given(given),
            Said::Ended(ended) => self.ended(ended),
            Said::Recorded(it) => {
                for number in &it.numbers {
                    if let Some(one) = self.numbered.get_mut(number) {
                        one.height = Some(Height::new(it.height));
                    }
                }
                it.numbers.last().copied().unwrap_or_default()
            }
            Said::Sealed(it) => {
                self.sealed = it;
                self.sealed.last
            }
            Said::Lost(last) => {
                self.last = self.last.max(last);
                last
            }
        }
    }

    fn given(&mut self, given: Given) -> u64 {
        let Given { record, request, .. } = given;
        let record = record.unwrap_or_default();
        let (number, ended) = (record.access_no, request.is_empty());
        if !ended {
            self.open.insert(request, number);
        }
        self.last = self.last.max(number);
        self.numbered.insert(number, Numbered { record, ended, height: None });
        number
    }

    fn ended(&mut self, it: Ended) -> u64 {
        if let Some(one) = self.numbered.get_mut(&it.number).filter(|one| !one.ended) {
            one.ended = true;
            one.record.row_count = it.rows;
            one.record.result_digest = it.result_digest;
        }
        it.number
    }

    /// The last number that was given; 0: none.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The number that a request has got.
    pub fn of_request(&self, request: &str) -> Option<u64> {
        self.open.get(request).copied()
    }

    /// What has a number and is kept.
    pub fn get(&self, number: u64) -> Option<&Numbered> {
        self.numbered.get(&number)
    }

    /// Records that are to be sent, by number.
    pub fn to_send(&self) -> impl Iterator<Item = &RecordAccess> {
        let waiting = self.numbered.values().filter(|it| it.ended && it.height.is_none());
        waiting.map(|it| &it.record)
    }

    /// Accesses that are not over, and began before a time.
    pub fn open_since(&self, before_ms: u64) -> Vec<u64> {
        let open = self.numbered.iter().filter(|(_, it)| !it.ended);
        open.filter(|(_, it)| it.record.access_time_ms < before_ms).map(|(n, _)| *n).collect()
    }

    /// Served records that a state at a height does not count yet.
    pub fn not_counted_at(&self, height: Height) -> impl Iterator<Item = &RecordAccess> {
        let later = self.numbered.values().filter(move |it| it.height.is_none_or(|at| at > height));
        later.map(|it| &it.record).filter(|it| it.decision() == wire::Decision::Served)
    }

    /// How many records wait, and since when the oldest does.
    pub fn depth(&self) -> (usize, Option<u64>) {
        let waiting = || self.numbered.values().filter(|it| it.height.is_none());
        (waiting().count(), waiting().map(|it| it.record.access_time_ms).min())
    }

    /// The newest seal.
    pub fn sealed(&self) -> &Sealed {
        &self.sealed
    }

    /// The records that were numbered before a time and are behind the newest seal; `None` where one of them is not over.
    pub fn to_seal(&self, until_ms: u64) -> Option<Vec<&RecordAccess>> {
        let behind = self.numbered.range(self.sealed.last.saturating_add(1)..);
        let behind = behind.take_while(|(_, it)| it.record.access_time_ms < until_ms);
        behind.map(|(_, it)| it.ended.then_some(&it.record)).collect()
    }

    /// Lets go of what is on the ledger, sealed, and counted by every state that is used.
    pub fn forget(&mut self, counted_at: Height) {
        let sealed = self.sealed.last;
        self.numbered.retain(|number, it| {
            *number > sealed || it.height.is_none_or(|height| height > counted_at)
        });
        let kept = &self.numbered;
        self.open.retain(|_, number| kept.contains_key(number));
    }
}
