//! What can be put to the vote, as subcommands of `liuhen proposal new`.

use super::member::{NewDepartment, RootKeys, Succession, rights};
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_genesis::{day_of_year, fraction};
use liuhen_proto::ledger::parameters::{ALL, Held};
use liuhen_proto::suite::sign::PublicKey;
use liuhen_proto::wire::{self, propose};

/// A change of the consortium
#[derive(Debug, clap::Subcommand)]
pub enum Change {
    /// Admit a new member: with a vote, or with --weight 0 without one
    Admit {
        #[command(flatten)]
        department: Box<NewDepartment>,
        /// The weight of its vote; 0 gives it none
        #[arg(long, default_value_t = 1)]
        weight: u64,
    },
    /// Give a member a vote, another weight, or none
    Weight {
        /// The member
        department: String,
        /// The weight; 0 takes its vote away
        #[arg(long)]
        weight: u64,
    },
    /// Suspend, reinstate or remove a member
    Member {
        /// The member
        department: String,
        /// What becomes of it
        #[arg(long, value_parser = ["suspend", "reinstate", "remove"])]
        change: String,
    },
    /// Give a member these rights, and no others
    Rights {
        /// The member
        department: String,
        /// Rights: collect, use, manage, audit, regulate
        #[arg(long, value_delimiter = ',')]
        rights: Vec<String>,
    },
    /// Add a validator, change its power, or take it out
    Validator(Validator),
    /// Change parameters; what is not named stays as it is
    Parameters(Parameters),
    /// Decide on a year's holidays and make-up days
    Calendar {
        /// The year
        year: u32,
        /// Weekdays without work, `2026-10-01`
        #[arg(long, value_delimiter = ',')]
        holidays: Vec<String>,
        /// Weekend days with work
        #[arg(long, value_delimiter = ',')]
        make_up_days: Vec<String>,
    },
    /// Follow another protocol version from a height on; the version in force at the height that is planned calls that
    /// off
    Protocol {
        /// The version
        protocol: u32,
        /// The height
        #[arg(long)]
        height: u64,
    },
    /// Give a department new root keys at once
    Root {
        /// The department
        department: String,
        #[command(flatten)]
        root: RootKeys,
    },
    /// Let a department take another's place
    Succeed(Succession),
    /// Let a node connect no more: its network key was lost, or it is no more
    RemovePeer {
        /// Its libp2p peer id
        peer_id: String,
    },
    /// Void a department's integrity events of some heights: what an operator's slip made of honest people
    Void {
        /// The department
        department: String,
        /// The first height
        #[arg(long)]
        from_height: u64,
        /// The last height
        #[arg(long)]
        until_height: u64,
        /// Of these rules alone, as `integrity list` names them; without: of all
        #[arg(long = "rule", value_delimiter = ',')]
        rules: Vec<String>,
    },
}

/// A validator
#[derive(Debug, clap::Args)]
pub struct Validator {
    /// Its public key, 64 hexadecimal digits: that of a node's identity
    public_key: String,
    /// The public key that it cosigns checkpoints with; not needed to take it out
    #[arg(long, default_value = "")]
    cosigner_key: String,
    /// The weight of its vote; 0 takes it out
    #[arg(long)]
    power: u64,
    /// The department that runs it
    #[arg(long, requires = "peer_id")]
    department: Option<String>,
    /// Its libp2p peer id
    #[arg(long, requires = "department")]
    peer_id: Option<String>,
    /// Where it listens for consensus, a multiaddr
    #[arg(long, default_value = "")]
    consensus_address: String,
    /// Where it hears transactions, a multiaddr
    #[arg(long, default_value = "")]
    gossip_address: String,
}

/// Parameters to change
#[derive(Debug, clap::Args)]
pub struct Parameters {
    /// The leading department
    #[arg(long)]
    lead: Option<String>,
    #[arg(long = "set", value_delimiter = ',', help = set_help())]
    numbers: Vec<String>,
    #[arg(long = "add", value_delimiter = ',', help = list_help("A code more of a list"))]
    added: Vec<String>,
    /// A code less of a list
    #[arg(long = "remove", value_delimiter = ',')]
    removed: Vec<String>,
    /// Who manages a division's grants, `5201:gz.bdb/gz.gov`: division, manager, deputy
    #[arg(long = "manager", value_delimiter = ',')]
    managers: Vec<String>,
}

