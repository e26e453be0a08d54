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
    assert_eq!(
        ours("liuhen-client"),
        ["liuhen-genesis", "liuhen-keyfile", "liuhen-proto", "liuhen-rpc"]
    );
    assert!(ours("liuhen-sources").contains(&"liuhen-client".to_owned()));
    assert!(ours("liuhen-gate").contains(&"liuhen-client".to_owned()));
    for package in ["liuhen-cli", "liuhen-sources", "liuhen-gate"] {
        assert!(!ours(package).contains(&"liuhen-node".to_owned()), "{package}");
    }
}

/// Who can lie is in no program.
#[test]
fn liars_are_in_tests_alone() {
    let needs = needs(&metadata());
    let liars = ["liuhen-byzantine", "arc-malachitebft-engine-byzantine"];
    assert!(tree(&needs, "liuhen-byzantine").contains(liars[1]), "the liars are found by name");
    for package in ["liuhen-node", "liuhen-cli", "liuhen-sources", "liuhen-gate", "liuhen-verify"] {
        let tree = tree(&needs, package);
        for liar in liars {
            assert!(!tree.contains(liar), "{package} depends on {liar}");
        }
    }
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

/// What is linked into a gateway or a follower speaks to nobody but its caller.
#[test]
fn the_client_library_has_no_words_for_people() {
    let needs = needs(&metadata());
    for package in ["liuhen-client", "liuhen-sources"] {
        let tree = tree(&needs, package);
        for name in ["clap", "comfy-table", "indicatif", "askama", "anstream"] {
            assert!(!tree.contains(name), "{package} depends on {name}");
        }
    }
    let mut files = Vec::new();
    sources(&root().join("client/src"), &mut files);
    sources(&root().join("client/sources/src"), &mut files);
    for file in files.iter().filter(|it| !it.ends_with("tests.rs")) {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(!text.contains("println!"), "{} prints", file.display());
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
        (
            "tonic::",
            &[
                "proto/rpc/src",
                "node/src/api",
                "client/src",
                "client/sources/src",
                "client/cli/src",
                "client/gate/src/doors/envoy",
            ],
        ),
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
    for folder in ["proto/rpc", "client/cli", "client/sources", "client/gate", "client/verifier"] {
        sources(&root().join(folder).join("src"), &mut files);
    }
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
    for folder in [
        "proto/src",
        "genesis/src",
        "node/src",
        "client/src",
        "client/cli/src",
        "client/sources/src",
        "client/gate/src",
        "client/verifier/src",
        "tests/byzantine/src",
        "tests/simulation/src",
    ] {
        sources(&root().join(folder), &mut files);
    }
    for file in files {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        let generated_mirrors = file.ends_with("consensus/codec.rs");
        assert!(lines <= 500 || generated_mirrors, "{} has {lines} lines", file.display());
    }
}

/// A file of a crate by the path of its module: `ledger::block`.
type Modules = BTreeMap<String, String>;

/// The modules of a crate with their text: without tests, comments and files that only list others.
fn modules(crate_source: &Path) -> Modules {
    let mut files = Vec::new();
    sources(crate_source, &mut files);
    let mut modules = Modules::new();
    for file in files {
        let path = file.strip_prefix(crate_source).unwrap().with_extension("");
        let path = path.to_str().unwrap().replace('/', "::");
        let only_lists = ["mod", "lib", "main"]
            .iter()
            .any(|it| path == *it || path.ends_with(&format!("::{it}")));
        if only_lists || path.split("::").any(|it| it == "tests") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let text = text.split("#[cfg(test)]\npub(crate) mod tests").next().unwrap_or_default();
        let code = text.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
        modules.insert(path, code.collect::<Vec<_>>().join("\n"));
    }
    modules
}

/// The paths that a `use` tree or an expression names: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn leaves(prefix: &str, tree: &str, found: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((before, inner)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().trim();
        found.push(format!("{prefix}{path}").trim_end_matches("::self").to_owned());
        return;
    };
    let inner = inner.trim_end().strip_suffix('}').unwrap_or(inner);
    let (mut depth, mut begin) = (0, 0);
    for (at, letter) in inner.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                leaves(&format!("{prefix}{before}"), &inner[begin..at], found);
                begin = at + 1;
            }
            _ => {}
        }
    }
    if !inner[begin..].trim().is_empty() {
        leaves(&format!("{prefix}{before}"), &inner[begin..], found);
    }
}

