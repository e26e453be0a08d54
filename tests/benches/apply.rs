//! Time that the rules take for a single record, without trees and signatures, over a ledger of many
//! objects: in memory, and over the node's index on disk.
//!
//! `cargo bench -p liuhen-tests --bench apply`
//!
//! Each block has 1,000 transactions of one record each, under 50 grants (a busy minute) or under as
//! many as there are, up to 1,000 (each record begins the hour of its grant: the worst there is). Half
//! of the grants were passed on, so that what they hang from is judged and counted as well. Gateways
//! are set up, and the default watches, halves and integrity rules in force; of grade 3 each record
//! waits for a half of its own besides. Each row is measured in a process of its own, for in a heap
//! that was used before, what is measured is the heap.

use anyhow::Context as _;
use liuhen_client::submit::item;
use liuhen_genesis::Founding;
use liuhen_node::store::Index;
use liuhen_proto::ledger::{BlockContext, Delta, Missing, Object, View, apply, seal::seal};
use liuhen_proto::place::{ObjectKind, Place};
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::tx::{Signer, Tx};
use liuhen_proto::types::{Height, IdentityId, RequestId, TimeMs, identity_id};
use liuhen_proto::wire::{self, item::Kind};
use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

const BLOCK: usize = 1_000;
const REPEATS: usize = 15;
const SIZES: [usize; 3] = [1_000, 100_000, 1_000_000];
/// Grants that a block's records are spread over: few, or all.
const SPREADS: [usize; 2] = [50, usize::MAX];
const GATEWAYS: usize = 16;
const NOW: u64 = 1_795_397_000_000;

/// A ledger in memory; its timers are in order apart, as in a node's index.
struct Memory {
    objects: HashMap<Place, Object>,
    timers: BTreeMap<Place, ()>,
}

impl View for Memory {
    fn object(&self, place: &Place) -> Result<Option<Object>, Missing> {
        Ok(self.objects.get(place).cloned())
    }

    fn trail_size(&self, _: &Place) -> Result<u64, Missing> {
        Ok(0)
    }

    fn timers_due(&self, until: TimeMs, limit: usize) -> Result<Vec<Place>, Missing> {
        let due = |place: &&Place| place.timer_due().is_some_and(|due| due <= until);
        Ok(self.timers.keys().take_while(due).take(limit).cloned().collect())
    }
}

fn key(number: usize) -> PrivateKey {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&(number as u64).to_be_bytes());
    PrivateKey::from_seed(&seed)
}

fn public(number: usize) -> String {
    hex::encode(key(number).public().as_bytes())
}

fn founding() -> anyhow::Result<Founding> {
    let mut source = format!(
        r#"name = "dev-bench"
time = "2026-11-01T00:00:00+08:00"
[parameters]
lead = "bdb"
purposes = ["pension"]
legal_bases = ["law"]
[[department]]
code = "bdb"
name_en = "bdb"
level = 1
body = "bdb"
rights = ["manage"]
[[department.node]]
code = "node"
public_key = "{}"
cosigner_key = "{}"
peer_id = "x"
power = 1
[[department]]
code = "hrss"
name_en = "hrss"
level = 1
body = "hrss"
rights = ["use"]
[[department.identity]]
code = "app"
kind = "system"
public_key = "{}"
[[department]]
code = "psb"
name_en = "psb"
level = 1
body = "psb"
rights = ["collect"]
"#,
        public(900),
        public(901),
        public(902)
    );
    for gateway in 0..GATEWAYS {
        source += &format!(
            "[[department.identity]]\ncode = \"gateway-{gateway}\"\nkind = \"system\"\npublic_key = \"{}\"\n",
            public(gateway)
        );
    }
    Ok(liuhen_genesis::build(&source)?)
}

fn id(number: usize) -> RequestId {
    let mut bytes = [1; 32];
    bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
    RequestId::new(bytes)
}

fn app() -> IdentityId {
    identity_id(&key(902).public().key_id())
}

