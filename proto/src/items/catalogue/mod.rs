//! Datasets: what there is, how sensitive it is, and what was published.

pub(crate) mod entry;
pub(crate) mod register_dataset;

#[cfg(test)]
pub(crate) mod tests;
