//! TLS 1.3 for clients: the node's certificate and key, and the authority of clients' certificates where they must show
//! one, from files that are read again when they change.

use anyhow::Context as _;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, client::verify_server_name, version::TLS13};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Where certificates and keys are, PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The node's certificate, and those between it and its authority's.
    pub certificate: PathBuf,
    /// The certificate's private key.
    pub key: PathBuf,
    /// The authority by which clients' certificates must be signed; without it clients show none.
    pub client_ca: Option<PathBuf>,
}

/// What the files held when they were read.
#[derive(Clone, PartialEq, Eq)]
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl TlsFiles {
    fn read(&self) -> anyhow::Result<Contents> {
        let read =
            |path: &Path| std::fs::read(path).with_context(|| format!("read {}", path.display()));
        Ok(Contents {
            certificate: read(&self.certificate)?,
            key: read(&self.key)?,
            client_ca: self.client_ca.as_deref().map(read).transpose()?,
        })
    }

    /// The configuration that contents make, for a server that speaks one protocol (ALPN) and is reached under
    /// these names. Errors where they hold no certificate, another's key, or a certificate for none of the names.
    fn config(
        &self,
        contents: &Contents,
        protocol: &[u8],
        names: &[ServerName<'static>],
    ) -> anyhow::Result<ServerConfig> {
        let provider = Arc::new(ring::default_provider());
        let path = self.certificate.display();
        let chain: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(&contents.certificate)
                .collect::<Result<_, _>>()
                .with_context(|| format!("{path}: certificates in PEM are needed"))?;
        let own = chain.first().with_context(|| format!("{path} holds no certificate"))?;
        let parsed = ParsedCertificate::try_from(own).with_context(|| format!("{path}"))?;
        for name in names {
            verify_server_name(&parsed, name).with_context(|| {
                format!("{path} is not for `{}`, a name of this node", name.to_str())
            })?;
        }
        let path = self.key.display();
        let key = PrivateKeyDer::from_pem_slice(&contents.key)
            .with_context(|| format!("{path}: a private key in PEM is needed, not encrypted"))?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13])?;
        let builder = match (&contents.client_ca, &self.client_ca) {
            (Some(bytes), Some(path)) => {
                let verifier = client_verifier(bytes, provider);
                builder.with_client_cert_verifier(
                    verifier.with_context(|| path.display().to_string())?,
                )
            }
            _ => builder.with_no_client_auth(),
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .with_context(|| format!("{path} and its certificate"))?;
        config.alpn_protocols = vec![protocol.to_vec()];
        Ok(config)
    }
}

fn client_verifier(
    pem: &[u8],
    provider: Arc<CryptoProvider>,
) -> anyhow::Result<Arc<dyn rustls::server::danger::ClientCertVerifier>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.context("certificates in PEM are needed")?)?;
    }
    anyhow::ensure!(!roots.is_empty(), "holds no certificate");
    Ok(WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?)
}

/// TLS for a listener, as its files have it now.
pub struct Tls {
    files: TlsFiles,
    protocol: &'static [u8],
    names: Vec<ServerName<'static>>,
    now: RwLock<Now>,
}

struct Now {
    contents: Contents,
    config: Arc<ServerConfig>,
    /// What stands in the files since then and can't be used.
    refused: Option<Contents>,
}

impl Tls {
    /// Reads the files, for a server of one protocol (ALPN). Errors where they can't be used.
    pub fn open(
        files: TlsFiles,
        protocol: &'static [u8],
        names: &[String],
    ) -> anyhow::Result<Self> {
        let names: Vec<_> = names.iter().map(|it| server_name(it)).collect::<Result<_, _>>()?;
        let contents = files.read()?;
        let config = Arc::new(files.config(&contents, protocol, &names)?);
        let now = RwLock::new(Now { contents, config, refused: None });
        Ok(Self { files, protocol, names, now })
    }

    /// What takes the next connection.
    pub fn acceptor(&self) -> TlsAcceptor {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&now.config))
    }

    /// Reads the files again where they changed. What can't be used is logged once, and what was read before stays.
    pub fn look(&self) {
        let found = self.files.read();
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        let contents = match found {
            Ok(contents) => contents,
            // A file that is being replaced is there again soon.
            Err(error) => {
                return tracing::warn!(error = %format!("{error:#}"), "TLS: a file can't be read");
            }
        };
        if contents == now.contents || now.refused.as_ref() == Some(&contents) {
            return;
        }
        match self.files.config(&contents, self.protocol, &self.names) {
            Ok(config) => {
                tracing::info!(certificate = %self.files.certificate.display(), "TLS: read again");
                *now = Now { contents, config: Arc::new(config), refused: None };
            }
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(%error, "TLS: what the files hold now can't be used; what they held before is");
                now.refused = Some(contents);
            }
        }
    }

    /// Looks at the files until told to stop.
    pub async fn follow(self: Arc<Self>, stop: CancellationToken) {
        let mut at_times = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = at_times.tick() => {}
            }
            let this = Arc::clone(&self);
            if tokio::task::spawn_blocking(move || this.look()).await.is_err() {
                tracing::error!("TLS: the files could not be looked at");
            }
        }
    }
}

