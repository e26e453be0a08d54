//! The mapping of a log's names to those of the ledger.

pub use crate::assurance::AssuranceName;
use crate::files::FileRule;
use crate::relation::Relation;
use crate::sql::{self, Dialect, Name, Schema};
use crate::statement::Caller;
use liuhen_client::error::ClientError;
use liuhen_client::submit::random;
use liuhen_proto::types::IdentityId;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A mapping file, TOML.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// The zone of the log's times, as in the IANA database: the log's own abbreviation is not
    /// unique.
    pub time_zone: String,
    /// What tells this server from others whose logs the gateway records; needed where there are several.
    #[serde(default)]
    pub server: String,
    /// The databases whose accesses this gateway records; others' lines are counted and left.
    pub databases: BTreeSet<String>,
    /// The file of the secret salt, relative to the mapping; made at the first import.
    pub salt_file: PathBuf,
    /// The platform that carried what a list tells of, and states it: an identity, `department/code`. Each record names it.
    #[serde(default)]
    pub platform: Option<String>,
    /// Sessions are shared by several callers in turn, as a pool of transactions does: what is set holds for its transaction.
    #[serde(default)]
    pub pooled: bool,
    /// The log was filtered before it came here: lines that are missing tell nothing.
    #[serde(default)]
    pub filtered: bool,
    /// What stands before each line of a PostgreSQL log of text, as in postgresql.conf; absent: `%m [%p] `, its default.
    #[serde(default = "log_line_prefix")]
    pub log_line_prefix: String,
    /// Database role → identity.
    #[serde(default)]
    pub roles: BTreeMap<String, Role>,
    /// Who asks, by more than the role; the first that fits, before `roles`.
    #[serde(default)]
    pub callers: Vec<CallerOf>,
    /// Under which grant a caller asks who names none.
    #[serde(default)]
    pub rules: Vec<GrantRule>,
    /// How many bytes of a text MariaDB's server_audit writes (`server_audit_query_log_limit`): one as long may be cut off.
    #[serde(default = "query_log_limit")]
    pub query_log_limit: usize,
    /// Of what form a log is that a program reads (`mapped`).
    #[serde(default)]
    pub format: Option<Format>,
    /// The names of its values between commas; absent: the first line has them.
    #[serde(default)]
    pub header: Vec<String>,
    /// The jq program that tells the accesses of a record.
    #[serde(default)]
    pub jq: Option<String>,
    /// Or its file, relative to the mapping.
    #[serde(default)]
    pub jq_file: Option<PathBuf>,
    /// `database.schema.table` → dataset; MariaDB's databases are its schemas: `database.database.table`.
    #[serde(default)]
    pub relations: BTreeMap<Relation, String>,
    /// Files that are handed over, of which dataset and to whom; the first that fits.
    #[serde(default)]
    pub files: Vec<FileRule>,
    /// Relations that hold no dataset's data.
    #[serde(default)]
    pub ignore: BTreeSet<Relation>,
    /// `database.schema.function` → the datasets that it reads where no log says so; none: it reads none.
    #[serde(default)]
    pub functions: BTreeMap<Relation, BTreeSet<String>>,
    /// Columns of relations, in order: by these `*` and columns named without their table are told.
    #[serde(default)]
    pub columns: BTreeMap<Relation, Vec<String>>,
    /// The SELECT of a view.
    #[serde(default)]
    pub views: BTreeMap<Relation, String>,
    /// By dataset: column → the field that it holds, where they differ.
    #[serde(default)]
    pub fields: BTreeMap<String, BTreeMap<String, String>>,
    /// Grant named in a comment → reference of the request, where they differ.
    #[serde(default)]
    pub grants: BTreeMap<String, String>,
    /// Of whatever database: a log is only looked at.
    #[serde(skip)]
    any_database: bool,
    #[serde(skip)]
    folder: PathBuf,
}

fn log_line_prefix() -> String {
    "%m [%p] ".to_owned()
}

/// Its default.
fn query_log_limit() -> usize {
    1024
}

/// Of what form a log is that a program reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A value of JSON a line.
    Json,
    /// Values between commas.
    Csv,
    /// Pairs `key=value`.
    Logfmt,
    /// Lines of syslog.
    Syslog,
}

