//! How long a validator is busy with the dearest blocks that the rules admit: as many transactions of one kind as a block
//! takes, on objects as large as they get.
//!
//! `cargo bench -p liuhen-tests --bench dearest`
//!
//! A row is a kind of block: the rules applied to it (the median of the repeats, the least and the most), the values of the map
//! that follow, how many items found room, and why the next one did not. Signatures and trees are not in it: their
//! cost goes by the number of transactions and objects, which other limits hold. The last rows are what goes off by itself at the
//! beginning of a block, whatever each timer makes.

use anyhow::Context as _;
use liuhen_client::submit::item;
use liuhen_genesis::Founding;
use liuhen_proto::ledger::{BlockContext, Draft, Missing, NotApplied, Object, View};
use liuhen_proto::place::Place;
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::tx::{Signer, Tx};
use liuhen_proto::types::{Height, RequestId, TimeMs, identity_id, limits};
use liuhen_proto::wire::{self, IdentityKind, StandingChange, item::Kind};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

const REPEATS: usize = 5;
const NOW: u64 = 1_795_397_000_000;
const COLLECTORS: usize = 64;

struct Memory {
    objects: HashMap<Place, Object>,
    /// Timers, in order.
    timers: BTreeSet<Place>,
}

impl Memory {
    fn of(objects: HashMap<Place, Object>) -> Self {
        let timers = objects.keys().filter(|place| place.timer_due().is_some()).cloned().collect();
        Self { objects, timers }
    }
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
        Ok(self.timers.iter().filter(due).take(limit).cloned().collect())
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

/// A manager, a user, and many collectors, each with a root.
fn founding() -> anyhow::Result<Founding> {
    let mut source = format!(
        "name = \"dev-bench\"\ntime = \"2026-11-01T00:00:00+08:00\"\n[parameters]\nlead = \"bdb\"\n\
         purposes = [\"pension\"]\nlegal_bases = [\"law\"]\n\
         [[department]]\ncode = \"bdb\"\nname_en = \"bdb\"\nlevel = 1\nbody = \"bdb\"\nrights = [\"manage\"]\n\
         [[department.node]]\ncode = \"node\"\npublic_key = \"{}\"\ncosigner_key = \"{}\"\npeer_id = \"x\"\npower = 1\n\
         [[department.identity]]\ncode = \"officer\"\nkind = \"officer\"\npublic_key = \"{}\"\n\
         [[department]]\ncode = \"hrss\"\nname_en = \"hrss\"\nlevel = 1\nbody = \"hrss\"\nrights = [\"use\"]\n",
        public(900),
        public(901),
        public(902)
    );
    for number in 0..COLLECTORS {
        source += &format!(
            "[[department]]\ncode = \"c{number}\"\nname_en = \"c\"\nlevel = 1\nbody = \"c{number}\"\nrights = [\"collect\"]\n\
             [[department.identity]]\ncode = \"root\"\nkind = \"root\"\npublic_key = \"{}\"\n",
            public(number)
        );
    }
    Ok(liuhen_genesis::build(&source)?)
}

/// Who signs, and how many items so far.
struct Person {
    signer: Signer,
    seq: u64,
}

impl Person {
    fn new(founding: &Founding, department: &str, number: usize) -> Self {
        let key = key(number);
        let identity = identity_id(&key.public().key_id());
        let (chain, department) = (founding.chain(), department.to_owned());
        Self { signer: Signer { chain, department, identity, key }, seq: 0 }
    }

