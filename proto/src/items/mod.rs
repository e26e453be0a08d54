//! Items: what transactions say. One domain is one room, and one file holds all that a kind of item is: what it must be
//! ([`ItemKind::check`](kind::ItemKind::check)), where it is filed, and its rule.
//!
//! | file | holds |
//! |---|---|
//! | [`table`] | every kind once: its number, name, domain |
//! | `kind` | what a kind of item says of itself |
//! | `fields` | what fields must be |
//! | `due` | what a timer does |
//! | [`member`] … [`reading`] | the kinds, by what they are about |

pub mod access;
pub mod catalogue;
pub(crate) mod due;
mod error;
pub(crate) mod fields;
pub mod governance;
mod item;
pub(crate) mod kind;
pub mod member;
pub mod oversight;
pub mod reading;
pub mod sharing;
pub mod table;
mod trails;

pub use error::ItemError;
pub use item::{Item, item_digest};
pub use table::{cosign_message, kind_name};
pub use trails::trails;
