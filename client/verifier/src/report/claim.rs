//! What was proved, in a sentence, and as JSON.

use super::{Lang, event, event_json, hex, object, time};
use liuhen_proto::ledger::calendar::begin_of_sealed_month;
use liuhen_proto::place::TrailKind;
use liuhen_proto::verify::{
    Absence, Claim, Completeness, Consistency, Department, Fork, Omission, Range, Subject, Tag,
};
use liuhen_proto::wire::UnknownCount;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A sentence.
pub(super) fn text(claim: &Claim, lang: Lang) -> String {
    match claim {
        Claim::Inclusion(it) => {
            let (named, height) = (event::text(&it.event, lang), it.header.height);
            lang.pick(
                &format!("{named}; is in block {height}"),
                &format!("{named}；已载入区块 {height}"),
            )
        }
        Claim::Completeness(it) => {
            let (trail, range) = (&it.trail, range(it, lang));
            let (count, size) = (it.events.len(), it.size);
            lang.pick(
                &format!(
                    "these {count} events are all of trail «{trail}» {range} ({size} events in all \
                     up to this height)"
                ),
                &format!("轨迹「{trail}」{range}的全部事件共 {count} 条（截至该高度共 {size} 条）"),
            )
        }
        Claim::Consistency(it) => consistency(it, lang),
        Claim::State(it) => {
            let stands = object::text(&it.object, lang);
            lang.pick(
                &format!("{} stands so: {stands}", it.place),
                &format!("{} 的现状：{stands}", it.place),
            )
        }
        Claim::Absence(it) => absence(it, lang),
        Claim::Fork(it) => fork(it, lang),
        Claim::Omission(it) => omission(it, lang),
        Claim::Department(it) => department(it, lang),
        Claim::Subject(it) => subject(it, lang),
        Claim::Authorised(it) => {
            let (verdict, height) = (it.outcome.verdict, it.record.header.height);
            let named = event::text(&it.record.event, lang);
            lang.pick(
                &format!(
                    "{named}; recorded in block {height}, it was {verdict}, by the ledger's rules \
                     replayed here"
                ),
                &format!("{named}；记录于区块 {height}，经在此重算账本规则，判定为 {verdict}"),
            )
        }
    }
}

fn fork(it: &Fork, lang: Lang) -> String {
    let (height, block) = (it.other.height, it.block);
    if it.before {
        return lang.pick(
            &format!(
                "FORK: the validators certified two histories; the other one, certified at height \
                 {height}, has this block, and other headers before it"
            ),
            &format!(
                "分叉：验证节点签署了两份历史；另一份（签署于高度 {height}）含此区块，而此前的区块头不同"
            ),
        );
    }
    lang.pick(
        &format!(
            "FORK: the validators certified two histories; the other one, certified at height \
             {height}, has block {block} at the height of the anchor"
        ),
        &format!(
            "分叉：验证节点签署了两份历史；另一份（签署于高度 {height}）在锚点高度的区块为 {block}"
        ),
    )
}

fn omission(it: &Omission, lang: Lang) -> String {
    let (named, height) = (event::text(&it.included.event, lang), it.included.header.height);
    let trail = &it.trail.trail;
    lang.pick(
        &format!(
            "OMISSION: {named}; of block {height}, it belongs to trail «{trail}», which the validators \
             certified without it"
        ),
        &format!(
            "遗漏：{named}；载于区块 {height}，属于轨迹「{trail}」，而验证节点签署的轨迹中没有它"
        ),
    )
}

fn department(it: &Department, lang: Lang) -> String {
    let (code, identities, keys) = (&it.code, it.identities, it.keys.len());
    let events: usize = it.keys.iter().map(|it| it.events.len()).sum();
    let range = it.keys.first().map_or_else(String::new, |it| range(it, lang));
    lang.pick(
        &format!(
            "these {events} events are all that was signed for {code} {range}, with the {keys} \
             keys that its {identities} identities have or had"
        ),
        &format!(
            "{code} 的 {identities} 个身份先后共有 {keys} 个密钥，{range}所签事件全部在此，\
             共 {events} 条"
        ),
    )
}

