//! How much memory the messages of a proof file take, told before they are decoded.
//!
//! A message of two bytes takes a hundred when it is decoded: a file of nothing but such messages would
//! take many times its length.

use crate::wire;

/// A kind of message that a proof file can have.
struct Shape {
    /// Its name.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests hold names to counts"))]
    name: &'static str,
    /// Bytes of one in memory, without what it points to.
    size: usize,
    /// Fields that hold messages: number, and the place of their shape in the list.
    messages: &'static [(u32, usize)],
}

/// Every message of a proof file, the file itself first; made from the `.proto` files.
const SHAPES: &[Shape] = include!(concat!(env!("OUT_DIR"), "/shapes.rs"));

/// What a message counts, and a large one: twice what it may take in memory, for a list grows by doubling.
/// Fixed numbers, for every verifier must count alike.
const MESSAGE: usize = 512;
const LARGE: usize = 2048;
/// What other fields with a length count beside it: an allocation, and a place in a list.
const FIELD: usize = 48;

impl Shape {
    fn counts(&self) -> usize {
        if self.size > MESSAGE / 2 { LARGE } else { MESSAGE }
    }
}

/// Bytes of memory, at most, for the messages of a proof file.
///
/// `None` where the bytes are no protobuf messages, or have groups, which no canonical message has.
pub(super) fn decoded(bytes: &[u8]) -> Option<usize> {
    message(bytes, SHAPES.first()?)
}

/// No deeper than the shapes are: none holds itself.
fn message(mut bytes: &[u8], shape: &Shape) -> Option<usize> {
    let mut total = shape.counts();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        match key & 7 {
            0 => drop(varint(&mut bytes)?),
            1 => drop(bytes.split_off(..8)?),
            5 => drop(bytes.split_off(..4)?),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let inside = bytes.split_off(..length)?;
                total = total.saturating_add(field(key >> 3, inside, shape)?);
            }
            _ => return None,
        }
    }
    Some(total)
}

fn field(number: u64, inside: &[u8], shape: &Shape) -> Option<usize> {
    let holds = shape.messages.iter().find(|(it, _)| u64::from(*it) == number);
    match holds {
        Some((_, place)) => message(inside, SHAPES.get(*place)?),
        None => Some(inside.len().saturating_add(FIELD)),
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message;

    /// `docs/spec/proofs.md` names the large ones.
    #[test]
    fn no_message_takes_more_than_it_counts() {
        let large = SHAPES.iter().filter(|it| it.counts() == LARGE).map(|it| it.name);
        let large: Vec<&str> = large.collect();
        let told =
            ["Trace", "CompletenessClaim", "AbsenceClaim", "OmissionClaim", "DepartmentClaim"];
        assert_eq!(large, [&told[..], &["AbsentTransaction", "SubjectTrails"]].concat());
        for shape in SHAPES {
            assert!(2 * shape.size <= shape.counts(), "{}: {} bytes", shape.name, shape.size);
        }
    }

    #[test]
    fn what_is_inside_counts() {
        assert_eq!(decoded(&[]), Some(LARGE));
        let objects = |count| {
            let objects = vec![wire::ObjectProof::default(); count];
            wire::Trace { objects, ..wire::Trace::default() }
        };
        for count in [1, 7, 1000] {
            let bytes = objects(count).encode_to_vec();
            assert_eq!(bytes.len(), 2 * count);
            assert_eq!(decoded(&bytes), Some(LARGE + count * MESSAGE));
        }
        let mut deep = objects(1);
        let path = wire::MapProof { siblings: vec![vec![9; 3]; 100], ..wire::MapProof::default() };
        deep.objects[0].path = Some(path);
        assert_eq!(decoded(&deep.encode_to_vec()), Some(LARGE + 2 * MESSAGE + 100 * (FIELD + 3)));
    }

    #[test]
    fn what_is_no_message() {
        let bent: [&[u8]; 6] = [&[0x2a], &[0x2a, 2, 0], &[0x2b], &[0xff; 11], &[9, 1], &[13, 1]];
        for bytes in bent {
            assert_eq!(decoded(bytes), None, "{bytes:?}");
        }
    }
}
