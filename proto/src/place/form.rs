//! The forms of ids: what an id of a trail or an object is made of, by its kind. Of an id that no trail or object of the
//! kind could have «there is none» would be true, and mislead; and bytes that look like a text are not one.

use super::{ObjectKind, TrailKind};
use crate::types::check_code;

/// A piece of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// A code; what it is followed by says where it ends.
    Code,
    /// 32 bytes: an id, a tag, a commitment.
    Hash,
    /// A number of so many bytes, big-endian.
    Number(usize),
    /// This byte.
    Byte(u8),
    /// One byte at least, of whatever form.
    Rest,
}

use Piece::{Byte, Code, Hash, Number, Rest};

const SLASH: Piece = Byte(b'/');

/// The forms that ids of a kind of trail have.
pub(super) fn of_trail(kind: TrailKind) -> &'static [Piece] {
    match kind {
        TrailKind::Key
        | TrailKind::Identity
        | TrailKind::Grant
        | TrailKind::Use
        | TrailKind::Case
        | TrailKind::IdentityIntegrity
        | TrailKind::Acknowledgements
        | TrailKind::Gateway
        | TrailKind::Product => &[Hash],
        TrailKind::Department
        | TrailKind::Dataset
        | TrailKind::Integrity
        | TrailKind::Sealed
        | TrailKind::Unlisted
        | TrailKind::Alert => &[Code],
        TrailKind::BulkTags => &[Hash, Number(8)],
        TrailKind::Governance => &[],
        TrailKind::Subject => &[Code, Hash],
    }
}

/// The forms that ids of a kind of object have, any of them.
pub(super) fn of_object(kind: ObjectKind) -> &'static [&'static [Piece]] {
    use ObjectKind as Is;
    match kind {
        Is::Parameters
        | Is::RecentWindow
        | Is::DayHeights
        | Is::ProposerTurns
        | Is::Voters
        | Is::ValidatorSchedule
        | Is::Peers
        | Is::ProtocolSchedule => &[&[]],
        Is::Department
        | Is::Dataset
        | Is::Beneath
        | Is::DatasetGateways
        | Is::AlertBook
        | Is::Roster
        | Is::UnknownCount => &[&[Code]],
        Is::Identity
        | Is::Key
        | Is::Request
        | Is::Grant
        | Is::GrantUse
        | Is::Gateway
        | Is::Proposal
        | Is::GatewaySetup
        | Is::Correction
        | Is::SealingOrder
        | Is::Joined
        | Is::IdentityWatch
        | Is::Case
        | Is::Product
        | Is::GrantProducts => &[&[Hash]],
        Is::RecentBlock => &[&[Number(8)]],
        Is::Calendar | Is::SealedCount => &[&[Number(4)]],
        Is::IdentityName | Is::Audit => &[&[Code, SLASH, Code]],
        Is::UnopenedRead => &[&[Code, SLASH, Code, SLASH, Hash]],
        Is::Timer => &[&[Number(8), Number(1), Rest]],
        Is::Halves => &[&[Hash, Number(8), Code]],
        Is::Half => &[&[Hash, Hash, Number(8), Code]],
        Is::BulkSet | Is::SealedAccess => &[&[Hash, Number(8)]],
        Is::Score => &[&[Code], &[Byte(0xff), Hash]],
        Is::IntegrityEvent | Is::Alert => &[&[Number(8), Code]],
        Is::DoubleVote => &[&[Hash, Number(8), Number(4), Number(1)]],
        // Of what it was; and the height.
        Is::Former => &[
            &[Byte(128), Code, Number(8)],
            &[Byte(131), Code, Number(8)],
            &[Byte(133), Hash, Number(8)],
            &[Byte(136), Number(8)],
            &[Byte(143), Number(8)],
        ],
    }
}

/// An id by its form, as people read it: pieces with a slash between, before numbers `#`. `None` for bytes
/// of another form.
pub(super) fn read(mut form: &[Piece], mut id: &[u8]) -> Option<String> {
    let mut text = String::new();
    while let Some((piece, behind)) = form.split_first() {
        let (own, rest) = id.split_at_checked(length(*piece, behind, id)?)?;
        let shown = match piece {
            Code => std::str::from_utf8(own).ok().filter(|it| check_code(it).is_ok())?.to_owned(),
            Hash => hex::encode(own),
            Number(_) => {
                let number = own
                    .iter()
                    .fold(0u64, |sum, byte| sum.wrapping_mul(256).wrapping_add(u64::from(*byte)));
                format!("#{number}")
            }
            Byte(byte) => (own == [*byte]).then(String::new)?,
            Rest => (!own.is_empty()).then(|| hex::encode(own))?,
        };
        if !text.is_empty() && !shown.is_empty() && !shown.starts_with('#') {
            text.push('/');
        }
        text.push_str(&shown);
        (form, id) = (behind, rest);
    }
    id.is_empty().then_some(text)
}

