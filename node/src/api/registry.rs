//! What stands on the ledger.

use super::auth::{self, Caller};
use super::lists::{Listing, Pager, fill};
use super::reads::Shown;
use super::rights::Access;
use super::{Shared, bad_argument, not_found, of_store};
use crate::app::Chain;
use liuhen_proto::ledger::Object;
use liuhen_proto::place::{ObjectKind, Place, TrailKind};
use liuhen_proto::types::{IdentityId, KeyId, RequestId};
use liuhen_proto::wire::{
    self, Calendar, Dataset, Department, GetConsortiumRequest, GetConsortiumResponse,
    GetIdentityRequest, GetIdentityResponse, GetKeyRequest, GetKeyResponse, GetRequestRequest,
    Identity, ListDatasetsRequest, ListDatasetsResponse, ListDepartmentsRequest,
    ListDepartmentsResponse, ListIdentitiesRequest, ListIdentitiesResponse, ListProposalsRequest,
    ListProposalsResponse, ListRequestsRequest, ListRequestsResponse, Parameters, Proposal,
    ProtocolSchedule, RequestStanding, ValidatorSchedule, Voters,
};
use liuhen_rpc::services::registry_service_server::RegistryService;
use prost::Message;
use std::ops::ControlFlow;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// See [`RegistryService`].
pub struct Registry(pub(super) Shared);

impl Registry {
    /// Reads for a caller, who must be a member.
    async fn read<Q, T: Send + 'static>(
        &self,
        request: Request<Q>,
        read: impl FnOnce(&Chain, &Caller, Q) -> Result<T, Status> + Send + 'static,
    ) -> Result<Response<T>, Status>
    where
        Q: Send + 'static,
    {
        self.read_noting(request, read, |_, _, found| Ok(found)).await
    }

    /// Reads, and then, with the chain let go, notes what is shown of it.
    async fn read_noting<Q, F: Send + 'static, T: Send + 'static>(
        &self,
        request: Request<Q>,
        read: impl FnOnce(&Chain, &Caller, Q) -> Result<F, Status> + Send + 'static,
        note: impl FnOnce(&Shared, &Caller, F) -> Result<T, Status> + Send + 'static,
    ) -> Result<Response<T>, Status>
    where
        Q: Send + 'static,
    {
        let caller = auth::caller(&self.0, &request)?;
        let shared = self.0.clone();
        let client = caller.client();
        let asked = request.into_inner();
        let work = move || {
            let found = read(&shared.chain(), &caller, asked)?;
            note(&shared, &caller, found)
        };
        self.0.blocking(client, work).await.map(Response::new)
    }
}

fn all<T>(chain: &Chain, kind: ObjectKind) -> Result<Vec<Arc<T>>, Status>
where
    Arc<T>: TryFrom<Object>,
{
    let objects = chain.index().list(kind).map_err(|e| of_store(&e))?;
    Ok(objects.into_iter().filter_map(|(_, object)| Arc::<T>::try_from(object).ok()).collect())
}

