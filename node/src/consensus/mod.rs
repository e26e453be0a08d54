//! The adapter to the Malachite engine: its types, signing, codec, and one file a message under
//! `handle/`. Nothing outside this room knows the engine.

mod adapter;
#[doc(hidden)]
pub mod again;
mod codec;
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
pub use links::WithoutLinks;
pub use settings::EngineSettings;
pub use start::{Engine, Started, look_over, start, stop};
pub use withheld::{Alone, Judged, Others, Why, Withheld, judge};
