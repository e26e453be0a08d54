//! What each kind of trail and object is asked of: one that there is, and one that there is not.

use super::ledger::REGULATOR;
use liuhen_proto::place::{ObjectKind, Place, TrailKind};
use liuhen_proto::types::{Height, IdentityId, KeyId, TimeMs};
use liuhen_tests::things::{BULK, GATEWAY, OPEN, RESIDENT, Things};

/// An id that nothing has.
pub const NOBODY: [u8; 32] = [0xee; 32];
/// A code that nothing has.
pub const NO_CODE: &str = "gz.none";

/// The ids of a thing, and of one of its kind that there is not; none where all that there is of the kind is known to
/// every member, or by its name.
pub type Ids = (Vec<u8>, Option<Vec<u8>>);

fn of_code(code: &str) -> Ids {
    (code.as_bytes().to_vec(), Some(NO_CODE.as_bytes().to_vec()))
}

fn of_id(id: &[u8]) -> Ids {
    (id.to_vec(), Some(NOBODY.to_vec()))
}

fn known(id: &[u8]) -> Ids {
    (id.to_vec(), None)
}

/// The trail of a kind that is asked for.
pub fn of_trail(kind: TrailKind, things: &Things) -> Ids {
    let numbered = |gateway: &[u8]| [gateway, &BULK.to_be_bytes()].concat();
    match kind {
        TrailKind::Key => of_id(&things.key(GATEWAY)),
        TrailKind::Department => known(b"gz.tax"),
        TrailKind::Identity => known(&things.identity(("hrss", "portal"))),
        TrailKind::Dataset => of_code(RESIDENT),
        TrailKind::Grant | TrailKind::Use | TrailKind::Acknowledgements => {
            of_id(things.grant.as_bytes())
        }
        // Of the same collector: whether a tag stands is the secret.
        TrailKind::Subject => {
            let of = |tag: &[u8]| [b"gz.psb".as_slice(), tag].concat();
            (of(things.tag().as_bytes()), Some(of(&NOBODY)))
        }
        TrailKind::Case => of_id(&things.case),
        TrailKind::Product => of_id(&things.product),
        TrailKind::Governance => known(b""),
        TrailKind::Gateway | TrailKind::IdentityIntegrity => of_id(&things.identity(GATEWAY)),
        TrailKind::Integrity | TrailKind::Unlisted | TrailKind::Alert => of_code("gz.psb"),
        TrailKind::Sealed => of_code("gz.sec"),
        TrailKind::BulkTags => {
            (numbered(&things.identity(GATEWAY)), Some(numbered(NOBODY.as_slice())))
        }
    }
}

/// More trails, whose readers are others than those of the first of their kind.
pub fn more_trails(things: &Things) -> Vec<(TrailKind, Ids)> {
    vec![
        (TrailKind::Identity, known(&things.identity(REGULATOR))),
        (TrailKind::Dataset, of_code(OPEN)),
        (TrailKind::Grant, of_id(things.standing.as_bytes())),
        (TrailKind::Grant, of_id(things.passed_on.as_bytes())),
        (TrailKind::Use, of_id(things.standing.as_bytes())),
        (TrailKind::Use, of_id(things.passed_on.as_bytes())),
    ]
}

/// The object of a kind that is asked for. Of what stands for the ledger's rules alone any of the form will do.
pub fn of_object(kind: ObjectKind, things: &Things) -> Ids {
    use ObjectKind as Is;
    let (portal, gateway) = (things.identity(("hrss", "portal")), things.identity(GATEWAY));
    let place = |place: Place| known(place.id());
    match kind {
        Is::Request | Is::Grant | Is::GrantUse | Is::GrantProducts => {
            of_id(things.grant.as_bytes())
        }
        Is::Gateway | Is::GatewaySetup => of_id(&gateway),
        Is::Case => of_id(&things.case),
        Is::Product => of_id(&things.product),
        Is::AlertBook | Is::Score => of_code("gz.psb"),
        // Another number of the same department: how many there are is the secret.
        Is::Alert | Is::IntegrityEvent => {
            let of = |number| Place::alert("gz.psb", number).id().to_vec();
            (of(1), Some(of(9)))
        }
        Is::Proposal => known(&things.proposal),
        Is::Department | Is::Beneath | Is::UnknownCount | Is::Roster => known(b"gz.psb"),
        Is::Dataset | Is::DatasetGateways => known(RESIDENT.as_bytes()),
        Is::Identity | Is::IdentityWatch => {
            place(Place::identity(&IdentityId::from_slice(&portal).unwrap_or_default()))
        }
        Is::Key => {
            let key = things.key(GATEWAY);
            place(Place::key(&KeyId::from_slice(&key).unwrap_or_default()))
        }
        Is::IdentityName => place(Place::identity_name("hrss", "portal")),
        Is::Calendar | Is::SealedCount => place(Place::calendar(2026)),
        Is::RecentBlock => place(Place::recent_block(Height::new(1))),
        Is::DoubleVote => place(Place::double_vote(&NOBODY, 1, 1, 1)),
        Is::Parameters
        | Is::DayHeights
        | Is::ProposerTurns
        | Is::RecentWindow
        | Is::Voters
        | Is::ValidatorSchedule
        | Is::Peers
        | Is::ProtocolSchedule => known(b""),
        Is::Timer => place(Place::timer(TimeMs::new(1), 1, b"about")),
        Is::Audit => place(Place::audit("gz.aud", "audit-1")),
        Is::UnopenedRead => place(Place::unopened_read("gz.aud", "audit-1", &NOBODY, "gz.bdb")),
        Is::Halves => place(Place::halves(things.grant.as_bytes(), 1, "gz.hrss")),
        Is::Half => place(Place::half(things.grant.as_bytes(), &gateway, 1, "gz.hrss")),
        Is::BulkSet => place(Place::bulk_set(&gateway, BULK)),
        Is::SealedAccess => place(Place::sealed_access(&gateway, 4)),
        Is::Correction | Is::SealingOrder | Is::Joined => known(&NOBODY),
        Is::Former => place(Place::former(&Place::department("gz.psb"), Height::new(1))),
    }
}
