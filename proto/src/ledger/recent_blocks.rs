//! The blocks that transactions may cite: at each block the one before comes in, and those too old
//! leave.

use crate::ledger::{Draft, Missing};
use crate::place::Place;
use crate::types::{Height, TimeMs, limits::RECENT_DROPPED};
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
    Ok(())
}
