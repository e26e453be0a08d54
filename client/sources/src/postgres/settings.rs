//! What a session has set of what comments would say: under which grant, for what, for whom. A transaction that is rolled back
//! takes back what it set, and of a pool's session nobody has what another set.

use super::line::ServerLine;
use crate::sql::{Savepoint, SetTo, Setting};
use crate::statement::Named;
use std::collections::HashMap;

/// The settings that say what a statement's comments would: a custom parameter has a name with a dot. Of the first and the last a
/// statement must quote the second part, which is a word of SQL's own: `SET liuhen."grant"`.
const GRANT: &str = "liuhen.grant";
const PURPOSE: &str = "liuhen.purpose";
const USER: &str = "liuhen.user";
const NAMES: [&str; 3] = [GRANT, PURPOSE, USER];
/// How many savepoints of a transaction are remembered.
const MOST: usize = 64;

/// What something is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Set {
    /// In which transaction it was set.
    transaction: String,
    text: String,
    /// What the client called itself that set it.
    application: String,
}

/// What is set at a moment: for the session, and for a transaction.
#[derive(Debug, Clone, Default)]
struct State {
    session: HashMap<&'static str, Set>,
    local: HashMap<&'static str, Set>,
}

impl State {
    /// Forgets what a transaction set.
    fn forget(&mut self, transaction: &str) {
        self.session.retain(|_, set| set.transaction != transaction);
        self.local.retain(|_, set| set.transaction != transaction);
    }
}

/// The settings of a session.
#[derive(Debug, Default)]
pub(super) struct Settings {
    now: State,
    /// The transaction that has savepoints, and what was set at each, the newest last.
    savepoints: (String, Vec<(String, State)>),
    /// A transaction in which a statement failed: what comes next shows how far it goes back.
    failed: Option<String>,
}

impl Settings {
    /// Whether nothing is set.
    pub(super) fn is_empty(&self) -> bool {
        self.now.session.is_empty() && self.now.local.is_empty()
    }

    /// A line of a transaction comes. Where one before it failed, it is over, or went back to a savepoint of which the log says
    /// nothing: what all of them agree in is sure.
    pub(super) fn begins(&mut self, transaction: &str) {
        if is_none(transaction) || self.failed.is_none() && self.savepoints.1.is_empty() {
            return;
        }
        if let Some(failed) = self.failed.take() {
            let (of, known) = &self.savepoints;
            match known.split_first().filter(|_| failed == transaction && of == transaction) {
                Some(((_, first), rest)) => {
                    let mut sure = first.clone();
                    for (_, other) in rest {
                        sure.session.retain(|name, set| other.session.get(name) == Some(set));
                        sure.local.retain(|name, set| other.local.get(name) == Some(set));
                    }
                    self.now = sure;
                }
                None => self.now.forget(&failed),
            }
        }
        if self.savepoints.0 != transaction {
            self.savepoints = (String::new(), Vec::new());
        }
    }

    /// A statement of a transaction failed.
    pub(super) fn failed(&mut self, transaction: &str) {
        if !is_none(transaction) {
            self.failed = Some(transaction.to_owned());
        }
    }

    /// Takes what a statement does to the savepoints of its transaction.
    pub(super) fn savepoint(&mut self, transaction: &str, done: Option<&Savepoint>) {
        if self.savepoints.0 != transaction {
            self.savepoints = (transaction.to_owned(), Vec::new());
        }
        match done {
            Some(Savepoint::Made(name)) => {
                let all = &mut self.savepoints.1;
                if all.len() < MOST {
                    all.push((name.clone(), self.now.clone()));
                } else {
                    // Which one a later name means can't be told any more.
                    all.clear();
                }
            }
            Some(Savepoint::Back(Some(name))) => {
                match self.savepoints.1.iter().rposition(|(it, _)| it == name) {
                    Some(at) => {
                        self.savepoints.1.truncate(at + 1);
                        if let Some((_, state)) = self.savepoints.1.last() {
                            self.now = state.clone();
                        }
                    }
                    None => self.now.forget(transaction),
                }
            }
            Some(Savepoint::Back(None)) | None => self.now.forget(transaction),
        }
    }

