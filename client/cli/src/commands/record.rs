//! `liuhen record`: one access, as a gateway saw it.

use super::Common;
use super::tag::read_tags;
use crate::output::print_one;
use crate::text;
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_client::submit::{Account, item, random};
use liuhen_proto::event::Outcome;
use liuhen_proto::items::access::receipt;
use liuhen_proto::subject;
use liuhen_proto::suite::hash::salted_digest;
use liuhen_proto::types::{TimeMs, limits};
use liuhen_proto::wire::{self, item::Kind};
use serde_json::json;
use std::path::PathBuf;

/// Record one access, as a gateway saw it
#[derive(Debug, clap::Args)]
// Its own --version is that of the data.
#[command(disable_version_flag = true)]
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
    /// Rows returned or changed; without it: unknown, and none of what was refused
    #[arg(long)]
    rows: Option<u64>,
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
    /// How the gateway knew: door (it decided before), api (the service said so), log (followed afterwards), file
    #[arg(long, default_value = "door", value_parser = ["door", "api", "log", "file"])]
    channel: String,
    /// The gateway's number; without it: the next
    #[arg(long)]
    access_no: Option<u64>,
    /// The version of the data; without it: unknown
    #[arg(long, default_value_t = 0)]
    version: u64,
    /// The platform that carried the question, `department/code`
    #[arg(long)]
    via: Option<String>,
    /// The platform's message id; its salted digest goes on the ledger
    #[arg(long, requires = "via")]
    message: Option<String>,
    /// For whom the asker asked, `department/code`
    #[arg(long)]
    on_behalf_of: Option<String>,
    /// Many subjects: a file of their tags, a line each, which go on the ledger behind the record
    #[arg(long, conflicts_with_all = ["subjects", "unknown_subjects", "whole"])]
    bulk: Option<PathBuf>,
    /// All subjects of the version
    #[arg(long, requires = "version", conflicts_with_all = ["subjects", "unknown_subjects"])]
    whole: bool,
    /// Handed over on a disk with this file's content, signed by an officer of the collector
    #[arg(long)]
    handover: Option<PathBuf>,
    /// Seal the record under this decision
    #[arg(long, requires = "keep", conflicts_with_all = ["handover", "bulk"])]
    sealed: Option<String>,
    /// Where to keep what opens the sealed record
    #[arg(long, requires = "sealed")]
    keep: Option<PathBuf>,
}