impl Change {
    /// As a proposal carries it.
    pub(super) async fn to_wire(&self, node: &Node) -> Result<propose::Change, ClientError> {
        use propose::Change as Wire;
        Ok(match self {
            Self::Admit { department, weight } => Wire::AdmitVoter(wire::AdmitVoter {
                department: Some(department.to_wire("")?),
                member: String::new(),
                weight: *weight,
            }),
            Self::Weight { department, weight } => Wire::AdmitVoter(wire::AdmitVoter {
                department: None,
                member: department.clone(),
                weight: *weight,
            }),
            Self::Member { department, change } => Wire::ChangeMember(wire::ChangeMember {
                department: department.clone(),
                change: match change.as_str() {
                    "suspend" => wire::StandingChange::Suspend as i32,
                    "reinstate" => wire::StandingChange::Reinstate as i32,
                    _ => wire::StandingChange::Revoke as i32,
                },
            }),
            Self::Rights { department, rights: names } => Wire::SetRights(wire::SetRights {
                department: department.clone(),
                rights: rights(names)?,
            }),
            Self::Validator(it) => Wire::SetValidator(it.to_wire()?),
            Self::Parameters(it) => Wire::SetParameters(it.to_wire(node).await?),
            Self::Calendar { year, holidays, make_up_days } => Wire::SetCalendar(wire::Calendar {
                year: *year,
                holidays: days(*year, holidays)?,
                make_up_days: days(*year, make_up_days)?,
                missing: false,
            }),
            Self::Protocol { protocol, height } => {
                Wire::SetProtocol(wire::SetProtocol { protocol: *protocol, height: *height })
            }
            Self::Root { department, root } => Wire::SetRoot(wire::SetRoot {
                department: department.clone(),
                root: Some(root.to_wire()?),
            }),
            Self::Succeed(it) => Wire::Succeed(it.to_wire()?),
            Self::RemovePeer { peer_id } => {
                Wire::RemovePeer(wire::RemovePeer { peer_id: peer_id.clone() })
            }
            Self::Void { department, from_height, until_height, rules } => {
                Wire::VoidIntegrity(wire::VoidIntegrity {
                    department: department.clone(),
                    from_height: *from_height,
                    until_height: *until_height,
                    rules: integrity_rules(rules)?,
                })
            }
        })
    }
}

/// Rules by their names, ascending.
fn integrity_rules(names: &[String]) -> Result<Vec<i32>, ClientError> {
    let mut rules = Vec::new();
    for name in names {
        let upper = name.to_ascii_uppercase().replace(['-', ' '], "_");
        let rule = wire::IntegrityRule::from_str_name(&format!("INTEGRITY_RULE_{upper}"));
        let rule = rule.filter(|it| *it != wire::IntegrityRule::Unspecified);
        let unknown = || {
            ClientError::usage(
                format!("`{name}` is no rule of the integrity chain"),
                format!("“{name}”不是诚信链的规则"),
            )
        };
        rules.push(rule.ok_or_else(unknown)? as i32);
    }
    rules.sort_unstable();
    rules.dedup();
    Ok(rules)
}

fn days(year: u32, list: &[String]) -> Result<Vec<u32>, ClientError> {
    let days = list.iter().map(|day| day_of_year(year, day).map_err(ClientError::Usage));
    let mut days = days.collect::<Result<Vec<_>, _>>()?;
    days.sort_unstable();
    Ok(days)
}

impl Validator {
    fn to_wire(&self) -> Result<wire::SetValidator, ClientError> {
        let usage = |e: &dyn std::fmt::Display| ClientError::Usage(format!("public key: {e}"));
        let bytes = hex::decode(&self.public_key).map_err(|e| usage(&e))?;
        let key = PublicKey::from_slice(&bytes).map_err(|e| usage(&e))?;
        let cosigner_key = hex::decode(&self.cosigner_key)
            .map_err(|e| ClientError::Usage(format!("cosigner key: {e}")))?;
        let peer = match (&self.department, &self.peer_id) {
            (Some(department), Some(peer_id)) => Some(wire::Peer {
                removed: false,
                department: department.clone(),
                peer_id: peer_id.clone(),
                consensus_address: self.consensus_address.clone(),
                gossip_address: self.gossip_address.clone(),
            }),
            _ => None,
        };
        Ok(wire::SetValidator {
            validator: Some(wire::Validator {
                key_id: key.key_id().to_vec(),
                algorithm: key.algorithm(),
                public_key: bytes,
                cosigner_key,
                power: self.power,
            }),
            peer,
        })
    }
}

fn pair(text: &str) -> Result<(&str, &str), ClientError> {
    text.split_once('=')
        .ok_or_else(|| ClientError::Usage(format!("`{text}`: name=value is needed")))
}

impl Parameters {
    /// The parameters that hold now, changed, and the digest of those that hold.
    async fn to_wire(&self, node: &Node) -> Result<wire::SetParameters, ClientError> {
        let now = node.consortium().await?;
        let mut it = now.parameters.unwrap_or_default();
        if let Some(lead) = &self.lead {
            it.lead.clone_from(lead);
        }
        for text in &self.numbers {
            set(&mut it, text)?;
        }
        for text in &self.added {
            let (name, code) = pair(text)?;
            let list = list(&mut it, name)?;
            list.push(code.to_owned());
            list.sort();
            list.dedup();
        }
        for text in &self.removed {
            let (name, code) = pair(text)?;
            list(&mut it, name)?.retain(|one| one != code);
        }
        for text in &self.managers {
            let bad = || ClientError::Usage(format!("`{text}`: division:manager/deputy"));
            let (division, rest) = text.split_once(':').ok_or_else(bad)?;
            let (manager, deputy) = rest.split_once('/').unwrap_or((rest, ""));
            it.managers.retain(|one| one.division != division);
            it.managers.push(wire::Manager {
                division: division.to_owned(),
                manager: manager.to_owned(),
                deputy: deputy.to_owned(),
            });
            it.managers.sort_by(|a, b| a.division.cmp(&b.division));
        }
        Ok(wire::SetParameters { parameters: Some(it), basis: now.parameters_digest })
    }
}

