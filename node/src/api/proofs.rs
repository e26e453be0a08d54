//! Building proof files.

use super::auth::{self, Caller};
use super::reads::Shown;
use super::rights::{self, Access, trail_about};
use super::{Pieces, Shared, address, bad_argument, not_found, of_store, trail_of};
use crate::app::{Chain, EventFilter, Long, ProveError};
use crate::limits::Client;
use liuhen_proto::place::{ObjectKind, Place, TrailKind};
use liuhen_proto::types::{Hash, Height, TimeMs, TxId, limits};
use liuhen_proto::verify::Range;
use liuhen_proto::wire::{
    ProofPart, ProveConsistencyRequest, ProveDepartmentRequest, ProveEventRequest,
    ProveObjectRequest, ProveObjectsRequest, ProveSubjectRequest, ProveTrailRequest, RangeKind,
    SubjectTag,
};
use liuhen_rpc::CHUNK_BYTES;
use liuhen_rpc::reason::Reason;
use liuhen_rpc::services::proof_service_server::ProofService;
use liuhen_rpc::status::with_reason;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{self, error::SendTimeoutError};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

/// Tags in one proof of a subject's.
const SUBJECT_TAGS: usize = 64;

/// How long a piece of a long proof waits to be taken.
const TAKEN_WITHIN: Duration = Duration::from_secs(30);

/// The parts of a long proof, in pieces.
type Parts = ReceiverStream<Result<ProofPart, Status>>;

/// See [`ProofService`].
pub struct Proofs(pub(super) Shared);

#[tonic::async_trait]
impl ProofService for Proofs {
    type ProveTrailStream = Pieces;
    type ProveLongTrailStream = Parts;
    type ProveLongDepartmentStream = Parts;
    type ProveEventStream = Pieces;
    type ProveDepartmentStream = Pieces;
    type ProveSubjectStream = Pieces;
    type ProveObjectStream = Pieces;
    type ProveObjectsStream = Pieces;
    type ProveConsistencyStream = Pieces;

    async fn prove_trail(
        &self,
        request: Request<ProveTrailRequest>,
    ) -> Result<Response<Pieces>, Status> {
        let asked = AskedTrail::read(&self.0, request)?;
        let (shared, client) = (self.0.clone(), asked.client.clone());
        let work = move || {
            let (overseer, (proof, first, count)) = {
                let chain = shared.chain();
                let overseer = asked.overseer(&chain)?;
                let proof = chain.prove_trail(asked.kind, &asked.id, asked.range, asked.pinned);
                (overseer, proof.map_err(|e| of_prove(&e))?)
            };
            // Noted is what is sent: where there is no room for it, nothing was read.
            let pieces = shared.pieces(&asked.client, proof)?;
            if let Some(caller) = overseer {
                shared.note_read(caller, &asked.trail, first, count)?;
            }
            Ok(pieces)
        };
        self.0.blocking(client, work).await.map(Response::new)
    }

    async fn prove_long_trail(
        &self,
        request: Request<ProveTrailRequest>,
    ) -> Result<Response<Self::ProveLongTrailStream>, Status> {
        let asked = AskedTrail::read(&self.0, request)?;
        let (shared, client) = (self.0.clone(), asked.client.clone());
        let begin = move || {
            let (overseer, long) = {
                let chain = shared.chain();
                let overseer = asked.overseer(&chain)?;
                let long = chain.begin_long(asked.kind, &asked.id, asked.range, asked.pinned);
                (overseer, long.map_err(|e| of_prove(&e))?)
            };
            if let Some(caller) = overseer {
                shared.note_reads(caller, &shown(long.reads()))?;
            }
            Ok(long)
        };
        self.in_parts(client, begin).await
    }

