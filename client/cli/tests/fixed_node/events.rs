//! Events as a node sends them.

use super::people::{GATEWAY, PORTAL, Who};
use super::{HOUR, REQUEST, T0, chain};
use liuhen_proto::event::ledger::LedgerEvent;
use liuhen_proto::event::{EventLeaf, Outcome, Reason, Timeliness, Verdict};
use liuhen_proto::items::{Item, item_digest};
use liuhen_proto::tx::TxHeader;
use liuhen_proto::types::{BlockId, Hash, Height, IdentityId, TimeMs, TxId};
use liuhen_proto::wire::{self, *};

/// Of a record at once, under its grant.
pub const COVERED: Outcome = Outcome {
    verdict: Verdict::Covered,
    reason: Reason::None,
    timeliness: Timeliness::Live,
    future: false,
    names_others: false,
};

/// A record of the gateway, under the grant.
pub fn record(access_no: u64) -> RecordAccess {
    RecordAccess {
        channel: wire::Channel::Door as i32,
        collector: "gz.psb".into(),
        access_no,
        decision: Decision::Served as i32,
        accesses: vec![DatasetAccess {
            dataset: "civil.resident".into(),
            operation: Operation::Read as i32,
            request_id: REQUEST.to_vec(),
            ..DatasetAccess::default()
        }],
        asker: Some(Party {
            department: "gz.bdb".into(),
            identity_id: PORTAL.id(),
            assurance: Assurance::Verified as i32,
            ..Party::default()
        }),
        subjects: Some(Subjects { tags: vec![vec![0x12; 32]], ..Subjects::default() }),
        query_digest: vec![0x34; 32],
        row_count: Some(3),
        access_time_ms: T0,
        ..RecordAccess::default()
    }
}

/// An item as everybody here makes it: its nonce is always the same.
pub fn item(kind: impl Into<item::Kind>) -> Item {
    Item::new([7; 16], kind.into()).unwrap()
}

/// Where an event is: in one block, whichever trail it is read from. The node stands at height 7.
#[derive(Clone, Copy)]
pub struct At(pub u64, pub u32);

fn leaf(at: At, origin: TxId, digest: Hash, outcome: Outcome) -> EventLeaf {
    EventLeaf {
        height: Height::new(at.0),
        index: at.1,
        time: time_of(at.0),
        origin,
        item: 0,
        digest,
        outcome,
    }
}

/// A block each hour; that of the accesses is height 5.
fn time_of(height: u64) -> TimeMs {
    TimeMs::new(T0 + height * HOUR - 5 * HOUR)
}

/// An item that somebody signed.
pub fn signed(at: At, by: Who, kind: impl Into<item::Kind>, outcome: Outcome) -> TrailEvent {
    let item = item(kind);
    let header = TxHeader {
        chain: chain::founding().chain(),
        key: by.key().public().key_id(),
        seq: 1,
        recent_height: Height::new(at.0 - 1),
        recent_block: BlockId::new([2; 32]),
        claimed_time: time_of(at.0),
        item_count: 1,
        items_root: Hash::new([0; 32]),
        department: by.0.into(),
        identity: IdentityId::new([by.3; 32]),
    };
    let origin = TxId::new([0xd0 + u8::try_from(at.0).unwrap(); 32]);
    let leaf = leaf(at, origin, item_digest(item.bytes()), outcome);
    TrailEvent {
        number: 0,
        leaf: leaf.to_bytes().to_vec(),
        header: header.to_bytes(),
        item: item.bytes().to_vec(),
        ledger_event: Vec::new(),
    }
}

pub fn done(at: At, by: Who, kind: impl Into<item::Kind>) -> TrailEvent {
    signed(at, by, kind, Outcome::DONE)
}

/// An event that the rules made.
pub fn made(at: At, kind: ledger_event::Kind) -> TrailEvent {
    let cause = Cause { key_id: GATEWAY.key().public().key_id().to_vec(), number: 1 };
    let event = LedgerEvent::new(cause, kind);
    TrailEvent {
        number: 0,
        leaf: leaf(at, TxId::ZERO, event.digest(), Outcome::DONE).to_bytes().to_vec(),
        ledger_event: event.bytes().to_vec(),
        ..TrailEvent::default()
    }
}
