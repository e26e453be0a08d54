//! What stands on the chain, as requests may name it: so that they get past "there is none".

use super::contract::{Contract, Shape, Value};
use super::ground::{self, Ground};
use liuhen_node::app::Chain;
use liuhen_proto::header::checkpoint::Checkpoint;
use liuhen_proto::header::note::{Kind, Note, VerifierKey, sign};
use liuhen_proto::items::trails;
use liuhen_proto::place::{ObjectKind, Place, TrailKind};
use liuhen_proto::types::Hash;
use liuhen_tests::things::{BULK, GATEWAY};
use std::collections::{BTreeMap, BTreeSet};

/// Values that belong together, by the names of the fields that hold them.
type Fragment = BTreeMap<String, Value>;

/// The name of the witness whose cosignatures the node takes.
const WITNESS: &str = "witness.example/fuzz";

/// All that is known.
pub(super) struct Known {
    /// For each message of the contract: what of its own fields may stand in it together.
    by_message: BTreeMap<String, Vec<Fragment>>,
    /// Values of fields of this name.
    by_name: BTreeMap<String, Vec<Value>>,
    /// Every bytes or text of them.
    pub(super) bytes: Vec<Vec<u8>>,
    /// Numbers on both sides of where something ends.
    pub(super) numbers: Vec<u64>,
}

impl Known {
    /// All that the chain holds.
    pub(super) fn of(contract: &Contract, ground: &Ground) -> anyhow::Result<Self> {
        let mut fragments = BTreeSet::new();
        for tx in &ground.transactions {
            for (number, item) in (0..).zip(tx.items()) {
                let trails = trails(tx.header(), number, item);
                fragments.extend(trails.iter().map(of_trail));
                fragments.insert(fragment([
                    ("tx_id", Value::Bytes(tx.id().to_vec())),
                    ("item", Value::Number(number.into())),
                ]));
            }
            fragments.insert(fragment([("transaction", Value::Bytes(tx.raw().to_vec()))]));
        }
        of_objects(contract, &ground.chain(), &mut fragments)?;
        of_people(ground, &mut fragments);
        of_subject(ground, &mut fragments);
        of_notes(&ground.chain(), &mut fragments)?;
        Ok(Self::sorted(contract, fragments, numbers(&ground.chain())))
    }

    fn sorted(contract: &Contract, fragments: BTreeSet<Fragment>, numbers: Vec<u64>) -> Self {
        let mut by_name = BTreeMap::<String, BTreeSet<Value>>::new();
        for (name, value) in fragments.iter().flatten() {
            by_name.entry(name.clone()).or_default().insert(value.clone());
        }
        let bytes: BTreeSet<Vec<u8>> = by_name
            .values()
            .flatten()
            .filter_map(|it| match it {
                Value::Bytes(bytes) => Some(bytes.clone()),
                Value::Number(_) => None,
            })
            .collect();
        let mut by_message = BTreeMap::new();
        for message in asked(contract) {
            let own: BTreeSet<&str> =
                contract.fields(&message).iter().map(|it| it.name.as_str()).collect();
            let mut fitting = BTreeSet::<Fragment>::new();
            for fragment in &fragments {
                let of_own = fragment.iter().filter(|(name, _)| own.contains(name.as_str()));
                let of_own: Fragment = of_own.map(|(n, v)| (n.clone(), v.clone())).collect();
                if !of_own.is_empty() {
                    fitting.insert(of_own);
                }
            }
            by_message.insert(message, fitting.into_iter().collect());
        }
        let by_name = by_name.into_iter().map(|(name, all)| (name, all.into_iter().collect()));
        let bytes = bytes.into_iter().collect();
        Self { by_message, by_name: by_name.collect(), bytes, numbers }
    }

    /// What may stand in a message together.
    pub(super) fn fragments(&self, message: &str) -> &[Fragment] {
        self.by_message.get(message).map_or(&[], Vec::as_slice)
    }

    /// What stands in fields of this name.
    pub(super) fn values(&self, field: &str) -> &[Value] {
        self.by_name.get(field).map_or(&[], Vec::as_slice)
    }
}

/// The messages that are sent, and those in them.
fn asked(contract: &Contract) -> BTreeSet<String> {
    let mut open: Vec<String> = contract.methods.iter().map(|it| it.asked.clone()).collect();
    let mut found = BTreeSet::new();
    while let Some(message) = open.pop() {
        for field in contract.fields(&message) {
            if let Shape::Message(inside) = &field.shape {
                open.push(inside.clone());
            }
        }
        found.insert(message);
    }
    found
}

