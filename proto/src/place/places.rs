//! The places of all that there is, each made of what it is about.

use super::{ObjectKind, Place, TrailKind};
use crate::suite::hash::{self, Domain};
use crate::types::{Hash, Height, IdentityId, KeyId, RequestId, TimeMs};

impl Place {
    /// The trail of a key.
    pub fn key_trail(key: &KeyId) -> Self {
        Self::trail(TrailKind::Key, key.as_bytes())
    }

    /// The trail of a dataset.
    pub fn dataset_trail(code: &str) -> Self {
        Self::trail(TrailKind::Dataset, code.as_bytes())
    }

    /// The story of a grant.
    pub fn grant_trail(request: &RequestId) -> Self {
        Self::trail(TrailKind::Grant, request.as_bytes())
    }

    /// The use made of a grant.
    pub fn use_trail(request: &RequestId) -> Self {
        Self::trail(TrailKind::Use, request.as_bytes())
    }

    /// The trail of a subject of a collector.
    pub fn subject_trail(collector: &str, tag: &[u8]) -> Self {
        Self::trail(TrailKind::Subject, &[collector.as_bytes(), tag].concat())
    }

    /// The trail of a gateway.
    pub fn gateway_trail(identity: &IdentityId) -> Self {
        Self::trail(TrailKind::Gateway, identity.as_bytes())
    }

    /// A department.
    pub fn department(code: &str) -> Self {
        Self::object(ObjectKind::Department, code.as_bytes())
    }

    /// The tags of a bulk set.
    pub fn bulk_tags_trail(gateway: &[u8], access_no: u64) -> Self {
        Self::trail(TrailKind::BulkTags, &[gateway, &access_no.to_be_bytes()].concat())
    }

    /// How many subjects a collector's records left unknown.
    pub fn unknown_count(collector: &str) -> Self {
        Self::object(ObjectKind::UnknownCount, collector.as_bytes())
    }

    /// All identities of a department.
    pub fn roster(department: &str) -> Self {
        Self::object(ObjectKind::Roster, department.as_bytes())
    }

    /// What an object was until a block.
    pub fn former(of: &Self, until: Height) -> Self {
        let id = [of.to_bytes().as_slice(), &until.get().to_be_bytes()].concat();
        Self::object(ObjectKind::Former, &id)
    }

    /// An identity.
    pub fn identity(id: &IdentityId) -> Self {
        Self::object(ObjectKind::Identity, id.as_bytes())
    }

    /// A key.
    pub fn key(id: &KeyId) -> Self {
        Self::object(ObjectKind::Key, id.as_bytes())
    }

    /// A dataset.
    pub fn dataset(code: &str) -> Self {
        Self::object(ObjectKind::Dataset, code.as_bytes())
    }

    /// A request.
    pub fn request(id: &RequestId) -> Self {
        Self::object(ObjectKind::Request, id.as_bytes())
    }

    /// A grant.
    pub fn grant(id: &RequestId) -> Self {
        Self::object(ObjectKind::Grant, id.as_bytes())
    }

    /// The counters of a grant's use.
    pub fn grant_use(id: &RequestId) -> Self {
        Self::object(ObjectKind::GrantUse, id.as_bytes())
    }

    /// A gateway's numbering.
    pub fn gateway(identity: &IdentityId) -> Self {
        Self::object(ObjectKind::Gateway, identity.as_bytes())
    }

    /// The parameters.
    pub fn parameters() -> Self {
        Self::object(ObjectKind::Parameters, &[])
    }

    /// A recent block.
    pub fn recent_block(height: Height) -> Self {
        Self::object(ObjectKind::RecentBlock, &height.get().to_be_bytes())
    }

    /// The trail of a department.
    pub fn department_trail(code: &str) -> Self {
        Self::trail(TrailKind::Department, code.as_bytes())
    }

    /// The trail of an identity.
    pub fn identity_trail(id: &[u8]) -> Self {
        Self::trail(TrailKind::Identity, id)
    }

    /// The integrity chain of a department.
    pub fn integrity_trail(code: &str) -> Self {
        Self::trail(TrailKind::Integrity, code.as_bytes())
    }

