//! `liuhen-gate check`: what is wrong before the start, each with what to do.

use crate::begun::{Begun, Reached};
use crate::changes::looking;
use crate::run::not_observing;
use crate::settings::{DoorKind, Mode, Settings};
use crate::spool::refuse_memory;
use liuhen_client::clock::now;
use liuhen_proto::ledger::calendar::HOUR_MS;
use liuhen_proto::types::TimeMs;
use liuhen_proto::wire::GatewaySetup;
use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Looks at everything that the gate needs, and prints a line each. Whether all is well.
pub async fn check(file: &Path) -> bool {
    let mut all = Lines::default();
    let settings = match Settings::read(file) {
        Ok(settings) => {
            all.good("settings", &file.display().to_string());
            settings
        }
        Err(error) => {
            all.bad("settings", &format!("{error:#}"), "mend the file");
            return all.well();
        }
    };
    on_this_machine(&settings, &mut all);
    beside(&settings, &mut all).await;
    let begun = match Reached::of(settings) {
        Ok(reached) => reached.begin().await,
        Err(error) => Err(error),
    };
    let mut begun = match begun {
        Ok(begun) => begun,
        Err(error) => {
            all.bad(
                "ledger",
                &format!("{error:#}"),
                "see that genesis, key and nodes are right, and that a node answers",
            );
            return all.well();
        }
    };
    all.good(
        "ledger",
        &format!(
            "{}, the key is of {}",
            begun.ledger.founding().document().name,
            begun.account.signer.identity
        ),
    );
    gateway(&begun, &mut all).await;
    match begun.callers().await {
        Ok(callers) => all.good("callers", &callers.len().to_string()),
        Err(error) => {
            all.bad("callers", &format!("{error:#}"), "register the identity, or mend its name")
        }
    }
    match begun.routes() {
        Ok(routes) if routes.is_empty() => {
            all.bad("routes", "none", "without a [[route]] everything is refused")
        }
        Ok(routes) => all.good("routes", &routes.len().to_string()),
        Err(error) => all.bad("routes", &format!("{error:#}"), "mend the route"),
    }
    all.well()
}

/// Folders, disks, and the doors' secrets.
fn on_this_machine(settings: &Settings, all: &mut Lines) {
    for folder in [settings.spool.parent(), settings.numbers.parent()].into_iter().flatten() {
        folder_is_there(folder, all);
    }
    if settings.spool.parent() == settings.numbers.parent() {
        all.bad(
            "numbers",
            "the second place is beside the spool: what takes one takes both",
            "put `numbers` on another disk",
        );
    }
    if let (Some(one), Some(other)) = (disk_of(&settings.spool), disk_of(&settings.numbers))
        && one == other
    {
        println!(
            "note   numbers: on the same disk as the spool; if that is lost, what may have been given can't be told"
        );
    }
    if let Err(error) = refuse_memory(&settings.spool) {
        all.bad("spool", &format!("{error:#}"), "choose another folder");
    }
    for source in &settings.sources {
        match liuhen_sources::follow::newest(&source.log) {
            Ok(_) => all.good("source", &format!("{}: {}", source.name, source.log.display())),
            Err(error) => all.bad(
                "source",
                &format!("{}: {}: {error}", source.name, source.log.display()),
                "see that the folder is there and can be read",
            ),
        }
    }
    for door in &settings.doors {
        if door.kind == DoorKind::Own {
            all.good(
                "door",
                &format!("{}, before {}", door.name, door.upstream.as_deref().unwrap_or("")),
            );
            continue;
        }
        match door.shown() {
            Ok(_) => all.good("door", &door.name),
            Err(error) => all.bad("door", &format!("{error:#}"), "write the secret to that file"),
        }
    }
}

/// What runs beside: the tag service, and databases whose changes are seen.
async fn beside(settings: &Settings, all: &mut Lines) {
    if let Some(tags) = &settings.tags {
        match tokio::net::UnixStream::connect(&tags.socket).await {
            Ok(_) => all.good("tags", &tags.socket.display().to_string()),
            Err(error) => all.bad(
                "tags",
                &format!("{}: {error}", tags.socket.display()),
                "start `liuhen tag serve` there, with rights for this user; without it subjects are counted as unknown",
            ),
        }
    }
    for watched in &settings.changes {
        match looking::connect(watched).await {
            Ok(_) => all.good("change", &watched.dataset),
            Err(error) => all.bad(
                "change",
                &format!("{}: {error:#}", watched.dataset),
                "see that the database is there, and that its role may connect",
            ),
        }
    }
    for (folder, to_do) in settings.gap.iter().flat_map(|it| {
        [
            (&it.outbox, "make it, writable for this user"),
            (&it.inbox, "make it, readable for this user"),
        ]
    }) {
        match folder.is_dir() {
            true => all.good("gap", &folder.display().to_string()),
            false => all.bad("gap", &format!("{} is not there", folder.display()), to_do),
        }
    }
}

