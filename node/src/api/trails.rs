//! Reading trails, a page at a time.

use super::auth::{self, Caller};
use super::page::Page;
use super::rights::{self, Access};
use super::{Shared, address, bad_argument, of_store, trail_of};
use crate::app::EventFilter;
use liuhen_proto::event::Verdict;
use liuhen_proto::types::TimeMs;
use liuhen_proto::wire::{GetTrailRequest, GetTrailResponse, TrailFilter};
use liuhen_rpc::services::trail_service_server::TrailService;
use tonic::{Request, Response, Status};

const PAGE_DEFAULT: u32 = 100;
const PAGE_MOST: u32 = 1000;

/// See [`TrailService`].
pub struct Trails(pub(super) Shared);

#[tonic::async_trait]
impl TrailService for Trails {
    async fn get_trail(
        &self,
        request: Request<GetTrailRequest>,
    ) -> Result<Response<GetTrailResponse>, Status> {
        let asked = request.get_ref();
        let (kind, _) = trail_of(asked.trail_kind, &asked.trail_id)?;
        let caller = match rights::shows_subject_key(kind, &asked.trail_id, &asked.subject_key)? {
            // Whoever shows a token as well is who the token says.
            true if !request.metadata().contains_key("authorization") => None,
            _ => Some(auth::caller(&self.0, &request)?),
        };
        let client = caller.as_ref().map_or_else(|| address(&request), Caller::client);
        let (shared, request) = (self.0.clone(), request.into_inner());
        self.0
            .blocking(client, move || page(&shared, caller.as_ref(), &request))
            .await
            .map(Response::new)
    }
}

fn page(
    shared: &Shared,
    caller: Option<&Caller>,
    request: &GetTrailRequest,
) -> Result<GetTrailResponse, Status> {
    let (_, trail) = trail_of(request.trail_kind, &request.trail_id)?;
    let filter = filter(request.filter.as_ref())?;
    let limit = match request.page_size {
        0 => PAGE_DEFAULT,
        size => size.min(PAGE_MOST),
    };
    let chain = shared.chain();
    // Of a subject's own trail it is the subject that asks, or somebody in its place.
    let (overseer, partly) = match caller {
        Some(caller) => match caller.may_read(&chain, &trail)? {
            Access::Oversight => (Some(caller), None),
            Access::InPart => (None, Some(caller)),
            Access::Own => (None, None),
        },
        None => rights::stands(&chain, &trail).map(|()| (None, None))?,
    };
    let page = if request.page_token.is_empty() {
        let size = chain.index().head(&trail).map_err(|e| of_store(&e))?.size();
        let from = if request.newest_first { size.saturating_sub(1) } else { 0 };
        Page::new(request, from, size, chain.header().height.get())
    } else {
        let why = "not a token of this trail, filter and order";
        Page::from_token(request).ok_or_else(|| bad_argument("page_token", why))?
    };
    // A token that lies about the size reads no further than there is.
    let size = page.size.min(chain.index().head(&trail).map_err(|e| of_store(&e))?.size());
    // Where some are not for the caller, the filter comes behind that.
    let first = if partly.is_some() { &EventFilter::default() } else { &filter };
    let (mut read, next) = chain
        .read_trail(&trail, size, page.from, request.newest_first, first, limit as usize)
        .map_err(|e| of_store(&e))?;
    let mut withheld = 0u64;
    if let Some(caller) = partly {
        let mut seen = Vec::with_capacity(read.len());
        for event in read {
            if caller
                .is_party_to_event(&chain, &event.trails(), event.item())
                .map_err(|e| of_store(&e))?
            {
                seen.push(event);
            } else {
                withheld = withheld.saturating_add(1);
            }
        }
        seen.retain(|event| filter.takes(&event.leaf));
        read = seen;
    }
    drop(chain);
    if let Some(caller) = overseer {
        let first = read.iter().map(|it| it.number).min().unwrap_or(page.from);
        shared.note_read(caller, &trail, first, read.len() as u64)?;
    }
    let events = read.iter().map(crate::app::ReadEvent::to_wire);
    Ok(GetTrailResponse {
        events: events.collect(),
        next_page_token: next
            .map(|from| Page::new(request, from, page.size, page.height).to_token())
            .unwrap_or_default(),
        size: page.size,
        height: page.height,
        withheld,
    })
}

fn filter(given: Option<&TrailFilter>) -> Result<EventFilter, Status> {
    let Some(given) = given else {
        return Ok(EventFilter::default());
    };
    let verdicts = given.verdicts.iter().map(|number| {
        let verdict = u8::try_from(*number).ok().and_then(Verdict::from_number);
        verdict.ok_or_else(|| bad_argument("filter.verdicts", "no such verdict"))
    });
    let bound = |ms: u64| (ms > 0).then(|| TimeMs::new(ms));
    Ok(EventFilter {
        verdicts: verdicts.collect::<Result<_, _>>()?,
        from: bound(given.from_ms),
        until: bound(given.until_ms),
    })
}
