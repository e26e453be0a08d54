//! `liuhen correction`: records under a wrong mapping are judged again.

use super::Common;
use super::digest::of_file;
use super::signing::{Act, Reason, nothing};
use crate::output::Rows;
use crate::rows::corrected_from;
use crate::text::{self, state};
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_client::lang::pick;
use liuhen_client::resolve::id;
use liuhen_proto::items::access::corrections::differs;
use liuhen_proto::place::TrailKind;
use liuhen_proto::types::IdKind;
use liuhen_proto::wire::{self, item::Kind};
use serde_json::json;
use std::path::PathBuf;

/// Records under a wrong mapping, judged again; the originals stay
#[derive(Debug, clap::Subcommand)]
pub enum Correction {
    /// Propose that records were somebody else's, as the collector
    Propose {
        /// The gateway that recorded them, `department/code`
        #[arg(long)]
        gateway: String,
        /// The first number
        #[arg(long)]
        first: u64,
        /// The last number
        #[arg(long)]
        last: u64,
        /// To whom they were put down, `department/code`; without it: to an account without identity
        #[arg(long)]
        from: Option<String>,
        /// Whose they are, `department/code`
        #[arg(long)]
        to: String,
        /// Under which grant; without it: as recorded where the department stays the same, else none
        #[arg(long)]
        grant: Option<String>,
        /// A code: what was wrong
        #[arg(long)]
        reason: String,
        /// The right mapping, a file; its digest goes on the ledger
        #[arg(long)]
        mapping: PathBuf,
    },
    /// Agree to a correction that burdens one's department
    Agree {
        /// Its id
        correction: String,
    },
    /// Decline a correction
    Decline {
        /// Its id
        correction: String,
        /// Why; it stays here, its salted digest goes on the ledger
        #[arg(long)]
        reason: String,
    },
    /// Corrections that one is party to
    List,
    /// Whether its records are as recorded but for the asker; fails where one is not, or can't be seen
    Show {
        /// Its id
        correction: String,
    },
}

impl Correction {
    /// Does it.
    pub async fn run(&self, common: &Common) -> Result<(), ClientError> {
        let act = Act::begin(common).await?;
        let department = act.department();
        match self {
            Self::List => list(common, &act.node).await,
            Self::Show { correction } => show(common, &act.node, correction).await,
            Self::Propose { .. } => {
                let it = self.proposal(&act).await?;
                let count = it.records.len();
                let more = |tx: &liuhen_proto::tx::Tx| {
                    let id = tx.header().made_id(IdKind::Correction, 0);
                    vec![("correction_id", json!(id.to_string())), ("records", json!(count))]
                };
                act.done(Kind::CorrectRecords(it), more).await
            }
            Self::Agree { correction } => {
                let (correction_id, agree) = (id(correction)?, true);
                let reason_digest = Vec::new();
                let it = wire::AgreeCorrection { correction_id, department, agree, reason_digest };
                act.done(Kind::AgreeCorrection(it), nothing).await
            }
            Self::Decline { correction, reason } => {
                let reason = Reason::new(reason)?;
                let (correction_id, agree) = (id(correction)?, false);
                let reason_digest = reason.digest.clone();
                let it = wire::AgreeCorrection { correction_id, department, agree, reason_digest };
                act.done(Kind::AgreeCorrection(it), |_| vec![reason.shown()]).await
            }
        }
    }

