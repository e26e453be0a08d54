//! A node that always answers the same: what a province of two departments could look like.

use liuhen_proto::event::{EventLeaf, Outcome, Reason, Timeliness, Verdict};
use liuhen_proto::items::{Item, item_digest};
use liuhen_proto::ledger::parameters::defaults;
use liuhen_proto::suite::sign::PrivateKey;
use liuhen_proto::types::{BlockId, ChainId, Hash, Height, IdentityId, TimeMs, TxId};
use liuhen_proto::wire::{self, *};
use liuhen_rpc::reason::Reason as Why;
use liuhen_rpc::services::{
    accountability_service_server::{AccountabilityService, AccountabilityServiceServer},
    node_service_server::{NodeService, NodeServiceServer},
    registry_service_server::{RegistryService, RegistryServiceServer},
    trail_service_server::{TrailService, TrailServiceServer},
};
use liuhen_rpc::status::with_reason;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{Request as Asked, Response, Status};

/// 2026-11-02 10:00 local time (+08:00).
const T0: u64 = 1_793_584_800_000;
const HOUR: u64 = 3_600_000;

/// Answers on a port that the system gives; gives its address.
pub async fn serve() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tonic::transport::Server::builder()
        .add_service(NodeServiceServer::new(Fixed))
        .add_service(RegistryServiceServer::new(Fixed))
        .add_service(TrailServiceServer::new(Fixed))
        .add_service(AccountabilityServiceServer::new(Fixed));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    format!("http://{address}")
}

struct Fixed;

macro_rules! answers {
    ($service:ident: $($name:ident($asked:ident) -> $answer:ty = $value:expr;)+) => {
        #[tonic::async_trait]
        impl $service for Fixed {
            $(async fn $name(&self, asked: Asked<$asked>) -> Result<Response<$answer>, Status> {
                let answer: fn($asked) -> Result<$answer, Status> = $value;
                answer(asked.into_inner()).map(Response::new)
            })+
        }
    };
}

fn nothing(what: &str) -> Status {
    with_reason(Why::NotFound, &format!("there is no {what}"))
}

fn standing() -> Vec<Interval> {
    vec![Interval { from_height: 0, ..Interval::default() }]
}

fn departments() -> Vec<Department> {
    let one = |code: &str, zh: &str, en: &str, rights: &[Right]| Department {
        code: code.into(),
        name_zh: zh.into(),
        name_en: en.into(),
        level: 1,
        division: "52".into(),
        body: code.into(),
        rights: rights.iter().map(|it| *it as i32).collect(),
        standing: standing(),
        root_id: vec![1; 32],
        ..Department::default()
    };
    vec![
        one(
            "gz.bdb",
            "大数据管理局",
            "Big Data Bureau",
            &[Right::Use, Right::Manage, Right::Audit],
        ),
        one("gz.psb", "公安厅", "Public Security", &[Right::Collect]),
    ]
}

fn identity(department: &str, code: &str, kind: IdentityKind, byte: u8) -> Identity {
    Identity {
        identity_id: vec![byte; 32],
        department: department.into(),
        code: code.into(),
        kind: kind as i32,
        standing: standing(),
        events: 3,
        key_ids: vec![vec![byte + 1; 32]],
        ..Identity::default()
    }
}

fn identities() -> Vec<Identity> {
    vec![
        identity("gz.bdb", "officer", IdentityKind::Officer, 0x10),
        identity("gz.bdb", "portal", IdentityKind::System, 0x20),
        identity("gz.psb", "gateway", IdentityKind::System, 0x30),
    ]
}

