//! Calls without a subject, and about one thing: what a list holds is told by names.

use super::calls::{ALL, NOTHING, One, Plain, whole};
use liuhen_client::connect::Node;
use liuhen_proto::wire::{self, ListRequestsRequest, SubmitStreamRequest};
use liuhen_tests::things::BULK;
use tonic::Status;

impl Plain {
    /// The service that it is a call of.
    pub fn service(self) -> &'static str {
        match self {
            Self::Submit | Self::SubmitStream => "SubmissionService",
            Self::GetStatus | Self::GetGenesis => "NodeService",
            Self::GetCheckpoint | Self::ProveHeader | Self::AddCosignature => "CheckpointService",
            Self::ListDepartments
            | Self::ListIdentities
            | Self::ListDatasets
            | Self::ListRequests
            | Self::GetConsortium
            | Self::ListProposals => "RegistryService",
            Self::ListCases | Self::ListProducts | Self::ListCorrections | Self::ListSealing => {
                "AccountabilityService"
            }
        }
    }
}

impl One {
    /// The service that it is a call of.
    pub fn service(self) -> &'static str {
        match self {
            Self::GetKey | Self::GetIdentity | Self::GetRequest => "RegistryService",
            Self::GetGateway
            | Self::ListIntegrity
            | Self::ListIntegrityOfIdentity
            | Self::ListAlerts
            | Self::GetBulkSet => "AccountabilityService",
        }
    }
}

/// Names in order, with a comma between.
pub fn listed(names: impl IntoIterator<Item = String>) -> String {
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort();
    if names.is_empty() { NOTHING.to_owned() } else { names.join(", ") }
}

fn all_if(there: bool) -> String {
    if there { ALL } else { NOTHING }.to_owned()
}

/// Asks a call without a subject.
pub async fn plain(it: Plain, node: &Node) -> Result<String, Status> {
    match it {
        Plain::Submit => {
            node.submission().submit(wire::SubmitRequest::default()).await?;
            Ok(ALL.to_owned())
        }
        Plain::SubmitStream => {
            let requests = tokio_stream::iter([SubmitStreamRequest::default()]);
            let mut answers = node.submission().submit_stream(requests).await?.into_inner();
            let answer = answers.message().await?.and_then(|it| it.result);
            Ok(match answer {
                Some(wire::submit_stream_response::Result::Refused(it)) => it.reason,
                Some(wire::submit_stream_response::Result::Committed(_)) => ALL.to_owned(),
                None => NOTHING.to_owned(),
            })
        }
        Plain::GetStatus => {
            let status = node.node().get_status(wire::GetStatusRequest {}).await?.into_inner();
            Ok(format!("away: {}", listed(status.away)))
        }
        Plain::GetGenesis => whole(node.node().get_genesis(wire::GetGenesisRequest {}).await).await,
        Plain::GetCheckpoint => {
            let request = wire::GetCheckpointRequest::default();
            let note = node.checkpoints().get_checkpoint(request).await?.into_inner().note;
            Ok(all_if(!note.is_empty()))
        }
        Plain::ProveHeader => {
            let request = wire::ProveHeaderRequest { height: 1, size: 2 };
            node.checkpoints().prove_header(request).await?;
            Ok(ALL.to_owned())
        }
        Plain::AddCosignature => {
            let request = wire::AddCosignatureRequest::default();
            node.checkpoints().add_cosignature(request).await?;
            Ok(ALL.to_owned())
        }
        _ => list(it, node).await,
    }
}