/// A name that a certificate can be for.
pub fn server_name(name: &str) -> anyhow::Result<ServerName<'static>> {
    let parsed = ServerName::try_from(name.to_owned());
    parsed.with_context(|| {
        format!("server name `{name}`: over TLS a host's name or address is needed, without a port")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use rustls::ClientConfig;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio_rustls::TlsConnector;

    const H2: &[u8] = b"h2";

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            folder.certify(name);
            folder
        }

        /// Writes a new certificate for a name.
        fn certify(&self, name: &str) -> CertificateDer<'static> {
            let made = generate_simple_self_signed([name.to_owned()]).unwrap();
            let CertifiedKey { cert, key_pair } = made;
            std::fs::write(self.files().certificate, cert.pem()).unwrap();
            std::fs::write(self.files().key, key_pair.serialize_pem()).unwrap();
            cert.der().clone()
        }

        fn files(&self) -> TlsFiles {
            let path = |name: &str| self.0.path().join(name);
            TlsFiles { certificate: path("cert.pem"), key: path("key.pem"), client_ca: None }
        }

        fn open(&self, names: &[&str]) -> anyhow::Result<Tls> {
            let names: Vec<String> = names.iter().map(|&it| it.to_owned()).collect();
            Tls::open(self.files(), H2, &names)
        }
    }

    /// What a client that trusts this certificate alone reads of a server.
    async fn reads(
        tls: &Tls,
        trusted: CertificateDer<'static>,
        name: &str,
    ) -> std::io::Result<Vec<u8>> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted).unwrap();
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let mut config = builder
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![H2.to_vec()];
        let (here, there) = tokio::io::duplex(16 << 10);
        let serving = async {
            let mut stream = tls.acceptor().accept(there).await?;
            stream.write_all(b"hello").await?;
            stream.shutdown().await
        };
        let name = server_name(name).unwrap();
        let asking = async {
            let mut stream = TlsConnector::from(Arc::new(config)).connect(name, here).await?;
            let mut read = Vec::new();
            stream.read_to_end(&mut read).await?;
            std::io::Result::Ok(read)
        };
        let (_served, read) = tokio::join!(serving, asking);
        read
    }

    #[tokio::test]
    async fn a_new_certificate_is_taken_up_and_a_bad_one_is_not() {
        let folder = Folder::new("node.example");
        let first = folder.certify("node.example");
        let tls = folder.open(&["node.example"]).unwrap();
        assert_eq!(reads(&tls, first.clone(), "node.example").await.unwrap(), b"hello");
        assert!(reads(&tls, first.clone(), "other.example").await.is_err());

        let second = folder.certify("node.example");
        tls.look();
        assert_eq!(reads(&tls, second.clone(), "node.example").await.unwrap(), b"hello");
        assert!(reads(&tls, first, "node.example").await.is_err());

        for bad in [&b"no certificate"[..], b""] {
            std::fs::write(folder.files().certificate, bad).unwrap();
            tls.look();
            assert_eq!(reads(&tls, second.clone(), "node.example").await.unwrap(), b"hello");
        }
        std::fs::remove_file(folder.files().key).unwrap();
        tls.look();
        assert_eq!(reads(&tls, second, "node.example").await.unwrap(), b"hello");
    }

    #[test]
    fn what_can_not_be_used_is_said_at_start() {
        let folder = Folder::new("node.example");
        let why = |it: anyhow::Result<Tls>| format!("{:#}", it.err().unwrap());
        assert!(why(folder.open(&["other.example"])).contains("not for `other.example`"));
        assert!(why(folder.open(&["node.example:1"])).contains("without a port"));
        let other = Folder::new("node.example");
        std::fs::copy(other.files().key, folder.files().key).unwrap();
        assert!(why(folder.open(&["node.example"])).contains("and its certificate"));
        std::fs::write(folder.files().key, "x").unwrap();
        assert!(why(folder.open(&["node.example"])).contains("a private key in PEM"));
        std::fs::remove_file(folder.files().certificate).unwrap();
        assert!(why(folder.open(&["node.example"])).contains("cert.pem"));
    }
}
