//! `liuhen consortium`: what the consortium decided on.

use super::Common;
use crate::output::print_one;
use crate::text;
use liuhen_client::error::ClientError;
use liuhen_proto::ledger::parameters::{ALL, Held, Parameter};
use liuhen_proto::wire;
use serde_json::{Value, json};

/// What the consortium decided on: parameters, votes, validators, calendars
#[derive(Debug, clap::Args)]
pub struct Consortium {}

impl Consortium {
    /// Prints it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let it = common.connect().await?.consortium().await?;
        let parameters = it.parameters.clone().unwrap_or_default();
        let mut fields = of_parameters(&parameters);
        fields.extend([
            ("votes", votes(&it)),
            ("validators", validators(&it)),
            ("calendars", calendars(&it)),
            ("protocol", protocol(&it)),
            ("parameters_digest", json!(hex::encode(&it.parameters_digest))),
        ]);
        print_one(&fields, common.output)
    }
}

/// What there is to show of each parameter, by the table.
pub(super) fn of_parameters(it: &wire::Parameters) -> Vec<(&'static str, Value)> {
    let mut it = it.clone();
    ALL.iter().filter_map(|row| Some((shown_as(row), value(row, &mut it)?))).collect()
}

fn shown_as(row: &Parameter) -> &'static str {
    if matches!(row.held, Held::Points(_)) { "integrity_points" } else { row.name }
}

/// `None` for what is not the consortium's to decide.
fn value(row: &Parameter, it: &mut wire::Parameters) -> Option<Value> {
    Some(match row.held {
        Held::Days(at) | Held::TenThousandths(at) => json!(*at(it)),
        Held::Milliseconds(at) | Held::Count(at) => json!(*at(it)),
        Held::MillisecondsByGrade(at) => json!(*at(it)),
        Held::Part(at) => {
            fraction(*at(it), if row.name == "ordinary" { "more than" } else { "at least" })
        }
        Held::Department(at) => json!(*at(it)),
        Held::Codes(at) => json!(*at(it)),
        Held::Managers(at) => {
            strings(at(it), |one| format!("{}:{}/{}", one.division, one.manager, one.deputy))
        }
        Held::Watches(at) => strings(at(it), |one| {
            let kind = text::state(one.kind().as_str_name(), "WATCH_KIND_");
            format!("{kind}:{}/{}ms", one.limit, one.window_ms)
        }),
        Held::Points(at) => strings(at(it), |one| {
            let rule = text::state(one.rule().as_str_name(), "INTEGRITY_RULE_");
            format!("{rule}:{}", one.points)
        }),
        Held::ByLedger(_) => return None,
    })
}

fn strings<T>(list: &[T], text: impl Fn(&T) -> String) -> Value {
    json!(list.iter().map(text).collect::<Vec<_>>())
}

fn votes(it: &wire::GetConsortiumResponse) -> Value {
    let votes = it.voters.iter().map(|voter| {
        let suspended = if voter.suspended { " (suspended)" } else { "" };
        format!("{}:{}{suspended}", voter.department, voter.weight)
    });
    json!(votes.collect::<Vec<_>>())
}

fn fraction(it: Option<wire::Fraction>, word: &str) -> Value {
    let it = it.unwrap_or_default();
    json!(format!("{word} {}/{} of the weight", it.numerator, it.denominator))
}

fn validators(it: &wire::GetConsortiumResponse) -> Value {
    let sets = it.validators.iter().map(|set| {
        let keys = set.validators.iter();
        let keys: Vec<String> =
            keys.map(|one| format!("{}:{}", text::short(&one.key_id), one.power)).collect();
        format!("from height {}: {}", set.from_height, keys.join(" "))
    });
    json!(sets.collect::<Vec<_>>())
}

fn calendars(it: &wire::GetConsortiumResponse) -> Value {
    let years = it.calendars.iter().map(|it| match it.missing {
        true => format!("{} (nobody decided on it)", it.year),
        false => it.year.to_string(),
    });
    json!(years.collect::<Vec<_>>())
}

pub(super) fn protocol(it: &wire::GetConsortiumResponse) -> Value {
    match &it.protocol {
        Some(next) => json!(format!("{} from height {}", next.protocol, next.height)),
        None => json!(liuhen_proto::header::block::PROTOCOL.to_string()),
    }
}
