//! What a department, a dataset, a grant or the parameters were before a change: accesses of then are judged by it, also
//! by who checks them much later.

use crate::ledger::{Draft, Halt, Object};
use crate::place::Place;
use crate::types::RequestId;
use crate::wire;
use std::sync::Arc;

/// Keeps what a department was, and notes in the new one since when it is so.
pub(crate) fn keep_department(
    draft: &mut Draft<'_>,
    new: &mut wire::Department,
) -> Result<(), Halt> {
    let place = Place::department(&new.code);
    let before: Option<Arc<wire::Department>> = draft.get(&place)?;
    if let Some(before) = before {
        keep(draft, &place, before.since_height, &Object::Department(before));
    }
    new.since_height = draft.context().height.get();
    Ok(())
}

/// Keeps what a dataset was, and notes in the new one since when it is so.
pub(crate) fn keep_dataset(
    draft: &mut Draft<'_>,
    code: &str,
    new: &mut wire::Dataset,
) -> Result<(), Halt> {
    let before = draft.dataset(code)?;
    let since = before.since_height.max(before.registered_height);
    keep(draft, &Place::dataset(code), since, &Object::Dataset(before));
    new.since_height = draft.context().height.get();
    Ok(())
}

/// Keeps what a grant was, and notes in the new one since when its parties are these.
pub(crate) fn keep_grant(draft: &mut Draft<'_>, new: &mut wire::Grant) -> Result<(), Halt> {
    let place = Place::grant(&RequestId::from_slice(&new.request_id).unwrap_or_default());
    let before: Option<Arc<wire::Grant>> = draft.get(&place)?;
    if let Some(before) = before {
        let made = before.steps.first().map_or(0, |step| step.height);
        keep(draft, &place, before.since_height.max(made), &Object::Grant(before));
    }
    new.since_height = draft.context().height.get();
    Ok(())
}

/// Keeps what the parameters were, and notes in the new ones since when they are so.
pub(crate) fn keep_parameters(
    draft: &mut Draft<'_>,
    new: &mut wire::Parameters,
) -> Result<(), Halt> {
    let before = draft.parameters()?;
    keep(draft, &Place::parameters(), before.since_height, &Object::Parameters(before));
    new.since_height = draft.context().height.get();
    Ok(())
}

/// What stood within a block only is not kept: nothing is judged by it later.
fn keep(draft: &mut Draft<'_>, place: &Place, since_height: u64, before: &Object) {
    let height = draft.context().height;
    if since_height < height.get() {
        let object = before.to_bytes();
        draft.put(Place::former(place, height), wire::Former { since_height, object });
    }
}
