//! `liuhen record`: one access, as a gateway saw it.

use super::Common;
use crate::connect::Node;
use crate::error::ClientError;
use crate::output::print_one;
use crate::submit::{item, random};
use crate::text;
use liuhen_proto::event::Outcome;
use liuhen_proto::hash::salted_digest;
use liuhen_proto::place::{Place, TrailKind};
use liuhen_proto::types::IdentityId;
use liuhen_proto::wire::{self, item::Kind};
use serde_json::json;

/// Record one access, as a gateway saw it
#[derive(Debug, clap::Args)]
pub struct Record {
    /// The dataset
    #[arg(long)]
    dataset: String,
    /// The operation: read, export, insert, update, delete, admin
    #[arg(long, default_value = "read")]
    operation: String,
    /// The grant: request id, reference, or reference@dataset
    #[arg(long)]
    grant: Option<String>,
    /// The identity that asked, `department/code`
    #[arg(long, conflicts_with = "unmapped_account")]
    asker: Option<String>,
    /// An account without an identity; its salted digest goes on the ledger
    #[arg(long)]
    unmapped_account: Option<String>,
    /// The asker was authenticated by the gateway
    #[arg(long)]
    verified: bool,
    /// A purpose of the consortium's list
    #[arg(long, default_value = "")]
    purpose: String,
    /// Fields touched; without any: unknown
    #[arg(long, value_delimiter = ',')]
    fields: Vec<String>,
    /// Subject tags, 64 hexadecimal digits each
    #[arg(long = "subject", value_delimiter = ',')]
    subjects: Vec<String>,
    /// How many more subjects there were without a known tag
    #[arg(long, default_value_t = 0)]
    unknown_subjects: u64,
    /// Rows returned or changed
    #[arg(long, default_value_t = 0)]
    rows: u64,
    /// The query; it stays here, its salted digest goes on the ledger
    #[arg(long, default_value = "")]
    query: String,
    /// When; without it: now
    #[arg(long)]
    time: Option<String>,
    /// The gateway refused it
    #[arg(long)]
    denied: bool,
    /// The height by whose state the gateway decided
    #[arg(long)]
    decided_height: Option<u64>,
    /// The gateway's number; without it: the next
    #[arg(long)]
    access_no: Option<u64>,
}

impl Record {
    /// Records it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let node = common.connect().await?;
        let account = common.account(&node).await?;
        let access_no = match self.access_no {
            Some(number) => number,
            None => last_access_no(&node, &account.signer.identity).await?.saturating_add(1),
        };
        let salt: [u8; 16] = random()?;
        let decision = if self.denied { wire::Decision::Denied } else { wire::Decision::Served };
        let record = wire::RecordAccess {
            collector: account.signer.department.clone(),
            access_no,
            decision: decision as i32,
            accesses: vec![self.access(&node).await?],
            asker: Some(self.party(&node, &salt).await?),
            purpose: self.purpose.clone(),
            subjects: Some(self.subjects()?),
            query_digest: salted_digest(&salt, self.query.as_bytes()).to_vec(),
            row_count: self.rows,
            access_time_ms: match &self.time {
                Some(time) => text::parse_time(time)?,
                None => crate::submit::now().get(),
            },
            decided_height: self.decided_height,
            ..wire::RecordAccess::default()
        };
        let item = item(Kind::RecordAccess(record))?;
        let (tx, committed) = account.submit(&node, &[item]).await?;
        let bits = committed.outcomes.first().and_then(|bits| u16::try_from(*bits).ok());
        let outcome = bits.and_then(Outcome::from_bits).unwrap_or(Outcome::DONE);
        let fields = [
            ("access_no", json!(access_no)),
            ("verdict", json!(outcome.verdict.name())),
            ("reason", json!(outcome.reason.name())),
            ("timeliness", json!(outcome.timeliness.name())),
            ("height", json!(committed.height)),
            ("tx_id", json!(tx.id().to_string())),
            ("salt", json!(hex::encode(salt))),
        ];
        print_one(&fields, common.output)
    }

    async fn access(&self, node: &Node) -> Result<wire::DatasetAccess, ClientError> {
        let request_id = match &self.grant {
            Some(name) => node.request(name).await?.request.unwrap_or_default().request_id,
            None => Vec::new(),
        };
        let mut fields = self.fields.clone();
        fields.sort();
        Ok(wire::DatasetAccess {
            dataset: self.dataset.clone(),
            operation: text::parse_operation(&self.operation)? as i32,
            request_id,
            fields,
            version: 0,
        })
    }

    async fn party(&self, node: &Node, salt: &[u8; 16]) -> Result<wire::Party, ClientError> {
        let assurance =
            if self.verified { wire::Assurance::Verified } else { wire::Assurance::Claimed };
        let mut party = wire::Party { assurance: assurance as i32, ..wire::Party::default() };
        match (&self.asker, &self.unmapped_account) {
            (Some(name), _) => {
                let identity = node.identity(name).await?;
                party.department = identity.department;
                party.identity_id = identity.identity_id;
            }
            (None, Some(account)) => {
                party.unmapped_digest = salted_digest(salt, account.as_bytes()).to_vec();
            }
            (None, None) => {
                let why = "--asker or --unmapped-account is needed: who asked";
                return Err(ClientError::Usage(why.into()));
            }
        }
        Ok(party)
    }

    fn subjects(&self) -> Result<wire::Subjects, ClientError> {
        let tags = self.subjects.iter().map(|tag| {
            hex::decode(tag).map_err(|e| ClientError::Usage(format!("subject `{tag}`: {e}")))
        });
        let mut tags = tags.collect::<Result<Vec<_>, _>>()?;
        tags.sort();
        Ok(wire::Subjects { tags, unknown_count: self.unknown_subjects })
    }
}

/// The last number that a gateway's records have; 0 for a new gateway.
pub async fn last_access_no(node: &Node, gateway: &IdentityId) -> Result<u64, ClientError> {
    let trail = Place::gateway_trail(gateway);
    let request = wire::GetTrailRequest {
        trail_kind: TrailKind::Gateway as u32,
        trail_id: trail.id().to_vec(),
        page_size: 1,
        newest_first: true,
        ..wire::GetTrailRequest::default()
    };
    let page = node.trails().get_trail(request).await?.into_inner();
    let Some(last) = page.events.first() else {
        return Ok(0);
    };
    match crate::event::Event::from_wire(last)?.body.record() {
        Some(it) => Ok(it.access_no),
        None => Err(ClientError::failed("the gateway's last event is no record")),
    }
}
