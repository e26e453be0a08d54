//! The rows of the matrix: each call with what each role is to be answered. What is about a trail or an object follows from
//! the node's table; the rest is told here, by the letters of those who may.

use super::calls::{ALL, Ask, By, NOTHING, One, PART, Plain, Trail};
use super::ledger::Ledger;
use super::lists::listed;
use super::parties::Sight;
use super::roles::{May, ROLES, Role};
use super::subjects::{self, NO_CODE, NOBODY};
use liuhen_proto::place::{ObjectKind, Place, TrailKind};
use liuhen_proto::subject;
use liuhen_proto::types::{Hash, TxId};
use liuhen_tests::things::GATEWAY;
use std::collections::BTreeMap;

/// A row.
pub struct Row {
    /// The call.
    pub ask: Ask,
    /// The same of a thing that there is not: who may not read the one is to be told the same of the other.
    pub none: Option<Ask>,
    /// What each role is to be answered.
    pub expected: Vec<String>,
}

const DENIED: &str = "read.denied";
const ABSENT: &str = "not_found";
const NO_TOKEN: &str = "token.missing";
/// Letters of all who show a token.
const MEMBERS: &str = "ucxmgso";

/// Makes the rows of a ledger, on whose trails so much stands.
pub struct Table<'a> {
    ledger: &'a Ledger,
    sizes: &'a BTreeMap<Place, u64>,
    /// The rows so far.
    pub rows: Vec<Row>,
}

impl<'a> Table<'a> {
    /// All the rows.
    pub fn of(ledger: &'a Ledger, sizes: &'a BTreeMap<Place, u64>) -> Self {
        let mut it = Self { ledger, sizes, rows: Vec::new() };
        it.trails();
        it.with_subject_keys();
        it.objects();
        it.events();
        it.proofs();
        it.public();
        it.for_members();
        it.lists();
        it.one_by_one();
        it
    }

    fn row(&mut self, ask: Ask, none: Option<Ask>, expected: impl Fn(&Role) -> String) {
        let expected = ROLES.iter().map(expected).collect();
        self.rows.push(Row { ask, none, expected });
    }

    /// A row whose readers are told by their letters; others are refused for this reason.
    fn told(&mut self, ask: Ask, none: Option<Ask>, who: &str, found: &str, refused: &str) {
        self.row(ask, none, |role| {
            let may = who.contains(role.letter);
            if may { found } else { refused_of(role, refused) }.to_owned()
        });
    }

    /// What a role may read of a trail.
    fn sight(&self, role: &Role, kind: TrailKind, id: &[u8]) -> Sight {
        self.ledger.parties.sight(role, kind, id, &self.ledger.steps)
    }

    fn trails(&mut self) {
        let things = &self.ledger.things;
        let first = TrailKind::ALL.iter().map(|kind| (*kind, subjects::of_trail(*kind, things)));
        let all: Vec<_> = first.chain(subjects::more_trails(things)).collect();
        for (kind, (id, none)) in all {
            for by in By::ALL {
                // What a manager is told of a proof is of what stands there: that there is the dataset every member knows.
                let whole = matches!(by, By::Prove | By::ProveLong);
                let none = none.clone().filter(|_| kind != TrailKind::Dataset || !whole);
                let ask = |id: Vec<u8>| Ask::Trail(by, self.trail(kind, id, Vec::new()));
                let (ask, none) = (ask(id.clone()), none.map(ask));
                let expected: Vec<_> = ROLES
                    .iter()
                    .map(|role| of_sight(by, role, self.sight(role, kind, &id)))
                    .collect();
                self.rows.push(Row { ask, none, expected });
            }
        }
    }

    fn trail(&self, kind: TrailKind, id: Vec<u8>, key: Vec<u8>) -> Trail {
        let size = self.sizes.get(&Place::trail(kind, &id)).copied().unwrap_or_default();
        Trail { kind, id, key, size }
    }

    /// A subject's trail, asked for with a key: that of its tag, that of a tag that nothing has, and another's.
    fn with_subject_keys(&mut self) {
        let (kind, things) = (TrailKind::Subject, &self.ledger.things);
        let own = things.subject_key;
        let id = |key: &Hash| [b"gz.psb".as_slice(), subject::tag(key).as_bytes()].concat();
        // Overseers' reads stand on the trail even of a tag that nothing else has: a row leaves it to no other.
        for (by, made_up) in [(By::Get, 0xd1), (By::Prove, 0xd2), (By::ProveLong, 0xd3)] {
            let made_up = Hash::new([made_up; 32]);
            let ask =
                |tag: &Hash, key: &Hash| Ask::Trail(by, self.trail(kind, id(tag), key.to_vec()));
            let (shown, nothing, others) =
                (ask(&own, &own), ask(&made_up, &made_up), ask(&own, &made_up));
            self.told(shown, Some(nothing.clone()), "co-", ALL, DENIED);
            let empty = if by == By::Get { NOTHING } else { ALL };
            self.row(nothing, None, |role| {
                match role.letter {
                    'c' | 'o' => empty,
                    '-' => ABSENT,
                    _ => DENIED,
                }
                .to_owned()
            });
            // That a key is another's is said before a token is asked for.
            self.row(others, None, |_| DENIED.to_owned());
        }
    }

