//! A gate that speaks to no node: what it signs goes out as files, the ledger comes in as files, and anybody may carry them, late, twice, or in part.

use super::{ask_as, asks_by_api, depth, ends_by_api, granted_with, recorded, records_of};
use anyhow::Context as _;
use liuhen_proto::tx::Tx;
use liuhen_tests::Cluster;
use liuhen_tests::actions::{liuhen, told};
use liuhen_tests::cluster::path_text;
use liuhen_tests::doors::Gate;
use liuhen_tests::wait::until;
use prost::Message as _;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Both sides of a gap.
struct Gap {
    gate: Gate,
    /// The folder outside, with an outbox and an inbox of its own.
    outside: PathBuf,
}

/// Copies all files of a folder, as whoever carries them does: also what was carried before.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let name = path.file_name().context("a name")?;
        // What is taken away meanwhile was done with.
        match std::fs::copy(&path, to.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

impl Gap {
    async fn set_up(cluster: &mut Cluster) -> anyhow::Result<Self> {
        let gate = Gate::set_up(cluster, &[]).await?;
        let gap = "gap = { outbox = \"outbox\", inbox = \"inbox\", state_hours = 24 }";
        gate.change("nodes = []", gap)?;
        let outside = gate.folder.join("outside");
        for folder in [&gate.folder, &outside] {
            std::fs::create_dir_all(folder.join("outbox"))?;
            std::fs::create_dir_all(folder.join("inbox"))?;
        }
        let mut nodes = Vec::new();
        for node in ["psb", "hrss"] {
            nodes.push(format!("\"{}\"", cluster.address(node).await?));
        }
        let text = format!(
            "genesis = \"{}\"\nnodes = [{}]\nkey = \"{}\"\noutbox = \"outbox\"\ninbox = \"inbox\"\n",
            cluster.consortium.genesis().display(),
            nodes.join(", "),
            cluster.consortium.key("psb", "gate-2").display(),
        );
        std::fs::write(outside.join("carry.toml"), text)?;
        Ok(Self { gate, outside })
    }

    /// It waits for the first state; what it wants to know is there to be carried.
    async fn start(&mut self, cluster: &Cluster) -> anyhow::Result<()> {
        let Self { gate, outside } = self;
        let (inbox, outbox) = (gate.folder.join("inbox"), gate.folder.join("outbox"));
        let (started, brought) = tokio::join!(gate.start(), async {
            let wanted = outbox.join("wanted");
            until("what is wanted", async || wanted.exists().then_some(())).await?;
            copy(&outbox, &outside.join("outbox"))?;
            bring(cluster, outside)?;
            copy(&outside.join("inbox"), &inbox)
        });
        brought?;
        started
    }

    fn out(&self) -> anyhow::Result<()> {
        copy(&self.gate.folder.join("outbox"), &self.outside.join("outbox"))
    }

    fn back(&self) -> anyhow::Result<()> {
        copy(&self.outside.join("inbox"), &self.gate.folder.join("inbox"))
    }

    /// Everything that waits on either side.
    fn carry(&self, cluster: &Cluster) -> anyhow::Result<()> {
        self.out()?;
        bring(cluster, &self.outside)?;
        self.back()
    }

    /// Carries until nothing waits for the ledger any more.
    async fn carry_all(&self, cluster: &Cluster) -> anyhow::Result<()> {
        until("all to have crossed", async || {
            self.carry(cluster).ok()?;
            depth(&self.gate).await.ok().filter(|it| *it == 0)
        })
        .await
        .map_err(|e| e.context(self.gate.log()))
        .map(|_| ())
    }

    fn transactions(&self) -> anyhow::Result<Vec<PathBuf>> {
        let all = std::fs::read_dir(self.gate.folder.join("outbox"))?;
        let mut all: Vec<PathBuf> = all.filter_map(Result::ok).map(|it| it.path()).collect();
        all.retain(|it| it.to_string_lossy().contains("/tx-"));
        all.sort();
        Ok(all)
    }
}

/// Brings what is outside to a node, and takes what the ledger says.
fn bring(cluster: &Cluster, outside: &Path) -> anyhow::Result<()> {
    let settings = outside.join("carry.toml");
    let carry = ["carry", "--once", "--settings", path_text(&settings)?];
    let output = cluster.run("liuhen-gate", &carry)?;
    anyhow::ensure!(output.status.success(), "{}", told(&output));
    Ok(())
}

/// One access by the local API.
async fn access(gate: &Gate, request: &str) -> anyhow::Result<()> {
    let said = asks_by_api(gate, request).await?;
    anyhow::ensure!(said["serve"] == true, "{said} {}", gate.log());
    ends_by_api(gate, request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn files_cross_in_the_place_of_connections() -> anyhow::Result<()> {
    let mut cluster = granted_with("seal_period_ms = 60000\n").await?;
    let mut gap = Gap::set_up(&mut cluster).await?;
    gap.start(&cluster).await?;
    let inbox = gap.gate.folder.join("inbox");
    let oldest = std::fs::read(newest_state(&gap.outside)?)?;
    for number in 1..=3 {
        access(&gap.gate, &format!("r-{number}")).await?;
    }
    let first =
        until("what goes out", async || gap.transactions().ok().filter(|it| !it.is_empty()))
            .await?;
    // What is cut on its way is not taken, and the whole of it is when it comes again.
    gap.out()?;
    let name = first[0].file_name().context("a name")?;
    let copied = gap.outside.join("outbox").join(name);
    let whole = std::fs::read(&copied)?;
    std::fs::write(&copied, &whole[..whole.len() / 2])?;
    let cut = bring(&cluster, &gap.outside).expect_err("not all was done").to_string();
    assert!(cut.contains("left behind"), "{cut}");
    gap.carry_all(&cluster).await?;
    let all = recorded(&mut cluster, 3).await?;
    assert!(all.iter().all(|it| it["verdict"] == "covered"), "{all:#?}");
    // What was carried before, and another's, keeps nothing back: it is said.
    std::fs::write(
        gap.outside.join("outbox/tx-000000000000000"),
        b"no transaction of anybody, but long enough",
    )?;
    let said = bring(&cluster, &gap.outside).expect_err("not all was done").to_string();
    assert!(said.contains("left behind"), "{said}");
    std::fs::remove_file(gap.outside.join("outbox/tx-000000000000000"))?;
    // Carried again it is nothing.
    std::fs::write(&copied, &whole)?;
    bring(&cluster, &gap.outside)?;
    recorded(&mut cluster, 3).await?;

    // Killed with what waits; a state that somebody bent is left.
    access(&gap.gate, "r-4").await?;
    gap.gate.kill()?;
    gap.gate.start().await?;
    access(&gap.gate, "r-5").await?;
    bring(&cluster, &gap.outside)?;
    let newest = newest_state(&gap.outside)?;
    // A folder, a link to nowhere and what is no state keep no other back.
    std::fs::create_dir(inbox.join("state-999999999999998"))?;
    std::os::unix::fs::symlink("nowhere", inbox.join("state-999999999999999"))?;
    std::fs::write(inbox.join("state-zzz"), b"nothing that anybody could read as a state")?;
    let mut bent = std::fs::read(&newest)?;
    // In a proof, which stand before the last few bytes; and the digest made anew.
    let at = bent.len() - 200;
    bent[at] ^= 1;
    let digest = blake3::hash(&bent[32..]);
    bent[..32].copy_from_slice(digest.as_bytes());
    std::fs::write(inbox.join(newest.file_name().context("a name")?), bent)?;
    until("the bent state to be left", async || {
        gap.gate.log().contains("a state that came in is left").then_some(())
    })
    .await?;
    gap.carry_all(&cluster).await?;
    recorded(&mut cluster, 5).await?;

    // What the officers end outside holds within until it comes in; the record is judged by what was known.
    let revoke = ["grant", "revoke", "hr-1", "--reason", "over", "--yes"];
    liuhen(&mut cluster, ("psb", "officer"), &revoke).await?;
    access(&gap.gate, "r-6").await?;
    gap.carry_all(&cluster).await?;
    let said = until("the end to be known", async || {
        let said = asks_by_api(&gap.gate, "r-7").await.ok()?;
        if said["serve"] == true {
            ends_by_api(&gap.gate, "r-7").await.ok()?;
        }
        (said["serve"] == false).then_some(said)
    })
    .await?;
    assert_eq!(said["reason"], "grant_revoked", "{said}");

    // And it is sealed by itself.
    sealed(&mut cluster, &gap).await?;
    replayed(&cluster, &mut gap, &oldest).await
}

/// What was carried before, in the place of what came since: nothing is decided by it, also after a restart.
async fn replayed(cluster: &Cluster, gap: &mut Gap, oldest: &[u8]) -> anyhow::Result<()> {
    gap.gate.kill()?;
    let inbox = gap.gate.folder.join("inbox");
    std::fs::remove_dir_all(&inbox)?;
    std::fs::create_dir(&inbox)?;
    std::fs::write(inbox.join("state-999999999999999"), oldest)?;
    let Gap { gate, outside } = gap;
    let log = gate.folder.join("log");
    let (started, left) = tokio::join!(gate.start(), async {
        let left = until("the old state to be left", async || {
            let log = std::fs::read_to_string(&log).ok()?;
            log.contains("older than what was seen: it is left").then_some(())
        });
        left.await?;
        bring(cluster, outside)?;
        copy(&outside.join("inbox"), &inbox)
    });
    left?;
    started?;
    let said = until("a decision", async || {
        let said = asks_by_api(&gap.gate, "r-8").await.ok()?;
        (said["reason"] != "gate.undecided").then_some(said)
    });
    assert_eq!(said.await?["reason"], "grant_revoked", "{}", gap.gate.log());
    Ok(())
}

/// The newest of the states that are outside.
fn newest_state(outside: &Path) -> anyhow::Result<PathBuf> {
    let all = std::fs::read_dir(outside.join("inbox"))?;
    all.filter_map(Result::ok).map(|it| it.path()).max().context("a state")
}

/// What a state says more: of one field, whose last value counts, and of another, which is repeated.
#[derive(Clone, PartialEq, prost::Message)]
struct More {
    #[prost(uint64, tag = "1")]
    made_ms: u64,
    #[prost(message, repeated, tag = "7")]
    became: Vec<Refused>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Refused {
    #[prost(bytes = "vec", tag = "1")]
    tx_id: Vec<u8>,
    #[prost(string, tag = "2")]
    refused: String,
    #[prost(uint64, optional, tag = "3")]
    item: Option<u64>,
}

/// Whoever carries says that a record is refused, and no rule says so: it is held back, others pass, and nothing is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_word_holds_one_record_back() -> anyhow::Result<()> {
    let mut cluster = granted_with("").await?;
    let mut gap = Gap::set_up(&mut cluster).await?;
    gap.start(&cluster).await?;
    access(&gap.gate, "r-1").await?;
    let state = std::fs::read(newest_state(&gap.outside)?)?;
    let inbox = gap.gate.folder.join("inbox");
    for round in 0..3_u64 {
        let file = until("what goes out", async || gap.transactions().ok()?.first().cloned());
        let file = file.await.map_err(|e| e.context(gap.gate.log()))?;
        let out = std::fs::read(&file)?;
        let tx = Tx::parse(&out[32..])?;
        let became = Refused {
            tx_id: tx.id().as_bytes().to_vec(),
            refused: "no_such_rule".into(),
            item: Some(0),
        };
        let made_ms = u64::try_from(jiff::Timestamp::now().as_millisecond())? + round;
        let more = More { made_ms, became: vec![became] }.encode_to_vec();
        let content = [&state[32..], more.as_slice()].concat();
        let digest = blake3::hash(&content);
        let name = format!("state-{made_ms:015}");
        std::fs::write(inbox.join(name), [digest.as_bytes(), content.as_slice()].concat())?;
        // Signed anew it has the same name.
        until("it to be taken off", async || {
            (std::fs::read(&file).ok().as_ref() != Some(&out)).then_some(())
        })
        .await
        .map_err(|e| e.context(gap.gate.log()))?;
    }
    let held = "no rule says why: this record is held back";
    until("it to be held back", async || gap.gate.log().contains(held).then_some(())).await?;
    access(&gap.gate, "r-2").await?;
    until("the other to pass", async || {
        gap.carry(&cluster).ok()?;
        depth(&gap.gate).await.ok().filter(|it| *it == 1)
    })
    .await
    .map_err(|e| e.context(gap.gate.log()))?;
    recorded(&mut cluster, 1).await?;
    // Begun again nobody says so any more.
    gap.gate.kill()?;
    gap.gate.start().await?;
    gap.carry_all(&cluster).await?;
    let all = recorded(&mut cluster, 2).await?;
    assert!(all.iter().all(|it| it["verdict"] == "covered"), "{all:#?}");
    cluster.stop("psb").await?;
    let mut numbers = Vec::new();
    for block in cluster.blocks("psb")? {
        numbers.extend(records_of(&block)?.iter().map(|it| it.access_no));
    }
    assert_eq!(numbers, [2, 1], "in the order in which they came");
    Ok(())
}

/// A door that observes behind a gap denies nothing, until what came in says that it is over.
#[tokio::test(flavor = "multi_thread")]
async fn observing_ends_behind_a_gap() -> anyhow::Result<()> {
    let mut cluster = granted_with("").await?;
    let observe = |days: &'static str| {
        ["gateway", "observe", "gz.psb/gateway", "--datasets", "civil.resident", "--days", days]
    };
    liuhen(&mut cluster, ("psb", "officer"), &observe("9")).await?;
    let mut gap = Gap::set_up(&mut cluster).await?;
    gap.gate.change("mode = \"enforce\"", "mode = \"observe\"")?;
    gap.start(&cluster).await?;
    let ask = async |gate: &Gate, request: &str| {
        let said = ask_as(gate.api, request, "/residents/7", "nobody's key").await?;
        if said["serve"] == true {
            ends_by_api(gate, request).await?;
        }
        anyhow::Ok(said)
    };
    let said = ask(&gap.gate, "r-1").await?;
    assert_eq!(
        (&said["serve"], &said["would_be_denied"]),
        (&true.into(), &true.into()),
        "{said} {}",
        gap.gate.log()
    );
    gap.carry_all(&cluster).await?;
    assert_eq!(recorded(&mut cluster, 1).await?[0]["verdict"], "would_be_denied");
    liuhen(&mut cluster, ("psb", "officer"), &observe("0")).await?;
    // Outside it is over; here it is when that comes in.
    assert_eq!(ask(&gap.gate, "r-2").await?["serve"], true);
    let mut number = 10;
    until("the door to enforce", async || {
        gap.carry(&cluster).ok()?;
        number += 1;
        let said = ask(&gap.gate, &format!("r-{number}")).await.ok()?;
        (said["serve"] == false).then_some(())
    })
    .await
    .map_err(|e| e.context(gap.gate.log()))?;
    gap.carry_all(&cluster).await
}

/// Carries until a seal is on the ledger.
async fn sealed(cluster: &mut Cluster, gap: &Gap) -> anyhow::Result<()> {
    let trail = ["trail", "gateway", "gz.psb/gateway", "-o", "json"];
    until("a seal", async || {
        gap.carry(cluster).ok()?;
        let told = liuhen(cluster, ("psb", "officer"), &trail).await.ok()?;
        let events: Vec<Value> = serde_json::from_str(&told).ok()?;
        events.iter().any(|it| it["event"] == "SealPeriod").then_some(())
    })
    .await
    .map_err(|e| e.context(gap.gate.log()))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_gap_excludes() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    let gate = Gate::set_up(&mut cluster, &[]).await?;
    let file = gate.folder.join("gate.toml");
    let good = std::fs::read_to_string(&file)?;
    let gap = "gap = { outbox = \"outbox\", inbox = \"inbox\", state_hours = 24 }";
    for (instead, why) in [
        ("nodes = []".to_owned(), "nodes: one at least"),
        (format!("nodes = [\"http://127.0.0.1:1\"]\n{gap}"), "none where there is a `gap`"),
        (gap.replace("24", "0"), "state_hours: 1 at least"),
        (gap.replace("inbox\"", "outbox\""), "two folders"),
        (format!("{gap}\nlease = {{ queries = 1, rows = 1, minutes = 5 }}"), "want a node"),
        // There is no such folder.
        (gap.to_owned(), "outbox"),
    ] {
        std::fs::write(&file, good.replace("nodes = []", &instead))?;
        let output = cluster.run("liuhen-gate", &["run", "--settings", path_text(&file)?])?;
        assert!(!output.status.success(), "{why}: {}", told(&output));
        assert!(told(&output).contains(why), "{why}: {}", told(&output));
    }
    Ok(())
}
