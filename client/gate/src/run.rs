//! The wiring: settings read, the ledger reached, the spool opened, doors served.

use crate::begun::{Begun, Reached};
use crate::break_glass::BreakGlass;
use crate::changes::{Changes, looking};
use crate::differences::{self, Differences};
use crate::doors::{api, envoy, follow::Follower, own, proxy, traefik};
use crate::gap::{Gap, outbox::Outbox};
use crate::gate::Gate;
use crate::leases::Leases;
use crate::ledger::Ledger;
use crate::metrics::Metrics;
use crate::receive::{self, Received};
use crate::ruled::Ruled;
use crate::send::Sender;
use crate::sessions::Sessions;
use crate::settings::{Door, DoorKind, Mode, Settings, Source};
use crate::sources;
use crate::spool::Spool;
use crate::standing::{Standing, are_past};
use crate::state::{RENEW_AFTER, State};
use crate::subjects::Tags;
use crate::watch;
use anyhow::Context as _;
use axum::Router;
use axum::routing::get;
use liuhen_proto::items::access::decide::Gateway;
use liuhen_sources::mapping::Mapping;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Runs the gate until it is told to stop.
pub async fn run(settings: Settings, stop: CancellationToken) -> anyhow::Result<()> {
    let reached = Reached::of(settings)?;
    let mut begun = tokio::select! {
        () = stop.cancelled() => return Ok(()),
        begun = reached.begin_anyway() => begun?,
    };
    let (is_away, spool) = (begun.is_away(), Spool::open(&begun.place(), begun.known)?);
    begun.ledger.not_before(spool.book().highest());
    let (callers, officers) = (begun.callers().await?, begun.officers().await?);
    let routes = begun.routes()?;
    if !is_away {
        begun.keep(&callers, &officers);
    }
    let Begun { settings, ledger, account, known, .. } = begun;
    let signer = &account.signer;
    let gateway = Gateway {
        department: signer.department.clone(),
        identity: signer.identity,
        key: signer.key.public().key_id(),
    };
    tracing::info!(gateway = %signer.identity, department = signer.department, last_on_ledger = known, last_given = spool.book().last(), "the spool is open");
    let state = State::new(Arc::clone(&ledger), spool.clone(), gateway);
    if !is_away {
        state.warm_up().await?;
    }
    let observing = begun_to_observe(&settings, &routes, &state, is_away)?;
    let ids = (signer.chain, signer.identity, signer.department.as_str());
    let break_glass = settings.break_glass.as_ref();
    let break_glass = break_glass.map(|it| BreakGlass::new(it, ids, officers));
    let differences = differences(&settings, &routes);
    let leases = settings.lease.map(|it| Leases::new(it, account.signer.identity));
    let gate = Arc::new(Gate {
        state,
        spool,
        account,
        callers,
        routes,
        sources: settings.sources.iter().map(|it| Arc::new(Standing::new(&it.name))).collect(),
        received: received(&settings),
        observing,
        has_room: AtomicBool::new(true),
        metrics: Arc::new(Metrics::default()),
        turn: std::sync::Mutex::new(()),
        leases,
        sessions: Sessions::new(slice(&settings)),
        tags: Tags::new(settings.tags.clone()),
        changes: Arc::new(Changes::new(&settings.changes)),
        differences,
        break_glass,
        state_ms: settings.gap.as_ref().map(Gap::state_ms),
    });
    if let Some(break_glass) = &gate.break_glass {
        break_glass.look();
    }
    let open_for = Duration::from_secs(settings.open_minutes.saturating_mul(60));
    let began = std::time::Instant::now();
    let tags_wait = std::sync::Mutex::default();
    let sender =
        Sender { gate: Arc::clone(&gate), ledger: Arc::clone(&ledger), open_for, began, tags_wait };
    if !is_away {
        sender.take_off().await?;
    }
    let tasks = TaskTracker::new();
    start((gate, ledger), settings, sender, &tasks, &stop).await?;
    stop.cancelled().await;
    tracing::info!("stopping");
    tasks.close();
    // Requests at hand are answered; what waits is sent at the next start.
    let _ = tokio::time::timeout(Duration::from_secs(10), tasks.wait()).await;
    Ok(())
}

