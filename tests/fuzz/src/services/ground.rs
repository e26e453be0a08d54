//! The chain that the services are asked about: one of each thing that there is to read, put there block by block
//! without consensus. Keys and times are fixed, so that it comes out the same each time, to the byte.

use anyhow::Context as _;
use liuhen_genesis::Founding;
use liuhen_node::app::Chain;
use liuhen_proto::header::certificate::{VoteType, vote_bytes};
use liuhen_proto::items::Item;
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::tx::{Signer, Tx};
use liuhen_proto::types::{Hash, IdKind, TimeMs, identity_id};
use liuhen_proto::wire::{self, item::Kind};
use liuhen_tests::things::{self, COLLECTOR, GATEWAY, MANAGER, Things, USER, Who};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use tempfile::TempDir;

/// When the chain was founded: 2090. A block is later than the one before it even where the node's clock is not, so
/// that what a transaction would do in the next one does not depend on when it is tried.
pub(super) const BEGUN: TimeMs = TimeMs::new(3_786_912_000_000);
/// From one block to the next, milliseconds.
const STEP_MS: u64 = 1_000;
/// The audit that is open.
pub(super) const AUDIT: &str = "audit-1";
/// Who audits, and who regulates.
pub(super) const OVERSEERS: [Who; 3] =
    [("aud", "auditor"), ("aud", "officer"), ("sup", "regulator")];

const CONSORTIUM: &str = r#"name = "dev-fuzz"
time = "2090-01-01T08:00:00+08:00"
[parameters]
lead = "gz.bdb"
purposes = ["pension"]
legal_bases = ["social-insurance-law"]
sealing_authorities = ["gz.sec"]
"#;

/// A department: its code behind `gz.`, the lines of its join file, its identities with their kinds.
type Department = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const DEPARTMENTS: [Department; 9] = [
    (
        "psb",
        "level = 1\nrights = [\"collect\", \"use\"]\n",
        &[("officer", "officer"), ("gateway", "system")],
    ),
    (
        "hrss",
        "level = 1\nrights = [\"collect\", \"use\"]\n",
        &[("officer", "officer"), ("portal", "system")],
    ),
    ("tax", "level = 1\nrights = [\"use\"]\n", &[("officer", "officer")]),
    ("bdb", "level = 1\nrights = [\"manage\"]\n", &[("officer", "officer"), ("root", "root")]),
    ("plan", "level = 1\nrights = [\"manage\"]\n", &[("officer", "officer")]),
    ("sec", "level = 1\nrights = [\"use\"]\n", &[("officer", "officer")]),
    ("vill", "level = 3\nparent = \"gz.hrss\"\nrights = [\"use\"]\n", &[("officer", "officer")]),
    (
        "aud",
        "level = 1\nrights = [\"audit\"]\n",
        &[("auditor", "auditor"), ("officer", "officer"), ("desk", "system")],
    ),
    ("sup", "level = 1\nrights = [\"regulate\"]\n", &[("regulator", "regulator")]),
];
/// Who has a node, and with what power it votes: the first alone has more than two thirds.
const NODES: [(&str, u64); 2] = [("psb", 3), ("tax", 1)];

/// The key of this name.
pub(super) fn key(name: &str) -> PrivateKey {
    let mut seed = [7; 32];
    seed.iter_mut().zip(name.bytes()).for_each(|(it, byte)| *it = byte);
    PrivateKey::from_seed(&seed)
}

/// The key that the node under test votes with, and what it cosigns with.
pub(super) fn node_keys() -> [PrivateKey; 2] {
    [key("node psb"), key("cosigner psb")]
}

/// The key of an identity.
fn key_of((department, identity): Who) -> PrivateKey {
    key(&format!("{department}/{identity}"))
}

fn public(key: &PrivateKey) -> String {
    hex::encode(key.public().as_bytes())
}

