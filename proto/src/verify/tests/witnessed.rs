//! Files with a checkpoint that a witness cosigned.

use super::scene::{middle, scene};
use super::structure::{Case, run};
use crate::header::{
    checkpoint::Checkpoint,
    note::{Kind, Note, VerifierKey, sign},
};
use crate::ledger::tests::stage::Staged;
use crate::merkle::{Sha256Log, inclusion};
use crate::suite::sign::PrivateKey;
use crate::types::Hash;
use crate::verify::{Caveat, verify, verify_witnessed};
use crate::wire::{Trace, Witnessed};
use prost::Message;

const NAME: &str = "gz.audit/witness";
/// When it signed, seconds since the Unix epoch.
const TIME: u64 = 1_790_000_000;

fn private() -> PrivateKey {
    PrivateKey::from_seed(&[77; 32])
}

/// The witness that verifiers of these tests know.
pub(super) fn witness() -> VerifierKey {
    VerifierKey::new(NAME, Kind::Cosignature, private().public()).unwrap()
}

/// A note of the checkpoint that ends with the scene's last header: signed by the witness, and by another.
fn note(stage: &Staged) -> Note {
    let (headers, chain) = (&stage.world.headers, stage.world.founding.chain());
    let size = stage.world.tip().header.height.get() + 1;
    let text = Checkpoint { chain, size, root: headers.root_at(size) }.text();
    let stranger =
        sign("a.stranger", Kind::Cosignature, &PrivateKey::from_seed(&[78; 32]), &text, 1);
    let own = sign(NAME, Kind::Cosignature, &private(), &text, TIME);
    Note { text, lines: vec![stranger.unwrap(), own.unwrap()] }
}

/// A proof of a trail, witnessed.
pub(super) fn witnessed(stage: &Staged) -> Trace {
    let height = stage.world.tip().header.height.get();
    let path = inclusion::prove::<Sha256Log, _>(&stage.world.headers, height, height + 1);
    let path = path.unwrap().unwrap().iter().map(|it| it.to_vec()).collect();
    let witnessed = Witnessed { note: note(stage).to_string(), path };
    Trace { witnessed: Some(witnessed), ..middle(stage) }
}

fn given(trace: &mut Trace) -> &mut Witnessed {
    trace.witnessed.as_mut().unwrap()
}

/// The note of another checkpoint, well signed by the witness.
fn resigned(trace: &mut Trace, bend: impl FnOnce(Checkpoint) -> Checkpoint) {
    let known = Checkpoint::parse(&given(trace).note).unwrap();
    let text = bend(known).text();
    let own = sign(NAME, Kind::Cosignature, &private(), &text, TIME).unwrap();
    given(trace).note = Note { text, lines: vec![own] }.to_string();
}

pub(super) const BENT: &[Case] = &[
    ("no note", "witness.malformed", |_, t| given(t).note.clear()),
    ("a note without a signature", "witness.malformed", |_, t| {
        let note = given(t).note.clone();
        given(t).note = note.split("\n\n").next().unwrap().to_owned();
    }),
    ("a note that is no checkpoint", "witness.malformed", |_, t| {
        let note = &mut given(t).note;
        *note = note.replace("liuhen/", "lu/");
    }),
    ("of another chain", "chain.other", |_, t| {
        resigned(t, |it| Checkpoint { chain: crate::types::ChainId::ZERO, ..it });
    }),
    ("of more headers than the path says", "witness.path", |_, t| {
        resigned(t, |it| Checkpoint { size: it.size + 1, ..it });
    }),
    ("of fewer headers, without the anchor", "witness.path", |s, t| {
        let root = s.world.headers.root_at(3);
        resigned(t, |it| Checkpoint { size: 3, root, ..it });
    }),
    ("of another root", "witness.path", |_, t| {
        resigned(t, |it| Checkpoint { root: Hash::ZERO, ..it });
    }),
    ("a log with another history before the anchor", "witness.path", |s, t| {
        let tip = &s.world.tip().header;
        let mut path: Vec<Hash> =
            given(t).path.iter().map(|it| Hash::from_slice(it).unwrap()).collect();
        path[0] = Hash::new([5; 32]);
        given(t).path = path.iter().map(|it| it.to_vec()).collect();
        let (height, id) = (tip.height.get(), Hash::new(*tip.block_id().as_bytes()));
        let root = inclusion::root_from_path::<Sha256Log>(height, height + 1, id, &path).unwrap();
        resigned(t, |it| Checkpoint { root, ..it });
    }),
    ("a path of one hash less", "witness.path", |_, t| {
        given(t).path.pop();
    }),
    ("a path of one hash more", "witness.path", |_, t| {
        given(t).path.push(vec![0; 32]);
    }),
    ("a hash of 31 bytes", "hash.length", |_, t| given(t).path[0].truncate(31)),
    ("signed for another time", "witness.signature", |_, t| {
        let mut note = Note::parse(&given(t).note).unwrap();
        note.lines[1].signature[7] ^= 1;
        given(t).note = note.to_string();
    }),
    ("signed by another key under the witness's name and hash", "witness.signature", |_, t| {
        let mut note = Note::parse(&given(t).note).unwrap();
        note.lines[1].signature = note.lines[0].signature.clone();
        given(t).note = note.to_string();
    }),
];

