//! The index: what it gives in order, with changes in memory over what is on disk; and what it does where the disk lies.

use crate::recovery::{goes_on, one};
use liuhen_genesis::Founding;
use liuhen_node::app::{Chain, Damaged, Mending};
use liuhen_node::store::Index;
use liuhen_proto::ledger::seal::seal;
use liuhen_proto::ledger::{Delta, Object, View};
use liuhen_proto::place::Place;
use liuhen_proto::types::{Height, TimeMs};
use liuhen_proto::wire;
use liuhen_tests::Cluster;
use liuhen_tests::actions::{record, register};
use liuhen_tests::consortium::Consortium;
use liuhen_tests::wait::until;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

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

/// What of a chain's index is not what its log says.
fn damaged(chain: &Chain) -> anyhow::Result<Damaged> {
    let (mut damaged, mut first, mut behind) = (Damaged::default(), 0, None);
    for height in 1..=chain.header().height.get() {
        let height = Height::new(height);
        let (next, agree) = chain.check_history(height, first)?;
        first = next;
        if !agree {
            damaged.blocks.insert(height);
        }
    }
    loop {
        let (trails, last) = chain.index().check_trails(behind.as_ref(), 100)?;
        damaged.trails.extend(trails);
        behind = last;
        if behind.is_none() {
            return Ok(damaged);
        }
    }
}

/// Loses and bends one in so many parts of the history in an index that nobody has open, as a disk that lies does.
fn lose(index: &Path, every: usize) -> anyhow::Result<()> {
    let db = sled::Config::new().path(index).open()?;
    let mut lost = 0;
    for name in ["pages", "tiles", "events", "blocks", "transactions"] {
        let tree = db.open_tree(name)?;
        for (number, entry) in tree.iter().enumerate().filter(|(it, _)| it % every == 0) {
            let (key, bytes) = entry?;
            let mut bent = bytes.to_vec();
            if number % (2 * every) == 0 {
                bent[0] ^= 1;
                tree.insert(key, bent)?;
            } else {
                tree.remove(key)?;
            }
            lost += 1;
        }
    }
    db.flush()?;
    anyhow::ensure!(lost > 0, "nothing to lose");
    Ok(())
}

/// Parts of the history are gone or others, and are made anew from the log.
fn mended_in_parts(data: &Path, founding: &Founding) -> anyhow::Result<()> {
    for every in [1, 2, 3, 7] {
        lose(&data.join("index"), every)?;
        let (chain, report) = Chain::open(data, founding.clone())?;
        assert_eq!((report.replayed, report.index_rebuilt), (0, None));
        let found = damaged(&chain)?;
        assert!(!found.blocks.is_empty() && !found.trails.is_empty(), "{found:?}");
        let mut mending = Mending::of(found);
        while !mending.step(&chain, 3)? {}
        assert_eq!(damaged(&chain)?, Damaged::default(), "one in {every}");
    }
    Ok(())
}

/// One byte of the index's file is another, at many places: what hits objects and heads is seen at opening, and the index is made
/// anew; what hits the history is found by comparing it with the log, and these parts are.
#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_byte_anywhere_is_found_and_mended() -> anyhow::Result<()> {
    const PLACES: usize = 40;
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    let node = cluster.connect("psb").await?;
    let gateway = cluster.account(&node, "psb", "gateway").await?;
    for first in (1..=600).step_by(50) {
        let items = (first..first + 50).map(record).collect::<Result<Vec<_>, _>>()?;
        gateway.submit(&node, &items).await?;
    }
    cluster.stop("psb").await?;
    let founding = Founding::from_bytes(&std::fs::read(cluster.consortium.genesis())?)?;
    let data = cluster.consortium.home("psb").join("data");
    let (index, kept) = (data.join("index"), data.join("index-as-it-was"));
    std::fs::rename(&index, &kept)?;
    let whole = std::fs::read(kept.join("db"))?;
    let written: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] != 0).collect();
    let (mut anew, mut mended, mut unhurt) = (0, 0, 0);
    for place in 0..=PLACES {
        let mut bytes = whole.clone();
        // The first time nothing is changed.
        let at = written[written.len() * place.saturating_sub(1) / PLACES];
        bytes[at] ^= if place > 0 { 0x20 } else { 0 };
        let copied = Command::new("cp").arg("-a").args([&kept, &index]).status()?;
        anyhow::ensure!(copied.success(), "the index was not copied");
        std::fs::write(index.join("db"), &bytes)?;
        let (chain, report) = Chain::open(&data, founding.clone())?;
        let found = damaged(&chain)?;
        if place == 0 {
            assert_eq!((report.replayed, &found), (0, &Damaged::default()));
            drop(chain);
            mended_in_parts(&data, &founding)?;
            std::fs::remove_dir_all(&index)?;
            continue;
        }
        let is_anew = report.index_rebuilt.is_some() || report.replayed > 0;
        match (is_anew, found.is_empty()) {
            (true, _) => anew += 1,
            (false, false) => mended += 1,
            (false, true) => unhurt += 1,
        }
        let mut mending = Mending::of(found);
        while !mending.step(&chain, 16)? {}
        assert!(damaged(&chain)?.is_empty(), "byte {at}");
        drop(chain);
        std::fs::remove_dir_all(&index)?;
    }
    eprintln!("{anew} made anew, {mended} mended in parts, {unhurt} unhurt");
    assert!(anew > 0);
    Ok(())
}

/// What the index lost is mended while the node runs and its trails grow; then it is written again, and the node stops well.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_history_is_mended_while_it_grows() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    for number in 1..=4 {
        goes_on(&mut cluster, number).await?;
    }
    cluster.stop("tax").await?;
    let founding = Founding::from_bytes(&std::fs::read(cluster.consortium.genesis())?)?;
    let data = cluster.consortium.home("tax").join("data");
    let (chain, _) = Chain::open(&data, founding.clone())?;
    let lost = chain.index().written().get();
    drop(chain);
    lose(&data.join("index"), 1)?;
    cluster.launch("tax")?;
    for number in 5..=8 {
        goes_on(&mut cluster, number).await?;
    }
    until("each lost block to be mended", async || {
        let log = cluster.whole_log("tax");
        let mended = log.lines().filter(|it| it.contains("the index is as the block log has it"));
        let blocks = mended
            .filter_map(|it| it.split_once("blocks=")?.1.split(' ').next()?.parse::<u64>().ok());
        (blocks.sum::<u64>() >= lost).then_some(())
    })
    .await?;
    one(&mut cluster, "tax", "tax to tell", |it| it.index_parts_mended >= lost).await?;
    goes_on(&mut cluster, 9).await?;
    cluster.stop("tax").await?;
    let (chain, report) = Chain::open(&data, founding)?;
    assert_eq!((report.index_rebuilt, damaged(&chain)?), (None, Damaged::default()));
    Ok(())
}
