//! A consortium in memory: its founding, its people with their keys, its blocks.

use super::founders::{MORE_KEYS, genesis, people, seeded, validator_keys};
use super::items::{T0, item};
use crate::event::{Outcome, ledger::LedgerEvent};
use crate::header::{block::Header, certificate::tests::sign as certify, founding::Founding};
use crate::ledger::seal::{self, Heads, Parent, Sealed};
use crate::ledger::{
    BlockContext, Delta, Draft, Event, Halt, Missing, NotApplied, Object, View, apply,
};
use crate::merkle::log::sha256_leaf;
use crate::merkle::trie::Trie;
use crate::merkle::{MemoryLog, Peaks, Sha256Log};
use crate::place::Place;
use crate::suite::sign::PrivateKey;
use crate::tx::{Signer, Tx};
use crate::types::{BlockId, ChainId, Height, IdentityId, RequestId, TimeMs, identity_id};
use crate::wire::{self, item::Kind};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

/// Milliseconds between blocks, where a case does not wait.
pub(crate) const BLOCK_MS: u64 = 1000;

/// A block that was made.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) header: Header,
    pub(crate) certificate: Option<wire::Certificate>,
    pub(crate) delta: Delta,
}

/// A ledger with everybody's keys.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) founding: Founding,
    people: BTreeMap<String, Signer>,
    pub(crate) validators: Vec<PrivateKey>,
    pub(crate) objects: BTreeMap<Place, Object>,
    peaks: BTreeMap<Place, Peaks>,
    pub(crate) trie: Trie,
    pub(crate) headers: MemoryLog<Sha256Log>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) transactions: Vec<Tx>,
    /// The time of the next block, milliseconds.
    pub(crate) now: u64,
}

impl World {
    /// A ledger of which only header 0 stands.
    pub(crate) fn founded(name: &str) -> Self {
        let founding = Founding::new(genesis(name)).unwrap();
        let chain = founding.chain();
        let first =
            people().into_iter().map(|(name, _)| (name.clone(), signer(chain, &name, &name)));
        let more = MORE_KEYS.map(|(name, of)| (name.to_owned(), signer(chain, name, of)));
        let header = founding.header();
        let mut headers = MemoryLog::default();
        headers.push(sha256_leaf(&header.to_bytes()));
        Self {
            people: first.chain(more).collect(),
            validators: validator_keys(),
            objects: founding.objects().clone(),
            peaks: BTreeMap::new(),
            trie: founding.trie().clone(),
            headers,
            blocks: vec![Block { header, certificate: None, delta: Delta::default() }],
            transactions: Vec::new(),
            now: T0 + BLOCK_MS,
            founding,
        }
    }

    /// Somebody of a department: `gz.psb/officer`.
    pub(crate) fn signer(&self, name: &str) -> &Signer {
        &self.people[name]
    }

    pub(crate) fn identity(&self, name: &str) -> IdentityId {
        self.signer(name).identity
    }

    /// Somebody who came onto the ledger later, whose key is made of the name.
    pub(crate) fn join(&mut self, name: &str, identity: IdentityId) {
        let signer = Signer { identity, ..signer(self.founding.chain(), name, name) };
        self.people.insert(name.to_owned(), signer);
    }

    /// The object at a place, which must be there.
    pub(crate) fn get<T>(&self, place: &Place) -> Arc<T>
    where
        Arc<T>: TryFrom<Object>,
    {
        let object = self.objects.get(place).unwrap_or_else(|| panic!("nothing at {place}"));
        Arc::try_from(object.clone()).unwrap_or_else(|_| panic!("another object at {place}"))
    }

    pub(crate) fn department(&self, code: &str) -> Arc<wire::Department> {
        self.get(&Place::department(code))
    }

    pub(crate) fn grant(&self, id: &RequestId) -> Arc<wire::Grant> {
        self.get(&Place::grant(id))
    }

    /// What the ledger itself said in the newest block.
    pub(crate) fn said(&self) -> Vec<LedgerEvent> {
        let bytes = self.tip().delta.events.iter().filter_map(|event| event.ledger.as_ref());
        bytes.map(|bytes| LedgerEvent::parse(bytes).unwrap()).collect()
    }

