//! Items on the catalogue.

use super::{Checked, ascending, category, code, ensure, grade, id, id_if_given, title};
use crate::types::limits;
use crate::wire;

pub(super) fn register_dataset(it: &wire::RegisterDataset) -> Checked {
    code("dataset", &it.dataset)?;
    code("collector", &it.collector)?;
    title("title_zh", &it.title_zh)?;
    title("title_en", &it.title_en)?;
    let titled = !it.title_zh.is_empty() || !it.title_en.is_empty();
    ensure(titled, "title_zh", "a title in Chinese or English is needed")?;
    grade("grade", it.grade)?;
    category("category", it.category, true)?;
    id("schema_digest", &it.schema_digest)?;
    ensure(!it.fields.is_empty(), "fields", "a dataset has at least one field")?;
    let names: Vec<&str> = it.fields.iter().map(|field| field.name.as_str()).collect();
    ascending("fields", &names, limits::FIELDS)?;
    for field in &it.fields {
        code("fields.name", &field.name)?;
        grade("fields.grade", field.grade)?;
        category("fields.category", field.category, false)?;
    }
    Ok(())
}

pub(super) fn update_dataset(it: &wire::UpdateDataset) -> Checked {
    register_dataset(&it.as_registration())
}

pub(super) fn retire_dataset(it: &wire::RetireDataset) -> Checked {
    code("dataset", &it.dataset)?;
    code("collector", &it.collector)?;
    id("reason_digest", &it.reason_digest)
}

pub(super) fn publish_version(it: &wire::PublishVersion) -> Checked {
    code("dataset", &it.dataset)?;
    code("collector", &it.collector)?;
    ensure(it.version > 0, "version", "versions begin at 1")?;
    id("content_digest", &it.content_digest)?;
    id_if_given("previous_digest", &it.previous_digest)?;
    let first = it.previous_digest.is_empty();
    ensure(first == (it.version == 1), "previous_digest", "all but the first version have one")
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
