//! What a gateway has recorded already, as the ledger has it.

use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_client::submit::Account;
use liuhen_proto::event::{Body, Outcome};
use liuhen_proto::place::{Place, TrailKind};
use std::collections::HashMap;

/// A gateway's records.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    /// What came of its items, by nonce.
    pub(super) outcomes: HashMap<[u8; 16], Outcome>,
    /// The last number given.
    pub(super) last_access_no: u64,
}

/// Reads the whole trail of the account's gateway.
pub(super) async fn recorded(node: &Node, account: &Account) -> Result<Recorded, ClientError> {
    let mut recorded = Recorded::default();
    let gateway = Place::gateway_trail(&account.signer.identity);
    for event in node.whole_trail(TrailKind::Gateway, gateway.id().to_vec()).await? {
        if let Body::Signed { item, .. } = &event.body {
            recorded.outcomes.insert(item.nonce(), event.leaf.outcome);
        }
    }
    recorded.last_access_no = node.last_access_no(&account.signer.identity).await?;
    Ok(recorded)
}
