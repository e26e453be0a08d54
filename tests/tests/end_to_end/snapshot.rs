//! Snapshots in one process: what a node makes another joins by, and whatever else it is given it does not.

use liuhen_genesis::Founding;
use liuhen_node::app::{Arrived, Arriving, Chain, Manifest, NotASnapshot, Older, Piece};
use liuhen_node::codec;
use liuhen_proto::place::Place;
use liuhen_proto::types::Height;
use liuhen_tests::ledger::{Ledger, Newcomer};
use std::path::Path;

fn arrive(
    founding: &Founding,
    folder: &Path,
    manifest: Manifest,
    pieces: &[Piece],
) -> Result<Arrived, NotASnapshot> {
    let mut arriving = Arriving::begin(founding, manifest, &folder.join("pieces"))?;
    for piece in pieces {
        arriving.take(&codec::encode(piece).expect("a piece"))?;
    }
    arriving.finish()
}

fn same(newcomer: &Newcomer, ledger: &Ledger) -> anyhow::Result<()> {
    let (new, old) = (&newcomer.chain, &ledger.chain);
    assert_eq!(new.header(), old.header());
    assert_eq!(new.trie().root(), old.header().map_root);
    assert_eq!(new.validators(), old.validators());
    assert_eq!(new.next_timer()?, old.next_timer()?);
    Ok(())
}

/// All that the index says of a trail, event by event.
fn trail(chain: &Chain, trail: &Place) -> anyhow::Result<Vec<liuhen_proto::event::EventLeaf>> {
    let size = chain.index().head(trail)?.size();
    let mut leaves = Vec::new();
    for number in 0..size {
        let event = chain.index().event_of_trail(trail, number)?.expect("an event");
        leaves.push(chain.index().leaf(event)?);
    }
    Ok(leaves)
}

#[test]
fn a_newcomer_joins_and_the_history_follows() -> anyhow::Result<()> {
    let mut ledger = Ledger::new()?;
    ledger.records(1..=70)?;
    let (manifest, pieces) = ledger.snapshot()?;
    let folder = tempfile::tempdir()?;
    let arrived = arrive(&ledger.founding, folder.path(), manifest, &pieces)?;
    let mut newcomer = Newcomer::new(&ledger)?;
    newcomer.join(&ledger, arrived)?;
    same(&newcomer, &ledger)?;
    let gateway = Place::key_trail(&ledger.gateway.key.public().key_id());
    assert!(newcomer.chain.index().leaf(3).is_err());
    assert!(newcomer.chain.log().read(Height::new(3)).is_err());
    assert!(newcomer.chain.older_missing() > 60);
    // It is started again with nothing of it, some of it, and all of it.
    newcomer = newcomer.restart(&ledger)?;
    same(&newcomer, &ledger)?;
    newcomer.older(&ledger, 20)?;
    newcomer = newcomer.restart(&ledger)?;
    ledger.records(100..=110)?;
    newcomer.follow(&ledger)?;
    while newcomer.older(&ledger, 9)? {}
    newcomer = newcomer.restart(&ledger)?;
    same(&newcomer, &ledger)?;
    assert!(!newcomer.chain.index().has_history());
    newcomer.make_history()?;
    ledger.records(200..=300)?;
    newcomer.follow(&ledger)?;
    same(&newcomer, &ledger)?;
    assert_eq!(trail(&newcomer.chain, &gateway)?, trail(&ledger.chain, &gateway)?);
    newcomer = newcomer.restart(&ledger)?;
    assert_eq!(trail(&newcomer.chain, &gateway)?, trail(&ledger.chain, &gateway)?);
    assert_eq!(newcomer.chain.index().event_count(), ledger.chain.index().event_count());
    let whole = newcomer.chain.index().check_trails(None, usize::MAX)?;
    assert_eq!(whole, (Vec::new(), None));
    Ok(())
}

