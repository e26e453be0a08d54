//! Views, and partitions, that the mapping does not name. Those whose tables the entries of the same statement name need no mapping.

use super::Reader;
use super::entry::Entry;
use super::line::ServerLine;
use super::text::digest;
use crate::log::Log;
use crate::relation::parts;
use crate::sql::Told;
use crate::statement::Statement;
use std::collections::{HashMap, HashSet};

/// A statement that touches what the mapping does not name, and behind which there may be tables that it does.
#[derive(Debug)]
pub(super) struct Behind {
    /// The number of the line.
    pub number: u64,
    /// The relation.
    pub name: String,
    /// What is known of it.
    pub statement: Statement,
    /// Whether it is a view: what stands behind it is not named in the text.
    pub is_view: bool,
}

/// What a session's statement has shown so far.
#[derive(Debug, Default)]
struct UnderWay {
    reference: String,
    waits: Vec<Behind>,
    /// By its text, whether a part of it names tables that do not stand in the text.
    reaches: HashMap<u64, bool>,
}

/// The statements under way, by session.
#[derive(Debug, Default)]
pub(super) struct Views(HashMap<String, UnderWay>);

impl Views {
    /// Looks at an entry of the session's statement: whether it names a table that its text does not.
    pub(super) fn saw(&mut self, session: &str, entry: &Entry, told: Option<&Told>) {
        if entry.object_type == "VIEW" || entry.is_unknown() || !entry.is_of_relation() {
            return;
        }
        let table = parts(&entry.object).and_then(|mut it| it.pop());
        let named = told.is_some_and(|told| {
            told.touches.iter().any(|it| Some(&it.relation.table) == table.as_ref())
        });
        let under_way = self.0.entry(session.to_owned()).or_default();
        let reaches = under_way.reaches.entry(digest(&entry.text)).or_default();
        *reaches |= !named;
    }

    /// The statements of which something waits.
    pub(super) fn waiting(&self) -> impl Iterator<Item = String> {
        self.0.values().filter(|it| !it.waits.is_empty()).map(|it| it.reference.clone())
    }

    /// When a session's statement began of which something waits.
    pub(super) fn began(&self, session: &str) -> Option<u64> {
        self.0.get(session)?.waits.first().map(|it| it.statement.time_ms)
    }

    /// Keeps what waits for the rest of its statement.
    pub(super) fn waits(&mut self, session: &str, behind: Behind) {
        self.0.entry(session.to_owned()).or_default().waits.push(behind);
    }
}

impl UnderWay {
    /// Whether the tables behind something are named: a text of which all tables stand in it does not show what a view of it reads,
    /// unless something else ran inside.
    fn is_named(&self, behind: &Behind) -> bool {
        let part = behind.statement.parts.values().next();
        let text =
            part.map(|it| it.text.rsplitn(2, |byte| *byte == b'\n').nth(1).unwrap_or_default());
        let own = text.map(digest);
        !behind.is_view || self.reaches.iter().any(|(of, reaches)| *reaches || Some(*of) != own)
    }
}

impl Reader<'_> {
    /// A line of a session is of this statement: of another before it all is told.
    pub(super) fn under_way(&mut self, line: &ServerLine, reference: &str, log: &mut Log) {
        if let Some(known) = self.views.0.get(&line.session)
            && known.reference != reference
        {
            let before = self.views.0.remove(&line.session);
            before.into_iter().for_each(|it| looked_through(it, log));
        }
        if !self.views.0.contains_key(&line.session) {
            let reference = reference.to_owned();
            self.views
                .0
                .insert(line.session.clone(), UnderWay { reference, ..UnderWay::default() });
        }
    }

    /// All is told of the statements that do not go on.
    pub(super) fn looked_through(&mut self, going_on: &HashSet<String>, log: &mut Log) {
        let done = |it: &UnderWay| !going_on.contains(&it.reference);
        let mut all: Vec<UnderWay> =
            self.views.0.extract_if(|_, it| done(it)).map(|(_, it)| it).collect();
        all.retain(|it| !it.waits.is_empty());
        all.sort_by_key(|it| it.waits.first().map(|it| it.number));
        all.into_iter().for_each(|it| looked_through(it, log));
    }

    /// All is told of all statements.
    pub(super) fn all_looked_through(&mut self, log: &mut Log) {
        self.looked_through(&HashSet::new(), log);
    }
}

fn looked_through(mut under_way: UnderWay, log: &mut Log) {
    for behind in std::mem::take(&mut under_way.waits) {
        match log.known(&behind.statement.reference) {
            Some(known) if !known.touched.is_empty() && under_way.is_named(&behind) => {
                log.further_lines += 1;
            }
            _ => {
                *log.unmapped.entry(behind.name).or_default() += 1;
                log.add(behind.number, behind.statement);
            }
        }
    }
}
