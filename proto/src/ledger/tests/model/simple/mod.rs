//! A simple model of the ledger, written from the domain's rules and apart from the code that
//! enforces them: plain lists, searched from end to end.
//!
//! It collects every reason that it knows against an item; the ledger, which stops at the first it
//! meets, must name one of them.

mod answers;
mod bulk;
mod cases;
mod clock;
mod corrections;
mod double_votes;
mod emergency;
mod gateways;
mod governance;
mod grants;
mod halves;
mod identities;
mod integrity;
mod judge;
mod leases;
mod members;
mod products;
mod reading;
mod records;
mod sealing;
mod seals;
mod sharing;
mod successions;
mod terms;
mod watching;
mod who;

pub(super) use answers::Answers;
pub(super) use cases::Case;
pub(super) use gateways::Gateway;
pub(super) use integrity::Event;
pub(super) use leases::Lease;
pub(super) use products::Product;
pub(super) use reading::Audit;
pub(super) use terms::allows;

use crate::event::Outcome;
use crate::tx::{Tx, TxHeader};
use crate::wire::{self, GrantKind, GrantState, RequestState, item::Kind};
use std::collections::BTreeMap;
use std::rc::Rc;

pub(super) type Id = Vec<u8>;
pub(super) type Why = Vec<&'static str>;

/// When something was in force: each turn holds from its height and its time on.
#[derive(Debug, Clone, Default)]
pub(super) struct Life(Vec<(u64, u64, bool)>);

impl Life {
    fn founded() -> Self {
        Self(vec![(0, 0, true)])
    }

    pub(super) fn at_height(&self, height: u64) -> bool {
        self.0.iter().rfind(|(from, ..)| *from <= height).is_some_and(|(.., on)| *on)
    }

    pub(super) fn at_time(&self, time: u64) -> bool {
        self.0.iter().rfind(|(_, from, _)| *from <= time).is_some_and(|(.., on)| *on)
    }

    /// From the next height on, as far as is known.
    pub(super) fn goes_on(&self) -> bool {
        self.0.last().is_some_and(|(.., on)| *on)
    }
}

#[derive(Debug, Clone)]
pub(super) struct Department {
    pub(super) code: String,
    pub(super) level: u32,
    pub(super) division: String,
    pub(super) parent: String,
    pub(super) guide: String,
    pub(super) body: String,
    pub(super) rights: Vec<i32>,
    pub(super) life: Life,
    pub(super) root: Id,
    pub(super) pending: Option<(Id, u64)>,
    pub(super) successor: String,
    pub(super) reconfirm_due: u64,
    pub(super) overlap_until: Option<u64>,
    pub(super) stopped_by: String,
    pub(super) ended: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Identity {
    pub(super) id: Id,
    pub(super) department: String,
    pub(super) code: String,
    pub(super) kind: i32,
    pub(super) duty: String,
    pub(super) holder: Vec<u8>,
    pub(super) life: Life,
    pub(super) events: u64,
    pub(super) threshold: u64,
    pub(super) ended: bool,
    pub(super) operator: String,
}

#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) id: Id,
    pub(super) identity: Id,
    pub(super) department: String,
    pub(super) public: Vec<u8>,
    pub(super) life: Life,
    /// The block that put it on the ledger.
    made: u64,
    /// How many events it has signed.
    pub(super) signed: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Dataset {
    pub(super) entry: wire::RegisterDataset,
    pub(super) version: u64,
    pub(super) digest: Vec<u8>,
    pub(super) rows: u64,
    pub(super) retired: Option<(u64, u64)>,
}

#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) id: Id,
    pub(super) asked: wire::RequestAccess,
    pub(super) kind: GrantKind,
    pub(super) class: Option<wire::DepartmentClass>,
    pub(super) parent: Option<Id>,
    pub(super) state: RequestState,
    pub(super) approved: Option<wire::Terms>,
    pub(super) deadline: wire::Deadline,
    pub(super) due: Option<u64>,
    pub(super) overdue: bool,
    pub(super) about_oneself: bool,
}

/// What a grant was from some block on.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) height: u64,
    pub(super) time: u64,
    pub(super) state: GrantState,
    pub(super) terms: Rc<wire::Terms>,
    pub(super) by: String,
}

#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) id: Id,
    pub(super) kind: GrantKind,
    pub(super) class: Option<wire::DepartmentClass>,
    pub(super) dataset: String,
    pub(super) user: String,
    pub(super) collector: String,
    pub(super) manager: String,
    /// Of user, collector and manager.
    pub(super) bodies: [String; 3],
    pub(super) purpose: String,
    pub(super) basis: String,
    pub(super) parent: Option<Id>,
    pub(super) steps: Vec<Step>,
    pub(super) ratify_due: Option<u64>,
    pub(super) ratified: [bool; 2],
    pub(super) about_oneself: bool,
}

impl Grant {
    pub(super) fn last(&self) -> &Step {
        self.steps.last().unwrap()
    }

    pub(super) fn ended(&self) -> bool {
        !matches!(self.last().state, GrantState::Active | GrantState::Suspended)
    }
}

