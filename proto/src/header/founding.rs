//! The founding document (创世文件) as bytes: chain id, header 0, the founding objects.

use crate::canonical::{self, CanonicalError};
use crate::header::{
    block::{Header, PROTOCOL, SUITE},
    validators::{ValidatorSet, ValidatorsError},
};
use crate::ledger::{Object, calendar, parameters};
use crate::merkle::{Blake3Log, Sha256Log, log::LogHash, trie::Trie};
use crate::place::Place;
use crate::suite::{
    hash::{self, Domain},
    sign::{KeyError, PublicKey},
};
use crate::types::{
    ChainId, Hash, Height, IdentityId, KeyId, TimeMs, check_code, identity_id, limits,
};
use crate::wire;
use prost::Message;
use std::collections::{BTreeMap, BTreeSet};

/// Why a document can't found a chain. The text names the entry at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoundingError {
    /// The encoding.
    #[error(transparent)]
    Encoding(#[from] CanonicalError),
    /// A protocol or suite that this program does not know.
    #[error("protocol {protocol}, suite {suite}: this program knows protocol 1, suite 1")]
    Unknown {
        /// The document's protocol.
        protocol: u32,
        /// The document's suite.
        suite: u32,
    },
    /// The validators.
    #[error(transparent)]
    Validators(#[from] ValidatorsError),
    /// A key.
    #[error("key of identity {identity}: {why}")]
    Key {
        /// Department/code of the identity.
        identity: String,
        /// What is wrong.
        why: KeyError,
    },
    /// An entry.
    #[error("{entry}: {why}")]
    Entry {
        /// Which.
        entry: String,
        /// What is wrong.
        why: String,
    },
}

/// A checked founding document.
#[derive(Debug, Clone)]
pub struct Founding {
    document: wire::Genesis,
    chain: ChainId,
    validators: ValidatorSet,
    objects: BTreeMap<Place, Object>,
    trie: Trie,
}

impl Founding {
    /// From the canonical bytes of a founding document.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FoundingError> {
        Self::new(canonical::decode("founding document", bytes, limits::GENESIS_BYTES)?)
    }

    /// Checks a document. Lists must be in order already.
    pub fn new(document: wire::Genesis) -> Result<Self, FoundingError> {
        if document.protocol != PROTOCOL || document.suite != SUITE {
            let (protocol, suite) = (document.protocol, document.suite);
            return Err(FoundingError::Unknown { protocol, suite });
        }
        check(&document)?;
        let validators = ValidatorSet::from_wire(&document.validators)?;
        let objects = objects(&document, &document.validators);
        let changes =
            objects.iter().map(|(place, it)| (place.map_key(), Some(it.map_value()))).collect();
        let chain = hash::hash(Domain::Genesis, &[&document.encode_to_vec()]);
        let chain = ChainId::new(*chain.as_bytes());
        Ok(Self { document, chain, validators, objects, trie: Trie::default().with(changes) })
    }

    /// The document.
    pub fn document(&self) -> &wire::Genesis {
        &self.document
    }

    /// `H_genesis` of the document's bytes.
    pub fn chain(&self) -> ChainId {
        self.chain
    }

    /// Whether this is a chain for trying things out, on which keys may lie about unencrypted.
    pub fn is_dev(&self) -> bool {
        self.document.name.starts_with("dev-")
    }

    /// The founding validators.
    pub fn validators(&self) -> &ValidatorSet {
        &self.validators
    }

    /// The objects that the ledger begins with.
    pub fn objects(&self) -> &BTreeMap<Place, Object> {
        &self.objects
    }

    /// The map of the founding objects.
    pub fn trie(&self) -> &Trie {
        &self.trie
    }

    /// Header 0.
    pub fn header(&self) -> Header {
        let validators = self.validators.hash();
        Header {
            protocol: PROTOCOL,
            suite: SUITE,
            chain: self.chain,
            height: Height::GENESIS,
            time: TimeMs::new(self.document.time_ms),
            proposer: KeyId::ZERO,
            last_commit: Hash::ZERO,
            log_root: Sha256Log::empty(),
            event_count: 0,
            events_root: Blake3Log::empty(),
            map_root: self.trie.root(),
            validators_hash: validators,
            next_validators_hash: validators,
        }
    }
}

