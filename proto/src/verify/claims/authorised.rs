//! Authorised: an access was covered, by the rules that the nodes themselves apply.

use super::super::events::{Checker, hashes};
use super::super::objects::Objects;
use super::super::{NotVerified, invalid};
use super::inclusion::{self, Inclusion};
use crate::event::{Body, Outcome, Verdict};
use crate::header::block::Header;
use crate::items::access::replay::{self, Reads, Recorded};
use crate::ledger::{Halt, Missing, Object};
use crate::place::{ObjectKind, Place};
use crate::types::{BlockId, Height, TimeMs};
use crate::wire::{self, item::Kind};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An access that its grant allowed.
#[derive(Debug, Clone)]
pub struct Authorised {
    /// The record, in its block.
    pub record: Inclusion,
    /// What the rules make of it: as its leaf says.
    pub outcome: Outcome,
    /// The objects that the rules read.
    pub(super) reads: BTreeSet<Place>,
}

/// What the file holds, as what the rules read.
struct File<'a> {
    objects: &'a Objects,
    headers: BTreeMap<Height, Header>,
}

impl replay::Source for File<'_> {
    fn object(&self, place: &Place) -> Result<Option<Object>, Missing> {
        let object = self.objects.any(place).ok_or_else(|| Missing(place.clone()))?;
        Ok(Some(object.clone()))
    }

    fn former(&self, of: &Place, at: Height) -> Result<Option<(Height, wire::Former)>, Missing> {
        let until = |place: &Place| {
            let (id, until) = place.id().split_last_chunk::<8>()?;
            let until = Height::new(u64::from_be_bytes(*until));
            let is_former = place.object_kind() == Some(ObjectKind::Former);
            (is_former && id == of.to_bytes() && until > at).then_some(until)
        };
        let Some(until) = self.objects.places().find_map(until) else {
            return Err(Missing(of.clone()));
        };
        let former: Option<Arc<wire::Former>> = self.objects.get(&Place::former(of, until));
        Ok(former.map(|it| (until, (*it).clone())))
    }

    fn block(&self, height: Height) -> Result<Option<(BlockId, TimeMs)>, Missing> {
        Ok(self.headers.get(&height).map(|it| (it.block_id(), it.time)))
    }

    fn first_block_from(&self, time: TimeMs) -> Result<Option<Height>, Missing> {
        let Some(first) = self.headers.values().find(|it| it.time >= time) else {
            return Ok(None);
        };
        let before = self.headers.get(&first.height.previous());
        let is_first =
            first.height == Height::GENESIS || before.is_some_and(|before| before.time < time);
        Ok(is_first.then_some(first.height))
    }
}

/// Verifies that an access was covered.
pub(super) fn verify(
    claim: &wire::AuthorisedClaim,
    checker: &Checker<'_>,
) -> Result<Authorised, NotVerified> {
    let nothing = || invalid("claim.none", "no record is claimed");
    let record = inclusion::verify(claim.record.as_ref().ok_or_else(nothing)?, checker)?;
    let mut headers = BTreeMap::new();
    for given in &claim.headers {
        let header = checker.header(&given.header)?;
        if !inclusion::is_below(checker.anchor, &header, &hashes(&given.path)?) {
            return Err(invalid("authorised.header", "a header that is not below the anchor"));
        }
        if headers.insert(header.height, header).is_some() {
            return Err(invalid("file.unused", "a header is given twice"));
        }
    }
    let file = File { objects: checker.objects, headers };
    let (outcome, reads) = replay(&record, &file)?;
    if !file.headers.keys().eq(&reads.heights) {
        return Err(invalid("file.unused", "a header that the claim does not need"));
    }
    Ok(Authorised { record, outcome, reads: reads.places })
}

/// What the rules make of the record, which must be what its leaf says: that it was covered.
fn replay(record: &Inclusion, file: &File<'_>) -> Result<(Outcome, Reads), NotVerified> {
    let leaf = &record.event.leaf;
    let Body::Signed { header, item } = &record.event.body else {
        return Err(invalid("authorised.none", "no record of an access"));
    };
    let Kind::RecordAccess(it) = item.kind() else {
        return Err(invalid("authorised.none", "no record of an access"));
    };
    if !allows(leaf.outcome.verdict) {
        return Err(invalid("authorised.not", format!("it was judged {}", leaf.outcome.verdict)));
    }
    match replay::judge(file, Recorded { leaf, signer: header, record: it }) {
        Ok(judged) if judged.0 == leaf.outcome => Ok(judged),
        // More blocks may have been due to leave the window of recent ones than leave it at once.
        Ok((_, reads)) if reads.heights.len() > 1 => {
            let height = it.decided_height.unwrap_or_default();
            let what = format!("whether block {height} counted as recent at {}", leaf.height);
            Err(NotVerified::Undecidable(what))
        }
        Ok((outcome, _)) => {
            let (found, told) = (outcome.verdict, leaf.outcome.verdict);
            let why = format!("by the rules it was {found} ({}), not {told}", outcome.reason);
            Err(invalid("authorised.differs", why))
        }
        Err(Halt::Refused(why)) => Err(invalid("authorised.differs", why)),
        Err(Halt::Missing(Missing(place))) => {
            let place = format!("{place:?}, as it stood before height {}", leaf.height);
            Err(NotVerified::Undecidable(place))
        }
    }
}

/// Whether a verdict says that an access was allowed.
pub fn allows(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Covered | Verdict::Internal | Verdict::Emergency)
}
