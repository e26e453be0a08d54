//! Identities and their keys: who registers, rotates and ends them, and from when on.

use crate::ledger::tests::{
    founders::seeded,
    items::{
        assign, change_identity, cosignatures, item, new_keys, register, register_identity, rotate,
    },
    refusals::{Case, OK, run},
    stage::{Staged, staged},
};
use crate::place::Place;
use crate::tx::Tx;
use crate::types::{IdentityId, limits};
use crate::wire::{
    self, IdentityKind, Right,
    StandingChange::{Reinstate, Revoke, Suspend},
};

const ROOT: &str = "gz.hrss/root";
/// Of this root two of three keys must sign.
const GY_ROOT: &str = "gy.gov/root";

fn clerk() -> wire::RegisterIdentity {
    register_identity("gz.hrss", "clerk", IdentityKind::Officer)
}

fn gy_clerk() -> wire::RegisterIdentity {
    register_identity("gy.gov", "clerk", IdentityKind::Officer)
}

fn app(s: &Staged) -> IdentityId {
    s.identity("gz.hrss/app")
}

/// The registration of an identity of gy.gov, cosigned by these keys.
fn cosigned(s: &Staged, names: &[&str]) -> Tx {
    let agreed = cosignatures(&s.world.founding.chain(), gy_clerk(), names);
    s.sign(GY_ROOT, wire::RegisterIdentity { cosignatures: agreed, ..gy_clerk() })
}

/// Gives a department one right more.
fn give_right(s: &mut Staged, code: &str, right: Right) {
    let mut department = (*s.world.department(code)).clone();
    department.rights.push(right as i32);
    s.world.doctor(Place::department(code), Some(department.into()));
}

const REGISTRATIONS: &[Case] = &[
    ("a post", OK, |s| {
        s.sign(ROOT, wire::RegisterIdentity { holder: vec![1; 32], duty: "d".into(), ..clerk() })
    }),
    ("a system", OK, |s| s.sign(ROOT, register_identity("gz.hrss", "app-2", IdentityKind::System))),
    ("a system that another operates", OK, |s| {
        let it = register_identity("gz.hrss", "app-2", IdentityKind::System);
        s.sign(ROOT, wire::RegisterIdentity { operated_by: "gz.bds".into(), ..it })
    }),
    ("a system that nobody known operates", Some("department.unknown"), |s| {
        let it = register_identity("gz.hrss", "app-2", IdentityKind::System);
        s.sign(ROOT, wire::RegisterIdentity { operated_by: "gz.none".into(), ..it })
    }),
    ("a node of two keys", OK, |s| {
        let keys = new_keys(&["a", "b"]);
        let it = register_identity("gz.hrss", "node-2", IdentityKind::Node);
        s.sign(ROOT, wire::RegisterIdentity { keys, ..it })
    }),
    ("one more than a department may have", Some("list.full"), |s| {
        let identity_ids = vec![vec![1; 32]; limits::ROSTER];
        s.world.doctor(Place::roster("gz.hrss"), Some(wire::Roster { identity_ids }.into()));
        s.sign(ROOT, register_identity("gz.hrss", "app-2", IdentityKind::System))
    }),
    ("by an officer", Some("root.needed"), |s| s.sign("gz.hrss/officer", clerk())),
    ("for another department", Some("actor.other"), |s| s.sign("gz.psb/root", clerk())),
    ("another root", Some("root.not_by_itself"), |s| {
        s.sign(ROOT, register_identity("gz.hrss", "root-2", IdentityKind::Root))
    }),
    ("an officer called as a root is", Some("root.not_by_itself"), |s| {
        s.sign(ROOT, register_identity("gz.hrss", "root", IdentityKind::Officer))
    }),
    ("a machine called as the root of a height is", Some("root.not_by_itself"), |s| {
        s.sign(ROOT, register_identity("gz.hrss", "root-12", IdentityKind::System))
    }),
    ("an officer called almost as a root is", Some("root.not_by_itself"), |s| {
        s.sign(ROOT, register_identity("gz.hrss", "root-", IdentityKind::Officer))
    }),
    ("an officer whose code begins alike", OK, |s| {
        s.sign(ROOT, register_identity("gz.hrss", "roots", IdentityKind::Officer))
    }),
    ("an officer whose code ends alike", OK, |s| {
        s.sign(ROOT, register_identity("gz.hrss", "my-root", IdentityKind::Officer))
    }),
    ("an auditor, without the right", Some("right.missing"), |s| {
        s.sign(ROOT, register_identity("gz.hrss", "auditor", IdentityKind::Auditor))
    }),
    ("an auditor, with the right", OK, |s| {
        give_right(s, "gz.hrss", Right::Audit);
        s.sign(ROOT, register_identity("gz.hrss", "auditor", IdentityKind::Auditor))
    }),
    ("a regulator, with the right to audit", Some("right.missing"), |s| {
        give_right(s, "gz.hrss", Right::Audit);
        s.sign(ROOT, register_identity("gz.hrss", "regulator", IdentityKind::Regulator))
    }),
    ("a regulator, with the right", OK, |s| {
        give_right(s, "gz.hrss", Right::Regulate);
        s.sign(ROOT, register_identity("gz.hrss", "regulator", IdentityKind::Regulator))
    }),
    ("a code that is taken", Some("identity.exists"), |s| {
        s.sign(ROOT, wire::RegisterIdentity { code: "app".into(), ..clerk() })
    }),
    ("a code that was taken", Some("identity.exists"), |s| {
        s.world.does(ROOT, change_identity("gz.hrss", &app(s), 0, Revoke));
        s.sign(ROOT, wire::RegisterIdentity { code: "app".into(), ..clerk() })
    }),
    ("a key that is taken", Some("key.exists"), |s| {
        s.sign(ROOT, wire::RegisterIdentity { keys: new_keys(&["gz.tax/app"]), ..clerk() })
    }),
    ("a key that was taken", Some("key.exists"), |s| {
        s.world.does(ROOT, change_identity("gz.hrss", &app(s), 0, Revoke));
        s.sign(ROOT, wire::RegisterIdentity { keys: new_keys(&["gz.hrss/app"]), ..clerk() })
    }),
];

