//! `liuhen-gate carry`: outside, where nodes are to be had. Brings what the gate put out to a node, and puts in what the ledger says. It is not trusted: what it
//! brings out is signed, and what it brings in is proved.

use super::files::{
    Became, CarriedGroup, CarriedState, NamedIdentity, WANTED, Wanted, put, read, state_name,
    states,
};
use super::outbox::waiting;
use crate::ledger::Ledger;
use crate::spool::Spool;
use crate::state::State;
use anyhow::Context as _;
use liuhen_client::clock::now;
use liuhen_client::error::ClientError;
use liuhen_client::reach::ReachOptions;
use liuhen_genesis::Founding;
use liuhen_keyfile::PassphraseSource;
use liuhen_proto::items::access::decide::Gateway;
use liuhen_proto::ledger::Object;
use liuhen_proto::place::Place;
use liuhen_proto::tx::Tx;
use liuhen_proto::types::limits::OBJECTS_PROVED;
use liuhen_proto::types::{ChainId, IdentityId, KeyId};
use liuhen_proto::wire::{self, Party, RecordAccess};
use prost::Message as _;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// No node is waited for longer: the next is asked.
const NODE_WITHIN: Duration = Duration::from_secs(10);
/// States that stay in the folder, for whoever carries may be reading one.
const KEPT: usize = 3;

/// Its settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The founding document.
    pub genesis: PathBuf,
    /// Nodes: `https://host:port`, or `http://` on this machine.
    pub nodes: Vec<String>,
    /// The key file of a system of the collector, not the gateway's: it only asks.
    pub key: PathBuf,
    /// Whether nodes on other machines may be spoken to in the clear.
    #[serde(default)]
    pub allow_plaintext: bool,
    /// What the gate put out.
    pub outbox: PathBuf,
    /// What the gate takes in.
    pub inbox: PathBuf,
    /// How often a state is brought.
    #[serde(default = "ten")]
    pub every_seconds: u64,
}

const fn ten() -> u64 {
    10
}

impl Settings {
    /// Reads the file; paths in it are beside it.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let at = || format!("{}", path.display());
        let text = std::fs::read_to_string(path).with_context(at)?;
        let mut settings: Self = toml::from_str(&text).with_context(at)?;
        let beside = path.parent().unwrap_or(Path::new(".")).to_owned();
        let Self { genesis, key, outbox, inbox, .. } = &mut settings;
        for one in [genesis, key, outbox, inbox] {
            *one = beside.join(&*one);
        }
        anyhow::ensure!(!settings.nodes.is_empty(), "nodes: one at least is needed");
        anyhow::ensure!(settings.every_seconds > 0, "every_seconds: 1 at least");
        Ok(settings)
    }
}

/// Whoever carries.
struct Carrier {
    settings: Settings,
    ledger: Arc<Ledger>,
    chain: ChainId,
}