    /// The trail of governance.
    pub fn governance_trail() -> Self {
        Self::trail(TrailKind::Governance, &[])
    }

    /// The departments right beneath one.
    pub fn beneath(code: &str) -> Self {
        Self::object(ObjectKind::Beneath, code.as_bytes())
    }

    /// What an identity's code names.
    pub fn identity_name(department: &str, code: &str) -> Self {
        Self::object(ObjectKind::IdentityName, format!("{department}/{code}").as_bytes())
    }

    /// A timer that goes off at `due`.
    pub fn timer(due: TimeMs, kind: u8, about: &[u8]) -> Self {
        let id = [&due.get().to_be_bytes(), [kind].as_slice(), about].concat();
        Self::object(ObjectKind::Timer, &id)
    }

    /// When a timer at this place goes off; `None` for another place.
    pub fn timer_due(&self) -> Option<TimeMs> {
        let is_timer = self.kind == ObjectKind::Timer as u8;
        let due = self.id.first_chunk::<8>().filter(|_| is_timer)?;
        Some(TimeMs::new(u64::from_be_bytes(*due)))
    }

    /// Who votes on proposals.
    pub fn voters() -> Self {
        Self::object(ObjectKind::Voters, &[])
    }

    /// Who signs blocks.
    pub fn validator_schedule() -> Self {
        Self::object(ObjectKind::ValidatorSchedule, &[])
    }

    /// Nodes that may connect.
    pub fn peers() -> Self {
        Self::object(ObjectKind::Peers, &[])
    }

    /// The protocol version to come.
    pub fn protocol_schedule() -> Self {
        Self::object(ObjectKind::ProtocolSchedule, &[])
    }

    /// The calendar of a year.
    pub fn calendar(year: u32) -> Self {
        Self::object(ObjectKind::Calendar, &year.to_be_bytes())
    }

    /// A proposal.
    pub fn proposal(id: &[u8]) -> Self {
        Self::object(ObjectKind::Proposal, id)
    }

    /// An audit.
    pub fn audit(department: &str, audit: &str) -> Self {
        Self::object(ObjectKind::Audit, format!("{department}/{audit}").as_bytes())
    }

    /// A batch of reads that a department's node sealed for an audit, and that are not all opened.
    pub fn unopened_read(department: &str, audit: &str, root: &[u8], sealed_by: &str) -> Self {
        // Of that department: another that copies the root takes nobody's place.
        let own = hash::hash(Domain::Digest, &[root, sealed_by.as_bytes()]);
        let id = [format!("{department}/{audit}/").as_bytes(), own.as_bytes()].concat();
        Self::object(ObjectKind::UnopenedRead, &id)
    }

    /// The users' halves of a grant's accesses.
    pub fn acknowledgements_trail(request: &[u8]) -> Self {
        Self::trail(TrailKind::Acknowledgements, request)
    }

    /// The integrity chain of an identity.
    pub fn identity_integrity_trail(id: &[u8]) -> Self {
        Self::trail(TrailKind::IdentityIntegrity, id)
    }

    /// Records of a collector of which not every subject is listed.
    pub fn unlisted_trail(collector: &str) -> Self {
        Self::trail(TrailKind::Unlisted, collector.as_bytes())
    }

    /// What was sealed by an authority's decisions.
    pub fn sealed_trail(authority: &str) -> Self {
        Self::trail(TrailKind::Sealed, authority.as_bytes())
    }

    /// The alerts that concern a department.
    pub fn alert_trail(code: &str) -> Self {
        Self::trail(TrailKind::Alert, code.as_bytes())
    }

    /// A case, as a trail.
    pub fn case_trail(id: &[u8]) -> Self {
        Self::trail(TrailKind::Case, id)
    }

    /// A product, as a trail.
    pub fn product_trail(id: &[u8]) -> Self {
        Self::trail(TrailKind::Product, id)
    }

    /// How a gateway was set up.
    pub fn gateway_setup(identity: &[u8]) -> Self {
        Self::object(ObjectKind::GatewaySetup, identity)
    }

