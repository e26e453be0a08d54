//! A ledger's worth of things: one of each that there is to read, to be put there in order.

use liuhen_proto::items::access::sealing::commitment;
use liuhen_proto::subject::{self, bulk_root};
use liuhen_proto::types::{Hash, RequestId, TimeMs};
use liuhen_proto::wire::{
    self, Category, Channel, Decision, Delegation, Operation, ProductKind, Quota, RecordAccess,
    Right, Subjects, Terms, case_subject::About, item::Kind, propose::Change,
};
use std::collections::BTreeMap;

/// A department's code behind `gz.`, and an identity's.
pub type Who = (&'static str, &'static str);

/// Who collects.
pub const COLLECTOR: Who = ("psb", "officer");
/// Who uses.
pub const USER: Who = ("hrss", "officer");
/// Who manages.
pub const MANAGER: Who = ("bdb", "officer");
/// The gateway of the collector.
pub const GATEWAY: Who = ("psb", "gateway");
/// The dataset of the grants.
pub const RESIDENT: &str = "civil.resident";
/// The dataset that is open to a class.
pub const OPEN: &str = "civil.open";

/// The number of the record of a bulk set.
pub const BULK: u64 = 3;

/// The things that are asked for.
#[derive(Debug, Clone, Default)]
pub struct Things {
    /// The grant between user and collector.
    pub grant: RequestId,
    /// The offer to a class.
    pub standing: RequestId,
    /// The grant that the user passed on.
    pub passed_on: RequestId,
    /// Identities and keys, by who.
    pub identities: BTreeMap<Who, (Vec<u8>, Vec<u8>)>,
    /// The case.
    pub case: Vec<u8>,
    /// The product.
    pub product: Vec<u8>,
    /// The proposal.
    pub proposal: Vec<u8>,
    /// What the tag of the subject follows from.
    pub subject_key: Hash,
}

impl Things {
    /// The tag of the subject.
    pub fn tag(&self) -> Hash {
        subject::tag(&self.subject_key)
    }

    /// The id of an identity.
    pub fn identity(&self, who: Who) -> Vec<u8> {
        self.identities.get(&who).map(|(id, _)| id.clone()).unwrap_or_default()
    }

    /// The id of its key.
    pub fn key(&self, who: Who) -> Vec<u8> {
        self.identities.get(&who).map(|(_, key)| key.clone()).unwrap_or_default()
    }
}

/// A moment that lies beyond all that is done here.
const LATER_MS: u64 = 3_600_000;

/// Texts as the wire holds them.
pub fn texts<C: FromIterator<String>>(all: &[&str]) -> C {
    all.iter().map(|it| (*it).to_owned()).collect()
}

fn digest(byte: u8) -> Vec<u8> {
    vec![byte; 32]
}

fn field(grade: u32) -> wire::Field {
    wire::Field { name: "id".into(), grade, ..wire::Field::default() }
}

/// Two datasets, the gateway that serves them, and the offer of one of them to a class.
pub fn catalogue(gateway: &[u8]) -> Vec<(&'static str, Kind)> {
    let dataset = |code: &str, grade, category: Category| {
        Kind::RegisterDataset(wire::RegisterDataset {
            dataset: code.into(),
            collector: "gz.psb".into(),
            title_en: code.into(),
            grade,
            category: category as i32,
            fields: vec![field(grade)],
            schema_digest: digest(0),
            ..wire::RegisterDataset::default()
        })
    };
    let gateway = Kind::SetGateway(wire::SetGateway {
        collector: "gz.psb".into(),
        gateway_id: gateway.to_vec(),
        datasets: texts(&[OPEN, RESIDENT]),
        mapping_digest: digest(1),
    });
    let offer = Kind::OfferStanding(wire::OfferStanding {
        dataset: OPEN.into(),
        collector: "gz.psb".into(),
        reference: "st-1".into(),
        class: Some(wire::DepartmentClass { levels: vec![3], ..Default::default() }),
        terms: Some(terms(Vec::new(), 0)),
        self_service: false,
    });
    vec![
        ("dataset", dataset(RESIDENT, 3, Category::Conditional)),
        ("open dataset", dataset(OPEN, 1, Category::Unconditional)),
        ("gateway set up", gateway),
        ("offer", offer),
    ]
}

fn terms(identities: Vec<Vec<u8>>, delegation_depth: u32) -> Terms {
    let delegation = match delegation_depth {
        0 => Delegation::Unspecified,
        _ => Delegation::Notify,
    };
    Terms {
        operations: vec![Operation::Read as i32],
        identity_ids: identities,
        from_ms: 1,
        until_ms: 4_000_000_000_000,
        quota: Some(Quota::default()),
        delegation: delegation as i32,
        delegation_depth,
        ..Terms::default()
    }
}

