//! What a gateway has recorded already, as the ledger has it.

use crate::connect::Node;
use crate::error::ClientError;
use crate::event::Event;
use crate::submit::Account;
use liuhen_proto::event::Body;
use liuhen_proto::place::{Place, TrailKind};
use liuhen_proto::wire;
use std::collections::HashSet;

/// A gateway's records.
#[derive(Debug, Default)]
pub(super) struct Recorded {
    /// The nonces of its records.
    pub(super) nonces: HashSet<[u8; 16]>,
    /// The last number given.
    pub(super) last_access_no: u64,
}

/// Reads the whole trail of the account's gateway.
pub(super) async fn recorded(node: &Node, account: &Account) -> Result<Recorded, ClientError> {
    let mut recorded = Recorded::default();
    let mut request = wire::GetTrailRequest {
        trail_kind: TrailKind::Gateway as u32,
        trail_id: Place::gateway_trail(&account.signer.identity).id().to_vec(),
        page_size: 1000,
        ..wire::GetTrailRequest::default()
    };
    loop {
        let page = node.trails().get_trail(request.clone()).await?.into_inner();
        for it in &page.events {
            let event = Event::from_wire(it)?;
            if let Body::Signed { item, .. } = &event.body {
                recorded.nonces.insert(item.nonce());
            }
            if let Some(it) = event.body.record() {
                recorded.last_access_no = recorded.last_access_no.max(it.access_no);
            }
        }
        if page.next_page_token.is_empty() {
            return Ok(recorded);
        }
        request.page_token = page.next_page_token;
    }
}
