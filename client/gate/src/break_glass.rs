//! Doors that an officer opens by hand (应急放行): where nothing can be decided, for 72 hours at most, on routes that allow it. What is served so is numbered
//! and recorded like everything, and its record says by whom and why.

use crate::held::locked;
use crate::ledger::Ledger;
use anyhow::Context as _;
use liuhen_client::clock::now;
use liuhen_client::error::ClientError;
use liuhen_proto::items::access::break_glass::{Officer, Stated};
use liuhen_proto::ledger::Object;
use liuhen_proto::place::Place;
use liuhen_proto::types::{ChainId, IdentityId, KeyId, TimeMs};
use liuhen_proto::wire;
use prost::Message as _;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often it is looked; and how often whether who opened them still may.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const CHECK_EVERY: Duration = Duration::from_secs(30);

/// Where it stands that doors are open, and who may open them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// The file that an officer signed.
    pub file: PathBuf,
    /// Officers of the collector, `department/code`.
    pub officers: Vec<String>,
}

/// What the ledger says of an officer, as it was last seen; kept for a start without a node.
#[derive(Clone, PartialEq, prost::Message)]
pub struct KnownOfficer {
    /// Who.
    #[prost(message, optional, tag = "1")]
    pub identity: Option<wire::Identity>,
    /// His department.
    #[prost(message, optional, tag = "2")]
    pub department: Option<wire::Department>,
    /// His keys.
    #[prost(message, repeated, tag = "3")]
    pub keys: Vec<wire::Key>,
}

impl KnownOfficer {
    fn is(&self, id: &IdentityId) -> bool {
        self.identity.as_ref().is_some_and(|it| it.identity_id == id.as_bytes())
    }
}

/// By name.
pub type Officers = BTreeMap<String, KnownOfficer>;

/// Whether doors are open by hand.
pub struct BreakGlass {
    file: PathBuf,
    chain: ChainId,
    gateway: IdentityId,
    collector: String,
    officers: Mutex<Officers>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    /// What stood in the file when it was read last.
    bytes: Option<Vec<u8>>,
    stated: Option<Stated>,
    /// Whether it was said that it is over.
    is_over: bool,
}

impl BreakGlass {
    /// By what is known of the officers.
    pub fn new(
        opening: &Opening,
        (chain, gateway, collector): (ChainId, IdentityId, &str),
        officers: Officers,
    ) -> Self {
        let (file, collector) = (opening.file.clone(), collector.to_owned());
        let (officers, open) = (Mutex::new(officers), Mutex::default());
        Self { file, chain, gateway, collector, officers, open }
    }

