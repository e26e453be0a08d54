//! An event, named so that no two are named alike: a record by gateway, number, datasets, grants, asker and time;
//! anything else by its transaction, or its place among what the ledger's rules made. Ids are whole: the beginning of an
//! id can be another's.

use super::{Lang, hex, time};
use liuhen_proto::event::Body;
use liuhen_proto::place::{Place, TrailKind};
use liuhen_proto::types::TimeMs;
use liuhen_proto::verify::ProvedEvent;
use liuhen_proto::wire;
use serde_json::{Value, json};

/// In words.
pub(super) fn text(event: &ProvedEvent, lang: Lang) -> String {
    let kind = event.body.name();
    let Body::Signed { header, .. } = &event.body else {
        let (number, height) = (event.leaf.item, event.leaf.height);
        return lang.pick(
            &format!("{kind}, number {number} of what the ledger's rules made in block {height}"),
            &format!("{kind}（账本规则于区块 {height} 产生的第 {number} 号事件）"),
        );
    };
    if let Some(record) = event.record() {
        return access(record, &hex(header.identity.as_bytes()), lang);
    }
    let (department, identity) = (&header.department, header.identity);
    let (tx, item) = (event.leaf.origin, event.leaf.item);
    lang.pick(
        &format!(
            "{kind}, signed by {department} (identity {identity}), item {item} of transaction {tx}"
        ),
        &format!("{department}（身份 {identity}）签署的 {kind}，即交易 {tx} 的第 {item} 项"),
    )
}

fn access(it: &wire::RecordAccess, gateway: &str, lang: Lang) -> String {
    let (number, collector) = (it.access_no, &it.collector);
    let touched: Vec<String> = it.accesses.iter().map(|one| dataset(one, lang)).collect();
    let touched = match touched.is_empty() {
        true => lang.pick("of datasets that could not be told", "未能确定所涉数据集"),
        false => touched.join(lang.pick(", and ", "；").as_str()),
    };
    let (asker, at) = (asker(it, lang), time(TimeMs::new(it.access_time_ms)));
    let denied = match it.decision() {
        wire::Decision::Denied => lang.pick(", denied", "，已拒绝"),
        wire::Decision::Served | wire::Decision::Unspecified => observed(it, lang),
    };
    lang.pick(
        &format!(
            "access number {number} of gateway {gateway} of {collector}, at {at} by its own word: {touched}; \
             asked by {asker}{denied}"
        ),
        &format!(
            "{collector} 闸口 {gateway} 的第 {number} 号访问（闸口所述时间 {at}）：{touched}；访问方 {asker}{denied}"
        ),
    )
}

/// What a gateway that observed would have done.
fn observed(it: &wire::RecordAccess, lang: Lang) -> String {
    match &it.observing {
        None => String::new(),
        Some(it) if it.denied.is_empty() => {
            lang.pick(", while the gateway only observed", "，闸口处于观察期")
        }
        Some(wire::Observing { denied }) => lang.pick(
            &format!(
                ", served while the gateway only observed: it would have been denied ({denied})"
            ),
            &format!("，观察期放行，本应拒绝（{denied}）"),
        ),
    }
}

fn dataset(it: &wire::DatasetAccess, lang: Lang) -> String {
    let (operation, dataset) = (operation(it), &it.dataset);
    match it.request_id.is_empty() {
        true => lang.pick(
            &format!("{operation} of {dataset} under no grant"),
            &format!("{operation} {dataset}，未指明授权"),
        ),
        false => {
            let grant = hex(&it.request_id);
            lang.pick(
                &format!("{operation} of {dataset} under grant {grant}"),
                &format!("{operation} {dataset}，依授权 {grant}"),
            )
        }
    }
}

fn operation(it: &wire::DatasetAccess) -> String {
    it.operation().as_str_name().trim_start_matches("OPERATION_").to_lowercase()
}

fn asker(it: &wire::RecordAccess, lang: Lang) -> String {
    let party = it.asker.clone().unwrap_or_default();
    match party.identity_id.is_empty() {
        true => {
            let digest = hex(&party.unmapped_digest);
            lang.pick(
                &format!("an account that was not mapped, of digest {digest}"),
                &format!("未映射的账号（摘要 {digest}）"),
            )
        }
        false => {
            let (department, identity) = (&party.department, hex(&party.identity_id));
            lang.pick(
                &format!("identity {identity} of {department}"),
                &format!("{department} 的身份 {identity}"),
            )
        }
    }
}

/// What a record says, for machines.
pub(super) fn record_json(event: &ProvedEvent) -> Option<Value> {
    let (record, gateway) = (event.record()?, event.body.identity()?);
    let accesses = record.accesses.iter().map(|it| {
        json!({
            "dataset": it.dataset,
            "operation": operation(it),
            "grant": hex(&it.request_id),
        })
    });
    let asker = record.asker.clone().unwrap_or_default();
    Some(json!({
        "collector": record.collector,
        "gateway": gateway,
        "access_no": record.access_no,
        "accesses": accesses.collect::<Vec<_>>(),
        "asker": {
            "department": asker.department,
            "identity": hex(&asker.identity_id),
            "unmapped_digest": hex(&asker.unmapped_digest),
        },
        "access_time_ms": record.access_time_ms,
    }))
}

/// A tag as its trail names it.
pub(super) fn tag(collector: &str, tag: &[u8]) -> String {
    let place = Place::subject_trail(collector, tag).to_string();
    place.trim_start_matches(TrailKind::Subject.name()).trim_start().to_owned()
}