/// Half of the grants hang from the one before.
fn grant(number: usize) -> wire::Grant {
    let terms = wire::Terms {
        fields: ["a", "b", "c"].map(str::to_owned).to_vec(),
        operations: vec![wire::Operation::Read as i32],
        identity_ids: vec![app().to_vec()],
        from_ms: 1,
        until_ms: NOW * 2,
        quota: Some(wire::Quota { rows_per_day: 1 << 40, ..wire::Quota::default() }),
        ..wire::Terms::default()
    };
    let passed_on = number % 2 == 1;
    wire::Grant {
        request_id: id(number).to_vec(),
        dataset: "civil.resident".into(),
        reference: format!("r-{number}"),
        using_department: "hrss".into(),
        collector: "psb".into(),
        manager: "bdb".into(),
        using_body: "hrss".into(),
        collector_body: "psb".into(),
        manager_body: "bdb".into(),
        purpose: "pension".into(),
        legal_basis: "law".into(),
        terms: Some(terms),
        steps: vec![wire::GrantStep {
            state: wire::GrantState::Active as i32,
            ..wire::GrantStep::default()
        }],
        parent_id: if passed_on { id(number - 1).to_vec() } else { Vec::new() },
        ..wire::Grant::default()
    }
}

/// Founding objects, a dataset, and grants with their counters and timers, until there are so many.
fn objects(founding: &Founding, size: usize, grade: u32) -> BTreeMap<Place, Object> {
    let mut objects = founding.objects().clone();
    let fields = ["a", "b", "c"].map(|name| wire::Field { name: name.into(), grade, category: 0 });
    let entry = wire::RegisterDataset {
        dataset: "civil.resident".into(),
        collector: "psb".into(),
        grade,
        category: wire::Category::Conditional as i32,
        fields: fields.to_vec(),
        ..wire::RegisterDataset::default()
    };
    let dataset = wire::Dataset { registration: Some(entry), ..wire::Dataset::default() };
    objects.insert(Place::dataset("civil.resident"), dataset.into());
    for number in 0..GATEWAYS {
        let id = identity_id(&key(number).public().key_id());
        let setup = wire::GatewaySetup {
            collector: "psb".into(),
            datasets: vec!["civil.resident".into()],
            mapping_digest: vec![1; 32],
            seal_due_ms: NOW + 1_000_000,
            ..wire::GatewaySetup::default()
        };
        objects.insert(Place::gateway_setup(id.as_bytes()), setup.into());
    }
    let days = (0..32)
        .map(|day| wire::DayUse {
            day: 20_700 + day,
            queries: 9,
            rows: 9,
            ..wire::DayUse::default()
        })
        .collect();
    let used = wire::GrantUse { queries: 288, rows: 288, days, ..wire::GrantUse::default() };
    let used = Object::from(used);
    let mut number = 0;
    while objects.len() < size {
        objects.insert(Place::grant(&id(number)), grant(number).into());
        objects.insert(Place::grant_use(&id(number)), used.clone());
        let timer = wire::Timer {
            kind: wire::TimerKind::GrantExpires as i32,
            about: id(number).to_vec(),
            cause: None,
        };
        let place = Place::timer(TimeMs::new(NOW * 2), 2, id(number).as_bytes());
        objects.insert(place, timer.into());
        number += 1;
    }
    objects
}

fn block(founding: &Founding, grants: usize) -> anyhow::Result<Vec<Tx>> {
    let mut transactions = Vec::with_capacity(BLOCK);
    for number in 0..BLOCK {
        let gateway = key(number % GATEWAYS);
        let signer = Signer {
            chain: founding.chain(),
            department: "psb".into(),
            identity: identity_id(&gateway.public().key_id()),
            key: gateway,
        };
        // Spread over all grants, in no order.
        let which = number.wrapping_mul(2_654_435_761) % grants;
        let access = wire::DatasetAccess {
            dataset: "civil.resident".into(),
            operation: wire::Operation::Read as i32,
            request_id: id(which).to_vec(),
            fields: vec!["a".into()],
            ..wire::DatasetAccess::default()
        };
        let asker = wire::Party {
            department: "hrss".into(),
            identity_id: app().to_vec(),
            assurance: wire::Assurance::Verified as i32,
            ..wire::Party::default()
        };
        let record = wire::RecordAccess {
            channel: wire::Channel::Door as i32,
            collector: "psb".into(),
            access_no: (number / GATEWAYS) as u64 + 1,
            decision: wire::Decision::Served as i32,
            accesses: vec![access],
            asker: Some(asker),
            purpose: "pension".into(),
            subjects: Some(wire::Subjects { tags: vec![vec![8; 32]], ..Default::default() }),
            query_digest: vec![9; 32],
            row_count: Some(1),
            access_time_ms: NOW - 5,
            decided_height: Some(1),
            ..wire::RecordAccess::default()
        };
        let header = founding.header();
        let recent = (Height::new(1), header.block_id());
        let seq = (number / GATEWAYS) as u64;
        let items = [item(Kind::RecordAccess(record))?];
        transactions.push(signer.sign(seq, recent, TimeMs::new(NOW), &items)?);
    }
    Ok(transactions)
}

