//! Items on reading the ledger.

use super::{Checked, code, ensure, id, wrong};
use crate::place::TrailKind;
use crate::types::limits;
use crate::wire;

pub(super) fn record_reads(it: &wire::RecordReads) -> Checked {
    code("department", &it.department)?;
    let count = it.reads.len().saturating_add(it.sealed.len());
    ensure((1..=limits::READS).contains(&count), "reads", "1 to 128 reads are recorded together")?;
    for read in &it.reads {
        trail_read(read)?;
        ensure(read.salt.is_empty(), "reads.salt", "an open read has no salt")?;
    }
    for sealed in &it.sealed {
        code("sealed.department", &sealed.department)?;
        code("sealed.audit", &sealed.audit)?;
        id("sealed.commitment", &sealed.commitment)?;
    }
    Ok(())
}

fn trail_read(it: &wire::TrailRead) -> Checked {
    code("reads.department", &it.department)?;
    id("reads.identity_id", &it.identity_id)?;
    let kind = u8::try_from(it.trail_kind).ok().and_then(TrailKind::from_byte);
    let kind = kind.ok_or_else(|| wrong("reads.trail_kind", "unknown kind of trail"))?;
    ensure(kind.takes_id(&it.trail_id), "reads.trail_id", "no trail of this kind has such an id")
}

pub(super) fn open_audit(it: &wire::OpenAudit) -> Checked {
    code("department", &it.department)?;
    code("audit", &it.audit)
}

pub(super) fn close_audit(it: &wire::CloseAudit) -> Checked {
    code("department", &it.department)?;
    code("audit", &it.audit)
}

pub(super) fn open_reads(it: &wire::OpenReads) -> Checked {
    code("department", &it.department)?;
    code("audit_department", &it.audit_department)?;
    code("audit", &it.audit)?;
    let count = it.reads.len();
    ensure((1..=limits::READS).contains(&count), "reads", "1 to 128 reads are opened together")?;
    for read in &it.reads {
        trail_read(read)?;
        id("reads.salt", &read.salt)?;
    }
    Ok(())
}
