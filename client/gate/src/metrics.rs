//! What is counted, as Prometheus reads it.

use crate::answer::Answer;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Metrics {
    /// By door, whether it was served, and the reason.
    decisions: Mutex<BTreeMap<(String, bool, String), u64>>,
}

impl Metrics {
    /// Counts a decision.
    pub fn decided(&self, door: &str, answer: &Answer) {
        let key = (door.to_owned(), answer.serve, answer.reason.clone());
        let mut decisions = self.decisions.lock().unwrap_or_else(PoisonError::into_inner);
        let count = decisions.entry(key).or_default();
        *count = count.saturating_add(1);
    }

    /// As text, with what stands now.
    pub fn text(&self, gauges: &[(&str, &str, f64)]) -> String {
        let mut text = String::from(
            "# HELP liuhen_gate_decisions_total Requests that were decided.\n\
             # TYPE liuhen_gate_decisions_total counter\n",
        );
        let decisions = self.decisions.lock().unwrap_or_else(PoisonError::into_inner);
        for ((door, serve, reason), count) in decisions.iter() {
            let verdict = if *serve { "served" } else { "denied" };
            let _ = writeln!(
                text,
                "liuhen_gate_decisions_total{{door=\"{}\",verdict=\"{verdict}\",reason=\"{}\"}} {count}",
                escaped(door),
                escaped(reason)
            );
        }
        for (name, help, value) in gauges {
            let _ = writeln!(
                text,
                "# HELP liuhen_gate_{name} {help}\n# TYPE liuhen_gate_{name} gauge\nliuhen_gate_{name} {value}"
            );
        }
        text
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
