//! The calls of the matrix, and what each is answered in a word or two.

use super::ledger::{END, Step};
use liuhen_client::connect::Node;
use liuhen_client::event::Event;
use liuhen_proto::event::Body;
use liuhen_proto::place::{ObjectKind, Place, TrailKind};
use liuhen_proto::types::{Hash, TxId};
use liuhen_proto::wire::{self, WatchRequest, item::Kind};
use liuhen_rpc::status::to_refused;
use liuhen_tests::wait::DEADLINE;
use tokio_stream::StreamExt;
use tonic::{Response, Status, Streaming};

/// Which call asks for a trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// `TrailService.GetTrail`.
    Get,
    /// `ProofService.ProveTrail`.
    Prove,
    /// `ProofService.ProveLongTrail`.
    ProveLong,
    /// `ProofService.ProveConsistency`.
    Consistency,
    /// `WatchService.Watch`.
    Watch,
}

impl By {
    /// Each of them.
    pub const ALL: [Self; 5] =
        [Self::Get, Self::Prove, Self::ProveLong, Self::Consistency, Self::Watch];
}

/// A trail that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trail {
    /// Its kind.
    pub kind: TrailKind,
    /// Its id.
    pub id: Vec<u8>,
    /// The key of a subject that is shown with it.
    pub key: Vec<u8>,
    /// How much stood on it when the matrix began: more is added while overseers read.
    pub size: u64,
}

/// A call, and what it is about.
#[derive(Debug, Clone)]
pub enum Ask {
    /// A trail.
    Trail(By, Trail),
    /// An event, and whether that it was covered.
    Event(TxId, u32, bool, &'static str),
    /// All that a department signed.
    Department(String),
    /// The same in parts.
    LongDepartment(String),
    /// All of a subject: collector, tag, and the key that is shown.
    Subject(&'static str, Hash, Vec<u8>),
    /// How an object stands.
    Object(ObjectKind, Vec<u8>),
    /// The same beside one that every member may know.
    Objects(ObjectKind, Vec<u8>),
    /// All that passes, of which these are known.
    Ledger(Vec<Step>),
    /// The log of headers.
    Headers,
    /// A call without a subject, by its name.
    Plain(Plain),
    /// A call about one thing of this id.
    One(One, Vec<u8>),
}

/// Calls without a subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is called what its call is called")]
pub enum Plain {
    Submit,
    SubmitStream,
    GetStatus,
    GetGenesis,
    GetCheckpoint,
    ProveHeader,
    AddCosignature,
    ListDepartments,
    ListIdentities,
    ListDatasets,
    ListRequests,
    GetConsortium,
    ListProposals,
    ListCases,
    ListProducts,
    ListCorrections,
    ListSealing,
}

/// Calls about one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is called what its call is called")]
pub enum One {
    GetKey,
    GetIdentity,
    GetRequest,
    GetGateway,
    /// Of a department.
    ListIntegrity,
    /// Of the collector's identity of this id.
    ListIntegrityOfIdentity,
    ListAlerts,
    /// Of the gateway of this id, the record of a bulk set.
    GetBulkSet,
}

/// What a call was answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// In a word or two: `all`, `part`, what a list held, or the code of the refusal.
    pub what: String,
    /// The refusal's sentence; empty where there was none.
    pub why: String,
    /// Events of a watch that are none of the steps, with their trails.
    pub beside: Vec<(String, Vec<Place>)>,
}

/// Where the caller may read it, and there is something.
pub const ALL: &str = "all";
/// Where something is left out.
pub const PART: &str = "part";
/// Where there is nothing to be read.
pub const NOTHING: &str = "nothing";

impl Ask {
    /// The call, as the contract names it.
    pub fn rpc(&self) -> String {
        let plain;
        let (service, method) = match self {
            Self::Trail(By::Get, _) => ("TrailService", "GetTrail"),
            Self::Trail(By::Prove, _) => ("ProofService", "ProveTrail"),
            Self::Trail(By::ProveLong, _) => ("ProofService", "ProveLongTrail"),
            Self::Trail(By::Consistency, _) | Self::Headers => ("ProofService", "ProveConsistency"),
            Self::Trail(By::Watch, _) | Self::Ledger(_) => ("WatchService", "Watch"),
            Self::Event(..) => ("ProofService", "ProveEvent"),
            Self::Department(_) => ("ProofService", "ProveDepartment"),
            Self::LongDepartment(_) => ("ProofService", "ProveLongDepartment"),
            Self::Subject(..) => ("ProofService", "ProveSubject"),
            Self::Object(..) => ("ProofService", "ProveObject"),
            Self::Objects(..) => ("ProofService", "ProveObjects"),
            Self::Plain(it) => {
                plain = format!("{it:?}");
                (it.service(), plain.as_str())
            }
            Self::One(it, _) => {
                plain = format!("{it:?}");
                (it.service(), plain.trim_end_matches("OfIdentity"))
            }
        };
        format!("{service}.{method}")
    }

