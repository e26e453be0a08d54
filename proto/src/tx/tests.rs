//! Transactions: what is sent comes back, its bytes are pinned, and nothing else parses.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "a test whose sum overflows has failed, as it should"
)]

mod bytes;
mod encoding;
mod fields;
mod where_filed;

use super::{Item, Signer, Tx};
use crate::ledger::tests::items::{
    T0, access, approve, confirm, item, record, register, request, revoke, terms, verified,
};
use crate::sign::PrivateKey;
use crate::types::{BlockId, ChainId, Height, IdentityId, RequestId, TimeMs};
use crate::wire::item::Kind;

fn identity() -> IdentityId {
    IdentityId::new([2; 32])
}

/// A valid item of each kind, in the order of the `.proto`.
fn kinds() -> [Kind; 6] {
    let id = RequestId::new([1; 32]);
    let asked = request("civil.resident", "gz.psb", "gz.hrss", terms(&[identity()]));
    let touched = access("civil.resident", Some(&id));
    let asker = verified("gz.hrss", &identity());
    [
        register("civil.resident", "gz.psb").into(),
        asked.clone().into(),
        approve(&id, &asked).into(),
        confirm(&id, &asked, "gz.bdb").into(),
        revoke(&id, &asked, "gz.bdb").into(),
        record("gz.psb", 1, touched, asker, T0).into(),
    ]
}

fn items() -> Vec<Item> {
    kinds().map(|kind| item(kind).unwrap()).to_vec()
}

fn signer() -> Signer {
    Signer {
        chain: ChainId::new([3; 32]),
        department: "gz.psb".into(),
        identity: IdentityId::new([4; 32]),
        key: PrivateKey::from_seed(&[5; 32]),
    }
}

/// All six kinds under one signature.
fn transaction() -> Tx {
    let recent = (Height::new(7), BlockId::new([6; 32]));
    signer().sign(9, recent, TimeMs::new(T0), &items()).unwrap()
}
