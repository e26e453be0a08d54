//! The using side's settings: a TOML file. What is not known in it is an error.

use crate::rows::Rows;
use crate::secret::shown;
use anyhow::Context as _;
use liuhen_proto::types::check_code;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// All settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The founding document, of which everything is verified.
    pub genesis: PathBuf,
    /// Nodes: `https://host:port`, or `http://` on this machine.
    pub nodes: Vec<String>,
    /// The key file of a system of the using department.
    pub key: PathBuf,
    /// Whether nodes on other machines may be spoken to in the clear, and the own door be asked from there.
    #[serde(default)]
    pub allow_plaintext: bool,
    /// The file of what was received, on a disk.
    pub received: PathBuf,
    /// Where metrics and probes are served; without it: nowhere.
    #[serde(default)]
    pub watch: Option<SocketAddr>,
    /// Doors.
    #[serde(rename = "door", default)]
    pub doors: Vec<Door>,
}

/// Where what is received is seen.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Door {
    /// Its name, in logs.
    pub name: String,
    /// How.
    pub kind: DoorKind,
    /// Where it is asked.
    pub listen: SocketAddr,
    /// Of the own door: the collector's service, `http://host:port`.
    #[serde(default)]
    pub upstream: Option<String>,
    /// Of the own door: how rows stand in what the collector answers; without it they are unknown.
    #[serde(default)]
    pub rows: Option<Rows>,
    /// Of the API: a file with the secret that the service shows.
    #[serde(default)]
    pub secret: Option<PathBuf>,
}

/// How what is received is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DoorKind {
    /// A proxy before the collector's service: the application asks it in its place.
    Own,
    /// A service says so itself.
    Api,
}

impl Settings {
    /// Reads the file; paths in it are beside it.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
        let mut settings: Self =
            toml::from_str(&text).with_context(|| format!("{}", path.display()))?;
        let beside = path.parent().unwrap_or(Path::new(".")).to_owned();
        for one in [&mut settings.genesis, &mut settings.key, &mut settings.received] {
            *one = beside.join(&*one);
        }
        for secret in settings.doors.iter_mut().filter_map(|it| it.secret.as_mut()) {
            *secret = beside.join(&*secret);
        }
        settings.checked()?;
        Ok(settings)
    }

    /// Errors for what can't be meant.
    fn checked(&self) -> anyhow::Result<()> {
        anyhow::ensure!(!self.nodes.is_empty(), "nodes: one at least is needed");
        anyhow::ensure!(!self.doors.is_empty(), "a [[door]] is needed");
        for (number, door) in self.doors.iter().enumerate() {
            let name = &door.name;
            check_code(name).with_context(|| format!("door {name}"))?;
            let is_own = door.kind == DoorKind::Own;
            anyhow::ensure!(
                door.listen.ip().is_loopback() || is_own && self.allow_plaintext,
                "door {name}: it is asked on this machine alone: listen on 127.0.0.1 or ::1"
            );
            anyhow::ensure!(
                door.upstream.is_some() == is_own && door.secret.is_some() != is_own,
                "door {name}: the own door has an `upstream`, the API a `secret`"
            );
            anyhow::ensure!(
                door.rows.is_none() || is_own,
                "door {name}: a service says itself how many rows there were"
            );
            let twice = self.doors.iter().skip(number + 1).any(|it| it.name == *name);
            anyhow::ensure!(!twice, "door {name}: two have this name");
            door.secret.as_ref().map_or(Ok(()), |it| shown(it).map(drop))?;
        }
        Ok(())
    }
}
