//! From statements to records: names resolved against the ledger once, text digested with salts
//! that follow from the gateway's secret.

use crate::log::Statement;
use crate::mapping::Mapping;
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_proto::items::Item;
use liuhen_proto::suite::hash::{Domain, hash, salted_digest};
use liuhen_proto::types::check_code;
use liuhen_proto::wire::{self, item::Kind};
use std::collections::{BTreeMap, BTreeSet};

/// Makes records of statements.
pub(super) struct Planner<'a> {
    mapping: &'a Mapping,
    salt: [u8; 32],
    shift_ms: i128,
    identities: BTreeMap<String, wire::Identity>,
    /// Request ids by reference and dataset.
    grants: BTreeMap<(String, String), Vec<u8>>,
    unknown_tags: BTreeMap<String, u64>,
}

impl<'a> Planner<'a> {
    pub(super) async fn new(
        node: &Node,
        mapping: &'a Mapping,
        salt: [u8; 32],
        shift_ms: i128,
    ) -> Result<Self, ClientError> {
        let mut identities = BTreeMap::new();
        for (role, it) in &mapping.roles {
            let identity = node.identity(&it.identity).await?;
            if !it.purpose.is_empty() {
                check_code(&it.purpose).map_err(|e| ClientError::Usage(e.to_string()))?;
            }
            identities.insert(role.clone(), identity);
        }
        for dataset in mapping.relations.values().collect::<BTreeSet<_>>() {
            node.dataset(dataset).await?;
        }
        let mut grants = BTreeMap::new();
        for it in node.requests(wire::ListRequestsRequest::default()).await? {
            if let Some(grant) = it.grant {
                grants.insert((grant.reference, grant.dataset), grant.request_id);
            }
        }
        let unknown_tags = BTreeMap::new();
        Ok(Self { mapping, salt, shift_ms, identities, grants, unknown_tags })
    }

    /// The nonce of a statement's record: nobody without the salt can guess it, and the same
    /// statement has the same again.
    pub(super) fn nonce(&self, statement: &Statement) -> [u8; 16] {
        self.derived(b"nonce", statement.reference.as_bytes())
    }

    /// The record of a statement.
    pub(super) fn item(
        &mut self,
        statement: &Statement,
        access_no: u64,
        collector: &str,
    ) -> Result<Item, ClientError> {
        let salt = self.derived(b"query", statement.reference.as_bytes());
        let role = self.mapping.roles.get(&statement.role);
        let decision =
            if statement.denied { wire::Decision::Denied } else { wire::Decision::Served };
        let shifted = i128::from(statement.time_ms) + self.shift_ms;
        let record = wire::RecordAccess {
            channel: wire::Channel::Log as i32,
            collector: collector.to_owned(),
            access_no,
            decision: decision as i32,
            accesses: self.accesses(statement),
            asker: Some(self.asker(statement)),
            purpose: role.map(|it| it.purpose.clone()).unwrap_or_default(),
            subjects: Some(wire::Subjects {
                unknown_count: statement.rows,
                ..wire::Subjects::default()
            }),
            query_digest: salted_digest(&salt, &statement.text).to_vec(),
            row_count: Some(statement.rows),
            access_time_ms: u64::try_from(shifted).unwrap_or(statement.time_ms),
            ..wire::RecordAccess::default()
        };
        let made = Item::new(self.nonce(statement), Kind::RecordAccess(record));
        made.map_err(|e| ClientError::Failed(format!("statement {}: {e}", statement.reference)))
    }

    /// Tags that name no grant of the dataset, and how often each came up.
    pub(super) fn unknown_tags(&self) -> Vec<(String, u64)> {
        self.unknown_tags.iter().map(|(tag, count)| (tag.clone(), *count)).collect()
    }

    /// Counts the tags of a statement that is recorded already.
    pub(super) fn count_tags(&mut self, statement: &Statement) {
        self.accesses(statement);
    }

    fn accesses(&mut self, statement: &Statement) -> Vec<wire::DatasetAccess> {
        let mut accesses = Vec::with_capacity(statement.touched.len());
        for (dataset, operation) in &statement.touched {
            let grant = statement.tag.as_ref().and_then(|tag| {
                let reference = self.mapping.grants.get(tag).unwrap_or(tag);
                let found = self.grants.get(&(reference.clone(), dataset.clone())).cloned();
                if found.is_none() {
                    *self.unknown_tags.entry(format!("{tag}@{dataset}")).or_default() += 1;
                }
                found
            });
            accesses.push(wire::DatasetAccess {
                dataset: dataset.clone(),
                operation: *operation,
                request_id: grant.unwrap_or_default(),
                ..wire::DatasetAccess::default()
            });
        }
        accesses
    }

    pub(super) fn asker(&self, statement: &Statement) -> wire::Party {
        let mapped =
            self.mapping.roles.get(&statement.role).zip(self.identities.get(&statement.role));
        match mapped {
            Some((role, identity)) => wire::Party {
                department: identity.department.clone(),
                identity_id: identity.identity_id.clone(),
                assurance: role.assurance.to_wire() as i32,
                ..wire::Party::default()
            },
            None => {
                let account = format!("{}@{}", statement.role, statement.database);
                let salt = self.derived(b"account", account.as_bytes());
                wire::Party {
                    unmapped_digest: salted_digest(&salt, account.as_bytes()).to_vec(),
                    ..wire::Party::default()
                }
            }
        }
    }

    fn derived(&self, what: &[u8], of: &[u8]) -> [u8; 16] {
        let digest = hash(Domain::Salt, &[&self.salt, what, b"\n", of]);
        digest.as_bytes().first_chunk().copied().unwrap_or_default()
    }
}
