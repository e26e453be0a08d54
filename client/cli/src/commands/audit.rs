//! `liuhen audit`: audits, for which reads are sealed from the audited until the audit closes.

use super::Common;
use super::signing::{Act, nothing};
use liuhen_client::error::ClientError;
use liuhen_proto::wire::{self, item::Kind};

/// Audits, for which reads are sealed
#[derive(Debug, clap::Subcommand)]
pub enum Audit {
    /// Begin an audit: what is read with `--audit CODE` is sealed until it closes
    Open {
        /// Its code, unique in the department
        code: String,
    },
    /// Close an audit: the nodes open what was sealed for it
    Close {
        /// Its code
        code: String,
    },
}

impl Audit {
    /// Does it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let act = Act::begin(common).await?;
        let department = act.department();
        let kind = match self {
            Self::Open { code } => {
                Kind::OpenAudit(wire::OpenAudit { department, audit: code.clone() })
            }
            Self::Close { code } => {
                Kind::CloseAudit(wire::CloseAudit { department, audit: code.clone() })
            }
        };
        act.done(kind, nothing).await
    }
}
