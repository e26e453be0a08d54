//! Under what right: grants as proof files show them, as objects or by the requests that began them.

use liuhen_client::event::Event;
use liuhen_proto::event::Body;
use liuhen_proto::place::ObjectKind;
use liuhen_proto::wire::{self, item::Kind};
use prost::Message;
use std::collections::BTreeMap;

/// What gave a right.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Right {
    pub(super) request_id: String,
    pub(super) reference: String,
    pub(super) dataset: String,
    pub(super) user: String,
    pub(super) purpose: String,
    pub(super) legal_basis: String,
}

/// Rights by request id.
#[derive(Debug, Default)]
pub(super) struct Rights(BTreeMap<Vec<u8>, Right>);

impl Rights {
    /// Takes in what a proof shows.
    pub(super) fn learn(&mut self, trace: &wire::Trace, events: &[Event]) {
        let grants = trace.objects.iter().filter(|it| it.kind == ObjectKind::Grant as u32);
        for grant in grants.filter_map(|it| wire::Grant::decode(it.object.as_slice()).ok()) {
            let right = Right {
                request_id: hex::encode(&grant.request_id),
                reference: grant.reference,
                dataset: grant.dataset,
                user: grant.using_department,
                purpose: grant.purpose,
                legal_basis: grant.legal_basis,
            };
            self.0.insert(grant.request_id, right);
        }
        for event in events {
            let Body::Signed { header, item } = &event.body else { continue };
            let Kind::RequestAccess(asked) = item.kind() else { continue };
            let id = header.request_id(event.leaf.item);
            let right = Right {
                request_id: id.to_string(),
                reference: asked.reference.clone(),
                dataset: asked.dataset.clone(),
                user: header.department.clone(),
                purpose: asked.purpose.clone(),
                legal_basis: asked.legal_basis.clone(),
            };
            self.0.entry(id.to_vec()).or_insert(right);
        }
    }

    pub(super) fn of(&self, request_id: &[u8]) -> Option<&Right> {
        self.0.get(request_id)
    }
}
