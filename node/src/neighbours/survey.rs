//! What the others know of this node's votes, weighed by their power.

use super::{Neighbour, Neighbours};
use crate::consensus::{Exchange, Others};
use crate::gossip::Standing;
use crate::store::votes::Signed;
use liuhen_proto::header::{block::Header, certificate, validators::ValidatorSet};
use liuhen_proto::types::{ChainId, Height, KeyId};

impl Neighbours {
    /// Asks the others now.
    pub(crate) async fn survey(&self, exchange: &Exchange) -> Others {
        self.others(exchange, &self.ask_how_all_stand().await)
    }

    /// What they say of this node's votes.
    pub(crate) fn others(&self, exchange: &Exchange, all: &[(KeyId, Neighbour)]) -> Others {
        let (newest, beside) = (self.newest(exchange, all), self.is_beside(all));
        let chain = self.chain();
        let others = weigh(chain.validators(), &self.0.own.public().key_id(), all);
        Others { newest, beside, ..others }
    }

    /// The heights that the neighbours which answer say.
    pub(crate) async fn heights(&self) -> Vec<Height> {
        let all = self.ask_how_all_stand().await;
        all.iter().map(|(_, it)| Height::new(it.standing.height)).collect()
    }

    /// The height that a neighbour says, where this node can tell that it is so.
    pub(super) fn shown(&self, standing: &Standing) -> Option<Height> {
        let chain = self.chain();
        let id = chain.founding().chain();
        shown(&id, chain.header().height, chain.validators(), standing)
    }

    /// The last message of this node's key that one of them holds.
    pub(super) fn newest(&self, exchange: &Exchange, all: &[(KeyId, Neighbour)]) -> Option<Signed> {
        let held = all.iter().filter_map(|(_, it)| it.standing.newest.as_ref());
        let own = held.filter_map(|bytes| exchange.own_message(bytes));
        own.max_by_key(Signed::place)
    }
}

/// The height that a neighbour says, where it is this node's own or below, or the certificate is one of the validators that
/// it knows.
fn shown(chain: &ChainId, own: Height, validators: &ValidatorSet, it: &Standing) -> Option<Height> {
    let height = Height::new(it.height);
    if height <= own {
        return Some(height);
    }
    let header = Header::from_bytes(&it.header).ok()?;
    let carried = certificate::decode(&it.certificate).ok()?;
    certificate::verify(&carried, chain, height, &header.block_id(), validators).ok()?;
    (header.height == height && header.chain == *chain).then_some(height)
}

