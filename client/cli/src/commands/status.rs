//! `liuhen status`.

use super::Common;
use crate::output::{Format, Rows, print_one};
use crate::tell;
use crate::text;
use liuhen_client::error::ClientError;
use liuhen_genesis::fingerprint;
use liuhen_proto::types::ChainId;
use liuhen_proto::wire;
use serde_json::json;

/// How the node and its chain stand
#[derive(Debug, clap::Args)]
pub struct Status {}

impl Status {
    /// Prints it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let it = common.connect().await?.status().await?;
        let chain = ChainId::from_slice(&it.chain_id).map_err(ClientError::failed)?;
        let mut fields = vec![
            ("chain", json!(it.chain_name)),
            ("chain_id", json!(chain.to_string())),
            ("fingerprint", json!(fingerprint(&chain))),
            ("height", json!(it.height)),
            ("time", json!(text::time(it.time_ms))),
            ("time_ms", json!(it.time_ms)),
            ("block_id", json!(hex::encode(&it.block_id))),
            ("map_root", json!(hex::encode(&it.map_root))),
            ("events", json!(it.events)),
            ("waiting", json!(it.waiting)),
            ("peers", json!(it.peers)),
            ("voting", json!(it.voting)),
            ("vote_withheld", json!(it.withheld.as_ref().map(withheld))),
            ("quorum", json!(it.open_for_ms < NO_QUORUM_MS)),
            ("voting_power", json!(it.voting_power)),
            ("total_power", json!(it.total_power)),
            ("open_for_ms", json!(it.open_for_ms)),
            ("away", json!(it.away)),
            ("passed_over", json!(it.passed_over)),
            ("forked", json!(!it.fork_note.is_empty())),
            ("indexed_height", json!(it.indexed_height)),
            ("blocks_missing", json!(it.blocks_missing)),
            ("blocks_mended", json!(it.blocks_mended)),
            ("older_blocks_missing", json!(it.older_missing)),
            ("index_parts_mended", json!(it.index_parts_mended)),
            ("last_backup", json!((it.backup_ms > 0).then(|| text::time(it.backup_ms)))),
            ("backup_height", json!((it.backup_ms > 0).then_some(it.backup_height))),
            ("version", json!(it.version)),
        ];
        let others: Vec<_> = it.neighbours.iter().map(neighbour).collect();
        match common.output {
            Format::Table => {
                print_one(&fields, common.output)?;
                if !others.is_empty() {
                    print_others(&others)?;
                }
            }
            Format::Json | Format::Jsonl | Format::Csv => {
                fields.push(("neighbours", json!(others)));
                print_one(&fields, common.output)?;
            }
        }
        tell_of_itself(&it);
        tell_of_all(&it);
        Ok(())
    }
}

/// What is wrong with the node.
fn tell_of_itself(it: &wire::GetStatusResponse) {
    if it.blocks_missing > 0 {
        tell!("{}", damaged(it.blocks_missing));
    }
    if let Some(missing) = it.older_missing {
        tell!("{}", joined(missing));
    }
    if let Some(said) = it.withheld.as_ref().and_then(why_withheld) {
        tell!("{said}");
    }
    if let Some(said) = clock(it.time_ms, it.now_ms) {
        tell!("{said}");
    }
}

/// What is wrong with the network.
fn tell_of_all(it: &wire::GetStatusResponse) {
    if it.voting_power.saturating_mul(3) <= it.total_power.saturating_mul(2) {
        tell!("{}", too_few(it));
    }
    for (name, said) in it.neighbours.iter().filter_map(|it| Some((name(it), apart(it)?))) {
        tell!("{}", said.replace("{}", &name));
    }
    if it.open_for_ms >= NO_QUORUM_MS {
        tell!("{}", no_quorum(it.height.saturating_add(1), it.open_for_ms / 1000));
    }
    if !it.away.is_empty() {
        tell!("{}", away(&it.away));
    }
    if !it.passed_over.is_empty() {
        tell!("{}", passed_over(&it.passed_over));
    }
    if !it.fork_note.is_empty() {
        tell!("{}\n{}", forked(), it.fork_note);
    }
}

/// A block that is open for so long is not decided for lack of votes: a round takes two seconds, and each
/// further one half a second more.
const NO_QUORUM_MS: u64 = 15_000;

fn no_quorum(height: u64, seconds: u64) -> String {
    match liuhen_client::lang::is_chinese() {
        true => format!(
            "没有法定多数：区块 {height} 已等待 {seconds} 秒，应答的验证节点不超过三分之二；已提交的交易在此期间不会上链"
        ),
        false => format!(
            "no quorum: block {height} has been open for {seconds} s, for no more than two thirds of the \
             validators answer; what is submitted is not committed meanwhile"
        ),
    }
}

