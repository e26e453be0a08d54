//! Every kind of item, once. What is listed here must have an [`ItemKind`], and a kind of the wire contract that is not
//! listed here does not compile.

use crate::event::Outcome;
use crate::items::kind::{Checked, ItemKind};
use crate::ledger::{Draft, Halt};
use crate::place::Place;
use crate::suite::hash::line;
use crate::tx::TxHeader;
use crate::types::ChainId;
use crate::wire::{self, item::Kind};
use prost::Message;

/// What an item is about. Rooms of code, of the wire contract and of the specification have these names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemDomain {
    /// Departments and identities.
    Member,
    /// Datasets.
    Catalogue,
    /// Requests and grants.
    Sharing,
    /// Accesses, and what keeps their record whole.
    Access,
    /// Alerts, cases, products, integrity.
    Oversight,
    /// What members decide together.
    Governance,
    /// Reading the ledger.
    Reading,
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The number of its field in the wire contract.
    pub number: u32,
    /// Its name.
    pub name: &'static str,
    /// What it is about.
    pub domain: ItemDomain,
    /// Whether other keys of a root sign it too.
    pub cosigned: bool,
}

macro_rules! cosignatures {
    ($it:ident, cosigned) => {
        Some(&mut $it.cosignatures)
    };
    ($it:ident,) => {{
        let _none = $it;
        None
    }};
}

macro_rules! is_cosigned {
    (cosigned) => {
        true
    };
    () => {
        false
    };
}

macro_rules! items {
    ($($number:literal $name:ident: $domain:ident $(, $cosigned:ident)?;)+) => {
        /// Every kind of item, by number.
        pub const ALL: &[Row] = &[$(Row {
            number: $number,
            name: stringify!($name),
            domain: ItemDomain::$domain,
            cosigned: is_cosigned!($($cosigned)?),
        }),+];

        /// The row of an item's kind.
        pub fn row(kind: &Kind) -> Row {
            match kind { $(Kind::$name(_) => Row {
                number: $number,
                name: stringify!($name),
                domain: ItemDomain::$domain,
                cosigned: is_cosigned!($($cosigned)?),
            }),+ }
        }

        /// See [`ItemKind::check`].
        pub(super) fn check(kind: &Kind) -> Checked {
            match kind { $(Kind::$name(it) => it.check()),+ }
        }

        /// See [`ItemKind::trails`].
        pub(super) fn filed(kind: &Kind, header: &TxHeader, number: u32) -> Vec<Place> {
            match kind { $(Kind::$name(it) => it.trails(header, number)),+ }
        }

        /// See [`ItemKind::first_trail`].
        pub(super) fn first_filed(kind: &Kind, header: &TxHeader) -> Option<Place> {
            match kind { $(Kind::$name(it) => it.first_trail(header)),+ }
        }

        /// See [`ItemKind::apply`].
        pub(crate) fn apply(
            draft: &mut Draft<'_>,
            signer: &TxHeader,
            number: u32,
            kind: &Kind,
        ) -> Result<Outcome, Halt> {
            match kind { $(Kind::$name(it) => it.apply(draft, signer, number)),+ }
        }

        /// Other keys' signatures on an item of a kind that takes them.
        fn cosignatures(kind: &mut Kind) -> Option<&mut Vec<wire::Cosignature>> {
            match kind { $(Kind::$name(it) => cosignatures!(it, $($cosigned)?)),+ }
        }

        $(impl From<wire::$name> for Kind {
            fn from(it: wire::$name) -> Self {
                Self::$name(it)
            }
        })+
    };
}

items! {
     2 RegisterDataset: Catalogue;
     3 RequestAccess: Sharing;
     4 DecideRequest: Sharing;
     5 ConfirmGrant: Sharing;
     6 RevokeGrant: Sharing;
     7 RecordAccess: Access;
     8 AdmitDepartment: Member;
     9 ChangeDepartment: Member;
    10 SucceedDepartment: Member;
    11 RegisterIdentity: Member, cosigned;
    12 RotateKeys: Member, cosigned;
    13 ChangeIdentity: Member, cosigned;
    14 AssignPost: Member, cosigned;
    15 ReplaceRoot: Member;
    16 ObjectToRoot: Member;
    17 UpdateDataset: Catalogue;
    18 RetireDataset: Catalogue;
    19 PublishVersion: Catalogue;
    20 AskSupplement: Sharing;
    21 SupplementRequest: Sharing;
    22 ApproveException: Sharing;
    23 OfferStanding: Sharing;
    24 AmendGrant: Sharing;
    25 SuspendGrant: Sharing;
    26 ResumeGrant: Sharing;
    27 ReconfirmGrant: Sharing;
    28 DelegateGrant: Sharing;
    29 OpenEmergency: Sharing;
    30 RatifyEmergency: Sharing;
    31 GivePermit: Sharing;
    32 Propose: Governance;
    33 Vote: Governance;
    34 RecordReads: Reading;
    35 OpenAudit: Reading;
    36 CloseAudit: Reading;
    37 OpenReads: Reading;
    38 SetGateway: Access;
    39 CommitMapping: Access;
    40 SealPeriod: Access;
    41 DeclareLoss: Access;
    42 DeclareOutage: Access;
    43 Unrecordable: Access;
    44 ManualHandover: Access;
    45 AddBulkTags: Access;
    46 CorrectRecords: Access;
    47 AgreeCorrection: Access;
    48 Acknowledge: Access;
    49 AcknowledgeHour: Access;
    50 OrderSealing: Access;
    51 ExtendSealing: Access;
    52 RecordSealed: Access;
    53 OpenSealed: Access;
    54 AnswerAlert: Oversight;
    55 OpenCase: Oversight;
    56 AnswerCase: Oversight;
    57 RuleCase: Oversight;
    58 RegisterProduct: Oversight;
    59 ReviewProduct: Oversight;
    60 ReleaseProduct: Oversight;
    61 EvaluateProduct: Oversight;
    62 RecallProduct: Oversight;
    63 ReportDoubleVote: Oversight;
    64 SetObserving: Access;
    65 LeaseUse: Access;
    66 StateList: Catalogue;
}

/// The name of an item's kind, as commands and JSON show it.
pub fn kind_name(kind: &Kind) -> &'static str {
    row(kind).name
}

/// What another key of a root signs to agree to an item: the line `liuhen/cosign/v1`, the chain id,
/// and the item of this kind without nonce and cosignatures. `None` for kinds that take none.
pub fn cosign_message(chain: &ChainId, kind: &Kind) -> Option<Vec<u8>> {
    let mut kind = kind.clone();
    cosignatures(&mut kind)?.clear();
    let item = wire::Item { nonce: Vec::new(), kind: Some(kind) }.encode_to_vec();
    Some([line::COSIGN, chain.as_bytes(), &item].concat())
}
