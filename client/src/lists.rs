//! Whole lists of what stands on the ledger: a node answers them in pages.

use crate::connect::Node;
use crate::error::ClientError;
use liuhen_proto::wire;

/// Asks for page after page, until there is no more.
macro_rules! pages {
    ($node:expr, $service:ident . $call:ident, $request:expr, $entries:ident) => {{
        let mut request = $request;
        let mut all = Vec::new();
        loop {
            let page = $node.$service().$call(request.clone()).await?.into_inner();
            let is_empty = page.$entries.is_empty();
            all.extend(page.$entries);
            if page.next_page_token.is_empty() {
                return Ok(all);
            }
            // Else a node could be asked for ever; and a part is not the whole.
            if is_empty || page.next_page_token == request.page_token {
                return Err(ClientError::failed("the node's list does not go on where it says"));
            }
            request.page_token = page.next_page_token;
        }
    }};
}

impl Node {
    /// All departments.
    pub async fn departments(&self) -> Result<Vec<wire::Department>, ClientError> {
        let request = wire::ListDepartmentsRequest::default();
        pages!(self, registry.list_departments, request, departments)
    }

    /// Identities of a department; of all where it is empty.
    pub async fn identities(&self, department: &str) -> Result<Vec<wire::Identity>, ClientError> {
        let department = department.to_owned();
        let request = wire::ListIdentitiesRequest { department, ..Default::default() };
        pages!(self, registry.list_identities, request, identities)
    }

    /// Datasets of a collector; of all where it is empty.
    pub async fn datasets(&self, collector: &str) -> Result<Vec<wire::Dataset>, ClientError> {
        let collector = collector.to_owned();
        let request = wire::ListDatasetsRequest { collector, ..Default::default() };
        pages!(self, registry.list_datasets, request, datasets)
    }

    /// Requests with what became of them.
    pub async fn requests(
        &self,
        wanted: wire::ListRequestsRequest,
    ) -> Result<Vec<wire::RequestStanding>, ClientError> {
        pages!(self, registry.list_requests, wanted, requests)
    }

    /// All proposals.
    pub async fn proposals(&self) -> Result<Vec<wire::Proposal>, ClientError> {
        let request = wire::ListProposalsRequest::default();
        pages!(self, registry.list_proposals, request, proposals)
    }

    /// Cases that the caller may see.
    pub async fn cases(&self) -> Result<Vec<wire::Case>, ClientError> {
        let request = wire::ListCasesRequest::default();
        pages!(self, accountability.list_cases, request, cases)
    }

    /// Products that the caller may see.
    pub async fn products(&self) -> Result<Vec<wire::Product>, ClientError> {
        let request = wire::ListProductsRequest::default();
        pages!(self, accountability.list_products, request, products)
    }

    /// Corrections that the caller may see.
    pub async fn corrections(&self) -> Result<Vec<wire::CorrectionStanding>, ClientError> {
        let request = wire::ListCorrectionsRequest::default();
        pages!(self, accountability.list_corrections, request, corrections)
    }

    /// A department's alerts, the newest first.
    pub async fn alerts(
        &self,
        department: String,
        open_only: bool,
    ) -> Result<Vec<wire::Alert>, ClientError> {
        let request = wire::ListAlertsRequest {
            department,
            open_only,
            limit: 1000,
            page_token: String::new(),
        };
        pages!(self, accountability.list_alerts, request, alerts)
    }

    /// Integrity events of a department, or of one of its identities, the newest first.
    pub async fn integrity_events(
        &self,
        department: String,
        identity_id: Vec<u8>,
    ) -> Result<Vec<wire::IntegrityEvent>, ClientError> {
        let request = wire::ListIntegrityRequest {
            department,
            identity_id,
            limit: 1000,
            page_token: String::new(),
        };
        pages!(self, accountability.list_integrity, request, events)
    }

    /// Sealing orders that the caller may see.
    pub async fn sealing_orders(&self) -> Result<Vec<wire::SealingOrder>, ClientError> {
        let request = wire::ListSealingRequest::default();
        pages!(self, accountability.list_sealing, request, orders)
    }
}
