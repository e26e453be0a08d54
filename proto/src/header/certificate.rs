//! Votes and certificates: how a header becomes the validators' word.

use crate::canonical::{self, CanonicalError};
use crate::header::validators::ValidatorSet;
use crate::suite::{
    hash::{self, Domain, line},
    sign::{Signed, verify_many},
};
use crate::types::{BlockId, ChainId, Hash, Height, KeyId, limits::CERTIFICATE_BYTES};
use crate::wire;
use prost::Message;

/// The two votes of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum VoteType {
    /// First.
    Prevote = 1,
    /// Second; these make a certificate.
    Precommit = 2,
}

/// The type of a proposal, where one stands beside votes.
pub const PROPOSAL: u32 = 3;

/// `liuhen/vote/v1` + newline ‖ chain id ‖ type u8 ‖ height u64 ‖ round u32 ‖ nil u8 ‖ block id
/// (zeros when nil).
pub fn vote_bytes(
    chain: &ChainId,
    vote: VoteType,
    height: Height,
    round: u32,
    block: Option<&BlockId>,
) -> Vec<u8> {
    [
        line::VOTE,
        chain.as_bytes(),
        &[vote as u8],
        &height.get().to_be_bytes(),
        &round.to_be_bytes(),
        &[u8::from(block.is_none())],
        block.unwrap_or(&BlockId::ZERO).as_bytes(),
    ]
    .concat()
}

/// `liuhen/proposal/v1` + newline ‖ chain id ‖ height u64 ‖ round i64 ‖ polka's round i64 (−1: none) ‖ block id ‖
/// proposer's key id.
pub fn proposal_bytes(
    chain: &ChainId,
    height: Height,
    round: u32,
    pol_round: Option<u32>,
    block: &BlockId,
    proposer: &KeyId,
) -> Vec<u8> {
    let pol_round = pol_round.map_or(-1, i64::from);
    [
        line::PROPOSAL,
        chain.as_bytes(),
        &height.get().to_be_bytes(),
        &i64::from(round).to_be_bytes(),
        &pol_round.to_be_bytes(),
        block.as_bytes(),
        proposer.as_bytes(),
    ]
    .concat()
}

/// Why a certificate does not certify.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Not a canonical message.
    #[error(transparent)]
    Encoding(#[from] CanonicalError),
    /// It is for another block.
    #[error("the certificate is for another block or height")]
    OtherBlock,
    /// Signatures out of order, or one twice.
    #[error("the signatures do not stand strictly ascending by key id")]
    Order,
    /// A signer that is not a validator of this height.
    #[error("{0} is no validator of this height")]
    UnknownSigner(KeyId),
    /// A signature that is not the validator's.
    #[error("the signature of validator {0} does not verify")]
    BadSignature(KeyId),
    /// Bytes that are no key id or signature.
    #[error("a signer or signature has the wrong length")]
    Malformed,
    /// Not more than two thirds.
    #[error("signed by {signed} of {total} of the power; more than two thirds are needed")]
    NoQuorum {
        /// The power that signed.
        signed: u128,
        /// All the power.
        total: u128,
    },
}

/// Decodes a certificate, which must be canonical and short.
pub fn decode(bytes: &[u8]) -> Result<wire::Certificate, CertificateError> {
    Ok(canonical::decode("certificate", bytes, CERTIFICATE_BYTES)?)
}

/// `H_cert` of a certificate's bytes: the next header's last commit. Zeros for no certificate.
pub fn commit_hash(certificate: Option<&wire::Certificate>) -> Hash {
    certificate.map_or(Hash::ZERO, |it| hash::hash(Domain::Certificate, &[&it.encode_to_vec()]))
}

