//! From a founding document to a verified claim, offline: genesis → validators → header →
//! certificate → claim. Nothing else makes a [`Verified`].
//!
//! What a proof does not prove: that an access which nobody reported happened. It proves what was
//! put on the ledger and that nothing of a trail is left out.

mod anchor;
mod claims;
mod events;
mod known;
mod objects;
mod size;
mod trust;
mod witnessed;

pub use claims::{
    Absence, Authorised, Claim, Completeness, Consistency, Department, Fork, Inclusion, Omission,
    Range, State, Subject, Tag, allows, bulk_record,
};
pub use events::ProvedEvent;
pub use known::{Known, known};
pub use trust::Trust;
pub use witnessed::Witness;

use crate::canonical;
use crate::header::validators::ValidatorSet;
use crate::header::{block::Header, founding::Founding, note::VerifierKey};
use crate::place::{Place, TrailKind};
use crate::types::{ChainId, limits};
use crate::wire;

/// First field of a proof file.
pub const TRACE_MAGIC: &str = "LIUHEN-TRACE-1";

/// A value that [`verify`] checked; there is no other way to one.
#[derive(Debug, Clone)]
pub struct Verified<T>(T);

impl<T> Verified<T> {
    /// What was verified.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// What was verified, to be kept.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// What a proof file shows, as of its anchor.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The chain.
    pub chain: ChainId,
    /// The certified header at which everything was proved.
    pub anchor: Header,
    /// What was proved.
    pub claim: Claim,
    /// Which of the verifier's own witnesses saw the anchor.
    pub witnesses: Vec<Witness>,
    /// What to keep in mind.
    pub caveats: Vec<Caveat>,
}

/// Verifies an anchor from a founding document on, by itself: its header, and the validators that certified it.
pub fn certified(
    founding: &Founding,
    anchor: &wire::Anchor,
) -> Result<(Header, ValidatorSet), NotVerified> {
    anchor::reached(&Trust::Genesis(founding), Some(anchor))
}

/// What a valid proof leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Caveat {
    /// No witness co-signed: more than two thirds of the validators together could show others
    /// another history.
    NoWitness,
    /// Block time brackets when something was recorded, not when it happened.
    BlockTimeIsNotAccessTime,
    /// Verdicts are the validators' word; the rules were not replayed here.
    VerdictsAttested,
    /// Some records do not say whose data it was.
    UnknownSubjects,
    /// Events that the rules make are signed by nobody: they are the validators' word.
    LedgerEventsAttested,
    /// A subject has another tag for each collector and year.
    OnlyTheseTags,
    /// Complete except what is sealed.
    Sealed,
    /// A tag's own trail has what lists it, not what may concern anybody.
    ListedOnly,
}

impl Caveat {
    /// A sentence in English.
    pub fn english(self) -> &'static str {
        match self {
            Self::NoWitness => {
                "no witness co-signed: more than two thirds of the validators of any time together, also those whose keys \
                 are out of use, could show others another history"
            }
            Self::BlockTimeIsNotAccessTime => {
                "block time says when an access was recorded; when it happened is the gateway's word"
            }
            Self::VerdictsAttested => {
                "verdicts are the validators' word: the rules were not replayed here"
            }
            Self::UnknownSubjects => "some records do not say whose data it was",
            Self::OnlyTheseTags => {
                "a subject has another tag for each collector and year: nothing is said of others \
                 than these"
            }
            Self::Sealed => {
                "complete except what is sealed by lawful decision: that joins the subject's trail \
                 when it is opened"
            }
            Self::ListedOnly => {
                "the trail of a tag holds the records that list it: the collector's accesses to bulk sets and \
                 whole versions, and records that leave their subjects unknown, are not in it"
            }
            Self::LedgerEventsAttested => {
                "events made by the ledger's own rules are the validators' word: nobody signed them"
            }
        }
    }

    /// A sentence in Chinese.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::NoWitness => {
                "没有见证方联署：任一时期超过三分之二的验证节点（含密钥已停用者）串通，可向他人出示另一份历史"
            }
            Self::BlockTimeIsNotAccessTime => "区块时间是记录上链的时间；访问时间以闸口所述为准",
            Self::VerdictsAttested => "判定结果由验证节点认定，此处未重算规则",
            Self::UnknownSubjects => "部分记录未载明涉及何人的数据",
            Self::OnlyTheseTags => "同一主体在各归集部门、各年度的标识不同：此处只及所列标识",
            Self::Sealed => "除依法密封者外完整：密封记录启封后才进入主体轨迹",
            Self::ListedOnly => {
                "标识自身的轨迹只含列明该标识的记录：归集部门的批量、整版访问及未载明主体的记录不在其中"
            }
            Self::LedgerEventsAttested => "由账本规则自行产生的事件无人签名，由验证节点认定",
        }
    }
}

/// Why a proof is invalid: a stable code and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {why}")]
pub struct Invalid {
    /// A stable code.
    pub code: &'static str,
    /// What is wrong.
    pub why: String,
}

pub(crate) fn invalid(code: &'static str, why: impl std::fmt::Display) -> NotVerified {
    NotVerified::Invalid(Invalid { code, why: why.to_string() })
}

/// A proof that does not verify.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotVerified {
    /// It claims what it does not prove.
    #[error("INVALID ({0})")]
    Invalid(Invalid),
    /// What it claims can't be decided from it.
    #[error("UNDECIDABLE: {0}")]
    Undecidable(String),
}

