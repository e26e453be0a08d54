//! A corpus of proof files with the verdicts that they must have, for whoever writes another verifier.
//!
//! `scripts/vectors FOLDER` writes it; here its digest is held to the one that is published.

#![allow(
    clippy::disallowed_methods,
    reason = "the corpus is written where the reader asks; the core itself writes nothing"
)]

use super::{authorised, claims, conflicts, departments, prover, scene, stretches, structure};
use super::{subjects, told, witnessed};
use crate::ledger::tests::stage::{GATEWAY, Staged};
use crate::place::Place;
use crate::types::TxId;
use crate::verify::{NotVerified, verify_witnessed};
use crate::wire::{RangeKind, Trace};
use prost::Message;
use sha2::{Digest, Sha256};
use structure::Case;

/// Names the SHA-256 of the list.
const SPEC: &str = include_str!("../../../../docs/spec/proofs.md");

type Table = (&'static str, fn(&Staged) -> Trace, &'static [Case]);

const TABLES: [Table; 19] = [
    ("frame", scene::middle, structure::FRAME),
    ("block", scene::included, structure::BLOCK),
    ("nothing", scene::nothing, structure::NOTHING),
    ("events", scene::middle, stretches::EVENTS),
    ("stretch", scene::middle, stretches::STRETCH),
    ("range", scene::middle, stretches::RANGE),
    ("story", told::mixed, told::STORY),
    ("alone", told::integrity, told::ALONE),
    ("told", told::included, told::INCLUDED),
    ("chain", claims::chain, claims::CHAIN),
    ("trail", claims::trail, claims::TRAIL),
    ("state", claims::an_object, claims::STATE),
    ("absent", claims::absent, claims::ABSENT),
    ("authorised", authorised::batched, authorised::BENT),
    ("department", departments::collector, departments::BENT),
    ("subject", subjects::in_one, subjects::BENT),
    ("witnessed", witnessed::witnessed, witnessed::BENT),
    ("evidence", |_| conflicts::two_worlds(), &[]),
    ("behind", |_| conflicts::changed_behind(), &[]),
];

/// A file, and what a verifier must say of it.
struct Sample {
    name: String,
    bytes: Vec<u8>,
    verdict: &'static str,
    /// The code of INVALID.
    code: &'static str,
}

impl Sample {
    fn of(stage: &Staged, name: String, bytes: Vec<u8>) -> Self {
        let (verdict, code) =
            match verify_witnessed(&stage.world.founding, &[witnessed::witness()], &bytes) {
                Ok(_) => ("VALID", ""),
                Err(NotVerified::Undecidable(_)) => ("UNDECIDABLE", ""),
                Err(NotVerified::Invalid(why)) => ("INVALID", why.code),
            };
        Self { name, bytes, verdict, code }
    }

    /// A line of the list: file, SHA-256 of it, verdict, code.
    fn line(&self) -> String {
        let digest = hex::encode(Sha256::digest(&self.bytes));
        let code = if self.code.is_empty() { "-" } else { self.code };
        format!("{}.trace {digest} {} {code}\n", self.name, self.verdict)
    }
}

fn corpus() -> Vec<Sample> {
    let stage = scene::scene();
    let mut samples = Vec::new();
    for (table, make, cases) in TABLES {
        let good = make(&stage);
        samples.push(Sample::of(&stage, format!("{table}-good"), good.encode_to_vec()));
        for (number, (_, code, bend)) in cases.iter().enumerate() {
            let mut bent = good.clone();
            bend(&stage, &mut bent);
            let sample = Sample::of(&stage, format!("{table}-{number:02}"), bent.encode_to_vec());
            assert!(sample.code == *code || *code == "undecidable", "{table} {number}");
            samples.push(sample);
        }
    }
    let world = &stage.world;
    let key = Place::key_trail(&world.signer(GATEWAY).key.public().key_id());
    let times = (world.blocks[7].header.time.get(), world.blocks[9].header.time.get());
    let more = [
        ("key-good", scene::whole(&stage, &key)),
        ("times-good", prover::completeness(world, &key, RangeKind::Times, times.0, times.1)),
        ("no-object", prover::no_object(world, &Place::department("gz.nobody"))),
        ("no-number", prover::no_number(world, &key, 1000)),
        ("no-transaction", prover::no_transaction(world, &key, &TxId::new([7; 32]))),
        (
            "subject-of-all",
            prover::subject(world, &[("gz.psb", [8; 32])], (RangeKind::Whole, 0, 0)),
        ),
    ];
    for (name, trace) in more {
        samples.push(Sample::of(&stage, name.into(), trace.encode_to_vec()));
    }
    let (stage, unknowns) = authorised::unknowns();
    for (name, _, trace) in unknowns {
        samples.push(Sample::of(&stage, format!("unknown-{name}"), trace.encode_to_vec()));
    }
    let open = subjects::left_open();
    let of_all = prover::subject(&open.world, &[("gz.psb", [8; 32])], (RangeKind::Whole, 0, 0));
    let gateways = scene::whole(&open, &scene::gateway_trail(&open));
    for (name, trace) in [("unknown-subject", of_all), ("unknown-gateway", gateways)] {
        samples.push(Sample::of(&open, name.into(), trace.encode_to_vec()));
    }
    let stage = scene::scene();
    // One byte in 29 flipped, and cut off.
    for (name, make) in [("middle", scene::middle as fn(&Staged) -> Trace), ("told", told::mixed)] {
        let bytes = make(&stage).encode_to_vec();
        for at in (0..bytes.len()).step_by(29) {
            let mut bent = bytes.clone();
            bent[at] ^= 1 << (at % 8);
            samples.push(Sample::of(&stage, format!("flip-{name}-{at:05}"), bent));
        }
        for at in (0..bytes.len()).step_by(997) {
            let cut = bytes[..at].to_vec();
            samples.push(Sample::of(&stage, format!("cut-{name}-{at:05}"), cut));
        }
    }
    samples
}

#[test]
fn the_corpus_is_the_published_one() {
    let samples = corpus();
    let list: String = samples.iter().map(Sample::line).collect();
    if let Some(folder) = std::env::var_os("LIUHEN_VECTORS") {
        let folder = std::path::PathBuf::from(folder);
        std::fs::create_dir_all(&folder).unwrap();
        for it in &samples {
            std::fs::write(folder.join(format!("{}.trace", it.name)), &it.bytes).unwrap();
        }
        let genesis = scene::scene().world.founding.document().encode_to_vec();
        std::fs::write(folder.join("genesis.pb"), genesis).unwrap();
        std::fs::write(folder.join("witness.vkey"), format!("{}\n", witnessed::witness())).unwrap();
        std::fs::write(folder.join("verdicts.txt"), &list).unwrap();
    }
    let count = |verdict: &str| samples.iter().filter(|it| it.verdict == verdict).count();
    assert!(count("VALID") >= 20 && count("UNDECIDABLE") >= 5 && count("INVALID") > 300, "{list}");
    let mut names: Vec<&str> = samples.iter().map(|it| it.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), samples.len(), "two files of one name");
    let (files, digest) = (samples.len(), hex::encode(Sha256::digest(list.as_bytes())));
    let published = SPEC.contains(&format!("{files} files, `{digest}`"));
    assert!(published, "docs/spec/proofs.md does not say: {files} files, `{digest}`");
}
