//! What each kind of item says of itself.

use crate::event::Outcome;
use crate::items::error::ItemError;
use crate::ledger::{Draft, Halt};
use crate::place::Place;
use crate::tx::TxHeader;

/// Whether an item can be, whatever the ledger says.
pub(crate) type Checked = Result<(), ItemError>;

/// A kind of item. Its file says all that the protocol knows of it.
pub(crate) trait ItemKind {
    /// What it must be whatever the ledger says: lengths, codes, known enum values, order.
    fn check(&self) -> Checked;

    /// Where its event is filed, but for the trail of the key that signed, where all are: a pure function of the
    /// transaction's header and of item `number`, so that a verifier can recompute it from bytes.
    fn trails(&self, header: &TxHeader, number: u32) -> Vec<Place>;

    /// A trail that comes right behind the key's, before the others in their order.
    fn first_trail(&self, _header: &TxHeader) -> Option<Place> {
        None
    }

    /// Its rule: what item `number` of a transaction does to the ledger, or why it does nothing.
    fn apply(&self, draft: &mut Draft<'_>, signer: &TxHeader, number: u32)
    -> Result<Outcome, Halt>;
}
