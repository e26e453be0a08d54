//! One byte of a file in a node's home is another while the node is stopped. It heals that, or ends with a message that names the
//! file; it never panics, and never stands there without a word.

use super::{Tally, has_panicked, places, said_why, votes_again};
use anyhow::Context as _;
use liuhen_node::config::FILE;
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_tests::Cluster;
use liuhen_tests::actions::register;
use liuhen_tests::load::{Load, Records};
use liuhen_tests::wait::until;
use std::path::{Path, PathBuf};

const NODE: &str = "tax";
/// Places in each file of a soak.
const PLACES: u32 = 24;
/// Files of the home that say nothing to a node that starts.
const UNREAD: [&str; 5] = ["log", "lock", "vote-record.lock", "grpc.address", "tiles.address"];

/// The files below a folder, with the path from there.
fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => found.extend(files(&path)?),
            false => found.push(path),
        }
    }
    found.sort();
    Ok(found)
}

/// A number that follows from a seed as if it were drawn (splitmix64).
fn drawn(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Flips one bit of a byte, both from the seed. `None` where the file is empty.
fn flip(file: &Path, seed: u64) -> anyhow::Result<Option<usize>> {
    let mut bytes = std::fs::read(file)?;
    let Some(at) = drawn(seed).checked_rem(bytes.len() as u64) else { return Ok(None) };
    let at = usize::try_from(at)?;
    bytes[at] ^= 1 << (drawn(seed.wrapping_add(1 << 32)) % 8);
    std::fs::write(file, bytes)?;
    Ok(Some(at))
}

/// What nobody writes but a person: put back after each place.
fn is_given(file: &Path) -> bool {
    file.starts_with("keys") || file == Path::new(FILE) || file == Path::new("genesis.pb")
}

/// By what a message names a file, or the setting in it.
fn named_by(file: &Path) -> anyhow::Result<Vec<&str>> {
    let name = file.file_name().and_then(|it| it.to_str()).context("a name")?;
    Ok(match name {
        FILE => vec![name, "_listen", "vote_record", "genesis"],
        "genesis.pb" => vec![name, "founding document"],
        _ => vec![name],
    })
}

/// One place: the node is started with it, and heals or says what is the matter; then it is started as it was, and votes.
async fn place(
    cluster: &mut Cluster,
    (file, seed): (&Path, u64),
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let home = cluster.consortium.home(NODE);
    cluster.stop(NODE).await?;
    let path = home.join(file);
    // Files come and go while a node runs.
    let Ok(whole) = std::fs::read(&path) else { return Ok(()) };
    let before = cluster.whole_log(NODE).len();
    let Some(at) = flip(&path, seed)? else { return Ok(()) };
    tally.points += 1;
    cluster.launch(NODE)?;
    let names = named_by(file)?;
    let told = |cluster: &Cluster| {
        let log = cluster.whole_log(NODE).split_off(before);
        names.iter().any(|it| log.contains(it))
    };
    let came = until("the node to vote, to end, or to say what is the matter", async || {
        if let Some(status) = cluster.has_ended(NODE).ok()? {
            return Some(Some(status));
        }
        let votes = cluster.answers(NODE).await?;
        let votes = votes.voting && votes.withheld.is_none();
        (votes || (is_given(file) && told(cluster))).then_some(None)
    })
    .await;
    let log = cluster.whole_log(NODE).split_off(before);
    let ended = came.with_context(|| format!("byte {at}: {log}"))?;
    anyhow::ensure!(!has_panicked(&log), "byte {at}: {log}");
    match ended {
        None => tally.went_on += 1,
        Some(status) => {
            tally.ended += 1;
            anyhow::ensure!(status.code() == Some(1), "byte {at}: {status}: {log}");
            said_why(&log, &names).with_context(|| format!("byte {at}"))?;
        }
    }
    if is_given(file) {
        cluster.kill(NODE)?;
        std::fs::write(&path, whole)?;
    }
    if is_given(file) || ended.is_some() {
        cluster.launch(NODE)?;
    }
    votes_again(cluster, NODE).await
}

/// A file that holds a whole key that is not this node's: the node goes on with it, and says which file.
#[tokio::test(flavor = "multi_thread")]
async fn another_key_in_the_place_of_one() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    for name in ["node.pem", "cosigner.pem", "network.pem"] {
        cluster.stop(NODE).await?;
        let before = cluster.whole_log(NODE).len();
        let file = cluster.consortium.home(NODE).join("keys").join(name);
        let whole = std::fs::read(&file)?;
        std::fs::remove_file(&file)?;
        liuhen_keyfile::save(&file, &PrivateKey::from_seed(&[0xa5; 32]), None)?;
        cluster.launch(NODE)?;
        until("the file to be named", async || {
            cluster.whole_log(NODE).split_off(before).contains(name).then_some(())
        })
        .await?;
        cluster.kill(NODE)?;
        std::fs::write(&file, whole)?;
        cluster.launch(NODE)?;
        votes_again(&mut cluster, NODE).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_byte_in_each_file_of_the_home() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    let (records, mut tally) = (Records::default(), Tally::default());
    let load = Load::start(&mut cluster, &records).await?;
    until("some blocks", async || (records.acknowledged() > 20).then_some(())).await?;
    let home = cluster.consortium.home(NODE);
    'places: for seed in 0..places(1, PLACES) {
        for path in files(&home)? {
            let file = path.strip_prefix(&home)?;
            if UNREAD.iter().any(|it| file == Path::new(it)) {
                continue;
            }
            if let Err(error) = place(&mut cluster, (file, seed.into()), &mut tally).await {
                tally.stuck(&format!("{}, seed {seed}", file.display()), &error);
                break 'places;
            }
        }
    }
    load.stop().await?;
    tally.close("a flipped byte", &mut cluster, &records).await
}
