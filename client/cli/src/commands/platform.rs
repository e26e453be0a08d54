//! `liuhen platform`: what an exchange platform states (数据共享交换平台). It is put on record as its word, in one list that an officer signs, and compared with what
//! the ledger has.

use super::Common;
use super::signing::Act;
use crate::output::{Format, Rows, print_one};
use crate::tell;
use crate::text::{self, state};
use liuhen_client::clock::now;
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_client::lang::pick;
use liuhen_proto::items::sharing::grants;
use liuhen_proto::types::Hash;
use liuhen_proto::wire::{self, item::Kind};
use liuhen_sources::platform::{InList, Kind as Stated, List, Mapping, Row};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::{Path, PathBuf};

const DAY_MS: u64 = 24 * 3_600_000;

/// Lists of an exchange platform: its catalogue, approvals and calls
#[derive(Debug, clap::Subcommand)]
pub enum Platform {
    /// Read a list, and say what can't be read of it; needs no key and no node
    Read {
        /// The list, xlsx or CSV
        list: PathBuf,
        /// How it is read
        #[arg(long)]
        mapping: PathBuf,
    },
    /// Put a list on record, as the platform's word; signed by an officer
    State {
        /// The list, xlsx or CSV
        list: PathBuf,
        /// How it is read
        #[arg(long)]
        mapping: PathBuf,
        /// Where its rows are kept, with what opens their digests
        #[arg(long)]
        out: PathBuf,
        /// Also where values can't be read: they are stated as they stand there
        #[arg(long)]
        anyway: bool,
    },
    /// Compare a list that was kept with what the ledger has; ends with 1 where they differ
    Compare {
        /// The file that `state` wrote
        kept: PathBuf,
    },
    /// Show that a row is in a list that was kept
    Row {
        /// The file that `state` wrote
        kept: PathBuf,
        /// The row's number in the platform's file
        row: usize,
        /// Where to write it
        #[arg(long)]
        out: PathBuf,
    },
    /// Check that a row is in a list, and print the list's root; needs no key and no node
    Verify {
        /// The file that `row` wrote
        row: PathBuf,
    },
}

impl Platform {
    /// Does it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        match self {
            Self::Read { list, mapping } => {
                let list = read(list, mapping)?;
                show(common, &list)?;
                well(&list, false)
            }
            Self::State { list, mapping, out, anyway } => {
                let list = read(list, mapping)?;
                well(&list, *anyway)?;
                state_it(common, &list, out).await
            }
            Self::Compare { kept } => {
                let list = List::kept(kept)?;
                let node = common.connect().await?;
                compare(common, &node, &list).await
            }
            Self::Row { kept, row, out } => {
                let proof = List::kept(kept)?.prove(*row)?;
                write(out, &proof)?;
                let fields = [("root", json!(proof.root)), ("row", json!(proof.row.line))];
                print_one(&fields, common.output)
            }
            Self::Verify { row } => {
                let it = InList::read(row)?;
                let fields = [
                    ("root", json!(it.root)),
                    ("index", json!(it.index)),
                    ("rows", json!(it.count)),
                    ("stated", json!(it.row.stated)),
                ];
                print_one(&fields, common.output)
            }
        }
    }
}

fn read(list: &Path, mapping: &Path) -> Result<List, ClientError> {
    let mapping = Mapping::read(mapping)?;
    List::read(list, &mapping, now().get())
}

/// Says what could not be read. Errors where there is something, unless it is to be stated anyway.
fn well(list: &List, anyway: bool) -> Result<(), ClientError> {
    let mut count = 0_usize;
    for row in &list.rows {
        for why in &row.unread {
            count = count.saturating_add(1);
            let line = row.line;
            tell!("{}", pick(&format!("row {line}: {why}"), &format!("第 {line} 行：{why}")));
        }
    }
    if count == 0 || anyway {
        return Ok(());
    }
    let (why, why_zh) = (
        format!("{count} values of the list can't be read by the mapping"),
        format!("清单中有 {count} 个值无法按映射读取"),
    );
    Err(ClientError::Failed(pick(&why, &why_zh).to_owned()))
}