    /// The same, but for whom it holds to account or alerts.
    pub(crate) fn told(&self) -> Vec<LedgerEvent> {
        use wire::ledger_event::Kind::{AlertRaised, IntegrityRaised, IntegritySettled};
        let beside = |it: &LedgerEvent| {
            matches!(it.kind(), AlertRaised(_) | IntegrityRaised(_) | IntegritySettled(_))
        };
        self.said().into_iter().filter(|it| !beside(it)).collect()
    }

    /// Whom it holds to account in the newest block: department, rule, how many times.
    pub(crate) fn at_fault(&self) -> Vec<(String, wire::IntegrityRule, u64)> {
        let said = self.said();
        let raised = said.iter().filter_map(|it| match it.kind() {
            wire::ledger_event::Kind::IntegrityRaised(it) => Some(it),
            _ => None,
        });
        raised.map(|it| (it.department.clone(), it.rule(), it.count)).collect()
    }

    /// Whom it alerts in the newest block, and to what.
    pub(crate) fn alerted(&self) -> Vec<(String, wire::WatchKind)> {
        let said = self.said();
        let raised = said.iter().filter_map(|it| match it.kind() {
            wire::ledger_event::Kind::AlertRaised(it) => Some(it),
            _ => None,
        });
        raised.map(|it| (it.department.clone(), it.watch())).collect()
    }

    pub(crate) fn tip(&self) -> &Block {
        self.blocks.last().unwrap()
    }

    pub(crate) fn height(&self) -> Height {
        self.tip().header.height
    }

    /// The newest block, as transactions cite it.
    pub(crate) fn recent(&self) -> (Height, BlockId) {
        (self.height(), self.tip().header.block_id())
    }

    /// The seq of somebody's next transaction.
    pub(crate) fn seq(&self, name: &str) -> u64 {
        let key = self.signer(name).key.public().key_id();
        self.trail_size(&Place::key_trail(&key)).unwrap()
    }

    /// Signs items as the next transaction of somebody's key.
    pub(crate) fn sign(&self, name: &str, kinds: Vec<Kind>) -> Tx {
        self.sign_as(self.signer(name), self.seq(name), self.recent(), kinds)
    }

    pub(crate) fn sign_as(
        &self,
        signer: &Signer,
        seq: u64,
        recent: (Height, BlockId),
        kinds: Vec<Kind>,
    ) -> Tx {
        let items: Vec<_> = kinds.into_iter().map(|kind| item(kind).unwrap()).collect();
        signer.sign(seq, recent, TimeMs::new(self.now), &items).unwrap()
    }

    /// Where the next block stands.
    pub(crate) fn context(&self) -> BlockContext {
        let parent = &self.tip().header;
        BlockContext {
            height: parent.height.next(),
            time: TimeMs::new(self.now),
            parent_id: parent.block_id(),
            parent_time: parent.time,
            carried_round: self.tip().certificate.as_ref().map(|it| it.round),
        }
    }

