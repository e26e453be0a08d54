//! Copies of a node's ledger, made while it runs, and put into a home again.
//!
//! A backup is the founding document, the settings and the block log: what the ledger is. The index is made anew from it. Keys are
//! not in it, and never what the node's key signed: a key that is put back with an older record of that would sign twice.

use crate::app::{Checked, check_log};
use crate::clock;
use crate::config::{FILE, Settings};
use crate::home::Home;
use crate::store::blocks::segment_paths;
use crate::store::disk::DiskPath;
use crate::store::{BASE_FILE, BlockLog};
use anyhow::Context as _;
use liuhen_genesis::to_bytes;
use liuhen_proto::header::founding::Founding;
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The file in a backup that says what it is.
pub const MANIFEST: &str = "backup.toml";
/// The file in a home that says when it was copied last.
pub const LAST: &str = "last-backup.toml";
const GENESIS: &str = "genesis.pb";
const BLOCKS: &str = "blocks";

/// What a backup is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The chain's id.
    pub chain: String,
    /// Its last block.
    pub height: u64,
    /// The id of that.
    pub block_id: String,
    /// When it was made, milliseconds.
    pub made_ms: u64,
    /// Where it was written to.
    pub to: PathBuf,
}

/// Copies a home's ledger into a folder, of which a later call writes what is new alone. What it holds is checked afterwards.
pub fn backup(home: &Home, settings: &Settings, to: &Path) -> anyhow::Result<(Manifest, Checked)> {
    let founding = home.founding(settings)?;
    anyhow::ensure!(
        !home.data().join(BASE_FILE).exists(),
        "this node joined by a snapshot and is fetching the blocks before it: back it up when `liuhen status` says that they \
         are here, or back up another node"
    );
    if let Some(before) = manifest(to)? {
        let (chain, of) = (founding.chain().to_string(), to.display());
        anyhow::ensure!(
            before.chain == chain,
            "{of} is a backup of chain {}, this is {chain}",
            before.chain
        );
    } else {
        let is_empty = !to.exists() || to.read_dir()?.next().is_none();
        anyhow::ensure!(is_empty, "{} is not empty, and no backup", to.display());
    }
    let blocks = to.join(BLOCKS);
    std::fs::create_dir_all(&blocks).with_context(|| format!("make {}", blocks.display()))?;
    write(&to.join(GENESIS), &to_bytes(&founding))?;
    let file = home.path().join(FILE);
    let text = std::fs::read(&file).with_context(|| format!("read {}", file.display()))?;
    write(&to.join(FILE), &text)?;
    copy_segments(&home.data().join(BLOCKS), &blocks, false)?;
    // What the node was writing when its last file was read is cut from the copy.
    drop(BlockLog::open(&blocks)?);
    let mut checked = check(&blocks, &founding)?;
    if !checked.wrong.is_empty() {
        // What was copied before may be what is damaged.
        copy_segments(&home.data().join(BLOCKS), &blocks, true)?;
        drop(BlockLog::open(&blocks)?);
        checked = check(&blocks, &founding)?;
    }
    let manifest = Manifest {
        chain: founding.chain().to_string(),
        height: checked.height.get(),
        block_id: checked.block.to_string(),
        made_ms: clock::now().get(),
        to: std::path::absolute(to)?,
    };
    if checked.wrong.is_empty() {
        let text = toml::to_string(&manifest)?;
        write(&to.join(MANIFEST), text.as_bytes())?;
        write(&home.path().join(LAST), text.as_bytes())?;
    }
    Ok((manifest, checked))
}

/// Checks the block log in a folder, and changes nothing there.
pub fn check(blocks: &Path, founding: &Founding) -> anyhow::Result<Checked> {
    let (log, damage) = BlockLog::look_at(blocks)?;
    let mut checked = check_log(&log, founding);
    for damage in damage {
        let (from, until) = (damage.heights.start(), damage.heights.end());
        checked.wrong.push(format!("blocks {from} to {until} are not whole"));
    }
    Ok(checked)
}

