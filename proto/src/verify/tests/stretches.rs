//! The stretch of a trail with something dropped, doubled, swapped, or told otherwise: never valid.

use super::prover;
use super::scene::{FIRST_RECORD, middle, whole};
use super::structure::{Case, complete, inclusion, run};
use crate::place::Place;
use crate::wire::RangeKind;

pub(super) const EVENTS: &[Case] = &[
    ("the first dropped", "range.gap", |_, t| drop(complete(t).events.remove(0))),
    ("one dropped", "range.gap", |_, t| drop(complete(t).events.remove(1))),
    ("the last dropped", "range.gap", |_, t| drop(complete(t).events.pop())),
    ("all dropped", "range.gap", |_, t| {
        t.transactions.clear();
        complete(t).events.clear();
    }),
    ("one repeated", "range.gap", |_, t| {
        let it = complete(t);
        it.events.insert(1, it.events[1].clone());
    }),
    ("two swapped", "range.gap", |_, t| complete(t).events.swap(0, 1)),
    ("their items swapped", "event.item", |_, t| {
        let it = complete(t);
        let first = it.events[0].item.clone();
        it.events[0].item = std::mem::replace(&mut it.events[1].item, first);
    }),
    ("the path of an item swapped", "event.item", |_, t| {
        let it = complete(t);
        it.events[0].item_path = it.events[2].item_path.clone();
    }),
    ("no path of an item", "event.item", |_, t| complete(t).events[0].item_path.clear()),
    ("a short hash in a path", "hash.length", |_, t| {
        complete(t).events[0].item_path[0].pop();
    }),
    ("an item cut short", "event.item", |_, t| {
        complete(t).events[0].item.pop();
    }),
    ("a leaf cut short", "event.leaf", |_, t| {
        complete(t).events[0].leaf.pop();
    }),
    ("another verdict", "range.gap", |_, t| complete(t).events[0].leaf[89] ^= 3),
    ("no such verdict", "event.leaf", |_, t| complete(t).events[0].leaf[89] |= 0x0f),
    ("naming another's grant", "range.gap", |_, t| complete(t).events[0].leaf[89] ^= 0x80),
    ("another reason", "range.gap", |_, t| complete(t).events[0].leaf[88] = 2),
    ("no such transaction", "event.transaction", |_, t| {
        complete(t).events[0].transaction = 1;
    }),
    ("later than the anchor", "event.later", |_, t| {
        complete(t).events[0].leaf[7] = 200;
    }),
    ("an item as a ledger event", "event.ledger", |_, t| {
        complete(t).events[0].leaf[20..52].fill(0);
    }),
    ("an event of another trail", "trail.stranger", |s, t| {
        let mut other = prover::inclusion(&s.world, 1, 0);
        other.objects.retain(|it| t.objects.iter().all(|known| known.id != it.id));
        t.objects.append(&mut other.objects);
        t.transactions.append(&mut other.transactions);
        let mut event = inclusion(&mut other).event.take().unwrap();
        event.transaction = 1;
        complete(t).events.push(event);
    }),
];

#[test]
fn the_events_of_a_trail() {
    run(middle, EVENTS);
}

pub(super) const STRETCH: &[Case] = &[
    ("no leaf before", "range.gap", |_, t| complete(t).leaf_before.clear()),
    ("no leaf before, numbers adapted", "range.gap", |_, t| {
        let it = complete(t);
        it.leaf_before.clear();
        it.first = 1;
    }),
    ("no leaf after", "range.gap", |_, t| complete(t).leaf_after.clear()),
    ("no neighbours", "range.gap", |_, t| {
        let it = complete(t);
        it.leaf_before.clear();
        it.leaf_after.clear();
    }),
    ("the neighbours swapped", "range.gap", |_, t| {
        let it = complete(t);
        std::mem::swap(&mut it.leaf_before, &mut it.leaf_after);
    }),
    ("the leaf before as the first event", "range.gap", |_, t| {
        let it = complete(t);
        it.leaf_before = it.events[0].leaf.clone();
    }),
    ("a neighbour cut short", "event.leaf", |_, t| {
        complete(t).leaf_after.pop();
    }),
    ("a larger trail", "trail.head", |_, t| complete(t).size += 1),
    ("a smaller trail", "trail.head", |_, t| complete(t).size -= 1),
    ("a huge trail", "trail.head", |_, t| complete(t).size = u64::MAX),
    ("an empty trail", "trail.head", |_, t| complete(t).size = 0),
    ("another root", "trail.head", |_, t| complete(t).root = vec![1; 32]),
    ("no root", "trail.head", |_, t| complete(t).root.clear()),
    ("no path", "trail.head", |_, t| complete(t).path = None),
    ("a path that is not well formed", "trail.head", |_, t| {
        complete(t).path.as_mut().unwrap().depth += 8;
    }),
    ("another trail's path", "trail.head", |s, t| {
        let mut other = whole(s, &Place::dataset_trail("civil.resident"));
        complete(t).path = complete(&mut other).path.take();
    }),
    ("a later number", "range.gap", |_, t| complete(t).first += 1),
    ("a number beyond the end", "range.gap", |_, t| complete(t).first = 2),
    ("a huge number", "range.gap", |_, t| complete(t).first = u64::MAX),
    ("a hash dropped", "range.gap", |_, t| drop(complete(t).hashes.pop())),
    ("a hash added", "range.gap", |_, t| complete(t).hashes.push(vec![1; 32])),
    ("a hash that is short", "hash.length", |_, t| {
        complete(t).hashes[0].pop();
    }),
];

#[test]
fn the_stretch_of_a_trail() {
    run(middle, STRETCH);
}

pub(super) const RANGE: &[Case] = &[
    ("one height earlier", "range.gap", |_, t| complete(t).from -= 1),
    ("one height later", "range.gap", |_, t| complete(t).from += 1),
    ("beyond the leaf after", "range.gap", |_, t| complete(t).until += 1),
    ("up to before the events", "range.gap", |_, t| {
        let it = complete(t);
        (it.from, it.until) = (1, FIRST_RECORD);
    }),
    ("upside down", "range.malformed", |_, t| {
        let it = complete(t);
        std::mem::swap(&mut it.from, &mut it.until);
    }),
    ("nothing", "range.malformed", |_, t| complete(t).until = complete(t).from),
    ("times for heights", "range.gap", |_, t| {
        complete(t).range = RangeKind::Times as i32;
    }),
    ("whole, with ends", "range.malformed", |_, t| {
        complete(t).range = RangeKind::Whole as i32;
    }),
    ("whole", "range.gap", |_, t| {
        let it = complete(t);
        (it.range, it.from, it.until) = (RangeKind::Whole as i32, 0, 0);
    }),
    ("no range", "range.malformed", |_, t| complete(t).range = 0),
    ("an unknown range", "range.malformed", |_, t| complete(t).range = 4),
    ("no kind of trail", "trail.kind", |_, t| complete(t).trail_kind = 0),
    ("an object for a trail", "trail.kind", |_, t| complete(t).trail_kind = 128),
    ("a kind beyond a byte", "trail.kind", |_, t| complete(t).trail_kind += 256),
    ("another kind of trail", "trail.head", |_, t| complete(t).trail_kind = 6),
    ("another trail", "trail.head", |_, t| complete(t).trail_id = vec![1; 32]),
    ("a long id", "trail.id", |_, t| complete(t).trail_id = vec![1; 129]),
];

#[test]
fn the_range_and_the_trail() {
    run(middle, RANGE);
}