    /// How many gateways serve a dataset.
    pub fn dataset_gateways(code: &str) -> Self {
        Self::object(ObjectKind::DatasetGateways, code.as_bytes())
    }

    /// The halves of an hour's accesses.
    pub fn halves(request: &[u8], hour: u64, department: &str) -> Self {
        let id = [request, &hour.to_be_bytes(), department.as_bytes()].concat();
        Self::object(ObjectKind::Halves, &id)
    }

    /// A half of the access of this number, under a grant, by a department.
    pub fn half(request: &[u8], gateway: &[u8], access_no: u64, department: &str) -> Self {
        let id = [request, gateway, &access_no.to_be_bytes(), department.as_bytes()].concat();
        Self::object(ObjectKind::Half, &id)
    }

    /// The bulk set of a record.
    pub fn bulk_set(gateway: &[u8], access_no: u64) -> Self {
        Self::object(ObjectKind::BulkSet, &[gateway, &access_no.to_be_bytes()].concat())
    }

    /// A correction.
    pub fn correction(id: &[u8]) -> Self {
        Self::object(ObjectKind::Correction, id)
    }

    /// A decision on sealing.
    pub fn sealing_order(id: &[u8]) -> Self {
        Self::object(ObjectKind::SealingOrder, id)
    }

    /// A sealed record.
    pub fn sealed_access(gateway: &[u8], access_no: u64) -> Self {
        Self::object(ObjectKind::SealedAccess, &[gateway, &access_no.to_be_bytes()].concat())
    }

    /// How many records were sealed in a month.
    pub fn sealed_count(month: u32) -> Self {
        Self::object(ObjectKind::SealedCount, &month.to_be_bytes())
    }

    /// The integrity score of a department.
    pub fn score(code: &str) -> Self {
        Self::object(ObjectKind::Score, code.as_bytes())
    }

    /// The integrity score of an identity. No code begins with the byte 0xff.
    pub fn identity_score(id: &[u8]) -> Self {
        Self::object(ObjectKind::Score, &[&[0xff], id].concat())
    }

    /// An integrity event of a department.
    pub fn integrity_event(department: &str, number: u64) -> Self {
        let id = [&number.to_be_bytes(), department.as_bytes()].concat();
        Self::object(ObjectKind::IntegrityEvent, &id)
    }

    /// What repeats join.
    pub fn joined(what: &Hash) -> Self {
        Self::object(ObjectKind::Joined, what.as_bytes())
    }

    /// The count of a department's alerts.
    pub fn alert_book(department: &str) -> Self {
        Self::object(ObjectKind::AlertBook, department.as_bytes())
    }

    /// An alert.
    pub fn alert(department: &str, number: u64) -> Self {
        let id = [&number.to_be_bytes(), department.as_bytes()].concat();
        Self::object(ObjectKind::Alert, &id)
    }

    /// What is remembered of an identity's accesses.
    pub fn identity_watch(id: &[u8]) -> Self {
        Self::object(ObjectKind::IdentityWatch, id)
    }

    /// A case.
    pub fn case(id: &[u8]) -> Self {
        Self::object(ObjectKind::Case, id)
    }

    /// A product.
    pub fn product(id: &[u8]) -> Self {
        Self::object(ObjectKind::Product, id)
    }

    /// The products that stand on a grant.
    pub fn grant_products(request: &[u8]) -> Self {
        Self::object(ObjectKind::GrantProducts, request)
    }

    /// A double vote.
    pub fn double_vote(key: &[u8], height: u64, round: u32, vote: u8) -> Self {
        let id = [key, &height.to_be_bytes(), &round.to_be_bytes(), &[vote]].concat();
        Self::object(ObjectKind::DoubleVote, &id)
    }

    /// The window of recent blocks.
    pub fn recent_window() -> Self {
        Self::object(ObjectKind::RecentWindow, &[])
    }

    /// The first heights of the last days.
    pub fn day_heights() -> Self {
        Self::object(ObjectKind::DayHeights, &[])
    }

    /// Whose turns to propose were missed lately.
    pub fn proposer_turns() -> Self {
        Self::object(ObjectKind::ProposerTurns, &[])
    }
}
