//! The blocks that transactions may cite: which are kept, which leave.

use super::items::HOUR;
use super::world::{BLOCK_MS, World};
use crate::ledger::Object;
use crate::place::{ObjectKind, Place};
use crate::types::limits::RECENT_DROPPED;
use crate::wire;

/// Heights of the recent blocks that stand in the state.
fn kept(world: &World) -> Vec<u64> {
    let recent =
        world.objects.keys().filter(|it| it.object_kind() == Some(ObjectKind::RecentBlock));
    recent.map(|it| u64::from_be_bytes(it.id().try_into().unwrap())).collect()
}

fn window(world: &World) -> wire::RecentWindow {
    match world.objects.get(&Place::recent_window()) {
        Some(Object::RecentWindow(it)) => **it,
        other => panic!("{other:?}"),
    }
}

/// The window says which heights stand, without a gap, up to the block before the newest.
fn check(world: &World) -> std::ops::Range<u64> {
    let it = window(world);
    let range = it.oldest_height..it.next_height;
    assert_eq!(kept(world), range.clone().collect::<Vec<_>>());
    assert_eq!(range.end, world.height().get());
    range
}

#[test]
fn each_block_brings_in_the_one_before() {
    let mut world = World::founded("dev-window");
    for _ in 0..10 {
        world.commit(Vec::new());
        assert_eq!(check(&world).start, 0);
    }
    for block in &world.blocks[..10] {
        let place = Place::recent_block(block.header.height);
        let expected = wire::RecentBlock {
            block_id: block.header.block_id().to_vec(),
            time_ms: block.header.time.get(),
        };
        assert_eq!(world.objects.get(&place), Some(&expected.into()));
    }
}

#[test]
fn what_is_older_than_an_hour_leaves() {
    let mut world = World::founded("dev-window");
    for _ in 0..10 {
        world.commit(Vec::new());
    }
    // At the block at T0 + 1 h + 4 s, what is older than T0 + 4 s is gone: heights 0 to 3.
    world.now = world.blocks[4].header.time.get() + HOUR;
    world.commit(Vec::new());
    assert_eq!(check(&world), 4..11);
    // However long the pause, the block before stays.
    world.wait(100 * HOUR);
    world.commit(Vec::new());
    assert_eq!(check(&world), 11..12);
}

#[test]
fn a_long_pause_is_made_up_for_in_steps() {
    let mut world = World::founded("dev-window");
    let blocks = RECENT_DROPPED + 100;
    for _ in 0..blocks {
        world.commit(Vec::new());
    }
    assert_eq!(check(&world).start, 0);
    world.wait(2 * HOUR - BLOCK_MS);
    world.commit(Vec::new());
    assert_eq!(check(&world), RECENT_DROPPED..blocks + 1);
    world.commit(Vec::new());
    assert_eq!(check(&world), blocks + 1..blocks + 2);
}
