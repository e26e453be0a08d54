//! Datasets: what there is, how sensitive it is, and what was published; and what a platform states of such.

pub(crate) mod entry;
pub(crate) mod register_dataset;
mod state_list;

#[cfg(test)]
pub(crate) mod tests;
