//! What a gateway gives with an access: when it holds, and when it shows nothing.

use crate::items::access::{receipt, tests::halves::receipt_of};
use crate::ledger::tests::{
    items::{HOUR, acknowledge},
    stage::{APP, GATEWAY, Staged, staged},
    world::BLOCK_MS,
};
use crate::place::Place;
use crate::types::TimeMs;
use crate::wire;

/// A receipt that is not the gateway's, not of this number and grant, or not of this time makes nobody guilty.
#[test]
fn receipts_that_do_not_hold() {
    type Bend = fn(&mut Staged, &mut wire::Acknowledge);
    let cases: [(&str, Option<&str>, Bend); 7] = [
        ("as given", None, |_, _| {}),
        ("of another number", Some("receipt.bad"), |_, it| it.access_no += 1),
        ("of another grant", Some("receipt.bad"), |s, it| {
            let signer = s.world.signer(GATEWAY);
            let time = TimeMs::new(s.world.now);
            let gateway = signer.identity.as_bytes();
            let other = receipt::sign(&signer.key, &signer.chain, gateway, 1, &[9; 32], time);
            it.receipt = Some(other);
        }),
        ("by another of the collector", Some("receipt.bad"), |s, it| {
            let signer = s.world.signer("gz.psb/officer");
            let (id, time) = (it.request_id.clone(), TimeMs::new(s.world.now));
            let gateway = s.identity(GATEWAY);
            let other = receipt::sign(&signer.key, &signer.chain, gateway.as_bytes(), 1, &id, time);
            it.receipt = Some(other);
        }),
        ("as old as halves are waited for", None, |s, _| s.world.pause(24 * HOUR - BLOCK_MS)),
        ("older", Some("receipt.bad"), |s, _| s.world.pause(24 * HOUR - BLOCK_MS + 1)),
        ("of a key that was ended before", Some("receipt.bad"), |s, it| {
            let key = Place::key(&s.world.signer(GATEWAY).key.public().key_id());
            let known: std::sync::Arc<wire::Key> = s.world.get(&key);
            let mut ended = (*known).clone();
            let now = s.world.now;
            ended.standing.iter_mut().for_each(|one| {
                (one.until_height, one.until_time_ms) = (Some(1), Some(now));
            });
            s.world.doctor(key, Some(ended.into()));
            it.receipt = Some(receipt_of(s, &s.id("granted"), 1));
        }),
    ];
    for (name, expected, bend) in cases {
        let mut s = staged();
        let mut it = acknowledge(&s.id("granted"), &s.asked(), &s.identity(GATEWAY), 1);
        it.receipt = Some(receipt_of(&s, &s.id("granted"), 1));
        bend(&mut s, &mut it);
        let tx = s.sign(APP, it);
        assert_eq!(s.world.refusal(&tx).map(|(_, code)| code), expected, "{name}");
    }
}
