//! The matrix of rights: every call as every role. What is expected follows from the one table that makes the page «Who may
//! read» of `docs/operating.md` too; and who is refused is told the same of what there is not.

mod calls;
mod ledger;
mod lists;
mod parties;
mod roles;
mod subjects;
mod table;

use anyhow::Context as _;
use calls::{Ask, By, Found};
use ledger::{Ledger, REGULATOR};
use liuhen_client::connect::Node;
use liuhen_proto::event::Body;
use liuhen_proto::place::{Place, TrailKind};
use liuhen_proto::wire::{GetTrailRequest, item::Kind};
use liuhen_rpc::DESCRIPTORS;
use liuhen_tests::wait::until;
use prost::Message;
use roles::{May, ROLES, Role};
use std::collections::{BTreeMap, BTreeSet};
use table::{Row, Table};

/// Calls; a row that goes missing is to be missed.
const ROWS: usize = 282;

#[tokio::test(flavor = "multi_thread")]
async fn every_call_as_every_role() -> anyhow::Result<()> {
    let ledger = Ledger::make().await?;
    let sizes = sizes(&ledger).await?;
    let table = Table::of(&ledger, &sizes);
    let called: BTreeSet<String> = table.rows.iter().map(|row| row.ask.rpc()).collect();
    assert_eq!(called, contract()?, "each call of the contract is in the matrix");
    assert_eq!((table.rows.len(), ROLES.len()), (ROWS, 14));

    let (mut cells, mut wrong) = (0, Vec::new());
    for row in &table.rows {
        for (role, expected) in ROLES.iter().zip(&row.expected) {
            cells += 1;
            wrong.extend(cell(&ledger, row, role, expected).await);
        }
    }
    assert_eq!(cells, ROWS * ROLES.len());
    wrong.extend(untraced(&ledger, &table.rows).await?);
    assert!(wrong.is_empty(), "{} of {cells} cells:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

/// Asks; gives what is wrong with the answer.
async fn cell(ledger: &Ledger, row: &Row, role: &Role, expected: &str) -> Vec<String> {
    let node = ledger.of(role);
    let found = row.ask.answer(&node).await;
    let name = format!("{} {} as {role}", row.ask.rpc(), short(&row.ask.about()));
    let mut wrong = Vec::new();
    if found.what != expected {
        let what = &found.what;
        wrong.push(format!("{name}: expected {expected}, found {what} {}", found.why));
    }
    for (event, trails) in &found.beside {
        if !ledger.parties.passes(role, trails, None) {
            wrong.push(format!("{name}: {event} passed, which is on {trails:?}"));
        }
    }
    let refused = !found.why.is_empty();
    if let Some(none) = row.none.as_ref().filter(|_| refused) {
        let absent = none.answer(&node).await;
        let (told, same) = (nameless(&found, &row.ask), nameless(&absent, none));
        if told != same {
            wrong.push(format!("{name}: told {told:?}, but of what there is not {same:?}"));
        }
    }
    wrong
}

/// Ids cut to what tells them apart.
fn short(about: &str) -> String {
    let words = about.split_inclusive(['/', '#', ' ']);
    words.map(|word| if word.len() < 64 { word } else { &word[..8] }).collect()
}

/// A refusal without the id that the caller gave.
fn nameless(found: &Found, ask: &Ask) -> (String, String) {
    let about = ask.about();
    let id = about.rsplit(' ').next().filter(|id| !id.is_empty());
    (found.what.clone(), id.map_or_else(|| found.why.clone(), |id| found.why.replace(id, "…")))
}

/// Calls for a trail that show what stands on it.
const SHOWING: usize = By::ALL.len() - 1;
/// A department whose alerts nobody else reads: reads are recorded in order, and behind this one all are.
const LAST_READ: &[u8] = b"gz.exit";

/// Each call by which an overseer is shown a trail as no party stands on the overseer's own trail; of other reads none does.
/// Gives where that is not so.
async fn untraced(ledger: &Ledger, rows: &[Row]) -> anyhow::Result<Vec<String>> {
    let trails = rows.iter().filter_map(|row| match &row.ask {
        Ask::Trail(By::Get, it) if it.key.is_empty() => Some(it),
        _ => None,
    });
    let trails: Vec<_> = trails.collect();
    let last = Place::trail(TrailKind::Alert, LAST_READ);
    let mut wrong = Vec::new();
    for role in ROLES.iter().filter(|role| role.may != May::Nothing) {
        if role.may != May::Oversee {
            let found = traces(ledger, role).await?;
            wrong.extend(found.keys().map(|trail| format!("{role}: {trail} was recorded as read")));
            continue;
        }
        ledger.of(role).whole_trail(TrailKind::Alert, LAST_READ.to_vec()).await?;
        let found = until("reads to be recorded", async || {
            traces(ledger, role).await.ok().filter(|found| found.contains_key(&last))
        })
        .await?;
        for it in &trails {
            let trail = Place::trail(it.kind, &it.id);
            let count = found.get(&trail).copied();
            // The regulator was asked how much there is, before.
            let due = SHOWING + usize::from(role.who == REGULATOR);
            match ledger.parties.is_party(role, it.kind, &it.id) {
                // The proof of all that a department signed has its trail, too.
                true if it.kind == TrailKind::Department => {}
                true if count.is_some() => wrong.push(format!("{role}: {trail} was recorded")),
                false if count < Some(due) => {
                    wrong.push(format!("{role}: of {trail} {count:?} reads were recorded"));
                }
                true | false => {}
            }
        }
    }
    Ok(wrong)
}

/// How many reads that showed something of each trail stand on a role's own.
async fn traces(ledger: &Ledger, role: &Role) -> anyhow::Result<BTreeMap<Place, usize>> {
    let id = ledger.things.identity(role.who);
    let mut found = BTreeMap::new();
    for event in ledger.of(role).whole_trail(TrailKind::Identity, id.clone()).await? {
        let Body::Signed { item, .. } = event.body else { continue };
        let Kind::RecordReads(it) = item.kind() else { continue };
        // A list is a read of no trail.
        let of_trails = it.reads.iter().filter(|read| read.list.is_empty());
        for read in of_trails.filter(|read| read.identity_id == id) {
            let kind = u8::try_from(read.trail_kind).ok().and_then(TrailKind::from_byte);
            let trail = Place::trail(kind.context("a kind of trail")?, &read.trail_id);
            *found.entry(trail).or_default() += usize::from(read.count > 0);
        }
    }
    Ok(found)
}

fn regulator(ledger: &Ledger) -> Node {
    let role = ROLES.iter().find(|role| role.who == REGULATOR);
    role.map_or_else(|| ledger.node.clone(), |role| ledger.of(role))
}

/// How much stands on each trail that is asked for.
async fn sizes(ledger: &Ledger) -> anyhow::Result<BTreeMap<Place, u64>> {
    let regulator = regulator(ledger);
    let empty = BTreeMap::new();
    let mut sizes = BTreeMap::new();
    for row in Table::of(ledger, &empty).rows {
        let Ask::Trail(By::Get, trail) = row.ask else { continue };
        // A read of what there is not would stand on its trail.
        if !trail.key.is_empty() {
            continue;
        }
        let request = GetTrailRequest {
            trail_kind: u32::from(trail.kind as u8),
            trail_id: trail.id.clone(),
            ..GetTrailRequest::default()
        };
        let size = regulator.trails().get_trail(request).await?.into_inner().size;
        sizes.insert(Place::trail(trail.kind, &trail.id), size);
    }
    Ok(sizes)
}

/// The parts of a set of descriptors that name calls.
#[derive(Clone, PartialEq, Message)]
struct Descriptors {
    #[prost(message, repeated, tag = "1")]
    files: Vec<FileDescriptor>,
}

/// A file of the contract.
#[derive(Clone, PartialEq, Message)]
struct FileDescriptor {
    #[prost(string, tag = "2")]
    package: String,
    #[prost(message, repeated, tag = "6")]
    services: Vec<ServiceDescriptor>,
}

/// A service.
#[derive(Clone, PartialEq, Message)]
struct ServiceDescriptor {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, repeated, tag = "2")]
    methods: Vec<MethodDescriptor>,
}

/// A call.
#[derive(Clone, PartialEq, Message)]
struct MethodDescriptor {
    #[prost(string, tag = "1")]
    name: String,
}

/// All calls of the contract.
fn contract() -> anyhow::Result<BTreeSet<String>> {
    let files = Descriptors::decode(DESCRIPTORS)?.files.into_iter();
    let services = files.filter(|it| it.package == "liuhen.v1").flat_map(|it| it.services);
    let calls = services.flat_map(|service| {
        let name = service.name;
        service.methods.into_iter().map(move |method| format!("{name}.{}", method.name))
    });
    Ok(calls.collect())
}
