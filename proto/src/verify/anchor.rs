//! The anchor: a header that the validators of its height certified, reached from genesis or from a
//! checkpoint that the verifier trusts.

use super::{NotVerified, Trust, invalid};
use crate::header::{
    block::{Header, PROTOCOL, SUITE},
    certificate,
    checkpoint::Checkpoint,
    founding::Founding,
    validators::ValidatorSet,
};
use crate::merkle::{Sha256Log, inclusion as path};
use crate::types::{ChainId, Hash, Height, limits};
use crate::wire;

/// Verifies the anchor and gives its header.
pub(super) fn verify(
    trust: &Trust<'_>,
    anchor: Option<&wire::Anchor>,
) -> Result<Header, NotVerified> {
    reached(trust, anchor).map(|(header, _)| header)
}

/// The same, and who certified that header: the validators of its height.
pub(super) fn reached(
    trust: &Trust<'_>,
    anchor: Option<&wire::Anchor>,
) -> Result<(Header, ValidatorSet), NotVerified> {
    let anchor = anchor.ok_or_else(|| invalid("anchor.none", "the proof has no anchor"))?;
    if anchor.changes.len() > limits::TRACE_CHANGES {
        return Err(invalid("file.limits", "too many changes of validators"));
    }
    let header = parse(&trust.chain(), &anchor.header)?;
    let (mut validators, mut reached) = match trust {
        Trust::Genesis(founding) if header.height == Height::GENESIS => {
            let header = founded(founding, header, anchor)?;
            return Ok((header, founding.validators().clone()));
        }
        Trust::Genesis(founding) => match &anchor.pin {
            None => (founding.validators().clone(), Height::GENESIS),
            Some(pin) => {
                let size = pin.size;
                return Err(NotVerified::Undecidable(format!(
                    "a proof from genesis on; this one is for who trusts the checkpoint of size \
                     {size}"
                )));
            }
        },
        Trust::Checkpoint(pinned) => begin(pinned, &header, anchor.pin.as_ref())?,
    };
    for change in &anchor.changes {
        let changing = parse(&header.chain, &change.header)?;
        if changing.height <= reached || changing.height >= header.height {
            return Err(invalid("anchor.changes", "changes of validators are out of order"));
        }
        certified(&changing, change.certificate.as_ref(), &validators)?;
        let next = named(&changing, change.next.as_ref())?;
        if next == validators {
            return Err(invalid("anchor.validators", "a change of validators that is none"));
        }
        validators = next;
        reached = changing.height;
    }
    certified(&header, anchor.certificate.as_ref(), &validators)?;
    Ok((header, validators))
}

/// Header 0 is known from the founding document, and nobody certified it.
fn founded(
    founding: &Founding,
    header: Header,
    anchor: &wire::Anchor,
) -> Result<Header, NotVerified> {
    let alone = anchor.certificate.is_none() && anchor.changes.is_empty() && anchor.pin.is_none();
    if alone && header == founding.header() {
        Ok(header)
    } else {
        Err(invalid("anchor.genesis", "header 0 is not that of the founding document"))
    }
}

/// The validators behind the last header of a checkpoint, and that header's height.
fn begin(
    pinned: &Checkpoint,
    anchor: &Header,
    pin: Option<&wire::Pin>,
) -> Result<(ValidatorSet, Height), NotVerified> {
    let size = pinned.size;
    let made_for =
        || NotVerified::Undecidable(format!("a proof for the checkpoint of size {size}"));
    let pin = pin.filter(|pin| pin.size == size).ok_or_else(made_for)?;
    let bad = |why: &str| invalid("anchor.pin", why);
    let last = parse(&pinned.chain, &pin.header)?;
    let up: Result<Vec<Hash>, _> = pin.path.iter().map(|it| Hash::from_slice(it)).collect();
    let up = up.map_err(|e| invalid("hash.length", e))?;
    let (number, id) = (last.height.get(), Hash::new(*last.block_id().as_bytes()));
    let known = path::root_from_path::<Sha256Log>(number, size, id, &up) == Some(pinned.root);
    if !known || number.checked_add(1) != Some(size) {
        return Err(bad("the header is not the checkpoint's last"));
    }
    if anchor.height <= last.height {
        let height = last.height;
        let above = format!("a proof anchored above height {height}, the checkpoint's last");
        return Err(NotVerified::Undecidable(above));
    }
    Ok((named(&last, pin.next.as_ref())?, last.height))
}

/// The validators that a header names for the next height.
fn named(header: &Header, set: Option<&wire::ValidatorSet>) -> Result<ValidatorSet, NotVerified> {
    let next = set.map_or(&[] as &[_], |set| &set.validators);
    let next = ValidatorSet::from_wire(next).map_err(|e| invalid("anchor.validators", e))?;
    if next.hash() == header.next_validators_hash {
        Ok(next)
    } else {
        Err(invalid("anchor.validators", "not the validators that the header names"))
    }
}

/// Reads a header of this chain. A protocol or suite that this program does not know is
/// undecidable, not invalid.
fn parse(chain: &ChainId, bytes: &[u8]) -> Result<Header, NotVerified> {
    let header = Header::from_bytes(bytes).map_err(|e| invalid("header.malformed", e))?;
    if header.protocol != PROTOCOL || header.suite != SUITE {
        let (protocol, suite) = (header.protocol, header.suite);
        return Err(NotVerified::Undecidable(format!(
            "a program that knows protocol {protocol}, suite {suite}"
        )));
    }
    if header.chain != *chain {
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
