//! Data products: registered, reviewed by those concerned, released, evaluated, recalled, marked.

use crate::items::sharing::{
    grants,
    tests::{delegation, emergency},
};
use crate::ledger::tests::{
    account::{granted, named},
    items::{
        DAY, HOUR, disapprove, evaluate, permit, recall, register_product, reject, release, review,
        revoke, terms,
    },
    life,
    refusals::{Case, OK, run},
    stage::{APP, COLLECTOR, MANAGER, Staged, USER, staged},
};
use crate::place::Place;
use crate::tx::Tx;
use crate::types::{Hash, IdKind, RequestId, limits};
use crate::wire::{self, ProductState, ledger_event::Kind};
use std::sync::Arc;

/// The user registers a product that stands on its grant, bent.
fn registering(s: &Staged, bend: impl FnOnce(&mut wire::RegisterProduct)) -> Tx {
    let mut it = register_product(&[s.id("granted")]);
    bend(&mut it);
    s.sign(USER, it)
}

const REGISTRATIONS: &[Case] = &[
    ("on a grant", OK, |s| registering(s, |_| {})),
    ("on two grants", OK, |s| {
        let both = [s.id("granted"), granted(s, "civil.core")];
        s.sign(USER, register_product(&both))
    }),
    ("on a standing grant", OK, |s| {
        let id = life::standing(s);
        let it = register_product(&[id]);
        s.sign("gy.hrss/officer", wire::RegisterProduct { department: "gy.hrss".into(), ..it })
    }),
    ("on a standing grant for others", Some("request.contradiction"), |s| {
        let id = life::standing(s);
        s.sign(USER, register_product(&[id]))
    }),
    ("on its own permit", OK, |s| {
        let it = permit("pension.roll", "gz.hrss", terms(&[s.identity(APP)]));
        let tx = s.sign(USER, it);
        let id = tx.header().request_id(0);
        s.world.commit(vec![tx]);
        s.sign(USER, register_product(&[id]))
    }),
    ("on another's grant", Some("request.contradiction"), |s| {
        let it = register_product(&[s.id("granted")]);
        s.sign("gz.tax/officer", wire::RegisterProduct { department: "gz.tax".into(), ..it })
    }),
    ("on a revoked grant", Some("grant.ended"), |s| {
        s.sign(USER, register_product(&[s.id("revoked")]))
    }),
    ("on a request", Some("grant.unknown"), |s| {
        s.sign(USER, register_product(&[s.id("approved")]))
    }),
    ("on a grant with too many", Some("product.too_many"), |s| {
        let product_ids = vec![vec![1; 32]; limits::GRANT_PRODUCTS];
        let place = Place::grant_products(s.id("granted").as_bytes());
        s.world.doctor(place, Some(wire::GrantProducts { product_ids }.into()));
        registering(s, |_| {})
    }),
    ("with nobody for a manager", Some("department.unknown"), |s| {
        registering(s, |it| it.manager = "gz.none".into())
    }),
    ("with a manager who is none", Some("right.missing"), |s| {
        registering(s, |it| it.manager = "gz.tax".into())
    }),
    ("with a manager of the maker's body", Some("body.same"), |s| {
        registering(s, |it| it.manager = "gz.hrm".into())
    }),
    ("without the right", Some("right.missing"), |s| {
        s.sign(COLLECTOR, {
            let it = register_product(&[s.id("granted")]);
            wire::RegisterProduct { department: "gz.psb".into(), ..it }
        })
    }),
    ("by a machine", Some("identity.kind"), |s| s.sign(APP, register_product(&[s.id("granted")]))),
    ("in another's name", Some("actor.other"), |s| {
        registering(s, |it| it.department = "gz.tax".into())
    }),
];

/// A product on these grants; gives its id.
fn on(s: &mut Staged, grants: &[RequestId]) -> Hash {
    let tx = s.sign(USER, register_product(grants));
    let id = tx.header().made_id(IdKind::Product, 0);
    s.world.commit(vec![tx]);
    id
}

fn registered(s: &mut Staged) -> Hash {
    let grant = s.id("granted");
    on(s, &[grant])
}

