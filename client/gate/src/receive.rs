//! Lines that come by the wire: syslog over TCP or UDP (RFC 5424, RFC 3164; framed as RFC 6587 says), or pushed over HTTP. They are written to the
//! file of a source, which is followed like any other; what is answered is on disk by then.

use crate::settings::{Protocol, Receive};
use anyhow::Context as _;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A line, and a body, is not longer.
const LONGEST: usize = 4 << 20;
/// Bytes of a connection that are written at once, but for one line.
const AT_ONCE: usize = 1 << 20;
/// Datagrams that are written at once.
const DATAGRAMS: usize = 1_000;
/// Pieces that wait for the disk; of more whoever sends waits.
const WAITING: usize = 16;
/// Connections at once; of more whoever connects waits.
const CONNECTIONS: usize = 256;
/// A handshake is over in this time.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A file as large is turned over.
const LARGE: u64 = 64 << 20;

/// What came, since the start.
#[derive(Debug, Default)]
pub struct Received {
    /// The source's name.
    pub name: String,
    /// Lines that are on disk.
    pub lines: AtomicU64,
    /// Lines, and connections, that were refused: too long, or not framed.
    pub refused: AtomicU64,
    /// The port, where datagrams come: the system knows how many it dropped.
    pub udp_port: AtomicU64,
}

impl Received {
    /// How many datagrams the system dropped at the port; `None` where that can't be told.
    pub fn dropped(&self) -> Option<u64> {
        let port = self.udp_port.load(Ordering::Relaxed);
        let port = format!(":{port:04X}");
        let table = ["/proc/net/udp", "/proc/net/udp6"].map(std::fs::read_to_string);
        let lines = table.iter().flatten().flat_map(|it| it.lines());
        let own =
            lines.filter(|it| it.split_whitespace().nth(1).is_some_and(|it| it.ends_with(&port)));
        own.filter_map(|it| it.split_whitespace().last()?.parse::<u64>().ok())
            .reduce(u64::saturating_add)
    }
}

/// Lines for the disk, and whoever waits for it.
struct Piece {
    lines: Vec<Vec<u8>>,
    written: oneshot::Sender<Result<(), String>>,
}

/// Where lines are put.
#[derive(Clone)]
struct Put {
    pieces: mpsc::Sender<Piece>,
    received: Arc<Received>,
    secret: Arc<str>,
    places: Arc<Semaphore>,
}

impl Put {
    /// Lines are on disk when this is done.
    async fn all(&self, lines: Vec<Vec<u8>>) -> anyhow::Result<()> {
        let count = lines.len() as u64;
        let (written, done) = oneshot::channel();
        let stopped = || anyhow::anyhow!("the file is not written any more");
        self.pieces.send(Piece { lines, written }).await.map_err(|_| stopped())?;
        done.await.map_err(|_| stopped())?.map_err(anyhow::Error::msg)?;
        self.received.lines.fetch_add(count, Ordering::Relaxed);
        Ok(())
    }

    fn refuse(&self, why: &str) {
        self.received.refused.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(source = self.received.name, why, "lines were refused");
    }
}