/// The user asks.
pub fn request(portal: &[u8]) -> Kind {
    Kind::RequestAccess(wire::RequestAccess {
        dataset: RESIDENT.into(),
        collector: "gz.psb".into(),
        using_department: "gz.hrss".into(),
        reference: "hr-1".into(),
        purpose: "pension".into(),
        purpose_digest: digest(2),
        legal_basis: "social-insurance-law".into(),
        terms: Some(terms(vec![portal.to_vec()], 1)),
        ..wire::RequestAccess::default()
    })
}

/// The collector approves.
pub fn decision(id: &RequestId, portal: &[u8]) -> Kind {
    Kind::DecideRequest(wire::DecideRequest {
        request_id: id.to_vec(),
        dataset: RESIDENT.into(),
        collector: "gz.psb".into(),
        using_department: "gz.hrss".into(),
        approve: true,
        terms: Some(terms(vec![portal.to_vec()], 1)),
        ..wire::DecideRequest::default()
    })
}

/// The manager confirms.
pub fn confirmation(id: &RequestId, dataset: &str, using_department: &str) -> Kind {
    Kind::ConfirmGrant(wire::ConfirmGrant {
        request_id: id.to_vec(),
        dataset: dataset.into(),
        collector: "gz.psb".into(),
        using_department: using_department.into(),
        manager: "gz.bdb".into(),
        confirm: true,
        ..wire::ConfirmGrant::default()
    })
}

/// The user passes its grant on.
pub fn passing_on(id: &RequestId, village: &[u8]) -> Kind {
    Kind::DelegateGrant(wire::DelegateGrant {
        request_id: id.to_vec(),
        dataset: RESIDENT.into(),
        collector: "gz.psb".into(),
        using_department: "gz.hrss".into(),
        delegate: "gz.vill".into(),
        reference: "vi-1".into(),
        terms: Some(terms(vec![village.to_vec()], 0)),
    })
}

/// An authority decides that records may be sealed.
pub fn order(now: TimeMs) -> Kind {
    Kind::OrderSealing(wire::OrderSealing {
        authority: "gz.sec".into(),
        collector: "gz.psb".into(),
        decision_digest: digest(3),
        open_by_ms: now.get() + 24 * LATER_MS,
    })
}

/// A record by somebody, or by an account without an identity.
fn record(
    number: u64,
    dataset: &str,
    grant: Option<&RequestId>,
    asker: Option<(&str, Vec<u8>)>,
    now: TimeMs,
) -> RecordAccess {
    let asker = match asker {
        Some((department, identity_id)) => {
            let assurance = wire::Assurance::Verified as i32;
            let department = department.to_owned();
            wire::Party { department, identity_id, assurance, ..wire::Party::default() }
        }
        None => wire::Party { unmapped_digest: digest(7), ..wire::Party::default() },
    };
    RecordAccess {
        collector: "gz.psb".into(),
        access_no: number,
        decision: Decision::Served as i32,
        accesses: vec![wire::DatasetAccess {
            dataset: dataset.into(),
            operation: Operation::Read as i32,
            request_id: grant.map_or_else(Vec::new, |id| id.to_vec()),
            ..wire::DatasetAccess::default()
        }],
        asker: Some(asker),
        purpose: grant.map_or_else(String::new, |_| "pension".into()),
        subjects: Some(Subjects::default()),
        query_digest: digest(8),
        row_count: Some(1),
        access_time_ms: now.get(),
        channel: Channel::Door as i32,
        ..RecordAccess::default()
    }
}

