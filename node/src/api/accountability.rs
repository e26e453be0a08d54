//! How accesses are answered for: gateways, integrity events, alerts, cases, products, corrections,
//! sealing.

use super::auth::{self, Caller};
use super::lists::{Pager, fill};
use super::reads::Shown;
use super::rights;
use super::{Shared, bad_argument, not_found, of_store, trail_of};
use crate::app::Chain;
use liuhen_proto::ledger::{Object, calendar};
use liuhen_proto::place::{ObjectKind, Place, TrailKind};
use liuhen_proto::types::IdentityId;
use liuhen_proto::wire::{
    self, Alert, AlertBook, AlertState, BulkSet, Case, Correction, CorrectionStanding, Gateway,
    GatewaySetup, GetBulkSetRequest, GetGatewayRequest, GetGatewayResponse, IntegrityEvent,
    ListAlertsRequest, ListAlertsResponse, ListCasesRequest, ListCasesResponse,
    ListCorrectionsRequest, ListCorrectionsResponse, ListIntegrityRequest, ListIntegrityResponse,
    ListProductsRequest, ListProductsResponse, ListSealingRequest, ListSealingResponse, Parameters,
    Product, Score, SealedCount, SealedMonth, SealingOrder,
};
use liuhen_rpc::services::accountability_service_server::AccountabilityService;
use prost::Message;
use std::ops::ControlFlow;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// See [`AccountabilityService`].
pub struct Accountability(pub(super) Shared);

/// What was found, and what of it only an auditor or regulator is shown.
type Found<T> = (T, Vec<Shown>);
/// Objects with their places.
type Placed<T> = Vec<(Place, Arc<T>)>;

impl Accountability {
    /// Reads for a member, and notes what is shown only to who audits or regulates.
    async fn read<Q: Send + 'static, T: Send + 'static>(
        &self,
        request: Request<Q>,
        read: impl FnOnce(&Chain, &Caller, Q) -> Result<Found<T>, Status> + Send + 'static,
    ) -> Result<Response<T>, Status> {
        let caller = auth::caller(&self.0, &request)?;
        let shared = self.0.clone();
        let client = caller.client();
        let asked = request.into_inner();
        let work = move || {
            let (found, overseen) = read(&shared.chain(), &caller, asked)?;
            if !overseen.is_empty() {
                shared.note_reads(&caller, &overseen)?;
            }
            Ok(found)
        };
        self.0.blocking(client, work).await.map(Response::new)
    }
}

fn get<T>(chain: &Chain, place: &Place) -> Result<Option<Arc<T>>, Status>
where
    Arc<T>: TryFrom<Object>,
{
    chain.index().typed(place).map_err(|e| of_store(&e))
}

/// Checks that the caller may read a trail; gives it where the read is to be noted.
fn may_read(chain: &Chain, caller: &Caller, trail: Place) -> Result<Vec<Shown>, Status> {
    match caller.may_read(chain, &trail)? {
        rights::Access::Own | rights::Access::InPart => Ok(Vec::new()),
        rights::Access::Oversight => Ok(vec![Shown::Trail(trail, 0, 0)]),
    }
}

