//! Whole lists of what stands on the ledger: a node answers them in pages.

use crate::connect::Node;
use crate::error::ClientError;
use liuhen_proto::wire;

/// Pages in a row that show nothing, each of which looked at many entries: beyond this the node is not believed any more.
const EMPTY_PAGES: u32 = 10_000;

/// Asks for page after page by their tokens, until there is no more, and gives each on.
async fn each_page<E, F>(
    mut page: impl FnMut(String) -> F,
    mut take: impl FnMut(Vec<E>),
) -> Result<(), ClientError>
where
    F: Future<Output = Result<(Vec<E>, String), ClientError>>,
{
    let (mut token, mut empty) = (String::new(), 0u32);
    loop {
        let (entries, next) = page(token.clone()).await?;
        empty = if entries.is_empty() { empty.saturating_add(1) } else { 0 };
        take(entries);
        if next.is_empty() {
            return Ok(());
        }
        // Else a node could be asked for ever; and a part is not the whole.
        if next == token || empty > EMPTY_PAGES {
            return Err(ClientError::failed("the node's list does not go on where it says"));
        }
        token = next;
    }
}

macro_rules! pages {
    ($node:expr, $service:ident . $call:ident, $request:expr, $entries:ident) => {{
        let mut all = Vec::new();
        pages!($node, $service.$call, $request, $entries, |page| all.extend(page))?;
        Ok(all)
    }};
    ($node:expr, $service:ident . $call:ident, $request:expr, $entries:ident, $take:expr) => {{
        let request = $request;
        // No async closure: whoever asks from a task of its own needs to send this future between threads.
        let page = |page_token| {
            let (mut request, mut service) = (request.clone(), $node.$service());
            request.page_token = page_token;
            async move {
                let page = service.$call(request).await?.into_inner();
                Ok((page.$entries, page.next_page_token))
            }
        };
        each_page(page, $take).await
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

    /// The same, one after the other: no more of them are held at once than a page has.
    pub async fn each_request(
        &self,
        wanted: wire::ListRequestsRequest,
        mut take: impl FnMut(wire::RequestStanding),
    ) -> Result<(), ClientError> {
        pages!(self, registry.list_requests, wanted, requests, |page: Vec<_>| {
            page.into_iter().for_each(&mut take);
        })
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::ready;

    async fn all_pages<E, F>(page: impl FnMut(String) -> F) -> Result<Vec<E>, ClientError>
    where
        F: Future<Output = Result<(Vec<E>, String), ClientError>>,
    {
        let mut all = Vec::new();
        each_page(page, |entries| all.extend(entries)).await?;
        Ok(all)
    }

    /// The whole of a list that a node answers in these pages: entries, and the token behind them.
    async fn whole(pages: &[(&[u8], &str)]) -> Result<Vec<u8>, ClientError> {
        let mut left = pages.iter();
        let mut before = String::new();
        all_pages(|token| {
            assert_eq!(token, before, "the page behind the one before is asked for");
            let (entries, next) = left.next().expect("nothing is asked for behind the last page");
            before = (*next).to_owned();
            ready(Ok((entries.to_vec(), before.clone())))
        })
        .await
    }

    #[tokio::test]
    async fn pages_are_asked_to_their_end() {
        assert_eq!(whole(&[(&[], "")]).await.unwrap(), Vec::<u8>::new());
        assert_eq!(whole(&[(&[1, 2], "a"), (&[3], "")]).await.unwrap(), [1, 2, 3]);
        // A page that shows nothing is not the end.
        assert_eq!(whole(&[(&[1], "a"), (&[], "b"), (&[2], "")]).await.unwrap(), [1, 2]);
        assert_eq!(whole(&[(&[], "a"), (&[], "b"), (&[2], "")]).await.unwrap(), [2]);
    }

    #[tokio::test]
    async fn a_list_that_does_not_go_on_is_no_list() {
        let stands = whole(&[(&[1], "a"), (&[2], "a")]).await.unwrap_err();
        assert!(stands.to_string().contains("does not go on"), "{stands}");
        let mut asked = 0u64;
        let endless = all_pages(|_| {
            asked += 1;
            ready(Ok((Vec::<u8>::new(), asked.to_string())))
        });
        assert!(endless.await.is_err());
        assert_eq!(asked, u64::from(EMPTY_PAGES) + 1);
    }

    #[tokio::test]
    async fn a_failing_page_is_the_error_of_the_list() {
        let mut is_first = true;
        let failed = all_pages(|_| {
            ready(match std::mem::take(&mut is_first) {
                true => Ok((vec![1], "a".to_owned())),
                false => Err(ClientError::NotFound("node".to_owned())),
            })
        });
        assert!(matches!(failed.await, Err(ClientError::NotFound(_))));
    }
}
