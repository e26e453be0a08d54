//! Seeds. One that fails is shown with how to run it again.
//!
//! `LIUHEN_SEED=17 cargo test --release --workspace --test simulation one_seed -- --ignored --nocapture` shows what happens at a seed.

#![allow(clippy::unwrap_used, reason = "a run that can't be set up may end them")]

use liuhen_simulation::{Run, Weakness, run};
use std::sync::atomic::{AtomicU64, Ordering};

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|it| it.parse().ok()).unwrap_or(otherwise)
}

/// Runs seeds on all processors; gives those at which something was wrong, and what the others come to.
fn runs(first: u64, count: u64, weakness: Option<Weakness>) -> Vec<Run> {
    let (next, threads) = (AtomicU64::new(0), std::thread::available_parallelism().unwrap().get());
    let mut all = Vec::new();
    std::thread::scope(|scope| {
        let work = || {
            let mut done = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return done;
                }
                done.push(run(first + number, weakness, false).unwrap());
            }
        };
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        all.extend(handles.into_iter().flat_map(|it| it.join().unwrap()));
    });
    all.sort_by_key(|it| it.seed);
    all
}

/// In the checks 500 seeds; with `LIUHEN_SEEDS` as many, from `LIUHEN_SEED` on.
#[test]
fn whatever_befalls_them_nothing_is_lost_and_it_goes_on() {
    let began = std::time::Instant::now();
    let all = runs(number("LIUHEN_SEED", 0), number("LIUHEN_SEEDS", 500), None);
    let sum = |of: fn(&Run) -> u64| all.iter().map(of).sum::<u64>();
    eprintln!(
        "{} seeds in {:?}: {} blocks, {} transactions, {} s of simulated time",
        all.len(),
        began.elapsed(),
        sum(|it| it.blocks),
        sum(|it| it.acknowledged as u64),
        sum(|it| it.simulated_ms) / 1_000
    );
    let wrong: Vec<_> = all.iter().filter_map(|it| Some((it.seed, it.wrong.as_ref()?))).collect();
    for (seed, why) in &wrong {
        eprintln!("seed {seed}: {why}");
        eprintln!(
            "  LIUHEN_SEED={seed} cargo test --workspace --test simulation one_seed -- --ignored --nocapture"
        );
    }
    assert!(wrong.is_empty(), "{} of {} seeds", wrong.len(), all.len());
}

#[test]
fn the_same_seed_is_the_same_to_the_byte() {
    for seed in [1, 2, 3, 4] {
        let (first, second) = (run(seed, None, false).unwrap(), run(seed, None, false).unwrap());
        assert_eq!(first.trace, second.trace, "seed {seed}");
    }
    let of = |seed| run(seed, None, false).unwrap().trace;
    assert_ne!(of(1), of(2));
}

/// What was wrong once is found when it is put back, within a hundred seeds.
fn is_found(weakness: Weakness, how: &[&str]) {
    const TOGETHER: u64 = 4;
    for first in (0..100).step_by(TOGETHER as usize) {
        let all = runs(first, TOGETHER, Some(weakness));
        let wrong = all.iter().filter_map(|it| Some((it.seed, it.wrong.as_ref()?)));
        if let Some(found) =
            wrong.into_iter().find(|(_, why)| how.iter().any(|it| why.contains(it)))
        {
            eprintln!("{weakness:?}: {found:?}");
            return;
        }
    }
    panic!("{weakness:?} is not found");
}

#[test]
fn a_synced_block_taken_for_a_built_one_is_found() {
    is_found(Weakness::SyncedTakenForBuilt, &["kept signature"]);
}

#[test]
fn the_tail_that_a_power_cut_leaves_is_found() {
    is_found(Weakness::LogTailLeft, &["an entry of the log", "it did not go on"]);
}

#[test]
fn a_decided_block_forgotten_is_found() {
    is_found(Weakness::DecidedForgotten, &["a decided block that is not here"]);
}

#[test]
fn votes_forgotten_are_found() {
    is_found(Weakness::VotesForgotten, &["two messages of one key"]);
}

#[test]
#[ignore = "shows one seed"]
fn one_seed() {
    let run = run(number("LIUHEN_SEED", 0), None, true).unwrap();
    assert_eq!(run.wrong, None);
}