    pub(crate) fn draft(&self) -> Draft<'_> {
        Draft::new(self, self.context(), self.founding.chain()).unwrap()
    }

    /// Tries a transaction in the next block, without making it. A refused one must change nothing.
    pub(crate) fn attempt(&self, tx: &Tx) -> Result<Vec<Outcome>, NotApplied> {
        let mut draft = self.draft();
        let result = draft.transaction(tx);
        let delta = draft.finish();
        if let Err(refused) = result {
            assert_eq!(delta, self.draft().finish(), "a refused transaction changed something");
            return Err(refused);
        }
        Ok(signed(&delta).map(|event| event.leaf.outcome).collect())
    }

    /// The code by which a transaction is refused, and the item at fault.
    pub(crate) fn refusal(&self, tx: &Tx) -> Option<(Option<u32>, &'static str)> {
        let refused = self.attempt(tx).err()?;
        match refused.why {
            Halt::Refused(why) => Some((refused.item, why.code())),
            Halt::Missing(what) => panic!("{what}"),
        }
    }

    /// Makes the next block of these transactions, which must all hold.
    pub(crate) fn commit(&mut self, transactions: Vec<Tx>) {
        self.commit_as(transactions, |_| {});
    }

    /// The same by validators who say something else of the block's events than the rules do.
    pub(crate) fn commit_as(&mut self, transactions: Vec<Tx>, bend: impl FnMut(&mut Event)) {
        let chain = self.founding.chain();
        let mut delta = apply(self, self.context(), chain, &transactions)
            .unwrap_or_else(|(number, why)| panic!("transaction {number}: {why}"));
        delta.events.iter_mut().for_each(bend);
        let sealed = seal::seal(&delta, self, &self.trie).unwrap();
        let header = self.next_header(&delta, &sealed);
        let signers: Vec<_> = self.validators.iter().take(3).collect();
        let certificate = certify(&signers, &chain, header.height, &header.block_id());
        self.headers.push(sha256_leaf(&header.to_bytes()));
        for (place, object) in delta.objects.clone() {
            self.set(place, object);
        }
        self.peaks.extend(sealed.trails.into_iter().map(|(trail, grown)| (trail, grown.peaks)));
        self.trie = sealed.trie;
        self.blocks.push(Block { header, certificate: Some(certificate), delta });
        self.transactions.extend(transactions);
        self.now += BLOCK_MS;
    }

    fn next_header(&self, delta: &Delta, sealed: &Sealed) -> Header {
        let parent = Parent { header: self.tip().header.clone(), log_root: self.headers.root() };
        let proposer = self.validators[0].public().key_id();
        let last = self.tip().certificate.as_ref();
        let Object::ValidatorSchedule(schedule) = &self.objects[&Place::validator_schedule()]
        else {
            panic!("no validators");
        };
        let after = parent.header.height.next().next();
        let next = seal::validators_at(schedule, after).unwrap().hash();
        let count = delta.events.len();
        seal::header(&parent, TimeMs::new(self.now), proposer, last, count, sealed, next)
    }

    fn set(&mut self, place: Place, object: Option<Object>) {
        match object {
            Some(object) => self.objects.insert(place, object),
            None => self.objects.remove(&place),
        };
    }

    /// Makes a block of one item, and gives what the rules made of it.
    pub(crate) fn does(&mut self, name: &str, kind: impl Into<Kind>) -> Outcome {
        self.commit(vec![self.sign(name, vec![kind.into()])]);
        signed(&self.tip().delta).next().unwrap().leaf.outcome
    }

    /// Makes a block of one request, and gives its id.
    pub(crate) fn asks(&mut self, name: &str, asked: &wire::RequestAccess) -> RequestId {
        let tx = self.sign(name, vec![asked.clone().into()]);
        let id = tx.header().request_id(0);
        self.commit(vec![tx]);
        id
    }

    /// Lets time pass before the next block.
    pub(crate) fn wait(&mut self, ms: u64) {
        self.now += ms;
    }

    /// Lets time pass, and makes an empty block then, which transactions may cite again.
    pub(crate) fn pause(&mut self, ms: u64) {
        self.wait(ms);
        self.commit(Vec::new());
    }

    /// Makes an empty block at a time.
    pub(crate) fn reach(&mut self, time: u64) {
        self.now = time;
        self.commit(Vec::new());
    }

    /// Sets an object as no rule of this protocol version can: for changes that are still to come.
    pub(crate) fn doctor(&mut self, place: Place, object: Option<Object>) {
        let value = object.as_ref().map(Object::map_value);
        self.trie = self.trie.with(vec![(place.map_key(), value)]);
        self.set(place, object);
    }
}

/// The events that somebody signed.
pub(crate) fn signed(delta: &Delta) -> impl Iterator<Item = &Event> {
    delta.events.iter().filter(|event| event.ledger.is_none())
}

fn signer(chain: ChainId, name: &str, of: &str) -> Signer {
    let department = name.split_once('/').unwrap().0.to_owned();
    let identity = identity_id(&seeded(of).public().key_id());
    Signer { chain, department, identity, key: seeded(name) }
}

impl View for World {
    fn object(&self, place: &Place) -> Result<Option<Object>, Missing> {
        Ok(self.objects.get(place).cloned())
    }

    fn trail_size(&self, trail: &Place) -> Result<u64, Missing> {
        Ok(self.peaks.get(trail).map_or(0, Peaks::size))
    }

    fn timers_due(&self, until: TimeMs, limit: usize) -> Result<Vec<Place>, Missing> {
        let first = Place::object(crate::place::ObjectKind::Timer, &[]);
        let timers = self.objects.range(first..).map(|(place, _)| place);
        let due = timers.take_while(|place| place.timer_due().is_some_and(|due| due <= until));
        Ok(due.take(limit).cloned().collect())
    }
}

impl Heads for World {
    type Error = Infallible;

    fn peaks(&self, trail: &Place) -> Result<Peaks, Infallible> {
        Ok(self.peaks.get(trail).cloned().unwrap_or_default())
    }
}
