//! From statements to records: names resolved against the ledger once, text digested with salts that follow from the gateway's
//! secret, and what is recorded already left out.

use crate::grants::Grants;
use crate::known::{Known, KnownRecord, Recorded, account};
use crate::mapping::{Mapping, Role};
use crate::sql::Fields;
use crate::statement::{APART_MS, Statement};
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_proto::items::Item;
use liuhen_proto::items::sharing::grants::{self, Moment};
use liuhen_proto::suite::hash::{Domain, hash, salted_digest};
use liuhen_proto::types::{TimeMs, check_code, limits};
use liuhen_proto::wire::{self, GrantState, item::Kind};
use std::collections::{BTreeMap, BTreeSet};

/// A dataset with an operation on it.
type Touch = (String, i32);

/// A record to be made of a statement: some of its datasets, or none where they can't be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Planned {
    nonce: [u8; 16],
    touched: Vec<Touch>,
    /// What tells the statement from others.
    reference: String,
}

/// What is to be recorded of a statement, and what is on the ledger of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    pub missing: Vec<Planned>,
    pub recorded: Vec<KnownRecord>,
}

/// Makes records of statements.
pub(crate) struct Planner<'a> {
    mapping: &'a Mapping,
    salt: [u8; 32],
    shift_ms: i128,
    identities: BTreeMap<String, wire::Identity>,
    /// The fields of datasets, as the catalogue has them.
    fields: BTreeMap<String, BTreeSet<String>>,
    grants: Grants,
    /// What could not be resolved, and how often.
    pub counts: Counts,
}

/// What of the statements' grants could not be resolved, and how often.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Names of grants, with the dataset, that the ledger does not have.
    pub unknown_grants: BTreeMap<String, u64>,
    /// Accesses whose grant a rule of the mapping took, by caller and dataset.
    pub by_rule: BTreeMap<String, u64>,
    /// Accesses for which a rule found no grant that fits.
    pub no_grant_fits: BTreeMap<String, u64>,
    /// Accesses for which a rule found several, and took none.
    pub several_fit: BTreeMap<String, u64>,
}

impl<'a> Planner<'a> {
    pub(crate) async fn new(
        node: &Node,
        mapping: &'a Mapping,
        salt: [u8; 32],
        shift_ms: i128,
    ) -> Result<Self, ClientError> {
        let mut identities = BTreeMap::new();
        let of_roles = mapping.roles.values().map(|it| (&it.identity, &it.purpose));
        let of_callers = mapping.callers.iter().map(|it| (&it.identity, &it.purpose));
        let of_rules = mapping.rules.iter().map(|it| (&it.identity, &it.purpose));
        let of_files = mapping.files.iter().map(|it| (&it.receiver, &it.purpose));
        for (identity, purpose) in of_roles.chain(of_callers).chain(of_rules).chain(of_files) {
            if !identities.contains_key(identity) {
                identities.insert(identity.clone(), node.identity(identity).await?);
            }
            if !purpose.is_empty() {
                check_code(purpose).map_err(|e| ClientError::Usage(e.to_string()))?;
            }
        }
        if let Some(platform) = &mapping.platform {
            identities.insert(platform.clone(), node.identity(platform).await?);
        }
        let mut fields = BTreeMap::new();
        let of_functions = mapping.functions.values().flatten();
        let of_files = mapping.files.iter().map(|it| &it.dataset);
        let codes = mapping.relations.values().chain(of_functions).chain(of_files);
        for code in codes.collect::<BTreeSet<_>>() {
            let dataset = node.dataset(code).await?;
            let registered = dataset.fields.into_iter();
            fields.insert(code.clone(), registered.map(|it| it.name).collect());
        }
        let (grants, counts) = (Grants::of(node, fields.keys()).await?, Counts::default());
        Ok(Self { mapping, salt, shift_ms, identities, fields, grants, counts })
    }

    /// Asks again which grants there are.
    pub(crate) async fn renew(&mut self, node: &Node) -> Result<(), ClientError> {
        self.grants = Grants::of(node, self.fields.keys()).await?;
        Ok(())
    }

