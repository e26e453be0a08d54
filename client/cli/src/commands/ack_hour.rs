//! An hour's accesses under a grant as its collector recorded them, for the user's side to confirm or to dispute in one act. What is
//! owed one by one is acknowledged one by one, the rest in the sum of the hour. Under what followed a log nothing is owed: silence is
//! no fault.

use super::Common;
use super::signing::{Act, Reason};
use crate::output::{Rows, print_one, say};
use crate::text;
use liuhen_client::error::ClientError;
use liuhen_client::event::Names;
use liuhen_client::lang::pick;
use liuhen_client::submit::item;
use liuhen_proto::event::Body;
use liuhen_proto::items::access::halves;
use liuhen_proto::ledger::calendar::{HOUR_MS, hour_of};
use liuhen_proto::merkle::{Blake3Log, log};
use liuhen_proto::place::TrailKind;
use liuhen_proto::suite::hash::{Domain, hash};
use liuhen_proto::types::{Hash, TimeMs};
use liuhen_proto::wire::{self, CaseState, case_subject::About, item::Kind};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Items of a transaction: well below what one may hold.
const ITEMS: usize = 500;

/// Which hour of which grant
#[derive(Debug, clap::Args)]
pub(super) struct Hour {
    /// The grant: request id, reference, or reference@dataset
    #[arg(long)]
    grant: String,
    /// A time within the hour; without it: the hour before this one
    #[arg(long)]
    hour: Option<String>,
}

impl Hour {
    pub(super) fn number(hour: Option<&str>) -> Result<u64, ClientError> {
        Ok(match hour {
            Some(time) => hour_of(TimeMs::new(text::parse_time(time)?)),
            None => hour_of(liuhen_client::clock::now()).saturating_sub(1),
        })
    }
}

/// A record of the hour.
struct Recorded {
    gateway: Vec<u8>,
    gateway_name: String,
    record: wire::RecordAccess,
    height: u64,
    /// Whether a case of the department's is about it that was not dismissed.
    is_disputed: bool,
}

impl Recorded {
    /// As a line of the list whose root a sum carries.
    fn line(&self) -> String {
        format!("{} {}", self.gateway_name, self.record.access_no)
    }

    fn access(&self, request_id: &[u8]) -> Option<&wire::DatasetAccess> {
        self.record.accesses.iter().find(|it| it.request_id == request_id)
    }

    /// Whether a user wrote this record's number, with its gateway's name or without.
    fn is_named(&self, number: &str) -> bool {
        let own = self.record.access_no.to_string();
        number == own || number == format!("{}/{own}", self.gateway_name)
    }
}

/// How the half of a record is owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owed {
    /// By itself, and not in the sum.
    Singly,
    /// In the sum of its hour, or not at all.
    InSum,
    /// Dataset or grant have changed since: by itself or in the sum. Said in both nothing is missing, and a sum that says more than was
    /// recorded is nobody's fault.
    EitherWay,
}

/// The records under a grant that cases of a department are about, but for those that were dismissed: gateway and number.
fn disputed<'c>(
    cases: &'c [wire::Case],
    department: &str,
    request_id: &[u8],
) -> BTreeSet<(&'c [u8], u64)> {
    let stands = |it: &&wire::Case| {
        matches!(it.state(), CaseState::Open | CaseState::Answered | CaseState::Upheld)
    };
    let opened = cases.iter().filter(stands).filter_map(|it| it.opened.as_ref());
    let own = opened.filter(|it| it.department == department);
    own.filter_map(|it| match it.subject.as_ref()?.about.as_ref()? {
        About::Record(it) if it.request_id == request_id => {
            Some((it.gateway_id.as_slice(), it.access_no))
        }
        _ => None,
    })
    .collect()
}

/// What a collector recorded in an hour under a grant, of one department's own accesses, in the order of gateways and numbers.
struct HourList {
    grant: wire::Grant,
    dataset: wire::Dataset,
    department: String,
    hour: u64,
    recorded: Vec<Recorded>,
}

impl HourList {
    async fn ask(act: &Act<'_>, it: &Hour, names: &Names) -> Result<Self, ClientError> {
        let grant = act.node.grant(&it.grant).await?;
        let hour = Hour::number(it.hour.as_deref())?;
        let department = act.department();
        let dataset = act.node.dataset_whole(&grant.dataset).await?;
        let cases = act.node.cases().await?;
        let disputed = disputed(&cases, &department, &grant.request_id);
        let mut recorded = Vec::new();
        for event in act.node.whole_trail(TrailKind::Use, grant.request_id.clone()).await? {
            let Body::Signed { header, item } = &event.body else { continue };
            let Some(record) = item.record() else { continue };
            let own = record.asker.as_ref().is_some_and(|it| it.department == department)
                && record
                    .accesses
                    .iter()
                    .any(|it| it.request_id == grant.request_id && it.dataset == grant.dataset)
                && (!event.leaf.outcome.names_others || record.collector == grant.collector);
            let served = record.decision() == wire::Decision::Served;
            if own && served && halves::hour_of_access(&grant, record, event.leaf.time) == hour {
                let gateway = header.identity.to_vec();
                let gateway_name =
                    names.get(&gateway).cloned().unwrap_or_else(|| text::short(&gateway));
                let is_disputed = disputed.contains(&(gateway.as_slice(), record.access_no));
                let (record, height) = (record.clone(), event.leaf.height.get());
                recorded.push(Recorded { gateway, gateway_name, record, height, is_disputed });
            }
        }
        recorded.sort_by_key(|it| (it.gateway_name.clone(), it.record.access_no));
        Ok(Self { grant, dataset, department, hour, recorded })
    }

