//! What validators themselves can't make a verifier believe: events that nobody signed, or that
//! are none of a trail's.

use super::prover::{self, events_of};
use super::scene::{FIRST_RECORD, checked, gateway_trail, refusal, scene, whole};
use crate::ledger::seal::trail_value;
use crate::ledger::tests::World;
use crate::ledger::tests::stage::{GATEWAY, Staged};
use crate::ledger::{Event, Object};
use crate::merkle::{Blake3Log, log};
use crate::place::Place;
use crate::tx::Tx;
use crate::wire::{self, Interval, RangeKind};
use prost::Message;

const WHOLE: (RangeKind, u64, u64) = (RangeKind::Whole, 0, 0);

/// Makes the validators certify that a trail has these events.
pub(super) fn certify_trail(world: &mut World, trail: &Place, events: &[Event]) {
    let root = log::root::<Blake3Log>(events.iter().map(|event| event.leaf.hash()));
    let value = trail_value(events.len() as u64, &root);
    world.trie = world.trie.with(vec![(trail.map_key(), value)]);
    world.commit(Vec::new());
}

/// The code by which a proof is refused that a trail has just these events.
pub(super) fn told(trail: &Place, events: &[Event]) -> Option<&'static str> {
    let mut world = scene().world;
    certify_trail(&mut world, trail, events);
    refusal(&world, &prover::stretch(&world, trail, events, WHOLE))
}

#[test]
fn an_event_that_does_not_name_the_trail() {
    let stage = scene();
    let records = events_of(&stage.world, &gateway_trail(&stage));
    let subject = Place::subject_trail("gz.psb", &[8; 32]);
    assert_eq!(told(&subject, &records), None);
    let stranger = Place::subject_trail("gz.psb", &[9; 32]);
    assert_eq!(told(&stranger, &records), Some("trail.stranger"));
    let key = stage.world.signer("gz.bdb/officer").key.public().key_id();
    assert_eq!(told(&Place::key_trail(&key), &records), Some("trail.stranger"));
}

#[test]
fn a_trail_out_of_order() {
    let stage = scene();
    let trail = gateway_trail(&stage);
    let mut records = events_of(&stage.world, &trail);
    records.swap(2, 3);
    assert_eq!(told(&trail, &records), Some("range.gap"));
    records.swap(2, 3);
    records[3] = records[2].clone();
    assert_eq!(told(&trail, &records), Some("range.gap"));
}

/// Events of a key are numbered by their signer: one that is left out shows.
#[test]
fn a_key_trail_with_an_event_left_out() {
    let stage = scene();
    let key = stage.world.signer(GATEWAY).key.public().key_id();
    let trail = Place::key_trail(&key);
    let records = events_of(&stage.world, &trail);
    assert_eq!(told(&trail, &records), None);
    for left_out in 0..records.len() {
        let mut records = records.clone();
        records.remove(left_out);
        let expected = (left_out < records.len()).then_some("trail.number");
        assert_eq!(told(&trail, &records), expected, "{left_out}");
    }
}

/// The last event of a key's trail can be left out only from a trail that stops there: nobody but
/// its signer, or one who noted a later size, can tell. What other trails hold shows it.
#[test]
fn the_omission_shows_beside_another_trail() {
    let stage = scene();
    let mut world = stage.world.clone();
    let key = Place::key_trail(&world.signer(GATEWAY).key.public().key_id());
    let mut records = events_of(&world, &key);
    let left_out = records.pop().unwrap();
    certify_trail(&mut world, &key, &records);
    let short = checked(&world, &prover::stretch(&world, &key, &records, WHOLE)).unwrap();
    let (kind, from, until) = WHOLE;
    let gateway = gateway_trail(&stage);
    let full = checked(&world, &prover::completeness(&world, &gateway, kind, from, until));
    let has = |events: Vec<&crate::verify::ProvedEvent>| {
        events.into_iter().any(|event| event.leaf == left_out.leaf)
    };
    assert!(has(full.unwrap().get().claim.events()));
    assert!(!has(short.get().claim.events()));
}

