//! Statements, and what they say.

mod bounds;
mod cases;
mod fields;
mod mysql;
mod postgres;
mod unparsed;

use super::*;
use std::collections::BTreeMap;

fn name(text: &str) -> Name {
    Name::of_parts(text.split('.').map(str::to_owned).collect()).expect("a name")
}

fn schema(tables: &[(&str, &str)], views: &[(&str, &str)]) -> Schema {
    let columns = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    let tables: BTreeMap<_, Vec<String>> =
        tables.iter().map(|(table, all)| (name(table), columns(all))).collect();
    let views = views.iter().map(|(view, text)| (name(view), (*text).to_owned())).collect();
    Schema::new(tables, views)
}

/// What is told, in short: `read s.t(a,b) update u(?)`.
fn touches(text: &str, dialect: Dialect, schema: &Schema) -> String {
    let Some(told) = told(text, dialect, schema) else { return "not parsed".to_owned() };
    let one = |touch: &Touch| {
        let operation = format!("{:?}", touch.operation).to_lowercase();
        let fields = match &touch.fields {
            Fields::Unknown => "?".to_owned(),
            Fields::These(these) => these.iter().cloned().collect::<Vec<_>>().join(","),
        };
        format!("{operation} {}({fields})", touch.relation)
    };
    told.touches.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn settings(text: &str, dialect: Dialect) -> String {
    let told = told(text, dialect, &Schema::default()).expect("parsed");
    let one = |it: &Setting| {
        let local = if it.local { "local " } else { "" };
        let to = match &it.to {
            SetTo::Text(text) => format!("'{text}'"),
            SetTo::Default => "default".to_owned(),
            SetTo::Unknown => "?".to_owned(),
        };
        format!("{local}{}={to}", it.name.as_deref().unwrap_or("*"))
    };
    told.settings.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn check(dialect: Dialect, schema: &Schema, all: &[(&str, &str)]) {
    let wrong: Vec<String> = all
        .iter()
        .map(|(text, expected)| (text, expected, touches(text, dialect, schema)))
        .filter(|(_, expected, found)| found != *expected)
        .map(|(text, expected, found)| format!("{text}\n   told {found}\n  right {expected}"))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
