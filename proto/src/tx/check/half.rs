//! Items on the user's half of an access.

use super::{Checked, code, ensure, id, id_if_given};
use crate::wire;

pub(super) fn acknowledge(it: &wire::Acknowledge) -> Checked {
    parties(&it.request_id, [&it.dataset, &it.collector, &it.using_department])?;
    id("gateway_id", &it.gateway_id)?;
    ensure(it.access_no > 0, "access_no", "numbers begin at 1")?;
    id_if_given("result_digest", &it.result_digest)
}

pub(super) fn acknowledge_hour(it: &wire::AcknowledgeHour) -> Checked {
    parties(&it.request_id, [&it.dataset, &it.collector, &it.using_department])?;
    id("root", &it.root)
}

fn parties(request_id: &[u8], [dataset, collector, using_department]: [&str; 3]) -> Checked {
    id("request_id", request_id)?;
    code("dataset", dataset)?;
    code("collector", collector)?;
    code("using_department", using_department)
}
