//! What records that no state counts yet use of grants, summed up: by the grant that they name, the day, and the block that has them. Whoever decides adds a
//! few sums, however many records there are.

use liuhen_proto::items::access::decide::{Uses, day_of, is_summable};
use liuhen_proto::types::{Height, RequestId, TimeMs};
use liuhen_proto::wire::{Decision, RecordAccess};
use std::collections::{BTreeMap, BTreeSet};

/// A record older than this counts on another day than its own perhaps: it is not summed up.
const SUMMED_FOR_MS: u64 = 3_000_000;
/// No block has it yet.
const NOWHERE: Height = Height::new(u64::MAX);

/// Sums, and the numbers of records that are in none.
#[derive(Debug, Default)]
pub struct Sums {
    by_grant: BTreeMap<RequestId, BTreeMap<(Height, u64), Uses>>,
    singly: BTreeSet<u64>,
    /// Times and numbers of the records that no block has yet.
    nowhere: BTreeSet<(u64, u64)>,
}

/// What a record uses.
#[derive(Debug, Clone, PartialEq)]
pub struct Used {
    /// Its number.
    pub access_no: u64,
    /// When.
    pub time_ms: u64,
    /// Whether it was served: what was denied uses nothing.
    pub is_served: bool,
    /// The grants that it names, each once.
    pub grants: Box<[RequestId]>,
    rows: Option<u64>,
    /// Of a statement several records count once; and of two grants that hang from one a record counts there once.
    may_be_summed: bool,
}

impl Used {
    /// By a record.
    pub fn of(record: &RecordAccess) -> Self {
        let ids = record.accesses.iter().map(|it| RequestId::from_slice(&it.request_id));
        let grants: BTreeSet<RequestId> = ids.filter_map(Result::ok).collect();
        Self {
            access_no: record.access_no,
            time_ms: record.access_time_ms,
            is_served: record.decision() == Decision::Served,
            rows: record.row_count,
            may_be_summed: is_summable(record) && grants.len() <= 1,
            grants: grants.into_iter().collect(),
        }
    }

    /// Rows, as far as they are known.
    pub fn rows(&self) -> u64 {
        self.rows.unwrap_or(0)
    }

    fn uses(&self) -> Uses {
        let (rows, rows_unknown) = (self.rows(), u64::from(self.rows.is_none()));
        Uses { queries: 1, rows, rows_unknown }
    }

    /// Where in the sums it is.
    fn place(&self, height: Option<Height>) -> (Height, u64) {
        (height.unwrap_or(NOWHERE), day_of(TimeMs::new(self.time_ms)))
    }
}

impl Sums {
    /// Counts a record that is served, in the block that has it, if one does.
    pub fn add(&mut self, used: &Used, height: Option<Height>) {
        if !used.is_served {
            return;
        }
        if height.is_none() {
            self.nowhere.insert((used.time_ms, used.access_no));
        }
        let at = used.place(height);
        if !used.may_be_summed {
            self.singly.insert(used.access_no);
            return;
        }
        for grant in &used.grants {
            let (more, sum) = (used.uses(), self.by_grant.entry(*grant).or_default());
            let sum = sum.entry(at).or_default();
            sum.queries = sum.queries.saturating_add(more.queries);
            sum.rows = sum.rows.saturating_add(more.rows);
            sum.rows_unknown = sum.rows_unknown.saturating_add(more.rows_unknown);
        }
    }

    /// Counts it no more: before it changes, or is let go of.
    pub fn take(&mut self, used: &Used, height: Option<Height>) {
        if !used.is_served {
            return;
        }
        if height.is_none() {
            self.nowhere.remove(&(used.time_ms, used.access_no));
        }
        let at = used.place(height);
        if !used.may_be_summed {
            self.singly.remove(&used.access_no);
            return;
        }
        for grant in &used.grants {
            let Some(sums) = self.by_grant.get_mut(grant) else { continue };
            if let Some(sum) = sums.get_mut(&at) {
                let less = used.uses();
                sum.queries = sum.queries.saturating_sub(less.queries);
                sum.rows = sum.rows.saturating_sub(less.rows);
                sum.rows_unknown = sum.rows_unknown.saturating_sub(less.rows_unknown);
                if sum.queries == 0 {
                    sums.remove(&at);
                }
            }
            if sums.is_empty() {
                self.by_grant.remove(grant);
            }
        }
    }

    /// Lets go of sums of blocks up to a height.
    pub fn forget(&mut self, counted_at: Height) {
        for sums in self.by_grant.values_mut() {
            sums.retain(|(height, _), _| *height > counted_at);
        }
        self.by_grant.retain(|_, sums| !sums.is_empty());
    }

    /// Whether sums say what each of the records would: one that is an hour old counts on the day when it comes.
    pub fn are_new(&self, now: TimeMs) -> bool {
        let since = now.get().saturating_sub(SUMMED_FOR_MS);
        self.nowhere.first().is_none_or(|(oldest, _)| *oldest >= since)
    }

    /// What a state at a height does not count yet: by the grant that is named, and the day.
    pub fn not_counted_at(&self, height: Height) -> impl Iterator<Item = (&RequestId, u64, Uses)> {
        self.by_grant.iter().flat_map(move |(grant, sums)| {
            let later = sums.range((height.next(), 0)..);
            later.map(move |((_, day), uses)| (grant, *day, *uses))
        })
    }

    /// Numbers of records that are in no sum.
    pub fn singly(&self) -> &BTreeSet<u64> {
        &self.singly
    }
}
