//! `liuhen case`: cases against what stands on the ledger.

use super::Common;
use super::resolve;
use super::signing::{Act, Reason};
use crate::output::Rows;
use crate::rows::subject_of_case;
use crate::text::{self, state};
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_client::resolve::id;
use liuhen_proto::types::IdKind;
use liuhen_proto::wire::{self, case_subject::About, item::Kind};
use serde_json::json;

/// Cases against what stands on the ledger
#[derive(Debug, clap::Subcommand)]
pub enum Case {
    /// Open a case about one thing
    // Its --version is that of a dataset.
    #[command(disable_version_flag = true)]
    Open {
        /// Its document number: a code
        #[arg(long)]
        reference: String,
        /// Who is to answer; none for an integrity event
        #[arg(long, default_value = "")]
        against: String,
        /// Why; it stays here, its salted digest goes on the ledger
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        about: AboutFlags,
    },
    /// Answer a case
    Answer {
        /// Its id, or reference
        case: String,
        /// The answer; it stays here, its salted digest goes on the ledger
        #[arg(long)]
        text: String,
    },
    /// Rule on a case, as who is no party
    Rule {
        /// Its id, or reference
        case: String,
        /// Uphold it; without it: dismiss it
        #[arg(long)]
        uphold: bool,
        /// Why; it stays here, its salted digest goes on the ledger
        #[arg(long)]
        reason: String,
        /// A department to commend
        #[arg(long, default_value = "")]
        commend: String,
    },
    /// Cases that one may see
    List,
}

/// What a case is about: one of them
#[derive(Debug, clap::Args)]
pub struct AboutFlags {
    /// An integrity event, `department/number`: an appeal
    #[arg(long)]
    integrity: Option<String>,
    /// A grant, or the decision on a request
    #[arg(long)]
    grant: Option<String>,
    /// A record, `dataset:department/gateway#number`
    #[arg(long)]
    record: Option<String>,
    /// The grant that the record names
    #[arg(long, requires = "record")]
    under: Option<String>,
    /// A version of a dataset, `dataset:number`
    #[arg(long)]
    version: Option<String>,
    /// A correction that was declined: its id
    #[arg(long)]
    correction: Option<String>,
}

impl AboutFlags {
    async fn to_wire(&self, node: &Node) -> Result<wire::CaseSubject, ClientError> {
        let mut found = Vec::new();
        if let Some(text) = &self.integrity {
            found.push(About::Integrity(resolve::integrity_event(text)?));
        }
        if let Some(name) = &self.grant {
            found.push(About::Grant(resolve::grant(node, name).await?));
        }
        if let Some(text) = &self.record {
            found.push(About::Record(resolve::record(node, text, self.under.as_deref()).await?));
        }
        if let Some(text) = &self.version {
            found.push(About::Version(resolve::version(text)?));
        }
        if let Some(text) = &self.correction {
            found.push(About::Correction(wire::CorrectionName { correction_id: id(text)? }));
        }
        match (found.pop(), found.len()) {
            (Some(about), 0) => Ok(wire::CaseSubject { about: Some(about) }),
            _ => Err(ClientError::usage(
                "a case is about one thing: --integrity, --grant, --record, --version or --correction",
                "一个案件只针对一件事：--integrity、--grant、--record、--version 或 --correction",
            )),
        }
    }
}

impl Case {
    /// Does it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let act = Act::begin(common).await?;
        let department = act.department();
        match self {
            Self::List => list(common, &act.node).await,
            Self::Open { reference, against, reason, about } => {
                let reason = Reason::new(reason)?;
                let it = wire::OpenCase {
                    department,
                    reference: reference.clone(),
                    respondent: against.clone(),
                    subject: Some(about.to_wire(&act.node).await?),
                    reason_digest: reason.digest.clone(),
                };
                let more = |tx: &liuhen_proto::tx::Tx| {
                    let id = tx.header().made_id(IdKind::Case, 0);
                    vec![("case_id", json!(id.to_string())), reason.shown()]
                };
                act.done(Kind::OpenCase(it), more).await
            }
            Self::Answer { case, text } => {
                let answer = Reason::new(text)?;
                let it = wire::AnswerCase {
                    case_id: act.node.case_id(case).await?,
                    department,
                    answer_digest: answer.digest.clone(),
                };
                act.done(Kind::AnswerCase(it), |_| vec![answer.shown()]).await
            }
            Self::Rule { case, uphold, reason, commend } => {
                let reason = Reason::new(reason)?;
                let it = wire::RuleCase {
                    case_id: act.node.case_id(case).await?,
                    department,
                    uphold: *uphold,
                    reason_digest: reason.digest.clone(),
                    commend: commend.clone(),
                };
                act.done(Kind::RuleCase(it), |_| vec![reason.shown()]).await
            }
        }
    }
}

async fn list(common: &Common, node: &Node) -> Result<(), ClientError> {
    let mut rows =
        Rows::new(&["reference", "by", "against", "about", "state", "due", "ruled_by", "case_id"]);
    for it in node.cases().await? {
        let opened = it.opened.clone().unwrap_or_default();
        let due = (it.due_ms > 0).then(|| text::time(it.due_ms));
        rows.push(vec![
            json!(opened.reference),
            json!(opened.department),
            json!(opened.respondent),
            json!(subject_of_case(opened.subject.as_ref())),
            json!(state(it.state().as_str_name(), "CASE_STATE_")),
            json!(due),
            json!(it.ruled_by),
            json!(hex::encode(&it.case_id)),
        ]);
    }
    rows.print(common.output)
}