    async fn prove_long_department(
        &self,
        request: Request<ProveDepartmentRequest>,
    ) -> Result<Response<Self::ProveLongDepartmentStream>, Status> {
        let caller = auth::caller(&self.0, &request)?;
        let (shared, client) = (self.0.clone(), caller.client());
        let request = request.into_inner();
        let own = is_own(&caller, &request.department)?;
        let range = range(request.range, request.from, request.until)?;
        let begin = move || {
            let pinned = pinned(request.pinned);
            let long = shared.chain().begin_long_department(&request.department, range, pinned);
            let long = long.map_err(|e| of_prove(&e))?;
            if !own {
                shared.note_reads(&caller, &shown(long.reads()))?;
            }
            Ok(long)
        };
        self.in_parts(client, begin).await
    }

    async fn prove_event(
        &self,
        request: Request<ProveEventRequest>,
    ) -> Result<Response<Pieces>, Status> {
        let caller = auth::caller(&self.0, &request)?;
        let client = caller.client();
        let (shared, request) = (self.0.clone(), request.into_inner());
        let id = TxId::from_slice(&request.tx_id);
        let id = id.map_err(|e| bad_argument("tx_id", &e.to_string()))?;
        let work = move || {
            // Whose event it is comes first: who may not read it is told nothing of it.
            let found = shared.chain().find_event(&id, request.item).map_err(|e| of_prove(&e))?;
            let prove = || {
                let pinned = pinned(request.pinned);
                let proof = shared.chain().prove_event(&found, request.authorised, pinned);
                shared.pieces(&caller.client(), proof.map_err(|e| of_prove(&e))?)
            };
            let trails = found.trails();
            let own = caller.is_party_to_event(&shared.chain(), &trails, found.item());
            if own.map_err(|e| of_store(&e))? {
                return prove();
            }
            let Some(trail) = trails.first().filter(|_| caller.oversees()) else {
                // Whoever may not read it is not told that it is there.
                return Err(not_found("such event"));
            };
            let number = shared.chain().number_on_trail(trail, &id, request.item);
            let number = number.map_err(|e| of_store(&e))?.unwrap_or_default();
            let pieces = prove()?;
            shared.note_read(&caller, trail, number, 1)?;
            Ok(pieces)
        };
        self.0.blocking(client, work).await.map(Response::new)
    }

    async fn prove_department(
        &self,
        request: Request<ProveDepartmentRequest>,
    ) -> Result<Response<Pieces>, Status> {
        let caller = auth::caller(&self.0, &request)?;
        let client = caller.client();
        let (shared, request) = (self.0.clone(), request.into_inner());
        let own = is_own(&caller, &request.department)?;
        let range = range(request.range, request.from, request.until)?;
        let work = move || {
            let proof =
                shared.chain().prove_department(&request.department, range, pinned(request.pinned));
            let (proof, reads) = proof.map_err(|e| of_prove(&e))?;
            let pieces = shared.pieces(&caller.client(), proof)?;
            if !own {
                shared.note_reads(&caller, &shown(reads))?;
            }
            Ok(pieces)
        };
        self.0.blocking(client, work).await.map(Response::new)
    }

    async fn prove_subject(
        &self,
        request: Request<ProveSubjectRequest>,
    ) -> Result<Response<Pieces>, Status> {
        // Its bulk and whole accesses are the collector's trail, about everybody: the key of one subject, which
        // anybody can make up, opens that subject's own trail alone.
        let caller = auth::caller(&self.0, &request)?;
        let client = caller.client();
        let asked = request.get_ref();
        let range = range(asked.range, asked.from, asked.until)?;
        let tags = tags(&asked.tags)?;
        let (shared, request) = (self.0.clone(), request.into_inner());
        let work = move || {
            let overseer = match tags.iter().all(|(code, _)| caller.is(code)) {
                true => None,
                false if caller.oversees() => Some(&caller),
                false => {
                    let why = "the proof of a subject is given by its collector: it has the collector's bulk and \
                               whole accesses too. Of the trail of one tag whoever has its key gets a proof";
                    return Err(with_reason(Reason::ReadDenied, why));
                }
            };
            let proof = shared.chain().prove_subject(&tags, range, pinned(request.pinned));
            let (proof, reads) = proof.map_err(|e| of_prove(&e))?;
            let pieces = shared.pieces(&caller.client(), proof)?;
            if let Some(caller) = overseer {
                shared.note_reads(caller, &shown(reads))?;
            }
            Ok(pieces)
        };
        self.0.blocking(client, work).await.map(Response::new)
    }

