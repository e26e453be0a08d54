//! The anchor: a header that the validators of its height certified, reached from genesis.

use super::{NotVerified, invalid};
use crate::block::{Header, PROTOCOL, SUITE};
use crate::certificate;
use crate::founding::Founding;
use crate::types::{Height, limits};
use crate::validators::ValidatorSet;
use crate::wire;

/// Verifies the anchor and gives its header.
pub(super) fn verify(
    founding: &Founding,
    anchor: Option<&wire::Anchor>,
) -> Result<Header, NotVerified> {
    let anchor = anchor.ok_or_else(|| invalid("anchor.none", "the proof has no anchor"))?;
    if anchor.changes.len() > limits::TRACE_CHANGES {
        return Err(invalid("anchor.changes", "too many changes of validators"));
    }
    let header = parse(founding, &anchor.header)?;
    if header.height == Height::GENESIS {
        let founded = header == founding.header()
            && anchor.certificate.is_none()
            && anchor.changes.is_empty();
        return if founded {
            Ok(header)
        } else {
            Err(invalid("anchor.genesis", "header 0 is not that of the founding document"))
        };
    }
    let mut validators = founding.validators().clone();
    let mut reached = Height::GENESIS;
    for change in &anchor.changes {
        let changing = parse(founding, &change.header)?;
        if changing.height <= reached || changing.height >= header.height {
            return Err(invalid("anchor.changes", "changes of validators are out of order"));
        }
        certified(&changing, change.certificate.as_ref(), &validators)?;
        let next = change.next.as_ref().map_or(&[] as &[_], |set| &set.validators);
        let next = ValidatorSet::from_wire(next).map_err(|e| invalid("anchor.validators", e))?;
        if next.hash() != changing.next_validators_hash || next == validators {
            return Err(invalid("anchor.validators", "not the validators that the header names"));
        }
        validators = next;
        reached = changing.height;
    }
    certified(&header, anchor.certificate.as_ref(), &validators)?;
    Ok(header)
}

/// Reads a header of this chain. A protocol or suite that this program does not know is
/// undecidable, not invalid.
pub(super) fn parse(founding: &Founding, bytes: &[u8]) -> Result<Header, NotVerified> {
    let header = Header::from_bytes(bytes).map_err(|e| invalid("header.malformed", e))?;
    if header.protocol != PROTOCOL || header.suite != SUITE {
        let (protocol, suite) = (header.protocol, header.suite);
        return Err(NotVerified::Undecidable(format!(
            "a program that knows protocol {protocol}, suite {suite}"
        )));
    }
    if header.chain != founding.chain() {
        return Err(invalid("chain.other", "a header of another chain"));
    }
    Ok(header)
}

fn certified(
    header: &Header,
    certificate: Option<&wire::Certificate>,
    validators: &ValidatorSet,
) -> Result<(), NotVerified> {
    if header.validators_hash != validators.hash() {
        return Err(invalid("anchor.validators", "the header names other validators"));
    }
    let certificate =
        certificate.ok_or_else(|| invalid("certificate.none", "a header without a certificate"))?;
    certificate::verify(certificate, &header.chain, header.height, &header.block_id(), validators)
        .map_err(|e| invalid("certificate.bad", e))
}
