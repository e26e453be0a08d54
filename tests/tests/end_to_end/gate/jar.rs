//! The jar before an application's database: a real Jetty and the real driver, an application that knows nothing of it; its log says for whom each
//! statement was.

use super::{granted, on_the_ledger, spool_is_empty};
use liuhen_proto::wire::RecordAccess;
use liuhen_tests::Cluster;
use liuhen_tests::actions::told;
use liuhen_tests::consortium::free_port;
use liuhen_tests::doors::{Gate, MAPPING, Process, get, has};
use liuhen_tests::postgres::Postgres;
use liuhen_tests::wait::until;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What it takes, from Debian.
const NEEDS: [&str; 5] = [
    "/usr/bin/javac",
    "/usr/share/java/servlet-api.jar",
    "/usr/share/java/jetty9-servlet.jar",
    "/usr/share/java/postgresql.jar",
    "/usr/lib/postgresql/15/lib/pgaudit.so",
];

const SETTINGS: &str = "shared_preload_libraries = 'pgaudit'\npgaudit.log = 'all'\npgaudit.log_relation = on\npgaudit.log_parameter = on\n\
    pgaudit.log_rows = on\nlogging_collector = on\nlog_destination = 'jsonlog'\nlog_directory = 'log'\nlog_filename = 'server.log'\n\
    log_timezone = 'Asia/Shanghai'\n";

const SCHEMA: &str = "set pgaudit.log = 'none'; create extension pgaudit; create schema civil; create table civil.resident (id int primary key, name text); \
    insert into civil.resident select n, 'name ' || n from generate_series(1, 100) n; \
    create role app login; grant usage on schema civil to app; grant select on civil.resident to app;";

/// The jar and the application, built in a folder; what both run with.
fn built(folder: &Path) -> anyhow::Result<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../client/jar");
    let made = Command::new(root.join("build")).arg(folder).output()?;
    anyhow::ensure!(made.status.success(), "{}", told(&made));
    let jetty = ["server", "servlet", "util", "http", "io", "security"];
    let mut all: Vec<PathBuf> =
        jetty.iter().map(|it| format!("/usr/share/java/jetty9-{it}.jar").into()).collect();
    all.extend([NEEDS[1], NEEDS[3]].map(PathBuf::from));
    all.extend([folder.join("liuhen-context.jar"), folder.to_owned()]);
    let path = all.iter().map(|it| it.display().to_string()).collect::<Vec<_>>().join(":");
    let compiled = Command::new("javac")
        .args(["-cp", &path, "-d"])
        .arg(folder)
        .args(["App", "Sockets"].map(|it| root.join(format!("test/{it}.java"))))
        .output()?;
    anyhow::ensure!(compiled.status.success(), "{}", told(&compiled));
    Ok(path)
}

/// A database, and a gate that follows its log.
async fn followed(cluster: &mut Cluster) -> anyhow::Result<(Postgres, Gate)> {
    let postgres = Postgres::start(SETTINGS)?;
    postgres.run("postgres", "create database population")?;
    postgres.run("population", SCHEMA)?;
    let mut gate = Gate::set_up(cluster, &["psb"]).await?;
    std::fs::write(gate.folder.join("mapping.toml"), MAPPING)?;
    let log = postgres.folder().join("data/log/server.json");
    let mut settings = File::options().append(true).open(gate.folder.join("gate.toml"))?;
    write!(
        settings,
        "\n[[source]]\nname = \"population\"\nkind = \"pgaudit\"\nlog = \"{}\"\nmapping = \"mapping.toml\"\n",
        log.display()
    )?;
    gate.start().await?;
    Ok((postgres, gate))
}

/// The application runs, and is asked on behalf of some and of nobody.
async fn asks(way: &str, folder: &Path, path: &str, url: &str) -> anyhow::Result<()> {
    let port = free_port()?;
    let log = File::create(folder.join(format!("{way}.log")))?;
    let child = Command::new("java")
        .args([&format!("-Dliuhen.way={way}"), "-cp", path, "App", &port.to_string(), url])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()?;
    let _app = Process::of(child);
    let said = || std::fs::read_to_string(folder.join(format!("{way}.log"))).unwrap_or_default();
    // Of nobody, which the connections of the pool must not keep from those before; of two users in turn; and undone behind it.
    let first = until("the application", async || get(port, "/plain/1", &[]).await.ok()).await;
    assert_eq!(first.map_err(|e| e.context(said()))?.body.trim(), "name 1", "{}", said());
    for (path, user) in [
        ("/pension/2", "li'wei */"),
        ("/undone/3", "wang"),
        ("/pension/4", "wang"),
        // By the path that is served, however it is written.
        ("/plain/../pension/5", "wang"),
        ("/plain/6", ""),
        ("/plain/7", ""),
    ] {
        let answer = get(port, path, &[("X-User", user)]).await?;
        assert_eq!(answer.status, 200, "{answer:?} {}", said());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_says_for_whom_unawares() -> anyhow::Result<()> {
    if NEEDS.iter().any(|it| !has(it)) {
        return Ok(());
    }
    let mut cluster = granted().await?;
    let (postgres, gate) = followed(&mut cluster).await?;
    let folder = gate.folder.join("app");
    std::fs::create_dir_all(&folder)?;
    let path = built(&folder)?;
    let url = format!(
        "jdbc:liuhen:postgresql://localhost/population?socketFactory=Sockets&socketFactoryArg={}",
        postgres.folder().display()
    );
    let slip = Command::new("java")
        .args(["-Dliuhen.way=settings", "-cp", &path, "App", "1", &url])
        .output()?;
    let said = told(&slip);
    assert!(!slip.status.success() && said.contains("comment or setting is wanted"), "{said}");
    for way in ["comment", "setting"] {
        asks(way, &folder, &path, &url).await?;
    }
    let mut metrics = String::new();
    until("all statements", async || {
        metrics = get(gate.watch, "/metrics", &[]).await.ok()?.body;
        metrics.contains("liuhen_gate_last_access_no 14\n").then_some(())
    })
    .await
    .map_err(|e| e.context(format!("{metrics}{}", gate.log())))?;
    spool_is_empty(&gate).await?;
    let all = on_the_ledger(&mut cluster).await?;
    // Each connection's statements have their order; two connections served.
    let of = |it: &RecordAccess| {
        let access = &it.accesses[0];
        let names = !access.request_id.is_empty() && !access.grant_by_rule;
        (names, it.on_behalf_of.is_some(), it.purpose.clone())
    };
    let mut found: Vec<(bool, bool, String)> = all.iter().map(of).collect();
    found.sort();
    let purpose = || "pension".to_owned();
    let one = |count, names, user| vec![(names, user, purpose()); count];
    // Of nobody and for nothing that is said; only for whom; and all of it. The purpose of the first two is the role's.
    let expected = [one(6, false, false), one(2, false, true), one(6, true, true)].concat();
    assert_eq!(found, expected, "{all:#?}");
    Ok(())
}
