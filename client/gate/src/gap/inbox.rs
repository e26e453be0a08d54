//! The ledger as files bring it in: verified like what a node says, and as old as the files are.

use super::files::{Became, CarriedState, NamedIdentity, get, state_name, states};
use crate::held::locked;
use anyhow::Context as _;
use liuhen_client::clock::now;
use liuhen_client::error::ClientError;
use liuhen_genesis::Founding;
use liuhen_proto::ledger::Object;
use liuhen_proto::place::Place;
use liuhen_proto::types::{Height, IdentityId, KeyId, TimeMs};
use liuhen_proto::verify::{Known, known};
use liuhen_proto::wire::{GetGatewayResponse, Identity, RequestStanding};
use prost::Message as _;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

/// A state may be made so much later than this machine's clock says.
const AHEAD_MS: u64 = 600_000;

/// The folder, and the newest state of it.
pub struct Inbox {
    folder: PathBuf,
    founding: Arc<Founding>,
    /// The gateway's key: states are of it.
    key: KeyId,
    /// Where it is kept how far the ledger was seen: nothing earlier is taken, also after a restart.
    seen: PathBuf,
    newest: Mutex<Option<Arc<Carried>>>,
    /// Files that were looked at, as they were then.
    looked: Mutex<BTreeMap<PathBuf, (u64, Option<SystemTime>)>>,
}

/// What decides on a dataset for a caller.
struct Group {
    dataset: String,
    standings: Vec<RequestStanding>,
    known: Known,
}

/// A state, verified.
pub struct Carried {
    made_ms: u64,
    /// The gateway, proved.
    pub gateway: NamedIdentity,
    identities: Vec<NamedIdentity>,
    groups: Vec<Group>,
    own: Known,
    /// The number of the next transaction of the gateway's key, by the word of a node.
    pub next_seq: u64,
    /// What became of what was carried out, by the word of a node.
    pub became: Vec<Became>,
}

impl Inbox {
    /// Of a folder, for a key. `seen`: a file in which it is kept how far the ledger was seen.
    pub fn new(folder: &Path, founding: Arc<Founding>, key: KeyId, seen: PathBuf) -> Self {
        let (newest, looked) = Default::default();
        Self { folder: folder.to_owned(), founding, key, seen, newest, looked }
    }

    /// Looks whether something newer came; whether it did. Errors where the folder can't be read. Which is newer the ledger's own height says, never a file's
    /// name; one file that can't be used keeps no other back.
    pub fn look(&self) -> anyhow::Result<bool> {
        let mut best: Option<(Carried, PathBuf)> = None;
        for file in states(&self.folder)? {
            let there = std::fs::symlink_metadata(&file);
            let now = there.map(|it| (it.len(), it.modified().ok())).unwrap_or_default();
            if locked(&self.looked).get(&file) == Some(&now) {
                continue;
            }
            locked(&self.looked).insert(file.clone(), now);
            match self.read(&file) {
                Ok(Some(it)) => {
                    let is_newer =
                        best.as_ref().is_none_or(|(before, _)| it.order() > before.order());
                    if is_newer {
                        best = Some((it, file));
                    }
                }
                // It is still being written, or was cut: it is looked at again when it is another.
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(file = %file.display(), why = %format!("{error:#}"), "a state that came in is left");
                }
            }
        }
        locked(&self.looked).retain(|file, _| std::fs::symlink_metadata(file).is_ok());
        let Some((carried, file)) = best else { return Ok(false) };
        if self.newest().is_some_and(|it| it.order() >= carried.order()) {
            return Ok(false);
        }
        let (height, least) = (carried.height(), self.seen()?);
        if height < least {
            tracing::warn!(file = %file.display(), %height, %least, "a state that came in is older than what was seen: it is left");
            return Ok(false);
        }
        self.see(height)?;
        tracing::info!(%height, file = %file.display(), "a newer state came in");
        let before = locked(&self.newest).replace(Arc::new(carried));
        // What was taken before is not needed any more. Where it can't be removed it stays.
        if let Some(before) = before {
            let _ = std::fs::remove_file(self.folder.join(state_name(before.made_ms)));
        }
        Ok(true)
    }

    /// What a file says, verified; `None`: it is not whole.
    fn read(&self, file: &Path) -> anyhow::Result<Option<Carried>> {
        let Some(content) = get(file)? else { return Ok(None) };
        let state = CarriedState::decode(content.as_slice()).context("it is no state")?;
        let latest = now().get().saturating_add(AHEAD_MS);
        anyhow::ensure!(state.made_ms <= latest, "it is of a time to come");
        Ok(Some(Carried::of(state, &self.founding, &self.key)?))
    }

    /// How far the ledger was seen.
    fn seen(&self) -> anyhow::Result<Height> {
        let at = || format!("{}", self.seen.display());
        match std::fs::read_to_string(&self.seen) {
            Ok(text) => Ok(Height::new(text.trim().parse().with_context(at)?)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Height::new(0)),
            Err(error) => Err(error).with_context(at),
        }
    }

    fn see(&self, height: Height) -> anyhow::Result<()> {
        let at = || format!("{}", self.seen.display());
        let new = self.seen.with_extension("seen-new");
        let write = || -> std::io::Result<()> {
            std::fs::write(&new, format!("{height}\n"))?;
            std::fs::File::open(&new)?.sync_all()?;
            std::fs::rename(&new, &self.seen)
        };
        write().with_context(at)
    }

    /// The newest state.
    pub fn newest(&self) -> Option<Arc<Carried>> {
        locked(&self.newest).clone()
    }

    /// The newest state; errors where none came yet.
    fn there(&self) -> Result<Arc<Carried>, ClientError> {
        self.newest().ok_or_else(|| ClientError::failed("nothing of the ledger came in yet"))
    }

    /// How the objects at some places stand.
    pub fn known(&self, places: &BTreeSet<Place>) -> Result<Known, ClientError> {
        let carried = self.there()?;
        let has_all = |it: &&Known| places.iter().all(|place| it.objects.contains_key(place));
        let all = carried.groups.iter().map(|it| &it.known).chain([&carried.own]);
        let newest = all.filter(has_all).max_by_key(|it| it.header.height).cloned();
        newest.ok_or_else(|| {
            ClientError::failed("what came in last does not have all that this hangs from")
        })
    }

    /// Requests for a dataset.
    pub fn requests(&self, dataset: &str) -> Result<Vec<RequestStanding>, ClientError> {
        let carried = self.there()?;
        let of = carried.groups.iter().find(|it| it.dataset == dataset);
        of.map(|it| it.standings.clone())
            .ok_or_else(|| ClientError::failed(format!("nothing of {dataset} came in")))
    }

    /// An identity by `department/code`.
    pub fn identity(&self, name: &str) -> Result<Identity, ClientError> {
        let carried = self.there()?;
        let found = carried.identities.iter().find(|it| it.name == name);
        let found =
            found.ok_or_else(|| ClientError::failed(format!("nothing of {name} came in")))?;
        let (identity_id, department) = (found.identity_id.clone(), found.department.clone());
        Ok(Identity { identity_id, department, ..Identity::default() })
    }

    /// How the gateway stands.
    pub fn gateway(&self, id: &IdentityId) -> Result<GetGatewayResponse, ClientError> {
        let carried = self.there()?;
        let object = |place: &Place| carried.object(place);
        let gateway = match object(&Place::gateway(id)) {
            Some(Object::Gateway(it)) => Some((*it).clone()),
            _ => None,
        };
        let setup = match object(&Place::gateway_setup(id.as_bytes())) {
            Some(Object::GatewaySetup(it)) => Some((*it).clone()),
            _ => None,
        };
        let seal_period_ms = match object(&Place::parameters()) {
            Some(Object::Parameters(it)) => it.seal_period_ms,
            _ => 0,
        };
        Ok(GetGatewayResponse { gateway, setup, seal_period_ms })
    }

    /// How old the newest state is.
    pub fn age_ms(&self, now: TimeMs) -> Option<u64> {
        self.newest().map(|it| now.since(it.own.header.time))
    }
}

