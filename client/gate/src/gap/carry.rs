//! `liuhen-gate carry`: outside, where nodes are to be had. Brings what the gate put out to a node, and puts in what the ledger says. It is not trusted: what it
//! brings out is signed, and what it brings in is proved.

use super::files::{
    Became, CarriedGroup, CarriedState, NamedIdentity, WANTED, Wanted, put, read, state_name,
};
use super::outbox::{count, waiting};
use crate::ledger::Ledger;
use crate::spool::Spool;
use crate::state::{Key, State};
use anyhow::Context as _;
use liuhen_client::clock::now;
use liuhen_client::error::ClientError;
use liuhen_client::reach::ReachOptions;
use liuhen_genesis::Founding;
use liuhen_keyfile::PassphraseSource;
use liuhen_proto::items::access::decide::Gateway;
use liuhen_proto::ledger::Object;
use liuhen_proto::place::Place;
use liuhen_proto::suite::sign::PublicKey;
use liuhen_proto::tx::Tx;
use liuhen_proto::types::limits::OBJECTS_PROVED;
use liuhen_proto::types::{ChainId, IdentityId, KeyId, RequestId};
use liuhen_proto::wire::{self, Party, RecordAccess};
use prost::Message as _;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
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

/// Grants are passed on so often at most.
const DEPTH: usize = 8;

