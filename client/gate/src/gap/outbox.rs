//! What goes out as files: transactions that the gateway signed, one behind the other. What of them is on the ledger shows in what comes in; what is too old
//! or was refused is signed anew. Carried twice it is committed once, for its numbers are taken then.

use super::files::{Wanted, get, named, put};
use super::inbox::{Carried, Inbox};
use crate::send::{REFUSALS, Sender, first_batch, instead_of};
use crate::settings::Settings;
use crate::spool::book::Numbered;
use crate::spool::entry::{Said, Sealed};
use anyhow::Context as _;
use liuhen_client::clock::now;
use liuhen_client::submit::item;
use liuhen_proto::items::Item;
use liuhen_proto::ledger::{Halt, Object};
use liuhen_proto::place::Place;
use liuhen_proto::suite::sign::PublicKey;
use liuhen_proto::tx::Tx;
use liuhen_proto::types::{ChainId, Height, KeyId};
use liuhen_proto::wire::{
    Channel, DatasetAccess, Decision, RecordAccess, SelfService, Subjects, item::Kind,
};
use prost::Message as _;
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(1);
/// Transactions that wait to be carried at most.
const FILES: usize = 256;
/// Records that are put out at once at most.
const WAITING: usize = 50_000;
/// How they are called.
const TRANSACTION: &str = "tx-";

/// What goes out.
pub struct Outbox {
    folder: PathBuf,
    sender: Sender,
    /// By which transactions a number was refused, and why last.
    refused: HashMap<u64, (BTreeSet<Vec<u8>>, String)>,
    /// Records that the ledger's own rules refuse, and why.
    never: HashMap<u64, String>,
    /// The height of the state that was taken in last.
    came: Option<Height>,
}

/// A transaction that waits.
pub struct Waiting {
    /// Its file.
    pub file: PathBuf,
    /// The transaction.
    pub tx: Tx,
}

/// How a transaction's file is called: by the number of its key.
fn name(tx: &Tx) -> String {
    format!("{TRANSACTION}{:015}", tx.header().seq)
}

/// The transactions of a folder that a key signed, in order. What is not whole is left for later; what is another's is left and said.
pub fn waiting(
    folder: &std::path::Path,
    key: &PublicKey,
    chain: &ChainId,
) -> anyhow::Result<Vec<Waiting>> {
    let mut all = Vec::new();
    for file in named(folder, TRANSACTION)? {
        let content = match get(&file) {
            Ok(Some(content)) => content,
            Ok(None) => continue,
            Err(error) => {
                tracing::warn!(file = %file.display(), error = %format!("{error:#}"), "it can't be read, and is left");
                continue;
            }
        };
        match Tx::parse(&content) {
            Ok(tx) if tx.header().chain == *chain && tx.is_signed_by(key) => {
                all.push(Waiting { file, tx });
            }
            Ok(_) => tracing::warn!(file = %file.display(), "not the gateway's: it is left"),
            Err(error) => {
                tracing::warn!(file = %file.display(), %error, "this is no transaction, and is left");
            }
        }
    }
    all.sort_by_key(|it| it.tx.header().seq);
    Ok(all)
}

/// How many files of transactions a folder has, whatever is in them.
pub fn count(folder: &std::path::Path) -> anyhow::Result<usize> {
    Ok(named(folder, TRANSACTION)?.len())
}

/// Writes what the gate wants to know.
pub fn want(settings: &Settings, chain: &ChainId, key: &KeyId) -> anyhow::Result<()> {
    let Some(gap) = &settings.gap else { return Ok(()) };
    let routes = settings.routes.iter().map(|it| {
        let access = DatasetAccess {
            dataset: it.dataset.clone(),
            operation: it.operation()? as i32,
            ..DatasetAccess::default()
        };
        Ok(RecordAccess {
            access_no: 1,
            decision: Decision::Served as i32,
            accesses: vec![access],
            purpose: it.purpose.clone(),
            self_service: it.self_service.map(|it| SelfService { login: it as i32 }),
            subjects: Some(Subjects { uncounted: true, ..Subjects::default() }),
            query_digest: vec![0; 32],
            channel: Channel::Door as i32,
            ..RecordAccess::default()
        })
    });
    let officers = settings.break_glass.iter().flat_map(|it| it.officers.iter().cloned());
    let wanted = Wanted {
        chain_id: chain.to_vec(),
        key_id: key.to_vec(),
        callers: settings.callers.iter().map(|it| it.identity.clone()).collect(),
        routes: routes.collect::<anyhow::Result<_>>()?,
        officers: officers.collect(),
    };
    put(&gap.outbox, super::files::WANTED, &wanted.encode_to_vec())
}

