//! `liuhen key`.

use super::Common;
use super::agent::Agent;
use crate::output::print_one;
use liuhen_client::error::ClientError;
use liuhen_keyfile::Strength;
use liuhen_proto::suite::sign::PublicKey;
use liuhen_proto::types::{check_code, identity_id};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Make and show keys
#[derive(Debug, clap::Subcommand)]
pub enum Key {
    /// Make a key in a new file, encrypted with a passphrase
    New {
        /// The file to make
        #[arg(long)]
        out: PathBuf,
        /// Without a passphrase: for dev- chains only
        #[arg(long)]
        plain: bool,
        /// For a dev- chain: any passphrase will do
        #[arg(long)]
        dev: bool,
        /// Add the identity of this key to a department's join file
        #[arg(long, requires_all = ["code", "kind"])]
        join: Option<PathBuf>,
        /// The identity's code: a post or a system, never a person's name
        #[arg(long)]
        code: Option<String>,
        /// The identity's kind
        #[arg(long, value_parser = ["root", "officer", "system", "auditor", "regulator"])]
        kind: Option<String>,
        /// The duty of a post, a code
        #[arg(long, requires = "join")]
        duty: Option<String>,
    },
    /// Show the public half of the key given with --key
    Show,
    /// Hold the passphrase of --key for a time: run a command, by default your shell, in which it is not asked for again
    Agent(Agent),
}

impl Key {
    /// Does it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        match self {
            Self::New { out, plain, dev, join, code, kind, duty } => {
                let key = liuhen_keyfile::generate()?;
                let strength = if *dev { Strength::Any } else { Strength::Strong };
                let passphrase = match plain {
                    true => None,
                    false => Some(common.passphrase().choose(out, strength)?),
                };
                for code in code.iter().chain(duty) {
                    check_code(code).map_err(|e| ClientError::Usage(e.to_string()))?;
                }
                liuhen_keyfile::save(out, &key, passphrase.as_ref())?;
                if let (Some(join), Some(code), Some(kind)) = (join, code, kind) {
                    add_to_join_file(join, code, kind, duty.as_deref(), &key.public())?;
                }
                show(&key.public(), common)
            }
            Self::Agent(it) => it.run(common).await,
            Self::Show => {
                let missing =
                    || ClientError::usage("--key is needed: the key file", "需要 --key：密钥文件");
                let file = common.key.as_ref().ok_or_else(missing)?;
                let key = liuhen_keyfile::load(file, &common.passphrase(), true)?;
                show(&key.public(), common)
            }
        }
    }
}

fn show(key: &PublicKey, common: &Common) -> Result<(), ClientError> {
    let fields = [
        ("public_key", json!(hex::encode(key.as_bytes()))),
        ("key_id", json!(key.key_id().to_string())),
        ("founding_identity_id", json!(identity_id(&key.key_id()).to_string())),
    ];
    print_one(&fields, common.output)
}

fn add_to_join_file(
    join: &Path,
    code: &str,
    kind: &str,
    duty: Option<&str>,
    key: &PublicKey,
) -> Result<(), ClientError> {
    let at = |e: std::io::Error| ClientError::Failed(format!("{}: {e}", join.display()));
    let mut file = std::fs::OpenOptions::new().append(true).open(join).map_err(at)?;
    let key = hex::encode(key.as_bytes());
    let mut entry =
        format!("\n[[identity]]\ncode = \"{code}\"\nkind = \"{kind}\"\npublic_key = \"{key}\"\n");
    if let Some(duty) = duty {
        entry += &format!("duty = \"{duty}\"\n");
    }
    file.write_all(entry.as_bytes()).map_err(at)
}
