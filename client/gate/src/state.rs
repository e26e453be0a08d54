//! What the gate has of the ledger: for each caller and dataset one group of objects, proved at one header, and proved again
//! before it is too old.

use crate::batches::batches;
use crate::candidates::under;
use crate::group::Group;
use crate::held::{Held, Ticket, locked};
use crate::ledger::Ledger;
use crate::spool::Spool;
use crate::spool::book::Numbered;
use liuhen_client::clock::now;
use liuhen_client::error::ClientError;
use liuhen_proto::event::Outcome;
use liuhen_proto::items::access::decide::{self, CountsOn, Gateway, Proved};
use liuhen_proto::items::access::observing;
use liuhen_proto::items::sharing::grants;
use liuhen_proto::ledger::{Halt, Missing, Object};
use liuhen_proto::place::{ObjectKind, Place};
use liuhen_proto::types::limits::OBJECTS_PROVED;
use liuhen_proto::types::{Height, RequestId, TimeMs};
use liuhen_proto::verify::Known;
use liuhen_proto::wire::{GatewaySetup, GrantUse, Quota, RecordAccess};
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// A group is proved again when it is so old, as long as it is used.
pub const RENEW_AFTER: Duration = Duration::from_secs(10);
/// So old, it is asked once more which grants there are: two may fit by now.
const LIST_AFTER: Duration = Duration::from_secs(60);
/// One that nobody used for so long is let go.
const UNUSED: Duration = Duration::from_secs(600);
/// What is missing is asked for so often at most: each time something is found that more hangs from.
const ROUNDS: usize = 24;

/// Who asks of which dataset.
pub type Key = (String, String, Vec<u8>);

/// Held by who proves a group; when and why that failed last.
type Proving = Arc<tokio::sync::Mutex<Option<(Instant, String)>>>;

/// All groups, and what is learned of them together.
pub struct State {
    ledger: Arc<Ledger>,
    spool: Spool,
    gateway: Gateway,
    groups: Mutex<HashMap<Key, Arc<Group>>>,
    /// Groups that are being proved: others who need one wait for it.
    proving: Mutex<HashMap<Key, Proving>>,
    /// From which grant another hangs.
    parents: Mutex<HashMap<RequestId, RequestId>>,
    /// What the ledger says of this gateway, as it was proved last.
    setup: Mutex<GatewaySetup>,
    /// Whether it is known what the unsent records hang from: nothing is proved before.
    is_warm: AtomicBool,
    /// Datasets on whose trails something changed, and whoever waits for that.
    hurried: Mutex<BTreeSet<String>>,
    is_hurried: Notify,
    /// Records that are decided and have no number yet.
    held: Held<RecordAccess>,
    /// From which height on those proofs will be that are being asked for, each by its ticket.
    asking: Held<Height>,
}

impl State {
    /// Nothing yet.
    pub fn new(ledger: Arc<Ledger>, spool: Spool, gateway: Gateway) -> Self {
        let (groups, proving, parents, setup, is_warm, hurried) = Default::default();
        let (is_hurried, held, asking) = Default::default();
        Self {
            ledger,
            spool,
            gateway,
            groups,
            proving,
            parents,
            setup,
            is_warm,
            hurried,
            is_hurried,
            held,
            asking,
        }
    }

    /// Something changed on a dataset's trail: what decides on it is proved again at once.
    pub fn hurry(&self, dataset: &str) {
        locked(&self.hurried).insert(dataset.to_owned());
        self.is_hurried.notify_one();
    }

    /// Comes when something changed.
    pub async fn is_hurried(&self) {
        self.is_hurried.notified().await;
    }

    /// Where the ledger says what this gateway does.
    fn own_place(&self) -> Place {
        Place::gateway_setup(self.gateway.identity.as_bytes())
    }

    /// Whether this gateway only observes accesses to a dataset.
    pub fn observes(&self, dataset: &str, time: TimeMs) -> bool {
        observing::is_observing(&locked(&self.setup), dataset, time)
    }

