//! Telling of events as their blocks commit. A watch can be taken up again where it stopped.

use super::auth::Caller;
use super::rights::{Access, is_for_members};
use super::{Shared, auth, bad_argument, of_store, trail_of};
use crate::app::{Blocks, Chain, EventFilter, ReadEvent, Source};
use crate::codec;
use crate::limits::Share;
use crate::store::StoreError;
use bincode::{Decode, Encode};
use liuhen_proto::place::Place;
use liuhen_proto::types::Height;
use liuhen_proto::wire::{WatchRequest, WatchResponse};
use liuhen_rpc::reason::Reason;
use liuhen_rpc::services::watch_service_server::WatchService;
use liuhen_rpc::status::with_reason;
use prost::Message;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

/// Events sent at once.
const PAGE: usize = 100;
/// Bytes of events sent at once; one more event than fits is.
const PAGE_BYTES: usize = 1 << 20;

/// See [`WatchService`].
pub struct Watch(pub(super) Shared);

/// Where a watch goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
enum Position {
    /// At this event of the ledger, counted over all blocks.
    Ledger(u64),
    /// At this number of the trail of which these are the first bytes of its place in the map.
    Trail([u8; 8], u64),
}

fn mark(trail: &Place) -> [u8; 8] {
    trail.map_key().as_bytes().first_chunk().copied().unwrap_or_default()
}

#[tonic::async_trait]
impl WatchService for Watch {
    type WatchStream = ReceiverStream<Result<WatchResponse, Status>>;