    /// What it is about: as refusals name it, too.
    pub fn about(&self) -> String {
        match self {
            Self::Trail(_, trail) => Place::trail(trail.kind, &trail.id).to_string(),
            Self::Event(_, _, _, name) => (*name).to_owned(),
            Self::Department(code) | Self::LongDepartment(code) => code.clone(),
            Self::Subject(collector, tag, _) => format!("{collector}/{tag}"),
            Self::Object(kind, id) | Self::Objects(kind, id) => {
                Place::object(*kind, id).to_string()
            }
            Self::Ledger(_) => "the ledger".into(),
            Self::Headers => "the headers".into(),
            Self::Plain(_) => String::new(),
            Self::One(One::ListAlerts | One::ListIntegrity, code) => {
                String::from_utf8_lossy(code).into_owned()
            }
            Self::One(_, id) => hex::encode(id),
        }
    }

    /// Asks a node.
    pub async fn answer(&self, node: &Node) -> Found {
        let told = match self {
            Self::Trail(by, trail) => of_trail(*by, trail, node).await,
            Self::Ledger(steps) => return of_ledger(steps, node).await,
            Self::Plain(it) => super::lists::plain(*it, node).await,
            Self::One(it, id) => super::lists::one(*it, id, node).await,
            Self::Event(..)
            | Self::Department(_)
            | Self::LongDepartment(_)
            | Self::Subject(..)
            | Self::Object(..)
            | Self::Objects(..)
            | Self::Headers => self.proof(node).await,
        };
        Found::of(told)
    }

