//! What this gateway sets aside of quotas under which several gateways serve (配额预留): with a lease it gives out nothing beyond it, so that no
//! two give out the same.

use crate::candidates::named;
use crate::ledger::Ledger;
use crate::state::{Group, State};
use liuhen_client::clock::now;
use liuhen_proto::items::access::set_aside::own;
use liuhen_proto::items::sharing::grants;
use liuhen_proto::ledger::Object;
use liuhen_proto::place::Place;
use liuhen_proto::types::{IdentityId, RequestId, TimeMs};
use liuhen_proto::wire::{Grant, GrantUse, LeaseUse, Quota, RecordAccess};
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// For so long whoever asks waits for a lease.
pub const WITHIN: Duration = Duration::from_secs(5);
/// What was set aside is not asked for again earlier, nor where nothing was left.
const SOON: Duration = Duration::from_millis(500);
const AGAIN: Duration = Duration::from_secs(10);
/// Grants are passed on so often at most.
const DEPTH: usize = 8;

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
        let (mut holds, mut is_low, mut is_limited) = (true, false, false);
        for (quota, used) in state.quotas(group, record, now) {
            if quota == Quota::default() {
                continue;
            }
            is_limited = true;
            let left = own(&used, self.gateway.as_bytes(), now);
            let limits = [
                quota.queries_total.max(quota.queries_per_day),
                quota.rows_total.max(quota.rows_per_day),
            ];
            let has = left.as_ref().map_or([0, 0], |it| [it.queries, it.rows]);
            let wants = [self.how.queries, self.how.rows];
            for ((limit, has), wants) in limits.into_iter().zip(has).zip(wants) {
                holds &= limit == 0 || has > 0;
                is_low |= limit > 0 && has < wants / 4;
            }
            let ends = left.map_or(0, |it| it.until_ms);
            let soon = u64::try_from(self.how.lasts().as_millis()).unwrap_or(0) / 4;
            is_low |= ends < now.get().saturating_add(soon);
            holds &= ends > now.get();
        }
        if is_limited {
            self.used(id, holds, is_low || !holds);
        }
        holds
    }

    fn used(&self, id: RequestId, held: bool, wanted: bool) {
        let mut all = self.lock();
        let stand = all.entry(id).or_insert_with(|| Stand {
            wanted: false,
            used: Instant::now(),
            asked: None,
            pause: Duration::ZERO,
            held,
        });
        stand.used = Instant::now();
        stand.held |= held;
        stand.wanted |= wanted;
    }

    /// Comes when it was asked once more, or after a time.
    pub async fn asked(&self) {
        let mut asked = self.asked.subscribe();
        let _ = tokio::time::timeout(WITHIN, asked.changed()).await;
    }

    /// What is to be asked now.
    fn due(&self) -> Vec<Due> {
        let idle = self.how.lasts();
        let mut due = Vec::new();
        for (id, stand) in self.lock().iter_mut() {
            let may = stand.asked.is_none_or(|at| at.elapsed() >= stand.pause);
            if stand.wanted && may {
                due.push(Due::More(*id));
            } else if stand.held && stand.used.elapsed() > idle {
                due.push(Due::Back(*id));
            }
        }
        due
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RequestId, Stand>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The items to be signed now. Nothing is given back of what records wait that count on it. Errors where no node proves what is left.
    pub async fn items(
        &self,
        ledger: &Ledger,
        has_unsent: impl Fn(&RequestId) -> bool,
    ) -> anyhow::Result<Vec<(RequestId, LeaseUse)>> {
        let mut items = Vec::new();
        for due in self.due() {
            match due {
                Due::More(id) => match self.more(ledger, &id).await? {
                    it if it.queries > 0 && it.rows > 0 => items.push((id, it)),
                    _ => self.done(&id, None),
                },
                Due::Back(id) if has_unsent(&id) => {}
                Due::Back(id) => {
                    let (grant, _) = asked_of(ledger, &id).await?;
                    items.push((id, of(&grant, 0, 0, 0)));
                }
            }
        }
        Ok(items)
    }

    /// As much as is left of what is wanted.
    async fn more(&self, ledger: &Ledger, id: &RequestId) -> anyhow::Result<LeaseUse> {
        let Lease { mut queries, mut rows, .. } = self.how;
        let (named, used) = asked_of(ledger, id).await?;
        let mut next = Some((Arc::clone(&named), used));
        for _ in 0..DEPTH {
            let Some((grant, used)) = next.take() else { break };
            let quota = grants::terms(&grant).and_then(|it| it.quota).unwrap_or_default();
            let left = left(&quota, &used, self.gateway.as_bytes());
            (queries, rows) = (queries.min(left.0), rows.min(left.1));
            if let Ok(above) = RequestId::from_slice(&grant.parent_id) {
                next = Some(asked_of(ledger, &above).await?);
            }
        }
        let until = now().plus(u64::try_from(self.how.lasts().as_millis()).unwrap_or(0));
        Ok(of(&named, queries, rows, until.get()))
    }

    /// It was asked, and by now something is held or not; `None`: nothing more is left, and it is as before. What stands on the ledger counts when it
    /// is proved.
    pub fn done(&self, id: &RequestId, held: Option<bool>) {
        let mut all = self.lock();
        if let Some(stand) = all.get_mut(id) {
            (stand.wanted, stand.asked) = (false, Some(Instant::now()));
            stand.held = held.unwrap_or(stand.held);
            stand.pause = if held == Some(true) { SOON } else { AGAIN };
        }
        all.retain(|_, it| it.held || it.used.elapsed() < self.how.lasts());
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
fn left(quota: &Quota, used: &GrantUse, gateway: &[u8]) -> (u64, u64) {
    let others = used.leases.iter().filter(|it| it.gateway_id != gateway);
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
        let used_before =
            |ago| leases.lock().get_mut(&id).unwrap().used -= Duration::from_secs(ago);
        assert!(due().is_empty());
        leases.used(id, false, true);
        assert_eq!(due(), [true]);
        // Nothing is left: it is not asked again at once, and let go of when nobody asks.
        leases.done(&id, None);
        leases.used(id, false, true);
        assert!(due().is_empty());
        used_before(61);
        leases.done(&id, None);
        assert!(leases.lock().is_empty());
        // Held and not used for as long as a lease lasts, it is given back; then there is nothing.
        leases.used(id, false, true);
        leases.done(&id, Some(true));
        assert!(due().is_empty());
        used_before(61);
        assert_eq!(due(), [false]);
        leases.done(&id, Some(false));
        assert!(leases.lock().is_empty());
    }

    #[test]
    fn what_is_left_to_a_gateway() {
        let quota =
            Quota { queries_total: 10, rows_total: 100, queries_per_day: 0, rows_per_day: 60 };
        let day = liuhen_proto::ledger::calendar::day_of(now());
        let lease =
            |id: u8, queries, rows| Lease { gateway_id: vec![id; 32], queries, rows, until_ms: 1 };
        let used = GrantUse {
            queries: 2,
            rows: 50,
            days: vec![DayUse { day, queries: 1, rows: 30, ..DayUse::default() }],
            leases: vec![lease(1, 3, 10), lease(2, 4, 20)],
            ..GrantUse::default()
        };
        assert_eq!(left(&quota, &used, &[1; 32]), (4, 10));
        assert_eq!(left(&quota, &used, &[2; 32]), (5, 20));
        assert_eq!(left(&Quota::default(), &used, &[1; 32]), (u64::MAX, u64::MAX));
        let spent = GrantUse { queries: 20, ..used };
        assert_eq!(left(&quota, &spent, &[1; 32]).0, 0);
    }
}
