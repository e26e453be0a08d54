//! What must hold after every block, whatever any model says.

use crate::event::ledger::LedgerEvent;
use crate::items;
use crate::items::sharing::grants;
use crate::ledger::{
    Event, Object, intervals,
    tests::model::{net::Net, simple::allows},
};
use crate::place::Place;
use crate::tx::Tx;
use crate::types::{IdentityId, KeyId, RequestId, TxId};
use crate::wire::{self, Delegation, Grant, GrantKind, Quota, Terms};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What was signed so far: key ids, and the numbers of events on their trails.
#[derive(Debug, Default)]
pub(super) struct Causes(BTreeSet<(Vec<u8>, u64)>);

impl Causes {
    /// Each event is on the trails that follow from its bytes, and names a cause that came before.
    pub(super) fn unbroken(&mut self, net: &Net, events: &[Event], transactions: &[Vec<u8>]) {
        let signed: Vec<Tx> = transactions.iter().map(|it| Tx::parse(it).unwrap()).collect();
        let mut items =
            signed.iter().flat_map(|tx| (0u32..).zip(tx.items()).map(move |it| (tx, it)));
        let mut made = 0;
        for (index, event) in (0u32..).zip(events) {
            let leaf = &event.leaf;
            assert_eq!((leaf.height, leaf.time), (net.tip.height, net.tip.time));
            assert_eq!(leaf.index, index);
            if let Some(bytes) = &event.ledger {
                let it = LedgerEvent::parse(bytes).unwrap();
                assert_eq!((leaf.origin, leaf.item, leaf.digest), (TxId::ZERO, made, it.digest()));
                assert_eq!(event.trails, it.trails());
                let cause = (it.cause().key_id.clone(), it.cause().number);
                assert!(self.0.contains(&cause), "{it:?} follows from nothing");
                made += 1;
            } else {
                let (tx, (number, item)) = items.next().unwrap();
                let header = tx.header();
                assert_eq!((leaf.origin, leaf.item), (tx.id(), number));
                assert_eq!(leaf.digest, *item.digest());
                assert_eq!(event.trails, items::trails(header, number, item));
                let cause = (header.key.to_vec(), header.seq + u64::from(number));
                assert!(self.0.insert(cause), "a number was given twice");
            }
        }
        assert!(items.next().is_none(), "an item has no event");
        for tx in &signed {
            in_force(net, tx);
        }
    }
}

/// Key, identity and department held at the height of the block that took the transaction.
fn in_force(net: &Net, tx: &Tx) {
    let header = tx.header();
    let key: Arc<wire::Key> = net.object(&Place::key(&header.key)).unwrap();
    let identity: Arc<wire::Identity> = net.object(&Place::identity(&header.identity)).unwrap();
    let department: Arc<wire::Department> =
        net.object(&Place::department(&header.department)).unwrap();
    for standing in [&key.standing, &identity.standing, &department.standing] {
        assert!(intervals::at_height(standing, net.height()), "signed out of force: {header:?}");
    }
    assert_eq!(
        (key.identity_id.as_slice(), &key.department),
        (identity.identity_id.as_slice(), &header.department)
    );
    let public = crate::suite::sign::PublicKey::from_slice(&key.public_key).unwrap();
    assert!(tx.is_signed_by(&public) && KeyId::from_slice(&key.key_id) == Ok(header.key));
}

/// All that must hold of the state.
pub(super) fn hold(net: &Net) {
    for object in net.objects.values() {
        match object {
            Object::Grant(it) => grant(net, it),
            Object::Department(it) if intervals::is_open(&it.standing) => {
                let parent: Option<Arc<wire::Department>> =
                    net.object(&Place::department(&it.parent));
                let stands = parent.is_none_or(|parent| intervals::is_open(&parent.standing));
                assert!(stands, "{} is in force, and not what stands above it", it.code);
            }
            Object::Identity(it) => {
                let own = |id: &Vec<u8>| {
                    let key: Arc<wire::Key> =
                        net.object(&Place::key(&KeyId::from_slice(id).unwrap())).unwrap();
                    key.identity_id == it.identity_id && key.department == it.department
                };
                assert!(it.key_ids.iter().all(own));
                assert!(IdentityId::from_slice(&it.identity_id).is_ok());
            }
            _ => {}
        }
    }
}

