//! What an event is about, in a few words: ids short, names where they are known.

use super::Names;
use super::answering::{agreed, from, handover, rule, subject, watch};
use crate::text::{self, state};
use liuhen_proto::event::{Outcome, ledger::LedgerEvent};
use liuhen_proto::ledger::calendar::HOUR_MS;
use liuhen_proto::wire::{self, item::Kind, ledger_event::Kind as Made, propose::Change};

/// Of an item.
#[allow(clippy::too_many_lines, reason = "a row for each kind of item")]
pub(super) fn item(kind: &Kind, names: &Names) -> String {
    let name = |id: &[u8]| names.get(id).cloned().unwrap_or_else(|| text::short(id));
    match kind {
        Kind::RegisterDataset(it) => it.dataset.clone(),
        Kind::UpdateDataset(it) => it.dataset.clone(),
        Kind::RetireDataset(it) => it.dataset.clone(),
        Kind::PublishVersion(it) => format!(
            "{} version {}: {} rows, +{} ~{} -{}",
            it.dataset, it.version, it.row_count, it.rows_added, it.rows_changed, it.rows_removed
        ),
        Kind::StateList(it) => {
            let (what, until) = (stated(it.kind()), text::time(it.until_ms));
            let root = hex::encode(&it.root);
            format!("{} {what} by {} up to {until}, root {root}", it.count, it.platform)
        }
        Kind::RequestAccess(it) => format!("{} {}", it.dataset, it.reference),
        Kind::OfferStanding(it) => format!("{} {}", it.dataset, it.reference),
        Kind::OpenEmergency(it) => {
            format!("{} {} under {}", it.dataset, it.reference, it.emergency_code)
        }
        Kind::GivePermit(it) => format!("{} {} for {}", it.dataset, it.reference, it.duty),
        Kind::DecideRequest(it) => {
            story(&it.dataset, if it.approve { "approve" } else { "refuse" }, &it.request_id)
        }
        Kind::ConfirmGrant(it) => {
            story(&it.dataset, if it.confirm { "confirm" } else { "return" }, &it.request_id)
        }
        Kind::RevokeGrant(it) => story(&it.dataset, "revoke", &it.request_id),
        Kind::AskSupplement(it) => story(&it.dataset, "ask more of", &it.request_id),
        Kind::SupplementRequest(it) => story(&it.dataset, "supplement", &it.request_id),
        Kind::ApproveException(it) => {
            story(&it.dataset, if it.approve { "allow" } else { "refuse" }, &it.request_id)
        }
        Kind::AmendGrant(it) => story(&it.dataset, "narrow", &it.request_id),
        Kind::SuspendGrant(it) => story(&it.dataset, "suspend", &it.request_id),
        Kind::ResumeGrant(it) => story(&it.dataset, "resume", &it.request_id),
        Kind::ReconfirmGrant(it) => story(&it.dataset, "reconfirm", &it.request_id),
        Kind::DelegateGrant(it) => format!("{} {} to {}", it.dataset, it.reference, it.delegate),
        Kind::RatifyEmergency(it) => {
            story(&it.dataset, if it.ratify { "ratify" } else { "not ratify" }, &it.request_id)
        }
        Kind::RecordAccess(_) => String::new(),

        Kind::AdmitDepartment(it) => {
            it.department.as_ref().map(|it| it.code.clone()).unwrap_or_default()
        }
        Kind::ChangeDepartment(it) => format!("{} {}", change(it.change), it.department),
        Kind::SucceedDepartment(it) => it.succession.as_ref().map_or_else(String::new, succession),
        Kind::RegisterIdentity(it) => format!("{}/{}", it.department, it.code),
        Kind::RotateKeys(it) => {
            format!("{} +{} -{} keys", name(&it.identity_id), it.add.len(), it.end.len())
        }
        Kind::ChangeIdentity(it) => format!("{} {}", change(it.change), name(&it.identity_id)),
        Kind::AssignPost(it) => {
            let holder =
                if it.holder.is_empty() { "nobody".into() } else { text::short(&it.holder) };
            format!("{} to {holder}", name(&it.identity_id))
        }
        Kind::ReplaceRoot(it) => it.department.clone(),
        Kind::ObjectToRoot(it) => it.department.clone(),
        Kind::Propose(it) => format!("{} {}", it.reference, proposal(it.change.as_ref())),
        Kind::Vote(it) => {
            let word = if it.approve { "for" } else { "against" };
            format!("{word} {}", text::short(&it.proposal_id))
        }
        Kind::RecordReads(it) => {
            let sealed: u32 = it.sealed.iter().map(|batch| batch.count).sum();
            format!("{} open, {sealed} sealed", it.reads.len())
        }
        Kind::OpenAudit(it) => it.audit.clone(),
        Kind::CloseAudit(it) => it.audit.clone(),
        Kind::OpenReads(it) => format!("{} of {}", it.reads.len(), it.audit),

        Kind::SetGateway(it) if it.datasets.is_empty() => {
            format!("{} closed", name(&it.gateway_id))
        }
        Kind::SetGateway(it) => {
            format!("{} serves {}", name(&it.gateway_id), it.datasets.join(" "))
        }
        Kind::SetObserving(it) => {
            let (until, datasets) = (text::time(it.until_ms), it.datasets.join(" "));
            format!("{} observes {datasets} until {until}", name(&it.gateway_id))
        }
        Kind::LeaseUse(it) if it.queries == 0 && it.rows == 0 => {
            format!("nothing of {} set aside", text::short(&it.request_id))
        }
        Kind::LeaseUse(it) => {
            let (of, until) = (text::short(&it.request_id), text::time(it.until_ms));
            format!("{} queries, {} rows of {of} set aside until {until}", it.queries, it.rows)
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
    }
}

/// Of an event that the rules made.
#[allow(clippy::too_many_lines, reason = "a row for each kind of event")]
pub(super) fn ledger_event(event: &LedgerEvent) -> String {
    match event.kind() {
        Made::DeadlineMissed(it) => format!(
            "{} request {}: {} was to {} by {}",
            it.dataset,
            text::short(&it.request_id),
            it.department,
            state(it.deadline().as_str_name(), "DEADLINE_"),
            text::time(it.due_ms)
        ),
        Made::GrantEnded(it) => {
            let why = state(it.end().as_str_name(), "GRANT_END_");
            format!("{} ({why})", story(&it.dataset, "grant", &it.request_id))
        }
        Made::EmergencyNotRatified(it) => {
            let story = story(&it.dataset, "emergency", &it.request_id);
            format!("{story}: {} at fault", it.department)
        }
        Made::CollectorTold(it) => {
            let story = story(&it.dataset, "grant", &it.request_id);
            format!("{story} for {}", it.using_department)
        }
        Made::DepartmentChanged(it) => {
            format!("{} {} because of {}", change(it.change), it.department, it.because_of)
        }
        Made::MemberChanged(it) => it.department.clone(),
        Made::RootReplaced(it) => it.department.clone(),
        Made::DepartmentSucceeded(it) => {
            let over = if it.over { ", the overlap is over" } else { "" };
            format!("{} takes the place of {}{over}", it.to, it.from)
        }
        Made::ProposalEnded(it) => {
            let end = state(it.end().as_str_name(), "PROPOSAL_END_");
            let why =
                if it.refusal.is_empty() { String::new() } else { format!(": {}", it.refusal) };
            format!("{} {end}{why}", text::short(&it.proposal_id))
        }
        Made::CalendarMissing(it) => format!("nobody decided on the calendar of {}", it.year),

        Made::IntegrityRaised(it) => {
            let times = if it.count > 1 { format!(", {} times", it.count) } else { String::new() };
            let about = [it.dataset.clone(), text::short(&it.request_id)];
            let about = about.iter().filter(|word| !word.is_empty());
            let about: String = about.map(|word| format!(" {word}")).collect();
            let until = text::time(it.provisional_until_ms);
            let rule = rule(it.rule());
            let name = format!("{}/{}", it.department, it.number);
            format!("{name} {rule}{times}{about} (provisional until {until})")
        }
        Made::IntegritySettled(it) => {
            let end = state(it.end().as_str_name(), "INTEGRITY_END_");
            let points = crate::text::thousandths(it.points);
            let rule = rule(it.rule());
            let name = format!("{}/{}", it.department, it.number);
            format!("{name} {rule} {end}: {} times, {points} points", it.count)
        }
        Made::AlertRaised(it) => {
            let words = [
                watch(it.watch()),
                it.dataset.clone(),
                text::short(&it.request_id),
                it.cause.clone(),
            ];
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
    }
}

/// What a platform's list holds.
fn stated(kind: wire::StatedKind) -> &'static str {
    match kind {
        wire::StatedKind::Catalogue => "datasets stated",
        wire::StatedKind::Approvals => "approvals stated",
        wire::StatedKind::Calls => "calls stated",
        wire::StatedKind::Unspecified => "rows stated",
    }
}

fn story(dataset: &str, word: &str, request: &[u8]) -> String {
    format!("{dataset} {word} {}", text::short(request))
}

fn change(value: i32) -> String {
    let change = wire::StandingChange::try_from(value).unwrap_or_default();
    state(change.as_str_name(), "STANDING_CHANGE_")
}

fn succession(it: &wire::Succession) -> String {
    format!("{} takes the place of {}", it.to, it.from)
}

/// What a proposal would change.
pub fn proposal(proposed: Option<&Change>) -> String {
    match proposed {
        Some(Change::AdmitVoter(it)) => {
            let code = it.department.as_ref().map_or(&it.member, |it| &it.code);
            format!("vote of {code}: {}", it.weight)
        }
        Some(Change::ChangeMember(it)) => format!("{} {}", change(it.change), it.department),
        Some(Change::SetRights(it)) => {
            let rights: Vec<String> =
                it.rights().map(|right| state(right.as_str_name(), "RIGHT_")).collect();
            format!("rights of {}: {}", it.department, rights.join(", "))
        }
        Some(Change::SetValidator(it)) => {
            let validator = it.validator.clone().unwrap_or_default();
            format!("validator {}: power {}", text::short(&validator.key_id), validator.power)
        }
        Some(Change::SetParameters(_)) => "parameters".into(),
        Some(Change::SetCalendar(it)) => format!(
            "calendar {}: {} holidays, {} make-up days",
            it.year,
            it.holidays.len(),
            it.make_up_days.len()
        ),
        Some(Change::SetProtocol(it)) => {
            format!("protocol {} from height {}", it.protocol, it.height)
        }
        Some(Change::RemovePeer(it)) => format!("peer {} removed", it.peer_id),
        Some(Change::VoidIntegrity(it)) => {
            let rules: Vec<_> = it.rules().map(rule).collect();
            let of =
                if rules.is_empty() { String::new() } else { format!(" ({})", rules.join(", ")) };
            let (department, from, until) = (&it.department, it.from_height, it.until_height);
            format!("integrity events of {department} in heights {from} to {until}{of} voided")
        }
        Some(Change::SetRoot(it)) => format!("new root of {}", it.department),
        Some(Change::Succeed(it)) => succession(it),
        None => String::new(),
    }
}
