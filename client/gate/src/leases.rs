//! What this gateway sets aside of quotas under which several gateways serve (配额预留): with a lease it gives out nothing beyond it, so that no
//! two give out the same.

use crate::candidates::named;
use crate::group::Group;
use crate::ledger::Ledger;
use crate::state::State;
use liuhen_client::clock::now;
use liuhen_proto::items::access::set_aside::own;
use liuhen_proto::items::sharing::grants;
use liuhen_proto::ledger::Object;
use liuhen_proto::place::Place;
use liuhen_proto::types::{Height, IdentityId, RequestId, TimeMs};
use liuhen_proto::wire::{self, Grant, GrantUse, LeaseUse, Quota, RecordAccess};
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// For so long whoever asks waits for a lease; so often it is looked.
pub const WITHIN: Duration = Duration::from_secs(5);
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// What was set aside is not asked for again earlier, nor where nothing was left.
const SOON: Duration = Duration::from_millis(500);
const AGAIN: Duration = Duration::from_secs(10);
/// Grants are passed on so often at most.
const DEPTH: usize = 8;
/// What was given back is remembered for so long: nothing decides by a state that is older.
const REMEMBERED: Duration = Duration::from_secs(900);

/// How much is set aside at a time.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// Queries.
    pub queries: u64,
    /// Rows.
    pub rows: u64,
    /// For how long: a day at most. What is not used by then comes back a `late_age_ms` later, or when the gate gives it back.
    pub minutes: u64,
}

impl Lease {
    /// Errors for what can't be meant.
    pub fn checked(&self) -> anyhow::Result<()> {
        let fits = (1..=24 * 60).contains(&self.minutes) && self.queries > 0 && self.rows > 0;
        anyhow::ensure!(
            fits,
            "lease: `queries` and `rows` of 1 at least, `minutes` of 1 to 1440 are needed"
        );
        Ok(())
    }

    fn lasts(&self) -> Duration {
        Duration::from_secs(self.minutes.saturating_mul(60))
    }
}

/// Leases of this gateway.
#[derive(Debug)]
pub struct Leases {
    how: Lease,
    gateway: IdentityId,
    all: Mutex<HashMap<RequestId, Stand>>,
    /// Told when one was asked for.
    asked: watch::Sender<u64>,
}

/// How it stands with a grant.
#[derive(Debug)]
struct Stand {
    /// Somebody wants more.
    wanted: bool,
    /// When something was used under it last, and when it was asked last.
    used: Instant,
    asked: Option<Instant>,
    /// It is not asked again earlier.
    pause: Duration,
    /// Whether something is set aside.
    held: bool,
    /// Queries and rows that were set aside last.
    got: [u64; 2],
    /// It is given back, or was: nothing is given out before something is set aside anew.
    is_returned: bool,
    /// A state before this block shows what was given back.
    since: Height,
}

/// What came of what was asked.
#[derive(Debug, Clone, Copy)]
pub enum Came {
    /// Nothing more is left; it is as before.
    Nothing,
    /// So much is set aside since a block.
    Set(Height, [u64; 2]),
    /// Nothing is set aside any more.
    Back,
    /// It is not known.
    Failed,
}

/// What is to be asked of the ledger.
enum Due {
    /// More, or for longer.
    More(RequestId),
    /// Nothing any more.
    Back(RequestId),
}

impl Leases {
    /// None yet.
    pub fn new(how: Lease, gateway: IdentityId) -> Self {
        Self { how, gateway, all: Mutex::default(), asked: watch::Sender::new(0) }
    }