fn subject(it: &Subject, lang: Lang) -> String {
    let count = |wanted: Option<bool>| {
        let all = it.tags.iter().flat_map(|tag| &tag.concerned);
        all.filter(|found| **found == wanted).count()
    };
    let listed: usize = it.tags.iter().map(Tag::records).sum();
    let since = time(begin_of_sealed_month(it.sealed_from));
    let since = since.split(' ').next().unwrap_or_default();
    let (more, open) = (count(Some(true)), count(None));
    // Two tags of one collector are told of the same unknown subjects.
    let unknown: BTreeMap<&str, UnknownCount> =
        it.tags.iter().map(|tag| (tag.collector.as_str(), tag.unknown)).collect();
    let unknown = unknown_text(unknown.values(), lang);
    let sealed = it.sealed.values().copied().fold(0, u64::saturating_add);
    let names: Vec<String> =
        it.tags.iter().map(|tag| event::tag(&tag.collector, tag.tag.as_bytes())).collect();
    let names = names.join(", ");
    let range = it.tags.first().map_or_else(String::new, |tag| range(&tag.listed, lang));
    lang.pick(
        &format!(
            "of {names} {range}: {listed} records list this subject and {more} more are about it \
             (bulk sets, whole versions), and nothing else on the ledger is; {open} bulk sets are \
             not told yet; {unknown}; {sealed} records \
             were sealed everywhere from {since} to two months ago"
        ),
        &format!(
            "{names} {range}：列名记录 {listed} 条，另涉及该主体 {more} 条（批量集、整版），\
             账本上再无其他；未公布的批量集 {open} 个；{unknown}；\
             自 {since} 至两个月前全账本共密封 {sealed} 条"
        ),
    )
}

/// What collectors' records leave unknown; of what is rare only where there is any.
fn unknown_text<'a>(all: impl Iterator<Item = &'a UnknownCount> + Clone, lang: Lang) -> String {
    let sum = |of: fn(&UnknownCount) -> u64| all.clone().map(of).fold(0, u64::saturating_add);
    let (records, subjects) = (sum(|it| it.records), sum(|it| it.subjects));
    let (uncounted, untold) = (sum(|it| it.uncounted), sum(|it| it.untold));
    let mut parts = vec![lang.pick(
        &format!("{records} records left {subjects} subjects unknown"),
        &format!("未载明主体的记录 {records} 条、主体 {subjects} 个"),
    )];
    if uncounted > 0 {
        parts.push(lang.pick(
            &format!("{uncounted} records did not count their subjects"),
            &format!("未计主体数的记录 {uncounted} 条"),
        ));
    }
    if untold > 0 {
        parts.push(lang.pick(
            &format!("{untold} records could not tell which datasets they touched"),
            &format!("未能确定数据集的记录 {untold} 条"),
        ));
    }
    parts.join(lang.pick("; ", "；").as_str())
}

fn consistency(it: &Consistency, lang: Lang) -> String {
    let (noted, size, root) = (it.noted_size, it.size, it.noted_root);
    match &it.trail {
        Some(trail) => lang.pick(
            &format!(
                "trail «{trail}» of {size} events begins with the {noted} noted, of root {root}"
            ),
            &format!("轨迹「{trail}」现有 {size} 条，其开头即所记的 {noted} 条（根 {root}）"),
        ),
        None => lang.pick(
            &format!("the chain of {size} headers begins with the {noted} noted, of root {root}"),
            &format!("本链现有 {size} 个区块头，其开头即所记的 {noted} 个（根 {root}）"),
        ),
    }
}

fn absence(it: &Absence, lang: Lang) -> String {
    match it {
        Absence::Object(place) => {
            lang.pick(&format!("there is no {place} on the ledger"), &format!("账本上没有 {place}"))
        }
        Absence::Number { trail, number, size } => lang.pick(
            &format!("trail «{trail}» has {size} events, and none of number {number}"),
            &format!("轨迹「{trail}」共 {size} 条，没有编号 {number}"),
        ),
        Absence::Transaction { trail, id } => {
            let stretch = range(trail, lang);
            let trail = &trail.trail;
            lang.pick(
                &format!("transaction {id} is not on trail «{trail}» {stretch}"),
                &format!("轨迹「{trail}」{stretch}没有交易 {id}"),
            )
        }
    }
}

fn range(it: &Completeness, lang: Lang) -> String {
    match (it.range, lang) {
        (Range::Whole, Lang::En) => "from its beginning".into(),
        (Range::Whole, Lang::Zh) => "自始".into(),
        (Range::Heights(from, until), Lang::En) => format!("in heights [{from}, {until})"),
        (Range::Heights(from, until), Lang::Zh) => format!("在高度 [{from}, {until}) 内"),
        (Range::Times(from, until), Lang::En) => {
            format!("recorded in [{}, {})", time(from), time(until))
        }
        (Range::Times(from, until), Lang::Zh) => {
            format!("在 [{}, {}) 内上链", time(from), time(until))
        }
    }
}

