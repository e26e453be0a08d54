//! Pieces of what [`super::about`] says of cases, corrections, handovers, rules and watches.

use super::Names;
use crate::text::{self, state};
use liuhen_proto::wire::{self, case_subject::About};

pub(super) fn agreed(yes: bool) -> &'static str {
    if yes { "agree" } else { "decline" }
}

/// Whose a corrected record was said to be: a name, or an account without identity.
pub fn from(it: &wire::CorrectRecords, names: &Names) -> String {
    match it.from_identity_id.is_empty() {
        true => format!("unmapped {}", text::short(&it.from_unmapped_digest)),
        false => names
            .get(&it.from_identity_id)
            .cloned()
            .unwrap_or_else(|| text::short(&it.from_identity_id)),
    }
}

pub(super) fn handover(it: &wire::ManualHandover, names: &Names) -> String {
    let Some(record) = &it.record else { return String::new() };
    let datasets: Vec<&str> = record.accesses.iter().map(|one| one.dataset.as_str()).collect();
    let asker = record.asker.as_ref().map(|asker| super::party_name(asker, names));
    format!(
        "{} {} rows to {} on medium {}",
        datasets.join(" "),
        super::number_of(record.row_count),
        asker.unwrap_or_default(),
        text::short(&it.medium_digest)
    )
}

/// What a case is about.
pub fn subject(subject: Option<&wire::CaseSubject>) -> String {
    match subject.and_then(|it| it.about.as_ref()) {
        Some(About::Version(it)) => format!("{} version {}", it.dataset, it.version),
        Some(About::Record(it)) => {
            format!("{} record {} of {}", it.dataset, it.access_no, text::short(&it.gateway_id))
        }
        Some(About::Grant(it)) => format!("{} grant {}", it.dataset, text::short(&it.request_id)),
        Some(About::Integrity(it)) => format!("integrity event {}/{}", it.department, it.number),
        Some(About::Correction(it)) => format!("correction {}", text::short(&it.correction_id)),
        None => String::new(),
    }
}

/// The name of an integrity rule.
pub fn rule(rule: wire::IntegrityRule) -> String {
    state(rule.as_str_name(), "INTEGRITY_RULE_").replace('_', " ")
}

/// The name of a watch.
pub fn watch(watch: wire::WatchKind) -> String {
    state(watch.as_str_name(), "WATCH_KIND_").replace('_', " ")
}
