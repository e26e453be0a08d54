//! Importing the real audit log: exact counts, killed half-way, run again.

use liuhen_proto::place::{Place, TrailKind};
use liuhen_proto::wire::{Channel, GetTrailRequest};
use liuhen_tests::Cluster;
use liuhen_tests::actions::{liuhen, told};
use liuhen_tests::cluster::path_text;
use liuhen_tests::wait::until;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

/// Statements of the log about the database `population`: 1,600 reads with a grant's tag, 600
/// joins, 200 reads and 200 updates, 2 loads by the administrator, 2 refused.
const STATEMENTS: u64 = 2604;

const MAPPING: &str = r#"
time_zone = "Asia/Shanghai"
databases = ["population"]
salt_file = "salt"
[relations]
"population.civil.resident" = "civil.resident"
"population.civil.household" = "civil.household"
[roles.app_hr_pension]
identity = "gz.hrss/portal"
purpose = "pension"
[roles.app_tax_check]
identity = "gz.tax/officer"
purpose = "pension"
"#;

/// A cluster with a grant, where a department has registered the second dataset of the log; the
/// log; its mapping.
async fn prepared(households_of: &str) -> anyhow::Result<(Cluster, String, String)> {
    let mut cluster = Cluster::start().await?;
    liuhen_tests::actions::grant(&mut cluster).await?;
    let household = ["dataset", "register", "civil.household", "--title-en", "Households"];
    let who = (households_of, "officer");
    liuhen(&mut cluster, who, &[&household[..], &["--fields", "id"]].concat()).await?;
    let mapping = cluster.file("mapping.toml");
    let tag = "[grants]\n\"hr-pension-2026-001\" = \"hr-1\"\n";
    std::fs::write(&mapping, format!("{MAPPING}{tag}"))?;
    let log = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/pgaudit-province.jsonlog.gz");
    Ok((cluster, path_text(&log)?.to_owned(), path_text(&mapping)?.to_owned()))
}

async fn recorded(cluster: &mut Cluster) -> anyhow::Result<u64> {
    let node = cluster.connect("psb").await?;
    let account = cluster.account(&node, "psb", "gateway").await?;
    let (node, gateway) = (account.on(&node), account.signer.identity);
    let request = GetTrailRequest {
        trail_kind: TrailKind::Gateway as u32,
        trail_id: Place::gateway_trail(&gateway).id().to_vec(),
        page_size: 1,
        ..GetTrailRequest::default()
    };
    Ok(node.trails().get_trail(request).await?.into_inner().size)
}

/// Records by verdict and reason, as the command prints them.
fn counts(csv: &str) -> BTreeMap<(String, String), u64> {
    let rows = csv.lines().skip(1).filter_map(|line| {
        let [verdict, reason, _, count] = line.split(',').collect::<Vec<_>>().try_into().ok()?;
        Some(((verdict.to_owned(), reason.to_owned()), count.parse().ok()?))
    });
    rows.collect()
}