    /// Takes a setting. Where callers share a session, it holds for its transaction alone.
    pub(super) fn set(&mut self, line: &ServerLine, setting: &Setting, pooled: bool) {
        let meant =
            NAMES.iter().filter(|it| setting.name.as_deref().is_none_or(|name| name == **it));
        for name in meant {
            let local = setting.local || pooled;
            // Of which name nobody knows, its value is nobody's.
            let to = if setting.name.is_some() { &setting.to } else { &SetTo::Unknown };
            let set = |text: &String| Set {
                transaction: line.transaction.clone(),
                text: text.clone(),
                application: line.application.clone(),
            };
            match to {
                // Nobody knows where a transaction ends that has no number.
                SetTo::Text(_) if local && line.transaction.is_empty() => {}
                SetTo::Text(text) if local => drop(self.now.local.insert(name, set(text))),
                SetTo::Text(text) => {
                    self.now.local.remove(name);
                    self.now.session.insert(name, set(text));
                }
                SetTo::Default | SetTo::Unknown => {
                    self.now.local.remove(name);
                    self.now.session.remove(name);
                }
            }
        }
    }

    /// What is set at a line. Behind a pool a session goes to clients in turn: who calls itself otherwise has not set it.
    pub(super) fn named(&self, line: &ServerLine) -> Named {
        let of = |name: &str| {
            let local = self.now.local.get(name);
            let local = local.filter(|set| set.transaction == line.transaction);
            let session = self.now.session.get(name);
            let session = session.filter(|set| set.application == line.application);
            let text = local.or(session).map(|set| &set.text);
            text.filter(|it| !it.is_empty()).cloned()
        };
        Named {
            grants: of(GRANT).into_iter().collect(),
            purpose: of(PURPOSE),
            user: of(USER),
            hidden: false,
        }
    }
}

/// Whether no transaction is meant: none, or the number that stands behind a failed one.
fn is_none(transaction: &str) -> bool {
    transaction.is_empty() || transaction.ends_with("/0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(transaction: &str, application: &str) -> ServerLine {
        ServerLine {
            transaction: transaction.to_owned(),
            application: application.to_owned(),
            ..ServerLine::default()
        }
    }

    /// A session that does this: `3 set a`, `3 local b`, `3 save x`, `3 back x`, `3 fail`; and the grant at a line of the last.
    fn grant(done: &[&str]) -> Option<String> {
        let mut settings = Settings::default();
        let mut last = ServerLine::default();
        for step in done {
            let mut words = step.split(' ');
            let transaction = format!("3/{}", words.next().unwrap_or_default());
            last = line(&transaction, "app");
            settings.begins(&transaction);
            match (words.next(), words.next()) {
                (Some(how @ ("set" | "local")), Some(text)) => {
                    let setting = Setting {
                        name: Some(GRANT.to_owned()),
                        to: SetTo::Text(text.to_owned()),
                        local: how == "local",
                    };
                    settings.set(&last, &setting, false);
                }
                (Some("save"), Some(name)) => {
                    settings.savepoint(&transaction, Some(&Savepoint::Made(name.to_owned())));
                }
                (Some("back"), name) => {
                    let back = Savepoint::Back(name.map(str::to_owned));
                    settings.savepoint(&transaction, Some(&back));
                }
                (Some("fail"), None) => settings.failed(&transaction),
                _ => {}
            }
        }
        settings.named(&last).grants.into_iter().next()
    }

    #[test]
    fn what_is_rolled_back_is_not_set() {
        let cases: [(&[&str], Option<&str>); 11] = [
            (&["1 set a", "2"], Some("a")),
            (&["1 local a", "1"], Some("a")),
            (&["1 local a", "2"], None),
            (&["1 set a", "1 back", "2"], None),
            // A failed transaction says nothing of its end.
            (&["1 set a", "1 fail", "2"], None),
            (&["1 set a", "2 set b", "2 fail", "0", "3"], None),
            (&["1 local a", "1 save x", "1 local b", "1 back x", "1"], Some("a")),
            (&["1 local a", "1 save x", "1 local b", "1 fail", "1"], Some("a")),
            (&["1 local a", "1 save x", "1 local b", "1 save y", "1 fail", "1"], None),
            (&["1 local a", "1 back unseen", "1"], None),
            (&["1 set a", "2 fail", "3"], Some("a")),
        ];
        for (done, expected) in cases {
            assert_eq!(grant(done).as_deref(), expected, "{done:?}");
        }
    }

    #[test]
    fn what_another_client_set_is_not_this_ones() {
        let mut settings = Settings::default();
        let to = SetTo::Text("a".to_owned());
        let setting = Setting { name: Some(GRANT.to_owned()), to, local: false };
        settings.set(&line("3/1", "one"), &setting, false);
        assert_eq!(settings.named(&line("3/2", "one")).grants.len(), 1);
        assert_eq!(settings.named(&line("3/2", "two")).grants.len(), 0);
    }
}
