//! What an exchange platform states (数据共享交换平台): its catalogue, approvals and calls, as xlsx or CSV, read by a [`Mapping`]. A [`List`] is put on record whole, as the
//! platform's word: rows stay here, each with a salt, and each can be shown to be in it.

mod list;
mod mapping;

pub use list::{InList, List, Row};
pub use mapping::{Kind, Mapping, time_of};

#[cfg(test)]
mod tests;