/// Whoever carries.
struct Carrier {
    settings: Settings,
    ledger: Arc<Ledger>,
    chain: ChainId,
    /// The states that it wrote.
    written: Mutex<VecDeque<PathBuf>>,
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
    let written = Mutex::default();
    let carrier = Carrier { settings, ledger, chain, written };
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
            department: on_ledger.department.clone(),
            identity: IdentityId::from_slice(&on_ledger.identity_id)?,
            key,
        };
        let mut became = Vec::new();
        let public = PublicKey::from_slice(&on_ledger.public_key).context("the gateway's key")?;
        let out = self.bring_out(&public, next, &mut became).await;
        let refused = became.iter().filter(|it| !it.refused.is_empty()).count();
        // What became of some of them is to be known within, whatever failed behind them.
        self.bring_in(&wanted, gateway, became).await?;
        let left = out?;
        anyhow::ensure!(
            refused == 0 && left == 0,
            "{refused} transactions were refused, and {left} are left behind them: the gate signs them anew when it knows"
        );
        Ok(())
    }

    async fn key(&self, key: KeyId) -> Result<(wire::Key, u64), ClientError> {
        self.ledger.ask_in_turn(|node| Box::pin(async move { node.key(&key).await })).await
    }

    /// Submits what waits, in order, from the first that is not on the ledger. Gives how many could not be for what came before them.
    async fn bring_out(
        &self,
        key: &PublicKey,
        mut next: u64,
        became: &mut Vec<Became>,
    ) -> anyhow::Result<usize> {
        let all = waiting(&self.settings.outbox, key, &self.chain)?;
        // What is not whole, or not the gateway's, is not brought either.
        let there = count(&self.settings.outbox)?;
        let (mut left, mut stopped) = (there.saturating_sub(all.len()), false);
        for it in all {
            let header = it.tx.header();
            if header.seq < next {
                continue;
            }
            // One before it is not here yet, or was refused.
            if stopped || header.seq > next {
                left = left.saturating_add(1);
                continue;
            }
            let tx_id = it.tx.id().as_bytes().to_vec();
            match self.submit(&it.tx).await {
                Ok(()) => {
                    tracing::info!(file = %it.file.display(), items = it.tx.items().len(), "committed");
                    next = it.tx.next_seq();
                    became.push(Became { tx_id, ..Became::default() });
                }
                Err(error) if error.is_unanswered() => return Err(error).context("a transaction"),
                Err(ClientError::Refused(why, _)) if !why.reason.is_empty() => {
                    tracing::warn!(file = %it.file.display(), reason = why.reason, "refused");
                    let item = why.item.map(u64::from);
                    became.push(Became { tx_id, refused: why.reason, item });
                    stopped = true;
                }
                Err(error) => return Err(error).context("a transaction"),
            }
        }
        Ok(left)
    }

    async fn submit(&self, tx: &Tx) -> Result<(), ClientError> {
        let submitted = self.ledger.ask_in_turn(|node| {
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
        let who = self.who(&identities).await?;
        let (groups, failed) = self.groups(wanted, &gateway, &identities).await?;
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
            who,
        };
        let inbox = &self.settings.inbox;
        put(inbox, &state_name(made_ms), &state.encode_to_vec()).context("inbox")?;
        // Of those that were written here the last few stay: what others put there is theirs.
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.push_back(inbox.join(state_name(made_ms)));
        while written.len() > KEPT {
            written.pop_front().into_iter().for_each(|it| drop(std::fs::remove_file(it)));
        }
        tracing::info!(groups = state.groups.len(), next_seq, "a state is there to be carried in");
        anyhow::ensure!(failed == 0, "{failed} of what decides could not be proved");
        Ok(())
    }

    /// Who everybody is that is named.
    async fn who(&self, identities: &[NamedIdentity]) -> anyhow::Result<Vec<Vec<u8>>> {
        let mut proofs = Vec::new();
        for some in identities.chunks(OBJECTS_PROVED) {
            let places = some
                .iter()
                .map(|it| Ok(Place::identity(&IdentityId::from_slice(&it.identity_id)?)));
            let places = places.collect::<anyhow::Result<BTreeSet<Place>>>()?;
            proofs.push(self.proof(&places).await.context("of who is who")?);
        }
        Ok(proofs)
    }

    async fn proof(&self, places: &BTreeSet<Place>) -> anyhow::Result<Vec<u8>> {
        anyhow::ensure!(places.len() <= OBJECTS_PROVED, "more objects than one proof has");
        let proof = self.ledger.ask_in_turn(|node| {
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
            Place::key(&gateway.key),
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

    /// What decides, for each caller and dataset; and how much of it could not be proved.
    async fn groups(
        &self,
        wanted: &Wanted,
        gateway: &Gateway,
        identities: &[NamedIdentity],
    ) -> anyhow::Result<(Vec<CarriedGroup>, usize)> {
        let state = State::new(Arc::clone(&self.ledger), Spool::nothing(), gateway.clone());
        let callers = identities.iter().filter(|it| wanted.callers.contains(&it.name));
        let callers = callers.map(|it| Party {
            department: it.department.clone(),
            identity_id: it.identity_id.clone(),
            assurance: wire::Assurance::Verified as i32,
            ..Party::default()
        });
        let unknown = Party { unmapped_digest: vec![0; 32], ..Party::default() };
        let mut all: BTreeMap<_, Vec<RecordAccess>> = BTreeMap::new();
        for asker in callers.chain([unknown]) {
            for route in &wanted.routes {
                let (asker, access_time_ms) = (Some(asker.clone()), now().get());
                let collector = gateway.department.clone();
                let probe = RecordAccess { collector, asker, access_time_ms, ..route.clone() };
                all.entry(crate::gate::key_of(&probe)).or_default().push(probe);
            }
        }
        let (mut groups, mut failed) = (Vec::new(), 0_usize);
        for (key, probes) in all {
            match self.group(&state, &key, &probes).await {
                Ok(group) => groups.push(group),
                // The others are carried all the same.
                Err(error) => {
                    let (dataset, asker) = (&key.0, &key.1);
                    tracing::warn!(dataset, asker, error = %format!("{error:#}"), "what decides can't be proved");
                    failed = failed.saturating_add(1);
                }
            }
        }
        anyhow::ensure!(
            failed == 0 || !groups.is_empty(),
            "nothing of what decides could be proved"
        );
        Ok((groups, failed))
    }

    /// What decides for one caller and dataset.
    async fn group(
        &self,
        state: &State,
        key: &Key,
        probes: &[RecordAccess],
    ) -> anyhow::Result<CarriedGroup> {
        let (dataset, ..) = key;
        let mut places: BTreeSet<Place> = BTreeSet::new();
        for probe in probes {
            let group = state.group(key, probe, Some(Duration::ZERO)).await?;
            places.extend(group.known.objects.keys().cloned());
        }
        self.with_parents(&mut places).await?;
        let standings = self.ledger.requests(dataset).await?;
        let proof = self.proof(&places).await?;
        Ok(CarriedGroup { dataset: dataset.clone(), standings, proof })
    }

    /// From what grants hang: whatever is decided when the state is carried in, at other hours and with other quotas.
    async fn with_parents(&self, places: &mut BTreeSet<Place>) -> anyhow::Result<()> {
        for _ in 0..DEPTH {
            let known = self.ledger.known(places).await?;
            let mut more = BTreeSet::new();
            for object in known.objects.values().flatten() {
                let Object::Grant(grant) = object else { continue };
                if !grant.using_department.is_empty() {
                    more.insert(Place::department(&grant.using_department));
                }
                if let Ok(parent) = RequestId::from_slice(&grant.parent_id) {
                    more.extend([Place::grant(&parent), Place::grant_use(&parent)]);
                }
            }
            let before = places.len();
            places.extend(more);
            if places.len() == before {
                return Ok(());
            }
        }
        Ok(())
    }
}
