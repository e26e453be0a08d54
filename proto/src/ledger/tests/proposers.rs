//! Turns to propose that were missed, as certificates tell of them.

use super::world::World;
use crate::header::turns::Turns;
use crate::ledger::Object;
use crate::place::Place;
use crate::types::Height;
use crate::wire;

/// Makes a block that is decided in a round.
fn decide(world: &mut World, round: u32) {
    world.commit(Vec::new());
    let tip = world.blocks.last_mut().unwrap();
    tip.certificate.as_mut().unwrap().round = round;
}

fn stands(world: &World) -> Option<wire::ProposerTurns> {
    match world.objects.get(&Place::proposer_turns()) {
        None => None,
        Some(Object::ProposerTurns(it)) => Some((**it).clone()),
        Some(other) => panic!("{other:?}"),
    }
}

/// Places of the validators whose turn it is at the next height, by round.
fn turns(world: &World) -> Vec<usize> {
    let missed = stands(world).unwrap_or_default().next;
    let height = world.height().next();
    let set = world.founding.validators();
    let turns = Turns::new(set, &missed, height);
    (0..set.all().len() as u32).map(|round| turns.at(height, round)).collect()
}

fn missed(world: &World, height: Height, place: usize, count: u32) -> wire::MissedTurns {
    let key_id = world.founding.validators().all()[place].key_id.to_vec();
    wire::MissedTurns { key_id, count, height: height.get() }
}

#[test]
fn nobody_missed_and_nothing_stands() {
    let mut world = World::founded("dev-turns");
    for _ in 0..9 {
        decide(&mut world, 0);
        assert_eq!(stands(&world), None);
    }
    let places: Vec<_> =
        (0..4).map(|round| (world.height().get() + 1 + round) as usize % 4).collect();
    assert_eq!(turns(&world), places);
}

/// One of four is dead: each of its turns ends in another round, until it is passed over.
#[test]
fn a_dead_proposer_is_passed_over_and_tried_again_ever_more_seldom() {
    let mut world = World::founded("dev-turns");
    let (mut lost, mut tried) = (0, Vec::new());
    for _ in 0..1000 {
        let order = turns(&world);
        let round = u32::from(order[0] == 2);
        if round == 1 {
            tried.push(world.height().get() + 1);
        }
        decide(&mut world, round);
        lost += round;
    }
    assert_eq!(lost, 5, "{tried:?}");
    let pauses: Vec<_> = tried.windows(2).map(|it| it[1] - it[0]).collect();
    for (pause, least) in pauses.iter().zip([64, 128, 256, 512]) {
        assert!((least..least + 6).contains(pause), "{pauses:?}");
    }
    // It is back: its next turn is none that it missed, and the list goes.
    let back = (0..2000).find(|_| {
        let own = turns(&world)[0] == 2;
        decide(&mut world, 0);
        own
    });
    assert!(back.is_some());
    world.commit(Vec::new());
    assert!(stands(&world).unwrap().next.is_empty());
    world.commit(Vec::new());
    assert_eq!(stands(&world), None);
}

/// What is told of a height holds from the second height behind it: the one in between is open already.
#[test]
fn a_turn_missed_counts_once_it_is_carried() {
    let mut world = World::founded("dev-turns");
    decide(&mut world, 0);
    let order = turns(&world);
    decide(&mut world, 2);
    let at = world.height();
    assert_eq!(stands(&world), None);
    decide(&mut world, 0);
    let mut next: Vec<_> = order[..2].iter().map(|place| missed(&world, at, *place, 1)).collect();
    next.sort_by(|a, b| a.key_id.cmp(&b.key_id));
    assert_eq!(
        stands(&world).unwrap(),
        wire::ProposerTurns { next: next.clone(), current: vec![] }
    );
    // The second of them proposed meanwhile: it was its turn at the next height.
    decide(&mut world, 0);
    let behind = vec![missed(&world, at, order[0], 1)];
    assert_eq!(stands(&world).unwrap(), wire::ProposerTurns { next: behind, current: next });
}

/// However many rounds a height took, each validator missed one turn of it at most, and who proposed in the end none.
#[test]
fn a_height_of_many_rounds_counts_once() {
    let mut world = World::founded("dev-turns");
    for round in [u32::MAX, 4, 9, 1_000_000] {
        let order = turns(&world);
        decide(&mut world, round);
        world.commit(Vec::new());
        let list = stands(&world).unwrap().next;
        let proposed = world.founding.validators().all()[order[round as usize % 4]].key_id;
        assert_eq!(list.len(), 3);
        assert!(list.iter().all(|it| it.key_id != proposed.as_bytes()));
    }
}
