//! Batches of sealed reads: a root over their commitments, and what is opened of them one by one.

use crate::items::fields::{Checked, code, ensure, id, wrong};
use crate::items::reading::{
    audits,
    read::{self, commitment},
    unopened,
};
use crate::ledger::{Draft, Halt, Refusal};
use crate::merkle::{Blake3Log, MemoryLog, Tree, inclusion};
use crate::place::Place;
use crate::types::{Hash, TimeMs, limits};
use crate::wire;
use std::sync::Arc;

/// What a batch of reads commits to, as whoever sealed it keeps it: the log over their commitments.
pub type Batch = MemoryLog<Blake3Log>;

/// From one of a batch's commitments to its root; `None` where there is none of this index.
pub fn path(batch: &Batch, index: u32) -> Option<Vec<Hash>> {
    inclusion::prove::<Blake3Log, _>(batch, u64::from(index), batch.size()).ok().flatten()
}

/// Whether a batch can be one, whatever the ledger says.
pub(super) fn check(it: &wire::SealedReads) -> Checked {
    code("sealed.department", &it.department)?;
    code("sealed.audit", &it.audit)?;
    id("sealed.root", &it.root)?;
    let fits = usize::try_from(it.count).is_ok_and(|count| (1..=limits::READS).contains(&count));
    ensure(fits, "sealed.count", "a batch has 1 to 128 reads")
}

/// Whether an opened read can be one, whatever the ledger says.
pub(super) fn check_opened(it: &wire::OpenedRead) -> Checked {
    let one = it.read.as_ref().ok_or_else(|| wrong("reads.read", "a read is needed"))?;
    read::check(one)?;
    id("reads.salt", &one.salt)?;
    let few = usize::try_from(it.index).is_ok_and(|index| index < limits::READS);
    ensure(few && it.path.len() <= PATH, "reads.index", "a batch has 1 to 128 reads")?;
    it.path.iter().try_for_each(|hash| id("reads.path", hash))
}

/// Hashes of a path in a batch at most.
const PATH: usize = 7;

/// A batch is sealed for an audit; for one that has closed meanwhile too, for what was shown was shown before.
pub(super) fn add(draft: &mut Draft<'_>, it: &wire::SealedReads, by: &str) -> Result<(), Halt> {
    let mut audit = (*audits::find(draft, &it.department, &it.audit)?).clone();
    let place = Place::unopened_read(&it.department, &it.audit, &it.root, by);
    let known: Option<Arc<wire::UnopenedRead>> = draft.get(&place)?;
    if known.is_some() {
        return Err(Refusal::SealedRead(audits::name(&it.department, &it.audit)).into());
    }
    let count = u64::from(it.count);
    audit.sealed = audit.sealed.saturating_add(count);
    let of_audit = Place::audit(&it.department, &it.audit);
    let due = if audit.closed { audits::wants_opening(draft, &of_audit)? } else { TimeMs::new(0) };
    let more =
        wire::UnopenedCount { department: by.to_owned(), count, blamed: 0, due_ms: due.get() };
    unopened::add(&mut audit.unopened, more);
    draft.put(of_audit, audit);
    let batch = wire::UnopenedRead {
        department: it.department.clone(),
        audit: it.audit.clone(),
        count: it.count,
        opened: vec![0; limits::READS / 8],
        sealed_by: by.to_owned(),
        due_ms: due.get(),
    };
    draft.put(place, batch);
    Ok(())
}

/// Reads of a batch are opened, each once.
pub(super) fn open(draft: &mut Draft<'_>, it: &wire::OpenReads, name: &str) -> Result<(), Halt> {
    let unknown = || Refusal::UnknownRead(name.to_owned());
    let place = Place::unopened_read(&it.audit_department, &it.audit, &it.root, &it.sealed_by);
    let batch: Option<Arc<wire::UnopenedRead>> = draft.get(&place)?;
    let mut batch = (*batch.ok_or_else(unknown)?).clone();
    for one in &it.reads {
        if !leads_to_root(one, &batch, &it.root) || !mark(&mut batch.opened, one.index) {
            return Err(unknown().into());
        }
    }
    let opened = u64::try_from(it.reads.len()).unwrap_or(u64::MAX);
    let mut audit = (*audits::find(draft, &it.audit_department, &it.audit)?).clone();
    audit.opened = audit.opened.saturating_add(opened);
    let due = if batch.due_ms == 0 { audit.due_ms } else { batch.due_ms };
    unopened::take(&mut audit.unopened, &batch.sealed_by, due, opened);
    draft.put(Place::audit(&it.audit_department, &it.audit), audit);
    let all: u32 = batch.opened.iter().map(|byte| byte.count_ones()).sum();
    if all == batch.count {
        draft.remove(place);
    } else {
        draft.put(place, batch);
    }
    Ok(())
}

fn leads_to_root(it: &wire::OpenedRead, batch: &wire::UnopenedRead, root: &[u8]) -> bool {
    let Some(read) = &it.read else { return false };
    let path: Option<Vec<Hash>> = it.path.iter().map(|one| Hash::from_slice(one).ok()).collect();
    let (index, size) = (u64::from(it.index), u64::from(batch.count));
    let found = path.and_then(|path| {
        inclusion::root_from_path::<Blake3Log>(index, size, commitment(read), &path)
    });
    found.is_some_and(|found| found.as_bytes() == root)
}

/// Marks a read as opened; says `false` where it was.
fn mark(opened: &mut [u8], index: u32) -> bool {
    let bit = 1u8.checked_shl(index & 7).unwrap_or(0);
    let Some(byte) = usize::try_from(index >> 3).ok().and_then(|at| opened.get_mut(at)) else {
        return false;
    };
    let fresh = *byte & bit == 0;
    *byte |= bit;
    fresh
}