/// All objects of a kind that the caller may see as a party; all of them for oversight, and what of
/// those is to be noted.
fn seen<T: Message>(
    chain: &Chain,
    caller: &Caller,
    (list, kind): (&'static str, ObjectKind),
    pager: &mut Pager,
    is_party: impl Fn(&T) -> bool,
) -> Result<Found<Placed<T>>, Status>
where
    Arc<T>: TryFrom<Object>,
{
    let (mut shown, mut overseen) = (Vec::new(), 0u64);
    fill(chain, kind, pager, |pager, place, object: Arc<T>| {
        let own = is_party(&object);
        if own || caller.oversees() {
            if !pager.takes(place.id(), object.as_ref()) {
                return Ok(ControlFlow::Break(()));
            }
            overseen += u64::from(!own);
            shown.push((place, object));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    // A list is one read, whatever stands in it.
    let overseen = (overseen > 0).then_some(Shown::List(list, overseen));
    Ok((shown, overseen.into_iter().collect()))
}

/// Numbers from the newest down, from the page's first on; a number's id ascends as it goes down.
fn newest_first(pager: &Pager, newest: u64) -> impl Iterator<Item = (u64, [u8; 8])> + use<> {
    let from = match pager.from().split_first_chunk() {
        None => newest,
        Some((id, behind)) => {
            let number = u64::MAX - u64::from_be_bytes(*id);
            newest.min(if behind.is_empty() { number } else { number.saturating_sub(1) })
        }
    };
    (1..=from).rev().map(|number| (number, (u64::MAX - number).to_be_bytes()))
}

fn gateway(
    chain: &Chain,
    caller: &Caller,
    asked: &GetGatewayRequest,
) -> Result<Found<GetGatewayResponse>, Status> {
    let id = IdentityId::from_slice(&asked.gateway_id);
    let id = id.map_err(|e| bad_argument("gateway_id", &e.to_string()))?;
    let overseen = may_read(chain, caller, Place::gateway_trail(&id))?;
    let gateway: Option<Arc<Gateway>> = get(chain, &Place::gateway(&id))?;
    let setup: Option<Arc<GatewaySetup>> = get(chain, &Place::gateway_setup(id.as_bytes()))?;
    let parameters: Option<Arc<Parameters>> = get(chain, &Place::parameters())?;
    let found = GetGatewayResponse {
        gateway: Some(gateway.map(|it| (*it).clone()).unwrap_or_default()),
        setup: setup.map(|it| (*it).clone()),
        seal_period_ms: parameters.map_or(0, |it| it.seal_period_ms),
    };
    Ok((found, overseen))
}

fn integrity(
    chain: &Chain,
    caller: &Caller,
    asked: &ListIntegrityRequest,
) -> Result<Found<ListIntegrityResponse>, Status> {
    let (_, chain_of) = trail_of(TrailKind::Integrity as u32, asked.department.as_bytes())?;
    let of_identity = !asked.identity_id.is_empty();
    let (trail, place) = if of_identity {
        let id = IdentityId::from_slice(&asked.identity_id);
        let id = id.map_err(|e| bad_argument("identity_id", &e.to_string()))?;
        let identity: Option<Arc<wire::Identity>> = get(chain, &Place::identity(&id))?;
        let own = identity.is_some_and(|it| it.department == asked.department);
        if !own {
            return Err(not_found(&format!("identity {id} of {}", asked.department)));
        }
        let bytes = id.as_bytes();
        (Place::identity_integrity_trail(bytes), Place::identity_score(bytes))
    } else {
        (chain_of, Place::score(&asked.department))
    };
    let overseen = may_read(chain, caller, trail)?;
    let score: Option<Arc<Score>> = get(chain, &place)?;
    let all: Option<Arc<Score>> = get(chain, &Place::score(&asked.department))?;
    let (mut pager, mut events) = (Pager::of(asked)?, Vec::new());
    for (number, id) in newest_first(&pager, all.map_or(0, |it| it.events)) {
        let place = Place::integrity_event(&asked.department, number);
        if !pager.looks_at_own(&id) {
            break;
        }
        let event: Option<Arc<IntegrityEvent>> = get(chain, &place)?;
        let Some(event) = event else { continue };
        let of = event.raised.as_ref().map(|it| &it.identity_id);
        if of_identity && of != Some(&asked.identity_id) {
            continue;
        }
        if !pager.takes(&id, event.as_ref()) {
            break;
        }
        events.push((*event).clone());
    }
    let parameters: Option<Arc<Parameters>> = get(chain, &Place::parameters())?;
    let found = ListIntegrityResponse {
        score: Some(score.map(|it| *it).unwrap_or_default()),
        events,
        day: calendar::day_of(chain.header().time),
        decay: parameters.map_or(0, |it| it.integrity_decay),
        next_page_token: pager.next(),
    };
    Ok((found, overseen))
}

fn alerts(
    chain: &Chain,
    caller: &Caller,
    asked: &ListAlertsRequest,
) -> Result<Found<ListAlertsResponse>, Status> {
    let (_, trail) = trail_of(TrailKind::Alert as u32, asked.department.as_bytes())?;
    let overseen = may_read(chain, caller, trail)?;
    let book: Option<Arc<AlertBook>> = get(chain, &Place::alert_book(&asked.department))?;
    let book = book.map(|it| *it).unwrap_or_default();
    let (mut pager, mut alerts) = (Pager::of(asked)?, Vec::new());
    for (number, id) in newest_first(&pager, book.alerts) {
        if !pager.looks_at_own(&id) {
            break;
        }
        let alert: Option<Arc<Alert>> = get(chain, &Place::alert(&asked.department, number))?;
        let wanted = |it: &Arc<Alert>| !asked.open_only || it.state() != AlertState::Closed;
        let Some(alert) = alert.filter(wanted) else { continue };
        if !pager.takes(&id, alert.as_ref()) {
            break;
        }
        alerts.push((*alert).clone());
    }
    let next_page_token = pager.next();
    Ok((ListAlertsResponse { book: Some(book), alerts, next_page_token }, overseen))
}

/// How many records were sealed everywhere, in the months of which that is told.
fn sealed_months(chain: &Chain) -> Result<Vec<SealedMonth>, Status> {
    let before = calendar::sealed_told_before(chain.header().time);
    let objects = chain.index().list(ObjectKind::SealedCount).map_err(|e| of_store(&e))?;
    let months = objects.into_iter().filter_map(|(place, object)| {
        let month = u32::from_be_bytes(place.id().try_into().ok()?);
        let sealed = Arc::<SealedCount>::try_from(object).ok()?.sealed;
        (month < before).then_some(SealedMonth { month, sealed })
    });
    Ok(months.collect())
}

#[tonic::async_trait]
impl AccountabilityService for Accountability {
    async fn get_gateway(
        &self,
        request: Request<GetGatewayRequest>,
    ) -> Result<Response<GetGatewayResponse>, Status> {
        self.read(request, |chain, caller, asked| gateway(chain, caller, &asked)).await
    }

    async fn list_integrity(
        &self,
        request: Request<ListIntegrityRequest>,
    ) -> Result<Response<ListIntegrityResponse>, Status> {
        self.read(request, |chain, caller, asked| integrity(chain, caller, &asked)).await
    }

    async fn list_alerts(
        &self,
        request: Request<ListAlertsRequest>,
    ) -> Result<Response<ListAlertsResponse>, Status> {
        self.read(request, |chain, caller, asked| alerts(chain, caller, &asked)).await
    }

    async fn list_cases(
        &self,
        request: Request<ListCasesRequest>,
    ) -> Result<Response<ListCasesResponse>, Status> {
        self.read(request, |chain, caller, asked| {
            let mut pager = Pager::of(&asked)?;
            let list = ("cases", ObjectKind::Case);
            let is_party = |it: &Case| caller.may_see_case(it);
            let (shown, overseen) = seen(chain, caller, list, &mut pager, is_party)?;
            let cases = shown.into_iter().map(|(_, it)| (*it).clone()).collect();
            let next_page_token = pager.next();
            Ok((ListCasesResponse { cases, next_page_token }, overseen))
        })
        .await
    }

    async fn list_products(
        &self,
        request: Request<ListProductsRequest>,
    ) -> Result<Response<ListProductsResponse>, Status> {
        self.read(request, |chain, caller, asked| {
            let mut pager = Pager::of(&asked)?;
            let list = ("products", ObjectKind::Product);
            let is_party = |it: &Product| caller.is_party_to_product(it);
            let (shown, overseen) = seen(chain, caller, list, &mut pager, is_party)?;
            let products = shown.into_iter().map(|(_, it)| (*it).clone()).collect();
            let next_page_token = pager.next();
            Ok((ListProductsResponse { products, next_page_token }, overseen))
        })
        .await
    }

    async fn list_corrections(
        &self,
        request: Request<ListCorrectionsRequest>,
    ) -> Result<Response<ListCorrectionsResponse>, Status> {
        self.read(request, |chain, caller, asked| {
            let mut pager = Pager::of(&asked)?;
            let of = |it: &Correction| it.corrected.clone().unwrap_or_default();
            let is_party = |it: &Correction| {
                let it = of(it);
                let parties = [it.collector, it.from_department, it.to_department];
                parties.iter().any(|code| caller.is(code))
            };
            let list = ("corrections", ObjectKind::Correction);
            let (shown, overseen) = seen(chain, caller, list, &mut pager, is_party)?;
            let corrections = shown.into_iter().map(|(place, it)| CorrectionStanding {
                correction_id: place.id().to_vec(),
                correction: Some((*it).clone()),
            });
            let next_page_token = pager.next();
            Ok((
                ListCorrectionsResponse { corrections: corrections.collect(), next_page_token },
                overseen,
            ))
        })
        .await
    }

    async fn get_bulk_set(
        &self,
        request: Request<GetBulkSetRequest>,
    ) -> Result<Response<BulkSet>, Status> {
        self.read(request, |chain, caller, asked| {
            let id = IdentityId::from_slice(&asked.gateway_id);
            let id = id.map_err(|e| bad_argument("gateway_id", &e.to_string()))?;
            let overseen = may_read(chain, caller, Place::gateway_trail(&id))?;
            let place = Place::bulk_set(id.as_bytes(), asked.access_no);
            let set: Option<Arc<BulkSet>> = get(chain, &place)?;
            let nothing = || not_found(&format!("bulk set of number {}", asked.access_no));
            Ok(((*set.ok_or_else(nothing)?).clone(), overseen))
        })
        .await
    }

    async fn list_sealing(
        &self,
        request: Request<ListSealingRequest>,
    ) -> Result<Response<ListSealingResponse>, Status> {
        self.read(request, |chain, caller, asked| {
            let mut pager = Pager::of(&asked)?;
            let of = |it: &SealingOrder| it.ordered.clone().unwrap_or_default();
            let is_party = |it: &SealingOrder| {
                let it = of(it);
                caller.is(&it.authority) || caller.is(&it.collector)
            };
            let list = ("sealing-orders", ObjectKind::SealingOrder);
            let (shown, overseen) = seen(chain, caller, list, &mut pager, is_party)?;
            let orders = shown.into_iter().map(|(_, it)| (*it).clone()).collect();
            let next_page_token = pager.next();
            Ok((
                ListSealingResponse { orders, months: sealed_months(chain)?, next_page_token },
                overseen,
            ))
        })
        .await
    }
}
