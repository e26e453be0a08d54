//! What crosses where no connection does (网闸): files that anybody may carry. Each says by a digest at its beginning whether it is whole.

use anyhow::Context as _;
use liuhen_proto::wire::{RecordAccess, RequestStanding};
use prost::Message;
use std::path::{Path, PathBuf};

/// Bytes of a file at most.
const BYTES: u64 = 64 << 20;
/// How what comes in is called.
const STATE: &str = "state-";

/// What the gate wants to know, for whoever asks outside.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Wanted {
    /// The chain.
    #[prost(bytes = "vec", tag = "1")]
    pub chain_id: Vec<u8>,
    /// The key of the gateway.
    #[prost(bytes = "vec", tag = "2")]
    pub key_id: Vec<u8>,
    /// Who may ask, `department/code`.
    #[prost(string, repeated, tag = "3")]
    pub callers: Vec<String>,
    /// What may be asked for: a record of each route, without who asks.
    #[prost(message, repeated, tag = "4")]
    pub routes: Vec<RecordAccess>,
    /// Officers who may open doors by hand, `department/code`.
    #[prost(string, repeated, tag = "5")]
    pub officers: Vec<String>,
}

/// An identity, as a node had it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct NamedIdentity {
    /// `department/code`.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its department.
    #[prost(string, tag = "2")]
    pub department: String,
    /// Its id.
    #[prost(bytes = "vec", tag = "3")]
    pub identity_id: Vec<u8>,
}

/// What decides for a caller and a dataset, proved.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CarriedGroup {
    /// The dataset.
    #[prost(string, tag = "1")]
    pub dataset: String,
    /// Requests for it, by the word of a node.
    #[prost(message, repeated, tag = "2")]
    pub standings: Vec<RequestStanding>,
    /// An `ObjectsProof`.
    #[prost(bytes = "vec", tag = "3")]
    pub proof: Vec<u8>,
}

/// What became of a transaction, by the word of a node.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Became {
    /// The transaction.
    #[prost(bytes = "vec", tag = "1")]
    pub tx_id: Vec<u8>,
    /// Why it was refused, a code; empty: it was committed.
    #[prost(string, tag = "2")]
    pub refused: String,
    /// Which of its items was refused.
    #[prost(uint64, optional, tag = "3")]
    pub item: Option<u64>,
}

/// The ledger as it stood when it was asked outside.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CarriedState {
    /// When.
    #[prost(uint64, tag = "1")]
    pub made_ms: u64,
    /// The gateway.
    #[prost(message, optional, tag = "2")]
    pub gateway: Option<NamedIdentity>,
    /// Who may ask, and who may open doors by hand.
    #[prost(message, repeated, tag = "3")]
    pub identities: Vec<NamedIdentity>,
    /// What decides.
    #[prost(message, repeated, tag = "4")]
    pub groups: Vec<CarriedGroup>,
    /// An `ObjectsProof` of what the ledger says of the gateway, and of officers with their keys.
    #[prost(bytes = "vec", tag = "5")]
    pub own_proof: Vec<u8>,
    /// The number of the next transaction of the gateway's key, by the word of a node.
    #[prost(uint64, tag = "6")]
    pub next_seq: u64,
    /// What became of what was carried out.
    #[prost(message, repeated, tag = "7")]
    pub became: Vec<Became>,
    /// `ObjectsProof`s of the identities that are named: who they are is proved.
    #[prost(bytes = "vec", repeated, tag = "8")]
    pub who: Vec<Vec<u8>>,
}

/// Writes a file whole, or not at all.
pub fn put(folder: &Path, name: &str, content: &[u8]) -> anyhow::Result<()> {
    let at = || format!("{}", folder.join(name).display());
    let temporary = folder.join(format!(".{name}.part"));
    let mut bytes = blake3::hash(content).as_bytes().to_vec();
    bytes.extend_from_slice(content);
    // Nothing that somebody put there is written to.
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(at);
        }
        Ok(()) | Err(_) => {}
    }
    let mut file = std::fs::File::create_new(&temporary).with_context(at)?;
    std::io::Write::write_all(&mut file, &bytes).with_context(at)?;
    file.sync_all().with_context(at)?;
    std::fs::rename(&temporary, folder.join(name)).with_context(at)?;
    std::fs::File::open(folder).and_then(|it| it.sync_all()).with_context(at)
}

/// What a file holds. `None`: it is not whole, or not yet.
pub fn get(file: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    let at = || format!("{}", file.display());
    let there = std::fs::symlink_metadata(file).with_context(at)?;
    anyhow::ensure!(there.is_file(), "{}: no file", file.display());
    let length = there.len();
    anyhow::ensure!(length <= BYTES, "{}: larger than {BYTES} bytes", file.display());
    let mut bytes = std::fs::read(file).with_context(at)?;
    if bytes.len() < 32 {
        return Ok(None);
    }
    let content = bytes.split_off(32);
    let is_whole = blake3::hash(&content).as_bytes().as_slice() == bytes;
    Ok(is_whole.then_some(content))
}

/// What a file says. `None`: it is not whole, or says something else.
pub fn read<T: Message + Default>(file: &Path) -> anyhow::Result<Option<T>> {
    Ok(get(file)?.and_then(|content| T::decode(content.as_slice()).ok()))
}

/// Files of a folder whose names begin so, by name.
pub fn named(folder: &Path, begins: &str) -> anyhow::Result<Vec<PathBuf>> {
    let all = std::fs::read_dir(folder).with_context(|| format!("{}", folder.display()))?;
    let is_one = |it: &PathBuf| {
        it.file_name().and_then(|it| it.to_str()).is_some_and(|it| it.starts_with(begins))
    };
    let mut all: Vec<PathBuf> =
        all.filter_map(Result::ok).map(|it| it.path()).filter(is_one).collect();
    all.sort();
    Ok(all)
}

/// Where it stands what the gate wants.
pub const WANTED: &str = "wanted";

/// How a state is called: by its time.
pub fn state_name(made_ms: u64) -> String {
    format!("{STATE}{made_ms:015}")
}

/// All states of a folder, the newest last.
pub fn states(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    named(folder, STATE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = Wanted { callers: vec!["gz.hrss/portal".into()], ..Wanted::default() };
        put(folder.path(), WANTED, &wanted.encode_to_vec()).unwrap();
        let file = folder.path().join(WANTED);
        assert_eq!(read::<Wanted>(&file).unwrap(), Some(wanted));
        let whole = std::fs::read(&file).unwrap();
        for length in [0, 5, 32, whole.len() - 1] {
            std::fs::write(&file, &whole[..length]).unwrap();
            assert_eq!(read::<Wanted>(&file).unwrap(), None, "{length}");
        }
        for ms in [9, 10, 1_795_399_200_000] {
            put(folder.path(), &state_name(ms), b"").unwrap();
        }
        let names = states(folder.path()).unwrap();
        let last = names.last().unwrap().file_name().unwrap().to_str().unwrap();
        assert_eq!((names.len(), last), (3, "state-001795399200000"));
        assert!(read::<Wanted>(&folder.path().join("none")).is_err());
    }
}