    /// The records as they stand on the gateway's trail, with another asker.
    async fn proposal(&self, act: &Act<'_>) -> Result<wire::CorrectRecords, ClientError> {
        let Self::Propose { gateway, first, last, from, to, grant, reason, mapping } = self else {
            return Err(ClientError::failed("nothing to propose"));
        };
        let gateway_id = act.node.identity_id(gateway).await?.to_vec();
        let to = act.node.identity(to).await?;
        let from = match from {
            Some(name) => Some(act.node.identity(name).await?),
            None => None,
        };
        let grant = match grant {
            Some(name) => Some(act.node.grant(name).await?),
            None => None,
        };
        let stays = from.as_ref().is_some_and(|from| from.department == to.department);
        let (mut records, mut digest) = (Vec::new(), Vec::new());
        for event in act.node.whole_trail(TrailKind::Gateway, gateway_id.clone()).await? {
            let Some(record) = event.body.record() else { continue };
            let asker = record.asker.clone().unwrap_or_default();
            let theirs = match &from {
                Some(from) => asker.identity_id == from.identity_id,
                None => !asker.unmapped_digest.is_empty(),
            };
            if !(*first..=*last).contains(&record.access_no) || !theirs {
                continue;
            }
            if from.is_none() {
                if !digest.is_empty() && digest != asker.unmapped_digest {
                    let why = "these numbers are of several accounts: correct them one by one";
                    return Err(ClientError::Usage(why.into()));
                }
                digest.clone_from(&asker.unmapped_digest);
            }
            let mut record = record.clone();
            record.asker = Some(wire::Party {
                department: to.department.clone(),
                identity_id: to.identity_id.clone(),
                unmapped_digest: Vec::new(),
                assurance: asker.assurance.max(wire::Assurance::Claimed as i32),
            });
            // Another department's grants are not for this one to see.
            if !stays {
                record.accesses.iter_mut().for_each(|it| it.request_id.clear());
            }
            if let Some(grant) = &grant {
                let own = record.accesses.iter_mut().filter(|it| it.dataset == grant.dataset);
                own.for_each(|it| it.request_id.clone_from(&grant.request_id));
            }
            records.push((record, event.leaf.digest.to_vec()));
        }
        records.sort_by_key(|(it, _)| it.access_no);
        let (records, recorded): (Vec<_>, Vec<_>) = records.into_iter().unzip();
        if records.is_empty() {
            let (what, what_zh) =
                (format!("such records of {gateway}"), format!("{gateway} 的此类记录"));
            return Err(ClientError::NotFound(pick(&what, &what_zh).to_owned()));
        }
        Ok(wire::CorrectRecords {
            collector: act.department(),
            gateway_id,
            reason: reason.clone(),
            mapping_digest: of_file(mapping)?,
            from_department: from.as_ref().map(|it| it.department.clone()).unwrap_or_default(),
            from_identity_id: from.map(|it| it.identity_id).unwrap_or_default(),
            from_unmapped_digest: digest,
            to_department: to.department,
            to_identity_id: to.identity_id,
            records,
            recorded,
        })
    }
}

/// A row for each record: whether it is as it was recorded, as far as one may see that.
async fn show(common: &Common, node: &Node, name: &str) -> Result<(), ClientError> {
    let it = node.correction(name).await?.corrected.unwrap_or_default();
    let events = match node.whole_trail(TrailKind::Gateway, it.gateway_id.clone()).await {
        Ok(events) => Some(events),
        // The trail is its collector's, and that of who oversees.
        Err(error) if error.exit_code() == 6 => None,
        Err(error) => return Err(error),
    };
    let (mut rows, mut others) = (Rows::new(&["number", "dataset", "state"]), 0);
    for (record, digest) in it.records.iter().zip(&it.recorded) {
        let is_it = |event: &&liuhen_client::event::Event| {
            event.leaf.digest.as_bytes() == digest.as_slice()
        };
        let event = events.iter().flatten().find(is_it);
        let before = event.and_then(|event| event.body.record());
        let word = |en, zh| common.output.word(en, zh);
        let state = match before {
            Some(before) if !differs(before, record) => word("as recorded", "与原记录一致"),
            Some(_) => word("differs from what was recorded", "与原记录不一致"),
            None if events.is_none() => word("not yours to see", "无权查看原记录"),
            None => word("of no record of this gateway", "该网关无此记录"),
        };
        let agrees = before.is_some_and(|before| !differs(before, record));
        others += usize::from(!agrees);
        let datasets: Vec<&str> = record.accesses.iter().map(|it| it.dataset.as_str()).collect();
        rows.push(vec![json!(record.access_no), json!(datasets.join(", ")), json!(state)]);
    }
    rows.print(common.output)?;
    match others {
        0 => Ok(()),
        others => {
            let what = pick(
                "of its records are not, or not known to be, what was recorded",
                "条记录与原记录不一致或无法核实",
            );
            Err(ClientError::failed(format!("{others} {what}")))
        }
    }
}

async fn list(common: &Common, node: &Node) -> Result<(), ClientError> {
    let all = node.corrections().await?;
    let names = super::names(node).await?;
    let mut rows = Rows::new(&["collector", "from", "to", "records", "reason", "state", "id"]);
    for it in all {
        let correction = it.correction.unwrap_or_default();
        let corrected = correction.corrected.clone().unwrap_or_default();
        let name = |id: &[u8]| names.get(id).cloned().unwrap_or_else(|| text::short(id));
        let stands = match correction.end() {
            wire::CorrectionEnd::Unspecified => "waits".to_owned(),
            end => state(end.as_str_name(), "CORRECTION_END_"),
        };
        rows.push(vec![
            json!(corrected.collector),
            json!(corrected_from(&corrected, &names)),
            json!(name(&corrected.to_identity_id)),
            json!(corrected.records.len()),
            json!(corrected.reason),
            json!(stands),
            json!(hex::encode(&it.correction_id)),
        ]);
    }
    rows.print(common.output)
}
