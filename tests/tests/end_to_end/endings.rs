//! Commands that end something for good: a program that says neither yes nor no is refused, and nothing changes.

use liuhen_proto::suite::sign::PrivateKey;
use liuhen_tests::Cluster;
use liuhen_tests::actions::{grant, liuhen, told};
use liuhen_tests::cluster::path_text;

const BDB: (&str, &str) = ("bdb", "officer");
const HRSS: (&str, &str) = ("hrss", "officer");
const PSB: (&str, &str) = ("psb", "officer");
const EXIT: (&str, &str) = ("exit", "root");

/// What is to be ended: a dataset, a grant of it, a product made with it, an identity, a department.
async fn made(cluster: &mut Cluster) -> anyhow::Result<()> {
    let reference = grant(cluster).await?;
    let file = cluster.file("model");
    std::fs::write(&file, b"a model")?;
    let product = ["product", "register", "--reference", "model-1", "--kind", "model"];
    let made_of = ["--file", path_text(&file)?, "--grant", reference, "--manager", "gz.bdb"];
    liuhen(cluster, HRSS, &[&product[..], &made_of[..]].concat()).await?;
    for reviewer in [PSB, BDB] {
        liuhen(cluster, reviewer, &["product", "approve", "model-1"]).await?;
    }
    liuhen(cluster, HRSS, &["product", "release", "model-1"]).await?;
    let root = hex::encode(PrivateKey::from_seed(&[99; 32]).public().as_bytes());
    let admit = ["member", "admit", "gz.bdb.archive", "--name-en", "Archive", "--level", "2"];
    let rest = ["--body", "gz.bdb", "--rights", "use", "--root-key", &root];
    liuhen(cluster, BDB, &[&admit[..], &rest[..]].concat()).await?;
    Ok(())
}

/// Who, the command, what it names when it asks, and what shows whether it was done.
struct Ending {
    who: (&'static str, &'static str),
    command: &'static [&'static str],
    /// In English and Chinese.
    names: [&'static str; 2],
    shown_by: &'static [&'static str],
}

/// The product before its grant, the grant before its dataset: what is over can't be ended.
const ENDINGS: [Ending; 5] = [
    Ending {
        who: HRSS,
        command: &["product", "recall", "model-1", "--reason", "wrong"],
        names: ["product model-1", "数据产品 model-1"],
        shown_by: &["product", "list"],
    },
    Ending {
        who: BDB,
        command: &["grant", "revoke", "hr-1", "--reason", "over"],
        names: [
            "grant hr-1 of civil.resident to gz.hrss",
            "授权 hr-1（目录项 civil.resident，使用部门 gz.hrss",
        ],
        shown_by: &["grant", "list"],
    },
    Ending {
        who: PSB,
        command: &["dataset", "retire", "civil.resident", "--reason", "replaced"],
        names: ["dataset civil.resident", "目录项 civil.resident"],
        shown_by: &["dataset", "list"],
    },
    Ending {
        who: EXIT,
        command: &["identity", "revoke", "gz.exit/desk", "--reason", "closed"],
        names: [
            "identity gz.exit/desk and its keys (1 in all)",
            "身份 gz.exit/desk 及其全部密钥（共 1 把）",
        ],
        shown_by: &["identity", "show", "gz.exit/desk"],
    },
    Ending {
        who: BDB,
        command: &["member", "remove", "gz.bdb.archive", "--reason", "closed"],
        names: ["member gz.bdb.archive", "成员 gz.bdb.archive"],
        shown_by: &["member", "departments"],
    },
];

/// What is shown, and how many events the ledger has.
async fn shown(cluster: &mut Cluster, ending: &Ending) -> anyhow::Result<(String, u64)> {
    let show = [ending.shown_by, &["-o", "json"]].concat();
    let shown = liuhen(cluster, ending.who, &show).await?;
    Ok((shown, cluster.connect("psb").await?.status().await?.events))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_ends_without_a_yes() -> anyhow::Result<()> {
    let mut cluster = Cluster::start().await?;
    made(&mut cluster).await?;
    for ending in &ENDINGS {
        let Ending { who, command, names, .. } = ending;
        let before = shown(&mut cluster, ending).await?;
        for (lang, says) in [
            ("en", [names[0], "can't be undone", "--yes"]),
            ("zh", [names[1], "无法撤销", "--yes"]),
        ] {
            let refused = [&["--lang", lang], *command].concat();
            let refused = cluster.liuhen("psb", *who, &refused).await?;
            assert_eq!(refused.status.code(), Some(2), "{command:?}: {}", told(&refused));
            assert!(refused.stdout.is_empty(), "{command:?}: {}", told(&refused));
            for words in says {
                assert!(told(&refused).contains(words), "{words}: {}", told(&refused));
            }
        }
        assert_eq!(shown(&mut cluster, ending).await?, before, "{command:?}");

        liuhen(&mut cluster, *who, &[*command, &["--yes"]].concat()).await?;
        let after = shown(&mut cluster, ending).await?;
        assert!(after.0 != before.0 && after.1 > before.1, "{command:?}: {after:?}");
        // It is over: with a yes too it is not ended twice.
        let again = cluster.liuhen("psb", *who, &[*command, &["--yes"]].concat()).await?;
        assert!(!again.status.success(), "{command:?}: {}", told(&again));
    }
    Ok(())
}