impl Record {
    /// Records it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let node = common.connect().await?;
        let account = common.account(&node).await?;
        let access_no = match self.access_no {
            Some(number) => number,
            None => node.last_access_no(&account.signer.identity).await?.saturating_add(1),
        };
        let salt: [u8; 16] = random()?;
        let tags = self.bulk.as_deref().map(read_tags).transpose()?;
        let collector = account.signer.department.clone();
        let record = self.record(&node, collector, access_no, &salt, tags.as_deref()).await?;
        let receipt = self.receipt(&account, &record);
        let kind = self.kind(&node, &account, record).await?;
        let (tx, committed) = account.submit(&node, &[item(kind)?]).await?;
        let bits = committed.outcomes.first().and_then(|bits| u16::try_from(*bits).ok());
        let outcome = bits.and_then(Outcome::from_bits).unwrap_or(Outcome::DONE);
        if let Some(tags) = &tags {
            add_tags(&node, &account, access_no, tags).await?;
        }
        let mut fields = vec![
            ("access_no", json!(access_no)),
            ("verdict", json!(outcome.verdict.name())),
            ("reason", json!(outcome.reason.name())),
            ("timeliness", json!(outcome.timeliness.name())),
            ("height", json!(committed.height)),
            ("tx_id", json!(tx.id().to_string())),
            ("salt", json!(hex::encode(salt))),
        ];
        fields.extend(receipt.map(|it| ("receipt", json!(text::receipt(&it)))));
        print_one(&fields, common.output)
    }

    async fn record(
        &self,
        node: &Node,
        collector: String,
        access_no: u64,
        salt: &[u8; 16],
        tags: Option<&[Vec<u8>]>,
    ) -> Result<wire::RecordAccess, ClientError> {
        let decision = if self.denied { wire::Decision::Denied } else { wire::Decision::Served };
        let message = self.message.as_ref().map(|id| salted_digest(salt, id.as_bytes()).to_vec());
        Ok(wire::RecordAccess {
            collector,
            access_no,
            decision: decision as i32,
            accesses: vec![self.access(node).await?],
            asker: Some(self.party(node, salt).await?),
            via: claimed(node, self.via.as_deref()).await?,
            via_message_digest: message.unwrap_or_default(),
            on_behalf_of: claimed(node, self.on_behalf_of.as_deref()).await?,
            purpose: self.purpose.clone(),
            subjects: Some(self.subjects(tags)?),
            query_digest: salted_digest(salt, self.query.as_bytes()).to_vec(),
            row_count: self.rows.or(self.denied.then_some(0)),
            access_time_ms: match &self.time {
                Some(time) => text::parse_time(time)?,
                None => liuhen_client::clock::now().get(),
            },
            decided_height: self.decided_height,
            channel: text::parse_channel(&self.channel)? as i32,
            ..wire::RecordAccess::default()
        })
    }

    /// What the user gets with an access under a grant whose number reaches it.
    fn receipt(&self, account: &Account, record: &wire::RecordAccess) -> Option<wire::Receipt> {
        let reaches = matches!(record.channel(), wire::Channel::Door | wire::Channel::Api);
        let served = record.decision() == wire::Decision::Served && self.handover.is_none();
        let request = record.accesses.first().filter(|it| !it.request_id.is_empty())?;
        let (signer, time) = (&account.signer, TimeMs::new(record.access_time_ms));
        let gateway = signer.identity.as_bytes();
        (reaches && served).then(|| {
            receipt::sign(
                &signer.key,
                &signer.chain,
                gateway,
                record.access_no,
                &request.request_id,
                time,
            )
        })
    }

    /// A record, one that is sealed, or one of what was handed over.
    async fn kind(
        &self,
        node: &Node,
        account: &Account,
        record: wire::RecordAccess,
    ) -> Result<Kind, ClientError> {
        if let (Some(order), Some(keep)) = (&self.sealed, &self.keep) {
            let order = node.sealing_order(order).await?;
            let gateway = account.signer.identity.to_vec();
            let sealed = super::sealing::seal(&order, &gateway, &record, keep)?;
            return Ok(Kind::RecordSealed(sealed));
        }
        Ok(match &self.handover {
            Some(file) => Kind::ManualHandover(wire::ManualHandover {
                medium_digest: super::digest::of_file(file)?,
                record: Some(record),
            }),
            None => Kind::RecordAccess(record),
        })
    }

    async fn access(&self, node: &Node) -> Result<wire::DatasetAccess, ClientError> {
        let request_id = match &self.grant {
            Some(name) => node.request_id(name).await?,
            None => Vec::new(),
        };
        let mut fields = self.fields.clone();
        fields.sort();
        Ok(wire::DatasetAccess {
            dataset: self.dataset.clone(),
            operation: text::parse_operation(&self.operation)? as i32,
            request_id,
            fields,
            version: self.version,
            ..wire::DatasetAccess::default()
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
                return Err(ClientError::usage(
                    "--asker or --unmapped-account is needed: who asked",
                    "需要 --asker 或 --unmapped-account：由谁访问",
                ));
            }
        }
        Ok(party)
    }

    fn subjects(&self, bulk: Option<&[Vec<u8>]>) -> Result<wire::Subjects, ClientError> {
        let tags = self.subjects.iter().map(|tag| {
            hex::decode(tag).map_err(|e| ClientError::Usage(format!("subject `{tag}`: {e}")))
        });
        let mut tags = tags.collect::<Result<Vec<_>, _>>()?;
        tags.sort();
        let bulk = bulk.map(|tags| wire::BulkSubjects {
            count: tags.len() as u64,
            root: subject::bulk_root(tags.iter().map(Vec::as_slice)).to_vec(),
        });
        let unknown_count = self.unknown_subjects;
        // Where not even the rows are counted, its subjects are not.
        let said = !tags.is_empty() || unknown_count > 0 || bulk.is_some() || self.whole;
        let uncounted = !said && self.rows.is_none() && !self.denied;
        Ok(wire::Subjects { tags, unknown_count, bulk, whole: self.whole, uncounted })
    }
}

/// Somebody with a part in the access, as the asker says.
async fn claimed(node: &Node, name: Option<&str>) -> Result<Option<wire::Party>, ClientError> {
    let Some(name) = name else { return Ok(None) };
    let identity = node.identity(name).await?;
    Ok(Some(wire::Party {
        department: identity.department,
        identity_id: identity.identity_id,
        unmapped_digest: Vec::new(),
        assurance: wire::Assurance::Claimed as i32,
    }))
}

/// Items of tags in one transaction.
const TAG_ITEMS: usize = 24;

/// The tags of a bulk set follow, in their order.
pub(super) async fn add_tags(
    node: &Node,
    account: &Account,
    access_no: u64,
    tags: &[Vec<u8>],
) -> Result<(), ClientError> {
    for some in tags.chunks(limits::BULK_TAGS * TAG_ITEMS) {
        let mut items = Vec::with_capacity(TAG_ITEMS);
        for tags in some.chunks(limits::BULK_TAGS) {
            items.push(item(Kind::AddBulkTags(wire::AddBulkTags {
                collector: account.signer.department.clone(),
                access_no,
                tags: tags.to_vec(),
            }))?);
        }
        account.submit(node, &items).await?;
    }
    Ok(())
}