/// Puts a backup into a home that has keys and no data. Errors where the node could sign twice afterwards.
pub fn restore(from: &Path, home: &Home) -> anyhow::Result<Manifest> {
    let Some(manifest) = manifest(from)? else {
        let is_home = from.join("keys").exists() || from.join("data").exists();
        anyhow::ensure!(
            !is_home,
            "{}: a copy of a home is not put back, for its node would forget what it signed since and sign twice; \
             make a new home with its keys and restore a backup into it, or let it fetch all from the others",
            from.display()
        );
        anyhow::bail!("{} is no backup: it has no {MANIFEST}", from.display());
    };
    let _lock = home.lock()?;
    let data = home.data();
    anyhow::ensure!(
        !data.exists(),
        "{} has data: move {} away first, and leave the record of votes where it is",
        home.path().display(),
        data.display()
    );
    anyhow::ensure!(
        home.path().join("keys").exists(),
        "{} has no keys: make it with `liuhen-node init`, or put the node's keys there",
        home.path().display()
    );
    let bytes = std::fs::read(from.join(GENESIS)).with_context(|| format!("read {GENESIS}"))?;
    let founding = Founding::from_bytes(&bytes)?;
    let genesis = home.path().join(GENESIS);
    match std::fs::read(&genesis) {
        Ok(there) => anyhow::ensure!(
            there == bytes,
            "{} is another founding document than the backup's",
            genesis.display()
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => write(&genesis, &bytes)?,
        Err(error) => return Err(error).with_context(|| format!("read {}", genesis.display())),
    }
    let settings = home.path().join(FILE);
    if !settings.exists() {
        write(&settings, &std::fs::read(from.join(FILE))?)?;
    }
    // Beside first: whoever is interrupted begins again.
    let half = home.path().join("data.restoring");
    if half.exists() {
        std::fs::remove_dir_all(&half)?;
    }
    std::fs::create_dir_all(half.join(BLOCKS))?;
    copy_segments(&from.join(BLOCKS), &half.join(BLOCKS), true)?;
    let checked = check(&half.join(BLOCKS), &founding)?;
    anyhow::ensure!(
        checked.wrong.is_empty() && checked.height.get() >= manifest.height,
        "the backup is damaged: {}",
        checked.wrong.join("; ")
    );
    std::fs::rename(&half, &data)?;
    std::fs::File::open(home.path())?.sync_all()?;
    Ok(manifest)
}

/// Checks a backup: its log, and that it holds what it says.
pub fn check_backup(of: &Path) -> anyhow::Result<Checked> {
    let manifest = manifest(of)?.with_context(|| format!("{}: no {MANIFEST}", of.display()))?;
    let bytes = std::fs::read(of.join(GENESIS)).with_context(|| format!("read {GENESIS}"))?;
    let mut checked = check(&of.join(BLOCKS), &Founding::from_bytes(&bytes)?)?;
    if checked.height.get() < manifest.height {
        let (has, wanted) = (checked.height, manifest.height);
        checked.wrong.push(format!("it ends at height {has}, and was made at {wanted}"));
    }
    Ok(checked)
}

/// The last backup of a home: when it was made, and up to which height. `None` where there is none.
pub fn last(file: &Path) -> Option<(u64, u64)> {
    let last: Manifest = toml::from_str(&std::fs::read_to_string(file).ok()?).ok()?;
    Some((last.made_ms, last.height))
}

/// What a folder says that it is; `None` where it is no backup.
fn manifest(of: &Path) -> anyhow::Result<Option<Manifest>> {
    let file = of.join(MANIFEST);
    match std::fs::read_to_string(&file) {
        Ok(text) => Ok(Some(toml::from_str(&text).with_context(|| format!("{}", file.display()))?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("read {}", file.display())),
    }
}

/// Copies the files of a block log, in order, while another process may append to the last: each is whole up to where it was
/// synced. One that is there already with the same length is left, unless `all` are wanted.
fn copy_segments(from: &Path, to: &Path, all: bool) -> anyhow::Result<()> {
    let files = segment_paths(&DiskPath::from(from))?;
    for (number, file) in files.iter().map(DiskPath::path).enumerate() {
        let Some(name) = file.file_name() else { continue };
        let copy = to.join(name);
        let is_last = number.saturating_add(1) == files.len();
        let length = |it: &Path| std::fs::metadata(it).map(|it| it.len()).ok();
        if all || is_last || length(file) != length(&copy) {
            let bytes = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
            write(&copy, &bytes)?;
        }
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    DiskPath::from(path).write_durably(bytes).with_context(|| format!("write {}", path.display()))
}
