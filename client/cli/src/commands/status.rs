//! `liuhen status`.

use super::Common;
use crate::output::print_one;
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
            ("indexed_height", json!(it.indexed_height)),
            ("version", json!(it.version)),
        ];
        print_one(&fields, common.output)?;
        if it.open_for_ms >= NO_QUORUM_MS {
            eprintln!("{}", no_quorum(it.height.saturating_add(1), it.open_for_ms / 1000));
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

/// Why the node does not vote, and until when.
fn withheld(it: &wire::VoteWithheld) -> String {
    match it.until_height {
        Some(height) => format!("{}, until height {height} is committed", it.reason),
        None => format!("{}, until somebody has looked", it.reason),
    }
}