/// The body of a department: that of whoever took its place in the end.
fn body(net: &Net, code: &str) -> String {
    let mut code = code.to_owned();
    loop {
        let it: Option<Arc<wire::Department>> = net.object(&Place::department(&code));
        let Some(it) = it else { return String::new() };
        if it.successor.is_empty() {
            return it.body.clone();
        }
        code.clone_from(&it.successor);
    }
}

fn get(net: &Net, id: &[u8]) -> Arc<Grant> {
    net.object(&Place::grant(&RequestId::from_slice(id).unwrap())).unwrap()
}

fn grant(net: &Net, it: &Grant) {
    let bodies = [&it.using_body, &it.collector_body, &it.manager_body];
    let differ = bodies.into_iter().collect::<BTreeSet<_>>().len() == 3;
    let internal = it.kind() == GrantKind::Internal;
    assert!(differ != internal, "the bodies of a grant: {bodies:?}");
    let is_new = it.steps[0].height == net.height().get();
    // A succession later in the same block may have changed them since.
    let settled = !net
        .objects
        .values()
        .any(|object| matches!(object, Object::Department(it) if it.reconfirm_due_ms > 0));
    if is_new && settled {
        let of = |code: &String| body(net, code);
        let now = [of(&it.using_department), of(&it.collector), of(&it.manager)];
        assert_eq!(bodies, now.each_ref());
    }
    let mut descendants = 0;
    for id in &it.children {
        let child = get(net, id);
        assert_eq!(child.parent_id, it.request_id);
        assert_eq!(child.depth, it.depth + 1);
        descendants += 1 + child.descendants;
        let ended = |it: &Grant| grants::has_ended(grants::state(it));
        assert!(!ended(it) || ended(&child), "a grant lives on though what it hung from ended");
    }
    assert_eq!(it.descendants, descendants);
    if is_new {
        within_ancestors(net, it);
    }
}

/// A grant that was passed on allows nothing that any grant above it does not.
fn within_ancestors(net: &Net, it: &Grant) {
    let mut above = it.parent_id.clone();
    let terms = it.terms.as_ref().unwrap();
    while !above.is_empty() {
        let ancestor = get(net, &above);
        assert!(get(net, &it.parent_id).children.contains(&it.request_id));
        let mut before = ancestor.terms.clone().unwrap();
        let mut at_this_block = Vec::new();
        for step in &ancestor.steps {
            match &step.terms {
                Some(terms) if step.height < it.steps[0].height => before = terms.clone(),
                Some(terms) => at_this_block.push(terms.clone()),
                None => {}
            }
        }
        at_this_block.push(before);
        let allowed =
            at_this_block.iter().any(|wide| is_within(terms, wide, it.depth - ancestor.depth));
        assert!(allowed, "{terms:?} is wider than {at_this_block:?}");
        assert_eq!((&ancestor.dataset, &ancestor.purpose), (&it.dataset, &it.purpose));
        above.clone_from(&ancestor.parent_id);
    }
}

const FIELDS: [&str; 5] = ["birth", "name", "other", "status", "street"];

/// Seen access by access: whatever the one allows, the other does too, so many steps above it.
fn is_within(narrow: &Terms, wide: &Terms, steps: u32) -> bool {
    let may_read =
        |it: &Terms, field: &str| it.fields.is_empty() || it.fields.iter().any(|one| one == field);
    let minutes = (0..7).all(|weekday| {
        (0..1440).all(|minute| !allows(narrow, weekday, minute) || allows(wide, weekday, minute))
    });
    let hours = wide.schedule.is_none() || minutes;
    hours
        && FIELDS.iter().all(|field| !may_read(narrow, field) || may_read(wide, field))
        && narrow.operations.iter().all(|it| wide.operations.contains(it))
        && narrow.division.starts_with(&wide.division)
        && (wide.from_ms..=wide.until_ms).contains(&narrow.from_ms)
        && (wide.from_ms..=wide.until_ms).contains(&narrow.until_ms)
        && quota_within(&narrow.quota.unwrap(), &wide.quota.unwrap())
        && narrow.delegation_depth + steps <= wide.delegation_depth
        && (narrow.delegation() != Delegation::Notify || wide.delegation() == Delegation::Notify)
}

fn quota_within(narrow: &Quota, wide: &Quota) -> bool {
    let within = |narrow: u64, wide: u64| wide == 0 || (1..=wide).contains(&narrow);
    within(narrow.queries_total, wide.queries_total)
        && within(narrow.rows_total, wide.rows_total)
        && within(narrow.queries_per_day, wide.queries_per_day)
        && within(narrow.rows_per_day, wide.rows_per_day)
}
