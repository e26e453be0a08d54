//! A chain in this process, without an engine: blocks are made and certified by all keys that it takes.

use crate::actions::record;
use crate::consortium::{Consortium, NODES};
use crate::wait::DEADLINE;
use anyhow::Context as _;
use liuhen_client::submit::item;
use liuhen_genesis::Founding;
use liuhen_node::app::{Arrived, Chain, Clock, Making, Manifest, Older, OpenReport, Piece};
use liuhen_node::codec;
use liuhen_node::home::Home;
use liuhen_node::store::disk::DiskPath;
use liuhen_proto::header::certificate::{VoteType, vote_bytes};
use liuhen_proto::items::Item;
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::tx::Signer;
use liuhen_proto::types::{Height, TimeMs, identity_id};
use liuhen_proto::wire::{self, Category, item::Kind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use tempfile::TempDir;

/// A chain, and all keys that it takes.
pub struct Ledger {
    _folder: TempDir,
    /// What it begins with.
    pub founding: Founding,
    validators: Vec<PrivateKey>,
    /// Who records.
    pub gateway: Signer,
    data: PathBuf,
    /// The chain.
    pub chain: Chain,
    now: TimeMs,
}

impl Ledger {
    /// Founded, with a dataset.
    pub fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let homes = folder.path().join("consortium");
        std::fs::create_dir(&homes)?;
        let consortium = Consortium::found(&homes)?;
        let founding = Founding::from_bytes(&std::fs::read(consortium.genesis())?)?;
        let source = liuhen_keyfile::PassphraseSource::CredentialOrPrompt;
        let keys = NODES.map(|node| Home::new(&consortium.home(node)).load_keys(&source, true));
        let mut validators = Vec::new();
        for keys in keys {
            validators.push(keys?.node);
        }
        validators.sort_by_key(|key| key.public().key_id());
        let signer = |seed: u8| {
            let key = PrivateKey::from_seed(&[seed; 32]);
            let identity = identity_id(&key.public().key_id());
            Signer { chain: founding.chain(), department: "gz.psb".into(), identity, key }
        };
        let (officer, gateway) = (signer(1), signer(2));
        let data = folder.path().join("data");
        let (chain, _) = Chain::open(&data, founding.clone())?;
        let now = founding.header().time.plus(1_000);
        let mut it = Self { _folder: folder, founding, validators, gateway, data, chain, now };
        let dataset = Kind::RegisterDataset(wire::RegisterDataset {
            dataset: "civil.resident".into(),
            title_en: "Residents".into(),
            grade: 3,
            category: Category::Conditional as i32,
            collector: "gz.psb".into(),
            schema_digest: vec![7; 32],
            fields: vec![wire::Field { name: "id".into(), grade: 3, ..wire::Field::default() }],
            ..wire::RegisterDataset::default()
        });
        it.commit(&officer, vec![dataset])?;
        Ok(it)
    }

    /// Commits a block of one transaction.
    pub fn commit(&mut self, signer: &Signer, kinds: Vec<Kind>) -> anyhow::Result<()> {
        let items = kinds.into_iter().map(item).collect::<Result<Vec<_>, _>>()?;
        self.commit_items(signer, &items)
    }

    /// Commits a block of one transaction of these items.
    pub fn commit_items(&mut self, signer: &Signer, items: &[Item]) -> anyhow::Result<()> {
        self.commit_all(signer, &[items.to_vec()])
    }

    /// Commits a block of transactions of these items.
    pub fn commit_all(&mut self, signer: &Signer, all: &[Vec<Item>]) -> anyhow::Result<()> {
        let header = self.chain.header();
        let recent = (header.height, header.block_id());
        let mut seq = self.chain.next_seq(&signer.key.public().key_id())?;
        let mut transactions = Vec::new();
        for items in all {
            let tx = Arc::new(signer.sign(seq, recent, self.now, items)?);
            seq = tx.next_seq();
            transactions.push(tx);
        }
        let proposer = self.validators.first().context("a validator")?.public().key_id();
        let built = self.chain.propose(proposer, self.now, transactions)?;
        anyhow::ensure!(built.refused.is_empty(), "{:?}", built.refused);
        let candidate = built.candidate;
        let (height, id) = (candidate.header.height, candidate.id);
        let bytes = vote_bytes(&self.founding.chain(), VoteType::Precommit, height, 0, Some(&id));
        let signatures = self.validators.iter().take(3).map(|key| wire::CommitSignature {
            key_id: key.public().key_id().to_vec(),
            signature: key.sign(&bytes).to_vec(),
        });
        let certificate = wire::Certificate {
            height: height.get(),
            round: 0,
            block_id: id.to_vec(),
            signatures: signatures.collect(),
        };
        self.chain.commit(&candidate, certificate)?;
        self.now = self.now.plus(1_000);
        Ok(())
    }

    /// Commits so many blocks of one record each.
    pub fn records(&mut self, numbers: std::ops::RangeInclusive<u64>) -> anyhow::Result<()> {
        let gateway = self.gateway.clone();
        for number in numbers {
            self.commit_items(&gateway, &[record(number)?])?;
        }
        Ok(())
    }

    /// A snapshot of what stands: what it is of, and its pieces. Blocks are added while it is written.
    pub fn snapshot(&mut self) -> anyhow::Result<(Manifest, Vec<Piece>)> {
        let begun = self.chain.begin_snapshot()?.context("a block")?;
        self.records(900..=902)?;
        let made = begun.write(&self.data.join("snapshot"))?;
        let mut pieces = Vec::new();
        while let Some(bytes) = made.piece(pieces.len() as u32)? {
            pieces.push(codec::decode(&bytes)?);
        }
        Ok((Manifest::from_bytes(made.manifest())?, pieces))
    }
}

