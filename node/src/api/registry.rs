//! What stands on the ledger.

use super::{Shared, bad_argument, blocking, not_found, of_store};
use crate::app::Chain;
use liuhen_proto::ledger::Object;
use liuhen_proto::place::{ObjectKind, Place};
use liuhen_proto::types::{KeyId, RequestId};
use liuhen_proto::wire::{
    Dataset, Department, GetKeyRequest, GetKeyResponse, GetRequestRequest, Identity,
    ListDatasetsRequest, ListDatasetsResponse, ListDepartmentsRequest, ListDepartmentsResponse,
    ListIdentitiesRequest, ListIdentitiesResponse, ListRequestsRequest, ListRequestsResponse,
    RequestStanding,
};
use liuhen_rpc::services::registry_service_server::RegistryService;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// See [`RegistryService`].
pub struct Registry(pub(super) Shared);

impl Registry {
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Chain) -> Result<T, Status> + Send + 'static,
    ) -> Result<Response<T>, Status> {
        let shared = self.0.clone();
        let readers = Arc::clone(&shared.readers);
        blocking(&readers, move || read(&shared.chain())).await.map(Response::new)
    }
}

fn all<T>(chain: &Chain, kind: ObjectKind) -> Result<Vec<Arc<T>>, Status>
where
    Arc<T>: TryFrom<Object>,
{
    let objects = chain.index().list(kind).map_err(|e| of_store(&e))?;
    Ok(objects.into_iter().filter_map(|(_, object)| Arc::<T>::try_from(object).ok()).collect())
}

fn get<T>(chain: &Chain, place: &Place) -> Result<Option<Arc<T>>, Status>
where
    Arc<T>: TryFrom<Object>,
{
    let object = chain.index().get(place).map_err(|e| of_store(&e))?;
    Ok(object.and_then(|object| Arc::<T>::try_from(object).ok()))
}

fn standing(
    chain: &Chain,
    request: &liuhen_proto::wire::Request,
) -> Result<RequestStanding, Status> {
    let id = RequestId::from_slice(&request.request_id).unwrap_or_default();
    let grant: Option<Arc<liuhen_proto::wire::Grant>> = get(chain, &Place::grant(&id))?;
    let used: Option<Arc<liuhen_proto::wire::GrantUse>> = get(chain, &Place::grant_use(&id))?;
    Ok(RequestStanding {
        request: Some(request.clone()),
        grant: grant.map(|it| (*it).clone()),
        r#use: used.map(|it| (*it).clone()),
    })
}

#[tonic::async_trait]
impl RegistryService for Registry {
    async fn list_departments(
        &self,
        _: Request<ListDepartmentsRequest>,
    ) -> Result<Response<ListDepartmentsResponse>, Status> {
        self.read(|chain| {
            let all: Vec<Arc<Department>> = all(chain, ObjectKind::Department)?;
            let departments = all.iter().map(|it| (**it).clone()).collect();
            Ok(ListDepartmentsResponse { departments })
        })
        .await
    }

    async fn list_identities(
        &self,
        request: Request<ListIdentitiesRequest>,
    ) -> Result<Response<ListIdentitiesResponse>, Status> {
        let wanted = request.into_inner().department;
        self.read(move |chain| {
            let all: Vec<Arc<Identity>> = all(chain, ObjectKind::Identity)?;
            let fits = |it: &&Arc<Identity>| wanted.is_empty() || it.department == wanted;
            let identities = all.iter().filter(fits).map(|it| (**it).clone()).collect();
            Ok(ListIdentitiesResponse { identities })
        })
        .await
    }

    async fn get_key(
        &self,
        request: Request<GetKeyRequest>,
    ) -> Result<Response<GetKeyResponse>, Status> {
        let id = KeyId::from_slice(&request.into_inner().key_id);
        let id = id.map_err(|e| bad_argument("key_id", &e.to_string()))?;
        self.read(move |chain| {
            let key: Option<Arc<liuhen_proto::wire::Key>> = get(chain, &Place::key(&id))?;
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
        let wanted = request.into_inner().collector;
        self.read(move |chain| {
            let all: Vec<Arc<Dataset>> = all(chain, ObjectKind::Dataset)?;
            let fits = |it: &&Arc<Dataset>| {
                wanted.is_empty() || it.registration.as_ref().is_some_and(|r| r.collector == wanted)
            };
            let datasets = all.iter().filter(fits).map(|it| (**it).clone()).collect();
            Ok(ListDatasetsResponse { datasets })
        })
        .await
    }

    async fn list_requests(
        &self,
        request: Request<ListRequestsRequest>,
    ) -> Result<Response<ListRequestsResponse>, Status> {
        let wanted = request.into_inner();
        self.read(move |chain| {
            let all: Vec<Arc<liuhen_proto::wire::Request>> = all(chain, ObjectKind::Request)?;
            let fits = |it: &&Arc<liuhen_proto::wire::Request>| {
                let asked = it.asked.as_ref();
                let is = |wanted: &str, found: Option<&String>| {
                    wanted.is_empty() || found.is_some_and(|found| found == wanted)
                };
                is(&wanted.dataset, asked.map(|it| &it.dataset))
                    && is(&wanted.using_department, asked.map(|it| &it.using_department))
                    && is(&wanted.reference, asked.map(|it| &it.reference))
            };
            let requests = all.iter().filter(fits).map(|it| standing(chain, it));
            Ok(ListRequestsResponse { requests: requests.collect::<Result<_, _>>()? })
        })
        .await
    }

    async fn get_request(
        &self,
        request: Request<GetRequestRequest>,
    ) -> Result<Response<RequestStanding>, Status> {
        let id = RequestId::from_slice(&request.into_inner().request_id);
        let id = id.map_err(|e| bad_argument("request_id", &e.to_string()))?;
        self.read(move |chain| {
            let request: Option<Arc<liuhen_proto::wire::Request>> =
                get(chain, &Place::request(&id))?;
            let request = request.ok_or_else(|| not_found(&format!("request {id}")))?;
            standing(chain, &request)
        })
        .await
    }
}
