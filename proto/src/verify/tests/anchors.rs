//! The anchor: who certified it, and how the validators came to be those.

use super::scene::{checked, included, middle, refusal, scene};
use crate::header::{
    block::Header,
    certificate::tests::sign as certify,
    checkpoint::Checkpoint,
    founding::Founding,
    validators::{
        ValidatorSet,
        tests::{set_of, wire_of},
    },
};
use crate::ledger::tests::World;
use crate::ledger::tests::founders::genesis;
use crate::ledger::tests::items::{propose, vote};
use crate::ledger::tests::stage::USER;
use crate::merkle::{Sha256Log, inclusion};
use crate::suite::sign::PrivateKey;
use crate::types::Hash;
use crate::verify::{NotVerified, verify};
use crate::wire::{self, Anchor, Trace, ValidatorChange, propose::Change};
use prost::Message;

fn anchor(trace: &mut Trace) -> &mut Anchor {
    trace.anchor.as_mut().unwrap()
}

/// A certificate of a header by these keys.
fn signed(header: &Header, keys: &[&PrivateKey]) -> Option<wire::Certificate> {
    Some(certify(keys, &header.chain, header.height, &header.block_id()))
}

/// What becomes of a proof whose anchor these keys signed.
fn by(world: &World, keys: &[&PrivateKey]) -> Option<&'static str> {
    let mut trace = middle(&scene());
    anchor(&mut trace).certificate = signed(&world.tip().header, keys);
    refusal(world, &trace)
}

#[test]
fn only_a_quorum_of_this_chain_certifies() {
    let world = scene().world;
    let [a, b, c, d] = world.validators.as_slice() else {
        panic!("four validators");
    };
    assert_eq!(by(&world, &[a, b, c]), None);
    assert_eq!(by(&world, &[a, b, c, d]), None);
    let stranger = PrivateKey::from_seed(&[1; 32]);
    let mut with_stranger = vec![a, b, c, &stranger];
    with_stranger.sort_by_key(|key| key.public().key_id());
    let bad: [&[&PrivateKey]; 6] =
        [&[], &[a, b], &[a, a, b], &[a, b, b, c], &[a, c, b], &with_stranger];
    for keys in bad {
        assert_eq!(by(&world, keys), Some("certificate.bad"));
    }

    let mut trace = middle(&scene());
    anchor(&mut trace).certificate = None;
    assert_eq!(refusal(&world, &trace), Some("certificate.none"));
    // Of the block before; of the same header's votes for another chain; with another round.
    anchor(&mut trace).certificate = world.blocks[world.blocks.len() - 2].certificate.clone();
    assert_eq!(refusal(&world, &trace), Some("certificate.bad"));
    let (header, other) = (&world.tip().header, World::founded("dev-other").founding.chain());
    let foreign = certify(&[a, b, c], &other, header.height, &header.block_id());
    anchor(&mut trace).certificate = Some(foreign);
    assert_eq!(refusal(&world, &trace), Some("certificate.bad"));
    anchor(&mut trace).certificate = signed(header, &[a, b, c]);
    anchor(&mut trace).certificate.as_mut().unwrap().round = 1;
    assert_eq!(refusal(&world, &trace), Some("certificate.bad"));
}

#[test]
fn another_genesis() {
    let world = scene().world;
    for trace in [middle(&scene()), included(&scene())] {
        let mut document = genesis("dev-stage");
        assert!(verify(&Founding::new(document.clone()).unwrap(), &trace.encode_to_vec()).is_ok());
        document.time_ms += 1;
        let other = Founding::new(document).unwrap();
        let Err(NotVerified::Invalid(why)) = verify(&other, &trace.encode_to_vec()) else {
            panic!("a proof of another chain");
        };
        assert_eq!(why.code, "chain.other");
        // Though the file says so, its headers are not of that chain.
        let mut trace = trace;
        trace.chain_id = other.chain().to_vec();
        assert!(verify(&other, &trace.encode_to_vec()).is_err());
        assert_eq!(refusal(&world, &trace), Some("chain.other"));
    }
}

/// A header that the validators signed, bent before they did.
fn bent(bend: impl FnOnce(&mut Header)) -> Option<&'static str> {
    let world = scene().world;
    let mut header = world.tip().header.clone();
    bend(&mut header);
    let mut trace = middle(&scene());
    anchor(&mut trace).header = header.to_bytes().to_vec();
    let keys: Vec<_> = world.validators.iter().collect();
    anchor(&mut trace).certificate = signed(&header, &keys);
    refusal(&world, &trace)
}

