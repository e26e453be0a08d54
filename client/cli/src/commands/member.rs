//! `liuhen member`: departments.

use super::Common;
use super::signing::{Act, Reason, nothing};
use crate::output::Rows;
use crate::text::{self, state};
use liuhen_client::error::ClientError;
use liuhen_client::lang::pick;
use liuhen_proto::ledger::intervals;
use liuhen_proto::suite::hash::{Domain, hash};
use liuhen_proto::suite::sign::PublicKey;
use liuhen_proto::wire::{self, StandingChange, item::Kind};
use serde_json::json;

/// Departments
#[derive(Debug, clap::Subcommand)]
pub enum Member {
    /// List departments
    Departments,
    /// List identities
    Identities {
        /// Of this department alone
        #[arg(long, default_value = "")]
        department: String,
    },
    /// Admit a department without a vote beneath one's own, as a managing department
    Admit(Box<NewDepartment>),
    /// Suspend a department beneath one's own, with all beneath it
    Suspend(Named),
    /// Reinstate a department that was suspended
    Reinstate(Named),
    /// Remove a department beneath one's own for good
    Remove(Named),
    /// Let a department take another's place, as the lead; departments with a vote need a proposal
    Succeed(Succession),
    /// Ask for new root keys of a department that lost its own, as its parent
    ReplaceRoot {
        /// The department
        department: String,
        #[command(flatten)]
        root: RootKeys,
        /// The reason; it stays here, its salted digest goes on the ledger
        #[arg(long)]
        reason: String,
    },
    /// Object to new root keys of one's own department: signed with the root
    ObjectToRoot,
}

/// A department, and why
#[derive(Debug, clap::Args)]
pub struct Named {
    /// The department
    department: String,
    /// The reason; it stays here, its salted digest goes on the ledger
    #[arg(long)]
    reason: String,
}

/// Root keys
#[derive(Debug, clap::Args)]
pub struct RootKeys {
    /// Public keys of the root, 64 hexadecimal digits each
    #[arg(long = "root-key", required = true, value_delimiter = ',')]
    keys: Vec<String>,
    /// How many of them must sign together
    #[arg(long, default_value_t = 1)]
    threshold: u32,
}

/// A department to admit
#[derive(Debug, clap::Args)]
pub struct NewDepartment {
    /// Its code, never used before
    code: String,
    /// Name in Chinese
    #[arg(long, default_value = "")]
    name_zh: String,
    /// Name in English
    #[arg(long, default_value = "")]
    name_en: String,
    /// Level: 1 province … 5 village
    #[arg(long)]
    level: u32,
    /// GB/T 2260 prefix
    #[arg(long, default_value = "")]
    division: String,
    /// Parent in government; without it: the signer's department
    #[arg(long)]
    parent: Option<String>,
    /// Guiding department in its line
    #[arg(long, default_value = "")]
    guide: String,
    /// The legal body
    #[arg(long)]
    body: String,
    /// Rights: collect, use, manage; audit and regulate only by a proposal
    #[arg(long, value_delimiter = ',')]
    rights: Vec<String>,
    #[command(flatten)]
    root: RootKeys,
}

/// A department that takes another's place
#[derive(Debug, clap::Args)]
pub struct Succession {
    /// The department whose place is taken
    #[arg(long)]
    from: String,
    /// The department that takes it
    #[arg(long)]
    to: String,
    /// The order (机构改革文件), a file of which only the digest goes on the ledger
    #[arg(long)]
    order: std::path::PathBuf,
    /// Until when both roots have authority
    #[arg(long)]
    overlap_until: String,
}

impl RootKeys {
    /// As items carry them.
    pub(super) fn to_wire(&self) -> Result<wire::RootKeys, ClientError> {
        Ok(wire::RootKeys { keys: new_keys(&self.keys)?, threshold: self.threshold })
    }
}

/// Public keys in the order that items want.
pub(super) fn new_keys(keys: &[String]) -> Result<Vec<wire::NewKey>, ClientError> {
    let mut all = Vec::with_capacity(keys.len());
    for text in keys {
        let public_key = hex::decode(text)
            .map_err(|_| ClientError::Usage(format!("`{text}` is no public key: 64 digits")))?;
        let key = PublicKey::from_slice(&public_key)
            .map_err(|e| ClientError::Usage(format!("`{text}`: {e}")))?;
        all.push(wire::NewKey { algorithm: key.algorithm(), public_key });
    }
    all.sort_by(|a, b| a.public_key.cmp(&b.public_key));
    Ok(all)
}

