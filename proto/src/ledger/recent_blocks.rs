//! The blocks that transactions may cite: at each block the one before comes in, and those too old
//! leave.

use crate::ledger::{Draft, Missing, calendar};
use crate::place::Place;
use crate::types::{
    Height, TimeMs,
    limits::{self, RECENT_DROPPED},
};
use crate::wire;
use std::sync::Arc;

/// Moves the window on to the block before this one.
pub(crate) fn begin(draft: &mut Draft<'_>) -> Result<(), Missing> {
    let context = *draft.context();
    let parent = context.height.previous();
    let block_id = context.parent_id.to_vec();
    let recent = wire::RecentBlock { block_id, time_ms: context.parent_time.get() };
    draft.put(Place::recent_block(parent), recent);

    let window: Option<Arc<wire::RecentWindow>> = draft.get(&Place::recent_window())?;
    let mut oldest = window.map_or(parent.get(), |window| window.oldest_height);
    let parameters_place = Place::parameters();
    let parameters: Arc<wire::Parameters> =
        draft.get(&parameters_place)?.ok_or(Missing(parameters_place))?;
    for _ in 0..RECENT_DROPPED {
        let height = Height::new(oldest);
        let too_old = draft.recent_block(height)?.is_none_or(|block| {
            context.time.since(TimeMs::new(block.time_ms)) > parameters.recent_block_age_ms
        });
        if height >= parent || !too_old {
            break;
        }
        draft.remove(Place::recent_block(height));
        oldest = oldest.saturating_add(1);
    }
    let window = wire::RecentWindow { oldest_height: oldest, next_height: context.height.get() };
    draft.put(Place::recent_window(), window);
    day_begins(draft)
}

/// Keeps the first heights of the last days.
fn day_begins(draft: &mut Draft<'_>) -> Result<(), Missing> {
    let (day, height) = (calendar::day_of(draft.context().time), draft.context().height.get());
    let known: Option<Arc<wire::DayHeights>> = draft.get(&Place::day_heights())?;
    let mut known = known.map(|it| (*it).clone()).unwrap_or_default();
    if known.days.last().is_some_and(|it| it.day >= day) {
        return Ok(());
    }
    known.days.push(wire::DayHeight { day, height });
    let from = day.saturating_sub(u64::from(limits::EVIDENCE_DAYS));
    known.days.retain(|it| it.day >= from);
    draft.put(Place::day_heights(), known);
    Ok(())
}

/// The local day of a height's block; `None` where that is more than the days ago that are kept. A height to come is of
/// today.
pub(crate) fn day_of(draft: &Draft<'_>, height: Height) -> Result<Option<u64>, Missing> {
    let known: Option<Arc<wire::DayHeights>> = draft.get(&Place::day_heights())?;
    let from =
        calendar::day_of(draft.context().time).saturating_sub(u64::from(limits::EVIDENCE_DAYS));
    let days = known.iter().flat_map(|it| &it.days).rev();
    let of = days.filter(|it| it.day >= from).find(|it| it.height <= height.get());
    Ok(of.map(|it| it.day))
}