#[test]
fn headers_that_validators_signed() {
    assert_eq!(bent(|_| {}), None);
    assert_eq!(bent(|it| it.suite = 2), Some("undecidable"));
    assert_eq!(bent(|it| it.protocol = 2), Some("undecidable"));
    assert_eq!(bent(|it| it.validators_hash = Hash::ZERO), Some("anchor.validators"));
    assert_eq!(bent(|it| it.map_root = Hash::ZERO), Some("object.path"));
    assert_eq!(bent(|it| it.height = crate::types::Height::GENESIS), Some("anchor.genesis"));
    assert_eq!(bent(|it| it.time = crate::types::TimeMs::new(1)), Some("event.later"));
}

#[test]
fn genesis_needs_no_certificate_and_takes_none() {
    let world = World::founded("dev-genesis");
    let trail = crate::place::Place::dataset_trail("none");
    let whole = (wire::RangeKind::Whole, 0, 0);
    let good = super::prover::stretch(&world, &trail, &[], whole);
    assert_eq!(refusal(&world, &good), None);
    let bends: [fn(&mut Anchor, &World); 3] = [
        |it, world| it.certificate = signed(&world.tip().header, &[&world.validators[0]]),
        |it, _| it.changes.push(ValidatorChange::default()),
        |it, _| it.header[100] ^= 1,
    ];
    for bend in bends {
        let mut trace = good.clone();
        bend(anchor(&mut trace), &world);
        assert_eq!(refusal(&world, &trace), Some("anchor.genesis"));
    }
}

/// A chain whose validators changed twice, told by hand.
struct Changed {
    world: World,
    sets: [(ValidatorSet, Vec<PrivateKey>); 2],
    trace: Trace,
}

fn change(header: &Header, signers: &[PrivateKey], next: &[PrivateKey]) -> ValidatorChange {
    let keys: Vec<_> = signers.iter().collect();
    ValidatorChange {
        header: header.to_bytes().to_vec(),
        certificate: signed(header, &keys),
        next: Some(wire::ValidatorSet { validators: next.iter().map(wire_of).collect() }),
    }
}

fn changed() -> Changed {
    let world = scene().world;
    let sets = [set_of(&[1, 2, 3, 4]), set_of(&[4, 5, 6])];
    let mut first = world.blocks[2].header.clone();
    first.next_validators_hash = sets[0].0.hash();
    let mut second = world.blocks[4].header.clone();
    second.validators_hash = sets[0].0.hash();
    second.next_validators_hash = sets[1].0.hash();
    let mut tip = world.tip().header.clone();
    tip.validators_hash = sets[1].0.hash();
    let mut trace = middle(&scene());
    let last: Vec<_> = sets[1].1.iter().collect();
    *anchor(&mut trace) = Anchor {
        header: tip.to_bytes().to_vec(),
        certificate: signed(&tip, &last),
        changes: vec![
            change(&first, &world.validators, &sets[0].1),
            change(&second, &sets[0].1, &sets[1].1),
        ],
        pin: None,
    };
    Changed { world, sets, trace }
}

#[test]
fn validators_may_change() {
    let it = changed();
    assert!(checked(&it.world, &it.trace).is_ok());
    let refused = |bend: &dyn Fn(&mut Anchor)| {
        let mut trace = it.trace.clone();
        bend(anchor(&mut trace));
        refusal(&it.world, &trace)
    };
    let invalid = Some("anchor.validators");
    assert_eq!(refused(&|a| a.changes.clear()), invalid);
    assert_eq!(refused(&|a| drop(a.changes.remove(0))), invalid);
    assert_eq!(refused(&|a| drop(a.changes.pop())), invalid);
    assert_eq!(refused(&|a| a.changes.swap(0, 1)), invalid);
    assert_eq!(refused(&|a| a.changes[0].next = None), invalid);
    assert_eq!(refused(&|a| a.changes[0].next = a.changes[1].next.clone()), invalid);
    assert_eq!(refused(&|a| a.changes[0].certificate = None), Some("certificate.none"));
    assert_eq!(
        refused(&|a| drop(a.changes[0].certificate.as_mut().unwrap().signatures.drain(2..))),
        Some("certificate.bad")
    );
    let twice = |a: &mut Anchor| a.changes.insert(1, a.changes[0].clone());
    assert_eq!(refused(&twice), Some("anchor.changes"));
    let many = |a: &mut Anchor| a.changes = vec![ValidatorChange::default(); 10_001];
    assert_eq!(refused(&many), Some("file.limits"));
}

