//! Proofs of all that stands of a data subject.

use super::{Blocks, Chain, ProveError, Read, Source, Transactions, to_bytes};
use crate::store::StoreError;
use liuhen_proto::items::Item;
use liuhen_proto::ledger::calendar::{sealed_month, sealed_told_before};
use liuhen_proto::place::{Place, TrailKind};
use liuhen_proto::subject::prove_bulk;
use liuhen_proto::tx::TxHeader;
use liuhen_proto::types::Hash;
use liuhen_proto::verify::{Range, bulk_record};
use liuhen_proto::wire::{self, item::Kind, trace};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Chain {
    /// Proves all that stands of tags of collectors in a range. Gives the proof, and what was read of
    /// which trails.
    pub fn prove_subject(
        &self,
        tags: &BTreeSet<(String, Hash)>,
        range: Range,
        pinned: Option<u64>,
    ) -> Result<(Vec<u8>, Vec<Read>), ProveError> {
        let (mut needs, mut reads) = (Transactions::default(), Vec::new());
        let mut subjects = Vec::with_capacity(tags.len());
        for (collector, tag) in tags {
            let id = [collector.as_bytes(), tag.as_bytes()].concat();
            let mut stretch =
                |kind, id: &[u8]| self.one_of_several((kind, id), range, &mut needs, &mut reads);
            let listed = stretch(TrailKind::Subject, &id)?;
            let unlisted = stretch(TrailKind::Unlisted, collector.as_bytes())?;
            let bulk = self.memberships(&unlisted, tag, &mut needs)?;
            let no_unknown = self.or_none(Place::unknown_count(collector), &mut needs)?;
            subjects.push(wire::SubjectTrails {
                collector: collector.clone(),
                tag: tag.to_vec(),
                listed: Some(listed),
                unlisted: Some(unlisted),
                bulk,
                no_unknown,
            });
        }
        let sealed_from = sealed_month(self.founding.header().time);
        let mut unsealed = Vec::new();
        for month in sealed_from..sealed_told_before(self.parent.header.time) {
            if let Some(path) = self.or_none(Place::sealed_count(month), &mut needs)? {
                unsealed.push(wire::UnsealedMonth { month, path: Some(path) });
            }
        }
        let claim = wire::SubjectClaim { subjects, sealed_from, unsealed };
        let proof = self.trace(needs, trace::Claim::Subject(claim), pinned)?;
        Ok((proof, reads))
    }

    /// Puts an object into the proof, or gives the path by which there is none.
    fn or_none(
        &self,
        place: Place,
        needs: &mut Transactions,
    ) -> Result<Option<wire::MapProof>, StoreError> {
        if self.index.get(&place)?.is_none() {
            return Ok(Some(self.trie.prove(&place.map_key()).to_wire()));
        }
        needs.objects.insert(place);
        Ok(None)
    }

    /// For each record of a complete bulk set on a stretch: whether the tag is in it.
    fn memberships(
        &self,
        stretch: &wire::CompletenessClaim,
        tag: &Hash,
        needs: &mut Transactions,
    ) -> Result<Vec<wire::BulkMembership>, ProveError> {
        let mut bulk = Vec::new();
        // The ledger's own events are no records.
        for event in stretch.events.iter().filter(|it| it.ledger_event.is_empty()) {
            let transaction = usize::try_from(event.transaction).unwrap_or(usize::MAX);
            let header =
                needs.list.get(transaction).and_then(|it| TxHeader::parse(&it.header).ok());
            let item = Item::parse(&event.item).ok();
            let damaged = || StoreError::Damaged("a record of a bulk set".into());
            let (header, item) = header.zip(item).ok_or_else(damaged)?;
            let Some((gateway, access_no)) = bulk_record(&header, &item) else { continue };
            let place = Place::bulk_set(&gateway, access_no);
            let set: Option<Arc<wire::BulkSet>> = self.index.typed(&place)?;
            let set = set.ok_or_else(damaged)?;
            needs.objects.insert(place);
            if !set.complete {
                continue;
            }
            let tags = self.bulk_tags(&Place::bulk_tags_trail(&gateway, access_no))?;
            let proof = prove_bulk(&tags, tag.as_bytes()).ok_or_else(damaged)?;
            bulk.push(wire::BulkMembership {
                first: proof.first,
                tags: proof.tags,
                hashes: to_bytes(&proof.hashes),
            });
        }
        Ok(bulk)
    }

    /// All tags of a bulk set, in order.
    fn bulk_tags(&self, trail: &Place) -> Result<Vec<Vec<u8>>, StoreError> {
        let size = self.index.head(trail)?.size();
        let (mut blocks, mut tags) = (Blocks::default(), Vec::new());
        for number in 0..size {
            let leaf = self.leaf_of_trail(trail, number)?;
            if let Source::Item(tx) = blocks.source(self, &leaf)?
                && let Some(Kind::AddBulkTags(it)) =
                    tx.items().get(leaf.item as usize).map(Item::kind)
            {
                tags.extend(it.tags.iter().cloned());
            }
        }
        Ok(tags)
    }
}