const COSIGNED: &[Case] = &[
    ("by one key of three, of which two are needed", Some("root.threshold"), |s| {
        s.sign(GY_ROOT, gy_clerk())
    }),
    ("by two keys", OK, |s| cosigned(s, &["gy.gov/root-b"])),
    ("by another two", OK, |s| {
        let agreed = cosignatures(&s.world.founding.chain(), gy_clerk(), &[GY_ROOT]);
        s.sign("gy.gov/root-c", wire::RegisterIdentity { cosignatures: agreed, ..gy_clerk() })
    }),
    ("by all three", OK, |s| cosigned(s, &["gy.gov/root-b", "gy.gov/root-c"])),
    ("by the same key again", Some("cosignature.bad"), |s| cosigned(s, &[GY_ROOT])),
    ("by a stranger", Some("cosignature.bad"), |s| cosigned(s, &["nobody"])),
    ("by another department's root", Some("cosignature.bad"), |s| cosigned(s, &[ROOT])),
    ("by one's own officer", Some("cosignature.bad"), |s| cosigned(s, &["gy.gov/officer"])),
    ("by two, and a stranger", Some("cosignature.bad"), |s| {
        cosigned(s, &["gy.gov/root-b", "nobody"])
    }),
    ("of another item", Some("cosignature.bad"), |s| {
        let agreed = cosignatures(&s.world.founding.chain(), gy_clerk(), &["gy.gov/root-b"]);
        let other = wire::RegisterIdentity { code: "boss".into(), ..gy_clerk() };
        s.sign(GY_ROOT, wire::RegisterIdentity { cosignatures: agreed, ..other })
    }),
    ("for another chain", Some("cosignature.bad"), |s| {
        let other = crate::types::ChainId::new([1; 32]);
        let agreed = cosignatures(&other, gy_clerk(), &["gy.gov/root-b"]);
        s.sign(GY_ROOT, wire::RegisterIdentity { cosignatures: agreed, ..gy_clerk() })
    }),
    ("by a key that was laid down", Some("cosignature.bad"), |s| {
        let root = s.identity(GY_ROOT);
        let end = rotate("gy.gov", &root, 0, (&[], &["gy.gov/root-b"]));
        let agreed = cosignatures(&s.world.founding.chain(), end.clone(), &["gy.gov/root-c"]);
        s.world.does(GY_ROOT, wire::RotateKeys { cosignatures: agreed, ..end });
        cosigned(s, &["gy.gov/root-b"])
    }),
    ("where one key does", OK, |s| {
        let agreed = cosignatures(&s.world.founding.chain(), clerk(), &[]);
        s.sign(ROOT, wire::RegisterIdentity { cosignatures: agreed, ..clerk() })
    }),
];

fn more(names: &[String]) -> Vec<&str> {
    names.iter().map(String::as_str).collect()
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("key-{number}")).collect()
}