/// Verifies the bytes of a proof file against a founding document, or a checkpoint that the caller
/// trusts; by no witness's word.
///
/// Errors as [`verify_witnessed`].
pub fn verify<'a>(
    trust: impl Into<Trust<'a>>,
    bytes: &[u8],
) -> Result<Verified<Statement>, NotVerified> {
    verify_witnessed(trust, &[], bytes)
}

/// The same for who knows keys of witnesses, from a source of its own: never from a ledger or a file.
///
/// Errors with `Invalid` and a code, or with `Undecidable` and what is missing. Costs at most the
/// hashing of the file and one signature a transaction. Takes at most 64 MB of memory, whatever the bytes
/// are: the file's length is limited, and what it decodes to.
pub fn verify_witnessed<'a>(
    trust: impl Into<Trust<'a>>,
    witnesses: &[VerifierKey],
    bytes: &[u8],
) -> Result<Verified<Statement>, NotVerified> {
    let trust = trust.into();
    other_format(bytes)?;
    let trace = decoded(bytes)?;
    if trace.magic != TRACE_MAGIC {
        return Err(invalid("file.malformed", "not a trace proof: it does not say so"));
    }
    let chain = trust.chain();
    if trace.chain_id != chain.as_bytes() {
        return Err(invalid("chain.other", "the proof is of another chain than the genesis"));
    }
    let anchor = anchor::verify(&trust, trace.anchor.as_ref())?;
    let witnesses = match &trace.witnessed {
        Some(given) => witnessed::verify(given, &anchor, witnesses)?,
        None => Vec::new(),
    };
    let transactions = events::transactions(&trace, &chain)?;
    let objects = objects::verify(&trace.objects, &anchor)?;
    let checker =
        events::Checker { anchor: &anchor, transactions: &transactions, objects: &objects };
    let nothing = || invalid("claim.none", "the file claims nothing");
    let claim = Claim::verify(trace.claim.as_ref().ok_or_else(nothing)?, &trust, &checker)?;
    checker.all_used(&claim)?;
    let caveats = caveats(&claim, !witnesses.is_empty());
    Ok(Verified(Statement { chain, anchor, claim, witnesses, caveats }))
}

/// Whether a file keeps to the limits of length and of what it decodes to.
pub fn is_small_enough(bytes: &[u8]) -> bool {
    let decodes = || size::decoded(bytes).is_some_and(|it| it < limits::TRACE_DECODED);
    bytes.len() <= limits::TRACE_BYTES && decodes()
}

/// The messages of a file, no longer than its limits and no larger in memory.
fn decoded(bytes: &[u8]) -> Result<wire::Trace, NotVerified> {
    let length = bytes.len();
    if length > limits::TRACE_BYTES {
        let limit = limits::TRACE_BYTES;
        return Err(invalid("file.limits", format!("{length} bytes; at most {limit} are read")));
    }
    match size::decoded(bytes) {
        None => Err(invalid("file.malformed", "no protobuf message")),
        Some(..limits::TRACE_DECODED) => {
            canonical::decode("proof file", bytes, limits::TRACE_BYTES)
                .map_err(|e| invalid("file.malformed", e))
        }
        Some(_) => Err(invalid("file.limits", "its messages would take too much memory")),
    }
}

/// A file of a later format is undecidable here, not invalid; it says so in its first field.
fn other_format(bytes: &[u8]) -> Result<(), NotVerified> {
    let [0x0a, length, rest @ ..] = bytes else { return Ok(()) };
    let magic = rest.get(..usize::from(*length)).unwrap_or_default();
    if magic.starts_with(b"LIUHEN-TRACE-") && magic != TRACE_MAGIC.as_bytes() {
        let known = format!("a program that reads {}", magic.escape_ascii());
        return Err(NotVerified::Undecidable(known));
    }
    Ok(())
}

fn caveats(claim: &Claim, witnessed: bool) -> Vec<Caveat> {
    let mut caveats = Vec::new();
    if !witnessed {
        caveats.push(Caveat::NoWitness);
    }
    let events = claim.events();
    let records: Vec<_> = events.iter().filter_map(|event| event.record()).collect();
    if !records.is_empty() {
        caveats.push(Caveat::BlockTimeIsNotAccessTime);
        if !matches!(claim, Claim::Authorised(_)) {
            caveats.push(Caveat::VerdictsAttested);
        }
    }
    let unknown = |it: &&wire::RecordAccess| {
        it.subjects
            .as_ref()
            .is_some_and(|subjects| subjects.unknown_count > 0 || subjects.uncounted)
    };
    let mut unknown_subjects = records.iter().any(unknown);
    if let Claim::Subject(it) = claim {
        caveats.extend([Caveat::OnlyTheseTags, Caveat::Sealed]);
        let none = wire::UnknownCount::default();
        let open = it.tags.iter().any(|tag| tag.unknown != none || tag.concerned.contains(&None));
        unknown_subjects = unknown_subjects || open;
    }
    let of_tag = |trail: &Place| trail.kind() == TrailKind::Subject as u8;
    if claim.trail().is_some_and(of_tag) {
        caveats.extend([Caveat::OnlyTheseTags, Caveat::Sealed, Caveat::ListedOnly]);
    }
    if unknown_subjects {
        caveats.push(Caveat::UnknownSubjects);
    }
    if events.iter().any(|event| event.leaf.origin == crate::types::TxId::ZERO) {
        caveats.push(Caveat::LedgerEventsAttested);
    }
    caveats
}

#[cfg(test)]
mod tests;
