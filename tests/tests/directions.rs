//! Who may depend on whom, and where each engine may be named.

#![allow(clippy::unwrap_used, reason = "helpers of tests: a broken checkout may end them")]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The platform that the tests run on, as `rustc` names it.
fn platform() -> String {
    let output = Command::new("rustc").arg("-vV").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

fn metadata() -> Value {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    // Of this platform alone: a build fetches no packages of others, and a fresh machine has none.
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(["--filter-platform", &platform()])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// For each package: the packages it needs to run, by name.
fn needs(metadata: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let name = |id: &Value| {
        let all = metadata["packages"].as_array().unwrap();
        let package = all.iter().find(|package| package["id"] == *id).unwrap();
        package["name"].as_str().unwrap().to_owned()
    };
    let mut needs = BTreeMap::<String, BTreeSet<String>>::new();
    for node in metadata["resolve"]["nodes"].as_array().unwrap() {
        let entry = needs.entry(name(&node["id"])).or_default();
        for dependency in node["deps"].as_array().unwrap() {
            let kinds = dependency["dep_kinds"].as_array().unwrap();
            if kinds.iter().any(|kind| kind["kind"].is_null()) {
                entry.insert(name(&dependency["pkg"]));
            }
        }
    }
    needs
}

/// Everything below a package.
fn tree(needs: &BTreeMap<String, BTreeSet<String>>, package: &str) -> BTreeSet<String> {
    let mut below = BTreeSet::new();
    let mut open = vec![package.to_owned()];
    while let Some(next) = open.pop() {
        for dependency in &needs[&next] {
            if below.insert(dependency.clone()) {
                open.push(dependency.clone());
            }
        }
    }
    below
}

#[test]
fn packages_depend_in_one_direction() {
    let needs = needs(&metadata());
    let ours = |package: &str| -> Vec<String> {
        let all = tree(&needs, package).into_iter();
        all.filter(|name| name.starts_with("liuhen-")).collect()
    };
    assert!(ours("liuhen-proto").is_empty());
    assert_eq!(ours("liuhen-genesis"), ["liuhen-proto"]);
    assert_eq!(ours("liuhen-verify"), ["liuhen-genesis", "liuhen-proto"]);
    assert!(!ours("liuhen-node").contains(&"liuhen-client".to_owned()));
    assert!(!ours("liuhen-client").contains(&"liuhen-node".to_owned()));
}

/// A feature that tests alone ask of a package would have it, and all that stands on it, built once more for them.
#[test]
fn tests_ask_no_features_that_programs_do_not() {
    let metadata = metadata();
    let members = metadata["workspace_members"].as_array().unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let ours: Vec<_> = packages.filter(|package| members.contains(&package["id"])).collect();
    let asked = |tests: bool| {
        let mut asked = BTreeMap::<&str, BTreeSet<&str>>::new();
        for dependency in
            ours.iter().flat_map(|package| package["dependencies"].as_array().unwrap())
        {
            if (dependency["kind"] == "dev") == tests {
                let features = dependency["features"].as_array().unwrap().iter();
                let name = dependency["name"].as_str().unwrap();
                asked.entry(name).or_default().extend(features.map(|it| it.as_str().unwrap()));
            }
        }
        asked
    };
    let programs = asked(false);
    for (name, features) in asked(true) {
        if let Some(of_programs) = programs.get(name) {
            let more: Vec<_> = features.difference(of_programs).collect();
            assert!(more.is_empty(), "{name}: {more:?}");
        }
    }
}

#[test]
fn the_verifier_has_no_network_code() {
    let tree = tree(&needs(&metadata()), "liuhen-verify");
    let network = ["tokio", "mio", "socket2", "hyper", "tonic", "h2", "libp2p", "rustls", "tower"];
    for name in network {
        assert!(!tree.contains(name), "liuhen-verify depends on {name}");
    }
    for name in ["sled", "arc-malachitebft-app-channel"] {
        assert!(!tree.contains(name), "liuhen-verify depends on {name}");
    }
}

/// Source files below a folder of the repository.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn each_engine_is_named_in_its_room_only() {
    let rooms: [(&str, &[&str]); 4] = [
        ("sled::", &["node/src/store"]),
        ("malachitebft_", &["node/src/consensus"]),
        ("tonic::", &["proto/rpc/src", "node/src/api", "client/src"]),
        (
            "bincode::",
            &[
                "node/src/codec.rs",
                "node/src/store",
                "node/src/consensus",
                "node/src/gossip",
                "node/src/api",
            ],
        ),
    ];
    let mut files = Vec::new();
    for folder in ["proto", "genesis", "node", "client"] {
        sources(&root().join(folder).join("src"), &mut files);
    }
    sources(&root().join("proto/rpc/src"), &mut files);
    sources(&root().join("client/verifier/src"), &mut files);
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let shown = file.strip_prefix(root()).unwrap();
        for (name, allowed) in rooms {
            let here = allowed.iter().any(|room| shown.starts_with(room));
            let named = text
                .lines()
                .any(|line| !line.trim_start().starts_with("//") && line.contains(name));
            assert!(here || !named, "{} names {name}", shown.display());
        }
    }
}

#[test]
fn files_stay_short() {
    let mut files = Vec::new();
    for folder in ["proto/src", "genesis/src", "node/src", "client/src", "client/verifier/src"] {
        sources(&root().join(folder), &mut files);
    }
    for file in files {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        let generated_mirrors = file.ends_with("consensus/codec.rs");
        assert!(lines <= 500 || generated_mirrors, "{} has {lines} lines", file.display());
    }
}
