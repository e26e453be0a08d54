//! Statements of which parts of a log tell, each a piece: they are compared as one.

use crate::statement::Statement;
use std::collections::{HashMap, HashSet};

/// The references that stand in more than one part.
#[derive(Debug, Default)]
pub(super) struct Seen {
    all: HashSet<String>,
    pub(super) again: HashSet<String>,
}

impl Seen {
    /// Takes the reference of a statement.
    pub(super) fn saw(&mut self, reference: &str) {
        if !self.all.insert(reference.to_owned()) {
            self.again.insert(reference.to_owned());
        }
    }
}

/// A statement, and what the parts tell of it.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) whole: Statement,
    pub(super) pieces: Vec<Statement>,
}

/// Statements that are joined, in the order of their first pieces.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    all: Vec<Joined>,
    by_reference: HashMap<String, Vec<usize>>,
}

impl Pieces {
    /// Takes a piece. What can't be of the same statement, by who asked and when, is another.
    pub(super) fn take(&mut self, piece: Statement) {
        let places = self.by_reference.entry(piece.reference.clone()).or_default();
        for at in places.iter() {
            if let Some(it) = self.all.get_mut(*at).filter(|it| it.whole.may_be(&piece)) {
                it.whole.join(piece.clone());
                it.pieces.push(piece);
                return;
            }
        }
        places.push(self.all.len());
        self.all.push(Joined { whole: piece.clone(), pieces: vec![piece] });
    }

    /// All of them.
    pub(super) fn joined(self) -> Vec<Joined> {
        self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Fields;
    use crate::statement::{Caller, Named, Part};
    use std::collections::{BTreeMap, BTreeSet};

    fn piece(role: &str, dataset: &str, (number, rows): (u64, u64)) -> Statement {
        Statement {
            reference: "s/1".into(),
            time_ms: 1,
            database: "d".into(),
            caller: Caller { role: role.into(), ..Caller::default() },
            touched: BTreeMap::from([((dataset.into(), 1), Fields::Unknown)]),
            untold: BTreeSet::new(),
            parts: BTreeMap::from([(number, Part { text: Vec::new(), rows: Some(rows) })]),
            named: Named::default(),
            denied: false,
            content: None,
        }
    }

    #[test]
    fn pieces_are_joined() {
        let mut pieces = Pieces::default();
        pieces.take(piece("a", "civil.resident", (1, 1)));
        pieces.take(piece("b", "civil.resident", (1, 7)));
        pieces.take(piece("a", "civil.household", (2, 3)));
        let all = pieces.joined();
        let found: Vec<_> = all
            .iter()
            .map(|it| (it.whole.touched.len(), it.whole.rows(), it.pieces.len()))
            .collect();
        assert_eq!(found, [(2, Some(3), 2), (1, Some(7), 1)]);
        let mut seen = Seen::default();
        ["a", "b", "a"].iter().for_each(|it| seen.saw(it));
        assert_eq!(seen.again, HashSet::from(["a".to_owned()]));
    }
}
