//! Who may sign, with which number, from which block; and how much a block takes.

use super::items::{self, HOUR, item, register, unrecordable};
use super::refusals::{Case, OK, run};
use super::stage::{COLLECTOR, GATEWAY, Staged, USER, staged};
use super::world::BLOCK_MS;
use crate::ledger::{Halt, NotApplied, Object, Refusal};
use crate::place::Place;
use crate::suite::sign::PrivateKey;
use crate::tx::{Signer, Tx};
use crate::types::{BlockId, ChainId, Height, RequestId, TimeMs, limits};
use crate::wire::{self, item::Kind};
use prost::Message;
use std::collections::BTreeSet;
use std::sync::Arc;

fn new() -> Kind {
    register("civil.new", "gz.psb").into()
}

fn bent(s: &Staged, bend: impl FnOnce(&mut Signer)) -> Tx {
    let mut signer = s.world.signer(COLLECTOR).clone();
    bend(&mut signer);
    s.world.sign_as(&signer, s.world.seq(COLLECTOR), s.world.recent(), vec![new()])
}

fn numbered(s: &Staged, by: i64) -> Tx {
    let signer = s.world.signer(COLLECTOR);
    let seq = s.world.seq(COLLECTOR).checked_add_signed(by).unwrap();
    s.world.sign_as(signer, seq, s.world.recent(), vec![new()])
}

fn citing(s: &Staged, height: Height, block: BlockId) -> Tx {
    let signer = s.world.signer(COLLECTOR);
    s.world.sign_as(signer, s.world.seq(COLLECTOR), (height, block), vec![new()])
}

/// Ends the standing of something from `until` on.
fn ended(object: &Object, until: Height) -> Object {
    let standing = vec![wire::Interval {
        until_height: Some(until.get()),
        until_time_ms: Some(u64::MAX),
        ..Default::default()
    }];
    match object {
        Object::Key(it) => wire::Key { standing, ..(**it).clone() }.into(),
        Object::Identity(it) => wire::Identity { standing, ..(**it).clone() }.into(),
        Object::Department(it) => wire::Department { standing, ..(**it).clone() }.into(),
        other => panic!("{:?} has no standing", other.kind()),
    }
}

/// Ends the collector's key (0), identity (1) or department (2) `after` heights from the next block.
fn ending(s: &mut Staged, which: usize, after: u64) -> Tx {
    let signer = s.world.signer(COLLECTOR);
    let places = [
        Place::key(&signer.key.public().key_id()),
        Place::identity(&signer.identity),
        Place::department("gz.psb"),
    ];
    let until = Height::new(s.world.height().next().get() + after);
    let object = ended(&s.world.objects[&places[which]], until);
    s.world.doctor(places[which].clone(), Some(object));
    s.sign(COLLECTOR, new())
}

pub(crate) const WHO: &[Case] = &[
    ("as it should be", OK, |s| s.sign(COLLECTOR, new())),
    ("another chain", Some("chain.other"), |s| {
        bent(s, |signer| signer.chain = ChainId::new([1; 32]))
    }),
    ("a key that is not there", Some("key.unknown"), |s| {
        bent(s, |signer| signer.key = PrivateKey::from_seed(&[1; 32]))
    }),
    ("another's key", Some("signer.mismatch"), |s| {
        let other = s.world.signer("gz.psb/gateway").key.clone();
        bent(s, |signer| signer.key = other)
    }),
    ("another department", Some("signer.mismatch"), |s| {
        bent(s, |signer| signer.department = "gz.hrss".into())
    }),
    ("another identity", Some("signer.mismatch"), |s| {
        let other = s.identity("gz.psb/gateway");
        bent(s, |signer| signer.identity = other)
    }),
    ("a key without its identity", Some("signer.mismatch"), |s| {
        s.world.doctor(Place::identity(&s.identity(COLLECTOR)), None);
        s.sign(COLLECTOR, new())
    }),
    ("key ended", Some("key.not_in_force"), |s| ending(s, 0, 0)),
    ("identity ended", Some("key.not_in_force"), |s| ending(s, 1, 0)),
    ("department ended", Some("key.not_in_force"), |s| ending(s, 2, 0)),
    ("the last height of the key", OK, |s| ending(s, 0, 1)),
    ("the last height of the identity", OK, |s| ending(s, 1, 1)),
    ("the last height of the department", OK, |s| ending(s, 2, 1)),
];