fn founding() -> anyhow::Result<Founding> {
    let mut source = CONSORTIUM.to_owned();
    for (code, terms, identities) in DEPARTMENTS {
        source += &format!(
            "[[department]]\ncode = \"gz.{code}\"\nname_en = \"{code}\"\nbody = \"gz.{code}\"\n{terms}"
        );
        for (identity, kind) in identities {
            let public = public(&key_of((code, identity)));
            source += &format!(
                "[[department.identity]]\ncode = \"{identity}\"\nkind = \"{kind}\"\npublic_key = \"{public}\"\n"
            );
        }
        for (_, power) in NODES.iter().filter(|(it, _)| *it == code) {
            let [votes, cosigns] =
                ["node", "cosigner"].map(|what| public(&key(&format!("{what} {code}"))));
            source += &format!(
                "[[department.node]]\ncode = \"node-1\"\npublic_key = \"{votes}\"\ncosigner_key = \"{cosigns}\"\n\
                 peer_id = \"peer-{code}\"\npower = {power}\n"
            );
        }
    }
    Ok(liuhen_genesis::build(&source)?)
}

/// The chain, who may sign on it, and what was signed.
pub(super) struct Ground {
    pub(super) chain: Arc<RwLock<Chain>>,
    pub(super) signers: BTreeMap<Who, Signer>,
    pub(super) things: Things,
    /// What stands in the blocks, in order.
    pub(super) transactions: Vec<Tx>,
    folder: TempDir,
}