/// Microseconds a record: the median of the repeats, the least and the most.
fn measure(view: &dyn View, founding: &Founding, transactions: &[Tx]) -> anyhow::Result<[f64; 3]> {
    let context = BlockContext {
        height: Height::new(2),
        time: TimeMs::new(NOW),
        parent_id: founding.header().block_id(),
        parent_time: TimeMs::new(NOW - 10),
        carried_round: None,
    };
    let mut times = Vec::with_capacity(REPEATS);
    for _ in 0..REPEATS {
        let began = Instant::now();
        let delta = apply(view, context, founding.chain(), transactions)
            .map_err(|(number, why)| anyhow::anyhow!("transaction {number}: {why}"))?;
        times.push(began.elapsed().as_secs_f64() * 1e6 / BLOCK as f64);
        let covered = delta.events.iter().filter(|it| it.leaf.outcome.verdict as u8 == 1).count();
        anyhow::ensure!(covered == BLOCK, "{covered} of {BLOCK} records were covered");
    }
    times.sort_by(f64::total_cmp);
    let at = |place: usize| times.get(place).copied().context("no repeats");
    Ok([at(REPEATS / 2)?, at(0)?, at(REPEATS - 1)?])
}

/// What a row measures.
struct Row {
    size: usize,
    grade: u32,
    spread: usize,
}

impl Row {
    /// Measures it, in this process.
    fn run(&self) -> anyhow::Result<()> {
        let founding = founding()?;
        let objects = objects(&founding, self.size, self.grade);
        let kind = ObjectKind::Grant;
        let grants = objects.keys().filter(|place| place.object_kind() == Some(kind)).count();
        let grants = grants.min(self.spread);
        let transactions = block(&founding, grants)?;
        let timers = objects.keys().filter(|place| place.timer_due().is_some());
        let timers = timers.map(|place| (place.clone(), ())).collect();
        let memory = Memory { objects: objects.clone().into_iter().collect(), timers };
        self.show("memory", grants, measure(&memory, &founding, &transactions)?);
        drop(memory);

        let folder = tempfile::tempdir()?;
        let mut index = Index::open(folder.path(), &founding)?;
        let objects = objects.into_iter().map(|(place, object)| (place, Some(object))).collect();
        let delta = Delta { objects, events: Vec::new() };
        let sealed = seal(&Delta::default(), &index, founding.trie())?;
        index.add(Height::new(1), delta, &sealed, &[])?;
        index.write()?;
        drop(index);
        let index = Index::open(folder.path(), &founding)?;
        self.show("index", grants, measure(&index, &founding, &transactions)?);
        Ok(())
    }

    fn show(&self, what: &str, grants: usize, [median, least, most]: [f64; 3]) {
        let (grade, size, grants) = (self.grade, self.size, grants.min(BLOCK));
        println!(
            "{what:<8} grade {grade} {size:>9} objects, {grants:>5} grants a block: \
             {median:6.2} µs a record ({least:.2} to {most:.2})"
        );
    }
}

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, row, size, grade, spread] = arguments.as_slice()
        && row == "row"
    {
        return Row { size: size.parse()?, grade: grade.parse()?, spread: spread.parse()? }.run();
    }
    println!("load average: {}", std::fs::read_to_string("/proc/loadavg")?.trim());
    let grades = SIZES.into_iter().flat_map(|size| [(size, 2_u32), (size, 3)]);
    for ((size, grade), spread) in grades.flat_map(|it| SPREADS.map(|spread| (it, spread))) {
        let status = std::process::Command::new(std::env::current_exe()?)
            .args(["row", &size.to_string(), &grade.to_string(), &spread.to_string()])
            .status()?;
        anyhow::ensure!(status.success(), "a row ended with {status}");
    }
    Ok(())
}