pub(crate) const FROM_WHERE: &[Case] = &[
    ("a number too low", Some("seq.wrong"), |s| numbered(s, -1)),
    ("a number too high", Some("seq.wrong"), |s| numbered(s, 1)),
    ("the same transaction again", Some("seq.wrong"), |s| {
        let tx = s.sign(COLLECTOR, new());
        s.world.commit(vec![tx.clone()]);
        tx
    }),
    ("genesis, cited", OK, |s| {
        let genesis = s.world.blocks[0].header.block_id();
        citing(s, Height::GENESIS, genesis)
    }),
    ("a block of another history", Some("recent_block.unknown"), |s| {
        citing(s, s.world.height(), BlockId::new([1; 32]))
    }),
    ("the block itself", Some("recent_block.unknown"), |s| {
        citing(s, s.world.height().next(), s.world.recent().1)
    }),
    ("no block yet", Some("recent_block.unknown"), |s| {
        citing(s, Height::new(u64::MAX), s.world.recent().1)
    }),
    ("an hour old", OK, |s| {
        let (height, block) = s.world.recent();
        s.world.wait(HOUR - BLOCK_MS);
        citing(s, height, block)
    }),
    ("older than an hour", Some("recent_block.too_old"), |s| {
        let (height, block) = s.world.recent();
        s.world.wait(HOUR - BLOCK_MS + 1);
        citing(s, height, block)
    }),
    ("gone from the window", Some("recent_block.too_old"), |s| {
        let (height, block) = s.world.recent();
        s.world.wait(2 * HOUR);
        s.world.commit(Vec::new());
        s.world.commit(Vec::new());
        assert!(!s.world.objects.contains_key(&Place::recent_block(height)));
        citing(s, height, block)
    }),
];

/// Fills a block to its last event; one more is refused. Gives the code.
pub(crate) fn full_block() -> BTreeSet<&'static str> {
    let stage = staged();
    let signer = stage.world.signer(GATEWAY);
    let (mut seq, recent) = (stage.world.seq(GATEWAY), stage.world.recent());
    let first = seq;
    let mut draft = stage.world.draft();
    while draft.event_count() < limits::BLOCK_EVENTS {
        let room = limits::BLOCK_EVENTS - draft.event_count();
        let items: Vec<_> = (0..room.min(limits::TRANSACTION_ITEMS))
            .map(|number| unrecordable(seq - first + number as u64 + 1))
            .map(|it| item(it).unwrap())
            .collect();
        let tx = signer.sign(seq, recent, TimeMs::new(stage.world.now), &items).unwrap();
        draft.transaction(&tx).unwrap();
        seq = tx.next_seq();
    }
    let one_more = stage.sign(USER, register("pension.new", "gz.hrss"));
    let refused = draft.transaction(&one_more).unwrap_err();
    assert_eq!(draft.event_count(), 20_000);
    assert_eq!(refused.item, None);
    let crate::ledger::Halt::Refused(why) = refused.why else {
        panic!("it must be refused");
    };
    BTreeSet::from([why.code()])
}

/// So many timers as go off in a block, and no more, are set in one: by one transaction, and by several. Gives the codes.
pub(crate) fn too_dear() -> BTreeSet<&'static str> {
    let stage = staged();
    let signer = stage.world.signer(COLLECTOR);
    let (seq, recent) = (stage.world.seq(COLLECTOR), stage.world.recent());
    // Each has a time within which a gateway must serve it.
    let tx = |seq, from: usize, count: usize| {
        let items: Vec<_> = (from..from + count)
            .map(|number| item(register(&format!("d{number}"), "gz.psb")).unwrap())
            .collect();
        signer.sign(seq, recent, TimeMs::new(stage.world.now), &items).unwrap()
    };
    let code = |draft: &mut crate::ledger::Draft<'_>, tx: &Tx| match draft.transaction(tx) {
        Ok(()) => "",
        Err(NotApplied { item: None, why: Halt::Refused(why) }) => why.code(),
        Err(other) => panic!("{other}"),
    };
    let most = limits::TIMERS;
    let mut draft = stage.world.draft();
    let dear = code(&mut draft, &tx(seq, 0, most + 1));
    assert_eq!(code(&mut draft, &tx(seq, 0, most)), "");
    let full = code(&mut draft, &tx(seq + most as u64, most, 1));
    BTreeSet::from([dear, full])
}