fn objects(document: &wire::Genesis, validators: &[wire::Validator]) -> BTreeMap<Place, Object> {
    let mut objects: BTreeMap<Place, Object> = BTreeMap::new();
    let mut beneath: BTreeMap<&str, wire::Beneath> = BTreeMap::new();
    for it in &document.departments {
        let mut department = it.clone();
        let root = document
            .identities
            .iter()
            .find(|one| one.department == it.code && one.kind() == wire::IdentityKind::Root);
        department.root_id = root.map(|root| root.identity_id.clone()).unwrap_or_default();
        objects.insert(Place::department(&it.code), department.into());
        if !it.parent.is_empty() {
            beneath.entry(&it.parent).or_default().departments.push(it.code.clone());
        }
    }
    for (code, list) in beneath {
        objects.insert(Place::beneath(code), list.into());
    }
    let mut rosters: BTreeMap<&str, wire::Roster> = BTreeMap::new();
    for it in &document.identities {
        let roster = rosters.entry(&it.department).or_default();
        roster.identity_ids.push(it.identity_id.clone());
    }
    for (code, roster) in rosters {
        objects.insert(Place::roster(code), roster.into());
    }
    for it in &document.identities {
        let mut identity = it.clone();
        let own = document.keys.iter().filter(|key| key.identity_id == it.identity_id);
        identity.key_ids = own.map(|key| key.key_id.clone()).collect();
        let id = IdentityId::from_slice(&it.identity_id).unwrap_or_default();
        objects.insert(Place::identity(&id), identity.into());
        let name = wire::IdentityName { identity_id: it.identity_id.clone() };
        objects.insert(Place::identity_name(&it.department, &it.code), name.into());
    }
    for it in &document.keys {
        let id = KeyId::from_slice(&it.key_id).unwrap_or_default();
        objects.insert(Place::key(&id), it.clone().into());
    }
    for it in &document.calendars {
        objects.insert(Place::calendar(it.year), it.clone().into());
    }
    let set = wire::ScheduledValidators { from_height: 0, validators: validators.to_vec() };
    let schedule = wire::ValidatorSchedule { sets: vec![set] };
    objects.insert(Place::validator_schedule(), schedule.into());
    objects.insert(Place::peers(), wire::Peers { peers: document.peers.clone() }.into());
    objects.insert(Place::voters(), wire::Voters { voters: document.voters.clone() }.into());
    objects.insert(Place::parameters(), document.parameters.clone().unwrap_or_default().into());
    objects
}

fn check(document: &wire::Genesis) -> Result<(), FoundingError> {
    let name = || format!("chain {}", document.name);
    check_code(&document.name).map_err(|_| entry(name(), "its name is not a code"))?;
    if document.time_ms == 0 {
        return Err(entry(name(), "a founding time is needed"));
    }
    let departments = departments(document)?;
    identities(document, &departments)?;
    keys(document)?;
    validator_keys(document)?;
    parameters(document, &departments)
}

fn entry(entry: String, why: impl Into<String>) -> FoundingError {
    FoundingError::Entry { entry, why: why.into() }
}

fn ascending<T: PartialOrd>(
    list: impl IntoIterator<Item = T>,
    name: &str,
) -> Result<(), FoundingError> {
    let list: Vec<T> = list.into_iter().collect();
    if list.iter().zip(list.iter().skip(1)).all(|(a, b)| a < b) {
        Ok(())
    } else {
        Err(entry(name.to_owned(), "entries must be strictly ascending, each once"))
    }
}

fn departments(document: &wire::Genesis) -> Result<BTreeSet<&str>, FoundingError> {
    ascending(document.departments.iter().map(|it| &it.code), "departments")?;
    let codes: BTreeSet<&str> = document.departments.iter().map(|it| it.code.as_str()).collect();
    for it in &document.departments {
        let wrong = |why| entry(format!("department {}", it.code), why);
        check_code(&it.code).map_err(|_| wrong("its code is not a code"))?;
        check_code(&it.body).map_err(|_| wrong("its body is not a code"))?;
        if !(1..=5).contains(&it.level) {
            return Err(wrong("a level is 1 (province) to 5 (village)"));
        }
        for above in [&it.parent, &it.guide] {
            if !above.is_empty() && (!codes.contains(above.as_str()) || *above == it.code) {
                return Err(wrong("its parent or guide is no other department here"));
            }
        }
        if it.rights.iter().any(|right| !(1..=5).contains(right)) {
            return Err(wrong("unknown right"));
        }
        ascending(&it.rights, &format!("rights of {}", it.code))?;
        founded(&it.standing).map_err(wrong)?;
        let given = wire::Department {
            root_id: Vec::new(),
            pending_root: None,
            successor: String::new(),
            reconfirm_due_ms: 0,
            stopped_by: String::new(),
            ended: false,
            predecessors: Vec::new(),
            since_height: 0,
            ..it.clone()
        };
        if given != *it {
            return Err(wrong("it states what only the ledger makes of it"));
        }
        let long =
            it.name_zh.len() > limits::TITLE_LENGTH || it.name_en.len() > limits::TITLE_LENGTH;
        if long || (it.name_zh.is_empty() && it.name_en.is_empty()) {
            return Err(wrong("a name of at most 256 bytes is needed"));
        }
    }
    Ok(codes)
}

fn founded(standing: &[wire::Interval]) -> Result<(), &'static str> {
    if standing == [wire::Interval::default()] {
        Ok(())
    } else {
        Err("it must stand from genesis on")
    }
}

