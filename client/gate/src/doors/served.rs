//! What the own door serves, as it passes: rows are counted and digests are made on the way. What lasts is an access for each slice of time, with a
//! number of its own; before the next slice is decided nothing more passes, and nothing passes any more when what allowed it ends.

use super::headers::clean;
use super::proxy::ACCESS;
use crate::answer::Answer;
use crate::asked::Asked;
use crate::gate::{Gate, Rows, Seen};
use crate::passing::{Looks, Passing};
use crate::rows::Counter;
use crate::slices::LOOK_EVERY;
use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use liuhen_proto::suite::hash::SaltedDigest;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

/// Rows, by the service's word: it counts more than what is counted here.
const ROWS: &str = "x-liuhen-rows";

/// An answer that is served, told once how it ended, also where the client is gone before.
pub struct Served {
    gate: Arc<Gate>,
    door: Arc<str>,
    /// What was asked, under the name of the first slice.
    asked: Arc<Asked>,
    /// Which slice it is in.
    slice: u64,
    counter: Option<Counter>,
    /// Whether it stands in the rows whose they are.
    says_whose: bool,
    /// Rows of all slices, by the service's word.
    stated: Option<u64>,
    /// Rows of the slices before.
    before: u64,
    digest: Option<SaltedDigest>,
    /// What the service answers is no success.
    is_failed: bool,
    may: May,
}

/// Whether more may pass.
enum May {
    /// Yes, until this comes. A task of its own looks: nobody polls a body whose client does not read.
    Until {
        over: oneshot::Receiver<()>,
        /// Ends with this.
        _looks: AbortOnDropHandle<()>,
    },
    /// It is being decided again.
    Asked(oneshot::Receiver<Answer>),
    /// It has no number, or it was told how it ended: nobody asks.
    Unasked,
}

impl Served {
    /// By this answer to what was asked.
    pub fn new(gate: &Arc<Gate>, door: &Arc<str>, asked: Asked, answer: &Answer) -> Self {
        let rows = gate.rows_of(door, &asked);
        let mut it = Self {
            gate: Arc::clone(gate),
            door: Arc::clone(door),
            slice: 0,
            counter: rows.map(Counter::new),
            says_whose: rows.is_some_and(|it| it.subject().is_some()),
            asked: Arc::new(asked),
            stated: None,
            before: 0,
            digest: None,
            is_failed: false,
            may: May::Unasked,
        };
        it.begin(answer);
        it
    }

    /// The response as the client gets it.
    pub fn passing(mut self, response: Response, token: Option<&str>) -> Response {
        let (mut parts, body) = response.into_parts();
        self.stated = parts.headers.get(ROWS).and_then(|it| it.to_str().ok()?.parse().ok());
        self.is_failed = parts.status.is_client_error() || parts.status.is_server_error();
        let packed = parts.headers.get(header::CONTENT_ENCODING);
        if packed.is_some_and(|it| it.as_bytes() != b"identity") {
            self.counter = None;
        }
        clean(&mut parts.headers);
        if let Some(token) = token.and_then(|it| HeaderValue::from_str(it).ok()) {
            parts.headers.insert(ACCESS, token);
        }
        Response::from_parts(parts, Body::new(Passing::new(body, self)))
    }

    /// Nothing was given.
    pub fn failed(mut self) {
        self.is_failed = true;
        self.over(true);
    }

    /// A slice begins, by what was decided.
    fn begin(&mut self, answer: &Answer) {
        // What has no number is not looked at.
        let Some(number) = answer.access_no else { return };
        let Some(salt) = self.gate.salt_of(number) else { return };
        self.digest = Some(SaltedDigest::new(&salt));
        let (gate, door) = (Arc::clone(&self.gate), Arc::clone(&self.door));
        let (asked, began) = (Arc::clone(&self.asked), Instant::now());
        let (over, is_over) = oneshot::channel();
        let looks = tokio::spawn(async move {
            // It was decided just now.
            tokio::time::sleep(LOOK_EVERY).await;
            gate.until_over(&door, &asked, number, began).await;
            let _ = over.send(());
        });
        self.may = May::Until { over: is_over, _looks: AbortOnDropHandle::new(looks) };
    }

    /// The name of its slice.
    fn name(&self) -> String {
        match self.slice {
            0 => self.asked.request.clone(),
            later => format!("{}#{later}", self.asked.request),
        }
    }