    /// Whether this gateway only observes accesses to a dataset at a time, by what a group was proved with.
    pub fn observes_by(&self, group: &Group, dataset: &str, time: TimeMs) -> bool {
        match group.known.objects.get(&self.own_place()) {
            Some(Some(Object::GatewaySetup(setup))) => {
                observing::is_observing(setup, dataset, time)
            }
            _ => false,
        }
    }

    /// Whether it was ever said that a dataset is observed: then it ends by itself.
    pub fn ever_observed(&self, dataset: &str) -> bool {
        locked(&self.setup).observing.iter().any(|it| it.dataset == dataset)
    }

    /// From now on a record counts, as long as its ticket is kept: until it has a number, or will have none.
    pub fn hold(&self, record: RecordAccess) -> Ticket<RecordAccess> {
        Ticket::of(&self.held, record)
    }

    /// The group for what is being served, as it was proved last.
    pub fn there(&self, key: &Key) -> Option<Arc<Group>> {
        let group = locked(&self.groups).get(key).cloned()?;
        group.touch();
        Some(group)
    }

    /// The group for a record, as it was proved last; proved now where there is none, or where it is older than this.
    ///
    /// Errors where no node proves it.
    pub async fn group(
        &self,
        key: &Key,
        probe: &RecordAccess,
        no_older: Option<Duration>,
    ) -> Result<Arc<Group>, ClientError> {
        let known = locked(&self.groups).get(key).cloned();
        // What came in as files since counts.
        let least = self.ledger.inbox().map(|_| self.ledger.counted());
        let known = known.filter(|it| least.is_none_or(|least| it.known.header.height >= least));
        if let Some(group) =
            known.filter(|it| no_older.is_none_or(|age| it.proved.elapsed() <= age))
        {
            group.touch();
            return Ok(group);
        }
        let asked = Instant::now();
        let turn = Arc::clone(locked(&self.proving).entry(key.clone()).or_default());
        let mut failed = turn.lock().await;
        // Whoever waited for the same has it now, or knows that it is not to be had.
        let known = locked(&self.groups).get(key).cloned();
        if let Some(group) = known.filter(|it| it.proved >= asked) {
            return Ok(group);
        }
        if let Some((_, why)) = failed.as_ref().filter(|(at, _)| *at >= asked) {
            return Err(ClientError::failed(why));
        }
        // Also where nobody waits for it any more this ends with it.
        let _asking = Ticket::of(&self.asking, self.ledger.counted());
        let proved = match self.warm_up().await {
            Ok(()) => self.prove(key, probe).await,
            Err(error) => Err(error),
        };
        *failed = proved.as_ref().err().map(|error| (Instant::now(), error.to_string()));
        locked(&self.proving).remove(key);
        let group = proved.map(Arc::new);
        if let Ok(group) = &group {
            self.learn(&group.known);
            locked(&self.groups).insert(key.clone(), Arc::clone(group));
        }
        group
    }