fn away(departments: &[String]) -> String {
    let all = departments.join(", ");
    match liuhen_client::lang::is_chinese() {
        true => format!("未与本节点连接的部门节点：{}", departments.join("、")),
        false => format!("nodes that are not connected to this one: of {all}"),
    }
}

fn passed_over(departments: &[String]) -> String {
    let all = departments.join(", ");
    match liuhen_client::lang::is_chinese() {
        true => format!("最近错过提案轮次、暂被跳过的部门节点：{}", departments.join("、")),
        false => format!(
            "passed over when it is their turn to propose, for they missed it lately: nodes of {all}"
        ),
    }
}

/// The node joined by a snapshot, and so many blocks before it are to be fetched.
fn joined(missing: u64) -> String {
    match (missing, liuhen_client::lang::is_chinese()) {
        (0, true) => "本节点通过快照加入：此前的区块已取齐，正在建立历史索引，完成前无法查询或证明快照之前的事件".to_owned(),
        (0, false) => "this node joined by a snapshot: the blocks before it are here, and what they say is put into the index; \
                       until then it can't tell or prove what happened before"
            .to_owned(),
        (missing, true) => format!("本节点通过快照加入：此前还有 {missing} 个区块待获取，取齐前无法查询或证明快照之前的事件"),
        (missing, false) => format!(
            "this node joined by a snapshot: {missing} blocks before it are being fetched; until they are here it can't tell or \
             prove what happened before"
        ),
    }
}

/// Idle nodes make a block each minute: an older one says that none is made, or that a clock is wrong.
const BEHIND_MS: u64 = 180_000;
/// A block's time may be ahead of a node's clock by some seconds.
const AHEAD_MS: u64 = 10_000;

/// Says so where the time of the last block is not that of the node's clock.
fn clock(ledger_ms: u64, now_ms: u64) -> Option<String> {
    let (behind, ahead) = (now_ms.saturating_sub(ledger_ms), ledger_ms.saturating_sub(now_ms));
    let chinese = liuhen_client::lang::is_chinese();
    match (behind >= BEHIND_MS, ahead >= AHEAD_MS, chinese) {
        (true, _, false) => Some(format!(
            "ledger time is {} s behind the node's clock: no blocks are made, the node is behind, or its clock is wrong",
            behind / 1000
        )),
        (true, _, true) => Some(format!(
            "账本时间比本节点时钟慢 {} 秒：没有出块、节点落后，或时钟有误",
            behind / 1000
        )),
        (_, true, false) => Some(format!(
            "ledger time is {} s ahead of the node's clock: the node's clock is wrong, or those of more than two thirds are",
            ahead / 1000
        )),
        (_, true, true) => Some(format!(
            "账本时间比本节点时钟快 {} 秒：本节点时钟有误，或超过三分之二的验证节点时钟有误",
            ahead / 1000
        )),
        _ => None,
    }
}

fn forked() -> &'static str {
    liuhen_client::lang::pick(
        "two histories were seen: somebody signed this checkpoint, which contradicts this node's chain; keep it, and tell \
         the others",
        "发现两份历史：有人签署了下面这个与本节点的链相矛盾的检查点；请保存并通知其他部门",
    )
}

/// Why the node does not vote, and until when.
fn withheld(it: &wire::VoteWithheld) -> String {
    match it.until_height {
        Some(height) => format!("{}, until height {height} is committed", it.reason),
        None => format!("{}, until others have answered", it.reason),
    }
}

/// The same in words.
fn why_withheld(it: &wire::VoteWithheld) -> Option<String> {
    let (why_en, why_zh) = match it.reason.as_str() {
        "votes_lost" => (
            "its log of votes is damaged or gone, and it voted at the open height",
            "投票日志损坏或丢失，而本节点已在当前高度投过票",
        ),
        "behind" => (
            "it has lost blocks at whose heights it voted, and fetches them again",
            "丢失了已投票高度的区块，正在重新获取",
        ),
        "no_record" => ("its record of votes is damaged or gone", "投票记录损坏或丢失"),
        "elsewhere" => (
            "others hold votes of its key that it did not send: an older copy of its home, or the same key in use twice",
            "其他节点持有以本节点密钥签署、而本节点并未发出的投票：数据目录是旧副本，或同一密钥在两处使用",
        ),
        "asking" => (
            "it has not heard yet from others who make a quorum with it",
            "尚未收到足以与本节点构成法定多数的其他节点的应答",
        ),
        // A later node's: `vote_withheld` has it as it is.
        _ => return None,
    };
    let until = match (it.until_height, liuhen_client::lang::is_chinese()) {
        (Some(height), true) => format!("；高度 {height} 提交后自动恢复"),
        (Some(height), false) => {
            format!("; it votes again by itself when height {height} is committed")
        }
        (None, true) => "；收到应答后自动恢复".to_owned(),
        (None, false) => "; it votes again by itself when they answer".to_owned(),
    };
    let file = match (it.file.is_empty(), liuhen_client::lang::is_chinese()) {
        (true, _) => String::new(),
        (false, true) => format!("（文件：{}）", it.file),
        (false, false) => format!(" ({})", it.file),
    };
    Some(match liuhen_client::lang::is_chinese() {
        true => format!("本节点暂不投票：{why_zh}{file}{until}"),
        false => format!("this node does not vote: {why_en}{file}{until}"),
    })
}

