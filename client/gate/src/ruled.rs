//! Who asks and what for, as the settings have it, read.

use crate::asked::{Asked, By};
use crate::settings::Route;
use liuhen_proto::wire::Party;
use regex::Regex;

/// Who asks, and how it is told.
pub struct Caller {
    /// How.
    pub by: By,
    /// Who.
    pub party: Party,
    /// `department/code`.
    pub name: String,
}

/// A route, read.
pub struct Ruled {
    /// As the settings have it.
    pub route: Route,
    /// The path's expression.
    pub path: Regex,
    /// The operation's number.
    pub operation: i32,
}

impl Ruled {
    /// Whether it is a route of this door.
    pub fn is_at(&self, door: &str) -> bool {
        self.route.is_at(door)
    }

    /// Whether a request at a door is on it.
    pub fn fits(&self, door: &str, asked: &Asked) -> bool {
        let route = &self.route;
        self.is_at(door)
            && (route.methods.is_empty() || route.methods.contains(&asked.method))
            && self.path.is_match(asked.path())
    }
}