    async fn proof(&self, node: &Node) -> Result<String, Status> {
        let mut proofs = node.proofs();
        let pieces = match self {
            Self::Event(tx, item, authorised, _) => {
                let (tx_id, item, authorised) = (tx.to_vec(), *item, *authorised);
                proofs
                    .prove_event(wire::ProveEventRequest { tx_id, item, authorised, pinned: 0 })
                    .await
            }
            Self::Department(code) => {
                let department = code.clone();
                let request = wire::ProveDepartmentRequest { department, ..Default::default() };
                proofs.prove_department(request).await
            }
            Self::LongDepartment(code) => {
                let department = code.clone();
                let request = wire::ProveDepartmentRequest { department, ..Default::default() };
                return all_parts(proofs.prove_long_department(request).await?.into_inner()).await;
            }
            Self::Subject(collector, tag, key) => {
                let (collector, subject_key) = ((*collector).to_owned(), key.clone());
                let tag = wire::SubjectTag { collector, tag: tag.to_vec(), subject_key };
                let request = wire::ProveSubjectRequest { tags: vec![tag], ..Default::default() };
                proofs.prove_subject(request).await
            }
            Self::Object(kind, id) => {
                let (kind, id) = (u32::from(*kind as u8), id.clone());
                proofs.prove_object(wire::ProveObjectRequest { kind, id, pinned: 0 }).await
            }
            Self::Objects(kind, id) => {
                let parameters = Place::parameters();
                let both = [(parameters.kind(), parameters.id()), (*kind as u8, id.as_slice())];
                let name = |(kind, id): (u8, &[u8])| wire::ObjectName {
                    kind: u32::from(kind),
                    id: id.to_vec(),
                };
                let objects = both.map(name).to_vec();
                proofs.prove_objects(wire::ProveObjectsRequest { objects, pinned: 0 }).await
            }
            _ => {
                let request = wire::ProveConsistencyRequest { noted_size: 1, ..Default::default() };
                proofs.prove_consistency(request).await
            }
        };
        whole(pieces).await
    }
}

/// What a proof in parts was answered with.
async fn all_parts(mut parts: Streaming<wire::ProofPart>) -> Result<String, Status> {
    let mut bytes = 0;
    while let Some(part) = parts.message().await? {
        bytes += part.data.len();
    }
    Ok(if bytes > 0 { ALL } else { NOTHING }.to_owned())
}

impl Found {
    fn of(told: Result<String, Status>) -> Self {
        match told {
            Ok(what) => Self { what, ..Self::default() },
            Err(status) => {
                let refused = to_refused(&status);
                Self { what: refused.reason, why: refused.message, beside: Vec::new() }
            }
        }
    }
}

/// Takes all the pieces of a proof.
pub async fn whole(
    pieces: Result<Response<Streaming<wire::ProofChunk>>, Status>,
) -> Result<String, Status> {
    let (mut pieces, mut bytes) = (pieces?.into_inner(), 0);
    while let Some(piece) = pieces.message().await? {
        bytes += piece.data.len();
    }
    Ok(if bytes > 0 { ALL } else { NOTHING }.to_owned())
}

async fn of_trail(by: By, trail: &Trail, node: &Node) -> Result<String, Status> {
    let (trail_kind, trail_id) = (u32::from(trail.kind as u8), trail.id.clone());
    let subject_key = trail.key.clone();
    let prove = wire::ProveTrailRequest {
        trail_kind,
        trail_id: trail_id.clone(),
        subject_key: subject_key.clone(),
        ..wire::ProveTrailRequest::default()
    };
    match by {
        By::Get => {
            let request = wire::GetTrailRequest {
                trail_kind,
                trail_id,
                subject_key,
                page_size: 1000,
                ..wire::GetTrailRequest::default()
            };
            let page = node.trails().get_trail(request).await?.into_inner();
            let shown = page.events.len() as u64;
            let only_reads = page.events.iter().all(is_read);
            Ok(match (page.withheld, shown) {
                (0, shown) if shown == page.size && only_reads && trail.size == 0 => {
                    NOTHING.to_owned()
                }
                (0, shown) if shown == page.size => ALL.to_owned(),
                (withheld, shown) if withheld + shown == page.size => PART.to_owned(),
                (withheld, shown) => format!("{shown} and {withheld} of {}", page.size),
            })
        }
        By::Prove => whole(node.proofs().prove_trail(prove).await).await,
        By::ProveLong => all_parts(node.proofs().prove_long_trail(prove).await?.into_inner()).await,
        By::Consistency => {
            let request = wire::ProveConsistencyRequest {
                noted_size: trail.size.max(1),
                trail_kind,
                trail_id,
                pinned: 0,
            };
            whole(node.proofs().prove_consistency(request).await).await
        }
        By::Watch => {
            let request =
                WatchRequest { trail_kind, trail_id, from_height: 1, ..WatchRequest::default() };
            let mut events = node.watching().watch(request).await?.into_inner();
            let (mut shown, mut passed) = (0, 0);
            while passed < trail.size {
                shown += u64::from(next(&mut events).await?.event.is_some());
                passed += 1;
            }
            Ok(match shown {
                0 => NOTHING,
                shown if shown < passed => PART,
                _ => ALL,
            }
            .to_owned())
        }
    }
}

/// Whether an event is no more than the record of a read.
fn is_read(it: &wire::TrailEvent) -> bool {
    Event::from_wire(it).is_ok_and(|event| match event.body {
        Body::Signed { item, .. } => matches!(item.kind(), Kind::RecordReads(_)),
        Body::Ledger(_) => false,
    })
}

/// The next answer of a watch; one that does not come is an error.
async fn next(events: &mut Streaming<wire::WatchResponse>) -> Result<wire::WatchResponse, Status> {
    let next = tokio::time::timeout(DEADLINE, events.next()).await;
    let next = next.map_err(|_| Status::deadline_exceeded("the watch told nothing"))?;
    next.unwrap_or_else(|| Err(Status::aborted("the watch ended")))
}

/// Watches the whole ledger from its first block until the last step: which steps passed, and what else.
async fn of_ledger(steps: &[Step], node: &Node) -> Found {
    let request = WatchRequest { from_height: 1, ..WatchRequest::default() };
    let mut events = match node.watching().watch(request).await {
        Ok(events) => events.into_inner(),
        Err(status) => return Found::of(Err(status)),
    };
    let (mut names, mut beside) = (Vec::new(), Vec::new());
    while names.last() != Some(&END) {
        let event = match next(&mut events).await {
            Ok(response) => response.event.and_then(|it| Event::from_wire(&it).ok()),
            Err(status) => return Found::of(Err(status)),
        };
        let Some(event) = event else { continue };
        match steps.iter().find(|step| step.digest == event.body.digest()) {
            Some(step) => names.push(step.name),
            None => {
                let number = match &event.body {
                    Body::Signed { .. } => event.leaf.item,
                    Body::Ledger(_) => 0,
                };
                beside.push((event.body.name().to_owned(), event.body.trails(number)));
            }
        }
    }
    Found { what: names.join(", "), why: String::new(), beside }
}