/// Receives lines until told to stop.
pub async fn serve(
    settings: &Receive,
    file: &Path,
    received: Arc<Received>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let secret = settings.secret.as_ref().map_or(Ok(String::new()), |it| crate::secret::shown(it));
    let (pieces, waiting) = mpsc::channel(WAITING);
    let places = Arc::new(Semaphore::new(WAITING));
    let put = Put { pieces, received, secret: secret?.into(), places };
    let writer = Writer::open(file).with_context(|| format!("{}", file.display()))?;
    std::thread::Builder::new().name("receiver".into()).spawn(move || writer.run(waiting))?;
    let (at, stop) = (settings.listen, stop.clone());
    let bound = || format!("listen on {at}");
    match settings.protocol {
        Protocol::Tcp => {
            let listener = TcpListener::bind(at).await.with_context(bound)?;
            tasks.spawn(tcp(listener, None, put, stop));
        }
        Protocol::Tls => {
            let files = settings.tls.as_ref().context("tls: its files are needed")?;
            let acceptor = TlsAcceptor::from(files.config()?);
            let listener = TcpListener::bind(at).await.with_context(bound)?;
            tasks.spawn(tcp(listener, Some(acceptor), put, stop));
        }
        Protocol::Udp => {
            let socket = UdpSocket::bind(at).await.with_context(bound)?;
            let port = socket.local_addr()?.port();
            put.received.udp_port.store(port.into(), Ordering::Relaxed);
            tasks.spawn(udp(socket, put, stop));
        }
        Protocol::Http => {
            let listener = TcpListener::bind(at).await.with_context(bound)?;
            let router = Router::new().route("/v1/lines", post(pushed)).with_state(put);
            tasks.spawn(async move {
                let served = axum::serve(listener, router);
                if let Err(error) = served.with_graceful_shutdown(stop.cancelled_owned()).await {
                    tracing::error!(%error, "nothing is received any more");
                }
            });
        }
    }
    Ok(())
}

