//! What `liuhen-verify` says of a proof file, for other programs that show verdicts.

pub mod report;