    fn objects(&mut self) {
        for kind in ObjectKind::ALL.iter().copied() {
            let (id, none) = subjects::of_object(kind, &self.ledger.things);
            let parties = &self.ledger.parties;
            let sight = |role: &Role| parties.sight_of_object(role, kind, &id);
            let expected = ROLES.iter().map(|role| match sight(role) {
                Some(sight) => of_sight(By::Prove, role, sight),
                None => refused_of(role, "argument.bad").to_owned(),
            });
            let expected: Vec<_> = expected.collect();
            let none = |ask: fn(ObjectKind, Vec<u8>) -> Ask| none.clone().map(|id| ask(kind, id));
            for ask in [Ask::Object, Ask::Objects] {
                let (expected, none) = (expected.clone(), none(ask));
                self.rows.push(Row { ask: ask(kind, id.clone()), none, expected });
            }
        }
    }

    fn events(&mut self) {
        let (steps, parties) = (&self.ledger.steps, &self.ledger.parties);
        for step in steps {
            let none = || Some(Ask::Event(TxId::new(NOBODY), 0, false, step.name));
            let expected = |role: &Role| {
                let may = parties.is_for(role, &step.trails, Some(&step.kind));
                let may = may || role.may == May::Oversee;
                if may { ALL } else { refused_of(role, ABSENT) }.to_owned()
            };
            let ask = |authorised| Ask::Event(step.tx, step.number, authorised, step.name);
            self.row(ask(false), none(), expected);
            if step.name == "record under the grant" {
                self.row(ask(true), none(), expected);
            }
        }
        let ledger = Ask::Ledger(steps.clone());
        self.row(ledger, None, |role| {
            let seen = steps.iter().filter(|it| parties.passes(role, &it.trails, Some(&it.kind)));
            let names: Vec<_> = seen.map(|it| it.name).collect();
            if names.is_empty() { NO_TOKEN.to_owned() } else { names.join(", ") }
        });
    }

    fn proofs(&mut self) {
        let none = || Some(Ask::Department(NO_CODE.into()));
        self.told(Ask::Department("gz.hrss".into()), none(), "uo", ALL, DENIED);
        let none = || Some(Ask::LongDepartment(NO_CODE.into()));
        self.told(Ask::LongDepartment("gz.hrss".into()), none(), "uo", ALL, DENIED);
        let (key, made_up) = (self.ledger.things.subject_key, Hash::new(NOBODY));
        let ask = |of: &Hash, shown: Vec<u8>| Ask::Subject("gz.psb", subject::tag(of), shown);
        for (shown, others) in [(Vec::new(), Vec::new()), (key.to_vec(), made_up.to_vec())] {
            self.told(ask(&key, shown), Some(ask(&made_up, others)), "co", ALL, DENIED);
        }
        self.told(ask(&key, made_up.to_vec()), None, "", ALL, DENIED);
    }

    /// What anybody may ask.
    fn public(&mut self) {
        let everybody = format!("{MEMBERS}-");
        for plain in [Plain::GetGenesis, Plain::GetCheckpoint, Plain::ProveHeader] {
            self.told(Ask::Plain(plain), None, &everybody, ALL, NO_TOKEN);
        }
        self.told(Ask::Headers, None, &everybody, ALL, NO_TOKEN);
        // What is submitted is judged by what it says.
        let judged = [
            (Plain::Submit, "transaction.malformed"),
            (Plain::SubmitStream, "transaction.malformed"),
            (Plain::AddCosignature, "argument.bad"),
        ];
        for (plain, reason) in judged {
            self.told(Ask::Plain(plain), None, &everybody, reason, NO_TOKEN);
        }
        // Who is away is told to members.
        self.row(Ask::Plain(Plain::GetStatus), None, |role| match role.may {
            May::Nothing => format!("away: {NOTHING}"),
            May::Read | May::Manage | May::Oversee => "away: gz.tax".to_owned(),
        });
    }

    fn for_members(&mut self) {
        let departments =
            ["aud", "bdb", "exit", "hrss", "plan", "psb", "sec", "sup", "tax", "vill"];
        let departments = listed(departments.map(|code| format!("gz.{code}")));
        let found = [
            (Plain::ListDepartments, departments.as_str()),
            (Plain::ListIdentities, "regulator"),
            (Plain::ListDatasets, "civil.open, civil.resident"),
            (Plain::GetConsortium, ALL),
            (Plain::ListProposals, "tax-collects"),
        ];
        for (plain, found) in found {
            self.told(Ask::Plain(plain), None, MEMBERS, found, NO_TOKEN);
        }
        let things = &self.ledger.things;
        let key = Ask::One(One::GetKey, things.key(GATEWAY));
        let identity = Ask::One(One::GetIdentity, things.identity(GATEWAY));
        self.told(key, None, MEMBERS, ALL, NO_TOKEN);
        self.told(identity, None, MEMBERS, ALL, NO_TOKEN);
    }

