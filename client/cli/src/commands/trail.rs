//! `liuhen trail`: who did what, in order.

use super::{Common, named, names};
use crate::output::say;
use crate::rows;
use crate::tell;
use crate::text;
use clap::ValueEnum;
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_client::event::Event;
use liuhen_proto::event::Verdict;
use liuhen_proto::place::TrailKind;
use liuhen_proto::types::KeyId;
use liuhen_proto::wire;

/// Read a trail
#[derive(Debug, clap::Args)]
pub struct Trail {
    #[command(flatten)]
    pub(super) which: Which,
    /// Only these verdicts: covered, internal, emergency, uncovered, undetermined, denied
    #[arg(long, value_delimiter = ',')]
    verdict: Vec<String>,
    /// Recorded from this time on
    #[arg(long)]
    from: Option<String>,
    /// Recorded before this time
    #[arg(long)]
    until: Option<String>,
    /// How many events at most
    #[arg(long, default_value_t = 100)]
    limit: usize,
    /// The newest first
    #[arg(long)]
    newest_first: bool,
    /// Of a subject's trail: the key that its tag follows from; no other key is needed then
    #[arg(long)]
    subject_key: Option<String>,
}

/// Which trail
#[derive(Debug, clap::Args)]
pub struct Which {
    /// What the trail is about
    pub(super) kind: Kind,
    /// Dataset or department code; grant, use and acknowledgements: request id, reference or
    /// reference@dataset; gateway, identity and identity-integrity: department/code; key: key id;
    /// subject: collector/tag; bulk-tags: department/gateway#number; case and product: id;
    /// governance: none; story: an event, as a transaction's id, id:item, or
    /// department/gateway#number
    #[arg(default_value = "")]
    pub(super) id: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Kind {
    Dataset,
    Grant,
    Use,
    Gateway,
    Key,
    Subject,
    Department,
    Identity,
    Integrity,
    Governance,
    IdentityIntegrity,
    Acknowledgements,
    Sealed,
    Unlisted,
    Alert,
    Case,
    Product,
    BulkTags,
    /// Not a trail: all that led to an event, and what came of it
    Story,
}

impl Which {
    /// Kind and id, names resolved.
    pub async fn resolve(&self, node: &Node) -> Result<(TrailKind, Vec<u8>), ClientError> {
        let request = async || {
            let request = node.request(&self.id).await?.request.unwrap_or_default();
            Ok::<_, ClientError>(request.request_id)
        };
        Ok(match self.kind {
            Kind::Dataset => (TrailKind::Dataset, node.dataset(&self.id).await?.dataset.into()),
            Kind::Grant => (TrailKind::Grant, request().await?),
            Kind::Use => (TrailKind::Use, request().await?),
            Kind::Gateway => (TrailKind::Gateway, node.identity_id(&self.id).await?.to_vec()),
            Kind::Key => {
                let id: Result<KeyId, _> = self.id.parse();
                let id = id.map_err(|e| ClientError::Usage(format!("key `{}`: {e}", self.id)))?;
                (TrailKind::Key, id.to_vec())
            }
            Kind::Subject => (TrailKind::Subject, subject(&self.id)?),
            Kind::Department => (TrailKind::Department, self.department(node).await?),
            Kind::Integrity => (TrailKind::Integrity, self.department(node).await?),
            Kind::Identity => (TrailKind::Identity, node.identity_id(&self.id).await?.to_vec()),
            Kind::Governance => (TrailKind::Governance, Vec::new()),
            Kind::IdentityIntegrity => {
                (TrailKind::IdentityIntegrity, node.identity_id(&self.id).await?.to_vec())
            }
            Kind::Acknowledgements => (TrailKind::Acknowledgements, request().await?),
            Kind::Sealed => (TrailKind::Sealed, self.department(node).await?),
            Kind::Unlisted => (TrailKind::Unlisted, self.department(node).await?),
            Kind::Alert => (TrailKind::Alert, self.department(node).await?),
            Kind::Case => (TrailKind::Case, named::id(&self.id)?),
            Kind::Product => (TrailKind::Product, named::id(&self.id)?),
            Kind::BulkTags => (TrailKind::BulkTags, self.bulk_tags(node).await?),
            Kind::Story => {
                return Err(ClientError::Usage(
                    "a story is no trail: it is for `liuhen trail`".into(),
                ));
            }
        })
    }

