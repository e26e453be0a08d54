//! An hour's accesses under a grant as its collector recorded them, for the user's side to confirm or to dispute in one act. What is
//! owed one by one is acknowledged one by one, all in the sum of the hour. Under what followed a log nothing is owed: silence is no
//! fault.

use super::Common;
use super::signing::{Act, Reason};
use crate::output::{Rows, print_one, say};
use crate::text;
use liuhen_client::error::ClientError;
use liuhen_client::lang::pick;
use liuhen_client::submit::item;
use liuhen_proto::event::Body;
use liuhen_proto::items::access::halves;
use liuhen_proto::ledger::calendar::{HOUR_MS, hour_of};
use liuhen_proto::merkle::{Blake3Log, log};
use liuhen_proto::place::TrailKind;
use liuhen_proto::suite::hash::{Domain, hash};
use liuhen_proto::types::{Hash, TimeMs};
use liuhen_proto::wire::{self, case_subject::About, item::Kind};
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

/// What a collector recorded in an hour under a grant, of one department's own accesses, in the order of gateways and numbers.
struct HourList {
    grant: wire::Grant,
    /// As it is registered; `None` where it never was.
    dataset: Option<wire::RegisterDataset>,
    department: String,
    hour: u64,
    recorded: Vec<Recorded>,
}

impl HourList {
    async fn ask(act: &Act<'_>, it: &Hour) -> Result<Self, ClientError> {
        let grant = act.node.grant(&it.grant).await?;
        let hour = Hour::number(it.hour.as_deref())?;
        let names = super::names(&act.node).await?;
        let department = act.department();
        let dataset = act.node.dataset_whole(&grant.dataset).await?.registration;
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
                recorded.push(Recorded { gateway, gateway_name, record: record.clone() });
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

    /// What confirms all but the disputed: an acknowledgement of each that is owed by itself, and the sum of all, last.
    fn confirmed(&self, disputed: &BTreeSet<usize>) -> Vec<Kind> {
        let rest = || {
            let all = self.recorded.iter().enumerate();
            all.filter(|(at, _)| !disputed.contains(at)).map(|(_, it)| it)
        };
        let grant = &self.grant;
        let singly = rest().filter(|it| {
            it.access(&grant.request_id).is_some_and(|access| {
                halves::is_owed_singly(self.dataset.as_ref(), grant, &it.record, access)
            })
        });
        let mut kinds: Vec<Kind> = singly
            .map(|it| {
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
            count: rest().count() as u64,
            root: Self::root(rest()).to_vec(),
        }));
        kinds
    }

    /// A case about each of the disputed.
    fn cases(&self, disputed: &BTreeSet<usize>, reason_digest: &[u8]) -> Vec<Kind> {
        let chosen = disputed.iter().filter_map(|at| self.recorded.get(*at));
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
    let list = HourList::ask(act, it).await?;
    let names = super::names(&act.node).await?;
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
    let list = HourList::ask(act, it).await?;
    list.must_be(root)?;
    let kinds = list.confirmed(&BTreeSet::new());
    let fields = [
        ("confirmed", json!(list.recorded.len())),
        ("one_by_one", json!(kinds.len().saturating_sub(1))),
    ];
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
    let list = HourList::ask(act, it).await?;
    list.must_be(root)?;
    let disputed = list.named(numbers)?;
    let reason = Reason::new(reason)?;
    let mut kinds = list.cases(&disputed, &reason.digest);
    kinds.extend(list.confirmed(&disputed));
    let fields = [
        ("confirmed", json!(list.recorded.len().saturating_sub(disputed.len()))),
        ("disputed", json!(disputed.len())),
        reason.shown(),
    ];
    submit(common, act, kinds, &fields).await
}

/// Submits all, as few transactions as hold them, and prints the last one's. What was said twice counts once: after an error the
/// whole command may be given again.
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
mod tests {
    use super::*;
    use liuhen_proto::wire::{Channel, DatasetAccess, Grant, RecordAccess, RegisterDataset};

    /// Accesses of an hour: gateway, number, channel.
    fn list_of(grade: u32, recorded: &[(&str, u64, Channel)]) -> HourList {
        let grant = Grant {
            request_id: vec![7; 32],
            reference: "hr-1".to_owned(),
            dataset: "civil.resident".to_owned(),
            collector: "gz.psb".to_owned(),
            ..Grant::default()
        };
        let recorded = recorded.iter().map(|(name, access_no, channel)| Recorded {
            gateway: hash(Domain::Digest, &[name.as_bytes()]).as_bytes().to_vec(),
            gateway_name: (*name).to_owned(),
            record: RecordAccess {
                access_no: *access_no,
                channel: *channel as i32,
                row_count: Some(3),
                accesses: vec![DatasetAccess {
                    request_id: grant.request_id.clone(),
                    dataset: grant.dataset.clone(),
                    ..DatasetAccess::default()
                }],
                ..RecordAccess::default()
            },
        });
        HourList {
            dataset: Some(RegisterDataset { grade, ..RegisterDataset::default() }),
            department: "gz.hrss".to_owned(),
            hour: 5,
            recorded: recorded.collect(),
            grant,
        }
    }