impl Carried {
    /// Verifies a state: all that decides, who everybody is, and that it is of this key's gateway.
    fn of(state: CarriedState, founding: &Founding, key: &KeyId) -> anyhow::Result<Self> {
        let CarriedState { made_ms, gateway, identities, groups, own_proof, next_seq, became, who } =
            state;
        let group = |it: super::files::CarriedGroup| {
            let known = known(founding, &it.proof);
            let known = known.with_context(|| format!("of {}", it.dataset))?.into_inner();
            Ok(Group { dataset: it.dataset, standings: it.standings, known })
        };
        let groups = groups.into_iter().map(group).collect::<anyhow::Result<Vec<Group>>>()?;
        let own = known(founding, &own_proof).context("of the gateway")?.into_inner();
        let gateway = gateway.context("it does not say who the gateway is")?;
        let of_key = match own.objects.get(&Place::key(key)) {
            Some(Some(Object::Key(it))) => Arc::clone(it),
            _ => anyhow::bail!("it is of another gateway's key"),
        };
        anyhow::ensure!(
            of_key.identity_id == gateway.identity_id && of_key.department == gateway.department,
            "the gateway that it names is not its key's"
        );
        // Each group was proved behind it: none is of before.
        let is_of_before = |it: &Group| it.known.header.height < own.header.height;
        anyhow::ensure!(
            !groups.iter().any(is_of_before),
            "what decides is older than the rest of it"
        );
        let who =
            who.iter().map(|it| Ok(known(founding, it).context("of who is who")?.into_inner()));
        let who = who.collect::<anyhow::Result<Vec<Known>>>()?;
        for it in &identities {
            let id = IdentityId::from_slice(&it.identity_id)?;
            let place = Place::identity(&id);
            let is_he = |known: &Known| match known.objects.get(&place) {
                Some(Some(Object::Identity(one))) => {
                    format!("{}/{}", one.department, one.code) == it.name
                        && one.department == it.department
                }
                _ => false,
            };
            anyhow::ensure!(who.iter().any(is_he), "{} is not shown to be who it names", it.name);
        }
        Ok(Self { made_ms, gateway, identities, groups, own, next_seq, became })
    }

    /// What comes later is newer: by the ledger's height, and among equal ones by when it was made.
    fn order(&self) -> (Height, u64) {
        (self.height(), self.made_ms)
    }

    /// The height of what it says of the gateway itself.
    pub fn height(&self) -> Height {
        self.own.header.height
    }

    /// An object of what it says of the gateway itself.
    pub fn object(&self, place: &Place) -> Option<Object> {
        self.own.objects.get(place).cloned().flatten()
    }

    /// The header of what it says of the gateway itself: what is signed cites it.
    pub fn header(&self) -> &liuhen_proto::header::block::Header {
        &self.own.header
    }

    /// The lowest of its headers: what is on the ledger by then all of it counts.
    pub fn lowest(&self) -> Height {
        let groups = self.groups.iter().map(|it| it.known.header.height);
        groups.fold(self.height(), Height::min)
    }

    /// The highest of its headers.
    pub fn highest(&self) -> Height {
        let groups = self.groups.iter().map(|it| it.known.header.height);
        groups.fold(self.height(), Height::max)
    }
}
