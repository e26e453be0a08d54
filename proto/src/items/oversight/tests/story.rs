//! From a request to its end: what the objects say of it.

use crate::ledger::{
    Object,
    tests::{
        items::{confirm, revoke},
        stage::{COLLECTOR, MANAGER, USER, staged},
    },
};
use crate::place::Place;
use crate::wire::{self, GrantState, RequestState};

/// The grant carries the three bodies, the approved terms, and its whole history.
#[test]
fn the_story_of_a_grant() {
    let mut stage = staged();
    let mut asked = stage.asked();
    let id = stage.world.asks(USER, &asked);
    asked.terms.as_mut().unwrap().operations = vec![wire::Operation::Read as i32];
    stage.world.does(COLLECTOR, crate::ledger::tests::items::approve(&id, &asked));
    stage.world.does(MANAGER, confirm(&id, &asked, "gz.bdb"));
    let confirmed = stage.world.tip().header.clone();
    stage.world.does(COLLECTOR, revoke(&id, &asked, "gz.bdb"));
    let revoked = stage.world.tip().header.clone();

    let Some(Object::Grant(it)) = stage.world.objects.get(&Place::grant(&id)) else {
        panic!("no grant");
    };
    let bodies = [&it.using_body, &it.collector_body, &it.manager_body];
    assert_eq!(bodies, ["hrss", "psb", "bdb"]);
    assert_eq!(it.terms, asked.terms);
    let step =
        |header: &crate::header::block::Header, state: GrantState, by: &str| wire::GrantStep {
            height: header.height.get(),
            time_ms: header.time.get(),
            state: state as i32,
            terms: None,
            by: by.into(),
        };
    let steps =
        [step(&confirmed, GrantState::Active, ""), step(&revoked, GrantState::Revoked, "gz.psb")];
    assert_eq!(it.steps, steps);
    let Some(Object::Request(it)) = stage.world.objects.get(&Place::request(&id)) else {
        panic!("no request");
    };
    assert_eq!(it.state(), RequestState::Granted);
    assert_eq!(it.changed_height, confirmed.height.get());
}

/// A request can be asked, decided and confirmed in one block: items see what stands before them.
#[test]
fn a_whole_story_in_one_block() {
    let mut stage = staged();
    let asked = stage.asked();
    let asking = stage.sign(USER, asked.clone());
    let id = asking.header().request_id(0);
    let deciding = stage.sign(COLLECTOR, crate::ledger::tests::items::approve(&id, &asked));
    let confirming = stage.sign(MANAGER, confirm(&id, &asked, "gz.bdb"));
    assert_eq!(stage.world.refusal(&deciding), Some((Some(0), "request.unknown")));
    stage.world.commit(vec![asking, deciding, confirming]);
    assert!(stage.world.objects.contains_key(&Place::grant(&id)));
}