    /// Looks whether an officer opened the doors, or closed them, until told to stop; as long as they are open also whether he still may.
    pub async fn keep(&self, ledger: &Ledger, stop: CancellationToken) {
        let mut checked = Instant::now();
        loop {
            self.look();
            if self.is_stated() && checked.elapsed() >= CHECK_EVERY {
                self.check(ledger).await;
                checked = Instant::now();
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Looks whether an officer opened the doors, or closed them: he is judged as he was proved last.
    pub fn look(&self) {
        let bytes = match std::fs::read(&self.file) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                tracing::warn!(file = %self.file.display(), %error, "it can't be told whether doors are open by hand: they are not");
                None
            }
        };
        if locked(&self.open).bytes == bytes {
            return self.note_end();
        }
        let stated = bytes.as_ref().map(|bytes| self.stated(bytes)).transpose();
        let stated = stated.unwrap_or_else(|error| {
            let (file, why) = (self.file.display(), format!("{error:#}"));
            tracing::error!(%file, why, "nothing is opened by this");
            None
        });
        let mut open = locked(&self.open);
        match &stated {
            Some(it) => {
                let (officer, until) = (it.officer(), it.until().get());
                let cause = it.mark().cause;
                tracing::error!(%officer, cause, until_ms = until, "doors are open by hand: where nothing can be decided it is served, on routes that allow it");
            }
            None if open.stated.is_some() => {
                tracing::warn!("doors are not open by hand any more");
            }
            None => {}
        }
        *open = Open { bytes, stated, is_over: false };
    }

    fn is_stated(&self) -> bool {
        locked(&self.open).stated.is_some()
    }

    /// Where a node answers: whether the officer may still open doors.
    async fn check(&self, ledger: &Ledger) {
        let Some(id) = locked(&self.open).stated.as_ref().map(Stated::officer) else { return };
        // What no node proves now counts as it was seen last: that is what this is for.
        let Ok(newer) = officer(ledger, &id).await else { return };
        let is_his = |it: &&mut KnownOfficer| it.is(&id);
        if let Some(known) = locked(&self.officers).values_mut().find(is_his) {
            *known = newer;
        }
        let bytes = locked(&self.open).bytes.clone();
        let again = bytes.map(|bytes| self.stated(&bytes));
        if let Some(Err(error)) = again {
            tracing::error!(officer = %id, why = %format!("{error:#}"), "doors are not open by hand any more");
            locked(&self.open).stated = None;
        }
    }

    fn note_end(&self) {
        let mut open = locked(&self.open);
        let is_over = open.stated.as_ref().is_some_and(|it| it.until() <= now());
        if is_over && !std::mem::replace(&mut open.is_over, true) {
            tracing::warn!("doors are not open by hand any more: the time is over");
        }
    }

    /// What stands in the file, where it is good.
    fn stated(&self, bytes: &[u8]) -> anyhow::Result<Stated> {
        let stated = Stated::read(bytes, &self.chain, &self.gateway)?;
        let known = locked(&self.officers);
        let officer = known.values().find(|it| it.is(&stated.officer()));
        let officer = officer.context("its officer is none of those in the settings")?.clone();
        let key = officer.keys.into_iter().find(|it| it.key_id == stated.key().as_bytes());
        let by = Officer {
            identity: officer.identity.unwrap_or_default(),
            key: key.context("it is signed by none of the officer's keys")?,
            department: officer.department.unwrap_or_default(),
        };
        stated.check(&by, &self.collector)?;
        Ok(stated)
    }

    /// What the record of something that is served so carries; `None`: the doors are not open by hand.
    pub fn mark(&self, now: TimeMs) -> Option<wire::BreakGlass> {
        let open = locked(&self.open);
        open.stated.as_ref().filter(|it| it.is_open(now)).map(Stated::mark)
    }
}

/// What the ledger says of the officers of the settings.
pub async fn officers(ledger: &Ledger, opening: &Opening) -> anyhow::Result<Officers> {
    let mut all = Officers::new();
    for name in &opening.officers {
        let found = ledger.identity(name).await.with_context(|| format!("officer {name}"))?;
        let id = IdentityId::from_slice(&found.identity_id)?;
        let known = officer(ledger, &id).await.with_context(|| format!("officer {name}"))?;
        all.insert(name.clone(), known);
    }
    Ok(all)
}

/// An officer with his keys, proved.
async fn officer(ledger: &Ledger, id: &IdentityId) -> Result<KnownOfficer, ClientError> {
    let place = Place::identity(id);
    let known = ledger.known(&[place.clone()].into()).await?;
    let Some(Some(Object::Identity(identity))) = known.objects.get(&place) else {
        return Err(ClientError::failed(format!("there is no identity {id}")));
    };
    let ids = identity.key_ids.iter().filter_map(|id| KeyId::from_slice(id).ok());
    let mut places: BTreeSet<Place> = ids.map(|id| Place::key(&id)).collect();
    places.extend([place.clone(), Place::department(&identity.department)]);
    let known = ledger.known(&places).await?;
    let mut officer = KnownOfficer::default();
    for object in known.objects.into_values().flatten() {
        match object {
            Object::Identity(it) => officer.identity = Some((*it).clone()),
            Object::Department(it) => officer.department = Some((*it).clone()),
            Object::Key(it) => officer.keys.push((*it).clone()),
            _ => {}
        }
    }
    Ok(officer)
}

/// As it is kept in text.
pub fn to_text(officer: &KnownOfficer) -> String {
    hex::encode(officer.encode_to_vec())
}

/// As it was kept.
pub fn from_text(text: &str) -> anyhow::Result<KnownOfficer> {
    Ok(KnownOfficer::decode(hex::decode(text)?.as_slice())?)
}
