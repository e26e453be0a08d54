//! `liuhen-gate break-glass`: an officer opens the doors with his key, or they are closed again. No node is needed.

use crate::begun::{kept, kept_at};
use crate::break_glass::KnownOfficer;
use crate::settings::Settings;
use anyhow::Context as _;
use liuhen_client::clock::now;
use liuhen_genesis::Founding;
use liuhen_keyfile::PassphraseSource;
use liuhen_proto::items::access::break_glass::sign;
use liuhen_proto::types::limits::BREAK_GLASS_MS;
use liuhen_proto::types::{IdentityId, TimeMs, check_code};
use std::path::Path;

/// Opens the doors. Gives until when.
pub fn open(settings: &Settings, key: &Path, hours: u64, cause: &str) -> anyhow::Result<TimeMs> {
    let opening = settings.break_glass.as_ref().context(NOT_SET)?;
    check_code(cause).context("cause")?;
    let lasts = hours.saturating_mul(3_600_000);
    anyhow::ensure!((1..=BREAK_GLASS_MS).contains(&lasts), "hours: 1 to 72");
    let at = || format!("genesis: {}", settings.genesis.display());
    let founding = std::fs::read(&settings.genesis).with_context(at)?;
    let founding = Founding::from_bytes(&founding).with_context(at)?;
    let source = PassphraseSource::CredentialOrPrompt;
    let key = liuhen_keyfile::load(key, &source, founding.is_dev()).context("key")?;
    let file = kept_at(settings);
    let (gateway, officers) = kept(&file)
        .with_context(|| format!("{}: the gate must have been started once", file.display()))?;
    let id = key.public().key_id();
    let is_his = |it: &&KnownOfficer| it.keys.iter().any(|key| key.key_id == id.as_bytes());
    let officer = officers.values().find(is_his);
    let officer = officer.context("the key is of none of the officers in the settings")?;
    let officer = officer.identity.as_ref().map(|it| it.identity_id.as_slice());
    let officer = IdentityId::from_slice(officer.unwrap_or_default())?;
    let (from, until) = (now(), now().plus(lasts));
    let bytes = sign(&key, (&founding.chain(), &gateway, &officer), (from, until), cause);
    // Records name the statement by its digest: one that was signed before is kept.
    close(settings)?;
    let new = opening.file.with_extension("new");
    let write = || -> std::io::Result<()> {
        std::fs::write(&new, &bytes)?;
        std::fs::File::open(&new)?.sync_all()?;
        std::fs::rename(&new, &opening.file)
    };
    write().with_context(|| format!("{}", opening.file.display()))?;
    Ok(until)
}

/// The doors are closed again. Whether they were open.
pub fn close(settings: &Settings) -> anyhow::Result<bool> {
    let opening = settings.break_glass.as_ref().context(NOT_SET)?;
    let kept = opening.file.with_extension(format!("{}.closed", now().get()));
    match std::fs::rename(&opening.file, kept) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("{}", opening.file.display())),
    }
}

const NOT_SET: &str = "the settings have no `break_glass` with its `file` and `officers`";
