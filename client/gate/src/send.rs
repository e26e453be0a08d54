//! From the spool to the ledger: records in batches, each once; accesses without an ending; hours' seals. One task does all that
//! signs, so that no number of the key is taken twice.

use crate::gate::Gate;
use crate::held::locked;
use crate::leases::Came;
use crate::ledger::Ledger;
use crate::spool::book::Numbered;
use crate::spool::entry::{Ended, Recorded, Said, Sealed, Tagged};
use crate::standing::are_past;
use anyhow::Context as _;
use liuhen_client::clock::now;
use liuhen_client::error::ClientError;
use liuhen_client::submit::item;
use liuhen_proto::items::{Item, ItemError};
use liuhen_proto::ledger::Object;
use liuhen_proto::merkle::{Blake3Log, log};
use liuhen_proto::place::Place;
use liuhen_proto::types::limits::{BULK_TAGS, TRANSACTION_BYTES};
use liuhen_proto::types::{Height, RequestId};
use liuhen_proto::wire::{self, LeaseUse, PublishVersion, RecordAccess, SealPeriod, item::Kind};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// Records of one transaction at most, for each costs a block what its grant is large; and their bytes, with room for what is around them.
const ITEMS: usize = 500;
const BYTES: usize = TRANSACTION_BYTES * 3 / 4;
/// Leases of one transaction.
const LEASES: usize = 250;
/// What of a bulk set could not be sent is tried again after so long.
const TAGS_AGAIN: Duration = Duration::from_secs(30);
/// Items of tags of one transaction.
const BULKS: usize = 25;
/// Batches that are sent before it is looked what else is to be done.
const BATCHES: usize = 8;
/// How often it is looked whether something is to be sent.
const EVERY: Duration = Duration::from_millis(100);
/// After a failure it is tried again after so long, and longer each time, up to the next.
const AGAIN: Duration = Duration::from_millis(500);
const AGAIN_AT_MOST: Duration = Duration::from_secs(30);
/// Periods that one seal covers at most.
const SEALED_AT_ONCE: u64 = 500;
/// For so long after its start a gate that was away reads what logs have before it seals.
const CATCHES_UP: Duration = Duration::from_secs(3600);
/// How often it is looked whether a period is to be sealed.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A record that the rules refused so often by itself is one that the ledger can never take.
pub const REFUSALS: u32 = 3;

/// Sends what waits.
pub struct Sender {
    /// The gate whose spool it is.
    pub gate: Arc<Gate>,
    /// Where to.
    pub ledger: Arc<Ledger>,
    /// After how long an access without an ending is over.
    pub open_for: Duration,
    /// When the gate began.
    pub began: Instant,
    /// Bulk sets whose tags could not be sent, and until when they wait.
    pub tags_wait: Mutex<HashMap<u64, Instant>>,
}

/// Whether a seal of periods up to a time may wait for logs: until a third of its grace is left; where it is late anyway, for an hour since the
/// gate began, for to contradict it would be worse than to be later.
fn may_wait(due_ms: u64, until_ms: u64, now_ms: u64, runs_for: Duration) -> bool {
    match due_ms.checked_sub(now_ms).filter(|left| *left > 0) {
        Some(left) => left > due_ms.saturating_sub(until_ms) / 3,
        None => runs_for < CATCHES_UP,
    }
}

