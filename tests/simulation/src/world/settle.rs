//! After each event: what the machine's process did is sent, what it did wrong is noted, and whether it is still there is seen.

use super::deliver::Wire;
use super::{Event, World};
use crate::engine::{Deed, Stop, Weakness};
use crate::said::{sent, short};
use liuhen_node::consensus::End;
use malachitebft_app_channel::NetworkMsg;

impl World {
    pub(super) fn settle(&mut self, number: usize) {
        // Each thing done may have another follow.
        for _ in 0..1_000 {
            if self.machines[number].process.is_none() || !self.step(number) {
                break;
            }
        }
        if self.machines[number].disk.has_ended() {
            self.end(number, "is gone");
        }
    }

    /// Does what follows now from what was done. Whether there was something.
    fn step(&mut self, number: usize) -> bool {
        let Some(process) = &mut self.machines[number].process else { return false };
        let passed_on = process.node.judge_transactions();
        let mut did = passed_on.is_some();
        let said = process.node.said();
        let (mut deeds, mut streamed, mut stop) = (Vec::new(), Vec::new(), None);
        if let Some(engine) = &mut process.engine {
            engine.go_on(&mut process.node);
            deeds = engine.deeds();
            streamed = process.node.streamed();
            stop = engine.ended();
        }
        for bytes in passed_on.into_iter().chain(said) {
            did = true;
            self.broadcast(number, bytes);
        }
        for part in streamed {
            did = true;
            let NetworkMsg::PublishProposalPart(part) = part;
            self.send_to_all(number, &Wire::Part(part));
        }
        for deed in deeds {
            did = true;
            self.deed(number, deed);
        }
        self.watch_height(number);
        self.answer_clients(number);
        if let Some(stop) = stop {
            self.stopped(number, stop);
            return false;
        }
        did
    }

    fn broadcast(&mut self, from: usize, bytes: Vec<u8>) {
        let id = self.random.next();
        if let Some(process) = &mut self.machines[from].process {
            process.seen.insert(id);
        }
        self.send_to_all(from, &Wire::Broadcast { id, bytes });
    }

    fn deed(&mut self, number: usize, deed: Deed) {
        let of = self.machines[number].incarnation;
        match deed {
            Deed::Publish(message) => {
                self.say(number, &format!("sends {}", sent(&message)));
                if let Err(why) = self.checks.sent(&message) {
                    self.wrong.get_or_insert(format!("n{number}: {why}"));
                }
                self.send_to_all(number, &Wire::Consensus(message));
            }
            Deed::Say(message) => self.send_to_all(number, &Wire::Liveness(message)),
            Deed::After(after, mail) => {
                let after = u64::try_from(after.as_micros()).unwrap_or(u64::MAX);
                self.after(after, Event::Mail { to: number, of, mail });
            }
            Deed::Soon(mail) => {
                let after = self.soon();
                self.after(after, Event::Mail { to: number, of, mail });
            }
            Deed::Started(height) => {
                self.say(number, &format!("is at height {height}"));
                self.hand_on(number);
            }
            Deed::SyncFailed => {
                if let Some(process) = &mut self.machines[number].process {
                    process.sync.forget();
                }
            }
        }
    }

    /// Sees whether there are more blocks.
    fn watch_height(&mut self, number: usize) {
        let Some(process) = &mut self.machines[number].process else { return };
        let header = process.node.chain().header().clone();
        if header.height == process.height {
            return;
        }
        process.height = header.height;
        if let Err(why) = self.checks.has(&header) {
            self.wrong.get_or_insert(format!("n{number}: {why}"));
        }
        let (height, id) = (header.height, header.block_id());
        self.say(number, &format!("has block {height} {}", short(&id)));
        if self.machines[number].weakness == Some(Weakness::DecidedForgotten) {
            let disk = &self.machines[number].disk;
            for path in disk.below("data/undecided") {
                let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
                if name.starts_with(&format!("{:020}-", height.get())) {
                    disk.lose(&path);
                }
            }
        }
    }

    /// Clients hear what was answered.
    fn answer_clients(&mut self, number: usize) {
        let Some(process) = &mut self.machines[number].process else { return };
        let mut answered = Vec::new();
        process.waiting.retain_mut(|(officer, seq, answer)| match answer.try_recv() {
            Ok(answer) => {
                answered.push((*officer, *seq, answer));
                false
            }
            Err(tokio::sync::oneshot::error::TryRecvError::Empty) => true,
            Err(tokio::sync::oneshot::error::TryRecvError::Closed) => false,
        });
        for (officer, seq, answer) in answered {
            match answer {
                Ok(done) => {
                    self.checks.acknowledged(done.id, done.height);
                    let client = &mut self.clients[officer];
                    if client.seq == seq {
                        (client.seq, client.open) = (seq + 1, None);
                        client.since_healed += u32::from(self.healed.is_some());
                        let height = done.height;
                        self.say(number, &format!("took {officer}/{seq} at height {height}"));
                    }
                }
                Err(refused) => {
                    self.say(number, &format!("refused {officer}/{seq}: {}", refused.reason));
                }
            }
        }
    }

    /// The engine has ended, or the node says that it must.
    fn stopped(&mut self, number: usize, stop: Stop) {
        match stop {
            Stop::Node(End::JudgeAnew) => self.judge_anew_soon(number),
            stop => self.ended(number, &stop.to_string()),
        }
    }

    fn judge_anew_soon(&mut self, number: usize) {
        self.judge_anew(number);
        self.beat_after(number, 10 * super::MS, super::Beat::Ask);
    }

    /// A process ended by itself.
    fn ended(&mut self, number: usize, why: &str) {
        if self.machines[number].disk.has_ended() {
            return;
        }
        self.machines[number].why = why.to_owned();
        self.start_failed(number);
    }
}