    /// What is to be recorded of a statement. A record's nonce follows from what tells the statement from others: nobody
    /// without the salt can guess it, and the same statement has the same again. Where a further line, or a log that holds
    /// more, shows that it touched more, that is recorded beside what is there.
    pub(crate) fn plan(
        &self,
        statement: &Statement,
        known: &dyn Recorded,
    ) -> Result<Plan, ClientError> {
        let mut reference = statement.reference.clone();
        let first = [reference.clone(), format!("{reference}/untold")];
        let first =
            first.iter().find_map(|it| known.of(&self.nonce(it)).transpose()).transpose()?;
        if first.as_ref().is_some_and(|it| self.is_another(it, statement)) {
            // Two servers may give the same numbers; what they executed tells them apart.
            let text = hash(Domain::Digest, &[&statement.text()]).to_string();
            reference = format!("{reference}#{text}");
        }
        let mut plan = Plan::default();
        let mut left: BTreeSet<Touch> = statement.touched.keys().cloned().collect();
        let base = self.nonce(&reference);
        let base_known = known.of(&base)?;
        let mut take = |record: Option<KnownRecord>, left: &mut BTreeSet<Touch>| {
            record.map(|it| {
                // What stands in the place of a record stands for all of it.
                left.retain(|touch| it.is_record && !it.touched.contains(touch));
                plan.recorded.push(it);
            })
        };
        let has_base = take(base_known, &mut left).is_some();
        for touch in statement.touched.keys() {
            if left.contains(touch) {
                take(known.of(&self.nonce_of(&reference, touch))?, &mut left);
            }
        }
        let untold = self.nonce(&format!("{reference}/untold"));
        let untold_known = take(known.of(&untold)?, &mut left).is_some();
        let left: Vec<Touch> = left.into_iter().collect();
        for (at, touched) in left.chunks(limits::RECORD_DATASETS).enumerate() {
            let Some(first) = touched.first() else { continue };
            let nonce = match at == 0 && !has_base {
                true => base,
                false => self.nonce_of(&reference, first),
            };
            let reference = reference.clone();
            plan.missing.push(Planned { nonce, touched: touched.to_vec(), reference });
        }
        if !statement.untold.is_empty() && !untold_known {
            plan.missing.push(Planned { nonce: untold, touched: Vec::new(), reference });
        }
        Ok(plan)
    }

    /// How far a log was moved when it was imported: what the first of these statements that is recorded says; `None` where none is.
    pub(crate) fn moved(
        &self,
        all: &[Statement],
        known: &Known,
    ) -> Result<Option<i128>, ClientError> {
        for statement in all {
            if let Some(record) = known.record(&self.nonce(&statement.reference))? {
                return Ok(Some(i128::from(record.time_ms) - i128::from(statement.time_ms)));
            }
        }
        Ok(None)
    }

    /// Moves the times of statements.
    pub(crate) fn shift(&mut self, by_ms: i128) {
        self.shift_ms = by_ms;
    }

    /// How far times are moved, milliseconds.
    pub(crate) fn shifted(&self) -> i64 {
        i64::try_from(self.shift_ms).unwrap_or(0)
    }

    fn nonce(&self, reference: &str) -> [u8; 16] {
        self.derived(b"nonce", reference.as_bytes())
    }

    fn nonce_of(&self, reference: &str, (dataset, operation): &Touch) -> [u8; 16] {
        self.nonce(&format!("{reference}/{dataset}/{operation}"))
    }

    /// Whether a record with a statement's nonce is of another statement: another time, or neither the same text nor the same account.
    fn is_another(&self, known: &KnownRecord, statement: &Statement) -> bool {
        let same_text = known.query == self.query_digest(statement);
        let asker = account(Some(&self.asker(statement)));
        let same_asker = known.account == asker;
        // The lines of a statement may be written one after the other; times that were moved say nothing.
        let apart = known.time_ms.abs_diff(self.time(statement));
        let same_time = apart <= APART_MS || self.shift_ms != 0;
        known.is_record && !(same_time && (same_text || same_asker))
    }

    pub(crate) fn query_digest(&self, statement: &Statement) -> Vec<u8> {
        let salt = self.derived(b"query", statement.reference.as_bytes());
        salted_digest(&salt, &statement.text()).to_vec()
    }