impl Ground {
    /// Makes it, in a folder that goes when it does.
    pub(super) fn make() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let (chain, _) = Chain::open(&folder.path().join("chain"), founding()?)?;
        let chain = Arc::new(RwLock::new(chain));
        let things = Things { subject_key: Hash::new([5; 32]), ..Things::default() };
        let (signers, transactions) = (BTreeMap::new(), Vec::new());
        let mut it = Self { chain, signers, things, transactions, folder };
        for (code, _, identities) in DEPARTMENTS {
            for (identity, _) in identities {
                it.enrol((code, identity));
            }
        }
        it.share()?;
        it.access()?;
        it.answer()?;
        Ok(it)
    }

    /// The chain, to be read.
    pub(super) fn chain(&self) -> RwLockReadGuard<'_, Chain> {
        self.chain.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where reads are noted. What the input before left there is gone.
    pub(super) fn reads(&self) -> PathBuf {
        let folder = self.folder.path().join("reads");
        let _ = std::fs::remove_dir_all(&folder);
        folder
    }

    fn enrol(&mut self, who: Who) {
        let key = key_of(who);
        let (id, key_id) = (identity_id(&key.public().key_id()), key.public().key_id());
        self.things.identities.insert(who, (id.to_vec(), key_id.to_vec()));
        let (chain, department) = (self.chain().founding().chain(), format!("gz.{}", who.0));
        self.signers.insert(who, Signer { chain, department, identity: id, key });
    }

    /// The time of the next block.
    fn now(&self) -> TimeMs {
        BEGUN.plus(self.chain().next_height().get() * STEP_MS)
    }

    /// Signs items as the next transaction of somebody, or so many numbers ahead of that.
    pub(super) fn sign(&self, who: Who, ahead: u64, items: &[Item]) -> anyhow::Result<Tx> {
        let signer = self.signers.get(&who).context("nobody of that name")?;
        let seq = self.chain().next_seq(&signer.key.public().key_id())?.saturating_add(ahead);
        let recent = (self.chain().header().height, self.chain().header().block_id());
        Ok(signer.sign(seq, recent, self.now(), items)?)
    }

    /// Puts things on the ledger, in a block of their own.
    fn put(&mut self, who: Who, named: Vec<(&'static str, Kind)>) -> anyhow::Result<Tx> {
        let height = self.chain().next_height().get();
        let items = (0u64..).zip(named).map(|(number, (name, kind))| {
            let mut nonce = [0; 16];
            nonce[..8].copy_from_slice(&height.to_be_bytes());
            nonce[8..].copy_from_slice(&number.to_be_bytes());
            Item::new(nonce, kind).with_context(|| name.to_owned())
        });
        let tx = self.sign(who, 0, &items.collect::<anyhow::Result<Vec<_>>>()?)?;
        let [node, _] = node_keys();
        let (proposer, now) = (node.public().key_id(), self.now());
        let built = self.chain().propose(proposer, now, vec![Arc::new(tx.clone())])?;
        if let Some((_, why)) = built.refused.first() {
            anyhow::bail!("{who:?}: {why}");
        }
        let header = &built.candidate.header;
        let (id, height) = (header.block_id(), header.height);
        let vote = vote_bytes(&header.chain, VoteType::Precommit, height, 0, Some(&id));
        let signature = wire::CommitSignature {
            key_id: proposer.to_vec(),
            signature: node.sign(&vote).to_vec(),
        };
        let certificate = wire::Certificate {
            height: height.get(),
            round: 0,
            block_id: id.to_vec(),
            signatures: vec![signature],
        };
        let mut chain = self.chain.write().unwrap_or_else(PoisonError::into_inner);
        chain.commit(&built.candidate, certificate)?;
        drop(chain);
        self.transactions.push(tx.clone());
        Ok(tx)
    }

    /// Datasets, a grant, one for a class, and one that is passed on.
    fn share(&mut self) -> anyhow::Result<()> {
        let gateway = self.things.identity(GATEWAY);
        let begun = self.put(COLLECTOR, things::catalogue(&gateway))?;
        self.things.standing = begun.header().request_id(3);
        let portal = self.things.identity(("hrss", "portal"));
        let asked = self.put(USER, vec![("request", things::request(&portal))])?;
        self.things.grant = asked.header().request_id(0);
        let (grant, standing) = (self.things.grant, self.things.standing);
        self.put(COLLECTOR, vec![("decision", things::decision(&grant, &portal))])?;
        let confirmed = vec![
            ("confirmation", things::confirmation(&grant, things::RESIDENT, "gz.hrss")),
            ("standing confirmed", things::confirmation(&standing, things::OPEN, "")),
        ];
        self.put(MANAGER, confirmed)?;
        let village = self.things.identity(("vill", "officer"));
        let passed_on =
            self.put(USER, vec![("passing on", things::passing_on(&grant, &village))])?;
        self.things.passed_on = passed_on.header().request_id(0);
        Ok(())
    }

    /// Records of each sort, the user's half of one, and a correction of another.
    fn access(&mut self) -> anyhow::Result<()> {
        let order = vec![("sealing order", things::order(self.now()))];
        let order = self.put(("sec", "officer"), order)?;
        let order = order.header().made_id(IdKind::SealingOrder, 0);
        self.put(GATEWAY, things::records(&self.things, &order, self.now()))?;
        self.put(("hrss", "portal"), vec![("half", things::half(&self.things))])?;
        let correction = vec![("correction", things::correction(&self.things, self.now()))];
        let corrected = self.put(COLLECTOR, correction)?;
        let correction = corrected.header().made_id(IdKind::Correction, 0);
        self.put(USER, vec![("agreement", things::agreement(&correction))])?;
        Ok(())
    }

    /// A case, a product, a proposal, an audit, and a change of the catalogue.
    fn answer(&mut self) -> anyhow::Result<()> {
        let both = vec![
            ("case", things::case(&self.things)),
            ("product", things::product(&self.things.grant)),
        ];
        let opened = self.put(USER, both)?;
        self.things.case = opened.header().made_id(IdKind::Case, 0).to_vec();
        self.things.product = opened.header().made_id(IdKind::Product, 1).to_vec();
        let proposed = self.put(MANAGER, vec![("proposal", things::proposal())])?;
        self.things.proposal = proposed.header().proposal_id(0).to_vec();
        self.put(("aud", "officer"), vec![("audit", things::audit(self.now()))])?;
        self.put(COLLECTOR, vec![("update", things::update())])?;
        Ok(())
    }
}
