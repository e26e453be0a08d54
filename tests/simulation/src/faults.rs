//! What befalls machines and the network, planned from the seed.

use crate::disk::{At, SimDisk};
use crate::engine::Weakness;
use crate::random::Random;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const SECOND: u64 = 1_000_000;
/// Until then all are new to each other.
const BEGIN: u64 = 3 * SECOND;

/// Something that goes wrong.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// At a call of a machine's disk.
    At {
        machine: usize,
        calls: u64,
        at: At,
    },
    /// The power of all goes, at a call of each one's disk.
    PowerCutOfAll {
        calls: u64,
    },
    Full {
        machine: usize,
        is_full: bool,
    },
    /// These are cut off from the others.
    Part(BTreeSet<usize>),
    /// One way is cut.
    Cut(usize, usize),
    Quality {
        lost: u64,
        slow: u64,
    },
    /// All links are well again.
    Links,
    Clock {
        machine: usize,
        ahead_ms: i64,
    },
    Stop(usize),
    Damage {
        machine: usize,
        what: Damage,
    },
}

/// What is wrong on a disk that another process finds.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Damage {
    /// A bit of some file is another.
    Rot(&'static str),
    /// A bit near the end of the last file is another.
    RotAtEnd(&'static str),
    /// A file or folder is gone.
    Lost(&'static str),
}

/// Bytes that are near the end.
const END: usize = 300;
/// Files of which a bit may rot, and what may be lost.
const ROT: [&str; 4] = ["data/blocks", "data/undecided", "data/consensus", "vote-record"];
const LOST: [&str; 8] = [
    "data/blocks",
    "data/blocks",
    "data/undecided",
    "data/consensus",
    "data/index",
    "vote-record",
    "data",
    "data",
];

impl Damage {
    pub(crate) fn befall(self, disk: &SimDisk, random: &mut Random) {
        match self {
            Self::Lost(below) => disk.lose_all(below),
            Self::Rot(below) => {
                let files: Vec<PathBuf> = disk.below(below);
                let Some(file) = files.get(random.index(files.len())) else { return };
                let length = disk.bytes(file).unwrap_or_default().len();
                flip(disk, file, random.index(length), 1 << random.below(8));
            }
            Self::RotAtEnd(below) => {
                let files: Vec<PathBuf> = disk.below(below);
                let Some(file) = files.last() else { return };
                let length = disk.bytes(file).unwrap_or_default().len();
                let at = length.saturating_sub(random.index(END) + 1);
                flip(disk, file, at, 1 << random.below(8));
            }
        }
    }
}

fn flip(disk: &SimDisk, file: &Path, at: usize, bits: u8) {
    let mut bytes = disk.bytes(file).unwrap_or_default();
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= bits;
        disk.put(file, &bytes);
    }
}

/// What happens when, in microseconds, and when it is over.
pub(crate) struct Plan {
    pub(crate) faults: Vec<(u64, Fault)>,
    pub(crate) over: u64,
}

impl Plan {
    pub(crate) fn of(random: &mut Random, machines: usize, weakness: Option<Weakness>) -> Self {
        let over = random.between(8 * SECOND, 25 * SECOND);
        // Whose disk is damaged: no more than may be faulty.
        let damaged = random.index(machines);
        let mut faults = Vec::new();
        for _ in 0..random.between(2, 10) {
            let at = random.between(BEGIN, over);
            let machine = random.index(machines);
            add(random, machines, (machine, damaged), at, &mut faults);
        }
        if weakness != Some(Weakness::SyncedTakenForBuilt) {
            return Self { faults, over };
        }
        // It shows where a node is killed between two writes while it fetches what it lost.
        faults.clear();
        for number in 1..9 {
            let (at, calls) = (number * 5 * SECOND, random.between(30, 30 + number * 60));
            let what = Damage::Lost("data");
            faults.push((at, Fault::Damage { machine: damaged, what }));
            faults.push((at + 1, Fault::At { machine: damaged, calls, at: At::Kill }));
        }
        Self { faults, over: 45 * SECOND }
    }
}

fn add(
    random: &mut Random,
    machines: usize,
    (machine, damaged): (usize, usize),
    at: u64,
    faults: &mut Vec<(u64, Fault)>,
) {
    let calls = random.between(1, 200);
    let until = at + random.between(SECOND, 8 * SECOND);
    let fault = match random.below(14) {
        0..=2 => Fault::At { machine, calls, at: At::Kill },
        3 => Fault::At { machine, calls, at: At::PowerCut },
        4 => Fault::PowerCutOfAll { calls },
        5 => Fault::At { machine, calls, at: At::Fail },
        6 => {
            faults.push((until, Fault::Full { machine, is_full: false }));
            Fault::Full { machine, is_full: true }
        }
        7 => {
            let count = random.index(machines);
            faults.push((until, Fault::Links));
            Fault::Part((0..machines).filter(|it| (it + machine) % machines < count).collect())
        }
        8 => {
            let mut other = random.index(machines);
            faults.push((until, Fault::Links));
            for _ in 0..3 {
                faults.push((at, Fault::Cut(machine, other)));
                other = random.index(machines);
            }
            Fault::Cut(other, machine)
        }
        9 => {
            faults.push((until, Fault::Links));
            Fault::Quality { lost: random.below(100), slow: random.below(300_000) }
        }
        10 => {
            let ahead = random.between(0, 120_000);
            let ahead_ms = i64::try_from(ahead).unwrap_or_default() - 60_000;
            Fault::Clock { machine, ahead_ms }
        }
        11 => Fault::Stop(machine),
        _ => {
            let what = match random.below(6) {
                0..=1 => Damage::Rot(ROT[random.index(ROT.len())]),
                2 => Damage::RotAtEnd("data/blocks"),
                _ => Damage::Lost(LOST[random.index(LOST.len())]),
            };
            // It is killed while it fetches what it lost.
            for number in 0..random.below(6) {
                let at = at + 1 + number * random.between(SECOND / 2, 3 * SECOND);
                let calls = random.between(1, 250);
                faults.push((at, Fault::At { machine: damaged, calls, at: At::Kill }));
            }
            Fault::Damage { machine: damaged, what }
        }
    };
    faults.push((at, fault));
}
