//! A platform's list, read whole, kept, and shown row by row.

use super::*;

const APPROVALS: &str = "文号,资源,申请部门,批准日期,有效期至\n\
        测试〔2026〕1号,人口基本信息,省人社厅,2026年3月1日,2027/2/28\n\
        测试〔2026〕2号,没有此资源,省人社厅,2026-03-02,2027-13-01\n\n\
        测试〔2026〕3号,civil.household,gz.tax,2026.3.3,2027-01-01 12:30:00\n";

fn mapping() -> Mapping {
    let text = r#"
platform = "gz.exchange"
kind = "approvals"
[columns]
reference = "文号"
dataset = "资源"
user = "申请部门"
approved = "批准日期"
until = "有效期至"
[references]
"测试〔2026〕1号" = "hr-pension-2026-001"
"测试〔2026〕2号" = "hr-pension-2026-002"
[datasets]
"人口基本信息" = "civil.resident"
[departments]
"省人社厅" = "gz.hrss"
"#;
    let mapping: Mapping = toml::from_str(text).unwrap();
    mapping.checked().unwrap();
    mapping
}

#[test]
fn a_list_is_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("approvals.csv");
    std::fs::write(&file, format!("\u{feff}{APPROVALS}")).unwrap();
    let list = List::read(&file, &mapping(), 1_795_399_200_000).unwrap();
    let unread: Vec<(usize, &[String])> =
        list.rows.iter().map(|it| (it.line, it.unread.as_slice())).collect();
    let second = ["有效期至：2027-13-01", "资源：没有此资源"].map(str::to_owned);
    let third = ["文号：测试〔2026〕3号".to_owned()];
    assert_eq!(unread, [(2, &[][..]), (3, &second[..]), (5, &third[..])]);
    let read: Vec<Option<&String>> = list.rows.iter().map(|it| it.read.get("dataset")).collect();
    assert_eq!(
        read,
        [Some(&"civil.resident".to_owned()), None, Some(&"civil.household".to_owned())]
    );
    let day = |text: &str| time_of(text).unwrap();
    assert_eq!(list.rows[0].read["until"], (day("2027-02-28") + 24 * 3_600_000).to_string());
    assert_eq!(list.rows[2].read["until"], day("2027-01-01 12:30").to_string());
    assert_eq!((list.from_ms, list.until_ms), (day("2026-03-01"), 1_795_399_200_000));
    // Each row is shown to be in it, and no other.
    let kept = folder.path().join("list.json");
    std::fs::write(&kept, serde_json::to_string(&list).unwrap()).unwrap();
    let again = List::kept(&kept).unwrap();
    assert_eq!(again, list);
    let shown = folder.path().join("row.json");
    for row in &list.rows {
        let proof = again.prove(row.line).unwrap();
        assert!(proof.is_there().unwrap());
        let mut bent = proof.clone();
        bent.row.stated.insert("文号".into(), "另一号".into());
        assert!(!bent.is_there().unwrap());
        std::fs::write(&shown, serde_json::to_string(&bent).unwrap()).unwrap();
        assert!(InList::read(&shown).is_err());
    }
    let mut bent = list.clone();
    bent.rows[0].stated.insert("文号".into(), "另一号".into());
    std::fs::write(&kept, serde_json::to_string(&bent).unwrap()).unwrap();
    assert!(List::kept(&kept).is_err());
    assert!(list.prove(99).is_err());
}

/// Rows have the numbers that a person counts: of blank lines, of quoted breaks, and without an end of the last line.
#[test]
fn rows_are_numbered_as_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list.csv");
    let header = "文号,资源,申请部门,批准日期,有效期至";
    let row = |number: &str| format!("{number},civil.resident,gz.hrss,2026-03-01,2027-01-01");
    let text = format!("{header}\n\n{}\n{}\n\n\n{}", row("a"), row("\"b\nc\""), row("d"));
    for text in [text.clone(), format!("{text}\n"), text.replace('\n', "\r\n")] {
        std::fs::write(&file, text).unwrap();
        let list = List::read(&file, &mapping(), 1).unwrap();
        let lines: Vec<usize> = list.rows.iter().map(|it| it.line).collect();
        assert_eq!(lines, [3, 4, 8]);
    }
}

#[test]
fn what_is_no_list() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list");
    for (content, why) in [
        (&b"\xce\xc4\xba\xc5,\xd7\xca\xd4\xb4\n"[..], "neither a spreadsheet nor CSV in UTF-8"),
        (&b"PK\x03\x04 and no more"[..], ""),
        ("文号,文号\n1,2\n".as_bytes(), "two columns are called"),
        ("文号,资源\n1,2\n".as_bytes(), "no column is called"),
        ("文号,资源,申请部门,批准日期,有效期至\n".as_bytes(), "no row below"),
        // What stands under no name could not be stated.
        (
            "文号,资源,申请部门,批准日期,有效期至\n1,2,3,4,5,6\n".as_bytes(),
            "row 2 has a value under no",
        ),
        (
            "文号,资源,申请部门,批准日期,有效期至,\n1,2,3,4,5,6\n".as_bytes(),
            "row 2 has a value under no",
        ),
        (&b""[..], "no row 1"),
    ] {
        std::fs::write(&file, content).unwrap();
        let error = List::read(&file, &mapping(), 1).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    let text = |from: &str, to: &str| {
        let mut it = mapping();
        it.columns.remove(from);
        it.columns.insert(to.to_owned(), "x".into());
        it.checked().unwrap_err()
    };
    assert!(text("user", "grade").contains("`user` is needed"));
    assert!(text("none", "wer").contains("nothing is called `wer`"));
}
