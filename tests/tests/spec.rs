//! The specification names what the programs say: no code more, and none less.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn is_code(text: &str) -> bool {
    let lower =
        |part: &str| !part.is_empty() && part.bytes().all(|b| matches!(b, b'a'..=b'z' | b'_'));
    text.split_once('.').is_some_and(|(left, right)| lower(left) && lower(right))
}

/// Every second piece between quotes of some kind, where it is a code.
fn quoted(text: &str, quote: char) -> BTreeSet<String> {
    let pieces = text.split(quote).skip(1).step_by(2);
    pieces.filter(|piece| is_code(piece)).map(str::to_owned).collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !path.ends_with("tests") {
            sources(&path, found)?;
        } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
    Ok(())
}

#[test]
fn codes_of_invalid_proofs() -> anyhow::Result<()> {
    let mut files = Vec::new();
    sources(&root().join("proto/src/verify"), &mut files)?;
    let mut said = BTreeSet::new();
    for file in files {
        said.append(&mut quoted(&std::fs::read_to_string(file)?, '"'));
    }
    let spec = std::fs::read_to_string(root().join("docs/spec/proofs.md"))?;
    let table = spec.split("## Codes of INVALID").nth(1).unwrap_or_default();
    let table = table.split("\n## ").next().unwrap_or_default();
    let told = quoted(table, '`');
    assert_eq!(said, told);
    assert!(said.len() > 50, "{said:?}");
    Ok(())
}

/// The page of the parameters, as the table has them.
fn page_of_parameters() -> String {
    use liuhen_proto::ledger::parameters::{ALL, Held, defaults};
    let mut it = defaults();
    let mut page = String::new();
    for row in ALL {
        let joined =
            |numbers: &[u64]| numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        let number = |it: u64| (it.to_string(), row.bounds_text());
        let none = |text: &str| (text.to_owned(), String::new());
        let (default, bounds) = match row.held {
            Held::Days(at) | Held::TenThousandths(at) => number(u64::from(*at(&mut it))),
            Held::Milliseconds(at) | Held::Count(at) => number(*at(&mut it)),
            Held::MillisecondsByGrade(at) => (joined(at(&mut it)), row.bounds_text()),
            Held::Part(at) => {
                let part = at(&mut it).unwrap_or_default();
                (format!("{}/{}", part.numerator, part.denominator), "1/2 to 1".to_owned())
            }
            Held::Department(_) => none("must be given"),
            Held::Codes(_) | Held::Managers(_) => none("none"),
            Held::Points(at) => none(&format!("{} rules", at(&mut it).len())),
            Held::Watches(at) => none(&format!("{} kinds", at(&mut it).len())),
            Held::ByLedger(_) => none("the ledger writes it"),
        };
        page.push_str(&format!("| `{}` | {default} | {bounds} | {} |\n", row.name, row.about));
    }
    page
}

#[test]
fn the_page_of_parameters_is_the_table() -> anyhow::Result<()> {
    let page = std::fs::read_to_string(root().join("docs/parameters.md"))?;
    let expected = page_of_parameters();
    let told: String = page.split_inclusive('\n').filter(|line| line.starts_with("| `")).collect();
    assert_eq!(told, expected, "docs/parameters.md should hold:\n{expected}");
    Ok(())
}

/// The part of a page under a heading that begins with these words.
fn section<'a>(page: &'a str, heading: &str) -> Option<&'a str> {
    page.split("\n## ").find(|part| part.starts_with(heading))
}

#[test]
fn every_kind_of_item_stands_in_the_section_of_its_domain() -> anyhow::Result<()> {
    use liuhen_proto::items::table::ALL;
    let page = std::fs::read_to_string(root().join("docs/spec/items.md"))?;
    let mut lacking = Vec::new();
    for row in ALL {
        let domain = format!("{:?}", row.domain);
        let rows = section(&page, &domain).unwrap_or_default().lines();
        let mut named = rows.filter(|line| line.starts_with("| ")).filter_map(|line| {
            let first = line.trim_start_matches("| ").split(" | ").next()?;
            first.split([',', ';', ':', ' ']).any(|word| word == row.name).then_some(())
        });
        if named.next().is_none() {
            lacking.push(format!("{} under {domain}", row.name));
        }
    }
    assert!(lacking.is_empty(), "docs/spec/items.md lacks {lacking:?}");
    // And none that is no kind: names begin with a capital and have a second one.
    let cells = page.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let domains = page.split("\n## What fields must be").next().unwrap_or_default();
    let named = cells
        .filter(|cell| domains.contains(cell))
        .flat_map(|cell| cell.split([',', ';', ':', ' ']));
    let is_name = |word: &&str| {
        let letters = || word.chars();
        letters().next().is_some_and(char::is_uppercase)
            && letters().all(char::is_alphabetic)
            && letters().filter(|it| it.is_uppercase()).count() > 1
    };
    let unknown: Vec<&str> =
        named.filter(is_name).filter(|it| ALL.iter().all(|row| row.name != *it)).collect();
    assert!(unknown.is_empty(), "docs/spec/items.md has {unknown:?}");
    assert!(ALL.len() > 60, "{}", ALL.len());
    Ok(())
}