/// Blocks of the node's log can't be read.
fn damaged(count: u64) -> String {
    match liuhen_client::lang::is_chinese() {
        true => {
            format!("本节点的区块日志有 {count} 个区块无法读取，正在从其他节点重新获取；请检查磁盘")
        }
        false => format!(
            "{count} blocks of this node's log can't be read, and are fetched again from others: look at its disk"
        ),
    }
}

/// Those that may vote are no quorum.
fn too_few(it: &wire::GetStatusResponse) -> String {
    let (can, all) = (it.voting_power, it.total_power);
    match liuhen_client::lang::is_chinese() {
        true => format!(
            "可投票的验证节点不足：总权重 {all}，目前可投票 {can}，须超过三分之二。若长时间不恢复，\
             见 docs/operating.md 中的 liuhen-node vote"
        ),
        false => format!(
            "too few validators may vote: {can} of {all} in power, and more than two thirds are needed; where that lasts, \
             see liuhen-node vote in docs/operating.md"
        ),
    }
}

/// What is said of another node.
fn neighbour(it: &wire::Neighbour) -> serde_json::Value {
    json!({
        "department": it.department,
        "key_id": hex::encode(&it.key_id),
        "height": it.height,
        "voting": it.voting,
        "vote_withheld": it.withheld.as_ref().map(withheld),
        "clock_ahead_ms": it.clock_ahead_ms,
        "version": it.version,
    })
}

/// Columns of the table of others.
const OTHERS: [&str; 5] = ["department", "height", "voting", "vote_withheld", "clock_ahead_ms"];

fn print_others(others: &[serde_json::Value]) -> Result<(), ClientError> {
    let mut rows = Rows::new(&OTHERS);
    for it in others {
        rows.push(OTHERS.iter().map(|name| it[*name].clone()).collect());
    }
    rows.print(Format::Table)
}

fn name(it: &wire::Neighbour) -> String {
    match it.department.is_empty() {
        true => hex::encode(&it.key_id).chars().take(12).collect(),
        false => it.department.clone(),
    }
}

/// A neighbour's clock this far from the node's is told of.
const CLOCK_APART_MS: u64 = 2_000;

/// Says so where a neighbour's clock is not the node's; `{}` is its name.
fn apart(it: &wire::Neighbour) -> Option<String> {
    let apart = it.clock_ahead_ms.unsigned_abs();
    let seconds = apart / 1000;
    let chinese = liuhen_client::lang::is_chinese();
    (apart > CLOCK_APART_MS).then(|| match (it.clock_ahead_ms > 0, chinese) {
        (true, false) => format!("the clock of {{}} is {seconds} s ahead of this node's"),
        (false, false) => format!("the clock of {{}} is {seconds} s behind this node's"),
        (true, true) => format!("{{}} 的时钟比本节点快 {seconds} 秒"),
        (false, true) => format!("{{}} 的时钟比本节点慢 {seconds} 秒"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_is_one_sentence() {
        let it = wire::GetStatusResponse { voting_power: 2, total_power: 4, ..Default::default() };
        let said = too_few(&it);
        assert!(said.contains("2 of 4") && !said.contains("  "), "{said}");
    }

    #[test]
    fn a_clock_that_is_wrong_is_told_of() {
        assert_eq!(clock(1_000_000, 1_000_000), None);
        assert_eq!(clock(1_000_000, 1_179_999), None);
        assert!(clock(1_000_000, 1_180_000).is_some_and(|it| it.contains("180 s behind")));
        assert_eq!(clock(1_009_999, 1_000_000), None);
        assert!(clock(1_010_000, 1_000_000).is_some_and(|it| it.contains("10 s ahead")));
    }
}