    /// The salted digest of what was handed over, by its SHA-256; empty where it is no file.
    fn result_digest(&self, statement: &Statement) -> Vec<u8> {
        let salt = self.derived(b"result", statement.reference.as_bytes());
        let digest = statement.content.as_ref().map(|it| salted_digest(&salt, it).to_vec());
        digest.unwrap_or_default()
    }

    pub(crate) fn time(&self, statement: &Statement) -> u64 {
        let shifted = i128::from(statement.time_ms) + self.shift_ms;
        u64::try_from(shifted).unwrap_or(statement.time_ms)
    }

    /// A record of a statement.
    pub(crate) fn item(
        &mut self,
        statement: &Statement,
        planned: &Planned,
        access_no: u64,
        collector: &str,
    ) -> Result<Item, ClientError> {
        let role = self.mapping.caller(&statement.caller);
        let (accesses, by_rule) = self.accesses(statement, role.as_ref(), &planned.touched);
        let decision =
            if statement.denied { wire::Decision::Denied } else { wire::Decision::Served };
        let rows = statement.rows();
        let salt = self.derived(b"statement", planned.reference.as_bytes());
        let named = statement.named.purpose.clone().filter(|it| check_code(it).is_ok());
        let record = wire::RecordAccess {
            channel: if statement.content.is_some() {
                wire::Channel::File
            } else {
                wire::Channel::Log
            } as i32,
            collector: collector.to_owned(),
            access_no,
            decision: decision as i32,
            accesses,
            asker: Some(self.asker(statement)),
            via: self.via(),
            on_behalf_of: statement
                .named
                .user
                .as_ref()
                .map(|user| self.unmapped(&format!("user {user}"))),
            purpose: named.or(by_rule).or(role.map(|it| it.purpose)).unwrap_or_default(),
            subjects: Some(wire::Subjects {
                unknown_count: rows.unwrap_or(0),
                uncounted: rows.is_none(),
                ..wire::Subjects::default()
            }),
            query_digest: self.query_digest(statement),
            result_digest: self.result_digest(statement),
            row_count: rows,
            access_time_ms: self.time(statement),
            statement_digest: salted_digest(&salt, planned.reference.as_bytes()).to_vec(),
            ..wire::RecordAccess::default()
        };
        let made = Item::new(planned.nonce, Kind::RecordAccess(record));
        made.map_err(|e| ClientError::Failed(format!("statement {}: {e}", statement.reference)))
    }

    /// The platform by whose word this is known. Nobody showed that it is: it states it.
    fn via(&self) -> Option<wire::Party> {
        let identity = self.identities.get(self.mapping.platform.as_ref()?)?;
        Some(wire::Party {
            department: identity.department.clone(),
            identity_id: identity.identity_id.clone(),
            assurance: wire::Assurance::Claimed as i32,
            ..wire::Party::default()
        })
    }

    /// Counts what of a statement can't be resolved that is recorded already.
    pub(crate) fn count(&mut self, statement: &Statement) {
        let role = self.mapping.caller(&statement.caller);
        let touched: Vec<Touch> = statement.touched.keys().cloned().collect();
        self.accesses(statement, role.as_ref(), &touched);
    }

    /// The grants under which a statement's accesses are recorded, hexadecimal.
    pub(crate) fn grants(&mut self, statement: &Statement) -> BTreeSet<String> {
        let role = self.mapping.caller(&statement.caller);
        let touched: Vec<Touch> = statement.touched.keys().cloned().collect();
        let (accesses, _) = self.accesses(statement, role.as_ref(), &touched);
        let ids = accesses.iter().map(|it| hex::encode(&it.request_id));
        ids.filter(|it| !it.is_empty()).collect()
    }

    /// The accesses of a record; and the purpose that a rule gave.
    fn accesses(
        &mut self,
        statement: &Statement,
        role: Option<&Role>,
        touched: &[Touch],
    ) -> (Vec<wire::DatasetAccess>, Option<String>) {
        let (mut accesses, mut purpose) = (Vec::with_capacity(touched.len()), None);
        for (dataset, operation) in touched {
            let named = self.named(statement, dataset);
            let ruled = match (&named, role) {
                // What is hidden may name one.
                (None, Some(role))
                    if statement.named.grants.is_empty() && !statement.named.hidden =>
                {
                    self.by_rule(statement, role, (dataset, *operation))
                }
                _ => None,
            };
            let grant_by_rule = ruled.is_some();
            if let Some((_, of_rule)) = &ruled {
                purpose = Some(of_rule.clone());
            }
            let request_id = named.or(ruled.map(|(id, _)| id)).unwrap_or_default();
            let fields = self.known_fields(statement, dataset, *operation);
            accesses.push(wire::DatasetAccess {
                dataset: dataset.clone(),
                operation: *operation,
                grant_unknown: statement.named.hidden && request_id.is_empty(),
                request_id,
                fields_by_text: !fields.is_empty(),
                fields,
                grant_by_rule,
                ..wire::DatasetAccess::default()
            });
        }
        (accesses, purpose)
    }