/// Who asks, told by what the log says of a connection. All that is given must fit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallerOf {
    /// The database role.
    #[serde(default)]
    pub role: Option<String>,
    /// Of which client addresses: one, or a network such as `10.1.0.0/16`.
    #[serde(default)]
    pub address: Option<Network>,
    /// What the client calls itself. Nothing but its own word: with this alone it is claimed at most.
    #[serde(default)]
    pub application_name: Option<String>,
    /// `department/code`.
    pub identity: String,
    /// For what purpose; absent: unknown.
    #[serde(default)]
    pub purpose: String,
    /// How sure it is that this identity asked.
    #[serde(default)]
    pub assurance: AssuranceName,
}

/// Under which grant a caller asks who names none: the only one of the caller's department that fits; none, where several do.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantRule {
    /// Who asks, `department/code`.
    pub identity: String,
    /// Of which dataset; absent: any.
    #[serde(default)]
    pub dataset: Option<String>,
    /// For what purpose.
    pub purpose: String,
}

/// An address, or all that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether an address, as a log has it, is one of them.
    pub fn holds(&self, address: &str) -> bool {
        let Ok(address) = address.parse::<IpAddr>() else { return false };
        match (self.address.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(it)) => {
                let shift = 32 - u32::from(self.bits.min(32));
                own.to_bits().checked_shr(shift) == it.to_bits().checked_shr(shift)
            }
            (IpAddr::V6(own), IpAddr::V6(it)) => {
                let shift = 128 - u32::from(self.bits.min(128));
                own.to_bits().checked_shr(shift) == it.to_bits().checked_shr(shift)
            }
            _ => false,
        }
    }
}

impl<'de> Deserialize<'de> for Network {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bad = || D::Error::custom(format!("`{text}` is no address and no network"));
        let (address, bits) =
            text.split_once('/').map_or((text.as_str(), None), |(it, bits)| (it, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| bad())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| bad())?;
        if bits > most { Err(bad()) } else { Ok(Self { address, bits }) }
    }
}

