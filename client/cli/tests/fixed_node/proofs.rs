//! What stands on the founding document: proofs anchored at header 0, a checkpoint of it; and reads that were signed.

use super::T0;
use super::chain::founding;
use super::events::{At, COVERED, record, signed};
use super::people::{AUDITOR, GATEWAY, NODE};
use liuhen_client::evidence;
use liuhen_client::kept_reads::KeptRead;
use liuhen_proto::header::checkpoint::Checkpoint;
use liuhen_proto::header::note::{self, Kind, Note, VerifierKey};
use liuhen_proto::items::reading::request::{self, Asked, call_digest};
use liuhen_proto::place::{ObjectKind, Place, TrailKind};
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::types::TimeMs;
use liuhen_proto::verify::TRACE_MAGIC;
use liuhen_proto::wire::{self, Anchor, ObjectProof, RangeKind, Trace, trace::Claim};
use prost::Message;

/// The call that the auditor's reads were of.
const CALL: &str = "/liuhen.v1.TrailService/GetTrail";
/// The name of the witness.
pub const WITNESS: &str = "gov.example/witness";

/// A file that claims something as of header 0.
fn claiming(claim: Claim, objects: Vec<ObjectProof>) -> Trace {
    let founding = founding();
    Trace {
        magic: TRACE_MAGIC.into(),
        chain_id: founding.chain().to_vec(),
        anchor: Some(Anchor { header: founding.header().to_bytes().to_vec(), ..Anchor::default() }),
        objects,
        claim: Some(claim),
        ..Trace::default()
    }
}

/// That an object was founded so, or not founded.
pub fn state(kind: u32, id: &[u8]) -> Trace {
    let founding = founding();
    let kind = ObjectKind::from_byte(u8::try_from(kind).unwrap()).unwrap();
    let place = Place::object(kind, id);
    let path = Some(founding.trie().prove(&place.map_key()).to_wire());
    let (kind, id) = (kind as u32, id.to_vec());
    match founding.objects().get(&place) {
        Some(object) => {
            let proof = ObjectProof { kind, id: id.clone(), object: object.to_bytes(), path };
            claiming(Claim::State(wire::StateClaim { kind, id }), vec![proof])
        }
        None => {
            let of = wire::absence_claim::Of::Object(wire::AbsentObject { kind, id, path });
            claiming(Claim::Absence(wire::AbsenceClaim { of: Some(of) }), Vec::new())
        }
    }
}

/// That a trail has no event yet: at header 0 none has.
pub fn empty_trail(kind: u32, id: &[u8]) -> Trace {
    let kind = TrailKind::from_byte(u8::try_from(kind).unwrap()).unwrap();
    let place = Place::trail(kind, id);
    let claim = wire::CompletenessClaim {
        trail_kind: kind as u32,
        trail_id: id.to_vec(),
        range: RangeKind::Whole as i32,
        path: Some(founding().trie().prove(&place.map_key()).to_wire()),
        ..wire::CompletenessClaim::default()
    };
    claiming(Claim::Completeness(claim), Vec::new())
}

/// An event as a file proves it; nothing leads from it to a header, which only a verifier would look for.
pub fn event() -> Trace {
    let it = signed(At(6, 0), GATEWAY, record(41), COVERED);
    let event = wire::ProvedEvent { leaf: it.leaf, item: it.item, ..Default::default() };
    let claim = wire::InclusionClaim { event: Some(event), ..Default::default() };
    let transaction = wire::ProvedTransaction { header: it.header, signature: vec![0; 64] };
    let transactions = vec![transaction];
    Trace { transactions, ..claiming(Claim::Inclusion(claim), Vec::new()) }
}

fn witness() -> PrivateKey {
    PrivateKey::from_seed(&[9; 32])
}

/// The witness's verifier key.
pub fn witness_key() -> String {
    VerifierKey::new(WITNESS, Kind::Cosignature, witness().public()).unwrap().to_string()
}

/// The checkpoint of header 0, which the witness cosigned.
pub fn checkpoint() -> String {
    let text = Checkpoint::ending_with(&founding().header(), &[]).unwrap().text();
    let line = note::sign(WITNESS, Kind::Cosignature, &witness(), &text, T0 / 1000).unwrap();
    Note { text, lines: vec![line] }.to_string()
}

/// A file, of which a witness saw the anchor.
pub fn witnessed(trace: &Trace) -> Vec<u8> {
    let seen = wire::Witnessed { note: checkpoint(), path: Vec::new() };
    evidence::witnessed(&trace.encode_to_vec(), seen).unwrap()
}

/// What the auditor signed to read; the byte tells one read from another.
pub fn read_request(byte: u8) -> wire::ReadRequest {
    let asked = Asked {
        call: call_digest(CALL, &[byte]),
        time: TimeMs::new(T0),
        nonce: [byte; 16],
        node: NODE.key().public().key_id(),
        audit: "",
    };
    request::sign(&AUDITOR.key(), &founding().chain(), &asked)
}

/// Lines of kept reads: one that is on the ledger, one of which the node says that it was no oversight; and with `unsaid` one
/// of which it said nothing.
pub fn kept_reads(unsaid: bool) -> String {
    let chain = founding().chain();
    let kept = |byte: u8, reads: Option<u64>| {
        let request = read_request(byte);
        let time = TimeMs::new(T0);
        let said = |reads| request::acknowledge(&NODE.key(), &chain, &request, reads, time);
        let receipt = reads.map(said);
        let (node, call) = ("http://node.example".to_owned(), CALL.to_owned());
        KeptRead { chain, node, call, request, receipt }.to_line()
    };
    let last = if unsaid { kept(3, None) } else { String::new() };
    [kept(1, Some(1)), kept(2, Some(0)), last].concat()
}
