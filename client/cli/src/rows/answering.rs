//! What events are about by which accesses are answered for.

use super::Names;
use crate::text::{self, state};
use liuhen_proto::event::Outcome;
use liuhen_proto::ledger::calendar::HOUR_MS;
use liuhen_proto::wire::{self, case_subject::About, item::Kind, ledger_event::Kind as Made};

fn agreed(yes: bool) -> &'static str {
    if yes { "agree" } else { "decline" }
}

/// Of an item.
pub(super) fn item(kind: &Kind, names: &Names) -> String {
    let name = |id: &[u8]| names.get(id).cloned().unwrap_or_else(|| text::short(id));
    match kind {
        Kind::SetGateway(it) if it.datasets.is_empty() => {
            format!("{} closed", name(&it.gateway_id))
        }
        Kind::SetGateway(it) => {
            format!("{} serves {}", name(&it.gateway_id), it.datasets.join(" "))
        }
        Kind::CommitMapping(it) => {
            format!("{} maps by {}", name(&it.gateway_id), text::short(&it.mapping_digest))
        }
        Kind::SealPeriod(it) => {
            let (from, until) = (text::time(it.from_ms), text::time(it.until_ms));
            format!("{} numbers from {}, {from} to {until}", it.count, it.first)
        }
        Kind::DeclareLoss(it) => {
            format!("{} {}–{} lost: {}", name(&it.gateway_id), it.first, it.last, it.cause)
        }
        Kind::DeclareOutage(it) => {
            let until = text::time(it.until_ms);
            format!("{} out until {until}: {}", name(&it.gateway_id), it.cause)
        }
        Kind::Unrecordable(it) => format!("number {}: {}", it.access_no, it.reason),
        Kind::ManualHandover(it) => handover(it, names),
        Kind::AddBulkTags(it) => format!("{} tags of number {}", it.tags.len(), it.access_no),
        Kind::CorrectRecords(it) => {
            let to = name(&it.to_identity_id);
            format!("{} records of {} to {to}: {}", it.records.len(), from(it, names), it.reason)
        }
        Kind::AgreeCorrection(it) => {
            format!("{} {}", agreed(it.agree), text::short(&it.correction_id))
        }
        Kind::Acknowledge(it) => {
            format!("{} {} number {}", it.dataset, name(&it.gateway_id), it.access_no)
        }
        Kind::AcknowledgeHour(it) => {
            let hour = text::time(it.hour.saturating_mul(HOUR_MS));
            format!("{} {} accesses in the hour of {hour}", it.dataset, it.count)
        }
        other => oversight(other),
    }
}

fn from(it: &wire::CorrectRecords, names: &Names) -> String {
    match it.from_identity_id.is_empty() {
        true => format!("unmapped {}", text::short(&it.from_unmapped_digest)),
        false => names
            .get(&it.from_identity_id)
            .cloned()
            .unwrap_or_else(|| text::short(&it.from_identity_id)),
    }
}

fn handover(it: &wire::ManualHandover, names: &Names) -> String {
    let Some(record) = &it.record else { return String::new() };
    let datasets: Vec<&str> = record.accesses.iter().map(|one| one.dataset.as_str()).collect();
    let asker = record.asker.as_ref().map(|asker| super::party_name(asker, names));
    format!(
        "{} {} rows to {} on medium {}",
        datasets.join(" "),
        record.row_count,
        asker.unwrap_or_default(),
        text::short(&it.medium_digest)
    )
}

