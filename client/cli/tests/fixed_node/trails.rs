//! Which events stand on which trail; and the same as they commit.

use super::accountability::{CASE, PRODUCT, opened, raised, registered};
use super::events::{At, done, made, record, signed};
use super::people::{AUDITOR, GATEWAY, MANAGER, NODE, OFFICER, PORTAL, Who};
use super::proofs::read_request;
use super::registry::{asked, proposed, registration, terms};
use super::{Fixed, HOUR, REQUEST, T0};
use liuhen_proto::event::{Outcome, Reason, Timeliness, Verdict};
use liuhen_proto::place::TrailKind;
use liuhen_proto::wire::ledger_event::Kind as Made;
use liuhen_proto::wire::*;
use liuhen_rpc::services::trail_service_server::TrailService;
use liuhen_rpc::services::watch_service_server::WatchService;
use tonic::{Request as Asked, Response, Status};

const UNCOVERED: Outcome = Outcome {
    verdict: Verdict::Uncovered,
    reason: Reason::FieldNotGranted,
    timeliness: Timeliness::Late,
    future: false,
    names_others: false,
};

/// Two records of the gateway: one that is not covered, and one of which nobody knows how many rows it had, though they are
/// limited.
fn records() -> Vec<TrailEvent> {
    let open = RecordAccess { row_count: None, ..record(42) };
    let undetermined =
        Outcome { verdict: Verdict::Undetermined, reason: Reason::RowsUnknown, ..UNCOVERED };
    vec![
        signed(At(6, 0), GATEWAY, record(41), UNCOVERED),
        signed(At(7, 0), GATEWAY, open, undetermined),
    ]
}

fn of_gateway() -> Vec<TrailEvent> {
    let set = SetGateway {
        collector: "gz.psb".into(),
        gateway_id: GATEWAY.id(),
        datasets: vec!["civil.resident".into()],
        mapping_digest: vec![0x3a; 32],
    };
    let seal = SealPeriod {
        collector: "gz.psb".into(),
        from_ms: T0,
        until_ms: T0 + HOUR,
        first: 41,
        count: 2,
        spool_root: vec![0x3b; 32],
        observed: Vec::new(),
    };
    [vec![done(At(2, 1), OFFICER, set)], records(), vec![done(At(7, 1), GATEWAY, seal)]].concat()
}

fn of_grant() -> Vec<TrailEvent> {
    let decided = DecideRequest {
        request_id: REQUEST.to_vec(),
        dataset: "civil.resident".into(),
        collector: "gz.psb".into(),
        using_department: "gz.bdb".into(),
        approve: true,
        terms: Some(terms()),
        reason_digest: Vec::new(),
    };
    let missed = DeadlineMissed {
        deadline: Deadline::Confirm as i32,
        department: "gz.bdb".into(),
        request_id: REQUEST.to_vec(),
        dataset: "civil.resident".into(),
        due_ms: T0 - HOUR,
    };
    let confirmed = ConfirmGrant {
        request_id: REQUEST.to_vec(),
        dataset: "civil.resident".into(),
        collector: "gz.psb".into(),
        using_department: "gz.bdb".into(),
        manager: "gz.bdb".into(),
        confirm: true,
        reason_digest: Vec::new(),
    };
    vec![
        done(At(3, 0), MANAGER, asked()),
        done(At(4, 0), OFFICER, decided),
        made(At(5, 0), Made::DeadlineMissed(missed)),
        done(At(5, 1), MANAGER, confirmed),
    ]
}

/// The user's half of the first record, and of one that the gateway did not record.
fn acknowledgements() -> Vec<TrailEvent> {
    let one = |access_no| Acknowledge {
        request_id: REQUEST.to_vec(),
        dataset: "civil.resident".into(),
        collector: "gz.psb".into(),
        using_department: "gz.bdb".into(),
        gateway_id: GATEWAY.id(),
        access_no,
        row_count: Some(3),
        result_digest: Vec::new(),
        receipt: None,
    };
    vec![done(At(7, 2), PORTAL, one(41)), done(At(7, 3), PORTAL, one(43))]
}

