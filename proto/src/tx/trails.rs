//! Which trails an event is in: a pure function of its transaction's header and its item, so that
//! a verifier can recompute it from bytes.

use super::{Item, TxHeader};
use crate::place::{Place, TrailKind};
use crate::types::{IdKind, RequestId};
use crate::wire::{self, case_subject::About, item::Kind, propose::Change};

/// The trails of item `number` of a transaction, the key's first, each once. Each kind says here where it is
/// filed: a kind that does not, does not compile.
#[allow(clippy::too_many_lines, reason = "a row for each kind of item")]
pub fn trails(header: &TxHeader, number: u32, item: &Item) -> Vec<Place> {
    let mut trails = vec![Place::key_trail(&header.key)];
    let gateway = |id: &[u8]| Place::trail(TrailKind::Gateway, id);
    let own = Place::gateway_trail(&header.identity);
    let of = |department: &str, identity: &[u8]| {
        vec![Place::department_trail(department), Place::identity_trail(identity)]
    };
    let rest = match item.kind() {
        Kind::RecordAccess(it) => return record(trails, header, it),
        Kind::RegisterDataset(it) => vec![Place::dataset_trail(&it.dataset)],
        Kind::UpdateDataset(it) => vec![Place::dataset_trail(&it.dataset)],
        Kind::RetireDataset(it) => vec![Place::dataset_trail(&it.dataset)],
        Kind::PublishVersion(it) => vec![Place::dataset_trail(&it.dataset)],
        Kind::RequestAccess(it) => begins(header, number, &it.dataset),
        Kind::OfferStanding(it) => begins(header, number, &it.dataset),
        Kind::OpenEmergency(it) => begins(header, number, &it.dataset),
        Kind::GivePermit(it) => begins(header, number, &it.dataset),
        Kind::DelegateGrant(it) => {
            let mut trails = begins(header, number, &it.dataset);
            trails.extend(grant(&it.request_id));
            trails
        }
        Kind::DecideRequest(it) => story(&it.dataset, &it.request_id),
        Kind::ConfirmGrant(it) => story(&it.dataset, &it.request_id),
        Kind::RevokeGrant(it) => story(&it.dataset, &it.request_id),
        Kind::AskSupplement(it) => story(&it.dataset, &it.request_id),
        Kind::SupplementRequest(it) => story(&it.dataset, &it.request_id),
        Kind::ApproveException(it) => story(&it.dataset, &it.request_id),
        Kind::AmendGrant(it) => story(&it.dataset, &it.request_id),
        Kind::SuspendGrant(it) => story(&it.dataset, &it.request_id),
        Kind::ResumeGrant(it) => story(&it.dataset, &it.request_id),
        Kind::ReconfirmGrant(it) => story(&it.dataset, &it.request_id),
        Kind::RatifyEmergency(it) => story(&it.dataset, &it.request_id),
        Kind::Propose(it) => proposed(it),
        Kind::Vote(_) => vec![Place::governance_trail()],
        Kind::SetGateway(it) => {
            let datasets = it.datasets.iter().map(|code| Place::dataset_trail(code));
            datasets.chain([gateway(&it.gateway_id)]).collect()
        }
        Kind::CommitMapping(it) => vec![gateway(&it.gateway_id)],
        Kind::DeclareLoss(it) => vec![gateway(&it.gateway_id)],
        Kind::DeclareOutage(it) => vec![gateway(&it.gateway_id)],
        Kind::SealPeriod(_) | Kind::Unrecordable(_) => vec![own],
        Kind::ManualHandover(it) => it.record.iter().flat_map(touched).chain([own]).collect(),
        Kind::AddBulkTags(it) => {
            vec![own, Place::bulk_tags_trail(header.identity.as_bytes(), it.access_no)]
        }
        Kind::CorrectRecords(it) => {
            // Not on those of users and subjects: nobody there is party to all of its records.
            let accesses = it.records.iter().flat_map(|record| &record.accesses);
            let datasets = accesses.map(|one| Place::dataset_trail(&one.dataset));
            datasets.chain([gateway(&it.gateway_id)]).collect()
        }
        Kind::Acknowledge(it) => vec![Place::acknowledgements_trail(&it.request_id)],
        Kind::AcknowledgeHour(it) => vec![Place::acknowledgements_trail(&it.request_id)],
        Kind::OrderSealing(it) => vec![Place::sealed_trail(&it.authority)],
        Kind::ExtendSealing(it) => vec![Place::sealed_trail(&it.authority)],
        Kind::RecordSealed(it) => vec![Place::sealed_trail(&it.authority), own],
        Kind::OpenSealed(it) => {
            let both = [Place::sealed_trail(&it.authority), gateway(&it.gateway_id)];
            it.record.iter().flat_map(touched).chain(both).collect()
        }
        Kind::AnswerAlert(it) => vec![Place::alert_trail(&it.department)],
        Kind::OpenCase(it) => {
            let id = header.made_id(IdKind::Case, number);
            it.subject.iter().flat_map(about).chain([Place::case_trail(id.as_bytes())]).collect()
        }
        Kind::AnswerCase(it) => vec![Place::case_trail(&it.case_id)],
        Kind::RuleCase(it) => vec![Place::case_trail(&it.case_id)],
        Kind::RegisterProduct(it) => {
            let id = header.made_id(IdKind::Product, number);
            let grants = it.request_ids.iter().filter_map(|id| grant(id));
            grants.chain([Place::product_trail(id.as_bytes())]).collect()
        }
        Kind::ReviewProduct(it) => vec![Place::product_trail(&it.product_id)],
        Kind::ReleaseProduct(it) => vec![Place::product_trail(&it.product_id)],
        Kind::EvaluateProduct(it) => vec![Place::product_trail(&it.product_id)],
        Kind::RecallProduct(it) => vec![Place::product_trail(&it.product_id)],
        Kind::ReportDoubleVote(it) => {
            vec![Place::governance_trail(), Place::department_trail(&it.validator_department)]
        }
        Kind::AdmitDepartment(it) => {
            let code = it.department.as_ref().map(|it| it.code.as_str()).unwrap_or_default();
            let root = header.identity_id(number);
            let mut trails = of(code, root.as_bytes());
            trails.push(Place::department_trail(&it.manager));
            trails
        }
        Kind::ChangeDepartment(it) => {
            vec![Place::department_trail(&it.department), Place::department_trail(&it.manager)]
        }
        Kind::SucceedDepartment(it) => {
            let both = it.succession.iter().flat_map(|it| [&it.from, &it.to]);
            both.map(|code| Place::department_trail(code)).collect()
        }
        Kind::RegisterIdentity(it) => of(&it.department, header.identity_id(number).as_bytes()),
        Kind::RotateKeys(it) => of(&it.department, &it.identity_id),
        Kind::ChangeIdentity(it) => of(&it.department, &it.identity_id),
        Kind::AssignPost(it) => of(&it.department, &it.identity_id),
        Kind::ReplaceRoot(it) => {
            vec![Place::department_trail(&it.department), Place::department_trail(&it.parent)]
        }
        Kind::ObjectToRoot(it) => vec![Place::department_trail(&it.department)],
        Kind::RecordReads(it) => {
            let sealed = it.sealed.iter().map(|it| Place::department_trail(&it.department));
            read(&it.reads).chain(sealed).collect()
        }
        Kind::OpenReads(it) => read(&it.reads).collect(),
        Kind::OpenAudit(it) => vec![Place::department_trail(&it.department)],
        Kind::CloseAudit(it) => vec![Place::department_trail(&it.department)],
        // It is filed where what it agrees to is.
        Kind::AgreeCorrection(_) => Vec::new(),
    };
    trails.extend(each_once(rest));
    trails
}