/// Compares the log with the ledger: so many statements are only in the log, and the result is signed.
async fn reconciled(
    cluster: &mut Cluster,
    log: &str,
    mapping: &str,
    name: &str,
    missing: u64,
) -> anyhow::Result<()> {
    let file = cluster.file(name);
    let out = path_text(&file)?.to_owned();
    let gateway = ["--gateway", "gz.psb/gateway", "--out", &out];
    let compare = [&["reconcile", "pgaudit", log, "--mapping", mapping], &gateway[..]].concat();
    let output = cluster.liuhen("psb", ("psb", "gateway"), &compare).await?;
    let told = told(&output);
    assert_eq!(output.status.success(), missing == 0, "{told}");
    assert!(told.contains(&format!(": {missing} differences")), "{told}");
    assert_eq!(told.contains("unreported"), missing > 0, "{told}");
    let text = std::fs::read_to_string(&file)?;
    let result: serde_json::Value = serde_json::from_str(text.lines().next().unwrap_or_default())?;
    let differences = result["differences"].as_array().cloned().unwrap_or_default();
    let unreported = differences.iter().filter(|it| it["cause"] == "unreported").count() as u64;
    assert_eq!((differences.len() as u64, unreported), (missing, missing));
    assert_eq!(result["not_compared"]["of"], 4024);

    let check = ["reconcile", "check", &out];
    let output = cluster.liuhen("psb", ("hrss", "officer"), &check).await?;
    assert!(self::told(&output).contains("signed by key"), "{}", self::told(&output));
    std::fs::write(&file, text.replacen("\"height\":", "\"height\":1", 1))?;
    let output = cluster.liuhen("psb", ("hrss", "officer"), &check).await?;
    assert!(self::told(&output).contains("does not verify") && !output.status.success());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_recorded_once_and_exactly() -> anyhow::Result<()> {
    let (mut cluster, log, mapping) = prepared("psb").await?;
    let gateway = ("psb", "gateway");
    let import = ["import", "pgaudit", &log, "--mapping", &mapping, "-o", "csv"];
    let first = [&import[..], &["--limit", "1000"]].concat();
    let first = counts(&liuhen(&mut cluster, gateway, &first).await?);
    assert_eq!(first.values().sum::<u64>(), 1000);
    reconciled(&mut cluster, &log, &mapping, "half", STATEMENTS - 1000).await?;
    let second = counts(&liuhen(&mut cluster, gateway, &import).await?);
    let mut all = first;
    for (what, count) in second {
        *all.entry(what).or_default() += count;
    }
    let expected = [
        // The 1,600 reads under the grant are left out: the log's times stand, so what they are
        // judged depends on the day of the test.
        (("denied", "none"), 2),
        (("uncovered", "unmapped_account"), 402),
        (("uncovered", "no_grant"), 600),
    ];
    for ((verdict, reason), count) in expected {
        let found = all.get(&(verdict.to_owned(), reason.to_owned()));
        assert_eq!(found, Some(&count), "{verdict} {reason}: {all:?}");
    }
    assert_eq!(all.values().sum::<u64>(), STATEMENTS);
    assert_eq!(recorded(&mut cluster).await?, STATEMENTS);
    reconciled(&mut cluster, &log, &mapping, "whole", 0).await?;
    let third = liuhen(&mut cluster, gateway, &import).await?;
    assert!(counts(&third).is_empty(), "{third}");
    assert_eq!(recorded(&mut cluster).await?, STATEMENTS);

    std::fs::remove_file(cluster.file("salt"))?;
    let output = cluster.liuhen("psb", gateway, &import).await?;
    assert!(!output.status.success() && told(&output).contains("the salt is gone"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_half_way_the_next_run_completes_it() -> anyhow::Result<()> {
    let (mut cluster, log, mapping) = prepared("psb").await?;
    let address = cluster.address("psb").await?;
    let key = cluster.consortium.key("psb", "gateway");
    let mut program = std::env::current_exe()?;
    program.pop();
    program.pop();
    // Batches of one, so that it takes long enough to be killed.
    let mut running = std::process::Command::new(program.join("liuhen"))
        .args(["--node", &address, "--key", path_text(&key)?, "import", "pgaudit", &log])
        .args(["--mapping", &mapping, "--batch", "1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    until("some records", async || recorded(&mut cluster).await.ok().filter(|n| *n > 100)).await?;
    running.kill()?;
    running.wait()?;
    let import = ["import", "pgaudit", &log, "--mapping", &mapping, "--shift-times"];
    liuhen(&mut cluster, ("psb", "gateway"), &import).await?;
    assert_eq!(recorded(&mut cluster).await?, STATEMENTS);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_never_be_recorded_holds_nothing_back() -> anyhow::Result<()> {
    // Another department is the collector of what 600 joins, a load and a refusal touch.
    let (mut cluster, log, mapping) = prepared("hrss").await?;
    let gateway = ("psb", "gateway");
    let import = ["import", "pgaudit", &log, "--mapping", &mapping, "--shift-times", "-o", "csv"];
    let output = cluster.liuhen("psb", gateway, &import).await?;
    // All is on the ledger, but not all as a record.
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    let warnings = String::from_utf8(output.stderr)?;
    assert!(warnings.contains("for 602 accesses a digest stands in"), "{warnings}");
    let stand_in = "can't be recorded (dataset.other_collector): digests stand in";
    // Some statements read households alone, and some residents too.
    assert_eq!(warnings.matches(stand_in).count(), 2, "one refusal for all of a kind: {warnings}");
    assert!(warnings.contains("; 0 recorded before; 0 left"), "{warnings}");
    let found = counts(&String::from_utf8(output.stdout)?);
    let of =
        |verdict: &str| found.iter().filter(|it| it.0.0 == verdict).map(|it| it.1).sum::<u64>();
    assert_eq!(of("none"), 602, "{found:?}");
    assert_eq!(found.values().sum::<u64>(), STATEMENTS, "{found:?}");
    assert_eq!(recorded(&mut cluster).await?, STATEMENTS);

    let again = cluster.liuhen("psb", gateway, &import).await?;
    assert_eq!(again.status.code(), Some(1), "{}", told(&again));
    assert!(counts(&String::from_utf8(again.stdout)?).is_empty());
    assert_eq!(recorded(&mut cluster).await?, STATEMENTS);
    Ok(())
}

/// A case beside the repository, copied beside the mapping; `None` where it is not there.
fn case(cluster: &Cluster, name: &str) -> anyhow::Result<Option<String>> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/cases").join(name);
    if !from.exists() {
        anyhow::ensure!(std::env::var_os("CI").is_none(), "{} is missing", from.display());
        eprintln!("skipped: {} is not here", from.display());
        return Ok(None);
    }
    let to = cluster.file(&name.replace('/', "-"));
    std::fs::copy(from, &to)?;
    Ok(Some(path_text(&to)?.to_owned()))
}

/// What is the matter of a comparison, by cause.
async fn causes(
    cluster: &mut Cluster,
    logs: &[&str],
    mapping: &str,
) -> anyhow::Result<(bool, BTreeMap<String, u64>)> {
    let gateway = ["--mapping", mapping, "--gateway", "gz.psb/gateway", "-o", "csv"];
    let compare = [&["reconcile", "pgaudit"], logs, &gateway[..]].concat();
    let output = cluster.liuhen("psb", ("psb", "gateway"), &compare).await?;
    let causes = String::from_utf8(output.stdout.clone())?;
    let causes = causes.lines().skip(1).filter_map(|line| {
        let mut fields = line.split(',');
        Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
    });
    Ok((output.status.success(), causes.collect()))
}

/// A log grows and rotates: halves of a statement come apart, and nothing of it is lost or passes for the same.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_log_tells_later_is_recorded_beside() -> anyhow::Result<()> {
    let (mut cluster, _, mapping) = prepared("psb").await?;
    let gateway = ("psb", "gateway");
    let of = |name: &str| format!("13-file-ends-inside-a-statement/{name}.jsonlog");
    let (Some(a), Some(b), Some(whole)) =
        (case(&cluster, &of("a"))?, case(&cluster, &of("b"))?, case(&cluster, &of("whole"))?)
    else {
        return Ok(());
    };
    let import = |file: &str| ["import", "pgaudit", file, "--mapping", &mapping].map(str::to_owned);
    let run = async |cluster: &mut Cluster, file: &str| {
        let import = import(file);
        let import: Vec<&str> = import.iter().map(String::as_str).collect();
        liuhen(cluster, gateway, &import).await
    };
    run(&mut cluster, &a).await?;
    assert_eq!(recorded(&mut cluster).await?, 1);
    let (same, found) = causes(&mut cluster, &[&whole], &mapping).await?;
    assert!(!same, "the ledger lacks a dataset and a statement");
    assert_eq!(found, BTreeMap::from([("other datasets".into(), 1), ("unreported".into(), 1)]));
    // Its second line, and the statement behind it.
    run(&mut cluster, &b).await?;
    assert_eq!(recorded(&mut cluster).await?, 3);
    for file in [&whole, &a, &b] {
        run(&mut cluster, file).await?;
        assert_eq!(recorded(&mut cluster).await?, 3, "{file}");
    }
    for logs in [&[whole.as_str()][..], &[&a, &b]] {
        let (same, found) = causes(&mut cluster, logs, &mapping).await?;
        assert!(same && found.is_empty(), "{found:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_told_is_on_the_ledger_and_in_the_exit_code() -> anyhow::Result<()> {
    let (mut cluster, _, mapping) = prepared("psb").await?;
    let gateway = ("psb", "gateway");
    let mut import = vec!["import", "pgaudit"];
    let names = ["35-views/log.jsonlog", "28-statement-text-off/log.jsonlog"];
    let files: Option<Vec<String>> =
        names.iter().map(|name| case(&cluster, name)).collect::<anyhow::Result<Option<_>>>()?;
    let Some(files) = files else { return Ok(()) };
    import.extend(files.iter().map(String::as_str));
    import.extend(["--mapping", &mapping, "-o", "csv"]);
    let output = cluster.liuhen("psb", gateway, &import).await?;
    assert!(!output.status.success(), "{}", told(&output));
    assert!(
        told(&output).contains("the mapping lacks population.civil.mv_township"),
        "{}",
        told(&output)
    );
    let found = counts(&String::from_utf8(output.stdout)?);
    let of = |reason: &str| found.get(&("undetermined".to_owned(), reason.to_owned())).copied();
    assert_eq!((of("dataset_unknown"), of("grant_unknown")), (Some(1), Some(1)), "{found:?}");
    let output = cluster.liuhen("psb", ("psb", "officer"), &["alert", "list"]).await?;
    let alerts = String::from_utf8(output.stdout)?;
    assert!(alerts.contains("dataset unknown"), "{alerts}");
    let again = cluster.liuhen("psb", gateway, &import).await?;
    assert!(counts(&String::from_utf8(again.stdout)?).is_empty(), "nothing is recorded twice");
    let logs: Vec<&str> = files.iter().map(String::as_str).collect();
    let (same, found) = causes(&mut cluster, &logs, &mapping).await?;
    assert!(same && found.is_empty(), "{found:?}");
    Ok(())
}

/// Files that are handed over are recorded once each, what no rule maps too; what is new or changed is another access.
#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_handed_over_are_recorded_once() -> anyhow::Result<()> {
    let (mut cluster, ..) = prepared("psb").await?;
    let gateway = ("psb", "gateway");
    let mapping = cluster.file("files.toml");
    let rule = "[[files]]\npath = \"hrss/*.csv\"\ndataset = \"civil.resident\"\nreceiver = \"gz.hrss/portal\"\ngrant = \"hr-1\"\n";
    std::fs::write(
        &mapping,
        format!(
            "time_zone = \"Asia/Shanghai\"\ndatabases = []\nsalt_file = \"files.salt\"\n{rule}"
        ),
    )?;
    let folder = cluster.file("handed-over");
    let (csv, more) = (folder.join("hrss/list.csv"), folder.join("hrss/more.csv"));
    std::fs::create_dir_all(folder.join("hrss"))?;
    std::fs::write(&csv, "id,name\n1,a\n2,\"b\nc\"\n")?;
    let import = ["import", "files", path_text(&folder)?, "--mapping", path_text(&mapping)?];
    liuhen(&mut cluster, gateway, &import).await?;
    assert_eq!(recorded(&mut cluster).await?, 1);
    liuhen(&mut cluster, gateway, &import).await?;
    assert_eq!(recorded(&mut cluster).await?, 1, "nothing is recorded twice");
    std::fs::write(&more, "id,name\n")?;
    std::fs::write(folder.join("stray.bin"), [0, 159, 146, 150])?;
    let output = cluster.liuhen("psb", gateway, &import).await?;
    assert_eq!(output.status.code(), Some(1), "what no rule maps: {}", told(&output));
    assert_eq!(recorded(&mut cluster).await?, 3);
    std::fs::write(&csv, "id,name\n1,a\n2,b\n3,c\n")?;
    let output = cluster.liuhen("psb", gateway, &import).await?;
    assert_eq!(recorded(&mut cluster).await?, 4, "{}", told(&output));

    let node = cluster.connect("psb").await?;
    let account = cluster.account(&node, gateway.0, gateway.1).await?;
    let id = account.signer.identity.to_vec();
    let events = account.on(&node).whole_trail(TrailKind::Gateway, id).await?;
    let records: Vec<_> = events.iter().filter_map(|it| it.body.record()).collect();
    let mut rows: Vec<_> = records.iter().map(|it| it.row_count).collect();
    rows.sort_unstable();
    assert_eq!(rows, [None, Some(0), Some(2), Some(3)]);
    for record in records {
        assert_eq!(record.channel(), Channel::File);
        let digests = [&record.query_digest, &record.result_digest];
        assert!(digests.iter().all(|it| it.len() == 32), "{record:?}");
        let datasets: Vec<&str> = record.accesses.iter().map(|it| it.dataset.as_str()).collect();
        let is_told = record.row_count.is_some();
        assert_eq!(datasets, if is_told { vec!["civil.resident"] } else { vec![] });
    }
    Ok(())
}