/// How somebody came to be; of the auditor also what it read.
fn of_identity(id: &[u8]) -> Vec<TrailEvent> {
    let Some(who) = Who::of_id(id) else { return Vec::new() };
    let key = who.key().public();
    let registered = RegisterIdentity {
        department: who.0.into(),
        code: who.1.into(),
        kind: who.2 as i32,
        keys: vec![NewKey { algorithm: key.algorithm(), public_key: key.as_bytes().to_vec() }],
        ..RegisterIdentity::default()
    };
    let mut events = vec![done(At(1, u32::from(who.3)), MANAGER, registered)];
    if who.3 == AUDITOR.3 {
        let read = TrailRead {
            department: who.0.into(),
            identity_id: id.to_vec(),
            trail_kind: TrailKind::Dataset as u32,
            trail_id: b"civil.resident".to_vec(),
            first: 0,
            count: 3,
            time_ms: T0,
            request: Some(read_request(1)),
            ..TrailRead::default()
        };
        let reads = vec![read];
        let recorded = RecordReads { department: NODE.0.into(), reads, sealed: Vec::new() };
        events.push(done(At(7, 4), NODE, recorded));
    }
    events
}

fn governance() -> Vec<TrailEvent> {
    let proposal_id = vec![0x55; 32];
    let vote =
        Vote { department: "gz.bdb".into(), proposal_id: proposal_id.clone(), approve: true };
    let ended =
        ProposalEnded { end: ProposalEnd::Enacted as i32, proposal_id, refusal: String::new() };
    vec![
        done(At(2, 2), MANAGER, proposed()),
        done(At(3, 1), MANAGER, vote),
        made(At(3, 2), Made::ProposalEnded(ended)),
    ]
}

fn of_case() -> Vec<TrailEvent> {
    let answered = AnswerCase {
        case_id: CASE.to_vec(),
        department: "gz.psb".into(),
        answer_digest: vec![9; 32],
    };
    vec![done(At(6, 1), MANAGER, opened()), done(At(7, 5), OFFICER, answered)]
}

fn of_product() -> Vec<TrailEvent> {
    let reviewed = ReviewProduct {
        product_id: PRODUCT.to_vec(),
        department: "gz.psb".into(),
        approve: true,
        reason_digest: Vec::new(),
    };
    vec![done(At(6, 2), MANAGER, registered()), done(At(7, 6), OFFICER, reviewed)]
}

fn of_department() -> Vec<TrailEvent> {
    let (department, audit) = ("gz.bdb".to_owned(), "spring".to_owned());
    let open = OpenAudit { department, audit, until_ms: T0 + 500 * HOUR };
    vec![done(At(4, 1), AUDITOR, open)]
}

fn trail(kind: u32, id: &[u8]) -> Vec<TrailEvent> {
    let kind = u8::try_from(kind).ok().and_then(TrailKind::from_byte);
    let events = match kind {
        Some(TrailKind::Dataset) => {
            [vec![done(At(2, 0), OFFICER, registration())], records()].concat()
        }
        Some(TrailKind::Use) => records(),
        Some(TrailKind::Gateway) => of_gateway(),
        Some(TrailKind::Grant) => of_grant(),
        Some(TrailKind::Acknowledgements) => acknowledgements(),
        Some(TrailKind::Identity) => of_identity(id),
        Some(TrailKind::Governance) => governance(),
        Some(TrailKind::Case) => of_case(),
        Some(TrailKind::Product) => of_product(),
        Some(TrailKind::Department) => of_department(),
        Some(TrailKind::Integrity | TrailKind::IdentityIntegrity) => {
            vec![made(At(6, 3), Made::IntegrityRaised(raised()))]
        }
        _ => Vec::new(),
    };
    (0..).zip(events).map(|(number, it)| TrailEvent { number, ..it }).collect()
}

answers! { TrailService:
    get_trail(GetTrailRequest) -> GetTrailResponse = |asked| {
        let mut events = trail(asked.trail_kind, &asked.trail_id);
        let size = events.len() as u64;
        if asked.newest_first {
            events.reverse();
        }
        Ok(GetTrailResponse { events, size, height: 7, ..GetTrailResponse::default() })
    };
}

#[tonic::async_trait]
impl WatchService for Fixed {
    type WatchStream = tokio_stream::Iter<std::vec::IntoIter<Result<WatchResponse, Status>>>;

    /// What stands on the dataset's trail, and no more.
    async fn watch(
        &self,
        _asked: Asked<WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let events = trail(TrailKind::Dataset as u32, b"civil.resident").into_iter();
        let told = |event: TrailEvent| {
            let resume_token = format!("7:{}", event.number);
            Ok(WatchResponse { event: Some(event), resume_token, ..WatchResponse::default() })
        };
        Ok(Response::new(tokio_stream::iter(events.map(told).collect::<Vec<_>>())))
    }
}
