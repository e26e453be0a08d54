//! Who is there: a validator for each machine, and officers of one department who register datasets.

use liuhen_genesis::Founding;
use liuhen_proto::items::Item;
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::tx::{Signer, Tx};
use liuhen_proto::types::{BlockId, ChainId, Height, TimeMs, identity_id};
use liuhen_proto::wire::{Category, Field, RegisterDataset, item::Kind};

/// Officers who sign transactions.
pub(crate) const OFFICERS: usize = 3;
/// When the ledger is founded and the simulation begins: the first of December 2026, in China.
const FOUNDED: &str = "2026-12-01T00:00:00+08:00";
pub(crate) const BEGUN: TimeMs = TimeMs::new(1_796_054_400_000);

/// The key of a machine or an officer.
pub(crate) fn key(what: &str, number: usize) -> PrivateKey {
    PrivateKey::from_seed(blake3::hash(format!("{what} {number}").as_bytes()).as_bytes())
}

/// The peer id of a machine.
pub(crate) fn peer(number: usize) -> libp2p::PeerId {
    let seed = *blake3::hash(format!("network {number}").as_bytes()).as_bytes();
    match libp2p::identity::Keypair::ed25519_from_bytes(seed) {
        Ok(key) => key.public().to_peer_id(),
        Err(_) => libp2p::PeerId::random(),
    }
}

fn public(what: &str, number: usize) -> String {
    hex::encode(key(what, number).public().as_bytes())
}

/// A ledger with so many validators.
pub(crate) fn found(machines: usize) -> anyhow::Result<Founding> {
    let mut source = format!(
        "name = \"dev-simulation\"\ntime = \"{FOUNDED}\"\n[parameters]\nlead = \"lead\"\npurposes = [\"pension\"]\n\
         legal_bases = [\"law\"]\n"
    );
    let department = |code: &str, right: &str| {
        format!(
            "[[department]]\ncode = \"{code}\"\nname_en = \"{code}\"\nlevel = 1\nbody = \"{code}\"\nrights = [\"{right}\"]\n"
        )
    };
    source += &department("lead", "manage");
    source += &department("psb", "collect");
    for number in 0..OFFICERS {
        let key = public("officer", number);
        source += &format!(
            "[[department.identity]]\ncode = \"officer-{number}\"\nkind = \"officer\"\npublic_key = \"{key}\"\n"
        );
    }
    for number in 0..machines {
        let (votes, cosigns) = (public("node", number), public("cosigner", number));
        source += &department(&format!("d{number}"), "use");
        source += &format!(
            "[[department.node]]\ncode = \"node\"\npublic_key = \"{votes}\"\ncosigner_key = \"{cosigns}\"\n\
             peer_id = \"{}\"\npower = 1\n",
            peer(number)
        );
    }
    Ok(liuhen_genesis::build(&source)?)
}

/// An officer's transaction of this number: a dataset of its own is registered.
pub(crate) fn transaction(
    chain: ChainId,
    officer: usize,
    seq: u64,
    recent: (Height, BlockId),
    now: TimeMs,
) -> anyhow::Result<Tx> {
    let key = key("officer", officer);
    let identity = identity_id(&key.public().key_id());
    let signer = Signer { chain, department: "psb".into(), identity, key };
    let mut nonce = [0; 16];
    nonce[..8].copy_from_slice(&seq.to_be_bytes());
    nonce[8] = u8::try_from(officer)?;
    let dataset = RegisterDataset {
        dataset: format!("civil.d{officer}-{seq}"),
        collector: "psb".into(),
        title_en: "a dataset".into(),
        grade: 1,
        category: Category::Conditional as i32,
        fields: vec![Field { name: "id".into(), grade: 1, ..Field::default() }],
        schema_digest: vec![0; 32],
        ..RegisterDataset::default()
    };
    let item = Item::new(nonce, Kind::RegisterDataset(dataset))?;
    Ok(signer.sign(seq, recent, now, &[item])?)
}
