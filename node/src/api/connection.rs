//! A client's connection: how long it may say nothing, and leave untaken what it is sent.

use super::places::Place;
use crate::limits::Client;
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep};
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

/// How long connections of clients may say nothing. A client of gRPC that only watches answers pings.
pub(super) const PATIENCE: Patience = Patience {
    first_words: Duration::from_secs(10),
    silence: Duration::from_secs(90),
    untaken: Duration::from_secs(30),
};

/// What bytes pass through.
#[derive(Debug)]
pub enum ClientStream {
    /// In the clear.
    Plain(TcpStream),
    /// TLS 1.3.
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for ClientStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// How long a connection may say nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// Within this time a new connection must have said as much as a client of its protocol says first.
    first_words: Duration,
    /// A connection on which no byte passes for so long after them is closed.
    silence: Duration,
    /// A connection by which a piece of an answer is not taken for so long is closed.
    untaken: Duration,
}

/// A client's connection. Reading and writing fail once it has been silent for too long.
#[derive(Debug)]
pub struct Connection<S = ClientStream> {
    stream: S,
    /// Bytes that are to come soon yet.
    to_come: usize,
    silent_until: Pin<Box<Sleep>>,
    patience: Patience,
    client: ClientConnection,
    /// When it is looked at whether the client takes what it is sent.
    look: Interval,
    _place: Place,
}

impl<S> Connection<S> {
    pub(super) fn new(stream: S, place: Place, first_bytes: usize, patience: Patience) -> Self {
        let silent_until = Box::pin(tokio::time::sleep(patience.first_words));
        let client = ClientConnection::new(place.from);
        let mut look = tokio::time::interval(patience.untaken / 4);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { stream, to_come: first_bytes, silent_until, patience, client, look, _place: place }
    }

    /// Bytes passed: the connection may be silent anew, once its first words are said.
    fn passed(&mut self, read: usize) {
        let first_words = self.to_come > 0;
        self.to_come = self.to_come.saturating_sub(read);
        let until = Instant::now() + self.patience.silence;
        // Moved once a second at most: setting a timer anew costs more than reading.
        let moves = first_words || until - self.silent_until.deadline() > Duration::from_secs(1);
        if self.to_come == 0 && moves {
            self.silent_until.as_mut().reset(until);
        }
    }

    /// The address by which its client is counted.
    pub(crate) fn from(&self) -> IpAddr {
        self.client.from
    }

    fn waits<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        while self.look.poll_tick(context).is_ready() {
            if self.client.waits_for(self.patience.untaken) {
                return Poll::Ready(Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "answers are not taken",
                )));
            }
        }
        ready!(self.silent_until.as_mut().poll(context));
        Poll::Ready(Err(too_late()))
    }

    /// Whether first words are still to come that were due. By the clock: a timer that was never waited for does not
    /// tell that it is over.
    fn is_late(&self) -> bool {
        self.to_come > 0 && Instant::now() >= self.silent_until.deadline()
    }
}

