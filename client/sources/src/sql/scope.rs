//! What a column's name means where it stands. Where it may mean several things, all of them have unknown fields: a
//! part of what was read must never pass for the whole.

use std::collections::BTreeSet;

/// The columns of something that a statement makes.
#[derive(Debug, Clone, Default)]
pub(super) struct Outputs {
    /// Those that are known.
    pub names: BTreeSet<String>,
    /// Whether these are all.
    pub complete: bool,
}

/// What can be seen at one level.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope {
    /// The relations and what stands for such.
    pub entries: Vec<Entry>,
    /// Names given to columns of the result.
    pub aliases: BTreeSet<String>,
    /// Columns of joined relations that are one: they are told of each already.
    pub merged: BTreeSet<String>,
}

/// One of what can be seen.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// What it is called here.
    pub called: Option<String>,
    /// By what schema its name may be qualified.
    pub schema: Option<String>,
    /// What it is.
    pub what: What,
}

/// What a name in a scope stands for.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// A relation, by its place in the walk.
    Base(usize),
    /// Something whose columns come from relations that are told already.
    Made(Outputs),
}

impl Scope {
    /// The relations of it.
    pub fn bases(&self) -> impl Iterator<Item = usize> + '_ {
        self.entries.iter().filter_map(|entry| match entry.what {
            What::Base(at) => Some(at),
            What::Made(_) => None,
        })
    }
}
