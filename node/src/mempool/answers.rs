//! What submitters are told.

use super::pool::PoolError;
use liuhen_proto::event::Outcome;
use liuhen_proto::ledger::{Halt, Lang, NotApplied, Refusal};
use liuhen_proto::tx::{self, Tx};
use liuhen_proto::types::{Height, TimeMs, TxId};
use liuhen_proto::wire::Refused;
use liuhen_rpc::reason::Reason;
use tokio::sync::oneshot;

/// A committed transaction, as its submitter is told.
#[derive(Debug, Clone)]
pub struct Submitted {
    /// Its id.
    pub id: TxId,
    /// The block's height.
    pub height: Height,
    /// The block's time.
    pub time: TimeMs,
    /// Place of its first event in the block.
    pub first_event: u32,
    /// What the rules made of each item.
    pub outcomes: Vec<Outcome>,
}

/// How a transaction ended.
pub type Answer = Result<Submitted, Refused>;

pub(super) fn give(answer: Option<oneshot::Sender<Answer>>, what: Answer) {
    // Nobody may wait any more; that is theirs to decide.
    let _ = answer.map(|answer| answer.send(what));
}

pub(super) fn refused(reason: Reason, message: &str) -> Refused {
    let (reason, message) = (reason.name().to_owned(), message.to_owned());
    Refused { reason, message, ..Refused::default() }
}

pub(super) fn of_parsing(error: &tx::TxError) -> Refused {
    let item = match error {
        tx::TxError::Item { item, .. } => u32::try_from(*item).ok(),
        _ => None,
    };
    Refused { item, ..refused(Reason::TransactionMalformed, &error.to_string()) }
}

pub(super) fn of_refusal(refusal: &Refusal) -> Refused {
    let expected_seq = match refusal {
        Refusal::WrongSeq { expected, .. } => Some(*expected),
        _ => None,
    };
    let message_zh = refusal.sentence(Lang::Zh);
    Refused {
        expected_seq,
        message_zh,
        reason: refusal.code().to_owned(),
        message: refusal.to_string(),
        item: None,
    }
}

pub(super) fn of_rules(why: &NotApplied) -> Refused {
    let refused = match &why.why {
        Halt::Refused(refusal) => of_refusal(refusal),
        Halt::Missing(missing) => refused(Reason::NodeStore, &missing.to_string()),
    };
    Refused { item: why.item, ..refused }
}

pub(super) fn of_pool(error: &PoolError) -> Refused {
    let (reason, expected_seq) = match error {
        PoolError::Full => (Reason::PoolFull.name(), None),
        PoolError::Stale { expected, .. } => {
            let wrong = Refusal::WrongSeq { expected: *expected, found: 0 };
            (wrong.code(), Some(*expected))
        }
        PoolError::TooFarAhead { expected, .. } => (Reason::SeqTooFarAhead.name(), Some(*expected)),
        PoolError::SeqTaken(_) => (Reason::SeqTaken.name(), None),
    };
    let message_zh = match error {
        PoolError::SeqTaken(seq) => format!("该密钥已有一笔序号为 {seq} 的交易在等待，仍可能上链"),
        PoolError::Full | PoolError::Stale { .. } | PoolError::TooFarAhead { .. } => String::new(),
    };
    let (reason, message) = (reason.to_owned(), error.to_string());
    Refused { expected_seq, message_zh, reason, message, item: None }
}

pub(super) fn wrong_seq(expected: u64, tx: &Tx) -> Refused {
    of_refusal(&Refusal::WrongSeq { expected, found: tx.header().seq })
}
