//! A body that passes: what is looked at on the way is told each piece, and once how it ended.

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// What looks at a body that passes.
pub trait Looks: Unpin {
    /// Whether more may pass; not before this says so. Errors with why nothing does any more.
    fn may_pass(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), String>> {
        Poll::Ready(Ok(()))
    }
    /// The next bytes.
    fn take(&mut self, bytes: &[u8]);
    /// It is over; `is_whole`: nothing more was to come. Told more than once it counts the first time.
    fn over(&mut self, is_whole: bool);
}

/// A body, and who looks at it: told how it ended also where whoever reads it is gone before.
pub struct Passing<L: Looks> {
    body: Body,
    looks: L,
}

impl<L: Looks> Passing<L> {
    /// This body, with this look.
    pub const fn new(body: Body, looks: L) -> Self {
        Self { body, looks }
    }
}

impl<L: Looks> http_body::Body for Passing<L> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if let Err(why) = ready!(self.looks.may_pass(context)) {
            self.looks.over(false);
            return Poll::Ready(Some(Err(axum::Error::new(std::io::Error::other(why)))));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(bytes) = frame.data_ref() {
                    self.looks.take(bytes);
                }
            }
            Some(Err(_)) => self.looks.over(false),
            None => self.looks.over(true),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<L: Looks> Drop for Passing<L> {
    fn drop(&mut self) {
        let is_whole = self.body.is_end_stream();
        self.looks.over(is_whole);
    }
}