    /// The root over the digests of the lines of these records.
    fn root<'a>(of: impl Iterator<Item = &'a Recorded>) -> Hash {
        log::root::<Blake3Log>(of.map(|it| hash(Domain::Digest, &[it.line().as_bytes()])))
    }

    /// Errors where the list is not the one whose root the user read before.
    fn must_be(&self, root: Option<&str>) -> Result<(), ClientError> {
        let now = hex::encode(Self::root(self.recorded.iter()));
        match root {
            Some(root) if root != now => {
                let count = self.recorded.len();
                Err(ClientError::failed(pick(
                    &format!(
                        "the hour has other accesses than the list with the root {root}: {count} now, root {now}; see `liuhen ack list`"
                    ),
                    &format!(
                        "该小时的访问与根为 {root} 的列表不同：现有 {count} 次，根 {now}；见 `liuhen ack list`"
                    ),
                )))
            }
            _ => Ok(()),
        }
    }

    /// The numbers of the records that these words of a user name. Errors where one names none, or more than one.
    fn named(&self, numbers: &[String]) -> Result<BTreeSet<usize>, ClientError> {
        let mut found = BTreeSet::new();
        for number in numbers {
            let mut with = self.recorded.iter().enumerate().filter(|(_, it)| it.is_named(number));
            match (with.next(), with.next()) {
                (Some((at, _)), None) => found.insert(at),
                (None, _) => {
                    return Err(ClientError::usage(
                        format!("{number} is not among the hour's records: see `liuhen ack list`"),
                        format!("{number} 不在该小时的记录中：见 `liuhen ack list`"),
                    ));
                }
                (Some(_), Some(_)) => {
                    return Err(ClientError::usage(
                        format!(
                            "more than one gateway has the number {number} in this hour: write department/gateway/number"
                        ),
                        format!("该小时有多个闸口的编号为 {number}：请写 部门/闸口/编号"),
                    ));
                }
            };
        }
        Ok(found)
    }

    /// What confirms all but the disputed, of now and of before: an acknowledgement of each that is owed by itself, and the sum of the
    /// rest, last.
    fn confirmed(&self, disputed: &BTreeSet<usize>) -> Vec<Kind> {
        let all = self.recorded.iter().enumerate();
        let rest: Vec<&Recorded> = all
            .filter(|(at, it)| !it.is_disputed && !disputed.contains(at))
            .map(|(_, it)| it)
            .collect();
        let (singly, summed): (Vec<_>, Vec<_>) = rest
            .into_iter()
            .map(|it| (it, self.owed(it)))
            .partition(|(_, owed)| *owed == Owed::Singly);
        let both = summed.iter().filter(|(_, owed)| *owed == Owed::EitherWay);
        let grant = &self.grant;
        let mut kinds: Vec<Kind> = singly
            .iter()
            .chain(both)
            .map(|(it, _)| {
                Kind::Acknowledge(wire::Acknowledge {
                    request_id: grant.request_id.clone(),
                    dataset: grant.dataset.clone(),
                    collector: grant.collector.clone(),
                    using_department: self.department.clone(),
                    gateway_id: it.gateway.clone(),
                    access_no: it.record.access_no,
                    row_count: it.record.row_count,
                    ..wire::Acknowledge::default()
                })
            })
            .collect();
        kinds.push(Kind::AcknowledgeHour(wire::AcknowledgeHour {
            request_id: grant.request_id.clone(),
            dataset: grant.dataset.clone(),
            collector: grant.collector.clone(),
            using_department: self.department.clone(),
            hour: self.hour,
            count: summed.len() as u64,
            root: Self::root(summed.iter().map(|(it, _)| *it)).to_vec(),
        }));
        kinds
    }

    /// How the half of a record is owed: by the grade that the ledger judged by, where it is still that of now.
    fn owed(&self, it: &Recorded) -> Owed {
        let registration = self.dataset.registration.as_ref();
        let access = it.access(&self.grant.request_id);
        let singly = access.is_some_and(|access| {
            halves::is_owed_singly(registration, &self.grant, &it.record, access)
        });
        let reaches = halves::reaches_user(&it.record);
        let last_step = self.grant.steps.last().map_or(0, |step| step.height);
        let changed = self.dataset.since_height.max(last_step) > it.height;
        match (singly, reaches && changed) {
            (_, true) => Owed::EitherWay,
            (true, false) => Owed::Singly,
            (false, false) => Owed::InSum,
        }
    }

    /// A case about each of the disputed.
    fn cases(&self, disputed: &BTreeSet<usize>, reason_digest: &[u8]) -> Vec<Kind> {
        let chosen = disputed.iter().filter_map(|at| self.recorded.get(*at));
        // One case is enough.
        let chosen = chosen.filter(|it| !it.is_disputed);
        let case = |one: &Recorded| {
            let about = wire::RecordName {
                request_id: self.grant.request_id.clone(),
                dataset: self.grant.dataset.clone(),
                gateway_id: one.gateway.clone(),
                access_no: one.record.access_no,
            };
            Kind::OpenCase(wire::OpenCase {
                department: self.department.clone(),
                reference: format!(
                    "{}-{}-{}",
                    self.grant.reference,
                    text::short(&one.gateway),
                    one.record.access_no
                ),
                respondent: self.grant.collector.clone(),
                subject: Some(wire::CaseSubject { about: Some(About::Record(about)) }),
                reason_digest: reason_digest.to_vec(),
            })
        };
        chosen.map(case).collect()
    }
}