fn reviewed(s: &mut Staged) -> Hash {
    let id = registered(s);
    s.world.does(COLLECTOR, review(id.as_bytes(), "gz.psb"));
    s.world.does(MANAGER, review(id.as_bytes(), "gz.bdb"));
    id
}

fn released(s: &mut Staged) -> Hash {
    let id = reviewed(s);
    s.world.does(USER, release(id.as_bytes(), "gz.hrss"));
    id
}

const REVIEWS: &[Case] = &[
    ("by the collector", OK, |s| {
        let id = registered(s);
        s.sign(COLLECTOR, review(id.as_bytes(), "gz.psb"))
    }),
    ("not, by the manager", OK, |s| {
        let id = registered(s);
        s.sign(MANAGER, disapprove(id.as_bytes(), "gz.bdb"))
    }),
    ("by its maker", Some("product.not_reviewer"), |s| {
        let id = registered(s);
        s.sign(USER, review(id.as_bytes(), "gz.hrss"))
    }),
    ("in another's name", Some("actor.other"), |s| {
        let id = registered(s);
        s.sign(USER, review(id.as_bytes(), "gz.psb"))
    }),
    ("by a machine", Some("identity.kind"), |s| {
        let id = registered(s);
        s.sign("gz.psb/gateway", review(id.as_bytes(), "gz.psb"))
    }),
    ("when all have", Some("product.state"), |s| {
        let id = reviewed(s);
        s.sign(COLLECTOR, disapprove(id.as_bytes(), "gz.psb"))
    }),
    ("when one refused", Some("product.state"), |s| {
        let id = registered(s);
        s.world.does(MANAGER, disapprove(id.as_bytes(), "gz.bdb"));
        s.sign(COLLECTOR, review(id.as_bytes(), "gz.psb"))
    }),
    ("of nothing", Some("product.unknown"), |s| s.sign(COLLECTOR, review(&[1; 32], "gz.psb"))),
];

const RELEASES: &[Case] = &[
    ("by its maker", OK, |s| {
        let id = reviewed(s);
        s.sign(USER, release(id.as_bytes(), "gz.hrss"))
    }),
    ("by a reviewer", Some("actor.other"), |s| {
        let id = reviewed(s);
        s.sign(COLLECTOR, release(id.as_bytes(), "gz.psb"))
    }),
    ("in its maker's name", Some("actor.other"), |s| {
        let id = reviewed(s);
        s.sign(COLLECTOR, release(id.as_bytes(), "gz.hrss"))
    }),
    ("by a machine", Some("identity.kind"), |s| {
        let id = reviewed(s);
        s.sign(APP, release(id.as_bytes(), "gz.hrss"))
    }),
    ("before all have reviewed", Some("product.state"), |s| {
        let id = registered(s);
        s.world.does(COLLECTOR, review(id.as_bytes(), "gz.psb"));
        s.sign(USER, release(id.as_bytes(), "gz.hrss"))
    }),
    ("twice", Some("product.state"), |s| {
        let id = released(s);
        s.sign(USER, release(id.as_bytes(), "gz.hrss"))
    }),
    ("on a grant that was revoked since", Some("product.marked"), |s| {
        let id = reviewed(s);
        s.world.does(MANAGER, revoke(&s.id("granted"), &s.asked(), "gz.bdb"));
        s.sign(USER, release(id.as_bytes(), "gz.hrss"))
    }),
    ("of nothing", Some("product.unknown"), |s| s.sign(USER, release(&[1; 32], "gz.hrss"))),
];