impl Outbox {
    /// Of a folder.
    pub fn new(folder: PathBuf, sender: Sender) -> Self {
        let (refused, never, came) = Default::default();
        Self { folder, sender, refused, never, came }
    }

    /// Looks what came in, and puts out what waits, until told to stop.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut said = String::new();
        loop {
            match self.round().await {
                Ok(()) => said.clear(),
                Err(error) => {
                    let why = format!("{error:#}");
                    if why != said {
                        let waiting = self.sender.gate.spool.book().depth().0;
                        tracing::warn!(error = why, waiting, "nothing crosses; it is tried again");
                        said = why;
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    async fn round(&mut self) -> anyhow::Result<()> {
        self.sender.close_old().await?;
        self.sender.ledger.look().context("inbox")?;
        let newest = self.sender.ledger.inbox().and_then(Inbox::newest);
        let carried = newest.context("nothing of the ledger came in yet")?;
        // Also where it failed before.
        if self.came != Some(carried.height()) {
            self.came_in().await?;
            self.came = Some(carried.height());
        }
        let signer = &self.sender.gate.account.signer;
        let out = waiting(&self.folder, &signer.key.public(), &signer.chain);
        let mut out = out.context("outbox")?;
        for done in out.extract_if(.., |it| self.is_done(it)) {
            std::fs::remove_file(&done.file)?;
        }
        if self.is_refused(&out, &carried).await || is_old(&out, &carried) {
            for it in out.drain(..) {
                std::fs::remove_file(&it.file)?;
            }
        }
        self.fill(&out, &carried).await
    }

    /// Whether all that a transaction has is on the ledger, as it was proved.
    fn is_done(&self, it: &Waiting) -> bool {
        let book = self.sender.gate.spool.book();
        it.tx.items().iter().all(|item| match item.kind() {
            Kind::SealPeriod(seal) => book.sealed().until_ms >= seal.until_ms,
            // Of a kind that is not known here nothing says that it is there: it stays.
            _ => number(item).is_some_and(|it| book.get(it).is_none_or(|it| it.height.is_some())),
        })
    }

    /// Takes from a newer state what decides, and what is on the ledger by now.
    async fn came_in(&self) -> anyhow::Result<()> {
        let Sender { gate, ledger, .. } = &self.sender;
        gate.state.hurry_all();
        self.sender.take_off().await?;
        let known = ledger.gateway(&gate.account.signer.identity).await?.gateway;
        let known = known.unwrap_or_default();
        let sealed = *gate.spool.book().sealed();
        if known.sealed_until_ms > sealed.until_ms {
            let (until_ms, last) = (known.sealed_until_ms, known.sealed_last);
            gate.spool.say(Said::Sealed(Sealed { until_ms, last })).await?;
        }
        let counted_at = gate.state.counted_at();
        gate.spool.book().forget(counted_at);
        Ok(())
    }

    /// Whether one of those that wait was refused outside, by a node's word. What is refused again and again is held back, so that others pass; its digest takes
    /// its place only where the ledger's own rules refuse it here too.
    async fn is_refused(&mut self, out: &[Waiting], carried: &Carried) -> bool {
        let mut any = false;
        for became in carried.became.iter().filter(|it| !it.refused.is_empty()) {
            let of = |it: &&Waiting| it.tx.id().as_bytes().as_slice() == became.tx_id;
            let Some(waiting) = out.iter().find(of) else { continue };
            any = true;
            tracing::warn!(file = %waiting.file.display(), reason = became.refused, "a transaction was refused outside: it is signed anew");
            let at = became.item.and_then(|it| usize::try_from(it).ok());
            let item = at.and_then(|at| waiting.tx.items().get(at));
            let Some((number, record)) =
                item.and_then(|it| Some((number(it)?, it.record()?.clone())))
            else {
                continue;
            };
            let (by, why) = self.refused.entry(number).or_default();
            by.insert(became.tx_id.clone());
            why.clone_from(&became.refused);
            if by.len() == REFUSALS as usize {
                let reason = became.refused.clone();
                match self.is_never_taken(&record).await {
                    true => {
                        tracing::error!(
                            access_no = number,
                            reason,
                            "the ledger can't take this record: its digest takes its place"
                        );
                        self.never.insert(number, reason);
                    }
                    false => {
                        tracing::error!(
                            access_no = number,
                            reason,
                            "refused again and again, and no rule says why: this record is held back"
                        );
                    }
                }
            }
        }
        any
    }

    /// Whether the ledger's rules refuse a record, over state that was proved.
    async fn is_never_taken(&self, record: &RecordAccess) -> bool {
        let state = &self.sender.gate.state;
        let key = crate::gate::key_of(record);
        let Ok(group) = state.group(&key, record, None).await else { return false };
        matches!(state.judge(&group, record, now()), Err(Halt::Refused(_)))
    }

    fn is_held_back(&self, number: u64) -> bool {
        let refused =
            self.refused.get(&number).is_some_and(|(by, _)| by.len() >= REFUSALS as usize);
        refused && !self.never.contains_key(&number)
    }

    /// What is recorded of an access: where the ledger can never take that, its digest.
    fn item(&self, one: &Numbered) -> anyhow::Result<Item> {
        let item = one.item()?;
        match self.never.get(&one.number()) {
            Some(reason) => Ok(instead_of(&one.record(), &item, reason)?),
            None => Ok(item),
        }
    }

    /// Puts out what waits and is not out yet.
    async fn fill(&self, out: &[Waiting], carried: &Carried) -> anyhow::Result<()> {
        let (left, all) = recent_age(carried);
        anyhow::ensure!(
            left > all / 4,
            "what came in last is too old for anything that is signed now to be taken"
        );
        let mut seq = out.last().map_or(carried.next_seq, |it| it.tx.next_seq());
        let is_out: BTreeSet<u64> =
            out.iter().flat_map(|it| it.tx.items()).filter_map(number).collect();
        let waits: Vec<Numbered> = {
            let book = self.sender.gate.spool.book();
            let new = book.to_send().filter(|it| {
                let number = it.number();
                !is_out.contains(&number) && !self.is_held_back(number)
            });
            new.take(WAITING).cloned().collect()
        };
        let (mut left, mut files) = (waits.as_slice(), out.len());
        while !left.is_empty() && files < FILES {
            let batch = first_batch(left.iter());
            let items = batch.iter().map(|it| self.item(it)).collect::<Result<Vec<_>, _>>()?;
            seq = self.put(seq, carried, &items)?;
            left = left.get(batch.len()..).unwrap_or_default();
            files = files.saturating_add(1);
        }
        let seals = |it: &Item| matches!(it.kind(), Kind::SealPeriod(_));
        if !out.iter().flat_map(|it| it.tx.items()).any(seals)
            && let Some(seal) = self.sender.next_seal().await?
        {
            self.put(seq, carried, &[item(Kind::SealPeriod(seal))?])?;
        }
        Ok(())
    }

    fn put(&self, seq: u64, carried: &Carried, items: &[Item]) -> anyhow::Result<u64> {
        let header = carried.header();
        let account = &self.sender.gate.account;
        let tx = account.sign(seq, (header.height, header.block_id()), items)?;
        put(&self.folder, &name(&tx), tx.raw()).context("outbox")?;
        tracing::info!(file = name(&tx), items = items.len(), "a transaction waits to be carried");
        Ok(tx.next_seq())
    }
}

/// The number that an item records.
fn number(item: &Item) -> Option<u64> {
    match item.kind() {
        Kind::RecordAccess(it) => Some(it.access_no),
        Kind::Unrecordable(it) => Some(it.access_no),
        _ => None,
    }
}

/// For how long what cites a state's header is taken still, and for how long at first, in milliseconds.
fn recent_age(carried: &Carried) -> (u64, u64) {
    let all = match carried.object(&Place::parameters()) {
        Some(Object::Parameters(it)) => it.recent_block_age_ms,
        _ => 0,
    };
    (all.saturating_sub(now().since(carried.header().time)), all)
}

/// Whether what waits would not be taken any more, and could be signed by a newer state.
fn is_old(out: &[Waiting], carried: &Carried) -> bool {
    let (_, all) = recent_age(carried);
    out.first().is_some_and(|it| {
        let header = it.tx.header();
        header.recent_height < carried.header().height && now().since(header.claimed_time) > all / 4
    })
}