    async fn prove_object(
        &self,
        request: Request<ProveObjectRequest>,
    ) -> Result<Response<Pieces>, Status> {
        let caller = auth::caller(&self.0, &request)?;
        let request = request.into_inner();
        let (place, pinned) = (place(request.kind, &request.id)?, pinned(request.pinned));
        let places = Arc::new(BTreeSet::from([place.clone()]));
        self.prove_places(caller, places, move |chain| chain.prove_object(&place, pinned)).await
    }

    async fn prove_objects(
        &self,
        request: Request<ProveObjectsRequest>,
    ) -> Result<Response<Pieces>, Status> {
        let caller = auth::caller(&self.0, &request)?;
        let request = request.into_inner();
        if !(1..=limits::OBJECTS_PROVED).contains(&request.objects.len()) {
            return Err(bad_argument("objects", "1 to 256 objects are needed"));
        }
        let places = request.objects.iter().map(|it| place(it.kind, &it.id));
        let places: Arc<BTreeSet<Place>> = Arc::new(places.collect::<Result<_, _>>()?);
        let (pinned, proved) = (pinned(request.pinned), Arc::clone(&places));
        let prove = move |chain: &Chain| chain.prove_objects(&proved, pinned);
        self.prove_places(caller, places, prove).await
    }

    async fn prove_consistency(
        &self,
        request: Request<ProveConsistencyRequest>,
    ) -> Result<Response<Pieces>, Status> {
        // Of the header log anybody may ask, as for its tiles.
        let anybody = address(&request);
        let trail = match request.get_ref().trail_kind {
            0 => None,
            kind => {
                let trail = trail_of(kind, &request.get_ref().trail_id)?;
                Some((trail, auth::caller(&self.0, &request)?))
            }
        };
        let client = trail.as_ref().map_or(anybody, |(_, caller)| caller.client());
        let (shared, request) = (self.0.clone(), request.into_inner());
        let of = client.clone();
        let work = move || {
            let chain = shared.chain();
            // Sizes and roots alone: nothing is read that would have to be noted.
            if let Some(((_, trail), caller)) = &trail {
                caller.may_read(&chain, trail)?;
            }
            let trail = trail.as_ref().map(|((kind, _), _)| (*kind, request.trail_id.as_slice()));
            let pinned = pinned(request.pinned);
            let proof = chain.prove_consistency(trail, request.noted_size, pinned);
            shared.pieces(&of, proof.map_err(|e| of_prove(&e))?)
        };
        self.0.blocking(client, work).await.map(Response::new)
    }
}

/// A trail that somebody asks a proof of.
struct AskedTrail {
    kind: TrailKind,
    id: Vec<u8>,
    trail: Place,
    range: Range,
    pinned: Option<u64>,
    /// `None`: who shows a subject's key.
    caller: Option<Caller>,
    client: Client,
}

impl AskedTrail {
    fn read(shared: &Shared, request: Request<ProveTrailRequest>) -> Result<Self, Status> {
        let asked = request.get_ref();
        let (kind, trail) = trail_of(asked.trail_kind, &asked.trail_id)?;
        let caller = match rights::shows_subject_key(kind, &asked.trail_id, &asked.subject_key)? {
            // Whoever shows a token as well is who the token says.
            true if !request.metadata().contains_key("authorization") => None,
            _ => Some(auth::caller(shared, &request)?),
        };
        let client = caller.as_ref().map_or_else(|| address(&request), Caller::client);
        let asked = request.into_inner();
        let range = range(asked.range, asked.from, asked.until)?;
        let pinned = pinned(asked.pinned);
        Ok(Self { kind, id: asked.trail_id, trail, range, pinned, caller, client })
    }

    /// Whoever is to be noted as having read. Errors for who may not read.
    fn overseer(&self, chain: &Chain) -> Result<Option<&Caller>, Status> {
        let Some(caller) = &self.caller else {
            return rights::stands(chain, &self.trail).map(|()| None);
        };
        match caller.may_read(chain, &self.trail)? {
            Access::Own => Ok(None),
            Access::Oversight => Ok(Some(caller)),
            Access::InPart => self.all_are_for(chain, caller).map(|()| None),
        }
    }
}

