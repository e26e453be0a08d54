//! What lasts (会话): a cursor, a stream, an export. It is decided when it begins, again in each slice of time, and at once when what allows it ends;
//! each slice is an access with a number and a record of its own, so that its rows count on the day that they were given.

use crate::asked::Asked;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Sessions that are open.
#[derive(Debug)]
pub struct Sessions {
    /// How long a slice is.
    pub slice: Duration,
    open: Mutex<HashMap<(String, String), Session>>,
}

/// One that is open.
#[derive(Debug, Clone)]
pub struct Session {
    /// What was asked.
    pub asked: Asked,
    /// Which slice it is in.
    pub number: u64,
    /// When that began.
    pub began: Instant,
}

impl Session {
    /// The name of its slice, under which its ending is told.
    pub fn request(&self, name: &str) -> String {
        format!("{name}#{}", self.number)
    }
}

impl Sessions {
    /// With slices as long.
    pub fn new(slice: Duration) -> Self {
        Self { slice, open: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), Session>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session of a name at a door.
    pub fn get(&self, door: &str, name: &str) -> Option<Session> {
        self.lock().get(&(door.to_owned(), name.to_owned())).cloned()
    }

    /// Keeps one, and lets go of those that nobody went on with.
    pub fn keep(&self, door: &str, name: &str, session: Session) {
        let mut open = self.lock();
        open.retain(|_, it| it.began.elapsed() < self.slice * 2);
        open.insert((door.to_owned(), name.to_owned()), session);
    }

    /// It is over.
    pub fn end(&self, door: &str, name: &str) {
        self.lock().remove(&(door.to_owned(), name.to_owned()));
    }
}