impl Sender {
    /// Sends until told to stop.
    pub async fn run(self, stop: CancellationToken) {
        let (mut wait, mut refused, mut looked) = (EVERY, HashMap::new(), None);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
            wait = match self.all(&mut refused, &mut looked).await {
                Ok(true) => Duration::ZERO,
                Ok(false) => EVERY,
                Err(error) => {
                    let waiting = self.gate.spool.book().depth().0;
                    tracing::warn!(error = %format!("{error:#}"), waiting, "records can't be sent; it is tried again");
                    (wait * 2).clamp(AGAIN, AGAIN_AT_MOST)
                }
            };
        }
    }

    /// Sends what waits now; whether more does. Seals and endings come between, however much there is.
    async fn all(
        &self,
        refused: &mut HashMap<u64, u32>,
        looked: &mut Option<Instant>,
    ) -> anyhow::Result<bool> {
        self.close_old().await?;
        let mut more = true;
        for _ in 0..BATCHES {
            let batch = first_batch(self.gate.spool.book().to_send());
            more = !batch.is_empty();
            if !more {
                break;
            }
            self.send(&batch, refused).await?;
        }
        if looked.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
            *looked = Some(Instant::now());
            if let Err(error) = self.seal().await {
                tracing::warn!(error = %format!("{error:#}"), "a period can't be sealed; it is tried again");
            }
        }
        let counted_at = self.gate.state.counted_at();
        self.gate.spool.book().forget(counted_at);
        if let Err(error) = self.tag().await {
            tracing::warn!(error = %format!("{error:#}"), "tags of a bulk set can't be sent; it is tried again");
        }
        self.lease().await;
        self.publish().await;
        Ok(more)
    }

    /// The newest version of a dataset that is on the ledger, as it is proved.
    async fn published(&self, dataset: &str) -> anyhow::Result<PublishVersion> {
        let place = Place::dataset(dataset);
        let known = self.ledger.known(&[place.clone()].into()).await?;
        Ok(match known.objects.get(&place) {
            Some(Some(Object::Dataset(it))) => it.version.clone().unwrap_or_default(),
            Some(_) | None => PublishVersion::default(),
        })
    }

    /// What is seen of datasets now, for a seal.
    async fn observed(&self) -> anyhow::Result<Vec<wire::Observed>> {
        let mut observed = Vec::new();
        for dataset in self.gate.changes.datasets() {
            let published = self.published(&dataset).await?;
            observed.extend(self.gate.changes.observed(&dataset, &published));
        }
        Ok(observed)
    }

    /// Publishes versions, where that is the policy.
    async fn publish(&self) {
        for dataset in self.gate.changes.unpublished() {
            let published = match self.published(&dataset).await {
                Ok(published) => published,
                Err(error) => {
                    tracing::warn!(dataset, error = %format!("{error:#}"), "it is not known which version stands; it is tried again");
                    continue;
                }
            };
            let Some(mut it) = self.gate.changes.to_publish(&dataset, &published) else { continue };
            it.collector.clone_from(&self.gate.account.signer.department);
            let sent = match item(Kind::PublishVersion(it.clone())) {
                Ok(item) => self.submit(&[item]).await,
                Err(error) => Err(error),
            };
            match sent {
                Ok(height) => {
                    tracing::info!(
                        dataset,
                        version = it.version,
                        rows = it.row_count,
                        digest = %hex::encode(&it.content_digest),
                        height,
                        "a version is published"
                    );
                    self.gate.changes.published(&it);
                }
                Err(error) => {
                    tracing::error!(dataset, version = it.version, %error, "a version can't be published; it is tried again")
                }
            }
        }
    }

    /// Sets aside what is wanted of quotas, and gives back what nobody used for long.
    async fn lease(&self) {
        let Some(leases) = &self.gate.leases else { return };
        let items = leases.items(&self.ledger, |id| self.gate.state.in_flight(id)).await;
        let mut waiting = match items {
            Ok(items) => items,
            Err(error) => {
                tracing::warn!(error = %format!("{error:#}"), "nothing can be set aside of quotas; it is tried again");
                return;
            }
        };
        while !waiting.is_empty() {
            let items = waiting.iter().take(LEASES).map(|(_, it)| item(Kind::LeaseUse(it.clone())));
            let sent = match items.collect::<Result<Vec<Item>, _>>() {
                Ok(items) => self.submit(&items).await,
                Err(error) => Err(error),
            };
            let at = match &sent {
                Err(ClientError::Refused(why, _)) => {
                    why.item.and_then(|it| usize::try_from(it).ok())
                }
                _ => None,
            };
            // One that is refused keeps the others back no longer.
            let over: Vec<(RequestId, LeaseUse)> = match at.filter(|at| *at < waiting.len()) {
                Some(at) => vec![waiting.remove(at)],
                None => waiting.drain(..waiting.len().min(LEASES)).collect(),
            };
            for (id, it) in over {
                let (queries, rows) = (it.queries, it.rows);
                let came = match &sent {
                    Ok(height) => {
                        tracing::info!(grant = %id, queries, rows, height, "set aside");
                        match queries > 0 || rows > 0 {
                            true => Came::Set(Height::new(*height), [queries, rows]),
                            false => Came::Back,
                        }
                    }
                    Err(error) => {
                        tracing::warn!(grant = %id, queries, rows, %error, "nothing was set aside");
                        Came::Failed
                    }
                };
                leases.came(&id, came);
            }
        }
    }

    /// Sends tags of bulk sets whose records are there.
    async fn tag(&self) -> anyhow::Result<()> {
        for _ in 0..BATCHES {
            let next = {
                let waits = locked(&self.tags_wait);
                let waits =
                    |number| waits.get(&number).is_some_and(|until| *until > Instant::now());
                self.gate.spool.book().to_tag(BULK_TAGS.saturating_mul(BULKS), waits)
            };
            let Some((number, sent, tags)) = next else { return Ok(()) };
            let collector = &self.gate.account.signer.department;
            let items = tags.chunks(BULK_TAGS).map(|some| {
                let (collector, tags) = (collector.clone(), some.to_vec());
                item(Kind::AddBulkTags(wire::AddBulkTags { collector, access_no: number, tags }))
            });
            let submitted = match items.collect::<Result<Vec<Item>, _>>() {
                Ok(items) => self.submit(&items).await,
                Err(error) => Err(error),
            };
            let count = match submitted {
                Ok(_) => sent.saturating_add(tags.len()) as u64,
                Err(error) => {
                    // One that is refused, or can't be sent, keeps the others back no longer.
                    locked(&self.tags_wait).insert(number, Instant::now() + TAGS_AGAIN);
                    // They may be there: this was sent before the gate ended, or the answer did not come.
                    match self.tags_there(number).await? {
                        there if there > sent as u64 => there,
                        _ => return Err(error.into()),
                    }
                }
            };
            locked(&self.tags_wait).remove(&number);
            self.gate.spool.say(Said::Tagged(Tagged { number, count })).await?;
        }
        Ok(())
    }

    /// How many tags of a bulk set are on the ledger, as it is proved.
    async fn tags_there(&self, number: u64) -> anyhow::Result<u64> {
        let place = Place::bulk_set(self.gate.account.signer.identity.as_bytes(), number);
        let known = self.ledger.known(&[place.clone()].into()).await?;
        Ok(match known.objects.get(&place) {
            Some(Some(Object::BulkSet(it))) => it.received,
            Some(_) | None => 0,
        })
    }

    /// Accesses that were begun long ago, and of whose ending nobody told.
    pub async fn close_old(&self) -> anyhow::Result<()> {
        let age = u64::try_from(self.open_for.as_millis()).unwrap_or(u64::MAX);
        let old = self.gate.spool.book().open_since(now().get().saturating_sub(age));
        for number in old {
            tracing::info!(
                access_no = number,
                "nobody told how it ended: recorded as served, rows unknown"
            );
            let ended = Ended { number, ..Ended::default() };
            self.gate.spool.say(Said::Ended(ended)).await?;
            self.gate.was_served(number, None);
        }
        Ok(())
    }

    async fn send(
        &self,
        batch: &[Numbered],
        refused: &mut HashMap<u64, u32>,
    ) -> anyhow::Result<()> {
        let items: Vec<Item> = batch.iter().map(Numbered::item).collect::<Result<_, _>>()?;
        let error = match self.submit(&items).await {
            Ok(height) => {
                let numbers = batch.iter().map(Numbered::number).collect();
                self.recorded(numbers, height).await?;
                return Ok(());
            }
            Err(error) => error,
        };
        // Some may be on the ledger: this was sent before the gate ended, or the answer did not come.
        self.take_off().await?;
        if let ClientError::Refused(why, _) = &error
            && let Some(at) = why.item.and_then(|it| usize::try_from(it).ok())
            && let (Some(record), Some(item)) = (batch.get(at), items.get(at))
        {
            let record = &record.record();
            let count = refused.entry(record.access_no).or_default();
            *count = count.saturating_add(1);
            if *count >= REFUSALS && self.is_waiting(record.access_no) {
                return self.give_up(record, item, &why.reason).await;
            }
        }
        Err(error.into())
    }

    fn is_waiting(&self, number: u64) -> bool {
        self.gate.spool.book().get(number).is_some_and(|it| it.height.is_none())
    }

    /// Puts something in the place of a record that the ledger can never take, so that nothing stalls.
    async fn give_up(&self, record: &RecordAccess, of: &Item, reason: &str) -> anyhow::Result<()> {
        let access_no = record.access_no;
        tracing::error!(
            access_no,
            reason,
            "the ledger can't take this record: its digest takes its place"
        );
        let instead = instead_of(record, of, reason)?;
        let height = self.submit(&[instead]).await?;
        self.recorded(vec![access_no], height).await
    }

    async fn submit(&self, items: &[Item]) -> Result<u64, ClientError> {
        let committed = self.ledger.ask_in_turn(|node| {
            let (account, items) = (self.gate.account.clone(), items.to_vec());
            Box::pin(async move { account.submit(&node, &items).await })
        });
        Ok(committed.await?.1.height)
    }

    async fn recorded(&self, numbers: Vec<u64>, height: u64) -> anyhow::Result<()> {
        self.gate.spool.say(Said::Recorded(Recorded { numbers, height })).await?;
        Ok(())
    }

    /// Takes off the spool what stands on the ledger, as it proves it.
    pub async fn take_off(&self) -> anyhow::Result<()> {
        let place = Place::gateway(&self.gate.account.signer.identity);
        let known = self.ledger.known(&[place.clone()].into()).await?;
        let gateway = match known.objects.get(&place) {
            Some(Some(Object::Gateway(it))) => it.clone(),
            Some(_) | None => return Ok(()),
        };
        let is_gap =
            |number: u64| gateway.gaps.iter().any(|gap| (gap.first..=gap.last).contains(&number));
        let waiting: Vec<u64> = self.gate.spool.book().to_send().map(Numbered::number).collect();
        let there = |number: &u64| *number <= gateway.last_access_no && !is_gap(*number);
        let numbers: Vec<u64> = waiting.into_iter().filter(there).collect();
        match numbers.is_empty() {
            true => Ok(()),
            false => self.recorded(numbers, known.header.height.get()).await,
        }
    }

    /// Seals the periods that are over, once all their accesses are.
    async fn seal(&self) -> anyhow::Result<()> {
        let Some(seal) = self.next_seal().await? else { return Ok(()) };
        let (until_ms, first, count) = (seal.until_ms, seal.first, seal.count);
        self.submit(&[item(Kind::SealPeriod(seal))?]).await.context("a seal")?;
        let last = first.saturating_add(count).saturating_sub(1);
        self.gate.spool.say(Said::Sealed(Sealed { until_ms, last })).await?;
        tracing::info!(until_ms, first, count, "sealed");
        Ok(())
    }

    /// The seal of the periods that are over, where all their accesses are; `None`: there is none to be made yet.
    pub async fn next_seal(&self) -> anyhow::Result<Option<SealPeriod>> {
        let it = self.ledger.gateway(&self.gate.account.signer.identity).await?;
        let (Some(setup), known) = (it.setup, it.gateway.unwrap_or_default()) else {
            return Ok(None);
        };
        let time = now().get();
        let period = it.seal_period_ms.max(1);
        let until_ms = time.saturating_sub(time.checked_rem(period).unwrap_or(0));
        // After a long time away one seal behind the other.
        let most = known.sealed_until_ms.saturating_add(period.saturating_mul(SEALED_AT_ONCE));
        let until_ms = if known.sealed_until_ms == 0 { until_ms } else { until_ms.min(most) };
        if known.sealed_until_ms >= until_ms {
            return Ok(None);
        }
        // What logs tell of this time comes first.
        let may_wait = may_wait(setup.seal_due_ms, until_ms, time, self.began.elapsed());
        if may_wait && !are_past(&self.gate.sources, until_ms) {
            return Ok(None);
        }
        let first = known.sealed_last.saturating_add(1);
        let Some(digests) = self.gate.spool.book().to_seal(first, until_ms) else {
            return Ok(None);
        };
        Ok(Some(SealPeriod {
            collector: self.gate.account.signer.department.clone(),
            from_ms: known.sealed_until_ms,
            until_ms,
            first,
            count: digests.len() as u64,
            spool_root: log::root::<Blake3Log>(digests).to_vec(),
            observed: self.observed().await?,
        }))
    }
}

