//! The parameters and calendars of a source.

use crate::error::SourceError;
use jiff::civil::Date;
use liuhen_proto::ledger::parameters::defaults;
use liuhen_proto::wire;
use serde::{Deserialize, Serialize};
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
    /// Who confirms grants, by division.
    #[serde(default, rename = "manager", skip_serializing_if = "Vec::is_empty")]
    pub managers: Vec<ManagerSource>,
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
    pub(crate) fn to_wire(&self) -> wire::Parameters {
        let usual = defaults();
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
        wire::Parameters {
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
        }
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
