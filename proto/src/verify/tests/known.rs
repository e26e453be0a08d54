//! Objects at one header: true ones are known, bent ones never are.

use super::prover;
use super::scene::scene;
use crate::ledger::tests::World;
use crate::place::Place;
use crate::types::limits;
use crate::verify::{NotVerified, known};
use crate::wire::{self, ObjectsProof};
use prost::Message;

/// Public security's department and the parameters; and that nobody is called so.
fn proof(world: &World) -> ObjectsProof {
    let there = [Place::department("gz.psb"), Place::parameters()];
    ObjectsProof {
        anchor: Some(wire::Anchor {
            header: world.tip().header.to_bytes().to_vec(),
            certificate: world.tip().certificate.clone(),
            ..Default::default()
        }),
        objects: there.iter().map(|place| prover::object(world, place)).collect(),
        absent: vec![absent(world, &Place::department("gz.none"))],
    }
}

fn absent(world: &World, place: &Place) -> wire::AbsentObject {
    let path = Some(world.trie.prove(&place.map_key()).to_wire());
    wire::AbsentObject { kind: place.kind().into(), id: place.id().to_vec(), path }
}

fn refused(world: &World, proof: &ObjectsProof) -> Option<&'static str> {
    match known(&world.founding, &proof.encode_to_vec()) {
        Ok(_) => None,
        Err(NotVerified::Invalid(why)) => Some(why.code),
        Err(NotVerified::Undecidable(_)) => Some("undecidable"),
    }
}

#[test]
fn what_stands_and_what_does_not() {
    let world = scene().world;
    let found = known(&world.founding, &proof(&world).encode_to_vec()).unwrap().into_inner();
    assert_eq!(found.header, world.tip().header);
    assert_eq!(found.objects.len(), 3);
    for (place, object) in &found.objects {
        assert_eq!(object.as_ref(), world.objects.get(place), "{place:?}");
    }
}

/// Whatever byte is bent: it is refused, or says the same.
#[test]
fn no_bent_byte_says_something_else() {
    let world = scene().world;
    let bytes = proof(&world).encode_to_vec();
    let honest = known(&world.founding, &bytes).unwrap().into_inner();
    let mut refused = 0;
    for at in 0..bytes.len() {
        let mut bent = bytes.clone();
        bent[at] ^= 1;
        match known(&world.founding, &bent) {
            Err(_) => refused += 1,
            Ok(it) => assert_eq!(it.get().objects, honest.objects, "byte {at}"),
        }
    }
    assert_eq!(refused, bytes.len());
}

#[test]
fn what_a_liar_would_give() {
    let world = scene().world;
    type Bend = fn(&World, &mut ObjectsProof);
    let cases: [(&str, Bend); 8] = [
        ("anchor.none", |_, it| it.anchor = None),
        ("certificate.none", |_, it| it.anchor.as_mut().unwrap().certificate = None),
        // The header before, with the certificate of this one.
        ("certificate.bad", |world, it| {
            let before = &world.blocks[world.blocks.len() - 2].header;
            it.anchor.as_mut().unwrap().header = before.to_bytes().to_vec();
        }),
        // Each with the other's path.
        ("object.path", |_, it| {
            let [one, other] = it.objects.as_mut_slice() else { panic!() };
            std::mem::swap(&mut one.path, &mut other.path);
        }),
        ("object.twice", |_, it| it.objects[1] = it.objects[0].clone()),
        // That there is none where one is.
        ("absence.object", |world, it| it.absent[0] = absent(world, &Place::department("gz.psb"))),
        ("object.twice", |_, it| it.absent.push(it.absent[0].clone())),
        ("file.limits", |_, it| it.absent = vec![it.absent[0].clone(); limits::OBJECTS_PROVED]),
    ];
    for (code, bend) in cases {
        let mut proof = proof(&world);
        bend(&world, &mut proof);
        assert_eq!(refused(&world, &proof), Some(code));
    }
}
