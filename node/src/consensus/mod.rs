//! The adapter to the Malachite engine: its types, signing, codec, and one file a message under
//! `handle/`. Nothing outside this room knows the engine.

mod adapter;
#[doc(hidden)]
pub mod again;
#[doc(hidden)]
pub mod by_hand;
#[doc(hidden)]
pub mod codec;
mod conduct;
mod exchange;
mod handle;
mod links;
#[doc(hidden)]
pub mod parts;
mod settings;
#[doc(hidden)]
pub mod signing;
mod start;
#[doc(hidden)]
pub mod types;
mod wal;
mod withheld;

pub use adapter::{Adapter, AdapterParts, End};
pub use conduct::{Conduct, Honest, Network};
pub use exchange::Exchange;
pub(crate) use exchange::relay::Asking;
pub use links::WithoutLinks;
pub use settings::EngineSettings;
pub use start::{Engine, Started, look_over, start, stop};
pub(crate) use start::{log_of, look_over_unlocked};
pub use withheld::{Alone, Judged, Others, Why, Withheld, judge};