/// Those of the gateway, of each sort.
pub fn records(things: &Things, order: &Hash, now: TimeMs) -> Vec<(&'static str, Kind)> {
    let portal = ("gz.hrss", things.identity(("hrss", "portal")));
    let village = ("gz.vill", things.identity(("vill", "officer")));
    let mut of_subject = record(1, RESIDENT, Some(&things.grant), Some(portal), now);
    let tags = vec![things.tag().to_vec()];
    of_subject.subjects = Some(Subjects { tags, ..Subjects::default() });
    // Without a grant, and by a clock that is ahead: an integrity event, and an alert.
    let mut uncovered = record(2, RESIDENT, None, None, now);
    uncovered.access_time_ms += LATER_MS;
    let mut bulk = record(BULK, OPEN, None, None, now);
    let root = bulk_root([digest(9).as_slice()]).to_vec();
    bulk.subjects =
        Some(Subjects { bulk: Some(wire::BulkSubjects { count: 1, root }), ..Subjects::default() });
    let sealed = Kind::RecordSealed(wire::RecordSealed {
        collector: "gz.psb".into(),
        authority: "gz.sec".into(),
        order_id: order.to_vec(),
        access_no: 4,
        commitment: commitment(&[1; 16], &record(4, RESIDENT, None, None, now)).to_vec(),
    });
    let of_class = record(5, OPEN, Some(&things.standing), Some(village.clone()), now);
    let passed_on = record(6, RESIDENT, Some(&things.passed_on), Some(village), now);
    let wrong = record(7, OPEN, None, None, now);
    let tags = Kind::AddBulkTags(wire::AddBulkTags {
        collector: "gz.psb".into(),
        access_no: BULK,
        tags: vec![digest(9)],
    });
    vec![
        ("record under the grant", Kind::RecordAccess(of_subject)),
        ("record without a grant", Kind::RecordAccess(uncovered)),
        ("record of a bulk set", Kind::RecordAccess(bulk)),
        ("sealed record", sealed),
        ("record of the class", Kind::RecordAccess(of_class)),
        ("record of what was passed on", Kind::RecordAccess(passed_on)),
        ("wrong record", Kind::RecordAccess(wrong)),
        ("bulk tags", tags),
    ]
}

/// The user's half of the first record.
pub fn half(things: &Things) -> Kind {
    Kind::Acknowledge(wire::Acknowledge {
        request_id: things.grant.to_vec(),
        dataset: RESIDENT.into(),
        collector: "gz.psb".into(),
        using_department: "gz.hrss".into(),
        gateway_id: things.identity(GATEWAY),
        access_no: 1,
        row_count: Some(1),
        ..wire::Acknowledge::default()
    })
}

/// The wrong record was the portal's.
pub fn correction(things: &Things, now: TimeMs) -> Kind {
    let portal = things.identity(("hrss", "portal"));
    Kind::CorrectRecords(wire::CorrectRecords {
        collector: "gz.psb".into(),
        gateway_id: things.identity(GATEWAY),
        reason: "mapping".into(),
        mapping_digest: digest(1),
        from_unmapped_digest: digest(7),
        to_department: "gz.hrss".into(),
        to_identity_id: portal.clone(),
        records: vec![record(7, OPEN, None, Some(("gz.hrss", portal)), now)],
        recorded: vec![digest(8)],
        ..wire::CorrectRecords::default()
    })
}

/// Its department agrees.
pub fn agreement(correction: &Hash) -> Kind {
    Kind::AgreeCorrection(wire::AgreeCorrection {
        correction_id: correction.to_vec(),
        department: "gz.hrss".into(),
        agree: true,
        ..wire::AgreeCorrection::default()
    })
}

/// The user disputes the first record.
pub fn case(things: &Things) -> Kind {
    let about = About::Record(wire::RecordName {
        dataset: RESIDENT.into(),
        gateway_id: things.identity(GATEWAY),
        access_no: 1,
        request_id: things.grant.to_vec(),
    });
    Kind::OpenCase(wire::OpenCase {
        department: "gz.hrss".into(),
        reference: "case-1".into(),
        respondent: "gz.psb".into(),
        subject: Some(wire::CaseSubject { about: Some(about) }),
        reason_digest: digest(4),
    })
}

/// The user makes something of what it was granted.
pub fn product(grant: &RequestId) -> Kind {
    Kind::RegisterProduct(wire::RegisterProduct {
        department: "gz.hrss".into(),
        reference: "product-1".into(),
        kind: ProductKind::Report as i32,
        digest: digest(5),
        request_ids: vec![grant.to_vec()],
        manager: "gz.bdb".into(),
    })
}

/// Something is put to the vote.
pub fn proposal() -> Kind {
    let rights = vec![Right::Collect as i32, Right::Use as i32];
    let change = wire::SetRights { department: "gz.tax".into(), rights };
    Kind::Propose(wire::Propose {
        department: "gz.bdb".into(),
        reference: "tax-collects".into(),
        reason_digest: digest(6),
        change: Some(Change::SetRights(change)),
    })
}

/// An audit begins.
pub fn audit(now: TimeMs) -> Kind {
    let until_ms = now.get() + 90 * 86_400_000;
    Kind::OpenAudit(wire::OpenAudit {
        department: "gz.aud".into(),
        audit: "audit-1".into(),
        until_ms,
    })
}

/// The catalogue changes, which every member sees.
pub fn update() -> Kind {
    Kind::UpdateDataset(wire::UpdateDataset {
        dataset: OPEN.into(),
        collector: "gz.psb".into(),
        title_en: "Open data".into(),
        grade: 1,
        category: Category::Unconditional as i32,
        fields: vec![field(1)],
        schema_digest: digest(0),
        ..wire::UpdateDataset::default()
    })
}