/// Rights by their names, ascending.
pub(super) fn rights(names: &[String]) -> Result<Vec<i32>, ClientError> {
    let mut all = Vec::with_capacity(names.len());
    for name in names {
        let right = wire::Right::from_str_name(&format!("RIGHT_{}", name.to_uppercase()));
        let right = right.filter(|it| *it != wire::Right::Unspecified).ok_or_else(|| {
            let known = "collect, use, manage, audit, regulate";
            ClientError::Usage(format!("`{name}` is no right: {known}"))
        })?;
        all.push(right as i32);
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

impl NewDepartment {
    /// As items carry it; the parent is `own` where none is given.
    pub(super) fn to_wire(&self, own: &str) -> Result<wire::NewDepartment, ClientError> {
        Ok(wire::NewDepartment {
            code: self.code.clone(),
            name_zh: self.name_zh.clone(),
            name_en: self.name_en.clone(),
            level: self.level,
            division: self.division.clone(),
            parent: self.parent.clone().unwrap_or_else(|| own.to_owned()),
            guide: self.guide.clone(),
            body: self.body.clone(),
            rights: rights(&self.rights)?,
            root: Some(self.root.to_wire()?),
        })
    }
}

impl Succession {
    /// As items carry it.
    pub(super) fn to_wire(&self) -> Result<wire::Succession, ClientError> {
        let order = std::fs::read(&self.order)
            .map_err(|e| ClientError::Failed(format!("{}: {e}", self.order.display())))?;
        Ok(wire::Succession {
            from: self.from.clone(),
            to: self.to.clone(),
            order_digest: hash(Domain::Digest, &[&order]).to_vec(),
            overlap_until_ms: text::parse_time(&self.overlap_until)?,
        })
    }
}

impl Member {
    /// Does it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        match self {
            Self::Departments | Self::Identities { .. } => self.list(common).await,
            Self::Admit(it) => admit(common, it).await,
            Self::Suspend(it) => change(common, it, StandingChange::Suspend).await,
            Self::Reinstate(it) => change(common, it, StandingChange::Reinstate).await,
            Self::Remove(it) => change(common, it, StandingChange::Revoke).await,
            Self::Succeed(it) => succeed(common, it).await,
            Self::ReplaceRoot { department, root, reason } => {
                replace_root(common, department, root, reason).await
            }
            Self::ObjectToRoot => object(common).await,
        }
    }

    async fn list(&self, common: &Common) -> Result<(), ClientError> {
        let node = common.connect().await?;
        let rows = match self {
            Self::Identities { department } => identities(&node.identities(department).await?),
            _ => departments(&node.departments().await?),
        };
        rows.print(common.output)
    }
}

async fn admit(common: &Common, it: &NewDepartment) -> Result<(), ClientError> {
    let act = Act::begin(common).await?;
    let manager = act.department();
    let department = it.to_wire(&manager)?;
    let admission = wire::AdmitDepartment { manager, department: Some(department) };
    act.done(Kind::AdmitDepartment(admission), |tx| {
        vec![("root_identity_id", json!(tx.header().identity_id(0).to_string()))]
    })
    .await
}

async fn change(common: &Common, it: &Named, change: StandingChange) -> Result<(), ClientError> {
    let act = Act::begin(common).await?;
    if change == StandingChange::Revoke {
        let named = act.account.on(&act.node).department(&it.department).await?;
        let what = pick("member", "成员");
        act.ends(&format!("{what} {} {} {}", named.code, named.name_zh, named.name_en))?;
    }
    let reason = Reason::new(&it.reason)?;
    let changed = wire::ChangeDepartment {
        manager: act.department(),
        department: it.department.clone(),
        change: change as i32,
        reason_digest: reason.digest.clone(),
    };
    act.done(Kind::ChangeDepartment(changed), |_| vec![reason.shown()]).await
}

/// That a department ends, for another takes its place.
pub(super) fn succeeded(from: &str, to: &str) -> String {
    pick(&format!("{from}, whose place {to} takes"), &format!("{from}（由 {to} 承继）")).to_owned()
}

async fn succeed(common: &Common, it: &Succession) -> Result<(), ClientError> {
    let act = Act::begin(common).await?;
    let wanted = it.to_wire()?;
    act.ends(&succeeded(&wanted.from, &wanted.to))?;
    let succession = wire::SucceedDepartment { lead: act.department(), succession: Some(wanted) };
    act.done(Kind::SucceedDepartment(succession), nothing).await
}

async fn replace_root(
    common: &Common,
    department: &str,
    root: &RootKeys,
    reason: &str,
) -> Result<(), ClientError> {
    let act = Act::begin(common).await?;
    let reason = Reason::new(reason)?;
    let replacement = wire::ReplaceRoot {
        parent: act.department(),
        department: department.to_owned(),
        root: Some(root.to_wire()?),
        reason_digest: reason.digest.clone(),
    };
    act.done(Kind::ReplaceRoot(replacement), |_| vec![reason.shown()]).await
}

async fn object(common: &Common) -> Result<(), ClientError> {
    let act = Act::begin(common).await?;
    let objection = wire::ObjectToRoot { department: act.department() };
    act.done(Kind::ObjectToRoot(objection), nothing).await
}

/// In a word: in force, suspended, ended.
pub(super) fn standing(intervals: &[wire::Interval], ended: bool) -> &'static str {
    match (intervals::is_open(intervals), ended) {
        (true, _) => "in force",
        (false, true) => "ended",
        (false, false) => "not in force",
    }
}

fn departments(all: &[wire::Department]) -> Rows {
    let mut rows = Rows::new(&[
        "code", "name_zh", "name_en", "level", "division", "parent", "body", "rights", "standing",
    ]);
    for it in all {
        let rights: Vec<String> =
            it.rights().map(|right| state(right.as_str_name(), "RIGHT_")).collect();
        rows.push(vec![
            json!(it.code),
            json!(it.name_zh),
            json!(it.name_en),
            json!(it.level),
            json!(it.division),
            json!(it.parent),
            json!(it.body),
            json!(rights),
            json!(standing(&it.standing, it.ended)),
        ]);
    }
    rows
}

fn identities(all: &[wire::Identity]) -> Rows {
    let mut sorted: Vec<&wire::Identity> = all.iter().collect();
    sorted.sort_by_key(|it| (&it.department, &it.code));
    let mut rows = Rows::new(&["identity", "kind", "duty", "standing", "identity_id"]);
    for it in sorted {
        rows.push(vec![
            json!(format!("{}/{}", it.department, it.code)),
            json!(state(it.kind().as_str_name(), "IDENTITY_KIND_")),
            json!(it.duty),
            json!(standing(&it.standing, it.ended)),
            json!(hex::encode(&it.identity_id)),
        ]);
    }
    rows
}
