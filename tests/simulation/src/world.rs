//! Machines, the network between them, clients, and what befalls them: one event after the other, by simulated time.

mod deliver;
mod life;
mod settle;

use crate::checks::Checks;
use crate::disk::{At, SimDisk};
use crate::engine::Weakness;
use crate::engine::{Heard, Mail};
use crate::faults::{Fault, Plan};
use crate::founding::{BEGUN, OFFICERS, found, key, peer, transaction};
use crate::network::Network;
use crate::process::Machine;
use crate::random::Random;
use crate::trace::Trace;
use deliver::Wire;
use liuhen_node::consensus::by_hand::{begin_record, put_clock};
use liuhen_proto::header::founding::Founding;
use liuhen_proto::types::TimeMs;
use std::collections::BTreeMap;
use std::time::Duration;

/// Microseconds of a millisecond and a second.
pub(crate) const MS: u64 = 1_000;
pub(crate) const SECOND: u64 = 1_000_000;
/// For so long others are waited for before the engine is started without a vote, as the node does.
const ASK_FOR: u64 = 5 * SECOND;
/// After the faults the chain must have gone on within this.
const GOES_ON_WITHIN: u64 = 120 * SECOND;
/// Starts that may fail one after the other once the faults are over.
const FAILED_STARTS: u32 = 5;

/// What happens.
#[derive(Debug)]
enum Event {
    Deliver { from: usize, to: usize, wire: Wire },
    Mail { to: usize, of: u64, mail: Mail },
    Beat { to: usize, of: u64, beat: Beat },
    Start(usize),
    Client(usize),
    Fault(Fault),
    Heal,
}

/// What a process does from time to time.
#[derive(Debug, Clone, Copy)]
enum Beat {
    /// What the adapter does each second.
    Second,
    /// Looking for what did not reach this node.
    Look,
    /// Asking others how they stand.
    Ask,
    /// The answers to that which are not there by now do not come.
    Asked(u64),
    /// An answer of a neighbour does not come.
    Unanswered(u64),
    /// Saying how far this node is.
    Status,
    Sweep,
}

/// A client: an officer who signs one transaction after the other.
#[derive(Debug, Default)]
struct Client {
    seq: u64,
    /// The transaction that is not acknowledged yet.
    open: Option<Vec<u8>>,
    /// Acknowledged since the faults are over.
    since_healed: u32,
}

pub(crate) struct World {
    pub(crate) random: Random,
    now: u64,
    queue: BTreeMap<(u64, u64), Event>,
    number: u64,
    machines: Vec<Machine>,
    network: Network,
    pub(crate) trace: Trace,
    pub(crate) checks: Checks,
    clients: Vec<Client>,
    founding: Founding,
    healed: Option<u64>,
    /// All have voted once.
    have_voted: bool,
    /// What must not be, and was.
    pub(crate) wrong: Option<String>,
}

impl World {
    pub(crate) fn new(seed: u64, weakness: Option<Weakness>, shown: bool) -> anyhow::Result<Self> {
        let mut random = Random::new(seed);
        let count = 4 + random.index(4);
        let founding = found(count)?;
        let mut machines = Vec::new();
        for number in 0..count {
            let disk = SimDisk::new(random.fork());
            begin_record(&disk.home(), &key("node", number))?;
            machines.push(Machine {
                disk,
                key: key("node", number),
                peer: peer(number),
                ahead_ms: i64::try_from(random.below(1_000))? - 500,
                gains: i64::try_from(random.below(200))? - 100,
                process: None,
                incarnation: 0,
                failed: 0,
                why: String::new(),
                weakness,
                is_recorded: false,
            });
        }
        let clients = (0..OFFICERS).map(|_| Client::default()).collect();
        let mut world = Self {
            random,
            now: 0,
            queue: BTreeMap::new(),
            number: 0,
            machines,
            network: Network::default(),
            trace: Trace::new(shown),
            checks: Checks::default(),
            clients,
            founding,
            healed: None,
            have_voted: false,
            wrong: None,
        };
        world.trace.line(0, &format!("seed {seed}: {count} nodes"));
        for number in 0..count {
            let at = world.random.below(5 * MS);
            world.after(at, Event::Start(number));
        }
        for officer in 0..OFFICERS {
            world.after(SECOND, Event::Client(officer));
        }
        let plan = Plan::of(&mut world.random, count, weakness);
        for (at, fault) in plan.faults {
            world.after(at, Event::Fault(fault));
        }
        world.after(plan.over, Event::Heal);
        Ok(world)
    }

