//! The parameters and calendars of a source.

use crate::error::SourceError;
use jiff::civil::Date;
use liuhen_proto::ledger::parameters::defaults;
use liuhen_proto::wire::{self, IntegrityRule, IntegrityWeight, Watch, WatchKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use toml::Spanned;

/// Parameters; all but the lead, the purposes and the legal bases have defaults. Ages are in
/// milliseconds, deadlines in working days.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ParametersSource {
    /// The leading department (牵头部门).
    pub lead: String,
    /// Codes of purposes.
    pub purposes: Vec<String>,
    /// Codes of legal bases.
    pub legal_bases: Vec<String>,
    /// Those of them that are statutory: they alone open what is not shared.
    #[serde(default)]
    pub statutory_bases: Vec<String>,
    /// Codes under which emergency access is opened.
    #[serde(default)]
    pub emergency_codes: Vec<String>,
    /// Duties of the officers who may open it.
    #[serde(default)]
    pub emergency_duties: Vec<String>,
    /// For grades 1 to 4: how old the state may be by which a gateway decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_age_ms: Option<Vec<u64>>,
    /// A record is live up to this age.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_age_ms: Option<u64>,
    /// A record is late up to this age, backfill beyond.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_age_ms: Option<u64>,
    /// An access time further than this ahead of block time is flagged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub future_drift_ms: Option<u64>,
    /// How old the block may be that a transaction cites.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recent_block_age_ms: Option<u64>,
    /// For the manager to confirm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm_days: Option<u32>,
    /// For the collector to decide, and for the lead on what is not shared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decide_days: Option<u32>,
    /// For the collector to answer after a supplement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_days: Option<u32>,
    /// For ratifying emergency access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ratify_days: Option<u32>,
    /// For objecting to new root keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objection_days: Option<u32>,
    /// For reconfirming grants after a succession.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconfirm_days: Option<u32>,
    /// For voting on a proposal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal_days: Option<u32>,
    /// The period that gateways seal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal_period_ms: Option<u64>,
    /// How long after its end the seal may come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal_grace_ms: Option<u64>,
    /// For a number to be recorded or declared lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number_grace_ms: Option<u64>,
    /// For both halves of an access to be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub half_grace_ms: Option<u64>,
    /// For the tags of a bulk set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bulk_grace_ms: Option<u64>,
    /// For opening what was sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_days: Option<u32>,
    /// For answering a case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_case_days: Option<u32>,
    /// For appealing an integrity event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appeal_days: Option<u32>,
    /// Departments that may decide on sealing records.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sealing_authorities: Vec<String>,
    /// What is left of integrity points after a day, in ten-thousandths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrity_decay: Option<u32>,
    /// Points of integrity events by rule, `uncovered = 20`; those not here stay at their default.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub integrity_points: BTreeMap<String, u32>,
    /// What is watched for, by kind; those not here stay at their default.
    #[serde(default, rename = "watch", skip_serializing_if = "BTreeMap::is_empty")]
    pub watches: BTreeMap<String, WatchSource>,
    /// Who confirms grants, by division.
    #[serde(default, rename = "manager", skip_serializing_if = "Vec::is_empty")]
    pub managers: Vec<ManagerSource>,
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
    /// Errors with the name of a watch or rule that there is not.
    pub(crate) fn to_wire(&self) -> Result<wire::Parameters, String> {
        let usual = defaults();
        let watches = self.watches(&usual)?;
        let integrity_weights = self.weights(&usual)?;
        let mut managers: Vec<wire::Manager> = self
            .managers
            .iter()
            .map(|it| wire::Manager {
                division: it.division.clone(),
                manager: it.manager.clone(),
                deputy: it.deputy.clone(),
            })
            .collect();
        managers.sort_by(|a, b| a.division.cmp(&b.division));
        Ok(wire::Parameters {
            purposes: sorted(&self.purposes),
            legal_bases: sorted(&self.legal_bases),
            statutory_bases: sorted(&self.statutory_bases),
            emergency_codes: sorted(&self.emergency_codes),
            emergency_duties: sorted(&self.emergency_duties),
            decision_age_ms: self.decision_age_ms.clone().unwrap_or(usual.decision_age_ms),
            live_age_ms: self.live_age_ms.unwrap_or(usual.live_age_ms),
            late_age_ms: self.late_age_ms.unwrap_or(usual.late_age_ms),
            future_drift_ms: self.future_drift_ms.unwrap_or(usual.future_drift_ms),
            recent_block_age_ms: self.recent_block_age_ms.unwrap_or(usual.recent_block_age_ms),
            lead: self.lead.clone(),
            managers,
            confirm_days: self.confirm_days.unwrap_or(usual.confirm_days),
            decide_days: self.decide_days.unwrap_or(usual.decide_days),
            answer_days: self.answer_days.unwrap_or(usual.answer_days),
            ratify_days: self.ratify_days.unwrap_or(usual.ratify_days),
            objection_days: self.objection_days.unwrap_or(usual.objection_days),
            reconfirm_days: self.reconfirm_days.unwrap_or(usual.reconfirm_days),
            proposal_days: self.proposal_days.unwrap_or(usual.proposal_days),
            emergency_ms: usual.emergency_ms,
            ordinary: usual.ordinary,
            constitutional: usual.constitutional,
            seal_period_ms: self.seal_period_ms.unwrap_or(usual.seal_period_ms),
            seal_grace_ms: self.seal_grace_ms.unwrap_or(usual.seal_grace_ms),
            number_grace_ms: self.number_grace_ms.unwrap_or(usual.number_grace_ms),
            half_grace_ms: self.half_grace_ms.unwrap_or(usual.half_grace_ms),
            bulk_grace_ms: self.bulk_grace_ms.unwrap_or(usual.bulk_grace_ms),
            open_days: self.open_days.unwrap_or(usual.open_days),
            answer_case_days: self.answer_case_days.unwrap_or(usual.answer_case_days),
            appeal_days: self.appeal_days.unwrap_or(usual.appeal_days),
            sealing_authorities: sorted(&self.sealing_authorities),
            watches,
            integrity_weights,
            integrity_decay: self.integrity_decay.unwrap_or(usual.integrity_decay),
            since_height: 0,
        })
    }

    fn watches(&self, usual: &wire::Parameters) -> Result<Vec<Watch>, String> {
        let mut watches = usual.watches.clone();
        for (name, source) in &self.watches {
            let kind = WatchKind::from_str_name(&format!("WATCH_KIND_{}", name.to_uppercase()));
            let kind = kind.filter(|kind| *kind != WatchKind::Unspecified);
            let kind = kind.ok_or_else(|| format!("there is no watch `{name}`"))?;
            watches.retain(|it| it.kind() != kind);
            if !source.off {
                watches.push(source.to_wire(kind));
            }
        }
        watches.sort_by_key(|it| it.kind);
        Ok(watches)
    }

    fn weights(&self, usual: &wire::Parameters) -> Result<Vec<IntegrityWeight>, String> {
        let mut weights = usual.integrity_weights.clone();
        for (name, points) in &self.integrity_points {
            let rule =
                IntegrityRule::from_str_name(&format!("INTEGRITY_RULE_{}", name.to_uppercase()));
            let rule = rule.filter(|rule| *rule != IntegrityRule::Unspecified);
            let rule = rule.ok_or_else(|| format!("there is no integrity rule `{name}`"))?;
            weights.retain(|it| it.rule() != rule);
            weights.push(IntegrityWeight { rule: rule as i32, points: *points });
        }
        weights.sort_by_key(|it| it.rule);
        Ok(weights)
    }
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
