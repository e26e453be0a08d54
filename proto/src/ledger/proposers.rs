//! Who missed turns to propose: told from the round of the certificate that a block carries, and from nothing else. Nodes' own
//! certificates differ, and who signed one its carrier could choose.

use crate::header::turns::Turns;
use crate::items::governance::validator_history;
use crate::ledger::{Draft, Halt, Missing};
use crate::place::Place;
use crate::types::KeyId;
use crate::wire::{self, MissedTurns};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Counts the turns missed at the height before: those of the rounds below the one in which it was decided.
pub(crate) fn begin(draft: &mut Draft<'_>) -> Result<(), Missing> {
    let place = Place::proposer_turns();
    let known: Option<Arc<wire::ProposerTurns>> = draft.get(&place)?;
    let context = *draft.context();
    let stands = known.is_some();
    if !stands && context.carried_round.unwrap_or(0) == 0 {
        return Ok(()); // as nearly always
    }
    let known = known.map(|it| (*it).clone()).unwrap_or_default();
    let mut next = known.next.clone();
    if let Some(round) = context.carried_round {
        let decided = context.height.previous();
        let set = match validator_history::at(draft, decided) {
            Ok(set) => set,
            Err(Halt::Missing(missing)) => return Err(missing),
            Err(Halt::Refused(_)) => None,
        };
        if let Some(set) = set {
            let turns = Turns::new(&set, &known.current, decided);
            let whose = |round| set.all().get(turns.at(decided, round)).map(|it| it.key_id);
            // Whoever comes round again has missed no more by it.
            let rounds = round.min(u32::try_from(set.all().len()).unwrap_or(u32::MAX));
            let missed: BTreeSet<KeyId> = (0..rounds).filter_map(whose).collect();
            next.retain(|it| KeyId::from_slice(&it.key_id).is_ok_and(|id| set.get(&id).is_some()));
            for id in missed {
                add(&mut next, id, decided.get());
            }
            let proposed = whose(round).map(|id| id.to_vec());
            next.retain(|it| Some(&it.key_id) != proposed.as_ref());
        }
    }
    if next.is_empty() && known.next.is_empty() {
        if stands {
            draft.remove(place);
        }
    } else if next != known.next || known.next != known.current {
        draft.put(place, wire::ProposerTurns { next, current: known.next });
    }
    Ok(())
}

fn add(list: &mut Vec<MissedTurns>, id: KeyId, height: u64) {
    match list.binary_search_by(|it| it.key_id.as_slice().cmp(id.as_bytes())) {
        Ok(at) => {
            if let Some(it) = list.get_mut(at) {
                (it.count, it.height) = (it.count.saturating_add(1), height);
            }
        }
        Err(at) => list.insert(at, MissedTurns { key_id: id.to_vec(), count: 1, height }),
    }
}