#[test]
fn a_block_sets_no_more_timers_than_go_off() {
    assert_eq!(too_dear(), BTreeSet::from(["block.full", "transaction.too_dear"]));
}

/// What a block reads and writes is bounded, however its bytes come together: here by grants with a long life, each of
/// which is written anew whole.
#[test]
fn a_block_reads_and_writes_so_much() {
    let mut stage = staged();
    let grant: Arc<wire::Grant> = stage.world.get(&Place::grant(&stage.id("granted")));
    let steps = vec![grant.steps[0].clone(); limits::GRANT_STEPS - 1];
    let terms = grant.terms.clone();
    let steps: Vec<_> =
        steps.into_iter().map(|step| wire::GrantStep { terms: terms.clone(), ..step }).collect();
    let id = |number: u64| {
        let mut bytes = [6; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        RequestId::new(bytes)
    };
    let long = |number| wire::Grant {
        request_id: id(number).to_vec(),
        steps: steps.clone(),
        ..(*grant).clone()
    };
    let bytes = long(0).encoded_len() as u64;
    // Each is read once and written once.
    let fits = limits::BLOCK_COST / (2 * bytes);
    for number in 0..fits + 1 {
        stage.world.objects.insert(Place::grant(&id(number)), long(number).into());
    }
    let signer = stage.world.signer(COLLECTOR);
    let (seq, recent) = (stage.world.seq(COLLECTOR), stage.world.recent());
    let mut draft = stage.world.draft();
    let mut taken = 0;
    let refused = loop {
        let suspend = items::suspend(&id(taken), &stage.asked(), "gz.bdb");
        let items = [item(suspend).unwrap()];
        let tx = signer.sign(seq + taken, recent, TimeMs::new(stage.world.now), &items).unwrap();
        match draft.transaction(&tx) {
            Ok(()) => taken += 1,
            Err(refused) => break refused,
        }
    };
    assert_eq!((refused.item, refused.why), (None, Refusal::BlockFull.into()));
    assert!((fits - fits / 50..=fits).contains(&taken), "{taken} of {fits}");
}

/// What most transactions of a block read costs each of them, whether another has read it before or not.
#[test]
fn what_is_read_again_costs_again() {
    let costs = |more: usize| {
        let mut stage = staged();
        let asked = stage.asked();
        let place = Place::dataset(&asked.dataset);
        let mut dataset = (*stage.world.get::<wire::Dataset>(&place)).clone();
        dataset.registration.as_mut().unwrap().title_en.push_str(&"a".repeat(more));
        stage.world.doctor(place, Some(dataset.into()));
        let signer = stage.world.signer(USER);
        let seq = stage.world.seq(USER);
        let mut draft = stage.world.draft();
        let cost = |number| {
            let it = vec![asked.clone().into()];
            let tx = stage.world.sign_as(signer, seq + number, stage.world.recent(), it);
            let before = draft.spent();
            draft.transaction(&tx).unwrap();
            draft.spent() - before
        };
        (0..3).map(cost).collect::<Vec<u64>>()
    };
    let (small, large) = (costs(1_000), costs(11_000));
    assert!(small.iter().zip(&large).all(|(small, large)| large - small >= 10_000), "{large:?}");
}

#[test]
fn signers_numbers_and_recent_blocks() {
    assert_eq!(run(WHO).len() + run(FROM_WHERE).len(), 7);
}

#[test]
fn a_block_takes_so_many_events() {
    assert_eq!(full_block(), BTreeSet::from(["block.full"]));
}

/// Two transactions of one key in a block follow each other by number.
#[test]
fn numbers_go_on_within_a_block() {
    let stage = staged();
    let signer = stage.world.signer(COLLECTOR);
    let seq = stage.world.seq(COLLECTOR);
    let at = |seq, code: &str| {
        let kinds = vec![register(code, "gz.psb").into()];
        stage.world.sign_as(signer, seq, stage.world.recent(), kinds)
    };
    let mut draft = stage.world.draft();
    draft.transaction(&at(seq, "civil.a")).unwrap();
    let again = draft.transaction(&at(seq, "civil.b")).unwrap_err();
    assert_eq!(
        again.to_string(),
        format!("the key's next seq is {}, the transaction has {seq}", seq + 1)
    );
    draft.transaction(&at(seq + 1, "civil.b")).unwrap();
    let key = signer.key.public().key_id();
    assert_eq!(draft.next_seq(&key), Ok(seq + 2));
    assert_eq!(draft.finish().events.len(), 2);
}