/// What one record used of one grant; not one whose statement was counted there not long before.
#[derive(Debug, Clone, Copy)]
struct Use {
    grant: usize,
    day: u64,
    /// `None`: its gateway can't say.
    rows: Option<u64>,
    /// Of a statement that may need several records.
    statement: Option<[u8; 32]>,
}

#[derive(Debug, Clone)]
pub(super) struct Proposal {
    pub(super) id: Id,
    pub(super) change: wire::propose::Change,
    pub(super) votes: Vec<(String, bool)>,
    pub(super) expires: u64,
    pub(super) end: wire::ProposalEnd,
}

/// What the model makes of an item that holds.
#[derive(Debug, Clone)]
pub(super) enum Made {
    Done,
    Judged(Outcome),
}

#[derive(Debug, Clone)]
pub(super) struct Simple {
    pub(super) chain: crate::types::ChainId,
    pub(super) departments: Vec<Department>,
    pub(super) identities: Vec<Rc<Identity>>,
    pub(super) keys: Vec<Rc<Key>>,
    pub(super) datasets: Vec<Rc<Dataset>>,
    pub(super) requests: Vec<Rc<Request>>,
    pub(super) grants: Vec<Rc<Grant>>,
    uses: Vec<Use>,
    leases: Vec<Lease>,
    /// How many records added nothing to a grant, for their statement was counted there.
    pub(super) went_on: u64,
    answers: Answers,
    /// Department, dataset, and until when no more is opened.
    refused_emergencies: Vec<(String, String, u64)>,
    /// By collector: numbers that were declared lost.
    losses: BTreeMap<String, wire::Declared>,
    pub(super) proposals: Vec<Rc<Proposal>>,
    pub(super) voters: Vec<wire::Voter>,
    pub(super) parameters: Rc<wire::Parameters>,
    pub(super) calendars: Vec<wire::Calendar>,
    pub(super) validators: Vec<wire::Validator>,
    /// Whose keys sign blocks, from which heights on.
    pub(super) signers: Vec<(u64, Vec<Id>)>,
    /// The newest version, and from which height on.
    pub(super) protocol: (u32, u64),
    pub(super) audits: Vec<Audit>,
    /// Ids and times of all blocks, genesis first.
    pub(super) blocks: Vec<(Id, u64)>,
    pub(super) height: u64,
    pub(super) now: u64,
    /// What the ledger is to say of itself in the block at hand.
    pub(super) told: Vec<String>,
}

/// Who says an item, and which of a transaction's it is.
#[derive(Clone, Copy)]
pub(super) struct By<'a> {
    header: &'a TxHeader,
    number: u32,
}

impl By<'_> {
    fn department(&self) -> &str {
        &self.header.department
    }

    fn identity(&self) -> &[u8] {
        self.header.identity.as_bytes()
    }
}

impl Simple {
    pub(super) fn new(founding: &crate::header::founding::Founding) -> Self {
        let it = founding.document();
        let root = |code: &str| {
            let root = it.identities.iter().find(|one| one.department == code && one.kind == 1);
            root.map(|one| one.identity_id.clone()).unwrap_or_default()
        };
        Self {
            chain: founding.chain(),
            departments: it
                .departments
                .iter()
                .map(|one| members::founded(one, root(&one.code)))
                .collect(),
            identities: it
                .identities
                .iter()
                .map(|one| Rc::new(members::founded_identity(one)))
                .collect(),
            keys: it.keys.iter().map(|one| Rc::new(members::founded_key(one))).collect(),
            datasets: Vec::new(),
            requests: Vec::new(),
            grants: Vec::new(),
            uses: Vec::new(),
            leases: Vec::new(),
            went_on: 0,
            answers: Answers::default(),
            refused_emergencies: Vec::new(),
            losses: BTreeMap::new(),
            proposals: Vec::new(),
            voters: it.voters.clone(),
            parameters: Rc::new(it.parameters.clone().unwrap()),
            calendars: it.calendars.clone(),
            signers: vec![(0, it.validators.iter().map(|it| it.key_id.clone()).collect())],
            validators: it.validators.clone(),
            protocol: (it.protocol, 0),
            audits: Vec::new(),
            blocks: vec![(founding.header().block_id().to_vec(), it.time_ms)],
            height: 0,
            now: it.time_ms,
            told: Vec::new(),
        }
    }

    /// A block begins: what is due happens.
    pub(super) fn begin(&mut self, time: u64) {
        self.height += 1;
        self.now = time;
        self.told.clear();
        self.what_is_due();
    }

    /// The block at hand is made.
    pub(super) fn end(&mut self, id: Id) {
        self.blocks.push((id, self.now));
    }

    /// What each item of a transaction makes; or the item at fault, where it is one, and all that
    /// speaks against it.
    pub(super) fn take(&mut self, tx: &Tx) -> Result<Vec<Made>, (Option<u32>, Why)> {
        let before = self.clone();
        let taken = self.all_items(tx);
        if taken.is_err() {
            *self = before;
        }
        taken
    }

