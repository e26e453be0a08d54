//! Random blocks against what must hold whatever comes.

use super::items::{self, approve, confirm, refuse, register, revoke, verified};
use super::world::{World, signed};
use crate::ledger::{Object, apply};
use crate::place::Place;
use crate::tx::Tx;
use crate::types::RequestId;
use crate::wire::{self, Category, item::Kind};
use proptest::prelude::*;
use std::collections::BTreeSet;

const DATASETS: [&str; 4] = ["civil.a", "civil.b", "pension.a", "tax.a"];
const DEPARTMENTS: [&str; 8] =
    ["gz.bdb", "gz.bds", "gz.hrm", "gz.hrss", "gz.psb", "gz.psm", "gz.psu", "gz.tax"];
const SIGNERS: [&str; 11] = [
    "gz.bdb/officer",
    "gz.bds/officer",
    "gz.hrm/officer",
    "gz.hrss/officer",
    "gz.hrss/gateway",
    "gz.hrss/app",
    "gz.psb/officer",
    "gz.psb/gateway",
    "gz.psm/officer",
    "gz.psu/officer",
    "gz.tax/officer",
];

/// Draws that an item is made from; which they mean depends on its kind.
type Draws = [u8; 7];

fn pick<T: Copy>(list: &[T], draw: u8) -> T {
    list[usize::from(draw) % list.len()]
}

/// The requests of the ledger, as they were asked.
fn requests(world: &World) -> Vec<(RequestId, wire::RequestAccess)> {
    let mut requests: Vec<_> = world
        .objects
        .values()
        .filter_map(|object| match object {
            Object::Request(it) => Some(it),
            _ => None,
        })
        .map(|it| (RequestId::from_slice(&it.request_id).unwrap(), it.asked.clone().unwrap()))
        .collect();
    requests.push((RequestId::new([1; 32]), asked(world, [0; 7], "gz.hrss")));
    requests
}

fn asked(world: &World, draws: Draws, user: &str) -> wire::RequestAccess {
    let [_, _, dataset, collector, officer, ..] = draws;
    let dataset = pick(&DATASETS, dataset);
    // Mostly the collector whose dataset it is, else requests would hardly get on.
    let collector = match world.objects.get(&Place::dataset(dataset)) {
        Some(Object::Dataset(it)) if collector < 200 => it.registration.clone().unwrap().collector,
        _ => pick(&DEPARTMENTS, collector).to_owned(),
    };
    let who = if officer < 200 { user } else { "gz.tax" };
    let terms = items::terms(&[world.identity(&format!("{who}/officer"))]);
    items::request(dataset, &collector, user, terms)
}

fn item(world: &World, signer: &str, draws: Draws) -> Kind {
    let [_, kind, a, b, c, d, e] = draws;
    let own = signer.split_once('/').unwrap().0;
    // Mostly what the signer may do; else anything.
    let mine = |draw: u8| {
        if draw < 220 { own } else { pick(&DEPARTMENTS, draw) }
    };
    let known = requests(world);
    let (id, asked_before) = &known[usize::from(a) % known.len()];
    match kind % 8 {
        0 => {
            let category = pick(&[Category::Conditional, Category::Unconditional], b) as i32;
            wire::RegisterDataset { category, ..register(pick(&DATASETS, a), mine(c)) }.into()
        }
        1 | 2 => asked(world, draws, mine(d)).into(),
        3 if b < 50 => refuse(id, asked_before).into(),
        3 => wire::DecideRequest { collector: mine(c).into(), ..approve(id, asked_before) }.into(),
        4 | 5 => confirm(id, asked_before, mine(c)).into(),
        6 => revoke(id, asked_before, mine(c)).into(),
        _ => {
            let access = items::access(pick(&DATASETS, b), Some(id));
            let user = &asked_before.using_department;
            let party = verified(user, &world.identity(&format!("{user}/officer")));
            items::record(mine(d), u64::from(e) + 1, access, party, world.now).into()
        }
    }
}