/// Opens the doors, and starts what runs beside them.
async fn start(
    (gate, ledger): (Arc<Gate>, Arc<Ledger>),
    settings: Settings,
    sender: Sender,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    for door in &settings.doors {
        serve(door, &settings, &gate, tasks, stop).await?;
    }
    if let Some(address) = settings.watch {
        let (gate, ledger) = (Arc::clone(&gate), Arc::clone(&ledger));
        listen(address, watched(gate, ledger), tasks, stop).await.context("watch")?;
    }
    follow(&settings, &gate, &ledger, tasks, stop).await?;
    match &settings.gap {
        Some(gap) => tasks.spawn(Outbox::new(gap.outbox.clone(), sender).run(stop.clone())),
        None => tasks.spawn(sender.run(stop.clone())),
    };
    if gate.break_glass.is_some() {
        let (gate, ledger, stop) = (Arc::clone(&gate), Arc::clone(&ledger), stop.clone());
        tasks.spawn(async move {
            if let Some(break_glass) = &gate.break_glass {
                break_glass.keep(&ledger, stop).await;
            }
        });
    }
    tasks.spawn(keep(gate, settings, stop.clone()));
    Ok(())
}

/// Follows logs, and watches the datasets that are decided on.
async fn follow(
    settings: &Settings,
    gate: &Arc<Gate>,
    ledger: &Arc<Ledger>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    for source in &settings.sources {
        let kept = beside(&settings.spool, &format!("{}.source", source.name));
        if let Some(receive) = &source.receive {
            let received = gate.received.iter().find(|it| it.name == source.name);
            let received = Arc::clone(received.context("a source")?);
            let served = receive::serve(receive, &source.log, received, tasks, stop).await;
            served.with_context(|| format!("source {}", source.name))?;
        }
        let (gate, ledger) = (Arc::clone(gate), Arc::clone(ledger));
        sources::Follower::new(gate, ledger, source.clone(), kept, stop.clone())?.start()?;
    }
    for watched in &settings.changes {
        tasks.spawn(looking::watch(watched.clone(), Arc::clone(&gate.changes), stop.clone()));
    }
    if ledger.inbox().is_some() {
        return Ok(());
    }
    let datasets: BTreeSet<String> =
        gate.routes.iter().map(|it| it.route.dataset.clone()).collect();
    for dataset in datasets {
        let (gate, ledger, stop) = (Arc::clone(gate), Arc::clone(ledger), stop.clone());
        tasks.spawn(async move { watch::watch(&ledger, &gate.state, &dataset, stop).await });
    }
    Ok(())
}

/// What is compared of doors and logs: the datasets that both see.
fn differences(settings: &Settings, routes: &[Ruled]) -> Differences {
    let mut of_logs = BTreeSet::new();
    for source in &settings.sources {
        match Mapping::read(&source.mapping) {
            Ok(mapping) => {
                of_logs.extend(mapping.relations.into_values());
                of_logs.extend(mapping.functions.into_values().flatten());
            }
            // Whoever follows it says so.
            Err(error) => {
                tracing::debug!(source = source.name, %error, "its mapping can't be read")
            }
        }
    }
    let of_doors: BTreeSet<String> = routes.iter().map(|it| it.route.dataset.clone()).collect();
    let both = of_doors.intersection(&of_logs).cloned().collect();
    Differences::new(both, beside(&settings.spool, "seen"), liuhen_client::clock::now())
}

/// What is counted of each source whose lines come by the wire.
fn received(settings: &Settings) -> Vec<Arc<Received>> {
    let by_wire = settings.sources.iter().filter(|it| it.receive.is_some());
    let of = |it: &Source| Received { name: it.name.clone(), ..Received::default() };
    by_wire.map(|it| Arc::new(of(it))).collect()
}

/// How long a slice of a session is: over before its number is closed because nobody told how it ended.
fn slice(settings: &Settings) -> Duration {
    let minutes = |it: u64| Duration::from_secs(it.saturating_mul(60));
    minutes(settings.session_minutes).min(minutes(settings.open_minutes) * 4 / 5)
}

