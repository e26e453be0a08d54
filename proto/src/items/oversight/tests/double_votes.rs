//! Double votes: both signed votes prove it, and each is reported once.

use crate::items::governance::tests::{enactments::enacted, votes::set_validator};
use crate::ledger::tests::{
    account::{at_fault, blamed, counts, events, named},
    founders::seeded,
    items::{DAY, double_vote, precommit, proposal},
    refusals::{Case, OK, run},
    stage::{COLLECTOR, Staged, staged},
};
use crate::place::Place;
use crate::tx::Tx;
use crate::types::{ChainId, IdentityId};
use crate::wire::{self, IntegrityRule};
use std::sync::Arc;

const VALIDATOR: &str = "gz.tax/node";

/// Two precommits of the validator in a round of a height.
fn votes(s: &Staged, round: (u64, u32), blocks: [Option<u8>; 2]) -> [wire::SignedVote; 2] {
    let (chain, key) = (s.world.founding.chain(), &s.world.signer(VALIDATOR).key);
    blocks.map(|block| precommit((&chain, key), round, block))
}

/// Two proposals of the validator in one round, each of a block and of what it carries on.
fn proposals(s: &Staged, of: [(u8, Option<u32>); 2]) -> [wire::SignedVote; 2] {
    let (chain, key) = (s.world.founding.chain(), &s.world.signer(VALIDATOR).key);
    of.map(|it| proposal((&chain, key), (3, 1), it))
}

/// A report so many days after the height, of which others followed on the same day.
fn after(s: &mut Staged, days: u64) -> Tx {
    let (height, now) = (s.world.height().get(), s.world.now);
    for day in 1..=days {
        s.world.reach(now + day * DAY);
    }
    s.sign(COLLECTOR, report(s, votes(s, (height, 0), [Some(1), Some(2)])))
}

fn report(s: &Staged, votes: [wire::SignedVote; 2]) -> wire::ReportDoubleVote {
    double_vote(&s.world.signer(VALIDATOR).key, &s.identity(VALIDATOR), votes)
}

/// A node reports such votes at height 3, bent.
fn reporting(s: &Staged, bend: impl FnOnce(&mut wire::ReportDoubleVote)) -> Tx {
    let mut it = report(s, votes(s, (3, 0), [Some(1), Some(2)]));
    bend(&mut it);
    s.sign("gz.psb/node", it)
}

fn second(it: &mut wire::ReportDoubleVote) -> &mut wire::SignedVote {
    it.second.as_mut().unwrap()
}

/// Reports a double vote so many heights behind the newest block.
fn ahead(s: &Staged, by: u64) -> Tx {
    let height = s.world.height().get() + by;
    s.sign(COLLECTOR, report(s, votes(s, (height, 0), [None, Some(1)])))
}

/// Somebody's key signs two votes at a height, and an officer reports them.
fn by_key(s: &Staged, name: &str, height: u64) -> Tx {
    let key = seeded(name);
    let chain = s.world.founding.chain();
    let votes = [Some(1), Some(2)].map(|block| precommit((&chain, &key), (height, 0), block));
    let known: Arc<wire::Key> = s.world.get(&Place::key(&key.public().key_id()));
    let identity = IdentityId::from_slice(&known.identity_id).unwrap();
    let it = double_vote(&key, &identity, votes);
    s.sign(
        COLLECTOR,
        wire::ReportDoubleVote { validator_department: known.department.clone(), ..it },
    )
}

/// A vote takes a node into the set of validators, or out of it; gives the height from which on. Other changes
/// follow, so that the set before is needed no more.
fn changed(s: &mut Staged, name: &str, power: u64) -> u64 {
    enacted(s, set_validator(name, power));
    let from = s.world.height().get() + 2;
    for power in 2..5 {
        s.world.commit(Vec::new());
        s.world.commit(Vec::new());
        enacted(s, set_validator("gz.psb/node", power));
    }
    from
}

fn joined(s: &mut Staged) -> u64 {
    crate::items::governance::tests::votes::new_node(s);
    changed(s, "gz.hrss/node-2", 1)
}

fn left(s: &mut Staged) -> u64 {
    changed(s, VALIDATOR, 0)
}