    /// Runs until the chain has gone on after the faults, or something is wrong.
    pub(crate) fn run(&mut self) {
        while self.wrong.is_none() && !self.is_done() {
            let Some(((at, _), event)) = self.queue.pop_first() else {
                self.wrong = Some("nothing happens any more".into());
                return;
            };
            self.now = at;
            self.event(event);
            if self.healed.is_some_and(|healed| self.now > healed + GOES_ON_WITHIN) {
                let standing = self.standing();
                self.wrong.get_or_insert(format!("it did not go on: {standing}"));
            }
        }
        if self.wrong.is_none() {
            self.check_logs();
        }
        let ended = self.wrong.clone().unwrap_or_else(|| "all is well".into());
        self.trace.line(self.now, &ended);
    }

    /// Runs without faults but that messages are slow, and gives what the first machine's engine heard and said, and its
    /// log.
    pub(crate) fn record(&mut self, until: u64) -> Option<(Heard, Vec<u8>)> {
        self.queue.retain(|_, event| !matches!(event, Event::Fault(_) | Event::Heal));
        self.network.set_quality(0, 700 * MS);
        self.machines.first_mut()?.is_recorded = true;
        while self.now < until && self.wrong.is_none() {
            let ((at, _), event) = self.queue.pop_first()?;
            self.now = at;
            // Who is behind is not helped by sync: that is not the engine's own.
            if !matches!(event, Event::Deliver { wire: Wire::Status(_), .. }) {
                self.event(event);
            }
        }
        let machine = self.machines.first_mut()?;
        let heard = machine.process.as_mut()?.engine.as_mut()?.heard()?;
        Some((heard, machine.disk.bytes(std::path::Path::new(crate::process::LOG))?))
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.now / MS
    }

    pub(crate) fn chain(&self) -> liuhen_proto::types::ChainId {
        self.founding.chain()
    }

    /// The height of the first machine that runs.
    pub(crate) fn height(&self) -> u64 {
        let running = self.machines.iter().find_map(|it| it.process.as_ref());
        running.map_or(0, |it| it.height.get())
    }

    fn after(&mut self, microseconds: u64, event: Event) {
        self.number += 1;
        self.queue.insert((self.now + microseconds, self.number), event);
    }

    fn say(&mut self, machine: usize, what: &str) {
        self.trace.line(self.now, &format!("n{machine} {what}"));
    }

