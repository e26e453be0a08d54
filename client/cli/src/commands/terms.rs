//! Terms of a request or a grant, as flags.

use crate::text;
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_proto::wire;

/// What a grant allows
#[derive(Debug, clap::Args)]
pub struct TermsFlags {
    /// Fields; without any: all of the dataset's
    #[arg(long, value_delimiter = ',')]
    pub fields: Vec<String>,
    /// GB/T 2260 prefix of the rows
    #[arg(long)]
    pub division: Option<String>,
    /// Operations: read, export, insert, update, delete, admin
    #[arg(long = "operation", value_delimiter = ',')]
    pub operations: Vec<String>,
    /// Identities that will use it, `department/code`
    #[arg(long = "identity", value_delimiter = ',')]
    pub identities: Vec<String>,
    /// From when; without it: now
    #[arg(long)]
    pub from: Option<String>,
    /// Until when; without it: a year from the beginning
    #[arg(long)]
    pub until: Option<String>,
    /// Queries in total; 0: no limit
    #[arg(long)]
    pub queries_total: Option<u64>,
    /// Rows in total; 0: no limit
    #[arg(long)]
    pub rows_total: Option<u64>,
    /// Queries a day; 0: no limit
    #[arg(long)]
    pub queries_per_day: Option<u64>,
    /// Rows a day; 0: no limit
    #[arg(long)]
    pub rows_per_day: Option<u64>,
    /// Whether it may be passed on: none, notify, approve
    #[arg(long)]
    pub delegation: Option<String>,
    /// How many times it may be passed on
    #[arg(long)]
    pub delegation_depth: Option<u32>,
    /// Hours of the day, `08:30-18:00`, local time of the ledger (+08:00)
    #[arg(long)]
    pub hours: Option<String>,
    /// Days of the week on which the hours begin, `mon,tue,wed,thu,fri`; without them: every day
    #[arg(long, value_delimiter = ',', requires = "hours")]
    pub weekdays: Vec<String>,
}

const YEAR_MS: u64 = 365 * 24 * 3600 * 1000;

impl TermsFlags {
    /// The terms that the flags make of others, or of none.
    pub async fn apply(
        &self,
        node: &Node,
        base: Option<wire::Terms>,
    ) -> Result<wire::Terms, ClientError> {
        let mut terms = base.unwrap_or_default();
        if !self.fields.is_empty() {
            terms.fields = sorted(self.fields.clone());
        }
        if let Some(division) = &self.division {
            terms.division.clone_from(division);
        }
        if !self.operations.is_empty() {
            let all =
                self.operations.iter().map(|it| text::parse_operation(it).map(|it| it as i32));
            terms.operations = sorted(all.collect::<Result<_, _>>()?);
        }
        if !self.identities.is_empty() {
            let mut ids = Vec::with_capacity(self.identities.len());
            for name in &self.identities {
                ids.push(node.identity_id(name).await?.to_vec());
            }
            terms.identity_ids = sorted(ids);
        }
        self.period(&mut terms)?;
        self.quota(&mut terms);
        self.delegation(&mut terms)?;
        if let Some(hours) = &self.hours {
            terms.schedule = Some(schedule(hours, &self.weekdays)?);
        }
        Ok(terms)
    }

    fn period(&self, terms: &mut wire::Terms) -> Result<(), ClientError> {
        if let Some(from) = &self.from {
            terms.from_ms = text::parse_time(from)?;
        } else if terms.from_ms == 0 {
            terms.from_ms = liuhen_client::clock::now().get();
        }
        if let Some(until) = &self.until {
            terms.until_ms = text::parse_time(until)?;
        } else if terms.until_ms == 0 {
            terms.until_ms = terms.from_ms.saturating_add(YEAR_MS);
        }
        Ok(())
    }

    fn delegation(&self, terms: &mut wire::Terms) -> Result<(), ClientError> {
        if let Some(word) = &self.delegation {
            let delegation = match word.as_str() {
                "none" => wire::Delegation::Unspecified,
                "notify" => wire::Delegation::Notify,
                "approve" => wire::Delegation::Approve,
                _ => {
                    let why = format!("`{word}` is no way of passing on: none, notify, approve");
                    return Err(ClientError::Usage(why));
                }
            };
            terms.delegation = delegation as i32;
            let some = delegation != wire::Delegation::Unspecified;
            terms.delegation_depth = if some { terms.delegation_depth.max(1) } else { 0 };
        }
        terms.delegation_depth = self.delegation_depth.unwrap_or(terms.delegation_depth);
        Ok(())
    }

    fn quota(&self, terms: &mut wire::Terms) {
        let quota = terms.quota.get_or_insert_default();
        let set = |place: &mut u64, given: Option<u64>| *place = given.unwrap_or(*place);
        set(&mut quota.queries_total, self.queries_total);
        set(&mut quota.rows_total, self.rows_total);
        set(&mut quota.queries_per_day, self.queries_per_day);
        set(&mut quota.rows_per_day, self.rows_per_day);
    }
}

/// Hours such as `08:30-18:00`; an end before the beginning lies on the day behind.
fn schedule(hours: &str, weekdays: &[String]) -> Result<wire::Schedule, ClientError> {
    let bad = || ClientError::Usage(format!("`{hours}` are no hours: 08:30-18:00"));
    let minute = |text: &str| {
        let (hour, minute) = text.split_once(':')?;
        let (hour, minute) = (hour.parse::<u32>().ok()?, minute.parse::<u32>().ok()?);
        (hour <= 24 && minute < 60).then_some(hour * 60 + minute)
    };
    let (from, until) = hours.split_once('-').ok_or_else(bad)?;
    let (from, until) = (minute(from).ok_or_else(bad)?, minute(until).ok_or_else(bad)?);
    let until_minute = if until > from { until } else { until + 24 * 60 };
    let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let mut bits = 0;
    for day in weekdays {
        let place = names.iter().position(|name| name == day).ok_or_else(|| {
            ClientError::Usage(format!("`{day}` is no day of the week: {}", names.join(", ")))
        })?;
        bits |= 1 << place;
    }
    Ok(wire::Schedule { from_minute: from, until_minute, weekdays: bits })
}

fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list.dedup();
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_read() {
        let days = ["mon".to_owned(), "sun".to_owned()];
        let day = schedule("08:30-18:00", &days).unwrap();
        assert_eq!((day.from_minute, day.until_minute, day.weekdays), (510, 1080, 65));
        let night = schedule("22:00-06:00", &[]).unwrap();
        assert_eq!((night.from_minute, night.until_minute, night.weekdays), (1320, 1800, 0));
        for bad in ["8", "08:30", "25:00-26:00", "08:60-09:00", "a:b-c:d"] {
            assert!(schedule(bad, &[]).is_err(), "{bad}");
        }
        assert!(schedule("08:00-09:00", &["noday".into()]).is_err());
    }
}
