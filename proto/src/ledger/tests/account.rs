//! What the tests of answering for accesses have in common.

use super::items::{approve, asked_of, confirm};
use super::refusals::Case;
use super::stage::{COLLECTOR, GATEWAY, MANAGER, Staged, USER};
use crate::ledger::Object;
use crate::place::Place;
use crate::types::RequestId;
use crate::wire::{
    self, IntegrityEvent, IntegrityRule, IntegritySettled, WatchKind, ledger_event::Kind,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Departments, and how many times each was at fault.
pub(crate) type Blamed = Vec<(String, u64)>;

/// Whom the newest block holds to account by a rule.
pub(crate) fn at_fault(s: &Staged, rule: IntegrityRule) -> Blamed {
    let found = s.world.at_fault().into_iter().filter(|(_, found, _)| *found == rule);
    found.map(|(department, _, count)| (department, count)).collect()
}

/// The same, where it can be but one.
pub(crate) fn blamed(department: &str, count: u64) -> Blamed {
    vec![(department.to_owned(), count)]
}

/// Whom the newest block alerts to something.
pub(crate) fn alerted(s: &Staged, watch: WatchKind) -> Vec<String> {
    let found = s.world.alerted().into_iter().filter(|(_, found)| *found == watch);
    found.map(|(department, _)| department).collect()
}

/// What the newest block settles, of one department.
pub(crate) fn settled(s: &Staged, department: &str) -> Vec<IntegritySettled> {
    let said = s.world.said();
    let settled = said.iter().filter_map(|it| match it.kind() {
        Kind::IntegritySettled(it) if it.department == department => Some(it.clone()),
        _ => None,
    });
    settled.collect()
}

/// All integrity events of a department by a rule, as they stand, in order.
pub(crate) fn events(s: &Staged, department: &str, rule: IntegrityRule) -> Vec<IntegrityEvent> {
    let all = s.world.objects.values().filter_map(|object| match object {
        Object::IntegrityEvent(it) => Some((**it).clone()),
        _ => None,
    });
    let of = |it: &IntegrityEvent| {
        it.raised.as_ref().is_some_and(|it| it.department == department && it.rule() == rule)
    };
    all.filter(of).collect()
}

/// How many times each of those events has happened.
pub(crate) fn counts(s: &Staged, department: &str, rule: IntegrityRule) -> Vec<u64> {
    events(s, department, rule).iter().map(|it| it.count).collect()
}

/// Sets parameters as a proposal would.
pub(crate) fn set(s: &mut Staged, bend: impl FnOnce(&mut wire::Parameters)) {
    let before: Arc<wire::Parameters> = s.world.get(&Place::parameters());
    let mut parameters = (*before).clone();
    bend(&mut parameters);
    assert_eq!(crate::ledger::parameters::check(&parameters), Ok(()));
    s.world.doctor(Place::parameters(), Some(parameters.into()));
}

/// Grants the using department a dataset on the usual terms.
pub(crate) fn granted(s: &mut Staged, dataset: &str) -> RequestId {
    let asked = asked_of(dataset, &s.asked());
    let id = s.world.asks(USER, &asked);
    if dataset != "civil.open" {
        s.world.does(COLLECTOR, approve(&id, &asked));
    }
    s.world.does(MANAGER, confirm(&id, &asked, "gz.bdb"));
    id
}

/// A record under such a grant, decided by the newest block.
pub(crate) fn access_to(s: &Staged, dataset: &str, id: &RequestId) -> wire::RecordAccess {
    let mut it = s.covered();
    it.accesses[0].dataset = dataset.into();
    it.accesses[0].request_id = id.to_vec();
    it
}

/// What is known of the gateway's numbers.
pub(crate) fn gateway(s: &Staged) -> wire::Gateway {
    let known: Arc<wire::Gateway> = s.world.get(&Place::gateway(&s.identity(GATEWAY)));
    (*known).clone()
}

/// The gateway records with this number.
pub(crate) fn numbered(s: &mut Staged, access_no: u64) {
    let it = wire::RecordAccess { access_no, ..s.covered() };
    s.world.does(GATEWAY, it);
}

/// The codes that a table of cases names.
pub(crate) fn named(cases: &[Case]) -> BTreeSet<&'static str> {
    cases.iter().filter_map(|(_, code, _)| *code).collect()
}