/// The names of the parameters that are held in a way.
fn names(held: impl Fn(&Held) -> bool) -> String {
    let fitting = ALL.iter().filter(|row| held(&row.held)).map(|row| row.name);
    fitting.collect::<Vec<_>>().join(", ")
}

/// Whether `--set` says what it is.
fn is_number(held: &Held) -> bool {
    match held {
        Held::Days(_)
        | Held::TenThousandths(_)
        | Held::Milliseconds(_)
        | Held::Count(_)
        | Held::MillisecondsByGrade(_)
        | Held::Part(_) => true,
        Held::Department(_)
        | Held::Codes(_)
        | Held::Managers(_)
        | Held::Points(_)
        | Held::Watches(_)
        | Held::ByLedger(_) => false,
    }
}

fn set_help() -> String {
    format!(
        "A number, `decide_days=10`, one for each grade, `decision_age_ms=60000:60000:60000:60000`, a part, \
         `ordinary=1/2`, or of a watch or an integrity rule, `watch.burst.limit=100`, `points.uncovered=30`: {}",
        names(is_number)
    )
}

fn list_help(what: &str) -> String {
    format!("{what}, `purposes=housing`: {}", names(|held| matches!(held, Held::Codes(_))))
}

fn list<'a>(it: &'a mut wire::Parameters, name: &str) -> Result<&'a mut Vec<String>, ClientError> {
    let row = ALL.iter().find(|row| row.name == name);
    match row.map(|row| row.held) {
        Some(Held::Codes(at)) => Ok(at(it)),
        _ => {
            let lists = names(|held| matches!(held, Held::Codes(_)));
            let why = format!("`{name}` is no list of the parameters; there are: {lists}");
            Err(ClientError::Usage(why))
        }
    }
}

/// Sets a number: one of the parameters' own, the limit or window of a watch
/// (`watch.burst.limit=100`), or the points of an integrity rule (`points.uncovered=30`).
fn set(it: &mut wire::Parameters, text: &str) -> Result<(), ClientError> {
    let (name, value) = pair(text)?;
    let bad = |_| ClientError::Usage(format!("`{text}`: a number is needed"));
    if let Some(rest) = name.strip_prefix("watch.") {
        return set_watch(it, rest, value.parse().map_err(bad)?);
    }
    if let Some(rule) = name.strip_prefix("points.") {
        return set_points(it, rule, value.parse().map_err(bad)?);
    }
    let row = ALL.iter().find(|row| row.name == name && is_number(&row.held));
    match row.map(|row| row.held) {
        Some(Held::Days(at) | Held::TenThousandths(at)) => {
            *at(it) = value.parse().map_err(bad)?;
        }
        Some(Held::Milliseconds(at)) => *at(it) = value.parse().map_err(bad)?,
        Some(Held::MillisecondsByGrade(at)) => {
            let numbers = value.split(':').map(str::parse).collect::<Result<_, _>>();
            *at(it) = numbers.map_err(bad)?;
        }
        Some(Held::Part(at)) => *at(it) = Some(fraction(value).map_err(ClientError::Usage)?),
        _ => {
            let all = names(is_number);
            let why = format!("`{name}` is no number of the parameters; there are: {all}");
            return Err(ClientError::Usage(why));
        }
    }
    Ok(())
}

fn set_watch(it: &mut wire::Parameters, name: &str, value: u64) -> Result<(), ClientError> {
    let bad = || ClientError::Usage(format!("`watch.{name}`: watch.KIND.limit or .window_ms"));
    let (kind, what) = name.rsplit_once('.').ok_or_else(bad)?;
    let kind = wire::WatchKind::from_str_name(&format!("WATCH_KIND_{}", kind.to_uppercase()));
    let kind = kind.ok_or_else(bad)? as i32;
    if !it.watches.iter().any(|one| one.kind == kind) {
        it.watches.push(wire::Watch { kind, ..wire::Watch::default() });
        it.watches.sort_by_key(|one| one.kind);
    }
    for one in it.watches.iter_mut().filter(|one| one.kind == kind) {
        match what {
            "limit" => one.limit = value,
            "window_ms" => one.window_ms = value,
            _ => return Err(bad()),
        }
    }
    Ok(())
}

fn set_points(it: &mut wire::Parameters, rule: &str, points: u32) -> Result<(), ClientError> {
    let known =
        wire::IntegrityRule::from_str_name(&format!("INTEGRITY_RULE_{}", rule.to_uppercase()));
    let known =
        known.ok_or_else(|| ClientError::Usage(format!("`{rule}` is no integrity rule")))?;
    it.integrity_weights.retain(|one| one.rule() != known);
    it.integrity_weights.push(wire::IntegrityWeight { rule: known as i32, points });
    it.integrity_weights.sort_by_key(|one| one.rule);
    Ok(())
}
