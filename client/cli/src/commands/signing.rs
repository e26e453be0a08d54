//! What every command that signs has in common: open the key, submit one item, print where it stands.

use super::Common;
use crate::output::print_one;
use liuhen_client::connect::Node;
use liuhen_client::error::ClientError;
use liuhen_client::submit::{Account, item, random};
use liuhen_proto::event::Outcome;
use liuhen_proto::suite::hash::salted_digest;
use liuhen_proto::tx::Tx;
use liuhen_proto::wire::{self, item::Kind};
use serde_json::{Value, json};

/// A connection and the account that signs.
pub(super) struct Act<'a> {
    common: &'a Common,
    pub(super) node: Node,
    pub(super) account: Account,
}

/// The digest of a reason, and the salt that opens it.
pub(super) struct Reason {
    pub(super) digest: Vec<u8>,
    salt: [u8; 16],
}

impl Reason {
    /// Of a sentence that stays here.
    pub(super) fn new(text: &str) -> Result<Self, ClientError> {
        let salt: [u8; 16] = random()?;
        Ok(Self { digest: salted_digest(&salt, text.as_bytes()).to_vec(), salt })
    }

    /// The salt, for whoever keeps the sentence.
    pub(super) fn shown(&self) -> (&'static str, Value) {
        ("reason_salt", json!(hex::encode(self.salt)))
    }
}

impl<'a> Act<'a> {
    /// Opens the key given with --key.
    pub(super) async fn begin(common: &'a Common) -> Result<Self, ClientError> {
        let node = common.connect().await?;
        let account = common.account(&node).await?;
        Ok(Self { common, node, account })
    }

    /// Shows what is about to end for good, and asks.
    pub(super) fn ends(&self, what: &str) -> Result<(), ClientError> {
        self.common.confirm(what)
    }

    /// The signer's department.
    pub(super) fn department(&self) -> String {
        self.account.signer.department.clone()
    }

    /// Submits one item, and prints where it stands, with what `more` makes of the transaction first.
    pub(super) async fn done(
        &self,
        kind: Kind,
        more: impl FnOnce(&Tx) -> Vec<(&'static str, Value)>,
    ) -> Result<(), ClientError> {
        let (tx, committed) = self.account.submit(&self.node, &[item(kind)?]).await?;
        let mut fields = more(&tx);
        fields.push(("height", json!(committed.height)));
        fields.push(("tx_id", json!(tx.id().to_string())));
        print_one(&fields, self.common.output)
    }

    /// Submits one item that is judged, and prints the verdict.
    pub(super) async fn judged(&self, kind: Kind) -> Result<(), ClientError> {
        let (tx, committed) = self.account.submit(&self.node, &[item(kind)?]).await?;
        let bits = committed.outcomes.first().and_then(|bits| u16::try_from(*bits).ok());
        let outcome = bits.and_then(Outcome::from_bits).unwrap_or(Outcome::DONE);
        let fields = [
            ("verdict", json!(outcome.verdict.name())),
            ("reason", json!(outcome.reason.name())),
            ("timeliness", json!(outcome.timeliness.name())),
            ("height", json!(committed.height)),
            ("tx_id", json!(tx.id().to_string())),
        ];
        print_one(&fields, self.common.output)
    }

    /// What was asked in a request, by its id or reference, and its id.
    pub(super) async fn asked(
        &self,
        name: &str,
    ) -> Result<(Vec<u8>, wire::RequestAccess), ClientError> {
        let request = self.node.request(name).await?.request.unwrap_or_default();
        Ok((request.request_id, request.asked.unwrap_or_default()))
    }
}

/// Nothing more to print.
pub(super) fn nothing(_: &Tx) -> Vec<(&'static str, Value)> {
    Vec::new()
}