const ROTATIONS: &[Case] = &[
    ("by itself", OK, |s| {
        s.sign("gz.hrss/app", rotate("gz.hrss", &app(s), 0, (&["new"], &["gz.hrss/app"])))
    }),
    ("by the root", OK, |s| s.sign(ROOT, rotate("gz.hrss", &app(s), 0, (&["new"], &[])))),
    ("the root by itself", OK, |s| {
        s.sign(ROOT, rotate("gz.hrss", &s.identity(ROOT), 0, (&["new"], &[ROOT])))
    }),
    ("by another identity", Some("root.needed"), |s| {
        s.sign("gz.hrss/officer", rotate("gz.hrss", &app(s), 0, (&["new"], &[])))
    }),
    ("the root by an officer", Some("root.not_by_itself"), |s| {
        s.sign("gz.hrss/officer", rotate("gz.hrss", &s.identity(ROOT), 0, (&["new"], &[])))
    }),
    ("a root of several keys by one", Some("root.threshold"), |s| {
        s.sign(GY_ROOT, rotate("gy.gov", &s.identity(GY_ROOT), 0, (&["new"], &[])))
    }),
    ("a root of several keys by two", OK, |s| {
        let it = rotate("gy.gov", &s.identity(GY_ROOT), 0, (&["new"], &["gy.gov/root-c"]));
        let agreed = cosignatures(&s.world.founding.chain(), it.clone(), &["gy.gov/root-b"]);
        s.sign(GY_ROOT, wire::RotateKeys { cosignatures: agreed, ..it })
    }),
    ("so that too few keys of a root are left", Some("key.too_few"), |s| {
        let end: &[&str] = &["gy.gov/root-b", "gy.gov/root-c"];
        let it = rotate("gy.gov", &s.identity(GY_ROOT), 0, (&[], end));
        let agreed = cosignatures(&s.world.founding.chain(), it.clone(), &["gy.gov/root-b"]);
        s.sign(GY_ROOT, wire::RotateKeys { cosignatures: agreed, ..it })
    }),
    ("the last key", Some("key.too_few"), |s| {
        s.sign("gz.hrss/app", rotate("gz.hrss", &app(s), 0, (&[], &["gz.hrss/app"])))
    }),
    ("another's key", Some("key.other_identity"), |s| {
        s.sign(ROOT, rotate("gz.hrss", &app(s), 0, (&["new"], &["gz.hrss/officer"])))
    }),
    ("a key that is not there", Some("key.other_identity"), |s| {
        s.sign(ROOT, rotate("gz.hrss", &app(s), 0, (&["new"], &["nobody"])))
    }),
    ("a key laid down before", Some("key.other_identity"), |s| {
        s.world.does(ROOT, rotate("gz.hrss", &app(s), 0, (&["new"], &["gz.hrss/app"])));
        s.sign(ROOT, rotate("gz.hrss", &app(s), 1, (&["newer"], &["gz.hrss/app"])))
    }),
    ("to a key that is taken", Some("key.exists"), |s| {
        s.sign(ROOT, rotate("gz.hrss", &app(s), 0, (&["gz.tax/app"], &[])))
    }),
    ("as many keys as there may be", OK, |s| {
        s.sign(ROOT, rotate("gz.hrss", &app(s), 0, (&more(&numbered(63)), &[])))
    }),
    ("one more", Some("key.too_many"), |s| {
        s.sign(ROOT, rotate("gz.hrss", &app(s), 0, (&more(&numbered(64)), &[])))
    }),
    ("of nobody", Some("identity.unknown"), |s| {
        s.sign(ROOT, rotate("gz.hrss", &IdentityId::new([1; 32]), 0, (&["new"], &[])))
    }),
    ("of another department's", Some("identity.other_department"), |s| {
        s.sign(ROOT, rotate("gz.hrss", &s.identity("gz.tax/app"), 0, (&["new"], &[])))
    }),
    ("of another department's, named truly", Some("actor.other"), |s| {
        s.sign(ROOT, rotate("gz.tax", &s.identity("gz.tax/app"), 0, (&["new"], &[])))
    }),
    ("behind another event of its life", Some("identity.after"), |s| {
        s.sign(ROOT, rotate("gz.hrss", &app(s), 1, (&["new"], &[])))
    }),
    ("of one that was revoked", Some("standing.is"), |s| {
        s.world.does(ROOT, change_identity("gz.hrss", &app(s), 0, Revoke));
        s.sign(ROOT, rotate("gz.hrss", &app(s), 1, (&["new"], &[])))
    }),
];

