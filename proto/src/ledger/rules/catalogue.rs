//! The collector changes an entry of the catalogue, takes it out, or publishes a version of its data.

use super::{former, needs_keeper, needs_officer, sharing};
use crate::event::Outcome;
use crate::ledger::{Draft, Halt, Refusal};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::wire::{self, Right};

pub(super) fn update(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::UpdateDataset,
) -> Result<Outcome, Halt> {
    draft.actor(signer, &it.collector, Right::Collect)?;
    needs_officer(draft, signer)?;
    sharing::entry(draft, &it.dataset, &it.collector)?;
    let mut dataset = (*draft.dataset(&it.dataset)?).clone();
    dataset.registration = Some(it.as_registration());
    former::keep_dataset(draft, &it.dataset, &mut dataset)?;
    draft.put(Place::dataset(&it.dataset), dataset);
    Ok(Outcome::DONE)
}

pub(super) fn retire(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::RetireDataset,
) -> Result<Outcome, Halt> {
    draft.actor(signer, &it.collector, Right::Collect)?;
    needs_officer(draft, signer)?;
    sharing::entry(draft, &it.dataset, &it.collector)?;
    let mut dataset = (*draft.dataset(&it.dataset)?).clone();
    dataset.retired_height = Some(draft.context().height.get());
    dataset.retired_time_ms = Some(draft.context().time.get());
    draft.put(Place::dataset(&it.dataset), dataset);
    Ok(Outcome::DONE)
}

/// Versions are published by whoever keeps the data: an officer, or the system itself.
pub(super) fn publish(
    draft: &mut Draft<'_>,
    signer: &TxHeader,
    it: &wire::PublishVersion,
) -> Result<Outcome, Halt> {
    draft.actor(signer, &it.collector, Right::Collect)?;
    needs_keeper(draft, signer)?;
    sharing::entry(draft, &it.dataset, &it.collector)?;
    let mut dataset = (*draft.dataset(&it.dataset)?).clone();
    let before = dataset.version.take().unwrap_or_default();
    let expected = before.version.saturating_add(1);
    if it.version != expected {
        return Err(Refusal::WrongVersion { expected, found: it.version }.into());
    }
    if it.previous_digest != before.content_digest {
        return Err(Refusal::WrongPrevious(before.version).into());
    }
    dataset.version = Some(it.clone());
    draft.put(Place::dataset(&it.dataset), dataset);
    Ok(Outcome::DONE)
}
