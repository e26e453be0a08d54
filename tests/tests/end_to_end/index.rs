//! What the index gives in order, with changes in memory over what is on disk.

use liuhen_genesis::Founding;
use liuhen_node::store::Index;
use liuhen_proto::ledger::seal::seal;
use liuhen_proto::ledger::{Delta, Object, View};
use liuhen_proto::place::Place;
use liuhen_proto::types::{Height, TimeMs};
use liuhen_proto::wire;
use liuhen_tests::consortium::Consortium;
use std::collections::BTreeMap;

fn place(due: u64, about: u8) -> Place {
    Place::timer(TimeMs::new(due), 1, &[about; 32])
}

fn timers(places: &[(u64, u8)], set: bool) -> BTreeMap<Place, Option<Object>> {
    let timer = |about: u8| wire::Timer { about: vec![about; 32], ..wire::Timer::default() };
    let object = |about| set.then(|| timer(about).into());
    places.iter().map(|(due, about)| (place(*due, *about), object(*about))).collect()
}

#[test]
fn timers_are_due_in_order_across_memory_and_disk() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let consortium = Consortium::found(folder.path())?;
    let founding = Founding::from_bytes(&std::fs::read(consortium.genesis())?)?;
    let mut index = Index::open(&folder.path().join("index"), &founding)?;
    let mut height = Height::GENESIS;
    let mut add = |index: &mut Index, objects| {
        height = height.next();
        let sealed = seal(&Delta::default(), index, founding.trie())?;
        index.add(height, Delta { objects, events: Vec::new() }, &sealed, &[])
    };
    add(&mut index, timers(&[(10, 1), (20, 2), (30, 3), (40, 4)], true))?;
    index.write()?;
    // In memory: one goes, others come between, one comes again.
    add(&mut index, timers(&[(10, 1), (30, 3)], false))?;
    add(&mut index, timers(&[(5, 5), (20, 1), (25, 6), (30, 3)], true))?;
    let expected = [place(5, 5), place(20, 1), place(20, 2), place(25, 6), place(30, 3)];
    let due = |index: &Index, until, limit| index.timers_due(TimeMs::new(until), limit);
    assert_eq!(due(&index, 39, 100)?, expected);
    assert_eq!(due(&index, 39, 3)?, expected[..3]);
    assert_eq!(due(&index, 4, 100)?, []);
    assert_eq!(index.next_timer()?, Some(TimeMs::new(5)));
    index.write()?;
    assert_eq!(due(&index, 39, 100)?, expected);
    assert_eq!(due(&index, 40, 100)?.last(), Some(&place(40, 4)));
    Ok(())
}