/// For machines.
pub(super) fn json(claim: &Claim) -> Value {
    match claim {
        Claim::Inclusion(it) => json!({
            "kind": "inclusion",
            "event": event_json(&it.event),
            "height": it.header.height,
        }),
        Claim::Completeness(it) => complete(it),
        Claim::Consistency(it) => json!({
            "kind": "consistency",
            "trail": it.trail.as_ref().map(ToString::to_string),
            "noted_size": it.noted_size,
            "noted_root": it.noted_root,
            "size": it.size,
        }),
        Claim::State(it) => json!({
            "kind": "state",
            "place": it.place.to_string(),
            "object": object::json(&it.object),
        }),
        Claim::Absence(Absence::Object(place)) => {
            json!({ "kind": "absence", "place": place.to_string() })
        }
        Claim::Absence(Absence::Number { trail, number, size }) => json!({
            "kind": "absence", "trail": trail.to_string(), "number": number, "size": size,
        }),
        Claim::Absence(Absence::Transaction { trail, id }) => {
            json!({ "kind": "absence", "trail": complete(trail), "tx_id": id })
        }
        Claim::Fork(it) => json!({
            "kind": "fork",
            "block_id": it.block,
            "certified_at": it.other.height,
        }),
        Claim::Omission(it) => json!({
            "kind": "omission",
            "event": event_json(&it.included.event),
            "trail": complete(&it.trail),
        }),
        Claim::Department(it) => json!({
            "kind": "department",
            "department": it.code,
            "identities": it.identities,
            "trail": complete(&it.trail),
            "keys": it.keys.iter().map(complete).collect::<Vec<_>>(),
        }),
        Claim::Subject(it) => json!({
            "kind": "subject",
            "tags": it.tags.iter().map(|tag| json!({
                "collector": tag.collector,
                "tag": tag.tag,
                "listed": complete(&tag.listed),
                "unlisted": complete(&tag.unlisted),
                "concerned": tag.concerned,
                "unknown_records": tag.unknown.records,
                "unknown_subjects": tag.unknown.subjects,
                "uncounted_records": tag.unknown.uncounted,
                "untold_records": tag.unknown.untold,
            })).collect::<Vec<_>>(),
            "sealed_by_month": it.sealed,
            "sealed_from_month": it.sealed_from,
        }),
        Claim::Authorised(it) => json!({
            "kind": "authorised",
            "event": event_json(&it.record.event),
            "height": it.record.header.height,
            "outcome": it.outcome,
        }),
    }
}

fn complete(it: &Completeness) -> Value {
    json!({
        "kind": "completeness",
        "trail_kind": it.kind.name(),
        "trail_id": trail_id(it),
        "range": range_json(it.range),
        "size": it.size,
        "first": it.first,
        "events": it.events.len(),
    })
}

fn trail_id(it: &Completeness) -> String {
    match it.kind {
        TrailKind::Dataset | TrailKind::Department | TrailKind::Integrity => {
            String::from_utf8_lossy(it.trail.id()).into_owned()
        }
        TrailKind::Key
        | TrailKind::Identity
        | TrailKind::Grant
        | TrailKind::Use
        | TrailKind::Subject
        | TrailKind::Case
        | TrailKind::Governance
        | TrailKind::IdentityIntegrity
        | TrailKind::Acknowledgements
        | TrailKind::Gateway
        | TrailKind::Sealed
        | TrailKind::Unlisted
        | TrailKind::Alert
        | TrailKind::Product
        | TrailKind::BulkTags => hex(it.trail.id()),
    }
}

fn range_json(range: Range) -> Value {
    match range {
        Range::Whole => json!({ "kind": "whole" }),
        Range::Heights(from, until) => json!({ "kind": "heights", "from": from, "until": until }),
        Range::Times(from, until) => json!({ "kind": "times", "from": from, "until": until }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Lang, unknown_text};
    use liuhen_proto::wire::UnknownCount;

    /// An ordinary sentence stays as it is; what is rare is added where there is any, of all collectors together.
    #[test]
    fn what_is_left_unknown() {
        let none = UnknownCount::default();
        let some = UnknownCount { records: 2, subjects: 5, ..none };
        let uncounted = UnknownCount { uncounted: 3, ..none };
        let untold = UnknownCount { records: 1, subjects: 1, untold: 4, ..none };
        let cases: [(&[UnknownCount], &str, &str); 4] = [
            (&[none], "0 records left 0 subjects unknown", "未载明主体的记录 0 条、主体 0 个"),
            (
                &[some, none],
                "2 records left 5 subjects unknown",
                "未载明主体的记录 2 条、主体 5 个",
            ),
            (
                &[some, uncounted],
                "2 records left 5 subjects unknown; 3 records did not count their subjects",
                "未载明主体的记录 2 条、主体 5 个；未计主体数的记录 3 条",
            ),
            (
                &[some, uncounted, untold],
                "3 records left 6 subjects unknown; 3 records did not count their subjects; \
                 4 records could not tell which datasets they touched",
                "未载明主体的记录 3 条、主体 6 个；未计主体数的记录 3 条；未能确定数据集的记录 4 条",
            ),
        ];
        for (all, english, chinese) in cases {
            assert_eq!(unknown_text(all.iter(), Lang::En), english);
            assert_eq!(unknown_text(all.iter(), Lang::Zh), chinese);
        }
    }
}