/// How many bytes a piece has, of an id that goes on with those behind it.
fn length(piece: Piece, behind: &[Piece], id: &[u8]) -> Option<usize> {
    match piece {
        Hash => Some(32),
        Number(bytes) => Some(bytes),
        Byte(_) => Some(1),
        Rest => Some(id.len()),
        Code if behind.first() == Some(&SLASH) => id.iter().position(|byte| *byte == b'/'),
        Code => {
            let fixed = behind.iter().try_fold(0usize, |sum, piece| match piece {
                Hash => sum.checked_add(32),
                Number(bytes) => sum.checked_add(*bytes),
                Byte(_) => sum.checked_add(1),
                Code | Rest => None,
            });
            id.len().checked_sub(fixed?)
        }
    }
}

impl TrailKind {
    /// Whether some trail of this kind could have this id: a code, 32 bytes, or for a subject a
    /// code and 32 bytes. Of anything else «there are no events» would be true, and mislead.
    pub fn takes_id(self, id: &[u8]) -> bool {
        read(of_trail(self), id).is_some()
    }
}

impl ObjectKind {
    /// Whether some object of this kind could have this id, by its form. Of anything else «there is none»
    /// would be true, and mislead.
    pub fn takes_id(self, id: &[u8]) -> bool {
        of_object(self).iter().any(|form| read(form, id).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Place;
    use super::*;
    use crate::types::{Hash as Digest, Height, IdentityId, KeyId, RequestId, TimeMs};

    #[test]
    fn the_places_that_there_are_have_the_form_of_their_kind() {
        let id = [b'a'; 32];
        let (hash, key, request) = (Digest::new(id), KeyId::new(id), RequestId::new(id));
        let identity = IdentityId::new(id);
        let places = [
            Place::key_trail(&key),
            Place::dataset_trail("d"),
            Place::subject_trail("gz.psb", &id),
            Place::bulk_tags_trail(&id, 7),
            Place::governance_trail(),
            Place::department("gz.psb"),
            Place::recent_block(Height::new(5)),
            Place::parameters(),
            Place::identity_name("gz.psb", "officer"),
            Place::timer(TimeMs::new(1), 3, b"about"),
            Place::calendar(2026),
            Place::audit("gz.aud", "2026-1"),
            Place::unopened_read("gz.aud", "2026-1", &[b'/'; 32], "gz.bdb"),
            Place::halves(&id, 9, "gz.psb"),
            Place::half(&id, &id, 9, "gz.psb"),
            Place::bulk_set(&id, 1),
            Place::sealed_count(3),
            Place::score("gz.psb"),
            Place::identity_score(&id),
            Place::integrity_event("gz.psb", 1),
            Place::joined(&hash),
            Place::alert("gz.psb", 1),
            Place::double_vote(&id, 1, 2, 1),
            Place::former(&Place::department("gz.psb"), Height::new(4)),
            Place::former(&Place::parameters(), Height::new(4)),
            Place::grant(&request),
            Place::gateway(&identity),
        ];
        for place in places {
            assert!(place.takes_id(), "{place:?}");
            let other = |id: Vec<u8>| Place { id, ..place.clone() }.takes_id();
            let form = match (TrailKind::from_byte(place.kind), place.object_kind()) {
                (Some(trail), _) => of_trail(trail),
                (_, object) => of_object(object.unwrap())[0],
            };
            // Neither longer nor cut off; but what a code is a part of has no length of its own.
            if form.contains(&Code) || form.contains(&Rest) {
                continue;
            }
            assert!(!other([place.id.as_slice(), b"!"].concat()), "{place:?}");
            if let Some(cut) = place.id.len().checked_sub(1) {
                assert!(!other(place.id[..cut].to_vec()), "{place:?}");
            }
        }
    }

    /// The id in hexadecimal is another id, of which there is never anything.
    #[test]
    fn an_id_in_hexadecimal_is_none() {
        let hex = "61e78bd3".repeat(8);
        for kind in ObjectKind::ALL.iter().copied() {
            let takes = Place::object(kind, hex.as_bytes()).takes_id();
            // 64 digits are a code, too, and end as codes may.
            let coded = of_object(kind).iter().any(|form| form.contains(&Code));
            assert!(!takes || coded || kind == ObjectKind::Timer, "{kind:?}");
            let empty = Place::object(kind, b"").takes_id();
            assert_eq!(empty, of_object(kind) == [&[] as &[Piece]], "{kind:?}");
        }
    }

    #[test]
    fn ids_are_shown_by_their_form() {
        let letters = [b'a'; 32];
        let shown = |place: Place| place.to_string();
        let hex = "61".repeat(32);
        assert_eq!(shown(Place::grant(&RequestId::new(letters))), format!("grant {hex}"));
        assert_eq!(
            shown(Place::subject_trail("gz.psb", &letters)),
            format!("subject gz.psb/{hex}")
        );
        assert_eq!(shown(Place::bulk_tags_trail(&letters, 11)), format!("bulk-tags {hex}#11"));
        assert_eq!(shown(Place::calendar(2026)), "calendar #2026");
        assert_eq!(shown(Place::dataset("civil.resident")), "dataset civil.resident");
        assert_eq!(shown(Place::parameters()), "parameters");
        // Bytes of another form are shown as bytes.
        assert_eq!(shown(Place::object(ObjectKind::Grant, b"abc")), "grant 0x616263");
    }
}
