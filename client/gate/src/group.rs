//! What decides for one caller and dataset.

use crate::held::locked;
use liuhen_proto::items::access::decide::Moment;
use liuhen_proto::types::{RequestId, TimeMs};
use liuhen_proto::verify::Known;
use liuhen_proto::wire::RecordAccess;
use std::sync::Mutex;
use std::time::Instant;

/// Objects that decide for one caller and dataset, all as of one header.
#[derive(Debug)]
pub struct Group {
    /// The objects.
    pub known: Known,
    /// Grants that may fit.
    pub candidates: Vec<RequestId>,
    /// When they were proved.
    pub proved: Instant,
    /// When it was asked which grants there are, and for what record.
    pub(crate) listed: Instant,
    pub(crate) probe: RecordAccess,
    pub(crate) used: Mutex<Instant>,
}

impl Group {
    /// Its header's height is the one by which is decided.
    pub fn moment(&self, now: TimeMs) -> Moment {
        Moment::new(&self.known.header, now)
    }

    pub(crate) fn touch(&self) {
        *locked(&self.used) = Instant::now();
    }
}