/// A change that the ledger made: the header behind the block that passed it names the new set.
#[test]
fn a_change_by_proposal() {
    let mut stage = scene();
    let doubled = wire::Validator { power: 2, ..wire_of(&stage.world.validators[3]) };
    let change = wire::SetValidator { validator: Some(doubled.clone()), peer: None };
    let proposing = stage.sign(USER, propose("gz.hrss", Change::SetValidator(change)));
    let id = proposing.header().proposal_id(0);
    stage.world.commit(vec![proposing]);
    for code in ["gz.bdb", "gz.hrss", "gz.psb"] {
        stage.world.does(&format!("{code}/officer"), vote(code, &id, true));
    }
    let world = &mut stage.world;
    let passed = usize::try_from(world.height().get()).unwrap();
    world.commit(Vec::new());
    world.commit(Vec::new());
    let old: Vec<_> = world.validators.iter().collect();
    let mut next: Vec<_> = old.iter().map(|key| wire_of(key)).collect();
    next[3] = doubled;
    let changing = &world.blocks[passed + 1].header;
    let change = ValidatorChange {
        header: changing.to_bytes().to_vec(),
        certificate: signed(changing, &old),
        next: Some(wire::ValidatorSet { validators: next }),
    };
    let trail = crate::place::Place::governance_trail();
    let mut trace = super::prover::completeness(world, &trail, wire::RangeKind::Whole, 0, 0);
    anchor(&mut trace).certificate = signed(&world.tip().header, &old);
    assert_eq!(refusal(world, &trace), Some("anchor.validators"));
    anchor(&mut trace).changes.push(change);
    assert_eq!(refusal(world, &trace), None);
    // Three of five votes are no quorum any more; four are, two of them of one validator.
    anchor(&mut trace).certificate = signed(&world.tip().header, &old[..3]);
    assert_eq!(refusal(world, &trace), Some("certificate.bad"));
    anchor(&mut trace).certificate = signed(&world.tip().header, &old[1..]);
    assert_eq!(refusal(world, &trace), None);
}

/// A change at or above the anchor, or to the same set, changes nothing, and is refused.
#[test]
fn changes_that_are_none() {
    let it = changed();
    let mut same = it.world.blocks[2].header.clone();
    same.next_validators_hash = same.validators_hash;
    let mut trace = it.trace.clone();
    anchor(&mut trace).changes[0] = change(&same, &it.world.validators, &it.world.validators);
    assert_eq!(refusal(&it.world, &trace), Some("anchor.validators"));

    let mut late = it.world.tip().header.clone();
    late.validators_hash = it.sets[0].0.hash();
    late.next_validators_hash = it.sets[1].0.hash();
    let mut trace = it.trace.clone();
    anchor(&mut trace).changes[1] = change(&late, &it.sets[0].1, &it.sets[1].1);
    assert_eq!(refusal(&it.world, &trace), Some("anchor.changes"));
}

/// A checkpoint that ends with a header, and the pin by which a file reaches it.
fn pinned(header: &Header, next: &[PrivateKey]) -> (Checkpoint, wire::Pin) {
    let (height, id) = (header.height.get(), Hash::new(*header.block_id().as_bytes()));
    let path: Vec<Hash> = (0..height.count_ones()).map(|_| Hash::new([3; 32])).collect();
    let size = height + 1;
    let root = inclusion::root_from_path::<Sha256Log>(height, size, id, &path).unwrap();
    let pin = wire::Pin {
        size,
        header: header.to_bytes().to_vec(),
        path: path.iter().map(|it| it.to_vec()).collect(),
        next: Some(wire::ValidatorSet { validators: next.iter().map(wire_of).collect() }),
    };
    (Checkpoint { chain: header.chain, size, root }, pin)
}

/// From a checkpoint, only the changes behind it travel with a proof.
#[test]
fn a_checkpoint_before_between_and_behind_changes() {
    let it = changed();
    let [first, second] = it.trace.anchor.as_ref().unwrap().changes.as_slice() else {
        panic!("two changes");
    };
    let header = |it: &ValidatorChange| Header::from_bytes(&it.header).unwrap();
    let mut between = it.world.blocks[3].header.clone();
    between.validators_hash = it.sets[0].0.hash();
    between.next_validators_hash = it.sets[0].0.hash();
    let before = it.world.blocks[1].header.clone();
    let [one, two] = [&it.sets[0].1, &it.sets[1].1];
    // Where trust begins, who signs behind it, and how many of the changes come after.
    let cases = [
        (before, &it.world.validators, 2),
        (header(first), one, 1),
        (between, one, 1),
        (header(second), two, 0),
    ];
    let all = [first.clone(), second.clone()];
    for (last, signers, after) in cases {
        let (checkpoint, pin) = pinned(&last, signers);
        for given in 0..=2 {
            let mut trace = it.trace.clone();
            anchor(&mut trace).pin = Some(pin.clone());
            anchor(&mut trace).changes = all[2 - given..].to_vec();
            let found = verify(checkpoint, &trace.encode_to_vec());
            assert_eq!(found.is_ok(), given == after, "from {}: {given}", last.height);
        }
    }
}
