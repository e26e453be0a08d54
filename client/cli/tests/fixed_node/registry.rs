//! Catalogue, requests, parameters, proposals.

use super::people::{PORTAL, Who, departments, identities};
use super::{Fixed, HOUR, REQUEST, T0, nothing};
use liuhen_proto::ledger::parameters::defaults;
use liuhen_proto::wire::{self, *};
use liuhen_rpc::services::registry_service_server::RegistryService;

pub fn registration() -> RegisterDataset {
    let field = |name: &str, grade| Field { name: name.into(), grade, category: 0 };
    RegisterDataset {
        dataset: "civil.resident".into(),
        collector: "gz.psb".into(),
        title_zh: "常住人口".into(),
        title_en: "Residents".into(),
        grade: 3,
        category: Category::Conditional as i32,
        fields: vec![field("id_number", 4), field("name", 4), field("township", 2)],
        schema_digest: vec![3; 32],
    }
}

fn datasets() -> Vec<Dataset> {
    vec![Dataset {
        registration: Some(registration()),
        registered_height: 4,
        registered_time_ms: T0,
        version: Some(PublishVersion {
            dataset: "civil.resident".into(),
            collector: "gz.psb".into(),
            version: 2,
            content_digest: vec![5; 32],
            previous_digest: vec![4; 32],
            row_count: 1_200,
            ..PublishVersion::default()
        }),
        ..Dataset::default()
    }]
}

pub fn terms() -> Terms {
    Terms {
        fields: vec!["name".into(), "township".into()],
        division: "52".into(),
        operations: vec![Operation::Read as i32],
        identity_ids: vec![PORTAL.id()],
        from_ms: T0,
        until_ms: T0 + 365 * 24 * HOUR,
        quota: Some(Quota { queries_total: 1_000, ..Quota::default() }),
        ..Terms::default()
    }
}

pub fn asked() -> RequestAccess {
    RequestAccess {
        dataset: "civil.resident".into(),
        collector: "gz.psb".into(),
        using_department: "gz.bdb".into(),
        reference: "pension-2026-001".into(),
        purpose: "pension-payment".into(),
        purpose_digest: vec![6; 32],
        legal_basis: "social-insurance-law".into(),
        terms: Some(terms()),
        renews: Vec::new(),
    }
}

fn request() -> RequestStanding {
    let step = GrantStep {
        height: 5,
        time_ms: T0,
        state: GrantState::Active as i32,
        ..GrantStep::default()
    };
    RequestStanding {
        request: Some(wire::Request {
            request_id: REQUEST.to_vec(),
            asked: Some(asked()),
            state: RequestState::Granted as i32,
            approved: Some(terms()),
            changed_height: 7,
            changed_time_ms: T0 + HOUR,
            ..wire::Request::default()
        }),
        grant: Some(Grant {
            request_id: REQUEST.to_vec(),
            dataset: "civil.resident".into(),
            reference: "pension-2026-001".into(),
            using_department: "gz.bdb".into(),
            collector: "gz.psb".into(),
            manager: "gz.bdb".into(),
            purpose: "pension-payment".into(),
            legal_basis: "social-insurance-law".into(),
            terms: Some(terms()),
            steps: vec![step],
            ..Grant::default()
        }),
        r#use: Some(GrantUse { queries: 12, rows: 340, ..GrantUse::default() }),
    }
}

/// Two that have one reference, for two datasets; refused, so that no grant is there.
fn of_one_reference() -> Vec<RequestStanding> {
    let one = |dataset: &str, byte: u8| RequestStanding {
        request: Some(wire::Request {
            request_id: vec![byte; 32],
            asked: Some(RequestAccess {
                dataset: dataset.into(),
                reference: "statistics".into(),
                ..asked()
            }),
            state: RequestState::Refused as i32,
            changed_height: 6,
            changed_time_ms: T0,
            ..wire::Request::default()
        }),
        grant: None,
        r#use: None,
    };
    vec![one("civil.resident", 0x78), one("civil.household", 0x79)]
}

