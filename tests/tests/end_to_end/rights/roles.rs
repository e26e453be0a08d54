//! The roles of the matrix: who asks.

use liuhen_tests::consortium::Member;
use liuhen_tests::things::Who;

/// What a role's department may beside the rights of a member, as far as reading goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum May {
    /// It shows no token.
    Nothing,
    /// A member.
    Read,
    /// One of a department that manages.
    Manage,
    /// One of a department that audits or regulates, and of those of its people who may.
    Oversee,
}

/// Somebody who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    /// What it is to the grant that most of the ledger is about.
    pub letter: char,
    /// Its department, and its identity.
    pub who: Who,
    /// What it may by itself.
    pub may: May,
}

impl Role {
    /// Its department.
    pub fn department(&self) -> String {
        format!("gz.{}", self.who.0)
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.may {
            May::Nothing => f.write_str("-"),
            _ => write!(f, "{} {}/{}", self.letter, self.who.0, self.who.1),
        }
    }
}

const fn role(letter: char, who: Who, may: May) -> Role {
    Role { letter, who, may }
}

/// Whoever shows no token, the user `u`, the collector `c`, members that are no party `x`, the grant's manager `m`,
/// another `g`, the sealing authority `s`, those who oversee `o`. These come last: their reads leave something to be read.
pub const ROLES: [Role; 14] = [
    role('-', ("", ""), May::Nothing),
    role('u', ("hrss", "officer"), May::Read),
    role('u', ("hrss", "portal"), May::Read),
    role('c', ("psb", "officer"), May::Read),
    role('c', ("psb", "gateway"), May::Read),
    role('x', ("tax", "officer"), May::Read),
    // Beneath the user, which passed its grant on to it; and of the class of a standing grant.
    role('x', ("vill", "officer"), May::Read),
    // A system of a department that audits is none of its auditors.
    role('x', ("aud", "desk"), May::Read),
    role('m', ("bdb", "officer"), May::Manage),
    role('g', ("plan", "officer"), May::Manage),
    role('s', ("sec", "officer"), May::Read),
    role('o', ("aud", "auditor"), May::Oversee),
    role('o', ("aud", "officer"), May::Oversee),
    role('o', ("sup", "regulator"), May::Oversee),
];

/// Departments that audit or regulate: the lives of their identities are their own.
pub const OVERSEERS: [&str; 2] = ["gz.aud", "gz.sup"];

/// The members of the matrix that there are not always.
pub const MEMBERS: [Member; 5] = [
    Member {
        code: "plan",
        terms: "level = 1\nbody = \"gz.plan\"\nrights = [\"manage\"]\n",
        identities: &[("officer", "officer")],
    },
    Member {
        code: "sec",
        terms: "level = 1\nbody = \"gz.sec\"\nrights = [\"use\"]\n",
        identities: &[("officer", "officer")],
    },
    Member {
        code: "vill",
        terms: "level = 3\nbody = \"gz.vill\"\nparent = \"gz.hrss\"\nrights = [\"use\"]\n",
        identities: &[("officer", "officer")],
    },
    Member {
        code: "aud",
        terms: "level = 1\nbody = \"gz.aud\"\nrights = [\"audit\"]\n",
        identities: &[("auditor", "auditor"), ("officer", "officer"), ("desk", "system")],
    },
    Member {
        code: "sup",
        terms: "level = 1\nbody = \"gz.sup\"\nrights = [\"regulate\"]\n",
        identities: &[("regulator", "regulator")],
    },
];

/// The parameters of the matrix.
pub const PARAMETERS: &str = "sealing_authorities = [\"gz.sec\"]\n";
