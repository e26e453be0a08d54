//! Items on records kept secret for a time.

use super::{Checked, code, ensure, id, record, wrong};
use crate::wire;

pub(super) fn order_sealing(it: &wire::OrderSealing) -> Checked {
    code("authority", &it.authority)?;
    code("collector", &it.collector)?;
    id("decision_digest", &it.decision_digest)
}

pub(super) fn extend_sealing(it: &wire::ExtendSealing) -> Checked {
    code("authority", &it.authority)?;
    id("order_id", &it.order_id)?;
    id("decision_digest", &it.decision_digest)
}

pub(super) fn record_sealed(it: &wire::RecordSealed) -> Checked {
    code("collector", &it.collector)?;
    code("authority", &it.authority)?;
    id("order_id", &it.order_id)?;
    ensure(it.access_no > 0, "access_no", "numbers begin at 1")?;
    id("commitment", &it.commitment)
}

pub(super) fn open_sealed(it: &wire::OpenSealed) -> Checked {
    code("authority", &it.authority)?;
    id("order_id", &it.order_id)?;
    id("gateway_id", &it.gateway_id)?;
    ensure(it.salt.len() == 16, "salt", "16 bytes are needed")?;
    record::record_access(it.record.as_ref().ok_or_else(|| wrong("record", "it is needed"))?)
}