/// Carries until told to stop; or once. Errors where that one time not all could be done.
pub async fn carry(settings: Settings, once: bool, stop: CancellationToken) -> anyhow::Result<()> {
    let at = || format!("genesis: {}", settings.genesis.display());
    let founding = std::fs::read(&settings.genesis).with_context(at)?;
    let founding = Founding::from_bytes(&founding).with_context(at)?;
    let (chain, dev) = (founding.chain(), founding.is_dev());
    let source = PassphraseSource::CredentialOrPrompt;
    let key = liuhen_keyfile::load(&settings.key, &source, dev).context("key")?;
    let (within, allow_plaintext) = (NODE_WITHIN, settings.allow_plaintext);
    let options = ReachOptions { within, allow_plaintext, ..ReachOptions::default() };
    let ledger = Arc::new(Ledger::of(founding, &settings.nodes, &options, &key)?);
    let every = Duration::from_secs(settings.every_seconds);
    let carrier = Carrier { settings, ledger, chain };
    loop {
        let done = carrier.round().await;
        match (done, once) {
            (done, true) => return done,
            (Ok(()), false) => {}
            (Err(error), false) => {
                tracing::warn!(error = %format!("{error:#}"), "not all was carried; it is tried again");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(every) => {}
        }
    }
}

impl Carrier {
    /// Out with what waits, then in with how the ledger stands.
    async fn round(&self) -> anyhow::Result<()> {
        let file = self.settings.outbox.join(WANTED);
        let wanted: Option<Wanted> = read(&file).context("the gate has put nothing out yet")?;
        let wanted = wanted.with_context(|| format!("{}: not whole yet", file.display()))?;
        anyhow::ensure!(
            wanted.chain_id == self.chain.as_bytes(),
            "the gate is of another chain than the founding document"
        );
        let key = KeyId::from_slice(&wanted.key_id).context("the gateway's key")?;
        let (on_ledger, next) = self.key(key).await.context("the gateway's key")?;
        let gateway = Gateway {
            department: on_ledger.department,
            identity: IdentityId::from_slice(&on_ledger.identity_id)?,
            key,
        };
        let became = self.bring_out(&key, next).await;
        let (became, failed) = match became {
            Ok(became) => (became, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        let brought = self.bring_in(&wanted, gateway, became).await;
        failed.map_or(brought, Err)
    }

    async fn key(&self, key: KeyId) -> Result<(wire::Key, u64), ClientError> {
        self.ledger.ask(|node| Box::pin(async move { node.key(&key).await })).await
    }

    /// Submits what waits, in order, from the first that is not on the ledger.
    async fn bring_out(&self, key: &KeyId, mut next: u64) -> anyhow::Result<Vec<Became>> {
        let mut became = Vec::new();
        for it in waiting(&self.settings.outbox)? {
            let header = it.tx.header();
            if header.key != *key || header.chain != self.chain {
                tracing::warn!(file = %it.file.display(), "not the gateway's: it is left");
                continue;
            }
            if header.seq < next {
                continue;
            }
            // One before it is not here yet.
            if header.seq > next {
                break;
            }
            let tx_id = it.tx.id().as_bytes().to_vec();
            match self.submit(&it.tx).await {
                Ok(()) => {
                    tracing::info!(file = %it.file.display(), items = it.tx.items().len(), "committed");
                    next = it.tx.next_seq();
                    became.push(Became { tx_id, ..Became::default() });
                }
                Err(ClientError::Refused(why, _)) if !why.reason.is_empty() => {
                    tracing::warn!(file = %it.file.display(), reason = why.reason, "refused");
                    let item = why.item.map(u64::from);
                    became.push(Became { tx_id, refused: why.reason, item });
                    break;
                }
                Err(error) => return Err(error).context("a transaction"),
            }
        }
        Ok(became)
    }

    async fn submit(&self, tx: &Tx) -> Result<(), ClientError> {
        let submitted = self.ledger.ask(|node| {
            let request = wire::SubmitRequest { transaction: tx.raw().to_vec() };
            Box::pin(async move { Ok(node.submission().submit(request).await?) })
        });
        submitted.await.map(|_| ())
    }

    /// Writes how the ledger stands.
    async fn bring_in(
        &self,
        wanted: &Wanted,
        gateway: Gateway,
        became: Vec<Became>,
    ) -> anyhow::Result<()> {
        let mut identities = Vec::new();
        for name in wanted.callers.iter().chain(&wanted.officers) {
            let found = self.ledger.identity(name).await;
            let found = found.with_context(|| format!("identity {name}"))?;
            let (department, identity_id) = (found.department, found.identity_id);
            identities.push(NamedIdentity { name: name.clone(), department, identity_id });
        }
        // In this order: what is on the ledger by what it says of the gateway all groups count.
        let (_, next_seq) = self.key(gateway.key).await.context("the gateway's key")?;
        let own_proof = self.own(&gateway, &identities, &wanted.officers).await?;
        let groups = self.groups(wanted, &gateway, &identities).await?;
        let made_ms = now().get();
        let state = CarriedState {
            made_ms,
            gateway: Some(NamedIdentity {
                name: String::new(),
                department: gateway.department,
                identity_id: gateway.identity.to_vec(),
            }),
            identities,
            groups,
            own_proof,
            next_seq,
            became,
        };
        let inbox = &self.settings.inbox;
        put(inbox, &state_name(made_ms), &state.encode_to_vec()).context("inbox")?;
        let all = states(inbox)?;
        let old = all.len().saturating_sub(KEPT);
        all.iter().take(old).for_each(|it| drop(std::fs::remove_file(it)));
        tracing::info!(groups = state.groups.len(), next_seq, "a state is there to be carried in");
        Ok(())
    }

    async fn proof(&self, places: &BTreeSet<Place>) -> anyhow::Result<Vec<u8>> {
        anyhow::ensure!(places.len() <= OBJECTS_PROVED, "more objects than one proof has");
        let proof = self.ledger.ask(|node| {
            let places = places.clone();
            Box::pin(async move { node.objects_proof(&places, 0).await })
        });
        Ok(proof.await?)
    }

    /// What the ledger says of the gateway, and of officers with their keys.
    async fn own(
        &self,
        gateway: &Gateway,
        identities: &[NamedIdentity],
        officers: &[String],
    ) -> anyhow::Result<Vec<u8>> {
        let mut places: BTreeSet<Place> = [
            Place::parameters(),
            Place::gateway(&gateway.identity),
            Place::gateway_setup(gateway.identity.as_bytes()),
            Place::department(&gateway.department),
        ]
        .into();
        for officer in identities.iter().filter(|it| officers.contains(&it.name)) {
            let place = Place::identity(&IdentityId::from_slice(&officer.identity_id)?);
            let known = self.ledger.known(&[place.clone()].into()).await?;
            if let Some(Some(Object::Identity(it))) = known.objects.get(&place) {
                let keys = it.key_ids.iter().filter_map(|id| KeyId::from_slice(id).ok());
                places.extend(keys.map(|id| Place::key(&id)));
            }
            places.extend([place, Place::department(&officer.department)]);
        }
        self.proof(&places).await.context("of the gateway")
    }

    /// What decides, for each caller and dataset.
    async fn groups(
        &self,
        wanted: &Wanted,
        gateway: &Gateway,
        identities: &[NamedIdentity],
    ) -> anyhow::Result<Vec<CarriedGroup>> {
        let state = State::new(Arc::clone(&self.ledger), Spool::nothing(), gateway.clone());
        let callers = identities.iter().filter(|it| wanted.callers.contains(&it.name));
        let callers = callers.map(|it| Party {
            department: it.department.clone(),
            identity_id: it.identity_id.clone(),
            assurance: wire::Assurance::Verified as i32,
            ..Party::default()
        });
        let unknown = Party { unmapped_digest: vec![0; 32], ..Party::default() };
        let mut all: BTreeMap<_, BTreeSet<Place>> = BTreeMap::new();
        for asker in callers.chain([unknown]) {
            for route in &wanted.routes {
                let (asker, access_time_ms) = (Some(asker.clone()), now().get());
                let collector = gateway.department.clone();
                let probe = RecordAccess { collector, asker, access_time_ms, ..route.clone() };
                let key = crate::gate::key_of(&probe);
                let group = state.group(&key, &probe, Some(Duration::ZERO)).await;
                let group = group.with_context(|| format!("of {}", key.0))?;
                all.entry(key).or_default().extend(group.known.objects.keys().cloned());
            }
        }
        let mut groups = Vec::new();
        for ((dataset, ..), places) in all {
            let standings = self.ledger.requests(&dataset).await?;
            let proof = self.proof(&places).await.with_context(|| format!("of {dataset}"))?;
            groups.push(CarriedGroup { dataset, standings, proof });
        }
        Ok(groups)
    }
}