#[test]
fn bent_files() {
    run(witnessed, BENT);
}

#[test]
fn who_knows_the_witness_is_told_of_it() {
    let stage = scene();
    let (founding, bytes) = (&stage.world.founding, witnessed(&stage).encode_to_vec());
    let verified = verify_witnessed(founding, &[witness()], &bytes).unwrap();
    let statement = verified.get();
    let [seen] = statement.witnesses.as_slice() else { panic!("{:?}", statement.witnesses) };
    assert_eq!((seen.name.as_str(), seen.time), (NAME, TIME));
    assert!(!statement.caveats.contains(&Caveat::NoWitness));

    let stranger =
        VerifierKey::new(NAME, Kind::Cosignature, PrivateKey::from_seed(&[79; 32]).public());
    let log = VerifierKey::new(NAME, Kind::Ed25519, private().public());
    for known in [vec![], vec![stranger.unwrap(), log.unwrap()]] {
        let verified = verify_witnessed(founding, &known, &bytes).unwrap();
        assert!(verified.get().witnesses.is_empty());
        assert!(verified.get().caveats.contains(&Caveat::NoWitness));
    }
    // A line that is nobody's whom the verifier knows does not count, whatever it is.
    let mut trace = witnessed(&stage);
    let mut note = note(&stage);
    note.lines[0].signature[70] ^= 1;
    given(&mut trace).note = note.to_string();
    let verified = verify_witnessed(founding, &[witness()], &trace.encode_to_vec()).unwrap();
    assert_eq!(verified.get().witnesses.len(), 1);
}

#[test]
fn every_byte_of_the_note_counts() {
    let stage = scene();
    let good = note(&stage);
    let whole = good.to_string();
    for at in 0..whole.len() {
        for bit in [1u8, 0x20] {
            let mut bytes = whole.clone().into_bytes();
            bytes[at] ^= bit;
            let Ok(note) = String::from_utf8(bytes) else { continue };
            let mut trace = witnessed(&stage);
            given(&mut trace).note = note;
            let bytes = trace.encode_to_vec();
            let Ok(verified) = verify_witnessed(&stage.world.founding, &[witness()], &bytes) else {
                continue;
            };
            // Only the stranger's line may be another, or the witness's that of a stranger.
            let read = Note::parse(&given(&mut trace).note).unwrap();
            assert_eq!(read.text, good.text, "byte {at}");
            let own = read.lines.contains(&good.lines[1]);
            assert_eq!(!verified.get().witnesses.is_empty(), own, "byte {at}");
            assert_eq!(verified.get().caveats.contains(&Caveat::NoWitness), !own, "byte {at}");
        }
    }
    let plain = middle(&stage).encode_to_vec();
    assert!(verify(&stage.world.founding, &plain).is_ok());
}