/// What a row says, in the order of its kind.
fn columns(kind: Stated) -> &'static [&'static str] {
    match kind {
        Stated::Catalogue => &["dataset", "title", "collector", "category", "grade"],
        Stated::Approvals => &["reference", "dataset", "user", "approved", "until"],
        Stated::Calls => &["time", "dataset", "user", "rows"],
    }
}

fn value(row: &Row, column: &str) -> Value {
    let Some(value) = row.read.get(column) else { return Value::Null };
    match column {
        "time" | "approved" | "until" => {
            value.parse().map_or(Value::Null, |ms| json!(text::time(ms)))
        }
        _ => json!(value),
    }
}

fn show(common: &Common, list: &List) -> Result<(), ClientError> {
    let mut names = vec!["row"];
    names.extend(columns(list.kind));
    let mut rows = Rows::new(&names);
    for row in &list.rows {
        let mut shown = vec![json!(row.line)];
        shown.extend(columns(list.kind).iter().map(|column| value(row, column)));
        rows.push(shown);
    }
    rows.print(common.output)
}

/// Keeps the rows, then signs: what is on record without its rows could never be shown.
async fn state_it(common: &Common, list: &List, out: &Path) -> Result<(), ClientError> {
    let act = Act::begin(common).await?;
    write(out, list)?;
    let root: Hash = list.root.parse().map_err(ClientError::failed)?;
    let it = wire::StateList {
        department: act.department(),
        platform: list.platform.clone(),
        kind: list.kind.to_wire() as i32,
        count: list.rows.len() as u64,
        root: root.to_vec(),
        from_ms: list.from_ms,
        until_ms: list.until_ms,
    };
    let (rows, root) = (list.rows.len(), list.root.clone());
    act.done(Kind::StateList(it), |_| vec![("rows", json!(rows)), ("root", json!(root))]).await
}

/// Writes a file that is not there yet: whatever was kept before is needed still.
fn write(out: &Path, what: &impl serde::Serialize) -> Result<(), ClientError> {
    let at = |e: &dyn std::fmt::Display| ClientError::Failed(format!("{}: {e}", out.display()));
    let text = serde_json::to_string_pretty(what).map_err(|e| at(&e))?;
    let mut file = std::fs::File::create_new(out).map_err(|e| at(&e))?;
    file.write_all(text.as_bytes()).map_err(|e| at(&e))?;
    file.sync_all().map_err(|e| at(&e))
}

/// What the ledger has of each row.
async fn compare(common: &Common, node: &Node, list: &List) -> Result<(), ClientError> {
    let found = match list.kind {
        Stated::Catalogue => catalogue(node, list, common.output).await?,
        Stated::Approvals => approvals(node, list, common.output).await?,
        Stated::Calls => {
            let (why, why_zh) = (
                "calls are recorded: `liuhen import mapped LIST --mapping …`, whose records name the platform",
                "调用清单应导入为记录：`liuhen import mapped 清单 --mapping …`，记录会标明平台",
            );
            return Err(ClientError::usage(why, why_zh));
        }
    };
    let mut rows = Rows::new(&["row", "stated", "on_ledger"]);
    let mut differ = 0_usize;
    for (row, (stated, mut differs)) in list.rows.iter().zip(found) {
        let unread = common.output.word("unreadable", "无法读取");
        differs.extend(row.unread.iter().map(|it| format!("{unread} {it}")));
        differ = differ.saturating_add(usize::from(!differs.is_empty()));
        let shown = match differs.is_empty() {
            true => common.output.word("same", "一致").to_owned(),
            false => differs.join(", "),
        };
        rows.push(vec![json!(row.line), json!(stated), json!(shown)]);
    }
    rows.print(common.output)?;
    if differ == 0 {
        return Ok(());
    }
    let (why, why_zh) =
        (format!("{differ} rows differ from the ledger"), format!("{differ} 行与账本不一致"));
    Err(ClientError::Failed(pick(&why, &why_zh).to_owned()))
}

