//! The parameters and calendars of a source.

use crate::error::SourceError;
use jiff::civil::Date;
use liuhen_proto::ledger::parameters::{ALL, Held, Parameter, defaults};
use liuhen_proto::wire::{self, IntegrityRule, IntegrityWeight, Watch, WatchKind};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use toml::Spanned;

/// Parameters as people write them: those of [`liuhen_proto::ledger::parameters::ALL`]. All but the lead, the purposes
/// and the legal bases have defaults.
#[derive(Debug, Clone, Default)]
pub struct ParametersSource {
    /// What is given, in the order of the table.
    given: BTreeMap<usize, Given>,
}

/// A value of a parameter.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
enum Given {
    Text(String),
    Number(u64),
    Numbers(Vec<u64>),
    Codes(Vec<String>),
    Managers(Vec<ManagerSource>),
    /// By rule, `uncovered = 20`; those not here stay at their default.
    Points(BTreeMap<String, u32>),
    /// By kind; those not here stay at their default.
    Watches(BTreeMap<String, WatchSource>),
}

/// Without them there is no document.
const NEEDED: [&str; 3] = ["lead", "purposes", "legal_bases"];

/// What a founding source calls a parameter: of what has several entries there is one at a time.
fn key(row: &Parameter) -> &'static str {
    match row.held {
        Held::Managers(_) => "manager",
        Held::Watches(_) => "watch",
        Held::Points(_) => "integrity_points",
        Held::Days(_)
        | Held::TenThousandths(_)
        | Held::Milliseconds(_)
        | Held::Count(_)
        | Held::MillisecondsByGrade(_)
        | Held::Part(_)
        | Held::Department(_)
        | Held::Codes(_)
        | Held::ByLedger(_) => row.name,
    }
}

/// The rows that a source may have, with their places in the table.
fn rows() -> impl Iterator<Item = (usize, &'static Parameter)> {
    ALL.iter().enumerate().filter(|(_, row)| !matches!(row.held, Held::ByLedger(_)))
}

/// A key of the parameters: its place in the table. Errors for others here, where the line is known.
struct Key(usize);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        rows().find(|(_, row)| key(row) == name).map(|(at, _)| Self(at)).ok_or_else(|| {
            let all: Vec<&str> = rows().map(|(_, row)| key(row)).collect();
            D::Error::custom(format!("unknown field `{name}`, expected one of {}", all.join(", ")))
        })
    }
}

struct Whole;

impl<'de> Visitor<'de> for Whole {
    type Value = ParametersSource;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("parameters")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ParametersSource, A::Error> {
        let mut given = BTreeMap::new();
        while let Some(Key(at)) = map.next_key()? {
            let Some(row) = ALL.get(at) else { continue };
            let value = match row.held {
                Held::Days(_) | Held::TenThousandths(_) => {
                    Given::Number(u64::from(map.next_value::<u32>()?))
                }
                Held::Milliseconds(_) | Held::Count(_) | Held::ByLedger(_) => {
                    Given::Number(map.next_value()?)
                }
                Held::MillisecondsByGrade(_) => Given::Numbers(map.next_value()?),
                Held::Part(_) | Held::Department(_) => Given::Text(map.next_value()?),
                Held::Codes(_) => Given::Codes(map.next_value()?),
                Held::Managers(_) => Given::Managers(map.next_value()?),
                Held::Points(_) => Given::Points(map.next_value()?),
                Held::Watches(_) => Given::Watches(map.next_value()?),
            };
            given.insert(at, value);
        }
        for (at, row) in rows() {
            if NEEDED.contains(&row.name) && !given.contains_key(&at) {
                return Err(A::Error::missing_field(row.name));
            }
        }
        Ok(ParametersSource { given })
    }
}

impl<'de> Deserialize<'de> for ParametersSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Whole)
    }
}

impl Serialize for ParametersSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let given = self.given.iter().filter_map(|(at, value)| Some((key(ALL.get(*at)?), value)));
        serializer.collect_map(given)
    }
}

/// What raises an alert.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WatchSource {
    /// Not watched for.
    #[serde(default)]
    pub off: bool,
    /// So many within the window, or per cent of a quota.
    #[serde(default)]
    pub limit: u64,
    /// The window, milliseconds.
    #[serde(default)]
    pub window_ms: u64,
    /// Hours that are not outside, minutes of the day: `[420, 1260]` for 07:00 to 21:00.
    #[serde(default)]
    pub hours: Option<[u32; 2]>,
    /// Days on which they begin, Monday 1 to Sunday 7; none: every day.
    #[serde(default)]
    pub weekdays: Vec<u32>,
}

impl WatchSource {
    fn to_wire(&self, kind: WatchKind) -> Watch {
        let bit = |day: &u32| match day {
            1..=7 => 1u32.checked_shl(day.saturating_sub(1)).unwrap_or(0),
            // No day: the parameters' own check refuses it.
            _ => 128,
        };
        let weekdays = self.weekdays.iter().map(bit).fold(0, |all, one| all | one);
        let schedule = self.hours.map(|[from_minute, until_minute]| wire::Schedule {
            from_minute,
            until_minute,
            weekdays,
        });
        let (limit, window_ms) = (self.limit, self.window_ms);
        Watch { kind: kind as i32, limit, window_ms, schedule }
    }
}