/// Events of a dataset's trail that are looked at for whether all of them are a manager's to prove.
const LOOKED_AT: u64 = 2_000;

impl AskedTrail {
    /// Errors where some event of the trail is not for a department that manages other grants: a proof that nothing is
    /// left out can't leave it out.
    fn all_are_for(&self, chain: &Chain, caller: &Caller) -> Result<(), Status> {
        let denied = |why: &str| Err(with_reason(Reason::ReadDenied, why));
        let size = chain.index().head(&self.trail).map_err(|e| of_store(&e))?.size();
        if size > LOOKED_AT {
            return denied(
                "so long a trail is proved to its collector, and to who audits or regulates",
            );
        }
        let (mut from, filter) = (0, EventFilter::default());
        loop {
            let read = chain.read_trail(&self.trail, size, from, false, &filter, 500);
            let (events, next) = read.map_err(|e| of_store(&e))?;
            for event in events {
                let own = caller.is_party_to_event(chain, &event.trails(), event.item());
                if !own.map_err(|e| of_store(&e))? {
                    return denied(
                        "accesses under grants that other departments manage stand on this trail: ask its collector, \
                         or prove the `use` trail of a grant",
                    );
                }
            }
            match next {
                Some(next) => from = next,
                None => return Ok(()),
            }
        }
    }
}

impl Proofs {
    /// Proves what stands at places that the caller may read all; what it oversees alone is noted.
    async fn prove_places(
        &self,
        caller: Caller,
        places: Arc<BTreeSet<Place>>,
        prove: impl FnOnce(&Chain) -> Result<Vec<u8>, ProveError> + Send + 'static,
    ) -> Result<Response<Pieces>, Status> {
        let (shared, client) = (self.0.clone(), caller.client());
        let work = move || {
            let (overseen, proof) = {
                let chain = shared.chain();
                let mut overseen = Vec::new();
                for place in places.iter() {
                    let Some(trail) = trail_about(place)? else { continue };
                    if caller.may_read(&chain, &trail)? == Access::Oversight {
                        overseen.push(Shown::Trail(trail, 0, 0));
                    }
                }
                (overseen, prove(&chain).map_err(|e| of_prove(&e))?)
            };
            let pieces = shared.pieces(&caller.client(), proof)?;
            if !overseen.is_empty() {
                shared.note_reads(&caller, &overseen)?;
            }
            Ok(pieces)
        };
        self.0.blocking(client, work).await.map(Response::new)
    }

