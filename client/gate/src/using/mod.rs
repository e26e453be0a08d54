//! The using side (使用方): what gates of collectors served is acknowledged by itself, so that both halves of each access stand on the ledger
//! without a command. One by one from grade 3 up, else in sums of the hour.
//!
//! [`settings`] says where; [`doors`] see what comes with an answer, or are told by a service; [`book`] keeps it on disk; [`send`] brings it to the
//! ledger.

pub mod book;
pub mod doors;
mod entry;
pub mod send;
pub mod settings;
pub mod token;

use crate::ledger::Ledger;
use crate::run::listen;
use anyhow::Context as _;
use axum::Router;
use axum::routing::get;
use book::Book;
use doors::Using;
use liuhen_client::reach::ReachOptions;
use liuhen_client::submit::Account;
use liuhen_genesis::Founding;
use liuhen_keyfile::PassphraseSource;
use liuhen_proto::tx::Signer;
use liuhen_proto::types::IdentityId;
use send::Sender;
use settings::Settings;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// No node is waited for longer: the next is asked.
const NODE_WITHIN: Duration = Duration::from_secs(10);

/// Where it is kept who it is, for a start while no node answers.
fn kept_at(received: &Path) -> PathBuf {
    received.with_extension("begun")
}

fn keep(received: &Path, signer: &Signer) {
    let text = format!("{} {}\n", signer.department, signer.identity);
    if let Err(error) = std::fs::write(kept_at(received), text) {
        tracing::warn!(%error, "it can't be kept who it is: without a node it does not start");
    }
}

fn kept(received: &Path) -> anyhow::Result<(String, IdentityId)> {
    let file = kept_at(received);
    let at = || format!("{}", file.display());
    let text = std::fs::read_to_string(&file).with_context(at)?;
    let (department, identity) = text.trim().split_once(' ').with_context(at)?;
    Ok((department.to_owned(), identity.parse().ok().with_context(at)?))
}

/// Runs the using side until it is told to stop.
pub async fn run(settings: Settings, stop: CancellationToken) -> anyhow::Result<()> {
    let at = || format!("genesis: {}", settings.genesis.display());
    let founding = std::fs::read(&settings.genesis).with_context(at)?;
    let founding = Founding::from_bytes(&founding).with_context(at)?;
    let chain = founding.chain();
    let source = PassphraseSource::CredentialOrPrompt;
    let key = liuhen_keyfile::load(&settings.key, &source, founding.is_dev()).context("key")?;
    let (within, allow_plaintext) = (NODE_WITHIN, settings.allow_plaintext);
    let options = ReachOptions { within, allow_plaintext, ..ReachOptions::default() };
    let ledger = Arc::new(Ledger::of(founding, &settings.nodes, &options, &key)?);
    let account = ledger.ask(|node| {
        let key = key.clone();
        Box::pin(async move { Account::of_key(&node, chain, key).await })
    });
    let account = match account.await {
        Ok(account) => {
            keep(&settings.received, &account.signer);
            account
        }
        // What is received while no node answers is owed as well.
        Err(error) if error.is_unanswered() => {
            let (department, identity) = kept(&settings.received)
                .with_context(|| format!("{error}; and it never started before"))?;
            tracing::error!(%error, "no node answers: it starts by what it knew of itself, and acknowledges nothing before one does");
            Account { signer: Signer { chain, department, identity, key: key.clone() } }
        }
        Err(error) => return Err(error).context("who it is, the ledger has to say"),
    };
    let signer = &account.signer;
    let book = Book::open(&settings.received, &chain, &signer.identity)?;
    tracing::info!(identity = %signer.identity, department = signer.department, waiting = book.counts().waiting, "what was received is open");
    let using = Using { book: book.clone(), chain, ledger: Arc::clone(&ledger) };
    let tasks = TaskTracker::new();
    for door in &settings.doors {
        let router = doors::router(door, using.clone())?;
        let address = listen(door.listen, router, &tasks, &stop).await;
        let address = address.with_context(|| format!("door {}", door.name))?;
        tracing::info!(door = door.name, %address, "a door is open");
    }
    if let Some(address) = settings.watch {
        let watched = watched(book.clone(), Arc::clone(&ledger));
        listen(address, watched, &tasks, &stop).await.context("watch")?;
    }
    tasks.spawn(Sender::new(book, ledger, account).run(stop.clone()));
    stop.cancelled().await;
    tracing::info!("stopping");
    tasks.close();
    let _ = tokio::time::timeout(Duration::from_secs(10), tasks.wait()).await;
    Ok(())
}

/// Metrics and probes.
fn watched(book: Book, ledger: Arc<Ledger>) -> Router {
    let ready = book.clone();
    let is_ready = move || {
        let (status, text) = match ready.failure() {
            Some(why) => (axum::http::StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
            None => (axum::http::StatusCode::OK, "ok\n".to_owned()),
        };
        std::future::ready((status, text))
    };
    let text = move || {
        let it = book.counts();
        let left: u64 = ledger.left().map(|(_, count)| count).sum();
        let lines = [
            ("received_total", "counter", "Accesses that were noted since the start.", it.noted),
            ("waiting", "gauge", "Noted, and not on the ledger yet.", it.waiting),
            ("refused_total", "counter", "What the ledger refused since the start.", it.refused),
            ("unread_total", "counter", "Headers that are none of a gate's.", it.unread),
            ("nodes_left_total", "counter", "How often a node was left for the next.", left),
        ];
        let line = |(name, kind, help, value): (&str, &str, &str, u64)| {
            format!(
                "# HELP liuhen_using_{name} {help}\n# TYPE liuhen_using_{name} {kind}\nliuhen_using_{name} {value}\n"
            )
        };
        std::future::ready(lines.map(line).concat())
    };
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(is_ready))
        .route("/metrics", get(text))
}