const CHANGES: &[Case] = &[
    ("suspend", OK, |s| s.sign(ROOT, change_identity("gz.hrss", &app(s), 0, Suspend))),
    ("revoke", OK, |s| s.sign(ROOT, change_identity("gz.hrss", &app(s), 0, Revoke))),
    ("reinstate what stands", Some("standing.is"), |s| {
        s.sign(ROOT, change_identity("gz.hrss", &app(s), 0, Reinstate))
    }),
    ("suspend twice", Some("standing.is"), |s| {
        s.world.does(ROOT, change_identity("gz.hrss", &app(s), 0, Suspend));
        s.sign(ROOT, change_identity("gz.hrss", &app(s), 1, Suspend))
    }),
    ("suspend once too often", Some("list.full"), |s| {
        let place = Place::identity(&app(s));
        let before: std::sync::Arc<wire::Identity> = s.world.get(&place);
        let mut worn = (*before).clone();
        let last = worn.standing.last().cloned().unwrap();
        worn.standing.resize(limits::STANDINGS, last);
        s.world.doctor(place, Some(worn.into()));
        s.sign(ROOT, change_identity("gz.hrss", &app(s), 0, Suspend))
    }),
    ("reinstate", OK, |s| {
        s.world.does(ROOT, change_identity("gz.hrss", &app(s), 0, Suspend));
        s.sign(ROOT, change_identity("gz.hrss", &app(s), 1, Reinstate))
    }),
    ("revoke what is suspended", OK, |s| {
        s.world.does(ROOT, change_identity("gz.hrss", &app(s), 0, Suspend));
        s.sign(ROOT, change_identity("gz.hrss", &app(s), 1, Revoke))
    }),
    ("reinstate what was revoked", Some("standing.is"), |s| {
        s.world.does(ROOT, change_identity("gz.hrss", &app(s), 0, Revoke));
        s.sign(ROOT, change_identity("gz.hrss", &app(s), 1, Reinstate))
    }),
    ("the same event again", Some("identity.after"), |s| {
        s.world.does(ROOT, change_identity("gz.hrss", &app(s), 0, Suspend));
        s.sign(ROOT, change_identity("gz.hrss", &app(s), 0, Reinstate))
    }),
    ("the root", Some("root.not_by_itself"), |s| {
        s.sign(ROOT, change_identity("gz.hrss", &s.identity(ROOT), 0, Revoke))
    }),
    ("by an officer", Some("root.needed"), |s| {
        s.sign("gz.hrss/officer", change_identity("gz.hrss", &app(s), 0, Suspend))
    }),
    ("by one key of three", Some("root.threshold"), |s| {
        let officer = s.identity("gy.gov/officer");
        s.sign(GY_ROOT, change_identity("gy.gov", &officer, 0, Suspend))
    }),
];

const POSTS: &[Case] = &[
    ("a new holder", OK, |s| s.sign(ROOT, assign("gz.hrss", &s.identity("gz.hrss/desk"), 0))),
    ("vacant", OK, |s| {
        let it = assign("gz.hrss", &s.identity("gz.hrss/desk"), 0);
        s.sign(ROOT, wire::AssignPost { holder: Vec::new(), ..it })
    }),
    ("a machine", Some("identity.not_a_post"), |s| s.sign(ROOT, assign("gz.hrss", &app(s), 0))),
    ("the root", Some("identity.not_a_post"), |s| {
        s.sign(ROOT, assign("gz.hrss", &s.identity(ROOT), 0))
    }),
    ("by an officer", Some("root.needed"), |s| {
        s.sign("gz.hrss/officer", assign("gz.hrss", &s.identity("gz.hrss/desk"), 0))
    }),
];

pub(crate) const TABLES: &[&[Case]] = &[REGISTRATIONS, COSIGNED, ROTATIONS, CHANGES, POSTS];

#[test]
fn identities_are_their_roots_to_register() {
    assert_eq!(run(REGISTRATIONS).len(), 8);
    assert_eq!(run(COSIGNED).len(), 2);
}

#[test]
fn identities_are_changed_event_by_event() {
    assert_eq!(run(ROTATIONS).len(), 12);
    assert_eq!(run(CHANGES).len(), 6);
    assert_eq!(run(POSTS).len(), 2);
}

/// Why a transaction is refused in the block that is being made, behind another.
fn behind(s: &Staged, first: &Tx, second: &Tx) -> Option<String> {
    let mut draft = s.world.draft();
    draft.transaction(first).unwrap();
    draft.transaction(second).err().map(|refused| refused.to_string())
}

fn new_dataset() -> wire::RegisterDataset {
    register("pension.new", "gz.hrss")
}