fn each_once(mut trails: Vec<Place>) -> Vec<Place> {
    trails.sort();
    trails.dedup();
    trails
}

fn grant(request: &[u8]) -> Option<Place> {
    RequestId::from_slice(request).ok().map(|id| Place::grant_trail(&id))
}

fn story(dataset: &str, request: &[u8]) -> Vec<Place> {
    [Place::dataset_trail(dataset)].into_iter().chain(grant(request)).collect()
}

/// Of an item whose event gives its name to a request.
fn begins(header: &TxHeader, number: u32, dataset: &str) -> Vec<Place> {
    vec![Place::dataset_trail(dataset), Place::grant_trail(&header.request_id(number))]
}

/// A proposal stands on governance's trail; on members' too where it is about them.
fn proposed(it: &wire::Propose) -> Vec<Place> {
    let about: Vec<&str> = match &it.change {
        Some(Change::AdmitVoter(it)) if it.member.is_empty() => {
            it.department.iter().map(|it| it.code.as_str()).collect()
        }
        Some(Change::AdmitVoter(it)) => vec![&it.member],
        Some(Change::ChangeMember(it)) => vec![&it.department],
        Some(Change::SetRights(it)) => vec![&it.department],
        Some(Change::SetRoot(it)) => vec![&it.department],
        Some(Change::Succeed(it)) => vec![&it.from, &it.to],
        Some(
            Change::SetValidator(_)
            | Change::SetParameters(_)
            | Change::SetCalendar(_)
            | Change::SetProtocol(_),
        )
        | None => Vec::new(),
    };
    let about = about.into_iter().map(Place::department_trail);
    [Place::governance_trail()].into_iter().chain(about).collect()
}

