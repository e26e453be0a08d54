//! Gateways that decide before they serve, by states that lag, each object proved at one header: what one allows the ledger covers, but for what
//! it could not know.

use super::net::Net;
use super::{Tally, note};
use crate::event::{Outcome, Reason};
use crate::header::block::Header;
use crate::items::access::decide::{self, Gateway, Moment, Proved};
use crate::ledger::{Halt, Missing, Object};
use crate::merkle::trie::Trie;
use crate::place::Place;
use crate::tx::{Tx, TxHeader};
use crate::types::TimeMs;
use crate::verify::allows;
use crate::wire::{Channel, Decision, RecordAccess};
use std::collections::{BTreeMap, VecDeque};

/// States of so many blocks are kept.
const KEPT: usize = 12;

/// For so long blocks are recent ones.
const RECENT_MS: u64 = 3_600_000;

/// What a node proves at a header.
#[derive(Debug)]
struct At {
    header: Header,
    objects: BTreeMap<Place, Object>,
    trie: Trie,
}

impl Proved for At {
    fn object(&self, place: &Place) -> Result<Option<Object>, Missing> {
        let object = self.objects.get(place).cloned();
        let (key, path) = (place.map_key(), self.trie.prove(&place.map_key()));
        let root = match &object {
            Some(object) => path.root_with(&key, &object.map_value()),
            None => path.root_without(&key),
        };
        assert_eq!(root, Some(self.header.map_root), "{place:?} is not what it is proved to be");
        Ok(object)
    }
}

/// The newest states.
#[derive(Debug, Default)]
pub(super) struct Gates(VecDeque<At>);

impl Gates {
    /// A block was made.
    pub(super) fn see(&mut self, net: &Net) {
        let (header, objects, trie) = (net.tip.clone(), net.objects.clone(), net.trie.clone());
        self.0.push_back(At { header, objects, trie });
        if self.0.len() > KEPT {
            self.0.pop_front();
        }
    }

    /// Records of a block that were decided by one of these states: the gateway, asked then, says what the ledger says now.
    pub(super) fn decided(
        &self,
        transactions: &[Vec<u8>],
        (outcomes, now): (&[Outcome], u64),
        tally: &mut Tally,
    ) {
        let all = transactions.iter().map(|bytes| Tx::parse(bytes).unwrap());
        let items = all.flat_map(|tx| {
            let header = tx.header().clone();
            tx.items().iter().map(|it| (header.clone(), it.clone())).collect::<Vec<_>>()
        });
        for ((signer, item), outcome) in items.zip(outcomes) {
            if let Some(record) = item.record().filter(|it| is_decided_before(it)) {
                self.decided_one(&signer, record, (*outcome, now), tally);
            }
        }
    }

    /// The same of one record.
    pub(super) fn decided_one(
        &self,
        signer: &TxHeader,
        record: &RecordAccess,
        (outcome, now): (Outcome, u64),
        tally: &mut Tally,
    ) {
        let at = self.0.iter().find(|it| Some(it.header.height.get()) == record.decided_height);
        let Some(at) = at.filter(|it| it.header.time.get() <= record.access_time_ms) else {
            return;
        };
        // A clock that is ahead of the ledger's is not what is decided here.
        if outcome.future {
            return;
        }
        let gateway = Gateway {
            department: signer.department.clone(),
            identity: signer.identity,
            key: signer.key,
        };
        let is_late = now.saturating_sub(at.header.time.get()) > RECENT_MS;
        let is_regraded = record.accesses.iter().any(|it| {
            let place = Place::dataset(&it.dataset);
            let now = self.0.back().and_then(|newest| newest.objects.get(&place));
            now != at.objects.get(&place)
        });
        let moment = Moment::new(&at.header, TimeMs::new(record.access_time_ms));
        match decide::decide(at, &gateway, moment, record) {
            Ok(found) => compare(found, outcome, (is_late, is_regraded), record, tally),
            // Its department, identity or key was not in force then; by now it is.
            Err(Halt::Refused(_)) => note(tally, "gate refused"),
            Err(other) => panic!("{other}"),
        }
    }

    /// Height and time of each.
    pub(super) fn heights(&self) -> Vec<(u64, u64)> {
        self.0.iter().map(|it| (it.header.height.get(), it.header.time.get())).collect()
    }
}

/// Whether a gateway decided on it before it served.
fn is_decided_before(it: &RecordAccess) -> bool {
    it.channel() == Channel::Door && it.decision() == Decision::Served
}

fn compare(
    found: Outcome,
    outcome: Outcome,
    (is_late, is_regraded): (bool, bool),
    record: &RecordAccess,
    tally: &mut Tally,
) {
    let may = |it: Outcome| allows(it.verdict) && !it.names_others;
    match (may(found), may(outcome)) {
        (true, true) => note(tally, "gate allows, covered"),
        (false, false) => note(tally, "gate denies, not covered"),
        // What others used under the grant in between; and that a dataset's entry was changed: its grade counts as it stands.
        (true, false) => {
            let why = outcome.reason;
            // Recorded when its block is no recent one any more it is judged by the time of access: what ended in between counts then.
            if is_late {
                note(tally, format!("gate allows, recorded late, then {why}"));
                return;
            }
            let by_grade = matches!(why, Reason::AssuranceTooLow | Reason::DecisionTooOld);
            assert!(
                why == Reason::QuotaExceeded || by_grade && is_regraded,
                "allowed, and then {outcome:?}: {record:?}"
            );
            note(tally, format!("gate allows, then {}", outcome.reason));
        }
        (false, true) => note(tally, format!("gate denies for {}, covered", found.reason)),
    }
}
