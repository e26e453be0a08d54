//! `liuhen trail story`: from one event back to the request that it rests on, and forward to what came
//! of it.

use super::{Common, names};
use crate::output::Rows;
use crate::rows;
use crate::tell;
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_client::event::Event;
use liuhen_proto::event::{Body, ledger::LedgerEvent};
use liuhen_proto::place::{Place, TrailKind};
use liuhen_proto::types::IdKind;
use liuhen_proto::wire::{self, case_subject::About, item::Kind, ledger_event::Kind as Made};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Trails read for one story at most.
const TRAILS: usize = 64;

/// What is followed, and what was found.
#[derive(Default)]
struct Story {
    found: BTreeMap<(u64, u32), (&'static str, Event)>,
    wanted: Vec<(&'static str, Place)>,
    read: BTreeSet<Place>,
    /// Gateway and number of the access that it is about.
    access: Option<(Vec<u8>, u64)>,
}

/// Prints the story of an event.
pub(super) async fn print(common: &Common, node: &Node, name: &str) -> Result<(), ClientError> {
    let subject = node.event(name).await?;
    let at = (subject.leaf.height.get(), subject.leaf.index);
    let mut story = Story::default();
    if let Some(number) = subject.access_no()
        && let Some(gateway) = subject.body.identity()
    {
        story.access = Some((gateway.to_vec(), number));
    }
    story.follow(&subject);
    story.found.insert(at, ("this", subject));
    while let Some((part, trail)) = story.wanted.pop() {
        if story.read.contains(&trail) {
            continue;
        }
        if story.read.len() >= TRAILS {
            tell!("the story goes on beyond {TRAILS} trails: {trail} and more are left out");
            break;
        }
        story.read.insert(trail.clone());
        let Some(kind) = TrailKind::from_byte(trail.kind()) else { continue };
        match node.whole_trail(kind, trail.id().to_vec()).await {
            Ok(events) => story.take(part, events),
            // What one may not read is left out, and said.
            Err(ClientError::Refused(why, _)) => {
                tell!("{trail} is left out: {}", why.message);
            }
            Err(error) => return Err(error),
        }
    }
    let names = names(node).await?;
    let mut columns = vec!["part"];
    columns.extend(rows::COLUMNS.iter().skip(1));
    let mut rows = Rows::new(&columns);
    for (place, (part, event)) in &story.found {
        let mut row = rows::row(event, &names);
        let part = if *place == at { "→ this" } else { part };
        if let Some(first) = row.first_mut() {
            *first = json!(part);
        }
        rows.push(row.into_iter().collect::<Vec<Value>>());
    }
    rows.print(common.output)
}

impl Story {
    /// Keeps what belongs to the story, and follows it further.
    fn take(&mut self, part: &'static str, events: Vec<Event>) {
        for event in events {
            if !self.belongs(part, &event) {
                continue;
            }
            let at = (event.leaf.height.get(), event.leaf.index);
            if !self.found.contains_key(&at) {
                self.follow(&event);
                self.found.insert(at, (part, event));
            }
        }
    }

    /// Of acknowledgements, uses and corrections only those of the access that it is about, where it is
    /// about one.
    fn belongs(&self, part: &str, event: &Event) -> bool {
        let Some((gateway, number)) = &self.access else { return true };
        match &event.body {
            Body::Signed { item, .. } => match (part, item.kind()) {
                ("acknowledgement", Kind::Acknowledge(it)) => {
                    it.gateway_id == *gateway && it.access_no == *number
                }
                ("access", _) => {
                    let by = event.body.identity().is_some_and(|id| id.to_vec() == *gateway);
                    by && event.access_no() == Some(*number)
                }
                _ => true,
            },
            Body::Ledger(made) => match made.kind() {
                Made::RecordCorrected(it) => it.gateway_id == *gateway && it.access_no == *number,
                _ => true,
            },
        }
    }

    fn want(&mut self, part: &'static str, trail: Place) {
        self.wanted.push((part, trail));
    }

    fn grant(&mut self, request_id: &[u8]) {
        if request_id.len() == 32 {
            self.want("grant", Place::trail(TrailKind::Grant, request_id));
            if self.access.is_some() {
                self.want("acknowledgement", Place::acknowledgements_trail(request_id));
                self.want("access", Place::trail(TrailKind::Use, request_id));
            }
        }
    }

    /// Which trails an event leads to.
    fn follow(&mut self, event: &Event) {
        let (header, item) = match &event.body {
            Body::Signed { header, item } => (header, item),
            Body::Ledger(made) => return self.follow_made(made),
        };
        let number = event.leaf.item;
        match item.kind() {
            Kind::RecordAccess(it) => {
                it.accesses.iter().for_each(|one| self.grant(&one.request_id))
            }
            Kind::ManualHandover(it) => {
                let accesses = it.record.iter().flat_map(|it| &it.accesses);
                accesses.for_each(|one| self.grant(&one.request_id));
            }
            Kind::Acknowledge(it) => {
                self.access = Some((it.gateway_id.clone(), it.access_no));
                self.grant(&it.request_id);
            }
            Kind::AcknowledgeHour(it) => self.grant(&it.request_id),
            Kind::DelegateGrant(it) => {
                self.grant(&it.request_id);
                self.grant(header.request_id(number).as_bytes());
            }
            Kind::RequestAccess(_) | Kind::OpenEmergency(_) | Kind::GivePermit(_) => {
                self.grant(header.request_id(number).as_bytes());
            }
            Kind::OpenCase(it) => {
                let id = header.made_id(IdKind::Case, number);
                self.want("case", Place::case_trail(id.as_bytes()));
                self.follow_subject(it.subject.as_ref());
            }
            Kind::RegisterProduct(it) => {
                let id = header.made_id(IdKind::Product, number);
                self.want("product", Place::product_trail(id.as_bytes()));
                it.request_ids.iter().for_each(|id| self.grant(id));
            }
            // Who looked at something is part of its story; what else was looked at is not.
            Kind::RecordReads(_) | Kind::OpenReads(_) => {
                let trails = event.body.trails(number);
                let grants = trails.into_iter().filter(|it| it.kind() == TrailKind::Grant as u8);
                grants.for_each(|trail| self.grant(trail.id()));
            }
            // What other kinds lead to is where they are filed.
            _ => {
                for trail in event.body.trails(number) {
                    match TrailKind::from_byte(trail.kind()) {
                        Some(TrailKind::Grant) => self.grant(trail.id()),
                        Some(TrailKind::Case) => self.want("case", trail),
                        Some(TrailKind::Product) => self.want("product", trail),
                        Some(_) | None => {}
                    }
                }
            }
        }
    }

    fn follow_subject(&mut self, subject: Option<&wire::CaseSubject>) {
        match subject.and_then(|it| it.about.as_ref()) {
            Some(About::Record(it)) => {
                self.access.get_or_insert((it.gateway_id.clone(), it.access_no));
                self.grant(&it.request_id);
            }
            Some(About::Grant(it)) => self.grant(&it.request_id),
            _ => {}
        }
    }

    fn follow_made(&mut self, made: &LedgerEvent) {
        for trail in made.trails() {
            if trail.kind() == TrailKind::Grant as u8 {
                self.grant(trail.id());
            }
        }
    }
}