    const HOUR: &[(&str, u64, Channel)] = &[
        ("gz.psb/east", 4, Channel::Door),
        ("gz.psb/east", 5, Channel::Log),
        ("gz.psb/west", 4, Channel::Door),
    ];

    /// The numbers that are acknowledged one by one, and the sum.
    fn said(kinds: &[Kind]) -> (Vec<(u64, Option<u64>)>, u64) {
        let mut singly = Vec::new();
        let mut sum = None;
        for kind in kinds {
            match kind {
                Kind::Acknowledge(it) => singly.push((it.access_no, it.row_count)),
                Kind::AcknowledgeHour(it) => {
                    assert_eq!(it.hour, 5);
                    assert_eq!(sum.replace(it.count), None, "one sum");
                }
                _ => panic!("nothing else is said"),
            }
        }
        (singly, sum.expect("a sum"))
    }

    /// From grade 3 what reached the user is acknowledged one by one, and all is in the sum.
    #[test]
    fn what_a_confirmation_says() {
        for (grade, singly) in [(2, vec![]), (3, vec![(4, Some(3)), (4, Some(3))])] {
            let list = list_of(grade, HOUR);
            assert_eq!(said(&list.confirmed(&BTreeSet::new())), (singly, 3), "{grade}");
        }
        assert_eq!(said(&list_of(3, &[]).confirmed(&BTreeSet::new())), (vec![], 0));
    }

    /// What is disputed is neither acknowledged nor summed, and a case is opened about exactly that.
    #[test]
    fn what_a_dispute_says() {
        let list = list_of(3, HOUR);
        let disputed = list.named(&["gz.psb/west/4".to_owned()]).expect("it is there");
        assert_eq!(said(&list.confirmed(&disputed)), (vec![(4, Some(3))], 2));
        let cases = list.cases(&disputed, &[1; 32]);
        let [Kind::OpenCase(case)] = cases.as_slice() else { panic!("one case") };
        assert_eq!((case.respondent.as_str(), case.department.as_str()), ("gz.psb", "gz.hrss"));
        let Some(About::Record(about)) = case.subject.as_ref().and_then(|it| it.about.as_ref())
        else {
            panic!("about a record")
        };
        assert_eq!((&about.gateway_id, about.access_no), (&list.recorded[2].gateway, 4));
        // Two gateways' cases about the same number have references of their own.
        let both = list.cases(&BTreeSet::from([0, 2]), &[1; 32]);
        let references: BTreeSet<String> = both
            .iter()
            .filter_map(|it| match it {
                Kind::OpenCase(it) => Some(it.reference.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(references.len(), 2);
    }

    #[test]
    fn numbers_that_name_no_record_or_two() {
        let list = list_of(2, HOUR);
        for (number, error) in [
            ("9", "9 is not among the hour's records"),
            ("4", "more than one gateway has the number 4"),
            ("gz.psb/west/5", "not among"),
            ("", "not among"),
        ] {
            let found = list.named(&[number.to_owned()]).map_err(|it| it.to_string());
            assert!(found.is_err_and(|it| it.contains(error)), "{number}");
        }
        assert_eq!(list.named(&["5".to_owned(), "gz.psb/east/5".to_owned()]).unwrap().len(), 1);
    }

    /// The root is that of the whole list: one more access, and the one that was read before holds no longer.
    #[test]
    fn a_list_that_has_changed() {
        let before = hex::encode(HourList::root(list_of(2, &HOUR[..2]).recorded.iter()));
        let list = list_of(2, HOUR);
        let error = list.must_be(Some(&before)).unwrap_err().to_string();
        assert!(error.contains("other accesses") && error.contains("3 now"), "{error}");
        let now = hex::encode(HourList::root(list.recorded.iter()));
        assert!(list.must_be(Some(&now)).is_ok() && list.must_be(None).is_ok());
        let Some(Kind::AcknowledgeHour(sum)) = list.confirmed(&BTreeSet::new()).pop() else {
            panic!("the sum is last")
        };
        assert_eq!(hex::encode(sum.root), now);
    }
}