    /// Puts a machine's clock in the place of this one's.
    fn put_clock(&self, machine: usize) {
        let now = self.machines[machine].now_ms(BEGUN.get(), self.now);
        put_clock(TimeMs::new(now), Duration::from_micros(self.now));
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Start(number) => self.start(number),
            Event::Client(officer) => self.client(officer),
            Event::Fault(fault) => self.fault(&fault),
            Event::Heal => self.heal(),
            Event::Deliver { from, to, wire } => {
                self.put_clock(to);
                self.deliver(from, to, wire);
                self.settle(to);
            }
            Event::Mail { to, of, mail } => {
                if self.machines[to].incarnation == of {
                    self.put_clock(to);
                    self.mail(to, mail);
                    self.settle(to);
                }
            }
            Event::Beat { to, of, beat } => {
                if self.machines[to].incarnation == of && self.machines[to].process.is_some() {
                    self.put_clock(to);
                    self.beat(to, beat);
                    self.settle(to);
                }
            }
        }
    }

    fn mail(&mut self, to: usize, mail: Mail) {
        if let Some(process) = &mut self.machines[to].process
            && let Some(engine) = &mut process.engine
        {
            engine.take_in(&mut process.node, mail);
        }
    }

    fn beat_after(&mut self, to: usize, microseconds: u64, beat: Beat) {
        let of = self.machines[to].incarnation;
        self.after(microseconds, Event::Beat { to, of, beat });
    }

    fn connected(&self, machine: usize) -> Vec<usize> {
        let others = (0..self.machines.len()).filter(|it| *it != machine);
        let up = others.filter(|it| self.network.is_up(machine, *it));
        up.filter(|it| self.machines[*it].process.is_some()).collect()
    }

    fn beat(&mut self, to: usize, beat: Beat) {
        match beat {
            Beat::Second => {
                if let Some(process) = &mut self.machines[to].process {
                    process.node.tick();
                }
                self.fill(to);
                self.beat_after(to, SECOND, beat);
            }
            Beat::Sweep => {
                if let Some(process) = &self.machines[to].process {
                    process.node.sweep();
                }
                self.beat_after(to, 10 * SECOND, beat);
            }
            Beat::Look => {
                self.look(to);
                self.beat_after(to, 30 * MS, beat);
            }
            Beat::Status => {
                self.say_status(to);
                self.beat_after(to, 2 * SECOND, beat);
            }
            Beat::Ask => self.ask(to),
            Beat::Asked(number) => {
                let survey = self.machines[to].process.as_ref().and_then(|it| it.survey.as_ref());
                if survey.is_some_and(|it| it.number == number) {
                    self.surveyed(to);
                }
            }
            Beat::Unanswered(id) => {
                let asked = self.machines[to].process.as_mut().and_then(|it| it.asked.remove(&id));
                if let Some(peer) = asked {
                    self.relayed(to, peer, None);
                }
            }
        }
    }

    fn fault(&mut self, fault: &Fault) {
        // Who came late is not known to the others yet: that is fault enough.
        self.have_voted |= self.machines.iter().all(Machine::votes);
        if self.healed.is_some() || !self.have_voted {
            return;
        }
        self.trace.line(self.now, &format!("fault: {fault:?}"));
        match fault {
            Fault::At { machine, calls, at } => self.machines[*machine].disk.plan(*calls, *at),
            Fault::PowerCutOfAll { calls } => {
                for machine in &self.machines {
                    machine.disk.plan(*calls, At::PowerCut);
                }
            }
            Fault::Full { machine, is_full } => self.machines[*machine].disk.set_full(*is_full),
            Fault::Part(side) => self.network.part(side, self.machines.len()),
            Fault::Cut(from, to) => self.network.cut(*from, *to),
            Fault::Quality { lost, slow } => self.network.set_quality(*lost, *slow),
            Fault::Links => self.network.heal(),
            Fault::Clock { machine, ahead_ms } => self.machines[*machine].ahead_ms = *ahead_ms,
            Fault::Stop(machine) => self.stop(*machine),
            Fault::Damage { machine, what } => {
                self.end(*machine, "is damaged while it is down");
                let (disk, random) = (&self.machines[*machine].disk, &mut self.random);
                disk.begin();
                what.befall(disk, random);
            }
        }
    }

    /// A process is told to stop: it writes its index.
    fn stop(&mut self, machine: usize) {
        if let Some(process) = &self.machines[machine].process {
            let written = process.node.write_index();
            self.say(
                machine,
                &format!("stops, {}", if written { "written" } else { "not written" }),
            );
            self.end(machine, "has stopped");
        }
    }

    /// A process is gone; another starts after a while.
    fn end(&mut self, number: usize, why: &str) {
        if self.machines[number].process.take().is_some() {
            self.say(number, why);
            let at = self.random.between(100 * MS, 3 * SECOND);
            self.after(at, Event::Start(number));
        }
    }

    fn heal(&mut self) {
        self.trace.line(self.now, "the faults are over");
        self.healed = Some(self.now);
        self.network.heal();
        for machine in &mut self.machines {
            machine.disk.set_full(false);
            machine.disk.spare();
            machine.ahead_ms = machine.ahead_ms.clamp(-1_000, 1_000);
            machine.failed = 0;
        }
    }

    /// Whether each client's word was taken again since the faults are over, and all nodes vote, are as far, and can read all.
    fn is_done(&self) -> bool {
        if self.healed.is_none() || self.clients.iter().any(|it| it.since_healed < 2) {
            return false;
        }
        let height = self.height();
        self.machines.iter().all(|it| {
            it.process.as_ref().is_some_and(|it| {
                let votes = it.engine.is_some() && it.node.withheld().is_none();
                it.height.get() == height && votes && it.node.holes().is_empty()
            })
        })
    }

    fn standing(&self) -> String {
        let all = self.machines.iter().enumerate().map(|(number, it)| match &it.process {
            Some(process) => {
                let (height, withheld) = (process.height, process.node.withheld());
                let withheld =
                    withheld.map(|it| format!(", {} until {:?}", it.why.code(), it.until));
                let holes = process.node.holes().len();
                format!("n{number} at {height}, {holes} holes{}", withheld.unwrap_or_default())
            }
            None => format!("n{number} is down: {}", it.why),
        });
        let taken: Vec<u32> = self.clients.iter().map(|it| it.since_healed).collect();
        format!("{}; since then taken: {taken:?}", all.collect::<Vec<_>>().join("; "))
    }

    fn check_logs(&mut self) {
        for (number, machine) in self.machines.iter().enumerate() {
            let Some(process) = &machine.process else { continue };
            if let Err(why) = self.checks.log(&process.node.chain()) {
                self.wrong.get_or_insert(format!("n{number}: {why}"));
            }
        }
    }

    /// A client submits its transaction to some node: a new one, or the one that is not acknowledged yet.
    fn client(&mut self, officer: usize) {
        let again = self.random.between(300 * MS, 3 * SECOND);
        self.after(again, Event::Client(officer));
        let machine = self.random.index(self.machines.len());
        self.put_clock(machine);
        let now = TimeMs::new(BEGUN.get() + self.now / MS);
        let Some(process) = &mut self.machines[machine].process else { return };
        let client = &mut self.clients[officer];
        if client.open.is_none() {
            let chain = process.node.chain();
            let recent = (chain.header().height, chain.header().block_id());
            let tx = transaction(chain.founding().chain(), officer, client.seq, recent, now);
            client.open = tx.ok().map(|it| it.raw().to_vec());
        }
        let Some(bytes) = &client.open else { return };
        if let Some(answer) = process.node.submit(bytes) {
            process.waiting.push((officer, client.seq, answer));
        }
        self.settle(machine);
    }
}
