//! `liuhen status`.

use super::Common;
use crate::output::print_one;
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
        let fields = [
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
            ("open_for_ms", json!(it.open_for_ms)),
            ("away", json!(it.away)),
            ("forked", json!(!it.fork_note.is_empty())),
            ("indexed_height", json!(it.indexed_height)),
            ("version", json!(it.version)),
        ];
        print_one(&fields, common.output)?;
        if it.open_for_ms >= NO_QUORUM_MS {
            tell!("{}", no_quorum(it.height.saturating_add(1), it.open_for_ms / 1000));
        }
        if !it.away.is_empty() {
            tell!("{}", away(&it.away));
        }
        if let Some(said) = clock(it.time_ms, it.now_ms) {
            tell!("{said}");
        }
        if !it.fork_note.is_empty() {
            tell!("{}\n{}", forked(), it.fork_note);
        }
        Ok(())
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
        None => format!("{}, until somebody has looked", it.reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_wrong_is_told_of() {
        assert_eq!(clock(1_000_000, 1_000_000), None);
        assert_eq!(clock(1_000_000, 1_179_999), None);
        assert!(clock(1_000_000, 1_180_000).is_some_and(|it| it.contains("180 s behind")));
        assert_eq!(clock(1_009_999, 1_000_000), None);
        assert!(clock(1_010_000, 1_000_000).is_some_and(|it| it.contains("10 s ahead")));
    }
}