/// A node without blocks that joins.
pub struct Newcomer {
    folder: TempDir,
    /// Its chain.
    pub chain: Chain,
}

impl Newcomer {
    /// With nothing.
    pub fn new(ledger: &Ledger) -> anyhow::Result<Self> {
        Ok(Self::open(tempfile::tempdir()?, ledger)?.0)
    }

    /// With what is in a folder, and what was found there.
    pub fn open(folder: TempDir, ledger: &Ledger) -> anyhow::Result<(Self, OpenReport)> {
        let (chain, report) = Chain::open(folder.path(), ledger.founding.clone())?;
        Ok((Self { folder, chain }, report))
    }

    /// As if it were killed: gives its folder.
    pub fn kill(self) -> TempDir {
        self.folder
    }

    /// Where its data are.
    pub fn data(&self) -> DiskPath {
        DiskPath::from(self.folder.path())
    }

    /// Joins, and has the blocks that are behind the snapshot.
    pub fn join(&mut self, ledger: &Ledger, arrived: Arrived) -> anyhow::Result<()> {
        self.chain.begin_from(&self.data(), arrived)?;
        self.follow(ledger)
    }

    /// Takes in the blocks that the ledger has more.
    pub fn follow(&mut self, ledger: &Ledger) -> anyhow::Result<()> {
        while self.chain.header().height < ledger.chain.header().height {
            let height = self.chain.next_height();
            let stored = ledger.chain.log().read(height)?.context("a block")?;
            let bytes = codec::encode(&stored.block)?;
            let candidate = self.chain.validate(&bytes, &|_, _| None, Clock::Unasked)?;
            let certificate = prost::Message::decode(stored.certificate.as_slice())?;
            self.chain.commit(&candidate, certificate)?;
        }
        Ok(())
    }

    /// Fetches older blocks, so many at a time; whether there are more.
    pub fn older(&mut self, ledger: &Ledger, most: u64) -> anyhow::Result<bool> {
        let Some(mut older) = Older::of(&self.chain)? else { return Ok(false) };
        let first = older.next();
        let end = (first.get() + most).min(ledger.chain.next_height().get());
        let blocks = (first.get()..end).map(|height| {
            Ok(codec::encode(&ledger.chain.log().read(Height::new(height))?.context("a block")?)?)
        });
        let good = older.check(&self.chain, &blocks.collect::<anyhow::Result<Vec<_>>>()?)?;
        anyhow::ensure!(!good.is_empty(), "no block holds");
        self.chain.take_older(first, &good)?;
        Ok(true)
    }

    /// Makes the history of them.
    pub fn make_history(&mut self) -> anyhow::Result<()> {
        let mut making: Making = self.chain.begin_history()?;
        while !making.step(&self.chain, 7)? {}
        let data = self.data();
        Ok(self.chain.end_history(making, &data)?)
    }

    /// Stops and starts.
    pub fn restart(self, ledger: &Ledger) -> anyhow::Result<Self> {
        let Self { folder, mut chain } = self;
        chain.write_index()?;
        drop(chain);
        unlocked(&folder.path().join("index/db"))?;
        let (it, report) = Self::open(folder, ledger)?;
        let is_whole = report.joins_anew.is_none() && report.index_rebuilt.is_none();
        anyhow::ensure!(is_whole && report.damage.is_empty() && report.cut.is_none(), "{report:?}");
        Ok(it)
    }
}

/// Waits until nobody holds a file: a process that another test starts has a copy of each handle until it runs its own program.
fn unlocked(file: &Path) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        match std::fs::File::open(file)?.try_lock() {
            Ok(()) => return Ok(()),
            Err(_) if begun.elapsed() < DEADLINE => std::thread::yield_now(),
            Err(error) => return Err(error.into()),
        }
    }
}
