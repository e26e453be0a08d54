//! Random transactions: mostly such as somebody could mean, some bent out of shape.

mod cases;
mod gateways;
mod governance;
mod grants;
mod halves;
mod members;
mod products;
mod reading;
mod records;
mod sealing;
mod sharing;

use super::consortium::Keyring;
use super::dice::Dice;
use super::net::Net;
use super::simple::{Id, Simple};
use crate::items::Item;
use crate::ledger::Draft;
use crate::tx::{Signer, Tx};
use crate::types::{BlockId, Height, IdentityId, KeyId, TimeMs};
use crate::wire::{self, IdentityKind, Right, item::Kind};

/// What moves are made from.
pub(super) struct Moves<'a> {
    pub(super) dice: Dice,
    pub(super) simple: &'a Simple,
    pub(super) net: &'a Net,
    pub(super) keyring: &'a mut Keyring,
}

/// An item, and the identity that is to sign it.
type Move = (Id, Kind);

use IdentityKind::{Officer, Root, System};

impl Moves<'_> {
    /// The next transaction, as somebody signs it who has seen the draft.
    pub(super) fn transaction(mut self, draft: &Draft<'_>) -> Tx {
        let (identity, first) = loop {
            if let Some(found) = self.any() {
                break found;
            }
        };
        let mut kinds = vec![first];
        for _ in 0..self.dice.below(12) {
            // More of the same signer; rarely what another should have signed.
            let more = self.any().filter(|(by, _)| *by == identity || self.dice.percent(1));
            kinds.extend(more.map(|(_, kind)| kind));
        }
        let key = self.key_of(&identity);
        let (number, block) = self.recent();
        let it = self.simple.identity(&identity).unwrap();
        let mut signer = Signer {
            chain: self.simple.chain,
            department: it.department.clone(),
            identity: IdentityId::from_slice(&identity).unwrap(),
            key: self.keyring.get(&key).clone(),
        };
        let mut seq = draft.next_seq(&KeyId::from_slice(&key).unwrap()).unwrap();
        match self.dice.below(250) {
            0 => seq += 1,
            1 => seq = seq.saturating_sub(1),
            2 => signer.chain = crate::types::ChainId::new([1; 32]),
            3 => signer.department = self.any_department(),
            4 => signer.key = self.keyring.fresh(),
            _ => {}
        }
        one_of_reads(&mut kinds);
        self.number_on(&identity, &mut kinds);
        let items: Vec<Item> = kinds.into_iter().map(|kind| self.item(kind)).collect();
        signer.sign(seq, (number, block), TimeMs::new(self.simple.now), &items).unwrap()
    }

    /// A record of an access that a gateway decided by one of these blocks, and sends now, alone; what it was made by.
    pub(super) fn decided(
        &mut self,
        by: &[(u64, u64)],
        draft: &Draft<'_>,
    ) -> Option<(Tx, wire::RecordAccess)> {
        let (identity, kind) = self.record()?;
        let Kind::RecordAccess(record) = kind else { return None };
        let (height, time) = *self.dice.pick(by);
        let record = wire::RecordAccess {
            decided_height: Some(height),
            access_time_ms: (time + self.dice.below(30_000)).min(self.net.tip.time.get() + 1000),
            channel: wire::Channel::Door as i32,
            decision: wire::Decision::Served as i32,
            observing: None,
            ..record
        };
        if record.accesses.iter().any(|it| it.grant_unknown) || record.accesses.is_empty() {
            return None;
        }
        let key = self.key_of(&identity);
        let it = self.simple.identity(&identity)?;
        let signer = Signer {
            chain: self.simple.chain,
            department: it.department.clone(),
            identity: IdentityId::from_slice(&identity).ok()?,
            key: self.keyring.get(&key).clone(),
        };
        let seq = draft.next_seq(&KeyId::from_slice(&key).ok()?).ok()?;
        let item = self.item(Kind::RecordAccess(record.clone()));
        let recent = (self.net.tip.height, self.net.tip.block_id());
        Some((signer.sign(seq, recent, TimeMs::new(self.simple.now), &[item]).ok()?, record))
    }

    /// Of several new numbers in one transaction each goes on from the one before.
    fn number_on(&mut self, gateway: &[u8], kinds: &mut [Kind]) {
        let highest = self.simple.gateway(gateway).map_or(0, |it| it.numbers.last_access_no);
        let mut before = 0;
        for kind in kinds {
            let number = match kind {
                Kind::RecordAccess(it) => &mut it.access_no,
                Kind::ManualHandover(it) => &mut it.record.as_mut().unwrap().access_no,
                Kind::Unrecordable(it) => &mut it.access_no,
                Kind::RecordSealed(it) if it.access_no > highest => {
                    self.seal_again(it, before);
                    before += 1;
                    continue;
                }
                _ => continue,
            };
            if *number > highest {
                *number += before;
                before += 1;
            }
        }
    }

    fn item(&mut self, kind: Kind) -> Item {
        let nonce = self.dice.digest()[..16].try_into().unwrap();
        Item::new(nonce, kind.clone()).unwrap_or_else(|why| panic!("{why}: {kind:?}"))
    }

    fn any(&mut self) -> Option<Move> {
        let few = self.simple.datasets.iter().filter(|it| it.retired.is_none()).count() < 8;
        let draw = if few && self.dice.percent(30) { 0 } else { self.dice.below(330) };
        match draw {
            0..4 => self.register(),
            4..6 => self.update(),
            6..7 => self.retire(),
            7..9 => self.publish(),
            9..27 => self.ask(),
            27..30 => self.want_supplement(),
            30..33 => self.supplement(),
            33..48 => self.decide(),
            48..52 => self.exception(),
            52..67 => self.confirm(),
            67..70 => self.offer(),
            70..73 => self.permit(),
            73..77 => self.amend(),
            77..79 => self.suspend(),
            79..82 => self.resume(),
            82..83 => self.revoke(),
            83..102 => self.delegate(),
            102..105 => self.emergency(),
            105..108 => self.ratify(),
            108..139 => self.record(),
            139..141 => self.admit(),
            141..144 => self.change_department(),
            144..148 => self.register_identity(),
            148..151 => self.rotate(),
            151..154 => self.change_identity(),
            154..155 => self.assign(),
            155..157 => self.replace_root(),
            157..158 => self.object(),
            158..161 => self.propose(),
            161..162 => self.audit_life(),
            162..164 => self.record_reads(),
            164..165 => self.open_reads(),
            165..167 => self.succeed(),
            167..170 => self.reconfirm(),
            170..172 => self.amend_above(),
            172..180 => self.vote(),
            _ => self.answering(),
        }
    }

    /// What answers for accesses.
    fn answering(&mut self) -> Option<Move> {
        match self.dice.below(133) {
            0..5 => self.set_gateway(),
            5..7 => self.commit_mapping(),
            7..21 => self.seal_period(),
            21..24 => self.declare_loss(),
            24..26 => self.declare_outage(),
            26..28 => self.unrecordable(),
            28..31 => self.handover(),
            31..36 => self.add_bulk_tags(),
            36..46 => self.acknowledge(),
            46..51 => self.acknowledge_hour(),
            51..56 => self.answer_alert(),
            56..64 => self.correct_records(),
            64..70 => self.agree_correction(),
            70..80 => self.open_case(),
            80..84 => self.answer_case(),
            84..92 => self.rule_case(),
            92..99 => self.register_product(),
            99..106 => self.review_product(),
            106..109 => self.release_product(),
            109..111 => self.evaluate_product(),
            111..112 => self.recall_product(),
            112..115 => self.order_sealing(),
            115..116 => self.extend_sealing(),
            116..122 => self.record_sealed(),
            122..126 => self.open_sealed(),
            126..127 => self.revoke(),
            127..128 => self.report_double_vote(),
            128..130 => self.lease_use(),
            130..132 => self.set_observing(),
            132..133 => self.state_list(),
            _ => self.propose(),
        }
    }

    /// A block that a transaction cites: mostly the newest.
    fn recent(&mut self) -> (Height, BlockId) {
        let height = self.net.height().get();
        let id = |at: u64| {
            let (id, _) = &self.simple.blocks[usize::try_from(at).unwrap()];
            BlockId::from_slice(id).unwrap()
        };
        match self.dice.below(120) {
            0 => (Height::new(height), BlockId::new([1; 32])),
            1 => (Height::new(height + 1), id(height)),
            2 | 3 => {
                let at = self.dice.between(0, height);
                (Height::new(at), id(at))
            }
            _ => (Height::new(height), id(height)),
        }
    }

    /// A key of an identity: mostly one in force.
    fn key_of(&mut self, identity: &[u8]) -> Id {
        let keys = self.simple.keys.iter().filter(|key| key.identity == identity);
        let all: Vec<Id> = keys.clone().map(|key| key.id.clone()).collect();
        let height = self.simple.height;
        let good: Vec<Id> =
            keys.filter(|key| key.life.at_height(height)).map(|key| key.id.clone()).collect();
        if good.is_empty() || self.dice.percent(4) {
            self.dice.pick(&all).clone()
        } else {
            self.dice.pick(&good).clone()
        }
    }

    /// Somebody of a department, of one of these kinds: mostly in force, rarely of another kind.
    fn of(&mut self, department: &str, kinds: &[IdentityKind]) -> Option<Id> {
        if self.dice.percent(3) {
            return Some(self.dice.pick(&self.simple.identities).id.clone());
        }
        let height = self.simple.height;
        let strict = !self.dice.percent(3);
        let line = self.simple.line_of_succession(department);
        let fits = |it: &&std::rc::Rc<super::simple::Identity>| {
            line.contains(&it.department)
                && (!strict || kinds.iter().any(|kind| *kind as i32 == it.kind))
                && (!strict || it.life.at_height(height))
        };
        let found: Vec<_> = self.simple.identities.iter().filter(fits).collect();
        self.dice.pick_if_any(&found).map(|it| it.id.clone())
    }

    fn officer(&mut self, department: &str) -> Option<Id> {
        self.of(department, &[Officer, Officer, Root])
    }

    fn system(&mut self, department: &str) -> Option<Id> {
        self.of(department, &[System])
    }

    fn any_department(&mut self) -> String {
        self.dice.pick(&self.simple.departments).code.clone()
    }

    /// A department with a right; sometimes any.
    fn with_right(&mut self, right: Right) -> Option<String> {
        let fits = |it: &&super::simple::Department| {
            it.rights.contains(&(right as i32)) && it.life.goes_on()
        };
        let found: Vec<_> = self.simple.departments.iter().filter(fits).collect();
        if self.dice.percent(3) {
            return Some(self.any_department());
        }
        self.dice.pick_if_any(&found).map(|it| it.code.clone())
    }
}

/// The same read is not sealed twice: its salt is random.
fn one_of_reads(kinds: &mut Vec<Kind>) {
    let mut seen = 0;
    kinds.retain(|kind| {
        seen += u32::from(matches!(kind, Kind::RecordReads(_)));
        seen < 2 || !matches!(kind, Kind::RecordReads(_))
    });
}