    /// Whether a record is within what this gateway set aside, of its grant and of all that this hangs from. Where it is not, or where little is
    /// left, more is asked for.
    pub fn holds(&self, state: &State, group: &Group, record: &RecordAccess, now: TimeMs) -> bool {
        let Some(id) = named(record) else { return true };
        let (is_returned, since, got) = match self.lock().get(&id) {
            Some(it) => (it.is_returned, it.since, it.got),
            None => (false, Height::default(), self.wants()),
        };
        let is_newer = group.known.header.height >= since;
        let (mut holds, mut is_low, mut is_limited) = (!is_returned && is_newer, false, false);
        for (quota, used) in state.quotas(group, record, now) {
            if quota == Quota::default() {
                continue;
            }
            is_limited = true;
            let left = own(&used, self.gateway.as_bytes(), id.as_bytes(), now);
            let limits = [
                quota.queries_total.max(quota.queries_per_day),
                quota.rows_total.max(quota.rows_per_day),
            ];
            let has = left.as_ref().map_or([0, 0], |it| [it.queries, it.rows]);
            for ((limit, has), got) in limits.into_iter().zip(has).zip(got) {
                holds &= limit == 0 || has > 0;
                is_low |= limit > 0 && has < got / 4;
            }
            let ends = left.map_or(0, |it| it.until_ms);
            let soon = u64::try_from(self.how.lasts().as_millis()).unwrap_or(0) / 4;
            is_low |= ends < now.get().saturating_add(soon);
            holds &= ends > now.get();
        }
        if !is_limited {
            return true;
        }
        self.used(id, holds, is_returned || is_newer && (is_low || !holds));
        holds
    }

    fn wants(&self) -> [u64; 2] {
        [self.how.queries, self.how.rows]
    }

    fn used(&self, id: RequestId, held: bool, wanted: bool) {
        let mut all = self.lock();
        let stand = all.entry(id).or_insert_with(|| Stand {
            wanted: false,
            used: Instant::now(),
            asked: None,
            pause: Duration::ZERO,
            held,
            got: self.wants(),
            is_returned: false,
            since: Height::default(),
        });
        stand.used = Instant::now();
        stand.held |= held;
        stand.wanted |= wanted;
    }

    /// Whoever wants to know what came of what is asked from now on.
    pub fn listen(&self) -> watch::Receiver<u64> {
        self.asked.subscribe()
    }

    /// Comes when something was asked, or it is time to look; `false` where nothing was left a short while ago, or it was waited for long enough.
    pub async fn may_wait(
        &self,
        id: &RequestId,
        asked: &mut watch::Receiver<u64>,
        begun: Instant,
    ) -> bool {
        let pauses =
            |it: &Stand| it.pause > SOON && it.asked.is_some_and(|at| at.elapsed() < it.pause);
        if begun.elapsed() >= WITHIN || self.lock().get(id).is_some_and(pauses) {
            return false;
        }
        let _ = tokio::time::timeout(LOOK_EVERY, asked.changed()).await;
        true
    }

