//! One file a message of the engine. Each answers it; an error is fatal for voting.

pub(super) mod decided;
pub(super) mod decided_values;
pub(super) mod finalized;
pub(super) mod get_value;
pub(super) mod ready;
pub(super) mod received_part;
pub(super) mod restream;
pub(super) mod started_round;
pub(super) mod synced;
