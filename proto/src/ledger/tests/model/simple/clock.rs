//! Days, working days, and what happens by itself when its time has come.

use super::Simple;
use crate::wire::{Calendar, Deadline, GrantState, IntegrityRule, ProposalEnd};

const DAY_MS: u64 = 86_400_000;
const AHEAD_MS: u64 = 8 * 3_600_000;

/// Whole local days since 1970-01-01.
pub(super) fn day(time: u64) -> u64 {
    (time + AHEAD_MS) / DAY_MS
}

/// 0 on Mondays; the first day of 1970 was a Thursday.
pub(super) fn weekday(day: u64) -> u64 {
    (day + 3) % 7
}

pub(super) fn minute_of_day(time: u64) -> u64 {
    (time + AHEAD_MS) % DAY_MS / 60_000
}

/// The year of a day, and its number in it from 1.
pub(super) fn year_and_day(day: u64) -> (u32, u32) {
    let (mut year, mut left) = (1970u32, day);
    loop {
        let leap =
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let length = if leap { 366 } else { 365 };
        if left < length {
            return (year, u32::try_from(left).unwrap() + 1);
        }
        left -= length;
        year += 1;
    }
}

impl Simple {
    /// The end of the last of so many working days from tomorrow on.
    pub(super) fn due_in(&mut self, working_days: u32) -> u64 {
        let mut day = day(self.now);
        let mut left = working_days;
        while left > 0 {
            day += 1;
            let (year, of_year) = year_and_day(day);
            if !self.calendars.iter().any(|it| it.year == year) {
                self.calendars.push(Calendar { year, missing: true, ..Calendar::default() });
                self.tell(format!("no calendar of {year}"));
            }
            let calendar = self.calendars.iter().find(|it| it.year == year).unwrap();
            let worked = match weekday(day) < 5 {
                true => !calendar.holidays.contains(&of_year),
                false => calendar.make_up_days.contains(&of_year),
            };
            if worked {
                left -= 1;
            }
        }
        (day + 1) * DAY_MS - AHEAD_MS
    }

    /// All whose time has come, by time, then by kind, then by what it is about.
    pub(super) fn what_is_due(&mut self) {
        let mut due: Vec<(u64, u8, Vec<u8>)> = Vec::new();
        for it in &self.requests {
            due.extend(it.due.filter(|_| !it.overdue).map(|at| (at, 1, it.id.clone())));
        }
        for it in &self.grants {
            if !it.ended() {
                due.push((it.last().terms.until_ms, 2, it.id.clone()));
            }
            due.extend(it.ratify_due.map(|at| (at, 3, it.id.clone())));
        }
        for it in &self.departments {
            let code = it.code.clone().into_bytes();
            // While it is stopped nobody can object, and nothing falls due.
            let pending = it.pending.iter().filter(|_| it.life.goes_on());
            due.extend(pending.map(|(_, at)| (*at, 4, code.clone())));
            due.extend(it.overlap_until.map(|at| (at, 6, code.clone())));
        }
        for it in &self.proposals {
            if it.end == ProposalEnd::Unspecified {
                due.push((it.expires, 5, it.id.clone()));
            }
        }
        due.retain(|(at, ..)| *at <= self.now);
        due.extend(self.reminded());
        due.sort();
        for (_, kind, about) in due {
            let code = String::from_utf8_lossy(&about).into_owned();
            match kind {
                1 => self.request_overdue(&about),
                2 if !self.grant(&about).unwrap().ended() => {
                    self.end_grant(&about, GrantState::Expired, "", true);
                }
                3 => self.ratify_overdue(&about),
                4 => {
                    // An overlap that ended just now has taken it away.
                    if let Some((root, _)) = self.department(&code).unwrap().pending.clone() {
                        self.take_root(&code, &root);
                    }
                }
                5 => self.close_proposal(&about, ProposalEnd::Expired, ""),
                6 => self.overlap_over(&code),
                7.. => self.remind_of(kind, &about),
                _ => {}
            }
        }
    }

    fn request_overdue(&mut self, id: &[u8]) {
        let it = self.request(id).unwrap();
        let (collector, user) = (it.asked.collector.clone(), it.asked.using_department.clone());
        let lead = self.parameters.lead.clone();
        let at_fault = match it.deadline {
            Deadline::Decide | Deadline::Answer => collector,
            Deadline::Exception => lead,
            Deadline::Confirm => self.manager_named(&collector, &user).unwrap_or(lead),
            Deadline::Unspecified => panic!("a deadline of nothing"),
        };
        let deadline = it.deadline as i32;
        let dataset = it.asked.dataset.clone();
        self.request_mut(id).overdue = true;
        self.tell(format!("deadline {deadline} missed by {at_fault}: {}", hex::encode(id)));
        self.raise(IntegrityRule::DeadlineMissed, &at_fault, &[], (&dataset, id), 1);
    }

    fn ratify_overdue(&mut self, id: &[u8]) {
        let it = self.grant_mut(id);
        it.ratify_due = None;
        if it.last().state == GrantState::NotRatified {
            return;
        }
        let parties = [it.collector.clone(), it.manager.clone()];
        let ratified = it.ratified;
        for (party, _) in parties.iter().zip(ratified).filter(|(_, ratified)| !ratified) {
            self.not_ratified(id, party);
        }
    }

    pub(super) fn not_ratified(&mut self, id: &[u8], at_fault: &str) {
        let dataset = self.grant(id).unwrap().dataset.clone();
        self.tell(format!("not ratified, at fault {at_fault}: {}", hex::encode(id)));
        self.raise(IntegrityRule::NotRatified, at_fault, &[], (&dataset, id), 1);
    }
}