    /// Gateway and number of a record.
    async fn bulk_tags(&self, node: &Node) -> Result<Vec<u8>, ClientError> {
        let bad = || ClientError::Usage(format!("`{}`: department/gateway#number", self.id));
        let (gateway, number) = self.id.split_once('#').ok_or_else(bad)?;
        let number: u64 = number.parse().map_err(|_| bad())?;
        let gateway = node.identity_id(gateway).await?.to_vec();
        Ok([gateway.as_slice(), &number.to_be_bytes()].concat())
    }

    async fn department(&self, node: &Node) -> Result<Vec<u8>, ClientError> {
        Ok(node.department(&self.id).await?.code.into_bytes())
    }

    /// As people call it.
    pub fn name(&self) -> String {
        format!("{} {}", format!("{:?}", self.kind).to_lowercase(), self.id).trim_end().to_owned()
    }
}

fn subject(text: &str) -> Result<Vec<u8>, ClientError> {
    let bad = || ClientError::Usage(format!("subject `{text}`: collector/tag is needed"));
    let (collector, tag) = text.split_once('/').ok_or_else(bad)?;
    Ok([collector.as_bytes(), &hex::decode(tag).map_err(|_| bad())?].concat())
}

/// The key that a subject shows; nothing where none is given.
pub(super) fn key_of_subject(text: Option<&str>) -> Result<Vec<u8>, ClientError> {
    let bytes = hex::decode(text.unwrap_or_default());
    bytes.map_err(|e| ClientError::Usage(format!("--subject-key: {e}")))
}

/// Prints a whole trail.
pub(super) async fn print_trail(
    common: &Common,
    node: &Node,
    kind: TrailKind,
    id: Vec<u8>,
) -> Result<(), ClientError> {
    let names = names(node).await?;
    let mut rows = rows::rows();
    for event in node.whole_trail(kind, id).await? {
        rows.push(rows::row(&event, &names));
    }
    rows.print(common.output)
}

impl Trail {
    /// Prints it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let node = common.connect().await?;
        if matches!(self.which.kind, Kind::Story) {
            return super::story::print(common, &node, &self.which.id).await;
        }
        let (kind, id) = self.which.resolve(&node).await?;
        let subject_key = key_of_subject(self.subject_key.as_deref())?;
        let names = match subject_key.is_empty() {
            true => names(&node).await?,
            false => liuhen_client::event::Names::new(),
        };
        let mut request = wire::GetTrailRequest {
            trail_kind: kind as u32,
            trail_id: id,
            filter: Some(self.filter()?),
            newest_first: self.newest_first,
            subject_key,
            ..wire::GetTrailRequest::default()
        };
        let mut rows = rows::rows();
        let mut withheld = 0u64;
        let (size, height) = loop {
            let left = self.limit.saturating_sub(rows.len());
            request.page_size = u32::try_from(left.clamp(1, 1000)).unwrap_or(1000);
            let page = node.trails().get_trail(request.clone()).await?.into_inner();
            for it in page.events.iter().take(left) {
                rows.push(rows::row(&Event::from_wire(it)?, &names));
            }
            withheld = withheld.saturating_add(page.withheld);
            if page.next_page_token.is_empty() || rows.len() >= self.limit {
                break (page.size, page.height);
            }
            request.page_token = page.next_page_token;
        };
        rows.print(common.output)?;
        let (shown, trail) = (rows.len(), self.which.name());
        let told = format!("{shown} of {size} events of {trail} as of height {height}");
        say(told, format!("{trail}：截至区块 {height}，共 {size} 个事件，显示 {shown} 个"));
        if withheld > 0 {
            tell!("{}", not_shown(withheld));
        }
        Ok(())
    }

    fn filter(&self) -> Result<wire::TrailFilter, ClientError> {
        let verdicts = self.verdict.iter().map(|name| {
            let known = Verdict::ALL.iter().find(|verdict| verdict.name() == name);
            known.map(|verdict| *verdict as u32).ok_or_else(|| {
                let known = "covered, internal, emergency, uncovered, undetermined, denied";
                ClientError::usage(
                    format!("`{name}` is no verdict: {known}"),
                    format!("“{name}”不是判定结果；有：{known}"),
                )
            })
        });
        let bound = |time: &Option<String>| match time {
            Some(time) => text::parse_time(time),
            None => Ok(0),
        };
        Ok(wire::TrailFilter {
            verdicts: verdicts.collect::<Result<_, _>>()?,
            from_ms: bound(&self.from)?,
            until_ms: bound(&self.until)?,
        })
    }
}

fn not_shown(withheld: u64) -> String {
    match liuhen_client::lang::is_chinese() {
        true => format!("另有 {withheld} 个事件未显示：属于其他部门管理的授权之下的访问"),
        false => format!(
            "{withheld} more are not shown: accesses under grants that other departments manage"
        ),
    }
}