async fn gateway(begun: &Begun, all: &mut Lines) {
    let id = begun.account.signer.identity;
    match begun.ledger.gateway(&id).await {
        Ok(it) => match it.setup {
            Some(setup) if !setup.datasets.is_empty() => {
                let named = |dataset: &String| setup.datasets.contains(dataset);
                let missing =
                    begun.settings.routes.iter().map(|it| &it.dataset).find(|it| !named(it));
                observing(begun, &setup, all);
                match missing {
                    None => all.good("gateway", &setup.datasets.join(", ")),
                    Some(dataset) => all.bad(
                        "gateway",
                        &format!("{dataset} is not among the datasets that it serves"),
                        "an officer says so with `liuhen gateway set`",
                    ),
                }
            }
            Some(_) | None => all.bad(
                "gateway",
                "it serves nothing on the ledger",
                "an officer says so with `liuhen gateway set`",
            ),
        },
        Err(error) => all.bad("gateway", &error.to_string(), "see that a node answers"),
    }
    if begun.ledger.inbox().is_some() {
        println!("note   clock: no node is spoken to: it is not compared");
        return;
    }
    match begun.ledger.status().await.map(|it| now().get().abs_diff(it.now_ms)) {
        Ok(differ @ 0..=2_000) => all.good("clock", &format!("{differ} ms beside the node's")),
        Ok(differ) => all.bad(
            "clock",
            &format!("{differ} ms beside the node's"),
            "set it by a time service: accesses would be recorded at wrong times",
        ),
        Err(error) => all.bad("clock", &error.to_string(), "see that a node answers"),
    }
}

/// Doors that observe, and until when that stands on the ledger.
fn observing(begun: &Begun, setup: &GatewaySetup, all: &mut Lines) {
    let doors = begun.settings.doors.iter().filter(|it| it.mode == Mode::Observe);
    for door in doors {
        let routes = begun.settings.routes.iter().filter(|it| it.is_at(&door.name));
        let datasets: BTreeSet<&String> = routes.map(|it| &it.dataset).collect();
        for dataset in datasets {
            let until = setup.observing.iter().find(|it| it.dataset == *dataset);
            match until.map(|it| TimeMs::new(it.until_ms)) {
                None => all.bad(
                    "observing",
                    &format!("door {}: the ledger does not say so of {dataset}", door.name),
                    &not_observing(&door.name, dataset),
                ),
                Some(until) if until > now() => {
                    let hours = until.since(now()) / HOUR_MS;
                    let left = format!("{} days and {} hours", hours / 24, hours % 24);
                    let found = format!("door {}: {dataset} for {left} more", door.name);
                    all.good("observing", &found);
                }
                Some(_) => all.good(
                    "observing",
                    &format!("door {}: over for {dataset}, it enforces", door.name),
                ),
            }
        }
    }
}

/// The disk that a file is, or will be, on.
fn disk_of(file: &Path) -> Option<u64> {
    Some(std::fs::metadata(file.parent()?).ok()?.dev())
}

fn folder_is_there(folder: &Path, all: &mut Lines) {
    let name = folder.display().to_string();
    match folder.is_dir() {
        true => all.good("folder", &name),
        false => {
            all.bad("folder", &format!("{name} is not there"), "make it, on a disk that lasts")
        }
    }
}

/// What was found.
#[derive(Default)]
struct Lines {
    wrong: u32,
}

impl Lines {
    fn good(&self, what: &str, found: &str) {
        println!("ok     {what}: {found}");
    }

    fn bad(&mut self, what: &str, found: &str, to_do: &str) {
        self.wrong = self.wrong.saturating_add(1);
        println!("wrong  {what}: {found}\n       {to_do}");
    }

    fn well(&self) -> bool {
        self.wrong == 0
    }
}
