//! A node's memory as its ledger grows, and the times of a snapshot at its end: made, taken in, and the history behind it.
//!
//! `cargo bench -p liuhen-tests --bench snapshot [-- EVENTS]` (10⁶ events)
//!
//! In one process, without an engine. Each block has 1,000 records in transactions of ten; each record is about one of 100,000 subjects. Memory is what
//! the whole process holds, this bench's own included.

use liuhen_node::app::{Arriving, Manifest, Older};
use liuhen_node::codec;
use liuhen_proto::items::Item;
use liuhen_proto::types::Height;
use liuhen_proto::wire::{self, item::Kind};
use liuhen_tests::actions::record;
use liuhen_tests::ledger::{Ledger, Newcomer};
use std::time::Instant;

const SUBJECTS: u64 = 100_000;
const BLOCK: u64 = 1_000;
const ITEMS: u64 = 10;

fn of_subject(number: u64) -> anyhow::Result<Item> {
    let Kind::RecordAccess(mut it) = record(number)?.kind().clone() else {
        anyhow::bail!("not a record")
    };
    let tag = *blake3::hash(&(number % SUBJECTS).to_be_bytes()).as_bytes();
    it.subjects = Some(wire::Subjects { tags: vec![tag.to_vec()], ..wire::Subjects::default() });
    Ok(liuhen_client::submit::item(Kind::RecordAccess(it))?)
}

/// Resident memory of this process, in MiB.
fn resident() -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).unwrap_or_default();
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
}

fn main() -> anyhow::Result<()> {
    let events = std::env::args().filter_map(|it| it.parse().ok()).next().unwrap_or(1_000_000u64);
    let mut ledger = Ledger::new()?;
    let gateway = ledger.gateway.clone();
    let (mut began, mut number) = (Instant::now(), 0);
    println!("{:>9} events: {:>5} MiB", 0, resident()?);
    while number < events {
        let mut transactions = Vec::new();
        for _ in 0..BLOCK / ITEMS {
            let items = (number + 1..=number + ITEMS).map(of_subject);
            transactions.push(items.collect::<anyhow::Result<Vec<_>>>()?);
            number += ITEMS;
        }
        ledger.commit_all(&gateway, &transactions)?;
        if number % (events / 10).max(1) == 0 {
            println!("{number:>9} events: {:>5} MiB, {:?}", resident()?, began.elapsed());
            began = Instant::now();
        }
    }
    join(&mut ledger)
}

fn join(ledger: &mut Ledger) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let began = Instant::now();
    let begun = ledger.chain.begin_snapshot()?.ok_or_else(|| anyhow::anyhow!("no block"))?;
    let held = began.elapsed();
    let made = begun.write(&folder.path().join("made"))?;
    println!(
        "made in {:?} ({held:?} of it with the chain held): {} bytes",
        began.elapsed(),
        made.size()
    );
    let began = Instant::now();
    let manifest = Manifest::from_bytes(made.manifest())?;
    let mut arriving = Arriving::begin(&ledger.founding, manifest, &folder.path().join("pieces"))?;
    while let Some(number) = arriving.wanted() {
        let piece = made.piece(number)?.ok_or_else(|| anyhow::anyhow!("no piece {number}"))?;
        arriving.take(&piece)?;
    }
    let arrived = arriving.finish()?;
    println!("checked in {:?}", began.elapsed());
    let began = Instant::now();
    let mut newcomer = Newcomer::new(ledger)?;
    newcomer.join(ledger, arrived)?;
    println!("taken in in {:?}: it may vote", began.elapsed());
    let began = Instant::now();
    while let Some(mut older) = Older::of(&newcomer.chain)? {
        let first = older.next();
        let last = ledger.chain.header().height.get().min(first.get() + 63);
        let blocks = (first.get()..=last).filter_map(|height| {
            let block = ledger.chain.log().read(Height::new(height)).ok().flatten()?;
            codec::encode(&block).ok()
        });
        let good = older.check(&newcomer.chain, &blocks.collect::<Vec<_>>())?;
        newcomer.chain.take_older(first, &good)?;
    }
    println!("older blocks checked and written in {:?}", began.elapsed());
    let began = Instant::now();
    newcomer.make_history()?;
    println!("history made in {:?}", began.elapsed());
    println!("load average: {}", std::fs::read_to_string("/proc/loadavg")?.trim());
    Ok(())
}
