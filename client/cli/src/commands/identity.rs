//! `liuhen identity`: identities, posts and their keys.

use super::Common;
use super::member::{new_keys, standing};
use super::signing::{Act, Reason, nothing};
use super::trail::print_trail;
use crate::output::{Rows, write};
use crate::text::{self, state};
use liuhen_client::error::ClientError;
use liuhen_client::lang::pick;
use liuhen_client::resolve::key_id;
use liuhen_client::submit::{Account, random};
use liuhen_proto::items::cosign_message;
use liuhen_proto::place::TrailKind;
use liuhen_proto::suite::hash::salted_digest;
use liuhen_proto::wire::{self, StandingChange, item::Kind};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Identities, posts and their keys
#[derive(Debug, clap::Subcommand)]
pub enum Identity {
    /// Register an identity of one's own department: signed with the root
    Register(Box<Register>),
    /// Take keys up and lay keys down: signed with the identity's own key, or the root
    Rotate(Box<Rotate>),
    /// Suspend an identity: signed with the root
    Suspend(Change),
    /// Reinstate an identity: signed with the root
    Reinstate(Change),
    /// Revoke an identity for good: signed with the root
    Revoke(Change),
    /// Give a post to another holder: signed with the root
    Assign {
        /// The post, `department/code`
        identity: String,
        /// The staff number of the holder; only a salted digest goes on the ledger. Without it: vacant
        #[arg(long)]
        holder: Option<String>,
        #[command(flatten)]
        with: With,
    },
    /// Show an identity with its keys and the chain of its life
    Show {
        /// The identity, `department/code`
        identity: String,
        /// As a W3C DID document instead
        #[arg(long)]
        did: bool,
    },
}

/// Other keys of a root that must agree
#[derive(Debug, clap::Args)]
pub struct With {
    /// Key files of the same root that sign too, where it needs more than one
    #[arg(long = "with", value_delimiter = ',')]
    files: Vec<PathBuf>,
}

/// An identity to register
#[derive(Debug, clap::Args)]
pub struct Register {
    /// Its code: a post or a system, never a person's name
    code: String,
    /// What it is
    #[arg(long, value_parser = ["officer", "system", "node", "auditor", "regulator"])]
    kind: String,
    /// Public keys, 64 hexadecimal digits each
    #[arg(long = "public-key", required = true, value_delimiter = ',')]
    keys: Vec<String>,
    /// The department, where it is one whose place one's own took
    #[arg(long)]
    department: Option<String>,
    /// The post's duty, a code
    #[arg(long, default_value = "")]
    duty: String,
    /// The staff number of the holder; only a salted digest goes on the ledger
    #[arg(long)]
    holder: Option<String>,
    /// Of a system: the department that operates it; it confirms no grant to it
    #[arg(long, default_value = "")]
    operated_by: String,
    #[command(flatten)]
    with: With,
}

/// Keys to change
#[derive(Debug, clap::Args)]
pub struct Rotate {
    /// The identity, `department/code`
    identity: String,
    /// Public keys to take up, 64 hexadecimal digits each
    #[arg(long, value_delimiter = ',')]
    add: Vec<String>,
    /// Key ids to lay down
    #[arg(long, value_delimiter = ',')]
    end: Vec<String>,
    #[command(flatten)]
    with: With,
}

/// An identity, and why
#[derive(Debug, clap::Args)]
pub struct Change {
    /// The identity, `department/code`
    identity: String,
    /// The reason; it stays here, its salted digest goes on the ledger
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    with: With,
}

impl Identity {
    /// Does it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        match self {
            Self::Register(it) => it.run(common).await,
            Self::Rotate(it) => it.run(common).await,
            Self::Suspend(it) => it.run(common, StandingChange::Suspend).await,
            Self::Reinstate(it) => it.run(common, StandingChange::Reinstate).await,
            Self::Revoke(it) => it.run(common, StandingChange::Revoke).await,
            Self::Assign { identity, holder, with } => {
                assign(common, identity, holder.as_deref(), with).await
            }
            Self::Show { identity, did } => show(common, identity, *did).await,
        }
    }
}

impl With {
    /// The cosignatures of the other keys under an item that has none yet.
    async fn sign(
        &self,
        common: &Common,
        act: &Act<'_>,
        kind: &Kind,
    ) -> Result<Vec<wire::Cosignature>, ClientError> {
        let mut cosignatures = Vec::with_capacity(self.files.len());
        for file in &self.files {
            let account = Account::open(&act.node, file, &common.passphrase()).await?;
            let chain = account.signer.chain;
            let message = cosign_message(&chain, kind)
                .ok_or_else(|| ClientError::failed("this item takes no cosignatures"))?;
            cosignatures.push(wire::Cosignature {
                key_id: account.signer.key.public().key_id().to_vec(),
                signature: account.signer.key.sign(&message).to_vec(),
            });
        }
        cosignatures.sort_by(|a, b| a.key_id.cmp(&b.key_id));
        Ok(cosignatures)
    }
}

/// A staff pseudonym: the salted digest of a staff number, which stays here.
fn pseudonym(holder: Option<&str>) -> Result<(Vec<u8>, Option<[u8; 16]>), ClientError> {
    let Some(holder) = holder else { return Ok((Vec::new(), None)) };
    let salt: [u8; 16] = random()?;
    Ok((salted_digest(&salt, holder.as_bytes()).to_vec(), Some(salt)))
}

fn salt_shown(salt: Option<[u8; 16]>) -> Vec<(&'static str, Value)> {
    salt.iter().map(|salt| ("holder_salt", json!(hex::encode(salt)))).collect()
}

