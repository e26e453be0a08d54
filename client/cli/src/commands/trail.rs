//! `liuhen trail`: who did what, in order.

use super::resolve::{self, TrailName};
use super::{Common, names};
use crate::output::say;
use crate::rows;
use crate::tell;
use crate::text;
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_client::event::Event;
use liuhen_proto::event::Verdict;
use liuhen_proto::place::TrailKind;
use liuhen_proto::wire;

/// Read a trail
#[derive(Debug, clap::Args)]
pub struct Trail {
    #[command(flatten)]
    which: TrailName,
    /// Only these verdicts: covered, internal, emergency, uncovered, undetermined, denied, would_be_denied
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
        if self.which.is_story() {
            return super::story::print(common, &node, &self.which.id).await;
        }
        let (kind, id) = self.which.resolve(&node).await?;
        let subject_key = resolve::subject_key(self.subject_key.as_deref())?;
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
                let known = "covered, internal, emergency, uncovered, undetermined, denied, would_be_denied";
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