/// `ack list`: what the collector recorded, and the root by which to confirm exactly that.
pub(super) async fn list(common: &Common, act: &Act<'_>, it: &Hour) -> Result<(), ClientError> {
    let names = super::names(&act.node).await?;
    let list = HourList::ask(act, it, &names).await?;
    let mut rows =
        Rows::new(&["gateway", "number", "time", "operation", "rows", "channel", "asker"]);
    for one in &list.recorded {
        let operation = one.access(&list.grant.request_id).map(|it| text::operation(it.operation));
        let asker = one.record.asker.as_ref().and_then(|it| names.get(&it.identity_id).cloned());
        let channel = one.record.channel().as_str_name().trim_start_matches("CHANNEL_");
        rows.push(vec![
            json!(one.gateway_name),
            json!(one.record.access_no),
            json!(text::time(one.record.access_time_ms)),
            json!(operation),
            json!(one.record.row_count),
            json!(channel.to_lowercase()),
            json!(asker),
        ]);
    }
    rows.print(common.output)?;
    let begins = text::time(list.hour.saturating_mul(HOUR_MS));
    let root = hex::encode(HourList::root(list.recorded.iter()));
    let count = list.recorded.len();
    say(
        format!(
            "{count} accesses in the hour from {begins}, root {root}: `ack confirm --root` confirms exactly these"
        ),
        format!("{begins} 起一小时内共 {count} 次访问，根 {root}：`ack confirm --root` 只确认这些"),
    );
    Ok(())
}

/// `ack confirm`: all that the collector recorded was so.
pub(super) async fn confirm(
    common: &Common,
    act: &Act<'_>,
    it: &Hour,
    root: Option<&str>,
) -> Result<(), ClientError> {
    let list = HourList::ask(act, it, &super::names(&act.node).await?).await?;
    list.must_be(root)?;
    let kinds = list.confirmed(&BTreeSet::new());
    let before = list.recorded.iter().filter(|it| it.is_disputed).count();
    let mut fields = vec![
        ("confirmed", json!(list.recorded.len().saturating_sub(before))),
        ("one_by_one", json!(kinds.len().saturating_sub(1))),
    ];
    if before > 0 {
        fields.push(("disputed", json!(before)));
    }
    submit(common, act, kinds, &fields).await
}

/// `ack dispute`: some that the collector recorded were not; a case is opened for each, and the rest is confirmed.
pub(super) async fn dispute(
    common: &Common,
    act: &Act<'_>,
    (it, root): (&Hour, Option<&str>),
    numbers: &[String],
    reason: &str,
) -> Result<(), ClientError> {
    let list = HourList::ask(act, it, &super::names(&act.node).await?).await?;
    list.must_be(root)?;
    let mut disputed = list.named(numbers)?;
    let reason = Reason::new(reason)?;
    let mut kinds = list.cases(&disputed, &reason.digest);
    kinds.extend(list.confirmed(&disputed));
    // With those of before.
    let all = list.recorded.iter().enumerate();
    disputed.extend(all.filter(|(_, it)| it.is_disputed).map(|(at, _)| at));
    let fields = [
        ("confirmed", json!(list.recorded.len().saturating_sub(disputed.len()))),
        ("disputed", json!(disputed.len())),
        reason.shown(),
    ];
    submit(common, act, kinds, &fields).await
}

/// Submits all, as few transactions as hold them, and prints the last one's. What was said twice counts once, and no second case is
/// opened: after an error the whole command may be given again.
async fn submit(
    common: &Common,
    act: &Act<'_>,
    kinds: Vec<Kind>,
    fields: &[(&'static str, Value)],
) -> Result<(), ClientError> {
    let items = kinds.into_iter().map(item).collect::<Result<Vec<_>, _>>()?;
    let mut last = None;
    for some in items.chunks(ITEMS) {
        last = Some(act.account.submit(&act.node, some).await?);
    }
    let mut fields = fields.to_vec();
    if let Some((tx, committed)) = last {
        fields.push(("height", json!(committed.height)));
        fields.push(("tx_id", json!(tx.id().to_string())));
    }
    print_one(&fields, common.output)
}

#[cfg(test)]
mod tests;
