//! Transactions: what is sent comes back, its bytes are pinned, and nothing else parses.

#![allow(
    clippy::arithmetic_side_effects,
    reason = "a test whose sum overflows has failed, as it should"
)]

#[macro_use]
mod bend;

mod bytes;
mod encoding;
mod fields;
mod fields_deciding;
mod fields_gateways;
mod fields_members;
mod fields_oversight;
mod fields_sharing;
mod where_answering;
mod where_filed;
mod where_members;

use crate::items::Item;
use crate::ledger::tests::items::{
    self, T0, access, approve, confirm, item, record, register, request, revoke, terms, verified,
};
use crate::suite::sign::PrivateKey;
use crate::tx::{Signer, Tx};
use crate::types::{BlockId, ChainId, Height, IdentityId, ProposalId, RequestId, TimeMs};
use crate::wire::{
    Calendar, IdentityKind, RecordAccess, SealPeriod, StandingChange, item::Kind, propose::Change,
};

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

/// A valid item of every kind, in the order of the `.proto`.
fn all_kinds() -> Vec<Kind> {
    let mut all = kinds().to_vec();
    all.extend(member_kinds());
    all.extend(sharing_kinds());
    all.extend(deciding_kinds());
    all.extend(gateway_kinds());
    all.extend(oversight_kinds());
    all.push(items::set_observing(&identity(), T0).into());
    let asked = request("civil.resident", "gz.psb", "gz.hrss", terms(&[identity()]));
    all.push(items::lease_use(&RequestId::new([1; 32]), &asked, (10, 100), T0).into());
    all.push(items::state_list("gz.psb").into());
    all
}

fn member_kinds() -> [Kind; 9] {
    let new = items::new_department("gy.tax", "gy.gov");
    let stop = StandingChange::Suspend;
    [
        items::admit("gz.bdb", new).into(),
        items::change_department("gz.bdb", "gy.tax", stop).into(),
        items::succeed("gy.tax", "gy.gov", T0).into(),
        items::register_identity("gz.psb", "clerk", IdentityKind::Officer).into(),
        items::rotate("gz.psb", &identity(), 1, (&["new"], &["old"])).into(),
        items::change_identity("gz.psb", &identity(), 1, stop).into(),
        items::assign("gz.psb", &identity(), 1).into(),
        items::replace_root("gy.gov", "gy.tax", &["new"]).into(),
        items::object_to_root("gy.tax").into(),
    ]
}

fn sharing_kinds() -> [Kind; 16] {
    let id = RequestId::new([1; 32]);
    let named = terms(&[identity()]);
    let asked = request("civil.resident", "gz.psb", "gz.hrss", named.clone());
    let of_class = terms(&[]);
    [
        items::update("civil.resident", "gz.psb").into(),
        items::retire("civil.resident", "gz.psb").into(),
        items::version("civil.resident", "gz.psb", 2).into(),
        items::ask_supplement(&id, &asked).into(),
        items::supplement(&id, &asked).into(),
        items::exception(&id, &asked, "gz.bdb").into(),
        items::offer("civil.resident", "gz.psb", of_class).into(),
        items::amend(&id, &asked, "gz.bdb", named.clone()).into(),
        items::suspend(&id, &asked, "gz.bdb").into(),
        items::resume(&id, &asked, "gz.bdb").into(),
        items::reconfirm(&id, &asked, "gz.bdb").into(),
        items::delegate(&id, &asked, "gy.hrss", named.clone()).into(),
        items::emergency(&asked, "gz.bdb", T0).into(),
        items::ratify(&id, &asked, "gz.bdb").into(),
        items::permit("civil.resident", "gz.psb", named).into(),
        items::propose("gz.bdb", Change::SetCalendar(Calendar::default())).into(),
    ]
}

fn deciding_kinds() -> [Kind; 5] {
    let read = items::read("gz.aud", &identity());
    let sealed = items::sealed_read("gz.aud", &identity(), 1);
    [
        items::vote("gz.bdb", &ProposalId::new([1; 32]), true).into(),
        items::record_reads("gz.bdb", vec![read]).into(),
        items::open_audit("gz.aud", "2026-01").into(),
        items::close_audit("gz.aud", "2026-01").into(),
        items::open_reads("gz.bdb", ("gz.aud", "2026-01"), &[sealed], &[0]).into(),
    ]
}

/// A record of an application of the using department.
fn served() -> RecordAccess {
    let touched = access("civil.resident", Some(&RequestId::new([1; 32])));
    record("gz.psb", 1, touched, verified("gz.hrss", &identity()), T0)
}

fn gateway_kinds() -> [Kind; 16] {
    let (gateway, id) = (identity(), RequestId::new([1; 32]));
    let asked = request("civil.resident", "gz.psb", "gz.hrss", terms(&[gateway]));
    let from = ("gz.tax", &IdentityId::new([5; 32]));
    [
        items::set_gateway(&gateway, &["civil.resident"]).into(),
        items::commit_mapping(&gateway).into(),
        SealPeriod {
            observed: vec![items::observed("civil.resident", 1)],
            ..items::seal((T0, T0 + 1), (1, 2))
        }
        .into(),
        items::declare_loss(&gateway, (1, 2)).into(),
        items::declare_outage(&gateway, T0).into(),
        items::unrecordable(1).into(),
        items::handover(served()).into(),
        items::add_bulk_tags(1, &[1, 2]).into(),
        items::correct(&gateway, from, vec![served()]).into(),
        items::agree(&[1; 32], "gz.hrss").into(),
        items::acknowledge(&id, &asked, &gateway, 1).into(),
        items::acknowledge_hour(&id, &asked, 1, 1).into(),
        items::order_sealing(T0).into(),
        items::extend_sealing(&[1; 32], T0).into(),
        items::record_sealed(&[1; 32], &served()).into(),
        items::open_sealed(&[1; 32], &gateway, served()).into(),
    ]
}

fn oversight_kinds() -> [Kind; 10] {
    let about = items::of_version("civil.resident", 1);
    let (chain, key) = (ChainId::new([3; 32]), PrivateKey::from_seed(&[5; 32]));
    let votes = [None, Some(1)].map(|block| items::precommit((&chain, &key), (7, 1), block));
    [
        items::acknowledge_alert("gz.psb", 1).into(),
        items::open_case("gz.hrss", "gz.psb", about).into(),
        items::answer_case(&[1; 32], "gz.psb").into(),
        items::rule_case(&[1; 32], "gz.reg", true).into(),
        items::register_product(&[RequestId::new([1; 32])]).into(),
        items::review(&[1; 32], "gz.psb").into(),
        items::release(&[1; 32], "gz.hrss").into(),
        items::evaluate(&[1; 32], "gz.psb").into(),
        items::recall(&[1; 32], "gz.hrss").into(),
        items::double_vote(&key, &identity(), votes).into(),
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