    /// Proves those again that are used and old, and lets go of those that are not used.
    pub async fn renew(&self) {
        let hurried = std::mem::take(&mut *locked(&self.hurried));
        let all: Vec<(Key, Arc<Group>)> = {
            let mut groups = locked(&self.groups);
            groups.retain(|_, it| locked(&it.used).elapsed() < UNUSED);
            // What comes in as files is no newer for being asked for again.
            let by_files = self.ledger.inbox().is_some();
            let old = groups.iter().filter(|(key, it)| {
                hurried.contains(&key.0) || !by_files && it.proved.elapsed() >= RENEW_AFTER
            });
            old.map(|(key, it)| (key.clone(), Arc::clone(it))).collect()
        };
        let is_old = |(key, group): &(Key, Arc<Group>)| {
            group.listed.elapsed() >= LIST_AFTER || hurried.contains(&key.0)
        };
        let (to_list, all): (Vec<_>, Vec<_>) = all.into_iter().partition(is_old);
        for (key, before) in to_list {
            match self.prove(&key, &before.probe).await {
                Ok(group) => {
                    self.learn(&group.known);
                    *locked(&group.used) = *locked(&before.used);
                    locked(&self.groups).insert(key, Arc::new(group));
                }
                Err(error) if self.ledger.inbox().is_some() => {
                    tracing::warn!(dataset = key.0, %error, "what came in does not have all that decides: it is not decided by")
                }
                // Which nodes were asked in vain was said.
                Err(error) => {
                    tracing::debug!(dataset = key.0, %error, "which grants there are can't be asked again")
                }
            }
        }
        // What is on the ledger is let go of when a header shows it: also where nobody asks at a door.
        if self.ledger.inbox().is_none() && self.ledger.highest() < self.spool.book().highest() {
            match self.ledger.known(&[self.own_place()].into()).await {
                Ok(known) => self.learn(&known),
                Err(error) => tracing::debug!(%error, "no newer header can be proved"),
            }
        }
        let places = |it: &(Key, Arc<Group>)| it.1.known.objects.keys().cloned().collect();
        for (places, groups) in batches(all, places, OBJECTS_PROVED) {
            match self.ledger.known(&places).await {
                Ok(known) => self.renewed(groups, &known),
                // Which nodes were asked in vain was said.
                Err(error) => {
                    tracing::debug!(groups = groups.len(), %error, "what decides can't be proved again; the old state serves until it is too old")
                }
            }
        }
    }

    /// Each of these groups as of one header.
    fn renewed(&self, groups: Vec<(Key, Arc<Group>)>, known: &Known) {
        self.learn(known);
        for (key, before) in groups {
            let of_group = |place: &Place| Some((place.clone(), known.objects.get(place)?.clone()));
            let objects = before.known.objects.keys().filter_map(of_group).collect();
            let known = Known { header: known.header.clone(), objects };
            let (candidates, probe) = (before.candidates.clone(), before.probe.clone());
            let (proved, listed) = (Instant::now(), before.listed);
            let used = Mutex::new(*locked(&before.used));
            let group = Group { known, candidates, proved, listed, probe, used };
            locked(&self.groups).insert(key, Arc::new(group));
        }
    }

    /// Up to which height each state counts by which may be decided, also one that is being asked for.
    pub fn counted_at(&self) -> Height {
        // In this order: a proof that is asked for is a group before it is no question any more.
        let highest = self.ledger.counted();
        let asking = locked(&self.asking).values().min().copied();
        let groups = locked(&self.groups).values().map(|it| it.known.header.height).min();
        asking.into_iter().chain(groups).fold(highest, Height::min)
    }

    /// What came in is newer: all that decides is taken from it.
    pub fn hurry_all(&self) {
        let datasets: Vec<String> = locked(&self.groups).keys().map(|it| it.0.clone()).collect();
        datasets.iter().for_each(|it| self.hurry(it));
    }

    /// The age of the oldest group in use; of what came in as files since the ledger was so.
    pub fn age(&self) -> Option<Duration> {
        if let Some(inbox) = self.ledger.inbox() {
            return inbox.age_ms(now()).map(Duration::from_millis);
        }
        locked(&self.groups).values().map(|it| it.proved.elapsed()).max()
    }