    /// Lists hold what the caller may read, and no more.
    fn lists(&mut self) {
        let things = &self.ledger.things;
        let grants =
            [("hr-1", things.grant), ("st-1", things.standing), ("vi-1", things.passed_on)];
        let told = |role: &Role, name: &str, id: &[u8]| {
            let used = self.sight(role, TrailKind::Use, id) == Sight::All;
            let used = if used { " and its use" } else { "" };
            let sees = self.sight(role, TrailKind::Grant, id) == Sight::All;
            sees.then(|| format!("{name}{used}"))
        };
        let mut rows = Vec::new();
        let all = |role: &Role| {
            let seen = grants.iter().filter_map(|(name, id)| told(role, name, id.as_bytes()));
            of_list(role, listed(seen))
        };
        let requests = Ask::Plain(Plain::ListRequests);
        rows.push(Row { ask: requests, none: None, expected: ROLES.iter().map(all).collect() });
        for (name, id) in grants {
            let ask = |id: &[u8]| Ask::One(One::GetRequest, id.to_vec());
            let refused = |role: &Role| refused_of(role, ABSENT).to_owned();
            let one =
                |role: &Role| told(role, name, id.as_bytes()).unwrap_or_else(|| refused(role));
            let (ask, none) = (ask(id.as_bytes()), Some(ask(&NOBODY)));
            rows.push(Row { ask, none, expected: ROLES.iter().map(one).collect() });
        }
        let kept = [
            (Plain::ListCases, TrailKind::Case, &things.case, "case-1"),
            (Plain::ListProducts, TrailKind::Product, &things.product, "product-1"),
        ];
        for (plain, kind, id, name) in kept {
            let seen = |role: &Role| {
                let sees = self.sight(role, kind, id) == Sight::All;
                of_list(role, if sees { name } else { NOTHING }.to_owned())
            };
            let expected = ROLES.iter().map(seen).collect();
            rows.push(Row { ask: Ask::Plain(plain), none: None, expected });
        }
        self.rows.append(&mut rows);
        let theirs = [
            // Parties are the collector, and who is burdened.
            (Plain::ListCorrections, "uco", "mapping"),
            (Plain::ListSealing, "sco", "gz.sec"),
        ];
        for (plain, who, name) in theirs {
            self.row(Ask::Plain(plain), None, |role| {
                let sees = who.contains(role.letter);
                of_list(role, if sees { name } else { NOTHING }.to_owned())
            });
        }
    }

    /// What is filed with a trail.
    fn one_by_one(&mut self) {
        let (gateway, psb) = (self.ledger.things.identity(GATEWAY), b"gz.psb".to_vec());
        let (nobody, no_code) = (Some(NOBODY.to_vec()), Some(NO_CODE.as_bytes().to_vec()));
        let with = [
            (One::GetGateway, TrailKind::Gateway, &gateway, nobody.clone()),
            (One::GetBulkSet, TrailKind::Gateway, &gateway, nobody),
            (One::ListIntegrity, TrailKind::Integrity, &psb, no_code.clone()),
            // Whose identity it is every member knows.
            (One::ListIntegrityOfIdentity, TrailKind::IdentityIntegrity, &gateway, None),
            (One::ListAlerts, TrailKind::Alert, &psb, no_code),
        ];
        for (one, kind, id, none) in with {
            let (ask, none) = (Ask::One(one, id.clone()), none.map(|id| Ask::One(one, id)));
            let sight = |role: &Role| of_sight(By::Get, role, self.sight(role, kind, id));
            let expected = ROLES.iter().map(sight).collect();
            self.rows.push(Row { ask, none, expected });
        }
    }
}

/// What a role is refused for: whoever shows no token, for that.
fn refused_of<'a>(role: &Role, reason: &'a str) -> &'a str {
    if role.may == May::Nothing { NO_TOKEN } else { reason }
}

/// What a role finds in a list.
fn of_list(role: &Role, found: String) -> String {
    if role.may == May::Nothing { NO_TOKEN.to_owned() } else { found }
}

/// What a call for a trail is answered by what may be read of it.
fn of_sight(by: By, role: &Role, sight: Sight) -> String {
    match (sight, by) {
        (Sight::All, _) | (Sight::Part, By::Consistency) => ALL,
        (Sight::Part, By::Get | By::Watch) => PART,
        // A proof that nothing is left out can't leave it out.
        (Sight::Part, By::Prove | By::ProveLong) | (Sight::Nothing, _) => refused_of(role, DENIED),
    }
    .to_owned()
}
