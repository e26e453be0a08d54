//! What the rules made of an event.

use serde::Serialize;

/// Defines an enum with stable numbers and the words for them.
macro_rules! numbered {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $number:literal $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant = $number),+ }

        impl $name {
            /// Every variant, by number.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// From its number.
            pub fn from_number(number: u8) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| *it as u8 == number)
            }

            /// Its stable name.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

numbered! {
    /// Whether an access was allowed (判定).
    Verdict {
        /// Not an access record.
        None = 0 "none",
        /// Every dataset touched was covered by its grant.
        Covered = 1 "covered",
        /// Not covered; the reason says why.
        Uncovered = 2 "uncovered",
        /// What is known does not suffice to say.
        Undetermined = 3 "undetermined",
        /// Within the collecting body, under its own permit.
        Internal = 4 "internal",
        /// Under emergency access.
        Emergency = 5 "emergency",
        /// Refused by the gateway, so nothing was served.
        Denied = 6 "denied",
        /// Served by a gateway that only observes, and would have been denied.
        WouldBeDenied = 7 "would_be_denied",
    }
}

numbered! {
    /// Why a verdict is not `covered`: the first check that failed.
    Reason {
        /// Nothing to explain.
        None = 0 "none",
        /// The account has no identity on the ledger.
        UnmappedAccount = 1 "unmapped_account",
        /// No grant was named.
        NoGrant = 2 "no_grant",
        /// The grant named does not exist.
        UnknownGrant = 3 "unknown_grant",
        /// The grant named is for another dataset.
        OtherDataset = 4 "other_dataset",
        /// The identity named does not exist, or belongs to another department than stated.
        UnknownIdentity = 5 "unknown_identity",
        /// The identity is not among those that the grant names.
        IdentityNotGranted = 6 "identity_not_granted",
        /// The identity was not in force.
        IdentityNotInForce = 7 "identity_not_in_force",
        /// From grade 3 up the asker must be verified.
        AssuranceTooLow = 8 "assurance_too_low",
        /// The grant was not confirmed yet.
        NotYetGranted = 9 "not_yet_granted",
        /// The grant had been revoked.
        GrantRevoked = 10 "grant_revoked",
        /// Before or after the grant's period.
        OutsidePeriod = 11 "outside_period",
        /// The grant does not allow this operation.
        OperationNotGranted = 12 "operation_not_granted",
        /// The grant is for another purpose.
        OtherPurpose = 13 "other_purpose",
        /// A field that the grant does not name.
        FieldNotGranted = 14 "field_not_granted",
        /// More than the quota allows.
        QuotaExceeded = 15 "quota_exceeded",
        /// The gateway decided by a state older than the grade allows.
        DecisionTooOld = 16 "decision_too_old",
        /// The grant is limited to fields, and the record does not say which were touched.
        FieldsUnknown = 17 "fields_unknown",
        /// The record does not say for what purpose.
        PurposeUnknown = 18 "purpose_unknown",
        /// The access time lies in the future.
        FutureTime = 19 "future_time",
        /// The height by which the gateway decided does not exist.
        UnknownHeight = 20 "unknown_height",
        /// The day is too long ago for its quota to be known.
        QuotaDayUnknown = 21 "quota_day_unknown",
        /// The grant was suspended.
        GrantSuspended = 22 "grant_suspended",
        /// Something that the grant hangs from did not hold.
        AncestorEnded = 23 "ancestor_ended",
        /// The emergency access was not ratified.
        NotRatified = 24 "not_ratified",
        /// The dataset was out of the catalogue.
        DatasetRetired = 25 "dataset_retired",
        /// After a succession two of the three parties are one body, and nobody reconfirmed in time.
        NotReconfirmed = 26 "not_reconfirmed",
        /// Outside the hours that the grant allows.
        OutsideSchedule = 27 "outside_schedule",
        /// The asker's department is not of the class that the grant is for.
        NotInClass = 28 "not_in_class",
        /// Two of user, collector and manager are one body.
        SameBody = 29 "same_body",
        /// An internal permit does not reach beyond the collector's own body.
        OtherBody = 30 "other_body",
        /// The record does not say which datasets were touched.
        DatasetUnknown = 31 "dataset_unknown",
        /// The grant's rows are limited, and the record does not say how many there were.
        RowsUnknown = 32 "rows_unknown",
        /// Whether a grant was named can't be told.
        GrantUnknown = 33 "grant_unknown",
        /// The ledger finds nothing against it; the gateway would have denied it.
        DeniedByGateway = 34 "denied_by_gateway",
        /// Somebody asked about himself, under a grant that is not for a class.
        SelfServiceNotStanding = 35 "self_service_not_standing",
        /// The grant is for those who ask about themselves.
        OnlySelfService = 36 "only_self_service",
    }
}

numbered! {
    /// How soon after the access a record came.
    Timeliness {
        /// Not an access record.
        None = 0 "none",
        /// Decided by the ledger's state and recorded at once.
        Live = 1 "live",
        /// Recorded later, within the limit.
        Late = 2 "late",
        /// Recorded long after.
        Backfill = 3 "backfill",
    }
}

/// What the rules made of an event: 16 bits in its leaf. Bits 0–3 verdict, 4–5 timeliness,
/// 6 the access time lies in the future, 7 it names a grant that is not its own, 8–15 reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Whether the access was allowed.
    pub verdict: Verdict,
    /// Why not.
    pub reason: Reason,
    /// How soon it was recorded.
    pub timeliness: Timeliness,
    /// Whether the access time lies in the future.
    pub future: bool,
    /// Whether a grant that it names is another's: it counts on nothing of that one.
    pub names_others: bool,
}

impl Outcome {
    /// Of everything that is not an access record.
    pub const DONE: Self = Self {
        verdict: Verdict::None,
        reason: Reason::None,
        timeliness: Timeliness::None,
        future: false,
        names_others: false,
    };

    /// Its 16 bits.
    pub fn to_bits(self) -> u16 {
        let flags = (u8::from(self.future) << 6) | (u8::from(self.names_others) << 7);
        let low = self.verdict as u8 | ((self.timeliness as u8) << 4) | flags;
        u16::from_be_bytes([self.reason as u8, low])
    }

    /// From 16 bits that some rule may have given.
    pub fn from_bits(bits: u16) -> Option<Self> {
        let [reason, low] = bits.to_be_bytes();
        Some(Self {
            verdict: Verdict::from_number(low & 0x0f)?,
            reason: Reason::from_number(reason)?,
            timeliness: Timeliness::from_number((low >> 4) & 3)?,
            future: low & 0x40 != 0,
            names_others: low & 0x80 != 0,
        })
    }
}