    /// Learns what the ledger says of this gateway, and from which grants those hang that unsent records name, before anything is
    /// decided.
    pub async fn warm_up(&self) -> Result<(), ClientError> {
        if self.is_warm.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.learn(&self.ledger.known(&[self.own_place()].into()).await?);
        let named = |it: &Numbered| -> Vec<RequestId> { it.used.grants.to_vec() };
        let mut wanted: BTreeSet<RequestId> = self.spool.book().to_send().flat_map(named).collect();
        while !wanted.is_empty() {
            // What came in as files has each in a proof of its own perhaps, or does not have it any more.
            let by_files = self.ledger.inbox().is_some();
            let at_once = if by_files { 1 } else { 64 };
            let places: BTreeSet<Place> = wanted.iter().take(at_once).map(Place::grant).collect();
            let asked: Vec<RequestId> = wanted.iter().take(at_once).copied().collect();
            match self.ledger.known(&places).await {
                Ok(known) => self.learn(&known),
                Err(error) if by_files => {
                    tracing::warn!(grants = ?asked, %error, "from which grants this one hangs is not known");
                }
                Err(error) => return Err(error),
            }
            let parents = locked(&self.parents);
            for id in asked {
                wanted.remove(&id);
                wanted.extend(parents.get(&id).filter(|it| !parents.contains_key(it)));
            }
        }
        self.is_warm.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// What the ledger would make of a record by a group.
    pub fn judge(
        &self,
        group: &Group,
        record: &RecordAccess,
        now: TimeMs,
    ) -> Result<Outcome, Halt> {
        let view = With { state: self, group, now };
        decide::decide(&view, &self.gateway, group.moment(now), record)
    }

    /// Queries and rows that count on a grant, and that no block has: what has no number yet, what is open, and what waits.
    pub fn in_flight(&self, grant: &RequestId) -> [u64; 2] {
        let (book, held) = (self.spool.book(), locked(&self.held));
        let waiting = book.not_counted_at(Height::new(u64::MAX));
        let waiting = waiting.filter(|it| self.hangs(&it.used.grants, grant).is_some());
        let held = held.values().filter(|it| self.counts_on(it, grant));
        let rows = waiting.map(|it| it.used.rows()).chain(held.map(|it| it.row_count.unwrap_or(0)));
        rows.fold([0, 0], |sum: [u64; 2], rows| {
            [sum[0].saturating_add(1), sum[1].saturating_add(rows)]
        })
    }

    /// The quotas on which a record counts, its grant's and those of all that this hangs from, and the use made of each, with what was given
    /// since.
    pub fn quotas(
        &self,
        group: &Group,
        record: &RecordAccess,
        now: TimeMs,
    ) -> Vec<(Quota, GrantUse)> {
        let view = With { state: self, group, now };
        let on = decide::counts_on(&view, &self.gateway, group.moment(now), record);
        let of = |on: CountsOn| {
            let id = on.grant;
            let (grant, used) =
                (view.object(&Place::grant(&id)), view.object(&Place::grant_use(&id)));
            let Ok(Some(Object::Grant(grant))) = grant else { return None };
            let used = match used {
                Ok(Some(Object::GrantUse(used))) => (*used).clone(),
                _ => GrantUse::default(),
            };
            Some((grants::terms(&grant).and_then(|it| it.quota).unwrap_or_default(), used))
        };
        on.unwrap_or_default().into_iter().filter_map(of).collect()
    }

    async fn prove(&self, key: &Key, probe: &RecordAccess) -> Result<Group, ClientError> {
        let (dataset, department, _) = key;
        // A node that is silent is left before a list is asked for, which is waited for longer.
        if self.ledger.inbox().is_none() {
            self.ledger.known(&[Place::parameters()].into()).await?;
        }
        let candidates = self.ledger.candidates(dataset, department).await?;
        let mut places: BTreeSet<Place> =
            [Place::parameters(), Place::dataset(dataset), self.own_place()].into();
        // Of an account without an identity there is none.
        if !department.is_empty() {
            places.insert(Place::department(department));
        }
        for id in &candidates {
            places.extend([Place::grant(id), Place::grant_use(id)]);
        }
        for _ in 0..ROUNDS {
            let known = self.ledger.known(&places).await?;
            let (candidates, proved) = (candidates.clone(), Instant::now());
            let (probe, listed, used) = (probe.clone(), proved, Mutex::new(proved));
            let group = Group { known, candidates, proved, listed, probe, used };
            let missing = self.missing(&group, &group.probe);
            if missing.is_empty() {
                return Ok(group);
            }
            places.extend(missing);
        }
        Err(ClientError::failed(format!("what decides on {dataset} hangs from too much")))
    }

    /// What a group lacks to judge a record under each candidate.
    fn missing(&self, group: &Group, probe: &RecordAccess) -> Vec<Place> {
        let ids = group.candidates.iter().map(Some).chain([None]);
        let judged = ids.filter_map(|id| {
            let record = under(probe, id);
            match self.judge(group, &record, TimeMs::new(record.access_time_ms)) {
                Err(Halt::Missing(Missing(place))) => Some(place),
                Ok(_) | Err(Halt::Refused(_)) => None,
            }
        });
        judged.collect()
    }

    fn learn(&self, known: &Known) {
        if let Some(Some(Object::GatewaySetup(setup))) = known.objects.get(&self.own_place()) {
            locked(&self.setup).clone_from(setup);
        }
        let mut parents = locked(&self.parents);
        for object in known.objects.values().flatten() {
            if let Object::Grant(grant) = object
                && let Ok(id) = RequestId::from_slice(&grant.request_id)
            {
                match RequestId::from_slice(&grant.parent_id) {
                    Ok(parent) => parents.insert(id, parent),
                    Err(_) => parents.remove(&id),
                };
            }
        }
    }

    /// Whether a record counts on a grant: on its own, and all that this hangs from.
    pub fn counts_on(&self, record: &RecordAccess, grant: &RequestId) -> bool {
        self.counts_under(record, grant).is_some()
    }

    /// The same; gives the grant that the record names.
    fn counts_under(&self, record: &RecordAccess, grant: &RequestId) -> Option<RequestId> {
        let ids = record.accesses.iter().map(|it| RequestId::from_slice(&it.request_id));
        ids.filter_map(Result::ok).find(|named| self.hangs_from(named, grant))
    }

    /// The first of these grants that is another, or hangs from it.
    fn hangs(&self, named: &[RequestId], grant: &RequestId) -> Option<RequestId> {
        named.iter().copied().find(|named| self.hangs_from(named, grant))
    }

    /// Whether a grant is another, or hangs from it.
    fn hangs_from(&self, named: &RequestId, grant: &RequestId) -> bool {
        let parents = locked(&self.parents);
        let mut id = Some(*named);
        while let Some(this) = id {
            if this == *grant {
                return true;
            }
            id = parents.get(&this).copied();
        }
        false
    }
}

/// A group, and what was given since that its header does not count.
struct With<'a> {
    state: &'a State,
    group: &'a Group,
    now: TimeMs,
}