/// The fields of a message, as the wire contract has them: type, name and number.
fn fields<'a>(contract: &'a str, message: &str) -> Vec<Vec<&'a str>> {
    let body = contract.split(&format!("message {message} {{")).nth(1).unwrap_or_default();
    let body = body.split("\n}").next().unwrap_or_default();
    let fields = body.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    fields.map(|line| line.trim_end_matches(';').split_whitespace().collect()).collect()
}

#[test]
fn the_table_of_items_is_the_wire_contract() -> anyhow::Result<()> {
    use liuhen_proto::items::table::ALL;
    let folder = root().join("proto/liuhen/v1");
    let transaction = std::fs::read_to_string(folder.join("transaction.proto"))?;
    let numbers: BTreeSet<(String, String)> = fields(&transaction, "Item")
        .iter()
        .filter_map(|field| match field.as_slice() {
            [kind, _, "=", number] if *kind != "bytes" => Some(((*kind).into(), (*number).into())),
            _ => None,
        })
        .collect();
    let rows = ALL.iter().map(|row| (row.name.to_owned(), row.number.to_string()));
    assert_eq!(rows.collect::<BTreeSet<_>>(), numbers);
    for row in ALL {
        let file = folder.join(format!("{:?}.proto", row.domain).to_lowercase());
        let contract = std::fs::read_to_string(&file)?;
        assert!(contract.contains(&format!("message {} {{", row.name)), "{} in {file:?}", row.name);
        let cosigned = fields(&contract, row.name).iter().any(|it| it.contains(&"Cosignature"));
        assert_eq!(cosigned, row.cosigned, "{}", row.name);
    }
    Ok(())
}

/// Where half-width punctuation stands beside Chinese, or Chinese in half-width parentheses.
fn half_width(line: &str) -> Option<usize> {
    let is_chinese = |it: char| ('\u{4e00}'..='\u{9fff}').contains(&it);
    let letters: Vec<char> = line.chars().collect();
    letters.windows(2).position(|pair| match pair {
        [before, after] => {
            is_chinese(*before) && ",;:!?(".contains(*after) || *before == '(' && is_chinese(*after)
        }
        _ => false,
    })
}

/// The string literals of a source file, also those of several lines.
fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    // Characters that are quotes begin nothing.
    let source = source.replace("'\"'", "' '").replace("'\\''", "' '");
    let mut rest = source.as_str();
    while let Some(at) = rest.find(['"', '/']) {
        let (_, tail) = rest.split_at(at);
        if let Some(comment) = tail.strip_prefix("//") {
            rest = comment.split_once('\n').map_or("", |(_, after)| after);
        } else if let Some(open) = tail.strip_prefix('"') {
            let mut escaped = false;
            let end = open.find(|letter| {
                let ends = letter == '"' && !escaped;
                escaped = letter == '\\' && !escaped;
                ends
            });
            let (literal, after) = open.split_at(end.unwrap_or(open.len()));
            found.push(literal.to_owned());
            rest = after.strip_prefix('"').unwrap_or_default();
        } else {
            rest = tail.strip_prefix('/').unwrap_or_default();
        }
    }
    found
}

#[test]
fn chinese_has_full_width_punctuation() -> anyhow::Result<()> {
    assert_eq!(half_width("没有部门 {code},见"), None, "a figure stands between");
    assert_eq!((half_width("过旧,请重新签名"), half_width("共 2 条(截至)")), (Some(1), Some(4)));
    let mut lines = Vec::new();
    let mut code = Vec::new();
    for folder in ["proto/src", "client", "node/src"] {
        sources(&root().join(folder), &mut code)?;
    }
    for file in code {
        let text = std::fs::read_to_string(&file)?;
        lines.extend(literals(&text).into_iter().map(|literal| (file.clone(), literal)));
    }
    let template = root().join("client/cli/templates/evidence.html");
    let text = std::fs::read_to_string(&template)?;
    lines.extend(text.lines().map(|line| (template.clone(), line.to_owned())));
    for page in ["README.zh-CN.md", "docs/tutorial.zh.md", "docs/tutorial-accesses.zh.md"] {
        let file = root().join(page);
        let text = std::fs::read_to_string(&file)?;
        // What stands in a fence is typed or shown.
        for prose in text.split("```").step_by(2) {
            lines.extend(prose.lines().map(|line| (file.clone(), line.to_owned())));
        }
    }
    // English that explains a term.
    let terms = ["(牵头部门)", "(监测规则)", "(公民身份号码)", "(统一社会信用代码)"];
    let wrong: Vec<String> = lines
        .iter()
        .filter(|(_, line)| {
            let without = terms.iter().fold(line.clone(), |line, term| line.replace(term, ""));
            half_width(&without).is_some()
        })
        .map(|(file, line)| format!("{}: {line}", file.display()))
        .collect();
    assert!(lines.len() > 1000 && wrong.is_empty(), "{wrong:#?}");
    // Words for which the glossary has another.
    let other_words =
        lines.iter().filter(|(_, line)| ["预警", "链路"].iter().any(|it| line.contains(it)));
    let other_words: Vec<_> = other_words.collect();
    assert!(other_words.is_empty(), "not as docs/glossary.md has it: {other_words:#?}");
    Ok(())
}