    fn says(&mut self, founding: &Founding, kinds: Vec<Kind>) -> anyhow::Result<Tx> {
        let items = kinds.into_iter().map(item).collect::<Result<Vec<_>, _>>()?;
        let recent = (Height::new(1), founding.header().block_id());
        let tx = self.signer.sign(self.seq, recent, TimeMs::new(NOW), &items)?;
        self.seq = tx.next_seq();
        Ok(tx)
    }
}

fn id(number: usize) -> RequestId {
    let mut bytes = [1; 32];
    bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
    RequestId::new(bytes)
}

fn terms(until_ms: u64) -> wire::Terms {
    wire::Terms {
        fields: (0..40).map(|n| format!("field-{n:03}")).collect(),
        operations: vec![wire::Operation::Read as i32],
        identity_ids: vec![vec![1; 32]],
        from_ms: 1,
        until_ms,
        quota: Some(wire::Quota::default()),
        ..wire::Terms::default()
    }
}

/// A grant that has been amended nearly as often as one may be.
fn grant(number: usize, steps: usize, children: usize) -> wire::Grant {
    let step = |n: usize| wire::GrantStep {
        state: wire::GrantState::Active as i32,
        terms: Some(terms(NOW * 2 - n as u64)),
        by: "c0".into(),
        ..wire::GrantStep::default()
    };
    wire::Grant {
        request_id: id(number).to_vec(),
        dataset: "civil.resident".into(),
        using_department: "hrss".into(),
        collector: format!("c{}", number % COLLECTORS),
        manager: "bdb".into(),
        terms: Some(terms(NOW * 2)),
        steps: (0..steps).map(step).collect(),
        children: (0..children).map(|n| id(1_000_000 + number * 2000 + n).to_vec()).collect(),
        ..wire::Grant::default()
    }
}

/// Blocks of one kind: their name, what stands before, and transactions without end.
type Scenario = (&'static str, HashMap<Place, Object>, Next);
/// Gives the transaction of a number.
type Next = Box<dyn FnMut(usize) -> anyhow::Result<Tx>>;

/// What the collectors say in turn: of a transaction's number and its collector, the items.
fn by_collectors(
    founding: &Founding,
    items: impl Fn(usize, String) -> Vec<Kind> + 'static,
) -> Next {
    let founding = founding.clone();
    let mut people: Vec<Person> = (0..COLLECTORS)
        .map(|number| Person::new(&founding, &format!("c{number}"), number))
        .collect();
    Box::new(move |number| {
        let which = number % COLLECTORS;
        let items = items(number, format!("c{which}"));
        people.get_mut(which).context("nobody")?.says(&founding, items)
    })
}

fn registering(founding: &Founding) -> Scenario {
    let mut objects: HashMap<Place, Object> = founding.objects().clone().into_iter().collect();
    for number in 0..COLLECTORS {
        let ids = (0..limits::ROSTER as u64 - 1000)
            .map(|n| [[9; 24].as_slice(), &n.to_be_bytes()].concat())
            .collect();
        let place = Place::roster(&format!("c{number}"));
        objects.insert(place, wire::Roster { identity_ids: ids }.into());
    }
    let next = by_collectors(founding, |number, department| {
        let register = |n: usize| {
            let key = key(1_000_000 + number * 40 + n);
            let key = wire::NewKey {
                algorithm: wire::Algorithm::Ed25519 as i32,
                public_key: key.public().as_bytes().to_vec(),
            };
            Kind::RegisterIdentity(wire::RegisterIdentity {
                department: department.clone(),
                code: format!("i{number}-{n}"),
                kind: IdentityKind::System as i32,
                keys: vec![key],
                ..wire::RegisterIdentity::default()
            })
        };
        (0..40).map(register).collect()
    });
    ("identities registered", objects, next)
}

fn amending(founding: &Founding) -> Scenario {
    let mut objects: HashMap<Place, Object> = founding.objects().clone().into_iter().collect();
    for number in 0..2_000 {
        objects.insert(Place::grant(&id(number)), grant(number, 200, 0).into());
    }
    let next = by_collectors(founding, |number, collector| {
        vec![Kind::SuspendGrant(wire::SuspendGrant {
            request_id: id(number).to_vec(),
            dataset: "civil.resident".into(),
            collector,
            using_department: "hrss".into(),
            manager: "bdb".into(),
            reason_digest: vec![1; 32],
        })]
    });
    ("long grants suspended", objects, next)
}

/// One grant after the other ends, and with each a thousand that hang from it.
fn ending(founding: &Founding) -> Scenario {
    let mut objects: HashMap<Place, Object> = founding.objects().clone().into_iter().collect();
    for number in 0..6 {
        let top = grant(number, 30, 1000);
        for child in &top.children {
            let it = wire::Grant { request_id: child.clone(), ..grant(number, 30, 0) };
            let child = RequestId::from_slice(child).unwrap_or_default();
            objects.insert(Place::grant(&child), it.into());
        }
        objects.insert(Place::grant(&id(number)), top.into());
    }
    let next = by_collectors(founding, |number, collector| {
        vec![Kind::RevokeGrant(wire::RevokeGrant {
            request_id: id(number).to_vec(),
            dataset: "civil.resident".into(),
            collector,
            using_department: "hrss".into(),
            manager: "bdb".into(),
            reason_digest: vec![1; 32],
        })]
    });
    ("grants with 1,000 beneath revoked", objects, next)
}

/// A department with a thousand beneath it, stopped and started again and again.
fn stopping(founding: &Founding) -> anyhow::Result<Scenario> {
    let mut objects: HashMap<Place, Object> = founding.objects().clone().into_iter().collect();
    let like = match objects.get(&Place::department("hrss")) {
        Some(Object::Department(it)) => (**it).clone(),
        _ => anyhow::bail!("no hrss"),
    };
    let standing: Vec<wire::Interval> = like.standing.iter().cycle().take(100).cloned().collect();
    let hrss = wire::Department { parent: "bdb".into(), ..like.clone() };
    objects.insert(Place::department("hrss"), hrss.into());
    let departments: Vec<String> = (0..limits::BENEATH).map(|n| format!("d{n:04}")).collect();
    for code in &departments {
        let (code, parent) = (code.clone(), "hrss".to_owned());
        let one = wire::Department { code, parent, standing: standing.clone(), ..like.clone() };
        objects.insert(Place::department(&one.code), one.into());
    }
    objects.insert(Place::beneath("hrss"), wire::Beneath { departments }.into());
    let voters = wire::Voter { department: "bdb".into(), weight: 1, suspended: false };
    objects.insert(Place::voters(), wire::Voters { voters: vec![voters] }.into());
    let founding = founding.clone();
    let mut manager = Person::new(&founding, "bdb", 902);
    let next = move |number: usize| {
        let change = if number.is_multiple_of(2) {
            StandingChange::Suspend
        } else {
            StandingChange::Reinstate
        };
        let item = Kind::ChangeDepartment(wire::ChangeDepartment {
            manager: "bdb".into(),
            department: "hrss".into(),
            change: change as i32,
            reason_digest: vec![1; 32],
        });
        manager.says(&founding, vec![item])
    };
    Ok(("1,000 beneath stopped, started", objects, Box::new(next)))
}

/// A timer that is due now.
fn due(objects: &mut HashMap<Place, Object>, kind: wire::TimerKind, about: &[u8]) {
    let place = Place::timer(TimeMs::new(NOW - 1), kind as u8, about);
    let (kind, about) = (kind as i32, about.to_vec());
    objects.insert(place, wire::Timer { kind, about, ..wire::Timer::default() }.into());
}

/// As many hours' halves are due as timers go off in a block, with both sides at fault in each, and both to be alerted.
fn halves_due(founding: &Founding) -> Scenario {
    let mut objects: HashMap<Place, Object> = founding.objects().clone().into_iter().collect();
    for number in 0..limits::TIMERS {
        let place = Place::halves(id(number).as_bytes(), NOW / 3_600_000 - 30, "hrss");
        let halves = wire::Halves {
            user_missing: 3,
            gateway_missing: 3,
            unsupported: 3,
            dataset: format!("civil.d{number}"),
            collector: format!("c{}", number % COLLECTORS),
            gateway_id: identity_id(&key(number % COLLECTORS).public().key_id()).to_vec(),
            ..wire::Halves::default()
        };
        due(&mut objects, wire::TimerKind::HalvesDue, place.id());
        objects.insert(place, halves.into());
    }
    ("1,000 hours of halves due", objects, nothing())
}

fn nothing() -> Next {
    Box::new(|_| anyhow::bail!("nothing is said"))
}

/// Grants end by themselves, each with a thousand that hang from it, until no further timer goes off.
fn expiring(founding: &Founding) -> Scenario {
    let mut objects: HashMap<Place, Object> = founding.objects().clone().into_iter().collect();
    for number in 0..limits::TIMERS {
        let mut top = grant(number, 30, if number < 10 { 1000 } else { 0 });
        top.terms = Some(terms(NOW - 1));
        top.steps.iter_mut().for_each(|step| step.terms = Some(terms(NOW - 1)));
        for child in &top.children {
            let it = wire::Grant { request_id: child.clone(), ..grant(number, 30, 0) };
            let child = RequestId::from_slice(child).unwrap_or_default();
            objects.insert(Place::grant(&child), it.into());
        }
        due(&mut objects, wire::TimerKind::GrantExpires, id(number).as_bytes());
        objects.insert(Place::grant(&id(number)), top.into());
    }
    ("grants with 1,000 beneath expire", objects, nothing())
}

/// What goes off by itself before the first transaction.
fn measure_due((name, objects, _): Scenario, founding: &Founding) -> anyhow::Result<()> {
    let view = Memory::of(objects);
    let mut applied = Vec::new();
    let (mut events, mut changed) = (0, BTreeMap::new());
    for _ in 0..REPEATS {
        let began = Instant::now();
        let delta = begun(&view, founding)?.finish();
        applied.push(began.elapsed());
        (events, changed) = (delta.events.len(), delta.objects);
    }
    anyhow::ensure!(events > 0, "{name}: nothing went off");
    applied.sort();
    let gone = view.timers.iter().filter(|it| changed.contains_key(*it)).count();
    let written: usize = changed.values().flatten().map(|it| it.to_bytes().len()).sum();
    println!(
        "{name:<34} {gone:>6} timers, {events:>6} events, {:>6} KiB stand changed: {:>4} ms applied ({} to {})",
        written / 1024,
        applied[REPEATS / 2].as_millis(),
        applied[0].as_millis(),
        applied[REPEATS - 1].as_millis(),
    );
    Ok(())
}

/// Transactions until a block takes no more; and why it does not.
fn fill(
    view: &Memory,
    founding: &Founding,
    next: &mut dyn FnMut(usize) -> anyhow::Result<Tx>,
) -> anyhow::Result<(Vec<Tx>, NotApplied)> {
    let mut draft = begun(view, founding)?;
    let mut taken = Vec::new();
    loop {
        let tx = next(taken.len())?;
        match draft.transaction(&tx) {
            Ok(()) => taken.push(tx),
            Err(why) => return Ok((taken, why)),
        }
    }
}

fn begun<'v>(view: &'v Memory, founding: &Founding) -> anyhow::Result<Draft<'v>> {
    let context = BlockContext {
        height: Height::new(2),
        time: TimeMs::new(NOW),
        parent_id: founding.header().block_id(),
        parent_time: TimeMs::new(NOW - 10),
        carried_round: None,
    };
    Ok(Draft::new(view, context, founding.chain())?)
}

