//! Slices of what lasts: each is decided, numbered and recorded.

use crate::answer::Answer;
use crate::asked::Asked;
use crate::gate::{Gate, Rows};
use crate::sessions::Session;
use crate::spool::SpoolError;
use std::time::{Duration, Instant};

/// How often it is looked whether a session still may go on.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Gate {
    /// Begins a session: its first slice is decided and numbered. Begun again by a name that is open it is the same.
    pub async fn begin_session(&self, door: &str, asked: Asked) -> Answer {
        let name = asked.request.clone();
        let before = self.sessions.get(door, &name).filter(|it| it.asked == asked);
        let number = before.map_or(0, |it| it.number);
        self.slice(door, &name, asked, number).await
    }

    /// A slice is over, with so many rows, and the next is decided and numbered. `None`: no session of this name is open.
    pub async fn go_on(
        &self,
        door: &str,
        name: &str,
        rows: Option<u64>,
    ) -> Result<Option<Answer>, SpoolError> {
        let Some(session) = self.sessions.get(door, name) else { return Ok(None) };
        self.end(door, &session.request(name), Rows::These(rows)).await?;
        let next = session.number.saturating_add(1);
        Ok(Some(self.slice(door, name, session.asked, next).await))
    }

    /// A session is over. Whether one of this name was open.
    pub async fn end_session(
        &self,
        door: &str,
        name: &str,
        rows: Option<u64>,
    ) -> Result<bool, SpoolError> {
        let Some(session) = self.sessions.get(door, name) else { return Ok(false) };
        self.end(door, &session.request(name), Rows::These(rows)).await?;
        self.sessions.end(door, name);
        Ok(true)
    }

    /// Comes when a session may not go on, with the reason; or when its slice is over. `None`: no session of this name is open.
    pub async fn watch_session(&self, door: &str, name: &str) -> Option<Option<String>> {
        let session = self.sessions.get(door, name)?;
        let number = self.number_of(door, &session.request(name))?;
        Some(self.until_over(door, &session.asked, number, session.began).await)
    }

    /// Comes when a slice that began then, under a number, is over, with nothing; or when it may not go on, with the reason.
    pub async fn until_over(
        &self,
        door: &str,
        asked: &Asked,
        number: u64,
        began: Instant,
    ) -> Option<String> {
        loop {
            if let Some(why) = self.denies(door, asked, number).await {
                return Some(why);
            }
            if began.elapsed() >= self.sessions.slice {
                return None;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn slice(&self, door: &str, name: &str, asked: Asked, number: u64) -> Answer {
        let session = Session { asked, number, began: Instant::now() };
        let request = session.request(name);
        let answer = self.decide(door, Asked { request, ..session.asked.clone() }).await;
        match answer.serve {
            true => self.sessions.keep(door, name, session),
            false => self.sessions.end(door, name),
        }
        answer
    }
}
