//! The ledger as files bring it in: verified like what a node says, and as old as the files are.

use super::files::{Became, CarriedState, NamedIdentity, get, states};
use anyhow::Context as _;
use liuhen_client::error::ClientError;
use liuhen_genesis::Founding;
use liuhen_proto::ledger::Object;
use liuhen_proto::place::Place;
use liuhen_proto::types::{Height, IdentityId, TimeMs};
use liuhen_proto::verify::{Known, known};
use liuhen_proto::wire::{GetGatewayResponse, Identity, RequestStanding};
use prost::Message as _;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The folder, and the newest state of it.
pub struct Inbox {
    folder: PathBuf,
    founding: Arc<Founding>,
    newest: Mutex<Option<Arc<Carried>>>,
    /// Files that can't be used: said once.
    bad: Mutex<BTreeSet<PathBuf>>,
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
    /// The gateway, by the word of a node.
    pub gateway: NamedIdentity,
    identities: Vec<NamedIdentity>,
    groups: Vec<Group>,
    own: Known,
    /// The number of the next transaction of the gateway's key.
    pub next_seq: u64,
    /// What became of what was carried out.
    pub became: Vec<Became>,
}

impl Inbox {
    /// Of a folder.
    pub fn new(folder: &Path, founding: Arc<Founding>) -> Self {
        let (newest, bad) = Default::default();
        Self { folder: folder.to_owned(), founding, newest, bad }
    }

    /// Looks whether something newer came; whether it did. Errors where the folder can't be read.
    pub fn look(&self) -> anyhow::Result<bool> {
        let all = states(&self.folder)?;
        let before = self.newest();
        for file in all.iter().rev() {
            if lock(&self.bad).contains(file) {
                continue;
            }
            // It is still being written, or was cut: it is looked at again.
            let Some(content) = get(file)? else { continue };
            let Ok(state) = CarriedState::decode(content.as_slice()) else {
                self.is_bad(file, "it is no state");
                continue;
            };
            if before.as_ref().is_some_and(|it| it.made_ms >= state.made_ms) {
                return Ok(false);
            }
            match Carried::of(state, &self.founding) {
                Ok(carried) if before.as_ref().is_none_or(|it| it.height() <= carried.height()) => {
                    let (height, file) = (carried.height(), file.display());
                    tracing::info!(%height, %file, "a newer state came in");
                    *lock(&self.newest) = Some(Arc::new(carried));
                    self.let_go(&all);
                    return Ok(true);
                }
                Ok(_) => self.is_bad(file, "it shows an earlier state than was seen"),
                Err(error) => self.is_bad(file, &format!("{error:#}")),
            }
        }
        Ok(false)
    }

    fn is_bad(&self, file: &Path, why: &str) {
        tracing::warn!(file = %file.display(), why, "a state that came in is left");
        lock(&self.bad).insert(file.to_owned());
    }

    /// What is older than the newest two is not needed any more. Where it can't be removed it stays.
    fn let_go(&self, all: &[PathBuf]) {
        let old = all.len().saturating_sub(2);
        all.iter().take(old).for_each(|it| drop(std::fs::remove_file(it)));
    }

    /// The newest state.
    pub fn newest(&self) -> Option<Arc<Carried>> {
        lock(&self.newest).clone()
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
    fn of(state: CarriedState, founding: &Founding) -> anyhow::Result<Self> {
        let CarriedState { made_ms, gateway, identities, groups, own_proof, next_seq, became } =
            state;
        let group = |it: super::files::CarriedGroup| {
            let known = known(founding, &it.proof);
            let known = known.with_context(|| format!("of {}", it.dataset))?.into_inner();
            Ok(Group { dataset: it.dataset, standings: it.standings, known })
        };
        Ok(Self {
            made_ms,
            gateway: gateway.context("it does not say who the gateway is")?,
            identities,
            groups: groups.into_iter().map(group).collect::<anyhow::Result<_>>()?,
            own: known(founding, &own_proof).context("of the gateway")?.into_inner(),
            next_seq,
            became,
        })
    }

    /// The height of what it says of the gateway itself.
    fn height(&self) -> Height {
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

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
