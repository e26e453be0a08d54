//! A collector enters a dataset in the catalogue.

use super::{gateways, needs_officer};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::wire;
use std::sync::Arc;

pub(super) fn apply(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::RegisterDataset,
) -> Result<Outcome, Halt> {
    draft.actor(signer, &it.collector, wire::Right::Collect)?;
    needs_officer(draft, signer)?;
    let place = Place::dataset(&it.dataset);
    let known: Option<Arc<wire::Dataset>> = draft.get(&place)?;
    if known.is_some() {
        return Err(Refusal::DatasetExists(it.dataset.clone()).into());
    }
    let dataset = wire::Dataset {
        registration: Some(it.clone()),
        registered_height: draft.context().height.get(),
        registered_time_ms: draft.context().time.get(),
        ..wire::Dataset::default()
    };
    draft.put(place, dataset);
    gateways::wants_gateway(draft, &it.dataset)?;
    Ok(Outcome::DONE)
}