/// As many of these records, from the first on, as one transaction takes.
pub fn first_batch<'a>(records: impl Iterator<Item = &'a Numbered>) -> Vec<Numbered> {
    let (mut batch, mut bytes) = (Vec::new(), 0_usize);
    for one in records {
        // With what an item has around its record.
        bytes = bytes.saturating_add(one.encoded_len().saturating_add(64));
        if !batch.is_empty() && (bytes > BYTES || batch.len() >= ITEMS) {
            break;
        }
        batch.push(one.clone());
    }
    batch
}

/// What takes the place of a record that the ledger can never take. It has its nonce: what a log tells again is known by that.
pub fn instead_of(record: &RecordAccess, of: &Item, reason: &str) -> Result<Item, ItemError> {
    let instead = wire::Unrecordable {
        collector: record.collector.clone(),
        access_no: record.access_no,
        digest: of.digest().to_vec(),
        reason: reason.to_owned(),
    };
    Item::new(of.nonce(), Kind::Unrecordable(instead))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::entry::Given;

    #[test]
    fn a_batch_fits_into_a_transaction() {
        let numbers = |tags: usize| -> Vec<Numbered> {
            let subjects =
                Some(wire::Subjects { tags: vec![vec![1; 32]; tags], ..Default::default() });
            let mut book = crate::spool::book::Book::default();
            for access_no in 1..=3_000 {
                let record =
                    RecordAccess { access_no, subjects: subjects.clone(), ..Default::default() };
                book.take(Said::Given(Given { record: Some(record), ..Given::default() }));
            }
            book.to_send().cloned().collect()
        };
        let sizes = |tags| {
            let all = numbers(tags);
            let batch = first_batch(all.iter());
            (batch.len(), batch.iter().map(Numbered::encoded_len).sum::<usize>())
        };
        let (few, small) = (sizes(256), sizes(0));
        assert_eq!(small.0, ITEMS);
        assert!(few.1 <= BYTES && few.0 < 50 && few.0 > 1, "{few:?}");
        assert!(first_batch([].iter()).is_empty());
    }

    #[test]
    fn how_long_a_seal_waits_for_logs() {
        const HOUR: u64 = 3_600_000;
        let minutes = |it: u64| it * 60_000;
        let of = |now: u64, runs: u64| {
            may_wait(12 * HOUR, 11 * HOUR, now, Duration::from_millis(minutes(runs)))
        };
        assert!(of(11 * HOUR + minutes(1), 500));
        assert!(of(11 * HOUR + minutes(39), 500));
        assert!(!of(11 * HOUR + minutes(41), 500));
        // Begun when it was late already: first it reads.
        assert!(of(14 * HOUR, 5));
        assert!(!of(14 * HOUR, 60));
        // The seal covers later periods than the one that was due first.
        assert!(may_wait(12 * HOUR, 14 * HOUR, 14 * HOUR, Duration::ZERO));
    }
}
