//! `liuhen status`.

use super::Common;
use crate::error::ClientError;
use crate::output::print_one;
use crate::text;
use liuhen_genesis::fingerprint;
use liuhen_proto::types::ChainId;
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
            ("indexed_height", json!(it.indexed_height)),
            ("version", json!(it.version)),
        ];
        print_one(&fields, common.output)
    }
}
