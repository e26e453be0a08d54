//! Validator sets and the quorum.

use crate::suite::{
    hash::{self, Domain},
    sign::{KeyError, PublicKey},
};
use crate::types::{
    Hash, KeyId,
    limits::{TOTAL_POWER, VALIDATORS},
};
use crate::wire;

/// A node that votes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validator {
    /// The id of its key.
    pub key_id: KeyId,
    /// The key it votes with.
    pub key: PublicKey,
    /// The Ed25519 key that cosigns checkpoints.
    pub cosigner_key: PublicKey,
    /// The weight of its vote.
    pub power: u64,
}

/// Validators by key id ascending, each key once, power above zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidatorSet(Vec<Validator>);

/// Messages that are not a validator set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValidatorsError {
    /// Nobody, or too many.
    #[error("a validator set has 1 to {VALIDATORS} validators, this has {0}")]
    Count(usize),
    /// A key that can't be used.
    #[error("validator {0}: {1}")]
    Key(usize, KeyError),
    /// A key id that is not that of the key.
    #[error("validator {0}: its key id is not that of its key")]
    KeyId(usize),
    /// Not an algorithm of this suite.
    #[error("validator {0}: unknown signature algorithm")]
    Algorithm(usize),
    /// The cosigner key is not usable.
    #[error("validator {0}: cosigner key: {1}")]
    Cosigner(usize, KeyError),
    /// No vote.
    #[error("validator {0}: power must be above zero")]
    Power(usize),
    /// More than the engine can count.
    #[error("the powers of all validators add up to {0}, more than 2^60")]
    TotalPower(u128),
    /// Out of order or twice.
    #[error("validators do not stand strictly ascending by key id, at number {0}")]
    Order(usize),
}

impl ValidatorSet {
    /// Checks and takes validators as a founding document or a proof gives them.
    pub fn from_wire(validators: &[wire::Validator]) -> Result<Self, ValidatorsError> {
        if validators.is_empty() || validators.len() > VALIDATORS {
            return Err(ValidatorsError::Count(validators.len()));
        }
        let mut set: Vec<Validator> = Vec::with_capacity(validators.len());
        for (number, given) in validators.iter().enumerate() {
            let validator = checked(number, given)?;
            if set.last().is_some_and(|before| before.key_id >= validator.key_id) {
                return Err(ValidatorsError::Order(number));
            }
            set.push(validator);
        }
        let set = Self(set);
        match set.total_power() {
            total if total > u128::from(TOTAL_POWER) => Err(ValidatorsError::TotalPower(total)),
            _ => Ok(set),
        }
    }

    /// As proofs carry it.
    pub fn to_wire(&self) -> wire::ValidatorSet {
        let validators = self.0.iter().map(|it| wire::Validator {
            key_id: it.key_id.to_vec(),
            algorithm: it.key.algorithm(),
            public_key: it.key.as_bytes().to_vec(),
            cosigner_key: it.cosigner_key.as_bytes().to_vec(),
            power: it.power,
        });
        wire::ValidatorSet { validators: validators.collect() }
    }

    /// The validators, by key id ascending.
    pub fn all(&self) -> &[Validator] {
        &self.0
    }

    /// The validator of a key.
    pub fn get(&self, key: &KeyId) -> Option<&Validator> {
        self.0.binary_search_by(|it| it.key_id.cmp(key)).ok().and_then(|at| self.0.get(at))
    }

    /// The sum of all powers.
    pub fn total_power(&self) -> u128 {
        self.0.iter().fold(0, |sum, it| sum.saturating_add(u128::from(it.power)))
    }

    /// Whether `signed` is more than two thirds of the power: 3 · signed > 2 · total.
    pub fn is_quorum(&self, signed: u128) -> bool {
        signed.saturating_mul(3) > self.total_power().saturating_mul(2)
    }