const EVALUATIONS: &[Case] = &[
    ("by a reviewer", OK, |s| {
        let id = released(s);
        s.sign(COLLECTOR, evaluate(id.as_bytes(), "gz.psb"))
    }),
    ("when it was recalled", OK, |s| {
        let id = released(s);
        s.world.does(USER, recall(id.as_bytes(), "gz.hrss"));
        s.sign(MANAGER, evaluate(id.as_bytes(), "gz.bdb"))
    }),
    ("by its maker", Some("product.not_reviewer"), |s| {
        let id = released(s);
        s.sign(USER, evaluate(id.as_bytes(), "gz.hrss"))
    }),
    ("before it was released", Some("product.state"), |s| {
        let id = reviewed(s);
        s.sign(COLLECTOR, evaluate(id.as_bytes(), "gz.psb"))
    }),
    ("by a machine", Some("identity.kind"), |s| {
        let id = released(s);
        s.sign("gz.psb/gateway", evaluate(id.as_bytes(), "gz.psb"))
    }),
    ("in another's name", Some("actor.other"), |s| {
        let id = released(s);
        s.sign(USER, evaluate(id.as_bytes(), "gz.psb"))
    }),
    ("of nothing", Some("product.unknown"), |s| s.sign(COLLECTOR, evaluate(&[1; 32], "gz.psb"))),
];

const RECALLS: &[Case] = &[
    ("by its maker", OK, |s| {
        let id = released(s);
        s.sign(USER, recall(id.as_bytes(), "gz.hrss"))
    }),
    ("by a reviewer", OK, |s| {
        let id = released(s);
        s.sign(MANAGER, recall(id.as_bytes(), "gz.bdb"))
    }),
    ("by somebody else", Some("product.not_reviewer"), |s| {
        let id = released(s);
        s.sign("gz.tax/officer", recall(id.as_bytes(), "gz.tax"))
    }),
    ("before it was released", Some("product.state"), |s| {
        let id = reviewed(s);
        s.sign(USER, recall(id.as_bytes(), "gz.hrss"))
    }),
    ("twice", Some("product.state"), |s| {
        let id = released(s);
        s.world.does(USER, recall(id.as_bytes(), "gz.hrss"));
        s.sign(USER, recall(id.as_bytes(), "gz.hrss"))
    }),
    ("by a machine", Some("identity.kind"), |s| {
        let id = released(s);
        s.sign(APP, recall(id.as_bytes(), "gz.hrss"))
    }),
    ("in another's name", Some("actor.other"), |s| {
        let id = released(s);
        s.sign(COLLECTOR, recall(id.as_bytes(), "gz.hrss"))
    }),
    ("of nothing", Some("product.unknown"), |s| s.sign(USER, recall(&[1; 32], "gz.hrss"))),
];

pub(crate) const TABLES: &[&[Case]] = &[REGISTRATIONS, REVIEWS, RELEASES, EVALUATIONS, RECALLS];

#[test]
fn who_does_what_with_a_product() {
    for table in TABLES {
        assert_eq!(run(table), named(table));
    }
}

fn product(s: &Staged, id: &Hash) -> Arc<wire::Product> {
    s.world.get(&Place::product(id.as_bytes()))
}

/// All who must approve are named; the last approval makes it reviewed, one refusal ends it.
#[test]
fn a_products_life() {
    let mut s = staged();
    let id = registered(&mut s);
    let reviewers: Vec<_> =
        product(&s, &id).reviews.iter().map(|it| it.department.clone()).collect();
    assert_eq!(reviewers, ["gz.bdb", "gz.psb"]);
    let mut states = vec![product(&s, &id).state()];
    s.world.does(COLLECTOR, review(id.as_bytes(), "gz.psb"));
    states.push(product(&s, &id).state());
    let mut refused = s.clone();
    s.world.does(MANAGER, review(id.as_bytes(), "gz.bdb"));
    states.push(product(&s, &id).state());
    s.world.does(USER, release(id.as_bytes(), "gz.hrss"));
    s.world.does(MANAGER, evaluate(id.as_bytes(), "gz.bdb"));
    states.push(product(&s, &id).state());
    s.world.does(COLLECTOR, recall(id.as_bytes(), "gz.psb"));
    s.world.does(COLLECTOR, evaluate(id.as_bytes(), "gz.psb"));
    states.push(product(&s, &id).state());
    let expected = [
        ProductState::Unspecified,
        ProductState::Unspecified,
        ProductState::Reviewed,
        ProductState::Released,
        ProductState::Recalled,
    ];
    assert_eq!((states.as_slice(), product(&s, &id).evaluations), (&expected[..], 2));
    refused.world.does(MANAGER, disapprove(id.as_bytes(), "gz.bdb"));
    assert_eq!(product(&refused, &id).state(), ProductState::Refused);
}