/// What comes while the history is made is in it.
#[test]
fn blocks_that_come_while_the_history_is_made_are_in_it() -> anyhow::Result<()> {
    let mut ledger = Ledger::new()?;
    ledger.records(1..=40)?;
    let (mut manifest, pieces) = ledger.snapshot()?;
    // Whoever gave it may say any number of events.
    manifest.events = 7;
    let folder = tempfile::tempdir()?;
    let arrived = arrive(&ledger.founding, folder.path(), manifest, &pieces)?;
    let mut newcomer = Newcomer::new(&ledger)?;
    newcomer.join(&ledger, arrived)?;
    while newcomer.older(&ledger, 100)? {}
    let mut making = newcomer.chain.begin_history()?;
    let mut next = 100;
    while !making.step(&newcomer.chain, 5)? {
        ledger.records(next..=next)?;
        newcomer.follow(&ledger)?;
        next += 1;
    }
    let data = newcomer.data();
    newcomer.chain.end_history(making, &data)?;
    assert!(next > 105);
    for place in [
        Place::key_trail(&ledger.gateway.key.public().key_id()),
        Place::gateway_trail(&ledger.gateway.identity),
        Place::department_trail("gz.psb"),
    ] {
        assert_eq!(trail(&newcomer.chain, &place)?, trail(&ledger.chain, &place)?, "{place}");
    }
    newcomer = newcomer.restart(&ledger)?;
    assert_eq!(newcomer.chain.index().event_count(), ledger.chain.index().event_count());
    Ok(())
}

/// How much a piece holds.
fn count(piece: &Piece) -> usize {
    match piece {
        Piece::Ids(it) => it.len(),
        Piece::Objects(it) => it.len(),
        Piece::Heads(it) => it.len(),
    }
}

/// Changes something of a piece, or leaves it out.
fn bend(piece: &mut Piece, at: usize) {
    match piece {
        Piece::Ids(it) => it[at] ^= 1,
        Piece::Objects(it) if at.is_multiple_of(2) => {
            it.remove(at);
        }
        Piece::Objects(it) => match it[at].1.last_mut() {
            Some(byte) => *byte ^= 1,
            None => it[at].1.push(8),
        },
        Piece::Heads(it) if at.is_multiple_of(2) => it[at].1 += 1,
        Piece::Heads(it) => it[at].2[0][7] ^= 1,
    }
}

/// Whatever of it is another, it is none: before anything of what the node has is touched.
#[test]
fn what_a_liar_gives_is_no_snapshot() -> anyhow::Result<()> {
    let mut ledger = Ledger::new()?;
    ledger.records(1..=9)?;
    let (manifest, pieces) = ledger.snapshot()?;
    let folder = tempfile::tempdir()?;
    let refused = |manifest: &Manifest, pieces: &[Piece]| {
        let arrived = arrive(&ledger.founding, folder.path(), manifest.clone(), pieces);
        arrived.err().map(|it| it.to_string())
    };
    assert_eq!(refused(&manifest, &pieces), None);
    for number in 0..pieces.len() {
        let mut fewer = pieces.clone();
        fewer.remove(number);
        let less = Manifest { pieces: fewer.len() as u32, ..manifest.clone() };
        let is_empty = count(&pieces[number]) == 0;
        assert!(is_empty || refused(&less, &fewer).is_some(), "without piece {number}");
        assert!(refused(&manifest, &fewer).is_some());
        let mut twice = pieces.clone();
        twice.push(pieces[number].clone());
        let more = Manifest { pieces: twice.len() as u32, ..manifest.clone() };
        if matches!(&pieces[number], Piece::Ids(_)) {
            assert!(refused(&more, &twice).is_some(), "piece {number} twice");
        }
    }
    let mut tried = 0;
    for number in 0..pieces.len() {
        for at in 0..count(&pieces[number]) {
            let mut bent = pieces.clone();
            bend(&mut bent[number], at);
            assert!(refused(&manifest, &bent).is_some(), "piece {number} at {at}");
            tried += 1;
        }
    }
    assert!(tried > 300, "{tried}");
    let other = Ledger::new()?;
    assert!(
        refused(
            &Manifest {
                block: other.chain.log().read(Height::new(1))?.expect("a block"),
                ..manifest.clone()
            },
            &pieces
        )
        .is_some()
    );
    for at in 0..manifest.anchor.len() {
        let mut bent = manifest.clone();
        bent.anchor[at] ^= 1;
        assert!(refused(&bent, &pieces).is_some(), "anchor at {at}");
    }
    let mut bent = manifest;
    bent.block.outcomes[0] ^= 1;
    assert!(refused(&bent, &pieces).is_some());
    Ok(())
}