fn transaction(world: &World, draws: &[Draws]) -> Tx {
    // Mostly those whose signature moves things on.
    let signer = pick(&SIGNERS, draws[0][0]);
    let kinds = draws.iter().map(|it| item(world, signer, *it)).collect();
    world.sign(signer, kinds)
}

/// In every grant the three bodies are those of its departments, and differ.
fn three_bodies(world: &World) -> usize {
    let body = |code: &str| match &world.objects[&Place::department(code)] {
        Object::Department(it) => it.body.clone(),
        other => panic!("{other:?}"),
    };
    let mut grants = 0;
    for object in world.objects.values() {
        let Object::Grant(it) = object else { continue };
        let stated = [&it.using_body, &it.collector_body, &it.manager_body];
        let true_ones = [body(&it.using_department), body(&it.collector), body(&it.manager)];
        assert_eq!(stated, true_ones.each_ref());
        assert_eq!(stated.into_iter().collect::<BTreeSet<_>>().len(), 3);
        grants += 1;
    }
    grants
}

/// Each trail's size is the number of events that name it, and each object's value is in the map.
fn state_is_in_the_map(world: &World) {
    for (place, object) in &world.objects {
        assert_eq!(world.trie.get(&place.map_key()), Some(object.map_value()), "{place:?}");
    }
    let events = world.blocks.iter().flat_map(|block| &block.delta.events);
    let signed = events.map(|it| &it.trails[0]).filter(|it| it.kind() == 1).count();
    let items: usize = world.transactions.iter().map(|tx| tx.items().len()).sum();
    assert_eq!(signed, items);
}

/// Makes the blocks again elsewhere: the same transactions give the same roots.
fn replays(world: &World) {
    let mut other = World::founded("dev-random");
    let mut transactions = world.transactions.iter();
    for block in &world.blocks[1..] {
        other.now = block.header.time.get();
        let mut left = signed(&block.delta).count();
        let mut taken = Vec::new();
        while left > 0 {
            let tx = transactions.next().unwrap().clone();
            left -= tx.items().len();
            taken.push(tx);
        }
        other.commit(taken);
        assert_eq!(other.tip().header, block.header);
    }
    assert_eq!(other.trie.root(), world.trie.root());
}

/// Runs blocks of random transactions; those that are refused are left out. Gives how many
/// transactions were applied, how many refused, and how many grants were made.
fn run(blocks: &[Vec<Vec<Draws>>]) -> (usize, usize, usize) {
    let mut world = World::founded("dev-random");
    let (mut applied, mut refused) = (0, 0);
    for block in blocks {
        let mut taken: Vec<Tx> = Vec::new();
        for draws in block {
            let tx = transaction(&world, draws);
            let (context, chain) = (world.context(), world.founding.chain());
            if world.attempt(&tx).is_err()
                || apply(&world, context, chain, taken.iter().chain([&tx])).is_err()
            {
                refused += 1;
            } else {
                taken.push(tx);
                applied += 1;
            }
        }
        world.commit(taken);
        three_bodies(&world);
    }
    state_is_in_the_map(&world);
    replays(&world);
    (applied, refused, three_bodies(&world))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_comes(
        blocks in prop::collection::vec(
            prop::collection::vec(prop::collection::vec(any::<Draws>(), 1..4), 0..5), 0..30)
    ) {
        run(&blocks);
    }
}

/// The draws do reach both sides of the rules, and grants; else the property above says nothing.
#[test]
fn random_blocks_reach_grants_and_refusals() {
    let mut stream =
        crate::suite::hash::stream(crate::suite::hash::Domain::Salt, &[b"random blocks"]);
    let mut draws = || {
        let mut draws = [0; 7];
        stream.fill(&mut draws);
        draws
    };
    let blocks: Vec<_> = (0..250).map(|_| (0..4).map(|_| vec![draws()]).collect()).collect();
    let (applied, refused, grants) = run(&blocks);
    assert!(applied > 50 && refused > 50 && grants > 3, "{applied} {refused} {grants}");
}