/// What heights and powers come to.
fn weigh(validators: &ValidatorSet, own: &KeyId, all: &[(KeyId, Neighbour)]) -> Others {
    let power = |key: &KeyId| validators.get(key).map_or(0, |it| u128::from(it.power));
    let (mut shown, mut not_shown, mut highest) = (0u128, 0u128, Height::GENESIS);
    for (key, it) in all {
        match it.shown {
            Some(height) => {
                highest = highest.max(height);
                shown = shown.saturating_add(power(key));
            }
            None => not_shown = not_shown.saturating_add(power(key)),
        }
    }
    let (own, answered) = (power(own), shown.saturating_add(not_shown));
    // A number that nobody can check counts for nothing. Where most can't be checked, it is this node that is behind.
    let is_current = validators.is_quorum(shown.saturating_add(own));
    Others {
        quorum: validators.is_quorum(answered.saturating_add(own)),
        quorum_without: validators.is_quorum(if is_current { answered } else { shown }),
        highest,
        newest: None,
        beside: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use libp2p::PeerId;
    use liuhen_proto::suite::sign::PrivateKey;
    use liuhen_proto::types::{Hash, TimeMs};
    use liuhen_proto::wire;
    use prost::Message as _;
    use std::time::Instant;

    fn key(seed: u8) -> PrivateKey {
        PrivateKey::from_seed(&[seed; 32])
    }

    fn validators() -> ValidatorSet {
        let mut all: Vec<wire::Validator> = (1..=4)
            .map(|seed| wire::Validator {
                key_id: key(seed).public().key_id().to_vec(),
                algorithm: 1,
                public_key: key(seed).public().as_bytes().to_vec(),
                power: 1,
                cosigner_key: key(10 + seed).public().as_bytes().to_vec(),
            })
            .collect();
        all.sort_by(|a, b| a.key_id.cmp(&b.key_id));
        ValidatorSet::from_wire(&all).unwrap()
    }

    /// A neighbour at a height, with the certificate of these validators.
    fn at(height: u64, signers: &[u8]) -> Neighbour {
        let (zero, time) = (Hash::ZERO, TimeMs::new(1));
        let header = Header {
            protocol: 1,
            suite: 1,
            chain: ChainId::ZERO,
            height: Height::new(height),
            time,
            proposer: key(2).public().key_id(),
            last_commit: zero,
            log_root: zero,
            event_count: 0,
            events_root: zero,
            map_root: zero,
            validators_hash: zero,
            next_validators_hash: zero,
        };
        let id = header.block_id();
        let mut signatures: Vec<wire::CommitSignature> = signers
            .iter()
            .map(|seed| {
                let bytes = certificate::vote_bytes(
                    &ChainId::ZERO,
                    certificate::VoteType::Precommit,
                    header.height,
                    0,
                    Some(&id),
                );
                let key_id = key(*seed).public().key_id().to_vec();
                wire::CommitSignature { key_id, signature: key(*seed).sign(&bytes).to_vec() }
            })
            .collect();
        signatures.sort_by(|a, b| a.key_id.cmp(&b.key_id));
        let certificate = wire::Certificate { height, round: 0, block_id: id.to_vec(), signatures };
        let standing = Standing {
            number: 0,
            height,
            header: header.to_bytes().to_vec(),
            certificate: certificate.encode_to_vec(),
            newest: None,
            beside: None,
            now_ms: 0,
            votes: true,
            withheld: None,
            version: String::new(),
        };
        let (peer, heard) = (PeerId::random(), Instant::now());
        let shown = shown(&ChainId::ZERO, Height::new(5), &validators(), &standing);
        Neighbour { standing, clock_ahead_ms: 0, shown, peer, heard }
    }

    /// What node 1, at height 5, makes of the others' answers.
    fn weighed(all: &[(u8, Neighbour)]) -> Others {
        let own = key(1).public().key_id();
        let all: Vec<_> =
            all.iter().map(|(seed, it)| (key(*seed).public().key_id(), it.clone())).collect();
        weigh(&validators(), &own, &all)
    }

    fn others(quorum: bool, quorum_without: bool, highest: u64) -> Others {
        let highest = Height::new(highest);
        Others { quorum, quorum_without, highest, newest: None, beside: false }
    }

    #[test]
    fn powers_are_counted() {
        let good = [2, 3, 4];
        assert_eq!(weighed(&[]), others(false, false, 0));
        assert_eq!(weighed(&[(2, at(5, &[]))]), others(false, false, 5));
        let two = [(2, at(5, &[])), (3, at(7, &good))];
        assert_eq!(weighed(&two), others(true, false, 7));
        let [a, b] = two;
        assert_eq!(weighed(&[a, b, (4, at(6, &good))]), others(true, true, 7));
        // Who is no validator has no power.
        assert_eq!(weighed(&[(9, at(5, &[])), (8, at(5, &[]))]), others(false, false, 5));
    }

    #[test]
    fn a_liars_height_counts_for_nothing() {
        let good = [2, 3, 4];
        // Too few signatures, none, and those of nobody.
        for signers in [&[2, 3][..], &[], &[7, 8, 9]] {
            let liar = (4, at(1 << 40, signers));
            let all = [(2, at(5, &[])), (3, at(7, &good)), liar.clone()];
            assert_eq!(weighed(&all), others(true, true, 7));
            // With it alone nothing is known.
            assert_eq!(weighed(&[(2, at(5, &[])), liar]), others(true, false, 5));
        }
        // Whoever is far behind can check nobody's, and waits until it has caught up.
        let unknown = [7, 8, 9];
        let all = [(2, at(90, &unknown)), (3, at(90, &unknown)), (4, at(91, &unknown))];
        assert_eq!(weighed(&all), others(true, false, 0));
    }
}