impl Register {
    async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let act = Act::begin(common).await?;
        let name = format!("IDENTITY_KIND_{}", self.kind.to_uppercase());
        let kind = wire::IdentityKind::from_str_name(&name).unwrap_or_default();
        let (holder, salt) = pseudonym(self.holder.as_deref())?;
        let mut registration = wire::RegisterIdentity {
            department: self.department.clone().unwrap_or_else(|| act.department()),
            code: self.code.clone(),
            kind: kind as i32,
            keys: new_keys(&self.keys)?,
            duty: self.duty.clone(),
            holder,
            cosignatures: Vec::new(),
            operated_by: self.operated_by.clone(),
        };
        let unsigned = Kind::RegisterIdentity(registration.clone());
        registration.cosignatures = self.with.sign(common, &act, &unsigned).await?;
        act.done(Kind::RegisterIdentity(registration), |tx| {
            let id = tx.header().identity_id(0).to_string();
            [vec![("identity_id", json!(id))], salt_shown(salt)].concat()
        })
        .await
    }
}

impl Rotate {
    async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let act = Act::begin(common).await?;
        let identity = act.node.identity(&self.identity).await?;
        let mut end = Vec::with_capacity(self.end.len());
        for text in &self.end {
            end.push(key_id(text)?.to_vec());
        }
        end.sort();
        let mut rotation = wire::RotateKeys {
            department: identity.department,
            identity_id: identity.identity_id,
            after: identity.events,
            add: new_keys(&self.add)?,
            end,
            cosignatures: Vec::new(),
        };
        let unsigned = Kind::RotateKeys(rotation.clone());
        rotation.cosignatures = self.with.sign(common, &act, &unsigned).await?;
        act.done(Kind::RotateKeys(rotation), nothing).await
    }
}

impl Change {
    async fn run(&self, common: &Common, change: StandingChange) -> Result<(), ClientError> {
        let act = Act::begin(common).await?;
        let identity = act.node.identity(&self.identity).await?;
        if change == StandingChange::Revoke {
            let (of, code, keys) = (&identity.department, &identity.code, identity.key_ids.len());
            let what = format!("identity {of}/{code} and its keys ({keys} in all)");
            act.ends(pick(&what, &format!("身份 {of}/{code} 及其全部密钥（共 {keys} 把）")))?;
        }
        let reason = Reason::new(&self.reason)?;
        let mut changed = wire::ChangeIdentity {
            department: identity.department,
            identity_id: identity.identity_id,
            after: identity.events,
            change: change as i32,
            reason_digest: reason.digest.clone(),
            cosignatures: Vec::new(),
        };
        let unsigned = Kind::ChangeIdentity(changed.clone());
        changed.cosignatures = self.with.sign(common, &act, &unsigned).await?;
        act.done(Kind::ChangeIdentity(changed), |_| vec![reason.shown()]).await
    }
}

async fn assign(
    common: &Common,
    name: &str,
    holder: Option<&str>,
    with: &With,
) -> Result<(), ClientError> {
    let act = Act::begin(common).await?;
    let identity = act.node.identity(name).await?;
    let (holder, salt) = pseudonym(holder)?;
    let mut assignment = wire::AssignPost {
        department: identity.department,
        identity_id: identity.identity_id,
        after: identity.events,
        holder,
        cosignatures: Vec::new(),
    };
    let unsigned = Kind::AssignPost(assignment.clone());
    assignment.cosignatures = with.sign(common, &act, &unsigned).await?;
    act.done(Kind::AssignPost(assignment), |_| salt_shown(salt)).await
}

async fn show(common: &Common, name: &str, did: bool) -> Result<(), ClientError> {
    let node = common.connect().await?;
    let found = node.identity_whole(name).await?;
    if did {
        let chain = node.chain().await?;
        let document = liuhen_client::did::document(&chain, &found);
        let text = serde_json::to_string_pretty(&document).map_err(ClientError::failed)?;
        return write(&format!("{text}\n"));
    }
    let identity = found.identity.clone().unwrap_or_default();
    let mut fields = vec![
        ("identity", json!(format!("{}/{}", identity.department, identity.code))),
        ("identity_id", json!(hex::encode(&identity.identity_id))),
        ("kind", json!(state(identity.kind().as_str_name(), "IDENTITY_KIND_"))),
        ("duty", json!(identity.duty)),
        ("standing", json!(standing(&identity.standing, identity.ended))),
        ("keys_needed", json!(identity.threshold.max(1))),
    ];
    if !identity.operated_by.is_empty() {
        fields.push(("operated_by", json!(identity.operated_by)));
    }
    // Where a program reads, the chain alone is what it gets.
    if common.output == crate::output::Format::Table {
        crate::output::print_one(&fields, common.output)?;
        write("\n")?;
        keys(&found).print(common.output)?;
        write("\n")?;
    }
    print_trail(common, &node, TrailKind::Identity, identity.identity_id).await
}

fn keys(found: &wire::GetIdentityResponse) -> Rows {
    let mut rows = Rows::new(&["key_id", "in_force_from", "until", "standing"]);
    let height = |height: u64| json!(format!("height {height}"));
    for key in &found.keys {
        let last = key.standing.last().copied().unwrap_or_default();
        rows.push(vec![
            json!(text::short(&key.key_id)),
            height(last.from_height),
            last.until_height.map_or(Value::Null, height),
            json!(standing(&key.standing, false)),
        ]);
    }
    rows
}
