//! `liuhen audit`: audits, for which reads are sealed from the audited until the audit closes; and whether nodes recorded what
//! they showed.

use super::Common;
use super::signing::{Act, nothing};
use crate::output::{Format, Rows};
use crate::tell;
use crate::text;
use liuhen_client::error::ClientError;
use liuhen_client::kept_reads::{KeptRead, ReadsFile};
use liuhen_client::lang::pick;
use liuhen_client::reads::{ReadFate, fates};
use liuhen_proto::wire::{self, item::Kind};
use serde_json::json;
use std::path::PathBuf;
use std::time::Duration;

/// How long an audit runs where nothing is said.
const RUNS: Duration = Duration::from_secs(90 * 24 * 3600);

/// Audits, for which reads are sealed; and what nodes recorded of reads
#[derive(Debug, clap::Subcommand)]
pub enum Audit {
    /// Begin an audit: what is read with `--audit CODE` is sealed until it closes
    Open {
        /// Its code, unique in the department
        code: String,
        /// When it closes by itself, at most 366 days from now; without it: in 90 days
        #[arg(long)]
        until: Option<String>,
    },
    /// Close an audit: the nodes open what was sealed for it
    Close {
        /// Its code
        code: String,
    },
    /// Look on the ledger for what was read by oversight from here, of which nodes gave receipts
    Reads {
        /// The file in which receipts are kept; without it: that of LIUHEN_READS, or of this user
        #[arg(long)]
        kept: Option<PathBuf>,
        /// How long a node may take to record a read
        #[arg(long, default_value = "1m", value_parser = crate::text::parse_duration)]
        grace: Duration,
    },
}

impl Audit {
    /// Does it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        if let Self::Reads { kept, grace } = self {
            return reads(common, kept.clone(), *grace).await;
        }
        let act = Act::begin(common).await?;
        let department = act.department();
        let kind = match self {
            Self::Open { code, until } => {
                let until_ms = match until {
                    Some(time) => text::parse_time(time)?,
                    None => liuhen_client::clock::now().plus(text::millis(RUNS)).get(),
                };
                let audit = code.clone();
                let shown = vec![("until", json!(text::time(until_ms)))];
                let kind = Kind::OpenAudit(wire::OpenAudit { department, audit, until_ms });
                return act.done(kind, |_| shown).await;
            }
            Self::Close { code } => {
                Kind::CloseAudit(wire::CloseAudit { department, audit: code.clone() })
            }
            Self::Reads { .. } => return Ok(()),
        };
        act.done(kind, nothing).await
    }
}

/// A row for each read, and an error where one is missing.
async fn reads(common: &Common, kept: Option<PathBuf>, grace: Duration) -> Result<(), ClientError> {
    let node = common.connect_unkept().await?;
    let missing = || {
        ClientError::usage(
            "LIUHEN_READS is empty, so nothing is kept: name the file with --kept",
            "LIUHEN_READS 为空，未保存任何回执：请用 --kept 指明文件",
        )
    };
    let file = kept.map(ReadsFile::new).or_else(super::kept_reads).ok_or_else(missing)?;
    let (kept, unread) = file.of_chain(&node.chain().await?)?;
    let days = node.registry().get_consortium(wire::GetConsortiumRequest {}).await?.into_inner();
    let open_days = days.parameters.map_or(5, |it| it.open_days);
    // Working days: with holidays they may be three times as many.
    let open = Duration::from_secs(u64::from(open_days) * 3 * 24 * 3600);
    let fates = fates(&node, &kept, (text::millis(grace), text::millis(open))).await?;
    let mut rows = Rows::new(&["time", "node", "call", "reads", "audit", "state"]);
    for (it, fate) in kept.iter().zip(&fates) {
        rows.push(vec![
            json!(text::time(it.request.time_ms)),
            json!(it.node),
            json!(call(it)),
            json!(it.receipt.as_ref().map(|it| it.reads)),
            json!(it.request.audit),
            json!(state(*fate, common.output)),
        ]);
    }
    rows.print(common.output)?;
    if unread > 0 {
        let what = pick("lines can't be read", "行无法读取");
        tell!("liuhen: {}: {unread} {what}", file.path().display());
    }
    let bad = |fate: &&ReadFate| match fate {
        ReadFate::Missing | ReadFate::BadReceipt | ReadFate::NoReceipt => true,
        ReadFate::Recorded
        | ReadFate::TooOften
        | ReadFate::Sealed
        | ReadFate::Fresh
        | ReadFate::NothingNoted => false,
    };
    match fates.iter().filter(bad).count() {
        0 if unread == 0 => Ok(()),
        0 => Err(ClientError::failed(pick("not all was looked for", "并非全部都已核对"))),
        count => {
            let what = pick(
                "of these reads are not on the ledger as a node said or should have said: show the line of each to the regulator",
                "次查阅与节点应有的回执或账本记录不符：请将相应各行提交监管部门",
            );
            Err(ClientError::failed(format!("{count} {what}")))
        }
    }
}

fn state(fate: ReadFate, shown: Format) -> &'static str {
    match fate {
        ReadFate::Recorded => shown.word("recorded", "已记录"),
        ReadFate::Sealed => shown.word("sealed until the audit closes", "封存至审计结束"),
        ReadFate::Fresh => shown.word("on its way", "记录中"),
        ReadFate::Missing => shown.word("missing", "缺失"),
        ReadFate::NothingNoted => shown.word("by own right, says the node", "节点称依自身权限查阅"),
        ReadFate::TooOften => shown.word("recorded more than once", "重复记录"),
        ReadFate::NoReceipt => shown.word("no receipt", "无回执"),
        ReadFate::BadReceipt => shown.word("not the node's receipt", "并非该节点的回执"),
    }
}

/// The call's own name.
fn call(it: &KeptRead) -> &str {
    it.call.rsplit('/').next().unwrap_or(&it.call)
}