fn registration() -> RegisterDataset {
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

fn terms() -> Terms {
    Terms {
        fields: vec!["name".into(), "township".into()],
        division: "52".into(),
        operations: vec![Operation::Read as i32],
        identity_ids: vec![vec![0x20; 32]],
        from_ms: T0,
        until_ms: T0 + 365 * 24 * HOUR,
        quota: Some(Quota { queries_total: 1_000, ..Quota::default() }),
        ..Terms::default()
    }
}

fn request() -> RequestStanding {
    let asked = RequestAccess {
        dataset: "civil.resident".into(),
        collector: "gz.psb".into(),
        using_department: "gz.bdb".into(),
        reference: "pension-2026-001".into(),
        purpose: "pension-payment".into(),
        purpose_digest: vec![6; 32],
        legal_basis: "social-insurance-law".into(),
        terms: Some(terms()),
        renews: Vec::new(),
    };
    let step = GrantStep {
        height: 7,
        time_ms: T0 + HOUR,
        state: GrantState::Active as i32,
        ..GrantStep::default()
    };
    RequestStanding {
        request: Some(wire::Request {
            request_id: vec![0x77; 32],
            asked: Some(asked),
            state: RequestState::Granted as i32,
            approved: Some(terms()),
            changed_height: 7,
            changed_time_ms: T0 + HOUR,
            ..wire::Request::default()
        }),
        grant: Some(Grant {
            request_id: vec![0x77; 32],
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

/// The key that everybody here has.
fn key_of(identity: &Identity, key_id: Vec<u8>) -> Key {
    Key {
        key_id,
        algorithm: 1,
        public_key: PrivateKey::from_seed(&[9; 32]).public().as_bytes().to_vec(),
        identity_id: identity.identity_id.clone(),
        department: identity.department.clone(),
        standing: standing(),
    }
}

answers! { RegistryService:
    list_departments(ListDepartmentsRequest) -> ListDepartmentsResponse =
        |_| Ok(ListDepartmentsResponse { departments: departments(), ..Default::default() });
    list_identities(ListIdentitiesRequest) -> ListIdentitiesResponse = |asked| {
        let fits = |it: &Identity| asked.department.is_empty() || it.department == asked.department;
        Ok(ListIdentitiesResponse { identities: identities().into_iter().filter(fits).collect(), ..Default::default() })
    };
    get_key(GetKeyRequest) -> GetKeyResponse = |asked| {
        let key = key_of(&identity("gz.psb", "officer", IdentityKind::Officer, 0x40), asked.key_id);
        Ok(GetKeyResponse { key: Some(key), next_seq: 3 })
    };
    list_datasets(ListDatasetsRequest) -> ListDatasetsResponse =
        |_| Ok(ListDatasetsResponse { datasets: datasets(), ..Default::default() });
    list_requests(ListRequestsRequest) -> ListRequestsResponse = |asked| {
        let known = asked.reference.is_empty() || asked.reference == "pension-2026-001";
        let requests = if known { vec![request()] } else { Vec::new() };
        Ok(ListRequestsResponse { requests, ..Default::default() })
    };
    get_request(GetRequestRequest) -> RequestStanding = |_| Ok(request());
    get_identity(GetIdentityRequest) -> GetIdentityResponse = |asked| {
        let found = identities().into_iter().find(|it| it.identity_id == asked.identity_id);
        let identity = found.ok_or_else(|| nothing("such identity"))?;
        let key = key_of(&identity, vec![identity.identity_id[0] + 1; 32]);
        let department = departments().into_iter().find(|it| it.code == identity.department);
        Ok(GetIdentityResponse { identity: Some(identity), keys: vec![key], department })
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
        let change = propose::Change::SetProtocol(SetProtocol { protocol: 2, height: 900 });
        let proposed = Propose {
            department: "gz.bdb".into(),
            reference: "protocol-2".into(),
            reason_digest: vec![8; 32],
            change: Some(change),
        };
        let proposal = Proposal {
            proposal_id: vec![0x55; 32],
            proposed: Some(proposed),
            expires_ms: T0 + 24 * HOUR,
            ..Proposal::default()
        };
        Ok(ListProposalsResponse { proposals: vec![proposal], ..Default::default() })
    };
}

answers! { AccountabilityService:
    get_gateway(GetGatewayRequest) -> GetGatewayResponse = |_| Ok(GetGatewayResponse {
        gateway: Some(Gateway {
            last_access_no: 42,
            records: 40,
            gaps: vec![Gap { first: 7, last: 8, due_ms: T0 + 30 * HOUR }],
            sealed_from_ms: T0,
            sealed_until_ms: T0 + HOUR,
            sealed_last: 39,
            periods: Vec::new(),
        }),
        setup: Some(GatewaySetup {
            collector: "gz.psb".into(),
            datasets: vec!["civil.resident".into()],
            mapping_digest: vec![0x3a; 32],
            seal_due_ms: T0 + 3 * HOUR,
            ..GatewaySetup::default()
        }),
        seal_period_ms: HOUR,
    });
    list_integrity(ListIntegrityRequest) -> ListIntegrityResponse = |_| {
        let raised = IntegrityRaised {
            department: "gz.psb".into(),
            number: 1,
            rule: IntegrityRule::SealMissing as i32,
            identity_id: vec![0x30; 32],
            count: 1,
            provisional_until_ms: T0 + 24 * HOUR,
            ..IntegrityRaised::default()
        };
        let event = IntegrityEvent {
            raised: Some(raised),
            time_ms: T0,
            count: 2,
            ..IntegrityEvent::default()
        };
        let score = Score { events: 1, provisional: 1, ..Score::default() };
        Ok(ListIntegrityResponse { score: Some(score), events: vec![event], day: 0, decay: 9_962, ..Default::default() })
    };
    list_alerts(ListAlertsRequest) -> ListAlertsResponse = |_| {
        let raised = AlertRaised {
            department: "gz.psb".into(),
            number: 1,
            watch: WatchKind::SilentGateway as i32,
            identity_id: vec![0x30; 32],
            ..AlertRaised::default()
        };
        let alert = Alert { raised: Some(raised), time_ms: T0, count: 3, state: 0 };
        let book = Some(AlertBook { alerts: 1, open: 1 });
        Ok(ListAlertsResponse { book, alerts: vec![alert], ..Default::default() })
    };
    list_cases(ListCasesRequest) -> ListCasesResponse = |_| {
        let version = DatasetVersion { dataset: "civil.resident".into(), version: 2 };
        let about = Some(case_subject::About::Version(version));
        let opened = OpenCase {
            department: "gz.bdb".into(),
            reference: "case-1".into(),
            respondent: "gz.psb".into(),
            subject: Some(CaseSubject { about }),
            reason_digest: vec![8; 32],
        };
        let case = Case {
            case_id: vec![0x66; 32],
            opened: Some(opened),
            state: CaseState::Open as i32,
            due_ms: T0 + 240 * HOUR,
            parties: vec!["gz.bdb".into(), "gz.psb".into()],
            ..Case::default()
        };
        Ok(ListCasesResponse { cases: vec![case], ..Default::default() })
    };
    list_products(ListProductsRequest) -> ListProductsResponse = |_| {
        let registered = RegisterProduct {
            department: "gz.bdb".into(),
            reference: "statistics-2026".into(),
            kind: 1,
            digest: vec![9; 32],
            request_ids: vec![vec![0x77; 32]],
            manager: "gz.bdb".into(),
        };
        let review = Review { department: "gz.psb".into(), end: 0 };
        let product = Product {
            product_id: vec![0x88; 32],
            registered: Some(registered),
            reviews: vec![review],
            ..Product::default()
        };
        Ok(ListProductsResponse { products: vec![product], ..Default::default() })
    };
    list_corrections(ListCorrectionsRequest) -> ListCorrectionsResponse = |_| {
        let corrected = CorrectRecords {
            collector: "gz.psb".into(),
            gateway_id: vec![0x30; 32],
            reason: "wrong-mapping".into(),
            to_department: "gz.bdb".into(),
            to_identity_id: vec![0x20; 32],
            from_unmapped_digest: vec![0x44; 32],
            records: vec![record()],
            recorded: vec![vec![0x45; 32]],
            ..CorrectRecords::default()
        };
        let correction = Some(Correction { corrected: Some(corrected), end: 0 });
        let one = CorrectionStanding { correction_id: vec![0x99; 32], correction };
        Ok(ListCorrectionsResponse { corrections: vec![one], ..Default::default() })
    };
    list_sealing(ListSealingRequest) -> ListSealingResponse = |_| {
        let ordered = OrderSealing {
            authority: "gz.psb".into(),
            collector: "gz.psb".into(),
            decision_digest: vec![8; 32],
            open_by_ms: T0 + 500 * HOUR,
        };
        let order = SealingOrder {
            order_id: vec![0xaa; 32],
            ordered: Some(ordered),
            open_by_ms: T0 + 500 * HOUR,
            sealed: 2,
            ..SealingOrder::default()
        };
        let month = SealedMonth { month: 202_611, sealed: 2 };
        Ok(ListSealingResponse { orders: vec![order], months: vec![month], ..Default::default() })
    };
    get_bulk_set(GetBulkSetRequest) -> BulkSet = |_| Err(nothing("bulk set"));
}

fn record() -> RecordAccess {
    RecordAccess {
        channel: liuhen_proto::wire::Channel::Door as i32,
        collector: "gz.psb".into(),
        access_no: 41,
        decision: Decision::Served as i32,
        accesses: vec![DatasetAccess {
            dataset: "civil.resident".into(),
            operation: Operation::Read as i32,
            request_id: vec![0x77; 32],
            ..DatasetAccess::default()
        }],
        asker: Some(Party {
            department: "gz.bdb".into(),
            identity_id: vec![0x20; 32],
            assurance: Assurance::Verified as i32,
            ..Party::default()
        }),
        subjects: Some(Subjects { tags: vec![vec![0x12; 32]], ..Subjects::default() }),
        query_digest: vec![0x34; 32],
        row_count: Some(3),
        access_time_ms: T0,
        ..RecordAccess::default()
    }
}

fn event(number: u64, kind: impl Into<item::Kind>, outcome: Outcome) -> TrailEvent {
    let item = Item::new([7; 16], kind.into()).unwrap();
    let header = liuhen_proto::tx::TxHeader {
        chain: ChainId::new([0xcc; 32]),
        key: PrivateKey::from_seed(&[9; 32]).public().key_id(),
        seq: number,
        recent_height: Height::new(6),
        recent_block: BlockId::new([2; 32]),
        claimed_time: TimeMs::new(T0),
        item_count: 1,
        items_root: Hash::new([0; 32]),
        department: "gz.psb".into(),
        identity: IdentityId::new([0x30; 32]),
    };
    let leaf = EventLeaf {
        height: Height::new(7),
        index: 0,
        time: TimeMs::new(T0 + 2 * HOUR),
        origin: TxId::new([0xdd; 32]),
        item: 0,
        digest: item_digest(item.bytes()),
        outcome,
    };
    TrailEvent {
        number,
        leaf: leaf.to_bytes().to_vec(),
        header: header.to_bytes(),
        item: item.bytes().to_vec(),
        ledger_event: Vec::new(),
    }
}

answers! { TrailService:
    get_trail(GetTrailRequest) -> GetTrailResponse = |_| {
        let uncovered = Outcome {
            verdict: Verdict::Uncovered,
            reason: Reason::FieldNotGranted,
            timeliness: Timeliness::Late,
            future: false,
            names_others: false,
        };
        // How many rows nobody knows, though they are limited.
        let open = RecordAccess { row_count: None, access_no: 42, ..record() };
        let undetermined =
            Outcome { verdict: Verdict::Undetermined, reason: Reason::RowsUnknown, ..uncovered };
        let events = vec![
            event(0, registration(), Outcome::DONE),
            event(1, record(), uncovered),
            event(2, open, undetermined),
        ];
        Ok(GetTrailResponse { events, size: 3, height: 7, ..GetTrailResponse::default() })
    };
}

#[tonic::async_trait]
impl NodeService for Fixed {
    async fn get_status(
        &self,
        _asked: Asked<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        Ok(Response::new(GetStatusResponse {
            chain_id: vec![0xcc; 32],
            chain_name: "dev-fixed".into(),
            version: "0.1.0".into(),
            height: 7,
            block_id: vec![2; 32],
            time_ms: T0 + 2 * HOUR,
            map_root: vec![3; 32],
            events: 11,
            peers: 3,
            voting: true,
            key_id: vec![4; 32],
            indexed_height: 7,
            now_ms: T0 + 2 * HOUR,
            ..GetStatusResponse::default()
        }))
    }

    type GetGenesisStream = ReceiverStream<Result<ProofChunk, Status>>;

    async fn get_genesis(
        &self,
        _asked: Asked<GetGenesisRequest>,
    ) -> Result<Response<Self::GetGenesisStream>, Status> {
        Err(nothing("founding document here"))
    }
}
