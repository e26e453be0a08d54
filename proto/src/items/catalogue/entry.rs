//! The collector changes an entry of the catalogue, takes it out, or publishes a version of its data.

use crate::event::Outcome;
use crate::items::fields::{Checked, code, ensure, id, id_if_given};
use crate::items::kind::ItemKind;
use crate::items::sharing::grant;
use crate::ledger::{
    Draft, Halt, Refusal,
    authority::{needs_keeper, needs_officer},
    former,
};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::wire::{self, Right};

impl ItemKind for wire::UpdateDataset {
    fn check(&self) -> Checked {
        self.as_registration().check()
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::dataset_trail(&self.dataset)]
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        draft.actor(signer, &self.collector, Right::Collect)?;
        needs_officer(draft, signer)?;
        grant::entry(draft, &self.dataset, &self.collector)?;
        let mut dataset = (*draft.dataset(&self.dataset)?).clone();
        dataset.registration = Some(self.as_registration());
        former::keep_dataset(draft, &self.dataset, &mut dataset)?;
        draft.put(Place::dataset(&self.dataset), dataset);
        Ok(Outcome::DONE)
    }
}

impl ItemKind for wire::RetireDataset {
    fn check(&self) -> Checked {
        code("dataset", &self.dataset)?;
        code("collector", &self.collector)?;
        id("reason_digest", &self.reason_digest)
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::dataset_trail(&self.dataset)]
    }

    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        draft.actor(signer, &self.collector, Right::Collect)?;
        needs_officer(draft, signer)?;
        grant::entry(draft, &self.dataset, &self.collector)?;
        let mut dataset = (*draft.dataset(&self.dataset)?).clone();
        dataset.retired_height = Some(draft.context().height.get());
        dataset.retired_time_ms = Some(draft.context().time.get());
        draft.put(Place::dataset(&self.dataset), dataset);
        Ok(Outcome::DONE)
    }
}

impl ItemKind for wire::PublishVersion {
    fn check(&self) -> Checked {
        code("dataset", &self.dataset)?;
        code("collector", &self.collector)?;
        ensure(self.version > 0, "version", "versions begin at 1")?;
        id("content_digest", &self.content_digest)?;
        id_if_given("previous_digest", &self.previous_digest)?;
        let first = self.previous_digest.is_empty();
        ensure(
            first == (self.version == 1),
            "previous_digest",
            "all but the first version have one",
        )
    }

    fn trails(&self, _header: &TxHeader, _number: u32) -> Vec<Place> {
        vec![Place::dataset_trail(&self.dataset)]
    }

    /// Versions are published by whoever keeps the data: an officer, or the system itself.
    fn apply(
        &self,
        draft: &mut Draft<'_>,
        signer: &TxHeader,
        _number: u32,
    ) -> Result<Outcome, Halt> {
        draft.actor(signer, &self.collector, Right::Collect)?;
        needs_keeper(draft, signer)?;
        grant::entry(draft, &self.dataset, &self.collector)?;
        let mut dataset = (*draft.dataset(&self.dataset)?).clone();
        let before = dataset.version.take().unwrap_or_default();
        let expected = before.version.saturating_add(1);
        if self.version != expected {
            return Err(Refusal::WrongVersion { expected, found: self.version }.into());
        }
        if self.previous_digest != before.content_digest {
            return Err(Refusal::WrongPrevious(before.version).into());
        }
        dataset.version = Some(self.clone());
        draft.put(Place::dataset(&self.dataset), dataset);
        Ok(Outcome::DONE)
    }
}

impl wire::UpdateDataset {
    /// The entry as it is from now on.
    pub fn as_registration(&self) -> wire::RegisterDataset {
        wire::RegisterDataset {
            dataset: self.dataset.clone(),
            collector: self.collector.clone(),
            title_zh: self.title_zh.clone(),
            title_en: self.title_en.clone(),
            grade: self.grade,
            category: self.category,
            fields: self.fields.clone(),
            schema_digest: self.schema_digest.clone(),
        }
    }
}