/// The doors that observe. Errors where the ledger does not say so of a dataset of theirs: each denial would be one unawares.
fn begun_to_observe(
    settings: &Settings,
    routes: &[Ruled],
    state: &State,
    is_away: bool,
) -> anyhow::Result<BTreeSet<String>> {
    let doors = settings.doors.iter().filter(|it| it.mode == Mode::Observe);
    let mut observing = BTreeSet::new();
    for door in doors {
        let of_door = routes.iter().filter(|it| it.is_at(&door.name));
        for dataset in of_door.map(|it| &it.route.dataset) {
            anyhow::ensure!(
                is_away || state.ever_observed(dataset),
                "{}",
                not_observing(&door.name, dataset)
            );
            let observes = state.observes(dataset, liuhen_client::clock::now());
            tracing::info!(door = door.name, dataset, observes, "a door of mode observe");
        }
        observing.insert(door.name.clone());
    }
    Ok(observing)
}

/// What is to be done where a door would observe, and the ledger does not know.
pub fn not_observing(door: &str, dataset: &str) -> String {
    format!(
        "door {door} observes, but the ledger does not say so of {dataset}: an officer begins it with `liuhen gateway observe DEPARTMENT/CODE --datasets {dataset} --days 30`, or the door has mode = \"enforce\""
    )
}

/// A file beside the spool.
fn beside(spool: &Path, name: &str) -> std::path::PathBuf {
    let mut file = spool.as_os_str().to_owned();
    file.push(format!(".{name}"));
    file.into()
}

/// Serves a door.
async fn serve(
    door: &Door,
    settings: &Settings,
    gate: &Arc<Gate>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let (name, gate) = (&door.name, Arc::clone(gate));
    let router = match door.kind {
        DoorKind::Nginx | DoorKind::Caddy => proxy::router(name, Arc::clone(&gate), &door.shown()?),
        DoorKind::Traefik => traefik::router(name, Arc::clone(&gate), &door.shown()?),
        DoorKind::Envoy => envoy::router(name, Arc::clone(&gate), &door.shown()?),
        DoorKind::Api => api::router(name, Arc::clone(&gate), &door.shown()?),
        DoorKind::Own => {
            let upstream = door.upstream.clone().unwrap_or_default();
            own::router(name, Arc::clone(&gate), &upstream)?
        }
    };
    if let Some((log, fields)) = door.access_log.as_ref().zip(door.kind.log_fields()) {
        let kept = beside(&settings.spool, &format!("{}.door", door.name));
        let follower = Follower::new(gate, &door.name, fields, log, kept)?;
        tasks.spawn(follower.run(stop.clone()));
    }
    let address = listen(door.listen, router, tasks, stop).await;
    let address = address.with_context(|| format!("door {}", door.name))?;
    tracing::info!(door = door.name, %address, "a door is open");
    Ok(())
}

pub(crate) async fn listen(
    address: std::net::SocketAddr,
    router: Router,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> anyhow::Result<std::net::SocketAddr> {
    let listener =
        TcpListener::bind(address).await.with_context(|| format!("listen on {address}"))?;
    let address = listener.local_addr()?;
    let stop = stop.clone();
    tasks.spawn(async move {
        let router = router.into_make_service_with_connect_info::<std::net::SocketAddr>();
        let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(%error, "a door is shut");
        }
    });
    Ok(address)
}

/// Keeps what decides fresh, and looks at the disk.
async fn keep(gate: Arc<Gate>, settings: Settings, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(RENEW_AFTER / 5);
    let mut said = differences::day_of(liuhen_client::clock::now()).saturating_sub(2);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = gate.state.is_hurried() => {}
            _ = ticks.tick() => {}
        }
        let folder = settings.spool.parent().unwrap_or(Path::new("."));
        let room = fs4::available_space(folder).is_ok_and(|it| it >= settings.free_bytes);
        if gate.has_room.swap(room, Ordering::Relaxed) != room {
            tracing::warn!(room, "room on the spool's disk");
        }
        say_differences(&gate, &mut said);
        gate.state.renew().await;
    }
}