async fn tcp(listener: TcpListener, tls: Option<TlsAcceptor>, put: Put, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let (put, stop, tls) = (put.clone(), stop.clone(), tls.clone());
                tokio::spawn(async move {
                    let _place = place;
                    tokio::select! {
                        () = stop.cancelled() => {}
                        done = taken(stream, tls, &put) => {
                            if let Err(error) = done {
                                put.refuse(&format!("{error:#}"));
                            }
                        }
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// A connection, in the clear or not.
async fn taken(stream: TcpStream, tls: Option<TlsAcceptor>, put: &Put) -> anyhow::Result<()> {
    let Some(tls) = tls else { return connection(stream, put).await };
    let shaken = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await;
    let stream = shaken.context("no handshake came in time")?.context("TLS")?;
    connection(stream, put).await
}

/// Reads a connection's lines. What is written is as much as came whole.
async fn connection(stream: impl AsyncRead + Unpin, put: &Put) -> anyhow::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut lines, mut bytes) = (Vec::new(), 0_usize);
        loop {
            match frame(&mut stream).await {
                Ok(Some(line)) => {
                    bytes = bytes.saturating_add(line.len());
                    lines.push(line);
                }
                Ok(None) if lines.is_empty() => return Ok(()),
                Ok(None) => break,
                Err(error) => {
                    put.all(lines).await?;
                    return Err(error);
                }
            }
            if stream.buffer().is_empty() || bytes >= AT_ONCE {
                break;
            }
        }
        put.all(lines).await?;
    }
}

/// A message: by its length before it, or up to the end of its line.
async fn frame(stream: &mut BufReader<impl AsyncRead + Unpin>) -> anyhow::Result<Option<Vec<u8>>> {
    let Some(first) = stream.fill_buf().await?.first().copied() else { return Ok(None) };
    let mut line = Vec::new();
    let most = (LONGEST as u64).saturating_add(1);
    if !first.is_ascii_digit() {
        let mut part = (&mut *stream).take(most);
        part.read_until(b'\n', &mut line).await?;
        anyhow::ensure!(line.len() <= LONGEST, "a line of more than {LONGEST} bytes");
        anyhow::ensure!(line.ends_with(b"\n"), "it ends within a line");
        return Ok(Some(line));
    }
    let mut part = (&mut *stream).take(10);
    part.read_until(b' ', &mut line).await?;
    let length = std::str::from_utf8(&line).ok().and_then(|it| it.strip_suffix(' ')?.parse().ok());
    let length: usize = length.context("no length stands before the message")?;
    anyhow::ensure!(length <= LONGEST, "a message of {length} bytes");
    // As it comes, and not on the sender's word.
    line.clear();
    (&mut *stream).take(length as u64).read_to_end(&mut line).await?;
    anyhow::ensure!(line.len() == length, "it ends within a message");
    Ok(Some(line))
}

async fn udp(socket: UdpSocket, put: Put, stop: CancellationToken) {
    let mut bytes = vec![0; 65_536];
    loop {
        let length = tokio::select! {
            () = stop.cancelled() => return,
            received = socket.recv(&mut bytes) => received,
        };
        let Ok(length) = length else { continue };
        let mut lines = vec![bytes.get(..length).unwrap_or_default().to_vec()];
        // What came meanwhile is synced with it.
        while lines.len() < DATAGRAMS
            && let Ok(length) = socket.try_recv(&mut bytes)
        {
            lines.push(bytes.get(..length).unwrap_or_default().to_vec());
        }
        if let Err(error) = put.all(lines).await {
            put.refuse(&format!("{error:#}"));
        }
    }
}

async fn pushed(State(put): State<Put>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    let shown = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
    let shown = shown.and_then(|it| it.strip_prefix("Bearer ")).unwrap_or_default();
    // By digest: the time it takes tells nothing of the secret.
    if blake3::hash(shown.as_bytes()) != blake3::hash(put.secret.as_bytes()) {
        return (StatusCode::UNAUTHORIZED, "the source's secret is needed\n").into_response();
    }
    // As few bodies are in memory as are written.
    let Ok(_place) = put.places.acquire().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let Ok(body) = axum::body::to_bytes(body, LONGEST).await else {
        put.refuse("a body that is too long, or not whole");
        return (StatusCode::PAYLOAD_TOO_LARGE, format!("{LONGEST} bytes at most\n"))
            .into_response();
    };
    let lines = body.split(|it| *it == b'\n').filter(|it| !it.is_empty());
    let lines: Vec<Vec<u8>> = lines.map(<[u8]>::to_vec).collect();
    let count = lines.len();
    match put.all(lines).await {
        Ok(()) => (StatusCode::OK, format!("{{\"lines\":{count}}}\n")).into_response(),
        Err(error) => {
            put.refuse(&format!("{error:#}"));
            (StatusCode::SERVICE_UNAVAILABLE, format!("{error:#}\n")).into_response()
        }
    }
}

/// Writes the file.
struct Writer {
    path: PathBuf,
    file: File,
    size: u64,
}

impl Writer {
    fn open(path: &Path) -> std::io::Result<Self> {
        let file = File::options().create(true).append(true).open(path)?;
        // Its name is on disk before what is in it is acknowledged.
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
        let size = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, size })
    }

    fn run(mut self, mut pieces: mpsc::Receiver<Piece>) {
        while let Some(first) = pieces.blocking_recv() {
            let mut all = vec![first];
            while all.len() < WAITING
                && let Ok(more) = pieces.try_recv()
            {
                all.push(more);
            }
            let done =
                self.write(&all).map_err(|error| format!("{}: {error}", self.path.display()));
            if let Err(error) = &done {
                tracing::error!(
                    error,
                    "what was received can't be written: it is not acknowledged"
                );
            }
            for piece in all {
                // Whoever does not wait any more sends it again.
                let _ = piece.written.send(done.clone());
            }
        }
    }

    /// Lines of several pieces, synced at once.
    fn write(&mut self, pieces: &[Piece]) -> std::io::Result<()> {
        if self.size >= LARGE {
            self.turn_over()?;
        }
        let mut bytes = Vec::new();
        for line in pieces.iter().flat_map(|it| &it.lines) {
            let end = line.iter().rposition(|it| !matches!(it, b'\n' | b'\r' | 0));
            let line = line.get(..end.map_or(0, |it| it.saturating_add(1))).unwrap_or_default();
            for byte in line {
                match byte {
                    // As daemons write it: a message is a line.
                    b'\n' => bytes.extend_from_slice(b"#012"),
                    byte => bytes.push(*byte),
                }
            }
            bytes.push(b'\n');
        }
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // What was written in part is cut: its sender sends it again.
            self.file.set_len(self.size)?;
            return Err(error);
        }
        self.size = self.size.saturating_add(bytes.len() as u64);
        Ok(())
    }

    fn turn_over(&mut self) -> std::io::Result<()> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut old = self.path.clone().into_os_string();
        old.push(format!(".{}", now.as_millis()));
        std::fs::rename(&self.path, old)?;
        *self = Self::open(&self.path)?;
        Ok(())
    }
}
