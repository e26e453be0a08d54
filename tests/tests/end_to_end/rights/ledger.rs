//! A ledger with one of each thing that there is to read.

use super::parties::Parties;
use super::roles::{MEMBERS, May, PARAMETERS, ROLES, Role};
use anyhow::Context as _;
use liuhen_client::clock::now;
use liuhen_client::connect::Node;
use liuhen_client::submit::{Account, item};
use liuhen_proto::items::trails;
use liuhen_proto::place::{Place, TrailKind};
use liuhen_proto::suite::sign::PublicKey;
use liuhen_proto::tx::Tx;
use liuhen_proto::types::{Hash, IdKind, TxId};
use liuhen_proto::wire::{self, GetStatusRequest, item::Kind};
use liuhen_tests::Cluster;
use liuhen_tests::things::{self as items, COLLECTOR, GATEWAY, MANAGER, Things, USER, Who};
use liuhen_tests::wait::until;
use std::collections::BTreeMap;

/// Something that was put on the ledger.
#[derive(Debug, Clone)]
pub struct Step {
    /// What it is.
    pub name: &'static str,
    /// In which transaction.
    pub tx: TxId,
    /// Its place there.
    pub number: u32,
    /// What it says.
    pub kind: Kind,
    /// Its digest, by which it is known in a watch.
    pub digest: Hash,
    /// Where it is filed.
    pub trails: Vec<Place>,
}

/// What an overseer's read is filed with.
pub const REGULATOR: Who = ("sup", "regulator");
/// The last of all steps; every member sees it.
pub const END: &str = "the end";

/// A cluster whose ledger has one of each thing.
pub struct Ledger {
    /// The cluster.
    pub cluster: Cluster,
    /// The node that is asked, without a token.
    pub node: Node,
    /// All that was put there, in order.
    pub steps: Vec<Step>,
    /// What is asked for.
    pub things: Things,
    /// Who is party to what.
    pub parties: Parties,
    accounts: BTreeMap<Who, Account>,
}

impl Ledger {
    /// Makes it.
    pub async fn make() -> anyhow::Result<Self> {
        let mut cluster = Cluster::start_of(PARAMETERS, &MEMBERS).await?;
        let node = cluster.connect("psb").await?;
        let mut it = Self {
            cluster,
            node,
            steps: Vec::new(),
            things: Things { subject_key: Hash::new([5; 32]), ..Things::default() },
            parties: Parties::default(),
            accounts: BTreeMap::new(),
        };
        for role in ROLES.iter().filter(|role| role.may != May::Nothing) {
            let account = it.cluster.account(&it.node, role.who.0, role.who.1).await?;
            let (identity, key) = (&account.signer.identity, account.signer.key.public().key_id());
            it.things.identities.insert(role.who, (identity.to_vec(), key.to_vec()));
            for id in [identity.to_vec(), key.to_vec()] {
                it.parties.owners.insert(id, role.department());
            }
            it.accounts.insert(role.who, account);
        }
        // Reads are recorded with the key of the node that was asked.
        let node =
            PublicKey::from_slice(&hex::decode(it.cluster.consortium.public_key_of_node("psb")?)?)?;
        it.parties.owners.insert(node.key_id().to_vec(), "gz.psb".into());
        it.share().await?;
        it.access().await?;
        it.answer().await?;
        it.close().await?;
        Ok(it)
    }

    /// The connection of a role.
    pub fn of(&self, role: &Role) -> Node {
        self.accounts.get(&role.who).map_or_else(|| self.node.clone(), |it| it.on(&self.node))
    }

