//! A collector enters a dataset in the catalogue.

use crate::event::Outcome;
use crate::items::access::gateways;
use crate::items::fields::{Checked, ascending, category, code, ensure, grade, id, title};
use crate::items::kind::ItemKind;
use crate::ledger::{Draft, Halt, Refusal, authority::needs_officer};
use crate::place::Place;
use crate::tx::TxHeader;
use crate::types::limits;
use crate::wire;
use std::sync::Arc;

impl ItemKind for wire::RegisterDataset {
    fn check(&self) -> Checked {
        code("dataset", &self.dataset)?;
        code("collector", &self.collector)?;
        title("title_zh", &self.title_zh)?;
        title("title_en", &self.title_en)?;
        let titled = !self.title_zh.is_empty() || !self.title_en.is_empty();
        ensure(titled, "title_zh", "a title in Chinese or English is needed")?;
        grade("grade", self.grade)?;
        category("category", self.category, true)?;
        id("schema_digest", &self.schema_digest)?;
        ensure(!self.fields.is_empty(), "fields", "a dataset has at least one field")?;
        let names: Vec<&str> = self.fields.iter().map(|field| field.name.as_str()).collect();
        ascending("fields", &names, limits::FIELDS)?;
        for field in &self.fields {
            code("fields.name", &field.name)?;
            grade("fields.grade", field.grade)?;
            category("fields.category", field.category, false)?;
        }
        Ok(())
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
        draft.actor(signer, &self.collector, wire::Right::Collect)?;
        needs_officer(draft, signer)?;
        let place = Place::dataset(&self.dataset);
        let known: Option<Arc<wire::Dataset>> = draft.get(&place)?;
        if known.is_some() {
            return Err(Refusal::DatasetExists(self.dataset.clone()).into());
        }
        let dataset = wire::Dataset {
            registration: Some(self.clone()),
            registered_height: draft.context().height.get(),
            registered_time_ms: draft.context().time.get(),
            ..wire::Dataset::default()
        };
        draft.put(place, dataset);
        gateways::wants_gateway(draft, &self.dataset)?;
        Ok(Outcome::DONE)
    }
}