    /// Begins a proof in parts, and answers while they are made.
    async fn in_parts(
        &self,
        client: Client,
        begin: impl FnOnce() -> Result<Long, Status> + Send + 'static,
    ) -> Result<Response<Parts>, Status> {
        let busy = || with_reason(Reason::NodeBusy, "too many long proofs at once");
        let turn = self.0.limits.long_proofs.take(&client, 1).ok_or_else(busy)?;
        let long = self.0.blocking(client.clone(), begin).await?;
        // One part is made while the one before is sent.
        let (sender, parts) = mpsc::channel(1);
        let shared = self.0.clone();
        tokio::spawn(async move {
            let sent = send_parts(shared, client, long, &sender).await;
            drop(turn);
            // A stream that merely ended would look like a whole one.
            if let Err(status) = sent {
                let _ = sender.send(Err(status)).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(parts)))
    }
}

/// Whether a department is the caller's own. Errors where it is not, and the caller oversees nothing.
fn is_own(caller: &Caller, department: &str) -> Result<bool, Status> {
    let own = caller.is(department);
    if !own && !caller.oversees() {
        let why = format!("{department} is another department");
        return Err(with_reason(Reason::ReadDenied, &why));
    }
    Ok(own)
}

/// Makes one part after the other, and sends its pieces, until all are sent or nobody listens. Errors
/// where a part can't be made, or is not taken for too long.
async fn send_parts(
    shared: Shared,
    client: Client,
    mut long: Long,
    sender: &mpsc::Sender<Result<ProofPart, Status>>,
) -> Result<(), Status> {
    loop {
        let reading = shared.clone();
        let work = move || {
            let part = reading.chain().next_part(&mut long);
            part.map(|part| (long, part)).map_err(|e| of_prove(&e))
        };
        let (rest, part) = shared.in_turn(&client, work).await?;
        let Some(part) = part else { return Ok(()) };
        long = rest;
        let pieces = part.len().div_ceil(CHUNK_BYTES);
        for (number, data) in (1..).zip(part.chunks(CHUNK_BYTES)) {
            let piece = ProofPart { data: data.to_vec(), last: number == pieces };
            match sender.send_timeout(Ok(piece), TAKEN_WITHIN).await {
                Ok(()) => {}
                Err(SendTimeoutError::Closed(_)) => return Ok(()),
                Err(SendTimeoutError::Timeout(_)) => {
                    let why = "the proof was not taken for so long that others have the turn";
                    return Err(with_reason(Reason::ProofNotTaken, why));
                }
            }
        }
    }
}

/// The tags asked for. Errors for a key that is shown and is another tag's.
fn tags(asked: &[SubjectTag]) -> Result<BTreeSet<(String, Hash)>, Status> {
    if asked.is_empty() || asked.len() > SUBJECT_TAGS {
        return Err(bad_argument("tags", "1 to 64 tags are needed"));
    }
    let mut tags = BTreeSet::new();
    for it in asked {
        let tag = Hash::from_slice(&it.tag).map_err(|e| bad_argument("tag", &e.to_string()))?;
        let id = [it.collector.as_bytes(), tag.as_bytes()].concat();
        let (kind, _) = trail_of(TrailKind::Subject as u32, &id)?;
        rights::shows_subject_key(kind, &id, &it.subject_key)?;
        tags.insert((it.collector.clone(), tag));
    }
    Ok(tags)
}

/// The place of an object that is asked for.
fn place(kind: u32, id: &[u8]) -> Result<Place, Status> {
    let kind = u8::try_from(kind).ok().and_then(ObjectKind::from_byte);
    let kind = kind.ok_or_else(|| bad_argument("kind", "no kind of object"))?;
    if id.len() > limits::OBJECT_ID || !kind.takes_id(id) {
        return Err(bad_argument("id", "no object of this kind can have such an id"));
    }
    Ok(Place::object(kind, id))
}

/// The size of the checkpoint that a verifier trusts.
fn pinned(size: u64) -> Option<u64> {
    (size > 0).then_some(size)
}

fn range(kind: u32, from: u64, until: u64) -> Result<Range, Status> {
    let kind = i32::try_from(kind).ok().and_then(|it| RangeKind::try_from(it).ok());
    match kind {
        Some(RangeKind::Unspecified | RangeKind::Whole) => Ok(Range::Whole),
        Some(_) if from >= until => {
            Err(bad_argument("until", "the range must end after it begins"))
        }
        Some(RangeKind::Heights) => Ok(Range::Heights(Height::new(from), Height::new(until))),
        Some(RangeKind::Times) => Ok(Range::Times(TimeMs::new(from), TimeMs::new(until))),
        None => Err(bad_argument("range", "no kind of range")),
    }
}

pub(super) fn of_prove(error: &ProveError) -> Status {
    match error {
        ProveError::Store(error) => of_store(error),
        ProveError::NoEvent(_) => not_found("such event"),
        ProveError::Moved(_) => with_reason(Reason::ProofMoved, &error.to_string()),
        ProveError::NotSo(_) => with_reason(Reason::ProofNotSo, &error.to_string()),
        ProveError::TooMany { .. } | ProveError::TooLarge { .. } => {
            with_reason(Reason::ProofTooLarge, &error.to_string())
        }
    }
}

/// What a proof shows, as it is noted.
fn shown(reads: Vec<(Place, u64, u64)>) -> Vec<Shown> {
    reads.into_iter().map(|(trail, first, count)| Shown::Trail(trail, first, count)).collect()
}