/// What a relation of a log is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meant<'a> {
    /// It holds the data of a dataset.
    Dataset(&'a str),
    /// It holds none: the mapping says so, or it is the server's own.
    None,
    /// The mapping does not name it.
    Unknown,
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
        for (view, text) in &mapping.views {
            let told = sql::told(text, Dialect::Postgres, &mapping.schema(&view.database));
            if told.is_none_or(|it| it.touches.is_empty()) {
                let why =
                    format!("{shown}: views: of {view} it can't be told which relations it reads");
                return Err(ClientError::Usage(why));
            }
        }
        let callers = mapping.callers.iter();
        if callers
            .clone()
            .any(|it| it.role.is_none() && it.address.is_none() && it.application_name.is_none())
        {
            let why =
                format!("{shown}: callers: a role, an address or an application_name is needed");
            return Err(ClientError::Usage(why));
        }
        mapping.folder = path.parent().map(Path::to_owned).unwrap_or_default();
        jiff::tz::TimeZone::get(&mapping.time_zone)
            .map_err(|e| ClientError::Usage(format!("{shown}: time_zone: {e}")))?;
        Ok(mapping)
    }

    /// One that names nothing but the zone of a log's times, by which a log can be looked at.
    pub fn of_any(time_zone: &str) -> Self {
        Self { time_zone: time_zone.to_owned(), any_database: true, ..Self::default() }
    }

    /// Whether it names nothing: a log is only looked at.
    pub(crate) fn is_of_any(&self) -> bool {
        self.any_database
    }

    /// The SELECT of a view, as the mapping has it.
    pub(crate) fn view(&self, database: &str, name: &Name) -> Option<&str> {
        self.views.get(&Relation::of(database, name)?).map(String::as_str)
    }

    /// The datasets whose data relations of a schema hold.
    pub(crate) fn of_schema(&self, database: &str, schema: &str) -> BTreeSet<&str> {
        let fits =
            |it: &Relation| it.schema == schema && (database.is_empty() || it.database == database);
        let all = self.relations.iter().filter(|(relation, _)| fits(relation));
        all.map(|(_, dataset)| dataset.as_str()).collect()
    }

    /// Whether accesses to a database are recorded.
    pub fn has(&self, database: &str) -> bool {
        self.any_database || self.databases.contains(database)
    }

    /// A statement's reference within its server's log, as one among all servers'.
    pub(crate) fn reference(&self, of: &str) -> String {
        match self.server.as_str() {
            "" => of.to_owned(),
            server => format!("{server}/{of}"),
        }
    }

    /// The jq program that reads a log; `None` where there is none. Errors where there are two, or its file can't be read.
    pub(crate) fn program(&self) -> Result<Option<String>, ClientError> {
        match (&self.jq, &self.jq_file) {
            (Some(_), Some(_)) => {
                let why = "mapping: `jq` and `jq_file` are both there: one is needed";
                Err(ClientError::Usage(why.to_owned()))
            }
            (None, Some(file)) => {
                let path = self.folder.join(file);
                let text = std::fs::read_to_string(&path);
                let at = |e| ClientError::Failed(format!("{}: {e}", path.display()));
                text.map(Some).map_err(at)
            }
            (text, None) => Ok(text.clone()),
        }
    }

    /// What a relation of a database is. One that is named without its schema is the only one of that name in the mapping.
    pub fn meant(&self, database: &str, name: &Name, dialect: Dialect) -> Meant<'_> {
        if sql::is_systems(name, dialect) {
            return Meant::None;
        }
        let Some(relation) = Relation::of(database, name) else {
            let fits = |it: &&Relation| it.database == database && it.name == name.table;
            let datasets: BTreeSet<&str> = self
                .relations
                .iter()
                .filter(|(relation, _)| fits(relation))
                .map(|(_, dataset)| dataset.as_str())
                .collect();
            let ignored = self.ignore.iter().any(|it| fits(&it));
            return match (datasets.iter().next(), datasets.len(), ignored) {
                (Some(only), 1, false) => Meant::Dataset(only),
                (None, _, true) => Meant::None,
                _ => Meant::Unknown,
            };
        };
        match self.relations.get(&relation) {
            Some(dataset) => Meant::Dataset(dataset),
            // A view's tables are told with it.
            None if self.ignore.contains(&relation) || self.views.contains_key(&relation) => {
                Meant::None
            }
            None => Meant::Unknown,
        }
    }

    /// The datasets that a function of a database reads, as the mapping says; `None` where it does not name it.
    pub fn function(&self, database: &str, name: &Name) -> Option<&BTreeSet<String>> {
        let fits = |it: &Relation| {
            let schema = name.schema.as_ref().is_none_or(|schema| *schema == it.schema);
            it.database == database && it.name == name.table && schema
        };
        self.functions.iter().find(|(it, _)| fits(it)).map(|(_, datasets)| datasets)
    }

    /// The columns and views of a database.
    pub fn schema(&self, database: &str) -> Schema {
        let of = |it: &&Relation| it.database == database;
        let tables = self.columns.iter().filter(|(it, _)| of(it));
        let views = self.views.iter().filter(|(it, _)| of(it));
        Schema::new(
            tables.map(|(it, columns)| (it.to_name(), columns.clone())).collect(),
            views.map(|(it, text)| (it.to_name(), text.clone())).collect(),
        )
    }

    /// The field of a dataset that a column holds.
    pub fn field<'a>(&'a self, dataset: &str, column: &'a str) -> &'a str {
        let renamed = self.fields.get(dataset).and_then(|it| it.get(column));
        renamed.map_or(column, String::as_str)
    }

    /// Who asks.
    pub fn caller(&self, caller: &Caller) -> Option<Role> {
        let fits = |it: &&CallerOf| {
            let role = it.role.as_ref().is_none_or(|role| *role == caller.role);
            let address = it.address.is_none_or(|network| network.holds(&caller.address));
            let application =
                it.application_name.as_ref().is_none_or(|name| *name == caller.application);
            role && address && application
        };
        let Some(found) = self.callers.iter().find(fits) else {
            let receiver = || self.files.iter().find(|it| it.account() == caller.role);
            let role = |it: &FileRule| Role {
                identity: it.receiver.clone(),
                purpose: it.purpose.clone(),
                assurance: it.assurance,
            };
            return self.roles.get(&caller.role).cloned().or_else(|| receiver().map(role));
        };
        let only_its_word = found.role.is_none() && found.address.is_none();
        let assurance = match only_its_word {
            true => found.assurance.at_most_claimed(),
            false => found.assurance,
        };
        let (identity, purpose) = (found.identity.clone(), found.purpose.clone());
        Some(Role { identity, purpose, assurance })
    }

    /// The rule by which a caller asks for a dataset that names no grant.
    pub fn rule(&self, identity: &str, dataset: &str) -> Option<&GrantRule> {
        self.rules.iter().find(|it| {
            it.identity == identity && it.dataset.as_ref().is_none_or(|one| one == dataset)
        })
    }

    /// Where it is kept what a gateway has recorded: beside the salt.
    pub fn known_file(&self, gateway: &IdentityId) -> PathBuf {
        let gateway = gateway.to_string();
        let short = gateway.get(..16).unwrap_or(&gateway);
        let mut name = self.salt_file.clone().into_os_string();
        name.push(format!(".{short}.recorded"));
        self.folder.join(name)
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