/// What a name that a listing file gives out again stands for, by its path.
fn given_out(crate_source: &Path) -> BTreeMap<String, String> {
    let mut files = Vec::new();
    sources(crate_source, &mut files);
    let mut names = BTreeMap::new();
    for file in files.iter().filter(|it| it.ends_with("mod.rs")) {
        let folder = file.parent().unwrap().strip_prefix(crate_source).unwrap();
        let folder = folder.to_str().unwrap().replace('/', "::");
        for part in std::fs::read_to_string(file).unwrap().split("\npub ").skip(1) {
            let Some(tree) = part.trim_start_matches("(crate) ").strip_prefix("use ") else {
                continue;
            };
            let mut found = Vec::new();
            leaves("", tree.split(';').next().unwrap_or_default(), &mut found);
            for path in found {
                let name = path.rsplit("::").next().unwrap_or_default().to_owned();
                names.insert(format!("{folder}::{name}"), format!("{folder}::{path}"));
            }
        }
    }
    names
}

/// For each module those that it names.
fn arrows(crate_source: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let modules = modules(crate_source);
    let given_out = given_out(crate_source);
    let file_of = |path: &str| {
        let mut path = path.to_owned();
        for _ in 0..4 {
            let known = given_out
                .iter()
                .find(|(name, _)| path == **name || path.starts_with(&format!("{name}::")));
            let Some((name, meant)) = known else { break };
            path = path.replacen(name.as_str(), meant, 1);
        }
        let mut parts: Vec<&str> = path.split("::").collect();
        while !parts.is_empty() && !modules.contains_key(&parts.join("::")) {
            parts.pop();
        }
        (!parts.is_empty()).then(|| parts.join("::"))
    };
    let mut arrows = BTreeMap::new();
    for (module, code) in &modules {
        let mut named = Vec::new();
        for statement in code.split("use ").skip(1) {
            leaves("", statement.split(';').next().unwrap_or_default(), &mut named);
        }
        let inline = code.split(|it: char| !(it.is_alphanumeric() || it == '_' || it == ':'));
        named.extend(inline.filter(|it| it.contains("::")).map(str::to_owned));
        let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
        let absolute = named.iter().filter_map(|path| match path.split_once("::")? {
            ("crate", rest) => Some(rest.to_owned()),
            ("super", _) => {
                let (mut room, mut rest) = (parent, path.strip_prefix("super::")?);
                while let Some(further) = rest.strip_prefix("super::") {
                    room = room.rsplit_once("::").map_or("", |(above, _)| above);
                    rest = further;
                }
                Some(if room.is_empty() { rest.to_owned() } else { format!("{room}::{rest}") })
            }
            _ => None,
        });
        let named = absolute.filter_map(|path| file_of(&path)).filter(|it| it != module);
        arrows.insert(module.clone(), named.collect());
    }
    arrows
}

/// A circle of modules that name each other: nobody can understand one of them without all.
fn circle(arrows: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    let mut open = arrows.clone();
    // Who names nobody that is left is in no circle.
    loop {
        let ends: Vec<String> =
            open.iter().filter(|(_, named)| named.is_empty()).map(|(it, _)| it.clone()).collect();
        if ends.is_empty() {
            break;
        }
        for end in ends {
            open.remove(&end);
            open.values_mut().for_each(|named| {
                named.remove(&end);
            });
        }
    }
    let mut way: Vec<String> = vec![open.keys().next()?.clone()];
    loop {
        let next = open[way.last()?].iter().next()?.clone();
        if let Some(at) = way.iter().position(|it| *it == next) {
            return Some(way.split_off(at));
        }
        way.push(next);
    }
}

#[test]
fn no_files_of_the_protocol_name_each_other_in_a_circle() {
    let arrows = arrows(&root().join("proto/src"));
    assert!(arrows.len() > 100 && arrows.values().map(BTreeSet::len).sum::<usize>() > 500);
    assert!(arrows["verify::claims::authorised"].contains("verify::events"), "super::super counts");
    assert!(arrows["items::due"].contains("items::access::seals"), "{:?}", arrows["items::due"]);
    assert!(arrows["ledger::block"].contains("ledger::overlay"), "{:?}", arrows["ledger::block"]);
    assert_eq!(circle(&arrows), None);
    let mut bent = arrows;
    bent.get_mut("ledger::overlay").unwrap().insert("items::due".into());
    assert!(circle(&bent).is_some(), "one that is made is found");
}

/// The arrows of a crate must make no circle; `some` of them are there.
fn must_be_without_circles(source: &str, some: (&str, &str)) {
    let arrows = arrows(&root().join(source));
    assert!(arrows[some.0].contains(some.1), "{source}: {:?}", arrows[some.0]);
    assert_eq!(circle(&arrows), None, "{source}");
}

#[test]
fn no_files_of_the_other_crates_name_each_other_in_a_circle() {
    must_be_without_circles("node/src", ("consensus::start", "consensus::withheld"));
    must_be_without_circles("client/src", ("reads", "connect"));
    must_be_without_circles("client/cli/src", ("commands::import", "output"));
    must_be_without_circles("client/sources/src", ("plan", "mapping"));
    must_be_without_circles("client/gate/src", ("gate", "state"));
    must_be_without_circles("client/verifier/src", ("report::claim", "report::event"));
}
