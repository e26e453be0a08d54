//! Deciding before serving (安全闸口): what the ledger makes of an access, by objects that were proved at one header.
//!
//! It is the rule that nodes apply when the record comes, with that header as the height by which the gateway decided. What the
//! ledger gets to know between is not known here: others' records under the same grant, and what ends in the meantime.

pub use super::record_access::CountsOn;
use super::set_aside::Holder;
pub use super::uses::Uses;
use super::{coverage, own_grant, record_access, set_aside, uses};
use crate::event::Outcome;
use crate::header::block::Header;
use crate::ledger::{BlockContext, Draft, Halt, Missing, Object, View, calendar};
use crate::place::{ObjectKind, Place};
use crate::tx::TxHeader;
use crate::types::{BlockId, Height, IdentityId, KeyId, RequestId, TimeMs};
use crate::wire;

/// What whoever decides has of the ledger, all proved at one header.
pub trait Proved {
    /// The object at a place; `None` if none stands there. Errors where it was not proved: it is to be asked for.
    fn object(&self, place: &Place) -> Result<Option<Object>, Missing>;
}

/// A gateway that decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway {
    /// Of which department.
    pub department: String,
    /// Its identity.
    pub identity: IdentityId,
    /// The key by which it will sign.
    pub key: KeyId,
}

/// A decision's place: the header at which all was proved, and the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Height, time and id of the header.
    pub height: Height,
    /// Its time.
    pub header_time: TimeMs,
    /// Its id.
    pub header_id: BlockId,
    /// The gateway's clock.
    pub now: TimeMs,
}

impl Moment {
    /// By a header, now.
    #[must_use]
    pub fn new(header: &Header, now: TimeMs) -> Self {
        let (height, header_time) = (header.height, header.time);
        Self { height, header_time, header_id: header.block_id(), now }
    }

    /// The block that comes next, as if it came now.
    fn next_block(&self) -> BlockContext {
        BlockContext {
            height: self.height.next(),
            time: self.now.max(self.header_time),
            parent_id: self.header_id,
            parent_time: self.header_time,
            carried_round: None,
        }
    }
}

/// What the ledger would make of a record, whose `decided_height` is the moment's. Errors where a rule refuses it, or where an
/// object is missing.
pub fn decide(
    proved: &dyn Proved,
    gateway: &Gateway,
    moment: Moment,
    record: &wire::RecordAccess,
) -> Result<Outcome, Halt> {
    let view = Now { proved, moment };
    let signer = signer(gateway, moment);
    let draft = Draft::over(&view, moment.next_block(), signer.chain);
    let (outcome, _) = record_access::judge(&draft, &signer, record)?;
    let names_others = own_grant::names_others(&draft, record)?;
    Ok(Outcome { names_others, ..outcome })
}

/// The grants on whose use a record counts: its own, and all that these hang from.
pub fn counts_on(
    proved: &dyn Proved,
    gateway: &Gateway,
    moment: Moment,
    record: &wire::RecordAccess,
) -> Result<Vec<CountsOn>, Halt> {
    let view = Now { proved, moment };
    let draft = Draft::over(&view, moment.next_block(), signer(gateway, moment).chain);
    record_access::counted_on(&draft, record)
}

/// Adds to the use of a grant what a gateway's record counts on it that is not on the ledger yet. `named` is the grant that the record names.
pub fn add_use(
    used: &mut wire::GrantUse,
    (gateway, named): (&IdentityId, &RequestId),
    record: &wire::RecordAccess,
    now: TimeMs,
    parameters: &wire::Parameters,
) {
    let (day, since) = (coverage::day_of(record, now), set_aside::open_since(now, parameters));
    let holder = Holder { gateway: gateway.as_bytes(), named: named.as_bytes() };
    uses::add_use(used, holder, record, day, since);
}

/// Whether a record's use may be added with others', as long as it is no older than an hour.
pub fn is_summable(record: &wire::RecordAccess) -> bool {
    record.statement_digest.is_empty()
}

/// The day on whose quota an access of a time counts that is recorded as it happens.
pub fn day_of(time: TimeMs) -> u64 {
    calendar::day_of(time)
}

/// The same as [`add_use`] for each of several records of one day.
pub fn add_uses(
    used: &mut wire::GrantUse,
    (gateway, named): (&IdentityId, &RequestId),
    (day, uses): (u64, Uses),
    now: TimeMs,
    parameters: &wire::Parameters,
) {
    let on = set_aside::OfDay { day, runs: day == calendar::day_of(now) };
    let since = set_aside::open_since(now, parameters);
    let holder = Holder { gateway: gateway.as_bytes(), named: named.as_bytes() };
    uses::add_uses(used, holder, uses, on, since);
}

/// Who signs, as the rules want to know it.
fn signer(gateway: &Gateway, moment: Moment) -> TxHeader {
    TxHeader {
        chain: crate::types::ChainId::ZERO,
        key: gateway.key,
        seq: 0,
        recent_height: moment.height,
        recent_block: moment.header_id,
        claimed_time: moment.now,
        item_count: 1,
        items_root: crate::types::Hash::ZERO,
        department: gateway.department.clone(),
        identity: gateway.identity,
    }
}

/// The state at the moment's header; the header itself stands among recent blocks one block later.
struct Now<'a> {
    proved: &'a dyn Proved,
    moment: Moment,
}

impl View for Now<'_> {
    fn object(&self, place: &Place) -> Result<Option<Object>, Missing> {
        match place.object_kind() {
            Some(ObjectKind::RecentBlock) if *place == Place::recent_block(self.moment.height) => {
                let (block_id, time_ms) =
                    (self.moment.header_id.to_vec(), self.moment.header_time.get());
                Ok(Some(Object::from(wire::RecentBlock { block_id, time_ms })))
            }
            Some(_) | None => self.proved.object(place),
        }
    }

    fn trail_size(&self, trail: &Place) -> Result<u64, Missing> {
        Err(Missing(trail.clone()))
    }

    fn timers_due(&self, _: TimeMs, _: usize) -> Result<Vec<Place>, Missing> {
        Ok(Vec::new())
    }
}