fn oversight(kind: &Kind) -> String {
    match kind {
        Kind::OrderSealing(it) => {
            format!("{}, to be opened by {}", it.collector, text::time(it.open_by_ms))
        }
        Kind::ExtendSealing(it) => {
            format!("{} until {}", text::short(&it.order_id), text::time(it.open_by_ms))
        }
        Kind::RecordSealed(it) => {
            format!("number {} by {}", it.access_no, text::short(&it.order_id))
        }
        Kind::OpenSealed(it) => {
            let number = it.record.as_ref().map_or(0, |record| record.access_no);
            format!("number {number} by {}", text::short(&it.order_id))
        }
        Kind::AnswerAlert(it) => {
            let word = if it.close { "close" } else { "acknowledge" };
            format!("{word} {}/{}", it.department, it.number)
        }
        Kind::OpenCase(it) => {
            let against = match it.respondent.as_str() {
                "" => String::new(),
                respondent => format!(" against {respondent}"),
            };
            format!("{}{against}: {}", it.reference, subject(it.subject.as_ref()))
        }
        Kind::AnswerCase(it) => text::short(&it.case_id),
        Kind::RuleCase(it) => {
            let word = if it.uphold { "uphold" } else { "dismiss" };
            format!("{word} {}", text::short(&it.case_id))
        }
        Kind::RegisterProduct(it) => {
            let kind = state(it.kind().as_str_name(), "PRODUCT_KIND_");
            format!("{} ({kind}) on {} grants", it.reference, it.request_ids.len())
        }
        Kind::ReviewProduct(it) => {
            let word = if it.approve { "approve" } else { "refuse" };
            format!("{word} {}", text::short(&it.product_id))
        }
        Kind::ReleaseProduct(it) => text::short(&it.product_id),
        Kind::EvaluateProduct(it) => format!("{}: {} of 5", text::short(&it.product_id), it.score),
        Kind::RecallProduct(it) => text::short(&it.product_id),
        Kind::ReportDoubleVote(it) => {
            let height = it.first.as_ref().map_or(0, |vote| vote.height);
            format!("{} at height {height}", it.validator_department)
        }
        _ => String::new(),
    }
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

/// Of an event that the rules made.
pub(super) fn ledger_event(kind: &Made) -> String {
    match kind {
        Made::IntegrityRaised(it) => {
            let times = if it.count > 1 { format!(", {} times", it.count) } else { String::new() };
            let about = [it.dataset.clone(), text::short(&it.request_id)];
            let about: Vec<_> = about.into_iter().filter(|word| !word.is_empty()).collect();
            let until = text::time(it.provisional_until_ms);
            let rule = rule(it.rule());
            let name = format!("{}/{}", it.department, it.number);
            format!("{name} {rule}{times} {} (provisional until {until})", about.join(" "))
        }
        Made::IntegritySettled(it) => {
            let end = state(it.end().as_str_name(), "INTEGRITY_END_");
            let points = crate::text::thousandths(it.points);
            let rule = rule(it.rule());
            let name = format!("{}/{}", it.department, it.number);
            format!("{name} {rule} {end}: {} times, {points} points", it.count)
        }
        Made::AlertRaised(it) => {
            let words = [watch(it.watch()), it.dataset.clone(), text::short(&it.request_id)];
            let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
            format!("{}/{} {}", it.department, it.number, words.join(" "))
        }
        Made::RecordsCorrected(it) => {
            let outcomes = it.outcomes.iter().filter_map(|bits| {
                Outcome::from_bits(u16::try_from(*bits).ok()?).map(|it| it.verdict.name())
            });
            let verdicts: Vec<_> = outcomes.collect();
            let from = if it.from_department.is_empty() { "nobody" } else { &it.from_department };
            format!("{from} to {}: {}", it.to_department, verdicts.join(" "))
        }
        Made::RecordCorrected(it) => {
            let outcome = u16::try_from(it.outcome).ok().and_then(Outcome::from_bits);
            let verdict = outcome.map_or("", |it| it.verdict.name());
            format!("number {} of {}: {verdict}", it.access_no, text::short(&it.gateway_id))
        }
        Made::ProductMarked(it) => {
            let (product, grant) = (text::short(&it.product_id), text::short(&it.request_id));
            format!("{product} of {}: grant {grant} was revoked", it.department)
        }
        _ => String::new(),
    }
}
