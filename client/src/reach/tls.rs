//! The client's end of a connection: TCP, and TLS 1.3 over it where the address says `https`.

use super::address::Address;
use crate::error::ClientError;
use hyper_util::rt::TokioIo;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::{ClientConfig, RootCertStore, version::TLS13};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::codegen::Service;
use tonic::codegen::http::Uri;

/// By what a server over TLS is known, and by what the client makes itself known to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// The authorities that servers' certificates must come from, PEM; without it: those that this machine trusts.
    pub ca: Option<PathBuf>,
    /// The client's certificate and its private key, PEM, where servers want one.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl TlsOptions {
    pub(super) fn config(&self) -> Result<ClientConfig, ClientError> {
        let roots = match &self.ca {
            Some(file) => of_file(file)?,
            None => of_this_machine()?,
        };
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])
            .map_err(ClientError::failed)?
            .with_root_certificates(roots);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = certificates(certificate)?;
                let key_text = read(key)?;
                let parsed = PrivateKeyDer::from_pem_slice(&key_text);
                let parsed = parsed.map_err(|e| unusable(key, &e.to_string()))?;
                let config = builder.with_client_auth_cert(chain, parsed);
                config.map_err(|e| unusable(certificate, &e.to_string()))?
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(config)
    }
}

fn read(file: &Path) -> Result<Vec<u8>, ClientError> {
    std::fs::read(file).map_err(|e| unusable(file, &e.to_string()))
}

fn unusable(file: &Path, why: &str) -> ClientError {
    ClientError::Usage(format!("{}: {why}", file.display()))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    let text = read(file)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let all = all.map_err(|e| unusable(file, &e.to_string()))?;
    if all.is_empty() {
        return Err(unusable(file, "there is no certificate in it; PEM is needed"));
    }
    Ok(all)
}

fn of_file(file: &Path) -> Result<RootCertStore, ClientError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|e| unusable(file, &e.to_string()))?;
    }
    Ok(roots)
}

fn of_this_machine() -> Result<RootCertStore, ClientError> {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (_taken, _unreadable) = roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map_or_else(String::new, |error| format!(": {error}"));
        return Err(ClientError::Usage(format!(
            "this machine has no certificate authorities that it trusts{why}; name the node's with --ca"
        )));
    }
    Ok(roots)
}

/// Makes connections to one node.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) address: Arc<Address>,
    pub(super) tls: Option<TlsConnector>,
}

impl Connector {
    async fn connect(self) -> io::Result<TokioIo<Box<dyn Bytes>>> {
        let stream = TcpStream::connect((self.address.host.as_str(), self.address.port)).await?;
        stream.set_nodelay(true)?;
        match (&self.address.tls, &self.tls) {
            (None, _) => Ok(TokioIo::new(Box::new(stream))),
            (Some(name), Some(tls)) => {
                let stream = tls.connect(name.clone(), stream).await?;
                Ok(TokioIo::new(Box::new(stream)))
            }
            // Never in the clear what was to be encrypted.
            (Some(_), None) => Err(io::Error::other("TLS is not set up")),
        }
    }
}

/// A stream of bytes.
pub(super) trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

impl Service<Uri> for Connector {
    type Response = TokioIo<Box<dyn Bytes>>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        Box::pin(self.clone().connect())
    }
}
