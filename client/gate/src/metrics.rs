//! What is counted, as Prometheus reads it.

use crate::answer::Answer;
use crate::changes::Standing;
use crate::receive::Received;
use liuhen_sources::follow::Lines;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Metrics {
    /// By door, whether it was served, and the reason.
    decisions: Mutex<BTreeMap<(String, bool, String), u64>>,
    /// What was served by observing alone: by door, route, caller and reason.
    would_deny: Mutex<BTreeMap<[String; 4], u64>>,
}

impl Metrics {
    /// Counts a decision.
    pub fn decided(&self, door: &str, answer: &Answer) {
        let key = (door.to_owned(), answer.serve, answer.reason.clone());
        let mut decisions = self.decisions.lock().unwrap_or_else(PoisonError::into_inner);
        let count = decisions.entry(key).or_default();
        *count = count.saturating_add(1);
    }

    /// Counts what enforcing would have denied.
    pub fn would_deny(&self, door: &str, route: &str, caller: &str, reason: &str) {
        let key = [door, route, caller, reason].map(str::to_owned);
        let mut would_deny = self.would_deny.lock().unwrap_or_else(PoisonError::into_inner);
        let count = would_deny.entry(key).or_default();
        *count = count.saturating_add(1);
    }

    /// What enforcing would have denied since the start, most first: a line each, for people.
    pub fn observed(&self) -> String {
        let would_deny = self.would_deny.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = would_deny.iter().collect();
        all.sort_by(|one, other| other.1.cmp(one.1));
        let mut text = String::from("count  reason  caller  door  route\n");
        for ([door, route, caller, reason], count) in all {
            let route = if route.is_empty() { "(none)" } else { route };
            let _ = writeln!(text, "{count}  {reason}  {caller}  {door}  {route}");
        }
        text
    }

    /// As text, with what stands now.
    pub fn text(
        &self,
        sources: &[(String, u64, Lines)],
        received: &[Arc<Received>],
        changes: &[(String, Standing)],
        gauges: &[(&str, &str, f64)],
    ) -> String {
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
        drop(decisions);
        text.push_str(
            "# HELP liuhen_gate_would_deny_total Requests served while observing that enforcing would deny.\n\
             # TYPE liuhen_gate_would_deny_total counter\n",
        );
        let would_deny = self.would_deny.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, count) in would_deny.iter() {
            let [door, route, caller, reason] = key.each_ref().map(|it| escaped(it));
            let _ = writeln!(
                text,
                "liuhen_gate_would_deny_total{{door=\"{door}\",route=\"{route}\",caller=\"{caller}\",reason=\"{reason}\"}} {count}"
            );
        }
        text.push_str(&followed(sources));
        text.push_str(&by_wire(received));
        text.push_str(&changed(changes));
        for (name, help, value) in gauges {
            let _ = writeln!(
                text,
                "# HELP liuhen_gate_{name} {help}\n# TYPE liuhen_gate_{name} gauge\nliuhen_gate_{name} {value}"
            );
        }
        text
    }
}

/// What is seen of datasets' changes.
fn changed(changes: &[(String, Standing)]) -> String {
    let mut text = String::new();
    if changes.is_empty() {
        return text;
    }
    text.push_str(
        "# HELP liuhen_gate_changes_total Looks at which a dataset had changed, and at which it could not be seen.\n\
         # TYPE liuhen_gate_changes_total counter\n",
    );
    for (name, it) in changes {
        for (what, count) in [("seen", it.changes), ("failed", it.failures)] {
            let name = escaped(name);
            let _ = writeln!(
                text,
                "liuhen_gate_changes_total{{dataset=\"{name}\",what=\"{what}\"}} {count}"
            );
        }
    }
    text.push_str(
        "# HELP liuhen_gate_change_held_bytes Bytes of the database's log that a slot holds back.\n\
         # TYPE liuhen_gate_change_held_bytes gauge\n",
    );
    for (name, held) in changes.iter().filter_map(|(name, it)| Some((name, it.held?))) {
        let _ =
            writeln!(text, "liuhen_gate_change_held_bytes{{dataset=\"{}\"}} {held}", escaped(name));
    }
    text
}

/// How sources stand: how far behind, in milliseconds, and their lines.
fn followed(sources: &[(String, u64, Lines)]) -> String {
    let mut text = String::new();
    if sources.is_empty() {
        return text;
    }
    text.push_str(
        "# HELP liuhen_gate_source_lag_seconds How long ago all was read that a source told.\n\
         # TYPE liuhen_gate_source_lag_seconds gauge\n",
    );
    for (name, lag_ms, _) in sources {
        let seconds = std::time::Duration::from_millis(*lag_ms).as_secs_f64();
        let _ = writeln!(
            text,
            "liuhen_gate_source_lag_seconds{{source=\"{}\"}} {seconds}",
            escaped(name)
        );
    }
    text.push_str(
        "# HELP liuhen_gate_source_lines_total Lines of sources, by what became of them.\n\
         # TYPE liuhen_gate_source_lines_total counter\n",
    );
    for (name, _, it) in sources {
        let name = escaped(name);
        for (what, count) in [
            ("read", it.read),
            ("unknown", it.unknown),
            ("set_aside", it.set_aside),
            ("untold", it.untold),
        ] {
            let _ = writeln!(
                text,
                "liuhen_gate_source_lines_total{{source=\"{name}\",what=\"{what}\"}} {count}"
            );
        }
    }
    text
}

/// What came by the wire. What the network lost of datagrams nobody knows.
fn by_wire(received: &[Arc<Received>]) -> String {
    let mut text = String::new();
    if received.is_empty() {
        return text;
    }
    text.push_str(
        "# HELP liuhen_gate_received_total Lines that came by the wire, by what became of them.\n\
         # TYPE liuhen_gate_received_total counter\n",
    );
    for it in received {
        let name = escaped(&it.name);
        let counts = [
            ("kept", Some(it.lines.load(Ordering::Relaxed))),
            ("refused", Some(it.refused.load(Ordering::Relaxed))),
            ("dropped_by_system", it.dropped()),
        ];
        for (what, count) in counts {
            let Some(count) = count else { continue };
            let _ = writeln!(
                text,
                "liuhen_gate_received_total{{source=\"{name}\",what=\"{what}\"}} {count}"
            );
        }
    }
    text
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