/// Who confirms grants of a division's collectors.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ManagerSource {
    /// GB/T 2260 prefix; empty: everywhere.
    #[serde(default)]
    pub division: String,
    /// The managing department.
    pub manager: String,
    /// Who acts where the manager is a party.
    #[serde(default)]
    pub deputy: String,
}

/// The days of a year that are not as its weekdays say (节假日、调休).
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarSource {
    /// The year.
    pub year: Spanned<u32>,
    /// Weekdays without work, `2026-10-01`.
    #[serde(default)]
    pub holidays: Vec<String>,
    /// Weekend days with work.
    #[serde(default)]
    pub make_up_days: Vec<String>,
}

impl ParametersSource {
    /// Errors with the name of what there is not.
    pub(crate) fn to_wire(&self) -> Result<wire::Parameters, String> {
        let mut it = defaults();
        for (at, value) in &self.given {
            let Some(row) = ALL.get(*at) else { continue };
            match (row.held, value) {
                (Held::Days(at) | Held::TenThousandths(at), Given::Number(number)) => {
                    *at(&mut it) = u32::try_from(*number).unwrap_or(u32::MAX);
                }
                (Held::Milliseconds(at) | Held::Count(at), Given::Number(number)) => {
                    *at(&mut it) = *number
                }
                (Held::MillisecondsByGrade(at), Given::Numbers(list)) => {
                    at(&mut it).clone_from(list);
                }
                (Held::Department(at), Given::Text(code)) => at(&mut it).clone_from(code),
                (Held::Part(at), Given::Text(part)) => *at(&mut it) = Some(fraction(part)?),
                (Held::Codes(at), Given::Codes(list)) => *at(&mut it) = sorted(list),
                (Held::Managers(at), Given::Managers(list)) => *at(&mut it) = managers(list),
                (Held::Points(at), Given::Points(points)) => set_points(at(&mut it), points)?,
                (Held::Watches(at), Given::Watches(given)) => set_watches(at(&mut it), given)?,
                (_, _) => return Err(format!("{} is not written so", key(row))),
            }
        }
        Ok(it)
    }
}

/// A part of a whole, `2/3`.
pub fn fraction(text: &str) -> Result<wire::Fraction, String> {
    let number = |part: &str| part.trim().parse::<u32>().ok();
    let parts = text.split_once('/').and_then(|(a, b)| Some((number(a)?, number(b)?)));
    let (numerator, denominator) = parts.ok_or_else(|| format!("`{text}` is no part, 2/3"))?;
    Ok(wire::Fraction { numerator, denominator })
}

fn managers(list: &[ManagerSource]) -> Vec<wire::Manager> {
    let one = |it: &ManagerSource| wire::Manager {
        division: it.division.clone(),
        manager: it.manager.clone(),
        deputy: it.deputy.clone(),
    };
    let mut managers: Vec<wire::Manager> = list.iter().map(one).collect();
    managers.sort_by(|a, b| a.division.cmp(&b.division));
    managers
}

fn set_watches(
    watches: &mut Vec<Watch>,
    given: &BTreeMap<String, WatchSource>,
) -> Result<(), String> {
    for (name, source) in given {
        let kind = WatchKind::from_str_name(&format!("WATCH_KIND_{}", name.to_uppercase()));
        let kind = kind.filter(|kind| *kind != WatchKind::Unspecified);
        let kind = kind.ok_or_else(|| format!("there is no watch `{name}`"))?;
        watches.retain(|it| it.kind() != kind);
        if !source.off {
            watches.push(source.to_wire(kind));
        }
    }
    watches.sort_by_key(|it| it.kind);
    Ok(())
}

fn set_points(
    weights: &mut Vec<IntegrityWeight>,
    given: &BTreeMap<String, u32>,
) -> Result<(), String> {
    for (name, points) in given {
        let rule = IntegrityRule::from_str_name(&format!("INTEGRITY_RULE_{}", name.to_uppercase()));
        let rule = rule.filter(|rule| *rule != IntegrityRule::Unspecified);
        let rule = rule.ok_or_else(|| format!("there is no integrity rule `{name}`"))?;
        weights.retain(|it| it.rule() != rule);
        weights.push(IntegrityWeight { rule: rule as i32, points: *points });
    }
    weights.sort_by_key(|it| it.rule);
    Ok(())
}

fn sorted(list: &[String]) -> Vec<String> {
    let mut list = list.to_vec();
    list.sort();
    list
}

impl CalendarSource {
    pub(crate) fn to_wire(&self, text: &str) -> Result<wire::Calendar, SourceError> {
        let year = *self.year.get_ref();
        let at = |why: String| SourceError::at(text, self.year.span().start, why);
        let days = |list: &[String]| {
            let mut days = Vec::with_capacity(list.len());
            for day in list {
                days.push(day_of_year(year, day).map_err(&at)?);
            }
            days.sort_unstable();
            Ok::<_, SourceError>(days)
        };
        Ok(wire::Calendar {
            year,
            holidays: days(&self.holidays)?,
            make_up_days: days(&self.make_up_days)?,
            missing: false,
        })
    }
}

/// The number of a day of this year, from 1. Errors for what is no day of it.
pub fn day_of_year(year: u32, day: &str) -> Result<u32, String> {
    let date: Date = day.parse().map_err(|_| format!("`{day}` is no date, 2026-10-01"))?;
    if i64::from(date.year()) != i64::from(year) {
        return Err(format!("`{day}` is no day of {year}"));
    }
    u32::try_from(date.day_of_year()).map_err(|_| format!("`{day}` is no date"))
}