async fn list(it: Plain, node: &Node) -> Result<String, Status> {
    let (mut registry, mut accountability) = (node.registry(), node.accountability());
    Ok(match it {
        Plain::ListDepartments => {
            let request = wire::ListDepartmentsRequest::default();
            let found = registry.list_departments(request).await?.into_inner().departments;
            listed(found.into_iter().map(|it| it.code))
        }
        Plain::ListIdentities => {
            let request =
                wire::ListIdentitiesRequest { department: "gz.sup".into(), ..Default::default() };
            let found = registry.list_identities(request).await?.into_inner().identities;
            listed(found.into_iter().map(|it| it.code))
        }
        Plain::ListDatasets => {
            let request = wire::ListDatasetsRequest::default();
            let found = registry.list_datasets(request).await?.into_inner().datasets;
            listed(found.into_iter().filter_map(|it| Some(it.registration?.dataset)))
        }
        Plain::ListRequests => {
            let request = ListRequestsRequest::default();
            let found = registry.list_requests(request).await?.into_inner().requests;
            listed(found.iter().map(standing))
        }
        Plain::GetConsortium => {
            let request = wire::GetConsortiumRequest {};
            let found = registry.get_consortium(request).await?.into_inner();
            all_if(found.parameters.is_some() && !found.validators.is_empty())
        }
        Plain::ListProposals => {
            let request = wire::ListProposalsRequest::default();
            let found = registry.list_proposals(request).await?.into_inner().proposals;
            listed(found.into_iter().filter_map(|it| Some(it.proposed?.reference)))
        }
        Plain::ListCases => {
            let request = wire::ListCasesRequest::default();
            let found = accountability.list_cases(request).await?.into_inner().cases;
            listed(found.into_iter().filter_map(|it| Some(it.opened?.reference)))
        }
        Plain::ListProducts => {
            let request = wire::ListProductsRequest::default();
            let found = accountability.list_products(request).await?.into_inner().products;
            listed(found.into_iter().filter_map(|it| Some(it.registered?.reference)))
        }
        Plain::ListCorrections => {
            let request = wire::ListCorrectionsRequest::default();
            let found = accountability.list_corrections(request).await?.into_inner().corrections;
            listed(found.into_iter().filter_map(|it| Some(it.correction?.corrected?.reason)))
        }
        _ => {
            let request = wire::ListSealingRequest::default();
            let found = accountability.list_sealing(request).await?.into_inner();
            let orders = found.orders.into_iter().filter_map(|it| Some(it.ordered?.authority));
            // Of the month that runs nobody is told how much was sealed.
            let months = found.months.iter().map(|it| format!("{} in {}", it.sealed, it.month));
            listed(orders.chain(months))
        }
    })
}

/// A request, and whether it is told how much it was used.
fn standing(it: &wire::RequestStanding) -> String {
    let asked = it.request.as_ref().and_then(|it| it.asked.as_ref());
    let reference = asked.map_or("", |it| it.reference.as_str());
    let used = if it.r#use.is_some() { " and its use" } else { "" };
    format!("{reference}{used}")
}

/// Asks a call about one thing.
pub async fn one(it: One, id: &[u8], node: &Node) -> Result<String, Status> {
    let (mut registry, mut accountability) = (node.registry(), node.accountability());
    let (id, text) = (id.to_vec(), String::from_utf8_lossy(id).into_owned());
    Ok(match it {
        One::GetKey => {
            let request = wire::GetKeyRequest { key_id: id };
            all_if(registry.get_key(request).await?.into_inner().key.is_some())
        }
        One::GetIdentity => {
            let request = wire::GetIdentityRequest { identity_id: id };
            all_if(registry.get_identity(request).await?.into_inner().identity.is_some())
        }
        One::GetRequest => {
            let request = wire::GetRequestRequest { request_id: id };
            standing(&registry.get_request(request).await?.into_inner())
        }
        One::GetGateway => {
            let request = wire::GetGatewayRequest { gateway_id: id };
            all_if(accountability.get_gateway(request).await?.into_inner().setup.is_some())
        }
        One::ListIntegrity => {
            let request = wire::ListIntegrityRequest { department: text, ..Default::default() };
            let found = accountability.list_integrity(request).await?.into_inner();
            all_if(!found.events.is_empty())
        }
        One::ListIntegrityOfIdentity => {
            let department = "gz.psb".to_owned();
            let request =
                wire::ListIntegrityRequest { department, identity_id: id, ..Default::default() };
            let found = accountability.list_integrity(request).await?.into_inner();
            all_if(!found.events.is_empty())
        }
        One::ListAlerts => {
            let request = wire::ListAlertsRequest { department: text, ..Default::default() };
            let found = accountability.list_alerts(request).await?.into_inner();
            all_if(!found.alerts.is_empty() && found.book.is_some())
        }
        One::GetBulkSet => {
            let request = wire::GetBulkSetRequest { gateway_id: id, access_no: BULK };
            all_if(accountability.get_bulk_set(request).await?.into_inner().complete)
        }
    })
}
