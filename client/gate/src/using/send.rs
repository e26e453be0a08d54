//! From what was received to the ledger: each access by itself where that is owed so, and the sums of hours.

use super::book::{Access, Book, Received, Sum};
use crate::ledger::Ledger;
use anyhow::Context as _;
use liuhen_client::error::ClientError;
use liuhen_client::submit::{Account, item};
use liuhen_proto::items::Item;
use liuhen_proto::items::access::halves;
use liuhen_proto::items::sharing::grants;
use liuhen_proto::ledger::Object;
use liuhen_proto::merkle::{Blake3Log, log};
use liuhen_proto::place::Place;
use liuhen_proto::types::RequestId;
use liuhen_proto::wire::{
    Acknowledge, AcknowledgeHour, Channel, Dataset, DatasetAccess, Grant, RecordAccess, item::Kind,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How often it is looked.
const EVERY: Duration = Duration::from_millis(500);
/// After a failure it is tried again after so long, and longer each time, up to the next.
const AGAIN_AT_MOST: Duration = Duration::from_secs(30);
/// How often hours are summed.
const SUMS_EVERY: Duration = Duration::from_secs(20);
/// What is known of a grant is asked again after so long.
const KNOWN_FOR: Duration = Duration::from_secs(300);
/// Every node says so of what is not this department's to read.
const READ_DENIED: &str = "read.denied";
/// What was refused is tried again after so long, and longer each time, up to the next: one node may have been behind.
const REFUSED_AGAIN: Duration = Duration::from_secs(30);
const REFUSED_AGAIN_AT_MOST: Duration = Duration::from_secs(3_600);
/// Refused as often, which takes two days, it is let go of.
const REFUSALS: u32 = 52;
/// Items of one transaction.
const BATCH: usize = 200;

/// How accesses under a grant are acknowledged.
#[derive(Debug, Clone)]
struct How {
    grant: Arc<Grant>,
    /// By themselves, for what is read is of grade 3 or above.
    singly: bool,
    /// In sums too: of some fields it would be less.
    summed: bool,
    asked: Instant,
}

/// Sends what waits.
pub struct Sender {
    book: Book,
    ledger: Arc<Ledger>,
    account: Account,
    known: BTreeMap<RequestId, How>,
    /// Whose receipts the ledger does not take: they are acknowledged without.
    without_receipt: BTreeSet<Access>,
    refused: BTreeMap<Access, Refused>,
    refused_sums: BTreeMap<(RequestId, u64), Refused>,
    summed: Option<Instant>,
}

/// How often something was refused, and when it is tried again.
#[derive(Debug, Clone, Copy)]
struct Refused {
    count: u32,
    again: Instant,
}

impl Refused {
    /// Once more.
    fn again(before: Option<Self>) -> Self {
        let count = before.map_or(0, |it| it.count).saturating_add(1);
        let wait = REFUSED_AGAIN.saturating_mul(1 << count.saturating_sub(1).min(7));
        Self { count, again: Instant::now() + wait.min(REFUSED_AGAIN_AT_MOST) }
    }

    fn waits(&self) -> bool {
        Instant::now() < self.again
    }
}

impl Sender {
    /// Of what this identity received.
    pub fn new(book: Book, ledger: Arc<Ledger>, account: Account) -> Self {
        let (known, without_receipt, refused, refused_sums, summed) = Default::default();
        Self { book, ledger, account, known, without_receipt, refused, refused_sums, summed }
    }

    /// Sends until told to stop.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut wait = EVERY;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
            wait = match self.all().await {
                Ok(()) => EVERY,
                Err(error) => {
                    let waiting = self.book.counts().waiting;
                    tracing::warn!(error = %format!("{error:#}"), waiting, "what was received can't be acknowledged; it is tried again");
                    (wait * 2).min(AGAIN_AT_MOST)
                }
            };
        }
    }

    async fn all(&mut self) -> anyhow::Result<()> {
        let mut waiting = self.book.to_acknowledge();
        waiting.retain(|it| !self.refused.get(&it.access).is_some_and(Refused::waits));
        for batch in waiting.chunks(BATCH) {
            self.acknowledge(batch).await?;
        }
        if self.summed.is_none_or(|at| at.elapsed() >= SUMS_EVERY) {
            self.summed = Some(Instant::now());
            self.sum().await?;
            self.book.forget();
        }
        Ok(())
    }

    /// Acknowledges each that is owed by itself, or whose hour can't be summed any more; what is owed in sums alone waits for those. What is refused
    /// keeps nothing else back.
    async fn acknowledge(&mut self, batch: &[Received]) -> anyhow::Result<()> {
        let mut items: Vec<(&Received, Item)> = Vec::new();
        for it in batch {
            match self.how(&it.request_id).await? {
                Err(why) => self.refuse(it, &why).await?,
                Ok(how) if how.singly || it.is_past_sums() => {
                    items.push((it, self.item(it, &how)?))
                }
                Ok(_) => self.book.in_sum(it.access).await.map_err(anyhow::Error::msg)?,
            }
        }
        while !items.is_empty() {
            let all: Vec<Item> = items.iter().map(|(_, it)| it.clone()).collect();
            let why = match self.submit(&all).await {
                Ok(height) => {
                    tracing::info!(count = all.len(), height, "acknowledged");
                    for (it, _) in items {
                        self.book.acknowledged(it.access).await.map_err(anyhow::Error::msg)?;
                        self.without_receipt.remove(&it.access);
                        self.refused.remove(&it.access);
                    }
                    return Ok(());
                }
                Err(ClientError::Refused(why, _)) if why.item.is_some() => why,
                Err(error) => return Err(error).context("acknowledgements"),
            };
            let at = why.item.and_then(|it| usize::try_from(it).ok());
            let Some(at) = at.filter(|at| *at < items.len()) else {
                anyhow::bail!(
                    "acknowledgements: an item is refused that there is not: {}",
                    why.reason
                );
            };
            let (it, _) = items.remove(at);
            // A receipt that the ledger does not take supports nothing; that there was an access is said all the same.
            if why.reason.starts_with("receipt.") && self.without_receipt.insert(it.access) {
                tracing::warn!(access_no = it.access.1, gateway = %it.access.0, reason = why.reason, "its receipt is not taken: acknowledged without");
                if let Ok(how) = self.how(&it.request_id).await? {
                    items.push((it, self.item(it, &how)?));
                }
            } else {
                self.refuse(it, &why.reason).await?;
            }
        }
        Ok(())
    }

    /// Keeps what was refused, to be tried again; after long it is let go of.
    async fn refuse(&mut self, it: &Received, reason: &str) -> anyhow::Result<()> {
        let (gateway, access_no) = it.access;
        let refused = Refused::again(self.refused.get(&it.access).copied());
        if refused.count == 1 {
            self.book.refused_once();
            tracing::error!(access_no, %gateway, reason, "the ledger does not take this acknowledgement: it is kept, and tried again");
        }
        self.refused.insert(it.access, refused);
        if refused.count >= REFUSALS {
            tracing::error!(access_no, %gateway, reason, "the ledger does not take this acknowledgement: it is let go of");
            self.refused.remove(&it.access);
            self.book.let_go(it.access, reason).await.map_err(anyhow::Error::msg)?;
        }
        Ok(())
    }

    /// Sums of the hours that are over.
    async fn sum(&mut self) -> anyhow::Result<()> {
        let mut under = BTreeMap::new();
        for id in self.book.grants() {
            if let Ok(how) = self.how(&id).await?
                && how.summed
            {
                under.insert(id, how.singly);
            }
        }
        for sum in self.book.to_sum(&under) {
            let of = (sum.request_id, sum.hour);
            if self.refused_sums.get(&of).is_some_and(Refused::waits) {
                continue;
            }
            let Ok(how) = self.how(&sum.request_id).await? else { continue };
            let it = self.hour(&sum, &how);
            match self.submit(&[item(Kind::AcknowledgeHour(it))?]).await {
                Ok(height) => {
                    tracing::info!(grant = %sum.request_id, hour = sum.hour, count = sum.digests.len(), height, "an hour is summed");
                    self.refused_sums.remove(&of);
                    self.book.summed(&sum).await.map_err(anyhow::Error::msg)?;
                }
                // The rules of the ledger refuse it, not a node that is away.
                Err(ClientError::Refused(why, _)) if why.item.is_some() => {
                    tracing::error!(grant = %sum.request_id, hour = sum.hour, reason = why.reason, "the ledger does not take this hour's sum; it is tried again");
                    let refused = Refused::again(self.refused_sums.get(&of).copied());
                    self.refused_sums.insert(of, refused);
                }
                Err(error) => return Err(error).context("a sum"),
            }
        }
        self.refused_sums.retain(|(_, hour), _| self.book.is_summed_still(*hour));
        Ok(())
    }

    fn item(&self, it: &Received, how: &How) -> anyhow::Result<Item> {
        let receipt = !self.without_receipt.contains(&it.access);
        Ok(item(Kind::Acknowledge(self.acknowledgement(it, how, receipt)))?)
    }

    fn acknowledgement(&self, it: &Received, how: &How, with_receipt: bool) -> Acknowledge {
        Acknowledge {
            request_id: it.request_id.to_vec(),
            dataset: how.grant.dataset.clone(),
            collector: how.grant.collector.clone(),
            using_department: self.account.signer.department.clone(),
            gateway_id: it.access.0.to_vec(),
            access_no: it.access.1,
            row_count: it.rows,
            result_digest: Vec::new(),
            receipt: with_receipt.then(|| it.receipt.clone()),
        }
    }

    fn hour(&self, sum: &Sum, how: &How) -> AcknowledgeHour {
        AcknowledgeHour {
            request_id: sum.request_id.to_vec(),
            dataset: how.grant.dataset.clone(),
            collector: how.grant.collector.clone(),
            using_department: self.account.signer.department.clone(),
            hour: sum.hour,
            count: sum.digests.len() as u64,
            root: log::root::<Blake3Log>(sum.digests.iter().copied()).to_vec(),
        }
    }

    async fn submit(&self, items: &[Item]) -> Result<u64, ClientError> {
        let committed = self.ledger.ask_in_turn(|node| {
            let (account, items) = (self.account.clone(), items.to_vec());
            Box::pin(async move { account.submit(&node, &items).await })
        });
        Ok(committed.await?.1.height)
    }

    /// How accesses under a grant are acknowledged, by what is proved; or the code of why they can't be: there is no such grant, or it is none of this
    /// department's.
    async fn how(&mut self, id: &RequestId) -> anyhow::Result<Result<How, String>> {
        if let Some(how) = self.known.get(id).filter(|it| it.asked.elapsed() < KNOWN_FOR) {
            return Ok(Ok(how.clone()));
        }
        let grant = match self.object(Place::grant(id)).await {
            Ok(Some(Object::Grant(it))) => it,
            Ok(_) => return Ok(Err("grant.unknown".into())),
            Err(ClientError::Refused(why, _)) if why.reason == READ_DENIED => {
                return Ok(Err(why.reason));
            }
            Err(error) => return Err(error.into()),
        };
        let dataset = match self.object(Place::dataset(&grant.dataset)).await? {
            Some(Object::Dataset(it)) => it,
            _ => Arc::default(),
        };
        let how = how(grant, &dataset);
        self.known.insert(*id, how.clone());
        Ok(Ok(how))
    }

    async fn object(&self, place: Place) -> Result<Option<Object>, ClientError> {
        let known = self.ledger.known(&[place.clone()].into()).await?;
        Ok(known.objects.get(&place).cloned().flatten())
    }
}