    /// The fields touched, where all of them are known and stand in the catalogue.
    fn known_fields(&self, statement: &Statement, dataset: &str, operation: i32) -> Vec<String> {
        let touched = statement.touched.get(&(dataset.to_owned(), operation));
        let Some(Fields::These(fields)) = touched else { return Vec::new() };
        let registered = self.fields.get(dataset);
        let all = registered.is_some_and(|it| fields.iter().all(|field| it.contains(field)));
        if all { fields.iter().cloned().collect() } else { Vec::new() }
    }

    /// The grant that a statement names.
    fn named(&mut self, statement: &Statement, dataset: &str) -> Option<Vec<u8>> {
        let name = statement.named.grant()?;
        let reference = self.mapping.grants.get(name).map_or(name, String::as_str);
        let found = self.grants.named(dataset, reference).map(|it| it.request_id);
        if found.is_none() {
            *self.counts.unknown_grants.entry(format!("{name}@{dataset}")).or_default() += 1;
        }
        found
    }

    /// The only grant that fits a caller's rule, with the rule's purpose.
    fn by_rule(
        &mut self,
        statement: &Statement,
        role: &Role,
        (dataset, operation): (&str, i32),
    ) -> Option<(Vec<u8>, String)> {
        let rule = self.mapping.rule(&role.identity, dataset)?;
        let identity = self.identities.get(&role.identity)?;
        let time = self.time(statement);
        let moment = Moment::Time(TimeMs::new(time));
        let fits = |it: &wire::Grant| {
            let terms = grants::terms_at(it, moment);
            grants::state_at(it, moment) == GrantState::Active
                && terms.is_some_and(|terms| {
                    terms.identity_ids.contains(&identity.identity_id)
                        && terms.operations.contains(&operation)
                        && (terms.from_ms..terms.until_ms).contains(&time)
                })
        };
        let used = self.grants.used(dataset, &identity.department, &rule.purpose);
        let mut fitting = used.filter(fits);
        let (only, further) = (fitting.next(), fitting.next());
        let counts = match (&only, &further) {
            (Some(_), None) => &mut self.counts.by_rule,
            (Some(_), Some(_)) => &mut self.counts.several_fit,
            (None, _) => &mut self.counts.no_grant_fits,
        };
        *counts.entry(format!("{} on {dataset}", role.identity)).or_default() += 1;
        let only = only.filter(|_| further.is_none())?;
        Some((only.request_id, rule.purpose.clone()))
    }

    pub(crate) fn asker(&self, statement: &Statement) -> wire::Party {
        let role = self.mapping.caller(&statement.caller);
        let mapped = role.and_then(|role| Some((self.identities.get(&role.identity)?, role)));
        match mapped {
            Some((identity, role)) => wire::Party {
                department: identity.department.clone(),
                identity_id: identity.identity_id.clone(),
                assurance: role.assurance.to_wire() as i32,
                ..wire::Party::default()
            },
            None => self.unmapped(&format!("{}@{}", statement.caller.role, statement.database)),
        }
    }

    /// An account without an identity.
    fn unmapped(&self, account: &str) -> wire::Party {
        let salt = self.derived(b"account", account.as_bytes());
        wire::Party {
            unmapped_digest: salted_digest(&salt, account.as_bytes()).to_vec(),
            ..wire::Party::default()
        }
    }

    fn derived(&self, what: &[u8], of: &[u8]) -> [u8; 16] {
        let digest = hash(Domain::Salt, &[&self.salt, what, b"\n", of]);
        digest.as_bytes().first_chunk().copied().unwrap_or_default()
    }
}
