//! Logs that are followed, and where their lines come from.

use crate::secret::shown;
use crate::tls::TlsFiles;
use anyhow::Context as _;
use liuhen_proto::types::check_code;
use liuhen_sources::mapping::Mapping;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A log that is followed as it grows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its name, in metrics and logs.
    pub name: String,
    /// `pgaudit` or `mariadb`.
    pub kind: String,
    /// The file that is written; or a pattern with one `*` in the file's name.
    pub log: PathBuf,
    /// The mapping, as `liuhen import` has it.
    pub mapping: PathBuf,
    /// Its lines come by the wire, and are written to the file.
    #[serde(default)]
    pub receive: Option<Receive>,
}

/// Where lines come by the wire.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receive {
    /// How.
    pub protocol: Protocol,
    /// Where.
    pub listen: SocketAddr,
    /// Of HTTP: a file with the secret that whoever sends shows.
    #[serde(default)]
    pub secret: Option<PathBuf>,
    /// Of TLS: the certificate's file, its key's, and the authority's that whoever sends has a certificate of.
    #[serde(default)]
    pub tls: Option<TlsFiles>,
}

/// How lines come by the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Syslog over TCP.
    Tcp,
    /// Syslog over TLS (RFC 5425).
    Tls,
    /// Syslog over UDP: what the network or the system drops is gone.
    Udp,
    /// Lines pushed over HTTP, acknowledged when they are on disk.
    Http,
}

impl Source {
    /// Errors for what can't be meant.
    pub(super) fn checked(&self, allow_plaintext: bool) -> anyhow::Result<()> {
        let name = &self.name;
        check_code(name).with_context(|| format!("source {name}"))?;
        self.kind()?;
        Mapping::read(&self.mapping).with_context(|| format!("source {name}"))?;
        let Some(receive) = &self.receive else { return Ok(()) };
        anyhow::ensure!(
            receive.listen.ip().is_loopback()
                || allow_plaintext
                || receive.protocol == Protocol::Tls,
            "source {name}: from other machines lines come in the clear: listen on 127.0.0.1 behind what encrypts, or say allow_plaintext"
        );
        anyhow::ensure!(
            !self.log.to_string_lossy().contains('*'),
            "source {name}: what is received is written to one file"
        );
        anyhow::ensure!(
            receive.secret.is_some() == (receive.protocol == Protocol::Http),
            "source {name}: a `secret` belongs to http, and to nothing else"
        );
        anyhow::ensure!(
            receive.tls.is_some() == (receive.protocol == Protocol::Tls),
            "source {name}: `tls` with `certificate`, `key` and `client_ca` belongs to tls, and to nothing else"
        );
        let tls = receive.tls.as_ref().map_or(Ok(()), |it| it.config().map(drop));
        tls.with_context(|| format!("source {name}"))?;
        receive.secret.as_ref().map_or(Ok(()), |it| shown(it).map(drop))
    }
}

impl Source {
    /// What kind of log it is.
    pub fn kind(&self) -> anyhow::Result<liuhen_sources::Source> {
        use liuhen_sources::Source as Kind;
        let followed = [Kind::Pgaudit, Kind::Mariadb];
        followed.into_iter().find(|it| it.name() == self.kind).with_context(|| {
            let name = &self.name;
            format!("source {name}: {} is none of pgaudit, mariadb", self.kind)
        })
    }
}
