//! A world in which a request stands in each state, for cases to begin from.

use super::World;
use super::items::{self, approve, confirm, refuse, register, revoke};
use super::world::BLOCK_MS;
use crate::place::Place;
use crate::tx::Tx;
use crate::types::{IdentityId, RequestId};
use crate::wire::{self, Category, item::Kind};
use std::collections::BTreeMap;
use std::sync::LazyLock;

pub(crate) const RESIDENT: &str = "civil.resident";
pub(crate) const USER: &str = "gz.hrss/officer";
pub(crate) const COLLECTOR: &str = "gz.psb/officer";
pub(crate) const MANAGER: &str = "gz.bdb/officer";
pub(crate) const GATEWAY: &str = "gz.psb/gateway";
pub(crate) const APP: &str = "gz.hrss/app";

/// The world, and the requests by the state that each is in.
#[derive(Debug, Clone)]
pub(crate) struct Staged {
    pub(crate) world: World,
    requests: BTreeMap<&'static str, RequestId>,
}

/// A copy of the staged world.
pub(crate) fn staged() -> Staged {
    static STAGED: LazyLock<Staged> = LazyLock::new(stage);
    STAGED.clone()
}

const STATES: [&str; 6] = ["requested", "approved", "refused", "returned", "granted", "revoked"];

fn stage() -> Staged {
    let mut world = World::founded("dev-stage");
    let datasets = [
        (RESIDENT, 2, Category::Conditional),
        ("civil.core", 4, Category::Conditional),
        ("civil.open", 1, Category::Unconditional),
        ("civil.secret", 2, Category::NotShared),
    ];
    let registered = datasets.map(|(dataset, grade, category)| {
        let category = category as i32;
        Kind::from(wire::RegisterDataset { grade, category, ..register(dataset, "gz.psb") })
    });
    let pension = register("pension.roll", "gz.hrss");
    world.commit(vec![
        world.sign(COLLECTOR, registered.to_vec()),
        world.sign(USER, vec![pension.into()]),
    ]);

    let asked = asked(&world);
    let asking = world.sign(USER, vec![asked.clone().into(); STATES.len()]);
    let ids = (0u32..).map(|number| asking.header().request_id(number));
    let requests: BTreeMap<_, _> = STATES.into_iter().zip(ids).collect();
    world.commit(vec![asking]);
    let id = |state| requests[state];
    let mut decisions: Vec<Kind> = ["approved", "returned", "granted", "revoked"]
        .map(|state| approve(&id(state), &asked).into())
        .to_vec();
    decisions.push(refuse(&id("refused"), &asked).into());
    world.commit(vec![world.sign(COLLECTOR, decisions)]);
    let returned = wire::ConfirmGrant {
        confirm: false,
        reason_digest: vec![5; 32],
        ..confirm(&id("returned"), &asked, "gz.bdb")
    };
    let confirmed = ["granted", "revoked"].map(|it| confirm(&id(it), &asked, "gz.bdb").into());
    let decided = [vec![returned.into()], confirmed.to_vec()].concat();
    world.commit(vec![world.sign(MANAGER, decided)]);
    world.does(MANAGER, revoke(&id("revoked"), &asked, "gz.bdb"));
    Staged { world, requests }
}

/// What the using department asks for throughout.
pub(crate) fn asked(world: &World) -> wire::RequestAccess {
    let terms = items::terms(&[world.identity(APP)]);
    items::request(RESIDENT, "gz.psb", "gz.hrss", terms)
}

impl Staged {
    pub(crate) fn id(&self, state: &str) -> RequestId {
        self.requests[state]
    }

    pub(crate) fn asked(&self) -> wire::RequestAccess {
        asked(&self.world)
    }

    pub(crate) fn identity(&self, name: &str) -> IdentityId {
        self.world.identity(name)
    }

    pub(crate) fn sign(&self, name: &str, kind: impl Into<Kind>) -> Tx {
        self.world.sign(name, vec![kind.into()])
    }

    /// A request of the using department, bent.
    pub(crate) fn request(&self, bend: impl FnOnce(&mut wire::RequestAccess)) -> Tx {
        let mut it = self.asked();
        bend(&mut it);
        self.sign(USER, it)
    }

    /// The collector's approval of a request, bent.
    pub(crate) fn decide(&self, state: &str, bend: impl FnOnce(&mut wire::DecideRequest)) -> Tx {
        let mut it = approve(&self.id(state), &self.asked());
        bend(&mut it);
        self.sign(COLLECTOR, it)
    }

    /// The manager's confirmation of a request, bent.
    pub(crate) fn confirm(&self, state: &str, bend: impl FnOnce(&mut wire::ConfirmGrant)) -> Tx {
        let mut it = confirm(&self.id(state), &self.asked(), "gz.bdb");
        bend(&mut it);
        self.sign(MANAGER, it)
    }

    /// The manager's revocation of a grant, bent.
    pub(crate) fn revoke(&self, state: &str, bend: impl FnOnce(&mut wire::RevokeGrant)) -> Tx {
        let mut it = revoke(&self.id(state), &self.asked(), "gz.bdb");
        bend(&mut it);
        self.sign(MANAGER, it)
    }

    /// A record of an access under the grant, decided by the newest block and covered.
    pub(crate) fn covered(&self) -> wire::RecordAccess {
        let access = items::access(RESIDENT, Some(&self.id("granted")));
        let asker = items::verified("gz.hrss", &self.identity(APP));
        let time = self.world.now - BLOCK_MS / 2;
        let gateway = Place::gateway(&self.identity(GATEWAY));
        let last = match self.world.objects.get(&gateway) {
            Some(crate::ledger::Object::Gateway(it)) => it.last_access_no,
            _ => 0,
        };
        wire::RecordAccess {
            decided_height: Some(self.world.height().get()),
            ..items::record("gz.psb", last + 1, access, asker, time)
        }
    }

    /// A record by the gateway, bent.
    pub(crate) fn record(&self, bend: impl FnOnce(&mut wire::RecordAccess)) -> Tx {
        let mut it = self.covered();
        bend(&mut it);
        self.sign(GATEWAY, it)
    }
}