fn too_late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "silent for too long")
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Ready(done) => {
                this.passed(buffer.filled().len().saturating_sub(before));
                // Bytes that trickle in do not put off when the first words are due.
                match this.is_late() {
                    true => Poll::Ready(Err(too_late())),
                    false => Poll::Ready(done),
                }
            }
            Poll::Pending => this.waits(context),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match Pin::new(&mut this.stream).poll_write(context, bytes) {
            Poll::Ready(done) => {
                this.passed(0);
                Poll::Ready(done)
            }
            Poll::Pending => this.waits(context),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match Pin::new(&mut this.stream).poll_write_vectored(context, slices) {
            Poll::Ready(done) => {
                this.passed(0);
                Poll::Ready(done)
            }
            Poll::Pending => this.waits(context),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

/// What services are told of the connection that a call comes by.
#[derive(Debug, Clone)]
pub struct ClientConnection {
    /// The address by which its client is counted.
    pub from: IpAddr,
    untaken: Arc<Mutex<Untaken>>,
}

/// Pieces of answers that were handed over and not yet taken: since when.
#[derive(Debug, Default)]
struct Untaken {
    next: u64,
    since: BTreeMap<u64, Instant>,
}

impl ClientConnection {
    fn new(from: IpAddr) -> Self {
        Self { from, untaken: Arc::default() }
    }

    /// Counts a piece of an answer that is handed over; gives its number.
    pub(super) fn handed(&self) -> u64 {
        let mut untaken = self.lock();
        let number = untaken.next;
        untaken.next += 1;
        untaken.since.insert(number, Instant::now());
        number
    }

    /// A piece was taken, or is sent no more.
    pub(super) fn taken(&self, number: u64) {
        self.lock().since.remove(&number);
    }

    /// Whether some piece has waited for so long.
    fn waits_for(&self, most: Duration) -> bool {
        self.lock().since.values().next().is_some_and(|since| since.elapsed() >= most)
    }

    fn lock(&self) -> MutexGuard<'_, Untaken> {
        self.untaken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connected for Connection {
    type ConnectInfo = ClientConnection;

    fn connect_info(&self) -> ClientConnection {
        self.client.clone()
    }
}

/// The client that one without a token counts as: the address of its connection.
pub(super) fn client_of(connection: Option<&ClientConnection>) -> Client {
    Client::Address(connection.map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |it| it.from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::listener::{HTTP2_FIRST_BYTES, PING_EVERY, PING_WITHIN};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    /// Times of which a test can wait for one and never sees the other.
    const HOUR: Duration = Duration::from_secs(3600);
    const SOON: Duration = Duration::from_millis(50);

    /// A connection with a place of its own, and its client's end.
    fn pair(
        first_bytes: usize,
        first_words: Duration,
        silence: Duration,
    ) -> (Connection<DuplexStream>, DuplexStream) {
        let place = Place::only();
        let (own, client) = tokio::io::duplex(64);
        let patience = Patience { first_words, silence, untaken: SOON };
        (Connection::new(own, place, first_bytes, patience), client)
    }

    /// What reading or writing ends with, which must not take for ever.
    async fn ended<T: std::fmt::Debug>(it: impl Future<Output = io::Result<T>>) -> io::ErrorKind {
        tokio::time::timeout(Duration::from_secs(60), it)
            .await
            .expect("it ends")
            .unwrap_err()
            .kind()
    }

    #[tokio::test]
    async fn a_connection_that_says_nothing_ends() {
        let (mut connection, _silent) = pair(HTTP2_FIRST_BYTES, SOON, HOUR);
        assert_eq!(ended(connection.read(&mut [0; 64])).await, io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn first_words_that_trickle_in_do_not_keep_it_open() {
        let (mut connection, mut client) = pair(usize::MAX, SOON, HOUR);
        let reading = async {
            loop {
                client.write_all(b"P").await?;
                let _read = connection.read(&mut [0; 64]).await?;
            }
        };
        assert_eq!(ended::<()>(reading).await, io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn behind_the_first_words_silence_counts_and_who_does_not_read_ends() {
        let (mut connection, mut client) = pair(HTTP2_FIRST_BYTES, HOUR, SOON);
        client.write_all(&[b'P'; HTTP2_FIRST_BYTES]).await.unwrap();
        connection.read_exact(&mut [0; HTTP2_FIRST_BYTES]).await.unwrap();
        assert_eq!(ended(connection.read(&mut [0])).await, io::ErrorKind::TimedOut);

        let (mut connection, mut client) = pair(1, HOUR, SOON);
        client.write_all(b"G").await.unwrap();
        connection.read_exact(&mut [0]).await.unwrap();
        assert_eq!(ended(connection.write_all(&[0; 65])).await, io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn who_does_not_take_answers_is_let_go() {
        let (mut connection, mut client) = pair(1, HOUR, HOUR);
        client.write_all(b"G").await.unwrap();
        connection.read_exact(&mut [0]).await.unwrap();
        let calls = connection.client.clone();
        let taken = calls.handed();
        assert!(calls.waits_for(Duration::ZERO));
        calls.taken(taken);
        assert!(!calls.waits_for(Duration::ZERO), "it was taken");
        let _untaken = calls.handed();
        assert_eq!(ended(connection.read(&mut [0])).await, io::ErrorKind::TimedOut);
    }

    #[test]
    fn first_words_come_sooner_than_a_client_is_pinged() {
        let Patience { first_words, silence, untaken: _ } = PATIENCE;
        assert_eq!((first_words, silence), (Duration::from_secs(10), Duration::from_secs(90)));
        assert!(
            silence > PING_EVERY + PING_WITHIN,
            "who answers pings is never silent for so long"
        );
    }
}