/// By the ledger's own rule. Which fields were read the gateway alone says: where that decides, each is acknowledged by itself, and in the sum as well but where the gateway says that it is owed by itself.
fn how(grant: Arc<Grant>, dataset: &Dataset) -> How {
    let record = RecordAccess { channel: Channel::Door as i32, ..RecordAccess::default() };
    let entry = dataset.registration.as_ref();
    let is_singly = |fields: Vec<String>| {
        let access = DatasetAccess { fields, ..DatasetAccess::default() };
        halves::is_owed_singly(entry, &grant, &record, &access)
    };
    let mut fields = grants::terms(&grant).map(|it| it.fields.clone()).unwrap_or_default();
    if fields.is_empty() {
        fields = entry
            .map(|it| it.fields.iter().map(|it| it.name.clone()).collect())
            .unwrap_or_default();
    }
    let singly = is_singly(Vec::new());
    let summed = !singly || fields.into_iter().any(|one| !is_singly(vec![one]));
    How { grant, singly, summed, asked: Instant::now() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use liuhen_proto::wire::{Field, RegisterDataset, Terms};

    #[test]
    fn singly_in_sums_or_both() {
        let of = |grade: u32, fields: [u32; 2], granted: &[&str]| {
            let field =
                |(name, grade): (&str, u32)| Field { name: name.into(), grade, category: 0 };
            let fields = ["a", "b"].into_iter().zip(fields).map(field).collect();
            let registration =
                Some(RegisterDataset { grade, fields, ..RegisterDataset::default() });
            let fields = granted.iter().map(|it| (*it).to_owned()).collect();
            let terms = Some(Terms { fields, ..Terms::default() });
            let grant = Arc::new(Grant { terms, ..Grant::default() });
            let how = how(grant, &Dataset { registration, ..Dataset::default() });
            (how.singly, how.summed)
        };
        assert_eq!(of(3, [1, 1], &[]), (true, false));
        assert_eq!(of(2, [2, 2], &[]), (false, true));
        assert_eq!(of(2, [2, 3], &[]), (true, true));
        assert_eq!(of(2, [2, 3], &["a"]), (false, true));
        assert_eq!(of(2, [2, 3], &["b"]), (true, false));
    }
}
