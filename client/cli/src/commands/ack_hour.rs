//! An hour's accesses under a grant as its collector recorded them, for the user's side to confirm or to dispute in one act. Under
//! what followed a log nothing is owed: silence is no fault.

use super::Common;
use super::signing::{Act, Reason};
use crate::output::{Rows, print_one};
use crate::text;
use liuhen_client::error::ClientError;
use liuhen_client::submit::item;
use liuhen_proto::event::Body;
use liuhen_proto::ledger::calendar::hour_of;
use liuhen_proto::merkle::{Blake3Log, log};
use liuhen_proto::place::TrailKind;
use liuhen_proto::suite::hash::{Domain, hash};
use liuhen_proto::types::TimeMs;
use liuhen_proto::wire::{self, case_subject::About, item::Kind};
use serde_json::json;
use std::collections::BTreeSet;

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

    fn of_grant(&self, request_id: &[u8]) -> Option<&wire::DatasetAccess> {
        self.record.accesses.iter().find(|it| it.request_id == request_id)
    }
}

/// The hour's records under a grant, of this department's own, in the order of gateways and numbers.
async fn records(
    act: &Act<'_>,
    grant: &wire::Grant,
    hour: u64,
) -> Result<Vec<Recorded>, ClientError> {
    let names = super::names(&act.node).await?;
    let department = act.department();
    let mut found = Vec::new();
    for event in act.node.whole_trail(TrailKind::Use, grant.request_id.clone()).await? {
        let Body::Signed { header, item } = &event.body else { continue };
        let Some(record) = item.record() else { continue };
        let own = record.asker.as_ref().is_some_and(|it| it.department == department);
        let served = record.decision() == wire::Decision::Served;
        if own && served && hour_of(TimeMs::new(record.access_time_ms)) == hour {
            let gateway = header.identity.to_vec();
            let gateway_name =
                names.get(&gateway).cloned().unwrap_or_else(|| text::short(&gateway));
            found.push(Recorded { gateway, gateway_name, record: record.clone() });
        }
    }
    found.sort_by_key(|it| (it.gateway_name.clone(), it.record.access_no));
    Ok(found)
}

/// `ack list`: what the collector recorded.
pub(super) async fn list(common: &Common, act: &Act<'_>, it: &Hour) -> Result<(), ClientError> {
    let grant = act.grant(&it.grant).await?;
    let hour = Hour::number(it.hour.as_deref())?;
    let names = super::names(&act.node).await?;
    let mut rows =
        Rows::new(&["gateway", "number", "time", "operation", "rows", "channel", "asker"]);
    for one in records(act, &grant, hour).await? {
        let operation = one.of_grant(&grant.request_id).map(|it| text::operation(it.operation));
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
    rows.print(common.output)
}

/// The sum of some records of an hour.
fn sum(act: &Act<'_>, grant: &wire::Grant, hour: u64, of: &[&Recorded]) -> Kind {
    let lines = of.iter().map(|it| hash(Domain::Digest, &[it.line().as_bytes()]));
    Kind::AcknowledgeHour(wire::AcknowledgeHour {
        request_id: grant.request_id.clone(),
        dataset: grant.dataset.clone(),
        collector: grant.collector.clone(),
        using_department: act.department(),
        hour,
        count: of.len() as u64,
        root: log::root::<Blake3Log>(lines).to_vec(),
    })
}

/// `ack confirm`: all that the collector recorded was so.
pub(super) async fn confirm(act: &Act<'_>, it: &Hour) -> Result<(), ClientError> {
    let grant = act.grant(&it.grant).await?;
    let hour = Hour::number(it.hour.as_deref())?;
    let records = records(act, &grant, hour).await?;
    let all: Vec<&Recorded> = records.iter().collect();
    let count = all.len();
    act.done(sum(act, &grant, hour, &all), |_| vec![("confirmed", json!(count))]).await
}

/// `ack dispute`: some that the collector recorded were not; a case is opened for each, and the rest is confirmed.
pub(super) async fn dispute(
    common: &Common,
    act: &Act<'_>,
    it: &Hour,
    numbers: &[String],
    reason: &str,
) -> Result<(), ClientError> {
    let grant = act.grant(&it.grant).await?;
    let hour = Hour::number(it.hour.as_deref())?;
    let records = records(act, &grant, hour).await?;
    let wanted: BTreeSet<&str> = numbers.iter().map(String::as_str).collect();
    let is_wanted = |it: &&Recorded| {
        let number = it.record.access_no.to_string();
        wanted.contains(number.as_str()) || wanted.contains(it.line().replace(' ', "/").as_str())
    };
    let (disputed, rest): (Vec<&Recorded>, Vec<&Recorded>) = records.iter().partition(is_wanted);
    if disputed.len() != wanted.len() {
        let why = format!(
            "of the {} numbers given {} are among the hour's records: see `liuhen ack list`; where gateways share a number, \
             write department/gateway/number",
            wanted.len(),
            disputed.len()
        );
        return Err(ClientError::Usage(why));
    }
    let reason = Reason::new(reason)?;
    let mut items = vec![item(sum(act, &grant, hour, &rest))?];
    for one in &disputed {
        let about = wire::RecordName {
            request_id: grant.request_id.clone(),
            dataset: grant.dataset.clone(),
            gateway_id: one.gateway.clone(),
            access_no: one.record.access_no,
        };
        items.push(item(Kind::OpenCase(wire::OpenCase {
            department: act.department(),
            reference: format!("{}-{hour}-{}", grant.reference, one.record.access_no),
            respondent: grant.collector.clone(),
            subject: Some(wire::CaseSubject { about: Some(About::Record(about)) }),
            reason_digest: reason.digest.clone(),
        }))?);
    }
    let (tx, committed) = act.account.submit(&act.node, &items).await?;
    let fields = [
        ("confirmed", json!(rest.len())),
        ("disputed", json!(disputed.len())),
        reason.shown(),
        ("height", json!(committed.height)),
        ("tx_id", json!(tx.id().to_string())),
    ];
    print_one(&fields, common.output)
}