/// Checks that more than two thirds of `validators` signed `block` at `height`. Any unknown,
/// repeated or bad signature is an error, whatever the rest amounts to.
pub fn verify(
    certificate: &wire::Certificate,
    chain: &ChainId,
    height: Height,
    block: &BlockId,
    validators: &ValidatorSet,
) -> Result<(), CertificateError> {
    if certificate.height != height.get() || certificate.block_id != block.as_bytes() {
        return Err(CertificateError::OtherBlock);
    }
    let message = vote_bytes(chain, VoteType::Precommit, height, certificate.round, Some(block));
    let mut signed = Vec::with_capacity(certificate.signatures.len().min(validators.all().len()));
    let mut power = 0u128;
    let mut before: Option<KeyId> = None;
    for entry in &certificate.signatures {
        let key_id = KeyId::from_slice(&entry.key_id).map_err(|_| CertificateError::Malformed)?;
        if before.is_some_and(|before| before >= key_id) {
            return Err(CertificateError::Order);
        }
        before = Some(key_id);
        let validator = validators.get(&key_id).ok_or(CertificateError::UnknownSigner(key_id))?;
        let signature =
            entry.signature.as_slice().try_into().map_err(|_| CertificateError::Malformed)?;
        signed.push((key_id, Signed { key: validator.key, message: &message, signature }));
        power = power.saturating_add(u128::from(validator.power));
    }
    let only: Vec<Signed<'_>> = signed.iter().map(|(_, it)| *it).collect();
    let bad = verify_many(&only).into_iter().position(|good| !good);
    if let Some((key_id, _)) = bad.and_then(|at| signed.get(at)) {
        return Err(CertificateError::BadSignature(*key_id));
    }
    if !validators.is_quorum(power) {
        let total = validators.total_power();
        return Err(CertificateError::NoQuorum { signed: power, total });
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::header::validators::tests::set_of;
    use crate::suite::sign::PrivateKey;

    /// A certificate by these keys, in their order.
    pub(crate) fn sign(
        keys: &[&PrivateKey],
        chain: &ChainId,
        height: Height,
        block: &BlockId,
    ) -> wire::Certificate {
        let message = vote_bytes(chain, VoteType::Precommit, height, 0, Some(block));
        let signatures = keys
            .iter()
            .map(|key| wire::CommitSignature {
                key_id: key.public().key_id().to_vec(),
                signature: key.sign(&message).to_vec(),
            })
            .collect();
        wire::Certificate { height: height.get(), round: 0, block_id: block.to_vec(), signatures }
    }

    #[test]
    fn only_a_true_quorum_certifies() {
        let (set, keys) = set_of(&[1, 2, 3, 4]);
        let (chain, height, block) = (ChainId::new([7; 32]), Height::new(5), BlockId::new([8; 32]));
        let check = |c: &wire::Certificate| verify(c, &chain, height, &block, &set);
        let good = sign(&[&keys[0], &keys[1], &keys[3]], &chain, height, &block);
        assert_eq!(check(&good), Ok(()));

        let few = sign(&[&keys[0], &keys[1]], &chain, height, &block);
        assert_eq!(check(&few), Err(CertificateError::NoQuorum { signed: 2, total: 4 }));
        let twice = sign(&[&keys[0], &keys[0], &keys[1]], &chain, height, &block);
        assert_eq!(check(&twice), Err(CertificateError::Order));
        let stranger = PrivateKey::from_seed(&[9; 32]);
        let mut strangers = vec![&keys[0], &keys[1], &keys[2], &stranger];
        strangers.sort_by_key(|key| key.public().key_id());
        let unknown = sign(&strangers, &chain, height, &block);
        assert!(matches!(check(&unknown), Err(CertificateError::UnknownSigner(_))));
        let other_chain =
            sign(&[&keys[0], &keys[1], &keys[2]], &ChainId::new([0; 32]), height, &block);
        assert!(matches!(check(&other_chain), Err(CertificateError::BadSignature(_))));
        let mut moved = good.clone();
        moved.height = 6;
        assert_eq!(check(&moved), Err(CertificateError::OtherBlock));
        let mut one_bad = sign(&[&keys[0], &keys[1], &keys[2], &keys[3]], &chain, height, &block);
        one_bad.signatures[2].signature[5] ^= 1;
        assert!(matches!(check(&one_bad), Err(CertificateError::BadSignature(_))));
    }

    #[test]
    fn vote_bytes_are_pinned() {
        let bytes =
            vote_bytes(&ChainId::new([1; 32]), VoteType::Precommit, Height::new(2), 3, None);
        let expected = format!(
            "{}{}02000000000000000200000003{}{}",
            hex::encode("liuhen/vote/v1\n"),
            "01".repeat(32),
            "01",
            "00".repeat(32)
        );
        assert_eq!(hex::encode(bytes), expected);
    }
}