    /// Puts things on the ledger, in one transaction.
    async fn put(&mut self, who: Who, named: Vec<(&'static str, Kind)>) -> anyhow::Result<Tx> {
        let account = self.accounts.get(&who).context("no such account")?;
        let names: Vec<_> = named.iter().map(|(name, _)| *name).collect();
        let all: Result<Vec<_>, _> = named.into_iter().map(|(_, kind)| item(kind)).collect();
        let sent = account.submit(&self.node, &all?).await;
        let (tx, _) = sent.with_context(|| format!("{who:?}: {names:?}"))?;
        for (number, (name, item)) in (0..).zip(names.into_iter().zip(tx.items())) {
            self.steps.push(Step {
                name,
                tx: tx.id(),
                number,
                kind: item.kind().clone(),
                digest: *item.digest(),
                trails: trails(tx.header(), number, item),
            });
        }
        Ok(tx)
    }

    /// Datasets, a grant, one for a class, and one that is passed on.
    async fn share(&mut self) -> anyhow::Result<()> {
        let gateway = self.things.identity(GATEWAY);
        let begun = self.put(COLLECTOR, items::catalogue(&gateway)).await?;
        self.things.standing = begun.header().request_id(3);
        let portal = self.things.identity(("hrss", "portal"));
        let asked = self.put(USER, vec![("request", items::request(&portal))]).await?;
        self.things.grant = asked.header().request_id(0);
        let things = self.things.clone();
        self.put(COLLECTOR, vec![("decision", items::decision(&things.grant, &portal))]).await?;
        let confirmed = vec![
            ("confirmation", items::confirmation(&things.grant, items::RESIDENT, "gz.hrss")),
            ("standing confirmed", items::confirmation(&things.standing, items::OPEN, "")),
        ];
        self.put(MANAGER, confirmed).await?;
        let village = things.identity(("vill", "officer"));
        let passed_on = items::passing_on(&things.grant, &village);
        let passed_on = self.put(USER, vec![("passing on", passed_on)]).await?;
        self.things.passed_on = passed_on.header().request_id(0);
        let parties = &mut self.parties;
        parties.share(&self.things.grant, &["gz.hrss", "gz.psb"], &[]);
        parties.share(&self.things.standing, &["gz.psb"], &["gz.vill"]);
        parties.share(&self.things.passed_on, &["gz.vill", "gz.hrss", "gz.psb"], &[]);
        Ok(())
    }

    /// Records of each sort, and the user's half of one.
    async fn access(&mut self) -> anyhow::Result<()> {
        let order =
            self.put(("sec", "officer"), vec![("sealing order", items::order(now()))]).await?;
        let order = order.header().made_id(IdKind::SealingOrder, 0);
        let records = items::records(&self.things, &order, now());
        self.put(GATEWAY, records).await?;
        let half = items::half(&self.things);
        self.put(("hrss", "portal"), vec![("half", half)]).await?;
        let correction = items::correction(&self.things, now());
        let corrected = self.put(COLLECTOR, vec![("correction", correction)]).await?;
        let correction = corrected.header().made_id(IdKind::Correction, 0);
        self.put(USER, vec![("agreement", items::agreement(&correction))]).await?;
        Ok(())
    }

    /// A case, a product, a proposal, an audit; and the end.
    async fn answer(&mut self) -> anyhow::Result<()> {
        let both = vec![
            ("case", items::case(&self.things)),
            ("product", items::product(&self.things.grant)),
        ];
        let opened = self.put(USER, both).await?;
        self.things.case = opened.header().made_id(IdKind::Case, 0).to_vec();
        self.things.product = opened.header().made_id(IdKind::Product, 1).to_vec();
        for id in [&self.things.case, &self.things.product] {
            self.parties.about.insert(id.clone(), items::texts(&["gz.hrss", "gz.psb", "gz.bdb"]));
        }
        let proposed = self.put(MANAGER, vec![("proposal", items::proposal())]).await?;
        self.things.proposal = proposed.header().proposal_id(0).to_vec();
        self.put(("aud", "officer"), vec![("audit", items::audit(now()))]).await?;
        self.put(COLLECTOR, vec![(END, items::update())]).await?;
        Ok(())
    }

    /// Waits until a node is away, of which members alone are told; until there is a checkpoint; and until the
    /// regulator has left its trace.
    async fn close(&mut self) -> anyhow::Result<()> {
        self.cluster.stop("tax").await?;
        let officer = self.accounts.get(&COLLECTOR).context("no officer")?.on(&self.node);
        until("the node to be missed", async || {
            let status = officer.node().get_status(GetStatusRequest {}).await.ok()?.into_inner();
            (status.away == ["gz.tax"]).then_some(())
        })
        .await?;
        until("a checkpoint", async || {
            self.node.checkpoints().get_checkpoint(wire::GetCheckpointRequest::default()).await.ok()
        })
        .await?;
        let id = self.things.identity(REGULATOR);
        let regulator = self.accounts.get(&REGULATOR).context("no regulator")?.on(&self.node);
        regulator.whole_trail(TrailKind::Alert, b"gz.psb".to_vec()).await?;
        until("the regulator's read to be recorded", async || {
            let life = regulator.whole_trail(TrailKind::Identity, id.clone()).await.ok()?;
            (!life.is_empty()).then_some(())
        })
        .await
    }
}
