//! Listeners for clients: they take connections for which there is a place, in the clear or by TLS.

use super::connection::{ClientStream, Connection, PATIENCE};
use super::places::{Connections, Place, Places, one_client};
use super::tls::Tls;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
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
/// How long accepting waits after the system refused it a file.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

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
        let places = Arc::new(Places::new(bound, connections));
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
