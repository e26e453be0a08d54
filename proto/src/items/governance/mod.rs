//! What the members decide together, and how it takes effect.

pub(crate) mod enact;
pub(crate) mod propose;
pub(crate) mod validator_history;

#[cfg(test)]
pub(crate) mod tests;