const REPORTS: &[Case] = &[
    ("by a node", OK, |s| reporting(s, |_| {})),
    ("for nil and a block, by an officer", OK, |s| {
        s.sign(COLLECTOR, report(s, votes(s, (3, 1), [None, Some(1)])))
    }),
    ("of proposals", OK, |s| {
        let votes = proposals(s, [(1, None), (2, None)]);
        s.sign(COLLECTOR, report(s, votes))
    }),
    ("of proposals, one of which carries prevotes on", OK, |s| {
        let votes = proposals(s, [(1, Some(0)), (2, None)]);
        s.sign(COLLECTOR, report(s, votes))
    }),
    ("of proposals that carry on what was not signed", Some("double_vote.bad"), |s| {
        let mut votes = proposals(s, [(1, None), (2, None)]);
        votes[0].pol_round = Some(0);
        s.sign(COLLECTOR, report(s, votes))
    }),
    ("of votes that were proposals", Some("double_vote.bad"), |s| {
        let mut votes = proposals(s, [(1, None), (2, None)]);
        votes.iter_mut().for_each(|it| it.vote_type = 1);
        s.sign(COLLECTOR, report(s, votes))
    }),
    ("thirty days later", OK, |s| after(s, 30)),
    ("later than that", Some("double_vote.too_old"), |s| after(s, 31)),
    ("at the height that is being made", OK, |s| ahead(s, 1)),
    ("at a height to come", Some("double_vote.bad"), |s| ahead(s, 2)),
    ("of another round than was signed", Some("double_vote.bad"), |s| {
        reporting(s, |it| {
            it.first.as_mut().unwrap().round = 1;
            second(it).round = 1;
        })
    }),
    ("of another block than was signed", Some("double_vote.bad"), |s| {
        reporting(s, |it| second(it).block_id = vec![3; 32])
    }),
    ("of prevotes that were precommits", Some("double_vote.bad"), |s| {
        reporting(s, |it| {
            it.first.as_mut().unwrap().vote_type = 1;
            second(it).vote_type = 1;
        })
    }),
    ("signed by somebody else", Some("double_vote.bad"), |s| {
        let (chain, key) = (s.world.founding.chain(), &s.world.signer(COLLECTOR).key);
        let forged = precommit((&chain, key), (3, 0), Some(2));
        reporting(s, |it| it.second = Some(forged))
    }),
    ("of another chain", Some("double_vote.bad"), |s| {
        let (chain, key) = (ChainId::new([1; 32]), &s.world.signer(VALIDATOR).key);
        let votes = [Some(1), Some(2)].map(|block| precommit((&chain, key), (3, 0), block));
        s.sign(COLLECTOR, report(s, votes))
    }),
    ("by a key that is not there", Some("key.unknown"), |s| {
        reporting(s, |it| it.key_id = vec![1; 32])
    }),
    ("by another department's key", Some("signer.mismatch"), |s| {
        reporting(s, |it| it.validator_department = "gz.hrss".into())
    }),
    ("by another identity's key", Some("signer.mismatch"), |s| {
        reporting(s, |it| it.validator_identity_id = vec![1; 32])
    }),
    ("by the key of a system", Some("double_vote.bad"), |s| by_key(s, "gz.hrss/app", 3)),
    ("by a node that is no validator", Some("double_vote.bad"), |s| {
        crate::items::governance::tests::votes::new_node(s);
        let height = s.world.height().get();
        by_key(s, "gz.hrss/node-2", height)
    }),
    ("by a validator before it was one", Some("double_vote.bad"), |s| {
        let joined = joined(s);
        by_key(s, "gz.hrss/node-2", joined - 1)
    }),
    ("by a validator at its first height", OK, |s| {
        let joined = joined(s);
        by_key(s, "gz.hrss/node-2", joined)
    }),
    ("by a former validator when it was one", OK, |s| {
        let left = left(s);
        by_key(s, VALIDATOR, left - 1)
    }),
    ("by a former validator", Some("double_vote.bad"), |s| {
        let left = left(s);
        by_key(s, VALIDATOR, left)
    }),
    ("again", Some("double_vote.reported"), |s| {
        let first = reporting(s, |_| {});
        s.world.commit(vec![first]);
        let it = report(s, votes(s, (3, 0), [Some(1), Some(2)]));
        s.sign(COLLECTOR, it)
    }),
    ("again, for other blocks", Some("double_vote.reported"), |s| {
        let first = reporting(s, |_| {});
        s.world.commit(vec![first]);
        s.sign(COLLECTOR, report(s, votes(s, (3, 0), [None, Some(3)])))
    }),
    ("of another round", OK, |s| {
        let first = reporting(s, |_| {});
        s.world.commit(vec![first]);
        s.sign(COLLECTOR, report(s, votes(s, (3, 1), [Some(1), Some(2)])))
    }),
    ("in another's name", Some("actor.other"), |s| {
        reporting(s, |it| it.department = "gz.hrss".into())
    }),
];

pub(crate) const TABLES: &[&[Case]] = &[REPORTS];

#[test]
fn double_votes_are_reported_once() {
    assert_eq!(run(REPORTS), named(REPORTS));
}

/// The validator's department is at fault, and the node; more within the hour are counted.
#[test]
fn whose_fault_a_double_vote_is() {
    let mut s = staged();
    let tx = reporting(&s, |_| {});
    s.world.commit(vec![tx]);
    assert_eq!(at_fault(&s, IntegrityRule::DoubleVote), blamed("gz.tax", 1));
    let raised = events(&s, "gz.tax", IntegrityRule::DoubleVote)[0].raised.clone().unwrap();
    assert_eq!(raised.identity_id, s.identity(VALIDATOR).to_vec());
    let it = report(&s, votes(&s, (3, 1), [Some(1), Some(2)]));
    s.world.does(COLLECTOR, it);
    assert_eq!(counts(&s, "gz.tax", IntegrityRule::DoubleVote), [2]);
}