/// A page of all objects of a kind that are wanted; and the token to go on with.
fn page<T: Message + Clone, L: Listing>(
    chain: &Chain,
    kind: ObjectKind,
    asked: &L,
    wanted: impl Fn(&T) -> bool,
) -> Result<(Vec<T>, String), Status>
where
    Arc<T>: TryFrom<Object>,
{
    let mut pager = Pager::of(asked)?;
    let mut page = Vec::new();
    fill(chain, kind, &mut pager, |pager, place, object: Arc<T>| {
        if wanted(&object) {
            if !pager.takes(place.id(), object.as_ref()) {
                return Ok(ControlFlow::Break(()));
            }
            page.push((*object).clone());
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((page, pager.next()))
}

fn get<T>(chain: &Chain, place: &Place) -> Result<Option<Arc<T>>, Status>
where
    Arc<T>: TryFrom<Object>,
{
    chain.index().typed(place).map_err(|e| of_store(&e))
}

fn standing(
    chain: &Chain,
    caller: &Caller,
    access: Access,
    request: &wire::Request,
) -> Result<RequestStanding, Status> {
    let id = RequestId::from_slice(&request.request_id).unwrap_or_default();
    let grant: Option<Arc<wire::Grant>> = get(chain, &Place::grant(&id))?;
    // How much a grant was used is for those who may read how.
    let sees_use = access == Access::Oversight
        || caller.is_party_to_use(chain, &id).map_err(|e| of_store(&e))?;
    let used: Option<Arc<wire::GrantUse>> = match sees_use {
        true => get(chain, &Place::grant_use(&id))?,
        false => None,
    };
    Ok(RequestStanding {
        request: Some(request.clone()),
        grant: grant.map(|it| (*it).clone()),
        r#use: used.map(|it| (*it).clone()),
    })
}

/// By what right the caller may see a request and what became of it; `None`: by none.
fn may_see(
    chain: &Chain,
    caller: &Caller,
    request: &wire::Request,
) -> Result<Option<Access>, Status> {
    let id = RequestId::from_slice(&request.request_id).unwrap_or_default();
    if caller.is_party_to_request(chain, &id).map_err(|e| of_store(&e))? {
        return Ok(Some(Access::Own));
    }
    Ok(caller.oversees().then_some(Access::Oversight))
}

/// Requests that the caller may see, of those wanted: a page, and the token to go on with.
fn requests(
    chain: &Chain,
    caller: &Caller,
    asked: &ListRequestsRequest,
) -> Result<(Vec<(Access, RequestStanding)>, String), Status> {
    let is = |wanted: &str, found: &str| wanted.is_empty() || found == wanted;
    let wanted = |it: &wire::Request| {
        it.asked.as_ref().is_some_and(|it| {
            is(&asked.dataset, &it.dataset)
                && is(&asked.using_department, &it.using_department)
                && is(&asked.reference, &it.reference)
        })
    };
    let mut pager = Pager::of(asked)?;
    let mut seen = Vec::new();
    fill(chain, ObjectKind::Request, &mut pager, |pager, place, it: Arc<wire::Request>| {
        if wanted(&it)
            && let Some(access) = may_see(chain, caller, &it)?
        {
            let standing = standing(chain, caller, access, &it)?;
            if !pager.takes(place.id(), &standing) {
                return Ok(ControlFlow::Break(()));
            }
            seen.push((access, standing));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok((seen, pager.next()))
}

fn consortium(chain: &Chain) -> Result<GetConsortiumResponse, Status> {
    let parameters: Option<Arc<Parameters>> = get(chain, &Place::parameters())?;
    let parameters = parameters.map(|it| (*it).clone()).unwrap_or_default();
    let voters: Option<Arc<Voters>> = get(chain, &Place::voters())?;
    let schedule: Option<Arc<ValidatorSchedule>> = get(chain, &Place::validator_schedule())?;
    let next = chain.next_height().get();
    let sets = schedule.map(|it| it.sets.clone()).unwrap_or_default();
    // Sets that nobody signs with any more are left out.
    let first = sets.iter().rposition(|it| it.from_height <= next).unwrap_or(0);
    let calendars: Vec<Arc<Calendar>> = all(chain, ObjectKind::Calendar)?;
    let protocol: Option<Arc<ProtocolSchedule>> = get(chain, &Place::protocol_schedule())?;
    Ok(GetConsortiumResponse {
        parameters_digest: Object::from(parameters.clone()).map_value().to_vec(),
        parameters: Some(parameters),
        voters: voters.map(|it| it.voters.clone()).unwrap_or_default(),
        validators: sets.into_iter().skip(first).collect(),
        peers: chain.peers().map_err(|e| of_store(&e))?,
        calendars: calendars.iter().map(|it| (**it).clone()).collect(),
        protocol: protocol.map(|it| *it),
    })
}

fn identity(chain: &Chain, bytes: &[u8]) -> Result<GetIdentityResponse, Status> {
    let id = IdentityId::from_slice(bytes);
    let id = id.map_err(|e| bad_argument("identity_id", &e.to_string()))?;
    let identity: Option<Arc<Identity>> = get(chain, &Place::identity(&id))?;
    let identity = identity.ok_or_else(|| not_found(&format!("identity {id}")))?;
    let mut keys = Vec::with_capacity(identity.key_ids.len());
    for id in &identity.key_ids {
        let place = Place::key(&KeyId::from_slice(id).unwrap_or_default());
        let key: Option<Arc<wire::Key>> = get(chain, &place)?;
        keys.extend(key.map(|key| (*key).clone()));
    }
    let department: Option<Arc<Department>> = get(chain, &Place::department(&identity.department))?;
    Ok(GetIdentityResponse {
        identity: Some((*identity).clone()),
        keys,
        department: department.map(|it| (*it).clone()),
    })
}

/// Notes what the caller sees only because it audits or regulates: a list as one read, a single request as a read of the
/// grant's story, of which no event was shown.
fn noted(
    shared: &Shared,
    caller: &Caller,
    seen: Vec<(Access, RequestStanding)>,
    list: bool,
) -> Result<Vec<RequestStanding>, Status> {
    let overseen: Vec<_> = seen
        .iter()
        .filter(|(access, _)| *access == Access::Oversight)
        .filter_map(|(_, it)| it.request.as_ref())
        .collect();
    let shown = match (list, overseen.as_slice()) {
        (_, []) => Vec::new(),
        (true, all) => vec![Shown::List("requests", all.len() as u64)],
        (false, all) => {
            let story = |id: &[u8]| Shown::Trail(Place::trail(TrailKind::Grant, id), 0, 0);
            all.iter().map(|it| story(&it.request_id)).collect()
        }
    };
    if !shown.is_empty() {
        shared.note_reads(caller, &shown)?;
    }
    Ok(seen.into_iter().map(|(_, it)| it).collect())
}

#[tonic::async_trait]
impl RegistryService for Registry {
    async fn list_departments(
        &self,
        request: Request<ListDepartmentsRequest>,
    ) -> Result<Response<ListDepartmentsResponse>, Status> {
        self.read(request, |chain, _, asked| {
            let (departments, next_page_token) =
                page(chain, ObjectKind::Department, &asked, |_: &Department| true)?;
            Ok(ListDepartmentsResponse { departments, next_page_token })
        })
        .await
    }

    async fn list_identities(
        &self,
        request: Request<ListIdentitiesRequest>,
    ) -> Result<Response<ListIdentitiesResponse>, Status> {
        self.read(request, |chain, _, asked| {
            let of = asked.department.as_str();
            let fits = |it: &Identity| of.is_empty() || it.department == of;
            let (identities, next_page_token) = page(chain, ObjectKind::Identity, &asked, fits)?;
            Ok(ListIdentitiesResponse { identities, next_page_token })
        })
        .await
    }

    async fn get_key(
        &self,
        request: Request<GetKeyRequest>,
    ) -> Result<Response<GetKeyResponse>, Status> {
        self.read(request, |chain, _, wanted| {
            let id = KeyId::from_slice(&wanted.key_id);
            let id = id.map_err(|e| bad_argument("key_id", &e.to_string()))?;
            let key: Option<Arc<wire::Key>> = get(chain, &Place::key(&id))?;
            let key = key.ok_or_else(|| not_found(&format!("key {id}")))?;
            let head = chain.index().head(&Place::key_trail(&id)).map_err(|e| of_store(&e))?;
            Ok(GetKeyResponse { key: Some((*key).clone()), next_seq: head.size() })
        })
        .await
    }

    async fn list_datasets(
        &self,
        request: Request<ListDatasetsRequest>,
    ) -> Result<Response<ListDatasetsResponse>, Status> {
        self.read(request, |chain, _, asked| {
            let of = asked.collector.as_str();
            let fits = |it: &Dataset| {
                of.is_empty() || it.registration.as_ref().is_some_and(|it| it.collector == of)
            };
            let (datasets, next_page_token) = page(chain, ObjectKind::Dataset, &asked, fits)?;
            Ok(ListDatasetsResponse { datasets, next_page_token })
        })
        .await
    }

    async fn list_requests(
        &self,
        request: Request<ListRequestsRequest>,
    ) -> Result<Response<ListRequestsResponse>, Status> {
        let read = |chain: &Chain, caller: &Caller, asked: ListRequestsRequest| {
            requests(chain, caller, &asked)
        };
        self.read_noting(request, read, |shared, caller, (seen, next_page_token)| {
            let requests = noted(shared, caller, seen, true)?;
            Ok(ListRequestsResponse { requests, next_page_token })
        })
        .await
    }

    async fn get_request(
        &self,
        request: Request<GetRequestRequest>,
    ) -> Result<Response<RequestStanding>, Status> {
        let read = |chain: &Chain, caller: &Caller, wanted: GetRequestRequest| {
            let id = RequestId::from_slice(&wanted.request_id);
            let id = id.map_err(|e| bad_argument("request_id", &e.to_string()))?;
            let nothing = || not_found(&format!("request {id} that you may see"));
            let request: Option<Arc<wire::Request>> = get(chain, &Place::request(&id))?;
            let request = request.ok_or_else(nothing)?;
            let access = may_see(chain, caller, &request)?.ok_or_else(nothing)?;
            Ok(vec![(access, standing(chain, caller, access, &request)?)])
        };
        self.read_noting(request, read, |shared, caller, seen| {
            noted(shared, caller, seen, false)?.pop().ok_or_else(|| not_found("such request"))
        })
        .await
    }

    async fn get_identity(
        &self,
        request: Request<GetIdentityRequest>,
    ) -> Result<Response<GetIdentityResponse>, Status> {
        self.read(request, |chain, _, wanted| identity(chain, &wanted.identity_id)).await
    }

    async fn get_consortium(
        &self,
        request: Request<GetConsortiumRequest>,
    ) -> Result<Response<GetConsortiumResponse>, Status> {
        self.read(request, |chain, _, _| consortium(chain)).await
    }

    async fn list_proposals(
        &self,
        request: Request<ListProposalsRequest>,
    ) -> Result<Response<ListProposalsResponse>, Status> {
        self.read(request, |chain, _, asked| {
            let (proposals, next_page_token) =
                page(chain, ObjectKind::Proposal, &asked, |_: &Proposal| true)?;
            Ok(ListProposalsResponse { proposals, next_page_token })
        })
        .await
    }
}
