//! A node's home: its settings, keys and data.

use crate::config::Settings;
use crate::store::votes::VoteRecord;
use anyhow::Context as _;
use libp2p::identity::Keypair;
use liuhen_keyfile::{PassphraseSource, Strength};
use liuhen_proto::header::founding::Founding;
use liuhen_proto::suite::sign::PrivateKey;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The folder of a node.
#[derive(Debug, Clone)]
pub struct Home(PathBuf);

/// The keys of a node.
pub struct Keys {
    /// It votes with this one.
    pub node: PrivateKey,
    /// It cosigns checkpoints with this one.
    pub cosigner: PrivateKey,
    /// Its peer id is made from this one.
    pub network: PrivateKey,
}

const KEYS: [&str; 3] = ["node.pem", "cosigner.pem", "network.pem"];

impl Home {
    /// The home at a path.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where blocks and index are.
    pub fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    /// The file that says where clients are served.
    pub fn grpc_address(&self) -> PathBuf {
        self.0.join("grpc.address")
    }

    /// The file that says where the header log is served over HTTP.
    pub fn tiles_address(&self) -> PathBuf {
        self.0.join("tiles.address")
    }

    fn key(&self, name: &str) -> PathBuf {
        self.0.join("keys").join(name)
    }

    /// Makes new keys in an empty home, and writes that they signed nothing.
    pub fn make_keys(
        &self,
        passphrase: Option<&PassphraseSource>,
        strength: Strength,
    ) -> anyhow::Result<Keys> {
        let folder = self.0.join("keys");
        std::fs::create_dir_all(&folder).with_context(|| format!("make {}", folder.display()))?;
        let chosen = passphrase.map(|source| source.choose(&folder, strength)).transpose()?;
        let mut made = Vec::with_capacity(KEYS.len());
        for name in KEYS {
            let key = liuhen_keyfile::generate()?;
            liuhen_keyfile::save(&self.key(name), &key, chosen.as_ref())?;
            made.push(key);
        }
        let keys = to_keys(made)?;
        let record = self.0.join(&Settings::default().vote_record);
        VoteRecord::begin(&record, &keys.node.public().key_id())?;
        Ok(keys)
    }

    /// Reads the keys.
    pub fn load_keys(&self, passphrase: &PassphraseSource, dev: bool) -> anyhow::Result<Keys> {
        let passphrase = passphrase.remembered();
        let mut loaded = Vec::with_capacity(KEYS.len());
        for name in KEYS {
            loaded.push(liuhen_keyfile::load(&self.key(name), &passphrase, dev)?);
        }
        to_keys(loaded)
    }

    /// Reads and checks the founding document.
    pub fn founding(&self, settings: &Settings) -> anyhow::Result<Founding> {
        let path = self.0.join(&settings.genesis);
        let bytes = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        Founding::from_bytes(&bytes).with_context(|| format!("{}", path.display()))
    }

    /// Where the record of votes is. Errors where the settings name another place than the one where it was written with the keys, and
    /// it was not moved there.
    pub fn vote_record(&self, settings: &Settings) -> anyhow::Result<PathBuf> {
        let (path, first) =
            (self.0.join(&settings.vote_record), self.0.join(Settings::default().vote_record));
        anyhow::ensure!(
            path.exists() || !first.exists(),
            "vote_record is {}, and the record is still {}: move it there",
            path.display(),
            first.display()
        );
        Ok(path)
    }

    /// Holds the home for this process: two nodes of one home would vote against each other.
    pub fn lock(&self) -> anyhow::Result<File> {
        let path = self.0.join("lock");
        let file = File::create(&path).with_context(|| format!("make {}", path.display()))?;
        anyhow::ensure!(
            file.try_lock().is_ok(),
            "{} is in use by another node process",
            self.0.display()
        );
        Ok(file)
    }
}

fn to_keys(list: Vec<PrivateKey>) -> anyhow::Result<Keys> {
    let [node, cosigner, network] =
        <[PrivateKey; 3]>::try_from(list).map_err(|_| anyhow::anyhow!("three keys are needed"))?;
    Ok(Keys { node, cosigner, network })
}

impl Keys {
    /// The libp2p identity.
    pub fn keypair(&self) -> anyhow::Result<Keypair> {
        Ok(Keypair::ed25519_from_bytes(self.network.to_seed())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_was_not_moved_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::new(folder.path());
        home.make_keys(None, Strength::Any).unwrap();
        let first = home.vote_record(&Settings::default()).unwrap();
        assert!(first.exists());
        let moved = folder.path().join("elsewhere");
        let settings = Settings { vote_record: moved.clone(), ..Settings::default() };
        let refused = home.vote_record(&settings).unwrap_err().to_string();
        assert!(refused.contains("move it there"), "{refused}");
        std::fs::rename(first, &moved).unwrap();
        assert_eq!(home.vote_record(&settings).unwrap(), moved);
    }
}