/// Metrics and probes.
fn watched(gate: Arc<Gate>, ledger: Arc<Ledger>) -> Router {
    let (ready, observed, compared) = (Arc::clone(&gate), Arc::clone(&gate), Arc::clone(&gate));
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(move || std::future::ready(readiness(&ready))))
        .route("/observed", get(move || std::future::ready(observed.metrics.observed())))
        .route("/differences", get(move || std::future::ready(differing(&compared))))
        .route("/metrics", get(move || std::future::ready(metrics(&gate, &ledger))))
}

/// What doors and logs saw differently, yesterday and today so far.
fn differing(gate: &Gate) -> String {
    if gate.differences.is_empty() {
        return "no dataset is seen by a door and by a log\n".to_owned();
    }
    let today = differences::day_of(liuhen_client::clock::now());
    [today.saturating_sub(1), today].map(|day| gate.differences.text(day)).concat()
}

/// Says once what differed on a day that is over, when all logs told of it, or an hour behind it.
fn say_differences(gate: &Gate, said: &mut u64) {
    let now = liuhen_client::clock::now();
    let (today, day) = (differences::day_of(now), said.saturating_add(1));
    let over = differences::end_of(day);
    let may_wait = now.get() < over.saturating_add(3_600_000);
    if gate.differences.is_empty() || day >= today || may_wait && !are_past(&gate.sources, over) {
        return;
    }
    *said = day;
    let text = gate.differences.text(day);
    match gate.differences.close(day) {
        0 => tracing::info!("{}", text.trim_end()),
        _ => text.lines().for_each(|line| tracing::warn!("differences: {line}")),
    }
    gate.differences.let_go(today);
}

fn readiness(gate: &Gate) -> (axum::http::StatusCode, String) {
    let why = match gate.spool.failure() {
        Some(why) => Some(why),
        None if !gate.has_room.load(Ordering::Relaxed) => Some("the disk is full".to_owned()),
        None => None,
    };
    match why {
        Some(why) => (axum::http::StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
        None => (axum::http::StatusCode::OK, "ok\n".to_owned()),
    }
}

fn metrics(gate: &Gate, ledger: &Ledger) -> String {
    let (waiting, oldest) = gate.spool.book().depth();
    let now = liuhen_client::clock::now().get();
    let seconds = |ms: u64| Duration::from_millis(ms).as_secs_f64();
    let oldest = oldest.map_or(0.0, |it| seconds(now.saturating_sub(it)));
    let age = gate.state.age().map_or(0.0, |it| it.as_secs_f64());
    let last = gate.spool.book().last() as f64;
    let waiting = u32::try_from(waiting).map_or(f64::INFINITY, f64::from);
    let untagged = gate.tags.untagged.load(Ordering::Relaxed);
    let by_hand = liuhen_client::clock::now();
    let by_hand = gate.break_glass.as_ref().is_some_and(|it| it.mark(by_hand).is_some());
    let left: u64 = ledger.left().map(|(_, count)| count).sum();
    let sources = gate
        .sources
        .iter()
        .map(|it| (it.name.clone(), now.saturating_sub(it.caught_up_ms()), it.lines()));
    gate.metrics.text(
        &sources.collect::<Vec<_>>(),
        &gate.received,
        &gate.changes.all(),
        &[
            ("last_access_no", "The last number that was given.", last),
            ("spool_depth", "Numbers that are not on the ledger yet.", waiting),
            ("spool_oldest_seconds", "Since when the oldest of them waits.", oldest),
            ("state_age_seconds", "Age of the oldest state in use.", age),
            (
                "subjects_untagged_total",
                "Subjects that were told and have no tag.",
                untagged as f64,
            ),
            (
                "differing",
                "Accesses that doors and logs saw differently on the last day that was compared.",
                gate.differences.last() as f64,
            ),
            ("nodes_left_total", "How often a node was left for the next.", left as f64),
            (
                "opened_by_hand",
                "Whether an officer has opened the doors by hand.",
                if by_hand { 1.0 } else { 0.0 },
            ),
        ],
    )
}
