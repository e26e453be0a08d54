//! Who signed blocks at any height: the schedule has the sets that are needed still, those before are kept as what it was
//! until the height at which they ended.

use crate::header::validators::ValidatorSet;
use crate::ledger::{Draft, Halt, seal};
use crate::place::Place;
use crate::types::Height;
use crate::wire;
use prost::Message;
use std::sync::Arc;

/// How many changes back a set is looked for.
const CHANGES_BACK: usize = 256;

/// Takes the sets out of a schedule that no later block needs, and keeps them. `next`: the next height.
pub(crate) fn keep_past(draft: &mut Draft<'_>, schedule: &mut wire::ValidatorSchedule, next: u64) {
    let signing = schedule.sets.iter().rposition(|it| it.from_height <= next).unwrap_or(0);
    let past: Vec<wire::ScheduledValidators> = schedule.sets.drain(..signing).collect();
    let ends = past.iter().skip(1).chain(schedule.sets.first()).map(|it| it.from_height);
    let ends: Vec<u64> = ends.collect();
    for (set, end) in past.into_iter().zip(ends) {
        let since_height = set.from_height;
        let object = wire::ValidatorSchedule { sets: vec![set] }.encode_to_vec();
        let place = Place::former(&Place::validator_schedule(), Height::new(end));
        draft.put(place, wire::Former { since_height, object });
    }
}

/// The validators that sign a height; `None` where that is too many changes ago.
pub(crate) fn at(draft: &Draft<'_>, height: Height) -> Result<Option<ValidatorSet>, Halt> {
    let place = Place::validator_schedule();
    let schedule: Option<Arc<wire::ValidatorSchedule>> = draft.get(&place)?;
    let Some(schedule) = schedule else { return Ok(None) };
    if let Some(set) = seal::validators_at(&schedule, height) {
        return Ok(Some(set));
    }
    let mut until = schedule.sets.first().map_or(0, |it| it.from_height);
    for _ in 0..CHANGES_BACK {
        let former: Option<Arc<wire::Former>> =
            draft.get(&Place::former(&place, Height::new(until)))?;
        let Some(former) = former else { return Ok(None) };
        if former.since_height <= height.get() {
            let schedule = wire::ValidatorSchedule::decode(former.object.as_slice()).ok();
            return Ok(schedule.and_then(|it| seal::validators_at(&it, height)));
        }
        until = former.since_height;
    }
    Ok(None)
}