    /// What is to be asked now.
    fn due(&self) -> Vec<Due> {
        let idle = self.how.lasts();
        let mut due = Vec::new();
        for (id, stand) in self.lock().iter_mut() {
            let may = stand.asked.is_none_or(|at| at.elapsed() >= stand.pause);
            if stand.wanted && may {
                due.push(Due::More(*id));
            } else if stand.held && may && stand.used.elapsed() > idle {
                due.push(Due::Back(*id));
            }
        }
        due
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RequestId, Stand>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The items to be signed now, and what is set aside by each. Nothing is given back of what records wait that count on it, or are open.
    /// `in_flight` says how much these are. Errors where no node proves what is left.
    pub async fn items(
        &self,
        ledger: &Ledger,
        in_flight: impl Fn(&RequestId) -> [u64; 2],
    ) -> anyhow::Result<Vec<(RequestId, LeaseUse)>> {
        let mut items = Vec::new();
        for due in self.due() {
            match due {
                Due::More(id) => match self.more(ledger, &id, in_flight(&id)).await? {
                    it if it.queries > 0 && it.rows > 0 => items.push((id, it)),
                    _ => self.came(&id, Came::Nothing),
                },
                Due::Back(id) => {
                    let (grant, _) = asked_of(ledger, &id).await?;
                    // From here on nothing is given out; what was before, counts.
                    self.set_returned(&id, true);
                    match in_flight(&id) {
                        [0, _] => items.push((id, of(&grant, 0, 0, 0))),
                        _ => self.set_returned(&id, false),
                    }
                }
            }
        }
        Ok(items)
    }

    fn set_returned(&self, id: &RequestId, is_returned: bool) {
        if let Some(stand) = self.lock().get_mut(id) {
            stand.is_returned = is_returned;
        }
    }

    /// As much as is left of what is wanted.
    async fn more(
        &self,
        ledger: &Ledger,
        id: &RequestId,
        in_flight: [u64; 2],
    ) -> anyhow::Result<LeaseUse> {
        // What is in flight counts against it when it is recorded.
        let mut queries = self.how.queries.saturating_add(in_flight[0]);
        let mut rows = self.how.rows.saturating_add(in_flight[1]);
        let (named, used) = asked_of(ledger, id).await?;
        let mut next = Some((Arc::clone(&named), used));
        for _ in 0..DEPTH {
            let Some((grant, used)) = next.take() else { break };
            let quota = grants::terms(&grant).and_then(|it| it.quota).unwrap_or_default();
            let left = left(&quota, &used, self.gateway.as_bytes(), id.as_bytes());
            (queries, rows) = (queries.min(left.0), rows.min(left.1));
            if let Ok(above) = RequestId::from_slice(&grant.parent_id) {
                next = Some(asked_of(ledger, &above).await?);
            }
        }
        let until = now().plus(u64::try_from(self.how.lasts().as_millis()).unwrap_or(0));
        Ok(of(&named, queries, rows, until.get()))
    }

    /// It was asked, and this came of it. What stands on the ledger counts when it is proved.
    pub fn came(&self, id: &RequestId, what: Came) {
        let mut all = self.lock();
        if let Some(stand) = all.get_mut(id) {
            (stand.wanted, stand.asked) = (false, Some(Instant::now()));
            stand.pause = if matches!(what, Came::Set(..)) { SOON } else { AGAIN };
            match what {
                Came::Set(height, got) => {
                    if std::mem::replace(&mut stand.is_returned, false) {
                        stand.since = height;
                    }
                    (stand.held, stand.got) = (true, got);
                }
                Came::Back => (stand.held, stand.pause) = (false, SOON),
                Came::Nothing | Came::Failed => {}
            }
        }
        let is_needed = |it: &Stand| {
            let remembers = it.is_returned || it.since > Height::default();
            let is_recent = it.asked.is_some_and(|at| at.elapsed() < REMEMBERED);
            it.held || it.used.elapsed() < self.how.lasts() || remembers && is_recent
        };
        all.retain(|_, it| is_needed(it));
        drop(all);
        self.asked.send_modify(|it| *it = it.wrapping_add(1));
    }
}

fn of(grant: &Grant, queries: u64, rows: u64, until_ms: u64) -> LeaseUse {
    LeaseUse {
        request_id: grant.request_id.clone(),
        dataset: grant.dataset.clone(),
        collector: grant.collector.clone(),
        using_department: grant.using_department.clone(),
        queries,
        rows,
        until_ms,
    }
}

/// A grant and its use, as they are proved now.
async fn asked_of(ledger: &Ledger, id: &RequestId) -> anyhow::Result<(Arc<Grant>, Arc<GrantUse>)> {
    let places: BTreeSet<Place> = [Place::grant(id), Place::grant_use(id)].into();
    let known = ledger.known(&places).await?;
    let object = |place: &Place| known.objects.get(place).cloned().flatten();
    let grant = match object(&Place::grant(id)) {
        Some(Object::Grant(it)) => it,
        _ => anyhow::bail!("there is no grant {id}"),
    };
    let used = match object(&Place::grant_use(id)) {
        Some(Object::GrantUse(it)) => it,
        _ => Arc::default(),
    };
    Ok((grant, used))
}

/// Queries and rows that are left to a gateway. Whether leases of others are over, the ledger knows better.
fn left(quota: &Quota, used: &GrantUse, gateway: &[u8], named: &[u8]) -> (u64, u64) {
    let is_own = |it: &&wire::Lease| it.gateway_id == gateway && it.request_id == named;
    let others = used.leases.iter().filter(|it| !is_own(it));
    let others = others.fold((0_u64, 0_u64), |sum, it| {
        (sum.0.saturating_add(it.queries), sum.1.saturating_add(it.rows))
    });
    let today = liuhen_proto::ledger::calendar::day_of(now());
    let today = used.days.iter().find(|it| it.day == today).copied().unwrap_or_default();
    let of = |limit: u64, used: u64, others: u64| match limit {
        0 => u64::MAX,
        limit => limit.saturating_sub(used).saturating_sub(others),
    };
    let queries = of(quota.queries_total, used.queries, others.0);
    let rows = of(quota.rows_total, used.rows, others.1);
    (
        queries.min(of(quota.queries_per_day, today.queries, others.0)),
        rows.min(of(quota.rows_per_day, today.rows, others.1)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use liuhen_proto::wire::{DayUse, Lease};

    #[test]
    fn what_is_asked_and_when() {
        let how = super::Lease { queries: 4, rows: 9, minutes: 1 };
        let leases = Leases::new(how, IdentityId::new([1; 32]));
        let id = RequestId::new([2; 32]);
        let due =
            || leases.due().into_iter().map(|it| matches!(it, Due::More(_))).collect::<Vec<_>>();
        let before = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
        let used_before = |ago| leases.lock().get_mut(&id).unwrap().used = before(ago);
        let asked_before = |ago| leases.lock().get_mut(&id).unwrap().asked = Some(before(ago));
        let set = Came::Set(Height::new(7), [4, 9]);
        assert!(due().is_empty());
        leases.used(id, false, true);
        assert_eq!(due(), [true]);
        // Nothing is left: it is not asked again at once, and let go of when nobody asks.
        leases.came(&id, Came::Nothing);
        leases.used(id, false, true);
        assert!(due().is_empty());
        used_before(61);
        leases.came(&id, Came::Nothing);
        assert!(leases.lock().is_empty());
        // Held and not used for as long as a lease lasts, it is given back, and tried again where that failed.
        leases.used(id, false, true);
        leases.came(&id, set);
        assert!(due().is_empty());
        used_before(61);
        asked_before(61);
        assert_eq!(due(), [false]);
        leases.came(&id, Came::Failed);
        assert!(due().is_empty());
        asked_before(61);
        assert_eq!(due(), [false]);
        // While it is given back, and until something is set aside anew, and is proved, nothing is given out.
        leases.set_returned(&id, true);
        leases.came(&id, Came::Back);
        assert!(leases.lock()[&id].is_returned);
        leases.used(id, false, true);
        asked_before(61);
        assert_eq!(due(), [true]);
        leases.came(&id, set);
        let all = leases.lock();
        assert_eq!((all[&id].is_returned, all[&id].since), (false, Height::new(7)));
    }

    #[test]
    fn what_is_left_to_a_gateway() {
        let quota =
            Quota { queries_total: 10, rows_total: 100, queries_per_day: 0, rows_per_day: 60 };
        let day = liuhen_proto::ledger::calendar::day_of(now());
        let lease = |id: u8, queries, rows| Lease {
            gateway_id: vec![id; 32],
            queries,
            rows,
            until_ms: 1,
            request_id: vec![7; 32],
        };
        let used = GrantUse {
            queries: 2,
            rows: 50,
            days: vec![DayUse { day, queries: 1, rows: 30, ..DayUse::default() }],
            leases: vec![lease(1, 3, 10), lease(2, 4, 20)],
            ..GrantUse::default()
        };
        assert_eq!(left(&quota, &used, &[1; 32], &[7; 32]), (4, 10));
        assert_eq!(left(&quota, &used, &[2; 32], &[7; 32]), (5, 20));
        assert_eq!(left(&Quota::default(), &used, &[1; 32], &[7; 32]), (u64::MAX, u64::MAX));
        let spent = GrantUse { queries: 20, ..used.clone() };
        assert_eq!(left(&quota, &spent, &[1; 32], &[7; 32]).0, 0);
        // What it set aside itself for records under another is not this one's.
        assert_eq!(left(&quota, &used, &[1; 32], &[8; 32]), (1, 0));
    }
}
