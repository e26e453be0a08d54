//! TLS for what is received by the wire: both sides show certificates.

use anyhow::Context as _;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files in PEM. They are read at the start.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsFiles {
    /// The certificate, with those between it and its authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authority of whoever sends: without a certificate of it nobody does.
    pub client_ca: PathBuf,
}

impl TlsFiles {
    /// All of them.
    pub fn all(&mut self) -> [&mut PathBuf; 3] {
        [&mut self.certificate, &mut self.key, &mut self.client_ca]
    }

    /// As they are used. Errors for what can't be read, or be meant.
    pub fn config(&self) -> anyhow::Result<Arc<ServerConfig>> {
        let provider = Arc::new(ring::default_provider());
        let certificates = |path: &Path| -> anyhow::Result<Vec<CertificateDer<'static>>> {
            let at = || format!("{}: certificates in PEM are needed", path.display());
            let found = CertificateDer::pem_file_iter(path).with_context(at)?;
            let found: Vec<_> = found.collect::<Result<_, _>>().with_context(at)?;
            anyhow::ensure!(!found.is_empty(), "{} holds no certificate", path.display());
            Ok(found)
        };
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&self.client_ca)? {
            roots.add(certificate).with_context(|| format!("{}", self.client_ca.display()))?;
        }
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let key = PrivateKeyDer::from_pem_file(&self.key).with_context(|| {
            format!("{}: a private key in PEM is needed, not encrypted", self.key.display())
        })?;
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(rustls::DEFAULT_VERSIONS)?
            .with_client_cert_verifier(verifier.build()?)
            .with_single_cert(certificates(&self.certificate)?, key)
            .with_context(|| format!("{} and its certificate", self.key.display()))?;
        Ok(Arc::new(config))
    }
}