    async fn watch(
        &self,
        request: Request<WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let caller = auth::caller(&self.0, &request)?;
        let request = request.into_inner();
        let trail = match request.trail_kind {
            0 => None,
            kind => Some(trail_of(kind, &request.trail_id)?.1),
        };
        let resumed = resumed(&request, trail.as_ref())?;
        if let Some(position) = resumed {
            // First: a node that is behind may not know yet that the caller may read it.
            not_ahead(&self.0.chain(), position, trail.as_ref())?;
        }
        if let Some(trail) = &trail {
            caller.may_read(&self.0.chain(), trail)?;
        }
        let position = match resumed {
            Some(position) => position,
            None => begin(&self.0, &request, trail.as_ref())?,
        };
        let (sender, receiver) = mpsc::channel(1);
        let room = self.0.limits.watches.take(&caller.client(), 1).ok_or_else(|| {
            let why = "too many watch at once, or this department alone does; try again later";
            with_reason(Reason::NodeBusy, why)
        })?;
        let watcher = Watcher { _room: room, shared: self.0.clone(), caller, trail, position };
        tokio::spawn(watcher.run(sender));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

/// Where a watch was left; `None`: it begins.
fn resumed(request: &WatchRequest, trail: Option<&Place>) -> Result<Option<Position>, Status> {
    if request.resume_token.is_empty() {
        return Ok(None);
    }
    let bytes = hex::decode(&request.resume_token).ok();
    let position = bytes.and_then(|bytes| codec::decode(&bytes).ok());
    match (position, trail) {
        (Some(it @ Position::Ledger(_)), None) => Ok(Some(it)),
        (Some(it @ Position::Trail(of, _)), Some(trail)) if of == mark(trail) => Ok(Some(it)),
        _ => Err(bad_argument("resume_token", "not a token of such a watch")),
    }
}

/// Errors where the watch was left behind what this node has: another node was ahead.
fn not_ahead(chain: &Chain, position: Position, trail: Option<&Place>) -> Result<(), Status> {
    let (at, has) = match (position, trail) {
        (Position::Trail(_, at), Some(trail)) => {
            (at, chain.index().head(trail).map_err(|e| of_store(&e))?.size())
        }
        (Position::Ledger(at) | Position::Trail(_, at), _) => (at, chain.index().event_count()),
    };
    match at <= has {
        true => Ok(()),
        false => Err(with_reason(
            Reason::NodeBehind,
            "this node is behind where the watch was left; try again, or ask another node",
        )),
    }
}

fn begin(
    shared: &Shared,
    request: &WatchRequest,
    trail: Option<&Place>,
) -> Result<Position, Status> {
    let chain = shared.chain();
    let from = Height::new(request.from_height);
    if let Some(trail) = trail {
        let size = chain.index().head(trail).map_err(|e| of_store(&e))?.size();
        return match from.get() {
            0 => Ok(Position::Trail(mark(trail), size)),
            _ => {
                let first = chain.first_at_height(trail, size, from);
                Ok(Position::Trail(mark(trail), first.map_err(|e| of_store(&e))?))
            }
        };
    }
    let first = match from.get() {
        0 => None,
        _ => chain.index().first_event(from).map_err(|e| of_store(&e))?,
    };
    Ok(Position::Ledger(first.unwrap_or_else(|| chain.index().event_count())))
}

struct Watcher {
    _room: Share,
    shared: Shared,
    caller: Caller,
    trail: Option<Place>,
    position: Position,
}

impl Watcher {
    /// Runs until the caller lets go, or may no longer read.
    async fn run(mut self, sender: mpsc::Sender<Result<WatchResponse, Status>>) {
        let mut committed = self.shared.committed.clone();
        loop {
            loop {
                // Readers must not keep consensus from the chain: a few at once.
                let turn = self.shared.limits.readers.take(&self.caller.client()).await;
                let page = tokio::task::block_in_place(|| self.page());
                drop(turn);
                let (responses, more) = match page {
                    Ok(page) => page,
                    Err(status) => {
                        let _ = sender.send(Err(status)).await;
                        return;
                    }
                };
                for response in responses {
                    if sender.send(Ok(response)).await.is_err() {
                        return;
                    }
                }
                if !more {
                    break;
                }
            }
            tokio::select! {
                () = sender.closed() => return,
                changed = committed.changed() => if changed.is_err() {
                    return;
                },
            }
        }
    }

    /// The next events, and whether there may be more at once. Whoever watches must still be in
    /// force.
    fn page(&mut self) -> Result<(Vec<WatchResponse>, bool), Status> {
        let shared = self.shared.clone();
        let (key, audit) = (self.caller.key, self.caller.audit.clone());
        let call = self.caller.call.take();
        self.caller = auth::in_force(&shared.chain(), &key, audit)?;
        self.caller.call = call;
        match (self.position, self.trail.clone()) {
            (Position::Trail(_, from), Some(trail)) => {
                let (access, page) = self.of_trail(&shared.chain(), &trail, from)?;
                let count = page.0.len() as u64;
                // The chain is let go: noting a read asks it again.
                if access == Access::Oversight && count > 0 {
                    shared.note_read(&self.caller, &trail, from, count)?;
                }
                Ok(page)
            }
            (Position::Ledger(from), None) => self.of_ledger(&shared.chain(), from),
            _ => Err(with_reason(Reason::NodeInternal, "the watch lost its place")),
        }
    }

    fn of_trail(
        &mut self,
        chain: &Chain,
        trail: &Place,
        from: u64,
    ) -> Result<(Access, (Vec<WatchResponse>, bool)), Status> {
        let access = self.caller.may_read(chain, trail)?;
        let size = chain.index().head(trail).map_err(|e| of_store(&e))?.size();
        let (events, more) = chain
            .read_trail(trail, size, from, false, &EventFilter::default(), PAGE)
            .map_err(|e| of_store(&e))?;
        let count = events.len() as u64;
        let mut responses = Vec::with_capacity(events.len());
        for event in &events {
            let behind = Position::Trail(mark(trail), event.number.saturating_add(1));
            let sees = access != Access::InPart
                || self
                    .caller
                    .is_party_to_event(chain, &event.trails(), event.item())
                    .map_err(|e| of_store(&e))?;
            // What is not for the caller moves its place on.
            responses.push(response(sees.then_some(event), behind));
        }
        self.position = Position::Trail(mark(trail), from.saturating_add(count));
        Ok((access, (responses, more.is_some())))
    }

    fn of_ledger(
        &mut self,
        chain: &Chain,
        from: u64,
    ) -> Result<(Vec<WatchResponse>, bool), Status> {
        let end = chain.index().event_count().min(from.saturating_add(PAGE as u64));
        let mut blocks = Blocks::default();
        let (mut responses, mut bytes) = (Vec::new(), 0usize);
        let mut behind = from;
        for number in from..end {
            if bytes >= PAGE_BYTES {
                break;
            }
            let leaf = chain.index().leaf(number).map_err(|e| of_store(&e))?;
            let source = blocks.source(chain, &leaf).map_err(|e| of_store(&e))?;
            let event = ReadEvent { number: 0, leaf, source };
            if self.may_see(chain, &event).map_err(|e| of_store(&e))? {
                let shown = response(Some(&event), Position::Ledger(number.saturating_add(1)));
                bytes = bytes.saturating_add(shown.encoded_len());
                responses.push(shown);
            }
            behind = number.saturating_add(1);
        }
        self.position = Position::Ledger(behind);
        if responses.is_empty() && behind > from {
            // What was passed over need not be looked at again.
            responses.push(response(None, self.position));
        }
        Ok((responses, behind < chain.index().event_count()))
    }

    /// What is for every member, and what the caller's department is party to.
    fn may_see(&self, chain: &Chain, event: &ReadEvent) -> Result<bool, StoreError> {
        if let Source::Item(tx) = &event.source
            && let Some(item) = tx.items().get(event.leaf.item as usize)
            && is_for_members(item.kind())
        {
            return Ok(true);
        }
        self.caller.is_party_to_event(chain, &event.trails(), event.item())
    }
}

fn response(event: Option<&ReadEvent>, behind: Position) -> WatchResponse {
    WatchResponse {
        event: event.map(ReadEvent::to_wire),
        resume_token: codec::encode(&behind).map(hex::encode).unwrap_or_default(),
        height: event.map_or(0, |event| event.leaf.height.get()),
    }
}