impl Proved for With<'_> {
    fn object(&self, place: &Place) -> Result<Option<Object>, Missing> {
        let object = self.group.known.objects.get(place);
        let object = object.cloned().ok_or_else(|| Missing(place.clone()))?;
        if place.object_kind() != Some(ObjectKind::GrantUse) {
            return Ok(object);
        }
        let Ok(id) = RequestId::from_slice(place.id()) else { return Ok(object) };
        let mut used = match object {
            Some(Object::GrantUse(used)) => (*used).clone(),
            Some(_) | None => GrantUse::default(),
        };
        let parameters = match self.group.known.objects.get(&Place::parameters()) {
            Some(Some(Object::Parameters(it))) => Arc::clone(it),
            _ => return Err(Missing(Place::parameters())),
        };
        let (book, held) = (self.state.spool.book(), locked(&self.state.held));
        let height = self.group.known.header.height;
        let state = self.state;
        let gateway = &state.gateway.identity;
        let mut add = |record: &RecordAccess| {
            if let Some(named) = state.counts_under(record, &id) {
                decide::add_use(&mut used, (gateway, &named), record, self.now, &parameters);
            }
        };
        held.values().for_each(&mut add);
        // Only what counts on it is looked into.
        let on = |it: &&Numbered| state.hangs(&it.used.grants, &id).is_some();
        if book.sums().are_new(self.now) {
            let singly = book.sums().singly().iter().filter_map(|it| book.get(*it));
            let later = singly.filter(|it| it.height.is_none_or(|at| at > height));
            later.filter(on).for_each(|it| add(&it.record()));
            for (named, day, uses) in book.sums().not_counted_at(height) {
                if state.hangs_from(named, &id) {
                    let of_day = (day, uses);
                    decide::add_uses(&mut used, (gateway, named), of_day, self.now, &parameters);
                }
            }
        } else {
            book.not_counted_at(height).filter(on).for_each(|it| add(&it.record()));
        }
        Ok(Some(Object::from(used)))
    }
}
