//! What a vote takes back: a protocol that is planned, a node that may connect.

use super::enactments::enacted;
use super::votes::set_protocol;
use crate::ledger::tests::stage::{Staged, staged};
use crate::place::Place;
use crate::wire::{self, propose::Change};
use std::sync::Arc;

/// A protocol that is planned can be called off until it begins, by its height; then another can be planned.
#[test]
fn a_planned_protocol_is_called_off() {
    let mut s = staged();
    let height = s.world.height().get() + 20;
    let propose = crate::ledger::tests::items::propose;
    let refused = |s: &Staged, change| {
        let tx = s.sign("gz.hrss/officer", propose("gz.hrss", change));
        s.world.refusal(&tx)
    };
    let no = Some((Some(0), "protocol.height"));
    assert_eq!(refused(&s, set_protocol(1, height)), no, "nothing is planned");
    enacted(&mut s, set_protocol(2, height));
    assert_eq!(refused(&s, set_protocol(1, height + 1)), no, "not the height that is planned");
    enacted(&mut s, set_protocol(1, height));
    let found: Arc<wire::ProtocolSchedule> = s.world.get(&Place::protocol_schedule());
    assert_eq!(found.protocol, 1);
    assert!(found.height <= s.world.height().get());
    assert_eq!(refused(&s, set_protocol(1, height)), no, "nothing is planned any more");
    enacted(&mut s, set_protocol(2, height + 30));
    while s.world.height().get() < height + 30 {
        s.world.commit(Vec::new());
    }
    assert_eq!(refused(&s, set_protocol(1, height + 30)), no, "it has begun");
}

/// A peer id is taken off the ledger, and only one that is there.
#[test]
fn a_peer_is_removed() {
    let mut s = staged();
    let ids = |s: &Staged| -> Vec<String> {
        let peers: Arc<wire::Peers> = s.world.get(&Place::peers());
        peers.peers.iter().filter(|it| !it.removed).map(|it| it.peer_id.clone()).collect()
    };
    let peer = |peer_id: &str| wire::Peer {
        department: "gz.tax".into(),
        peer_id: peer_id.into(),
        ..wire::Peer::default()
    };
    s.world.doctor(Place::peers(), Some(wire::Peers { peers: vec![peer("a"), peer("b")] }.into()));
    let remove = |peer_id: &str| Change::RemovePeer(wire::RemovePeer { peer_id: peer_id.into() });
    enacted(&mut s, remove("a"));
    assert_eq!(ids(&s), ["b"]);
    let again = crate::ledger::tests::items::propose("gz.hrss", remove("a"));
    let tx = s.sign("gz.hrss/officer", again);
    assert_eq!(s.world.refusal(&tx), Some((Some(0), "peer.unknown")));
}
