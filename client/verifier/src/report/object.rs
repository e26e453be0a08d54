//! Objects of the ledger, as a regulator reads them: what is asked for most in words, all as bytes.

use super::{Lang, hex, time};
use liuhen_proto::items::sharing::grants;
use liuhen_proto::ledger::{Object, intervals};
use liuhen_proto::types::TimeMs;
use liuhen_proto::wire;
use serde_json::{Value, json};

/// In words.
pub(super) fn text(object: &Object, lang: Lang) -> String {
    match object {
        Object::Department(_) | Object::Identity(_) | Object::Key(_) => member(object, lang),
        Object::Dataset(it) => {
            let entry = it.registration.clone().unwrap_or_default();
            let (collector, grade) = (&entry.collector, entry.grade);
            let retired = it.retired_height.is_some();
            let listed = match retired {
                true => lang.pick("retired", "已下架"),
                false => lang.pick("listed", "在册"),
            };
            lang.pick(
                &format!("{listed}, collected by {collector}, grade {grade}"),
                &format!("{listed}，归集部门 {collector}，{grade} 级"),
            )
        }
        Object::Grant(it) => {
            let state = name(grants::state(it).as_str_name());
            let until = grants::terms(it).map_or(0, |terms| terms.until_ms);
            let until = time(TimeMs::new(until));
            let (user, dataset) = (&it.using_department, &it.dataset);
            lang.pick(
                &format!("{state}, of {dataset} to {user}, until {until}"),
                &format!("{state}，{dataset} 授予 {user}，至 {until}"),
            )
        }
        Object::GrantUse(it) => {
            let (queries, rows, unknown) = (it.queries, it.rows, it.rows_unknown);
            let more = match unknown {
                0 => String::new(),
                _ => lang.pick(
                    &format!(", and of {unknown} records nobody knows the rows"),
                    &format!("，另有 {unknown} 条记录行数不明"),
                ),
            };
            lang.pick(
                &format!("{queries} queries, {rows} rows{more}"),
                &format!("查询 {queries} 次，{rows} 行{more}"),
            )
        }
        Object::Score(it) => {
            let (demerit, merit, events) = (it.demerit, it.merit, it.events);
            lang.pick(
                &format!("demerit {demerit}, merit {merit} (thousandths), by {events} events"),
                &format!("扣分 {demerit}，加分 {merit}（千分之一分），依 {events} 个事件"),
            )
        }
        Object::SealedCount(it) => {
            let sealed = it.sealed;
            lang.pick(&format!("{sealed} records were sealed"), &format!("密封 {sealed} 条记录"))
        }
        other => bytes(other, lang),
    }
}

fn bytes(object: &Object, lang: Lang) -> String {
    let bytes = object.to_bytes().len();
    lang.pick(
        &format!("{bytes} bytes; -o json shows them"),
        &format!("{bytes} 字节，用 -o json 查看"),
    )
}

/// A department, an identity or a key.
fn member(object: &Object, lang: Lang) -> String {
    let standing = |standing: &[wire::Interval]| match intervals::is_open(standing) {
        true => lang.pick("in force", "有效"),
        false => lang.pick("not in force", "无效"),
    };
    match object {
        Object::Department(it) => {
            let (standing, body) = (standing(&it.standing), &it.body);
            let rights: Vec<String> = it.rights().map(|it| name(it.as_str_name())).collect();
            let rights = rights.join(", ");
            lang.pick(
                &format!("{standing}, of body {body}, level {}, rights: {rights}", it.level),
                &format!("{standing}，所属单位 {body}，层级 {}，权利：{rights}", it.level),
            )
        }
        Object::Identity(it) => {
            let (standing, kind) = (standing(&it.standing), name(it.kind().as_str_name()));
            lang.pick(
                &format!("{standing}, {kind} {}/{}", it.department, it.code),
                &format!("{standing},{kind} {}/{}", it.department, it.code),
            )
        }
        Object::Key(it) => {
            let standing = standing(&it.standing);
            lang.pick(
                &format!("{standing}, of {}", it.department),
                &format!("{standing}，属 {}", it.department),
            )
        }
        other => bytes(other, lang),
    }
}

/// The name of an enum's value, as commands show it: `GRANT_STATE_ACTIVE` is `active`.
fn name(value: &str) -> String {
    const PREFIXES: [&str; 3] = ["GRANT_STATE_", "IDENTITY_KIND_", "RIGHT_"];
    let short = PREFIXES.iter().find_map(|prefix| value.strip_prefix(prefix));
    short.unwrap_or(value).to_lowercase().replace('_', "-")
}

/// For machines: kind, words, canonical bytes.
pub(super) fn json(object: &Object) -> Value {
    json!({
        "kind": object.kind().name(),
        "summary": text(object, Lang::En),
        "canonical_bytes": hex(&object.to_bytes()),
    })
}