    fn all_items(&mut self, tx: &Tx) -> Result<Vec<Made>, (Option<u32>, Why)> {
        let why = self.signer(tx.header());
        if !why.is_empty() {
            return Err((None, why));
        }
        let mut made = Vec::new();
        for (number, item) in (0..).zip(tx.items()) {
            let by = By { header: tx.header(), number };
            made.push(self.item(by, item.kind()).map_err(|why| (Some(number), why))?);
        }
        self.key_mut(tx.header().key.as_bytes()).signed += u64::from(tx.header().item_count);
        Ok(made)
    }

    fn item(&mut self, by: By<'_>, kind: &Kind) -> Result<Made, Why> {
        let why = match kind {
            Kind::RecordAccess(it) => return self.record(by, it).map(Made::Judged),
            Kind::RegisterDataset(it) => self.register(by, it),
            Kind::UpdateDataset(it) => self.update(by, it),
            Kind::RetireDataset(it) => self.retire(by, it),
            Kind::PublishVersion(it) => self.publish(by, it),
            Kind::RequestAccess(it) => self.ask(by, it),
            Kind::DecideRequest(it) => self.decide(by, it),
            Kind::AskSupplement(it) => self.want_supplement(by, it),
            Kind::SupplementRequest(it) => self.supplement(by, it),
            Kind::ApproveException(it) => self.exception(by, it),
            Kind::ConfirmGrant(it) => self.confirm(by, it),
            Kind::OfferStanding(it) => self.offer(by, it),
            Kind::GivePermit(it) => self.permit(by, it),
            Kind::AmendGrant(it) => self.amend(by, it),
            Kind::SuspendGrant(it) => self.suspend(by, it),
            Kind::ResumeGrant(it) => self.resume(by, it),
            Kind::RevokeGrant(it) => self.revoke(by, it),
            Kind::ReconfirmGrant(it) => self.reconfirm(by, it),
            Kind::DelegateGrant(it) => self.delegate(by, it),
            Kind::OpenEmergency(it) => self.emergency(by, it),
            Kind::RatifyEmergency(it) => self.ratify(by, it),
            Kind::AdmitDepartment(it) => self.admit_beneath(by, it),
            Kind::ChangeDepartment(it) => self.change_beneath(by, it),
            Kind::SucceedDepartment(it) => self.succeed_by_lead(by, it),
            Kind::RegisterIdentity(it) => self.register_identity(by, it),
            Kind::RotateKeys(it) => self.rotate(by, it),
            Kind::ChangeIdentity(it) => self.change_identity(by, it),
            Kind::AssignPost(it) => self.assign(by, it),
            Kind::ReplaceRoot(it) => self.replace_root(by, it),
            Kind::ObjectToRoot(it) => self.object_to_root(by, it),
            Kind::Propose(it) => self.propose(by, it),
            Kind::Vote(it) => self.vote(by, it),
            Kind::RecordReads(it) => self.record_reads(by, it),
            Kind::OpenAudit(it) => self.open_audit(by, it),
            Kind::CloseAudit(it) => self.close_audit(by, it),
            Kind::OpenReads(it) => self.open_reads(by, it),
            other => return self.answering(by, other),
        };
        if why.is_empty() { Ok(Made::Done) } else { Err(why) }
    }

    pub(super) fn department(&self, code: &str) -> Option<&Department> {
        self.departments.iter().find(|it| it.code == code)
    }

    fn department_mut(&mut self, code: &str) -> &mut Department {
        self.departments.iter_mut().find(|it| it.code == code).unwrap()
    }

    pub(super) fn identity(&self, id: &[u8]) -> Option<&Identity> {
        self.identities.iter().find(|it| it.id == id).map(Rc::as_ref)
    }

    fn identity_mut(&mut self, id: &[u8]) -> &mut Identity {
        Rc::make_mut(self.identities.iter_mut().find(|it| it.id == id).unwrap())
    }

    pub(super) fn key(&self, id: &[u8]) -> Option<&Key> {
        self.keys.iter().find(|it| it.id == id).map(Rc::as_ref)
    }

    fn key_mut(&mut self, id: &[u8]) -> &mut Key {
        Rc::make_mut(self.keys.iter_mut().find(|it| it.id == id).unwrap())
    }

    pub(super) fn dataset(&self, code: &str) -> Option<&Dataset> {
        self.datasets.iter().find(|it| it.entry.dataset == code).map(Rc::as_ref)
    }

    pub(super) fn request(&self, id: &[u8]) -> Option<&Request> {
        self.requests.iter().find(|it| it.id == id).map(Rc::as_ref)
    }

    fn request_mut(&mut self, id: &[u8]) -> &mut Request {
        Rc::make_mut(self.requests.iter_mut().find(|it| it.id == id).unwrap())
    }

    pub(super) fn grant(&self, id: &[u8]) -> Option<&Grant> {
        self.grants.iter().find(|it| it.id == id).map(Rc::as_ref)
    }

    fn grant_mut(&mut self, id: &[u8]) -> &mut Grant {
        Rc::make_mut(self.grants.iter_mut().find(|it| it.id == id).unwrap())
    }

    fn tell(&mut self, what: String) {
        self.told.push(what);
    }
}
