//! Sessions: what each has set, which process it is, which statement was its last, and whether lines of it are missing.

use super::line::ServerLine;
use crate::sql::{SetTo, Setting};
use crate::statement::Named;
use std::collections::HashMap;

/// The settings that say what a statement's comments would: a custom parameter has a name with a dot.
const GRANT: &str = "liuhen.grant";
const PURPOSE: &str = "liuhen.purpose";
const USER: &str = "liuhen.user";

/// What a session is known by, and has done.
#[derive(Debug, Default)]
struct Session {
    /// The number of its last line.
    line_num: u64,
    /// What it has set.
    settings: HashMap<&'static str, (String, String)>,
    /// What it has set for a transaction, and for which.
    local: HashMap<&'static str, (String, String)>,
    /// Its last statement: transaction and reference.
    last: Option<(String, String)>,
}

/// All sessions of a log, by their ids.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    all: HashMap<String, Session>,
    /// The session of a process, the newest.
    of_process: HashMap<u64, String>,
}

impl Sessions {
    /// Looks at a line's number; gives the lines of its session before it that are missing.
    pub(super) fn missing(&mut self, line: &ServerLine) -> Option<(u64, u64)> {
        if let Some(process) = process(&line.session) {
            self.of_process.insert(process, line.session.clone());
        }
        let session = self.all.entry(line.session.clone()).or_default();
        let this = line.line_num?;
        let known = std::mem::replace(&mut session.line_num, line.last_line_num.unwrap_or(this));
        let (first, last) = (known.saturating_add(1), this.saturating_sub(1));
        (known > 0 && first <= last).then_some((first, last))
    }

    /// The session in whose name a parallel worker runs.
    pub(super) fn of_leader(&self, line: &ServerLine) -> Option<&str> {
        self.of_process.get(&line.leader?).map(String::as_str)
    }

    /// Takes what a statement sets. Where callers share a session, it holds for its transaction alone.
    pub(super) fn set(&mut self, line: &ServerLine, settings: &[Setting], pooled: bool) {
        let session = self.all.entry(line.session.clone()).or_default();
        for setting in settings {
            let names = [GRANT, PURPOSE, USER];
            let meant =
                names.iter().filter(|it| setting.name.as_deref().is_none_or(|name| name == **it));
            for name in meant {
                let local = setting.local || pooled;
                // Of which name nobody knows, its value is nobody's.
                let to = if setting.name.is_some() { &setting.to } else { &SetTo::Unknown };
                match to {
                    // Nobody knows where a transaction ends that has no number.
                    SetTo::Text(_) if local && line.transaction.is_empty() => {}
                    SetTo::Text(text) if local => {
                        session.local.insert(name, (line.transaction.clone(), text.clone()));
                    }
                    SetTo::Text(text) => {
                        session.local.remove(name);
                        session.settings.insert(name, (line.transaction.clone(), text.clone()));
                    }
                    SetTo::Default | SetTo::Unknown => {
                        session.local.remove(name);
                        session.settings.remove(name);
                    }
                }
            }
        }
    }

    /// Forgets what a transaction set that is rolled back, in part or whole.
    pub(super) fn rolled_back(&mut self, line: &ServerLine) {
        let Some(session) = self.all.get_mut(&line.session) else { return };
        let stays = |(transaction, _): &(String, String)| *transaction != line.transaction;
        session.settings.retain(|_, set| stays(set));
        session.local.retain(|_, set| stays(set));
    }

    /// What the settings of a line's session say at it.
    pub(super) fn named(&self, line: &ServerLine) -> Named {
        let Some(session) = self.all.get(&line.session) else { return Named::default() };
        let of = |name: &str| {
            let local = session.local.get(name);
            let local = local.filter(|(transaction, _)| *transaction == line.transaction);
            let set = local.or_else(|| session.settings.get(name));
            let text = set.map(|(_, text)| text);
            text.filter(|it| !it.is_empty()).cloned()
        };
        Named {
            grants: of(GRANT).into_iter().collect(),
            purpose: of(PURPOSE),
            user: of(USER),
            hidden: false,
        }
    }

    /// Remembers a session's last statement.
    pub(super) fn ran(&mut self, line: &ServerLine, reference: &str) {
        let session = self.all.entry(line.session.clone()).or_default();
        session.last = Some((line.transaction.clone(), reference.to_owned()));
    }

    /// The last statement of a line's session, where it is of the same transaction.
    pub(super) fn last(&self, line: &ServerLine) -> Option<&str> {
        let (transaction, reference) = self.all.get(&line.session)?.last.as_ref()?;
        (*transaction == line.transaction).then_some(reference)
    }
}

/// The number of a session's process, by its id: the time of its begin and the number, both hexadecimal.
fn process(session: &str) -> Option<u64> {
    u64::from_str_radix(session.split_once('.')?.1, 16).ok()
}
