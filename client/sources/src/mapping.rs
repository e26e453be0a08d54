//! The mapping of a log's names to those of the ledger.

use liuhen_client::error::ClientError;
use liuhen_client::submit::random;
use liuhen_proto::wire::Assurance;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A mapping file, TOML.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The zone of the log's times, as in the IANA database: the log's own abbreviation is not
    /// unique.
    pub time_zone: String,
    /// The databases whose accesses this gateway records; others' lines are counted and left.
    pub databases: BTreeSet<String>,
    /// The file of the secret salt, relative to the mapping; made at the first import.
    pub salt_file: PathBuf,
    /// Database role → identity.
    #[serde(default)]
    pub roles: BTreeMap<String, Role>,
    /// `database.schema.table` → dataset.
    #[serde(default)]
    pub relations: BTreeMap<String, String>,
    /// Grant named in a comment → reference of the request, where they differ.
    #[serde(default)]
    pub grants: BTreeMap<String, String>,
    #[serde(skip)]
    folder: PathBuf,
}

/// Who uses a database role.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// `department/code`.
    pub identity: String,
    /// For what purpose; absent: unknown.
    #[serde(default)]
    pub purpose: String,
    /// How sure it is that this identity asked.
    #[serde(default)]
    pub assurance: AssuranceName,
}

/// How sure it is who asked.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssuranceName {
    /// The database authenticated the role, and only this identity has it.
    #[default]
    Verified,
    /// The party says so of itself.
    Claimed,
    /// Nothing supports it.
    None,
}

impl AssuranceName {
    /// As records have it.
    pub fn to_wire(self) -> Assurance {
        match self {
            Self::Verified => Assurance::Verified,
            Self::Claimed => Assurance::Claimed,
            Self::None => Assurance::Unspecified,
        }
    }
}

impl Mapping {
    /// Reads a mapping file. Errors name the line.
    pub fn read(path: &Path) -> Result<Self, ClientError> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| ClientError::Failed(format!("{}: {e}", path.display())))?;
        Self::parse(&text, path)
    }

    /// Reads the text of a mapping file; `path` names it in errors, and its salt lies beside it.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ClientError> {
        let shown = path.display();
        let mut mapping: Self =
            toml::from_str(text).map_err(|e| ClientError::Usage(format!("{shown}: {e}")))?;
        mapping.folder = path.parent().map(Path::to_owned).unwrap_or_default();
        jiff::tz::TimeZone::get(&mapping.time_zone)
            .map_err(|e| ClientError::Usage(format!("{shown}: time_zone: {e}")))?;
        for relation in mapping.relations.keys() {
            if relation.split('.').count() != 3 {
                let why =
                    format!("{shown}: relation `{relation}`: database.schema.table is needed");
                return Err(ClientError::Usage(why));
            }
        }
        Ok(mapping)
    }

    /// The dataset of a relation, `schema.table`, of a database.
    pub fn dataset(&self, database: &str, relation: &str) -> Option<&str> {
        self.relations.get(&format!("{database}.{relation}")).map(String::as_str)
    }

    /// The dataset of a table named without its schema, if only one is meant.
    pub fn dataset_of_table(&self, database: &str, table: &str) -> Option<&str> {
        let mut fitting = self.relations.iter().filter(|(relation, _)| {
            let mut parts = relation.split('.');
            parts.next() == Some(database) && parts.nth(1) == Some(table)
        });
        let only = fitting.next()?;
        fitting.next().is_none().then_some(only.1.as_str())
    }

    /// The secret salt. It is made if the gateway has recorded nothing yet; later it must be there,
    /// for without it nobody could say what is recorded already.
    pub fn salt(&self, may_make: bool) -> Result<[u8; 32], ClientError> {
        let path = self.folder.join(&self.salt_file);
        let at = |e: std::io::Error| ClientError::Failed(format!("{}: {e}", path.display()));
        if !path.exists() && may_make {
            let salt: [u8; 32] = random()?;
            let mut options = std::fs::OpenOptions::new();
            let mut file =
                options.write(true).create_new(true).mode(0o600).open(&path).map_err(at)?;
            file.write_all(hex::encode(salt).as_bytes()).map_err(at)?;
            file.sync_all().map_err(at)?;
            return Ok(salt);
        }
        if !path.exists() {
            return Err(ClientError::Failed(format!(
                "{}: the salt is gone, but this gateway has records: without it, it can't be told \
                 which statements are recorded already. Restore it from a backup",
                path.display()
            )));
        }
        let text = std::fs::read_to_string(&path).map_err(at)?;
        let mut salt = [0; 32];
        hex::decode_to_slice(text.trim(), &mut salt)
            .map_err(|_| ClientError::Failed(format!("{}: not a salt", path.display())))?;
        Ok(salt)
    }
}
