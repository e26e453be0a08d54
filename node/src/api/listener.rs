//! Listeners for clients: how many connections they take, from one address and in all, and how long a connection may
//! say nothing. A client's socket is an open file of this process, and consensus needs files to go on: what clients
//! may hold is bounded well below what the system allows.

use crate::files;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, Sleep};
use tonic::transport::server::{Connected, TcpConnectInfo};

/// How long connections of clients may say nothing. A client of gRPC that only watches answers pings.
const PATIENCE: Patience =
    Patience { first_words: Duration::from_secs(10), silence: Duration::from_secs(90) };
/// How often gRPC pings a connection, and how long it waits for the answer.
pub(super) const PING_EVERY: Duration = Duration::from_secs(30);
pub(super) const PING_WITHIN: Duration = Duration::from_secs(20);
/// Bytes that a client of HTTP/2 says first: the preface and the head of its settings (RFC 9113, 3.4).
pub(crate) const HTTP2_FIRST_BYTES: usize = 33;
/// How often refused connections are logged.
const LOG_EVERY: Duration = Duration::from_secs(10);
/// How long accepting waits after the system refused it a file.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// How many connections a listener takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// In all.
    pub most: usize,
    /// From one address: whole offices stand behind one.
    pub most_of_an_address: usize,
}

impl Connections {
    /// By the settings, and by the files that the system lets this process open; `listeners` share those.
    pub fn of(most: usize, of_an_address: Option<usize>, listeners: usize) -> Self {
        let most = most.min(files::for_clients(files::limit()) / listeners.max(1)).max(1);
        let quarter = most.div_ceil(4);
        Self { most, most_of_an_address: of_an_address.unwrap_or(quarter).clamp(1, most) }
    }
}

/// A listener for clients.
pub struct Listener {
    tcp: TcpListener,
    first_bytes: usize,
    places: Arc<Places>,
}

impl Listener {
    /// Binds the address, which may name port 0; gives the address it got too. A new connection must say
    /// `first_bytes` soon.
    pub async fn bind(
        address: SocketAddr,
        connections: Connections,
        first_bytes: usize,
    ) -> anyhow::Result<(Self, SocketAddr)> {
        let tcp = TcpListener::bind(address)
            .await
            .map_err(|e| anyhow::anyhow!("can't listen on {address}: {e}"))?;
        let bound = tcp.local_addr()?;
        let Connections { most, most_of_an_address } = connections;
        tracing::info!(address = %bound, most, most_of_an_address, "connections of clients are taken");
        let places = Arc::new(Places { bound, connections, held: Mutex::default() });
        Ok((Self { tcp, first_bytes, places }, bound))
    }

