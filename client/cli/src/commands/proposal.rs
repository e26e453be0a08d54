//! `liuhen proposal`: what the consortium votes on.

use super::Common;
use super::member::succeeded;
use super::proposal_change::Change;
use super::proposal_effect;
use super::signing::{Act, Reason, nothing};
use crate::output::Rows;
use crate::rows::about;
use crate::text::{self, state};
use liuhen_client::error::ClientError;
use liuhen_client::lang::pick;
use liuhen_proto::wire::propose::Change as Proposed;
use liuhen_proto::wire::{self, item::Kind};
use serde_json::json;

/// Proposals and votes
#[derive(Debug, clap::Subcommand)]
pub enum Proposal {
    /// Put a change to the vote
    New(Box<New>),
    /// Vote on a proposal; a later vote takes the place of the one before
    Vote {
        /// The proposal's id or reference
        proposal: String,
        /// Vote against it
        #[arg(long)]
        against: bool,
    },
    /// Show what a proposal would change, old beside new
    Show {
        /// The proposal's id or reference
        proposal: String,
    },
    /// List proposals
    List,
}

/// A change to put to the vote
#[derive(Debug, clap::Args)]
pub struct New {
    /// The document number, a code
    #[arg(long)]
    reference: String,
    /// The reason; it stays here, its salted digest goes on the ledger
    #[arg(long, default_value = "")]
    reason: String,
    /// Show what it would change, old beside new, and put nothing to the vote
    #[arg(long)]
    dry_run: bool,
    #[command(subcommand)]
    change: Change,
}

impl Proposal {
    /// Does it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        match self {
            Self::New(it) => it.run(common).await,
            Self::Vote { proposal, against } => vote(common, proposal, !against).await,
            Self::Show { proposal } => show(common, proposal).await,
            Self::List => list(common).await,
        }
    }
}

impl New {
    async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let act = Act::begin(common).await?;
        let change = self.change.to_wire(&act.node).await?;
        if self.dry_run {
            return proposal_effect::rows(&act.node, &change, common.output)
                .await?
                .print(common.output);
        }
        if let Some(ended) = ends(&change) {
            act.ends(&ended)?;
        }
        let reason = Reason::new(&self.reason)?;
        let proposal = wire::Propose {
            department: act.department(),
            reference: self.reference.clone(),
            reason_digest: reason.digest.clone(),
            change: Some(change),
        };
        act.done(Kind::Propose(proposal), |tx| {
            vec![
                ("proposal_id", json!(tx.header().proposal_id(0).to_string())),
                ("reference", json!(self.reference)),
                reason.shown(),
            ]
        })
        .await
    }
}

/// What a change ends for good once it passes.
fn ends(change: &Proposed) -> Option<String> {
    match change {
        Proposed::ChangeMember(it) if it.change() == wire::StandingChange::Revoke => {
            Some(format!("{} {}", pick("member", "成员"), it.department))
        }
        Proposed::Succeed(it) => Some(succeeded(&it.from, &it.to)),
        Proposed::VoidIntegrity(it) => {
            let (of, from, until) = (&it.department, it.from_height, it.until_height);
            let events = format!("integrity events of {of} in heights {from} to {until}");
            let events_zh = format!("{of} 在高度 {from} 至 {until} 的诚信事件");
            Some(pick(&events, &events_zh).to_owned())
        }
        Proposed::SetRoot(it) => {
            let of = &it.department;
            let (keys, keys_zh) = (format!("the root keys of {of}"), format!("{of} 的根密钥"));
            Some(pick(&keys, &keys_zh).to_owned())
        }
        Proposed::ChangeMember(_)
        | Proposed::AdmitVoter(_)
        | Proposed::SetRights(_)
        | Proposed::SetValidator(_)
        | Proposed::SetParameters(_)
        | Proposed::SetCalendar(_)
        | Proposed::SetProtocol(_)
        | Proposed::RemovePeer(_) => None,
    }
}

async fn show(common: &Common, name: &str) -> Result<(), ClientError> {
    let act = Act::begin(common).await?;
    let change = act.node.proposal(name).await?.proposed.and_then(|it| it.change);
    let change = change.ok_or_else(|| ClientError::failed("a proposal without a change"))?;
    proposal_effect::rows(&act.node, &change, common.output).await?.print(common.output)
}

async fn vote(common: &Common, name: &str, approve: bool) -> Result<(), ClientError> {
    let act = Act::begin(common).await?;
    let vote = wire::Vote {
        department: act.department(),
        proposal_id: act.node.proposal(name).await?.proposal_id,
        approve,
    };
    act.done(Kind::Vote(vote), nothing).await
}

async fn list(common: &Common) -> Result<(), ClientError> {
    let proposals = common.connect().await?.proposals().await?;
    let columns =
        ["reference", "by", "change", "for", "against", "state", "expires", "proposal_id"];
    let mut rows = Rows::new(&columns);
    for it in &proposals {
        let proposed = it.proposed.clone().unwrap_or_default();
        let voted = |approve: bool| {
            let votes = it.votes.iter().filter(|vote| vote.approve == approve);
            json!(votes.map(|vote| &vote.department).collect::<Vec<_>>())
        };
        let state = match it.end() {
            wire::ProposalEnd::Unspecified => "open".to_owned(),
            end => state(end.as_str_name(), "PROPOSAL_END_"),
        };
        rows.push(vec![
            json!(proposed.reference),
            json!(proposed.department),
            json!(about::proposal(proposed.change.as_ref())),
            voted(true),
            voted(false),
            json!(state),
            json!(text::time(it.expires_ms)),
            json!(hex::encode(&it.proposal_id)),
        ]);
    }
    rows.print(common.output)
}