/// Older blocks that are others are not taken.
#[test]
fn older_blocks_are_those_that_were_certified() -> anyhow::Result<()> {
    let mut ledger = Ledger::new()?;
    ledger.records(1..=12)?;
    let (manifest, pieces) = ledger.snapshot()?;
    let folder = tempfile::tempdir()?;
    let mut newcomer = Newcomer::new(&ledger)?;
    newcomer.join(&ledger, arrive(&ledger.founding, folder.path(), manifest, &pieces)?)?;
    let mut older = Older::of(&newcomer.chain)?.expect("older blocks");
    let block = |height: u64| ledger.chain.log().read(Height::new(height)).map(Option::unwrap);
    let (first, second) = (block(1)?, block(2)?);
    let mut outcome = first.clone();
    outcome.outcomes[0] ^= 1;
    let mut uncertified = first.clone();
    uncertified.certificate.pop();
    let mut other = first.clone();
    other.block.transactions.clear();
    for bent in [&second, &outcome, &uncertified, &other] {
        assert!(older.check(&newcomer.chain, &[codec::encode(bent)?]).is_err());
        assert_eq!(older.next(), Height::new(1));
    }
    assert!(older.check(&newcomer.chain, &[vec![1, 2, 3]]).is_err());
    let run = [codec::encode(&first)?, codec::encode(&second)?, codec::encode(&first)?];
    let good = older.check(&newcomer.chain, &run)?;
    assert_eq!(good, [first, second]);
    Ok(())
}

/// Where the node ends while it takes a snapshot in, or what it took in is damaged, it begins anew with nothing.
#[test]
fn a_join_that_was_not_finished_is_begun_anew() -> anyhow::Result<()> {
    let mut ledger = Ledger::new()?;
    ledger.records(1..=12)?;
    let (manifest, pieces) = ledger.snapshot()?;
    for damage in ["index", "log", "base"] {
        let folder = tempfile::tempdir()?;
        let mut newcomer = Newcomer::new(&ledger)?;
        let arrived = arrive(&ledger.founding, folder.path(), manifest.clone(), &pieces)?;
        newcomer.join(&ledger, arrived)?;
        let home = newcomer.kill();
        match damage {
            // As if it had ended before the index stood there.
            "index" => std::fs::remove_dir_all(home.path().join("index"))?,
            "log" => {
                for file in std::fs::read_dir(home.path().join("blocks"))? {
                    std::fs::remove_file(file?.path())?;
                }
            }
            _ => std::fs::remove_file(home.path().join("base"))?,
        }
        let (mut newcomer, report) = Newcomer::open(home, &ledger)?;
        assert_eq!(newcomer.chain.header().height, Height::GENESIS, "{damage}: {report:?}");
        let arrived = arrive(&ledger.founding, folder.path(), manifest.clone(), &pieces)?;
        newcomer.join(&ledger, arrived)?;
        same(&newcomer, &ledger)?;
        while newcomer.older(&ledger, 5)? {}
        newcomer.make_history()?;
        newcomer.restart(&ledger)?;
    }
    Ok(())
}