pub fn proposed() -> Propose {
    Propose {
        department: "gz.bdb".into(),
        reference: "protocol-2".into(),
        reason_digest: vec![8; 32],
        change: Some(propose::Change::SetProtocol(SetProtocol { protocol: 2, height: 900 })),
    }
}

answers! { RegistryService:
    list_departments(ListDepartmentsRequest) -> ListDepartmentsResponse =
        |_| Ok(ListDepartmentsResponse { departments: departments(), ..Default::default() });
    list_identities(ListIdentitiesRequest) -> ListIdentitiesResponse = |asked| {
        let identities = identities(&asked.department);
        Ok(ListIdentitiesResponse { identities, ..Default::default() })
    };
    get_key(GetKeyRequest) -> GetKeyResponse = |asked| {
        let who = Who::of_key(&asked.key_id).ok_or_else(|| nothing("such key"))?;
        Ok(GetKeyResponse { key: Some(who.on_ledger()), next_seq: 3 })
    };
    list_datasets(ListDatasetsRequest) -> ListDatasetsResponse =
        |_| Ok(ListDatasetsResponse { datasets: datasets(), ..Default::default() });
    list_requests(ListRequestsRequest) -> ListRequestsResponse = |wanted| {
        let all = [vec![request()], of_one_reference()].concat();
        let fits = |it: &RequestStanding| {
            let asked = it.request.clone().unwrap_or_default().asked.unwrap_or_default();
            (wanted.reference.is_empty() || asked.reference == wanted.reference)
                && (wanted.dataset.is_empty() || asked.dataset == wanted.dataset)
        };
        let requests = all.into_iter().filter(fits).collect();
        Ok(ListRequestsResponse { requests, ..Default::default() })
    };
    get_request(GetRequestRequest) -> RequestStanding = |asked| match asked.request_id == REQUEST {
        true => Ok(request()),
        false => Err(nothing(&format!("request {}", hex::encode(asked.request_id)))),
    };
    get_identity(GetIdentityRequest) -> GetIdentityResponse = |asked| {
        let who = Who::of_id(&asked.identity_id).ok_or_else(|| nothing("such identity"))?;
        let department = departments().into_iter().find(|it| it.code == who.0);
        Ok(GetIdentityResponse {
            identity: Some(who.identity()),
            keys: vec![who.on_ledger()],
            department,
        })
    };
    get_consortium(GetConsortiumRequest) -> GetConsortiumResponse = |_| {
        let parameters = Parameters {
            lead: "gz.bdb".into(),
            purposes: vec!["pension-payment".into()],
            legal_bases: vec!["social-insurance-law".into()],
            ..defaults()
        };
        let voter = Voter { department: "gz.bdb".into(), weight: 2, suspended: false };
        Ok(GetConsortiumResponse {
            parameters: Some(parameters),
            parameters_digest: vec![0xab; 32],
            voters: vec![voter],
            ..GetConsortiumResponse::default()
        })
    };
    list_proposals(ListProposalsRequest) -> ListProposalsResponse = |_| {
        let proposal = |byte: u8, reference: &str| Proposal {
            proposal_id: vec![byte; 32],
            proposed: Some(Propose { reference: reference.into(), ..proposed() }),
            expires_ms: T0 + 24 * HOUR,
            ..Proposal::default()
        };
        let again = || proposal(0x56, "again");
        let ended = Proposal {
            proposal_id: vec![0x57; 32],
            votes: vec![CastVote { department: "gz.bdb".into(), approve: true }],
            end: ProposalEnd::Enacted as i32,
            ..again()
        };
        let proposals = vec![proposal(0x55, "protocol-2"), again(), ended];
        Ok(ListProposalsResponse { proposals, ..Default::default() })
    };
}