fn fragment<const N: usize>(values: [(&str, Value); N]) -> Fragment {
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Each message in a message is a fragment; each of several values of a field is one of what one is called.
fn of_message(
    contract: &Contract,
    message: &str,
    bytes: &[u8],
    fragments: &mut BTreeSet<Fragment>,
) {
    for values in contract.read_message(message, bytes).unwrap_or_default() {
        for (name, value) in &values {
            if let Some(one) = name.strip_suffix('s') {
                fragments.insert(fragment([(one, value.clone())]));
            }
        }
        fragments.insert(values.into_iter().collect());
    }
}

fn of_trail(trail: &Place) -> Fragment {
    fragment([
        ("trail_kind", Value::Number(trail.kind().into())),
        ("trail_id", Value::Bytes(trail.id().to_vec())),
    ])
}

/// What objects hold, and where they stand. Each is a message of the name of its kind.
fn of_objects(
    contract: &Contract,
    chain: &Chain,
    fragments: &mut BTreeSet<Fragment>,
) -> anyhow::Result<()> {
    for kind in ObjectKind::ALL {
        for (place, object) in chain.index().list(*kind)? {
            of_message(contract, &format!(".liuhen.v1.{kind:?}"), &object.to_bytes(), fragments);
            fragments.insert(fragment([
                ("kind", Value::Number(u64::from(*kind as u8))),
                ("id", Value::Bytes(place.id().to_vec())),
            ]));
        }
    }
    Ok(())
}

/// Identities with their keys, each as a gateway too; and the records of the one that is.
fn of_people(ground: &Ground, fragments: &mut BTreeSet<Fragment>) {
    for ((department, _), (identity, key)) in &ground.things.identities {
        let [identity, key] = [identity, key].map(|it| Value::Bytes(it.clone()));
        fragments.insert(fragment([
            ("department", Value::Bytes(format!("gz.{department}").into_bytes())),
            ("identity_id", identity.clone()),
            ("gateway_id", identity),
            ("key_id", key),
        ]));
    }
    for number in 0..=BULK {
        fragments.insert(fragment([
            ("gateway_id", Value::Bytes(ground.things.identity(GATEWAY))),
            ("access_no", Value::Number(number)),
        ]));
    }
}

/// The subject, with the key that its tag follows from.
fn of_subject(ground: &Ground, fragments: &mut BTreeSet<Fragment>) {
    let (key, tag) = (ground.things.subject_key.to_vec(), ground.things.tag().to_vec());
    let key = ("subject_key", Value::Bytes(key));
    let collector = ("collector", Value::Bytes(b"gz.psb".to_vec()));
    fragments.insert(fragment([collector, ("tag", Value::Bytes(tag.clone())), key.clone()]));
    let id = [b"gz.psb".as_slice(), &tag].concat();
    let trail = of_trail(&Place::trail(TrailKind::Subject, &id));
    fragments.insert(trail.into_iter().chain(fragment([key])).collect());
}

/// The witness whose cosignatures are taken.
pub(super) fn witness() -> anyhow::Result<VerifierKey> {
    Ok(VerifierKey::new(WITNESS, Kind::Cosignature, ground::key("witness").public())?)
}

/// Cosignatures of the witness: of this chain's checkpoints, of one to come, and of another history.
fn of_notes(chain: &Chain, fragments: &mut BTreeSet<Fragment>) -> anyhow::Result<()> {
    let (of, tip) = (chain.founding().chain(), chain.headers());
    let another = |size| Some(Checkpoint { chain: of, size, root: Hash::new([3; 32]) });
    let all = [chain.checkpoint(1), chain.checkpoint(tip), another(tip), another(tip + 1)];
    for checkpoint in all.into_iter().flatten() {
        let (text, seconds) = (checkpoint.text(), ground::BEGUN.get() / 1000);
        let line = sign(WITNESS, Kind::Cosignature, &ground::key("witness"), &text, seconds)?;
        let note = Note { text, lines: vec![line] }.to_string();
        fragments.insert(fragment([("note", Value::Bytes(note.into_bytes()))]));
    }
    Ok(())
}

/// Where things end: heights, headers, events, times, pages, and the types.
fn numbers(chain: &Chain) -> Vec<u64> {
    let ends = [
        1,
        2,
        4,
        64,
        100,
        128,
        256,
        1_000,
        chain.header().height.get(),
        chain.headers(),
        chain.index().event_count(),
        ground::BEGUN.get(),
        chain.header().time.get(),
        i32::MAX as u64,
        u64::from(u32::MAX),
        i64::MAX as u64,
    ];
    let around = ends.into_iter().flat_map(|it| [it - 1, it, it + 1]);
    let numbers: BTreeSet<u64> = around.chain([u64::MAX - 1, u64::MAX]).collect();
    numbers.into_iter().collect()
}