/// The validators take a transaction that its key did not sign.
#[test]
fn a_forged_signature() {
    let mut stage = scene();
    let good = stage.record(|_| {});
    for at in [0, 31, 32, 63] {
        let mut wire = wire::Transaction::decode(good.raw()).unwrap();
        wire.signature[at] ^= 1;
        let forged = Tx::parse(&wire.encode_to_vec()).unwrap();
        let mut world = stage.world.clone();
        world.commit(vec![forged]);
        let trace = prover::inclusion(&world, world.height().get(), 0);
        assert_eq!(refusal(&world, &trace), Some("signature.bad"), "byte {at}");
        let trail = gateway_trail(&stage);
        let trace = prover::completeness(&world, &trail, RangeKind::Whole, 0, 0);
        assert_eq!(refusal(&world, &trace), Some("signature.bad"), "byte {at}");
    }
    stage.world.commit(vec![good]);
    assert_eq!(refusal(&stage.world, &whole(&stage, &gateway_trail(&stage))), None);
}

/// The key, identity or department of the gateway, ended at a height.
fn ended(stage: &Staged, which: usize, until: u64) -> Staged {
    let mut stage = stage.clone();
    let standing = vec![Interval {
        until_height: Some(until),
        until_time_ms: Some(u64::MAX),
        ..Default::default()
    }];
    let places = [
        Place::key(&stage.world.signer(GATEWAY).key.public().key_id()),
        Place::identity(&stage.identity(GATEWAY)),
        Place::department("gz.psb"),
    ];
    let object: Object = match &stage.world.objects[&places[which]] {
        Object::Key(it) => wire::Key { standing, ..(**it).clone() }.into(),
        Object::Identity(it) => wire::Identity { standing, ..(**it).clone() }.into(),
        Object::Department(it) => wire::Department { standing, ..(**it).clone() }.into(),
        other => panic!("{other:?}"),
    };
    stage.world.doctor(places[which].clone(), Some(object));
    stage.world.commit(Vec::new());
    stage
}

/// A signature counts if the key was in force at its block; a later end unmakes nothing.
#[test]
fn a_signer_that_was_not_in_force() {
    let stage = scene();
    for which in 0..3 {
        for (until, expected) in [
            (FIRST_RECORD, Some("signer.not_in_force")),
            (FIRST_RECORD + 1, None),
            (FIRST_RECORD + 100, None),
        ] {
            let stage = ended(&stage, which, until);
            let trace = prover::inclusion(&stage.world, FIRST_RECORD, 0);
            assert_eq!(refusal(&stage.world, &trace), expected, "{which} until {until}");
        }
        let last = ended(&stage, which, FIRST_RECORD + 3);
        let trace = whole(&last, &gateway_trail(&last));
        assert_eq!(refusal(&last.world, &trace), Some("signer.not_in_force"));
    }
}

/// The key's object names another signer than the transaction states.
#[test]
fn a_key_of_another_department() {
    let mut stage = scene();
    let place = Place::key(&stage.world.signer(GATEWAY).key.public().key_id());
    let Object::Key(key) = stage.world.objects[&place].clone() else {
        panic!("no key");
    };
    let bends: [fn(&mut wire::Key); 3] = [
        |key| key.department = "gz.hrss".into(),
        |key| key.identity_id = vec![1; 32],
        |key| {
            key.public_key =
                crate::suite::sign::PrivateKey::from_seed(&[1; 32]).public().as_bytes().to_vec()
        },
    ];
    for bend in bends {
        let mut other = (*key).clone();
        bend(&mut other);
        stage.world.doctor(place.clone(), Some(other.into()));
        stage.world.commit(Vec::new());
        let trace = prover::inclusion(&stage.world, FIRST_RECORD, 0);
        assert_eq!(refusal(&stage.world, &trace), Some("signer.mismatch"));
    }
}