/// A revoked grant marks all that stands on it, and nothing else; what is released stays so.
#[test]
fn a_revoked_grant_marks_products() {
    let mut s = staged();
    let first = released(&mut s);
    let core = granted(&mut s, "civil.core");
    let both = [core, s.id("granted")];
    let second = on(&mut s, &both);
    let other = on(&mut s, &[core]);
    let revoked = s.id("granted");
    s.world.does(MANAGER, revoke(&revoked, &s.asked(), "gz.bdb"));
    let marked = |id: &Hash| {
        Kind::ProductMarked(wire::ProductMarked {
            product_id: id.to_vec(),
            department: "gz.hrss".into(),
            request_id: revoked.to_vec(),
        })
    };
    let told: Vec<_> = s.world.told().iter().map(|it| it.kind().clone()).collect();
    assert_eq!(told, [marked(&first), marked(&second)]);
    let marks = [first, second, other].map(|id| product(&s, &id).marks.len());
    assert_eq!(marks, [1, 1, 0]);
    assert_eq!(product(&s, &first).marks, [revoked.to_vec()]);
    assert_eq!(product(&s, &first).state(), ProductState::Released);
}

/// A department's product on one grant.
fn made_by(s: &mut Staged, department: &str, grant: &RequestId) -> Hash {
    let it = register_product(&[*grant]);
    let it = wire::RegisterProduct { department: department.into(), ..it };
    let tx = s.sign(&format!("{department}/officer"), it);
    let id = tx.header().made_id(IdKind::Product, 0);
    s.world.commit(vec![tx]);
    id
}

/// What was passed on ends with the grant above it, and marks as that does: revoked, not used up.
#[test]
fn what_hangs_from_a_grant_marks_with_it() {
    let quota = wire::Quota { queries_total: 1, ..wire::Quota::default() };
    for revoked in [true, false] {
        let mut s = staged();
        let [(top, _), (middle, asked), (low, _)] = delegation::chain(&mut s, quota);
        let on_top = on(&mut s, &[top]);
        let on_middle = made_by(&mut s, "gy.hrss", &middle);
        let on_low = made_by(&mut s, "gy.yy.hrss", &low);
        if revoked {
            s.world.does(MANAGER, revoke(&middle, &asked, "gz.bdb"));
        } else {
            let tx = s.record(|it| it.accesses[0].request_id = top.to_vec());
            s.world.commit(vec![tx]);
        }
        assert_eq!(grants::state(&s.world.grant(&low)), wire::GrantState::AncestorEnded);
        let marks = [on_top, on_middle, on_low].map(|id| product(&s, &id).marks.clone());
        let expected = if revoked {
            [vec![], vec![middle.to_vec()], vec![low.to_vec()]]
        } else {
            [vec![], vec![], vec![]]
        };
        assert_eq!(marks, expected, "revoked: {revoked}");
    }
}

/// Access in an emergency that was not one: what was made of it is marked, even where its time was
/// over by then.
#[test]
fn a_grant_that_is_not_ratified_marks_products() {
    for pause in [0, 2 * HOUR] {
        let mut s = staged();
        let grant = emergency::opened(&mut s);
        let id = on(&mut s, &[grant]);
        s.world.pause(pause);
        s.world.commit(Vec::new());
        assert_eq!(grants::has_ended(grants::state(&s.world.grant(&grant))), pause > 0);
        s.world.does(MANAGER, reject(&grant, &s.asked(), "gz.bdb"));
        assert_eq!(product(&s, &id).marks, [grant.to_vec()], "{pause}");
    }
}

/// A grant that ends by itself marks nothing: what was made while it stood was made rightly.
#[test]
fn a_grant_that_expires_marks_nothing() {
    let mut s = staged();
    let id = registered(&mut s);
    s.world.pause(366 * DAY);
    assert_eq!(product(&s, &id).marks, [[0; 0]; 0]);
}