/// What a case is about has a part in its story.
fn about(subject: &wire::CaseSubject) -> Vec<Place> {
    match &subject.about {
        Some(About::Version(it)) => vec![Place::dataset_trail(&it.dataset)],
        Some(About::Record(it)) => {
            let own = [Place::dataset_trail(&it.dataset)];
            own.into_iter().chain(grant(&it.request_id)).collect()
        }
        Some(About::Grant(it)) => story(&it.dataset, &it.request_id),
        Some(About::Integrity(it)) => vec![Place::integrity_trail(&it.department)],
        Some(About::Correction(_)) | None => Vec::new(),
    }
}

/// A read stands on its reader's trail, and on the trail that was read: who looks at a trail is
/// part of its story. Not on those whose numbers count something.
fn read(reads: &[wire::TrailRead]) -> impl Iterator<Item = Place> + '_ {
    let was_read = reads.iter().filter_map(|it| {
        let kind = u8::try_from(it.trail_kind).ok().and_then(TrailKind::from_byte)?;
        let own = matches!(kind, TrailKind::Key | TrailKind::Use | TrailKind::Gateway);
        (!own).then(|| Place::trail(kind, &it.trail_id))
    });
    reads.iter().map(|it| Place::identity_trail(&it.identity_id)).chain(was_read)
}

fn record(mut trails: Vec<Place>, header: &TxHeader, it: &wire::RecordAccess) -> Vec<Place> {
    trails.push(Place::gateway_trail(&header.identity));
    trails.extend(each_once(touched(it)));
    trails
}

/// Whose data a record is about, which datasets it touched, and under which grants.
fn touched(it: &wire::RecordAccess) -> Vec<Place> {
    let mut about: Vec<Place> = Vec::new();
    for access in &it.accesses {
        about.push(Place::dataset_trail(&access.dataset));
        about
            .extend(RequestId::from_slice(&access.request_id).ok().map(|id| Place::use_trail(&id)));
    }
    if let Some(subjects) = &it.subjects {
        about.extend(subjects.tags.iter().map(|tag| Place::subject_trail(&it.collector, tag)));
        if subjects.bulk.is_some() || subjects.whole {
            about.push(Place::unlisted_trail(&it.collector));
        }
    }
    about
}
