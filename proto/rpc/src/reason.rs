//! Reasons that travel with a refusal: the rules' own, and those of whoever answers. Each has a class, from which the
//! status of gRPC and the exit code of a command follow.

use liuhen_proto::ledger::{Class, Refusal};
use tonic::Code;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal: $class:ident;)+) => {
        /// Why something was refused that no rule of the ledger refuses.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Reason { $($(#[$doc])* $name),+ }

        impl Reason {
            /// Its stable name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }

            /// Of what class it is.
            pub const fn class(self) -> Class {
                match self { $(Self::$name => Class::$class),+ }
            }

            fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

reasons! {
    /// A field of a request.
    ArgumentBad = "argument.bad": Malformed;
    /// Nothing of that name.
    NotFound = "not_found": NotFound;
    /// Bytes that are no transaction.
    TransactionMalformed = "transaction.malformed": Malformed;
    /// A token is needed.
    TokenMissing = "token.missing": Unauthenticated;
    /// Not a token in force.
    TokenBad = "token.bad": Unauthenticated;
    /// The caller may not read it.
    ReadDenied = "read.denied": Denied;
    /// What was read by oversight was not signed by its reader.
    ReadUnsigned = "read.unsigned": Unauthenticated;
    /// A watch that was asked for a day ago.
    ReadSignAgain = "read.sign_again": Away;
    /// The pool of transactions is full.
    PoolFull = "pool.full": Busy;
    /// Too far ahead of the key's next number.
    SeqTooFarAhead = "seq.too_far_ahead": State;
    /// Another transaction with this number waits.
    SeqTaken = "seq.taken": Waits;
    /// The node's disk is nearly full.
    NodeDiskFull = "node.disk_full": Busy;
    /// Too much is asked of the node at once.
    NodeBusy = "node.busy": Busy;
    /// The node stops.
    NodeStopping = "node.stopping": Away;
    /// The node is behind what the caller has seen elsewhere.
    NodeBehind = "node.behind": Away;
    /// The node did not answer.
    NodeNoAnswer = "node.no_answer": Away;
    /// The connection ended.
    NodeGone = "node.gone": Away;
    /// The node can't record that something was read, so shows nothing.
    NodeCannotRecord = "node.cannot_record": State;
    /// The node's store.
    NodeStore = "node.store": Fault;
    /// The node joined by a snapshot, and is fetching what happened before it.
    HistoryNotYet = "history.not_yet": Away;
    /// The node's own fault.
    NodeInternal = "node.internal": Fault;
    /// The chain moved on while a proof was made.
    ProofMoved = "proof.moved": Moved;
    /// A proof was not taken in time.
    ProofNotTaken = "proof.not_taken": Moved;
    /// What is to be proved is not so.
    ProofNotSo = "proof.not_so": State;
    /// More than one proof holds.
    ProofTooLarge = "proof.too_large": TooLarge;
    /// No checkpoint of that size yet.
    CheckpointNotYet = "checkpoint.not_yet": State;
    /// The checkpoint is not of this chain.
    CheckpointFork = "checkpoint.fork": State;
    /// No witness of that name.
    WitnessUnknown = "witness.unknown": Denied;
    /// A witness's signature that does not verify.
    WitnessSignature = "witness.signature": Malformed;
}

/// The class of a reason; `None` for one that this program does not know.
pub fn class_of(reason: &str) -> Option<Class> {
    Refusal::class_of(reason).or_else(|| Reason::from_name(reason).map(Reason::class))
}

/// The status of gRPC of a class.
pub const fn code(class: Class) -> Code {
    match class {
        Class::Malformed => Code::InvalidArgument,
        Class::Unauthenticated => Code::Unauthenticated,
        Class::Denied => Code::PermissionDenied,
        Class::NotFound => Code::NotFound,
        Class::Exists => Code::AlreadyExists,
        Class::State | Class::Waits => Code::FailedPrecondition,
        Class::Moved => Code::Aborted,
        Class::TooLarge => Code::OutOfRange,
        Class::Busy => Code::ResourceExhausted,
        Class::Away => Code::Unavailable,
        Class::Fault => Code::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_class_and_no_two_rooms_share_one() {
        let denied = [
            "actor.other",
            "right.missing",
            "identity.kind",
            "key.not_in_force",
            "sealing.authority",
            "product.not_reviewer",
        ];
        for code in Refusal::CODES.iter().copied() {
            // Said apart from the table, so that a slip there shows.
            let expected = match code {
                "signature.bad" | "key.unknown" => Class::Unauthenticated,
                code if denied.contains(&code) => Class::Denied,
                code if code.ends_with(".unknown") => Class::NotFound,
                code if code.ends_with(".exists") => Class::Exists,
                _ => Class::State,
            };
            assert_eq!(Refusal::class_of(code), Some(expected), "{code}");
            assert!(Reason::from_name(code).is_none(), "{code}");
        }
        assert_eq!(class_of("recent_block.unknown"), Some(Class::NotFound));
        assert_eq!(class_of("key.unknown"), Some(Class::Unauthenticated));
        assert_eq!(class_of("seq.taken"), Some(Class::Waits));
        assert_eq!(class_of("unheard.of"), None);
    }
}