    /// What was seen of the last slice.
    fn seen(&mut self, is_whole: bool) -> Seen {
        let counted = self.counter.as_ref().and_then(|it| it.count(is_whole));
        let numbers = self.counter.as_mut().map(Counter::subjects).unwrap_or_default();
        // The service's word is of all that it answers.
        self.seen_by(self.stated.or(counted), numbers)
    }

    /// What was seen of a slice behind which more comes: the row that is open is of the next.
    fn cut(&mut self) -> Seen {
        let (counted, numbers) = self.counter.as_mut().map(Counter::cut).unwrap_or_default();
        self.seen_by(counted, numbers)
    }

    /// With so many rows since the beginning.
    fn seen_by(&mut self, all: Option<u64>, numbers: Vec<String>) -> Seen {
        let rows = all.map(|it| it.saturating_sub(self.before));
        self.before = self.before.saturating_add(rows.unwrap_or(0));
        Seen {
            rows: if self.is_failed { Rows::Failed } else { Rows::These(rows) },
            digest: self.digest.take().map(|it| it.finish().to_vec()).unwrap_or_default(),
            numbers: self.says_whose.then_some(numbers),
        }
    }

    /// Ends the slice, and has the next decided.
    fn turn(&mut self) -> oneshot::Receiver<Answer> {
        let (seen, ended) = (self.cut(), self.name());
        self.slice = self.slice.saturating_add(1);
        let (name, (answers, answer)) = (self.name(), oneshot::channel());
        let (gate, door) = (Arc::clone(&self.gate), Arc::clone(&self.door));
        let asked = Asked { request: name.clone(), ..(*self.asked).clone() };
        tokio::spawn(async move {
            end(&gate, &door, &ended, seen).await;
            if let Err(unheard) = answers.send(gate.decide(&door, asked).await) {
                nothing_passed(&gate, &door, &name, &unheard).await;
            }
        });
        answer
    }
}

impl Looks for Served {
    fn may_pass(&mut self, context: &mut Context<'_>) -> Poll<Result<(), String>> {
        loop {
            match &mut self.may {
                May::Unasked => return Poll::Ready(Ok(())),
                May::Until { over, .. } => match Pin::new(over).poll(context) {
                    Poll::Pending => return Poll::Ready(Ok(())),
                    Poll::Ready(_) => self.may = May::Asked(self.turn()),
                },
                May::Asked(answer) => {
                    let answer = ready!(Pin::new(answer).poll(context));
                    self.may = May::Unasked;
                    match answer {
                        Ok(answer) if answer.serve => self.begin(&answer),
                        Ok(answer) => return Poll::Ready(Err(answer.reason)),
                        Err(_) => return Poll::Ready(Err("the gate stops".into())),
                    }
                }
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        if let Some(counter) = &mut self.counter {
            counter.take(bytes);
        }
        if let Some(digest) = &mut self.digest {
            digest.update(bytes);
        }
    }

    fn over(&mut self, is_whole: bool) {
        // Where the gate is stopping nobody is there to write it: the access is closed later, rows unknown.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (gate, door, name) = (Arc::clone(&self.gate), Arc::clone(&self.door), self.name());
        match std::mem::replace(&mut self.may, May::Unasked) {
            May::Unasked => {}
            May::Until { .. } => {
                let seen = self.seen(is_whole);
                runtime.spawn(async move { end(&gate, &door, &name, seen).await });
            }
            May::Asked(mut answer) => {
                // What is not answered yet finds nobody who hears it.
                answer.close();
                if let Ok(unheard) = answer.try_recv() {
                    runtime.spawn(async move {
                        nothing_passed(&gate, &door, &name, &unheard).await;
                    });
                }
            }
        }
    }
}

async fn end(gate: &Gate, door: &str, name: &str, seen: Seen) {
    match gate.end_with(door, name, seen).await {
        Ok(true) => {}
        Ok(false) => {
            tracing::warn!(door, request = name, "it was closed before: its rows are unknown")
        }
        Err(error) => tracing::error!(door, %error, "how a request ended can't be kept"),
    }
}

/// A slice was decided, and its client is gone.
async fn nothing_passed(gate: &Gate, door: &str, name: &str, answer: &Answer) {
    if answer.serve {
        let rows = Rows::These(Some(0));
        end(gate, door, name, Seen { rows, digest: Vec::new(), numbers: None }).await;
    }
}
