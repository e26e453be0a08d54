//! Headers: what a block commits to, who signs it, and what a chain begins with.

pub mod block;
pub mod certificate;
pub mod checkpoint;
pub mod founding;
pub mod note;
pub mod turns;
pub mod validators;