/// What a row is called, and in what it differs from the ledger.
type Compared = (String, Vec<String>);

fn read_of<'a>(row: &'a Row, column: &str) -> &'a str {
    row.read.get(column).map(String::as_str).unwrap_or_default()
}

async fn catalogue(node: &Node, list: &List, output: Format) -> Result<Vec<Compared>, ClientError> {
    let all = node.datasets("").await?;
    let of = |row: &Row| -> Vec<String> {
        let code = read_of(row, "dataset");
        let is =
            |it: &&wire::Dataset| it.registration.as_ref().is_some_and(|it| it.dataset == code);
        let Some(entry) = all.iter().find(is) else {
            return vec![output.word("not registered", "未登记").to_owned()];
        };
        let mut differs = Vec::new();
        if entry.retired_height.is_some() {
            differs.push(output.word("retired", "已下架").to_owned());
        }
        let entry = entry.registration.clone().unwrap_or_default();
        let category = text::category(entry.category()).replace('-', "_");
        let grade = entry.grade.to_string();
        for (column, there) in
            [("collector", &entry.collector), ("category", &category), ("grade", &grade)]
        {
            let stated = read_of(row, column);
            if !stated.is_empty() && stated != there {
                differs.push(format!("{column} {there}"));
            }
        }
        let stated = read_of(row, "title");
        if !stated.is_empty() && stated != entry.title_zh && stated != entry.title_en {
            differs.push(format!("title {}{}", entry.title_zh, entry.title_en));
        }
        differs
    };
    Ok(list.rows.iter().map(|row| (read_of(row, "dataset").to_owned(), of(row))).collect())
}

async fn approvals(node: &Node, list: &List, output: Format) -> Result<Vec<Compared>, ClientError> {
    let all = node.requests(wire::ListRequestsRequest::default()).await?;
    let of = |row: &Row| -> Vec<String> {
        let (reference, dataset) = (read_of(row, "reference"), read_of(row, "dataset"));
        let is = |it: &&wire::RequestStanding| {
            let asked = it.request.as_ref().and_then(|it| it.asked.as_ref());
            asked.is_some_and(|it| it.reference == reference && it.dataset == dataset)
        };
        // Asked again after it was refused, or by two departments, there are several: the one that differs least is meant.
        let differing = all.iter().filter(is).map(|found| differs(row, found));
        let least = differing.min_by_key(Vec::len);
        least.unwrap_or_else(|| {
            vec![output.word("no request that you may see", "没有您可见的申请").to_owned()]
        })
    };
    let name = |row: &Row| format!("{} {}", read_of(row, "reference"), read_of(row, "dataset"));
    Ok(list.rows.iter().map(|row| (name(row), of(row))).collect())
}

/// In what a request, with the grant that it became, is another than a row states.
fn differs(row: &Row, found: &wire::RequestStanding) -> Vec<String> {
    let request = found.request.clone().unwrap_or_default();
    let asked = request.asked.clone().unwrap_or_default();
    let mut differs = Vec::new();
    if asked.using_department != read_of(row, "user") {
        differs.push(format!("user {}", asked.using_department));
    }
    let purpose = read_of(row, "purpose");
    if !purpose.is_empty() && purpose != asked.purpose {
        differs.push(format!("purpose {}", asked.purpose));
    }
    let Some(grant) = &found.grant else {
        differs.push(format!("request {}", state(request.state().as_str_name(), "REQUEST_STATE_")));
        return differs;
    };
    let stands = grants::state(grant);
    if stands != wire::GrantState::Active {
        differs.push(format!("grant {}", state(stands.as_str_name(), "GRANT_STATE_")));
    }
    // A list names a day; here it may end when that day begins, or when it is over.
    let until = grants::terms(grant).map_or(0, |it| it.until_ms);
    let stated: u64 = read_of(row, "until").parse().unwrap_or_default();
    let same_day = stated.checked_sub(until).is_some_and(|it| it <= DAY_MS);
    if !same_day {
        differs.push(format!("until {}", text::time(until)));
    }
    differs
}
