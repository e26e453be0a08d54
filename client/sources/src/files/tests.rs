use crate::Source;
use crate::log::Log;
use crate::mapping::Mapping;
use crate::statement::Statement;
use crate::summary::Lines;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

const MAPPING: &str = r#"
time_zone = "Asia/Shanghai"
databases = []
salt_file = "salt"
[[files]]
path = "hrss/**/*.csv"
dataset = "civil.resident"
receiver = "gz.hrss/portal"
purpose = "pension"
grant = "hr-1"
[[files]]
path = "tax/*"
dataset = "civil.household"
receiver = "gz.tax/officer"
header = false
"#;

fn write(folder: &Path, name: &[u8], content: &[u8], at_s: u64) {
    let path = folder.join(OsStr::from_bytes(name));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, content).unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(at_s)).unwrap();
}

fn read(path: &Path) -> Log {
    let mapping: Mapping = toml::from_str(MAPPING).unwrap();
    Source::Files.read(&[path.to_owned()], &mapping, false).unwrap()
}

fn shown(it: &Statement) -> String {
    let name = String::from_utf8_lossy(&it.text()).replace('\n', "|");
    let what: Vec<_> = it.touched.keys().map(|(dataset, _)| dataset.as_str()).collect();
    let rows = it.rows().map_or("?".to_owned(), |rows| rows.to_string());
    let untold = if it.untold.is_empty() { "" } else { " untold" };
    format!("{name} {} {rows}{untold}", what.join(" "))
}

#[test]
fn each_file_is_an_access() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &[u8], content: &[u8]| write(folder.path(), name, content, 1_790_000_000);
    at(b"hrss/2026/a.csv", b"id,name\n1,\"a\nb\"\n2,c\n");
    at(b"hrss/a b\n.csv", b"id\n1\n");
    at(b"hrss/\xb9\xf3.csv", b"id\n");
    at(b"tax/x.csv", b"1,2\n3,4\n");
    at(b"tax/y.jsonl", b"{}\n\n{}");
    at(b"tax/z.pdf", b"%PDF");
    at(b"elsewhere.csv", b"id\n1\n");
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("tax/link")).unwrap();
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    let log = read(folder.path());
    let found: Vec<_> = log.statements.iter().map(shown).collect();
    assert_eq!(
        found,
        [
            "elsewhere.csv  1 untold",
            "hrss/2026/a.csv civil.resident 2",
            "hrss/a b|.csv civil.resident 1",
            "hrss/\u{fffd}\u{fffd}.csv civil.resident 0",
            "tax/link  ? untold",
            "tax/x.csv civil.household 2",
            "tax/y.jsonl civil.household 2",
            "tax/z.pdf civil.household ?",
        ]
    );
    // What no rule maps, and what stands behind a link, is an access all the same.
    assert_eq!((log.untold.len(), log.set_aside.len(), log.events.len()), (2, 0, 0));
    let link = log.statements.iter().find(|it| shown(it).starts_with("tax/link"));
    assert!(link.is_some_and(|it| it.untold.iter().any(|why| why.contains("symbolic link"))));
    let first = &log.statements[1];
    assert_eq!((first.time_ms, first.named.grant()), (1_790_000_000_000, Some("hr-1")));
    assert!(Lines::of(&log).must_be_all().is_err());
    let mapping: Mapping = toml::from_str(MAPPING).unwrap();
    let role = mapping.caller(&first.caller).unwrap();
    assert_eq!((role.identity.as_str(), role.purpose.as_str()), ("gz.hrss/portal", "pension"));
}

/// Read again it is the same, whatever the folder is called; changed it is another access.
#[test]
fn a_changed_file_is_another_access() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one"), folder.path().join("other"));
    write(&one, b"hrss/a.csv", b"id\n1\n", 1_790_000_000);
    let references = |path: &Path| -> Vec<String> {
        read(path).statements.into_iter().map(|it| it.reference).collect()
    };
    let first = references(&one);
    assert_eq!(references(&one), first);
    write(&one, b"hrss/a.csv", b"id\n2\n", 1_790_000_000);
    assert_ne!(references(&one), first);
    write(&one, b"hrss/a.csv", b"id\n1\n", 1_790_000_001);
    assert_ne!(references(&one), first);
    write(&one, b"hrss/a.csv", b"id\n1\n", 1_790_000_000);
    std::fs::rename(&one, &other).unwrap();
    assert_eq!(references(&other), first);
}

#[test]
fn lists_of_files() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), b"hrss/a.csv", b"id\n1\n", 1_790_000_000);
    write(folder.path(), b"tax/x.csv", b"1\n", 1_790_000_000);
    write(folder.path(), b"list", b"hrss/a.csv\n\ntax\nhrss/gone.csv\n", 1_790_000_000);
    let log = read(&folder.path().join("list"));
    let found: Vec<_> = log.statements.iter().map(shown).collect();
    assert_eq!(found, ["hrss/a.csv civil.resident 1", "tax/x.csv civil.household 1"]);
    // What can't be read is said and counted.
    assert_eq!((log.set_aside.len(), log.blank_lines), (1, 1));
    assert!(log.set_aside.first()[0].1.contains("hrss/gone.csv"), "{:?}", log.set_aside);
    // The same files by their folder are the same accesses, and so they are in other spellings.
    let by_folder = read(folder.path());
    assert!(log.statements.iter().all(|it| by_folder.statements.contains(it)));
    let absolute = folder.path().join("hrss/a.csv");
    let spellings = format!("./hrss/a.csv\nhrss//a.csv\n{}\n", absolute.display());
    write(folder.path(), b"spellings", spellings.as_bytes(), 1_790_000_000);
    let spelt = read(&folder.path().join("spellings"));
    let references: Vec<&str> = spelt.statements.iter().map(|it| it.reference.as_str()).collect();
    assert_eq!(references, [log.statements[0].reference.as_str()], "one file, however it is spelt");
    write(folder.path(), b"outside", b"../x.csv\nhrss/../hrss/a.csv\n/etc/passwd\n", 1_790_000_000);
    let outside = read(&folder.path().join("outside"));
    assert_eq!((outside.set_aside.len(), outside.statements.len()), (3, 0));
}
