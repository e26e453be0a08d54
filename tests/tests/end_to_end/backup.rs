//! Copies of a node's ledger, made while it runs, and put back: nothing is lost, nothing is signed twice.

use crate::recovery::{goes_on, one};
use liuhen_node::backup::MANIFEST;
use liuhen_tests::Cluster;
use liuhen_tests::actions::{register, told};
use liuhen_tests::cluster::path_text;
use std::path::Path;

fn node(
    cluster: &Cluster,
    command: &str,
    arguments: &[(&str, &Path)],
) -> anyhow::Result<(bool, String)> {
    let mut all = vec![command];
    for (name, path) in arguments {
        all.extend([*name, path_text(path)?]);
    }
    let output = cluster.run("liuhen-node", &all)?;
    Ok((output.status.success(), told(&output)))
}

/// A node's ledger is copied while it records; the home is lost but for its keys; the copy is put back, and the node goes on.
#[tokio::test(flavor = "multi_thread")]
async fn copied_while_it_runs_and_put_back() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    let (home, copy) = (cluster.consortium.home("tax"), cluster.file("copy"));
    for number in 1..=3 {
        goes_on(&mut cluster, number).await?;
        let (well, said) = node(&cluster, "backup", &[("--home", &home), ("--to", &copy)])?;
        assert!(well && said.contains("block_id"), "{said}");
    }
    let status = cluster.liuhen("tax", ("bdb", "officer"), &["status"]).await?;
    assert!(told(&status).contains("backup_height"), "{}", told(&status));
    let (well, said) = node(&cluster, "verify-store", &[("--backup", &copy)])?;
    assert!(well, "{said}");
    let (well, said) = node(&cluster, "verify-store", &[("--home", &home)])?;
    assert!(!well && said.contains("in use"), "{said}");
    let copied = std::fs::read_to_string(copy.join(MANIFEST))?;
    let height = copied.lines().find_map(|it| it.strip_prefix("height = ")).expect("a height");
    let height: u64 = height.parse()?;

    // Into a home with data nothing is put.
    let (well, said) = node(&cluster, "restore", &[("--from", &copy), ("--home", &home)])?;
    assert!(!well && said.contains("in use"), "{said}");
    cluster.kill("tax")?;
    let (well, said) = node(&cluster, "restore", &[("--from", &copy), ("--home", &home)])?;
    assert!(!well && said.contains("has data"), "{said}");
    // A home is no backup: what its node signed since would be forgotten.
    let other = cluster.consortium.home("psb");
    std::fs::remove_dir_all(home.join("data"))?;
    let (well, said) = node(&cluster, "restore", &[("--from", &other), ("--home", &home)])?;
    assert!(!well && said.contains("sign twice"), "{said}");

    std::fs::remove_file(home.join("vote-record"))?;
    let (well, said) = node(&cluster, "restore", &[("--from", &copy), ("--home", &home)])?;
    assert!(well, "{said}");
    goes_on(&mut cluster, 4).await?;
    cluster.launch("tax")?;
    one(&mut cluster, "tax", "tax to vote", |it| it.voting && it.height > height).await?;
    cluster.kill("bdb")?;
    goes_on(&mut cluster, 5).await
}

/// A copy that is damaged is told of, with the block; it is not put back; the next backup mends it.
#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_copy_is_told_of() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    register(&mut cluster).await?;
    for number in 1..=3 {
        goes_on(&mut cluster, number).await?;
    }
    let (home, copy) = (cluster.consortium.home("tax"), cluster.file("copy"));
    let (well, said) = node(&cluster, "backup", &[("--home", &home), ("--to", &copy)])?;
    assert!(well, "{said}");
    let file = copy.join(format!("blocks/blocks-{:020}.log", 1));
    let mut bytes = std::fs::read(&file)?;
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(&file, bytes)?;
    let (well, said) = node(&cluster, "verify-store", &[("--backup", &copy)])?;
    assert!(!well && said.contains("wrong"), "{said}");
    let elsewhere = cluster.file("elsewhere");
    std::fs::create_dir(&elsewhere)?;
    std::fs::create_dir(elsewhere.join("keys"))?;
    let (well, said) = node(&cluster, "restore", &[("--from", &copy), ("--home", &elsewhere)])?;
    assert!(!well && said.contains("damaged"), "{said}");
    let (well, said) = node(&cluster, "backup", &[("--home", &home), ("--to", &copy)])?;
    assert!(well, "{said}");
    // Another folder that is none is not written to.
    let (well, said) = node(&cluster, "backup", &[("--home", &home), ("--to", &home)])?;
    assert!(!well && said.contains("no backup"), "{said}");
    Ok(())
}