fn measure((name, objects, mut next): Scenario, founding: &Founding) -> anyhow::Result<()> {
    let view = Memory::of(objects);
    let (taken, why) = fill(&view, founding, next.as_mut())?;
    let items: usize = taken.iter().map(|tx| tx.items().len()).sum();
    let bytes: usize = taken.iter().map(|tx| tx.raw().len()).sum();
    let (mut applied, mut hashed) = (Vec::new(), Duration::ZERO);
    let mut changed: BTreeMap<Place, Option<Object>> = BTreeMap::new();
    for _ in 0..REPEATS {
        let began = Instant::now();
        let mut draft = begun(&view, founding)?;
        for tx in &taken {
            draft.transaction(tx)?;
        }
        changed = draft.finish().objects;
        applied.push(began.elapsed());
        let began = Instant::now();
        let values = changed.values().flatten().map(Object::map_value).count();
        anyhow::ensure!(values > 0, "nothing changed");
        hashed = began.elapsed();
    }
    applied.sort();
    let written: usize = changed.values().flatten().map(|it| it.to_bytes().len()).sum();
    println!(
        "{name:<34} {items:>6} items, {:>5} KiB sent, {:>6} KiB stand changed: {:>4} ms applied ({} to {}), {:>4} ms hashed; then: {why}",
        bytes / 1024,
        written / 1024,
        applied[REPEATS / 2].as_millis(),
        applied[0].as_millis(),
        applied[REPEATS - 1].as_millis(),
        hashed.as_millis(),
    );
    Ok(())
}

fn main() -> anyhow::Result<()> {
    println!("load average: {}", std::fs::read_to_string("/proc/loadavg")?.trim());
    let founding = founding()?;
    measure(registering(&founding), &founding)?;
    measure(amending(&founding), &founding)?;
    measure(ending(&founding), &founding)?;
    measure(stopping(&founding)?, &founding)?;
    measure_due(halves_due(&founding), &founding)?;
    measure_due(expiring(&founding), &founding)
}