fn identities(document: &wire::Genesis, departments: &BTreeSet<&str>) -> Result<(), FoundingError> {
    ascending(document.identities.iter().map(|it| &it.identity_id), "identities")?;
    let (mut names, mut roots) = (BTreeSet::new(), BTreeSet::new());
    for it in &document.identities {
        let wrong = |why| entry(format!("identity {}/{}", it.department, it.code), why);
        check_code(&it.code).map_err(|_| wrong("its code is not a code"))?;
        if !departments.contains(it.department.as_str()) {
            return Err(wrong("its department is not here"));
        }
        if !names.insert((&it.department, &it.code)) {
            return Err(wrong("its code is there twice"));
        }
        if !(1..=6).contains(&it.kind) {
            return Err(wrong("unknown kind of identity"));
        }
        founded(&it.standing).map_err(wrong)?;
        let root = it.kind() == wire::IdentityKind::Root;
        if !root && (it.code == "root" || it.code.starts_with("root-")) {
            return Err(wrong("this code is for a department's root"));
        }
        if root && !roots.insert(&it.department) {
            return Err(wrong("its department has another root already"));
        }
        let own = document.keys.iter().filter(|key| key.identity_id == it.identity_id).count();
        let threshold = usize::try_from(it.threshold).unwrap_or(usize::MAX);
        if threshold > own || (!root && threshold > 1) || it.ended || it.events > 0 {
            return Err(wrong(
                "it has fewer keys than must sign, or states what only the ledger makes",
            ));
        }
        if !it.key_ids.is_empty() {
            return Err(wrong("its keys are listed apart"));
        }
        if !it.duty.is_empty() && check_code(&it.duty).is_err() {
            return Err(wrong("its duty is not a code"));
        }
        if !it.holder.is_empty() && it.holder.len() != 32 {
            return Err(wrong("its holder is no pseudonym of 32 bytes"));
        }
        let of_key = document.keys.iter().any(|key| {
            key.identity_id == it.identity_id
                && KeyId::from_slice(&key.key_id)
                    .is_ok_and(|id| identity_id(&id).as_bytes().as_slice() == it.identity_id)
        });
        if !of_key {
            return Err(wrong("its id is not made from a key of its own"));
        }
    }
    Ok(())
}

fn keys(document: &wire::Genesis) -> Result<(), FoundingError> {
    ascending(document.keys.iter().map(|it| &it.key_id), "keys")?;
    for it in &document.keys {
        let identity = document.identities.iter().find(|one| one.identity_id == it.identity_id);
        let name = identity
            .map_or_else(|| "?".to_owned(), |one| format!("{}/{}", one.department, one.code));
        let wrong = |why| entry(format!("key of {name}"), why);
        let Some(identity) = identity else {
            return Err(wrong("its identity is not here"));
        };
        if it.department != identity.department {
            return Err(wrong("it states another department than its identity"));
        }
        let key = PublicKey::new(it.algorithm, &it.public_key)
            .map_err(|why| FoundingError::Key { identity: name.clone(), why })?;
        if it.key_id != key.key_id().as_bytes() {
            return Err(wrong("its key id is not that of its key"));
        }
        founded(&it.standing).map_err(wrong)?;
    }
    Ok(())
}

fn validator_keys(document: &wire::Genesis) -> Result<(), FoundingError> {
    for validator in &document.validators {
        let key = document.keys.iter().find(|it| it.key_id == validator.key_id);
        let identity = key.and_then(|key| {
            document.identities.iter().find(|it| it.identity_id == key.identity_id)
        });
        if identity.is_none_or(|it| it.kind() != wire::IdentityKind::Node) {
            let name = format!("validator {}", hex::encode(&validator.key_id));
            return Err(entry(name, "its key is not that of a node here"));
        }
    }
    ascending(document.peers.iter().map(|it| (&it.department, &it.peer_id)), "peers")
}

fn parameters(document: &wire::Genesis, departments: &BTreeSet<&str>) -> Result<(), FoundingError> {
    let wrong = |why: &str| entry("parameters".to_owned(), why);
    let it = document.parameters.as_ref().ok_or_else(|| wrong("parameters are needed"))?;
    parameters::check(it).map_err(|why| wrong(&why))?;
    if it.since_height != 0 {
        return Err(wrong("it states what only the ledger makes of it"));
    }
    let managers = it.managers.iter().flat_map(|one| [&one.manager, &one.deputy]);
    let managers = managers.filter(|code| !code.is_empty());
    if !managers.chain([&it.lead]).all(|code| departments.contains(code.as_str())) {
        return Err(wrong("the leading department, or a manager, is not here"));
    }
    ascending(document.voters.iter().map(|it| &it.department), "voters")?;
    for voter in &document.voters {
        let member = departments.contains(voter.department.as_str());
        if !member || voter.weight == 0 || voter.suspended {
            let why = "its department is not here, or its vote has no weight";
            return Err(entry(format!("voter {}", voter.department), why));
        }
    }
    if !document.voters.iter().any(|voter| voter.department == it.lead) {
        return Err(wrong("the leading department needs a vote"));
    }
    ascending(document.calendars.iter().map(|it| it.year), "calendars")?;
    match document.calendars.iter().find(|it| !calendar::is_sound(it)) {
        Some(it) => {
            Err(entry(format!("calendar {}", it.year), "a day is not as its kind wants it"))
        }
        None => Ok(()),
    }
}