    /// `H_validators(count u32 ‖ for each: key id ‖ algorithm u8 ‖ length u16 ‖ public key ‖
    /// cosigner key ‖ power u64)`.
    pub fn hash(&self) -> Hash {
        let mut bytes = u32::try_from(self.0.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
        for validator in &self.0 {
            bytes.extend_from_slice(validator.key_id.as_bytes());
            bytes.push(validator.key.algorithm_byte());
            let length = u16::try_from(validator.key.as_bytes().len()).unwrap_or(u16::MAX);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(validator.key.as_bytes());
            bytes.extend_from_slice(validator.cosigner_key.as_bytes());
            bytes.extend_from_slice(&validator.power.to_be_bytes());
        }
        hash::hash(Domain::Validators, &[&bytes])
    }
}

fn checked(number: usize, given: &wire::Validator) -> Result<Validator, ValidatorsError> {
    let key = PublicKey::new(given.algorithm, &given.public_key).map_err(|e| match e {
        KeyError::Algorithm => ValidatorsError::Algorithm(number),
        other => ValidatorsError::Key(number, other),
    })?;
    let cosigner = PublicKey::from_slice(&given.cosigner_key)
        .map_err(|e| ValidatorsError::Cosigner(number, e))?;
    if given.key_id != key.key_id().as_bytes() {
        return Err(ValidatorsError::KeyId(number));
    }
    if given.power == 0 {
        return Err(ValidatorsError::Power(number));
    }
    Ok(Validator { key_id: key.key_id(), key, cosigner_key: cosigner, power: given.power })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::suite::sign::PrivateKey;

    /// Validators with keys from seeds, and those keys, in the order of the set.
    pub(crate) fn set_of(seeds: &[u8]) -> (ValidatorSet, Vec<PrivateKey>) {
        let mut keys: Vec<PrivateKey> =
            seeds.iter().map(|seed| PrivateKey::from_seed(&[*seed; 32])).collect();
        keys.sort_by_key(|key| key.public().key_id());
        let wire: Vec<_> = keys.iter().map(wire_of).collect();
        (ValidatorSet::from_wire(&wire).unwrap(), keys)
    }

    pub(crate) fn wire_of(key: &PrivateKey) -> wire::Validator {
        wire::Validator {
            key_id: key.public().key_id().to_vec(),
            algorithm: key.public().algorithm(),
            public_key: key.public().as_bytes().to_vec(),
            cosigner_key: PrivateKey::from_seed(&[99; 32]).public().as_bytes().to_vec(),
            power: 1,
        }
    }

    #[test]
    fn sets_are_checked() {
        let (set, keys) = set_of(&[1, 2, 3, 4]);
        assert!(!set.is_quorum(2));
        assert!(set.is_quorum(3));
        assert_eq!(set.get(&keys[2].public().key_id()).unwrap().power, 1);
        let mut wire: Vec<_> = keys.iter().map(wire_of).collect();
        wire.swap(0, 1);
        assert_eq!(ValidatorSet::from_wire(&wire), Err(ValidatorsError::Order(1)));
        wire.swap(0, 1);
        wire[3] = wire[2].clone();
        assert_eq!(ValidatorSet::from_wire(&wire), Err(ValidatorsError::Order(3)));
        wire[3].power = 0;
        assert_eq!(ValidatorSet::from_wire(&wire), Err(ValidatorsError::Power(3)));
        assert_eq!(ValidatorSet::from_wire(&[]), Err(ValidatorsError::Count(0)));
    }

    /// What the ledger takes the engine can count: three times the power of all.
    #[test]
    fn power_is_bounded() {
        let mut wire: Vec<_> = set_of(&[1, 2, 3, 4]).1.iter().map(wire_of).collect();
        wire[3].power = TOTAL_POWER - 3;
        let set = ValidatorSet::from_wire(&wire).unwrap();
        assert!(set.total_power() * 3 <= u128::from(u64::MAX));
        for power in [TOTAL_POWER - 2, 1 << 63, u64::MAX] {
            wire[3].power = power;
            let found = ValidatorSet::from_wire(&wire);
            assert_eq!(found, Err(ValidatorsError::TotalPower(3 + u128::from(power))));
        }
    }
}
