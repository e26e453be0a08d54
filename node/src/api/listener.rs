//! Listeners for clients: how many connections they take, from one address and in all, and TLS. A client's socket is an
//! open file of this process, and consensus needs files to go on: what clients may hold is bounded well below what the
//! system allows.

use super::connection::{ClientStream, Connection, PATIENCE};
use super::tls::Tls;
use crate::files;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::wrappers::ReceiverStream;

/// A TLS handshake ends within this time.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Connections that are ready and wait to be served.
const READY: usize = 16;
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
    tls: Option<Arc<Tls>>,
}

impl Listener {
    /// Binds the address, which may name port 0; gives the address it got too. A new connection must say
    /// `first_bytes` soon. With `tls` nothing is taken in the clear.
    pub async fn bind(
        address: SocketAddr,
        connections: Connections,
        first_bytes: usize,
        tls: Option<Arc<Tls>>,
    ) -> anyhow::Result<(Self, SocketAddr)> {
        let tcp = TcpListener::bind(address)
            .await
            .map_err(|e| anyhow::anyhow!("can't listen on {address}: {e}"))?;
        let bound = tcp.local_addr()?;
        let Connections { most, most_of_an_address } = connections;
        let encrypted = tls.is_some();
        tracing::info!(address = %bound, most, most_of_an_address, tls = encrypted, "connections of clients are taken");
        let places = Arc::new(Places { bound, connections, held: Mutex::default() });
        Ok((Self { tcp, first_bytes, places, tls }, bound))
    }

    /// Connections that are ready to be served, until nobody takes them any more.
    pub fn into_stream(self) -> ReceiverStream<Connection> {
        let (ready, taken) = mpsc::channel(READY);
        tokio::spawn(self.take_connections(ready));
        ReceiverStream::new(taken)
    }

    async fn take_connections(self, ready: mpsc::Sender<Connection>) {
        loop {
            let (stream, place) = tokio::select! {
                () = ready.closed() => return,
                accepted = self.accept() => accepted,
            };
            let first_bytes = self.first_bytes;
            let Some(tls) = &self.tls else {
                let connection =
                    Connection::new(ClientStream::Plain(stream), place, first_bytes, PATIENCE);
                if ready.send(connection).await.is_err() {
                    return;
                }
                continue;
            };
            // A handshake waits for its client alone. It holds the connection's place.
            let (acceptor, ready) = (tls.acceptor(), ready.clone());
            tokio::spawn(async move {
                let from = place.from;
                match tokio::time::timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => {
                        let stream = ClientStream::Tls(Box::new(stream));
                        // Nobody may take connections any more: the node stops.
                        let _ =
                            ready.send(Connection::new(stream, place, first_bytes, PATIENCE)).await;
                    }
                    Ok(Err(error)) => tracing::debug!(%from, %error, "a TLS handshake failed"),
                    Err(_) => tracing::debug!(%from, "a TLS handshake took too long"),
                }
            });
        }
    }

    /// The next connection for which there is a place. Others are closed at once.
    async fn accept(&self) -> (TcpStream, Place) {
        loop {
            match self.tcp.accept().await {
                Ok((stream, from)) => {
                    if let Some(place) = self.places.take(one_client(from.ip())) {
                        // Without it every stream waits 40 ms for the reader's acknowledgement.
                        let _slower = stream.set_nodelay(true);
                        return (stream, place);
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
pub struct Place {
    places: Arc<Places>,
    /// The address by which its client is counted.
    pub(super) from: IpAddr,
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

#[cfg(test)]
impl Place {
    /// One of a listener that has no other.
    pub(super) fn only() -> Self {
        let bound = ([127, 0, 0, 1], 1).into();
        let connections = Connections { most: 1, most_of_an_address: 1 };
        let from = IpAddr::from([127, 0, 0, 1]);
        Self { places: Arc::new(Places { bound, connections, held: Mutex::default() }), from }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    fn connections(most: usize, most_of_an_address: usize) -> Connections {
        Connections { most, most_of_an_address }
    }

    async fn bind(connections: Connections, first: usize) -> (Listener, SocketAddr) {
        Listener::bind(([127, 0, 0, 1], 0).into(), connections, first, None).await.unwrap()
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
        let mut stream = listener.into_stream();
        let mut taken = TcpStream::connect(address).await.unwrap();
        let mut held = stream.next().await.unwrap();
        let mut refused = TcpStream::connect(address).await.unwrap();
        assert_eq!(refused.read(&mut [0]).await.unwrap_or(0), 0);
        taken.write_all(b"x").await.unwrap();
        held.read_exact(&mut [0]).await.unwrap();
        drop((held, taken));
        let _next = TcpStream::connect(address).await.unwrap();
        stream.next().await.unwrap();
    }
}
