//! Gateways, alerts, cases and the like.

use super::events::{item, record};
use super::people::{GATEWAY, PORTAL};
use super::{Fixed, HOUR, REQUEST, T0, nothing};
use liuhen_proto::wire::*;
use liuhen_rpc::services::accountability_service_server::AccountabilityService;

pub const CASE: [u8; 32] = [0x66; 32];
pub const PRODUCT: [u8; 32] = [0x88; 32];
/// The corrections: one of which each record is as it was recorded, and one of which none is.
const CORRECTIONS: [u8; 2] = [0x99, 0x9a];

pub fn raised() -> IntegrityRaised {
    IntegrityRaised {
        department: "gz.psb".into(),
        number: 1,
        rule: IntegrityRule::SealMissing as i32,
        identity_id: GATEWAY.id(),
        count: 1,
        provisional_until_ms: T0 + 24 * HOUR,
        ..IntegrityRaised::default()
    }
}

fn alerts(open_only: bool) -> Vec<Alert> {
    let one = |number, watch: WatchKind, count, state: AlertState| Alert {
        raised: Some(AlertRaised {
            department: "gz.psb".into(),
            number,
            watch: watch as i32,
            identity_id: GATEWAY.id(),
            ..AlertRaised::default()
        }),
        time_ms: T0,
        count,
        state: state as i32,
    };
    let open = one(2, WatchKind::SilentGateway, 3, AlertState::Unspecified);
    let closed = one(1, WatchKind::OutsideHours, 1, AlertState::Closed);
    [vec![open], if open_only { Vec::new() } else { vec![closed] }].concat()
}

pub fn opened() -> OpenCase {
    let version = DatasetVersion { dataset: "civil.resident".into(), version: 2 };
    OpenCase {
        department: "gz.bdb".into(),
        reference: "case-1".into(),
        respondent: "gz.psb".into(),
        subject: Some(CaseSubject { about: Some(case_subject::About::Version(version)) }),
        reason_digest: vec![8; 32],
    }
}

pub fn registered() -> RegisterProduct {
    RegisterProduct {
        department: "gz.bdb".into(),
        reference: "statistics-2026".into(),
        kind: ProductKind::Model as i32,
        digest: vec![9; 32],
        request_ids: vec![REQUEST.to_vec()],
        manager: "gz.bdb".into(),
    }
}

/// Of the first record, as it was recorded or with other rows.
fn correction(id: u8) -> CorrectionStanding {
    let was = record(41);
    let digest = item(was.clone()).digest().to_vec();
    let row_count = if id == CORRECTIONS[0] { was.row_count } else { Some(4) };
    let corrected = CorrectRecords {
        collector: "gz.psb".into(),
        gateway_id: GATEWAY.id(),
        reason: "wrong-mapping".into(),
        to_department: "gz.bdb".into(),
        to_identity_id: PORTAL.id(),
        from_unmapped_digest: vec![0x44; 32],
        records: vec![RecordAccess { row_count, ..was }],
        recorded: vec![digest],
        ..CorrectRecords::default()
    };
    let correction = Some(Correction { corrected: Some(corrected), end: 0 });
    CorrectionStanding { correction_id: vec![id; 32], correction }
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
    list_integrity(ListIntegrityRequest) -> ListIntegrityResponse = |asked| {
        let theirs = asked.department == "gz.psb";
        // Of others it is not what follows from their chain.
        let (demerit, day) = if theirs { (0, 0) } else { (5_000, T0 / (24 * HOUR)) };
        let event = IntegrityEvent {
            raised: Some(raised()),
            time_ms: T0,
            count: 2,
            ..IntegrityEvent::default()
        };
        Ok(ListIntegrityResponse {
            score: Some(Score { events: 1, provisional: 1, demerit, day, ..Score::default() }),
            events: if theirs { vec![event] } else { Vec::new() },
            day: T0 / (24 * HOUR),
            decay: 9_962,
            ..ListIntegrityResponse::default()
        })
    };
    list_alerts(ListAlertsRequest) -> ListAlertsResponse = |asked| {
        let (book, alerts) = (Some(AlertBook { alerts: 2, open: 1 }), alerts(asked.open_only));
        Ok(ListAlertsResponse { book, alerts, ..Default::default() })
    };
    list_cases(ListCasesRequest) -> ListCasesResponse = |_| {
        let case = Case {
            case_id: CASE.to_vec(),
            opened: Some(opened()),
            state: CaseState::Open as i32,
            due_ms: T0 + 240 * HOUR,
            parties: vec!["gz.bdb".into(), "gz.psb".into()],
            ..Case::default()
        };
        Ok(ListCasesResponse { cases: vec![case], ..Default::default() })
    };
    list_products(ListProductsRequest) -> ListProductsResponse = |_| {
        let product = Product {
            product_id: PRODUCT.to_vec(),
            registered: Some(registered()),
            reviews: vec![Review { department: "gz.psb".into(), end: 0 }],
            ..Product::default()
        };
        Ok(ListProductsResponse { products: vec![product], ..Default::default() })
    };
    list_corrections(ListCorrectionsRequest) -> ListCorrectionsResponse = |_| {
        let corrections = CORRECTIONS.map(correction).to_vec();
        Ok(ListCorrectionsResponse { corrections, ..Default::default() })
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
        let month = SealedMonth { month: 691, sealed: 2 };
        Ok(ListSealingResponse { orders: vec![order], months: vec![month], ..Default::default() })
    };
    get_bulk_set(GetBulkSetRequest) -> BulkSet = |_| Err(nothing("bulk set"));
}
