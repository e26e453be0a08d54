//! `liuhen consortium`: what the consortium decided on.

use super::Common;
use crate::error::ClientError;
use crate::output::print_one;
use crate::text;
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
        let mut fields = vec![
            ("lead", json!(parameters.lead)),
            ("votes", votes(&it)),
            ("ordinary", fraction(parameters.ordinary, "more than")),
            ("constitutional", fraction(parameters.constitutional, "at least")),
            ("validators", validators(&it)),
        ];
        fields.extend(of_parameters(&parameters));
        fields.extend([
            ("calendars", calendars(&it)),
            ("protocol", protocol(&it)),
            ("parameters_digest", json!(hex::encode(&it.parameters_digest))),
        ]);
        print_one(&fields, common.output)
    }
}

fn of_parameters(it: &wire::Parameters) -> Vec<(&'static str, Value)> {
    let managers: Vec<String> = it
        .managers
        .iter()
        .map(|it| format!("{}:{}/{}", it.division, it.manager, it.deputy))
        .collect();
    let watches: Vec<String> = it
        .watches
        .iter()
        .map(|one| {
            let kind = text::state(one.kind().as_str_name(), "WATCH_KIND_");
            format!("{kind}:{}/{}ms", one.limit, one.window_ms)
        })
        .collect();
    let points: Vec<String> = it
        .integrity_weights
        .iter()
        .map(|one| {
            let rule = text::state(one.rule().as_str_name(), "INTEGRITY_RULE_");
            format!("{rule}:{}", one.points)
        })
        .collect();
    vec![
        ("managers", json!(managers)),
        ("purposes", json!(it.purposes)),
        ("legal_bases", json!(it.legal_bases)),
        ("statutory_bases", json!(it.statutory_bases)),
        ("emergency_codes", json!(it.emergency_codes)),
        ("emergency_duties", json!(it.emergency_duties)),
        ("confirm_days", json!(it.confirm_days)),
        ("decide_days", json!(it.decide_days)),
        ("answer_days", json!(it.answer_days)),
        ("ratify_days", json!(it.ratify_days)),
        ("objection_days", json!(it.objection_days)),
        ("reconfirm_days", json!(it.reconfirm_days)),
        ("proposal_days", json!(it.proposal_days)),
        ("open_days", json!(it.open_days)),
        ("answer_case_days", json!(it.answer_case_days)),
        ("appeal_days", json!(it.appeal_days)),
        ("seal_period_ms", json!(it.seal_period_ms)),
        ("seal_grace_ms", json!(it.seal_grace_ms)),
        ("number_grace_ms", json!(it.number_grace_ms)),
        ("half_grace_ms", json!(it.half_grace_ms)),
        ("bulk_grace_ms", json!(it.bulk_grace_ms)),
        ("sealing_authorities", json!(it.sealing_authorities)),
        ("watches", json!(watches)),
        ("integrity_points", json!(points)),
        ("integrity_decay", json!(it.integrity_decay)),
    ]
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

fn protocol(it: &wire::GetConsortiumResponse) -> Value {
    match &it.protocol {
        Some(next) => json!(format!("{} from height {}", next.protocol, next.height)),
        None => json!(liuhen_proto::header::block::PROTOCOL.to_string()),
    }
}