/// A key that is registered at a height signs from the next one on.
#[test]
fn a_new_key_signs_from_the_next_height_on() {
    let mut s = staged();
    let registering = s.sign(ROOT, clerk());
    let id = registering.header().identity_id(0);
    s.world.join("gz.hrss/clerk", id);
    let signing = s.sign("gz.hrss/clerk", new_dataset());
    let refused = behind(&s, &registering, &signing);
    assert!(refused.unwrap().contains("is not on the ledger"));
    s.world.commit(vec![registering]);
    let identity: std::sync::Arc<wire::Identity> = s.world.get(&Place::identity(&id));
    assert_eq!(identity.standing[0].from_height, s.world.height().next().get());
    assert_eq!((identity.events, identity.key_ids.len()), (1, 1));
    s.world.does("gz.hrss/clerk", new_dataset());
}

/// A key that is laid down signs up to the end of the block, and what it signed stays.
#[test]
fn an_old_key_signs_to_the_end_of_its_block() {
    let mut s = staged();
    let officer = s.identity("gz.hrss/officer");
    let kinds = vec![
        rotate("gz.hrss", &officer, 0, (&["gz.hrss/new"], &["gz.hrss/officer"])).into(),
        new_dataset().into(),
    ];
    s.world.join("gz.hrss/new", officer);
    let tx = s.world.sign("gz.hrss/officer", kinds);
    s.world.commit(vec![tx]);
    assert!(s.world.objects.contains_key(&Place::dataset("pension.new")));
    let late = s.sign("gz.hrss/officer", register("pension.newer", "gz.hrss"));
    assert_eq!(s.world.refusal(&late), Some((None, "key.not_in_force")));
    s.world.does("gz.hrss/new", register("pension.newer", "gz.hrss"));
}

/// Suspended, reinstated, revoked: each from the next height on, each naming the event before.
#[test]
fn the_life_of_an_identity() {
    let mut s = staged();
    let officer = s.identity("gz.hrss/officer");
    let life = [(Suspend, false), (Reinstate, true), (Suspend, false), (Revoke, false)];
    for (after, (change, signs)) in (0..).zip(life) {
        let code = format!("pension.{after}");
        let before = after == 0 || life[after - 1].1;
        let changing = s.sign(ROOT, change_identity("gz.hrss", &officer, after as u64, change));
        let signing = s.sign("gz.hrss/officer", register(&code, "gz.hrss"));
        assert_eq!(behind(&s, &changing, &signing).is_none(), before, "{change:?}");
        s.world.commit(vec![changing]);
        let signing = s.sign("gz.hrss/officer", register(&code, "gz.hrss"));
        let refused = s.world.refusal(&signing);
        assert_eq!(refused, (!signs).then_some((None, "key.not_in_force")), "{change:?}");
    }
    let identity: std::sync::Arc<wire::Identity> = s.world.get(&Place::identity(&officer));
    assert_eq!((identity.events, identity.ended), (4, true));
    assert_eq!(identity.standing.len(), 2);
}

/// Whom the post went to, and the keys an identity ever had, stay known.
#[test]
fn posts_and_keys_are_kept() {
    let mut s = staged();
    let desk = s.identity("gz.hrss/desk");
    s.world.does(ROOT, assign("gz.hrss", &desk, 0));
    let kinds = ["one", "two"].map(|name| format!("gz.hrss/{name}"));
    for (number, name) in (1..).zip(&kinds) {
        s.world.does(ROOT, rotate("gz.hrss", &desk, number, (&[name], &[])));
    }
    let identity: std::sync::Arc<wire::Identity> = s.world.get(&Place::identity(&desk));
    assert_eq!((identity.events, &identity.holder), (3, &vec![14; 32]));
    let names = ["gz.hrss/desk", "gz.hrss/one", "gz.hrss/two"];
    let ids = names.map(|name| seeded(name).public().key_id().to_vec());
    assert_eq!(identity.key_ids, ids);
}

/// The same keys agree to the same words only: what is signed leaves out nonce and cosignatures.
#[test]
fn what_cosigners_agree_to() {
    let s = staged();
    let chain = s.world.founding.chain();
    let bare = cosignatures(&chain, gy_clerk(), &["gy.gov/root-b"]);
    let again = wire::RegisterIdentity { cosignatures: bare.clone(), ..gy_clerk() };
    assert_eq!(cosignatures(&chain, again, &["gy.gov/root-b"]), bare);
    let kind = item(new_dataset()).unwrap().kind().clone();
    assert_eq!(crate::items::cosign_message(&chain, &kind), None);
}