    /// The next connection for which there is a place. Others are closed at once.
    pub async fn accept(&self) -> Connection {
        loop {
            match self.tcp.accept().await {
                Ok((stream, from)) => {
                    if let Some(place) = self.places.take(one_client(from.ip())) {
                        // Without it every stream waits 40 ms for the reader's acknowledgement.
                        let _slower = stream.set_nodelay(true);
                        return Connection::new(stream, place, self.first_bytes, PATIENCE);
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, address = %self.places.bound, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            }
        }
    }
}

/// The address by which a client's connections are counted: an IPv6 host has a whole /64 to itself.
fn one_client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(it) => IpAddr::from(Ipv6Addr::from_bits(it.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The places of a listener.
#[derive(Debug)]
struct Places {
    bound: SocketAddr,
    connections: Connections,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
    refused: u64,
    logged: Option<Instant>,
}

impl Places {
    fn take(self: &Arc<Self>, from: IpAddr) -> Option<Place> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = held.by_address.get(&from).copied().unwrap_or(0);
        let Connections { most, most_of_an_address } = self.connections;
        if held.all < most && of_address < most_of_an_address {
            held.all += 1;
            held.by_address.insert(from, of_address + 1);
            return Some(Place { places: Arc::clone(self), from });
        }
        held.refused += 1;
        if held.logged.is_none_or(|at| at.elapsed() >= LOG_EVERY) {
            held.logged = Some(Instant::now());
            let (refused, all) = (held.refused, held.all);
            let address = self.bound;
            tracing::warn!(%address, %from, of_address, all, refused, "too many connections: some were refused");
        }
        None
    }
}

/// A connection's place; given back when it is dropped.
#[derive(Debug)]
struct Place {
    places: Arc<Places>,
    from: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self.places.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.all = held.all.saturating_sub(1);
        let left = held.by_address.get(&self.from).map_or(0, |it| it.saturating_sub(1));
        match left {
            0 => held.by_address.remove(&self.from),
            left => held.by_address.insert(self.from, left),
        };
    }
}

/// How long a connection may say nothing.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// Within this time a new connection must have said as much as a client of its protocol says first.
    first_words: Duration,
    /// A connection on which no byte passes for so long after them is closed.
    silence: Duration,
}

/// A client's connection. Reading and writing fail once it has been silent for too long.
#[derive(Debug)]
pub struct Connection<S = TcpStream> {
    stream: S,
    /// Bytes that are to come soon yet.
    to_come: usize,
    silent_until: Pin<Box<Sleep>>,
    patience: Patience,
    _place: Place,
}

impl<S> Connection<S> {
    fn new(stream: S, place: Place, first_bytes: usize, patience: Patience) -> Self {
        let silent_until = Box::pin(tokio::time::sleep(patience.first_words));
        Self { stream, to_come: first_bytes, silent_until, patience, _place: place }
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

    fn waits<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
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

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream.connect_info()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

    fn connections(most: usize, most_of_an_address: usize) -> Connections {
        Connections { most, most_of_an_address }
    }

    async fn bind(connections: Connections, first: usize) -> (Listener, SocketAddr) {
        Listener::bind(([127, 0, 0, 1], 0).into(), connections, first).await.unwrap()
    }

    #[test]
    fn a_quarter_for_an_address_unless_told() {
        assert_eq!(Connections::of(8, None, 1), connections(8, 2));
        assert_eq!(Connections::of(8, Some(100), 1), connections(8, 8));
        assert_eq!(Connections::of(0, Some(0), 0), connections(1, 1));
        let all = Connections::of(usize::MAX, None, 2);
        assert!(all.most * 2 < files::limit(), "{all:?}");
    }

    #[test]
    fn a_host_of_ipv6_is_one_client() {
        let client = |text: &str| one_client(text.parse().unwrap());
        assert_eq!(client("2001:db8::1"), client("2001:db8:0:0:ffff::9"));
        assert_ne!(client("2001:db8::1"), client("2001:db8:0:1::1"));
        assert_eq!(client("::ffff:10.0.0.1"), client("10.0.0.1"));
    }

    #[test]
    fn places_are_given_back() {
        let (a, b) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let bound = ([127, 0, 0, 1], 1).into();
        let places = Places { bound, connections: connections(3, 2), held: Mutex::default() };
        let places = Arc::new(places);
        let first = places.take(a).unwrap();
        let _second = places.take(a).unwrap();
        assert!(places.take(a).is_none(), "two of one address");
        let _third = places.take(b).unwrap();
        assert!(places.take(b).is_none(), "three in all");
        drop(first);
        assert!(places.take(b).is_some());
        assert_eq!(places.held.lock().unwrap().by_address.len(), 2);
    }

    #[tokio::test]
    async fn beyond_the_places_a_connection_is_closed_at_once() {
        let (listener, address) = bind(connections(4, 1), 1).await;
        let mut taken = TcpStream::connect(address).await.unwrap();
        let mut held = listener.accept().await;
        let mut refused = TcpStream::connect(address).await.unwrap();
        let accepting = tokio::spawn(async move { listener.accept().await });
        assert_eq!(refused.read(&mut [0]).await.unwrap_or(0), 0);
        taken.write_all(b"x").await.unwrap();
        held.read_exact(&mut [0]).await.unwrap();
        drop((held, taken));
        let _next = TcpStream::connect(address).await.unwrap();
        accepting.await.unwrap();
    }

    /// Times of which a test can wait for one and never sees the other.
    const HOUR: Duration = Duration::from_secs(3600);
    const SOON: Duration = Duration::from_millis(50);

    /// A connection with a place of its own, and its client's end.
    fn pair(
        first_bytes: usize,
        first_words: Duration,
        silence: Duration,
    ) -> (Connection<DuplexStream>, DuplexStream) {
        let bound = ([127, 0, 0, 1], 1).into();
        let places = Places { bound, connections: connections(1, 1), held: Mutex::default() };
        let place = Arc::new(places).take(IpAddr::from([127, 0, 0, 1])).unwrap();
        let (own, client) = tokio::io::duplex(64);
        (Connection::new(own, place, first_bytes, Patience { first_words, silence }), client)
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

    #[test]
    fn first_words_come_sooner_than_a_client_is_pinged() {
        let Patience { first_words, silence } = PATIENCE;
        assert_eq!((first_words, silence), (Duration::from_secs(10), Duration::from_secs(90)));
        assert!(
            silence > PING_EVERY + PING_WITHIN,
            "who answers pings is never silent for so long"
        );
    }
}
