//! A process's beginning: it is opened, the others are asked, it is judged whether it votes, and the engine is started by that.

use super::deliver::Wire;
use super::{ASK_FOR, Beat, Event, FAILED_STARTS, MS, SECOND, World};
use crate::engine::Weakness;
use crate::process::Survey;
use liuhen_node::consensus::{Judged, Withheld};

impl World {
    pub(super) fn start(&mut self, number: usize) {
        if self.machines[number].process.is_some() {
            return;
        }
        self.put_clock(number);
        let (founding, now) = (self.founding.clone(), self.now);
        let machine = &mut self.machines[number];
        machine.incarnation += 1;
        match machine.start(founding, now) {
            Ok(process) => {
                let height = process.height;
                machine.process = Some(process);
                self.say(number, &format!("starts at height {height}"));
                for (beat, every) in [
                    (Beat::Ask, 10 * MS),
                    (Beat::Second, SECOND),
                    (Beat::Look, 30 * MS),
                    (Beat::Status, SECOND),
                    (Beat::Sweep, 10 * SECOND),
                ] {
                    let at = self.random.below(every);
                    self.beat_after(number, at, beat);
                }
            }
            Err(error) => {
                machine.why = format!("{error:#}");
                self.start_failed(number);
            }
        }
    }

    pub(super) fn start_failed(&mut self, number: usize) {
        let machine = &mut self.machines[number];
        machine.process = None;
        machine.failed += 1;
        let (failed, why) = (machine.failed, machine.why.clone());
        self.say(number, &format!("does not start: {why}"));
        if self.healed.is_some() && failed > FAILED_STARTS {
            self.wrong.get_or_insert(format!("n{number} does not start any more: {why}"));
        }
        let at = self.random.between(200 * MS, 2 * SECOND);
        self.after(at, Event::Start(number));
    }

    /// Asks the others how they stand.
    pub(super) fn ask(&mut self, to: usize) {
        let (number, connected) = (self.random.next(), self.connected(to));
        let Some(process) = &mut self.machines[to].process else { return };
        let Some(question) = process.node.question(number) else { return };
        let waits_for = connected.iter().copied().collect();
        process.survey = Some(Survey { number, waits_for, answers: Vec::new() });
        for other in &connected {
            let wire = Wire::Question { id: number, bytes: question.clone() };
            self.send(to, *other, wire);
        }
        if connected.is_empty() {
            self.surveyed(to);
        } else {
            self.beat_after(to, 2 * SECOND, Beat::Asked(number));
        }
    }

    /// All that come have answered how they stand.
    pub(super) fn surveyed(&mut self, to: usize) {
        let now = self.now;
        let machine = &mut self.machines[to];
        let Some(process) = &mut machine.process else { return };
        let Some(survey) = process.survey.take() else { return };
        let all = process.node.answered(survey.number, &survey.answers);
        let mut again = SECOND;
        let is_open = |it: &Withheld| it.until.is_none();
        let mut anew = false;
        if let Some(since) = process.judging {
            let Some(judged) = process.node.judge(&all) else { return };
            if judged.withheld.as_ref().is_some_and(is_open) && now < since + ASK_FOR {
                again = 200 * MS;
            } else {
                self.begin(to, judged);
            }
        } else if process.node.withheld().as_ref().is_some_and(is_open) {
            let judged = process.node.judge(&all).and_then(|it| it.withheld);
            anew = judged.is_none_or(|it| it.until.is_some());
        } else {
            anew = process.node.speak_against(&all);
        }
        if anew {
            self.judge_anew(to);
            again = 10 * MS;
        }
        self.beat_after(to, again, Beat::Ask);
    }

    /// The engine is started as it was judged.
    fn begin(&mut self, to: usize, judged: Judged) {
        let what = match &judged.withheld {
            None => "votes".to_owned(),
            Some(it) => format!("does not vote: {}, until {:?}", it.why.code(), it.until),
        };
        self.say(to, &what);
        let machine = &mut self.machines[to];
        let Some(mut process) = machine.process.take() else { return };
        let judged = match machine.weakness {
            // Whatever is lost, it votes.
            Some(
                Weakness::VotesForgotten
                | Weakness::DecidedForgotten
                | Weakness::SyncedTakenForBuilt,
            ) => Judged { withheld: None, nothing_above: None },
            Some(Weakness::LogTailLeft) | None => judged,
        };
        let votes = judged.withheld.is_none();
        let begun = process.node.begin(judged).map_err(|e| format!("{e:#}"));
        let begun = begun.and_then(|()| {
            machine.start_engine(&mut process, votes).map_err(|stop| stop.to_string())
        });
        match begun {
            Ok(()) => {
                machine.failed = 0;
                machine.process = Some(process);
            }
            Err(why) => {
                machine.why = why;
                self.start_failed(to);
            }
        }
    }

    /// It is to be judged anew whether a node votes.
    pub(super) fn judge_anew(&mut self, to: usize) {
        self.say(to, "is judged anew");
        let now = self.now;
        let machine = &mut self.machines[to];
        let Some(mut process) = machine.process.take() else { return };
        process.node.stop_engine();
        match machine.look_over(&mut process, now) {
            Ok(()) => machine.process = Some(process),
            Err(error) => {
                machine.why = format!("{error:#}");
                self.start_failed(to);
            }
        }
    }
}
