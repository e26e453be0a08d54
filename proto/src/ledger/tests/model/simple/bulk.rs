//! Bulk sets, whose tags follow.

use super::{By, Id, Simple, Why};
use crate::subject;
use crate::wire::{self, IdentityKind, IntegrityRule, RecordAccess, Right, TimerKind};
use std::rc::Rc;

/// A record's set, and the tags that came.
#[derive(Debug, Clone)]
pub(in super::super) struct BulkSet {
    pub(in super::super) gateway: Id,
    pub(in super::super) number: u64,
    pub(in super::super) collector: String,
    pub(in super::super) count: u64,
    pub(in super::super) root: Id,
    pub(in super::super) tags: Vec<Id>,
    pub(in super::super) missed: bool,
}

impl BulkSet {
    pub(in super::super) fn is_complete(&self) -> bool {
        self.tags.len() as u64 == self.count
    }
}

impl Simple {
    pub(super) fn wants_tags(&mut self, gateway: &[u8], it: &RecordAccess) {
        let Some(bulk) = it.subjects.as_ref().and_then(|it| it.bulk.clone()) else { return };
        let due = self.now + self.parameters.bulk_grace_ms;
        let about = [gateway, &it.access_no.to_be_bytes()].concat();
        self.remind(due, TimerKind::BulkDue, &about);
        self.answers.bulk_sets.push(Rc::new(BulkSet {
            gateway: gateway.to_vec(),
            number: it.access_no,
            collector: it.collector.clone(),
            count: bulk.count,
            root: bulk.root,
            tags: Vec::new(),
            missed: false,
        }));
    }

    fn bulk_set(&mut self, gateway: &[u8], number: u64) -> Option<&mut Rc<BulkSet>> {
        let mut all = self.answers.bulk_sets.iter_mut();
        all.find(|it| it.number == number && it.gateway == gateway)
    }

    pub(super) fn tags_due(&mut self, about: &[u8]) {
        let (gateway, number) = about.split_last_chunk::<8>().unwrap();
        let set = self.bulk_set(gateway, u64::from_be_bytes(*number)).unwrap();
        if set.is_complete() {
            return;
        }
        let set = Rc::make_mut(set);
        set.missed = true;
        let (collector, left) = (set.collector.clone(), set.count - set.tags.len() as u64);
        self.raise(IntegrityRule::TagsMissing, &collector, gateway, ("", &[]), left);
    }

    pub(super) fn add_tags(&mut self, by: By<'_>, it: &wire::AddBulkTags) -> Why {
        let mut no = Vec::new();
        self.acts_with(by, &it.collector, Right::Collect, &mut no);
        self.kind_of(
            by,
            &[IdentityKind::Officer, IdentityKind::Root, IdentityKind::System],
            &mut no,
        );
        let Some(set) = self.bulk_set(by.identity(), it.access_no) else {
            no.push("bulk.none");
            return no;
        };
        if set.collector != it.collector || set.is_complete() {
            no.push("bulk.none");
        }
        let tags = [set.tags.as_slice(), &it.tags].concat();
        if !tags.is_sorted_by(|a, b| a < b) || tags.len() as u64 > set.count {
            no.push("bulk.order");
        }
        let root = subject::bulk_root(tags.iter().map(Vec::as_slice));
        if tags.len() as u64 == set.count && root.as_bytes().as_slice() != set.root {
            no.push("bulk.root");
        }
        if no.is_empty() {
            Rc::make_mut(set).tags = tags;
        }
        no
    }
}
