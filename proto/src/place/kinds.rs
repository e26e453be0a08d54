//! What trails and objects are about: the byte that is part of their key in the map. Each kind has one row; whatever
//! else depends on the kind is a `match` without a wildcard.

macro_rules! trail_kinds {
    ($($(#[$doc:meta])* $name:ident = $byte:literal, $text:literal;)+) => {
        /// What a trail is about. The byte is part of its key in the map.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
        #[serde(rename_all = "snake_case")]
        #[repr(u8)]
        pub enum TrailKind { $($(#[$doc])* $name = $byte),+ }

        impl TrailKind {
            /// Every kind that this protocol version writes.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Its name, as commands and JSON show it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text),+ }
            }
        }
    };
}

trail_kinds! {
    /// Every event signed with a key; id: the key id.
    Key = 1, "key";
    /// A department's identities, rights and standing; id: its code.
    Department = 2, "department";
    /// An identity's life; id: its identity id.
    Identity = 3, "identity";
    /// A dataset's registration, requests, decisions, grants and records; id: its code.
    Dataset = 4, "dataset";
    /// The one story of a grant, from request to end; id: the request id.
    Grant = 5, "grant";
    /// The records made under a grant; id: the request id.
    Use = 6, "use";
    /// The records that name a subject; id: department code of the collector ‖ tag.
    Subject = 7, "subject";
    /// A case; id: its case id.
    Case = 8, "case";
    /// Integrity events of a department; id: its code.
    Integrity = 9, "integrity";
    /// Proposals, votes and what became of them; id: empty.
    Governance = 10, "governance";
    /// Integrity events of an identity; id: its identity id.
    IdentityIntegrity = 11, "identity-integrity";
    /// The users' halves of accesses; id: the request id.
    Acknowledgements = 12, "acknowledgements";
    /// A gateway's records, seals and losses; id: its identity id.
    Gateway = 13, "gateway";
    /// What was sealed and opened by a decision of an authority; id: its department code.
    Sealed = 14, "sealed";
    /// Records of bulk sets and of whole versions, which may concern anybody; id: department code of
    /// the collector.
    Unlisted = 15, "unlisted";
    /// Alerts that concern a department; id: its code.
    Alert = 16, "alert";
    /// A data product; id: its product id.
    Product = 17, "product";
    /// The tags of a bulk set; id: gateway id ‖ access_no u64.
    BulkTags = 18, "bulk-tags";
}

impl TrailKind {
    /// From its byte.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| *kind as u8 == byte)
    }
}

/// Gives the table of objects to a macro. An object of kind `Name` is a message `wire::Name`.
macro_rules! object_kinds {
    ($make:ident) => {
        $make! {
            /// A member; id: its code.
            Department = 128;
            /// An identity; id: its identity id.
            Identity = 129;
            /// A key; id: its key id.
            Key = 130;
            /// A dataset; id: its code.
            Dataset = 131;
            /// A request; id: its request id.
            Request = 132;
            /// A grant; id: its request id.
            Grant = 133;
            /// The counters of a grant's use; id: its request id.
            GrantUse = 134;
            /// A gateway's numbering; id: its identity id.
            Gateway = 135;
            /// The consortium's parameters; id: empty.
            Parameters = 136;
            /// A block that transactions may cite; id: its height, u64.
            RecentBlock = 137;
            /// Which recent blocks are kept; id: empty.
            RecentWindow = 138;
            /// The departments right beneath one; id: its code.
            Beneath = 139;
            /// Which identity a code names; id: department ‖ "/" ‖ code.
            IdentityName = 140;
            /// What happens by itself at a time; id: the time u64 ‖ kind u8 ‖ what it is about.
            Timer = 141;
            /// Who votes on proposals; id: empty.
            Voters = 142;
            /// Who signs blocks; id: empty.
            ValidatorSchedule = 143;
            /// Nodes that may connect; id: empty.
            Peers = 144;
            /// The protocol version to come; id: empty.
            ProtocolSchedule = 145;
            /// A year's holidays and make-up days; id: the year u32.
            Calendar = 146;
            /// A proposal; id: its proposal id.
            Proposal = 147;
            /// An audit; id: department ‖ "/" ‖ code.
            Audit = 148;
            /// A batch of sealed reads that are not all opened; id: department ‖ "/" ‖ audit ‖ "/" ‖ a hash of its root and of
            /// whose node sealed it.
            UnopenedRead = 149;
            /// How a gateway was set up; id: its identity id.
            GatewaySetup = 150;
            /// How many gateways serve a dataset; id: its code.
            DatasetGateways = 151;
            /// The halves of an hour's accesses; id: request id ‖ hour u64 ‖ department code.
            Halves = 152;
            /// A half without its other; id: request id ‖ gateway id ‖ access_no u64 ‖ department code.
            Half = 153;
            /// A bulk set; id: gateway id ‖ access_no u64.
            BulkSet = 154;
            /// A correction; id: its correction id.
            Correction = 155;
            /// A decision on sealing; id: its order id.
            SealingOrder = 156;
            /// A sealed record that is not opened; id: gateway id ‖ access_no u64.
            SealedAccess = 157;
            /// How many records were sealed in a month; id: the month u32.
            SealedCount = 158;
            /// An integrity score; id: a department code, or 0xff ‖ identity id.
            Score = 159;
            /// An integrity event; id: number u64 ‖ department code.
            IntegrityEvent = 160;
            /// What repeats join; id: a hash of what is repeated.
            Joined = 161;
            /// The count of a department's alerts; id: its code.
            AlertBook = 162;
            /// An alert; id: number u64 ‖ department code.
            Alert = 163;
            /// What is remembered of an identity's accesses; id: its identity id.
            IdentityWatch = 164;
            /// A case; id: its case id.
            Case = 165;
            /// A data product; id: its product id.
            Product = 166;
            /// The products that stand on a grant; id: its request id.
            GrantProducts = 167;
            /// A double vote that was reported; id: key id ‖ height u64 ‖ round u32 ‖ type u8.
            DoubleVote = 168;
            /// What an object was until a block; id: kind u8 ‖ id ‖ height u64.
            Former = 169;
            /// All identities of a department; id: its code.
            Roster = 170;
            /// How many subjects a collector's records left unknown; id: its code.
            UnknownCount = 171;
            /// The first heights of the last days; id: empty.
            DayHeights = 172;
            /// Whose turns to propose were missed lately; id: empty.
            ProposerTurns = 173;
        }
    };
}
pub(crate) use object_kinds;

macro_rules! define_object_kinds {
    ($($(#[$doc:meta])* $name:ident = $byte:literal;)+) => {
        /// What an object is. The byte, 128 or above, is part of its key in the map.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum ObjectKind { $($(#[$doc])* $name = $byte),+ }

        impl ObjectKind {
            /// Every kind that this protocol version writes.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];
        }
    };
}

object_kinds!(define_object_kinds);

impl ObjectKind {
    /// From its byte.
    pub fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| *kind as u8 == byte)
    }

    /// Its name, as commands and JSON show it: `grant-use`.
    pub fn name(self) -> String {
        let mut name = String::new();
        for letter in format!("{self:?}").chars() {
            if letter.is_ascii_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    }

    /// From its name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_objects_are_their_own() {
        for kind in ObjectKind::ALL.iter().copied() {
            assert_eq!(ObjectKind::from_name(&kind.name()), Some(kind));
            assert_eq!(ObjectKind::from_byte(kind as u8), Some(kind));
        }
        assert_eq!(ObjectKind::GrantUse.name(), "grant-use");
        assert_eq!(ObjectKind::from_name("GrantUse"), None);
    }
}
